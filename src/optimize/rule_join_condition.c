/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_join_condition.c - parts of a join's condition that look at one side only become filters there.
 *
 *   side     may be filtered by its part of the condition in
 *   left     inner, cross, right outer, semi
 *   right    inner, cross, left outer, semi, anti, existence
 */
#include "optimize/rewrite.h"

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_join *in = (const ch_rel_join *)*rel;
    if ((*rel)->kind != CH_REL_JOIN || !in->condition || in->null_aware)
        return CH_OK;
    ch_join_type type = in->join_type;
    bool inner = type == CH_JOIN_INNER || type == CH_JOIN_CROSS;
    bool to_left = inner || type == CH_JOIN_RIGHT_OUTER || type == CH_JOIN_LEFT_SEMI;
    bool to_right = inner || type == CH_JOIN_LEFT_OUTER || type == CH_JOIN_LEFT_SEMI ||
                    type == CH_JOIN_LEFT_ANTI || type == CH_JOIN_EXISTENCE;
    ch_expr_list parts = {0}, left = {0}, right = {0}, rest = {0};
    CH_TRY(ch_conjuncts(ctx->arena, in->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        ch_expr_list *where = &rest;
        if (ch_is_true(e)) {
            *changed = true;
            continue;
        }
        if (ch_expr_is_deterministic(e) && !ch_has_subquery(e)) {
            if (to_left && ch_uses_only(e, &in->left->output))
                where = &left;
            else if (to_right && ch_uses_only(e, &in->right->output))
                where = &right;
        }
        CH_TRY(ch_expr_list_add(ctx->arena, where, e, err));
    }
    if (!left.n && !right.n && !*changed)
        return CH_OK;
    *changed = true;
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(ch_conjunction(ctx, &rest, &j->condition, err));
    CH_TRY(ch_add_filter(ctx, &left, &j->left, err));
    CH_TRY(ch_add_filter(ctx, &right, &j->right, err));
    *rel = &j->head;
    return CH_OK;
}

const ch_rule ch_rule_join_condition = {
    .name = "join_condition",
    .doc = "Filters a join's inputs by the parts of its condition that concern one of them.",
    .apply = apply,
    .top_down = true,
};
