/* SPDX-License-Identifier: Apache-2.0 */
/*
 * time_unit.c - timestampadd(unit, n, t) and timestampdiff(unit, from, to): DateTimeUtils.timestampAdd and timestampDiff.
 *
 * Days and what is longer move the wall clock of the session's zone; differences are between two wall clocks, whole units
 * only, towards zero.
 */
#include <stdio.h>
#include <strings.h>

#include "function/civil.h"
#include "type/datetime.h"

typedef struct unit {
    const char *name;
    int64_t months; /* or 0 */
    int64_t micros;
} unit;

static const unit UNIT[] = {
    {"MICROSECOND", 0, 1},
    {"MILLISECOND", 0, 1000},
    {"SECOND", 0, CH_US_PER_SECOND},
    {"MINUTE", 0, CH_US_PER_MINUTE},
    {"HOUR", 0, CH_US_PER_HOUR},
    {"DAY", 0, CH_US_PER_DAY},
    {"DAYOFYEAR", 0, CH_US_PER_DAY},
    {"WEEK", 0, 7 * CH_US_PER_DAY},
    {"MONTH", 1, 0},
    {"QUARTER", 3, 0},
    {"YEAR", 12, 0},
};

static ch_status unit_of(const ch_call *call, int64_t row, const unit **out, ch_error *err)
{
    ch_str name = ch_column_str(call->arg[0], row);
    for (size_t i = 0; i < sizeof UNIT / sizeof *UNIT; i++)
        if ((int64_t)strlen(UNIT[i].name) == name.len &&
            strncasecmp(UNIT[i].name, name.text, (size_t)name.len) == 0) {
            *out = &UNIT[i];
            return CH_OK;
        }
    char text[64];
    snprintf(text, sizeof text, "'%.*s'", (int)(name.len < 60 ? name.len : 60), name.text);
    CH_FAIL(err, INVALID_PARAMETER_VALUE, "functionName", call->func->name, "parameter", "unit",
            "invalidValue", text);
}

static ch_status zone_of(const ch_call *call, const ch_type *type, const ch_zone **out,
                         ch_error *err)
{
    *out = &ch_zone_utc;
    return type->id == CH_TIMESTAMP ? ch_session_zone(call, out, err) : CH_OK;
}

/* false: overflow */
static bool add(int64_t us, const unit *u, int64_t n, const ch_zone *zone, int64_t *out)
{
    int64_t whole, left, months, local;
    if (__builtin_mul_overflow(n, u->months ? u->months : u->micros, &whole))
        return false;
    if (!u->months && u->micros < CH_US_PER_DAY)
        return !__builtin_add_overflow(us, whole, out);
    int64_t day = ch_day_of(ch_zone_to_local(zone, us), &left);
    months = u->months ? whole : 0;
    if (months != (int32_t)months)
        return false;
    day = months ? ch_add_months(day, months) : day + whole / CH_US_PER_DAY;
    if (__builtin_mul_overflow(day, CH_US_PER_DAY, &local) ||
        __builtin_add_overflow(local, left, &local))
        return false;
    *out = ch_zone_to_utc(zone, local);
    return true;
}

static ch_status bind_add(ch_bind *bind, ch_error *err)
{
    CH_TRY(ch_bind_sig(bind, "string, bigint, timestamp|timestamp_ntz -> timestamp", err));
    bind->result = bind->arg_type[2];
    return CH_OK;
}

static ch_status eval_add(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *n = call->arg[1]->data, *t = call->arg[2]->data;
    int64_t *r = (*out)->data;
    const ch_zone *zone;
    CH_TRY(zone_of(call, call->arg[2]->type, &zone, err));
    for (int64_t i = 0; i < call->rows; i++) {
        const unit *u;
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        CH_TRY(unit_of(call, i, &u, err));
        if (!add(t[i], u, n[i], zone, &r[i]))
            CH_FAIL(err, DATETIME_OVERFLOW, "operation", "a timestamp plus a number of units");
    }
    return CH_OK;
}

/* Whole months, as java.time counts them: a day is taken off where the time of day has not come. */
static int64_t months_between(int64_t a, int64_t b)
{
    int32_t year[2], month[2], day[2];
    int64_t left_a, left_b, day_a = ch_day_of(a, &left_a), day_b = ch_day_of(b, &left_b);
    day_b += (day_b < day_a && left_b > left_a) - (day_b > day_a && left_b < left_a);
    ch_civil_from_days(day_a, &year[0], &month[0], &day[0]);
    ch_civil_from_days(day_b, &year[1], &month[1], &day[1]);
    int64_t months = ((int64_t)year[1] - year[0]) * 12 + month[1] - month[0];
    return (months * 32 + day[1] - day[0]) / 32;
}

static ch_status eval_diff(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *from = call->arg[1]->data, *to = call->arg[2]->data;
    int64_t *r = (*out)->data;
    const ch_zone *zone[2];
    CH_TRY(zone_of(call, call->arg[1]->type, &zone[0], err));
    CH_TRY(zone_of(call, call->arg[2]->type, &zone[1], err));
    for (int64_t i = 0; i < call->rows; i++) {
        const unit *u;
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        CH_TRY(unit_of(call, i, &u, err));
        int64_t a = ch_zone_to_local(zone[0], from[i]), b = ch_zone_to_local(zone[1], to[i]);
        if (u->months)
            r[i] = months_between(a, b) / u->months;
        else if (__builtin_sub_overflow(b, a, &r[i]))
            CH_FAIL(err, DATETIME_OVERFLOW, "operation", "the difference of two timestamps");
        else
            r[i] /= u->micros;
    }
    return CH_OK;
}

const ch_func ch_func_time_unit[] = {
    {.name = "timestampadd",
     .bind = bind_add,
     .eval = eval_add,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL,
     .doc = "n units later: timestampadd(unit, n, timestamp), also called dateadd.",
     .example = "SELECT timestampadd(MONTH, 1, TIMESTAMP'2022-01-31 12:00:00')",
     .expect = "2022-02-28 12:00:00",
     .since = "0.2"},
    {.name = "timestampdiff",
     .sig = "string, timestamp, timestamp -> bigint",
     .eval = eval_diff,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL,
     .doc = "Whole units from one timestamp to another, also called datediff with a unit.",
     .example = "SELECT timestampdiff(MONTH, DATE'2021-01-31', DATE'2021-03-01')",
     .expect = "1",
     .since = "0.2"},
    CH_FUNC_END,
};
