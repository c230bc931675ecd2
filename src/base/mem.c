/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.c - memory accounts.
 *
 * `used` counts bytes; `life` counts 1 for the owner, 1 for every live allocation and 1
 * for every child. The account is freed when life reaches 0.
 *
 * A charge walks from the leaf to the root and undoes its steps where one refuses, unless a reclaimer
 * helps. The root's lock is held while reclaimers work: one refused charge at a time.
 *
 * Large blocks come from the root's stock (base/blocks.h) and are charged as large as they are, so
 * the process holds what the root counts; small ones come from malloc. Under AddressSanitizer, which wants to
 * see every block, all come from malloc.
 */
#include "base/mem.h"

#include "base/blocks.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ALL_FROM_MALLOC 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ALL_FROM_MALLOC 1
#endif

/* More than this is a size gone wrong, and must not be rounded or counted. */
#define MOST_BYTES ((size_t)INT64_MAX / 2)
/* So much stays in stock even when little is in use. */
#define STOCK_BYTES ((int64_t)64 << 20)

struct ch_mem {
    ch_mem *parent;
    ch_mem *root;
    ch_blocks *blocks; /* the root's; NULL: all from malloc */
    const char *name;
    _Atomic int64_t limit; /* bytes, 0 = none */
    _Atomic int64_t used;  /* bytes */
    _Atomic int64_t peak;  /* bytes */
    _Atomic int64_t life;
    /* A root's: */
    pthread_mutex_t lock; /* guards reclaimers */
    ch_mem_reclaimer *reclaimers;
    _Atomic int n_reclaimers;
};

static _Atomic int64_t n_allocs; /* counted once somebody asked to fail: all threads meet here */
static _Atomic int64_t fail_at;
static _Atomic bool counting;

int64_t ch_mem_fail_nth(int64_t n)
{
    atomic_store(&counting, true);
    int64_t made = atomic_exchange(&n_allocs, 0);
    atomic_store(&fail_at, n);
    return made;
}

static bool told_to_fail(void)
{
    if (!atomic_load_explicit(&counting, memory_order_relaxed))
        return false;
    int64_t n = atomic_fetch_add_explicit(&n_allocs, 1, memory_order_relaxed) + 1;
    int64_t at = atomic_load_explicit(&fail_at, memory_order_relaxed);
    return at && n == at;
}

ch_mem *ch_mem_new(ch_mem *parent, const char *name, int64_t limit)
{
    ch_mem *mem = calloc(1, sizeof *mem);
    if (!mem)
        return NULL;
    mem->parent = parent;
    mem->name = name;
    mem->limit = limit;
    mem->life = 1;
    mem->root = parent ? parent->root : mem;
    if (parent)
        atomic_fetch_add(&parent->life, 1);
    else
        pthread_mutex_init(&mem->lock, NULL);
#ifndef ALL_FROM_MALLOC
    if (!parent)
        mem->blocks = ch_blocks_new();
#endif
    return mem;
}

static void unlive(ch_mem *mem)
{
    while (mem && atomic_fetch_sub(&mem->life, 1) == 1) {
        ch_mem *parent = mem->parent;
        ch_blocks_free(mem->blocks);
        if (!parent)
            pthread_mutex_destroy(&mem->lock);
        free(mem);
        mem = parent;
    }
}

void ch_mem_close(ch_mem *mem)
{
    unlive(mem);
}

static void uncharge_below(ch_mem *mem, const ch_mem *end, int64_t bytes)
{
    for (; mem != end; mem = mem->parent)
        atomic_fetch_sub_explicit(&mem->used, bytes, memory_order_relaxed);
}

/* ---- what can be had ------------------------------------------------------------------------ */

/* A refused charge takes more than it needs, so that not every one after it must ask again. */
#define RECLAIM_SHARE 16

void ch_mem_add_reclaimer(ch_mem_reclaimer *reclaimer)
{
    ch_mem *root = reclaimer->mem->root;
    pthread_mutex_lock(&root->lock);
    reclaimer->next = root->reclaimers;
    root->reclaimers = reclaimer;
    atomic_fetch_add(&root->n_reclaimers, 1);
    pthread_mutex_unlock(&root->lock);
}

