/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_subquery.c - queries inside expressions: (q), x IN (q), EXISTS (q).
 *
 * A name that q's own FROM does not have may mean a column of the query around it, one level up. q keeps such
 * columns; the expression lists them, and the optimizer makes joins of it (optimize/unnest.c).
 */
#include "plan/analyzer.h"

/* ---- columns of the row around ----------------------------------------------------------------------- */

typedef struct finder {
    ch_analyzer *a;
    const ch_an_scope *around;
    ch_attr_list found;
    bool outside, inside; /* columns of the row around, others: in the expression at hand */
    const ch_expr *mixed; /* an aggregate function with both */
    const ch_expr *at;    /* in an aggregate's output: a column of the row around */
} finder;

static const ch_attr *of_row_around(const finder *f, int64_t id)
{
    const ch_attr *attr = NULL;
    for (int32_t t = 0; t < f->around->n_tiers && !attr; t++)
        attr = ch_attr_list_find(f->around->tier[t], id);
    return attr;
}

static ch_status find_expr(void *user, ch_expr **child, ch_error *err)
{
    finder *f = user;
    const ch_expr_call *c = (const void *)*child;
    if ((*child)->kind == CH_EXPR_CALL && (c->func->flags & CH_FUNC_AGGREGATE)) {
        finder inner = {f->a, f->around, f->found, false, false, NULL, NULL};
        CH_TRY(ch_expr_map_children(f->a->arena, child, find_expr, &inner, err));
        f->found = inner.found;
        f->outside |= inner.outside;
        f->inside |= inner.inside;
        if (inner.outside && inner.inside)
            f->mixed = &c->head;
        return CH_OK;
    }
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(f->a->arena, child, find_expr, f, err);
    int64_t id = ((const ch_expr_attribute *)*child)->attr->id;
    const ch_attr *attr = of_row_around(f, id);
    f->outside |= attr != NULL;
    f->inside |= attr == NULL;
    if (!attr || ch_attr_list_find(&f->found, id))
        return CH_OK;
    return ch_attr_list_add(f->a->arena, &f->found, attr, err);
}

static ch_status find_rel(void *user, ch_rel **rel, ch_error *err)
{
    finder *f = user;
    CH_TRY(ch_rel_map_inputs(f->a->arena, rel, find_rel, f, err));
    f->outside = f->inside = false;
    if ((*rel)->kind != CH_REL_AGGREGATE)
        return ch_rel_map_exprs(f->a->arena, rel, find_expr, f, err);
    const ch_rel_aggregate *g = (const void *)*rel;
    for (int32_t i = 0; i < g->aggregates.n; i++) {
        ch_expr *e = g->aggregates.item[i];
        f->outside = false;
        CH_TRY(find_expr(f, &e, err));
        if (f->outside && !f->at)
            f->at = e;
    }
    return CH_OK;
}

/* The columns of the row around that the subquery uses; Spark refuses them in an aggregate's output. */
static ch_status find_outer(ch_analyzer *a, const ch_an_scope *around, ch_expr_subquery *s,
                            ch_error *err)
{
    finder f = {a, around, {0}, false, false, NULL, NULL};
    CH_TRY(find_rel(&f, &s->plan, err));
    char *text;
    if (f.mixed) {
        CH_AN_NEW(text, ch_expr_sql(a->arena, f.mixed, err));
        CH_AN_FAIL(a, f.mixed, err, SUBQUERY_MIXED_AGGREGATE, "function", text);
    }
    if (f.at) {
        CH_AN_NEW(text, ch_expr_quoted(a->arena, f.at, err));
        CH_AN_FAIL(a, &s->head, err, SUBQUERY_OUTER_IN_AGGREGATE, "sqlExprs", text);
    }
    CH_TRY(ch_make_refs(a->arena, &f.found, &s->outer, err));
    s->param = f.found.item;
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
    return changed ? ch_make_project(a->arena, s->plan, &list, &s->plan, err) : CH_OK;
}

ch_status ch_an_subquery(ch_analyzer *a, ch_an_scope *scope, const ch_expr_subquery *in,
                         ch_expr **out, ch_error *err)
{
    ch_expr_subquery *s;
    if (in->subquery_kind == CH_SUBQUERY_TABLE)
        CH_AN_FAIL(a, &in->head, err, UNSUPPORTED, "feature",
                   "A table as an argument of a function that is no table function in Python");
    CH_AN_NEW(s, ch_expr_clone(a->arena, &in->head, err));
    s->written = in->plan;
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
        CH_TRY(find_outer(a, scope, s, err));
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
