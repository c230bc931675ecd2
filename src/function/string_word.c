/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_word.c - functions of words: soundex, levenshtein, luhn_check, mask, elt, quote, is_valid_utf8,
 * make_valid_utf8.
 */
#include <ctype.h>
#include <stdio.h>

#include "column/textout.h"
#include "function/utf8.h"

/* ---- soundex ---- */

static int sound_of(char c)
{
    static const char CODE[] = "01230127022455012623017202"; /* 7: H and W, which part nothing */
    c = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
    return c >= 'A' && c <= 'Z' ? CODE[c - 'A'] : 0;
}

static ch_status eval_soundex(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        if (s.len == 0 || !sound_of(s.text[0])) {
            CH_TRY(ch_textout_put(&w, i, s.text, s.len, err));
            continue;
        }
        char code[4] = {(char)(s.text[0] >= 'a' ? s.text[0] - 32 : s.text[0]), '0', '0', '0'};
        int last = sound_of(s.text[0]), n = 1;
        for (int64_t k = 1; k < s.len && n < 4; k++) {
            int sound = sound_of(s.text[k]);
            if (!sound) {
                last = '0';
            } else if (sound == '7') {
                continue;
            } else {
                if (sound != '0' && sound != last)
                    code[n++] = (char)sound;
                last = sound;
            }
        }
        CH_TRY(ch_textout_put(&w, i, code, 4, err));
    }
    return CH_OK;
}

/* ---- levenshtein(a, b [, threshold]) ---- */

static ch_status eval_levenshtein(const ch_call *call, ch_column **out, ch_error *err)
{
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_is_valid(*out, i))
            continue;
        ch_str a = ch_arg_str(call, 0, i), b = ch_arg_str(call, 1, i);
        int64_t na = ch_utf8_count(a), nb = ch_utf8_count(b);
        size_t bytes = sizeof(int32_t) * (size_t)(2 * nb + 2);
        int32_t *row = ch_mem_alloc(call->mem, bytes, err);
        if (!row)
            return CH_E_MEMORY;
        uint32_t *text = (uint32_t *)(row + nb + 1);
        int64_t at = 0;
        for (int64_t k = 0; k < nb; k++)
            text[k] = ch_utf8_next(b, &at);
        for (int64_t k = 0; k <= nb; k++)
            row[k] = (int32_t)k;
        at = 0;
        bool cancelled = false;
        for (int64_t j = 0; j < na && !cancelled; j++) {
            uint32_t c = ch_utf8_next(a, &at);
            cancelled = ch_func_cancelled(call->ctx);
            int32_t corner = row[0];
            row[0] = (int32_t)j + 1;
            for (int64_t k = 1; k <= nb; k++) {
                int32_t change = corner + (text[k - 1] != c);
                int32_t less = row[k] < row[k - 1] ? row[k] + 1 : row[k - 1] + 1;
                corner = row[k];
                row[k] = change < less ? change : less;
            }
        }
        r[i] = row[nb];
        ch_mem_free(call->mem, row, bytes);
        if (cancelled)
            CH_FAIL(err, CANCELLED);
        if (call->n_args > 2) {
            int32_t most = ch_arg_i32(call, 2, i);
            if (r[i] > most || most < 0)
                r[i] = -1;
        }
    }
    return CH_OK;
}

/* ---- luhn_check ---- */

static ch_status eval_luhn(const ch_call *call, ch_column **out, ch_error *err)
{
    CH_UNUSED(err);
    ch_bits_fill((*out)->data, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        int sum = 0;
        bool digits = s.len > 0;
        for (int64_t k = s.len - 1; k >= 0 && digits; k--) {
            int d = s.text[k] - '0';
            digits = d >= 0 && d <= 9;
            if ((s.len - 1 - k) % 2)
                d = d > 4 ? 2 * d - 9 : 2 * d;
            sum += d;
        }
        if (digits && sum % 10 == 0)
            ch_bit_set((*out)->data, i);
    }
    return CH_OK;
}

/* ---- mask(s [, upper [, lower [, digit [, other]]]]) ---- */

static ch_status bind_mask(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 5)
        return ch_bind_count(bind, "[1, 2, 3, 4, 5]", err);
    for (int32_t i = 0; i < bind->n_args; i++)
        CH_TRY(ch_bind_cast(bind, i, CH_T_STRING, err));
    bind->result = CH_T_STRING;
    bind->nullable = bind->arg_nullable[0];
    return CH_OK;
}

