/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_analyze.h - what a table function in Python gives for its arguments: its static method analyze(), run by
 * PySpark's analyze_udtf.py in a process of its own kind.
 */
#ifndef CH_PYTHON_PYTHON_ANALYZE_H
#define CH_PYTHON_PYTHON_ANALYZE_H

#include "base/arena.h"
#include "python/python_task.h"

/* An argument, as AnalyzeArgument has it. */
typedef struct ch_python_argument {
    const ch_type *type;
    const char *key; /* f(key => value); or NULL */
    bool is_table;
    bool is_constant;
    ch_scalar value; /* of a constant */
} ch_python_argument;

/* OrderingColumn: an expression's text. */
typedef struct ch_python_ordering {
    const char *text;
    bool ascending, nulls_first;
} ch_python_ordering;

/* SelectedColumn; alias may be "". */
typedef struct ch_python_selected {
    const char *text, *alias;
} ch_python_selected;

/* AnalyzeResult. All of it lives in the caller's arena. */
typedef struct ch_python_analyzed {
    const ch_type *type; /* STRUCT */
    ch_str result;       /* pickled */
    bool is_single;
    const char **partition; /* texts of expressions */
    int32_t n_partition;
    ch_python_ordering *order;
    int32_t n_order;
    ch_python_selected *select;
    int32_t n_select;
} ch_python_analyzed;

/*
 *   arg     borrows, n of them
 *   cancel  may be NULL
 *   mem     pays for what is under way
 * Errors CH_E_UDTF_ANALYZE, what analyze() raised or gave; CH_E_PYTHON_START, CH_E_CANCELLED.
 */
CH_NODISCARD ch_status ch_python_analyze(const ch_python_runtime *runtime, const ch_python_udf *udf,
                                         const ch_python_argument *arg, int32_t n, ch_mem *mem,
                                         const _Atomic bool *cancel, ch_arena *arena,
                                         ch_python_analyzed *out, ch_error *err);

#endif
