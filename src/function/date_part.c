/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date_part.c - fields of dates and times, and dates made of others: year ... second, date_add,
 * add_months, months_between, trunc, date_trunc, last_day, next_day, make_date, ...
 */
#include <math.h>
#include <strings.h>

#include "function/utf8.h"
#include "type/datetime.h"

static ch_status session_zone(const ch_call *call, const ch_zone **out, ch_error *err)
{
    const char *name = call->ctx->time_zone ? call->ctx->time_zone : "UTC";
    *out = ch_zone_find(name, (int64_t)strlen(name), err);
    return *out ? CH_OK : CH_E_INVALID_TIMEZONE;
}

/* The wall clock of a TIMESTAMP, or a TIMESTAMP_NTZ as it is. */
static inline int64_t wall(const ch_column *c, int64_t i, const ch_zone *zone)
{
    int64_t us = ((const int64_t *)c->data)[i];
    return c->type->id == CH_TIMESTAMP && zone != &ch_zone_utc ? ch_zone_to_local(zone, us) : us;
}

/* ---- fields of dates ---- */

#define DATE_FIELD(name, EXPR)                                                 \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const int32_t *d = call->arg[0]->data;                                 \
        int32_t *r = (*out)->data;                                             \
        CH_UNUSED(err);                                                        \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            int32_t year, month, day;                                          \
            ch_civil_from_days(d[i], &year, &month, &day);                     \
            (void)year, (void)month, (void)day;                                \
            r[i] = (int32_t)(EXPR);                                            \
        }                                                                      \
        return CH_OK;                                                          \
    }
DATE_FIELD(eval_year, year)
DATE_FIELD(eval_quarter, (month - 1) / 3 + 1)
DATE_FIELD(eval_month, month)
DATE_FIELD(eval_day, day)
DATE_FIELD(eval_dayofyear, d[i] - ch_days_from_civil(year, 1, 1) + 1)
DATE_FIELD(eval_dayofweek, ch_iso_weekday(d[i]) % 7 + 1)
DATE_FIELD(eval_weekday, ch_iso_weekday(d[i]) - 1)
DATE_FIELD(eval_weekofyear, ch_iso_week(d[i], NULL))
DATE_FIELD(eval_unix_date, d[i])
DATE_FIELD(eval_last_day, d[i] + ch_days_in_month(year, month) - day)

#define TIME_FIELD(name, EXPR)                                                 \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const ch_zone *zone;                                                   \
        int32_t *r = (*out)->data;                                             \
        CH_TRY(session_zone(call, &zone, err));                                \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            int64_t us;                                                        \
            (void)ch_day_of(wall(call->arg[0], i, zone), &us);                 \
            r[i] = (int32_t)(EXPR);                                            \
        }                                                                      \
        return CH_OK;                                                          \
    }
TIME_FIELD(eval_hour, us / CH_US_PER_HOUR)
TIME_FIELD(eval_minute, us / CH_US_PER_MINUTE % 60)
TIME_FIELD(eval_second, us / CH_US_PER_SECOND % 60)

static ch_status eval_name(const ch_call *call, ch_column **out, ch_error *err)
{
    static const char month_name[] = "JanFebMarAprMayJunJulAugSepOctNovDec",
                      day_name[] = "MonTueWedThuFriSatSun";
    const int32_t *d = call->arg[0]->data;
    ch_view *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t year, month, day;
        ch_civil_from_days(d[i], &year, &month, &day);
        const char *text = call->func->name[0] == 'd' ? day_name + 3 * (ch_iso_weekday(d[i]) - 1)
                                                      : month_name + 3 * (month - 1);
        r[i] = ch_view_make(text, 3, 0, 0);
    }
    return CH_OK;
}

/* ---- other dates ---- */

static ch_status eval_date_add(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = call->arg[0]->data, *n = call->arg[1]->data;
    int32_t *r = (*out)->data;
    bool sub = strcmp(call->func->name, "date_sub") == 0;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = (int32_t)(sub ? (uint32_t)d[i] - (uint32_t)n[i] : (uint32_t)d[i] + (uint32_t)n[i]);
    return CH_OK;
}

static ch_status eval_datediff(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *a = call->arg[0]->data, *b = call->arg[1]->data;
    int32_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = (int32_t)((uint32_t)a[i] - (uint32_t)b[i]);
    return CH_OK;
}

