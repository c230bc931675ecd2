/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_subquery.c - subqueries become joins.
 *
 *   WHERE x IN (q)            Join LeftSemi, (x = q.c)
 *   WHERE EXISTS (q)          Join LeftSemi on the conditions that use columns of the query around q
 *   WHERE NOT x IN (q)        Join LeftAnti, null aware: a NULL on either side may be the one looked for
 *   the same elsewhere        Join ExistenceJoin(e): every row, and e says whether it has a match. As in
 *                             Spark an IN that is not known is false there
 *   (q) as a value            Join Cross with the one row of q
 *   EXISTS (q)                the same, with count(1) > 0 of the first row of q
 *   (q) for each row          Join LeftOuter with q, one row for each row around it
 *   LATERAL (q)               Join on the conditions that use columns of the left side
 *
 * What q uses of the row around it is taken out by unnest.h.
 */
#include "optimize/unnest.h"

typedef struct lifter {
    const ch_analyze_context *ctx;
    ch_rel *input; /* grows by what the expressions need */
} lifter;

/* ---- values ------------------------------------------------------------------------------------------------- */

static ch_status global_aggregate(const ch_analyze_context *ctx, ch_rel *input,
                                  const ch_expr_list *list, ch_rel **out, ch_error *err)
{
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_new(ctx->arena, CH_REL_AGGREGATE, err));
    g->input = input;
    g->group_type = CH_GROUP_BY;
    g->aggregates = *list;
    *out = &g->head;
    return ch_make_output(ctx->arena, list, &g->head.output, err);
}

static ch_status limited(const ch_analyze_context *ctx, ch_rel *input, int64_t n, ch_rel **out,
                         ch_error *err)
{
    ch_rel_limit *l;
    CH_AN_NEW(l, ch_rel_new(ctx->arena, CH_REL_LIMIT, err));
    l->input = input;
    l->limit = n;
    l->head.output = input->output;
    *out = &l->head;
    return CH_OK;
}

static ch_status add_call(const ch_analyze_context *ctx, const char *func, ch_expr *a, ch_expr *b,
                          ch_expr **out, ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, ctx->arena, 2, err);
    arg[0] = a;
    arg[1] = b;
    return ch_call_make(ctx, func, arg, b ? 2 : 1, out, err);
}

/* One row of one column: has q a row? */
static ch_status exists_row(const ch_analyze_context *ctx, ch_rel *q, ch_rel **out, ch_error *err)
{
    ch_expr *one, *count, *zero, *has;
    ch_scalar nothing = {.type = CH_T_LONG};
    CH_TRY(limited(ctx, q, 1, &q, err));
    CH_AN_NEW(one, ch_make_int(ctx->arena, 1, err));
    CH_TRY(add_call(ctx, "count", one, NULL, &count, err));
    CH_AN_NEW(zero, ch_make_literal(ctx->arena, &nothing, err));
    CH_TRY(add_call(ctx, ">", count, zero, &has, err));
    CH_AN_NEW(has, ch_make_alias(ctx, has, "exists", err));
    ch_expr_list list = {0};
    CH_TRY(ch_expr_list_add(ctx->arena, &list, has, err));
    return global_aggregate(ctx, q, &list, out, err);
}

