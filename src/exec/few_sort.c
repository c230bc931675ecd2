/* SPDX-License-Identifier: Apache-2.0 */
/*
 * few_sort.c - see few_sort.h. Batches are kept; the slot that is flushed last sorts and gives them. When they turn out
 * to be many, each slot gives what it kept when it is flushed.
 */
#include "exec/few_sort.h"

#include "column/take.h"
#include "exec/keeper.h"
#include "exec/key_sort.h"

#define FEW_ROWS 16384
#define LEAST_BYTES (2 << 20) /* with less memory left nothing is kept */

typedef struct few_sort {
    ch_op op;
    ch_evaluator *left, *right;
    int32_t n_keys;
    ch_keeper keeper;
    _Atomic int64_t rows;
    _Atomic int64_t bytes; /* kept */
    int64_t most_bytes;
    _Atomic int n_flushed;
    int64_t *n_given; /* per slot: of the kept batches, when there are more than few rows */
} few_sort;

static ch_status sort_open(ch_op *self, ch_error *err)
{
    few_sort *op = (few_sort *)self;
    op->most_bytes = ch_mem_limit(self->mem) / 64;
    CH_ARENA_ARRAY(op->n_given, self->exec->arena, self->exec->n_slots, err);
    return ch_keeper_init(&op->keeper, self->exec, self->mem, err);
}

/* What the slot kept, as it is. */
static ch_status emit_kept(few_sort *op, int slot, ch_error *err)
{
    ch_keeper_slot *kept = &op->keeper.slot[slot];
    for (; op->n_given[slot] < kept->n; op->n_given[slot]++) {
        ch_batch *batch = &kept->item[op->n_given[slot]]->batch;
        CH_TRY(ch_op_emit(&op->op, slot, batch, err));
        ch_batch_release(batch);
    }
    return CH_OK;
}

static ch_status sort_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    few_sort *op = (few_sort *)self;
    ch_batch flat;
    if (ch_mem_available(self->mem) < LEAST_BYTES || op->bytes > op->most_bytes)
        atomic_fetch_add(&op->rows, FEW_ROWS);
    if (atomic_fetch_add(&op->rows, batch->n) + batch->n > FEW_ROWS) {
        CH_TRY(emit_kept(op, slot, err));
        return ch_op_emit(self, slot, batch, err);
    }
    CH_TRY(ch_batch_copy(batch, &flat, err));
    ch_status status = ch_batch_flatten(&flat, err);
    if (status != CH_OK) {
        ch_batch_release(&flat);
        return status;
    }
    for (int32_t c = 0; c < flat.n_cols; c++)
        atomic_fetch_add(&op->bytes, ch_column_bytes(flat.col[c]));
    return ch_keeper_add(&op->keeper, slot, &flat, err);
}

