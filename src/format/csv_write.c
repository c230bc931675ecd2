/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_write.c - rows as CSV text.
 *
 * What is quoted, escaped and trimmed follows univocity's CsvWriter, which Spark writes with: see
 * put_value(). Most values need none of it; one pass over a table of bytes tells, and they are copied.
 *
 *   rows -> text (UTF-8) -> encoding -> codec -> file
 */
#include "format/csv_write.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

#include "format/csv_options.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

#define FLUSH_BYTES ((size_t)256 << 10)
#define PACKED_BYTES ((size_t)64 << 10)
#define VALUE_TEXT 160 /* of any number, date or interval */

/* Classes of bytes, a bit each. */
enum {
    PLAIN = 0,
    IS_SPECIAL = 1, /* first byte of quote, escape or separator */
    IS_TRIGGER = 2  /* a value that holds it is quoted */
};

typedef struct sequence { /* a special character, or the separator */
    char text[64];
    size_t len;
} sequence;

typedef struct csv_writer {
    ch_mem *mem;
    ch_arena arena;
    ch_csv_options options;
    const ch_type *schema;
    ch_output *file;
    char *path;
    sequence sep, quote, escape, escape_escape, comment, line_sep;
    uint8_t class[256];
    const ch_zone *zone;
    const ch_pattern *date, *timestamp, *timestamp_ntz; /* date NULL: the usual one */
    ch_buf text, row, value;
    iconv_t iconv;
    bool has_iconv;
    ch_buf encoded;
    ch_codec_stream *codec;
    uint8_t *packed;
} csv_writer;

/* ---- special characters --------------------------------------------------------------------- */

static void set_char(sequence *s, uint32_t c)
{
    uint8_t *t = (uint8_t *)s->text;
    s->len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (s->len == 1) {
        t[0] = (uint8_t)c;
        return;
    }
    for (size_t k = s->len - 1; k > 0; k--) {
        t[k] = (uint8_t)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    t[0] = (uint8_t)((0xF00u >> s->len) | c);
}

static bool starts(const sequence *s, const char *p, const char *end)
{
    return s->len && (size_t)(end - p) >= s->len && memcmp(p, s->text, s->len) == 0;
}

static bool is_trigger(const csv_writer *w, const char *p, const char *end)
{
    return (w->class[(uint8_t)*p] & IS_TRIGGER) ||
           (w->options.escape_quotes && starts(&w->quote, p, end));
}

static ch_status add(ch_buf *b, const sequence *s, ch_error *err)
{
    return ch_buf_add(b, s->text, s->len, err);
}

/* ---- one value -------------------------------------------------------------------------------- */

static size_t leading_blanks(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (uint8_t)text[n] <= ' ')
        n++;
    return n;
}

static void trim_value(csv_writer *w)
{
    while (w->options.write_trim_right && w->value.len &&
           (uint8_t)w->value.data[w->value.len - 1] <= ' ')
        w->value.len--;
}

/* From p on, with quotes and escapes escaped. */
static ch_status add_escaped(csv_writer *w, const char *p, const char *end, ch_error *err)
{
    const char *from = p;
    for (; p < end; p++) {
        uint8_t class = w->class[(uint8_t)*p];
        if (CH_LIKELY(class == PLAIN))
            continue;
        bool quote = starts(&w->quote, p, end), escape = starts(&w->escape, p, end);
        bool newline = *p == '\n' && w->line_sep.len > 1;
        if (!quote && !escape && !newline)
            continue;
        CH_TRY(ch_buf_add(&w->value, from, (size_t)(p - from), err));
        if (quote)
            CH_TRY(add(&w->value, &w->escape, err));
        else if (escape && !(w->escape_escape.len == 1 && w->escape_escape.text[0] == 0))
            CH_TRY(add(&w->value, &w->escape_escape, err));
        if (newline) {
            CH_TRY(add(&w->value, &w->line_sep, err));
            from = p + 1;
            continue;
        }
        from = p;
        p += (quote ? w->quote.len : w->escape.len) - 1;
    }
    CH_TRY(ch_buf_add(&w->value, from, (size_t)(end - from), err));
    trim_value(w);
    return CH_OK;
}

