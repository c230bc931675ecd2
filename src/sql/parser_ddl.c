/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_ddl.c - databases, tables and stored views: CREATE, USE, TRUNCATE, ANALYZE, REFRESH ...
 *
 * Words that are no keywords elsewhere (TBLPROPERTIES, CLUSTERED) are found by their text.
 */
#include "sql/parser_ddl.h"

#include <strings.h>

#include "sql/parser.h"

/* ---- words ------------------------------------------------------------------------------- */

bool ch_sql_is_word(const ch_sql_parser *p, int32_t ahead, const char *word)
{
    const ch_token *t = ch_sql_peek(p, ahead);
    size_t len = strlen(word);
    return t->kind == CH_TOK_WORD && (size_t)(t->stop - t->start) == len &&
           strncasecmp(p->text + t->start, word, len) == 0;
}

bool ch_sql_accept_word(ch_sql_parser *p, const char *word)
{
    bool is = ch_sql_is_word(p, 0, word);
    p->at += is;
    return is;
}

ch_status ch_sql_expect_word(ch_sql_parser *p, const char *word)
{
    return ch_sql_accept_word(p, word) ? CH_OK : ch_sql_unexpected(p);
}

ch_status ch_sql_text(ch_sql_parser *p, const char **out)
{
    int64_t len;
    return ch_sql_string(p, out, &len);
}

bool ch_sql_accept_if_not_exists(ch_sql_parser *p)
{
    bool is = ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_NOT) &&
              ch_sql_peek_kw(p, 2, CH_KW_EXISTS);
    p->at += is ? 3 : 0;
    return is;
}

bool ch_sql_is_namespace(const ch_sql_parser *p, int32_t ahead)
{
    return ch_sql_peek_kw(p, ahead, CH_KW_DATABASE) || ch_sql_peek_kw(p, ahead, CH_KW_SCHEMA) ||
           ch_sql_peek_kw(p, ahead, CH_KW_NAMESPACE);
}

ch_status ch_sql_ddl_end(ch_sql_parser *p, ch_rel_ddl *d, ch_rel **out)
{
    d->head.stop = p->tok[p->at - 1].stop;
    *out = &d->head;
    return CH_OK;
}

/* What is wrong with such a statement is wrong with the table that it names. */
static ch_status finish_at_name(ch_sql_parser *p, ch_rel_ddl *d, ch_rel **out)
{
    CH_TRY(ch_sql_ddl_end(p, d, out));
    if (d->name.n && p->name_stop) {
        d->head.start = p->name_start;
        d->head.stop = p->name_stop;
    }
    return CH_OK;
}

ch_status ch_sql_not_for_table(ch_sql_parser *p, ch_rel_ddl *d, const char *what)
{
    d->action = CH_DDL_NOT_FOR_TABLE;
    d->text = what;
    while (!ch_sql_is(p, CH_TOK_EOF) && !ch_sql_is(p, ';'))
        p->at++;
    return CH_OK;
}

static ch_status not_allowed(ch_sql_parser *p, int32_t start, const char *message)
{
    return ch_sql_at(
        p, start, p->tok[p->n - 1].stop,
        ch_error_set(p->err, CH_E_OPERATION_NOT_ALLOWED, "message", message, (const char *)0));
}

static ch_status twice(ch_sql_parser *p, const char *clause)
{
    return ch_sql_at(
        p, ch_sql_here(p), p->tok[p->at].stop,
        ch_error_set(p->err, CH_E_DUPLICATE_CLAUSES, "clauseName", clause, (const char *)0));
}

/* ---- partitions -------------------------------------------------------------------------- */

