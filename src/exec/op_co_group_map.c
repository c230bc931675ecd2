/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_co_group_map.c - FlatMapCoGroupsInPandas and -InArrow: rows that a function in Python makes of a group of
 * each side with the same keys; a side without one gives an empty group.
 *
 * Both sides come sorted in the same way and are kept; when they are complete they are merged.
 *
 *   side[i]   batches, keys of each: [partition, key, key ...]     cursor: batch, row
 */
#include "exec/keeper.h"
#include "exec/python_calls.h"
#include "kernel/compare.h"
#include "plan/node.h"
#include "plan/plan_python.h"

typedef struct co_group co_group;

typedef struct side {
    ch_keeper keeper;
    ch_expr_list order; /* partition, keys */
    ch_evaluator *order_ev;
    ch_python_calls calls; /* its columns */
    ch_column **key;       /* of the batch at hand, owned; NULL: there is no row left */
    int64_t batch, row;
    ch_gather rows;
} side;

struct co_group {
    ch_op *map;
    const ch_rel_co_group_map *rel;
    side side[2];
    ch_python_spec spec;
    ch_python_task *task;
};

typedef struct op_co_group {
    ch_op op;
    co_group *c;
    int which; /* side that is pushed here */
} op_co_group;

static ch_status co_open(ch_op *self, ch_error *err)
{
    op_co_group *op = (op_co_group *)self;
    return ch_keeper_init(&op->c->side[op->which].keeper, self->exec, self->mem, err);
}

static ch_status co_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_co_group *op = (op_co_group *)self;
    ch_batch copy;
    CH_TRY(ch_batch_copy(batch, &copy, err));
    return ch_keeper_add(&op->c->side[op->which].keeper, slot, &copy, err);
}

/* ---- a side's cursor ---------------------------------------------------------------------- */

static void drop_keys(side *s)
{
    for (int32_t k = 0; s->key && k < s->order.n; k++) {
        ch_column_unref(s->key[k]);
        s->key[k] = NULL;
    }
}

static bool has_row(const side *s)
{
    return s->batch < s->keeper.n;
}

static ch_batch *batch_of(const side *s)
{
    return &s->keeper.all[s->batch]->batch;
}

/* Keys of the batch at hand. */
static ch_status load(co_group *c, side *s, ch_error *err)
{
    drop_keys(s);
    s->row = 0;
    for (int32_t k = 0; has_row(s) && k < s->order.n; k++)
        CH_TRY(ch_evaluate(s->order_ev, 0, k, batch_of(s), c->map->mem, &s->key[k], err));
    return CH_OK;
}

static int compare_rows(const side *a, ch_column *const *key_a, int64_t i, ch_column *const *key_b,
                        int64_t j)
{
    for (int32_t k = 0; k < a->order.n; k++) {
        int c = ch_compare_at(key_a[k], i, key_b[k], j);
        if (c)
            return c;
    }
    return 0;
}

/* ---- groups ------------------------------------------------------------------------------- */

static ch_status emit_all(ch_op *self, int slot, ch_error *err)
{
    co_group *c = ((op_co_group *)self)->c;
    ch_batch out;
    CH_UNUSED(slot);
    while (ch_python_task_take(c->task, &out)) {
        ch_status status = ch_op_emit(c->map, 0, &out, err);
        ch_batch_release(&out);
        CH_TRY(status);
    }
    return CH_OK;
}

static ch_status push_on(co_group *c, ch_error *err)
{
    bool full;
    return ch_python_push(c->map, 0, c->task, emit_all, &full, err);
}

static ch_status send_rows(co_group *c, side *s, ch_error *err)
{
    ch_batch rows;
    if (!s->rows.rows)
        return CH_OK;
    CH_TRY(ch_gather_take(&s->rows, &rows, err));
    ch_status status = ch_python_calls_send(&s->calls, c->task, 0, &rows, c->map->mem, err);
    ch_batch_release(&rows);
    CH_TRY(status);
    return push_on(c, err);
}

