/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cast_number.c - to BOOLEAN, integers, FLOAT, DOUBLE, DECIMAL and BINARY, from anything but text.
 *
 * Integers: ANSI refuses what does not fit, legacy wraps around as Java's narrowing does.
 * Floats to integers: cut towards zero; legacy saturates and turns NaN to 0, as Java's (int).
 */
#include <math.h>

#include "function/cast.h"
#include "type/datetime.h"
#include "type/decimal.h"

static inline ch_i128 get_dec(const ch_column *c, int64_t i)
{
    return c->type->precision > 18 ? ((const ch_i128 *)c->data)[i] : ((const int64_t *)c->data)[i];
}

static inline void put_dec(ch_column *c, int64_t i, ch_i128 v)
{
    if (c->type->precision > 18)
        ((ch_i128 *)c->data)[i] = v;
    else
        ((int64_t *)c->data)[i] = (int64_t)v;
}

/* Integer to integer: a vector loop, then the faults if there were any. */
#define INT_TO_INT(S, D)                                             \
    do {                                                             \
        const S *x = job->in->data;                                  \
        D *r = job->out->data;                                       \
        int bad = 0;                                                 \
        for (int64_t i = 0; i < n; i++) {                            \
            r[i] = (D)x[i];                                          \
            bad |= (S)r[i] != x[i];                                  \
        }                                                            \
        for (int64_t i = 0; bad && i < n && !wraps; i++)             \
            if ((S)r[i] != x[i])                                     \
                CH_TRY(ch_cast_bad(job, i, CH_CAST_TOO_LARGE, err)); \
        return CH_OK;                                                \
    } while (0)

#define INT_TARGETS(S)          \
    switch (job->to->id) {      \
    case CH_BYTE:               \
        INT_TO_INT(S, int8_t);  \
    case CH_SHORT:              \
        INT_TO_INT(S, int16_t); \
    case CH_INT:                \
        INT_TO_INT(S, int32_t); \
    default:                    \
        INT_TO_INT(S, int64_t); \
    }

static int64_t least_of(const ch_type *t)
{
    return t->id == CH_BYTE    ? INT8_MIN
           : t->id == CH_SHORT ? INT16_MIN
           : t->id == CH_INT   ? INT32_MIN
                               : INT64_MIN;
}
static int64_t most_of(const ch_type *t)
{
    return t->id == CH_BYTE    ? INT8_MAX
           : t->id == CH_SHORT ? INT16_MAX
           : t->id == CH_INT   ? INT32_MAX
                               : INT64_MAX;
}

static inline void put_int(ch_column *out, int64_t i, int64_t v)
{
    switch (out->type->id) {
    case CH_BYTE:
        ((int8_t *)out->data)[i] = (int8_t)v;
        break;
    case CH_SHORT:
        ((int16_t *)out->data)[i] = (int16_t)v;
        break;
    case CH_INT:
        ((int32_t *)out->data)[i] = (int32_t)v;
        break;
    default:
        ((int64_t *)out->data)[i] = v;
    }
}

static inline double get_real(const ch_column *c, int64_t i)
{
    return c->type->id == CH_FLOAT ? (double)((const float *)c->data)[i]
                                   : ((const double *)c->data)[i];
}

/* Java's (long), or (int) for the smaller targets, which then wrap. */
static int64_t java_cast(double v, bool to_long)
{
    if (v != v)
        return 0;
    if (to_long)
        return v >= 9223372036854775808.0    ? INT64_MAX
               : v <= -9223372036854775808.0 ? INT64_MIN
                                             : (int64_t)v;
    return v >= 2147483647.0 ? INT32_MAX : v <= -2147483648.0 ? INT32_MIN : (int64_t)v;
}

static ch_status real_to_int(const ch_cast_job *job, ch_error *err)
{
    double most = (double)most_of(job->to), least = (double)least_of(job->to);
    bool to_long = job->to->id == CH_LONG;
    for (int64_t i = 0; i < job->rows; i++) {
        double v = get_real(job->in, i);
        put_int(job->out, i, java_cast(v, to_long));
        if (job->mode == CH_CAST_LEGACY)
            continue;
        bool fits = floor(v) <= most && ceil(v) >= least;
        if (to_long && v >= 9223372036854775808.0)
            fits =
                v == 9223372036854775808.0; /* (double)Long.MAX_VALUE counts as fitting in Java */
        if (!fits)
            CH_TRY(ch_cast_bad(job, i, CH_CAST_TOO_LARGE, err));
    }
    return CH_OK;
}

