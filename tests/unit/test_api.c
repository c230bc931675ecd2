/* SPDX-License-Identifier: Apache-2.0 */
/* The public C API, as a program uses it. */
#include "unit_api.h"

#include <unistd.h>

static chert_session *begin(void)
{
    return unit_session(2, 256 << 20);
}

static void a_chain_of_transformations_runs_as_one_query(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *numbers = chert_range(s, 0, 100, 1, &err);
    chert_df *odd = chert_df_filter(
        numbers,
        chert_col_eq(chert_col_mod(chert_col_new("id"), chert_lit_int(2)), chert_lit_int(1)), &err);
    chert_df *keyed =
        chert_df_with_column(odd, "k", chert_col_mod(chert_col_new("id"), chert_lit_int(3)), &err);
    chert_df *grouped =
        chert_grouped_agg(chert_df_group_by(keyed, &err, chert_col_new("k"), NULL), &err,
                          chert_col_alias(chert_count_all(), "n"),
                          chert_col_alias(chert_max(chert_col_new("id")), "m"), NULL);
    chert_df *sorted = chert_df_order_by(grouped, &err, chert_col_desc(chert_col_new("k")), NULL);
    assert_no_error(err);
    check_rows(sorted, CHERT_STYLE_CSV, "k,n,m\n2,16,95\n1,17,97\n0,17,99\n");
    assert_int_equal(chert_df_count(odd, &err), 50);
    chert_df_free(grouped);
    chert_df_free(keyed);
    chert_df_free(odd);
    chert_df_free(numbers);
    chert_session_free(s);
}

static void joins_unions_and_distinct_work_from_c(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *a = chert_sql(s, "SELECT * FROM VALUES (1, 'x'), (2, 'y') a(id, t)", &err);
    chert_df *b = chert_sql(s, "SELECT * FROM VALUES (2, 'z'), (3, 'w') b(id, u)", &err);
    chert_df *joined = chert_df_join_using(a, b, "full_outer", &err, "id", NULL);
    chert_df *sorted = chert_df_order_by(joined, &err, chert_col_new("id"), NULL);
    assert_no_error(err);
    check_rows(sorted, CHERT_STYLE_CSV, "id,t,u\n1,x,\n2,y,z\n3,,w\n");
    chert_df *both = chert_df_union(a, a, &err);
    chert_df *once = chert_df_distinct(both, &err);
    assert_int_equal(chert_df_count(both, &err), 4);
    assert_int_equal(chert_df_count(once, &err), 2);
    assert_no_error(err);
    chert_df *parts[] = {a, b, joined, both, once};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        chert_df_free(parts[i]);
    chert_session_free(s);
}

