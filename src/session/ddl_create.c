/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl_create.c - CREATE TABLE, LIKE, AS SELECT, and saveAsTable.
 *
 * Data first, name last: a table is in the catalog when all its rows are in place. A program killed between
 * leaves a folder that nobody knows, and the next CREATE says that its location is taken, as Spark does.
 */
#include <dirent.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "format/format.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "sql/sql.h"
#include "store/file.h"
#include "table/dataset.h"

/* ---- columns --------------------------------------------------------------------------------------- */

static ch_status no_duplicates(ch_ddl *c, const ch_type *schema, ch_error *err)
{
    for (int32_t i = 0; i < schema->n_fields; i++)
        if (ch_ddl_column(c, schema, schema->field[i].name) != i) {
            ch_buf lower;
            ch_buf_init(&lower, c->mem);
            ch_status status = ch_buf_adds(&lower, ch_ddl_quote(c, schema->field[i].name), err);
            for (size_t k = 0; status == CH_OK && k < lower.len; k++)
                if (lower.data[k] >= 'A' && lower.data[k] <= 'Z')
                    lower.data[k] |= 0x20;
            if (status == CH_OK)
                status = ch_error_set(err, CH_E_COLUMN_ALREADY_EXISTS, "columnName", lower.data,
                                      (const char *)0);
            ch_buf_release(&lower);
            return status;
        }
    return CH_OK;
}

static ch_status check_names(ch_ddl *c, const ch_meta_table *t, const ch_str_list *names,
                             const char *kind, ch_error *err)
{
    for (int32_t i = 0; i < names->n; i++) {
        int32_t at = ch_ddl_column(c, t->schema, names->item[i]);
        if (at < 0) {
            ch_str_list all = {0};
            for (int32_t k = 0; k < t->schema->n_fields; k++)
                CH_TRY(ch_str_list_add(c->arena, &all, t->schema->field[k].name, err));
            CH_FAIL(err, COLUMN_NOT_DEFINED_IN_TABLE, "colType", kind, "colName",
                    ch_ddl_quote(c, names->item[i]), "tableName", ch_ddl_table(c, t), "tableCols",
                    ch_ddl_quote_list(c, &all));
        }
        for (int32_t k = 0; k < i; k++)
            if (strcasecmp(names->item[k], names->item[i]) == 0)
                CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", ch_ddl_quote(c, names->item[i]));
        const ch_type *type = t->schema->field[at].type;
        if (strcmp(kind, "partition") == 0 && (ch_type_is_nested(type) || type->id == CH_BINARY))
            CH_FAIL(err, INVALID_PARTITION_COLUMN_DATA_TYPE, "type", ch_ddl_type(c, type));
        names->item[i] = t->schema->field[at].name;
    }
    return CH_OK;
}

/* Partition columns go to the end, in their own order. */
static ch_status arrange(ch_ddl *c, ch_meta_table *t, ch_error *err)
{
    ch_field *field;
    int32_t n = 0;
    CH_TRY(no_duplicates(c, t->schema, err));
    CH_TRY(check_names(c, t, &t->partition_columns, "partition", err));
    CH_TRY(check_names(c, t, &t->bucket_columns, "bucket", err));
    CH_TRY(check_names(c, t, &t->sort_columns, "sort", err));
    if (t->partition_columns.n && t->partition_columns.n == t->schema->n_fields)
        CH_FAIL(err, ALL_PARTITION_COLUMNS_NOT_ALLOWED);
    CH_ARENA_ARRAY(field, c->arena, t->schema->n_fields + 1, err);
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        bool is_key = false;
        for (int32_t k = 0; k < t->partition_columns.n; k++)
            is_key |= strcmp(t->partition_columns.item[k], t->schema->field[i].name) == 0;
        if (!is_key)
            field[n++] = t->schema->field[i];
    }
    for (int32_t k = 0; k < t->partition_columns.n; k++)
        field[n++] = t->schema->field[ch_ddl_column(c, t->schema, t->partition_columns.item[k])];
    t->schema = ch_type_struct(field, n);
    return t->schema ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* ---- defaults -------------------------------------------------------------------------------------- */

