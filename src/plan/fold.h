/* SPDX-License-Identifier: Apache-2.0 */
/* fold.h - the value of an expression that depends on no row. */
#ifndef CH_PLAN_FOLD_H
#define CH_PLAN_FOLD_H

#include "function/function.h"
#include "plan/node.h"

/*
 * Evaluates a resolved, foldable expression once.
 *
 *   out   text and items live in arena
 *   done  false: it is not foldable, it needs what only the executor has, or it fails; an error is
 *         left for run time, when the row that it concerns is really reached
 */
CH_NODISCARD ch_status ch_expr_fold(const ch_func_context *ctx, ch_arena *arena,
                                    const ch_expr *expr, ch_scalar *out, bool *done, ch_error *err);

#endif
