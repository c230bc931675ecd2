/* SPDX-License-Identifier: Apache-2.0 */
/* Columns out to Arrow's structs and in again; tests/client/test_arrow.py asks pyarrow as well. */
#include "column/arrow.h"
#include "column/format_value.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define LONG_TEXT "a text that does not fit into a view"

/* Some value of a type, different for each i; every third is NULL. */
static ch_scalar some_value(ch_arena *arena, const ch_type *type, int64_t i)
{
    ch_scalar s = {.type = type, .is_null = i % 3 == 2 || type->id == CH_NULL};
    if (s.is_null)
        return s;
    if (ch_type_is_view(type)) {
        s.v.str.text = i % 2 ? "short" : LONG_TEXT;
        s.v.str.len = (int64_t)strlen(s.v.str.text) - i % 5;
    } else if (type->id == CH_FLOAT || type->id == CH_DOUBLE) {
        s.v.f64 = (double)i * 0.5;
    } else if (type->id == CH_BOOLEAN) {
        s.v.boolean = i % 4 < 2;
    } else if (type->id == CH_CALENDAR_INTERVAL) {
        s.v.interval = (ch_interval){(int32_t)i, -3, 1000 * i};
    } else if (ch_type_is_wide_decimal(type)) {
        s.v.i128 = (ch_i128)(i - 4) * ((ch_i128)1 << 70);
    } else if (ch_type_is_nested(type)) {
        int64_t n = type->id == CH_STRUCT ? type->n_fields : (i % 4) * type->n_fields;
        ch_scalar *item = ch_arena_alloc(arena, sizeof *item * (size_t)n + 1, NULL);
        for (int64_t k = 0; k < n; k++) {
            const ch_field *f = &type->field[k % type->n_fields];
            item[k] = some_value(arena, f->type, f->nullable ? i + k : 3 * k);
        }
        s.v.list.item = item;
        s.v.list.n = n;
    } else {
        s.v.i64 = i - 4;
    }
    return s;
}

static ch_column *some_column(ch_mem *mem, const ch_type *type, int64_t n)
{
    ch_error err = {0};
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_scalar *s = ch_arena_alloc(&arena, sizeof *s * (size_t)n + 1, NULL);
    const ch_scalar **p = ch_arena_alloc(&arena, sizeof *p * (size_t)n + 1, NULL);
    for (int64_t i = 0; i < n; i++) {
        s[i] = some_value(&arena, type, i);
        p[i] = &s[i];
    }
    ch_column *c;
    assert_ok(ch_column_scalars(mem, type, p, n, &c, &err));
    ch_arena_release(&arena);
    return c;
}

/* Rows [from, from + b->rows) of a are those of b. */
static void check_same(ch_mem *mem, const ch_column *a, int64_t from, const ch_column *b)
{
    ch_error err = {0};
    ch_value_format f = {.style = CH_VALUE_PRETTY, .zone = &ch_zone_utc};
    ch_buf x, y;
    ch_buf_init(&x, mem);
    ch_buf_init(&y, mem);
    assert_ptr_equal(a->type, b->type);
    for (int64_t i = 0; i < b->rows; i++) {
        ch_buf_reset(&x);
        ch_buf_reset(&y);
        assert_ok(ch_format_value(&f, a, from + i, &x, &err));
        assert_ok(ch_format_value(&f, b, i, &y, &err));
        assert_string_equal(x.data, y.data);
    }
    ch_buf_release(&x);
    ch_buf_release(&y);
}

static const char *const TYPES[] = {"void",
                                    "boolean",
                                    "tinyint",
                                    "smallint",
                                    "int",
                                    "bigint",
                                    "float",
                                    "double",
                                    "decimal(10,2)",
                                    "decimal(38,5)",
                                    "string",
                                    "binary",
                                    "date",
                                    "time(6)",
                                    "timestamp",
                                    "timestamp_ntz",
                                    "interval day to second",
                                    "interval year to month",
                                    "interval",
                                    "array<int>",
                                    "array<string>",
                                    "map<string,int>",
                                    "struct<a:int,b:string>",
                                    "struct<>",
                                    "array<struct<x:decimal(4,1),y:array<boolean>>>",
                                    "map<int,array<map<int,string>>>"};
#define N_TYPES (int)(sizeof TYPES / sizeof *TYPES)

