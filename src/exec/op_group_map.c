/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_group_map.c - FlatMapGroupsInPandas and -InArrow: rows that a function in Python makes of each group; and
 * ArrowAggregatePython: one row for each group.
 *
 * Input comes sorted, so that a group's rows follow each other, on one worker. A group is a stream of Arrow
 * batches to Python, whose process works on one group while the next is sent.
 */
#include "exec/python_calls.h"
#include "kernel/compare.h"
#include "plan/node.h"
#include "plan/plan_python.h"

typedef struct op_groups {
    ch_op op;
    const ch_expr_list *keys;
    const ch_expr *function; /* GroupMap's; NULL: aggregates */
    const ch_expr_list *functions;
    ch_python_calls calls;
    int32_t *key_at;
    ch_python_task *task;
    bool in_group;
    ch_gather rows;   /* of the group, not sent yet */
    ch_column **last; /* keys of the last row, owned: NULL before the first */
    int64_t last_row;
    uint64_t seq;
    bool keeps_rows;           /* windows: results are for rows, which are passed on */
    ch_gather groups, results; /* keys of groups (or rows), and the values that have come */
} op_groups;

static int64_t most_rows(const op_groups *op)
{
    int64_t most = op->op.exec->python->max_records;
    return most > 0 ? most : INT32_MAX;
}

/* ---- results ------------------------------------------------------------------------------ */

/* The groups whose values are there. */
static ch_status emit_groups(op_groups *op, ch_error *err)
{
    ch_batch keys = {0}, values = {0}, out;
    int64_t n = op->results.rows;
    if (n == 0)
        return CH_OK;
    if (n > op->groups.rows)
        CH_FAIL(err, PYTHON_RESULT, "reason", "there are more results than groups");
    CH_TRY(ch_gather_take_rows(&op->groups, n, &keys, err));
    ch_status status = ch_gather_take(&op->results, &values, err);
    if (status == CH_OK)
        status = ch_batch_init(&out, op->op.mem, op->op.output.n, n, err);
    if (status == CH_OK) {
        for (int32_t i = 0; i < op->op.output.n; i++)
            out.col[i] = ch_column_ref(i < keys.n_cols ? keys.col[i] : values.col[i - keys.n_cols]);
        out.seq = op->seq;
        status = ch_op_emit(&op->op, 0, &out, err);
        ch_batch_release(&out);
    }
    ch_batch_release(&keys);
    ch_batch_release(&values);
    return status;
}

static ch_status take_results(ch_op *self, int slot, ch_error *err)
{
    op_groups *op = (op_groups *)self;
    ch_batch batch;
    CH_UNUSED(slot);
    while (ch_python_task_take(op->task, &batch)) {
        batch.seq = op->seq;
        ch_status status = op->function ? ch_op_emit(&op->op, 0, &batch, err)
                                        : ch_gather_add(&op->results, &batch, 0, batch.n, err);
        ch_batch_release(&batch);
        CH_TRY(status);
    }
    return op->results.rows >= CH_BATCH_ROWS ? emit_groups(op, err) : CH_OK;
}

/* ---- groups ------------------------------------------------------------------------------- */

static ch_status need_task(op_groups *op, ch_error *err)
{
    ch_exec *exec = op->op.exec;
    return op->task ? CH_OK
                    : ch_python_task_open(exec->python, &op->calls.spec, 0, op->op.mem,
                                          exec->cancel, &op->task, err);
}

/* row: where in the batch it begins. */
static ch_status begin_group(op_groups *op, ch_column *const *key, const ch_batch *batch,
                             int64_t row, ch_error *err)
{
    CH_TRY(need_task(op, err));
    CH_TRY(ch_python_task_group(op->task, 1, err));
    op->in_group = true;
    if (op->function || op->keeps_rows)
        return CH_OK;
    ch_batch keys;
    CH_TRY(ch_batch_init(&keys, op->op.mem, op->keys->n, batch->n, err));
    for (int32_t k = 0; k < op->keys->n; k++)
        keys.col[k] = ch_column_ref(key[k]);
    ch_status status = ch_gather_add(&op->groups, &keys, row, 1, err);
    ch_batch_release(&keys);
    return status;
}

/* Do those behind need no more? Rows come in order, from one worker. */
static bool is_enough(const op_groups *op)
{
    for (const ch_op *above = op->op.next; above; above = above->next)
        if (atomic_load_explicit(&above->stop, memory_order_relaxed))
            return true;
    return ch_op_is_full(op->op.next, 0);
}

static ch_status push_on(op_groups *op, ch_error *err)
{
    bool full;
    return ch_python_push(&op->op, 0, op->task, take_results, &full, err);
}

