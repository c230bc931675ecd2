/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_primary.c - what stands between operators: names, calls, special forms, subqueries; and what
 * may follow each: [index], .field, ::type.
 *
 * A special form (CAST, EXTRACT, TRIM ...) is recognized by its inner keyword; without it the word is
 * an ordinary function: CAST(1) calls a function called CAST.
 */
#include "sql/parser.h"

#include <strings.h>

static ch_status add_arg(ch_sql_parser *p, ch_expr *call, ch_expr *arg)
{
    return ch_expr_list_add(p->arena, &((ch_expr_unresolved_function *)call)->args, arg, p->err);
}

/* name(a, b) that was written in a form of its own; a and b may be NULL. */
static ch_status make_call(ch_sql_parser *p, const char *name, int32_t start, ch_expr *a,
                           ch_expr *b, ch_expr **out)
{
    ch_expr_unresolved_function *f;
    CH_SQL_NEW(f, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_FUNCTION, start);
    f->name = name;
    if (a)
        CH_TRY(ch_expr_list_add(p->arena, &f->args, a, p->err));
    if (b)
        CH_TRY(ch_expr_list_add(p->arena, &f->args, b, p->err));
    *out = &f->head;
    return CH_OK;
}

/* ---- CASE, CAST ---------------------------------------------------------------------------- */

static ch_status parse_case(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr_list args = {0};
    ch_expr *subject = NULL, *e;
    p->at++;
    if (!ch_sql_is_kw(p, CH_KW_WHEN))
        CH_TRY(ch_sql_expr(p, &subject));
    if (!ch_sql_is_kw(p, CH_KW_WHEN))
        return ch_sql_is_kw(p, CH_KW_END) ? ch_sql_extra(p) : ch_sql_unexpected(p);
    while (ch_sql_accept_kw(p, CH_KW_WHEN)) {
        CH_TRY(ch_sql_expr(p, &e));
        if (subject)
            CH_TRY(ch_sql_call(p, "=", subject->start, subject, e, &e));
        CH_TRY(ch_expr_list_add(p->arena, &args, e, p->err));
        CH_TRY(ch_sql_expect_kw(p, CH_KW_THEN));
        CH_TRY(ch_sql_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &args, e, p->err));
    }
    if (ch_sql_accept_kw(p, CH_KW_ELSE)) {
        CH_TRY(ch_sql_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &args, e, p->err));
    }
    if (!ch_sql_accept_kw(p, CH_KW_END))
        return ch_sql_unexpected(p);
    ch_expr_case *c;
    CH_SQL_NEW(c, p, ch_sql_expr_new, CH_EXPR_CASE, start);
    c->args = args;
    *out = &c->head;
    return CH_OK;
}

/* A cast to CHAR or VARCHAR casts to STRING, as in Spark. */
static ch_status make_cast(ch_sql_parser *p, ch_expr *child, const ch_type *to, bool is_try,
                           int32_t start, ch_expr **out)
{
    ch_expr_cast *c;
    CH_SQL_NEW(c, p, ch_sql_expr_new, CH_EXPR_CAST, start);
    c->child = child;
    c->to = to->id == CH_CHAR || to->id == CH_VARCHAR ? CH_T_STRING : to;
    c->eval_mode = is_try ? CH_EVAL_TRY : CH_EVAL_UNSPECIFIED;
    *out = &c->head;
    return CH_OK;
}

/*
 * Forms begin at their word and give *out; or, when the inner keyword does not come, leave *out NULL
 * and the arguments read so far in args: an ordinary call goes on from there.
 */
static ch_status add_read(ch_sql_parser *p, ch_expr_list *args, ch_expr *arg)
{
    return ch_expr_list_add(p->arena, args, arg, p->err);
}

/* CAST(a AS type) */
static ch_status parse_cast(ch_sql_parser *p, ch_expr_list *args, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    bool is_try = ch_sql_is_kw(p, CH_KW_TRY_CAST);
    ch_expr *child;
    const ch_type *to;
    p->at += 2;
    CH_TRY(ch_sql_expr(p, &child));
    if (!ch_sql_accept_kw(p, CH_KW_AS))
        return add_read(p, args, child);
    CH_TRY(ch_sql_type(p, &to));
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_expect(p, ')'));
    return make_cast(p, child, to, is_try, start, out);
}