static ch_status check_default(ch_ddl *c, const ch_field *f, const char *text,
                               const char *statement, ch_error *err)
{
    ch_rel_project *p = ch_rel_new(c->arena, CH_REL_PROJECT, err);
    ch_rel *one = ch_rel_new(c->arena, CH_REL_ONE_ROW, err);
    ch_expr *e;
    const char *policy, *name = ch_ddl_quote(c, f->name);
    ch_sql_context ctx = {.arena = c->arena,
                          .ansi = ch_session_get_bool(c->session, "spark.sql.ansi.enabled"),
                          .time_zone = "UTC"};
    if (!p || !one)
        return CH_E_MEMORY;
    CH_TRY(ch_sql_parse_expr(&ctx, text, &e, err));
    if (e->kind == CH_EXPR_SUBQUERY)
        CH_FAIL(err, INVALID_DEFAULT_SUBQUERY, "statement", statement, "colName", name,
                "defaultValue", text);
    p->input = one;
    CH_TRY(ch_expr_list_add(c->arena, &p->expressions, e, err));
    ch_query *query;
    ch_error own = {0};
    ch_status status = ch_query_open(c->frame, &p->head, &query, &own);
    if (status == CH_E_MEMORY || status == CH_E_CANCELLED)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    if (status != CH_OK)
        CH_FAIL(err, INVALID_DEFAULT_NOT_CONSTANT, "statement", statement, "colName", name,
                "defaultValue", text);
    const ch_type *type = ch_query_schema(query)->field[0].type;
    ch_query_close(query);
    CH_TRY(ch_session_get(c->session, "spark.sql.storeAssignmentPolicy", c->arena, &policy, err));
    if (!ch_store_assigns(type, f->type, "ANSI") ||
        (type->id == CH_DOUBLE && f->type->id == CH_INT))
        CH_FAIL(err, INVALID_DEFAULT_TYPE, "statement", statement, "colName", name, "expectedType",
                ch_ddl_type(c, f->type), "defaultValue", text, "actualType", ch_ddl_type(c, type));
    return CH_OK;
}

ch_status ch_ddl_check_defaults(ch_ddl *c, const ch_type *schema, const char *statement,
                                ch_error *err)
{
    for (int32_t i = 0; i < schema->n_fields; i++) {
        const char *text;
        CH_TRY(ch_meta_field_get(&c->meta, &schema->field[i], "CURRENT_DEFAULT", &text, err));
        if (text)
            CH_TRY(check_default(c, &schema->field[i], text, statement, err));
    }
    return CH_OK;
}

/* ---- where ----------------------------------------------------------------------------------------- */

static bool is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = true;
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;)
        empty &= strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
    if (dir)
        closedir(dir);
    return empty;
}

static ch_status place(ch_ddl *c, const ch_meta_database *db, const char *location,
                       ch_meta_table *t, ch_error *err)
{
    t->is_external = location != NULL;
    t->location = location ? ch_ddl_absolute(c, location, err)
                           : ch_meta_table_path(&c->meta, db, t->name, err);
    if (!t->location)
        return err ? err->code : CH_E_MEMORY;
    if (!t->is_external && ch_file_exists(t->location) && !is_empty(t->location)) {
        const char *text = ch_arena_printf(c->arena, NULL, "'file:%s'", t->location);
        CH_FAIL(err, LOCATION_ALREADY_EXISTS, "location", text ? text : "", "identifier",
                ch_ddl_table(c, t));
    }
    return CH_OK;
}

/* Is it a table of a system outside, which has no files? */
static bool is_source(const ch_meta_table *t)
{
    const ch_format *format = ch_format_find(t->provider);
    return format && format->is_source;
}

/* The columns of the files, or the source, that are there. */
static ch_status infer(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    ch_rel_read_data_source *read = ch_rel_new(c->arena, CH_REL_READ_DATA_SOURCE, err);
    ch_query *query;
    if (!read)
        return CH_E_MEMORY;
    bool files = !is_source(t);
    if (files && !d->location)
        CH_FAIL(err, UNABLE_TO_INFER_SCHEMA, "format", t->provider, "path", "");
    read->format = t->provider;
    read->options = d->options;
    if (!files && !d->input)
        read->schema = d->schema; /* it is the right one or an error */
    if (files)
        CH_TRY(ch_str_list_add(c->arena, &read->paths, t->location, err));
    CH_TRY(ch_query_open(c->frame, &read->head, &query, err));
    t->schema = ch_query_schema(query);
    const ch_rel *rel = ch_query_analyzed(query);
    ch_status status = CH_OK;
    if (rel->kind == CH_REL_SCAN) {
        const ch_dataset *set = ((const ch_rel_scan *)rel)->dataset;
        for (int32_t k = 0; set && !t->partition_columns.n && k < set->partitions.n_keys; k++)
            status = status == CH_OK ? ch_str_list_add(c->arena, &t->partition_columns,
                                                       set->partitions.key[k].name, err)
                                     : status;
        for (int32_t k = 0; status == CH_OK && k < t->partition_columns.n; k++) {
            t->partition_columns.item[k] =
                ch_arena_str(c->arena, t->partition_columns.item[k], err);
            status = t->partition_columns.item[k] ? CH_OK : CH_E_MEMORY;
        }
    }
    ch_query_close(query);
    return status;
}

