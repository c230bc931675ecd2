/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_describe.c - DESCRIBE of tables, columns, databases, functions; the text of SHOW CREATE TABLE. */
#include "session/ddl_describe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/redact.h"
#include "plan/node.h"
#include "session/command_function.h"
#include "type/type_tree.h"

/* The output of a table or view by name, or of a query. Borrowed from *query. */
ch_status ch_open_described(ch_frame *frame, const ch_str_list *name, ch_rel *input,
                            ch_query **query, ch_error *err)
{
    if (!input) {
        ch_rel_read_named_table *read = ch_rel_new(&frame->arena, CH_REL_READ_NAMED_TABLE, err);
        if (!read)
            return CH_E_MEMORY;
        read->parts = *name;
        read->head.start = frame->rel->start;
        read->head.stop = frame->rel->stop;
        input = &read->head;
    }
    return ch_query_open(frame, input, query, err);
}

static ch_status type_text(ch_ddl *c, const ch_type *type, bool sql, const char **out,
                           ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, c->mem);
    ch_status status = sql ? ch_type_print_sql(type, &text, err) : ch_type_print(type, &text, err);
    *out = status == CH_OK ? ch_arena_strn(c->arena, text.data, text.len, err) : NULL;
    ch_buf_release(&text);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}

static ch_status add3(ch_rows *out, const char *a, const char *b, const char *third, ch_error *err)
{
    return ch_rows_add(out, (const char *const[]){a, b, third}, err);
}

static ch_status add_field(ch_ddl *c, const ch_field *f, ch_rows *out, ch_error *err)
{
    const char *type, *comment;
    CH_TRY(type_text(c, f->type, false, &type, err));
    CH_TRY(ch_meta_field_get(&c->meta, f, "comment", &comment, err));
    return add3(out, f->name, type, comment, err);
}

static ch_status describe_columns(ch_ddl *c, const ch_attr_list *columns, ch_rows *out,
                                  ch_error *err)
{
    for (int32_t i = 0; i < columns->n; i++) {
        const ch_attr *a = columns->item[i];
        ch_field f = {a->name, a->type, a->nullable, a->metadata};
        CH_TRY(add_field(c, &f, out, err));
    }
    return CH_OK;
}

/* ---- facts about a table ---- */

typedef ch_status (*fact_fn)(void *user, const char *name, const char *value, ch_error *err);

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Keys in order of the alphabet. */
static ch_status sorted_keys(ch_ddl *c, const ch_option_list *list, const char ***out,
                             ch_error *err)
{
    CH_ARENA_ARRAY(*out, c->arena, list->n + 1, err);
    for (int32_t i = 0; i < list->n; i++)
        (*out)[i] = list->key[i];
    if (list->n > 1)
        qsort(*out, (size_t)list->n, sizeof **out, by_text);
    return CH_OK;
}

