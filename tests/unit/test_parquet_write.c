/* SPDX-License-Identifier: Apache-2.0 */
/* Writing Parquet when something is short: memory, allocations, values of the schema. What the files hold
 * is read back by other programs (tests/client/test_parquet_write.py). */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/parquet_write.h"
#include "format/parquet_write_encode.h"
#include "format/parquet_write_leaf.h"

static char path[64];

static int begin(void **state)
{
    CH_UNUSED(state);
    snprintf(path, sizeof path, "/tmp/chert-pq-XXXXXX");
    int fd = mkstemp(path);
    return fd >= 0 && close(fd) == 0 && unlink(path) == 0 ? 0 : -1;
}

static int end(void **state)
{
    CH_UNUSED(state);
    unlink(path);
    return 0;
}

/* array<struct<n: bigint, s: string>> with NULLs on every level, and a column of texts. */
static ch_status make_batch(ch_mem *mem, const ch_type *schema, int64_t rows, ch_batch *batch,
                            ch_error *err)
{
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_status status = ch_batch_init(batch, mem, 2, rows, err);
    const ch_scalar **value[2];
    for (int c = 0; c < 2 && status == CH_OK; c++) {
        value[c] = ch_arena_alloc(&arena, sizeof **value * (size_t)rows, err);
        status = value[c] ? CH_OK : CH_E_MEMORY;
    }
    const ch_type *list = schema->field[0].type, *row = list->field[0].type;
    for (int64_t i = 0; i < rows && status == CH_OK; i++) {
        ch_scalar *v = ch_arena_alloc(&arena, sizeof *v * 8, err);
        char *text = ch_arena_printf(&arena, err, "a text of row %lld, long enough", (long long)i);
        if (!v || !text) {
            status = CH_E_MEMORY;
            break;
        }
        v[0] = (ch_scalar){.type = list, .is_null = i % 7 == 0, .v.list = {&v[1], i % 3}};
        v[1] = (ch_scalar){.type = row, .v.list = {&v[3], 2}};
        v[2] = (ch_scalar){.type = row, .is_null = true};
        v[3] = (ch_scalar){.type = CH_T_LONG, .v.i64 = i};
        v[4] = (ch_scalar){.type = CH_T_STRING, .is_null = i % 5 == 0, .v.str = {text, 20}};
        v[5] = (ch_scalar){.type = CH_T_STRING, .v.str = {text, (int64_t)strlen(text)}};
        value[0][i] = &v[0];
        value[1][i] = &v[5];
    }
    for (int c = 0; c < 2 && status == CH_OK; c++)
        status = ch_column_scalars(mem, schema->field[c].type, value[c], rows, &batch->col[c], err);
    ch_arena_release(&arena);
    return status;
}

static const ch_type *make_schema(void)
{
    const ch_type *schema;
    assert_int_equal(
        ch_type_parse_ddl("a ARRAY<STRUCT<n: BIGINT, s: STRING>>, t STRING", &schema, NULL), CH_OK);
    return schema;
}

static ch_status write_file(ch_mem *mem, const ch_type *schema, const char *const *option,
                            int batches, ch_error *err)
{
    ch_format_context ctx = {.time_zone = "UTC", .n_slots = 1, .batch_rows = 4096, .mem = mem};
    ch_arena arena;
    ch_strmap options;
    ch_file_writer *w = NULL;
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    ch_status status = CH_OK;
    for (; option && *option && status == CH_OK; option += 2)
        status = ch_strmap_put(&options, option[0], (void *)(uintptr_t)option[1], err);
    if (status == CH_OK)
        status = ch_pqw_create(&ctx, path, schema, &options, &w, err);
    for (int i = 0; i < batches && status == CH_OK; i++) {
        ch_batch batch;
        status = make_batch(mem, schema, 300, &batch, err);
        if (status == CH_OK)
            status = ch_pqw_write(w, &batch, err);
        ch_batch_release(&batch);
    }
    if (status == CH_OK)
        status = ch_pqw_finish(w, err);
    else if (w)
        ch_pqw_abandon(w);
    ch_arena_release(&arena);
    return status;
}

static void any_allocation_may_fail(void **state)
{
    CH_UNUSED(state);
    const char *const options[][9] = {
        {"parquet.page.row.count.limit", "100", "parquet.block.row.count.limit", "250", NULL},
        {"parquet.writer.version", "v2", "compression", "zstd", "parquet.enable.dictionary",
         "false", "parquet.bloom.filter.enabled", "true", NULL}};
    const ch_type *schema = make_schema();
    for (int k = 0; k < 2; k++) {
        bool done = false;
        for (int64_t n = 1; !done; n++) {
            ch_mem *mem = ch_mem_new(NULL, "test", 0);
            ch_error err = {0};
            ch_mem_fail_nth(n);
            ch_status status = write_file(mem, schema, options[k], 2, &err);
            done = ch_mem_fail_nth(0) < n;
            assert_true(status == CH_OK || status == CH_E_MEMORY);
            assert_int_equal(access(path, F_OK) == 0, status == CH_OK);
            assert_int_equal(ch_mem_used(mem), 0);
            ch_error_release(&err);
            ch_mem_close(mem);
            unlink(path);
            assert_true(n < 100000);
        }
    }
}

