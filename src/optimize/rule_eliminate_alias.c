/* SPDX-License-Identifier: Apache-2.0 */
/* rule_eliminate_alias.c - names of relations mean nothing any more once columns have ids. */
#include "optimize/rewrite.h"

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    CH_UNUSED(ctx);
    CH_UNUSED(err);
    while ((*rel)->kind == CH_REL_SUBQUERY_ALIAS || (*rel)->kind == CH_REL_HINT) {
        *rel = ch_only_input(*rel);
        *changed = true;
    }
    return CH_OK;
}

const ch_rule ch_rule_eliminate_alias = {
    .name = "eliminate_alias",
    .doc = "Drops aliases of relations, and hints that were heard.",
    .apply = apply,
};
