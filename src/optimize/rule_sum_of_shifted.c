/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_sum_of_shifted.c - several sums of one small integer, each shifted by a constant, are one sum and one count.
 *
 *   sum(width + 1), sum(width + 2), ...     ->     sum(width) + 1 * count(width), sum(width) + 2 * count(width), ...
 *
 * width is TINYINT or SMALLINT, widened to INT or BIGINT, and the constant has 30 bits at most: no step can overflow,
 * and no sum of fewer than 2^32 rows.
 */
#include "optimize/rewrite.h"

#define MOST_SHIFT (1 << 30)

typedef struct shifter {
    const ch_analyze_context *ctx;
    ch_expr_list base; /* of each shifted sum that was met */
    bool rewrites, changed;
} shifter;

/* sum(base + shift) or sum(base - shift)? */
static bool is_shifted(const ch_expr *e, ch_expr **base, int64_t *shift)
{
    const ch_expr_call *sum = (const ch_expr_call *)e;
    if (!ch_is_call(e, "sum") || sum->is_distinct || sum->filter || sum->head.type->id != CH_LONG)
        return false;
    ch_expr *arg = sum->args.item[0];
    while (arg->kind == CH_EXPR_CAST &&
           ch_type_is_integral(((const ch_expr_cast *)arg)->child->type) &&
           arg->type->id == CH_LONG)
        arg = ((const ch_expr_cast *)arg)->child;
    const ch_expr_call *op = (const ch_expr_call *)arg;
    bool minus = ch_is_call(arg, "-");
    if ((!minus && !ch_is_call(arg, "+")) || op->args.n != 2 ||
        (arg->type->id != CH_INT && arg->type->id != CH_LONG))
        return false;
    for (int side = 0; side < 2 - minus; side++) {
        const ch_scalar *value;
        ch_expr *other = op->args.item[side];
        if (other->kind != CH_EXPR_CAST || !ch_is_literal(op->args.item[1 - side], &value) ||
            value->is_null || value->v.i64 > MOST_SHIFT || value->v.i64 < -MOST_SHIFT)
            continue;
        const ch_expr *column = ((const ch_expr_cast *)other)->child;
        if (column->kind != CH_EXPR_ATTRIBUTE ||
            (column->type->id != CH_BYTE && column->type->id != CH_SHORT))
            continue;
        *base = other;
        *shift = minus ? -value->v.i64 : value->v.i64;
        return true;
    }
    return false;
}

static int times(const ch_expr_list *list, const ch_expr *e)
{
    int n = 0;
    for (int32_t i = 0; i < list->n; i++)
        n += ch_expr_equal(list->item[i], e);
    return n;
}

static ch_status call_of(const shifter *s, const char *name, ch_expr *a, ch_expr *b, ch_expr **out,
                         ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, s->ctx->arena, 2, err);
    arg[0] = a;
    arg[1] = b;
    return ch_call_make(s->ctx, name, arg, b ? 2 : 1, out, err);
}

static ch_status visit(void *user, ch_expr **child, ch_error *err)
{
    shifter *s = user;
    ch_expr *base, *sum, *count, *shift;
    int64_t by;
    if (!is_shifted(*child, &base, &by))
        return ch_expr_map_children(s->ctx->arena, child, visit, s, err);
    if (!s->rewrites)
        return ch_expr_list_add(s->ctx->arena, &s->base, base, err);
    if (times(&s->base, base) < 2)
        return CH_OK;
    ch_scalar value = {.type = CH_T_LONG, .v.i64 = by};
    CH_AN_NEW(shift, ch_make_literal(s->ctx->arena, &value, err));
    CH_TRY(call_of(s, "count", base, NULL, &count, err));
    CH_TRY(call_of(s, "*", count, shift, &count, err));
    CH_TRY(call_of(s, "sum", base, NULL, &sum, err));
    s->changed = true;
    return call_of(s, "+", sum, count, child, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
    shifter s = {.ctx = ctx};
    ch_expr_list made = {0};
    if (g->head.kind != CH_REL_AGGREGATE)
        return CH_OK;
    for (int pass = 0; pass < 2; pass++) {
        made = (ch_expr_list){0};
        for (int32_t i = 0; i < g->aggregates.n; i++) {
            ch_expr *item = g->aggregates.item[i];
            CH_TRY(visit(&s, &item, err));
            CH_TRY(ch_expr_list_add(ctx->arena, &made, item, err));
        }
        if (s.base.n < 2)
            return CH_OK;
        s.rewrites = true;
    }
    if (!s.changed)
        return CH_OK;
    ch_rel_aggregate *fewer;
    CH_AN_NEW(fewer, ch_rel_clone(ctx->arena, *rel, err));
    fewer->aggregates = made;
    *rel = &fewer->head;
    *changed = true;
    return CH_OK;
}

const ch_rule ch_rule_sum_of_shifted = {
    .name = "sum_of_shifted",
    .doc = "Makes one sum and one count of many sums of a shifted small integer.",
    .apply = apply,
    .once = true,
};
