/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_parquet.c - a file of any bytes: its schema is found, its statistics, and all its columns read;
 * then again with a filter on each column, and in parts.
 *
 *   input   the file
 *
 * tools/parquet_corpus.py makes files to begin with. Whatever is wrong is an error: no crash, no
 * byte that is not accounted, and never more memory than the limit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/parquet_scan.h"
#include "touch.h"

#define LIMIT ((int64_t)64 << 20)
#define ROWS_MOST 200000

static void read_all(const ch_format_context *ctx, ch_scan_spec *spec)
{
    ch_scan *scan;
    int64_t rows = 0;
    bool more = false;
    if (ch_pq_scan_open(ctx, spec, &scan, NULL) != CH_OK)
        return;
    while (rows < ROWS_MOST && scan->cls->begin(scan, 0, &more, NULL) == CH_OK && more) {
        for (bool end = false; !end && rows < ROWS_MOST;) {
            ch_batch batch;
            if (scan->cls->next(scan, 0, &batch, NULL) != CH_OK)
                goto out;
            end = batch.n_full == 0;
            rows += batch.n_full;
            for (int32_t c = 0; c < batch.n_cols && !end; c++)
                touch(batch.col[c]);
            ch_batch_release(&batch);
        }
    }
out:
    scan->cls->close(scan);
}

static void read_ways(const ch_format_context *ctx, ch_scan_spec *spec, ch_arena *arena)
{
    const ch_type *schema;
    ch_table_statistics statistics;
    if (ch_pq_infer(ctx, spec, &schema, NULL) != CH_OK)
        return;
    spec->schema = schema;
    int32_t n = schema->n_fields < 256 ? schema->n_fields : 256;
    int32_t *wanted = ch_arena_alloc(arena, sizeof *wanted * (size_t)(n + 1), NULL);
    if (!wanted)
        return;
    for (int32_t i = 0; i < n; i++)
        wanted[i] = i;
    spec->wanted = wanted;
    spec->n_wanted = n;
    if (ch_pq_statistics(ctx, spec, arena, &statistics, NULL) != CH_OK)
        return;
    read_all(ctx, spec);
    for (int32_t i = 0; i < n && i < 24; i++) {
        const ch_type *type = schema->field[i].type;
        if (ch_type_is_nested(type) || type->id == CH_NULL)
            continue;
        ch_scalar value = {.type = type};
        ch_predicate p[2] = {{CH_PRED_GE, i, 1, &value}, {CH_PRED_EQ, i, 1, &value}};
        if (ch_type_is_view(type)) {
            value.v.str.text = "a";
            value.v.str.len = 1;
        }
        spec->predicate = p;
        spec->n_predicates = 1 + (i & 1);
        read_all(ctx, spec);
        spec->predicate = NULL;
        spec->n_predicates = 0;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("parquet", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ch_mem *mem = ch_mem_new(NULL, "fuzz", LIMIT);
    ch_arena arena;
    ch_strmap options;
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    ch_file file = {path, (int64_t)size, 0};
    /* Two slots: few row groups are read in parts. */
    ch_format_context ctx = {.time_zone = "UTC",
                             .n_slots = size % 3 ? 1 : 2,
                             .batch_rows = size % 2 ? 4096 : 7,
                             .mem = mem};
    ch_scan_spec spec = {.file = &file, .n_files = 1, .options = &options, .limit = -1};
    read_ways(&ctx, &spec, &arena);
    ch_arena_release(&arena);
    if (ch_mem_used(mem) != 0)
        __builtin_trap();
    ch_mem_close(mem);
    close(fd);
    return 0;
}
