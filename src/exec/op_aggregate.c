/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_aggregate.c - HashAggregate: Aggregate with or without keys, DISTINCT, Deduplicate.
 *
 *   push     keys, arguments and filters are evaluated; the grouper finds each row's group; update()
 *   DISTINCT aggregates with the same arguments and filter make a set with a grouper of its own, over keys
 *            and arguments; when all input is there its groups are fed to the main grouper, where each
 *            pair (group, arguments) now comes once. So any number of sets spills like all else.
 *   next     groups -> columns [keys, carried, results], over which the output expressions are evaluated
 *
 * Deduplicate has no aggregates: columns that are not keys are carried, from the first row seen.
 */
#include <strings.h>

#include "column/take.h"
#include "exec/agg_order.h"
#include "exec/grouper.h"
#include "plan/analyze.h"
#include "plan/node.h"

/* Rows looked up at once; larger batches come in pieces. */
#define PIECE_ROWS 8192

/* Of rows fed from sets: behind all others. */
#define FED_SEQ (UINT64_C(0xFFFF) << 48)

/* Attributes that stand for keys and results in the output expressions. */
#define FIRST_ID (INT64_MIN + 1)

typedef struct agg_call {
    const ch_expr_call *expr;
    int32_t first_arg; /* in the input expressions */
    int32_t filter;    /* there too, or -1 */
    int32_t set;       /* DISTINCT set, or -1 */
} agg_call;

/* DISTINCT aggregates over the same arguments. */
typedef struct agg_set {
    int32_t leader; /* an aggregate of the set: its arguments and filter are everybody's */
    int32_t n_args;
    ch_grouper_spec spec;
    ch_grouper *grouper;
} agg_set;

typedef struct agg_slot {
    ch_column **col; /* of one piece: the input expressions' values, packed keys first */
    uint8_t **state; /* cap_rows */
    int32_t *idx;    /* cap_rows: rows that a filter keeps */
    int64_t cap_rows;
    int64_t morsel;
} agg_slot;

typedef struct op_aggregate {
    ch_op op;
    int32_t n_keys, n_cols; /* columns [n_keys, n_cols) are carried */
    ch_expr_list input;     /* keys, carried, arguments and filters */
    agg_call *agg;
    int32_t n_aggs;
    agg_set *set;
    int32_t n_sets;
    ch_call *call;     /* of each aggregate, for the grouper */
    ch_column **dummy; /* its arguments before there are any: no rows, right types */
    int32_t n_dummies;
    const ch_type **types;     /* of the columns, packed */
    bool of_set;               /* groups as if there were no aggregates */
    const ch_type **key_types; /* of the keys and a set's arguments, not packed */
    ch_grouper_spec spec;
    ch_grouper *grouper;
    ch_evaluator *in, *out;
    ch_attr_list inner; /* columns [keys, carried, results] */
    ch_expr_list result;
    agg_slot *slot;

    /* feeding sets in finish() */
    agg_set *feeding;
    _Atomic int feed_status;
    pthread_mutex_t feed_lock; /* guards feed_err */
    ch_error *feed_err;
} op_aggregate;

/* ---- open and close ---------------------------------------------------------------------- */

static ch_status open_sets(op_aggregate *op, ch_error *err)
{
    for (int32_t i = 0; i < op->n_sets; i++)
        CH_TRY(
            ch_grouper_open(op->op.exec, op->op.mem, &op->set[i].spec, &op->set[i].grouper, err));
    return CH_OK;
}

static ch_status aggregate_open(ch_op *self, ch_error *err)
{
    op_aggregate *op = (op_aggregate *)self;
    ch_exec *exec = self->exec;
    CH_ARENA_ARRAY(op->slot, exec->arena, exec->n_slots, err);
    for (int s = 0; s < exec->n_slots; s++)
        CH_ARENA_ARRAY(op->slot[s].col, exec->arena, op->input.n + 1, err);
    for (int32_t a = 0; a < op->n_aggs; a++) {
        const ch_expr_call *e = op->agg[a].expr;
        ch_column **arg = op->dummy + op->n_dummies;
        for (int32_t i = 0; i < e->args.n; i++, op->n_dummies++)
            CH_TRY(ch_column_nulls(self->mem, e->args.item[i]->type, 0, &arg[i], err));
        op->call[a] = (ch_call){.func = e->func,
                                .ctx = exec->func,
                                .data = e->data,
                                .n_args = e->args.n,
                                .arg = arg,
                                .result = e->head.type,
                                .mem = self->mem};
    }
    CH_TRY(ch_grouper_open(exec, self->mem, &op->spec, &op->grouper, err));
    return open_sets(op, err);
}

