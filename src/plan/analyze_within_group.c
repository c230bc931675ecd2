/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_within_group.c - f(...) WITHIN GROUP (ORDER BY ...).
 *
 * The parser makes the orderings the last arguments; they stay there as sort orders, which the executor takes for what
 * they order by, and whose directions the function sees in ch_bind.key. Spark's rules: SupportsOrderingWithinGroup
 * of mode, percentile_cont, percentile_disc and listagg.
 */
#include "plan/analyzer.h"
#include "plan/fold.h"

int32_t ch_an_orderings(const ch_expr_list *args)
{
    int32_t n = 0;
    while (n < args->n && args->item[args->n - 1 - n]->kind == CH_EXPR_SORT_ORDER)
        n++;
    return n;
}

static ch_status wrong_number(ch_analyzer *a, const ch_expr *at, const char *name, int32_t want,
                              int32_t have, ch_error *err)
{
    CH_AN_FAIL(a, at, err, WITHIN_GROUP_ORDERINGS, "funcName", name, "expectedNum", CH_I64(want),
               "actualNum", CH_I64(have));
}

/* listagg(DISTINCT x) can be ordered by x only. */
static ch_status check_distinct_list(ch_analyzer *a, const ch_expr_call *draft, const char *name,
                                     int32_t orderings, ch_error *err)
{
    for (int32_t i = draft->args.n - orderings; i < draft->args.n; i++) {
        const ch_expr_sort_order *s = (const void *)draft->args.item[i];
        if (draft->args.n == orderings || ch_expr_equal(s->child, draft->args.item[0]))
            continue;
        CH_AN_FAIL(a, &draft->head, err, WITHIN_GROUP_MISMATCH, "funcName", name, "funcArg",
                   ch_expr_quoted(a->arena, draft->args.item[0], err), "orderingExpr",
                   ch_expr_quoted(a->arena, s->child, err));
    }
    return CH_OK;
}

/* mode(x, true) is mode() WITHIN GROUP (ORDER BY x), and mode(x, false) mode(x). */
static ch_status settle_mode(ch_analyzer *a, ch_expr_call *draft, ch_error *err)
{
    ch_scalar yes = {0};
    bool done = false;
    if (draft->args.n != 2)
        return CH_OK;
    ch_expr *flag = draft->args.item[1];
    if (ch_expr_is_foldable(flag))
        CH_TRY(ch_expr_fold(a->ctx->func, a->arena, flag, &yes, &done, err));
    if (!done)
        CH_AN_FAIL(a, &draft->head, err, NON_FOLDABLE_ARGUMENT, "funcName", "`mode`", "paramName",
                   "`deterministic`", "paramType", "\"BOOLEAN\"");
    if (yes.is_null)
        CH_AN_FAIL(a, &draft->head, err, DATATYPE_UNEXPECTED_NULL, "exprName", "`deterministic`",
                   "sqlExpr", ch_expr_quoted(a->arena, flag, err));
    if (yes.type->id != CH_BOOLEAN)
        CH_AN_FAIL(a, &draft->head, err, UNEXPECTED_INPUT_TYPE, "paramIndex", "second",
                   "functionName", "`mode`", "requiredType", "\"BOOLEAN\"", "inputSql",
                   ch_expr_quoted(a->arena, flag, err), "inputType",
                   ch_type_quoted(a->arena, yes.type, err));
    ch_expr *arg = draft->args.item[0];
    draft->args = (ch_expr_list){0};
    if (yes.v.boolean) {
        ch_expr_sort_order *s;
        CH_AN_NEW(s, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
        s->child = arg;
        s->nulls_first = true;
        s->head.type = arg->type;
        s->head.nullable = arg->nullable;
        arg = &s->head;
    }
    return ch_expr_list_add(a->arena, &draft->args, arg, err);
}

ch_status ch_an_within_group(ch_analyzer *a, ch_expr_call *draft, const ch_func *func,
                             ch_error *err)
{
    int32_t n = ch_an_orderings(&draft->args), plain = draft->args.n - n;
    const char *name;
    CH_AN_NEW(name, ch_arena_printf(a->arena, err, "`%s`", func->name));
    if (!(func->flags & CH_FUNC_WITHIN_GROUP)) {
        if (n)
            CH_AN_FAIL(a, &draft->head, err, FUNCTION_SYNTAX, "prettyName", name, "syntax",
                       "WITHIN GROUP (ORDER BY ...)");
        return CH_OK;
    }
    if (func->name[0] == 'l' || func->name[0] == 's') /* listagg, string_agg */
        return draft->is_distinct ? check_distinct_list(a, draft, name, n, err) : CH_OK;
    if (draft->is_distinct)
        CH_AN_FAIL(a, &draft->head, err, WITHIN_GROUP_DISTINCT, "funcName", name);
    bool mode = func->name[0] == 'm';
    if (!mode && plain != 1)
        return CH_OK; /* the function refuses that */
    int32_t want = mode && plain > 0 ? 0 : 1;
    if (n == 0 && want == 1)
        CH_AN_FAIL(a, &draft->head, err, WITHIN_GROUP_MISSING, "funcName", name);
    if (n != want)
        return wrong_number(a, &draft->head, name, want, n, err);
    return mode ? settle_mode(a, draft, err) : CH_OK;
}
