/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_probe.c - HashJoin: looks the probe side's rows up, and gives the result.
 *
 * A batch goes through the table in rounds: each round looks at one build row per probe row that is still
 * being followed, and moves on along the chains. Matches are pairs, given out a batch at a time. When each
 * key occurs once in a small build side there is one round and no pairs: the probe side's
 * columns pass as they are, the build side's become DICT columns.
 */
#include "column/take.h"
#include "exec/join.h"
#include "kernel/hash.h"
#include "plan/node.h"

/* One look-up of a batch. */
typedef struct probe {
    ch_join *j;
    ch_join_slot *s;
    int slot;
    ch_batch *batch; /* s->key, s->hash, s->bits (found so far) belong to its rows */
    const ch_join_table *table;
    bool small;    /* the table's rows have numbers: j->dict may be used */
    bool finalize; /* no other chunk of the build side follows */
} probe;

static inline ch_op *op_of(const ch_join *j)
{
    return j->probe_op;
}

/* ---- the build side's columns ------------------------------------------------------------ */

/* Valid bits of a DICT column over d: off where the dictionary is NULL or there is no row. */
static ch_status dict_bits(ch_join *j, const ch_column *d, const int32_t *index,
                           const uint64_t *present, int64_t n, ch_buffer **out, ch_error *err)
{
    *out = NULL;
    if (!present && !d->valid && d->type->id != CH_NULL)
        return CH_OK;
    CH_TRY(ch_buffer_new(op_of(j)->mem, ch_bit_bytes(n), out, err));
    uint64_t *bits = (uint64_t *)(void *)(*out)->data;
    memset(bits, 0, (size_t)ch_bit_bytes(n));
    for (int64_t i = 0; i < n; i++) {
        bool on = (!present || ch_bit_get(present, i)) && !ch_column_is_null(d, index[i]);
        bits[i >> 6] |= (uint64_t)on << (i & 63);
    }
    return CH_OK;
}

/* Every build column as a DICT column by index; present NULL: all rows are there. Takes index. */
static ch_status dict_columns(ch_join *j, ch_buffer *index, const uint64_t *present, int64_t n,
                              ch_column **out, ch_error *err)
{
    ch_status status = CH_OK;
    for (int32_t c = 0; c < j->build_attrs->n && status == CH_OK; c++) {
        ch_buffer *bits;
        status =
            dict_bits(j, j->dict[c], (const int32_t *)(void *)index->data, present, n, &bits, err);
        if (status == CH_OK)
            status = ch_column_dict(op_of(j)->mem, ch_buffer_ref(index), bits, j->dict[c], n,
                                    &out[c], err);
    }
    ch_buffer_unref(index);
    return status;
}

/* Build columns of n rows, row[i] may be null_row. */
static ch_status build_columns(const probe *p, uint8_t *const *row, int64_t n, ch_column **out,
                               ch_error *err)
{
    ch_join *j = p->j;
    ch_mem *mem = op_of(j)->mem;
    if (!p->small || !j->dict) {
        for (int32_t c = 0; c < j->build_attrs->n; c++)
            CH_TRY(ch_rows_gather(&j->layout, j->build_col[c], row, n, mem, &out[c], err));
        return CH_OK;
    }
    ch_buffer *index;
    CH_TRY(ch_buffer_new(mem, 4 * n, &index, err));
    int32_t *number = (int32_t *)(void *)index->data;
    bool missing = false;
    for (int64_t i = 0; i < n; i++) {
        number[i] = (int32_t)ch_join_link_of(j, row[i])->number;
        missing |= row[i] == j->layout.null_row;
    }
    if (!missing)
        return dict_columns(j, index, NULL, n, out, err);
    uint64_t *present = ch_mem_zalloc(mem, (size_t)ch_bit_bytes(n), err);
    if (!present) {
        ch_buffer_unref(index);
        return CH_E_MEMORY;
    }
    for (int64_t i = 0; i < n; i++)
        present[i >> 6] |= (uint64_t)(row[i] != j->layout.null_row) << (i & 63);
    ch_status status = dict_columns(j, index, present, n, out, err);
    ch_mem_free(mem, present, (size_t)ch_bit_bytes(n));
    return status;
}

