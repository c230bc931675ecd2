/* SPDX-License-Identifier: Apache-2.0 */
/* test_function_examples.c - every function's example, run as SQL, gives what its row expects. */
#include <stdio.h>

#include "function/function.h"
#include "session/query.h"
#include "unit.h"

/* The first value of the query as CAST AS STRING gives it, or the error's class; in out. */
static void first_value(ch_session *session, const char *sql, char *out, size_t cap)
{
    ch_error err = {0};
    ch_frame *frame = NULL;
    ch_query *query = NULL;
    ch_column *text = NULL, *col = NULL;
    ch_status status = ch_session_sql(session, sql, &frame, &err);
    snprintf(out, cap, "no row");
    if (status == CH_OK)
        status = ch_query_open(frame, frame->rel, &query, &err);
    if (status == CH_OK)
        status = ch_query_collect(query, &err);
    for (int64_t b = 0; status == CH_OK && ch_query_batch(query, b); b++) {
        ch_batch *batch = ch_query_batch(query, b);
        if (batch->n == 0)
            continue;
        status = ch_batch_column(batch, 0, &col, &err);
        if (status == CH_OK)
            status = ch_cast(col, CH_T_STRING, CH_CAST_ANSI, ch_query_func(query),
                             ch_query_mem(query), &text, &err);
        if (status == CH_OK && ch_column_is_null(text, 0)) {
            snprintf(out, cap, "NULL");
        } else if (status == CH_OK) {
            ch_str s = ch_column_str(ch_column_values(text), ch_column_slot(text, 0));
            snprintf(out, cap, "%.*s", (int)s.len, s.text);
        }
        ch_column_unref(text);
        break;
    }
    if (status != CH_OK)
        snprintf(out, cap, "%s: %s", ch_status_class(status), err.message ? err.message : "");
    ch_query_close(query);
    ch_frame_unref(frame);
    ch_error_release(&err);
}

static void every_example_gives_what_its_row_expects(void **state)
{
    ch_engine *engine;
    ch_session *session;
    int wrong = 0;
    CH_UNUSED(state);
    assert_int_equal(ch_engine_new((int64_t)256 << 20, 1, NULL, &engine, NULL), CH_OK);
    assert_int_equal(ch_session_new(engine, &session, NULL), CH_OK);
    for (int i = 0; ch_func_at(i); i++) {
        const ch_func *f = ch_func_at(i);
        char got[512];
        if (!f->example)
            continue;
        first_value(session, f->example, got, sizeof got);
        if (strcmp(got, f->expect) == 0)
            continue;
        wrong++;
        fprintf(stderr, "%s: %s\n  expected %s\n  got      %s\n", f->name, f->example, f->expect,
                got);
    }
    ch_session_free(session);
    assert_int_equal(ch_mem_used(ch_engine_mem(engine)), 0);
    ch_engine_free(engine);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_example_gives_what_its_row_expects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
