/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number_format.c - numbers by a format of 0 9 . , $ S MI PR: to_number, try_to_number, to_char.
 *
 *   format = [MI | S] [$] digits [. digits] [PR | MI | S]        D is a point, G a comma
 *
 * A run of digits that begins with 0 stands for exactly as many (before the point), one that begins
 * with 9 for at most as many. Between two marks all runs and commas are one group; its parts are matched
 * from the right, so that "1,234" fits "9,999,999". The rules are those of Spark's ToNumberParser.
 */
#include <stdio.h>

#include "column/textout.h"
#include "function/utf8.h"
#include "type/decimal.h"

typedef enum token_kind {
    T_DIGITS, /* as many as `n`, or at most as many */
    T_COMMA,
    T_POINT,
    T_DOLLAR,
    T_SIGN,  /* S */
    T_MINUS, /* MI */
    T_OPEN,  /* of PR */
    T_CLOSE,
    T_OTHER
} token_kind;

typedef struct token {
    token_kind kind;
    bool exact;
    char other;
    int32_t n;
} token;

typedef struct number_format {
    token *token;
    int32_t n;
    int32_t whole, fraction; /* digits before and behind the point */
    const char *text;
    int32_t len;
} number_format;

/* ---- reading the format ---- */

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

static void read_tokens(ch_str s, number_format *f)
{
    bool behind = false;
    for (int64_t i = 0; i < s.len;) {
        char c = upper(s.text[i]), next = i + 1 < s.len ? upper(s.text[i + 1]) : 0;
        token t = {T_OTHER, false, c, 0};
        int64_t from = i++;
        if (c == '0' || c == '9') {
            while (i < s.len && (s.text[i] == '0' || s.text[i] == '9'))
                i++;
            t = (token){T_DIGITS, c == '0' && !behind, 0, (int32_t)(i - from)};
            *(behind ? &f->fraction : &f->whole) += t.n;
        } else if (c == '.' || c == 'D') {
            t.kind = T_POINT;
            behind = true;
        } else if (c == ',' || c == 'G') {
            t.kind = T_COMMA;
        } else if (c == '$') {
            t.kind = T_DOLLAR;
        } else if (c == 'S') {
            t.kind = T_SIGN;
        } else if (c == 'M' && next == 'I') {
            t.kind = T_MINUS;
            i++;
        } else if (c == 'P' && next == 'R') {
            memmove(f->token + 1, f->token, sizeof(token) * (size_t)f->n++);
            f->token[0] = (token){.kind = T_OPEN};
            t.kind = T_CLOSE;
            i++;
        }
        f->token[f->n++] = t;
    }
}

static bool in_group(const number_format *f, int32_t i)
{
    return i >= 0 && i < f->n && (f->token[i].kind == T_DIGITS || f->token[i].kind == T_COMMA);
}

static const char *token_name(const token *t, char *room)
{
    static const char *const name[] = {"digits", "comma", "point", "$", "S", "MI", "PR", "PR"};
    if (t->kind != T_OTHER)
        return name[t->kind];
    snprintf(room, 16, "'%c'", t->other);
    return room;
}

/* The marks in their order; the first that stands elsewhere, or n. */
static int32_t out_of_order(const number_format *f)
{
    static const uint32_t place[] = {1U << T_OPEN,   1U << T_MINUS | 1U << T_SIGN,
                                     1U << T_DOLLAR, 1U << T_DIGITS | 1U << T_COMMA,
                                     1U << T_POINT,  1U << T_DIGITS | 1U << T_COMMA,
                                     1U << T_DOLLAR, 1U << T_MINUS | 1U << T_SIGN | 1U << T_CLOSE};
    int32_t i = 0;
    for (size_t p = 0; p < sizeof place / sizeof *place && i < f->n; p++) {
        if (!(place[p] >> f->token[i].kind & 1))
            continue;
        bool group = in_group(f, i++);
        while (group && in_group(f, i))
            i++;
    }
    /* MI behind S is let through, as Spark does. */
    if (i == f->n - 1 && f->token[i].kind == T_MINUS && i > 0 && f->token[i - 1].kind == T_SIGN)
        i++;
    return i;
}

