/* SPDX-License-Identifier: Apache-2.0 */
/* Tables and text of values; the expected text was printed by Spark 4.3. */
#include "column/format_value.h"
#include "column/printer.h"
#include "column/show.h"
#include "unit.h"

/* clang-format off */
#define N(x) {.v.i64 = (x)}
#define D(x) {.v.f64 = (x)}
#define S(x) {.v.str = {x, sizeof(x) - 1}}
#define NULL_VALUE {.is_null = true}
/* clang-format on */

/* A batch of n rows; value[c * n + i] is row i of column c. */
static void make_batch(ch_batch *b, ch_mem *mem, const ch_type *schema, ch_scalar *value, int64_t n)
{
    ch_error err = {0};
    assert_ok(ch_batch_init(b, mem, schema->n_fields, n, &err));
    for (int32_t c = 0; c < schema->n_fields; c++) {
        const ch_scalar *p[16];
        for (int64_t i = 0; i < n; i++) {
            value[c * n + i].type = schema->field[c].type;
            p[i] = &value[c * n + i];
        }
        assert_ok(ch_column_scalars(mem, schema->field[c].type, p, n, &b->col[c], &err));
    }
}

static const ch_type *schema_of(const char *ddl)
{
    const ch_type *type;
    ch_error err = {0};
    assert_ok(ch_type_parse_ddl(ddl, &type, &err));
    return type;
}

static void check_show(ch_mem *mem, const char *ddl, ch_scalar *value, int64_t n,
                       ch_show_options options, const char *want)
{
    ch_error err = {0};
    ch_batch b;
    ch_buf out;
    const ch_type *schema = schema_of(ddl);
    make_batch(&b, mem, schema, value, n);
    ch_buf_init(&out, mem);
    options.zone = &ch_zone_utc;
    assert_ok(ch_show(schema, &b, 1, &options, &out, &err));
    assert_string_equal(out.data, want);
    ch_buf_release(&out);
    ch_batch_release(&b);
}

static void tables_are_those_of_show(void **state)
{
    UNIT_BEGIN(state);
    ch_scalar rows[] = {N(1),   N(20),      NULL_VALUE,
                        S("x"), NULL_VALUE, S("a longer string, really"),
                        D(1.5), NULL_VALUE, D(-0.0)};
    check_show(mem, "id int, name string, value double", rows, 3,
               (ch_show_options){.n_rows = 20, .truncate = 20},
               "+----+--------------------+-----+\n"
               "|  id|                name|value|\n"
               "+----+--------------------+-----+\n"
               "|   1|                   x|  1.5|\n"
               "|  20|                NULL| NULL|\n"
               "|NULL|a longer string, ...| -0.0|\n"
               "+----+--------------------+-----+\n\n");
    check_show(mem, "id int, name string, value double", rows, 3, (ch_show_options){.n_rows = 1},
               "+---+----+-----+\n"
               "|id |name|value|\n"
               "+---+----+-----+\n"
               "|1  |x   |1.5  |\n"
               "+---+----+-----+\n"
               "only showing top 1 row\n");
    check_show(mem, "id int, name string, value double", rows, 3,
               (ch_show_options){.n_rows = 2, .truncate = 20, .vertical = true},
               "-RECORD 0-----\n"
               " id    | 1    \n"
               " name  | x    \n"
               " value | 1.5  \n"
               "-RECORD 1-----\n"
               " id    | 20   \n"
               " name  | NULL \n"
               " value | NULL \n"
               "only showing top 2 rows\n");
    check_show(mem, "a int", rows, 0, (ch_show_options){.n_rows = 20, .truncate = 20},
               "+---+\n|  a|\n+---+\n+---+\n\n");
    check_show(mem, "a int", rows, 0, (ch_show_options){.n_rows = 20, .vertical = true},
               "(0 rows)\n");
    check_show(mem, "a int", rows, 2, (ch_show_options){.n_rows = 0, .truncate = 20},
               "+---+\n|  a|\n+---+\n+---+\nonly showing top 0 rows\n");
    UNIT_END();
}

static void widths_count_as_java_does(void **state)
{
    UNIT_BEGIN(state);
    ch_scalar wide[] = {S("東京東京東京"), S("😀😀😀😀😀😀")};
    check_show(mem, "a string, b string", wide, 1, (ch_show_options){.n_rows = 20, .truncate = 5},
               "+-------+-----+\n"
               "|      a|    b|\n"
               "+-------+-----+\n"
               "|東京...|😀...|\n"
               "+-------+-----+\n\n");
    ch_scalar odd[] = {S("😀😀😀😀😀😀"), S("two\nlines"),
                       S("x\xff"
                         "A"),
                       S("\xed\xa0\x80\xc0\x80")};
    check_show(mem, "`a\tb` string, b string, c string, d string", odd, 1,
               (ch_show_options){.n_rows = 20, .truncate = 6},
               "+------+------+---+---+\n"
               "|  a\\tb|     b|  c|  d|\n"
               "+------+------+---+---+\n"
               "|😀?...|two...|x\uFFFDA|\uFFFD\uFFFD\uFFFD|\n"
               "+------+------+---+---+\n\n");
    UNIT_END();
}

static ch_scalar list(ch_scalar *item, int64_t n)
{
    return (ch_scalar){.v.list = {item, n}};
}

