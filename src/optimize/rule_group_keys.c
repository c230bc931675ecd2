/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_group_keys.c - rows are not grouped by what follows from other keys.
 *
 *   Aggregate [ip, ip - 1, 1], [ip, ip - 1 AS a, 1, count(1)]     ->     Aggregate [ip], [ip, ip - 1 AS a, 1, count(1)]
 *
 * What the select list says of the dropped key is computed once per group. Columns whose equal values can differ
 * (0.0 and -0.0, collated text) decide nothing.
 */
#include "optimize/rewrite.h"

static bool equal_is_same(const ch_type *t)
{
    switch (t->id) {
    case CH_FLOAT:
    case CH_DOUBLE:
        return false;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return !t->collation;
    default:
        return !ch_type_is_nested(t);
    }
}

/* Columns among the keys that decide what is computed from them. */
static ch_status deciding(const ch_analyze_context *ctx, const ch_expr_list *keys,
                          ch_attr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < keys->n; i++) {
        const ch_expr *key = keys->item[i];
        if (key->kind == CH_EXPR_ATTRIBUTE && equal_is_same(key->type))
            CH_TRY(ch_attr_list_add(ctx->arena, out, ((const ch_expr_attribute *)key)->attr, err));
    }
    return CH_OK;
}

static bool follows(const ch_expr *key, const ch_attr_list *columns)
{
    return key->kind != CH_EXPR_ATTRIBUTE && ch_expr_is_deterministic(key) &&
           !ch_has_subquery(key) && ch_uses_only(key, columns);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
    if (g->head.kind != CH_REL_AGGREGATE || g->group_type != CH_GROUP_BY || g->n_sets ||
        g->grouping.n < 2)
        return CH_OK;
    ch_attr_list columns = {0};
    ch_expr_list kept = {0};
    CH_TRY(deciding(ctx, &g->grouping, &columns, err));
    if (columns.n == 0) /* the last key has to stay: without one there would be a row for no rows */
        return CH_OK;
    for (int32_t i = 0; i < g->grouping.n; i++)
        if (!follows(g->grouping.item[i], &columns))
            CH_TRY(ch_expr_list_add(ctx->arena, &kept, g->grouping.item[i], err));
    if (kept.n == g->grouping.n)
        return CH_OK;
    ch_rel_aggregate *fewer;
    CH_AN_NEW(fewer, ch_rel_clone(ctx->arena, *rel, err));
    fewer->grouping = kept;
    *rel = &fewer->head;
    *changed = true;
    return CH_OK;
}

const ch_rule ch_rule_group_keys = {
    .name = "group_keys",
    .doc = "Drops grouping keys that follow from others.",
    .apply = apply,
};
