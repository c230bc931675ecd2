/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - the parts of op_window.c: sorting the rows of a share, frames, functions.
 *
 * A *run of rows* (ch_win_rows) is a stretch of rows in order, columns made flat, that holds
 *
 *   in memory     any number of whole partitions: rows [0, n) are all computed
 *   streaming     a part of one partition that is too large: rows [from, to) are computed, and
 *                 around them lies what their frames need
 *
 *        part[0] ....... part[1] ..... part[2] = n          starts of partitions
 *        │ a a b b b c   │ a b b d d   │                    peers: equal in ORDER BY
 *        new_peer: 1 0 1 0 0 1 1 1 0 1 0
 *
 * Functions are computed column by column, each over all of the run's partitions at once. Sums of
 * doubles are added in the order of the frame, from its first row on, as Spark does, so
 * that they agree in the last digit; what is exact however it is added (counts, integers, smallest,
 * largest) goes by prefix sums and monotonic queues in O(1) per row (Leis, Kundhikanjana, Kemper,
 * Neumann, Efficient processing of window functions in analytical SQL queries, 2015).
 */
#ifndef CH_EXEC_WINDOW_H
#define CH_EXEC_WINDOW_H

#include "exec/exec.h"
#include "kernel/sortkey.h"

/* ---- what is asked for; made once, read by all ---- */

typedef enum ch_win_kind {
    CH_WIN_ROW_NUMBER,
    CH_WIN_RANK,
    CH_WIN_DENSE_RANK,
    CH_WIN_PERCENT_RANK,
    CH_WIN_CUME_DIST,
    CH_WIN_NTILE,
    CH_WIN_OFFSET, /* lag, lead */
    CH_WIN_FIRST,
    CH_WIN_LAST,
    CH_WIN_NTH,
    CH_WIN_MIN,
    CH_WIN_MAX,
    CH_WIN_COUNT,
    CH_WIN_SUM_INT,
    CH_WIN_SUM_REAL,
    CH_WIN_AVG_REAL,
    CH_WIN_AGGREGATE /* every other: by its ch_agg */
} ch_win_kind;

typedef struct ch_win_func {
    ch_win_kind kind;
    const ch_expr_window *expr;
    const ch_expr_call *call;
    const int32_t *arg; /* per argument: its column among the run's, -1: it is constant */
    int32_t filter;     /* column of the FILTER condition, -1: none */
    int32_t order_col;  /* RANGE with values: columns of ORDER BY's expression and of the bounds */
    int32_t lower_col, upper_col;
    int32_t n_order;      /* ORDER BY expressions that make rows peers */
    int64_t offset;       /* ntile's buckets; rows ahead (lead) or back (lag, negative); nth's n */
    int64_t lower, upper; /* ROWS: rows ahead; INT64_MIN, INT64_MAX where unbounded */
    bool ignore_nulls;
} ch_win_func;

/* ---- rows at hand ---- */

typedef struct ch_win_rows {
    ch_exec *exec;
    ch_mem *mem;
    int64_t n;
    ch_column **col; /* of the run's columns, FLAT, n rows; those that functions look at are set */
    const int32_t *part; /* n_parts + 1 */
    int64_t n_parts;
    uint8_t *const *new_peer; /* by n_order: 1 where a row differs from the one before it */
    int64_t from, to;         /* to be computed */
    /* Streaming: row 0 is row `before` of its partition, which has `total` rows in all. In
     * memory: 0, -1. */
    int64_t before, total;
} ch_win_rows;

/* What a function carries from one stretch of a streamed partition to the next. */
typedef struct ch_win_carry {
    int64_t rank, dense; /* of the last row */
    int64_t added;       /* rows of the partition that are in the state */
    uint8_t *state;      /* of an aggregate whose frames begin with the partition */
    int32_t state_bytes;
    ch_arena extra;
} ch_win_carry;

/* Frames of rows [from, to): [lo[i - from], hi[i - from]) in the run. */
CH_NODISCARD ch_status ch_win_frames(const ch_win_func *f, const ch_win_rows *r, int32_t *lo,
                                     int32_t *hi, ch_error *err);
/* Do all frames end (begin) with the partition? */
static inline bool ch_win_to_end(const ch_win_func *f)
{
    return f->expr->upper == CH_BOUND_UNBOUNDED;
}
static inline bool ch_win_from_start(const ch_win_func *f)
{
    return f->expr->lower == CH_BOUND_UNBOUNDED;
}

/* The function's values for rows [from, to): gives, any encoding. */
CH_NODISCARD ch_status ch_win_eval(const ch_win_func *f, const ch_win_rows *r, ch_column **out,
                                   ch_error *err);
/* Sums, counts and other aggregates (window_agg.c). */
CH_NODISCARD ch_status ch_win_eval_agg(const ch_win_func *f, const ch_win_rows *r, ch_column **out,
                                       ch_error *err);
/*
 * Aggregates whose frames begin with a partition that is streamed. Where they also end with it, all of its rows
 * are added first.
 */
CH_NODISCARD ch_status ch_win_add_rows(const ch_win_func *f, const ch_win_rows *r,
                                       ch_win_carry *carry, ch_error *err);
CH_NODISCARD ch_status ch_win_eval_growing(const ch_win_func *f, const ch_win_rows *r,
                                           ch_win_carry *carry, ch_column **out, ch_error *err);
void ch_win_carry_release(ch_win_carry *carry, ch_mem *mem);
/* Ranks and the like of rows [from, to) of a streamed partition. */
CH_NODISCARD ch_status ch_win_eval_streamed_rank(const ch_win_func *f, const ch_win_rows *r,
                                                 ch_win_carry *carry, ch_column **out,
                                                 ch_error *err);
/* Which rows an aggregate sees: bits of those that pass FILTER and, with not_null, are not
 * NULL in column c (-1: any); NULL means all. Free with ch_mem_free(ch_bit_bytes(n)) when *owned. */
CH_NODISCARD ch_status ch_win_mask(const ch_win_func *f, const ch_win_rows *r, int32_t c,
                                   const uint64_t **bits, bool *owned, ch_error *err);
ch_win_kind ch_win_kind_of(const ch_expr_window *w);

/* ---- sorting (window_sort.c) ---- */

/*
 * The order of n rows: grouped by the partition's columns in the order of their first row, sorted within
 * each by the order's columns, stable.
 *   key       borrows  n_part + n_order FLAT columns of n rows
 *   perm      gets n positions; part gets the starts of partitions, n_parts + 1 of them (room for n + 1)
 *   new_peer  by number of ORDER BY expressions 0 .. n_order: bytes to be set, or NULL
 */
CH_NODISCARD ch_status ch_win_sort(ch_column *const *key, int32_t n_part, int32_t n_order,
                                   const ch_sortkey_order *order, int64_t n, ch_mem *mem,
                                   int32_t *perm, int32_t *part, int64_t *n_parts,
                                   uint8_t *const *new_peer, ch_error *err);
/* new_peer for rows perm[0 .. n) (NULL: in their order) by the first n_order columns of key. */
void ch_win_peers(ch_column *const *key, int32_t n_order, const int32_t *perm, int64_t n,
                  const int32_t *part, int64_t n_parts, uint8_t *new_peer);

#endif
