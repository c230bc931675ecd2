/* SPDX-License-Identifier: Apache-2.0 */
/* join_build.c - HashBuild: the build side of a join, its table, its way to disk. */
#include "exec/join.h"
#include "kernel/hash.h"

/* Up to as many build rows, of as many bytes, are also kept as columns, which DICT columns point into. */
#define SMALL_ROWS 65536
#define SMALL_BYTES (8 << 20)

/* ---- open and close ---------------------------------------------------------------------- */

static ch_status build_open(ch_op *self, ch_error *err)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    ch_exec *exec = j->exec;
    int64_t limit = ch_mem_limit(j->mem);
    j->reserve = limit == INT64_MAX ? 0 : limit / 2;
    j->page_bytes = ch_rowset_page_bytes(limit, CH_JOIN_PARTS * (int64_t)exec->n_slots);
    j->keep = CH_JOIN_PARTS;
    CH_ARENA_ARRAY(j->slot, exec->arena, exec->n_slots, err);
    for (int s = 0; s < exec->n_slots; s++) {
        ch_join_slot *slot = &j->slot[s];
        for (int p = 0; p < CH_JOIN_PARTS; p++) {
            ch_rowset_init(&slot->build[p], j->mem, j->page_bytes);
            ch_rowset_init(&slot->probe[p], j->mem, j->page_bytes);
        }
        CH_ARENA_ARRAY(slot->key, exec->arena, j->n_keys + 1, err);
        CH_ARENA_ARRAY(slot->range, exec->arena, j->n_keys + 1, err);
        for (int32_t k = 0; k < j->n_keys; k++)
            slot->range[k] = CH_VALUE_RANGE_EMPTY;
    }
    return CH_OK;
}

static void free_rows(ch_join *j, ch_join_slot *s)
{
    size_t n = (size_t)s->cap_rows, batch = (size_t)j->exec->batch_rows;
    ch_mem_free(j->mem, s->hash, sizeof *s->hash * n);
    ch_mem_free(j->mem, s->bytes, sizeof *s->bytes * n);
    ch_mem_free(j->mem, s->row, sizeof *s->row * n);
    ch_mem_free(j->mem, s->list, sizeof *s->list * n);
    ch_mem_free(j->mem, s->idx, sizeof *s->idx * n);
    ch_mem_free(j->mem, s->no, sizeof *s->no * n);
    ch_mem_free(j->mem, s->found, sizeof *s->found * n);
    ch_mem_free(j->mem, s->bits, (size_t)ch_bit_bytes(s->cap_rows));
    ch_mem_free(j->mem, s->pair_idx, sizeof *s->pair_idx * batch);
    ch_mem_free(j->mem, s->pair_row, sizeof *s->pair_row * batch);
    s->hash = s->bits = NULL;
    s->bytes = NULL;
    s->row = s->list = s->pair_row = NULL;
    s->idx = s->no = s->found = s->pair_idx = NULL;
    s->cap_rows = 0;
}

ch_status ch_join_need_rows(ch_join *j, int slot, int64_t n, ch_error *err)
{
    ch_join_slot *s = &j->slot[slot];
    if (n <= s->cap_rows)
        return CH_OK;
    free_rows(j, s);
    size_t k = (size_t)n, batch = (size_t)j->exec->batch_rows;
    s->cap_rows = n;
    s->hash = ch_mem_alloc(j->mem, sizeof *s->hash * k, err);
    s->bytes = ch_mem_alloc(j->mem, sizeof *s->bytes * k, err);
    s->row = ch_mem_alloc(j->mem, sizeof *s->row * k, err);
    s->list = ch_mem_alloc(j->mem, sizeof *s->list * k, err);
    s->idx = ch_mem_alloc(j->mem, sizeof *s->idx * k, err);
    s->no = ch_mem_alloc(j->mem, sizeof *s->no * k, err);
    s->found = ch_mem_alloc(j->mem, sizeof *s->found * k, err);
    s->bits = ch_mem_alloc(j->mem, (size_t)ch_bit_bytes(n), err);
    s->pair_idx = ch_mem_alloc(j->mem, sizeof *s->pair_idx * batch, err);
    s->pair_row = ch_mem_alloc(j->mem, sizeof *s->pair_row * batch, err);
    if (s->hash && s->bytes && s->row && s->list && s->idx && s->no && s->found && s->bits &&
        s->pair_idx && s->pair_row)
        return CH_OK;
    free_rows(j, s);
    return CH_E_MEMORY;
}

