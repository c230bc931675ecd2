/* SPDX-License-Identifier: Apache-2.0 */
/*
 * estimate.h - guesses at how many rows and values there are, from statistics where a scan has them.
 *
 * They only choose between right plans: in which order to join, which side to keep in memory, whether to group
 * early. Everything that is called an estimate is a guess, costs a walk over the relation, and needs no memory.
 */
#ifndef CH_OPTIMIZE_ESTIMATE_H
#define CH_OPTIMIZE_ESTIMATE_H

#include "optimize/optimize.h"
#include "store/statistics.h"

/*
 * What a scan's files say of the columns in `read`, from their footers. The scan's format must have
 * statistics; the result lies in the plan's arena.
 */
CH_NODISCARD ch_status ch_scan_statistics(const ch_analyze_context *ctx, const ch_rel_scan *scan,
                                          const ch_attr_list *read, ch_table_statistics *out,
                                          ch_error *err);

/* A column, as it stands in the table it comes from: filters on the way are not looked at. */
typedef struct ch_column_estimate {
    double distinct;      /* values; -1 = unknown */
    double table_rows;    /* of that table; -1 = unknown */
    double null_fraction; /* 0 .. 1 */
    bool has_range;       /* numbers, dates and times: */
    double min, max;      /* decimals as numbers, dates in days, times in their unit */
} ch_column_estimate;

/* What is known about column id of rel's output. */
ch_column_estimate ch_estimate_column(const ch_rel *rel, int64_t id);
/* How many of one row of input pass the condition: 0 .. 1. */
double ch_estimate_selectivity(const ch_rel *input, const ch_expr *condition);
/*
 * How many values of a column are left when `rows` of its table's rows are, drawn blindly: its own
 * guess where nothing is known. At least 1.
 */
double ch_estimate_distinct_of(const ch_column_estimate *column, double rows);

/*
 * How many values two sides' keys share out their rows over: |left join right| = |left| |right| / this. Of both
 * sides, the number of key values and the rows of the table that they come from.
 */
double ch_estimate_key_values(double left_distinct, double left_table, double right_distinct,
                              double right_table);

#endif