static void free_slot(op_aggregate *op, agg_slot *s)
{
    ch_mem_free(op->op.mem, s->state, sizeof *s->state * (size_t)s->cap_rows);
    ch_mem_free(op->op.mem, s->idx, sizeof *s->idx * (size_t)s->cap_rows);
    s->state = NULL;
    s->idx = NULL;
    s->cap_rows = 0;
}

static void aggregate_close(ch_op *self)
{
    op_aggregate *op = (op_aggregate *)self;
    ch_evaluator_close(op->in);
    ch_evaluator_close(op->out);
    for (int s = 0; op->slot && s < self->exec->n_slots; s++)
        free_slot(op, &op->slot[s]);
    ch_grouper_close(op->grouper);
    for (int32_t i = 0; i < op->n_sets; i++)
        ch_grouper_close(op->set[i].grouper);
    for (int32_t i = 0; i < op->n_dummies; i++)
        ch_column_unref(op->dummy[i]);
}

/* ---- push -------------------------------------------------------------------------------- */

static ch_status need_rows(op_aggregate *op, agg_slot *s, int64_t n, ch_error *err)
{
    if (n <= s->cap_rows)
        return CH_OK;
    free_slot(op, s);
    s->state = ch_mem_alloc(op->op.mem, sizeof *s->state * (size_t)n, err);
    if (!s->state)
        return CH_E_MEMORY;
    s->cap_rows = n; /* idx is NULL until it is there: freeing it then is right */
    s->idx = ch_mem_alloc(op->op.mem, sizeof *s->idx * (size_t)n, err);
    return s->idx ? CH_OK : CH_E_MEMORY;
}

/* The rows for which a filter is true: their number, and their positions in idx. */
static int64_t kept_rows(const ch_column *filter, int64_t n, int32_t *idx)
{
    const ch_column *values = ch_column_values(filter);
    int64_t k = 0;
    for (int64_t i = 0; i < n; i++)
        if (!ch_column_is_null(filter, i) && ch_bit_get(values->data, ch_column_slot(filter, i)))
            idx[k++] = (int32_t)i;
    return k;
}

/* Makes *col what update() of func wants: FLAT, or CONST where it says so. */
static ch_status prepare_arg(op_aggregate *op, const ch_func *func, ch_column **col, ch_error *err)
{
    if ((*col)->encoding == CH_CONST && (func->flags & CH_FUNC_TAKES_CONST))
        return CH_OK;
    ch_column *flat;
    CH_TRY(ch_flatten(*col, op->op.mem, &flat, err));
    ch_column_unref(*col);
    *col = flat;
    return CH_OK;
}

/* update() of aggregate a: arg[] of n rows in groups group[]; only the k rows of idx if that is given. */
static ch_status update(op_aggregate *op, int slot, int32_t a, ch_column *const *arg,
                        uint8_t *const *group, int64_t n, const int32_t *idx, int64_t k,
                        ch_error *err)
{
    agg_slot *s = &op->slot[slot];
    ch_call *call = ch_grouper_call(op->grouper, slot, a);
    ch_column *const *dummy = call->arg;
    int32_t at = ch_grouper_state_offset(op->grouper, a);
    ch_column *mine[16] = {0}, **own = mine;
    bool one = op->n_keys == 0;
    ch_status status = CH_OK;
    size_t bytes = sizeof *own * (size_t)call->n_args;
    if (idx && k == 0)
        return CH_OK;
    if (call->n_args > 16 && !(own = ch_mem_zalloc(op->op.mem, bytes, err)))
        return CH_E_MEMORY;
    for (int32_t i = 0; i < call->n_args; i++) {
        if (idx)
            CH_TRY_OUT(ch_take(arg[i], idx, k, false, op->op.mem, &own[i], err));
        else
            own[i] = ch_column_ref(arg[i]);
        CH_TRY_OUT(prepare_arg(op, call->func, &own[i], err));
    }
    if (one)
        s->state[0] = group[0] + at;
    else if (idx)
        for (int64_t i = 0; i < k; i++)
            s->state[i] = group[idx[i]] + at;
    else
        for (int64_t i = 0; i < n; i++)
            s->state[i] = group[i] + at;
    call->arg = own;
    call->rows = idx ? k : n;
    status = call->func->agg->update(call, s->state, one, ch_grouper_extra(op->grouper, slot), err);
out:
    call->arg = dummy;
    for (int32_t i = 0; i < call->n_args; i++)
        ch_column_unref(own[i]);
    if (own != mine)
        ch_mem_free(op->op.mem, own, bytes);
    return status;
}

