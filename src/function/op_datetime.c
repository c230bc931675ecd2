/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_datetime.c - + - * / where a date, a timestamp or an interval takes part.
 *
 *   DATE +- integer                  DATE
 *   DATE +- YEAR_MONTH               DATE
 *   DATE +- DAY_TIME                 DATE if the interval has days only, else TIMESTAMP
 *   TIMESTAMP +- any interval        TIMESTAMP; months and days count on the wall clock
 *   DATE - DATE                      INTERVAL DAY
 *   TIMESTAMP - TIMESTAMP            INTERVAL DAY TO SECOND, between wall clocks
 *   interval +- interval             the wider interval
 *   interval * number, / number      the interval, rounded HALF_UP
 */
#include <math.h>
#include <stdio.h>

#include "function/support.h"
#include "type/datetime.h"
#include "type/decimal.h"

static bool is_stamp(const ch_type *t)
{
    return t->id == CH_TIMESTAMP || t->id == CH_TIMESTAMP_NTZ;
}
static bool is_ansi_interval(const ch_type *t)
{
    return t->id == CH_DAY_TIME_INTERVAL || t->id == CH_YEAR_MONTH_INTERVAL;
}
static bool is_interval(const ch_type *t)
{
    return is_ansi_interval(t) || t->id == CH_CALENDAR_INTERVAL;
}

static ch_status zone_of(const ch_call *call, const ch_type *t, const ch_zone **out, ch_error *err)
{
    const char *name = call->ctx->time_zone ? call->ctx->time_zone : "UTC";
    *out = t->id == CH_TIMESTAMP ? ch_zone_find(name, (int64_t)strlen(name), err) : &ch_zone_utc;
    return *out ? CH_OK : CH_E_INVALID_TIMEZONE;
}

static ch_status date_overflow(const char *what, ch_error *err)
{
    CH_FAIL(err, DATETIME_OVERFLOW, "operation", what);
}

/* Sign of the second operand. */
static int64_t sign_of(const ch_call *call)
{
    return call->func->name[0] == '-' || strcmp(call->func->name, "try_subtract") == 0 ? -1 : 1;
}

static bool is_try(const ch_call *call)
{
    return strncmp(call->func->name, "try_", 4) == 0;
}

/* bind's data where the date, timestamp or interval to scale is argument 1. */
static char swapped;

static const ch_column *base_of(const ch_call *call)
{
    return call->arg[call->data ? 1 : 0];
}
static const ch_column *other_of(const ch_call *call)
{
    return call->arg[call->data ? 0 : 1];
}

static ch_status eval_date_days(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = base_of(call)->data;
    const ch_column *n = other_of(call);
    int32_t *r = (*out)->data;
    int64_t sign = sign_of(call);
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t days = n->type->id == CH_BYTE    ? ((const int8_t *)n->data)[i]
                       : n->type->id == CH_SHORT ? ((const int16_t *)n->data)[i]
                       : n->type->id == CH_INT   ? ((const int32_t *)n->data)[i]
                                                 : ((const int64_t *)n->data)[i] / CH_US_PER_DAY;
        r[i] = (int32_t)((uint32_t)d[i] + (uint32_t)(sign * days));
    }
    CH_UNUSED(err);
    return CH_OK;
}

static ch_status eval_date_months(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = base_of(call)->data, *m = other_of(call)->data;
    int32_t *r = (*out)->data;
    int64_t sign = sign_of(call);
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t days = ch_add_months(d[i], sign * m[i]);
        if ((days > INT32_MAX || days < INT32_MIN) && ch_is_valid(*out, i))
            return date_overflow("a date plus months", err);
        r[i] = (int32_t)days;
    }
    return CH_OK;
}

