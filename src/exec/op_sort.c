/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_sort.c - Sort: external merge sort, and top-N where a limit is known.
 *
 *   push    rows, each with its key as bytes, into pages of the slot; past the slot's quota its rows are
 *           sorted and written to a spill file as one run
 *   flush   what is left becomes a last run: in memory, or in the file where there are others
 *   finish  too many runs for the memory are merged into fewer; the key space is cut into ranges
 *   next    each morsel merges one range of all runs, so all workers merge at once
 *
 * Quota: the rows of all slots take at most two fifths of the memory that was free at the start; sorting
 * needs 32 bytes more for each row, which count too.
 *
 * Top-N: a slot keeps few more than N rows. When it has gathered 2 N it sorts and drops all but N, and
 * from then on rows above the N-th key are not even copied; the scan below hears of the key (sort_bound.h).
 */
#include <stdlib.h>

#include "column/take.h"
#include "exec/exec.h"
#include "exec/rows.h"
#include "exec/sort_bound.h"
#include "exec/sort_run.h"
#include "kernel/sortkey.h"
#include "plan/node.h"

#define MOST_TOP_N 100000
#define MIN_QUOTA ((int64_t)256 << 10)
#define TIE_BYTES 8
#define WHOLE_BYTES \
    4 /* of a key, where groups stay whole: the length of the part that says which group */
#define PREFETCH 16 /* rows ahead */

typedef struct sort_page sort_page;
struct sort_page {
    sort_page *next;
    int64_t bytes, used; /* of data */
    uint8_t data[] __attribute__((aligned(8)));
};

typedef struct sort_slot {
    sort_page *page; /* newest first */
    int64_t page_bytes, n_rows;
    uint64_t seq, seq_row; /* place of the next row in the input */
    ch_sort_entry *entry;  /* after flush: the run in memory */
    int64_t n_entries;
    uint8_t *bound; /* top-N: copy of the N-th key; NULL until known */
    uint32_t bound_len;
    /* scratch of one push */
    uint8_t *scratch;
    int64_t scratch_bytes;
    ch_column **key; /* n_keys */
    /* output */
    ch_merge *merge;
    int64_t morsel;
    uint8_t **out_row;
} sort_slot;

typedef struct op_sort {
    ch_op op;
    const ch_rel_sort *rel;
    ch_evaluator *ev;
    ch_sortkey_order *order;
    int32_t n_keys;
    int32_t n_whole; /* keys that say which group a row is of; 0: there are none */
    uint32_t tail;   /* bytes of a key behind its columns */
    ch_rowlayout layout;
    int64_t quota; /* bytes of rows per slot */
    int64_t limit; /* rows given out in all; -1: all */
    bool trims;    /* top-N: a slot keeps no more than it needs */
    ch_sort_bound bound;
    int32_t block_bytes;
    int64_t batch_rows;
    sort_slot *slot;
    pthread_mutex_t lock; /* guards what follows */
    bool has_lock;
    ch_spill *spill;
    ch_run **run;
    int32_t n_runs, cap_runs;
    /* after finish */
    ch_sort_key *splitter; /* n_ranges - 1 */
    uint8_t *splitter_bytes;
    int64_t splitter_size;
    int64_t n_ranges;
    _Atomic int64_t next_range;
    int64_t given; /* top-N: rows given out */
} op_sort;

static ch_status sort_open(ch_op *self, ch_error *err)
{
    op_sort *op = (op_sort *)self;
    int slots = self->exec->n_slots;
    int64_t available = ch_mem_available(self->mem);
    op->quota = available * 2 / 5 / slots;
    if (op->quota < MIN_QUOTA)
        op->quota = MIN_QUOTA;
    op->block_bytes = 256 << 10;
    while (op->block_bytes > (16 << 10) && op->block_bytes > op->quota / 64)
        op->block_bytes /= 2;
    op->batch_rows = self->exec->batch_rows;
    pthread_mutex_init(&op->lock, NULL);
    op->has_lock = true;
    CH_ARENA_ARRAY(op->slot, self->exec->arena, slots, err);
    for (int s = 0; s < slots; s++)
        CH_ARENA_ARRAY(op->slot[s].key, self->exec->arena, op->n_keys, err);
    return CH_OK;
}

