/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_order.c - see agg_order.h.
 *
 *   HashAggregate        all states are of fixed size: groups as they came out of the shuffle
 *   ObjectHashAggregate  some are objects; falls back to sorting beyond 128 groups
 *   SortAggregate        some are strings or nested (min, max, first of a string): groups by key
 */
#include "exec/agg_order.h"

#include <string.h>

#include "plan/node.h"

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

ch_agg_keeps ch_agg_keeps_of(const ch_expr_call *aggregate)
{
    static const char *const OBJECTS[] = {"approx_percentile",
                                          "array_agg",
                                          "collect_list",
                                          "collect_set",
                                          "count_min_sketch",
                                          "freq_items",
                                          "histogram_numeric",
                                          "hll_sketch_agg",
                                          "hll_union_agg",
                                          "listagg",
                                          "median",
                                          "mode",
                                          "percentile",
                                          "percentile_approx",
                                          "percentile_cont",
                                          "percentile_disc",
                                          "string_agg",
                                          "approx_top_k",
                                          NULL};
    static const char *const VALUES[] = {"any_value",  "first", "first_value", "last",
                                         "last_value", "max",   "max_by",      "min",
                                         "min_by",     NULL};
    static const char *const BYTES[] = {"bitmap_and_agg", "bitmap_construct_agg", "bitmap_or_agg",
                                        NULL};
    const char *name = aggregate->func->name;
    if (is_one_of(name, OBJECTS))
        return CH_AGG_OBJECT;
    if (is_one_of(name, BYTES))
        return CH_AGG_GROWING;
    if (!is_one_of(name, VALUES))
        return CH_AGG_FIXED;
    for (int32_t i = 0; i < aggregate->args.n; i++) {
        const ch_type *t = aggregate->args.item[i]->type;
        if (ch_type_is_view(t) || ch_type_is_nested(t))
            return CH_AGG_GROWING;
    }
    return CH_AGG_FIXED;
}

bool ch_is_single_partition(const ch_rel *rel)
{
    for (;;)
        switch (rel->kind) {
        case CH_REL_PROJECT:
            rel = ((const ch_rel_project *)rel)->input;
            break;
        case CH_REL_FILTER:
            rel = ((const ch_rel_filter *)rel)->input;
            break;
        case CH_REL_SUBQUERY_ALIAS:
            rel = ((const ch_rel_subquery_alias *)rel)->input;
            break;
        case CH_REL_LIMIT:
            return true;
        case CH_REL_SORT:
            if (((const ch_rel_sort *)rel)->limit >= 0)
                return true;
            return false;
        case CH_REL_RANGE:
            return ((const ch_rel_range *)rel)->num_partitions == 1;
        case CH_REL_REPARTITION:
            return ((const ch_rel_repartition *)rel)->num_partitions == 1;
        case CH_REL_AGGREGATE:
            return ((const ch_rel_aggregate *)rel)->grouping.n == 0;
        case CH_REL_WINDOW:
            return ((const ch_rel_window *)rel)->partition.n == 0;
        default:
            return false;
        }
}

ch_group_order ch_agg_order(const ch_rel *input, unsigned keeps, bool has_distinct)
{
    if (keeps & 1U << CH_AGG_OBJECT)
        return has_distinct ? CH_GROUP_REHASHED : CH_GROUP_OBJECTS;
    if (keeps & 1U << CH_AGG_GROWING)
        return CH_GROUP_SORTED;
    if (ch_is_single_partition(input))
        return CH_GROUP_ARRIVED;
    return has_distinct ? CH_GROUP_REHASHED : CH_GROUP_HASHED;
}

bool ch_agg_nulls_last(const ch_type *const *keys, int32_t n_keys, int32_t n_aggs,
                       ch_group_order order)
{
    if (order != CH_GROUP_ARRIVED && !(order == CH_GROUP_HASHED && n_aggs == 0))
        return false;
    for (int32_t k = 0; k < n_keys; k++)
        if (ch_type_is_nested(keys[k]) || keys[k]->id == CH_BINARY || keys[k]->id == CH_NULL)
            return false;
    return true;
}
