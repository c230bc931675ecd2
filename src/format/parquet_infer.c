/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_infer.c - what footers tell: the schema of files, merged if asked, and statistics.
 */
#include <math.h>
#include <strings.h>

#include "format/parquet_scan.h"
#include "kernel/compare.h"

/* Footers looked at for statistics; more files are taken to be like these. */
#define FILES_MOST 64
/* Dictionaries looked at, per column. */
#define DICTIONARIES_MOST 3

/* ---- schema -------------------------------------------------------------------------------- */

static ch_status no_memory(const ch_type *type, ch_error *err)
{
    return type ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* Files may lack any value: everything is nullable, at every depth. */
static ch_status nullable(const ch_type *type, ch_arena *arena, const ch_type **out, ch_error *err)
{
    const ch_type *a, *b;
    *out = type;
    switch (type->id) {
    case CH_ARRAY:
        CH_TRY(nullable(type->field[0].type, arena, &a, err));
        *out = ch_type_array(a, true);
        break;
    case CH_MAP:
        CH_TRY(nullable(type->field[0].type, arena, &a, err));
        CH_TRY(nullable(type->field[1].type, arena, &b, err));
        *out = ch_type_map(a, b, true);
        break;
    case CH_STRUCT: {
        ch_field *field;
        CH_ARENA_ARRAY(field, arena, type->n_fields + 1, err);
        for (int32_t i = 0; i < type->n_fields; i++) {
            field[i] = type->field[i];
            field[i].nullable = true;
            CH_TRY(nullable(type->field[i].type, arena, &field[i].type, err));
        }
        *out = ch_type_struct(field, type->n_fields);
        break;
    }
    default:
        break;
    }
    return no_memory(*out, err);
}

static ch_status cannot_merge(const ch_type *a, const ch_type *b, ch_arena *arena, ch_error *err)
{
    ch_buf left, right;
    ch_buf_init(&left, arena->mem);
    ch_buf_init(&right, arena->mem);
    ch_status status = ch_type_print_sql(a, &left, err);
    if (status == CH_OK)
        status = ch_type_print_sql(b, &right, err);
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_CANNOT_MERGE_SCHEMAS, "left", left.data, "right",
                              right.data, (char *)0);
    ch_buf_release(&left);
    ch_buf_release(&right);
    return status;
}

/* Spark's StructType.merge: fields of both, the left ones first; decimals of one scale widen. *out NULL:
 * they do not go together. */
static ch_status merge(const ch_type *a, const ch_type *b, bool case_sensitive, ch_arena *arena,
                       const ch_type **out, ch_error *err)
{
    const ch_type *item[2];
    *out = a;
    if (a == b)
        return CH_OK;
    if (a->id == CH_DECIMAL && b->id == CH_DECIMAL && a->scale == b->scale) {
        *out = ch_type_decimal(a->precision > b->precision ? a->precision : b->precision, a->scale);
        return no_memory(*out, err);
    }
    *out = NULL;
    if (a->id != b->id)
        return CH_OK;
    if (a->id == CH_ARRAY || a->id == CH_MAP) {
        for (int32_t i = 0; i < (a->id == CH_MAP ? 2 : 1); i++) {
            CH_TRY(merge(a->field[i].type, b->field[i].type, case_sensitive, arena, &item[i], err));
            if (!item[i])
                return CH_OK;
        }
        *out = a->id == CH_MAP ? ch_type_map(item[0], item[1], true) : ch_type_array(item[0], true);
        return no_memory(*out, err);
    }
    if (a->id != CH_STRUCT)
        return CH_OK;
    ch_field *field;
    int32_t n = a->n_fields;
    int (*same)(const char *, const char *) = case_sensitive ? strcmp : strcasecmp;
    CH_ARENA_ARRAY(field, arena, a->n_fields + b->n_fields + 1, err);
    if (n)
        memcpy(field, a->field, sizeof *field * (size_t)n);
    for (int32_t i = 0; i < b->n_fields; i++) {
        int32_t at = 0;
        while (at < a->n_fields && same(a->field[at].name, b->field[i].name) != 0)
            at++;
        if (at == a->n_fields) {
            field[n++] = b->field[i];
            continue;
        }
        CH_TRY(merge(a->field[at].type, b->field[i].type, case_sensitive, arena, &field[at].type,
                     err));
        if (!field[at].type)
            return CH_OK;
    }
    *out = ch_type_struct(field, n);
    return no_memory(*out, err);
}

