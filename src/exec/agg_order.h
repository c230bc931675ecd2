/* SPDX-License-Identifier: Apache-2.0 */
/* agg_order.h - which of Spark's aggregate operators would run, and so in which order few groups come. */
#ifndef CH_EXEC_AGG_ORDER_H
#define CH_EXEC_AGG_ORDER_H

#include "exec/grouper.h"
#include "plan/plan.h"

/* Where Spark keeps an aggregate's state. */
typedef enum ch_agg_keeps {
    CH_AGG_FIXED,  /* in a row that is changed in place */
    CH_AGG_OBJECT, /* as a Java object */
    CH_AGG_GROWING /* as a value that may grow: no hash table can keep it */
} ch_agg_keeps;

ch_agg_keeps ch_agg_keeps_of(const ch_expr_call *aggregate);

/* keeps: bits 1 << ch_agg_keeps of all aggregates. */
ch_group_order ch_agg_order(const ch_rel *input, unsigned keeps, bool has_distinct);

/*
 * Does Spark keep these groups in its first, generated table, which takes no NULL? Only for short keys and states,
 * and where the last step is not one of merging (without aggregates, or without a shuffle).
 */
bool ch_agg_nulls_last(const ch_type *const *keys, int32_t n_keys, int32_t n_aggs,
                       ch_group_order order);

/* All rows of rel are one partition in Spark, and known to be: nothing is shuffled above it. */
bool ch_is_single_partition(const ch_rel *rel);

#endif
