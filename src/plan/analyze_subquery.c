/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_subquery.c - queries inside expressions: (q), x IN (q), EXISTS (q).
 *
 * A name that q's own FROM does not have may mean a column of the query around it. Conditions with such
 * names are taken out of q's filters and kept in the expression, where the optimizer makes a join of them:
 *
 *   EXISTS (SELECT 1 FROM u WHERE u.k = t.k AND u.x > 1)
 *   Subquery(plan: Filter [u.x > 1], correlated: [u.k = t.k])
 */
#include "plan/analyzer.h"

/* ---- conditions on the row around ---------------------------------------------------------------------- */

typedef struct finder {
    const ch_attr_list *have;
    bool outside; /* a column that is not in have */
} finder;

static ch_status find_outside(void *user, ch_expr **child, ch_error *err)
{
    finder *f = user;
    if ((*child)->kind == CH_EXPR_ATTRIBUTE) {
        f->outside |= !ch_attr_list_find(f->have, ((const ch_expr_attribute *)*child)->attr->id);
        return CH_OK;
    }
    return ch_expr_map_children(NULL, child, find_outside, f, err);
}

static bool looks_outside(const ch_expr *e, const ch_attr_list *have)
{
    finder f = {have, false};
    ch_expr *copy = (ch_expr *)e;
    return find_outside(&f, &copy, NULL) != CH_OK || f.outside;
}

static ch_status split_and(ch_arena *arena, ch_expr *e, ch_expr_list *out, ch_error *err)
{
    const ch_expr_call *c = (const ch_expr_call *)e;
    if (e->kind != CH_EXPR_CALL || strcmp(c->func->name, "and") != 0)
        return ch_expr_list_add(arena, out, e, err);
    for (int32_t i = 0; i < c->args.n; i++)
        CH_TRY(split_and(arena, c->args.item[i], out, err));
    return CH_OK;
}

typedef struct puller {
    ch_analyzer *a;
    ch_expr_list taken;
} puller;

static ch_status pull(puller *p, ch_rel **rel, ch_error *err);