static void every_type_goes_out_and_in(void **state)
{
    UNIT_BEGIN(state);
    for (int t = 0; t < N_TYPES * 2; t++) {
        ch_arrow_options options = {.classic = t >= N_TYPES};
        const ch_type *type, *again;
        assert_ok(ch_type_parse(TYPES[t % N_TYPES], &type, &err));
        for (int64_t n = 0; n < 140; n += 69) {
            struct ArrowSchema schema;
            struct ArrowArray array;
            ch_column *in = some_column(mem, type, n), *out;
            assert_ok(ch_arrow_export_type(mem, type, "x", true, &options, &schema, &err));
            assert_ok(ch_arrow_export_column(mem, in, &options, &array, &err));
            assert_ok(ch_arrow_import_type(&schema, &again, &err));
            assert_ptr_equal(again, type);
            assert_ok(ch_arrow_import_column(mem, &schema, &array, &out, &err));
            assert_null(array.release);
            assert_int_equal(out->rows, n);
            check_same(mem, in, 0, out);
            ch_column_unref(in);
            ch_column_unref(out);
            schema.release(&schema);
        }
    }
    UNIT_END();
}

static void slices_at_any_offset_come_in(void **state)
{
    UNIT_BEGIN(state);
    for (int t = 0; t < N_TYPES * 2; t++) {
        ch_arrow_options options = {.classic = t >= N_TYPES};
        const ch_type *type;
        assert_ok(ch_type_parse(TYPES[t % N_TYPES], &type, &err));
        ch_column *in = some_column(mem, type, 200), *out;
        static const int64_t offsets[] = {1, 8, 64, 77, 199};
        for (int k = 0; k < 5; k++) {
            struct ArrowSchema schema;
            struct ArrowArray array;
            assert_ok(ch_arrow_export_type(mem, type, "x", true, &options, &schema, &err));
            assert_ok(ch_arrow_export_column(mem, in, &options, &array, &err));
            array.offset = offsets[k];
            array.length = 200 - offsets[k];
            assert_ok(ch_arrow_import_column(mem, &schema, &array, &out, &err));
            check_same(mem, in, offsets[k], out);
            ch_column_unref(out);
            schema.release(&schema);
        }
        ch_column_unref(in);
    }
    UNIT_END();
}

static void flat_columns_leave_without_a_copy(void **state)
{
    UNIT_BEGIN(state);
    ch_column *in = some_column(mem, CH_T_STRING, 100), *out;
    struct ArrowSchema schema;
    struct ArrowArray array;
    assert_ok(ch_arrow_export_type(mem, in->type, "", true, NULL, &schema, &err));
    assert_string_equal(schema.format, "vu");
    assert_ok(ch_arrow_export_column(mem, in, NULL, &array, &err));
    assert_ptr_equal(array.buffers[1], in->data);
    const void *text = in->text[0]->data;
    ch_column_unref(in);
    assert_ok(ch_arrow_import_column(mem, &schema, &array, &out, &err));
    assert_ptr_equal(out->text[0]->data, text);
    schema.release(&schema);
    ch_column_unref(out);
    UNIT_END();
}

static void a_child_may_be_moved_out(void **state)
{
    UNIT_BEGIN(state);
    const ch_type *type;
    assert_ok(ch_type_parse("struct<a:int,b:string>", &type, &err));
    ch_column *in = some_column(mem, type, 10);
    struct ArrowArray array, child;
    assert_ok(ch_arrow_export_column(mem, in, NULL, &array, &err));
    ch_column_unref(in);
    child = *array.children[1];
    array.children[1]->release = NULL;
    array.release(&array);
    assert_int_equal(child.length, 10);
    assert_int_equal(((const ch_view *)child.buffers[1])[0].len, 4);
    child.release(&child);
    UNIT_END();
}

/* ---- arrays made by hand, as other producers make them ------------------------------------ */

static void release_nothing(struct ArrowArray *array)
{
    array->release = NULL;
}

static ch_column *import(ch_mem *mem, struct ArrowSchema schema, struct ArrowArray array)
{
    ch_error err = {0};
    ch_column *out;
    schema.name = "x";
    array.release = release_nothing;
    assert_ok(ch_arrow_import_column(mem, &schema, &array, &out, &err));
    return out;
}

