/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_sort.c - rows of a share in the order of their windows.
 *
 *   1. Partitions get numbers: by a hash table over the hash of their columns. Their own order does not
 *      matter, so no bytes are compared for it.
 *   2. Rows are scattered to their partitions, stable (counting sort).
 *   3. Within each, ORDER BY: where its columns fit 64 bits together, less what the rows at hand do
 *      not use (largest - smallest, NULL one more value), by radix or insertion on that number; else
 *      by normalized keys (kernel/sortkey.h).
 *
 * Shares are small enough for the cache, which is what makes this fast.
 */
#include <string.h>

#include "exec/sort_run.h"
#include "exec/window.h"
#include "kernel/compare.h"
#include "kernel/hash.h"
#include "kernel/sortkey.h"

#define INSERTION_MOST 48

typedef struct sort_item {
    uint64_t key;
    int32_t row, group;
} sort_item;

/* ---- partitions --------------------------------------------------------------------------------------- */

/* group[i]: number of row i's partition, by first appearance. */
static ch_status number_groups(ch_column *const *key, int32_t n_part, int64_t n, ch_mem *mem,
                               int32_t *group, int64_t *n_groups, ch_error *err)
{
    *n_groups = n > 0;
    memset(group, 0, sizeof *group * (size_t)n);
    if (n_part == 0)
        return CH_OK;
    int64_t slots = 16;
    while (slots < 2 * n)
        slots *= 2;
    uint64_t *hash = ch_mem_alloc(mem, sizeof *hash * (size_t)n, err);
    int32_t *slot = hash ? ch_mem_zalloc(mem, sizeof *slot * (size_t)slots, err) : NULL;
    int32_t *first = slot ? ch_mem_alloc(mem, sizeof *first * (size_t)n, err) : NULL;
    uint8_t *equal = first ? ch_mem_alloc(mem, (size_t)n, err) : NULL;
    ch_status status = CH_E_MEMORY;
    if (!equal)
        goto out;
    CH_TRY_OUT(ch_hash(key, n_part, n, hash, mem, err));
    /* By hashes alone at first: first[i] is the row that i seems equal to. */
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t at = hash[i] & (uint64_t)(slots - 1);
        while (slot[at] && hash[slot[at] - 1] != hash[i])
            at = (at + 1) & (uint64_t)(slots - 1);
        if (!slot[at]) {
            slot[at] = (int32_t)i + 1;
            group[i] = (int32_t)count++;
        } else {
            group[i] = group[slot[at] - 1];
        }
        first[i] = slot[at] - 1;
    }
    memset(equal, 1, (size_t)n);
    for (int32_t k = 0; k < n_part; k++)
        ch_rows_equal(key[k], NULL, key[k], first, n, equal);
    bool collision = memchr(equal, 0, (size_t)n) != NULL;
    if (collision) { /* two values with one 64-bit hash: compare with every group */
        count = 0;
        for (int64_t i = 0; i < n; i++) {
            int64_t j = 0;
            for (; j < count; j++) {
                bool same = true;
                for (int32_t k = 0; k < n_part && same; k++)
                    same = ch_compare_at(key[k], i, key[k], first[j]) == 0;
                if (same)
                    break;
            }
            if (j == count)
                first[count++] = (int32_t)i;
            group[i] = (int32_t)j;
        }
    }
    *n_groups = count;
out:
    ch_mem_free(mem, equal, (size_t)n);
    ch_mem_free(mem, first, sizeof *first * (size_t)n);
    ch_mem_free(mem, slot, sizeof *slot * (size_t)slots);
    ch_mem_free(mem, hash, sizeof *hash * (size_t)n);
    return status;
}

/* part[g]: where group g starts; perm: rows by group, stable. */
static ch_status scatter_groups(const int32_t *group, int64_t n, int64_t n_groups, ch_mem *mem,
                                int32_t *perm, int32_t *part, ch_error *err)
{
    memset(part, 0, sizeof *part * (size_t)(n_groups + 1));
    if (n_groups <= 1) {
        for (int64_t i = 0; i < n; i++)
            perm[i] = (int32_t)i;
        part[n_groups] = (int32_t)n;
        return CH_OK;
    }
    int32_t *at = ch_mem_alloc(mem, sizeof *at * (size_t)n_groups, err);
    if (!at)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        part[group[i] + 1]++;
    for (int64_t g = 0; g < n_groups; g++) {
        at[g] = part[g];
        part[g + 1] += part[g];
    }
    for (int64_t i = 0; i < n; i++)
        perm[at[group[i]]++] = (int32_t)i;
    ch_mem_free(mem, at, sizeof *at * (size_t)n_groups);
    return CH_OK;
}

