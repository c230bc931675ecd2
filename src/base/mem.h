/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - memory accounts: who uses how many bytes, and how many they may.
 *
 * Accounts form a tree: process -> session -> query -> operator. A byte charged
 * to an account is charged to all its ancestors; it is refused when any of them
 * would pass its limit. Invariant: used(account) >= sum of used(children).
 *
 * Life: ch_mem_new .. ch_mem_close. Column data may outlive the operator that
 * made it, so a closed account stays until its last byte came back, and frees
 * itself then.
 *
 * Threads: all functions may be called from any thread.
 */
#ifndef CH_BASE_MEM_H
#define CH_BASE_MEM_H

#include <stdatomic.h>
#include <stddef.h>

#include "base/status.h"

typedef struct ch_mem ch_mem;

/*
 * A child of parent (NULL: a root). limit in bytes, 0 = none of its own.
 * name is borrowed and must be static. Returns NULL when malloc fails.
 */
ch_mem *ch_mem_new(ch_mem *parent, const char *name, int64_t limit);
void ch_mem_close(ch_mem *mem);

/* Charges, or gives back, bytes that were obtained elsewhere (mmap, a library).
 */
CH_NODISCARD ch_status ch_mem_charge(ch_mem *mem, int64_t bytes, ch_error *err);
void ch_mem_discharge(ch_mem *mem, int64_t bytes);

/*
 * bytes of memory, aligned to 64; contents undefined. bytes may be 0 (gives a
 * valid pointer). NULL with err set to CH_E_MEMORY when a limit or the system
 * refuses, or when the size is none (a negative one, made unsigned).
 * ch_mem_free() must be told the same size; NULL is ignored. From
 * 16 KiB on whole pages are charged, up to an eighth more than was asked for.
 */
void *ch_mem_alloc(ch_mem *mem, size_t bytes, ch_error *err);
void *ch_mem_zalloc(ch_mem *mem, size_t bytes, ch_error *err);
void ch_mem_free(ch_mem *mem, void *ptr, size_t bytes);

int64_t ch_mem_used(const ch_mem *mem);
int64_t ch_mem_peak(const ch_mem *mem);
/* The tightest limit on the way to the root, INT64_MAX if none. */
int64_t ch_mem_limit(const ch_mem *mem);
/* Bytes that could still be charged before some limit refuses. */
int64_t ch_mem_available(const ch_mem *mem);
const char *ch_mem_name(const ch_mem *mem);
void ch_mem_set_limit(ch_mem *mem, int64_t limit);

/*
 * Somebody whose memory can be had: rows that are kept only to be quick and can go to disk. When a limit
 * would refuse a charge, those with an account below that limit are asked, the one used longest ago first.
 * What they hold counts as available.
 *
 *   reclaim   gives back about `bytes` and says how many. Called on any thread that charges memory, so it
 *             must not wait for a lock that such a thread may hold (try it), and charge nothing.
 */
typedef struct ch_mem_reclaimer ch_mem_reclaimer;
struct ch_mem_reclaimer {
    ch_mem *mem; /* borrowed: its account */
    int64_t (*reclaim)(ch_mem_reclaimer *self, int64_t bytes);
    _Atomic int64_t held;      /* bytes of its account that reclaim may give back */
    _Atomic int64_t last_used; /* any clock that is the same for all */
    ch_mem_reclaimer *next;    /* mem.c's */
};
void ch_mem_add_reclaimer(ch_mem_reclaimer *reclaimer);
/* Afterwards reclaim is not called any more, and no call is under way. */
void ch_mem_remove_reclaimer(ch_mem_reclaimer *reclaimer);

/*
 * For tests: the n-th allocation from now in the whole process fails (1 = the
 * next), then all work again. 0 switches it off. Says how many allocations were
 * made since the last call.
 */
int64_t ch_mem_fail_nth(int64_t n);

#endif
