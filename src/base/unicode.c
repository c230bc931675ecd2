/* SPDX-License-Identifier: Apache-2.0 */
/* unicode.c - see unicode.h. */
#include "base/unicode.h"

#include <string.h>

#define IS_CONT(b) (((b)&0xC0) == 0x80)

int ch_utf8_step(const char *text, int64_t len, bool *ok)
{
    const uint8_t *p = (const uint8_t *)text;
    uint8_t b = p[0];
    *ok = true;
    if (b < 0x80)
        return 1;
    *ok = false;
    if (b < 0xC2 || b > 0xF4)
        return 1;
    if (len < 2 || !IS_CONT(p[1]))
        return 1;
    if (b < 0xE0) {
        *ok = true;
        return 2;
    }
    if (b < 0xF0) {
        if (b == 0xE0 && p[1] < 0xA0)
            return 1;
        if (len < 3 || !IS_CONT(p[2]))
            return 2;
        *ok = !(b == 0xED && p[1] >= 0xA0); /* half of a surrogate pair */
        return 3;
    }
    if ((b == 0xF0 && p[1] < 0x90) || (b == 0xF4 && p[1] > 0x8F))
        return 1;
    if (len < 3 || !IS_CONT(p[2]))
        return 2;
    if (len < 4 || !IS_CONT(p[3]))
        return 3;
    *ok = true;
    return 4;
}

/* Where the first byte at or behind `at` is that is no ASCII, or a little before. */
static int64_t skip_ascii(const char *text, int64_t at, int64_t len)
{
    uint64_t w;
    for (; at + 8 <= len; at += 8) {
        memcpy(&w, text + at, 8);
        if (w & UINT64_C(0x8080808080808080))
            break;
    }
    return at;
}

bool ch_utf8_is_valid(const char *text, int64_t len)
{
    bool ok = true;
    for (int64_t at = 0; ok && (at = skip_ascii(text, at, len)) < len;)
        at += ch_utf8_step(text + at, len - at, &ok);
    return ok;
}

ch_status ch_utf8_repair(const char *text, int64_t len, ch_buf *out, ch_error *err)
{
    int64_t start = 0, at = 0;
    while ((at = skip_ascii(text, at, len)) < len) {
        bool ok;
        int64_t before = at;
        at += ch_utf8_step(text + at, len - at, &ok);
        if (ok)
            continue;
        CH_TRY(ch_buf_add(out, text + start, (size_t)(before - start), err));
        CH_TRY(ch_buf_adds(out, "\xEF\xBF\xBD", err));
        start = at;
    }
    return ch_buf_add(out, text + start, (size_t)(len - start), err);
}