/* Keys and arguments of the rows that the set's filter keeps go to the set's grouper. */
static ch_status push_set(op_aggregate *op, int slot, uint64_t seq, agg_set *set, int64_t n,
                          ch_error *err)
{
    agg_slot *s = &op->slot[slot];
    const agg_call *leader = &op->agg[set->leader];
    int32_t n_cols = set->spec.n_cols;
    ch_status status = CH_OK;
    int64_t k = n;
    size_t bytes = sizeof(ch_column *) * (size_t)n_cols;
    ch_column **col = ch_mem_zalloc(op->op.mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    if (leader->filter >= 0)
        k = kept_rows(s->col[leader->filter], n, s->idx);
    for (int32_t c = 0; c < n_cols && k > 0; c++) {
        ch_column *from = c < op->n_keys ? s->col[c] : s->col[leader->first_arg + c - op->n_keys];
        ch_column *packed;
        CH_TRY_OUT(ch_key_pack(from, op->op.mem, &packed, err));
        if (k < n)
            status = ch_take(packed, s->idx, k, false, op->op.mem, &col[c], err);
        else
            col[c] = ch_column_ref(packed);
        ch_column_unref(packed);
        if (status != CH_OK)
            goto out;
    }
    uint8_t **group;
    status = ch_grouper_push(set->grouper, slot, seq, col, k, &group, err);
out:
    for (int32_t c = 0; c < n_cols; c++)
        ch_column_unref(col[c]);
    ch_mem_free(op->op.mem, col, bytes);
    return status;
}

static ch_status push_columns(op_aggregate *op, int slot, uint64_t seq, int64_t n, ch_error *err)
{
    agg_slot *s = &op->slot[slot];
    uint8_t **group;
    CH_TRY(need_rows(op, s, n, err));
    for (int32_t i = 0; i < op->n_sets; i++)
        CH_TRY(push_set(op, slot, seq, &op->set[i], n, err));
    CH_TRY(ch_grouper_push(op->grouper, slot, seq, s->col, n, &group, err));
    for (int32_t a = 0; a < op->n_aggs; a++) {
        const agg_call *agg = &op->agg[a];
        if (agg->set >= 0)
            continue;
        int64_t k = 0;
        if (agg->filter >= 0)
            k = kept_rows(s->col[agg->filter], n, s->idx);
        CH_TRY(update(op, slot, a, s->col + agg->first_arg, group, n,
                      agg->filter >= 0 && k < n ? s->idx : NULL, k, err));
    }
    return CH_OK;
}

static ch_status push_piece(op_aggregate *op, int slot, ch_batch *batch, ch_error *err)
{
    agg_slot *s = &op->slot[slot];
    ch_status status = CH_OK;
    for (int32_t i = 0; i < op->input.n; i++) {
        CH_TRY_OUT(ch_evaluate(op->in, slot, i, batch, op->op.mem, &s->col[i], err));
        if (i < op->n_keys && ch_type_is_nested(s->col[i]->type)) {
            ch_column *packed;
            CH_TRY_OUT(ch_key_pack(s->col[i], op->op.mem, &packed, err));
            ch_column_unref(s->col[i]);
            s->col[i] = packed;
        }
    }
    status = push_columns(op, slot, batch->seq, batch->n, err);
out:
    for (int32_t i = 0; i < op->input.n; i++) {
        ch_column_unref(s->col[i]);
        s->col[i] = NULL;
    }
    return status;
}

static ch_status aggregate_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_aggregate *op = (op_aggregate *)self;
    if (batch->n <= PIECE_ROWS)
        return push_piece(op, slot, batch, err);
    for (int64_t from = 0; from < batch->n; from += PIECE_ROWS) {
        ch_batch piece;
        int64_t n = batch->n - from < PIECE_ROWS ? batch->n - from : PIECE_ROWS;
        CH_TRY(ch_batch_copy(batch, &piece, err));
        ch_status status = ch_batch_slice(&piece, from, n, err);
        if (status == CH_OK)
            status = push_piece(op, slot, &piece, err);
        ch_batch_release(&piece);
        CH_TRY(status);
    }
    return CH_OK;
}

