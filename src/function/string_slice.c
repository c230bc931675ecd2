/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_slice.c - parts of strings and lengths: substring, left, right, trim, pad, length, reverse,
 * repeat, ...
 *
 * A part of a string needs no copy: its view points into the argument's text (share_slice).
 */
#include "column/textout.h"
#include "function/utf8.h"

/* ---- lengths ---- */

#define LENGTH(name, EXPR)                                                     \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        int32_t *r = (*out)->data;                                             \
        CH_UNUSED(err);                                                        \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            ch_str s = ch_column_str(call->arg[0], i);                         \
            r[i] = (int32_t)(EXPR);                                            \
        }                                                                      \
        return CH_OK;                                                          \
    }
LENGTH(eval_length, call->arg[0]->type->id == CH_BINARY ? s.len : ch_utf8_count(s))
LENGTH(eval_octet_length, s.len)
LENGTH(eval_bit_length, s.len * 8)

static int32_t ascii_of(ch_str s)
{
    int64_t i = 0;
    return s.len ? (int32_t)ch_utf8_next(s, &i) : 0;
}
LENGTH(eval_ascii, ascii_of(s))

/* ---- parts ---- */

/* Row i of out is `part`, which lies inside row i's string of `in`. */
static inline void share_slice(ch_column *out, int32_t base, const ch_column *in, int64_t row,
                               int64_t i, ch_str part)
{
    ch_view *r = (ch_view *)out->data + i;
    const ch_view *v = (const ch_view *)in->data + row;
    if (part.len <= CH_VIEW_INLINE) {
        ch_view small = ch_view_make(part.text, part.len, 0, 0);
        *r = small;
    } else {
        const char *begin = (const char *)in->text[v->buf]->data;
        *r = ch_view_make(part.text, part.len, base + v->buf, part.text - begin);
    }
}

typedef ch_str (*part_fn)(const ch_call *call, int64_t i, ch_str s);

static inline ch_status parts(const ch_call *call, ch_column *out, int32_t arg, part_fn part,
                              ch_error *err)
{
    const ch_column *in = call->arg[arg];
    int32_t base;
    CH_TRY(ch_column_share_text(out, in, &base, err));
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t row = in->encoding == CH_CONST ? 0 : i;
        share_slice(out, base, in, row, i, part(call, i, ch_column_str(in, row)));
    }
    return CH_OK;
}

