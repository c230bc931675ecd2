/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "unit.h"
#include "wire/json.h"
#include "wire/json_plain.h"

/* A few bytes of all that matters, else letters. */
static char some_byte(uint32_t *seed)
{
    static const char ODD[] = "\"\\'\x1F \x7F\x80\xFF\n";
    *seed = *seed * 1664525 + 1013904223;
    uint32_t r = *seed >> 16;
    return r % 16 ? (char)('a' + r % 26) : ODD[(r >> 4) % (sizeof ODD - 1)];
}

static void the_end_of_plain_text_is_found_as_by_the_loop_over_bytes(void **state)
{
    CH_UNUSED(state);
    uint32_t seed = 1;
    for (int round = 0; round < 2000; round++) {
        char text[100];
        int64_t len = round % 100;
        for (int64_t i = 0; i < len; i++)
            text[i] = some_byte(&seed);
        for (int64_t from = 0; from <= len; from++) {
            unsigned high = 0, also = 0;
            const char *end = ch_json_plain(text + from, text + len, '"', &high);
            assert_ptr_equal(end, ch_json_plain_scalar(text + from, text + len, '"', &also));
            assert_true(high || !also);
        }
    }
}

static void a_tape_knows_where_values_end(void **state)
{
    UNIT_BEGIN(state);
    static const char TEXT[] = " {\"a\": [1, 2, {}], \"b\": \"x\\n\", \"c\": -1.5e3} rest";
    static const struct {
        ch_json_kind kind;
        int32_t next, len;
    } WANT[] = {{CH_JSON_OBJECT, 10, 3}, {CH_JSON_STRING, 2, 1}, {CH_JSON_ARRAY, 6, 3},
                {CH_JSON_INT, 4, 1},     {CH_JSON_INT, 5, 1},    {CH_JSON_OBJECT, 6, 0},
                {CH_JSON_STRING, 7, 1},  {CH_JSON_STRING, 8, 3}, {CH_JSON_STRING, 9, 1},
                {CH_JSON_FLOAT, 10, 6}};
    ch_json json;
    bool ok;
    ch_json_init(&json, mem);
    assert_ok(ch_json_parse(&json, TEXT, sizeof TEXT - 1, 0, &ok, &err));
    assert_true(ok);
    assert_int_equal(json.n, 10);
    for (int32_t i = 0; i < json.n; i++) {
        assert_int_equal(ch_json_at(&json, i)->kind, WANT[i].kind);
        assert_int_equal(ch_json_at(&json, i)->next, WANT[i].next);
        assert_int_equal(ch_json_at(&json, i)->len, WANT[i].len);
    }
    assert_true(ch_json_at(&json, 7)->escaped);
    assert_string_equal(TEXT + json.stop, " rest");
    ch_json_release(&json);
    UNIT_END();
}

static void containers_nest_to_the_limit_and_no_deeper(void **state)
{
    UNIT_BEGIN(state);
    char text[2 * CH_JSON_MOST_DEPTH + 2];
    ch_json json;
    bool ok;
    ch_json_init(&json, mem);
    for (int depth = CH_JSON_MOST_DEPTH - 1; depth <= CH_JSON_MOST_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_ok(ch_json_parse(&json, text, 2 * depth, 0, &ok, &err));
        assert_int_equal(ok, depth <= CH_JSON_MOST_DEPTH);
        assert_ok(ch_json_parse(&json, text, 2 * depth - 1, 0, &ok, &err));
        assert_false(ok);
    }
    ch_json_release(&json);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_of_plain_text_is_found_as_by_the_loop_over_bytes),
        cmocka_unit_test(a_tape_knows_where_values_end),
        cmocka_unit_test(containers_nest_to_the_limit_and_no_deeper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
