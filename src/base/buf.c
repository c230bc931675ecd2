/* SPDX-License-Identifier: Apache-2.0 */
/* buf.c - growing bytes: capacity doubles, from 64. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ch_buf_init(ch_buf *buf, ch_mem *mem)
{
    *buf = (ch_buf){.mem = mem};
}

void ch_buf_release(ch_buf *buf)
{
    if (buf->data)
        ch_mem_free(buf->mem, buf->data, buf->cap);
    *buf = (ch_buf){.mem = buf->mem};
}

ch_status ch_buf_reserve(ch_buf *buf, size_t more, ch_error *err)
{
    if (more > SIZE_MAX / 8) /* a size gone wrong, which must not wrap */
        return ch_error_memory(err, ch_mem_name(buf->mem), INT64_MAX, ch_mem_limit(buf->mem));
    size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return CH_OK;
    size_t cap = buf->cap ? buf->cap * 2 : 64;
    while (cap < need)
        cap *= 2;
    char *data = ch_mem_alloc(buf->mem, cap, err);
    if (!data)
        return CH_E_MEMORY;
    if (buf->data) {
        memcpy(data, buf->data, buf->len);
        ch_mem_free(buf->mem, buf->data, buf->cap);
    }
    buf->data = data;
    buf->cap = cap;
    buf->data[buf->len] = 0;
    return CH_OK;
}

ch_status ch_buf_add(ch_buf *buf, const void *bytes, size_t len, ch_error *err)
{
    CH_TRY(ch_buf_reserve(buf, len, err));
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = 0;
    return CH_OK;
}

ch_status ch_buf_adds(ch_buf *buf, const char *text, ch_error *err)
{
    return ch_buf_add(buf, text, strlen(text), err);
}

ch_status ch_buf_addc(ch_buf *buf, char c, ch_error *err)
{
    return ch_buf_add(buf, &c, 1, err);
}

ch_status ch_buf_fill(ch_buf *buf, char c, size_t count, ch_error *err)
{
    CH_TRY(ch_buf_reserve(buf, count, err));
    memset(buf->data + buf->len, c, count);
    buf->len += count;
    buf->data[buf->len] = 0;
    return CH_OK;
}

ch_status ch_buf_printf(ch_buf *buf, ch_error *err, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    ch_status status = ch_buf_reserve(buf, (size_t)len, err); /* refuses a negative one */
    if (status == CH_OK && len > 0) {
        vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
        buf->len += (size_t)len;
    }
    va_end(again);
    return status;
}
