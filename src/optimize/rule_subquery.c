/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_subquery.c - subqueries become joins.
 *
 *   WHERE x IN (q)            Join LeftSemi, (x = q.c)
 *   WHERE EXISTS (q)          Join LeftSemi on the conditions that use columns of the query around q
 *   WHERE NOT x IN (q)        Join LeftAnti, null aware: a NULL on either side may be the one looked for
 *   (q) as a value            Join Cross with the one row of q
 *   EXISTS (q)                the same, with count(1) > 0 of the first row of q
 *   (q) for each row          Join LeftOuter with q, grouped by what it compares with the row around
 */
#include "optimize/rewrite.h"

typedef struct lifter {
    const ch_analyze_context *ctx;
    ch_rel *input; /* grows by what the expressions need */
} lifter;

/* ---- values ------------------------------------------------------------------------------------------------- */

static ch_status global_aggregate(const ch_analyze_context *ctx, ch_rel *input,
                                  const ch_expr_list *list, ch_rel **out, ch_error *err)
{
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_new(ctx->arena, CH_REL_AGGREGATE, err));
    g->input = input;
    g->group_type = CH_GROUP_BY;
    g->aggregates = *list;
    *out = &g->head;
    return ch_make_output(ctx->arena, list, &g->head.output, err);
}

static ch_status limited(const ch_analyze_context *ctx, ch_rel *input, int64_t n, ch_rel **out,
                         ch_error *err)
{
    ch_rel_limit *l;
    CH_AN_NEW(l, ch_rel_new(ctx->arena, CH_REL_LIMIT, err));
    l->input = input;
    l->limit = n;
    l->head.output = input->output;
    *out = &l->head;
    return CH_OK;
}

static ch_status add_call(const ch_analyze_context *ctx, const char *func, ch_expr *a, ch_expr *b,
                          ch_expr **out, ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    arg[0] = a;
    arg[1] = b;
    return ch_call_make(ctx, func, arg, b ? 2 : 1, out, err);
}

/* One row of one column: has q a row? */
static ch_status exists_row(const ch_analyze_context *ctx, ch_rel *q, ch_rel **out, ch_error *err)
{
    ch_expr *one, *count, *zero, *has;
    ch_scalar nothing = {.type = CH_T_LONG};
    CH_TRY(limited(ctx, q, 1, &q, err));
    CH_AN_NEW(one, ch_make_int(ctx->arena, 1, err));
    CH_TRY(add_call(ctx, "count", one, NULL, &count, err));
    CH_AN_NEW(zero, ch_make_literal(ctx->arena, &nothing, err));
    CH_TRY(add_call(ctx, ">", count, zero, &has, err));
    CH_AN_NEW(has, ch_make_alias(ctx, has, "exists", err));
    ch_expr_list list = {0};
    CH_TRY(ch_expr_list_add(ctx->arena, &list, has, err));
    return global_aggregate(ctx, q, &list, out, err);
}

/* One row of q's one column; NULL if q has no row, an error at run time if it has more. */
static ch_status value_row(const ch_analyze_context *ctx, ch_rel *q, ch_rel **out, ch_error *err)
{
    const ch_rel *r = q;
    while (r->kind == CH_REL_PROJECT || r->kind == CH_REL_SUBQUERY_ALIAS)
        r = ch_only_input(r);
    if (r->kind == CH_REL_ONE_ROW ||
        (r->kind == CH_REL_AGGREGATE && !((const ch_rel_aggregate *)r)->grouping.n)) {
        *out = q;
        return CH_OK;
    }
    ch_expr *one, *count, *value, *ref;
    CH_TRY(limited(ctx, q, 2, &q, err));
    CH_AN_NEW(one, ch_make_int(ctx->arena, 1, err));
    CH_TRY(add_call(ctx, "count", one, NULL, &count, err));
    CH_AN_NEW(ref, ch_make_ref(ctx->arena, q->output.item[0], err));
    CH_TRY(add_call(ctx, "first", ref, NULL, &value, err));
    CH_TRY(add_call(ctx, "__only_row", value, count, &value, err));
    CH_AN_NEW(value, ch_make_alias(ctx, value, "scalarsubquery()", err));
    ch_expr_list list = {0};
    CH_TRY(ch_expr_list_add(ctx->arena, &list, value, err));
    return global_aggregate(ctx, q, &list, out, err);
}

