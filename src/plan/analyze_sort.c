/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_sort.c - WHERE, ORDER BY, LIMIT and OFFSET.
 *
 * ORDER BY and WHERE may name columns that the select list below them dropped. They are kept then, and
 * dropped by a project above:
 *
 *   SELECT a FROM t ORDER BY b      Project [a]  +- Sort [b]  +- Project [a, b]
 */
#include <ctype.h>

#include "plan/analyzer.h"
#include "plan/fold.h"

/* ---- columns that the select list dropped -------------------------------------------------------- */

/* What could still be had below rel; NULL: nothing. */
static const ch_attr_list *dropped_by(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_PROJECT:
        return &((const ch_rel_project *)rel)->input->output;
    case CH_REL_FILTER:
        return dropped_by(((const ch_rel_filter *)rel)->input);
    case CH_REL_HINT:
        return dropped_by(((const ch_rel_hint *)rel)->input);
    default:
        return NULL;
    }
}

typedef struct collector {
    ch_arena *arena;
    const ch_attr_list *have, *dropped; /* what is there, and what could be */
    ch_attr_list missing;
} collector;

static ch_status collect(void *user, ch_expr **child, ch_error *err)
{
    collector *c = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(c->arena, child, collect, c, err);
    const ch_attr *attr = ((const ch_expr_attribute *)*child)->attr;
    /* Others belong to a subquery, or to the query around this one. */
    if (ch_attr_list_find(c->have, attr->id) || ch_attr_list_find(&c->missing, attr->id) ||
        !c->dropped || !ch_attr_list_find(c->dropped, attr->id))
        return CH_OK;
    return ch_attr_list_add(c->arena, &c->missing, attr, err);
}

static ch_status keep_columns(ch_analyzer *a, ch_rel **rel, const ch_attr_list *more, ch_error *err)
{
    if ((*rel)->kind == CH_REL_PROJECT) {
        const ch_rel_project *p = (const void *)*rel;
        ch_expr_list list = {0};
        for (int32_t i = 0; i < p->expressions.n; i++)
            CH_TRY(ch_expr_list_add(a->arena, &list, p->expressions.item[i], err));
        CH_TRY(ch_make_refs(a->arena, more, &list, err));
        return ch_make_project(a->arena, p->input, &list, rel, err);
    }
    ch_rel_filter *f; /* and Hint, whose input lies at the same place */
    CH_AN_NEW(f, ch_rel_clone(a->arena, *rel, err));
    CH_TRY(keep_columns(a, &f->input, more, err));
    f->head.output = f->input->output;
    *rel = &f->head;
    return CH_OK;
}
_Static_assert(offsetof(ch_rel_filter, input) == offsetof(ch_rel_hint, input), "see keep_columns");

/* rel with the columns that the expressions need. */
static ch_status keep_for(ch_analyzer *a, ch_rel **rel, const ch_expr_list *exprs, ch_error *err)
{
    collector c = {a->arena, &(*rel)->output, dropped_by(*rel), {0}};
    for (int32_t i = 0; i < exprs->n; i++) {
        ch_expr *e = exprs->item[i];
        CH_TRY(collect(&c, &e, err));
    }
    return c.missing.n ? keep_columns(a, rel, &c.missing, err) : CH_OK;
}

/* Drops what keep_for added. */
static ch_status drop_kept(ch_analyzer *a, const ch_attr_list *wanted, ch_rel **rel, ch_error *err)
{
    if ((*rel)->output.n == wanted->n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(a->arena, wanted, &list, err));
    return ch_make_project(a->arena, *rel, &list, rel, err);
}

/* ---- WHERE ------------------------------------------------------------------------------------------ */

typedef struct agg_names {
    ch_analyzer *a;
    char *text;
} agg_names;

