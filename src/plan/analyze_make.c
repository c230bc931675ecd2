/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_make.c - scopes, and when two names are the same. */
#include <strings.h>

#include "plan/analyzer.h"

bool ch_an_same_name(const ch_analyzer *a, const char *x, const char *y)
{
    if (a->ctx->func && a->ctx->func->case_sensitive)
        return strcmp(x, y) == 0;
    return strcasecmp(x, y) == 0;
}

ch_an_scope ch_an_scope_of(const ch_analyzer *a, const ch_rel *left, const ch_rel *right,
                           const char *clause)
{
    ch_an_scope s = {.outer = a->outer, .clause = clause, .input = {left, right}};
    if (left)
        s.tier[s.n_tiers++] = &left->output;
    return s;
}
