/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_regex.c - rlike, regexp_replace, regexp_extract and their kin, split, like, ilike.
 *
 * LIKE patterns of constants are sorted out once: equality, prefix, suffix, contains and the mix
 * of them need no regular expression; others match by backtracking over '%'.
 */
#include <stdio.h>

#include "column/textout.h"
#include "function/regex.h"
#include "function/utf8.h"

/* ---- rlike and friends ---- */

static ch_status eval_rlike(const ch_call *call, ch_column **out, ch_error *err)
{
    uint64_t *bits = (*out)->data;
    ch_bits_fill(bits, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_is_valid(*out, i))
            continue;
        CH_TRY(ch_regex_use(call->state, ch_arg_str(call, 1, i), call->func->name, err));
        if (ch_regex_find(call->state, ch_arg_str(call, 0, i), 0))
            ch_bit_set(bits, i);
    }
    return CH_OK;
}

/* Where to look next after a match [start, end): an empty match moves on one character. */
static int64_t after(ch_str s, int64_t start, int64_t end)
{
    if (end > start)
        return end;
    return end < s.len ? end + ch_utf8_bytes(s.text[end]) : s.len + 1;
}

/* Java's replacement: $1, ${name}, \x. */
static ch_status add_replacement(ch_regex *re, ch_str s, ch_str with, ch_buf *buf, ch_error *err)
{
    for (int64_t i = 0; i < with.len; i++) {
        char c = with.text[i];
        if (c == '\\' && i + 1 < with.len) {
            CH_TRY(ch_buf_addc(buf, with.text[++i], err));
            continue;
        }
        if (c != '$' || i + 1 >= with.len) {
            CH_TRY(ch_buf_addc(buf, c, err));
            continue;
        }
        int group = -1;
        if (with.text[i + 1] == '{') {
            char name[64];
            int64_t n = 0;
            for (i += 2; i < with.len && with.text[i] != '}'; i++)
                if (n < 63)
                    name[n++] = with.text[i];
            name[n] = 0;
            group = ch_regex_named(re, name);
        } else {
            while (i + 1 < with.len && with.text[i + 1] >= '0' && with.text[i + 1] <= '9') {
                int next = (group < 0 ? 0 : group) * 10 + (with.text[i + 1] - '0');
                if (group >= 0 && next > ch_regex_groups(re))
                    break;
                group = next;
                i++;
            }
        }
        if (group < 0 || group > ch_regex_groups(re)) {
            char text[32];
            snprintf(text, sizeof text, "No group %d", group);
            CH_FAIL(err, INVALID_PARAMETER_VALUE, "parameter", "`rep`", "functionName",
                    "`regexp_replace`", "invalidValue", text);
        }
        int64_t from, to;
        if (ch_regex_group(re, group, &from, &to))
            CH_TRY(ch_buf_add(buf, s.text + from, (size_t)(to - from), err));
    }
    return CH_OK;
}

/* regexp_replace(s, pattern, replacement [, from]) */
static ch_status eval_replace(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_regex *re = call->state;
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_is_valid(*out, i)) {
            ch_textout_empty(&w, i);
            continue;
        }
        ch_str s = ch_arg_str(call, 0, i), with = ch_arg_str(call, 2, i);
        int64_t at = call->n_args > 3 ? ch_utf8_offset(s, ch_arg_i32(call, 3, i) - 1) : 0;
        int64_t done = 0, from, to;
        CH_TRY_OUT(ch_regex_use(re, ch_arg_str(call, 1, i), call->func->name, err));
        ch_buf_reset(&buf);
        while (at <= s.len && ch_regex_find(re, s, at) && ch_regex_group(re, 0, &from, &to)) {
            CH_TRY_OUT(ch_buf_add(&buf, s.text + done, (size_t)(from - done), err));
            CH_TRY_OUT(add_replacement(re, s, with, &buf, err));
            done = to;
            at = after(s, from, to);
        }
        if (done < s.len)
            CH_TRY_OUT(ch_buf_add(&buf, s.text + done, (size_t)(s.len - done), err));
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    return status;
}

static ch_status bad_group(const ch_call *call, int group, ch_regex *re, ch_error *err)
{
    char name[80], text[64];
    snprintf(name, sizeof name, "`%s`", call->func->name);
    snprintf(text, sizeof text, "group %d, expected 0 to %d", group, ch_regex_groups(re));
    CH_FAIL(err, INVALID_PARAMETER_VALUE, "parameter", "`idx`", "functionName", name,
            "invalidValue", text);
}