/* us + months, days, micros as seen on the wall clock of zone; false: overflow. */
static bool shift(int64_t us, int64_t months, int64_t days, int64_t micros, const ch_zone *zone,
                  int64_t *out)
{
    if (months || days) {
        int64_t left, local = ch_zone_to_local(zone, us), day = ch_day_of(local, &left);
        if (months)
            day = ch_add_months(day, months);
        if (__builtin_add_overflow(day, days, &day) ||
            __builtin_mul_overflow(day, CH_US_PER_DAY, &local) ||
            __builtin_add_overflow(local, left, &local))
            return false;
        us = ch_zone_to_utc(zone, local);
    }
    return !__builtin_add_overflow(us, micros, out);
}

static ch_status eval_stamp_interval(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *base = base_of(call), *iv = other_of(call);
    const int64_t *t = base->data;
    const ch_zone *zone;
    int64_t *r = (*out)->data, sign = sign_of(call);
    CH_TRY(zone_of(call, base->type, &zone, err));
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t months = 0, days = 0, micros = 0;
        if (iv->type->id == CH_YEAR_MONTH_INTERVAL) {
            months = sign * ((const int32_t *)iv->data)[i];
        } else if (iv->type->id == CH_DAY_TIME_INTERVAL) {
            int64_t v = ((const int64_t *)iv->data)[i];
            days = sign * (v / CH_US_PER_DAY);
            micros = sign * (v % CH_US_PER_DAY);
        } else {
            const ch_interval *v = (const ch_interval *)iv->data + i;
            months = sign * v->months;
            days = sign * v->days;
            micros = sign * (v->nanos / 1000);
        }
        if (!shift(t[i], months, days, micros, zone, &r[i]) && ch_is_valid(*out, i)) {
            if (!is_try(call))
                return date_overflow("a timestamp plus an interval", err);
            CH_TRY(ch_set_null(*out, i, err));
        }
    }
    return CH_OK;
}

/* DATE +- months and days; with ANSI off the rest counts too, and is then cut to whole days. */
static ch_status eval_date_interval(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = base_of(call)->data;
    const ch_interval *iv = other_of(call)->data;
    int32_t *r = (*out)->data;
    int64_t sign = sign_of(call);
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        if (iv[i].nanos && call->ctx->ansi && !is_try(call))
            CH_FAIL(err, INVALID_INTERVAL_WITH_MICROSECONDS, "ansiConfig", CH_CONFIG_ANSI);
        int64_t day = ch_add_months(d[i], sign * iv[i].months) + sign * iv[i].days;
        if (iv[i].nanos)
            day = ch_day_of(day * CH_US_PER_DAY + sign * (iv[i].nanos / 1000), NULL);
        if (day == (int32_t)day && !(iv[i].nanos && is_try(call)))
            r[i] = (int32_t)day;
        else if (is_try(call))
            CH_TRY(ch_set_null(*out, i, err));
        else
            return date_overflow("a date plus an interval", err);
    }
    return CH_OK;
}

