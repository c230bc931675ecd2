/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_recursion.c - WITH RECURSIVE: rows of the anchor, then those that the step makes of the rows before,
 * until it makes none.
 *
 *   anchor ── Collect          rows = level 0
 *   Recursion, when opened:    level k + 1 = run of the step, whose RecursionRef gives level k
 *                              as a source: all levels in order
 *
 * The step is compiled and run anew for each level, with an arena and operators of its own; only the rows
 * stay. That happens in open, which runs on one thread when the anchor's pipelines are done.
 */
#include "exec/pipeline.h"
#include "plan/node.h"

typedef struct op_recursion {
    ch_op op;
    const ch_rel_recursion *rel;
    ch_op *anchor; /* collects */
    ch_batch **batch;
    int32_t n, cap;
    int64_t rows;
    _Atomic int32_t next_batch;
    int32_t *at; /* slot's batch, -1: done with it */
} op_recursion;

static ch_status add(op_recursion *op, const ch_batch *in, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    if (op->n == op->cap) {
        int32_t cap = op->cap ? 2 * op->cap : 16;
        ch_batch **more = ch_mem_alloc(mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (op->n)
            memcpy(more, op->batch, sizeof *more * (size_t)op->n);
        ch_mem_free(mem, op->batch, sizeof *op->batch * (size_t)op->cap);
        op->batch = more;
        op->cap = cap;
    }
    ch_batch *out = ch_mem_zalloc(mem, sizeof *out, err);
    if (!out)
        return CH_E_MEMORY;
    ch_status status = ch_batch_init(out, mem, in->n_cols, in->n_full, err);
    if (status != CH_OK) {
        ch_mem_free(mem, out, sizeof *out);
        return status;
    }
    for (int32_t c = 0; c < in->n_cols; c++)
        out->col[c] = ch_column_ref(in->col[c]);
    op->batch[op->n++] = out;
    op->rows += out->n;
    return CH_OK;
}

static ch_status add_collected(op_recursion *op, ch_op *collect, ch_error *err)
{
    for (int64_t i = 0; ch_op_collect_batch(collect, i); i++)
        if (ch_op_collect_batch(collect, i)->n)
            CH_TRY(add(op, ch_op_collect_batch(collect, i), err));
    return CH_OK;
}

/* One level more: the rows of batches [from, op->n) go into the step. */
static ch_status run_step(op_recursion *op, int32_t from, ch_error *err)
{
    const ch_exec *outer = op->op.exec;
    ch_arena arena;
    ch_physical *physical = NULL;
    ch_op *collect;
    ch_exec exec = {.pool = outer->pool,
                    .n_slots = outer->n_slots,
                    .mem = outer->mem,
                    .arena = &arena,
                    .func = outer->func,
                    .spill_dir = outer->spill_dir,
                    .batch_rows = outer->batch_rows,
                    .shuffle_partitions = outer->shuffle_partitions,
                    .leaf_partitions = outer->leaf_partitions,
                    .cancel = outer->cancel};
    ch_status status;
    op->rel->rows->batch = op->batch + from;
    op->rel->rows->n = op->n - from;
    ch_arena_init(&arena, op->op.mem);
    CH_TRY_OUT(ch_physical_new(&exec, &physical, err));
    CH_TRY_OUT(ch_op_collect_new(&exec, &op->rel->step->output, &collect, err));
    CH_TRY_OUT(ch_compile(physical, op->rel->step, collect, err));
    CH_TRY_OUT(ch_physical_run(physical, err));
    CH_TRY_OUT(add_collected(op, collect, err));
out:
    ch_physical_close(physical);
    ch_arena_release(&arena);
    op->rel->rows->batch = NULL;
    op->rel->rows->n = 0;
    return status;
}

static ch_status check_rows(const op_recursion *op, ch_error *err)
{
    int64_t most = op->rel->row_limit;
    if (most >= 0 && op->rows >= most)
        CH_FAIL(err, RECURSION_ROW_LIMIT, "rowLimit", CH_I64(most));
    return CH_OK;
}

static bool wants_more(const op_recursion *op)
{
    return op->rel->limit < 0 || op->rows < op->rel->limit;
}

static ch_status recursion_open(ch_op *self, ch_error *err)
{
    op_recursion *op = (op_recursion *)self;
    CH_ARENA_ARRAY(op->at, self->exec->arena, self->exec->n_slots, err);
    CH_TRY(add_collected(op, op->anchor, err));
    CH_TRY(check_rows(op, err));
    int32_t from = 0;
    for (int64_t level = 1; from < op->n && wants_more(op); level++) {
        int32_t next = op->n;
        CH_TRY(ch_exec_heed(self->exec, err));
        if (op->rel->level_limit >= 0 && level > op->rel->level_limit)
            CH_FAIL(err, RECURSION_LEVEL_LIMIT, "levelLimit", CH_I64(op->rel->level_limit));
        CH_TRY(run_step(op, from, err));
        CH_TRY(check_rows(op, err));
        from = next;
    }
    return CH_OK;
}

static int64_t recursion_morsels(const ch_op *self)
{
    return ((const op_recursion *)self)->n;
}

static ch_status recursion_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_recursion *op = (op_recursion *)self;
    CH_UNUSED(err);
    op->at[slot] = atomic_fetch_add(&op->next_batch, 1);
    *more = op->at[slot] < op->n;
    return CH_OK;
}

