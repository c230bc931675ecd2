/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_join_side.c - which side of a join is hashed and kept in memory.
 *
 * The smaller one by estimate; the right one where nothing is known, and for NOT IN, which must see whether
 * the right side has a NULL before it says anything. A BROADCAST hint comes first.
 */
#include "optimize/rewrite.h"

enum {
    ROW_BUILT = 64,  /* what hashing and chaining a row costs, beside its bytes */
    ROW_PROBED = 16, /* and looking one up */
};

/* Of hashing `build` and looking `probe` up in it, in bytes moved; below 0: nothing is known. */
static double cost(const ch_rel *build, const ch_rel *probe)
{
    int64_t bytes = ch_estimate_bytes(build), rows = ch_estimate_rows(build);
    int64_t probes = ch_estimate_rows(probe);
    if (bytes < 0 || rows < 0)
        return -1;
    return (double)bytes + (double)rows * ROW_BUILT +
           (double)(probes > 0 ? probes : 0) * ROW_PROBED;
}

static ch_build_side choose(const ch_rel_join *j)
{
    if (j->null_aware || j->join_type == CH_JOIN_EXISTENCE)
        return CH_BUILD_RIGHT;
    if (j->build != CH_BUILD_UNDECIDED)
        return j->build;
    double left = cost(j->left, j->right), right = cost(j->right, j->left);
    return left >= 0 && (right < 0 || left < right) ? CH_BUILD_LEFT : CH_BUILD_RIGHT;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    CH_UNUSED(changed); /* nothing that other rules look at */
    if ((*rel)->kind != CH_REL_JOIN)
        return CH_OK;
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, *rel, err));
    j->build = choose(j);
    *rel = &j->head;
    return CH_OK;
}

const ch_rule ch_rule_join_side = {
    .name = "join_side",
    .doc = "Hashes the smaller side of a join.",
    .apply = apply,
    .once = true,
};
