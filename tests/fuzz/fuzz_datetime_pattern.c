/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_datetime_pattern.c - a pattern, a newline, and text to be read with it.
 *
 * Whatever a pattern reads it can also print, within the bytes it promised.
 */
#include <stdlib.h>
#include <string.h>

#include "type/datetime.h"

static void print_and_read(const ch_pattern *pattern, int64_t us)
{
    int most = ch_pattern_max_bytes(pattern);
    char *out = malloc((size_t)most);
    if (!out)
        return;
    int n = ch_pattern_format(pattern, us, &ch_zone_utc, out);
    if (n > most)
        __builtin_trap();
    int64_t again;
    ch_pattern_parse(pattern, out, n, &ch_zone_utc, &again);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', size);
    size_t pattern_len = line ? (size_t)(line - data) : size;
    size_t text_len = line ? size - pattern_len - 1 : 0;
    char *text = malloc(text_len ? text_len : 1);
    ch_mem *mem = ch_mem_new(NULL, "fuzz", 64 << 20);
    if (!text || !mem)
        abort();
    if (text_len)
        memcpy(text, line + 1, text_len);

    ch_arena arena;
    ch_arena_init(&arena, mem);
    for (int for_parsing = 0; for_parsing <= 1; for_parsing++) {
        ch_error err = {0};
        const ch_pattern *pattern;
        if (ch_pattern_compile((const char *)data, (int64_t)pattern_len, for_parsing, &arena,
                               &pattern, &err) == CH_OK) {
            int64_t us;
            int32_t days;
            if (for_parsing) {
                ch_pattern_parse_ntz(pattern, text, (int64_t)text_len, &us);
                ch_pattern_parse_date(pattern, text, (int64_t)text_len, &days);
                if (ch_pattern_parse(pattern, text, (int64_t)text_len, &ch_zone_utc, &us))
                    print_and_read(pattern, us);
            }
            print_and_read(pattern, 1732163025123456);
            print_and_read(pattern, -62135596800000001);
        }
        ch_error_release(&err);
    }
    ch_arena_release(&arena);
    if (ch_mem_used(mem) != 0)
        abort();
    ch_mem_close(mem);
    free(text);
    return 0;
}
