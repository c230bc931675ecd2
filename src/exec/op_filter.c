/* SPDX-License-Identifier: Apache-2.0 */
/* op_filter.c - Filter: leaves a selection; conjuncts one after another, each on the rows that the
 * earlier ones left. */
#include "column/take.h"
#include "exec/exec.h"
#include "plan/node.h"

typedef struct op_filter {
    ch_op op;
    const ch_expr *condition;
    ch_expr_list conjunct;
    ch_evaluator *ev;
} op_filter;

static ch_status filter_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_filter *op = (op_filter *)self;
    for (int i = 0; i < op->conjunct.n && batch->n > 0; i++) {
        ch_column *raw, *value;
        CH_TRY(ch_evaluate(op->ev, slot, i, batch, self->mem, &raw, err));
        /* A constant decides for the whole batch. */
        if (raw->encoding == CH_CONST || raw->type->id == CH_NULL) {
            bool all = !ch_column_is_null(raw, 0) && ch_bit_get(raw->data, 0);
            ch_column_unref(raw);
            if (all)
                continue;
            return CH_OK;
        }
        ch_status status = ch_flatten(raw, self->mem, &value, err);
        ch_column_unref(raw);
        CH_TRY(status);
        const uint64_t *keep = value->data;
        ch_buffer *both = NULL;
        if (value->valid) {
            status = ch_buffer_new(self->mem, ch_bit_bytes(batch->n), &both, err);
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
        CH_TRY(status);
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

static ch_status make_filter(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_filter *filter = (const ch_rel_filter *)rel;
    op_filter *op = ch_op_new(c->exec, &FILTER, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->condition = filter->condition;
    CH_TRY(split_and(c->exec->arena, filter->condition, &op->conjunct, err));
    CH_TRY(ch_evaluator_new(c->exec, &op->conjunct, &filter->input->output, &op->ev, err));
    return ch_compile_into(c, filter->input, &op->op, err);
}

const ch_op_maker ch_op_maker_filter = {CH_REL_FILTER, make_filter};
