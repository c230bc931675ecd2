/* SPDX-License-Identifier: Apache-2.0 */
/* op_rows.c - sources without files: SELECT without FROM, VALUES, range(), rows that are there already;
 * and the nodes that only rename (SubqueryAlias) or run one input after the other (Union). */
#include "column/take.h"
#include "exec/exec.h"
#include "plan/node.h"

/* Up to as many rows are cut into partitions as in Spark; more, by what is fast. */
#define FEW_ROWS 16384

typedef struct op_rows {
    ch_op op;
    _Atomic int64_t next_morsel;
    int64_t n_morsels;
    int64_t
        few; /* rows in all, cut into n_morsels partitions as Spark does it; -1: more than few */
    int64_t *at, *end; /* per slot: what is left of its morsel */
    uint64_t *seq;     /* per slot */
    ch_evaluator *ev;  /* VALUES */
} op_rows;

static ch_status rows_open(ch_op *self, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    CH_ARENA_ARRAY(op->at, self->exec->arena, self->exec->n_slots, err);
    CH_ARENA_ARRAY(op->end, self->exec->arena, self->exec->n_slots, err);
    CH_ARENA_ARRAY(op->seq, self->exec->arena, self->exec->n_slots, err);
    return CH_OK;
}

static ch_status rows_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    CH_UNUSED(err);
    int64_t morsel = atomic_fetch_add(&op->next_morsel, 1);
    *more = morsel < op->n_morsels;
    op->seq[slot] = (uint64_t)morsel << 32;
    op->at[slot] = morsel;
    op->end[slot] = morsel + 1;
    if (op->few >= 0 && *more) {
        op->at[slot] = morsel * op->few / op->n_morsels;
        op->end[slot] = (morsel + 1) * op->few / op->n_morsels;
    }
    return CH_OK;
}

/* Few rows are work for one. */
static int64_t rows_morsels(const ch_op *self)
{
    const op_rows *op = (const op_rows *)self;
    return op->few >= 0 && op->n_morsels > 1 ? 1 : op->n_morsels;
}

static void rows_close(ch_op *self)
{
    ch_evaluator_close(((op_rows *)self)->ev);
}

static ch_status make_source(ch_compiler *c, const ch_op_class *cls, const ch_rel *rel,
                             int64_t n_morsels, ch_op *next, op_rows **out, ch_error *err)
{
    op_rows *op = ch_op_new(c->exec, cls, sizeof *op, rel, NULL, err);
    *out = op;
    if (!op)
        return CH_E_MEMORY;
    op->n_morsels = n_morsels;
    op->few = -1;
    return ch_compile_source(c, &op->op, next, err);
}

/* Cuts n rows into partitions: never more than rows, as many as Spark's leaves have. */
static void cut(op_rows *op, const ch_compiler *c, int64_t n)
{
    int64_t parts = c->exec->leaf_partitions > 0 ? c->exec->leaf_partitions : 1;
    if (n > FEW_ROWS)
        return;
    op->few = n;
    op->n_morsels = c->whole || n < 1 ? 1 : n < parts ? n : parts;
}

/* ---------------------------------------------------------------- one row */

static ch_status one_row_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    CH_TRY(ch_batch_init(out, self->mem, 0, op->at[slot] < op->end[slot], err));
    op->at[slot]++;
    return CH_OK;
}

static const ch_op_class ONE_ROW = {.name = "OneRow",
                                    .open = rows_open,
                                    .begin = rows_begin,
                                    .next = one_row_next,
                                    .n_morsels = rows_morsels};

static ch_status make_one_row(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    op_rows *op;
    return make_source(c, &ONE_ROW, rel, 1, next, &op, err);
}

const ch_op_maker ch_op_maker_one_row = {CH_REL_ONE_ROW, make_one_row};

/* ----------------------------------------------------------------- VALUES */

