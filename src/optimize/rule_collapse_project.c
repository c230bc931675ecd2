/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_collapse_project.c - two projects in a row become one, unless that would compute something twice.
 *
 *   Project [(x + 1)] over Project [(a * 2) AS x]    Project [((a * 2) + 1)]
 *   Project [b, a] over Aggregate [a, count(1) b]    the aggregate gives b, a itself
 *   Project [a, b] over what gives a, b              nothing
 *   Aggregate [x] over Project [a AS x]              Aggregate [a]: what lies below comes into other rules' sight
 */
#include <string.h>

#include "optimize/rewrite.h"

typedef struct counter {
    ch_arena *arena;
    const ch_expr_list *list;
    int32_t *uses;
} counter;

static ch_status count(void *user, ch_expr **child, ch_error *err)
{
    counter *c = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(c->arena, child, count, c, err);
    int64_t id = ((const ch_expr_attribute *)*child)->attr->id;
    for (int32_t i = 0; i < c->list->n; i++) {
        const ch_expr *e = c->list->item[i];
        if (e->kind == CH_EXPR_ALIAS && ((const ch_expr_alias *)e)->id == id)
            c->uses[i]++;
    }
    return CH_OK;
}

/* May the upper list be written over what the lower one is made of? */
static ch_status can_merge(const ch_analyze_context *ctx, const ch_expr_list *upper,
                           const ch_expr_list *lower, bool *out, ch_error *err)
{
    counter c = {ctx->arena, lower, NULL};
    CH_ARENA_ARRAY(c.uses, ctx->arena, lower->n + 1, err);
    for (int32_t i = 0; i < upper->n; i++) {
        ch_expr *e = upper->item[i];
        CH_TRY(count(&c, &e, err));
    }
    *out = true;
    for (int32_t i = 0; i < lower->n; i++) {
        const ch_expr *e = lower->item[i];
        if (e->kind != CH_EXPR_ALIAS)
            continue;
        const ch_expr *child = ((const ch_expr_alias *)e)->child;
        if (!ch_expr_is_deterministic(child))
            *out &= c.uses[i] == 1 && upper->n == 1;
        else if (child->kind != CH_EXPR_ATTRIBUTE && child->kind != CH_EXPR_LITERAL)
            *out &= c.uses[i] <= 1;
    }
    return CH_OK;
}

/* The upper list over the lower one's input; columns keep their names and ids. */
static ch_status merged_list(const ch_analyze_context *ctx, const ch_expr_list *upper,
                             const ch_attr_list *output, const ch_expr_list *lower,
                             ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < upper->n; i++) {
        ch_expr *e = upper->item[i];
        const ch_attr *attr = output->item[i];
        CH_TRY(ch_substitute(ctx->arena, lower, &e, err));
        bool same = e->kind == CH_EXPR_ATTRIBUTE &&
                    ((const ch_expr_attribute *)e)->attr->id == attr->id &&
                    strcmp(((const ch_expr_attribute *)e)->attr->name, attr->name) == 0;
        if (!same && e->kind != CH_EXPR_ALIAS) {
            CH_AN_NEW(e, ch_make_alias(ctx, e, attr->name, err));
            ((ch_expr_alias *)e)->id = attr->id;
            ((ch_expr_alias *)e)->metadata = attr->metadata;
        }
        CH_TRY(ch_expr_list_add(ctx->arena, out, e, err));
    }
    return CH_OK;
}

static bool is_identity(const ch_rel_project *p)
{
    const ch_attr_list *in = &p->input->output, *out = &p->head.output;
    bool same = in->n == out->n;
    for (int32_t i = 0; i < out->n && same; i++)
        same = in->item[i]->id == out->item[i]->id &&
               strcmp(in->item[i]->name, out->item[i]->name) == 0;
    return same;
}

static bool only_renames(const ch_rel_project *p)
{
    bool only = true;
    for (int32_t i = 0; i < p->expressions.n; i++) {
        const ch_expr *e = p->expressions.item[i];
        if (e->kind == CH_EXPR_ALIAS)
            e = ((const ch_expr_alias *)e)->child;
        only &= e->kind == CH_EXPR_ATTRIBUTE;
    }
    return only;
}

/* An aggregate over a project that computes nothing takes its columns from below it. */
static ch_status below_renames(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                               ch_error *err)
{
    const ch_rel_aggregate *upper = (const ch_rel_aggregate *)*rel;
    if (upper->input->kind != CH_REL_PROJECT || upper->n_sets > 0 ||
        !only_renames((const ch_rel_project *)upper->input))
        return CH_OK;
    const ch_rel_project *lower = (const ch_rel_project *)upper->input;
    ch_expr_list list = {0}, grouping = {0};
    CH_TRY(
        merged_list(ctx, &upper->aggregates, &upper->head.output, &lower->expressions, &list, err));
    for (int32_t i = 0; i < upper->grouping.n; i++) {
        ch_expr *e = upper->grouping.item[i];
        CH_TRY(ch_substitute(ctx->arena, &lower->expressions, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &grouping, e, err));
    }
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_clone(ctx->arena, &upper->head, err));
    g->aggregates = list;
    g->grouping = grouping;
    g->input = lower->input;
    *rel = &g->head;
    *changed = true;
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    if ((*rel)->kind == CH_REL_AGGREGATE)
        return below_renames(ctx, rel, changed, err);
    if ((*rel)->kind != CH_REL_PROJECT)
        return CH_OK;
    const ch_rel_project *p = (const ch_rel_project *)*rel;
    if (is_identity(p)) {
        *rel = p->input;
        *changed = true;
        return CH_OK;
    }
    bool merge;
    ch_expr_list list = {0};
    if (p->input->kind == CH_REL_PROJECT) {
        const ch_rel_project *lower = (const ch_rel_project *)p->input;
        CH_TRY(can_merge(ctx, &p->expressions, &lower->expressions, &merge, err));
        if (!merge)
            return CH_OK;
        CH_TRY(merged_list(ctx, &p->expressions, &p->head.output, &lower->expressions, &list, err));
        *changed = true;
        return ch_make_project(ctx->arena, lower->input, &list, rel, err);
    }
    if (p->input->kind == CH_REL_AGGREGATE) {
        const ch_rel_aggregate *lower = (const ch_rel_aggregate *)p->input;
        CH_TRY(can_merge(ctx, &p->expressions, &lower->aggregates, &merge, err));
        if (!merge)
            return CH_OK;
        CH_TRY(merged_list(ctx, &p->expressions, &p->head.output, &lower->aggregates, &list, err));
        ch_rel_aggregate *g;
        CH_AN_NEW(g, ch_rel_clone(ctx->arena, &lower->head, err));
        g->aggregates = list;
        *changed = true;
        *rel = &g->head;
        return ch_make_output(ctx->arena, &list, &g->head.output, err);
    }
    return CH_OK;
}

const ch_rule ch_rule_collapse_project = {
    .name = "collapse_project",
    .doc = "Merges projects that follow one another, and drops those that change nothing.",
    .apply = apply,
};
