/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_group_map.c - FlatMapGroupsInPandas and -InArrow: rows that a function in Python makes of each group;
 * FlatMapCoGroupsInPandas and -InArrow, of groups of two sides; and ArrowAggregatePython: one row for each group.
 *
 * Input comes sorted, so that a group's rows follow each other, in one morsel. A group is a stream of Arrow
 * batches to Python, whose process works on one group while the next is sent; of two sides, two streams, of which
 * one may have no rows. A morsel is a conversation: the
 * workers' processes run side by side, and results are in the order of the morsels.
 */
#include "column/take.h"
#include "exec/python_calls.h"
#include "kernel/compare.h"
#include "plan/node.h"
#include "plan/plan_python.h"

typedef struct group_slot {
    ch_python_task *task;
    bool in_group;
    int side;         /* of the stream at hand */
    ch_gather rows;   /* of the stream, not sent yet */
    ch_column **last; /* keys of the last row, owned: NULL before the first */
    int64_t last_row;
    uint64_t seq;
    ch_gather groups, results; /* keys of groups (or rows), and the values that have come */
} group_slot;

typedef struct op_groups {
    ch_op op;
    const ch_expr_list *keys;
    const ch_expr *function; /* GroupMap's; NULL: aggregates */
    const ch_expr_list *functions;
    ch_python_calls calls;
    ch_python_calls other; /* of side 1: its columns */
    int32_t side_at;       /* column that says which side; -1: there is one */
    int32_t *key_at;
    bool keeps_rows; /* windows: results are for rows, which are passed on */
    group_slot *slot;
} op_groups;

static int64_t most_rows(const op_groups *op)
{
    int64_t most = op->op.exec->python->max_records;
    return most > 0 ? most : INT32_MAX;
}

/* ---- results ------------------------------------------------------------------------------ */

/* The groups whose values are there. */
static ch_status emit_groups(op_groups *op, int slot, ch_error *err)
{
    group_slot *s = &op->slot[slot];
    ch_batch keys = {0}, values = {0}, out;
    int64_t n = s->results.rows;
    if (n == 0)
        return CH_OK;
    if (n > s->groups.rows)
        CH_FAIL(err, PYTHON_RESULT, "reason", "there are more results than groups");
    CH_TRY(ch_gather_take_rows(&s->groups, n, &keys, err));
    ch_status status = ch_gather_take(&s->results, &values, err);
    if (status == CH_OK)
        status = ch_batch_init(&out, op->op.mem, op->op.output.n, n, err);
    if (status == CH_OK) {
        for (int32_t i = 0; i < op->op.output.n; i++)
            out.col[i] = ch_column_ref(i < keys.n_cols ? keys.col[i] : values.col[i - keys.n_cols]);
        out.seq = s->seq;
        status = ch_op_emit(&op->op, slot, &out, err);
        ch_batch_release(&out);
    }
    ch_batch_release(&keys);
    ch_batch_release(&values);
    return status;
}

static ch_status take_results(ch_op *self, int slot, ch_error *err)
{
    op_groups *op = (op_groups *)self;
    group_slot *s = &op->slot[slot];
    ch_batch batch;
    while (ch_python_task_take(s->task, &batch)) {
        batch.seq = s->seq;
        ch_status status = op->function ? ch_op_emit(&op->op, slot, &batch, err)
                                        : ch_gather_add(&s->results, &batch, 0, batch.n, err);
        ch_batch_release(&batch);
        CH_TRY(status);
    }
    return s->results.rows >= CH_BATCH_ROWS ? emit_groups(op, slot, err) : CH_OK;
}

/* ---- groups ------------------------------------------------------------------------------- */

static ch_status need_task(op_groups *op, group_slot *s, ch_error *err)
{
    ch_exec *exec = op->op.exec;
    return s->task ? CH_OK
                   : ch_python_task_open(exec->python, &op->calls.spec, ch_python_partition(s->seq),
                                         op->op.mem, exec->cancel, &s->task, err);
}

