/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unnest_domain.c - a subquery computed for all rows around it at once.
 *
 *   D = the distinct values of the columns of the row around that the subquery q uses
 *
 *   leaf without such columns      Join Cross(D, leaf)
 *   Filter, Project, Sort          the same over their input, D's columns passed on
 *   Aggregate                      grouped by D's columns too; without GROUP BY every value of D has a row,
 *                                  for which the input may be empty:
 *                                  Project [if(found IS NULL, value of nothing, value)]
 *                                  +- Join LeftOuter(D, Aggregate [D], [..., true AS found])
 *   Join                           into the side that uses them, or both, joined on D's columns; an outer
 *                                  join always into the side whose rows are kept
 *   Union, Intersect, Except       into both sides
 *   Distinct                       by D's columns too
 *   Limit 1                        by D's columns, the first by its order: min_by or max_by of a struct
 *
 * and around it   Join on column <=> D's column.
 *
 * Neumann & Kemper, Unnesting arbitrary queries (2015), without the merging of D with equal columns, which
 * unnest_filters.c does where it is possible at all.
 */
#include <string.h>

#include "optimize/unnest.h"
#include "plan/plan_python.h"

/* A plan, and the columns of it that hold D's values. */
typedef struct pushed {
    ch_rel *rel;
    ch_attr_list domain;
} pushed;

typedef struct pusher {
    const ch_analyze_context *ctx;
    const ch_expr_subquery *s;
    ch_rel *domain;
} pusher;

static ch_status push(pusher *p, ch_rel *rel, pushed *out, ch_error *err);

/* ---- small parts --------------------------------------------------------------------------------------- */

static ch_status call(const ch_analyze_context *ctx, const char *name, ch_expr *a, ch_expr *b,
                      ch_expr *c, ch_expr **out, ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, ctx->arena, 3, err);
    arg[0] = a;
    arg[1] = b;
    arg[2] = c;
    return ch_call_make(ctx, name, arg, c ? 3 : b ? 2 : 1, out, err);
}

/* D under fresh ids: it may stand in one plan several times. */
static ch_status fresh_domain(pusher *p, pushed *out, ch_error *err)
{
    ch_expr_list list = {0};
    for (int32_t i = 0; i < p->domain->output.n; i++) {
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(p->ctx->arena, p->domain->output.item[i], err));
        CH_AN_NEW(e, ch_make_alias(p->ctx, e, p->domain->output.item[i]->name, err));
        CH_TRY(ch_expr_list_add(p->ctx->arena, &list, e, err));
    }
    CH_TRY(ch_make_project(p->ctx->arena, p->domain, &list, &out->rel, err));
    out->domain = out->rel->output;
    return CH_OK;
}

/* Columns of the row around become columns of `by`. */
static ch_status bind(const pusher *p, const ch_attr_list *by, ch_expr **expr, ch_error *err)
{
    ch_attr_list params = {p->s->param, p->s->outer.n};
    return ch_remap(p->ctx->arena, &params, by, expr, err);
}

static ch_status bind_list(const pusher *p, const ch_attr_list *by, const ch_expr_list *in,
                           ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < in->n; i++) {
        ch_expr *e = in->item[i];
        CH_TRY(bind(p, by, &e, err));
        CH_TRY(ch_expr_list_add(p->ctx->arena, out, e, err));
    }
    return CH_OK;
}

/* a[i] <=> b[i] for all i, added to list. */
static ch_status same_values(const ch_analyze_context *ctx, const ch_attr_list *a,
                             const ch_attr_list *b, ch_expr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < a->n; i++) {
        ch_expr *l, *r, *e;
        CH_AN_NEW(l, ch_make_ref(ctx->arena, a->item[i], err));
        CH_AN_NEW(r, ch_make_ref(ctx->arena, b->item[i], err));
        const char *op = l->nullable && r->nullable ? "<=>" : "=";
        CH_TRY(call(ctx, op, l, r, NULL, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, list, e, err));
    }
    return CH_OK;
}

