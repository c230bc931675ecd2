/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_lambda.c - calls with lambda functions, evaluated for all elements of a batch's lists at once.
 *
 *   transform(a, x -> x + n)    rows      n          elements        body's batch: n    x
 *                               [1, 2]    10         1 2 3                         10   1
 *                               [3]       20         of rows 0 0 1                 10   2
 *                                                                                  20   3
 *
 * Columns that the body uses are repeated for each element of their row. What depends on the order of
 * elements goes along the lists, all rows abreast: aggregate takes the k-th element of every row at the
 * k-th step; exists and forall do so where a body may fail, because Spark stops at the first answer;
 * array_sort merges neighbouring runs of all rows, one comparison each at a time.
 */
#include "column/take.h"
#include "exec/eval.h"
#include "function/lambda.h"
#include "function/nested.h"
#include "kernel/compare.h"
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

/*
 * The body for n elements: var[v] has n rows; row[i] is where element i stands in `around`. *out is FLAT
 * and of type `to`, whose structure is the body's.
 */
static ch_status run_lambda(const ch_eval_run *r, const ch_eval_lambda *l, ch_batch *around,
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

/* A list or map column with its elements from 0 on, and the row of each. */
typedef struct lists {
    ch_column *column; /* FLAT; owned */
    ch_column *item;   /* the elements; owned */
    const int32_t *offset;
    int32_t base; /* of the first element in offset */
    int64_t rows, n;
    int32_t *row; /* n; owned */
    ch_mem *mem;
} lists;

static void lists_release(lists *l)
{
    ch_column_unref(l->column);
    ch_column_unref(l->item);
    ch_mem_free(l->mem, l->row, sizeof(int32_t) * (size_t)l->n);
    *l = (lists){.mem = l->mem};
}

static int32_t list_from(const lists *l, int64_t i)
{
    return l->offset[i] - l->base;
}
static int32_t list_len(const lists *l, int64_t i)
{
    return l->offset[i + 1] - l->offset[i];
}
static bool list_null(const lists *l, int64_t i)
{
    return ch_column_is_null(l->column, i);
}

static ch_status lists_init(const ch_eval_run *r, ch_eval_node *arg, ch_batch *batch, lists *l,
                            ch_error *err)
{
    ch_column *raw;
    *l = (lists){.mem = r->mem};
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
        lists_release(l);
    return status;
}

/* 0, 1, 2 ... within each list */
static ch_status positions(const lists *l, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(l->mem, CH_T_INT, l->n, out, err));
    int32_t *pos = (*out)->data;
    for (int64_t k = 0; k < l->n; k++)
        pos[k] = (int32_t)k - list_from(l, l->row[k]);
    return CH_OK;
}

/* A list column with l's rows and NULLs, offsets from 0; its child is to be set. */
static ch_status same_lists(const lists *l, const ch_type *type, ch_column **out, ch_error *err)
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

/* Variables of a function of one list: element and position, or key and value. */
static ch_status list_vars(const lists *l, const ch_eval_lambda *f, ch_column *var[3],
                           ch_error *err)
{
    bool map = l->column->type->id == CH_MAP;
    var[0] = ch_column_ref(map ? l->item->child[0] : l->item);
    if (f->n_vars < 2)
        return CH_OK;
    if (!map)
        return positions(l, &var[1], err);
    var[1] = ch_column_ref(l->item->child[1]);
    return CH_OK;
}

static void drop(ch_column **column, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ch_column_unref(column[i]);
}

static bool is_true(const ch_column *c, int64_t i)
{
    return !ch_column_is_null(c, i) && ch_bit_get(c->data, i);
}

/* The body for each element. */
static ch_status each(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, const lists *l,
                      ch_column **out, ch_error *err)
{
    ch_column *var[3] = {NULL};
    ch_status status = list_vars(l, &n->lambda[0], var, err);
    if (status == CH_OK)
        status = run_lambda(r, &n->lambda[0], batch, l->row, l->n, var, out, err);
    drop(var, 3);
    return status;
}

/* ---- transform, filter, map_filter, transform_keys, transform_values ------------------------------ */

static ch_status eval_transform(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                const lists *l, ch_column **out, ch_error *err)
{
    CH_TRY(same_lists(l, n->type, out, err));
    return each(r, n, batch, l, &(*out)->child[0], err);
}