static void build_close(ch_op *self)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    ch_evaluator_close(j->build_ev);
    ch_evaluator_close(j->probe_ev);
    ch_evaluator_close(j->residual_ev);
    for (int s = 0; j->slot && s < j->exec->n_slots; s++) {
        ch_join_slot *slot = &j->slot[s];
        free_rows(j, slot);
        ch_codes_free(slot->codes);
        if (!slot->key) /* open had not come so far */
            continue;
        ch_join_drop_keys(j, s);
        for (int p = 0; p < CH_JOIN_PARTS; p++) {
            ch_rowset_release(&slot->build[p], NULL);
            ch_rowset_release(&slot->probe[p], NULL);
        }
    }
    ch_join_few_free(j);
    for (int32_t c = 0; j->dict && c < j->build_attrs->n; c++)
        ch_column_unref(j->dict[c]);
    for (int32_t k = 0; j->filter && k < j->n_keys; k++)
        ch_runtime_filter_release(&j->filter[k]);
    ch_join_table_release(j, &j->table);
    ch_spill_close(j->spill);
    j->spill = NULL;
    pthread_mutex_destroy(&j->lock);
}

/* ---- spilling ---------------------------------------------------------------------------- */

ch_status ch_join_spill_set(ch_join *j, ch_op *op, ch_rowset *set, ch_error *err)
{
    ch_status status = CH_OK;
    if (set->n_spilled == set->n_pages)
        return CH_OK;
    pthread_mutex_lock(&j->lock);
    if (!j->spill) {
        ch_spill *spill = NULL;
        status = ch_spill_open(j->exec->spill_dir, j->mem, &spill, err);
        j->spill = spill;
    }
    pthread_mutex_unlock(&j->lock);
    CH_TRY(status);
    int64_t bytes = 0;
    CH_TRY(ch_rowset_spill(set, j->spill, &bytes, err));
    atomic_fetch_add_explicit(&j->exec->spill_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&op->spilled_bytes, bytes, memory_order_relaxed);
    return CH_OK;
}

static int64_t bytes_from(const ch_join_slot *s, int keep)
{
    int64_t bytes = 0;
    for (int p = keep; p < CH_JOIN_PARTS; p++)
        bytes += s->build[p].bytes;
    return bytes;
}

static void lower_keep(ch_join *j)
{
    int keep = j->keep;
    int to = keep > CH_JOIN_PARTS / 8 ? keep - CH_JOIN_PARTS / 8 : 0;
    while (to < keep && !atomic_compare_exchange_weak(&j->keep, &keep, to)) {
    }
}

static ch_status spill_from(ch_join *j, ch_join_slot *s, int keep, ch_error *err)
{
    for (int p = keep; p < CH_JOIN_PARTS; p++)
        CH_TRY(ch_join_spill_set(j, j->build_op, &s->build[p], err));
    return CH_OK;
}

static ch_status relieve(ch_join *j, ch_join_slot *s, ch_error *err)
{
    for (int64_t left; j->reserve && (left = ch_mem_available(j->mem)) < j->reserve;) {
        int keep = j->keep;
        int64_t least = ch_spill_worth(left, j->exec->n_slots);
        if (bytes_from(s, keep) >= least)
            CH_TRY(spill_from(j, s, keep, err));
        else if (keep > 0 && bytes_from(s, 0) >= least)
            lower_keep(j);
        else
            break;
    }
    return CH_OK;
}

/* ---- push -------------------------------------------------------------------------------- */