/* ---- forms with keywords inside ------------------------------------------------------------ */

/* EXTRACT(field FROM source) */
static ch_status parse_extract(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    const char *field;
    ch_expr *unit, *source;
    p->at += 2;
    int32_t at = ch_sql_here(p);
    CH_TRY(ch_sql_name(p, &field));
    CH_TRY(ch_sql_literal_string(p, field, (int64_t)strlen(field), at, &unit));
    if (!ch_sql_is_kw(p, CH_KW_FROM) && ch_sql_peek(p, 1)->kind == ')')
        return ch_sql_extra(p);
    CH_TRY(ch_sql_expect_kw(p, CH_KW_FROM));
    CH_TRY(ch_sql_value(p, &source));
    CH_TRY(ch_sql_expect(p, ')'));
    return make_call(p, "extract", start, unit, source, out);
}

/* SUBSTRING(a FROM b FOR c) */
static ch_status parse_substring(ch_sql_parser *p, ch_expr_list *args, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *text, *from, *length = NULL;
    p->at += 2;
    CH_TRY(ch_sql_expr(p, &text));
    if (!ch_sql_accept_kw(p, CH_KW_FROM)) {
        if (!ch_sql_is(p, ',') && !ch_sql_is(p, ')'))
            return ch_sql_unexpected(p);
        return add_read(p, args, text);
    }
    CH_TRY(ch_sql_value(p, &from));
    if (ch_sql_accept_kw(p, CH_KW_FOR))
        CH_TRY(ch_sql_value(p, &length));
    CH_TRY(ch_sql_expect(p, ')'));
    CH_TRY(make_call(p, "substring", start, text, from, out));
    return length ? add_arg(p, *out, length) : CH_OK;
}

/* TRIM([BOTH | LEADING | TRAILING] [chars] FROM text) */
static ch_status parse_trim(ch_sql_parser *p, ch_expr_list *args, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *chars = NULL, *text;
    const char *name = "trim";
    p->at += 2;
    ch_keyword side = (ch_keyword)p->tok[p->at].keyword;
    bool sided = (side == CH_KW_BOTH || side == CH_KW_LEADING || side == CH_KW_TRAILING) &&
                 ch_sql_starts_expr(p, 1);
    if (sided) {
        p->at++;
        name = side == CH_KW_LEADING ? "ltrim" : side == CH_KW_TRAILING ? "rtrim" : "trim";
    }
    if (!ch_sql_is_kw(p, CH_KW_FROM) || !ch_sql_starts_expr(p, 1))
        CH_TRY(ch_sql_value(p, &chars));
    if (!ch_sql_accept_kw(p, CH_KW_FROM))
        return sided ? ch_sql_unexpected(p) : add_read(p, args, chars);
    CH_TRY(ch_sql_value(p, &text));
    CH_TRY(ch_sql_expect(p, ')'));
    return chars ? make_call(p, name, start, chars, text, out)
                 : make_call(p, name, start, text, NULL, out);
}

/* POSITION(a IN b) */
static ch_status parse_position(ch_sql_parser *p, ch_expr_list *args, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *part, *whole;
    p->at += 2;
    CH_TRY(ch_sql_value(p, &part));
    if (!ch_sql_accept_kw(p, CH_KW_IN))
        return add_read(p, args, part);
    CH_TRY(ch_sql_value(p, &whole));
    CH_TRY(ch_sql_expect(p, ')'));
    return make_call(p, "locate", start, part, whole, out);
}

/* OVERLAY(a PLACING b FROM c FOR d) */
static ch_status parse_overlay(ch_sql_parser *p, ch_expr_list *args, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *text, *with, *from, *length = NULL;
    p->at += 2;
    CH_TRY(ch_sql_value(p, &text));
    if (!ch_sql_accept_kw(p, CH_KW_PLACING))
        return add_read(p, args, text);
    CH_TRY(ch_sql_value(p, &with));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_FROM));
    CH_TRY(ch_sql_value(p, &from));
    if (ch_sql_accept_kw(p, CH_KW_FOR))
        CH_TRY(ch_sql_value(p, &length));
    CH_TRY(ch_sql_expect(p, ')'));
    CH_TRY(make_call(p, "overlay", start, text, with, out));
    CH_TRY(add_arg(p, *out, from));
    return length ? add_arg(p, *out, length) : CH_OK;
}

