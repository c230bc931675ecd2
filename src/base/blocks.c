/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.c - one list of freed blocks per size and shard, linked through their first bytes.
 *
 *   pages of a block   1 .. 32 by one, then eight sizes to each doubling, up to 64 MiB;
 *                      larger ones are never kept
 *
 * A thread gives to its own shard and takes from it first, so that threads seldom meet at a lock.
 * Memory is mapped only where no shard has a block of the size. What is too much goes
 * back to the system largest first: fewest calls, and what is left serves most.
 *
 * A system that has no more mappings to spare (vm.max_map_count) cannot take a hole out of one;
 * then the pages are given back without the addresses, and the block stays in stock, counted as none.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/blocks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    PAGE = 4096,
    SMALL_PAGES = 32, /* up to here one size a page */
    SMALL_LOG = 5,
    STEP_LOG = 3, /* then 1 << 3 sizes a doubling */
    DOUBLINGS = 9,
    N_SIZES = SMALL_PAGES + 1 + (DOUBLINGS << STEP_LOG),
    N_SHARDS = 8,
};

#define MOST_PAGES ((size_t)SMALL_PAGES << DOUBLINGS)

typedef struct free_block free_block;
struct free_block {
    free_block *next;
    bool resident; /* its pages are the process's: counted */
};

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    free_block *first[N_SIZES];
} shard;

struct ch_blocks {
    shard shard[N_SHARDS];
    _Atomic int32_t n_free[N_SIZES]; /* over all shards */
    _Atomic int64_t stocked;         /* bytes */
};

static int my_shard(void)
{
    static _Atomic unsigned n_threads;
    static _Thread_local unsigned mine; /* 1 more than the thread's number */
    if (!mine)
        mine = atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) + 1;
    return (int)(mine % N_SHARDS);
}

/* Pages of the size class that serves `pages`, and its number; -1: not kept. */
static size_t class_pages(size_t pages, int *number)
{
    *number = (int)pages;
    if (pages <= SMALL_PAGES)
        return pages;
    *number = -1;
    if (pages > MOST_PAGES)
        return pages;
    int e = 63 - __builtin_clzll(pages - 1);
    size_t step = (size_t)1 << (e - STEP_LOG);
    size_t rounded = (pages + step - 1) / step * step;
    *number =
        SMALL_PAGES + ((e - SMALL_LOG) << STEP_LOG) + (int)((rounded - ((size_t)1 << e)) / step);
    return rounded;
}

static size_t bytes_of_class(int number)
{
    if (number <= SMALL_PAGES)
        return (size_t)number * PAGE;
    int above = number - SMALL_PAGES - 1, e = SMALL_LOG + (above >> STEP_LOG);
    size_t step = (size_t)1 << (e - STEP_LOG);
    return (((size_t)1 << e) + ((size_t)(above & ((1 << STEP_LOG) - 1)) + 1) * step) * PAGE;
}

size_t ch_block_bytes(size_t bytes)
{
    int number;
    return class_pages((bytes + PAGE - 1) / PAGE, &number) * PAGE;
}

ch_blocks *ch_blocks_new(void)
{
    void *blocks = NULL;
    if (posix_memalign(&blocks, 64, sizeof(ch_blocks)) != 0)
        return NULL;
    ch_blocks *b = blocks;
    *b = (ch_blocks){0};
    for (int i = 0; i < N_SHARDS; i++)
        pthread_mutex_init(&b->shard[i].lock, NULL);
    return b;
}

/* The first block of a size in a shard, or NULL. only_resident: not one without pages. */
static free_block *pop(ch_blocks *b, shard *s, int number, bool only_resident)
{
    pthread_mutex_lock(&s->lock);
    free_block **at = &s->first[number];
    while (only_resident && *at && !(*at)->resident)
        at = &(*at)->next;
    free_block *block = *at;
    if (block)
        *at = block->next;
    pthread_mutex_unlock(&s->lock);
    if (!block)
        return NULL;
    atomic_fetch_sub_explicit(&b->n_free[number], 1, memory_order_relaxed);
    if (block->resident)
        atomic_fetch_sub_explicit(&b->stocked, (int64_t)bytes_of_class(number),
                                  memory_order_relaxed);
    return block;
}

