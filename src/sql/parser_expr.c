/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_expr.c - operators by precedence climbing, and the predicates.
 *
 * From loose to tight, as in Spark's grammar:
 *
 *   OR  <  AND  <  NOT  <  one predicate (BETWEEN, IN, LIKE, IS ...)
 *       <  = <=> <> < <= > >=  <  |  <  ^  <  &  <  << >> >>>  <  + - ||  <  * / % DIV  <  - + ~
 *
 * A predicate takes one value on its left and ends the expression below AND: a IS NULL IS NULL is no
 * sentence. Chains of AND and of OR become balanced trees, so that a condition with a thousand terms
 * is not a thousand deep; other chains lean left, and their height is limited.
 */
#include "sql/parser.h"

static ch_status boolean(ch_sql_parser *p, int level, ch_expr **out);

enum { LEVEL_OR, LEVEL_AND, LEVEL_NOT };

static ch_status grow_taller(ch_sql_parser *p, int32_t left)
{
    p->height = (left > p->height ? left : p->height) + 1;
    return p->height > CH_SQL_MAX_HEIGHT ? ch_sql_too_deep(p) : CH_OK;
}

static ch_status negate(ch_sql_parser *p, bool negated, ch_expr **e)
{
    return negated ? ch_sql_call(p, "not", (*e)->start, *e, NULL, e) : CH_OK;
}

/* ---- values -------------------------------------------------------------------------------- */

typedef struct binary_op {
    const char *name;
    int level; /* 0 = none */
} binary_op;

enum { COMPARE = 1, BIT_OR, BIT_XOR, BIT_AND, SHIFT, ADD, MULTIPLY };

static binary_op operator_at(const ch_sql_parser *p)
{
    switch (p->tok[p->at].kind) {
    case '=':
        return (binary_op){"=", COMPARE};
    case CH_TOK_NULL_SAFE_EQ:
        return (binary_op){"<=>", COMPARE};
    case CH_TOK_NE:
        return (binary_op){"!=", COMPARE};
    case '<':
        return (binary_op){"<", COMPARE};
    case CH_TOK_LE:
        return (binary_op){"<=", COMPARE};
    case '>':
        return (binary_op){">", COMPARE};
    case CH_TOK_GE:
        return (binary_op){">=", COMPARE};
    case '|':
        return (binary_op){"|", BIT_OR};
    case '^':
        return (binary_op){"^", BIT_XOR};
    case '&':
        return (binary_op){"&", BIT_AND};
    case CH_TOK_SHL:
        return (binary_op){"<<", SHIFT};
    case CH_TOK_SHR:
        return (binary_op){">>", SHIFT};
    case CH_TOK_USHR:
        return (binary_op){">>>", SHIFT};
    case '+':
        return (binary_op){"+", ADD};
    case '-':
        return (binary_op){"-", ADD};
    case CH_TOK_CONCAT:
        return (binary_op){"concat", ADD};
    case '*':
        return (binary_op){"*", MULTIPLY};
    case '/':
        return (binary_op){"/", MULTIPLY};
    case '%':
        return (binary_op){"%", MULTIPLY};
    case CH_TOK_WORD:
        if (ch_sql_is_kw(p, CH_KW_DIV) && ch_sql_starts_expr(p, 1))
            return (binary_op){"div", MULTIPLY};
        return (binary_op){NULL, 0};
    default:
        return (binary_op){NULL, 0};
    }
}

static ch_status unary(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    const char *name = ch_sql_is(p, '-')   ? "negative"
                       : ch_sql_is(p, '+') ? "positive"
                       : ch_sql_is(p, '~') ? "~"
                                           : NULL;
    if (!name || (ch_sql_is(p, '-') && ch_sql_is_number(p, 1)))
        return ch_sql_primary(p, out);
    p->at++;
    bool marker = ch_sql_is(p, '?') || ch_sql_is(p, ':');
    CH_SQL_DEEPER(p);
    CH_TRY(unary(p, out));
    p->depth--;
    if (marker && name[0] == 'n' && ch_sql_negate(*out)) /* as if -5 were written */
        return CH_OK;
    CH_TRY(grow_taller(p, 0));
    return ch_sql_call(p, name, start, *out, NULL, out);
}

static ch_status binary(ch_sql_parser *p, int level, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    CH_TRY(unary(p, out));
    for (;;) {
        binary_op op = operator_at(p);
        if (op.level < level || op.level == 0)
            return CH_OK;
        ch_expr *right;
        int32_t left_height = p->height;
        p->at++;
        CH_TRY(binary(p, op.level + 1, &right));
        CH_TRY(grow_taller(p, left_height));
        CH_TRY(ch_sql_call(p, op.name, start, *out, right, out));
    }
}

