/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.c - date-time patterns: the letters of java.time's DateTimeFormatter that Spark allows.
 *
 * A pattern is compiled to a list of items; [ and ] become OPEN and CLOSE, which know each
 * other's place. Parsing follows java.time in its strict style:
 *   - letters once ("d") read 1..19 digits, twice ("dd") exactly two, yyyy four or a sign and more;
 *   - numbers that touch share the digits: the first takes what the others, all of fixed
 *     width, leave to it;
 *   - text is read without case;
 *   - a fraction of n letters S reads 1..n digits, as Spark sets it up for parsing.
 */
#include <string.h>
#include <strings.h>

#include "type/datetime.h"
#include "type/number.h"

typedef enum item_kind { LITERAL, FIELD, OPEN, CLOSE } item_kind;

typedef struct item {
    item_kind kind;
    char letter;
    int16_t count;
    int32_t len;                  /* bytes of text; of OPEN: index of its CLOSE */
    const char *text;             /* LITERAL */
    int16_t least, most, reserve; /* digits; reserve: those of fixed fields that touch it */
} item;

struct ch_pattern {
    int32_t n;
    int32_t max_bytes;
    item item[];
};

static const char *const MONTH[] = {"January",   "February", "March",    "April",
                                    "May",       "June",     "July",     "August",
                                    "September", "October",  "November", "December"};
static const char *const WEEKDAY[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                      "Friday", "Saturday", "Sunday"};
static const char *const QUARTER[] = {"1st quarter", "2nd quarter", "3rd quarter", "4th quarter"};

