/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c - tables: temporary views first, then global_temp.name, then format.`path`. */
#include "session/catalog.h"

#include <ctype.h>
#include <strings.h>

#include "format/format.h"
#include "plan/node.h"
#include "session/command.h"
#include "session/python_session.h"
#include "session/session_store.h"
#include "session/variable.h"
#include "sql/sql.h"
#include "store/spool.h"
#include "table/dataset.h"
#include "type/datetime.h"

static ch_status keep_frame(ch_session_catalog *self, ch_frame *frame, ch_error *err)
{
    if (self->n_kept == self->cap_kept) {
        int32_t cap = self->cap_kept ? self->cap_kept * 2 : 8;
        ch_frame **kept = ch_arena_alloc(self->arena, sizeof *kept * (size_t)cap, err);
        if (!kept) {
            ch_frame_unref(frame);
            return CH_E_MEMORY;
        }
        if (self->n_kept)
            memcpy(kept, self->kept, sizeof *kept * (size_t)self->n_kept);
        self->kept = kept;
        self->cap_kept = cap;
    }
    self->kept[self->n_kept++] = frame;
    return CH_OK;
}

static ch_status view_table(ch_session_catalog *self, const char *name, bool is_global,
                            ch_arena *arena, ch_rel **out, ch_str_list *qualifier, ch_error *err)
{
    ch_frame *frame;
    const ch_rel *rel;
    ch_session_find_view(self->session, name, is_global, &frame, &rel);
    if (!frame)
        return CH_OK;
    CH_TRY(keep_frame(self, frame, err));
    ch_rel_view *view = ch_rel_new(arena, CH_REL_VIEW, err);
    if (!view)
        return CH_E_MEMORY;
    CH_TRY(ch_session_view_database(self->session, name, is_global, arena, &view->database, err));
    view->name = name;
    view->input = (ch_rel *)(uintptr_t)rel; /* the analyzer only reads it */
    *out = &view->head;
    if (is_global)
        CH_TRY(ch_str_list_add(arena, qualifier, CH_GLOBAL_DATABASE, err));
    return ch_str_list_add(arena, qualifier, name, err);
}

static ch_status stored_table(ch_session_catalog *self, const ch_str_list *parts,
                              const ch_option_list *options, ch_arena *arena, ch_rel **out,
                              ch_str_list *qualifier, ch_error *err)
{
    ch_metastore m;
    ch_table_name name;
    ch_meta_table *found;
    CH_TRY(ch_table_name_of(self->session, parts, self->catalog.database, arena, &name, err));
    if (!name.fits || name.is_global)
        return CH_OK;
    CH_TRY(ch_metastore_open(self->session, arena, self->mem, &m, err));
    CH_TRY(ch_meta_table_get(&m, name.database, name.name, &found, err));
    if (!found)
        return CH_OK;
    CH_TRY(ch_catalog_table_plan(self, &m, found, options, arena, out, err));
    CH_TRY(ch_str_list_add(arena, qualifier, CH_CATALOG_NAME, err));
    CH_TRY(ch_str_list_add(arena, qualifier, name.database, err));
    return ch_str_list_add(arena, qualifier, name.name, err);
}

static ch_status table(ch_catalog *base, const ch_str_list *parts, const ch_option_list *options,
                       ch_arena *arena, ch_rel **out, ch_str_list *qualifier, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    *out = NULL;
    *qualifier = (ch_str_list){0};
    if (parts->n == 1 && !base->stored_only) {
        CH_TRY(view_table(self, parts->item[0], false, arena, out, qualifier, err));
        if (*out)
            return CH_OK;
    }
    if (parts->n == 2 && strcasecmp(parts->item[0], CH_GLOBAL_DATABASE) == 0)
        return base->stored_only
                   ? CH_OK
                   : view_table(self, parts->item[1], true, arena, out, qualifier, err);
    CH_TRY(stored_table(self, parts, options, arena, out, qualifier, err));
    const ch_format *format = *out || parts->n != 2 ? NULL : ch_format_find(parts->item[0]);
    if (!format || format->is_source)
        return CH_OK;
    ch_rel_read_data_source *read = ch_rel_new(arena, CH_REL_READ_DATA_SOURCE, err);
    if (!read)
        return CH_E_MEMORY;
    read->format = parts->item[0];
    if (options)
        read->options = *options;
    CH_TRY(ch_str_list_add(arena, &read->paths, parts->item[1], err));
    *out = &read->head;
    for (int32_t i = 0; i < parts->n; i++)
        CH_TRY(ch_str_list_add(arena, qualifier, parts->item[i], err));
    return CH_OK;
}

