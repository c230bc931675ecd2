/* SPDX-License-Identifier: Apache-2.0 */
/* json_scalar.c - single values of JSON as values of SQL, after the converters of Spark's JacksonParser. */
#include "function/json_scalar.h"

#include "codec/base64.h"
#include "function/json_text.h"
#include "type/decimal.h"
#include "type/number.h"

ch_status ch_json_string_of(ch_json_rows *r, const ch_json_node *v, ch_str *out, ch_error *err)
{
    *out = (ch_str){r->json.text + v->start, v->len};
    if (!v->escaped)
        return CH_OK;
    ch_buf_reset(&r->scratch);
    CH_TRY(ch_json_text(&r->json, v, &r->scratch, err));
    *out = (ch_str){r->scratch.data ? r->scratch.data : "", (int64_t)r->scratch.len};
    return CH_OK;
}

/* A byte may be written without its sign: Jackson takes 255 for -1. */
static ch_status convert_integer(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                 bool *fits, ch_error *err)
{
    static const int64_t LOW[] = {INT8_MIN, INT16_MIN, INT32_MIN, INT64_MIN},
                         HIGH[] = {UINT8_MAX, INT16_MAX, INT32_MAX, INT64_MAX};
    int size = b->type->id == CH_BYTE    ? 0
               : b->type->id == CH_SHORT ? 1
               : b->type->id == CH_INT   ? 2
                                         : 3;
    int64_t value;
    *fits = v->kind == CH_JSON_INT &&
            ch_parse_integer(r->json.text + v->start, v->len, false, LOW[size], HIGH[size], &value);
    return *fits ? ch_json_builder_add(b, &value, (size_t)b->width, err)
                 : CH_OK; /* little-endian */
}

/* What is no number: NaN and infinities, as words and as strings. */
static bool word_of(const ch_json_rows *r, const ch_json_node *v, double *out)
{
    static const struct {
        const char *text;
        double value;
    } WORD[] = {{"NaN", __builtin_nan("")},      {"Infinity", __builtin_inf()},
                {"+Infinity", __builtin_inf()},  {"+INF", __builtin_inf()},
                {"-Infinity", -__builtin_inf()}, {"-INF", -__builtin_inf()}};
    for (size_t k = 0; k < sizeof WORD / sizeof *WORD; k++)
        if (ch_json_is(&r->json, v, WORD[k].text, (int64_t)strlen(WORD[k].text))) {
            *out = WORD[k].value;
            return true;
        }
    return false;
}

static ch_status convert_real(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                              bool *fits, ch_error *err)
{
    const char *text = r->json.text + v->start;
    bool single = b->type->id == CH_FLOAT;
    double value = 0;
    float narrow = 0;
    if (v->kind == CH_JSON_STRING ||
        (v->kind == CH_JSON_FLOAT && (uint8_t)text[v->len - 1] > '9')) {
        *fits = (r->options->flags & CH_JSON_NON_NUMERIC) && word_of(r, v, &value);
        narrow = (float)value;
    } else {
        *fits = (v->kind == CH_JSON_INT || v->kind == CH_JSON_FLOAT) &&
                (single ? ch_parse_f32(text, v->len, &narrow) : ch_parse_f64(text, v->len, &value));
    }
    if (!*fits)
        return CH_OK;
    return single ? ch_json_builder_add(b, &narrow, sizeof narrow, err)
                  : ch_json_builder_add(b, &value, sizeof value, err);
}

/* As BigDecimal reads it, but commas, which part thousands, do not count. */
static ch_status decimal_text(ch_json_rows *r, const ch_json_node *v, ch_str *s, ch_error *err)
{
    CH_TRY(ch_json_string_of(r, v, s, err));
    if (!s->len || !memchr(s->text, ',', (size_t)s->len))
        return CH_OK;
    if (!v->escaped) {
        ch_buf_reset(&r->scratch);
        CH_TRY(ch_buf_add(&r->scratch, s->text, (size_t)s->len, err));
    }
    char *to = r->scratch.data;
    for (int64_t i = 0; i < s->len; i++)
        if (r->scratch.data[i] != ',')
            *to++ = r->scratch.data[i];
    *s = (ch_str){r->scratch.data, to - r->scratch.data};
    return CH_OK;
}

