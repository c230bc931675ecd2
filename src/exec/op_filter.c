/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_filter.c - Filter: leaves a selection; conjuncts one after another, each on the rows that the
 * earlier ones left.
 *
 * Those that cannot fail change places while the query runs: first comes what drops most rows per
 * nanosecond. One that may fail stays where it is, and none passes it, so that it sees the rows it was written for.
 */
#include "base/clock.h"
#include "column/take.h"
#include "exec/exec.h"
#include "plan/analyze.h"
#include "plan/node.h"

/* After so many batches a slot looks at its order again; older measurements count half then. */
#define BATCHES_PER_ORDER 16

typedef struct measured {
    int64_t rows, kept, ns;
} measured;

typedef struct filter_slot {
    int32_t *order; /* of the conjuncts */
    measured *seen; /* per conjunct */
    int32_t n_batches;
} filter_slot;

typedef struct op_filter {
    ch_op op;
    const ch_expr *condition;
    ch_expr_list conjunct;
    bool *fixed; /* per conjunct: it may fail, or gives other values each time */
    filter_slot *slot;
    ch_evaluator *ev;
} op_filter;

/* What a row costs before it is dropped: lower comes first. */
static double rank(const measured *m)
{
    double dropped = (double)(m->rows - m->kept) / (double)(m->rows + 1);
    return (double)m->ns / (double)(m->rows + 1) / (dropped + 0.001);
}

static void reorder(const op_filter *op, filter_slot *s)
{
    for (int32_t i = 1; i < op->conjunct.n; i++)
        for (int32_t k = i; k > 0; k--) {
            int32_t a = s->order[k - 1], b = s->order[k];
            if (op->fixed[a] || op->fixed[b] || rank(&s->seen[a]) <= rank(&s->seen[b]))
                break;
            s->order[k - 1] = b;
            s->order[k] = a;
        }
    for (int32_t i = 0; i < op->conjunct.n; i++) {
        measured *m = &s->seen[i];
        *m = (measured){m->rows / 2, m->kept / 2, m->ns / 2};
    }
}

/* Drops the rows for which conjunct i is not true. */
static ch_status drop(op_filter *op, int slot, int32_t i, ch_batch *batch, ch_error *err)
{
    ch_column *raw, *value;
    ch_mem *mem = op->op.mem;
    CH_TRY(ch_evaluate(op->ev, slot, i, batch, mem, &raw, err));
    /* A constant decides for the whole batch. */
    if (raw->encoding == CH_CONST || raw->type->id == CH_NULL) {
        bool all = !ch_column_is_null(raw, 0) && ch_bit_get(raw->data, 0);
        ch_column_unref(raw);
        return all ? CH_OK : ch_batch_slice(batch, 0, 0, err);
    }
    ch_status status = ch_flatten(raw, mem, &value, err);
    ch_column_unref(raw);
    CH_TRY(status);
    const uint64_t *keep = value->data;
    ch_buffer *both = NULL;
    if (value->valid) {
        status = ch_buffer_new(mem, ch_bit_bytes(batch->n), &both, err);
        if (status == CH_OK) {
            uint64_t *bits = (uint64_t *)both->data;
            for (int64_t w = 0; w < ch_bit_words(batch->n); w++)
                bits[w] = keep[w] & value->valid[w];
            keep = bits;
        }
    }
    if (status == CH_OK)
        status = ch_batch_filter(batch, keep, err);
    ch_buffer_unref(both);
    ch_column_unref(value);
    return status;
}

static ch_status filter_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_filter *op = (op_filter *)self;
    filter_slot *s = &op->slot[slot];
    if (op->conjunct.n > 1 && ++s->n_batches % BATCHES_PER_ORDER == 0)
        reorder(op, s);
    for (int32_t i = 0; i < op->conjunct.n && batch->n > 0; i++) {
        measured *m = &s->seen[s->order[i]];
        int64_t rows = batch->n, start = ch_tick_ns();
        CH_TRY(drop(op, slot, s->order[i], batch, err));
        m->rows += rows;
        m->kept += batch->n;
        m->ns += ch_tick_ns() - start;
    }
    return ch_op_emit(self, slot, batch, err);
}

static void filter_close(ch_op *self)
{
    ch_evaluator_close(((op_filter *)self)->ev);
}

static ch_status filter_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    return ch_expr_print(((const op_filter *)self)->condition, out, err);
}

static const ch_op_class FILTER = {
    .name = "Filter", .push = filter_push, .close = filter_close, .explain = filter_explain};

static ch_status split_and(ch_arena *arena, ch_expr *e, ch_expr_list *out, ch_error *err)
{
    if (e->kind == CH_EXPR_CALL) {
        const ch_expr_call *call = (const ch_expr_call *)e;
        if (strcmp(call->func->name, "and") == 0 && call->args.n == 2) {
            CH_TRY(split_and(arena, call->args.item[0], out, err));
            return split_and(arena, call->args.item[1], out, err);
        }
    }
    return ch_expr_list_add(arena, out, e, err);
}

static ch_status make_slots(op_filter *op, ch_error *err)
{
    ch_arena *arena = op->op.exec->arena;
    int32_t n = op->conjunct.n;
    CH_ARENA_ARRAY(op->fixed, arena, n, err);
    for (int32_t i = 0; i < n; i++)
        op->fixed[i] = ch_expr_may_fail(op->conjunct.item[i]) ||
                       !ch_expr_is_deterministic(op->conjunct.item[i]);
    CH_ARENA_ARRAY(op->slot, arena, op->op.exec->n_slots, err);
    for (int s = 0; s < op->op.exec->n_slots; s++) {
        CH_ARENA_ARRAY(op->slot[s].order, arena, n, err);
        CH_ARENA_ARRAY(op->slot[s].seen, arena, n, err);
        for (int32_t i = 0; i < n; i++)
            op->slot[s].order[i] = i;
    }
    return CH_OK;
}

static ch_status make_filter(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_filter *filter = (const ch_rel_filter *)rel;
    op_filter *op = ch_op_new(c->exec, &FILTER, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->condition = filter->condition;
    CH_TRY(split_and(c->exec->arena, filter->condition, &op->conjunct, err));
    CH_TRY(ch_evaluator_new(c->exec, &op->conjunct, &filter->input->output, &op->ev, err));
    CH_TRY(make_slots(op, err));
    if (!ch_expr_is_deterministic(filter->condition))
        c->offers = NULL;
    return ch_compile_into(c, filter->input, &op->op, err);
}

const ch_op_maker ch_op_maker_filter = {CH_REL_FILTER, make_filter, .takes_offers = true};