/* A constant as text, the way a folder's name has it. */
static ch_status constant_text(ch_sql_parser *p, const char **out)
{
    int32_t start = ch_sql_here(p);
    if (ch_sql_accept_kw(p, CH_KW_NULL)) {
        *out = CH_SPEC_NULL;
        return CH_OK;
    }
    if (ch_sql_is_string(p, 0))
        return ch_sql_text(p, out);
    /* DATE'2020-01-01', TIMESTAMP'...' */
    if (ch_sql_is_name(p, 0) && ch_sql_is_string(p, 1)) {
        p->at++;
        return ch_sql_text(p, out);
    }
    ch_expr *e;
    CH_TRY(ch_sql_value(p, &e));
    *out = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
    return *out ? CH_OK : CH_E_MEMORY;
}

ch_status ch_sql_partition_spec(ch_sql_parser *p, ch_option_list *out)
{
    int32_t n = 0;
    CH_TRY(ch_sql_expect_kw(p, CH_KW_PARTITION));
    CH_TRY(ch_sql_expect(p, '('));
    do {
        const char *key, *value = NULL;
        CH_TRY(ch_sql_name(p, &key));
        if (ch_sql_accept(p, '='))
            CH_TRY(constant_text(p, &value));
        CH_TRY(ch_option_list_add(p->arena, out, key, value, p->err));
        n++;
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, n);
}

static ch_status add_spec(ch_sql_parser *p, ch_rel_ddl *d, const ch_option_list *spec)
{
    if ((d->n_specs & (d->n_specs - 1)) == 0) { /* doubles at powers of two */
        ch_option_list *more;
        CH_ARENA_ARRAY(more, p->arena, d->n_specs ? d->n_specs * 2 : 1, p->err);
        if (d->n_specs)
            memcpy(more, d->specs, sizeof *more * (size_t)d->n_specs);
        d->specs = more;
    }
    d->specs[d->n_specs++] = *spec;
    return CH_OK;
}

ch_status ch_sql_partition(ch_sql_parser *p, ch_rel_ddl *d)
{
    ch_option_list spec = {0};
    CH_TRY(ch_sql_partition_spec(p, &spec));
    return add_spec(p, d, &spec);
}

/* ---- CREATE TABLE ------------------------------------------------------------------------ */

/* PARTITIONED BY (a, b) or (a INT, b STRING), which are columns behind the others. */
static ch_status partitioned_by(ch_sql_parser *p, ch_rel_ddl *d)
{
    CH_TRY(ch_sql_expect_kw(p, CH_KW_BY));
    if (!ch_sql_is(p, '('))
        return ch_sql_unexpected(p);
    if (ch_sql_is_name(p, 1) && ch_sql_is_name(p, 2)) {
        const ch_type *more;
        CH_TRY(ch_sql_table_columns(p, &more));
        int32_t n = d->schema ? d->schema->n_fields : 0;
        ch_field *field;
        CH_ARENA_ARRAY(field, p->arena, n + more->n_fields, p->err);
        for (int32_t i = 0; i < n; i++)
            field[i] = d->schema->field[i];
        for (int32_t i = 0; i < more->n_fields; i++) {
            field[n + i] = more->field[i];
            CH_TRY(ch_str_list_add(p->arena, &d->partition_columns, more->field[i].name, p->err));
        }
        d->schema = ch_type_struct(field, n + more->n_fields);
        return d->schema ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
    }
    int32_t n = 0;
    p->at++;
    do {
        const char *name;
        int32_t start = ch_sql_here(p);
        CH_TRY(ch_sql_checked_name(p, &name));
        if (ch_sql_is(p, '(')) {
            int32_t close = p->tok[p->at].match;
            if (close < 0)
                return ch_sql_unexpected(p);
            p->at = close + 1;
            const char *text = ch_sql_slice(p, start, p->tok[close].stop);
            return ch_sql_at(p, -1, -1,
                             ch_error_set(p->err, CH_E_UNSUPPORTED_PARTITION_TRANSFORM, "transform",
                                          ch_arena_printf(p->arena, NULL, "`%s`", text ? text : ""),
                                          (const char *)0));
        }
        CH_TRY(ch_str_list_add(p->arena, &d->partition_columns, name, p->err));
        n++;
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, n);
}

