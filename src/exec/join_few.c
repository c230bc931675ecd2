/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_few.c - few rows are joined in the order in which Spark's broadcast joins give them.
 *
 *   build   rows get places (batch.seq, arrival at the slot); the table is made in their order
 *   probe   the probe side's order is kept, an outer join's rows without a match stand where they stood; the matches
 *           of one row come last first, as Spark chains the rows of one key; without keys (nested loop) first first
 *
 * The build side has few rows when it has CH_JOIN_FEW at most, and each slot probes as many in this way: those of
 * any small query, and a negligible part of a large one.
 */
#include <stdlib.h>
#include <string.h>

#include "exec/join_probe.h"

/* Pairs made at once, about. */
#define SOME_PAIRS 32768
/* Pairs that a slot makes in order; one key's rows may have more of them than is worth it. */
#define MOST_PAIRS (1 << 20)
/* Bytes that a pair and its place take on the way, about: where there is no room, order is not worth it. */
#define PAIR_BYTES 64
#define LEAST_BYTES (1 << 20) /* with less memory left places are not noted */

/* ---- build ------------------------------------------------------------------------------- */

static void free_places(ch_join *j, ch_join_slot *s)
{
    ch_mem_free(j->mem, s->place, sizeof *s->place * (size_t)s->cap_places);
    s->place = NULL;
    s->n_places = s->cap_places = 0;
}

void ch_join_few_free(ch_join *j)
{
    for (int i = 0; j->slot && i < j->exec->n_slots; i++) {
        ch_join_slot *s = &j->slot[i];
        free_places(j, s);
        ch_mem_free(j->mem, s->few_idx, sizeof *s->few_idx * (size_t)s->cap_few);
        ch_mem_free(j->mem, s->few_row, sizeof *s->few_row * (size_t)s->cap_few);
        s->few_idx = NULL;
        s->few_row = NULL;
        s->cap_few = s->n_few = 0;
    }
    ch_mem_free(j->mem, j->few, sizeof *j->few * (size_t)j->n_few);
    j->few = NULL;
    j->n_few = 0;
}

