/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

static void a_charge_is_seen_by_all_ancestors(void **state)
{
    UNIT_BEGIN(state);
    ch_mem *query = ch_mem_new(mem, "query", 0);
    ch_mem *op = ch_mem_new(query, "operator", 0);
    void *ptr = ch_mem_alloc(op, 1000, &err);
    assert_non_null(ptr);
    assert_int_equal(ch_mem_used(op), 1000);
    assert_int_equal(ch_mem_used(query), 1000);
    assert_int_equal(ch_mem_used(mem), 1000);
    ch_mem_free(op, ptr, 1000);
    assert_int_equal(ch_mem_used(query), 0);
    assert_int_equal(ch_mem_peak(query), 1000);
    ch_mem_close(op);
    ch_mem_close(query);
    UNIT_END();
}

static void a_refused_charge_leaves_no_trace(void **state)
{
    UNIT_BEGIN(state);
    ch_mem *query = ch_mem_new(mem, "query", 100);
    ch_mem *op = ch_mem_new(query, "operator", 0);
    assert_ok(ch_mem_charge(op, 60, &err));
    assert_int_equal(ch_mem_charge(op, 41, &err), CH_E_MEMORY);
    assert_string_equal(ch_error_param(&err, "account"), "query");
    assert_string_equal(ch_error_param(&err, "limit"), "100 B");
    ch_error_release(&err);
    assert_int_equal(ch_mem_used(op), 60);
    assert_int_equal(ch_mem_used(query), 60);
    assert_int_equal(ch_mem_used(mem), 60);
    assert_int_equal(ch_mem_available(op), 40);
    assert_ok(ch_mem_charge(op, 40, &err));
    ch_mem_discharge(op, 60);
    ch_mem_discharge(op, 40);
    ch_mem_close(op);
    ch_mem_close(query);
    UNIT_END();
}

static void the_tightest_limit_counts(void **state)
{
    UNIT_BEGIN(state);
    ch_mem *query = ch_mem_new(mem, "query", 1000);
    ch_mem *op = ch_mem_new(query, "operator", 4000);
    assert_int_equal(ch_mem_limit(mem), INT64_MAX);
    assert_int_equal(ch_mem_limit(op), 1000);
    ch_mem_set_limit(mem, 10);
    assert_int_equal(ch_mem_limit(op), 10);
    assert_fails(MEMORY, ch_mem_charge(op, 11, &err));
    ch_mem_close(op);
    ch_mem_close(query);
    UNIT_END();
}

static void a_closed_account_waits_for_its_last_byte(void **state)
{
    UNIT_BEGIN(state);
    ch_mem *op = ch_mem_new(mem, "operator", 0);
    void *ptr = ch_mem_alloc(op, 10, &err);
    ch_mem_close(op);
    assert_int_equal(ch_mem_used(mem), 10);
    ch_mem_free(op, ptr, 10); /* frees the account too: the sanitizer run proves it */
    UNIT_END();
}

static void memory_is_aligned_and_zero_bytes_are_a_pointer(void **state)
{
    UNIT_BEGIN(state);
    uint8_t *ptr = ch_mem_zalloc(mem, 65, &err);
    void *nothing = ch_mem_alloc(mem, 0, &err);
    assert_non_null(ptr);
    assert_non_null(nothing);
    assert_int_equal((uintptr_t)ptr % 64, 0);
    for (int i = 0; i < 65; i++)
        assert_int_equal(ptr[i], 0);
    ch_mem_free(mem, nothing, 0);
    ch_mem_free(mem, ptr, 65);
    ch_mem_free(mem, NULL, 12345);
    UNIT_END();
}

static void the_nth_allocation_can_be_made_to_fail(void **state)
{
    UNIT_BEGIN(state);
    ch_mem_fail_nth(2);
    void *first = ch_mem_alloc(mem, 8, &err);
    assert_non_null(first);
    assert_null(ch_mem_alloc(mem, 8, &err));
    assert_int_equal(err.code, CH_E_MEMORY);
    ch_error_release(&err);
    void *third = ch_mem_alloc(mem, 8, &err);
    assert_non_null(third);
    assert_int_equal(ch_mem_fail_nth(0), 3);
    ch_mem_free(mem, first, 8);
    ch_mem_free(mem, third, 8);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_charge_is_seen_by_all_ancestors),
        cmocka_unit_test(a_refused_charge_leaves_no_trace),
        cmocka_unit_test(the_tightest_limit_counts),
        cmocka_unit_test(a_closed_account_waits_for_its_last_byte),
        cmocka_unit_test(memory_is_aligned_and_zero_bytes_are_a_pointer),
        cmocka_unit_test(the_nth_allocation_can_be_made_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
