/* SPDX-License-Identifier: Apache-2.0 */
/* op_collect.c - the ends of a query: rows kept in memory in the order of the input, or handed to a
 * function of the caller. */
#include "exec/keeper.h"

typedef struct op_collect {
    ch_op op;
    ch_keeper keeper;
    _Atomic int64_t rows;
} op_collect;

static ch_status collect_open(ch_op *self, ch_error *err)
{
    return ch_keeper_init(&((op_collect *)self)->keeper, self->exec, self->mem, err);
}

static ch_status collect_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_collect *op = (op_collect *)self;
    ch_batch flat;
    atomic_fetch_add(&op->rows, batch->n);
    ch_status status = ch_batch_copy(batch, &flat, err);
    if (status == CH_OK)
        status = ch_batch_flatten(&flat, err);
    if (status == CH_OK)
        return ch_keeper_add(&op->keeper, slot, &flat, err);
    ch_batch_release(&flat);
    return status;
}

static ch_status collect_finish(ch_op *self, ch_error *err)
{
    return ch_keeper_sort(&((op_collect *)self)->keeper, err);
}

static void collect_close(ch_op *self)
{
    ch_keeper_release(&((op_collect *)self)->keeper);
}

static const ch_op_class COLLECT = {.name = "Collect",
                                    .open = collect_open,
                                    .push = collect_push,
                                    .finish = collect_finish,
                                    .close = collect_close};

ch_status ch_op_collect_new(ch_exec *exec, const ch_attr_list *output, ch_op **out, ch_error *err)
{
    op_collect *op = ch_op_new(exec, &COLLECT, sizeof *op, NULL, NULL, err);
    *out = op ? &op->op : NULL;
    if (!op)
        return CH_E_MEMORY;
    op->op.output = *output;
    return CH_OK;
}

ch_batch *ch_op_collect_batch(ch_op *collect, int64_t i)
{
    op_collect *op = (op_collect *)collect;
    return op->keeper.all && i < op->keeper.n ? &op->keeper.all[i]->batch : NULL;
}

int64_t ch_op_collect_rows(const ch_op *collect)
{
    return ((const op_collect *)collect)->rows;
}

/* ------------------------------------------------------- to a function */

typedef struct op_call {
    ch_op op;
    ch_batch_fn fn;
    void *user;
} op_call;

static ch_status call_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_call *op = (op_call *)self;
    return op->fn(op->user, slot, batch, err);
}

static const ch_op_class CALL = {.name = "Call", .push = call_push};

ch_status ch_op_call_new(ch_exec *exec, ch_batch_fn fn, void *user, bool ordered, ch_op **out,
                         ch_error *err)
{
    op_call *op = ch_op_new(exec, &CALL, sizeof *op, NULL, NULL, err);
    *out = op ? &op->op : NULL;
    if (!op)
        return CH_E_MEMORY;
    op->op.serial = ordered;
    op->fn = fn;
    op->user = user;
    return CH_OK;
}
