/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl_analyze.c - ANALYZE TABLE: bytes of the files, rows, and what DESCRIBE EXTENDED tells of a column. They are
 * found by a query, SELECT count(*), min(a) ... FROM t, and kept with the table until rows are inserted.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "store/context.h"
#include "store/list.h"

static ch_status count_bytes(ch_ddl *c, const ch_meta_table *t, int64_t *out, ch_error *err)
{
    ch_list_filter filter = CH_LIST_ALL;
    ch_listing all;
    filter.skip_missing = true;
    *out = 0;
    CH_TRY(ch_ddl_store(c, t, &filter.context, err));
    ch_status status = ch_list(c->arena, NULL, &t->location, 1, &filter, &all, err);
    ch_store_context_free(filter.context);
    CH_TRY(status);
    for (int32_t i = 0; i < all.n_files; i++)
        *out += all.file[i].bytes;
    return CH_OK;
}

/* The one row of the query, as texts in the arena; NULL for NULL. */
static ch_status ask(ch_ddl *c, const char *sql, ch_str_list *out, ch_error *err)
{
    ch_frame *frame;
    ch_query *query = NULL;
    *out = (ch_str_list){0};
    CH_TRY(ch_session_sql(c->session, sql, &frame, err));
    ch_status status = ch_query_open(frame, frame->rel, &query, err);
    if (status == CH_OK)
        status = ch_query_collect(query, err);
    ch_batch *row = status == CH_OK ? ch_query_batch(query, 0) : NULL;
    for (int32_t i = 0; row && i < row->n_cols && status == CH_OK; i++) {
        ch_column *column;
        const char *text = NULL;
        status = ch_batch_column(row, i, &column, err);
        if (status == CH_OK && !ch_column_is_null(column, 0)) {
            ch_str s = ch_column_str(column, 0);
            text = ch_arena_strn(c->arena, s.text, (size_t)s.len, err);
            status = text ? CH_OK : CH_E_MEMORY;
        }
        if (status == CH_OK)
            status = ch_str_list_add(c->arena, out, text, err);
    }
    ch_query_close(query);
    ch_frame_unref(frame);
    return status;
}

static bool has_range(const ch_type *type)
{
    return ch_type_is_numeric(type) || type->id == CH_BOOLEAN || type->id == CH_DATE ||
           type->id == CH_TIMESTAMP || type->id == CH_TIMESTAMP_NTZ;
}

/* DataType.defaultSize, which Spark takes for the length of values of fixed width. */
static int fixed_bytes(const ch_type *type)
{
    switch (type->id) {
    case CH_BOOLEAN:
    case CH_BYTE:
        return 1;
    case CH_SHORT:
        return 2;
    case CH_DECIMAL:
        return type->precision <= 18 ? 8 : 16;
    default:
        return ch_type_width(type);
    }
}

