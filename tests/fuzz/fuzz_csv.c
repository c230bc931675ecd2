/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_csv.c - CSV text and options, read in several ways that must agree.
 *
 *   input   option byte, option byte, size byte, then the file
 *
 * One record at a time through the tokenizer is the oracle; the index with usual and with tiny sizes must
 * give the same rows, or the same failure. Then the file is inferred, and read as what was inferred.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/csv.h"

#define MUST(condition)       \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)

typedef struct outcome {
    ch_status status;
    uint64_t hash;
    int64_t rows, malformed;
} outcome;

static void mix(uint64_t *h, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++)
        *h = (*h ^ p[i]) * UINT64_C(0x100000001B3);
}

static void mix_batch(uint64_t *h, ch_batch *batch)
{
    for (int64_t r = 0; r < batch->n; r++) {
        for (int32_t c = 0; c < batch->n_cols; c++) {
            const ch_column *col = batch->col[c];
            bool null = ch_column_is_null(col, r);
            mix(h, &null, 1);
            if (null)
                continue;
            if (ch_type_is_view(col->type)) {
                ch_str s = ch_column_str(col, r);
                mix(h, s.text, (size_t)s.len);
                mix(h, &s.len, sizeof s.len);
            } else if (ch_type_width(col->type)) {
                size_t w = (size_t)ch_type_width(col->type);
                mix(h, (const char *)col->data + (size_t)r * w, w);
            } else {
                bool bit = ch_bit_get(col->data, r);
                mix(h, &bit, 1);
            }
        }
    }
}

static outcome read_all(const ch_file *file, const ch_strmap *options, const ch_type *schema,
                        int32_t step, const ch_csv_sizes *sizes, int64_t batch_rows, ch_mem *mem)
{
    outcome o = {.hash = 1};
    int32_t wanted[64], n_wanted = 0;
    for (int32_t c = 0; c < schema->n_fields && n_wanted < 64; c += step)
        wanted[n_wanted++] = c;
    ch_format_context ctx = {
        .time_zone = "UTC", .n_slots = 1, .batch_rows = batch_rows, .mem = mem};
    ch_scan_spec spec = {.file = file,
                         .n_files = 1,
                         .options = options,
                         .schema = schema,
                         .wanted = wanted,
                         .n_wanted = n_wanted,
                         .limit = -1};
    ch_scan *scan;
    o.status = ch_csv_scan_open(&ctx, &spec, sizes, &scan, NULL);
    if (o.status != CH_OK)
        return o;
    bool more;
    while ((o.status = scan->cls->begin(scan, 0, &more, NULL)) == CH_OK && more) {
        for (bool end = false; !end;) {
            ch_batch batch;
            o.status = scan->cls->next(scan, 0, &batch, NULL);
            if (o.status != CH_OK)
                goto out;
            end = batch.n_full == 0;
            if (ch_batch_flatten(&batch, NULL) != CH_OK)
                abort();
            mix_batch(&o.hash, &batch);
            o.rows += batch.n;
            ch_batch_release(&batch);
        }
    }
    ch_scan_progress progress;
    scan->cls->progress(scan, &progress);
    o.malformed = progress.n_malformed;
out:
    scan->cls->close(scan);
    return o;
}

static void same(outcome a, outcome b)
{
    MUST(a.status == b.status);
    MUST(a.status != CH_OK || (a.hash == b.hash && a.rows == b.rows && a.malformed == b.malformed));
}

static void put(ch_strmap *options, const char *name, const char *value)
{
    if (ch_strmap_put(options, name, (void *)(uintptr_t)value, NULL) != CH_OK)
        abort();
}

static void choose_options(ch_strmap *options, uint8_t a, uint8_t b)
{
    static const char *const STRAY[] = {"STOP_AT_DELIMITER", "STOP_AT_CLOSING_QUOTE", "SKIP_VALUE",
                                        "RAISE_ERROR"};
    put(options, "multiLine", a & 1 ? "true" : "false");
    put(options, "header", a & 2 ? "true" : "false");
    if (a & 4)
        put(options, "escape", "\"");
    if (a & 8)
        put(options, "ignoreLeadingWhiteSpace", "true");
    if (a & 16)
        put(options, "ignoreTrailingWhiteSpace", "true");
    if (a & 32)
        put(options, "sep", a & 64 ? "||" : ";");
    if (a & 128)
        put(options, "comment", "#");
    put(options, "unescapedQuoteHandling", STRAY[b & 3]);
    if (b & 4)
        put(options, "mode", "DROPMALFORMED");
    if (b & 8)
        put(options, "lineSep", b & 16 ? "\n" : ";");
    if (b & 32)
        put(options, "nullValue", "NA");
    if (b & 64)
        put(options, "encoding", b & 128 ? "UTF-16" : "ISO-8859-1");
    else if (b & 128)
        put(options, "maxCharsPerColumn", "20");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 16)
        return 0;
    char path[64];
    const ch_type *schema, *found;
    int fd = memfd_create("csv", 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (fd < 0 || write(fd, data + 3, size - 3) != (ssize_t)(size - 3))
        abort();
    ch_file file = {.path = path, .bytes = (int64_t)size - 3};
    ch_mem *mem = ch_mem_new(NULL, "fuzz", (int64_t)1 << 30);
    ch_arena arena;
    ch_strmap options;
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    choose_options(&options, data[0], data[1]);
    if (ch_type_parse_ddl("a STRING, b INT, c STRING, _corrupt_record STRING", &schema, NULL) !=
        CH_OK)
        abort();
    uint8_t k = data[2];
    int32_t step = 1 + (k & 1);
    ch_csv_sizes slow = {.one_by_one = true, .chunk_bytes = 1 << 17};
    ch_csv_sizes tiny = {
        .morsel_bytes = 1 + (k >> 1), .chunk_bytes = 1 + (k >> 2), .window_bytes = 1 + (k >> 3)};
    outcome o = read_all(&file, &options, schema, step, &slow, 512, mem);
    ch_csv_sizes usual = {.chunk_bytes = 4096};
    same(o, read_all(&file, &options, schema, step, &usual, 512, mem));
    if (size < 4096) {
        outcome t = read_all(&file, &options, schema, step, &tiny, 7, mem);
        /* A failure may come after other rows, or be another one, when pieces are read in turn. */
        if (t.status == CH_OK || o.status == CH_OK)
            same(o, t);
    }
    put(&options, "inferSchema", "true");
    ch_format_context ctx = {.time_zone = "UTC", .n_slots = 1, .batch_rows = 100, .mem = mem};
    ch_scan_spec spec = {.file = &file, .n_files = 1, .options = &options, .limit = -1};
    if (ch_csv_infer(&ctx, &spec, &found, NULL) == CH_OK && found->n_fields > 0)
        (void)read_all(&file, &options, found, 1, NULL, 100, mem);
    ch_arena_release(&arena);
    MUST(ch_mem_used(mem) == 0);
    ch_mem_close(mem);
    close(fd);
    return 0;
}
