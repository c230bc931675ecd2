/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as bytes: memcmp must order them as Spark orders the values. */
#include "unit.h"

#include <math.h>
#include <stdlib.h>

#include "column/textout.h"
#include "kernel/sortkey.h"

#define MOST 512

/* Keys of a FLAT column; free with free_keys. */
typedef struct keys {
    uint32_t len[MOST];
    uint8_t *start[MOST], *end[MOST];
    uint8_t *bytes;
} keys;

static void make_keys(const ch_column *c, ch_sortkey_order order, keys *k)
{
    size_t total = 0;
    memset(k->len, 0, sizeof k->len);
    ch_sortkey_sizes(c, k->len);
    for (int64_t i = 0; i < c->rows; i++)
        total += k->len[i];
    k->bytes = malloc(total + 1);
    assert_non_null(k->bytes);
    uint8_t *at = k->bytes;
    for (int64_t i = 0; i < c->rows; i++) {
        k->start[i] = k->end[i] = at;
        at += k->len[i];
    }
    ch_sortkey_write(c, order, k->end);
    for (int64_t i = 0; i < c->rows; i++)
        assert_int_equal(k->end[i] - k->start[i], k->len[i]);
}

static int compare(const keys *k, int64_t a, int64_t b)
{
    uint32_t least = k->len[a] < k->len[b] ? k->len[a] : k->len[b];
    int c = memcmp(k->start[a], k->start[b], least);
    if (c == 0)
        assert_int_equal(k->len[a], k->len[b]); /* no key is a prefix of another one */
    return c;
}

/* rank[i] orders the rows; equal ranks must give equal keys. NULL rows have rank NULL_RANK. */
#define NULL_RANK INT32_MIN

static void check(const ch_column *c, const int32_t *rank)
{
    for (int mode = 0; mode < 4; mode++) {
        ch_sortkey_order order = {.descending = mode & 1, .nulls_first = mode & 2};
        keys k;
        make_keys(c, order, &k);
        for (int64_t a = 0; a < c->rows; a++) {
            for (int64_t b = 0; b < c->rows; b++) {
                bool an = rank[a] == NULL_RANK, bn = rank[b] == NULL_RANK;
                int want = an || bn ? (an && bn ? 0 : (an == order.nulls_first ? -1 : 1))
                                    : (rank[a] > rank[b]) - (rank[a] < rank[b]);
                if (!an && !bn && order.descending)
                    want = -want;
                int got = compare(&k, a, b);
                assert_int_equal((got > 0) - (got < 0), want);
            }
        }
        free(k.bytes);
    }
}

static ch_column *fixed(ch_mem *mem, const ch_type *type, const void *values, int64_t n,
                        int64_t null_at, int32_t *rank)
{
    ch_column *c;
    assert_int_equal(ch_column_new(mem, type, n, &c, NULL), CH_OK);
    memcpy(c->data, values, (size_t)(n * ch_type_width(type)));
    for (int32_t i = 0; i < n; i++)
        rank[i] = i;
    if (null_at >= 0) {
        assert_int_equal(ch_column_need_valid(c, NULL), CH_OK);
        ch_bit_clear(c->valid, null_at);
        rank[null_at] = NULL_RANK;
    }
    return c;
}