static ch_status eval_add_months(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = call->arg[0]->data, *n = call->arg[1]->data;
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t days = ch_add_months(d[i], n[i]);
        if ((days > INT32_MAX || days < INT32_MIN) && ch_is_valid(*out, i))
            CH_FAIL(err, DATETIME_OVERFLOW, "operation", "a date plus months");
        r[i] = (int32_t)days;
    }
    return CH_OK;
}

/* Whole months between the same days or two month ends, else a fraction of 31 days. */
static ch_status eval_months_between(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_zone *zone;
    double *r = (*out)->data;
    CH_TRY(session_zone(call, &zone, err));
    for (int64_t i = 0; i < call->rows; i++) {
        ch_civil a, b;
        int64_t left_a, left_b;
        int64_t x = wall(call->arg[0], i, zone), y = wall(call->arg[1], i, zone);
        ch_civil_from_micros(x, &a);
        ch_civil_from_micros(y, &b);
        (void)ch_day_of(x, &left_a);
        (void)ch_day_of(y, &left_b);
        double months = (double)((a.year - b.year) * 12 + (a.month - b.month));
        bool ends = a.day == ch_days_in_month(a.year, a.month) &&
                    b.day == ch_days_in_month(b.year, b.month);
        if (a.day != b.day && !ends) {
            int64_t seconds = (int64_t)(a.day - b.day) * 86400 + left_a / CH_US_PER_SECOND -
                              left_b / CH_US_PER_SECOND;
            months += (double)seconds / (31.0 * 86400.0);
        }
        bool round = call->n_args < 3 || ch_bit_get(call->arg[2]->data, i);
        r[i] = round ? nearbyint(months * 1e8) / 1e8 : months;
    }
    return CH_OK;
}

/* 1 Monday .. 7, 0: no such day */
static int weekday_of(ch_str s)
{
    static const char *const name[] = {"MONDAY", "TUESDAY",  "WEDNESDAY", "THURSDAY",
                                       "FRIDAY", "SATURDAY", "SUNDAY"};
    for (int d = 0; d < 7; d++)
        if ((s.len == 2 || s.len == 3 || s.len == (int64_t)strlen(name[d])) &&
            strncasecmp(s.text, name[d], (size_t)s.len) == 0)
            return d + 1;
    return 0;
}

static ch_status eval_next_day(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = call->arg[0]->data;
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[1], i);
        while (s.len && s.text[0] == ' ')
            s.text++, s.len--;
        while (s.len && s.text[s.len - 1] == ' ')
            s.len--;
        int want = weekday_of(s);
        r[i] = 0;
        if (want) {
            r[i] = d[i] + 1 + (want - 1 - (ch_iso_weekday((int64_t)d[i] + 1) - 1) + 7) % 7;
        } else if (ch_is_valid(*out, i)) {
            if (call->ctx->ansi) {
                char text[64];
                size_t n = s.len < 63 ? (size_t)s.len : 63;
                memcpy(text, s.text, n);
                text[n] = 0;
                CH_FAIL(err, ILLEGAL_DAY_OF_WEEK, "string", text);
            }
            CH_TRY(ch_set_null(*out, i, err));
        }
    }
    return CH_OK;
}

/* ---- truncation ---- */

typedef enum unit {
    U_NONE,
    U_MICROSECOND,
    U_MILLISECOND,
    U_SECOND,
    U_MINUTE,
    U_HOUR,
    U_DAY,
    U_WEEK,
    U_MONTH,
    U_QUARTER,
    U_YEAR
} unit;

