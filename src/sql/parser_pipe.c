/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_pipe.c - query |> operator |> operator: SELECT, EXTEND, SET, DROP, AS, WHERE, AGGREGATE, joins,
 * set operations, TABLESAMPLE, ORDER BY ... LIMIT.
 *
 * Each takes the rows of what stands before it. WHERE and ORDER BY see no table names of that, unless it is a
 * table or has a name itself (Spark puts a subquery between).
 */
#include <strings.h>

#include "function/function.h"
#include "sql/parser.h"

/* ---- helpers -------------------------------------------------------------------------------------------- */

static ch_status project(ch_sql_parser *p, const ch_expr_list *list, int32_t start, ch_rel **plan)
{
    ch_rel_project *out;
    CH_SQL_NEW(out, p, ch_sql_rel_new, CH_REL_PROJECT, start);
    out->input = *plan;
    out->expressions = *list;
    *plan = &out->head;
    return CH_OK;
}

static ch_status boundary(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_rel_subquery_alias *alias;
    if ((*plan)->kind == CH_REL_SUBQUERY_ALIAS || (*plan)->kind == CH_REL_READ_NAMED_TABLE)
        return CH_OK;
    CH_SQL_NEW(alias, p, ch_sql_rel_new, CH_REL_SUBQUERY_ALIAS, start);
    alias->input = *plan;
    alias->alias = "__auto_generated_subquery_name";
    *plan = &alias->head;
    return CH_OK;
}

/* The first aggregate function in *e that is not OVER a window. */
static ch_status find_aggregate(void *user, ch_expr **e, ch_error *err)
{
    const ch_expr **found = user;
    const ch_expr_unresolved_function *f = (const void *)*e;
    if (*found || (*e)->kind == CH_EXPR_WINDOW)
        return CH_OK;
    if ((*e)->kind == CH_EXPR_UNRESOLVED_FUNCTION) {
        char name[64];
        size_t n = strlen(f->name);
        for (size_t i = 0; i <= n && n < sizeof name; i++)
            name[i] = (char)(f->name[i] >= 'A' && f->name[i] <= 'Z' ? f->name[i] + 32 : f->name[i]);
        const ch_func *func = n < sizeof name ? ch_func_find(name) : NULL;
        if (func && (func->flags & CH_FUNC_AGGREGATE)) {
            *found = *e;
            return CH_OK;
        }
    }
    return ch_expr_map_children(NULL, e, find_aggregate, user, err);
}

static const ch_expr *aggregate_in(ch_expr *e)
{
    const ch_expr *found = NULL;
    return find_aggregate(&found, &e, NULL) == CH_OK ? found : NULL;
}

static ch_status refuse_aggregates(ch_sql_parser *p, const ch_expr_list *list, const char *clause)
{
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr *e = aggregate_in(list->item[i]);
        if (!e)
            continue;
        ch_status status =
            ch_error_set(p->err, CH_E_PIPE_AGGREGATE, "expr", ch_expr_sql(p->arena, e, NULL),
                         "clause", clause, (const char *)0);
        return ch_sql_at(p, e->start, e->stop, status);
    }
    return CH_OK;
}

static ch_status named_exprs(ch_sql_parser *p, ch_expr_list *out)
{
    do {
        ch_expr *e;
        CH_TRY(ch_sql_named_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, out, e, p->err));
    } while (ch_sql_accept(p, ','));
    return CH_OK;
}

static ch_status star(ch_sql_parser *p, const ch_expr_list *except, ch_expr_list *out)
{
    ch_expr_unresolved_star *s;
    CH_SQL_NEW(s, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_STAR, ch_sql_here(p));
    if (except)
        s->except = *except;
    return ch_expr_list_add(p->arena, out, &s->head, p->err);
}

/* ---- operators -------------------------------------------------------------------------------------------- */