/* One row of q's one column; NULL if q has no row, an error at run time if it has more. */
static ch_status value_row(const ch_analyze_context *ctx, const ch_expr_subquery *s, ch_rel **out,
                           ch_error *err)
{
    ch_rel *q = s->plan;
    const ch_rel *r = q;
    while (r->kind == CH_REL_PROJECT || r->kind == CH_REL_SUBQUERY_ALIAS)
        r = ch_only_input(r);
    if (r->kind == CH_REL_ONE_ROW ||
        (r->kind == CH_REL_AGGREGATE && !((const ch_rel_aggregate *)r)->grouping.n)) {
        *out = q;
        return CH_OK;
    }
    ch_expr *one, *count, *value, *ref;
    CH_TRY(limited(ctx, q, 2, &q, err));
    CH_AN_NEW(one, ch_make_int(ctx->arena, 1, err));
    CH_TRY(add_call(ctx, "count", one, NULL, &count, err));
    CH_AN_NEW(ref, ch_make_ref(ctx->arena, q->output.item[0], err));
    CH_TRY(add_call(ctx, "first", ref, NULL, &value, err));
    CH_TRY(add_call(ctx, "__only_row", value, count, &value, err));
    value->start = s->head.start;
    value->stop = s->head.stop;
    value->text = s->head.text;
    CH_AN_NEW(value, ch_make_alias(ctx, value, "scalarsubquery()", err));
    ch_expr_list list = {0};
    CH_TRY(ch_expr_list_add(ctx->arena, &list, value, err));
    return global_aggregate(ctx, q, &list, out, err);
}

static ch_status cross(const ch_analyze_context *ctx, ch_rel *row, ch_rel **input, ch_error *err)
{
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_new(ctx->arena, CH_REL_JOIN, err));
    j->left = *input;
    j->right = row;
    j->join_type = CH_JOIN_CROSS;
    j->build = CH_BUILD_RIGHT;
    *input = &j->head;
    return ch_join_output(ctx->arena, j, err);
}

/* ---- values per row ---------------------------------------------------------------------------------------- */

static ch_status outer_join(lifter *l, ch_rel *q, const ch_expr_list *condition, ch_error *err)
{
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_new(l->ctx->arena, CH_REL_JOIN, err));
    j->left = l->input;
    j->right = q;
    j->join_type = CH_JOIN_LEFT_OUTER;
    CH_TRY(ch_conjunction(l->ctx, condition, &j->condition, err));
    l->input = &j->head;
    return ch_join_output(l->ctx->arena, j, err);
}

/* Column i of what the join gave of q. */
static ch_status column_of(const lifter *l, const ch_rel *q, int32_t i, ch_expr **out,
                           ch_error *err)
{
    const ch_attr *attr = ch_attr_list_find(&l->input->output, q->output.item[i]->id);
    CH_AN_NEW(*out, ch_make_ref(l->ctx->arena, attr, err));
    return CH_OK;
}

/*
 * The conditions of q as keys: for each, what of q must equal what of the row around. *ok false if one is no
 * equality of that kind.
 */
static ch_status equal_keys(const ch_analyze_context *ctx, const ch_unnested *q, ch_expr_list *keys,
                            ch_expr_list *others, bool *ok, ch_error *err)
{
    *ok = true;
    for (int32_t i = 0; i < q->condition.n && *ok; i++) {
        const ch_expr_call *c = (const ch_expr_call *)q->condition.item[i];
        *ok = ch_is_call(&c->head, "=") || ch_is_call(&c->head, "==");
        if (!*ok)
            break;
        ch_expr *a = c->args.item[0], *b = c->args.item[1];
        bool first = ch_uses_any(a, &q->rel->output);
        ch_expr *key = first ? a : b, *other = first ? b : a;
        *ok = ch_uses_only(key, &q->rel->output) && ch_uses_any(key, &q->rel->output) &&
              !ch_uses_any(other, &q->rel->output) && !ch_has_subquery(key);
        CH_TRY(ch_expr_list_add(ctx->arena, keys, key, err));
        CH_TRY(ch_expr_list_add(ctx->arena, others, other, err));
    }
    return CH_OK;
}