/* CLUSTERED BY (a) [SORTED BY (b)] INTO 4 BUCKETS */
static ch_status clustered_by(ch_sql_parser *p, ch_rel_ddl *d)
{
    CH_TRY(ch_sql_expect_kw(p, CH_KW_BY));
    CH_TRY(ch_sql_name_list(p, &d->bucket_columns));
    if (ch_sql_accept_word(p, "SORTED")) {
        int32_t n = 0;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_BY));
        CH_TRY(ch_sql_expect(p, '('));
        do {
            const char *name;
            CH_TRY(ch_sql_checked_name(p, &name));
            if (ch_sql_is_kw(p, CH_KW_DESC))
                return not_allowed(p, d->head.start, "Column ordering must be ASC, was 'DESC'");
            ch_sql_accept_kw(p, CH_KW_ASC);
            CH_TRY(ch_str_list_add(p->arena, &d->sort_columns, name, p->err));
            n++;
        } while (ch_sql_accept(p, ','));
        CH_TRY(ch_sql_close_list(p, n));
    }
    CH_TRY(ch_sql_expect_kw(p, CH_KW_INTO));
    const ch_token *t = &p->tok[p->at];
    if (t->kind != CH_TOK_INTEGER)
        return ch_sql_unexpected(p);
    for (int32_t i = t->start; i < t->stop && d->n_buckets < 100000000; i++)
        d->n_buckets = d->n_buckets * 10 + (p->text[i] - '0');
    p->at++;
    return ch_sql_expect_word(p, "BUCKETS");
}

/* The clauses behind the columns, in any order, each once. */
static ch_status table_clauses(ch_sql_parser *p, ch_rel_ddl *d)
{
    for (;;) {
        if (ch_sql_is_kw(p, CH_KW_OPTIONS)) {
            if (d->options.n)
                return twice(p, "OPTIONS");
            p->at++;
            CH_TRY(ch_sql_options(p, &d->options));
        } else if (ch_sql_is_word(p, 0, "PARTITIONED")) {
            if (d->partition_columns.n)
                return twice(p, "PARTITIONED BY");
            p->at++;
            CH_TRY(partitioned_by(p, d));
        } else if (ch_sql_is_word(p, 0, "CLUSTERED")) {
            if (d->n_buckets)
                return twice(p, "CLUSTERED BY");
            p->at++;
            CH_TRY(clustered_by(p, d));
        } else if (ch_sql_is_kw(p, CH_KW_CLUSTER) && ch_sql_peek_kw(p, 1, CH_KW_BY)) {
            if (d->cluster_columns.n)
                return twice(p, "CLUSTER BY");
            p->at += 2;
            CH_TRY(ch_sql_name_list(p, &d->cluster_columns));
        } else if (ch_sql_is_word(p, 0, "LOCATION")) {
            if (d->location)
                return twice(p, "LOCATION");
            p->at++;
            CH_TRY(ch_sql_text(p, &d->location));
        } else if (ch_sql_is_kw(p, CH_KW_COMMENT)) {
            if (d->comment)
                return twice(p, "COMMENT");
            p->at++;
            CH_TRY(ch_sql_text(p, &d->comment));
        } else if (ch_sql_is_word(p, 0, "TBLPROPERTIES")) {
            if (d->properties.n)
                return twice(p, "TBLPROPERTIES");
            p->at++;
            CH_TRY(ch_sql_options(p, &d->properties));
        } else if (ch_sql_is_kw(p, CH_KW_USING)) {
            ch_str_list format = {0};
            if (d->provider)
                return twice(p, "USING");
            p->at++;
            CH_TRY(ch_sql_names(p, &format));
            d->provider = format.item[format.n - 1];
        } else if (ch_sql_is_word(p, 0, "STORED") ||
                   (ch_sql_is_kw(p, CH_KW_ROW) && ch_sql_is_word(p, 1, "FORMAT"))) {
            return ch_sql_unsupported(p, d->head.start, "A Hive table (STORED AS, ROW FORMAT)");
        } else {
            break;
        }
    }
    /* OPTIONS (path 'x') is LOCATION 'x'. */
    ch_option_list options = {0};
    for (int32_t i = 0; i < d->options.n; i++) {
        if (strcasecmp(d->options.key[i], "path") == 0 && d->options.value[i]) {
            if (d->location)
                return ch_sql_at(p, d->head.start, p->tok[p->at - 1].stop,
                                 ch_error_set(p->err, CH_E_DUPLICATED_TABLE_PATHS, "pathOne",
                                              d->location, "pathTwo", d->options.value[i],
                                              (const char *)0));
            d->location = d->options.value[i];
        } else {
            CH_TRY(ch_option_list_add(p->arena, &options, d->options.key[i], d->options.value[i],
                                      p->err));
        }
    }
    d->options = options;
    return CH_OK;
}