static unit unit_of(ch_str s)
{
    static const struct {
        const char *name;
        unit unit;
    } names[] = {{"MICROSECOND", U_MICROSECOND},
                 {"MILLISECOND", U_MILLISECOND},
                 {"SECOND", U_SECOND},
                 {"MINUTE", U_MINUTE},
                 {"HOUR", U_HOUR},
                 {"DAY", U_DAY},
                 {"DD", U_DAY},
                 {"WEEK", U_WEEK},
                 {"MONTH", U_MONTH},
                 {"MON", U_MONTH},
                 {"MM", U_MONTH},
                 {"QUARTER", U_QUARTER},
                 {"YEAR", U_YEAR},
                 {"YYYY", U_YEAR},
                 {"YY", U_YEAR}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((int64_t)strlen(names[i].name) == s.len &&
            strncasecmp(s.text, names[i].name, (size_t)s.len) == 0)
            return names[i].unit;
    return U_NONE;
}

static int64_t trunc_days(int64_t days, unit u)
{
    int32_t year, month, day;
    if (u == U_WEEK)
        return days - (ch_iso_weekday(days) - 1);
    ch_civil_from_days(days, &year, &month, &day);
    if (u == U_MONTH)
        return days - (day - 1);
    if (u == U_QUARTER)
        return ch_days_from_civil(year, (month - 1) / 3 * 3 + 1, 1);
    return u == U_YEAR ? ch_days_from_civil(year, 1, 1) : days;
}

/* trunc(date, unit): WEEK and coarser; NULL for other units */
static ch_status eval_trunc(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *d = call->arg[0]->data;
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        unit u = unit_of(ch_column_str(call->arg[1], i));
        r[i] = (int32_t)trunc_days(d[i], u);
        if (u < U_WEEK)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* date_trunc(unit, timestamp) */
static ch_status eval_date_trunc(const ch_call *call, ch_column **out, ch_error *err)
{
    static const int64_t size[] = {1, 1, 1000, CH_US_PER_SECOND, CH_US_PER_MINUTE, CH_US_PER_HOUR};
    const ch_zone *zone;
    const ch_column *c = call->arg[1];
    int64_t *r = (*out)->data;
    CH_TRY(session_zone(call, &zone, err));
    bool zoned = c->type->id == CH_TIMESTAMP;
    for (int64_t i = 0; i < call->rows; i++) {
        unit u = unit_of(ch_column_str(call->arg[0], i));
        int64_t us = ((const int64_t *)c->data)[i], left;
        if (u == U_NONE)
            CH_TRY(ch_set_null(*out, i, err));
        if (u <= U_SECOND) {
            int64_t rest = us % size[u];
            r[i] = us - (rest < 0 ? rest + size[u] : rest);
            continue;
        }
        int64_t local = wall(c, i, zone), day = ch_day_of(local, &left);
        local = u < U_DAY ? local - left % size[u] : trunc_days(day, u) * CH_US_PER_DAY;
        r[i] = zoned ? ch_zone_to_utc(zone, local) : local;
        if (zoned && u < U_DAY) /* within an overlap the later hour stays the later one */
            r[i] = us - (wall(c, i, zone) - local);
    }
    return CH_OK;
}

/* ---- made of numbers ---- */

static ch_status eval_make_date(const ch_call *call, ch_column **out, ch_error *err)
{
    const int32_t *y = call->arg[0]->data, *m = call->arg[1]->data, *d = call->arg[2]->data;
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        bool ok = m[i] >= 1 && m[i] <= 12 && d[i] >= 1 && d[i] <= ch_days_in_month(y[i], m[i]);
        int64_t days = ok ? ch_days_from_civil(y[i], m[i], d[i]) : 0;
        ok = ok && days >= INT32_MIN && days <= INT32_MAX;
        r[i] = ok ? (int32_t)days : 0;
        if (ok || !ch_is_valid(*out, i))
            continue;
        if (call->ctx->ansi)
            CH_FAIL(err, DATETIME_FIELD_OUT_OF_BOUNDS, "rangeMessage",
                    m[i] < 1 || m[i] > 12 ? "Invalid value for MonthOfYear (valid values 1 - 12)"
                                          : "Invalid date",
                    "ansiConfig", CH_CONFIG_ANSI);
        CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

#define SCALED(name, EXPR)                                                     \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const int64_t *a = call->arg[0]->data;                                 \
        int64_t *r = (*out)->data;                                             \
        CH_UNUSED(err);                                                        \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            int64_t x = a[i];                                                  \
            r[i] = EXPR;                                                       \
        }                                                                      \
        return CH_OK;                                                          \
    }
SCALED(eval_unix_seconds, x / CH_US_PER_SECOND - (x % CH_US_PER_SECOND < 0))
SCALED(eval_unix_millis, x / 1000 - (x % 1000 < 0))
SCALED(eval_micros, x)

static ch_status eval_timestamp_of(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *a = call->arg[0]->data;
    int64_t *r = (*out)->data, factor = call->func->name[10] == 's' ? CH_US_PER_SECOND : 1000;
    for (int64_t i = 0; i < call->rows; i++)
        if (__builtin_mul_overflow(a[i], factor, &r[i]) && ch_is_valid(*out, i))
            CH_FAIL(err, DATETIME_OVERFLOW, "operation", "a number as a timestamp");
    return CH_OK;
}

/* timestamp_seconds of fractions: microseconds are cut off */
static ch_status eval_timestamp_real(const ch_call *call, ch_column **out, ch_error *err)
{
    const double *a = call->arg[0]->data;
    int64_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        double us = a[i] * 1e6;
        bool ok = us > -9.2e18 && us < 9.2e18;
        r[i] = ok ? (int64_t)us : 0;
        if (!ok)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static ch_status bind_timestamp_seconds(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    bool whole = ch_type_is_integral(bind->arg_type[0]);
    CH_TRY(ch_bind_cast(bind, 0, whole ? CH_T_LONG : CH_T_DOUBLE, err));
    bind->result = CH_T_TIMESTAMP;
    if (whole)
        return CH_OK;
    bind->eval = eval_timestamp_real;
    bind->nullable = true;
    return CH_OK;
}

/* from_utc_timestamp(t, zone): what a clock there shows at t UTC; to_utc_timestamp is its inverse. */
static ch_status eval_shift_zone(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *a = call->arg[0]->data;
    int64_t *r = (*out)->data;
    bool from = call->func->name[0] == 'f';
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        ch_str s = ch_column_str(call->arg[1], i);
        const ch_zone *zone = ch_zone_find(s.text, s.len, err);
        if (!zone)
            return CH_E_INVALID_TIMEZONE;
        r[i] = from ? ch_zone_to_local(zone, a[i]) : ch_zone_to_utc(zone, a[i]);
    }
    return CH_OK;
}

/* ---- now ---- */

static ch_status eval_now(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_zone *zone;
    CH_TRY(session_zone(call, &zone, err));
    int64_t now = call->ctx->now_us, local = ch_zone_to_local(zone, now);
    for (int64_t i = 0; i < call->rows; i++) {
        if (call->result->id == CH_DATE)
            ((int32_t *)(*out)->data)[i] = (int32_t)ch_day_of(local, NULL);
        else
            ((int64_t *)(*out)->data)[i] = call->result->id == CH_TIMESTAMP ? now : local;
    }
    return CH_OK;
}

/* Seconds with their fraction, as DECIMAL(8, 6). */
static ch_status eval_exact_second(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_zone *zone;
    int64_t *r = (*out)->data;
    CH_TRY(session_zone(call, &zone, err));
    for (int64_t i = 0; i < call->rows; i++) {
        (void)ch_day_of(wall(call->arg[1], i, zone), &r[i]);
        r[i] %= CH_US_PER_MINUTE;
    }
    return CH_OK;
}

/* Kernels above look at argument 0; extract's date is argument 1. */
static ch_status eval_extract(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_status (*const *kernel)(const ch_call *, ch_column **, ch_error *) = call->data;
    ch_call inner = *call;
    inner.arg = call->arg + 1;
    inner.n_args = 1;
    return (*kernel)(&inner, out, err);
}

DATE_FIELD(eval_week_year, (ch_iso_week(d[i], &year), year))
DATE_FIELD(eval_iso_weekday, ch_iso_weekday(d[i]))

/* Fields of intervals: what is left below the next larger one. */
#define INTERVAL_FIELD(name, T, EXPR)                                          \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const T *a = call->arg[0]->data;                                       \
        CH_UNUSED(err);                                                        \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            T v = a[i];                                                        \
            if (call->result->id == CH_BYTE)                                   \
                ((int8_t *)(*out)->data)[i] = (int8_t)(EXPR);                  \
            else if (call->result->id == CH_INT)                               \
                ((int32_t *)(*out)->data)[i] = (int32_t)(EXPR);                \
            else                                                               \
                ((int64_t *)(*out)->data)[i] = (int64_t)(EXPR);                \
        }                                                                      \
        return CH_OK;                                                          \
    }
