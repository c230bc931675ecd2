/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <string.h>

#include "unit.h"

static void pieces_become_one_text(void **state)
{
    UNIT_BEGIN(state);
    ch_buf buf;
    ch_buf_init(&buf, mem);
    assert_ok(ch_buf_adds(&buf, "ab", &err));
    assert_ok(ch_buf_addc(&buf, 'c', &err));
    assert_ok(ch_buf_fill(&buf, '-', 3, &err));
    assert_ok(ch_buf_printf(&buf, &err, "%d%s", 42, "!"));
    assert_ok(ch_buf_add(&buf, "", 0, &err));
    assert_string_equal(buf.data, "abc---42!");
    assert_int_equal(buf.len, 9);
    ch_buf_release(&buf);
    UNIT_END();
}

static void growth_keeps_what_was_there(void **state)
{
    UNIT_BEGIN(state);
    ch_buf buf;
    ch_buf_init(&buf, mem);
    for (int i = 0; i < 100000; i++)
        assert_ok(ch_buf_addc(&buf, (char)('a' + i % 26), &err));
    assert_int_equal(buf.len, 100000);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    assert_int_equal(buf.data[buf.len], 0);
    ch_buf_release(&buf);
    UNIT_END();
}

static void a_failed_call_leaves_the_text_as_it_was(void **state)
{
    UNIT_BEGIN(state);
    ch_buf buf;
    ch_buf_init(&buf, mem);
    assert_ok(ch_buf_adds(&buf, "kept", &err));
    ch_mem_set_limit(mem, 256);
    assert_fails(MEMORY, ch_buf_fill(&buf, 'x', 100000, &err));
    assert_fails(MEMORY, ch_buf_printf(&buf, &err, "%2000d", 1));
    assert_string_equal(buf.data, "kept");
    assert_int_equal(buf.len, 4);
    ch_buf_release(&buf);
    UNIT_END();
}

static void reset_keeps_the_room(void **state)
{
    UNIT_BEGIN(state);
    ch_buf buf;
    ch_buf_init(&buf, mem);
    assert_ok(ch_buf_fill(&buf, 'x', 1000, &err));
    size_t cap = buf.cap;
    ch_buf_reset(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.cap, cap);
    assert_ok(ch_buf_adds(&buf, "new", &err));
    assert_string_equal(buf.data, "new");
    ch_buf_release(&buf);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_become_one_text),
        cmocka_unit_test(growth_keeps_what_was_there),
        cmocka_unit_test(a_failed_call_leaves_the_text_as_it_was),
        cmocka_unit_test(reset_keeps_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
