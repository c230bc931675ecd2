/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition_number.c - numbers for morsels. A batch says where it is from (column/batch.h):
 *
 *   seq = | 16 pipeline | 32 morsel | 16 bits that do not matter here |
 */
#include "function/partition_number.h"

#include <pthread.h>

#define NO_MORSEL UINT32_MAX      /* given by an operator at its end */
#define BEYOND ((int64_t)1 << 30) /* numbers that no morsel has */

struct ch_partitions {
    int n_open;
    bool any;
    uint64_t pipeline;  /* the one at work: they run one after another */
    int64_t base, next; /* number of its morsel 0; one more than the highest number so far */
    int64_t n_beyond;
};

/* Asked once a morsel: one lock for all. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

ch_partitions *ch_partitions_new(ch_arena *arena, ch_error *err)
{
    return ch_arena_alloc(arena, sizeof(ch_partitions), err);
}

void ch_partitions_open(ch_partitions *all)
{
    pthread_mutex_lock(&lock);
    all->n_open++;
    pthread_mutex_unlock(&lock);
}

void ch_partitions_close(ch_partitions *all)
{
    pthread_mutex_lock(&lock);
    if (--all->n_open == 0)
        *all = (ch_partitions){0};
    pthread_mutex_unlock(&lock);
}

/* went_back: the worker has been there already, and may not be given the same number again. */
static int64_t number_of(ch_partitions *all, uint64_t seq, bool went_back)
{
    uint32_t morsel = (uint32_t)(seq >> 16);
    if (!all->any || all->pipeline != seq >> 48) {
        all->any = true;
        all->pipeline = seq >> 48;
        all->base = all->next;
    }
    if (went_back)
        return BEYOND + all->n_beyond++;
    int64_t number = morsel == NO_MORSEL ? all->next : all->base + morsel;
    if (number >= all->next)
        all->next = number + 1;
    return number;
}

bool ch_partition_enter(ch_partitions *all, const ch_call *call, ch_partition *p)
{
    uint64_t seq = call->seq >> 16 << 16;
    if (p->begun && p->seq == seq)
        return false;
    pthread_mutex_lock(&lock);
    p->number = number_of(all, seq, p->begun && seq < p->seq);
    pthread_mutex_unlock(&lock);
    p->seq = seq;
    p->begun = true;
    return true;
}
