/* SPDX-License-Identifier: Apache-2.0 */
/* test_analyze.c - the analyzer against what Spark's says (tests/data/analyze_spark), and its limits. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_catalog.h"

/* ---- Spark's answers ------------------------------------------------------------------------------- */

static void print_columns(const ch_rel *rel, ch_buf *out)
{
    ch_error err = {0};
    for (int32_t i = 0; i < rel->output.n; i++) {
        const ch_attr *a = rel->output.item[i];
        assert_ok(ch_buf_printf(out, &err, "%s%s:", i ? " | " : "", a->name));
        assert_ok(ch_type_print(a->type, out, &err));
        assert_ok(ch_buf_adds(out, a->nullable ? "" : "!", &err));
    }
    assert_ok(ch_buf_adds(out, "", &err));
}

/* Does one wanted line, "error CLASS 7..10" or "name = value", hold? */
static bool error_says(const ch_error *err, const char *line)
{
    char cls[128], name[64];
    int start, stop, at = 0;
    if (sscanf(line, "error %127s %n", cls, &at) == 1 && at) {
        if (strcmp(cls, ch_status_class(err->code)) != 0)
            return false;
        return sscanf(line + at, "%d..%d", &start, &stop) != 2 ||
               (err->line && err->start == start && err->stop == stop + 1);
    }
    if (sscanf(line, "%63s = %n", name, &at) != 1 || !at)
        return false;
    const char *value = ch_error_param(err, name);
    return value && strcmp(value, line + at) == 0;
}

/* The block's lines behind the query, until a blank one. Says how many do not hold. */
static int check_block(const char *query, char *const *line, int n)
{
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_arena arena;
    ch_error err = {0};
    ch_rel *rel;
    ch_buf got;
    fake_catalog f;
    int wrong = 0;
    ch_arena_init(&arena, mem);
    ch_buf_init(&got, mem);
    fake_catalog_init(&f, &arena);
    ch_status status = fake_analyze(&f, query, &rel, &err);
    if (status == CH_OK) {
        print_columns(rel, &got);
        wrong = n != 1 || strcmp(got.data, line[0]) != 0;
    } else {
        for (int i = 0; i < n; i++)
            wrong += !error_says(&err, line[i]);
    }
    if (wrong) {
        print_error("%s\n", query);
        for (int i = 0; i < n; i++)
            print_error("    wanted %s\n", line[i]);
        if (status == CH_OK)
            print_error("    got    %s\n", got.data);
        else
            print_error("    got    error %s %d..%d: %s\n", ch_status_class(err.code), err.start,
                        err.stop - 1, err.message ? err.message : "");
        for (int i = 0; i < err.n_params; i++)
            print_error("           %s = %s\n", err.param[i].name, err.param[i].value);
    }
    ch_error_release(&err);
    ch_buf_release(&got);
    ch_arena_release(&arena);
    wrong += ch_mem_used(mem) != 0;
    ch_mem_close(mem);
    return wrong != 0;
}

static void queries_have_the_columns_or_errors_that_spark_gives(void **state)
{
    char *text = NULL, *line[16], *query = NULL;
    size_t cap = 0;
    int n = 0, wrong = 0, blocks = 0;
    CH_UNUSED(state);
    FILE *in = fopen("tests/data/analyze_spark/queries.txt", "r");
    assert_non_null(in);
    for (bool more = true; more;) {
        more = getline(&text, &cap, in) > 0;
        if (more)
            text[strcspn(text, "\n")] = 0;
        if (!more || !*text) {
            if (query) {
                wrong += check_block(query, line, n);
                blocks++;
            }
            for (int i = 0; i < n; i++)
                free(line[i]);
            free(query);
            query = NULL;
            n = 0;
        } else if (!query) {
            query = strdup(text);
        } else {
            assert_true(n < 16);
            line[n++] = strdup(text + strspn(text, " "));
        }
    }
    free(text);
    fclose(in);
    assert_true(blocks > 200);
    assert_int_equal(wrong, 0);
}

/* ---- what is easier told here ------------------------------------------------------------------------ */

static void a_table_that_is_named_twice_has_different_columns(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    fake_catalog f;
    ch_rel *rel;
    ch_arena_init(&arena, mem);
    fake_catalog_init(&f, &arena);
    assert_ok(fake_analyze(&f, "SELECT * FROM region x JOIN region y", &rel, &err));
    assert_int_equal(rel->output.n, 4);
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++)
            assert_true(rel->output.item[i]->id != rel->output.item[k]->id);
    ch_arena_release(&arena);
    UNIT_END();
}

static void nesting_without_end_is_refused(void **state)
{
    UNIT_BEGIN(state);
    ch_arena arena;
    fake_catalog f;
    ch_rel *out;
    ch_arena_init(&arena, mem);
    fake_catalog_init(&f, &arena);
    ch_rel *rel = ch_rel_new(&arena, CH_REL_ONE_ROW, &err);
    for (int i = 0; i < 100000; i++) {
        ch_rel_limit *l = ch_rel_new(&arena, CH_REL_LIMIT, &err);
        l->input = rel;
        l->limit = 1;
        rel = &l->head;
    }
    assert_fails(UNSUPPORTED, ch_analyze(&f.analyze, rel, &out, &err));
    ch_arena_release(&arena);
    UNIT_END();
}

static void every_failed_allocation_is_told(void **state)
{
    UNIT_BEGIN(state);
    static const char QUERY[] =
        "SELECT a, a + 1 AS x, x * 2, count(*) AS c FROM t JOIN u USING (a) "
        "GROUP BY a ORDER BY c";
    bool done = false;
    for (int64_t nth = 1; !done; nth++) {
        ch_arena arena;
        fake_catalog f;
        ch_rel *rel;
        ch_arena_init(&arena, mem);
        fake_catalog_init(&f, &arena);
        ch_mem_fail_nth(nth);
        ch_status status = fake_analyze(&f, QUERY, &rel, &err);
        done = ch_mem_fail_nth(0) < nth;
        /* Constants may stay what they were when there is no room to compute them. */
        assert_true(status == CH_E_MEMORY || status == CH_OK);
        ch_error_release(&err);
        ch_arena_release(&arena);
        assert_int_equal(ch_mem_used(mem), 0);
    }
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queries_have_the_columns_or_errors_that_spark_gives),
        cmocka_unit_test(a_table_that_is_named_twice_has_different_columns),
        cmocka_unit_test(nesting_without_end_is_refused),
        cmocka_unit_test(every_failed_allocation_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
