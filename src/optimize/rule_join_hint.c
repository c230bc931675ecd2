/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_join_hint.c - BROADCAST: which side of a join is built, if somebody said so.
 *
 *   df.join(other.hint("broadcast"))          the hint stands on the side itself
 *   SELECT ... JOIN r, with BROADCAST(r)      it stands above the join and names the side
 */
#include <strings.h>

#include "optimize/rewrite.h"

static bool is_broadcast(const ch_rel_hint *h)
{
    static const char *const NAME[] = {"broadcast", "broadcastjoin", "mapjoin"};
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        if (strcasecmp(h->name, NAME[i]) == 0)
            return true;
    return false;
}

static bool is_named(const ch_rel_hint *h, const char *alias)
{
    for (int32_t i = 0; i < h->parameters.n; i++) {
        const ch_expr *e = h->parameters.item[i];
        const ch_str_list *parts = &((const ch_expr_unresolved_attribute *)e)->parts;
        if (e->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE && parts->n &&
            strcasecmp(parts->item[parts->n - 1], alias) == 0)
            return true;
    }
    return false;
}

/* Does the side carry the hint itself (hint NULL), or the name that the hint above gives? */
static bool is_meant(const ch_rel *side, const ch_rel_hint *hint)
{
    for (; side; side = ch_only_input(side)) {
        if (!hint && side->kind == CH_REL_HINT && is_broadcast((const ch_rel_hint *)side) &&
            ((const ch_rel_hint *)side)->parameters.n == 0)
            return true;
        if (hint && side->kind == CH_REL_SUBQUERY_ALIAS &&
            is_named(hint, ((const ch_rel_subquery_alias *)side)->alias))
            return true;
        if (side->kind != CH_REL_PROJECT && side->kind != CH_REL_FILTER &&
            side->kind != CH_REL_SUBQUERY_ALIAS && side->kind != CH_REL_HINT)
            return false;
    }
    return false;
}

typedef struct hearer {
    const ch_analyze_context *ctx;
    const ch_rel_hint *hint;
} hearer;

static ch_status set_side(hearer *h, ch_rel **rel, ch_error *err)
{
    const ch_rel_join *j = (const ch_rel_join *)*rel;
    ch_build_side side = is_meant(j->right, h->hint)  ? CH_BUILD_RIGHT
                         : is_meant(j->left, h->hint) ? CH_BUILD_LEFT
                                                      : CH_BUILD_UNDECIDED;
    if (side == CH_BUILD_UNDECIDED || j->build != CH_BUILD_UNDECIDED)
        return CH_OK;
    ch_rel_join *copy;
    CH_AN_NEW(copy, ch_rel_clone(h->ctx->arena, *rel, err));
    copy->build = side;
    copy->broadcast = true;
    *rel = &copy->head;
    return CH_OK;
}

static ch_status below(void *user, ch_rel **rel, ch_error *err)
{
    hearer *h = user;
    if ((*rel)->kind == CH_REL_JOIN)
        CH_TRY(set_side(h, rel, err));
    return ch_rel_map_inputs(h->ctx->arena, rel, below, h, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    CH_UNUSED(changed);
    hearer h = {ctx, NULL};
    if ((*rel)->kind == CH_REL_JOIN)
        return set_side(&h, rel, err);
    if ((*rel)->kind != CH_REL_HINT)
        return CH_OK;
    h.hint = (const ch_rel_hint *)*rel;
    return is_broadcast(h.hint) && h.hint->parameters.n ? below(&h, rel, err) : CH_OK;
}

const ch_rule ch_rule_join_hint = {
    .name = "join_hint",
    .doc = "Builds the side of a join that a BROADCAST hint names.",
    .apply = apply,
    .top_down = true,
};
