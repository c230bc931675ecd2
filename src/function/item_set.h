/* SPDX-License-Identifier: Apache-2.0 */
/*
 * item_set.h - which elements of a list were seen before, list after list.
 *
 *   ch_item_set_init(&set, item, mem, err)
 *   ch_item_set_begin(&set, n, err)     a new list, of n elements at most: nothing is seen
 *   ch_item_set_find / _add             positions in item
 *   ch_item_set_release(&set)           also after a failed init
 *
 * Elements are equal as in GROUP BY: NULL = NULL, NaN = NaN, 0.0 = -0.0. Cost: O(1) per element; short
 * lists are compared one by one.
 */
#ifndef CH_FUNCTION_ITEM_SET_H
#define CH_FUNCTION_ITEM_SET_H

#include "column/column.h"

typedef struct ch_item_set {
    const ch_column *item; /* borrowed */
    ch_mem *mem;
    uint64_t *hash; /* per element; NULL until a list is long */
    int32_t *slot;  /* element + 1, or 0: hashed; of short lists one behind the other */
    int64_t cap;    /* allocated */
    int64_t mask;   /* slots - 1; -1: a short list */
    int32_t n;      /* elements of a short list */
} ch_item_set;

void ch_item_set_init(ch_item_set *set, const ch_column *item, ch_mem *mem);
CH_NODISCARD ch_status ch_item_set_begin(ch_item_set *set, int64_t n, ch_error *err);
/* The element equal to k that was added, or -1. */
int32_t ch_item_set_find(const ch_item_set *set, int32_t k);
/* The same; if there is none, k is added. */
int32_t ch_item_set_add(ch_item_set *set, int32_t k);
void ch_item_set_release(ch_item_set *set);

#endif