#define PART(name, ARG, ...)                                                           \
    static ch_str name##_part(const ch_call *call, int64_t i, ch_str s)                \
        __VA_ARGS__ static ch_status eval_##name(const ch_call *call, ch_column **out, \
                                                 ch_error *err)                        \
    {                                                                                  \
        return parts(call, *out, ARG, name##_part, err);                               \
    }

static ch_str slice(const ch_call *call, ch_str s, int64_t from, int64_t until)
{
    if (call->result->id == CH_BINARY) {
        from = from < 0 ? 0 : from;
        until = until > s.len ? s.len : until;
        return until > from ? (ch_str){s.text + from, until - from} : (ch_str){"", 0};
    }
    return ch_utf8_slice(s, from, until);
}

/* Positions count from 1, from the end if negative; 0 is 1. */
PART(substring, 0, {
    int64_t pos = ch_arg_i32(call, 1, i);
    int64_t len = call->n_args > 2 ? ch_arg_i32(call, 2, i) : INT32_MAX;
    int64_t start = pos > 0 ? pos - 1 : 0;
    if (pos < 0)
        start = (call->result->id == CH_BINARY ? s.len : ch_utf8_count(s)) + pos;
    return slice(call, s, start, start + len);
})
PART(left, 0, { return slice(call, s, 0, ch_arg_i32(call, 1, i)); })
PART(right, 0, {
    int64_t n = ch_arg_i32(call, 1, i);
    if (n <= 0)
        return (ch_str){"", 0};
    int64_t len = call->result->id == CH_BINARY ? s.len : ch_utf8_count(s);
    return slice(call, s, len - n, len);
})

/* Is the character at s.text[at] one of `set`? */
static bool in_set(ch_str set, const char *p, int n)
{
    for (int64_t k = 0; k < set.len; k += ch_utf8_bytes(set.text[k]))
        if (k + n <= set.len && ch_utf8_bytes(set.text[k]) == n &&
            memcmp(set.text + k, p, (size_t)n) == 0)
            return true;
    return false;
}

static ch_str trim_text(ch_str s, ch_str set, bool head, bool tail)
{
    while (head && s.len) {
        int n = ch_utf8_bytes(s.text[0]);
        if (n > s.len || !in_set(set, s.text, n))
            break;
        s.text += n;
        s.len -= n;
    }
    while (tail && s.len) {
        int64_t from = s.len - 1;
        while (from > 0 && ((uint8_t)s.text[from] & 0xC0) == 0x80)
            from--;
        if (!in_set(set, s.text + from, (int)(s.len - from)))
            break;
        s.len = from;
    }
    return s;
}

/* trim(s), trim(characters, s): the string is the last argument. */
static ch_status trim_column(const ch_call *call, ch_column *out, part_fn part, ch_error *err)
{
    return parts(call, out, call->n_args - 1, part, err);
}
#define TRIM(name, HEAD, TAIL)                                                        \
    static ch_str name##_part(const ch_call *call, int64_t i, ch_str s)               \
    {                                                                                 \
        ch_str set = call->n_args > 1 ? ch_arg_str(call, 0, i) : (ch_str){" ", 1};    \
        return trim_text(s, set, HEAD, TAIL);                                         \
    }                                                                                 \
    static ch_status eval_##name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                                 \
        return trim_column(call, *out, name##_part, err);                             \
    }
TRIM(trim, true, true)
TRIM(ltrim, true, false)
TRIM(rtrim, false, true)

/* btrim(s [, characters]) */
PART(btrim, 0, {
    ch_str set = call->n_args > 1 ? ch_arg_str(call, 1, i) : (ch_str){" ", 1};
    return trim_text(s, set, true, true);
})

/* The part before the count-th separator; from the end if count is negative. */
PART(substring_index, 0, {
    ch_str sep = ch_arg_str(call, 1, i);
    int32_t count = ch_arg_i32(call, 2, i);
    if (count == 0 || sep.len == 0)
        return (ch_str){"", 0};
    if (count > 0) {
        int64_t at = -1;
        for (; count > 0; count--) {
            at = ch_str_find(s, sep, at + 1);
            if (at < 0)
                return s;
        }
        return (ch_str){s.text, at};
    }
    int64_t at = s.len - sep.len + 1;
    for (; count < 0; count++) {
        do
            at--;
        while (at >= 0 && memcmp(s.text + at, sep.text, (size_t)sep.len) != 0);
        if (at < 0)
            return s;
    }
    return (ch_str){s.text + at + sep.len, s.len - at - sep.len};
})

/* ---- made anew ---- */

static ch_status pad(const ch_call *call, ch_column *out, bool left, ch_error *err)
{
    ch_textout w;
    bool binary = call->result->id == CH_BINARY;
    ch_textout_init(&w, out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        ch_str with = call->n_args > 2 ? ch_arg_str(call, 2, i) : (ch_str){binary ? "\0" : " ", 1};
        int64_t want = ch_arg_i32(call, 1, i), have = binary ? s.len : ch_utf8_count(s);
        if (want <= have || with.len == 0) {
            ch_str part = slice(call, s, 0, want);
            CH_TRY(ch_textout_put(&w, i, part.text, part.len, err));
            continue;
        }
        int64_t more = want - have, n_with = binary ? with.len : ch_utf8_count(with);
        int64_t whole = more / n_with;
        ch_str last = slice(call, with, 0, more % n_with);
        int64_t pad_bytes = whole * with.len + last.len;
        char *room = ch_textout_room(&w, pad_bytes + s.len, err);
        if (!room)
            return CH_E_MEMORY;
        char *p = room;
        if (!left) {
            memcpy(p, s.text, (size_t)s.len);
            p += s.len;
        }
        for (int64_t k = 0; k < whole; k++, p += with.len)
            memcpy(p, with.text, (size_t)with.len);
        memcpy(p, last.text, (size_t)last.len);
        p += last.len;
        if (left)
            memcpy(p, s.text, (size_t)s.len);
        ch_textout_commit(&w, i, pad_bytes + s.len);
    }
    return CH_OK;
}

static ch_status eval_lpad(const ch_call *call, ch_column **out, ch_error *err)
{
    return pad(call, *out, true, err);
}

static ch_status eval_rpad(const ch_call *call, ch_column **out, ch_error *err)
{
    return pad(call, *out, false, err);
}

static ch_status eval_reverse(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        char *room = ch_textout_room(&w, s.len, err);
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len;) {
            int n = ch_utf8_bytes(s.text[k]);
            n = k + n > s.len ? (int)(s.len - k) : n;
            memcpy(room + s.len - k - n, s.text + k, (size_t)n);
            k += n;
        }
        ch_textout_commit(&w, i, s.len);
    }
    return CH_OK;
}