/* ------------------------------------------------------------------ gathering */

static void free_pages(op_sort *op, sort_page *page)
{
    for (sort_page *next; page; page = next) {
        next = page->next;
        ch_mem_free(op->op.mem, page, sizeof *page + (size_t)page->bytes);
    }
}

static uint8_t *row_space(op_sort *op, sort_slot *s, int64_t bytes, ch_error *err)
{
    sort_page *page = s->page;
    if (!page || page->bytes - page->used < bytes) {
        int64_t size = op->quota / 32;
        size = size < (16 << 10) ? 16 << 10 : size > (1 << 20) ? 1 << 20 : size;
        if (size < bytes)
            size = bytes;
        page = ch_mem_alloc(op->op.mem, sizeof *page + (size_t)size, err);
        if (!page)
            return NULL;
        *page = (sort_page){.next = s->page, .bytes = size};
        s->page = page;
        s->page_bytes += size;
    }
    uint8_t *row = page->data + page->used;
    page->used += bytes;
    return row;
}

/* Sorted entries for all rows of the slot; NULL when memory is refused. */
static ch_sort_entry *sorted_entries(op_sort *op, sort_slot *s, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    size_t bytes = sizeof(ch_sort_entry) * (size_t)s->n_rows;
    ch_sort_entry *entry = ch_mem_alloc(mem, bytes, err);
    if (!entry)
        return NULL;
    int64_t n = 0;
    for (sort_page *p = s->page; p; p = p->next) {
        for (int64_t at = 0; at < p->used;
             at += (ch_sort_row_bytes(p->data + at) + 7) & ~(uint32_t)7)
            entry[n++].row = p->data + at;
    }
    ch_sort_entry *scratch = ch_mem_alloc(mem, bytes, NULL); /* only makes it faster */
    ch_sort_entries(entry, scratch, n);
    ch_mem_free(mem, scratch, bytes);
    return entry;
}

/* A new run in the file, registered; writers of different slots work side by side. */
static ch_status new_run(op_sort *op, ch_run **out, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    ch_status status = CH_OK;
    ch_run *run = ch_mem_alloc(mem, sizeof *run, err);
    *out = NULL;
    if (!run)
        return CH_E_MEMORY;
    ch_run_init(run, mem);
    pthread_mutex_lock(&op->lock);
    if (op->n_runs == op->cap_runs) {
        int32_t cap = op->cap_runs ? op->cap_runs * 2 : 32;
        ch_run **more = ch_mem_alloc(mem, sizeof *more * (size_t)cap, err);
        if (more) {
            if (op->n_runs)
                memcpy(more, op->run, sizeof *more * (size_t)op->n_runs);
            ch_mem_free(mem, op->run, sizeof *more * (size_t)op->cap_runs);
            op->run = more;
            op->cap_runs = cap;
        } else {
            status = CH_E_MEMORY;
        }
    }
    if (status == CH_OK)
        op->run[op->n_runs++] = run;
    pthread_mutex_unlock(&op->lock);
    if (status != CH_OK) {
        ch_mem_free(mem, run, sizeof *run);
        return status;
    }
    *out = run;
    return CH_OK;
}

static ch_status need_spill(op_sort *op, ch_error *err)
{
    pthread_mutex_lock(&op->lock);
    ch_status status =
        op->spill ? CH_OK : ch_spill_open(op->op.exec->spill_dir, op->op.mem, &op->spill, err);
    pthread_mutex_unlock(&op->lock);
    return status;
}

static void count_spill(op_sort *op, const ch_run *run)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < run->n_blocks; i++)
        bytes += run->block[i].stored_bytes;
    atomic_fetch_add(&op->op.spilled_bytes, bytes);
    atomic_fetch_add(&op->op.exec->spill_bytes, bytes);
}

