/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_eval_python.c - ArrowEvalPython, BatchEvalPython: columns that functions in Python make, row by row.
 *
 *   slot   gathered ──maxRecordsPerBatch──▶ waiting chunks (rows that are passed on)
 *                            │                        ▲ one result for each row, in order
 *                            └──▶ worker ─────────────┘
 *
 * A slot keeps one conversation with a worker over many morsels, as beginning one takes longer than a
 * morsel. Results come when the worker's buffer is full, which may be after the morsel has ended; rows then leave
 * late, with the number of their own morsel. Where something above wants a morsel whole, each morsel
 * ends the conversation; and so does much memory held by rows that wait.
 */
#include "exec/python_calls.h"
#include "plan/make.h"
#include "plan/plan_python.h"

#define MOST_WAITING 64 /* chunks */

typedef struct chunk chunk;
struct chunk {
    chunk *next;
    ch_batch rows;
};

typedef struct slot_state {
    ch_gather gather; /* rows that are not sent yet */
    ch_python_task *task;
    chunk *first, **last; /* rows that wait for results, oldest first */
    int32_t n_waiting;
    ch_gather results; /* of the first chunk, less than it has rows */
} slot_state;

typedef struct op_eval_python {
    ch_op op;
    const ch_rel_eval_python *rel;
    ch_python_calls calls;
    slot_state *slot;
    int32_t *from; /* per output: column of the input; or -1 - function */
    bool by_morsel;
} op_eval_python;

static int64_t most_rows(const op_eval_python *op)
{
    int64_t most = op->op.exec->python->max_records;
    return most > 0 ? most : INT32_MAX;
}

/* ---- results ------------------------------------------------------------------------------ */

static ch_status emit(op_eval_python *op, int slot, ch_batch *rows, ch_batch *results,
                      ch_error *err)
{
    ch_batch out;
    ch_column *column;
    CH_TRY(ch_batch_init(&out, op->op.mem, op->op.output.n, rows->n, err));
    out.seq = rows->seq;
    ch_status status = CH_OK;
    for (int32_t i = 0; i < op->op.output.n && status == CH_OK; i++) {
        bool passed = op->from[i] >= 0;
        status = ch_batch_column(passed ? rows : results, passed ? op->from[i] : -1 - op->from[i],
                                 &column, err);
        if (status == CH_OK)
            out.col[i] = ch_column_ref(column);
    }
    if (status == CH_OK)
        status = ch_op_emit(&op->op, slot, &out, err);
    ch_batch_release(&out);
    return status;
}

static void drop_first(op_eval_python *op, slot_state *s)
{
    chunk *c = s->first;
    s->first = c->next;
    if (!s->first)
        s->last = &s->first;
    s->n_waiting--;
    ch_batch_release(&c->rows);
    ch_mem_free(op->op.mem, c, sizeof *c);
}

static ch_status too_many(ch_error *err)
{
    CH_FAIL(err, PYTHON_RESULT, "reason", "there are more results than rows");
}

/* Results for the first chunks, cut where these are. */
static ch_status deliver(op_eval_python *op, int slot, ch_batch *results, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    for (int64_t at = 0; at < results->n;) {
        if (!s->first)
            return too_many(err);
        int64_t missing = s->first->rows.n - s->results.rows, left = results->n - at;
        int64_t n = left < missing ? left : missing;
        ch_batch whole;
        CH_TRY(ch_gather_add(&s->results, results, at, n, err));
        at += n;
        if (n < missing)
            break;
        CH_TRY(ch_gather_take(&s->results, &whole, err));
        ch_status status = emit(op, slot, &s->first->rows, &whole, err);
        ch_batch_release(&whole);
        CH_TRY(status);
        drop_first(op, s);
    }
    return CH_OK;
}

static ch_status deliver_all(ch_op *self, int slot, ch_error *err)
{
    op_eval_python *op = (op_eval_python *)self;
    ch_batch results;
    while (ch_python_task_take(op->slot[slot].task, &results)) {
        ch_status status = deliver(op, slot, &results, err);
        ch_batch_release(&results);
        CH_TRY(status);
    }
    return CH_OK;
}

/* ---- rows --------------------------------------------------------------------------------- */

/* Nobody wants what is under way. */
static void forget(op_eval_python *op, slot_state *s)
{
    ch_mem *mem = op->op.mem;
    ch_python_task_close(s->task);
    s->task = NULL;
    while (s->first)
        drop_first(op, s);
    ch_gather_release(&s->gather);
    ch_gather_release(&s->results);
    s->gather.mem = s->results.mem = mem;
}

static ch_status end_task(op_eval_python *op, int slot, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    bool full;
    if (!s->task)
        return CH_OK;
    CH_TRY(ch_python_drain(&op->op, slot, s->task, deliver_all, &full, err));
    if (full) {
        forget(op, s);
        return CH_OK;
    }
    ch_python_task_close(s->task);
    s->task = NULL;
    if (s->first)
        CH_FAIL(err, PYTHON_RESULT, "reason", "there are fewer results than rows");
    return CH_OK;
}

static bool much_waits(const op_eval_python *op, const slot_state *s)
{
    const ch_mem *mem = op->op.mem;
    return s->n_waiting > MOST_WAITING ||
           (s->n_waiting > 1 && ch_mem_used(mem) > ch_mem_limit(mem) / 4);
}

