/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_unique.c - HashJoin when each key occurs once in a small build side: one round and no pairs. The probe side's
 * columns pass as they are, the build side's become DICT columns.
 */
#include "exec/join_probe.h"
#include "kernel/hash.h"

/* row[i] = the match of each of the k positions in idx, or null_row. */
static void find_unique(const ch_join_probe *p, int32_t *idx, int64_t k)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    for (int64_t i = 0; i < k; i++)
        s->row[idx[i]] = j->layout.null_row;
    int64_t n = ch_join_usable(j, s->key, p->batch->n, s->found), m = 0;
    if (k < p->batch->n) { /* of those, the ones in idx: both ascend */
        for (int64_t i = 0, at = 0; i < n && at < k; i++) {
            while (at < k && idx[at] < s->found[i])
                at++;
            if (at < k && idx[at] == s->found[i])
                s->found[m++] = s->found[i];
        }
        n = m;
    }
    /* first_rows leaves chains in row[]: those that end without a match get null_row again. */
    int32_t *cand = s->found;
    n = ch_join_first_rows(p, cand, n);
    while (n > 0) {
        int64_t n_no = 0;
        n = ch_join_same_hash(p, cand, n);
        ch_rows_match(&j->layout, s->key, s->row, cand, n, s->no, &n_no);
        n = ch_join_step(p, s->no, n_no, false, cand);
    }
    for (int64_t i = 0; i < k; i++) {
        uint8_t *row = s->row[idx[i]];
        s->row[idx[i]] = row ? row : j->layout.null_row;
    }
}

static ch_status find_all_unique(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t n = p->batch->n, n_miss = n;
    if (!s->codes_tried) {
        s->codes_tried = true;
        if (ch_mem_limit(j->mem) / j->exec->n_slots >= 8 << 20)
            CH_TRY(ch_codes_new(&j->layout, j->mem, &s->codes, err));
    }
    if (s->codes && !ch_codes_find(s->codes, s->key, n, s->row, s->idx, &n_miss)) {
        ch_codes_free(s->codes);
        s->codes = NULL;
        n_miss = n;
    }
    if (!s->codes)
        for (int64_t i = 0; i < n; i++)
            s->idx[i] = (int32_t)i;
    if (n_miss == 0)
        return CH_OK;
    CH_TRY(ch_hash(s->key, j->n_keys, n, s->hash, j->mem, err));
    find_unique(p, s->idx, n_miss);
    if (s->codes)
        ch_codes_learn(s->codes, s->row, s->idx, n_miss);
    return CH_OK;
}

/* The probe side's columns as they are, the build side's by index; bits = what was found. */
static ch_status emit_unique(const ch_join_probe *p, bool all_found, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    ch_batch *in = p->batch, out;
    ch_mem *mem = ch_join_op(j)->mem;
    CH_TRY(ch_batch_init(&out, mem, j->both.n, in->n_full, err));
    ch_column **col = ch_join_probe_part(j, &out);
    for (int32_t c = 0; c < in->n_cols; c++)
        col[c] = ch_column_ref(in->col[c]);
    for (int32_t c = 0; c < in->n_cols; c++)
        if (in->dense[c])
            out.dense[col - out.col + c] = ch_column_ref(in->dense[c]);
    out.n = in->n;
    out.sel = in->sel;
    out.sel_buf = ch_buffer_ref(in->sel_buf);
    out.seq = in->seq;

    ch_status status;
    ch_buffer *index = NULL;
    uint64_t *present = NULL;
    size_t bytes = (size_t)ch_bit_bytes(in->n_full);
    CH_TRY_OUT(ch_buffer_new(mem, 4 * in->n_full, &index, err));
    int32_t *number = (int32_t *)(void *)index->data;
    if (!in->sel) {
        for (int64_t i = 0; i < in->n; i++)
            number[i] = (int32_t)ch_join_link_of(j, s->row[i])->number;
    } else {
        memset(number, 0, 4 * (size_t)in->n_full);
        for (int64_t i = 0; i < in->n; i++)
            number[in->sel[i]] = (int32_t)ch_join_link_of(j, s->row[i])->number;
    }
    if (!all_found && j->keep_probe) {
        present = ch_mem_zalloc(mem, bytes, err);
        if (!present) {
            ch_buffer_unref(index);
            status = CH_E_MEMORY;
            goto out;
        }
        for (int64_t i = 0; i < in->n; i++)
            if (ch_bit_get(s->bits, i))
                ch_bit_set(present, in->sel ? in->sel[i] : i);
    }
    CH_TRY_OUT(
        ch_join_dict_columns(j, index, present, in->n_full, ch_join_build_part(j, &out), err));
    if (!all_found && !j->keep_probe)
        CH_TRY_OUT(ch_batch_filter(&out, s->bits, err));
    status = ch_op_emit(ch_join_op(j), p->slot, &out, err);
out:
    ch_mem_free(mem, present, bytes);
    ch_batch_release(&out);
    return status;
}

ch_status ch_join_probe_unique(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t n = p->batch->n, n_found = 0;
    CH_TRY(find_all_unique(p, err));
    for (int64_t i = 0; i < n; i += 64) {
        uint64_t word = 0;
        int64_t end = n - i < 64 ? n - i : 64;
        for (int64_t b = 0; b < end; b++)
            word |= (uint64_t)(s->row[i + b] != j->layout.null_row) << b;
        s->bits[i >> 6] = word;
        n_found += __builtin_popcountll(word);
    }
    if (j->build_emit != CH_EMIT_NONE)
        for (int64_t i = 0; i < n; i++)
            if (ch_bit_get(s->bits, i)) {
                _Atomic uint32_t *matched = &ch_join_link_of(j, s->row[i])->matched;
                if (!atomic_load_explicit(matched, memory_order_relaxed))
                    atomic_store_explicit(matched, 1, memory_order_relaxed);
            }
    if (j->pairs)
        return n_found || j->keep_probe ? emit_unique(p, n_found == n, err) : CH_OK;
    return j->probe_emit != CH_EMIT_NONE ? ch_join_emit_probe_rows(p, err) : CH_OK;
}
