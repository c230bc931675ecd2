/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_aggregate.c - GROUP BY and HAVING.
 *
 * Every expression of the output must be made of grouping expressions and aggregate calls. HAVING and
 * ORDER BY may use more of both than the output has: these become columns that a project drops.
 */
#include <string.h>

#include "plan/analyzer.h"

/* ---- what the output may be made of --------------------------------------------------------------- */

static bool is_aggregate_call(const ch_expr *e)
{
    const ch_expr_call *c = (const void *)e;
    return e->kind == CH_EXPR_CALL && (c->func->flags & CH_FUNC_AGGREGATE);
}

static int32_t position_of(const ch_expr_list *list, const ch_expr *e)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_expr_equal(list->item[i], e))
            return i;
    return -1;
}

typedef struct checker {
    ch_analyzer *a;
    const ch_rel *at;
    const ch_expr_list *grouping;
    bool has_group_by;
} checker;

static ch_status check(void *user, ch_expr **child, ch_error *err)
{
    checker *c = user;
    const ch_expr *e = *child;
    if (e->kind == CH_EXPR_WINDOW) {
        /* The function itself is no aggregate: what it looks at must be grouped. */
        ch_expr_window w = *(const ch_expr_window *)e;
        ch_expr *function = w.function;
        for (int32_t i = 0; i < w.partition.n; i++)
            CH_TRY(check(c, &w.partition.item[i], err));
        for (int32_t i = 0; i < w.order.n; i++)
            CH_TRY(check(c, &w.order.item[i], err));
        return ch_expr_map_children(c->a->arena, &function, check, c, err);
    }
    if (is_aggregate_call(e) || position_of(c->grouping, e) >= 0)
        return CH_OK;
    const ch_expr_subquery *s = (const void *)e;
    if (e->kind == CH_EXPR_SUBQUERY && s->subquery_kind == CH_SUBQUERY_SCALAR && s->outer.n) {
        char *quoted;
        CH_AN_NEW(quoted, ch_expr_quoted(c->a->arena, e, err));
        CH_AN_FAIL(c->a, e, err, SCALAR_SUBQUERY_NOT_GROUPED, "sqlExpr", quoted);
    }
    if (ch_an_is_grouping(e))
        CH_AN_FAIL(c->a, e, err, UNSUPPORTED_GROUPING);
    if (e->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(c->a->arena, child, check, c, err);
    for (int32_t t = 0; c->a->outer && t < c->a->outer->n_tiers; t++)
        if (ch_attr_list_find(c->a->outer->tier[t], ((const ch_expr_attribute *)e)->attr->id))
            return CH_OK; /* the subquery's business */
    if (!c->has_group_by)
        CH_AN_FAIL(c->a, c->at, err, MISSING_GROUP_BY);
    char *text;
    CH_AN_NEW(text, ch_expr_sql(c->a->arena, e, err));
    char *quoted, *any;
    CH_AN_NEW(quoted, ch_arena_printf(c->a->arena, err, "\"%s\"", text));
    CH_AN_NEW(any, ch_arena_printf(c->a->arena, err, "\"any_value(%s)\"", text));
    CH_AN_FAIL(c->a, e, err, MISSING_AGGREGATION, "expression", quoted, "expressionAnyValue", any);
}

ch_status ch_an_check_grouped(ch_analyzer *a, const ch_rel *at, const ch_expr_list *grouping,
                              const ch_expr_list *list, bool has_group_by, ch_error *err)
{
    checker c = {a, at, grouping, has_group_by};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        CH_TRY(check(&c, &e, err));
    }
    return CH_OK;
}

ch_status ch_an_make_aggregate(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                               const ch_expr_list *grouping, const ch_expr_list *list,
                               bool has_group_by, ch_rel **out, ch_error *err)
{
    CH_TRY(ch_an_check_grouped(a, at, grouping, list, has_group_by, err));
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_new(a->arena, CH_REL_AGGREGATE, err));
    g->head.start = at->start;
    g->head.stop = at->stop;
    g->input = input;
    g->group_type = CH_GROUP_BY;
    g->grouping = *grouping;
    g->aggregates = *list;
    CH_TRY(ch_make_output(a->arena, list, &g->head.output, err));
    *out = &g->head;
    return CH_OK;
}