/* Aggregate [keys], [list, keys] over q; *equal = its keys, compared with the others. */
static ch_status grouped(const ch_analyze_context *ctx, ch_rel *input, const ch_expr_list *keys,
                         const ch_expr_list *others, ch_expr_list *list, ch_rel **out,
                         ch_expr_list *equal, ch_error *err)
{
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_new(ctx->arena, CH_REL_AGGREGATE, err));
    g->input = input;
    g->group_type = CH_GROUP_BY;
    int32_t n = list->n;
    for (int32_t i = 0; i < keys->n; i++) {
        ch_expr *alias;
        CH_TRY(ch_expr_list_add(ctx->arena, &g->grouping, keys->item[i], err));
        CH_AN_NEW(alias, ch_make_alias(ctx, keys->item[i], "key", err));
        CH_TRY(ch_expr_list_add(ctx->arena, list, alias, err));
    }
    g->aggregates = *list;
    CH_TRY(ch_make_output(ctx->arena, list, &g->head.output, err));
    for (int32_t i = 0; i < keys->n; i++) {
        ch_expr *ref, *eq;
        CH_AN_NEW(ref, ch_make_ref(ctx->arena, g->head.output.item[n + i], err));
        CH_TRY(add_call(ctx, "=", ref, others->item[i], &eq, err));
        CH_TRY(ch_expr_list_add(ctx->arena, equal, eq, err));
    }
    *out = &g->head;
    return CH_OK;
}

/* An aggregate without GROUP BY, and the value made of its columns above it. */
static const ch_rel_aggregate *global_below(const ch_analyze_context *ctx, ch_rel *q,
                                            ch_expr **value, ch_status *status, ch_error *err)
{
    *value = ch_make_ref(ctx->arena, q->output.item[0], err);
    *status = *value ? CH_OK : CH_E_MEMORY;
    for (; *status == CH_OK; q = ch_only_input(q)) {
        const ch_rel_aggregate *g = (const ch_rel_aggregate *)q;
        if (q->kind == CH_REL_PROJECT)
            *status =
                ch_substitute(ctx->arena, &((const ch_rel_project *)q)->expressions, value, err);
        else if (q->kind == CH_REL_AGGREGATE)
            return g->grouping.n ? NULL : g;
        else if (q->kind != CH_REL_SUBQUERY_ALIAS)
            return NULL;
    }
    return NULL;
}

typedef struct filler {
    lifter *l;
    const ch_rel_aggregate *g;
    ch_expr *found;
} filler;

/* A column of the aggregate that is not NULL for no rows. */
static ch_status fill(void *user, ch_expr **child, ch_error *err)
{
    filler *f = user;
    const ch_analyze_context *ctx = f->l->ctx;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(ctx->arena, child, fill, f, err);
    int64_t id = ((const ch_expr_attribute *)*child)->attr->id;
    ch_expr *empty = ch_made_by(&f->g->aggregates, id), *missing, **arg;
    const ch_attr *attr = ch_attr_list_find(&f->l->input->output, id);
    if (!empty)
        return CH_OK;
    CH_AN_NEW(*child, ch_make_ref(ctx->arena, attr, err));
    CH_TRY(ch_unnest_of_nothing(ctx, &empty, err));
    const ch_scalar *v;
    if (ch_is_literal(empty, &v) && v->is_null)
        return CH_OK;
    CH_TRY(add_call(ctx, "isnull", f->found, NULL, &missing, err));
    CH_ARENA_ARRAY(arg, ctx->arena, 3, err);
    arg[0] = missing;
    arg[1] = empty;
    arg[2] = *child;
    return ch_call_make(ctx, "if", arg, 3, child, err);
}

/*
 * (SELECT f(max(x)) FROM u WHERE u.k = t.k): Aggregate [k], [max(x), true AS found, k] joined to the row
 * around, and f above.
 */
