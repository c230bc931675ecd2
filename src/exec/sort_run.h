/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sort_run.h - sorted runs of rows, in memory or in a spill file, and merging them.
 *
 * A row of a sort:
 *
 *   0         4            8                        8-aligned
 *   ┌─────────┬────────────┬────────────────────────┬───────────────────────┐
 *   │ bytes   │ key bytes  │ key (kernel/sortkey.h) │ payload (exec/rows.h) │
 *   └─────────┴────────────┴────────────────────────┴───────────────────────┘
 *
 * Keys end with the row's place in the input, so no two are equal and the order is stable. A run file is a
 * list of lz4 blocks of such rows; the first key of each block stays in memory, so that a merge can begin in
 * the middle: ranges of keys are merged by different workers at once.
 */
#ifndef CH_EXEC_SORT_RUN_H
#define CH_EXEC_SORT_RUN_H

#include "base/arena.h"
#include "store/spill.h"

typedef struct ch_sort_key {
    const uint8_t *bytes;
    uint32_t len;
} ch_sort_key;

static inline uint32_t ch_sort_row_bytes(const uint8_t *row)
{
    uint32_t n;
    memcpy(&n, row, 4);
    return n;
}
static inline ch_sort_key ch_sort_row_key(const uint8_t *row)
{
    uint32_t n;
    memcpy(&n, row + 4, 4);
    return (ch_sort_key){row + 8, n};
}
static inline uint8_t *ch_sort_row_payload(uint8_t *row)
{
    return row + ((8 + ch_sort_row_key(row).len + 7) & ~(uint32_t)7);
}
/* memcmp order; equal only for the same row. */
static inline int ch_sort_key_compare(ch_sort_key a, ch_sort_key b)
{
    int c = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);
    return c ? c : (a.len > b.len) - (a.len < b.len);
}

typedef struct ch_sort_entry {
    uint64_t prefix; /* scratch of the sort */
    uint8_t *row;
} ch_sort_entry;

/* Puts n entries in order of their rows' keys. scratch: n entries, or NULL (slower). */
void ch_sort_entries(ch_sort_entry *entry, ch_sort_entry *scratch, int64_t n);

typedef struct ch_run_block {
    int64_t at;                  /* in the spill file */
    int32_t stored_bytes, bytes; /* lz4, and what it becomes */
    ch_sort_key first;           /* in the run's arena */
} ch_run_block;

typedef struct ch_run {
    /* in memory: sorted entries, borrowed rows */
    ch_sort_entry *entry;
    int64_t n_entries;
    /* in a file */
    ch_spill *spill; /* borrowed */
    ch_run_block *block;
    int32_t n_blocks, cap_blocks;
    ch_arena arena;
    ch_mem *mem;
} ch_run;

void ch_run_init(ch_run *run, ch_mem *mem);
/* Does not free entries. Gives the file's space back. */
void ch_run_release(ch_run *run);

/* Writes rows to the end of a run in their order. One writer at a time for a run. */
typedef struct ch_run_writer {
    ch_run *run;
    uint8_t *raw, *packed;
    int32_t raw_used, block_bytes, packed_cap;
    ch_mem *mem;
} ch_run_writer;

CH_NODISCARD ch_status ch_run_writer_init(ch_run_writer *w, ch_run *run, ch_spill *spill,
                                          int32_t block_bytes, ch_mem *mem, ch_error *err);
CH_NODISCARD ch_status ch_run_writer_add(ch_run_writer *w, const uint8_t *row, ch_error *err);
CH_NODISCARD ch_status ch_run_writer_finish(ch_run_writer *w, ch_error *err);
void ch_run_writer_release(ch_run_writer *w);

/* Merges runs, rows with keys in [from, until) (NULL bytes: no bound). */
typedef struct ch_merge ch_merge;
CH_NODISCARD ch_status ch_merge_new(ch_run *const *run, int32_t n_runs, ch_sort_key from,
                                    ch_sort_key until, ch_mem *mem, ch_merge **out, ch_error *err);
/*
 * The next row in order, *row NULL at the end. Rows stay where they are until ch_merge_forget(), which the
 * caller calls once it has copied what it wants of the rows so far.
 */
CH_NODISCARD ch_status ch_merge_next(ch_merge *merge, uint8_t **row, ch_error *err);
void ch_merge_forget(ch_merge *merge);
void ch_merge_free(ch_merge *merge);

#endif
