/* SPDX-License-Identifier: Apache-2.0 */
/* string_encode.c - base64, unbase64, hex, unhex, bin, conv, encode, decode, url_encode, url_decode. */
#include <stdio.h>
#include <strings.h>

#include "codec/base64.h"
#include "column/textout.h"
#include "function/utf8.h"

static ch_status eval_base64(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, (int64_t)ch_base64_room((size_t)s.len), err);
        if (!room)
            return CH_E_MEMORY;
        ch_textout_commit(&w, i, (int64_t)ch_base64(room, s.text, (size_t)s.len, true));
    }
    return CH_OK;
}

/* Other characters are passed over, as Java's MIME decoder does. */
static ch_status eval_unbase64(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, s.len, err), *q = room;
        uint32_t v = 0;
        int bits = 0;
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len && s.text[k] != '='; k++) {
            int d = ch_base64_digit(s.text[k]);
            if (d < 0)
                continue;
            v = v << 6 | (uint32_t)d;
            bits += 6;
            if (bits >= 8) {
                bits -= 8;
                *q++ = (char)(v >> bits);
            }
        }
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

/* hex(number): without leading zeros; hex(text or binary): two digits per byte. */
static ch_status eval_hex(const ch_call *call, ch_column **out, ch_error *err)
{
    static const char digit[] = "0123456789ABCDEF";
    const ch_column *c = call->arg[0];
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        if (c->type->id == CH_LONG) {
            char text[20];
            int n = snprintf(text, sizeof text, "%llX",
                             (unsigned long long)((const int64_t *)c->data)[i]);
            CH_TRY(ch_textout_put(&w, i, text, n, err));
            continue;
        }
        ch_str s = ch_column_str(c, i);
        char *room = ch_textout_room(&w, 2 * s.len, err);
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len; k++) {
            room[2 * k] = digit[(uint8_t)s.text[k] >> 4];
            room[2 * k + 1] = digit[(uint8_t)s.text[k] & 15];
        }
        ch_textout_commit(&w, i, 2 * s.len);
    }
    return CH_OK;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

static ch_status eval_unhex(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, s.len / 2 + 1, err), *q = room;
        bool bad = false;
        if (!room)
            return CH_E_MEMORY;
        int64_t k = 0;
        if (s.len % 2) { /* an odd number: the first digit is a byte of its own */
            bad = hex_value(s.text[0]) < 0;
            *q++ = (char)hex_value(s.text[0]);
            k = 1;
        }
        for (; k < s.len && !bad; k += 2) {
            int hi = hex_value(s.text[k]), lo = hex_value(s.text[k + 1]);
            bad = hi < 0 || lo < 0;
            *q++ = (char)(hi << 4 | (lo & 15));
        }
        ch_textout_commit(&w, i, bad ? 0 : q - room);
        if (bad)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static ch_status eval_bin(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *x = call->arg[0]->data;
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        char text[64];
        uint64_t v = (uint64_t)x[i];
        int n = v ? 64 - __builtin_clzll(v) : 1;
        for (int k = 0; k < n; k++)
            text[k] = (char)('0' + (v >> (n - 1 - k) & 1));
        CH_TRY(ch_textout_put(&w, i, text, n, err));
    }
    return CH_OK;
}

/* conv(text, from base, to base): unsigned 64 bits; a negative target base prints signed. */
static ch_status eval_conv(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        int from = ch_arg_i32(call, 1, i), to = ch_arg_i32(call, 2, i);
        int base = to < 0 ? -to : to;
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        while (s.len && s.text[0] == ' ')
            s.text++, s.len--;
        while (s.len && s.text[s.len - 1] == ' ')
            s.len--;
        if (from < 2 || from > 36 || base < 2 || base > 36 || s.len == 0) {
            CH_TRY(ch_set_null(*out, i, err));
            continue;
        }
        bool negative = s.text[0] == '-', over = false;
        uint64_t v = 0;
        for (int64_t k = negative; k < s.len; k++) {
            char c = s.text[k], low = (char)(c | 0x20);
            int d = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'z' ? low - 'a' + 10 : 99;
            if (d >= from)
                break;
            over |= __builtin_mul_overflow(v, (uint64_t)from, &v) ||
                    __builtin_add_overflow(v, (uint64_t)d, &v);
        }
        if (over) {
            if (call->ctx->ansi)
                CH_FAIL(err, ARITHMETIC_OVERFLOW, "message", "Overflow in function conv()",
                        "alternative", "", "config", CH_CONFIG_ANSI);
            v = UINT64_MAX;
        }
        if (negative && to > 0)
            v = (int64_t)v < 0 ? UINT64_MAX : -v;
        bool minus = false;
        if (to < 0) {
            int64_t signed_v = negative ? -(int64_t)v : (int64_t)v;
            minus = signed_v < 0;
            v = minus ? -(uint64_t)signed_v : (uint64_t)signed_v;
        }
        char text[66];
        int at = 66;
        do
            text[--at] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[v % (uint64_t)base];
        while ((v /= (uint64_t)base));
        if (minus)
            text[--at] = '-';
        CH_TRY(ch_textout_put(&w, i, text + at, 66 - at, err));
    }
    return CH_OK;
}

