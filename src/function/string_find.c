/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_find.c - places in strings, and what is put there: instr, locate, startswith, contains,
 * endswith, replace, translate, concat, concat_ws, split_part, ...
 */
#include "column/textout.h"
#include "function/utf8.h"

#define TEST(name, EXPR)                                                       \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        uint64_t *bits = (*out)->data;                                         \
        CH_UNUSED(err);                                                        \
        ch_bits_fill(bits, call->rows, false);                                 \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            ch_str s = ch_arg_str(call, 0, i), t = ch_arg_str(call, 1, i);     \
            if (EXPR)                                                          \
                ch_bit_set(bits, i);                                           \
        }                                                                      \
        return CH_OK;                                                          \
    }
TEST(eval_startswith, t.len <= s.len && memcmp(s.text, t.text, (size_t)t.len) == 0)
TEST(eval_endswith, t.len <= s.len && memcmp(s.text + s.len - t.len, t.text, (size_t)t.len) == 0)
TEST(eval_contains, ch_str_find(s, t, 0) >= 0)

/* Character position from 1; 0: not found. */
static int32_t position(ch_str s, ch_str what, int64_t from_char)
{
    int64_t from = ch_utf8_offset(s, from_char);
    int64_t at = ch_str_find(s, what, from);
    return at < 0 ? 0 : (int32_t)ch_utf8_count((ch_str){s.text, at}) + 1;
}

static ch_status eval_instr(const ch_call *call, ch_column **out, ch_error *err)
{
    int32_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = position(ch_arg_str(call, 0, i), ch_arg_str(call, 1, i), 0);
    return CH_OK;
}

/* locate(what, s [, from]) */
static ch_status eval_locate(const ch_call *call, ch_column **out, ch_error *err)
{
    int32_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t from = call->n_args > 2 ? ch_arg_i32(call, 2, i) : 1;
        r[i] = from < 1 ? 0 : position(ch_arg_str(call, 1, i), ch_arg_str(call, 0, i), from - 1);
    }
    return CH_OK;
}

static ch_status eval_replace(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), what = ch_arg_str(call, 1, i);
        ch_str with = call->n_args > 2 ? ch_arg_str(call, 2, i) : (ch_str){"", 0};
        int64_t at = what.len ? ch_str_find(s, what, 0) : -1, n = 0;
        if (at < 0) {
            CH_TRY(ch_textout_put(&w, i, s.text, s.len, err));
            continue;
        }
        for (int64_t k = at; k >= 0; k = ch_str_find(s, what, k + what.len))
            n++;
        int64_t len = s.len + n * (with.len - what.len), from = 0;
        char *room = ch_textout_room(&w, len, err), *p = room;
        if (!room)
            return CH_E_MEMORY;
        for (; at >= 0; at = ch_str_find(s, what, from)) {
            memcpy(p, s.text + from, (size_t)(at - from));
            p += at - from;
            memcpy(p, with.text, (size_t)with.len);
            p += with.len;
            from = at + what.len;
        }
        memcpy(p, s.text + from, (size_t)(s.len - from));
        ch_textout_commit(&w, i, len);
    }
    return CH_OK;
}

/* Characters of `from` become those of `to` at the same place, or vanish. */
static ch_status eval_translate(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), from = ch_arg_str(call, 1, i),
               to = ch_arg_str(call, 2, i);
        char *room = ch_textout_room(&w, s.len * 4, err), *p = room;
        if (!room)
            return CH_E_MEMORY;
        for (int64_t k = 0; k < s.len;) {
            int64_t begin = k, at = 0, t = 0;
            uint32_t c = ch_utf8_next(s, &k);
            bool found = false;
            while (at < from.len && !found) {
                found = ch_utf8_next(from, &at) == c;
                if (!found && t < to.len)
                    (void)ch_utf8_next(to, &t);
                else if (!found)
                    t = to.len + 1;
            }
            if (!found) {
                memcpy(p, s.text + begin, (size_t)(k - begin));
                p += k - begin;
            } else if (t < to.len) {
                p += ch_utf8_put(p, ch_utf8_next(to, &t));
            }
        }
        ch_textout_commit(&w, i, p - room);
    }
    return CH_OK;
}

/* ---- concat ---- */

