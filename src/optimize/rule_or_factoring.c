/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_or_factoring.c - what every branch of an OR says is said once, before it.
 *
 *   (a AND x) OR (a AND y)                    a AND (x OR y)
 *
 * So that a key hidden in each branch becomes a join's key. Holds with NULL as "unknown" too. What may
 * fail stays where it is.
 */
#include "optimize/rewrite.h"

static bool can_move(const ch_expr *e)
{
    return ch_expr_is_deterministic(e) && !ch_expr_may_fail(e) && !ch_has_subquery(e);
}

static ch_status factor(const ch_analyze_context *ctx, ch_expr **expr, bool *changed, ch_error *err)
{
    ch_expr_list *branch, common = {0}, rests = {0};
    int32_t n;
    CH_TRY(ch_branches(ctx->arena, *expr, &branch, &n, err));
    for (int32_t i = 0; i < branch[0].n; i++) {
        ch_expr *e = branch[0].item[i];
        bool in_all = can_move(e) && !ch_expr_list_has(&common, e);
        for (int32_t b = 1; b < n && in_all; b++)
            in_all = ch_expr_list_has(&branch[b], e);
        if (in_all)
            CH_TRY(ch_expr_list_add(ctx->arena, &common, e, err));
    }
    if (!common.n)
        return CH_OK;
    *changed = true;
    bool all_rest = true; /* a branch that says nothing more is true where the others are */
    for (int32_t b = 0; b < n; b++) {
        ch_expr_list rest = {0};
        ch_expr *e;
        for (int32_t i = 0; i < branch[b].n; i++)
            if (!ch_expr_list_has(&common, branch[b].item[i]))
                CH_TRY(ch_expr_list_add(ctx->arena, &rest, branch[b].item[i], err));
        all_rest &= rest.n > 0;
        CH_TRY(ch_conjunction(ctx, &rest, &e, err));
        if (e)
            CH_TRY(ch_expr_list_add(ctx->arena, &rests, e, err));
    }
    if (all_rest) {
        ch_expr *any;
        CH_TRY(ch_disjunction(ctx, &rests, &any, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &common, any, err));
    }
    return ch_conjunction(ctx, &common, expr, err);
}

static ch_status factor_all(const ch_analyze_context *ctx, ch_expr **condition, bool *changed,
                            ch_error *err)
{
    ch_expr_list parts = {0};
    bool some = false;
    if (!*condition)
        return CH_OK;
    CH_TRY(ch_conjuncts(ctx->arena, *condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++)
        if (ch_is_call(parts.item[i], "or"))
            CH_TRY(factor(ctx, &parts.item[i], &some, err));
    if (!some)
        return CH_OK;
    *changed = true;
    return ch_conjunction(ctx, &parts, condition, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    bool filter = (*rel)->kind == CH_REL_FILTER, some = false;
    if (!filter && (*rel)->kind != CH_REL_JOIN)
        return CH_OK;
    ch_expr *condition =
        filter ? ((const ch_rel_filter *)*rel)->condition : ((const ch_rel_join *)*rel)->condition;
    CH_TRY(factor_all(ctx, &condition, &some, err));
    if (!some)
        return CH_OK;
    *changed = true;
    CH_AN_NEW(*rel, ch_rel_clone(ctx->arena, *rel, err));
    *(filter ? &((ch_rel_filter *)*rel)->condition : &((ch_rel_join *)*rel)->condition) = condition;
    return CH_OK;
}

const ch_rule ch_rule_or_factoring = {
    .name = "or_factoring",
    .doc = "Takes what all branches of an OR say out of it.",
    .apply = apply,
};
