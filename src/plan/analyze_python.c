/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_python.c - calls of functions in Python, and the relations that such functions make. */
#include <string.h>

#include "plan/analyzer.h"
#include "plan/plan_python.h"
#include "plan/print.h"
#include "python/udf.h"

/* ---- calls -------------------------------------------------------------------------------- */

static ch_status check(ch_analyzer *a, const ch_an_scope *scope,
                       const ch_expr_unresolved_function *f, const ch_python_udf *udf, bool over,
                       ch_error *err)
{
    bool aggregate = (udf->func.flags & CH_FUNC_AGGREGATE) != 0;
    const char *syntax = f->filter         ? "FILTER CLAUSE"
                         : f->is_distinct  ? "DISTINCT"
                         : f->ignore_nulls ? "IGNORE NULLS"
                                           : NULL;
    char *text;
    CH_AN_NEW(text, ch_arena_printf(a->arena, err, "`%s`", udf->name));
    if (syntax)
        CH_AN_FAIL(a, &f->head, err, FUNCTION_SYNTAX, "prettyName", text, "syntax", syntax);
    if (ch_python_is_table(udf->eval_type))
        CH_AN_FAIL(a, &f->head, err, NOT_A_SCALAR_FUNCTION, "functionName", text);
    if (scope->lambda)
        CH_AN_FAIL(a, &f->head, err, LAMBDA_WITH_PYTHON, "funcName", text);
    if (aggregate && !over && scope->in_aggregate)
        CH_AN_FAIL(a, &f->head, err, NESTED_AGGREGATE, "sqlExpr",
                   ch_expr_sql(a->arena, &f->head, err));
    if (!ch_python_is_scalar(udf->eval_type) && !aggregate)
        CH_AN_FAIL(a, &f->head, err, UNSUPPORTED, "feature",
                   "A Python function of this kind in an expression");
    return CH_OK;
}

/* A name stays with its argument; a star becomes columns. */
static ch_status add_argument(ch_analyzer *a, ch_an_scope *scope, ch_expr *in, ch_expr_list *out,
                              ch_error *err)
{
    ch_expr_list one = {&in, 1}, made = {0};
    if (in->kind != CH_EXPR_NAMED_ARGUMENT) {
        CH_TRY(ch_an_exprs(a, scope, &one, &made, err));
        for (int32_t i = 0; i < made.n; i++) {
            ch_expr *e = made.item[i];
            if (e->kind == CH_EXPR_ALIAS)
                e = ((ch_expr_alias *)e)->child;
            CH_TRY(ch_expr_list_add(a->arena, out, e, err));
        }
        return CH_OK;
    }
    ch_expr_named_argument *n;
    CH_AN_NEW(n, ch_expr_clone(a->arena, in, err));
    CH_TRY(ch_an_expr(a, scope, n->value, &n->value, err));
    if (n->value->kind == CH_EXPR_ALIAS)
        n->value = ((ch_expr_alias *)n->value)->child;
    n->head.type = n->value->type;
    n->head.nullable = n->value->nullable;
    return ch_expr_list_add(a->arena, out, &n->head, err);
}

ch_status ch_an_python_arguments(ch_analyzer *a, ch_an_scope *scope, const ch_expr_list *in,
                                 ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < in->n; i++)
        CH_TRY(add_argument(a, scope, in->item[i], out, err));
    return CH_OK;
}

ch_status ch_an_python_made(ch_analyzer *a, const ch_expr *at, const ch_python_udf *udf,
                            const ch_expr_list *args, ch_expr **out, ch_error *err)
{
    ch_expr_call *c;
    CH_AN_NEW(c, ch_expr_new(a->arena, CH_EXPR_CALL, err));
    c->head.start = at->start;
    c->head.stop = at->stop;
    c->head.type = udf->type;
    c->head.nullable = true;
    c->func = &udf->func;
    c->name = udf->name;
    c->eval = (void *)udf->func.eval;
    c->args = *args;
    *out = &c->head;
    return CH_OK;
}