ch_status ch_catalog_format(ch_session_catalog *self, const char *name, const ch_format **out,
                            ch_error *err)
{
    if (!name)
        CH_TRY(ch_session_get(self->session, "spark.sql.sources.default", self->arena, &name, err));
    *out = ch_format_find(name);
    if (*out)
        return CH_OK;
    CH_FAIL(err, UNKNOWN_FORMAT, "provider", name, "known", ch_formats_known(self->arena, false));
}

/* Options as the format sees them: names without case, paths taken out. */
static ch_status split_options(ch_session_catalog *self, const ch_rel_read_data_source *read,
                               ch_strmap **map, ch_str_list *paths, ch_error *err)
{
    CH_ARENA_NEW(*map, self->arena, err);
    ch_strmap_init(*map, self->arena, true);
    *paths = (ch_str_list){0};
    for (int32_t i = 0; i < read->paths.n; i++)
        CH_TRY(ch_str_list_add(self->arena, paths, read->paths.item[i], err));
    for (int32_t i = 0; i < read->options.n; i++) {
        if (strcasecmp(read->options.key[i], "path") == 0)
            CH_TRY(ch_str_list_add(self->arena, paths, read->options.value[i], err));
        else
            CH_TRY(ch_strmap_put(*map, read->options.key[i],
                                 (void *)(uintptr_t)read->options.value[i], err));
    }
    return CH_OK;
}

/* What the session says stands in for options that were not given. */
ch_status ch_catalog_options(ch_session_catalog *self, const ch_format *format, ch_strmap *options,
                             ch_error *err)
{
    for (const ch_option *o = format->options; o && o->name; o++) {
        const char *value;
        if (!o->setting || ch_strmap_get(options, o->name))
            continue;
        CH_TRY(ch_session_get(self->session, o->setting, self->arena, &value, err));
        if (value)
            CH_TRY(ch_strmap_put(options, o->name, (void *)(uintptr_t)value, err));
    }
    return CH_OK;
}

/* ------------------------------------------------------------------ files of a data source */

static bool option_on(const ch_strmap *options, const char *name)
{
    const char *value = ch_strmap_get(options, name);
    return value && strcasecmp(value, "true") == 0;
}

/* A setting of the session speaks where the option does not. */
static ch_status default_option(ch_session_catalog *self, ch_strmap *options, const char *option,
                                const char *setting, ch_error *err)
{
    if (ch_strmap_has(options, option) || !ch_session_get_bool(self->session, setting))
        return CH_OK;
    return ch_strmap_put(options, option, (void *)(uintptr_t) "true", err);
}

static ch_status modified_time(ch_session_catalog *self, const ch_strmap *options,
                               const char *option, int64_t *out, ch_error *err)
{
    const char *text = ch_strmap_get(options, option);
    const char *zone_name = ch_strmap_get(options, "timeZone");
    const ch_zone *zone;
    if (!text)
        return CH_OK;
    if (!zone_name)
        zone_name = self->func->time_zone;
    zone = ch_zone_find(zone_name, (int64_t)strlen(zone_name), err);
    if (!zone)
        return CH_E_INVALID_TIMEZONE;
    if (!ch_timestamp_parse(text, (int64_t)strlen(text), zone, 0, out))
        CH_FAIL(err, INVALID_MODIFIED_TIME, "strategy", option, "timeString", text);
    return CH_OK;
}

ch_status ch_catalog_filter(ch_session_catalog *self, ch_strmap *options, ch_list_filter *out,
                            ch_error *err)
{
    *out = CH_LIST_ALL;
    out->name_glob = ch_strmap_get(options, "pathGlobFilter");
    CH_TRY(modified_time(self, options, "modifiedAfter", &out->after_us, err));
    CH_TRY(modified_time(self, options, "modifiedBefore", &out->before_us, err));
    CH_TRY(default_option(self, options, "ignoreMissingFiles", "spark.sql.files.ignoreMissingFiles",
                          err));
    return default_option(self, options, "ignoreCorruptFiles", "spark.sql.files.ignoreCorruptFiles",
                          err);
}

