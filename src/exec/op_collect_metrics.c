/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_collect_metrics.c - CollectMetrics (observe): rows pass, and aggregates see them as they do.
 *
 *   push     arguments are evaluated, each worker's states updated, the batch goes on
 *   finish   the workers' states are merged into the first one's, results computed, and the metrics,
 *            expressions over the results, entered in exec->observed
 */
#include "exec/exec.h"
#include "function/agg.h"
#include "plan/analyze.h"
#include "plan/node.h"
#include "plan/plan_frame.h"

#define FIRST_ID (INT64_MIN + 1)
#define MOST_AGGS 256

typedef struct metric_slot {
    uint8_t **state; /* one for each aggregate, in `extra` */
    ch_column **arg;
    ch_arena extra;
    bool used;
} metric_slot;

typedef struct op_metrics {
    ch_op op;
    const ch_rel_collect_metrics *rel;
    const ch_expr_call **agg;
    int32_t n_aggs;
    ch_expr_list input;  /* arguments, one aggregate's after the other's */
    ch_expr_list result; /* metrics over `inner` */
    ch_attr_list inner;  /* the aggregates' results */
    ch_evaluator *in, *out;
    ch_column **dummy; /* arguments before there are any: no rows, right types */
    int32_t n_dummies;
    metric_slot *slot;
    ch_observed *observed;
} op_metrics;

static ch_call call_of(const op_metrics *op, int32_t k, ch_column *const *arg, int64_t rows)
{
    const ch_expr_call *e = op->agg[k];
    return (ch_call){.func = e->func,
                     .ctx = op->op.exec->func,
                     .data = e->data,
                     .rows = rows,
                     .n_args = e->args.n,
                     .arg = arg,
                     .result = e->head.type,
                     .mem = op->op.mem};
}

static ch_status metrics_open(ch_op *self, ch_error *err)
{
    op_metrics *op = (op_metrics *)self;
    ch_exec *exec = self->exec;
    CH_ARENA_ARRAY(op->dummy, exec->arena, op->input.n + 1, err);
    for (; op->n_dummies < op->input.n; op->n_dummies++)
        CH_TRY(ch_column_nulls(self->mem, op->input.item[op->n_dummies]->type, 0,
                               &op->dummy[op->n_dummies], err));
    CH_ARENA_ARRAY(op->slot, exec->arena, exec->n_slots, err);
    for (int s = 0; s < exec->n_slots; s++) {
        metric_slot *slot = &op->slot[s];
        ch_arena_init(&slot->extra, self->mem);
        slot->used = true;
        CH_ARENA_ARRAY(slot->arg, exec->arena, op->input.n + 1, err);
        CH_ARENA_ARRAY(slot->state, exec->arena, op->n_aggs + 1, err);
        int32_t first = 0;
        for (int32_t k = 0; k < op->n_aggs; k++) {
            const ch_agg *agg = op->agg[k]->func->agg;
            ch_call call = call_of(op, k, op->dummy + first, 0);
            int32_t bytes = agg->size ? agg->size(&call) : agg->state_bytes;
            uint64_t *state;
            CH_ARENA_ARRAY(state, &slot->extra, bytes / 8 + 1, err);
            slot->state[k] = (uint8_t *)state;
            first += op->agg[k]->args.n;
        }
    }
    return CH_OK;
}

static ch_status metrics_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_metrics *op = (op_metrics *)self;
    metric_slot *s = &op->slot[slot];
    ch_status status = CH_OK;
    int32_t n = 0, first = 0;
    for (; n < op->input.n && status == CH_OK; n += status == CH_OK)
        status = ch_evaluate(op->in, slot, n, batch, self->mem, &s->arg[n], err);
    for (int32_t k = 0; k < op->n_aggs && status == CH_OK; k++) {
        ch_call call = call_of(op, k, s->arg + first, batch->n);
        status = op->agg[k]->func->agg->update(&call, &s->state[k], true, &s->extra, err);
        first += op->agg[k]->args.n;
    }
    for (int32_t i = 0; i < n; i++)
        ch_column_unref(s->arg[i]);
    return status == CH_OK ? ch_op_emit(self, slot, batch, err) : status;
}

/* The metrics' values, in exec's arena. */
static ch_status tell(op_metrics *op, ch_batch *results, ch_error *err)
{
    ch_exec *exec = op->op.exec;
    ch_observed *o = op->observed;
    for (int32_t i = 0; i < o->n; i++) {
        ch_column *c, *flat;
        CH_TRY(ch_evaluate(op->out, 0, i, results, op->op.mem, &c, err));
        ch_status status = ch_flatten(c, op->op.mem, &flat, err);
        ch_column_unref(c);
        CH_TRY(status);
        ch_scalar value;
        status = ch_column_scalar(flat, 0, exec->arena, &value, err);
        if (status == CH_OK)
            status = ch_agg_copy(&value, exec->arena, &o->value[i], err);
        ch_column_unref(flat);
        CH_TRY(status);
    }
    o->done = true;
    return CH_OK;
}

