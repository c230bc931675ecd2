/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_common_subexpression.c - what a select list or an aggregate's arguments compute twice is computed once, below.
 *
 *   Aggregate [sum(p * (1 - d)), sum(p * (1 - d) * t)]
 *     ->  Aggregate [sum(c), sum(c * t)] over Project [t, p * (1 - d) AS c]
 *
 * Only what is computed for every row anyway: an expression that stands behind conditions alone (a branch of CASE, the
 * right side of AND, an aggregate's argument with FILTER) stays where it is. In a select list of an aggregate only
 * the arguments of functions are rows of the input; around them a grouping expression is replaced as a whole.
 */
#include <stdio.h>

#include "optimize/rewrite.h"

enum { NAME_BYTES = 24 };

typedef struct seen {
    const ch_expr *expr;
    uint64_t hash;
    int32_t times;
    bool always;     /* at least once in a place that every row comes to */
    ch_expr *column; /* what replaces it, once it is decided */
} seen;

/* What is known of an expression, found out from the bottom up: a chain of thousands is looked at once. */
typedef struct facts {
    const ch_expr *expr;
    uint64_t hash;
    bool column, work, bound, random;
} facts;

typedef struct search {
    const ch_analyze_context *ctx;
    seen *slot;   /* open addressing, n_slots a power of two */
    facts *known; /* by the expressions' addresses; n_known a power of two */
    size_t n_slots, n_used, n_known;
    int64_t n_nodes; /* without leaves */
    bool sometimes;  /* the place that is looked at is not for every row */
    const ch_expr_list *old_grouping, *new_grouping;
    ch_expr_list made; /* aliases of the project below */
} search;

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL &&
           ((const ch_expr_call *)e)->func->flags & (CH_FUNC_AGGREGATE | CH_FUNC_WINDOW);
}

/* The part of an expression that stands for itself; lambda functions have rows of their own. */
static bool is_opaque(const ch_expr *e)
{
    return e->kind == CH_EXPR_LAMBDA_FUNCTION || e->kind == CH_EXPR_SUBQUERY ||
           e->kind == CH_EXPR_WINDOW || e->kind == CH_EXPR_LITERAL || e->kind == CH_EXPR_ATTRIBUTE;
}

static bool is_leaf(const ch_expr *e)
{
    return e->kind == CH_EXPR_LITERAL || e->kind == CH_EXPR_ATTRIBUTE;
}

/* Of one that is no leaf. */
static facts *facts_of(const search *s, const ch_expr *e)
{
    uint64_t h = (uint64_t)(uintptr_t)e * UINT64_C(0x9E3779B97F4A7C15);
    for (size_t at = (size_t)(h >> 20) & (s->n_known - 1);; at = (at + 1) & (s->n_known - 1))
        if (!s->known[at].expr || s->known[at].expr == e)
            return &s->known[at];
}

static uint64_t hash_of(void *user, const ch_expr *e)
{
    return is_leaf(e) ? ch_expr_hash(e) : facts_of(user, e)->hash;
}

typedef struct below {
    const search *s;
    facts sum;
} below;

static ch_status add_facts(void *user, ch_expr **child, ch_error *err)
{
    below *b = user;
    CH_UNUSED(err);
    if (is_leaf(*child)) {
        b->sum.column |= (*child)->kind == CH_EXPR_ATTRIBUTE;
        return CH_OK;
    }
    const facts *f = facts_of(b->s, *child);
    b->sum.column |= f->column;
    b->sum.work |= f->work;
    b->sum.bound |= f->bound;
    b->sum.random |= f->random;
    return CH_OK;
}

static ch_status learn(void *user, ch_expr **child, ch_error *err)
{
    search *s = user;
    ch_expr *e = *child;
    below b = {s, {.expr = e}};
    if (is_leaf(e) || facts_of(s, e)->expr)
        return CH_OK;
    CH_TRY(ch_expr_map_children(NULL, child, learn, s, err));
    CH_TRY(ch_expr_map_children(NULL, child, add_facts, &b, err));
    facts *f = &b.sum;
    f->work |= e->kind == CH_EXPR_CALL || e->kind == CH_EXPR_CASE;
    f->bound |= e->kind == CH_EXPR_NAMED_LAMBDA_VARIABLE || e->kind == CH_EXPR_SUBQUERY ||
                e->kind == CH_EXPR_WINDOW || is_aggregate(e);
    f->random |= e->kind == CH_EXPR_CALL &&
                 ((const ch_expr_call *)e)->func->flags & CH_FUNC_NONDETERMINISTIC;
    f->hash = ch_expr_hash_by(e, hash_of, s);
    *facts_of(s, e) = *f;
    return CH_OK;
}

/* Worth a column: work over columns of the input, the same each time. */
static bool is_candidate(const search *s, const ch_expr *e)
{
    if (e->kind != CH_EXPR_CALL && e->kind != CH_EXPR_CAST && e->kind != CH_EXPR_CASE)
        return false;
    const facts *f = facts_of(s, e);
    return f->column && f->work && !f->bound && !f->random;
}

