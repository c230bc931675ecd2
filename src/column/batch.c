/* SPDX-License-Identifier: Apache-2.0 */
/* batch.c - selections: composing them, and gathering a column when it is asked for. */
#include "column/batch.h"
#include "column/take.h"

static size_t array_bytes(int32_t n_cols)
{
    return sizeof(ch_column *) * (size_t)n_cols * 2; /* col, then dense */
}

ch_status ch_batch_init(ch_batch *batch, ch_mem *mem, int32_t n_cols, int64_t rows, ch_error *err)
{
    *batch = (ch_batch){.mem = mem, .file = -1};
    if (n_cols) {
        batch->col = ch_mem_zalloc(mem, array_bytes(n_cols), err);
        if (!batch->col)
            return CH_E_MEMORY;
        batch->dense = batch->col + n_cols;
    }
    batch->n_cols = n_cols;
    batch->n = batch->n_full = rows;
    return CH_OK;
}

static void drop_dense(ch_batch *batch)
{
    for (int32_t c = 0; c < batch->n_cols; c++) {
        ch_column_unref(batch->dense[c]);
        batch->dense[c] = NULL;
    }
}

void ch_batch_release(ch_batch *batch)
{
    drop_dense(batch);
    for (int32_t c = 0; c < batch->n_cols; c++)
        ch_column_unref(batch->col[c]);
    if (batch->n_cols)
        ch_mem_free(batch->mem, batch->col, array_bytes(batch->n_cols));
    ch_buffer_unref(batch->sel_buf);
    *batch = (ch_batch){.mem = batch->mem};
}

ch_status ch_batch_column(ch_batch *batch, int32_t c, ch_column **out, ch_error *err)
{
    if (batch->sel && !batch->dense[c])
        CH_TRY(
            ch_take(batch->col[c], batch->sel, batch->n, false, batch->mem, &batch->dense[c], err));
    *out = batch->sel ? batch->dense[c] : batch->col[c];
    return CH_OK;
}

/* The positions, or where sel is given the sel entries, of the bits that are on. */
static int64_t compress(const uint64_t *keep, int64_t n, const int32_t *sel, int32_t *out)
{
    int64_t k = 0;
    for (int64_t base = 0; base < n; base += 64) {
        uint64_t word = keep[base >> 6];
        if (n - base < 64)
            word &= (UINT64_C(1) << (n - base)) - 1;
        if (word == ~UINT64_C(0)) {
            for (int64_t b = 0; b < 64; b++)
                out[k + b] = sel ? sel[base + b] : (int32_t)(base + b);
            k += 64;
            continue;
        }
        for (; word; word &= word - 1) {
            int64_t i = base + __builtin_ctzll(word);
            out[k++] = sel ? sel[i] : (int32_t)i;
        }
    }
    return k;
}

/* Replaces the selection (takes the buffer); what was gathered by the old one is dropped. */
static void set_selection(ch_batch *batch, ch_buffer *sel_buf, int64_t n)
{
    drop_dense(batch);
    ch_buffer_unref(batch->sel_buf);
    batch->sel_buf = sel_buf;
    batch->sel = (const int32_t *)(const void *)sel_buf->data;
    batch->n = n;
}

ch_status ch_batch_filter(ch_batch *batch, const uint64_t *keep, ch_error *err)
{
    int64_t n = ch_bits_count(keep, batch->n);
    if (n == batch->n)
        return CH_OK;
    ch_buffer *sel_buf;
    CH_TRY(ch_buffer_new(batch->mem, n * (int64_t)sizeof(int32_t), &sel_buf, err));
    compress(keep, batch->n, batch->sel, (int32_t *)(void *)sel_buf->data);
    set_selection(batch, sel_buf, n);
    return CH_OK;
}

ch_status ch_batch_slice(ch_batch *batch, int64_t from, int64_t n, ch_error *err)
{
    if (from == 0 && n == batch->n)
        return CH_OK;
    ch_buffer *sel_buf;
    CH_TRY(ch_buffer_new(batch->mem, n * (int64_t)sizeof(int32_t), &sel_buf, err));
    int32_t *sel = (int32_t *)(void *)sel_buf->data;
    for (int64_t i = 0; i < n; i++)
        sel[i] = batch->sel ? batch->sel[from + i] : (int32_t)(from + i);
    set_selection(batch, sel_buf, n);
    return CH_OK;
}

ch_status ch_batch_flatten(ch_batch *batch, ch_error *err)
{
    if (!batch->sel)
        return CH_OK;
    for (int32_t c = 0; c < batch->n_cols; c++) {
        ch_column *dense;
        if (batch->col[c])
            CH_TRY(ch_batch_column(batch, c, &dense, err));
    }
    for (int32_t c = 0; c < batch->n_cols; c++) {
        ch_column_unref(batch->col[c]);
        batch->col[c] = batch->dense[c];
        batch->dense[c] = NULL;
    }
    ch_buffer_unref(batch->sel_buf);
    batch->sel_buf = NULL;
    batch->sel = NULL;
    batch->n_full = batch->n;
    return CH_OK;
}

ch_status ch_batch_copy(const ch_batch *in, ch_batch *out, ch_error *err)
{
    CH_TRY(ch_batch_init(out, in->mem, in->n_cols, in->n_full, err));
    for (int32_t c = 0; c < in->n_cols; c++) {
        out->col[c] = in->col[c] ? ch_column_ref(in->col[c]) : NULL;
        out->dense[c] = in->dense[c] ? ch_column_ref(in->dense[c]) : NULL;
    }
    out->n = in->n;
    out->sel_buf = ch_buffer_ref(in->sel_buf);
    out->sel = in->sel;
    out->seq = in->seq;
    return CH_OK;
}