/* row: where in the batch it begins. */
static ch_status begin_group(op_groups *op, group_slot *s, ch_column *const *key,
                             const ch_batch *batch, int64_t row, ch_error *err)
{
    CH_TRY(need_task(op, s, err));
    CH_TRY(ch_python_task_group(s->task, op->side_at < 0 ? 1 : 2, err));
    ch_python_task_input(s->task, op->calls.spec.input);
    s->in_group = true;
    s->side = 0;
    if (op->function || op->keeps_rows)
        return CH_OK;
    ch_batch keys;
    CH_TRY(ch_batch_init(&keys, op->op.mem, op->keys->n, batch->n, err));
    for (int32_t k = 0; k < op->keys->n; k++)
        keys.col[k] = ch_column_ref(key[k]);
    ch_status status = ch_gather_add(&s->groups, &keys, row, 1, err);
    ch_batch_release(&keys);
    return status;
}

/* Do those behind need no more of the morsel? One worker has it, and no more of the input where it is serial. */
static bool is_enough(const op_groups *op, int slot)
{
    for (const ch_op *above = op->op.next; above && op->op.serial; above = above->next)
        if (atomic_load_explicit(&above->stop, memory_order_relaxed))
            return true;
    return ch_op_is_full(op->op.next, slot);
}

static ch_status push_on(op_groups *op, int slot, ch_error *err)
{
    bool full;
    return ch_python_push(&op->op, slot, op->slot[slot].task, take_results, &full, err);
}

static ch_status send_rows(op_groups *op, int slot, ch_error *err)
{
    group_slot *s = &op->slot[slot];
    ch_batch rows;
    if (!s->rows.rows)
        return CH_OK;
    CH_TRY(ch_gather_take(&s->rows, &rows, err));
    ch_status status = ch_python_calls_send(s->side ? &op->other : &op->calls, s->task, slot, &rows,
                                            op->op.mem, err);
    ch_batch_release(&rows);
    CH_TRY(status);
    return push_on(op, slot, err);
}

/* The stream of side 0 ends, if it has not; rows of side 1 follow. */
static ch_status to_other_side(op_groups *op, int slot, ch_error *err)
{
    group_slot *s = &op->slot[slot];
    if (s->side)
        return CH_OK;
    CH_TRY(send_rows(op, slot, err));
    CH_TRY(ch_python_task_end_stream(s->task, err));
    ch_python_task_input(s->task, op->other.spec.input);
    s->side = 1;
    return CH_OK;
}

static ch_status end_group(op_groups *op, int slot, ch_error *err)
{
    group_slot *s = &op->slot[slot];
    if (!s->in_group)
        return CH_OK;
    if (op->side_at >= 0)
        CH_TRY(to_other_side(op, slot, err));
    CH_TRY(send_rows(op, slot, err));
    s->in_group = false;
    CH_TRY(ch_python_task_end_stream(s->task, err));
    return push_on(op, slot, err);
}

/* Rows of one side. */
static ch_status add_rows(op_groups *op, int slot, const ch_batch *batch, int64_t from, int64_t to,
                          ch_error *err)
{
    group_slot *s = &op->slot[slot];
    int64_t most = most_rows(op);
    for (int64_t n; from < to; from += n) {
        n = to - from < most - s->rows.rows ? to - from : most - s->rows.rows;
        CH_TRY(ch_gather_add(&s->rows, batch, from, n, err));
        if (op->keeps_rows)
            CH_TRY(ch_gather_add(&s->groups, batch, from, n, err));
        if (s->rows.rows == most)
            CH_TRY(send_rows(op, slot, err));
    }
    return CH_OK;
}

static ch_status add_sides(op_groups *op, int slot, ch_batch *batch, int64_t from, int64_t to,
                           ch_error *err)
{
    ch_column *raw, *side;
    int64_t at = from;
    CH_TRY(ch_batch_column(batch, op->side_at, &raw, err));
    CH_TRY(ch_flatten(raw, op->op.mem, &side, err));
    while (at < to && ch_column_i64(side, at) == 0)
        at++;
    ch_column_unref(side);
    CH_TRY(add_rows(op, slot, batch, from, at, err));
    if (at == to)
        return CH_OK;
    CH_TRY(to_other_side(op, slot, err));
    return add_rows(op, slot, batch, at, to, err);
}

/* Rows [from, to) of one group. */
static ch_status add_group(op_groups *op, int slot, ch_column *const *key, ch_batch *batch,
                           int64_t from, int64_t to, ch_error *err)
{
    group_slot *s = &op->slot[slot];
    if (!s->in_group)
        CH_TRY(begin_group(op, s, key, batch, from, err));
    return op->side_at < 0 ? add_rows(op, slot, batch, from, to, err)
                           : add_sides(op, slot, batch, from, to, err);
}

