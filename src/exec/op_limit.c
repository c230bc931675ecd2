/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_limit.c - Limit, Offset and both together: rows [offset, offset + limit) of the input's order.
 *
 * A limit that fits in memory runs on all workers: each morsel keeps its first offset + limit rows,
 * no morsel is begun once finished ones have enough, and the result is cut from the kept rows in
 * order. Anything larger, and an offset without limit, counts rows on one worker as they pass.
 */
#include "column/take.h"
#include "exec/keeper.h"

#define MOST_KEPT 65536

typedef struct op_limit {
    ch_op op;
    int64_t offset, limit;     /* limit -1: no end */
    bool passes;               /* counting on one worker */
    int64_t n_seen;            /* passes: rows so far */
    int64_t *morsel_rows;      /* per slot: of the morsel at work */
    _Atomic int64_t rows_done; /* in finished morsels */
    ch_keeper keeper;
    int64_t at, skip, left; /* of the result */
    bool given;
} op_limit;

static int64_t wanted(const op_limit *op)
{
    return op->offset + op->limit;
}

static ch_status limit_open(ch_op *self, ch_error *err)
{
    op_limit *op = (op_limit *)self;
    CH_ARENA_ARRAY(op->morsel_rows, self->exec->arena, self->exec->n_slots, err);
    CH_TRY(ch_keeper_init(&op->keeper, self->exec, self->mem, err));
    if (op->limit == 0)
        atomic_store(&self->stop, true);
    return CH_OK;
}

static ch_status pass(op_limit *op, int slot, ch_batch *batch, ch_error *err)
{
    int64_t from = op->offset > op->n_seen ? op->offset - op->n_seen : 0;
    int64_t n = batch->n;
    op->n_seen += n;
    if (from >= n)
        return CH_OK;
    int64_t take = n - from;
    if (op->limit >= 0 && op->n_seen > wanted(op))
        take -= op->n_seen - wanted(op);
    if (take > 0) {
        if (take < n)
            CH_TRY(ch_batch_slice(batch, from, take, err));
        CH_TRY(ch_op_emit(&op->op, slot, batch, err));
    }
    if (op->limit >= 0 && op->n_seen >= wanted(op))
        atomic_store(&op->op.stop, true);
    return CH_OK;
}

static ch_status limit_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_limit *op = (op_limit *)self;
    if (op->passes)
        return pass(op, slot, batch, err);
    int64_t *rows = &op->morsel_rows[slot], room = wanted(op) - *rows;
    if (room <= 0)
        return CH_OK;
    if (batch->n > room)
        CH_TRY(ch_batch_slice(batch, 0, room, err));
    ch_batch own;
    ch_status status = ch_batch_init(&own, self->mem, batch->n_cols, batch->n, err);
    for (int32_t c = 0; c < batch->n_cols && status == CH_OK; c++) {
        ch_column *column;
        status = ch_batch_column(batch, c, &column, err);
        /* Few rows must not hold the large text buffers they came from. */
        if (status == CH_OK)
            status = ch_compact(column, self->mem, &own.col[c], err);
    }
    if (status != CH_OK) {
        ch_batch_release(&own);
        return status;
    }
    own.seq = batch->seq;
    *rows += batch->n;
    return ch_keeper_add(&op->keeper, slot, &own, err);
}

static bool limit_morsel_full(const ch_op *self, int slot)
{
    const op_limit *op = (const op_limit *)self;
    if (op->passes)
        return atomic_load_explicit(&self->stop, memory_order_relaxed);
    return op->morsel_rows[slot] >= wanted(op);
}

static ch_status limit_morsel_done(ch_op *self, int slot, uint64_t seq, ch_error *err)
{
    op_limit *op = (op_limit *)self;
    CH_UNUSED(seq);
    CH_UNUSED(err);
    int64_t rows = op->morsel_rows[slot];
    op->morsel_rows[slot] = 0;
    if (!op->passes && atomic_fetch_add(&op->rows_done, rows) + rows >= wanted(op))
        atomic_store(&self->stop, true);
    return CH_OK;
}

