/* SPDX-License-Identifier: Apache-2.0 */
/*
 * binary_text.c - bytes of text in a named format: to_binary, try_to_binary; base 32; try_url_decode.
 *
 * to_binary is strict where unbase64 is not: digits in groups of four, nothing behind the padding.
 */
#include <stdio.h>
#include <strings.h>

#include "codec/base64.h"
#include "column/textout.h"
#include "function/utf8.h"

static int hex_digit(char c)
{
    char low = (char)(c | 0x20);
    return c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

/* Each writes at most s.len + 1 bytes and says how many; -1: not in this format. */
typedef int64_t (*decode_fn)(ch_str s, char *out);

static int64_t decode_hex(ch_str s, char *out)
{
    char *q = out;
    int64_t k = s.len % 2; /* an odd first digit is a byte of its own */
    if (k && hex_digit(s.text[0]) < 0)
        return -1;
    if (k)
        *q++ = (char)hex_digit(s.text[0]);
    for (; k < s.len; k += 2) {
        int hi = hex_digit(s.text[k]), lo = hex_digit(s.text[k + 1]);
        if (hi < 0 || lo < 0)
            return -1;
        *q++ = (char)(hi << 4 | lo);
    }
    return q - out;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

static int64_t decode_base64(ch_str s, char *out)
{
    char *q = out;
    uint32_t v = 0;
    int64_t digits = 0, pads = 0;
    int bits = 0;
    for (int64_t k = 0; k < s.len; k++) {
        int d = ch_base64_digit(s.text[k]);
        if (is_blank(s.text[k]) && !pads) {
            continue;
        } else if (s.text[k] == '=') {
            if (++pads > 2)
                return -1;
            continue;
        } else if (d < 0 || pads) {
            return -1;
        }
        digits++;
        v = v << 6 | (uint32_t)d;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            *q++ = (char)(v >> bits);
        }
    }
    if (pads ? (digits + pads) % 4 : digits % 4 == 1)
        return -1;
    return q - out;
}

static int64_t decode_utf8(ch_str s, char *out)
{
    memcpy(out, s.text, (size_t)s.len);
    return s.len;
}

static const struct {
    const char *name, *shown;
    decode_fn decode;
} FORMAT[] = {{"hex", "HEX", decode_hex},
              {"base64", "BASE64", decode_base64},
              {"utf-8", "UTF-8", decode_utf8},
              {"utf8", "UTF-8", decode_utf8}};

static ch_status bind_to_binary(ch_bind *bind, ch_error *err)
{
    static const ch_scalar hex = {.v.str = {"hex", 3}};
    bool lenient = bind->func->name[0] == 't' && bind->func->name[1] == 'r';
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    for (int32_t i = 0; i < bind->n_args; i++)
        CH_TRY(ch_bind_cast(bind, i, CH_T_STRING, err));
    bind->result = ch_type_of(CH_BINARY);
    const ch_scalar *f = bind->n_args == 1 ? &hex : ch_bind_constant(bind, 1);
    if (!f)
        CH_FAIL(err, DATATYPE_MISMATCH_FOLDABLE, "sqlExpr", ch_bind_sql(bind), "inputName", "fmt",
                "inputType", "\"STRING\"", "inputExpr", ch_bind_arg_sql(bind, 1));
    bind->nullable |= lenient;
    if (f->is_null)
        return CH_OK;
    for (size_t i = 0; i < sizeof FORMAT / sizeof *FORMAT; i++)
        if ((int64_t)strlen(FORMAT[i].name) == f->v.str.len &&
            strncasecmp(FORMAT[i].name, f->v.str.text, (size_t)f->v.str.len) == 0)
            bind->data = (void *)(uintptr_t)&FORMAT[i];
    if (bind->data || lenient)
        return CH_OK;
    CH_FAIL(err, DATATYPE_INVALID_ARG, "sqlExpr", ch_bind_sql(bind), "inputName", "fmt",
            "requireType", "case-insensitive \"hex\", \"utf-8\", \"utf8\", or \"base64\"",
            "inputValue", ch_bind_arg_sql(bind, 1));
}

static ch_status eval_to_binary(const ch_call *call, ch_column **out, ch_error *err)
{
    size_t k = 0;
    bool lenient = call->func->name[0] == 't' && call->func->name[1] == 'r';
    while (k < sizeof FORMAT / sizeof *FORMAT && call->data != &FORMAT[k])
        k++;
    bool known = call->data != NULL;
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, s.len + 1, err);
        if (!room)
            return CH_E_MEMORY;
        int64_t n = known ? FORMAT[k].decode(s, room) : -1;
        if (n >= 0) {
            ch_textout_commit(&w, i, n);
            continue;
        }
        if (!lenient) {
            char text[128], fmt[16];
            snprintf(text, sizeof text, "'%.*s'", (int)(s.len < 120 ? s.len : 120), s.text);
            snprintf(fmt, sizeof fmt, "'%s'", known ? FORMAT[k].shown : "");
            CH_FAIL(err, CONVERSION_INVALID_INPUT, "str", text, "fmt", fmt, "targetType",
                    "\"BINARY\"", "suggestion", "`try_to_binary`");
        }
        CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* ---- base 32 ---- */

static ch_status eval_to_base32(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, (s.len + 4) / 5 * 8, err), *q = room;
        uint64_t v = 0;
        int bits = 0;
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len; k++) {
            v = v << 8 | (uint8_t)s.text[k];
            for (bits += 8; bits >= 5; bits -= 5)
                *q++ = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[v >> (bits - 5) & 31];
        }
        if (bits)
            *q++ = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[v << (5 - bits) & 31];
        while ((q - room) % 8)
            *q++ = '=';
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

