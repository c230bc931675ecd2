/* SPDX-License-Identifier: Apache-2.0 */
/* Type strings both ways; what is expected here was asked of Spark 4.3. */
#include "type/type.h"
#include "unit.h"

#include <string.h>

typedef struct sample {
    const char *text, *plain, *sql;
} sample;

static void types_read_and_print_as_in_spark(void **state)
{
    static const sample samples[] = {
        {"boolean", "boolean", "BOOLEAN"},
        {"byte", "tinyint", "TINYINT"},
        {"short", "smallint", "SMALLINT"},
        {"INTEGER", "int", "INT"},
        {"long", "bigint", "BIGINT"},
        {"real", "float", "FLOAT"},
        {"double", "double", "DOUBLE"},
        {"  date ", "date", "DATE"},
        {"time", "time(6)", "TIME(6)"},
        {"time(0)", "time(0)", "TIME(0)"},
        {"time without time zone", "time(6)", "TIME(6)"},
        {"timestamp", "timestamp", "TIMESTAMP"},
        {"timestamp_ltz", "timestamp", "TIMESTAMP"},
        {"timestamp with local time zone", "timestamp", "TIMESTAMP"},
        {"timestamp_ntz(6)", "timestamp_ntz", "TIMESTAMP_NTZ"},
        {"timestamp without time zone", "timestamp_ntz", "TIMESTAMP_NTZ"},
        {"string", "string", "STRING"},
        {"STRING COLLATE utf8_lcase", "string collate UTF8_LCASE", "STRING COLLATE UTF8_LCASE"},
        {"string collate utf8_binary", "string", "STRING"},
        {"character(5)", "char(5)", "CHAR(5)"},
        {"varchar(7)", "varchar(7)", "VARCHAR(7)"},
        {"binary", "binary", "BINARY"},
        {"dec", "decimal(10,0)", "DECIMAL(10,0)"},
        {"numeric(5)", "decimal(5,0)", "DECIMAL(5,0)"},
        {"decimal(10 , 2)", "decimal(10,2)", "DECIMAL(10,2)"},
        {"void", "void", "VOID"},
        {"interval", "interval", "INTERVAL"},
        {"interval year", "interval year", "INTERVAL YEAR"},
        {"interval year to month", "interval year to month", "INTERVAL YEAR TO MONTH"},
        {"interval minute to second", "interval minute to second", "INTERVAL MINUTE TO SECOND"},
        {"interval day", "interval day", "INTERVAL DAY"},
        {"variant", "variant", "VARIANT"},
        {"map<string,array<int>>", "map<string,array<int>>", "MAP<STRING, ARRAY<INT>>"},
        {"struct<>", "struct<>", "STRUCT<>"},
        {"struct<a int, b: string not null comment 'it''s'>", "struct<a:int,b:string>",
         "STRUCT<a: INT, b: STRING NOT NULL COMMENT 'it\\'s'>"},
        {"struct<a:int comment \"d\\nq\">", "struct<a:int>", "STRUCT<a: INT COMMENT 'd\nq'>"},
        {"struct<`a b`:int,`c``d`: struct<x:int>>", "struct<a b:int,c`d:struct<x:int>>",
         "STRUCT<`a b`: INT, `c``d`: STRUCT<x: INT>>"},
        {"STRUCT<A: INT NOT NULL, b:array<struct<c:map<int,decimal(10,2)>>>>",
         "struct<A:int,b:array<struct<c:map<int,decimal(10,2)>>>>",
         "STRUCT<A: INT NOT NULL, b: ARRAY<STRUCT<c: MAP<INT, DECIMAL(10,2)>>>>"},
        {"struct<1a:int,select:int,A:int,a:int>", "struct<1a:int,select:int,A:int,a:int>",
         "STRUCT<`1a`: INT, select: INT, A: INT, a: INT>"},
        {"/* c */ int -- d", "int", "INT"},
    };
    UNIT_BEGIN(state);
    ch_buf out;
    ch_buf_init(&out, mem);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const ch_type *type, *again;
        assert_ok(ch_type_parse(samples[i].text, &type, &err));
        ch_buf_reset(&out);
        assert_ok(ch_type_print(type, &out, &err));
        assert_string_equal(out.data, samples[i].plain);
        ch_buf_reset(&out);
        assert_ok(ch_type_print_sql(type, &out, &err));
        assert_string_equal(out.data, samples[i].sql);
        assert_ok(ch_type_parse(samples[i].sql, &again, &err));
        assert_ptr_equal(again, type);
    }
    ch_buf_release(&out);
    UNIT_END();
}

static void schemas_are_structs(void **state)
{
    static const sample samples[] = {
        {"a INT, b STRING NOT NULL", NULL, "STRUCT<a: INT, b: STRING NOT NULL>"},
        {"a INT COMMENT 'x', `b c` array<int>", NULL,
         "STRUCT<a: INT COMMENT 'x', `b c`: ARRAY<INT>>"},
        {"a int not null comment 'x'", NULL, "STRUCT<a: INT NOT NULL COMMENT 'x'>"},
        {"a interval day to second, b timestamp_ltz", NULL,
         "STRUCT<a: INTERVAL DAY TO SECOND, b: TIMESTAMP>"},
        {"select int, from string", NULL, "STRUCT<select: INT, from: STRING>"},
        {"`` int", NULL, "STRUCT<``: INT>"},
    };
    UNIT_BEGIN(state);
    ch_buf out;
    ch_buf_init(&out, mem);
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        const ch_type *type;
        assert_ok(ch_type_parse_ddl(samples[i].text, &type, &err));
        ch_buf_reset(&out);
        assert_ok(ch_type_print_sql(type, &out, &err));
        assert_string_equal(out.data, samples[i].sql);
    }
    ch_buf_release(&out);
    UNIT_END();
}

