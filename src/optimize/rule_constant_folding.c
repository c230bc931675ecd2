/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_constant_folding.c - expressions that depend on no row are computed once.
 *
 * One that fails stays as it is: the error belongs to the row that reaches it, and a query over no rows
 * has none.
 */
#include "optimize/rewrite.h"
#include "plan/fold.h"

typedef struct folder {
    const ch_analyze_context *ctx;
    bool changed;
} folder;

static ch_status fold(void *user, ch_expr **expr, ch_error *err)
{
    folder *f = user;
    ch_expr *e = *expr;
    if (e->kind == CH_EXPR_LITERAL || e->kind == CH_EXPR_ATTRIBUTE)
        return CH_OK;
    if (e->kind != CH_EXPR_ALIAS && e->kind != CH_EXPR_SORT_ORDER && ch_expr_is_foldable(e)) {
        ch_scalar value;
        bool done;
        ch_status status = ch_expr_fold(f->ctx->func, f->ctx->arena, e, &value, &done, NULL);
        if (status != CH_OK &&
            status != CH_E_MEMORY) /* what is too large for a plan may do in the run */
            return status;
        if (done) {
            CH_AN_NEW(*expr, ch_make_literal(f->ctx->arena, &value, err));
            (*expr)->start = e->start;
            (*expr)->stop = e->stop;
            f->changed = true;
            return CH_OK;
        }
    }
    return ch_expr_map_children(f->ctx->arena, expr, fold, f, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    folder f = {ctx, false};
    CH_TRY(ch_rel_map_exprs(ctx->arena, rel, fold, &f, err));
    *changed = f.changed;
    return CH_OK;
}

const ch_rule ch_rule_constant_folding = {
    .name = "constant_folding",
    .doc = "Computes what depends on no row once, instead of for each.",
    .apply = apply,
};