static ch_status spill_slot(op_sort *op, sort_slot *s, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    ch_run *run;
    ch_run_writer w;
    if (s->n_rows == 0)
        return CH_OK;
    CH_TRY(need_spill(op, err));
    CH_TRY(new_run(op, &run, err));
    ch_sort_entry *entry = sorted_entries(op, s, err);
    if (!entry)
        return CH_E_MEMORY;
    ch_status status = ch_run_writer_init(&w, run, op->spill, op->block_bytes, mem, err);
    if (status == CH_OK) {
        for (int64_t i = 0; i < s->n_rows && status == CH_OK; i++) {
            /* Rows lie in the order of the input: each is a cache miss unless asked for early. */
            if (i + PREFETCH < s->n_rows) {
                __builtin_prefetch(entry[i + PREFETCH].row);
                __builtin_prefetch(entry[i + PREFETCH].row + 64);
            }
            status = ch_run_writer_add(&w, entry[i].row, err);
        }
        if (status == CH_OK)
            status = ch_run_writer_finish(&w, err);
        ch_run_writer_release(&w);
    }
    ch_mem_free(mem, entry, sizeof *entry * (size_t)s->n_rows);
    free_pages(op, s->page);
    s->page = NULL;
    s->page_bytes = s->n_rows = 0;
    count_spill(op, run);
    return status;
}

/* Sorts, keeps the first `limit` rows and remembers the last one's key. */
static ch_status trim(op_sort *op, sort_slot *s, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    int64_t n = s->n_rows;
    if (n <= op->limit)
        return CH_OK;
    ch_sort_entry *entry = sorted_entries(op, s, err);
    if (!entry)
        return CH_E_MEMORY;
    sort_page *old = s->page;
    s->page = NULL;
    s->page_bytes = 0;
    ch_status status = CH_OK;
    for (s->n_rows = 0; s->n_rows < op->limit; s->n_rows++) {
        const uint8_t *row = entry[s->n_rows].row;
        uint32_t bytes = (ch_sort_row_bytes(row) + 7) & ~(uint32_t)7;
        uint8_t *copy = row_space(op, s, bytes, err);
        if (!copy) {
            status = CH_E_MEMORY;
            break;
        }
        memcpy(copy, row, bytes);
    }
    if (status == CH_OK && op->limit > 0) {
        ch_sort_key last = ch_sort_row_key(entry[op->limit - 1].row);
        uint8_t *bound = ch_mem_alloc(mem, last.len, err);
        if (bound) {
            memcpy(bound, last.bytes, last.len);
            ch_mem_free(mem, s->bound, s->bound_len);
            s->bound = bound;
            s->bound_len = last.len;
            status = ch_sort_bound_move(&op->bound, &op->layout,
                                        ch_sort_row_payload(entry[op->limit - 1].row), mem, err);
        } else {
            status = CH_E_MEMORY;
        }
    }
    free_pages(op, old);
    ch_mem_free(mem, entry, sizeof *entry * (size_t)n);
    return status;
}

/* Arrays for one push of n rows, kept from batch to batch. */
typedef struct push_scratch {
    uint32_t *key_bytes;
    uint8_t **key, **end, **row;
    int32_t *idx;
    int64_t *bytes;
    uint8_t *keys; /* the keys themselves */
} push_scratch;

static ch_status scratch_for(op_sort *op, sort_slot *s, int64_t n, int64_t key_total,
                             push_scratch *p, ch_error *err)
{
    int64_t per_row = 4 + 8 * 3 + 4 + 8, need = (n + 8) * per_row + key_total + 64;
    if (need > s->scratch_bytes) {
        ch_mem_free(op->op.mem, s->scratch, (size_t)s->scratch_bytes);
        s->scratch_bytes = 0;
        s->scratch = ch_mem_alloc(op->op.mem, (size_t)(need + need / 4), err);
        if (!s->scratch)
            return CH_E_MEMORY;
        s->scratch_bytes = need + need / 4;
    }
    p->key = (uint8_t **)s->scratch;
    p->end = p->key + n;
    p->row = p->end + n;
    p->bytes = (int64_t *)(p->row + n);
    p->key_bytes = (uint32_t *)(p->bytes + n);
    p->idx = (int32_t *)(p->key_bytes + n);
    p->keys = (uint8_t *)(p->idx + n);
    return CH_OK;
}