/* The schema of the files themselves: the program's without the keys of folders, or what they show. */
static ch_status file_schema(ch_session_catalog *self, const ch_rel_scan *scan,
                             const ch_type *given, const ch_partitions *partitions,
                             bool timestamp_ntz, ch_arena *arena, const ch_type **out,
                             ch_error *err)
{
    if (given) {
        ch_field *field;
        int32_t n = 0;
        CH_ARENA_ARRAY(field, arena, given->n_fields + 1, err);
        for (int32_t i = 0; i < given->n_fields; i++) {
            bool is_key = false;
            for (int32_t k = 0; k < partitions->n_keys; k++)
                is_key |= self->func->case_sensitive
                              ? strcmp(partitions->key[k].name, given->field[i].name) == 0
                              : strcasecmp(partitions->key[k].name, given->field[i].name) == 0;
            if (!is_key)
                field[n++] = given->field[i];
        }
        *out = n == given->n_fields ? given : ch_type_struct(field, n);
        return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
    }
    ch_format_context ctx = {.timestamp_ntz = timestamp_ntz,
                             .time_zone = self->func->time_zone,
                             .ansi = self->func->ansi,
                             .case_sensitive = self->func->case_sensitive,
                             .corrupt_column = self->func->corrupt_column,
                             .n_slots = 1,
                             .batch_rows = ch_session_get_int(self->session, "chert.batch.rows"),
                             .ignore_missing_files = option_on(scan->options, "ignoreMissingFiles"),
                             .ignore_corrupt_files = option_on(scan->options, "ignoreCorruptFiles"),
                             .mem = self->mem};
    ch_scan_spec spec = {
        .file = scan->file, .n_files = scan->n_files, .options = scan->options, .limit = -1};
    ch_status status = scan->format->infer(&ctx, &spec, out, err);
    if (status != CH_E_UNABLE_TO_INFER_SCHEMA || !err)
        return status;
    /* The path that the program named; the files below it may be none. */
    const char *name = ch_error_param(err, "format");
    name = ch_arena_str(arena, name ? name : scan->format->name, NULL);
    ch_error_release(err);
    CH_FAIL(err, UNABLE_TO_INFER_SCHEMA, "format", name ? name : "", "path",
            scan->paths.n ? scan->paths.item[0] : "");
}

static ch_status each_once(const ch_type *schema, bool case_sensitive, ch_arena *arena,
                           ch_error *err)
{
    ch_strmap seen;
    ch_strmap_init(&seen, arena, !case_sensitive);
    for (int32_t i = 0; i < schema->n_fields; i++) {
        const char *name = schema->field[i].name;
        if (!ch_strmap_has(&seen, name)) {
            CH_TRY(ch_strmap_put(&seen, name, (void *)(uintptr_t)name, err));
            continue;
        }
        char *quoted = ch_arena_printf(arena, err, "`%s`", name);
        for (char *p = quoted; p && *p && !case_sensitive; p++)
            *p = (char)tolower((unsigned char)*p);
        CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", quoted ? quoted : "");
    }
    return CH_OK;
}

static ch_status hold_pipes(ch_session_catalog *self, const ch_str_list *paths, ch_arena *arena,
                            ch_error *err)
{
    const char *dir;
    CH_TRY(ch_session_spill_dir(self->session, arena, &dir, err));
    for (int32_t i = 0; i < paths->n; i++)
        CH_TRY(ch_spool_hold(self->session, paths->item[i], dir, ch_session_mem(self->session),
                             self->func->cancel, err));
    return CH_OK;
}

struct ch_catalog_store {
    struct ch_catalog_store *next;
    ch_store_context *context;
};

ch_status ch_catalog_store_of(ch_session_catalog *self, const char *const *path, int32_t n,
                              const ch_option_list *options, ch_store_context **out, ch_error *err)
{
    struct ch_catalog_store *kept;
    bool remote = false;
    *out = NULL;
    for (int32_t i = 0; i < n; i++)
        remote |= ch_path_is_remote(path[i]);
    if (!remote)
        return CH_OK;
    CH_ARENA_NEW(kept, self->arena, err);
    CH_TRY(ch_session_store(self->session, options, self->arena, self->mem, &self->func->cancel,
                            out, err));
    kept->context = *out;
    kept->next = self->store;
    self->store = kept;
    return CH_OK;
}

