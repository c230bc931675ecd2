/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf.h - a growing run of bytes that one owner fills: text under construction,
 * a page being written.
 *
 * Invariants: len <= cap; data[len] is 0 once anything was added through the
 * text functions, so data may be used as a C string. After a failed call the
 * contents are as before it.
 */
#ifndef CH_BASE_BUF_H
#define CH_BASE_BUF_H

#include "base/mem.h"

typedef struct ch_buf {
    ch_mem *mem; /* borrowed */
    char *data;  /* owned; NULL while cap is 0 */
    size_t len, cap;
} ch_buf;

void ch_buf_init(ch_buf *buf, ch_mem *mem);
void ch_buf_release(ch_buf *buf);
static inline void ch_buf_reset(ch_buf *buf)
{
    buf->len = 0;
}

/* Room for `more` bytes after len, and one for the NUL. */
CH_NODISCARD ch_status ch_buf_reserve(ch_buf *buf, size_t more, ch_error *err);
CH_NODISCARD ch_status ch_buf_add(ch_buf *buf, const void *bytes, size_t len, ch_error *err);
CH_NODISCARD ch_status ch_buf_adds(ch_buf *buf, const char *text, ch_error *err);
CH_NODISCARD ch_status ch_buf_addc(ch_buf *buf, char c, ch_error *err);
/* count times the character c. */
CH_NODISCARD ch_status ch_buf_fill(ch_buf *buf, char c, size_t count, ch_error *err);
CH_NODISCARD ch_status ch_buf_printf(ch_buf *buf, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
