/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_python.h - relations whose rows functions in Python make (python/udf.h). As plan.h.
 *
 * A function is a call with CH_FUNC_PYTHON; unresolved, an UnresolvedFunction that has `python`.
 */
#ifndef CH_PLAN_PLAN_PYTHON_H
#define CH_PLAN_PLAN_PYTHON_H

#include "column/column.h"
#include "plan/plan.h"

/* mapInPandas, mapInArrow: what the function makes of all rows. */
typedef struct ch_rel_map_partitions {
    ch_rel head;
    ch_rel *input;
    ch_expr *function;
    bool is_barrier;
} ch_rel_map_partitions;

/* groupBy().applyInPandas, applyInArrow: what the function makes of each group. */
typedef struct ch_rel_group_map {
    ch_rel head;
    ch_rel *input;
    ch_expr_list grouping; /* resolved: attributes of input */
    ch_expr *function;     /* resolved: its arguments are the columns that it sees */
    /* By the optimizer, of a cogroup: which side a row is of, 0 or 1, a column of input; and how many of the
     * arguments are of side 0, the others of side 1. NULL: there is one side. */
    ch_expr *side;
    int32_t n_left;
} ch_rel_group_map;

/* cogroup(): what the function makes of a group of each side, of which one may be empty. */
typedef struct ch_rel_co_group_map {
    ch_rel head;
    ch_rel *input, *other;
    ch_expr_list input_grouping, other_grouping;
    ch_expr *function;
    int32_t n_left; /* resolved: so many of the function's arguments are of input */
} ch_rel_co_group_map;

/*
 * Resolved: the input's columns, then one for each function. Each is an Alias of a call; an argument is an
 * expression over the input, such a one under a name (NamedArgument), or, as the only one, another call that
 * the worker makes first.
 */
typedef struct ch_rel_eval_python {
    ch_rel head;
    ch_rel *input;
    ch_expr_list functions; /* of one kind (ch_python_eval) */
} ch_rel_eval_python;

/*
 * Resolved: the rows that a table function makes of each row, and when there are no more. output holds columns of input,
 * those of the row that it was called for, and columns of `generated`, its own. Arguments as in EvalPython.
 */
typedef struct ch_rel_table_python {
    ch_rel head;
    ch_rel *input;
    ch_expr *function;
    bool outer;    /* a row that nothing was made of stays, with NULLs */
    bool is_whole; /* all rows are one partition, in their order; else a morsel is one */
    ch_attr_list generated;
    /* Fields of the argument that is a table which say where a partition of it ends; it does not see them. */
    const int32_t *partition;
    int32_t n_partition;
    const char *tables; /* which arguments are tables: positions, with commas */
    ch_str analyzed;    /* pickled: what its analyze() gave; text NULL: it has none */
} ch_rel_table_python;

/* Resolved: one row for each group: its keys, then the functions' values. Input is in order of the keys. */
typedef struct ch_rel_aggregate_python {
    ch_rel head;
    ch_rel *input;
    ch_expr_list grouping;  /* attributes of input */
    ch_expr_list functions; /* Aliases of calls, as in EvalPython */
} ch_rel_aggregate_python;

/*
 * Resolved: the input's columns, then one for each function, over a frame of the rows of its partition. Input is
 * in order of the partitions and, in each, of the rows. A function whose frame is not the whole partition has
 * two arguments more, its first: where the frame begins, and the place behind its end.
 */
typedef struct ch_rel_window_python {
    ch_rel head;
    ch_rel *input;
    ch_expr_list functions; /* Aliases of calls, as in EvalPython */
    ch_expr_list partition; /* attributes of input */
    const char *bounds;     /* for each function "bounded" or "unbounded", with commas */
} ch_rel_window_python;

#endif
