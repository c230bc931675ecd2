/* SPDX-License-Identifier: Apache-2.0 */
/* parser.c - what all rules share: tokens, names, errors; and the doors of sql.h. */
#include "sql/parser.h"

#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "base/stack.h"
#include "base/unicode.h"

/* ---- errors -------------------------------------------------------------------------------- */

ch_status ch_sql_at(ch_sql_parser *p, int32_t start, int32_t stop, ch_status status)
{
    ch_error_locate(p->err, p->text, start, stop);
    return status;
}

/* The token as messages show it: 'FROM', or end of input. Owned by the arena. */
static const char *shown(ch_sql_parser *p, const ch_token *t)
{
    if (t->kind == CH_TOK_EOF)
        return "end of input";
    char *out = ch_arena_alloc(p->arena, 2 * (size_t)(t->stop - t->start) + 3, NULL);
    if (!out)
        return "";
    char *to = out;
    *to++ = '\'';
    for (int32_t i = t->start; i < t->stop; i++) {
        char c = p->text[i];
        const char *escaped = c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;
        if (escaped)
            to = stpcpy(to, escaped);
        else
            *to++ = c;
    }
    *to++ = '\'';
    *to = 0;
    return out;
}

static ch_status syntax_error(ch_sql_parser *p, const char *hint_head, const char *hint)
{
    const ch_token *t = &p->tok[p->at];
    const char *text = hint ? ch_arena_printf(p->arena, NULL, "%s%s", hint_head, hint) : hint_head;
    ch_status status = ch_error_set(p->err, CH_E_PARSE_SYNTAX_ERROR, "error", shown(p, t), "hint",
                                    text ? text : "", (const char *)0);
    return ch_sql_at(p, t->start, t->stop, status);
}

ch_status ch_sql_unexpected(ch_sql_parser *p)
{
    return syntax_error(p, "", NULL);
}

ch_status ch_sql_extra(ch_sql_parser *p)
{
    return syntax_error(p, ": extra input ", shown(p, &p->tok[p->at]));
}

ch_status ch_sql_unsupported(ch_sql_parser *p, int32_t start, const char *what)
{
    ch_status status = ch_error_set(p->err, CH_E_UNSUPPORTED, "feature", what, (const char *)0);
    return ch_sql_at(p, start, p->tok[p->at].start, status);
}

ch_status ch_sql_too_deep(ch_sql_parser *p)
{
    ch_status status = ch_error_set(p->err, CH_E_FAILED_TO_PARSE_TOO_COMPLEX, (const char *)0);
    return ch_sql_at(p, p->tok[p->at].start, p->tok[p->at].stop, status);
}

/* ---- tokens -------------------------------------------------------------------------------- */

bool ch_sql_accept(ch_sql_parser *p, int kind)
{
    bool here = ch_sql_is(p, kind);
    p->at += here;
    return here;
}

bool ch_sql_accept_kw(ch_sql_parser *p, ch_keyword keyword)
{
    bool here = ch_sql_is_kw(p, keyword);
    p->at += here;
    return here;
}

bool ch_sql_accept_if_exists(ch_sql_parser *p)
{
    bool is = ch_sql_is_kw(p, CH_KW_IF) && ch_sql_peek_kw(p, 1, CH_KW_EXISTS);
    p->at += is ? 2 : 0;
    return is;
}

ch_status ch_sql_expect(ch_sql_parser *p, int kind)
{
    if (ch_sql_accept(p, kind))
        return CH_OK;
    if (!ch_sql_is(p, CH_TOK_EOF) && ch_sql_peek(p, 1)->kind == kind)
        return ch_sql_extra(p);
    const char name[] = {'\'', (char)kind, '\'', 0};
    return syntax_error(p, ": missing ", name);
}

ch_status ch_sql_expect_kw(ch_sql_parser *p, ch_keyword keyword)
{
    if (ch_sql_accept_kw(p, keyword))
        return CH_OK;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    if (ch_sql_peek_kw(p, 1, keyword))
        return ch_sql_extra(p);
    return syntax_error(p, ": missing ",
                        ch_arena_printf(p->arena, NULL, "'%s'", ch_keyword_text(keyword)));
}

