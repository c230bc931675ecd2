/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_lambda.c - calls with lambda functions: transform(a, x -> x + n).
 *
 * The values are resolved first, since the variables' types follow from theirs; then the bodies, in
 * which a variable hides a column of its name.
 */
#include "function/lambda.h"
#include "plan/analyzer.h"

/* Ids of variables: below any column's, one block for each depth. */
#define FIRST_ID (-1000)

const ch_func *ch_an_higher_order(const ch_func *func, const ch_expr_unresolved_function *f)
{
    for (; func; func = ch_func_next(func)) {
        if (!(func->flags & CH_FUNC_HIGHER_ORDER))
            continue;
        /* array_sort(a) has no lambda function. */
        return strcmp(func->name, "array_sort") == 0 && f->args.n < 2 ? NULL : func;
    }
    return NULL;
}

ch_status ch_an_lambda_variable(ch_analyzer *a, ch_an_scope *scope,
                                const ch_expr_unresolved_named_lambda_variable *v, ch_expr **out,
                                ch_error *err)
{
    for (const ch_an_lambda *l = scope->lambda; l; l = l->up)
        for (int32_t i = 0; i < l->names->n; i++) {
            if (!ch_an_same_name(a, l->names->item[i], v->name))
                continue;
            ch_expr_named_lambda_variable *var;
            CH_AN_NEW(var, ch_expr_new(a->arena, CH_EXPR_NAMED_LAMBDA_VARIABLE, err));
            var->head.start = v->head.start;
            var->head.stop = v->head.stop;
            var->attr = l->var[i];
            var->head.type = var->attr->type;
            var->head.nullable = var->attr->nullable;
            *out = &var->head;
            return CH_OK;
        }
    ch_expr_unresolved_attribute *name;
    CH_AN_NEW(name, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err));
    name->head.start = v->head.start;
    name->head.stop = v->head.stop;
    CH_TRY(ch_str_list_add(a->arena, &name->parts, v->name, err));
    return ch_an_name(a, scope, name, out, err);
}

static ch_status check_names(ch_analyzer *a, const ch_expr_lambda_function *l,
                             const ch_lambda_vars *vars, ch_error *err)
{
    if (l->args.n < vars->n_least || l->args.n > vars->n_most)
        CH_AN_FAIL(a, &l->head, err, LAMBDA_NUM_ARGS, "expectedNumArgs", CH_I64(vars->n_most),
                   "actualNumArgs", CH_I64(l->args.n));
    for (int32_t i = 0; i < l->args.n; i++)
        for (int32_t k = 0; k < i; k++)
            if (ch_an_same_name(a, l->args.item[i], l->args.item[k]))
                CH_AN_FAIL(a, &l->head, err, LAMBDA_DUPLICATE_NAMES, "args",
                           ch_names_quoted(a->arena, &l->args, err));
    return CH_OK;
}

/* written: a lambda function, or an expression that looks at no variable. */
static ch_status resolve_lambda(ch_analyzer *a, ch_an_scope *scope, const ch_expr *written,
                                const ch_lambda_vars *vars, ch_expr **out, ch_error *err)
{
    ch_expr_lambda_function *l;
    const ch_expr_lambda_function *in = (const void *)written;
    if (written->kind == CH_EXPR_LAMBDA_FUNCTION) {
        CH_TRY(check_names(a, in, vars, err));
        CH_AN_NEW(l, ch_expr_clone(a->arena, written, err));
    } else {
        CH_AN_NEW(l, ch_expr_new(a->arena, CH_EXPR_LAMBDA_FUNCTION, err));
        l->head.start = written->start;
        l->head.stop = written->stop;
        l->body = (ch_expr *)written;
        for (int32_t i = 0; i < vars->n_least; i++)
            CH_TRY(ch_str_list_add(a->arena, &l->args, " ", err));
    }
    int32_t depth = scope->lambda ? scope->lambda->depth + 1 : 0;
    CH_ARENA_ARRAY(l->var, a->arena, l->args.n + 1, err);
    for (int32_t i = 0; i < l->args.n; i++) {
        ch_attr *attr;
        CH_ARENA_NEW(attr, a->arena, err);
        *attr = (ch_attr){.name = l->args.item[i],
                          .type = vars->type[i],
                          .nullable = vars->nullable[i],
                          .id = FIRST_ID - CH_LAMBDA_MOST_VARS * (int64_t)depth - i};
        l->var[i] = attr;
    }
    ch_an_lambda around = {scope->lambda, &l->args, l->var, depth};
    scope->lambda = &around;
    ch_status status = ch_an_expr(a, scope, l->body, &l->body, err);
    scope->lambda = around.up;
    CH_TRY(status);
    if (l->body->kind == CH_EXPR_ALIAS)
        l->body = ((ch_expr_alias *)l->body)->child;
    l->head.type = l->body->type;
    l->head.nullable = l->body->nullable;
    *out = &l->head;
    return CH_OK;
}