ch_status ch_an_python_call(ch_analyzer *a, ch_an_scope *scope,
                            const ch_expr_unresolved_function *f, const ch_python_udf *udf,
                            ch_expr **out, ch_error *err)
{
    bool over = scope->over == f;
    bool aggregate = (udf->func.flags & CH_FUNC_AGGREGATE) && !over;
    ch_expr_list args = {0};
    CH_TRY(check(a, scope, f, udf, over, err));
    scope->in_aggregate |= aggregate;
    if (aggregate)
        scope->aggregate = f;
    scope->over = NULL;
    ch_status status = ch_an_python_arguments(a, scope, &f->args, &args, err);
    if (aggregate)
        scope->in_aggregate = false;
    CH_TRY(status);
    return ch_an_python_made(a, &f->head, udf, &args, out, err);
}

/* ---- relations ---------------------------------------------------------------------------- */

/* The columns of the function's STRUCT. */
static ch_status output_of(ch_analyzer *a, const ch_python_udf *udf, ch_attr_list *out,
                           ch_error *err)
{
    const ch_type *t = udf->type;
    *out = (ch_attr_list){0};
    if (t->id != CH_STRUCT)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "a Python function of rows does not give a struct");
    for (int32_t i = 0; i < t->n_fields; i++) {
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, t->field[i].name, t->field[i].type,
                                     t->field[i].nullable, err));
        CH_TRY(ch_attr_list_add(a->arena, out, attr, err));
    }
    return CH_OK;
}

static const ch_python_udf *udf_of(const ch_expr *function)
{
    return function->kind == CH_EXPR_UNRESOLVED_FUNCTION
               ? ((const ch_expr_unresolved_function *)function)->python
               : NULL;
}

/* A function in Python of one of these kinds, 0 behind the last. */
static ch_status function_of(const ch_expr *function, const int32_t *kind,
                             const ch_python_udf **out, ch_error *err)
{
    *out = udf_of(function);
    if (!*out)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a relation of a function has none in Python");
    for (; *kind; kind++)
        if ((*out)->eval_type == *kind)
            return CH_OK;
    CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
            "a relation of a function has one of another kind (eval_type)");
}

static ch_status map_partitions(ch_analyzer *a, const ch_rel_map_partitions *in, ch_rel **out,
                                ch_error *err)
{
    static const int32_t KIND[] = {CH_PYTHON_MAP_PANDAS_ITER, CH_PYTHON_MAP_ARROW_ITER, 0};
    ch_rel_map_partitions *m;
    ch_expr_list args = {0};
    const ch_python_udf *udf;
    CH_TRY(function_of(in->function, KIND, &udf, err));
    CH_AN_NEW(m, ch_rel_clone(a->arena, &in->head, err));
    CH_TRY(ch_an_input(a, in->input, &m->input, err));
    CH_TRY(ch_make_refs(a->arena, &m->input->output, &args, err));
    CH_TRY(ch_an_python_made(a, in->function, udf, &args, &m->function, err));
    CH_TRY(output_of(a, udf, &m->head.output, err));
    *out = &m->head;
    return CH_OK;
}

/* Keys as columns of the input, which a project below makes of those that are none. */
static ch_status group_keys(ch_analyzer *a, const ch_expr_list *grouping, ch_rel **input,
                            ch_expr_list *keys, ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, *input, NULL, "GROUP BY");
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(a->arena, &(*input)->output, &list, err));
    for (int32_t i = 0; i < grouping->n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, &scope, grouping->item[i], &e, err));
        if (e->kind != CH_EXPR_ATTRIBUTE) {
            ch_expr_list one = {&e, 1};
            ch_attr_list made;
            CH_TRY(ch_an_named(a, grouping->item[i], e, &e, err));
            CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
            CH_TRY(ch_make_output(a->arena, &one, &made, err));
            CH_AN_NEW(e, ch_make_ref(a->arena, made.item[0], err));
        }
        CH_TRY(ch_expr_list_add(a->arena, keys, e, err));
    }
    return list.n > (*input)->output.n ? ch_make_project(a->arena, *input, &list, input, err)
                                       : CH_OK;
}