INTERVAL_FIELD(eval_iv_year, int32_t, v / 12)
INTERVAL_FIELD(eval_iv_month, int32_t, v % 12)
INTERVAL_FIELD(eval_iv_day, int64_t, v / CH_US_PER_DAY)
INTERVAL_FIELD(eval_iv_hour, int64_t, v / CH_US_PER_HOUR % 24)
INTERVAL_FIELD(eval_iv_minute, int64_t, v / CH_US_PER_MINUTE % 60)
INTERVAL_FIELD(eval_iv_second, int64_t, v % CH_US_PER_MINUTE)

typedef struct part_name {
    const char *names[6];
    ch_status (*eval)(const ch_call *, ch_column **, ch_error *);
    ch_type_id from; /* argument's type */
} part_name;

static const part_name PART[] = {
    {{"YEAR", "Y", "YEARS", "YR", "YRS"}, eval_year, CH_DATE},
    {{"YEAROFWEEK"}, eval_week_year, CH_DATE},
    {{"QUARTER", "QTR"}, eval_quarter, CH_DATE},
    {{"MONTH", "MON", "MONS", "MONTHS"}, eval_month, CH_DATE},
    {{"WEEK", "W", "WEEKS"}, eval_weekofyear, CH_DATE},
    {{"DAY", "D", "DAYS"}, eval_day, CH_DATE},
    {{"DAYOFWEEK", "DOW"}, eval_dayofweek, CH_DATE},
    {{"DAYOFWEEK_ISO", "DOW_ISO"}, eval_iso_weekday, CH_DATE},
    {{"DOY"}, eval_dayofyear, CH_DATE},
    {{"HOUR", "H", "HOURS", "HR", "HRS"}, eval_hour, CH_TIMESTAMP},
    {{"MINUTE", "M", "MIN", "MINS", "MINUTES"}, eval_minute, CH_TIMESTAMP},
    {{"SECOND", "S", "SEC", "SECONDS", "SECS"}, NULL, CH_TIMESTAMP},
    {{"YEAR", "Y", "YEARS", "YR", "YRS"}, eval_iv_year, CH_YEAR_MONTH_INTERVAL},
    {{"MONTH", "MON", "MONS", "MONTHS"}, eval_iv_month, CH_YEAR_MONTH_INTERVAL},
    {{"DAY", "D", "DAYS"}, eval_iv_day, CH_DAY_TIME_INTERVAL},
    {{"HOUR", "H", "HOURS", "HR", "HRS"}, eval_iv_hour, CH_DAY_TIME_INTERVAL},
    {{"MINUTE", "M", "MIN", "MINS", "MINUTES"}, eval_iv_minute, CH_DAY_TIME_INTERVAL},
    {{"SECOND", "S", "SEC", "SECONDS", "SECS"}, eval_iv_second, CH_DAY_TIME_INTERVAL},
};