/* acc -> acc: what finishes an aggregate when nothing else does. */
static ch_status identity(ch_analyzer *a, ch_expr **out, ch_error *err)
{
    ch_expr_lambda_function *l;
    ch_expr_unresolved_named_lambda_variable *v;
    CH_AN_NEW(l, ch_expr_new(a->arena, CH_EXPR_LAMBDA_FUNCTION, err));
    CH_AN_NEW(v, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_NAMED_LAMBDA_VARIABLE, err));
    v->name = "acc";
    l->body = &v->head;
    CH_TRY(ch_str_list_add(a->arena, &l->args, "acc", err));
    *out = &l->head;
    return CH_OK;
}

static ch_status wrong_count(ch_analyzer *a, const ch_expr_unresolved_function *f,
                             const ch_func *func, ch_error *err)
{
    int32_t n = ch_lambda_n_values(func) + 1;
    char *name, *expected;
    ch_str_list one = {(const char **)&f->name, 1};
    CH_AN_NEW(name, ch_names_quoted(a->arena, &one, err));
    CH_AN_NEW(expected,
              ch_arena_printf(a->arena, err, ch_lambda_n_functions(func) == 2 ? "[%d, %d]" : "%d",
                              n, n + 1));
    CH_AN_FAIL(a, &f->head, err, WRONG_NUM_ARGS, "functionName", name, "expectedNum", expected,
               "actualNum", CH_I64(f->args.n));
}

ch_status ch_an_higher_order_call(ch_analyzer *a, ch_an_scope *scope,
                                  const ch_expr_unresolved_function *f, const ch_func *func,
                                  ch_expr **out, ch_error *err)
{
    int32_t n_values = ch_lambda_n_values(func), n = n_values + ch_lambda_n_functions(func);
    if (f->args.n > n || f->args.n <= n_values)
        return wrong_count(a, f, func, err);
    ch_expr_call *draft;
    CH_AN_NEW(draft, ch_expr_new(a->arena, CH_EXPR_CALL, err));
    draft->head.start = f->head.start;
    draft->head.stop = f->head.stop;
    draft->name = func->name;
    const ch_type *type[4];
    bool nullable[4];
    for (int32_t i = 0; i < n_values; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, scope, f->args.item[i], &e, err));
        if (e->kind == CH_EXPR_ALIAS)
            e = ((ch_expr_alias *)e)->child;
        type[i] = e->type;
        nullable[i] = e->nullable;
        CH_TRY(ch_expr_list_add(a->arena, &draft->args, e, err));
    }
    for (int32_t i = n_values; i < n; i++) {
        ch_lambda_vars vars;
        ch_expr *written, *e;
        if (i < f->args.n)
            written = f->args.item[i];
        else
            CH_TRY(identity(a, &written, err));
        if (ch_lambda_variables(func, i - n_values, type, nullable, &vars)) {
            CH_TRY(resolve_lambda(a, scope, written, &vars, &e, err));
        } else { /* binding will refuse the values */
            static const ch_scalar null = {.type = NULL, .is_null = true};
            ch_scalar value = null;
            value.type = CH_T_NULL;
            CH_AN_NEW(e, ch_make_literal(a->arena, &value, err));
        }
        CH_TRY(ch_expr_list_add(a->arena, &draft->args, e, err));
    }
    draft->func = func;
    return ch_an_bound(a, draft, &f->head, out, err);
}