/* Does the rest of a value hold anything that makes it quoted? quoteElement() */
static bool rest_needs_quotes(const csv_writer *w, const char *p, const char *end)
{
    for (; p < end; p++)
        if (is_trigger(w, p, end) || starts(&w->sep, p, end))
            return true;
    return false;
}

/* univocity's append(): leaves the text in w->value; *quoted: to be put in quotes. */
static ch_status append(csv_writer *w, int32_t column, bool *quoted, bool stands_for,
                        const char *text, size_t len, ch_error *err)
{
    const char *end = text + len, *p = text;
    bool always = *quoted;
    *quoted = false;
    if (w->options.write_trim_left)
        p += leading_blanks(text, len);
    if (p < end && (starts(&w->quote, p, end) || (column == 0 && starts(&w->comment, text, end))))
        always = true;
    if (always) {
        if (stands_for && len >= 2 && starts(&w->quote, text, end) &&
            starts(&w->quote, end - w->quote.len, end))
            return ch_buf_add(&w->value, text, len, err);
        *quoted = true;
        return add_escaped(w, p, end, err);
    }
    const char *from = p;
    for (; p < end; p++) {
        if (CH_LIKELY(w->class[(uint8_t)*p] == PLAIN))
            continue;
        bool quote = starts(&w->quote, p, end), escape = starts(&w->escape, p, end);
        if (quote || escape) {
            if (!rest_needs_quotes(w, p, end)) {
                CH_TRY(ch_buf_add(&w->value, from, (size_t)(end - from), err));
                trim_value(w);
                return CH_OK;
            }
        } else if (!is_trigger(w, p, end) && !starts(&w->sep, p, end)) {
            continue;
        }
        CH_TRY(ch_buf_add(&w->value, from, (size_t)(p - from), err));
        *quoted = true;
        return add_escaped(w, p, end, err);
    }
    CH_TRY(ch_buf_add(&w->value, from, (size_t)(end - from), err));
    trim_value(w);
    return CH_OK;
}

/* Nothing in it to quote, escape or trim. */
static bool is_plain(const csv_writer *w, int32_t column, const char *text, size_t len)
{
    uint8_t seen = PLAIN;
    if (len == 0 || (uint8_t)text[0] <= ' ' || (uint8_t)text[len - 1] <= ' ')
        return false;
    if (column == 0 && starts(&w->comment, text, text + len))
        return false;
    for (size_t i = 0; i < len; i++)
        seen |= w->class[(uint8_t)text[i]];
    return seen == PLAIN;
}

/* The text as it is, in quotes if all are: what most values come to. */
static ch_status put_plain(csv_writer *w, const char *text, size_t len, ch_error *err)
{
    size_t quote = w->options.quote_all ? w->quote.len : 0;
    CH_TRY(ch_buf_reserve(&w->row, len + 2 * quote, err));
    char *to = w->row.data + w->row.len;
    memcpy(to, w->quote.text, quote);
    memcpy(to + quote, text, len);
    memcpy(to + quote + len, w->quote.text, quote);
    w->row.len += len + 2 * quote;
    return CH_OK;
}

/* Adds a value to the row. text NULL: NULL. processRow() */
static ch_status put_value(csv_writer *w, int32_t column, const char *text, size_t len,
                           ch_error *err)
{
    const ch_csv_options *o = &w->options;
    bool stands_for = false; /* the text stands for NULL or for nothing */
    if (text && is_plain(w, column, text, len))
        return put_plain(w, text, len, err);
    if (!text) {
        text = o->null_value.text;
        len = (size_t)o->null_value.len;
        stands_for = true;
    } else if (len == 0 || (o->write_trim_left && leading_blanks(text, len) == len)) {
        text = o->write_empty_value.text;
        len = (size_t)o->write_empty_value.len;
        stands_for = true;
    }
    bool quoted = o->quote_all;
    w->value.len = 0;
    CH_TRY(append(w, column, &quoted, stands_for, text, len, err));
    if (w->value.len == 0 && !stands_for) {
        bool again = quoted;
        CH_TRY(append(w, column, &again, stands_for, o->write_empty_value.text,
                      (size_t)o->write_empty_value.len, err));
    }
    if (quoted)
        CH_TRY(add(&w->row, &w->quote, err));
    CH_TRY(ch_buf_add(&w->row, w->value.data ? w->value.data : "", w->value.len, err));
    return quoted ? add(&w->row, &w->quote, err) : CH_OK;
}