static ch_status recursion_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_recursion *op = (op_recursion *)self;
    int32_t at = op->at[slot];
    op->at[slot] = -1;
    if (at < 0)
        return ch_batch_init(out, self->mem, 0, 0, err);
    const ch_batch *batch = op->batch[at];
    CH_TRY(ch_batch_init(out, self->mem, batch->n_cols, batch->n_full, err));
    for (int32_t c = 0; c < batch->n_cols; c++)
        out->col[c] = ch_column_ref(batch->col[c]);
    out->seq = (uint64_t)at << 32;
    return CH_OK;
}

static void recursion_close(ch_op *self)
{
    op_recursion *op = (op_recursion *)self;
    for (int32_t i = 0; i < op->n; i++) {
        ch_batch_release(op->batch[i]);
        ch_mem_free(self->mem, op->batch[i], sizeof **op->batch);
    }
    ch_mem_free(self->mem, op->batch, sizeof *op->batch * (size_t)op->cap);
    op->batch = NULL;
    op->n = op->cap = 0;
}

static const ch_op_class RECURSION = {.name = "Recursion",
                                      .open = recursion_open,
                                      .begin = recursion_begin,
                                      .next = recursion_next,
                                      .n_morsels = recursion_morsels,
                                      .close = recursion_close};

static ch_status make_recursion(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_recursion *r = (const ch_rel_recursion *)rel;
    op_recursion *op = ch_op_new(c->exec, &RECURSION, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = r;
    CH_TRY(ch_op_collect_new(c->exec, &r->anchor->output, &op->anchor, err));
    CH_TRY(ch_compile_into(c, r->anchor, op->anchor, err));
    ch_op_add_feeder(&op->op, op->anchor);
    return ch_compile_source(c, &op->op, next, err);
}

const ch_op_maker ch_op_maker_recursion = {CH_REL_RECURSION, make_recursion};

/* The rows of the level before, as rows in memory. */
static ch_status make_ref(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_recursion_ref *ref = (const ch_rel_recursion_ref *)rel;
    ch_rel_local_relation *local = ch_rel_new(c->exec->arena, CH_REL_LOCAL_RELATION, err);
    if (!local)
        return CH_E_MEMORY;
    local->head.output = ref->head.output;
    local->batch = ref->rows->batch;
    local->n_batches = ref->rows->n;
    return ch_compile_into(c, &local->head, next, err);
}

const ch_op_maker ch_op_maker_recursion_ref = {CH_REL_RECURSION_REF, make_ref};
