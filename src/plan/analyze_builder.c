/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_builder.c - functions that are others in truth, depending on their arguments: to_char of a
 * date is date_format, and its column is called so, too.
 *
 * Spark calls these builders and replaces the call while it looks up the function; here the draft of a
 * call is changed before it is bound. Its arguments are resolved by then.
 */
#include <string.h>
#include <strings.h>

#include "plan/analyzer.h"

static const ch_type *type_of(const ch_expr_call *c, int32_t i)
{
    return i < c->args.n ? c->args.item[i]->type : CH_T_NULL;
}

static bool is_moment(const ch_type *t)
{
    return t->id == CH_DATE || t->id == CH_TIMESTAMP || t->id == CH_TIMESTAMP_NTZ;
}

/* to_char(x, format): of numbers it is itself. */
static ch_status build_to_char(ch_analyzer *a, ch_expr_call *c, const char **shown, ch_error *err)
{
    const ch_type *t = type_of(c, 0);
    if (c->args.n != 2)
        return CH_OK;
    *shown = is_moment(t) ? NULL : "to_char";
    if (is_moment(t)) {
        c->name = "date_format";
        return CH_OK;
    }
    if (t->id != CH_BINARY)
        return CH_OK;
    *shown = NULL;
    const ch_expr_literal *format = (const void *)c->args.item[1];
    char *text;
    CH_AN_NEW(text, ch_arena_printf(a->arena, err, "`%s`", c->name));
    if (format->head.kind != CH_EXPR_LITERAL || format->value.is_null ||
        !ch_type_is_string(format->value.type))
        CH_AN_FAIL(a, &c->head, err, NON_FOLDABLE_ARGUMENT, "funcName", text, "paramName",
                   "`format`", "paramType", "\"STRING\"");
    int64_t len = format->value.v.str.len;
    const char *s = format->value.v.str.text;
    bool base64 = len == 6 && strncasecmp(s, "base64", 6) == 0;
    bool hex = len == 3 && strncasecmp(s, "hex", 3) == 0;
    if (!base64 && !hex && !(len == 5 && strncasecmp(s, "utf-8", 5) == 0)) {
        char *given;
        CH_AN_NEW(given, ch_arena_strn(a->arena, s, (size_t)len, err));
        CH_AN_FAIL(a, &c->head, err, INVALID_BINARY_FORMAT, "functionName", text, "parameter",
                   "`format`", "invalidFormat", given);
    }
    if (c->name[3] == 'v')
        *shown = "to_varchar";
    c->name = base64 ? "base64" : hex ? "hex" : "decode";
    c->args.n = base64 || hex ? 1 : 2;
    return CH_OK;
}

/* convert_timezone(to, t): from the session's. */
static ch_status build_convert_timezone(ch_analyzer *a, ch_expr_call *c, const char **shown,
                                        ch_error *err)
{
    CH_UNUSED(shown);
    ch_expr *here;
    ch_expr_list args = {0};
    if (c->args.n != 2)
        return CH_OK;
    CH_TRY(ch_call_make(a->ctx, "current_timezone", NULL, 0, &here, err));
    CH_TRY(ch_expr_list_add(a->arena, &args, here, err));
    for (int32_t i = 0; i < 2; i++)
        CH_TRY(ch_expr_list_add(a->arena, &args, c->args.item[i], err));
    c->args = args;
    return CH_OK;
}

/* Of a date and a time it is make_timestamp. */
static ch_status build_make_ltz(ch_analyzer *a, ch_expr_call *c, const char **shown, ch_error *err)
{
    CH_UNUSED(shown);
    CH_UNUSED(a);
    CH_UNUSED(err);
    if (c->args.n < 6)
        c->name = c->name[0] == 't' ? "try_make_timestamp" : "make_timestamp";
    return CH_OK;
}

static const struct {
    const char *name;
    ch_status (*build)(ch_analyzer *, ch_expr_call *, const char **, ch_error *);
} BUILDER[] = {
    {"to_char", build_to_char},
    {"to_varchar", build_to_char},
    {"convert_timezone", build_convert_timezone},
    {"make_timestamp_ltz", build_make_ltz},
};

ch_status ch_an_build(ch_analyzer *a, ch_expr_call *draft, const char **shown, ch_error *err)
{
    *shown = NULL;
    for (size_t i = 0; i < sizeof BUILDER / sizeof *BUILDER; i++)
        if (strcmp(BUILDER[i].name, draft->name) == 0)
            return BUILDER[i].build(a, draft, shown, err);
    return CH_OK;
}

/*
 * regr_avgx(DISTINCT y, x) is avg(DISTINCT IF(y IS NOT NULL AND x IS NOT NULL, x, NULL)), as Spark has it: the values of
 * x are distinct, not the pairs. So both arguments become that value.
 */
ch_status ch_an_build_distinct(ch_analyzer *a, const ch_expr *at, ch_expr **call, ch_error *err)
{
    static const char *const OF_ONE[] = {"regr_avgx", "regr_avgy", "regr_sxx", "regr_syy"};
    ch_expr_call *c = (ch_expr_call *)*call;
    ch_expr *is[2], *both, *value, *none;
    bool known = false;
    for (size_t i = 0; i < sizeof OF_ONE / sizeof *OF_ONE && c->head.kind == CH_EXPR_CALL; i++)
        known |= strcmp(c->func->name, OF_ONE[i]) == 0;
    if (!known || c->args.n != 2)
        return CH_OK;
    for (int i = 0; i < 2; i++)
        CH_TRY(ch_call_make(a->ctx, "isnotnull", &c->args.item[i], 1, &is[i], err));
    CH_TRY(ch_call_make(a->ctx, "and", is, 2, &both, err));
    const ch_scalar null = {.type = CH_T_DOUBLE, .is_null = true};
    CH_AN_NEW(none, ch_make_literal(a->arena, &null, err));
    size_t last = strlen(c->func->name) - 1;
    ch_expr *choice[3] = {both, c->args.item[c->func->name[last] == 'x'], none};
    CH_TRY(ch_call_make(a->ctx, "if", choice, 3, &value, err));
    ch_expr_call *copy;
    CH_AN_NEW(copy, ch_expr_clone(a->arena, &c->head, err));
    copy->args = (ch_expr_list){0};
    for (int i = 0; i < 2; i++)
        CH_TRY(ch_expr_list_add(a->arena, &copy->args, value, err));
    return ch_an_cover(a, at, &c->head, &copy->head, call, err);
}