static bool may_ignore(const ch_format_context *ctx, ch_status status)
{
    return (ctx->ignore_missing_files && status == CH_E_PATH_NOT_FOUND) ||
           (ctx->ignore_corrupt_files && (status == CH_E_CORRUPT_FILE || status == CH_E_IO));
}

static ch_status infer_files(const ch_format_context *ctx, const ch_scan_spec *spec,
                             const ch_pq_read_options *options, ch_arena *arena,
                             const ch_type **schema, ch_error *err)
{
    *schema = NULL;
    for (int32_t i = 0; i < spec->n_files && (!*schema || options->merge_schema); i++) {
        ch_pq_file *file;
        const ch_type *type = NULL;
        ch_error own = {0};
        ch_status status = ch_pq_file_open(ctx->mem, &spec->file[i], &file, &own);
        if (status == CH_OK)
            status = ch_pq_schema_type(&file->meta, &file->schema, &options->schema, &type, &own);
        ch_pq_file_unref(file);
        if (status != CH_OK && !may_ignore(ctx, status))
            return ch_error_pass(err, &own);
        ch_error_release(&own);
        if (status != CH_OK)
            continue;
        CH_TRY(nullable(type, arena, &type, err));
        const ch_type *both = type;
        if (*schema)
            CH_TRY(merge(*schema, type, options->case_sensitive, arena, &both, err));
        if (!both)
            return cannot_merge(*schema, type, arena, err);
        *schema = both;
    }
    if (!*schema)
        CH_FAIL(err, UNABLE_TO_INFER_SCHEMA, "format", "Parquet", "path",
                spec->n_files ? spec->file[0].path : "");
    return CH_OK;
}

ch_status ch_pq_infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                      const ch_type **schema, ch_error *err)
{
    ch_pq_read_options options;
    ch_arena arena;
    CH_TRY(ch_pq_options_read(ctx, spec->options, &options, err));
    ch_arena_init(&arena, ctx->mem);
    ch_status status = infer_files(ctx, spec, &options, &arena, schema, err);
    ch_arena_release(&arena);
    return status;
}

/* ---- statistics ---------------------------------------------------------------------------- */

/* Draws of `n` values out of D equally likely ones show seen = D (1 - e^(-n/D)) of them: D. */
static double distinct_behind(double seen, double n)
{
    double lo = seen, hi = seen;
    if (seen < n / 8)
        return seen;
    if (seen >= n * 0.999)
        return n * 500; /* about a key */
    while (hi * (1 - exp(-n / hi)) < seen && hi < 1e15)
        hi *= 2;
    for (int i = 0; i < 50; i++) {
        double mid = (lo + hi) / 2;
        if (mid * (1 - exp(-n / mid)) < seen)
            lo = mid;
        else
            hi = mid;
    }
    return hi;
}

typedef struct gathering {
    const ch_format_context *ctx;
    ch_arena *arena;
    ch_table_statistics *out;
    int64_t *values;       /* per column: values that are not NULL */
    int32_t *dictionaries; /* per column: looked at */
    bool *unbounded;       /* per column: some row group has no bounds */
    bool *inexact;         /* per column: some bound is not a value */
} gathering;

