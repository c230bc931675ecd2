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

ch_status ch_ddl_check_temp_view(ch_frame *frame, const char *name, ch_rel *input, ch_error *err)
{
    ch_ddl c;
    CH_TRY(ch_ddl_open(frame, &c, err));
    ch_ddl_uses uses = {.c = &c, .kind = "VIEW", .name = ch_ddl_quote(&c, name), .temp = name};
    return ch_ddl_check_uses(&uses, input, NULL, err);
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
    ch_ddl_uses uses = {.c = c, .kind = "VIEW", .name = ch_ddl_table(c, t)};
    ch_query *query;
    if (!d->columns.n)
        CH_TRY(need_aliases(c, d->input, uses.name, err));
    CH_TRY(ch_ddl_check_uses(&uses, d->input, NULL, err));
    CH_TRY(ch_query_open(c->frame, d->input, &query, err));
    ch_status status = columns(c, d, ch_query_schema(query), t, err);
    if (status == CH_OK)
        status = ch_meta_schema_declared(&c->meta, t->schema, &t->schema, err);
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
