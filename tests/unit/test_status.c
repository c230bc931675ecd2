/* SPDX-License-Identifier: Apache-2.0 */
#include "base/status.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

static ch_status missing(ch_error *err)
{
    CH_FAIL(err, PATH_NOT_FOUND, "path", "file:/no/such");
}

static ch_status through_two_callers(ch_error *err)
{
    CH_TRY(missing(err));
    return CH_OK;
}

static void an_error_has_class_state_and_parameters(void **state)
{
    CH_UNUSED(state);
    ch_error err = {0};
    assert_int_equal(through_two_callers(&err), CH_E_PATH_NOT_FOUND);
    assert_string_equal(ch_status_class(err.code), "PATH_NOT_FOUND");
    assert_string_equal(ch_status_sqlstate(err.code), "42K03");
    assert_string_equal(ch_error_param(&err, "path"), "file:/no/such");
    assert_null(ch_error_param(&err, "other"));
    assert_string_equal(err.message, "Path does not exist: file:/no/such.");
    ch_error_release(&err);
    assert_int_equal(err.code, CH_OK);
    assert_null(err.message);
}

static void the_first_error_stays(void **state)
{
    CH_UNUSED(state);
    ch_error err = {0};
    assert_int_equal(missing(&err), CH_E_PATH_NOT_FOUND);
    assert_int_equal(ch_error_set(&err, CH_E_CANCELLED, (char *)0), CH_E_CANCELLED);
    assert_int_equal(err.code, CH_E_PATH_NOT_FOUND);
    ch_error_release(&err);
}

static void nobody_has_to_listen(void **state)
{
    CH_UNUSED(state);
    assert_int_equal(missing(NULL), CH_E_PATH_NOT_FOUND);
    ch_error_locate(NULL, "select", 0, 6);
}

static void the_place_counts_characters_and_the_caret_points_there(void **state)
{
    CH_UNUSED(state);
    ch_error err = {0};
    const char *sql = "SELECT 1,\n  'ü', bad\nFROM t";
    int32_t at = (int32_t)(strstr(sql, "bad") - sql);
    assert_int_equal(missing(&err), CH_E_PATH_NOT_FOUND);
    ch_error_locate(&err, sql, at, at + 3);
    ch_error_locate(&err, sql, 0, 6); /* too late */
    assert_int_equal(err.line, 2);
    assert_int_equal(err.column, 8);
    assert_int_equal(err.start, at);
    assert_int_equal(err.stop, at + 3);
    char *text = ch_error_text(&err);
    assert_non_null(text);
    assert_non_null(strstr(text, "[PATH_NOT_FOUND] Path does not exist: file:/no/such."));
    assert_non_null(strstr(text, "SQLSTATE: 42K03"));
    assert_non_null(strstr(text, "\n  'ü', bad\n-------^^^\n"));
    free(text);
    ch_error_release(&err);
}

static void every_code_has_a_class_and_a_state_of_five_letters(void **state)
{
    CH_UNUSED(state);
    for (int code = 1; code < CH_STATUS_COUNT; code++) {
        assert_true(strlen(ch_status_class((ch_status)code)) > 0);
        assert_int_equal(strlen(ch_status_sqlstate((ch_status)code)), 5);
    }
}

static void integers_print_to_their_limits(void **state)
{
    CH_UNUSED(state);
    assert_string_equal(CH_I64(INT64_MIN), "-9223372036854775808");
    assert_string_equal(CH_I64(0), "0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_class_state_and_parameters),
        cmocka_unit_test(the_first_error_stays),
        cmocka_unit_test(nobody_has_to_listen),
        cmocka_unit_test(the_place_counts_characters_and_the_caret_points_there),
        cmocka_unit_test(every_code_has_a_class_and_a_state_of_five_letters),
        cmocka_unit_test(integers_print_to_their_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
