/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_local_filter.c - filters of a few rows that came with the plan are evaluated at once, as Spark does
 * (ConvertToLocalRelation).
 *
 *   Filter (n > 4)  +- LocalRelation [k, n], 7 rows   =>   LocalRelation [k, n], 3 rows
 *
 * What joins and groups such rows then knows their number, and partitions are cut from those that are left. A
 * condition that fails for a row stays where it is: the error is the run's.
 */
#include "column/batch.h"
#include "optimize/rewrite.h"
#include "plan/fold.h"
#include "plan/node.h"

#define MOST_ROWS 256

static int64_t local_rows(const ch_rel *rel)
{
    if (rel->kind == CH_REL_VALUES)
        return ((const ch_rel_values *)rel)->n_rows;
    int64_t n = 0;
    const ch_rel_local_relation *local = (const ch_rel_local_relation *)rel;
    for (int32_t i = 0; rel->kind == CH_REL_LOCAL_RELATION && i < local->n_batches; i++)
        n += local->batch[i]->n_full;
    return n;
}

static bool all_plain(const ch_attr_list *columns)
{
    for (int32_t i = 0; i < columns->n; i++)
        if (ch_type_is_nested(columns->item[i]->type))
            return false;
    return true;
}

/* Row i as literals; *done false: it has something else. */
static ch_status row_of(const ch_analyze_context *ctx, const ch_rel *rel, int64_t i,
                        ch_expr_list *row, bool *done, ch_error *err)
{
    *row = (ch_expr_list){0};
    *done = true;
    if (rel->kind == CH_REL_VALUES) {
        *row = ((const ch_rel_values *)rel)->row[i];
        for (int32_t c = 0; c < row->n; c++)
            *done &= row->item[c]->kind == CH_EXPR_LITERAL;
        return CH_OK;
    }
    const ch_rel_local_relation *local = (const ch_rel_local_relation *)rel;
    int32_t b = 0;
    for (; i >= local->batch[b]->n_full; b++)
        i -= local->batch[b]->n_full;
    for (int32_t c = 0; c < rel->output.n; c++) {
        const ch_column *column = local->batch[b]->col[c];
        ch_scalar value;
        ch_expr *e;
        CH_TRY(ch_column_scalar(column, i, ctx->arena, &value, err));
        if (!value.is_null && ch_type_is_view(value.type)) {
            char *text = ch_arena_strn(ctx->arena, value.v.str.text, (size_t)value.v.str.len, err);
            if (!text)
                return CH_E_MEMORY;
            value.v.str.text = text;
        }
        CH_AN_NEW(e, ch_make_literal(ctx->arena, &value, err));
        CH_TRY(ch_expr_list_add(ctx->arena, row, e, err));
    }
    return CH_OK;
}

/* The condition for the row; *done false: it cannot be told. */
static ch_status holds(const ch_analyze_context *ctx, const ch_rel *rel, const ch_expr *condition,
                       const ch_expr_list *row, bool *keep, bool *done, ch_error *err)
{
    ch_expr_list columns = {0};
    for (int32_t c = 0; c < row->n; c++) {
        ch_expr_alias *alias;
        CH_AN_NEW(alias, ch_expr_new(ctx->arena, CH_EXPR_ALIAS, err));
        alias->id = rel->output.item[c]->id;
        alias->child = row->item[c];
        alias->head.type = row->item[c]->type;
        CH_TRY(ch_expr_list_add(ctx->arena, &columns, &alias->head, err));
    }
    ch_expr *e = (ch_expr *)(uintptr_t)condition;
    ch_scalar value;
    CH_TRY(ch_substitute(ctx->arena, &columns, &e, err));
    CH_TRY(ch_expr_fold(ctx->func, ctx->arena, e, &value, done, err));
    *keep = *done && !value.is_null && value.v.boolean;
    return CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    if ((*rel)->kind != CH_REL_FILTER)
        return CH_OK;
    int64_t n = local_rows(f->input);
    if (n < 1 || n > MOST_ROWS || !all_plain(&f->input->output) ||
        !ch_expr_is_deterministic(f->condition) || ch_has_subquery(f->condition))
        return CH_OK;
    ch_rel_values *values;
    CH_AN_NEW(values, ch_rel_new(ctx->arena, CH_REL_VALUES, err));
    values->head.output = (*rel)->output;
    CH_ARENA_ARRAY(values->row, ctx->arena, n, err);
    for (int64_t i = 0; i < n; i++) {
        ch_expr_list row;
        bool keep = false, done;
        CH_TRY(row_of(ctx, f->input, i, &row, &done, err));
        if (done)
            CH_TRY(holds(ctx, f->input, f->condition, &row, &keep, &done, err));
        if (!done)
            return CH_OK;
        if (keep)
            values->row[values->n_rows++] = row;
    }
    *rel = &values->head;
    *changed = true;
    return CH_OK;
}

const ch_rule ch_rule_local_filter = {
    .name = "local_filter",
    .doc = "Filters a few rows that came with the plan at once.",
    .apply = apply,
};