static ch_status pull_filter(puller *p, ch_rel **rel, ch_error *err)
{
    ch_rel_filter *f;
    ch_expr_list parts = {0};
    ch_expr *rest = NULL;
    CH_AN_NEW(f, ch_rel_clone(p->a->arena, *rel, err));
    CH_TRY(pull(p, &f->input, err));
    f->head.output = f->input->output;
    CH_TRY(split_and(p->a->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        if (looks_outside(e, &f->input->output)) {
            CH_TRY(ch_expr_list_add(p->a->arena, &p->taken, e, err));
        } else if (!rest) {
            rest = e;
        } else {
            ch_expr **both;
            CH_ARENA_ARRAY(both, p->a->arena, 2, err);
            both[0] = rest;
            both[1] = e;
            CH_TRY(ch_call_make(p->a->ctx, "and", both, 2, &rest, err));
        }
    }
    f->condition = rest;
    *rel = rest ? &f->head : f->input;
    return CH_OK;
}

typedef struct keeper {
    ch_arena *arena;
    const ch_attr_list *input, *output;
    ch_attr_list missing;
} keeper;

static ch_status keep(void *user, ch_expr **child, ch_error *err)
{
    keeper *k = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(k->arena, child, keep, k, err);
    const ch_attr *attr =
        ch_attr_list_find(k->input, ((const ch_expr_attribute *)*child)->attr->id);
    if (!attr || ch_attr_list_find(k->output, attr->id) || ch_attr_list_find(&k->missing, attr->id))
        return CH_OK;
    return ch_attr_list_add(k->arena, &k->missing, attr, err);
}

/* Columns that the taken conditions need stay visible behind the output. */
static ch_status pull_above(puller *p, ch_rel **rel, ch_error *err)
{
    ch_arena *arena = p->a->arena;
    ch_rel_project *copy; /* and SubqueryAlias, whose input lies at the same place */
    CH_AN_NEW(copy, ch_rel_clone(arena, *rel, err));
    CH_TRY(pull(p, &copy->input, err));
    keeper k = {arena, &copy->input->output, &copy->head.output, {0}};
    for (int32_t i = 0; i < p->taken.n; i++) {
        ch_expr *e = p->taken.item[i];
        CH_TRY(keep(&k, &e, err));
    }
    *rel = &copy->head;
    if (copy->head.kind == CH_REL_PROJECT) {
        ch_expr_list list = {0};
        for (int32_t i = 0; i < copy->expressions.n; i++)
            CH_TRY(ch_expr_list_add(arena, &list, copy->expressions.item[i], err));
        CH_TRY(ch_make_refs(arena, &k.missing, &list, err));
        return ch_make_project(arena, copy->input, &list, rel, err);
    }
    ch_attr_list all = {0};
    for (int32_t i = 0; i < copy->head.output.n; i++)
        CH_TRY(ch_attr_list_add(arena, &all, copy->head.output.item[i], err));
    for (int32_t i = 0; i < k.missing.n; i++)
        CH_TRY(ch_attr_list_add(arena, &all, k.missing.item[i], err));
    copy->head.output = all;
    return CH_OK;
}
_Static_assert(offsetof(ch_rel_project, input) == offsetof(ch_rel_subquery_alias, input),
               "see pull_above");

static ch_status pull(puller *p, ch_rel **rel, ch_error *err)
{
    if ((*rel)->kind == CH_REL_FILTER)
        return pull_filter(p, rel, err);
    if ((*rel)->kind == CH_REL_PROJECT || (*rel)->kind == CH_REL_SUBQUERY_ALIAS)
        return pull_above(p, rel, err);
    if ((*rel)->kind != CH_REL_JOIN)
        return CH_OK;
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_clone(p->a->arena, *rel, err));
    if (j->join_type != CH_JOIN_INNER && j->join_type != CH_JOIN_CROSS)
        return CH_OK;
    CH_TRY(pull(p, &j->left, err));
    CH_TRY(pull(p, &j->right, err));
    *rel = &j->head;
    return ch_join_output(p->a->arena, j, err);
}

/* ---- is anything left? ------------------------------------------------------------------------------------ */

typedef struct leftover {
    ch_attr_list inputs;
    bool found;
    ch_arena *arena;
} leftover;

static ch_status left_expr(void *user, ch_expr **expr, ch_error *err)
{
    leftover *l = user;
    CH_UNUSED(err);
    if ((*expr)->kind != CH_EXPR_SUBQUERY)
        l->found |= looks_outside(*expr, &l->inputs);
    return CH_OK;
}

static ch_status add_input(void *user, ch_rel **rel, ch_error *err)
{
    leftover *l = user;
    for (int32_t i = 0; i < (*rel)->output.n; i++)
        CH_TRY(ch_attr_list_add(l->arena, &l->inputs, (*rel)->output.item[i], err));
    return CH_OK;
}

static ch_status left_rel(void *user, ch_rel **rel, ch_error *err)
{
    leftover *l = user, here = {.arena = l->arena};
    CH_TRY(ch_rel_map_inputs(l->arena, rel, add_input, &here, err));
    CH_TRY(ch_rel_map_exprs(l->arena, rel, left_expr, &here, err));
    l->found |= here.found;
    return ch_rel_map_inputs(l->arena, rel, left_rel, l, err);
}

/* ---- aggregates per row around ------------------------------------------------------------------------------ */

/*
 * (SELECT max(x) FROM u WHERE u.k = t.k) is one value per k:
 *
 *   Subquery(plan: Aggregate [k], [max(x), k], correlated: [k = t.k])
 */
