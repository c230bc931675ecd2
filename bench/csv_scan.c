/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_scan.c - how fast CSV text becomes columns, on one core.
 *
 *   csv_scan FILE DDL COLUMN,COLUMN... [ROUNDS]
 *   csv_scan location.csv "lat STRING, long STRING, region_id STRING, date STRING" 2,3
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "format/csv.h"

static int fail(const ch_error *err)
{
    char *text = ch_error_text(err);
    fprintf(stderr, "%s\n", text ? text : "?");
    return 1;
}

int main(int argc, char **argv)
{
    ch_error err = {0};
    const ch_type *schema;
    ch_file file;
    int32_t wanted[256], n_wanted = 0;
    if (argc < 4) {
        fprintf(stderr, "usage: %s FILE DDL COLUMN,COLUMN... [ROUNDS]\n", argv[0]);
        return 2;
    }
    for (char *p = argv[3]; *p && n_wanted < 256;) {
        wanted[n_wanted++] = (int32_t)strtol(p, &p, 10);
        p += *p == ',';
    }
    int rounds = argc > 4 ? atoi(argv[4]) : 3;
    ch_mem *mem = ch_mem_new(NULL, "bench", 0);
    if (ch_type_parse_ddl(argv[2], &schema, &err) != CH_OK ||
        ch_file_stat(argv[1], &file, NULL, &err) != CH_OK)
        return fail(&err);
    ch_arena arena;
    ch_strmap options;
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    if (ch_strmap_put(&options, "header", (void *)(uintptr_t) "true", &err) != CH_OK)
        return fail(&err);
    const char *pairs = getenv("CSV_OPTIONS"); /* name=value;name=value */
    for (char *p = pairs ? ch_arena_str(&arena, pairs, &err) : NULL; p && *p;) {
        char *end = strchr(p, ';'), *value = strchr(p, '=');
        if (end)
            *end = 0;
        if (value) {
            *value++ = 0;
            if (ch_strmap_put(&options, p, value, &err) != CH_OK)
                return fail(&err);
        }
        p = end ? end + 1 : NULL;
    }
    for (int round = 0; round < rounds; round++) {
        ch_format_context ctx = {
            .time_zone = "UTC", .n_slots = 1, .batch_rows = CH_BATCH_ROWS, .mem = mem};
        ch_scan_spec spec = {.file = &file,
                             .n_files = 1,
                             .options = &options,
                             .schema = schema,
                             .wanted = wanted,
                             .n_wanted = n_wanted,
                             .limit = -1};
        ch_csv_sizes sizes = {.chunk_bytes = getenv("CHUNK") ? atoi(getenv("CHUNK")) : 0};
        ch_scan *scan;
        int64_t start = ch_tick_ns(), rows = 0, batches = 0;
        if (ch_csv_scan_open(&ctx, &spec, &sizes, &scan, &err) != CH_OK)
            return fail(&err);
        for (bool more;;) {
            if (scan->cls->begin(scan, 0, &more, &err) != CH_OK)
                return fail(&err);
            if (!more)
                break;
            for (ch_batch batch;;) {
                if (scan->cls->next(scan, 0, &batch, &err) != CH_OK)
                    return fail(&err);
                bool end = batch.n_full == 0;
                rows += batch.n;
                batches++;
                ch_batch_release(&batch);
                if (end)
                    break;
            }
        }
        double ns = (double)(ch_tick_ns() - start);
        scan->cls->close(scan);
        printf("%lld rows in %lld batches, %.1f ms, %.2f GB/s, %.1f ns a row, peak %.1f MiB\n",
               (long long)rows, (long long)batches, ns / 1e6, (double)file.bytes / ns,
               ns / (double)(rows ? rows : 1), (double)ch_mem_peak(mem) / 1048576);
    }
    ch_arena_release(&arena);
    ch_mem_close(mem);
    return 0;
}
