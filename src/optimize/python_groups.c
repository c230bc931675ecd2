/* SPDX-License-Identifier: Apache-2.0 */
/* python_groups.c - aggregates and windows of functions in Python, as relations over sorted rows. */
#include "optimize/python_groups.h"

#include <stdio.h>
#include <string.h>

#include "plan/plan_python.h"
#include "python/udf.h"

static const ch_python_udf *udf_of(const ch_expr *e)
{
    const ch_expr_call *c = (const void *)e;
    return e->kind == CH_EXPR_CALL && (c->func->flags & CH_FUNC_PYTHON)
               ? (const ch_python_udf *)(const void *)c->func
               : NULL;
}

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL && (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE);
}

static const ch_expr *made_by(const ch_expr *item)
{
    return item->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)item)->child : item;
}

/* ---- order -------------------------------------------------------------------------------- */

/* Ascending, NULL first. */
static ch_status add_order(const ch_analyze_context *ctx, ch_expr *e, ch_expr_list *out,
                           ch_error *err)
{
    ch_expr_sort_order *o;
    CH_AN_NEW(o, ch_expr_new(ctx->arena, CH_EXPR_SORT_ORDER, err));
    o->child = e;
    o->nulls_first = true;
    o->head.type = e->type;
    o->head.nullable = e->nullable;
    return ch_expr_list_add(ctx->arena, out, &o->head, err);
}

/* pmod(hash(keys), n): where Spark's shuffle takes a row. */
static ch_status partition_of(const ch_analyze_context *ctx, const ch_expr_list *keys,
                              ch_expr **out, ch_error *err)
{
    ch_expr **arg, *hash;
    CH_ARENA_ARRAY(arg, ctx->arena, keys->n, err);
    memcpy(arg, keys->item, sizeof *arg * (size_t)keys->n);
    CH_TRY(ch_call_make(ctx, "hash", arg, keys->n, &hash, err));
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    arg[0] = hash;
    CH_AN_NEW(arg[1], ch_make_int(ctx->arena, ctx->shuffle_partitions, err));
    return ch_call_make(ctx, "pmod", arg, 2, out, err);
}

ch_status ch_python_groups(const ch_analyze_context *ctx, ch_rel **input, const ch_expr_list *keys,
                           ch_expr *last, ch_error *err)
{
    ch_rel_sort *s;
    ch_expr *number = NULL;
    if (!keys->n && !last)
        return CH_OK;
    CH_AN_NEW(s, ch_rel_new(ctx->arena, CH_REL_SORT, err));
    if (keys->n) {
        CH_TRY(partition_of(ctx, keys, &number, err));
        CH_TRY(add_order(ctx, number, &s->order, err));
    }
    for (int32_t i = 0; i < keys->n; i++)
        CH_TRY(add_order(ctx, keys->item[i], &s->order, err));
    if (last)
        CH_TRY(add_order(ctx, last, &s->order, err));
    s->input = *input;
    s->is_global = true;
    s->limit = -1;
    s->n_whole = keys->n ? 1 + keys->n : 0;
    s->head.output = (*input)->output;
    *input = &s->head;
    return CH_OK;
}

/* A column for the expression: its own, or one that is added to the list of a project. */
static ch_status as_column(const ch_analyze_context *ctx, ch_expr_list *project, ch_expr *e,
                           ch_expr **out, ch_error *err)
{
    ch_expr_list one = {&e, 1};
    ch_attr_list made;
    *out = e;
    if (e->kind == CH_EXPR_ATTRIBUTE)
        return CH_OK;
    if (e->kind != CH_EXPR_ALIAS)
        CH_AN_NEW(e, ch_make_alias(ctx, e, "key", err));
    CH_TRY(ch_expr_list_add(ctx->arena, project, e, err));
    CH_TRY(ch_make_output(ctx->arena, &one, &made, err));
    CH_AN_NEW(*out, ch_make_ref(ctx->arena, made.item[0], err));
    return CH_OK;
}

/* A project with what was added to all columns of *input. */
static ch_status project_more(const ch_analyze_context *ctx, ch_rel **input,
                              const ch_expr_list *more, ch_error *err)
{
    ch_expr_list list = {0};
    if (!more->n)
        return CH_OK;
    CH_TRY(ch_make_refs(ctx->arena, &(*input)->output, &list, err));
    for (int32_t i = 0; i < more->n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &list, more->item[i], err));
    return ch_make_project(ctx->arena, *input, &list, input, err);
}