typedef struct mistake {
    const char *text;
    ch_status code;
    const char *param; /* value of the first parameter, NULL: not looked at */
    int column;        /* 1-based */
} mistake;

static void mistakes_are_reported_as_spark_does(void **state)
{
    static const mistake types[] = {
        {"", CH_E_PARSE_EMPTY_STATEMENT, NULL, 0},
        {"foo", CH_E_UNSUPPORTED_DATATYPE, "\"FOO\"", 1},
        {"foo(3)", CH_E_UNSUPPORTED_DATATYPE, "\"FOO(3)\"", 1},
        {"string(3)", CH_E_UNSUPPORTED_DATATYPE, "\"STRING(3)\"", 1},
        {"null", CH_E_UNSUPPORTED_DATATYPE, "\"NULL\"", 1},
        {"char", CH_E_DATATYPE_MISSING_SIZE, "\"CHAR\"", 1},
        {"decimal(5,-2)", CH_E_PARSE_SYNTAX_ERROR, "'-'", 11},
        {"decimal()", CH_E_PARSE_SYNTAX_ERROR, "')'", 9},
        {"decimal(40,2)", CH_E_DECIMAL_PRECISION, "40", 1},
        {"decimal(5,7)", CH_E_DECIMAL_SCALE, "7", 1},
        {"interval month to year", CH_E_PARSE_SYNTAX_ERROR, "'to'", 16},
        {"array", CH_E_INCOMPLETE_ARRAY, "<INT>", 1},
        {"array<>", CH_E_PARSE_SYNTAX_ERROR, "'<>'", 6},
        {"array<int", CH_E_PARSE_SYNTAX_ERROR, "'<'", 6},
        {"map<string>", CH_E_PARSE_SYNTAX_ERROR, "'<'", 4},
        {"struct<a.b:int>", CH_E_PARSE_SYNTAX_ERROR, "'<'", 7},
        {"struct<a-b:int>", CH_E_INVALID_IDENTIFIER, "a-b", 8},
        {"int int", CH_E_PARSE_SYNTAX_ERROR, "'int'", 5},
        {"timestamp(3)", CH_E_INVALID_PRECISION, NULL, 1},
        {"string collate foo", CH_E_COLLATION_INVALID_NAME, "foo", 16},
        {"`int", CH_E_PARSE_SYNTAX_ERROR, NULL, 1},
        {"struct<a:int comment 'x", CH_E_PARSE_SYNTAX_ERROR, NULL, 7},
    };
    static const mistake schemas[] = {
        {"a: int", CH_E_PARSE_SYNTAX_ERROR, "':'", 2},
        {"a", CH_E_PARSE_SYNTAX_ERROR, "end of input", 2},
        {"a int,", CH_E_PARSE_SYNTAX_ERROR, "end of input", 7},
        {"a int b int", CH_E_PARSE_SYNTAX_ERROR, "'b'", 7},
        {"a int not null not null", CH_E_PARSE_SYNTAX_ERROR, "'not'", 16},
        {"a int comment 'x' not null", CH_E_PARSE_SYNTAX_ERROR, "'not'", 19},
    };
    UNIT_BEGIN(state);
    for (size_t i = 0; i < sizeof types / sizeof *types + sizeof schemas / sizeof *schemas; i++) {
        bool ddl = i >= sizeof types / sizeof *types;
        const mistake *m = ddl ? &schemas[i - sizeof types / sizeof *types] : &types[i];
        const ch_type *type;
        ch_status status =
            ddl ? ch_type_parse_ddl(m->text, &type, &err) : ch_type_parse(m->text, &type, &err);
        if (status != m->code)
            fail_msg("%s: %s", m->text, ch_status_class(status));
        assert_null(type);
        if (m->param)
            assert_string_equal(err.param[0].value, m->param);
        if (m->column)
            assert_int_equal(err.column, m->column);
        ch_error_release(&err);
    }
    UNIT_END();
}

static void a_type_within_sql_ends_where_it_ends(void **state)
{
    UNIT_BEGIN(state);
    const char *sql = "SELECT CAST(x AS array<decimal(4, 1)>) FROM t";
    const ch_type *type;
    int32_t stop;
    assert_ok(ch_type_parse_prefix(sql, 17, &stop, &type, &err));
    assert_ptr_equal(type, ch_type_array(ch_type_decimal(4, 1), true));
    assert_int_equal(stop, strlen("SELECT CAST(x AS array<decimal(4, 1)>"));
    assert_fails(UNSUPPORTED_DATATYPE, ch_type_parse_prefix("x::nope", 3, &stop, &type, &err));
    UNIT_END();
}

static void deep_nesting_is_refused_politely(void **state)
{
    UNIT_BEGIN(state);
    char text[7000] = "";
    for (int i = 0; i < 1000; i++)
        memcpy(text + 6 * i, "array<", 7);
    const ch_type *type;
    assert_fails(UNSUPPORTED, ch_type_parse(text, &type, &err));
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_read_and_print_as_in_spark),
        cmocka_unit_test(schemas_are_structs),
        cmocka_unit_test(mistakes_are_reported_as_spark_does),
        cmocka_unit_test(a_type_within_sql_ends_where_it_ends),
        cmocka_unit_test(deep_nesting_is_refused_politely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
