/* SPDX-License-Identifier: Apache-2.0 */
/* Functions in C: what they see, what they may give, and what is said when they are wrong. */
#include "unit_api.h"

#include <stdatomic.h>

static chert_session *begin(int threads)
{
    return unit_session(threads, 256 << 20);
}

static void add(chert_session *s, chert_function f)
{
    chert_error err = CHERT_ERROR_INIT;
    f.struct_bytes = sizeof f;
    (void)chert_session_register_function(s, &f, &err);
    assert_no_error(err);
}

/* The rows of sql, in CSV. */
static void check(chert_session *s, const char *sql, const char *want)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_df *df = chert_sql(s, sql, &err);
    assert_no_error(err);
    check_rows(df, CHERT_STYLE_CSV, want);
}

/* sql fails with the class, and its message holds `part`. */
static void check_fails(chert_session *s, const char *sql, const char *cls, const char *part)
{
    chert_error err = CHERT_ERROR_INIT;
    chert_df *df = chert_sql(s, sql, &err);
    chert_query *q = chert_query_new(df, &err);
    (void)chert_query_run(q, &err);
    assert_true(err.code != 0);
    assert_string_equal(err.error_class, cls);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" is not in \"%s\"", part, err.message);
    chert_error_free(&err);
    chert_query_free(q);
    chert_df_free(df);
}

/* ---- what works ---------------------------------------------------------------------------- */

static _Atomic int n_calls, n_opened, n_closed, n_released;

static int plus_one(chert_function_call *call)
{
    const int64_t *in = (const int64_t *)call->arg[0]->buffers[1];
    int64_t *out = (int64_t *)chert_function_result(call, sizeof *out, 0);
    atomic_fetch_add(&n_calls, 1);
    for (int64_t i = 0; out && i < call->rows; i++)
        out[i] = (int64_t)((uint64_t)in[i] + 1);
    return out ? 0 : 1;
}

static void release(void *user_data)
{
    assert_string_equal(user_data, "data");
    atomic_fetch_add(&n_released, 1);
}

static const chert_function PLUS_ONE = {.name = "plus_one",
                                        .arguments = "BIGINT",
                                        .returns = "BIGINT",
                                        .flags = CHERT_FUNCTION_NULL_PROPAGATES,
                                        .evaluate = plus_one};

static void a_function_is_called_in_sql_and_in_dataframes(void **state)
{
    CH_UNUSED(state);
    chert_error err = CHERT_ERROR_INIT;
    chert_session *s = begin(2);
    add(s, PLUS_ONE);
    check(s, "SELECT plus_one(id) AS a, PLUS_ONE(5) AS b, plus_one(NULL) AS c FROM range(2)",
          "a,b,c\n1,6,\n2,6,\n");
    check(s, "SELECT plus_one(x) AS a FROM VALUES (1), (NULL), (CAST(3 AS TINYINT)) t(x)",
          "a\n2\n\n4\n");
    check(s, "SELECT plus_one('41') AS a", "a\n42\n");
    check(s, "SELECT sum(plus_one(id)) AS a FROM range(100000)", "a\n5000050000\n");
    check(s, "SELECT count(*) AS n FROM range(100) WHERE plus_one(id) > 90", "n\n10\n");
    check(s, "SELECT transform(array(1, 2), x -> plus_one(x)) AS a", "a\n\"[2, 3]\"\n");
    check(
        s,
        "SELECT plus_one(a.id) AS x FROM range(3) a JOIN range(5) b ON plus_one(a.id) = b.id ORDER BY x",
        "x\n1\n2\n3\n");
    chert_df *df = chert_range(s, 0, 3, 1, &err);
    chert_df *more =
        chert_df_with_column(df, "next", chert_call("plus_one", chert_col_new("id"), NULL), &err);
    chert_df *kept =
        chert_df_filter(more, chert_col_gt(chert_col_new("next"), chert_lit_int(1)), &err);
    assert_int_equal(chert_df_count(kept, &err), 2);
    assert_no_error(err);
    chert_df_free(kept);
    chert_df_free(more);
    chert_df_free(df);
    chert_session_free(s);
}