/* ---- ORDER BY as a number --------------------------------------------------------------------------------- */

/* Order-preserving 64 bits of slot i, where the type has them. */
static inline uint64_t ordered_f64(double v)
{
    uint64_t bits;
    v = v == 0 ? 0 : v;
    memcpy(&bits, &v, 8);
    if (v != v)
        return UINT64_MAX;
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static bool fits_u64(const ch_type *t)
{
    if (t->id == CH_NULL || t->id == CH_BOOLEAN || t->id == CH_FLOAT || t->id == CH_DOUBLE)
        return true;
    if (ch_type_is_view(t) || ch_type_is_nested(t) || t->id == CH_CALENDAR_INTERVAL)
        return false;
    int width = ch_type_width(t);
    return width == 1 || width == 2 || width == 4 || width == 8;
}

#define TOP (UINT64_C(1) << 63)
#define FILL(T)                                     \
    do {                                            \
        const T *x = c->data;                       \
        for (int64_t i = 0; i < n; i++)             \
            out[i] = (uint64_t)(int64_t)x[i] ^ TOP; \
    } while (0)

static void to_u64(const ch_column *c, int64_t n, uint64_t *out)
{
    switch (c->type->id) {
    case CH_NULL:
        memset(out, 0, sizeof *out * (size_t)n);
        return;
    case CH_BOOLEAN:
        for (int64_t i = 0; i < n; i++)
            out[i] = ch_bit_get(c->data, i);
        return;
    case CH_FLOAT: {
        const float *x = c->data;
        for (int64_t i = 0; i < n; i++)
            out[i] = ordered_f64((double)x[i]);
        return;
    }
    case CH_DOUBLE: {
        const double *x = c->data;
        for (int64_t i = 0; i < n; i++)
            out[i] = ordered_f64(x[i]);
        return;
    }
    default:
        break;
    }
    switch (ch_type_width(c->type)) {
    case 1:
        FILL(int8_t);
        return;
    case 2:
        FILL(int16_t);
        return;
    case 4:
        FILL(int32_t);
        return;
    default:
        FILL(int64_t);
        return;
    }
}

static int bits_for(uint64_t most)
{
    return most ? 64 - __builtin_clzll(most) : 0;
}

/* Adds column c behind the keys so far; *bits are those used. false: they do not fit. */
static bool pack_column(const ch_column *c, ch_sortkey_order order, int64_t n, uint64_t *scratch,
                        uint64_t *key, int *bits)
{
    uint64_t low = UINT64_MAX, high = 0;
    bool any_null = c->type->id == CH_NULL;
    to_u64(c, n, scratch);
    if (!c->valid) {
        for (int64_t i = 0; i < n; i++) {
            low = scratch[i] < low ? scratch[i] : low;
            high = scratch[i] > high ? scratch[i] : high;
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            bool valid = ch_bit_get(c->valid, i);
            any_null |= !valid;
            low = valid && scratch[i] < low ? scratch[i] : low;
            high = valid && scratch[i] > high ? scratch[i] : high;
        }
    }
    if (low > high)
        low = high = 0; /* all NULL */
    uint64_t range = high - low;
    if (any_null && range == UINT64_MAX)
        return false;
    int more = bits_for(range + any_null);
    if (*bits + more > 64)
        return false;
    *bits += more;
    uint64_t shift_null = any_null && order.nulls_first;
    for (int64_t i = 0; i < n; i++) {
        uint64_t v = scratch[i] - low;
        v = (order.descending ? range - v : v) + shift_null;
        if (any_null && ch_column_is_null(c, i))
            v = order.nulls_first ? 0 : range + 1;
        key[i] = (more < 64 ? key[i] << more : 0) | v;
    }
    return true;
}

/* ---- sorting by number --------------------------------------------------------------------------------------- */

static void insertion(sort_item *e, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        sort_item x = e[i];
        int64_t k = i;
        for (; k > 0 && x.key < e[k - 1].key; k--)
            e[k] = e[k - 1];
        e[k] = x;
    }
}