static ch_status name_aggregates(void *user, ch_expr **child, ch_error *err)
{
    agg_names *n = user;
    const ch_expr_call *c = (const void *)*child;
    if (c->head.kind != CH_EXPR_CALL || !(c->func->flags & CH_FUNC_AGGREGATE))
        return ch_expr_map_children(n->a->arena, child, name_aggregates, n, err);
    char *one;
    CH_AN_NEW(one, ch_expr_sql(n->a->arena, *child, err));
    if (!n->text)
        n->text = one;
    else
        CH_AN_NEW(n->text, ch_arena_printf(n->a->arena, err, "%s, %s", n->text, one));
    return CH_OK;
}

ch_status ch_an_check_filter(ch_analyzer *a, const ch_rel *at, ch_expr **condition, ch_error *err)
{
    if ((*condition)->type->id == CH_BOOLEAN)
        return CH_OK;
    char *text, *type;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, *condition, err));
    CH_AN_NEW(type, ch_type_quoted(a->arena, (*condition)->type, err));
    CH_AN_FAIL(a, at, err, FILTER_NOT_BOOLEAN, "sqlExpr", text, "filter", text, "type", type);
}

/* ---- QUALIFY ---------------------------------------------------------------------------------------- */

/* Aggregate functions that have no OVER. */
static ch_status plain_aggregates(void *user, ch_expr **child, ch_error *err)
{
    const ch_expr **found = user;
    ch_expr *e = *child;
    if (e->kind == CH_EXPR_WINDOW || e->kind == CH_EXPR_SUBQUERY || *found)
        return CH_OK;
    if (e->kind == CH_EXPR_UNRESOLVED_FUNCTION) {
        const char *name = ((const ch_expr_unresolved_function *)e)->name;
        char lower[64];
        size_t n = 0;
        for (; n < sizeof lower - 1 && name[n]; n++)
            lower[n] = (char)tolower((unsigned char)name[n]);
        lower[n] = 0;
        const ch_func *func = ch_func_find(lower);
        if (func && (func->flags & CH_FUNC_AGGREGATE)) {
            *found = e;
            return CH_OK;
        }
    }
    return ch_expr_map_children(NULL, child, plain_aggregates, user, err);
}

static bool over_windows(const ch_rel *rel)
{
    while (rel->kind == CH_REL_PROJECT || rel->kind == CH_REL_HINT)
        rel = rel->kind == CH_REL_PROJECT ? ((const ch_rel_project *)rel)->input
                                          : ((const ch_rel_hint *)rel)->input;
    return rel->kind == CH_REL_WINDOW;
}

/*
 * Names are the input's first, then the select list's. The condition becomes a column beside the list:
 *
 *   Project [list]  +- Filter [q]  +- Project [list, condition AS q]  +- Window  +- select
 */
static ch_status qualify(ch_analyzer *a, const ch_rel_filter *f, ch_rel **out, ch_error *err)
{
    ch_rel *rel;
    const ch_expr *aggregate = NULL;
    ch_expr *condition = f->condition;
    CH_TRY(plain_aggregates(&aggregate, &condition, err));
    if (aggregate) {
        char *text;
        CH_AN_NEW(text, ch_expr_quoted(a->arena, aggregate, err));
        CH_AN_FAIL(a, aggregate, err, QUALIFY_AGGREGATE, "aggregateExpr", text);
    }
    CH_TRY(ch_an_rel(a, f->input, &rel, err));
    ch_attr_list visible = rel->output;
    const ch_attr_list *dropped = dropped_by(rel);
    ch_an_scope scope = ch_an_scope_of(a, rel, NULL, "QUALIFY");
    scope.windows = true;
    scope.proposal = &visible;
    if (dropped) {
        scope.tier[1] = scope.tier[0];
        scope.tier[0] = dropped;
        scope.n_tiers = 2;
    }
    CH_TRY(ch_an_expr(a, &scope, f->condition, &condition, err));
    ch_expr_list list = {&condition, 1};
    if (!ch_an_has_window(&list) && !over_windows(rel))
        CH_AN_FAIL(a, &f->head, err, QUALIFY_WITHOUT_WINDOW);
    CH_TRY(keep_for(a, &rel, &list, err));
    list = (ch_expr_list){0};
    CH_TRY(ch_make_refs(a->arena, &visible, &list, err));
    CH_TRY(ch_make_cast(a->arena, &condition, CH_T_BOOLEAN, err)); /* Spark takes numbers, too */
    CH_AN_NEW(condition, ch_make_alias(a->ctx, condition, "qualify", err));
    CH_TRY(ch_expr_list_add(a->arena, &list, condition, err));
    CH_TRY(ch_an_project(a, rel, &list, &rel, err));
    CH_AN_NEW(condition, ch_make_ref(a->arena, rel->output.item[rel->output.n - 1], err));
    CH_TRY(ch_make_filter(a->arena, rel, condition, out, err));
    return drop_kept(a, &visible, out, err);
}