ch_status ch_join_keys(ch_join *j, int slot, ch_evaluator *ev, ch_batch *batch, ch_mem *mem,
                       ch_error *err)
{
    ch_join_slot *s = &j->slot[slot];
    CH_TRY(ch_join_need_rows(j, slot, batch->n, err));
    for (int32_t i = 0; i < j->n_keys; i++) {
        ch_column *value;
        CH_TRY(ch_evaluate(ev, slot, i, batch, mem, &value, err));
        ch_status status = ch_key_pack(value, mem, &s->key[i], err);
        ch_column_unref(value);
        CH_TRY(status);
    }
    return CH_OK;
}

void ch_join_drop_keys(ch_join *j, int slot)
{
    for (int32_t i = 0; i < j->n_keys; i++) {
        ch_column_unref(j->slot[slot].key[i]);
        j->slot[slot].key[i] = NULL;
    }
}

int64_t ch_join_usable(const ch_join *j, ch_column *const *key, int64_t n, int32_t *idx)
{
    int64_t k = n;
    for (int64_t i = 0; i < n; i++)
        idx[i] = (int32_t)i;
    for (int32_t c = 0; c < j->n_keys; c++) {
        if (j->null_safe[c] || (!key[c]->valid && key[c]->type->id != CH_NULL))
            continue;
        int64_t m = 0;
        for (int64_t i = 0; i < k; i++) {
            idx[m] = idx[i];
            m += !ch_column_is_null(key[c], idx[i]);
        }
        k = m;
    }
    return k;
}

/* Rows that can neither match nor be wanted without a match are not kept. */
static int64_t rows_to_keep(ch_join *j, ch_join_slot *s, int64_t n)
{
    int64_t k = ch_join_usable(j, s->key, n, s->idx);
    atomic_fetch_add_explicit(&j->n_build, n, memory_order_relaxed);
    if (k < n)
        atomic_fetch_add_explicit(&j->n_null_keys, n - k, memory_order_relaxed);
    if (j->build_emit == CH_EMIT_UNMATCHED)
        for (k = 0; k < n; k++)
            s->idx[k] = (int32_t)k;
    return k;
}

static ch_status build_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    ch_join_slot *s = &j->slot[slot];
    int32_t n_cols = j->layout.n_cols;
    CH_TRY(relieve(j, s, err));
    size_t bytes = sizeof(ch_column *) * (size_t)(n_cols + 1);
    ch_column **col = ch_mem_zalloc(j->mem, bytes, err);
    if (!col)
        return CH_E_MEMORY;
    ch_status status = ch_join_keys(j, slot, j->build_ev, batch, j->mem, err);
    if (status == CH_OK)
        status = ch_hash(s->key, j->n_keys, batch->n, s->hash, j->mem, err);
    for (int32_t c = 0; c < n_cols && status == CH_OK; c++)
        if (c < j->n_keys)
            col[c] = s->key[c];
        else
            status = ch_batch_column(batch, j->build_from[c - j->n_keys], &col[c], err);
    if (status != CH_OK)
        goto out;
    ch_join_widen_filters(j, slot);
    int64_t k = rows_to_keep(j, s, batch->n);
    CH_TRY_OUT(ch_rows_sizes(&j->layout, col, s->idx, k, s->bytes, err));
    for (int64_t i = 0; i < k; i++)
        CH_TRY_OUT(ch_rowset_add(&s->build[ch_join_part(s->hash[s->idx[i]])], s->bytes[i],
                                 &s->list[i], err));
    ch_rows_scatter(&j->layout, col, s->hash, s->idx, k, s->bytes, s->list);
    if (s->n_built <= CH_JOIN_FEW)
        status = ch_join_few_add(j, s, batch, k, err);
out:
    ch_join_drop_keys(j, slot);
    ch_mem_free(j->mem, col, bytes);
    return status;
}

/* ---- table ------------------------------------------------------------------------------- */

