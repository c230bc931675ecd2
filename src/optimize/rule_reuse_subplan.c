/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_reuse_subplan.c - an Aggregate that stands in the plan twice is computed once.
 *
 *   Join ─┬─ ... Aggregate(v)                Join ─┬─ ... Reuse 1 ── Aggregate(v)
 *         └─ ... Aggregate(v')                     └─ ... Project [v AS v'] ── Reuse 1 ── Aggregate(v)
 *
 * As a view or a common table expression that a query names twice. Two relations are the same if they
 * differ only in the ids of their columns. Those that look at other rows each time (rand) are not.
 */
#include <string.h>

#include "optimize/rewrite.h"
#include "store/file.h"

enum { MAX_AGGREGATES = 64 };

typedef struct seen {
    ch_rel *rel;
    int64_t number; /* 0: stands alone so far */
} seen;

typedef struct reuser {
    const ch_analyze_context *ctx;
    seen seen[MAX_AGGREGATES];
    int n_seen;
    int64_t last_number;
    bool changed;
} reuser;

/* ---- the same but for ids ---------------------------------------------------------------- */

/* Columns of b, and what they are in a. */
typedef struct renaming {
    ch_arena *arena;
    ch_attr_list from, to;
} renaming;

static ch_status same(renaming *r, const ch_rel *a, const ch_rel *b, bool *out, ch_error *err);

static ch_status same_expr(renaming *r, ch_expr *a, ch_expr *b, bool *out, ch_error *err)
{
    *out = !a && !b;
    if (!a || !b)
        return CH_OK;
    if (a->kind == CH_EXPR_ALIAS && b->kind == CH_EXPR_ALIAS) {
        a = ((ch_expr_alias *)a)->child;
        b = ((ch_expr_alias *)b)->child;
    }
    CH_TRY(ch_remap(r->arena, &r->from, &r->to, &b, err));
    *out = ch_expr_is_deterministic(a) && !ch_has_subquery(a) && ch_expr_equal(a, b);
    return CH_OK;
}

static ch_status same_list(renaming *r, const ch_expr_list *a, const ch_expr_list *b, bool *out,
                           ch_error *err)
{
    *out = a->n == b->n;
    for (int32_t i = 0; i < a->n && *out; i++)
        CH_TRY(same_expr(r, a->item[i], b->item[i], out, err));
    return CH_OK;
}

static bool same_files(const ch_rel_scan *a, const ch_rel_scan *b)
{
    if (a->format != b->format || a->cached != b->cached || a->schema != b->schema ||
        a->aggregate != b->aggregate || a->n_files != b->n_files || a->limit != b->limit ||
        a->head.output.n != b->head.output.n || !a->dataset != !b->dataset ||
        a->parts.n != b->parts.n)
        return false;
    for (int32_t i = 0; i < a->parts.n; i++)
        if (strcmp(a->parts.item[i], b->parts.item[i]) != 0)
            return false;
    for (int32_t i = 0; i < a->n_files; i++)
        if (strcmp(a->file[i].path, b->file[i].path) != 0 || a->file[i].bytes != b->file[i].bytes ||
            a->file[i].mtime_us != b->file[i].mtime_us)
            return false;
    for (int32_t i = 0; i < a->head.output.n; i++)
        if (a->wanted[i] != b->wanted[i])
            return false;
    return true;
}

static bool same_options(const ch_rel_scan *a, const ch_rel_scan *b)
{
    int32_t n_a = a->options ? a->options->n : 0, n_b = b->options ? b->options->n : 0;
    for (int32_t i = 0; i < n_a && n_a == n_b; i++) {
        const char *other = ch_strmap_get(b->options, a->options->entry[i].key);
        if (!other || strcmp(other, a->options->entry[i].value) != 0)
            return false;
    }
    return n_a == n_b;
}

