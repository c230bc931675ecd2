/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.c - tables: temporary views first, then global_temp.name, then format.`path`. */
#include "session/catalog.h"

#include <stdio.h>
#include <strings.h>

#include "format/format.h"
#include "plan/node.h"
#include "sql/sql.h"
#include "store/list.h"

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
    *out = (ch_rel *)(uintptr_t)rel; /* the analyzer only reads it */
    if (is_global)
        CH_TRY(ch_str_list_add(arena, qualifier, CH_GLOBAL_DATABASE, err));
    return ch_str_list_add(arena, qualifier, name, err);
}

static ch_status table(ch_catalog *base, const ch_str_list *parts, const ch_option_list *options,
                       ch_arena *arena, ch_rel **out, ch_str_list *qualifier, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    *out = NULL;
    *qualifier = (ch_str_list){0};
    if (parts->n == 1)
        return view_table(self, parts->item[0], false, arena, out, qualifier, err);
    if (parts->n != 2)
        return CH_OK;
    if (strcasecmp(parts->item[0], CH_GLOBAL_DATABASE) == 0)
        return view_table(self, parts->item[1], true, arena, out, qualifier, err);
    if (!ch_format_find(parts->item[0]))
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

static ch_status find_format(ch_session_catalog *self, const char *name, const ch_format **out,
                             ch_error *err)
{
    if (!name)
        CH_TRY(ch_session_get(self->session, "spark.sql.sources.default", self->arena, &name, err));
    *out = ch_format_find(name);
    if (*out)
        return CH_OK;
    char known[512];
    size_t n = 0;
    known[0] = 0;
    for (int i = 0; ch_format_at(i) && n < sizeof known - 64; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : "",
                              ch_format_at(i)->name);
    CH_FAIL(err, UNKNOWN_FORMAT, "provider", name, "known", known);
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

static ch_status data_source(ch_catalog *base, const ch_rel_read_data_source *read, ch_arena *arena,
                             ch_rel_scan **out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    ch_rel_scan *scan = ch_rel_new(arena, CH_REL_SCAN, err);
    ch_str_list paths;
    *out = scan;
    if (!scan)
        return CH_E_MEMORY;
    CH_TRY(find_format(self, read->format, &scan->format, err));
    CH_TRY(split_options(self, read, &scan->options, &paths, err));
    if (paths.n == 0)
        CH_FAIL(err, UNABLE_TO_INFER_SCHEMA, "format", scan->format->name, "path", "");
    CH_TRY(ch_list_files(arena, &paths.item[0], paths.n, scan->options, &scan->file, &scan->n_files,
                         err));
    scan->limit = -1;
    scan->name = ch_arena_printf(arena, err, "%s %s", scan->format->name, paths.item[0]);
    if (!scan->name)
        return CH_E_MEMORY;
    scan->schema = read->schema;
    if (scan->schema)
        return CH_OK;
    const char *corrupt;
    CH_TRY(
        ch_session_get(self->session, "spark.sql.columnNameOfCorruptRecord", arena, &corrupt, err));
    const char *timestamps;
    CH_TRY(ch_session_get(self->session, "spark.sql.timestampType", arena, &timestamps, err));
    ch_format_context ctx = {.timestamp_ntz = strcasecmp(timestamps, "TIMESTAMP_NTZ") == 0,
                             .time_zone = self->func->time_zone,
                             .ansi = self->func->ansi,
                             .case_sensitive = self->func->case_sensitive,
                             .corrupt_column = corrupt,
                             .n_slots = 1,
                             .batch_rows = ch_session_get_int(self->session, "chert.batch.rows"),
                             .mem = self->mem};
    ch_scan_spec spec = {
        .file = scan->file, .n_files = scan->n_files, .options = scan->options, .limit = -1};
    return scan->format->infer(&ctx, &spec, &scan->schema, err);
}

static ch_status parse_expression(ch_catalog *base, const char *text, ch_arena *arena,
                                  ch_expr **out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    ch_sql_context ctx = {.arena = arena,
                          .ansi = self->func->ansi,
                          .time_zone = self->func->time_zone,
                          .double_quoted_identifiers = ch_session_get_bool(
                              self->session, "spark.sql.ansi.doubleQuotedIdentifiers")};
    return ch_sql_parse_expr(&ctx, text, out, err);
}

static ch_status names(ch_catalog *base, ch_arena *arena, ch_str_list *out, ch_error *err)
{
    ch_session_catalog *self = (ch_session_catalog *)base;
    return ch_session_views(self->session, false, arena, out, err);
}

void ch_session_catalog_init(ch_session_catalog *catalog, ch_session *session, ch_arena *arena,
                             ch_mem *mem, const ch_func_context *func)
{
    *catalog = (ch_session_catalog){.catalog = {.table = table,
                                                .data_source = data_source,
                                                .parse_expression = parse_expression,
                                                .names = names},
                                    .session = session,
                                    .arena = arena,
                                    .mem = mem,
                                    .func = func};
}

void ch_session_catalog_release(ch_session_catalog *catalog)
{
    for (int32_t i = 0; i < catalog->n_kept; i++)
        ch_frame_unref(catalog->kept[i]);
    catalog->n_kept = 0;
}
