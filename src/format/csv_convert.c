/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_convert.c - columns of text, and typed ones.
 *
 * Text of up to 12 bytes is loaded as 16 and masked into its view, without a branch on the
 * length. Longer text stays where it is: the column shares the chunk, unless its long values are
 * a small part of it; then they are copied, so that a few bytes do not keep a whole chunk alive.
 */
#include "format/csv_convert.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "column/textout.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

typedef bool (*convert_fn)(const ch_csv_converter *c, const char *text, int64_t len, void *out);

struct ch_csv_converter {
    const ch_csv_options *options;
    const ch_type *type;
    convert_fn one; /* NULL: text */
    const ch_pattern *pattern;
    const ch_zone *zone;
    bool broken;       /* the pattern is none: no value converts, as in Spark */
    bool fallback;     /* what the pattern does not read is read as casts do */
    char group, point; /* of decimals */
    bool group_blank;  /* groups are divided by a no-break space */
    int64_t min, max;  /* integers */
    int32_t today;     /* for times without a date */
};

/* Long text below this part of the chunk is copied. */
#define SHARE_PART 4

/* A view as its four words: the length and twelve bytes of text. */
typedef uint32_t view_words __attribute__((vector_size(16)));
#define ALL UINT32_C(0xFFFFFFFF)
static const view_words TEXT_MASK[CH_VIEW_INLINE + 1] = {{0},
                                                         {0xFF},
                                                         {0xFFFF},
                                                         {0xFFFFFF},
                                                         {ALL},
                                                         {ALL, 0xFF},
                                                         {ALL, 0xFFFF},
                                                         {ALL, 0xFFFFFF},
                                                         {ALL, ALL},
                                                         {ALL, ALL, 0xFF},
                                                         {ALL, ALL, 0xFFFF},
                                                         {ALL, ALL, 0xFFFFFF},
                                                         {ALL, ALL, ALL}};

static inline const char *text_of(const ch_csv_source *src, const char *chunk, ch_csv_span s)
{
    return s.at & CH_CSV_SIDE ? src->side + (s.at & ~CH_CSV_SIDE) : chunk + s.at;
}

/* The view of a short text; reads 16 bytes. Little-endian machines only, as Arrow itself. */
static inline void put_short(ch_view *v, const char *p, uint32_t len)
{
    view_words text, length = {len};
    memcpy(&text, p, sizeof text);
    text = __builtin_shufflevector(text & TEXT_MASK[len], length, 4, 0, 1, 2);
    memcpy(v, &text, sizeof text);
}

static inline void put_long(ch_view *v, const char *p, ch_csv_span s)
{
    v->len = s.len;
    memcpy(v->prefix, p, sizeof v->prefix);
    v->buf = 0;
    v->offset = (int32_t)s.at;
}

/*
 * A long text's place, as a span gives it, is in its view until here: the column comes to share the
 * chunk, or all go into a buffer of their own.
 *   side_bytes  those of long_bytes that lie in the side buffer
 */
static ch_status settle_long(const ch_csv_source *src, ch_column *out, int64_t long_bytes,
                             int64_t side_bytes, ch_error *err)
{
    const char *chunk = (const char *)src->chunk->data;
    ch_view *view = out->data;
    ch_buffer *text;
    int32_t buf;
    int64_t at = 0;
    if (long_bytes == 0)
        return CH_OK;
    if (side_bytes == 0 && long_bytes >= src->chunk_len / SHARE_PART)
        return ch_column_add_text(out, ch_buffer_ref(src->chunk), &buf, err);
    if (long_bytes > INT32_MAX)
        return ch_error_memory(err, "text of one batch", long_bytes, INT32_MAX);
    CH_TRY(ch_buffer_new(out->mem, long_bytes, &text, err));
    CH_TRY(ch_column_add_text(out, text, &buf, err));
    for (int64_t r = 0; r < src->n_rows; r++) {
        if (view[r].len <= CH_VIEW_INLINE)
            continue;
        ch_csv_span from = {.at = (uint32_t)view[r].offset, .len = view[r].len};
        memcpy(text->data + at, text_of(src, chunk, from), (size_t)view[r].len);
        view[r].buf = buf;
        view[r].offset = (int32_t)at;
        at += view[r].len;
    }
    return CH_OK;
}