static bool is_datetime_unit(const ch_sql_parser *p, int32_t ahead)
{
    switch (ch_sql_peek(p, ahead)->keyword) {
    case CH_KW_YEAR:
    case CH_KW_QUARTER:
    case CH_KW_MONTH:
    case CH_KW_WEEK:
    case CH_KW_DAY:
    case CH_KW_DAYOFYEAR:
    case CH_KW_HOUR:
    case CH_KW_MINUTE:
    case CH_KW_SECOND:
    case CH_KW_MILLISECOND:
    case CH_KW_MICROSECOND:
        return true;
    default:
        return false;
    }
}

/* TIMESTAMPADD(unit, n, t), TIMESTAMPDIFF(unit, a, b); with fewer arguments unit is a column. */
static ch_status parse_unit_call(ch_sql_parser *p, bool diff, ch_expr_list *args, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    const char *unit;
    ch_expr *a, *b, *e;
    p->at += 2;
    int32_t at = ch_sql_here(p);
    CH_TRY(ch_sql_name(p, &unit));
    p->at++;
    CH_TRY(ch_sql_expr(p, &a));
    if (!ch_sql_accept(p, ',')) {
        ch_expr_unresolved_attribute *column;
        CH_SQL_NEW(column, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_ATTRIBUTE, at);
        column->head.stop = at + (int32_t)strlen(unit);
        CH_TRY(ch_str_list_add(p->arena, &column->parts, unit, p->err));
        CH_TRY(add_read(p, args, &column->head));
        return add_read(p, args, a);
    }
    CH_TRY(ch_sql_expr(p, &b));
    CH_TRY(ch_sql_expect(p, ')'));
    CH_TRY(ch_sql_literal_string(p, unit, (int64_t)strlen(unit), at, &e));
    CH_TRY(make_call(p, diff ? "timestampdiff" : "timestampadd", start, e, a, out));
    return add_arg(p, *out, b);
}

/* The form that the word here introduces, if one; '(' follows the word. */
static ch_status parse_form(ch_sql_parser *p, ch_expr_list *args, ch_expr **out)
{
    bool unit = is_datetime_unit(p, 2) && ch_sql_peek(p, 3)->kind == ',';
    *out = NULL;
    if (!ch_sql_starts_expr(p, 2))
        return CH_OK;
    switch (p->tok[p->at].keyword) {
    case CH_KW_CAST:
    case CH_KW_TRY_CAST:
        return parse_cast(p, args, out);
    case CH_KW_EXTRACT:
        return ch_sql_is_name(p, 2) && ch_sql_is_name(p, 3) ? parse_extract(p, out) : CH_OK;
    case CH_KW_SUBSTR:
    case CH_KW_SUBSTRING:
        return parse_substring(p, args, out);
    case CH_KW_TRIM:
        return parse_trim(p, args, out);
    case CH_KW_POSITION:
        return parse_position(p, args, out);
    case CH_KW_OVERLAY:
        return parse_overlay(p, args, out);
    case CH_KW_TIMESTAMPADD:
    case CH_KW_DATEADD:
    case CH_KW_DATE_ADD:
        return unit ? parse_unit_call(p, false, args, out) : CH_OK;
    case CH_KW_TIMESTAMPDIFF:
    case CH_KW_DATEDIFF:
    case CH_KW_DATE_DIFF:
    case CH_KW_TIMEDIFF:
        return unit ? parse_unit_call(p, true, args, out) : CH_OK;
    default:
        return CH_OK;
    }
}

/* ---- calls --------------------------------------------------------------------------------- */

ch_status ch_sql_argument(ch_sql_parser *p, bool named, ch_expr **out)
{
    if (named)
        return ch_sql_named_expr(p, out);
    if (!ch_sql_is_name(p, 0) || ch_sql_peek(p, 1)->kind != CH_TOK_FAT_ARROW)
        return ch_sql_expr(p, out);
    int32_t start = ch_sql_here(p);
    ch_expr_named_argument *arg;
    const char *key;
    ch_expr *value;
    CH_TRY(ch_sql_name(p, &key));
    p->at++;
    CH_TRY(ch_sql_expr(p, &value));
    CH_SQL_NEW(arg, p, ch_sql_expr_new, CH_EXPR_NAMED_ARGUMENT, start);
    arg->key = key;
    arg->value = value;
    *out = &arg->head;
    return CH_OK;
}

