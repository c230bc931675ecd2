/* SPDX-License-Identifier: Apache-2.0 */
/* cached_chunk.h - what cached.c and cached_scan.c share: the chunks. */
#ifndef CH_STORE_CACHED_CHUNK_H
#define CH_STORE_CACHED_CHUNK_H

#include <pthread.h>

#include "store/bounds.h"
#include "store/cached.h"
#include "store/pack.h"
#include "store/spill.h"

/* One column of a chunk: where it lies in the chunk's bytes. */
typedef struct ch_chunk_part {
    int64_t at, n_bytes;
    ch_bounds bounds;
    ch_pack_texts texts;
} ch_chunk_part;

typedef struct ch_chunk ch_chunk;
struct ch_chunk {
    ch_chunk *next;
    uint64_t seq;
    int64_t arrival; /* at its slot */
    int64_t rows, n_bytes;
    ch_buffer *bytes;     /* guarded by the lock; NULL: on disk */
    int64_t at;           /* on disk; -1: not written */
    ch_chunk_part part[]; /* one per column of the schema */
};

struct ch_cached {
    _Atomic int32_t refs;
    ch_mem *mem; /* owned */
    const ch_type *schema;
    bool to_disk;
    ch_spill *spill;
    ch_mem_reclaimer reclaimer;
    pthread_mutex_t lock; /* guards chunks until the fill ends, and always where their bytes lie */
    ch_chunk *first;      /* newest first */
    ch_chunk *cursor;     /* where reclaiming goes on; NULL: at first */
    bool disk_is_full;    /* when it was last tried */
    int64_t n_chunks, rows, disk_bytes;
    ch_chunk **chunk; /* after the fill: in order */
    int64_t cap_chunks;
    struct fill_slot *slot; /* during it */
    int n_slots;
};

size_t ch_cached_chunk_bytes(const ch_cached *cached);

#endif