/* Columns that the generators make, by their place; all others are known by now. */
static ch_status same_generate(renaming *r, const ch_rel_generate *a, const ch_rel_generate *b,
                               bool *out, ch_error *err)
{
    *out = a->outer == b->outer && a->generated.n == b->generated.n;
    if (*out)
        CH_TRY(same_expr(r, a->generator, b->generator, out, err));
    for (int32_t i = 0; i < a->generated.n && *out; i++) {
        CH_TRY(ch_attr_list_add(r->arena, &r->from, b->generated.item[i], err));
        CH_TRY(ch_attr_list_add(r->arena, &r->to, a->generated.item[i], err));
    }
    for (int32_t i = 0; i < a->head.output.n && *out; i++) {
        int64_t id = b->head.output.item[i]->id;
        *out = false;
        for (int32_t k = 0; k < r->from.n; k++)
            *out |= r->from.item[k]->id == id && r->to.item[k]->id == a->head.output.item[i]->id;
    }
    return CH_OK;
}

static ch_status same_node(renaming *r, const ch_rel *a, const ch_rel *b, bool *out, ch_error *err)
{
    switch (a->kind) {
    case CH_REL_SCAN: {
        const ch_rel_scan *x = (const ch_rel_scan *)a, *y = (const ch_rel_scan *)b;
        *out = same_files(x, y) && same_options(x, y);
        for (int32_t i = 0; i < a->output.n && *out; i++) {
            CH_TRY(ch_attr_list_add(r->arena, &r->from, b->output.item[i], err));
            CH_TRY(ch_attr_list_add(r->arena, &r->to, a->output.item[i], err));
        }
        if (*out)
            CH_TRY(same_list(r, &x->asked_of, &y->asked_of, out, err));
        return *out ? same_list(r, &x->pushed, &y->pushed, out, err) : CH_OK;
    }
    case CH_REL_RANGE: {
        const ch_rel_range *x = (const ch_rel_range *)a, *y = (const ch_rel_range *)b;
        *out = x->from == y->from && x->to == y->to && x->step == y->step;
        return CH_OK;
    }
    case CH_REL_LOCAL_RELATION: {
        const ch_rel_local_relation *x = (const ch_rel_local_relation *)a;
        const ch_rel_local_relation *y = (const ch_rel_local_relation *)b;
        *out = x->batch == y->batch && x->n_batches == y->n_batches;
        return CH_OK;
    }
    case CH_REL_GENERATE:
        return same_generate(r, (const ch_rel_generate *)a, (const ch_rel_generate *)b, out, err);
    case CH_REL_FILTER:
        return same_expr(r, ((const ch_rel_filter *)a)->condition,
                         ((const ch_rel_filter *)b)->condition, out, err);
    case CH_REL_PROJECT:
        return same_list(r, &((const ch_rel_project *)a)->expressions,
                         &((const ch_rel_project *)b)->expressions, out, err);
    case CH_REL_AGGREGATE: {
        const ch_rel_aggregate *x = (const ch_rel_aggregate *)a;
        const ch_rel_aggregate *y = (const ch_rel_aggregate *)b;
        *out = x->group_type == CH_GROUP_BY && y->group_type == CH_GROUP_BY && !x->n_sets &&
               !y->n_sets;
        if (*out)
            CH_TRY(same_list(r, &x->grouping, &y->grouping, out, err));
        return *out ? same_list(r, &x->aggregates, &y->aggregates, out, err) : CH_OK;
    }
    case CH_REL_JOIN: {
        const ch_rel_join *x = (const ch_rel_join *)a, *y = (const ch_rel_join *)b;
        *out = x->join_type == y->join_type && x->null_aware == y->null_aware &&
               x->exists == y->exists && x->build == y->build && !x->lateral && !y->lateral;
        return *out ? same_expr(r, x->condition, y->condition, out, err) : CH_OK;
    }
    default:
        *out = false;
        return CH_OK;
    }
}

