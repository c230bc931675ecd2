/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_scan_statistics.c - scans of a query with joins are asked what they know about their rows.
 *
 * Only about columns that a condition or a grouping reads, since asking may mean reading footers. A format that
 * cannot say, or fails to, leaves the scan to guesses: the query itself will tell what is wrong.
 */
#include "format/format.h"
#include "optimize/estimate.h"
#include "optimize/rewrite.h"

typedef struct asker {
    const ch_analyze_context *ctx;
    ch_attr_list read; /* by conditions and groupings */
    bool joins;
} asker;

static ch_status note_list(asker *a, const ch_expr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++)
        CH_TRY(ch_columns_used(a->ctx->arena, list->item[i], &a->read, err));
    return CH_OK;
}

/* A condition above may read what the list makes of columns. */
static ch_status note_made(asker *a, const ch_expr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr_alias *alias = (const ch_expr_alias *)list->item[i];
        if (alias->head.kind == CH_EXPR_ALIAS && ch_attr_list_find(&a->read, alias->id))
            CH_TRY(ch_columns_used(a->ctx->arena, alias->child, &a->read, err));
    }
    return CH_OK;
}

static ch_status note(void *user, ch_rel **rel, ch_error *err)
{
    asker *a = user;
    if ((*rel)->kind == CH_REL_JOIN) {
        const ch_rel_join *j = (const ch_rel_join *)*rel;
        a->joins = true;
        if (j->condition)
            CH_TRY(ch_columns_used(a->ctx->arena, j->condition, &a->read, err));
    } else if ((*rel)->kind == CH_REL_FILTER) {
        CH_TRY(ch_columns_used(a->ctx->arena, ((const ch_rel_filter *)*rel)->condition, &a->read,
                               err));
    } else if ((*rel)->kind == CH_REL_AGGREGATE) {
        CH_TRY(note_list(a, &((const ch_rel_aggregate *)*rel)->grouping, err));
    } else if ((*rel)->kind == CH_REL_PROJECT) {
        CH_TRY(note_made(a, &((const ch_rel_project *)*rel)->expressions, err));
    }
    return ch_rel_map_inputs(a->ctx->arena, rel, note, a, err);
}

static ch_status ask_scans(void *user, ch_rel **rel, ch_error *err)
{
    asker *a = user;
    if ((*rel)->kind != CH_REL_SCAN)
        return ch_rel_map_inputs(a->ctx->arena, rel, ask_scans, a, err);
    const ch_rel_scan *s = (const ch_rel_scan *)*rel;
    ch_table_statistics *known;
    ch_rel_scan *copy;
    if (!s->format || !s->format->statistics || s->statistics)
        return CH_OK;
    CH_ARENA_NEW(known, a->ctx->arena, err);
    if (ch_scan_statistics(a->ctx, s, &a->read, known, NULL) != CH_OK)
        return CH_OK;
    CH_AN_NEW(copy, ch_rel_clone(a->ctx->arena, *rel, err));
    copy->statistics = known;
    *rel = &copy->head;
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    asker a = {.ctx = ctx};
    CH_UNUSED(changed); /* no rule before this one looks at it */
    CH_TRY(note(&a, rel, err));
    return a.joins ? ask_scans(&a, rel, err) : CH_OK;
}

const ch_rule ch_rule_scan_statistics = {
    .name = "scan_statistics",
    .doc = "Asks the scans of a query with joins for statistics.",
    .apply = apply,
    .whole = true,
    .once = true,
};