static void mistakes_are_told_with_class_state_and_place(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *df = chert_sql(s, "SELECT\n  idd FROM range(3)", &err);
    assert_no_error(err); /* lazy: names are looked up by an action */
    assert_null(chert_query_new(df, &err));
    assert_string_equal(err.error_class, "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    assert_string_equal(err.sqlstate, "42703");
    assert_string_equal(chert_error_param(&err, "objectName"), "`idd`");
    assert_string_equal(chert_error_param(&err, "proposal"), "`id`");
    assert_int_equal(err.line, 2);
    chert_error_free(&err);
    chert_df_free(df);

    assert_null(chert_sql(s, "SELEC 1", &err));
    assert_string_equal(err.error_class, "PARSE_SYNTAX_ERROR");
    chert_error_free(&err);

    df = chert_sql(s, "SELECT 1 / (id - 2) FROM range(5)", &err);
    chert_query *q = chert_query_new(df, &err);
    assert_no_error(err);
    assert_int_not_equal(chert_query_run(q, &err), 0);
    assert_string_equal(err.error_class, "DIVIDE_BY_ZERO");
    chert_error_free(&err);
    chert_query_free(q);
    chert_df_free(df);
    chert_session_free(s);
}

static void the_first_error_of_a_chain_is_the_one_that_is_told(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *none = chert_sql(s, "SELECT (1 + FROM t", &err);
    chert_df *more = chert_df_limit(none, 3, &err);
    chert_df *last =
        chert_df_filter(more, chert_col_gt(chert_col_new("x"), chert_lit_int(1)), &err);
    assert_null(last);
    assert_string_equal(err.error_class, "PARSE_SYNTAX_ERROR");
    assert_int_equal(chert_df_count(last, &err), -1);
    chert_error_free(&err);
    chert_session_free(s);
}

static void views_and_settings_belong_to_the_session(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin(), *other = begin();
    chert_df *df = chert_range(s, 0, 3, 1, &err);
    assert_int_equal(chert_df_create_temp_view(df, "small", &err), 0);
    chert_df_free(df); /* the view keeps what it needs */
    check_rows(chert_table(s, "SMALL", &err), CHERT_STYLE_CSV, "id\n0\n1\n2\n");
    df = chert_table(other, "small", &err);
    assert_null(chert_query_new(df, &err));
    assert_string_equal(err.error_class, "TABLE_OR_VIEW_NOT_FOUND");
    chert_error_free(&err);
    chert_df_free(df);

    assert_int_equal(chert_session_set(s, "spark.sql.ansi.enabled", "false", &err), 0);
    check_rows(chert_sql(s, "SELECT 1 / 0 AS x", &err), CHERT_STYLE_JSON, "{}\n");
    assert_int_not_equal(chert_session_set(s, "spark.sql.ansi.enabled", "perhaps", &err), 0);
    assert_string_equal(err.error_class, "INVALID_CONF_VALUE.TYPE_MISMATCH");
    chert_error_free(&err);
    char *value = chert_session_get(other, "spark.sql.ansi.enabled", &err);
    assert_string_equal(value, "true");
    chert_free(value);
    chert_session_free(other);
    chert_session_free(s);
}

static void an_excluded_rule_leaves_the_plan_alone(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *df = chert_sql(s, "SELECT 1 + 1 AS x FROM range(5)", &err);
    char *plan = chert_df_explain(df, "simple", &err);
    assert_non_null(strstr(plan, "2 AS x"));
    chert_free(plan);
    assert_int_equal(chert_session_set(s, "spark.sql.optimizer.excludedRules",
                                       "pushdown_limit, constant_folding", &err),
                     0);
    plan = chert_df_explain(df, "simple", &err);
    assert_no_error(err);
    assert_non_null(strstr(plan, "(1 + 1) AS x"));
    chert_free(plan);
    chert_df_free(df);
    chert_session_free(s);
}

static void files_are_written_whole_or_not_at_all(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    char dir[] = "/tmp/chert-api-XXXXXX", folder[64], file[64], line[64];
    assert_non_null(mkdtemp(dir));
    snprintf(folder, sizeof folder, "%s/out", dir);
    snprintf(file, sizeof file, "%s/one.csv", dir);
    chert_df *df = chert_range(s, 0, 3, 1, &err);
    assert_int_equal(chert_df_write(df, "csv", folder, "error", &err, "header", "true", NULL), 0);
    assert_int_not_equal(chert_df_write(df, "csv", folder, "error", &err, NULL), 0);
    assert_string_equal(err.error_class, "PATH_ALREADY_EXISTS");
    chert_error_free(&err);
    assert_int_equal(chert_df_write(df, "csv", folder, "append", &err, "header", "true", NULL), 0);
    chert_df *back = chert_read(s, "csv", folder, "id BIGINT", &err, "header", "true", NULL);
    assert_int_equal(chert_df_count(back, &err), 6);
    assert_no_error(err);
    chert_df_free(back);

    /* Fails in the middle of the rows: what was there stays as it was. */
    chert_df *bad = chert_sql(s, "SELECT 1 / (id - 9) AS id FROM range(10)", &err);
    assert_int_not_equal(
        chert_df_write(bad, "csv", folder, "overwrite", &err, "header", "true", NULL), 0);
    chert_error_free(&err);
    back = chert_read(s, "csv", folder, "id BIGINT", &err, "header", "true", NULL);
    assert_int_equal(chert_df_count(back, &err), 6);
    chert_df_free(back);
    chert_df_free(bad);

    assert_int_equal(chert_df_write(df, "csv", file, "error", &err, "header", "true", "quoteAll",
                                    "true", "chert.singleFile", "true", NULL),
                     0);
    assert_no_error(err);
    FILE *in = fopen(file, "r");
    assert_non_null(in);
    assert_non_null(fgets(line, sizeof line, in));
    assert_string_equal(line, "\"id\"\n");
    fclose(in);
    chert_df_free(df);
    chert_session_free(s);

    char command[128];
    snprintf(command, sizeof command, "test $(ls -A %s | wc -l) = 2 && rm -r %s", dir, dir);
    assert_int_equal(system(command), 0); /* nothing hidden is left beside the results */
}

static void arrow_streams_come_back_as_they_left(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    struct ArrowArrayStream stream;
    chert_session *s = begin();
    chert_df *df = chert_sql(
        s,
        "SELECT * FROM VALUES (1, 'a', array(1, 2)), (NULL, 'long text behind a view', NULL) t(i, t, l)",
        &err);
    chert_query *q = chert_query_new(df, &err);
    chert_query_run(q, &err);
    assert_no_error(err);
    assert_int_equal(chert_query_arrow(q, &stream, &err), 0);
    chert_query_free(q);
    chert_df_free(df);
    df = chert_from_arrow(s, &stream, &err);
    assert_no_error(err);
    char *schema = chert_df_schema(df, &err);
    assert_string_equal(schema, "struct<i:int,t:string,l:array<int>>");
    chert_free(schema);
    check_rows(df, CHERT_STYLE_JSON,
               "{\"i\":1,\"t\":\"a\",\"l\":[1,2]}\n{\"t\":\"long text behind a view\"}\n");
    chert_session_free(s);
}

/* Far more rows than the budget could hold. */
static void rows_can_be_printed_while_they_come(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_options options = CHERT_OPTIONS_INIT;
    options.threads = 2;
    options.memory_bytes = 8 << 20;
    chert_session *s = chert_session_new(&options, &err);
    chert_df *df = chert_range(s, 0, 2000000, 1, &err);
    chert_df *down = chert_df_order_by(df, &err, chert_col_desc(chert_col_new("id")), NULL);
    chert_query *q = chert_query_new(down, &err);
    FILE *out = tmpfile();
    char line[32];
    assert_non_null(out);
    assert_int_equal(chert_query_run_print(q, CHERT_STYLE_CSV, out, &err), 0);
    assert_no_error(err);
    assert_int_equal(chert_query_rows(q), 2000000);
    rewind(out);
    assert_non_null(fgets(line, sizeof line, out));
    assert_string_equal(line, "id\n");
    for (int64_t i = 1999999; i >= 0; i--) {
        assert_non_null(fgets(line, sizeof line, out));
        assert_int_equal(strtoll(line, NULL, 10), i);
    }
    assert_null(fgets(line, sizeof line, out));
    fclose(out);
    chert_query_free(q);
    chert_df_free(down);
    chert_df_free(df);
    chert_session_free(s);
}

static void a_cancelled_query_says_so(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *df = chert_sql(
        s,
        "SELECT count(*) FROM range(1000000) a CROSS JOIN range(1000000) b WHERE a.id + b.id < 0",
        &err);
    chert_query *q = chert_query_new(df, &err);
    assert_no_error(err);
    chert_query_cancel(q); /* before it runs: ends at its first batch */
    assert_int_not_equal(chert_query_run(q, &err), 0);
    assert_true(chert_error_is_cancelled(&err));
    chert_error_free(&err);
    chert_query_free(q);
    chert_df_free(df);
    chert_session_free(s);
}

static void a_budget_that_is_too_small_is_an_error_and_not_a_crash(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_options options = CHERT_OPTIONS_INIT;
    options.threads = 2;
    options.memory_bytes = 64 << 10;
    chert_session *s = chert_session_new(&options, &err);
    assert_non_null(s);
    chert_df *df = chert_sql(s, "SELECT id, count(*) FROM range(100000) GROUP BY id", &err);
    chert_query *q = chert_query_new(df, &err);
    if (q)
        chert_query_run(q, &err);
    assert_string_equal(err.error_class, "OUT_OF_MEMORY");
    chert_error_free(&err);
    chert_query_free(q);
    chert_df_free(df);
    chert_session_free(s);
}

/* INVALID_OPTION_VALUE was told; the error may be used again. */
static void assert_refused(chert_error *err)
{
    assert_int_not_equal(err->code, 0);
    assert_string_equal(err->error_class, "INVALID_OPTION_VALUE");
    chert_error_free(err);
}

static void null_in_place_of_anything_is_an_error_and_not_a_crash(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    struct ArrowArrayStream stream = {0};
    assert_null(chert_error_param(NULL, "x"));
    assert_false(chert_error_is_cancelled(NULL));
    assert_false(chert_parse_bytes(NULL, NULL));
    assert_int_equal(chert_sql_split(NULL, NULL), 0);

    assert_null(chert_sql(NULL, "SELECT 1", &err));
    assert_refused(&err);
    assert_null(chert_read(NULL, "csv", "x", NULL, &err, NULL));
    assert_refused(&err);
    assert_int_not_equal(chert_session_set(NULL, "a", "b", &err), 0);
    assert_refused(&err);
    assert_null(chert_from_arrow(NULL, NULL, &err));
    assert_refused(&err);
    chert_session_cancel(NULL);
    assert_false(chert_session_progress(NULL, NULL));
    assert_int_equal(chert_session_peak_bytes(NULL), 0);

    chert_session *s = begin();
    assert_null(chert_sql(s, NULL, &err));
    assert_refused(&err);
    assert_null(chert_table(s, NULL, &err));
    assert_refused(&err);
    assert_null(chert_session_get(s, NULL, &err));
    assert_refused(&err);
    assert_null(chert_from_arrow(s, &stream, &err)); /* released already */
    assert_refused(&err);
    assert_null(chert_read(s, "csv", "x", NULL, &err, "header", NULL));
    assert_refused(&err);

    chert_df *df = chert_range(s, 0, 3, 1, &err);
    assert_null(chert_df_alias(df, NULL, &err));
    assert_refused(&err);
    assert_int_not_equal(chert_df_create_temp_view(df, NULL, &err), 0);
    assert_refused(&err);
    assert_int_not_equal(chert_df_write(df, "csv", "x", "error", &err, "header", NULL), 0);
    assert_refused(&err);
    assert_null(chert_call(NULL, chert_lit_int(1), NULL));
    assert_null(chert_col_cast(chert_lit_int(1), NULL));
    assert_null(chert_query_new(NULL, &err));
    assert_int_equal(chert_query_rows(NULL), 0);
    assert_null(chert_query_column_name(NULL, 0));
    chert_query_cancel(NULL);
    chert_df_free(df);
    chert_session_free(s);
}

static void a_query_is_asked_for_what_it_has_or_says_so(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    struct ArrowArrayStream stream;
    chert_session *s = begin();
    chert_df *df = chert_range(s, 0, 3, 1, &err);
    chert_query *q = chert_query_new(df, &err);
    assert_no_error(err);
    assert_int_equal(chert_query_rows(q), 0); /* before it ran */
    assert_null(chert_query_text(q, 0, 0, &err));
    assert_refused(&err);
    assert_int_not_equal(chert_query_print(q, CHERT_STYLE_CSV, 1, 0, stderr, &err), 0);
    assert_refused(&err);
    assert_int_not_equal(chert_query_arrow(q, &stream, &err), 0);
    assert_refused(&err);

    assert_int_equal(chert_query_run(q, &err), 0);
    assert_int_not_equal(chert_query_run(q, &err), 0); /* once */
    assert_refused(&err);
    assert_int_equal(chert_query_rows(q), 3);
    assert_null(chert_query_column_name(q, 1));
    assert_null(chert_query_column_type(q, -1));
    assert_null(chert_query_text(q, -1, 0, &err));
    assert_refused(&err);
    assert_null(chert_query_text(q, 0, -7, &err));
    assert_refused(&err);
    assert_int_not_equal(chert_query_print(q, (chert_style)77, 1, 0, stderr, &err), 0);
    assert_refused(&err);
    assert_int_not_equal(chert_query_print(q, CHERT_STYLE_CSV, 1, 0, NULL, &err), 0);
    assert_refused(&err);
    chert_query_free(q);
    chert_df_free(df);
    chert_session_free(s);
}

static void expressions_of_any_height_are_built_or_refused(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin();
    chert_df *df = chert_range(s, 0, 3, 1, &err);
    chert_col *sum = chert_col_new("id"), *endless = chert_lit_int(0);
    for (int i = 0; i < 2000; i++)
        sum = chert_col_add(sum, chert_lit_int(1));
    for (int i = 0; i < 100000; i++)
        endless = chert_col_add(endless, chert_lit_int(1));
    assert_null(endless);
    chert_df *tall = chert_df_select(df, &err, chert_col_alias(sum, "x"), NULL);
    chert_query *q = chert_query_new(tall, &err);
    assert_int_equal(chert_query_run(q, &err), 0);
    char *text = chert_query_text(q, 2, 0, &err);
    assert_string_equal(text, "2002");
    chert_free(text);
    chert_query_free(q);
    chert_df_free(tall);
    chert_df_free(df);
    chert_session_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_in_place_of_anything_is_an_error_and_not_a_crash),
        cmocka_unit_test(a_query_is_asked_for_what_it_has_or_says_so),
        cmocka_unit_test(expressions_of_any_height_are_built_or_refused),
        cmocka_unit_test(a_chain_of_transformations_runs_as_one_query),
        cmocka_unit_test(joins_unions_and_distinct_work_from_c),
        cmocka_unit_test(mistakes_are_told_with_class_state_and_place),
        cmocka_unit_test(the_first_error_of_a_chain_is_the_one_that_is_told),
        cmocka_unit_test(views_and_settings_belong_to_the_session),
        cmocka_unit_test(an_excluded_rule_leaves_the_plan_alone),
        cmocka_unit_test(files_are_written_whole_or_not_at_all),
        cmocka_unit_test(arrow_streams_come_back_as_they_left),
        cmocka_unit_test(rows_can_be_printed_while_they_come),
        cmocka_unit_test(a_cancelled_query_says_so),
        cmocka_unit_test(a_budget_that_is_too_small_is_an_error_and_not_a_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
