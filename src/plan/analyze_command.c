/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_command.c - statements: their queries are resolved, and their output is what Spark gives.
 *
 * The session runs them; EXPLAIN's and CREATE VIEW's inputs are resolved to find errors, and stay
 * unresolved in the node: the session plans them again when they are used.
 */
#include "plan/analyzer.h"
#include "plan/plan_command.h"

typedef struct column {
    const char *name;
    ch_type_id type;
    bool nullable;
} column;

static ch_status set_output(ch_analyzer *a, const column *list, int32_t n, ch_rel *rel,
                            ch_error *err)
{
    rel->output = (ch_attr_list){0};
    for (int32_t i = 0; i < n; i++) {
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, list[i].name, ch_type_of(list[i].type),
                                     list[i].nullable, err));
        CH_TRY(ch_attr_list_add(a->arena, &rel->output, attr, err));
    }
    return CH_OK;
}
#define OUTPUT(a, list, rel, err) \
    set_output((a), (list), (int32_t)(sizeof(list) / sizeof *(list)), (rel), (err))

static const column EXPLAIN[] = {{"plan", CH_STRING, false}};
static const column DESCRIBE[] = {
    {"col_name", CH_STRING, false}, {"data_type", CH_STRING, false}, {"comment", CH_STRING, true}};
static const column DESCRIBE_FUNCTION[] = {{"function_desc", CH_STRING, false}};
static const column SET[] = {{"key", CH_STRING, false}, {"value", CH_STRING, false}};
static const column SHOW_TABLES[] = {{"namespace", CH_STRING, false},
                                     {"tableName", CH_STRING, false},
                                     {"isTemporary", CH_BOOLEAN, false}};
static const column SHOW_VIEWS[] = {{"namespace", CH_STRING, false},
                                    {"viewName", CH_STRING, false},
                                    {"isTemporary", CH_BOOLEAN, false}};
static const column SHOW_COLUMNS[] = {{"col_name", CH_STRING, false}};
static const column SHOW_FUNCTIONS[] = {{"function", CH_STRING, false}};
static const column SHOW_DATABASES[] = {{"namespace", CH_STRING, false}};
static const column SHOW_CATALOGS[] = {{"catalog", CH_STRING, false}};
static const column SHOW_PROPERTIES[] = {{"key", CH_STRING, false}, {"value", CH_STRING, false}};
static const column SHOW_PARTITIONS[] = {{"partition", CH_STRING, false}};
static const column SHOW_EXTENDED[] = {{"namespace", CH_STRING, false},
                                       {"tableName", CH_STRING, false},
                                       {"isTemporary", CH_BOOLEAN, false},
                                       {"information", CH_STRING, false}};
static const column SHOW_CREATE[] = {{"createtab_stmt", CH_STRING, false}};
static const column SHOW_NAMESPACE[] = {{"catalog", CH_STRING, false},
                                        {"namespace", CH_STRING, false}};

static ch_status show(ch_analyzer *a, ch_rel_show *s, ch_error *err)
{
    switch (s->what) {
    case CH_SHOW_TABLES:
        return OUTPUT(a, SHOW_TABLES, &s->head, err);
    case CH_SHOW_VIEWS:
        return OUTPUT(a, SHOW_VIEWS, &s->head, err);
    case CH_SHOW_COLUMNS:
        return OUTPUT(a, SHOW_COLUMNS, &s->head, err);
    case CH_SHOW_FUNCTIONS:
        return OUTPUT(a, SHOW_FUNCTIONS, &s->head, err);
    case CH_SHOW_DATABASES:
        return OUTPUT(a, SHOW_DATABASES, &s->head, err);
    case CH_SHOW_CATALOGS:
        return OUTPUT(a, SHOW_CATALOGS, &s->head, err);
    case CH_SHOW_TBLPROPERTIES:
        return OUTPUT(a, SHOW_PROPERTIES, &s->head, err);
    case CH_SHOW_PARTITIONS:
        return OUTPUT(a, SHOW_PARTITIONS, &s->head, err);
    case CH_SHOW_TABLE_EXTENDED:
        return OUTPUT(a, SHOW_EXTENDED, &s->head, err);
    case CH_SHOW_CREATE_TABLE:
        return OUTPUT(a, SHOW_CREATE, &s->head, err);
    default:
        return OUTPUT(a, SHOW_NAMESPACE, &s->head, err);
    }
}

/* CREATE VIEW v (x, y) AS query: as many names as columns. */
static ch_status create_view(ch_analyzer *a, const ch_rel_create_view *v, ch_error *err)
{
    ch_rel *query;
    if (!v->input)
        return CH_OK;
    CH_TRY(ch_an_input(a, v->input, &query, err));
    if (v->columns.n && v->columns.n != query->output.n)
        CH_AN_FAIL(a, &v->head, err, ALIAS_COUNT, "numExpr", CH_I64(v->columns.n), "numTarget",
                   CH_I64(query->output.n));
    return CH_OK;
}

static ch_status write_operation(ch_analyzer *a, ch_rel_write_operation *w, ch_error *err)
{
    CH_TRY(ch_an_input(a, w->input, &w->input, err));
    ch_an_scope scope = ch_an_scope_of(a, w->input, NULL, "partitionBy");
    for (int32_t i = 0; i < w->partitioning_columns.n; i++) {
        const char *name = w->partitioning_columns.item[i];
        bool there = false;
        for (int32_t k = 0; k < w->input->output.n; k++)
            there |= ch_an_same_name(a, w->input->output.item[k]->name, name);
        if (there)
            continue;
        ch_str_list one = {&name, 1};
        char *quoted, *proposal;
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
        CH_TRY(ch_an_proposal(a, &scope, &one, &proposal, err));
        CH_AN_FAIL(a, &w->head, err, UNRESOLVED_COLUMN_SUGGEST, "objectName", quoted, "proposal",
                   proposal ? proposal : "");
    }
    return CH_OK;
}

ch_status ch_an_command(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    ch_rel *copy, *query;
    CH_AN_NEW(copy, ch_rel_clone(a->arena, rel, err));
    copy->output = (ch_attr_list){0};
    *out = copy;
    switch (rel->kind) {
    case CH_REL_WRITE_OPERATION:
        return write_operation(a, (ch_rel_write_operation *)copy, err);
    case CH_REL_CREATE_VIEW:
        return create_view(a, (const void *)rel, err);
    case CH_REL_EXPLAIN:
        CH_TRY(ch_an_rel(a, ((const ch_rel_explain *)rel)->input, &query, err));
        return OUTPUT(a, EXPLAIN, copy, err);
    case CH_REL_SHOW:
        return show(a, (ch_rel_show *)copy, err);
    case CH_REL_DESCRIBE: {
        ch_rel_describe *d = (ch_rel_describe *)copy;
        if (d->input)
            CH_TRY(ch_an_input(a, d->input, &d->input, err));
        return d->is_function ? OUTPUT(a, DESCRIBE_FUNCTION, copy, err)
                              : OUTPUT(a, DESCRIBE, copy, err);
    }
    case CH_REL_SET:
        return ((const ch_rel_set *)rel)->reset ? CH_OK : OUTPUT(a, SET, copy, err);
    default:
        return CH_OK;
    }
}
