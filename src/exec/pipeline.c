/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipeline.c - operators wired into pipelines, and the loop that runs them.
 *
 * Invariant: an operator is flushed and finished exactly once, when its last feeder is done. A feeder
 * is a pipeline whose first operator it is, or an operator whose output it takes.
 */
#include "exec/pipeline.h"

#include "base/clock.h"

void ch_op_add_feeder(ch_op *op, ch_op *feeder)
{
    /* Kept in order of wiring: a join shows its left side first. */
    *(op->last_feeder ? &op->last_feeder->next_sibling : &op->first_feeder) = feeder;
    op->last_feeder = feeder;
}

void *ch_op_new(ch_exec *exec, const ch_op_class *cls, size_t bytes, const ch_rel *rel, ch_op *next,
                ch_error *err)
{
    ch_op *op = ch_arena_alloc(exec->arena, bytes, err);
    if (!op)
        return NULL;
    op->cls = cls;
    op->exec = exec;
    op->next = next;
    op->rel = rel;
    if (rel)
        op->output = rel->output;
    op->mem = ch_mem_new(exec->mem, cls->name, 0);
    if (!op->mem) {
        (void)ch_error_memory(err, cls->name, (int64_t)bytes, 0);
        return NULL;
    }
    if (next) {
        next->n_feeders++;
        ch_op_add_feeder(next, op);
    }
    ch_physical_add_op(exec->physical, op);
    return op;
}

static ch_status push(ch_op *op, int slot, ch_batch *batch, ch_error *err)
{
    int64_t start = ch_tick_ns();
    ch_status status = op->cls->push(op, slot, batch, err);
    atomic_fetch_add_explicit(&op->busy_ns, ch_tick_ns() - start, memory_order_relaxed);
    return status;
}

static void count_out(ch_op *op, const ch_batch *batch)
{
    atomic_fetch_add_explicit(&op->rows_out, batch->n, memory_order_relaxed);
    atomic_fetch_add_explicit(&op->batches_out, 1, memory_order_relaxed);
}

ch_status ch_op_emit(ch_op *op, int slot, ch_batch *batch, ch_error *err)
{
    if (batch->n == 0)
        return CH_OK;
    CH_TRY(ch_exec_heed(op->exec, err));
    count_out(op, batch);
    return op->next ? push(op->next, slot, batch, err) : CH_OK;
}

/* ----------------------------------------------------------- one pipeline */

typedef struct pipeline_run {
    ch_pipeline *pipeline;
    ch_exec *exec;
    pthread_mutex_t lock; /* guards err */
    ch_error *err;
    _Atomic int status;    /* of the first failure */
    _Atomic int next_slot; /* flushing: the next slot to do */
    ch_op *flushing;
} pipeline_run;

/* The first failure is told; the others follow from it. */
static void failed(pipeline_run *run, ch_status status, ch_error *own)
{
    pthread_mutex_lock(&run->lock);
    if (run->status == CH_OK) {
        run->status = (int)status;
        if (run->err && run->err->code == CH_OK) {
            *run->err = *own;
            *own = (ch_error){0};
        }
    }
    pthread_mutex_unlock(&run->lock);
    ch_error_release(own);
}

static bool wants_more(const ch_op *first)
{
    for (const ch_op *op = first; op; op = op->next)
        if (atomic_load_explicit(&op->stop, memory_order_relaxed))
            return false;
    return true;
}

bool ch_op_is_full(const ch_op *first, int slot)
{
    for (const ch_op *op = first; op; op = op->next)
        if (op->cls->morsel_full && op->cls->morsel_full(op, slot))
            return true;
    return false;
}

static bool is_serial(const ch_op *first)
{
    for (const ch_op *op = first; op; op = op->next)
        if (op->serial)
            return true;
    return false;
}

static ch_status one_morsel(ch_pipeline *p, int slot, bool *more, ch_error *err)
{
    ch_op *source = p->source;
    const ch_exec *exec = source->exec;
    uint64_t seq = (uint64_t)p->number << 48;
    CH_TRY(source->cls->begin(source, slot, more, err));
    if (!*more)
        return CH_OK;
    while (!ch_op_is_full(p->first, slot)) {
        CH_TRY(ch_exec_heed(exec, err));
        ch_batch batch;
        int64_t start = ch_tick_ns();
        CH_TRY(source->cls->next(source, slot, &batch, err));
        atomic_fetch_add_explicit(&source->busy_ns, ch_tick_ns() - start, memory_order_relaxed);
        if (batch.n_full == 0) {
            ch_batch_release(&batch);
            break;
        }
        seq = (uint64_t)p->number << 48 | (batch.seq >> 32) << 16;
        batch.seq = seq;
        count_out(source, &batch);
        ch_status status = batch.n ? push(p->first, slot, &batch, err) : CH_OK;
        ch_batch_release(&batch);
        CH_TRY(status);
    }
    for (ch_op *op = p->first; op; op = op->next)
        if (op->cls->morsel_done)
            CH_TRY(op->cls->morsel_done(op, slot, seq, err));
    return CH_OK;
}