/* ---- aggregates cut in two ---------------------------------------------------------------- */

/*
 * An aggregate whose list has functions in Python over its results is cut in two:
 *
 *   Project [f(k), (g(_1) + 1) AS x]
 *   +- Aggregate [k], [k, sum(v) AS _1]
 */
typedef struct splitter {
    const ch_analyze_context *ctx;
    const ch_expr_list *grouping;
    ch_expr_list list; /* of the aggregate */
} splitter;

static ch_status column_of(splitter *s, ch_expr **child, ch_error *err)
{
    ch_expr *e = *child, *item = NULL;
    for (int32_t i = 0; i < s->list.n && !item; i++) {
        ch_expr *one = s->list.item[i];
        const ch_expr *made =
            one->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)one)->child : one;
        if (ch_expr_equal(made, e))
            item = one;
    }
    if (!item) {
        item = e;
        if (e->kind != CH_EXPR_ATTRIBUTE)
            CH_AN_NEW(item, ch_make_alias(s->ctx, e, "aggregate", err));
        CH_TRY(ch_expr_list_add(s->ctx->arena, &s->list, item, err));
    }
    ch_expr_list one = {&item, 1};
    ch_attr_list made;
    CH_TRY(ch_make_output(s->ctx->arena, &one, &made, err));
    CH_AN_NEW(*child, ch_make_ref(s->ctx->arena, made.item[0], err));
    return CH_OK;
}

static ch_status split(void *user, ch_expr **child, ch_error *err)
{
    splitter *s = user;
    if (is_aggregate(*child) || ch_expr_list_has(s->grouping, *child))
        return column_of(s, child, err);
    return ch_expr_map_children(s->ctx->arena, child, split, s, err);
}

ch_status ch_python_split(const ch_analyze_context *ctx, const ch_expr_list *grouping,
                          ch_expr_list *list, ch_expr_list *made, ch_error *err)
{
    splitter s = {.ctx = ctx, .grouping = grouping};
    ch_expr_list above = {0};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (e->kind == CH_EXPR_ALIAS) {
            ch_expr_alias *alias;
            CH_AN_NEW(alias, ch_expr_clone(ctx->arena, e, err));
            CH_TRY(split(&s, &alias->child, err));
            e = &alias->head;
        } else {
            CH_TRY(split(&s, &e, err));
        }
        CH_TRY(ch_expr_list_add(ctx->arena, &above, e, err));
    }
    *list = above;
    *made = s.list;
    return CH_OK;
}

/* ---- aggregates --------------------------------------------------------------------------- */

static bool has_other_aggregate(const ch_expr *e)
{
    const ch_node_class *cls = ch_expr_class(e->kind);
    if (is_aggregate(e))
        return !udf_of(e);
    for (int i = 0; i < cls->n_fields; i++) {
        const char *at = (const char *)e + cls->field[i].offset;
        const ch_expr *child = cls->field[i].kind == CH_NODE_EXPR ? *(ch_expr *const *)at : NULL;
        const ch_expr_list *list = (const void *)at;
        if (child && has_other_aggregate(child))
            return true;
        for (int32_t k = 0; cls->field[i].kind == CH_NODE_EXPR_LIST && k < list->n; k++)
            if (has_other_aggregate(list->item[k]))
                return true;
    }
    return false;
}

/* The names of the functions, for the error. */
static ch_status mixed(const ch_expr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr *e = ((const ch_expr_alias *)list->item[i])->child;
        if (list->item[i]->kind == CH_EXPR_ALIAS && udf_of(e)) {
            char text[256];
            snprintf(text, sizeof text, "`%s`", udf_of(e)->name);
            CH_FAIL(err, PANDAS_UDF_PLACEMENT, "functionList", text);
        }
    }
    CH_FAIL(err, PANDAS_UDF_PLACEMENT, "functionList", "");
}

/* Those of the list, which one worker must be able to run together. */
static ch_status functions_of(const ch_analyze_context *ctx, const ch_expr_list *list,
                              ch_expr_list *out, ch_error *err)
{
    int32_t kind = 0;
    for (int32_t i = 0; i < list->n; i++) {
        const ch_python_udf *udf = udf_of(made_by(list->item[i]));
        if (!udf)
            continue;
        if (kind && (udf->eval_type != kind || ch_python_is_iterator(kind)))
            CH_FAIL(
                err, UNSUPPORTED, "feature",
                "Aggregate functions in Python of several kinds, or over iterators, in one place");
        kind = udf->eval_type;
        CH_TRY(ch_expr_list_add(ctx->arena, out, list->item[i], err));
    }
    return CH_OK;
}