static int count_arguments(chert_function_call *call)
{
    int32_t *out = (int32_t *)chert_function_result(call, sizeof *out, 0);
    for (int64_t i = 0; out && i < call->rows; i++)
        out[i] = call->n_args;
    return out ? 0 : 1;
}

static void the_last_registration_of_a_name_counts(void **state)
{
    CH_UNUSED(state);
    chert_session *s = begin(1);
    chert_function f = PLUS_ONE;
    f.user_data = (void *)(uintptr_t) "data";
    f.release = release;
    atomic_store(&n_released, 0);
    add(s, f);
    f.arguments = "INT...";
    f.returns = "INT";
    f.evaluate = count_arguments;
    f.name = "Plus_One";
    add(s, f);
    assert_int_equal(atomic_load(&n_released), 1);
    check(s, "SELECT plus_one(1, 2, 3) AS n", "n\n3\n");
    chert_session_free(s);
    assert_int_equal(atomic_load(&n_released), 2);
}

static int many_types(chert_function_call *call)
{
    /* (STRING, BOOLEAN, DECIMAL(10,2), ARRAY<INT>) -> a text of what is seen */
    const int32_t *offset = (const int32_t *)call->arg[0]->buffers[1];
    const char *text = (const char *)call->arg[0]->buffers[2];
    const uint8_t *bit = (const uint8_t *)call->arg[1]->buffers[1];
    const __int128 *decimal = (const __int128 *)call->arg[2]->buffers[1];
    const int32_t *list = (const int32_t *)call->arg[3]->buffers[1];
    const int32_t *item = (const int32_t *)call->arg[3]->children[0]->buffers[1];
    int32_t *to = (int32_t *)chert_function_result(call, sizeof *to, 100 * call->rows);
    if (!to)
        return 1;
    assert_string_equal(call->arg_schema[0]->format, "u");
    assert_string_equal(call->arg_schema[2]->format, "d:10,2");
    assert_string_equal(call->result_schema->format, "u");
    for (int k = 0; k < call->n_args; k++) {
        assert_int_equal(call->arg[k]->length, call->rows);
        assert_int_equal(call->arg[k]->offset, 0);
    }
    char *out = (char *)(uintptr_t)call->result->buffers[2];
    for (int64_t i = 0; i < call->rows; i++) {
        int sum = 0, n;
        for (int32_t k = list[i]; k < list[i + 1]; k++)
            sum += item[k];
        n = snprintf(out + to[i], 100, "%.*s/%d/%d/%d", (int)(offset[i + 1] - offset[i]),
                     text + offset[i], bit[i >> 3] >> (i & 7) & 1, (int)decimal[i], sum);
        to[i + 1] = to[i] + n;
        if (chert_function_is_null(call->arg[0], i))
            chert_function_set_null(call, i);
    }
    return 0;
}

static void columns_have_the_layouts_that_the_header_says(void **state)
{
    CH_UNUSED(state);
    chert_session *s = begin(1);
    add(s, (chert_function){.name = "seen",
                            .arguments = " string ,BOOLEAN, DECIMAL(10,2), ARRAY<INT>",
                            .returns = "STRING",
                            .evaluate = many_types});
    check(s,
          "SELECT seen(s, s < 'b', 12.5, array(1, 2, 3)) AS x FROM VALUES ('a'), (NULL), "
          "('a text that is longer than a view') t(s)",
          "x\na/1/1250/6\n\na text that is longer than a view/1/1250/6\n");
    check_fails(s, "SELECT seen('a', true, 1, 'x')", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "ARRAY<INT>");
    check_fails(s, "SELECT seen('a')", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "`seen`");
    check_fails(s, "SELECT seen(DISTINCT 'a', true, 1, array(1))",
                "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX", "DISTINCT");
    check_fails(s, "SELECT seen(a => 'a')", "NAMED_PARAMETERS_NOT_SUPPORTED", "seen");
    chert_session_free(s);
}

static int same_type(chert_function_bind *bind)
{
    if (bind->n_args != 1 || strcmp(bind->arg_type[0], "map<int,int>") == 0) {
        snprintf(bind->message, bind->message_bytes, "one argument is wanted, and no map");
        return 7;
    }
    bind->returns = bind->arg_type[0];
    return 0;
}