static ch_status join_of(const ch_analyze_context *ctx, ch_rel *left, ch_rel *right,
                         ch_join_type type, const ch_expr_list *condition, ch_rel **out,
                         ch_error *err)
{
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_new(ctx->arena, CH_REL_JOIN, err));
    j->left = left;
    j->right = right;
    j->join_type = type;
    CH_TRY(ch_conjunction(ctx, condition, &j->condition, err));
    *out = &j->head;
    return ch_join_output(ctx->arena, j, err);
}

/* ---- one input ------------------------------------------------------------------------------------------- */

static ch_status leaf(pusher *p, ch_rel *rel, pushed *out, ch_error *err)
{
    static const ch_expr_list none;
    CH_TRY(fresh_domain(p, out, err));
    if (rel->kind == CH_REL_ONE_ROW)
        return CH_OK;
    return join_of(p->ctx, out->rel, rel, CH_JOIN_CROSS, &none, &out->rel, err);
}

static ch_status push_filter(pusher *p, const ch_rel_filter *f, pushed *out, ch_error *err)
{
    ch_expr_list parts = {0}, bound = {0};
    CH_TRY(push(p, f->input, out, err));
    CH_TRY(ch_conjuncts(p->ctx->arena, f->condition, &parts, err));
    CH_TRY(bind_list(p, &out->domain, &parts, &bound, err));
    return ch_add_filter(p->ctx, &bound, &out->rel, err);
}

static ch_status push_project(pusher *p, const ch_rel_project *in, pushed *out, ch_error *err)
{
    ch_expr_list list = {0};
    CH_TRY(push(p, in->input, out, err));
    CH_TRY(bind_list(p, &out->domain, &in->expressions, &list, err));
    /* A column of the row around that the list gives as it is has lost its id. */
    for (int32_t i = 0; i < list.n; i++) {
        const ch_attr *attr = in->head.output.item[i];
        ch_expr_alias *alias;
        if (list.item[i]->kind != CH_EXPR_ATTRIBUTE ||
            ((const ch_expr_attribute *)list.item[i])->attr->id == attr->id)
            continue;
        CH_AN_NEW(alias, (ch_expr_alias *)ch_make_alias(p->ctx, list.item[i], attr->name, err));
        alias->id = attr->id;
        list.item[i] = &alias->head;
    }
    CH_TRY(ch_make_refs(p->ctx->arena, &out->domain, &list, err));
    return ch_make_project(p->ctx->arena, out->rel, &list, &out->rel, err);
}

static ch_status refuse(const pusher *p, const ch_rel *rel, ch_error *err)
{
    CH_FAIL(err, UNSUPPORTED, "feature",
            ch_arena_printf(p->ctx->arena, err,
                            "%s in a subquery that uses columns of the query around it",
                            ch_rel_class(rel->kind)->name));
}

/* A table function in Python is called for D's rows, which stand beside what it makes of them. */
static ch_status push_table(pusher *p, const ch_rel_table_python *in, pushed *out, ch_error *err)
{
    ch_arena *arena = p->ctx->arena;
    ch_rel_table_python *t;
    if (in->is_whole || *in->tables)
        return refuse(p, &in->head, err);
    CH_TRY(push(p, in->input, out, err));
    CH_AN_NEW(t, ch_rel_clone(arena, &in->head, err));
    t->input = out->rel;
    CH_TRY(bind(p, &out->domain, &t->function, err));
    t->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < out->domain.n; i++)
        CH_TRY(ch_attr_list_add(arena, &t->head.output, out->domain.item[i], err));
    for (int32_t i = 0; i < in->head.output.n; i++)
        CH_TRY(ch_attr_list_add(arena, &t->head.output, in->head.output.item[i], err));
    out->rel = &t->head;
    return CH_OK;
}

static ch_status nothing(void *user, ch_expr **child, ch_error *err)
{
    const ch_analyze_context *ctx = user;
    const ch_expr_call *c = (const void *)*child;
    if ((*child)->kind != CH_EXPR_CALL || !(c->func->flags & CH_FUNC_AGGREGATE))
        return ch_expr_map_children(ctx->arena, child, nothing, user, err);
    const ch_type *type = (*child)->type;
    ch_scalar v = {.type = type, .is_null = (*child)->nullable};
    if (!v.is_null && type->id != CH_LONG && type->id != CH_ARRAY)
        CH_FAIL(err, UNSUPPORTED, "feature",
                ch_arena_printf(ctx->arena, err, "%s() in a subquery of this kind", c->name));
    CH_AN_NEW(*child, ch_make_literal(ctx->arena, &v, err));
    return CH_OK;
}