void ch_mem_remove_reclaimer(ch_mem_reclaimer *reclaimer)
{
    ch_mem *root = reclaimer->mem->root;
    pthread_mutex_lock(&root->lock);
    for (ch_mem_reclaimer **at = &root->reclaimers; *at; at = &(*at)->next)
        if (*at == reclaimer) {
            *at = reclaimer->next;
            atomic_fetch_sub(&root->n_reclaimers, 1);
            break;
        }
    pthread_mutex_unlock(&root->lock);
}

static bool is_below(const ch_mem *mem, const ch_mem *above)
{
    while (mem && mem != above)
        mem = mem->parent;
    return mem != NULL;
}

/* Bytes that could be had below the account. */
static int64_t reclaimable(const ch_mem *mem)
{
    ch_mem *root = mem->root;
    int64_t bytes = 0;
    if (atomic_load_explicit(&root->n_reclaimers, memory_order_relaxed) == 0)
        return 0;
    if (pthread_mutex_trylock(&root->lock) != 0) /* one of them is at work, perhaps for us */
        return 0;
    for (ch_mem_reclaimer *r = root->reclaimers; r; r = r->next)
        if (is_below(r->mem, mem))
            bytes += atomic_load_explicit(&r->held, memory_order_relaxed);
    pthread_mutex_unlock(&root->lock);
    return bytes;
}

/* The one below `refused` that was used longest ago, of those after `done` in that order. */
static ch_mem_reclaimer *oldest(const ch_mem *refused, const ch_mem_reclaimer *done, int64_t after)
{
    ch_mem_reclaimer *best = NULL;
    int64_t best_used = 0;
    for (ch_mem_reclaimer *r = refused->root->reclaimers; r; r = r->next) {
        int64_t used = atomic_load_explicit(&r->last_used, memory_order_relaxed);
        bool later = !done || used > after || (used == after && r > done);
        if (r->held && later && is_below(r->mem, refused) &&
            (!best || used < best_used || (used == best_used && r < best))) {
            best = r;
            best_used = used;
        }
    }
    return best;
}

/* Did somebody give back memory, so that a second try may succeed? */
static bool reclaim(ch_mem *refused, int64_t bytes, int64_t limit)
{
    static _Thread_local bool inside; /* reclaiming must not wait for itself */
    ch_mem *root = refused->root;
    int64_t got = 0, wanted = bytes + limit / RECLAIM_SHARE;
    if (inside || atomic_load(&root->n_reclaimers) == 0)
        return false;
    inside = true;
    pthread_mutex_lock(&root->lock);
    ch_mem_reclaimer *r = NULL;
    for (int64_t after = 0; got < wanted && (r = oldest(refused, r, after)) != NULL;) {
        after = atomic_load_explicit(&r->last_used, memory_order_relaxed);
        got += r->reclaim(r, wanted - got);
    }
    pthread_mutex_unlock(&root->lock);
    inside = false;
    return got > 0;
}

/* ---- charging ------------------------------------------------------------------------------- */

static ch_status charge(ch_mem *mem, int64_t bytes, ch_error *err)
{
    for (ch_mem *m = mem; m; m = m->parent) {
        int64_t used = atomic_fetch_add_explicit(&m->used, bytes, memory_order_relaxed) + bytes;
        int64_t limit = atomic_load_explicit(&m->limit, memory_order_relaxed);
        if (limit && used > limit) {
            uncharge_below(mem, m->parent, bytes);
            if (bytes <= limit && reclaim(m, bytes, limit))
                return charge(mem, bytes, err);
            return ch_error_memory(err, m->name, bytes, limit);
        }
        int64_t peak = atomic_load_explicit(&m->peak, memory_order_relaxed);
        while (used > peak &&
               !atomic_compare_exchange_weak_explicit(&m->peak, &peak, used, memory_order_relaxed,
                                                      memory_order_relaxed)) {
        }
    }
    return CH_OK;
}

ch_status ch_mem_charge(ch_mem *mem, int64_t bytes, ch_error *err)
{
    if (told_to_fail())
        return ch_error_memory(err, mem->name, bytes, ch_mem_limit(mem));
    CH_TRY(charge(mem, bytes, err));
    atomic_fetch_add_explicit(&mem->life, 1, memory_order_relaxed);
    return CH_OK;
}

void ch_mem_discharge(ch_mem *mem, int64_t bytes)
{
    uncharge_below(mem, NULL, bytes);
    unlive(mem);
}

