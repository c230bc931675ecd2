/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datetime.h - dates, timestamps and intervals: calendar arithmetic, and text both ways.
 *
 * The calendar is the proleptic Gregorian one. DATE is int32 days, TIMESTAMP int64 microseconds since
 * 1970-01-01 UTC, TIMESTAMP_NTZ the same on a wall clock, TIME int64 nanoseconds since midnight.
 * Parsing never allocates; the text is not NUL-terminated. Print functions add no NUL.
 */
#ifndef CH_TYPE_DATETIME_H
#define CH_TYPE_DATETIME_H

#include "base/arena.h"
#include "type/timezone.h"
#include "type/type.h"

#define CH_US_PER_SECOND INT64_C(1000000)
#define CH_US_PER_MINUTE (60 * CH_US_PER_SECOND)
#define CH_US_PER_HOUR (60 * CH_US_PER_MINUTE)
#define CH_US_PER_DAY (24 * CH_US_PER_HOUR)
#define CH_NS_PER_DAY (1000 * CH_US_PER_DAY)

/* Bytes that the print functions of dates, times, timestamps and intervals need at most. */
#define CH_DATETIME_TEXT 128

/* ---- calendar ---- */

typedef struct ch_civil {
    int32_t year, month, day;             /* month 1..12, day 1..31 */
    int32_t hour, minute, second, micros; /* zero for dates */
} ch_civil;

int64_t ch_days_from_civil(int64_t year, int month, int day);
void ch_civil_from_days(int64_t days, int32_t *year, int32_t *month, int32_t *day);
/* Wall-clock microseconds, i.e. a TIMESTAMP_NTZ. */
void ch_civil_from_micros(int64_t local_us, ch_civil *out);
int64_t ch_micros_from_civil(const ch_civil *c);
bool ch_is_leap(int64_t year);
int ch_days_in_month(int64_t year, int month);
/* floor(us / day), and what is left, 0 <= left < day. */
static inline int64_t ch_day_of(int64_t us, int64_t *left)
{
    int64_t rest = us % CH_US_PER_DAY;
    if (left)
        *left = rest + (rest < 0 ? CH_US_PER_DAY : 0);
    return us / CH_US_PER_DAY - (rest < 0);
}
/* 1 = Monday .. 7 = Sunday. */
int ch_iso_weekday(int64_t days);
/* 1..366 */
int ch_day_of_year(int64_t days);
/* ISO 8601 week 1..53, and the year that the week belongs to. */
int ch_iso_week(int64_t days, int32_t *week_year);
/* The same day of the month `months` later, or that month's last day. */
int64_t ch_add_months(int64_t days, int64_t months);

/* ---- text, as CAST reads and writes it ---- */

/*
 * [+-]yyyy[y..] | -[m]m | -[d]d | then ' ' or 'T' and anything (dates only). Blanks around.
 * False: malformed, or not a date.
 */
bool ch_date_parse(const char *text, int64_t len, int32_t *out);
/*
 * Date, then [ T]h[h]:m[m]:s[s][.f..f], parts optional from the right, then a zone: Z, +hh:mm,
 * Europe/Paris, GMT+1. A time alone ("T12:30", "12:30") takes `today` (days) as its date. Digits beyond
 * microseconds are cut off. zone: for text without one.
 */
bool ch_timestamp_parse(const char *text, int64_t len, const ch_zone *zone, int32_t today,
                        int64_t *out);
/* The same on a wall clock; a zone in the text is ignored if allow_zone, else an error. */
bool ch_timestamp_ntz_parse(const char *text, int64_t len, bool allow_zone, int64_t *out);
/* h[h]:mm:ss[.f..f] with optional AM/PM -> nanoseconds, cut to microseconds. */
bool ch_time_parse(const char *text, int64_t len, int64_t *out);

/* "2024-02-29", "+10000-01-01", "-0044-03-15". Returns bytes. */
int ch_date_print(char *out, int64_t days);
/* "2024-02-29 12:30:00.5": fraction without trailing zeros, none if zero. */
int ch_timestamp_print(char *out, int64_t us, const ch_zone *zone);
int ch_timestamp_ntz_print(char *out, int64_t local_us);
int ch_time_print(char *out, int64_t ns);

/* ---- intervals ---- */

/*
 * ANSI text of an interval type: INTERVAL '1-2' YEAR TO MONTH, INTERVAL '1 02:03:04.5' DAY TO SECOND.
 * Returns bytes.
 */
int ch_year_month_print(char *out, int32_t months, const ch_type *type);
int ch_day_time_print(char *out, int64_t us, const ch_type *type);
/* "1 years 2 months 3 days 4 hours", "0 seconds". */
int ch_interval_print(char *out, ch_interval value);

/*
 * Both the bare text ("1-2", "-1 02:03:04.5") and the whole literal (INTERVAL '1-2' YEAR TO MONTH),
 * as CAST(string AS INTERVAL ...) takes them.
 */
bool ch_year_month_parse(const char *text, int64_t len, const ch_type *type, int32_t *months);
bool ch_day_time_parse(const char *text, int64_t len, const ch_type *type, int64_t *us);
/* "interval 1 year -2 days 3.5 seconds", units in singular or plural, any order. */
bool ch_interval_parse(const char *text, int64_t len, ch_interval *out);

/* ---- patterns: yyyy-MM-dd HH:mm:ss[.SSS][XXX] ---- */

/*
 * A pattern of Spark 3+ (java.time's letters, without those Spark forbids), compiled once and then
 * immutable: one may serve many threads.
 */
typedef struct ch_pattern ch_pattern;

/*
 * for_parsing: letters that can only format (E, F, q, Q ...) are refused.
 * out lives in arena. Errors: INVALID_DATETIME_PATTERN.
 */
CH_NODISCARD ch_status ch_pattern_compile(const char *text, int64_t len, bool for_parsing,
                                          ch_arena *arena, const ch_pattern **out, ch_error *err);

/* Most bytes ch_pattern_format writes, at least 1. */
int ch_pattern_max_bytes(const ch_pattern *pattern);
/* Writes the moment as seen in zone. Returns bytes. */
int ch_pattern_format(const ch_pattern *pattern, int64_t utc_us, const ch_zone *zone, char *out);
/* Text -> moment; fields that the pattern lacks are those of 1970-01-01 00:00 in zone. */
bool ch_pattern_parse(const ch_pattern *pattern, const char *text, int64_t len, const ch_zone *zone,
                      int64_t *utc_us);
/* Text -> wall clock; a zone in the text is read and ignored. */
bool ch_pattern_parse_ntz(const ch_pattern *pattern, const char *text, int64_t len,
                          int64_t *local_us);
bool ch_pattern_parse_date(const ch_pattern *pattern, const char *text, int64_t len, int32_t *days);

#endif
