/* SPDX-License-Identifier: Apache-2.0 */
/* query.c - a plan's way: analyze, optimize, compile, run. */
#include "session/query.h"

#include <string.h>

#include "base/clock.h"
#include "base/stack.h"
#include "optimize/optimize.h"
#include "plan/node.h"
#include "session/cache.h"
#include "session/catalog.h"
#include "session/python_session.h"

/* Of a plan: what grows beyond, by common tables that use each other twice over and over, does not end. */
#define LEAST_PLAN_BYTES ((int64_t)8 << 20)
#define MOST_PLAN_BYTES ((int64_t)512 << 20)

#define MOST_BATCH_ROWS \
    (1 << 20) /* positions of rows are int32, and arrays of them are made per slot */

struct ch_query {
    ch_session *session;
    ch_frame *frame; /* owned reference */
    ch_mem *mem;
    ch_mem *plan_mem; /* pays for arena */
    ch_arena arena;
    ch_func_context func;
    ch_session_catalog catalog;
    ch_analyze_context analyze;
    const ch_rel *written; /* the frame's */
    ch_rel *analyzed, *optimized;
    int32_t levels; /* of the analyzed plan: what reads it needs the stack for them */
    ch_exec exec;
    ch_physical *physical;
    ch_op *collect;
    const ch_kept *skip; /* borrowed; or NULL */
    ch_cache_use kept;   /* that the plan reads */
    _Atomic bool cancel;
    _Atomic bool *cancel_with; /* borrowed; NULL: the own flag */
    _Atomic bool compiled;     /* progress may look at physical */
    ch_query *older;           /* in ch_running */
};

const ch_observed *ch_query_observed(const ch_query *q)
{
    return q->exec.observed;
}

/* Unless set. Spark takes as many leaf partitions as there are cores; here every machine gives the same. */
#define SHUFFLE_PARTITIONS 200
#define LEAF_PARTITIONS 4

static int32_t partitions_setting(ch_session *s, const char *key, int32_t otherwise)
{
    int64_t n = ch_session_get_int(s, key);
    return n < 1 || n > INT32_MAX ? otherwise : (int32_t)n;
}

/* The settings as they are now: a query does not see later SETs. */
static ch_status snapshot(ch_query *q, ch_error *err)
{
    ch_session *s = q->session;
    const char *policy;
    q->func.ansi = ch_session_get_bool(s, "spark.sql.ansi.enabled");
    q->func.case_sensitive = ch_session_get_bool(s, "spark.sql.caseSensitive");
    q->func.decimal_allow_precision_loss =
        ch_session_get_bool(s, "spark.sql.decimalOperations.allowPrecisionLoss");
    CH_TRY(ch_session_get(s, "spark.sql.mapKeyDedupPolicy", &q->arena, &policy, err));
    q->func.map_last_win = strcmp(policy, "LAST_WIN") == 0;
    CH_TRY(ch_session_get(s, "spark.sql.session.timeZone", &q->arena, &q->func.time_zone, err));
    CH_TRY(ch_session_get(s, "spark.sql.columnNameOfCorruptRecord", &q->arena,
                          &q->func.corrupt_column, err));
    q->func.now_us = ch_now_us();
    q->func.user = "chert";
    q->func.catalog = CH_CATALOG_NAME;
    return ch_session_database(s, &q->arena, &q->func.database, err);
}

/* ------------------------------------------------------------------ room to recurse */

/* What names stand for may be deeper than what was written: the analyzer looks for room itself from there on. */
#define LEAST_LEVELS 256
/* Rules may put filters and projects between the relations that they find. */
#define LEVELS_OF_RULES(n) (2 * (n) + 64)

static ch_status deep(ch_query *q, ch_stack_fn fn, void *user, ch_error *err)
{
    return ch_stack_run(q->levels > LEAST_LEVELS ? q->levels : LEAST_LEVELS, fn, user, err);
}

