/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_calls.h - what the operators of functions in Python share: a worker's task from calls of the plan,
 * and rows gathered to batches of the size that Python sees.
 */
#ifndef CH_EXEC_PYTHON_CALLS_H
#define CH_EXEC_PYTHON_CALLS_H

#include "exec/exec.h"
#include "python/python_task.h"

/* A task's description, in exec->arena: columns that are sent are `args`, expressions over the operator's input. */
typedef struct ch_python_calls {
    ch_python_spec spec;
    ch_expr_list args;
    ch_evaluator *ev; /* of them; closed by ch_evaluator_close */
} ch_python_calls;

/* functions: Aliases of calls of one kind, or NULL: args and spec.call are filled in by the caller. */
CH_NODISCARD ch_status ch_python_calls_make(ch_exec *exec, const ch_expr_list *functions,
                                            const ch_attr_list *input, ch_python_calls *out,
                                            ch_error *err);
/* One call whose arguments are `args` as they are, seen by position `offset` (borrowed, n of them). */
CH_NODISCARD ch_status ch_python_calls_whole(ch_exec *exec, const ch_expr *function,
                                             const ch_expr_list *args, const int32_t *offset,
                                             int32_t n, const ch_attr_list *input,
                                             ch_python_calls *out, ch_error *err);
/* Evaluates the arguments and sends them; rows <= runtime->max_records. */
CH_NODISCARD ch_status ch_python_calls_send(ch_python_calls *calls, ch_python_task *task, int slot,
                                            ch_batch *rows, ch_mem *mem, ch_error *err);
/*
 * What op does while it talks to a worker. `take` passes results on that have come; where op and those behind it
 * need no more rows from the slot, *full becomes true, and the task is to be closed as it is.
 */
typedef ch_status (*ch_python_taker)(ch_op *op, int slot, ch_error *err);
/* Sends what was said. */
CH_NODISCARD ch_status ch_python_push(ch_op *op, int slot, ch_python_task *task,
                                      ch_python_taker take, bool *full, ch_error *err);
/* Ends the input and takes all results; the task is over then. */
CH_NODISCARD ch_status ch_python_drain(ch_op *op, int slot, ch_python_task *task,
                                       ch_python_taker take, bool *full, ch_error *err);
/* The STRUCT of fields _0, _1 ... of these expressions' types; names: with the columns' own. */
CH_NODISCARD ch_status ch_python_struct(ch_arena *arena, const ch_expr_list *list, bool names,
                                        const ch_type **out, ch_error *err);

/*
 * What PySpark's extract_key_value_indexes() reads, added to offset[*n_offset ...] (room for 2 + n + keys->n): how
 * many numbers follow, how many keys, their places, the values' places. *args: the columns that are sent,
 * values and then keys that are none of them.
 */
CH_NODISCARD ch_status ch_python_offsets(ch_arena *arena, ch_expr *const *value, int32_t n,
                                         const ch_expr_list *keys, ch_expr_list *args,
                                         int32_t *offset, int32_t *n_offset, ch_error *err);

/* Rows on their way to a batch. */
typedef struct ch_gather {
    ch_mem *mem; /* borrowed */
    ch_batch *part;
    int32_t n, cap;
    int64_t rows;
    uint64_t seq; /* of the last part */
} ch_gather;

/* Adds rows [from, from + n) of the batch. Only parts of one seq may be together. */
CH_NODISCARD ch_status ch_gather_add(ch_gather *g, const ch_batch *batch, int64_t from, int64_t n,
                                     ch_error *err);
/* All that was added, as one batch of dense columns, moved; g is empty then. Not when it is empty. */
CH_NODISCARD ch_status ch_gather_take(ch_gather *g, ch_batch *out, ch_error *err);
/* The first n rows of them; the others stay. n > 0. */
CH_NODISCARD ch_status ch_gather_take_rows(ch_gather *g, int64_t n, ch_batch *out, ch_error *err);
void ch_gather_release(ch_gather *g);

/* A worker's partition: the morsel that a batch is of. */
static inline int32_t ch_python_partition(uint64_t seq)
{
    return (int32_t)(seq >> 16 & INT32_MAX);
}

#endif
