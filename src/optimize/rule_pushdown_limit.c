/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_pushdown_limit.c - LIMIT n stops work as early as can be.
 *
 *   Limit over        becomes
 *   Limit m           Limit min(n, m)
 *   Project           Project over Limit
 *   EvalPython        EvalPython over Limit: calls take longer than anything else
 *   Sort              a sort that keeps n rows (top-N)
 *   Offset k          the same, with Limit n + k below
 *   Union             each side gets the limit, too
 *   left outer join   the left side gets the limit, too; right outer: the right one
 *   Scan              the scan is told
 * and LIMIT 0 is no rows.
 */
#include "optimize/rewrite.h"

/* A relation that gives n rows at most, whatever is above it. */
static bool gives_at_most(const ch_rel *rel, int64_t n)
{
    switch (rel->kind) {
    case CH_REL_LIMIT:
        return ((const ch_rel_limit *)rel)->limit <= n;
    case CH_REL_SORT: {
        const ch_rel_sort *s = (const ch_rel_sort *)rel;
        return s->limit >= 0 && s->limit <= n;
    }
    case CH_REL_SCAN: {
        const ch_rel_scan *s = (const ch_rel_scan *)rel;
        return s->limit >= 0 && s->limit <= n;
    }
    case CH_REL_VALUES:
        return ((const ch_rel_values *)rel)->n_rows <= n;
    case CH_REL_ONE_ROW:
        return n >= 1;
    case CH_REL_AGGREGATE:
        return ((const ch_rel_aggregate *)rel)->grouping.n == 0 && n >= 1;
    case CH_REL_PROJECT:
        return gives_at_most(((const ch_rel_project *)rel)->input, n);
    default:
        return false;
    }
}

static ch_status add_limit(const ch_analyze_context *ctx, ch_rel **rel, int64_t n, bool *changed,
                           ch_error *err)
{
    if (gives_at_most(*rel, n))
        return CH_OK;
    ch_rel_limit *l;
    CH_AN_NEW(l, ch_rel_new(ctx->arena, CH_REL_LIMIT, err));
    l->input = *rel;
    l->limit = n;
    l->head.output = (*rel)->output;
    *rel = &l->head;
    *changed = true;
    return CH_OK;
}

static ch_status into_sort(const ch_analyze_context *ctx, const ch_rel_limit *l, ch_rel **rel,
                           ch_error *err)
{
    ch_rel_sort *s;
    CH_AN_NEW(s, ch_rel_clone(ctx->arena, l->input, err));
    s->limit = s->limit >= 0 && s->limit < l->limit ? s->limit : l->limit;
    *rel = &s->head;
    return CH_OK;
}

static ch_status into_sides(const ch_analyze_context *ctx, const ch_rel_limit *l, bool left,
                            bool right, size_t left_at, size_t right_at, ch_rel **rel,
                            bool *changed, ch_error *err)
{
    ch_rel *copy;
    CH_AN_NEW(copy, ch_rel_clone(ctx->arena, l->input, err));
    bool any = false;
    if (left)
        CH_TRY(add_limit(ctx, (ch_rel **)((char *)copy + left_at), l->limit, &any, err));
    if (right)
        CH_TRY(add_limit(ctx, (ch_rel **)((char *)copy + right_at), l->limit, &any, err));
    if (!any)
        return CH_OK;
    *changed = true;
    return ch_with_input(ctx->arena, &l->head, copy, rel, err);
}

static ch_status tell_scan(const ch_analyze_context *ctx, const ch_rel_limit *l, ch_rel **rel,
                           bool *changed, ch_error *err)
{
    ch_rel_scan *s;
    if (gives_at_most(l->input, l->limit))
        return CH_OK;
    CH_AN_NEW(s, ch_rel_clone(ctx->arena, l->input, err));
    s->limit = l->limit;
    *changed = true;
    return ch_with_input(ctx->arena, &l->head, &s->head, rel, err);
}