/* DATE - DATE: whole days; TIMESTAMP - TIMESTAMP: between wall clocks. */
static ch_status eval_difference(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t *r = (*out)->data;
    if (call->arg[0]->type->id == CH_DATE) {
        const int32_t *a = call->arg[0]->data, *b = call->arg[1]->data;
        for (int64_t i = 0; i < call->rows; i++)
            r[i] = ((int64_t)a[i] - b[i]) * CH_US_PER_DAY;
        return CH_OK;
    }
    const int64_t *a = call->arg[0]->data, *b = call->arg[1]->data;
    const ch_zone *zone;
    CH_TRY(zone_of(call, call->arg[0]->type, &zone, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (__builtin_sub_overflow(ch_zone_to_local(zone, a[i]), ch_zone_to_local(zone, b[i]),
                                   &r[i]) &&
            ch_is_valid(*out, i))
            return date_overflow("the difference of timestamps", err);
    }
    return CH_OK;
}

static ch_status interval_overflow(ch_error *err)
{
    CH_FAIL(err, INTERVAL_OVERFLOW);
}

static ch_status eval_intervals(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t sign = sign_of(call);
    bool months = call->result->id == CH_YEAR_MONTH_INTERVAL;
    for (int64_t i = 0; i < call->rows; i++) {
        if (call->result->id == CH_CALENDAR_INTERVAL) {
            const ch_interval *a = (const ch_interval *)call->arg[0]->data + i,
                              *b = (const ch_interval *)call->arg[1]->data + i;
            ((ch_interval *)(*out)->data)[i] =
                (ch_interval){(int32_t)(a->months + sign * b->months),
                              (int32_t)(a->days + sign * b->days), a->nanos + sign * b->nanos};
            continue;
        }
        int64_t a = months ? ((const int32_t *)call->arg[0]->data)[i]
                           : ((const int64_t *)call->arg[0]->data)[i];
        int64_t b = months ? ((const int32_t *)call->arg[1]->data)[i]
                           : ((const int64_t *)call->arg[1]->data)[i];
        int64_t r;
        bool bad = sign > 0 ? __builtin_add_overflow(a, b, &r) : __builtin_sub_overflow(a, b, &r);
        bad |= months && (r > INT32_MAX || r < INT32_MIN);
        if (bad && ch_is_valid(*out, i)) {
            if (!is_try(call))
                return interval_overflow(err);
            CH_TRY(ch_set_null(*out, i, err));
        }
        if (months)
            ((int32_t *)(*out)->data)[i] = (int32_t)r;
        else
            ((int64_t *)(*out)->data)[i] = r;
    }
    return CH_OK;
}

/* interval * x, interval / x: x is BIGINT, DOUBLE or DECIMAL. */
static ch_status eval_scale(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *iv = base_of(call), *by = other_of(call);
    bool months = iv->type->id == CH_YEAR_MONTH_INTERVAL,
         divide = strchr(call->func->name, '/') || strstr(call->func->name, "div");
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t v = months ? ((const int32_t *)iv->data)[i] : ((const int64_t *)iv->data)[i];
        ch_i128 r = 0;
        bool zero = false, bad = false;
        if (by->type->id == CH_DOUBLE) {
            double x = ((const double *)by->data)[i];
            zero = divide && x == 0;
            double q = zero ? 0 : divide ? (double)v / x : (double)v * x;
            bad = !(q > -9.3e18 && q < 9.3e18);
            r = bad ? 0 : (ch_i128)floor(q + 0.5);
            if (!bad && q < 0) /* HALF_UP is away from zero */
                r = -(ch_i128)floor(-q + 0.5);
        } else {
            bool decimal = by->type->id == CH_DECIMAL;
            ch_i128 x = decimal && by->type->precision > 18 ? ((const ch_i128 *)by->data)[i]
                                                            : ((const int64_t *)by->data)[i];
            int scale = decimal ? by->type->scale : 0;
            zero = divide && x == 0;
            if (!zero)
                bad = divide ? !ch_dec_divide(v, 0, x, scale, 38, 0, &r)
                             : !ch_dec_mul(v, 0, x, scale, 38, 0, &r);
        }
        bad |= months ? r > INT32_MAX || r < INT32_MIN : r > INT64_MAX || r < INT64_MIN;
        if ((zero || bad) && ch_is_valid(*out, i)) {
            if (is_try(call))
                CH_TRY(ch_set_null(*out, i, err));
            else if (zero)
                CH_FAIL(err, INTERVAL_DIVIDED_BY_ZERO);
            else
                return interval_overflow(err);
        }
        if (months)
            ((int32_t *)(*out)->data)[i] = (int32_t)r;
        else
            ((int64_t *)(*out)->data)[i] = (int64_t)r;
    }
    return CH_OK;
}

/* ---- binding ---- */

static ch_status refuse(const ch_bind *bind, ch_error *err)
{
    char sql[512];
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    CH_FAIL(err, DATATYPE_MISMATCH_BINARY, "left", ch_quote_type(bind->arg_type[0]).text, "right",
            ch_quote_type(bind->arg_type[1]).text, "sqlExpr", sql);
}