/* date_part(field, source) = extract(field FROM source); the field is a constant. */
static ch_status bind_extract(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_scalar *field = ch_bind_constant(bind, 0);
    const ch_type *t = bind->arg_type[1];
    if (!field || field->is_null || !ch_type_is_string(field->type))
        return ch_bind_wrong_type(bind, 0, "STRING", err);
    bool interval = t->id == CH_YEAR_MONTH_INTERVAL || t->id == CH_DAY_TIME_INTERVAL;
    for (size_t i = 0; i < sizeof PART / sizeof *PART; i++) {
        bool same = false;
        for (int k = 0; k < 6 && PART[i].names[k] && !same; k++)
            same = (int64_t)strlen(PART[i].names[k]) == field->v.str.len &&
                   strncasecmp(PART[i].names[k], field->v.str.text, (size_t)field->v.str.len) == 0;
        if (!same || (interval ? PART[i].from != t->id : PART[i].from > CH_TIMESTAMP))
            continue;
        bool ntz = PART[i].from == CH_TIMESTAMP && t->id == CH_TIMESTAMP_NTZ;
        if (!interval && !ntz)
            CH_TRY(ch_bind_cast(bind, 1, ch_type_of(PART[i].from), err));
        bool second = PART[i].names[0][0] == 'S';
        bind->result = second ? ch_type_decimal(8, 6) : CH_T_INT;
        if (interval && !second && PART[i].eval != eval_iv_year && PART[i].eval != eval_iv_day)
            bind->result = ch_type_of(CH_BYTE);
        bind->data = (void *)(uintptr_t)&PART[i].eval;
        bind->eval = PART[i].eval ? eval_extract : eval_exact_second;
        return CH_OK;
    }
    char text[64];
    size_t n = field->v.str.len < 63 ? (size_t)field->v.str.len : 63;
    memcpy(text, field->v.str.text, n);
    text[n] = 0;
    CH_FAIL(err, INVALID_EXTRACT_FIELD, "field", text, "expr", ch_bind_arg_sql(bind, 1));
}

