/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"
#include "unit.h"

static void allocations_are_zeroed_aligned_and_apart(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    uint8_t *before = NULL;
    for (int i = 0; i < 2000; i++) {
        uint8_t *ptr = ch_arena_alloc(&arena, 24, &err);
        assert_non_null(ptr);
        assert_int_equal((uintptr_t)ptr % 16, 0);
        for (int b = 0; b < 24; b++)
            assert_int_equal(ptr[b], 0);
        memset(ptr, 0xAB, 24);
        if (before)
            assert_int_equal(before[23], 0xAB);
        before = ptr;
    }
    ch_arena_release(&arena);
    UNIT_END();
}

static void one_allocation_may_be_larger_than_a_block(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    char *ptr = ch_arena_alloc(&arena, (size_t)5 << 20, &err);
    assert_non_null(ptr);
    ptr[((size_t)5 << 20) - 1] = 1;
    assert_string_equal(ch_arena_str(&arena, "after it", &err), "after it");
    ch_arena_release(&arena);
    UNIT_END();
}

static void reset_gives_all_back_and_the_arena_works_on(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    assert_non_null(ch_arena_alloc(&arena, 100000, &err));
    ch_arena_reset(&arena);
    assert_int_equal(ch_mem_used(mem), 0);
    assert_string_equal(ch_arena_printf(&arena, &err, "%s-%d", "x", 7), "x-7");
    ch_arena_release(&arena);
    UNIT_END();
}

static void text_keeps_its_length_not_its_terminator(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    assert_string_equal(ch_arena_strn(&arena, "abcdef", 3, &err), "abc");
    assert_string_equal(ch_arena_strn(&arena, "", 0, &err), "");
    ch_arena_release(&arena);
    UNIT_END();
}

static void a_full_account_is_an_error_and_the_arena_stays_usable(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_mem_set_limit(mem, 8192);
    assert_null(ch_arena_alloc(&arena, 100000, &err));
    assert_int_equal(err.code, CH_E_MEMORY);
    ch_error_release(&err);
    assert_non_null(ch_arena_alloc(&arena, 100, &err));
    ch_arena_release(&arena);
    UNIT_END();
}

static void a_cancelled_arena_grows_no_more(void **state)
{
    UNIT_BEGIN(state);
    _Atomic bool cancel = false;
    ch_arena arena;
    ch_arena_init(&arena, mem);
    arena.cancel = &cancel;
    assert_non_null(ch_arena_alloc(&arena, 100, &err));
    cancel = true;
    assert_non_null(ch_arena_alloc(&arena, 100, &err)); /* of the block that is there */
    assert_null(ch_arena_alloc(&arena, 1 << 20, &err));
    assert_int_equal(err.code, CH_E_CANCELLED);
    ch_error_release(&err);
    cancel = false;
    assert_non_null(ch_arena_alloc(&arena, 1 << 20, &err));
    ch_arena_release(&arena);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_aligned_and_apart),
        cmocka_unit_test(one_allocation_may_be_larger_than_a_block),
        cmocka_unit_test(reset_gives_all_back_and_the_arena_works_on),
        cmocka_unit_test(text_keeps_its_length_not_its_terminator),
        cmocka_unit_test(a_full_account_is_an_error_and_the_arena_stays_usable),
        cmocka_unit_test(a_cancelled_arena_grows_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