static ch_status cross(const ch_analyze_context *ctx, ch_rel *row, ch_rel **input, ch_error *err)
{
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_new(ctx->arena, CH_REL_JOIN, err));
    j->left = *input;
    j->right = row;
    j->join_type = CH_JOIN_CROSS;
    j->build = CH_BUILD_RIGHT;
    *input = &j->head;
    return ch_join_output(ctx->arena, j, err);
}

/* q is grouped by what its conditions compare: at most one row for each row around it. */
static ch_status value_per_key(lifter *l, const ch_expr_subquery *s, ch_expr **expr, ch_error *err)
{
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_new(l->ctx->arena, CH_REL_JOIN, err));
    j->left = l->input;
    j->right = s->plan;
    j->join_type = CH_JOIN_LEFT_OUTER;
    CH_TRY(ch_conjunction(l->ctx, &s->correlated, &j->condition, err));
    CH_TRY(ch_join_output(l->ctx->arena, j, err));
    int64_t id = s->plan->output.item[0]->id;
    CH_AN_NEW(*expr, ch_make_ref(l->ctx->arena, ch_attr_list_find(&j->head.output, id), err));
    l->input = &j->head;
    if (s->plan->output.item[0]->nullable)
        return CH_OK;
    ch_scalar nothing = {.type = (*expr)->type}; /* a count */
    ch_expr *zero;
    CH_AN_NEW(zero, ch_make_literal(l->ctx->arena, &nothing, err));
    return add_call(l->ctx, "coalesce", *expr, zero, expr, err);
}

static ch_status lift(void *user, ch_expr **expr, ch_error *err)
{
    lifter *l = user;
    if ((*expr)->kind != CH_EXPR_SUBQUERY)
        return ch_expr_map_children(l->ctx->arena, expr, lift, l, err);
    const ch_expr_subquery *s = (const ch_expr_subquery *)*expr;
    ch_rel *row = NULL;
    if (s->subquery_kind == CH_SUBQUERY_SCALAR && s->correlated.n && l->input)
        return value_per_key(l, s, expr, err);
    if (s->subquery_kind == CH_SUBQUERY_IN || s->correlated.n)
        CH_FAIL(
            err, UNSUPPORTED, "feature",
            "IN (query), or a subquery that uses columns of the query around it, anywhere but in "
            "the conditions of WHERE");
    if (!l->input)
        CH_FAIL(err, UNSUPPORTED, "feature", "A subquery in this place");
    if (s->subquery_kind == CH_SUBQUERY_EXISTS)
        CH_TRY(exists_row(l->ctx, s->plan, &row, err));
    else
        CH_TRY(value_row(l->ctx, s->plan, &row, err));
    CH_TRY(cross(l->ctx, row, &l->input, err));
    CH_AN_NEW(*expr, ch_make_ref(l->ctx->arena, row->output.item[0], err));
    return CH_OK;
}

/* ---- IN in a filter -------------------------------------------------------------------------------------------- */

/* IN, or EXISTS with conditions on the row around it. */
static const ch_expr_subquery *in_subquery(const ch_expr *e, bool *negated)
{
    *negated = false;
    while (ch_is_call(e, "not") || ch_is_call(e, "!")) {
        *negated = !*negated;
        e = ((const ch_expr_call *)e)->args.item[0];
    }
    const ch_expr_subquery *s = (const ch_expr_subquery *)e;
    if (e->kind != CH_EXPR_SUBQUERY)
        return NULL;
    return s->subquery_kind == CH_SUBQUERY_IN || s->correlated.n ? s : NULL;
}