ch_status ch_unnest_of_nothing(const ch_analyze_context *ctx, ch_expr **expr, ch_error *err)
{
    return nothing((void *)ctx, expr, err);
}

/* Without GROUP BY: a row for each value of D. */
static ch_status push_global(pusher *p, const ch_rel_aggregate *in, ch_rel_aggregate *g,
                             const ch_attr_list *keys, pushed *out, ch_error *err)
{
    const ch_analyze_context *ctx = p->ctx;
    pushed all;
    ch_expr *found, *missing;
    ch_expr_list condition = {0}, list = {0};
    CH_AN_NEW(found, ch_make_boolean(ctx->arena, true, err));
    CH_AN_NEW(found, ch_make_alias(ctx, found, "found", err));
    CH_TRY(ch_expr_list_add(ctx->arena, &g->aggregates, found, err));
    CH_TRY(ch_make_output(ctx->arena, &g->aggregates, &g->head.output, err));
    CH_TRY(fresh_domain(p, &all, err));
    CH_TRY(same_values(ctx, &all.domain, keys, &condition, err));
    CH_TRY(join_of(ctx, all.rel, &g->head, CH_JOIN_LEFT_OUTER, &condition, &out->rel, err));
    const ch_attr_list *have = &out->rel->output;
    for (int32_t i = 0; i < in->aggregates.n; i++) {
        ch_expr *value, *e = in->aggregates.item[i];
        const ch_attr *attr = in->head.output.item[i];
        ch_expr_alias *alias;
        CH_AN_NEW(value, ch_make_ref(ctx->arena, ch_attr_list_find(have, attr->id), err));
        e = e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
        CH_TRY(ch_unnest_of_nothing(ctx, &e, err));
        CH_TRY(bind(p, &all.domain, &e, err));
        CH_AN_NEW(missing, ch_make_ref(ctx->arena, have->item[have->n - 1], err));
        CH_TRY(call(ctx, "isnull", missing, NULL, NULL, &missing, err));
        CH_TRY(call(ctx, "if", missing, e, value, &value, err));
        CH_AN_NEW(alias, (ch_expr_alias *)ch_make_alias(ctx, value, attr->name, err));
        alias->id = attr->id;
        CH_TRY(ch_expr_list_add(ctx->arena, &list, &alias->head, err));
    }
    CH_TRY(ch_make_refs(ctx->arena, &all.domain, &list, err));
    out->domain = all.domain;
    return ch_make_project(ctx->arena, out->rel, &list, &out->rel, err);
}

static ch_status push_aggregate(pusher *p, const ch_rel_aggregate *in, pushed *out, ch_error *err)
{
    ch_rel_aggregate *g;
    pushed below;
    CH_AN_NEW(g, ch_rel_clone(p->ctx->arena, &in->head, err));
    CH_TRY(push(p, in->input, &below, err));
    g->input = below.rel;
    g->grouping = g->aggregates = (ch_expr_list){0};
    CH_TRY(bind_list(p, &below.domain, &in->grouping, &g->grouping, err));
    CH_TRY(bind_list(p, &below.domain, &in->aggregates, &g->aggregates, err));
    CH_TRY(ch_make_refs(p->ctx->arena, &below.domain, &g->grouping, err));
    CH_TRY(ch_make_refs(p->ctx->arena, &below.domain, &g->aggregates, err));
    CH_TRY(ch_make_output(p->ctx->arena, &g->aggregates, &g->head.output, err));
    if (!in->grouping.n)
        return push_global(p, in, g, &below.domain, out, err);
    *out = (pushed){&g->head, below.domain};
    return CH_OK;
}

static ch_status push_distinct(pusher *p, const ch_rel_deduplicate *in, pushed *out, ch_error *err)
{
    ch_rel_deduplicate *d;
    CH_TRY(push(p, in->input, out, err));
    CH_AN_NEW(d, ch_rel_clone(p->ctx->arena, &in->head, err));
    d->columns = (ch_str_list){0};
    for (int32_t i = 0; i < in->columns.n; i++)
        CH_TRY(ch_str_list_add(p->ctx->arena, &d->columns, in->columns.item[i], err));
    for (int32_t i = 0; i < out->domain.n && !d->all_columns_as_keys; i++)
        CH_TRY(ch_str_list_add(p->ctx->arena, &d->columns, out->domain.item[i]->name, err));
    d->input = out->rel;
    d->head.output = out->rel->output;
    out->rel = &d->head;
    return CH_OK;
}

