/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interval.c - text of intervals, both ways.
 *
 * ANSI intervals print and read as a run of fields from the type's first unit to its last:
 *   days ' ' hours ':' minutes ':' seconds[.f..f]     years '-' months
 * where the first field takes any number and the others are in their usual range.
 */
#include <string.h>
#include <strings.h>

#include "type/datetime.h"
#include "type/number.h"

static const char *const DAY_TIME[] = {"DAY", "HOUR", "MINUTE", "SECOND"};
static const char *const YEAR_MONTH[] = {"YEAR", "MONTH"};

static char *puts_at(char *p, const char *text)
{
    size_t n = strlen(text);
    memcpy(p, text, n);
    return p + n;
}

static char *put_padded(char *p, uint64_t v)
{
    if (v < 10)
        *p++ = '0';
    return p + ch_print_u64(p, v);
}

static char *put_fraction(char *p, uint64_t micros)
{
    if (!micros)
        return p;
    *p++ = '.';
    for (uint64_t unit = 100000; micros; unit /= 10) {
        *p++ = (char)('0' + micros / unit);
        micros %= unit;
    }
    return p;
}

static char *put_units(char *p, const ch_type *type, const char *const *unit)
{
    *p++ = '\'';
    *p++ = ' ';
    p = puts_at(p, unit[type->start]);
    if (type->stop != type->start)
        p = puts_at(puts_at(p, " TO "), unit[type->stop]);
    return p;
}

int ch_year_month_print(char *out, int32_t months, const ch_type *type)
{
    char *p = puts_at(out, "INTERVAL '");
    uint32_t n = months < 0 ? -(uint32_t)months : (uint32_t)months;
    if (months < 0)
        *p++ = '-';
    if (type->start == CH_MONTH) {
        p += ch_print_u64(p, n);
    } else {
        p += ch_print_u64(p, n / 12);
        if (type->stop == CH_MONTH) {
            *p++ = '-';
            p += ch_print_u64(p, n % 12);
        }
    }
    return (int)(put_units(p, type, YEAR_MONTH) - out);
}

int ch_day_time_print(char *out, int64_t us, const ch_type *type)
{
    static const uint64_t size[] = {(uint64_t)CH_US_PER_DAY, (uint64_t)CH_US_PER_HOUR,
                                    (uint64_t)CH_US_PER_MINUTE, (uint64_t)CH_US_PER_SECOND};
    char *p = puts_at(out, "INTERVAL '");
    uint64_t left = us < 0 ? -(uint64_t)us : (uint64_t)us;
    if (us < 0)
        *p++ = '-';
    for (int unit = type->start; unit <= type->stop; unit++) {
        if (unit > type->start)
            *p++ = unit == CH_HOUR ? ' ' : ':';
        uint64_t n = left / size[unit];
        left %= size[unit];
        p = unit == CH_DAY ? p + ch_print_u64(p, n) : put_padded(p, n);
        if (unit == CH_SECOND)
            p = put_fraction(p, left);
    }
    return (int)(put_units(p, type, DAY_TIME) - out);
}

static char *put_count(char *p, int64_t n, const char *unit)
{
    if (!n)
        return p;
    p += ch_print_i64(p, n);
    *p++ = ' ';
    return puts_at(puts_at(p, unit), " ");
}

int ch_interval_print(char *out, ch_interval v)
{
    char *p = out;
    p = put_count(p, v.months / 12, "years");
    p = put_count(p, v.months % 12, "months");
    p = put_count(p, v.days, "days");
    int64_t us = v.nanos / 1000;
    p = put_count(p, us / CH_US_PER_HOUR, "hours");
    us %= CH_US_PER_HOUR;
    p = put_count(p, us / CH_US_PER_MINUTE, "minutes");
    us %= CH_US_PER_MINUTE;
    if (us) {
        if (us < 0)
            *p++ = '-';
        uint64_t n = (uint64_t)(us < 0 ? -us : us);
        p += ch_print_u64(p, n / 1000000);
        p = puts_at(put_fraction(p, n % 1000000), " seconds ");
    }
    if (p == out)
        p = puts_at(p, "0 seconds ");
    return (int)(p - 1 - out);
}

/* ---- reading ---- */

static const char *blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
        p++;
    return p;
}

/* p past the word, without case; NULL: another word is there. */
static const char *word(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - p) >= n && strncasecmp(p, text, n) == 0 ? p + n : NULL;
}

/* Cuts INTERVAL [sign] 'text' UNIT [TO UNIT] down to the text; false: malformed. */
static bool unwrap(const char **text, int64_t *len, const ch_type *type, const char *const *unit,
                   bool *negative)
{
    ch_trim(text, len);
    const char *p = *text, *end = p + *len;
    *negative = false;
    const char *inner = word(p, end, "INTERVAL");
    if (!inner)
        return true;
    p = blanks(inner, end);
    if (p < end && (*p == '+' || *p == '-'))
        *negative = *p++ == '-';
    p = blanks(p, end);
    const char *close = p < end && *p == '\'' ? memchr(p + 1, '\'', (size_t)(end - p - 1)) : NULL;
    if (!close)
        return false;
    *text = p + 1;
    *len = close - p - 1;
    p = word(blanks(close + 1, end), end, unit[type->start]);
    if (p && type->stop != type->start) {
        p = word(blanks(p, end), end, "TO");
        p = p ? word(blanks(p, end), end, unit[type->stop]) : NULL;
    }
    return p && blanks(p, end) == end;
}

/* 1..max digits; NULL: none, or too many. */
static const char *number(const char *p, const char *end, int max, int64_t *out)
{
    int n = 0;
    int64_t v = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++, n++) {
        if (n == max || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, *p - '0', &v))
            return NULL;
    }
    *out = v;
    return n ? p : NULL;
}