static void a_small_budget_makes_small_row_groups(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 8 << 20);
    ch_error err = {0};
    const char *const plain[] = {"compression", "none", "parquet.enable.dictionary", "false", NULL};
    assert_int_equal(write_file(mem, make_schema(), plain, 900, &err), CH_OK);
    assert_true(ch_mem_peak(mem) <= 8 << 20);
    ch_file file;
    assert_int_equal(ch_file_stat(path, &file, NULL, &err), CH_OK);
    assert_true(file.bytes > 10 << 20);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void a_null_where_none_may_be_is_an_error(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_error err = {0};
    const ch_type *schema;
    ch_arena arena;
    ch_strmap options;
    ch_file_writer *w;
    ch_batch batch;
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    assert_int_equal(ch_type_parse_ddl("a INT NOT NULL", &schema, &err), CH_OK);
    ch_format_context ctx = {.time_zone = "UTC", .n_slots = 1, .batch_rows = 4096, .mem = mem};
    assert_int_equal(ch_pqw_create(&ctx, path, schema, &options, &w, &err), CH_OK);
    assert_int_equal(ch_batch_init(&batch, mem, 1, 3, &err), CH_OK);
    assert_int_equal(ch_column_nulls(mem, CH_T_INT, 3, &batch.col[0], &err), CH_OK);
    assert_int_equal(ch_pqw_write(w, &batch, &err), CH_E_INTERNAL);
    ch_pqw_abandon(w);
    ch_batch_release(&batch);
    ch_error_release(&err);
    ch_arena_release(&arena);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

/* ---- encodings, by hand from Encodings.md -------------------------------------------------------- */

static void assert_bytes(const ch_buf *out, const char *want, size_t n)
{
    assert_int_equal(out->len, n);
    assert_memory_equal(out->data, want, n);
}

static void runs_and_groups_follow_the_specification(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_buf out;
    uint32_t v[100];
    ch_buf_init(&out, mem);
    for (uint32_t i = 0; i < 8; i++)
        v[i] = i;
    assert_int_equal(ch_pqw_encode_rle(v, 8, 3, &out, NULL), CH_OK);
    assert_bytes(&out, "\x03\x88\xc6\xfa", 4); /* the example of the specification */
    out.len = 0;
    for (int i = 0; i < 100; i++)
        v[i] = 4;
    assert_int_equal(ch_pqw_encode_rle(v, 100, 3, &out, NULL), CH_OK);
    assert_bytes(&out, "\xc8\x01\x04", 3);
    out.len = 0;
    assert_int_equal(ch_pqw_encode_levels(NULL, 1, 10, 1, &out, NULL), CH_OK);
    assert_bytes(&out, "\x14\x01", 2);
    out.len = 0;
    const int32_t deltas[] = {7, 5, 3, 1, 2, 3, 4, 5}; /* the second example */
    assert_int_equal(ch_pqw_encode_delta(deltas, 4, 8, &out, NULL), CH_OK);
    assert_bytes(&out, "\x80\x01\x04\x08\x0e\x03\x02\x00\x00\x00\xc0\x3f\x00\x00\x00\x00\x00\x00",
                 18);
    ch_buf_release(&out);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

static void bounds_are_cut_between_characters(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 0);
    ch_arena arena;
    ch_buf text;
    ch_thrift_bytes cut;
    ch_arena_init(&arena, mem);
    ch_buf_init(&text, mem);
    assert_int_equal(ch_buf_adds(&text, "ab\xe6\x9d\xb1zz", NULL), CH_OK);
    assert_int_equal(ch_pqw_cut_bound(&text, 4, false, true, &arena, &cut, NULL), CH_OK);
    assert_int_equal(cut.len, 2);
    assert_memory_equal(cut.text, "ab", 2);
    assert_int_equal(ch_pqw_cut_bound(&text, 5, true, true, &arena, &cut, NULL), CH_OK);
    assert_int_equal(cut.len, 5);
    assert_memory_equal(cut.text, "ab\xe6\x9d\xb2", 5);
    text.len = 0;
    assert_int_equal(ch_buf_add(&text, "\xff\xff\xff\xff", 4, NULL), CH_OK);
    assert_int_equal(ch_pqw_cut_bound(&text, 2, true, false, &arena, &cut, NULL), CH_OK);
    assert_int_equal(cut.len, 4); /* nothing shorter is above it */
    ch_buf_release(&text);
    ch_arena_release(&arena);
    assert_int_equal(ch_mem_used(mem), 0);
    ch_mem_close(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_allocation_may_fail, begin, end),
        cmocka_unit_test_setup_teardown(a_small_budget_makes_small_row_groups, begin, end),
        cmocka_unit_test_setup_teardown(a_null_where_none_may_be_is_an_error, begin, end),
        cmocka_unit_test(runs_and_groups_follow_the_specification),
        cmocka_unit_test(bounds_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