static ch_status eval_repeat(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i);
        int64_t times = ch_arg_i32(call, 1, i);
        if (!ch_is_valid(*out, i))
            times = 0;
        times = times < 0 ? 0 : times;
        char *room = ch_textout_room(&w, s.len * times, err);
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < times; k++)
            memcpy(room + k * s.len, s.text, (size_t)s.len);
        ch_textout_commit(&w, i, s.len * times);
    }
    return CH_OK;
}

static ch_status eval_space(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t n = ch_arg_i32(call, 0, i);
        n = n < 0 || !ch_is_valid(*out, i) ? 0 : n;
        char *room = ch_textout_room(&w, n, err);
        if (!room)
            return CH_E_MEMORY;
        memset(room, ' ', (size_t)n);
        ch_textout_commit(&w, i, n);
    }
    return CH_OK;
}

/* The character of code n mod 256; nothing for negative numbers. */
static ch_status eval_chr(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *x = call->arg[0]->data;
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        char text[4];
        int n = x[i] < 0 ? 0 : ch_utf8_put(text, (uint32_t)(x[i] & 0xFF));
        CH_TRY(ch_textout_put(&w, i, text, n, err));
    }
    return CH_OK;
}

/* overlay(s, with, pos [, len]) */
static ch_status eval_overlay(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), with = ch_arg_str(call, 1, i);
        int64_t pos = ch_arg_i32(call, 2, i);
        int64_t len = call->n_args > 3 ? ch_arg_i32(call, 3, i) : -1;
        if (len < 0)
            len = ch_utf8_count(with);
        ch_str head = ch_utf8_slice(s, 0, pos - 1);
        ch_str tail = ch_utf8_slice(s, pos - 1 + len, INT32_MAX);
        char *room = ch_textout_room(&w, head.len + with.len + tail.len, err);
        if (!room)
            return CH_E_MEMORY;
        memcpy(room, head.text, (size_t)head.len);
        memcpy(room + head.len, with.text, (size_t)with.len);
        memcpy(room + head.len + with.len, tail.text, (size_t)tail.len);
        ch_textout_commit(&w, i, head.len + with.len + tail.len);
    }
    return CH_OK;
}

/* Result type: binary for binary, else string. */
static ch_status bind_text_result(ch_bind *bind, ch_error *err)
{
    CH_UNUSED(err);
    bind->result = bind->arg_type[0]->id == CH_BINARY ? ch_type_of(CH_BINARY) : CH_T_STRING;
    return CH_OK;
}

#define PLAIN CH_FUNC_NULL_PROPAGATES
#define CONSTS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST
#define ROW(fn, signature, kernel, flag, text, ex, want)                          \
    {                                                                             \
        .name = fn, .sig = signature, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                   \
    }
#define TEXT_ROW(fn, signature, kernel, text, ex, want)                                          \
    {                                                                                            \
        .name = fn, .sig = signature, .bind = bind_text_result, .eval = kernel, .flags = CONSTS, \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                     \
    }