static ch_status convert_decimal(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                 bool *fits, ch_error *err)
{
    ch_i128 value;
    ch_str s = {r->json.text + v->start, v->len};
    if (v->kind == CH_JSON_STRING)
        CH_TRY(decimal_text(r, v, &s, err));
    *fits = v->kind >= CH_JSON_INT && v->kind <= CH_JSON_STRING && s.len &&
            (uint8_t)s.text[0] > ' ' && (uint8_t)s.text[s.len - 1] > ' ' &&
            ch_dec_parse(s.text, s.len, b->type->precision, b->type->scale, &value) == CH_DEC_OK;
    if (!*fits)
        return CH_OK;
    int64_t narrow = (int64_t)value;
    return ch_json_builder_add(b, ch_type_is_wide_decimal(b->type) ? (const void *)&value : &narrow,
                               (size_t)b->width, err);
}

/* Text that is no date: in days since 1970, as Spark 1.5 wrote them. */
static bool parse_day(const ch_json_rows *r, ch_str s, int32_t *days)
{
    if (r->date)
        return ch_pattern_parse_date(r->date, s.text, s.len, days);
    return ch_date_parse(s.text, s.len, days) ||
           (s.len && (uint8_t)s.text[0] > ' ' && (uint8_t)s.text[s.len - 1] > ' ' &&
            ch_parse_i32(s.text, s.len, false, days));
}

static ch_status convert_time(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                              bool *fits, ch_error *err)
{
    ch_str s;
    int64_t us = 0;
    int32_t days = 0;
    if (v->kind == CH_JSON_INT &&
        b->type->id == CH_TIMESTAMP) { /* seconds; Spark's product wraps */
        *fits = ch_parse_i64(r->json.text + v->start, v->len, false, &us);
        us = (int64_t)((uint64_t)us * UINT64_C(1000000));
        return *fits ? ch_json_builder_add(b, &us, sizeof us, err) : CH_OK;
    }
    *fits = v->kind == CH_JSON_STRING;
    if (!*fits)
        return CH_OK;
    CH_TRY(ch_json_string_of(r, v, &s, err));
    switch (b->type->id) {
    case CH_DATE:
        *fits = parse_day(r, s, &days);
        return *fits ? ch_json_builder_add(b, &days, sizeof days, err) : CH_OK;
    case CH_TIMESTAMP:
        *fits = r->timestamp ? ch_pattern_parse(r->timestamp, s.text, s.len, r->zone, &us)
                             : ch_timestamp_parse(s.text, s.len, r->zone, 0, &us);
        break;
    case CH_TIMESTAMP_NTZ:
        *fits = r->ntz ? ch_pattern_parse_ntz(r->ntz, s.text, s.len, &us)
                       : ch_timestamp_ntz_parse(s.text, s.len, false, &us);
        break;
    default:
        *fits = ch_time_parse(s.text, s.len, &us);
        break;
    }
    return *fits ? ch_json_builder_add(b, &us, sizeof us, err) : CH_OK;
}

/* Text of an INTERVAL without fields that is none is NULL, and no misfit. */
static ch_status convert_interval(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                  bool *fits, ch_error *err)
{
    ch_str s;
    ch_interval any;
    int32_t months;
    int64_t us;
    *fits = v->kind == CH_JSON_STRING;
    if (!*fits)
        return CH_OK;
    CH_TRY(ch_json_string_of(r, v, &s, err));
    switch (b->type->id) {
    case CH_CALENDAR_INTERVAL:
        return ch_interval_parse(s.text, s.len, &any)
                   ? ch_json_builder_add(b, &any, sizeof any, err)
                   : ch_json_builder_null(b, err);
    case CH_YEAR_MONTH_INTERVAL:
        *fits = ch_year_month_parse(s.text, s.len, b->type, &months);
        return *fits ? ch_json_builder_add(b, &months, sizeof months, err) : CH_OK;
    default:
        *fits = ch_day_time_parse(s.text, s.len, b->type, &us);
        return *fits ? ch_json_builder_add(b, &us, sizeof us, err) : CH_OK;
    }
}