/* ---- DISTINCT: second level -------------------------------------------------------------- */

/* Groups of a set, as rows [keys, arguments], update the set's aggregates in the main grouper. */
static ch_status feed_rows(op_aggregate *op, int slot, agg_set *set, uint64_t seq, uint8_t **row,
                           int64_t n, ch_error *err)
{
    const ch_rowlayout *layout = ch_grouper_layout(set->grouper);
    const ch_expr_call *leader = op->agg[set->leader].expr;
    int32_t n_all = op->n_keys + set->n_args;
    ch_status status = CH_OK;
    size_t bytes = sizeof(ch_column *) * (size_t)(n_all + 1);
    ch_column **col = ch_mem_zalloc(op->op.mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < n_all; c++) {
        CH_TRY_OUT(ch_rows_gather(layout, c, row, n, op->op.mem, &col[c], err));
        const ch_type *type = c < op->n_keys ? NULL : leader->args.item[c - op->n_keys]->type;
        if (type && ch_type_is_nested(type)) {
            ch_column *nested;
            CH_TRY_OUT(ch_key_unpack(col[c], type, op->op.mem, &nested, err));
            ch_column_unref(col[c]);
            col[c] = nested;
        }
    }
    uint8_t **group;
    CH_TRY_OUT(need_rows(op, &op->slot[slot], n, err));
    CH_TRY_OUT(ch_grouper_push(op->grouper, slot, seq, col, n, &group, err));
    for (int32_t a = 0; a < op->n_aggs; a++)
        if (&op->set[op->agg[a].set < 0 ? 0 : op->agg[a].set] == set && op->agg[a].set >= 0)
            CH_TRY_OUT(update(op, slot, a, col + op->n_keys, group, n, NULL, 0, err));
out:
    for (int32_t c = 0; c < n_all; c++)
        ch_column_unref(col[c]);
    ch_mem_free(op->op.mem, col, bytes);
    return status;
}

static ch_status feed_morsel(op_aggregate *op, int slot, bool *more, ch_error *err)
{
    agg_set *set = op->feeding;
    int64_t morsel, n = 1;
    CH_TRY(ch_grouper_claim(set->grouper, slot, more, &morsel, err));
    while (*more && n > 0) {
        uint8_t **row;
        CH_TRY(ch_exec_heed(op->op.exec, err));
        CH_TRY(ch_grouper_next(set->grouper, slot, &row, &n, err));
        if (n > 0)
            CH_TRY(feed_rows(op, slot, set, FED_SEQ | (uint64_t)morsel, row, n, err));
    }
    return CH_OK;
}

static bool feed_step(void *user, int slot)
{
    op_aggregate *op = user;
    ch_error own = {0};
    bool more = false;
    if (op->feed_status != CH_OK)
        return false;
    ch_status status = feed_morsel(op, slot, &more, &own);
    if (status == CH_OK)
        return more;
    pthread_mutex_lock(&op->feed_lock);
    if (op->feed_status == CH_OK) {
        op->feed_status = (int)status;
        if (op->feed_err) {
            *op->feed_err = own;
            own = (ch_error){0};
        }
    }
    pthread_mutex_unlock(&op->feed_lock);
    ch_error_release(&own);
    return false;
}

