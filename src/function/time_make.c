/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time_make.c - timestamps and intervals made of numbers: make_timestamp and its kin, make_interval,
 * make_dt_interval, make_ym_interval; convert_timezone.
 *
 * The seconds are a DECIMAL(16, 6), that is, microseconds; 60 means the next minute if it has no
 * fraction (PostgreSQL's rule, which Spark follows). What is no date is an error with ANSI on, else NULL;
 * a zone that does not exist is always an error.
 */
#include <stdio.h>

#include "function/civil.h"
#include "function/utf8.h"

static const char *const MONTH[] = {"JANUARY",   "FEBRUARY", "MARCH",    "APRIL",
                                    "MAY",       "JUNE",     "JULY",     "AUGUST",
                                    "SEPTEMBER", "OCTOBER",  "NOVEMBER", "DECEMBER"};

bool ch_civil_check(const ch_civil *c, char *why)
{
    const struct {
        const char *name;
        int32_t value, least, most;
    } field[] = {{"Year", c->year, -999999999, 999999999},
                 {"MonthOfYear", c->month, 1, 12},
                 {"DayOfMonth", c->day, 1, 31},
                 {"HourOfDay", c->hour, 0, 23},
                 {"MinuteOfHour", c->minute, 0, 59},
                 {"SecondOfMinute", c->second, 0, 59}};
    for (size_t i = 0; i < sizeof field / sizeof *field; i++) {
        if (i == 3 && c->day > ch_days_in_month(c->year, c->month)) {
            if (c->day == 29)
                snprintf(why, 128, "Invalid date 'February 29' as '%d' is not a leap year",
                         c->year);
            else
                snprintf(why, 128, "Invalid date '%s %d'", MONTH[c->month - 1], c->day);
            return false;
        }
        if (field[i].value >= field[i].least && field[i].value <= field[i].most)
            continue;
        snprintf(why, 128,
                 i == 2 ? "Invalid value for %s (valid values %d - 28/31): %d"
                        : "Invalid value for %s (valid values %d - %d): %d",
                 field[i].name, field[i].least, i == 2 ? field[i].value : field[i].most,
                 field[i].value);
        return false;
    }
    return true;
}

ch_status ch_session_zone(const ch_call *call, const ch_zone **out, ch_error *err)
{
    const char *name = call->ctx->time_zone ? call->ctx->time_zone : "UTC";
    *out = ch_zone_find(name, (int64_t)strlen(name), err);
    return *out ? CH_OK : CH_E_INVALID_TIMEZONE;
}

static bool tries(const ch_call *call)
{
    return strncmp(call->func->name, "try_", 4) == 0;
}

/* Row i is none: NULL, or what is wrong with it. */
static ch_status out_of_bounds(const ch_call *call, ch_column *out, int64_t i, const char *why,
                               ch_error *err)
{
    if (tries(call) || !call->ctx->ansi)
        return ch_set_null(out, i, err);
    CH_FAIL(err, DATETIME_FIELD_OUT_OF_BOUNDS, "rangeMessage", why, "ansiConfig", CH_CONFIG_ANSI);
}

/* Microseconds of the years that fit: the same bounds as java.time's longs. */
static bool to_micros(const ch_civil *c, int64_t more_us, int64_t *out)
{
    int64_t days = ch_days_from_civil(c->year, c->month, c->day);
    int64_t us = c->hour * CH_US_PER_HOUR + c->minute * CH_US_PER_MINUTE +
                 c->second * CH_US_PER_SECOND + c->micros + more_us;
    return !__builtin_mul_overflow(days, CH_US_PER_DAY, &days) &&
           !__builtin_add_overflow(days, us, out);
}

static ch_status zone_of(const ch_call *call, int32_t arg, int64_t i, const ch_zone *session,
                         const ch_zone **out, ch_error *err)
{
    *out = session;
    if (arg >= call->n_args)
        return CH_OK;
    ch_str s = ch_column_str(call->arg[arg], i);
    *out = ch_zone_find(s.text, s.len, err);
    return *out ? CH_OK : CH_E_INVALID_TIMEZONE;
}

/* A wall clock as the result, which may be a moment in zone. */
static inline int64_t settle(const ch_call *call, int64_t local, const ch_zone *zone)
{
    return call->result->id == CH_TIMESTAMP ? ch_zone_to_utc(zone, local) : local;
}

/* make_timestamp(year, month, day, hour, minute, second [, zone]) */
static ch_status eval_fields(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_zone *session, *zone;
    const int32_t *part[5];
    const int64_t *seconds = call->arg[5]->data;
    int64_t *r = (*out)->data;
    for (int k = 0; k < 5; k++)
        part[k] = call->arg[k]->data;
    CH_TRY(ch_session_zone(call, &session, err));
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        CH_TRY(zone_of(call, 6, i, session, &zone, err));
        int64_t whole = seconds[i] / CH_US_PER_SECOND, micros = seconds[i] % CH_US_PER_SECOND;
        if (micros < 0) {
            whole--;
            micros += CH_US_PER_SECOND;
        }
        bool next = whole == 60;
        if (next && micros != 0) {
            if (call->ctx->ansi && !tries(call))
                CH_FAIL(err, INVALID_FRACTION_OF_SECOND, "secAndMicros",
                        CH_I64(seconds[i] / CH_US_PER_SECOND));
            CH_TRY(ch_set_null(*out, i, err));
            continue;
        }
        whole = whole > INT32_MAX ? INT32_MAX : whole < INT32_MIN ? INT32_MIN : whole;
        ch_civil c = {part[0][i],     part[1][i], part[2][i],
                      part[3][i],     part[4][i], next ? 0 : (int32_t)whole,
                      (int32_t)micros};
        char why[128];
        int64_t local;
        if (!ch_civil_check(&c, why))
            CH_TRY(out_of_bounds(call, *out, i, why, err));
        else if (!to_micros(&c, next ? CH_US_PER_MINUTE : 0, &local))
            CH_FAIL(err, DATETIME_OVERFLOW, "operation", "a timestamp of this year");
        else
            r[i] = settle(call, local, zone);
    }
    return CH_OK;
}