ch_status ch_an_filter(ch_analyzer *a, const ch_rel_filter *f, ch_rel **out, ch_error *err)
{
    if (f->is_having)
        return ch_an_having(a, f, out, err);
    if (f->is_qualify)
        return qualify(a, f, out, err);
    ch_rel *input;
    CH_TRY(ch_an_rel(a, f->input, &input, err));
    ch_attr_list visible = input->output;
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "WHERE");
    const ch_attr_list *dropped = f->input->kind == CH_REL_PROJECT ? dropped_by(input) : NULL;
    if (dropped) {
        scope.tier[scope.n_tiers++] = dropped;
        scope.proposal = &visible;
    }
    ch_expr *condition;
    CH_TRY(ch_an_expr(a, &scope, f->condition, &condition, err));
    if (ch_expr_has_aggregate(condition)) {
        agg_names names = {a, NULL};
        char *text;
        ch_expr *e = condition;
        CH_TRY(name_aggregates(&names, &e, err));
        CH_AN_NEW(text, ch_expr_quoted(a->arena, condition, err));
        CH_AN_FAIL(a, &f->head, err, INVALID_WHERE, "condition", text, "expressionList",
                   names.text);
    }
    CH_TRY(ch_an_check_filter(a, &f->head, &condition, err));
    ch_expr_list used = {&condition, 1};
    CH_TRY(keep_for(a, &input, &used, err));
    ch_rel_filter *filter;
    CH_AN_NEW(filter, ch_rel_clone(a->arena, &f->head, err));
    filter->input = input;
    filter->condition = condition;
    filter->head.output = input->output;
    *out = &filter->head;
    return drop_kept(a, &visible, out, err);
}

/* ---- ORDER BY ---------------------------------------------------------------------------------------- */

static bool ordinal_of(const ch_expr *e, int64_t *index)
{
    if (e->kind != CH_EXPR_LITERAL)
        return false;
    const ch_scalar *v = &((const ch_expr_literal *)e)->value;
    *index = v->v.i64;
    return !v->is_null && v->type->id == CH_INT;
}

static const ch_attr *nth_visible(const ch_attr_list *list, int64_t n)
{
    for (int32_t i = 0; i < list->n; i++)
        if (!list->item[i]->hidden && --n == 0)
            return list->item[i];
    return NULL;
}

static int64_t n_visible(const ch_attr_list *list)
{
    int64_t n = 0;
    for (int32_t i = 0; i < list->n; i++)
        n += !list->item[i]->hidden;
    return n;
}

/* ORDER BY ALL: every column, unless one is called so. */
static bool is_order_by_all(ch_analyzer *a, const ch_expr_list *order, const ch_attr_list *output)
{
    const ch_expr_sort_order *s = order->n == 1 ? (const void *)order->item[0] : NULL;
    if (!s || s->head.kind != CH_EXPR_SORT_ORDER || s->child->kind != CH_EXPR_UNRESOLVED_ATTRIBUTE)
        return false;
    const ch_str_list *parts = &((const ch_expr_unresolved_attribute *)s->child)->parts;
    if (parts->n != 1 || !ch_an_same_name(a, parts->item[0], "all"))
        return false;
    for (int32_t i = 0; i < output->n; i++)
        if (ch_an_same_name(a, output->item[i]->name, "all"))
            return false;
    return true;
}

