/* SPDX-License-Identifier: Apache-2.0 */
/* test_csv_bad.c - input that is broken or too large, files that are not there, disks that are full. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codec/stream.h"
#include "format/csv.h"
#include "format/csv_write.h"

typedef struct seen {
    int64_t rows, malformed, longest;
} seen;

static ch_status read_csv(const char *path, const char *ddl, const char *const *option, ch_mem *mem,
                          seen *out, ch_error *err)
{
    ch_arena arena;
    ch_strmap options;
    ch_scan *scan = NULL;
    const ch_type *schema;
    int32_t wanted[8];
    ch_file file = {.path = path};
    ch_status status;
    *out = (seen){0};
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    for (int k = 0; option && option[k]; k += 2)
        CH_TRY_OUT(ch_strmap_put(&options, option[k], (void *)(uintptr_t)option[k + 1], err));
    CH_TRY_OUT(ch_type_parse_ddl(ddl, &schema, err));
    for (int32_t c = 0; c < schema->n_fields; c++)
        wanted[c] = c;
    ch_error ignored = {0};
    if (ch_file_stat(path, &file, NULL, &ignored) != CH_OK)
        file = (ch_file){.path = path, .bytes = 10};
    ch_error_release(&ignored);
    ch_format_context ctx = {.time_zone = "UTC", .n_slots = 1, .batch_rows = 100, .mem = mem};
    ch_scan_spec spec = {.file = &file,
                         .n_files = 1,
                         .options = &options,
                         .schema = schema,
                         .wanted = wanted,
                         .n_wanted = schema->n_fields,
                         .limit = -1};
    CH_TRY_OUT(ch_csv_scan_open(&ctx, &spec, NULL, &scan, err));
    for (bool more;;) {
        CH_TRY_OUT(scan->cls->begin(scan, 0, &more, err));
        if (!more)
            break;
        for (bool end = false; !end;) {
            ch_batch batch;
            CH_TRY_OUT(scan->cls->next(scan, 0, &batch, err));
            end = batch.n_full == 0;
            out->rows += batch.n;
            for (int64_t r = 0; !end && r < batch.n_full; r++) {
                int64_t len = ((const ch_view *)batch.col[0]->data)[r].len;
                out->longest = len > out->longest ? len : out->longest;
            }
            ch_batch_release(&batch);
        }
    }
    ch_scan_progress progress;
    scan->cls->progress(scan, &progress);
    out->malformed = progress.n_malformed;
out:
    if (scan)
        scan->cls->close(scan);
    ch_arena_release(&arena);
    return status;
}

static void put_file(char *path, const char *bytes, size_t n)
{
    int fd = mkstemps(path, (int)strlen(strchr(path, '.')));
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    close(fd);
}

static void a_missing_file_is_named(void **state)
{
    seen s;
    UNIT_BEGIN(state);
    assert_int_equal(read_csv("/nowhere/x.csv", "a STRING", NULL, mem, &s, &err),
                     CH_E_PATH_NOT_FOUND);
    assert_string_equal(ch_error_param(&err, "path"), "/nowhere/x.csv");
    ch_error_release(&err);
    UNIT_END();
}

static void a_folder_in_place_of_a_file_is_an_error(void **state)
{
    seen s;
    UNIT_BEGIN(state);
    assert_fails(IO, read_csv("/tmp", "a STRING", NULL, mem, &s, &err));
    UNIT_END();
}

static void a_truncated_gzip_file_is_named(void **state)
{
    char path[] = "/tmp/chert_bad_XXXXXX.csv.gz", text[20000];
    uint8_t packed[20000];
    seen s;
    bool end;
    UNIT_BEGIN(state);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (i + 1) % 50 ? (char)('a' + i * i % 26) : '\n';
    ch_codec_stream *z;
    assert_ok(ch_codec_encoder(mem, CH_CODEC_GZIP, -1, &z, &err));
    const uint8_t *in = (const uint8_t *)text;
    uint8_t *out = packed;
    size_t n_in = sizeof text, n_out = sizeof packed;
    assert_ok(ch_codec_code(z, &in, &n_in, &out, &n_out, true, &end, "x", &err));
    assert_true(end);
    ch_codec_close(z);
    put_file(path, (const char *)packed, (size_t)(out - packed) / 2);
    assert_int_equal(read_csv(path, "a STRING", NULL, mem, &s, &err), CH_E_CORRUPT_FILE);
    assert_string_equal(ch_error_param(&err, "path"), path);
    ch_error_release(&err);
    unlink(path);
    UNIT_END();
}

static void every_codec_gives_back_what_it_took_piece_by_piece(void **state)
{
    static char text[100000], back[100000];
    static uint8_t packed[200000];
    UNIT_BEGIN(state);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + (i * 7 + i / 100) % 23);
    for (int c = 0; c < CH_N_CODECS; c++) {
        ch_codec_stream *z;
        bool end = false;
        size_t left = sizeof text, n_packed = 0;
        const uint8_t *in = (const uint8_t *)text;
        assert_ok(ch_codec_encoder(mem, (ch_codec)c, -1, &z, &err));
        for (int turn = 0; !end; turn++) {
            uint8_t *out = packed + n_packed;
            size_t some = left < 777 ? left : 777, rest = some, room = 501;
            assert_ok(ch_codec_code(z, &in, &rest, &out, &room, some == left, &end, "x", &err));
            left -= some - rest;
            n_packed += 501 - room;
            end &= left == 0;
            assert_true(turn < 100000);
        }
        ch_codec_close(z);
        assert_ok(ch_codec_decoder(mem, (ch_codec)c, &z, &err));
        size_t at = 0, n_back = 0;
        for (int turn = 0; n_back < sizeof text; turn++) {
            const uint8_t *from = packed + at;
            uint8_t *out = (uint8_t *)back + n_back;
            size_t some = n_packed - at < 333 ? n_packed - at : 333, rest = some, room = 1001;
            if (room > sizeof back - n_back)
                room = sizeof back - n_back;
            size_t had = room;
            assert_ok(ch_codec_code(z, &from, &rest, &out, &room, false, &end, "x", &err));
            at += some - rest;
            n_back += had - room;
            assert_true(turn < 100000);
        }
        ch_codec_close(z);
        assert_memory_equal(text, back, sizeof text);
    }
    UNIT_END();
}

static void a_very_long_field_is_read_or_refused_by_the_memory_limit(void **state)
{
    char path[] = "/tmp/chert_bad_XXXXXX.csv";
    const size_t n = (size_t)20 << 20;
    seen s;
    UNIT_BEGIN(state);
    char *text = malloc(n + 2);
    memset(text, 'x', n);
    text[0] = '"';
    text[n - 1] = '"';
    text[n] = '\n';
    put_file(path, text, n + 1);
    assert_ok(read_csv(path, "a STRING", NULL, mem, &s, &err));
    assert_int_equal(s.rows, 1);
    assert_int_equal(s.longest, n - 2);
    ch_mem_set_limit(mem, 16 << 20);
    assert_fails(MEMORY, read_csv(path, "a STRING", NULL, mem, &s, &err));
    ch_mem_set_limit(mem, 0);
    static const char *const MULTI[] = {"multiLine", "true", NULL};
    assert_ok(read_csv(path, "a STRING", MULTI, mem, &s, &err));
    assert_int_equal(s.longest, n - 2);
    free(text);
    unlink(path);
    UNIT_END();
}

static void failfast_tells_the_line(void **state)
{
    static const char *const OPTIONS[] = {"mode", "FAILFAST", "header", "true", NULL};
    char path[] = "/tmp/chert_bad_XXXXXX.csv", text[] = "a,b\nx,1\ny,2\n\nz,three\nw,4\n";
    seen s;
    UNIT_BEGIN(state);
    put_file(path, text, strlen(text));
    assert_int_equal(read_csv(path, "a STRING, b INT", OPTIONS, mem, &s, &err),
                     CH_E_MALFORMED_RECORD);
    assert_string_equal(ch_error_param(&err, "line"), "5");
    assert_string_equal(ch_error_param(&err, "badRecord"), "z,three");
    ch_error_release(&err);
    unlink(path);
    UNIT_END();
}

static void malformed_records_are_counted(void **state)
{
    char path[] = "/tmp/chert_bad_XXXXXX.csv", text[] = "x,1\ny\nz,three\n\"w,4\nv,5,6\n";
    seen s;
    UNIT_BEGIN(state);
    put_file(path, text, strlen(text));
    assert_ok(read_csv(path, "a STRING, b INT", NULL, mem, &s, &err));
    assert_int_equal(s.rows, 5);
    assert_int_equal(s.malformed, 4);
    unlink(path);
    UNIT_END();
}

static void too_many_columns_are_refused(void **state)
{
    static const char *const OPTIONS[] = {"maxColumns", "3", NULL};
    char path[] = "/tmp/chert_bad_XXXXXX.csv", text[] = "1,2\n1,2,3,4\n";
    seen s;
    UNIT_BEGIN(state);
    put_file(path, text, strlen(text));
    assert_int_equal(read_csv(path, "a STRING, b INT", OPTIONS, mem, &s, &err),
                     CH_E_CSV_TOO_MANY_COLUMNS);
    assert_string_equal(ch_error_param(&err, "line"), "2");
    ch_error_release(&err);
    unlink(path);
    UNIT_END();
}

static void a_full_disk_is_told_apart(void **state)
{
    ch_output *out;
    UNIT_BEGIN(state);
    assert_ok(ch_output_create(mem, NULL, "/dev/full", &out, &err));
    assert_fails(DISK_FULL, ch_output_write(out, "x", 1, &err));
    assert_ok(ch_output_close(out, false, &err));
    UNIT_END();
}

static void each_allocation_may_fail(void **state)
{
    static const char *const PLAIN[] = {"header", "true", NULL};
    static const char *const MULTI[] = {"header", "true", "multiLine", "true", NULL};
    char path[] = "/tmp/chert_bad_XXXXXX.csv";
    char text[] =
        "a,b\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,1\n\"q\"\"q\" ,2\nz,three\n\"w\\\"w\",4,5\n";
    seen s;
    UNIT_BEGIN(state);
    put_file(path, text, strlen(text));
    for (int way = 0; way < 2; way++) {
        for (int64_t nth = 1; nth < 500; nth++) {
            ch_mem_fail_nth(nth);
            ch_status status = read_csv(path, "a STRING, b INT, _corrupt_record STRING",
                                        way ? MULTI : PLAIN, mem, &s, &err);
            ch_mem_fail_nth(0);
            assert_int_equal(ch_mem_used(mem), 0);
            ch_error_release(&err);
            if (status == CH_OK)
                break;
            assert_int_equal(status, CH_E_MEMORY);
            assert_true(nth < 499);
        }
        assert_int_equal(s.rows, 4);
    }
    unlink(path);
    UNIT_END();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_folder_in_place_of_a_file_is_an_error),
        cmocka_unit_test(a_truncated_gzip_file_is_named),
        cmocka_unit_test(every_codec_gives_back_what_it_took_piece_by_piece),
        cmocka_unit_test(a_very_long_field_is_read_or_refused_by_the_memory_limit),
        cmocka_unit_test(failfast_tells_the_line),
        cmocka_unit_test(malformed_records_are_counted),
        cmocka_unit_test(too_many_columns_are_refused),
        cmocka_unit_test(a_full_disk_is_told_apart),
        cmocka_unit_test(each_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