static ch_status check_format(const number_format *f, ch_error *err)
{
    char text[128], room[16];
    int32_t n[T_OTHER + 1] = {0};
    bool behind = false;
    snprintf(text, sizeof text, "'%.*s'", f->len < 120 ? f->len : 120, f->text);
    if (f->n == 0)
        CH_FAIL(err, NUMBER_FORMAT_EMPTY);
    for (int32_t i = 0; i < f->n; i++)
        n[f->token[i].kind]++;
    if (n[T_DIGITS] == 0)
        CH_FAIL(err, NUMBER_FORMAT_DIGITS, "format", text);
    for (int32_t i = 0; i < f->n; i++) {
        token_kind k = f->token[i].kind;
        if (k >= T_POINT && k <= T_OPEN && n[k] > 1)
            CH_FAIL(err, NUMBER_FORMAT_TOKENS, "token", token_name(&f->token[i], room), "format",
                    text);
    }
    for (int32_t i = 0; i < f->n; i++) {
        behind |= f->token[i].kind == T_POINT;
        if (f->token[i].kind != T_COMMA)
            continue;
        if (behind)
            CH_FAIL(err, NUMBER_FORMAT_SEPARATOR_PLACE, "format", text);
        if (i == 0 || i + 1 == f->n || f->token[i - 1].kind != T_DIGITS ||
            f->token[i + 1].kind != T_DIGITS)
            CH_FAIL(err, NUMBER_FORMAT_SEPARATORS, "format", text);
    }
    bool digits = false;
    for (int32_t i = 0; i < f->n; i++) {
        digits |= f->token[i].kind == T_DIGITS;
        if (f->token[i].kind == T_DOLLAR && digits)
            CH_FAIL(err, NUMBER_FORMAT_DOLLAR, "format", text);
    }
    int32_t odd = out_of_order(f);
    if (odd < f->n)
        CH_FAIL(err, NUMBER_FORMAT_UNEXPECTED, "token", token_name(&f->token[odd], room), "format",
                text);
    return CH_OK;
}

/* The format is a constant; *out is NULL if that is NULL. */
static ch_status bind_format(ch_bind *bind, number_format **out, ch_error *err)
{
    const ch_scalar *v = ch_bind_constant(bind, 1);
    *out = NULL;
    if (!v)
        CH_FAIL(err, DATATYPE_MISMATCH_FOLDABLE, "sqlExpr", ch_bind_sql(bind), "inputName",
                "`format`", "inputType", "\"STRING\"", "inputExpr", ch_bind_arg_sql(bind, 1));
    if (v->is_null)
        return CH_OK;
    if (!ch_type_is_string(v->type))
        return ch_bind_wrong_type(bind, 1, "STRING", err);
    number_format *f = ch_arena_alloc(bind->arena, sizeof *f, err);
    if (!f)
        return CH_E_MEMORY;
    ch_str s = {v->v.str.text, v->v.str.len};
    *f = (number_format){.text = s.text, .len = (int32_t)s.len};
    f->token = ch_arena_alloc(bind->arena, sizeof(token) * (size_t)(s.len + 2), err);
    if (!f->token)
        return CH_E_MEMORY;
    read_tokens(s, f);
    bind->final = true;
    CH_TRY(check_format(f, err));
    bind->data = *out = f;
    return CH_OK;
}

/* ---- text -> number ---- */

enum { MOST_GROUPS = 64 };

typedef struct number_reader {
    ch_str s;
    int64_t at;
    char digit[2 * CH_DECIMAL_MAX]; /* those before the point, then those behind */
    int32_t n, n_behind;
} number_reader;

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1C && c <= 0x1F);
}

/* Tokens [from, to) are digits and commas; matched from the right. */
static bool read_group(number_reader *r, const number_format *f, int32_t from, int32_t to,
                       bool behind)
{
    int32_t len[MOST_GROUPS], groups = 1;
    len[0] = 0;
    for (; r->at < r->s.len; r->at++) {
        char c = r->s.text[r->at];
        if (is_blank(c))
            continue;
        if (c >= '0' && c <= '9') {
            if (r->n == (int32_t)sizeof r->digit)
                return false;
            r->digit[r->n++] = c;
            r->n_behind += behind;
            len[groups - 1]++;
        } else if (c == ',' && groups < MOST_GROUPS) {
            len[groups++] = 0;
        } else {
            break;
        }
    }
    for (int32_t t = to - 1; t >= from; t--) {
        if (f->token[t].kind != T_DIGITS)
            continue;
        int32_t got = groups > 0 ? len[--groups] : 0;
        if (f->token[t].exact ? got != f->token[t].n : got > f->token[t].n)
            return false;
    }
    return groups == 0;
}

static bool read_char(number_reader *r, char c)
{
    if (r->at >= r->s.len || r->s.text[r->at] != c)
        return false;
    r->at++;
    return true;
}

