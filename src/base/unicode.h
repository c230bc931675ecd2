/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.h - characters as UTF-8. */
#ifndef CH_BASE_UNICODE_H
#define CH_BASE_UNICODE_H

#include "base/buf.h"

/*
 * How many bytes of text[0..len) make up its first character; *ok is false when they are not
 * UTF-8, and then Java shows them as one U+FFFD. len >= 1.
 */
int ch_utf8_step(const char *text, int64_t len, bool *ok);

/* Is it UTF-8? Cost: ASCII eight bytes at a time. */
bool ch_utf8_is_valid(const char *text, int64_t len);
/* The text, with U+FFFD for what is no UTF-8, as in a Java string; added to out. */
CH_NODISCARD ch_status ch_utf8_repair(const char *text, int64_t len, ch_buf *out, ch_error *err);

/* Writes c, at most 0x1FFFFF, as UTF-8; gives the number of bytes, 4 at the most. */
static inline int ch_utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3F));
        out[2] = (char)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3F));
    out[2] = (char)(0x80 | (c >> 6 & 0x3F));
    out[3] = (char)(0x80 | (c & 0x3F));
    return 4;
}

#endif
