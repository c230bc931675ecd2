/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_value_text.c - text read as every kind of value a cast knows.
 *
 * What was read is printed and read again: the second value must be the first. The input is copied to a heap
 * block of its very length, so that one byte read too many is a finding.
 */
#include <stdlib.h>
#include <string.h>

#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

#define MUST(condition)       \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

static void numbers(const char *text, int64_t len)
{
    char out[CH_NUMBER_TEXT];
    int64_t i64, i64_again;
    if (ch_parse_i64(text, len, true, &i64)) {
        int n = ch_print_i64(out, i64);
        MUST(ch_parse_i64(out, n, false, &i64_again) && i64 == i64_again);
    }
    double f64, f64_again;
    if (ch_parse_f64(text, len, &f64)) {
        int n = ch_print_f64(out, f64);
        MUST(n <= CH_NUMBER_TEXT && ch_parse_f64(out, n, &f64_again));
        MUST(f64 != f64 || memcmp(&f64, &f64_again, sizeof f64) == 0);
    }
    float f32, f32_again;
    if (ch_parse_f32(text, len, &f32)) {
        int n = ch_print_f32(out, f32);
        MUST(n <= CH_NUMBER_TEXT && ch_parse_f32(out, n, &f32_again));
        MUST(f32 != f32 || memcmp(&f32, &f32_again, sizeof f32) == 0);
    }
    bool flag;
    ch_parse_bool(text, len, &flag);
}

static void decimals(const char *text, int64_t len)
{
    char out[CH_DECIMAL_TEXT];
    ch_i128 value, again;
    for (int scale = 0; scale <= 38; scale += 19) {
        if (ch_dec_parse(text, len, 38, scale, &value) != CH_DEC_OK)
            continue;
        MUST(ch_dec_fits(value, 38));
        int n = ch_dec_print(out, value, scale);
        MUST(n <= CH_DECIMAL_TEXT && ch_dec_parse(out, n, 38, scale, &again) == CH_DEC_OK);
        MUST(value == again);
    }
    int precision, scale;
    if (ch_dec_parse_exact(text, len, &value, &precision, &scale) == CH_DEC_OK)
        MUST(precision <= 38 && scale <= precision && ch_dec_fits(value, precision));
}

static void moments(const char *text, int64_t len)
{
    char out[CH_DATETIME_TEXT];
    int32_t days, days_again;
    if (ch_date_parse(text, len, &days)) {
        int n = ch_date_print(out, days);
        MUST(n <= CH_DATETIME_TEXT && ch_date_parse(out, n, &days_again) && days == days_again);
    }
    int64_t us, us_again;
    if (ch_timestamp_parse(text, len, &ch_zone_utc, 0, &us)) {
        int n = ch_timestamp_print(out, us, &ch_zone_utc);
        MUST(n <= CH_DATETIME_TEXT && ch_timestamp_parse(out, n, &ch_zone_utc, 0, &us_again));
        MUST(us == us_again);
    }
    if (ch_timestamp_ntz_parse(text, len, true, &us)) {
        int n = ch_timestamp_ntz_print(out, us);
        MUST(ch_timestamp_ntz_parse(out, n, false, &us_again) && us == us_again);
    }
    if (ch_time_parse(text, len, &us)) {
        MUST(us >= 0 && us < CH_NS_PER_DAY);
        int n = ch_time_print(out, us);
        MUST(ch_time_parse(out, n, &us_again) && us == us_again);
    }
    const ch_zone *zone = ch_zone_find(text, len, NULL);
    if (zone)
        ch_zone_to_utc(zone, ch_zone_to_local(zone, 1700000000 * CH_US_PER_SECOND));
}

static void intervals(const char *text, int64_t len)
{
    char out[CH_DATETIME_TEXT];
    const ch_type *ym = ch_type_of(CH_YEAR_MONTH_INTERVAL), *dt = ch_type_of(CH_DAY_TIME_INTERVAL);
    int32_t months, months_again;
    if (ch_year_month_parse(text, len, ym, &months)) {
        int n = ch_year_month_print(out, months, ym);
        MUST(n <= CH_DATETIME_TEXT && ch_year_month_parse(out, n, ym, &months_again));
        MUST(months == months_again);
    }
    int64_t us, us_again;
    if (ch_day_time_parse(text, len, dt, &us)) {
        int n = ch_day_time_print(out, us, dt);
        MUST(n <= CH_DATETIME_TEXT && ch_day_time_parse(out, n, dt, &us_again) && us == us_again);
    }
    ch_interval value, again;
    if (ch_interval_parse(text, len, &value)) {
        int n = ch_interval_print(out, value);
        MUST(n <= CH_DATETIME_TEXT && ch_interval_parse(out, n, &again));
        MUST(value.months == again.months && value.days == again.days &&
             value.nanos == again.nanos);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size ? size : 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    numbers(text, (int64_t)size);
    decimals(text, (int64_t)size);
    moments(text, (int64_t)size);
    intervals(text, (int64_t)size);
    free(text);
    return 0;
}
