/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_table_python.c - BatchEvalPythonUDTF, ArrowEvalPythonUDTF: rows that a table function in Python makes.
 *
 *   slot   gathered ──maxRecordsPerBatch──▶ chunks of rows that wait, if columns of them are passed on
 *                            │                       │ the next row, or the last one again
 *                            └──▶ worker ─answers──▶ made: rows, and from[] the row of the chunk beside each
 *
 * The worker gives one answer for each row, of any number of rows, and one more when there are no more
 * (terminate()), which stands beside the last row. Functions of whole batches (arrow_udtf) give others; nothing
 * stands beside those. A conversation is a partition: a morsel, or all rows where the plan says so.
 */
#include <stdlib.h>
#include <string.h>

#include "column/take.h"
#include "exec/python_calls.h"
#include "plan/make.h"
#include "plan/plan_python.h"

typedef struct chunk chunk;
struct chunk {
    chunk *next;
    ch_batch rows;
};

typedef struct slot_state {
    ch_gather gather; /* rows that are not sent yet */
    ch_python_task *task;
    uint64_t seq;         /* of it */
    chunk *first, **last; /* rows that wait; the first has the row of the latest answer */
    int64_t answered;     /* rows of the first chunk that an answer came for */
    ch_gather made;
    int32_t *from; /* made.rows of them */
    int64_t cap_from;
} slot_state;

typedef struct op_table_python {
    ch_op op;
    const ch_rel_table_python *rel;
    ch_python_calls calls;
    ch_python_table table;
    slot_state *slot;
    int32_t *at; /* per output: column of the input; or -1 - column of the function */
    bool passes; /* some are of the input, or rows are kept that nothing is made of */
    _Atomic bool called;
} op_table_python;

static int64_t most_rows(const op_table_python *op)
{
    int64_t most = op->op.exec->python->max_records;
    return most > 0 ? most : INT32_MAX;
}

/* ---- rows that wait ----------------------------------------------------------------------- */

static void drop_first(op_table_python *op, slot_state *s)
{
    chunk *c = s->first;
    s->first = c->next;
    if (!s->first)
        s->last = &s->first;
    s->answered = 0;
    ch_batch_release(&c->rows);
    ch_mem_free(op->op.mem, c, sizeof *c);
}

/* A share of the rows that are sent. */
static ch_status wait_for(op_table_python *op, slot_state *s, const ch_batch *rows, ch_error *err)
{
    chunk *c = ch_mem_zalloc(op->op.mem, sizeof *c, err);
    if (!c)
        return CH_E_MEMORY;
    ch_status status = ch_batch_copy(rows, &c->rows, err);
    if (status != CH_OK) {
        ch_mem_free(op->op.mem, c, sizeof *c);
        return status;
    }
    *s->last = c;
    s->last = &c->next;
    return CH_OK;
}

/* ---- results ------------------------------------------------------------------------------ */

static ch_status gather_out(op_table_python *op, slot_state *s, ch_batch *made, ch_batch *out,
                            ch_error *err)
{
    ch_column *column;
    for (int32_t i = 0; i < op->op.output.n; i++) {
        if (op->at[i] < 0) {
            CH_TRY(ch_batch_column(made, -1 - op->at[i], &column, err));
            out->col[i] = ch_column_ref(column);
        } else if (s->first) {
            CH_TRY(ch_batch_column(&s->first->rows, op->at[i], &column, err));
            CH_TRY(ch_take(column, s->from, made->n, false, op->op.mem, &out->col[i], err));
        } else { /* there was no row at all */
            CH_TRY(ch_column_flat_nulls(op->op.mem, op->op.output.item[i]->type, made->n,
                                        &out->col[i], err));
        }
    }
    return CH_OK;
}