/* All rows of a morsel in one batch: column k is the concatenation of its expressions' values. */
static ch_status values_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    int32_t n_cols = self->output.n, first = (int32_t)op->at[slot];
    int32_t n_rows = (int32_t)(op->end[slot] - op->at[slot]);
    op->at[slot] = op->end[slot];
    if (n_rows == 0)
        return ch_batch_init(out, self->mem, 0, 0, err);
    ch_batch one;
    CH_TRY(ch_batch_init(&one, self->mem, 0, 1, err));
    ch_status status = ch_batch_init(out, self->mem, n_cols, n_rows, err);
    size_t bytes = sizeof(ch_column *) * (size_t)n_rows;
    ch_column **cell = status == CH_OK ? ch_mem_zalloc(self->mem, bytes, err) : NULL;
    if (!cell) {
        ch_batch_release(out);
        return CH_E_MEMORY;
    }
    for (int32_t k = 0; k < n_cols && status == CH_OK; k++) {
        for (int32_t r = 0; r < n_rows && status == CH_OK; r++)
            status =
                ch_evaluate(op->ev, slot, (first + r) * n_cols + k, &one, self->mem, &cell[r], err);
        if (status == CH_OK)
            status =
                ch_concat(cell, n_rows, self->output.item[k]->type, self->mem, &out->col[k], err);
        for (int32_t r = 0; r < n_rows; r++) {
            ch_column_unref(cell[r]);
            cell[r] = NULL;
        }
    }
    ch_mem_free(self->mem, cell, bytes);
    out->seq = op->seq[slot];
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static const ch_op_class VALUES = {.name = "LocalTableScan",
                                   .open = rows_open,
                                   .begin = rows_begin,
                                   .next = values_next,
                                   .n_morsels = rows_morsels,
                                   .close = rows_close};

static ch_status make_values(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_values *values = (const ch_rel_values *)rel;
    ch_expr_list all = {0};
    ch_attr_list none = {0};
    op_rows *op;
    CH_TRY(make_source(c, &VALUES, rel, 1, next, &op, err));
    op->few = values->n_rows; /* however many */
    cut(op, c, values->n_rows);
    CH_ARENA_ARRAY(all.item, c->exec->arena, values->n_rows * rel->output.n, err);
    for (int32_t r = 0; r < values->n_rows; r++)
        for (int32_t k = 0; k < rel->output.n; k++)
            all.item[all.n++] = values->row[r].item[k];
    return ch_evaluator_new(c->exec, &all, &none, &op->ev, err);
}

const ch_op_maker ch_op_maker_values = {CH_REL_VALUES, make_values};

/* ------------------------------------------------------------------ range */

#define RANGE_MORSEL_ROWS ((int64_t)1 << 20)

static int64_t range_rows(const ch_rel_range *r)
{
    if (r->step > 0)
        return r->to <= r->from
                   ? 0
                   : (int64_t)(((ch_u128)((ch_i128)r->to - r->from) + (ch_u128)r->step - 1) /
                               (ch_u128)r->step);
    if (r->to >= r->from)
        return 0;
    ch_u128 step = (ch_u128)(-(ch_i128)r->step);
    return (int64_t)(((ch_u128)((ch_i128)r->from - r->to) + step - 1) / step);
}

static ch_status range_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    int64_t total = range_rows((const ch_rel_range *)self->rel);
    CH_TRY(rows_begin(self, slot, more, err));
    if (!*more || op->few >= 0)
        return CH_OK;
    int32_t parts = ((const ch_rel_range *)self->rel)->num_partitions;
    if (parts > 0) { /* a morsel is a partition, cut as Spark cuts them */
        int64_t part = op->at[slot];
        op->at[slot] = (int64_t)((ch_i128)part * total / parts);
        op->end[slot] = (int64_t)((ch_i128)(part + 1) * total / parts);
        return CH_OK;
    }
    op->at[slot] *= RANGE_MORSEL_ROWS;
    op->end[slot] = op->at[slot] + RANGE_MORSEL_ROWS;
    if (op->end[slot] > total)
        op->end[slot] = total;
    return CH_OK;
}

static ch_status range_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    const ch_rel_range *rel = (const ch_rel_range *)self->rel;
    int64_t n = op->end[slot] - op->at[slot];
    if (n > self->exec->batch_rows)
        n = self->exec->batch_rows;
    CH_TRY(ch_batch_init(out, self->mem, self->output.n, n, err));
    out->seq = op->seq[slot];
    if (n == 0 || self->output.n == 0) {
        op->at[slot] += n;
        return CH_OK;
    }
    ch_status status = ch_column_new(self->mem, CH_T_LONG, n, &out->col[0], err);
    if (status != CH_OK) {
        ch_batch_release(out);
        return status;
    }
    int64_t *value = out->col[0]->data;
    uint64_t first = (uint64_t)rel->from + (uint64_t)op->at[slot] * (uint64_t)rel->step;
    for (int64_t i = 0; i < n; i++)
        value[i] = (int64_t)(first + (uint64_t)i * (uint64_t)rel->step);
    op->at[slot] += n;
    return CH_OK;
}

static ch_status range_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_rel_range *r = (const ch_rel_range *)self->rel;
    return ch_buf_printf(out, err, "(%lld, %lld, step=%lld)", (long long)r->from, (long long)r->to,
                         (long long)r->step);
}

