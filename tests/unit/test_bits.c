/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bits.h"
#include "unit.h"

static void a_filled_bitmap_has_no_bits_past_its_end(void **state)
{
    CH_UNUSED(state);
    for (int64_t n = 0; n <= 200; n++) {
        uint64_t bits[4] = {0};
        ch_bits_fill(bits, n, true);
        assert_int_equal(ch_bits_count(bits, n), n);
        assert_int_equal(ch_bits_count(bits, 256), n);
        ch_bits_fill(bits, n, false);
        assert_int_equal(ch_bits_count(bits, 256), 0);
    }
}

static void setting_one_bit_leaves_its_neighbours(void **state)
{
    CH_UNUSED(state);
    for (int64_t i = 0; i < 128; i++) {
        uint64_t bits[2] = {0};
        ch_bit_set(bits, i);
        for (int64_t k = 0; k < 128; k++)
            assert_int_equal(ch_bit_get(bits, k), k == i);
        ch_bit_and(bits, i, true);
        assert_true(ch_bit_get(bits, i));
        ch_bit_and(bits, i, false);
        assert_int_equal(bits[0] | bits[1], 0);
        ch_bit_put(bits, i, true);
        assert_int_equal(ch_bits_count(bits, 128), 1);
        ch_bit_put(bits, i, false);
        ch_bit_clear(bits, i);
        assert_int_equal(bits[0] | bits[1], 0);
    }
}

static void a_count_stops_at_its_end(void **state)
{
    CH_UNUSED(state);
    const uint64_t bits[2] = {~UINT64_C(0), ~UINT64_C(0)};
    for (int64_t n = 0; n <= 128; n++)
        assert_int_equal(ch_bits_count(bits, n), n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_filled_bitmap_has_no_bits_past_its_end),
        cmocka_unit_test(setting_one_bit_leaves_its_neighbours),
        cmocka_unit_test(a_count_stops_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