/* Flat key columns of the batch. */
static ch_status key_columns(op_sort *op, int slot, ch_batch *batch, ch_column **out, ch_error *err)
{
    for (int32_t k = 0; k < op->n_keys; k++) {
        ch_column *raw;
        CH_TRY(ch_evaluate(op->ev, slot, k, batch, op->op.mem, &raw, err));
        ch_status status = ch_flatten(raw, op->op.mem, &out[k], err);
        ch_column_unref(raw);
        CH_TRY(status);
    }
    return CH_OK;
}

static void put_tie(uint8_t *to, uint64_t seq, uint64_t row)
{
    /* pipeline (8 bits) | morsel (24) | row of the morsel (32) */
    uint64_t v = (seq >> 48) << 56 | (seq >> 16 & 0xFFFFFF) << 32 | (row & 0xFFFFFFFF);
    v = __builtin_bswap64(v);
    memcpy(to, &v, TIE_BYTES);
}

/* Keys of all rows, then idx of those that may be among the result. */
static int64_t build_keys(op_sort *op, sort_slot *s, ch_column *const *key, ch_batch *batch,
                          push_scratch *p)
{
    int64_t n = batch->n, kept = 0;
    uint8_t *at = p->keys;
    for (int64_t i = 0; i < n; i++) {
        p->key[i] = p->end[i] = at;
        at += p->key_bytes[i];
    }
    for (int32_t k = 0; k < op->n_keys; k++) {
        ch_sortkey_write(key[k], op->order[k], p->end);
        for (int64_t i = 0; k == op->n_whole - 1 && i < n; i++) {
            uint32_t group = (uint32_t)(p->end[i] - p->key[i]);
            memcpy(p->key[i] + p->key_bytes[i] - WHOLE_BYTES, &group, sizeof group);
        }
    }
    if (batch->seq != s->seq) {
        s->seq = batch->seq;
        s->seq_row = 0;
    }
    for (int64_t i = 0; i < n; i++)
        put_tie(p->end[i], batch->seq, s->seq_row++);
    if (!s->bound) {
        for (int64_t i = 0; i < n; i++)
            p->idx[i] = (int32_t)i;
        return n;
    }
    ch_sort_key bound = {s->bound, s->bound_len};
    for (int64_t i = 0; i < n; i++) {
        ch_sort_key mine = {p->key[i], p->key_bytes[i]};
        p->idx[kept] = (int32_t)i;
        kept += ch_sort_key_compare(mine, bound) < 0;
    }
    return kept;
}

#define TOO_LONG "ORDER BY of a row of 2 GiB or more"

static ch_status store_rows(op_sort *op, sort_slot *s, ch_batch *batch, push_scratch *p, int64_t k,
                            ch_error *err)
{
    CH_TRY(ch_batch_flatten(batch, err));
    CH_TRY(ch_rows_sizes(&op->layout, batch->col, p->idx, k, p->bytes, err));
    for (int64_t j = 0; j < k; j++) {
        uint32_t key_bytes = p->key_bytes[p->idx[j]];
        uint32_t head = (8 + key_bytes + 7) & ~(uint32_t)7;
        if (head + p->bytes[j] > CH_SORTKEY_MOST)
            CH_FAIL(err, UNSUPPORTED, "feature", TOO_LONG);
        uint32_t bytes = head + (uint32_t)p->bytes[j];
        uint8_t *row = row_space(op, s, bytes, err);
        if (!row)
            return CH_E_MEMORY;
        memcpy(row, &bytes, 4);
        memcpy(row + 4, &key_bytes, 4);
        memcpy(row + 8, p->key[p->idx[j]], key_bytes);
        p->row[j] = row + head;
    }
    ch_rows_scatter(&op->layout, batch->col, NULL, p->idx, k, p->bytes, p->row);
    s->n_rows += k;
    return CH_OK;
}

