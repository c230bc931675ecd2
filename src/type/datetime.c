/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datetime.c - the calendar, and dates and timestamps as CAST reads and writes them.
 *
 * Days and civil dates: Hinnant, chrono-compatible low-level date algorithms; years begin in
 * March, so that the leap day is a year's last. The state machine of timestamps is Spark's own
 * (SparkDateTimeUtils.parseTimestampString), since what it accepts follows no grammar.
 */
#include "type/datetime.h"

#include <string.h>

#include "type/number.h"

int64_t ch_days_from_civil(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void ch_civil_from_days(int64_t days, int32_t *year, int32_t *month, int32_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t doe = (uint32_t)(z - era * 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    uint32_t mp = (5 * doy + 2) / 153;
    *day = (int32_t)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int32_t)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int32_t)((int64_t)yoe + era * 400 + (*month <= 2));
}

void ch_civil_from_micros(int64_t local_us, ch_civil *out)
{
    int64_t left;
    int64_t day = ch_day_of(local_us, &left);
    ch_civil_from_days(day, &out->year, &out->month, &out->day);
    out->micros = (int32_t)(left % CH_US_PER_SECOND);
    int32_t s = (int32_t)(left / CH_US_PER_SECOND);
    out->hour = s / 3600;
    out->minute = s / 60 % 60;
    out->second = s % 60;
}

int64_t ch_micros_from_civil(const ch_civil *c)
{
    int64_t s = ch_days_from_civil(c->year, c->month, c->day) * 86400 + c->hour * 3600 +
                c->minute * 60 + c->second;
    return (int64_t)((uint64_t)s * (uint64_t)CH_US_PER_SECOND) + c->micros;
}

bool ch_is_leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

int ch_days_in_month(int64_t year, int month)
{
    static const int8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return length[month - 1] + (month == 2 && ch_is_leap(year));
}

int ch_iso_weekday(int64_t days)
{
    int r = (int)((days + 3) % 7);
    return (r < 0 ? r + 7 : r) + 1;
}

int ch_day_of_year(int64_t days)
{
    int32_t y, m, d;
    ch_civil_from_days(days, &y, &m, &d);
    return (int)(days - ch_days_from_civil(y, 1, 1)) + 1;
}

int ch_iso_week(int64_t days, int32_t *week_year)
{
    /* The week belongs to the year of its Thursday. */
    int64_t thursday = days + 4 - ch_iso_weekday(days);
    int32_t y, m, d;
    ch_civil_from_days(thursday, &y, &m, &d);
    if (week_year)
        *week_year = y;
    return (int)((thursday - ch_days_from_civil(y, 1, 1)) / 7) + 1;
}

int64_t ch_add_months(int64_t days, int64_t months)
{
    int32_t y, m, d;
    ch_civil_from_days(days, &y, &m, &d);
    int64_t total = (int64_t)y * 12 + (m - 1) + months;
    int64_t year = total >= 0 ? total / 12 : -((11 - total) / 12);
    int month = (int)(total - year * 12) + 1;
    int last = ch_days_in_month(year, month);
    return ch_days_from_civil(year, month, d < last ? d : last);
}

/* ---- reading ---- */

static bool valid_date(int64_t year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 && day <= ch_days_in_month(year, month);
}

static inline unsigned digit(char c)
{
    return (unsigned)(unsigned char)c - '0';
}