/* ---- bytes on their way to the file -------------------------------------------------------------- */

static ch_status put_bytes(csv_writer *w, const char *bytes, size_t n, bool finish, ch_error *err)
{
    if (!w->codec)
        return ch_output_write(w->file, bytes, (int64_t)n, err);
    const uint8_t *in = (const uint8_t *)bytes;
    for (bool end = false; n > 0 || (finish && !end);) {
        uint8_t *out = w->packed;
        size_t room = PACKED_BYTES;
        CH_TRY(ch_codec_code(w->codec, &in, &n, &out, &room, finish, &end, w->path, err));
        CH_TRY(ch_output_write(w->file, w->packed, (int64_t)(PACKED_BYTES - room), err));
        if (n == 0 && !finish)
            break;
    }
    return CH_OK;
}

/* Characters that the encoding lacks become '?', as Java's encoders do. */
static ch_status encode(csv_writer *w, ch_error *err)
{
    char *in = w->text.data;
    size_t left = w->text.len;
    w->encoded.len = 0;
    while (left > 0) {
        CH_TRY(ch_buf_reserve(&w->encoded, left * 4 + 16, err));
        char *out = w->encoded.data + w->encoded.len;
        size_t room = w->encoded.cap - w->encoded.len - 1;
        size_t n = iconv(w->iconv, &in, &left, &out, &room);
        w->encoded.len = (size_t)(out - w->encoded.data);
        if (n != (size_t)-1 || errno == E2BIG)
            continue;
        size_t skip = 1;
        while (skip < left && ((uint8_t)in[skip] & 0xC0) == 0x80)
            skip++;
        char mark = '?', *m = &mark;
        size_t one = 1;
        out = w->encoded.data + w->encoded.len;
        (void)iconv(w->iconv, &m, &one, &out, &room);
        w->encoded.len = (size_t)(out - w->encoded.data);
        in += skip;
        left -= skip;
    }
    return CH_OK;
}

static ch_status flush(csv_writer *w, bool finish, ch_error *err)
{
    ch_buf *b = &w->text;
    if (w->has_iconv && b->len) {
        CH_TRY(encode(w, err));
        b = &w->encoded;
    }
    CH_TRY(put_bytes(w, b->data, w->text.len ? b->len : 0, finish, err));
    w->text.len = 0;
    return CH_OK;
}

/* Rows without a byte are left out, as univocity does. */
static ch_status end_row(csv_writer *w, ch_error *err)
{
    if (w->row.len == 0)
        return CH_OK;
    CH_TRY(ch_buf_add(&w->text, w->row.data, w->row.len, err));
    CH_TRY(add(&w->text, &w->line_sep, err));
    w->row.len = 0;
    return w->text.len >= FLUSH_BYTES ? flush(w, false, err) : CH_OK;
}

/* ---- values as text ------------------------------------------------------------------------------ */

/* Text of slot i in buf, which holds 4 * VALUE_TEXT bytes. */
static int print_value(const csv_writer *w, const ch_column *c, int64_t i, char *buf)
{
    switch (c->type->id) {
    case CH_BOOLEAN: {
        bool yes = ch_bit_get(c->data, i);
        memcpy(buf, yes ? "true" : "false", 5);
        return yes ? 4 : 5;
    }
    case CH_FLOAT:
        return ch_print_f32(buf, ((const float *)c->data)[i]);
    case CH_DOUBLE:
        return ch_print_f64(buf, ((const double *)c->data)[i]);
    case CH_DECIMAL: {
        ch_i128 v;
        if (ch_type_is_wide_decimal(c->type))
            memcpy(&v, (const char *)c->data + i * 16, 16);
        else
            v = ((const int64_t *)c->data)[i];
        return ch_dec_print_java(buf, v, c->type->scale);
    }
    case CH_DATE:
        return w->date ? ch_pattern_format(w->date, ch_column_i64(c, i) * CH_US_PER_DAY,
                                           &ch_zone_utc, buf)
                       : ch_date_print(buf, ch_column_i64(c, i));
    case CH_TIMESTAMP:
        return ch_pattern_format(w->timestamp, ch_column_i64(c, i), w->zone, buf);
    case CH_TIMESTAMP_NTZ:
        return ch_pattern_format(w->timestamp_ntz, ch_column_i64(c, i), &ch_zone_utc, buf);
    case CH_YEAR_MONTH_INTERVAL:
        return ch_year_month_print(buf, (int32_t)ch_column_i64(c, i), c->type);
    case CH_DAY_TIME_INTERVAL:
        return ch_day_time_print(buf, ch_column_i64(c, i), c->type);
    default:
        return ch_print_i64(buf, ch_column_i64(c, i));
    }
}

