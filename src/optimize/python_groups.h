/* SPDX-License-Identifier: Apache-2.0 */
/* python_groups.h - for extract_python.c: what it makes of functions in Python that see groups of rows. */
#ifndef CH_OPTIMIZE_PYTHON_GROUPS_H
#define CH_OPTIMIZE_PYTHON_GROUPS_H

#include "optimize/rewrite.h"
#include "plan/plan_python.h"

/*
 * Sorts *input by the partitions that Spark deals groups out to, then by the keys, then by `last`, which may be
 * NULL. A group's rows come in one morsel.
 */
CH_NODISCARD ch_status ch_python_groups(const ch_analyze_context *ctx, ch_rel **input,
                                        const ch_expr_list *keys, ch_expr *last, ch_error *err);
/* Groups of two relations, as groups of one (python_cogroup.c). */
CH_NODISCARD ch_status ch_python_cogroup(const ch_analyze_context *ctx,
                                         const ch_rel_co_group_map *m, ch_rel **rel, ch_error *err);
/* *list, of an aggregate, becomes a project's above it; *made is what the aggregate gives. */
CH_NODISCARD ch_status ch_python_split(const ch_analyze_context *ctx, const ch_expr_list *grouping,
                                       ch_expr_list *list, ch_expr_list *made, ch_error *err);
/* An aggregate that has such functions. Errors CH_E_PANDAS_UDF_PLACEMENT: others stand beside them. */
CH_NODISCARD ch_status ch_python_aggregate(const ch_analyze_context *ctx, const ch_rel_aggregate *g,
                                           ch_rel **rel, ch_error *err);
/*
 * A window that has such functions. Frames are asked of windows below: the smallest and largest row_number() of
 * a frame say where it begins and ends. Output: w's, and more columns.
 */
CH_NODISCARD ch_status ch_python_window(const ch_analyze_context *ctx, const ch_rel_window *w,
                                        ch_rel **rel, ch_error *err);

#endif