static ch_status metrics_finish(ch_op *self, ch_error *err)
{
    op_metrics *op = (op_metrics *)self;
    int32_t first = 0;
    ch_batch results;
    for (int32_t k = 0; k < op->n_aggs; k++) {
        ch_call call = call_of(op, k, op->dummy + first, 0);
        for (int s = 1; s < self->exec->n_slots; s++)
            CH_TRY(op->agg[k]->func->agg->merge(&call, &op->slot[0].state[k], &op->slot[s].state[k],
                                                1, &op->slot[0].extra, err));
        first += op->agg[k]->args.n;
    }
    CH_TRY(ch_batch_init(&results, self->mem, op->n_aggs, 1, err));
    ch_status status = CH_OK;
    first = 0;
    for (int32_t k = 0; k < op->n_aggs && status == CH_OK; k++) {
        const ch_expr_call *e = op->agg[k];
        ch_call call = call_of(op, k, op->dummy + first, 1);
        if (!ch_type_is_nested(e->head.type))
            status = ch_column_new(self->mem, e->head.type, 1, &results.col[k], err);
        if (status == CH_OK && results.col[k] && (e->func->flags & CH_FUNC_MAKES_NULL))
            status = ch_column_need_valid(results.col[k], err);
        if (status == CH_OK)
            status = e->func->agg->result(&call, &op->slot[0].state[k], 1, &results.col[k], err);
        first += e->args.n;
    }
    if (status == CH_OK)
        status = tell(op, &results, err);
    ch_batch_release(&results);
    return status;
}

static void metrics_close(ch_op *self)
{
    op_metrics *op = (op_metrics *)self;
    ch_evaluator_close(op->in);
    ch_evaluator_close(op->out);
    for (int32_t i = 0; i < op->n_dummies; i++)
        ch_column_unref(op->dummy[i]);
    for (int s = 0; op->slot && s < self->exec->n_slots; s++)
        if (op->slot[s].used)
            ch_arena_release(&op->slot[s].extra);
    op->slot = NULL;
    op->n_dummies = 0;
}

static ch_status metrics_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_metrics *op = (const op_metrics *)self;
    CH_TRY(ch_buf_adds(out, op->rel->name, err));
    for (int32_t i = 0; i < op->rel->metrics.n; i++) {
        CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(ch_expr_print(op->rel->metrics.item[i], out, err));
    }
    return CH_OK;
}

static const ch_op_class METRICS = {.name = "CollectMetrics",
                                    .open = metrics_open,
                                    .push = metrics_push,
                                    .finish = metrics_finish,
                                    .close = metrics_close,
                                    .explain = metrics_explain};

typedef struct rewriter {
    op_metrics *op;
    ch_arena *arena;
} rewriter;

/* Aggregate calls become columns. */
static ch_status rewrite(void *user, ch_expr **child, ch_error *err)
{
    rewriter *r = user;
    op_metrics *op = r->op;
    const ch_expr_call *call = (const ch_expr_call *)*child;
    if ((*child)->kind != CH_EXPR_CALL || !call->func->agg)
        return ch_expr_map_children(r->arena, child, rewrite, r, err);
    if (op->n_aggs == MOST_AGGS)
        CH_FAIL(err, UNSUPPORTED, "feature", "An observation of so many aggregates");
    ch_attr *attr;
    ch_expr_attribute *e;
    CH_ARENA_NEW(attr, r->arena, err);
    *attr = (ch_attr){.name = "",
                      .type = call->head.type,
                      .nullable = call->head.nullable,
                      .id = FIRST_ID + op->n_aggs};
    if (!(e = ch_expr_new(r->arena, CH_EXPR_ATTRIBUTE, err)))
        return CH_E_MEMORY;
    e->attr = attr;
    e->head.type = attr->type;
    e->head.nullable = attr->nullable;
    op->agg[op->n_aggs++] = call;
    op->inner.item[op->inner.n++] = attr;
    for (int32_t i = 0; i < call->args.n; i++)
        CH_TRY(ch_expr_list_add(r->arena, &op->input, call->args.item[i], err));
    *child = &e->head;
    return CH_OK;
}

static ch_status make_metrics(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_collect_metrics *m = (const ch_rel_collect_metrics *)rel;
    ch_arena *arena = c->exec->arena;
    op_metrics *op = ch_op_new(c->exec, &METRICS, sizeof *op, rel, next, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = m;
    CH_ARENA_ARRAY(op->agg, arena, MOST_AGGS, err);
    CH_ARENA_ARRAY(op->inner.item, arena, MOST_AGGS, err);
    ch_observed *o;
    CH_ARENA_NEW(o, arena, err);
    o->name = m->name;
    o->plan_id = rel->plan_id;
    CH_ARENA_ARRAY(o->key, arena, m->metrics.n + 1, err);
    CH_ARENA_ARRAY(o->value, arena, m->metrics.n + 1, err);
    rewriter r = {op, arena};
    for (int32_t i = 0; i < m->metrics.n; i++) {
        const ch_expr_alias *alias = (const ch_expr_alias *)m->metrics.item[i];
        ch_expr *e = alias->child;
        CH_TRY(rewrite(&r, &e, err));
        CH_TRY(ch_expr_list_add(arena, &op->result, e, err));
        o->key[o->n++] = alias->names.item[0];
    }
    op->observed = o;
    o->next = c->exec->observed;
    c->exec->observed = o;
    CH_TRY(ch_evaluator_new(c->exec, &op->input, &m->input->output, &op->in, err));
    CH_TRY(ch_evaluator_new(c->exec, &op->result, &op->inner, &op->out, err));
    c->offers = NULL; /* every row is to be seen */
    return ch_compile_into(c, m->input, &op->op, err);
}

const ch_op_maker ch_op_maker_collect_metrics = {CH_REL_COLLECT_METRICS, make_metrics};