static bool read_number(const number_format *f, ch_str s, ch_i128 *out)
{
    number_reader r = {.s = s};
    bool negative = false, behind = false;
    for (int32_t i = 0; i < f->n; i++) {
        switch (f->token[i].kind) {
        case T_DIGITS:
        case T_COMMA: {
            int32_t to = i;
            while (in_group(f, to))
                to++;
            if (!read_group(&r, f, i, to, behind))
                return false;
            i = to - 1;
            break;
        }
        case T_POINT:
            behind |= read_char(&r, '.');
            break;
        case T_DOLLAR:
            if (!read_char(&r, '$'))
                return false;
            break;
        case T_SIGN:
            if (!read_char(&r, '+'))
                negative |= read_char(&r, '-');
            break;
        case T_MINUS:
            negative |= read_char(&r, '-');
            break;
        case T_OPEN:
            if (read_char(&r, '<') && !memchr(s.text, '>', (size_t)s.len))
                return false;
            break;
        case T_CLOSE:
            if (read_char(&r, '>')) {
                if (!memchr(s.text, '<', (size_t)s.len))
                    return false;
                negative = true;
            }
            break;
        default:
            return false;
        }
    }
    if (r.at < s.len || r.n == 0)
        return false;
    ch_i128 v = 0;
    for (int32_t i = 0; i < r.n; i++)
        v = v * 10 + (r.digit[i] - '0');
    v *= (ch_i128)ch_pow10_128[f->fraction - r.n_behind];
    *out = negative ? -v : v;
    return true;
}

static ch_status eval_to_number(const ch_call *call, ch_column **out, ch_error *err)
{
    const number_format *f = call->data;
    bool wide = ch_type_is_wide_decimal(call->result),
         lenient = call->func->name[0] == 't' && call->func->name[1] == 'r';
    for (int64_t i = 0; i < call->rows; i++) {
        ch_i128 v = 0;
        ch_str s = {"", 0};
        bool valid = f && ch_is_valid(*out, i);
        if (valid)
            s = ch_arg_str(call, 0, i);
        if (!f || (valid && !read_number(f, s, &v))) {
            if (f && !lenient) {
                char input[128], format[128];
                snprintf(input, sizeof input, "'%.*s'", (int)(s.len < 120 ? s.len : 120), s.text);
                snprintf(format, sizeof format, "%.*s", f->len < 120 ? f->len : 120, f->text);
                CH_FAIL(err, NUMBER_MISMATCH, "inputType", "\"STRING\"", "input", input, "format",
                        format);
            }
            CH_TRY(ch_set_null(*out, i, err));
        }
        if (wide)
            ((ch_i128 *)(*out)->data)[i] = v;
        else
            ((int64_t *)(*out)->data)[i] = (int64_t)v;
    }
    return CH_OK;
}

