/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_lambda.c - calls with lambda functions, evaluated for all elements of a batch's lists at once.
 *
 *   transform(a, x -> x + n)    rows      n          elements        body's batch: n    x
 *                               [1, 2]    10         1 2 3                         10   1
 *                               [3]       20         of rows 0 0 1                 10   2
 *                                                                                  20   3
 *
 * Columns that the body uses are repeated for each element of their row.
 */
#include "exec/eval_lambda.h"
#include "column/take.h"
#include "function/lambda.h"
#include "plan/node.h"

/* Elements that a body sees at once. */
#define MOST_AT_ONCE 65536

/* ---- compiling -------------------------------------------------------------------------------- */

typedef struct capture {
    ch_arena *arena;
    const ch_attr_list *input;
    const ch_expr_lambda_function *lambda;
    ch_attr_list inner;
    int32_t *position, cap;
} capture;

static bool is_own(const capture *c, int64_t id)
{
    for (int32_t i = 0; i < c->lambda->args.n; i++)
        if (c->lambda->var[i]->id == id)
            return true;
    return false;
}

static ch_status add_attr(capture *c, const ch_attr *attr, int32_t position, ch_error *err)
{
    if (c->inner.n == c->cap) {
        int32_t cap = c->cap ? 2 * c->cap : 8;
        const ch_attr **item;
        int32_t *more;
        CH_ARENA_ARRAY(item, c->arena, cap, err);
        CH_ARENA_ARRAY(more, c->arena, cap, err);
        if (c->inner.n) {
            memcpy(item, c->inner.item, sizeof *item * (size_t)c->inner.n);
            memcpy(more, c->position, sizeof *more * (size_t)c->inner.n);
        }
        c->inner.item = item;
        c->position = more;
        c->cap = cap;
    }
    c->position[c->inner.n] = position;
    c->inner.item[c->inner.n++] = attr;
    return CH_OK;
}

static ch_status find_captured(void *user, ch_expr **child, ch_error *err)
{
    capture *c = user;
    const ch_attr *attr = NULL;
    if ((*child)->kind == CH_EXPR_ATTRIBUTE)
        attr = ((const ch_expr_attribute *)*child)->attr;
    else if ((*child)->kind == CH_EXPR_NAMED_LAMBDA_VARIABLE)
        attr = ((const ch_expr_named_lambda_variable *)*child)->attr;
    else
        return ch_expr_map_children(c->arena, child, find_captured, c, err);
    int32_t position = ch_attr_position(c->input, attr->id);
    if (position < 0 || is_own(c, attr->id) || ch_attr_position(&c->inner, attr->id) >= 0)
        return CH_OK; /* its own, or one of a lambda function inside */
    return add_attr(c, c->input->item[position], position, err);
}

static ch_status compile_lambda(ch_evaluator *ev, const ch_expr_lambda_function *l,
                                const ch_attr_list *input, ch_eval_lambda *out, ch_error *err)
{
    capture c = {.arena = ev->exec->arena, .input = input, .lambda = l};
    ch_expr *body = l->body;
    CH_TRY(find_captured(&c, &body, err));
    out->n_captured = c.inner.n;
    out->n_vars = l->args.n;
    for (int32_t i = 0; i < l->args.n; i++)
        CH_TRY(add_attr(&c, l->var[i], -1, err));
    out->captured = c.position;
    return ch_eval_compile(ev, l->body, &c.inner, &out->body, err);
}