static ch_status add_rows(co_group *c, side *s, int64_t to, ch_error *err)
{
    int64_t most = c->map->exec->python->max_records;
    most = most > 0 ? most : INT32_MAX;
    for (int64_t n; s->row < to; s->row += n) {
        n = to - s->row < most - s->rows.rows ? to - s->row : most - s->rows.rows;
        CH_TRY(ch_gather_add(&s->rows, batch_of(s), s->row, n, err));
        if (s->rows.rows == most)
            CH_TRY(send_rows(c, s, err));
    }
    return CH_OK;
}

/* The rows from the cursor on that have the keys of the one there. */
static ch_status send_group(co_group *c, side *s, ch_error *err)
{
    ch_column **first = ch_mem_alloc(c->map->mem, sizeof *first * (size_t)(s->order.n + 1), err);
    int64_t at = s->row;
    ch_status status = CH_OK;
    if (!first)
        return CH_E_MEMORY;
    for (int32_t k = 0; k < s->order.n; k++)
        first[k] = ch_column_ref(s->key[k]);
    while (has_row(s) && status == CH_OK) {
        int64_t to = s->row, n = batch_of(s)->n;
        while (to < n && compare_rows(s, first, at, s->key, to) == 0)
            to++;
        status = add_rows(c, s, to, err);
        if (to < n || status != CH_OK)
            break;
        s->batch++;
        status = load(c, s, err);
    }
    for (int32_t k = 0; k < s->order.n; k++)
        ch_column_unref(first[k]);
    ch_mem_free(c->map->mem, first, sizeof *first * (size_t)(s->order.n + 1));
    return status == CH_OK ? send_rows(c, s, err) : status;
}

static ch_status next_pair(co_group *c, ch_error *err)
{
    const ch_exec *exec = c->map->exec;
    side *l = &c->side[0], *r = &c->side[1];
    int which = !has_row(l)   ? 1
                : !has_row(r) ? -1
                              : compare_rows(l, l->key, l->row, r->key, r->row);
    if (!c->task)
        CH_TRY(ch_python_task_open(exec->python, &c->spec, 0, c->map->mem, exec->cancel, &c->task,
                                   err));
    CH_TRY(ch_exec_heed(exec, err));
    CH_TRY(ch_python_task_group(c->task, 2, err));
    for (int i = 0; i < 2; i++) {
        bool there = i == 0 ? which <= 0 : which >= 0;
        ch_python_task_input(c->task, c->side[i].calls.spec.input);
        if (there)
            CH_TRY(send_group(c, &c->side[i], err));
        CH_TRY(ch_python_task_end_stream(c->task, err));
    }
    return push_on(c, err);
}

static ch_status co_finish(ch_op *self, ch_error *err)
{
    co_group *c = ((op_co_group *)self)->c;
    bool full = false;
    for (int i = 0; i < 2; i++) {
        CH_TRY(ch_keeper_sort(&c->side[i].keeper, err));
        CH_TRY(load(c, &c->side[i], err));
    }
    while (!full && (has_row(&c->side[0]) || has_row(&c->side[1]))) {
        CH_TRY(next_pair(c, err));
        full = ch_op_is_full(self->next, 0);
    }
    if (!c->task)
        return CH_OK;
    if (!full)
        CH_TRY(ch_python_drain(self, 0, c->task, emit_all, &full, err));
    ch_python_task_close(c->task);
    c->task = NULL;
    return CH_OK;
}

static void co_close(ch_op *self)
{
    op_co_group *op = (op_co_group *)self;
    side *s = &op->c->side[op->which];
    if (op->c->map == self) {
        ch_python_task_close(op->c->task);
        op->c->task = NULL;
    }
    drop_keys(s);
    ch_gather_release(&s->rows);
    ch_keeper_release(&s->keeper);
    ch_evaluator_close(s->order_ev);
    ch_evaluator_close(s->calls.ev);
}

