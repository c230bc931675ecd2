/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_window.c - fewer windows, and fewer rows in them.
 *
 *   Window over Window       one, where both have the same partition and one's order begins the other's:
 *                            one sort serves both
 *   Filter rank <= k over    the window is told (Spark's WindowGroupLimit): rows that rank higher are dropped
 *   Window                   while they are gathered; the filter stays
 */
#include "optimize/rewrite.h"

#include <string.h>

/* ---- one window for two ---------------------------------------------------------------------------------- */

static bool begins(const ch_expr_list *shorter, const ch_expr_list *longer)
{
    bool same = shorter->n <= longer->n;
    for (int32_t i = 0; i < shorter->n && same; i++)
        same = ch_expr_equal(shorter->item[i], longer->item[i]);
    return same;
}

static bool same_partition(const ch_expr_list *x, const ch_expr_list *y)
{
    bool same = x->n == y->n;
    for (int32_t i = 0; i < x->n && same; i++) {
        same = false;
        for (int32_t k = 0; k < y->n && !same; k++)
            same = ch_expr_equal(x->item[i], y->item[k]);
    }
    return same;
}

static ch_status merge(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_window *upper = (const void *)*rel, *lower = (const void *)upper->input;
    ch_attr_list made;
    if (upper->limit >= 0 || lower->limit >= 0 ||
        !same_partition(&upper->partition, &lower->partition) ||
        (!begins(&upper->order, &lower->order) && !begins(&lower->order, &upper->order)))
        return CH_OK;
    CH_TRY(ch_make_output(ctx->arena, &lower->functions, &made, err));
    for (int32_t i = 0; i < upper->functions.n; i++)
        if (ch_uses_any(upper->functions.item[i], &made))
            return CH_OK;
    ch_rel_window *w;
    ch_expr_list functions = {0};
    CH_AN_NEW(w, ch_rel_clone(ctx->arena, &lower->head, err));
    for (int32_t i = 0; i < lower->functions.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &functions, lower->functions.item[i], err));
    for (int32_t i = 0; i < upper->functions.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &functions, upper->functions.item[i], err));
    w->functions = functions;
    if (upper->order.n > lower->order.n)
        w->order = upper->order;
    *changed = true;
    *rel = &w->head;
    return ch_make_window_output(ctx->arena, w, err);
}

/* ---- row_number() <= k -------------------------------------------------------------------------------------- */

static bool rank_of(const ch_rel_window *w, int64_t id, ch_window_rank *out)
{
    static const char *const NAME[] = {"row_number", "rank", "dense_rank"};
    for (int32_t i = 0; i < w->functions.n; i++) {
        const ch_expr_alias *alias = (const void *)w->functions.item[i];
        const ch_expr_window *f = (const void *)alias->child;
        if (alias->id != id || f->head.kind != CH_EXPR_WINDOW ||
            f->function->kind != CH_EXPR_CALL || f->order.n != w->order.n)
            continue;
        for (int r = 0; r < 3; r++)
            if (strcmp(((const ch_expr_call *)f->function)->func->name, NAME[r]) == 0) {
                *out = (ch_window_rank)r;
                return true;
            }
    }
    return false;
}

/* rank <= k, rank < k, rank = k, and the other way around: rows above *limit are not wanted. */
static bool limit_of(const ch_rel_window *w, const ch_expr *e, int64_t *limit, ch_window_rank *by)
{
    static const struct {
        const char *op, *flipped;
        int64_t more;
    } OP[] = {{"<=", ">=", 0}, {"<", ">", -1}, {"==", "==", 0}, {"=", "=", 0}};
    const ch_expr_call *c = (const void *)e;
    if (e->kind != CH_EXPR_CALL || c->args.n != 2)
        return false;
    for (int side = 0; side < 2; side++) {
        const ch_expr *column = c->args.item[side];
        const ch_scalar *value;
        if (column->kind != CH_EXPR_ATTRIBUTE || !ch_is_literal(c->args.item[1 - side], &value) ||
            value->is_null || !ch_type_is_integral(value->type) ||
            !rank_of(w, ((const ch_expr_attribute *)column)->attr->id, by))
            continue;
        for (size_t i = 0; i < sizeof OP / sizeof *OP; i++)
            if (strcmp(c->func->name, side ? OP[i].flipped : OP[i].op) == 0) {
                *limit = value->v.i64 + OP[i].more;
                return true;
            }
    }
    return false;
}

/* Functions that see only rows up to the current one: they do not miss what ranks higher. */
static bool looks_back_only(const ch_rel_window *w)
{
    for (int32_t i = 0; i < w->functions.n; i++) {
        const ch_expr_window *f =
            (const void *)((const ch_expr_alias *)w->functions.item[i])->child;
        static const char *const NAME[] = {"row_number", "rank", "dense_rank"};
        const char *name = ((const ch_expr_call *)f->function)->func->name;
        bool ok = false;
        for (int r = 0; r < 3; r++)
            ok |= strcmp(name, NAME[r]) == 0 && f->order.n == w->order.n;
        if (!ok)
            return false;
    }
    return true;
}

static ch_status limit_groups(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                              ch_error *err)
{
    const ch_rel_filter *f = (const void *)*rel;
    const ch_rel_window *w = (const void *)f->input;
    if (w->limit >= 0 || !looks_back_only(w))
        return CH_OK;
    ch_expr_list parts = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    int64_t best = -1;
    ch_window_rank by = CH_RANK_ROW_NUMBER;
    for (int32_t i = 0; i < parts.n; i++) {
        int64_t limit;
        ch_window_rank rank;
        if (!limit_of(w, parts.item[i], &limit, &rank))
            continue;
        limit = limit < 0 ? 0 : limit;
        if (best < 0 || limit < best) {
            best = limit;
            by = rank;
        }
    }
    if (best < 0)
        return CH_OK;
    ch_rel_window *limited;
    CH_AN_NEW(limited, ch_rel_clone(ctx->arena, &w->head, err));
    limited->limit = best;
    limited->limit_by = by;
    *changed = true;
    return ch_with_input(ctx->arena, &f->head, &limited->head, rel, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    if ((*rel)->kind == CH_REL_WINDOW && ((ch_rel_window *)*rel)->input->kind == CH_REL_WINDOW)
        return merge(ctx, rel, changed, err);
    if ((*rel)->kind == CH_REL_FILTER && ((ch_rel_filter *)*rel)->input->kind == CH_REL_WINDOW)
        return limit_groups(ctx, rel, changed, err);
    return CH_OK;
}

const ch_rule ch_rule_window = {
    .name = "window",
    .doc = "Makes one window of two that one sort serves, and drops rows that rank too high early.",
    .apply = apply,
};