ch_status ch_lambda_compile(ch_evaluator *ev, const ch_expr_call *call, const ch_attr_list *input,
                            ch_eval_node *n, ch_error *err)
{
    ch_arena *arena = ev->exec->arena;
    int32_t n_lambdas = ch_lambda_n_functions(call->func);
    n->kind = NODE_LAMBDA;
    n->call = call;
    n->may_fail = (call->func->flags & CH_FUNC_MAY_FAIL) != 0;
    n->n_args = ch_lambda_n_values(call->func);
    CH_ARENA_ARRAY(n->arg, arena, n->n_args, err);
    CH_ARENA_ARRAY(n->lambda, arena, n_lambdas, err);
    for (int32_t i = 0; i < n->n_args; i++) {
        CH_TRY(ch_eval_compile(ev, call->args.item[i], input, &n->arg[i], err));
        n->may_fail |= n->arg[i]->may_fail;
    }
    for (int32_t i = 0; i < n_lambdas; i++) {
        const ch_expr *e = call->args.item[n->n_args + i];
        if (e->kind != CH_EXPR_LAMBDA_FUNCTION)
            CH_FAIL(err, INTERNAL, "message", "a lambda function is missing");
        CH_TRY(compile_lambda(ev, (const void *)e, input, &n->lambda[i], err));
        n->may_fail |= n->lambda[i].body->may_fail;
    }
    return CH_OK;
}

/* ---- running a body ----------------------------------------------------------------------------- */

/* Rows [from, from + n) of a column. */
static ch_status slice(const ch_column *in, int64_t from, int64_t n, ch_mem *mem, ch_column **out,
                       ch_error *err)
{
    size_t bytes = sizeof(int32_t) * (size_t)n;
    int32_t *idx = ch_mem_alloc(mem, bytes, err);
    if (!idx)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        idx[i] = (int32_t)(from + i);
    ch_status status = ch_take(in, idx, n, false, mem, out, err);
    ch_mem_free(mem, idx, bytes);
    return status;
}

static ch_status run_piece(const ch_eval_run *r, const ch_eval_lambda *l, ch_batch *around,
                           const int32_t *row, int64_t from, int64_t n, bool whole,
                           ch_column *const *var, ch_column **out, ch_error *err)
{
    ch_batch inner;
    ch_column *c;
    ch_status status;
    CH_TRY(ch_exec_heed(r->ev->exec,
                        err)); /* a fold has a piece for each element of the longest list */
    CH_TRY(ch_batch_init(&inner, r->mem, l->n_captured + l->n_vars, n, err));
    inner.seq = around->seq;
    for (int32_t i = 0; i < l->n_captured; i++) {
        CH_TRY_OUT(ch_batch_column(around, l->captured[i], &c, err));
        CH_TRY_OUT(ch_take(c, row + from, n, false, r->mem, &inner.col[i], err));
    }
    for (int32_t i = 0; i < l->n_vars; i++) {
        if (whole)
            inner.col[l->n_captured + i] = ch_column_ref(var[i]);
        else
            CH_TRY_OUT(slice(var[i], from, n, r->mem, &inner.col[l->n_captured + i], err));
    }
    status = ch_eval_node_run(r, l->body, &inner, out, err);
out:
    ch_batch_release(&inner);
    return status;
}

ch_status ch_lambda_run_body(const ch_eval_run *r, const ch_eval_lambda *l, ch_batch *around,
                             const int32_t *row, int64_t n, ch_column *const *var, ch_column **out,
                             ch_error *err)
{
    ch_column *raw = NULL, *part[64];
    int32_t n_parts = 0;
    ch_status status = CH_OK;
    int64_t step = n / 64 + 1 > MOST_AT_ONCE ? n / 64 + 1 : MOST_AT_ONCE;
    *out = NULL;
    if (n == 0)
        return ch_column_flat_nulls(r->mem, l->body->type, 0, out, err);
    if (n <= step) {
        CH_TRY(run_piece(r, l, around, row, 0, n, true, var, &raw, err));
        status = ch_flatten(raw, r->mem, out, err);
        ch_column_unref(raw);
        return status;
    }
    for (int64_t from = 0; from < n; from += step) {
        int64_t k = n - from < step ? n - from : step;
        CH_TRY_OUT(run_piece(r, l, around, row, from, k, false, var, &part[n_parts], err));
        n_parts++;
    }
    status = ch_concat(part, n_parts, l->body->type, r->mem, out, err);
out:
    for (int32_t i = 0; i < n_parts; i++)
        ch_column_unref(part[i]);
    return status;
}

