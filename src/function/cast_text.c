/* SPDX-License-Identifier: Apache-2.0 */
/* cast_text.c - strings to everything, and everything that is not nested to strings. */
#include "column/textout.h"
#include "function/cast.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

/* One loop per target: PARSE is an expression over s that says whether r was read. */
#define PARSE_LOOP(T, PARSE)                                         \
    do {                                                             \
        T *to = job->out->data;                                      \
        for (int64_t i = 0; i < job->rows; i++) {                    \
            T r = 0;                                                 \
            ch_str s = ch_column_str(in, i);                         \
            if (!(PARSE))                                            \
                CH_TRY(ch_cast_bad(job, i, CH_CAST_MALFORMED, err)); \
            to[i] = r;                                               \
        }                                                            \
        return CH_OK;                                                \
    } while (0)

#define PARSE_INT(T, MIN, MAX) \
    PARSE_LOOP(T,              \
               (ok = ch_parse_integer(s.text, s.len, fraction, MIN, MAX, &wide), r = (T)wide, ok))

static ch_status to_decimal(const ch_cast_job *job, ch_error *err)
{
    bool wide = job->to->precision > 18;
    for (int64_t i = 0; i < job->rows; i++) {
        ch_i128 v = 0;
        ch_str s = ch_column_str(job->in, i);
        ch_dec_result r = ch_dec_parse(s.text, s.len, job->to->precision, job->to->scale, &v);
        if (r != CH_DEC_OK)
            CH_TRY(ch_cast_bad(job, i, r == CH_DEC_BAD ? CH_CAST_MALFORMED : CH_CAST_NOT_DECIMAL,
                               err));
        if (wide)
            ((ch_i128 *)job->out->data)[i] = v;
        else
            ((int64_t *)job->out->data)[i] = (int64_t)v;
    }
    return CH_OK;
}

static ch_status to_boolean(const ch_cast_job *job, ch_error *err)
{
    for (int64_t i = 0; i < job->rows; i++) {
        bool v;
        ch_str s = ch_column_str(job->in, i);
        if (!ch_parse_bool(s.text, s.len, &v))
            CH_TRY(ch_cast_bad(job, i, CH_CAST_MALFORMED, err));
        ch_bit_put(job->out->data, i, v);
    }
    return CH_OK;
}

static ch_status to_interval(const ch_cast_job *job, ch_error *err)
{
    ch_interval *to = job->out->data;
    for (int64_t i = 0; i < job->rows; i++) {
        ch_str s = ch_column_str(job->in, i);
        if (!ch_interval_parse(s.text, s.len, &to[i]))
            CH_TRY(ch_cast_bad(job, i, CH_CAST_MALFORMED, err));
    }
    return CH_OK;
}

ch_status ch_cast_from_text(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    bool fraction = job->mode == CH_CAST_LEGACY || (job->ctx && !job->ctx->ansi), ok;
    int64_t wide;
    int64_t now = job->ctx ? job->ctx->now_us : 0;
    int32_t today = (int32_t)ch_day_of(ch_zone_to_local(job->zone, now), NULL);
    switch (job->to->id) {
    case CH_BOOLEAN:
        return to_boolean(job, err);
    case CH_BYTE:
        PARSE_INT(int8_t, INT8_MIN, INT8_MAX);
    case CH_SHORT:
        PARSE_INT(int16_t, INT16_MIN, INT16_MAX);
    case CH_INT:
        PARSE_INT(int32_t, INT32_MIN, INT32_MAX);
    case CH_LONG:
        PARSE_INT(int64_t, INT64_MIN, INT64_MAX);
    case CH_FLOAT:
        PARSE_LOOP(float, ch_parse_f32(s.text, s.len, &r));
    case CH_DOUBLE:
        PARSE_LOOP(double, ch_parse_f64(s.text, s.len, &r));
    case CH_DECIMAL:
        return to_decimal(job, err);
    case CH_DATE:
        PARSE_LOOP(int32_t, ch_date_parse(s.text, s.len, &r));
    case CH_TIMESTAMP:
        PARSE_LOOP(int64_t, ch_timestamp_parse(s.text, s.len, job->zone, today, &r));
    case CH_TIMESTAMP_NTZ:
        PARSE_LOOP(int64_t, ch_timestamp_ntz_parse(s.text, s.len, true, &r));
    case CH_TIME:
        PARSE_LOOP(int64_t, ch_time_parse(s.text, s.len, &r));
    case CH_DAY_TIME_INTERVAL:
        PARSE_LOOP(int64_t, ch_day_time_parse(s.text, s.len, job->to, &r));
    case CH_YEAR_MONTH_INTERVAL:
        PARSE_LOOP(int32_t, ch_year_month_parse(s.text, s.len, job->to, &r));
    default:
        return to_interval(job, err);
    }
}

static int put_word(char *out, const char *word)
{
    size_t n = strlen(word);
    memcpy(out, word, n);
    return (int)n;
}

int ch_cast_print(const ch_cast_job *job, const ch_column *in, int64_t i, char *out)
{
    const ch_type *t = in->type;
    switch (t->id) {
    case CH_BOOLEAN:
        return put_word(out, ch_bit_get(in->data, i) ? "true" : "false");
    case CH_BYTE:
        return ch_print_i64(out, ((const int8_t *)in->data)[i]);
    case CH_SHORT:
        return ch_print_i64(out, ((const int16_t *)in->data)[i]);
    case CH_INT:
        return ch_print_i64(out, ((const int32_t *)in->data)[i]);
    case CH_LONG:
        return ch_print_i64(out, ((const int64_t *)in->data)[i]);
    case CH_FLOAT:
        return ch_print_f32(out, ((const float *)in->data)[i]);
    case CH_DOUBLE:
        return ch_print_f64(out, ((const double *)in->data)[i]);
    case CH_DECIMAL: {
        ch_i128 v =
            t->precision > 18 ? ((const ch_i128 *)in->data)[i] : ((const int64_t *)in->data)[i];
        bool plain = !job->ctx || job->ctx->ansi;
        return plain ? ch_dec_print(out, v, t->scale) : ch_dec_print_java(out, v, t->scale);
    }
    case CH_DATE:
        return ch_date_print(out, ((const int32_t *)in->data)[i]);
    case CH_TIMESTAMP:
        return ch_timestamp_print(out, ((const int64_t *)in->data)[i], job->zone);
    case CH_TIMESTAMP_NTZ:
        return ch_timestamp_ntz_print(out, ((const int64_t *)in->data)[i]);
    case CH_TIME:
        return ch_time_print(out, ((const int64_t *)in->data)[i]);
    case CH_DAY_TIME_INTERVAL:
        return ch_day_time_print(out, ((const int64_t *)in->data)[i], t);
    case CH_YEAR_MONTH_INTERVAL:
        return ch_year_month_print(out, ((const int32_t *)in->data)[i], t);
    case CH_CALENDAR_INTERVAL:
        return ch_interval_print(out, ((const ch_interval *)in->data)[i]);
    default:
        return 0;
    }
}

ch_status ch_cast_to_text(const ch_cast_job *job, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, job->out);
    for (int64_t i = 0; i < job->rows; i++) {
        if (!ch_is_valid(job->in, i)) {
            ch_textout_empty(&w, i);
            continue;
        }
        char text[CH_DATETIME_TEXT];
        CH_TRY(ch_textout_put(&w, i, text, ch_cast_print(job, job->in, i, text), err));
    }
    return CH_OK;
}