static ch_status value(ch_sql_parser *p, ch_expr **out)
{
    CH_TRY(binary(p, COMPARE, out));
    p->tallest = p->height > p->tallest ? p->height : p->tallest;
    return CH_OK;
}

ch_status ch_sql_value(ch_sql_parser *p, ch_expr **out)
{
    CH_SQL_DEEPER(p); /* position(position(... gets here without ch_sql_expr() */
    CH_TRY(value(p, out));
    p->depth--;
    return CH_OK;
}

/* ---- predicates ---------------------------------------------------------------------------- */

static ch_status sql_error(ch_sql_parser *p, ch_status code, int32_t start)
{
    return ch_sql_at(p, start, ch_sql_here(p), ch_error_set(p->err, code, (const char *)0));
}

static ch_status parse_between(ch_sql_parser *p, ch_expr *left, ch_expr **out)
{
    ch_expr *low, *high;
    CH_TRY(ch_sql_value(p, &low));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_AND));
    CH_TRY(ch_sql_value(p, &high));
    CH_TRY(ch_sql_call(p, "between", left->start, left, low, out));
    ((ch_expr_unresolved_function *)*out)->is_infix = false;
    return ch_expr_list_add(p->arena, &((ch_expr_unresolved_function *)*out)->args, high, p->err);
}

/* (a, b) IN (SELECT ...) compares both. */
static ch_status in_values(ch_sql_parser *p, ch_expr *left, ch_expr_list *out)
{
    ch_expr_unresolved_function *f = (ch_expr_unresolved_function *)left;
    if (left->kind != CH_EXPR_UNRESOLVED_FUNCTION || !f->is_infix || strcmp(f->name, "struct") != 0)
        return ch_expr_list_add(p->arena, out, left, p->err);
    *out = f->args;
    return CH_OK;
}

static ch_status parse_in(ch_sql_parser *p, ch_expr *left, int32_t start, ch_expr **out)
{
    CH_TRY(ch_sql_expect(p, '('));
    if (ch_sql_is(p, ')')) {
        p->at++;
        return sql_error(p, CH_E_EMPTY_IN_PREDICATE, start);
    }
    if (ch_sql_starts_query(p, 0)) {
        ch_expr_subquery *s;
        ch_rel *plan;
        CH_TRY(ch_sql_query(p, &plan));
        CH_TRY(ch_sql_expect(p, ')'));
        CH_SQL_NEW(s, p, ch_sql_expr_new, CH_EXPR_SUBQUERY, left->start);
        s->subquery_kind = CH_SUBQUERY_IN;
        s->plan = plan;
        *out = &s->head;
        return in_values(p, left, &s->in_values);
    }
    ch_expr_list list = {0};
    CH_TRY(ch_expr_list_add(p->arena, &list, left, p->err));
    do {
        ch_expr *e;
        CH_TRY(ch_sql_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &list, e, p->err));
    } while (ch_sql_accept(p, ','));
    p->height = p->tallest;
    CH_TRY(ch_sql_close_list(p, list.n - 1));
    ch_expr_unresolved_function *f;
    CH_SQL_NEW(f, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_FUNCTION, left->start);
    f->name = "in";
    f->is_infix = true;
    f->args = list;
    *out = &f->head;
    return CH_OK;
}

/* left LIKE ANY (a, b): left LIKE a OR left LIKE b, with NOT in front of each. */
static ch_status like_list(ch_sql_parser *p, ch_expr *left, const char *name, bool any,
                           bool negated, int32_t start, ch_expr **out)
{
    ch_expr_list list = {0};
    p->at++;
    if (ch_sql_accept(p, ')'))
        return sql_error(p, CH_E_EMPTY_QUANTIFIED_PATTERN, start);
    *out = NULL;
    do {
        ch_expr *e;
        int32_t before = p->height;
        CH_TRY(ch_sql_expr(p, &e));
        CH_TRY(ch_sql_call(p, name, left->start, left, e, &e));
        CH_TRY(negate(p, negated, &e));
        CH_TRY(grow_taller(p, before));
        CH_TRY(ch_expr_list_add(p->arena, &list, e, p->err));
        if (!*out)
            *out = e;
        else
            CH_TRY(ch_sql_call(p, any ? "or" : "and", left->start, *out, e, out));
    } while (ch_sql_accept(p, ','));
    return ch_sql_close_list(p, list.n);
}