static ch_status create_like(ch_sql_parser *p, ch_rel_ddl *d)
{
    p->at++;
    d->action = CH_DDL_CREATE_LIKE;
    CH_TRY(ch_sql_names(p, &d->target));
    return table_clauses(p, d);
}

/* Behind CREATE [OR REPLACE] TABLE or REPLACE TABLE. */
ch_status ch_sql_create_table(ch_sql_parser *p, int32_t start, bool replace, ch_rel **out)
{
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, start);
    d->action = CH_DDL_CREATE_TABLE;
    d->mode = replace ? CH_TABLE_REPLACE : CH_TABLE_CREATE;
    d->if_not_exists = ch_sql_accept_if_not_exists(p);
    CH_TRY(ch_sql_names(p, &d->name));
    if (ch_sql_is_kw(p, CH_KW_LIKE)) {
        CH_TRY(create_like(p, d));
        return ch_sql_ddl_end(p, d, out);
    }
    if (ch_sql_is(p, '(') && !ch_sql_starts_query(p, 1))
        CH_TRY(ch_sql_table_columns(p, &d->schema));
    bool columns = d->schema != NULL;
    CH_TRY(table_clauses(p, d));
    bool as = ch_sql_accept_kw(p, CH_KW_AS);
    if (as || ch_sql_starts_query(p, 0)) {
        CH_TRY(ch_sql_query(p, &d->input));
        if (columns || d->schema)
            return not_allowed(
                p, start,
                columns ? "Schema may not be specified in a Create Table As Select (CTAS) statement"
                        : "Partition column types may not be specified in Create Table As Select "
                          "(CTAS)");
    }
    return ch_sql_ddl_end(p, d, out);
}

/* ---- stored views ------------------------------------------------------------------------ */

/* (a COMMENT 'x', b): names, and comments as metadata of a schema of unknown types */
static ch_status view_columns(ch_sql_parser *p, ch_rel_ddl *d)
{
    ch_field *field;
    int32_t n = 0, cap = 0;
    for (int32_t i = 0; ch_sql_peek(p, i)->kind != CH_TOK_EOF; i++)
        cap += ch_sql_peek(p, i)->kind == ',';
    CH_ARENA_ARRAY(field, p->arena, cap + 1, p->err);
    p->at++;
    do {
        CH_TRY(ch_sql_name(p, &field[n].name));
        field[n].type = CH_T_NULL;
        CH_TRY(ch_sql_field_comment(p, &field[n].metadata));
        CH_TRY(ch_str_list_add(p->arena, &d->columns, field[n].name, p->err));
        n++;
    } while (n <= cap && ch_sql_accept(p, ','));
    CH_TRY(ch_sql_close_list(p, n));
    d->schema = ch_type_struct(field, n);
    return d->schema ? CH_OK : ch_error_memory(p->err, "types", 0, 0);
}

