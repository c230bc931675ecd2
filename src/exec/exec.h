/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec.h - physical operators and the pipelines that push batches through them.
 *
 *   source ──batch──▶ op ──▶ op ──▶ breaker        one pipeline, run by all workers at once
 *                                     │
 *                                     └─ source of the next pipeline
 *
 * A pipeline takes morsels from its source (a scan, or a breaker that is finished) and pushes each
 * batch through its operators; what the last one does with it stays there. Pipelines of
 * a query run one after another, each on all workers (Leis et al., Morsel-driven parallelism, 2014).
 *
 * Life of an operator; slots are the workers' numbers, 0 .. exec->n_slots - 1:
 *
 *   open                     once, on one thread, before the first push
 *   push(slot, batch)*       any slots at once, never one slot twice at once
 *   morsel_done(slot, seq)   optional; after the last batch of a morsel
 *   flush(slot)              once per slot, after the last push of all pipelines that feed it; slots at once
 *   finish                   once, on one thread, after all flushes
 *   begin(slot), next(slot)  breakers only: as a source, in the manner of store/scan.h
 *   close                    always, also after errors and cancellation, and when open never ran
 *
 * Order: batch->seq = pipeline << 48 | morsel << 16. One morsel is pushed by one slot, in order, so whoever
 * must restore the input's order sorts by seq, stable in the order of arrival at a slot.
 */
#ifndef CH_EXEC_EXEC_H
#define CH_EXEC_EXEC_H

#include <pthread.h>

#include "base/pool.h"
#include "column/batch.h"
#include "function/function.h"
#include "plan/plan.h"
#include "store/scan.h"

typedef struct ch_exec ch_exec;
typedef struct ch_op ch_op;
typedef struct ch_pipeline ch_pipeline;
typedef struct ch_physical ch_physical; /* the operators and pipelines of one query */

/* What observe() saw, once the query has run. */
typedef struct ch_observed ch_observed;
struct ch_observed {
    ch_observed *next;
    const char *name;
    int64_t plan_id;
    const char **key;
    ch_scalar *value; /* n each */
    int32_t n;
    bool done;
};

/* What all operators of one running query share. */
struct ch_exec {
    ch_pool *pool; /* borrowed */
    int n_slots;
    ch_mem *mem;     /* the query's account; borrowed */
    ch_arena *arena; /* lives as long as the query; only for the compiling thread */
    const ch_func_context *func;
    const char *spill_dir; /* folder for spill files; made on first use by ch_spill */
    int64_t batch_rows;    /* rows that sources and breakers put into a batch */
    bool
        fixed_cuts; /* morsels of files do not depend on n_slots: their numbers decide what comes out */
    /* What decides the order of small results in Spark: spark.sql.shuffle.partitions, and the partitions of
     * rows that come with the plan. Both at least 1. */
    int32_t shuffle_partitions, leaf_partitions;
    _Atomic bool *cancel;        /* set from outside: every worker stops at its next batch */
    _Atomic int64_t spill_bytes; /* written to disk so far */
    /* For functions in Python; NULL: there can be none. */
    const struct ch_python_runtime *python;
    ch_observed *observed; /* in arena, the last one compiled first */
    ch_physical *physical; /* made by ch_physical_new; operators register there */
};

