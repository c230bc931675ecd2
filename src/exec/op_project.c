/* SPDX-License-Identifier: Apache-2.0 */
/* op_project.c - Project: one column per expression. A column passed through is shared, selection and
 * all, so that nothing is gathered before somebody reads it. */
#include "exec/exec.h"
#include "plan/node.h"

typedef struct op_project {
    ch_op op;
    const ch_expr_list *list;
    ch_evaluator *ev;
    int32_t *pass; /* per output: position in the input, or -1 */
    bool all_pass;
} op_project;

/* Only passes columns on: keeps the selection as it is. */
static ch_status reorder(op_project *op, ch_batch *batch, ch_batch *out, ch_error *err)
{
    CH_TRY(ch_batch_init(out, op->op.mem, op->list->n, batch->n_full, err));
    for (int32_t i = 0; i < op->list->n; i++) {
        out->col[i] = ch_column_ref(batch->col[op->pass[i]]);
        if (batch->dense[op->pass[i]])
            out->dense[i] = ch_column_ref(batch->dense[op->pass[i]]);
    }
    out->n = batch->n;
    out->sel = batch->sel;
    out->sel_buf = ch_buffer_ref(batch->sel_buf);
    return CH_OK;
}

static ch_status compute(op_project *op, int slot, ch_batch *batch, ch_batch *out, ch_error *err)
{
    CH_TRY(ch_batch_init(out, op->op.mem, op->list->n, batch->n, err));
    for (int32_t i = 0; i < op->list->n; i++) {
        ch_status status = ch_evaluate(op->ev, slot, i, batch, op->op.mem, &out->col[i], err);
        if (status != CH_OK) {
            ch_batch_release(out);
            return status;
        }
    }
    return CH_OK;
}

static ch_status project_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_project *op = (op_project *)self;
    ch_batch out;
    CH_TRY(op->all_pass ? reorder(op, batch, &out, err) : compute(op, slot, batch, &out, err));
    out.seq = batch->seq;
    ch_status status = ch_op_emit(self, slot, &out, err);
    ch_batch_release(&out);
    return status;
}

static void project_close(ch_op *self)
{
    ch_evaluator_close(((op_project *)self)->ev);
}

static ch_status project_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_project *op = (const op_project *)self;
    CH_TRY(ch_buf_addc(out, '[', err));
    for (int32_t i = 0; i < op->list->n; i++) {
        if (i)
            CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(ch_expr_print(op->list->item[i], out, err));
    }
    return ch_buf_addc(out, ']', err);
}

static const ch_op_class PROJECT = {
    .name = "Project", .push = project_push, .close = project_close, .explain = project_explain};

static ch_status make_project(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_project *project = (const ch_rel_project *)rel;
    op_project *op = ch_op_new(c->exec, &PROJECT, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->list = &project->expressions;
    CH_TRY(ch_evaluator_new(c->exec, op->list, &project->input->output, &op->ev, err));
    CH_ARENA_ARRAY(op->pass, c->exec->arena, op->list->n, err);
    op->all_pass = true;
    for (int32_t i = 0; i < op->list->n; i++) {
        const ch_expr *e = op->list->item[i];
        op->pass[i] = -1;
        if (e->kind == CH_EXPR_ALIAS)
            e = ((const ch_expr_alias *)e)->child;
        if (e->kind == CH_EXPR_ATTRIBUTE)
            op->pass[i] =
                ch_attr_position(&project->input->output, ((const ch_expr_attribute *)e)->attr->id);
        op->all_pass &= op->pass[i] >= 0;
    }
    CH_TRY(ch_offer_below(c, op->list, err));
    return ch_compile_into(c, project->input, &op->op, err);
}

const ch_op_maker ch_op_maker_project = {CH_REL_PROJECT, make_project, .takes_offers = true};
