/* SPDX-License-Identifier: Apache-2.0 */
/* test_sql_parse.c - the parser against what Spark's says (tests/data/parse_spark), and its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "plan/node.h"
#include "plan/plan_command.h"
#include "sql/sql.h"

static ch_mem *mem;
static ch_arena arena;
static ch_sql_context ctx;

static int setup(void **state)
{
    CH_UNUSED(state);
    mem = ch_mem_new(NULL, "test", 0);
    ch_arena_init(&arena, mem);
    ctx = (ch_sql_context){.arena = &arena, .ansi = true, .time_zone = "UTC"};
    return 0;
}

static int teardown(void **state)
{
    CH_UNUSED(state);
    ch_arena_release(&arena);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
    return 0;
}

/* Cuts a line at its tabs and undoes \n and \t in each field. */
static int fields_of(char *line, char *field[8])
{
    int n = 0;
    line[strcspn(line, "\n")] = 0;
    for (char *rest = line; rest && n < 8; n++) {
        field[n] = strsep(&rest, "\t");
        char *to = field[n];
        for (const char *from = field[n]; *from; from++) {
            bool escape = from[0] == '\\' && (from[1] == 'n' || from[1] == 't');
            *to++ = escape ? from[1] == 'n' ? '\n' : '\t' : *from;
            from += escape;
        }
        *to = 0;
    }
    return n;
}

static const char *param(const ch_error *err, const char *name)
{
    const char *value = ch_error_param(err, name);
    return value && *value ? value : "-";
}

static void wrong_statements_get_the_error_that_spark_gives(void **state)
{
    CH_UNUSED(state);
    FILE *file = fopen("tests/data/parse_spark/errors.tsv", "r");
    assert_non_null(file);
    char *line = NULL, *f[8];
    size_t cap = 0;
    int n = 0, failed = 0;
    while (getline(&line, &cap, file) > 0) {
        ch_error err = {0};
        ch_rel *plan;
        if (fields_of(line, f) != 7)
            fail_msg("bad line: %s", line);
        bool full = strcmp(f[0], "full") == 0, token = strcmp(f[0], "class") != 0;
        ch_status status = ch_sql_parse(&ctx, f[1], &plan, &err);
        bool same = status != CH_OK && strcmp(ch_status_class(err.code), f[2]) == 0;
        if (token)
            same = same && strcmp(param(&err, "error"), f[3]) == 0;
        if (full)
            same = same && strcmp(param(&err, "hint"), f[4]) == 0;
        if (full && atoi(f[5]) > 0)
            same = same && err.line == atoi(f[5]) && err.column == atoi(f[6]) + 1;
        if (!same) {
            print_message("%s\n  wanted %s %s%s (%s, %s)\n  got    %s %s%s (%d, %d)\n", f[1], f[2],
                          f[3], f[4], f[5], f[6], ch_status_class(err.code), param(&err, "error"),
                          param(&err, "hint"), err.line, err.column - 1);
            failed++;
        }
        n++;
        ch_error_release(&err);
    }
    free(line);
    fclose(file);
    assert_int_equal(failed, 0);
    assert_true(n > 250);
}

static void valid_statements_become_their_plans(void **state)
{
    CH_UNUSED(state);
    FILE *file = fopen("tests/data/parse_spark/valid.tsv", "r");
    assert_non_null(file);
    char *line = NULL, *f[8];
    size_t cap = 0;
    int failed = 0;
    while (getline(&line, &cap, file) > 0) {
        ch_error err = {0};
        ch_rel *plan;
        ch_buf out;
        ch_buf_init(&out, mem);
        assert_int_equal(fields_of(line, f), 2);
        ch_status status = ch_sql_parse(&ctx, f[0], &plan, &err);
        if (status == CH_OK)
            status = ch_rel_print(plan, &out, &err);
        for (size_t i = 0; i < out.len; i++)
            out.data[i] = out.data[i] == '\n' ? '/' : out.data[i];
        if (status != CH_OK || strcmp(out.data, f[1]) != 0) {
            print_message("%s\n  wanted %s\n  got    %s %s\n", f[0], f[1], out.data ? out.data : "",
                          err.message ? err.message : "");
            failed++;
        }
        ch_buf_release(&out);
        ch_error_release(&err);
    }
    free(line);
    fclose(file);
    assert_int_equal(failed, 0);
}

static ch_status parse(const char *sql, ch_rel **out)
{
    ch_error err = {0};
    ch_status status = ch_sql_parse(&ctx, sql, out, &err);
    ch_error_release(&err);
    return status;
}

/* head, n times `part`, tail */
static char *repeat(const char *head, const char *part, int n, const char *tail)
{
    char *text = malloc(strlen(head) + strlen(part) * (size_t)n + strlen(tail) + 1), *to = text;
    to = stpcpy(to, head);
    for (int i = 0; i < n; i++)
        to = stpcpy(to, part);
    strcpy(to, tail);
    return text;
}

