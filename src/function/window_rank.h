/* SPDX-License-Identifier: Apache-2.0 */
/* window_rank.h - what binding a window function finds out, for the operator that runs it. */
#ifndef CH_FUNCTION_WINDOW_RANK_H
#define CH_FUNCTION_WINDOW_RANK_H

#include <stdint.h>

/* ch_bind.data of ntile (buckets), lag (rows back), lead (rows ahead), nth_value (from 1). */
typedef struct ch_window_offset {
    int64_t n;
} ch_window_offset;

#endif