static ch_status convert_text(const ch_csv_source *src, const ch_csv_span *span, ch_column *out,
                              ch_error *err)
{
    const char *chunk = (const char *)src->chunk->data;
    ch_view *view = out->data;
    int64_t n = src->n_rows, long_bytes = 0, side_bytes = 0;
    int32_t nulls = 0;
    for (int64_t r = 0; r < n; r++) {
        int32_t len = span[r].len;
        uint32_t some = len < 0 ? 0 : (uint32_t)len;
        const char *p = text_of(src, chunk, span[r]);
        nulls |= len;
        if (CH_LIKELY(some <= CH_VIEW_INLINE)) {
            put_short(&view[r], p, some);
        } else {
            put_long(&view[r], p, span[r]);
            long_bytes += len;
            side_bytes += (int64_t)(span[r].at & CH_CSV_SIDE ? len : 0);
        }
    }
    if (nulls < 0) {
        CH_TRY(ch_column_need_valid(out, err));
        for (int64_t w = 0; w < ch_bit_words(n); w++) {
            int64_t base = w * 64, some = n - base < 64 ? n - base : 64;
            uint64_t bits = 0;
            for (int64_t k = 0; k < some; k++)
                bits |= (uint64_t)(span[base + k].len >= 0) << k;
            out->valid[w] = bits;
        }
    }
    return settle_long(src, out, long_bytes, side_bytes, err);
}

/* Views straight from the index. *empty: there are empty fields. Returns the bytes of long text. */
static inline __attribute__((always_inline)) int64_t
put_fields(const char *chunk, ch_view *view, int64_t n, const ch_csv_fields *fields, bool quoted,
           bool strip_cr, bool *empty)
{
    const uint32_t *pos = fields->pos;
    const uint32_t stride = fields->stride;
    int64_t long_bytes = 0;
    uint32_t any_empty = 0;
    for (int64_t r = 0; r < n; r++, pos += stride) {
        ch_csv_span s = ch_csv_field_span(chunk, pos, fields->quote, quoted, strip_cr);
        uint32_t len = (uint32_t)s.len;
        any_empty |= len - 1;
        if (CH_LIKELY(len <= CH_VIEW_INLINE)) {
            put_short(&view[r], chunk + s.at, len);
        } else {
            put_long(&view[r], chunk + s.at, s);
            long_bytes += s.len;
        }
    }
    *empty = any_empty >> 31;
    return long_bytes;
}

static ch_status convert_fields(const ch_csv_source *src, const ch_csv_fields *fields,
                                ch_column *out, ch_error *err)
{
    const char *chunk = (const char *)src->chunk->data;
    ch_view *view = out->data;
    int64_t n = src->n_rows, long_bytes;
    bool empty;
    if (fields->strip_cr)
        long_bytes = put_fields(chunk, view, n, fields, false, true, &empty);
    else if (fields->all_quoted)
        long_bytes = put_fields(chunk, view, n, fields, true, false, &empty);
    else
        long_bytes = put_fields(chunk, view, n, fields, false, false, &empty);
    if (empty) {
        CH_TRY(ch_column_need_valid(out, err));
        for (int64_t r = 0; r < n; r++)
            if (view[r].len == 0)
                ch_bit_clear(out->valid, r);
    }
    return settle_long(src, out, long_bytes, 0, err);
}

/* ---- one value ------------------------------------------------------------------------------ */

/* Java's parseInt: digits with a sign, nothing around them. */
static bool one_integer(const ch_csv_converter *c, const char *text, int64_t len, int64_t *out)
{
    if ((uint8_t)text[0] <= ' ' || (uint8_t)text[len - 1] <= ' ' || text[len - 1] == 0x7F ||
        text[0] == 0x7F)
        return false;
    return ch_parse_integer(text, len, false, c->min, c->max, out);
}

static bool one_i8(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    int64_t v;
    bool ok = one_integer(c, text, len, &v);
    *(int8_t *)out = ok ? (int8_t)v : 0;
    return ok;
}

static bool one_i16(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    int64_t v;
    bool ok = one_integer(c, text, len, &v);
    *(int16_t *)out = ok ? (int16_t)v : 0;
    return ok;
}

static bool one_i32(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    int64_t v;
    bool ok = one_integer(c, text, len, &v);
    *(int32_t *)out = ok ? (int32_t)v : 0;
    return ok;
}