/* How many times a letter may stand in a row; 0: not at all. */
static int most_letters(char c, bool for_parsing)
{
    if (strchr("dhHkKms", c))
        return 2;
    switch (c) {
    case 'G':
    case 'M':
    case 'L':
        return 4;
    case 'y':
        return 6;
    case 'D':
        return 3;
    case 'S':
        return 9;
    case 'a':
        return 1;
    case 'F':
        return for_parsing ? 0 : 1;
    case 'E':
    case 'q':
    case 'Q':
        return for_parsing ? 0 : 4;
    case 'z':
        return 4;
    case 'V':
        return 2;
    case 'O':
        return 4;
    case 'X':
    case 'x':
    case 'Z':
        return 5;
    default:
        return 0;
    }
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_number(const item *it)
{
    return it->kind == FIELD &&
           (strchr("yDdhHkKmsF", it->letter) || (strchr("MLqQ", it->letter) && it->count < 3));
}

static void set_widths(item *it)
{
    it->least = it->count;
    it->most = it->count;
    if (it->letter == 'y' ? it->count != 2 : it->count == 1)
        it->most = 19;
    if (it->letter == 'D' && it->count == 2)
        it->most = 3;
}

static bool fixed_width(const item *it)
{
    return is_number(it) && it->least == it->most;
}

static ch_status bad_pattern(const char *text, int64_t len, char c, ch_error *err)
{
    char pattern[128], letter[2] = {c, 0};
    size_t n = len < 127 ? (size_t)len : 127;
    memcpy(pattern, text, n);
    pattern[n] = 0;
    CH_FAIL(err, INVALID_DATETIME_PATTERN, "c", letter, "pattern", pattern);
}

ch_status ch_pattern_compile(const char *text, int64_t len, bool for_parsing, ch_arena *arena,
                             const ch_pattern **out, ch_error *err)
{
    *out = NULL;
    const char *copy = ch_arena_strn(arena, text, (size_t)len, err);
    ch_pattern *p =
        copy ? ch_arena_alloc(arena, sizeof *p + sizeof(item) * (size_t)(2 * len + 1), err) : NULL;
    if (!p)
        return CH_E_MEMORY;
    int32_t open[32], depth = 0;
    for (int64_t i = 0; i < len;) {
        char c = copy[i];
        item *it = &p->item[p->n];
        *it = (item){.kind = LITERAL, .text = copy + i, .len = 1};
        if (is_letter(c)) {
            int64_t j = i;
            while (j < len && copy[j] == c)
                j++;
            int most = most_letters(c, for_parsing);
            if (j - i > most || (c == 'V' && j - i != 2) || (c == 'O' && j - i != 1 && j - i != 4))
                return bad_pattern(text, len, c, err);
            *it = (item){.kind = FIELD, .letter = c, .count = (int16_t)(j - i)};
            set_widths(it);
            p->max_bytes += c == 'V' || c == 'z' ? 64 : 24;
            i = j;
        } else if (c == '\'') {
            /* 'text', and '' for a quote, inside of text too. */
            char *quoted = ch_arena_alloc(arena, (size_t)(len - i) + 1, err);
            if (!quoted)
                return CH_E_MEMORY;
            it->text = quoted;
            it->len = 0;
            int64_t j = i + 1;
            if (j < len && copy[j] == '\'') {
                quoted[it->len++] = '\'';
            } else {
                for (;; j++) {
                    if (j >= len)
                        return bad_pattern(text, len, c, err);
                    if (copy[j] == '\'') {
                        if (j + 1 >= len || copy[j + 1] != '\'')
                            break;
                        j++;
                    }
                    quoted[it->len++] = copy[j];
                }
            }
            p->max_bytes += it->len;
            i = j + 1;
        } else {
            if (c == '{' || c == '}' || c == '#')
                return bad_pattern(text, len, c, err);
            if (c == '[') {
                if (depth == 32)
                    return bad_pattern(text, len, c, err);
                open[depth++] = p->n;
                it->kind = OPEN;
            } else if (c == ']') {
                if (!depth)
                    return bad_pattern(text, len, c, err);
                it->kind = CLOSE;
                p->item[open[--depth]].len = p->n;
            }
            p->max_bytes++;
            i++;
        }
        p->n++;
    }
    while (depth) { /* java.time closes what is left open */
        p->item[open[--depth]].len = p->n;
        p->item[p->n++] = (item){.kind = CLOSE};
    }
    for (int32_t i = 0, base; i < p->n; i = base + 1) {
        base = i;
        if (!is_number(&p->item[i]))
            continue;
        while (base + 1 < p->n && fixed_width(&p->item[base + 1])) {
            base++;
            p->item[i].reserve += p->item[base].most;
        }
    }
    p->max_bytes += 1;
    *out = p;
    return CH_OK;
}

int ch_pattern_max_bytes(const ch_pattern *pattern)
{
    return pattern->max_bytes;
}

/* ---- writing ---- */

static char *put_text(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}

static char *put_number(char *p, int64_t v, int width)
{
    char digits[24];
    int n = ch_print_i64(digits, v);
    for (int i = n; i < width; i++)
        *p++ = '0';
    return put_text(p, digits, (size_t)n);
}

/* +hh[:]mm[[:]ss]; minutes, seconds: 0 never, 1 if not zero, 2 always. */
static char *put_offset(char *p, int32_t s, bool colon, int minutes, int seconds)
{
    *p++ = s < 0 ? '-' : '+';
    s = s < 0 ? -s : s;
    p = put_number(p, s / 3600, 2);
    int m = s / 60 % 60, left = s % 60;
    bool with_seconds = seconds == 2 || (seconds == 1 && left);
    if (minutes == 2 || with_seconds || (minutes == 1 && m)) {
        if (colon)
            *p++ = ':';
        p = put_number(p, m, 2);
    }
    if (with_seconds) {
        if (colon)
            *p++ = ':';
        p = put_number(p, left, 2);
    }
    return p;
}

static char *put_gmt(char *p, int32_t s, bool full)
{
    p = put_text(p, "GMT", 3);
    if (s == 0)
        return p;
    if (full)
        return put_offset(p, s, true, 2, 1);
    *p++ = s < 0 ? '-' : '+';
    s = s < 0 ? -s : s;
    p = put_number(p, s / 3600, 1);
    if (s / 60 % 60 || s % 60) {
        *p++ = ':';
        p = put_number(p, s / 60 % 60, 2);
    }
    return p;
}

static char *put_zone(char *p, const item *it, int32_t offset, const ch_zone *zone, int64_t utc_s)
{
    int n = it->count;
    const char *name;
    switch (it->letter) {
    case 'V':
        name = ch_zone_name(zone);
        return put_text(p, name, strnlen(name, 63));
    case 'z':
        name = ch_zone_abbreviation(zone, utc_s);
        return put_text(p, name, strlen(name));
    case 'O':
        return put_gmt(p, offset, n == 4);
    case 'Z':
        if (n == 4)
            return put_gmt(p, offset, true);
        if (n == 5 && offset == 0)
            break;
        return put_offset(p, offset, n == 5, 2, n == 5 ? 1 : 0);
    default:
        if (it->letter == 'X' && offset == 0)
            break;
        return put_offset(p, offset, n == 3 || n == 5, n == 1 ? 1 : 2, n > 3 ? 1 : 0);
    }
    *p++ = 'Z';
    return p;
}

static char *put_field(char *p, const item *it, const ch_civil *c, int64_t day)
{
    int n = it->count;
    int64_t v;
    switch (it->letter) {
    case 'G':
        return c->year > 0 ? put_text(p, n == 4 ? "Anno Domini" : "AD", n == 4 ? 11 : 2)
                           : put_text(p, n == 4 ? "Before Christ" : "BC", n == 4 ? 13 : 2);
    case 'y':
        v = c->year > 0 ? c->year : 1 - (int64_t)c->year;
        if (n == 2)
            return put_number(p, v % 100, 2);
        if (n >= 4 && v > 9999 && (n == 4 || v > 99999) && (n < 6 || v > 999999))
            *p++ = '+';
        return put_number(p, v, n);
    case 'M':
    case 'L':
        if (n >= 3)
            return put_text(p, MONTH[c->month - 1], n == 3 ? 3 : strlen(MONTH[c->month - 1]));
        v = c->month;
        break;
    case 'q':
    case 'Q':
        v = (c->month - 1) / 3 + 1;
        if (n == 4)
            return put_text(p, QUARTER[v - 1], strlen(QUARTER[v - 1]));
        if (n == 3)
            *p++ = 'Q';
        n = n == 2 ? 2 : 1;
        break;
    case 'd':
        v = c->day;
        break;
    case 'D':
        v = ch_day_of_year(day);
        break;
    case 'E': {
        const char *name = WEEKDAY[ch_iso_weekday(day) - 1];
        return put_text(p, name, n == 4 ? strlen(name) : 3);
    }
    case 'F':
        v = (c->day - 1) / 7 + 1;
        break;
    case 'a':
        return put_text(p, c->hour < 12 ? "AM" : "PM", 2);
    case 'H':
        v = c->hour;
        break;
    case 'k':
        v = c->hour ? c->hour : 24;
        break;
    case 'K':
        v = c->hour % 12;
        break;
    case 'h':
        v = c->hour % 12 ? c->hour % 12 : 12;
        break;
    case 'm':
        v = c->minute;
        break;
    case 's':
        v = c->second;
        break;
    default: { /* S */
        char digits[9] = "000000000";
        int32_t us = c->micros;
        for (int i = 5; i >= 0; i--, us /= 10)
            digits[i] = (char)('0' + us % 10);
        return put_text(p, digits, (size_t)n);
    }
    }
    return put_number(p, v, n);
}

int ch_pattern_format(const ch_pattern *pattern, int64_t utc_us, const ch_zone *zone, char *out)
{
    int64_t utc_s = utc_us / CH_US_PER_SECOND - (utc_us % CH_US_PER_SECOND < 0);
    int32_t offset = ch_zone_offset(zone, utc_s);
    int64_t local = utc_us + offset * CH_US_PER_SECOND;
    ch_civil c;
    ch_civil_from_micros(local, &c);
    int64_t day = ch_day_of(local, NULL);
    char *p = out;
    for (int32_t i = 0; i < pattern->n; i++) {
        const item *it = &pattern->item[i];
        if (it->kind == LITERAL)
            p = put_text(p, it->text, (size_t)it->len);
        else if (it->kind == FIELD)
            p = strchr("VzOXxZ", it->letter) ? put_zone(p, it, offset, zone, utc_s)
                                             : put_field(p, it, &c, day);
    }
    return (int)(p - out);
}

/* ---- reading ---- */

enum {
    F_YEAR,
    F_MONTH,
    F_DAY,
    F_DOY,
    F_HOUR,
    F_HOUR12,
    F_MINUTE,
    F_SECOND,
    F_MICROS,
    F_HALF,
    F_ERA,
    N_F
};

/* Fields read so far; a field that is read twice must say the same. */
typedef struct reading {
    int64_t f[N_F];
    uint32_t has;
    const ch_zone *zone;
    bool has_offset;
    int32_t offset;
} reading;

static bool set_field(reading *r, int f, int64_t v)
{
    if (r->has >> f & 1)
        return r->f[f] == v;
    r->has |= 1U << f;
    r->f[f] = v;
    return true;
}

static const char *read_word(const char *p, const char *end, const char *text, size_t n)
{
    return (size_t)(end - p) >= n && strncasecmp(p, text, n) == 0 ? p + n : NULL;
}

static const char *read_number(const char *p, const char *end, const item *it, bool fixed,
                               int64_t *out)
{
    bool year = it->letter == 'y' && it->count >= 4, sign = false, negative = false;
    if (p < end && (*p == '-' || *p == '+')) {
        if (fixed || it->least == it->most || (!year && *p == '+'))
            return NULL;
        sign = true;
        negative = *p++ == '-';
    }
    int64_t most = it->most + (int64_t)it->reserve, n = 0;
    while (n < most && p + n < end && p[n] >= '0' && p[n] <= '9')
        n++;
    if (it->reserve) {
        n -= it->reserve;
        n = n < it->least ? it->least : n;
    }
    if (n < it->least || n > it->most || p + n > end)
        return NULL;
    if (year && sign != (n > it->least) && !negative)
        return NULL;
    int64_t v = 0;
    for (int64_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9' || v > INT32_MAX)
            return NULL;
        v = v * 10 + (p[i] - '0');
    }
    *out = negative ? -v : v;
    return p + n;
}

static const char *two_digits(const char *p, const char *end, int most, int *out)
{
    if (!p || end - p < 2 || p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return NULL;
    *out = (p[0] - '0') * 10 + p[1] - '0';
    return *out > most ? NULL : p + 2;
}

static const char *read_offset(const char *p, const char *end, bool colon, int minutes, int seconds,
                               int32_t *out)
{
    if (p == end || (*p != '+' && *p != '-'))
        return NULL;
    int sign = *p == '-' ? -1 : 1, part[3] = {0};
    const char *q = two_digits(p + 1, end, 18, &part[0]);
    if (!q)
        return NULL;
    const int need[2] = {minutes, seconds};
    for (int i = 0; i < 2 && need[i]; i++) {
        const char *next = q;
        if (colon)
            next = q < end && *q == ':' ? q + 1 : NULL;
        next = two_digits(next, end, 59, &part[i + 1]);
        if (!next && need[i] == 2)
            return NULL;
        if (!next)
            break;
        q = next;
    }
    *out = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return q;
}

static const char *set_offset(reading *r, const char *p, int32_t s)
{
    r->has_offset = true;
    r->offset = s;
    return p;
}

static const char *read_zone(const char *p, const char *end, const item *it, reading *r)
{
    int n = it->count;
    int32_t s = 0;
    if (it->letter == 'V' || it->letter == 'z') {
        const char *q = p;
        while (q < end && (is_letter(*q) || (*q >= '0' && *q <= '9') || strchr("/_+-:", *q)))
            q++;
        for (; q > p; q--)
            if ((r->zone = ch_zone_find(p, q - p, NULL)))
                return q;
        return NULL;
    }
    if (it->letter == 'O' || (it->letter == 'Z' && n == 4)) {
        const char *q = read_word(p, end, "GMT", 3);
        if (!q)
            return NULL;
        if (q == end || (*q != '+' && *q != '-'))
            return set_offset(r, q, 0);
        if (n == 4 && (q = read_offset(q, end, true, 2, 1, &s)))
            return set_offset(r, q, s);
        const char *e = q ? q + 1 : NULL;
        while (e && e < end && ((*e >= '0' && *e <= '9') || *e == ':'))
            e++;
        const ch_zone *z = e ? ch_zone_find(q, e - q, NULL) : NULL;
        return z && ch_zone_is_fixed(z, &s) ? set_offset(r, e, s) : NULL;
    }
    bool zulu = it->letter == 'X' || (it->letter == 'Z' && n == 5);
    if (zulu && p < end && (*p | 0x20) == 'z')
        return set_offset(r, p + 1, 0);
    const char *q = it->letter == 'Z'
                        ? read_offset(p, end, n == 5, 2, n == 5 ? 1 : 0, &s)
                        : read_offset(p, end, n == 3 || n == 5, n == 1 ? 1 : 2, n > 3 ? 1 : 0, &s);
    return q ? set_offset(r, q, s) : NULL;
}

static const char *read_field(const char *p, const char *end, const item *it, bool fixed,
                              reading *r)
{
    int n = it->count;
    int64_t v = 0;
    switch (it->letter) {
    case 'G':
        if (read_word(p, end, n == 4 ? "Anno Domini" : "AD", n == 4 ? 11 : 2))
            return set_field(r, F_ERA, 1) ? p + (n == 4 ? 11 : 2) : NULL;
        if (read_word(p, end, n == 4 ? "Before Christ" : "BC", n == 4 ? 13 : 2))
            return set_field(r, F_ERA, 0) ? p + (n == 4 ? 13 : 2) : NULL;
        return NULL;
    case 'a':
        for (int half = 0; half < 2; half++)
            if (read_word(p, end, half ? "PM" : "AM", 2))
                return set_field(r, F_HALF, half) ? p + 2 : NULL;
        return NULL;
    case 'M':
    case 'L':
        if (n < 3)
            break;
        for (int m = 0; m < 12; m++) {
            const char *q = read_word(p, end, MONTH[m], n == 3 ? 3 : strlen(MONTH[m]));
            if (q)
                return set_field(r, F_MONTH, m + 1) ? q : NULL;
        }
        return NULL;
    case 'S': {
        const char *q = p;
        for (int64_t unit = 100000; q < end && q - p < n && *q >= '0' && *q <= '9'; q++, unit /= 10)
            v += (*q - '0') * unit;
        return q > p && set_field(r, F_MICROS, v) ? q : NULL;
    }
    default:
        if (strchr("VzOXxZ", it->letter))
            return read_zone(p, end, it, r);
    }
    if (!(p = read_number(p, end, it, fixed, &v)))
        return NULL;
    bool ok = false;
    switch (it->letter) {
    case 'y':
        ok = set_field(r, F_YEAR, n == 2 ? 2000 + v : v);
        break;
    case 'M':
    case 'L':
        ok = v >= 1 && v <= 12 && set_field(r, F_MONTH, v);
        break;
    case 'd':
        ok = v >= 1 && v <= 31 && set_field(r, F_DAY, v);
        break;
    case 'D':
        ok = v >= 1 && v <= 366 && set_field(r, F_DOY, v);
        break;
    case 'H':
        ok = v >= 0 && v <= 23 && set_field(r, F_HOUR, v);
        break;
    case 'k':
        ok = v >= 1 && v <= 24 && set_field(r, F_HOUR, v % 24);
        break;
    case 'K':
        ok = v >= 0 && v <= 11 && set_field(r, F_HOUR12, v);
        break;
    case 'h':
        ok = v >= 1 && v <= 12 && set_field(r, F_HOUR12, v % 12);
        break;
    case 'm':
        ok = v >= 0 && v <= 59 && set_field(r, F_MINUTE, v);
        break;
    case 's':
        ok = v >= 0 && v <= 59 && set_field(r, F_SECOND, v);
        break;
    default:
        break;
    }
    return ok ? p : NULL;
}

static const char *read_items(const ch_pattern *pattern, int32_t from, int32_t to, const char *p,
                              const char *end, reading *r)
{
    for (int32_t i = from; p && i < to; i++) {
        const item *it = &pattern->item[i];
        if (it->kind == LITERAL) {
            p = read_word(p, end, it->text, (size_t)it->len);
        } else if (it->kind == OPEN) {
            reading before = *r;
            const char *q = read_items(pattern, i + 1, it->len, p, end, r);
            if (q)
                p = q;
            else
                *r = before;
            i = it->len;
        } else if (it->kind == FIELD) {
            bool fixed = i > from && is_number(it) && is_number(&pattern->item[i - 1]);
            p = read_field(p, end, it, fixed, r);
        }
    }
    return p;
}

static int64_t get(const reading *r, int f, int64_t otherwise)
{
    return r->has >> f & 1 ? r->f[f] : otherwise;
}

/* Fields -> wall clock; false: there is no such moment. */
static bool resolve(const reading *r, int64_t *days, int64_t *in_day)
{
    int64_t year = get(r, F_YEAR, 1970);
    if (r->has >> F_YEAR & 1) {
        if (r->has >> F_ERA & 1) {
            if (year < 1)
                return false;
            year = r->f[F_ERA] ? year : 1 - year;
        } else if (year < 1) {
            return false;
        }
    }
    if (r->has >> F_DOY & 1) {
        if (r->f[F_DOY] > 365 + ch_is_leap(year))
            return false;
        *days = ch_days_from_civil(year, 1, 1) + r->f[F_DOY] - 1;
        if (r->has >> F_MONTH & 1 || r->has >> F_DAY & 1) {
            int32_t y, m, d;
            ch_civil_from_days(*days, &y, &m, &d);
            if (m != get(r, F_MONTH, m) || d != get(r, F_DAY, d))
                return false;
        }
    } else {
        int month = (int)get(r, F_MONTH, 1), day = (int)get(r, F_DAY, 1);
        if (day > ch_days_in_month(year, month))
            return false;
        *days = ch_days_from_civil(year, month, day);
    }
    int64_t half = get(r, F_HALF, 0), hour = half * 12;
    if (r->has >> F_HOUR12 & 1)
        hour = half * 12 + r->f[F_HOUR12];
    if (r->has >> F_HOUR & 1)
        hour = r->f[F_HOUR];
    *in_day = ((hour * 60 + get(r, F_MINUTE, 0)) * 60 + get(r, F_SECOND, 0)) * CH_US_PER_SECOND +
              get(r, F_MICROS, 0);
    return true;
}

static bool read_all(const ch_pattern *pattern, const char *text, int64_t len, reading *r,
                     int64_t *days, int64_t *in_day)
{
    *r = (reading){0};
    const char *end = text + len, *p = read_items(pattern, 0, pattern->n, text, end, r);
    return p == end && p && resolve(r, days, in_day);
}

bool ch_pattern_parse_ntz(const ch_pattern *pattern, const char *text, int64_t len,
                          int64_t *local_us)
{
    reading r;
    int64_t days, in_day;
    *local_us = 0;
    if (!read_all(pattern, text, len, &r, &days, &in_day))
        return false;
    return !__builtin_mul_overflow(days, CH_US_PER_DAY, local_us) &&
           !__builtin_add_overflow(*local_us, in_day, local_us);
}

bool ch_pattern_parse(const ch_pattern *pattern, const char *text, int64_t len, const ch_zone *zone,
                      int64_t *utc_us)
{
    reading r;
    int64_t days, in_day, local;
    *utc_us = 0;
    if (!read_all(pattern, text, len, &r, &days, &in_day) ||
        __builtin_mul_overflow(days, CH_US_PER_DAY, &local) ||
        __builtin_add_overflow(local, in_day, &local))
        return false;
    if (r.has_offset)
        return !__builtin_sub_overflow(local, r.offset * CH_US_PER_SECOND, utc_us);
    zone = r.zone ? r.zone : zone;
    *utc_us = zone == &ch_zone_utc ? local : ch_zone_to_utc(zone, local);
    return true;
}

bool ch_pattern_parse_date(const ch_pattern *pattern, const char *text, int64_t len, int32_t *days)
{
    reading r;
    int64_t day, in_day;
    *days = 0;
    if (!read_all(pattern, text, len, &r, &day, &in_day) || day > INT32_MAX || day < INT32_MIN)
        return false;
    *days = (int32_t)day;
    return true;
}