static ch_status in_join(const ch_analyze_context *ctx, const ch_expr_subquery *s, bool negated,
                         ch_rel **input, ch_error *err)
{
    ch_rel_join *j;
    ch_expr_list equal = {0};
    for (int32_t i = 0; i < s->in_values.n; i++) {
        ch_expr *ref, *eq;
        CH_AN_NEW(ref, ch_make_ref(ctx->arena, s->plan->output.item[i], err));
        CH_TRY(add_call(ctx, "=", s->in_values.item[i], ref, &eq, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &equal, eq, err));
    }
    for (int32_t i = 0; i < s->correlated.n; i++) {
        ch_expr *e = s->correlated.item[i];
        bool is_in = s->subquery_kind == CH_SUBQUERY_IN;
        if (negated && is_in) { /* a row that is filtered out is not there, be it by NULL */
            ch_expr *no;
            CH_AN_NEW(no, ch_make_boolean(ctx->arena, false, err));
            CH_TRY(add_call(ctx, "coalesce", e, no, &e, err));
        }
        CH_TRY(ch_expr_list_add(ctx->arena, &equal, e, err));
    }
    CH_AN_NEW(j, ch_rel_new(ctx->arena, CH_REL_JOIN, err));
    j->left = *input;
    j->right = s->plan;
    j->join_type = negated ? CH_JOIN_LEFT_ANTI : CH_JOIN_LEFT_SEMI;
    j->null_aware = negated && s->subquery_kind == CH_SUBQUERY_IN;
    CH_TRY(ch_conjunction(ctx, &equal, &j->condition, err));
    *input = &j->head;
    return ch_join_output(ctx->arena, j, err);
}

static ch_status filter(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_expr_list parts = {0}, rest = {0};
    lifter l = {ctx, f->input};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        bool negated;
        const ch_expr_subquery *s = in_subquery(parts.item[i], &negated);
        if (s) {
            CH_TRY(in_join(ctx, s, negated, &l.input, err));
            continue;
        }
        ch_expr *e = parts.item[i];
        CH_TRY(lift(&l, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &rest, e, err));
    }
    *rel = l.input;
    CH_TRY(ch_add_filter(ctx, &rest, rel, err));
    if ((*rel)->output.n == f->head.output.n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &f->head.output, &list, err));
    return ch_make_project(ctx->arena, *rel, &list, rel, err);
}

/* ---- the rule ----------------------------------------------------------------------------------------------------- */

static ch_status look(void *user, ch_expr **expr, ch_error *err)
{
    CH_UNUSED(err);
    *(bool *)user |= ch_has_subquery(*expr);
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    bool has = false;
    CH_TRY(ch_rel_map_exprs(ctx->arena, rel, look, &has, err));
    if (!has)
        return CH_OK;
    *changed = true;
    if ((*rel)->kind == CH_REL_FILTER)
        return filter(ctx, rel, err);
    if ((*rel)->kind != CH_REL_PROJECT && (*rel)->kind != CH_REL_AGGREGATE)
        CH_FAIL(err, UNSUPPORTED, "feature", "A subquery in this place");
    ch_rel *input = ch_only_input(*rel), *copy;
    lifter l = {ctx, input};
    CH_AN_NEW(copy, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(ch_rel_map_exprs(ctx->arena, &copy, lift, &l, err));
    if (copy->kind == CH_REL_AGGREGATE) {
        /* The value is one for all rows, but not a grouping expression: group by it, too. */
        ch_rel_aggregate *g = (ch_rel_aggregate *)copy;
        ch_expr_list keys = {0};
        for (int32_t i = 0; i < g->grouping.n; i++)
            CH_TRY(ch_expr_list_add(ctx->arena, &keys, g->grouping.item[i], err));
        g->grouping = keys;
        for (int32_t i = input->output.n; i < l.input->output.n; i++) {
            ch_expr *ref;
            CH_AN_NEW(ref, ch_make_ref(ctx->arena, l.input->output.item[i], err));
            if (!g->grouping.n)
                CH_FAIL(err, UNSUPPORTED, "feature",
                        "A subquery beside aggregates without GROUP BY");
            CH_TRY(ch_expr_list_add(ctx->arena, &g->grouping, ref, err));
        }
    }
    return ch_with_input(ctx->arena, copy, l.input, rel, err);
}

const ch_rule ch_rule_subquery = {
    .name = "subquery",
    .required = true,
    .doc = "Computes subqueries that stand alone by joins.",
    .apply = apply,
};