static ch_status aggregate_per_key(lifter *l, const ch_expr_subquery *s, ch_expr **expr, bool *done,
                                   ch_error *err)
{
    const ch_analyze_context *ctx = l->ctx;
    ch_expr *value;
    ch_status status;
    const ch_rel_aggregate *g = global_below(ctx, s->plan, &value, &status, err);
    CH_TRY(status);
    *done = false;
    if (!g)
        return CH_OK;
    for (int32_t i = 0; i < g->aggregates.n; i++)
        if (ch_unnest_uses(s, g->aggregates.item[i]))
            return CH_OK;
    ch_expr_subquery below = *s;
    ch_unnested q;
    ch_expr_list keys = {0}, others = {0}, list = {0}, equal = {0};
    /* The aggregate's arguments must stay in sight of its input. */
    below.plan = g->input;
    CH_TRY(ch_unnest_filters(ctx, &below, &q, done, err));
    if (*done)
        CH_TRY(equal_keys(ctx, &q, &keys, &others, done, err));
    if (!*done)
        return CH_OK;
    for (int32_t i = 0; i < g->aggregates.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &list, g->aggregates.item[i], err));
    ch_expr *found;
    CH_AN_NEW(found, ch_make_boolean(ctx->arena, true, err));
    CH_AN_NEW(found, ch_make_alias(ctx, found, "found", err));
    CH_TRY(ch_expr_list_add(ctx->arena, &list, found, err));
    int32_t at = list.n - 1;
    ch_rel *rel;
    CH_TRY(grouped(ctx, q.rel, &keys, &others, &list, &rel, &equal, err));
    CH_TRY(outer_join(l, rel, &equal, err));
    filler f = {l, g, NULL};
    CH_TRY(column_of(l, rel, at, &f.found, err));
    CH_TRY(ch_unnest_bind(ctx, s, &value, err));
    CH_TRY(fill(&f, &value, err));
    *expr = value;
    return CH_OK;
}

/* Any q: the first of its rows that belong to the row around, and how many there are. */
static ch_status value_per_row(lifter *l, const ch_expr_subquery *s, ch_expr **expr, ch_error *err)
{
    const ch_analyze_context *ctx = l->ctx;
    bool done;
    CH_TRY(aggregate_per_key(l, s, expr, &done, err));
    if (done)
        return CH_OK;
    ch_unnested q;
    ch_expr_list keys = {0}, others = {0}, list = {0}, equal = {0};
    CH_TRY(ch_unnest_filters(ctx, s, &q, &done, err));
    if (done)
        CH_TRY(equal_keys(ctx, &q, &keys, &others, &done, err));
    if (!done) {
        keys = others = (ch_expr_list){0};
        CH_TRY(ch_unnest_domain(ctx, s, l->input, &q, err));
        for (int32_t i = 0; i < q.condition.n; i++) {
            const ch_expr_list *args = &((const ch_expr_call *)q.condition.item[i])->args;
            CH_TRY(ch_expr_list_add(ctx->arena, &keys, args->item[1], err));
            CH_TRY(ch_expr_list_add(ctx->arena, &others, args->item[0], err));
        }
    }
    ch_expr *value, *count;
    int64_t id = s->plan->output.item[0]->id;
    CH_AN_NEW(value, ch_make_ref(ctx->arena, ch_attr_list_find(&q.rel->output, id), err));
    CH_TRY(add_call(ctx, "first", value, NULL, &value, err));
    CH_AN_NEW(count, ch_make_int(ctx->arena, 1, err));
    CH_TRY(add_call(ctx, "count", count, NULL, &count, err));
    CH_AN_NEW(value, ch_make_alias(ctx, value, "value", err));
    CH_AN_NEW(count, ch_make_alias(ctx, count, "rows", err));
    CH_TRY(ch_expr_list_add(ctx->arena, &list, value, err));
    CH_TRY(ch_expr_list_add(ctx->arena, &list, count, err));
    ch_rel *rel;
    CH_TRY(grouped(ctx, q.rel, &keys, &others, &list, &rel, &equal, err));
    for (int32_t i = 0; i < equal.n && !done; i++) { /* NULL is a value like others, here */
        ch_expr **arg = ((ch_expr_call *)equal.item[i])->args.item;
        CH_TRY(add_call(ctx, "<=>", arg[0], arg[1], &equal.item[i], err));
    }
    CH_TRY(outer_join(l, rel, &equal, err));
    CH_TRY(column_of(l, rel, 0, &value, err));
    CH_TRY(column_of(l, rel, 1, &count, err));
    CH_TRY(add_call(ctx, "__only_row", value, count, expr, err));
    (*expr)->start = s->head.start;
    (*expr)->stop = s->head.stop;
    (*expr)->text = s->head.text;
    return CH_OK;
}