static ch_status emit_made(op_table_python *op, int slot, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    ch_batch made, out;
    if (!s->made.rows)
        return CH_OK;
    CH_TRY(ch_gather_take(&s->made, &made, err));
    ch_status status = ch_batch_init(&out, op->op.mem, op->op.output.n, made.n, err);
    if (status == CH_OK) {
        out.seq = s->seq;
        status = gather_out(op, s, &made, &out, err);
        if (status == CH_OK)
            status = ch_op_emit(&op->op, slot, &out, err);
        ch_batch_release(&out);
    }
    ch_batch_release(&made);
    return status;
}

/* The row that the next answer is for; *none: all had theirs. */
static ch_status next_row(op_table_python *op, int slot, bool *none, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    *none = !s->first || (s->answered == s->first->rows.n && !s->first->next);
    if (*none)
        return CH_OK;
    if (s->answered == s->first->rows.n) { /* what is made stands beside rows of one chunk */
        CH_TRY(emit_made(op, slot, err));
        drop_first(op, s);
    }
    s->answered++;
    return CH_OK;
}

static ch_status add_made(op_table_python *op, int slot, ch_batch *answer, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    int64_t n = s->made.rows + answer->n;
    if (op->passes && n > INT32_MAX)
        CH_FAIL(err, UNSUPPORTED, "feature", "More than 2^31 rows of one call of a table function");
    if (op->passes && n > s->cap_from) {
        int64_t cap = n > 2 * s->cap_from ? n : 2 * s->cap_from;
        int32_t *more = ch_mem_alloc(op->op.mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (s->made.rows)
            memcpy(more, s->from, sizeof *more * (size_t)s->made.rows);
        if (s->from)
            ch_mem_free(op->op.mem, s->from, sizeof *more * (size_t)s->cap_from);
        s->from = more;
        s->cap_from = cap;
    }
    int32_t row = s->answered > 0 ? (int32_t)s->answered - 1 : 0;
    for (int64_t i = s->made.rows; op->passes && i < n; i++)
        s->from[i] = row;
    CH_TRY(ch_gather_add(&s->made, answer, 0, answer->n, err));
    return n >= CH_BATCH_ROWS ? emit_made(op, slot, err) : CH_OK;
}

/* A row that nothing was made of. */
static ch_status add_nulls(op_table_python *op, int slot, ch_error *err)
{
    const ch_type *type = op->calls.spec.output;
    ch_batch one;
    CH_TRY(ch_batch_init(&one, op->op.mem, type->n_fields, 1, err));
    ch_status status = CH_OK;
    for (int32_t i = 0; i < type->n_fields && status == CH_OK; i++)
        status = ch_column_flat_nulls(op->op.mem, type->field[i].type, 1, &one.col[i], err);
    if (status == CH_OK)
        status = add_made(op, slot, &one, err);
    ch_batch_release(&one);
    return status;
}

static ch_status take_answer(op_table_python *op, int slot, ch_batch *answer, ch_error *err)
{
    bool none = true;
    if (op->passes)
        CH_TRY(next_row(op, slot, &none, err));
    if (answer->n)
        return add_made(op, slot, answer, err);
    return op->rel->outer && !none ? add_nulls(op, slot, err) : CH_OK;
}

static ch_status take_answers(ch_op *self, int slot, ch_error *err)
{
    op_table_python *op = (op_table_python *)self;
    ch_batch answer;
    while (ch_python_task_take(op->slot[slot].task, &answer)) {
        ch_status status = take_answer(op, slot, &answer, err);
        ch_batch_release(&answer);
        CH_TRY(status);
    }
    return CH_OK;
}

/* ---- partitions --------------------------------------------------------------------------- */

/* Nothing of it is under way any more, or wanted. */
static void close_partition(op_table_python *op, slot_state *s)
{
    ch_mem *mem = op->op.mem;
    ch_python_task_close(s->task);
    s->task = NULL;
    while (s->first)
        drop_first(op, s);
    ch_gather_release(&s->gather);
    ch_gather_release(&s->made);
    s->gather.mem = s->made.mem = mem;
    if (s->from)
        ch_mem_free(mem, s->from, sizeof *s->from * (size_t)s->cap_from);
    s->from = NULL;
    s->cap_from = 0;
}

static ch_status need_task(op_table_python *op, int slot, uint64_t seq, ch_error *err)
{
    ch_exec *exec = op->op.exec;
    slot_state *s = &op->slot[slot];
    atomic_store_explicit(&op->called, true, memory_order_relaxed);
    s->seq = seq;
    return s->task ? CH_OK
                   : ch_python_task_open(exec->python, &op->calls.spec, ch_python_partition(seq),
                                         op->op.mem, exec->cancel, &s->task, err);
}

static ch_status send_rows(op_table_python *op, int slot, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    ch_batch rows;
    bool full;
    if (!s->gather.rows)
        return CH_OK;
    CH_TRY(need_task(op, slot, s->gather.seq, err));
    CH_TRY(ch_gather_take(&s->gather, &rows, err));
    ch_status status = op->passes ? wait_for(op, s, &rows, err) : CH_OK;
    if (status == CH_OK)
        status = ch_python_calls_send(&op->calls, s->task, slot, &rows, op->op.mem, err);
    ch_batch_release(&rows);
    CH_TRY(status);
    CH_TRY(ch_python_push(&op->op, slot, s->task, take_answers, &full, err));
    if (full)
        close_partition(op, s);
    return CH_OK;
}

/* Rows that the function left out, since it needed no more of them. */
static ch_status add_rest(op_table_python *op, int slot, ch_error *err)
{
    bool none = !op->rel->outer;
    while (!none) {
        CH_TRY(next_row(op, slot, &none, err));
        if (!none)
            CH_TRY(add_nulls(op, slot, err));
    }
    return emit_made(op, slot, err);
}

static ch_status end_partition(op_table_python *op, int slot, uint64_t seq, ch_error *err)
{
    slot_state *s = &op->slot[slot];
    bool full = ch_op_is_full(op->op.next, slot);
    if (!full)
        CH_TRY(send_rows(op, slot, err));
    if (!full && !ch_op_is_full(op->op.next, slot)) {
        CH_TRY(need_task(op, slot, seq, err));
        CH_TRY(ch_python_drain(&op->op, slot, s->task, take_answers, &full, err));
        if (!full)
            CH_TRY(add_rest(op, slot, err));
    }
    close_partition(op, s);
    return CH_OK;
}

static ch_status table_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_table_python *op = (op_table_python *)self;
    slot = self->serial ? 0 : slot; /* what is flushed from below has any */
    slot_state *s = &op->slot[slot];
    int64_t most = most_rows(op);
    if (s->gather.rows && s->gather.seq != batch->seq && !self->serial)
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

/* One whose rows none came of is no partition: they may come at the end, dealt out anew. */
static ch_status table_morsel_done(ch_op *self, int slot, uint64_t seq, ch_error *err)
{
    op_table_python *op = (op_table_python *)self;
    const slot_state *s = &op->slot[slot];
    return s->task || s->gather.rows ? end_partition(op, slot, seq, err) : CH_OK;
}

/* Rows that an operator below gave at its end are of no morsel. */
static ch_status table_flush(ch_op *self, int slot, ch_error *err)
{
    op_table_python *op = (op_table_python *)self;
    slot_state *s = &op->slot[slot];
    bool rest = s->task || s->gather.rows;
    return rest ? end_partition(op, slot, s->gather.seq, err) : CH_OK;
}

static ch_status table_finish(ch_op *self, ch_error *err)
{
    op_table_python *op = (op_table_python *)self;
    return op->called ? CH_OK : end_partition(op, 0, 0, err);
}

static ch_status whole_finish(ch_op *self, ch_error *err)
{
    op_table_python *op = (op_table_python *)self;
    return end_partition(op, 0, op->slot[0].gather.seq, err);
}

static void table_close(ch_op *self)
{
    op_table_python *op = (op_table_python *)self;
    for (int i = 0; op->slot && i < self->exec->n_slots; i++)
        close_partition(op, &op->slot[i]);
    ch_evaluator_close(op->calls.ev);
}

/* ---- plan --------------------------------------------------------------------------------- */

static ch_status table_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_table_python *op = (const op_table_python *)self;
    CH_TRY(ch_expr_print(op->rel->function, out, err));
    return op->rel->outer ? ch_buf_adds(out, ", outer", err) : CH_OK;
}

