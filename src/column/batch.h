/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - some thousand rows on their way through a pipeline.
 *
 * A filter does not copy: it leaves a selection, and whoever needs a column
 * asks for it with ch_batch_column(), which gathers the selected rows then and
 * keeps the result. Columns that nobody asks for are never gathered.
 *
 *   col[c]   full-length columns, n_full rows each
 *   sel      n rows chosen: strictly ascending positions in col; NULL = all,
 * and then n == n_full dense[c] col[c] gathered by sel, made on demand
 *
 * `seq` orders batches of one source: (morsel << 32 | batch of that morsel).
 * Whoever must keep the order of the input (collect, limit, a single-file
 * writer) sorts by it.
 *
 * A batch is a local struct: ch_batch_init .. ch_batch_release. It owns
 * references to its columns.
 */
#ifndef CH_COLUMN_BATCH_H
#define CH_COLUMN_BATCH_H

#include "column/column.h"

/* Rows of a usual batch; operators accept any number up to INT32_MAX. */
#define CH_BATCH_ROWS 4096

typedef struct ch_batch {
    int64_t n, n_full;
    int32_t n_cols;
    ch_column **col, **dense;
    const int32_t *sel; /* = sel_buf->data */
    ch_buffer *sel_buf;
    uint64_t seq;
    int32_t file; /* from a scan: which of its files the rows come from; -1 = not told */
    ch_mem *mem;  /* borrowed: pays for the arrays and for gathered columns */
} ch_batch;

/* n_cols empty column slots, no rows; the caller fills col[] with references it
 * gives. */
CH_NODISCARD ch_status ch_batch_init(ch_batch *batch, ch_mem *mem, int32_t n_cols, int64_t rows,
                                     ch_error *err);
void ch_batch_release(ch_batch *batch);

/* Column c with the selection applied, batch->n rows: borrowed, lives as long
 * as the batch. */
CH_NODISCARD ch_status ch_batch_column(ch_batch *batch, int32_t c, ch_column **out, ch_error *err);

/*
 * Keeps the rows whose bit in keep[0..n) is on, of the rows now selected;
 * combines with an earlier selection. keep is borrowed.
 */
CH_NODISCARD ch_status ch_batch_filter(ch_batch *batch, const uint64_t *keep, ch_error *err);
/* Keeps rows [from, from + n) of those now selected. */
CH_NODISCARD ch_status ch_batch_slice(ch_batch *batch, int64_t from, int64_t n, ch_error *err);
/* Applies the selection to every column, so that col[] may be used directly. */
CH_NODISCARD ch_status ch_batch_flatten(ch_batch *batch, ch_error *err);
/* A second handle on the same columns (shares). */
CH_NODISCARD ch_status ch_batch_copy(const ch_batch *in, ch_batch *out, ch_error *err);

#endif