ch_status ch_sql_view_query(ch_sql_parser *p, ch_rel_ddl *d)
{
    if (!ch_sql_accept_kw(p, CH_KW_AS) && !ch_sql_starts_query(p, 0))
        return ch_sql_unexpected(p);
    int32_t start = ch_sql_here(p);
    CH_TRY(ch_sql_query(p, &d->input));
    d->text = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
    return d->text ? CH_OK : CH_E_MEMORY;
}

/* Behind CREATE [OR REPLACE] VIEW. */
ch_status ch_sql_create_view(ch_sql_parser *p, int32_t start, bool replace, ch_rel **out)
{
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, start);
    d->action = CH_DDL_CREATE_VIEW;
    d->mode = replace ? CH_TABLE_REPLACE : CH_TABLE_CREATE;
    d->is_view = true;
    d->if_not_exists = ch_sql_accept_if_not_exists(p);
    CH_TRY(ch_sql_names(p, &d->name));
    if (d->if_not_exists && replace)
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_CREATE_VIEW_EXISTS_REPLACE, "viewName",
                                      d->name.item[d->name.n - 1], (const char *)0));
    if (ch_sql_is(p, '('))
        CH_TRY(view_columns(p, d));
    for (;;) {
        if (ch_sql_is_kw(p, CH_KW_COMMENT)) {
            if (d->comment)
                return twice(p, "COMMENT");
            p->at++;
            CH_TRY(ch_sql_text(p, &d->comment));
        } else if (ch_sql_is_word(p, 0, "TBLPROPERTIES")) {
            if (d->properties.n)
                return twice(p, "TBLPROPERTIES");
            p->at++;
            CH_TRY(ch_sql_options(p, &d->properties));
        } else if (ch_sql_is_kw(p, CH_KW_WITH) && ch_sql_peek_kw(p, 1, CH_KW_SCHEMA)) {
            if (!ch_sql_is_word(p, 2, "COMPENSATION"))
                return ch_sql_unsupported(p, start, "WITH SCHEMA of a view, but for COMPENSATION");
            p->at += 3;
        } else {
            break;
        }
    }
    CH_TRY(ch_sql_view_query(p, d));
    return ch_sql_ddl_end(p, d, out);
}

/* ---- databases --------------------------------------------------------------------------- */

/* Behind CREATE DATABASE. */
static ch_status create_database(ch_sql_parser *p, ch_rel_ddl *d)
{
    d->action = CH_DDL_CREATE_DATABASE;
    d->if_not_exists = ch_sql_accept_if_not_exists(p);
    CH_TRY(ch_sql_names(p, &d->name));
    for (;;) {
        if (ch_sql_is_kw(p, CH_KW_COMMENT)) {
            if (d->comment)
                return twice(p, "COMMENT");
            p->at++;
            CH_TRY(ch_sql_text(p, &d->comment));
        } else if (ch_sql_is_word(p, 0, "LOCATION")) {
            if (d->location)
                return twice(p, "LOCATION");
            p->at++;
            CH_TRY(ch_sql_text(p, &d->location));
        } else if (ch_sql_is_kw(p, CH_KW_WITH) &&
                   (ch_sql_is_word(p, 1, "DBPROPERTIES") || ch_sql_is_word(p, 1, "PROPERTIES"))) {
            if (d->properties.n)
                return twice(p, "WITH PROPERTIES");
            p->at += 2;
            CH_TRY(ch_sql_options(p, &d->properties));
        } else {
            return CH_OK;
        }
    }
}

ch_status ch_sql_create_database(ch_sql_parser *p, int32_t start, ch_rel **out)
{
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, start);
    CH_TRY(create_database(p, d));
    return ch_sql_ddl_end(p, d, out);
}

