/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_rows.c - rows of a database become columns.
 *
 * Values are put where they stay; long texts go to buffers of the column, a new one when one is full. Nested values,
 * which are rare, wait as scalars until the batch is whole.
 */
#include <stdio.h>
#include <stdlib.h>

#include "source/jdbc.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

enum { TEXT_BYTES = 1 << 16 };

static ch_status column_init(ch_jdbc_rows *rows, ch_jdbc_column *c, ch_error *err)
{
    *c = (ch_jdbc_column){.type = c->type};
    if (!ch_type_is_nested(c->type))
        return ch_column_new(rows->mem, c->type, rows->cap, &c->column, err);
    CH_ARENA_ARRAY(c->value, &rows->arena, rows->cap + 1, err);
    return CH_OK;
}

ch_status ch_jdbc_rows_init(ch_jdbc_rows *rows, ch_mem *mem, const ch_zone *zone,
                            const ch_type *const *type, int32_t n_columns, int64_t cap,
                            ch_error *err)
{
    *rows = (ch_jdbc_rows){.mem = mem, .zone = zone, .n_columns = n_columns, .cap = cap};
    ch_arena_init(&rows->arena, mem);
    rows->column = ch_mem_zalloc(mem, sizeof *rows->column * (size_t)(n_columns + 1), err);
    if (!rows->column)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < n_columns; c++)
        rows->column[c].type = type[c];
    for (int32_t c = 0; c < n_columns; c++)
        CH_TRY(column_init(rows, &rows->column[c], err));
    return CH_OK;
}

void ch_jdbc_rows_release(ch_jdbc_rows *rows)
{
    for (int32_t c = 0; rows->column && c < rows->n_columns; c++) {
        ch_column_unref(rows->column[c].column);
        ch_buffer_unref(rows->column[c].text);
    }
    if (rows->column)
        ch_mem_free(rows->mem, rows->column, sizeof *rows->column * (size_t)(rows->n_columns + 1));
    rows->column = NULL;
    if (rows->mem)
        ch_arena_release(&rows->arena);
}

/* The text buffer belongs to the column from here on. */
static ch_status end_text(ch_jdbc_column *c, ch_error *err)
{
    ch_buffer *text = c->text;
    int32_t idx;
    if (!text)
        return CH_OK;
    c->text = NULL;
    CH_TRY(ch_column_add_text(c->column, text, &idx, err));
    return CH_OK;
}

static ch_status nested_column(ch_jdbc_rows *rows, const ch_jdbc_column *c, ch_column **out,
                               ch_error *err)
{
    const ch_scalar **value;
    CH_ARENA_ARRAY(value, &rows->arena, rows->n + 1, err);
    for (int64_t i = 0; i < rows->n; i++)
        value[i] = &c->value[i];
    return ch_column_scalars(rows->mem, c->type, value, rows->n, out, err);
}

ch_status ch_jdbc_rows_take(ch_jdbc_rows *rows, ch_batch *out, ch_error *err)
{
    for (int32_t i = 0; i < rows->n_columns; i++) {
        ch_jdbc_column *c = &rows->column[i];
        if (!c->column) {
            CH_TRY(nested_column(rows, c, &out->col[i], err));
            continue;
        }
        CH_TRY(end_text(c, err));
        c->column->rows = rows->n;
        if (c->column->valid && rows->n & 63) /* bits past the last row are off */
            c->column->valid[rows->n >> 6] &= (UINT64_C(1) << (rows->n & 63)) - 1;
        out->col[i] = c->column;
        c->column = NULL;
    }
    return CH_OK;
}

/* ---- values --------------------------------------------------------------------------------------------- */

ch_status ch_jdbc_put_null(ch_jdbc_rows *rows, int32_t i, ch_error *err)
{
    ch_jdbc_column *c = &rows->column[i];
    if (!c->column) {
        c->value[rows->n] = (ch_scalar){.type = c->type, .is_null = true};
        return CH_OK;
    }
    if (c->type->id == CH_NULL)
        return CH_OK;
    CH_TRY(ch_column_need_valid(c->column, err));
    ch_bit_clear(c->column->valid, rows->n);
    if (ch_type_is_view(c->type))
        ((ch_view *)c->column->data)[rows->n] = (ch_view){0};
    else if (c->type->id == CH_BOOLEAN)
        ch_bit_clear(c->column->data, rows->n);
    else
        memset((char *)c->column->data + rows->n * ch_type_width(c->type), 0,
               (size_t)ch_type_width(c->type));
    return CH_OK;
}