static seen *find(const search *s, const ch_expr *e, uint64_t hash)
{
    for (size_t at = hash & (s->n_slots - 1);; at = (at + 1) & (s->n_slots - 1)) {
        seen *found = &s->slot[at];
        if (!found->expr || (found->hash == hash && ch_expr_equal(found->expr, e)))
            return found;
    }
}

static ch_status count_nodes(void *user, ch_expr **child, ch_error *err)
{
    search *s = user;
    s->n_nodes += !is_leaf(*child);
    return ch_expr_map_children(NULL, child, count_nodes, s, err);
}

/* From which argument on is it decided by those before whether a row comes to it? */
static int32_t n_always(const ch_expr *e)
{
    static const char *const LAZY[] = {"and",      "or",  "if",     "when",
                                       "coalesce", "nvl", "ifnull", "nvl2"};
    if (e->kind == CH_EXPR_CASE)
        return 1;
    for (size_t i = 0; i < sizeof LAZY / sizeof *LAZY; i++)
        if (ch_is_call(e, LAZY[i]))
            return 1;
    return INT32_MAX;
}

typedef struct visit {
    search *s;
    ch_status (*fn)(void *user, ch_expr **child, ch_error *err);
    int32_t at, always;
} visit;

static ch_status each_child(void *user, ch_expr **child, ch_error *err)
{
    visit *v = user;
    bool before = v->s->sometimes;
    v->s->sometimes |= v->at++ >= v->always;
    ch_status status = v->fn(v->s, child, err);
    v->s->sometimes = before;
    return status;
}

static ch_status count(void *user, ch_expr **child, ch_error *err)
{
    search *s = user;
    const ch_expr *e = *child;
    if (is_opaque(e))
        return CH_OK;
    if (is_candidate(s, e)) {
        uint64_t hash = facts_of(s, e)->hash;
        seen *found = find(s, e, hash);
        if (!found->expr && s->n_used * 2 < s->n_slots) {
            *found = (seen){.expr = e, .hash = hash};
            s->n_used++;
        }
        if (found->expr) {
            found->times++;
            found->always |= !s->sometimes;
            if (found->times > 1)
                return CH_OK;
        }
    }
    visit v = {s, count, 0, n_always(e)};
    return ch_expr_map_children(NULL, child, each_child, &v, err);
}

static ch_status replace(void *user, ch_expr **child, ch_error *err)
{
    search *s = user;
    if (is_opaque(*child))
        return CH_OK;
    seen *found = is_candidate(s, *child) ? find(s, *child, facts_of(s, *child)->hash) : NULL;
    if (found && found->expr && found->times > 1 && found->always) {
        if (!found->column) {
            ch_expr *alias;
            ch_attr_list made = {0};
            char *name;
            CH_ARENA_ARRAY(name, s->ctx->arena, NAME_BYTES, err);
            snprintf(name, NAME_BYTES, "_common%d", s->made.n + 1);
            CH_AN_NEW(alias, ch_make_alias(s->ctx, *child, name, err));
            CH_TRY(ch_expr_list_add(s->ctx->arena, &s->made, alias, err));
            ch_expr_list one = {.item = &alias, .n = 1};
            CH_TRY(ch_make_output(s->ctx->arena, &one, &made, err));
            CH_AN_NEW(found->column, ch_make_ref(s->ctx->arena, made.item[0], err));
        }
        *child = found->column;
        return CH_OK;
    }
    return ch_expr_map_children(s->ctx->arena, child, replace, s, err);
}

/* fn looks at what aggregate functions read. */
typedef struct arguments {
    search *s;
    ch_expr_fn fn;
} arguments;

static ch_status in_arguments(void *user, ch_expr **child, ch_error *err)
{
    arguments *a = user;
    for (int32_t i = 0; a->s->new_grouping && i < a->s->new_grouping->n; i++)
        if (ch_expr_equal(a->s->old_grouping->item[i], *child)) {
            *child = a->s->new_grouping->item[i];
            return CH_OK;
        }
    if (!is_aggregate(*child))
        return ch_expr_map_children(a->s->ctx->arena, child, in_arguments, a, err);
    /* An argument may be a column already; FILTER's condition is for every row, what it lets through is not. */
    const ch_expr_call *call = (const ch_expr_call *)*child;
    visit v = {a->s, a->fn, 0, call->filter ? 0 : INT32_MAX};
    return ch_expr_map_children(a->s->ctx->arena, child, each_child, &v, err);
}

static ch_status visit_list(search *s, const ch_expr_list *list, bool arguments_only, ch_expr_fn fn,
                            ch_expr_list *out, ch_error *err)
{
    arguments a = {s, fn};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        CH_TRY(arguments_only ? in_arguments(&a, &e, err) : fn(s, &e, err));
        if (out)
            CH_TRY(ch_expr_list_add(s->ctx->arena, out, e, err));
    }
    return CH_OK;
}