static void check_text(ch_mem *mem, ch_column *c, const char *type, const char *want)
{
    ch_error err = {0};
    ch_buf out;
    ch_value_format f = {.style = CH_VALUE_CAST, .ansi = true, .zone = &ch_zone_utc};
    ch_buf_init(&out, mem);
    assert_ok(ch_type_print(c->type, &out, &err));
    assert_string_equal(out.data, type);
    ch_buf_reset(&out);
    for (int64_t i = 0; i < c->rows; i++) {
        if (i)
            assert_ok(ch_buf_addc(&out, ';', &err));
        assert_ok(ch_format_value(&f, c, i, &out, &err));
    }
    assert_string_equal(out.data, want);
    ch_buf_release(&out);
    ch_column_unref(c);
}

#define PLAIN(fmt, n, data)                       \
    import(                                       \
        mem, (struct ArrowSchema){.format = fmt}, \
        (struct ArrowArray){.length = n, .n_buffers = 2, .buffers = (const void *[]){NULL, data}})

static void foreign_layouts_are_converted(void **state)
{
    UNIT_BEGIN(state);
    check_text(mem, PLAIN("C", 2, ((uint8_t[]){1, 255})), "smallint", "1;255");
    check_text(mem, PLAIN("S", 2, ((uint16_t[]){1, 65535})), "int", "1;65535");
    check_text(mem, PLAIN("I", 1, ((uint32_t[]){4294967295u})), "bigint", "4294967295");
    check_text(mem, PLAIN("L", 1, ((uint64_t[]){UINT64_MAX})), "decimal(20,0)",
               "18446744073709551615");
    check_text(mem, PLAIN("e", 4, ((uint16_t[]){0x3C00, 0xC100, 0x7C00, 0x0001})), "float",
               "1.0;-2.5;Infinity;5.9604645E-8");
    check_text(mem, PLAIN("tdm", 2, ((int64_t[]){86400000, -1})), "date", "1970-01-02;1969-12-31");
    check_text(mem, PLAIN("tts", 1, ((int32_t[]){3661})), "time(6)", "01:01:01");
    check_text(mem, PLAIN("ttu", 1, ((int64_t[]){1500000})), "time(6)", "00:00:01.5");
    check_text(mem, PLAIN("tss:", 1, ((int64_t[]){86400})), "timestamp_ntz", "1970-01-02 00:00:00");
    check_text(mem, PLAIN("tsn:Europe/Paris", 2, ((int64_t[]){1500, -1})), "timestamp",
               "1970-01-01 00:00:00.000001;1969-12-31 23:59:59.999999");
    check_text(mem, PLAIN("tDm", 1, ((int64_t[]){1500})), "interval day to second",
               "INTERVAL '0 00:00:01.5' DAY TO SECOND");
    check_text(mem, PLAIN("tiD", 1, ((int32_t[]){2, 1500})), "interval", "2 days 1.5 seconds");
    check_text(mem, PLAIN("d:5,2,32", 2, ((int32_t[]){-150, 7})), "decimal(5,2)", "-1.50;0.07");
    check_text(mem, PLAIN("d:5,2,256", 1, ((int64_t[]){-150, -1, -1, -1})), "decimal(5,2)",
               "-1.50");
    check_text(mem, PLAIN("w:3", 2, "abcdef"), "binary", "abc;def");

    const void *large[] = {NULL, (int64_t[]){0, 2, 2, 2 + 36}, "hi" LONG_TEXT};
    check_text(mem,
               import(mem, (struct ArrowSchema){.format = "U"},
                      (struct ArrowArray){.length = 3, .n_buffers = 3, .buffers = large}),
               "string", "hi;;" LONG_TEXT);
    UNIT_END();
}

static void dictionaries_stay_dictionaries(void **state)
{
    UNIT_BEGIN(state);
    const void *words[] = {(uint8_t[]){5}, (int32_t[]){0, 1, 1, 3}, "abb"};
    struct ArrowSchema string = {.format = "u", .name = "x"};
    struct ArrowArray dictionary = {
        .length = 3, .null_count = 1, .n_buffers = 3, .buffers = words, .release = release_nothing};
    const void *index[] = {(uint8_t[]){0x17}, (int8_t[]){2, 0, 1, 99, 2}};
    ch_column *c = import(mem, (struct ArrowSchema){.format = "c", .dictionary = &string},
                          (struct ArrowArray){.length = 5,
                                              .null_count = 1,
                                              .n_buffers = 2,
                                              .buffers = index,
                                              .dictionary = &dictionary});
    assert_int_equal(c->encoding, CH_DICT);
    check_text(mem, c, "string", "bb;a;NULL;NULL;bb");
    UNIT_END();
}

