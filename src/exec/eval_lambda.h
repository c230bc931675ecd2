/* SPDX-License-Identifier: Apache-2.0 */
/*
 * eval_lambda.h - what the evaluation of calls with lambda functions is made of: eval_lambda.c compiles and runs
 * bodies, lambda_each.c has the functions that look at each element by itself, lambda_order.c those for
 * which the order of elements matters.
 */
#ifndef CH_EXEC_EVAL_LAMBDA_H
#define CH_EXEC_EVAL_LAMBDA_H

#include "exec/eval.h"

/* A list or map column with its elements from 0 on, and the row of each. */
typedef struct ch_lambda_lists {
    ch_column *column; /* FLAT; owned */
    ch_column *item;   /* the elements; owned */
    const int32_t *offset;
    int32_t base; /* of the first element in offset */
    int64_t rows, n;
    int32_t *row; /* n; owned */
    ch_mem *mem;
} ch_lambda_lists;

/* The value of arg for a batch. On failure *l is empty. */
CH_NODISCARD ch_status ch_lambda_lists_init(const ch_eval_run *r, ch_eval_node *arg,
                                            ch_batch *batch, ch_lambda_lists *l, ch_error *err);
void ch_lambda_lists_release(ch_lambda_lists *l);
/* First element of row i, counted from 0 */
static inline int32_t ch_lambda_from(const ch_lambda_lists *l, int64_t i)
{
    return l->offset[i] - l->base;
}
static inline int32_t ch_lambda_len(const ch_lambda_lists *l, int64_t i)
{
    return l->offset[i + 1] - l->offset[i];
}
static inline bool ch_lambda_null(const ch_lambda_lists *l, int64_t i)
{
    return ch_column_is_null(l->column, i);
}
/* A list column with l's rows and NULLs, offsets from 0 (gives); its child is to be set. */
CH_NODISCARD ch_status ch_lambda_same_lists(const ch_lambda_lists *l, const ch_type *type,
                                            ch_column **out, ch_error *err);
/*
 * The body for n elements: var[v] has n rows; row[i] is where element i stands in `around`. *out (gives) is FLAT
 * and of the body's type.
 */
CH_NODISCARD ch_status ch_lambda_run_body(const ch_eval_run *r, const ch_eval_lambda *l,
                                          ch_batch *around, const int32_t *row, int64_t n,
                                          ch_column *const *var, ch_column **out, ch_error *err);
/* The first function's body for each element of l (gives). */
CH_NODISCARD ch_status ch_lambda_each(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                      const ch_lambda_lists *l, ch_column **out, ch_error *err);
void ch_lambda_drop(ch_column **column, int32_t n);

/* The functions: the call n for a batch, whose first argument is l. *out (gives) also on failure. */
typedef ch_status ch_lambda_eval(const ch_eval_run *r, ch_eval_node *n, ch_batch *batch,
                                 const ch_lambda_lists *l, ch_column **out, ch_error *err);
ch_lambda_eval ch_lambda_transform, ch_lambda_filter, ch_lambda_transform_map, ch_lambda_zip;
ch_lambda_eval ch_lambda_exists, ch_lambda_aggregate, ch_lambda_sort;

#endif
