/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cached.h - rows that are kept from one query to the next: packed, in memory while there is room, else on disk.
 *
 *   batches ─add(slot)─▶ chunk, some thousand rows ─▶ [ column packed | column packed | ... ]
 *                        with bounds per column        in memory, or in a nameless file
 *
 * What lies in memory goes to disk when another query needs the room (base/mem.h's reclaimers): the bytes
 * count as available to everybody. A scan decodes only the columns that are wanted, of the chunks that the
 * predicates do not refute.
 *
 *   new ─▶ fill_begin ─▶ add* ─▶ fill_end ─▶ scan*, statistics*, size* ─▶ unref
 *              ▲──────── fill_abort ◀┘
 *
 * Threads: add by several, each with a slot of its own; all after fill_end by any.
 */
#ifndef CH_STORE_CACHED_H
#define CH_STORE_CACHED_H

#include "base/arena.h"
#include "column/batch.h"
#include "store/scan.h"
#include "store/statistics.h"

typedef struct ch_cached ch_cached;

typedef struct ch_cached_size {
    int64_t rows, chunks;
    int64_t memory_bytes, disk_bytes; /* packed: where they lie now */
} ch_cached_size;

/*
 * Nothing yet.
 *   schema     STRUCT of the rows
 *   to_disk    they go to disk at once
 *   spill_dir  borrows  until the end
 *   mem        borrows  an account of its own is made below it
 */
CH_NODISCARD ch_status ch_cached_new(ch_mem *mem, const char *spill_dir, const ch_type *schema,
                                     bool to_disk, ch_cached **out, ch_error *err);
ch_cached *ch_cached_ref(ch_cached *cached);
/* NULL is ignored. */
void ch_cached_unref(ch_cached *cached);

CH_NODISCARD ch_status ch_cached_fill_begin(ch_cached *cached, int n_slots, ch_error *err);
/* Rows of the batch, which is borrowed; kept in the order of batch->seq, then of arrival at a slot. */
CH_NODISCARD ch_status ch_cached_add(ch_cached *cached, int slot, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_cached_fill_end(ch_cached *cached, ch_error *err);
/* The status of a fill; where memory ran out because the disk is full, CH_E_DISK_FULL, told instead. */
CH_NODISCARD ch_status ch_cached_why(ch_cached *cached, ch_status status, ch_error *err);
/* Nothing again. */
void ch_cached_fill_abort(ch_cached *cached);

const ch_type *ch_cached_schema(const ch_cached *cached);
void ch_cached_size_of(ch_cached *cached, ch_cached_size *out);

typedef struct ch_cached_spec {
    const int32_t *wanted; /* borrowed until close: columns of the schema, in this order */
    int32_t n_wanted;
    const ch_predicate *predicate; /* borrowed until close, joined by AND */
    int32_t n_predicates;
    int n_slots;
    ch_mem *mem; /* borrowed: pays for scan and batches */
} ch_cached_spec;
/* The scan holds a reference. */
CH_NODISCARD ch_status ch_cached_scan(ch_cached *cached, const ch_cached_spec *spec, ch_scan **out,
                                      ch_error *err);
/* Chunks of a scan, and those of them that were refuted so far. */
void ch_cached_scan_chunks(const ch_scan *scan, int64_t *n, int64_t *n_skipped);
/* Of all columns of the schema, in arena; texts as long as the rows. Cost: O(chunks). */
CH_NODISCARD ch_status ch_cached_statistics(ch_cached *cached, ch_arena *arena,
                                            ch_table_statistics *out, ch_error *err);

#endif
