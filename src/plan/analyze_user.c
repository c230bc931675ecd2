/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_user.c - calls of functions that a program has brought: found by name; those in C. */
#include <ctype.h>
#include <string.h>

#include "function/native.h"
#include "plan/analyzer.h"
#include "plan/print.h"

/* session.f and system.session.f are f of the session, whatever the engine has. */
static const char *of_session(const char *lower)
{
    static const char *const BEFORE[] = {"session.", "system.session."};
    for (size_t i = 0; i < sizeof BEFORE / sizeof *BEFORE; i++)
        if (strncmp(lower, BEFORE[i], strlen(BEFORE[i])) == 0)
            return lower + strlen(BEFORE[i]);
    return NULL;
}

ch_status ch_an_function_quoted(ch_analyzer *a, const char *name, char **out, ch_error *err)
{
    ch_str_list parts = {0};
    for (const char *p = name; *p;) {
        size_t len = strcspn(p, ".");
        char *part;
        CH_AN_NEW(part, ch_arena_strn(a->arena, p, len, err));
        CH_TRY(ch_str_list_add(a->arena, &parts, part, err));
        p += len + (p[len] == '.');
    }
    CH_AN_NEW(*out, ch_names_quoted(a->arena, &parts, err));
    return CH_OK;
}

ch_status ch_an_user_named(ch_analyzer *a, const char *name, const ch_user_function **out,
                           ch_error *err)
{
    ch_catalog *catalog = a->ctx->catalog;
    char *lower;
    *out = NULL;
    if (!catalog || !catalog->function)
        return CH_OK;
    CH_AN_NEW(lower, ch_arena_str(a->arena, name, err));
    for (char *c = lower; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    const char *bare = of_session(lower);
    if (!bare && ch_func_find(lower)) /* the engine's own come first */
        return CH_OK;
    return catalog->function(catalog, bare ? bare : lower, bare != NULL, out, err);
}

ch_status ch_an_user_find(ch_analyzer *a, const ch_expr_unresolved_function *f,
                          const ch_user_function **out, ch_error *err)
{
    *out = NULL;
    return f->is_infix ? CH_OK : ch_an_user_named(a, f->name, out, err);
}

ch_status ch_an_user_syntax(ch_analyzer *a, const ch_expr_unresolved_function *f, const char *name,
                            bool over, ch_error *err)
{
    const char *syntax = f->filter         ? "FILTER CLAUSE"
                         : f->is_distinct  ? "DISTINCT"
                         : f->ignore_nulls ? "IGNORE NULLS"
                         : over            ? "OVER CLAUSE"
                                           : NULL;
    if (!syntax)
        return CH_OK;
    char *text;
    CH_AN_NEW(text, ch_arena_printf(a->arena, err, "`%s`", name));
    CH_AN_FAIL(a, &f->head, err, FUNCTION_SYNTAX, "prettyName", text, "syntax", syntax);
}

ch_status ch_an_native_call(ch_analyzer *a, ch_an_scope *scope,
                            const ch_expr_unresolved_function *f, const ch_native *native,
                            ch_expr **out, ch_error *err)
{
    ch_expr_call *draft;
    ch_expr_list args = {0};
    CH_TRY(ch_an_user_syntax(a, f, native->name, scope->over == f, err));
    for (int32_t i = 0; i < f->args.n; i++) {
        if (f->args.item[i]->kind == CH_EXPR_NAMED_ARGUMENT) {
            char *text;
            CH_AN_NEW(text, ch_arena_printf(a->arena, err, "`%s`", native->name));
            CH_AN_FAIL(a, &f->head, err, NAMED_PARAMETERS_NOT_SUPPORTED, "functionName", text);
        }
        if (f->args.item[i]->kind == CH_EXPR_LAMBDA_FUNCTION)
            CH_AN_FAIL(a, &f->head, err, LAMBDA_NOT_HIGHER_ORDER, "class", native->name);
    }
    scope->over = NULL;
    CH_TRY(ch_an_exprs(a, scope, &f->args, &args, err));
    for (int32_t i = 0; i < args.n; i++)
        if (args.item[i]->kind == CH_EXPR_ALIAS)
            args.item[i] = ((ch_expr_alias *)args.item[i])->child;
    CH_AN_NEW(draft, ch_expr_new(a->arena, CH_EXPR_CALL, err));
    draft->head.start = f->head.start;
    draft->head.stop = f->head.stop;
    draft->name = native->name;
    draft->args = args;
    return ch_an_bound_to(a, draft, &native->func, &f->head, out, err);
}
