/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_marker.c - what stands for something that is not in the text: parameter markers (:name, ?) and
 * IDENTIFIER('a.b'), whose constant is a name.
 */
#include "sql/parser.h"

#include <stdio.h>
#include <strings.h>

/* ---- parameters ---------------------------------------------------------------------------- */

static ch_status unbound(ch_sql_parser *p, const char *name, int32_t start)
{
    return ch_sql_at(
        p, start, p->tok[p->at - 1].stop,
        ch_error_set(p->err, CH_E_UNBOUND_SQL_PARAMETER, "name", name, (const char *)0));
}

/* The names of arguments that have none, or all: "\"1\", \"2\"". */
static ch_status not_named(ch_sql_parser *p)
{
    const char *text = "";
    for (int32_t i = 0; i < p->ctx->params->n && text; i++)
        if (!p->ctx->params->name[i])
            text = ch_arena_printf(p->arena, p->err, "%s%s\"%s\"", text, *text ? ", " : "",
                                   p->ctx->params->shown ? p->ctx->params->shown[i] : "?");
    if (!text)
        return CH_E_MEMORY;
    return ch_error_set(p->err, CH_E_ALL_PARAMETERS_MUST_BE_NAMED, "exprs", text, (const char *)0);
}

static ch_status named_value(ch_sql_parser *p, const char *name, int32_t start, ch_expr **out)
{
    const ch_sql_params *params = p->ctx->params;
    bool nameless = false;
    for (int32_t i = 0; params && i < params->n; i++) {
        if (params->name && params->name[i] && strcasecmp(params->name[i], name) == 0) {
            *out = params->value[i];
            return CH_OK;
        }
        nameless |= params->name && !params->name[i];
    }
    return nameless && params->all_or_none ? not_named(p) : unbound(p, name, start);
}

static ch_status next_value(ch_sql_parser *p, int32_t start, ch_expr **out)
{
    const ch_sql_params *params = p->ctx->params;
    if (params && p->n_taken < params->n && (!params->name || params->all_or_none)) {
        *out = params->value[p->n_taken++];
        return CH_OK;
    }
    char name[32];
    (void)snprintf(name, sizeof name, "_%d", start);
    return unbound(p, name, start);
}

ch_status ch_sql_marker(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *value = NULL;
    bool named = ch_sql_is(p, ':');
    p->at++;
    if (named ? p->taken_by_place : p->taken_by_name)
        return ch_error_set(p->err, CH_E_MIXED_QUERY_PARAMETERS, (const char *)0);
    if (named) {
        const char *name;
        CH_TRY(ch_sql_name(p, &name));
        p->taken_by_name = true;
        CH_TRY(named_value(p, name, start, &value));
    } else {
        p->taken_by_place = true;
        CH_TRY(next_value(p, start, &value));
    }
    *out = ch_expr_clone(p->arena, value, p->err);
    if (!*out)
        return CH_E_MEMORY;
    (*out)->start = start;
    (*out)->stop = p->tok[p->at - 1].stop;
    return CH_OK;
}

ch_status ch_sql_marker_text(ch_sql_parser *p, const char **out)
{
    int32_t before = p->at;
    ch_expr *e;
    CH_TRY(ch_sql_marker(p, &e));
    const ch_scalar *v = &((const ch_expr_literal *)e)->value;
    if (e->kind != CH_EXPR_LITERAL || v->is_null ||
        !(ch_type_is_string(v->type) || ch_type_is_integral(v->type))) {
        p->at = before;
        return ch_sql_unexpected(p);
    }
    *out = ch_type_is_string(v->type)
               ? ch_arena_strn(p->arena, v->v.str.text, (size_t)v->v.str.len, p->err)
               : ch_arena_printf(p->arena, p->err, "%lld", (long long)v->v.i64);
    return *out ? CH_OK : CH_E_MEMORY;
}

bool ch_sql_negate(ch_expr *e)
{
    ch_scalar *v = &((ch_expr_literal *)e)->value;
    if (e->kind != CH_EXPR_LITERAL || v->is_null)
        return false;
    bool whole = ch_type_is_integral(v->type) && v->v.i64 > 0;
    bool real = (v->type->id == CH_FLOAT || v->type->id == CH_DOUBLE) && v->v.f64 > 0;
    if (whole)
        v->v.i64 = -v->v.i64;
    if (real)
        v->v.f64 = -v->v.f64;
    return whole || real;
}

/* ---- IDENTIFIER ---------------------------------------------------------------------------- */

bool ch_sql_starts_identifier(const ch_sql_parser *p)
{
    return ch_sql_is_kw(p, CH_KW_IDENTIFIER) && ch_sql_peek(p, 1)->kind == '(' &&
           ch_sql_starts_expr(p, 2);
}

/* The text of a string literal, or of literals put together. */
static ch_status constant(ch_sql_parser *p, const ch_expr *e, const char **out)
{
    const ch_expr_unresolved_function *f = (const void *)e;
    *out = NULL;
    if (e->kind == CH_EXPR_LITERAL) {
        const ch_scalar *v = &((const ch_expr_literal *)e)->value;
        if (v->is_null || v->type->id != CH_STRING)
            return CH_OK;
        *out = ch_arena_strn(p->arena, v->v.str.text, (size_t)v->v.str.len, p->err);
        return *out ? CH_OK : CH_E_MEMORY;
    }
    if (e->kind != CH_EXPR_UNRESOLVED_FUNCTION || strcmp(f->name, "concat") != 0)
        return CH_OK;
    const char *text = "";
    for (int32_t i = 0; i < f->args.n; i++) {
        const char *part;
        CH_TRY(constant(p, f->args.item[i], &part));
        if (!part)
            return CH_OK;
        text = ch_arena_printf(p->arena, p->err, "%s%s", text, part);
        if (!text)
            return CH_E_MEMORY;
    }
    *out = text;
    return CH_OK;
}

ch_status ch_sql_identifier(ch_sql_parser *p, ch_str_list *out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *e;
    const char *text;
    p->at += 2;
    CH_SQL_DEEPER(p);
    CH_TRY(ch_sql_expr(p, &e));
    p->depth--;
    CH_TRY(ch_sql_expect(p, ')'));
    CH_TRY(constant(p, e, &text));
    if (!text && !p->ctx->constant)
        return ch_sql_unsupported(p, start, "IDENTIFIER() of anything but text here");
    if (!text) {
        ch_status status = p->ctx->constant(p->ctx->user, e, p->arena, &text, p->err);
        if (status != CH_OK)
            return ch_sql_at(p, start, p->tok[p->at - 1].stop, status);
    }
    return ch_sql_parse_names(p->ctx, text, out, p->err);
}