/* Other characters are passed over, small letters taken. */
static ch_status eval_from_base32(const ch_call *call, ch_column **out, ch_error *err)
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
            char c = s.text[k], low = (char)(c | 0x20);
            int d = low >= 'a' && low <= 'z' ? low - 'a' : c >= '2' && c <= '7' ? c - '2' + 26 : -1;
            if (d < 0)
                continue;
            v = v << 5 | (uint32_t)d;
            bits += 5;
            if (bits >= 8) {
                bits -= 8;
                *q++ = (char)(v >> bits);
            }
        }
        ch_textout_commit(&w, i, q - room);
    }
    return CH_OK;
}

/* ---- URLs ---- */

static ch_status eval_try_url_decode(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        char *room = ch_textout_room(&w, s.len, err), *q = room;
        bool bad = false;
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len && !bad; k++) {
            char c = s.text[k];
            if (c == '%') {
                int hi = k + 1 < s.len ? hex_digit(s.text[k + 1]) : -1;
                int lo = k + 2 < s.len ? hex_digit(s.text[k + 2]) : -1;
                bad = hi < 0 || lo < 0;
                c = (char)((hi & 15) << 4 | (lo & 15));
                k += 2;
            }
            *q++ = s.text[k] == '+' && c == '+' ? ' ' : c;
        }
        ch_textout_commit(&w, i, bad ? 0 : q - room);
        if (bad)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

#define CONSTS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST
#define ROW(fn, signature, kernel, flag, text, ex, want)                          \
    {                                                                             \
        .name = fn, .sig = signature, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.2"                   \
    }
#define BINARY(fn, flag, text, ex, want)                                                     \
    {                                                                                        \
        .name = fn, .bind = bind_to_binary, .eval = eval_to_binary,                          \
        .flags = CONSTS | CH_FUNC_MAKES_NULL | (flag), .doc = text, .example = "SELECT " ex, \
        .expect = want, .since = "0.2"                                                       \
    }

const ch_func ch_func_binary_text[] = {
    BINARY("to_binary", CH_FUNC_MAY_FAIL, "Bytes of hex (or base64 or utf-8) text.",
           "to_binary('abc', 'utf-8')", "abc"),
    BINARY("try_to_binary", 0, "Bytes of hex, base64 or utf-8 text; NULL if it is none.",
           "try_to_binary('a!', 'base64')", "NULL"),
    ROW("to_base32", "binary -> string", eval_to_base32, CONSTS, "Base 32.", "to_base32('Spark')",
        "KNYGC4TL"),
    ROW("from_base32", "string -> binary", eval_from_base32, CONSTS, "Bytes of base 32.",
        "from_base32('KNYGC4TL')", "Spark"),
    ROW("try_url_decode", "string -> string", eval_try_url_decode, CONSTS | CH_FUNC_MAKES_NULL,
        "Text of url_encode; NULL if it is none.",
        "try_url_decode('https%3A%2F%2Fspark.apache.org')", "https://spark.apache.org"),
    CH_FUNC_END,
};
