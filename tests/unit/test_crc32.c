/* SPDX-License-Identifier: Apache-2.0 */
#include <zlib.h>

#include "codec/crc32.h"
#include "unit.h"

static void checksums_are_those_of_zlib_whatever_length_and_place(void **state)
{
    CH_UNUSED(state);
    uint8_t text[700];
    uint32_t seed = 1;
    for (size_t i = 0; i < sizeof text; i++) {
        seed = seed * 1664525 + 1013904223;
        text[i] = (uint8_t)(seed >> 24);
    }
    for (size_t from = 0; from < 3; from++)
        for (size_t n = 0; n + from <= sizeof text; n++) {
            uint32_t before = (uint32_t)crc32_z(0, text, from + 1);
            assert_int_equal(ch_crc32(0, text + from, n), (uint32_t)crc32_z(0, text + from, n));
            assert_int_equal(ch_crc32(before, text + from, n),
                             (uint32_t)crc32_z(before, text + from, n));
        }
}

static void checksums_of_pieces_add_up(void **state)
{
    CH_UNUSED(state);
    static const char TEXT[] = "The quick brown fox jumps over the lazy dog";
    assert_int_equal(ch_crc32(0, TEXT, sizeof TEXT - 1), 0x414FA339);
    for (size_t n = 0; n < sizeof TEXT; n++)
        assert_int_equal(ch_crc32(ch_crc32(0, TEXT, n), TEXT + n, sizeof TEXT - 1 - n), 0x414FA339);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_those_of_zlib_whatever_length_and_place),
        cmocka_unit_test(checksums_of_pieces_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
