/* SPDX-License-Identifier: Apache-2.0 */
/* few_sort.c - see few_sort.h. */
#include "exec/few_sort.h"

#include "column/take.h"
#include "exec/few.h"
#include "exec/key_sort.h"

#define FEW_ROWS 16384

typedef struct few_sort {
    ch_few few;
    ch_evaluator *left, *right;
    int32_t n_keys;
} few_sort;

/* coalesce(left, right) of key k (gives). */
static ch_status key_of(few_sort *op, int slot, int32_t k, ch_batch *all, ch_column **out,
                        ch_error *err)
{
    ch_mem *mem = op->few.op.mem;
    int64_t n = all->n;
    size_t bytes = sizeof(int32_t) * (size_t)n;
    ch_column *side[2] = {0}, *both = NULL;
    int32_t *idx = ch_mem_alloc(mem, bytes, err);
    ch_status status;
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

static ch_status arrange(ch_few *few, int slot, ch_batch *all, ch_error *err)
{
    few_sort *op = (few_sort *)few;
    ch_mem *mem = few->op.mem;
    size_t key_bytes = sizeof(ch_column *) * (size_t)op->n_keys,
           perm_bytes = sizeof(int32_t) * (size_t)all->n;
    ch_column **key = ch_mem_zalloc(mem, key_bytes, err);
    int32_t *perm = key ? ch_mem_alloc(mem, perm_bytes, err) : NULL;
    ch_status status = CH_E_MEMORY;
    if (!perm)
        goto out;
    for (int32_t k = 0; k < op->n_keys; k++)
        CH_TRY_OUT(key_of(op, slot, k, all, &key[k], err));
    CH_TRY_OUT(ch_key_sort(key, op->n_keys, NULL, all->n, mem, perm, err));
    status = ch_few_emit(few, slot, all, perm, all->n, all->seq, err);
out:
    for (int32_t k = 0; key && k < op->n_keys; k++)
        ch_column_unref(key[k]);
    ch_mem_free(mem, perm, perm_bytes);
    ch_mem_free(mem, key, key_bytes);
    return status;
}

static void sort_close(ch_op *self)
{
    few_sort *op = (few_sort *)self;
    ch_few_close(&op->few);
    ch_evaluator_close(op->left);
    ch_evaluator_close(op->right);
}

static const ch_op_class FEW_SORT = {.name = "SortFew",
                                     .open = ch_few_open,
                                     .push = ch_few_push,
                                     .flush = ch_few_flush,
                                     .close = sort_close};

ch_status ch_few_sort_new(ch_exec *exec, const ch_expr_list *left, const ch_expr_list *right,
                          const ch_attr_list *input, ch_op *next, ch_op **out, ch_error *err)
{
    few_sort *op = ch_op_new(exec, &FEW_SORT, sizeof *op, NULL, next, err);
    *out = op ? &op->few.op : NULL;
    if (!op)
        return CH_E_MEMORY;
    op->few.op.output = *input;
    op->few.arrange = arrange;
    op->few.most_rows = FEW_ROWS;
    op->few.share = 64;
    op->n_keys = left->n;
    CH_TRY(ch_evaluator_new(exec, left, input, &op->left, err));
    return ch_evaluator_new(exec, right, input, &op->right, err);
}