static const ch_op_class TABLE_PYTHON = {.name = "ArrowEvalPythonUDTF",
                                         .push = table_push,
                                         .morsel_done = table_morsel_done,
                                         .flush = table_flush,
                                         .finish = table_finish,
                                         .close = table_close,
                                         .explain = table_explain};
/* All rows are one partition. */
static const ch_op_class TABLE_PYTHON_WHOLE = {.name = "ArrowEvalPythonUDTF",
                                               .push = table_push,
                                               .finish = whole_finish,
                                               .close = table_close,
                                               .explain = table_explain};

/* Columns that are tables, of those that are sent. */
static ch_status tables_of(const op_table_python *op, const ch_exec *exec, const char **out,
                           ch_error *err)
{
    *out = "";
    for (const char *at = op->rel->tables; *at;) {
        char *end;
        long argument = strtol(at, &end, 10);
        *out = ch_arena_printf(exec->arena, err, "%s%s%d", *out, **out ? "," : "",
                               op->calls.spec.call->arg[argument]);
        if (!*out)
            return CH_E_MEMORY;
        at = *end ? end + 1 : end;
    }
    return CH_OK;
}

static ch_status make_columns(op_table_python *op, const ch_rel *rel, const ch_exec *exec,
                              ch_error *err)
{
    const ch_rel_table_python *t = op->rel;
    CH_ARENA_ARRAY(op->at, exec->arena, rel->output.n + 1, err);
    op->passes = t->outer;
    for (int32_t i = 0; i < rel->output.n; i++) {
        int64_t id = rel->output.item[i]->id;
        int32_t own = ch_attr_position(&t->generated, id);
        op->at[i] = own >= 0 ? -1 - own : ch_attr_position(&t->input->output, id);
        op->passes |= own < 0;
    }
    return CH_OK;
}

