/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_sample.c - TABLESAMPLE (n PERCENT) and sample() as filters on random numbers.
 *
 *   Sample 0.1 .. 0.3     Filter [r >= 0.1 AND r < 0.3]  +- Project [*, rand(seed) AS r]
 *
 * All rows need no number. Which rows a sample takes is not Spark's choice, only how many.
 */
#include "optimize/rewrite.h"

static ch_status bound(const ch_analyze_context *ctx, const char *op, const ch_attr *r,
                       double value, ch_expr_list *list, ch_error *err)
{
    ch_scalar v = {.type = CH_T_DOUBLE, .v.f64 = value};
    ch_expr **arg, *e;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    CH_AN_NEW(arg[0], ch_make_ref(ctx->arena, r, err));
    CH_AN_NEW(arg[1], ch_make_literal(ctx->arena, &v, err));
    CH_TRY(ch_call_make(ctx, op, arg, 2, &e, err));
    return ch_expr_list_add(ctx->arena, list, e, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_sample *s = (const ch_rel_sample *)*rel;
    if ((*rel)->kind != CH_REL_SAMPLE || s->with_replacement)
        return CH_OK;
    *changed = true;
    if (s->lower <= 0 && s->upper >= 1) {
        *rel = s->input;
        return CH_OK;
    }
    ch_scalar seed = {.type = CH_T_LONG, .v.i64 = s->seed};
    ch_expr **arg, *random;
    ch_expr_list list = {0}, keep = {0}, output = {0};
    CH_ARENA_ARRAY(arg, ctx->arena, 1, err);
    CH_AN_NEW(arg[0], ch_make_literal(ctx->arena, &seed, err));
    CH_TRY(ch_call_make(ctx, "rand", arg, s->has_seed, &random, err));
    CH_AN_NEW(random, ch_make_alias(ctx, random, "random", err));
    CH_TRY(ch_make_refs(ctx->arena, &s->input->output, &list, err));
    CH_TRY(ch_make_refs(ctx->arena, &s->input->output, &output, err));
    CH_TRY(ch_expr_list_add(ctx->arena, &list, random, err));
    CH_TRY(ch_make_project(ctx->arena, s->input, &list, rel, err));
    const ch_attr *r = (*rel)->output.item[output.n];
    CH_TRY(bound(ctx, ">=", r, s->lower, &keep, err));
    CH_TRY(bound(ctx, "<", r, s->upper, &keep, err));
    CH_TRY(ch_add_filter(ctx, &keep, rel, err));
    return ch_make_project(ctx->arena, *rel, &output, rel, err);
}

const ch_rule ch_rule_sample = {
    .name = "sample",
    .required = true,
    .doc = "Takes a part of the rows by random numbers.",
    .apply = apply,
};