static bool starts_over(const ch_sql_parser *p)
{
    if (!ch_sql_is_kw(p, CH_KW_OVER))
        return false;
    ch_sql_parser next = *p;
    next.at++;
    return ch_sql_is(&next, '(') || (ch_sql_is_name(&next, 0) && !ch_sql_starts_clause(&next));
}

/* WITHIN GROUP (...), FILTER (WHERE ...), IGNORE NULLS, OVER ...: behind the ')' of a call. */
static ch_status call_tail(ch_sql_parser *p, ch_expr_unresolved_function *f, ch_expr **out)
{
    if (ch_sql_is_kw(p, CH_KW_WITHIN) && ch_sql_peek_kw(p, 1, CH_KW_GROUP) &&
        ch_sql_peek(p, 2)->kind == '(') { /* its orderings become the last arguments */
        p->at += 3;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_ORDER));
        CH_TRY(ch_sql_expect_kw(p, CH_KW_BY));
        CH_TRY(ch_sql_sort_items(p, &f->args));
        CH_TRY(ch_sql_expect(p, ')'));
    }
    if (ch_sql_is_kw(p, CH_KW_FILTER) && ch_sql_peek(p, 1)->kind == '(' &&
        ch_sql_peek_kw(p, 2, CH_KW_WHERE) && ch_sql_starts_expr(p, 3)) {
        p->at += 3;
        CH_TRY(ch_sql_expr(p, &f->filter));
        CH_TRY(ch_sql_expect(p, ')'));
    }
    if ((ch_sql_is_kw(p, CH_KW_IGNORE) || ch_sql_is_kw(p, CH_KW_RESPECT)) &&
        ch_sql_peek_kw(p, 1, CH_KW_NULLS)) {
        f->ignore_nulls = ch_sql_is_kw(p, CH_KW_IGNORE);
        p->at += 2;
    }
    f->head.stop = p->tok[p->at - 1].stop;
    *out = &f->head;
    if (!starts_over(p))
        return CH_OK;
    ch_expr_window *w;
    p->at++;
    CH_SQL_NEW(w, p, ch_sql_expr_new, CH_EXPR_WINDOW, f->head.start);
    w->function = &f->head;
    CH_TRY(ch_sql_window_spec(p, w));
    w->head.stop = p->tok[p->at - 1].stop;
    *out = &w->head;
    return CH_OK;
}

static bool is_plain_star(const ch_expr *e)
{
    const ch_expr_unresolved_star *s = (const ch_expr_unresolved_star *)e;
    return e->kind == CH_EXPR_UNRESOLVED_STAR && s->target.n == 0 && s->except.n == 0;
}

static ch_status parse_args(ch_sql_parser *p, ch_expr_unresolved_function *f)
{
    bool named = strcasecmp(f->name, "struct") == 0;
    do {
        ch_expr *arg;
        CH_TRY(ch_sql_argument(p, named, &arg));
        CH_TRY(ch_expr_list_add(p->arena, &f->args, arg, p->err));
    } while (ch_sql_accept(p, ','));
    return CH_OK;
}

/* Behind the arguments `read`; or at the '(' when there are none yet. */
static ch_status parse_call(ch_sql_parser *p, const char *name, int32_t start, ch_expr_list read,
                            ch_expr **out)
{
    ch_expr_unresolved_function *f;
    CH_SQL_NEW(f, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_FUNCTION, start);
    f->name = name;
    f->args = read;
    if (read.n) {
        if (ch_sql_accept(p, ','))
            CH_TRY(parse_args(p, f));
    } else {
        p->at++;
        f->is_distinct = ch_sql_is_kw(p, CH_KW_DISTINCT) && ch_sql_starts_expr(p, 1);
        bool all = ch_sql_is_kw(p, CH_KW_ALL) && ch_sql_starts_expr(p, 1);
        p->at += f->is_distinct || all;
        if (!ch_sql_is(p, ')'))
            CH_TRY(parse_args(p, f));
    }
    if (ch_sql_is_kw(p, CH_KW_IGNORE) && ch_sql_peek_kw(p, 1, CH_KW_NULLS)) {
        f->ignore_nulls = true;
        p->at += 2;
    }
    if (strcasecmp(name, "struct") == 0 && ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_close_list(p, f->args.n));
    if (strcasecmp(name, "count") == 0 && !f->is_distinct && f->args.n == 1 &&
        is_plain_star(f->args.item[0]))
        CH_TRY(ch_sql_literal_int(p, 1, f->args.item[0]->start, &f->args.item[0]));
    return call_tail(p, f, out);
}