ch_status ch_sql_expect_missing(ch_sql_parser *p, const char *what)
{
    return syntax_error(p, ": missing ", what);
}

ch_status ch_sql_close_list(ch_sql_parser *p, int32_t n)
{
    if (ch_sql_accept(p, ')'))
        return CH_OK;
    bool one_too_many = !ch_sql_is(p, CH_TOK_EOF) && ch_sql_peek(p, 1)->kind == ')';
    return n > 1 || one_too_many ? ch_sql_extra(p) : ch_sql_unexpected(p);
}

bool ch_sql_starts_expr(const ch_sql_parser *p, int32_t ahead)
{
    int kind = ch_sql_peek(p, ahead)->kind;
    return (kind >= CH_TOK_WORD && kind <= CH_TOK_BIGDECIMAL) ||
           (kind && kind < 128 && strchr("(-+~*!?:", kind));
}

/* Behind the parenthesis of a query inside a query. */
static bool continues_query(const ch_token *t)
{
    switch (t->keyword) {
    case CH_KW_UNION:
    case CH_KW_EXCEPT:
    case CH_KW_MINUS:
    case CH_KW_INTERSECT:
    case CH_KW_ORDER:
    case CH_KW_SORT:
    case CH_KW_CLUSTER:
    case CH_KW_DISTRIBUTE:
    case CH_KW_LIMIT:
    case CH_KW_OFFSET:
        return true;
    default:
        return t->kind == ')' || t->kind == CH_TOK_EOF;
    }
}

bool ch_sql_starts_query(const ch_sql_parser *p, int32_t ahead)
{
    const ch_token *t = ch_sql_peek(p, ahead);
    int next = ch_sql_peek(p, ahead + 1)->kind;
    switch (t->keyword) {
    case CH_KW_SELECT:
        return ch_sql_starts_expr(p, ahead + 1) || next == CH_TOK_HINT_START || next == CH_TOK_EOF;
    case CH_KW_VALUES:
        return next != '.' && ch_sql_starts_expr(p, ahead + 1);
    case CH_KW_WITH:
    case CH_KW_TABLE:
        return ch_sql_is_name(p, ahead + 1);
    case CH_KW_FROM:
        return ch_sql_is_name(p, ahead + 1) || next == '(';
    default:
        break;
    }
    if (t->kind != '(')
        return false;
    int32_t depth = 0;
    while (ch_sql_peek(p, ahead + depth)->kind == '(')
        depth++;
    if (!ch_sql_starts_query(p, ahead + depth))
        return false;
    /* ((SELECT 1) UNION ...) is a query, ((SELECT 1) + 1) is not. */
    for (int32_t k = 0; k < depth; k++) {
        int32_t close = ch_sql_peek(p, ahead + k)->match;
        if (close >= 0 && !continues_query(&p->tok[close + 1 < p->n ? close + 1 : p->n - 1]) &&
            k > 0)
            return false;
    }
    const ch_token *open = ch_sql_peek(p, ahead);
    return open->match < 0 || continues_query(&p->tok[open->match + 1]);
}

/* QUALIFY with a condition: no alias, with columns or without, or in front of a clause. */
static bool starts_qualify(const ch_sql_parser *p)
{
    ch_sql_parser next = *p;
    next.at++;
    if (!ch_sql_starts_expr(p, 1) || ch_sql_starts_clause(&next) ||
        ch_keyword_is_strict((ch_keyword)ch_sql_peek(p, 1)->keyword))
        return false;
    int32_t close = p->tok[p->at + 1].match;
    if (ch_sql_peek(p, 1)->kind != '(' || close < 0)
        return true;
    for (int32_t i = p->at + 2; i < close; i++) /* (a, b) */
        if ((i - p->at) % 2 ? p->tok[i].kind != ',' : !ch_sql_is_name(p, i - p->at))
            return true;
    return false;
}