static ch_status eval_filter(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, const lists *l,
                             ch_column **out, ch_error *err)
{
    ch_column *keep;
    size_t bytes = sizeof(int32_t) * (size_t)l->n;
    CH_TRY(each(r, n, batch, l, &keep, err));
    int32_t *idx = ch_mem_alloc(r->mem, bytes, err), kept = 0;
    ch_status status = idx ? same_lists(l, n->type, out, err) : CH_E_MEMORY;
    if (status == CH_OK) {
        int32_t *offset = (*out)->data;
        for (int64_t i = 0, k = 0; i < l->rows; i++) {
            for (int32_t e = list_len(l, i); e > 0; e--, k++)
                if (is_true(keep, k))
                    idx[kept++] = (int32_t)k;
            offset[i + 1] = kept;
        }
        status = ch_take(l->item, idx, kept, false, r->mem, &(*out)->child[0], err);
    }
    ch_mem_free(r->mem, idx, bytes);
    ch_column_unref(keep);
    return status;
}

static ch_status eval_transform_map(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                    const lists *l, ch_column **out, ch_error *err)
{
    bool keys = strcmp(n->call->func->name, "transform_keys") == 0;
    ch_column *made;
    CH_TRY(same_lists(l, n->type, out, err));
    CH_TRY(each(r, n, batch, l, &made, err));
    ch_column *key = keys ? made : ch_column_ref(l->item->child[0]),
              *value = keys ? ch_column_ref(l->item->child[1]) : made;
    if (keys) {
        ch_call call = {.ctx = r->ev->exec->func, .result = n->type, .mem = r->mem};
        return ch_map_finish(&call, *out, key, value, err);
    }
    const ch_type *entry = ch_type_struct(n->type->field, 2);
    ch_status status =
        entry ? ch_column_new(r->mem, entry, l->n, &(*out)->child[0], err) : CH_E_MEMORY;
    if (status != CH_OK) {
        ch_column_unref(key);
        ch_column_unref(value);
        return status;
    }
    (*out)->child[0]->child[0] = key;
    (*out)->child[0]->child[1] = value;
    return CH_OK;
}

/* ---- exists, forall --------------------------------------------------------------------------------- */

/* What is known of a row: no element so far, only ones that do not decide, a NULL, or the answer. */
enum { OPEN, UNKNOWN, DECIDED };

static void decide(const ch_column *value, int64_t k, bool exists, uint8_t *state)
{
    if (*state == DECIDED)
        return;
    if (ch_column_is_null(value, k))
        *state = UNKNOWN;
    else if (ch_bit_get(value->data, k) == exists)
        *state = DECIDED;
}

/* One element of each undecided row after another. */
static ch_status step_by_step(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                              const lists *l, bool exists, uint8_t *state, ch_error *err)
{
    size_t bytes = 2 * sizeof(int32_t) * (size_t)l->rows;
    int32_t *row = ch_mem_alloc(r->mem, bytes, err), *idx = row + l->rows;
    ch_status status = row ? CH_OK : CH_E_MEMORY;
    for (int32_t k = 0; status == CH_OK; k++) {
        ch_column *var = NULL, *value = NULL;
        int32_t m = 0;
        for (int64_t i = 0; i < l->rows; i++)
            if (state[i] != DECIDED && list_len(l, i) > k) {
                row[m] = (int32_t)i;
                idx[m++] = list_from(l, i) + k;
            }
        if (!m)
            break;
        status = ch_take(l->item, idx, m, false, r->mem, &var, err);
        if (status == CH_OK)
            status = run_lambda(r, &n->lambda[0], batch, row, m, &var, &value, err);
        for (int32_t i = 0; i < m && status == CH_OK; i++)
            decide(value, i, exists, &state[row[i]]);
        ch_column_unref(var);
        ch_column_unref(value);
    }
    ch_mem_free(r->mem, row, bytes);
    return status;
}

