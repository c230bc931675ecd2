/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_generate.c - Generate: each row once for every element that its generator gives.
 *
 *   input            generator: ARRAY<STRUCT>        output
 *   id               offsets  elements               id (by row)  x (by element)
 *   1                [0, 2)   {10} {20}              1            10
 *   2                [2, 2)                          1            20
 *   3                [2, 3)   {30}                   3            30
 *
 * Two lists of positions, filled a batch at a time, gather everything: `row` the columns that are
 * passed on, `element` the fields of the struct; -1 is NULL (what outer keeps, and NULL structs).
 */
#include "column/take.h"
#include "exec/exec.h"
#include "plan/node.h"

typedef struct op_generate {
    ch_op op;
    const ch_rel_generate *rel;
    ch_evaluator *ev;
    int32_t *from; /* per output: column of the input; or -1 - field of the struct */
} op_generate;

/* Where the next output batch begins. */
typedef struct cursor {
    const ch_column *list;
    int64_t row, n_rows;
    int32_t at; /* next element of the row */
    bool outer;
    int32_t *from_row, *from_element;
    bool nulls; /* some element is -1 */
} cursor;

/* Up to `room` positions; how many. */
static int64_t fill(cursor *c, int64_t room)
{
    const int32_t *offset = c->list->data;
    const ch_column *entry = c->list->child[0];
    int64_t n = 0;
    c->nulls = false;
    for (; c->row < c->n_rows; c->row++) {
        int32_t begin = offset[c->row] + c->at, end = offset[c->row + 1];
        bool none = offset[c->row] == end || ch_column_is_null(c->list, c->row);
        if (none) {
            if (!c->outer)
                continue;
            if (n == room)
                return n;
            c->from_row[n] = (int32_t)c->row;
            c->from_element[n++] = -1;
            c->nulls = true;
            continue;
        }
        int64_t take = end - begin < room - n ? end - begin : room - n;
        for (int64_t k = 0; k < take; k++) {
            c->from_row[n + k] = (int32_t)c->row;
            c->from_element[n + k] = begin + (int32_t)k;
        }
        if (entry->valid)
            for (int64_t k = 0; k < take; k++)
                if (!ch_bit_get(entry->valid, begin + k)) {
                    c->from_element[n + k] = -1;
                    c->nulls = true;
                }
        n += take;
        if (take < end - begin) {
            c->at += (int32_t)take;
            return n;
        }
        c->at = 0;
    }
    return n;
}

static ch_status gather(op_generate *op, ch_batch *batch, const cursor *c, int64_t n, ch_batch *out,
                        ch_error *err)
{
    ch_column *in;
    for (int32_t i = 0; i < op->op.output.n; i++) {
        if (op->from[i] >= 0) {
            CH_TRY(ch_batch_column(batch, op->from[i], &in, err));
            CH_TRY(ch_take(in, c->from_row, n, false, op->op.mem, &out->col[i], err));
        } else {
            in = c->list->child[0]->child[-1 - op->from[i]];
            CH_TRY(ch_take(in, c->from_element, n, c->nulls, op->op.mem, &out->col[i], err));
        }
    }
    return CH_OK;
}

static ch_status emit(op_generate *op, int slot, ch_batch *batch, const cursor *c, int64_t n,
                      ch_error *err)
{
    ch_batch out;
    CH_TRY(ch_batch_init(&out, op->op.mem, op->op.output.n, n, err));
    out.seq = batch->seq;
    ch_status status = gather(op, batch, c, n, &out, err);
    if (status == CH_OK)
        status = ch_op_emit(&op->op, slot, &out, err);
    ch_batch_release(&out);
    return status;
}

static ch_status generate_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_generate *op = (op_generate *)self;
    ch_column *raw = NULL, *list = NULL;
    int64_t room = self->exec->batch_rows > 0 ? self->exec->batch_rows : CH_BATCH_ROWS;
    size_t bytes = 2 * sizeof(int32_t) * (size_t)room;
    int32_t *position = ch_mem_alloc(self->mem, bytes, err);
    if (!position)
        return CH_E_MEMORY;
    ch_status status = ch_evaluate(op->ev, slot, 0, batch, self->mem, &raw, err);
    if (status == CH_OK)
        status = ch_flatten(raw, self->mem, &list, err);
    ch_column_unref(raw);
    if (status == CH_OK) {
        cursor c = {.list = list,
                    .n_rows = batch->n,
                    .outer = op->rel->outer,
                    .from_row = position,
                    .from_element = position + room};
        for (;;) {
            int64_t n = fill(&c, room);
            if (n == 0)
                break;
            status = emit(op, slot, batch, &c, n, err);
            if (status == CH_OK)
                status = ch_exec_heed(self->exec, err);
            if (status != CH_OK || atomic_load_explicit(&self->stop, memory_order_relaxed))
                break;
        }
    }
    ch_column_unref(list);
    ch_mem_free(self->mem, position, bytes);
    return status;
}

static void generate_close(ch_op *self)
{
    ch_evaluator_close(((op_generate *)self)->ev);
}

static ch_status generate_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_generate *op = (const op_generate *)self;
    CH_TRY(ch_expr_print(op->rel->generator, out, err));
    return op->rel->outer ? ch_buf_adds(out, ", outer", err) : CH_OK;
}

static const ch_op_class GENERATE = {.name = "Generate",
                                     .push = generate_push,
                                     .close = generate_close,
                                     .explain = generate_explain};

static ch_status make_generate(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_generate *g = (const ch_rel_generate *)rel;
    op_generate *op = ch_op_new(c->exec, &GENERATE, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = g;
    ch_expr_list *list;
    CH_ARENA_NEW(list, c->exec->arena, err);
    CH_ARENA_ARRAY(list->item, c->exec->arena, 1, err);
    list->item[0] = g->generator;
    list->n = 1;
    CH_TRY(ch_evaluator_new(c->exec, list, &g->input->output, &op->ev, err));
    CH_ARENA_ARRAY(op->from, c->exec->arena, rel->output.n + 1, err);
    for (int32_t i = 0; i < rel->output.n; i++) {
        int64_t id = rel->output.item[i]->id;
        int32_t field = ch_attr_position(&g->generated, id);
        op->from[i] = field >= 0 ? -1 - field : ch_attr_position(&g->input->output, id);
    }
    return ch_compile_into(c, g->input, &op->op, err);
}

const ch_op_maker ch_op_maker_generate = {CH_REL_GENERATE, make_generate};