bool ch_sql_starts_clause(const ch_sql_parser *p)
{
    const ch_token *next = ch_sql_peek(p, 1);
    switch (p->tok[p->at].keyword) {
    case CH_KW_FROM:
        return ch_sql_is_name(p, 1) || next->kind == '(' || next->kind == CH_TOK_STRING ||
               ch_sql_is_number(p, 1);
    case CH_KW_WHERE:
    case CH_KW_HAVING:
    case CH_KW_LIMIT:
    case CH_KW_OFFSET:
        return ch_sql_starts_expr(p, 1);
    case CH_KW_GROUP:
    case CH_KW_ORDER:
    case CH_KW_SORT:
    case CH_KW_CLUSTER:
    case CH_KW_DISTRIBUTE:
        return next->keyword == CH_KW_BY && ch_sql_starts_expr(p, 2);
    case CH_KW_QUALIFY:
        return starts_qualify(p);
    case CH_KW_WINDOW:
        return ch_sql_is_name(p, 1) && ch_sql_peek_kw(p, 2, CH_KW_AS);
    case CH_KW_UNION:
    case CH_KW_EXCEPT:
    case CH_KW_MINUS:
    case CH_KW_INTERSECT:
        return next->keyword == CH_KW_ALL || next->keyword == CH_KW_DISTINCT ||
               ch_sql_starts_query(p, 1);
    case CH_KW_LATERAL:
        return next->keyword == CH_KW_VIEW;
    case CH_KW_SELECT:
        return ch_sql_starts_expr(p, 1);
    case CH_KW_UNPIVOT:
        if (next->keyword == CH_KW_INCLUDE || next->keyword == CH_KW_EXCLUDE)
            return ch_sql_peek_kw(p, 2, CH_KW_NULLS);
        return next->kind == '(';
    case CH_KW_PIVOT:
    case CH_KW_TABLESAMPLE:
        return next->kind == '(';
    case CH_KW_FOR:
    case CH_KW_VERSION:
    case CH_KW_TIMESTAMP:
    case CH_KW_SYSTEM_TIME:
    case CH_KW_SYSTEM_VERSION:
        return next->keyword == CH_KW_AS || next->keyword == CH_KW_VERSION ||
               next->keyword == CH_KW_TIMESTAMP;
    default:
        return false;
    }
}

/* ---- names --------------------------------------------------------------------------------- */

static bool is_quoted_name(const ch_sql_parser *p, const ch_token *t)
{
    return t->kind == CH_TOK_BACKQUOTED ||
           (t->kind == CH_TOK_DOUBLE_QUOTED && p->ctx->double_quoted_identifiers);
}

bool ch_sql_is_name(const ch_sql_parser *p, int32_t ahead)
{
    const ch_token *t = ch_sql_peek(p, ahead);
    return t->kind == CH_TOK_WORD || is_quoted_name(p, t);
}

const char *ch_sql_slice(ch_sql_parser *p, int32_t start, int32_t stop)
{
    return ch_arena_strn(p->arena, p->text + start, (size_t)(stop - start), p->err);
}

/* Between the quotes, doubled ones halved. */
static ch_status unquote(ch_sql_parser *p, const ch_token *t, const char **out)
{
    char quote = p->text[t->start];
    char *name = ch_arena_alloc(p->arena, (size_t)(t->stop - t->start), p->err);
    if (!name)
        return CH_E_MEMORY;
    *out = name;
    for (int32_t i = t->start + 1; i < t->stop - 1; i++) {
        *name++ = p->text[i];
        if (p->text[i] == quote && p->text[i + 1] == quote && i + 1 < t->stop - 1)
            i++;
    }
    return CH_OK;
}

static ch_status invalid_name(ch_sql_parser *p, int32_t start, int32_t stop)
{
    const char *text = ch_sql_slice(p, start, stop);
    if (!text)
        return CH_E_MEMORY;
    return ch_sql_at(p, start, stop,
                     ch_error_set(p->err, CH_E_INVALID_IDENTIFIER, "ident", text, (const char *)0));
}

ch_status ch_sql_name(ch_sql_parser *p, const char **out)
{
    const ch_token *t = &p->tok[p->at];
    if (!ch_sql_is_name(p, 0))
        return ch_sql_unexpected(p);
    p->at++;
    if (is_quoted_name(p, t))
        return unquote(p, t, out);
    for (int32_t i = t->start; i < t->stop; i++)
        if ((unsigned char)p->text[i] >= 0x80)
            return invalid_name(p, t->start, t->stop);
    *out = ch_sql_slice(p, t->start, t->stop);
    return *out ? CH_OK : CH_E_MEMORY;
}