static ch_status sort_item(ch_analyzer *a, ch_an_scope *scope, const ch_expr *written,
                           const ch_attr_list *output, ch_expr **out, ch_error *err)
{
    ch_expr_sort_order *order;
    if (written->kind == CH_EXPR_SORT_ORDER) {
        CH_AN_NEW(order, ch_expr_clone(a->arena, written, err));
    } else {
        CH_AN_NEW(order, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
        order->head.start = written->start;
        order->head.stop = written->stop;
        order->nulls_first = true;
        order->child = (ch_expr *)written;
    }
    int64_t index;
    if (ordinal_of(order->child, &index)) {
        const ch_attr *attr = index > 0 ? nth_visible(output, index) : NULL;
        if (!attr)
            CH_AN_FAIL(a, order->child, err, ORDER_BY_POS_OUT_OF_RANGE, "index", CH_I64(index),
                       "size", CH_I64(n_visible(output)));
        CH_AN_NEW(order->child, ch_make_ref(a->arena, attr, err));
    }
    return ch_an_expr(a, scope, &order->head, out, err);
}

static ch_status sort_all(ch_analyzer *a, const ch_expr_sort_order *like,
                          const ch_attr_list *output, ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < output->n; i++) {
        if (output->item[i]->hidden)
            continue;
        ch_expr_sort_order *s;
        CH_AN_NEW(s, ch_expr_clone(a->arena, &like->head, err));
        CH_AN_NEW(s->child, ch_make_ref(a->arena, output->item[i], err));
        s->head.type = s->child->type;
        CH_TRY(ch_expr_list_add(a->arena, out, &s->head, err));
    }
    return CH_OK;
}

/* Spark sorts by a subquery only if it is one value for all rows. */
static ch_status refuse_subqueries(void *user, ch_expr **child, ch_error *err)
{
    ch_analyzer *a = user;
    const ch_expr_subquery *s = (const void *)*child;
    if (s->head.kind != CH_EXPR_SUBQUERY)
        return ch_expr_map_children(a->arena, child, refuse_subqueries, a, err);
    if (s->subquery_kind != CH_SUBQUERY_SCALAR)
        CH_AN_FAIL(a, &s->head, err, SUBQUERY_PREDICATE_PLACE, "treeNode", "Sort");
    if (s->outer.n)
        CH_AN_FAIL(a, &s->head, err, SUBQUERY_SCALAR_PLACE, "treeNode", "Sort");
    return CH_OK;
}

/* Aggregate functions where there is no aggregate below. */
static ch_status refuse_aggregates(ch_analyzer *a, const ch_rel *at, const ch_expr_list *order,
                                   ch_error *err)
{
    for (int32_t i = 0; i < order->n; i++) {
        ch_expr *e = ((const ch_expr_sort_order *)order->item[i])->child;
        if (!ch_expr_has_aggregate(e) && !ch_expr_has_window(e))
            continue;
        char *text;
        CH_AN_NEW(text, ch_expr_quoted(a->arena, e, err));
        CH_AN_FAIL(a, at, err, UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", "Sort", "invalidExprSqls",
                   text);
    }
    return CH_OK;
}

/* The filter that HAVING became, with its aggregate below; NULL: rel is no HAVING. */
static const ch_rel_filter *having_of(const ch_rel *written, const ch_rel *rel)
{
    if (written->kind != CH_REL_FILTER || !((const ch_rel_filter *)written)->is_having)
        return NULL;
    if (rel->kind == CH_REL_PROJECT) /* hides what only the condition needs */
        rel = ((const ch_rel_project *)rel)->input;
    const ch_rel_filter *f = (const ch_rel_filter *)rel;
    return rel->kind == CH_REL_FILTER && f->input->kind == CH_REL_AGGREGATE ? f : NULL;
}