/* The character for a class; len 0: the text's own stays. */
static ch_str mask_of(const ch_call *call, int32_t arg, int64_t i)
{
    static const char *const DEFAULT[] = {"", "X", "x", "n", ""};
    if (arg >= call->n_args)
        return (ch_str){DEFAULT[arg], (int64_t)strlen(DEFAULT[arg])};
    if (ch_column_is_null(call->arg[arg], i))
        return (ch_str){"", 0};
    return ch_utf8_slice(ch_column_str(call->arg[arg], i), 0, 1);
}

static ch_status eval_mask(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (ch_column_is_null(call->arg[0], i)) {
            CH_TRY_OUT(ch_set_null(*out, i, err));
            continue;
        }
        ch_str s = ch_column_str(call->arg[0], i), by[5];
        for (int32_t a = 1; a < 5; a++)
            by[a] = mask_of(call, a, i);
        ch_buf_reset(&buf);
        for (int64_t k = 0; k < s.len;) {
            int n = ch_utf8_bytes(s.text[k]);
            if (k + n > s.len)
                n = 1;
            char c = s.text[k];
            ch_str to = by[c >= 'A' && c <= 'Z'   ? 1
                           : c >= 'a' && c <= 'z' ? 2
                           : c >= '0' && c <= '9' ? 3
                                                  : 4];
            CH_TRY_OUT(ch_buf_add(&buf, to.len ? to.text : s.text + k,
                                  to.len ? (size_t)to.len : (size_t)n, err));
            k += n;
        }
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    return status;
}

/* ---- elt(n, a, b, ...) ---- */

static ch_status bind_elt(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 2)
        return ch_bind_count(bind, "> 1", err);
    CH_TRY(ch_bind_cast(bind, 0, CH_T_INT, err));
    bool binary = true;
    for (int32_t i = 1; i < bind->n_args; i++)
        binary &= bind->arg_type[i]->id == CH_BINARY;
    for (int32_t i = 1; i < bind->n_args && !binary; i++)
        CH_TRY(ch_bind_cast(bind, i, CH_T_STRING, err));
    bind->result = bind->arg_type[1];
    bind->nullable = true;
    return CH_OK;
}

static ch_status eval_elt(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    const int32_t *n = call->arg[0]->data;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        bool null = ch_column_is_null(call->arg[0], i);
        bool in = !null && n[i] >= 1 && n[i] < call->n_args;
        if (!null && !in && call->ctx->ansi)
            CH_FAIL(err, INVALID_ARRAY_INDEX, "indexValue", CH_I64(n[i]), "arraySize",
                    CH_I64(call->n_args - 1), "ansiConfig", CH_CONFIG_ANSI);
        if (!in || ch_column_is_null(call->arg[n[i]], i)) {
            CH_TRY(ch_set_null(*out, i, err));
            continue;
        }
        ch_str s = ch_column_str(call->arg[n[i]], i);
        CH_TRY(ch_textout_put(&w, i, s.text, s.len, err));
    }
    return CH_OK;
}

/* ---- quote ---- */

static ch_status eval_quote(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        char *p = ch_textout_room(&w, 2 * s.len + 2, err), *q = p;
        if (!p)
            return CH_E_MEMORY;
        *q++ = '\'';
        for (int64_t k = 0; k < s.len; k++) {
            if (s.text[k] == '\'')
                *q++ = '\\';
            *q++ = s.text[k];
        }
        *q++ = '\'';
        ch_textout_commit(&w, i, q - p);
    }
    return CH_OK;
}

/* ---- UTF-8 ---- */

/* Bytes of the well-formed character at p; 0 if there is none. */
static int good_bytes(const uint8_t *p, int64_t left)
{
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xC2 && p[0] < 0xE0)
        return left > 1 && (p[1] & 0xC0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xE0 && p[0] < 0xF0) {
        uint8_t low = p[0] == 0xE0 ? 0xA0 : 0x80, high = p[0] == 0xED ? 0x9F : 0xBF;
        return left > 2 && p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 ? 3 : 0;
    }
    if (p[0] >= 0xF0 && p[0] < 0xF5) {
        uint8_t low = p[0] == 0xF0 ? 0x90 : 0x80, high = p[0] == 0xF4 ? 0x8F : 0xBF;
        return left > 3 && p[1] >= low && p[1] <= high && (p[2] & 0xC0) == 0x80 &&
                       (p[3] & 0xC0) == 0x80
                   ? 4
                   : 0;
    }
    return 0;
}