/* "[61 62 63]" */
static ch_status put_binary(csv_writer *w, int32_t column, ch_str s, ch_buf *scratch, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    scratch->len = 0;
    CH_TRY(ch_buf_addc(scratch, '[', err));
    for (int64_t k = 0; k < s.len; k++) {
        char two[3] = {HEX[(uint8_t)s.text[k] >> 4], HEX[s.text[k] & 15], ' '};
        CH_TRY(ch_buf_add(scratch, two, k + 1 < s.len ? 3 : 2, err));
    }
    CH_TRY(ch_buf_addc(scratch, ']', err));
    return put_value(w, column, scratch->data, scratch->len, err);
}

static ch_status put_slot(csv_writer *w, int32_t column, const ch_column *c, int64_t row, char *buf,
                          ch_buf *scratch, ch_error *err)
{
    if (ch_column_is_null(c, row))
        return put_value(w, column, NULL, 0, err);
    int64_t i = ch_column_slot(c, row);
    const ch_column *values = ch_column_values(c);
    if (ch_type_is_string(c->type)) {
        ch_str s = ch_column_str(values, i);
        return put_value(w, column, s.text, (size_t)s.len, err);
    }
    if (c->type->id == CH_BINARY)
        return put_binary(w, column, ch_column_str(values, i), scratch, err);
    return put_value(w, column, buf, (size_t)print_value(w, values, i, buf), err);
}

ch_status ch_csv_write(ch_file_writer *writer, ch_batch *batch, ch_error *err)
{
    csv_writer *w = (csv_writer *)writer;
    ch_buf scratch;
    ch_column **col = ch_mem_alloc(w->mem, sizeof *col * (size_t)(batch->n_cols + 1), err);
    ch_status status = CH_OK;
    char text[VALUE_TEXT * 4];
    ch_buf_init(&scratch, w->mem);
    if (!col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < batch->n_cols; c++)
        CH_TRY_OUT(ch_batch_column(batch, c, &col[c], err));
    for (int64_t r = 0; r < batch->n; r++) {
        for (int32_t c = 0; c < batch->n_cols; c++) {
            if (c)
                CH_TRY_OUT(add(&w->row, &w->sep, err));
            CH_TRY_OUT(put_slot(w, c, col[c], r, text, &scratch, err));
        }
        CH_TRY_OUT(end_row(w, err));
    }
out:
    ch_buf_release(&scratch);
    ch_mem_free(w->mem, col, sizeof *col * (size_t)(batch->n_cols + 1));
    return status;
}

/* ---- open and close ---------------------------------------------------------------------------- */

static csv_writer *writer_new(ch_mem *mem, ch_error *err)
{
    csv_writer *w = ch_mem_zalloc(mem, sizeof *w, err);
    if (!w)
        return NULL;
    w->mem = mem;
    ch_arena_init(&w->arena, mem);
    ch_buf_init(&w->text, mem);
    ch_buf_init(&w->row, mem);
    ch_buf_init(&w->value, mem);
    ch_buf_init(&w->encoded, mem);
    return w;
}