ch_status ch_python_aggregate(const ch_analyze_context *ctx, const ch_rel_aggregate *g,
                              ch_rel **rel, ch_error *err)
{
    ch_rel_aggregate_python *p;
    ch_expr_list above = g->aggregates, made, more = {0}, all = {0};
    for (int32_t i = 0; i < g->aggregates.n; i++)
        if (has_other_aggregate(g->aggregates.item[i]))
            return mixed(&g->aggregates, err);
    CH_TRY(ch_python_split(ctx, &g->grouping, &above, &made, err));
    CH_AN_NEW(p, ch_rel_new(ctx->arena, CH_REL_AGGREGATE_PYTHON, err));
    p->input = g->input;
    for (int32_t i = 0; i < g->grouping.n; i++) {
        ch_expr *e = g->grouping.item[i];
        for (int32_t k = 0; k < made.n; k++)
            if (ch_expr_equal(made_by(made.item[k]), e))
                e = made.item[k];
        CH_TRY(as_column(ctx, &more, e, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &p->grouping, e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &all, e, err));
    }
    CH_TRY(project_more(ctx, &p->input, &more, err));
    CH_TRY(functions_of(ctx, &made, &p->functions, err));
    CH_TRY(ch_python_groups(ctx, &p->input, &p->grouping, NULL, err));
    for (int32_t i = 0; i < p->functions.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &all, p->functions.item[i], err));
    CH_TRY(ch_make_output(ctx->arena, &all, &p->head.output, err));
    return ch_make_project(ctx->arena, &p->head, &above, rel, err);
}

/* ---- windows ------------------------------------------------------------------------------ */

static bool is_unbounded(const ch_expr_window *w)
{
    return w->lower == CH_BOUND_UNBOUNDED && w->upper == CH_BOUND_UNBOUNDED;
}

/* name(arg) over w's rows: an Alias of a Window; *column what it makes. arg NULL: name(). */
static ch_status over(const ch_analyze_context *ctx, const ch_expr_window *w, const char *name,
                      ch_expr *arg, ch_expr_list *functions, ch_expr **column, ch_error *err)
{
    ch_expr_window *copy;
    ch_expr *alias, **args;
    ch_attr_list made;
    CH_AN_NEW(copy, ch_expr_clone(ctx->arena, &w->head, err));
    CH_ARENA_ARRAY(args, ctx->arena, 1, err);
    args[0] = arg;
    CH_TRY(ch_call_make(ctx, name, args, arg != NULL, &copy->function, err));
    copy->head.type = copy->function->type;
    copy->head.nullable = copy->function->nullable;
    CH_AN_NEW(alias, ch_make_alias(ctx, &copy->head, name, err));
    CH_TRY(ch_expr_list_add(ctx->arena, functions, alias, err));
    ch_expr_list one = {&alias, 1};
    CH_TRY(ch_make_output(ctx->arena, &one, &made, err));
    CH_AN_NEW(*column, ch_make_ref(ctx->arena, made.item[0], err));
    return CH_OK;
}

/* One more Window on top of *input, like w but for its functions. */
static ch_status add_window(const ch_analyze_context *ctx, const ch_rel_window *w,
                            const ch_expr_list *functions, ch_rel **input, ch_error *err)
{
    ch_rel_window *copy;
    if (!functions->n)
        return CH_OK;
    CH_AN_NEW(copy, ch_rel_clone(ctx->arena, &w->head, err));
    copy->input = *input;
    copy->functions = *functions;
    CH_TRY(ch_make_window_output(ctx->arena, copy, err));
    *input = &copy->head;
    return CH_OK;
}

/* coalesce(column, 1) - 1, coalesce(column, 0): an empty frame is [0, 0). */
static ch_status bound_of(const ch_analyze_context *ctx, ch_expr *column, bool lower, ch_expr **out,
                          ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    arg[0] = column;
    CH_AN_NEW(arg[1], ch_make_int(ctx->arena, lower, err));
    CH_TRY(ch_call_make(ctx, "coalesce", arg, 2, out, err));
    if (!lower)
        return CH_OK;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    arg[0] = *out;
    CH_AN_NEW(arg[1], ch_make_int(ctx->arena, 1, err));
    return ch_call_make(ctx, "-", arg, 2, out, err);
}

