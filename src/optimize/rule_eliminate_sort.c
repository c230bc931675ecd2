/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_eliminate_sort.c - work whose effect nobody can see: sorting what is sorted or grouped above,
 * DISTINCT of what is distinct, DISTINCT inside min and max.
 */
#include <string.h>

#include "optimize/rewrite.h"

/* Does the result depend on the order of rows? */
static bool minds_order(const ch_expr *e)
{
    static const char *const INDIFFERENT[] = {"count", "min",  "max", "bool_and", "bool_or",
                                              "every", "some", "any", "count_if"};
    if (e->kind == CH_EXPR_ATTRIBUTE || e->kind == CH_EXPR_LITERAL)
        return false;
    if (e->kind == CH_EXPR_ALIAS)
        return minds_order(((const ch_expr_alias *)e)->child);
    if (e->kind == CH_EXPR_CAST)
        return minds_order(((const ch_expr_cast *)e)->child);
    if (e->kind != CH_EXPR_CALL)
        return ch_expr_has_aggregate(e);
    const ch_expr_call *c = (const ch_expr_call *)e;
    if (!(c->func->flags & CH_FUNC_AGGREGATE)) {
        for (int32_t i = 0; i < c->args.n; i++)
            if (minds_order(c->args.item[i]))
                return true;
        return false;
    }
    for (size_t i = 0; i < sizeof INDIFFERENT / sizeof *INDIFFERENT; i++)
        if (strcmp(c->func->name, INDIFFERENT[i]) == 0)
            return false;
    bool exact = c->head.type->id == CH_LONG || c->head.type->id == CH_DECIMAL;
    return !(exact && strcmp(c->func->name, "sum") == 0);
}

/* rel without sorts that only gave it an order. */
static ch_status without_order(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                               ch_error *err)
{
    ch_rel *r = *rel;
    if (r->kind == CH_REL_SORT && ((const ch_rel_sort *)r)->limit < 0) {
        *rel = ((const ch_rel_sort *)r)->input;
        *changed = true;
        return without_order(ctx, rel, changed, err);
    }
    if (r->kind != CH_REL_PROJECT && r->kind != CH_REL_FILTER)
        return CH_OK;
    ch_rel *input = ch_only_input(r);
    bool below = false;
    if (r->kind == CH_REL_PROJECT) {
        const ch_rel_project *p = (const ch_rel_project *)r;
        for (int32_t i = 0; i < p->expressions.n; i++)
            if (!ch_expr_is_deterministic(p->expressions.item[i]))
                return CH_OK;
    }
    CH_TRY(without_order(ctx, &input, &below, err));
    if (!below)
        return CH_OK;
    *changed = true;
    return ch_with_input(ctx->arena, r, input, rel, err);
}

/* min(DISTINCT x) = min(x) */
static ch_status drop_distinct(void *user, ch_expr **expr, ch_error *err)
{
    ch_arena *arena = user;
    const ch_expr_call *c = (const ch_expr_call *)*expr;
    if ((*expr)->kind == CH_EXPR_CALL && c->is_distinct && c->func->agg &&
        c->func->agg->ignores_distinct) {
        ch_expr_call *copy;
        CH_AN_NEW(copy, ch_expr_clone(arena, *expr, err));
        copy->is_distinct = false;
        *expr = &copy->head;
        return CH_OK;
    }
    return ch_expr_map_children(arena, expr, drop_distinct, arena, err);
}

/* Are its rows all different already? */
static bool is_distinct(const ch_rel *rel)
{
    if (rel->kind == CH_REL_DEDUPLICATE)
        return ((const ch_rel_deduplicate *)rel)->all_columns_as_keys;
    if (rel->kind == CH_REL_FILTER || rel->kind == CH_REL_SORT || rel->kind == CH_REL_LIMIT)
        return is_distinct(ch_only_input(rel));
    if (rel->kind != CH_REL_AGGREGATE)
        return false;
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)rel;
    for (int32_t k = 0; k < g->grouping.n; k++) {
        bool shown = false;
        for (int32_t i = 0; i < g->aggregates.n; i++) {
            const ch_expr *e = g->aggregates.item[i];
            shown |= ch_expr_equal(e->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)e)->child : e,
                                   g->grouping.item[k]);
        }
        if (!shown)
            return false;
    }
    return true;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    ch_rel *input = ch_only_input(*rel);
    bool below = false;
    switch ((*rel)->kind) {
    case CH_REL_AGGREGATE: {
        const ch_rel *before = *rel;
        CH_TRY(ch_rel_map_exprs(ctx->arena, rel, drop_distinct, ctx->arena, err));
        *changed = *rel != before;
        const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
        for (int32_t i = 0; i < g->aggregates.n; i++)
            if (minds_order(g->aggregates.item[i]))
                return CH_OK;
        break;
    }
    case CH_REL_SORT:
        break;
    case CH_REL_DEDUPLICATE:
        if (!((const ch_rel_deduplicate *)*rel)->all_columns_as_keys)
            return CH_OK;
        if (is_distinct(input)) {
            *rel = input;
            *changed = true;
            return CH_OK;
        }
        break;
    default:
        return CH_OK;
    }
    /* A stable sort above a sort of other keys would show the lower one's order: Spark drops it too. */
    CH_TRY(without_order(ctx, &input, &below, err));
    if (!below)
        return CH_OK;
    *changed = true;
    return ch_with_input(ctx->arena, *rel, input, rel, err);
}

const ch_rule ch_rule_eliminate_sort = {
    .name = "eliminate_sort",
    .doc = "Drops sorts and DISTINCTs whose effect nobody can see.",
    .apply = apply,
};