/* make_timestamp(date, time [, zone]) */
static ch_status eval_date_time(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_zone *session, *zone;
    const int32_t *date = call->arg[0]->data;
    const int64_t *time = call->arg[1]->data;
    int64_t *r = (*out)->data;
    CH_TRY(ch_session_zone(call, &session, err));
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t us;
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        CH_TRY(zone_of(call, 2, i, session, &zone, err));
        if (__builtin_mul_overflow((int64_t)date[i], CH_US_PER_DAY, &us) ||
            __builtin_add_overflow(us, time[i] / 1000, &us))
            CH_FAIL(err, DATETIME_OVERFLOW, "operation", "a timestamp of this date");
        r[i] = settle(call, us, zone);
    }
    return CH_OK;
}

static ch_status bind_timestamp(ch_bind *bind, ch_error *err)
{
    const char *name = bind->func->name;
    bool ntz = strstr(name, "_ntz") != NULL, parts = bind->n_args >= 6;
    int32_t n = bind->n_args;
    if (!(n == 2 || n == 6 || ((n == 3 || n == 7) && !ntz)))
        return ch_bind_count(bind, ntz ? "[2, 6]" : "[2, 3, 6, 7]", err);
    CH_TRY(ch_bind_sig(bind,
                       parts ? "int, int, int, int, int, decimal(16,6)[, string] -> timestamp"
                             : "date, time[, string] -> timestamp",
                       err));
    bind->eval = parts ? eval_fields : eval_date_time;
    bind->result = ntz ? ch_type_of(CH_TIMESTAMP_NTZ) : CH_T_TIMESTAMP;
    bind->nullable |= parts && (name[0] == 't' || !bind->ctx->ansi);
    return CH_OK;
}

/* ---- intervals ---- */

static ch_status interval_overflow(const ch_call *call, ch_column *out, int64_t i, ch_error *err)
{
    if (tries(call) || !call->ctx->ansi)
        return ch_set_null(out, i, err);
    CH_FAIL(err, ARITHMETIC_OVERFLOW, "message", "integer overflow", "alternative",
            " Use 'try_make_interval' to tolerate overflow and return NULL instead.", "config",
            CH_CONFIG_ANSI);
}

static inline int64_t int_at(const ch_call *call, int32_t arg, int64_t i)
{
    return arg < call->n_args ? ((const int32_t *)call->arg[arg]->data)[i] : 0;
}
/* DECIMAL(18, 6) */
static inline int64_t micros_at(const ch_call *call, int32_t arg, int64_t i)
{
    return arg < call->n_args ? ((const int64_t *)call->arg[arg]->data)[i] : 0;
}

/* make_interval(years, months, weeks, days, hours, minutes, seconds) */
static ch_status eval_interval(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_interval *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = (ch_interval){0};
        if (!ch_is_valid(*out, i))
            continue;
        int64_t months = int_at(call, 0, i) * 12, days = int_at(call, 2, i) * 7;
        bool fits = months == (int32_t)months && days == (int32_t)days;
        months += int_at(call, 1, i);
        days += int_at(call, 3, i);
        fits = fits && months == (int32_t)months && days == (int32_t)days;
        ch_i128 us = (ch_i128)micros_at(call, 6, i) + int_at(call, 4, i) * CH_US_PER_HOUR +
                     int_at(call, 5, i) * CH_US_PER_MINUTE;
        ch_i128 nanos = us * 1000; /* the column's unit: 292 years */
        if (!fits || nanos != (int64_t)nanos)
            CH_TRY(interval_overflow(call, *out, i, err));
        else
            r[i] = (ch_interval){(int32_t)months, (int32_t)days, (int64_t)nanos};
    }
    return CH_OK;
}