static bool one_i64(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    return one_integer(c, text, len, out);
}

static bool is(ch_str a, const char *text, int64_t len)
{
    return a.len == len && memcmp(a.text, text, (size_t)len) == 0;
}

bool ch_csv_java_double(const char *text, int64_t len, double *out)
{
    if (!ch_parse_f64(text, len, out))
        return false;
    if (isfinite(*out))
        return true;
    /* Java knows NaN and Infinity in this spelling only; numbers may be too large, though. */
    ch_trim(&text, &len);
    if (len && (*text == '+' || *text == '-')) {
        text++;
        len--;
    }
    return (len && (*text < 'A' || *text > 'z')) || is((ch_str){"NaN", 3}, text, len) ||
           is((ch_str){"Infinity", 8}, text, len);
}

static bool one_f64(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    const ch_csv_options *o = c->options;
    double *v = out;
    uint8_t first = (uint8_t)text[0];
    if (first < '0' || first > '9') {
        if (is(o->nan, text, len))
            return *v = (double)NAN, true;
        if (is(o->negative_inf, text, len))
            return *v = -(double)INFINITY, true;
        if (is(o->positive_inf, text, len))
            return *v = (double)INFINITY, true;
    } else if (is(o->nan, text, len) || is(o->negative_inf, text, len) ||
               is(o->positive_inf, text, len)) {
        *v = is(o->nan, text, len)            ? (double)NAN
             : is(o->negative_inf, text, len) ? -(double)INFINITY
                                              : (double)INFINITY;
        return true;
    }
    return ch_csv_java_double(text, len, v);
}

static bool one_f32(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    double wide;
    float *v = out;
    *v = 0;
    if (!one_f64(c, text, len, &wide))
        return false;
    if (!ch_parse_f32(text, len, v) || isnan(wide))
        *v = (float)wide;
    return true;
}

static bool one_boolean(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    bool yes = len == 4 && strncasecmp(text, "true", 4) == 0;
    CH_UNUSED(c);
    *(bool *)out = yes;
    return yes || (len == 5 && strncasecmp(text, "false", 5) == 0);
}

/* Group separators out, the decimal point in. */
static int64_t plain_decimal(const ch_csv_converter *c, const char *text, int64_t len, char *out,
                             int64_t cap)
{
    int64_t n = 0;
    for (int64_t i = 0; i < len; i++) {
        if (text[i] == c->group && c->group)
            continue;
        if (c->group_blank && len - i >= 2 && memcmp(text + i, "\xC2\xA0", 2) == 0) {
            i++;
            continue;
        }
        if (c->group_blank && len - i >= 3 && memcmp(text + i, "\xE2\x80\xAF", 3) == 0) {
            i += 2;
            continue;
        }
        if (n == cap)
            return -1;
        out[n++] = text[i] == c->point ? '.' : text[i];
    }
    return n;
}

static bool one_decimal(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    char plain[512];
    ch_i128 v = 0;
    bool narrow = !ch_type_is_wide_decimal(c->type);
    if (narrow)
        *(int64_t *)out = 0;
    else
        memset(out, 0, sizeof v);
    if ((uint8_t)text[0] <= ' ' || (uint8_t)text[len - 1] <= ' ')
        return false;
    if (c->point != '.' || memchr(text, c->group, (size_t)len)) {
        len = plain_decimal(c, text, len, plain, (int64_t)sizeof plain);
        if (len <= 0)
            return false;
        text = plain;
    }
    if (ch_dec_parse(text, len, c->type->precision, c->type->scale, &v) != CH_DEC_OK)
        return false;
    if (narrow)
        *(int64_t *)out = (int64_t)v;
    else
        memcpy(out, &v, sizeof v);
    return true;
}

/* Spark 2 wrote "GMT" into dates; cleanLegacyTimestampStr takes it out. */
static const char *without_gmt(const char *text, int64_t *len, char *buf, int64_t cap)
{
    const char *at = memmem(text, (size_t)*len, "GMT", 3);
    if (!at || *len > cap)
        return text;
    int64_t n = 0;
    for (int64_t i = 0; i < *len; i++) {
        if (*len - i >= 3 && memcmp(text + i, "GMT", 3) == 0)
            i += 2;
        else
            buf[n++] = text[i];
    }
    *len = n;
    return buf;
}