static void set_types(ch_scalar *s, const ch_type *type)
{
    s->type = type;
    if (s->is_null || !ch_type_is_nested(type))
        return;
    for (int64_t i = 0; i < s->v.list.n; i++)
        set_types((ch_scalar *)(uintptr_t)&s->v.list.item[i], type->field[i % type->n_fields].type);
}

static void check_value(ch_mem *mem, const char *type, ch_scalar value, const char *cast,
                        const char *pretty, const char *json)
{
    ch_error err = {0};
    ch_buf out;
    ch_buf_init(&out, mem);
    const char *want[] = {cast, pretty, json};
    const ch_type *t;
    assert_ok(ch_type_parse(type, &t, &err));
    set_types(&value, t);
    ch_column *c;
    assert_ok(ch_column_const(mem, &value, 3, &c, &err));
    for (int style = 0; style < 3; style++) {
        ch_value_format f = {.style = (ch_value_style)style, .ansi = true, .zone = &ch_zone_utc};
        ch_buf_reset(&out);
        assert_ok(ch_format_value(&f, c, 2, &out, &err));
        assert_string_equal(out.data, want[style]);
    }
    ch_column_unref(c);
    ch_buf_release(&out);
}

static void values_print_in_three_styles(void **state)
{
    UNIT_BEGIN(state);
    check_value(mem, "int", (ch_scalar)NULL_VALUE, "NULL", "NULL", "null");
    check_value(mem, "boolean", (ch_scalar){.v.boolean = true}, "true", "true", "true");
    check_value(mem, "double", (ch_scalar)D(1e10), "1.0E10", "1.0E10", "1.0E10");
    check_value(mem, "decimal(10,8)", (ch_scalar)N(1), "0.00000001", "0.00000001", "1E-8");
    check_value(mem, "string", (ch_scalar)S("a\"\n\x01"), "a\"\n\x01", "a\"\n\x01",
                "\"a\\\"\\n\\u0001\"");
    check_value(mem, "binary", (ch_scalar)S("abcd"), "abcd", "[61 62 63 64]", "\"YWJjZA==\"");
    check_value(mem, "date", (ch_scalar)N(17913), "2019-01-17", "2019-01-17", "\"2019-01-17\"");
    check_value(mem, "timestamp", (ch_scalar)N(1577836800123456), "2020-01-01 00:00:00.123456",
                "2020-01-01 00:00:00.123456", "\"2020-01-01T00:00:00.123Z\"");
    check_value(mem, "interval day", (ch_scalar)N(86400000000), "INTERVAL '1' DAY",
                "INTERVAL '1' DAY", "\"INTERVAL '1' DAY\"");
    ch_scalar ints[] = {N(1), NULL_VALUE, N(3)};
    check_value(mem, "array<int>", list(ints, 3), "[1, null, 3]", "[1, NULL, 3]", "[1,null,3]");
    ch_scalar entries[] = {S("a"), N(1), S("b"), NULL_VALUE};
    check_value(mem, "map<string,int>", list(entries, 4), "{a -> 1, b -> null}",
                "{a -> 1, b -> NULL}", "{\"a\":1,\"b\":null}");
    ch_scalar days[] = {N(18262), S("x")};
    check_value(mem, "map<date,string>", list(days, 2), "{2020-01-01 -> x}", "{2020-01-01 -> x}",
                "{\"18262\":\"x\"}");
    ch_scalar inner[] = {N(150)}, fields[] = {N(1), NULL_VALUE, S("x y"), list(inner, 1)};
    check_value(mem, "struct<a:int,b:string,c:string,d:struct<e:decimal(4,2)>>", list(fields, 4),
                "{1, null, x y, {1.50}}", "{1, NULL, x y, {1.50}}",
                "{\"a\":1,\"c\":\"x y\",\"d\":{\"e\":1.50}}");
    UNIT_END();
}

static void check_printer(ch_mem *mem, const char *name, const char *want)
{
    ch_error err = {0};
    ch_scalar rows[] = {N(1), NULL_VALUE, S("a|b"), S("say \"x\",\nplease"), S(""), NULL_VALUE};
    const ch_type *schema = schema_of("n int, `a,b` string, c string");
    const ch_printer *p = ch_printer_find(name);
    ch_batch b;
    ch_buf out;
    make_batch(&b, mem, schema, rows, 2);
    ch_buf_init(&out, mem);
    assert_ok(p->head(schema, &out, &err));
    assert_ok(p->batch(schema, &ch_zone_utc, &b, &out, &err));
    assert_ok(p->tail(schema, &out, &err));
    assert_string_equal(out.data, want);
    ch_buf_release(&out);
    ch_batch_release(&b);
}

static void streams_print_as_csv_json_and_markdown(void **state)
{
    UNIT_BEGIN(state);
    check_printer(mem, "csv", "n,\"a,b\",c\n1,a|b,\"\"\n,\"say \"\"x\"\",\nplease\",\n");
    check_printer(mem, "json",
                  "{\"n\":1,\"a,b\":\"a|b\",\"c\":\"\"}\n"
                  "{\"a,b\":\"say \\\"x\\\",\\nplease\"}\n");
    check_printer(mem, "markdown",
                  "| n | a,b | c |\n| ---: | --- | --- |\n"
                  "| 1 | a\\|b |  |\n| NULL | say \"x\",<br>please | NULL |\n");
    assert_null(ch_printer_find("xml"));
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_those_of_show),
        cmocka_unit_test(widths_count_as_java_does),
        cmocka_unit_test(values_print_in_three_styles),
        cmocka_unit_test(streams_print_as_csv_json_and_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
