/* SPDX-License-Identifier: Apache-2.0 */
/*
 * udf.h - a function in Python, as a client sent it.
 *
 * A call of one is an ordinary call whose ch_func is the head of this struct and has CH_FUNC_PYTHON (and
 * CH_FUNC_AGGREGATE, for functions of whole groups). It has no kernel: the optimizer takes such calls out of
 * expressions and puts relations of their own in their place (plan/plan_python.h).
 *
 * Immutable. Whoever made it keeps it alive: a frame's arena, or the session in which it was registered.
 */
#ifndef CH_PYTHON_UDF_H
#define CH_PYTHON_UDF_H

#include "function/function.h"

/* Numbers of org.apache.spark.api.python.PythonEvalType. */
typedef enum ch_python_eval {
    CH_PYTHON_BATCHED = 100,
    CH_PYTHON_ARROW_BATCHED = 101,
    CH_PYTHON_SCALAR_PANDAS = 200,
    CH_PYTHON_GROUPED_MAP_PANDAS = 201,
    CH_PYTHON_GROUPED_AGG_PANDAS = 202,
    CH_PYTHON_WINDOW_AGG_PANDAS = 203,
    CH_PYTHON_SCALAR_PANDAS_ITER = 204,
    CH_PYTHON_MAP_PANDAS_ITER = 205,
    CH_PYTHON_COGROUPED_MAP_PANDAS = 206,
    CH_PYTHON_MAP_ARROW_ITER = 207,
    CH_PYTHON_GROUPED_MAP_ARROW = 209,
    CH_PYTHON_COGROUPED_MAP_ARROW = 210,
    CH_PYTHON_GROUPED_MAP_ARROW_ITER = 215,
    CH_PYTHON_GROUPED_MAP_PANDAS_ITER = 216,
    CH_PYTHON_GROUPED_AGG_PANDAS_ITER = 217,
    CH_PYTHON_SCALAR_ARROW = 250,
    CH_PYTHON_SCALAR_ARROW_ITER = 251,
    CH_PYTHON_GROUPED_AGG_ARROW = 252,
    CH_PYTHON_WINDOW_AGG_ARROW = 253,
    CH_PYTHON_GROUPED_AGG_ARROW_ITER = 254,
    CH_PYTHON_TABLE = 300,
    CH_PYTHON_ARROW_TABLE = 301,
    CH_PYTHON_ARROW_UDTF = 302
} ch_python_eval;

typedef struct ch_python_udf {
    ch_func func;      /* first */
    int32_t eval_type; /* ch_python_eval */
    const ch_type *type;
    ch_str command;      /* cloudpickle's bytes of (function, type) */
    const char *version; /* of the client's Python: "3.11" */
    const char *name;    /* for people */
} ch_python_udf;

/* One value for each row; one value for a group of rows. */
static inline bool ch_python_is_scalar(int32_t eval_type)
{
    return eval_type == CH_PYTHON_BATCHED || eval_type == CH_PYTHON_ARROW_BATCHED ||
           eval_type == CH_PYTHON_SCALAR_PANDAS || eval_type == CH_PYTHON_SCALAR_PANDAS_ITER ||
           eval_type == CH_PYTHON_SCALAR_ARROW || eval_type == CH_PYTHON_SCALAR_ARROW_ITER;
}
static inline bool ch_python_is_aggregate(int32_t eval_type)
{
    return eval_type == CH_PYTHON_GROUPED_AGG_PANDAS ||
           eval_type == CH_PYTHON_GROUPED_AGG_PANDAS_ITER ||
           eval_type == CH_PYTHON_GROUPED_AGG_ARROW ||
           eval_type == CH_PYTHON_GROUPED_AGG_ARROW_ITER;
}
/* Sees its rows as an iterator of batches: one function for a task, and no other functions around it. */
static inline bool ch_python_is_iterator(int32_t eval_type)
{
    return eval_type == CH_PYTHON_SCALAR_PANDAS_ITER || eval_type == CH_PYTHON_SCALAR_ARROW_ITER ||
           eval_type == CH_PYTHON_GROUPED_AGG_PANDAS_ITER ||
           eval_type == CH_PYTHON_GROUPED_AGG_ARROW_ITER;
}

/* A class that makes rows: its command is the class alone, its type NULL if it must be asked (python_analyze.h). */
static inline bool ch_python_is_table(int32_t eval_type)
{
    return eval_type == CH_PYTHON_TABLE || eval_type == CH_PYTHON_ARROW_TABLE ||
           eval_type == CH_PYTHON_ARROW_UDTF;
}
/* Are rows sent to it pickled, and results likewise? Others speak Arrow. */
static inline bool ch_python_is_pickled(int32_t eval_type)
{
    return eval_type == CH_PYTHON_BATCHED || eval_type == CH_PYTHON_TABLE;
}

/* The same function? Those of the engine are when they are one; those in Python, when their code is the same. */
bool ch_python_same(const ch_func *a, const ch_func *b);

/* Fills in func; name is borrowed, the rest of udf is set. func.name is that of none: rules look for names. */
void ch_python_udf_name(ch_python_udf *udf, const char *name, bool deterministic);

#endif
