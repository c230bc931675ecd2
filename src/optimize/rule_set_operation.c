/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_set_operation.c - INTERSECT and EXCEPT as a union that remembers where rows came from.
 *
 *   Filter [min(side) = 0 AND max(side) = 1]      INTERSECT: in both
 *   Filter [max(side) = 0]                        EXCEPT: in the left one only
 *   +- Aggregate [all columns], [..., min(side), max(side)]
 *      +- Union
 *         :- Project [..., 0 AS side]
 *         +- Project [..., 1 AS side]
 *
 * Grouping takes NULLs for equal, as these operations do. With ALL a row is given as often as it is left:
 *
 *   Generate [array_repeat(struct, n)]
 *   +- Filter [n > 0]
 *      +- Project [..., n = least(rows - right, right)]       EXCEPT ALL: n = rows - right - right
 *         +- Aggregate [all columns], [..., count(side) AS rows, sum(side) AS right]
 */
#include "optimize/rewrite.h"

static ch_status tagged(const ch_analyze_context *ctx, ch_rel *side, int32_t tag, ch_rel **out,
                        ch_error *err)
{
    ch_expr_list list = {0};
    ch_expr *e;
    CH_TRY(ch_make_refs(ctx->arena, &side->output, &list, err));
    CH_AN_NEW(e, ch_make_int(ctx->arena, tag, err));
    CH_AN_NEW(e, ch_make_alias(ctx, e, "side", err));
    CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    return ch_make_project(ctx->arena, side, &list, out, err);
}

static ch_status add_extreme(const ch_analyze_context *ctx, const char *func, const ch_attr *tag,
                             ch_expr_list *list, ch_error *err)
{
    ch_expr **arg, *e;
    CH_ARENA_ARRAY(arg, ctx->arena, 1, err);
    CH_AN_NEW(arg[0], ch_make_ref(ctx->arena, tag, err));
    CH_TRY(ch_call_make(ctx, func, arg, 1, &e, err));
    CH_AN_NEW(e, ch_make_alias(ctx, e, func, err));
    return ch_expr_list_add(ctx->arena, list, e, err);
}

static ch_status is_value(const ch_analyze_context *ctx, const ch_attr *column, int32_t value,
                          ch_expr_list *list, ch_error *err)
{
    ch_expr **arg, *e;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    CH_AN_NEW(arg[0], ch_make_ref(ctx->arena, column, err));
    CH_AN_NEW(arg[1], ch_make_int(ctx->arena, value, err));
    CH_TRY(ch_call_make(ctx, "=", arg, 2, &e, err));
    return ch_expr_list_add(ctx->arena, list, e, err);
}

/* ---- ALL ------------------------------------------------------------------------------------------------ */

static ch_status binary(const ch_analyze_context *ctx, const char *func, ch_expr *a, ch_expr *b,
                        ch_expr **out, ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    arg[0] = a;
    arg[1] = b;
    return ch_call_make(ctx, func, arg, 2, out, err);
}

/* Rows of *rel as often as its last column, which it does not keep, says. */
static ch_status repeat(const ch_analyze_context *ctx, const ch_attr_list *output, ch_rel **rel,
                        ch_error *err)
{
    static const char name[] = "one";
    ch_arena *arena = ctx->arena;
    const ch_attr *n = (*rel)->output.item[(*rel)->output.n - 1];
    ch_scalar text = {.type = CH_T_STRING, .v.str = {name, sizeof name - 1}};
    ch_expr *key, *one, *times;
    ch_rel_generate *g;
    ch_attr *made;
    CH_AN_NEW(key, ch_make_literal(arena, &text, err));
    CH_AN_NEW(one, ch_make_int(arena, 1, err));
    CH_TRY(binary(ctx, "named_struct", key, one, &one, err));
    CH_AN_NEW(times, ch_make_ref(arena, n, err));
    CH_TRY(ch_make_cast(arena, &times, CH_T_INT, err));
    CH_AN_NEW(g, ch_rel_new(arena, CH_REL_GENERATE, err));
    CH_TRY(binary(ctx, "array_repeat", one, times, &g->generator, err));
    CH_AN_NEW(made, ch_make_attr(ctx, name, CH_T_INT, false, err));
    CH_TRY(ch_attr_list_add(arena, &g->generated, made, err));
    g->input = *rel;
    ch_expr_list list = {0};
    g->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < output->n; i++)
        CH_TRY(ch_attr_list_add(arena, &g->head.output, output->item[i], err));
    CH_TRY(ch_attr_list_add(arena, &g->head.output, made, err));
    CH_TRY(ch_make_refs(arena, output, &list, err));
    return ch_make_project(arena, &g->head, &list, rel, err);
}

