/* SPDX-License-Identifier: Apache-2.0 */
/* keeper.c - see keeper.h. */
#include "exec/keeper.h"

#include <stdlib.h>

ch_status ch_keeper_init(ch_keeper *k, ch_exec *exec, ch_mem *mem, ch_error *err)
{
    *k = (ch_keeper){.mem = mem};
    CH_ARENA_ARRAY(k->slot, exec->arena, exec->n_slots, err);
    k->n_slots = exec->n_slots;
    return CH_OK;
}

static ch_status room(ch_keeper *k, ch_keeper_slot *s, ch_error *err)
{
    if (s->n < s->cap)
        return CH_OK;
    int64_t cap = s->cap ? s->cap * 2 : 16;
    ch_kept **item = ch_mem_alloc(k->mem, sizeof *item * (size_t)cap, err);
    if (!item)
        return CH_E_MEMORY;
    if (s->n)
        memcpy(item, s->item, sizeof *item * (size_t)s->n);
    ch_mem_free(k->mem, s->item, sizeof *item * (size_t)s->cap);
    s->item = item;
    s->cap = cap;
    return CH_OK;
}

ch_status ch_keeper_add(ch_keeper *k, int slot, ch_batch *batch, ch_error *err)
{
    ch_keeper_slot *s = &k->slot[slot];
    ch_status status = room(k, s, err);
    ch_kept *kept = status == CH_OK ? ch_mem_alloc(k->mem, sizeof *kept, err) : NULL;
    if (!kept) {
        ch_batch_release(batch);
        return CH_E_MEMORY;
    }
    *kept = (ch_kept){*batch, s->n};
    *batch = (ch_batch){.mem = batch->mem};
    s->item[s->n++] = kept;
    return CH_OK;
}

static int by_seq(const void *x, const void *y)
{
    const ch_kept *a = *(ch_kept *const *)x, *b = *(ch_kept *const *)y;
    if (a->batch.seq != b->batch.seq)
        return a->batch.seq < b->batch.seq ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

ch_status ch_keeper_sort(ch_keeper *k, ch_error *err)
{
    int64_t n = 0;
    for (int s = 0; s < k->n_slots; s++)
        n += k->slot[s].n;
    k->all = ch_mem_alloc(k->mem, sizeof(ch_kept *) * (size_t)n, err);
    if (!k->all)
        return CH_E_MEMORY;
    for (int s = 0; s < k->n_slots; s++)
        for (int64_t i = 0; i < k->slot[s].n; i++)
            k->all[k->n++] = k->slot[s].item[i];
    qsort(k->all, (size_t)n, sizeof(ch_kept *), by_seq);
    return CH_OK;
}

void ch_keeper_release(ch_keeper *k)
{
    for (int s = 0; s < k->n_slots; s++) {
        ch_keeper_slot *slot = &k->slot[s];
        for (int64_t i = 0; i < slot->n; i++) {
            ch_batch_release(&slot->item[i]->batch);
            ch_mem_free(k->mem, slot->item[i], sizeof(ch_kept));
        }
        ch_mem_free(k->mem, slot->item, sizeof(ch_kept *) * (size_t)slot->cap);
    }
    if (k->all)
        ch_mem_free(k->mem, k->all, sizeof(ch_kept *) * (size_t)k->n);
    *k = (ch_keeper){0};
}
