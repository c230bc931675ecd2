/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_jdbc_url.c - URLs of databases and the options beside them, up to where a connection would be made.
 *
 *   input   a line for the URL, then lines NAME=VALUE
 *
 * No password may be in what is shown of the source, or in an error.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "source/jdbc.h"

#define MUST(condition)       \
    do {                      \
        if (!(condition))     \
            __builtin_trap(); \
    } while (0)
#define SECRET "sesame-open"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_options(char *text, ch_arena *arena, ch_strmap *options)
{
    CH_UNUSED(arena);
    char *next = strchr(text, '\n');
    if (next)
        *next++ = 0;
    if (ch_strmap_put(options, "url", text, NULL) != CH_OK)
        abort();
    for (char *line = next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = 0;
        char *value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = 0;
        if (strcasecmp(line, "url") != 0 && ch_strmap_put(options, line, value, NULL) != CH_OK)
            abort();
    }
}

/* No host answers. */
static ch_status nobody(ch_jdbc_conn *conn, const char *host, int port, ch_error *err)
{
    CH_UNUSED(conn);
    MUST(strlen(host) < 1 << 13);
    MUST(port > 0 && port < 65536);
    CH_FAIL(err, JDBC_CONNECTION, "url", host, "reason", "nobody is there");
}

/* What stands behind the options: hosts, strides, what is said of columns. */
static void use(const ch_jdbc_source *s, ch_arena *arena, ch_mem *mem)
{
    const ch_type *rows;
    const char *const *clause;
    ch_buf out;
    int32_t n;
    MUST(s->shown && !strstr(s->shown, SECRET));
    (void)!ch_jdbc_try_hosts(s, 1, nobody, NULL, NULL);
    if (ch_type_parse_ddl("a INT, b STRING, c DATE, d DECIMAL(38,3), e TIMESTAMP", &rows, NULL) !=
        CH_OK)
        abort();
    if (s->n_partitions < 1000)
        (void)!ch_jdbc_partitions(s, rows, false, arena, &clause, &n, NULL);
    ch_buf_init(&out, mem);
    for (int32_t c = 0; c < rows->n_fields; c++)
        for (int kind = CH_ITEM_KEY; kind <= CH_ITEM_SUM; kind++) {
            ch_scan_item item = {(ch_scan_item_kind)kind, c};
            if (ch_jdbc_aggregates(s, rows, &item))
                (void)!ch_jdbc_add_item(s, rows, &item, &out, NULL);
        }
    ch_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 1 << 12 || memmem(data, size, SECRET, strlen(SECRET))) /* told by the input itself */
        return 0;
    ch_mem *mem = ch_mem_new(NULL, "fuzz", (int64_t)1 << 30);
    ch_arena arena;
    ch_strmap options;
    ch_jdbc_source *source;
    ch_arena_init(&arena, mem);
    ch_strmap_init(&options, &arena, true);
    char *text = ch_arena_strn(&arena, (const char *)data, size, NULL);
    if (!text)
        abort();
    read_options(text, &arena, &options);
    ch_format_context ctx = {
        .time_zone = "Europe/Berlin", .n_slots = 1, .batch_rows = 100, .mem = mem};
    for (int writes = 0; writes < 2; writes++) {
        ch_error err = {0};
        if (ch_strmap_put(&options, "password", SECRET, NULL) != CH_OK)
            abort();
        if (ch_jdbc_source_of(&ctx, &options, writes, &arena, &source, &err) == CH_OK)
            use(source, &arena, mem);
        ch_error_release(&err);
    }
    ch_arena_release(&arena);
    MUST(ch_mem_used(mem) == 0);
    ch_mem_close(mem);
    return 0;
}