/* regexp_extract(s, pattern [, group = 1]): '' where nothing matches. */
static ch_status eval_extract(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_regex *re = call->state;
    ch_textout w;
    bool substr = call->func->name[7] == 's'; /* regexp_substr: group 0, NULL if there is none */
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        ch_str s = ch_arg_str(call, 0, i);
        int group = substr ? 0 : call->n_args > 2 ? ch_arg_i32(call, 2, i) : 1;
        int64_t from, to;
        CH_TRY(ch_regex_use(re, ch_arg_str(call, 1, i), call->func->name, err));
        if (group < 0 || group > ch_regex_groups(re))
            return bad_group(call, group, re, err);
        bool found = ch_regex_find(re, s, 0);
        if (found && ch_regex_group(re, group, &from, &to))
            CH_TRY(ch_textout_put(&w, i, s.text + from, to - from, err));
        else if (!found && substr)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* regexp_count(s, pattern); regexp_instr(s, pattern): character position of the first match */
static ch_status eval_count(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_regex *re = call->state;
    int32_t *r = (*out)->data;
    bool instr = call->func->name[7] == 'i';
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        if (!ch_is_valid(*out, i))
            continue;
        ch_str s = ch_arg_str(call, 0, i);
        int64_t from, to;
        CH_TRY(ch_regex_use(re, ch_arg_str(call, 1, i), call->func->name, err));
        for (int64_t at = 0; at <= s.len && ch_regex_find(re, s, at);) {
            (void)ch_regex_group(re, 0, &from, &to);
            if (instr) {
                r[i] = (int32_t)ch_utf8_count((ch_str){s.text, from}) + 1;
                break;
            }
            r[i]++;
            at = after(s, from, to);
        }
    }
    return CH_OK;
}

/* ---- arrays of parts ---- */

/* A list column under construction: offsets, and the strings of all rows. */
typedef struct parts {
    ch_buf text; /* bytes of all parts */
    ch_buf ends; /* int64 end of each part */
    int64_t n;
} parts;

static ch_status add_part(parts *p, const char *text, int64_t len, ch_error *err)
{
    CH_TRY(ch_buf_add(&p->text, text, (size_t)len, err));
    int64_t end = (int64_t)p->text.len;
    p->n++;
    return ch_buf_add(&p->ends, &end, sizeof end, err);
}

static ch_status finish_parts(const ch_call *call, parts *p, ch_column *list, ch_error *err)
{
    ch_column *item;
    CH_TRY(ch_column_new(call->mem, CH_T_STRING, p->n, &item, err));
    list->child[0] = item;
    ch_textout w;
    ch_textout_init(&w, item);
    int64_t from = 0;
    for (int64_t k = 0; k < p->n; k++) {
        int64_t end;
        memcpy(&end, p->ends.data + k * (int64_t)sizeof end, sizeof end);
        CH_TRY(ch_textout_put(&w, k, p->text.data ? p->text.data + from : "", end - from, err));
        from = end;
    }
    return CH_OK;
}

static ch_status split_row(ch_regex *re, ch_str s, int32_t limit, bool by_char, parts *p,
                           ch_error *err)
{
    int64_t first = p->n, done = 0, at = 0, from, to;
    if (by_char) { /* an empty pattern: one part per character */
        for (; done < s.len; done = at) {
            at = done + ch_utf8_bytes(s.text[done]);
            at = at > s.len || (limit > 0 && p->n - first == limit - 1) ? s.len : at;
            CH_TRY(add_part(p, s.text + done, at - done, err));
        }
        return p->n == first ? add_part(p, "", 0, err) : CH_OK;
    }
    while (at <= s.len && (limit <= 0 || p->n - first < limit - 1) && ch_regex_find(re, s, at)) {
        (void)ch_regex_group(re, 0, &from, &to);
        at = after(s, from, to);
        if (to == 0 || (from == to && from >= s.len))
            continue; /* an empty match at the start makes no part */
        CH_TRY(add_part(p, s.text + done, from - done, err));
        done = to;
    }
    return add_part(p, s.text + done, s.len - done, err);
}

