/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_scan.h - what the files of the Parquet reader share above leaves: the scan itself and what of it
 * filters look at.
 *
 * A morsel is a row group, or a part of one where there are few. Its life on a slot:
 *
 *   claim ─▶ exclude by statistics ─▶ rows that pages may match ─▶ batches:
 *            read filter columns, test, read the others where a row is left ─▶ next batch
 */
#ifndef CH_FORMAT_PARQUET_SCAN_H
#define CH_FORMAT_PARQUET_SCAN_H

#include <pthread.h>

#include "format/format.h"
#include "format/parquet_file.h"
#include "store/bounds.h"

/* Rows [from, to) of a row group. */
typedef struct ch_pq_range {
    int64_t from, to;
} ch_pq_range;

/* A test of one column wanted. */
typedef struct ch_pq_filter {
    int32_t at;                    /* which of the columns wanted */
    const ch_predicate *predicate; /* borrowed; or */
    ch_runtime_filter *runtime;    /* borrowed */
    _Atomic int64_t asked, kept;   /* rows, so far */
} ch_pq_filter;

#define CH_PQ_FILTERS_MAX 64

/* A row group that waits, where the order is not that of the files (parquet_turns.c). */
typedef struct ch_pq_turn {
    int32_t file_no, group;
    int64_t rows;
    uint64_t number;  /* of its first piece, in the order of the files */
    ch_bounds bounds; /* of the top-N's column */
} ch_pq_turn;

typedef struct ch_pq_slot {
    ch_pq_file *file;
    int32_t file_no, group;
    ch_pq_leaf *leaf; /* file->n_wanted of them */
    ch_column **values;
    int32_t n_leaves;
    ch_block block;
    ch_pq_io io;
    uint64_t morsel;
    uint32_t n_batches;
    ch_pq_range *range; /* of this morsel, in arena, ascending */
    int32_t n_ranges, at_range;
    int64_t row;    /* next one */
    int64_t most;   /* rows of a batch */
    int64_t bytes;  /* of the morsel, for progress */
    ch_arena arena; /* of this morsel */
} ch_pq_slot;

typedef struct ch_pq_scan {
    ch_scan head;
    ch_format_context ctx;
    ch_scan_spec spec;
    ch_pq_read_options options;
    ch_pq_filter filter[CH_PQ_FILTERS_MAX];
    int32_t n_filters;
    pthread_mutex_t lock; /* of the claims below */
    ch_pq_file *file;     /* open for claims */
    int32_t next_file, next_group;
    int64_t next_row, piece_rows;
    uint64_t n_claimed;
    bool begun;
    const ch_pq_filter *by; /* whose turns these are; NULL: the order is that of the files */
    ch_buf turns;           /* ch_pq_turn[n_turns] */
    int32_t n_turns, at_turn, open_no; /* open_no: the number of `file` */
    bool ended;
    _Atomic int64_t bytes_done, rows;
    int64_t bytes_total;
    int32_t n_slots;
    ch_pq_slot slot[];
} ch_pq_scan;

CH_NODISCARD ch_status ch_pq_options_read(const ch_format_context *ctx, const ch_strmap *options,
                                          ch_pq_read_options *out, ch_error *err);
CH_NODISCARD ch_status ch_pq_scan_open(const ch_format_context *ctx, const ch_scan_spec *spec,
                                       ch_scan **out, ch_error *err);
CH_NODISCARD ch_status ch_pq_infer(const ch_format_context *ctx, const ch_scan_spec *spec,
                                   const ch_type **schema, ch_error *err);
CH_NODISCARD ch_status ch_pq_statistics(const ch_format_context *ctx, const ch_scan_spec *spec,
                                        ch_arena *arena, ch_table_statistics *out, ch_error *err);

/* ---- parquet_turns.c ------------------------------------------------------------------------- */

/* A filter that is a bound, where it may decide the order; or NULL. */
const ch_pq_filter *ch_pq_bound_filter(const ch_pq_scan *s);
/* Sets turns and piece_rows. Errors: those of opening a file; then turns are not to be used. */
CH_NODISCARD ch_status ch_pq_turns_make(ch_pq_scan *s, const ch_pq_filter *f, ch_error *err);
/* File `no`, open and bound; the caller's. */
CH_NODISCARD ch_status ch_pq_scan_file(ch_pq_scan *s, int32_t no, ch_pq_file **out, ch_error *err);
/* Most rows of a morsel, of so many row groups with n_rows in all. */
int64_t ch_pq_piece_rows(const ch_pq_scan *s, int64_t n_groups, int64_t n_rows);
/* How many of the rows left in a row group are the next morsel. */
int64_t ch_pq_piece(const ch_pq_scan *s, int64_t left);

/* The node of a wanted column that is a plain leaf of the file; NULL for others. */
static inline const ch_pq_wanted *ch_pq_plain_leaf(const ch_pq_file *file, int32_t at)
{
    const ch_pq_shape *s = &file->shape[at];
    return s->kind == CH_PQ_SHAPE_LEAF ? &file->wanted[s->leaf] : NULL;
}

/* ---- parquet_stats.c: bounds ----------------------------------------------------------------- */

/* A plain value as statistics store it, as a scalar of the wanted type. False: not to be used. */
bool ch_pq_bound_scalar(const ch_pq_wanted *leaf, ch_thrift_bytes bytes, ch_scalar *out);
void ch_pq_bounds_of_chunk(const ch_pq_file *file, const ch_pq_wanted *leaf,
                           const ch_pq_column_meta *meta, ch_bounds *out);
/* Are a chunk's min and max values that it holds, and not just bounds? */
bool ch_pq_bounds_are_values(const ch_pq_wanted *leaf, const ch_pq_stats *stats);

/* ---- parquet_skip.c -------------------------------------------------------------------------- */

/* Is the slot's row group without a row that passes, by statistics, bloom filters and dictionaries? */
CH_NODISCARD ch_status ch_pq_skip_group(ch_pq_scan *s, ch_pq_slot *slot, bool *out, ch_error *err);
/* Sets slot->range to the rows of [from, to) that the page indexes leave. */
CH_NODISCARD ch_status ch_pq_skip_pages(ch_pq_scan *s, ch_pq_slot *slot, int64_t from, int64_t to,
                                        ch_error *err);

/* ---- parquet_test.c -------------------------------------------------------------------------- */

/* keep[i] &= row i of the column passes the predicate; any encoding. */
CH_NODISCARD ch_status ch_pq_test(const ch_predicate *p, ch_column *column, uint64_t *keep,
                                  ch_mem *mem, ch_error *err);
/* Is the predicate one that ch_pq_test can do on this type? */
bool ch_pq_testable(const ch_predicate *p);

#endif
