/* SPDX-License-Identifier: Apache-2.0 */
/* python_put.h - numbers and texts as PySpark's workers read them: big-endian, with their length before them. */
#ifndef CH_PYTHON_PYTHON_PUT_H
#define CH_PYTHON_PYTHON_PUT_H

#include <string.h>

#include "python/python_task.h"
#include "type/type_json.h"

static inline ch_status ch_python_put_int(ch_buf *out, int32_t value, ch_error *err)
{
    uint32_t big = __builtin_bswap32((uint32_t)value);
    return ch_buf_add(out, &big, sizeof big, err);
}

static inline ch_status ch_python_put_long(ch_buf *out, int64_t value, ch_error *err)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    return ch_buf_add(out, &big, sizeof big, err);
}

static inline ch_status ch_python_put_bytes(ch_buf *out, const void *bytes, size_t len,
                                            ch_error *err)
{
    if (len > INT32_MAX)
        CH_FAIL(err, UNSUPPORTED, "feature", "More than 2 GiB for a Python function");
    CH_TRY(ch_python_put_int(out, (int32_t)len, err));
    return ch_buf_add(out, bytes, len, err);
}

static inline ch_status ch_python_put_text(ch_buf *out, const char *text, ch_error *err)
{
    return ch_python_put_bytes(out, text, strlen(text), err);
}

/* Where modules are found: the client's files, and archives in them. */
static inline ch_status ch_python_put_files(ch_buf *out, const ch_python_runtime *r, ch_error *err)
{
    CH_TRY(ch_python_put_text(out, r->files ? r->files : "", err));
    CH_TRY(ch_python_put_int(out, r->n_include, err));
    for (int32_t i = 0; i < r->n_include; i++)
        CH_TRY(ch_python_put_text(out, r->include[i], err));
    return CH_OK;
}

/* Broadcast variables: not encrypted, and none. */
static inline ch_status ch_python_put_broadcasts(ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, 0, err));
    return ch_python_put_int(out, 0, err);
}

/* Pairs of key and value, without their number. */
static inline ch_status ch_python_put_conf(ch_buf *out, const char *const *conf, int32_t n,
                                           ch_error *err)
{
    for (int32_t i = 0; i < 2 * n; i++)
        CH_TRY(ch_python_put_text(out, conf[i], err));
    return CH_OK;
}

/* An argument's name, if it has one. */
static inline ch_status ch_python_put_key(ch_buf *out, const char *key, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, key != NULL, err));
    return key ? ch_python_put_text(out, key, err) : CH_OK;
}

/* A type as JSON. */
static inline ch_status ch_python_put_type(ch_buf *out, const ch_type *type, ch_mem *mem,
                                           ch_error *err)
{
    ch_buf json;
    ch_buf_init(&json, mem);
    ch_status status = ch_type_print_json(type, &json, err);
    if (status == CH_OK)
        status = ch_python_put_bytes(out, json.data, json.len, err);
    ch_buf_release(&json);
    return status;
}

#endif
