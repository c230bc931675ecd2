/* SPDX-License-Identifier: Apache-2.0 */
/* utf8.h - characters of UTF-8 text, counted as Spark does: by lead bytes, valid or not. */
#ifndef CH_FUNCTION_UTF8_H
#define CH_FUNCTION_UTF8_H

#include "base/unicode.h"
#include "function/support.h"
#include "kernel/find.h"

/* Bytes of the character that begins with this byte. */
static inline int ch_utf8_bytes(char lead)
{
    uint8_t b = (uint8_t)lead;
    return b < 0x80 ? 1 : b < 0xC2 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : b < 0xF5 ? 4 : 1;
}
static inline bool ch_is_ascii(ch_str s)
{
    int64_t i = 0;
    uint64_t all = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t w;
        memcpy(&w, s.text + i, 8);
        all |= w;
    }
    for (; i < s.len; i++)
        all |= (uint64_t)(uint8_t)s.text[i];
    return !(all & UINT64_C(0x8080808080808080));
}
static inline int64_t ch_utf8_count(ch_str s)
{
    int64_t n = 0;
    if (ch_is_ascii(s))
        return s.len;
    for (int64_t i = 0; i < s.len; i += ch_utf8_bytes(s.text[i]))
        n++;
    return n;
}
/* Byte position of character n, or len. */
static inline int64_t ch_utf8_offset(ch_str s, int64_t n)
{
    int64_t i = 0;
    for (; n > 0 && i < s.len; n--)
        i += ch_utf8_bytes(s.text[i]);
    return i < s.len ? i : s.len;
}
/* The character at s.text[*i], moving *i past it; malformed bytes give themselves. */
static inline uint32_t ch_utf8_next(ch_str s, int64_t *i)
{
    uint8_t b = (uint8_t)s.text[*i];
    int n = ch_utf8_bytes(s.text[*i]);
    uint32_t c = n == 1 ? b : n == 2 ? b & 0x1F : n == 3 ? b & 0x0F : b & 0x07;
    if (*i + n > s.len)
        n = 1;
    for (int k = 1; k < n; k++)
        c = c << 6 | ((uint8_t)s.text[*i + k] & 0x3F);
    *i += n;
    return c;
}

/* s cut to characters [from, until). */
static inline ch_str ch_utf8_slice(ch_str s, int64_t from, int64_t until)
{
    from = from < 0 ? 0 : from;
    if (until <= from)
        return (ch_str){"", 0};
    if (ch_is_ascii(s)) {
        from = from < s.len ? from : s.len;
        until = until < s.len ? until : s.len;
        return (ch_str){s.text + from, until - from};
    }
    int64_t a = ch_utf8_offset(s, from);
    ch_str rest = {s.text + a, s.len - a};
    return (ch_str){rest.text, ch_utf8_offset(rest, until - from)};
}

/* First place of what in s at or after byte `from`; -1. */
static inline int64_t ch_str_find(ch_str s, ch_str what, int64_t from)
{
    if (what.len == 0)
        return from <= s.len ? from : -1;
    if (from + what.len > s.len)
        return -1;
    int64_t at = ch_find(s.text + from, s.len - from, what.text, what.len);
    return at < 0 ? -1 : from + at;
}

/* Text of argument a in row i, FLAT or CONST. */
static inline ch_str ch_arg_str(const ch_call *call, int32_t a, int64_t i)
{
    const ch_column *c = call->arg[a];
    return ch_column_str(c, c->encoding == CH_CONST ? 0 : i);
}
static inline int32_t ch_arg_i32(const ch_call *call, int32_t a, int64_t i)
{
    const ch_column *c = call->arg[a];
    return ((const int32_t *)c->data)[c->encoding == CH_CONST ? 0 : i];
}

/* Small letters; writes up to 3 * s.len bytes and says how many (string_case.c). */
int64_t ch_lower(ch_str s, char *out);

#endif
