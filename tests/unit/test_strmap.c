/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strmap.h"

#include <stdio.h>

#include "unit.h"

static void small_and_hashed_maps_find_what_was_put(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_strmap map;
    ch_strmap_init(&map, &arena, false);
    static int values[1000];
    char key[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_ok(ch_strmap_put(&map, key, &values[i], &err));
        assert_ptr_equal(ch_strmap_get(&map, "key0"), &values[0]);
        assert_ptr_equal(ch_strmap_get(&map, key), &values[i]);
        assert_null(ch_strmap_get(&map, "key"));
    }
    assert_int_equal(map.n, 1000);
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "key%d", i);
        assert_string_equal(map.entry[i].key, key); /* order of insertion */
        assert_ptr_equal(ch_strmap_get(&map, key), &values[i]);
    }
    ch_arena_release(&arena);
    UNIT_END();
}

static void a_second_put_replaces_the_value(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_strmap map;
    ch_strmap_init(&map, &arena, false);
    int one, two;
    assert_ok(ch_strmap_put(&map, "k", &one, &err));
    assert_ok(ch_strmap_put(&map, "k", &two, &err));
    assert_ptr_equal(ch_strmap_get(&map, "k"), &two);
    assert_int_equal(map.n, 1);
    assert_ok(ch_strmap_put(&map, "null", NULL, &err));
    assert_null(ch_strmap_get(&map, "null"));
    assert_true(ch_strmap_has(&map, "null"));
    assert_false(ch_strmap_has(&map, "absent"));
    ch_arena_release(&arena);
    UNIT_END();
}

static void case_counts_only_when_asked(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_strmap exact, nocase;
    ch_strmap_init(&exact, &arena, false);
    ch_strmap_init(&nocase, &arena, true);
    int one;
    assert_ok(ch_strmap_put(&exact, "quoteAll", &one, &err));
    assert_ok(ch_strmap_put(&nocase, "quoteAll", &one, &err));
    assert_false(ch_strmap_has(&exact, "QUOTEALL"));
    assert_true(ch_strmap_has(&nocase, "QUOTEALL"));
    assert_true(ch_strmap_has(&nocase, "quoteall"));
    ch_arena_release(&arena);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_and_hashed_maps_find_what_was_put),
        cmocka_unit_test(a_second_put_replaces_the_value),
        cmocka_unit_test(case_counts_only_when_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
