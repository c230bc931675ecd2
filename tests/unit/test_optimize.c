/* SPDX-License-Identifier: Apache-2.0 */
/* test_optimize.c - what the rules make of plans: tests/data/optimize/plans.txt, a query and its plan. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_catalog.h"
#include "optimize/optimize.h"

static ch_status optimized(const char *query, ch_arena *arena, ch_rel **rel, ch_error *err)
{
    fake_catalog f;
    fake_catalog_init(&f, arena);
    CH_TRY(fake_analyze(&f, query, rel, err));
    return ch_optimize(&f.analyze, rel, err);
}

static int check_plan(const char *query, const char *wanted)
{
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_arena arena;
    ch_error err = {0};
    ch_rel *rel;
    ch_buf got;
    ch_arena_init(&arena, mem);
    ch_buf_init(&got, mem);
    assert_ok(optimized(query, &arena, &rel, &err));
    assert_ok(ch_rel_print(rel, &got, &err));
    int wrong = strcmp(got.data, wanted) != 0;
    if (wrong)
        print_error("%s\nwanted\n%sgot\n%s\n", query, wanted, got.data);
    ch_buf_release(&got);
    ch_arena_release(&arena);
    wrong |= ch_mem_used(mem) != 0;
    ch_mem_close(mem);
    return wrong;
}

static void plans_are_rewritten_as_recorded(void **state)
{
    char *text = NULL, *query = NULL, plan[8192] = "";
    size_t cap = 0;
    int wrong = 0, blocks = 0;
    CH_UNUSED(state);
    FILE *in = fopen("tests/data/optimize/plans.txt", "r");
    assert_non_null(in);
    for (bool more = true; more;) {
        more = getline(&text, &cap, in) > 0;
        if (more && *text == '#')
            continue;
        if (!more || *text == '\n') {
            if (query) {
                wrong += check_plan(query, plan);
                blocks++;
            }
            free(query);
            query = NULL;
            *plan = 0;
        } else if (!query) {
            text[strcspn(text, "\n")] = 0;
            query = strdup(text);
        } else {
            assert_true(strlen(plan) + strlen(text) < sizeof plan);
            strcat(plan, text + 4);
        }
    }
    free(text);
    fclose(in);
    assert_true(blocks > 20);
    assert_int_equal(wrong, 0);
}

static void every_rule_has_a_name_and_a_sentence(void **state)
{
    CH_UNUSED(state);
    for (int i = 0; ch_rule_at(i); i++) {
        assert_non_null(ch_rule_at(i)->name);
        assert_non_null(ch_rule_at(i)->doc);
        assert_non_null(ch_rule_at(i)->apply);
    }
}

static void every_failed_allocation_is_told(void **state)
{
    UNIT_BEGIN(state);
    static const char QUERY[] =
        "SELECT r.region_name, l.date, count(*) FROM location l LEFT JOIN region r "
        "ON l.region_id = r.region_id WHERE r.region_name <> 'x' AND l.lat > '3' "
        "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 5";
    bool done = false;
    for (int64_t nth = 1; !done; nth++) {
        ch_arena arena;
        ch_rel *rel;
        ch_arena_init(&arena, mem);
        ch_mem_fail_nth(nth);
        ch_status status = optimized(QUERY, &arena, &rel, &err);
        done = ch_mem_fail_nth(0) < nth;
        /* Constants may stay what they were when there is no room to compute them. */
        assert_true(status == CH_OK || (status == CH_E_MEMORY && !done));
        ch_error_release(&err);
        ch_arena_release(&arena);
        assert_int_equal(ch_mem_used(mem), 0);
    }
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_are_rewritten_as_recorded),
        cmocka_unit_test(every_rule_has_a_name_and_a_sentence),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