static ch_status pipe_select(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_expr_list list = {0};
    p->at++;
    bool distinct = ch_sql_is_kw(p, CH_KW_DISTINCT) && ch_sql_starts_expr(p, 1);
    p->at += distinct || (ch_sql_is_kw(p, CH_KW_ALL) && ch_sql_starts_expr(p, 1));
    CH_TRY(named_exprs(p, &list));
    CH_TRY(project(p, &list, start, plan));
    if (!distinct)
        return CH_OK;
    ch_rel_deduplicate *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DEDUPLICATE, start);
    d->input = *plan;
    d->all_columns_as_keys = true;
    *plan = &d->head;
    return CH_OK;
}

static ch_status pipe_extend(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_expr_list list = {0}, more = {0};
    p->at++;
    CH_TRY(star(p, NULL, &list));
    CH_TRY(named_exprs(p, &more));
    CH_TRY(refuse_aggregates(p, &more, "EXTEND"));
    for (int32_t i = 0; i < more.n; i++)
        CH_TRY(ch_expr_list_add(p->arena, &list, more.item[i], p->err));
    return project(p, &list, start, plan);
}

/* SET a = x, b = y: one after the other. */
static ch_status pipe_set(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    p->at++;
    do {
        const char *name;
        ch_expr_alias *alias;
        ch_rel_with_columns *w;
        int32_t at = ch_sql_here(p);
        CH_TRY(ch_sql_checked_name(p, &name));
        CH_TRY(ch_sql_expect(p, '='));
        CH_SQL_NEW(alias, p, ch_sql_expr_new, CH_EXPR_ALIAS, at);
        CH_TRY(ch_sql_expr(p, &alias->child));
        ch_expr_list one = {0};
        CH_TRY(ch_str_list_add(p->arena, &alias->names, name, p->err));
        CH_TRY(ch_expr_list_add(p->arena, &one, &alias->head, p->err));
        CH_TRY(refuse_aggregates(p, &one, "SET"));
        CH_SQL_NEW(w, p, ch_sql_rel_new, CH_REL_WITH_COLUMNS, start);
        w->input = *plan;
        w->aliases = one;
        w->must_exist = true;
        *plan = &w->head;
    } while (ch_sql_accept(p, ','));
    return CH_OK;
}

static ch_status pipe_drop(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_expr_list gone = {0}, list = {0};
    p->at++;
    do {
        ch_expr_unresolved_attribute *a;
        const char *name;
        int32_t at = ch_sql_here(p);
        CH_TRY(ch_sql_checked_name(p, &name));
        CH_SQL_NEW(a, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_ATTRIBUTE, at);
        a->plan_id = -1;
        CH_TRY(ch_str_list_add(p->arena, &a->parts, name, p->err));
        CH_TRY(ch_expr_list_add(p->arena, &gone, &a->head, p->err));
    } while (ch_sql_accept(p, ','));
    CH_TRY(star(p, &gone, &list));
    return project(p, &list, start, plan);
}

static ch_status pipe_as(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_rel_subquery_alias *alias;
    const char *name;
    p->at++;
    CH_TRY(ch_sql_checked_name(p, &name));
    CH_SQL_NEW(alias, p, ch_sql_rel_new, CH_REL_SUBQUERY_ALIAS, start);
    alias->input = *plan;
    alias->alias = name;
    *plan = &alias->head;
    return CH_OK;
}

static ch_status pipe_where(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_rel_filter *f;
    p->at++;
    CH_TRY(boundary(p, start, plan));
    CH_SQL_NEW(f, p, ch_sql_rel_new, CH_REL_FILTER, start);
    f->input = *plan;
    CH_TRY(ch_sql_expr(p, &f->condition));
    f->head.stop = p->tok[p->at - 1].stop;
    *plan = &f->head;
    return CH_OK;
}