/* Gives the argument itself. */
static int identity(chert_function_call *call)
{
    *call->result = *call->arg[0];
    call->arg[0]->release = NULL;
    return 0;
}

static void a_bind_says_the_type_and_any_type_goes_in_and_out(void **state)
{
    static const char *const VALUE[] = {"true",
                                        "CAST(1 AS TINYINT)",
                                        "CAST(2 AS SMALLINT)",
                                        "3",
                                        "4L",
                                        "CAST(1.5 AS FLOAT)",
                                        "2.5D",
                                        "CAST(1.25 AS DECIMAL(5,2))",
                                        "CAST('12345678901234567890.5' AS DECIMAL(30,1))",
                                        "'text that is long enough for a buffer'",
                                        "X'0102'",
                                        "DATE'2020-02-29'",
                                        "TIME'12:34:56.5'",
                                        "TIMESTAMP'2020-02-29 01:02:03'",
                                        "TIMESTAMP_NTZ'2020-02-29 01:02:03'",
                                        "INTERVAL '1 02:03:04' DAY TO SECOND",
                                        "INTERVAL '1-2' YEAR TO MONTH",
                                        "make_interval(1, 2, 3, 4)",
                                        "array('a', NULL)",
                                        "map('k', 1)",
                                        "named_struct('a', 1, 'b', array(named_struct('c', 'd')))",
                                        "NULL"};
    CH_UNUSED(state);
    for (int views = 0; views < 2; views++) {
        chert_session *s = begin(2);
        add(s, (chert_function){.name = "same",
                                .bind = same_type,
                                .evaluate = identity,
                                .flags = views ? CHERT_FUNCTION_VIEWS : 0});
        for (size_t i = 0; i < sizeof VALUE / sizeof *VALUE; i++) {
            char sql[600];
            snprintf(sql, sizeof sql,
                     "SELECT same(v) <=> v AND typeof(same(v)) = typeof(v) AS x FROM "
                     "(SELECT IF(id %% 3 = 0, NULL, %s) AS v FROM range(3))",
                     VALUE[i]);
            if (strncmp(VALUE[i], "map", 3) == 0) /* which cannot be compared */
                snprintf(sql, sizeof sql,
                         "SELECT (size(same(v)) <=> size(v)) AS x FROM (SELECT IF(id %% 3 = 0, "
                         "NULL, %s) AS v FROM range(3))",
                         VALUE[i]);
            if (strcmp(VALUE[i], "make_interval(1, 2, 3, 4)") == 0)
                snprintf(sql, sizeof sql,
                         "SELECT CAST(same(v) AS STRING) <=> CAST(v AS STRING) AS x FROM (SELECT "
                         "IF(id %% 3 = 0, NULL, %s) AS v FROM range(3))",
                         VALUE[i]);
            check(s, sql, "x\ntrue\ntrue\ntrue\n");
        }
        check_fails(s, "SELECT same(1, 2)", "FAILED_EXECUTE_UDF", "one argument is wanted");
        check_fails(s, "SELECT same(map(1, 1))", "FAILED_EXECUTE_UDF", "no map");
        chert_session_free(s);
    }
}

