/* SPDX-License-Identifier: Apache-2.0 */
/* Thrift tables and schemas: what is written reads back the same, and nonsense is an error. */
#include "unit.h"

#include "format/parquet_schema.h"
#include "type/type_json.h"

static const char *const ROW =
    "a BOOLEAN, b TINYINT, c SMALLINT, d INT NOT NULL, e BIGINT, f FLOAT, g DOUBLE, h STRING, i BINARY,"
    "j DATE, k TIMESTAMP, l TIMESTAMP_NTZ, m DECIMAL(9,2), n DECIMAL(18,3), o DECIMAL(38,10),"
    "p ARRAY<INT>, q MAP<STRING, ARRAY<STRUCT<x: INT, y: MAP<INT, DOUBLE>>>>, r STRUCT<s: STRING, t: ARRAY<ARRAY<DATE>>>";

static void round_trip(const char *ddl, const ch_pq_write_options *options, const char *expect)
{
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_arena arena;
    ch_buf bytes;
    ch_arena_init(&arena, mem);
    ch_buf_init(&bytes, mem);
    const ch_type *row, *wanted, *back;
    assert_int_equal(ch_type_parse_ddl(ddl, &row, NULL), CH_OK);
    assert_int_equal(ch_type_parse_ddl(expect, &wanted, NULL), CH_OK);
    ch_pq_file_meta meta = {.version = 2, .num_rows = 0}, read;
    assert_int_equal(ch_pq_schema_elements(row, options, &arena, &meta.schema, NULL), CH_OK);
    ch_pq_row_group group = {0};
    meta.row_groups = (ch_thrift_list){&group, 0};
    assert_int_equal(ch_thrift_write(&ch_pq_file_meta_thrift, &meta, &bytes, NULL), CH_OK);
    size_t used;
    assert_int_equal(ch_thrift_read(&ch_pq_file_meta_thrift, bytes.data, bytes.len, &used, &arena,
                                    &read, "x", NULL),
                     CH_OK);
    assert_int_equal(used, bytes.len);
    /* No shorter piece of it is a whole. */
    for (size_t n = 0; n < bytes.len; n++) {
        ch_pq_file_meta part;
        assert_int_equal(
            ch_thrift_read(&ch_pq_file_meta_thrift, bytes.data, n, NULL, &arena, &part, "x", NULL),
            CH_E_CORRUPT_FILE);
    }
    ch_pq_schema schema;
    ch_pq_schema_options types = {.infer_ntz = true};
    assert_int_equal(ch_pq_schema_build(&read, &arena, "x", &schema, NULL), CH_OK);
    assert_int_equal(ch_pq_schema_type(&read, &schema, &types, &back, NULL), CH_OK);
    assert_ptr_equal(back, wanted);
    ch_buf_release(&bytes);
    ch_arena_release(&arena);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void a_schema_reads_back_as_it_was_written(void **state)
{
    CH_UNUSED(state);
    round_trip(ROW, &(ch_pq_write_options){0}, ROW);
}

static void a_schema_in_legacy_format_reads_back_the_same(void **state)
{
    CH_UNUSED(state);
    round_trip(ROW, &(ch_pq_write_options){.legacy = true}, ROW);
    round_trip(ROW, &(ch_pq_write_options){.timestamps = CH_PQ_TIMESTAMPS_MILLIS}, ROW);
}

static void intervals_become_integers(void **state)
{
    CH_UNUSED(state);
    round_trip("a INTERVAL YEAR, b INTERVAL DAY TO SECOND", &(ch_pq_write_options){0},
               "a INT, b BIGINT");
}

static void a_type_reads_back_from_its_json(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_buf text;
    ch_buf_init(&text, mem);
    const ch_type *row, *back;
    assert_int_equal(ch_type_parse_ddl(ROW, &row, NULL), CH_OK);
    assert_int_equal(ch_type_print_json(row, &text, NULL), CH_OK);
    assert_int_equal(ch_type_parse_json(text.data, text.len, &back, NULL), CH_OK);
    assert_ptr_equal(back, row);
    for (size_t n = 0; n < text.len; n++) {
        assert_int_equal(ch_type_parse_json(text.data, n, &back, NULL), CH_OK);
        assert_null(back);
    }
    static const char spark[] =
        "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\\u00e9\\\"\",\"type\":\"integer\",\"nullable\":false,"
        "\"metadata\":{\"comment\":\"it } is\"}},{\"name\":\"b\",\"type\":{\"type\":\"array\",\"elementType\":"
        "\"interval day to second\",\"containsNull\":false},\"nullable\":true,\"metadata\":{}}]}";
    assert_int_equal(ch_type_parse_json(spark, sizeof spark - 1, &back, NULL), CH_OK);
    assert_non_null(back);
    assert_string_equal(back->field[0].name, "a\xC3\xA9\"");
    assert_string_equal(back->field[0].metadata, "{\"comment\":\"it } is\"}");
    assert_null(back->field[1].metadata);
    ch_buf_reset(&text);
    assert_int_equal(ch_type_print_json(back, &text, NULL), CH_OK);
    ch_buf_release(&text);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void lies_about_lengths_cost_nothing(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 1 << 20);
    ch_arena arena;
    ch_arena_init(&arena, mem);
    /* row_groups: a list of 2^40 structs; a schema of 2^31 elements; deep nesting of unknown structs */
    static const uint8_t groups[] = {0x49, 0xFC, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20};
    static const uint8_t schema[] = {0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 0x07, 0x00};
    uint8_t deep[4096];
    memset(deep, 0xFC, sizeof deep); /* field 15 apart, a struct, without end */
    ch_pq_file_meta meta;
    assert_int_equal(ch_thrift_read(&ch_pq_file_meta_thrift, groups, sizeof groups, NULL, &arena,
                                    &meta, "x", NULL),
                     CH_E_CORRUPT_FILE);
    assert_int_equal(ch_thrift_read(&ch_pq_file_meta_thrift, schema, sizeof schema, NULL, &arena,
                                    &meta, "x", NULL),
                     CH_E_CORRUPT_FILE);
    assert_int_equal(
        ch_thrift_read(&ch_pq_file_meta_thrift, deep, sizeof deep, NULL, &arena, &meta, "x", NULL),
        CH_E_CORRUPT_FILE);
    ch_arena_release(&arena);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_schema_reads_back_as_it_was_written),
        cmocka_unit_test(a_schema_in_legacy_format_reads_back_the_same),
        cmocka_unit_test(intervals_become_integers),
        cmocka_unit_test(a_type_reads_back_from_its_json),
        cmocka_unit_test(lies_about_lengths_cost_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