/* ---- GROUP BY ------------------------------------------------------------------------------------ */

/* The position that an integer literal names, or 0. */
static int64_t ordinal_of(const ch_expr *e, bool *is)
{
    *is = false;
    if (e->kind != CH_EXPR_LITERAL)
        return 0;
    const ch_scalar *v = &((const ch_expr_literal *)e)->value;
    *is = !v->is_null && v->type->id == CH_INT;
    return *is ? v->v.i64 : 0;
}

static ch_expr *without_alias(ch_expr *e)
{
    return e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
}

static ch_status group_by_ordinal(ch_analyzer *a, const ch_expr *at, int64_t index,
                                  const ch_expr_list *list, ch_expr **out, ch_error *err)
{
    if (index < 1 || index > list->n)
        CH_AN_FAIL(a, at, err, GROUP_BY_POS_OUT_OF_RANGE, "index", CH_I64(index), "size",
                   CH_I64(list->n));
    ch_expr *e = list->item[index - 1];
    if (ch_expr_has_aggregate(e)) {
        char *text;
        CH_AN_NEW(text, ch_expr_sql(a->arena, e, err));
        CH_AN_FAIL(a, at, err, GROUP_BY_POS_AGGREGATE, "index", CH_I64(index), "aggExpr", text);
    }
    *out = without_alias(e);
    return CH_OK;
}

/* The select list's alias that a grouping name means, when no column of the input has it. */
static ch_expr *group_by_alias(ch_analyzer *a, const ch_expr *e, const ch_expr_list *list)
{
    if (e->kind != CH_EXPR_UNRESOLVED_ATTRIBUTE)
        return NULL;
    const ch_str_list *parts = &((const ch_expr_unresolved_attribute *)e)->parts;
    for (int32_t i = 0; parts->n == 1 && i < list->n; i++)
        if (list->item[i]->kind == CH_EXPR_ALIAS) {
            const ch_expr_alias *alias = (const void *)list->item[i];
            if (ch_an_same_name(a, alias->names.item[0], parts->item[0]))
                return alias->child;
        }
    return NULL;
}

static ch_status grouping_item(ch_analyzer *a, ch_an_scope *scope, const ch_expr *written,
                               const ch_expr_list *list, bool from_sql, ch_expr **out,
                               ch_error *err)
{
    bool is_ordinal;
    int64_t index = ordinal_of(written, &is_ordinal);
    if (is_ordinal && from_sql)
        return group_by_ordinal(a, written, index, list, out, err);
    ch_error missing = {0};
    ch_status status = ch_an_expr(a, scope, written, out, &missing);
    ch_expr *alias = status == CH_E_UNRESOLVED_COLUMN || status == CH_E_UNRESOLVED_COLUMN_SUGGEST
                         ? group_by_alias(a, written, list)
                         : NULL;
    if (alias) {
        ch_error_release(&missing);
        *out = alias;
    } else if (status != CH_OK) {
        if (err && err->code == CH_OK)
            *err = missing;
        else
            ch_error_release(&missing);
        return status;
    }
    if (ch_expr_has_aggregate(*out))
        CH_AN_FAIL(a, written, err, GROUP_BY_AGGREGATE, "sqlExpr",
                   ch_expr_sql(a->arena, *out, err));
    return CH_OK;
}

/* GROUP BY ALL: everything in the select list that has no aggregate. */
static ch_status group_by_all(ch_analyzer *a, const ch_rel *at, const ch_expr_list *list,
                              ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = without_alias(list->item[i]);
        if (!ch_expr_has_aggregate(e) && !ch_expr_is_foldable(e))
            CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    checker c = {a, at, out, true};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        ch_error wrong = {0};
        ch_status status = check(&c, &e, &wrong);
        ch_error_release(&wrong);
        if (status == CH_E_MISSING_AGGREGATION)
            CH_AN_FAIL(a, at, err, UNRESOLVED_ALL_IN_GROUP_BY);
        CH_TRY(status);
    }
    return CH_OK;
}