static ch_status group_map(ch_analyzer *a, const ch_rel_group_map *in, ch_rel **out, ch_error *err)
{
    static const int32_t KIND[] = {CH_PYTHON_GROUPED_MAP_PANDAS, CH_PYTHON_GROUPED_MAP_PANDAS_ITER,
                                   CH_PYTHON_GROUPED_MAP_ARROW, CH_PYTHON_GROUPED_MAP_ARROW_ITER,
                                   0};
    ch_rel_group_map *m;
    ch_expr_list args = {0};
    const ch_python_udf *udf;
    CH_TRY(function_of(in->function, KIND, &udf, err));
    CH_AN_NEW(m, ch_rel_clone(a->arena, &in->head, err));
    m->grouping = (ch_expr_list){0};
    CH_TRY(ch_an_input(a, in->input, &m->input, err));
    CH_TRY(ch_make_refs(a->arena, &m->input->output, &args, err));
    CH_TRY(group_keys(a, &in->grouping, &m->input, &m->grouping, err));
    CH_TRY(ch_an_python_made(a, in->function, udf, &args, &m->function, err));
    CH_TRY(output_of(a, udf, &m->head.output, err));
    *out = &m->head;
    return CH_OK;
}

/* Rows of both sides are compared by them. Spark stops in the middle, at best, where their types differ. */
static ch_status same_types(ch_analyzer *a, const ch_expr_list *left, const ch_expr_list *right,
                            ch_error *err)
{
    if (left->n != right->n)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "the sides of a cogroup are grouped by different numbers of columns");
    for (int32_t i = 0; i < left->n; i++) {
        const ch_type *l = left->item[i]->type, *r = right->item[i]->type;
        if (l == r)
            continue;
        char *text;
        CH_AN_NEW(text, ch_arena_printf(a->arena, err,
                                        "the sides of a cogroup are grouped by columns of "
                                        "different types, %s and %s",
                                        ch_type_quoted(a->arena, l, NULL),
                                        ch_type_quoted(a->arena, r, NULL)));
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", text);
    }
    return CH_OK;
}

static ch_status co_group_map(ch_analyzer *a, const ch_rel_co_group_map *in, ch_rel **out,
                              ch_error *err)
{
    static const int32_t KIND[] = {CH_PYTHON_COGROUPED_MAP_PANDAS, CH_PYTHON_COGROUPED_MAP_ARROW,
                                   0};
    ch_rel_co_group_map *m;
    ch_expr_list args = {0};
    const ch_python_udf *udf;
    CH_TRY(function_of(in->function, KIND, &udf, err));
    CH_AN_NEW(m, ch_rel_clone(a->arena, &in->head, err));
    m->input_grouping = m->other_grouping = (ch_expr_list){0};
    CH_TRY(ch_an_input(a, in->input, &m->input, err));
    CH_TRY(ch_an_input(a, in->other, &m->other, err));
    CH_TRY(ch_make_refs(a->arena, &m->input->output, &args, err));
    m->n_left = args.n;
    CH_TRY(ch_make_refs(a->arena, &m->other->output, &args, err));
    CH_TRY(group_keys(a, &in->input_grouping, &m->input, &m->input_grouping, err));
    CH_TRY(group_keys(a, &in->other_grouping, &m->other, &m->other_grouping, err));
    CH_TRY(same_types(a, &m->input_grouping, &m->other_grouping, err));
    CH_TRY(ch_an_python_made(a, in->function, udf, &args, &m->function, err));
    CH_TRY(output_of(a, udf, &m->head.output, err));
    *out = &m->head;
    return CH_OK;
}

ch_status ch_an_python_map(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    switch (rel->kind) {
    case CH_REL_MAP_PARTITIONS:
        return map_partitions(a, (const void *)rel, out, err);
    case CH_REL_GROUP_MAP:
        return group_map(a, (const void *)rel, out, err);
    default:
        return co_group_map(a, (const void *)rel, out, err);
    }
}