/* AGGREGATE [functions] [GROUP BY keys]: the keys come first, and may have names. */
static ch_status pipe_aggregate(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_rel_aggregate *g;
    ch_expr_list list = {0}, keys = {0}, output = {0};
    p->at++;
    bool keys_only = ch_sql_is_kw(p, CH_KW_GROUP) && ch_sql_peek_kw(p, 1, CH_KW_BY);
    if (!keys_only)
        CH_TRY(named_exprs(p, &list));
    for (int32_t i = 0; i < list.n; i++)
        if (!aggregate_in(list.item[i])) {
            const ch_expr *e = list.item[i];
            ch_status status = ch_error_set(p->err, CH_E_PIPE_NO_AGGREGATE, "expr",
                                            ch_expr_sql(p->arena, e, NULL), (const char *)0);
            return ch_sql_at(p, e->start, e->stop, status);
        }
    CH_SQL_NEW(g, p, ch_sql_rel_new, CH_REL_AGGREGATE, start);
    if (ch_sql_is_kw(p, CH_KW_GROUP) && ch_sql_peek_kw(p, 1, CH_KW_BY)) {
        p->at += 2;
        CH_TRY(named_exprs(p, &output));
    }
    for (int32_t i = 0; i < output.n; i++) {
        ch_expr *e = output.item[i];
        e = e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
        CH_TRY(ch_expr_list_add(p->arena, &keys, e, p->err));
    }
    for (int32_t i = 0; i < list.n; i++)
        CH_TRY(ch_expr_list_add(p->arena, &output, list.item[i], p->err));
    if (!keys.n)
        return project(p, &output, start, plan);
    g->input = *plan;
    g->group_type = CH_GROUP_BY;
    g->grouping = keys;
    g->aggregates = output;
    g->from_sql = true;
    g->head.stop = p->tok[p->at - 1].stop;
    *plan = &g->head;
    return CH_OK;
}

static ch_status pipe_organize(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    CH_TRY(boundary(p, start, plan));
    bool sorts = ch_sql_peek_kw(p, 1, CH_KW_BY);
    int32_t at = ch_sql_here(p);
    CH_TRY(ch_sql_organize(p, start, !sorts, plan));
    if (sorts && (ch_sql_is_kw(p, CH_KW_LIMIT) || ch_sql_is_kw(p, CH_KW_OFFSET) ||
                  ch_sql_peek_kw(p, 1, CH_KW_BY)))
        return ch_sql_at(p, at, ch_sql_here(p),
                         ch_error_set(p->err, CH_E_PIPE_CLAUSES, "clause1", "ORDER BY", "clause2",
                                      ch_sql_is_kw(p, CH_KW_OFFSET) ? "OFFSET" : "LIMIT",
                                      (const char *)0));
    return CH_OK;
}

static ch_status operator(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    bool done;
    switch (p->tok[p->at].keyword) {
    case CH_KW_SELECT:
        return pipe_select(p, start, plan);
    case CH_KW_EXTEND:
        return pipe_extend(p, start, plan);
    case CH_KW_SET:
        return pipe_set(p, start, plan);
    case CH_KW_DROP:
        return pipe_drop(p, start, plan);
    case CH_KW_AS:
        return pipe_as(p, start, plan);
    case CH_KW_WHERE:
        return pipe_where(p, start, plan);
    case CH_KW_AGGREGATE:
        return pipe_aggregate(p, start, plan);
    case CH_KW_ORDER:
    case CH_KW_CLUSTER:
    case CH_KW_DISTRIBUTE:
    case CH_KW_SORT:
    case CH_KW_LIMIT:
    case CH_KW_OFFSET:
        return pipe_organize(p, start, plan);
    default:
        break;
    }
    CH_TRY(ch_sql_set_onto(p, start, plan, &done));
    if (!done)
        CH_TRY(ch_sql_relation_onto(p, start, plan, &done));
    return done ? CH_OK : ch_sql_unexpected(p);
}

ch_status ch_sql_pipes(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    for (int32_t links = 0; ch_sql_accept(p, CH_TOK_PIPE); links++) {
        if (links > CH_SQL_MAX_HEIGHT / 2)
            return ch_sql_too_deep(p);
        CH_TRY(operator(p, start, plan));
    }
    return CH_OK;
}
