/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_join_side.c - which side of a join is hashed and kept in memory.
 *
 * The smaller one by estimate; the right one where nothing is known, and for NOT IN, which must see whether
 * the right side has a NULL before it says anything. A BROADCAST hint comes first.
 *
 * Which side it is decides the order of the rows. So where both sides are few rows it is the one that Spark would
 * broadcast: never the side that an outer, semi or anti join keeps.
 */
#include "optimize/rewrite.h"
#include "optimize/spark_size.h"

/* spark.sql.autoBroadcastJoinThreshold, and rows for which the choice costs nothing. */
#define FEW_BYTES (10 << 20)
#define FEW_ROWS 16384

static bool is_few(const ch_rel *rel, double bytes)
{
    int64_t rows = ch_estimate_rows(rel);
    return bytes >= 0 && bytes <= FEW_BYTES && rows >= 0 && rows <= FEW_ROWS;
}

/* Spark's choice for a join of few rows. */
static bool as_spark(const ch_rel_join *j, ch_build_side *out)
{
    double left = ch_spark_bytes(j->left), right = ch_spark_bytes(j->right);
    if (!is_few(j->left, left) || !is_few(j->right, right))
        return false;
    switch (j->join_type) {
    case CH_JOIN_INNER:
    case CH_JOIN_CROSS:
        *out = right <= left ? CH_BUILD_RIGHT : CH_BUILD_LEFT;
        return true;
    case CH_JOIN_RIGHT_OUTER:
        *out = CH_BUILD_LEFT;
        return true;
    case CH_JOIN_FULL_OUTER:
    case CH_JOIN_LEFT_OUTER:
    case CH_JOIN_LEFT_SEMI:
    case CH_JOIN_LEFT_ANTI:
        *out = CH_BUILD_RIGHT;
        return true;
    default:
        return false;
    }
}

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
    ch_build_side few;
    if (as_spark(j, &few))
        return few;
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
