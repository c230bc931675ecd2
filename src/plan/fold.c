/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fold.c - evaluates constant expressions on columns of one row, with the kernels that the executor uses.
 *
 * AND, OR, IF, COALESCE and CASE are evaluated here as far as they need their arguments, so that
 * if(true, 1, 1/0) folds.
 */
#include "plan/fold.h"

#include <strings.h>

#include "plan/analyze.h"

typedef struct folder {
    const ch_func_context *ctx;
    ch_arena *arena;
    bool done;
    bool no_memory; /* it would have been done but for that */
    ch_error told;  /* then: by whom */
} folder;

/* Values larger than this are columns for the run, not literals of a plan, where an element takes far more
 * room; bytes. */
#define MOST_LITERAL ((int64_t)4 << 20)
#define MOST_LIST ((int64_t)16 << 10)

static ch_scalar fold(folder *f, const ch_expr *e);

static ch_scalar give_up(folder *f)
{
    f->done = false;
    return (ch_scalar){.type = CH_T_NULL, .is_null = true};
}

static ch_scalar null_of(const ch_type *type)
{
    return (ch_scalar){.type = type, .is_null = true};
}

/* A value that cannot be computed is left for the run to complain of; running out of memory is told. */
static bool is_ok(folder *f, ch_status status)
{
    if (status == CH_E_MEMORY)
        f->no_memory = true;
    else
        ch_error_release(&f->told);
    return status == CH_OK;
}

/* Text and items of a scalar may live in a column that is about to go. */
static ch_status keep(folder *f, ch_scalar *v)
{
    if (v->is_null)
        return CH_OK;
    if (ch_type_is_view(v->type)) {
        char *text = ch_arena_strn(f->arena, v->v.str.text, (size_t)v->v.str.len, &f->told);
        if (!text)
            return CH_E_MEMORY;
        v->v.str.text = text;
    } else if (ch_type_is_nested(v->type)) {
        ch_scalar *item;
        CH_ARENA_ARRAY(item, f->arena, v->v.list.n + 1, &f->told);
        for (int64_t i = 0; i < v->v.list.n; i++) {
            item[i] = v->v.list.item[i];
            CH_TRY(keep(f, &item[i]));
        }
        v->v.list.item = item;
    }
    return CH_OK;
}

static ch_scalar first_row(folder *f, ch_column *column)
{
    ch_scalar v;
    int64_t most = ch_type_is_nested(column->type) ? MOST_LIST : MOST_LITERAL;
    if (ch_column_bytes(column) > most ||
        !is_ok(f, ch_column_scalar(column, 0, f->arena, &v, &f->told)) || !is_ok(f, keep(f, &v)))
        v = give_up(f);
    ch_column_unref(column);
    return v;
}

static ch_scalar fold_cast(folder *f, const ch_expr_cast *c)
{
    ch_scalar in = fold(f, c->child);
    if (!f->done)
        return in;
    if (in.is_null)
        return null_of(c->to);
    ch_column *column = NULL, *result = NULL;
    ch_cast_mode mode = c->eval_mode == CH_EVAL_TRY                    ? CH_CAST_TRY
                        : c->eval_mode == CH_EVAL_LEGACY               ? CH_CAST_LEGACY
                        : c->eval_mode == CH_EVAL_ANSI || f->ctx->ansi ? CH_CAST_ANSI
                                                                       : CH_CAST_LEGACY;
    ch_status status = ch_column_const(f->arena->mem, &in, 1, &column, &f->told);
    if (status == CH_OK)
        status = ch_cast(column, c->to, mode, f->ctx, f->arena->mem, &result, &f->told);
    ch_column_unref(column);
    if (is_ok(f, status))
        return first_row(f, result);
    ch_column_unref(result);
    return give_up(f);
}

static bool is_true(const ch_scalar *v)
{
    return !v->is_null && v->v.boolean;
}

/* Functions that need not look at all their arguments. *known: it was one. */
static ch_scalar fold_lazy(folder *f, const ch_expr_call *c, bool *known)
{
    const char *name = c->func->name;
    int32_t n = c->args.n;
    ch_expr **arg = c->args.item;
    *known = true;
    if (strcmp(name, "and") == 0 || strcmp(name, "or") == 0) {
        bool stop_at = name[0] == 'o', null = false;
        for (int32_t i = 0; i < n && f->done; i++) {
            ch_scalar v = fold(f, arg[i]);
            if (f->done && !v.is_null && v.v.boolean == stop_at)
                return v;
            null |= v.is_null;
        }
        ch_scalar v = {.type = CH_T_BOOLEAN, .is_null = null, .v.boolean = !stop_at};
        return v;
    }
    if (strcmp(name, "if") == 0 && n == 3) {
        ch_scalar v = fold(f, arg[0]);
        return f->done ? fold(f, arg[is_true(&v) ? 1 : 2]) : v;
    }
    if (strcmp(name, "coalesce") == 0) {
        for (int32_t i = 0; i < n && f->done; i++) {
            ch_scalar v = fold(f, arg[i]);
            if (!f->done || !v.is_null)
                return v;
        }
        return null_of(c->head.type);
    }
    *known = false;
    return null_of(c->head.type);
}

