/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

/* What one call writes to stderr. */
#define CAPTURE(text, call)                                 \
    do {                                                    \
        FILE *file = tmpfile();                             \
        int saved = dup(STDERR_FILENO);                     \
        assert_non_null(file);                              \
        dup2(fileno(file), STDERR_FILENO);                  \
        call;                                               \
        dup2(saved, STDERR_FILENO);                         \
        close(saved);                                       \
        rewind(file);                                       \
        size_t len = fread(text, 1, sizeof text - 1, file); \
        text[len] = 0;                                      \
        fclose(file);                                       \
    } while (0)

static void a_line_has_time_level_room_event_and_pairs(void **state)
{
    CH_UNUSED(state);
    char text[8192];
    ch_log_set_level(CH_LOG_INFO);
    CAPTURE(text, CH_LOG(INFO, "exec", "spill", "bytes", "10", "path", "a b\"c"));
    assert_int_equal(text[4], '-');
    assert_int_equal(text[10], 'T');
    assert_string_equal(text + 23, "Z INFO exec spill bytes=10 path=\"a b\\\"c\"\n");
}

static void lines_below_the_level_are_not_written(void **state)
{
    CH_UNUSED(state);
    char text[8192];
    ch_log_set_level(CH_LOG_WARN);
    CAPTURE(text, CH_LOG(INFO, "exec", "spill"));
    assert_string_equal(text, "");
    CAPTURE(text, CH_LOG(ERROR, "exec", "spill"));
    assert_string_equal(text + 23, "Z ERROR exec spill\n");
}

static void a_long_line_is_cut_and_still_ends(void **state)
{
    CH_UNUSED(state);
    char text[8192], value[6000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = 0;
    ch_log_set_level(CH_LOG_WARN);
    CAPTURE(text, CH_LOG(WARN, "exec", "spill", "v", value, "w", value));
    assert_int_equal(strlen(text), 4096);
    assert_int_equal(text[4095], '\n');
}

static void level_names_are_read_without_case(void **state)
{
    CH_UNUSED(state);
    assert_int_equal(ch_log_level_of("Debug"), CH_LOG_DEBUG);
    assert_int_equal(ch_log_level_of("OFF"), CH_LOG_OFF);
    assert_int_equal(ch_log_level_of("loud"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_room_event_and_pairs),
        cmocka_unit_test(lines_below_the_level_are_not_written),
        cmocka_unit_test(a_long_line_is_cut_and_still_ends),
        cmocka_unit_test(level_names_are_read_without_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
