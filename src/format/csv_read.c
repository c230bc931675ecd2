/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_read.c - CSV files as a scan: morsels, records, batches.
 *
 * A plain file is cut every morsel_bytes. A record belongs to the morsel that holds its first byte:
 *
 *   without multiLine  a line ends at LF, CR LF or CR whatever quotes say, as in Spark, so the first
 *                      record of a morsel begins behind the first line end at or behind its cut - 1
 *   with multiLine     only who knows all that stands before can tell which newline ends a record. The
 *                      next morsel's end is found by skimming (index only, nothing is made) from the
 *                      end of the last one; slots do that in turn, under a lock, and then read
 *                      their morsels side by side. This is right for any input, however odd its quotes.
 *
 * Compressed and decoded files are one morsel each.
 *
 * Records go two ways. Regular ones (csv_scan.h), with the expected number of fields: columns straight
 * from the index. All others: csv_record.h, one at a time. Where both meet in a batch they become
 * spans, row by row, and csv_convert.h makes columns of those. After an irregular record the next window to be indexed is small,
 * and grows again: a file full of them is not indexed over and over.
 *
 * Which records are malformed follows Spark's UnivocityParser: too few or too many fields count only
 * when no columns were pruned away; values that do not convert always do.
 */
#include "format/csv_read.h"

#include <stdio.h>
#include <strings.h>

#include "store/spool.h"

#define MORSEL_BYTES ((int64_t)4 << 20)
#define LEAST_MORSEL_BYTES ((int64_t)256 << 10)
#define CHUNK_BYTES ((int64_t)256 << 10)

/* ---- batches --------------------------------------------------------------------------------- */

static ch_status fail_fast(ch_csv_reader *s, ch_csv_slot *slot, int64_t r, ch_error *err)
{
    const char *path = s->file[slot->file].path;
    ch_csv_span w = slot->whole[r];
    const char *text = ch_csv_span_text(slot, w);
    char record[256];
    int len = w.len < 240 ? w.len : 240;
    snprintf(record, sizeof record, "%.*s%s", len, text, w.len > len ? "..." : "");
    /* A row from the side buffer does not know its place; the one before it does. */
    int64_t line = 0, back = r;
    while (back > 0 && slot->whole[back].at & CH_CSV_SIDE)
        back--;
    int64_t at = slot->whole[back].at & CH_CSV_SIDE ? slot->batch_at : slot->whole[back].at;
    line = ch_csv_line_of(s, slot, slot->text.base + at) + (r - back);
    char found[64], expected[64];
    snprintf(found, sizeof found, "a value or a number of fields that does not fit");
    snprintf(expected, sizeof expected, "%d fields of the schema's types", s->n_data);
    if (strncmp(path, CH_SPOOL_PREFIX, strlen(CH_SPOOL_PREFIX)) == 0)
        CH_FAIL(err, MALFORMED_JSON, "badRecord", record, "failFastMode", "FAILFAST");
    CH_FAIL(err, MALFORMED_RECORD, "path", path, "line", CH_I64(line), "badRecord", record, "found",
            found, "expected", expected, "failFastMode", "FAILFAST");
}

static ch_status corrupt_column(ch_csv_slot *slot, const ch_csv_source *src,
                                const ch_csv_converter *text, int32_t w, ch_mem *mem,
                                ch_column **out, ch_error *err)
{
    for (int64_t r = 0; r < slot->n; r++) {
        slot->span[w][r] = slot->whole[r];
        if (!ch_bit_get(slot->bad, r))
            slot->span[w][r].len = -1;
    }
    return ch_csv_convert(text, src, slot->span[w], mem, out, err);
}

static ch_status make_column(ch_csv_reader *s, ch_csv_slot *slot, ch_csv_source *src, int32_t w,
                             ch_column **out, ch_error *err)
{
    if (slot->n_indexed) {
        uint32_t row = slot->row - (uint32_t)slot->n_indexed;
        if (ch_csv_converts_fields(s->converter[w]) && !ch_csv_is_rare(s, slot)) {
            ch_csv_fields fields = ch_csv_fields_of(s, slot, w, row);
            return ch_csv_convert_fields(s->converter[w], src, &fields, s->mem, out, err);
        }
        CH_TRY(ch_csv_fill_spans(s, slot, w, row, 0, slot->n_indexed, err));
        src->side = slot->side.data;
    }
    return ch_csv_convert(s->converter[w], src, slot->span[w], s->mem, out, err);
}