/* The buffer of the text at hand becomes one of the source's. */
static ch_status share_buffer(ch_json_rows *r, ch_error *err)
{
    ch_buffer *buffer = r->buffer;
    r->buffer = NULL;
    if (!r->buffers)
        CH_TRY(ch_column_new(r->mem, CH_T_STRING, 0, &r->buffers, err));
    r->source = r->buffers;
    r->share_buf = r->buffers->n_text - 1;
    if (r->share_buf >= 0 && r->buffers->text[r->share_buf] == buffer)
        return CH_OK;
    return ch_column_add_text(r->buffers, ch_buffer_ref(buffer), &r->share_buf, err);
}

static ch_status convert_string(ch_json_rows *r, ch_json_builder *b, int32_t i, ch_error *err)
{
    const ch_json_node *v = ch_json_at(&r->json, i);
    const char *text = r->json.text + v->start;
    if (v->kind == CH_JSON_STRING && !v->escaped) {
        ch_view view;
        if (v->len <= CH_VIEW_INLINE) {
            view = ch_json_short_view(text, v->len, r->json.len - v->start);
            return ch_json_builder_add(b, &view, sizeof view, err);
        }
        if (r->buffer)
            CH_TRY(share_buffer(r, err));
        if (r->share_buf < 0)
            return ch_json_builder_text(b, text, v->len, err);
        b->shared += v->len;
        view = ch_view_make(text, v->len, r->share_buf + 1, r->share_at + v->start);
        return ch_json_builder_add(b, &view, sizeof view, err);
    }
    if (v->kind != CH_JSON_STRING && r->options->exact_text)
        return ch_json_builder_text(b, text, v->end - v->start, err);
    ch_buf_reset(&r->scratch);
    if (v->kind == CH_JSON_STRING)
        CH_TRY(ch_json_text(&r->json, v, &r->scratch, err));
    else
        CH_TRY(ch_json_copy(&r->json, i, &r->scratch, err));
    return ch_json_builder_text(b, r->scratch.data ? r->scratch.data : "", (int64_t)r->scratch.len,
                                err);
}

static ch_status convert_binary(ch_json_rows *r, ch_json_builder *b, const ch_json_node *v,
                                bool *fits, ch_error *err)
{
    ch_str s;
    int64_t len;
    *fits = v->kind == CH_JSON_STRING;
    if (!*fits)
        return CH_OK;
    CH_TRY(ch_json_string_of(r, v, &s, err));
    ch_buf_reset(&r->bytes);
    CH_TRY(ch_buf_reserve(&r->bytes, (size_t)s.len, err));
    len = s.len ? ch_base64_decode(s.text, s.len, r->bytes.data) : 0;
    *fits = len >= 0;
    return *fits ? ch_json_builder_text(b, len ? r->bytes.data : "", len, err) : CH_OK;
}

ch_status ch_json_scalar(ch_json_rows *r, ch_json_builder *b, int32_t i, bool *fits, ch_error *err)
{
    const ch_json_node *v = ch_json_at(&r->json, i);
    bool yes = v->kind == CH_JSON_TRUE;
    *fits = true;
    switch (b->type->id) {
    case CH_BOOLEAN:
        *fits = yes || v->kind == CH_JSON_FALSE;
        return *fits ? ch_json_builder_add(b, &yes, sizeof yes, err) : CH_OK;
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        return convert_integer(r, b, v, fits, err);
    case CH_FLOAT:
    case CH_DOUBLE:
        return convert_real(r, b, v, fits, err);
    case CH_DECIMAL:
        return convert_decimal(r, b, v, fits, err);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return convert_string(r, b, i, err);
    case CH_BINARY:
        return convert_binary(r, b, v, fits, err);
    case CH_DATE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
    case CH_TIME:
        return convert_time(r, b, v, fits, err);
    case CH_CALENDAR_INTERVAL:
    case CH_YEAR_MONTH_INTERVAL:
    case CH_DAY_TIME_INTERVAL:
        return convert_interval(r, b, v, fits, err);
    case CH_NULL:
        return ch_json_builder_null(b, err);
    default:
        *fits = false;
        return CH_OK;
    }
}