ch_status ch_join_few_add(ch_join *j, ch_join_slot *s, const ch_batch *batch, int64_t k,
                          ch_error *err)
{
    int64_t first = s->n_built;
    s->n_built += ch_mem_available(j->mem) < LEAST_BYTES ? CH_JOIN_FEW + 1 : batch->n;
    if (s->n_built > CH_JOIN_FEW) {
        free_places(j, s);
        return CH_OK;
    }
    if (s->n_places + k > s->cap_places) {
        int64_t cap = 2 * (s->n_places + k);
        ch_join_place *more = ch_mem_alloc(j->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (s->n_places)
            memcpy(more, s->place, sizeof *more * (size_t)s->n_places);
        ch_mem_free(j->mem, s->place, sizeof *s->place * (size_t)s->cap_places);
        s->place = more;
        s->cap_places = cap;
    }
    for (int64_t i = 0; i < k; i++)
        s->place[s->n_places++] = (ch_join_place){s->list[i], batch->seq, first + s->idx[i]};
    return CH_OK;
}

static int by_place(const void *x, const void *y)
{
    const ch_join_place *a = x, *b = y;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

ch_status ch_join_few_settle(ch_join *j, int64_t n, ch_error *err)
{
    int64_t built = 0, places = 0;
    for (int i = 0; i < j->exec->n_slots; i++) {
        built += j->slot[i].n_built;
        places += j->slot[i].n_places;
    }
    if (n == 0 || built > CH_JOIN_FEW || places != n || j->keep < CH_JOIN_PARTS || j->spill ||
        ch_mem_available(j->mem) < PAIR_BYTES * 2 * n * j->exec->n_slots) {
        ch_join_few_free(j);
        return CH_OK;
    }
    size_t bytes = sizeof(ch_join_place) * (size_t)n;
    ch_join_place *all = ch_mem_alloc(j->mem, bytes, err);
    if (!all)
        return CH_E_MEMORY;
    j->few = ch_mem_alloc(j->mem, sizeof *j->few * (size_t)n, err);
    if (!j->few) {
        ch_mem_free(j->mem, all, bytes);
        return CH_E_MEMORY;
    }
    j->n_few = n;
    int64_t at = 0;
    for (int i = 0; i < j->exec->n_slots; i++) {
        ch_join_slot *s = &j->slot[i];
        if (s->n_places)
            memcpy(all + at, s->place, sizeof *all * (size_t)s->n_places);
        at += s->n_places;
        free_places(j, s);
    }
    qsort(all, (size_t)n, sizeof *all, by_place);
    /* Full outer joins are merge joins in Spark: the matches of a row come first first (few_sort.h). */
    for (int64_t i = 0; i < n; i++)
        j->few[i] = all[j->type == CH_JOIN_FULL_OUTER ? n - 1 - i : i].row;
    ch_mem_free(j->mem, all, bytes);
    return CH_OK;
}

/* ---- probe ------------------------------------------------------------------------------- */

/* Room for k more pairs. */
static ch_status need_pairs(ch_join *j, ch_join_slot *s, int64_t k, ch_error *err)
{
    if (s->n_few + k <= s->cap_few)
        return CH_OK;
    int64_t cap = s->n_few + k > SOME_PAIRS ? 2 * (s->n_few + k) : s->n_few + k + 256;
    int32_t *idx = ch_mem_alloc(j->mem, sizeof *idx * (size_t)cap, err);
    uint8_t **row = idx ? ch_mem_alloc(j->mem, sizeof *row * (size_t)cap, err) : NULL;
    if (!row) {
        ch_mem_free(j->mem, idx, sizeof *idx * (size_t)cap);
        return CH_E_MEMORY;
    }
    if (s->n_few) {
        memcpy(idx, s->few_idx, sizeof *idx * (size_t)s->n_few);
        memcpy(row, s->few_row, sizeof *row * (size_t)s->n_few);
    }
    ch_mem_free(j->mem, s->few_idx, sizeof *s->few_idx * (size_t)s->cap_few);
    ch_mem_free(j->mem, s->few_row, sizeof *s->few_row * (size_t)s->cap_few);
    s->few_idx = idx;
    s->few_row = row;
    s->cap_few = cap;
    return CH_OK;
}

ch_status ch_join_few_pairs(const ch_join_probe *p, const int32_t *idx, int64_t k, ch_error *err)
{
    ch_join_slot *s = p->s;
    CH_TRY(need_pairs(p->j, s, k, err));
    for (int64_t i = 0; i < k; i++) {
        s->few_idx[s->n_few] = idx[i];
        s->few_row[s->n_few++] = s->row[idx[i]];
    }
    return CH_OK;
}

/* Every build row for each of the k probe rows. */
static ch_status all_pairs(const ch_join_probe *p, const int32_t *idx, int64_t k, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    CH_TRY(need_pairs(j, s, k * j->n_few, err));
    for (int64_t i = 0; i < k; i++)
        for (int64_t b = 0; b < j->n_few; b++) {
            s->few_idx[s->n_few] = idx[i];
            s->few_row[s->n_few++] = j->few[b];
        }
    return CH_OK;
}

/* The pairs by probe row, all of [from, to); those of one row as they came. */
static ch_status sort_pairs(ch_join *j, ch_join_slot *s, int64_t from, int64_t to, ch_error *err)
{
    bool sorted = true;
    for (int64_t i = 1; i < s->n_few && sorted; i++)
        sorted = s->few_idx[i - 1] <= s->few_idx[i];
    if (sorted)
        return CH_OK;
    size_t n = (size_t)s->n_few, count_bytes = sizeof(int64_t) * (size_t)(to - from + 1);
    int64_t *at = ch_mem_zalloc(j->mem, count_bytes, err);
    uint8_t **row = at ? ch_mem_alloc(j->mem, sizeof *row * n, err) : NULL;
    if (row) {
        memcpy(row, s->few_row, sizeof *row * n);
        for (size_t i = 0; i < n; i++)
            at[s->few_idx[i] - from + 1]++;
        for (int64_t i = 0; i < to - from; i++)
            at[i + 1] += at[i];
        for (size_t i = 0; i < n; i++)
            s->few_row[at[s->few_idx[i] - from]++] = row[i];
        int64_t begin = 0; /* at[i] is now where row i's pairs end */
        for (int64_t i = 0; i < to - from; i++)
            for (; begin < at[i]; begin++)
                s->few_idx[begin] = (int32_t)(from + i);
    }
    ch_status status = row ? CH_OK : CH_E_MEMORY;
    ch_mem_free(j->mem, row, sizeof *row * n);
    ch_mem_free(j->mem, at, count_bytes);
    return status;
}

/* Only pairs for which the residual conditions hold are left. */
static ch_status keep_pairs(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t kept = 0, cap = j->exec->batch_rows;
    size_t bytes = (size_t)ch_bit_bytes(cap);
    uint64_t *keep = ch_mem_alloc(ch_join_op(j)->mem, bytes, err);
    ch_status status = keep ? CH_OK : CH_E_MEMORY;
    for (int64_t at = 0; at < s->n_few && status == CH_OK; at += cap) {
        int64_t n = s->n_few - at < cap ? s->n_few - at : cap;
        ch_batch out;
        status = ch_exec_heed(j->exec, err);
        if (status == CH_OK)
            status = ch_join_pair_batch(p, s->few_idx + at, s->few_row + at, n, &out, err);
        if (status != CH_OK)
            break;
        status = ch_join_check_pairs(p, &out, keep, err);
        ch_batch_release(&out);
        for (int64_t i = 0; i < n && status == CH_OK; i++) {
            s->few_idx[kept] = s->few_idx[at + i];
            s->few_row[kept] = s->few_row[at + i];
            kept += ch_bit_get(keep, i);
        }
    }
    ch_mem_free(ch_join_op(j)->mem, keep, bytes);
    s->n_few = kept;
    return status;
}

static ch_status emit_pairs(const ch_join_probe *p, const int32_t *idx, uint8_t *const *row,
                            int64_t n, ch_error *err)
{
    ch_batch out;
    if (n == 0)
        return CH_OK;
    CH_TRY(ch_join_pair_batch(p, idx, row, n, &out, err));
    ch_status status = ch_op_emit(ch_join_op(p->j), p->slot, &out, err);
    ch_batch_release(&out);
    return status;
}

/* The pairs of probe rows [from, to), with those without one where they are wanted. */
static ch_status give_pairs(const ch_join_probe *p, int64_t from, int64_t to, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t cap = j->exec->batch_rows, n = 0, at = 0;
    bool mark_build = j->build_emit != CH_EMIT_NONE;
    for (int64_t i = from; i < to; i++) {
        bool lone = j->keep_probe && !(at < s->n_few && s->few_idx[at] == i);
        for (; lone || (at < s->n_few && s->few_idx[at] == i); lone = false) {
            s->pair_idx[n] = (int32_t)i;
            s->pair_row[n] = lone ? j->layout.null_row : s->few_row[at];
            if (mark_build && !lone)
                atomic_store_explicit(&ch_join_link_of(j, s->few_row[at])->matched, 1,
                                      memory_order_relaxed);
            at += !lone;
            if (++n == cap) {
                CH_TRY(emit_pairs(p, s->pair_idx, s->pair_row, n, err));
                n = 0;
            }
        }
    }
    return emit_pairs(p, s->pair_idx, s->pair_row, n, err);
}

bool ch_join_few_fits(const ch_join_probe *p)
{
    return p->small && p->j->few && p->j->pairs && p->s->n_probed + p->batch->n <= CH_JOIN_FEW &&
           p->s->n_paired <= MOST_PAIRS;
}

ch_status ch_join_few_probe(const ch_join_probe *p, ch_error *err)
{
    ch_join *j = p->j;
    ch_join_slot *s = p->s;
    int64_t some = ch_mem_available(j->mem) / j->exec->n_slots / (4 * PAIR_BYTES);
    int64_t n = p->batch->n, step = (some < SOME_PAIRS ? some : SOME_PAIRS) / j->n_few;
    step = step < 1 ? 1 : step;
    s->n_probed += n;
    for (int64_t from = 0, to; from < n; from = to) {
        CH_TRY(ch_exec_heed(j->exec, err));
        to = n - from < step ? n : from + step;
        /* All of the batch's usable rows are found anew: rounds use the same lists. */
        int64_t k = ch_join_usable(j, s->key, n, s->idx), first = 0, m = 0;
        while (first < k && s->idx[first] < from)
            first++;
        while (first + m < k && s->idx[first + m] < to)
            m++;
        memmove(s->idx, s->idx + first, sizeof *s->idx * (size_t)m);
        s->n_few = 0;
        if (j->n_keys)
            CH_TRY(ch_join_few_rounds(p, m, err));
        else
            CH_TRY(all_pairs(p, s->idx, m, err));
        s->n_paired += s->n_few;
        CH_TRY(sort_pairs(j, s, from, to, err));
        if (j->residual.n)
            CH_TRY(keep_pairs(p, err));
        CH_TRY(give_pairs(p, from, to, err));
    }
    return CH_OK;
}
