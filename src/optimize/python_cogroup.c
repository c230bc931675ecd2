/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_cogroup.c - cogroups as groups: rows of both sides in one order, those of the left first in each group.
 *
 *   CoGroupMap l [k], r [j]     GroupMap [key], side
 *                               +- Sort [pmod(hash(key), n), key, side]
 *                                  +- Union
 *                                     :- Project [l.*, NULL AS r.*, k AS key, 0 AS side]
 *                                     +- Project [NULL AS l.*, r.*, j AS key, 1 AS side]
 *
 * So a group's rows meet wherever they come from, the sort goes to disk where there are many, and groups are
 * dealt out to all workers.
 */
#include "optimize/python_groups.h"
#include "plan/plan_python.h"

/* The columns of one side, NULLs in the places of the other's, the keys, and which side it is. */
static ch_status make_side(const ch_analyze_context *ctx, const ch_rel_co_group_map *m, int which,
                           ch_rel **out, ch_error *err)
{
    const ch_expr_list *args = &((const ch_expr_call *)m->function)->args;
    const ch_expr_list *keys = which ? &m->other_grouping : &m->input_grouping;
    ch_expr_list list = {0};
    ch_expr *e;
    for (int32_t i = 0; i < args->n; i++) {
        e = args->item[i];
        if ((i >= m->n_left) != which) {
            ch_scalar null = {.type = e->type, .is_null = true};
            CH_AN_NEW(e, ch_make_literal(ctx->arena, &null, err));
            CH_AN_NEW(e, ch_make_alias(ctx, e, "none", err));
        }
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    for (int32_t i = 0; i < keys->n; i++) {
        CH_AN_NEW(e, ch_make_alias(ctx, keys->item[i], "key", err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    CH_AN_NEW(e, ch_make_int(ctx->arena, which, err));
    CH_AN_NEW(e, ch_make_alias(ctx, e, "side", err));
    CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    return ch_make_project(ctx->arena, which ? m->other : m->input, &list, out, err);
}

/* Columns have the names that the function sees. */
static ch_status make_union(const ch_analyze_context *ctx, const ch_rel_co_group_map *m,
                            ch_rel **out, ch_error *err)
{
    ch_rel_set_operation *u;
    CH_AN_NEW(u, ch_rel_new(ctx->arena, CH_REL_SET_OPERATION, err));
    u->op = CH_SET_UNION;
    u->is_all = true;
    CH_TRY(make_side(ctx, m, 0, &u->left, err));
    CH_TRY(make_side(ctx, m, 1, &u->right, err));
    u->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < u->left->output.n; i++) {
        const ch_attr *l = u->left->output.item[i], *r = u->right->output.item[i];
        const char *name = i < m->n_left ? l->name : r->name;
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(ctx, name, l->type, l->nullable || r->nullable, err));
        CH_TRY(ch_attr_list_add(ctx->arena, &u->head.output, attr, err));
    }
    *out = &u->head;
    return CH_OK;
}

ch_status ch_python_cogroup(const ch_analyze_context *ctx, const ch_rel_co_group_map *m,
                            ch_rel **rel, ch_error *err)
{
    int32_t n_args = ((const ch_expr_call *)m->function)->args.n, n_keys = m->input_grouping.n;
    ch_rel_group_map *g;
    ch_expr_call *function;
    ch_expr_list refs = {0};
    CH_AN_NEW(g, ch_rel_new(ctx->arena, CH_REL_GROUP_MAP, err));
    CH_AN_NEW(function, ch_expr_clone(ctx->arena, m->function, err));
    CH_TRY(make_union(ctx, m, &g->input, err));
    CH_TRY(ch_make_refs(ctx->arena, &g->input->output, &refs, err));
    function->args = (ch_expr_list){refs.item, n_args};
    g->function = &function->head;
    g->grouping = (ch_expr_list){refs.item + n_args, n_keys};
    g->side = refs.item[n_args + n_keys];
    g->n_left = m->n_left;
    g->head.output = m->head.output;
    CH_TRY(ch_python_groups(ctx, &g->input, &g->grouping, g->side, err));
    *rel = &g->head;
    return CH_OK;
}