static bool same(const op_groups *op, ch_column *const *a, int64_t i, ch_column *const *b,
                 int64_t j)
{
    for (int32_t k = op->keys->n - 1; k >= 0; k--)
        if (ch_compare_at(a[k], i, b[k], j) != 0)
            return false;
    return true;
}

static void forget_last(const op_groups *op, group_slot *s)
{
    for (int32_t k = 0; k < op->keys->n; k++) {
        ch_column_unref(s->last[k]);
        s->last[k] = NULL;
    }
}

static ch_status groups_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_groups *op = (op_groups *)self;
    slot = self->serial ? 0 : slot; /* what is flushed from below has any */
    group_slot *s = &op->slot[slot];
    ch_column *few[16], **key = few;
    int32_t n_keys = op->keys->n;
    size_t bytes = sizeof *key * (size_t)n_keys;
    int64_t from = 0;
    ch_status status = CH_OK;
    if (is_enough(op, slot))
        return CH_OK;
    if (n_keys > 16 && !(key = ch_mem_alloc(self->mem, bytes, err)))
        return CH_E_MEMORY;
    for (int32_t k = 0; k < n_keys; k++)
        CH_TRY_OUT(ch_batch_column(batch, op->key_at[k], &key[k], err));
    s->seq = batch->seq;
    if (s->in_group && !same(op, s->last, s->last_row, key, 0))
        CH_TRY_OUT(end_group(op, slot, err));
    for (int64_t i = 1; i <= batch->n; i++) {
        if (i < batch->n && same(op, key, i - 1, key, i))
            continue;
        CH_TRY_OUT(add_group(op, slot, key, batch, from, i, err));
        if (is_enough(op, slot))
            goto out;
        if (i < batch->n)
            CH_TRY_OUT(end_group(op, slot, err));
        from = i;
    }
    forget_last(op, s);
    for (int32_t k = 0; k < n_keys; k++)
        s->last[k] = ch_column_ref(key[k]);
    s->last_row = batch->n - 1;
out:
    if (key != few)
        ch_mem_free(self->mem, key, bytes);
    return status;
}

/* Nobody wants what is under way, or nothing is. */
static void close_slot(op_groups *op, group_slot *s)
{
    ch_mem *mem = op->op.mem;
    ch_python_task_close(s->task);
    s->task = NULL;
    s->in_group = false;
    ch_gather_release(&s->rows);
    ch_gather_release(&s->groups);
    ch_gather_release(&s->results);
    s->rows.mem = s->groups.mem = s->results.mem = mem;
    if (s->last)
        forget_last(op, s);
}

static ch_status end_morsel(op_groups *op, int slot, ch_error *err)
{
    group_slot *s = &op->slot[slot];
    bool full = is_enough(op, slot);
    if (!full)
        CH_TRY(end_group(op, slot, err));
    if (!full && s->task) {
        CH_TRY(ch_python_drain(&op->op, slot, s->task, take_results, &full, err));
        if (!full)
            CH_TRY(emit_groups(op, slot, err));
        if (!full && s->groups.rows)
            CH_FAIL(err, PYTHON_RESULT, "reason", "there are fewer results than groups");
    }
    close_slot(op, s);
    return CH_OK;
}

static ch_status groups_morsel_done(ch_op *self, int slot, uint64_t seq, ch_error *err)
{
    CH_UNUSED(seq);
    return end_morsel((op_groups *)self, slot, err);
}

static ch_status groups_finish(ch_op *self, ch_error *err)
{
    return end_morsel((op_groups *)self, 0, err);
}

static void groups_close(ch_op *self)
{
    op_groups *op = (op_groups *)self;
    for (int i = 0; op->slot && i < self->exec->n_slots; i++)
        close_slot(op, &op->slot[i]);
    ch_evaluator_close(op->calls.ev);
    ch_evaluator_close(op->other.ev);
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
                                   .morsel_done = groups_morsel_done,
                                   .close = groups_close,
                                   .explain = groups_explain};
/* All rows are one group, or in one order: they come on one worker. */
static const ch_op_class GROUPS_SERIAL = {.name = "FlatMapGroupsInPandas",
                                          .push = groups_push,
                                          .finish = groups_finish,
                                          .close = groups_close,
                                          .explain = groups_explain};