static ch_status parse_like(ch_sql_parser *p, ch_expr *left, const char *name, bool negated,
                            int32_t start, ch_expr **out)
{
    bool all = ch_sql_is_kw(p, CH_KW_ALL);
    bool any = ch_sql_is_kw(p, CH_KW_ANY) || ch_sql_is_kw(p, CH_KW_SOME);
    if ((all || any) && ch_sql_peek(p, 1)->kind == '(') {
        p->at++;
        return like_list(p, left, name, any, negated, start, out);
    }
    ch_expr *pattern;
    CH_TRY(ch_sql_value(p, &pattern));
    CH_TRY(ch_sql_call(p, name, left->start, left, pattern, out));
    if (ch_sql_is_kw(p, CH_KW_ESCAPE) && ch_sql_is_string(p, 1)) {
        const char *text;
        int64_t len;
        ch_expr *escape;
        p->at++;
        int32_t at = ch_sql_here(p);
        CH_TRY(ch_sql_string(p, &text, &len));
        int64_t first = 1; /* bytes of the first character */
        while (first < len && ((unsigned char)text[first] & 0xC0) == 0x80)
            first++;
        if (len != first || len == 0)
            return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                             ch_error_set(p->err, CH_E_INVALID_ESC, "invalidEscape",
                                          ch_arena_printf(p->arena, NULL, "'%s'", text),
                                          (const char *)0));
        CH_TRY(ch_sql_literal_string(p, text, len, at, &escape));
        CH_TRY(ch_expr_list_add(p->arena, &((ch_expr_unresolved_function *)*out)->args, escape,
                                p->err));
        (*out)->stop = escape->stop;
    }
    return negate(p, negated, out);
}

/* Behind IS [NOT]. */
static ch_status parse_is(ch_sql_parser *p, ch_expr *left, ch_expr **out)
{
    bool negated = ch_sql_accept_kw(p, CH_KW_NOT) || ch_sql_accept(p, '!');
    int32_t here = ch_sql_here(p);
    if (ch_sql_accept_kw(p, CH_KW_NULL))
        return ch_sql_call(p, negated ? "isnotnull" : "isnull", left->start, left, NULL, out);
    if (ch_sql_accept_kw(p, CH_KW_UNKNOWN))
        return ch_sql_call(p, negated ? "isnotnull" : "isnull", left->start, left, NULL, out);
    ch_expr *right;
    if (ch_sql_is_kw(p, CH_KW_TRUE) || ch_sql_is_kw(p, CH_KW_FALSE)) {
        bool value = ch_sql_is_kw(p, CH_KW_TRUE);
        p->at++;
        CH_TRY(ch_sql_literal_bool(p, value, here, &right));
    } else if (ch_sql_accept_kw(p, CH_KW_DISTINCT)) {
        CH_TRY(ch_sql_expect_kw(p, CH_KW_FROM));
        CH_TRY(ch_sql_value(p, &right));
        negated = !negated;
    } else {
        return ch_sql_unexpected(p);
    }
    CH_TRY(ch_sql_call(p, "<=>", left->start, left, right, out));
    return negate(p, negated, out);
}

/* What may stand behind a value, and behind NOT there. */
static bool starts_predicate(const ch_sql_parser *p, int32_t ahead)
{
    switch (ch_sql_peek(p, ahead)->keyword) {
    case CH_KW_BETWEEN:
    case CH_KW_LIKE:
    case CH_KW_ILIKE:
    case CH_KW_RLIKE:
    case CH_KW_REGEXP:
        return ch_sql_starts_expr(p, ahead + 1);
    case CH_KW_IN:
        return ch_sql_peek(p, ahead + 1)->kind == '(';
    default:
        return false;
    }
}

static bool starts_is(const ch_sql_parser *p)
{
    switch (ch_sql_peek(p, 1)->keyword) {
    case CH_KW_NOT:
    case CH_KW_NULL:
    case CH_KW_TRUE:
    case CH_KW_FALSE:
    case CH_KW_UNKNOWN:
    case CH_KW_DISTINCT:
        return true;
    default:
        return ch_sql_peek(p, 1)->kind == '!';
    }
}

static ch_status predicated(ch_sql_parser *p, ch_expr **out)
{
    CH_TRY(value(p, out)); /* ch_sql_expr() has counted this level */
    ch_expr *left = *out;
    int32_t start = ch_sql_here(p), height = p->height;
    if (ch_sql_is_kw(p, CH_KW_IS) && starts_is(p)) {
        p->at++;
        CH_TRY(parse_is(p, left, out));
        return grow_taller(p, height + 1);
    }
    bool negated = (ch_sql_is_kw(p, CH_KW_NOT) || ch_sql_is(p, '!')) && starts_predicate(p, 1);
    if (!starts_predicate(p, negated))
        return CH_OK;
    p->at += negated;
    ch_keyword keyword = (ch_keyword)p->tok[p->at++].keyword;
    switch (keyword) {
    case CH_KW_BETWEEN:
        CH_TRY(parse_between(p, left, out));
        CH_TRY(negate(p, negated, out));
        break;
    case CH_KW_IN:
        CH_TRY(parse_in(p, left, start, out));
        CH_TRY(negate(p, negated, out));
        break;
    default:
        CH_TRY(parse_like(p, left,
                          keyword == CH_KW_LIKE    ? "like"
                          : keyword == CH_KW_ILIKE ? "ilike"
                                                   : "rlike",
                          negated, start, out));
        if (keyword != CH_KW_LIKE && (*out)->kind == CH_EXPR_UNRESOLVED_FUNCTION && !negated)
            ((ch_expr_unresolved_function *)*out)->is_infix = false;
    }
    return grow_taller(p, height + 1);
}

