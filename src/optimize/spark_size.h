/* SPDX-License-Identifier: Apache-2.0 */
/* spark_size.h - how large Spark believes a relation to be, which decides the sides of its joins. */
#ifndef CH_OPTIMIZE_SPARK_SIZE_H
#define CH_OPTIMIZE_SPARK_SIZE_H

#include "plan/plan.h"

/* Spark's sizeInBytes without collected statistics; -1 = unknown. */
double ch_spark_bytes(const ch_rel *rel);

#endif