/* Anything that is first an int64: booleans, decimals, timestamps, intervals. */
static ch_status wide_to_int(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    static const int64_t unit[] = {CH_US_PER_DAY, CH_US_PER_HOUR, CH_US_PER_MINUTE,
                                   CH_US_PER_SECOND};
    for (int64_t i = 0; i < job->rows; i++) {
        ch_i128 v = 0;
        switch (job->from->id) {
        case CH_BOOLEAN:
            v = ch_bit_get(in->data, i);
            break;
        case CH_DECIMAL:
            v = get_dec(in, i) / (ch_i128)ch_pow10_128[job->from->scale];
            break;
        case CH_TIMESTAMP: {
            int64_t us = ((const int64_t *)in->data)[i];
            v = us / CH_US_PER_SECOND - (us % CH_US_PER_SECOND < 0);
            break;
        }
        case CH_DAY_TIME_INTERVAL:
            v = ((const int64_t *)in->data)[i] / unit[job->from->stop];
            break;
        case CH_YEAR_MONTH_INTERVAL:
            v = ((const int32_t *)in->data)[i] / (job->from->stop == CH_YEAR ? 12 : 1);
            break;
        default: /* DATE, legacy only: NULL */
            CH_TRY(ch_set_null(job->out, i, err));
        }
        put_int(job->out, i, (int64_t)v);
        if (v < least_of(job->to) || v > most_of(job->to)) {
            bool decimal = job->from->id == CH_DECIMAL;
            if (job->mode != CH_CAST_LEGACY || (decimal && (v < INT64_MIN || v > INT64_MAX)))
                CH_TRY(ch_cast_bad(job, i, CH_CAST_TOO_LARGE, err));
        }
    }
    return CH_OK;
}

static ch_status to_int(const ch_cast_job *job, ch_error *err)
{
    int64_t n = job->rows;
    bool wraps = job->mode == CH_CAST_LEGACY;
    switch (job->from->id) {
    case CH_BYTE:
        INT_TARGETS(int8_t)
    case CH_SHORT:
        INT_TARGETS(int16_t)
    case CH_INT:
        INT_TARGETS(int32_t)
    case CH_LONG:
        INT_TARGETS(int64_t)
    case CH_FLOAT:
    case CH_DOUBLE:
        return real_to_int(job, err);
    default:
        return wide_to_int(job, err);
    }
}

#define REAL_LOOP(T, EXPR)                    \
    for (int64_t i = 0; i < job->rows; i++) { \
        const T v = ((const T *)in->data)[i]; \
        (void)v;                              \
        if (narrow)                           \
            f[i] = (float)(EXPR);             \
        else                                  \
            d[i] = (double)(EXPR);            \
    }

static ch_status to_real(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    float *f = job->out->data;
    double *d = job->out->data;
    bool narrow = job->to->id == CH_FLOAT;
    switch (job->from->id) {
    case CH_BYTE:
        REAL_LOOP(int8_t, v)
        break;
    case CH_SHORT:
        REAL_LOOP(int16_t, v)
        break;
    case CH_INT:
        REAL_LOOP(int32_t, v)
        break;
    case CH_LONG:
        REAL_LOOP(int64_t, v)
        break;
    case CH_FLOAT:
        REAL_LOOP(float, v)
        break;
    case CH_DOUBLE:
        REAL_LOOP(double, v)
        break;
    case CH_BOOLEAN:
        for (int64_t i = 0; i < job->rows; i++) {
            if (narrow)
                f[i] = (float)ch_bit_get(in->data, i);
            else
                d[i] = (double)ch_bit_get(in->data, i);
        }
        break;
    case CH_TIMESTAMP:
        REAL_LOOP(int64_t, (double)v / 1e6)
        break;
    case CH_DECIMAL:
        for (int64_t i = 0; i < job->rows; i++) {
            double v = ch_dec_to_f64(get_dec(in, i), job->from->scale);
            if (narrow)
                f[i] = (float)v;
            else
                d[i] = v;
        }
        break;
    default:
        for (int64_t i = 0; i < job->rows; i++)
            CH_TRY(ch_set_null(job->out, i, err));
    }
    return CH_OK;
}