static bool one_date(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    char buf[128];
    *(int32_t *)out = 0;
    if (c->broken)
        return false;
    if (c->pattern && ch_pattern_parse_date(c->pattern, text, len, out))
        return true;
    if (!c->fallback)
        return false;
    text = without_gmt(text, &len, buf, (int64_t)sizeof buf);
    return ch_date_parse(text, len, out);
}

static bool one_timestamp(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    char buf[128];
    *(int64_t *)out = 0;
    if (c->broken)
        return false;
    if (c->pattern && ch_pattern_parse(c->pattern, text, len, c->zone, out))
        return true;
    if (!c->fallback)
        return false;
    if (ch_timestamp_parse(text, len, c->zone, c->today, out))
        return true;
    const char *clean = without_gmt(text, &len, buf, (int64_t)sizeof buf);
    return clean != text && ch_timestamp_parse(clean, len, c->zone, 0, out);
}

static bool one_timestamp_ntz(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    *(int64_t *)out = 0;
    if (c->broken)
        return false;
    return c->pattern ? ch_pattern_parse_ntz(c->pattern, text, len, out)
                      : ch_timestamp_ntz_parse(text, len, false, out);
}

static bool one_year_month(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    *(int32_t *)out = 0;
    return ch_year_month_parse(text, len, c->type, out);
}

static bool one_day_time(const ch_csv_converter *c, const char *text, int64_t len, void *out)
{
    *(int64_t *)out = 0;
    return ch_day_time_parse(text, len, c->type, out);
}

/* ---- making converters ---------------------------------------------------------------------- */

/* How the language writes numbers. */
static void number_style(ch_csv_converter *c, const char *locale)
{
    static const char DOTS[] = "de es it nl pt id tr da el ro hr sl vi ";
    static const char BLANKS[] = "fr ru pl cs sk sv nb nn no fi uk bg hu ";
    char language[4] = {0};
    c->group = ',';
    c->point = '.';
    if (!locale || strlen(locale) < 2 || strcasecmp(locale, "de-CH") == 0)
        return;
    snprintf(language, sizeof language, "%.2s ", locale);
    if (strstr(DOTS, language)) {
        c->group = '.';
        c->point = ',';
    } else if (strstr(BLANKS, language)) {
        c->group = 0;
        c->group_blank = true;
        c->point = ',';
    }
}

/* A bad pattern fails no query in Spark: it reads nothing. */
static ch_status use_pattern(ch_csv_converter *c, const char *pattern, ch_arena *arena,
                             ch_error *err)
{
    ch_error ignored = {0};
    if (!pattern)
        return CH_OK;
    ch_status status =
        ch_pattern_compile(pattern, (int64_t)strlen(pattern), true, arena, &c->pattern, &ignored);
    ch_error_release(&ignored);
    if (status == CH_E_MEMORY)
        return ch_error_memory(err, "date-time pattern", 0, 0);
    c->broken = status != CH_OK;
    return CH_OK;
}

static ch_status refuse(ch_error *err, const ch_field *field, ch_mem *mem)
{
    ch_buf type;
    ch_buf_init(&type, mem);
    ch_status status = ch_type_print_sql(field->type, &type, err);
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_UNSUPPORTED_TYPE_FOR_FORMAT, "format", "CSV", "columnName",
                              field->name, "columnType", type.data, NULL);
    ch_buf_release(&type);
    return status;
}