/* The protocol's output: grouping columns first, then the aggregates. */
static ch_status frame_output(ch_analyzer *a, const ch_rel_aggregate *g,
                              const ch_expr_list *grouping, const ch_expr_list *list,
                              ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < grouping->n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_named(a, g->grouping.item[i], grouping->item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    for (int32_t i = 0; i < list->n; i++)
        CH_TRY(ch_expr_list_add(a->arena, out, list->item[i], err));
    return CH_OK;
}

ch_status ch_an_aggregate(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel **out, ch_error *err)
{
    if (g->group_type == CH_GROUP_PIVOT)
        return ch_an_pivot(a, g, out, err);
    ch_rel *input;
    CH_TRY(ch_an_rel(a, g->input, &input, err));
    ch_an_time_window windows = {.list = &g->aggregates,
                                 .grouping = g->grouping.item,
                                 .n_grouping = g->grouping.n,
                                 .from_sql = g->from_sql,
                                 .merges = true};
    CH_TRY(ch_an_time_windows(a, &windows, &input, err));
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "GROUP BY");
    scope.time_window = windows.column;
    scope.aggregates = true;
    scope.windows = true;
    ch_expr_list list = {0}, grouping = {0}, whole = {0};
    CH_TRY(ch_an_select_list(a, &scope, &g->aggregates, &list, err));
    ch_an_scope keys = ch_an_scope_of(a, input, NULL, "GROUP BY");
    keys.time_window = windows.column;
    if (g->group_type == CH_GROUP_ALL) {
        CH_TRY(group_by_all(a, &g->head, &list, &grouping, err));
    } else {
        for (int32_t i = 0; i < g->grouping.n; i++) {
            ch_expr *e;
            CH_TRY(grouping_item(a, &keys, g->grouping.item[i], &list, g->from_sql, &e, err));
            /* DataFrame.groupBy(expr AS name): the name is the output's. */
            if (g->from_sql)
                e = without_alias(e);
            CH_TRY(ch_expr_list_add(a->arena, &grouping, e, err));
        }
    }
    if (!g->from_sql) {
        CH_TRY(frame_output(a, g, &grouping, &list, &whole, err));
        list = whole;
        for (int32_t i = 0; i < grouping.n; i++)
            grouping.item[i] = without_alias(grouping.item[i]);
    }
    if (g->group_type != CH_GROUP_BY && g->group_type != CH_GROUP_ALL && a->outer && a->correlated)
        CH_AN_FAIL(a, &g->head, err, SUBQUERY_OUTER_PLACE, "treeNode", "Expand");
    if (g->group_type != CH_GROUP_BY && g->group_type != CH_GROUP_ALL)
        return ch_an_grouping_sets(a, g, input, &grouping, &list, out, err);
    bool has_group_by = grouping.n > 0;
    return ch_an_aggregate_list(a, &g->head, input, &scope, &grouping, &list, has_group_by, out,
                                err);
}

/* ---- expressions over an aggregate ------------------------------------------------------------------ */

typedef struct lifter {
    ch_analyzer *a;
    const ch_rel_aggregate *agg;
    ch_expr_list *extra;
} lifter;

static ch_status lift(void *user, ch_expr **child, ch_error *err);