/* [a=1, b=2] */
static ch_status pairs_text(ch_ddl *c, const ch_option_list *list, const char **out, ch_error *err)
{
    const char **key, *text = "[";
    CH_TRY(sorted_keys(c, list, &key, err));
    for (int32_t i = 0; i < list->n && text; i++)
        text = ch_arena_printf(c->arena, err, "%s%s%s=%s", text, i ? ", " : "", key[i],
                               ch_redact_option(key[i], ch_option_list_get(list, key[i])));
    *out = text ? ch_arena_printf(c->arena, err, "%s]", text) : NULL;
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status names_text(ch_ddl *c, const ch_str_list *list, const char **out, ch_error *err)
{
    *out = ch_arena_printf(c->arena, err, "[%s]", ch_ddl_quote_list(c, list));
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status created_text(ch_ddl *c, int64_t us, const char **out, ch_error *err)
{
    time_t seconds = (time_t)(us / 1000000);
    struct tm tm;
    char text[64] = "";
    if (gmtime_r(&seconds, &tm))
        strftime(text, sizeof text, "%a %b %d %H:%M:%S UTC %Y", &tm);
    *out = ch_arena_str(c->arena, text, err);
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status view_facts(ch_ddl *c, const ch_meta_table *t, fact_fn fact, void *user,
                            ch_error *err)
{
    const char *place = ch_arena_printf(c->arena, err, CH_CATALOG_NAME ".%s", t->view_database);
    const char *columns;
    if (!place)
        return CH_E_MEMORY;
    CH_TRY(names_text(c, &t->view_columns, &columns, err));
    CH_TRY(fact(user, "View Text", t->view_text, err));
    CH_TRY(fact(user, "View Original Text", t->view_text, err));
    CH_TRY(fact(user, "View Schema Mode", "COMPENSATION", err));
    CH_TRY(fact(user, "View Catalog and Namespace", place, err));
    return fact(user, "View Query Output Columns", columns, err);
}

static ch_status bucket_facts(ch_ddl *c, const ch_meta_table *t, fact_fn fact, void *user,
                              ch_error *err)
{
    const char *text;
    CH_TRY(fact(user, "Num Buckets", CH_I64(t->n_buckets), err));
    CH_TRY(names_text(c, &t->bucket_columns, &text, err));
    CH_TRY(fact(user, "Bucket Columns", text, err));
    CH_TRY(names_text(c, &t->sort_columns, &text, err));
    return fact(user, "Sort Columns", text, err);
}

/* In the order of Spark's CatalogTable.toLinkedHashMap. */
static ch_status facts(ch_ddl *c, const ch_meta_table *t, fact_fn fact, void *user, ch_error *err)
{
    const char *text;
    CH_TRY(fact(user, "Catalog", CH_CATALOG_NAME, err));
    CH_TRY(fact(user, "Database", t->database, err));
    CH_TRY(fact(user, "Table", t->name, err));
    CH_TRY(created_text(c, t->created_us, &text, err));
    CH_TRY(fact(user, "Created Time", text, err));
    CH_TRY(fact(user, "Last Access", "UNKNOWN", err));
    CH_TRY(fact(user, "Created By", "Chert " CHERT_VERSION, err));
    CH_TRY(fact(user, "Type", t->is_view ? "VIEW" : t->is_external ? "EXTERNAL" : "MANAGED", err));
    if (!t->is_view)
        CH_TRY(fact(user, "Provider", t->provider, err));
    if (t->n_buckets)
        CH_TRY(bucket_facts(c, t, fact, user, err));
    if (*t->comment)
        CH_TRY(fact(user, "Comment", t->comment, err));
    if (t->is_view)
        CH_TRY(view_facts(c, t, fact, user, err));
    if (t->properties.n) {
        CH_TRY(pairs_text(c, &t->properties, &text, err));
        CH_TRY(fact(user, "Table Properties", text, err));
    }
    if (t->has_statistics) {
        text = t->rows < 0 ? ch_arena_printf(c->arena, err, "%lld bytes", (long long)t->bytes)
                           : ch_arena_printf(c->arena, err, "%lld bytes, %lld rows",
                                             (long long)t->bytes, (long long)t->rows);
        CH_TRY(text ? fact(user, "Statistics", text, err) : CH_E_MEMORY);
    }
    if (!t->is_view) {
        text = ch_arena_printf(c->arena, err, "%s%s", ch_ddl_scheme(t->location), t->location);
        CH_TRY(text ? fact(user, "Location", text, err) : CH_E_MEMORY);
    }
    if (t->options.n) {
        CH_TRY(pairs_text(c, &t->options, &text, err));
        CH_TRY(fact(user, "Storage Properties", text, err));
    }
    return t->partition_columns.n ? fact(user, "Partition Provider", "Catalog", err) : CH_OK;
}

static ch_status fact_row(void *user, const char *name, const char *value, ch_error *err)
{
    return add3(user, name, value, "", err);
}

static ch_status fact_line(void *user, const char *name, const char *value, ch_error *err)
{
    return ch_buf_printf(user, err, "%s: %s\n", name, value);
}

ch_status ch_describe_text(ch_ddl *c, const ch_meta_table *t, const char **out, ch_error *err)
{
    ch_buf text;
    const char *names;
    ch_buf_init(&text, c->mem);
    ch_status status = facts(c, t, fact_line, &text, err);
    if (status == CH_OK && t->partition_columns.n) {
        status = names_text(c, &t->partition_columns, &names, err);
        if (status == CH_OK)
            status = fact_line(&text, "Partition Columns", names, err);
    }
    if (status == CH_OK)
        status = ch_buf_adds(&text, "Schema: ", err);
    if (status == CH_OK)
        status = ch_type_print_tree(t->schema, 0, &text, err);
    if (status == CH_OK)
        status = ch_buf_adds(&text, "\n", err);
    *out = status == CH_OK ? ch_arena_strn(c->arena, text.data, text.len, err) : NULL;
    ch_buf_release(&text);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}

static ch_status describe_defaults(ch_ddl *c, const ch_meta_table *t, ch_rows *out, ch_error *err)
{
    bool any = false;
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        const char *value, *type;
        const ch_field *f = &t->schema->field[i];
        CH_TRY(ch_meta_field_get(&c->meta, f, "CURRENT_DEFAULT", &value, err));
        if (!value)
            continue;
        if (!any) {
            CH_TRY(add3(out, "", "", "", err));
            CH_TRY(add3(out, "# Column Default Values", "", "", err));
        }
        any = true;
        CH_TRY(type_text(c, f->type, false, &type, err));
        CH_TRY(add3(out, f->name, type, value, err));
    }
    return CH_OK;
}

static ch_status describe_table(ch_ddl *c, const ch_rel_describe *d, const ch_meta_table *t,
                                ch_rows *out, ch_error *err)
{
    int32_t n_keys = t->partition_columns.n, n = t->schema->n_fields;
    if (d->spec.n) {
        ch_meta_partitions known;
        const char *path;
        bool there = false;
        CH_TRY(ch_ddl_check_spec(c, t, &d->spec, err));
        CH_TRY(ch_ddl_partition_path(c, t, &d->spec, &path, err));
        CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
        for (int32_t i = 0; i < known.n; i++)
            there |= strcmp(known.item[i].path, path) == 0;
        if (!there)
            CH_FAIL(err, PARTITIONS_NOT_FOUND, "partitionList", path, "tableName",
                    ch_ddl_table(c, t));
    }
    for (int32_t i = 0; i < n; i++)
        CH_TRY(add_field(c, &t->schema->field[i], out, err));
    if (n_keys) {
        CH_TRY(add3(out, "# Partition Information", "", "", err));
        CH_TRY(add3(out, "# col_name", "data_type", "comment", err));
        for (int32_t i = n - n_keys; i < n; i++)
            CH_TRY(add_field(c, &t->schema->field[i], out, err));
    }
    if (d->extended) {
        CH_TRY(add3(out, "", "", "", err));
        CH_TRY(add3(out, "# Detailed Table Information", "", "", err));
        CH_TRY(facts(c, t, fact_row, out, err));
    }
    return describe_defaults(c, t, out, err);
}

/* DESCRIBE [EXTENDED] t column */
static ch_status describe_column(ch_ddl *c, const ch_rel_describe *d, const ch_meta_table *t,
                                 const ch_type *schema, ch_rows *out, ch_error *err)
{
    static const char *const STATISTIC[] = {
        "min", "max", "num_nulls", "distinct_count", "avg_col_len", "max_col_len", "histogram"};
    int32_t at = d->column.n == 1 ? ch_ddl_column(c, schema, d->column.item[0]) : -1;
    const char *type, *comment;
    if (at < 0)
        CH_FAIL(err, COLUMN_NOT_FOUND, "colName", ch_ddl_quote_list(c, &d->column),
                "caseSensitiveConfig", "\"spark.sql.caseSensitive\"");
    const ch_field *f = &schema->field[at];
    out->n_cols = 2;
    out->name[0] = "info_name";
    out->name[1] = "info_value";
    CH_TRY(type_text(c, f->type, false, &type, err));
    CH_TRY(ch_meta_field_get(&c->meta, f, "comment", &comment, err));
    const char *const lines[][2] = {
        {"col_name", f->name}, {"data_type", type}, {"comment", comment ? comment : "NULL"}};
    for (size_t i = 0; i < 3; i++)
        CH_TRY(ch_rows_add(out, lines[i], err));
    for (size_t i = 0; d->extended && i < sizeof STATISTIC / sizeof *STATISTIC; i++) {
        const char *key = ch_arena_printf(c->arena, err, "%s.%s", f->name, STATISTIC[i]);
        if (!key)
            return CH_E_MEMORY;
        const char *value = t ? ch_option_list_get(&t->column_statistics, key) : NULL;
        CH_TRY(ch_rows_add(out, (const char *const[]){STATISTIC[i], value ? value : "NULL"}, err));
    }
    CH_TRY(ch_meta_field_get(&c->meta, f, "CURRENT_DEFAULT", &comment, err));
    return comment && d->extended ? ch_rows_add(out, (const char *const[]){"default", comment}, err)
                                  : CH_OK;
}

static ch_status describe_database(ch_ddl *c, const ch_rel_describe *d, ch_rows *out, ch_error *err)
{
    ch_meta_database db;
    bool found;
    CH_TRY(ch_ddl_database(c, &d->name, &db, &found, err));
    if (!found)
        return ch_ddl_no_database(c, db.name, err);
    out->n_cols = 2;
    out->name[0] = "info_name";
    out->name[1] = "info_value";
    const char *place = ch_arena_printf(c->arena, err, "file:%s", db.location);
    const char *owner = getenv("USER");
    const char *const lines[][2] = {{"Catalog Name", CH_CATALOG_NAME},
                                    {"Namespace Name", db.name},
                                    {"Comment", db.comment},
                                    {"Location", place ? place : ""},
                                    {"Owner", owner ? owner : ""}};
    for (size_t i = 0; i < 5; i++)
        CH_TRY(ch_rows_add(out, lines[i], err));
    if (!d->extended)
        return CH_OK;
    const char **key, *text = "";
    CH_TRY(sorted_keys(c, &db.properties, &key, err));
    for (int32_t i = 0; i < db.properties.n && text; i++)
        text = ch_arena_printf(c->arena, err, "%s%s(%s,%s)", text, i ? ", " : "", key[i],
                               ch_option_list_get(&db.properties, key[i]));
    if (text && db.properties.n)
        text = ch_arena_printf(c->arena, err, "(%s)", text);
    return text ? ch_rows_add(out, (const char *const[]){"Properties", text}, err) : CH_E_MEMORY;
}

ch_status ch_describe_run(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_describe *d = (const ch_rel_describe *)frame->rel;
    ch_meta_table *t = NULL;
    ch_query *query;
    bool is_temp = true;
    ch_ddl c;
    if (d->is_function)
        return ch_describe_function(frame, out, err);
    CH_TRY(ch_ddl_open(frame, &c, err));
    if (d->is_database)
        return describe_database(&c, d, out, err);
    out->n_cols = 3;
    out->name[0] = "col_name";
    out->name[1] = "data_type";
    out->name[2] = "comment";
    out->nullable[2] = true;
    if (!d->input) {
        ch_error own = {0};
        ch_status status = ch_ddl_find(&c, &d->name, &t, &is_temp, &own);
        /* Names of files, csv.`x`, are for the analyzer. */
        if (status != CH_OK && status != CH_E_TABLE_OR_VIEW_NOT_FOUND)
            return ch_error_pass(err, &own);
        ch_error_release(&own);
    }
    if (t)
        return d->column.n ? describe_column(&c, d, t, t->schema, out, err)
                           : describe_table(&c, d, t, out, err);
    CH_TRY(ch_open_described(frame, &d->name, d->input, &query, err));
    ch_status status = d->column.n ? describe_column(&c, d, NULL, ch_query_schema(query), out, err)
                                   : describe_columns(&c, ch_query_output(query), out, err);
    ch_query_close(query);
    return status;
}

/* ---- SHOW CREATE TABLE ---- */

static ch_status quoted_text(ch_buf *out, const char *text, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '\'', err));
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            CH_TRY(ch_buf_addc(out, '\\', err));
        CH_TRY(ch_buf_addc(out, *text, err));
    }
    return ch_buf_addc(out, '\'', err);
}