static int64_t buckets_for(int64_t n)
{
    int64_t k = 64;
    while (k < n + n / 2)
        k *= 2;
    return k;
}

ch_status ch_join_table_init(ch_join *j, ch_join_table *table, int64_t n, ch_error *err)
{
    table->n_buckets = j->n_keys ? buckets_for(n) : 1;
    table->bucket = ch_mem_zalloc(j->mem, sizeof *table->bucket * (size_t)table->n_buckets, err);
    return table->bucket ? CH_OK : CH_E_MEMORY;
}

void ch_join_table_release(ch_join *j, ch_join_table *table)
{
    ch_mem_free(j->mem, table->bucket, sizeof *table->bucket * (size_t)table->n_buckets);
    *table = (ch_join_table){0};
}

static bool can_match(const ch_join *j, const uint8_t *row)
{
    for (int32_t c = 0; c < j->n_keys; c++)
        if (!j->null_safe[c] && ch_row_is_null(&j->layout, row, c))
            return false;
    return true;
}

static void insert_rows(ch_join *j, ch_join_table *table, uint8_t *const *row, int64_t k)
{
    bool check = j->build_emit == CH_EMIT_UNMATCHED;
    uint64_t mask = (uint64_t)table->n_buckets - 1;
    for (int64_t i = 0; i < k; i++)
        __builtin_prefetch((const void *)&table->bucket[ch_row_hash(&j->layout, row[i]) & mask], 1);
    for (int64_t i = 0; i < k; i++) {
        if (check && !can_match(j, row[i]))
            continue;
        uint64_t hash = ch_row_hash(&j->layout, row[i]);
        _Atomic uint64_t *bucket = &table->bucket[hash & mask];
        uint64_t head = atomic_load_explicit(bucket, memory_order_relaxed), mine;
        do {
            ch_join_link_of(j, row[i])->next = (uint8_t *)(uintptr_t)(head & CH_JOIN_ADDRESS);
            mine = (head & ~CH_JOIN_ADDRESS) | ch_join_tag(hash) | (uint64_t)(uintptr_t)row[i];
        } while (!atomic_compare_exchange_weak_explicit(bucket, &head, mine, memory_order_release,
                                                        memory_order_relaxed));
    }
}

void ch_join_insert(ch_join *j, ch_join_table *table, const ch_rowpage *page)
{
    enum { N = 256 };
    uint8_t *row[N];
    int32_t pos = 0;
    int64_t k;
    while ((k = ch_rowpage_next(page, &pos, row, N)) > 0)
        insert_rows(j, table, row, k);
}

void ch_join_free_memory(ch_join *j)
{
    pthread_mutex_lock(&j->lock);
    if (!j->memory_freed) {
        j->memory_freed = true;
        ch_join_table_release(j, &j->table);
        for (int s = 0; s < j->exec->n_slots; s++)
            for (int p = 0; p < j->keep; p++)
                ch_rowset_release(&j->slot[s].build[p], NULL);
    }
    pthread_mutex_unlock(&j->lock);
}

static int64_t rows_in_memory(const ch_join *j)
{
    int64_t n = 0;
    for (int s = 0; s < j->exec->n_slots; s++)
        for (int p = 0; p < j->keep; p++)
            n += j->slot[s].build[p].n_rows;
    return n;
}

/* Spills what must go, so that the rest fits with its table. */
static ch_status settle(ch_join *j, ch_error *err)
{
    for (;;) {
        for (int s = 0; s < j->exec->n_slots; s++)
            CH_TRY(spill_from(j, &j->slot[s], j->keep, err));
        int64_t table = buckets_for(rows_in_memory(j)) * 8;
        if (!j->reserve || j->keep == 0 || ch_mem_available(j->mem) - table >= j->reserve / 2)
            return CH_OK;
        lower_keep(j);
    }
}