static ch_status column_statistics(ch_ddl *c, ch_meta_table *t, const ch_field *f, ch_error *err)
{
    static const char *const NAME[] = {"min",         "max",        "num_nulls", "distinct_count",
                                       "avg_col_len", "max_col_len"};
    ch_str_list name = {(const char **)(uintptr_t)&f->name, 1};
    const char *q = ch_names_quoted(c->arena, &name, err), *sql;
    const char *table = ch_table_quoted(c->arena, t->database, t->name, err), *length[2];
    ch_str_list row;
    bool text = ch_type_is_view(f->type);
    if (!q || !table)
        return CH_E_MEMORY;
    if (ch_type_is_nested(f->type))
        CH_FAIL(err, UNSUPPORTED, "feature", "ANALYZE of a column of a nested type");
    for (int i = 0; i < 2; i++) {
        length[i] =
            text ? ch_arena_printf(c->arena, err,
                                   "CAST(CAST(ceil(%s(octet_length(%s))) AS BIGINT) AS STRING)",
                                   i ? "max" : "avg", q)
                 : ch_arena_printf(c->arena, err, "'%d'", fixed_bytes(f->type));
        if (!length[i])
            return CH_E_MEMORY;
    }
    sql = has_range(f->type)
              ? ch_arena_printf(c->arena, err,
                                "SELECT CAST(min(%s) AS STRING), CAST(max(%s) AS STRING), "
                                "CAST(count(*) - count(%s) AS STRING), "
                                "CAST(count(DISTINCT %s) AS STRING), %s, %s FROM %s",
                                q, q, q, q, length[0], length[1], table)
              : ch_arena_printf(c->arena, err,
                                "SELECT CAST(NULL AS STRING), CAST(NULL AS STRING), "
                                "CAST(count(*) - count(%s) AS STRING), "
                                "CAST(count(DISTINCT %s) AS STRING), %s, %s FROM %s",
                                q, q, length[0], length[1], table);
    if (!sql)
        return CH_E_MEMORY;
    CH_TRY(ask(c, sql, &row, err));
    for (int32_t i = 0; i < row.n && i < 6; i++) {
        const char *key = ch_arena_printf(c->arena, err, "%s.%s", f->name, NAME[i]);
        CH_TRY(key ? ch_option_list_put(c->arena, &t->column_statistics, key, row.item[i], err)
                   : CH_E_MEMORY);
    }
    return CH_OK;
}

static ch_status one_table(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    ch_str_list row;
    for (int32_t i = 0; i < d->columns.n; i++)
        if (ch_ddl_column(c, t->schema, d->columns.item[i]) < 0)
            CH_FAIL(err, COLUMN_NOT_FOUND, "colName", ch_ddl_quote(c, d->columns.item[i]),
                    "caseSensitiveConfig", "\"spark.sql.caseSensitive\"");
    if (d->n_specs)
        CH_FAIL(err, UNSUPPORTED, "feature", "ANALYZE TABLE ... PARTITION");
    int64_t bytes;
    CH_TRY(count_bytes(c, t, &bytes, err));
    if (!d->no_scan) {
        const char *sql = ch_arena_printf(c->arena, err, "SELECT CAST(count(*) AS STRING) FROM %s",
                                          ch_ddl_table(c, t));
        CH_TRY(sql ? ask(c, sql, &row, err) : CH_E_MEMORY);
        t->rows = 0;
        for (const char *p = row.n && row.item[0] ? row.item[0] : ""; *p >= '0' && *p <= '9'; p++)
            t->rows = t->rows * 10 + (*p - '0');
    } else if (!t->has_statistics || t->bytes != bytes) {
        t->rows = -1;
    }
    t->bytes = bytes;
    t->has_statistics = true;
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        bool asked = d->all_columns;
        for (int32_t k = 0; k < d->columns.n; k++)
            asked |= ch_ddl_column(c, t->schema, d->columns.item[k]) == i;
        if (asked)
            CH_TRY(column_statistics(c, t, &t->schema->field[i], err));
    }
    return ch_ddl_put(c, t, err);
}

ch_status ch_ddl_analyze(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_table *t;
    if (!d->cascade) {
        CH_TRY(ch_ddl_find(c, &d->name, &t, NULL, err));
        if (t->is_view)
            CH_FAIL(err, ANALYZE_VIEW);
        return one_table(c, d, t, err);
    }
    ch_meta_database db = {.name = c->database};
    ch_str_list tables;
    bool found = true;
    if (d->name.n)
        CH_TRY(ch_ddl_database(c, &d->name, &db, &found, err));
    if (!found)
        return ch_ddl_no_database(c, db.name, err);
    CH_TRY(ch_meta_tables(&c->meta, db.name, &tables, err));
    for (int32_t i = 0; i < tables.n; i++) {
        CH_TRY(ch_meta_table_get(&c->meta, db.name, tables.item[i], &t, err));
        if (t && !t->is_view)
            CH_TRY(one_table(c, d, t, err));
    }
    return CH_OK;
}