static ch_status make_batch(ch_csv_reader *s, ch_csv_slot *slot, ch_batch *out, ch_error *err)
{
    int64_t n = slot->n;
    bool has_corrupt = false;
    CH_TRY(ch_batch_init(out, s->mem, s->n_wanted, n, err));
    CH_TRY(ch_buf_reserve(&slot->side, 16, err));
    ch_csv_source src = {.chunk = slot->text.chunk,
                         .side = slot->side.data,
                         .n_rows = n,
                         .chunk_len = slot->text.at - slot->batch_at,
                         .bad = slot->bad};
    for (int32_t w = 0; w < s->n_wanted; w++) {
        has_corrupt |= s->column[w] < 0;
        if (s->column[w] >= 0)
            CH_TRY(make_column(s, slot, &src, w, &out->col[w], err));
    }
    int64_t n_bad = s->may_fail || slot->any_bad ? ch_bits_count(slot->bad, n) : 0;
    if (slot->n_indexed && slot->whole && (n_bad > 0 || has_corrupt))
        ch_csv_fill_whole(s, slot, slot->row - (uint32_t)n, 0, n);
    for (int32_t w = 0; w < s->n_wanted; w++)
        if (s->column[w] < 0)
            CH_TRY(corrupt_column(slot, &src, s->converter[w], w, s->mem, &out->col[w], err));
    out->seq = slot->seq++;
    out->file = slot->file;
    /* Rows that will be dropped never count: others stop when the limit is reached. */
    int64_t n_kept = s->options.mode == CH_CSV_DROPMALFORMED ? n - n_bad : n;
    atomic_fetch_add_explicit(&s->rows, n_kept, memory_order_relaxed);
    if (n_bad == 0)
        return CH_OK;
    atomic_fetch_add_explicit(&s->n_malformed, n_bad, memory_order_relaxed);
    if (s->options.mode == CH_CSV_FAILFAST) {
        int64_t r = 0;
        while (!ch_bit_get(slot->bad, r))
            r++;
        return fail_fast(s, slot, r, err);
    }
    if (s->options.mode == CH_CSV_DROPMALFORMED) {
        for (int64_t i = 0; i < ch_bit_words(n); i++)
            slot->bad[i] = ~slot->bad[i];
        return ch_batch_filter(out, slot->bad, err);
    }
    return CH_OK;
}

static ch_status read_batch(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    ch_csv_reader *s = (ch_csv_reader *)scan;
    ch_csv_slot *slot = &s->slot[index];
    ch_csv_text *t = &slot->text;
    bool fill, end = false;
    ch_status status;

    *out = (ch_batch){.mem = s->mem};
    slot->n = slot->n_indexed = 0;
    slot->side.len = 0;
    slot->any_bad = false;
    if (slot->bad)
        ch_bits_fill(slot->bad, s->batch_rows, false);
    slot->batch_at = t->at;
    for (;;) {
        CH_TRY(ch_csv_take_rows(s, slot, &fill, &end, err));
        if (slot->n > 0 || end)
            break;
        if (fill) {
            slot->index.n_rows = slot->row = 0;
            CH_TRY(ch_csv_text_fill(t, slot->limit == INT64_MAX ? -1 : slot->limit, err));
            slot->batch_at = t->at;
        }
    }
    if (slot->n == 0)
        return ch_batch_init(out, s->mem, 0, 0, err);
    status = make_batch(s, slot, out, err);
    if (status != CH_OK) {
        ch_batch_release(out);
        *out = (ch_batch){.mem = s->mem};
    }
    return status;
}

/* Of a damaged file that is to be ignored, what follows the damage is left out. */
static ch_status scan_next(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    ch_csv_reader *s = (ch_csv_reader *)scan;
    ch_error own = {0};
    ch_status status = read_batch(scan, index, out, s->ignore_corrupt ? &own : err);
    if (!s->ignore_corrupt || status == CH_OK)
        return status;
    if (status == CH_E_CORRUPT_FILE || status == CH_E_IO) {
        ch_error_release(&own);
        return ch_batch_init(out, s->mem, 0, 0, err);
    }
    return ch_error_pass(err, &own);
}

static void scan_progress(const ch_scan *scan, ch_scan_progress *out)
{
    const ch_csv_reader *s = (const ch_csv_reader *)scan;
    out->bytes_done = atomic_load_explicit(&s->bytes_done, memory_order_relaxed);
    out->bytes_total = s->bytes_total;
    if (out->bytes_done > out->bytes_total)
        out->bytes_done = out->bytes_total;
    out->rows = atomic_load_explicit(&s->rows, memory_order_relaxed);
    out->n_malformed = atomic_load_explicit(&s->n_malformed, memory_order_relaxed);
}