/* What is known of a source, which has no files. */
static ch_status source_context(ch_session_catalog *self, ch_arena *arena, ch_format_context *out,
                                ch_error *err)
{
    const char *timestamps;
    CH_TRY(ch_session_get(self->session, "spark.sql.timestampType", arena, &timestamps, err));
    *out = (ch_format_context){.timestamp_ntz = strcasecmp(timestamps, "TIMESTAMP_NTZ") == 0,
                               .time_zone = self->func->time_zone,
                               .ansi = self->func->ansi,
                               .case_sensitive = self->func->case_sensitive,
                               .n_slots = 1,
                               .batch_rows = CH_BATCH_ROWS,
                               .mem = self->mem,
                               .cancel = self->func->cancel};
    return CH_OK;
}

static ch_status schema_differs(ch_mem *mem, const ch_type *given, const ch_type *actual,
                                ch_error *err)
{
    ch_buf a, b;
    ch_buf_init(&a, mem);
    ch_buf_init(&b, mem);
    ch_status status = ch_type_print_sql(given, &a, err);
    if (status == CH_OK)
        status = ch_type_print_sql(actual, &b, err);
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_JDBC_SCHEMA, "schema", a.data, "actualSchema", b.data,
                              (const char *)0);
    ch_buf_release(&a);
    ch_buf_release(&b);
    return status;
}

ch_status ch_catalog_source(ch_session_catalog *self, ch_rel_scan *scan, const ch_type *given,
                            ch_arena *arena, ch_error *err)
{
    ch_format_context ctx;
    CH_TRY(source_context(self, arena, &ctx, err));
    ch_scan_spec spec = {
        .options = scan->options, .limit = -1, .part = scan->parts.item, .n_parts = scan->parts.n};
    CH_TRY(scan->format->infer(&ctx, &spec, &scan->schema, err));
    bool same = !given || given->n_fields == scan->schema->n_fields;
    for (int32_t i = 0; given && same && i < given->n_fields; i++)
        same = given->field[i].type == scan->schema->field[i].type &&
               strcmp(given->field[i].name, scan->schema->field[i].name) == 0;
    if (!same)
        return schema_differs(self->mem, given, scan->schema, err);
    spec.schema = scan->schema;
    return scan->format->describe(&ctx, &spec, arena, &scan->name, err);
}

static ch_status find_files(ch_session_catalog *self, ch_rel_scan *scan, const ch_type *given,
                            const ch_str_list *paths, const ch_option_list *given_options,
                            ch_arena *arena, ch_error *err)
{
    ch_listing listing;
    ch_list_filter filter;
    const char *timestamps;
    CH_TRY(ch_catalog_filter(self, scan->options, &filter, err));
    CH_TRY(ch_catalog_store_of(self, paths->item, paths->n, given_options, &filter.context, err));
    CH_TRY(hold_pipes(self, paths, arena, err));
    CH_TRY(ch_list(arena, ch_engine_pool(ch_session_engine(self->session)), &paths->item[0],
                   paths->n, &filter, &listing, err));
    CH_TRY(ch_session_get(self->session, "spark.sql.timestampType", arena, &timestamps, err));
    ch_partition_options options = {
        .base_path = ch_strmap_get(scan->options, "basePath"),
        .recursive = option_on(scan->options, "recursiveFileLookup"),
        .infer_types = ch_session_get_bool(
            self->session, "spark.sql.sources.partitionColumnTypeInference.enabled"),
        .timestamp_ntz = strcasecmp(timestamps, "TIMESTAMP_NTZ") == 0,
        .schema = given,
        .func = self->func,
        .context = filter.context};
    ch_partitions partitions;
    int32_t *partition_of;
    ch_dataset *dataset;
    const ch_type *schema;
    CH_TRY(
        ch_partitions_find(&options, arena, self->mem, &listing, &partitions, &partition_of, err));
    scan->file = listing.file;
    scan->n_files = listing.n_files;
    CH_TRY(file_schema(self, scan, given, &partitions, options.timestamp_ntz, arena, &schema, err));
    CH_TRY(each_once(schema, self->func->case_sensitive, arena, err));
    CH_TRY(ch_dataset_make(arena, schema, &partitions, partition_of, self->func->case_sensitive,
                           &dataset, &scan->schema, err));
    scan->dataset = dataset;
    return CH_OK;
}