static void writer_free(csv_writer *w)
{
    ch_buf_release(&w->text);
    ch_buf_release(&w->row);
    ch_buf_release(&w->value);
    ch_buf_release(&w->encoded);
    ch_codec_close(w->codec);
    ch_mem_free(w->mem, w->packed, PACKED_BYTES);
    if (w->has_iconv)
        iconv_close(w->iconv);
    ch_arena_release(&w->arena);
    ch_mem_free(w->mem, w, sizeof *w);
}

ch_status ch_csv_finish(ch_file_writer *writer, ch_error *err)
{
    csv_writer *w = (csv_writer *)writer;
    ch_status status = flush(w, true, err);
    if (status == CH_OK)
        status = ch_output_close(w->file, true, err);
    else
        ch_output_abandon(w->file);
    writer_free(w);
    return status;
}

void ch_csv_abandon(ch_file_writer *writer)
{
    csv_writer *w = (csv_writer *)writer;
    if (!w)
        return;
    ch_output_abandon(w->file);
    writer_free(w);
}

static ch_status check_types(const ch_type *schema, ch_mem *mem, ch_error *err)
{
    for (int32_t c = 0; c < schema->n_fields; c++) {
        const ch_field *f = &schema->field[c];
        ch_type_id id = f->type->id;
        if (id == CH_TIME)
            CH_FAIL(err, UNSUPPORTED_TIME);
        if (id != CH_NULL && id != CH_CALENDAR_INTERVAL && !ch_type_is_nested(f->type))
            continue;
        ch_buf type;
        ch_buf_init(&type, mem);
        ch_status status = ch_type_print_sql(f->type, &type, err);
        if (status == CH_OK)
            status = ch_error_set(err, CH_E_UNSUPPORTED_TYPE_FOR_FORMAT, "format", "CSV",
                                  "columnName", f->name, "columnType", type.data, NULL);
        ch_buf_release(&type);
        return status;
    }
    return CH_OK;
}

static ch_status compile(csv_writer *w, const char *pattern, const char *usual,
                         const ch_pattern **out, ch_error *err)
{
    if (!pattern)
        pattern = usual;
    if (!pattern)
        return CH_OK;
    CH_TRY(ch_pattern_compile(pattern, (int64_t)strlen(pattern), false, &w->arena, out, err));
    if (ch_pattern_max_bytes(*out) > VALUE_TEXT * 4)
        CH_FAIL(err, UNSUPPORTED, "feature", "a date-time pattern as long as this");
    return CH_OK;
}

static ch_status open_encoding(csv_writer *w, ch_error *err)
{
    const char *name = w->options.encoding;
    if (!name)
        return CH_OK;
    /* Java writes UTF-16 with a mark, big end first, and UTF-32 without one. */
    bool utf16 = strcmp(name, "UTF-16") == 0;
    w->iconv = iconv_open(utf16                         ? "UTF-16BE"
                          : strcmp(name, "UTF-32") == 0 ? "UTF-32BE"
                                                        : name,
                          "UTF-8");
    if (w->iconv == (iconv_t)-1)
        CH_FAIL(err, INVALID_CHARSET, "functionName", "CSVOptions", "charset", name, "charsets",
                "those of iconv");
    w->has_iconv = true;
    return utf16 ? put_bytes(w, "\xFE\xFF", 2, false, err) : CH_OK;
}