static ch_status sort_push(ch_op *self, int slot, ch_batch *batch, ch_error *err)
{
    op_sort *op = (op_sort *)self;
    sort_slot *s = &op->slot[slot];
    push_scratch p;
    ch_column **key = s->key;
    ch_status status;
    int64_t n = batch->n, total = 0;
    memset(key, 0, sizeof *key * (size_t)op->n_keys);
    CH_TRY_OUT(key_columns(op, slot, batch, key, err));
    CH_TRY_OUT(scratch_for(op, s, n, 0, &p, err));
    for (int64_t i = 0; i < n; i++)
        p.key_bytes[i] = op->tail;
    for (int32_t k = 0; k < op->n_keys; k++)
        ch_sortkey_sizes(key[k], p.key_bytes);
    for (int64_t i = 0; i < n; i++) {
        total += p.key_bytes[i];
        if (p.key_bytes[i] >= CH_SORTKEY_MOST) {
            status = ch_error_set(err, CH_E_UNSUPPORTED, "feature", TOO_LONG, (const char *)0);
            goto out;
        }
    }
    /* Growing loses the sizes: they are counted again, which is rare. */
    int64_t before = s->scratch_bytes;
    CH_TRY_OUT(scratch_for(op, s, n, total, &p, err));
    if (s->scratch_bytes != before) {
        for (int64_t i = 0; i < n; i++)
            p.key_bytes[i] = op->tail;
        for (int32_t k = 0; k < op->n_keys; k++)
            ch_sortkey_sizes(key[k], p.key_bytes);
    }
    int64_t kept = build_keys(op, s, key, batch, &p);
    if (kept > 0)
        CH_TRY_OUT(store_rows(op, s, batch, &p, kept, err));
    if (op->trims && s->n_rows > 2 * op->limit + op->batch_rows)
        CH_TRY_OUT(trim(op, s, err));
    if (s->page_bytes + s->n_rows * 32 > op->quota)
        CH_TRY_OUT(spill_slot(op, s, err));
    status = CH_OK;
out:
    for (int32_t k = 0; k < op->n_keys; k++)
        ch_column_unref(key[k]);
    return status;
}

/* --------------------------------------------------------------------- merging */

static ch_status sort_flush(ch_op *self, int slot, ch_error *err)
{
    op_sort *op = (op_sort *)self;
    sort_slot *s = &op->slot[slot];
    ch_mem_free(self->mem, s->scratch, (size_t)s->scratch_bytes);
    s->scratch = NULL;
    s->scratch_bytes = 0;
    if (s->n_rows == 0)
        return CH_OK;
    pthread_mutex_lock(&op->lock);
    bool spilled = op->spill != NULL;
    pthread_mutex_unlock(&op->lock);
    if (spilled)
        return spill_slot(op, s, err);
    ch_run *run;
    CH_TRY(new_run(op, &run, err));
    s->entry = sorted_entries(op, s, err);
    if (!s->entry)
        return CH_E_MEMORY;
    s->n_entries = s->n_rows;
    run->entry = s->entry;
    run->n_entries = s->n_entries;
    return CH_OK;
}