/* Where the columns of each side stand in a joined batch. */
static ch_column **probe_part(const ch_join *j, ch_batch *out)
{
    return out->col + (j->build_left ? j->build_attrs->n : 0);
}
static ch_column **build_part(const ch_join *j, ch_batch *out)
{
    return out->col + (j->build_left ? 0 : j->probe_attrs->n);
}

/* ---- pairs ------------------------------------------------------------------------------- */

static ch_status pair_batch(const probe *p, const int32_t *idx, uint8_t *const *row, int64_t n,
                            ch_batch *out, ch_error *err)
{
    ch_join *j = p->j;
    ch_mem *mem = op_of(j)->mem;
    CH_TRY(ch_batch_init(out, mem, j->both.n, n, err));
    out->seq = p->batch->seq;
    ch_column **col = probe_part(j, out);
    ch_status status = CH_OK;
    bool whole = n == p->batch->n;
    for (int64_t i = 0; i < n && whole; i++)
        whole = idx[i] == i;
    for (int32_t c = 0; c < j->probe_attrs->n && status == CH_OK; c++) {
        ch_column *dense;
        status = ch_batch_column(p->batch, c, &dense, err);
        if (status == CH_OK && whole)
            col[c] = ch_column_ref(dense);
        else if (status == CH_OK)
            status = ch_take(dense, idx, n, false, mem, &col[c], err);
    }
    if (status == CH_OK)
        status = build_columns(p, row, n, build_part(j, out), err);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

/* Pairs of keep lose those for which residual condition r does not hold; the others are not looked at. */
static ch_status check_condition(const probe *p, int32_t r, const ch_batch *pairs, uint64_t *keep,
                                 ch_error *err)
{
    ch_join *j = p->j;
    ch_batch rest;
    ch_column *value = NULL;
    CH_TRY(ch_batch_copy(pairs, &rest, err));
    ch_status status;
    CH_TRY_OUT(ch_batch_filter(&rest, keep, err));
    if (rest.n == 0)
        goto out;
    CH_TRY_OUT(ch_evaluate(j->residual_ev, p->slot, r, &rest, op_of(j)->mem, &value, err));
    const ch_column *values = ch_column_values(value);
    for (int64_t i = 0, k = 0; i < pairs->n; i++) {
        if (!ch_bit_get(keep, i))
            continue;
        bool null = ch_column_is_null(value, k);
        bool on = null ? j->null_matches : ch_bit_get(values->data, ch_column_slot(value, k));
        ch_bit_and(keep, i, on);
        k++;
    }
out:
    ch_column_unref(value);
    ch_batch_release(&rest);
    return status;
}

/*
 * keep[i] = all residual conditions hold for pair i; with null_matches NULL counts as true. They are asked in
 * order: a later one may fail on pairs that an earlier one keeps from it.
 */
static ch_status check_pairs(const probe *p, const ch_batch *pairs, uint64_t *keep, ch_error *err)
{
    ch_bits_fill(keep, pairs->n, true);
    for (int32_t r = 0; r < p->j->residual.n; r++)
        CH_TRY(check_condition(p, r, pairs, keep, err));
    return CH_OK;
}

/* What matched is marked on both sides. */
static void mark(const probe *p, const int32_t *idx, uint8_t *const *row, int64_t n,
                 const uint64_t *keep)
{
    bool mark_build = p->j->build_emit != CH_EMIT_NONE;
    for (int64_t i = 0; i < n; i++) {
        if (keep && !ch_bit_get(keep, i))
            continue;
        ch_bit_set(p->s->bits, idx[i]);
        if (mark_build)
            atomic_store_explicit(&ch_join_link_of(p->j, row[i])->matched, 1, memory_order_relaxed);
    }
}

static ch_status flush_pairs(const probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t n = s->n_pairs;
    s->n_pairs = 0;
    if (n == 0)
        return CH_OK;
    ch_batch out;
    CH_TRY(pair_batch(p, s->pair_idx, s->pair_row, n, &out, err));
    ch_status status = CH_OK;
    if (j->residual.n) {
        size_t bytes = (size_t)ch_bit_bytes(n);
        uint64_t *keep = ch_mem_alloc(op_of(j)->mem, bytes, err);
        status = keep ? check_pairs(p, &out, keep, err) : CH_E_MEMORY;
        if (status == CH_OK) {
            mark(p, s->pair_idx, s->pair_row, n, keep);
            if (j->pairs)
                status = ch_batch_filter(&out, keep, err);
        }
        ch_mem_free(op_of(j)->mem, keep, bytes);
    }
    if (status == CH_OK && j->pairs)
        status = ch_op_emit(op_of(j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}

static ch_status add_pairs(const probe *p, const int32_t *idx, int64_t n, ch_error *err)
{
    ch_join_slot *s = p->s;
    int64_t cap = p->j->exec->batch_rows;
    for (int64_t at = 0; at < n;) {
        int64_t k = n - at < cap - s->n_pairs ? n - at : cap - s->n_pairs;
        for (int64_t i = 0; i < k; i++) {
            s->pair_idx[s->n_pairs + i] = idx[at + i];
            s->pair_row[s->n_pairs + i] = s->row[idx[at + i]];
        }
        s->n_pairs += k;
        at += k;
        if (s->n_pairs == cap)
            CH_TRY(flush_pairs(p, err));
    }
    return CH_OK;
}

/* ---- rounds ------------------------------------------------------------------------------ */

/* row[i] = first of the chain for the k positions in idx whose tag is there; returns their number. */
static int64_t first_rows(const probe *p, int32_t *idx, int64_t k)
{
    ch_join_slot *s = p->s;
    uint64_t mask = (uint64_t)p->table->n_buckets - 1;
    int64_t m = 0;
    if (!p->table->bucket)
        return 0;
    if (p->table->n_buckets > 1 << 14)
        for (int64_t i = 0; i < k; i++)
            __builtin_prefetch((const void *)&p->table->bucket[s->hash[idx[i]] & mask]);
    for (int64_t i = 0; i < k; i++) {
        int32_t at = idx[i];
        uint64_t hash = s->hash[at];
        uint64_t b = atomic_load_explicit(&p->table->bucket[hash & mask], memory_order_relaxed);
        bool tagged = (b & ch_join_tag(hash)) != 0;
        s->row[at] = tagged ? (uint8_t *)(uintptr_t)(b & CH_JOIN_ADDRESS) : NULL;
        __builtin_prefetch(
            s->row[at]); /* with the link at its end, which may lie in the next line */
        __builtin_prefetch(s->row[at] + p->j->layout.fixed_bytes - 1);
        idx[m] = at;
        m += tagged;
    }
    return m;
}

/* Along each chain to the next row with the same hash; returns how many there are. */
static int64_t same_hash(const probe *p, int32_t *idx, int64_t k)
{
    ch_join_slot *s = p->s;
    const ch_join *j = p->j;
    int64_t m = 0;
    for (int64_t i = 0; i < k; i++) {
        int32_t at = idx[i];
        uint8_t *row = s->row[at];
        while (row && ch_row_hash(&j->layout, row) != s->hash[at])
            row = ch_join_link_of(j, row)->next;
        s->row[at] = row;
        idx[m] = at;
        m += row != NULL;
    }
    return m;
}

static int64_t step(const probe *p, const int32_t *from, int64_t k, bool only_unfound, int32_t *to)
{
    ch_join_slot *s = p->s;
    int64_t m = 0;
    for (int64_t i = 0; i < k; i++) {
        int32_t at = from[i];
        s->row[at] = ch_join_link_of(p->j, s->row[at])->next;
        to[m] = at;
        m += s->row[at] && !(only_unfound && ch_bit_get(s->bits, at));
    }
    return m;
}

/* All rounds for the batch. */
static ch_status all_rounds(const probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    bool once = !j->pairs && j->build_emit == CH_EMIT_NONE; /* one match tells all */
    int32_t *idx = s->idx, *next = s->found;
    int64_t k = ch_join_usable(j, s->key, p->batch->n, idx);
    k = first_rows(p, idx, k);
    while (k > 0) {
        int64_t n_no = 0, n_yes;
        k = same_hash(p, idx, k);
        n_yes = j->n_keys ? ch_rows_match(&j->layout, s->key, s->row, idx, k, s->no, &n_no) : k;
        if (!j->residual.n)
            for (int64_t i = 0; i < n_yes; i++) {
                ch_bit_set(s->bits, idx[i]);
                if (j->build_emit != CH_EMIT_NONE)
                    atomic_store_explicit(&ch_join_link_of(j, s->row[idx[i]])->matched, 1,
                                          memory_order_relaxed);
            }
        if (j->pairs || j->residual.n)
            CH_TRY(add_pairs(p, idx, n_yes, err));
        k = step(p, idx, n_yes, once, next);
        k += step(p, s->no, n_no, once, next + k);
        int32_t *swap = idx;
        idx = next;
        next = swap;
    }
    return flush_pairs(p, err);
}

/* ---- the end of a batch ------------------------------------------------------------------ */

/* Existence: the batch with a column of s->bits. */
static ch_status emit_marked(const probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_batch *in = p->batch, out;
    ch_mem *mem = op_of(j)->mem;
    int64_t n = in->n;
    CH_TRY(ch_batch_init(&out, mem, in->n_cols + 1, n, err));
    out.seq = in->seq;
    ch_status status = CH_OK;
    for (int32_t c = 0; c < in->n_cols && status == CH_OK; c++) {
        ch_column *dense;
        status = ch_batch_column(in, c, &dense, err);
        if (status == CH_OK)
            out.col[c] = ch_column_ref(dense);
    }
    ch_column **marks = &out.col[in->n_cols];
    if (status == CH_OK)
        status = ch_column_new(mem, CH_T_BOOLEAN, n, marks, err);
    if (status == CH_OK) {
        memcpy((*marks)->data, p->s->bits, (size_t)ch_bit_words(n) * 8);
        status = ch_op_emit(op_of(j), p->slot, &out, err);
    }
    ch_batch_release(&out);
    return status;
}

/* Semi and anti: the batch itself, filtered. */
static ch_status emit_probe_rows(const probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t n = p->batch->n, words = ch_bit_words(n);
    uint64_t flip = j->probe_emit == CH_EMIT_UNMATCHED ? ~UINT64_C(0) : 0;
    if (words && (n & 63))
        s->bits[words - 1] &= (UINT64_C(1) << (n & 63)) - 1;
    for (int64_t w = 0; w < words; w++)
        s->bits[w] ^= flip;
    if (flip && (n & 63))
        s->bits[words - 1] &= (UINT64_C(1) << (n & 63)) - 1;
    bool marks = j->probe_emit == CH_EMIT_MARKED;
    if (j->null_aware && j->n_build > 0)
        for (int64_t i = 0; i < n; i++) {
            bool known = j->n_null_keys == 0 && !ch_column_is_null(s->key[0], i);
            if (!marks)
                ch_bit_and(s->bits, i, known);
            else if (!known)
                ch_bit_set(s->bits, i);
        }
    if (marks)
        return emit_marked(p, err);
    ch_batch out;
    CH_TRY(ch_batch_copy(p->batch, &out, err));
    ch_status status = ch_batch_filter(&out, s->bits, err);
    if (status == CH_OK)
        status = ch_op_emit(op_of(j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}

/* Outer: probe rows without a match, with NULLs. */
static ch_status emit_unmatched(const probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t m = 0, n = p->batch->n;
    for (int64_t i = 0; i < n; i++) {
        s->idx[m] = (int32_t)i;
        m += !ch_bit_get(s->bits, i);
    }
    if (m == 0)
        return CH_OK;
    for (int64_t i = 0; i < m; i++)
        s->row[i] = j->layout.null_row;
    ch_batch out;
    CH_TRY(pair_batch(p, s->idx, s->row, m, &out, err));
    ch_status status = ch_op_emit(op_of(j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}

/* ---- one match at most ------------------------------------------------------------------- */

/* row[i] = the match of each of the k positions in idx, or null_row. */
static void find_unique(const probe *p, int32_t *idx, int64_t k)
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
    n = first_rows(p, cand, n);
    while (n > 0) {
        int64_t n_no = 0;
        n = same_hash(p, cand, n);
        ch_rows_match(&j->layout, s->key, s->row, cand, n, s->no, &n_no);
        n = step(p, s->no, n_no, false, cand);
    }
    for (int64_t i = 0; i < k; i++) {
        uint8_t *row = s->row[idx[i]];
        s->row[idx[i]] = row ? row : j->layout.null_row;
    }
}

static ch_status find_all_unique(const probe *p, ch_error *err)
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
static ch_status emit_unique(const probe *p, bool all_found, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    ch_batch *in = p->batch, out;
    ch_mem *mem = op_of(j)->mem;
    CH_TRY(ch_batch_init(&out, mem, j->both.n, in->n_full, err));
    ch_column **col = probe_part(j, &out);
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
    CH_TRY_OUT(dict_columns(j, index, present, in->n_full, build_part(j, &out), err));
    if (!all_found && !j->keep_probe)
        CH_TRY_OUT(ch_batch_filter(&out, s->bits, err));
    status = ch_op_emit(op_of(j), p->slot, &out, err);
out:
    ch_mem_free(mem, present, bytes);
    ch_batch_release(&out);
    return status;
}

static ch_status probe_unique(const probe *p, ch_error *err)
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
    return j->probe_emit != CH_EMIT_NONE ? emit_probe_rows(p, err) : CH_OK;
}

static ch_status probe_batch(const probe *p, ch_error *err)
{
    ch_join *j = p->j;
    CH_TRY(all_rounds(p, err));
    if (!p->finalize)
        return CH_OK;
    if (j->probe_emit != CH_EMIT_NONE)
        return emit_probe_rows(p, err);
    return j->keep_probe ? emit_unmatched(p, err) : CH_OK;
}

/* ---- push -------------------------------------------------------------------------------- */

static ch_status relieve_probe(ch_join *j, ch_join_slot *s, ch_error *err)
{
    int64_t bytes = 0, left = ch_mem_available(j->mem);
    if (!j->reserve || left >= j->reserve / 2)
        return CH_OK;
    for (int p = 0; p < CH_JOIN_PARTS; p++)
        bytes += s->probe[p].bytes;
    if (bytes < ch_spill_worth(left, j->exec->n_slots))
        return CH_OK;
    for (int p = 0; p < CH_JOIN_PARTS; p++)
        CH_TRY(ch_join_spill_set(j, j->probe_op, &s->probe[p], err));
    return CH_OK;
}

/* Rows of partitions on disk are kept for later; the others stay in *batch, with keys and hashes. */
static ch_status set_aside(ch_join *j, int slot, ch_batch *batch, ch_error *err)
{
    ch_join_slot *s = &j->slot[slot];
    int64_t n = batch->n, k = 0, m = 0;
    int keep = j->keep;
    ch_status status = CH_OK;
    CH_TRY(relieve_probe(j, s, err));
    for (int64_t i = 0; i < n; i++) {
        bool aside = ch_join_part(s->hash[i]) >= keep;
        s->idx[k] = s->found[m] = (int32_t)i;
        k += aside;
        m += !aside;
    }
    if (k == 0)
        return CH_OK;
    int32_t n_cols = j->probe_layout.n_cols;
    size_t bytes = sizeof(ch_column *) * (size_t)(n_cols + 1);
    ch_column **col = ch_mem_zalloc(j->mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    for (int32_t c = 0; c < n_cols && status == CH_OK; c++)
        if (c < j->n_keys)
            col[c] = s->key[c];
        else
            status = ch_batch_column(batch, c - j->n_keys, &col[c], err);
    if (status == CH_OK)
        status = ch_rows_sizes(&j->probe_layout, col, s->idx, k, s->bytes, err);
    for (int64_t i = 0; i < k && status == CH_OK; i++)
        status = ch_rowset_add(&s->probe[ch_join_part(s->hash[s->idx[i]])], s->bytes[i],
                               &s->list[i], err);
    if (status == CH_OK)
        ch_rows_scatter(&j->probe_layout, col, s->hash, s->idx, k, s->bytes, s->list);
    ch_mem_free(j->mem, col, bytes);
    CH_TRY(status);
    /* The rest: ascending, so hashes move down in place. */
    memset(s->bits, 0, (size_t)ch_bit_bytes(n));
    for (int64_t i = 0; i < m; i++) {
        s->hash[i] = s->hash[s->found[i]];
        ch_bit_set(s->bits, s->found[i]);
    }
    for (int32_t c = 0; c < j->n_keys; c++) {
        ch_column *rest;
        CH_TRY(ch_take(s->key[c], s->found, m, false, j->mem, &rest, err));
        ch_column_unref(s->key[c]);
        s->key[c] = rest;
    }
    return ch_batch_filter(batch, s->bits, err);
}

static ch_status join_push(ch_op *self, int slot, ch_batch *in, ch_error *err)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    ch_join_slot *s = &j->slot[slot];
    ch_batch batch;
    CH_TRY(ch_batch_copy(in, &batch, err));
    s->seq = batch.seq;
    probe p = {j, s, slot, &batch, &j->table, true, true};
    ch_status status;
    CH_TRY_OUT(ch_join_keys(j, slot, j->probe_ev, &batch, self->mem, err));
    bool unique = j->dict && j->unique && !j->residual.n;
    if (unique) {
        status = probe_unique(&p, err);
        goto out;
    }
    CH_TRY_OUT(ch_hash(s->key, j->n_keys, batch.n, s->hash, j->mem, err));
    if (j->keep < CH_JOIN_PARTS)
        CH_TRY_OUT(set_aside(j, slot, &batch, err));
    memset(s->bits, 0, (size_t)ch_bit_bytes(batch.n));
    if (batch.n)
        status = probe_batch(&p, err);
out:
    ch_join_drop_keys(j, slot);
    ch_batch_release(&batch);
    return status;
}

/* ---- build rows -------------------------------------------------------------------------- */

static ch_status emit_build_rows(ch_join *j, int slot, uint8_t **row, int64_t n, ch_error *err)
{
    ch_batch out;
    ch_mem *mem = op_of(j)->mem;
    ch_status status = CH_OK;
    if (n == 0)
        return CH_OK;
    CH_TRY(ch_batch_init(&out, mem, op_of(j)->output.n, n, err));
    out.seq = j->slot[slot].seq | (UINT64_MAX >> 16);
    ch_column **col = j->pairs ? build_part(j, &out) : out.col;
    for (int32_t c = 0; c < j->build_attrs->n; c++)
        CH_TRY_OUT(ch_rows_gather(&j->layout, j->build_col[c], row, n, mem, &col[c], err));
    for (int32_t c = 0; j->pairs && c < j->probe_attrs->n; c++)
        CH_TRY_OUT(
            ch_column_nulls(mem, j->probe_attrs->item[c]->type, n, &probe_part(j, &out)[c], err));
    status = ch_op_emit(op_of(j), slot, &out, err);
out:
    ch_batch_release(&out);
    return status;
}

static ch_status emit_build_page(ch_join *j, int slot, const ch_rowpage *page, ch_error *err)
{
    ch_join_slot *s = &j->slot[slot];
    int64_t cap = j->exec->batch_rows;
    int32_t pos = 0;
    int64_t k;
    bool wanted = j->build_emit == CH_EMIT_MATCHED;
    CH_TRY(ch_join_need_rows(j, slot, 1, err));
    while ((k = ch_rowpage_next(page, &pos, s->pair_row, cap)) > 0) {
        int64_t m = 0;
        for (int64_t i = 0; i < k; i++) {
            uint8_t *row = s->pair_row[i];
            s->pair_row[m] = row;
            m += (ch_join_link_of(j, row)->matched != 0) == wanted;
        }
        CH_TRY(emit_build_rows(j, slot, s->pair_row, m, err));
    }
    return CH_OK;
}

/* ---- partitions on disk ------------------------------------------------------------------ */

/* Probe rows of one page against a table; base counts the partition's rows before this page. */
static ch_status probe_page(const probe *all, const ch_rowpage *page, uint64_t *matched,
                            int64_t *base, ch_error *err)
{
    ch_join *j = all->j;
    ch_join_slot *s = all->s;
    ch_mem *mem = op_of(j)->mem;
    int64_t cap = j->exec->batch_rows < 2048 ? j->exec->batch_rows : 2048;
    int32_t pos = 0;
    CH_TRY(ch_join_need_rows(j, all->slot, cap, err));
    for (;;) {
        int64_t n = ch_rowpage_next(page, &pos, s->list, cap);
        if (n == 0)
            return CH_OK;
        ch_batch batch;
        ch_status status = ch_batch_init(&batch, mem, j->probe_attrs->n, n, err);
        if (status != CH_OK)
            return status;
        batch.seq = s->seq;
        for (int32_t c = 0; c < j->probe_layout.n_cols && status == CH_OK; c++)
            status = ch_rows_gather(&j->probe_layout, c, s->list, n, mem,
                                    c < j->n_keys ? &s->key[c] : &batch.col[c - j->n_keys], err);
        for (int64_t i = 0; i < n; i++)
            s->hash[i] = ch_row_hash(&j->probe_layout, s->list[i]);
        memset(s->bits, 0, (size_t)ch_bit_bytes(n));
        if (matched)
            for (int64_t i = 0; i < n; i++)
                if (ch_bit_get(matched, *base + i))
                    ch_bit_set(s->bits, i);
        probe p = *all;
        p.batch = &batch;
        if (status == CH_OK)
            status = probe_batch(&p, err);
        if (matched && !p.finalize)
            for (int64_t i = 0; i < n; i++)
                if (ch_bit_get(s->bits, i))
                    ch_bit_set(matched, *base + i);
        *base += n;
        ch_join_drop_keys(j, all->slot);
        ch_batch_release(&batch);
        CH_TRY(status);
    }
}

static ch_status probe_partition(const probe *all, int part, uint64_t *matched, ch_error *err)
{
    ch_join *j = all->j;
    int64_t base = 0;
    for (int s = 0; s < j->exec->n_slots; s++) {
        ch_rowset *set = &j->slot[s].probe[part];
        for (int32_t i = 0; i < set->n_pages; i++) {
            bool on_disk = i < set->n_spilled;
            CH_TRY(ch_rowset_load(set, j->spill, i, err));
            CH_TRY(probe_page(all, &set->page[i], matched, &base, err));
            if (on_disk)
                ch_rowset_unload(set, i);
        }
    }
    return CH_OK;
}

/* Pages of a partition of the build side, over all slots. */
typedef struct cursor {
    int slot;
    int32_t page;
} cursor;

static ch_rowset *set_at(ch_join *j, int part, cursor *at)
{
    for (; at->slot < j->exec->n_slots; at->slot++, at->page = 0) {
        ch_rowset *set = &j->slot[at->slot].build[part];
        if (at->page < set->n_pages)
            return set;
    }
    return NULL;
}

/* Loads pages from *at on while they and their table fit into `share`, one at least. */
static ch_status load_chunk(ch_join *j, int part, cursor *at, int64_t share, int64_t *rows,
                            ch_error *err)
{
    int64_t bytes = 0;
    *rows = 0;
    for (ch_rowset *set; (set = set_at(j, part, at)); at->page++) {
        const ch_rowpage *page = &set->page[at->page];
        int64_t more = page->used + page->n_rows * 24;
        if (bytes && bytes + more > share)
            return CH_OK;
        CH_TRY(ch_rowset_load(set, j->spill, at->page, err));
        bytes += more;
        *rows += page->n_rows;
    }
    return CH_OK;
}

static bool before(const cursor *a, const cursor *b)
{
    return a->slot < b->slot || (a->slot == b->slot && a->page < b->page);
}

static ch_status join_chunk(ch_join *j, int slot, int part, cursor from, const cursor *to,
                            int64_t rows, bool last, uint64_t *matched, ch_error *err)
{
    ch_join_table table = {0};
    ch_status status = ch_join_table_init(j, &table, rows, err);
    ch_rowset *set;
    if (status != CH_OK)
        return status;
    for (cursor at = from; (set = set_at(j, part, &at)) && before(&at, to); at.page++)
        ch_join_insert(j, &table, &set->page[at.page]);
    probe p = {j, &j->slot[slot], slot, NULL, &table, false, last};
    status = probe_partition(&p, part, matched, err);
    for (cursor at = from; (set = set_at(j, part, &at)) && before(&at, to); at.page++) {
        if (status == CH_OK && j->build_emit != CH_EMIT_NONE)
            status = emit_build_page(j, slot, &set->page[at.page], err);
        ch_rowset_unload(set, at.page);
    }
    ch_join_table_release(j, &table);
    return status;
}

static void count_partition(const ch_join *j, int part, int64_t *n_build, int64_t *n_probe,
                            int64_t *build_bytes)
{
    *n_build = *n_probe = *build_bytes = 0;
    for (int s = 0; s < j->exec->n_slots; s++) {
        *n_build += j->slot[s].build[part].n_rows;
        *n_probe += j->slot[s].probe[part].n_rows;
        *build_bytes += j->slot[s].build[part].row_bytes;
    }
}

static ch_status join_partition(ch_join *j, int slot, int part, ch_error *err)
{
    int64_t n_build, n_probe, bytes, rows;
    count_partition(j, part, &n_build, &n_probe, &bytes);
    bool wants_probe = ch_join_wants_all(j);
    if ((n_probe == 0 && j->build_emit != CH_EMIT_UNMATCHED) || (n_build == 0 && !wants_probe))
        return CH_OK;
    int64_t share = ch_mem_available(j->mem) / j->exec->n_slots / 2;
    size_t matched_bytes = (size_t)ch_bit_bytes(n_probe);
    uint64_t *matched = NULL;
    if (bytes + n_build * 24 > share && n_probe) {
        matched = ch_mem_zalloc(j->mem, matched_bytes, err);
        if (!matched)
            return CH_E_MEMORY;
    }
    cursor at = {0}, from;
    ch_status status = CH_OK;
    bool last = false;
    while (status == CH_OK && !last) {
        from = at;
        status = load_chunk(j, part, &at, share, &rows, err);
        cursor peek = at;
        last = !set_at(j, part, &peek);
        if (status == CH_OK)
            status = join_chunk(j, slot, part, from, &at, rows, last, matched, err);
    }
    ch_mem_free(j->mem, matched, matched_bytes);
    for (int s = 0; s < j->exec->n_slots && status == CH_OK; s++) {
        ch_rowset_release(&j->slot[s].build[part], j->spill);
        ch_rowset_release(&j->slot[s].probe[part], j->spill);
    }
    return status;
}

/* ---- flush ------------------------------------------------------------------------------- */

static ch_status flush_task(ch_join *j, int slot, int64_t task, int64_t n_memory, ch_error *err)
{
    if (task >= n_memory)
        return join_partition(j, slot, j->keep + (int)(task - n_memory), err);
    const ch_rowset *set = &j->slot[task / j->keep].build[task % j->keep];
    ch_status status = CH_OK;
    for (int32_t i = 0; i < set->n_pages && status == CH_OK; i++)
        status = emit_build_page(j, slot, &set->page[i], err);
    if (status == CH_OK && atomic_fetch_add(&j->tasks_done, 1) + 1 == n_memory)
        ch_join_free_memory(j);
    return status;
}

static ch_status join_flush(ch_op *self, int slot, ch_error *err)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    int keep = j->keep;
    int64_t n_memory = j->build_emit != CH_EMIT_NONE ? (int64_t)j->exec->n_slots * keep : 0;
    int64_t n = n_memory + CH_JOIN_PARTS - keep;
    if (!j->slot) /* nothing was built or pushed */
        return CH_OK;
    if (n_memory == 0)
        ch_join_free_memory(j);
    for (int64_t task; (task = atomic_fetch_add(&j->next_task, 1)) < n;) {
        if (j->exec->cancel && atomic_load_explicit(j->exec->cancel, memory_order_relaxed))
            CH_FAIL(err, CANCELLED);
        CH_TRY(flush_task(j, slot, task, n_memory, err));
    }
    return CH_OK;
}

static ch_status print_list(const ch_expr_list *list, ch_buf *out, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        CH_TRY(ch_buf_adds(out, i ? ", " : "", err));
        CH_TRY(ch_expr_print(list->item[i], out, err));
    }
    return CH_OK;
}

static ch_status join_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    static const char *const NAME[] = {
        [CH_JOIN_INNER] = "Inner",          [CH_JOIN_FULL_OUTER] = "FullOuter",
        [CH_JOIN_LEFT_OUTER] = "LeftOuter", [CH_JOIN_RIGHT_OUTER] = "RightOuter",
        [CH_JOIN_LEFT_ANTI] = "LeftAnti",   [CH_JOIN_LEFT_SEMI] = "LeftSemi",
        [CH_JOIN_CROSS] = "Cross",          [CH_JOIN_EXISTENCE] = "ExistenceJoin"};
    const ch_join *j = *(ch_join *const *)(const void *)(self + 1);
    CH_TRY(ch_buf_adds(out, "[", err));
    CH_TRY(print_list(j->build_left ? &j->build_key : &j->probe_key, out, err));
    CH_TRY(ch_buf_adds(out, "], [", err));
    CH_TRY(print_list(j->build_left ? &j->probe_key : &j->build_key, out, err));
    CH_TRY(
        ch_buf_printf(out, err, "], %s, Build%s", NAME[j->type], j->build_left ? "Left" : "Right"));
    if (j->residual.n) {
        CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(print_list(&j->residual, out, err));
    }
    return CH_OK;
}

const ch_op_class ch_op_class_hash_join = {
    .name = "HashJoin", .push = join_push, .flush = join_flush, .explain = join_explain};