/* ---- LIMIT ----------------------------------------------------------------------------------------------- */

static ch_status struct_of(const ch_analyze_context *ctx, const ch_expr_list *values, ch_expr **out,
                           ch_error *err)
{
    ch_expr_list args = {0};
    for (int32_t i = 0; i < values->n; i++) {
        ch_scalar name = {.type = CH_T_STRING};
        ch_expr *e;
        CH_AN_NEW(name.v.str.text, ch_arena_printf(ctx->arena, err, "c%d", i));
        name.v.str.len = (int64_t)strlen(name.v.str.text);
        CH_AN_NEW(e, ch_make_literal(ctx->arena, &name, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &args, e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &args, values->item[i], err));
    }
    return ch_call_make(ctx, "named_struct", args.item, args.n, out, err);
}

/* The order as one value: ascending with NULLs first, or descending with NULLs last, as structs compare. */
static ch_status order_value(const pusher *p, const ch_rel_sort *sort, const ch_attr_list *domain,
                             ch_expr **out, bool *descending, ch_error *err)
{
    ch_expr_list keys = {0};
    for (int32_t i = 0; i < sort->order.n; i++) {
        const ch_expr_sort_order *o = (const void *)sort->order.item[i];
        ch_expr *e = o->child;
        if (i == 0)
            *descending = o->descending;
        CH_TRY(bind(p, domain, &e, err));
        CH_TRY(ch_expr_list_add(p->ctx->arena, &keys, e, err));
    }
    return struct_of(p->ctx, &keys, out, err);
}

/* Can the order be one value? */
static bool has_one_direction(const ch_rel_sort *sort)
{
    bool descending = ((const ch_expr_sort_order *)sort->order.item[0])->descending;
    for (int32_t i = 0; i < sort->order.n; i++) {
        const ch_expr_sort_order *o = (const void *)sort->order.item[i];
        if (o->descending != descending || o->nulls_first == o->descending)
            return false;
    }
    return true;
}

/* row_number() OVER (PARTITION BY domain ORDER BY the sort's) as a column of *rel. */
static ch_status number_rows(const ch_analyze_context *ctx, const ch_attr_list *domain,
                             const ch_expr_list *order, ch_rel **rel, ch_error *err)
{
    ch_expr_window *over;
    ch_rel_window *w;
    ch_expr *number;
    CH_AN_NEW(over, ch_expr_new(ctx->arena, CH_EXPR_WINDOW, err));
    CH_TRY(ch_call_make(ctx, "row_number", NULL, 0, &over->function, err));
    over->head.type = over->function->type;
    over->frame = CH_FRAME_ROW;
    over->lower = CH_BOUND_UNBOUNDED;
    over->upper = CH_BOUND_CURRENT_ROW;
    CH_TRY(ch_make_refs(ctx->arena, domain, &over->partition, err));
    over->order = *order;
    CH_AN_NEW(number, ch_make_alias(ctx, &over->head, "row", err));
    CH_AN_NEW(w, ch_rel_new(ctx->arena, CH_REL_WINDOW, err));
    w->input = *rel;
    w->partition = over->partition;
    w->order = *order;
    w->limit = -1;
    CH_TRY(ch_expr_list_add(ctx->arena, &w->functions, number, err));
    CH_TRY(ch_make_window_output(ctx->arena, w, err));
    *rel = &w->head;
    return CH_OK;
}

static ch_status bound_of(const ch_analyze_context *ctx, const char *op, const ch_attr *number,
                          int64_t value, ch_expr_list *keep, ch_error *err)
{
    ch_scalar v = {.type = CH_T_LONG, .v.i64 = value};
    ch_expr *left, *right, *e;
    CH_AN_NEW(left, ch_make_ref(ctx->arena, number, err));
    CH_TRY(ch_make_cast(ctx->arena, &left, CH_T_LONG, err));
    CH_AN_NEW(right, ch_make_literal(ctx->arena, &v, err));
    CH_TRY(call(ctx, op, left, right, NULL, &e, err));
    return ch_expr_list_add(ctx->arena, keep, e, err);
}

