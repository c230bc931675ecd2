/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper_few.c - few rows are grouped as Spark groups them: the same order of groups, and sums of doubles that are
 * added up in the same order.
 *
 *   Spark   each partition groups its rows, in a table that keeps the order of arrival, and writes the groups by
 *           shuffle partition: pmod(hash(keys), spark.sql.shuffle.partitions). One task (small shuffles are
 *           coalesced) reads what the first partition wrote, then the second's, ... and merges equal groups.
 *   here    while a slot has had few rows its table begins anew with each partition (batch.seq), and each
 *           group's place is noted. Then: rows by (partition, shuffle partition, arrival), equal groups
 *           merged into the first.
 *
 * Past CH_GROUP_FEW rows nothing is noted any more, and groups come by their own hash.
 */
#include <stdlib.h>

#include "exec/grouper_slot.h"
#include "exec/key_sort.h"
#include "function/hash_spark.h"

/* Spark's table of states that are objects; beyond, it sorts (objectHashAggregate.sortBased.fallbackThreshold). */
#define MOST_OBJECTS 128
#define LEAST_BYTES (1 << 20) /* with less memory left places are not noted */
#define MOST_BYTES (8 << 20)  /* rows larger than this together are not few */

static void free_places(ch_grouper *g, ch_group_slot *s)
{
    ch_mem_free(g->mem, s->place, sizeof *s->place * (size_t)s->cap_places);
    s->place = NULL;
    s->n_places = s->cap_places = s->first_place = 0;
}

/* Empties the table of the partition's groups, which are all noted: cheaper than clearing all of it. */
static void forget_partition(ch_group_slot *s)
{
    if (s->table && s->count == s->n_places - s->first_place) {
        uint64_t mask = (uint64_t)s->n_entries - 1;
        for (int64_t i = s->first_place; i < s->n_places; i++) {
            const uint8_t *row = s->place[i].row;
            uint64_t p = s->place[i].hash & mask;
            while ((s->table[p] & CH_GROUP_ADDRESS) != (uint64_t)(uintptr_t)row)
                p = (p + 1) & mask;
            s->table[p] = 0;
        }
        s->count = 0;
    }
    ch_group_forget_table(s);
}

void ch_group_few_begin(ch_grouper *g, ch_group_slot *s, uint64_t seq, int64_t n)
{
    if (s->n_rows > 0 && seq != s->seq) {
        forget_partition(s);
        s->one = NULL;
    }
    s->seq = seq;
    s->at = s->n_rows;
    s->n_rows += ch_mem_available(g->mem) < LEAST_BYTES ? CH_GROUP_FEW + 1 : n;
    if (!ch_group_is_few(s))
        free_places(g, s);
}