/* Number of entries of the chunk's dictionary, -1 if it has none. */
static ch_status dictionary_size(ch_pq_file *file, const ch_pq_column_meta *meta, ch_arena *arena,
                                 int64_t *out, ch_error *err)
{
    void *at;
    *out = -1;
    if (!ch_thrift_has(meta, CH_PQ_COLUMN_DICTIONARY_OFFSET) || meta->dictionary_page_offset < 4)
        return CH_OK;
    int64_t room = file->bytes - meta->dictionary_page_offset;
    CH_TRY(ch_pq_file_index(file, meta->dictionary_page_offset, room < 256 ? room : 256,
                            &ch_pq_page_header_thrift, arena, &at, err));
    const ch_pq_page_header *h = at;
    if (h && h->dictionary)
        *out = h->dictionary->num_values;
    return CH_OK;
}

static ch_status keep_text(gathering *g, ch_scalar *v, ch_error *err)
{
    if (!ch_type_is_view(v->type))
        return CH_OK;
    v->v.str.text = ch_arena_strn(g->arena, v->v.str.text, (size_t)v->v.str.len, err);
    return v->v.str.text ? CH_OK : CH_E_MEMORY;
}

static int order(const ch_scalar *a, const ch_scalar *b)
{
    ch_predicate less = {.op = CH_PRED_LT, .value = b, .n_values = 1};
    ch_bounds one = {.has_min = true, .min = *a, .n_null = 0, .n = 1};
    return ch_bounds_exclude(&one, &less) ? 1 : -1; /* a >= b */
}

static ch_status add_chunk(gathering *g, ch_pq_file *file, const ch_pq_wanted *leaf, int32_t column,
                           const ch_pq_row_group *group, bool look, ch_error *err)
{
    ch_column_statistics *c = &g->out->column[column];
    const ch_pq_column_meta *meta = ch_pq_group_chunk(group, leaf->node->leaf)->meta;
    ch_bounds b;
    g->inexact[column] |= !meta;
    if (!meta)
        return CH_OK;
    ch_pq_bounds_of_chunk(file, leaf, meta, &b);
    if (b.n_null < 0)
        c->n_null = -1;
    else if (c->n_null >= 0)
        c->n_null += b.n_null;
    int64_t values = meta->num_values - (b.n_null > 0 ? b.n_null : 0);
    g->values[column] += values;
    g->inexact[column] |= b.n_null < 0 || (values && !ch_pq_bounds_are_values(leaf, meta->stats));
    if (values && !(b.has_min && b.has_max)) {
        g->unbounded[column] = true;
        c->has_range = false;
    } else if (values && !g->unbounded[column]) {
        bool first = !c->has_range;
        c->has_range = true;
        if (first || order(&b.min, &c->min) < 0) {
            c->min = b.min;
            CH_TRY(keep_text(g, &c->min, err));
        }
        if (first || order(&b.max, &c->max) > 0) {
            c->max = b.max;
            CH_TRY(keep_text(g, &c->max, err));
        }
    }
    if (!look || values == 0)
        return CH_OK;
    int64_t n;
    CH_TRY(dictionary_size(file, meta, g->arena, &n, err));
    g->dictionaries[column]++;
    if (n < 0)
        return CH_OK;
    double all = distinct_behind((double)n, (double)values);
    if (all < 9e18 && (int64_t)all > c->n_distinct)
        c->n_distinct = (int64_t)all;
    return CH_OK;
}

static void add_bytes(gathering *g, const ch_pq_file *file, const ch_pq_row_group *group,
                      int32_t column)
{
    const ch_pq_shape *s = &file->shape[column];
    for (int32_t i = 0; i < s->n_leaves; i++) {
        const ch_pq_column_meta *meta =
            ch_pq_group_chunk(group, file->wanted[s->leaf + i].node->leaf)->meta;
        if (meta && meta->compressed_bytes > 0)
            g->out->column[column].bytes += meta->compressed_bytes;
    }
}