static ch_status send_rows(op_groups *op, ch_error *err)
{
    ch_batch rows;
    if (!op->rows.rows)
        return CH_OK;
    CH_TRY(ch_gather_take(&op->rows, &rows, err));
    ch_status status = ch_python_calls_send(&op->calls, op->task, 0, &rows, op->op.mem, err);
    ch_batch_release(&rows);
    CH_TRY(status);
    return push_on(op, err);
}

static ch_status end_group(op_groups *op, ch_error *err)
{
    if (!op->in_group)
        return CH_OK;
    CH_TRY(send_rows(op, err));
    op->in_group = false;
    CH_TRY(ch_python_task_end_stream(op->task, err));
    return push_on(op, err);
}

static ch_status add_rows(op_groups *op, ch_column *const *key, const ch_batch *batch, int64_t from,
                          int64_t to, ch_error *err)
{
    int64_t most = most_rows(op);
    if (!op->in_group)
        CH_TRY(begin_group(op, key, batch, from, err));
    for (int64_t n; from < to; from += n) {
        n = to - from < most - op->rows.rows ? to - from : most - op->rows.rows;
        CH_TRY(ch_gather_add(&op->rows, batch, from, n, err));
        if (op->keeps_rows)
            CH_TRY(ch_gather_add(&op->groups, batch, from, n, err));
        if (op->rows.rows == most)
            CH_TRY(send_rows(op, err));
    }
    return CH_OK;
}

static bool same(const op_groups *op, ch_column *const *a, int64_t i, ch_column *const *b,
                 int64_t j)
{
    for (int32_t k = op->keys->n - 1; k >= 0; k--)
        if (ch_compare_at(a[k], i, b[k], j) != 0)
            return false;
    return true;
}

static void forget_last(op_groups *op)
{
    for (int32_t k = 0; k < op->keys->n; k++) {
        ch_column_unref(op->last[k]);
        op->last[k] = NULL;
    }
}

static ch_status groups_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_groups *op = (op_groups *)self;
    ch_column *few[16], **key = few;
    int32_t n_keys = op->keys->n;
    size_t bytes = sizeof *key * (size_t)n_keys;
    int64_t from = 0;
    ch_status status = CH_OK;
    CH_UNUSED(slot);
    if (is_enough(op))
        return CH_OK;
    if (n_keys > 16 && !(key = ch_mem_alloc(self->mem, bytes, err)))
        return CH_E_MEMORY;
    for (int32_t k = 0; k < n_keys; k++)
        CH_TRY_OUT(ch_batch_column(batch, op->key_at[k], &key[k], err));
    op->seq = batch->seq;
    if (op->in_group && !same(op, op->last, op->last_row, key, 0))
        CH_TRY_OUT(end_group(op, err));
    for (int64_t i = 1; i <= batch->n; i++) {
        if (i < batch->n && same(op, key, i - 1, key, i))
            continue;
        CH_TRY_OUT(add_rows(op, key, batch, from, i, err));
        if (is_enough(op))
            goto out;
        if (i < batch->n)
            CH_TRY_OUT(end_group(op, err));
        from = i;
    }
    forget_last(op);
    for (int32_t k = 0; k < n_keys; k++)
        op->last[k] = ch_column_ref(key[k]);
    op->last_row = batch->n - 1;
out:
    if (key != few)
        ch_mem_free(self->mem, key, bytes);
    return status;
}

static ch_status groups_finish(ch_op *self, ch_error *err)
{
    op_groups *op = (op_groups *)self;
    bool full = is_enough(op);
    if (!full)
        CH_TRY(end_group(op, err));
    if (!op->task)
        return CH_OK;
    if (!full)
        CH_TRY(ch_python_drain(self, 0, op->task, take_results, &full, err));
    ch_python_task_close(op->task);
    op->task = NULL;
    if (full)
        return CH_OK;
    CH_TRY(emit_groups(op, err));
    if (op->groups.rows)
        CH_FAIL(err, PYTHON_RESULT, "reason", "there are fewer results than groups");
    return CH_OK;
}

static void groups_close(ch_op *self)
{
    op_groups *op = (op_groups *)self;
    ch_python_task_close(op->task);
    ch_gather_release(&op->rows);
    ch_gather_release(&op->groups);
    ch_gather_release(&op->results);
    if (op->last)
        forget_last(op);
    ch_evaluator_close(op->calls.ev);
}

/* ---- plan --------------------------------------------------------------------------------- */

static ch_status explain_list(const ch_expr_list *list, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '[', err));
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr *e = list->item[i];
        CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
        CH_TRY(ch_expr_print(e->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)e)->child : e, out,
                             err));
    }
    return ch_buf_addc(out, ']', err);
}