/* ---- IN and EXISTS as values ---------------------------------------------------------------------------------- */

/* What a row around and a row of q must satisfy for IN or EXISTS. */
static ch_status match(const ch_analyze_context *ctx, const ch_expr_subquery *s, ch_rel *around,
                       bool negated, ch_unnested *q, ch_expr **condition, ch_error *err)
{
    ch_expr_list equal = {0};
    bool is_in = s->subquery_kind == CH_SUBQUERY_IN;
    *q = (ch_unnested){.rel = s->plan};
    if (s->outer.n)
        CH_TRY(ch_unnest(ctx, s, around, q, err));
    for (int32_t i = 0; i < s->in_values.n; i++) {
        ch_expr *ref, *eq;
        int64_t id = s->plan->output.item[i]->id;
        CH_AN_NEW(ref, ch_make_ref(ctx->arena, ch_attr_list_find(&q->rel->output, id), err));
        CH_TRY(add_call(ctx, "=", s->in_values.item[i], ref, &eq, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &equal, eq, err));
    }
    for (int32_t i = 0; i < q->condition.n; i++) {
        ch_expr *e = q->condition.item[i];
        if (negated && is_in && e->nullable) { /* a row that is filtered out is not there */
            ch_expr *no;
            CH_AN_NEW(no, ch_make_boolean(ctx->arena, false, err));
            CH_TRY(add_call(ctx, "coalesce", e, no, &e, err));
        }
        CH_TRY(ch_expr_list_add(ctx->arena, &equal, e, err));
    }
    return ch_conjunction(ctx, &equal, condition, err);
}

static ch_status existence(lifter *l, const ch_expr_subquery *s, bool negated, ch_expr **expr,
                           ch_error *err)
{
    const ch_analyze_context *ctx = l->ctx;
    ch_rel_join *j;
    ch_unnested q;
    CH_AN_NEW(j, ch_rel_new(ctx->arena, CH_REL_JOIN, err));
    CH_TRY(match(ctx, s, l->input, negated, &q, &j->condition, err));
    CH_AN_NEW(j->exists, ch_make_attr(ctx, "exists", CH_T_BOOLEAN, false, err));
    j->left = l->input;
    j->right = q.rel;
    j->join_type = CH_JOIN_EXISTENCE;
    j->null_aware = negated && s->subquery_kind == CH_SUBQUERY_IN;
    l->input = &j->head;
    CH_TRY(ch_join_output(ctx->arena, j, err));
    CH_AN_NEW(*expr, ch_make_ref(ctx->arena, j->exists, err));
    return CH_OK;
}

static bool is_predicate(const ch_expr *e)
{
    const ch_expr_subquery *s = (const ch_expr_subquery *)e;
    return e->kind == CH_EXPR_SUBQUERY && (s->subquery_kind == CH_SUBQUERY_IN ||
                                           (s->subquery_kind == CH_SUBQUERY_EXISTS && s->outer.n));
}

static ch_status lift_list(lifter *l, ch_expr_list *list, ch_error *err);

static ch_status lift(void *user, ch_expr **expr, ch_error *err)
{
    lifter *l = user;
    if (ch_is_call(*expr, "not") || ch_is_call(*expr, "!")) {
        ch_expr *arg = ((const ch_expr_call *)*expr)->args.item[0];
        if (is_predicate(arg)) {
            CH_TRY(existence(l, (const void *)arg, true, &arg, err));
            return add_call(l->ctx, "not", arg, NULL, expr, err);
        }
    }
    if ((*expr)->kind != CH_EXPR_SUBQUERY)
        return ch_expr_map_children(l->ctx->arena, expr, lift, l, err);
    ch_expr_subquery *s;
    ch_rel *row = NULL;
    CH_AN_NEW(s, ch_expr_clone(l->ctx->arena, *expr, err));
    if (!l->input)
        CH_FAIL(err, UNSUPPORTED, "feature", "A subquery in this place");
    /* The left side of IN may hold subqueries of its own. */
    CH_TRY(lift_list(l, &s->in_values, err));
    if (is_predicate(&s->head))
        return existence(l, s, false, expr, err);
    if (s->outer.n)
        return value_per_row(l, s, expr, err);
    if (s->subquery_kind == CH_SUBQUERY_EXISTS)
        CH_TRY(exists_row(l->ctx, s->plan, &row, err));
    else
        CH_TRY(value_row(l->ctx, s, &row, err));
    CH_TRY(cross(l->ctx, row, &l->input, err));
    CH_AN_NEW(*expr, ch_make_ref(l->ctx->arena, row->output.item[0], err));
    return CH_OK;
}