static void integers_of_every_width_sort_by_value(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    int32_t rank[8];
    int8_t b[] = {INT8_MIN, -1, 0, 1, 7, INT8_MAX};
    int16_t s[] = {INT16_MIN, -256, -1, 0, 255, INT16_MAX};
    int32_t i[] = {INT32_MIN, -65536, -1, 0, 65535, INT32_MAX};
    int64_t l[] = {INT64_MIN, -4294967296, -1, 0, 4294967295, INT64_MAX};
    ch_i128 w[] = {-((ch_i128)1 << 100), -1, 0, (ch_i128)1 << 64, (ch_i128)1 << 100, 0};
    w[5] = ((ch_i128)1 << 100) + 1;
    const ch_type *types[] = {ch_type_of(CH_BYTE), ch_type_of(CH_SHORT), CH_T_INT, CH_T_LONG,
                              ch_type_decimal(38, 0)};
    const void *values[] = {b, s, i, l, w};
    for (int t = 0; t < 5; t++) {
        ch_column *c = fixed(mem, types[t], values[t], 6, 3, rank);
        check(c, rank);
        ch_column_unref(c);
    }
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void doubles_sort_with_nan_last_and_both_zeros_equal(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    int32_t rank[9];
    double d[] = {-INFINITY, -1.5, -5e-324, -0.0, 0.0, 5e-324, 1.5, INFINITY, NAN};
    float f[] = {-INFINITY, -1.5f, -1e-45f, -0.0f, 0.0f, 1e-45f, 1.5f, INFINITY, NAN};
    ch_column *c = fixed(mem, CH_T_DOUBLE, d, 9, -1, rank);
    rank[3] = rank[4];
    check(c, rank);
    ch_column_unref(c);
    c = fixed(mem, ch_type_of(CH_FLOAT), f, 9, -1, rank);
    rank[3] = rank[4];
    check(c, rank);
    ch_column_unref(c);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void text_sorts_by_bytes_and_may_hold_zero_bytes(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    static const struct {
        const char *text;
        int64_t len;
    } TEXT[] = {{"", 0},
                {"\0", 1},
                {"\0\0", 2},
                {"\0a", 2},
                {"a", 1},
                {"a\0", 2},
                {"a\0b", 3},
                {"ab", 2},
                {"abcdefghijklmnop", 16},
                {"abcdefghijklmnop\0", 17},
                {"b", 1},
                {"\xC3\xA9", 2},
                {"\xFF", 1}};
    enum { N = sizeof TEXT / sizeof *TEXT };
    int32_t rank[N + 1];
    ch_column *c;
    ch_textout w;
    assert_int_equal(ch_column_new(mem, CH_T_STRING, N + 1, &c, NULL), CH_OK);
    ch_textout_init(&w, c);
    for (int i = 0; i < N; i++) {
        rank[i] = i;
        assert_int_equal(ch_textout_put(&w, i, TEXT[i].text, TEXT[i].len, NULL), CH_OK);
    }
    assert_int_equal(ch_column_need_valid(c, NULL), CH_OK);
    ch_textout_empty(&w, N);
    ch_bit_clear(c->valid, N);
    rank[N] = NULL_RANK;
    check(c, rank);
    ch_column_unref(c);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

/* [] < [NULL] < [1] < [1, NULL] < [1, 2] < [2], as Spark orders arrays. */
static void arrays_sort_by_their_elements(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    int32_t rank[] = {0, 1, 2, 3, 4, 5};
    int32_t offset[] = {0, 0, 1, 2, 4, 6, 7};
    int32_t value[] = {0, 1, 1, 0, 1, 2, 2};
    ch_column *c, *e;
    assert_int_equal(ch_column_new(mem, ch_type_array(CH_T_INT, true), 6, &c, NULL), CH_OK);
    assert_int_equal(ch_column_new(mem, CH_T_INT, 7, &e, NULL), CH_OK);
    memcpy(c->data, offset, sizeof offset);
    memcpy(e->data, value, sizeof value);
    assert_int_equal(ch_column_need_valid(e, NULL), CH_OK);
    ch_bit_clear(e->valid, 0);
    ch_bit_clear(e->valid, 3);
    c->child[0] = e;
    check(c, rank);
    ch_column_unref(c);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void a_key_of_two_gib_is_told_and_does_not_wrap(void **state)
{
    UNIT_BEGIN(state);
    ch_column *c;
    assert_ok(ch_column_new(mem, CH_T_STRING, 2, &c, &err));
    ch_textout w;
    ch_textout_init(&w, c);
    assert_ok(ch_textout_put(&w, 0, "harakeke", 8, &err));
    assert_ok(ch_textout_put(&w, 1, "harakeke", 8, &err));
    uint32_t bytes[2] = {CH_SORTKEY_MOST - 5, 0};
    for (int column = 0; column < 3; column++)
        ch_sortkey_sizes(c, bytes);
    assert_in_range(bytes[0], CH_SORTKEY_MOST, (uint32_t)CH_SORTKEY_MOST + 100);
    assert_int_equal(bytes[1], 3 * (1 + 8 + 2));
    ch_column_unref(c);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_of_two_gib_is_told_and_does_not_wrap),
        cmocka_unit_test(integers_of_every_width_sort_by_value),
        cmocka_unit_test(doubles_sort_with_nan_last_and_both_zeros_equal),
        cmocka_unit_test(text_sorts_by_bytes_and_may_hold_zero_bytes),
        cmocka_unit_test(arrays_sort_by_their_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