static ch_status groups_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_groups *op = (const op_groups *)self;
    CH_TRY(explain_list(op->keys, out, err));
    CH_TRY(ch_buf_adds(out, ", ", err));
    return op->function ? ch_expr_print(op->function, out, err)
                        : explain_list(op->functions, out, err);
}

static const ch_op_class GROUPS = {.name = "FlatMapGroupsInPandas",
                                   .push = groups_push,
                                   .finish = groups_finish,
                                   .close = groups_close,
                                   .explain = groups_explain};

static ch_status make_groups(ch_compiler *c, const ch_rel *rel, const ch_expr_list *keys,
                             const ch_rel *input, ch_op *next, op_groups **out, ch_error *err)
{
    const ch_exec *exec = c->exec;
    op_groups *op = ch_op_new(c->exec, &GROUPS, sizeof *op, rel, next, err);
    *out = op;
    if (!op)
        return CH_E_MEMORY;
    op->op.serial = true;
    op->keys = keys;
    op->rows.mem = op->groups.mem = op->results.mem = op->op.mem;
    CH_ARENA_ARRAY(op->last, exec->arena, keys->n + 1, err);
    CH_ARENA_ARRAY(op->key_at, exec->arena, keys->n + 1, err);
    for (int32_t k = 0; k < keys->n; k++)
        op->key_at[k] =
            ch_attr_position(&input->output, ((const ch_expr_attribute *)keys->item[k])->attr->id);
    return CH_OK;
}

static ch_status make_group_map(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_group_map *m = (const ch_rel_group_map *)rel;
    const ch_expr_list *values = &((const ch_expr_call *)m->function)->args;
    const ch_exec *exec = c->exec;
    int32_t *offset, n = 0;
    ch_expr_list args;
    op_groups *op;
    CH_TRY(make_groups(c, rel, &m->grouping, m->input, next, &op, err));
    op->function = m->function;
    CH_ARENA_ARRAY(offset, exec->arena, 2 + values->n + m->grouping.n, err);
    CH_TRY(ch_python_offsets(exec->arena, values->item, values->n, &m->grouping, &args, offset, &n,
                             err));
    CH_TRY(ch_python_calls_whole(c->exec, m->function, &args, offset, n, &m->input->output,
                                 &op->calls, err));
    int32_t kind = op->calls.spec.eval_type;
    if (kind == CH_PYTHON_GROUPED_MAP_ARROW || kind == CH_PYTHON_GROUPED_MAP_ARROW_ITER) {
        op->calls.spec.input_struct = true;
        op->op.title = "FlatMapGroupsInArrow";
    }
    return ch_compile_into(c, m->input, &op->op, err);
}

static ch_status make_aggregate_python(ch_compiler *c, const ch_rel *rel, ch_op *next,
                                       ch_error *err)
{
    const ch_rel_aggregate_python *p = (const ch_rel_aggregate_python *)rel;
    op_groups *op;
    CH_TRY(make_groups(c, rel, &p->grouping, p->input, next, &op, err));
    op->functions = &p->functions;
    op->op.title = "ArrowAggregatePython";
    CH_TRY(ch_python_calls_make(c->exec, &p->functions, &p->input->output, &op->calls, err));
    return ch_compile_into(c, p->input, &op->op, err);
}

static ch_status make_window_python(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_window_python *p = (const ch_rel_window_python *)rel;
    op_groups *op;
    const char **conf;
    CH_TRY(make_groups(c, rel, &p->partition, p->input, next, &op, err));
    op->functions = &p->functions;
    op->keeps_rows = true;
    op->op.title = "ArrowWindowPython";
    CH_TRY(ch_python_calls_make(c->exec, &p->functions, &p->input->output, &op->calls, err));
    ch_python_spec *spec = &op->calls.spec;
    CH_ARENA_ARRAY(conf, c->exec->arena, 2, err);
    conf[0] = "window_bound_types";
    conf[1] = p->bounds;
    spec->conf = conf;
    spec->n_conf = 1;
    if (ch_python_is_iterator(spec->eval_type))
        CH_FAIL(err, UNSUPPORTED, "feature", "A Python function of iterators over a window");
    spec->eval_type = spec->eval_type == CH_PYTHON_GROUPED_AGG_ARROW ? CH_PYTHON_WINDOW_AGG_ARROW
                                                                     : CH_PYTHON_WINDOW_AGG_PANDAS;
    return ch_compile_into(c, p->input, &op->op, err);
}

const ch_op_maker ch_op_maker_window_python = {CH_REL_WINDOW_PYTHON, make_window_python};
const ch_op_maker ch_op_maker_group_map = {CH_REL_GROUP_MAP, make_group_map};
const ch_op_maker ch_op_maker_aggregate_python = {CH_REL_AGGREGATE_PYTHON, make_aggregate_python};