/* WORD (\n  'a' = 'b',\n ...)\n */
static ch_status create_pairs(ch_ddl *c, ch_buf *out, const char *word, const ch_option_list *list,
                              ch_error *err)
{
    const char **key;
    if (!list->n)
        return CH_OK;
    CH_TRY(sorted_keys(c, list, &key, err));
    CH_TRY(ch_buf_printf(out, err, "%s (", word));
    for (int32_t i = 0; i < list->n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ",\n  " : "\n  ", err));
        CH_TRY(quoted_text(out, key[i], err));
        CH_TRY(ch_buf_adds(out, " = ", err));
        CH_TRY(quoted_text(out, ch_redact_option(key[i], ch_option_list_get(list, key[i])), err));
    }
    return ch_buf_adds(out, ")\n", err);
}

/* A name as SQL has it: quoted only where needed. */
static ch_status plain_name(ch_ddl *c, ch_buf *out, const char *name, ch_error *err)
{
    bool digits = name[strspn(name, "0123456789")] == 0;
    return ch_buf_adds(out, ch_meta_name_ok(name) && !digits ? name : ch_ddl_quote(c, name), err);
}

static ch_status create_names(ch_ddl *c, ch_buf *out, const char *word, const ch_str_list *list,
                              ch_error *err)
{
    if (!list->n)
        return CH_OK;
    CH_TRY(ch_buf_printf(out, err, "%s (", word));
    for (int32_t i = 0; i < list->n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
        CH_TRY(plain_name(c, out, list->item[i], err));
    }
    return ch_buf_adds(out, ")\n", err);
}