static ch_scalar fold_call(folder *f, const ch_expr_call *c)
{
    bool known;
    ch_scalar v = fold_lazy(f, c, &known);
    if (known)
        return v;
    ch_status (*eval)(const ch_call *, ch_column **, ch_error *) =
        (ch_status(*)(const ch_call *, ch_column **, ch_error *))c->eval;
    if (!eval)
        return give_up(f);
    ch_mem *mem = f->arena->mem;
    ch_column **arg = ch_arena_alloc(f->arena, sizeof *arg * (size_t)(c->args.n + 1), &f->told);
    if (!arg) {
        f->no_memory = true;
        return give_up(f);
    }
    for (int32_t i = 0; i < c->args.n && f->done; i++) {
        v = fold(f, c->args.item[i]);
        if (f->done)
            f->done = is_ok(f, ch_column_const(mem, &v, 1, &arg[i], &f->told));
    }
    ch_call call = {.func = c->func,
                    .ctx = f->ctx,
                    .data = c->data,
                    .rows = 1,
                    .n_args = c->args.n,
                    .arg = arg,
                    .result = c->head.type,
                    .mem = mem};
    ch_column *result = NULL;
    bool opened = false;
    if (f->done && c->func->open) {
        f->done = is_ok(f, c->func->open(&call, &call.state, &f->told));
        opened = f->done;
    }
    if (f->done && !is_ok(f, ch_func_call(&call, eval, &result, &f->told))) {
        ch_column_unref(result);
        result = NULL;
        f->done = false;
    }
    if (opened && c->func->close)
        c->func->close(&call, call.state);
    v = f->done && result ? first_row(f, result) : give_up(f);
    for (int32_t i = 0; i < c->args.n; i++)
        ch_column_unref(arg[i]);
    return v;
}

static ch_scalar fold_case(folder *f, const ch_expr_case *c)
{
    for (int32_t i = 0; i + 1 < c->args.n; i += 2) {
        ch_scalar v = fold(f, c->args.item[i]);
        if (!f->done)
            return v;
        if (is_true(&v))
            return fold(f, c->args.item[i + 1]);
    }
    return c->args.n % 2 ? fold(f, c->args.item[c->args.n - 1]) : null_of(c->head.type);
}

static ch_scalar fold(folder *f, const ch_expr *e)
{
    if (!f->done)
        return give_up(f);
    switch (e->kind) {
    case CH_EXPR_LITERAL:
        return ((const ch_expr_literal *)e)->value;
    case CH_EXPR_INLINED:
        return fold(f, ((const ch_expr_inlined *)e)->child);
    case CH_EXPR_ALIAS:
        return fold(f, ((const ch_expr_alias *)e)->child);
    case CH_EXPR_CAST:
        return fold_cast(f, (const void *)e);
    case CH_EXPR_CALL:
        return fold_call(f, (const void *)e);
    case CH_EXPR_CASE:
        return fold_case(f, (const void *)e);
    case CH_EXPR_EXTRACT: {
        const ch_expr_extract *x = (const void *)e;
        ch_scalar v =
            x->ordinal >= 0 && x->child->type->id == CH_STRUCT ? fold(f, x->child) : give_up(f);
        if (!f->done)
            return v;
        return v.is_null ? null_of(e->type) : v.v.list.item[x->ordinal];
    }
    default:
        return give_up(f);
    }
}

ch_status ch_expr_fold(const ch_func_context *ctx, ch_arena *arena, const ch_expr *expr,
                       ch_scalar *out, bool *done, ch_error *err)
{
    *done = false;
    if (!expr->type || !ch_expr_is_foldable(expr))
        return CH_OK;
    folder f = {.ctx = ctx, .arena = arena, .done = true};
    *out = fold(&f, expr);
    *done = f.done;
    if (f.no_memory && !f.done) {
        (void)ch_error_pass(err, &f.told);
        return ch_error_memory(err, ch_mem_name(arena->mem), 0, ch_mem_limit(arena->mem));
    }
    ch_error_release(&f.told);
    if (f.done && out->type != expr->type) {
        /* A NULL of type void stands for any; anything else would be a bug that must not spread. */
        *done = out->is_null;
        out->type = expr->type;
    }
    return CH_OK;
}