/* Rows (skip, skip + limit] of each of D's values; limit -1: all behind skip. */
static ch_status push_rows(pusher *p, const ch_rel *rel, int64_t skip, int64_t limit, pushed *out,
                           ch_error *err)
{
    const ch_analyze_context *ctx = p->ctx;
    const ch_rel_sort *sort = rel->kind == CH_REL_SORT ? (const void *)rel : NULL;
    ch_attr_list columns = rel->output;
    ch_expr_list order = {0}, keep = {0}, list = {0};
    CH_TRY(push(p, sort ? sort->input : (ch_rel *)(uintptr_t)rel, out, err));
    if (sort)
        CH_TRY(bind_list(p, &out->domain, &sort->order, &order, err));
    CH_TRY(number_rows(ctx, &out->domain, &order, &out->rel, err));
    const ch_attr *number = out->rel->output.item[out->rel->output.n - 1];
    if (skip > 0)
        CH_TRY(bound_of(ctx, ">", number, skip, &keep, err));
    if (limit >= 0)
        CH_TRY(bound_of(ctx, "<=", number, limit > INT64_MAX - skip ? INT64_MAX : skip + limit,
                        &keep, err));
    CH_TRY(ch_add_filter(ctx, &keep, &out->rel, err));
    CH_TRY(ch_make_refs(ctx->arena, &columns, &list, err));
    CH_TRY(ch_make_refs(ctx->arena, &out->domain, &list, err));
    return ch_make_project(ctx->arena, out->rel, &list, &out->rel, err);
}

static ch_status push_first(pusher *p, ch_rel *rel, pushed *out, ch_error *err)
{
    const ch_analyze_context *ctx = p->ctx;
    const ch_rel_sort *sort = rel->kind == CH_REL_SORT ? (const void *)rel : NULL;
    ch_expr *row, *key = NULL, *one;
    ch_expr_list values = {0}, list = {0};
    ch_rel_aggregate *g;
    bool descending = false;
    pushed below;
    ch_attr_list columns = rel->output;
    CH_TRY(push(p, sort ? sort->input : rel, &below, err));
    CH_TRY(ch_make_refs(ctx->arena, &columns, &values, err));
    CH_TRY(struct_of(ctx, &values, &row, err));
    if (sort)
        CH_TRY(order_value(p, sort, &below.domain, &key, &descending, err));
    const char *func = !sort ? "first" : descending ? "max_by" : "min_by";
    CH_TRY(call(ctx, func, row, key, NULL, &row, err));
    CH_AN_NEW(row, ch_make_alias(ctx, row, "row", err));
    CH_AN_NEW(g, ch_rel_new(ctx->arena, CH_REL_AGGREGATE, err));
    g->input = below.rel;
    CH_TRY(ch_make_refs(ctx->arena, &below.domain, &g->grouping, err));
    CH_TRY(ch_make_refs(ctx->arena, &below.domain, &g->aggregates, err));
    CH_TRY(ch_expr_list_add(ctx->arena, &g->aggregates, row, err));
    CH_TRY(ch_make_output(ctx->arena, &g->aggregates, &g->head.output, err));
    CH_AN_NEW(one, ch_make_ref(ctx->arena, g->head.output.item[g->head.output.n - 1], err));
    for (int32_t i = 0; i < columns.n; i++) {
        ch_expr_extract *x;
        ch_expr_alias *alias;
        CH_AN_NEW(x, ch_expr_new(ctx->arena, CH_EXPR_EXTRACT, err));
        x->child = one;
        x->ordinal = i;
        x->head.type = columns.item[i]->type;
        x->head.nullable = true;
        CH_AN_NEW(alias, (ch_expr_alias *)ch_make_alias(ctx, &x->head, columns.item[i]->name, err));
        alias->id = columns.item[i]->id;
        CH_TRY(ch_expr_list_add(ctx->arena, &list, &alias->head, err));
    }
    CH_TRY(ch_make_refs(ctx->arena, &below.domain, &list, err));
    out->domain = below.domain;
    return ch_make_project(ctx->arena, &g->head, &list, &out->rel, err);
}