ch_status ch_csv_converter_make(const ch_csv_options *o, const ch_field *field, ch_arena *arena,
                                const ch_csv_converter **out, ch_error *err)
{
    ch_csv_converter *c;
    CH_ARENA_NEW(c, arena, err);
    c->options = o;
    c->type = field->type;
    *out = c;
    switch (field->type->id) {
    case CH_STRING:
    case CH_BINARY:
        return CH_OK;
    case CH_BOOLEAN:
        c->one = one_boolean;
        return CH_OK;
    case CH_BYTE:
        c->one = one_i8;
        c->min = INT8_MIN;
        c->max = INT8_MAX;
        return CH_OK;
    case CH_SHORT:
        c->one = one_i16;
        c->min = INT16_MIN;
        c->max = INT16_MAX;
        return CH_OK;
    case CH_INT:
        c->one = one_i32;
        c->min = INT32_MIN;
        c->max = INT32_MAX;
        return CH_OK;
    case CH_LONG:
        c->one = one_i64;
        c->min = INT64_MIN;
        c->max = INT64_MAX;
        return CH_OK;
    case CH_FLOAT:
        c->one = one_f32;
        return CH_OK;
    case CH_DOUBLE:
        c->one = one_f64;
        return CH_OK;
    case CH_DECIMAL:
        c->one = one_decimal;
        number_style(c, o->locale);
        return CH_OK;
    case CH_DATE:
        c->one = one_date;
        c->fallback = o->datetime_fallback >= 0 ? o->datetime_fallback : !o->date_format;
        /* The usual pattern reads nothing that the fallback does not read the same. */
        return use_pattern(c,
                           o->date_format ? o->date_format
                           : c->fallback  ? NULL
                                          : "yyyy-MM-dd",
                           arena, err);
    case CH_TIMESTAMP:
        c->one = one_timestamp;
        c->zone = ch_zone_find(o->time_zone, (int64_t)strlen(o->time_zone), err);
        if (!c->zone)
            return CH_E_INVALID_TIMEZONE;
        c->fallback = !o->timestamp_format || o->datetime_fallback == 1;
        c->today = (int32_t)ch_day_of(ch_zone_to_local(c->zone, ch_now_us()), NULL);
        return use_pattern(c, o->timestamp_format, arena, err);
    case CH_TIMESTAMP_NTZ:
        c->one = one_timestamp_ntz;
        return use_pattern(c, o->timestamp_ntz_format, arena, err);
    case CH_YEAR_MONTH_INTERVAL:
        c->one = one_year_month;
        return CH_OK;
    case CH_DAY_TIME_INTERVAL:
        c->one = one_day_time;
        return CH_OK;
    case CH_CHAR:
    case CH_VARCHAR:
        CH_FAIL(err, UNSUPPORTED_CHAR_TYPE);
    case CH_TIME:
        CH_FAIL(err, UNSUPPORTED_TIME);
    default:
        return refuse(err, field, arena->mem);
    }
}

/* ---- whole columns -------------------------------------------------------------------------- */

static ch_status convert_typed(const ch_csv_converter *c, const ch_csv_source *src,
                               const ch_csv_span *span, ch_column *out, ch_error *err)
{
    const char *chunk = (const char *)src->chunk->data;
    int64_t n = src->n_rows, n_null = 0;
    int width = ch_type_width(c->type);
    uint64_t *bits = out->data;
    char *data = out->data;
    convert_fn one = c->one;
    if (width == 0)
        memset(bits, 0, (size_t)ch_bit_bytes(n));
    for (int64_t r = 0; r < n; r++) {
        bool flag = false, ok = false;
        if (CH_LIKELY(span[r].len > 0)) {
            ok = one(c, text_of(src, chunk, span[r]), span[r].len,
                     width ? (void *)(data + r * width) : (void *)&flag);
            if (width == 0)
                bits[r >> 6] |= (uint64_t)(ok && flag) << (r & 63);
        } else if (width) {
            memset(data + r * width, 0, (size_t)width);
        }
        if (CH_LIKELY(ok))
            continue;
        if (span[r].len >= 0)
            ch_bit_set(src->bad, r);
        if (n_null++ == 0)
            CH_TRY(ch_column_need_valid(out, err));
        ch_bit_clear(out->valid, r);
    }
    return CH_OK;
}

static ch_status drop_failed(ch_status status, ch_column **out)
{
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

ch_status ch_csv_convert(const ch_csv_converter *c, const ch_csv_source *src,
                         const ch_csv_span *span, ch_mem *mem, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(mem, c->type, src->n_rows, out, err));
    ch_status status =
        c->one ? convert_typed(c, src, span, *out, err) : convert_text(src, span, *out, err);
    return drop_failed(status, out);
}

bool ch_csv_converts_fields(const ch_csv_converter *c)
{
    return !c->one;
}

ch_status ch_csv_convert_fields(const ch_csv_converter *c, const ch_csv_source *src,
                                const ch_csv_fields *fields, ch_mem *mem, ch_column **out,
                                ch_error *err)
{
    CH_TRY(ch_column_new(mem, c->type, src->n_rows, out, err));
    return drop_failed(convert_fields(src, fields, *out, err), out);
}