/* Merges the first k runs into one, which takes the place of the last. */
static ch_status merge_runs(op_sort *op, int32_t k, ch_error *err)
{
    ch_mem *mem = op->op.mem;
    ch_merge *merge = NULL;
    ch_run *out;
    ch_run_writer w = {.mem = mem};
    uint8_t *row;
    ch_status status;
    CH_TRY(need_spill(op, err));
    CH_TRY(new_run(op, &out, err));
    CH_TRY(ch_run_writer_init(&w, out, op->spill, op->block_bytes, mem, err));
    CH_TRY_OUT(ch_merge_new(op->run, k, (ch_sort_key){0}, (ch_sort_key){0}, mem, &merge, err));
    for (;;) {
        CH_TRY_OUT(ch_merge_next(merge, &row, err));
        if (!row)
            break;
        CH_TRY_OUT(ch_exec_heed(op->op.exec, err));
        CH_TRY_OUT(ch_run_writer_add(&w, row, err));
        ch_merge_forget(merge);
    }
    CH_TRY_OUT(ch_run_writer_finish(&w, err));
    count_spill(op, out);
    ch_merge_free(merge);
    merge = NULL;
    for (int32_t i = 0; i < k; i++) {
        ch_run_release(op->run[i]);
        ch_mem_free(mem, op->run[i], sizeof *op->run[i]);
    }
    memmove(op->run, op->run + k, sizeof *op->run * (size_t)(op->n_runs - k));
    op->n_runs -= k;
out:
    ch_merge_free(merge);
    ch_run_writer_release(&w);
    return status;
}

static int by_key(const void *a, const void *b)
{
    return ch_sort_key_compare(*(const ch_sort_key *)a, *(const ch_sort_key *)b);
}

/* Of groups that stay whole some are larger than others, and each takes long: they are looked at more closely. */
static int64_t sample_step(const op_sort *op)
{
    return op->n_whole ? 128 : 1024;
}

/* Keys spread over all runs: heads of blocks, and every so many entries. */
static ch_status sample(op_sort *op, ch_sort_key **out, int64_t *n_out, ch_error *err)
{
    int64_t n = 0, cap = 0, step = sample_step(op);
    for (int32_t i = 0; i < op->n_runs; i++)
        cap += op->run[i]->n_blocks + op->run[i]->n_entries / step;
    *out = ch_mem_alloc(op->op.mem, sizeof **out * (size_t)cap, err);
    if (!*out)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < op->n_runs; i++) {
        const ch_run *run = op->run[i];
        for (int32_t b = 0; b < run->n_blocks; b++)
            (*out)[n++] = run->block[b].first;
        for (int64_t e = step - 1; e < run->n_entries && n < cap; e += step)
            (*out)[n++] = ch_sort_row_key(run->entry[e].row);
    }
    qsort(*out, (size_t)n, sizeof **out, by_key);
    *n_out = cap;
    if (n < cap) /* the block below must free what was allocated; n keys are set */
        memset(*out + n, 0, sizeof **out * (size_t)(cap - n));
    return CH_OK;
}

/* A key without what does not say which group it is of. */
static ch_sort_key group_of(const op_sort *op, ch_sort_key key)
{
    if (op->n_whole && key.bytes)
        memcpy(&key.len, key.bytes + key.len - WHOLE_BYTES, sizeof key.len);
    return key;
}

/* The smallest of all. */
static ch_sort_key first_key(const op_sort *op)
{
    ch_sort_key first = {0};
    for (int32_t i = 0; i < op->n_runs; i++) {
        const ch_run *run = op->run[i];
        ch_sort_key key = run->n_blocks    ? run->block[0].first
                          : run->n_entries ? ch_sort_row_key(run->entry[0].row)
                                           : first;
        if (key.bytes && (!first.bytes || ch_sort_key_compare(key, first) < 0))
            first = key;
    }
    return first;
}

