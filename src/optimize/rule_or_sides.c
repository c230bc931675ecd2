/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_or_sides.c - a join whose condition has (l1 AND r1) OR (l2 AND r2) filters its sides by l1 OR l2 and r1 OR r2.
 *
 * The condition stays: the sides only lose what no branch wants.
 */
#include "optimize/rewrite.h"

static bool can_move(const ch_expr *e)
{
    return ch_expr_is_deterministic(e) && !ch_expr_may_fail(e) && !ch_has_subquery(e);
}

/* What the OR asks of the side alone: the OR of each branch's part; NULL if a branch asks nothing. */
static ch_status part_of_side(const ch_analyze_context *ctx, ch_expr *e, const ch_attr_list *side,
                              ch_expr **out, ch_error *err)
{
    ch_expr_list *branch, parts = {0};
    int32_t n;
    *out = NULL;
    CH_TRY(ch_branches(ctx->arena, e, &branch, &n, err));
    for (int32_t b = 0; b < n; b++) {
        ch_expr_list mine = {0};
        ch_expr *all;
        for (int32_t i = 0; i < branch[b].n; i++)
            if (can_move(branch[b].item[i]) && ch_uses_any(branch[b].item[i], side) &&
                ch_uses_only(branch[b].item[i], side))
                CH_TRY(ch_expr_list_add(ctx->arena, &mine, branch[b].item[i], err));
        if (!mine.n)
            return CH_OK;
        CH_TRY(ch_conjunction(ctx, &mine, &all, err));
        if (!ch_expr_list_has(&parts, all))
            CH_TRY(ch_expr_list_add(ctx->arena, &parts, all, err));
    }
    return ch_disjunction(ctx, &parts, out, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_join *in = (const ch_rel_join *)*rel;
    if ((*rel)->kind != CH_REL_JOIN || in->join_type != CH_JOIN_INNER || !in->condition)
        return CH_OK;
    ch_expr_list parts = {0}, side[2] = {{0}};
    CH_TRY(ch_conjuncts(ctx->arena, in->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++)
        for (int s = 0; s < 2 && ch_is_call(parts.item[i], "or"); s++) {
            ch_expr *part;
            CH_TRY(part_of_side(ctx, parts.item[i], s ? &in->right->output : &in->left->output,
                                &part, err));
            if (part)
                CH_TRY(ch_expr_list_add(ctx->arena, &side[s], part, err));
        }
    if (!side[0].n && !side[1].n)
        return CH_OK;
    ch_rel_join *j;
    *changed = true;
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(ch_add_filter(ctx, &side[0], &j->left, err));
    CH_TRY(ch_add_filter(ctx, &side[1], &j->right, err));
    *rel = &j->head;
    return CH_OK;
}

const ch_rule ch_rule_or_sides = {
    .name = "or_sides",
    .doc = "Filters a join's sides by what the branches of an OR ask of them.",
    .apply = apply,
    .once = true,
};
