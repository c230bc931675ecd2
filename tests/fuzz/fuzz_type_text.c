/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_type_text.c - type strings and table schemas.
 *
 * A type that was read prints as text that reads back as the same type; types are unique, so the same pointer.
 * Comments with a backslash are excepted: Spark's text does not escape it either.
 */
#include <stdlib.h>
#include <string.h>

#include "type/type.h"

static void check(const char *text, ch_mem *mem,
                  ch_status (*parse)(const char *, const ch_type **, ch_error *))
{
    ch_error err = {0};
    const ch_type *type, *again;
    ch_buf out;
    ch_buf_init(&out, mem);
    if (parse(text, &type, &err) == CH_OK) {
        if (ch_type_print_sql(type, &out, &err) == CH_OK && !strchr(out.data, '\\') &&
            (ch_type_parse(out.data, &again, &err) != CH_OK || again != type))
            abort();
        ch_buf_reset(&out);
        if (ch_type_print(type, &out, &err) != CH_OK && err.code != CH_E_MEMORY)
            abort();
    }
    ch_buf_release(&out);
    ch_error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    ch_mem *mem = ch_mem_new(NULL, "fuzz", 64 << 20);
    if (!text || !mem)
        abort();
    memcpy(text, data, size);
    text[size] = 0;
    check(text, mem, ch_type_parse);
    check(text, mem, ch_type_parse_ddl);
    if (ch_mem_used(mem) != 0)
        abort();
    ch_mem_close(mem);
    free(text);
    return 0;
}