static bool insert_step(void *user, int slot)
{
    ch_join *j = user;
    CH_UNUSED(slot);
    int task = atomic_fetch_add(&j->next_insert, 1);
    if (task >= j->exec->n_slots * CH_JOIN_PARTS)
        return false;
    ch_rowset *set = &j->slot[task / CH_JOIN_PARTS].build[task % CH_JOIN_PARTS];
    if (task % CH_JOIN_PARTS < j->keep)
        for (int32_t i = 0; i < set->n_pages; i++)
            ch_join_insert(j, &j->table, &set->page[i]);
    return true;
}

/* Rows get numbers and become columns; says whether all keys differ. */
static ch_status make_small(ch_join *j, int64_t n, ch_error *err)
{
    size_t bytes = sizeof(uint8_t *) * (size_t)n;
    uint8_t **row = ch_mem_alloc(j->mem, bytes, err);
    if (!row)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    int64_t at = 0;
    if (j->few) {
        memcpy(row, j->few, bytes);
        at = n;
    }
    for (int s = 0; s < j->exec->n_slots && !j->few; s++)
        for (int p = 0; p < CH_JOIN_PARTS; p++) {
            const ch_rowset *set = &j->slot[s].build[p];
            for (int32_t i = 0, pos = 0; i < set->n_pages; i++, pos = 0)
                at += ch_rowpage_next(&set->page[i], &pos, row + at, n - at);
        }
    j->unique = j->n_keys > 0;
    for (int64_t i = 0; i < at; i++) {
        ch_join_link *link = ch_join_link_of(j, row[i]);
        link->number = (uint32_t)i;
        for (uint8_t *other = link->next; other; other = ch_join_link_of(j, other)->next)
            if (ch_row_hash(&j->layout, other) == ch_row_hash(&j->layout, row[i])) {
                j->unique = false;
                break;
            }
        if (j->n_keys == 0)
            link->number = (uint32_t)i;
    }
    ch_column **dict;
    dict = ch_arena_alloc(j->exec->arena, sizeof *dict * (size_t)(j->build_attrs->n + 1), err);
    if (!dict) {
        status = CH_E_MEMORY;
        goto out;
    }
    j->dict = dict;
    for (int32_t c = 0; c < j->build_attrs->n; c++) {
        int32_t from = j->build_col[c];
        CH_TRY_OUT(ch_rows_gather(&j->layout, from, row, at, j->mem, &dict[c], err));
    }
out:
    ch_mem_free(j->mem, row, bytes);
    return status;
}

static ch_status build_finish(ch_op *self, ch_error *err)
{
    ch_join *j = *(ch_join **)(void *)(self + 1);
    CH_TRY(settle(j, err));
    ch_join_fill_filters(j);
    int64_t n = rows_in_memory(j), bytes = 0;
    CH_TRY(ch_join_table_init(j, &j->table, n, err));
    CH_TRY(ch_join_few_settle(j, n, err));
    if (j->few)
        insert_rows(j, &j->table, j->few, n);
    else
        ch_pool_run(j->exec->pool, insert_step, j, n > SMALL_ROWS ? j->exec->n_slots : 1);
    for (int s = 0; s < j->exec->n_slots; s++)
        bytes += bytes_from(&j->slot[s], 0);
    if (n > 0 && n <= SMALL_ROWS && j->keep == CH_JOIN_PARTS && bytes <= SMALL_BYTES)
        CH_TRY(make_small(j, n, err));
    /* An inner or semi join with nothing on the build side needs no probe rows. */
    bool empty = j->n_build == 0 || (n == 0 && !j->spill);
    bool wants_probe = ch_join_wants_all(j);
    if (empty && !wants_probe && j->build_emit == CH_EMIT_NONE)
        j->probe_op->stop = true;
    return CH_OK;
}

static ch_status build_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const ch_join *j = *(ch_join *const *)(const void *)(self + 1);
    return ch_buf_adds(out, j->build_left ? "left" : "right", err);
}

const ch_op_class ch_op_class_hash_build = {.name = "HashBuild",
                                            .open = build_open,
                                            .push = build_push,
                                            .finish = build_finish,
                                            .close = build_close,
                                            .explain = build_explain};