static ch_status eval_concat(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        int64_t len = 0;
        for (int32_t a = 0; a < call->n_args; a++)
            len += ch_arg_str(call, a, i).len;
        char *room = ch_textout_room(&w, len, err), *p = room;
        if (!room)
            return CH_E_MEMORY;
        for (int32_t a = 0; a < call->n_args; a++) {
            ch_str s = ch_arg_str(call, a, i);
            memcpy(p, s.text, (size_t)s.len);
            p += s.len;
        }
        ch_textout_commit(&w, i, len);
    }
    return CH_OK;
}

/* Strings, or binaries if all are; arrays are another row's business. */
static ch_status bind_concat(ch_bind *bind, ch_error *err)
{
    bool binary = bind->n_args > 0;
    for (int32_t i = 0; i < bind->n_args; i++) {
        if (bind->arg_type[i]->id == CH_ARRAY)
            return ch_bind_wrong_type(bind, i, "STRING\" or \"BINARY", err);
        binary &= bind->arg_type[i]->id == CH_BINARY;
    }
    const ch_type *t = binary ? ch_type_of(CH_BINARY) : CH_T_STRING;
    for (int32_t i = 0; i < bind->n_args; i++)
        CH_TRY(ch_bind_cast(bind, i, t, err));
    bind->result = t;
    return CH_OK;
}

/* concat_ws(sep, string or array of strings, ...): NULLs are left out. */
static ch_status bind_concat_ws(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1)
        return ch_bind_count(bind, "> 0", err);
    for (int32_t i = 0; i < bind->n_args; i++) {
        if (i > 0 && bind->arg_type[i]->id == CH_ARRAY)
            bind->arg_type[i] = ch_type_array(CH_T_STRING, bind->arg_type[i]->field[0].nullable);
        else
            CH_TRY(ch_bind_cast(bind, i, CH_T_STRING, err));
    }
    bind->result = CH_T_STRING;
    bind->nullable = bind->arg_nullable[0];
    return CH_OK;
}

static ch_status add_part(ch_buf *buf, ch_str sep, bool *first, ch_str s, ch_error *err)
{
    if (!*first)
        CH_TRY(ch_buf_add(buf, sep.text, (size_t)sep.len, err));
    *first = false;
    return ch_buf_add(buf, s.text, (size_t)s.len, err);
}

static ch_status eval_concat_ws(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(call->arg[0], i)) {
            ch_textout_empty(&w, i);
            CH_TRY_OUT(ch_set_null(*out, i, err));
            continue;
        }
        ch_str sep = ch_arg_str(call, 0, i);
        bool first = true;
        ch_buf_reset(&buf);
        for (int32_t a = 1; a < call->n_args; a++) {
            const ch_column *c = call->arg[a];
            if (ch_column_is_null(c, i))
                continue;
            if (c->type->id != CH_ARRAY) {
                CH_TRY_OUT(add_part(&buf, sep, &first, ch_arg_str(call, a, i), err));
                continue;
            }
            const int32_t *offset = (const int32_t *)c->data + (c->encoding == CH_CONST ? 0 : i);
            const ch_column *item = c->child[0];
            for (int32_t k = offset[0]; k < offset[1]; k++)
                if (!ch_column_is_null(item, k))
                    CH_TRY_OUT(add_part(
                        &buf, sep, &first,
                        ch_column_str(ch_column_values(item), ch_column_slot(item, k)), err));
        }
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    return status;
}

/* The n-th part (from 1, from the end if negative) between separators; '' if there is none. */
static ch_status eval_split_part(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), sep = ch_arg_str(call, 1, i), part = {"", 0};
        int32_t n = ch_arg_i32(call, 2, i);
        if (n == 0 && ch_is_valid(*out, i))
            CH_FAIL(err, INVALID_INDEX_OF_ZERO);
        int64_t parts = 1;
        if (sep.len)
            for (int64_t at = ch_str_find(s, sep, 0); at >= 0;
                 at = ch_str_find(s, sep, at + sep.len))
                parts++;
        int64_t want = n < 0 ? parts + n : n - 1;
        if (want >= 0 && want < parts) {
            int64_t from = 0, at;
            for (; want > 0; want--)
                from = ch_str_find(s, sep, from) + sep.len;
            at = sep.len ? ch_str_find(s, sep, from) : -1;
            part = (ch_str){s.text + from, (at < 0 ? s.len : at) - from};
        }
        CH_TRY(ch_textout_put(&w, i, part.text, part.len, err));
    }
    return CH_OK;
}