static ch_status to_decimal(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    int p = job->to->precision, s = job->to->scale, from_scale = 0;
    static const int64_t unit[] = {CH_US_PER_DAY, CH_US_PER_HOUR, CH_US_PER_MINUTE,
                                   CH_US_PER_SECOND};
    for (int64_t i = 0; i < job->rows; i++) {
        ch_i128 v = 0, r = 0;
        bool fits = true, real = false;
        switch (job->from->id) {
        case CH_BYTE:
            v = ((const int8_t *)in->data)[i];
            break;
        case CH_SHORT:
            v = ((const int16_t *)in->data)[i];
            break;
        case CH_INT:
            v = ((const int32_t *)in->data)[i];
            break;
        case CH_LONG:
            v = ((const int64_t *)in->data)[i];
            break;
        case CH_BOOLEAN:
            v = ch_bit_get(in->data, i);
            break;
        case CH_DECIMAL:
            v = get_dec(in, i);
            from_scale = job->from->scale;
            break;
        case CH_FLOAT:
        case CH_DOUBLE:
            real = true;
            if (!isfinite(get_real(in, i))) { /* NULL, with ANSI as well */
                CH_TRY(ch_set_null(job->out, i, err));
                break;
            }
            fits = !ch_is_valid(in, i) || ch_dec_from_f64(get_real(in, i), p, s, &r);
            break;
        case CH_TIMESTAMP:
            v = ((const int64_t *)in->data)[i];
            from_scale = 6;
            break;
        case CH_DAY_TIME_INTERVAL:
            if (job->from->stop == CH_SECOND) {
                v = ((const int64_t *)in->data)[i];
                from_scale = 6;
            } else {
                v = ((const int64_t *)in->data)[i] / unit[job->from->stop];
            }
            break;
        case CH_YEAR_MONTH_INTERVAL:
            v = ((const int32_t *)in->data)[i] / (job->from->stop == CH_YEAR ? 12 : 1);
            break;
        default:
            CH_TRY(ch_set_null(job->out, i, err));
        }
        if (!real)
            fits = !ch_is_valid(in, i) || ch_dec_rescale(v, from_scale, p, s, &r);
        put_dec(job->out, i, fits ? r : 0);
        if (!fits)
            CH_TRY(ch_cast_bad(job, i, CH_CAST_NOT_DECIMAL, err));
    }
    return CH_OK;
}

#define TRUTH(T)                            \
    for (int64_t i = 0; i < job->rows; i++) \
        if (((const T *)in->data)[i] != 0)  \
            ch_bit_set(bits, i);            \
    break

static ch_status to_boolean(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    uint64_t *bits = job->out->data;
    ch_bits_fill(bits, job->rows, false);
    switch (job->from->id) {
    case CH_FLOAT:
        TRUTH(float);
    case CH_DOUBLE:
        TRUTH(double);
    case CH_DATE:
        for (int64_t i = 0; i < job->rows; i++)
            CH_TRY(ch_set_null(job->out, i, err));
        break;
    default:
        switch (ch_type_width(job->from)) {
        case 1:
            TRUTH(int8_t);
        case 2:
            TRUTH(int16_t);
        case 4:
            TRUTH(int32_t);
        case 8:
            TRUTH(int64_t);
        default:
            TRUTH(ch_i128);
        }
    }
    return CH_OK;
}

/* Integers as big-endian bytes; at most 8, so they fit inside the view. */
static ch_status to_binary(const ch_cast_job *job)
{
    int width = ch_type_width(job->from);
    const uint8_t *in = job->in->data;
    for (int64_t i = 0; i < job->rows; i++) {
        char bytes[8];
        for (int b = 0; b < width; b++)
            bytes[b] = (char)in[i * width + width - 1 - b];
        ((ch_view *)job->out->data)[i] = ch_view_make(bytes, width, 0, 0);
    }
    return CH_OK;
}

ch_status ch_cast_to_number(const ch_cast_job *job, ch_error *err)
{
    switch (job->to->id) {
    case CH_BOOLEAN:
        return to_boolean(job, err);
    case CH_FLOAT:
    case CH_DOUBLE:
        return to_real(job, err);
    case CH_DECIMAL:
        return to_decimal(job, err);
    case CH_BINARY:
        return to_binary(job);
    default:
        return to_int(job, err);
    }
}
