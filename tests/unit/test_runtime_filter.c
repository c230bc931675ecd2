/* SPDX-License-Identifier: Apache-2.0 */
/* Runtime filters: values of the set always pass, others seldom, NULL never; in every encoding. */
#include "unit.h"

#include <stdio.h>

#include "store/runtime_filter.h"

enum { N = 5000 };

/* Values from + i * step; every `null_every`-th is NULL (0: none). */
static ch_column *longs(ch_mem *mem, const ch_type *type, int64_t from, int64_t step,
                        int null_every)
{
    ch_error err = {0};
    ch_column *c;
    assert_ok(ch_column_new(mem, type, N, &c, &err));
    for (int64_t i = 0; i < N; i++) {
        if (ch_type_width(type) == 4)
            ((int32_t *)c->data)[i] = (int32_t)(from + i * step);
        else
            ((int64_t *)c->data)[i] = from + i * step;
    }
    if (null_every) {
        assert_ok(ch_column_need_valid(c, &err));
        for (int64_t i = 0; i < N; i += null_every)
            ch_bit_clear(c->valid, i);
    }
    return c;
}

static ch_column *texts(ch_mem *mem, const char *format)
{
    static char text[N][48];
    static ch_scalar value[N];
    static const ch_scalar *list[N];
    ch_error err = {0};
    ch_column *c;
    for (int i = 0; i < N; i++) {
        int len = snprintf(text[i], sizeof text[i], format, i);
        value[i] = (ch_scalar){.type = CH_T_STRING, .v.str = {text[i], len}};
        list[i] = &value[i];
    }
    assert_ok(ch_column_scalars(mem, CH_T_STRING, list, N, &c, &err));
    return c;
}

static void fill(ch_runtime_filter *f, ch_mem *mem, ch_column *c, int64_t max_bytes)
{
    ch_error err = {0};
    ch_value_range range = CH_VALUE_RANGE_EMPTY;
    ch_runtime_filter_init(f, c->type, mem);
    assert_false(ch_runtime_filter_useful(f));
    ch_value_range_widen(&range, c);
    ch_runtime_filter_prepare(f, range, N, max_bytes);
    assert_ok(ch_runtime_filter_add(f, c, &err));
    f->ready = true;
}

/* How many of the column's rows pass. */
static int64_t passing(ch_runtime_filter *f, ch_mem *mem, ch_column *c)
{
    static uint64_t keep[N / 64 + 1];
    ch_error err = {0};
    ch_bits_fill(keep, c->rows, true);
    assert_ok(ch_runtime_filter_test(f, c, keep, mem, &err));
    return ch_bits_count(keep, c->rows);
}

static void close_values_are_kept_exactly(void **state)
{
    UNIT_BEGIN(state);
    ch_column *even = longs(mem, CH_T_LONG, 100, 2, 0), *odd = longs(mem, CH_T_LONG, 101, 2, 0);
    ch_column *narrow = longs(mem, CH_T_INT, 100, 2, 10);
    ch_runtime_filter f;
    fill(&f, mem, even, INT64_MAX);
    assert_non_null(f.exact);
    assert_int_equal(passing(&f, mem, even), N);
    assert_int_equal(passing(&f, mem, odd), 0);
    ch_runtime_filter_release(&f);
    fill(&f, mem, narrow, INT64_MAX); /* NULLs are neither in the set nor let through */
    assert_int_equal(passing(&f, mem, narrow), N - N / 10);
    ch_runtime_filter_release(&f);
    ch_column_unref(even);
    ch_column_unref(odd);
    ch_column_unref(narrow);
    UNIT_END();
}

/* Around the set, below zero, and so far off that distances wrap: each row by itself. */
static void exact_values_are_found_wherever_they_lie(void **state)
{
    UNIT_BEGIN(state);
    static const int64_t start[] = {-7000, 0, INT32_MIN, INT32_MAX - 3 * (int64_t)N,
                                    INT64_MIN + 600};
    static uint64_t keep[N / 64 + 1];
    const ch_type *types[] = {CH_T_INT, CH_T_LONG};
    for (int t = 0; t < 2; t++)
        for (int s = 0; s < 4 + t; s++) {
            ch_column *set = longs(mem, types[t], start[s], 3, 0);
            /* 715827883 * 6 is 2 beyond 2^32: every value, some far away, some one step of 2^32 away. */
            ch_column *far = longs(mem, types[t], start[s] - 600, t ? 715827883 : 6, 0);
            ch_runtime_filter f;
            fill(&f, mem, set, INT64_MAX);
            assert_non_null(f.exact);
            ch_bits_fill(keep, N, true);
            assert_ok(ch_runtime_filter_test(&f, far, keep, mem, &err));
            for (int64_t i = 0; i < N; i++) {
                int64_t v = t ? ((int64_t *)far->data)[i] : ((int32_t *)far->data)[i];
                uint64_t d = (uint64_t)v - (uint64_t)start[s];
                assert_int_equal(ch_bit_get(keep, i), d < 3 * N && d % 3 == 0);
            }
            ch_runtime_filter_release(&f);
            ch_column_unref(set);
            ch_column_unref(far);
        }
    UNIT_END();
}

static void scattered_values_go_into_a_bloom_filter(void **state)
{
    UNIT_BEGIN(state);
    ch_column *in = longs(mem, CH_T_LONG, -1000000007, 999983, 0);
    ch_column *out = longs(mem, CH_T_LONG, -1000000000, 999983, 0);
    ch_runtime_filter f;
    fill(&f, mem, in, INT64_MAX);
    assert_non_null(f.bloom);
    assert_int_equal(passing(&f, mem, in), N);
    assert_in_range(passing(&f, mem, out), 0, N / 25);
    ch_runtime_filter_release(&f);
    ch_column_unref(in);
    ch_column_unref(out);
    UNIT_END();
}

