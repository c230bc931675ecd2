/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canonical.h - do two resolved plans give the same rows? (QueryPlan.sameResult of Spark)
 *
 * The canonical form of a plan leaves out what makes no difference: ids of columns are numbered in the order in
 * which they appear, names of columns and aliases of tables go, files are known by the paths that were asked
 * for and not by what was found there, rows that the plan holds by a digest.
 */
#ifndef CH_PLAN_CANONICAL_H
#define CH_PLAN_CANONICAL_H

#include "plan/plan.h"

/*
 * Two plans give the same rows if their forms are equal (ch_rel_equal).
 *   rel  borrows  resolved, not optimized
 *   out  gives    in arena; NULL: its rows are others each time (rand() without a seed)
 * Cost: O(plan + rows in it).
 */
CH_NODISCARD ch_status ch_plan_canonical(ch_arena *arena, const ch_rel *rel, ch_rel **out,
                                         ch_error *err);
/* Different for plans whose forms differ in their kinds of nodes: a quick no. */
uint64_t ch_plan_shape(const ch_rel *rel);
/* Calls fn for every scan of the plan, in subqueries too, until it says true, which is the answer. */
bool ch_plan_any_scan(const ch_rel *rel, bool (*fn)(void *user, const ch_rel_scan *scan),
                      void *user);

#endif