/* ---- names --------------------------------------------------------------------------------- */

static bool is_lambda_argument(const ch_sql_parser *p, const char *name)
{
    for (const ch_sql_lambda *l = p->lambda; l; l = l->outer)
        for (int32_t i = 0; i < l->args->n; i++)
            if (strcasecmp(l->args->item[i], name) == 0)
                return true;
    return false;
}

/* * or t.*, with EXCEPT (columns). At the *. */
static ch_status parse_star(ch_sql_parser *p, ch_str_list target, int32_t start, ch_expr **out)
{
    ch_expr_unresolved_star *s;
    p->at++;
    CH_SQL_NEW(s, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_STAR, start);
    s->target = target;
    *out = &s->head;
    if (!ch_sql_is_kw(p, CH_KW_EXCEPT) || ch_sql_peek(p, 1)->kind != '(' ||
        ch_sql_starts_query(p, 2))
        return CH_OK;
    p->at += 2;
    do {
        ch_expr_unresolved_attribute *a;
        ch_str_list parts = {0};
        int32_t here = ch_sql_here(p);
        CH_TRY(ch_sql_names(p, &parts));
        CH_SQL_NEW(a, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_ATTRIBUTE, here);
        a->parts = parts;
        CH_TRY(ch_expr_list_add(p->arena, &s->except, &a->head, p->err));
    } while (ch_sql_accept(p, ','));
    CH_TRY(ch_sql_expect(p, ')'));
    s->head.stop = p->tok[p->at - 1].stop;
    return CH_OK;
}