static void without_memory_the_range_alone_decides(void **state)
{
    UNIT_BEGIN(state);
    ch_column *in = longs(mem, CH_T_LONG, 1000, 1000, 0);
    ch_column *out = longs(mem, CH_T_LONG, 1001, 1000, 0), *far = longs(mem, CH_T_LONG, -N, 1, 0);
    ch_runtime_filter f;
    fill(&f, mem, in, 16);
    assert_null(f.bloom);
    assert_int_equal(passing(&f, mem, out), N - 1);
    assert_int_equal(passing(&f, mem, far), 0);
    ch_runtime_filter_release(&f);
    ch_column_unref(in);
    ch_column_unref(out);
    ch_column_unref(far);
    UNIT_END();
}

static void text_short_and_long_is_found_by_its_hash(void **state)
{
    UNIT_BEGIN(state);
    ch_runtime_filter f;
    ch_column *in = texts(mem, "%d"), *out = texts(mem, "a longer text, number %d");
    fill(&f, mem, in, INT64_MAX);
    assert_int_equal(passing(&f, mem, in), N);
    assert_in_range(passing(&f, mem, out), 0, N / 25);
    ch_runtime_filter_release(&f);
    ch_column_unref(in);
    ch_column_unref(out);
    UNIT_END();
}

static void dictionaries_and_constants_are_asked_once(void **state)
{
    UNIT_BEGIN(state);
    ch_column *in = longs(mem, CH_T_LONG, 0, 2, 0), *values = longs(mem, CH_T_LONG, 0, 1, 0);
    ch_column *dict, *one;
    ch_buffer *index;
    ch_runtime_filter f;
    assert_ok(ch_buffer_new(mem, 4 * N, &index, &err));
    for (int32_t i = 0; i < N; i++)
        ((int32_t *)(void *)index->data)[i] = i % 10;
    assert_ok(ch_column_dict(mem, index, NULL, values, N, &dict, &err));
    ch_scalar three = {.type = CH_T_LONG, .v.i64 = 3};
    assert_ok(ch_column_const(mem, &three, N, &one, &err));
    fill(&f, mem, in, INT64_MAX);
    assert_int_equal(passing(&f, mem, dict), N / 2);
    dict->rows = 100; /* now the dictionary is the longer one */
    assert_int_equal(passing(&f, mem, dict), 50);
    assert_int_equal(passing(&f, mem, one), 0);
    ch_runtime_filter_release(&f);
    ch_column_unref(in);
    ch_column_unref(values);
    ch_column_unref(dict);
    ch_column_unref(one);
    UNIT_END();
}

static ch_scalar bound(int64_t v)
{
    return (ch_scalar){.type = CH_T_LONG, .v.i64 = v};
}
static bool excludes(const ch_runtime_filter *f, int64_t min, int64_t max)
{
    ch_scalar a = bound(min), b = bound(max);
    return ch_runtime_filter_excludes(f, &a, &b);
}

static void ranges_without_a_value_are_excluded(void **state)
{
    UNIT_BEGIN(state);
    ch_runtime_filter f;
    ch_column *in = longs(mem, CH_T_LONG, 1000, 50, 0);
    fill(&f, mem, in, INT64_MAX);
    f.ready = false;
    assert_false(excludes(&f, 0, 10));
    f.ready = true;
    assert_true(excludes(&f, 0, 999));
    assert_false(excludes(&f, 0, 1000));
    assert_non_null(f.exact);
    assert_true(excludes(&f, 1001, 1049));
    assert_false(excludes(&f, 1001, 1050));
    assert_false(excludes(&f, 1050, 1051));
    assert_true(excludes(&f, 1000 + 50 * N, INT64_MAX));
    ch_runtime_filter_release(&f);
    ch_column_unref(in);
    UNIT_END();
}

static void an_empty_set_refuses_everything(void **state)
{
    UNIT_BEGIN(state);
    ch_runtime_filter f;
    ch_column *any = longs(mem, CH_T_LONG, 0, 1, 0);
    ch_runtime_filter_init(&f, CH_T_LONG, mem);
    ch_runtime_filter_prepare(&f, CH_VALUE_RANGE_EMPTY, 0, INT64_MAX);
    f.ready = true;
    assert_true(excludes(&f, INT64_MIN, INT64_MAX));
    assert_int_equal(passing(&f, mem, any), 0);
    ch_runtime_filter_release(&f);
    ch_column_unref(any);
    UNIT_END();
}

static void a_filter_that_keeps_most_is_useful_no_more(void **state)
{
    UNIT_BEGIN(state);
    ch_runtime_filter f;
    ch_column *in = longs(mem, CH_T_LONG, 0, 1, 0);
    fill(&f, mem, in, INT64_MAX);
    assert_true(ch_runtime_filter_useful(&f));
    for (int i = 0; i < 10; i++)
        assert_int_equal(passing(&f, mem, in), N);
    assert_false(ch_runtime_filter_useful(&f));
    ch_runtime_filter_release(&f);
    ch_column_unref(in);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_values_are_kept_exactly),
        cmocka_unit_test(exact_values_are_found_wherever_they_lie),
        cmocka_unit_test(scattered_values_go_into_a_bloom_filter),
        cmocka_unit_test(without_memory_the_range_alone_decides),
        cmocka_unit_test(text_short_and_long_is_found_by_its_hash),
        cmocka_unit_test(dictionaries_and_constants_are_asked_once),
        cmocka_unit_test(ranges_without_a_value_are_excluded),
        cmocka_unit_test(an_empty_set_refuses_everything),
        cmocka_unit_test(a_filter_that_keeps_most_is_useful_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
