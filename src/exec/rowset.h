/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rowset.h - rows (exec/rows.h) one after another on pages, which may go to disk and come back.
 *
 *   page    0 .. n_spilled - 1        written to the spill file, data is NULL unless loaded
 *   page    n_spilled .. n_pages - 1  in memory; rows are added to the last one
 *
 * The first page is small and each next one twice as large, up to page_bytes, so that thousands of
 * sets with few rows cost little. A row larger than a page gets a page of its own. Rows do not
 * move while their page is in memory, so pointers to them stay good until it is spilled or freed.
 *
 * Threads: one at a time per set; the spill file may be shared.
 */
#ifndef CH_EXEC_ROWSET_H
#define CH_EXEC_ROWSET_H

#include "exec/rows.h"
#include "store/spill.h"

#define CH_PAGE_BYTES_MIN (4 << 10)
#define CH_PAGE_BYTES_MAX (256 << 10)

typedef struct ch_rowpage {
    uint8_t *data; /* owned; NULL: on disk */
    int32_t cap;   /* bytes of data */
    int32_t used;  /* bytes of rows */
    int64_t n_rows;
    int64_t at; /* in the spill file; -1 = not written */
} ch_rowpage;

typedef struct ch_rowset {
    ch_mem *mem; /* borrowed */
    ch_rowpage *page;
    int32_t n_pages, cap_pages, n_spilled;
    int32_t next_bytes, page_bytes; /* of the next page; of the largest usual one */
    int64_t n_rows;
    int64_t bytes;     /* of pages in memory */
    int64_t row_bytes; /* of all rows, wherever they are */
} ch_rowset;

/* A page size for `n_sets` sets inside a budget of `bytes` (INT64_MAX: none). */
int32_t ch_rowset_page_bytes(int64_t budget, int64_t n_sets);

/*
 * So many bytes of a slot are worth spilling when `available` are left: small writes to many sets cost
 * more than they give, and what the slots hold below it leaves half of `available` free.
 */
static inline int64_t ch_spill_worth(int64_t available, int n_slots)
{
    int64_t fair = available / 2 / n_slots;
    return fair > 64 << 10 ? fair : 64 << 10;
}

void ch_rowset_init(ch_rowset *set, ch_mem *mem, int32_t page_bytes);
/* Frees all pages; those on disk are dropped when spill is not NULL. The set is empty afterwards. */
void ch_rowset_release(ch_rowset *set, ch_spill *spill);

CH_NODISCARD ch_status ch_rowset_add_page(ch_rowset *set, int64_t bytes, ch_error *err);

/* Room for one row of `bytes`, a multiple of 8, in memory, 8-aligned; a dead row until it is written. */
CH_NODISCARD static inline ch_status ch_rowset_add(ch_rowset *set, int64_t bytes, uint8_t **row,
                                                   ch_error *err)
{
    const ch_rowpage *last = set->n_pages > set->n_spilled ? &set->page[set->n_pages - 1] : NULL;
    if (!last || last->cap - last->used < bytes)
        CH_TRY(ch_rowset_add_page(set, bytes, err));
    ch_rowpage *page = &set->page[set->n_pages - 1];
    *row = page->data + page->used;
    *(uint32_t *)(void *)*row = (uint32_t)bytes | 1; /* dead until written */
    page->used += (int32_t)bytes;
    page->n_rows++;
    set->n_rows++;
    set->row_bytes += bytes;
    return CH_OK;
}

/*
 * Writes every page in memory to the file and frees it, small ones together as one page;
 * *written is raised by the bytes of rows.
 */
CH_NODISCARD ch_status ch_rowset_spill(ch_rowset *set, ch_spill *spill, int64_t *written,
                                       ch_error *err);
/* Page i back in memory; it stays on disk too. */
CH_NODISCARD ch_status ch_rowset_load(ch_rowset *set, ch_spill *spill, int32_t i, ch_error *err);
/* Frees the memory of page i, which is on disk or not needed any more. */
void ch_rowset_unload(ch_rowset *set, int32_t i);
/* Appends the pages of `from`, which is empty afterwards; both have the same account. */
CH_NODISCARD ch_status ch_rowset_move(ch_rowset *set, ch_rowset *from, ch_error *err);

/*
 * The next rows of a page in memory, at most `max`; *pos is bytes from the page's start, 0 to begin.
 * Dead rows are left out. 0: no more.
 */
int64_t ch_rowpage_next(const ch_rowpage *page, int32_t *pos, uint8_t **row, int64_t max);

#endif