static ch_status eval_url_encode(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, 3 * s.len, err), *q = room;
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len; k++) {
            uint8_t c = (uint8_t)s.text[k];
            if ((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                (c && strchr("-_.*", c))) {
                *q++ = (char)c;
            } else if (c == ' ') {
                *q++ = '+';
            } else {
                *q++ = '%';
                *q++ = "0123456789ABCDEF"[c >> 4];
                *q++ = "0123456789ABCDEF"[c & 15];
            }
        }
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

static ch_status eval_url_decode(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, s.len, err), *q = room;
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len; k++) {
            char c = s.text[k];
            if (c == '%') {
                int hi = k + 1 < s.len ? hex_value(s.text[k + 1]) : -1;
                int lo = k + 2 < s.len ? hex_value(s.text[k + 2]) : -1;
                if ((hi < 0 || lo < 0) && ch_is_valid(*out, i)) {
                    char text[128];
                    snprintf(text, sizeof text, "%.*s", (int)(s.len < 127 ? s.len : 127), s.text);
                    CH_FAIL(err, CANNOT_DECODE_URL, "url", text);
                }
                c = (char)((hi & 15) << 4 | (lo & 15));
                k += 2;
            } else if (c == '+') {
                c = ' ';
            }
            *q++ = c;
        }
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

/* encode(text, charset), decode(binary, charset): US-ASCII, ISO-8859-1, UTF-8, UTF-16 [BE | LE] */
typedef enum charset { ASCII, LATIN1, UTF8, UTF16BE, UTF16LE, UTF16, UNKNOWN } charset;

static charset charset_of(ch_str s)
{
    static const char *const names[] = {"US-ASCII", "ISO-8859-1", "UTF-8",
                                        "UTF-16BE", "UTF-16LE",   "UTF-16"};
    for (int i = 0; i < 6; i++)
        if ((int64_t)strlen(names[i]) == s.len && strncasecmp(names[i], s.text, (size_t)s.len) == 0)
            return (charset)i;
    return UNKNOWN;
}

static ch_status bad_charset(const ch_call *call, ch_str s, ch_error *err)
{
    char name[64], function[32];
    snprintf(name, sizeof name, "%.*s", (int)(s.len < 63 ? s.len : 63), s.text);
    snprintf(function, sizeof function, "`%s`", call->func->name);
    CH_FAIL(err, INVALID_CHARSET, "functionName", function, "parameter", "`charset`", "charsets",
            "US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16, UTF-32", "charset", name);
}

static char *put16(char *q, uint32_t unit, bool little)
{
    q[0] = (char)(little ? unit : unit >> 8);
    q[1] = (char)(little ? unit >> 8 : unit);
    return q + 2;
}

static ch_status eval_encode(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), name = ch_arg_str(call, 1, i);
        charset to = charset_of(name);
        char *room = ch_textout_room(&w, 4 * s.len + 2, err), *q = room;
        if (!room)
            return CH_E_MEMORY;
        if (to == UNKNOWN && ch_is_valid(*out, i))
            return bad_charset(call, name, err);
        if (to == UTF16)
            q = put16(q, 0xFEFF, false);
        for (int64_t k = 0; k < s.len;) {
            int64_t from = k;
            uint32_t c = ch_utf8_next(s, &k);
            if (to == UTF8) {
                memcpy(q, s.text + from, (size_t)(k - from));
                q += k - from;
            } else if (to <= LATIN1) {
                if (c > (to == ASCII ? 0x7FU : 0xFFU))
                    CH_FAIL(err, MALFORMED_CHARACTER_CODING, "function", "`encode`", "charset",
                            to == ASCII ? "US-ASCII" : "ISO-8859-1");
                *q++ = (char)c;
            } else if (c < 0x10000) {
                q = put16(q, c, to == UTF16LE);
            } else {
                q = put16(q, 0xD800 + ((c - 0x10000) >> 10), to == UTF16LE);
                q = put16(q, 0xDC00 + ((c - 0x10000) & 0x3FF), to == UTF16LE);
            }
        }
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