static void radix(sort_item *e, sort_item *scratch, int64_t n, int bits)
{
    uint32_t count[8][256];
    int digits = (bits + 7) / 8;
    memset(count, 0, sizeof count[0] * (size_t)digits);
    for (int64_t i = 0; i < n; i++)
        for (int d = 0; d < digits; d++)
            count[d][e[i].key >> (8 * d) & 0xFF]++;
    sort_item *from = e, *to = scratch;
    for (int d = 0; d < digits; d++) {
        if (count[d][e[0].key >> (8 * d) & 0xFF] == (uint32_t)n)
            continue;
        uint32_t at[256], sum = 0;
        for (int v = 0; v < 256; v++) {
            at[v] = sum;
            sum += count[d][v];
        }
        for (int64_t i = 0; i < n; i++)
            to[at[from[i].key >> (8 * d) & 0xFF]++] = from[i];
        sort_item *swap = from;
        from = to;
        to = swap;
    }
    if (from != e)
        memcpy(e, from, sizeof *e * (size_t)n);
}

/* Stable, by halves: where there is no room for counting, or too few rows for it. */
static void merge_sort(sort_item *e, sort_item *scratch, int64_t n)
{
    if (n <= INSERTION_MOST) {
        insertion(e, n);
        return;
    }
    int64_t half = n / 2, i = 0, j = half, k = 0;
    merge_sort(e, scratch, half);
    merge_sort(e + half, scratch, n - half);
    if (e[half - 1].key <= e[half].key)
        return;
    memcpy(scratch, e, sizeof *e * (size_t)half);
    while (i < half && j < n)
        e[k++] = e[j].key < scratch[i].key ? e[j++] : scratch[i++];
    while (i < half)
        e[k++] = scratch[i++];
}

static ch_status sort_by_number(const uint64_t *key, int bits, int64_t n, const int32_t *part,
                                int64_t n_parts, ch_mem *mem, int32_t *perm, ch_error *err)
{
    sort_item *e = ch_mem_alloc(mem, 2 * sizeof *e * (size_t)n, err);
    if (!e)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        e[i].key = key[perm[i]];
        e[i].row = perm[i];
    }
    for (int64_t p = 0; p < n_parts; p++) {
        sort_item *at = e + part[p];
        int64_t rows = part[p + 1] - part[p];
        if (rows > 128 * (1 + bits / 16))
            radix(at, e + n, rows, bits);
        else
            merge_sort(at, e + n, rows);
    }
    for (int64_t i = 0; i < n; i++)
        perm[i] = e[i].row;
    ch_mem_free(mem, e, 2 * sizeof *e * (size_t)n);
    return CH_OK;
}

/* ---- sorting by normalized keys ------------------------------------------------------------------------------- */

/* Rows as sort_run.h has them: the place in perm makes keys differ, and the order stable. */
static ch_status sort_by_bytes(ch_column *const *key, int32_t n_order,
                               const ch_sortkey_order *order, int64_t n, const int32_t *part,
                               int64_t n_parts, ch_mem *mem, int32_t *perm, ch_error *err)
{
    uint32_t *size = ch_mem_zalloc(mem, sizeof *size * (size_t)n, err);
    if (!size)
        return CH_E_MEMORY;
    for (int32_t k = 0; k < n_order; k++)
        ch_sortkey_sizes(key[k], size);
    size_t bytes = 0;
    for (int64_t i = 0; i < n; i++)
        bytes += (8 + (size_t)size[i] + 4 + 7) & ~(size_t)7;
    uint8_t *data = ch_mem_alloc(mem, bytes, err);
    uint8_t **at = data ? ch_mem_alloc(mem, sizeof *at * (size_t)n, err) : NULL;
    size_t entry_bytes = sizeof(ch_sort_entry) * (size_t)n;
    ch_sort_entry *entry = at ? ch_mem_alloc(mem, 2 * entry_bytes, err) : NULL;
    ch_status status = entry ? CH_OK : CH_E_MEMORY;
    if (entry) {
        uint8_t *row = data;
        for (int64_t i = 0; i < n; i++) {
            uint32_t len = size[i] + 4, all = (8 + len + 7) & ~(uint32_t)7;
            memcpy(row, &all, 4);
            memcpy(row + 4, &len, 4);
            at[i] = row + 8;
            row += all;
        }
        for (int32_t k = 0; k < n_order; k++)
            ch_sortkey_write(key[k], order[k], at);
        for (int64_t i = 0; i < n; i++) {
            entry[i].row = at[perm[i]] - size[perm[i]] - 8;
            uint32_t place = __builtin_bswap32((uint32_t)i);
            memcpy(at[perm[i]], &place, 4);
        }
        int32_t *old = (int32_t *)(void *)size; /* sizes are not needed any more */
        memcpy(old, perm, sizeof *perm * (size_t)n);
        for (int64_t p = 0; p < n_parts; p++)
            ch_sort_entries(entry + part[p], entry + n, part[p + 1] - part[p]);
        for (int64_t i = 0; i < n; i++) {
            ch_sort_key k = ch_sort_row_key(entry[i].row);
            uint32_t place;
            memcpy(&place, k.bytes + k.len - 4, 4);
            perm[i] = old[__builtin_bswap32(place)];
        }
    }
    ch_mem_free(mem, entry, 2 * entry_bytes);
    ch_mem_free(mem, at, sizeof *at * (size_t)n);
    ch_mem_free(mem, data, bytes);
    ch_mem_free(mem, size, sizeof *size * (size_t)n);
    return status;
}