/* What ORDER BY sees behind HAVING besides the output: columns by which is grouped, but no aggregates. */
static ch_status plain_keys(ch_analyzer *a, const ch_expr_list *grouping, const ch_attr_list **out,
                            ch_error *err)
{
    ch_attr_list *keys;
    CH_ARENA_NEW(keys, a->arena, err);
    for (int32_t i = 0; i < grouping->n; i++) {
        const ch_expr *e = grouping->item[i];
        if (e->kind == CH_EXPR_ATTRIBUTE)
            CH_TRY(ch_attr_list_add(a->arena, keys, ((const ch_expr_attribute *)e)->attr, err));
    }
    *out = keys;
    return CH_OK;
}

/* *input, what HAVING became, with the keys of its aggregate that ORDER BY uses. */
static ch_status keep_keys(ch_analyzer *a, const ch_rel_filter *having, const ch_attr_list *keys,
                           ch_expr_list *order, ch_rel **input, ch_error *err)
{
    collector c = {a->arena, &(*input)->output, keys, {0}};
    ch_expr_list extra = {0};
    for (int32_t i = 0; i < order->n; i++) {
        ch_expr *e = order->item[i];
        CH_TRY(collect(&c, &e, err));
    }
    if (!c.missing.n)
        return CH_OK;
    const ch_rel_aggregate *agg = (const ch_rel_aggregate *)having->input;
    for (int32_t i = 0; i < order->n; i++)
        CH_TRY(ch_an_over_aggregate(a, agg, &extra, &order->item[i], err));
    CH_TRY(ch_an_aggregate_add(a, agg, &extra, input, err));
    return ch_make_filter(a->arena, *input, having->condition, input, err);
}

ch_status ch_an_sort(ch_analyzer *a, const ch_rel_sort *s, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    CH_TRY(ch_an_rel(a, s->input, &input, err));
    ch_attr_list visible = input->output;
    const ch_rel_filter *having = having_of(s->input, input);
    const ch_rel_aggregate *agg =
        input->kind == CH_REL_AGGREGATE ? (const ch_rel_aggregate *)input : NULL;
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "ORDER BY");
    scope.aggregates = agg != NULL;
    scope.inverted = agg != NULL;
    scope.lenient = true;
    scope.windows = true; /* to be refused below */
    scope.proposal = &visible;
    const ch_attr_list *more = agg ? &agg->input->output : dropped_by(input);
    ch_an_sets sets = a->sets;
    const bool over_sets = sets.rel == input;
    if (over_sets) {
        scope.aggregates = scope.inverted = !sets.condition;
        if (sets.condition)
            CH_TRY(plain_keys(a, &sets.grouping, &more, err));
        else
            more = &sets.input->output;
    } else if (having)
        CH_TRY(plain_keys(a, &((const ch_rel_aggregate *)having->input)->grouping, &more, err));
    if (more)
        scope.tier[scope.n_tiers++] = more;

    ch_rel_sort *sort;
    CH_AN_NEW(sort, ch_rel_clone(a->arena, &s->head, err));
    sort->order = (ch_expr_list){0};
    sort->limit = -1;
    if (is_order_by_all(a, &s->order, &visible))
        CH_TRY(sort_all(a, (const void *)s->order.item[0], &visible, &sort->order, err));
    else
        for (int32_t i = 0; i < s->order.n; i++) {
            ch_expr *e;
            CH_TRY(sort_item(a, &scope, s->order.item[i], &visible, &e, err));
            CH_TRY(refuse_subqueries(a, &e, err));
            CH_TRY(ch_expr_list_add(a->arena, &sort->order, e, err));
        }
    if (over_sets) {
        CH_TRY(ch_an_over_sets(a, &sets, &sort->order, &input, err));
        visible = (ch_attr_list){sets.result->output.item, sets.n_visible};
    } else if (agg) {
        ch_expr_list extra = {0};
        for (int32_t i = 0; i < sort->order.n; i++)
            CH_TRY(ch_an_over_aggregate(a, agg, &extra, &sort->order.item[i], err));
        CH_TRY(ch_an_aggregate_add(a, agg, &extra, &input, err));
    } else {
        CH_TRY(refuse_aggregates(a, &s->head, &sort->order, err));
        CH_TRY(having ? keep_keys(a, having, more, &sort->order, &input, err)
                      : keep_for(a, &input, &sort->order, err));
    }
    sort->input = input;
    sort->head.output = input->output;
    *out = &sort->head;
    return drop_kept(a, &visible, out, err);
}