/* ---- CREATE TABLE ----------------------------------------------------------------------------------- */

static ch_status provider_of(ch_ddl *c, const ch_rel_ddl *d, const char **out, ch_error *err)
{
    *out = d->provider;
    if (!*out && !d->input &&
        ch_session_get_bool(c->session, "spark.sql.legacy.createHiveTableByDefault"))
        CH_FAIL(err, UNSUPPORTED, "feature",
                "A Hive table (spark.sql.legacy.createHiveTableByDefault)");
    if (!*out)
        CH_TRY(ch_session_get(c->session, "spark.sql.sources.default", c->arena, out, err));
    const ch_format *format = ch_format_find(*out);
    if (!format)
        CH_FAIL(err, UNKNOWN_FORMAT, "provider", *out, "known", ch_formats_known(c->arena, false));
    return CH_OK;
}

static ch_status already_there(ch_ddl *c, const ch_meta_table *t, ch_error *err)
{
    CH_FAIL(err, TABLE_OR_VIEW_ALREADY_EXISTS, "relationName", ch_ddl_table(c, t));
}

/* [["a"],["b"]], as Spark keeps CLUSTER BY */
static ch_status clustering(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    const char *text = "[";
    if (!d->cluster_columns.n)
        return CH_OK;
    CH_TRY(check_names(c, t, &d->cluster_columns, "clustering", err));
    for (int32_t i = 0; i < d->cluster_columns.n && text; i++)
        text = ch_arena_printf(c->arena, err, "%s%s[\"%s\"]", text, i ? "," : "",
                               d->cluster_columns.item[i]);
    text = text ? ch_arena_printf(c->arena, err, "%s]", text) : NULL;
    return text ? ch_option_list_put(c->arena, &t->properties, "clusteringColumns", text, err)
                : CH_E_MEMORY;
}

/* Keeps the types and comments of a query's columns, and nothing that belongs to the query. */
static ch_status columns_of(ch_ddl *c, const ch_type *schema, const ch_type **out, ch_error *err)
{
    ch_field *field;
    CH_ARENA_ARRAY(field, c->arena, schema->n_fields + 1, err);
    for (int32_t i = 0; i < schema->n_fields; i++) {
        field[i] = schema->field[i];
        field[i].nullable = true;
        if (field[i].type->id == CH_NULL) {
            const char *name = ch_ddl_quote(c, field[i].name);
            CH_FAIL(err, UNSUPPORTED_TYPE_FOR_FORMAT, "columnName", name, "columnType", "\"VOID\"",
                    "format", "Parquet");
        }
    }
    *out = ch_type_struct(field, schema->n_fields);
    return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* The partition columns of a query come last. */
static ch_status reorder(ch_ddl *c, const ch_meta_table *t, ch_rel *input, ch_rel **out,
                         ch_error *err)
{
    *out = input;
    if (!t->partition_columns.n)
        return CH_OK;
    ch_rel_project *p = ch_rel_new(c->arena, CH_REL_PROJECT, err);
    if (!p)
        return CH_E_MEMORY;
    p->input = input;
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        ch_expr_unresolved_attribute *a = ch_expr_new(c->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err);
        if (!a)
            return CH_E_MEMORY;
        a->plan_id = -1;
        CH_TRY(ch_str_list_add(c->arena, &a->parts, t->schema->field[i].name, err));
        CH_TRY(ch_expr_list_add(c->arena, &p->expressions, &a->head, err));
    }
    *out = &p->head;
    return CH_OK;
}

static ch_status fill(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, bool replaced,
                      ch_error *err)
{
    ch_rel *input;
    CH_TRY(reorder(c, t, d->input, &input, err));
    return ch_insert_first(c, t, input,
                           replaced || t->is_external ? CH_SAVE_OVERWRITE : CH_SAVE_APPEND, err);
}

/* Those that were written, before the table is known itself. */
static ch_status know_partitions(ch_ddl *c, const ch_meta_table *t, ch_error *err)
{
    ch_str_list folders;
    ch_meta_partitions list = {0};
    CH_TRY(ch_ddl_walk_partitions(c, t, &folders, err));
    for (int32_t i = 0; i < folders.n; i++)
        CH_TRY(ch_meta_partition_add(&c->meta, &list, folders.item[i], NULL, err));
    return ch_meta_partitions_put(&c->meta, t, &list, err);
}