static ch_status make_groups(ch_compiler *c, const ch_rel *rel, const ch_expr_list *keys,
                             const ch_rel *input, ch_op *next, op_groups **out, ch_error *err)
{
    const ch_exec *exec = c->exec;
    const ch_rel_sort *sort = (const void *)input;
    bool serial = input->kind != CH_REL_SORT || !sort->n_whole;
    op_groups *op =
        ch_op_new(c->exec, serial ? &GROUPS_SERIAL : &GROUPS, sizeof *op, rel, next, err);
    *out = op;
    if (!op)
        return CH_E_MEMORY;
    op->op.serial = serial;
    op->side_at = -1;
    op->keys = keys;
    CH_ARENA_ARRAY(op->slot, exec->arena, exec->n_slots, err);
    for (int i = 0; i < exec->n_slots; i++) {
        group_slot *s = &op->slot[i];
        s->rows.mem = s->groups.mem = s->results.mem = op->op.mem;
        CH_ARENA_ARRAY(s->last, exec->arena, keys->n + 1, err);
    }
    CH_ARENA_ARRAY(op->key_at, exec->arena, keys->n + 1, err);
    for (int32_t k = 0; k < keys->n; k++)
        op->key_at[k] =
            ch_attr_position(&input->output, ((const ch_expr_attribute *)keys->item[k])->attr->id);
    return CH_OK;
}

/* The columns that one side's stream has; offset[*n ...] says where keys and values are. */
static ch_status make_stream(ch_compiler *c, const ch_rel_group_map *m, int side,
                             ch_python_calls *out, int32_t *offset, int32_t *n, ch_error *err)
{
    const ch_expr_list *all = &((const ch_expr_call *)m->function)->args;
    int32_t from = side ? m->n_left : 0, to = side || !m->side ? all->n : m->n_left;
    ch_expr_list args;
    CH_TRY(ch_python_offsets(c->exec->arena, all->item + from, to - from, &m->grouping, &args,
                             offset, n, err));
    return ch_python_calls_whole(c->exec, m->function, &args, offset, *n, &m->input->output, out,
                                 err);
}

static ch_status make_sides(ch_compiler *c, const ch_rel_group_map *m, op_groups *op, ch_error *err)
{
    int32_t *offset, n = 0;
    int32_t n_args = ((const ch_expr_call *)m->function)->args.n;
    ch_python_call *call;
    CH_ARENA_ARRAY(offset, c->exec->arena, 4 + n_args + 2 * m->grouping.n, err);
    CH_TRY(make_stream(c, m, 0, &op->calls, offset, &n, err));
    if (!m->side)
        return CH_OK;
    op->side_at =
        ch_attr_position(&m->input->output, ((const ch_expr_attribute *)m->side)->attr->id);
    CH_TRY(make_stream(c, m, 1, &op->other, offset, &n, err));
    CH_ARENA_NEW(call, c->exec->arena, err);
    *call = *op->calls.spec.call;
    call->n_args = n;
    op->calls.spec.call = call;
    return CH_OK;
}

static const char *title(int32_t kind)
{
    switch (kind) {
    case CH_PYTHON_COGROUPED_MAP_ARROW:
        return "FlatMapCoGroupsInArrow";
    case CH_PYTHON_COGROUPED_MAP_PANDAS:
        return "FlatMapCoGroupsInPandas";
    case CH_PYTHON_GROUPED_MAP_ARROW:
    case CH_PYTHON_GROUPED_MAP_ARROW_ITER:
        return "FlatMapGroupsInArrow";
    default:
        return "FlatMapGroupsInPandas";
    }
}

static ch_status make_group_map(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_group_map *m = (const ch_rel_group_map *)rel;
    op_groups *op;
    CH_TRY(make_groups(c, rel, &m->grouping, m->input, next, &op, err));
    op->function = m->function;
    CH_TRY(make_sides(c, m, op, err));
    int32_t kind = op->calls.spec.eval_type;
    op->calls.spec.input_struct =
        kind == CH_PYTHON_GROUPED_MAP_ARROW || kind == CH_PYTHON_GROUPED_MAP_ARROW_ITER;
    op->op.title = title(kind);
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
