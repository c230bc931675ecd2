/* SPDX-License-Identifier: Apache-2.0 */
/* test_number.c - numbers, decimals, dates and zones as text; values recorded from Spark 4.3. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"
#include "unit.h"

static void assert_text(const char *got, int len, const char *want)
{
    char text[256];
    /* cppcheck-suppress uninitvar ; what gives len has filled got */
    memcpy(text, got, (size_t)len);
    text[len] = 0;
    assert_string_equal(text, want);
}

static void doubles_print_with_their_shortest_digits(void **state)
{
    static const struct {
        double v;
        const char *text;
    } rows[] = {{1e7, "1.0E7"},
                {9999999, "9999999.0"},
                {0.001, "0.001"},
                {9.99e-4, "9.99E-4"},
                {-0.0, "-0.0"},
                {1e23, "1.0E23"},
                {100, "100.0"},
                {0.1, "0.1"},
                {4.9e-324, "4.9E-324"},
                {1.7976931348623157e308, "1.7976931348623157E308"},
                {123456789.125, "1.23456789125E8"}};
    CH_UNUSED(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[CH_NUMBER_TEXT];
        assert_text(out, ch_print_f64(out, rows[i].v), rows[i].text);
    }
}

static void every_double_reads_back_as_it_was(void **state)
{
    uint64_t s = 88172645463325252u;
    CH_UNUSED(state);
    for (int i = 0; i < 100000; i++) {
        double v, back;
        char out[CH_NUMBER_TEXT + 1];
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        memcpy(&v, &s, sizeof v);
        if (isnan(v) || isinf(v))
            continue;
        int n = ch_print_f64(out, v);
        assert_true(ch_parse_f64(out, n, &back));
        assert_true(back == v);
        out[n] = 0;
        assert_true(strtod(out, NULL) == v);
    }
}

static void numbers_are_read_as_java_reads_them(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        double v;
    } rows[] = {{" 1.5 ", true, 1.5}, {"1.5d", true, 1.5},       {"1e5f", true, 1e5},
                {"0x1.8p1", true, 3}, {"-inf", true, -INFINITY}, {"1e400", true, INFINITY},
                {"5.", true, 5},      {".5", true, .5},          {".", false, 0},
                {"", false, 0},       {"1e", false, 0},          {"1.5x", false, 0},
                {"0x10", false, 0}};
    CH_UNUSED(state);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double v;
        assert_int_equal(ch_parse_f64(rows[i].text, (int64_t)strlen(rows[i].text), &v), rows[i].ok);
        if (rows[i].ok)
            assert_true(v == rows[i].v);
    }
    int64_t n;
    assert_true(ch_parse_i64("\t-9223372036854775808 ", 22, false, &n) && n == INT64_MIN);
    assert_false(ch_parse_i64("9223372036854775808", 19, false, &n));
    assert_false(ch_parse_i64("1.9", 3, false, &n));
    assert_true(ch_parse_i64("1.9", 3, true, &n) && n == 1);
    assert_true(ch_parse_i64(".", 1, true, &n) && n == 0);
}

static void decimals_round_half_up_once(void **state)
{
    ch_i128 v;
    char out[CH_DECIMAL_TEXT];
    CH_UNUSED(state);
    assert_int_equal(ch_dec_parse("12.345", 6, 5, 2, &v), CH_DEC_OK);
    assert_text(out, ch_dec_print(out, v, 2), "12.35");
    assert_int_equal(ch_dec_parse("-0.005", 6, 5, 2, &v), CH_DEC_OK);
    assert_text(out, ch_dec_print(out, v, 2), "-0.01");
    assert_int_equal(ch_dec_parse("1e5", 3, 5, 0, &v), CH_DEC_RANGE);
    assert_int_equal(ch_dec_parse("1x", 2, 5, 0, &v), CH_DEC_BAD);
    assert_text(out, ch_dec_print_java(out, 1, 7), "1E-7");
    assert_true(ch_dec_divide(1, 0, 3, 0, 38, 10, &v));
    assert_text(out, ch_dec_print(out, v, 10), "0.3333333333");
    ch_i128 big = (ch_i128)(ch_pow10_128[38] - 1);
    assert_false(ch_dec_add(big, 0, 1, 0, 38, 0, &v));
    assert_true(ch_dec_mul(big, 38, big, 38, 38, 38, &v));
    assert_text(out, ch_dec_print(out, v, 38), "0.99999999999999999999999999999999999998");
    assert_true(ch_dec_from_f64(0.1, 20, 15, &v));
    assert_text(out, ch_dec_print(out, v, 15), "0.100000000000000");
}