static ch_status make(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, const ch_meta_table *old,
                      ch_error *err)
{
    bool existed = false;
    ch_query *query;
    if (d->input) {
        CH_TRY(ch_query_open(c->frame, d->input, &query, err));
        ch_status status = columns_of(c, ch_query_schema(query), &t->schema, err);
        if (status == CH_OK)
            status = ch_meta_schema_declared(&c->meta, t->schema, &t->schema, err);
        if (status == CH_OK && old)
            status = ch_ddl_check_overwrite(c, old, query, err);
        ch_query_close(query);
        CH_TRY(status);
    } else if (d->schema && !is_source(t)) {
        t->schema = d->schema;
    } else {
        CH_TRY(infer(c, d, t, err));
    }
    CH_TRY(arrange(c, t, err));
    CH_TRY(clustering(c, d, t, err));
    CH_TRY(ch_ddl_check_defaults(c, t->schema, "CREATE TABLE", err));
    if (d->input) {
        CH_TRY(fill(c, d, t, old != NULL, err));
        if (is_source(t)) /* what was made of the columns there */
            CH_TRY(infer(c, d, t, err));
    }
    if (!d->input || is_source(t))
        CH_TRY(ch_folder_make(t->location, err));
    ch_status status = d->input && t->partition_columns.n ? know_partitions(c, t, err) : CH_OK;
    if (status == CH_OK)
        status = ch_meta_table_put(&c->meta, t, old == NULL, &existed, err);
    if (status == CH_OK && existed)
        return d->if_not_exists ? CH_OK : already_there(c, t, err);
    if (status != CH_OK && !t->is_external && !old) /* no name leads to it */
        (void)!ch_file_remove(t->location, NULL);
    return status;
}

static const char *commas(ch_ddl *c, const ch_str_list *names)
{
    const char *text = "";
    for (int32_t i = 0; i < names->n && text; i++)
        text = ch_arena_printf(c->arena, NULL, "%s%s%s", text, i ? ", " : "", names->item[i]);
    return text ? text : "";
}

static const char *schema_text(ch_ddl *c, const ch_type *schema)
{
    ch_buf text;
    ch_buf_init(&text, c->mem);
    const char *out = ch_type_print(schema, &text, NULL) == CH_OK
                          ? ch_arena_strn(c->arena, text.data, text.len, NULL)
                          : NULL;
    ch_buf_release(&text);
    return out ? out : "";
}

static bool same_names(const ch_str_list *a, const ch_str_list *b)
{
    for (int32_t i = 0; i < a->n && a->n == b->n; i++)
        if (strcasecmp(a->item[i], b->item[i]) != 0)
            return false;
    return a->n == b->n;
}

/* What Spark's PreprocessTableCreation asks of an append. */
static ch_status check_append(ch_ddl *c, const ch_rel_ddl *d, const ch_meta_table *t, ch_error *err)
{
    const char *name =
        ch_arena_printf(c->arena, err, CH_CATALOG_NAME ".%s.%s", t->database, t->name);
    ch_query *query;
    if (!name)
        return CH_E_MEMORY;
    if (d->provider && strcasecmp(d->provider, t->provider) != 0)
        CH_FAIL(err, APPEND_OTHER_FORMAT, "tableName", name, "existingProvider", t->provider,
                "specifiedProvider", d->provider);
    CH_TRY(ch_query_open(c->frame, d->input, &query, err));
    const ch_type *given = ch_query_schema(query);
    ch_query_close(query);
    if (given->n_fields != t->schema->n_fields)
        CH_FAIL(err, APPEND_COLUMN_COUNT, "tableName", name, "existingTableSchema",
                schema_text(c, t->schema), "querySchema", schema_text(c, given));
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        ch_str_list names = {0};
        if (ch_ddl_column(c, given, t->schema->field[i].name) >= 0)
            continue;
        for (int32_t k = 0; k < given->n_fields; k++)
            CH_TRY(ch_str_list_add(c->arena, &names, given->field[k].name, err));
        CH_FAIL(err, APPEND_COLUMN_MISSING, "col", t->schema->field[i].name, "inputColumns",
                commas(c, &names));
    }
    if (d->partition_columns.n && !same_names(&d->partition_columns, &t->partition_columns))
        CH_FAIL(err, APPEND_PARTITIONING, "tableName", name, "specifiedPartCols",
                commas(c, &d->partition_columns), "existingPartCols",
                commas(c, &t->partition_columns));
    return CH_OK;
}