/* Limit and Offset over Project over x as Project over Limit and Offset over x: the order is below. */
static ch_status below_project(const pusher *p, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    ch_rel *input = ch_only_input(rel), *lower;
    *out = NULL;
    if (input->kind == CH_REL_OFFSET) {
        CH_TRY(below_project(p, input, &input, err));
        if (!input)
            return CH_OK;
    }
    if (input->kind != CH_REL_PROJECT)
        return CH_OK;
    CH_TRY(ch_with_input(p->ctx->arena, rel, ((const ch_rel_project *)input)->input, &lower, err));
    return ch_with_input(p->ctx->arena, input, lower, out, err);
}

static ch_status push_limit(pusher *p, const ch_rel_limit *l, pushed *out, ch_error *err)
{
    const ch_rel *input = l->input;
    ch_rel *project;
    CH_TRY(below_project(p, &l->head, &project, err));
    if (project)
        return push(p, project, out, err);
    bool mixed = input->kind == CH_REL_SORT && !has_one_direction((const ch_rel_sort *)input);
    if (l->head.kind == CH_REL_LIMIT && l->limit == 1 && input->kind != CH_REL_OFFSET && !mixed)
        return push_first(p, l->input, out, err);
    if (l->head.kind == CH_REL_LIMIT && l->limit == 0) {
        ch_expr *no;
        ch_expr_list list = {0};
        CH_AN_NEW(no, ch_make_boolean(p->ctx->arena, false, err));
        CH_TRY(ch_expr_list_add(p->ctx->arena, &list, no, err));
        CH_TRY(push(p, l->input, out, err));
        return ch_add_filter(p->ctx, &list, &out->rel, err);
    }
    if (l->head.kind == CH_REL_OFFSET)
        return push_rows(p, input, ((const ch_rel_offset *)(const void *)l)->offset, -1, out, err);
    int64_t skip = 0;
    if (input->kind == CH_REL_OFFSET) {
        skip = ((const ch_rel_offset *)input)->offset;
        input = ((const ch_rel_offset *)input)->input;
    }
    return push_rows(p, input, skip, l->limit, out, err);
}

/* ---- two inputs ---------------------------------------------------------------------------------------------- */

/* What the join keeps of a side, if anything, keeps D's values too. */
static ch_status push_join(pusher *p, const ch_rel_join *in, pushed *out, ch_error *err)
{
    const ch_analyze_context *ctx = p->ctx;
    ch_rel_join *j;
    pushed l = {in->left, {0}}, r = {in->right, {0}};
    if (in->lateral) {
        ch_rel *plain;
        CH_TRY(ch_unnest_lateral(ctx, in, &plain, err));
        return push(p, plain, out, err);
    }
    ch_join_type type = in->join_type;
    bool full = type == CH_JOIN_FULL_OUTER;
    bool inner = type == CH_JOIN_INNER || type == CH_JOIN_CROSS;
    bool to_left = ch_unnest_is_free(p->s, in->left), to_right = ch_unnest_is_free(p->s, in->right);
    if (!inner)
        to_left |= type != CH_JOIN_RIGHT_OUTER, to_right |= full || type == CH_JOIN_RIGHT_OUTER;
    else if (!to_left && !to_right)
        to_left = true;
    if (to_left)
        CH_TRY(push(p, in->left, &l, err));
    if (to_right)
        CH_TRY(push(p, in->right, &r, err));
    ch_expr_list condition = {0};
    bool by_right = !to_left || type == CH_JOIN_RIGHT_OUTER;
    out->domain = by_right ? r.domain : l.domain;
    if (in->condition) {
        ch_expr_list parts = {0};
        CH_TRY(ch_conjuncts(ctx->arena, in->condition, &parts, err));
        CH_TRY(bind_list(p, &out->domain, &parts, &condition, err));
    }
    if (to_left && to_right)
        CH_TRY(same_values(ctx, &l.domain, &r.domain, &condition, err));
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, &in->head, err));
    j->left = l.rel;
    j->right = r.rel;
    CH_TRY(ch_conjunction(ctx, &condition, &j->condition, err));
    if (type == CH_JOIN_CROSS && j->condition)
        j->join_type = CH_JOIN_INNER;
    CH_TRY(ch_join_output(ctx->arena, j, err));
    out->rel = &j->head;
    if (!full)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &j->head.output, &list, err));
    int32_t n = list.n;
    for (int32_t i = 0; i < l.domain.n; i++) {
        ch_expr *a, *b;
        CH_AN_NEW(a, ch_make_ref(ctx->arena, l.domain.item[i], err));
        CH_AN_NEW(b, ch_make_ref(ctx->arena, r.domain.item[i], err));
        CH_TRY(call(ctx, "coalesce", a, b, NULL, &a, err));
        CH_AN_NEW(a, ch_make_alias(ctx, a, l.domain.item[i]->name, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, a, err));
    }
    CH_TRY(ch_make_project(ctx->arena, out->rel, &list, &out->rel, err));
    out->domain = (ch_attr_list){out->rel->output.item + n, l.domain.n};
    return CH_OK;
}