static void dates_and_timestamps_are_read_as_cast_does(void **state)
{
    int32_t d;
    int64_t t;
    char out[CH_DATETIME_TEXT];
    CH_UNUSED(state);
    assert_true(ch_date_parse(" 2020-2-9 x", 11, &d));
    assert_text(out, ch_date_print(out, d), "2020-02-09");
    assert_false(ch_date_parse("2024-02-30", 10, &d));
    assert_true(ch_date_parse("-0044-03-15", 11, &d));
    assert_text(out, ch_date_print(out, d), "-0044-03-15");
    assert_text(out, ch_date_print(out, ch_days_from_civil(10000, 1, 1)), "+10000-01-01");
    assert_true(ch_timestamp_parse("2020-01-01T12:30:00+01:00", 25, &ch_zone_utc, 0, &t));
    assert_text(out, ch_timestamp_print(out, t, &ch_zone_utc), "2020-01-01 11:30:00");
    assert_true(ch_timestamp_parse("2020-01-01 12", 13, &ch_zone_utc, 0, &t));
    assert_false(ch_timestamp_parse("2020-01-01 12:30Z", 17, &ch_zone_utc, 0, &t));
    assert_true(ch_timestamp_parse("2024-01-01 10:11:12.123456789", 29, &ch_zone_utc, 0, &t));
    assert_text(out, ch_timestamp_print(out, t, &ch_zone_utc), "2024-01-01 10:11:12.123456");
}

static void wall_clocks_in_gaps_and_overlaps_are_javas(void **state)
{
    UNIT_BEGIN(state);
    const ch_zone *z = ch_zone_find("America/Los_Angeles", 19, &err);
    char out[CH_DATETIME_TEXT];
    int64_t local, utc;
    assert_non_null(z);
    /* 02:30 does not exist on 2024-03-10: it becomes 03:30 */
    assert_true(ch_timestamp_ntz_parse("2024-03-10 02:30:00", 19, false, &local));
    assert_text(out, ch_timestamp_print(out, ch_zone_to_utc(z, local), z), "2024-03-10 03:30:00");
    /* 01:30 exists twice on 2024-11-03: the earlier one, summer time */
    assert_true(ch_timestamp_ntz_parse("2024-11-03 01:30:00", 19, false, &local));
    utc = ch_zone_to_utc(z, local);
    assert_text(out, ch_timestamp_print(out, utc, &ch_zone_utc), "2024-11-03 08:30:00");
    /* by the rule in the file's footer, far in the future */
    assert_int_equal(ch_zone_offset(z, INT64_C(4087350000)), -7 * 3600);
    assert_null(ch_zone_find("Mars/Olympus", 12, &err));
    assert_int_equal(err.code, CH_E_INVALID_TIMEZONE);
    ch_error_release(&err);
    assert_null(ch_zone_find("../../etc/passwd", 16, NULL));
    UNIT_END();
}

static void patterns_read_and_write(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    const ch_pattern *p;
    char out[256];
    int64_t us;
    int32_t d;
    ch_arena_init(&arena, mem);
    assert_ok(ch_pattern_compile("yyyyMMdd", 8, true, &arena, &p, &err));
    assert_true(ch_pattern_parse_date(p, "20240506", 8, &d));
    assert_int_equal(d, ch_days_from_civil(2024, 5, 6));
    assert_false(ch_pattern_parse_date(p, "2024056", 7, &d));
    assert_ok(ch_pattern_compile("d-MMM-yy h:mm a", 15, true, &arena, &p, &err));
    assert_true(ch_pattern_parse(p, "6-May-24 1:02 PM", 16, &ch_zone_utc, &us));
    assert_ok(ch_pattern_compile("EEEE, d MMMM yyyy'T'HH[:mm] XXX", 31, false, &arena, &p, &err));
    assert_text(out, ch_pattern_format(p, us, &ch_zone_utc, out), "Monday, 6 May 2024T13:02 Z");
    assert_fails(INVALID_DATETIME_PATTERN, ch_pattern_compile("YYYY", 4, true, &arena, &p, &err));
    assert_ok(ch_pattern_compile("[[[[", 4, true, &arena, &p, &err));
    ch_arena_release(&arena);
    UNIT_END();
}

static void intervals_go_both_ways(void **state)
{
    const ch_type *dt = ch_type_of(CH_DAY_TIME_INTERVAL), *ym = ch_type_of(CH_YEAR_MONTH_INTERVAL);
    int64_t us;
    int32_t months;
    ch_interval iv;
    char out[CH_DATETIME_TEXT];
    CH_UNUSED(state);
    assert_true(ch_day_time_parse("-1 02:03:04.5", 13, dt, &us));
    assert_text(out, ch_day_time_print(out, us, dt), "INTERVAL '-1 02:03:04.5' DAY TO SECOND");
    assert_text(out, ch_day_time_print(out, 5 * CH_US_PER_HOUR, ch_type_day_time(CH_HOUR, CH_HOUR)),
                "INTERVAL '05' HOUR");
    assert_true(ch_year_month_parse("INTERVAL '1-2' YEAR TO MONTH", 28, ym, &months));
    assert_int_equal(months, 14);
    assert_true(ch_interval_parse("1 year -2 days 3.5 seconds", 26, &iv));
    assert_text(out, ch_interval_print(out, iv), "1 years -2 days 3.5 seconds");
    assert_false(ch_interval_parse("1.5 days", 8, &iv));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_print_with_their_shortest_digits),
        cmocka_unit_test(every_double_reads_back_as_it_was),
        cmocka_unit_test(numbers_are_read_as_java_reads_them),
        cmocka_unit_test(decimals_round_half_up_once),
        cmocka_unit_test(dates_and_timestamps_are_read_as_cast_does),
        cmocka_unit_test(wall_clocks_in_gaps_and_overlaps_are_javas),
        cmocka_unit_test(patterns_read_and_write),
        cmocka_unit_test(intervals_go_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