static void push(ch_blocks *b, shard *s, int number, free_block *block, bool resident)
{
    block->resident = resident;
    if (resident)
        atomic_fetch_add_explicit(&b->stocked, (int64_t)bytes_of_class(number),
                                  memory_order_relaxed);
    atomic_fetch_add_explicit(&b->n_free[number], 1, memory_order_relaxed);
    pthread_mutex_lock(&s->lock);
    block->next = s->first[number];
    s->first[number] = block;
    pthread_mutex_unlock(&s->lock);
}

/* False: the system could take the pages only, and the block stays in stock. */
static bool unmap(ch_blocks *b, shard *s, int number, free_block *block, size_t bytes)
{
    if (munmap(block, bytes) == 0)
        return true;
    (void)madvise(block, bytes, MADV_DONTNEED);
    if (number >= 0)
        push(b, s, number, block, false);
    return false;
}

/* Gives blocks back to the system until the stock has at most `room` bytes. */
static void shrink(ch_blocks *b, int64_t room)
{
    int mine = my_shard();
    for (int number = N_SIZES - 1; number > 0; number--) {
        for (int i = 0; i < N_SHARDS; i++) {
            shard *s = &b->shard[(mine + i) % N_SHARDS];
            while (atomic_load_explicit(&b->n_free[number], memory_order_relaxed) > 0) {
                if (ch_blocks_stocked(b) <= room)
                    return;
                free_block *block = pop(b, s, number, true);
                if (!block)
                    break;
                (void)unmap(b, s, number, block, bytes_of_class(number));
            }
        }
    }
}

void ch_blocks_free(ch_blocks *b)
{
    if (!b)
        return;
    for (int i = 0; i < N_SHARDS; i++) {
        for (int number = 0; number < N_SIZES; number++)
            for (free_block *block; (block = pop(b, &b->shard[i], number, false));)
                (void)munmap(block, bytes_of_class(number));
        pthread_mutex_destroy(&b->shard[i].lock);
    }
    free(b);
}

static void *map(size_t bytes)
{
    void *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return block == MAP_FAILED ? NULL : block;
}

void *ch_blocks_take(ch_blocks *b, size_t bytes, int64_t room, bool *zeroed)
{
    int number, mine = my_shard();
    (void)class_pages(bytes / PAGE, &number);
    *zeroed = false;
    for (int i = 0; number >= 0 && i < N_SHARDS; i++) {
        if (atomic_load_explicit(&b->n_free[number], memory_order_relaxed) <= 0)
            break;
        free_block *block = pop(b, &b->shard[(mine + i) % N_SHARDS], number, false);
        if (!block)
            continue;
        if (!block->resident && ch_blocks_stocked(b) > room)
            shrink(b, room);
        return block;
    }
    if (ch_blocks_stocked(b) > room)
        shrink(b, room);
    void *block = map(bytes);
    if (!block) {
        shrink(b, 0);
        block = map(bytes);
    }
    *zeroed = true;
    return block;
}

void ch_blocks_give(ch_blocks *b, void *block, size_t bytes, int64_t room)
{
    int number;
    shard *s = &b->shard[my_shard()];
    (void)class_pages(bytes / PAGE, &number);
    if (number < 0) {
        (void)unmap(b, s, number, block, bytes);
        return;
    }
    push(b, s, number, block, true);
    if (ch_blocks_stocked(b) > room)
        shrink(b, room);
}

int64_t ch_blocks_stocked(const ch_blocks *b)
{
    return atomic_load_explicit(&b->stocked, memory_order_relaxed);
}