static ch_status feed_sets(op_aggregate *op, ch_error *err)
{
    pthread_mutex_init(&op->feed_lock, NULL);
    op->feed_err = err;
    for (int32_t i = 0; i < op->n_sets && op->feed_status == CH_OK; i++) {
        op->feeding = &op->set[i];
        op->feed_status = (int)ch_grouper_ready(op->feeding->grouper, err);
        if (op->feed_status != CH_OK)
            break;
        /* Without keys all rows meet in one group. */
        int64_t n = ch_grouper_n_morsels(op->feeding->grouper);
        int workers = n < op->op.exec->n_slots ? (int)n : op->op.exec->n_slots;
        if (n > 0)
            ch_pool_run(op->op.exec->pool, feed_step, op, workers);
        op->op.spilled_bytes += ch_grouper_spilled(op->feeding->grouper);
        ch_grouper_close(op->feeding->grouper);
        op->feeding->grouper = NULL;
    }
    pthread_mutex_destroy(&op->feed_lock);
    return (ch_status)op->feed_status;
}

static ch_status aggregate_finish(ch_op *self, ch_error *err)
{
    op_aggregate *op = (op_aggregate *)self;
    CH_TRY(feed_sets(op, err));
    for (int s = 0; s < self->exec->n_slots; s++)
        free_slot(op, &op->slot[s]);
    CH_TRY(ch_grouper_ready(op->grouper, err));
    self->spilled_bytes += ch_grouper_spilled(op->grouper);
    return CH_OK;
}

/* ---- the result -------------------------------------------------------------------------- */

static int64_t aggregate_morsels(const ch_op *self)
{
    return ch_grouper_n_morsels(((const op_aggregate *)self)->grouper);
}

static ch_status aggregate_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_aggregate *op = (op_aggregate *)self;
    return ch_grouper_claim(op->grouper, slot, more, &op->slot[slot].morsel, err);
}

/* Columns [keys, carried, results] of n groups. */
static ch_status inner_batch(op_aggregate *op, int slot, uint8_t **group, int64_t n, ch_batch *out,
                             ch_error *err)
{
    ch_mem *mem = op->op.mem;
    const ch_rowlayout *layout = ch_grouper_layout(op->grouper);
    CH_TRY(ch_batch_init(out, mem, op->inner.n, n, err));
    ch_status status = CH_OK;
    for (int32_t c = 0; c < op->n_cols && status == CH_OK; c++) {
        const ch_type *type = op->inner.item[c]->type;
        status = ch_rows_gather(layout, c, group, n, mem, &out->col[c], err);
        if (status == CH_OK && c < op->n_keys && ch_type_is_nested(type)) {
            ch_column *packed = out->col[c];
            status = ch_key_unpack(packed, type, mem, &out->col[c], err);
            ch_column_unref(packed);
        }
    }
    for (int32_t a = 0; a < op->n_aggs && status == CH_OK; a++)
        status =
            ch_grouper_result(op->grouper, slot, a, group, n, mem, &out->col[op->n_cols + a], err);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static ch_status aggregate_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_aggregate *op = (op_aggregate *)self;
    uint8_t **group;
    int64_t n;
    CH_TRY(ch_grouper_next(op->grouper, slot, &group, &n, err));
    if (n == 0)
        return ch_batch_init(out, self->mem, 0, 0, err);
    ch_batch inner;
    CH_TRY(inner_batch(op, slot, group, n, &inner, err));
    ch_status status = ch_batch_init(out, self->mem, op->result.n, n, err);
    for (int32_t i = 0; i < op->result.n && status == CH_OK; i++)
        status = ch_evaluate(op->out, slot, i, &inner, self->mem, &out->col[i], err);
    out->seq = (uint64_t)op->slot[slot].morsel << 32;
    ch_batch_release(&inner);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

/* ---- explain ----------------------------------------------------------------------------- */

static ch_status aggregate_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_aggregate *op = (const op_aggregate *)self;
    CH_TRY(ch_buf_adds(out, "(keys=[", err));
    for (int32_t i = 0; i < op->n_keys; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
        CH_TRY(ch_expr_print(op->input.item[i], out, err));
    }
    CH_TRY(ch_buf_adds(out, "], functions=[", err));
    for (int32_t a = 0; a < op->n_aggs; a++) {
        CH_TRY(ch_buf_adds(out, a ? ", " : "", err));
        CH_TRY(ch_expr_print(&op->agg[a].expr->head, out, err));
    }
    return ch_buf_adds(out, "])", err);
}

