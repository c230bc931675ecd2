/* SPDX-License-Identifier: Apache-2.0 */
/* few.c - see few.h. */
#include "exec/few.h"

#include "column/take.h"

#define LEAST_BYTES (2 << 20) /* with less memory left nothing is kept */

ch_status ch_few_open(ch_op *self, ch_error *err)
{
    ch_few *few = (ch_few *)self;
    CH_ARENA_ARRAY(few->n_given, self->exec->arena, self->exec->n_slots, err);
    return ch_keeper_init(&few->keeper, self->exec, self->mem, err);
}

/* What the slot kept, as it is. */
static ch_status emit_kept(ch_few *few, int slot, ch_error *err)
{
    ch_keeper_slot *kept = &few->keeper.slot[slot];
    for (; few->n_given[slot] < kept->n; few->n_given[slot]++) {
        ch_batch *batch = &kept->item[few->n_given[slot]]->batch;
        CH_TRY(ch_op_emit(&few->op, slot, batch, err));
        ch_batch_release(batch);
    }
    return CH_OK;
}

ch_status ch_few_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    ch_few *few = (ch_few *)self;
    ch_batch flat;
    if (ch_mem_available(self->mem) < LEAST_BYTES ||
        few->bytes > ch_mem_limit(self->mem) / few->share)
        atomic_fetch_add(&few->rows, few->most_rows);
    if (atomic_fetch_add(&few->rows, batch->n) + batch->n > few->most_rows) {
        CH_TRY(emit_kept(few, slot, err));
        return ch_op_emit(self, slot, batch, err);
    }
    CH_TRY(ch_batch_copy(batch, &flat, err));
    ch_status status = ch_batch_flatten(&flat, err);
    if (status != CH_OK) {
        ch_batch_release(&flat);
        return status;
    }
    for (int32_t c = 0; c < flat.n_cols; c++)
        atomic_fetch_add(&few->bytes, ch_column_bytes(flat.col[c]));
    return ch_keeper_add(&few->keeper, slot, &flat, err);
}

/* All that was kept as one batch (gives). */
static ch_status whole(ch_few *few, ch_batch *out, ch_error *err)
{
    ch_mem *mem = few->op.mem;
    int64_t n = 0;
    CH_TRY(ch_keeper_sort(&few->keeper, err));
    for (int64_t i = 0; i < few->keeper.n; i++)
        n += few->keeper.all[i]->batch.n;
    CH_TRY(ch_batch_init(out, mem, few->op.output.n, n, err));
    size_t bytes = sizeof(ch_column *) * (size_t)few->keeper.n;
    ch_column **piece = ch_mem_alloc(mem, bytes, err);
    ch_status status = piece ? CH_OK : CH_E_MEMORY;
    for (int32_t c = 0; c < out->n_cols && status == CH_OK; c++) {
        for (int64_t i = 0; i < few->keeper.n; i++)
            piece[i] = few->keeper.all[i]->batch.col[c];
        status = ch_concat(piece, (int32_t)few->keeper.n, few->op.output.item[c]->type, mem,
                           &out->col[c], err);
    }
    if (few->keeper.n)
        out->seq = few->keeper.all[0]->batch.seq >> 48 << 48;
    ch_mem_free(mem, piece, bytes);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

ch_status ch_few_flush(ch_op *self, int slot, ch_error *err)
{
    ch_few *few = (ch_few *)self;
    bool last = atomic_fetch_add(&few->n_flushed, 1) + 1 == self->exec->n_slots;
    if (!few->keeper.slot || few->rows == 0)
        return CH_OK;
    if (few->rows > few->most_rows)
        return emit_kept(few, slot, err);
    if (!last)
        return CH_OK;
    ch_batch all;
    CH_TRY(whole(few, &all, err));
    ch_status status = few->arrange(few, slot, &all, err);
    ch_batch_release(&all);
    return status;
}

void ch_few_close(ch_few *few)
{
    ch_keeper_release(&few->keeper);
}

ch_status ch_few_emit(ch_few *few, int slot, const ch_batch *all, const int32_t *perm, int64_t n,
                      uint64_t seq, ch_error *err)
{
    int64_t most = few->op.exec->batch_rows;
    for (int64_t at = 0; at < n; at += most) {
        ch_batch out;
        int64_t k = n - at < most ? n - at : most;
        CH_TRY(ch_batch_init(&out, few->op.mem, all->n_cols, k, err));
        out.seq = seq;
        ch_status status = CH_OK;
        for (int32_t c = 0; c < all->n_cols && status == CH_OK; c++)
            status = ch_take(all->col[c], perm + at, k, false, few->op.mem, &out.col[c], err);
        if (status == CH_OK)
            status = ch_op_emit(&few->op, slot, &out, err);
        ch_batch_release(&out);
        CH_TRY(status);
    }
    return CH_OK;
}
