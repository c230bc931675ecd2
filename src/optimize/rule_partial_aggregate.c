/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_partial_aggregate.c - groups the big side of a join before it meets the small one.
 *
 *   Aggregate [name, date], [name, date, count(1)]
 *   +- Join Inner, (location.region = region.id)        25 million rows join 53
 *
 * becomes
 *
 *   Aggregate [name, date], [name, date, sum(n)]
 *   +- Join Inner, (location.region = region.id)        some hundred rows join 53
 *      :- Aggregate [region, date], [region, date, count(1) AS n]
 *      +- ...
 *
 * A row of the big side stands n times in its group, and each of them meets the same rows of the small
 * side, so counts and sums add up and extremes stay extremes, whether or not the small side's keys are
 * unique. A sum of bigint is made of 128-bit parts: one of rows that meet no other may be larger than
 * any sum that is asked for. Yan and Larson, Eager aggregation and lazy aggregation (1995).
 *
 * The right side of a left outer join is grouped as well where a group of it is met about once: the join then builds its
 * table of the groups. What is counted there has to be NULL in the rows that are made up, and so be a column.
 */
#include <string.h>

#include "optimize/rewrite.h"

/* The small side has to be this small, and the other one this many times larger. */
#define SMALL_ROWS 20000
#define RATIO 20
/* Rows of the big side per group, at least. */
#define MIN_SHRINK 4

typedef struct eager {
    const ch_analyze_context *ctx;
    const ch_rel_aggregate *agg;
    const ch_rel_join *join;
    const ch_rel *big, *small;
    ch_expr_list big_key, small_key; /* of the join */
    ch_expr_list key;                /* what the big side is grouped by */
    ch_attr_list key_column;         /* and under which column */
    ch_expr_list call, part;         /* aggregate calls, and the Aliases that make their parts */
    ch_rel *lower;                   /* the big side, grouped */
} eager;

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL && (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE);
}

/* ---- may it be done? -------------------------------------------------------------------------------------- */

static bool is_column(const ch_expr *e)
{
    return e->kind == CH_EXPR_ATTRIBUTE;
}

static bool splits(const eager *e, const ch_expr *expr)
{
    static const char *const NAME[] = {"count", "sum", "min", "max"};
    const ch_expr_call *c = (const ch_expr_call *)expr;
    bool known = false;
    if (e->join->join_type == CH_JOIN_LEFT_OUTER && !is_column(c->args.item[0]))
        return false;
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        known |= strcmp(c->func->name, NAME[i]) == 0;
    if (!known || c->is_distinct || !ch_uses_only(expr, &e->big->output))
        return false;
    /* A row that meets no other must not fail. */
    for (int32_t i = 0; i < c->args.n; i++)
        if (ch_expr_may_fail(c->args.item[i]))
            return false;
    if (c->filter && ch_expr_may_fail(c->filter))
        return false;
    /* Decimal sums grow with each step, and doubles would be added in another order. */
    return strcmp(c->func->name, "sum") != 0 || c->head.type->id == CH_LONG;
}

static ch_status collect_calls(void *user, ch_expr **child, ch_error *err)
{
    eager *e = user;
    if (is_aggregate(*child))
        return ch_expr_list_add(e->ctx->arena, &e->call, *child, err);
    return ch_expr_map_children(e->ctx->arena, child, collect_calls, e, err);
}

static bool can_move(const ch_expr *e)
{
    return ch_expr_is_deterministic(e) && !ch_expr_may_fail(e);
}

static bool one_sided(const eager *e, const ch_expr *expr)
{
    return ch_uses_only(expr, &e->big->output) || ch_uses_only(expr, &e->small->output);
}

static ch_status may_apply(eager *e, bool *out, ch_error *err)
{
    const ch_rel_aggregate *g = e->agg;
    *out = false;
    const bool outer = e->join->join_type == CH_JOIN_LEFT_OUTER;
    int64_t small = ch_estimate_rows(e->small), big = ch_estimate_rows(e->big);
    int64_t ratio = outer ? MIN_SHRINK : RATIO;
    if (small < 0 || (!outer && small > SMALL_ROWS) || big / ratio < small + 1 ||
        e->big->kind == CH_REL_AGGREGATE)
        return CH_OK;
    ch_join_keys keys;
    CH_TRY(ch_split_join(e->ctx->arena, e->join, &keys, err));
    bool big_left = e->big == e->join->left;
    e->big_key = big_left ? keys.left : keys.right;
    e->small_key = big_left ? keys.right : keys.left;
    if (!e->big_key.n || keys.rest.n)
        return CH_OK;
    for (int32_t i = 0; i < e->big_key.n; i++)
        if (!can_move(e->big_key.item[i]))
            return CH_OK;
    for (int32_t i = 0; i < g->grouping.n; i++)
        if (!one_sided(e, g->grouping.item[i]) || !can_move(g->grouping.item[i]) ||
            (outer && !is_column(g->grouping.item[i])))
            return CH_OK;
    for (int32_t i = 0; i < g->aggregates.n; i++) {
        ch_expr *item = g->aggregates.item[i];
        CH_TRY(collect_calls(e, &item, err));
    }
    for (int32_t i = 0; i < e->call.n; i++)
        if (!splits(e, e->call.item[i]) || !ch_expr_is_deterministic(e->call.item[i]))
            return CH_OK;
    *out = true;
    return CH_OK;
}