void ch_jdbc_put_bool(ch_jdbc_rows *rows, int32_t c, bool value)
{
    ch_bit_put(rows->column[c].column->data, rows->n, value);
}

void ch_jdbc_put_decimal(ch_jdbc_rows *rows, int32_t c, ch_i128 value)
{
    ch_column *to = rows->column[c].column;
    if (ch_type_is_wide_decimal(to->type))
        ((ch_i128 *)to->data)[rows->n] = value;
    else
        ((int64_t *)to->data)[rows->n] = (int64_t)value;
}

void ch_jdbc_put_f64(ch_jdbc_rows *rows, int32_t c, double value)
{
    ch_column *to = rows->column[c].column;
    if (to->type->id == CH_FLOAT)
        ((float *)to->data)[rows->n] = (float)value;
    else
        ((double *)to->data)[rows->n] = value;
}

void ch_jdbc_put_scalar(ch_jdbc_rows *rows, int32_t c, const ch_scalar *value)
{
    rows->column[c].value[rows->n] = *value;
}

static ch_status more_text(ch_jdbc_rows *rows, ch_jdbc_column *c, int64_t len, ch_error *err)
{
    int64_t bytes = TEXT_BYTES;
    CH_TRY(end_text(c, err));
    /* The next one is larger: a batch of long texts has few buffers. */
    for (int32_t i = 0; i < c->column->n_text && bytes < TEXT_BYTES * 16; i++)
        bytes *= 2;
    c->text_idx = c->column->n_text;
    c->text_len = 0;
    return ch_buffer_new(rows->mem, len > bytes ? len : bytes, &c->text, err);
}

/* text and n_blanks behind it, as a value. */
static ch_status put_view(ch_jdbc_rows *rows, int32_t i, const char *text, int64_t len,
                          int64_t n_blanks, ch_error *err)
{
    ch_jdbc_column *c = &rows->column[i];
    int64_t bytes = len + n_blanks;
    char small[CH_VIEW_INLINE], *to = small;
    if (bytes > INT32_MAX)
        return ch_error_memory(err, "text of one value", bytes, INT32_MAX);
    if (bytes > CH_VIEW_INLINE) {
        if (!c->text || c->text->bytes - c->text_len < bytes)
            CH_TRY(more_text(rows, c, bytes, err));
        to = (char *)c->text->data + c->text_len;
    }
    if (len)
        memcpy(to, text, (size_t)len);
    memset(to + len, ' ', (size_t)n_blanks);
    ((ch_view *)c->column->data)[rows->n] = ch_view_make(to, bytes, c->text_idx, c->text_len);
    c->text_len += bytes > CH_VIEW_INLINE ? bytes : 0;
    return CH_OK;
}

ch_status ch_jdbc_put_bytes(ch_jdbc_rows *rows, int32_t i, const char *text, int64_t len,
                            ch_error *err)
{
    int64_t n_blanks = rows->column[i].padding;
    for (int64_t k = 0; k < len && n_blanks > 0; k++)
        n_blanks -= ((uint8_t)text[k] & 0xC0) != 0x80;
    return put_view(rows, i, text, len, n_blanks, err);
}

ch_status ch_jdbc_bad_value(const ch_jdbc_rows *rows, int32_t c, const char *text, int64_t len,
                            ch_error *err)
{
    char shown[64], type[64];
    ch_buf print;
    snprintf(shown, sizeof shown, "%.*s", (int)(len < 60 ? len : 60), text);
    ch_buf_init(&print, rows->mem);
    (void)!ch_type_print_sql(rows->column[c].type, &print, NULL);
    snprintf(type, sizeof type, "%s", print.data ? print.data : "");
    ch_buf_release(&print);
    CH_FAIL(err, JDBC_VALUE, "value", shown, "type", type);
}

/* Text of PostgreSQL, MySQL and SQLite is "yyyy-mm-dd hh:mm:ss.ffffff" nearly always. */
static bool plain_digits(const char *t, int n, int *out)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        unsigned d = (unsigned)(t[i] - '0');
        if (d > 9)
            return false;
        v = v * 10 + (int)d;
    }
    *out = v;
    return true;
}