static bool is_good(ch_str s)
{
    for (int64_t k = 0, n; k < s.len; k += n)
        if (!(n = good_bytes((const uint8_t *)s.text + k, s.len - k)))
            return false;
    return true;
}

static ch_status eval_is_valid(const ch_call *call, ch_column **out, ch_error *err)
{
    CH_UNUSED(err);
    ch_bits_fill((*out)->data, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++)
        if (is_good(ch_column_str(call->arg[0], i)))
            ch_bit_set((*out)->data, i);
    return CH_OK;
}

/* validate_utf8, try_validate_utf8, make_valid_utf8 */
static ch_status eval_validate(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    char kind = call->func->name[0];
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        if (is_good(s)) {
            CH_TRY(ch_textout_put(&w, i, s.text, s.len, err));
            continue;
        }
        if (kind == 'v')
            CH_FAIL(err, INVALID_UTF8_STRING, "str", "the text");
        if (kind == 't') {
            CH_TRY(ch_set_null(*out, i, err));
            continue;
        }
        char *p = ch_textout_room(&w, 3 * s.len, err), *q = p;
        if (!p)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len;) {
            int n = good_bytes((const uint8_t *)s.text + k, s.len - k);
            if (n) {
                memcpy(q, s.text + k, (size_t)n);
                q += n;
                k += n;
            } else {
                q += ch_utf8_put(q, 0xFFFD);
                k++;
            }
        }
        ch_textout_commit(&w, i, q - p);
    }
    return CH_OK;
}

#define ROW(fn, signature, kernel, flag, text, ex, want)                                         \
    {                                                                                            \
        .name = fn, .sig = signature, .eval = kernel, .flags = CH_FUNC_NULL_PROPAGATES | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                     \
    }

const ch_func ch_func_string_word[] = {
    ROW("soundex", "string -> string", eval_soundex, 0, "How a name sounds: a letter and 3 digits.",
        "soundex('Miller')", "M460"),
    ROW("levenshtein", "string, string[, int] -> int", eval_levenshtein, CH_FUNC_TAKES_CONST,
        "Changes of characters between two texts; -1 above a threshold.",
        "levenshtein('kitten', 'sitting')", "3"),
    ROW("luhn_check", "string -> boolean", eval_luhn, 0, "Do the digits pass Luhn's check?",
        "luhn_check('8112189876')", "true"),
    {.name = "mask",
     .bind = bind_mask,
     .eval = eval_mask,
     .flags = CH_FUNC_MAKES_NULL,
     .parameters = "str, upperChar = 'X', lowerChar = 'x', digitChar = 'n', otherChar = NULL",
     .doc = "Letters and digits replaced.",
     .example = "SELECT mask('AbCD123-@$#')",
     .expect = "XxXXnnn-@$#",
     .since = "0.1"},
    {.name = "elt",
     .bind = bind_elt,
     .eval = eval_elt,
     .flags = CH_FUNC_MAY_FAIL | CH_FUNC_MAKES_NULL,
     .doc = "The n-th of the texts.",
     .example = "SELECT elt(1, 'scala', 'java')",
     .expect = "scala",
     .since = "0.1"},
    ROW("quote", "string -> string", eval_quote, 0, "In single quotes.", "quote('a')", "'a'"),
    ROW("is_valid_utf8", "string -> boolean", eval_is_valid, 0, "Is the text well-formed UTF-8?",
        "is_valid_utf8('Spark')", "true"),
    ROW("validate_utf8", "string -> string", eval_validate, CH_FUNC_MAY_FAIL,
        "The text, if it is well-formed UTF-8.", "validate_utf8('Spark')", "Spark"),
    ROW("try_validate_utf8", "string -> string", eval_validate, CH_FUNC_MAKES_NULL,
        "The text, if it is well-formed UTF-8, else NULL.", "try_validate_utf8('Spark')", "Spark"),
    ROW("make_valid_utf8", "string -> string", eval_validate, 0,
        "The text with U+FFFD for what is not UTF-8.", "make_valid_utf8('Spark')", "Spark"),
    CH_FUNC_END,
};