/* Columns meet by position: the side's own, then D's. */
static ch_status arranged(pusher *p, ch_rel *side, pushed *out, ch_error *err)
{
    ch_expr_list list = {0};
    CH_TRY(push(p, side, out, err));
    for (int32_t i = 0; i < side->output.n; i++) {
        const ch_attr *attr = ch_attr_list_find(&out->rel->output, side->output.item[i]->id);
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(p->ctx->arena, attr, err));
        CH_TRY(ch_expr_list_add(p->ctx->arena, &list, e, err));
    }
    CH_TRY(ch_make_refs(p->ctx->arena, &out->domain, &list, err));
    return ch_make_project(p->ctx->arena, out->rel, &list, &out->rel, err);
}

static ch_status push_set(pusher *p, const ch_rel_set_operation *in, pushed *out, ch_error *err)
{
    ch_rel_set_operation *s;
    pushed l, r;
    ch_attr_list output = {0};
    CH_AN_NEW(s, ch_rel_clone(p->ctx->arena, &in->head, err));
    CH_TRY(arranged(p, in->left, &l, err));
    CH_TRY(arranged(p, in->right, &r, err));
    s->left = l.rel;
    s->right = r.rel;
    for (int32_t i = 0; i < in->head.output.n; i++)
        CH_TRY(ch_attr_list_add(p->ctx->arena, &output, in->head.output.item[i], err));
    for (int32_t i = 0; i < l.domain.n; i++) {
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(p->ctx, l.domain.item[i]->name, l.domain.item[i]->type,
                                     l.domain.item[i]->nullable, err));
        CH_TRY(ch_attr_list_add(p->ctx->arena, &output, attr, err));
    }
    s->head.output = output;
    *out = (pushed){&s->head, {output.item + in->head.output.n, l.domain.n}};
    return CH_OK;
}

static ch_status push(pusher *p, ch_rel *rel, pushed *out, ch_error *err)
{
    if (!ch_unnest_is_free(p->s, rel))
        return leaf(p, rel, out, err);
    switch (rel->kind) {
    case CH_REL_FILTER:
        return push_filter(p, (const void *)rel, out, err);
    case CH_REL_PROJECT:
        return push_project(p, (const void *)rel, out, err);
    case CH_REL_AGGREGATE:
        return push_aggregate(p, (const void *)rel, out, err);
    case CH_REL_DEDUPLICATE:
        return push_distinct(p, (const void *)rel, out, err);
    case CH_REL_JOIN:
        return push_join(p, (const void *)rel, out, err);
    case CH_REL_SET_OPERATION:
        return push_set(p, (const void *)rel, out, err);
    case CH_REL_LIMIT:
    case CH_REL_OFFSET:
        return push_limit(p, (const void *)rel, out, err);
    case CH_REL_SUBQUERY_ALIAS:
    case CH_REL_HINT:
    case CH_REL_REPARTITION:
    case CH_REL_SORT: /* without a LIMIT above, order means nothing here */
        return push(p, ch_only_input(rel), out, err);
    case CH_REL_TABLE_PYTHON:
        return push_table(p, (const void *)rel, out, err);
    default:
        return refuse(p, rel, err);
    }
}

/* ---- the whole -------------------------------------------------------------------------------------------- */