static ch_status apply_all(const ch_analyze_context *ctx, const ch_rel_set_operation *s,
                           ch_rel_aggregate *g, const ch_attr *tag, ch_rel **rel, ch_error *err)
{
    ch_arena *arena = ctx->arena;
    int32_t n = s->head.output.n;
    CH_TRY(add_extreme(ctx, "count", tag, &g->aggregates, err));
    CH_TRY(add_extreme(ctx, "sum", tag, &g->aggregates, err));
    CH_TRY(ch_make_output(arena, &g->aggregates, &g->head.output, err));
    ch_expr *rows, *right, *times, *more;
    ch_expr_list list = {0}, keep = {0};
    CH_AN_NEW(rows, ch_make_ref(arena, g->head.output.item[n], err));
    CH_AN_NEW(right, ch_make_ref(arena, g->head.output.item[n + 1], err));
    CH_TRY(binary(ctx, "-", rows, right, &times, err));
    CH_TRY(binary(ctx, s->op == CH_SET_EXCEPT ? "-" : "least", times, right, &times, err));
    CH_AN_NEW(times, ch_make_alias(ctx, times, "times", err));
    CH_TRY(ch_make_refs(arena, &s->head.output, &list, err));
    CH_TRY(ch_expr_list_add(arena, &list, times, err));
    CH_TRY(ch_make_project(arena, &g->head, &list, rel, err));
    ch_scalar zero = {.type = CH_T_LONG};
    CH_AN_NEW(times, ch_make_ref(arena, (*rel)->output.item[n], err));
    CH_AN_NEW(more, ch_make_literal(arena, &zero, err));
    CH_TRY(binary(ctx, ">", times, more, &more, err));
    CH_TRY(ch_expr_list_add(arena, &keep, more, err));
    CH_TRY(ch_add_filter(ctx, &keep, rel, err));
    return repeat(ctx, &s->head.output, rel, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_set_operation *s = (const ch_rel_set_operation *)*rel;
    if (s->head.kind != CH_REL_SET_OPERATION || s->op == CH_SET_UNION)
        return CH_OK;
    ch_arena *arena = ctx->arena;
    int32_t n = s->head.output.n;
    ch_rel_set_operation *u;
    CH_AN_NEW(u, ch_rel_new(arena, CH_REL_SET_OPERATION, err));
    u->op = CH_SET_UNION;
    u->is_all = true;
    u->head.output = (ch_attr_list){0};
    CH_TRY(tagged(ctx, s->left, 0, &u->left, err));
    CH_TRY(tagged(ctx, s->right, 1, &u->right, err));
    for (int32_t i = 0; i <= n; i++) {
        /* Of the operation's own columns, so that what is above still finds them. */
        const ch_attr *attr = i < n ? s->head.output.item[i] : NULL;
        if (!attr)
            CH_AN_NEW(attr, ch_make_attr(ctx, "side", CH_T_INT, false, err));
        CH_TRY(ch_attr_list_add(arena, &u->head.output, attr, err));
    }

    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_new(arena, CH_REL_AGGREGATE, err));
    g->input = &u->head;
    CH_TRY(ch_make_refs(arena, &s->head.output, &g->grouping, err));
    CH_TRY(ch_make_refs(arena, &s->head.output, &g->aggregates, err));
    const ch_attr *tag = u->head.output.item[n];
    *changed = true;
    if (s->is_all)
        return apply_all(ctx, s, g, tag, rel, err);
    g->of_set = true;
    CH_TRY(add_extreme(ctx, "min", tag, &g->aggregates, err));
    CH_TRY(add_extreme(ctx, "max", tag, &g->aggregates, err));
    CH_TRY(ch_make_output(arena, &g->aggregates, &g->head.output, err));

    ch_expr_list keep = {0}, list = {0};
    bool both = s->op == CH_SET_INTERSECT;
    if (both)
        CH_TRY(is_value(ctx, g->head.output.item[n], 0, &keep, err));
    CH_TRY(is_value(ctx, g->head.output.item[n + 1], both ? 1 : 0, &keep, err));
    CH_TRY(ch_make_refs(arena, &s->head.output, &list, err));
    *rel = &g->head;
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &keep, rel, err));
    return ch_make_project(arena, *rel, &list, rel, err);
}

const ch_rule ch_rule_set_operation = {
    .name = "set_operation",
    .required = true,
    .doc = "Computes INTERSECT and EXCEPT by grouping the rows of both sides.",
    .apply = apply,
};