/* The call with its frame's bounds before its own arguments; *lower and *upper are asked of a Window below. */
static ch_status window_function(const ch_analyze_context *ctx, const ch_expr_alias *alias,
                                 ch_expr *row_number, ch_expr_list *bounds, ch_expr **out,
                                 ch_error *err)
{
    const ch_expr_window *w = (const void *)alias->child;
    ch_expr_call *call;
    ch_expr_alias *named;
    ch_expr *lower, *upper;
    ch_expr_list args = {0};
    CH_AN_NEW(call, ch_expr_clone(ctx->arena, w->function, err));
    CH_AN_NEW(named, ch_expr_clone(ctx->arena, &alias->head, err));
    if (!is_unbounded(w)) {
        CH_TRY(over(ctx, w, "min", row_number, bounds, &lower, err));
        CH_TRY(over(ctx, w, "max", row_number, bounds, &upper, err));
        CH_TRY(bound_of(ctx, lower, true, &lower, err));
        CH_TRY(bound_of(ctx, upper, false, &upper, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &args, lower, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &args, upper, err));
    }
    for (int32_t i = 0; i < call->args.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &args, call->args.item[i], err));
    call->args = args;
    named->child = &call->head;
    *out = &named->head;
    return CH_OK;
}

static const ch_expr_window *python_window(const ch_expr *item)
{
    const ch_expr_window *w = (const void *)made_by(item);
    return w->head.kind == CH_EXPR_WINDOW && udf_of(w->function) ? w : NULL;
}

ch_status ch_python_window(const ch_analyze_context *ctx, const ch_rel_window *w, ch_rel **rel,
                           ch_error *err)
{
    ch_rel_window_python *p;
    ch_expr_list others = {0}, first = {0}, bounds = {0}, more = {0}, list = {0};
    ch_expr_window number = {.head = {.kind = CH_EXPR_WINDOW, .start = -1, .stop = -1},
                             .partition = w->partition,
                             .order = w->order,
                             .frame = CH_FRAME_ROW,
                             .lower = CH_BOUND_UNBOUNDED,
                             .upper = CH_BOUND_CURRENT_ROW};
    ch_expr *row_number, *e;
    ch_attr_list made;
    CH_AN_NEW(p, ch_rel_new(ctx->arena, CH_REL_WINDOW_PYTHON, err));
    p->input = w->input;
    p->bounds = "";
    CH_TRY(over(ctx, &number, "row_number", NULL, &first, &row_number, err));
    for (int32_t i = 0; i < w->functions.n; i++) {
        const ch_expr_window *f = python_window(w->functions.item[i]);
        if (!f) {
            CH_TRY(ch_expr_list_add(ctx->arena, &others, w->functions.item[i], err));
            continue;
        }
        CH_AN_NEW(p->bounds,
                  ch_arena_printf(ctx->arena, err, "%s%s%s", p->bounds, *p->bounds ? "," : "",
                                  is_unbounded(f) ? "unbounded" : "bounded"));
        CH_TRY(
            window_function(ctx, (const void *)w->functions.item[i], row_number, &bounds, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    CH_TRY(functions_of(ctx, &list, &p->functions, err));
    CH_TRY(add_window(ctx, w, &others, &p->input, err));
    CH_TRY(add_window(ctx, w, &first, &p->input, err));
    CH_TRY(add_window(ctx, w, &bounds, &p->input, err));
    for (int32_t i = 0; i < w->partition.n; i++) {
        CH_TRY(as_column(ctx, &more, w->partition.item[i], &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &p->partition, e, err));
    }
    CH_TRY(project_more(ctx, &p->input, &more, err));
    CH_TRY(ch_python_groups(ctx, &p->input, &p->partition, row_number, err));
    CH_TRY(ch_make_output(ctx->arena, &p->functions, &made, err));
    p->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < p->input->output.n; i++)
        CH_TRY(ch_attr_list_add(ctx->arena, &p->head.output, p->input->output.item[i], err));
    for (int32_t i = 0; i < made.n; i++)
        CH_TRY(ch_attr_list_add(ctx->arena, &p->head.output, made.item[i], err));
    *rel = &p->head;
    return CH_OK;
}