/* `a`.`b` */
static const char *names_shown(ch_sql_parser *p, const ch_str_list *parts)
{
    const char *text = "";
    for (int32_t i = 0; i < parts->n && text; i++)
        text = ch_arena_printf(p->arena, p->err, "%s%s`%s`", text, i ? "." : "", parts->item[i]);
    return text ? text : "";
}

ch_status ch_sql_checked_name(ch_sql_parser *p, const char **out)
{
    int32_t start = ch_sql_here(p);
    if (ch_sql_starts_identifier(p)) {
        ch_str_list parts = {0};
        CH_TRY(ch_sql_identifier(p, &parts));
        *out = parts.item[0];
        return parts.n == 1 ? CH_OK
                            : ch_sql_at(p, start, p->tok[p->at - 1].stop,
                                        ch_error_set(p->err, CH_E_IDENTIFIER_TOO_MANY_NAME_PARTS,
                                                     "identifier", names_shown(p, &parts), "limit",
                                                     "1", (const char *)0));
    }
    CH_TRY(ch_sql_name(p, out));
    int32_t stop = -1;
    while (ch_sql_is(p, '-') && ch_sql_is_name(p, 1)) {
        stop = ch_sql_peek(p, 1)->stop;
        p->at += 2;
    }
    return stop < 0 ? CH_OK : invalid_name(p, start, stop);
}

ch_status ch_sql_names(ch_sql_parser *p, ch_str_list *out)
{
    int32_t start = ch_sql_here(p);
    if (ch_sql_starts_identifier(p)) {
        CH_TRY(ch_sql_identifier(p, out));
    } else {
        do {
            const char *name;
            CH_TRY(ch_sql_checked_name(p, &name));
            CH_TRY(ch_str_list_add(p->arena, out, name, p->err));
        } while (ch_sql_accept(p, '.'));
    }
    if (!p->name_stop) {
        p->name_start = start;
        p->name_stop = p->tok[p->at - 1].stop;
    }
    return CH_OK;
}

ch_status ch_sql_name_list(ch_sql_parser *p, ch_str_list *out)
{
    CH_TRY(ch_sql_expect(p, '('));
    do {
        const char *name;
        CH_TRY(ch_sql_checked_name(p, &name));
        CH_TRY(ch_str_list_add(p->arena, out, name, p->err));
    } while (ch_sql_accept(p, ','));
    return ch_sql_expect(p, ')');
}

/* ---- strings ------------------------------------------------------------------------------- */

bool ch_sql_is_string(const ch_sql_parser *p, int32_t ahead)
{
    const ch_token *t = ch_sql_peek(p, ahead);
    return t->kind == CH_TOK_STRING ||
           (t->kind == CH_TOK_DOUBLE_QUOTED && !p->ctx->double_quoted_identifiers);
}

static char *put_utf8(char *to, uint32_t c)
{
    bool half = c >= 0xD800 && c < 0xE000; /* of a surrogate pair: Java prints ? for it */
    return to + ch_utf8_put(to, half ? '?' : c);
}

/* n digits of the base at text; false if they are not. */
static bool read_digits(const char *text, const char *end, int n, int base, uint32_t *out)
{
    *out = 0;
    if (end - text < n)
        return false;
    for (int i = 0; i < n; i++) {
        int c = toupper((unsigned char)text[i]);
        int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
        if (digit >= base)
            return false;
        *out = *out * (uint32_t)base + (uint32_t)digit;
    }
    return true;
}

