/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unit.h - what every unit test needs: cmocka, an account, checks of status and text.
 *
 *   static void sum_of_nothing_is_null(void **state)
 *   {
 *       UNIT_BEGIN(state);                  // declares ch_mem *mem and ch_error err
 *       assert_ok(ch_sum(..., mem, &err));
 *       UNIT_END();                         // every byte is back, no error is left
 *   }
 */
#ifndef CH_TESTS_UNIT_H
#define CH_TESTS_UNIT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

#define UNIT_BEGIN(state)                      \
    ch_error err = {0};                        \
    ch_mem *mem = ch_mem_new(NULL, "test", 0); \
    CH_UNUSED(state);                          \
    assert_non_null(mem)

#define UNIT_END()                         \
    assert_int_equal(ch_mem_used(mem), 0); \
    ch_mem_close(mem);                     \
    assert_int_equal(err.code, CH_OK)

/* Fails with the error's class and message instead of a number. */
#define assert_ok(expr)                                               \
    do {                                                              \
        if ((expr) != CH_OK)                                          \
            fail_msg("%s: [%s] %s", #expr, ch_status_class(err.code), \
                     err.message ? err.message : "");                 \
    } while (0)

/* expr fails with CH_E_<CODE> and says so in err, which is made empty again. */
#define assert_fails(CODE, expr)                 \
    do {                                         \
        assert_int_equal((expr), CH_E_##CODE);   \
        assert_int_equal(err.code, CH_E_##CODE); \
        ch_error_release(&err);                  \
    } while (0)

#endif
