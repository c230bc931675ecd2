/* SPDX-License-Identifier: Apache-2.0 */
/* sort_bound.c - the N-th key of a top-N as a filter of the scan below. */
#include "exec/sort_bound.h"

#include "plan/analyze.h"

static bool is_pure(const ch_expr *e)
{
    return ch_expr_is_deterministic(e) && !ch_expr_may_fail(e);
}

static bool are_pure(const ch_expr_list *list)
{
    for (int32_t i = 0; i < list->n; i++)
        if (!is_pure(list->item[i]))
            return false;
    return true;
}

/* Do rows of the scan below become rows of rel without anything that a row left out would change? */
static bool is_plain(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_SCAN:
        return true;
    case CH_REL_FILTER:
        return is_pure(((const ch_rel_filter *)rel)->condition) &&
               is_plain(((const ch_rel_filter *)rel)->input);
    case CH_REL_PROJECT:
        return are_pure(&((const ch_rel_project *)rel)->expressions) &&
               is_plain(((const ch_rel_project *)rel)->input);
    default:
        return false;
    }
}

ch_status ch_sort_bound_offer(ch_compiler *c, const ch_rel_sort *sort, ch_sort_bound *bound,
                              ch_error *err)
{
    bound->column = -1;
    const ch_expr_sort_order *first = (const ch_expr_sort_order *)sort->order.item[0];
    if (first->child->kind != CH_EXPR_ATTRIBUTE || !are_pure(&sort->order) ||
        !is_plain(sort->input))
        return CH_OK;
    const ch_attr *attr = ((const ch_expr_attribute *)first->child)->attr;
    if (!ch_runtime_filter_has_order(attr->type))
        return CH_OK;
    bound->column = ch_attr_position(&sort->input->output, attr->id);
    if (bound->column < 0)
        return CH_OK;
    ch_runtime_filter_init(&bound->filter, attr->type, NULL);
    ch_runtime_filter_bound(&bound->filter,
                            first->descending ? CH_BOUND_AT_LEAST : CH_BOUND_AT_MOST,
                            first->nulls_first);
    return ch_offer_filter(c, attr->id, &bound->filter, err);
}

void ch_sort_bound_reset(ch_sort_bound *bound)
{
    ch_runtime_filter *f = &bound->filter;
    ch_runtime_filter_release(f);
    if (f->side)
        ch_runtime_filter_bound(f, f->side, f->with_null);
}

ch_status ch_sort_bound_move(ch_sort_bound *bound, const ch_rowlayout *layout, uint8_t *row,
                             ch_mem *mem, ch_error *err)
{
    ch_column *value;
    if (bound->column < 0)
        return CH_OK;
    CH_TRY(ch_rows_gather(layout, bound->column, &row, 1, mem, &value, err));
    if (!ch_column_is_null(value, 0))
        ch_runtime_filter_move(&bound->filter, ch_column_i64(value, 0));
    ch_column_unref(value);
    return CH_OK;
}