/* split(s, pattern [, limit]); regexp_extract_all(s, pattern [, group]) */
static ch_status eval_parts(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_regex *re = call->state;
    bool split = call->func->name[0] == 's';
    parts p = {0};
    ch_status status = CH_OK;
    ch_buf_init(&p.text, call->mem);
    ch_buf_init(&p.ends, call->mem);
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        offset[i + 1] = (int32_t)p.n;
        bool null = false;
        for (int32_t a = 0; a < call->n_args; a++)
            null |= ch_column_is_null(call->arg[a], i);
        if (null)
            continue;
        ch_str s = ch_arg_str(call, 0, i), pattern = ch_arg_str(call, 1, i);
        int32_t third = call->n_args > 2 ? ch_arg_i32(call, 2, i) : split ? -1 : 1;
        CH_TRY_OUT(ch_regex_use(re, pattern, call->func->name, err));
        if (split) {
            CH_TRY_OUT(split_row(re, s, third, pattern.len == 0 && s.len > 0, &p, err));
        } else {
            int64_t from, to;
            if (third < 0 || third > ch_regex_groups(re)) {
                status = bad_group(call, third, re, err);
                goto out;
            }
            for (int64_t at = 0; at <= s.len && ch_regex_find(re, s, at);) {
                (void)ch_regex_group(re, 0, &from, &to);
                at = after(s, from, to);
                bool in = ch_regex_group(re, third, &from, &to);
                CH_TRY_OUT(add_part(&p, in ? s.text + from : "", in ? to - from : 0, err));
            }
        }
        if (p.n > INT32_MAX) {
            status = ch_error_memory(err, "elements of one column", p.n, INT32_MAX);
            goto out;
        }
        offset[i + 1] = (int32_t)p.n;
    }
    status = finish_parts(call, &p, *out, err);
out:
    ch_buf_release(&p.text);
    ch_buf_release(&p.ends);
    return status;
}

/* ---- LIKE ---- */

typedef struct like_piece {
    int32_t at, len; /* in like_state.text */
} like_piece;

typedef struct like_state {
    ch_buf pattern;  /* the raw text below was made of */
    ch_buf text;     /* without escapes */
    ch_buf kind;     /* per byte of text: 0 itself, 1 any run (%), 2 any character (_) */
    ch_buf lower[2]; /* ilike: string and pattern in small letters */
    ch_buf pieces;   /* like_piece: the texts between the % */
    bool ready;
    bool any_one; /* has _ */
} like_state;

static ch_status like_open(const ch_call *call, void **state, ch_error *err)
{
    like_state *s = ch_mem_zalloc(call->mem, sizeof *s, err);
    *state = s;
    if (!s)
        return CH_E_MEMORY;
    ch_buf_init(&s->pattern, call->mem);
    ch_buf_init(&s->text, call->mem);
    ch_buf_init(&s->kind, call->mem);
    ch_buf_init(&s->pieces, call->mem);
    ch_buf_init(&s->lower[0], call->mem);
    ch_buf_init(&s->lower[1], call->mem);
    return CH_OK;
}

static void like_close(const ch_call *call, void *state)
{
    like_state *s = state;
    if (!s)
        return;
    ch_buf_release(&s->pattern);
    ch_buf_release(&s->text);
    ch_buf_release(&s->kind);
    ch_buf_release(&s->pieces);
    ch_buf_release(&s->lower[0]);
    ch_buf_release(&s->lower[1]);
    ch_mem_free(call->mem, s, sizeof *s);
}

static ch_status cut_pieces(like_state *st, ch_error *err)
{
    int32_t n = (int32_t)st->text.len, from = 0;
    ch_buf_reset(&st->pieces);
    for (int32_t i = 0; i <= n; i++) {
        if (i < n && st->kind.data[i] != 1)
            continue;
        like_piece piece = {from, i - from};
        CH_TRY(ch_buf_add(&st->pieces, &piece, sizeof piece, err));
        from = i + 1;
    }
    return CH_OK;
}