/* Cuts the key space so that ranges hold about as many rows each, and none holds none. */
static ch_status cut_ranges(op_sort *op, ch_error *err)
{
    ch_sort_key *key;
    int64_t cap, n = 0, bytes = 0;
    op->n_ranges = 1;
    if (op->limit >= 0)
        return CH_OK;
    CH_TRY(sample(op, &key, &cap, err));
    while (n < cap && key[n].bytes)
        n++;
    int64_t ranges = n / 8 + 1, most = (int64_t)op->op.exec->n_slots * (op->n_whole ? 4 : 16);
    if (ranges > most)
        ranges = most;
    for (int64_t r = 1; r < ranges; r++)
        bytes += key[n * r / ranges].len;
    ch_status status = CH_OK;
    op->splitter = ch_arena_alloc(op->op.exec->arena, sizeof *op->splitter * (size_t)ranges, err);
    op->splitter_bytes = op->splitter ? ch_mem_alloc(op->op.mem, (size_t)bytes, err) : NULL;
    if (!op->splitter_bytes) {
        status = CH_E_MEMORY;
    } else {
        uint8_t *at = op->splitter_bytes;
        ch_sort_key last = op->n_whole ? group_of(op, first_key(op)) : (ch_sort_key){0};
        op->splitter_size = bytes;
        for (int64_t r = 1; r < ranges; r++) {
            ch_sort_key k = group_of(op, key[n * r / ranges]);
            if (last.bytes && ch_sort_key_compare(k, last) <= 0)
                continue;
            memcpy(at, k.bytes, k.len);
            op->splitter[op->n_ranges++ - 1] = (ch_sort_key){at, k.len};
            if (op->n_whole)
                last = k;
            at += k.len;
        }
    }
    ch_mem_free(op->op.mem, key, sizeof *key * (size_t)cap);
    return status;
}

static ch_status sort_finish(ch_op *self, ch_error *err)
{
    op_sort *op = (op_sort *)self;
    /* Each worker holds about two blocks of every run while it merges. */
    int64_t room =
        ch_mem_available(self->mem) / 2 / self->exec->n_slots / (2 * (int64_t)op->block_bytes);
    int32_t most = room < 4 ? 4 : room > 512 ? 512 : (int32_t)room;
    while (op->n_runs > most) {
        int32_t k = op->n_runs - most + 1;
        CH_TRY(merge_runs(op, k < most ? (k < 2 ? 2 : k) : most, err));
    }
    return cut_ranges(op, err);
}

static ch_status sort_begin(ch_op *self, int slot, bool *more, ch_error *err)
{
    op_sort *op = (op_sort *)self;
    sort_slot *s = &op->slot[slot];
    ch_merge_free(s->merge);
    s->merge = NULL;
    int64_t r = atomic_fetch_add(&op->next_range, 1);
    *more = r < op->n_ranges && op->n_runs > 0;
    if (!*more)
        return CH_OK;
    s->morsel = r;
    if (!s->out_row) {
        s->out_row = ch_mem_alloc(self->mem, sizeof *s->out_row * (size_t)op->batch_rows, err);
        if (!s->out_row)
            return CH_E_MEMORY;
    }
    ch_sort_key from = {0}, until = {0};
    if (r > 0)
        from = op->splitter[r - 1];
    if (r + 1 < op->n_ranges)
        until = op->splitter[r];
    return ch_merge_new(op->run, op->n_runs, from, until, self->mem, &s->merge, err);
}

static ch_status sort_next(ch_op *self, int slot, ch_batch *out, ch_error *err)
{
    op_sort *op = (op_sort *)self;
    sort_slot *s = &op->slot[slot];
    int64_t n = 0;
    ch_status status = CH_OK;
    while (n < op->batch_rows && (op->limit < 0 || op->given < op->limit)) {
        uint8_t *row;
        CH_TRY(ch_merge_next(s->merge, &row, err));
        if (!row)
            break;
        s->out_row[n++] = ch_sort_row_payload(row);
        if (op->limit >= 0) /* there is one range then, and one thread */
            op->given++;
    }
    CH_TRY(ch_batch_init(out, self->mem, self->output.n, n, err));
    for (int32_t c = 0; c < self->output.n && n > 0 && status == CH_OK; c++)
        status = ch_rows_gather(&op->layout, c, s->out_row, n, self->mem, &out->col[c], err);
    ch_merge_forget(s->merge);
    out->seq = (uint64_t)s->morsel << 32;
    if (status != CH_OK)
        ch_batch_release(out);
    return status;
}

static int64_t sort_morsels(const ch_op *self)
{
    return ((const op_sort *)self)->n_ranges;
}