/* Position of s in a list separated by commas; 0 if it is not there or has a comma itself. */
static ch_status eval_find_in_set(const ch_call *call, ch_column **out, ch_error *err)
{
    int32_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_arg_str(call, 0, i), set = ch_arg_str(call, 1, i);
        r[i] = 0;
        if (s.len && memchr(s.text, ',', (size_t)s.len))
            continue;
        int32_t n = 1;
        for (int64_t from = 0; from <= set.len && !r[i]; n++) {
            int64_t at = ch_str_find(set, (ch_str){",", 1}, from);
            at = at < 0 ? set.len : at;
            if (at - from == s.len && memcmp(set.text + from, s.text, (size_t)s.len) == 0)
                r[i] = n;
            from = at + 1;
        }
    }
    return CH_OK;
}

#define CONSTS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST
#define ROW(fn, signature, kernel, text, ex, want)                                  \
    {                                                                               \
        .name = fn, .sig = signature, .eval = kernel, .flags = CONSTS, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                     \
    }

const ch_func ch_func_string_find[] = {
    ROW("startswith", "text, text -> boolean", eval_startswith, "Does it begin with the second?",
        "startswith('Spark SQL', 'Spark')", "true"),
    ROW("endswith", "text, text -> boolean", eval_endswith, "Does it end with the second?",
        "endswith('Spark SQL', 'SQL')", "true"),
    ROW("contains", "text, text -> boolean", eval_contains, "Is the second part of the first?",
        "contains('Spark SQL', 'park')", "true"),
    ROW("instr", "string, string -> int", eval_instr,
        "Position of the second in the first, from 1; 0 if it is not there.",
        "instr('SparkSQL', 'SQL')", "6"),
    ROW("locate", "string, string[, int] -> int", eval_locate,
        "Position of the first in the second, from a position on; 0 if it is not there.",
        "locate('bar', 'foobarbar', 5)", "7"),
    ROW("position", "string, string[, int] -> int", eval_locate,
        "Position of the first in the second, from a position on; 0 if it is not there.",
        "position('bar', 'foobarbar')", "4"),
    ROW("charindex", "string, string[, int] -> int", eval_locate,
        "Position of the first in the second, from a position on; 0 if it is not there.",
        "charindex('bar', 'foobarbar')", "4"),
    ROW("replace", "string, string[, string] -> string", eval_replace,
        "All places of the second replaced by the third.", "replace('ABCabc', 'abc', 'DEF')",
        "ABCDEF"),
    ROW("translate", "string, string, string -> string", eval_translate,
        "Characters of the second argument replaced by those of the third.",
        "translate('AaBbCc', 'abc', '123')", "A1B2C3"),
    {.name = "concat",
     .bind = bind_concat,
     .eval = eval_concat,
     .flags = CONSTS,
     .doc = "All arguments, one behind the other.",
     .example = "SELECT concat('Spark', 'SQL')",
     .expect = "SparkSQL",
     .since = "0.1"},
    {.name = "||",
     .bind = bind_concat,
     .eval = eval_concat,
     .flags = CONSTS | CH_FUNC_INTERNAL,
     .doc = "Both, one behind the other.",
     .example = "SELECT 'Spark' || 'SQL'",
     .expect = "SparkSQL",
     .since = "0.1"},
    {.name = "concat_ws",
     .bind = bind_concat_ws,
     .eval = eval_concat_ws,
     .flags = CH_FUNC_TAKES_CONST,
     .doc = "All that is not NULL, with a separator between.",
     .example = "SELECT concat_ws(' ', 'Spark', NULL, 'SQL')",
     .expect = "Spark SQL",
     .since = "0.1"},
    ROW("split_part", "string, string, int -> string", eval_split_part,
        "The n-th part between separators.", "split_part('11.12.13', '.', 3)", "13"),
    ROW("find_in_set", "string, string -> int", eval_find_in_set,
        "Position of a string in a list with commas.", "find_in_set('ab', 'abc,b,ab,c,def')", "3"),
    CH_FUNC_END,
};