/* Behind DROP DATABASE. */
ch_status ch_sql_drop_database(ch_sql_parser *p, int32_t start, ch_rel **out)
{
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, start);
    d->action = CH_DDL_DROP_DATABASE;
    d->if_exists = ch_sql_accept_if_exists(p);
    CH_TRY(ch_sql_names(p, &d->name));
    d->cascade = ch_sql_accept_word(p, "CASCADE");
    if (!d->cascade)
        ch_sql_accept_word(p, "RESTRICT");
    return ch_sql_ddl_end(p, d, out);
}

/* USE [DATABASE] name */
ch_status ch_sql_use(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, ch_sql_here(p));
    p->at++;
    d->action = CH_DDL_USE;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    p->at += ch_sql_is_namespace(p, 0) && ch_sql_is_name(p, 1);
    CH_TRY(ch_sql_names(p, &d->name));
    return ch_sql_ddl_end(p, d, out);
}

ch_status ch_sql_set_catalog(ch_sql_parser *p, ch_rel **out)
{
    const char *name;
    ch_rel_ddl *d;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, ch_sql_here(p));
    p->at += 2;
    d->action = CH_DDL_SET_CATALOG;
    if (ch_sql_is_string(p, 0))
        CH_TRY(ch_sql_text(p, &name));
    else
        CH_TRY(ch_sql_name(p, &name));
    CH_TRY(ch_str_list_add(p->arena, &d->name, name, p->err));
    return ch_sql_ddl_end(p, d, out);
}

/* ---- the rest ---------------------------------------------------------------------------- */

static ch_status analyze(ch_sql_parser *p, ch_rel_ddl *d)
{
    d->action = CH_DDL_ANALYZE;
    if (ch_sql_is_kw(p, CH_KW_TABLES)) {
        p->at++;
        d->cascade = true; /* all tables of a database */
        if (ch_sql_accept_kw(p, CH_KW_FROM) || ch_sql_accept_kw(p, CH_KW_IN))
            CH_TRY(ch_sql_names(p, &d->name));
    } else {
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TABLE));
        CH_TRY(ch_sql_names(p, &d->name));
        if (ch_sql_is_kw(p, CH_KW_PARTITION))
            CH_TRY(ch_sql_partition(p, d));
    }
    CH_TRY(ch_sql_expect_word(p, "COMPUTE"));
    CH_TRY(ch_sql_expect_word(p, "STATISTICS"));
    if (ch_sql_accept_word(p, "NOSCAN")) {
        d->no_scan = true;
    } else if (ch_sql_accept_kw(p, CH_KW_FOR)) {
        if (ch_sql_accept_kw(p, CH_KW_ALL)) {
            d->all_columns = true;
            return ch_sql_expect_kw(p, CH_KW_COLUMNS);
        }
        CH_TRY(ch_sql_expect_kw(p, CH_KW_COLUMNS));
        do {
            const char *name;
            CH_TRY(ch_sql_name(p, &name));
            CH_TRY(ch_str_list_add(p->arena, &d->columns, name, p->err));
        } while (ch_sql_accept(p, ','));
    }
    return CH_OK;
}

static ch_status comment_on(ch_sql_parser *p, ch_rel_ddl *d)
{
    d->action = CH_DDL_COMMENT;
    CH_TRY(ch_sql_expect_kw(p, CH_KW_ON));
    d->cascade = ch_sql_is_namespace(p, 0); /* a database */
    if (!d->cascade && !ch_sql_is_kw(p, CH_KW_TABLE))
        return ch_sql_unexpected(p);
    p->at++;
    CH_TRY(ch_sql_names(p, &d->name));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_IS));
    if (ch_sql_accept_kw(p, CH_KW_NULL)) {
        d->comment = "";
        return CH_OK;
    }
    return ch_sql_text(p, &d->comment);
}