static ch_status send_chunk(op_eval_python *op, int slot, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    ch_exec *exec = op->op.exec;
    bool full;
    if (!s->gather.rows)
        return CH_OK;
    if (ch_op_is_full(op->op.next, slot)) {
        forget(op, s);
        return CH_OK;
    }
    chunk *c = ch_mem_zalloc(op->op.mem, sizeof *c, err);
    if (!c)
        return CH_E_MEMORY;
    ch_status status = ch_gather_take(&s->gather, &c->rows, err);
    if (status != CH_OK) {
        ch_mem_free(op->op.mem, c, sizeof *c);
        return status;
    }
    *s->last = c;
    s->last = &c->next;
    s->n_waiting++;
    if (!s->task)
        CH_TRY(ch_python_task_open(exec->python, &op->calls.spec, ch_python_partition(c->rows.seq),
                                   op->op.mem, exec->cancel, &s->task, err));
    CH_TRY(ch_python_calls_send(&op->calls, s->task, slot, &c->rows, op->op.mem, err));
    CH_TRY(ch_python_push(&op->op, slot, s->task, deliver_all, &full, err));
    if (full) {
        forget(op, s);
        return CH_OK;
    }
    return much_waits(op, s) ? end_task(op, slot, err) : CH_OK;
}

static ch_status eval_python_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_eval_python *op = (op_eval_python *)self;
    slot_state *s = &op->slot[slot];
    int64_t most = most_rows(op);
    if (s->gather.rows && s->gather.seq != batch->seq)
        CH_TRY(send_chunk(op, slot, err));
    for (int64_t at = 0, n; at < batch->n; at += n) {
        n = batch->n - at < most - s->gather.rows ? batch->n - at : most - s->gather.rows;
        CH_TRY(ch_gather_add(&s->gather, batch, at, n, err));
        if (s->gather.rows == most)
            CH_TRY(send_chunk(op, slot, err));
    }
    return CH_OK;
}

static ch_status eval_python_morsel_done(ch_op *self, int slot, uint64_t seq, ch_error *err)
{
    op_eval_python *op = (op_eval_python *)self;
    CH_UNUSED(seq);
    CH_TRY(send_chunk(op, slot, err));
    return op->by_morsel ? end_task(op, slot, err) : CH_OK;
}

static ch_status eval_python_flush(ch_op *self, int slot, ch_error *err)
{
    op_eval_python *op = (op_eval_python *)self;
    CH_TRY(send_chunk(op, slot, err));
    return end_task(op, slot, err);
}

static void eval_python_close(ch_op *self)
{
    op_eval_python *op = (op_eval_python *)self;
    for (int i = 0; op->slot && i < self->exec->n_slots; i++)
        forget(op, &op->slot[i]);
    ch_evaluator_close(op->calls.ev);
}

/* ---- plan --------------------------------------------------------------------------------- */

static ch_status eval_python_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_eval_python *op = (const op_eval_python *)self;
    const ch_expr_list *list = &op->rel->functions;
    for (int32_t part = 0; part < 2; part++) {
        CH_TRY(ch_buf_adds(out, part ? ", [" : "[", err));
        for (int32_t i = 0; i < list->n; i++) {
            const ch_expr_alias *a = (const void *)list->item[i];
            CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
            if (part)
                CH_TRY(ch_buf_adds(out, a->names.item[0], err));
            else
                CH_TRY(ch_expr_print(a->child, out, err));
        }
        CH_TRY(ch_buf_adds(out, "]", err));
    }
    return CH_OK;
}

static const ch_op_class EVAL_PYTHON = {.name = "ArrowEvalPython",
                                        .push = eval_python_push,
                                        .morsel_done = eval_python_morsel_done,
                                        .flush = eval_python_flush,
                                        .close = eval_python_close,
                                        .explain = eval_python_explain};

static ch_status make_eval_python(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_eval_python *p = (const ch_rel_eval_python *)rel;
    const ch_exec *exec = c->exec;
    ch_attr_list made;
    op_eval_python *op = ch_op_new(c->exec, &EVAL_PYTHON, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = p;
    CH_TRY(ch_python_calls_make(c->exec, &p->functions, &p->input->output, &op->calls, err));
    if (op->calls.spec.eval_type == CH_PYTHON_BATCHED)
        op->op.title = "BatchEvalPython";
    for (const ch_op *above = next; above; above = above->next)
        op->by_morsel |= above->cls->morsel_done != NULL;
    CH_ARENA_ARRAY(op->from, exec->arena, rel->output.n + 1, err);
    CH_TRY(ch_make_output(exec->arena, &p->functions, &made, err));
    for (int32_t i = 0; i < rel->output.n; i++) {
        int64_t id = rel->output.item[i]->id;
        int32_t function = ch_attr_position(&made, id);
        op->from[i] = function >= 0 ? -1 - function : ch_attr_position(&p->input->output, id);
    }
    CH_ARENA_ARRAY(op->slot, exec->arena, exec->n_slots, err);
    for (int i = 0; i < exec->n_slots; i++) {
        slot_state *s = &op->slot[i];
        s->gather.mem = s->results.mem = op->op.mem;
        s->last = &s->first;
    }
    return ch_compile_into(c, p->input, &op->op, err);
}

const ch_op_maker ch_op_maker_eval_python = {CH_REL_EVAL_PYTHON, make_eval_python};
