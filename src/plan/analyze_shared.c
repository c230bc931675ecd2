/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_shared.c - definitions of WITH that are computed once for all their uses.
 *
 *   Shared 1 ─┬─ definition                   computed first, and kept
 *             └─ body ── ... SharedRef 1 ...  reads what is kept
 *
 * A definition is copied into each use as long as that is cheap, so that each copy knows its filters and
 * columns. It is shared where copies would not be the same (rand()), or would make the plan large: each
 * use of a shared one counts as one relation, which keeps a chain of doublings linear.
 */
#include "plan/analyzer.h"

/* Relations that the copies of one definition may have together. */
#define MOST_COPIED 256

/* ---- uses ------------------------------------------------------------------------------------ */

typedef struct counter {
    const ch_analyzer *a;
    const char *name;
    int64_t n;
} counter;

static ch_status count_uses(void *user, ch_rel **rel, ch_error *err);

static ch_status count_in_expr(void *user, ch_expr **e, ch_error *err)
{
    if ((*e)->kind == CH_EXPR_SUBQUERY)
        CH_TRY(count_uses(user, &((ch_expr_subquery *)*e)->plan, err));
    return ch_expr_map_children(NULL, e, count_in_expr, user, err);
}

static ch_status count_uses(void *user, ch_rel **rel, ch_error *err)
{
    counter *c = user;
    const ch_rel_read_named_table *t = (const void *)*rel;
    if (t->head.kind == CH_REL_READ_NAMED_TABLE)
        c->n += t->parts.n == 1 && ch_an_same_name(c->a, t->parts.item[0], c->name);
    CH_TRY(ch_rel_map_exprs(NULL, rel, count_in_expr, c, err));
    return ch_rel_map_inputs(NULL, rel, count_uses, c, err);
}

/* ---- weight ---------------------------------------------------------------------------------- */

typedef struct weight {
    int64_t relations;
    bool random;
} weight;

static ch_status weigh(void *user, ch_rel **rel, ch_error *err);

static ch_status weigh_expr(void *user, ch_expr **e, ch_error *err)
{
    weight *w = user;
    const ch_expr_call *c = (const void *)*e;
    if (c->head.kind == CH_EXPR_SUBQUERY)
        CH_TRY(weigh(user, &((ch_expr_subquery *)*e)->plan, err));
    w->random |= c->head.kind == CH_EXPR_CALL && (c->func->flags & CH_FUNC_NONDETERMINISTIC);
    return ch_expr_map_children(NULL, e, weigh_expr, user, err);
}

static ch_status weigh(void *user, ch_rel **rel, ch_error *err)
{
    weight *w = user;
    const ch_rel_sample *s = (const void *)*rel;
    w->relations++;
    w->random |= s->head.kind == CH_REL_SAMPLE && !s->has_seed;
    CH_TRY(ch_rel_map_exprs(NULL, rel, weigh_expr, w, err));
    return ch_rel_map_inputs(NULL, rel, weigh, w, err);
}

ch_status ch_an_share(ch_analyzer *a, const ch_rel_with *w, int32_t at, ch_an_cte *cte,
                      ch_error *err)
{
    counter c = {.a = a, .name = cte->def->alias};
    weight heavy = {0};
    for (const ch_an_cte *up = a->ctes; up; up = up->up)
        if (up->state != CH_CTE_KNOWN) /* a step is run by itself */
            return CH_OK;
    if (a->outer)
        return CH_OK;
    ch_rel *rel = w->input;
    CH_TRY(count_uses(&c, &rel, err));
    for (int32_t i = at + 1; i < w->ctes.n; i++)
        CH_TRY(count_uses(&c, &w->ctes.item[i], err));
    if (c.n < 2)
        return CH_OK;
    CH_TRY(weigh(&heavy, &cte->resolved, err));
    if (!heavy.random && heavy.relations * c.n <= MOST_COPIED)
        return CH_OK;
    cte->shared = cte->resolved;
    cte->resolved = NULL;
    cte->number = -1 - atomic_fetch_add(a->ctx->next_id, 1); /* others are positive */
    return CH_OK;
}

ch_status ch_an_shared_ref(ch_analyzer *a, const ch_an_cte *cte, ch_rel **out, ch_error *err)
{
    ch_rel_shared_ref *ref;
    CH_AN_NEW(ref, ch_rel_new(a->arena, CH_REL_SHARED_REF, err));
    ref->number = cte->number;
    ref->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < cte->shared->output.n; i++) {
        const ch_attr *c = cte->shared->output.item[i];
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, c->name, c->type, c->nullable, err));
        attr->qualifier = c->qualifier;
        attr->metadata = c->metadata;
        CH_TRY(ch_attr_list_add(a->arena, &ref->head.output, attr, err));
    }
    *out = &ref->head;
    return CH_OK;
}

ch_status ch_an_shared(ch_analyzer *a, const ch_an_cte *cte, ch_rel **body, ch_error *err)
{
    ch_rel_shared *s;
    CH_AN_NEW(s, ch_rel_new(a->arena, CH_REL_SHARED, err));
    s->definition = cte->shared;
    s->body = *body;
    s->number = cte->number;
    s->head.output = (*body)->output;
    *body = &s->head;
    return CH_OK;
}