static ch_status create_column(ch_ddl *c, ch_buf *out, const ch_meta_table *t, const ch_field *f,
                               ch_error *err)
{
    const char *type, *comment, *value;
    CH_TRY(plain_name(c, out, f->name, err));
    CH_TRY(ch_meta_field_get(&c->meta, f, "comment", &comment, err));
    if (!t->is_view) {
        CH_TRY(type_text(c, f->type, true, &type, err));
        CH_TRY(ch_buf_printf(
            out, err, " %s%s", type,
            ch_type_is_string(f->type) && !f->type->collation ? " COLLATE UTF8_BINARY" : ""));
        CH_TRY(ch_meta_field_get(&c->meta, f, "CURRENT_DEFAULT", &value, err));
        if (value)
            CH_TRY(ch_buf_printf(out, err, " DEFAULT %s", value));
    }
    if (!comment)
        return CH_OK;
    CH_TRY(ch_buf_adds(out, " COMMENT ", err));
    return quoted_text(out, comment, err);
}

static ch_status create_text(ch_ddl *c, const ch_meta_table *t, ch_buf *out, ch_error *err)
{
    CH_TRY(t->is_view ? ch_buf_printf(out, err, "CREATE VIEW %s.%s (", t->database, t->name)
                      : ch_buf_printf(out, err, "CREATE TABLE " CH_CATALOG_NAME ".%s.%s (",
                                      t->database, t->name));
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        CH_TRY(ch_buf_adds(out, i ? ",\n  " : "\n  ", err));
        CH_TRY(create_column(c, out, t, &t->schema->field[i], err));
    }
    CH_TRY(ch_buf_adds(out, ")\n", err));
    if (!t->is_view) {
        const char *clusters = ch_option_list_get(&t->properties, "clusteringColumns");
        CH_TRY(ch_buf_printf(out, err, "USING %s\n", t->provider));
        CH_TRY(create_pairs(c, out, "OPTIONS", &t->options, err));
        CH_TRY(create_names(c, out, "PARTITIONED BY", &t->partition_columns, err));
        if (clusters) { /* [["a"],["b"]] */
            CH_TRY(ch_buf_adds(out, "PARTITIONED BY (cluster_by(", err));
            for (const char *p = clusters; *p; p++)
                if (!strchr("[]\"", *p))
                    CH_TRY(*p == ',' ? ch_buf_adds(out, ", ", err) : ch_buf_addc(out, *p, err));
            CH_TRY(ch_buf_adds(out, "))\n", err));
        }
        if (t->n_buckets) {
            CH_TRY(create_names(c, out, "CLUSTERED BY", &t->bucket_columns, err));
            CH_TRY(create_names(c, out, "SORTED BY", &t->sort_columns, err));
            CH_TRY(ch_buf_printf(out, err, "INTO %lld BUCKETS\n", (long long)t->n_buckets));
        }
    }
    if (*t->comment) {
        CH_TRY(ch_buf_adds(out, "COMMENT ", err));
        CH_TRY(quoted_text(out, t->comment, err));
        CH_TRY(ch_buf_addc(out, '\n', err));
    }
    if (!t->is_view && t->is_external)
        CH_TRY(
            ch_buf_printf(out, err, "LOCATION '%s%s'\n", ch_ddl_scheme(t->location), t->location));
    CH_TRY(create_pairs(c, out, "TBLPROPERTIES", &t->properties, err));
    return t->is_view ? ch_buf_printf(out, err, "WITH SCHEMA COMPENSATION\nAS %s\n", t->view_text)
                      : CH_OK;
}

ch_status ch_create_text(ch_ddl *c, const ch_meta_table *t, const char **out, ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, c->mem);
    ch_status status = create_text(c, t, &text, err);
    *out = status == CH_OK ? ch_arena_strn(c->arena, text.data, text.len, err) : NULL;
    ch_buf_release(&text);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}
