/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keeper.h - batches kept by several workers, to be given in the order of the input: by batch.seq, and as they
 * came where that is the same.
 *
 * Legal calls: init, add (slots at once), sort (one thread, after all adds), release at any time.
 */
#ifndef CH_EXEC_KEEPER_H
#define CH_EXEC_KEEPER_H

#include "exec/exec.h"

typedef struct ch_kept {
    ch_batch batch;
    int64_t arrival; /* at its slot */
} ch_kept;

typedef struct ch_keeper_slot {
    ch_kept **item;
    int64_t n, cap;
} ch_keeper_slot;

typedef struct ch_keeper {
    ch_mem *mem; /* borrowed */
    ch_keeper_slot *slot;
    int n_slots;
    ch_kept **all; /* after sort: n, in order */
    int64_t n;
} ch_keeper;

/* The slots are in exec->arena. */
CH_NODISCARD ch_status ch_keeper_init(ch_keeper *k, ch_exec *exec, ch_mem *mem, ch_error *err);
/* Takes the batch, which is empty afterwards, also on error. */
CH_NODISCARD ch_status ch_keeper_add(ch_keeper *k, int slot, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_keeper_sort(ch_keeper *k, ch_error *err);
/* Zeroed and released ones are ignored. */
void ch_keeper_release(ch_keeper *k);

#endif