bool ch_year_month_parse(const char *text, int64_t len, const ch_type *type, int32_t *months)
{
    bool negative;
    *months = 0;
    if (!unwrap(&text, &len, type, YEAR_MONTH, &negative))
        return false;
    const char *p = text, *end = text + len;
    if (p < end && (*p == '+' || *p == '-'))
        negative ^= *p++ == '-';
    int64_t first, second = 0, total;
    if (!(p = number(p, end, 10, &first)))
        return false;
    if (type->start == CH_YEAR && type->stop == CH_MONTH) {
        if (p == end || *p != '-' || !(p = number(p + 1, end, 10, &second)) || second > 11)
            return false;
    }
    total = type->start == CH_YEAR ? first * 12 + second : first;
    total = negative ? -total : total;
    *months = (int32_t)total;
    return p == end && total >= INT32_MIN && total <= INT32_MAX;
}

bool ch_day_time_parse(const char *text, int64_t len, const ch_type *type, int64_t *us)
{
    static const int64_t size[] = {CH_US_PER_DAY, CH_US_PER_HOUR, CH_US_PER_MINUTE,
                                   CH_US_PER_SECOND};
    static const int64_t most[] = {INT64_MAX, 23, 59, 59};
    bool negative;
    *us = 0;
    if (!unwrap(&text, &len, type, DAY_TIME, &negative))
        return false;
    const char *p = text, *end = text + len;
    if (p < end && (*p == '+' || *p == '-'))
        negative ^= *p++ == '-';
    int64_t total = 0;
    for (int unit = type->start; unit <= type->stop; unit++) {
        if (unit > type->start && (p == end || *p++ != (unit == CH_HOUR ? ' ' : ':')))
            return false;
        int64_t n, part;
        if (!(p = number(p, end, unit == type->start ? 18 : 2, &n)) ||
            (unit > type->start && n > most[unit]))
            return false;
        n = negative ? -n : n;
        if (__builtin_mul_overflow(n, size[unit], &part) ||
            __builtin_add_overflow(total, part, &total))
            return false;
    }
    if (type->stop == CH_SECOND && p < end && *p == '.') {
        const char *digits = ++p;
        int64_t fraction = 0;
        for (int64_t unit = 100000; p < end && *p >= '0' && *p <= '9'; p++, unit /= 10)
            fraction += (*p - '0') * unit;
        if (p == digits || p - digits > 9 ||
            __builtin_add_overflow(total, negative ? -fraction : fraction, &total))
            return false;
    }
    *us = total;
    return p == end;
}

bool ch_interval_parse(const char *text, int64_t len, ch_interval *out)
{
    static const struct {
        const char *name;
        int months, days;
        int64_t us;
    } unit[] = {
        {"years", 12, 0, 0},
        {"quarters", 3, 0, 0},
        {"months", 1, 0, 0},
        {"weeks", 0, 7, 0},
        {"days", 0, 1, 0},
        {"hours", 0, 0, CH_US_PER_HOUR},
        {"minutes", 0, 0, CH_US_PER_MINUTE},
        {"seconds", 0, 0, CH_US_PER_SECOND},
        {"milliseconds", 0, 0, 1000},
        {"microseconds", 0, 0, 1},
    };
    enum { N_UNITS = sizeof unit / sizeof *unit };
    *out = (ch_interval){0};
    ch_trim(&text, &len);
    const char *p = text, *end = text + len, *rest = word(p, end, "interval");
    if (rest && (rest == end || blanks(rest, end) > rest))
        p = blanks(rest, end);
    int64_t months = 0, days = 0, us = 0;
    bool any = false;
    while (p < end) {
        bool negative = *p == '-';
        if (*p == '+' || *p == '-')
            p = blanks(p + 1, end);
        int64_t n = 0, fraction = 0, part;
        bool point = false;
        if (p < end && *p != '.' && !(p = number(p, end, 19, &n)))
            return false;
        if (p < end && *p == '.') {
            point = true;
            const char *digits = ++p;
            for (int64_t size = 100000; p < end && *p >= '0' && *p <= '9'; p++, size /= 10)
                fraction += (*p - '0') * size;
            if (p - digits > 9)
                return false;
        }
        const char *at = blanks(p, end);
        if (at == p)
            return false;
        int u = 0;
        const char *after = NULL;
        for (; u < N_UNITS; u++) {
            if ((after = word(at, end, unit[u].name)))
                break;
            size_t n_name = strlen(unit[u].name) - 1;
            if ((size_t)(end - at) >= n_name && strncasecmp(at, unit[u].name, n_name) == 0) {
                after = at + n_name;
                break;
            }
        }
        if (!after || (after < end && blanks(after, end) == after))
            return false;
        if (point && unit[u].us != CH_US_PER_SECOND)
            return false;
        n = negative ? -n : n;
        fraction = negative ? -fraction : fraction;
        if (__builtin_mul_overflow(n, (int64_t)unit[u].months, &part) ||
            __builtin_add_overflow(months, part, &months) ||
            __builtin_mul_overflow(n, (int64_t)unit[u].days, &part) ||
            __builtin_add_overflow(days, part, &days) ||
            __builtin_mul_overflow(n, unit[u].us, &part) || __builtin_add_overflow(us, part, &us) ||
            __builtin_add_overflow(us, fraction, &us))
            return false;
        any = true;
        p = blanks(after, end);
    }
    out->months = (int32_t)months;
    out->days = (int32_t)days;
    return any && months == out->months && days == out->days &&
           !__builtin_mul_overflow(us, (int64_t)1000, &out->nanos);
}