/* ---- open and close ---------------------------------------------------------------------------- */

static void slot_release(ch_csv_reader *s, ch_csv_slot *slot)
{
    if (!slot->text.mem)
        return;
    size_t rows = (size_t)s->batch_rows;
    ch_csv_text_release(&slot->text);
    ch_csv_record_release(&slot->record);
    ch_buf_release(&slot->line);
    ch_buf_release(&slot->side);
    ch_buf_release(&slot->restored);
    for (int32_t w = 0; slot->span && w < s->n_wanted; w++)
        ch_mem_free(s->mem, slot->span[w], sizeof **slot->span * rows);
    ch_mem_free(s->mem, slot->span, sizeof *slot->span * (size_t)s->n_wanted);
    ch_mem_free(s->mem, slot->whole, sizeof *slot->whole * rows);
    ch_mem_free(s->mem, slot->bad, (size_t)ch_bit_bytes(s->batch_rows));
    ch_mem_free(s->mem, slot->index.pos, sizeof(uint32_t) * (slot->index.cap_pos + CH_CSV_SLACK));
}

static void scan_close(ch_scan *scan)
{
    ch_csv_reader *s = (ch_csv_reader *)scan;
    for (int i = 0; s->slot && i < s->n_slots; i++)
        slot_release(s, &s->slot[i]);
    ch_mem_free(s->mem, s->slot, sizeof *s->slot * (size_t)s->n_slots);
    pthread_mutex_destroy(&s->lock);
    ch_arena_release(&s->arena);
    ch_mem_free(s->mem, s, sizeof *s);
}

static const ch_scan_class CSV_SCAN = {.name = "csv",
                                       .begin = ch_csv_begin,
                                       .next = scan_next,
                                       .progress = scan_progress,
                                       .close = scan_close};