static ch_status measure(ch_query *q, const ch_rel *rel, ch_error *err)
{
    CH_TRY(ch_rel_levels(rel, q->mem, &q->levels, err));
    q->levels = LEVELS_OF_RULES(q->levels);
    return CH_OK;
}

/* ------------------------------------------------------------------ making the plan */

static ch_status analyze_there(void *user, ch_error *err)
{
    ch_query *q = user;
    return ch_analyze(&q->analyze, q->written, &q->analyzed, err);
}

#define MANY_TABLES "spark.sql.tvf.allowMultipleTableArguments.enabled"

static ch_status analyze(ch_query *q, ch_error *err)
{
    CH_TRY(snapshot(q, err));
    const char *memory;
    int64_t limit;
    CH_TRY(ch_session_get(q->session, "chert.query.memory", &q->arena, &memory, err));
    if (*memory) {
        if (!ch_parse_bytes(memory, &limit))
            CH_FAIL(err, INVALID_CONF_VALUE, "confName", "chert.query.memory", "confValue", memory,
                    "confType", "bytes such as 256M");
        ch_mem_set_limit(q->mem, limit);
    }
    int64_t most = ch_mem_limit(q->mem) / 2;
    most = most < LEAST_PLAN_BYTES ? LEAST_PLAN_BYTES : most;
    ch_mem_set_limit(q->plan_mem, most < MOST_PLAN_BYTES ? most : MOST_PLAN_BYTES);
    ch_session_catalog_init(&q->catalog, q->frame, &q->arena, q->mem, &q->func);
    q->analyze = (ch_analyze_context){
        .arena = &q->arena,
        .catalog = &q->catalog.catalog,
        .func = &q->func,
        .next_id = ch_session_next_id(q->session),
        .shuffle_partitions =
            partitions_setting(q->session, "spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS),
        .many_tables = ch_session_get_bool(q->session, MANY_TABLES),
        .recursion_levels = ch_session_get_int(q->session, "spark.sql.cteRecursionLevelLimit"),
        .recursion_rows = ch_session_get_int(q->session, "spark.sql.cteRecursionRowLimit"),
        .sql = q->frame->text};
    CH_TRY(ch_session_get(q->session, "spark.sql.optimizer.excludedRules", &q->arena,
                          &q->analyze.excluded_rules, err));
    CH_TRY(measure(q, q->written, err));
    CH_TRY(deep(q, analyze_there, q, err));
    return measure(q, q->analyzed, err);
}

static void opened(ch_query *q)
{
    ch_running *r = ch_session_running(q->session);
    pthread_mutex_lock(&r->lock);
    q->older = r->newest;
    r->newest = q;
    pthread_mutex_unlock(&r->lock);
}

static void closed(ch_query *q)
{
    ch_running *r = ch_session_running(q->session);
    pthread_mutex_lock(&r->lock);
    for (ch_query **at = &r->newest; *at; at = &(*at)->older)
        if (*at == q) {
            *at = q->older;
            ch_query_progress(q, &r->last);
            break;
        }
    pthread_mutex_unlock(&r->lock);
}

static _Atomic bool *cancel_flag(ch_query *q)
{
    return q->cancel_with ? q->cancel_with : &q->cancel;
}

static void cancel_with(ch_query *q, _Atomic bool *cancel)
{
    q->cancel_with = cancel;
    q->func.cancel = cancel_flag(q);
}

static _Thread_local _Atomic bool *cancel_of_thread;

void ch_query_cancel_thread_with(_Atomic bool *cancel)
{
    cancel_of_thread = cancel;
}

/* Making a plan heeds cancellation where its arena grows. */
static void plan_begins(ch_query *q)
{
    q->arena.cancel = cancel_flag(q);
}

/* What follows from a refused allocation is told as what it is. */
static ch_status plan_ended(ch_query *q, ch_status status, ch_error *err)
{
    q->arena.cancel = NULL;
    if (status == CH_OK || !atomic_load(cancel_flag(q)))
        return status;
    if (err)
        ch_error_release(err);
    CH_FAIL(err, CANCELLED);
}

ch_status ch_query_open(ch_frame *frame, const ch_rel *rel, ch_query **out, ch_error *err)
{
    ch_session *session = frame->session;
    *out = NULL;
    ch_mem *mem = ch_mem_new(ch_session_mem(session), "query", 0);
    if (!mem)
        return ch_error_memory(err, "session", (int64_t)sizeof(ch_query), 0);
    ch_query *q = ch_mem_zalloc(mem, sizeof *q, err);
    if (!q) {
        ch_mem_close(mem);
        return CH_E_MEMORY;
    }
    q->session = session;
    q->frame = ch_frame_ref(frame);
    q->written = rel;
    q->mem = mem;
    q->plan_mem = ch_mem_new(mem, "plan", 0);
    cancel_with(q, cancel_of_thread);
    ch_arena_init(&q->arena, q->plan_mem);
    opened(q);
    plan_begins(q);
    ch_status status = q->plan_mem ? analyze(q, err) : ch_error_memory(err, "query", sizeof *q, 0);
    status = plan_ended(q, status, err);
    if (status != CH_OK) {
        ch_query_close(q);
        return status;
    }
    *out = q;
    return CH_OK;
}

void ch_query_close(ch_query *q)
{
    if (!q)
        return;
    closed(q);
    ch_physical_close(q->physical);
    ch_cache_use_release(&q->kept);
    ch_session_catalog_release(&q->catalog);
    ch_arena_release(&q->arena);
    if (q->plan_mem)
        ch_mem_close(q->plan_mem);
    ch_frame_unref(q->frame);
    ch_mem *mem = q->mem;
    ch_mem_free(mem, q, sizeof *q);
    ch_mem_close(mem);
}

const ch_rel *ch_query_written(const ch_query *q)
{
    return q->written;
}

const ch_rel *ch_query_analyzed(const ch_query *q)
{
    return q->analyzed;
}

static ch_status optimize_there(void *user, ch_error *err)
{
    ch_query *q = user;
    ch_rel *plan = q->analyzed;
    CH_TRY(ch_cache_apply(q->session, &q->func, &q->arena, q->skip, &plan, &q->kept, err));
    CH_TRY(ch_optimize(&q->analyze, &plan, err));
    CH_TRY(measure(q, plan, err));
    q->optimized = plan;
    return CH_OK;
}

ch_status ch_query_optimized(ch_query *q, const ch_rel **out, ch_error *err)
{
    if (!q->optimized) {
        plan_begins(q);
        ch_cache_use_release(&q->kept);
        CH_TRY(plan_ended(q, deep(q, optimize_there, q, err), err));
    }
    *out = q->optimized;
    return CH_OK;
}

const ch_attr_list *ch_query_output(const ch_query *q)
{
    return &q->analyzed->output;
}

const ch_type *ch_query_schema(const ch_query *q)
{
    return ch_rel_schema(q->analyzed);
}

const ch_func_context *ch_query_func(const ch_query *q)
{
    return &q->func;
}

ch_status ch_query_zone(const ch_query *q, const ch_zone **out, ch_error *err)
{
    const char *name = q->func.time_zone;
    *out = ch_zone_find(name, (int64_t)strlen(name), err);
    return *out ? CH_OK : CH_E_INVALID_CONF_VALUE;
}

ch_arena *ch_query_arena(ch_query *q)
{
    return &q->arena;
}

ch_mem *ch_query_mem(ch_query *q)
{
    return q->mem;
}

/* Buffers of a scan and the least that a breaker can work with; fewer workers are better than no memory. */
#define LEAST_BYTES_PER_SLOT ((int64_t)16 << 20)
/* Of a batch: a slot has some batches at a time, of rows that may be fat. */
#define LEAST_BYTES_PER_ROW ((int64_t)8 << 10)
#define LEAST_BATCH_ROWS 128

int ch_query_slots(const ch_query *q)
{
    int64_t slots = ch_pool_threads(ch_engine_pool(ch_session_engine(q->session)));
    int64_t fit = ch_mem_limit(q->mem) / LEAST_BYTES_PER_SLOT;
    return (int)(slots <= fit ? slots : fit > 1 ? fit : 1);
}

static int64_t most_batch_rows(const ch_query *q)
{
    int64_t fit = ch_mem_limit(q->mem) / q->exec.n_slots / LEAST_BYTES_PER_ROW;
    if (fit < CH_BATCH_ROWS) /* below, the rest of a query takes most of it */
        fit = fit * fit / CH_BATCH_ROWS;
    return fit > LEAST_BATCH_ROWS ? fit : LEAST_BATCH_ROWS;
}

/* ------------------------------------------------------------------ running */

static ch_status begin(ch_query *q, ch_error *err)
{
    ch_engine *engine = ch_session_engine(q->session);
    const ch_rel *plan;
    CH_TRY(ch_query_optimized(q, &plan, err));
    q->exec.pool = ch_engine_pool(engine);
    q->exec.n_slots = ch_query_slots(q);
    q->exec.mem = q->mem;
    q->exec.arena = &q->arena;
    q->exec.func = &q->func;
    q->exec.batch_rows = ch_session_get_int(q->session, "chert.batch.rows");
    if (q->exec.batch_rows > most_batch_rows(q))
        q->exec.batch_rows = most_batch_rows(q);
    if (q->exec.batch_rows < 1)
        q->exec.batch_rows = CH_BATCH_ROWS;
    if (q->exec.batch_rows > MOST_BATCH_ROWS)
        q->exec.batch_rows = MOST_BATCH_ROWS;
    q->exec.shuffle_partitions =
        partitions_setting(q->session, "spark.sql.shuffle.partitions", SHUFFLE_PARTITIONS);
    q->exec.leaf_partitions =
        partitions_setting(q->session, "spark.sql.leafNodeDefaultParallelism", LEAF_PARTITIONS);
    const char *dir;
    CH_TRY(ch_session_get(q->session, "chert.spill.dir", &q->arena, &dir, err));
    q->exec.spill_dir = *dir ? dir : ch_engine_spill_dir(engine);
    q->exec.cancel = cancel_flag(q);
    CH_TRY(ch_python_runtime_make(q->session, q->func.time_zone, &q->arena, &q->exec.python, err));
    q->exec.fixed_cuts = q->skip != NULL; /* what is kept may be read by what counts its parts */
    return ch_physical_new(&q->exec, &q->physical, err);
}

typedef struct compilation {
    ch_query *query;
    ch_op *sink;
} compilation;

static ch_status compile_there(void *user, ch_error *err)
{
    const compilation *c = user;
    return ch_compile(c->query->physical, c->query->optimized, c->sink, err);
}

static ch_status compile(ch_query *q, ch_op *sink, ch_error *err)
{
    compilation c = {q, sink};
    plan_begins(q);
    CH_TRY(plan_ended(q, deep(q, compile_there, &c, err), err));
    atomic_store(&q->compiled, true);
    return CH_OK;
}

static ch_status run_there(void *user, ch_error *err)
{
    return ch_physical_run(user, err);
}

static ch_status prepare_there(void *user, ch_error *err)
{
    ch_query *q = user;
    return ch_cache_prepare(q->optimized, cancel_flag(q), err);
}

/* What begin does, and kept rows that the plan reads are there. */
static ch_status begin_run(ch_query *q, ch_error *err)
{
    CH_TRY(begin(q, err));
    return deep(q, prepare_there, q, err);
}

ch_status ch_query_collect(ch_query *q, ch_error *err)
{
    CH_TRY(begin_run(q, err));
    CH_TRY(ch_op_collect_new(&q->exec, &q->optimized->output, &q->collect, err));
    CH_TRY(compile(q, q->collect, err));
    return deep(q, run_there, q->physical, err);
}

ch_batch *ch_query_batch(ch_query *q, int64_t i)
{
    return q->collect ? ch_op_collect_batch(q->collect, i) : NULL;
}

int64_t ch_query_rows(const ch_query *q)
{
    return q->collect ? ch_op_collect_rows(q->collect) : 0; /* none: its run failed early */
}

ch_status ch_query_each(ch_query *q, ch_batch_fn fn, void *user, bool ordered, ch_error *err)
{
    ch_op *sink;
    CH_TRY(begin_run(q, err));
    CH_TRY(ch_op_call_new(&q->exec, fn, user, ordered, &sink, err));
    CH_TRY(compile(q, sink, err));
    return deep(q, run_there, q->physical, err);
}

void ch_query_park(ch_query *q)
{
    ch_running *r = ch_session_running(q->session);
    pthread_mutex_lock(&r->lock);
    for (ch_query **at = &r->newest; *at; at = &(*at)->older)
        if (*at == q) {
            *at = q->older;
            break;
        }
    pthread_mutex_unlock(&r->lock);
    cancel_with(q, NULL); /* it may outlive the thread's work */
}

void ch_query_unpark(ch_query *q)
{
    cancel_with(q, cancel_of_thread);
    opened(q);
}

void ch_query_skip(ch_query *q, const ch_kept *kept)
{
    q->skip = kept;
}

void ch_query_cancel_with(ch_query *q, _Atomic bool *cancel)
{
    cancel_with(q, cancel);
}

void ch_query_end_run(ch_query *q)
{
    atomic_store(&q->compiled, false);
    ch_physical_close(q->physical);
    q->physical = NULL;
    q->collect = NULL;
    ch_cache_use_release(&q->kept);
    cancel_with(q, NULL);
}

void ch_query_cancel(ch_query *q)
{
    atomic_store(cancel_flag(q), true);
}

void ch_session_cancel(ch_session *session)
{
    ch_running *r = ch_session_running(session);
    pthread_mutex_lock(&r->lock);
    for (ch_query *q = r->newest; q; q = q->older)
        ch_query_cancel(q);
    pthread_mutex_unlock(&r->lock);
}

bool ch_session_progress(ch_session *session, ch_scan_progress *out)
{
    ch_running *r = ch_session_running(session);
    pthread_mutex_lock(&r->lock);
    bool runs = r->newest != NULL;
    *out = r->last;
    if (runs)
        ch_query_progress(r->newest, out);
    pthread_mutex_unlock(&r->lock);
    return runs;
}

void ch_query_progress(const ch_query *q, ch_scan_progress *out)
{
    *out = (ch_scan_progress){0};
    if (atomic_load(&q->compiled))
        ch_physical_progress(q->physical, out);
}

/* ------------------------------------------------------------------ explain */

static ch_status drop_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    CH_UNUSED(user);
    CH_UNUSED(slot);
    CH_UNUSED(batch);
    CH_UNUSED(err);
    return CH_OK;
}

ch_status ch_query_deep(ch_query *q, ch_stack_fn fn, void *user, ch_error *err)
{
    return deep(q, fn, user, err);
}

ch_status ch_query_explain_physical(ch_query *q, ch_physical_style style, ch_buf *out,
                                    ch_error *err)
{
    ch_op *sink;
    if (style == CH_PHYSICAL_ANALYZED) {
        CH_TRY(ch_query_each(q, drop_batch, NULL, false, err));
    } else {
        CH_TRY(begin(q, err));
        CH_TRY(ch_op_call_new(&q->exec, drop_batch, NULL, false, &sink, err));
        CH_TRY(compile(q, sink, err));
    }
    return ch_physical_explain(q->physical, style, out, err);
}
