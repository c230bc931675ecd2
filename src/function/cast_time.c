/* SPDX-License-Identifier: Apache-2.0 */
/* cast_time.c - to dates, timestamps and intervals, from anything but text. */
#include <math.h>

#include "function/cast.h"
#include "type/datetime.h"
#include "type/decimal.h"

/* A local midnight may lie beyond what a timestamp holds. */
static int64_t midnight(int64_t days)
{
    int64_t us;
    if (__builtin_mul_overflow(days, CH_US_PER_DAY, &us))
        return days < 0 ? INT64_MIN : INT64_MAX;
    return us;
}

static ch_status to_date(const ch_cast_job *job)
{
    const int64_t *x = job->in->data;
    int32_t *r = job->out->data;
    bool local = job->from->id == CH_TIMESTAMP && job->zone != &ch_zone_utc;
    for (int64_t i = 0; i < job->rows; i++)
        r[i] = (int32_t)ch_day_of(local ? ch_zone_to_local(job->zone, x[i]) : x[i], NULL);
    return CH_OK;
}

static ch_status number_to_timestamp(const ch_cast_job *job, ch_error *err)
{
    const ch_column *in = job->in;
    int64_t *r = job->out->data;
    for (int64_t i = 0; i < job->rows; i++) {
        int64_t s = 0;
        r[i] = 0;
        switch (job->from->id) {
        case CH_BOOLEAN:
            r[i] = ch_bit_get(in->data, i);
            continue;
        case CH_FLOAT:
        case CH_DOUBLE: {
            double v = job->from->id == CH_FLOAT ? (double)((const float *)in->data)[i]
                                                 : ((const double *)in->data)[i];
            double us = v * 1e6;
            if (isnan(v) || isinf(v) ||
                (job->mode != CH_CAST_LEGACY &&
                 (us >= 9223372036854775808.0 || us < -9223372036854775808.0)))
                CH_TRY(ch_cast_bad(job, i, CH_CAST_TOO_LARGE, err));
            else
                r[i] = us >= 9223372036854775808.0    ? INT64_MAX
                       : us <= -9223372036854775808.0 ? INT64_MIN
                                                      : (int64_t)us;
            continue;
        }
        case CH_DECIMAL: {
            ch_i128 v = job->from->precision > 18 ? ((const ch_i128 *)in->data)[i]
                                                  : ((const int64_t *)in->data)[i];
            int scale = job->from->scale;
            v = scale >= 6 ? v / (ch_i128)ch_pow10_128[scale - 6]
                           : v * (ch_i128)ch_pow10_128[6 - scale];
            if (v < INT64_MIN || v > INT64_MAX)
                CH_TRY(ch_cast_bad(job, i, CH_CAST_TOO_LARGE, err));
            r[i] = (int64_t)v;
            continue;
        }
        case CH_BYTE:
            s = ((const int8_t *)in->data)[i];
            break;
        case CH_SHORT:
            s = ((const int16_t *)in->data)[i];
            break;
        case CH_INT:
            s = ((const int32_t *)in->data)[i];
            break;
        default:
            s = ((const int64_t *)in->data)[i];
        }
        if (__builtin_mul_overflow(s, CH_US_PER_SECOND, &r[i]))
            r[i] = s < 0 ? INT64_MIN : INT64_MAX;
    }
    return CH_OK;
}

static ch_status to_timestamp(const ch_cast_job *job, ch_error *err)
{
    int64_t *r = job->out->data;
    bool ntz = job->to->id == CH_TIMESTAMP_NTZ, utc = job->zone == &ch_zone_utc;
    if (job->from->id == CH_DATE) {
        const int32_t *x = job->in->data;
        for (int64_t i = 0; i < job->rows; i++) {
            int64_t local = midnight(x[i]);
            r[i] = ntz || utc ? local : ch_zone_to_utc(job->zone, local);
        }
        return CH_OK;
    }
    if (job->from->id == CH_TIMESTAMP || job->from->id == CH_TIMESTAMP_NTZ) {
        const int64_t *x = job->in->data;
        for (int64_t i = 0; i < job->rows; i++)
            r[i] = utc   ? x[i]
                   : ntz ? ch_zone_to_local(job->zone, x[i])
                         : ch_zone_to_utc(job->zone, x[i]);
        return CH_OK;
    }
    return number_to_timestamp(job, err);
}

/* Integers are so many of the type's last unit; intervals are cut to it. */
static ch_status to_interval(const ch_cast_job *job, ch_error *err)
{
    static const int64_t size[] = {CH_US_PER_DAY, CH_US_PER_HOUR, CH_US_PER_MINUTE,
                                   CH_US_PER_SECOND};
    const ch_column *in = job->in;
    bool months = job->to->id == CH_YEAR_MONTH_INTERVAL;
    int64_t unit = months ? (job->to->stop == CH_YEAR ? 12 : 1) : size[job->to->stop];
    for (int64_t i = 0; i < job->rows; i++) {
        int64_t r = 0;
        bool fits = true;
        if (job->from->id == job->to->id) {
            r = months ? ((const int32_t *)in->data)[i] : ((const int64_t *)in->data)[i];
            /* DAY TO HOUR keeps whole hours; seconds keep their fraction */
            if (months ? unit == 12 : job->to->stop != CH_SECOND)
                r -= r % unit;
        } else if (job->from->id == CH_DECIMAL) {
            ch_i128 v = job->from->precision > 18 ? ((const ch_i128 *)in->data)[i]
                                                  : ((const int64_t *)in->data)[i];
            ch_i128 product, whole;
            fits = !__builtin_mul_overflow(v, (ch_i128)unit, &product);
            whole = fits ? ch_dec_shift_down(product, job->from->scale) : 0;
            fits = fits && whole >= INT64_MIN && whole <= INT64_MAX;
            r = (int64_t)whole;
        } else {
            int64_t v = 0;
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
            default:
                v = ((const int64_t *)in->data)[i];
            }
            fits = !__builtin_mul_overflow(v, unit, &r);
        }
        if (months)
            fits = fits && r >= INT32_MIN && r <= INT32_MAX;
        if (!fits)
            CH_TRY(ch_cast_bad(job, i, CH_CAST_TOO_LARGE, err));
        if (months)
            ((int32_t *)job->out->data)[i] = (int32_t)r;
        else
            ((int64_t *)job->out->data)[i] = r;
    }
    return CH_OK;
}

ch_status ch_cast_to_time(const ch_cast_job *job, ch_error *err)
{
    switch (job->to->id) {
    case CH_DATE:
        return to_date(job);
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        return to_timestamp(job, err);
    default:
        return to_interval(job, err);
    }
}