static ch_status eval_decode(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), name = ch_arg_str(call, 1, i);
        charset from = charset_of(name);
        char *room = ch_textout_room(&w, 2 * s.len + 4, err), *q = room;
        if (!room)
            return CH_E_MEMORY;
        if (from == UNKNOWN && ch_is_valid(*out, i))
            return bad_charset(call, name, err);
        if (from == UTF8) {
            memcpy(q, s.text, (size_t)s.len);
            q += s.len;
        } else if (from <= LATIN1) {
            for (int64_t k = 0; k < s.len; k++)
                q += ch_utf8_put(q, (uint8_t)s.text[k]);
        } else {
            const uint8_t *p = (const uint8_t *)s.text;
            bool little = from == UTF16LE;
            int64_t k = 0;
            if (from == UTF16 && s.len >= 2 && (p[0] ^ p[1]) == (0xFE ^ 0xFF)) {
                little = p[0] == 0xFF;
                k = 2;
            }
            for (; k + 1 < s.len; k += 2) {
                uint32_t c =
                    little ? p[k] | (uint32_t)p[k + 1] << 8 : p[k + 1] | (uint32_t)p[k] << 8;
                if (c >= 0xD800 && c < 0xDC00 && k + 3 < s.len) {
                    uint32_t d = little ? p[k + 2] | (uint32_t)p[k + 3] << 8
                                        : p[k + 3] | (uint32_t)p[k + 2] << 8;
                    c = 0x10000 + ((c - 0xD800) << 10) + (d & 0x3FF);
                    k += 2;
                }
                q += ch_utf8_put(q, c);
            }
        }
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

#define CONSTS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST
#define ROW(fn, signature, kernel, flag, text, ex, want)                          \
    {                                                                             \
        .name = fn, .sig = signature, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                   \
    }

const ch_func ch_func_string_encode[] = {
    ROW("base64", "binary -> string", eval_base64, CONSTS, "Base 64.", "base64('Spark SQL')",
        "U3BhcmsgU1FM"),
    ROW("unbase64", "string -> binary", eval_unbase64, CONSTS, "Bytes of base 64.",
        "unbase64('U3BhcmsgU1FM')", "Spark SQL"),
    ROW("hex", "bigint|binary|string -> string", eval_hex, CH_FUNC_NULL_PROPAGATES, "Hexadecimal.",
        "hex(17)", "11"),
    ROW("unhex", "string -> binary", eval_unhex, CONSTS | CH_FUNC_MAKES_NULL,
        "Bytes of hexadecimal; NULL if it is none.", "decode(unhex('537061726B2053514C'), 'UTF-8')",
        "Spark SQL"),
    ROW("bin", "bigint -> string", eval_bin, CH_FUNC_NULL_PROPAGATES, "Binary digits.", "bin(13)",
        "1101"),
    ROW("conv", "string, int, int -> string", eval_conv, CONSTS | CH_FUNC_MAKES_NULL,
        "A number of one base in another.", "conv('100', 2, 10)", "4"),
    ROW("url_encode", "string -> string", eval_url_encode, CONSTS, "As in a form's URL.",
        "url_encode('https://spark.apache.org')", "https%3A%2F%2Fspark.apache.org"),
    ROW("url_decode", "string -> string", eval_url_decode, CONSTS | CH_FUNC_MAY_FAIL,
        "Text of url_encode.", "url_decode('https%3A%2F%2Fspark.apache.org')",
        "https://spark.apache.org"),
    ROW("encode", "string, string -> binary", eval_encode, CONSTS | CH_FUNC_MAY_FAIL,
        "Bytes of text in a charset.", "encode('abc', 'utf-8')", "abc"),
    ROW("decode", "binary, string -> string", eval_decode, CONSTS | CH_FUNC_MAY_FAIL,
        "Text of bytes in a charset.", "decode(encode('abc', 'utf-8'), 'utf-8')", "abc"),
    CH_FUNC_END,
};