bool ch_date_parse(const char *text, int64_t len, int32_t *out)
{
    *out = 0;
    if (len == 10 && text[4] == '-' && text[7] == '-') {
        unsigned d[8] = {digit(text[0]), digit(text[1]), digit(text[2]), digit(text[3]),
                         digit(text[5]), digit(text[6]), digit(text[8]), digit(text[9])};
        unsigned worst = 0;
        for (int i = 0; i < 8; i++)
            worst |= d[i] > 9;
        if (!worst) {
            int year = (int)(d[0] * 1000 + d[1] * 100 + d[2] * 10 + d[3]);
            int month = (int)(d[4] * 10 + d[5]), day = (int)(d[6] * 10 + d[7]);
            if (!valid_date(year, month, day))
                return false;
            *out = (int32_t)ch_days_from_civil(year, month, day);
            return true;
        }
    }
    ch_trim(&text, &len);
    const char *p = text, *end = text + len;
    if (p == end)
        return false;
    int64_t sign = 1, part[3] = {1, 1, 1}, value = 0;
    int n = 0, digits = 0;
    if (*p == '-' || *p == '+')
        sign = *p++ == '-' ? -1 : 1;
    for (; p < end && *p != ' ' && *p != 'T'; p++) {
        if (n < 2 && *p == '-') {
            if (n == 0 ? digits < 4 || digits > 7 : digits < 1 || digits > 2)
                return false;
            part[n++] = value;
            value = digits = 0;
        } else {
            if (digit(*p) > 9 || ++digits > 7)
                return false;
            value = value * 10 + digit(*p);
        }
    }
    if (n == 0 ? digits < 4 || digits > 7 : digits < 1 || digits > 2)
        return false;
    if (n < 2 && p < end)
        return false;
    part[n] = value;
    int64_t year = sign * part[0];
    if (!valid_date(year, (int)part[1], (int)part[2]))
        return false;
    int64_t days = ch_days_from_civil(year, (int)part[1], (int)part[2]);
    if (days > INT32_MAX || days < INT32_MIN)
        return false;
    *out = (int32_t)days;
    return true;
}

/* year month day hour minute second micros, then a zone's digits, which are not used. */
typedef struct stamp {
    int64_t part[9];
    const char *zone;
    int64_t zone_len;
    bool just_time;
} stamp;

static bool valid_digits(int i, int digits)
{
    if (i == 6)
        return true;
    if (i == 0)
        return digits >= 4 && digits <= 6;
    if (i == 7)
        return digits <= 2;
    return digits > 0 && digits <= 2;
}

static bool read_stamp(const char *text, int64_t len, stamp *out)
{
    *out = (stamp){.part = {1, 1, 1}};
    ch_trim(&text, &len);
    const char *p = text, *end = text + len;
    if (p == end)
        return false;
    int64_t value = 0, sign = 0;
    int i = 0, digits = 0, fraction = 0;
    if (*p == '-' || *p == '+')
        sign = *p++ == '-' ? -1 : 1;
    for (; p < end; p++) {
        char c = *p;
        if (digit(c) <= 9) {
            if (i == 6)
                fraction++;
            if (i != 6 || digits < 6)
                value = value * 10 + digit(c);
            if (++digits > 9 && i != 6)
                return false;
            continue;
        }
        if (p == text && c == 'T') {
            out->just_time = true;
            i = 3;
            continue;
        }
        int at = i, next = i + 1;
        if (i == 0 && c == ':' && !sign) {
            out->just_time = true;
            at = 3;
            next = 4;
        } else if (i < 2 ? c != '-' : i == 2 ? c != ' ' && c != 'T' : i < 5 ? c != ':' : i > 6) {
            return false;
        }
        if (!valid_digits(at, digits))
            return false;
        out->part[at] = value;
        value = digits = 0;
        i = next;
        if (at >= 5 && !(at == 5 && c == '.')) {
            out->zone = p;
            out->zone_len = end - p;
            i = 7;
            break;
        }
    }
    if (!valid_digits(i, digits))
        return false;
    out->part[i] = value;
    for (; fraction < 6; fraction++)
        out->part[6] *= 10;
    if (sign)
        out->part[0] *= sign;
    if (out->zone)
        ch_trim(&out->zone, &out->zone_len);
    return out->part[3] < 24 && out->part[4] < 60 && out->part[5] < 60;
}

/* Wall-clock microseconds; false: no such date, or beyond int64. */
static bool stamp_micros(const stamp *s, int64_t days, int64_t *out)
{
    if (!s->just_time) {
        if (!valid_date(s->part[0], (int)s->part[1], (int)s->part[2]))
            return false;
        days = ch_days_from_civil(s->part[0], (int)s->part[1], (int)s->part[2]);
    }
    int64_t in_day =
        (s->part[3] * 3600 + s->part[4] * 60 + s->part[5]) * CH_US_PER_SECOND + s->part[6];
    /* Near the lower limit the product alone passes it: begin one day later, go back. */
    int64_t us, base = days < 0 ? days + 1 : days;
    if (__builtin_mul_overflow(base, CH_US_PER_DAY, &us))
        return false;
    return !__builtin_add_overflow(us, days < 0 ? in_day - CH_US_PER_DAY : in_day, out);
}