static bool morsel_step(void *user, int slot)
{
    pipeline_run *run = user;
    if (run->status != CH_OK || !wants_more(run->pipeline->first))
        return false;
    ch_error err = {0};
    bool more = false;
    ch_status status = one_morsel(run->pipeline, slot, &more, &err);
    if (status != CH_OK) {
        failed(run, status, &err);
        return false;
    }
    return more;
}

static bool flush_step(void *user, int slot)
{
    pipeline_run *run = user;
    CH_UNUSED(slot);
    int k = atomic_fetch_add(&run->next_slot, 1);
    if (k >= run->exec->n_slots || run->status != CH_OK)
        return false;
    ch_error err = {0};
    ch_status status = run->flushing->cls->flush(run->flushing, k, &err);
    if (status != CH_OK)
        failed(run, status, &err);
    return true;
}

/* One feeder of op is done; when it was the last, so is op. */
static ch_status feeder_done(pipeline_run *run, ch_op *op, ch_error *err)
{
    for (; op; op = op->next) {
        if (--op->n_feeders > 0)
            return CH_OK;
        if (op->cls->flush) {
            run->flushing = op;
            atomic_store(&run->next_slot, 0);
            /* What takes rows one batch at a time must not get flushed ones from several workers. */
            ch_pool_run(run->exec->pool, flush_step, run, is_serial(op) ? 1 : run->exec->n_slots);
            if (run->status != CH_OK)
                return (ch_status)run->status;
        }
        if (op->cls->finish) {
            int64_t start = ch_tick_ns();
            CH_TRY(op->cls->finish(op, err));
            atomic_fetch_add_explicit(&op->busy_ns, ch_tick_ns() - start, memory_order_relaxed);
        }
    }
    return CH_OK;
}

static ch_status open_op(ch_op *op, ch_error *err)
{
    if (op->opened)
        return CH_OK;
    if (op->cls->open)
        CH_TRY(op->cls->open(op, err));
    atomic_store(&op->opened, true); /* last: other threads may ask for its progress from now on */
    return CH_OK;
}

static ch_status run_pipeline(ch_pipeline *p, ch_exec *exec, ch_error *err)
{
    pipeline_run run = {.pipeline = p, .exec = exec, .err = err};
    for (ch_op *op = p->first; op; op = op->next)
        CH_TRY(open_op(op, err));
    CH_TRY(open_op(p->source, err));
    pthread_mutex_init(&run.lock, NULL);
    ch_status status = CH_OK;
    if (wants_more(p->first)) {
        int64_t n = p->source->cls->n_morsels ? p->source->cls->n_morsels(p->source) : 1;
        int workers = is_serial(p->first) ? 1 : n < exec->n_slots ? (int)n : exec->n_slots;
        ch_pool_run(exec->pool, morsel_step, &run, workers < 1 ? 1 : workers);
        status = (ch_status)run.status;
    }
    if (status == CH_OK)
        status = feeder_done(&run, p->first, err);
    pthread_mutex_destroy(&run.lock);
    return status;
}

/* -------------------------------------------------------------- the query */

ch_status ch_physical_run(ch_physical *physical, ch_error *err)
{
    for (int32_t i = 0; i < physical->n_pipelines; i++) {
        atomic_store(&physical->current, i);
        CH_TRY(run_pipeline(physical->pipeline[i], physical->exec, err));
    }
    return CH_OK;
}

void ch_physical_progress(const ch_physical *physical, ch_scan_progress *out)
{
    *out = (ch_scan_progress){0};
    int32_t current = atomic_load(&physical->current);
    for (int32_t i = 0; i <= current && i < physical->n_pipelines; i++) {
        const ch_op *source = physical->pipeline[i]->source;
        if (source->opened && source->cls->progress)
            source->cls->progress(source, out);
    }
}

void ch_physical_close(ch_physical *physical)
{
    if (!physical)
        return;
    for (ch_op *op = physical->ops; op; op = op->next_op) {
        if (op->cls->close)
            op->cls->close(op);
        ch_mem_close(op->mem);
    }
    physical->ops = NULL;
}