/* Spark sees date_add(date, n): n is no number of days. A string stands for a date, then. */
static ch_status no_days(ch_bind *bind, int base, ch_error *err)
{
    const char *verb = bind->func->name[0] == '-' ? "date_sub" : "date_add";
    int n = ch_type_is_string(bind->arg_type[1 - base]) && base ? base : 1 - base;
    int date = 1 - n;
    char sql[512], input[512];
    const char *text[2];
    for (int i = 0; i < 2; i++)
        text[i] = ch_bind_arg_sql(bind, i);
    snprintf(sql, sizeof sql, "\"%s(%s, %s)\"", verb, text[date], text[n]);
    snprintf(input, sizeof input, "\"%s\"", text[n]);
    const ch_type *type = bind->arg_type[n];
    bind->final = true;
    CH_FAIL(err, DATATYPE_MISMATCH_INPUT, "paramIndex", "second", "inputSql", input, "inputType",
            ch_quote_type(ch_type_is_string(type) ? CH_T_DATE : type).text, "requiredType",
            "(\"INT\" or \"SMALLINT\" or \"TINYINT\")", "sqlExpr", sql);
}

/* The date or timestamp, and what is added to it. */
static ch_status bind_shift(ch_bind *bind, int base, ch_error *err)
{
    const ch_type *d = bind->arg_type[base], *n = bind->arg_type[1 - base];
    bind->data = base ? &swapped : NULL;
    if (is_stamp(d) && is_interval(n)) {
        bind->result = d;
        bind->eval = eval_stamp_interval;
        return CH_OK;
    }
    if (d->id != CH_DATE)
        return refuse(bind, err);
    if (n->id == CH_BYTE || n->id == CH_SHORT || n->id == CH_INT || n->id == CH_NULL) {
        if (n->id == CH_NULL)
            bind->arg_type[1 - base] = CH_T_INT;
        bind->result = CH_T_DATE;
        bind->eval = eval_date_days;
    } else if (n->id == CH_YEAR_MONTH_INTERVAL) {
        bind->result = CH_T_DATE;
        bind->eval = eval_date_months;
    } else if (n->id == CH_DAY_TIME_INTERVAL && n->stop == CH_DAY) {
        bind->result = CH_T_DATE;
        bind->eval = eval_date_days;
    } else if (n->id == CH_CALENDAR_INTERVAL) {
        bind->result = CH_T_DATE;
        bind->eval = eval_date_interval;
    } else if (n->id == CH_DAY_TIME_INTERVAL) {
        bind->arg_type[base] = bind->result = CH_T_TIMESTAMP;
        bind->eval = eval_stamp_interval;
    } else {
        return no_days(bind, base, err);
    }
    return CH_OK;
}

static ch_status bind_plus(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *a = bind->arg_type[0], *b = bind->arg_type[1];
    bool minus = bind->func->name[0] == '-' || strcmp(bind->func->name, "try_subtract") == 0;
    if (strncmp(bind->func->name, "try_", 4) == 0)
        bind->nullable = true;
    if (is_interval(a) && (is_interval(b) || b->id == CH_NULL)) {
        const ch_type *t = ch_common_type(a, b, bind->ctx->ansi);
        if (!t)
            return refuse(bind, err);
        bind->arg_type[0] = bind->arg_type[1] = bind->result = t;
        bind->eval = eval_intervals;
        return CH_OK;
    }
    bool date_a = a->id == CH_DATE || is_stamp(a), date_b = b->id == CH_DATE || is_stamp(b);
    if (minus && (date_a || date_b) && !is_interval(b) && !ch_type_is_numeric(b)) {
        const ch_type *t = a->id == CH_DATE && b->id == CH_DATE ? CH_T_DATE
                           : date_a && date_b ? ch_common_type(a, b, bind->ctx->ansi)
                           : date_a && (ch_type_is_string(b) || b->id == CH_NULL) ? a
                           : date_b && (ch_type_is_string(a) || a->id == CH_NULL) ? b
                                                                                  : NULL;
        if (!t)
            return refuse(bind, err);
        bind->arg_type[0] = bind->arg_type[1] = t;
        bind->result =
            t->id == CH_DATE ? ch_type_day_time(CH_DAY, CH_DAY) : ch_type_of(CH_DAY_TIME_INTERVAL);
        bind->eval = eval_difference;
        return CH_OK;
    }
    if (date_a)
        return bind_shift(bind, 0, err);
    if (date_b && !minus)
        return bind_shift(bind, 1, err);
    if (ch_type_is_string(a) && is_ansi_interval(b)) { /* '2024-01-01' + INTERVAL */
        bind->arg_type[0] = CH_T_TIMESTAMP;
        return bind_shift(bind, 0, err);
    }
    return refuse(bind, err);
}