/* ---- peers --------------------------------------------------------------------------------------------------------- */

void ch_win_peers(ch_column *const *key, int32_t n_order, const int32_t *perm, int64_t n,
                  const int32_t *part, int64_t n_parts, uint8_t *new_peer)
{
    if (n == 0)
        return;
    memset(new_peer, 1, (size_t)n);
    /* Equal to the row before, then turned around. */
    for (int32_t k = 0; k < n_order; k++) {
        if (perm) {
            ch_rows_equal(key[k], perm + 1, key[k], perm, n - 1, new_peer + 1);
        } else {
            for (int64_t i = 1; i < n; i++)
                new_peer[i] = new_peer[i] && ch_compare_at(key[k], i, key[k], i - 1) == 0;
        }
    }
    for (int64_t i = 1; i < n; i++)
        new_peer[i] ^= 1;
    for (int64_t p = 0; p < n_parts; p++)
        if (part[p] < n)
            new_peer[part[p]] = 1;
}

/* The same from packed keys: columns behind the first ones are shifted out. */
static void peers_of_numbers(const uint64_t *key, int shift, const int32_t *perm, int64_t n,
                             const int32_t *part, int64_t n_parts, uint8_t *new_peer)
{
    if (shift >= 64)
        memset(new_peer, 0, (size_t)n);
    else
        for (int64_t i = 1; i < n; i++)
            new_peer[i] = key[perm[i]] >> shift != key[perm[i - 1]] >> shift;
    for (int64_t p = 0; p < n_parts; p++)
        new_peer[part[p]] = 1;
}

/* ---- the whole ------------------------------------------------------------------------------------------------------ */

ch_status ch_win_sort(ch_column *const *key, int32_t n_part, int32_t n_order,
                      const ch_sortkey_order *order, int64_t n, ch_mem *mem, int32_t *perm,
                      int32_t *part, int64_t *n_parts, uint8_t *const *new_peer, ch_error *err)
{
    ch_status status;
    int32_t *group = ch_mem_alloc(mem, sizeof *group * (size_t)n, err);
    uint64_t *number = NULL;
    int used[65] = {0}, bits = 0;
    bool packed = n_order > 0 && n_order <= 64;
    if (!group)
        return CH_E_MEMORY;
    CH_TRY_OUT(number_groups(key, n_part, n, mem, group, n_parts, err));
    CH_TRY_OUT(scatter_groups(group, n, *n_parts, mem, perm, part, err));
    for (int32_t k = 0; k < n_order && packed; k++)
        packed = fits_u64(key[n_part + k]->type);
    if (packed) {
        number = ch_mem_zalloc(mem, 2 * sizeof *number * (size_t)n, err);
        if (!number) {
            status = CH_E_MEMORY;
            goto out;
        }
        for (int32_t k = 0; k < n_order && packed; k++) {
            packed = pack_column(key[n_part + k], order[k], n, number + n, number, &bits);
            used[k + 1] = bits;
        }
    }
    if (packed)
        CH_TRY_OUT(sort_by_number(number, bits, n, part, *n_parts, mem, perm, err));
    else if (n_order)
        CH_TRY_OUT(sort_by_bytes(key + n_part, n_order, order, n, part, *n_parts, mem, perm, err));
    for (int32_t k = 0; k <= n_order; k++) {
        if (!new_peer[k])
            continue;
        if (packed && n > 0)
            peers_of_numbers(number, k ? bits - used[k] : 64, perm, n, part, *n_parts, new_peer[k]);
        else
            ch_win_peers(key + n_part, k, perm, n, part, *n_parts, new_peer[k]);
    }
    status = CH_OK;
out:
    ch_mem_free(mem, number, 2 * sizeof *number * (size_t)n);
    ch_mem_free(mem, group, sizeof *group * (size_t)n);
    return status;
}