/* ---- the aggregate below -------------------------------------------------------------------------------------- */

static int32_t position_of(const ch_expr_list *list, const ch_expr *e)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_expr_equal(list->item[i], e))
            return i;
    return -1;
}

static ch_status add_output(eager *e, ch_expr *item, ch_expr_list *output, const ch_attr **column,
                            ch_error *err)
{
    ch_expr_list one = {&item, 1};
    ch_attr_list attr;
    CH_TRY(ch_make_output(e->ctx->arena, &one, &attr, err));
    *column = attr.item[0];
    return ch_expr_list_add(e->ctx->arena, output, item, err);
}

static ch_status add_key(eager *e, ch_expr *key, ch_expr_list *output, ch_error *err)
{
    if (position_of(&e->key, key) >= 0)
        return CH_OK;
    ch_expr *item = key;
    const ch_attr *column;
    if (item->kind != CH_EXPR_ATTRIBUTE)
        CH_AN_NEW(item, ch_make_alias(e->ctx, key, "key", err));
    CH_TRY(add_output(e, item, output, &column, err));
    CH_TRY(ch_expr_list_add(e->ctx->arena, &e->key, key, err));
    return ch_attr_list_add(e->ctx->arena, &e->key_column, column, err);
}

/* Could a sum of some of the rows pass 64 bits? Of int and smaller it would take 2^32 rows. */
static bool is_wide(const ch_expr *call)
{
    const ch_expr_call *c = (const ch_expr_call *)call;
    return strcmp(c->func->name, "sum") == 0 && c->args.item[0]->type->id == CH_LONG;
}

static ch_status make_part(eager *e, ch_expr **call, ch_error *err)
{
    const ch_expr_call *c = (const ch_expr_call *)*call;
    ch_expr **arg, *part;
    CH_ARENA_ARRAY(arg, e->ctx->arena, 1, err);
    arg[0] = c->args.item[0];
    CH_TRY(ch_call_make(e->ctx, "sum_part", arg, 1, &part, err));
    ((ch_expr_call *)part)->filter = c->filter;
    *call = part;
    return CH_OK;
}

static ch_status lower_aggregate(eager *e, ch_rel **out, ch_error *err)
{
    ch_expr_list output = {0};
    for (int32_t i = 0; i < e->big_key.n; i++)
        CH_TRY(add_key(e, e->big_key.item[i], &output, err));
    for (int32_t i = 0; i < e->agg->grouping.n; i++) {
        ch_expr *key = e->agg->grouping.item[i];
        if (!ch_uses_only(key, &e->small->output))
            CH_TRY(add_key(e, key, &output, err));
    }
    for (int32_t i = 0; i < e->call.n; i++) {
        ch_expr *part = e->call.item[i];
        if (position_of(&e->call, part) == i) {
            if (is_wide(part))
                CH_TRY(make_part(e, &part, err));
            CH_AN_NEW(part, ch_make_alias(e->ctx, part, "part", err));
            CH_TRY(ch_expr_list_add(e->ctx->arena, &output, part, err));
        }
        CH_TRY(ch_expr_list_add(e->ctx->arena, &e->part, part, err));
    }
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_new(e->ctx->arena, CH_REL_AGGREGATE, err));
    g->input = (ch_rel *)e->big;
    g->group_type = CH_GROUP_BY;
    g->grouping = e->key;
    g->aggregates = output;
    *out = &g->head;
    return ch_make_output(e->ctx->arena, &output, &g->head.output, err);
}

/* ---- the join, and the aggregate above ------------------------------------------------------------------------ */

static ch_status key_ref(eager *e, const ch_expr *key, ch_expr **out, ch_error *err)
{
    CH_AN_NEW(*out, ch_make_ref(e->ctx->arena, e->key_column.item[position_of(&e->key, key)], err));
    return CH_OK;
}

static ch_status new_join(eager *e, ch_rel *lower, ch_rel **out, ch_error *err)
{
    ch_rel_join *j;
    ch_expr_list equal = {0};
    CH_AN_NEW(j, ch_rel_clone(e->ctx->arena, &e->join->head, err));
    *(e->big == j->left ? &j->left : &j->right) = lower;
    for (int32_t i = 0; i < e->big_key.n; i++) {
        ch_expr **pair, *eq;
        CH_ARENA_ARRAY(pair, e->ctx->arena, 2, err);
        CH_TRY(key_ref(e, e->big_key.item[i], &pair[0], err));
        pair[1] = e->small_key.item[i];
        CH_TRY(ch_call_make(e->ctx, "=", pair, 2, &eq, err));
        CH_TRY(ch_expr_list_add(e->ctx->arena, &equal, eq, err));
    }
    CH_TRY(ch_conjunction(e->ctx, &equal, &j->condition, err));
    *out = &j->head;
    return ch_join_output(e->ctx->arena, j, err);
}