static ch_status like_use(like_state *st, ch_str pattern, char escape, ch_error *err)
{
    if (st->ready && (int64_t)st->pattern.len == pattern.len &&
        memcmp(st->pattern.data ? st->pattern.data : "", pattern.text, (size_t)pattern.len) == 0)
        return CH_OK;
    ch_buf_reset(&st->pattern);
    ch_buf_reset(&st->text);
    ch_buf_reset(&st->kind);
    st->ready = false;
    st->any_one = false;
    CH_TRY(ch_buf_add(&st->pattern, pattern.text, (size_t)pattern.len, err));
    for (int64_t i = 0; i < pattern.len; i++) {
        char c = pattern.text[i], kind = 0;
        if (c == escape) {
            char next = i + 1 < pattern.len ? pattern.text[i + 1] : 0;
            if (i + 1 >= pattern.len)
                CH_FAIL(err, LIKE_PATTERN_END, "format", st->pattern.data ? st->pattern.data : "");
            if ((next != '_' && next != '%' && next != escape)) {
                CH_FAIL(err, INVALID_LIKE_PATTERN, "pattern",
                        st->pattern.data ? st->pattern.data : "");
            }
            c = next;
            i++;
        } else if (c == '%') {
            kind = 1;
        } else if (c == '_') {
            kind = 2;
            st->any_one = true;
        }
        CH_TRY(ch_buf_addc(&st->text, c, err));
        CH_TRY(ch_buf_addc(&st->kind, kind, err));
    }
    CH_TRY(cut_pieces(st, err));
    st->ready = true;
    return CH_OK;
}

/* Greedy with one point to go back to: the last %. */
static bool like_match(const like_state *st, ch_str s)
{
    const char *t = st->text.data, *k = st->kind.data;
    int64_t n = (int64_t)st->text.len, i = 0, j = 0, back_j = -1, back_i = 0;
    while (i < s.len) {
        if (j < n && k[j] == 0 && t[j] == s.text[i]) {
            i++;
            j++;
        } else if (j < n && k[j] == 2) {
            i += ch_utf8_bytes(s.text[i]);
            j++;
        } else if (j < n && k[j] == 1) {
            back_j = ++j;
            back_i = i;
        } else if (back_j >= 0) {
            j = back_j;
            back_i += ch_utf8_bytes(s.text[back_i]);
            i = back_i;
        } else {
            return false;
        }
    }
    while (j < n && k[j] == 1)
        j++;
    return j == n && i == s.len;
}

/* Pieces between % without _: the first and last at the ends, each other one after the one before. */
static bool like_pieces(const like_state *st, ch_str s)
{
    const char *t = st->text.data;
    const like_piece *piece = (const like_piece *)(const void *)st->pieces.data;
    int64_t n = (int64_t)(st->pieces.len / sizeof *piece), from = piece[0].len;
    if (n == 1)
        return s.len == from && memcmp(s.text, t, (size_t)from) == 0;
    int64_t stop = s.len - piece[n - 1].len;
    if (from > stop || memcmp(s.text, t, (size_t)from) != 0 ||
        memcmp(s.text + stop, t + piece[n - 1].at, (size_t)piece[n - 1].len) != 0)
        return false;
    for (int64_t i = 1; i + 1 < n; i++) {
        int64_t at =
            ch_str_find((ch_str){s.text, stop}, (ch_str){t + piece[i].at, piece[i].len}, from);
        if (at < 0)
            return false;
        from = at + piece[i].len;
    }
    return true;
}

static ch_status small_letters(ch_buf *buf, ch_str *s, ch_error *err)
{
    ch_buf_reset(buf);
    CH_TRY(ch_buf_reserve(buf, (size_t)s->len * 3, err));
    s->len = ch_lower(*s, buf->data);
    s->text = buf->data;
    return CH_OK;
}

static bool likes(const like_state *st, ch_str s)
{
    return st->any_one ? like_match(st, s) : like_pieces(st, s);
}

/* One pattern for all rows. */
static ch_status like_constant(const ch_call *call, ch_column *out, ch_error *err)
{
    like_state *st = call->state;
    const ch_column *text = call->arg[0];
    uint64_t *bits = out->data;
    int64_t rows = text->encoding == CH_CONST ? (call->rows > 0) : call->rows;
    CH_TRY(like_use(st, ch_arg_str(call, 1, 0), '\\', err));
    for (int64_t i = 0; i < rows; i++)
        bits[i >> 6] |= (uint64_t)likes(st, ch_column_str(text, i)) << (i & 63);
    if (rows < call->rows)
        ch_bits_fill(bits, call->rows, bits[0] & 1);
    return CH_OK;
}

