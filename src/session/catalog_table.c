/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_table.c - a stored table as a plan.
 *
 * A table's columns and partitions are those that the catalog tells, whatever lies in its folder: so an external table
 * over partitioned folders is empty until MSCK REPAIR TABLE has found them, as in Spark.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "plan/node.h"
#include "session/catalog.h"
#include "sql/sql.h"
#include "store/file.h"
#include "table/dataset.h"

/* ---- names -------------------------------------------------------------------------------------- */

static const char *folded(ch_arena *arena, const char *name, ch_error *err)
{
    char *copy = ch_arena_str(arena, name, err);
    for (char *c = copy; c && *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return copy;
}

ch_status ch_table_name_of(ch_session *session, const ch_str_list *parts, const char *database,
                           ch_arena *arena, ch_table_name *out, ch_error *err)
{
    *out = (ch_table_name){0};
    out->name = folded(arena, parts->item[parts->n - 1], err);
    if (parts->n > 1)
        out->database = folded(arena, parts->item[parts->n - 2], err);
    else if (database)
        out->database = database;
    else
        CH_TRY(ch_session_database(session, arena, &out->database, err));
    if (!out->name || !out->database)
        return CH_E_MEMORY;
    out->is_global = strcmp(out->database, CH_GLOBAL_DATABASE) == 0;
    out->fits = parts->n < 3 || (parts->n == 3 && strcasecmp(parts->item[0], CH_CATALOG_NAME) == 0);
    return CH_OK;
}

const char *ch_table_quoted(ch_arena *arena, const char *database, const char *name, ch_error *err)
{
    const char *text =
        ch_arena_printf(arena, err, "`" CH_CATALOG_NAME "`.`%s`.`%s`", database, name);
    return text ? text : "";
}

ch_status ch_metastore_open(ch_session *session, ch_arena *arena, ch_mem *mem, ch_metastore *out,
                            ch_error *err)
{
    const char *folder, *local;
    *out = (ch_metastore){.mem = mem, .arena = arena};
    CH_TRY(ch_session_get(session, "spark.sql.warehouse.dir", arena, &folder, err));
    local = ch_path_local(folder);
    if (!local)
        CH_FAIL(err, UNSUPPORTED, "feature", "A warehouse in another store than local files");
    size_t len = strlen(local);
    while (len > 1 && local[len - 1] == '/')
        len--;
    out->root = ch_arena_strn(arena, local, len, err);
    return out->root ? CH_OK : CH_E_MEMORY;
}

/* ---- a table's files ---------------------------------------------------------------------------- */

static ch_status split_schema(const ch_metastore *m, const ch_meta_table *t, ch_arena *arena,
                              const ch_type **files, ch_field **key, ch_error *err)
{
    ch_field *field;
    int32_t n = 0, n_all = t->schema->n_fields;
    CH_ARENA_ARRAY(field, arena, n_all + 1, err);
    CH_ARENA_ARRAY(*key, arena, t->partition_columns.n + 1, err);
    for (int32_t i = 0; i < n_all; i++) {
        bool is_key = false;
        for (int32_t k = 0; k < t->partition_columns.n; k++)
            if (strcasecmp(t->partition_columns.item[k], t->schema->field[i].name) == 0) {
                CH_TRY(ch_meta_field_stored(m, &t->schema->field[i], &(*key)[k], err));
                is_key = true;
            }
        if (!is_key)
            CH_TRY(ch_meta_field_stored(m, &t->schema->field[i], &field[n++], err));
    }
    *files = ch_type_struct(field, n);
    return *files ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* The table's options, and behind them those of this read. */
static ch_status all_options(const ch_meta_table *t, const ch_option_list *more, ch_arena *arena,
                             ch_option_list *out, ch_error *err)
{
    *out = (ch_option_list){0};
    for (int32_t i = 0; i < t->options.n; i++)
        CH_TRY(ch_option_list_put(arena, out, t->options.key[i], t->options.value[i], err));
    for (int32_t i = 0; more && i < more->n; i++)
        CH_TRY(ch_option_list_put(arena, out, more->key[i], more->value[i], err));
    return CH_OK;
}

/* Names of the roots that a listing of the paths has found, in their order; some paths may be none. */
static void keep_found(const ch_listing *listing, const char *const *path, const char **name,
                       int32_t n)
{
    int32_t i = 0;
    for (int32_t r = 0; r < listing->n_roots; r++) {
        while (i < n - 1 && strcmp(path[i], listing->root[r]) != 0)
            i++;
        name[r] = name[i++];
    }
}

static ch_status find_files(ch_session_catalog *self, const ch_metastore *m, const ch_meta_table *t,
                            const ch_option_list *given, ch_rel_scan *scan, ch_arena *arena,
                            ch_error *err)
{
    ch_list_filter filter;
    ch_listing listing;
    ch_meta_partitions known = {0};
    ch_partitions partitions;
    const ch_type *files;
    ch_field *key;
    const char **path, **name;
    ch_option_list options;
    ch_dataset *dataset;
    int32_t n = 1, n_keys = t->partition_columns.n;
    CH_TRY(ch_catalog_filter(self, scan->options, &filter, err));
    filter.skip_missing = true;
    if (n_keys) {
        CH_TRY(ch_meta_partitions_get(m, t, &known, err));
        n = known.n;
    }
    CH_ARENA_ARRAY(path, arena, n + 1, err);
    CH_ARENA_ARRAY(name, arena, n + 1, err);
    path[0] = t->location;
    for (int32_t i = 0; i < known.n; i++) {
        name[i] = known.item[i].path;
        path[i] = known.item[i].location
                      ? known.item[i].location
                      : ch_arena_printf(arena, err, "%s/%s", t->location, known.item[i].path);
        if (!path[i])
            return CH_E_MEMORY;
    }
    /* Folders that are not there are left out, so that a listing's roots are numbered otherwise. */
    int32_t n_there = 0;
    for (int32_t i = 0; i < n; i++)
        if (ch_path_is_remote(path[i]) || ch_file_exists(path[i])) {
            path[n_there] = path[i];
            name[n_there++] = name[i];
        }
    CH_TRY(all_options(t, given, arena, &options, err));
    CH_TRY(ch_catalog_store_of(self, path, n_there, &options, &filter.context, err));
    CH_TRY(ch_list(arena, ch_engine_pool(ch_session_engine(self->session)), path, n_there, &filter,
                   &listing, err));
    if (filter.context && n_keys) {
        keep_found(&listing, path, name, n_there);
        n_there = listing.n_roots;
    }
    CH_TRY(split_schema(m, t, arena, &files, &key, err));
    CH_TRY(ch_partitions_given(key, n_keys, name, n_keys ? n_there : 0, self->func, arena,
                               self->mem, &partitions, err));
    scan->file = listing.file;
    scan->n_files = listing.n_files;
    CH_TRY(ch_dataset_make(arena, files, &partitions, n_keys ? listing.root_of : NULL,
                           self->func->case_sensitive, &dataset, &scan->schema, err));
    scan->dataset = dataset;
    return CH_OK;
}

/* Spark pads CHAR(n) with blanks when it is read. */
static ch_status pad_chars(const ch_metastore *m, const ch_meta_table *t, ch_arena *arena,
                           ch_rel **rel, ch_error *err)
{
    bool any = false;
    for (int32_t i = 0; i < t->schema->n_fields; i++)
        any |= t->schema->field[i].type->id == CH_CHAR;
    if (!any)
        return CH_OK;
    ch_rel_project *p = ch_rel_new(arena, CH_REL_PROJECT, err);
    if (!p)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        const ch_field *f = &t->schema->field[i];
        ch_expr_unresolved_attribute *column =
            ch_expr_new(arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err);
        if (!column)
            return CH_E_MEMORY;
        column->plan_id = -1;
        CH_TRY(ch_str_list_add(arena, &column->parts, f->name, err));
        ch_expr *e = &column->head;
        if (f->type->id == CH_CHAR) {
            ch_expr_unresolved_function *pad = ch_expr_new(arena, CH_EXPR_UNRESOLVED_FUNCTION, err);
            ch_expr_literal *length = ch_expr_new(arena, CH_EXPR_LITERAL, err);
            ch_expr_alias *alias = ch_expr_new(arena, CH_EXPR_ALIAS, err);
            if (!pad || !length || !alias)
                return CH_E_MEMORY;
            length->value = (ch_scalar){.type = CH_T_INT, .v.i64 = f->type->length};
            length->head.type = CH_T_INT;
            pad->name = "rpad";
            CH_TRY(ch_expr_list_add(arena, &pad->args, e, err));
            CH_TRY(ch_expr_list_add(arena, &pad->args, &length->head, err));
            alias->child = &pad->head;
            ch_field stored;
            CH_TRY(ch_meta_field_stored(m, f, &stored, err));
            alias->metadata = stored.metadata;
            CH_TRY(ch_str_list_add(arena, &alias->names, f->name, err));
            e = &alias->head;
        }
        CH_TRY(ch_expr_list_add(arena, &p->expressions, e, err));
    }
    p->input = *rel;
    *rel = &p->head;
    return CH_OK;
}

static ch_status table_scan(ch_session_catalog *self, const ch_metastore *m, const ch_meta_table *t,
                            const ch_option_list *options, ch_arena *arena, ch_rel **out,
                            ch_error *err)
{
    ch_rel_scan *scan = ch_rel_new(arena, CH_REL_SCAN, err);
    if (!scan)
        return CH_E_MEMORY;
    CH_TRY(ch_catalog_format(self, t->provider, &scan->format, err));
    CH_ARENA_NEW(scan->options, arena, err);
    ch_strmap_init(scan->options, arena, true);
    for (int32_t i = 0; i < t->options.n; i++)
        CH_TRY(ch_strmap_put(scan->options, t->options.key[i],
                             (void *)(uintptr_t)t->options.value[i], err));
    for (int32_t i = 0; options && i < options->n; i++)
        CH_TRY(ch_strmap_put(scan->options, options->key[i], (void *)(uintptr_t)options->value[i],
                             err));
    CH_TRY(ch_catalog_options(self, scan->format, scan->options, err));
    scan->limit = -1;
    scan->name = ch_arena_printf(arena, err, "%s " CH_CATALOG_NAME ".%s.%s", scan->format->name,
                                 t->database, t->name);
    if (!scan->name)
        return CH_E_MEMORY;
    if (scan->format->is_source) {
        *out = &scan->head;
        return ch_catalog_source(self, scan, t->schema, arena, err);
    }
    CH_TRY(find_files(self, m, t, options, scan, arena, err));
    *out = &scan->head;
    return pad_chars(m, t, arena, out, err);
}

static ch_status view_plan(ch_session_catalog *self, const ch_metastore *m, const ch_meta_table *t,
                           ch_arena *arena, ch_rel **out, ch_error *err)
{
    ch_rel_view *view = ch_rel_new(arena, CH_REL_VIEW, err);
    if (!view)
        return CH_E_MEMORY;
    ch_sql_context ctx = {.arena = arena,
                          .ansi = self->func->ansi,
                          .time_zone = self->func->time_zone,
                          .double_quoted_identifiers = ch_session_get_bool(
                              self->session, "spark.sql.ansi.doubleQuotedIdentifiers")};
    CH_TRY(ch_sql_parse(&ctx, t->view_text, &view->input, err));
    view->name = ch_table_quoted(arena, t->database, t->name, err);
    view->database = t->view_database;
    view->stored = true;
    view->columns = t->view_columns;
    CH_TRY(ch_meta_schema_stored(m, t->schema, &view->schema, err));
    *out = &view->head;
    return CH_OK;
}

ch_status ch_catalog_table_plan(ch_session_catalog *self, const ch_metastore *m,
                                const ch_meta_table *table, const ch_option_list *options,
                                ch_arena *arena, ch_rel **out, ch_error *err)
{
    return table->is_view ? view_plan(self, m, table, arena, out, err)
                          : table_scan(self, m, table, options, arena, out, err);
}
