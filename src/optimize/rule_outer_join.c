/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_outer_join.c - an outer join whose padded rows a filter above throws away is a smaller join.
 *
 *   filter rejects padded    left side's rows   right side's rows   both
 *   full outer               left outer         right outer         inner
 *   left outer               -                  inner
 *   right outer              inner              -
 *
 * A conjunct rejects rows whose columns of a side are all NULL if it is strict in one of them.
 */
#include <string.h>

#include "optimize/rewrite.h"

/* Is e NULL or false whenever all columns of the side are NULL? `as_condition` allows false. */
static bool rejects(const ch_expr *e, const ch_attr_list *side, bool as_condition)
{
    if (e->kind == CH_EXPR_ATTRIBUTE)
        return ch_attr_list_find(side, ((const ch_expr_attribute *)e)->attr->id) != NULL;
    if (e->kind == CH_EXPR_CAST)
        return rejects(((const ch_expr_cast *)e)->child, side, false);
    if (e->kind != CH_EXPR_CALL)
        return false;
    const ch_expr_call *c = (const ch_expr_call *)e;
    const ch_expr_list *args = &c->args;
    if (strcmp(c->func->name, "isnotnull") == 0)
        return as_condition && rejects(args->item[0], side, false);
    if (strcmp(c->func->name, "in") == 0)
        return rejects(args->item[0], side, false);
    /* if(isnull(x), NULL, ...): what a subquery that may find nothing becomes. */
    const ch_scalar *then;
    if (strcmp(c->func->name, "if") == 0 && ch_is_call(args->item[0], "isnull") &&
        ch_is_literal(args->item[1], &then) && then->is_null)
        return rejects(((const ch_expr_call *)args->item[0])->args.item[0], side, false);
    bool is_or = strcmp(c->func->name, "or") == 0;
    if (is_or || strcmp(c->func->name, "and") == 0) {
        bool all = true, any = false;
        for (int32_t i = 0; i < args->n; i++) {
            bool one = rejects(args->item[i], side, as_condition);
            all &= one;
            any |= one;
        }
        /* NULL AND x may be false, never true. */
        return is_or || !as_condition ? all : any;
    }
    if (!(c->func->flags & CH_FUNC_NULL_PROPAGATES))
        return false;
    for (int32_t i = 0; i < args->n; i++)
        if (rejects(args->item[i], side, false))
            return true;
    return false;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    if (f->head.kind != CH_REL_FILTER || f->input->kind != CH_REL_JOIN)
        return CH_OK;
    const ch_rel_join *j = (const ch_rel_join *)f->input;
    ch_expr_list parts = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    bool left = false, right = false;
    for (int32_t i = 0; i < parts.n; i++) {
        left |= rejects(parts.item[i], &j->left->output, true);
        right |= rejects(parts.item[i], &j->right->output, true);
    }
    ch_join_type type = j->join_type;
    if (type == CH_JOIN_FULL_OUTER)
        type = left && right ? CH_JOIN_INNER
               : left        ? CH_JOIN_LEFT_OUTER
               : right       ? CH_JOIN_RIGHT_OUTER
                             : type;
    if ((type == CH_JOIN_LEFT_OUTER && right) || (type == CH_JOIN_RIGHT_OUTER && left))
        type = CH_JOIN_INNER;
    if (type == j->join_type)
        return CH_OK;
    ch_rel_join *copy;
    CH_AN_NEW(copy, ch_rel_clone(ctx->arena, &j->head, err));
    copy->join_type = type;
    CH_TRY(ch_join_output(ctx->arena, copy, err));
    *changed = true;
    return ch_with_input(ctx->arena, &f->head, &copy->head, rel, err);
}

const ch_rule ch_rule_outer_join = {
    .name = "outer_join",
    .doc = "Makes outer joins inner where a filter above drops the padded rows.",
    .apply = apply,
    .top_down = true,
};
