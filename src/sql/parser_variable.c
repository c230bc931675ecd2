/* SPDX-License-Identifier: Apache-2.0 */
/* parser_variable.c - session variables (DECLARE, SET VAR, DROP TEMPORARY VARIABLE) and EXECUTE IMMEDIATE. */
#include "plan/plan_command.h"
#include "sql/parser.h"

/* A name as an attribute, added to the list. */
static ch_status variable_name(ch_sql_parser *p, ch_expr_list *out)
{
    ch_expr_unresolved_attribute *a;
    int32_t start = ch_sql_here(p);
    ch_str_list parts = {0};
    CH_TRY(ch_sql_names(p, &parts));
    CH_SQL_NEW(a, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_ATTRIBUTE, start);
    a->parts = parts;
    a->plan_id = -1;
    return ch_expr_list_add(p->arena, out, &a->head, p->err);
}

static ch_status variable_names(ch_sql_parser *p, ch_expr_list *out)
{
    do
        CH_TRY(variable_name(p, out));
    while (ch_sql_accept(p, ','));
    return CH_OK;
}

static ch_status new_variable(ch_sql_parser *p, ch_variable_action action, ch_rel_variable **out)
{
    CH_SQL_NEW(*out, p, ch_sql_rel_new, CH_REL_VARIABLE, ch_sql_here(p));
    (*out)->action = action;
    return CH_OK;
}

static ch_status finish(ch_sql_parser *p, ch_rel *rel, ch_rel **out)
{
    rel->stop = p->tok[p->at - 1].stop;
    *out = rel;
    return CH_OK;
}

/* DECLARE [OR REPLACE] [VARIABLE] a, b [type] [DEFAULT | = value] */
ch_status ch_sql_declare(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_variable *v;
    int32_t start = ch_sql_here(p);
    CH_TRY(new_variable(p, CH_VARIABLE_DECLARE, &v));
    p->at++;
    if (ch_sql_is_kw(p, CH_KW_OR) && ch_sql_peek_kw(p, 1, CH_KW_REPLACE)) {
        p->at += 2;
        v->replace = true;
    }
    bool word = ch_sql_is_kw(p, CH_KW_VARIABLE) || ch_sql_is_kw(p, CH_KW_VAR);
    p->at += word && ch_sql_is_name(p, 1);
    CH_TRY(variable_names(p, &v->names));
    if (ch_sql_is_name(p, 0) && !ch_sql_is_kw(p, CH_KW_DEFAULT))
        CH_TRY(ch_sql_type(p, &v->type));
    if (ch_sql_accept_kw(p, CH_KW_DEFAULT) || ch_sql_accept(p, '=')) {
        ch_expr *value;
        CH_TRY(ch_sql_expr(p, &value));
        CH_TRY(ch_expr_list_add(p->arena, &v->values, value, p->err));
    }
    if (!v->type && !v->values.n)
        return ch_sql_at(
            p, start, p->tok[p->at - 1].stop,
            ch_error_set(p->err, CH_E_VARIABLE_TYPE_OR_DEFAULT_REQUIRED, (const char *)0));
    return finish(p, &v->head, out);
}

bool ch_sql_starts_set_variable(const ch_sql_parser *p)
{
    return ch_sql_is_kw(p, CH_KW_SET) &&
           (ch_sql_peek_kw(p, 1, CH_KW_VAR) || ch_sql_peek_kw(p, 1, CH_KW_VARIABLE)) &&
           (ch_sql_is_name(p, 2) || ch_sql_peek(p, 2)->kind == '(');
}

/* SET VAR a = x, b = DEFAULT; SET VAR (a, b) = (query) */
ch_status ch_sql_set_variable(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_variable *v;
    int32_t start = ch_sql_here(p);
    CH_TRY(new_variable(p, CH_VARIABLE_SET, &v));
    p->at += 2;
    if (ch_sql_accept(p, '(')) {
        CH_TRY(variable_names(p, &v->names));
        CH_TRY(ch_sql_close_list(p, v->names.n));
        CH_TRY(ch_sql_expect(p, '='));
        CH_TRY(ch_sql_expect(p, '('));
        CH_TRY(ch_sql_query(p, &v->query));
        CH_TRY(ch_sql_expect(p, ')'));
        return finish(p, &v->head, out);
    }
    do {
        ch_expr *value;
        CH_TRY(variable_name(p, &v->names));
        if (!ch_sql_accept(p, '='))
            return ch_sql_at(p, start, p->tok[p->n - 1].stop,
                             ch_error_set(p->err, CH_E_INVALID_SET_SYNTAX, (const char *)0));
        CH_TRY(ch_sql_expr(p, &value));
        CH_TRY(ch_expr_list_add(p->arena, &v->values, value, p->err));
    } while (ch_sql_accept(p, ','));
    return finish(p, &v->head, out);
}

/* DROP TEMPORARY VARIABLE [IF EXISTS] a */
bool ch_sql_starts_drop_variable(const ch_sql_parser *p)
{
    return ch_sql_is_kw(p, CH_KW_DROP) &&
           (ch_sql_peek_kw(p, 1, CH_KW_TEMPORARY) || ch_sql_peek_kw(p, 1, CH_KW_TEMP)) &&
           (ch_sql_peek_kw(p, 2, CH_KW_VARIABLE) || ch_sql_peek_kw(p, 2, CH_KW_VAR));
}

ch_status ch_sql_drop_variable(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_variable *v;
    CH_TRY(new_variable(p, CH_VARIABLE_DROP, &v));
    p->at += 3;
    v->if_exists = ch_sql_accept_if_exists(p);
    CH_TRY(variable_name(p, &v->names));
    return finish(p, &v->head, out);
}

/* USING a, b AS name; all of it may stand in parentheses. */
static ch_status arguments(ch_sql_parser *p, ch_expr_list *out)
{
    int32_t close = ch_sql_is(p, '(') ? p->tok[p->at].match : -1;
    bool list = close >= 0 &&
                (p->tok[close + 1].kind == CH_TOK_EOF || p->tok[close + 1].kind == ';' ||
                 p->tok[close + 1].keyword == CH_KW_INTO) &&
                !ch_sql_starts_query(p, 1);
    p->at += list;
    do {
        ch_expr *e;
        CH_TRY(ch_sql_named_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, out, e, p->err));
    } while (ch_sql_accept(p, ','));
    return list ? ch_sql_close_list(p, out->n) : CH_OK;
}

/* EXECUTE IMMEDIATE text [INTO a, b] [USING x, y AS name] */
ch_status ch_sql_execute(ch_sql_parser *p, ch_rel **out)
{
    ch_rel_execute *e;
    CH_SQL_NEW(e, p, ch_sql_rel_new, CH_REL_EXECUTE, ch_sql_here(p));
    p->at++;
    CH_TRY(ch_sql_expect_kw(p, CH_KW_IMMEDIATE));
    CH_TRY(ch_sql_expr(p, &e->statement));
    if (ch_sql_accept_kw(p, CH_KW_INTO))
        CH_TRY(variable_names(p, &e->into));
    if (ch_sql_accept_kw(p, CH_KW_USING))
        CH_TRY(arguments(p, &e->arguments));
    return finish(p, &e->head, out);
}
