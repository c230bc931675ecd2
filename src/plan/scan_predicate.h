/* SPDX-License-Identifier: Apache-2.0 */
/* scan_predicate.h - a condition over a scan's output as a predicate that scans understand. */
#ifndef CH_PLAN_SCAN_PREDICATE_H
#define CH_PLAN_SCAN_PREDICATE_H

#include "plan/plan.h"
#include "store/predicate.h"

/*
 * *is false: e is not that simple. *exact false: rows may pass the predicate and not e. Values are e's, or lie in arena.
 */
CH_NODISCARD ch_status ch_scan_predicate(const ch_rel_scan *rel, const ch_expr *e, ch_arena *arena,
                                         ch_predicate *out, bool *is, bool *exact, ch_error *err);

#endif
