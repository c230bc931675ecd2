/* SPDX-License-Identifier: Apache-2.0 */
/* expr_facts.c - what is true of a resolved expression, whatever the rows. */
#include "function/function.h"
#include "plan/analyze.h"
#include "plan/node.h"

/* Of those right below e. */
static bool any_child(const ch_expr *e, bool (*test)(const ch_expr *))
{
    const ch_node_class *cls = ch_expr_class(e->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        const char *at = (const char *)e + cls->field[i].offset;
        const ch_expr *one =
            cls->field[i].kind == CH_NODE_EXPR ? *(ch_expr *const *)(const void *)at : NULL;
        const ch_expr_list *list =
            cls->field[i].kind == CH_NODE_EXPR_LIST ? (const void *)at : NULL;
        if (one && test(one))
            return true;
        for (int32_t k = 0; list && k < list->n; k++)
            if (list->item[k] && test(list->item[k]))
                return true;
    }
    return false;
}

/* Does test hold for e or anything below it? The next level is looked at first: in a long chain that is often enough. */
static bool any(const ch_expr *e, bool (*test)(const ch_expr *))
{
    if (!e)
        return false;
    if (test(e) || any_child(e, test))
        return true;
    const ch_node_class *cls = ch_expr_class(e->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        const char *at = (const char *)e + cls->field[i].offset;
        if (cls->field[i].kind == CH_NODE_EXPR && any(*(ch_expr *const *)at, test))
            return true;
        if (cls->field[i].kind == CH_NODE_EXPR_LIST) {
            const ch_expr_list *list = (const void *)at;
            for (int32_t k = 0; k < list->n; k++)
                if (any(list->item[k], test))
                    return true;
        }
    }
    return false;
}

static uint32_t flags_of(const ch_expr *e)
{
    const ch_expr_call *c = (const void *)e;
    return e->kind == CH_EXPR_CALL && c->func ? c->func->flags : 0;
}

static bool is_nondeterministic(const ch_expr *e)
{
    return (flags_of(e) & CH_FUNC_NONDETERMINISTIC) != 0;
}

static bool may_fail(const ch_expr *e)
{
    if (e->kind == CH_EXPR_CAST) {
        const ch_expr_cast *c = (const void *)e;
        return c->eval_mode != CH_EVAL_TRY && c->eval_mode != CH_EVAL_LEGACY &&
               c->child->type != c->to && c->child->type->id != CH_NULL &&
               !(ch_type_is_integral(c->child->type) && ch_type_is_integral(c->to) &&
                 c->child->type->id < c->to->id) &&
               !(ch_type_is_integral(c->child->type) &&
                 (c->to->id == CH_FLOAT || c->to->id == CH_DOUBLE)) &&
               !ch_type_is_string(c->to);
    }
    if (e->kind == CH_EXPR_EXTRACT)
        return ((const ch_expr_extract *)e)->ordinal < 0;
    return (flags_of(e) & CH_FUNC_MAY_FAIL) != 0 || e->kind == CH_EXPR_SUBQUERY;
}

static bool is_aggregate(const ch_expr *e)
{
    return (flags_of(e) & CH_FUNC_AGGREGATE) != 0;
}

static bool is_not_constant(const ch_expr *e)
{
    switch (e->kind) {
    case CH_EXPR_LITERAL:
    case CH_EXPR_ALIAS:
    case CH_EXPR_INLINED:
    case CH_EXPR_CAST:
    case CH_EXPR_CASE:
    case CH_EXPR_EXTRACT:
        return false;
    case CH_EXPR_CALL:
        return (flags_of(e) & (CH_FUNC_NONDETERMINISTIC | CH_FUNC_AGGREGATE | CH_FUNC_WINDOW |
                               CH_FUNC_GENERATOR | CH_FUNC_PYTHON)) != 0;
    default:
        return true;
    }
}

bool ch_expr_is_deterministic(const ch_expr *expr)
{
    return !any(expr, is_nondeterministic);
}

bool ch_expr_may_fail(const ch_expr *expr)
{
    return any(expr, may_fail);
}

bool ch_expr_is_foldable(const ch_expr *expr)
{
    return !any(expr, is_not_constant);
}

static bool list_has_aggregate(const ch_expr_list *list)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_expr_has_aggregate(list->item[i]))
            return true;
    return false;
}

/* A window function over an aggregate function is not an aggregate itself; its arguments may be. */
static bool aggregates_or_window(const ch_expr *e)
{
    return is_aggregate(e) || e->kind == CH_EXPR_WINDOW;
}

static bool window_has_aggregate(const ch_expr_window *w)
{
    const ch_expr_call *f = (const void *)w->function;
    return (f->head.kind == CH_EXPR_CALL && list_has_aggregate(&f->args)) ||
           list_has_aggregate(&w->partition) || list_has_aggregate(&w->order);
}

/* Is there a call of an aggregate function in it, other than as a window function? */
static bool aggregate_in(const ch_expr *e)
{
    if (!any(e, aggregates_or_window))
        return false;
    if (e->kind == CH_EXPR_WINDOW)
        return window_has_aggregate((const void *)e);
    if (is_aggregate(e))
        return true;
    const ch_node_class *cls = ch_expr_class(e->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        const char *at = (const char *)e + cls->field[i].offset;
        if (cls->field[i].kind == CH_NODE_EXPR && ch_expr_has_aggregate(*(ch_expr *const *)at))
            return true;
        if (cls->field[i].kind == CH_NODE_EXPR_LIST && list_has_aggregate((const void *)at))
            return true;
    }
    return false;
}

bool ch_expr_has_aggregate(const ch_expr *expr)
{
    return aggregate_in(expr);
}

static bool is_window(const ch_expr *e)
{
    return e->kind == CH_EXPR_WINDOW;
}

bool ch_expr_has_window(const ch_expr *expr)
{
    return any(expr, is_window);
}

static bool is_python(const ch_expr *e)
{
    return (flags_of(e) & CH_FUNC_PYTHON) != 0;
}

bool ch_expr_has_python(const ch_expr *expr)
{
    return any(expr, is_python);
}

const ch_type *ch_rel_schema(const ch_rel *rel)
{
    ch_field field[16], *all = field;
    int32_t n = 0;
    ch_mem *mem = NULL;
    size_t bytes = sizeof *all * (size_t)(rel->output.n > 0 ? rel->output.n : 1);
    if (rel->output.n > 16) {
        mem = ch_mem_new(NULL, "schema", 0);
        all = mem ? ch_mem_alloc(mem, bytes, NULL) : NULL;
    }
    for (int32_t i = 0; all && i < rel->output.n; i++) {
        const ch_attr *a = rel->output.item[i];
        if (!a->hidden)
            all[n++] = (ch_field){a->name, a->type, a->nullable, a->metadata};
    }
    const ch_type *type = all ? ch_type_struct(all, n) : NULL;
    if (mem) {
        ch_mem_free(mem, all, bytes);
        ch_mem_close(mem);
    }
    return type;
}
