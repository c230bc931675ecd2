/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambda_order.c - functions that take elements in their order, along the lists of all rows abreast: aggregate
 * takes the k-th element of every row at the k-th step; exists and forall do so where a body may fail,
 * because Spark stops at the first answer; array_sort merges neighbouring runs of all rows, one
 * comparison each at a time.
 */
#include "column/take.h"
#include "exec/eval_lambda.h"

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
                              const ch_lambda_lists *l, bool exists, uint8_t *state, ch_error *err)
{
    size_t bytes = 2 * sizeof(int32_t) * (size_t)l->rows;
    int32_t *row = ch_mem_alloc(r->mem, bytes, err);
    if (!row)
        return CH_E_MEMORY;
    int32_t *idx = row + l->rows;
    ch_status status = CH_OK;
    for (int32_t k = 0; status == CH_OK; k++) {
        ch_column *var = NULL, *value = NULL;
        int32_t m = 0;
        for (int64_t i = 0; i < l->rows; i++)
            if (state[i] != DECIDED && ch_lambda_len(l, i) > k) {
                row[m] = (int32_t)i;
                idx[m++] = ch_lambda_from(l, i) + k;
            }
        if (!m)
            break;
        status = ch_take(l->item, idx, m, false, r->mem, &var, err);
        if (status == CH_OK)
            status = ch_lambda_run_body(r, &n->lambda[0], batch, row, m, &var, &value, err);
        for (int32_t i = 0; i < m && status == CH_OK; i++)
            decide(value, i, exists, &state[row[i]]);
        ch_column_unref(var);
        ch_column_unref(value);
    }
    ch_mem_free(r->mem, row, bytes);
    return status;
}

ch_status ch_lambda_exists(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                           const ch_lambda_lists *l, ch_column **out, ch_error *err)
{
    bool exists = n->call->func->name[0] == 'e';
    size_t bytes = (size_t)l->rows;
    uint8_t *state = ch_mem_zalloc(r->mem, bytes, err);
    ch_status status = state ? CH_OK : CH_E_MEMORY;
    if (status == CH_OK && n->lambda[0].body->may_fail) {
        status = step_by_step(r, n, batch, l, exists, state, err);
    } else if (status == CH_OK) {
        ch_column *value = NULL;
        status = ch_lambda_each(r, n, batch, l, &value, err);
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
            if (state[i] == UNKNOWN || ch_lambda_null(l, i))
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
static ch_status put_aside(const ch_eval_run *r, const ch_lambda_lists *l, int32_t k, folding *f,
                           ch_error *err)
{
    int32_t gone = 0, left = 0;
    for (int32_t j = 0; j < f->m; j++) {
        int32_t i = f->row[j];
        if (ch_lambda_len(l, i) > k)
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
        if (ch_lambda_len(l, f->row[j]) > k) {
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
                              const ch_lambda_lists *l, int32_t k, folding *f, ch_error *err)
{
    ch_column *var[2] = {f->value, NULL}, *raw = NULL, *value = NULL;
    for (int32_t j = 0; j < f->m; j++)
        f->idx[j] = ch_lambda_from(l, f->row[j]) + k;
    CH_TRY(ch_take(l->item, f->idx, f->m, false, r->mem, &var[1], err));
    ch_status status = ch_lambda_run_body(r, &n->lambda[0], batch, f->row, f->m, var, &raw, err);
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
                                  const ch_lambda_lists *l, folding *f, ch_column **out,
                                  ch_error *err)
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
    CH_TRY_OUT(ch_lambda_run_body(r, &n->lambda[1], batch, f->row, l->rows, &value, &all, err));
    /* finish is not asked about a NULL list */
    for (int64_t i = 0; i < l->rows; i++)
        f->idx[i] = ch_lambda_null(l, i) ? -1 : (int32_t)i;
    status = ch_take(all, f->idx, l->rows, true, r->mem, out, err);
out:
    ch_column_unref(all);
    ch_column_unref(value);
    return status;
}

ch_status ch_lambda_aggregate(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                              const ch_lambda_lists *l, ch_column **out, ch_error *err)
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
        if (!ch_lambda_null(l, i))
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
    ch_lambda_drop(f.done, f.n_done);
    ch_mem_free(r->mem, f.done, sizeof *f.done * (size_t)f.cap_done);
    ch_column_unref(f.value);
    ch_column_unref(zero);
    ch_mem_free(r->mem, f.row, bytes);
    return status;
}

/* ---- array_sort ------------------------------------------------------------------------------------------- */

/* Two neighbouring runs [a, a_end), [b, b_end) on their way to out. */
typedef struct merge {
    int32_t a, a_end, b, b_end, out, row;
} merge;

/* Asks the comparator about the heads of the first m merges; *take_b[j]: is b's smaller? */
static ch_status compare_heads(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                               const ch_lambda_lists *l, const merge *at, int32_t m,
                               const int32_t *from, int32_t *scratch, uint8_t *take_b,
                               ch_error *err)
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
    CH_TRY_OUT(ch_lambda_run_body(r, &n->lambda[0], batch, row, m, var, &order, err));
    for (int32_t j = 0; j < m; j++) {
        if (ch_column_is_null(order, j)) {
            status = ch_error_set(err, CH_E_COMPARATOR_RETURNS_NULL, "firstValue", "two elements",
                                  "secondValue", "each other", (const char *)0);
            goto out;
        }
        take_b[j] = ((const int32_t *)order->data)[j] > 0;
    }
out:
    ch_lambda_drop(var, 2);
    ch_column_unref(order);
    return status;
}

/* Runs of `width` become runs of twice that: from -> to. */
static ch_status merge_level(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                             const ch_lambda_lists *l, int32_t width, const int32_t *from,
                             int32_t *to, merge *at, int32_t *scratch, uint8_t *take_b,
                             ch_error *err)
{
    int32_t m = 0;
    for (int64_t i = 0; i < l->rows; i++) {
        int32_t begin = ch_lambda_from(l, i), end = begin + ch_lambda_len(l, i);
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

ch_status ch_lambda_sort(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                         const ch_lambda_lists *l, ch_column **out, ch_error *err)
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
        longest = ch_lambda_len(l, i) > longest ? ch_lambda_len(l, i) : longest;
    for (int32_t k = 0; k < l->n; k++)
        from[k] = k;
    for (int64_t width = 1; width < longest; width *= 2) {
        CH_TRY_OUT(merge_level(r, n, batch, l, (int32_t)width, from, to, at, scratch, take_b, err));
        int32_t *swap = from;
        from = to;
        to = swap;
    }
    CH_TRY_OUT(ch_lambda_same_lists(l, n->type, out, err));
    status = ch_take(l->item, from, l->n, false, r->mem, &(*out)->child[0], err);
out:
    ch_mem_free(r->mem, memory, bytes);
    return status;
}
