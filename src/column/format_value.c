/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_value.c - one recursive walk; styles differ in a few words and in how strings stand.
 *
 * Follows Spark's ToStringBase (CAST, ToPrettyString) and JacksonGenerator.
 */
#include "column/format_value.h"

#include <stdio.h>

#include "codec/base64.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"
#include "wire/json.h"

typedef struct writer {
    const ch_value_format *f;
    ch_buf *out;
    ch_error *err;
} writer;

static ch_status put(writer *w, const char *text)
{
    return ch_buf_adds(w->out, text, w->err);
}

/* ---- strings ----------------------------------------------------------------------------- */

static ch_status put_base64(writer *w, ch_str s)
{
    CH_TRY(ch_buf_addc(w->out, '"', w->err));
    CH_TRY(ch_buf_reserve(w->out, ch_base64_room((size_t)s.len), w->err));
    w->out->len += ch_base64(w->out->data + w->out->len, s.text, (size_t)s.len, true);
    return ch_buf_addc(w->out, '"', w->err);
}

static ch_status put_binary(writer *w, ch_str s)
{
    if (w->f->style == CH_VALUE_CAST)
        return ch_buf_add(w->out, s.text, (size_t)s.len, w->err);
    if (w->f->style == CH_VALUE_JSON)
        return put_base64(w, s);
    CH_TRY(put(w, "["));
    for (int64_t i = 0; i < s.len; i++)
        CH_TRY(ch_buf_printf(w->out, w->err, "%s%02X", i ? " " : "", (uint8_t)s.text[i]));
    return put(w, "]");
}

/* ---- values without items ---------------------------------------------------------------- */

/* yyyy-MM-ddTHH:mm:ss.SSS and, for TIMESTAMP, the zone's offset or Z: the JSON writer's default. */
static int json_timestamp(char *out, int64_t us, const ch_zone *zone)
{
    int64_t local = zone ? ch_zone_to_local(zone, us) : us, left;
    int64_t day = ch_day_of(local, &left);
    int n = ch_date_print(out, day);
    int64_t ms = left / 1000;
    n += sprintf(out + n, "T%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
                 (int)(ms / 1000 % 60), (int)(ms % 1000));
    if (!zone)
        return n;
    int64_t offset = (local - us) / CH_US_PER_SECOND;
    if (offset == 0) {
        out[n++] = 'Z';
        return n;
    }
    int64_t s = offset < 0 ? -offset : offset;
    n += sprintf(out + n, "%c%02d:%02d", offset < 0 ? '-' : '+', (int)(s / 3600),
                 (int)(s / 60 % 60));
    if (s % 60)
        n += sprintf(out + n, ":%02d", (int)(s % 60));
    return n;
}

static int print_decimal(const writer *w, ch_i128 value, int scale, char *out)
{
    bool plain = w->f->style == CH_VALUE_PRETTY || (w->f->style == CH_VALUE_CAST && w->f->ansi);
    return plain ? ch_dec_print(out, value, scale) : ch_dec_print_java(out, value, scale);
}

/* Text of a fixed-width value. *quoted: JSON wants quotes around it. */
static int print_fixed(const writer *w, const ch_column *c, int64_t s, char *out, bool *quoted)
{
    bool json = w->f->style == CH_VALUE_JSON;
    int n;
    *quoted = false;
    switch (c->type->id) {
    case CH_BOOLEAN:
        return sprintf(out, "%s", ch_bit_get(c->data, s) ? "true" : "false");
    case CH_BYTE:
        return ch_print_i64(out, ((const int8_t *)c->data)[s]);
    case CH_SHORT:
        return ch_print_i64(out, ((const int16_t *)c->data)[s]);
    case CH_INT:
        return ch_print_i64(out, ((const int32_t *)c->data)[s]);
    case CH_LONG:
        return ch_print_i64(out, ((const int64_t *)c->data)[s]);
    case CH_FLOAT:
    case CH_DOUBLE:
        n = c->type->id == CH_FLOAT ? ch_print_f32(out, ((const float *)c->data)[s])
                                    : ch_print_f64(out, ((const double *)c->data)[s]);
        *quoted = out[n - 1] == 'N' || out[n - 1] == 'y'; /* NaN, Infinity */
        return n;
    case CH_DECIMAL: {
        ch_i128 value = ch_type_is_wide_decimal(c->type) ? ((const ch_i128 *)c->data)[s]
                                                         : ((const int64_t *)c->data)[s];
        return print_decimal(w, value, c->type->scale, out);
    }
    default:
        break;
    }
    *quoted = true;
    switch (c->type->id) {
    case CH_DATE:
        return ch_date_print(out, ((const int32_t *)c->data)[s]);
    case CH_TIME:
        return ch_time_print(out, ((const int64_t *)c->data)[s]);
    case CH_TIMESTAMP: {
        int64_t us = ((const int64_t *)c->data)[s];
        return json ? json_timestamp(out, us, w->f->zone) : ch_timestamp_print(out, us, w->f->zone);
    }
    case CH_TIMESTAMP_NTZ: {
        int64_t us = ((const int64_t *)c->data)[s];
        return json ? json_timestamp(out, us, NULL) : ch_timestamp_ntz_print(out, us);
    }
    case CH_DAY_TIME_INTERVAL:
        return ch_day_time_print(out, ((const int64_t *)c->data)[s], c->type);
    case CH_YEAR_MONTH_INTERVAL:
        return ch_year_month_print(out, ((const int32_t *)c->data)[s], c->type);
    case CH_CALENDAR_INTERVAL:
        return ch_interval_print(out, ((const ch_interval *)c->data)[s]);
    default:
        return 0;
    }
}

