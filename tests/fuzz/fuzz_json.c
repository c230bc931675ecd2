/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_json.c - JSON text.
 *
 * The first byte chooses what is taken besides RFC 8259. What was read and is written again reads back
 * to the same text; rows of a fixed schema are made of it; no byte is left allocated.
 */
#include <stdlib.h>
#include <string.h>

#include "function/json_read.h"
#include "function/json_text.h"
#include "function/json_write.h"

#define SCHEMA                                                                                     \
    "struct<a:int,b:string,c:array<double>,d:map<string,decimal(10,2)>,e:struct<a:array<struct<x:" \
    "tinyint>>,b:binary>,f:timestamp,g:date,h:boolean,_corrupt_record:string>"

static void copy_again(const ch_json *json, uint32_t flags, ch_mem *mem)
{
    ch_buf first, second;
    ch_json again;
    bool ok;
    ch_error err = {0};
    ch_buf_init(&first, mem);
    ch_buf_init(&second, mem);
    ch_json_init(&again, mem);
    if (ch_json_copy(json, 0, &first, &err) == CH_OK &&
        ch_json_parse(&again, first.data, (int64_t)first.len, flags | CH_JSON_CONTROL_CHARS, &ok,
                      &err) == CH_OK) {
        if (!ok || ch_json_copy(&again, 0, &second, &err) != CH_OK || second.len != first.len ||
            memcmp(first.data, second.data, first.len) != 0)
            abort();
    }
    ch_json_release(&again);
    ch_buf_release(&first);
    ch_buf_release(&second);
    ch_error_release(&err);
}

static void make_rows(const char *text, int64_t len, uint32_t flags, ch_mem *mem)
{
    ch_func_context ctx = {.ansi = true, .time_zone = "UTC"};
    ch_json_options options = ch_json_options_default(&ctx);
    options.flags = flags;
    const ch_type *type;
    ch_json_rows *rows;
    ch_column *column = NULL;
    ch_error err = {0};
    bool good;
    if (ch_type_parse(SCHEMA, &type, &err) != CH_OK)
        abort();
    if (ch_json_rows_new(mem, type, &options, &ctx, &rows, &err) != CH_OK)
        abort();
    for (int k = 0; k < 2; k++)
        if (ch_json_rows_add(rows, text, len, &good, &err) != CH_OK && err.code != CH_E_MEMORY)
            abort();
    if (err.code == CH_OK && (ch_json_rows_finish(rows, &column, &err) != CH_OK ||
                              column->rows != 2 || column->child[0]->rows != 2))
        abort();
    ch_column_unref(column);
    ch_json_rows_free(rows);
    ch_error_release(&err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    char *text = malloc(size);
    ch_mem *mem = ch_mem_new(NULL, "fuzz", 64 << 20);
    ch_json json;
    bool ok;
    ch_error err = {0};
    uint32_t flags = data[0] & 0x7F;
    if (!text || !mem)
        abort();
    memcpy(text, data + 1, size - 1);
    ch_json_init(&json, mem);
    if (ch_json_parse(&json, text, (int64_t)size - 1, flags, &ok, &err) == CH_OK && ok)
        copy_again(&json, flags, mem);
    make_rows(text, (int64_t)size - 1, flags, mem);
    ch_json_release(&json);
    ch_error_release(&err);
    if (ch_mem_used(mem) != 0)
        abort();
    ch_mem_close(mem);
    free(text);
    return 0;
}
