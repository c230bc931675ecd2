/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timezone.c - zones from TZif files (RFC 8536), offsets, and Spark's short names.
 *
 * A zone is a list of moments at which its offset changes, then a rule for every later year:
 *
 *   before at[0]: kind[first]   at[i] <= t < at[i+1]: kind[of[i]]   t >= at[n-1]: the rule, if any
 */
#include "type/timezone.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400
#define MOST_FILE_BYTES (1 << 20)

typedef struct zone_kind {
    int32_t offset_s;
    char name[12];
} zone_kind;

/* A day of a year and a time of that day: POSIX's Mm.w.d, Jn and n. */
typedef struct rule_day {
    char form; /* 'M', 'J' or '0' */
    int month, week, day;
    int32_t time_s;
} rule_day;

struct ch_zone {
    const char *name;
    ch_zone *next;
    int32_t n;
    int64_t *at;
    uint8_t *of;
    zone_kind *kind;
    int32_t first;
    zone_kind standard, summer; /* of the rule, or of a fixed offset (standard) */
    rule_day begin, end;        /* of summer time */
    bool has_rule, has_summer;
};

const ch_zone ch_zone_utc = {.name = "UTC", .standard = {.name = "UTC"}, .has_rule = true};

static ch_zone *zones;
static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;

static const char *const SHORT[][2] = {
    {"ACT", "Australia/Darwin"},
    {"AET", "Australia/Sydney"},
    {"AGT", "America/Argentina/Buenos_Aires"},
    {"ART", "Africa/Cairo"},
    {"AST", "America/Anchorage"},
    {"BET", "America/Sao_Paulo"},
    {"BST", "Asia/Dhaka"},
    {"CAT", "Africa/Harare"},
    {"CNT", "America/St_Johns"},
    {"CST", "America/Chicago"},
    {"CTT", "Asia/Shanghai"},
    {"EAT", "Africa/Addis_Ababa"},
    {"ECT", "Europe/Paris"},
    {"IET", "America/Indiana/Indianapolis"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"MIT", "Pacific/Apia"},
    {"NET", "Asia/Yerevan"},
    {"NST", "Pacific/Auckland"},
    {"PLT", "Asia/Karachi"},
    {"PNT", "America/Phoenix"},
    {"PRT", "America/Puerto_Rico"},
    {"PST", "America/Los_Angeles"},
    {"SST", "Pacific/Guadalcanal"},
    {"VST", "Asia/Ho_Chi_Minh"},
    {"EST", "-05:00"},
    {"MST", "-07:00"},
    {"HST", "-10:00"},
};

/* ---- the rule ---- */