bool ch_timestamp_parse(const char *text, int64_t len, const ch_zone *zone, int32_t today,
                        int64_t *out)
{
    stamp s;
    *out = 0;
    int64_t local;
    if (!read_stamp(text, len, &s))
        return false;
    if (s.zone && !(zone = ch_zone_find(s.zone, s.zone_len, NULL)))
        return false;
    if (!stamp_micros(&s, today, &local))
        return false;
    *out = zone == &ch_zone_utc ? local : ch_zone_to_utc(zone, local);
    return true;
}

bool ch_timestamp_ntz_parse(const char *text, int64_t len, bool allow_zone, int64_t *out)
{
    stamp s;
    *out = 0;
    if (!read_stamp(text, len, &s) || s.just_time)
        return false;
    if (s.zone && (!allow_zone || !ch_zone_find(s.zone, s.zone_len, NULL)))
        return false;
    return stamp_micros(&s, 0, out);
}

bool ch_time_parse(const char *text, int64_t len, int64_t *out)
{
    *out = 0;
    ch_trim(&text, &len);
    int half = -1; /* 0 AM, 1 PM */
    if (len > 2 && (text[len - 1] | 0x20) == 'm') {
        char h = (char)(text[len - 2] | 0x20);
        half = h == 'a' ? 0 : h == 'p' ? 1 : -1;
        if (half >= 0)
            len -= 2;
        ch_trim(&text, &len);
    }
    stamp s;
    if (len == 0 || !memchr(text, ':', (size_t)len) || !read_stamp(text, len, &s) || !s.just_time ||
        s.zone)
        return false;
    if (half >= 0) {
        if (s.part[3] < 1 || s.part[3] > 12)
            return false;
        s.part[3] = s.part[3] % 12 + 12 * half;
    }
    int64_t us;
    bool ok = stamp_micros(&s, 0, &us);
    *out = us * 1000;
    return ok;
}

/* ---- writing ---- */

static char *two(char *p, int v)
{
    p[0] = (char)('0' + v / 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *print_year(char *p, int32_t year)
{
    if (year > 9999)
        *p++ = '+';
    if (year < 0) {
        *p++ = '-';
        year = -year;
    }
    if (year > 9999)
        return p + ch_print_i64(p, year);
    return two(two(p, year / 100), year % 100);
}

static char *print_civil_date(char *p, const ch_civil *c)
{
    p = print_year(p, c->year);
    *p++ = '-';
    p = two(p, c->month);
    *p++ = '-';
    return two(p, c->day);
}

static char *print_fraction(char *p, int32_t micros)
{
    if (!micros)
        return p;
    *p++ = '.';
    for (int32_t unit = 100000; micros; unit /= 10) {
        *p++ = (char)('0' + micros / unit);
        micros %= unit;
    }
    return p;
}

static char *print_clock(char *p, const ch_civil *c)
{
    p = two(p, c->hour);
    *p++ = ':';
    p = two(p, c->minute);
    *p++ = ':';
    return print_fraction(two(p, c->second), c->micros);
}

int ch_date_print(char *out, int64_t days)
{
    ch_civil c = {0};
    ch_civil_from_days(days, &c.year, &c.month, &c.day);
    return (int)(print_civil_date(out, &c) - out);
}

int ch_timestamp_ntz_print(char *out, int64_t local_us)
{
    ch_civil c;
    ch_civil_from_micros(local_us, &c);
    char *p = print_civil_date(out, &c);
    *p++ = ' ';
    return (int)(print_clock(p, &c) - out);
}

int ch_timestamp_print(char *out, int64_t us, const ch_zone *zone)
{
    return ch_timestamp_ntz_print(out, zone == &ch_zone_utc ? us : ch_zone_to_local(zone, us));
}

int ch_time_print(char *out, int64_t ns)
{
    ch_civil c;
    ch_civil_from_micros(ns / 1000, &c);
    return (int)(print_clock(out, &c) - out);
}