static ch_status lift_list(lifter *l, ch_expr_list *list, ch_error *err)
{
    ch_expr_list out = {0};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        CH_TRY(lift(l, &e, err));
        CH_TRY(ch_expr_list_add(l->ctx->arena, &out, e, err));
    }
    *list = out;
    return CH_OK;
}

/* ---- IN in a filter -------------------------------------------------------------------------------------------- */

/* IN, or EXISTS with conditions on the row around it. */
static const ch_expr_subquery *in_subquery(const ch_expr *e, bool *negated)
{
    *negated = false;
    while (ch_is_call(e, "not") || ch_is_call(e, "!")) {
        *negated = !*negated;
        e = ((const ch_expr_call *)e)->args.item[0];
    }
    return is_predicate(e) ? (const ch_expr_subquery *)e : NULL;
}

static ch_status in_join(lifter *l, const ch_expr_subquery *in, bool negated, ch_error *err)
{
    const ch_analyze_context *ctx = l->ctx;
    ch_rel_join *j;
    ch_unnested q;
    ch_expr_subquery *s;
    CH_AN_NEW(s, ch_expr_clone(ctx->arena, &in->head, err));
    CH_TRY(lift_list(l, &s->in_values, err));
    CH_AN_NEW(j, ch_rel_new(ctx->arena, CH_REL_JOIN, err));
    CH_TRY(match(ctx, s, l->input, negated, &q, &j->condition, err));
    j->left = l->input;
    j->right = q.rel;
    j->join_type = negated ? CH_JOIN_LEFT_ANTI : CH_JOIN_LEFT_SEMI;
    j->null_aware = negated && s->subquery_kind == CH_SUBQUERY_IN;
    l->input = &j->head;
    return ch_join_output(ctx->arena, j, err);
}

static ch_status filter(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_expr_list parts = {0}, rest = {0};
    lifter l = {ctx, f->input};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        bool negated;
        const ch_expr_subquery *s = in_subquery(parts.item[i], &negated);
        if (s) {
            CH_TRY(in_join(&l, s, negated, err));
            continue;
        }
        ch_expr *e = parts.item[i];
        CH_TRY(lift(&l, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &rest, e, err));
    }
    *rel = l.input;
    CH_TRY(ch_add_filter(ctx, &rest, rel, err));
    if ((*rel)->output.n == f->head.output.n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &f->head.output, &list, err));
    return ch_make_project(ctx->arena, *rel, &list, rel, err);
}

/* ---- ON --------------------------------------------------------------------------------------------------- */

typedef struct on_side {
    const ch_analyze_context *ctx;
    ch_rel_join *join; /* its sides grow */
} on_side;

static ch_status lift_on_side(void *user, ch_expr **expr, ch_error *err)
{
    on_side *o = user;
    const ch_expr *e = *expr;
    bool negation = ch_is_call(e, "not") || ch_is_call(e, "!");
    if (negation && !is_predicate(((const ch_expr_call *)e)->args.item[0]))
        negation = false;
    if (e->kind != CH_EXPR_SUBQUERY && !negation)
        return ch_expr_map_children(o->ctx->arena, expr, lift_on_side, o, err);
    bool left = ch_uses_any(e, &o->join->left->output);
    if (left && ch_uses_any(e, &o->join->right->output))
        CH_FAIL(err, UNSUPPORTED, "feature",
                "A subquery that uses both sides of the outer join it stands in");
    ch_rel **side = left ? &o->join->left : &o->join->right;
    lifter l = {o->ctx, *side};
    CH_TRY(lift(&l, expr, err));
    *side = l.input;
    return CH_OK;
}