static ch_status over_offset(const ch_analyze_context *ctx, const ch_rel_limit *l, ch_rel **rel,
                             bool *changed, ch_error *err)
{
    const ch_rel_offset *o = (const ch_rel_offset *)l->input;
    int64_t most;
    if (__builtin_add_overflow(l->limit, o->offset, &most))
        return CH_OK;
    ch_rel *input = o->input, *offset;
    bool any = false;
    CH_TRY(add_limit(ctx, &input, most, &any, err));
    if (!any)
        return CH_OK;
    *changed = true;
    CH_TRY(ch_with_input(ctx->arena, &o->head, input, &offset, err));
    return ch_with_input(ctx->arena, &l->head, offset, rel, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    if ((*rel)->kind != CH_REL_LIMIT)
        return CH_OK;
    const ch_rel_limit *l = (const ch_rel_limit *)*rel;
    ch_rel *input = l->input;
    if (l->limit == 0) {
        *changed = true;
        return ch_make_empty(ctx->arena, &l->head.output, rel, err);
    }
    switch (input->kind) {
    case CH_REL_LIMIT: {
        ch_rel_limit *one;
        CH_AN_NEW(one, ch_rel_clone(ctx->arena, input, err));
        if (l->limit < one->limit)
            one->limit = l->limit;
        *rel = &one->head;
        *changed = true;
        return CH_OK;
    }
    case CH_REL_PROJECT: {
        ch_rel *limited;
        const ch_expr_list *list = &((const ch_rel_project *)input)->expressions;
        for (int32_t i = 0; i < list->n; i++)
            if (!ch_expr_is_deterministic(list->item[i])) /* of the rows as they are dealt out */
                return CH_OK;
        CH_TRY(
            ch_with_input(ctx->arena, *rel, ((const ch_rel_project *)input)->input, &limited, err));
        *changed = true;
        return ch_with_input(ctx->arena, input, limited, rel, err);
    }
    case CH_REL_EVAL_PYTHON: {
        ch_rel *limited;
        CH_TRY(ch_with_input(ctx->arena, *rel, ((const ch_rel_eval_python *)input)->input, &limited,
                             err));
        *changed = true;
        return ch_with_input(ctx->arena, input, limited, rel, err);
    }
    case CH_REL_SORT:
        *changed = true;
        return into_sort(ctx, l, rel, err);
    case CH_REL_OFFSET:
        return over_offset(ctx, l, rel, changed, err);
    case CH_REL_SET_OPERATION: {
        const ch_rel_set_operation *s = (const ch_rel_set_operation *)input;
        bool is_union = s->op == CH_SET_UNION && s->is_all;
        return is_union ? into_sides(ctx, l, true, true, offsetof(ch_rel_set_operation, left),
                                     offsetof(ch_rel_set_operation, right), rel, changed, err)
                        : CH_OK;
    }
    case CH_REL_JOIN: {
        ch_join_type type = ((const ch_rel_join *)input)->join_type;
        bool left = type == CH_JOIN_LEFT_OUTER || type == CH_JOIN_EXISTENCE;
        return into_sides(ctx, l, left, type == CH_JOIN_RIGHT_OUTER, offsetof(ch_rel_join, left),
                          offsetof(ch_rel_join, right), rel, changed, err);
    }
    case CH_REL_SCAN:
        return tell_scan(ctx, l, rel, changed, err);
    case CH_REL_RECURSION: {
        ch_rel_recursion *r;
        const ch_rel_recursion *now = (const ch_rel_recursion *)input;
        if (now->limit >= 0 && now->limit <= l->limit)
            return CH_OK;
        CH_AN_NEW(r, ch_rel_clone(ctx->arena, input, err));
        r->limit = l->limit;
        *changed = true;
        return ch_with_input(ctx->arena, &l->head, &r->head, rel, err);
    }
    default:
        return CH_OK;
    }
}

const ch_rule ch_rule_pushdown_limit = {
    .name = "pushdown_limit",
    .doc = "Stops reading, sorting and computing when LIMIT has its rows.",
    .apply = apply,
    .top_down = true,
};