static ch_status group_by_keys(puller *p, ch_rel_aggregate *g, bool *ok, ch_error *err)
{
    ch_analyzer *a = p->a;
    ch_expr_list list = {0}, taken = {0};
    for (int32_t i = 0; i < g->aggregates.n; i++)
        CH_TRY(ch_expr_list_add(a->arena, &list, g->aggregates.item[i], err));
    for (int32_t i = 0; i < p->taken.n && *ok; i++) {
        const ch_expr_call *c = (const ch_expr_call *)p->taken.item[i];
        *ok = c->head.kind == CH_EXPR_CALL && c->args.n == 2 &&
              (strcmp(c->func->name, "=") == 0 || strcmp(c->func->name, "==") == 0);
        if (!*ok)
            break;
        bool first_inside = !looks_outside(c->args.item[0], &g->input->output);
        ch_expr *key = c->args.item[first_inside ? 0 : 1], *other = c->args.item[first_inside];
        *ok = !looks_outside(key, &g->input->output) && looks_outside(other, &g->input->output);
        ch_expr *alias, **pair, *equal;
        CH_AN_NEW(alias, ch_make_alias(a->ctx, key, "key", err));
        CH_TRY(ch_expr_list_add(a->arena, &g->grouping, key, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, alias, err));
        ch_expr_list one = {&alias, 1};
        ch_attr_list column;
        CH_TRY(ch_make_output(a->arena, &one, &column, err));
        CH_ARENA_ARRAY(pair, a->arena, 2, err);
        CH_AN_NEW(pair[0], ch_make_ref(a->arena, column.item[0], err));
        pair[1] = other;
        CH_TRY(ch_call_make(a->ctx, "=", pair, 2, &equal, err));
        CH_TRY(ch_expr_list_add(a->arena, &taken, equal, err));
    }
    p->taken = taken;
    g->aggregates = list;
    return ch_make_output(a->arena, &list, &g->head.output, err);
}

/* A value of no rows is NULL, but a count is 0: the optimizer knows the bare count only. */
static bool only_bare_counts(const ch_rel_aggregate *g)
{
    for (int32_t i = 0; i < g->aggregates.n; i++) {
        const ch_expr *e = g->aggregates.item[i];
        if (e->kind == CH_EXPR_ALIAS)
            e = ((const ch_expr_alias *)e)->child;
        const ch_expr_call *c = (const ch_expr_call *)e;
        bool count = e->kind == CH_EXPR_CALL && strcmp(c->func->name, "count") == 0;
        if (!count &&
            (e->kind != CH_EXPR_CALL || !(c->func->flags & CH_FUNC_AGGREGATE) || !e->nullable))
            return false;
    }
    return true;
}

static ch_status pull_scalar(puller *p, ch_rel **rel, bool *ok, ch_error *err)
{
    if ((*rel)->kind != CH_REL_AGGREGATE) {
        *ok = false;
        return CH_OK;
    }
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_clone(p->a->arena, *rel, err));
    *ok = g->grouping.n == 0 && only_bare_counts(g);
    if (!*ok)
        return CH_OK;
    CH_TRY(pull(p, &g->input, err));
    g->grouping = (ch_expr_list){0};
    CH_TRY(group_by_keys(p, g, ok, err));
    *rel = &g->head;
    return CH_OK;
}

static ch_status take_out(ch_analyzer *a, ch_expr_subquery *s, ch_error *err)
{
    puller p = {a, {0}};
    leftover l = {.arena = a->arena};
    bool ok = true;
    if (s->subquery_kind == CH_SUBQUERY_SCALAR)
        CH_TRY(pull_scalar(&p, &s->plan, &ok, err));
    else
        CH_TRY(pull(&p, &s->plan, err));
    s->correlated = p.taken;
    if (ok)
        CH_TRY(left_rel(&l, &s->plan, err));
    if (l.found || !ok)
        CH_AN_FAIL(a, &s->head, err, UNSUPPORTED, "feature",
                   "A subquery that uses columns of the query around it in this way");
    return CH_OK;
}

/* ---- the expression ------------------------------------------------------------------------------------- */

