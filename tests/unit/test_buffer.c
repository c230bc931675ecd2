/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buffer.h"
#include "unit.h"

static int n_freed;

static void count_free(void *owner)
{
    n_freed += *(int *)owner;
}

static void the_last_reference_frees(void **state)
{
    UNIT_BEGIN(state);
    ch_buffer *buffer = NULL;
    assert_ok(ch_buffer_new(mem, 100, &buffer, &err));
    assert_int_equal((uintptr_t)buffer->data % 64, 0);
    assert_int_equal(buffer->bytes, 100);
    assert_ptr_equal(ch_buffer_ref(buffer), buffer);
    ch_buffer_unref(buffer);
    assert_true(ch_mem_used(mem) >= 100);
    ch_buffer_unref(buffer);
    ch_buffer_unref(NULL);
    UNIT_END();
}

static void foreign_memory_goes_back_to_its_owner_once(void **state)
{
    UNIT_BEGIN(state);
    static const char text[] = "somebody else's";
    int one = 1;
    n_freed = 0;
    ch_buffer *buffer = NULL;
    assert_ok(ch_buffer_wrap(mem, text, sizeof text, count_free, &one, &buffer, &err));
    assert_ptr_equal(buffer->data, text);
    ch_buffer_unref(ch_buffer_ref(buffer));
    assert_int_equal(n_freed, 0);
    ch_buffer_unref(buffer);
    assert_int_equal(n_freed, 1);
    UNIT_END();
}

static void foreign_memory_goes_back_also_on_failure(void **state)
{
    UNIT_BEGIN(state);
    int one = 1;
    n_freed = 0;
    ch_buffer *buffer = (ch_buffer *)&one;
    ch_mem_set_limit(mem, 1);
    assert_fails(MEMORY, ch_buffer_wrap(mem, "x", 1, count_free, &one, &buffer, &err));
    assert_null(buffer);
    assert_int_equal(n_freed, 1);
    assert_fails(MEMORY, ch_buffer_new(mem, 1000, &buffer, &err));
    assert_null(buffer);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(foreign_memory_goes_back_to_its_owner_once),
        cmocka_unit_test(foreign_memory_goes_back_also_on_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
