/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_map_partitions.c - MapInPandas, MapInArrow: what a function in Python makes of an iterator of batches.
 *
 * A morsel is a partition: the function is called once for each, with all of its rows. With no morsel at all
 * it is called once, with none.
 */
#include "exec/python_calls.h"
#include "plan/node.h"
#include "plan/plan_python.h"

typedef struct slot_state {
    ch_gather gather;
    ch_python_task *task;
    uint64_t seq; /* of the partition */
} slot_state;

typedef struct op_map_partitions {
    ch_op op;
    const ch_rel_map_partitions *rel;
    ch_python_calls calls;
    slot_state *slot;
    _Atomic bool called;
} op_map_partitions;

static ch_status need_task(op_map_partitions *op, int slot, uint64_t seq, ch_error *err)
{
    ch_exec *exec = op->op.exec;
    slot_state *s = &op->slot[slot];
    s->seq = seq;
    atomic_store_explicit(&op->called, true, memory_order_relaxed);
    return s->task ? CH_OK
                   : ch_python_task_open(exec->python, &op->calls.spec, ch_python_partition(seq),
                                         op->op.mem, exec->cancel, &s->task, err);
}

static ch_status emit_all(ch_op *self, int slot, ch_error *err)
{
    op_map_partitions *op = (op_map_partitions *)self;
    slot_state *s = &op->slot[slot];
    ch_batch out;
    while (ch_python_task_take(s->task, &out)) {
        out.seq = s->seq;
        ch_status status = ch_op_emit(&op->op, slot, &out, err);
        ch_batch_release(&out);
        CH_TRY(status);
    }
    return CH_OK;
}

/* No more is to come of this partition, or is wanted. */
static void close_partition(op_map_partitions *op, slot_state *s)
{
    ch_python_task_close(s->task);
    s->task = NULL;
    ch_gather_release(&s->gather);
    s->gather.mem = op->op.mem;
}

static ch_status send_rows(op_map_partitions *op, int slot, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    ch_batch rows;
    bool full;
    if (!s->gather.rows)
        return CH_OK;
    CH_TRY(need_task(op, slot, s->gather.seq, err));
    CH_TRY(ch_gather_take(&s->gather, &rows, err));
    ch_status status = ch_python_calls_send(&op->calls, s->task, slot, &rows, op->op.mem, err);
    ch_batch_release(&rows);
    CH_TRY(status);
    CH_TRY(ch_python_push(&op->op, slot, s->task, emit_all, &full, err));
    if (full)
        close_partition(op, s);
    return CH_OK;
}

static ch_status end_partition(op_map_partitions *op, int slot, uint64_t seq, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    bool full = ch_op_is_full(op->op.next, slot);
    if (!full)
        CH_TRY(send_rows(op, slot, err));
    if (!full && !ch_op_is_full(op->op.next, slot)) {
        CH_TRY(need_task(op, slot, seq, err));
        CH_TRY(ch_python_drain(&op->op, slot, s->task, emit_all, &full, err));
    }
    close_partition(op, s);
    return CH_OK;
}

static ch_status map_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_map_partitions *op = (op_map_partitions *)self;
    slot_state *s = &op->slot[slot];
    int64_t most =
        self->exec->python->max_records > 0 ? self->exec->python->max_records : INT32_MAX;
    if (s->gather.rows && s->gather.seq != batch->seq)
        CH_TRY(end_partition(op, slot, s->gather.seq, err));
    for (int64_t at = 0, n; at < batch->n; at += n) {
        if (ch_op_is_full(self->next, slot))
            return CH_OK;
        n = batch->n - at < most - s->gather.rows ? batch->n - at : most - s->gather.rows;
        CH_TRY(ch_gather_add(&s->gather, batch, at, n, err));
        if (s->gather.rows == most)
            CH_TRY(send_rows(op, slot, err));
    }
    return CH_OK;
}

static ch_status map_morsel_done(ch_op *self, int slot, uint64_t seq, ch_error *err)
{
    return end_partition((op_map_partitions *)self, slot, seq, err);
}

/* Rows that an operator below gave at its end are of no morsel. */
static ch_status map_flush(ch_op *self, int slot, ch_error *err)
{
    op_map_partitions *op = (op_map_partitions *)self;
    slot_state *s = &op->slot[slot];
    bool rest = s->task || s->gather.rows;
    return rest ? end_partition(op, slot, s->gather.seq, err) : CH_OK;
}

static ch_status map_finish(ch_op *self, ch_error *err)
{
    op_map_partitions *op = (op_map_partitions *)self;
    return op->called ? CH_OK : end_partition(op, 0, 0, err);
}

static void map_close(ch_op *self)
{
    op_map_partitions *op = (op_map_partitions *)self;
    for (int i = 0; op->slot && i < self->exec->n_slots; i++)
        close_partition(op, &op->slot[i]);
    ch_evaluator_close(op->calls.ev);
}

static ch_status map_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    return ch_expr_print(((const op_map_partitions *)self)->rel->function, out, err);
}

static const ch_op_class MAP_PARTITIONS = {.name = "MapInPandas",
                                           .push = map_push,
                                           .morsel_done = map_morsel_done,
                                           .flush = map_flush,
                                           .finish = map_finish,
                                           .close = map_close,
                                           .explain = map_explain};

static ch_status make_map_partitions(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_map_partitions *m = (const ch_rel_map_partitions *)rel;
    const ch_exec *exec = c->exec;
    op_map_partitions *op = ch_op_new(c->exec, &MAP_PARTITIONS, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = m;
    CH_TRY(ch_python_calls_whole(c->exec, m->function, &((const ch_expr_call *)m->function)->args,
                                 NULL, 0, &m->input->output, &op->calls, err));
    op->calls.spec.input_struct = true;
    if (op->calls.spec.eval_type == CH_PYTHON_MAP_ARROW_ITER)
        op->op.title = "MapInArrow";
    CH_ARENA_ARRAY(op->slot, exec->arena, exec->n_slots, err);
    for (int i = 0; i < exec->n_slots; i++)
        op->slot[i].gather.mem = op->op.mem;
    return ch_compile_into(c, m->input, &op->op, err);
}

const ch_op_maker ch_op_maker_map_partitions = {CH_REL_MAP_PARTITIONS, make_map_partitions};