static void any_number_of_arguments_can_be_asked_for(void **state)
{
    CH_UNUSED(state);
    chert_session *s = begin(1);
    chert_function f = {.name = "n_args", .returns = "INT", .evaluate = count_arguments};
    add(s, f);
    check(s, "SELECT n_args() AS a, n_args(1, 'x', NULL) AS b, n_args(id) AS c FROM range(2)",
          "a,b,c\n0,3,1\n0,3,1\n");
    f.name = "n_more";
    f.arguments = "STRING, ANY, INT...";
    add(s, f);
    check(s, "SELECT n_more(1, array(1)) AS a, n_more('a', 1, 2, 3) AS b", "a,b\n2,4\n");
    check_fails(s, "SELECT n_more(1)", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION", "n_more");
    check_fails(s, "SELECT n_more(1, 2, array(3))", "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
                "INT");
    chert_session_free(s);
}

/* Every call of one state is of one thread. */
typedef struct counter {
    _Atomic int inside;
} counter;

static int open_counter(void *user_data, void **state, char *message, size_t message_bytes)
{
    CH_UNUSED(user_data);
    CH_UNUSED(message);
    CH_UNUSED(message_bytes);
    atomic_fetch_add(&n_opened, 1);
    *state = calloc(1, sizeof(counter));
    return *state ? 0 : 1;
}

static void close_counter(void *user_data, void *state)
{
    CH_UNUSED(user_data);
    atomic_fetch_add(&n_closed, 1);
    free(state);
}

static _Atomic int alone;

static int with_state(chert_function_call *call)
{
    counter *c = call->state;
    if (atomic_fetch_add(&c->inside, 1) != 0 || atomic_fetch_add(&alone, 1) != 0)
        return 1;
    int code = plus_one(call);
    atomic_fetch_sub(&alone, 1);
    atomic_fetch_sub(&c->inside, 1);
    return code;
}

static void a_state_is_of_one_thread_and_a_shy_function_is_called_by_one_at_a_time(void **state)
{
    CH_UNUSED(state);
    chert_session *s = begin(4);
    chert_function f = PLUS_ONE;
    f.name = "shy";
    f.flags |= CHERT_FUNCTION_ONE_THREAD;
    f.evaluate = with_state;
    f.open = open_counter;
    f.close = close_counter;
    add(s, f);
    atomic_store(&n_opened, 0);
    atomic_store(&n_closed, 0);
    check(s, "SELECT sum(shy(id)) AS a FROM range(1000000)", "a\n500000500000\n");
    assert_true(atomic_load(&n_opened) > 0);
    assert_int_equal(atomic_load(&n_opened), atomic_load(&n_closed));
    chert_session_free(s);
}

static void constants_are_folded_unless_the_function_is_not_deterministic(void **state)
{
    CH_UNUSED(state);
    chert_session *s = begin(1);
    add(s, PLUS_ONE);
    atomic_store(&n_calls, 0);
    check(s, "SELECT count(plus_one(1)) AS a FROM range(100000)", "a\n100000\n");
    assert_true(atomic_load(&n_calls) <= 2);
    chert_function f = PLUS_ONE;
    f.name = "random_one";
    f.flags |= CHERT_FUNCTION_NONDETERMINISTIC;
    add(s, f);
    atomic_store(&n_calls, 0);
    check(s, "SELECT count(random_one(1)) AS a FROM range(100000)", "a\n100000\n");
    assert_true(atomic_load(&n_calls) > 2);
    chert_session_free(s);
}

/* ---- what does not ------------------------------------------------------------------------- */

typedef struct fault {
    const char *returns;
    int (*evaluate)(chert_function_call *call);
    const char *part;
    uint32_t flags;
} fault;

static int says_why(chert_function_call *call)
{
    snprintf(call->message, call->message_bytes, "the \xff moon is %d%%s", 50);
    return 3;
}

static int says_nothing(chert_function_call *call)
{
    CH_UNUSED(call);
    return 42;
}

static int gives_nothing(chert_function_call *call)
{
    CH_UNUSED(call);
    return 0;
}

static int fails_and_gives(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    return 1;
}

static int too_short(chert_function_call *call)
{
    if (!chert_function_result(call, 8, 0))
        return 1;
    call->result->length--;
    return 0;
}

static int negative(chert_function_call *call)
{
    (void)too_short(call);
    call->result->length = call->rows;
    call->result->offset = -1;
    return 0;
}

static int no_data(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    call->result->buffers[1] = NULL;
    return 0;
}

static int few_buffers(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    call->result->n_buffers = 1;
    return 0;
}

static int no_bitmap(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    call->result->buffers[0] = NULL;
    call->result->null_count = 1;
    return 0;
}

static int crooked(chert_function_call *call)
{
    char *data = chert_function_result(call, 16, 0);
    call->result->buffers[1] = data + 3;
    return 0;
}

static int bad_offsets(chert_function_call *call)
{
    int32_t *offset = chert_function_result(call, 4, 64);
    offset[0] = 5;
    offset[1] = 3;
    return 0;
}

static int no_text(chert_function_call *call)
{
    int32_t *offset = chert_function_result(call, 4, 64);
    for (int64_t i = 0; i <= call->rows; i++)
        offset[i] = (int32_t)i;
    call->result->buffers[2] = NULL;
    return 0;
}

static int wild_views(chert_function_call *call)
{
    int32_t *view = chert_function_result(call, 16, 64);
    for (int64_t i = 0; i < call->rows; i++)
        view[4 * i] = 1000; /* bytes of buffer 0, which is not there */
    return 0;
}

static int huge_decimals(chert_function_call *call)
{
    __int128 *v = chert_function_result(call, 16, 0);
    for (int64_t i = 0; i < call->rows; i++)
        v[i] = (__int128)1 << 100;
    return 0;
}

static int some_nulls(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    chert_function_set_null(call, 0);
    return 0;
}

static int no_children(chert_function_call *call)
{
    (void)chert_function_result(call, 4, 0);
    return 0;
}

static void release_schema(struct ArrowSchema *schema)
{
    schema->release = NULL;
}

static int other_type(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    *call->result_given =
        (struct ArrowSchema){.format = "g", .name = "", .release = release_schema};
    return 0;
}

static int no_type(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    *call->result_given = (struct ArrowSchema){.format = "??", .release = release_schema};
    return 0;
}

static int half_type(chert_function_call *call)
{
    (void)chert_function_result(call, 8, 0);
    *call->result_given = (struct ArrowSchema){.n_children = 2, .release = release_schema};
    return 0;
}

static void what_is_wrong_is_told_and_nothing_breaks(void **state)
{
    static const fault FAULT[] = {
        {"BIGINT", says_why, "the ? moon is 50%s", 0},
        {"BIGINT", says_nothing, "the code 42", 0},
        {"BIGINT", gives_nothing, "no array", 0},
        {"BIGINT", fails_and_gives, "the code 1", 0},
        {"BIGINT", too_short, "rows for", 0},
        {"BIGINT", negative, "bad length or offset", 0},
        {"BIGINT", no_data, "data buffer is missing", 0},
        {"BIGINT", few_buffers, "too few buffers", 0},
        {"BIGINT", no_bitmap, "no validity bitmap", 0},
        {"BIGINT", crooked, "not aligned", 0},
        {"STRING", bad_offsets, "out of order", 0},
        {"STRING", no_text, "text is missing", 0},
        {"STRING", wild_views, "outside of its text", CHERT_FUNCTION_VIEWS},
        {"DECIMAL(20,2)", huge_decimals, "more digits", 0},
        {"BIGINT", some_nulls, "never does", CHERT_FUNCTION_NEVER_NULL},
        {"ARRAY<INT>", no_children, "other children", 0},
        {"STRUCT<a: INT, b: STRING>", no_children, "other children", 0},
        {"MAP<INT, INT>", no_children, "other children", 0},
        {"BIGINT", other_type, "DOUBLE", 0},
        {"BIGINT", no_type, "another type", 0},
        {"BIGINT", half_type, "not complete", 0},
    };
    CH_UNUSED(state);
    chert_session *s = begin(2);
    for (size_t i = 0; i < sizeof FAULT / sizeof *FAULT; i++) {
        add(s, (chert_function){.name = "faulty",
                                .arguments = "BIGINT",
                                .returns = FAULT[i].returns,
                                .flags = FAULT[i].flags,
                                .evaluate = FAULT[i].evaluate});
        check_fails(s, "SELECT faulty(id) FROM range(3)", "FAILED_EXECUTE_UDF", FAULT[i].part);
        check_fails(s, "SELECT faulty(1)", "FAILED_EXECUTE_UDF", "`faulty` (BIGINT)");
    }
    /* Where it is not reached it cannot fail. */
    check(s, "SELECT CASE WHEN id < 5 THEN 1 ELSE faulty(id) END AS a FROM range(2)", "a\n1\n1\n");
    chert_session_free(s);
}

static int millis(chert_function_call *call)
{
    const int64_t *in = call->arg[0]->buffers[1];
    int64_t *v = chert_function_result(call, 8, 0);
    for (int64_t i = 0; v && i < call->rows; i++)
        v[i] = 1000 * in[i];
    *call->result_given =
        (struct ArrowSchema){.format = "tsm:UTC", .name = "", .release = release_schema};
    return v ? 0 : 1;
}

static void another_layout_of_the_type_is_welcome(void **state)
{
    CH_UNUSED(state);
    chert_session *s = begin(1);
    add(s,
        (chert_function){
            .name = "moment", .arguments = "BIGINT", .returns = "TIMESTAMP", .evaluate = millis});
    check(s, "SELECT unix_seconds(moment(id)) AS a FROM range(3)", "a\n0\n1\n2\n");
    chert_session_free(s);
}

static void wrong_descriptions_are_refused(void **state)
{
    static const struct {
        chert_function f;
        const char *part;
    } WRONG[] = {
        {{.name = "f", .returns = "INT"}, "no evaluate"},
        {{.name = "f", .evaluate = plus_one}, "either"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT", .bind = same_type}, "either"},
        {{.name = "f", .evaluate = plus_one, .returns = "INTT"}, "INTT"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT, INT"}, "INT, INT"},
        {{.name = "f", .evaluate = plus_one, .returns = "VARCHAR(3)"}, "VARCHAR(3)"},
        {{.name = "f", .evaluate = plus_one, .returns = "ANY"}, "ANY"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT", .arguments = "INT,"}, "INT,"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT", .arguments = "INT INT"}, "behind"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT", .arguments = "INT..., INT"},
         "behind"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT", .flags = 1U << 30}, "flag"},
        {{.name = "f", .evaluate = plus_one, .returns = "INT", .open = open_counter}, "no close"},
    };
    CH_UNUSED(state);
    chert_session *s = begin(1);
    chert_error err = CHERT_ERROR_INIT;
    atomic_store(&n_released, 0);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        chert_function f = WRONG[i].f;
        f.struct_bytes = sizeof f;
        f.user_data = (void *)(uintptr_t) "data";
        f.release = release;
        assert_int_not_equal(chert_session_register_function(s, &f, &err), 0);
        assert_string_equal(err.error_class, "INVALID_UDF_IMPLEMENTATION");
        if (!strstr(err.message, WRONG[i].part))
            fail_msg("\"%s\" is not in \"%s\"", WRONG[i].part, err.message);
        chert_error_free(&err);
        assert_int_equal(atomic_load(&n_released), (int)i + 1);
    }
    chert_function f = PLUS_ONE;
    assert_int_not_equal(chert_session_register_function(s, &f, &err), 0); /* struct_bytes is 0 */
    chert_error_free(&err);
    assert_int_not_equal(chert_session_register_function(s, NULL, &err), 0);
    chert_error_free(&err);
    chert_session_free(s);
}

static int lots(chert_function_call *call)
{
    void *all = chert_function_result(call, 1024, 0);
    call->result->n_buffers = 2;
    return all ? 0 : 1;
}

static void what_a_function_gives_is_charged_to_the_query(void **state)
{
    CH_UNUSED(state);
    chert_options options = CHERT_OPTIONS_INIT;
    options.threads = 1;
    options.memory_bytes = 64 << 20;
    chert_session *s = chert_session_new(&options, NULL);
    add(s, (chert_function){
               .name = "lots", .arguments = "ANY", .returns = "BIGINT", .evaluate = lots});
    int64_t before = chert_session_peak_bytes(s);
    check(s, "SELECT count(lots(id)) AS n FROM range(100000)", "n\n100000\n");
    assert_true(chert_session_peak_bytes(s) > before);
    chert_session_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_called_in_sql_and_in_dataframes),
        cmocka_unit_test(the_last_registration_of_a_name_counts),
        cmocka_unit_test(columns_have_the_layouts_that_the_header_says),
        cmocka_unit_test(a_bind_says_the_type_and_any_type_goes_in_and_out),
        cmocka_unit_test(any_number_of_arguments_can_be_asked_for),
        cmocka_unit_test(a_state_is_of_one_thread_and_a_shy_function_is_called_by_one_at_a_time),
        cmocka_unit_test(constants_are_folded_unless_the_function_is_not_deterministic),
        cmocka_unit_test(what_is_wrong_is_told_and_nothing_breaks),
        cmocka_unit_test(another_layout_of_the_type_is_welcome),
        cmocka_unit_test(wrong_descriptions_are_refused),
        cmocka_unit_test(what_a_function_gives_is_charged_to_the_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