/* The escape behind the \ at *from, as Spark's unescapeSQLString reads it. */
static char *unescape(const char **from, const char *end, char *to)
{
    const char *s = *from;
    uint32_t code, low;
    if (s < end && *s == 'u' && read_digits(s + 1, end, 4, 16, &code)) {
        *from = s + 5;
        if (code >= 0xD800 && code < 0xDC00 && end - s >= 11 && s[5] == '\\' && s[6] == 'u' &&
            read_digits(s + 7, end, 4, 16, &low) && low >= 0xDC00 && low < 0xE000) {
            *from = s + 11;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        return put_utf8(to, code);
    }
    if (s < end && *s == 'U' && read_digits(s + 1, end, 8, 16, &code) && code < 0x110000) {
        *from = s + 9;
        return put_utf8(to, code);
    }
    if (s < end && (*s == '0' || *s == '1') && read_digits(s, end, 3, 8, &code)) {
        *from = s + 3;
        return put_utf8(to, code);
    }
    static const char NAME[] = "0'\"bnrtZ\\", VALUE[] = "\0'\"\b\n\r\t\032\\";
    *from = s + 1;
    if (*s == '%' || *s == '_')
        *to++ = '\\'; /* for LIKE */
    const char *found = strchr(NAME, *s);
    *to++ = found && *s ? VALUE[found - NAME] : *s;
    return to;
}

ch_status ch_sql_string(ch_sql_parser *p, const char **out, int64_t *len)
{
    if (!ch_sql_is_string(p, 0))
        return ch_sql_unexpected(p);
    const ch_token *t = &p->tok[p->at++];
    bool raw = toupper((unsigned char)p->text[t->start]) == 'R';
    const char *s = p->text + t->start + raw + 1, *end = p->text + t->stop - 1;
    char quote = s[-1];
    char *to = ch_arena_alloc(p->arena, (size_t)(end - s) + 1, p->err);
    if (!to)
        return CH_E_MEMORY;
    *out = to;
    while (s < end) {
        if (!raw && *s == '\\' && s + 1 < end) {
            s++;
            to = unescape(&s, end, to);
        } else {
            s += !raw && *s == quote; /* doubled */
            *to++ = *s++;
        }
    }
    *len = to - *out;
    return CH_OK;
}

/* ---- options ------------------------------------------------------------------------------- */

/* key, a.b.key or 'key' */
static ch_status option_key(ch_sql_parser *p, const char **out)
{
    int64_t len;
    if (ch_sql_is_string(p, 0))
        return ch_sql_string(p, out, &len);
    CH_TRY(ch_sql_checked_name(p, out));
    while (ch_sql_accept(p, '.')) {
        const char *part;
        CH_TRY(ch_sql_checked_name(p, &part));
        *out = ch_arena_printf(p->arena, p->err, "%s.%s", *out, part);
        if (!*out)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

ch_status ch_sql_options(ch_sql_parser *p, ch_option_list *out)
{
    int32_t start = ch_sql_here(p);
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_expect(p, '('));
    const char *lacking = NULL;
    int32_t n = 0;
    do {
        const char *key, *value = NULL;
        int64_t len;
        CH_TRY(option_key(p, &key));
        bool equals = ch_sql_accept(p, '=');
        const ch_token *t = &p->tok[p->at];
        if (ch_sql_is_string(p, 0)) {
            CH_TRY(ch_sql_string(p, &value, &len));
        } else if (t->kind == CH_TOK_INTEGER || t->kind == CH_TOK_DECIMAL ||
                   t->keyword == CH_KW_TRUE || t->keyword == CH_KW_FALSE) {
            p->at++;
            char *text =
                ch_arena_strn(p->arena, p->text + t->start, (size_t)(t->stop - t->start), p->err);
            if (!text)
                return CH_E_MEMORY;
            for (char *c = text; *c; c++)
                *c = (char)tolower((unsigned char)*c);
            value = text;
        } else if (equals) {
            return ch_sql_unexpected(p);
        } else {
            lacking = lacking ? lacking : key;
        }
        CH_TRY(ch_option_list_add(p->arena, out, key, value, p->err));
        n++;
    } while (ch_sql_accept(p, ','));
    CH_TRY(ch_sql_close_list(p, n));
    if (!lacking)
        return CH_OK;
    return ch_sql_at(
        p, start, ch_sql_here(p),
        ch_error_set(
            p->err, CH_E_OPERATION_NOT_ALLOWED, "message",
            ch_arena_printf(p->arena, NULL, "Values must be specified for key(s): [%s]", lacking),
            (const char *)0));
}

/* ---- nodes --------------------------------------------------------------------------------- */

int32_t ch_sql_here(const ch_sql_parser *p)
{
    return p->tok[p->at].start;
}

static int32_t behind(const ch_sql_parser *p)
{
    return p->at ? p->tok[p->at - 1].stop : 0;
}

void *ch_sql_expr_new(ch_sql_parser *p, ch_expr_kind kind, int32_t start)
{
    ch_expr *e = ch_expr_new(p->arena, kind, p->err);
    if (e) {
        e->start = start;
        e->stop = behind(p);
    }
    return e;
}

void *ch_sql_rel_new(ch_sql_parser *p, ch_rel_kind kind, int32_t start)
{
    ch_rel *r = ch_rel_new(p->arena, kind, p->err);
    if (r) {
        r->start = start;
        r->stop = behind(p);
    }
    return r;
}

ch_status ch_sql_call(ch_sql_parser *p, const char *name, int32_t start, ch_expr *a, ch_expr *b,
                      ch_expr **out)
{
    ch_expr_unresolved_function *f;
    CH_SQL_NEW(f, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_FUNCTION, start);
    f->name = name;
    f->is_infix = true;
    CH_TRY(ch_expr_list_add(p->arena, &f->args, a, p->err));
    if (b)
        CH_TRY(ch_expr_list_add(p->arena, &f->args, b, p->err));
    *out = &f->head;
    return CH_OK;
}

/* ---- doors --------------------------------------------------------------------------------- */

static ch_status open_parser(const ch_sql_context *ctx, const char *text, ch_sql_parser *p,
                             ch_error *err)
{
    ch_tokens tokens;
    CH_TRY(ch_sql_lex(text, strlen(text), ctx->arena, &tokens, err));
    *p = (ch_sql_parser){.ctx = ctx,
                         .arena = ctx->arena,
                         .text = text,
                         .tok = tokens.item,
                         .n = tokens.n,
                         .err = err};
    if (tokens.unclosed_comment < 0)
        return CH_OK;
    return ch_sql_at(p, tokens.unclosed_comment, tokens.unclosed_comment + 2,
                     ch_error_set(err, CH_E_UNCLOSED_BRACKETED_COMMENT, (const char *)0));
}

/* Nothing may follow. One token too many is called extra, more of them just wrong. */
static ch_status at_end(ch_sql_parser *p, bool after_semicolon)
{
    if (ch_sql_is(p, CH_TOK_EOF))
        return CH_OK;
    int next = ch_sql_peek(p, 1)->kind;
    return after_semicolon || next == CH_TOK_EOF || next == ';' ? ch_sql_extra(p)
                                                                : ch_sql_unexpected(p);
}

typedef struct parsing {
    ch_sql_parser p;
    ch_rel **rel; /* a statement, or */
    ch_expr **expr;
} parsing;

static ch_status parse_there(void *user, ch_error *err)
{
    parsing *job = user;
    CH_UNUSED(err); /* the parser has it */
    return job->rel ? ch_sql_statement(&job->p, job->rel) : ch_sql_named_expr(&job->p, job->expr);
}

static ch_status parse(parsing *job, ch_error *err)
{
    return ch_stack_run(CH_SQL_MAX_DEPTH, parse_there, job, err);
}

ch_status ch_sql_parse(const ch_sql_context *ctx, const char *text, ch_rel **out, ch_error *err)
{
    parsing job = {.rel = out};
    *out = NULL;
    CH_TRY(open_parser(ctx, text, &job.p, err));
    if (!text[strspn(text, " \t\r\n\f\v")])
        CH_FAIL(err, PARSE_EMPTY_STATEMENT);
    CH_TRY(parse(&job, err));
    bool semicolon = false;
    while (ch_sql_accept(&job.p, ';'))
        semicolon = true;
    return at_end(&job.p, semicolon);
}

ch_status ch_sql_parse_expr(const ch_sql_context *ctx, const char *text, ch_expr **out,
                            ch_error *err)
{
    parsing job = {.expr = out};
    *out = NULL;
    CH_TRY(open_parser(ctx, text, &job.p, err));
    CH_TRY(parse(&job, err));
    return at_end(&job.p, false);
}

ch_status ch_sql_parse_names(const ch_sql_context *ctx, const char *text, ch_str_list *out,
                             ch_error *err)
{
    ch_sql_parser p;
    *out = (ch_str_list){0};
    CH_TRY(open_parser(ctx, text, &p, err));
    if (!text[strspn(text, " \t\r\n\f\v")])
        CH_FAIL(err, PARSE_EMPTY_STATEMENT);
    CH_TRY(ch_sql_names(&p, out));
    return at_end(&p, false);
}