const ch_func ch_func_string_slice[] = {
    ROW("length", "text -> int", eval_length, PLAIN, "Characters of a string, bytes of a binary.",
        "length('Spark SQL ')", "10"),
    ROW("len", "text -> int", eval_length, PLAIN, "Characters of a string, bytes of a binary.",
        "len('Spark')", "5"),
    ROW("char_length", "text -> int", eval_length, PLAIN,
        "Characters of a string, bytes of a binary.", "char_length('Spark')", "5"),
    ROW("character_length", "text -> int", eval_length, PLAIN,
        "Characters of a string, bytes of a binary.", "character_length('Spark')", "5"),
    ROW("octet_length", "text -> int", eval_octet_length, PLAIN, "Bytes.", "octet_length('Spark')",
        "5"),
    ROW("bit_length", "text -> int", eval_bit_length, PLAIN, "Bits.", "bit_length('Spark')", "40"),
    ROW("ascii", "string -> int", eval_ascii, PLAIN, "Code of the first character, 0 if none.",
        "ascii('222')", "50"),
    TEXT_ROW("substring", "text, int[, int] -> string", eval_substring,
             "Part from a position (from 1, negative: from the end), of a length.",
             "substring('Spark SQL', 5, 1)", "k"),
    TEXT_ROW("substr", "text, int[, int] -> string", eval_substring,
             "Part from a position (from 1, negative: from the end), of a length.",
             "substr('Spark SQL', -3)", "SQL"),
    TEXT_ROW("left", "text, int -> string", eval_left, "The first n characters.",
             "left('Spark SQL', 3)", "Spa"),
    TEXT_ROW("right", "text, int -> string", eval_right, "The last n characters.",
             "right('Spark SQL', 3)", "SQL"),
    ROW("trim", "string[, string] -> string", eval_trim, CONSTS,
        "Without blanks, or the first argument's characters, at both ends.",
        "trim('    SparkSQL   ')", "SparkSQL"),
    ROW("ltrim", "string[, string] -> string", eval_ltrim, CONSTS,
        "Without blanks, or the first argument's characters, at the beginning.",
        "ltrim('    SparkSQL')", "SparkSQL"),
    ROW("rtrim", "string[, string] -> string", eval_rtrim, CONSTS,
        "Without blanks, or the first argument's characters, at the end.", "rtrim('SparkSQL   ')",
        "SparkSQL"),
    ROW("btrim", "string[, string] -> string", eval_btrim, CONSTS,
        "Without blanks, or the second argument's characters, at both ends.",
        "btrim('SSparkSQLS', 'SL')", "parkSQ"),
    ROW("substring_index", "string, string, int -> string", eval_substring_index, CONSTS,
        "The part before the n-th separator; negative: after it, from the end.",
        "substring_index('www.apache.org', '.', 2)", "www.apache"),
    TEXT_ROW("lpad", "text, int[, text] -> string", eval_lpad,
             "Filled up at the left, or cut, to n characters.", "lpad('hi', 5, 'ab')", "abahi"),
    TEXT_ROW("rpad", "text, int[, text] -> string", eval_rpad,
             "Filled up at the right, or cut, to n characters.", "rpad('hi', 5, 'ab')", "hiaba"),
    ROW("reverse", "string -> string", eval_reverse, PLAIN, "Back to front.",
        "reverse('Spark SQL')", "LQS krapS"),
    ROW("repeat", "string, int -> string", eval_repeat, CONSTS, "The string n times.",
        "repeat('123', 2)", "123123"),
    ROW("space", "int -> string", eval_space, CONSTS, "n blanks.", "concat(space(2), '1')", "  1"),
    ROW("chr", "bigint -> string", eval_chr, PLAIN, "The character of a code.", "chr(65)", "A"),
    ROW("char", "bigint -> string", eval_chr, PLAIN, "The character of a code.", "char(65)", "A"),
    ROW("overlay", "string, string, int[, int] -> string", eval_overlay, CONSTS,
        "The first with the second written over it from a position on.",
        "overlay('Spark SQL', '_', 6)", "Spark_SQL"),
    CH_FUNC_END,
};