static ch_status over_list(search *s, const ch_expr_list *list, ch_expr_fn fn, ch_error *err)
{
    for (int32_t i = 0; list && i < list->n; i++) {
        ch_expr *e = list->item[i];
        CH_TRY(fn(s, &e, err));
    }
    return CH_OK;
}

static ch_status start(search *s, const ch_expr_list *lists[2], ch_error *err)
{
    for (int l = 0; l < 2; l++)
        CH_TRY(over_list(s, lists[l], count_nodes, err));
    for (s->n_known = 16; s->n_known < (size_t)s->n_nodes * 2;)
        s->n_known *= 2;
    s->n_slots = s->n_known;
    CH_ARENA_ARRAY(s->known, s->ctx->arena, s->n_known, err);
    CH_ARENA_ARRAY(s->slot, s->ctx->arena, s->n_slots, err);
    for (int l = 0; l < 2; l++)
        CH_TRY(over_list(s, lists[l], learn, err));
    return CH_OK;
}

static bool found_any(const search *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_slots; i++)
        any |= s->slot[i].times > 1 && s->slot[i].always;
    return any;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err);

/* The input's columns that are still used, and the new ones; which may share parts of their own. */
static ch_status project_below(const search *s, const ch_expr_list *lists[2], ch_rel *input,
                               ch_rel **out, ch_error *err)
{
    ch_arena *arena = s->ctx->arena;
    ch_attr_list used = {0};
    ch_expr_list list = {0};
    bool changed;
    for (int l = 0; l < 2; l++)
        for (int32_t i = 0; lists[l] && i < lists[l]->n; i++)
            CH_TRY(ch_columns_used(arena, lists[l]->item[i], &used, err));
    for (int32_t i = 0; i < input->output.n; i++)
        if (ch_attr_list_find(&used, input->output.item[i]->id)) {
            ch_expr *ref;
            CH_AN_NEW(ref, ch_make_ref(arena, input->output.item[i], err));
            CH_TRY(ch_expr_list_add(arena, &list, ref, err));
        }
    for (int32_t i = 0; i < s->made.n; i++)
        CH_TRY(ch_expr_list_add(arena, &list, s->made.item[i], err));
    CH_TRY(ch_make_project(arena, input, &list, out, err));
    return apply(s->ctx, out, &changed, err);
}

static ch_status in_project(search *s, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_project *p = (const ch_rel_project *)*rel;
    const ch_expr_list *lists[2] = {&p->expressions, NULL};
    ch_expr_list list = {0};
    CH_TRY(start(s, lists, err));
    CH_TRY(visit_list(s, &p->expressions, false, count, NULL, err));
    if (!found_any(s))
        return CH_OK;
    CH_TRY(visit_list(s, &p->expressions, false, replace, &list, err));
    ch_rel_project *fewer;
    CH_AN_NEW(fewer, ch_rel_clone(s->ctx->arena, *rel, err));
    /* A whole item of the list is still an alias: only what lies within was replaced. */
    fewer->expressions = list;
    lists[0] = &list;
    CH_TRY(project_below(s, lists, p->input, &fewer->input, err));
    *rel = &fewer->head;
    *changed = true;
    return CH_OK;
}

static ch_status in_aggregate(search *s, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
    const ch_expr_list *lists[2] = {&g->grouping, &g->aggregates};
    ch_expr_list grouping = {0}, aggregates = {0};
    CH_TRY(start(s, lists, err));
    CH_TRY(visit_list(s, &g->grouping, false, count, NULL, err));
    CH_TRY(visit_list(s, &g->aggregates, true, count, NULL, err));
    if (!found_any(s))
        return CH_OK;
    CH_TRY(visit_list(s, &g->grouping, false, replace, &grouping, err));
    s->old_grouping = &g->grouping;
    /* cppcheck-suppress autoVariables */
    s->new_grouping = &grouping;
    CH_TRY(visit_list(s, &g->aggregates, true, replace, &aggregates, err));
    ch_rel_aggregate *fewer;
    CH_AN_NEW(fewer, ch_rel_clone(s->ctx->arena, *rel, err));
    fewer->grouping = grouping;
    fewer->aggregates = aggregates;
    lists[0] = &grouping;
    lists[1] = &aggregates;
    CH_TRY(project_below(s, lists, g->input, &fewer->input, err));
    *rel = &fewer->head;
    *changed = true;
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    search s = {.ctx = ctx};
    if ((*rel)->kind == CH_REL_PROJECT)
        return in_project(&s, rel, changed, err);
    if ((*rel)->kind == CH_REL_AGGREGATE)
        return in_aggregate(&s, rel, changed, err);
    return CH_OK;
}

const ch_rule ch_rule_common_subexpression = {
    .name = "common_subexpression",
    .doc = "Computes once what a select list or an aggregate's arguments compute twice.",
    .apply = apply,
    .once = true,
};