#define ROW(fn, signature, kernel, flag, text, ex, want)                                         \
    {                                                                                            \
        .name = fn, .sig = signature, .eval = kernel, .flags = CH_FUNC_NULL_PROPAGATES | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                     \
    }
#define FIELD(fn, kernel, text, ex, want) ROW(fn, "date -> int", kernel, 0, text, ex, want)
#define CLOCK(fn, kernel, text, ex, want) \
    ROW(fn, "timestamp|timestamp_ntz -> int", kernel, 0, text, ex, want)
#define NOW(fn, signature, text)                                                                  \
    {                                                                                             \
        .name = fn, .sig = signature, .eval = eval_now, .flags = CH_FUNC_NEVER_NULL, .doc = text, \
        .since = "0.1"                                                                            \
    }
#define FAILS CH_FUNC_MAY_FAIL

const ch_func ch_func_date_part[] = {
    FIELD("year", eval_year, "Year.", "year('2016-07-30')", "2016"),
    FIELD("quarter", eval_quarter, "Quarter, 1 to 4.", "quarter('2016-08-31')", "3"),
    FIELD("month", eval_month, "Month, 1 to 12.", "month('2016-07-30')", "7"),
    FIELD("day", eval_day, "Day of the month.", "day('2009-07-30')", "30"),
    FIELD("dayofmonth", eval_day, "Day of the month.", "dayofmonth('2009-07-30')", "30"),
    FIELD("dayofyear", eval_dayofyear, "Day of the year.", "dayofyear('2016-04-09')", "100"),
    FIELD("dayofweek", eval_dayofweek, "1 Sunday to 7 Saturday.", "dayofweek('2009-07-30')", "5"),
    FIELD("weekday", eval_weekday, "0 Monday to 6 Sunday.", "weekday('2009-07-30')", "3"),
    FIELD("weekofyear", eval_weekofyear, "ISO week.", "weekofyear('2008-02-20')", "8"),
    FIELD("unix_date", eval_unix_date, "Days since 1970-01-01.", "unix_date(DATE'1970-01-02')",
          "1"),
    CLOCK("hour", eval_hour, "Hour.", "hour('2009-07-30 12:58:59')", "12"),
    CLOCK("minute", eval_minute, "Minute.", "minute('2009-07-30 12:58:59')", "58"),
    CLOCK("second", eval_second, "Second.", "second('2009-07-30 12:58:59')", "59"),
    ROW("dayname", "date -> string", eval_name, 0, "Mon ... Sun.", "dayname(DATE'2008-02-20')",
        "Wed"),
    ROW("monthname", "date -> string", eval_name, 0, "Jan ... Dec.", "monthname(DATE'2008-02-20')",
        "Feb"),
    ROW("last_day", "date -> date", eval_last_day, 0, "The last day of its month.",
        "last_day('2009-01-12')", "2009-01-31"),
    ROW("date_add", "date, int -> date", eval_date_add, 0, "n days later.",
        "date_add('2016-07-30', 1)", "2016-07-31"),
    ROW("dateadd", "date, int -> date", eval_date_add, 0, "n days later.",
        "dateadd('2016-07-30', 1)", "2016-07-31"),
    ROW("date_sub", "date, int -> date", eval_date_add, 0, "n days earlier.",
        "date_sub('2016-07-30', 1)", "2016-07-29"),
    ROW("datediff", "date, date -> int", eval_datediff, 0, "Days from the second to the first.",
        "datediff('2009-07-31', '2009-07-30')", "1"),
    ROW("date_diff", "date, date -> int", eval_datediff, 0, "Days from the second to the first.",
        "date_diff('2009-07-31', '2009-07-30')", "1"),
    ROW("add_months", "date, int -> date", eval_add_months, FAILS,
        "n months later, at most the month's last day.", "add_months('2016-08-31', 1)",
        "2016-09-30"),
    ROW("months_between", "timestamp, timestamp[, boolean] -> double", eval_months_between, 0,
        "Months from the second to the first, with a fraction of 31 days.",
        "months_between('1997-02-28 10:30:00', '1996-10-30')", "3.94959677"),
    ROW("next_day", "date, string -> date", eval_next_day, FAILS,
        "The first such day of the week after it.", "next_day('2015-01-14', 'TU')", "2015-01-20"),
    ROW("trunc", "date, string -> date", eval_trunc, CH_FUNC_MAKES_NULL,
        "First day of the year, quarter, month or week.", "trunc('2009-02-12', 'MM')",
        "2009-02-01"),
    ROW("date_trunc", "string, timestamp|timestamp_ntz -> timestamp", eval_date_trunc,
        CH_FUNC_MAKES_NULL, "Cut to a unit, from YEAR to MICROSECOND.",
        "date_trunc('HOUR', '2015-03-05T09:32:05.359')", "2015-03-05 09:00:00"),
    ROW("make_date", "int, int, int -> date", eval_make_date, FAILS,
        "A date of year, month and day.", "make_date(2013, 7, 15)", "2013-07-15"),
    ROW("date_from_unix_date", "int -> date", eval_unix_date, 0, "The day n days after 1970-01-01.",
        "date_from_unix_date(1)", "1970-01-02"),
    ROW("unix_seconds", "timestamp -> bigint", eval_unix_seconds, 0, "Seconds since the epoch.",
        "unix_seconds(TIMESTAMP'1970-01-01 00:00:01Z')", "1"),
    ROW("unix_millis", "timestamp -> bigint", eval_unix_millis, 0, "Milliseconds since the epoch.",
        "unix_millis(TIMESTAMP'1970-01-01 00:00:01Z')", "1000"),
    ROW("unix_micros", "timestamp -> bigint", eval_micros, 0, "Microseconds since the epoch.",
        "unix_micros(TIMESTAMP'1970-01-01 00:00:01Z')", "1000000"),
    {.name = "timestamp_seconds",
     .bind = bind_timestamp_seconds,
     .eval = eval_timestamp_of,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL,
     .doc = "The moment n seconds after the epoch.",
     .example = "SELECT unix_micros(timestamp_seconds(1.5D))",
     .expect = "1500000",
     .since = "0.1"},
    ROW("timestamp_millis", "bigint -> timestamp", eval_timestamp_of, FAILS,
        "The moment n milliseconds after the epoch.", "unix_micros(timestamp_millis(2))", "2000"),
    ROW("timestamp_micros", "bigint -> timestamp", eval_micros, 0,
        "The moment n microseconds after the epoch.", "unix_micros(timestamp_micros(2))", "2"),
    ROW("from_utc_timestamp", "timestamp, string -> timestamp", eval_shift_zone, FAILS,
        "UTC as shown by a clock in a zone.", "from_utc_timestamp('2016-08-31', 'Asia/Seoul')",
        "2016-08-31 09:00:00"),
    ROW("to_utc_timestamp", "timestamp, string -> timestamp", eval_shift_zone, FAILS,
        "A clock in a zone as UTC.", "to_utc_timestamp('2016-08-31', 'Asia/Seoul')",
        "2016-08-30 15:00:00"),
    {.name = "date_part",
     .bind = bind_extract,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "A field of a date, timestamp or interval.",
     .example = "SELECT date_part('SECONDS', TIMESTAMP'2019-10-01 00:00:01.000001')",
     .expect = "1.000001",
     .since = "0.1"},
    {.name = "datepart",
     .bind = bind_extract,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "A field of a date, timestamp or interval.",
     .example = "SELECT datepart('week', DATE'2019-08-12')",
     .expect = "33",
     .since = "0.1"},
    {.name = "extract",
     .bind = bind_extract,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "A field of a date, timestamp or interval.",
     .example = "SELECT extract(YEAR FROM DATE'2019-08-12')",
     .expect = "2019",
     .since = "0.1"},
    NOW("current_date", "-> date", "Today, at the start of the query."),
    NOW("curdate", "-> date", "Today, at the start of the query."),
    NOW("current_timestamp", "-> timestamp", "The start of the query."),
    NOW("now", "-> timestamp", "The start of the query."),
    NOW("localtimestamp", "-> timestamp_ntz", "The start of the query, by the wall clock."),
    CH_FUNC_END,
};