/* ---- LIMIT, OFFSET ------------------------------------------------------------------------------------- */

static ch_status count_of(ch_analyzer *a, const ch_rel *input, const ch_expr *written,
                          const char *name, int64_t *out, ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "LIMIT");
    ch_expr *e;
    ch_scalar v;
    bool done;
    CH_TRY(ch_an_expr(a, &scope, written, &e, err));
    char *text;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, e, err));
    if (!ch_expr_is_foldable(e))
        CH_AN_FAIL(a, written, err, LIMIT_UNFOLDABLE, "name", name, "expr", text);
    if (e->type->id != CH_INT) {
        char *type;
        CH_AN_NEW(type, ch_type_quoted(a->arena, e->type, err));
        CH_AN_FAIL(a, written, err, LIMIT_TYPE, "name", name, "expr", text, "dataType", type);
    }
    CH_TRY(ch_expr_fold(a->ctx->func, a->arena, e, &v, &done, err));
    if (done && v.is_null)
        CH_AN_FAIL(a, written, err, LIMIT_NULL, "name", name, "expr", text);
    if (!done)
        CH_AN_FAIL(a, written, err, LIMIT_UNFOLDABLE, "name", name, "expr", text);
    if (v.v.i64 < 0)
        CH_AN_FAIL(a, written, err, INVALID_LIMIT, "name", name, "expr", text, "v",
                   CH_I64(v.v.i64));
    *out = v.v.i64;
    return CH_OK;
}

ch_status ch_an_limit(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    _Static_assert(offsetof(ch_rel_limit, limit) == offsetof(ch_rel_offset, offset) &&
                       offsetof(ch_rel_limit, expr) == offsetof(ch_rel_offset, expr),
                   "Limit and Offset have one shape");
    bool offset = rel->kind == CH_REL_OFFSET;
    ch_rel_limit *limit;
    CH_AN_NEW(limit, ch_rel_clone(a->arena, rel, err));
    CH_TRY(ch_an_rel(a, ((const ch_rel_limit *)rel)->input, &limit->input, err));
    limit->head.output = limit->input->output;
    if (limit->expr)
        CH_TRY(count_of(a, limit->input, limit->expr, offset ? "offset" : "limit", &limit->limit,
                        err));
    if (limit->limit < 0)
        CH_AN_FAIL(a, rel, err, INVALID_LIMIT, "name", offset ? "offset" : "limit", "expr",
                   ch_arena_printf(a->arena, err, "\"%d\"", (int)limit->limit), "v",
                   CH_I64(limit->limit));
    limit->expr = NULL;
    *out = &limit->head;
    const ch_rel_offset *skip = (const void *)limit->input;
    if (!offset && skip->head.kind == CH_REL_OFFSET && limit->limit > 0 &&
        limit->limit + skip->offset > INT32_MAX)
        CH_AN_FAIL(a, rel, err, LIMIT_AND_OFFSET, "limit", CH_I64(limit->limit), "offset",
                   CH_I64(skip->offset));
    return CH_OK;
}
