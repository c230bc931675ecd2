/* SPDX-License-Identifier: Apache-2.0 */
/* hash_spark.h - the hash by which Spark deals rows out to shuffle partitions. */
#ifndef CH_FUNCTION_HASH_SPARK_H
#define CH_FUNCTION_HASH_SPARK_H

#include "column/column.h"

/*
 * out[i] = hash(col[0][i], col[1][i], ...): Murmur3 with seed 42; 42 itself without columns or where all are NULL.
 *   col   borrows  n_cols columns of n rows, any encoding
 */
void ch_spark_hash(ch_column *const *col, int32_t n_cols, int64_t n, int32_t *out);

#endif