/* Inputs first: they say which columns are the same. */
static ch_status same(renaming *r, const ch_rel *a, const ch_rel *b, bool *out, ch_error *err)
{
    const ch_node_class *cls = ch_rel_class(a->kind);
    *out = a->kind == b->kind && a->output.n == b->output.n;
    for (int i = 0; i < cls->n_fields && *out; i++)
        if (cls->field[i].kind == CH_NODE_REL)
            CH_TRY(same(r, *(ch_rel *const *)((const char *)a + cls->field[i].offset),
                        *(ch_rel *const *)((const char *)b + cls->field[i].offset), out, err));
    if (*out)
        CH_TRY(same_node(r, a, b, out, err));
    for (int32_t i = 0; i < a->output.n && *out; i++) {
        if (ch_attr_list_find(&r->from, b->output.item[i]->id))
            continue;
        CH_TRY(ch_attr_list_add(r->arena, &r->from, b->output.item[i], err));
        CH_TRY(ch_attr_list_add(r->arena, &r->to, a->output.item[i], err));
    }
    return CH_OK;
}

/* ---- finding and replacing --------------------------------------------------------------- */

static ch_status make_reuse(reuser *u, const seen *s, ch_rel **out, ch_error *err)
{
    ch_rel_reuse *reuse;
    CH_AN_NEW(reuse, ch_rel_new(u->ctx->arena, CH_REL_REUSE, err));
    reuse->input = s->rel;
    reuse->number = s->number;
    reuse->head.output = s->rel->output;
    *out = &reuse->head;
    return CH_OK;
}

/* The first one's columns under the ids of this one's. */
static ch_status renamed(reuser *u, const seen *s, ch_rel **rel, ch_error *err)
{
    ch_expr_list list = {0};
    ch_rel *reuse;
    CH_TRY(make_reuse(u, s, &reuse, err));
    for (int32_t i = 0; i < reuse->output.n; i++) {
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(u->ctx->arena, reuse->output.item[i], err));
        ch_expr_alias *alias;
        CH_AN_NEW(alias,
                  (ch_expr_alias *)ch_make_alias(u->ctx, ref, (*rel)->output.item[i]->name, err));
        alias->id = (*rel)->output.item[i]->id;
        CH_TRY(ch_expr_list_add(u->ctx->arena, &list, &alias->head, err));
    }
    return ch_make_project(u->ctx->arena, reuse, &list, rel, err);
}

static seen *seen_before(reuser *u, const ch_rel *rel, ch_error *err, ch_status *status)
{
    for (int i = 0; i < u->n_seen; i++) {
        renaming r = {.arena = u->ctx->arena};
        bool is = false;
        *status = same(&r, u->seen[i].rel, rel, &is, err);
        if (*status != CH_OK || is)
            return &u->seen[i];
    }
    return NULL;
}

/* From the root: a relation inside of one that is reused is not looked at again. */
static ch_status look(void *user, ch_rel **rel, ch_error *err)
{
    reuser *u = user;
    ch_status status = CH_OK;
    if ((*rel)->kind == CH_REL_AGGREGATE && ((const ch_rel_aggregate *)*rel)->grouping.n) {
        seen *s = seen_before(u, *rel, err, &status);
        CH_TRY(status);
        if (s) {
            s->number = s->number ? s->number : ++u->last_number;
            u->changed = true;
            return renamed(u, s, rel, err);
        }
        if (u->n_seen < MAX_AGGREGATES)
            u->seen[u->n_seen++] = (seen){*rel, 0};
    }
    return ch_rel_map_inputs(u->ctx->arena, rel, look, u, err);
}

/* The first of each. */
static ch_status mark(void *user, ch_rel **rel, ch_error *err)
{
    reuser *u = user;
    if ((*rel)->kind == CH_REL_REUSE)
        return CH_OK;
    for (int i = 0; i < u->n_seen; i++)
        if (u->seen[i].rel == *rel && u->seen[i].number)
            return make_reuse(u, &u->seen[i], rel, err);
    return ch_rel_map_inputs(u->ctx->arena, rel, mark, u, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    reuser u = {.ctx = ctx};
    ch_rel *plan = *rel;
    CH_TRY(look(&u, &plan, err));
    if (!u.changed)
        return CH_OK;
    *changed = true;
    CH_TRY(mark(&u, &plan, err));
    *rel = plan;
    return CH_OK;
}

const ch_rule ch_rule_reuse_subplan = {
    .name = "reuse_subplan",
    .doc = "Computes aggregates that occur twice once.",
    .apply = apply,
    .whole = true,
    .once = true,
};
