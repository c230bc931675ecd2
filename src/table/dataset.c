/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset.c - the columns of a table of files, and its scan: a format's scan of the files that are
 * needed, whose batches get the other columns as constants.
 *
 * A batch comes from one file, which the format's scan tells (ch_batch.file).
 */
#include "table/dataset.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "kernel/hash.h"
#include "store/spool.h"

/* ---- columns ------------------------------------------------------------------------------------ */

static bool same_name(const char *a, const char *b, bool case_sensitive)
{
    return case_sensitive ? strcmp(a, b) == 0 : strcasecmp(a, b) == 0;
}

ch_status ch_dataset_make(ch_arena *arena, const ch_type *file_schema,
                          const ch_partitions *partitions, const int32_t *partition_of,
                          bool case_sensitive, ch_dataset **out, const ch_type **schema,
                          ch_error *err)
{
    int32_t n_keys = partitions->n_keys, n = 0;
    ch_dataset *d;
    ch_field *field;
    int32_t *source;
    bool *placed;
    CH_ARENA_NEW(d, arena, err);
    CH_ARENA_ARRAY(field, arena, file_schema->n_fields + n_keys + 1, err);
    CH_ARENA_ARRAY(source, arena, file_schema->n_fields + n_keys + 1, err);
    CH_ARENA_ARRAY(placed, arena, n_keys + 1, err);
    for (int32_t i = 0; i < file_schema->n_fields; i++) {
        source[n] = i;
        field[n] = file_schema->field[i];
        for (int32_t k = 0; k < n_keys; k++)
            if (same_name(partitions->key[k].name, field[n].name, case_sensitive)) {
                source[n] = ~k;
                field[n] = partitions->key[k];
                placed[k] = true;
            }
        n++;
    }
    for (int32_t k = 0; k < n_keys; k++)
        if (!placed[k]) {
            source[n] = ~k;
            field[n++] = partitions->key[k];
        }
    *d = (ch_dataset){.file_schema = file_schema,
                      .partitions = *partitions,
                      .partition_of = partition_of,
                      .source = source,
                      .n_source = n};
    *out = d;
    *schema = ch_type_struct(field, n);
    if (!*schema)
        CH_FAIL(err, MEMORY, "account", "types", "bytes", "0", "limit", "0");
    return CH_OK;
}

/* Spark's FileFormat.BASE_METADATA_FIELDS */
static const ch_type *metadata_type(void)
{
    const ch_field field[] = {
        {"file_path", CH_T_STRING, false, NULL},
        {"file_name", CH_T_STRING, false, NULL},
        {"file_size", CH_T_LONG, false, NULL},
        {"file_block_start", CH_T_LONG, false, NULL},
        {"file_block_length", CH_T_LONG, false, NULL},
        {"file_modification_time", CH_T_TIMESTAMP, false, NULL},
    };
    return ch_type_struct(field, (int32_t)(sizeof field / sizeof *field));
}

const ch_type *ch_dataset_hidden_type(const char *name)
{
    if (strcmp(name, CH_METADATA_COLUMN) == 0)
        return metadata_type();
    if (strcmp(name, CH_INPUT_FILE_COLUMN) == 0)
        return CH_T_STRING;
    if (strcmp(name, CH_BLOCK_START_COLUMN) == 0 || strcmp(name, CH_BLOCK_LENGTH_COLUMN) == 0)
        return CH_T_LONG;
    return NULL;
}

bool ch_dataset_is_constant(const ch_dataset *d, int32_t column)
{
    return column >= d->n_source || d->source[column] < 0;
}