/* Aggregate [d0, d1] over Project [outer0 AS d0, ...] over the rows around. */
static ch_status make_domain(const ch_analyze_context *ctx, const ch_expr_subquery *s,
                             ch_rel *around, ch_rel **out, ch_error *err)
{
    ch_expr_list values = {0};
    ch_rel_aggregate *g;
    for (int32_t i = 0; i < s->outer.n; i++) {
        ch_expr *e;
        const char *name;
        CH_AN_NEW(name, ch_arena_printf(ctx->arena, err, "outer(%s)", s->param[i]->name));
        CH_AN_NEW(e, ch_make_alias(ctx, s->outer.item[i], name, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &values, e, err));
    }
    CH_AN_NEW(g, ch_rel_new(ctx->arena, CH_REL_AGGREGATE, err));
    CH_TRY(ch_make_project(ctx->arena, around, &values, &g->input, err));
    CH_TRY(ch_make_refs(ctx->arena, &g->input->output, &g->grouping, err));
    CH_TRY(ch_make_refs(ctx->arena, &g->input->output, &g->aggregates, err));
    g->head.output = g->input->output;
    *out = &g->head;
    return CH_OK;
}

ch_status ch_unnest_domain(const ch_analyze_context *ctx, const ch_expr_subquery *s, ch_rel *around,
                           ch_unnested *out, ch_error *err)
{
    pusher p = {ctx, s, NULL};
    pushed q;
    CH_TRY(make_domain(ctx, s, around, &p.domain, err));
    CH_TRY(push(&p, s->plan, &q, err));
    *out = (ch_unnested){.rel = q.rel};
    for (int32_t i = 0; i < s->outer.n; i++) {
        ch_expr *d, *e;
        CH_AN_NEW(d, ch_make_ref(ctx->arena, q.domain.item[i], err));
        bool null_safe = s->outer.item[i]->nullable && d->nullable;
        CH_TRY(call(ctx, null_safe ? "<=>" : "=", s->outer.item[i], d, NULL, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &out->condition, e, err));
    }
    return CH_OK;
}

ch_status ch_unnest_lateral(const ch_analyze_context *ctx, const ch_rel_join *join, ch_rel **out,
                            ch_error *err)
{
    ch_expr_subquery *s;
    ch_unnested q;
    ch_rel_join *j;
    CH_AN_NEW(s, ch_expr_new(ctx->arena, CH_EXPR_SUBQUERY, err));
    s->plan = join->right;
    CH_TRY(ch_make_refs(ctx->arena, &join->left->output, &s->outer, err));
    s->param = join->left->output.item;
    /* only those that it uses */
    ch_expr_list outer = {0};
    ch_attr_list params = {0};
    for (int32_t i = 0; i < join->left->output.n; i++) {
        ch_expr_subquery one = *s;
        one.outer = (ch_expr_list){&s->outer.item[i], 1};
        one.param = &s->param[i];
        if (!ch_unnest_is_free(&one, join->right))
            continue;
        CH_TRY(ch_expr_list_add(ctx->arena, &outer, s->outer.item[i], err));
        CH_TRY(ch_attr_list_add(ctx->arena, &params, s->param[i], err));
    }
    s->outer = outer;
    s->param = params.item;
    CH_TRY(ch_unnest(ctx, s, join->left, &q, err));
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, &join->head, err));
    j->right = q.rel;
    j->lateral = false;
    if (join->condition)
        CH_TRY(ch_expr_list_add(ctx->arena, &q.condition, join->condition, err));
    CH_TRY(ch_conjunction(ctx, &q.condition, &j->condition, err));
    if (j->join_type == CH_JOIN_CROSS && j->condition)
        j->join_type = CH_JOIN_INNER;
    CH_TRY(ch_join_output(ctx->arena, j, err));
    *out = &j->head;
    /* What the join has beyond its own columns is for its condition. */
    ch_expr_list list = {0};
    for (int32_t i = 0; i < join->head.output.n; i++) {
        ch_expr *e;
        const ch_attr *attr = ch_attr_list_find(&j->head.output, join->head.output.item[i]->id);
        CH_AN_NEW(e, ch_make_ref(ctx->arena, attr, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    return ch_make_project(ctx->arena, *out, &list, out, err);
}
