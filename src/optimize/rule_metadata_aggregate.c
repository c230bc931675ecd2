/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_metadata_aggregate.c - min, max and count of whole files are answered from their footers.
 *
 *   Aggregate [min(date), max(date), count(1)]        Project [2020-01-01, 2020-12-31, 600]
 *   +- Scan parquet                                   +- OneRowRelation
 *
 * Where footers give values and not mere bounds (ch_column_statistics.is_exact). count alone is left to the
 * scan, which reads no more than footers for it, on all cores.
 */
#include <string.h>

#include "format/format.h"
#include "optimize/estimate.h"
#include "optimize/rewrite.h"

typedef enum answer_kind { NO_ANSWER, COUNT_ROWS, COUNT_VALUES, MIN, MAX } answer_kind;

typedef struct answerer {
    const ch_analyze_context *ctx;
    const ch_rel_scan *scan;
    const ch_table_statistics *known; /* NULL: only looking whether all calls can be answered */
    ch_attr_list read;
    bool fails, extremes;
} answerer;

static answer_kind kind_of(const ch_expr_call *c, const ch_attr **column)
{
    const ch_scalar *value;
    if (c->is_distinct || c->filter || c->args.n != 1)
        return NO_ANSWER;
    bool count = strcmp(c->func->name, "count") == 0;
    const ch_expr *arg = c->args.item[0];
    if (count && ch_is_literal(arg, &value) && !value->is_null)
        return COUNT_ROWS;
    if (arg->kind != CH_EXPR_ATTRIBUTE)
        return NO_ANSWER;
    *column = ((const ch_expr_attribute *)arg)->attr;
    if (strcmp(c->func->name, "min") == 0)
        return MIN;
    if (strcmp(c->func->name, "max") == 0)
        return MAX;
    return count ? COUNT_VALUES : NO_ANSWER;
}

static const ch_column_statistics *statistics_of(const answerer *a, const ch_attr *column)
{
    for (int32_t i = 0; i < a->scan->head.output.n; i++)
        if (a->scan->head.output.item[i]->id == column->id)
            return &a->known->column[a->scan->wanted[i]];
    return NULL;
}

/* *known false: the footers do not tell. */
static void answer_of(const answerer *a, answer_kind kind, const ch_attr *column, ch_scalar *out,
                      bool *known)
{
    const ch_table_statistics *t = a->known;
    *known = t->is_exact && t->rows >= 0 && (kind == COUNT_ROWS || t->column);
    *out = (ch_scalar){.type = CH_T_LONG, .v.i64 = t->rows};
    if (!*known || kind == COUNT_ROWS)
        return;
    const ch_column_statistics *c = statistics_of(a, column);
    *known = c && c->is_exact && c->n_null >= 0 && (c->has_range || c->n_null == t->rows);
    if (!*known)
        return;
    if (kind == COUNT_VALUES) {
        out->v.i64 = t->rows - c->n_null;
        return;
    }
    *out = kind == MIN ? c->min : c->max;
    out->type = column->type;
    out->is_null = !c->has_range;
}

static ch_status visit(void *user, ch_expr **child, ch_error *err)
{
    answerer *a = user;
    const ch_expr_call *c = (const ch_expr_call *)*child;
    if (c->head.kind != CH_EXPR_CALL || !(c->func->flags & CH_FUNC_AGGREGATE))
        return ch_expr_map_children(a->ctx->arena, child, visit, a, err);
    const ch_attr *column = NULL;
    answer_kind kind = kind_of(c, &column);
    a->fails |= kind == NO_ANSWER;
    a->extremes |= kind == MIN || kind == MAX;
    if (a->fails || !a->known)
        return column ? ch_attr_list_add(a->ctx->arena, &a->read, column, err) : CH_OK;
    ch_scalar value;
    bool known;
    answer_of(a, kind, column, &value, &known);
    a->fails |= !known;
    if (known)
        CH_AN_NEW(*child, ch_make_literal(a->ctx->arena, &value, err));
    return CH_OK;
}

/* The calls of the list become literals; a->fails where one cannot. */
static ch_status visit_list(answerer *a, const ch_expr_list *in, ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < in->n && !a->fails; i++) {
        ch_expr *item = in->item[i];
        CH_TRY(visit(a, &item, err));
        CH_TRY(ch_expr_list_add(a->ctx->arena, out, item, err));
    }
    return CH_OK;
}

/* What the aggregate makes, said in columns of the scan below; *scan NULL: there is more than projects between. */
static ch_status down_to_scan(const ch_analyze_context *ctx, const ch_rel_aggregate *g,
                              ch_expr_list *made, const ch_rel_scan **scan, ch_error *err)
{
    const ch_rel *below = g->input;
    for (int32_t i = 0; i < g->aggregates.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, made, g->aggregates.item[i], err));
    for (; below->kind == CH_REL_PROJECT; below = ((const ch_rel_project *)below)->input)
        for (int32_t i = 0; i < made->n; i++)
            CH_TRY(ch_substitute(ctx->arena, &((const ch_rel_project *)below)->expressions,
                                 &made->item[i], err));
    *scan = below->kind == CH_REL_SCAN ? (const ch_rel_scan *)below : NULL;
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
    if (g->head.kind != CH_REL_AGGREGATE || g->grouping.n || g->n_sets ||
        g->group_type != CH_GROUP_BY)
        return CH_OK;
    ch_expr_list made = {0}, seen = {0}, answered = {0};
    answerer a = {.ctx = ctx};
    CH_TRY(down_to_scan(ctx, g, &made, &a.scan, err));
    if (!a.scan || !a.scan->format || !a.scan->format->statistics || a.scan->limit >= 0)
        return CH_OK;
    CH_TRY(visit_list(&a, &made, &seen, err));
    if (a.fails || !a.extremes)
        return CH_OK;
    ch_table_statistics known = {0};
    ch_error own = {0};
    if (ch_scan_statistics(ctx, a.scan, &a.read, &known, &own) != CH_OK) {
        ch_error_release(&own); /* the scan will tell */
        return CH_OK;
    }
    a.known = &known;
    CH_TRY(visit_list(&a, &made, &answered, err));
    if (a.fails)
        return CH_OK;
    ch_rel *one;
    CH_AN_NEW(one, ch_rel_new(ctx->arena, CH_REL_ONE_ROW, err));
    *changed = true;
    return ch_make_project(ctx->arena, one, &answered, rel, err);
}

const ch_rule ch_rule_metadata_aggregate = {
    .name = "metadata_aggregate",
    .doc = "Answers min, max and count of whole files from their footers.",
    .apply = apply,
    .once = true,
};
