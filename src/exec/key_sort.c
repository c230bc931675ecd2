/* SPDX-License-Identifier: Apache-2.0 */
/* key_sort.c - see key_sort.h: a merge sort of places. */
#include "exec/key_sort.h"

#include <string.h>

#include "kernel/compare.h"

typedef struct sorter {
    ch_column *const *key;
    int32_t n_keys;
    const ch_sortkey_order *order;
} sorter;

bool ch_key_before(ch_column *const *key, int32_t n_keys, const ch_sortkey_order *order, int64_t a,
                   int64_t b)
{
    for (int32_t k = 0; k < n_keys; k++) {
        int c = ch_compare_at(key[k], a, key[k], b); /* NULL is smallest */
        bool null = c && order && (ch_column_is_null(key[k], a) || ch_column_is_null(key[k], b));
        bool turn = order && (null ? !order[k].nulls_first : order[k].descending);
        if (c)
            return turn ? c > 0 : c < 0;
    }
    return false;
}

static bool is_before(const sorter *s, int32_t a, int32_t b)
{
    return ch_key_before(s->key, s->n_keys, s->order, a, b);
}

static void sort(const sorter *s, int32_t *perm, int32_t *scratch, int64_t n)
{
    if (n < 2)
        return;
    int64_t half = n / 2, i = 0, j = half, k = 0;
    sort(s, perm, scratch, half);
    sort(s, perm + half, scratch, n - half);
    if (!is_before(s, perm[half], perm[half - 1]))
        return;
    memcpy(scratch, perm, sizeof *perm * (size_t)half);
    while (i < half && j < n)
        perm[k++] = is_before(s, perm[j], scratch[i]) ? perm[j++] : scratch[i++];
    while (i < half)
        perm[k++] = scratch[i++];
}

ch_status ch_key_sort(ch_column *const *key, int32_t n_keys, const ch_sortkey_order *order,
                      int64_t n, ch_mem *mem, int32_t *perm, ch_error *err)
{
    int32_t *scratch = ch_mem_alloc(mem, sizeof *scratch * (size_t)(n / 2 + 1), err);
    if (!scratch)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        perm[i] = (int32_t)i;
    sort(&(sorter){key, n_keys, order}, perm, scratch, n);
    ch_mem_free(mem, scratch, sizeof *scratch * (size_t)(n / 2 + 1));
    return CH_OK;
}