static void sort_close(ch_op *self)
{
    op_sort *op = (op_sort *)self;
    ch_mem *mem = self->mem;
    ch_evaluator_close(op->ev);
    for (int i = 0; op->slot && i < self->exec->n_slots; i++) {
        sort_slot *s = &op->slot[i];
        ch_merge_free(s->merge);
        free_pages(op, s->page);
        ch_mem_free(mem, s->entry, sizeof *s->entry * (size_t)s->n_entries);
        ch_mem_free(mem, s->bound, s->bound_len);
        ch_mem_free(mem, s->scratch, (size_t)s->scratch_bytes);
        ch_mem_free(mem, s->out_row, sizeof *s->out_row * (size_t)op->batch_rows);
    }
    for (int32_t i = 0; i < op->n_runs; i++) {
        ch_run_release(op->run[i]);
        ch_mem_free(mem, op->run[i], sizeof *op->run[i]);
    }
    ch_mem_free(mem, op->run, sizeof *op->run * (size_t)op->cap_runs);
    ch_mem_free(mem, op->splitter_bytes, (size_t)op->splitter_size);
    ch_spill_close(op->spill);
    if (op->has_lock)
        pthread_mutex_destroy(&op->lock);
    op->slot = NULL;
    op->n_runs = 0;
    ch_sort_bound_reset(&op->bound);
}

static ch_status sort_explain(const ch_op *self, ch_buf *out, ch_error *err)
{
    const op_sort *op = (const op_sort *)self;
    CH_TRY(ch_buf_addc(out, '[', err));
    for (int32_t i = 0; i < op->rel->order.n; i++) {
        if (i)
            CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(ch_expr_print(op->rel->order.item[i], out, err));
    }
    CH_TRY(ch_buf_addc(out, ']', err));
    return op->rel->limit >= 0 ? ch_buf_printf(out, err, ", limit %lld", (long long)op->rel->limit)
                               : CH_OK;
}

static const ch_op_class SORT = {.name = "Sort",
                                 .open = sort_open,
                                 .push = sort_push,
                                 .flush = sort_flush,
                                 .finish = sort_finish,
                                 .begin = sort_begin,
                                 .next = sort_next,
                                 .n_morsels = sort_morsels,
                                 .close = sort_close,
                                 .explain = sort_explain};

static ch_status make_sort(ch_compiler *c, const ch_rel *rel, ch_op *next, ch_error *err)
{
    const ch_rel_sort *sort = (const ch_rel_sort *)rel;
    op_sort *op = ch_op_new(c->exec, &SORT, sizeof *op, rel, NULL, err);
    if (!op)
        return CH_E_MEMORY;
    op->rel = sort;
    op->n_keys = sort->order.n;
    op->n_whole = sort->n_whole;
    op->tail = TIE_BYTES + (op->n_whole ? WHOLE_BYTES : 0);
    op->limit = sort->limit;
    op->trims = sort->limit >= 0 && sort->limit <= MOST_TOP_N;
    CH_TRY(ch_evaluator_new(c->exec, &sort->order, &sort->input->output, &op->ev, err));
    CH_ARENA_ARRAY(op->order, c->exec->arena, op->n_keys, err);
    for (int32_t i = 0; i < op->n_keys; i++) {
        const ch_expr_sort_order *o = (const ch_expr_sort_order *)sort->order.item[i];
        op->order[i] = (ch_sortkey_order){o->descending, o->nulls_first};
    }
    const ch_type **types;
    CH_ARENA_ARRAY(types, c->exec->arena, rel->output.n, err);
    for (int32_t i = 0; i < rel->output.n; i++)
        types[i] = rel->output.item[i]->type;
    CH_TRY(ch_rowlayout_init(&op->layout, c->exec->arena, types, rel->output.n, 0, false, 0, err));
    op->bound.column = -1;
    if (op->trims)
        CH_TRY(ch_sort_bound_offer(c, sort, &op->bound, err));
    CH_TRY(ch_compile_into(c, sort->input, &op->op, err));
    return ch_compile_source(c, &op->op, next, err);
}

const ch_op_maker ch_op_maker_sort = {CH_REL_SORT, make_sort};
