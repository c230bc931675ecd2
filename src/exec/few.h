/* SPDX-License-Identifier: Apache-2.0 */
/*
 * few.h - operators that arrange rows as long as they are few: batches are kept, the slot that is flushed last
 * arranges and gives all of them. Once there are many, or memory is short, rows pass as they come.
 */
#ifndef CH_EXEC_FEW_H
#define CH_EXEC_FEW_H

#include "exec/keeper.h"

/* The head of such an operator. Set when made: arrange, most_rows, share. */
typedef struct ch_few ch_few;
struct ch_few {
    ch_op op;
    /* all borrows every row, in the order of the input; the batches it was made of are in keeper.all. */
    ch_status (*arrange)(ch_few *few, int slot, ch_batch *all, ch_error *err);
    int64_t most_rows;
    int share; /* at most 1 / share of the memory is kept */
    ch_keeper keeper;
    _Atomic int64_t rows, bytes;
    int64_t *n_given; /* per slot: of the kept batches, when there are many rows */
    _Atomic int n_flushed;
};

CH_NODISCARD ch_status ch_few_open(ch_op *self, ch_error *err);
CH_NODISCARD ch_status ch_few_push(ch_op *self, int slot, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_few_flush(ch_op *self, int slot, ch_error *err);
void ch_few_close(ch_few *few);
/* Emits rows perm[0 .. n) of all, under a seq. */
CH_NODISCARD ch_status ch_few_emit(ch_few *few, int slot, const ch_batch *all, const int32_t *perm,
                                   int64_t n, uint64_t seq, ch_error *err);

#endif
