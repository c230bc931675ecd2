/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_boolean_simplification.c - conditions that are partly known.
 *
 *   a AND true = a      a OR false = a      NOT NOT a = a      x IS NULL = false if x never is
 *   a AND false = false, even if a fails: Spark says the same
 *   x IN (1) = (x = 1)  f(NULL) = NULL      filter true: gone  filter false: no rows
 */
#include <string.h>

#include "optimize/rewrite.h"

typedef struct simplifier {
    const ch_analyze_context *ctx;
    bool changed;
} simplifier;

static ch_status replace(simplifier *s, ch_expr **expr, ch_expr *by)
{
    if (!by)
        return CH_E_MEMORY;
    *expr = by;
    s->changed = true;
    return CH_OK;
}

static bool is_null(const ch_expr *e)
{
    const ch_scalar *v;
    return ch_is_literal(e, &v) && v->is_null;
}

static bool is_false(const ch_expr *e)
{
    return ch_is_false_or_null(e) && !is_null(e);
}

static ch_status logic(simplifier *s, ch_expr **expr, bool is_and, ch_error *err)
{
    const ch_expr_list *args = &((const ch_expr_call *)*expr)->args;
    for (int32_t i = 0; i < args->n; i++) {
        const ch_expr *e = args->item[i];
        if (is_and ? is_false(e) : ch_is_true(e))
            return replace(s, expr, ch_make_boolean(s->ctx->arena, !is_and, err));
    }
    if (args->n != 2)
        return CH_OK;
    for (int i = 0; i < 2; i++) {
        const ch_expr *e = args->item[i];
        if (is_and ? ch_is_true(e) : is_false(e))
            return replace(s, expr, args->item[!i]);
    }
    return ch_expr_equal(args->item[0], args->item[1]) && ch_expr_is_deterministic(*expr)
               ? replace(s, expr, args->item[0])
               : CH_OK;
}

static ch_status negation(simplifier *s, ch_expr **expr, ch_error *err)
{
    static const char *const OPPOSITE[][2] = {{"<", ">="}, {"<=", ">"}, {">", "<="}, {">=", "<"}};
    ch_expr *child = ((const ch_expr_call *)*expr)->args.item[0];
    if (ch_is_call(child, "not"))
        return replace(s, expr, ((const ch_expr_call *)child)->args.item[0]);
    for (size_t i = 0; i < sizeof OPPOSITE / sizeof *OPPOSITE; i++)
        if (ch_is_call(child, OPPOSITE[i][0])) {
            ch_expr *now;
            const ch_expr_list *args = &((const ch_expr_call *)child)->args;
            CH_TRY(ch_call_make(s->ctx, OPPOSITE[i][1], args->item, 2, &now, err));
            return replace(s, expr, now);
        }
    return CH_OK;
}

static ch_status branches(simplifier *s, ch_expr **expr)
{
    const ch_expr_list *args = &((const ch_expr_call *)*expr)->args;
    if (args->n != 3)
        return CH_OK;
    if (ch_is_true(args->item[0]))
        return replace(s, expr, args->item[1]);
    return ch_is_false_or_null(args->item[0]) ? replace(s, expr, args->item[2]) : CH_OK;
}

static ch_status single_in(simplifier *s, ch_expr **expr, ch_error *err)
{
    const ch_expr_list *args = &((const ch_expr_call *)*expr)->args;
    ch_expr *now;
    if (args->n != 2)
        return CH_OK;
    CH_TRY(ch_call_make(s->ctx, "=", args->item, 2, &now, err));
    return replace(s, expr, now);
}

static ch_status call(simplifier *s, ch_expr **expr, ch_error *err)
{
    const ch_expr_call *c = (const ch_expr_call *)*expr;
    const char *name = c->func->name;
    if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0)
        return logic(s, expr, name[0] == 'a', err);
    if ((strcmp(name, "not") == 0 || strcmp(name, "!") == 0) && c->args.n == 1)
        return negation(s, expr, err);
    if (strcmp(name, "if") == 0)
        return branches(s, expr);
    if (strcmp(name, "in") == 0)
        return single_in(s, expr, err);
    bool asks_null = strcmp(name, "isnull") == 0;
    if ((asks_null || strcmp(name, "isnotnull") == 0) && c->args.n == 1 &&
        !c->args.item[0]->nullable)
        return replace(s, expr, ch_make_boolean(s->ctx->arena, !asks_null, err));
    if (!(c->func->flags & CH_FUNC_NULL_PROPAGATES) || (c->func->flags & CH_FUNC_AGGREGATE))
        return CH_OK;
    for (int32_t i = 0; i < c->args.n; i++)
        if (is_null(c->args.item[i])) {
            ch_scalar null = {.type = c->head.type, .is_null = true};
            return replace(s, expr, ch_make_literal(s->ctx->arena, &null, err));
        }
    return CH_OK;
}

static ch_status simplify(void *user, ch_expr **expr, ch_error *err)
{
    simplifier *s = user;
    CH_TRY(ch_expr_map_children(s->ctx->arena, expr, simplify, s, err));
    if ((*expr)->kind == CH_EXPR_CALL)
        return call(s, expr, err);
    if ((*expr)->kind == CH_EXPR_CAST) {
        const ch_expr_cast *c = (const ch_expr_cast *)*expr;
        if (c->child->type == c->to)
            return replace(s, expr, c->child);
    }
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    simplifier s = {ctx, false};
    CH_TRY(ch_rel_map_exprs(ctx->arena, rel, simplify, &s, err));
    *changed = s.changed;
    if ((*rel)->kind == CH_REL_FILTER) {
        const ch_rel_filter *f = (const ch_rel_filter *)*rel;
        if (ch_is_true(f->condition)) {
            *rel = f->input;
            *changed = true;
        } else if (ch_is_false_or_null(f->condition)) {
            *changed = true;
            return ch_make_empty(ctx->arena, &f->head.output, rel, err);
        }
    }
    return CH_OK;
}

const ch_rule ch_rule_boolean_simplification = {
    .name = "boolean_simplification",
    .doc = "Drops the parts of conditions that are always true or false.",
    .apply = apply,
};
