/* SPDX-License-Identifier: Apache-2.0 */
/*
 * optimize.h - resolved plan in, better resolved plan out, with the same rows.
 *
 * Rules stand in builtin/rules.def, one row and one file (rule_<name>.c) each.
 * They run in batches, each to a fixed point or a limit of rounds.
 */
#ifndef CH_OPTIMIZE_OPTIMIZE_H
#define CH_OPTIMIZE_OPTIMIZE_H

#include "plan/analyze.h"

typedef struct ch_rule {
    const char *name; /* "pushdown_filter": the setting
                       spark.sql.optimizer.excludedRules may name it */
    const char *doc;  /* one sentence */
    /* Looks at one relation after its inputs were rewritten; *rel is replaced
   * when the rule applies. */
    ch_status (*apply)(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err);
    bool top_down; /* before the inputs instead */
    bool whole;    /* is given the root only, and walks by itself */
    bool once; /* not again after it has run over the whole plan: its result would match again */
    bool required; /* operators cannot run what it rewrites: it cannot be excluded */
} ch_rule;

/* The rules in the order of the table; NULL past the last. */
const ch_rule *ch_rule_at(int i);

CH_NODISCARD ch_status ch_optimize(const ch_analyze_context *ctx, ch_rel **plan, ch_error *err);

/* A guess at the number of rows, and of bytes; -1 = no idea. */
int64_t ch_estimate_rows(const ch_rel *rel);
int64_t ch_estimate_bytes(const ch_rel *rel);

#endif
