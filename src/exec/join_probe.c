/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_probe.c - HashJoin: looks the probe side's rows up, and gives the result.
 *
 * A batch goes through the table in rounds: each round looks at one build row per probe row that is still
 * being followed, and moves on along the chains. Matches are pairs, given out a batch at a time.
 */
#include "exec/join_probe.h"
#include "column/take.h"
#include "kernel/hash.h"
#include "plan/node.h"

/* ---- the build side's columns ------------------------------------------------------------ */

/* Valid bits of a DICT column over d: off where the dictionary is NULL or there is no row. */
static ch_status dict_bits(ch_join *j, const ch_column *d, const int32_t *index,
                           const uint64_t *present, int64_t n, ch_buffer **out, ch_error *err)
{
    *out = NULL;
    if (!present && !d->valid && d->type->id != CH_NULL)
        return CH_OK;
    CH_TRY(ch_buffer_new(ch_join_op(j)->mem, ch_bit_bytes(n), out, err));
    uint64_t *bits = (uint64_t *)(void *)(*out)->data;
    memset(bits, 0, (size_t)ch_bit_bytes(n));
    for (int64_t i = 0; i < n; i++) {
        bool on = (!present || ch_bit_get(present, i)) && !ch_column_is_null(d, index[i]);
        bits[i >> 6] |= (uint64_t)on << (i & 63);
    }
    return CH_OK;
}

/* Every build column as a DICT column by index; present NULL: all rows are there. Takes index. */
ch_status ch_join_dict_columns(ch_join *j, ch_buffer *index, const uint64_t *present, int64_t n,
                               ch_column **out, ch_error *err)
{
    ch_status status = CH_OK;
    for (int32_t c = 0; c < j->build_attrs->n && status == CH_OK; c++) {
        ch_buffer *bits;
        status =
            dict_bits(j, j->dict[c], (const int32_t *)(void *)index->data, present, n, &bits, err);
        if (status == CH_OK)
            status = ch_column_dict(ch_join_op(j)->mem, ch_buffer_ref(index), bits, j->dict[c], n,
                                    &out[c], err);
    }
    ch_buffer_unref(index);
    return status;
}

/* Build columns of n rows, row[i] may be null_row. */
static ch_status build_columns(const ch_join_probe *p, uint8_t *const *row, int64_t n,
                               ch_column **out, ch_error *err)
{
    ch_join *j = p->j;
    ch_mem *mem = ch_join_op(j)->mem;
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
        return ch_join_dict_columns(j, index, NULL, n, out, err);
    uint64_t *present = ch_mem_zalloc(mem, (size_t)ch_bit_bytes(n), err);
    if (!present) {
        ch_buffer_unref(index);
        return CH_E_MEMORY;
    }
    for (int64_t i = 0; i < n; i++)
        present[i >> 6] |= (uint64_t)(row[i] != j->layout.null_row) << (i & 63);
    ch_status status = ch_join_dict_columns(j, index, present, n, out, err);
    ch_mem_free(mem, present, (size_t)ch_bit_bytes(n));
    return status;
}
/* ---- pairs ------------------------------------------------------------------------------- */

