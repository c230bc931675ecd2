/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unnest.h - a subquery that uses columns of the row around it, as one that does not.
 *
 * Two ways lead there. Where nothing but filters uses these columns, their conjuncts are taken out and
 * become the condition of a join. Else the subquery is computed once for all rows around it: its plan is
 * joined, at its leaves, with the distinct values that these columns take, and carries them up.
 *
 * Neumann & Kemper, Unnesting arbitrary queries (2015).
 */
#ifndef CH_OPTIMIZE_UNNEST_H
#define CH_OPTIMIZE_UNNEST_H

#include "optimize/rewrite.h"

/* A plan free of the row around, and what a row of it and a row around must satisfy to belong together. */
typedef struct ch_unnested {
    ch_rel *rel; /* has the subquery's columns, under their ids, and those of the condition */
    ch_expr_list condition;
} ch_unnested;

/* By taking conjuncts out; *done false: something else uses columns of the row around. */
CH_NODISCARD ch_status ch_unnest_filters(const ch_analyze_context *ctx, const ch_expr_subquery *s,
                                         ch_unnested *out, bool *done, ch_error *err);
/* By the values that s->outer takes over the rows of around. */
CH_NODISCARD ch_status ch_unnest_domain(const ch_analyze_context *ctx, const ch_expr_subquery *s,
                                        ch_rel *around, ch_unnested *out, ch_error *err);

/* s's columns of the row around in *expr become their values there. */
CH_NODISCARD ch_status ch_unnest_bind(const ch_analyze_context *ctx, const ch_expr_subquery *s,
                                      ch_expr **expr, ch_error *err);
/* Does the plan, or an expression, use a column of the row around? */
bool ch_unnest_is_free(const ch_expr_subquery *s, const ch_rel *rel);
bool ch_unnest_uses(const ch_expr_subquery *s, const ch_expr *expr);
/* What an expression over aggregate calls is for no rows: count gives 0, most others NULL. */
CH_NODISCARD ch_status ch_unnest_of_nothing(const ch_analyze_context *ctx, ch_expr **expr,
                                            ch_error *err);
/* The subquery that the right side of a lateral join is: outer are columns of the left side. */
CH_NODISCARD ch_status ch_unnest_lateral(const ch_analyze_context *ctx, const ch_rel_join *join,
                                         ch_rel **out, ch_error *err);
/* The rows of s as a join partner, by whichever way does it. */
CH_NODISCARD ch_status ch_unnest(const ch_analyze_context *ctx, const ch_expr_subquery *s,
                                 ch_rel *around, ch_unnested *out, ch_error *err);

#endif