static ch_status limit_finish(ch_op *self, ch_error *err)
{
    op_limit *op = (op_limit *)self;
    op->skip = op->offset;
    op->left = op->limit;
    return op->passes ? CH_OK : ch_keeper_sort(&op->keeper, err);
}

static ch_status limit_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_limit *op = (op_limit *)self;
    CH_UNUSED(slot);
    CH_UNUSED(err);
    *more = !op->given;
    op->given = true;
    return CH_OK;
}

static ch_status limit_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_limit *op = (op_limit *)self;
    CH_UNUSED(slot);
    while (op->at < op->keeper.n && op->left > 0) {
        const ch_batch *b = &op->keeper.all[op->at]->batch;
        if (op->skip >= b->n) {
            op->skip -= b->n;
            op->at++;
            continue;
        }
        CH_TRY(ch_batch_copy(b, out, err));
        op->at++;
        int64_t n = out->n - op->skip;
        if (n > op->left)
            n = op->left;
        ch_status status = n < out->n ? ch_batch_slice(out, op->skip, n, err) : CH_OK;
        out->seq = 0;
        op->skip = 0;
        op->left -= n;
        if (status != CH_OK)
            ch_batch_release(out);
        return status;
    }
    return ch_batch_init(out, self->mem, 0, 0, err);
}

static int64_t limit_morsels(const ch_op *self)
{
    CH_UNUSED(self);
    return 1;
}

static void limit_close(ch_op *self)
{
    ch_keeper_release(&((op_limit *)self)->keeper);
}

static ch_status limit_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_limit *op = (const op_limit *)self;
    if (op->limit >= 0)
        CH_TRY(ch_buf_printf(out, err, "%lld", (long long)op->limit));
    if (op->offset)
        CH_TRY(ch_buf_printf(out, err, "%soffset %lld", op->limit >= 0 ? " " : "",
                             (long long)op->offset));
    return CH_OK;
}

static const ch_op_class LIMIT = {.name = "Limit",
                                  .open = limit_open,
                                  .push = limit_push,
                                  .morsel_done = limit_morsel_done,
                                  .morsel_full = limit_morsel_full,
                                  .finish = limit_finish,
                                  .begin = limit_begin,
                                  .next = limit_next,
                                  .n_morsels = limit_morsels,
                                  .close = limit_close,
                                  .explain = limit_explain};

static ch_status make(ch_compiler *c, const ch_rel *rel, const ch_rel *input, int64_t offset,
                      int64_t limit, ch_op *next, ch_error *err)
{
    bool passes = limit < 0 || limit > MOST_KEPT || offset > MOST_KEPT;
    op_limit *op = ch_op_new(c->exec, &LIMIT, sizeof *op, rel, passes ? next : NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->offset = offset;
    op->limit = limit;
    op->passes = op->op.serial = passes;
    CH_TRY(ch_compile_into(c, input, &op->op, err));
    return passes ? CH_OK : ch_compile_source(c, &op->op, next, err);
}

static ch_status make_limit(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_limit *limit = (const ch_rel_limit *)rel;
    if (limit->input->kind == CH_REL_OFFSET) {
        const ch_rel_offset *offset = (const ch_rel_offset *)limit->input;
        return make(c, rel, offset->input, offset->offset, limit->limit, next, err);
    }
    return make(c, rel, limit->input, 0, limit->limit, next, err);
}

static ch_status make_offset(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_offset *offset = (const ch_rel_offset *)rel;
    return make(c, rel, offset->input, offset->offset, -1, next, err);
}

const ch_op_maker ch_op_maker_limit = {CH_REL_LIMIT, make_limit};
const ch_op_maker ch_op_maker_offset = {CH_REL_OFFSET, make_offset};