static ch_status eval_exists(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, const lists *l,
                             ch_column **out, ch_error *err)
{
    bool exists = n->call->func->name[0] == 'e';
    size_t bytes = (size_t)l->rows;
    uint8_t *state = ch_mem_zalloc(r->mem, bytes, err);
    ch_status status = state ? CH_OK : CH_E_MEMORY;
    if (status == CH_OK && n->lambda[0].body->may_fail) {
        status = step_by_step(r, n, batch, l, exists, state, err);
    } else if (status == CH_OK) {
        ch_column *value = NULL;
        status = each(r, n, batch, l, &value, err);
        for (int64_t k = 0; k < l->n && status == CH_OK; k++)
            decide(value, k, exists, &state[l->row[k]]);
        ch_column_unref(value);
    }
    if (status == CH_OK)
        status = ch_column_new(r->mem, CH_T_BOOLEAN, l->rows, out, err);
    if (status == CH_OK)
        status = ch_column_need_valid(*out, err);
    if (status == CH_OK) {
        ch_bits_fill((*out)->data, l->rows, !exists);
        for (int64_t i = 0; i < l->rows; i++) {
            if (state[i] == DECIDED && exists)
                ch_bit_set((*out)->data, i);
            else if (state[i] == DECIDED)
                ch_bit_clear((*out)->data, i);
            if (state[i] == UNKNOWN || list_null(l, i))
                ch_bit_clear((*out)->valid, i);
        }
    }
    ch_mem_free(r->mem, state, bytes);
    return status;
}

/* ---- aggregate --------------------------------------------------------------------------------------- */

/*
 * Rows with elements left, and their values so far; those that are through wait in `done`.
 *   value[j] is that of row[j], j < m
 */
typedef struct folding {
    int32_t *row, *idx; /* of l->rows each */
    int32_t m;
    ch_column *value;
    ch_column **done;
    int32_t n_done, cap_done;
    int32_t *place; /* per row: where its value is in the concatenation of `done` */
    int32_t n_placed;
} folding;