static ch_status bind_to_number(ch_bind *bind, ch_error *err)
{
    number_format *f;
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    for (int i = 0; i < 2; i++)
        CH_TRY(ch_bind_cast(bind, i, CH_T_STRING, err));
    CH_TRY(bind_format(bind, &f, err));
    int digits = f ? f->whole + f->fraction : 10;
    if (digits > CH_DECIMAL_MAX)
        CH_FAIL(err, DECIMAL_PRECISION, "precision", CH_I64(digits), "maxPrecision",
                CH_I64(CH_DECIMAL_MAX));
    bind->result = ch_type_decimal(digits, f ? f->fraction : 0);
    bind->nullable |= bind->func->name[1] == 'r' || !f;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

/* ---- number -> text ---- */

typedef struct number_writer {
    char *p;
    int64_t n;
    const char *whole, *fraction; /* digits left to write */
    int32_t n_whole, n_fraction;
    int32_t room; /* digits of the format before the point, not yet used */
} number_writer;

/* Blanks go in front of a sign that was written already. */
static void put_blank(number_writer *w)
{
    int64_t at = w->n;
    while (at > 0 && strchr("+-<", w->p[at - 1]))
        at--;
    memmove(w->p + at + 1, w->p + at, (size_t)(w->n++ - at));
    w->p[at] = ' ';
}

/* A sign goes in front of blanks. */
static void put_sign(number_writer *w, char c)
{
    int64_t at = w->n;
    while (at > 0 && w->p[at - 1] == ' ')
        at--;
    memmove(w->p + at + 1, w->p + at, (size_t)(w->n++ - at));
    w->p[at] = c;
}

static void drop_point(number_writer *w)
{
    if (w->n && w->p[w->n - 1] == '.')
        w->p[w->n - 1] = ' ';
}

static void put_digits(number_writer *w, const token *t, bool behind)
{
    for (int32_t k = 0; k < t->n; k++) {
        if (behind) {
            w->p[w->n++] = w->n_fraction > 0 ? *w->fraction : '0';
            w->fraction += w->n_fraction > 0;
            w->n_fraction -= w->n_fraction > 0;
        } else if (w->room-- > w->n_whole) {
            if (t->exact)
                w->p[w->n++] = '0';
            else
                put_blank(w);
        } else {
            w->p[w->n++] = *w->whole++;
            w->n_whole--;
        }
    }
}

static int64_t write_number(const number_format *f, ch_i128 v, int scale, char *out)
{
    static const char hash[CH_DECIMAL_MAX + 1] = "######################################";
    char digit[CH_DECIMAL_MAX + 1];
    bool negative = v < 0, behind = false;
    ch_u128 left = negative ? -(ch_u128)v : (ch_u128)v;
    int at = CH_DECIMAL_MAX + 1, from = at;
    for (int k = 0; k < scale || left; k++, left /= 10)
        digit[--from] = (char)('0' + (int)(left % 10));
    number_writer w = {out,   0,       digit + from, digit + at - scale, at - scale - from,
                       scale, f->whole};
    while (w.n_fraction > 0 && w.fraction[w.n_fraction - 1] == '0')
        w.n_fraction--;
    if (w.n_whole > f->whole || w.n_fraction > f->fraction) {
        w.whole = w.fraction = NULL;
        w.n_whole = f->whole;
        w.n_fraction = f->fraction;
    }
    bool over = !w.whole;
    for (int32_t i = 0; i < f->n; i++) {
        const token *t = &f->token[i];
        switch (t->kind) {
        case T_DIGITS:
            if (over) {
                for (int32_t k = 0; k < t->n; k++)
                    w.p[w.n++] = hash[0];
            } else {
                put_digits(&w, t, behind);
            }
            break;
        case T_COMMA:
            if (w.n && w.p[w.n - 1] >= '0' && w.p[w.n - 1] <= '9')
                w.p[w.n++] = ',';
            else
                put_blank(&w);
            break;
        case T_POINT:
            if (w.n && w.p[w.n - 1] == ' ')
                w.p[w.n - 1] = '0';
            w.p[w.n++] = '.';
            behind = true;
            break;
        case T_DOLLAR:
            w.p[w.n++] = '$';
            break;
        case T_SIGN:
            drop_point(&w);
            put_sign(&w, negative ? '-' : '+');
            break;
        case T_MINUS:
            drop_point(&w);
            if (negative)
                put_sign(&w, '-');
            else
                w.p[w.n++] = ' ';
            break;
        case T_OPEN:
            if (negative)
                w.p[w.n++] = '<';
            break;
        case T_CLOSE:
            drop_point(&w);
            if (negative) {
                put_sign(&w, '>');
            } else {
                w.p[w.n++] = ' ';
                w.p[w.n++] = ' ';
            }
            break;
        default:
            break;
        }
    }
    drop_point(&w);
    return w.n;
}

static ch_status eval_to_char(const ch_call *call, ch_column **out, ch_error *err)
{
    const number_format *f = call->data;
    const ch_column *c = call->arg[0];
    bool wide = ch_type_is_wide_decimal(c->type);
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < call->rows; i++) {
        if (!f)
            CH_TRY(ch_set_null(*out, i, err));
        if (!ch_is_valid(*out, i)) {
            ch_textout_empty(&w, i);
            continue;
        }
        int64_t at = c->encoding == CH_CONST ? 0 : i;
        ch_i128 v = wide ? ((const ch_i128 *)c->data)[at] : ((const int64_t *)c->data)[at];
        char *room = ch_textout_room(&w, f->whole + f->fraction + 2 * (int64_t)f->n + 8, err);
        if (!room)
            return CH_E_MEMORY;
        ch_textout_commit(&w, i, write_number(f, v, c->type->scale, room));
    }
    return CH_OK;
}

static ch_status bind_to_char(ch_bind *bind, ch_error *err)
{
    number_format *f;
    CH_TRY(ch_bind_sig(bind, "decimal, string -> string", err));
    CH_TRY(bind_format(bind, &f, err));
    bind->nullable |= !f;
    return CH_OK;
}

#define ROW(fn, binder, kernel, flag, text, ex, want)                                         \
    {                                                                                         \
        .name = fn, .bind = binder, .eval = kernel,                                           \
        .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAKES_NULL | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.2"                  \
    }

const ch_func ch_func_number_format[] = {
    ROW("to_number", bind_to_number, eval_to_number, CH_FUNC_MAY_FAIL,
        "A decimal of text, by a format of 0 9 . , $ S MI PR.", "to_number('12,454', '99,999')",
        "12454"),
    ROW("try_to_number", bind_to_number, eval_to_number, 0,
        "A decimal of text, by a format; NULL if it does not fit.",
        "try_to_number('$78.12', '$99.99')", "78.12"),
    ROW("to_char", bind_to_char, eval_to_char, 0, "A number, a date or bytes as text, by a format.",
        "to_char(-12454.8, '99G999D9S')", "12,454.8-"),
    ROW("to_varchar", bind_to_char, eval_to_char, 0,
        "A number, a date or bytes as text, by a format.", "to_varchar(78.12, '$99.99')", "$78.12"),
    CH_FUNC_END,
};