static void lists_of_other_shapes_come_in(void **state)
{
    UNIT_BEGIN(state);
    const void *items[] = {NULL, (int32_t[]){1, 2, 3, 4, 5, 6}};
    struct ArrowArray child = {
        .length = 6, .n_buffers = 2, .buffers = items, .release = release_nothing};
    struct ArrowArray *children[] = {&child};
    struct ArrowSchema item = {.format = "i", .name = "item", .flags = ARROW_FLAG_NULLABLE};
    struct ArrowSchema *item_p[] = {&item};
    struct ArrowSchema schema = {.n_children = 1, .children = item_p};
    struct ArrowArray array = {.length = 3, .n_children = 1, .children = children, .null_count = 1};

    schema.format = "+w:2"; /* the NULL's items are dropped */
    array.n_buffers = 1;
    array.buffers = (const void *[]){(uint8_t[]){5}};
    check_text(mem, import(mem, schema, array), "array<int>", "[1, 2];NULL;[5, 6]");
    schema.format = "+L";
    array.n_buffers = 2;
    array.buffers = (const void *[]){(uint8_t[]){5}, (int64_t[]){1, 2, 4, 6}};
    check_text(mem, import(mem, schema, array), "array<int>", "[2];NULL;[5, 6]");
    schema.format = "+vl";
    array.n_buffers = 3;
    array.buffers = (const void *[]){(uint8_t[]){7}, (int32_t[]){4, 0, 1}, (int32_t[]){2, 0, 3}};
    check_text(mem, import(mem, schema, array), "array<int>", "[5, 6];[];[2, 3, 4]");
    UNIT_END();
}

static void what_cannot_be_read_is_refused(void **state)
{
    UNIT_BEGIN(state);
    ch_column *c;
    struct ArrowSchema schema = {.format = "+us:0,1", .name = "x"};
    struct ArrowArray array = {.release = release_nothing};
    assert_fails(UNSUPPORTED, ch_arrow_import_column(mem, &schema, &array, &c, &err));
    assert_null(array.release);
    const void *bad[] = {NULL, (int32_t[]){0, 9, 5}, "abcdefghij"};
    schema.format = "u";
    array = (struct ArrowArray){
        .length = 2, .n_buffers = 3, .buffers = bad, .release = release_nothing};
    assert_fails(INVALID_ARROW, ch_arrow_import_column(mem, &schema, &array, &c, &err));
    schema.format = "tss:";
    const void *far[] = {NULL, (int64_t[]){INT64_MAX}};
    array = (struct ArrowArray){
        .length = 1, .n_buffers = 2, .buffers = far, .release = release_nothing};
    assert_fails(INVALID_ARROW, ch_arrow_import_column(mem, &schema, &array, &c, &err));
    UNIT_END();
}

/* ---- streams ------------------------------------------------------------------------------ */

typedef struct producer {
    ch_mem *mem;
    const ch_type *schema;
    int left;
    bool fails;
} producer;

static ch_status produce(void *self, ch_batch *out, ch_error *err)
{
    producer *p = self;
    *out = (ch_batch){.mem = p->mem};
    if (p->left-- == 0) {
        if (p->fails)
            CH_FAIL(err, DIVIDE_BY_ZERO, "config", "x");
        return CH_OK;
    }
    CH_TRY(ch_batch_init(out, p->mem, p->schema->n_fields, 20, err));
    for (int32_t c = 0; c < out->n_cols; c++)
        out->col[c] = some_column(p->mem, p->schema->field[c].type, 20);
    return ch_batch_slice(out, 3, 10, err);
}

