/* SPDX-License-Identifier: Apache-2.0 */
/* plan_frame.h - relations that only DataFrames have: na and stat functions, joins by nearness, observe. As plan.h. */
#ifndef CH_PLAN_PLAN_FRAME_H
#define CH_PLAN_PLAN_FRAME_H

#include "plan/plan.h"

/* Columns that are NULL or NaN get a value; cols.n = 0: all columns of the value's kind. */
typedef struct ch_rel_fill_na {
    ch_rel head;
    ch_rel *input;
    ch_str_list cols;
    ch_expr_list values; /* literals: one, or one for each of cols */
} ch_rel_fill_na;

/* Rows with at least so many values that are neither NULL nor NaN stay. */
typedef struct ch_rel_drop_na {
    ch_rel head;
    ch_rel *input;
    ch_str_list cols;      /* n = 0: all */
    int32_t min_non_nulls; /* -1: as many as there are columns */
} ch_rel_drop_na;

/* Values of the first one's kind (number, text, truth value) become others. */
typedef struct ch_rel_replace {
    ch_rel head;
    ch_rel *input;
    ch_str_list cols; /* n = 0: all */
    ch_expr_list old_values, new_values;
} ch_rel_replace;

/* summary() and describe(): a row for each statistic, its name in the column `summary`. */
typedef struct ch_rel_summary {
    ch_rel head;
    ch_rel *input;
    ch_str_list statistics;
    ch_str_list cols; /* n = 0: all numbers and texts */
} ch_rel_summary;

typedef enum ch_statistic {
    CH_STATISTIC_COV,
    CH_STATISTIC_CORR,
    CH_STATISTIC_APPROX_QUANTILE,
    CH_STATISTIC_FREQ_ITEMS
} ch_statistic;

/* One row about the columns. */
typedef struct ch_rel_statistic {
    ch_rel head;
    ch_rel *input;
    ch_statistic what;
    ch_str_list cols;
    ch_expr_list probabilities; /* literals */
    double error;               /* of quantiles, relative; freqItems: the support */
} ch_rel_statistic;

/* The columns that a schema names, in its order and of its types. */
typedef struct ch_rel_to_schema {
    ch_rel head;
    ch_rel *input;
    const ch_type *schema;
} ch_rel_to_schema;

typedef enum ch_as_of_direction {
    CH_AS_OF_BACKWARD,
    CH_AS_OF_FORWARD,
    CH_AS_OF_NEAREST
} ch_as_of_direction;

/* Each left row with the right row that is nearest to it. */
typedef struct ch_rel_as_of_join {
    ch_rel head;
    ch_rel *left, *right;
    ch_expr *left_as_of, *right_as_of;
    ch_expr *condition; /* or NULL */
    ch_str_list using_columns;
    ch_join_type join_type; /* inner or left outer */
    ch_expr *tolerance;     /* or NULL */
    bool allow_exact_matches;
    ch_as_of_direction direction;
} ch_rel_as_of_join;

/* Each left row with the few right rows that an expression ranks first. */
typedef struct ch_rel_nearest_by_join {
    ch_rel head;
    ch_rel *left, *right;
    ch_expr *ranking;
    int32_t num_results;
    ch_join_type join_type; /* inner or left outer */
    bool is_distance;       /* the smallest come first */
} ch_rel_nearest_by_join;

/* Columns of two projections of the same rows, side by side. */
typedef struct ch_rel_zip {
    ch_rel head;
    ch_rel *left, *right;
} ch_rel_zip;

/*
 * What transpose() turns: the rows that have an index, in its order; the index first, as a text, then the
 * other columns, of one type.
 */
typedef struct ch_rel_transpose {
    ch_rel head;
    ch_rel *input;
    ch_expr *index; /* NULL: the first column */
} ch_rel_transpose;

/* observe(): the input's rows, and aggregates of those that pass. Resolved: metrics are Aliases of aggregate calls. */
typedef struct ch_rel_collect_metrics {
    ch_rel head;
    ch_rel *input;
    const char *name;
    ch_expr_list metrics;
} ch_rel_collect_metrics;

#endif