static ch_status slot_init(ch_csv_reader *s, ch_csv_slot *slot, ch_error *err)
{
    size_t rows = (size_t)s->batch_rows;
    slot->file = slot->header_of = -1;
    slot->text = (ch_csv_text){.mem = s->mem,
                               .encoding = s->wide ? NULL : s->options.encoding,
                               .alias = s->options.multi_line ? &s->rules : NULL,
                               .chunk_bytes = s->sizes.chunk_bytes};
    ch_csv_record_init(&slot->record, s->mem, &slot->rules);
    if (s->pruned && !s->sizes.ragged) {
        slot->record.wanted = s->parse;
        slot->record.n_wanted = s->n_data;
    }
    ch_buf_init(&slot->line, s->mem);
    ch_buf_init(&slot->side, s->mem);
    ch_buf_init(&slot->restored, s->mem);
    slot->dialect = (ch_csv_dialect){.sep = s->rules.sep[0],
                                     .quote = s->rules.quote,
                                     .escape = s->rules.escape,
                                     .multi_line = s->options.multi_line,
                                     .no_fields = s->count_lines};
    /* Room for the records of a chunk as they usually are; a full index is just used up first. */
    int64_t cap = s->sizes.chunk_bytes / 4;
    slot->index.cap_pos = (uint32_t)(cap < 1024 ? 1024 : cap);
    slot->index.pos =
        ch_mem_alloc(s->mem, sizeof(uint32_t) * (slot->index.cap_pos + CH_CSV_SLACK), err);
    slot->bad = ch_mem_zalloc(s->mem, (size_t)ch_bit_bytes(s->batch_rows), err);
    if (!slot->index.pos || !slot->bad)
        return CH_E_MEMORY;
    slot->span = ch_mem_zalloc(s->mem, sizeof *slot->span * (size_t)s->n_wanted, err);
    if (!slot->span)
        return CH_E_MEMORY;
    for (int32_t w = 0; w < s->n_wanted; w++) {
        slot->span[w] = ch_mem_alloc(s->mem, sizeof **slot->span * rows, err);
        if (!slot->span[w])
            return CH_E_MEMORY;
    }
    if (s->may_fail) {
        slot->whole = ch_mem_alloc(s->mem, sizeof *slot->whole * rows, err);
        if (!slot->whole)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

/* The index knows single ASCII characters and none of the options that change values. */
static bool is_simple(const ch_csv_reader *s)
{
    const ch_csv_options *o = &s->options;
    const ch_csv_rules *u = &s->rules;
    uint8_t special[] = {u->sep[0], u->quote, u->escape};
    for (int i = 0; i < 3; i++)
        if (special[i] == '\n' || special[i] == '\r')
            return false;
    if (s->count_lines)
        return !s->wide && !s->sizes.one_by_one && !o->line_sep && u->n_alias == 0;
    return u->n_sep == 1 && u->n_alias == 0 && u->sep[0] != u->quote && u->sep[0] != u->escape &&
           (u->escape_escape == u->escape || (u->escape_escape == 0 && u->escape == u->quote)) &&
           !u->trim_left && !u->trim_right && u->max_chars < 0 &&
           (!o->line_sep || strcmp(o->line_sep, "\n") == 0) && !s->wide && !s->sizes.one_by_one &&
           s->n_data <= u->max_columns && s->n_data > 0;
}

/* Which columns come from where. */
static ch_status map_columns(ch_csv_reader *s, const ch_scan_spec *spec, ch_error *err)
{
    const ch_type *schema = spec->schema;
    int32_t corrupt = -1, n_text = 0;
    for (int32_t i = 0; i < schema->n_fields; i++)
        if (strcasecmp(schema->field[i].name, s->options.corrupt_column) == 0)
            corrupt = i;
    if (corrupt >= 0 && schema->field[corrupt].type != CH_T_STRING) {
        ch_buf type;
        ch_buf_init(&type, s->mem);
        ch_status status = ch_type_print_sql(schema->field[corrupt].type, &type, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_INVALID_CORRUPT_RECORD_TYPE, "columnName",
                                  schema->field[corrupt].name, "actualType", type.data, NULL);
        ch_buf_release(&type);
        return status;
    }
    s->n_data = schema->n_fields - (corrupt >= 0);
    s->n_wanted = spec->n_wanted;
    CH_ARENA_ARRAY(s->column, &s->arena, s->n_wanted + 1, err);
    CH_ARENA_ARRAY(s->converter, &s->arena, s->n_wanted + 1, err);
    CH_ARENA_ARRAY(s->parse, &s->arena, s->n_data + 1, err);
    for (int32_t w = 0; w < s->n_wanted; w++) {
        int32_t c = spec->wanted[w];
        const ch_field *field = &schema->field[c];
        CH_TRY(ch_csv_converter_make(&s->options, field, &s->arena, &s->converter[w], err));
        n_text += field->type == CH_T_STRING || field->type->id == CH_BINARY;
        s->column[w] = c == corrupt ? -1 : corrupt >= 0 && c > corrupt ? c - 1 : c;
        if (c != corrupt)
            s->parse[s->column[w]] = true;
    }
    bool has_corrupt = false;
    int32_t n_parsed = 0;
    for (int32_t w = 0; w < s->n_wanted; w++)
        has_corrupt |= s->column[w] < 0;
    for (int32_t c = 0; c < s->n_data; c++)
        n_parsed += s->parse[c];
    if (has_corrupt && n_parsed == 0)
        CH_FAIL(err, ONLY_CORRUPT_COLUMN);
    /* Columns asked for in full are parsed in full: then the number of fields counts. */
    s->pruned = s->options.column_pruning && n_parsed < s->n_data;
    s->count_lines = s->pruned && n_parsed == 0 && !s->options.multi_line;
    s->pruned |= s->sizes.ragged;
    s->may_fail = has_corrupt || s->options.mode != CH_CSV_PERMISSIVE || n_text < s->n_wanted;
    return CH_OK;
}

/* The line separator as bytes of the file. */
static ch_status encode_line_sep(ch_csv_reader *s, ch_error *err)
{
    const ch_csv_options *o = &s->options;
    s->wide = o->encoding && strncmp(o->encoding, "UTF-", 4) == 0 && !o->multi_line;
    if (!o->line_sep)
        return CH_OK;
    if (!s->wide) {
        s->n_line_sep = s->rules.line_sep[1] ? 2 : 1;
        if (!s->rules.n_alias || o->multi_line) {
            memcpy(s->line_sep, s->rules.line_sep, 2);
            return CH_OK;
        }
        s->n_line_sep = strlen(o->line_sep);
        memcpy(s->line_sep, o->line_sep, s->n_line_sep);
        return CH_OK;
    }
    size_t skip;
    iconv_t cd = iconv_open(ch_csv_iconv_name(o->encoding, "", 0, &skip), "UTF-8");
    if (cd == (iconv_t)-1)
        CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "charset", o->encoding,
                "charsets", "those of iconv");
    char *in = (char *)(uintptr_t)o->line_sep, *out = s->line_sep;
    size_t left = strlen(in), room = sizeof s->line_sep;
    (void)iconv(cd, &in, &left, &out, &room);
    s->n_line_sep = sizeof s->line_sep - room;
    iconv_close(cd);
    return CH_OK;
}

/* Two characters that may overlap themselves cannot be found from the middle of a file. */
static bool can_split(const ch_csv_reader *s)
{
    const ch_csv_options *o = &s->options;
    if (o->encoding || s->rules.n_alias)
        return false;
    if (o->multi_line)
        return o->unescaped != CH_CSV_BACK_TO_DELIMITER;
    return !o->line_sep || s->rules.line_sep[1] == 0;
}

static ch_status open_scan(ch_csv_reader *s, const ch_format_context *ctx, const ch_scan_spec *spec,
                           const ch_csv_sizes *sizes, ch_error *err)
{
    CH_TRY(ch_csv_options_read(ctx, spec->options, &s->arena, &s->options, err));
    CH_TRY(ch_csv_rules_make(&s->options, &s->rules, err));
    CH_TRY(encode_line_sep(s, err));
    if (sizes)
        s->sizes = *sizes;
    if (s->sizes.ragged)
        s->options.mode = CH_CSV_PERMISSIVE;
    CH_TRY(map_columns(s, spec, err));
    s->schema = spec->schema;
    s->file = spec->file;
    s->n_files = spec->n_files;
    s->limit = spec->limit;
    s->case_sensitive = ctx->case_sensitive;
    s->ignore_missing = ctx->ignore_missing_files;
    s->ignore_corrupt = ctx->ignore_corrupt_files;
    s->batch_rows = ctx->batch_rows < 1 ? CH_BATCH_ROWS : ctx->batch_rows;
    s->simple = is_simple(s);
    bool parts = s->simple && !s->count_lines;
    CH_TRY(ch_csv_shape_make(parts ? (uint32_t)s->n_data : 1, s->parse, &s->arena, &s->shape, err));
    /* With the right number of separators a line is not blank, unless those are blanks. */
    s->check_first = s->options.has_comment || s->shape.n_fields == 1 || s->rules.sep[0] <= ' ';
    s->splittable = can_split(s);
    for (int32_t f = 0; f < s->n_files; f++)
        s->bytes_total += s->file[f].bytes;
    if (s->sizes.chunk_bytes < 1)
        s->sizes.chunk_bytes = CHUNK_BYTES;
    if (s->sizes.chunk_bytes < 3)
        s->sizes.chunk_bytes = 3; /* a byte order mark */
    if (s->sizes.morsel_bytes > 0 && s->sizes.morsel_bytes < 4)
        s->sizes.morsel_bytes = 4; /* and the record behind it */
    if (s->sizes.morsel_bytes < 1) {
        /* Enough morsels for all slots to end at about the same time. */
        int64_t slots = ctx->cut_slots > 0 ? ctx->cut_slots : ctx->n_slots;
        int64_t n = s->bytes_total / (slots * 4 + 1);
        s->sizes.morsel_bytes = n < LEAST_MORSEL_BYTES ? LEAST_MORSEL_BYTES
                                : n > MORSEL_BYTES     ? MORSEL_BYTES
                                                       : n;
    }
    CH_ARENA_ARRAY(s->first_morsel, &s->arena, s->n_files + 1, err);
    for (int32_t f = 0; f < s->n_files; f++)
        s->first_morsel[f + 1] = s->first_morsel[f] + ch_csv_morsels_of(s, f);
    s->base.n_morsels = s->first_morsel[s->n_files];
    s->n_slots = ctx->n_slots < 1 ? 1 : ctx->n_slots;
    s->slot = ch_mem_zalloc(s->mem, sizeof *s->slot * (size_t)s->n_slots, err);
    if (!s->slot)
        return CH_E_MEMORY;
    for (int i = 0; i < s->n_slots; i++)
        CH_TRY(slot_init(s, &s->slot[i], err));
    return CH_OK;
}

ch_status ch_csv_scan_open(const ch_format_context *ctx, const ch_scan_spec *spec,
                           const ch_csv_sizes *sizes, ch_scan **out, ch_error *err)
{
    *out = NULL;
    ch_csv_reader *s = ch_mem_zalloc(ctx->mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    s->base.cls = &CSV_SCAN;
    s->mem = ctx->mem;
    ch_arena_init(&s->arena, ctx->mem);
    pthread_mutex_init(&s->lock, NULL);
    ch_status status = open_scan(s, ctx, spec, sizes, err);
    if (status != CH_OK) {
        scan_close(&s->base);
        return status;
    }
    *out = &s->base;
    return CH_OK;
}