static void streams_carry_batches(void **state)
{
    UNIT_BEGIN(state);
    const ch_type *schema;
    assert_ok(ch_type_parse_ddl("a int, b string, c array<string>", &schema, &err));
    producer p = {mem, schema, 3, false};
    struct ArrowArrayStream stream;
    ch_arrow_reader reader;
    ch_batch b;
    int n = 0;
    assert_ok(ch_arrow_export_stream(mem, schema, (ch_batch_source){produce, NULL, &p}, NULL,
                                     &stream, &err));
    assert_ok(ch_arrow_reader_open(&reader, mem, &stream, &err));
    assert_ptr_equal(reader.type, schema);
    ch_column *want = some_column(mem, CH_T_STRING, 20);
    for (;; n++) {
        assert_ok(ch_arrow_reader_next(&reader, &b, &err));
        if (b.n_cols == 0)
            break;
        assert_int_equal(b.n, 10);
        check_same(mem, want, 3, b.col[1]);
        ch_batch_release(&b);
    }
    assert_int_equal(n, 3);
    ch_arrow_reader_close(&reader);

    p = (producer){mem, schema, 0, true};
    assert_ok(ch_arrow_export_stream(mem, schema, (ch_batch_source){produce, NULL, &p}, NULL,
                                     &stream, &err));
    assert_ok(ch_arrow_reader_open(&reader, mem, &stream, &err));
    assert_int_equal(ch_arrow_reader_next(&reader, &b, &err), CH_E_INVALID_ARROW);
    assert_non_null(strstr(err.message, "DIVIDE_BY_ZERO"));
    ch_error_release(&err);
    ch_arrow_reader_close(&reader);
    ch_column_unref(want);
    UNIT_END();
}

static void rows_that_are_null_as_a_whole_are_null_in_each_column(void **state)
{
    UNIT_BEGIN(state);
    const ch_type *type;
    assert_ok(ch_type_parse("struct<a:int,b:array<int>>", &type, &err));
    ch_column *in = some_column(mem, type, 9);
    struct ArrowSchema schema;
    struct ArrowArray array;
    ch_batch b;
    assert_ok(ch_arrow_export_type(mem, type, "", true, NULL, &schema, &err));
    assert_ok(ch_arrow_export_column(mem, in, NULL, &array, &err));
    assert_ok(ch_arrow_import_batch(mem, &schema, &array, &b, &err));
    assert_int_equal(b.n, 9);
    for (int64_t i = 2; i < 9; i += 3)
        assert_true(ch_column_is_null(b.col[0], i) && ch_column_is_null(b.col[1], i));
    assert_false(ch_column_is_null(b.col[0], 0));
    ch_batch_release(&b);
    ch_column_unref(in);
    schema.release(&schema);
    UNIT_END();
}

static ch_status out_and_in(ch_mem *mem, ch_column *c, ch_error *err)
{
    struct ArrowSchema schema = {0};
    struct ArrowArray array = {0};
    ch_column *out = NULL;
    ch_status status;
    CH_TRY_OUT(ch_arrow_export_type(mem, c->type, "x", true, NULL, &schema, err));
    CH_TRY_OUT(ch_arrow_export_column(mem, c, NULL, &array, err));
    array.offset = 1;
    array.length--;
    CH_TRY_OUT(ch_arrow_import_column(mem, &schema, &array, &out, err));
out:
    ch_column_unref(out);
    if (array.release)
        array.release(&array);
    if (schema.release)
        schema.release(&schema);
    return status;
}

static void any_failed_allocation_leaks_nothing(void **state)
{
    UNIT_BEGIN(state);
    const ch_type *type;
    assert_ok(
        ch_type_parse("struct<a:map<string,array<int>>,b:decimal(4,1),c:boolean>", &type, &err));
    ch_column *c = some_column(mem, type, 50);
    int64_t before = ch_mem_used(mem);
    assert_ok(out_and_in(mem, c, &err));
    for (int64_t n = 1;; n++) {
        ch_error e = {0};
        (void)ch_mem_fail_nth(n);
        ch_status status = out_and_in(mem, c, &e);
        (void)ch_mem_fail_nth(0);
        ch_error_release(&e);
        assert_int_equal(ch_mem_used(mem), before);
        if (status == CH_OK)
            break;
        assert_int_equal(status, CH_E_MEMORY);
        assert_true(n < 1000);
    }
    ch_column_unref(c);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_goes_out_and_in),
        cmocka_unit_test(slices_at_any_offset_come_in),
        cmocka_unit_test(flat_columns_leave_without_a_copy),
        cmocka_unit_test(a_child_may_be_moved_out),
        cmocka_unit_test(foreign_layouts_are_converted),
        cmocka_unit_test(dictionaries_stay_dictionaries),
        cmocka_unit_test(lists_of_other_shapes_come_in),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(streams_carry_batches),
        cmocka_unit_test(rows_that_are_null_as_a_whole_are_null_in_each_column),
        cmocka_unit_test(any_failed_allocation_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