/* ON: what looks at one side only is computed there; in an inner join all may wait above it. */
static ch_status join(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    const ch_rel_join *in = (const ch_rel_join *)*rel;
    ch_rel_join *j;
    ch_expr_list parts = {0}, stay = {0}, above = {0};
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(ch_conjuncts(ctx->arena, in->condition, &parts, err));
    bool inner = in->join_type == CH_JOIN_INNER || in->join_type == CH_JOIN_CROSS;
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        bool has = ch_has_subquery(e);
        if (has && inner) {
            CH_TRY(ch_expr_list_add(ctx->arena, &above, e, err));
            continue;
        }
        if (has) {
            on_side side = {ctx, j};
            CH_TRY(lift_on_side(&side, &e, err));
        }
        CH_TRY(ch_expr_list_add(ctx->arena, &stay, e, err));
    }
    CH_TRY(ch_conjunction(ctx, &stay, &j->condition, err));
    CH_TRY(ch_join_output(ctx->arena, j, err));
    *rel = &j->head;
    CH_TRY(ch_add_filter(ctx, &above, rel, err));
    if ((*rel)->output.n == in->head.output.n)
        return CH_OK;
    ch_expr_list list = {0};
    for (int32_t i = 0; i < in->head.output.n; i++) {
        ch_expr *e;
        const ch_attr *attr = ch_attr_list_find(&(*rel)->output, in->head.output.item[i]->id);
        CH_AN_NEW(e, ch_make_ref(ctx->arena, attr, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    return ch_make_project(ctx->arena, *rel, &list, rel, err);
}

/* ---- aggregates ------------------------------------------------------------------------------------------ */

typedef struct regroup {
    lifter l;
    const ch_rel_aggregate *before;
    ch_expr_list grouping; /* of before, lifted */
    ch_expr_list more;     /* values outside of aggregate functions: grouped by, too */
} regroup;

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL &&
           (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE) != 0;
}

static ch_status lift_output(void *user, ch_expr **expr, ch_error *err)
{
    regroup *r = user;
    ch_arena *arena = r->l.ctx->arena;
    for (int32_t i = 0; i < r->before->grouping.n; i++)
        if (ch_expr_equal(r->before->grouping.item[i], *expr)) {
            *expr = r->grouping.item[i];
            return CH_OK;
        }
    if (is_aggregate(*expr))
        return ch_expr_map_children(arena, expr, lift, &r->l, err);
    if ((*expr)->kind != CH_EXPR_SUBQUERY)
        return ch_expr_map_children(arena, expr, lift_output, r, err);
    CH_TRY(lift(&r->l, expr, err));
    return ch_expr_list_add(arena, &r->more, *expr, err);
}

static ch_status aggregate(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    regroup r = {.l = {ctx, ch_only_input(*rel)}, .before = (const ch_rel_aggregate *)*rel};
    ch_rel_aggregate *g;
    ch_expr_list list = {0};
    CH_AN_NEW(g, ch_rel_clone(ctx->arena, *rel, err));
    for (int32_t i = 0; i < g->grouping.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &r.grouping, g->grouping.item[i], err));
    CH_TRY(lift_list(&r.l, &r.grouping, err));
    for (int32_t i = 0; i < g->aggregates.n; i++) {
        ch_expr *e = g->aggregates.item[i];
        CH_TRY(lift_output(&r, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    for (int32_t i = 0; i < r.more.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, &r.grouping, r.more.item[i], err));
    g->input = r.l.input;
    g->grouping = r.grouping;
    g->aggregates = list;
    *rel = &g->head;
    return CH_OK;
}

/* Does a subquery stand outside of aggregate functions? */
static ch_status look_outside(void *user, ch_expr **child, ch_error *err)
{
    if (is_aggregate(*child))
        return CH_OK;
    *(bool *)user |= (*child)->kind == CH_EXPR_SUBQUERY;
    return ch_expr_map_children(NULL, child, look_outside, user, err);
}

typedef struct taker {
    const ch_analyze_context *ctx;
    ch_expr_list below; /* aggregate calls, named */
} taker;

static ch_status take_aggregate(void *user, ch_expr **child, ch_error *err)
{
    taker *t = user;
    if (!is_aggregate(*child))
        return ch_expr_map_children(t->ctx->arena, child, take_aggregate, t, err);
    ch_expr *alias;
    ch_attr_list column;
    CH_AN_NEW(alias, ch_make_alias(t->ctx, *child, ((const ch_expr_call *)*child)->name, err));
    ch_expr_list one = {&alias, 1};
    CH_TRY(ch_expr_list_add(t->ctx->arena, &t->below, alias, err));
    CH_TRY(ch_make_output(t->ctx->arena, &one, &column, err));
    CH_AN_NEW(*child, ch_make_ref(t->ctx->arena, column.item[0], err));
    return CH_OK;
}

/*
 * Without GROUP BY there is a row for no rows, too: subqueries go above it.
 *   Project [what is made of the aggregates, with subqueries] over Aggregate [], [the calls]
 */
static ch_status values_above(const ch_analyze_context *ctx, ch_rel **rel, bool *done,
                              ch_error *err)
{
    ch_rel_aggregate *g;
    ch_expr_list list = {0};
    taker t = {ctx, {0}};
    *done = false;
    CH_AN_NEW(g, ch_rel_clone(ctx->arena, *rel, err));
    for (int32_t i = 0; i < g->aggregates.n; i++) {
        ch_expr *e = g->aggregates.item[i];
        CH_TRY(look_outside(done, &e, err));
        CH_TRY(take_aggregate(&t, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
    }
    if (g->grouping.n || !*done)
        return *done = false, CH_OK;
    g->aggregates = t.below;
    CH_TRY(ch_make_output(ctx->arena, &t.below, &g->head.output, err));
    return ch_make_project(ctx->arena, &g->head, &list, rel, err);
}

/* ---- the rule ----------------------------------------------------------------------------------------------------- */

static ch_status look(void *user, ch_expr **expr, ch_error *err)
{
    CH_UNUSED(err);
    *(bool *)user |= ch_has_subquery(*expr);
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    bool has = false;
    if ((*rel)->kind == CH_REL_JOIN && ((const ch_rel_join *)*rel)->lateral) {
        *changed = true;
        return ch_unnest_lateral(ctx, (const void *)*rel, rel, err);
    }
    CH_TRY(ch_rel_map_exprs(ctx->arena, rel, look, &has, err));
    if (!has)
        return CH_OK;
    *changed = true;
    if ((*rel)->kind == CH_REL_FILTER)
        return filter(ctx, rel, err);
    if ((*rel)->kind == CH_REL_JOIN)
        return join(ctx, rel, err);
    if ((*rel)->kind == CH_REL_AGGREGATE) {
        bool done;
        CH_TRY(values_above(ctx, rel, &done, err));
        if (!done)
            return aggregate(ctx, rel, err);
    }
    ch_rel *input = ch_only_input(*rel), *copy;
    if (!input)
        CH_FAIL(err, UNSUPPORTED, "feature", "A subquery in this place");
    const ch_attr_list output = (*rel)->output;
    lifter l = {ctx, input};
    CH_AN_NEW(copy, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(ch_rel_map_exprs(ctx->arena, &copy, lift, &l, err));
    CH_TRY(ch_with_input(ctx->arena, copy, l.input, rel, err));
    if ((*rel)->output.n == output.n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &output, &list, err));
    return ch_make_project(ctx->arena, *rel, &list, rel, err);
}

const ch_rule ch_rule_subquery = {
    .name = "subquery",
    .required = true,
    .doc = "Computes subqueries that stand alone by joins.",
    .apply = apply,
};