static void deep_nesting_is_an_error_and_not_a_stack_overflow(void **state)
{
    CH_UNUSED(state);
    static const struct {
        const char *head, *part, *tail;
    } CASES[] = {
        {"SELECT ", "(", "1"},
        {"SELECT ", "-a.b * -", "1"},
        {"SELECT ", "NOT ", "a"},
        {"SELECT 1", " + 1", ""},
        {"SELECT ", "f(", "1"},
        {"SELECT a", "[0]", ""},
        {"SELECT CAST(a AS ", "array<", "int"},
        {"", "(", "SELECT 1"},
        {"SELECT * FROM ", "(", "t"},
        {"SELECT 1", " UNION SELECT 1", ""},
        {"SELECT * FROM t", " JOIN t", ""},
        {"", "EXPLAIN ", "SELECT 1"},
        {"SELECT ", "CASE WHEN ", "1"},
        {"SELECT a", "::int", ""},
        {"SELECT ", "substring(", "a"},
        {"SELECT ", "x -> ", "1"},
        {"SELECT ", "position(", "a"},
        {"SELECT ", "~", "1"},
        {"SELECT ", "a LIKE ", "1"},
        {"SELECT a FROM t GROUP BY ", "GROUPING SETS (", "a"},
        {"SELECT * FROM (", "SELECT * FROM (", "t"},
        {"SELECT ", "INTERVAL ", "1"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *sql = repeat(CASES[i].head, CASES[i].part, 20000, CASES[i].tail);
        ch_rel *plan;
        assert_int_not_equal(parse(sql, &plan), CH_OK);
        free(sql);
        ch_arena_reset(&arena);
    }
}

static int32_t height(const ch_expr *e)
{
    int32_t most = 0;
    if (e->kind == CH_EXPR_UNRESOLVED_FUNCTION) {
        const ch_expr_list *args = &((const ch_expr_unresolved_function *)e)->args;
        for (int32_t i = 0; i < args->n; i++) {
            int32_t h = height(args->item[i]);
            most = h > most ? h : most;
        }
    }
    return most + 1;
}

static void long_chains_of_and_are_balanced(void **state)
{
    CH_UNUSED(state);
    char *sql = repeat("SELECT a", " AND a", 10000, "");
    ch_rel *plan;
    assert_int_equal(parse(sql, &plan), CH_OK);
    assert_true(height(((ch_rel_project *)plan)->expressions.item[0]) < 20);
    free(sql);
}

static void a_long_list_is_not_deep(void **state)
{
    CH_UNUSED(state);
    char *sql = repeat("SELECT a IN (1", ", 1 + 1", 20000, ")");
    ch_rel *plan;
    assert_int_equal(parse(sql, &plan), CH_OK);
    free(sql);
    sql = repeat("VALUES (1, 2)", ", (a + b, 2)", 20000, "");
    assert_int_equal(parse(sql, &plan), CH_OK);
    assert_int_equal(((ch_rel_values *)plan)->n_rows, 20001);
    free(sql);
}

static void places_in_the_text_are_kept(void **state)
{
    CH_UNUSED(state);
    ch_rel *plan;
    assert_int_equal(parse("SELECT a + b.c AS x, f(1) FROM t", &plan), CH_OK);
    ch_expr_list list = ((ch_rel_project *)plan)->expressions;
    assert_int_equal(list.item[0]->start, 7);
    assert_int_equal(list.item[0]->stop, 19);
    const ch_expr *sum = ((ch_expr_alias *)list.item[0])->child;
    assert_int_equal(sum->stop, 14);
    assert_int_equal(((ch_expr_unresolved_function *)sum)->args.item[1]->start, 11);
    assert_int_equal(list.item[1]->start, 21);
    assert_int_equal(list.item[1]->stop, 25);
}

static void grouping_sets_are_positions(void **state)
{
    CH_UNUSED(state);
    ch_rel *plan;
    assert_int_equal(parse("SELECT 1 FROM t GROUP BY a, ROLLUP(b, (c, a))", &plan), CH_OK);
    const ch_rel_aggregate *agg = (const ch_rel_aggregate *)plan;
    assert_int_equal(agg->group_type, CH_GROUP_SETS);
    assert_int_equal(agg->grouping.n, 3);
    assert_int_equal(agg->n_sets, 3);
    assert_int_equal(agg->set_len[0], 3);
    assert_int_equal(agg->set_len[1], 2);
    assert_int_equal(agg->set_len[2], 1);
    assert_int_equal(agg->sets[1][1], 1);
}

static void settings_are_taken_as_they_stand(void **state)
{
    CH_UNUSED(state);
    static const char *const CASES[][3] = {
        {"SET a.b = x y 'z' ; ", "a.b", "x y 'z'"},
        {"set `a b`=`c`", "a b", "c"},
        {"SET a=", "a", ""},
        {"SET a", "a", NULL},
        {"SET", NULL, NULL},
        {"RESET x.y", "x.y", NULL},
        {"SET TIME ZONE '+02:00'", "spark.sql.session.timeZone", "+02:00"},
        {"SET TIME ZONE INTERVAL -90 MINUTES", "spark.sql.session.timeZone", "-01:30"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        ch_rel *plan;
        assert_int_equal(parse(CASES[i][0], &plan), CH_OK);
        const ch_rel_set *s = (const ch_rel_set *)plan;
        for (int k = 0; k < 2; k++) {
            const char *got = k ? s->value : s->key, *want = CASES[i][k + 1];
            assert_true(got == want || (got && want && strcmp(got, want) == 0));
        }
    }
}

static void options_keep_their_order_and_path_is_a_path(void **state)
{
    CH_UNUSED(state);
    ch_rel *plan;
    assert_int_equal(parse("CREATE OR REPLACE TEMP VIEW v (a INT, b STRING NOT NULL) USING csv "
                           "OPTIONS (PATH '/x', 'header' TRUE, a.b = 1.5)",
                           &plan),
                     CH_OK);
    const ch_rel_create_view *v = (const ch_rel_create_view *)plan;
    const ch_rel_read_data_source *d = (const ch_rel_read_data_source *)v->input;
    assert_true(v->replace);
    assert_string_equal(d->format, "csv");
    assert_string_equal(d->paths.item[0], "/x");
    assert_int_equal(d->options.n, 2);
    assert_string_equal(d->options.key[0], "header");
    assert_string_equal(d->options.value[0], "true");
    assert_string_equal(d->options.key[1], "a.b");
    assert_string_equal(d->options.value[1], "1.5");
    assert_int_equal(d->schema->n_fields, 2);
    assert_false(d->schema->field[1].nullable);
}

static void blank_text_is_an_empty_statement(void **state)
{
    CH_UNUSED(state);
    ch_rel *plan;
    assert_int_equal(parse("", &plan), CH_E_PARSE_EMPTY_STATEMENT);
    assert_int_equal(parse(" \n\t ", &plan), CH_E_PARSE_EMPTY_STATEMENT);
    assert_int_equal(parse("-- nothing", &plan), CH_E_PARSE_SYNTAX_ERROR);
}

static void an_expression_may_have_a_name(void **state)
{
    CH_UNUSED(state);
    ch_expr *e;
    ch_error err = {0};
    assert_int_equal(ch_sql_parse_expr(&ctx, "a + 1 AS b", &e, &err), CH_OK);
    assert_int_equal(e->kind, CH_EXPR_ALIAS);
    assert_int_equal(ch_sql_parse_expr(&ctx, "a + ", &e, &err), CH_E_PARSE_SYNTAX_ERROR);
    ch_error_release(&err);
}

static void splitting_respects_quotes_and_comments(void **state)
{
    CH_UNUSED(state);
    static const struct {
        const char *text;
        size_t end;
        bool complete;
    } CASES[] = {
        {"a; b", 2, true},       {"';' ;", 5, true},
        {"-- ;\n;", 6, true},    {"/* ; /* */ ; */;", 16, true},
        {"`;`", 3, false},       {"'open ;", 7, false},
        {"/* open ;", 9, false}, {"r'\\';", 5, true},
        {"'it\\';' ;", 9, true}, {"", 0, false},
        {"'a'';' ;", 8, true},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        bool complete;
        assert_int_equal(ch_sql_split(CASES[i].text, &complete), CASES[i].end);
        assert_int_equal(complete, CASES[i].complete);
    }
}

static void every_failed_allocation_is_reported(void **state)
{
    CH_UNUSED(state);
    const char *sql =
        "WITH c AS (SELECT 1) SELECT /*+ x(1) */ a.b, f(x -> x + 1), 'a' 'b', CASE WHEN a "
        "IN (1, 2) THEN DATE'2020-01-01' END FROM t JOIN u USING (a), VALUES (1, 2) v(a, b) "
        "GROUP BY ROLLUP(a, b) ORDER BY 1 LIMIT 3";
    ch_rel *plan;
    assert_int_equal(parse(sql, &plan), CH_OK);
    for (int64_t n = 1; n < 20; n++) {
        ch_arena_reset(&arena);
        ch_error err = {0};
        (void)ch_mem_fail_nth(n);
        ch_status status = ch_sql_parse(&ctx, sql, &plan, &err);
        (void)ch_mem_fail_nth(0);
        assert_true(status == CH_OK || status == CH_E_MEMORY);
        ch_error_release(&err);
        if (status == CH_OK)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(wrong_statements_get_the_error_that_spark_gives),
        TEST(valid_statements_become_their_plans),
        TEST(deep_nesting_is_an_error_and_not_a_stack_overflow),
        TEST(long_chains_of_and_are_balanced),
        TEST(a_long_list_is_not_deep),
        TEST(places_in_the_text_are_kept),
        TEST(grouping_sets_are_positions),
        TEST(settings_are_taken_as_they_stand),
        TEST(options_keep_their_order_and_path_is_a_path),
        TEST(blank_text_is_an_empty_statement),
        TEST(an_expression_may_have_a_name),
        TEST(splitting_respects_quotes_and_comments),
        TEST(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