/* ---- lists --------------------------------------------------------------------------------------- */

void ch_lambda_lists_release(ch_lambda_lists *l)
{
    ch_column_unref(l->column);
    ch_column_unref(l->item);
    ch_mem_free(l->mem, l->row, sizeof(int32_t) * (size_t)l->n);
    *l = (ch_lambda_lists){.mem = l->mem};
}

ch_status ch_lambda_lists_init(const ch_eval_run *r, ch_eval_node *arg, ch_batch *batch,
                               ch_lambda_lists *l, ch_error *err)
{
    ch_column *raw;
    *l = (ch_lambda_lists){.mem = r->mem};
    CH_TRY(ch_eval_node_run(r, arg, batch, &raw, err));
    ch_status status = ch_flatten(raw, r->mem, &l->column, err);
    ch_column_unref(raw);
    CH_TRY(status);
    l->offset = l->column->data;
    l->rows = batch->n;
    l->base = l->offset[0];
    int64_t n = l->offset[l->rows] - l->base;
    ch_column *child = l->column->child[0];
    if (n == child->rows)
        l->item = ch_column_ref(child);
    else
        CH_TRY_OUT(slice(child, l->base, n, r->mem, &l->item, err));
    l->row = ch_mem_alloc(r->mem, sizeof(int32_t) * (size_t)n, err);
    if (!l->row) {
        status = CH_E_MEMORY;
        goto out;
    }
    l->n = n;
    for (int64_t i = 0, k = 0; i < l->rows; i++)
        for (int32_t e = l->offset[i]; e < l->offset[i + 1]; e++)
            l->row[k++] = (int32_t)i;
out:
    if (status != CH_OK)
        ch_lambda_lists_release(l);
    return status;
}

/* 0, 1, 2 ... within each list */
/* A list column with l's rows and NULLs, offsets from 0; its child is to be set. */
ch_status ch_lambda_same_lists(const ch_lambda_lists *l, const ch_type *type, ch_column **out,
                               ch_error *err)
{
    CH_TRY(ch_column_new(l->mem, type, l->rows, out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i <= l->rows; i++)
        offset[i] = l->offset[i] - l->base;
    if (l->column->valid) {
        (*out)->valid_buf = ch_buffer_ref(l->column->valid_buf);
        (*out)->valid = l->column->valid;
    }
    return CH_OK;
}

void ch_lambda_drop(ch_column **column, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ch_column_unref(column[i]);
}

/* ---- which ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    ch_lambda_eval *eval;
} EVAL[] = {{"transform", ch_lambda_transform},
            {"filter", ch_lambda_filter},
            {"exists", ch_lambda_exists},
            {"forall", ch_lambda_exists},
            {"aggregate", ch_lambda_aggregate},
            {"reduce", ch_lambda_aggregate},
            {"zip_with", ch_lambda_zip},
            {"map_filter", ch_lambda_filter},
            {"transform_keys", ch_lambda_transform_map},
            {"transform_values", ch_lambda_transform_map},
            {"map_zip_with", ch_lambda_zip},
            {"array_sort", ch_lambda_sort}};

ch_status ch_lambda_run(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, ch_column **out,
                        ch_error *err)
{
    ch_lambda_lists l;
    *out = NULL;
    CH_TRY(ch_lambda_lists_init(r, n->arg[0], batch, &l, err));
    ch_status status = CH_E_INTERNAL;
    for (size_t i = 0; i < sizeof EVAL / sizeof *EVAL; i++)
        if (strcmp(EVAL[i].name, n->call->func->name) == 0)
            status = EVAL[i].eval(r, n, batch, &l, out, err);
    ch_lambda_lists_release(&l);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}
