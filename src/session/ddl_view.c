/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl_view.c - stored views. The query's text is kept, with the database that was current, and the names and types that
 * its columns had: the view keeps them, whatever its tables become (Spark's schema mode COMPENSATION).
 */
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"

/* ---- what a stored view may not use ---------------------------------------------------------------- */

typedef struct names {
    ch_ddl *c;
    const char *view; /* quoted, for errors */
    const char *temp; /* name of a temporary view, which must not use itself; NULL: a stored one */
    const ch_rel_with *with; /* names of common tables mean those */
} names;

static ch_status check_rel(void *user, ch_rel **rel, ch_error *err);

static ch_status check_expr(void *user, ch_expr **expr, ch_error *err)
{
    names *n = user;
    if ((*expr)->kind == CH_EXPR_SUBQUERY) {
        ch_rel *plan = ((ch_expr_subquery *)*expr)->plan;
        CH_TRY(check_rel(user, &plan, err));
    }
    ch_expr *copy = *expr;
    return ch_expr_map_children(n->c->arena, &copy, check_expr, user, err);
}

static bool is_common(const names *n, const char *name)
{
    for (int32_t i = 0; n->with && i < n->with->ctes.n; i++)
        if (strcasecmp(((const ch_rel_subquery_alias *)n->with->ctes.item[i])->alias, name) == 0)
            return true;
    return false;
}

static ch_status check_rel(void *user, ch_rel **rel, ch_error *err)
{
    names *n = user;
    ch_ddl *c = n->c;
    ch_rel *copy = *rel;
    if (copy->kind == CH_REL_READ_NAMED_TABLE) {
        const ch_str_list *parts = &((const ch_rel_read_named_table *)copy)->parts;
        ch_meta_table *t;
        bool is_temp;
        if (parts->n == 1 && is_common(n, parts->item[0]))
            return CH_OK;
        if (n->temp) {
            if (parts->n > 1 || strcasecmp(parts->item[0], n->temp) != 0)
                return CH_OK;
            const char *loop = ch_arena_printf(c->arena, NULL, "%s -> %s", n->view, n->view);
            CH_FAIL(err, RECURSIVE_VIEW, "viewIdent", n->view, "newPath", loop ? loop : "");
        }
        ch_error own = {0};
        ch_status status = ch_ddl_find(c, parts, &t, &is_temp, &own);
        if (status != CH_OK && status != CH_E_TABLE_OR_VIEW_NOT_FOUND)
            return ch_error_pass(err, &own);
        ch_error_release(&own);
        if (is_temp)
            CH_FAIL(err, INVALID_TEMP_OBJ_REFERENCE, "obj", "VIEW", "objName", n->view, "tempObj",
                    "VIEW", "tempObjName", ch_ddl_quote_list(c, parts));
        if (t && strcmp(ch_ddl_table(c, t), n->view) == 0) {
            const char *path = ch_arena_printf(c->arena, NULL, "%s -> %s", n->view, n->view);
            CH_FAIL(err, RECURSIVE_VIEW, "viewIdent", n->view, "newPath", path ? path : "");
        }
        return CH_OK;
    }
    const ch_rel_with *with = n->with;
    if (copy->kind == CH_REL_WITH)
        n->with = (const ch_rel_with *)copy;
    CH_TRY(ch_rel_map_exprs(c->arena, &copy, check_expr, user, err));
    ch_status status = ch_rel_map_inputs(c->arena, &copy, check_rel, user, err);
    n->with = with;
    return status;
}

ch_status ch_ddl_check_temp_view(ch_frame *frame, const char *name, ch_rel *input, ch_error *err)
{
    ch_ddl c;
    CH_TRY(ch_ddl_open(frame, &c, err));
    names n = {.c = &c, .view = ch_ddl_quote(&c, name), .temp = name};
    return check_rel(&n, &input, err);
}

/* ---- columns ---------------------------------------------------------------------------------------- */

/* Expressions of a select list need names, which a program gives. */
static ch_status need_aliases(ch_ddl *c, const ch_rel *rel, const char *view, ch_error *err)
{
    while (rel->kind == CH_REL_SORT || rel->kind == CH_REL_LIMIT || rel->kind == CH_REL_OFFSET ||
           rel->kind == CH_REL_WITH)
        rel = rel->kind == CH_REL_SORT    ? ((const ch_rel_sort *)rel)->input
              : rel->kind == CH_REL_LIMIT ? ((const ch_rel_limit *)rel)->input
              : rel->kind == CH_REL_WITH  ? ((const ch_rel_with *)rel)->input
                                          : ((const ch_rel_offset *)rel)->input;
    const ch_expr_list *list =
        rel->kind == CH_REL_PROJECT     ? &((const ch_rel_project *)rel)->expressions
        : rel->kind == CH_REL_AGGREGATE ? &((const ch_rel_aggregate *)rel)->aggregates
                                        : NULL;
    for (int32_t i = 0; list && i < list->n; i++) {
        const ch_expr *e = list->item[i];
        if (e->kind == CH_EXPR_ALIAS || e->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE ||
            e->kind == CH_EXPR_UNRESOLVED_STAR || e->kind == CH_EXPR_LITERAL ||
            e->kind == CH_EXPR_UNRESOLVED_EXTRACT_VALUE)
            continue;
        const char *text = ch_expr_sql(c->arena, e, NULL);
        text = ch_arena_printf(c->arena, NULL, "\"%s\"", text ? text : "");
        CH_FAIL(err, VIEW_WITHOUT_ALIAS, "name", view, "attr", text ? text : "");
    }
    return CH_OK;
}

static ch_status columns(ch_ddl *c, const ch_rel_ddl *d, const ch_type *query, ch_meta_table *t,
                         ch_error *err)
{
    ch_field *field;
    ch_str_list data = {0};
    CH_ARENA_ARRAY(field, c->arena, query->n_fields + 1, err);
    for (int32_t i = 0; i < query->n_fields; i++) {
        const char *name = ch_arena_str(c->arena, query->field[i].name, err);
        CH_TRY(name ? ch_str_list_add(c->arena, &data, name, err) : CH_E_MEMORY);
    }
    if (d->columns.n && d->columns.n != query->n_fields) {
        const char *view = ch_ddl_table(c, t), *given = ch_ddl_quote_list(c, &d->columns);
        const char *there = ch_ddl_quote_list(c, &data);
        if (d->columns.n > query->n_fields)
            CH_FAIL(err, VIEW_NOT_ENOUGH_COLUMNS, "viewName", view, "viewColumns", given,
                    "dataColumns", there);
        CH_FAIL(err, VIEW_TOO_MANY_COLUMNS, "viewName", view, "viewColumns", given, "dataColumns",
                there);
    }
    for (int32_t i = 0; i < query->n_fields; i++) {
        field[i] = query->field[i];
        field[i].nullable = true;
        if (d->columns.n) {
            field[i].name = d->columns.item[i];
            field[i].metadata = d->schema ? d->schema->field[i].metadata : NULL;
        }
        for (int32_t k = 0; k < i; k++)
            if (strcasecmp(field[k].name, field[i].name) == 0)
                CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", ch_ddl_quote(c, field[i].name));
    }
    t->view_columns = data;
    t->schema = ch_type_struct(field, query->n_fields);
    return t->schema ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* ---- statements -------------------------------------------------------------------------------------- */

static ch_status define(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    names n = {.c = c, .view = ch_ddl_table(c, t)};
    ch_rel *input = d->input;
    ch_query *query;
    if (!d->columns.n)
        CH_TRY(need_aliases(c, input, n.view, err));
    CH_TRY(check_rel(&n, &input, err));
    CH_TRY(ch_query_open(c->frame, d->input, &query, err));
    ch_status status = columns(c, d, ch_query_schema(query), t, err);
    ch_query_close(query);
    t->is_view = true;
    t->view_text = d->text;
    t->view_database = c->database;
    return status;
}

/* ALTER VIEW of a temporary view. */
static ch_status alter_temporary(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_table_name name;
    ch_query *query;
    CH_TRY(ch_table_name_of(c->session, &d->name, NULL, c->arena, &name, err));
    CH_TRY(ch_query_open(c->frame, d->input, &query, err));
    ch_query_close(query);
    return ch_session_put_view(c->session, name.name, name.is_global, true, c->frame, d->input,
                               err);
}

static ch_status alter_view(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_table *t;
    bool is_temp;
    CH_TRY(ch_ddl_find(c, &d->name, &t, &is_temp, err));
    if (is_temp)
        return alter_temporary(c, d, err);
    if (!t->is_view)
        CH_FAIL(err, EXPECT_VIEW_NOT_TABLE, "tableName", ch_ddl_table(c, t), "operation",
                "ALTER VIEW ... AS");
    CH_TRY(define(c, d, t, err));
    return ch_ddl_put(c, t, err);
}

ch_status ch_ddl_view(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_table_name name;
    ch_meta_database db;
    ch_meta_table *old, t = {.created_us = ch_now_us(), .provider = "", .rows = -1};
    bool existed, found;
    if (d->action == CH_DDL_ALTER_VIEW)
        return alter_view(c, d, err);
    CH_TRY(ch_table_name_of(c->session, &d->name, NULL, c->arena, &name, err));
    t.database = name.database;
    t.name = name.name;
    if (!d->columns.n)
        CH_TRY(need_aliases(c, d->input, ch_ddl_table(c, &t), err));
    CH_TRY(ch_meta_database_get(&c->meta, name.database, &db, &found, err));
    CH_TRY(ch_ddl_new_name(c, &d->name, &name, &db, err));
    t.comment = d->comment ? d->comment : "";
    t.properties = d->properties;
    CH_TRY(ch_meta_table_get(&c->meta, name.database, name.name, &old, err));
    if (old && d->if_not_exists)
        return CH_OK;
    if (old && d->mode == CH_TABLE_REPLACE && !old->is_view)
        CH_FAIL(err, EXPECT_VIEW_NOT_TABLE, "tableName", ch_ddl_table(c, old), "operation",
                "CREATE OR REPLACE VIEW");
    CH_TRY(define(c, d, &t, err));
    existed = old != NULL;
    if (!old || d->mode == CH_TABLE_REPLACE)
        CH_TRY(ch_meta_table_put(&c->meta, &t, !old, &existed, err));
    if (existed && d->mode != CH_TABLE_REPLACE && !d->if_not_exists)
        CH_FAIL(err, TABLE_OR_VIEW_ALREADY_EXISTS, "relationName", ch_ddl_table(c, &t));
    return CH_OK;
}