static ch_status refresh(ch_sql_parser *p, ch_rel_ddl *d)
{
    d->action = CH_DDL_REFRESH;
    if (ch_sql_is_kw(p, CH_KW_TABLE) && ch_sql_is_name(p, 1)) {
        p->at++;
        return ch_sql_names(p, &d->name);
    }
    d->is_path = true; /* REFRESH 'path', or a path without quotes */
    if (ch_sql_is_string(p, 0))
        return ch_sql_text(p, &d->location);
    int32_t start = ch_sql_here(p);
    while (!ch_sql_is(p, CH_TOK_EOF) && !ch_sql_is(p, ';'))
        p->at++;
    d->location = ch_sql_slice(p, start, p->tok[p->at - 1].stop);
    return d->location ? CH_OK : CH_E_MEMORY;
}

ch_status ch_sql_table_statement(ch_sql_parser *p, bool *found, ch_rel **out)
{
    ch_rel_ddl *d;
    *found = true;
    CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DDL, ch_sql_here(p));
    if (ch_sql_is_word(p, 0, "MSCK")) {
        p->at++;
        d->action = CH_DDL_RECOVER_PARTITIONS;
        d->text = "MSCK REPAIR TABLE";
        CH_TRY(ch_sql_expect_kw(p, CH_KW_REPAIR));
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TABLE));
        CH_TRY(ch_sql_names(p, &d->name));
        if (ch_sql_accept_word(p, "ADD")) {
            CH_TRY(ch_sql_expect_word(p, "PARTITIONS"));
        } else if (ch_sql_accept_kw(p, CH_KW_DROP)) {
            d->all_columns = true; /* only takes away */
            CH_TRY(ch_sql_expect_word(p, "PARTITIONS"));
        } else if (ch_sql_accept_word(p, "SYNC")) {
            d->cascade = true; /* also takes away */
            CH_TRY(ch_sql_expect_word(p, "PARTITIONS"));
        }
    } else if (ch_sql_is_kw(p, CH_KW_REPAIR)) {
        p->at++;
        d->action = CH_DDL_RECOVER_PARTITIONS;
        d->text = "MSCK REPAIR TABLE";
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TABLE));
        CH_TRY(ch_sql_names(p, &d->name));
    } else if (ch_sql_is_kw(p, CH_KW_TRUNCATE)) {
        p->at++;
        d->action = CH_DDL_TRUNCATE;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_TABLE));
        CH_TRY(ch_sql_names(p, &d->name));
        if (ch_sql_is_kw(p, CH_KW_PARTITION))
            CH_TRY(ch_sql_partition(p, d));
    } else if (ch_sql_is_kw(p, CH_KW_ANALYZE)) {
        p->at++;
        CH_TRY(analyze(p, d));
    } else if (ch_sql_is_kw(p, CH_KW_COMMENT)) {
        p->at++;
        CH_TRY(comment_on(p, d));
    } else if (ch_sql_is_kw(p, CH_KW_REFRESH) && !ch_sql_peek_kw(p, 1, CH_KW_FUNCTION)) {
        p->at++;
        if (ch_sql_is(p, CH_TOK_EOF))
            return ch_sql_unexpected(p);
        CH_TRY(refresh(p, d));
    } else if (ch_sql_is_kw(p, CH_KW_DELETE) && ch_sql_peek_kw(p, 1, CH_KW_FROM)) {
        p->at += 2;
        CH_TRY(ch_sql_names(p, &d->name));
        CH_TRY(ch_sql_not_for_table(p, d, "DELETE"));
    } else if (ch_sql_is_kw(p, CH_KW_UPDATE) && ch_sql_is_name(p, 1)) {
        p->at++;
        CH_TRY(ch_sql_names(p, &d->name));
        CH_TRY(ch_sql_not_for_table(p, d, "UPDATE TABLE"));
    } else if (ch_sql_is_kw(p, CH_KW_REPLACE) && ch_sql_peek_kw(p, 1, CH_KW_TABLE)) {
        int32_t start = ch_sql_here(p);
        p->at += 2;
        return ch_sql_create_table(p, start, true, out);
    } else {
        *found = false;
        return CH_OK;
    }
    return finish_at_name(p, d, out);
}
