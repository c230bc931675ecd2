/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper_spill.c - groups go to disk: as they are, or, where states point to memory of their own, in the form
 * that their aggregate's save() gives them.
 */
#include "exec/grouper_slot.h"

ch_status ch_group_need_spill(ch_grouper *g, ch_error *err)
{
    ch_status status = CH_OK;
    if (g->spill)
        return CH_OK;
    pthread_mutex_lock(&g->lock);
    if (!g->spill) {
        ch_spill *spill = NULL;
        status = ch_spill_open(g->exec->spill_dir, g->mem, &spill, err);
        g->spill = spill;
    }
    pthread_mutex_unlock(&g->lock);
    return status;
}

ch_status ch_group_spill_set(ch_grouper *g, ch_rowset *set, ch_error *err)
{
    if (set->n_spilled == set->n_pages)
        return CH_OK;
    CH_TRY(ch_group_need_spill(g, err));
    int64_t bytes = 0;
    CH_TRY(ch_rowset_spill(set, g->spill, &bytes, err));
    atomic_fetch_add_explicit(&g->spilled, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&g->exec->spill_bytes, bytes, memory_order_relaxed);
    return CH_OK;
}

/* State pointers of aggregate a for n rows. */
void ch_group_states(const ch_grouper *g, int32_t a, uint8_t *const *row, int64_t n,
                     uint8_t **state)
{
    for (int64_t j = 0; j < n; j++)
        state[j] = row[j] + g->state_offset[a];
}

/* Copies k rows between the two layouts: columns [0, n_cols) and, given or made, the saved states. */
ch_status ch_group_convert(ch_grouper *g, ch_group_slot *s, bool to_saved, uint8_t *const *row,
                           int64_t k, ch_rowset *into, ch_arena *extra, ch_error *err)
{
    const ch_rowlayout *from = to_saved ? &g->layout : &g->saved_layout;
    const ch_rowlayout *to = to_saved ? &g->saved_layout : &g->layout;
    int32_t n = g->spec->n_cols, n_all = g->saved_layout.n_cols, b = n;
    ch_status status = CH_OK;
    size_t bytes = sizeof(ch_column *) * (size_t)n_all;
    ch_column **col = ch_mem_zalloc(g->mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < (to_saved ? n : n_all); c++)
        CH_TRY_OUT(ch_rows_gather(from, c, row, k, g->mem, &col[c], err));
    for (int32_t a = 0; to_saved && a < g->spec->n_aggs; a++) {
        const ch_agg *agg = s->call[a].func->agg;
        if (!agg->save)
            continue;
        CH_TRY_OUT(ch_column_new(g->mem, ch_type_of(CH_BINARY), k, &col[b], err));
        ch_group_states(g, a, row, k, s->into);
        s->call[a].rows = k;
        CH_TRY_OUT(agg->save(&s->call[a], s->into, k, col[b++], err));
    }
    uint64_t hash[CH_GROUP_CHUNK];
    for (int64_t j = 0; j < k; j++) {
        s->idx[j] = (int32_t)j;
        hash[j] = ch_row_hash(from, row[j]);
    }
    CH_TRY_OUT(ch_rows_sizes(to, col, s->idx, k, s->bytes, err));
    for (int64_t j = 0; j < k; j++)
        CH_TRY_OUT(ch_rowset_add(into, s->bytes[j], &s->from[j], err));
    ch_rows_scatter(to, col, hash, s->idx, k, s->bytes, s->from);
    for (int64_t j = 0; j < k; j++)
        memcpy(s->from[j] + to->state_offset, row[j] + from->state_offset, (size_t)to->state_bytes);
    for (int32_t a = 0; !to_saved && a < g->spec->n_aggs; a++) {
        const ch_agg *agg = s->call[a].func->agg;
        if (!agg->save)
            continue;
        ch_group_states(g, a, s->from, k, s->into);
        for (int64_t j = 0; j < k; j++)
            memset(s->into[j], 0, (size_t)ch_group_state_bytes(&s->call[a]));
        s->call[a].rows = k;
        CH_TRY_OUT(agg->load(&s->call[a], col[b++], s->into, k, extra, err));
    }
out:
    for (int32_t c = 0; c < n_all; c++)
        ch_column_unref(col[c]);
    ch_mem_free(g->mem, col, bytes);
    return status;
}

/* Everything of a set of live rows goes to disk, states in their saved form. */
ch_status ch_group_save_set(ch_grouper *g, ch_group_slot *s, ch_rowset *set, ch_rowset *saved,
                            ch_error *err)
{
    for (int32_t i = set->n_spilled; i < set->n_pages; i++) {
        int32_t pos = 0;
        int64_t k;
        while ((k = ch_rowpage_next(&set->page[i], &pos, s->list, CH_GROUP_CHUNK)) > 0) {
            CH_TRY(ch_group_convert(g, s, true, s->list, k, saved, NULL, err));
            if (saved->bytes >= CH_PAGE_BYTES_MAX)
                CH_TRY(ch_group_spill_set(g, saved, err));
        }
        ch_rowset_unload(set, i);
    }
    ch_rowset_release(set, NULL);
    return ch_group_spill_set(g, saved, err);
}

static ch_status spill_slot(ch_grouper *g, ch_group_slot *s, int keep, ch_error *err)
{
    ch_group_forget_table(s);
    ch_codes_forget(s->codes);
    s->one = NULL;
    for (int p = keep; p < CH_GROUP_PARTS; p++) {
        if (g->n_saved)
            CH_TRY(ch_group_save_set(g, s, &s->part[p], &s->saved[p], err));
        else
            CH_TRY(ch_group_spill_set(g, &s->part[p], err));
    }
    if (g->n_saved && keep == 0)
        ch_arena_reset(&s->extra);
    return CH_OK;
}

static int64_t bytes_from(const ch_group_slot *s, int keep)
{
    int64_t bytes = 0;
    for (int p = keep; p < CH_GROUP_PARTS; p++)
        bytes += s->part[p].bytes;
    return bytes;
}

static void lower_keep(ch_grouper *g, int to)
{
    int keep = g->keep;
    while (to < keep && !atomic_compare_exchange_weak(&g->keep, &keep, to)) {
    }
}

/*
 * Gives memory back when less than the reserve is left. Hybrid: partitions below `keep` stay in memory
 * as long as spilling the others frees enough.
 */
ch_status ch_group_relieve(ch_grouper *g, ch_group_slot *s, ch_error *err)
{
    if (!g->reserve || ch_mem_available(g->mem) >= g->reserve)
        return CH_OK;
    if (g->n_saved) { /* what states point to is freed only as a whole */
        if (bytes_from(s, 0) < 16 << 10)
            return CH_OK;
        lower_keep(g, 0);
        return spill_slot(g, s, 0, err);
    }
    for (int64_t left; (left = ch_mem_available(g->mem)) < g->reserve;) {
        int keep = g->keep;
        int64_t least = ch_spill_worth(left, g->exec->n_slots);
        if (bytes_from(s, keep) >= least)
            CH_TRY(spill_slot(g, s, keep, err));
        else if (keep > 0 && bytes_from(s, 0) >= least)
            lower_keep(g, keep > CH_GROUP_PARTS / 8 ? keep - CH_GROUP_PARTS / 8 : 0);
        else
            break;
    }
    return CH_OK;
}