ch_status ch_sql_join_names(ch_sql_parser *p, const ch_str_list *parts, const char **out)
{
    int32_t last = parts->n - 1;
    *out = parts->item[0];
    if (last > 0 && last < 3 && strcasecmp(parts->item[last - 1], "builtin") == 0 &&
        (last == 1 || strcasecmp(parts->item[0], "system") == 0)) {
        *out = parts->item[last];
        return CH_OK;
    }
    for (int32_t i = 1; i < parts->n; i++) {
        *out = ch_arena_printf(p->arena, p->err, "%s.%s", *out, parts->item[i]);
        if (!*out)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

/* a, a.b.c, a.b.*, a.f(...) */
static ch_status parse_name(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_str_list parts = {0};
    const char *name;
    if (ch_sql_starts_identifier(p))
        CH_TRY(ch_sql_identifier(p, &parts));
    else
        for (;;) {
            CH_TRY(ch_sql_name(p, &name));
            CH_TRY(ch_str_list_add(p->arena, &parts, name, p->err));
            if (!ch_sql_is(p, '.') || !ch_sql_is_name(p, 1))
                break;
            p->at++;
        }
    if (ch_sql_is(p, '.') && ch_sql_peek(p, 1)->kind == '*') {
        p->at++;
        return parse_star(p, parts, start, out);
    }
    if (ch_sql_is(p, '(')) {
        CH_TRY(ch_sql_join_names(p, &parts, &name));
        return parse_call(p, name, start, (ch_expr_list){0}, out);
    }
    if (is_lambda_argument(p, parts.item[0])) {
        ch_expr_unresolved_named_lambda_variable *v;
        CH_SQL_NEW(v, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_NAMED_LAMBDA_VARIABLE, start);
        v->name = parts.item[0];
        *out = &v->head;
        for (int32_t i = 1; i < parts.n; i++) {
            ch_expr_unresolved_extract_value *x;
            CH_SQL_NEW(x, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_EXTRACT_VALUE, start);
            x->child = *out;
            CH_TRY(ch_sql_literal_string(p, parts.item[i], (int64_t)strlen(parts.item[i]), start,
                                         &x->extraction));
            *out = &x->head;
        }
        return CH_OK;
    }
    ch_expr_unresolved_attribute *a;
    CH_SQL_NEW(a, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_ATTRIBUTE, start);
    a->parts = parts;
    *out = &a->head;
    return CH_OK;
}

/* x -> body, (x, y) -> body */
static ch_status parse_lambda(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr_lambda_function *l;
    CH_SQL_NEW(l, p, ch_sql_expr_new, CH_EXPR_LAMBDA_FUNCTION, start);
    bool list = ch_sql_accept(p, '(');
    do {
        const char *name;
        CH_TRY(ch_sql_name(p, &name));
        CH_TRY(ch_str_list_add(p->arena, &l->args, name, p->err));
    } while (list && ch_sql_accept(p, ','));
    if (list)
        CH_TRY(ch_sql_expect(p, ')'));
    p->at++;
    ch_sql_lambda scope = {&l->args, p->lambda};
    const ch_sql_lambda *outer = p->lambda;
    p->lambda = &scope;
    ch_status status = ch_sql_expr(p, &l->body);
    p->lambda = outer;
    CH_TRY(status);
    l->head.stop = p->tok[p->at - 1].stop;
    *out = &l->head;
    return CH_OK;
}

/* (x, y) in front of an arrow? */
static bool starts_lambda_list(const ch_sql_parser *p)
{
    int32_t close = p->tok[p->at].match;
    if (close < 0 || p->tok[close + 1].kind != CH_TOK_ARROW || close == p->at + 1)
        return false;
    for (int32_t i = p->at + 1; i < close; i++)
        if ((i - p->at) % 2 ? !ch_sql_is_name(p, i - p->at) : p->tok[i].kind != ',')
            return false;
    return (close - p->at) % 2 == 0;
}

/* ---- parentheses --------------------------------------------------------------------------- */

static ch_status parse_subquery(ch_sql_parser *p, ch_subquery_kind kind, int32_t start,
                                ch_expr **out)
{
    ch_expr_subquery *s;
    ch_rel *plan;
    CH_TRY(ch_sql_expect(p, '('));
    CH_TRY(ch_sql_query(p, &plan));
    CH_TRY(ch_sql_expect(p, ')'));
    CH_SQL_NEW(s, p, ch_sql_expr_new, CH_EXPR_SUBQUERY, start);
    s->subquery_kind = kind;
    s->plan = plan;
    *out = &s->head;
    return CH_OK;
}

static ch_status parse_parenthesis(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    if (starts_lambda_list(p))
        return parse_lambda(p, out);
    if (ch_sql_starts_query(p, 1))
        return parse_subquery(p, CH_SUBQUERY_SCALAR, start, out);
    ch_expr_unresolved_function *row;
    ch_expr_list items = {0};
    p->at++;
    do {
        ch_expr *e;
        CH_TRY(ch_sql_named_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &items, e, p->err));
    } while (ch_sql_accept(p, ','));
    if (items.n == 1 && (items.item[0]->kind == CH_EXPR_ALIAS || !ch_sql_is(p, ')')))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_close_list(p, items.n));
    if (items.n == 1) {
        *out = items.item[0];
        return CH_OK;
    }
    CH_SQL_NEW(row, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_FUNCTION, start);
    row->name = "struct";
    row->is_infix = true;
    row->args = items;
    *out = &row->head;
    return CH_OK;
}

/* ---- primary ------------------------------------------------------------------------------- */

static ch_status literal_word(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    bool value = ch_sql_is_kw(p, CH_KW_TRUE);
    if (!ch_sql_accept_kw(p, CH_KW_NULL)) {
        p->at++;
        return ch_sql_literal_bool(p, value, start, out);
    }
    ch_expr_literal *l;
    CH_SQL_NEW(l, p, ch_sql_expr_new, CH_EXPR_LITERAL, start);
    l->head.type = l->value.type = CH_T_NULL;
    l->value.is_null = true;
    l->head.nullable = true;
    *out = &l->head;
    return CH_OK;
}

