/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_named.c - f(name => value): arguments by name take the places that the function's parameters say.
 *
 * ch_func.parameters lists them, "str, upperChar = 'X', otherChar = NULL": those with a value may be left
 * out. As in Spark only functions with such a list take names.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "plan/analyzer.h"

enum { MAX_PARAMETERS = 16 };

typedef struct parameters {
    const char **name;
    const char **fallback; /* SQL; NULL: required */
    int32_t n;
} parameters;

static ch_status split(ch_analyzer *a, const char *text, parameters *out, ch_error *err)
{
    *out = (parameters){0};
    CH_ARENA_ARRAY(out->name, a->arena, MAX_PARAMETERS, err);
    CH_ARENA_ARRAY(out->fallback, a->arena, MAX_PARAMETERS, err);
    while (*text && out->n < MAX_PARAMETERS) {
        size_t len = strcspn(text, ",");
        char *one;
        CH_AN_NEW(one, ch_arena_strn(a->arena, text, len, err));
        char *equals = strstr(one, " = ");
        if (equals) {
            *equals = 0;
            out->fallback[out->n] = equals + 3;
        }
        out->name[out->n++] = one;
        text += len;
        text += strspn(text, ", ");
    }
    return CH_OK;
}

static bool any_named(const ch_expr_list *args)
{
    for (int32_t i = 0; i < args->n; i++)
        if (args->item[i]->kind == CH_EXPR_NAMED_ARGUMENT)
            return true;
    return false;
}

static ch_status quoted(ch_analyzer *a, const char *name, char **out, ch_error *err)
{
    CH_AN_NEW(*out, ch_arena_printf(a->arena, err, "`%s`", name));
    return CH_OK;
}

static ch_status unknown(ch_analyzer *a, const parameters *p, const ch_expr *at,
                         const char *routine, const char *key, ch_error *err)
{
    char *name, *list = ch_arena_str(a->arena, "", err);
    CH_TRY(quoted(a, key, &name, err));
    for (int32_t i = 0; i < p->n && list; i++)
        list = ch_arena_printf(a->arena, err, "%s%s`%s`", list, i ? ", " : "", p->name[i]);
    CH_AN_FAIL(a, at, err, UNRECOGNIZED_PARAMETER_NAME, "routineName", routine, "argumentName",
               name, "proposal", list ? list : "");
}

/* The places of the arguments; those that are left out stay NULL. */
static ch_status place(ch_analyzer *a, const parameters *p, const ch_expr *at, const char *routine,
                       const ch_expr_list *args, ch_expr **slot, ch_error *err)
{
    bool named = false, *by_name;
    CH_ARENA_ARRAY(by_name, a->arena, p->n + 1, err);
    for (int32_t i = 0; i < args->n; i++) {
        const ch_expr_named_argument *n = (const void *)args->item[i];
        char *name;
        int32_t k = 0;
        if (n->head.kind != CH_EXPR_NAMED_ARGUMENT) {
            if (named) {
                const char *before = ((const ch_expr_named_argument *)args->item[i - 1])->key;
                CH_TRY(quoted(a, before, &name, err));
                CH_AN_FAIL(a, at, err, UNEXPECTED_POSITIONAL_ARGUMENT, "routineName", routine,
                           "parameterName", name);
            }
            if (i >= p->n)
                CH_AN_FAIL(a, at, err, WRONG_NUM_ARGS, "functionName", routine, "expectedNum",
                           CH_I64(p->n), "actualNum", CH_I64(args->n));
            slot[i] = args->item[i];
            continue;
        }
        named = true;
        while (k < p->n && strcasecmp(p->name[k], n->key) != 0)
            k++;
        if (k == p->n)
            return unknown(a, p, at, routine, n->key, err);
        CH_TRY(quoted(a, p->name[k], &name, err));
        if (slot[k] && by_name[k])
            CH_AN_FAIL(a, at, err, PARAMETER_NAMED_TWICE, "routineName", routine, "parameterName",
                       name);
        if (slot[k])
            CH_AN_FAIL(a, at, err, PARAMETER_PLACED_AND_NAMED, "routineName", routine,
                       "parameterName", name);
        slot[k] = n->value;
        by_name[k] = true;
    }
    return CH_OK;
}

ch_status ch_an_place(ch_analyzer *a, const ch_type *fields, const ch_expr *at, const char *routine,
                      const ch_expr_list *args, ch_expr **slot, ch_error *err)
{
    parameters p = {.n = fields->n_fields};
    CH_ARENA_ARRAY(p.name, a->arena, p.n + 1, err);
    for (int32_t i = 0; i < p.n; i++)
        p.name[i] = fields->field[i].name;
    return place(a, &p, at, routine, args, slot, err);
}

ch_status ch_an_arguments(ch_analyzer *a, const char *function, const ch_expr *at,
                          ch_expr_list *args, ch_error *err)
{
    if (!any_named(args))
        return CH_OK;
    char *lower, *routine;
    CH_AN_NEW(lower, ch_arena_str(a->arena, function, err));
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    CH_TRY(quoted(a, lower, &routine, err));
    const ch_func *func = ch_func_find(lower);
    while (func && !func->parameters)
        func = ch_func_next(func);
    if (!func)
        CH_AN_FAIL(a, at, err, NAMED_PARAMETERS_NOT_SUPPORTED, "functionName", routine);
    parameters p;
    ch_expr *slot[MAX_PARAMETERS] = {0};
    ch_expr_list out = {0};
    CH_TRY(split(a, func->parameters, &p, err));
    CH_TRY(place(a, &p, at, routine, args, slot, err));
    for (int32_t k = 0; k < p.n; k++) {
        char *name;
        CH_TRY(quoted(a, p.name[k], &name, err));
        if (!slot[k] && !p.fallback[k])
            CH_AN_FAIL(a, at, err, REQUIRED_PARAMETER_NOT_FOUND, "routineName", routine,
                       "parameterName", name, "index", CH_I64(k));
        if (!slot[k])
            CH_TRY(a->ctx->catalog->parse_expression(a->ctx->catalog, p.fallback[k], a->arena,
                                                     &slot[k], err));
        CH_TRY(ch_expr_list_add(a->arena, &out, slot[k], err));
    }
    *args = out;
    return CH_OK;
}