/* The texts of a query in place of files. */
static ch_status read_texts(ch_session_catalog *self, const ch_rel_read_data_source *read,
                            ch_rel_scan *scan, ch_arena *arena, ch_error *err)
{
    ch_file *file;
    const ch_type *schema;
    ch_dataset *dataset;
    ch_partitions none = {0};
    CH_ARENA_NEW(file, arena, err);
    CH_TRY(ch_catalog_texts(self, read->input, scan->format->name, scan->options, file, err));
    scan->limit = -1;
    scan->file = file;
    scan->n_files = 1;
    scan->name = scan->format->name;
    CH_TRY(ch_str_list_add(arena, &scan->paths, file->path, err));
    CH_TRY(file_schema(self, scan, read->schema, &none, false, arena, &schema, err));
    CH_TRY(ch_dataset_make(arena, schema, &none, NULL, self->func->case_sensitive, &dataset,
                           &scan->schema, err));
    scan->dataset = dataset;
    return CH_OK;
}

static ch_status data_source(ch_catalog *base, const ch_rel_read_data_source *read, ch_arena *arena,
                             ch_rel_scan **out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    ch_rel_scan *scan = ch_rel_new(arena, CH_REL_SCAN, err);
    ch_str_list paths;
    *out = scan;
    if (!scan)
        return CH_E_MEMORY;
    CH_TRY(ch_catalog_format(self, read->format, &scan->format, err));
    CH_TRY(split_options(self, read, &scan->options, &paths, err));
    CH_TRY(ch_catalog_options(self, scan->format, scan->options, err));
    scan->limit = -1;
    scan->parts = read->predicates;
    if (scan->format->is_source)
        return ch_catalog_source(self, scan, read->schema, arena, err);
    if (read->input)
        return read_texts(self, read, scan, arena, err);
    if (paths.n == 0)
        CH_FAIL(err, UNABLE_TO_INFER_SCHEMA, "format", scan->format->name, "path", "");
    scan->limit = -1;
    scan->paths = paths;
    scan->name = ch_arena_printf(arena, err, "%s %s", scan->format->name, paths.item[0]);
    if (!scan->name)
        return CH_E_MEMORY;
    return find_files(self, scan, read->schema, &paths, &read->options, arena, err);
}

static ch_status parse_expression(ch_catalog *base, const char *text, ch_arena *arena,
                                  ch_expr **out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    ch_sql_context ctx;
    CH_TRY(ch_session_sql_context(self->session, arena, &ctx, err));
    return ch_sql_parse_expr(&ctx, text, out, err);
}

static ch_status variable(ch_catalog *base, const char *name, ch_arena *arena, ch_scalar *out,
                          bool *found, ch_error *err)
{
    return ch_variable_get(((ch_session_catalog *)base)->session, name, arena, out, found, err);
}

static ch_status python(ch_catalog *base, const struct ch_python_runtime **out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    return ch_python_runtime_make(self->session, self->func->time_zone, self->arena, out, err);
}

static ch_status names(ch_catalog *base, ch_arena *arena, ch_str_list *out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    const char *database = base->database;
    ch_str_list views;
    ch_metastore m;
    if (!database)
        CH_TRY(ch_session_database(self->session, arena, &database, err));
    CH_TRY(ch_metastore_open(self->session, arena, self->mem, &m, err));
    CH_TRY(ch_meta_tables(&m, database, out, err));
    CH_TRY(ch_session_views(self->session, false, arena, &views, err));
    for (int32_t i = 0; i < views.n; i++)
        CH_TRY(ch_str_list_add(arena, out, views.item[i], err));
    return CH_OK;
}

void ch_session_catalog_init(ch_session_catalog *catalog, ch_frame *frame, ch_arena *arena,
                             ch_mem *mem, const ch_func_context *func)
{
    *catalog = (ch_session_catalog){.catalog = {.table = table,
                                                .data_source = data_source,
                                                .parse_expression = parse_expression,
                                                .variable = variable,
                                                .function = ch_catalog_function,
                                                .python = python,
                                                .names = names},
                                    .session = frame->session,
                                    .frame = frame,
                                    .arena = arena,
                                    .mem = mem,
                                    .func = func};
}

void ch_session_catalog_release(ch_session_catalog *catalog)
{
    ch_spools_release(catalog);
    for (int32_t i = 0; i < catalog->n_kept; i++)
        ch_frame_unref(catalog->kept[i]);
    ch_catalog_functions_release(catalog);
    catalog->n_kept = 0;
    for (struct ch_catalog_store *s = catalog->store; s; s = s->next)
        ch_store_context_free(s->context);
    catalog->store = NULL;
}