static ch_status add_file(gathering *g, ch_pq_file *file, ch_error *err)
{
    int32_t n_groups = file->meta.row_groups.n;
    g->out->rows += file->meta.num_rows;
    for (int32_t i = 0; i < n_groups; i++) {
        const ch_pq_row_group *group = ch_pq_group(file, i);
        bool look = i == 0 || i == n_groups / 2 || i == n_groups - 1;
        for (int32_t c = 0; c < g->out->n_columns; c++) {
            const ch_pq_wanted *leaf = ch_pq_plain_leaf(file, c);
            add_bytes(g, file, group, c);
            if (leaf)
                CH_TRY(add_chunk(g, file, leaf, c, group,
                                 look && g->dictionaries[c] < DICTIONARIES_MOST, err));
            else
                g->unbounded[c] = true;
        }
    }
    return CH_OK;
}

/* What was added up, for all files and as estimates. */
static void settle(gathering *g, double scale)
{
    ch_table_statistics *out = g->out;
    out->rows = (int64_t)((double)out->rows * scale);
    for (int32_t i = 0; i < out->n_columns; i++) {
        ch_column_statistics *c = &out->column[i];
        double values = (double)g->values[i] * scale;
        c->bytes = (int64_t)((double)c->bytes * scale);
        if (c->n_null > 0)
            c->n_null = (int64_t)((double)c->n_null * scale);
        if (g->unbounded[i])
            c->has_range = false;
        c->is_exact = out->is_exact && !g->unbounded[i] && !g->inexact[i];
        if (c->n_distinct <= 0)
            c->n_distinct = -1;
        if ((double)c->n_distinct > values)
            c->n_distinct = (int64_t)values;
        if (c->has_range && (ch_type_is_integral(c->min.type) || c->min.type->id == CH_DATE)) {
            double span = (double)c->max.v.i64 - (double)c->min.v.i64 + 1;
            if (span > 0 && (double)c->n_distinct > span)
                c->n_distinct = (int64_t)span;
        }
    }
}

ch_status ch_pq_statistics(const ch_format_context *ctx, const ch_scan_spec *spec, ch_arena *arena,
                           ch_table_statistics *out, ch_error *err)
{
    ch_pq_read_options options;
    int32_t n = spec->schema->n_fields, *all;
    *out = (ch_table_statistics){.n_columns = n};
    gathering g = {.ctx = ctx, .arena = arena, .out = out};
    CH_TRY(ch_pq_options_read(ctx, spec->options, &options, err));
    CH_ARENA_ARRAY(out->column, arena, n + 1, err);
    CH_ARENA_ARRAY(g.values, arena, n + 1, err);
    CH_ARENA_ARRAY(g.dictionaries, arena, n + 1, err);
    CH_ARENA_ARRAY(g.unbounded, arena, n + 1, err);
    CH_ARENA_ARRAY(g.inexact, arena, n + 1, err);
    CH_ARENA_ARRAY(all, arena, n + 1, err);
    for (int32_t i = 0; i < n; i++)
        all[i] = i;
    int64_t bytes = 0, bytes_seen = 0;
    for (int32_t i = 0; i < spec->n_files; i++) {
        ch_pq_file *file;
        ch_error own = {0};
        bytes += spec->file[i].bytes;
        if (i >= FILES_MOST)
            continue;
        ch_status status = ch_pq_file_open(ctx->mem, &spec->file[i], &file, &own);
        if (status == CH_OK)
            status = ch_pq_file_bind(file, spec->schema, all, n, &options, &own);
        if (status == CH_OK)
            status = add_file(&g, file, &own);
        ch_pq_file_unref(file);
        if (status == CH_E_MEMORY)
            return ch_error_pass(err, &own);
        ch_error_release(&own); /* the scan will tell */
        if (status == CH_OK)
            bytes_seen += spec->file[i].bytes;
    }
    if (bytes_seen == 0) {
        *out = (ch_table_statistics){.rows = -1};
        return CH_OK;
    }
    out->is_exact = bytes == bytes_seen;
    settle(&g, (double)bytes / (double)bytes_seen);
    return CH_OK;
}