static const ch_op_class RANGE = {.name = "Range",
                                  .open = rows_open,
                                  .begin = range_begin,
                                  .next = range_next,
                                  .n_morsels = rows_morsels,
                                  .explain = range_explain};

static ch_status make_range(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    op_rows *op;
    const ch_rel_range *range = (const ch_rel_range *)rel;
    int64_t rows = range_rows(range), n = (rows + RANGE_MORSEL_ROWS - 1) / RANGE_MORSEL_ROWS;
    CH_TRY(make_source(c, &RANGE, rel, range->num_partitions > 0 ? range->num_partitions : n, next,
                       &op, err));
    if (range->num_partitions <= 0 && rows <= FEW_ROWS) {
        op->few = rows; /* partitions without rows count, too */
        op->n_morsels = c->exec->leaf_partitions > 0 ? c->exec->leaf_partitions : 1;
    }
    return CH_OK;
}

const ch_op_maker ch_op_maker_range = {CH_REL_RANGE, make_range};

/* --------------------------------------------------------- local relation */

/* The next rows of a partition, as far as they lie in one batch. */
static ch_status local_few(op_rows *op, int slot, ch_batch *out, ch_error *err)
{
    const ch_rel_local_relation *rel = (const ch_rel_local_relation *)op->op.rel;
    int64_t from = op->at[slot], n = op->end[slot] - from;
    int32_t b = 0;
    for (; from >= rel->batch[b]->n_full; b++)
        from -= rel->batch[b]->n_full;
    const ch_batch *batch = rel->batch[b];
    if (n > batch->n_full - from)
        n = batch->n_full - from;
    op->at[slot] += n;
    CH_TRY(ch_batch_init(out, op->op.mem, batch->n_cols, batch->n_full, err));
    for (int32_t k = 0; k < batch->n_cols; k++)
        out->col[k] = ch_column_ref(batch->col[k]);
    out->seq = op->seq[slot];
    ch_status status = n < batch->n_full ? ch_batch_slice(out, from, n, err) : CH_OK;
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static ch_status local_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_rows *op = (op_rows *)self;
    const ch_rel_local_relation *rel = (const ch_rel_local_relation *)self->rel;
    if (op->at[slot] >= op->end[slot])
        return ch_batch_init(out, self->mem, 0, 0, err);
    if (op->few >= 0)
        return local_few(op, slot, out, err);
    const ch_batch *batch = rel->batch[op->at[slot]++];
    CH_TRY(ch_batch_init(out, self->mem, batch->n_cols, batch->n_full, err));
    for (int32_t k = 0; k < batch->n_cols; k++)
        out->col[k] = ch_column_ref(batch->col[k]);
    out->seq = op->seq[slot];
    return CH_OK;
}

static const ch_op_class LOCAL = {.name = "LocalTableScan",
                                  .open = rows_open,
                                  .begin = rows_begin,
                                  .next = local_next,
                                  .n_morsels = rows_morsels};

static ch_status make_local(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_local_relation *local = (const ch_rel_local_relation *)rel;
    int64_t n = 0;
    op_rows *op;
    CH_TRY(make_source(c, &LOCAL, rel, local->n_batches, next, &op, err));
    for (int32_t i = 0; i < local->n_batches; i++)
        n += local->batch[i]->n_full;
    cut(op, c, n);
    return CH_OK;
}

const ch_op_maker ch_op_maker_local_relation = {CH_REL_LOCAL_RELATION, make_local};

/* ------------------------------------------------- alias, hint, UNION ALL */

static ch_status make_alias(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    return ch_compile_into(c, ((const ch_rel_subquery_alias *)rel)->input, next, err);
}

static ch_status make_hint(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    return ch_compile_into(c, ((const ch_rel_hint *)rel)->input, next, err);
}

const ch_op_maker ch_op_maker_subquery_alias = {CH_REL_SUBQUERY_ALIAS, make_alias};
const ch_op_maker ch_op_maker_hint = {CH_REL_HINT, make_hint};

/* UNION ALL: columns meet by position; all other set operations are rewritten by the analyzer or
 * optimizer into joins and aggregates. */
static ch_status make_union(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_set_operation *set = (const ch_rel_set_operation *)rel;
    if (set->op != CH_SET_UNION || !set->is_all)
        CH_FAIL(err, UNSUPPORTED, "feature", "INTERSECT or EXCEPT without rewriting");
    CH_TRY(ch_compile_into(c, set->left, next, err));
    return ch_compile_into(c, set->right, next, err);
}

const ch_op_maker ch_op_maker_union = {CH_REL_SET_OPERATION, make_union};
