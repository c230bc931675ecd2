/* SPDX-License-Identifier: Apache-2.0 */
/* op_collect.c - the ends of a query: rows kept in memory in the order of the input, or handed to a
 * function of the caller. */
#include <stdlib.h>

#include "exec/exec.h"

typedef struct kept {
    ch_batch batch;  /* flat */
    int64_t arrival; /* at its slot */
} kept;

typedef struct collect_slot {
    kept **item;
    int64_t n, cap;
} collect_slot;

typedef struct op_collect {
    ch_op op;
    collect_slot *slot;
    kept **all; /* after finish, in order */
    int64_t n;
    _Atomic int64_t rows;
} op_collect;

static ch_status keep(op_collect *op, collect_slot *s, ch_batch *batch, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    if (s->n == s->cap) {
        int64_t cap = s->cap ? s->cap * 2 : 16;
        kept **item = ch_mem_alloc(mem, sizeof *item * (size_t)cap, err);
        if (!item)
            return CH_E_MEMORY;
        if (s->n)
            memcpy(item, s->item, sizeof *item * (size_t)s->n);
        ch_mem_free(mem, s->item, sizeof *item * (size_t)s->cap);
        s->item = item;
        s->cap = cap;
    }
    kept *k = ch_mem_alloc(mem, sizeof *k, err);
    if (!k)
        return CH_E_MEMORY;
    k->arrival = s->n;
    ch_status status = ch_batch_copy(batch, &k->batch, err);
    if (status == CH_OK)
        status = ch_batch_flatten(&k->batch, err);
    if (status == CH_OK) {
        s->item[s->n++] = k;
        return CH_OK;
    }
    ch_batch_release(&k->batch);
    ch_mem_free(mem, k, sizeof *k);
    return status;
}

static ch_status collect_open(ch_op *self, ch_error *err)
{
    op_collect *op = (op_collect *)self;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, self->exec->n_slots, err);
    return CH_OK;
}

static ch_status collect_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_collect *op = (op_collect *)self;
    atomic_fetch_add(&op->rows, batch->n);
    return keep(op, &op->slot[slot], batch, err);
}

static int by_seq(const void *x, const void *y)
{
    const kept *a = *(kept *const *)x, *b = *(kept *const *)y;
    if (a->batch.seq != b->batch.seq)
        return a->batch.seq < b->batch.seq ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

static ch_status collect_finish(ch_op *self, ch_error *err)
{
    op_collect *op = (op_collect *)self;
    for (int s = 0; s < self->exec->n_slots; s++)
        op->n += op->slot[s].n;
    op->all = ch_mem_alloc(self->mem, sizeof *op->all * (size_t)op->n, err);
    if (!op->all)
        return CH_E_MEMORY;
    int64_t n = 0;
    for (int s = 0; s < self->exec->n_slots; s++)
        for (int64_t i = 0; i < op->slot[s].n; i++)
            op->all[n++] = op->slot[s].item[i];
    qsort(op->all, (size_t)n, sizeof *op->all, by_seq);
    return CH_OK;
}

static void collect_close(ch_op *self)
{
    op_collect *op = (op_collect *)self;
    for (int s = 0; op->slot && s < self->exec->n_slots; s++) {
        collect_slot *slot = &op->slot[s];
        for (int64_t i = 0; i < slot->n; i++) {
            ch_batch_release(&slot->item[i]->batch);
            ch_mem_free(self->mem, slot->item[i], sizeof(kept));
        }
        ch_mem_free(self->mem, slot->item, sizeof *slot->item * (size_t)slot->cap);
    }
    ch_mem_free(self->mem, op->all, sizeof *op->all * (size_t)op->n);
    op->slot = NULL;
    op->all = NULL;
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
    return op->all && i < op->n ? &op->all[i]->batch : NULL;
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