/* Rows that have no k-th element leave. */
static ch_status put_aside(const ch_eval_run *r, const lists *l, int32_t k, folding *f,
                           ch_error *err)
{
    int32_t gone = 0, left = 0;
    for (int32_t j = 0; j < f->m; j++) {
        int32_t i = f->row[j];
        if (list_len(l, i) > k)
            continue;
        f->place[i] = f->n_placed++;
        f->idx[gone++] = j;
    }
    if (!gone)
        return CH_OK;
    if (f->n_done == f->cap_done) {
        int32_t cap = f->cap_done ? 2 * f->cap_done : 8;
        ch_column **more = ch_mem_alloc(r->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (f->n_done)
            memcpy(more, f->done, sizeof *more * (size_t)f->n_done);
        ch_mem_free(r->mem, f->done, sizeof *more * (size_t)f->cap_done);
        f->done = more;
        f->cap_done = cap;
    }
    CH_TRY(ch_take(f->value, f->idx, gone, false, r->mem, &f->done[f->n_done], err));
    f->n_done++;
    for (int32_t j = 0; j < f->m; j++)
        if (list_len(l, f->row[j]) > k) {
            f->idx[left] = j;
            f->row[left++] = f->row[j];
        }
    ch_column *value;
    CH_TRY(ch_take(f->value, f->idx, left, false, r->mem, &value, err));
    ch_column_unref(f->value);
    f->value = value;
    f->m = left;
    return CH_OK;
}

static ch_status fold_element(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                              const lists *l, int32_t k, folding *f, ch_error *err)
{
    ch_column *var[2] = {f->value, NULL}, *raw = NULL, *value = NULL;
    for (int32_t j = 0; j < f->m; j++)
        f->idx[j] = list_from(l, f->row[j]) + k;
    CH_TRY(ch_take(l->item, f->idx, f->m, false, r->mem, &var[1], err));
    ch_status status = run_lambda(r, &n->lambda[0], batch, f->row, f->m, var, &raw, err);
    if (status == CH_OK)
        status = ch_column_retype(r->mem, raw, n->arg[1]->type, &value, err);
    if (status == CH_OK) {
        ch_column_unref(f->value);
        f->value = value;
    }
    ch_column_unref(raw);
    ch_column_unref(var[1]);
    return status;
}

static ch_status finish_aggregate(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                  const lists *l, folding *f, ch_column **out, ch_error *err)
{
    ch_column *all = NULL, *value = NULL;
    ch_status status = CH_OK;
    for (int64_t i = 0; i < l->rows; i++)
        f->row[i] = (int32_t)i;
    if (f->n_done)
        CH_TRY_OUT(ch_concat(f->done, f->n_done, n->arg[1]->type, r->mem, &all, err));
    else
        CH_TRY_OUT(ch_column_flat_nulls(r->mem, n->arg[1]->type, 0, &all, err));
    CH_TRY_OUT(ch_take(all, f->place, l->rows, true, r->mem, &value, err));
    ch_column_unref(all);
    all = NULL;
    CH_TRY_OUT(run_lambda(r, &n->lambda[1], batch, f->row, l->rows, &value, &all, err));
    /* finish is not asked about a NULL list */
    for (int64_t i = 0; i < l->rows; i++)
        f->idx[i] = list_null(l, i) ? -1 : (int32_t)i;
    status = ch_take(all, f->idx, l->rows, true, r->mem, out, err);
out:
    ch_column_unref(all);
    ch_column_unref(value);
    return status;
}

static ch_status eval_aggregate(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                const lists *l, ch_column **out, ch_error *err)
{
    size_t bytes = 3 * sizeof(int32_t) * (size_t)l->rows;
    folding f = {.row = ch_mem_alloc(r->mem, bytes, err)};
    if (!f.row)
        return CH_E_MEMORY;
    f.idx = f.row + l->rows;
    f.place = f.idx + l->rows;
    ch_status status = CH_OK;
    ch_column *zero = NULL;
    CH_TRY_OUT(ch_eval_node_run(r, n->arg[1], batch, &zero, err));
    for (int64_t i = 0; i < l->rows; i++) {
        f.place[i] = -1;
        if (!list_null(l, i))
            f.row[f.m++] = (int32_t)i;
    }
    CH_TRY_OUT(ch_take(zero, f.row, f.m, false, r->mem, &f.value, err));
    for (int32_t k = 0; f.m > 0; k++) {
        CH_TRY_OUT(put_aside(r, l, k, &f, err));
        if (f.m > 0)
            CH_TRY_OUT(fold_element(r, n, batch, l, k, &f, err));
    }
    status = finish_aggregate(r, n, batch, l, &f, out, err);
out:
    drop(f.done, f.n_done);
    ch_mem_free(r->mem, f.done, sizeof *f.done * (size_t)f.cap_done);
    ch_column_unref(f.value);
    ch_column_unref(zero);
    ch_mem_free(r->mem, f.row, bytes);
    return status;
}

/* ---- zip_with, map_zip_with ----------------------------------------------------------------------------- */

/* Positions of pairs in two lists, -1 where one has nothing. */
typedef struct pairs {
    int32_t *a, *b, *row, *key; /* key: map_zip_with's, in the concatenation of both maps' keys */
    int64_t n, room;
} pairs;

static ch_status pairs_init(pairs *p, const lists *a, const lists *b, ch_error *err)
{
    p->room = a->n + b->n;
    p->n = 0;
    p->a = ch_mem_alloc(a->mem, 4 * sizeof(int32_t) * (size_t)p->room, err);
    p->b = p->a + p->room;
    p->row = p->b + p->room;
    p->key = p->row + p->room;
    return p->a ? CH_OK : CH_E_MEMORY;
}

static void pairs_add(pairs *p, int32_t a, int32_t b, int64_t row, int32_t key)
{
    p->a[p->n] = a;
    p->b[p->n] = b;
    p->row[p->n] = (int32_t)row;
    p->key[p->n++] = key;
}

static void zip_row(pairs *p, const lists *a, const lists *b, int64_t i)
{
    int32_t na = list_len(a, i), nb = list_len(b, i);
    for (int32_t k = 0; k < na || k < nb; k++)
        pairs_add(p, k < na ? list_from(a, i) + k : -1, k < nb ? list_from(b, i) + k : -1, i, 0);
}

/* Keys of a in order, then those that only b has. */
static void zip_maps(pairs *p, const lists *a, const lists *b, int64_t i)
{
    const ch_column *ka = a->item->child[0], *kb = b->item->child[0];
    int32_t from_a = list_from(a, i), to_a = from_a + list_len(a, i);
    int32_t from_b = list_from(b, i), to_b = from_b + list_len(b, i);
    for (int32_t x = from_a; x < to_a; x++) {
        int32_t y = from_b;
        while (y < to_b && ch_compare_at(ka, x, kb, y) != 0)
            y++;
        pairs_add(p, x, y < to_b ? y : -1, i, x);
    }
    for (int32_t y = from_b; y < to_b; y++) {
        int32_t x = from_a;
        while (x < to_a && ch_compare_at(ka, x, kb, y) != 0)
            x++;
        if (x == to_a)
            pairs_add(p, -1, y, i, (int32_t)a->n + y);
    }
}

static ch_status zip_columns(const ch_eval_run *r, const lists *a, const lists *b, const pairs *p,
                             bool map, ch_column *var[3], ch_error *err)
{
    if (map) {
        ch_column *both[2] = {a->item->child[0], b->item->child[0]}, *all;
        CH_TRY(ch_concat(both, 2, both[0]->type, r->mem, &all, err));
        ch_status status = ch_take(all, p->key, p->n, false, r->mem, &var[0], err);
        ch_column_unref(all);
        CH_TRY(status);
    }
    CH_TRY(ch_take(map ? a->item->child[1] : a->item, p->a, p->n, true, r->mem, &var[map], err));
    return ch_take(map ? b->item->child[1] : b->item, p->b, p->n, true, r->mem, &var[map + 1], err);
}

static ch_status eval_zip(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, const lists *a,
                          ch_column **out, ch_error *err)
{
    bool map = n->type->id == CH_MAP;
    lists b;
    pairs p = {0};
    ch_column *var[3] = {NULL}, *made = NULL;
    CH_TRY(lists_init(r, n->arg[1], batch, &b, err));
    ch_status status = CH_OK;
    CH_TRY_OUT(pairs_init(&p, a, &b, err));
    CH_TRY_OUT(ch_column_new(r->mem, n->type, a->rows, out, err));
    CH_TRY_OUT(ch_column_need_valid(*out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i < a->rows; i++) {
        if (list_null(a, i) || list_null(&b, i))
            ch_bit_clear((*out)->valid, i);
        else if (map)
            zip_maps(&p, a, &b, i);
        else
            zip_row(&p, a, &b, i);
        offset[i + 1] = (int32_t)p.n;
    }
    CH_TRY_OUT(zip_columns(r, a, &b, &p, map, var, err));
    CH_TRY_OUT(run_lambda(r, &n->lambda[0], batch, p.row, p.n, var, &made, err));
    if (map) {
        const ch_type *entry = ch_type_struct(n->type->field, 2);
        status = entry ? ch_column_new(r->mem, entry, p.n, &(*out)->child[0], err) : CH_E_MEMORY;
        if (status != CH_OK)
            goto out;
        (*out)->child[0]->child[0] = ch_column_ref(var[0]);
        (*out)->child[0]->child[1] = made;
    } else {
        (*out)->child[0] = made;
    }
    made = NULL;
out:
    ch_column_unref(made);
    drop(var, 3);
    ch_mem_free(r->mem, p.a, 4 * sizeof(int32_t) * (size_t)p.room);
    lists_release(&b);
    return status;
}

/* ---- array_sort ------------------------------------------------------------------------------------------- */

/* Two neighbouring runs [a, a_end), [b, b_end) on their way to out. */
typedef struct merge {
    int32_t a, a_end, b, b_end, out, row;
} merge;

/* Asks the comparator about the heads of the first m merges; *take_b[j]: is b's smaller? */
static ch_status compare_heads(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                               const lists *l, const merge *at, int32_t m, const int32_t *from,
                               int32_t *scratch, uint8_t *take_b, ch_error *err)
{
    ch_column *var[2] = {NULL, NULL}, *order = NULL;
    int32_t *left = scratch, *right = scratch + m, *row = scratch + 2 * m;
    ch_status status = CH_OK;
    for (int32_t j = 0; j < m; j++) {
        left[j] = from[at[j].a];
        right[j] = from[at[j].b];
        row[j] = at[j].row;
    }
    CH_TRY_OUT(ch_take(l->item, left, m, false, r->mem, &var[0], err));
    CH_TRY_OUT(ch_take(l->item, right, m, false, r->mem, &var[1], err));
    CH_TRY_OUT(run_lambda(r, &n->lambda[0], batch, row, m, var, &order, err));
    for (int32_t j = 0; j < m; j++) {
        if (ch_column_is_null(order, j)) {
            status = ch_error_set(err, CH_E_COMPARATOR_RETURNS_NULL, "firstValue", "two elements",
                                  "secondValue", "each other", (const char *)0);
            goto out;
        }
        take_b[j] = ((const int32_t *)order->data)[j] > 0;
    }
out:
    drop(var, 2);
    ch_column_unref(order);
    return status;
}

/* Runs of `width` become runs of twice that: from -> to. */
static ch_status merge_level(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, const lists *l,
                             int32_t width, const int32_t *from, int32_t *to, merge *at,
                             int32_t *scratch, uint8_t *take_b, ch_error *err)
{
    int32_t m = 0;
    for (int64_t i = 0; i < l->rows; i++) {
        int32_t begin = list_from(l, i), end = begin + list_len(l, i);
        for (int32_t a = begin; a < end; a += 2 * width) {
            int32_t b = end - a < width ? end : a + width;
            int32_t b_end = end - b < width ? end : b + width;
            if (b < b_end)
                at[m++] = (merge){a, b, b, b_end, a, (int32_t)i};
            else
                memcpy(to + a, from + a, sizeof(int32_t) * (size_t)(b - a));
        }
    }
    while (m > 0) {
        int32_t left = 0;
        CH_TRY(compare_heads(r, n, batch, l, at, m, from, scratch, take_b, err));
        for (int32_t j = 0; j < m; j++) {
            merge g = at[j];
            to[g.out++] = from[take_b[j] ? g.b++ : g.a++];
            if (g.a < g.a_end && g.b < g.b_end) {
                at[left++] = g;
                continue;
            }
            while (g.a < g.a_end)
                to[g.out++] = from[g.a++];
            while (g.b < g.b_end)
                to[g.out++] = from[g.b++];
        }
        m = left;
    }
    return CH_OK;
}

static ch_status eval_sort(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, const lists *l,
                           ch_column **out, ch_error *err)
{
    size_t size = (size_t)l->n + 1;
    size_t bytes = size * (5 * sizeof(int32_t) + sizeof(merge) + 1);
    char *memory = ch_mem_alloc(r->mem, bytes, err);
    if (!memory)
        return CH_E_MEMORY;
    merge *at = (merge *)(void *)memory;
    int32_t *from = (int32_t *)(void *)(at + size), *to = from + size, *scratch = to + size;
    uint8_t *take_b = (uint8_t *)(scratch + 3 * size);
    ch_status status = CH_OK;
    int32_t longest = 0;
    for (int64_t i = 0; i < l->rows; i++)
        longest = list_len(l, i) > longest ? list_len(l, i) : longest;
    for (int32_t k = 0; k < l->n; k++)
        from[k] = k;
    for (int64_t width = 1; width < longest; width *= 2) {
        CH_TRY_OUT(merge_level(r, n, batch, l, (int32_t)width, from, to, at, scratch, take_b, err));
        int32_t *swap = from;
        from = to;
        to = swap;
    }
    CH_TRY_OUT(same_lists(l, n->type, out, err));
    status = ch_take(l->item, from, l->n, false, r->mem, &(*out)->child[0], err);
out:
    ch_mem_free(r->mem, memory, bytes);
    return status;
}

/* ---- which ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    ch_status (*eval)(const ch_eval_run *, ch_eval_node *, ch_batch *, const lists *, ch_column **,
                      ch_error *);
} EVAL[] = {{"transform", eval_transform},
            {"filter", eval_filter},
            {"exists", eval_exists},
            {"forall", eval_exists},
            {"aggregate", eval_aggregate},
            {"reduce", eval_aggregate},
            {"zip_with", eval_zip},
            {"map_filter", eval_filter},
            {"transform_keys", eval_transform_map},
            {"transform_values", eval_transform_map},
            {"map_zip_with", eval_zip},
            {"array_sort", eval_sort}};

ch_status ch_lambda_run(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch, ch_column **out,
                        ch_error *err)
{
    lists l;
    *out = NULL;
    CH_TRY(lists_init(r, n->arg[0], batch, &l, err));
    ch_status status = CH_E_INTERNAL;
    for (size_t i = 0; i < sizeof EVAL / sizeof *EVAL; i++)
        if (strcmp(EVAL[i].name, n->call->func->name) == 0)
            status = EVAL[i].eval(r, n, batch, &l, out, err);
    lists_release(&l);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}