ch_status ch_group_few_add(ch_grouper *g, ch_group_slot *s, uint8_t *const *row, const int32_t *idx,
                           int64_t k, ch_error *err)
{
    if (s->n_places + k > s->cap_places) {
        int64_t cap = 2 * (s->n_places + k);
        ch_group_place *more = ch_mem_alloc(g->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (s->n_places)
            memcpy(more, s->place, sizeof *more * (size_t)s->n_places);
        ch_mem_free(g->mem, s->place, sizeof *s->place * (size_t)s->cap_places);
        s->place = more;
        s->cap_places = cap;
    }
    for (int64_t j = 0; j < k; j++)
        s->place[s->n_places++] = (ch_group_place){
            .row = row[j], .hash = s->hash[idx[j]], .seq = s->seq, .at = s->at + idx[j]};
    return CH_OK;
}

/* Ordering takes copies of the keys: few rows may still be large ones. */
static bool fits(const ch_grouper *g)
{
    int64_t bytes = 0;
    for (int i = 0; i < g->exec->n_slots; i++)
        for (int64_t j = 0; j < g->slot[i]->n_places; j++)
            bytes += ch_row_bytes(g->slot[i]->place[j].row);
    return bytes <= MOST_BYTES && 4 * bytes < ch_mem_available(g->mem);
}

void ch_group_few_settle(ch_grouper *g, int64_t n)
{
    int64_t rows = 0, places = 0;
    for (int i = 0; i < g->exec->n_slots; i++) {
        rows += g->slot[i]->n_rows;
        places += g->slot[i]->n_places;
    }
    g->few = n > 0 && rows <= CH_GROUP_FEW && places == n && !g->spill && fits(g);
    for (int i = 0; i < g->exec->n_slots && !g->few; i++)
        free_places(g, g->slot[i]);
}

/* ---- order ------------------------------------------------------------------------------- */

/* Key columns of n rows, as they were before packing (gives). */
static ch_status gather_keys(ch_grouper *g, uint8_t *const *row, int64_t n, ch_column **key,
                             ch_error *err)
{
    for (int32_t k = 0; k < g->spec->n_keys; k++) {
        const ch_type *type = g->spec->key_types[k];
        CH_TRY(ch_rows_gather(&g->layout, k, row, n, g->mem, &key[k], err));
        if (!ch_type_is_nested(type))
            continue;
        ch_column *packed = key[k];
        ch_status status = ch_key_unpack(packed, type, g->mem, &key[k], err);
        ch_column_unref(packed);
        if (status != CH_OK)
            key[k] = NULL;
        CH_TRY(status);
    }
    return CH_OK;
}

typedef struct few_item {
    uint64_t seq;
    int64_t at;
    uint8_t *row;
    int32_t part;
} few_item;

static int by_place(const void *x, const void *y)
{
    const few_item *a = x, *b = y;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    if (a->part != b->part)
        return a->part < b->part ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static int by_shuffle(const void *x, const void *y)
{
    const few_item *a = x, *b = y;
    return a->part != b->part ? (a->part < b->part ? -1 : 1) : by_place(x, y);
}

/* Shuffle partitions of the items' rows. */
static ch_status deal(ch_grouper *g, few_item *item, int64_t n, ch_column **key, ch_error *err)
{
    int32_t n_parts = g->exec->shuffle_partitions;
    size_t row_bytes = sizeof(uint8_t *) * (size_t)n, hash_bytes = sizeof(int32_t) * (size_t)n;
    uint8_t **row = ch_mem_alloc(g->mem, row_bytes, err);
    int32_t *hash = row ? ch_mem_alloc(g->mem, hash_bytes, err) : NULL;
    ch_status status = hash ? CH_OK : CH_E_MEMORY;
    for (int64_t i = 0; i < n && hash; i++)
        row[i] = item[i].row;
    if (status == CH_OK)
        status = gather_keys(g, row, n, key, err);
    if (status == CH_OK) {
        ch_spark_hash(key, g->spec->n_keys, n, hash);
        for (int64_t i = 0; i < n; i++)
            item[i].part = (hash[i] % n_parts + n_parts) % n_parts;
    }
    ch_mem_free(g->mem, hash, hash_bytes);
    ch_mem_free(g->mem, row, row_bytes);
    return status;
}

static ch_status with_keys(ch_grouper *g, ch_column ***key, ch_error *err)
{
    *key = ch_mem_zalloc(g->mem, sizeof **key * (size_t)(g->spec->n_keys + 1), err);
    return *key ? CH_OK : CH_E_MEMORY;
}

static void drop_keys(ch_grouper *g, ch_column **key)
{
    for (int32_t k = 0; key && k < g->spec->n_keys; k++)
        ch_column_unref(key[k]);
    ch_mem_free(g->mem, key, sizeof *key * (size_t)(g->spec->n_keys + 1));
}

ch_status ch_group_few_sort(ch_grouper *g, ch_error *err)
{
    int64_t n = 0;
    for (int i = 0; i < g->exec->n_slots; i++)
        n += g->slot[i]->n_places;
    size_t bytes = sizeof(few_item) * (size_t)n;
    few_item *item = ch_mem_alloc(g->mem, bytes, err);
    ch_column **key = NULL;
    ch_status status = CH_E_MEMORY;
    if (!item)
        goto out;
    g->order = ch_mem_alloc(g->mem, sizeof *g->order * (size_t)n, err);
    if (!g->order)
        goto out;
    g->cap_order = n;
    for (int i = 0; i < g->exec->n_slots; i++)
        for (int64_t j = 0; j < g->slot[i]->n_places; j++) {
            const ch_group_place *p = &g->slot[i]->place[j];
            item[g->n_order++] = (few_item){.seq = p->seq, .at = p->at, .row = p->row};
        }
    if (g->spec->n_keys && g->spec->key_types && g->spec->order != CH_GROUP_ARRIVED) {
        CH_TRY_OUT(with_keys(g, &key, err));
        CH_TRY_OUT(deal(g, item, n, key, err));
    }
    qsort(item, (size_t)n, sizeof *item,
          g->spec->order == CH_GROUP_REHASHED ? by_shuffle : by_place);
    for (int64_t i = 0; i < n; i++)
        g->order[i] = item[i].row;
    status = CH_OK;
out:
    drop_keys(g, key);
    ch_mem_free(g->mem, item, bytes);
    return status;
}

/* The n_order rows by their keys, the smallest first, NULL before all others. */
static ch_status sort_by_keys(ch_grouper *g, ch_error *err)
{
    int64_t n = g->n_order;
    size_t perm_bytes = sizeof(int32_t) * (size_t)n, row_bytes = sizeof(uint8_t *) * (size_t)n;
    ch_column **key = NULL;
    uint8_t **row = NULL;
    int32_t *perm = ch_mem_alloc(g->mem, perm_bytes, err);
    ch_status status = CH_E_MEMORY;
    if (!perm || !(row = ch_mem_alloc(g->mem, row_bytes, err)))
        goto out;
    CH_TRY_OUT(with_keys(g, &key, err));
    CH_TRY_OUT(gather_keys(g, g->order, n, key, err));
    CH_TRY_OUT(ch_key_sort(key, g->spec->n_keys, NULL, n, g->mem, perm, err));
    memcpy(row, g->order, row_bytes);
    for (int64_t i = 0; i < n; i++)
        g->order[i] = row[perm[i]];
out:
    drop_keys(g, key);
    ch_mem_free(g->mem, row, row_bytes);
    ch_mem_free(g->mem, perm, perm_bytes);
    return status;
}

static ch_status nulls_last(ch_grouper *g, ch_error *err)
{
    size_t bytes = sizeof(uint8_t *) * (size_t)g->n_order;
    int64_t n = 0, n_null = 0;
    uint8_t **null = ch_mem_alloc(g->mem, bytes, err);
    if (!null)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < g->n_order; i++) {
        bool any = false;
        for (int32_t k = 0; k < g->spec->n_keys && !any; k++)
            any = ch_row_is_null(&g->layout, g->order[i], k);
        if (any)
            null[n_null++] = g->order[i];
        else
            g->order[n++] = g->order[i];
    }
    memcpy(g->order + n, null, sizeof *null * (size_t)n_null);
    ch_mem_free(g->mem, null, bytes);
    return CH_OK;
}

ch_status ch_group_few_result(ch_grouper *g, ch_error *err)
{
    int64_t n = 0;
    for (int64_t i = 0; i < g->n_order; i++) {
        g->order[n] = g->order[i];
        n += !ch_row_is_dead(g->order[i]);
    }
    g->n_order = n;
    if (g->spec->nulls_last)
        CH_TRY(nulls_last(g, err));
    bool sorted = g->spec->order == CH_GROUP_SORTED ||
                  (g->spec->order == CH_GROUP_OBJECTS && n > MOST_OBJECTS);
    return sorted && n > 1 && g->spec->n_keys ? sort_by_keys(g, err) : CH_OK;
}

void ch_group_few_free(ch_grouper *g)
{
    for (int i = 0; g->slot && i < g->exec->n_slots; i++)
        if (g->slot[i])
            free_places(g, g->slot[i]);
    ch_mem_free(g->mem, g->order, sizeof *g->order * (size_t)g->cap_order);
    g->order = NULL;
    g->n_order = g->cap_order = 0;
}