static const ch_op_class AGGREGATE = {.name = "HashAggregate",
                                      .open = aggregate_open,
                                      .push = aggregate_push,
                                      .finish = aggregate_finish,
                                      .begin = aggregate_begin,
                                      .next = aggregate_next,
                                      .n_morsels = aggregate_morsels,
                                      .close = aggregate_close,
                                      .explain = aggregate_explain};

/* ---- compile ----------------------------------------------------------------------------- */

typedef struct rewriter {
    op_aggregate *op;
    ch_arena *arena;
    const ch_expr_list *grouping;
} rewriter;

static ch_status inner_attribute(rewriter *r, int32_t position, const ch_expr *of, ch_expr **out,
                                 ch_error *err)
{
    ch_attr *attr;
    CH_ARENA_NEW(attr, r->arena, err);
    attr->id = FIRST_ID + position;
    attr->type = of->type;
    attr->nullable = of->nullable;
    attr->name = "";
    ch_expr_attribute *e = ch_expr_new(r->arena, CH_EXPR_ATTRIBUTE, err);
    if (!e)
        return CH_E_MEMORY;
    e->head.type = of->type;
    e->head.nullable = of->nullable;
    e->attr = attr;
    *out = &e->head;
    return CH_OK;
}

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL && ((const ch_expr_call *)e)->func->agg;
}

/* The number of the aggregate call e, entered if it is new. */
static ch_status enter_call(rewriter *r, const ch_expr *e, int32_t *number, ch_error *err)
{
    op_aggregate *op = r->op;
    for (*number = 0; *number < op->n_aggs; ++*number)
        if (ch_expr_equal(&op->agg[*number].expr->head, e))
            return CH_OK;
    if (op->n_aggs % 8 == 0) {
        agg_call *more;
        CH_ARENA_ARRAY(more, r->arena, op->n_aggs + 8, err);
        if (op->n_aggs)
            memcpy(more, op->agg, sizeof *more * (size_t)op->n_aggs);
        op->agg = more;
    }
    op->agg[op->n_aggs++] = (agg_call){.expr = (const ch_expr_call *)e, .filter = -1, .set = -1};
    return CH_OK;
}

/* Grouping expressions and aggregate calls become attributes of the inner batch. */
static ch_status rewrite(void *user, ch_expr **e, ch_error *err)
{
    rewriter *r = user;
    for (int32_t i = 0; i < r->grouping->n; i++)
        if (ch_expr_equal(r->grouping->item[i], *e))
            return inner_attribute(r, i, *e, e, err);
    if (is_aggregate(*e)) {
        int32_t number;
        CH_TRY(enter_call(r, *e, &number, err));
        return inner_attribute(r, r->op->n_cols + number, *e, e, err);
    }
    return ch_expr_map_children(r->arena, e, rewrite, r, err);
}

static bool same_list(const ch_expr_list *a, const ch_expr_list *b)
{
    if (a->n != b->n)
        return false;
    for (int32_t i = 0; i < a->n; i++)
        if (!ch_expr_equal(a->item[i], b->item[i]))
            return false;
    return true;
}

static bool same_set(const ch_expr_call *a, const ch_expr_call *b)
{
    if (!same_list(&a->args, &b->args) || !a->filter != !b->filter)
        return false;
    return !a->filter || ch_expr_equal(a->filter, b->filter);
}

/* Gives a DISTINCT aggregate its set; the first of a set brings the arguments. */
static ch_status enter_set(op_aggregate *op, ch_arena *arena, int32_t a, ch_error *err)
{
    const ch_expr_call *e = op->agg[a].expr;
    for (int32_t i = 0; i < op->n_sets; i++) {
        const agg_call *leader = &op->agg[op->set[i].leader];
        if (same_set(leader->expr, e)) {
            op->agg[a].set = i;
            op->agg[a].first_arg = leader->first_arg;
            return CH_OK;
        }
    }
    agg_set *set = &op->set[op->n_sets];
    op->agg[a].set = op->n_sets++;
    *set = (agg_set){.leader = a, .n_args = e->args.n};
    const ch_type **types, **key_types;
    int32_t n = op->n_keys + e->args.n;
    CH_ARENA_ARRAY(types, arena, n + 1, err);
    CH_ARENA_ARRAY(key_types, arena, n + 1, err);
    for (int32_t c = 0; c < n; c++) {
        key_types[c] = c < op->n_keys ? op->key_types[c] : e->args.item[c - op->n_keys]->type;
        types[c] = ch_key_type(key_types[c]);
    }
    set->spec = (ch_grouper_spec){.types = types, .n_cols = n, .n_keys = n, .key_types = key_types};
    return CH_OK;
}