/* "\"a\", \"b\"" */
static ch_status quote_list(ch_analyzer *a, const ch_expr_list *list, const char **out,
                            ch_error *err)
{
    CH_AN_NEW(*out, ch_arena_str(a->arena, "", err));
    for (int32_t i = 0; i < list->n; i++) {
        char *one;
        CH_AN_NEW(one, ch_expr_quoted(a->arena, list->item[i], err));
        CH_AN_NEW(*out, ch_arena_printf(a->arena, err, "%s%s%s", *out, i ? ", " : "", one));
    }
    return CH_OK;
}

static ch_status in_types(ch_analyzer *a, ch_expr_subquery *s, const ch_attr_list *columns,
                          ch_error *err)
{
    int32_t n = s->in_values.n;
    ch_expr_list refs = {0}, list = {0};
    CH_TRY(ch_make_refs(a->arena, columns, &refs, err));
    if (n != refs.n) {
        const char *left, *right, *text;
        CH_TRY(quote_list(a, &s->in_values, &left, err));
        CH_TRY(quote_list(a, &refs, &right, err));
        CH_AN_NEW(text, ch_expr_quoted(a->arena, &s->head, err));
        CH_AN_FAIL(a, &s->head, err, IN_SUBQUERY_LENGTH, "sqlExpr", text, "leftLength", CH_I64(n),
                   "leftColumns", left, "rightLength", CH_I64(refs.n), "rightColumns", right);
    }
    bool changed = false;
    for (int32_t i = 0; i < n; i++) {
        ch_expr *pair[2] = {s->in_values.item[i], refs.item[i]};
        const ch_type *type;
        CH_TRY(ch_an_common_type(a, pair, 2, 1, &type, err));
        if (!type)
            CH_AN_FAIL(a, &s->head, err, IN_SUBQUERY_TYPE, "mismatchedColumns",
                       ch_expr_quoted(a->arena, pair[0], err));
        CH_TRY(ch_make_cast(a->arena, &s->in_values.item[i], type, err));
        ch_expr *e = refs.item[i];
        if (e->type != type) {
            changed = true;
            CH_TRY(ch_make_cast(a->arena, &e, type, err));
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, columns->item[i]->name, err));
        }
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
        s->head.nullable |= s->in_values.item[i]->nullable || e->nullable;
    }
    for (int32_t i = n; i < s->plan->output.n; i++) { /* what the correlated conditions need */
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, s->plan->output.item[i], err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return changed ? ch_make_project(a->arena, s->plan, &list, &s->plan, err) : CH_OK;
}

ch_status ch_an_subquery(ch_analyzer *a, ch_an_scope *scope, const ch_expr_subquery *in,
                         ch_expr **out, ch_error *err)
{
    ch_expr_subquery *s;
    CH_AN_NEW(s, ch_expr_clone(a->arena, &in->head, err));
    const ch_an_scope *outer = a->outer;
    bool correlated = a->correlated;
    a->outer = scope;
    a->correlated = false;
    ch_status status = ch_an_input(a, in->plan, &s->plan, err);
    bool found = a->correlated;
    a->outer = outer;
    a->correlated = correlated;
    CH_TRY(status);
    ch_attr_list columns = s->plan->output;
    if (found)
        CH_TRY(take_out(a, s, err));
    s->in_values = (ch_expr_list){0};
    CH_TRY(ch_an_exprs(a, scope, &in->in_values, &s->in_values, err));
    s->head.type = CH_T_BOOLEAN;
    s->head.nullable = false;
    if (s->subquery_kind == CH_SUBQUERY_SCALAR) {
        if (columns.n != 1)
            CH_AN_FAIL(a, &s->head, err, SCALAR_SUBQUERY_COLUMNS, "number", CH_I64(columns.n));
        s->head.type = columns.item[0]->type;
        s->head.nullable = true;
    }
    if (s->subquery_kind == CH_SUBQUERY_IN)
        CH_TRY(in_types(a, s, &columns, err));
    *out = &s->head;
    return CH_OK;
}