/* All that was kept as one batch (gives). */
static ch_status whole(few_sort *op, ch_batch *out, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int64_t n = 0;
    CH_TRY(ch_keeper_sort(&op->keeper, err));
    for (int64_t i = 0; i < op->keeper.n; i++)
        n += op->keeper.all[i]->batch.n;
    CH_TRY(ch_batch_init(out, mem, op->op.output.n, n, err));
    size_t bytes = sizeof(ch_column *) * (size_t)op->keeper.n;
    ch_column **piece = ch_mem_alloc(mem, bytes, err);
    ch_status status = piece ? CH_OK : CH_E_MEMORY;
    for (int32_t c = 0; c < out->n_cols && status == CH_OK; c++) {
        for (int64_t i = 0; i < op->keeper.n; i++)
            piece[i] = op->keeper.all[i]->batch.col[c];
        status = ch_concat(piece, (int32_t)op->keeper.n, op->op.output.item[c]->type, mem,
                           &out->col[c], err);
    }
    if (op->keeper.n)
        out->seq = op->keeper.all[0]->batch.seq >> 48 << 48;
    ch_mem_free(mem, piece, bytes);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

/* coalesce(left, right) of key k (gives). */
static ch_status key_of(few_sort *op, int slot, int32_t k, ch_batch *all, ch_column **out,
                        ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int64_t n = all->n;
    size_t bytes = sizeof(int32_t) * (size_t)n;
    ch_column *side[2] = {0}, *both = NULL;
    int32_t *idx = ch_mem_alloc(mem, bytes, err);
    ch_status status = CH_E_MEMORY;
    if (!idx)
        return CH_E_MEMORY;
    CH_TRY_OUT(ch_evaluate(op->left, slot, k, all, mem, &side[0], err));
    CH_TRY_OUT(ch_evaluate(op->right, slot, k, all, mem, &side[1], err));
    for (int64_t i = 0; i < n; i++)
        idx[i] = (int32_t)(ch_column_is_null(side[0], i) ? n + i : i);
    CH_TRY_OUT(ch_concat(side, 2, side[0]->type, mem, &both, err));
    status = ch_take(both, idx, n, false, mem, out, err);
out:
    ch_column_unref(both);
    ch_column_unref(side[0]);
    ch_column_unref(side[1]);
    ch_mem_free(mem, idx, bytes);
    return status;
}

static ch_status emit_sorted(few_sort *op, int slot, ch_batch *all, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int64_t n = all->n;
    size_t key_bytes = sizeof(ch_column *) * (size_t)op->n_keys,
           perm_bytes = sizeof(int32_t) * (size_t)n;
    ch_column **key = ch_mem_zalloc(mem, key_bytes, err);
    int32_t *perm = key ? ch_mem_alloc(mem, perm_bytes, err) : NULL;
    ch_batch out = {.mem = mem};
    ch_status status = CH_E_MEMORY;
    if (!perm)
        goto out;
    for (int32_t k = 0; k < op->n_keys; k++)
        CH_TRY_OUT(key_of(op, slot, k, all, &key[k], err));
    CH_TRY_OUT(ch_key_sort(key, op->n_keys, n, mem, perm, err));
    CH_TRY_OUT(ch_batch_init(&out, mem, all->n_cols, n, err));
    out.seq = all->seq;
    for (int32_t c = 0; c < all->n_cols; c++)
        CH_TRY_OUT(ch_take(all->col[c], perm, n, false, mem, &out.col[c], err));
    status = ch_op_emit(&op->op, slot, &out, err);
out:
    ch_batch_release(&out);
    for (int32_t k = 0; key && k < op->n_keys; k++)
        ch_column_unref(key[k]);
    ch_mem_free(mem, perm, perm_bytes);
    ch_mem_free(mem, key, key_bytes);
    return status;
}

static ch_status sort_flush(ch_op *self, int slot, ch_error *err)
{
    few_sort *op = (few_sort *)self;
    bool last = atomic_fetch_add(&op->n_flushed, 1) + 1 == self->exec->n_slots;
    if (!op->keeper.slot || op->rows == 0)
        return CH_OK;
    if (op->rows > FEW_ROWS)
        return emit_kept(op, slot, err);
    if (!last)
        return CH_OK;
    ch_batch all;
    CH_TRY(whole(op, &all, err));
    ch_status status = emit_sorted(op, slot, &all, err);
    ch_batch_release(&all);
    return status;
}

static void sort_close(ch_op *self)
{
    few_sort *op = (few_sort *)self;
    ch_keeper_release(&op->keeper);
    ch_evaluator_close(op->left);
    ch_evaluator_close(op->right);
}

static const ch_op_class FEW_SORT = {.name = "SortFew",
                                     .open = sort_open,
                                     .push = sort_push,
                                     .flush = sort_flush,
                                     .close = sort_close};

ch_status ch_few_sort_new(ch_exec *exec, const ch_expr_list *left, const ch_expr_list *right,
                          const ch_attr_list *input, ch_op *next, ch_op **out, ch_error *err)
{
    few_sort *op = ch_op_new(exec, &FEW_SORT, sizeof *op, NULL, next, err);
    *out = op ? &op->op : NULL;
    if (!op)
        return CH_E_MEMORY;
    op->op.output = *input;
    op->n_keys = left->n;
    CH_TRY(ch_evaluator_new(exec, left, input, &op->left, err));
    return ch_evaluator_new(exec, right, input, &op->right, err);
}