/* saveAsTable(mode="append") of a table that is there. */
static ch_status append(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    ch_rel_insert *in = ch_rel_new(c->arena, CH_REL_INSERT, err);
    if (!in)
        return CH_E_MEMORY;
    if (t->is_view)
        CH_FAIL(err, APPEND_TO_VIEW);
    CH_TRY(check_append(c, d, t, err));
    in->name = d->name;
    in->input = d->input;
    in->by_name = in->ordered = true;
    return ch_insert_into(c, t, in, err);
}

ch_status ch_ddl_create_table(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_table_name name;
    ch_meta_database db;
    ch_meta_table *old, t = {.created_us = ch_now_us(), .rows = -1};
    CH_TRY(ch_ddl_new_name(c, &d->name, &name, &db, err));
    t.database = name.database;
    t.name = name.name;
    if (d->mode == CH_TABLE_REPLACE)
        CH_FAIL(err, TABLE_OPERATION, "tableName", ch_ddl_table(c, &t), "operation",
                d->input ? "REPLACE TABLE AS SELECT" : "REPLACE TABLE");
    CH_TRY(provider_of(c, d, &t.provider, err));
    CH_TRY(ch_meta_table_get(&c->meta, name.database, name.name, &old, err));
    if (old && d->mode == CH_TABLE_APPEND)
        return append(c, d, old, err);
    if (old && d->mode == CH_TABLE_OVERWRITE && old->is_view) {
        CH_TRY(ch_ddl_drop_table(c, old, err));
        old = NULL;
    }
    if (old && d->mode != CH_TABLE_OVERWRITE)
        return d->if_not_exists ? CH_OK : already_there(c, &t, err);
    t.comment = d->comment ? d->comment : "";
    t.properties = d->properties;
    t.options = d->options;
    t.partition_columns = d->partition_columns;
    t.bucket_columns = d->bucket_columns;
    t.sort_columns = d->sort_columns;
    t.n_buckets = d->n_buckets;
    if (!old) {
        CH_TRY(place(c, &db, d->location, &t, err));
        return make(c, d, &t, NULL, err);
    }
    /* Replaced where it lies, unless it is to lie elsewhere. */
    t.is_external = d->location ? true : old->is_external;
    t.location = d->location ? ch_ddl_absolute(c, d->location, err) : old->location;
    return t.location ? make(c, d, &t, old, err) : err ? err->code : CH_E_MEMORY;
}

ch_status ch_ddl_create_like(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_table_name name;
    ch_meta_database db;
    ch_meta_table *old, *like, t;
    bool existed, is_temp;
    CH_TRY(ch_ddl_find(c, &d->target, &like, &is_temp, err));
    if (is_temp) {
        ch_rel_read_named_table *read = ch_rel_new(c->arena, CH_REL_READ_NAMED_TABLE, err);
        ch_query *query;
        CH_ARENA_NEW(like, c->arena, err);
        if (!read)
            return CH_E_MEMORY;
        read->parts = d->target;
        CH_TRY(ch_query_open(c->frame, &read->head, &query, err));
        like->schema = ch_query_schema(query);
        ch_query_close(query);
    }
    CH_TRY(ch_ddl_new_name(c, &d->name, &name, &db, err));
    t = *like;
    if (d->provider || is_temp || like->is_view)
        CH_TRY(provider_of(c, d, &t.provider, err));
    t.database = name.database;
    t.name = name.name;
    t.is_view = t.has_statistics = false;
    t.column_statistics = (ch_option_list){0};
    t.comment = "";
    t.created_us = ch_now_us();
    t.properties = d->properties;
    if (d->options.n)
        t.options = d->options;
    t.view_text = t.view_database = NULL;
    t.view_columns = (ch_str_list){0};
    CH_TRY(ch_meta_table_get(&c->meta, name.database, name.name, &old, err));
    const char *text = ch_arena_printf(c->arena, NULL, "`%s`.`%s`", t.database, t.name);
    if (old && d->if_not_exists)
        return CH_OK;
    if (old)
        CH_FAIL(err, TABLE_OR_VIEW_ALREADY_EXISTS, "relationName", text ? text : "");
    CH_TRY(place(c, &db, d->location, &t, err));
    CH_TRY(ch_folder_make(t.location, err));
    CH_TRY(ch_meta_table_put(&c->meta, &t, true, &existed, err));
    if (existed && !d->if_not_exists)
        CH_FAIL(err, TABLE_OR_VIEW_ALREADY_EXISTS, "relationName", text ? text : "");
    return CH_OK;
}
