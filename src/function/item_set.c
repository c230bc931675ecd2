/* SPDX-License-Identifier: Apache-2.0 */
/* item_set.c - open addressing over hashes that are made once for all lists of a column. */
#include "function/item_set.h"

#include <string.h>

#include "kernel/compare.h"
#include "kernel/hash.h"

/* Up to here comparing is cheaper than hashing. */
#define SHORT_LIST 16

void ch_item_set_init(ch_item_set *set, const ch_column *item, ch_mem *mem)
{
    *set = (ch_item_set){.item = item, .mem = mem};
}

static ch_status hash_items(ch_item_set *set, ch_error *err)
{
    ch_column *item = (ch_column *)(uintptr_t)set->item; /* only read */
    set->hash = ch_mem_alloc(set->mem, sizeof *set->hash * (size_t)item->rows, err);
    return set->hash ? ch_hash(&item, 1, item->rows, set->hash, set->mem, err) : CH_E_MEMORY;
}

ch_status ch_item_set_begin(ch_item_set *set, int64_t n, ch_error *err)
{
    int64_t slots = SHORT_LIST;
    set->n = 0;
    set->mask = -1;
    if (n > SHORT_LIST) {
        while (slots < 2 * n)
            slots *= 2;
        set->mask = slots - 1;
        if (!set->hash)
            CH_TRY(hash_items(set, err));
    }
    if (slots > set->cap) {
        ch_mem_free(set->mem, set->slot, sizeof *set->slot * (size_t)set->cap);
        set->cap = 0;
        set->slot = ch_mem_alloc(set->mem, sizeof *set->slot * (size_t)slots, err);
        if (!set->slot)
            return CH_E_MEMORY;
        set->cap = slots;
    }
    if (set->mask >= 0)
        memset(set->slot, 0, sizeof *set->slot * (size_t)slots);
    return CH_OK;
}

/* Where k or its equal lies, or where it would. */
static int64_t place(const ch_item_set *set, int32_t k)
{
    if (set->mask < 0) {
        for (int32_t i = 0; i < set->n; i++)
            if (ch_compare_at(set->item, set->slot[i] - 1, set->item, k) == 0)
                return i;
        return set->n;
    }
    int64_t at = (int64_t)set->hash[k] & set->mask;
    for (int32_t s; (s = set->slot[at]) != 0; at = (at + 1) & set->mask)
        if (set->hash[s - 1] == set->hash[k] && ch_compare_at(set->item, s - 1, set->item, k) == 0)
            break;
    return at;
}

int32_t ch_item_set_find(const ch_item_set *set, int32_t k)
{
    int64_t at = place(set, k);
    return set->mask < 0 && at == set->n ? -1 : set->slot[at] - 1;
}

int32_t ch_item_set_add(ch_item_set *set, int32_t k)
{
    int64_t at = place(set, k);
    if (set->mask < 0 && at == set->n)
        set->slot[set->n++] = 0;
    int32_t seen = set->slot[at] - 1;
    if (seen < 0)
        set->slot[at] = k + 1;
    return seen;
}

void ch_item_set_release(ch_item_set *set)
{
    if (set->hash)
        ch_mem_free(set->mem, set->hash, sizeof *set->hash * (size_t)set->item->rows);
    ch_mem_free(set->mem, set->slot, sizeof *set->slot * (size_t)set->cap);
    *set = (ch_item_set){0};
}