/* The window function stays one; what it looks at becomes columns. */
static ch_status lift_window(lifter *l, ch_expr **child, ch_error *err)
{
    ch_arena *arena = l->a->arena;
    ch_expr_window *w;
    ch_expr_list partition = {0}, order = {0};
    CH_AN_NEW(w, ch_expr_clone(arena, *child, err));
    CH_TRY(ch_expr_map_children(arena, &w->function, lift, l, err));
    for (int32_t i = 0; i < w->partition.n; i++) {
        ch_expr *e = w->partition.item[i];
        CH_TRY(lift(l, &e, err));
        CH_TRY(ch_expr_list_add(arena, &partition, e, err));
    }
    for (int32_t i = 0; i < w->order.n; i++) {
        ch_expr *e = w->order.item[i];
        CH_TRY(ch_expr_map_children(arena, &e, lift, l, err));
        CH_TRY(ch_expr_list_add(arena, &order, e, err));
    }
    w->partition = partition;
    w->order = order;
    *child = &w->head;
    return CH_OK;
}

static ch_status lift(void *user, ch_expr **child, ch_error *err)
{
    lifter *l = user;
    ch_arena *arena = l->a->arena;
    const ch_expr *e = *child;
    if (e->kind == CH_EXPR_ATTRIBUTE &&
        ch_attr_list_find(&l->agg->head.output, ((const ch_expr_attribute *)e)->attr->id))
        return CH_OK;
    if (e->kind == CH_EXPR_WINDOW)
        return lift_window(l, child, err);
    bool whole = is_aggregate_call(e) || position_of(&l->agg->grouping, e) >= 0;
    for (int32_t side = 0; side < 2 && (whole || e->kind != CH_EXPR_LITERAL); side++) {
        const ch_expr_list *list = side ? l->extra : &l->agg->aggregates;
        for (int32_t i = 0; i < list->n; i++) {
            if (list->item[i]->kind != CH_EXPR_ALIAS ||
                !ch_expr_equal(((const ch_expr_alias *)list->item[i])->child, e))
                continue;
            ch_expr_list one = {&list->item[i], 1};
            ch_attr_list attr;
            CH_TRY(ch_make_output(arena, &one, &attr, err));
            CH_AN_NEW(*child, ch_make_ref(arena, attr.item[0], err));
            return CH_OK;
        }
    }
    if (whole) {
        ch_expr *named;
        CH_TRY(ch_an_named(l->a, e, *child, &named, err));
        CH_TRY(ch_expr_list_add(arena, l->extra, named, err));
        if (named->kind == CH_EXPR_ALIAS) {
            ch_expr_list one = {&named, 1};
            ch_attr_list attr;
            CH_TRY(ch_make_output(arena, &one, &attr, err));
            CH_AN_NEW(*child, ch_make_ref(arena, attr.item[0], err));
        }
        return CH_OK;
    }
    if (e->kind == CH_EXPR_ATTRIBUTE) {
        const char *name = ((const ch_expr_attribute *)e)->attr->name;
        ch_str_list parts = {&name, 1};
        ch_an_scope scope = ch_an_scope_of(l->a, &l->agg->head, NULL, "");
        char *quoted, *proposal;
        CH_AN_NEW(quoted, ch_names_quoted(arena, &parts, err));
        CH_TRY(ch_an_proposal(l->a, &scope, &parts, &proposal, err));
        CH_AN_FAIL(l->a, e, err, UNRESOLVED_COLUMN_SUGGEST, "objectName", quoted, "proposal",
                   proposal ? proposal : "");
    }
    return ch_expr_map_children(arena, child, lift, l, err);
}

ch_status ch_an_over_aggregate(ch_analyzer *a, const ch_rel_aggregate *agg, ch_expr_list *extra,
                               ch_expr **expr, ch_error *err)
{
    lifter l = {a, agg, extra};
    return lift(&l, expr, err);
}

ch_status ch_an_aggregate_add(ch_analyzer *a, const ch_rel_aggregate *agg,
                              const ch_expr_list *extra, ch_rel **out, ch_error *err)
{
    *out = (ch_rel *)agg;
    if (!extra->n)
        return CH_OK;
    ch_expr_list list = {0};
    for (int32_t i = 0; i < agg->aggregates.n; i++)
        CH_TRY(ch_expr_list_add(a->arena, &list, agg->aggregates.item[i], err));
    for (int32_t i = 0; i < extra->n; i++)
        CH_TRY(ch_expr_list_add(a->arena, &list, extra->item[i], err));
    return ch_an_make_aggregate(a, &agg->head, agg->input, &agg->grouping, &list, true, out, err);
}