static ch_status bind_scale(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    int base = is_ansi_interval(bind->arg_type[0]) ? 0 : 1;
    bool divide = strchr(bind->func->name, '/') || strstr(bind->func->name, "div");
    const ch_type *t = bind->arg_type[base], *n = bind->arg_type[1 - base];
    if (!is_ansi_interval(t) || (divide && base == 1))
        return refuse(bind, err);
    if (n->id == CH_NULL || ch_type_is_integral(n))
        n = CH_T_LONG;
    else if (n->id == CH_FLOAT || ch_type_is_string(n))
        n = CH_T_DOUBLE;
    else if (n->id != CH_DOUBLE && n->id != CH_DECIMAL)
        return refuse(bind, err);
    bind->arg_type[1 - base] = n;
    bind->result = t->id == CH_DAY_TIME_INTERVAL ? ch_type_of(CH_DAY_TIME_INTERVAL)
                                                 : ch_type_of(CH_YEAR_MONTH_INTERVAL);
    bind->data = base ? &swapped : NULL;
    bind->eval = eval_scale;
    return CH_OK;
}

#define ROW(fn, binder, flag, text, ex, want)                                                     \
    {                                                                                             \
        .name = fn, .bind = binder, .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                      \
    }

const ch_func ch_func_op_datetime[] = {
    ROW("+", bind_plus, CH_FUNC_INTERNAL, "A date, timestamp or interval later.",
        "DATE'2024-01-31' + INTERVAL '1' MONTH", "2024-02-29"),
    ROW("-", bind_plus, CH_FUNC_INTERNAL, "A date, timestamp or interval earlier; a difference.",
        "DATE'2024-03-01' - DATE'2024-02-28'", "INTERVAL '2' DAY"),
    ROW("*", bind_scale, CH_FUNC_INTERNAL, "An interval so many times.", "INTERVAL '2' DAY * 3",
        "INTERVAL '6 00:00:00' DAY TO SECOND"),
    ROW("/", bind_scale, CH_FUNC_INTERNAL, "A part of an interval.", "INTERVAL '6' DAY / 4",
        "INTERVAL '1 12:00:00' DAY TO SECOND"),
    ROW("try_add", bind_plus, CH_FUNC_MAKES_NULL, "Later; NULL on overflow.",
        "try_add(DATE'2021-01-01', 1)", "2021-01-02"),
    ROW("try_subtract", bind_plus, CH_FUNC_MAKES_NULL, "Earlier; NULL on overflow.",
        "try_subtract(DATE'2021-01-02', 1)", "2021-01-01"),
    ROW("try_multiply", bind_scale, CH_FUNC_MAKES_NULL,
        "An interval so many times; NULL on overflow.", "try_multiply(INTERVAL '2' YEAR, 3)",
        "INTERVAL '6-0' YEAR TO MONTH"),
    ROW("try_divide", bind_scale, CH_FUNC_MAKES_NULL, "A part of an interval; NULL for 0.",
        "try_divide(INTERVAL '2' MONTH, 0)", "NULL"),
    CH_FUNC_END,
};