/* An argument that could fail is evaluated only for the rows that the filter keeps. */
static ch_status guarded(ch_arena *arena, ch_expr *filter, ch_expr *arg, ch_expr **out,
                         ch_error *err)
{
    *out = arg;
    if (!filter || !ch_expr_may_fail(arg))
        return CH_OK;
    ch_expr_case *e = ch_expr_new(arena, CH_EXPR_CASE, err);
    if (!e)
        return CH_E_MEMORY;
    e->head.type = arg->type;
    e->head.nullable = true;
    CH_TRY(ch_expr_list_add(arena, &e->args, filter, err));
    CH_TRY(ch_expr_list_add(arena, &e->args, arg, err));
    *out = &e->head;
    return CH_OK;
}

static ch_status enter_inputs(op_aggregate *op, ch_arena *arena, ch_error *err)
{
    int32_t n_args = 0;
    CH_ARENA_ARRAY(op->set, arena, op->n_aggs + 1, err);
    for (int32_t a = 0; a < op->n_aggs; a++) {
        agg_call *agg = &op->agg[a];
        const ch_expr_call *e = agg->expr;
        n_args += e->args.n;
        if (e->is_distinct && !e->func->agg->ignores_distinct && e->args.n > 0) {
            CH_TRY(enter_set(op, arena, a, err));
            if (op->set[agg->set].leader != a)
                continue;
        }
        agg->first_arg = op->input.n;
        for (int32_t i = 0; i < e->args.n; i++) {
            ch_expr *arg;
            CH_TRY(guarded(arena, e->filter, e->args.item[i], &arg, err));
            CH_TRY(ch_expr_list_add(arena, &op->input, arg, err));
        }
        if (e->filter) {
            agg->filter = op->input.n;
            CH_TRY(ch_expr_list_add(arena, &op->input, e->filter, err));
        }
    }
    CH_ARENA_ARRAY(op->call, arena, op->n_aggs + 1, err);
    CH_ARENA_ARRAY(op->dummy, arena, n_args + 1, err);
    return CH_OK;
}

/* op->input holds the n_cols columns' expressions, op->result the output over the inner batch. */
static ch_status wire(ch_compiler *c, op_aggregate *op, const ch_rel *input, ch_op *next,
                      ch_error *err)
{
    ch_arena *arena = c->exec->arena;
    unsigned keeps = 0;
    CH_ARENA_ARRAY(op->types, arena, op->n_cols + 1, err);
    CH_ARENA_ARRAY(op->key_types, arena, op->n_keys + 1, err);
    for (int32_t i = 0; i < op->n_cols; i++) {
        const ch_type *type = op->input.item[i]->type;
        bool grows = i >= op->n_keys && (ch_type_is_view(type) || ch_type_is_nested(type));
        keeps |= grows ? 1U << CH_AGG_GROWING : 0; /* Spark keeps first(column) */
        if (i < op->n_keys)
            op->key_types[i] = type;
        op->types[i] = i < op->n_keys ? ch_key_type(type) : type;
    }
    ch_attr *attr;
    CH_ARENA_ARRAY(attr, arena, op->n_cols + op->n_aggs + 1, err);
    CH_ARENA_ARRAY(op->inner.item, arena, op->n_cols + op->n_aggs + 1, err);
    for (int32_t i = 0; i < op->n_cols + op->n_aggs; i++) {
        attr[i].id = FIRST_ID + i;
        attr[i].name = "";
        attr[i].type =
            i < op->n_cols ? op->input.item[i]->type : op->agg[i - op->n_cols].expr->head.type;
        op->inner.item[op->inner.n++] = &attr[i];
    }
    CH_TRY(enter_inputs(op, arena, err));
    for (int32_t a = 0; a < op->n_aggs; a++)
        keeps |= 1U << ch_agg_keeps_of(op->agg[a].expr);
    op->spec = (ch_grouper_spec){.types = op->types,
                                 .n_cols = op->n_cols,
                                 .n_keys = op->n_keys,
                                 .agg = op->call,
                                 .n_aggs = op->n_aggs,
                                 .key_types = op->key_types,
                                 .order = ch_agg_order(input, keeps, op->n_sets > 0)};
    op->spec.nulls_last =
        ch_agg_nulls_last(op->key_types, op->n_keys,
                          op->of_set ? 0 : op->n_aggs + op->n_cols - op->n_keys, op->spec.order);
    CH_TRY(ch_evaluator_new(c->exec, &op->input, &input->output, &op->in, err));
    CH_TRY(ch_evaluator_new(c->exec, &op->result, &op->inner, &op->out, err));
    CH_TRY(ch_compile_into(c, input, &op->op, err));
    return ch_compile_source(c, &op->op, next, err);
}