static ch_status co_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_rel_co_group_map *m = ((const op_co_group *)self)->c->rel;
    for (int i = 0; i < 2; i++) {
        const ch_expr_list *keys = i ? &m->other_grouping : &m->input_grouping;
        CH_TRY(ch_buf_addc(out, '[', err));
        for (int32_t k = 0; k < keys->n; k++) {
            CH_TRY(ch_buf_adds(out, k ? ", " : "", err));
            CH_TRY(ch_expr_print(keys->item[k], out, err));
        }
        CH_TRY(ch_buf_adds(out, "], ", err));
    }
    return ch_expr_print(m->function, out, err);
}

static const ch_op_class CO_GROUP = {.name = "FlatMapCoGroupsInPandas",
                                     .open = co_open,
                                     .push = co_push,
                                     .finish = co_finish,
                                     .close = co_close,
                                     .explain = co_explain};
static const ch_op_class CO_GROUP_SIDE = {
    .name = "CoGroupSide", .open = co_open, .push = co_push, .close = co_close};

/* ---- plan --------------------------------------------------------------------------------- */

static ch_status make_side(ch_exec *exec, co_group *c, int which, const ch_rel *input, ch_op *op,
                           int32_t *offset, int32_t *n_offset, ch_error *err)
{
    const ch_rel_co_group_map *m = c->rel;
    const ch_expr_list *all = &((const ch_expr_call *)m->function)->args;
    const ch_expr_list *keys = which ? &m->other_grouping : &m->input_grouping;
    ch_expr *partition = which ? m->other_partition : m->input_partition;
    side *s = &c->side[which];
    ch_expr_list args;
    s->rows.mem = op->mem;
    if (partition)
        CH_TRY(ch_expr_list_add(exec->arena, &s->order, partition, err));
    for (int32_t k = 0; k < keys->n; k++)
        CH_TRY(ch_expr_list_add(exec->arena, &s->order, keys->item[k], err));
    CH_ARENA_ARRAY(s->key, exec->arena, s->order.n + 1, err);
    CH_TRY(ch_evaluator_new(exec, &s->order, &input->output, &s->order_ev, err));
    CH_TRY(ch_python_offsets(exec->arena, all->item + (which ? m->n_left : 0),
                             which ? all->n - m->n_left : m->n_left, keys, &args, offset, n_offset,
                             err));
    return ch_python_calls_whole(exec, m->function, &args, offset, *n_offset, &input->output,
                                 &s->calls, err);
}

static ch_status make_co_group_map(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_co_group_map *m = (const ch_rel_co_group_map *)rel;
    const ch_expr_list *all = &((const ch_expr_call *)m->function)->args;
    ch_exec *exec = c->exec;
    co_group *g;
    int32_t *offset, n = 0;
    ch_python_call *call;
    CH_ARENA_NEW(g, exec->arena, err);
    g->rel = m;
    op_co_group *map = ch_op_new(exec, &CO_GROUP, sizeof *map, rel, next, err);
    if (map) {
        map->c = g;
        map->which = 1;
    }
    op_co_group *left = map ? ch_op_new(exec, &CO_GROUP_SIDE, sizeof *left, NULL, NULL, err) : NULL;
    if (!left)
        return CH_E_MEMORY;
    left->c = g;
    left->op.output = m->input->output;
    g->map = &map->op;
    ch_op_add_feeder(&map->op, &left->op);
    CH_ARENA_ARRAY(offset, exec->arena, 4 + all->n + m->input_grouping.n + m->other_grouping.n,
                   err);
    CH_TRY(make_side(exec, g, 0, m->input, &left->op, offset, &n, err));
    CH_TRY(make_side(exec, g, 1, m->other, &map->op, offset, &n, err));
    g->spec = g->side[0].calls.spec;
    CH_ARENA_NEW(call, exec->arena, err);
    *call = *g->spec.call;
    call->n_args = n;
    g->spec.call = call;
    if (g->spec.eval_type == CH_PYTHON_COGROUPED_MAP_ARROW)
        map->op.title = "FlatMapCoGroupsInArrow";
    CH_TRY(ch_compile_into(c, m->input, &left->op, err));
    return ch_compile_into(c, m->other, &map->op, err);
}

const ch_op_maker ch_op_maker_co_group_map = {CH_REL_CO_GROUP_MAP, make_co_group_map};