static ch_status make_table_python(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_table_python *t = (const ch_rel_table_python *)rel;
    const ch_exec *exec = c->exec;
    op_table_python *op = ch_op_new(c->exec, t->is_whole ? &TABLE_PYTHON_WHOLE : &TABLE_PYTHON,
                                    sizeof *op, rel, next, err);
    ch_expr_list *functions;
    ch_expr_alias *alias;
    if (!op)
        return CH_E_MEMORY;
    op->rel = t;
    op->op.serial = t->is_whole;
    CH_ARENA_NEW(functions, exec->arena, err);
    CH_AN_NEW(alias, ch_expr_new(exec->arena, CH_EXPR_ALIAS, err));
    alias->child = t->function;
    alias->head.type = t->function->type;
    CH_TRY(ch_expr_list_add(exec->arena, functions, &alias->head, err));
    CH_TRY(ch_python_calls_make(c->exec, functions, &t->input->output, &op->calls, err));
    ch_python_spec *spec = &op->calls.spec;
    op->table = (ch_python_table){
        .partition = t->partition, .n_partition = t->n_partition, .analyzed = t->analyzed};
    CH_TRY(tables_of(op, exec, &op->table.tables, err));
    spec->table = &op->table;
    spec->output = t->function->type;
    spec->output_struct = true;
    if (spec->eval_type == CH_PYTHON_TABLE)
        op->op.title = "BatchEvalPythonUDTF";
    CH_TRY(make_columns(op, rel, exec, err));
    CH_ARENA_ARRAY(op->slot, exec->arena, exec->n_slots, err);
    for (int i = 0; i < exec->n_slots; i++) {
        slot_state *s = &op->slot[i];
        s->gather.mem = s->made.mem = op->op.mem;
        s->last = &s->first;
    }
    c->counts = !t->is_whole; /* each partition is a call of its own */
    return ch_compile_into(c, t->input, &op->op, err);
}

const ch_op_maker ch_op_maker_table_python = {CH_REL_TABLE_PYTHON, make_table_python};