ch_status ch_join_pair_batch(const ch_join_probe *p, const int32_t *idx, uint8_t *const *row,
                             int64_t n, ch_batch *out, ch_error *err)
{
    ch_join *j = p->j;
    ch_mem *mem = ch_join_op(j)->mem;
    CH_TRY(ch_batch_init(out, mem, j->both.n, n, err));
    out->seq = p->batch->seq;
    ch_column **col = ch_join_probe_part(j, out);
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
        status = build_columns(p, row, n, ch_join_build_part(j, out), err);
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

/* Pairs of keep lose those for which residual condition r does not hold; the others are not looked at. */
static ch_status check_condition(const ch_join_probe *p, int32_t r, const ch_batch *pairs,
                                 uint64_t *keep, ch_error *err)
{
    ch_join *j = p->j;
    ch_batch rest;
    ch_column *value = NULL;
    CH_TRY(ch_batch_copy(pairs, &rest, err));
    ch_status status;
    CH_TRY_OUT(ch_batch_filter(&rest, keep, err));
    if (rest.n == 0)
        goto out;
    CH_TRY_OUT(ch_evaluate(j->residual_ev, p->slot, r, &rest, ch_join_op(j)->mem, &value, err));
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
ch_status ch_join_check_pairs(const ch_join_probe *p, const ch_batch *pairs, uint64_t *keep,
                              ch_error *err)
{
    ch_bits_fill(keep, pairs->n, true);
    for (int32_t r = 0; r < p->j->residual.n; r++)
        CH_TRY(check_condition(p, r, pairs, keep, err));
    return CH_OK;
}

/* What matched is marked on both sides. */
static void mark(const ch_join_probe *p, const int32_t *idx, uint8_t *const *row, int64_t n,
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

static ch_status flush_pairs(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t n = s->n_pairs;
    s->n_pairs = 0;
    if (n == 0)
        return CH_OK;
    ch_batch out;
    CH_TRY(ch_join_pair_batch(p, s->pair_idx, s->pair_row, n, &out, err));
    ch_status status = CH_OK;
    if (j->residual.n) {
        size_t bytes = (size_t)ch_bit_bytes(n);
        uint64_t *keep = ch_mem_alloc(ch_join_op(j)->mem, bytes, err);
        status = keep ? ch_join_check_pairs(p, &out, keep, err) : CH_E_MEMORY;
        if (status == CH_OK) {
            mark(p, s->pair_idx, s->pair_row, n, keep);
            if (j->pairs)
                status = ch_batch_filter(&out, keep, err);
        }
        ch_mem_free(ch_join_op(j)->mem, keep, bytes);
    }
    if (status == CH_OK && j->pairs)
        status = ch_op_emit(ch_join_op(j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}

static ch_status add_pairs(const ch_join_probe *p, const int32_t *idx, int64_t n, ch_error *err)
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
int64_t ch_join_first_rows(const ch_join_probe *p, int32_t *idx, int64_t k)
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
int64_t ch_join_same_hash(const ch_join_probe *p, int32_t *idx, int64_t k)
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

int64_t ch_join_step(const ch_join_probe *p, const int32_t *from, int64_t k, bool only_unfound,
                     int32_t *to)
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
static ch_status all_rounds(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    bool once = !j->pairs && j->build_emit == CH_EMIT_NONE; /* one match tells all */
    int32_t *idx = s->idx, *next = s->found;
    int64_t k = ch_join_usable(j, s->key, p->batch->n, idx);
    k = ch_join_first_rows(p, idx, k);
    while (k > 0) {
        int64_t n_no = 0, n_yes;
        CH_TRY(ch_exec_heed(j->exec, err)); /* a semi join may go on long and give nothing */
        k = ch_join_same_hash(p, idx, k);
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
        k = ch_join_step(p, idx, n_yes, once, next);
        k += ch_join_step(p, s->no, n_no, once, next + k);
        int32_t *swap = idx;
        idx = next;
        next = swap;
    }
    return flush_pairs(p, err);
}

ch_status ch_join_few_rounds(const ch_join_probe *p, int64_t k, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int32_t *idx = s->idx, *next = s->found;
    k = ch_join_first_rows(p, idx, k);
    while (k > 0) {
        int64_t n_no = 0, n_yes;
        k = ch_join_same_hash(p, idx, k);
        n_yes = ch_rows_match(&j->layout, s->key, s->row, idx, k, s->no, &n_no);
        CH_TRY(ch_join_few_pairs(p, idx, n_yes, err));
        k = ch_join_step(p, idx, n_yes, false, next);
        k += ch_join_step(p, s->no, n_no, false, next + k);
        int32_t *swap = idx;
        idx = next;
        next = swap;
    }
    return CH_OK;
}

/* ---- the end of a batch ------------------------------------------------------------------ */

/* Existence: the batch with a column of s->bits. */
static ch_status emit_marked(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_batch *in = p->batch, out;
    ch_mem *mem = ch_join_op(j)->mem;
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
        status = ch_op_emit(ch_join_op(j), p->slot, &out, err);
    }
    ch_batch_release(&out);
    return status;
}

/* Semi and anti: the batch itself, filtered. */
ch_status ch_join_emit_probe_rows(const ch_join_probe *p, ch_error *err)
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
        status = ch_op_emit(ch_join_op(j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}

/* Outer: probe rows without a match, with NULLs. */
static ch_status emit_unmatched(const ch_join_probe *p, ch_error *err)
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
    CH_TRY(ch_join_pair_batch(p, s->idx, s->row, m, &out, err));
    ch_status status = ch_op_emit(ch_join_op(j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}
ch_status ch_join_probe_batch(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    if (ch_join_few_fits(p))
        return ch_join_few_probe(p, err);
    CH_TRY(all_rounds(p, err));
    if (!p->finalize)
        return CH_OK;
    if (j->probe_emit != CH_EMIT_NONE)
        return ch_join_emit_probe_rows(p, err);
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
    ch_join_probe p = {j, s, slot, &batch, &j->table, true, true};
    ch_status status;
    CH_TRY_OUT(ch_join_keys(j, slot, j->probe_ev, &batch, self->mem, err));
    bool unique = j->dict && j->unique && !j->residual.n;
    if (unique) {
        status = ch_join_probe_unique(&p, err);
        goto out;
    }
    CH_TRY_OUT(ch_hash(s->key, j->n_keys, batch.n, s->hash, j->mem, err));
    if (j->keep < CH_JOIN_PARTS)
        CH_TRY_OUT(set_aside(j, slot, &batch, err));
    memset(s->bits, 0, (size_t)ch_bit_bytes(batch.n));
    if (batch.n)
        status = ch_join_probe_batch(&p, err);
out:
    ch_join_drop_keys(j, slot);
    ch_batch_release(&batch);
    return status;
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
    .name = "HashJoin", .push = join_push, .flush = ch_join_flush, .explain = join_explain};
