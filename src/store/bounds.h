/* SPDX-License-Identifier: Apache-2.0 */
/* bounds.h - what is known about the values of some rows of one column, and which predicates it refutes. */
#ifndef CH_STORE_BOUNDS_H
#define CH_STORE_BOUNDS_H

#include "store/predicate.h"
#include "store/runtime_filter.h"

typedef struct ch_bounds {
    bool has_min, has_max; /* bounds of the non-NULL values; texts may be cut, but still bound */
    ch_scalar min, max;    /* text is borrowed from where the bounds come from */
    int64_t n_null;        /* -1 = unknown */
    int64_t n;             /* values, NULLs counted; -1 = unknown */
} ch_bounds;

/* Bounds widened where the order of some values is not total: NaN, and both zeros. */
void ch_bounds_settle(ch_bounds *bounds);
/* all = bounds of the rows of both; nothing is known of no rows (all zero). */
void ch_bounds_widen(ch_bounds *all, const ch_bounds *more);
/* Can no row within the bounds pass? */
bool ch_bounds_exclude(const ch_bounds *bounds, const ch_predicate *p);
/* Does the runtime filter let none pass? */
bool ch_bounds_exclude_runtime(const ch_bounds *bounds, const ch_runtime_filter *f);

#endif
