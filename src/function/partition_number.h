/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition_number.h - partitions, for functions that count rows or make random numbers within one.
 *
 * A morsel is a partition: one worker has all of its rows, in order. The partitions of a pipeline are numbered
 * as its morsels are, those of the next pipeline that reaches the same call (UNION ALL) after them, so
 * numbers do not depend on how many workers there are. Rows that an outer join gives at its end belong to
 * no morsel; each worker's are a partition.
 */
#ifndef CH_FUNCTION_PARTITION_NUMBER_H
#define CH_FUNCTION_PARTITION_NUMBER_H

#include "function/function.h"

/* What the workers of one call share; lives in the plan. */
typedef struct ch_partitions ch_partitions;

/* NULL: no memory. */
ch_partitions *ch_partitions_new(ch_arena *arena, ch_error *err);
/* By each worker's open() and close(): with the last one the numbers begin anew. */
void ch_partitions_open(ch_partitions *all);
void ch_partitions_close(ch_partitions *all);

/* Where a worker is; zero at first. */
typedef struct ch_partition {
    int64_t number;
    uint64_t seq;
    bool begun;
} ch_partition;

/* True: call's rows begin a partition, p->number. False: they go on with the last one. Threads: any. */
bool ch_partition_enter(ch_partitions *all, const ch_call *call, ch_partition *p);

#endif