/* count and sum are summed; min and max taken again. */
static ch_status whole_of_parts(eager *e, ch_expr **call, ch_error *err)
{
    const ch_expr_call *c = (const ch_expr_call *)*call;
    ch_expr_list one = {&e->part.item[position_of(&e->call, *call)], 1};
    ch_attr_list attr;
    ch_expr **arg, *whole;
    bool count = strcmp(c->func->name, "count") == 0;
    CH_TRY(ch_make_output(e->ctx->arena, &one, &attr, err));
    CH_ARENA_ARRAY(arg, e->ctx->arena, 2, err);
    CH_AN_NEW(arg[0], ch_make_ref(e->ctx->arena, attr.item[0], err));
    const char *name = count ? "sum" : is_wide(&c->head) ? "sum_whole" : c->func->name;
    CH_TRY(ch_call_make(e->ctx, name, arg, 1, &whole, err));
    if (count) { /* of no rows is 0, not NULL */
        ch_scalar zero = {.type = CH_T_LONG};
        CH_ARENA_ARRAY(arg, e->ctx->arena, 2, err);
        arg[0] = whole;
        CH_AN_NEW(arg[1], ch_make_literal(e->ctx->arena, &zero, err));
        CH_TRY(ch_call_make(e->ctx, "coalesce", arg, 2, &whole, err));
    }
    CH_TRY(ch_make_cast(e->ctx->arena, &whole, c->head.type, err));
    *call = whole;
    return CH_OK;
}

static ch_status lift(void *user, ch_expr **child, ch_error *err)
{
    eager *e = user;
    if (is_aggregate(*child))
        return whole_of_parts(e, child, err);
    if (position_of(&e->key, *child) >= 0)
        return key_ref(e, *child, child, err);
    return ch_expr_map_children(e->ctx->arena, child, lift, e, err);
}

static ch_status lift_list(eager *e, const ch_expr_list *in, ch_expr_list *out, ch_error *err)
{
    *out = (ch_expr_list){0};
    for (int32_t i = 0; i < in->n; i++) {
        ch_expr *item = in->item[i];
        CH_TRY(lift(e, &item, err));
        CH_TRY(ch_expr_list_add(e->ctx->arena, out, item, err));
    }
    return CH_OK;
}

/* Are there far fewer groups than rows, as far as one can tell, and not many that nobody meets? */
static bool shrinks(const eager *e)
{
    int64_t groups = ch_estimate_rows(e->lower);
    return groups <= ch_estimate_rows(e->big) / MIN_SHRINK &&
           (e->join->join_type == CH_JOIN_INNER || groups <= 2 * ch_estimate_rows(e->small));
}

static ch_status rewrite(eager *e, ch_rel **rel, ch_error *err)
{
    ch_rel *join;
    CH_TRY(lower_aggregate(e, &e->lower, err));
    CH_TRY(new_join(e, e->lower, &join, err));
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_clone(e->ctx->arena, &e->agg->head, err));
    g->input = join;
    CH_TRY(lift_list(e, &e->agg->grouping, &g->grouping, err));
    CH_TRY(lift_list(e, &e->agg->aggregates, &g->aggregates, err));
    *rel = &g->head;
    return ch_make_output(e->ctx->arena, &g->aggregates, &g->head.output, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
    if (g->head.kind != CH_REL_AGGREGATE || g->input->kind != CH_REL_JOIN)
        return CH_OK;
    const ch_rel_join *j = (const ch_rel_join *)g->input;
    const bool outer = j->join_type == CH_JOIN_LEFT_OUTER;
    if (j->join_type != CH_JOIN_INNER && !outer)
        return CH_OK;
    ch_rel *whole = *rel;
    for (int side = outer; side < 2; side++) {
        eager e = {.ctx = ctx,
                   .agg = g,
                   .join = j,
                   .big = side ? j->right : j->left,
                   .small = side ? j->left : j->right};
        bool may;
        CH_TRY(may_apply(&e, &may, err));
        if (!may)
            continue;
        CH_TRY(rewrite(&e, rel, err));
        if (shrinks(&e)) {
            *changed = true;
            return CH_OK;
        }
        *rel = whole;
    }
    return CH_OK;
}

const ch_rule ch_rule_partial_aggregate = {
    .name = "partial_aggregate",
    .doc = "Groups the big side of a join before it meets a small one.",
    .apply = apply,
    .once = true,
};