/* From the root's stock, or from malloc? *bytes becomes what such memory really takes. */
static bool is_block(const ch_mem *mem, size_t *bytes)
{
    if (*bytes < CH_BLOCK_LEAST || !mem->root->blocks)
        return false;
    *bytes = ch_block_bytes(*bytes);
    return true;
}

/* What the stock may hold: no more than the limit leaves, than is in use, or than a little. */
static int64_t stock_room(const ch_mem *root)
{
    int64_t used = ch_mem_used(root);
    int64_t limit = atomic_load_explicit(&root->limit, memory_order_relaxed);
    int64_t room = used > STOCK_BYTES ? used : STOCK_BYTES;
    return limit && limit - used < room ? limit - used : room;
}

static void *obtain(ch_mem *mem, size_t bytes, bool *zeroed, ch_error *err)
{
    *zeroed = false;
    if (bytes > MOST_BYTES) {
        (void)ch_error_memory(err, mem->name, INT64_MAX, ch_mem_limit(mem));
        return NULL;
    }
    bool block = is_block(mem, &bytes);
    if (ch_mem_charge(mem, (int64_t)bytes, err) != CH_OK)
        return NULL;
    void *ptr;
    if (block) {
        ptr = ch_blocks_take(mem->root->blocks, bytes, stock_room(mem->root), zeroed);
    } else {
        /* aligned_alloc wants a multiple of the alignment; SIMD loops may read to its end. */
        size_t rounded = (bytes + 63) & ~(size_t)63;
        ptr = aligned_alloc(64, rounded ? rounded : 64);
    }
    if (!ptr) {
        ch_mem_discharge(mem, (int64_t)bytes);
        (void)ch_error_memory(err, mem->name, (int64_t)bytes, ch_mem_limit(mem));
    }
    return ptr;
}

void *ch_mem_alloc(ch_mem *mem, size_t bytes, ch_error *err)
{
    bool zeroed;
    return obtain(mem, bytes, &zeroed, err);
}

void *ch_mem_zalloc(ch_mem *mem, size_t bytes, ch_error *err)
{
    bool zeroed;
    void *ptr = obtain(mem, bytes, &zeroed, err);
    if (ptr && !zeroed)
        memset(ptr, 0, bytes);
    /* Reading a fresh page maps a shared one, which the first write exchanges: that interrupts every core. */
    for (size_t i = 0; ptr && zeroed && i < bytes; i += 4096)
        *(volatile char *)((char *)ptr + i) = 0;
    return ptr;
}

void ch_mem_free(ch_mem *mem, void *ptr, size_t bytes)
{
    if (!ptr)
        return;
    if (is_block(mem, &bytes)) {
        /* In stock before it is discharged: never counted by neither. */
        int64_t room = stock_room(mem->root) + (int64_t)bytes;
        ch_blocks_give(mem->root->blocks, ptr, bytes, room);
    } else {
        free(ptr);
    }
    ch_mem_discharge(mem, (int64_t)bytes);
}

int64_t ch_mem_used(const ch_mem *mem)
{
    return atomic_load_explicit(&mem->used, memory_order_relaxed);
}

int64_t ch_mem_peak(const ch_mem *mem)
{
    return atomic_load_explicit(&mem->peak, memory_order_relaxed);
}

int64_t ch_mem_limit(const ch_mem *mem)
{
    int64_t tightest = INT64_MAX;
    for (; mem; mem = mem->parent) {
        int64_t limit = atomic_load_explicit(&mem->limit, memory_order_relaxed);
        if (limit && limit < tightest)
            tightest = limit;
    }
    return tightest;
}

int64_t ch_mem_available(const ch_mem *mem)
{
    int64_t least = INT64_MAX;
    for (; mem; mem = mem->parent) {
        int64_t limit = atomic_load_explicit(&mem->limit, memory_order_relaxed);
        int64_t left = limit - ch_mem_used(mem);
        if (limit && left < least) {
            left += reclaimable(mem);
            least = left < least ? left : least;
        }
    }
    return least;
}

const char *ch_mem_name(const ch_mem *mem)
{
    return mem->name;
}

void ch_mem_set_limit(ch_mem *mem, int64_t limit)
{
    atomic_store(&mem->limit, limit);
}