/* What the options say about values and lines. */
static ch_status read_options(csv_writer *w, const ch_format_context *ctx, const ch_strmap *options,
                              ch_error *err)
{
    ch_csv_options *o = &w->options;
    CH_TRY(ch_csv_options_read(ctx, options, &w->arena, o, err));
    if (strlen(o->sep) >= sizeof w->sep.text)
        CH_FAIL(err, UNSUPPORTED, "feature", "a separator of more than 63 bytes");
    w->sep.len = strlen(o->sep);
    memcpy(w->sep.text, o->sep, w->sep.len);
    set_char(&w->quote, o->quote);
    set_char(&w->escape, o->escape);
    set_char(&w->escape_escape, o->escape_escape);
    set_char(&w->comment, o->has_comment ? o->comment : '#');
    const char *line_sep = o->line_sep ? o->line_sep : "\n";
    w->line_sep.len = strlen(line_sep);
    memcpy(w->line_sep.text, line_sep, w->line_sep.len);

    w->class['\n'] = w->class['\r'] = IS_TRIGGER;
    for (size_t k = 0; k < w->line_sep.len; k++)
        w->class[(uint8_t)w->line_sep.text[k]] |= IS_TRIGGER;
    w->class[(uint8_t)w->quote.text[0]] |= IS_SPECIAL;
    w->class[(uint8_t)w->escape.text[0]] |= IS_SPECIAL;
    w->class[(uint8_t)w->sep.text[0]] |= IS_SPECIAL;

    w->zone = ch_zone_find(o->time_zone, (int64_t)strlen(o->time_zone), err);
    if (!w->zone)
        return CH_E_INVALID_TIMEZONE;
    CH_TRY(compile(w, o->date_format, NULL, &w->date, err));
    CH_TRY(compile(w, o->timestamp_format, "yyyy-MM-dd'T'HH:mm:ss[.SSS][XXX]", &w->timestamp, err));
    return compile(w, o->timestamp_ntz_format, "yyyy-MM-dd'T'HH:mm:ss[.SSS]", &w->timestamp_ntz,
                   err);
}

static ch_status open_writer(csv_writer *w, const ch_format_context *ctx, const char *path,
                             const ch_strmap *options, ch_error *err)
{
    ch_csv_options *o = &w->options;
    CH_TRY(check_types(w->schema, w->mem, err));
    CH_TRY(read_options(w, ctx, options, err));
    w->path = ch_arena_str(&w->arena, path, err);
    if (!w->path)
        return CH_E_MEMORY;
    if (o->codec != CH_CODEC_NONE) {
        CH_TRY(ch_codec_encoder(w->mem, o->codec, -1, &w->codec, err));
        w->packed = ch_mem_alloc(w->mem, PACKED_BYTES, err);
        if (!w->packed)
            return CH_E_MEMORY;
    }
    CH_TRY(ch_output_create(w->mem, ctx->store, path, &w->file, err));
    CH_TRY(open_encoding(w, err));
    for (int32_t c = 0; o->header && c < w->schema->n_fields; c++) {
        const char *name = w->schema->field[c].name;
        if (c)
            CH_TRY(add(&w->row, &w->sep, err));
        CH_TRY(put_value(w, c, name, strlen(name), err));
    }
    return end_row(w, err);
}

ch_status ch_csv_create(const ch_format_context *ctx, const char *path, const ch_type *schema,
                        const ch_strmap *options, ch_file_writer **out, ch_error *err)
{
    *out = NULL;
    csv_writer *w = writer_new(ctx->mem, err);
    if (!w)
        return CH_E_MEMORY;
    w->schema = schema;
    ch_status status = open_writer(w, ctx, path, options, err);
    if (status != CH_OK) {
        ch_csv_abandon((ch_file_writer *)w);
        return status;
    }
    *out = (ch_file_writer *)w;
    return CH_OK;
}

/* ---- lines ------------------------------------------------------------------------------------- */

ch_status ch_csv_lines_new(const ch_format_context *ctx, const ch_strmap *options,
                           ch_csv_lines **out, ch_error *err)
{
    *out = NULL;
    csv_writer *w = writer_new(ctx->mem, err);
    if (!w)
        return CH_E_MEMORY;
    ch_status status = read_options(w, ctx, options, err);
    if (status != CH_OK)
        writer_free(w);
    else
        *out = (ch_csv_lines *)w;
    return status;
}

ch_status ch_csv_line(ch_csv_lines *lines, ch_column *const *column, int32_t n, int64_t row,
                      ch_str *out, ch_error *err)
{
    csv_writer *w = (csv_writer *)lines;
    char text[VALUE_TEXT * 4];
    w->row.len = 0;
    for (int32_t c = 0; c < n; c++) {
        if (c)
            CH_TRY(add(&w->row, &w->sep, err));
        CH_TRY(put_slot(w, c, column[c], row, text, &w->encoded, err));
    }
    *out = (ch_str){w->row.data ? w->row.data : "", (int64_t)w->row.len};
    return CH_OK;
}

void ch_csv_lines_free(ch_csv_lines *lines)
{
    if (lines)
        writer_free((csv_writer *)lines);
}
