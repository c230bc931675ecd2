/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unnest_filters.c - conjuncts on the row around a subquery, taken out of its filters.
 *
 *   EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.x > 1)
 *   Project [1, k]  +- Filter [u.x > 1]          condition: u.k = t.k
 *
 * They pass projects, which keep the columns that they need, and inner joins.
 */
#include <string.h>

#include "optimize/unnest.h"

/* ---- columns of the row around ------------------------------------------------------------------------- */

typedef struct seeker {
    const ch_expr_subquery *s;
    bool found;
} seeker;

static ch_status seek_expr(void *user, ch_expr **child, ch_error *err)
{
    seeker *k = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(NULL, child, seek_expr, k, err);
    int64_t id = ((const ch_expr_attribute *)*child)->attr->id;
    for (int32_t i = 0; i < k->s->outer.n; i++)
        k->found |= k->s->param[i]->id == id;
    return CH_OK;
}

static ch_status seek_rel(void *user, ch_rel **rel, ch_error *err)
{
    CH_TRY(ch_rel_map_exprs(NULL, rel, seek_expr, user, err));
    return ch_rel_map_inputs(NULL, rel, seek_rel, user, err);
}

bool ch_unnest_uses(const ch_expr_subquery *s, const ch_expr *expr)
{
    seeker k = {s, false};
    ch_expr *e = (ch_expr *)expr;
    return seek_expr(&k, &e, NULL) != CH_OK || k.found; /* nothing is replaced, so nothing fails */
}

bool ch_unnest_is_free(const ch_expr_subquery *s, const ch_rel *rel)
{
    seeker k = {s, false};
    ch_rel *r = (ch_rel *)rel;
    return seek_rel(&k, &r, NULL) != CH_OK || k.found;
}

ch_status ch_unnest_bind(const ch_analyze_context *ctx, const ch_expr_subquery *s, ch_expr **expr,
                         ch_error *err)
{
    ch_expr_list values = {0};
    for (int32_t i = 0; i < s->outer.n; i++) {
        ch_expr_alias *alias;
        CH_AN_NEW(alias, ch_expr_new(ctx->arena, CH_EXPR_ALIAS, err));
        alias->id = s->param[i]->id;
        alias->child = s->outer.item[i];
        CH_TRY(ch_expr_list_add(ctx->arena, &values, &alias->head, err));
    }
    return ch_substitute(ctx->arena, &values, expr, err);
}

/* ---- taking out ---------------------------------------------------------------------------------------- */

typedef struct puller {
    const ch_analyze_context *ctx;
    const ch_expr_subquery *s;
    ch_expr_list taken;
} puller;

static ch_status pull(puller *p, ch_rel **rel, ch_error *err);

static ch_status pull_filter(puller *p, ch_rel **rel, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_expr_list parts = {0}, rest = {0};
    ch_rel *input = f->input;
    CH_TRY(pull(p, &input, err));
    CH_TRY(ch_conjuncts(p->ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        bool take = ch_unnest_uses(p->s, parts.item[i]);
        CH_TRY(ch_expr_list_add(p->ctx->arena, take ? &p->taken : &rest, parts.item[i], err));
    }
    *rel = input;
    return ch_add_filter(p->ctx, &rest, rel, err);
}

/* Columns that the taken conjuncts need stay visible behind the output. */
static ch_status pull_project(puller *p, ch_rel **rel, ch_error *err)
{
    const ch_rel_project *in = (const ch_rel_project *)*rel;
    ch_arena *arena = p->ctx->arena;
    ch_rel *input = in->input;
    ch_expr_list list = {0};
    ch_attr_list used = {0};
    CH_TRY(pull(p, &input, err));
    for (int32_t i = 0; i < in->expressions.n; i++)
        CH_TRY(ch_expr_list_add(arena, &list, in->expressions.item[i], err));
    for (int32_t i = 0; i < p->taken.n; i++)
        CH_TRY(ch_columns_used(arena, p->taken.item[i], &used, err));
    for (int32_t i = 0; i < used.n; i++) {
        const ch_attr *attr = ch_attr_list_find(&input->output, used.item[i]->id);
        if (!attr || ch_attr_list_find(&in->head.output, attr->id))
            continue;
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(arena, attr, err));
        CH_TRY(ch_expr_list_add(arena, &list, ref, err));
    }
    return ch_make_project(arena, input, &list, rel, err);
}

static ch_status pull(puller *p, ch_rel **rel, ch_error *err)
{
    switch ((*rel)->kind) {
    case CH_REL_FILTER:
        return pull_filter(p, rel, err);
    case CH_REL_PROJECT:
        return pull_project(p, rel, err);
    case CH_REL_SUBQUERY_ALIAS: /* says nothing any more */
        *rel = ((const ch_rel_subquery_alias *)*rel)->input;
        return pull(p, rel, err);
    case CH_REL_JOIN:
        break;
    default:
        return CH_OK;
    }
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_clone(p->ctx->arena, *rel, err));
    if ((j->join_type != CH_JOIN_INNER && j->join_type != CH_JOIN_CROSS) || j->lateral)
        return CH_OK;
    CH_TRY(pull(p, &j->left, err));
    CH_TRY(pull(p, &j->right, err));
    if (j->condition && ch_unnest_uses(p->s, j->condition)) {
        ch_expr_list parts = {0}, rest = {0};
        CH_TRY(ch_conjuncts(p->ctx->arena, j->condition, &parts, err));
        for (int32_t i = 0; i < parts.n; i++) {
            bool take = ch_unnest_uses(p->s, parts.item[i]);
            CH_TRY(ch_expr_list_add(p->ctx->arena, take ? &p->taken : &rest, parts.item[i], err));
        }
        CH_TRY(ch_conjunction(p->ctx, &rest, &j->condition, err));
    }
    *rel = &j->head;
    return ch_join_output(p->ctx->arena, j, err);
}

ch_status ch_unnest_filters(const ch_analyze_context *ctx, const ch_expr_subquery *s,
                            ch_unnested *out, bool *done, ch_error *err)
{
    puller p = {ctx, s, {0}};
    ch_rel *rel = s->plan;
    CH_TRY(pull(&p, &rel, err));
    *done = !ch_unnest_is_free(s, rel);
    *out = (ch_unnested){.rel = rel};
    for (int32_t i = 0; i < p.taken.n && *done; i++) {
        ch_expr *e = p.taken.item[i];
        CH_TRY(ch_unnest_bind(ctx, s, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &out->condition, e, err));
    }
    return CH_OK;
}

ch_status ch_unnest(const ch_analyze_context *ctx, const ch_expr_subquery *s, ch_rel *around,
                    ch_unnested *out, ch_error *err)
{
    bool done;
    CH_TRY(ch_unnest_filters(ctx, s, out, &done, err));
    return done ? CH_OK : ch_unnest_domain(ctx, s, around, out, err);
}