/* ---- AND, OR, NOT -------------------------------------------------------------------------- */

/* list[from, to) joined by `name`, halves first. */
static ch_status balanced(ch_sql_parser *p, const char *name, const ch_expr_list *list,
                          int32_t from, int32_t to, ch_expr **out)
{
    if (to - from == 1) {
        *out = list->item[from];
        return CH_OK;
    }
    ch_expr *left, *right;
    int32_t middle = from + (to - from + 1) / 2;
    CH_TRY(balanced(p, name, list, from, middle, &left));
    CH_TRY(balanced(p, name, list, middle, to, &right));
    CH_TRY(ch_sql_call(p, name, left->start, left, right, out));
    (*out)->stop = right->stop;
    return CH_OK;
}

static ch_status chain(ch_sql_parser *p, int level, ch_expr **out)
{
    ch_keyword keyword = level == LEVEL_OR ? CH_KW_OR : CH_KW_AND;
    ch_expr_list list = {0};
    int32_t height = 0;
    for (;;) {
        ch_expr *e;
        CH_TRY(boolean(p, level + 1, &e));
        height = p->height > height ? p->height : height;
        if (!ch_sql_is_kw(p, keyword) || !ch_sql_starts_expr(p, 1)) {
            *out = e;
            if (list.n == 0)
                return CH_OK;
            CH_TRY(ch_expr_list_add(p->arena, &list, e, p->err));
            break;
        }
        CH_TRY(ch_expr_list_add(p->arena, &list, e, p->err));
        p->at++;
    }
    p->height = height;
    for (int32_t n = list.n; n > 1; n = (n + 1) / 2)
        CH_TRY(grow_taller(p, 0));
    return balanced(p, level == LEVEL_OR ? "or" : "and", &list, 0, list.n, out);
}

static ch_status parse_not(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    bool is_not = ch_sql_is(p, '!') || (ch_sql_is_kw(p, CH_KW_NOT) && ch_sql_starts_expr(p, 1));
    if (!is_not)
        return predicated(p, out);
    p->at++;
    CH_SQL_DEEPER(p);
    CH_TRY(parse_not(p, out));
    p->depth--;
    CH_TRY(grow_taller(p, 0));
    return ch_sql_call(p, "not", start, *out, NULL, out);
}

static ch_status boolean(ch_sql_parser *p, int level, ch_expr **out)
{
    return level == LEVEL_NOT ? parse_not(p, out) : chain(p, level, out);
}

ch_status ch_sql_expr(ch_sql_parser *p, ch_expr **out)
{
    CH_SQL_DEEPER(p);
    CH_TRY(boolean(p, LEVEL_OR, out));
    p->depth--;
    p->tallest = p->height > p->tallest ? p->height : p->tallest;
    return CH_OK;
}

ch_status ch_sql_expr_list(ch_sql_parser *p, ch_expr_list *out)
{
    do {
        ch_expr *e;
        CH_TRY(ch_sql_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, out, e, p->err));
    } while (ch_sql_accept(p, ','));
    return CH_OK;
}

/* ---- expressions with a name, sort orders --------------------------------------------------- */

/* A name, or AS and a name; AS that nothing follows is a name itself. */
static bool alias_follows(const ch_sql_parser *p)
{
    return ch_sql_is_name(p, 0) && !ch_sql_starts_clause(p);
}

static bool as_follows(const ch_sql_parser *p)
{
    if (!ch_sql_is_kw(p, CH_KW_AS))
        return false;
    ch_sql_parser next = *p;
    next.at++;
    return ch_sql_is(&next, '(') || alias_follows(&next) || ch_sql_is_string(&next, 0);
}

ch_status ch_sql_named_expr(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    CH_TRY(ch_sql_expr(p, out));
    bool as = as_follows(p);
    if (!as && !alias_follows(p))
        return CH_OK;
    p->at += as;
    ch_str_list names = {0};
    if (as && ch_sql_is(p, '(')) {
        CH_TRY(ch_sql_name_list(p, &names));
    } else {
        const char *name;
        CH_TRY(ch_sql_checked_name(p, &name));
        CH_TRY(ch_str_list_add(p->arena, &names, name, p->err));
    }
    ch_expr_alias *alias;
    CH_SQL_NEW(alias, p, ch_sql_expr_new, CH_EXPR_ALIAS, start);
    alias->child = *out;
    alias->names = names;
    *out = &alias->head;
    return CH_OK;
}
