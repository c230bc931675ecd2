/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_window.h - the Window operator's inside: shared by op_window.c, window_share.c, window_runs.c and window_stream.c.
 *
 * A stored row (exec/rows.h) has the input's columns, then what else partition, order, arguments and
 * filters need, then, with more than one slot, the row's place in the input.
 */
#ifndef CH_EXEC_OP_WINDOW_H
#define CH_EXEC_OP_WINDOW_H

#include "exec/rowset.h"
#include "exec/sort_run.h"
#include "exec/window.h"

typedef struct ch_win_stream ch_win_stream;

typedef struct win_slot {
    /* push */
    ch_column **col;  /* n_store */
    ch_column **key;  /* n_part + n_order */
    ch_rowset *set;   /* per share */
    int64_t *thin_at; /* per share: rows from which the group limit is applied again */
    int64_t bytes;    /* of the sets, in memory */
    uint64_t seq, seq_row;
    uint8_t *scratch; /* cap times: hash, bytes, row, position */
    int64_t cap;
    /* output: one share in memory */
    int64_t share;
    bool begun;
    uint8_t **row;      /* in order; cap_rows */
    ch_column **result; /* per function */
    int64_t n, at, cap_rows;
    ch_win_stream *stream; /* or one that is too large */
} win_slot;

typedef struct op_window {
    ch_op op;
    const ch_rel_window *rel;
    int32_t n_in, n_store; /* columns of the input; of a stored row */
    ch_expr_list store;    /* what stored rows are made of, but for the place */
    ch_evaluator *ev;
    ch_rowlayout layout;
    int32_t tie; /* column of the place in the input, -1: none */
    int32_t n_part, n_order;
    int32_t *key; /* n_part + n_order columns */
    ch_sortkey_order *order;
    ch_win_func *func;
    int32_t n_funcs;
    bool *looked_at; /* per column: functions read it */
    bool *peers_of;  /* per number of ORDER BY expressions: functions ask for these peers */
    int64_t quota;   /* bytes of rows per slot */
    int32_t n_shares;
    int shift; /* share = hash >> shift */
    bool few;  /* all rows are in share 0, whose partitions come in the order of their keys */
    win_slot *slot;
    pthread_mutex_t lock; /* guards the making of spill */
    bool has_lock;
    ch_spill *spill;
    _Atomic int64_t next_share;
} op_window;

CH_NODISCARD ch_status ch_win_need_spill(op_window *op, ch_error *err);
void ch_win_count_spill(op_window *op, int64_t bytes);

/* ---- a share in memory (window_share.c) ---- */

/* Is there room for the share's rows, and for computing over them, in one worker's part of the memory? */
bool ch_win_fits(const op_window *op, int64_t share);
/* Sorts the share's rows and computes the functions: s->row, s->result, s->n. */
CH_NODISCARD ch_status ch_win_load_share(op_window *op, win_slot *s, ch_error *err);
void ch_win_drop_share(op_window *op, win_slot *s);
/* Applies the group limit to the slot's shares that have grown enough. */
CH_NODISCARD ch_status ch_win_thin(op_window *op, win_slot *s, ch_error *err);

/*
 * Functions over n rows in order.
 *   key   FLAT key columns of the rows as they were before sorting by perm, or NULL
 *   out   gives one column per function
 */
CH_NODISCARD ch_status ch_win_compute(op_window *op, ch_win_rows *r, uint8_t *const *row,
                                      ch_column *const *key, const int32_t *perm, ch_column **out,
                                      ch_error *err);

/* ---- a share as sorted runs (window_runs.c) ---- */

#define CH_WIN_TAIL_BYTES 12 /* of a key: place in the input, length of the partition's part */

typedef struct ch_win_runs {
    op_window *op;
    int64_t share, budget; /* bytes for rows at hand */
    int32_t block_bytes;
    ch_run **run;
    int32_t n_runs, cap_runs;
    uint64_t place;
} ch_win_runs;

/* Writes the share's rows of all slots as runs, few enough to be merged at once by *merge (gives). */
CH_NODISCARD ch_status ch_win_runs_make(op_window *op, int64_t share, int64_t budget,
                                        ch_win_runs *runs, ch_merge **merge, ch_error *err);
void ch_win_runs_release(ch_win_runs *runs);

/* ---- a share on disk (window_stream.c) ---- */

CH_NODISCARD ch_status ch_win_stream_open(op_window *op, win_slot *s, ch_win_stream **out,
                                          ch_error *err);
/* The next rows in order with their results, in s->row and s->result; s->n 0: no more. */
CH_NODISCARD ch_status ch_win_stream_next(ch_win_stream *stream, ch_error *err);
void ch_win_stream_close(ch_win_stream *stream);

#endif