static bool plain_date(const char *t, int64_t len, ch_civil *c)
{
    int y, m, d;
    if (len < 10 || t[4] != '-' || t[7] != '-' || !plain_digits(t, 4, &y) ||
        !plain_digits(t + 5, 2, &m) || !plain_digits(t + 8, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > ch_days_in_month(y, m))
        return false;
    *c = (ch_civil){.year = y, .month = m, .day = d};
    return true;
}

static bool wall_clock(const char *t, int64_t len, int64_t *out)
{
    ch_civil c;
    int h, m, s, us = 0;
    if (len >= 19 && len <= 26 && len != 20 && (t[10] == ' ' || t[10] == 'T') && t[13] == ':' &&
        t[16] == ':' && plain_date(t, len, &c) && plain_digits(t + 11, 2, &h) &&
        plain_digits(t + 14, 2, &m) && plain_digits(t + 17, 2, &s) && h < 24 && m < 60 && s < 60 &&
        (len == 19 || (t[19] == '.' && plain_digits(t + 20, (int)len - 20, &us)))) {
        for (int64_t i = len; len > 19 && i < 26; i++)
            us *= 10;
        *out = ch_micros_from_civil(&c) + ((int64_t)(h * 60 + m) * 60 + s) * CH_US_PER_SECOND + us;
        return true;
    }
    return ch_timestamp_ntz_parse(t, len, true, out);
}

static ch_status put_time(ch_jdbc_rows *rows, int32_t c, const char *text, int64_t len,
                          ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    int64_t wide;
    int32_t days;
    bool ok;
    if (type->id == CH_DATE) {
        ok = ch_date_parse(text, len, &days);
        wide = days;
    } else if (type->id == CH_TIME) {
        ok = ch_time_parse(text, len, &wide);
    } else if (type->id == CH_TIMESTAMP_NTZ) {
        ok = wall_clock(text, len, &wide);
    } else {
        ch_civil civil;
        ok = len <= 26 && plain_date(text, len, &civil) && wall_clock(text, len, &wide);
        if (ok)
            wide = ch_zone_to_utc(rows->zone, wide);
        else
            ok = ch_timestamp_parse(text, len, rows->zone, 0, &wide);
    }
    if (!ok)
        return ch_jdbc_bad_value(rows, c, text, len, err);
    ch_jdbc_put_i64(rows, c, wide);
    return CH_OK;
}

/* Digits and a sign; false: more than that, or too many. */
static inline bool quick_integer(const char *t, int64_t len, int64_t *out)
{
    bool minus = len > 0 && t[0] == '-';
    int64_t v = 0;
    if (len - minus < 1 || len - minus > 18)
        return false;
    for (int64_t i = minus; i < len; i++) {
        unsigned d = (unsigned)(t[i] - '0');
        if (d > 9)
            return false;
        v = v * 10 + d;
    }
    *out = minus ? -v : v;
    return true;
}

static ch_status put_integer(ch_jdbc_rows *rows, int32_t c, const char *text, int64_t len,
                             ch_error *err)
{
    static const int64_t MAX[] = {
        [CH_BYTE] = INT8_MAX, [CH_SHORT] = INT16_MAX, [CH_INT] = INT32_MAX, [CH_LONG] = INT64_MAX};
    int64_t v, max = MAX[rows->column[c].type->id];
    if (!quick_integer(text, len, &v) && !ch_parse_i64(text, len, true, &v))
        return ch_jdbc_bad_value(rows, c, text, len, err);
    if (v > max || v < -max - 1)
        return ch_jdbc_bad_value(rows, c, text, len, err);
    ch_jdbc_put_i64(rows, c, v);
    return CH_OK;
}

ch_status ch_jdbc_put_text(ch_jdbc_rows *rows, int32_t c, const char *text, int64_t len,
                           ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    ch_i128 decimal;
    double f64;
    float f32;
    bool on;
    switch (type->id) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        return put_integer(rows, c, text, len, err);
    case CH_FLOAT:
        if (!ch_parse_f32(text, len, &f32))
            break;
        ch_jdbc_put_f64(rows, c, (double)f32);
        return CH_OK;
    case CH_DOUBLE:
        if (!ch_parse_f64(text, len, &f64))
            break;
        ch_jdbc_put_f64(rows, c, f64);
        return CH_OK;
    case CH_DECIMAL:
        if (ch_dec_parse(text, len, type->precision, type->scale, &decimal) != CH_DEC_OK)
            break;
        ch_jdbc_put_decimal(rows, c, decimal);
        return CH_OK;
    case CH_BOOLEAN:
        if (!ch_parse_bool(text, len, &on))
            break;
        ch_jdbc_put_bool(rows, c, on);
        return CH_OK;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        return ch_jdbc_put_bytes(rows, c, text, len, err);
    case CH_DATE:
    case CH_TIME:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        return put_time(rows, c, text, len, err);
    default:
        break;
    }
    return ch_jdbc_bad_value(rows, c, text, len, err);
}