static ch_status eval_like(const ch_call *call, ch_column **out, ch_error *err)
{
    like_state *st = call->state;
    uint64_t *bits = (*out)->data;
    bool nocase = call->func->name[0] == 'i';
    ch_bits_fill(bits, call->rows, false);
    if (!nocase && call->n_args == 2 && call->arg[1]->encoding == CH_CONST && call->rows > 0 &&
        !ch_column_is_null(call->arg[1], 0))
        return like_constant(call, *out, err);
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_is_valid(*out, i))
            continue;
        ch_str escape = call->n_args > 2 ? ch_arg_str(call, 2, i) : (ch_str){"\\", 1};
        ch_str s = ch_arg_str(call, 0, i), pattern = ch_arg_str(call, 1, i);
        if (nocase) {
            CH_TRY(small_letters(&st->lower[0], &s, err));
            CH_TRY(small_letters(&st->lower[1], &pattern, err));
        }
        CH_TRY(like_use(st, pattern, escape.len ? escape.text[0] : '\\', err));
        if (likes(st, s))
            ch_bit_set(bits, i);
    }
    return CH_OK;
}

#define RE_FLAGS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST
#define ROW(fn, signature, kernel, flag, text, ex, want)                                           \
    {                                                                                              \
        .name = fn, .sig = signature, .eval = kernel, .open = ch_regex_open,                       \
        .close = ch_regex_close, .flags = RE_FLAGS | (flag), .doc = text, .example = "SELECT " ex, \
        .expect = want, .since = "0.1"                                                             \
    }

const ch_func ch_func_string_regex[] = {
    ROW("rlike", "string, string -> boolean", eval_rlike, 0, "Does the pattern match somewhere?",
        "'Spark SQL' RLIKE 'S.*L'", "true"),
    ROW("regexp", "string, string -> boolean", eval_rlike, 0, "Does the pattern match somewhere?",
        "regexp('Spark SQL', 'S.*L')", "true"),
    ROW("regexp_like", "string, string -> boolean", eval_rlike, 0,
        "Does the pattern match somewhere?", "regexp_like('Spark SQL', 'S.*L')", "true"),
    ROW("regexp_replace", "string, string, string[, int] -> string", eval_replace, 0,
        "All matches replaced; $1 is the first group.",
        "regexp_replace('100-200', '([0-9]+)', 'num')", "num-num"),
    ROW("regexp_extract", "string, string[, int] -> string", eval_extract, 0,
        "A group (1 unless told) of the first match, '' if there is none.",
        "regexp_extract('100-200', '([0-9]+)-([0-9]+)', 2)", "200"),
    ROW("regexp_substr", "string, string -> string", eval_extract, CH_FUNC_MAKES_NULL,
        "The first match, NULL if there is none.", "regexp_substr('Steven Jones', 'Ste(v|ph)en')",
        "Steven"),
    ROW("regexp_count", "string, string -> int", eval_count, 0, "How many matches.",
        "regexp_count('Steven and Stephen', 'Ste(v|ph)en')", "2"),
    ROW("regexp_instr", "string, string -> int", eval_count, 0,
        "Position of the first match, 0 if there is none.", "regexp_instr('abc', 'b')", "2"),
    ROW("split", "string, string[, int] -> array<string>", eval_parts, 0,
        "The parts between matches; at most `limit` if it is positive.",
        "split('oneAtwoBthreeC', '[ABC]')", "[one, two, three, ]"),
    ROW("regexp_extract_all", "string, string[, int] -> array<string>", eval_parts, 0,
        "A group (1 unless told) of all matches.",
        "regexp_extract_all('100-200, 300-400', '([0-9]+)-([0-9]+)', 1)", "[100, 300]"),
    {.name = "like",
     .sig = "string, string[, string] -> boolean",
     .eval = eval_like,
     .open = like_open,
     .close = like_close,
     .flags = RE_FLAGS,
     .doc = "Does it match a pattern of % (any run) and _ (any character)?",
     .example = "SELECT 'Spark' LIKE 'S%k'",
     .expect = "true",
     .since = "0.1"},
    {.name = "ilike",
     .sig = "string, string[, string] -> boolean",
     .eval = eval_like,
     .open = like_open,
     .close = like_close,
     .flags = RE_FLAGS,
     .doc = "As like, without case.",
     .example = "SELECT 'Spark' ILIKE 's%K'",
     .expect = "true",
     .since = "0.1"},
    CH_FUNC_END,
};