static ch_status make_aggregate(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_aggregate *aggregate = (const ch_rel_aggregate *)rel;
    ch_arena *arena = c->exec->arena;
    op_aggregate *op = ch_op_new(c->exec, &AGGREGATE, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->n_keys = op->n_cols = aggregate->grouping.n;
    for (int32_t i = 0; i < op->n_keys; i++)
        CH_TRY(ch_expr_list_add(arena, &op->input, aggregate->grouping.item[i], err));
    op->of_set = aggregate->of_set;
    rewriter r = {op, arena, &aggregate->grouping};
    for (int32_t i = 0; i < aggregate->aggregates.n; i++) {
        ch_expr *e = aggregate->aggregates.item[i];
        if (e->kind == CH_EXPR_ALIAS)
            e = ((ch_expr_alias *)e)->child;
        CH_TRY(rewrite(&r, &e, err));
        CH_TRY(ch_expr_list_add(arena, &op->result, e, err));
    }
    CH_TRY(ch_offer_below(c, &aggregate->aggregates, err));
    return wire(c, op, aggregate->input, next, err);
}

/* A column that it passes on is a key: groups are dropped as wholes. */
const ch_op_maker ch_op_maker_aggregate = {CH_REL_AGGREGATE, make_aggregate, .takes_offers = true};

static bool is_key(const ch_rel_deduplicate *d, const ch_attr *attr, bool case_sensitive)
{
    if (d->all_columns_as_keys)
        return true;
    for (int32_t i = 0; i < d->columns.n; i++)
        if (case_sensitive ? strcmp(d->columns.item[i], attr->name) == 0
                           : strcasecmp(d->columns.item[i], attr->name) == 0)
            return true;
    return false;
}

static ch_status make_deduplicate(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_deduplicate *d = (const ch_rel_deduplicate *)rel;
    const ch_attr_list *in = &d->input->output;
    ch_arena *arena = c->exec->arena;
    op_aggregate *op = ch_op_new(c->exec, &AGGREGATE, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    rewriter r = {op, arena, NULL};
    CH_ARENA_ARRAY(op->result.item, arena, in->n + 1, err);
    op->result.n = in->n;
    for (int keys = 1; keys >= 0; keys--)
        for (int32_t i = 0; i < in->n; i++) {
            if (is_key(d, in->item[i], c->exec->func->case_sensitive) != keys)
                continue;
            ch_expr_attribute *e = ch_expr_new(arena, CH_EXPR_ATTRIBUTE, err);
            if (!e)
                return CH_E_MEMORY;
            e->attr = in->item[i];
            e->head.type = in->item[i]->type;
            e->head.nullable = in->item[i]->nullable;
            CH_TRY(ch_expr_list_add(arena, &op->input, &e->head, err));
            CH_TRY(inner_attribute(&r, op->n_cols, &e->head, &op->result.item[i], err));
            op->n_cols++;
            op->n_keys += keys;
        }
    return wire(c, op, d->input, next, err);
}

const ch_op_maker ch_op_maker_deduplicate = {CH_REL_DEDUPLICATE, make_deduplicate};