/* CH_E_CANCELLED when the query is to stop: for loops that work long without emitting. */
CH_NODISCARD static inline ch_status ch_exec_heed(const ch_exec *exec, ch_error *err)
{
    if (exec->cancel && atomic_load_explicit(exec->cancel, memory_order_relaxed))
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

typedef struct ch_op_class {
    const char *name; /* as EXPLAIN shows it: "HashAggregate" */
    CH_NODISCARD ch_status (*open)(ch_op *op, ch_error *err);
    /* batch is borrowed: it may be filtered, flattened, its columns shared; the caller releases it. */
    CH_NODISCARD ch_status (*push)(ch_op *op, int slot, ch_batch *batch, ch_error *err);
    CH_NODISCARD ch_status (*morsel_done)(ch_op *op, int slot, uint64_t seq, ch_error *err);
    /* Optional: the rest of the slot's morsel is not needed. */
    bool (*morsel_full)(const ch_op *op, int slot);
    CH_NODISCARD ch_status (*flush)(ch_op *op, int slot, ch_error *err);
    CH_NODISCARD ch_status (*finish)(ch_op *op, ch_error *err);
    /* Breakers: next morsel of the result; batches of it, n_full 0 ends it. */
    CH_NODISCARD ch_status (*begin)(ch_op *op, int slot, bool *more, ch_error *err);
    CH_NODISCARD ch_status (*next)(ch_op *op, int slot, ch_batch *out, ch_error *err);
    /* Morsels of the result, after finish: how many workers pay; 1 = the result has an order. */
    int64_t (*n_morsels)(const ch_op *op);
    /* Sources that read input: adds what was read so far. */
    void (*progress)(const ch_op *op, ch_scan_progress *sum);
    void (*close)(ch_op *op); /* releases what the op owns; the struct itself is in exec->arena */
    /* The details of one EXPLAIN line: "keys [a], functions [sum(x)]". */
    CH_NODISCARD ch_status (*explain)(const ch_op *op, ch_buf *out, ch_error *err);
    /* Optional: further lines below the operator's own, which stands `depth` steps deep. */
    CH_NODISCARD ch_status (*explain_below)(const ch_op *op, int depth, ch_buf *out, ch_error *err);
} ch_op_class;

/* The head of every operator; its own struct, in exec->arena, begins with it. */
struct ch_op {
    const ch_op_class *cls;
    ch_exec *exec;
    ch_op *next;         /* where output goes: batches emitted by push and flush; NULL for a sink */
    ch_op *source_of;    /* breakers: the op that its result is pushed to by the next pipeline */
    ch_mem *mem;         /* the operator's account, child of the query's; closed after close */
    ch_attr_list output; /* columns of what it gives */
    const ch_rel *rel;   /* the logical node, for EXPLAIN; may be NULL */
    const char *title;   /* what EXPLAIN calls it; NULL: the class's name */
    int n_feeders;       /* pipelines and operators that still push into it */
    _Atomic bool opened;
    ch_op *next_op; /* list of all operators of the query */
    ch_op *first_feeder, *last_feeder,
        *next_sibling; /* who pushes into it: the tree that EXPLAIN prints */
    /* Set by the operator itself: morsels that nobody has begun are not needed; those begun are
     * pushed to their end. Since morsels begin in order, all before a finished one are then complete. */
    _Atomic bool stop;
    bool serial; /* set when made: its pipelines run on one worker, in order */
    /* Metrics, for EXPLAIN ANALYZE. */
    _Atomic int64_t rows_out, batches_out, busy_ns, spilled_bytes;
};

/* Hands a batch to the next operator, which borrows it. An empty batch is not passed on. */
CH_NODISCARD ch_status ch_op_emit(ch_op *op, int slot, ch_batch *batch, ch_error *err);

/* Do op and those behind it need no more of the slot's morsel? */
bool ch_op_is_full(const ch_op *op, int slot);

/* A zeroed operator of `bytes` with its head filled and an account of its own. */
void *ch_op_new(ch_exec *exec, const ch_op_class *cls, size_t bytes, const ch_rel *rel, ch_op *next,
                ch_error *err);

/* Makes `feeder` a child of op in EXPLAIN; ch_op_new and ch_compile_source do it for the usual cases. */
void ch_op_add_feeder(ch_op *op, ch_op *feeder);

/* ------------------------------------------------------------ expressions */

/*
 * Compiled expressions over the columns of one input, evaluated a batch at a time. CASE, AND, OR, IF
 * and COALESCE evaluate what may fail only for the rows that need it, as Spark does.
 */
typedef struct ch_evaluator ch_evaluator;

/* expr: resolved; attributes must be in `input`. In exec->arena; ch_evaluator_close() it. */
CH_NODISCARD ch_status ch_evaluator_new(ch_exec *exec, const ch_expr_list *expr,
                                        const ch_attr_list *input, ch_evaluator **out,
                                        ch_error *err);
void ch_evaluator_close(ch_evaluator *ev);
/* Value of expression i for the batch's selected rows: batch->n rows, any encoding; gives. */
CH_NODISCARD ch_status ch_evaluate(ch_evaluator *ev, int slot, int i, ch_batch *batch, ch_mem *mem,
                                   ch_column **out, ch_error *err);
/* Position of the attribute with this id in the list, -1 if absent. */
int32_t ch_attr_position(const ch_attr_list *list, int64_t id);

/* -------------------------------------------------------------- a query's run */

/*
 * Where a query's rows go in the end is an operator without next. This one keeps them in memory:
 * batches in the order of the input, flat, until close.
 */
CH_NODISCARD ch_status ch_op_collect_new(ch_exec *exec, const ch_attr_list *output, ch_op **out,
                                         ch_error *err);
/* After the run: the i-th batch, borrowed; NULL past the last. */
ch_batch *ch_op_collect_batch(ch_op *collect, int64_t i);
int64_t ch_op_collect_rows(const ch_op *collect);
/* Calls fn for every batch. ordered: one after another in the order of the input; else on any worker's
 * thread, in no order, never two at once for one slot. */
typedef ch_status (*ch_batch_fn)(void *user, int slot, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_op_call_new(ch_exec *exec, ch_batch_fn fn, void *user, bool ordered,
                                      ch_op **out, ch_error *err);

/*
 * Life of a run: ch_physical_new (sets exec->physical), the sink's own _new, ch_compile, ch_physical_run,
 * reading the sink, ch_physical_close. Everything lies in exec->arena.
 */
CH_NODISCARD ch_status ch_physical_new(ch_exec *exec, ch_physical **out, ch_error *err);
/* Compiles a resolved, optimized plan so that its rows are pushed into sink. */
CH_NODISCARD ch_status ch_compile(ch_physical *physical, const ch_rel *rel, ch_op *sink,
                                  ch_error *err);
/* Runs all pipelines; cancellation gives CH_E_CANCELLED. Called once. */
CH_NODISCARD ch_status ch_physical_run(ch_physical *physical, ch_error *err);
/* Sums over the scans that have begun. */
void ch_physical_progress(const ch_physical *physical, ch_scan_progress *out);
/* Closes every operator and scan. */
void ch_physical_close(ch_physical *physical);
typedef enum ch_physical_style {
    CH_PHYSICAL_TREE,
    CH_PHYSICAL_FORMATTED, /* numbers in the tree, columns and arguments behind it */
    CH_PHYSICAL_ANALYZED   /* what was counted in the run before each operator */
} ch_physical_style;
CH_NODISCARD ch_status ch_physical_explain(const ch_physical *physical, ch_physical_style style,
                                           ch_buf *out, ch_error *err);

/* ------------------------------------------------- what a breaker's file offers */

/*
 * Each makes its operator(s) for a plan node, wired so that its result is pushed into `next`. Build sides and
 * the like are compiled by calling back into ch_compile_into().
 */
typedef struct ch_compiler ch_compiler;
/* Rows whose column `id` the filter refuses do not matter to those above. */
typedef struct ch_filter_offer ch_filter_offer;
struct ch_filter_offer {
    int64_t id;
    ch_runtime_filter *filter;
    const ch_filter_offer *next;
};
struct ch_compiler {
    ch_exec *exec;
    ch_physical *physical;
    const ch_filter_offer *offers; /* for the relation that is compiled next */
    bool counts; /* something above asks for the partitions of the relation compiled next */
    bool whole;  /* the relation compiled next, if its rows came with the plan, is one partition */
};
/* Compiles rel so that its rows are pushed into `next`. */
CH_NODISCARD ch_status ch_compile_into(ch_compiler *c, const ch_rel *rel, ch_op *next,
                                       ch_error *err);
/* Adds the pipeline that pushes a finished breaker's result into op->source_of. Called after the pipelines that feed it. */
CH_NODISCARD ch_status ch_compile_source(ch_compiler *c, ch_op *breaker, ch_op *next,
                                         ch_error *err);

/* Makes the offer for column id too. */
CH_NODISCARD ch_status ch_offer_filter(ch_compiler *c, int64_t id, ch_runtime_filter *filter,
                                       ch_error *err);
/* Offers for columns that a select list only renames are made for what they were called before. */
CH_NODISCARD ch_status ch_offer_below(ch_compiler *c, const ch_expr_list *list, ch_error *err);

/* One row of builtin/operators.def: turns a relation of `kind` into operators. */
typedef struct ch_op_maker {
    ch_rel_kind kind;
    ch_status (*make)(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err);
    /* The rows it gives with a value in a column all come from input rows with that value in the
     * column, and the other input rows have no say in them: offers hold for its inputs too. */
    bool takes_offers;
} ch_op_maker;

#endif