/* ---- HAVING ------------------------------------------------------------------------------------------ */

/* The same above grouping sets. */
static ch_status having_of_sets(ch_analyzer *a, const ch_rel_filter *f, ch_rel *child, ch_rel **out,
                                ch_error *err)
{
    ch_an_sets sets = a->sets;
    ch_an_scope scope = ch_an_scope_of(a, child, sets.input, "HAVING");
    scope.aggregates = scope.inverted = true;
    scope.tier[scope.n_tiers++] = &sets.input->output;
    scope.grouping = &sets.grouping;
    scope.proposal = &child->output;
    ch_expr *condition;
    CH_TRY(ch_an_expr(a, &scope, f->condition, &condition, err));
    CH_TRY(ch_an_check_filter(a, &f->head, &condition, err));
    ch_expr_list exprs = {0};
    CH_TRY(ch_expr_list_add(a->arena, &exprs, condition, err));
    CH_TRY(ch_an_over_sets(a, &sets, &exprs, out, err));
    sets.condition = exprs.item[0];
    CH_TRY(ch_make_filter(a->arena, sets.result, sets.condition, out, err));
    if (sets.list.n > sets.n_visible) {
        ch_attr_list visible = {sets.result->output.item, sets.n_visible};
        ch_expr_list list = {0};
        CH_TRY(ch_make_refs(a->arena, &visible, &list, err));
        CH_TRY(ch_make_project(a->arena, *out, &list, out, err));
    }
    sets.rel = *out;
    a->sets = sets;
    return CH_OK;
}

ch_status ch_an_having(ch_analyzer *a, const ch_rel_filter *f, ch_rel **out, ch_error *err)
{
    ch_rel *child;
    if (f->input->kind == CH_REL_PROJECT && f->input->output.n < 0)
        CH_TRY(ch_an_select(a, (const void *)f->input, true, &child, err));
    else
        CH_TRY(ch_an_rel(a, f->input, &child, err));
    if (a->sets.rel == child)
        return having_of_sets(a, f, child, out, err);
    ch_rel *whole = child, *under = ch_an_under_windows(child, CH_REL_AGGREGATE);
    if (under)
        child = under;
    const ch_rel_aggregate *agg =
        child->kind == CH_REL_AGGREGATE ? (const ch_rel_aggregate *)child : NULL;
    ch_an_scope scope = ch_an_scope_of(a, child, agg ? agg->input : NULL, "HAVING");
    scope.aggregates = agg != NULL;
    if (agg) {
        scope.tier[scope.n_tiers++] = &agg->input->output;
        scope.inverted = true;
        scope.grouping = &agg->grouping;
        scope.proposal = &child->output;
    }
    ch_expr *condition;
    CH_TRY(ch_an_expr(a, &scope, f->condition, &condition, err));
    if (condition->type->id == CH_NULL) /* which Spark takes here, but not in WHERE */
        CH_TRY(ch_make_cast(a->arena, &condition, CH_T_BOOLEAN, err));
    CH_TRY(ch_an_check_filter(a, &f->head, &condition, err));
    ch_expr_list extra = {0};
    ch_rel *input = child;
    if (agg) {
        CH_TRY(ch_an_over_aggregate(a, agg, &extra, &condition, err));
        CH_TRY(ch_an_aggregate_add(a, agg, &extra, &input, err));
    }
    ch_rel *filter;
    CH_TRY(ch_make_filter(a->arena, input, condition, &filter, err));
    if (under) {
        *out = whole;
        return ch_an_replace_under(a, out, under, filter, err);
    }
    *out = filter;
    if (!extra.n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(a->arena, &child->output, &list, err));
    return ch_make_project(a->arena, *out, &list, out, err);
}