static int64_t days_of(int64_t y, int m, int d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400, doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool leap(int64_t y)
{
    return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

static int64_t year_of(int64_t s)
{
    int64_t z = (s >= 0 ? s : s - DAY_S + 1) / DAY_S + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    return yoe + era * 400 + (doy >= 306);
}

/* Wall-clock seconds of the rule's moment in that year. */
static int64_t rule_moment(const rule_day *r, int64_t year)
{
    int64_t day;
    if (r->form == 'M') {
        static const int length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
        int64_t first = days_of(year, r->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        int d = (r->day - weekday + 7) % 7 + (r->week - 1) * 7;
        int in_month = length[r->month - 1] + (r->month == 2 && leap(year));
        while (d >= in_month)
            d -= 7;
        day = first + d;
    } else if (r->form == 'J') {
        day = days_of(year, 1, 1) + r->day - 1 + (leap(year) && r->day >= 60);
    } else {
        day = days_of(year, 1, 1) + r->day;
    }
    return day * DAY_S + r->time_s;
}

static ch_zone_span rule_span(const ch_zone *z, int64_t s, int64_t from)
{
    if (!z->has_summer)
        return (ch_zone_span){from, INT64_MAX, z->standard.offset_s};
    /* The changes of three years, in order, around s. */
    int64_t year = year_of(s), change[6];
    int32_t offset[6];
    for (int i = 0; i < 3; i++) {
        int64_t on = rule_moment(&z->begin, year - 1 + i) - z->standard.offset_s;
        int64_t off = rule_moment(&z->end, year - 1 + i) - z->summer.offset_s;
        bool north = on < off;
        change[2 * i] = north ? on : off;
        offset[2 * i] = north ? z->summer.offset_s : z->standard.offset_s;
        change[2 * i + 1] = north ? off : on;
        offset[2 * i + 1] = north ? z->standard.offset_s : z->summer.offset_s;
    }
    int i = 5;
    while (i > 0 && s < change[i])
        i--;
    ch_zone_span span = {change[i], i < 5 ? change[i + 1] : s + 1, offset[i]};
    if (span.from_s < from)
        span.from_s = from;
    return span;
}

ch_zone_span ch_zone_span_at(const ch_zone *z, int64_t s)
{
    if (z->n == 0 && z->has_rule && !z->has_summer)
        return (ch_zone_span){INT64_MIN, INT64_MAX, z->standard.offset_s};
    int32_t low = 0, high = z->n; /* at[low - 1] <= s < at[high] */
    while (low < high) {
        int32_t middle = (low + high) / 2;
        if (z->at[middle] <= s)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == z->n && z->has_rule)
        return rule_span(z, s, low ? z->at[low - 1] : INT64_MIN);
    return (ch_zone_span){low ? z->at[low - 1] : INT64_MIN, low < z->n ? z->at[low] : INT64_MAX,
                          z->kind[low ? z->of[low - 1] : z->first].offset_s};
}

int32_t ch_zone_offset(const ch_zone *z, int64_t s)
{
    return ch_zone_span_at(z, s).offset_s;
}

const char *ch_zone_abbreviation(const ch_zone *z, int64_t s)
{
    if (z->n == 0 || s >= z->at[z->n - 1]) {
        if (z->has_rule) {
            bool summer = z->has_summer && ch_zone_offset(z, s) == z->summer.offset_s;
            return summer ? z->summer.name : z->standard.name;
        }
    }
    int32_t i = z->n - 1;
    while (i >= 0 && z->at[i] > s)
        i--;
    return z->kind[i >= 0 ? z->of[i] : z->first].name;
}

bool ch_zone_is_fixed(const ch_zone *z, int32_t *offset_s)
{
    *offset_s = z->standard.offset_s;
    return z->n == 0 && z->has_rule && !z->has_summer;
}

const char *ch_zone_name(const ch_zone *z)
{
    return z->name;
}

static int64_t floor_seconds(int64_t us)
{
    return us / 1000000 - (us % 1000000 < 0);
}

int64_t ch_zone_to_local(const ch_zone *z, int64_t us)
{
    return (int64_t)((uint64_t)us + (uint64_t)ch_zone_offset(z, floor_seconds(us)) * 1000000);
}

int64_t ch_zone_to_utc(const ch_zone *z, int64_t local_us)
{
    /* The first span that ends after the wall clock shows local; offsets are below a day. */
    int64_t local = floor_seconds(local_us);
    ch_zone_span span = ch_zone_span_at(z, local - DAY_S);
    int32_t offset = span.offset_s;
    for (;;) {
        int64_t s = local - span.offset_s;
        if (span.from_s != INT64_MIN && s < span.from_s)
            break; /* in the gap before this span: the offset before it counts */
        offset = span.offset_s;
        if (s < span.until_s || span.until_s == INT64_MAX)
            break;
        span = ch_zone_span_at(z, span.until_s);
    }
    return (int64_t)((uint64_t)local_us - (uint64_t)offset * 1000000);
}

/* ---- reading ---- */

static int64_t big_endian(const uint8_t *p, int bytes)
{
    uint64_t v = bytes == 4 && p[0] & 0x80 ? UINT64_MAX : 0;
    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[i];
    return (int64_t)v;
}

static const char *rule_name(const char *p, char *name)
{
    int n = 0;
    if (*p == '<') {
        for (p++; *p && *p != '>'; p++)
            if (n < 11)
                name[n++] = *p;
        if (*p == '>')
            p++;
    } else {
        for (; isalpha((unsigned char)*p); p++)
            if (n < 11)
                name[n++] = *p;
    }
    name[n] = 0;
    return p;
}

/* [+-]h[h[h]][:mm[:ss]] */
static const char *rule_time(const char *p, int32_t *s)
{
    int sign = *p == '-' ? -1 : 1;
    if (*p == '-' || *p == '+')
        p++;
    int32_t part[3] = {0};
    for (int i = 0; i < 3; i++) {
        while (isdigit((unsigned char)*p) && part[i] < 100000)
            part[i] = part[i] * 10 + (*p++ - '0');
        if (*p != ':')
            break;
        p++;
    }
    *s = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return p;
}

static const char *rule_date(const char *p, rule_day *r)
{
    r->time_s = 7200;
    r->form = *p == 'M' || *p == 'J' ? *p++ : '0';
    int part[3] = {0};
    for (int i = 0; i < 3; i++) {
        while (isdigit((unsigned char)*p) && part[i] < 1000)
            part[i] = part[i] * 10 + (*p++ - '0');
        if (*p != '.')
            break;
        p++;
    }
    if (r->form == 'M') {
        r->month = part[0] < 1 || part[0] > 12 ? 1 : part[0];
        r->week = part[1] < 1 || part[1] > 5 ? 1 : part[1];
        r->day = part[2] % 7;
    } else {
        r->day = part[0];
    }
    if (*p == '/')
        p = rule_time(p + 1, &r->time_s);
    return p;
}

static void read_rule(ch_zone *z, const char *p)
{
    if (!*p)
        return;
    int32_t s;
    p = rule_name(p, z->standard.name);
    p = rule_time(p, &s);
    z->standard.offset_s = -s;
    z->has_rule = true;
    if (!*p)
        return;
    p = rule_name(p, z->summer.name);
    z->summer.offset_s = z->standard.offset_s + 3600;
    if (*p && *p != ',') {
        p = rule_time(p, &s);
        z->summer.offset_s = -s;
    }
    if (*p != ',')
        return;
    p = rule_date(p + 1, &z->begin);
    if (*p == ',') {
        rule_date(p + 1, &z->end);
        z->has_summer = true;
    }
}

/* The six counts of a TZif header. */
typedef struct tz_head {
    int64_t isut, isstd, leaps, times, kinds, chars;
} tz_head;

static bool read_head(const uint8_t *p, const uint8_t *end, tz_head *h)
{
    if (end - p < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    int64_t *count = &h->isut;
    for (int i = 0; i < 6; i++)
        if ((count[i] = big_endian(p + 20 + 4 * i, 4)) < 0 || count[i] > MOST_FILE_BYTES)
            return false;
    return true;
}

static bool read_tzif(ch_zone *z, const uint8_t *p, const uint8_t *end)
{
    tz_head h;
    if (!read_head(p, end, &h))
        return false;
    int width = 4;
    if (p[4] >= '2') {
        int64_t skip = 44 + h.times * 5 + h.kinds * 6 + h.chars + h.leaps * 8 + h.isstd + h.isut;
        if (end - p < skip || !read_head(p + skip, end, &h))
            return false;
        p += skip;
        width = 8;
    }
    p += 44;
    int64_t bytes =
        h.times * (width + 1) + h.kinds * 6 + h.chars + h.leaps * (width + 4) + h.isstd + h.isut;
    if (end - p < bytes || h.kinds < 1 || h.kinds > 256)
        return false;
    z->at = malloc(sizeof *z->at * (size_t)(h.times + 1));
    z->of = malloc((size_t)h.times + 1);
    z->kind = calloc((size_t)h.kinds, sizeof *z->kind);
    if (!z->at || !z->of || !z->kind)
        return false;
    z->n = (int32_t)h.times;
    const uint8_t *of = p + h.times * width, *kind = of + h.times, *names = kind + h.kinds * 6;
    for (int32_t i = 0; i < z->n; i++) {
        z->at[i] = big_endian(p + (int64_t)i * width, width);
        z->of[i] = of[i];
        if (of[i] >= h.kinds || (i && z->at[i] < z->at[i - 1]))
            return false;
    }
    for (int64_t i = 0; i < h.kinds; i++) {
        z->kind[i].offset_s = (int32_t)big_endian(kind + i * 6, 4);
        if (z->kind[i].offset_s <= -DAY_S || z->kind[i].offset_s >= DAY_S)
            return false;
        for (int64_t c = kind[i * 6 + 5], n = 0; c < h.chars && names[c] && n < 11; c++, n++)
            z->kind[i].name[n] = (char)names[c];
    }
    p += bytes;
    if (width == 8 && p < end && *p == '\n') {
        char rule[128];
        size_t n = 0;
        for (p++; p < end && *p != '\n' && n < sizeof rule - 1; p++)
            rule[n++] = (char)*p;
        rule[n] = 0;
        read_rule(z, rule);
    }
    if (z->n == 0 && !z->has_rule) {
        z->standard = z->kind[0];
        z->has_rule = true;
    }
    return true;
}

/* Names are paths below the zone folder: letters, digits and _ + - /, no way out of it. */
static bool read_zone_file(ch_zone *z, const char *name)
{
    if (!isalpha((unsigned char)name[0]))
        return false;
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("_+-/", *p))
            return false;
    char path[256];
    int n = snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    if (n < 0 || n >= (int)sizeof path)
        return false;
    FILE *f = fopen(path, "rbe");
    if (!f)
        return false;
    uint8_t *bytes = malloc(MOST_FILE_BYTES);
    size_t len = bytes ? fread(bytes, 1, MOST_FILE_BYTES, f) : 0;
    fclose(f);
    bool ok = len && read_tzif(z, bytes, bytes + len);
    free(bytes);
    return ok;
}

/* +h +hh +hh:m +h:mm +hhmm +hh:mm:ss +hhmmss, at most 18 hours. */
static bool read_offset(const char *p, int32_t *offset)
{
    if (*p != '+' && *p != '-')
        return false;
    int sign = *p++ == '-' ? -1 : 1;
    int part[3] = {0}, n = 0;
    size_t digits = strspn(p, "0123456789");
    if (!p[digits] && (digits == 4 || digits == 6)) {
        for (; n < (int)digits / 2; n++)
            part[n] = (p[2 * n] - '0') * 10 + p[2 * n + 1] - '0';
    } else {
        for (; n < 3; n++) {
            digits = strspn(p, "0123456789");
            if (digits < 1 || digits > 2)
                return false;
            part[n] = digits == 1 ? p[0] - '0' : (p[0] - '0') * 10 + p[1] - '0';
            p += digits;
            if (!*p)
                break;
            if (*p++ != ':' || n == 2)
                return false;
        }
    }
    *offset = part[0] * 3600 + part[1] * 60 + part[2];
    if (part[1] > 59 || part[2] > 59 || *offset > 18 * 3600)
        return false;
    *offset *= sign;
    return true;
}

static void name_offset(zone_kind *kind)
{
    int32_t s = kind->offset_s < 0 ? -kind->offset_s : kind->offset_s;
    if (s == 0)
        strcpy(kind->name, "Z");
    else
        snprintf(kind->name, sizeof kind->name, "%c%02d:%02d", kind->offset_s < 0 ? '-' : '+',
                 (s / 3600) % 24, s / 60 % 60);
}

static bool read_zone(ch_zone *z, const char *name)
{
    for (size_t i = 0; i < sizeof SHORT / sizeof *SHORT; i++)
        if (strcmp(SHORT[i][0], name) == 0)
            name = SHORT[i][1];
    const char *offset = NULL;
    if (strcmp(name, "Z") == 0 || strcmp(name, "UTC") == 0 || strcmp(name, "GMT") == 0 ||
        strcmp(name, "UT") == 0)
        offset = "+0";
    else if (strncmp(name, "UTC", 3) == 0 || strncmp(name, "GMT", 3) == 0)
        offset = name[3] == '+' || name[3] == '-' ? name + 3 : NULL;
    else if (strncmp(name, "UT", 2) == 0)
        offset = name[2] == '+' || name[2] == '-' ? name + 2 : NULL;
    else if (name[0] == '+' || name[0] == '-')
        offset = name;
    if (offset && !(strncmp(name, "GMT0", 5) == 0)) {
        z->has_rule = true;
        if (!read_offset(offset, &z->standard.offset_s))
            return false;
        name_offset(&z->standard);
        if (z->standard.offset_s == 0 && isalpha((unsigned char)name[0]) && name[1])
            strcpy(z->standard.name, strncmp(name, "GMT", 3) == 0 ? "GMT" : "UTC");
        return true;
    }
    return read_zone_file(z, name);
}

static void zone_free(ch_zone *z)
{
    if (!z)
        return;
    free(z->at);
    free(z->of);
    free(z->kind);
    free(z);
}

static const ch_zone *known(const char *name, size_t len)
{
    for (const ch_zone *z = zones; z; z = z->next)
        if (strlen(z->name) == len && memcmp(z->name, name, len) == 0)
            return z;
    return NULL;
}

const ch_zone *ch_zone_find(const char *text, int64_t len, ch_error *err)
{
    if (len == 3 && memcmp(text, "UTC", 3) == 0)
        return &ch_zone_utc;
    char name[128];
    int64_t keep = len < (int64_t)sizeof name - 1 ? len : (int64_t)sizeof name - 1;
    memcpy(name, text, (size_t)keep);
    name[keep] = 0;
    pthread_rwlock_rdlock(&lock);
    const ch_zone *found = known(name, (size_t)keep);
    pthread_rwlock_unlock(&lock);
    if (found)
        return found;

    ch_zone *z = keep == len && strlen(name) == (size_t)keep
                     ? calloc(1, sizeof *z + (size_t)keep + 1)
                     : NULL;
    if (!z || !read_zone(z, name)) {
        zone_free(z);
        (void)ch_error_set(err, CH_E_INVALID_TIMEZONE, "timeZone", name, (const char *)0);
        return NULL;
    }
    z->name = memcpy(z + 1, name, (size_t)keep + 1);
    pthread_rwlock_wrlock(&lock);
    found = known(name, (size_t)keep);
    if (!found) {
        z->next = zones;
        zones = z;
        found = z;
        z = NULL;
    }
    pthread_rwlock_unlock(&lock);
    zone_free(z);
    return found;
}