static ch_status put_value(writer *w, const ch_column *c, int64_t i);

/* A key of a JSON object: dates and times as the numbers they are kept as, as in Spark. */
static ch_status put_json_key(writer *w, const ch_column *c, int64_t i)
{
    int64_t s = ch_column_slot(c, i);
    const ch_column *values = ch_column_values(c);
    ch_column number = {.type = CH_T_LONG, .rows = values->rows, .data = values->data};
    if (ch_type_is_view(values->type)) {
        ch_str text = ch_column_str(values, s);
        return ch_json_quote(text.text, text.len, w->out, w->err);
    }
    switch (values->type->id) {
    case CH_DATE:
    case CH_YEAR_MONTH_INTERVAL:
        number.type = CH_T_INT;
        break;
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
    case CH_TIME:
    case CH_DAY_TIME_INTERVAL:
        break;
    default: {
        ch_value_format cast = {.style = CH_VALUE_CAST, .ansi = false, .zone = w->f->zone};
        ch_buf text;
        ch_buf_init(&text, w->out->mem);
        ch_status status = ch_format_value(&cast, c, i, &text, w->err);
        if (status == CH_OK)
            status = ch_json_quote(text.data, (int64_t)text.len, w->out, w->err);
        ch_buf_release(&text);
        return status;
    }
    }
    char text[CH_NUMBER_TEXT];
    bool quoted;
    int n = print_fixed(w, &number, s, text, &quoted);
    return ch_buf_printf(w->out, w->err, "\"%.*s\"", n, text);
}

/* ---- nested ------------------------------------------------------------------------------ */

static ch_status put_array(writer *w, const ch_column *c, int64_t s)
{
    const int32_t *offset = c->data;
    CH_TRY(put(w, "["));
    for (int32_t j = offset[s]; j < offset[s + 1]; j++) {
        if (j > offset[s])
            CH_TRY(put(w, w->f->style == CH_VALUE_JSON ? "," : ", "));
        CH_TRY(put_value(w, c->child[0], j));
    }
    return put(w, "]");
}

static ch_status put_map(writer *w, const ch_column *c, int64_t s)
{
    const int32_t *offset = c->data;
    const ch_column *key = c->child[0]->child[0], *value = c->child[0]->child[1];
    bool json = w->f->style == CH_VALUE_JSON;
    CH_TRY(put(w, "{"));
    for (int32_t j = offset[s]; j < offset[s + 1]; j++) {
        if (j > offset[s])
            CH_TRY(put(w, json ? "," : ", "));
        CH_TRY(json ? put_json_key(w, key, j) : put_value(w, key, j));
        CH_TRY(put(w, json ? ":" : " -> "));
        CH_TRY(put_value(w, value, j));
    }
    return put(w, "}");
}

static ch_status put_struct(writer *w, const ch_column *c, int64_t s)
{
    bool json = w->f->style == CH_VALUE_JSON, first = true;
    CH_TRY(put(w, "{"));
    for (int32_t f = 0; f < c->n_child; f++) {
        if (json && ch_column_is_null(c->child[f], s))
            continue;
        if (!first)
            CH_TRY(put(w, json ? "," : ", "));
        first = false;
        if (json) {
            const char *name = c->type->field[f].name;
            CH_TRY(ch_json_quote(name, (int64_t)strlen(name), w->out, w->err));
            CH_TRY(put(w, ":"));
        }
        CH_TRY(put_value(w, c->child[f], s));
    }
    return put(w, "}");
}

static ch_status put_value(writer *w, const ch_column *c, int64_t i)
{
    if (ch_column_is_null(c, i))
        return put(w, w->f->style == CH_VALUE_PRETTY ? "NULL" : "null");
    int64_t s = ch_column_slot(c, i);
    c = ch_column_values(c);
    switch (c->type->id) {
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR: {
        ch_str text = ch_column_str(c, s);
        if (w->f->style == CH_VALUE_JSON)
            return ch_json_quote(text.text, text.len, w->out, w->err);
        return ch_buf_add(w->out, text.text, (size_t)text.len, w->err);
    }
    case CH_BINARY:
        return put_binary(w, ch_column_str(c, s));
    case CH_ARRAY:
        return put_array(w, c, s);
    case CH_MAP:
        return put_map(w, c, s);
    case CH_STRUCT:
        return put_struct(w, c, s);
    case CH_VARIANT:
        CH_FAIL(w->err, UNSUPPORTED, "feature", "VARIANT as text");
    default: {
        char text[CH_DATETIME_TEXT + CH_DECIMAL_TEXT];
        bool quoted;
        int n = print_fixed(w, c, s, text, &quoted);
        quoted &= w->f->style == CH_VALUE_JSON;
        if (quoted)
            CH_TRY(put(w, "\""));
        CH_TRY(ch_buf_add(w->out, text, (size_t)n, w->err));
        return quoted ? put(w, "\"") : CH_OK;
    }
    }
}

ch_status ch_format_value(const ch_value_format *format, const ch_column *c, int64_t i, ch_buf *out,
                          ch_error *err)
{
    writer w = {format, out, err};
    if (format->style == CH_VALUE_CAST && ch_column_is_null(c, i))
        return ch_buf_adds(out, "NULL", err);
    return put_value(&w, c, i);
}