static ch_status parse_word(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    int next = ch_sql_peek(p, 1)->kind;
    if (next == CH_TOK_ARROW)
        return parse_lambda(p, out);
    switch (p->tok[p->at].keyword) {
    case CH_KW_NULL:
    case CH_KW_TRUE:
    case CH_KW_FALSE:
        if (next != '.' && next != '(')
            return literal_word(p, out);
        break;
    case CH_KW_CASE:
        if (next != '.' && next != ')' && ch_sql_starts_expr(p, 1) &&
            !ch_sql_peek_kw(p, 1, CH_KW_END) && !ch_sql_peek_kw(p, 1, CH_KW_FROM))
            return parse_case(p, out);
        break;
    case CH_KW_EXISTS:
        if (next == '(' && ch_sql_starts_query(p, 2)) {
            p->at++;
            return parse_subquery(p, CH_SUBQUERY_EXISTS, start, out);
        }
        break;
    case CH_KW_INTERVAL:
        if (ch_sql_starts_interval(p))
            return ch_sql_interval(p, out);
        break;
    default:
        break;
    }
    if (ch_sql_is_string(p, 1))
        return ch_sql_typed_literal(p, out);
    if (next != '(')
        return parse_name(p, out);
    const ch_token *word = &p->tok[p->at];
    ch_expr_list args = {0};
    CH_TRY(parse_form(p, &args, out));
    if (*out)
        return CH_OK;
    if (args.n == 0)
        return parse_name(p, out);
    const char *name = ch_sql_slice(p, word->start, word->stop);
    return name ? parse_call(p, name, start, args, out) : CH_E_MEMORY;
}

static ch_status parse_base(ch_sql_parser *p, ch_expr **out)
{
    const ch_token *t = &p->tok[p->at];
    if (ch_sql_is_string(p, 0))
        return ch_sql_strings(p, out);
    switch (t->kind) {
    case CH_TOK_WORD:
        return parse_word(p, out);
    case CH_TOK_BACKQUOTED:
    case CH_TOK_DOUBLE_QUOTED:
        if (ch_sql_peek(p, 1)->kind == CH_TOK_ARROW)
            return parse_lambda(p, out);
        return parse_name(p, out);
    case '(':
        return parse_parenthesis(p, out);
    case '*':
        return parse_star(p, (ch_str_list){0}, t->start, out);
    case '-':
        p->at++;
        return ch_sql_number(p, true, t->start, out);
    case '?':
    case ':':
        if (t->kind == '?' || ch_sql_is_name(p, 1))
            return ch_sql_marker(p, out);
        return ch_sql_unexpected(p);
    default:
        return ch_sql_is_number(p, 0) ? ch_sql_number(p, false, t->start, out)
                                      : ch_sql_unexpected(p);
    }
}

static ch_status postfix(ch_sql_parser *p, int32_t start, ch_expr **out, bool *more)
{
    ch_expr_unresolved_extract_value *x;
    ch_expr *child = *out, *key;
    *more = true;
    if (ch_sql_accept(p, '[')) {
        CH_TRY(ch_sql_value(p, &key));
        CH_TRY(ch_sql_expect(p, ']'));
    } else if (ch_sql_is(p, '.')) {
        const char *name;
        p->at++;
        int32_t at = ch_sql_here(p);
        CH_TRY(ch_sql_name(p, &name));
        if (child->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE) { /* (a).b */
            child->stop = p->tok[p->at - 1].stop;
            return ch_str_list_add(p->arena, &((ch_expr_unresolved_attribute *)child)->parts, name,
                                   p->err);
        }
        CH_TRY(ch_sql_literal_string(p, name, (int64_t)strlen(name), at, &key));
    } else if (ch_sql_accept(p, CH_TOK_CAST)) {
        const ch_type *to;
        CH_TRY(ch_sql_type(p, &to));
        return make_cast(p, child, to, false, start, out);
    } else if (ch_sql_is_kw(p, CH_KW_COLLATE) && ch_sql_is_name(p, 1) && !ch_sql_is(p, '(')) {
        ch_sql_parser next = *p;
        next.at++;
        if (ch_sql_starts_clause(&next)) { /* a name of its own */
            *more = false;
            return CH_OK;
        }
        return ch_sql_unsupported(p, start, "COLLATE");
    } else {
        *more = false;
        return CH_OK;
    }
    CH_SQL_NEW(x, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_EXTRACT_VALUE, start);
    x->child = child;
    x->extraction = key;
    *out = &x->head;
    return CH_OK;
}

ch_status ch_sql_primary(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p), outer = p->tallest;
    bool more = true;
    p->tallest = 0;
    CH_TRY(parse_base(p, out));
    p->height = p->tallest + 1;
    while (more) {
        p->tallest = p->height;
        CH_TRY(postfix(p, start, out, &more));
        p->height = p->tallest + more;
        if (p->height > CH_SQL_MAX_HEIGHT)
            return ch_sql_too_deep(p);
    }
    p->tallest = outer;
    return CH_OK;
}