/* make_dt_interval(days, hours, minutes, seconds) */
static ch_status eval_day_time(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        ch_i128 us = (ch_i128)int_at(call, 0, i) * CH_US_PER_DAY +
                     int_at(call, 1, i) * CH_US_PER_HOUR + int_at(call, 2, i) * CH_US_PER_MINUTE +
                     micros_at(call, 3, i);
        if (us != (int64_t)us)
            CH_FAIL(err, INTERVAL_OVERFLOW);
        r[i] = (int64_t)us;
    }
    return CH_OK;
}

/* make_ym_interval(years, months) */
static ch_status eval_year_month(const ch_call *call, ch_column **out, ch_error *err)
{
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t months = int_at(call, 0, i) * 12 + int_at(call, 1, i);
        r[i] = (int32_t)months;
        if (months != r[i] && ch_is_valid(*out, i))
            CH_FAIL(err, INTERVAL_OVERFLOW);
    }
    return CH_OK;
}

static ch_status bind_interval(ch_bind *bind, ch_error *err)
{
    CH_TRY(ch_bind_sig(bind, "[int, int, int, int, int, int, decimal(18,6)] -> interval", err));
    bind->nullable |= bind->func->name[0] == 't' || !bind->ctx->ansi;
    return CH_OK;
}

/* ---- zones ---- */

/* convert_timezone(from, to, wall clock) */
static ch_status eval_convert(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *local = call->arg[2]->data;
    int64_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        const ch_zone *from, *to;
        CH_TRY(zone_of(call, 0, i, NULL, &from, err));
        CH_TRY(zone_of(call, 1, i, NULL, &to, err));
        r[i] = ch_zone_to_local(to, ch_zone_to_utc(from, local[i]));
    }
    return CH_OK;
}

#define FLAGS CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL
#define MAKE(fn, text, ex, want)                                                                  \
    {                                                                                             \
        .name = fn, .bind = bind_timestamp, .flags = FLAGS, .doc = text, .example = "SELECT " ex, \
        .expect = want, .since = "0.2"                                                            \
    }
#define ROW(fn, signature, kernel, text, ex, want)                                 \
    {                                                                              \
        .name = fn, .sig = signature, .eval = kernel, .flags = FLAGS, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.2"                    \
    }
#define INTERVAL(fn, text, ex, want)                                                           \
    {                                                                                          \
        .name = fn, .bind = bind_interval, .eval = eval_interval, .flags = FLAGS, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.2"                                \
    }

const ch_func ch_func_time_make[] = {
    MAKE("make_timestamp", "A timestamp of year, month, day, hour, minute, second and zone.",
         "make_timestamp(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"),
    MAKE("make_timestamp_ltz", "A timestamp of year, month, day, hour, minute, second and zone.",
         "make_timestamp_ltz(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"),
    MAKE("make_timestamp_ntz", "A wall clock of year, month, day, hour, minute and second.",
         "make_timestamp_ntz(2014, 12, 28, 6, 30, 45.887)", "2014-12-28 06:30:45.887"),
    MAKE("try_make_timestamp", "A timestamp of its fields; NULL if there is none.",
         "try_make_timestamp(2024, 13, 22, 15, 30, 0)", "NULL"),
    MAKE("try_make_timestamp_ltz", "A timestamp of its fields; NULL if there is none.",
         "try_make_timestamp_ltz(2024, 13, 22, 15, 30, 0)", "NULL"),
    MAKE("try_make_timestamp_ntz", "A wall clock of its fields; NULL if there is none.",
         "try_make_timestamp_ntz(2024, 13, 22, 15, 30, 0)", "NULL"),
    INTERVAL("make_interval", "An interval of years, months, weeks, days, hours, minutes, seconds.",
             "make_interval(100, 11, 1, 1, 12, 30, 01.001001)",
             "100 years 11 months 8 days 12 hours 30 minutes 1.001001 seconds"),
    INTERVAL("try_make_interval", "An interval of its parts; NULL on overflow.",
             "try_make_interval(2147483647)", "NULL"),
    ROW("make_dt_interval", "[int, int, int, decimal(18,6)] -> interval day to second",
        eval_day_time, "An interval of days, hours, minutes and seconds.",
        "make_dt_interval(1, 12, 30, 01.001001)", "INTERVAL '1 12:30:01.001001' DAY TO SECOND"),
    ROW("make_ym_interval", "[int, int] -> interval year to month", eval_year_month,
        "An interval of years and months.", "make_ym_interval(1, 2)",
        "INTERVAL '1-2' YEAR TO MONTH"),
    ROW("convert_timezone", "string, string, timestamp_ntz -> timestamp_ntz", eval_convert,
        "What a clock in the second zone shows when one in the first shows this.",
        "convert_timezone('Europe/Brussels', 'America/Los_Angeles', "
        "timestamp_ntz'2021-12-06 00:00:00')",
        "2021-12-05 15:00:00"),
    CH_FUNC_END,
};
