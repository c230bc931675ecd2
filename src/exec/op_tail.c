/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_tail.c - Tail: the last rows of the input's order.
 *
 * A worker's morsels come in order, so the last rows of all are among the last rows of each worker: every
 * slot keeps as many batches as hold the rows wanted and drops older ones. In the end those of all slots
 * are put in order and the surplus at the front is cut off.
 */
#include <stdlib.h>

#include "column/take.h"
#include "exec/exec.h"

typedef struct kept kept;
struct kept {
    kept *newer;
    ch_batch batch;
    int64_t arrival;
};

typedef struct tail_slot {
    kept *oldest, *newest;
    int64_t n_batches, rows, arrivals;
} tail_slot;

typedef struct op_tail {
    ch_op op;
    int64_t limit;
    tail_slot *slot;
    kept **all;
    int64_t n_all, at, skip;
    bool given;
} op_tail;

static ch_status tail_open(ch_op *self, ch_error *err)
{
    op_tail *op = (op_tail *)self;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, self->exec->n_slots, err);
    return CH_OK;
}

static void drop_oldest(op_tail *op, tail_slot *s)
{
    kept *k = s->oldest;
    s->oldest = k->newer;
    if (!s->oldest)
        s->newest = NULL;
    s->rows -= k->batch.n;
    s->n_batches--;
    ch_batch_release(&k->batch);
    ch_mem_free(op->op.mem, k, sizeof *k);
}

static ch_status tail_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_tail *op = (op_tail *)self;
    tail_slot *s = &op->slot[slot];
    if (op->limit <= 0)
        return CH_OK;
    if (batch->n > op->limit)
        CH_TRY(ch_batch_slice(batch, batch->n - op->limit, op->limit, err));
    kept *k = ch_mem_alloc(self->mem, sizeof *k, err);
    if (!k)
        return CH_E_MEMORY;
    ch_status status = ch_batch_init(&k->batch, self->mem, batch->n_cols, batch->n, err);
    for (int32_t c = 0; c < batch->n_cols && status == CH_OK; c++) {
        ch_column *column;
        status = ch_batch_column(batch, c, &column, err);
        /* Few rows must not hold the large text buffers they came from. */
        if (status == CH_OK)
            status = ch_compact(column, self->mem, &k->batch.col[c], err);
    }
    if (status != CH_OK) {
        ch_batch_release(&k->batch);
        ch_mem_free(self->mem, k, sizeof *k);
        return status;
    }
    k->batch.seq = batch->seq;
    k->arrival = s->arrivals++;
    k->newer = NULL;
    if (s->newest)
        s->newest->newer = k;
    else
        s->oldest = k;
    s->newest = k;
    s->rows += batch->n;
    s->n_batches++;
    while (s->rows - s->oldest->batch.n >= op->limit)
        drop_oldest(op, s);
    return CH_OK;
}

static int by_seq(const void *x, const void *y)
{
    const kept *a = *(kept *const *)x, *b = *(kept *const *)y;
    if (a->batch.seq != b->batch.seq)
        return a->batch.seq < b->batch.seq ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static ch_status tail_finish(ch_op *self, ch_error *err)
{
    op_tail *op = (op_tail *)self;
    int64_t n = 0, rows = 0;
    for (int s = 0; s < self->exec->n_slots; s++) {
        n += op->slot[s].n_batches;
        rows += op->slot[s].rows;
    }
    if (n == 0)
        return CH_OK;
    op->all = ch_mem_alloc(self->mem, sizeof *op->all * (size_t)n, err);
    if (!op->all)
        return CH_E_MEMORY;
    for (int s = 0; s < self->exec->n_slots; s++)
        for (kept *k = op->slot[s].oldest; k; k = k->newer)
            op->all[op->n_all++] = k;
    qsort(op->all, (size_t)n, sizeof *op->all, by_seq);
    op->skip = rows > op->limit ? rows - op->limit : 0;
    return CH_OK;
}

static ch_status tail_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_tail *op = (op_tail *)self;
    CH_UNUSED(slot);
    CH_UNUSED(err);
    *more = !op->given;
    op->given = true;
    return CH_OK;
}

static ch_status tail_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_tail *op = (op_tail *)self;
    CH_UNUSED(slot);
    while (op->at < op->n_all && op->skip >= op->all[op->at]->batch.n)
        op->skip -= op->all[op->at++]->batch.n;
    if (op->at == op->n_all)
        return ch_batch_init(out, self->mem, 0, 0, err);
    CH_TRY(ch_batch_copy(&op->all[op->at++]->batch, out, err));
    ch_status status = op->skip ? ch_batch_slice(out, op->skip, out->n - op->skip, err) : CH_OK;
    op->skip = 0;
    out->seq = 0;
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static int64_t tail_morsels(const ch_op *self)
{
    CH_UNUSED(self);
    return 1;
}

static void tail_close(ch_op *self)
{
    op_tail *op = (op_tail *)self;
    for (int s = 0; op->slot && s < self->exec->n_slots; s++)
        while (op->slot[s].oldest)
            drop_oldest(op, &op->slot[s]);
    ch_mem_free(self->mem, op->all, sizeof *op->all * (size_t)op->n_all);
    op->slot = NULL;
    op->all = NULL;
}

static ch_status tail_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    return ch_buf_printf(out, err, "%lld", (long long)((const op_tail *)self)->limit);
}

static const ch_op_class TAIL = {.name = "Tail",
                                 .open = tail_open,
                                 .push = tail_push,
                                 .finish = tail_finish,
                                 .begin = tail_begin,
                                 .next = tail_next,
                                 .n_morsels = tail_morsels,
                                 .close = tail_close,
                                 .explain = tail_explain};

static ch_status make_tail(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_tail *tail = (const ch_rel_tail *)rel;
    op_tail *op = ch_op_new(c->exec, &TAIL, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->limit = tail->limit;
    CH_TRY(ch_compile_into(c, tail->input, &op->op, err));
    return ch_compile_source(c, &op->op, next, err);
}

const ch_op_maker ch_op_maker_tail = {CH_REL_TAIL, make_tail};