/* As java.net.URI writes a path: absolute, with what may not stand in one as %XX. */
static ch_status add_uri(ch_buf *out, const char *path, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF", KEPT[] = "/-_.!~*'()=:@&+$,;";
    char here[4096];
    if (strncmp(path, "http", 4) == 0 && ch_path_is_remote(path)) /* written so already */
        return ch_buf_adds(out, path, err);
    if (path[0] != '/' && !ch_path_is_remote(path) && getcwd(here, sizeof here)) {
        CH_TRY(add_uri(out, here, err));
        CH_TRY(ch_buf_addc(out, '/', err));
        path += strncmp(path, "./", 2) == 0 ? 2 : 0;
    }
    for (; *path; path++) {
        uint8_t c = (uint8_t)*path;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c >= 0x80 || strchr(KEPT, c) != NULL;
        char three[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        CH_TRY(plain ? ch_buf_addc(out, (char)c, err) : ch_buf_add(out, three, 3, err));
    }
    return CH_OK;
}

ch_status ch_file_uri(const char *path, const char *scheme, ch_arena *arena, ch_str *out,
                      ch_error *err)
{
    ch_buf text;
    *out = (ch_str){"", 0};
    if (strncmp(path, CH_SPOOL_PREFIX, strlen(CH_SPOOL_PREFIX)) == 0)
        return CH_OK;
    ch_buf_init(&text, arena->mem);
    ch_status status = ch_buf_adds(&text, scheme, err);
    if (status == CH_OK)
        status = add_uri(&text, path, err);
    char *copy = status == CH_OK ? ch_arena_strn(arena, text.data, text.len, err) : NULL;
    *out = (ch_str){copy, (int64_t)text.len};
    ch_buf_release(&text);
    return copy ? CH_OK : status != CH_OK ? status : CH_E_MEMORY;
}

static ch_status uri_of(const char *path, const char *scheme, ch_arena *arena, ch_scalar *out,
                        ch_error *err)
{
    ch_str uri;
    ch_status status = ch_file_uri(path, scheme, arena, &uri, err);
    *out = (ch_scalar){.type = CH_T_STRING, .v.str = {(char *)(uintptr_t)uri.text, uri.len}};
    return status;
}

static ch_scalar whole_number(const ch_type *type, int64_t value)
{
    return (ch_scalar){.type = type, .v.i64 = value};
}

static ch_status metadata(const ch_type *type, const ch_file *file, ch_arena *arena, ch_scalar *out,
                          ch_error *err)
{
    ch_scalar *item;
    bool remote = ch_path_is_remote(file->path);
    CH_ARENA_ARRAY(item, arena, type->n_fields, err);
    CH_TRY(uri_of(file->path, remote ? "" : "file:", arena, &item[0], err));
    CH_TRY(uri_of(file->path, "", arena, &item[1], err));
    /* The encoded name is what follows the last slash there, too. */
    for (int64_t i = item[1].v.str.len; i-- > 0;)
        if (item[1].v.str.text[i] == '/') {
            item[1].v.str.text += i + 1;
            item[1].v.str.len -= i + 1;
            break;
        }
    item[2] = whole_number(CH_T_LONG, file->bytes);
    item[3] = whole_number(CH_T_LONG, 0);
    item[4] = whole_number(CH_T_LONG, file->bytes);
    /* Java's File has milliseconds. */
    item[5] = whole_number(CH_T_TIMESTAMP, file->mtime_us / 1000 * 1000);
    *out = (ch_scalar){.type = type, .v.list = {item, type->n_fields}};
    return CH_OK;
}

ch_status ch_dataset_constant(const ch_dataset *d, const ch_type *schema, int32_t column,
                              int32_t number, const ch_file *file, ch_arena *arena, ch_scalar *out,
                              ch_error *err)
{
    if (column < d->n_source) {
        const ch_partitions *p = &d->partitions;
        *out = p->value[(int64_t)d->partition_of[number] * p->n_keys + ~d->source[column]];
        return CH_OK;
    }
    const char *name = schema->field[column].name;
    if (strcmp(name, CH_INPUT_FILE_COLUMN) == 0)
        return uri_of(file->path, ch_path_is_remote(file->path) ? "" : "file://", arena, out, err);
    if (strcmp(name, CH_METADATA_COLUMN) == 0)
        return metadata(schema->field[column].type, file, arena, out, err);
    *out = whole_number(CH_T_LONG, strcmp(name, CH_BLOCK_START_COLUMN) == 0 ? 0 : file->bytes);
    return CH_OK;
}

/* ---- statistics --------------------------------------------------------------------------------- */

static uint64_t hash_of(const ch_scalar *v)
{
    if (ch_type_is_view(v->type))
        return ch_hash_text(v->v.str.text, v->v.str.len);
    return ch_hash_u64(ch_type_is_wide_decimal(v->type) ? (uint64_t)v->v.i128 : (uint64_t)v->v.i64);
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Integers, dates and the like have an order that is easy to tell. */
static bool has_range(const ch_type *t)
{
    return ch_type_is_integral(t) || (t->id >= CH_DATE && t->id <= CH_TIMESTAMP_NTZ);
}

static ch_status key_statistics(const ch_dataset *d, int32_t k, ch_mem *mem,
                                ch_column_statistics *out, ch_error *err)
{
    const ch_partitions *p = &d->partitions;
    int32_t n = 0;
    size_t bytes = sizeof(uint64_t) * (size_t)(p->n + 1);
    uint64_t *hash = ch_mem_alloc(mem, bytes, err);
    if (!hash)
        return CH_E_MEMORY;
    *out = (ch_column_statistics){.n_null = -1, .n_distinct = 0, .bytes = 0};
    for (int32_t i = 0; i < p->n; i++) {
        const ch_scalar *v = &p->value[(int64_t)i * p->n_keys + k];
        if (v->is_null)
            continue;
        hash[n++] = hash_of(v);
        if (!has_range(v->type))
            continue;
        if (!out->has_range || v->v.i64 < out->min.v.i64)
            out->min = *v;
        if (!out->has_range || v->v.i64 > out->max.v.i64)
            out->max = *v;
        out->has_range = true;
    }
    qsort(hash, (size_t)n, sizeof *hash, by_value);
    for (int32_t i = 0; i < n; i++)
        out->n_distinct += i == 0 || hash[i] != hash[i - 1];
    ch_mem_free(mem, hash, bytes);
    return CH_OK;
}

ch_status ch_dataset_statistics(const ch_dataset *d, const ch_format *format,
                                const ch_format_context *ctx, const ch_scan_spec *spec,
                                ch_arena *arena, ch_table_statistics *out, ch_error *err)
{
    ch_scan_spec inner = *spec;
    ch_table_statistics files;
    int32_t *wanted, n = spec->schema->n_fields;
    CH_ARENA_ARRAY(wanted, arena, spec->n_wanted + 1, err);
    inner.schema = d->file_schema;
    inner.wanted = wanted;
    inner.n_wanted = 0;
    for (int32_t w = 0; w < spec->n_wanted; w++)
        if (!ch_dataset_is_constant(d, spec->wanted[w]))
            wanted[inner.n_wanted++] = d->source[spec->wanted[w]];
    CH_TRY(format->statistics(ctx, &inner, arena, &files, err));
    *out = (ch_table_statistics){.rows = files.rows, .is_exact = files.is_exact, .n_columns = n};
    CH_ARENA_ARRAY(out->column, arena, n + 1, err);
    for (int32_t c = 0; c < n; c++) {
        int32_t source = c < d->n_source ? d->source[c] : INT32_MAX;
        out->column[c] = (ch_column_statistics){.n_null = -1, .n_distinct = -1, .bytes = -1};
        if (source < 0)
            CH_TRY(key_statistics(d, ~source, ctx->mem, &out->column[c], err));
        else if (files.column && source < files.n_columns)
            out->column[c] = files.column[source];
    }
    return CH_OK;
}

/* ---- the scan ----------------------------------------------------------------------------------- */

/* The constants of the file that a slot reads. */
typedef struct dataset_slot {
    int32_t file; /* in the scan's list; -1: none yet */
    ch_column **constant;
    ch_arena arena;
} dataset_slot;

typedef struct dataset_scan {
    ch_scan base;
    ch_mem *mem;
    ch_arena arena;
    const ch_dataset *dataset;
    const ch_type *schema;
    const int32_t *wanted; /* columns of the table */
    int32_t n_wanted;
    int32_t *from;   /* per wanted: column of the format's batches; -1: a constant */
    ch_file *file;   /* those that are read */
    int32_t *number; /* and their places in the listing */
    int32_t n_files;
    ch_scan *inner; /* NULL: no file is read */
    int n_slots;
    dataset_slot *slot;
} dataset_scan;

static ch_status use_file(dataset_scan *s, dataset_slot *slot, int32_t file, ch_error *err)
{
    if (slot->file == file)
        return CH_OK;
    slot->file = -1;
    ch_arena_reset(&slot->arena);
    for (int32_t w = 0; w < s->n_wanted; w++) {
        ch_scalar value;
        if (s->from[w] >= 0)
            continue;
        ch_column_unref(slot->constant[w]);
        slot->constant[w] = NULL;
        CH_TRY(ch_dataset_constant(s->dataset, s->schema, s->wanted[w], s->number[file],
                                   &s->file[file], &slot->arena, &value, err));
        CH_TRY(value.is_null ? ch_column_nulls(s->mem, s->schema->field[s->wanted[w]].type, 1,
                                               &slot->constant[w], err)
                             : ch_column_const(s->mem, &value, 1, &slot->constant[w], err));
    }
    slot->file = file;
    return CH_OK;
}

static ch_status dataset_begin(ch_scan *scan, int slot, bool *more, ch_error *err)
{
    dataset_scan *s = (dataset_scan *)scan;
    *more = false;
    if (!s->inner)
        return CH_OK;
    if (atomic_load_explicit(&scan->stop, memory_order_relaxed))
        atomic_store_explicit(&s->inner->stop, true, memory_order_relaxed);
    return s->inner->cls->begin(s->inner, slot, more, err);
}

/* out = in's columns, and the constants. in is emptied. */
static ch_status widen(dataset_scan *s, dataset_slot *slot, ch_batch *in, ch_batch *out,
                       ch_error *err)
{
    CH_TRY(ch_batch_init(out, s->mem, s->n_wanted, in->n_full, err));
    for (int32_t w = 0; w < s->n_wanted; w++) {
        if (s->from[w] < 0)
            CH_TRY(ch_column_share(s->mem, slot->constant[w], in->n_full, &out->col[w], err));
        else
            out->col[w] = ch_column_ref(in->col[s->from[w]]);
    }
    out->n = in->n;
    out->sel = in->sel;
    out->sel_buf = in->sel_buf;
    out->seq = in->seq;
    out->file = in->file;
    in->sel = NULL;
    in->sel_buf = NULL;
    return CH_OK;
}

static ch_status dataset_next(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    dataset_scan *s = (dataset_scan *)scan;
    dataset_slot *slot = &s->slot[index];
    ch_batch batch;
    CH_TRY(s->inner->cls->next(s->inner, index, &batch, err));
    if (batch.n_full == 0) {
        *out = batch;
        return CH_OK;
    }
    int32_t file = batch.file < 0 && s->n_files == 1 ? 0 : batch.file;
    ch_status status = file < 0 ? ch_error_set(err, CH_E_INTERNAL, "message",
                                               "a scan does not tell its files", (const char *)0)
                                : use_file(s, slot, file, err);
    if (status == CH_OK) {
        status = widen(s, slot, &batch, out, err);
        if (status != CH_OK)
            ch_batch_release(out);
    }
    ch_batch_release(&batch);
    return status;
}

static void dataset_progress(const ch_scan *scan, ch_scan_progress *out)
{
    const dataset_scan *s = (const dataset_scan *)scan;
    *out = (ch_scan_progress){0};
    if (s->inner && s->inner->cls->progress)
        s->inner->cls->progress(s->inner, out);
}

static void dataset_close(ch_scan *scan)
{
    dataset_scan *s = (dataset_scan *)scan;
    if (s->inner)
        s->inner->cls->close(s->inner);
    for (int i = 0; s->slot && i < s->n_slots; i++) {
        for (int32_t w = 0; s->slot[i].constant && w < s->n_wanted; w++)
            ch_column_unref(s->slot[i].constant[w]);
        ch_arena_release(&s->slot[i].arena);
    }
    ch_arena_release(&s->arena);
    ch_mem_free(s->mem, s, sizeof *s);
}

/* Constants are the owner's to test, before any file is chosen. */
static ch_status dataset_narrow(ch_scan *scan, int32_t column, ch_runtime_filter *filter,
                                bool *taken, ch_error *err)
{
    dataset_scan *s = (dataset_scan *)scan;
    *taken = false;
    if (!s->inner || !s->inner->cls->narrow || s->from[column] < 0)
        return CH_OK;
    return s->inner->cls->narrow(s->inner, s->from[column], filter, taken, err);
}

static const ch_scan_class DATASET_SCAN = {.name = "dataset",
                                           .narrow = dataset_narrow,
                                           .begin = dataset_begin,
                                           .next = dataset_next,
                                           .progress = dataset_progress,
                                           .close = dataset_close};

static ch_status choose_files(dataset_scan *s, const ch_scan_spec *spec, const bool *keep,
                              ch_error *err)
{
    CH_ARENA_ARRAY(s->file, &s->arena, spec->n_files + 1, err);
    CH_ARENA_ARRAY(s->number, &s->arena, spec->n_files + 1, err);
    for (int32_t i = 0; i < spec->n_files; i++)
        if (!keep || keep[i]) {
            s->number[s->n_files] = i;
            s->file[s->n_files++] = spec->file[i];
        }
    return ch_files_by_size(&s->arena, s->file, s->number, s->n_files, err);
}

static ch_status make_slots(dataset_scan *s, int n_slots, ch_error *err)
{
    dataset_slot *slot;
    CH_ARENA_ARRAY(slot, &s->arena, n_slots, err);
    for (int i = 0; i < n_slots; i++) {
        slot[i].file = -1;
        ch_arena_init(&slot[i].arena, s->mem);
    }
    s->slot = slot;
    s->n_slots = n_slots;
    for (int i = 0; i < n_slots; i++)
        CH_ARENA_ARRAY(slot[i].constant, &s->arena, s->n_wanted + 1, err);
    return CH_OK;
}

/* The format's part of the work: its own columns, and what is asked of them. */
static ch_status open_inner(dataset_scan *s, const ch_format *format, const ch_format_context *ctx,
                            const ch_scan_spec *spec, ch_error *err)
{
    const ch_dataset *d = s->dataset;
    int32_t *wanted, n_wanted = 0, n_predicates = 0;
    ch_predicate *predicate;
    CH_ARENA_ARRAY(wanted, &s->arena, s->n_wanted + 1, err);
    CH_ARENA_ARRAY(predicate, &s->arena, spec->n_predicates + 1, err);
    for (int32_t w = 0; w < s->n_wanted; w++) {
        s->from[w] = -1;
        if (ch_dataset_is_constant(d, s->wanted[w]))
            continue;
        s->from[w] = n_wanted;
        wanted[n_wanted++] = d->source[s->wanted[w]];
    }
    for (int32_t i = 0; i < spec->n_predicates; i++) {
        if (ch_dataset_is_constant(d, spec->predicate[i].column))
            continue;
        predicate[n_predicates] = spec->predicate[i];
        predicate[n_predicates++].column = d->source[spec->predicate[i].column];
    }
    ch_scan_spec inner = *spec;
    inner.file = s->file;
    inner.n_files = s->n_files;
    inner.schema = d->file_schema;
    inner.wanted = wanted;
    inner.n_wanted = n_wanted;
    inner.predicate = predicate;
    inner.n_predicates = n_predicates;
    if (s->n_files > 0)
        CH_TRY(format->scan(ctx, &inner, &s->inner, err));
    s->base.n_morsels = s->inner ? s->inner->n_morsels : 0;
    return CH_OK;
}

ch_status ch_dataset_scan(const ch_dataset *dataset, const ch_format *format,
                          const ch_format_context *ctx, const ch_scan_spec *spec, const bool *keep,
                          ch_scan **out, ch_error *err)
{
    *out = NULL;
    bool plain = !keep && spec->n_files > 0 && dataset->partitions.n_keys == 0 &&
                 ch_files_are_by_size(spec->file, spec->n_files);
    for (int32_t w = 0; w < spec->n_wanted && plain; w++)
        plain = !ch_dataset_is_constant(dataset, spec->wanted[w]);
    if (plain) {
        ch_scan_spec same = *spec;
        same.schema = dataset->file_schema;
        return format->scan(ctx, &same, out, err);
    }
    dataset_scan *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    s->base.cls = &DATASET_SCAN;
    s->mem = ctx->mem;
    s->dataset = dataset;
    s->schema = spec->schema;
    s->wanted = spec->wanted;
    s->n_wanted = spec->n_wanted;
    ch_arena_init(&s->arena, ctx->mem);
    s->from = ch_arena_alloc(&s->arena, sizeof *s->from * (size_t)(s->n_wanted + 1), err);
    ch_status status = s->from ? choose_files(s, spec, keep, err) : CH_E_MEMORY;
    if (status == CH_OK)
        status = make_slots(s, ctx->n_slots < 1 ? 1 : ctx->n_slots, err);
    if (status == CH_OK)
        status = open_inner(s, format, ctx, spec, err);
    if (status != CH_OK) {
        dataset_close(&s->base);
        return status;
    }
    *out = &s->base;
    return CH_OK;
}
