/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cached.c - chunks of packed columns, and who moves them to disk.
 *
 * A chunk's bytes are a refcounted buffer: a reader that has a reference is not disturbed when the chunk goes
 * to disk. Once written, a chunk's place on disk stays its own until the end.
 *
 * The lock is held for moments only, and never while memory is charged: whoever charges may be asked to
 * reclaim (base/mem.h).
 */
#include "store/cached.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "column/take.h"
#include "store/bounds.h"
#include "store/cached_chunk.h"
#include "store/pack.h"
#include "store/spill.h"

/* Small batches of one morsel are put together up to so many rows. */
#define CHUNK_ROWS CH_BATCH_ROWS
/* Larger batches are cut: what is packed at once takes scratch memory. */
#define MOST_CHUNK_BYTES ((int64_t)64 << 20)

struct fill_slot {
    ch_batch *pending; /* flat, of one morsel */
    int32_t n_pending, cap_pending;
    int64_t pending_rows;
    uint64_t last_seq;
    int64_t arrival;
    ch_buf bytes;
    ch_block block;
};
typedef struct fill_slot fill_slot;

/* ---- life ---------------------------------------------------------------------------------- */

static int64_t reclaim(ch_mem_reclaimer *self, int64_t bytes);

ch_status ch_cached_new(ch_mem *parent, const char *spill_dir, const ch_type *schema, bool to_disk,
                        ch_cached **out, ch_error *err)
{
    *out = NULL;
    ch_mem *mem = ch_mem_new(parent, "cache", 0);
    if (!mem)
        return ch_error_memory(err, "cache", (int64_t)sizeof(ch_cached), 0);
    ch_cached *c = ch_mem_zalloc(mem, sizeof *c, err);
    if (!c) {
        ch_mem_close(mem);
        return CH_E_MEMORY;
    }
    c->mem = mem;
    c->refs = 1;
    c->schema = schema;
    c->to_disk = to_disk;
    pthread_mutex_init(&c->lock, NULL);
    c->reclaimer = (ch_mem_reclaimer){.mem = mem, .reclaim = reclaim};
    /* Opened now: reclaiming may not charge for it. */
    ch_status status = ch_spill_open(spill_dir, mem, &c->spill, err);
    if (status != CH_OK) {
        pthread_mutex_destroy(&c->lock);
        ch_mem_free(mem, c, sizeof *c);
        ch_mem_close(mem);
        return status;
    }
    ch_mem_add_reclaimer(&c->reclaimer);
    *out = c;
    return CH_OK;
}

ch_cached *ch_cached_ref(ch_cached *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

size_t ch_cached_chunk_bytes(const ch_cached *c)
{
    return sizeof(ch_chunk) + sizeof(ch_chunk_part) * (size_t)c->schema->n_fields;
}

static void free_slots(ch_cached *c)
{
    for (int s = 0; c->slot && s < c->n_slots; s++) {
        fill_slot *f = &c->slot[s];
        for (int32_t i = 0; i < f->n_pending; i++)
            ch_batch_release(&f->pending[i]);
        ch_mem_free(c->mem, f->pending, sizeof *f->pending * (size_t)f->cap_pending);
        ch_buf_release(&f->bytes);
        ch_block_release(&f->block);
    }
    ch_mem_free(c->mem, c->slot, sizeof(fill_slot) * (size_t)c->n_slots);
    c->slot = NULL;
    c->n_slots = 0;
}

static void free_chunks(ch_cached *c)
{
    pthread_mutex_lock(&c->lock);
    ch_chunk *chunk = c->first;
    c->first = c->cursor = NULL;
    atomic_store(&c->reclaimer.held, 0);
    pthread_mutex_unlock(&c->lock);
    for (ch_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        if (chunk->at >= 0)
            ch_spill_drop(c->spill, chunk->at, chunk->n_bytes);
        ch_buffer_unref(chunk->bytes);
        ch_mem_free(c->mem, chunk, ch_cached_chunk_bytes(c));
    }
    ch_mem_free(c->mem, c->chunk, sizeof *c->chunk * (size_t)c->cap_chunks);
    c->chunk = NULL;
    c->n_chunks = c->cap_chunks = 0;
    c->rows = c->disk_bytes = 0;
}

void ch_cached_unref(ch_cached *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_mem_remove_reclaimer(&c->reclaimer);
    free_slots(c);
    free_chunks(c);
    ch_spill_close(c->spill);
    pthread_mutex_destroy(&c->lock);
    ch_mem *mem = c->mem;
    ch_mem_free(mem, c, sizeof *c);
    ch_mem_close(mem);
}

/* ---- to disk ------------------------------------------------------------------------------- */

/* The lock is held. */
static int64_t push_out(ch_cached *c, ch_chunk *chunk)
{
    struct iovec part = {chunk->bytes->data, (size_t)chunk->n_bytes};
    if (chunk->at < 0) {
        ch_status status = ch_spill_write(c->spill, &part, 1, &chunk->at, NULL);
        c->disk_is_full = status == CH_E_DISK_FULL;
        if (status != CH_OK) {
            chunk->at = -1;
            return 0;
        }
        c->disk_bytes += chunk->n_bytes;
    }
    ch_buffer_unref(chunk->bytes);
    chunk->bytes = NULL;
    atomic_fetch_sub(&c->reclaimer.held, chunk->n_bytes);
    return chunk->n_bytes;
}

static int64_t reclaim(ch_mem_reclaimer *self, int64_t bytes)
{
    ch_cached *c = (ch_cached *)((char *)self - offsetof(ch_cached, reclaimer));
    int64_t got = 0;
    if (pthread_mutex_trylock(&c->lock) != 0)
        return 0;
    ch_chunk *chunk = c->cursor ? c->cursor : c->first;
    for (; chunk && got < bytes; chunk = chunk->next) {
        if (!chunk->bytes)
            continue;
        int64_t n = push_out(c, chunk);
        if (!n)
            break; /* the disk is full, too */
        got += n;
    }
    c->cursor = chunk;
    pthread_mutex_unlock(&c->lock);
    return got;
}

/* ---- filling ------------------------------------------------------------------------------- */

ch_status ch_cached_fill_begin(ch_cached *c, int n_slots, ch_error *err)
{
    c->slot = ch_mem_zalloc(c->mem, sizeof(fill_slot) * (size_t)n_slots, err);
    if (!c->slot)
        return CH_E_MEMORY;
    c->n_slots = n_slots;
    atomic_store(&c->reclaimer.last_used, ch_tick_ns());
    for (int s = 0; s < n_slots; s++) {
        ch_buf_init(&c->slot[s].bytes, c->mem);
        ch_block_init(&c->slot[s].block, c->mem);
    }
    return CH_OK;
}

/* Dictionaries that are not shorter than the rows are not worth keeping, nested ones cannot be kept. */
static ch_status packable(ch_cached *c, ch_column *in, ch_column **out, ch_error *err)
{
    bool nested = ch_type_is_nested(in->type);
    bool long_dict = in->encoding == CH_DICT && in->child[0]->rows > in->rows / 2;
    if (nested || long_dict)
        return ch_flatten(in, c->mem, out, err);
    *out = ch_column_ref(in);
    return CH_OK;
}

/* The slot's packed bytes become the chunk's: in memory if there is room, else on disk. */
static ch_status settle(ch_cached *c, fill_slot *f, ch_chunk *chunk, ch_error *err)
{
    struct iovec part = {f->bytes.data, f->bytes.len};
    int64_t at;
    chunk->n_bytes = (int64_t)f->bytes.len;
    if (!c->to_disk && ch_buffer_new(c->mem, chunk->n_bytes, &chunk->bytes, NULL) == CH_OK) {
        if (chunk->n_bytes)
            memcpy(chunk->bytes->data, f->bytes.data, f->bytes.len);
        return CH_OK;
    }
    chunk->bytes = NULL;
    CH_TRY(ch_spill_write(c->spill, &part, 1, &at, err));
    chunk->at = at;
    return CH_OK;
}

static void keep_chunk(ch_cached *c, ch_chunk *chunk)
{
    pthread_mutex_lock(&c->lock);
    chunk->next = c->first;
    c->first = chunk;
    c->n_chunks++;
    c->rows += chunk->rows;
    if (chunk->bytes)
        atomic_fetch_add(&c->reclaimer.held, chunk->n_bytes);
    else
        c->disk_bytes += chunk->n_bytes;
    pthread_mutex_unlock(&c->lock);
}

/* One chunk of the columns. */
static ch_status pack_chunk(ch_cached *c, fill_slot *f, ch_column *const *col, int64_t rows,
                            uint64_t seq, ch_error *err)
{
    size_t bytes = ch_cached_chunk_bytes(c);
    ch_chunk *chunk = ch_mem_zalloc(c->mem, bytes, err);
    if (!chunk)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    chunk->rows = rows;
    chunk->seq = seq;
    chunk->arrival = f->arrival++;
    chunk->at = -1;
    ch_buf_reset(&f->bytes);
    for (int32_t i = 0; i < c->schema->n_fields; i++) {
        ch_column *column;
        ch_chunk_part *p = &chunk->part[i];
        CH_TRY_OUT(packable(c, col[i], &column, err));
        p->at = (int64_t)f->bytes.len;
        status = ch_pack(column, rows, &f->block, &f->bytes, &p->bounds, &p->texts, err);
        p->n_bytes = (int64_t)f->bytes.len - p->at;
        ch_column_unref(column);
        if (status != CH_OK)
            goto out;
    }
    CH_TRY_OUT(settle(c, f, chunk, err));
    keep_chunk(c, chunk);
    return CH_OK;
out:
    ch_mem_free(c->mem, chunk, bytes);
    return status;
}

/* The batches that wait, as one chunk. */
static ch_status flush(ch_cached *c, fill_slot *f, ch_error *err)
{
    int32_t n_cols = c->schema->n_fields, n = f->n_pending;
    size_t in_bytes = sizeof(ch_column *) * (size_t)n;
    size_t col_bytes = sizeof(ch_column *) * (size_t)n_cols;
    if (!n)
        return CH_OK;
    ch_column **in = ch_mem_alloc(c->mem, in_bytes, err);
    ch_column **col = in ? ch_mem_zalloc(c->mem, col_bytes, err) : NULL;
    ch_status status = col ? CH_OK : CH_E_MEMORY;
    for (int32_t i = 0; i < n_cols && status == CH_OK; i++) {
        for (int32_t k = 0; k < n; k++)
            in[k] = f->pending[k].col[i];
        if (n == 1)
            col[i] = ch_column_ref(in[0]);
        else
            status = ch_concat(in, n, c->schema->field[i].type, c->mem, &col[i], err);
    }
    if (status == CH_OK)
        status = pack_chunk(c, f, col, f->pending_rows, f->pending[0].seq, err);
    for (int32_t i = 0; col && i < n_cols; i++)
        ch_column_unref(col[i]);
    ch_mem_free(c->mem, col, col_bytes);
    ch_mem_free(c->mem, in, in_bytes);
    for (int32_t k = 0; k < n; k++)
        ch_batch_release(&f->pending[k]);
    f->n_pending = 0;
    f->pending_rows = 0;
    return status;
}

static ch_status wait(ch_cached *c, fill_slot *f, const ch_batch *batch, ch_error *err)
{
    if (f->n_pending == f->cap_pending) {
        int32_t cap = f->cap_pending ? f->cap_pending * 2 : 8;
        ch_batch *more = ch_mem_alloc(c->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (f->n_pending)
            memcpy(more, f->pending, sizeof *more * (size_t)f->n_pending);
        ch_mem_free(c->mem, f->pending, sizeof *more * (size_t)f->cap_pending);
        f->pending = more;
        f->cap_pending = cap;
    }
    ch_batch *own = &f->pending[f->n_pending];
    CH_TRY(ch_batch_copy(batch, own, err));
    ch_status status = ch_batch_flatten(own, err);
    if (status != CH_OK) {
        ch_batch_release(own);
        return status;
    }
    f->n_pending++;
    f->pending_rows += own->n;
    return CH_OK;
}

static int64_t bytes_of(const ch_batch *batch)
{
    int64_t bytes = 0;
    for (int32_t i = 0; i < batch->n_cols; i++)
        bytes += batch->col[i] ? ch_column_bytes(batch->col[i]) : 0;
    return bytes;
}

/* A batch by itself, in halves if it is huge. */
static ch_status add_whole(ch_cached *c, fill_slot *f, ch_batch *batch, ch_error *err)
{
    if (batch->n > 1 && bytes_of(batch) / batch->n_full * batch->n > MOST_CHUNK_BYTES) {
        ch_batch half;
        int64_t cut = batch->n / 2, rest = batch->n - cut;
        for (int i = 0; i < 2; i++) {
            CH_TRY(ch_batch_copy(batch, &half, err));
            ch_status status = ch_batch_slice(&half, i ? cut : 0, i ? rest : cut, err);
            if (status == CH_OK)
                status = add_whole(c, f, &half, err);
            ch_batch_release(&half);
            CH_TRY(status);
        }
        return CH_OK;
    }
    CH_TRY(wait(c, f, batch, err));
    return flush(c, f, err);
}

ch_status ch_cached_add(ch_cached *c, int slot, ch_batch *batch, ch_error *err)
{
    fill_slot *f = &c->slot[slot];
    if (batch->n == 0)
        return CH_OK;
    if (f->n_pending && (f->last_seq != batch->seq || f->pending_rows + batch->n > CHUNK_ROWS))
        CH_TRY(flush(c, f, err));
    f->last_seq = batch->seq;
    if (batch->n > CHUNK_ROWS / 2)
        return add_whole(c, f, batch, err);
    return wait(c, f, batch, err);
}

static int by_seq(const void *x, const void *y)
{
    const ch_chunk *a = *(ch_chunk *const *)x, *b = *(ch_chunk *const *)y;
    if (a->seq != b->seq)
        return a->seq < b->seq ? -1 : 1;
    return a->arrival < b->arrival ? -1 : a->arrival > b->arrival;
}

ch_status ch_cached_fill_end(ch_cached *c, ch_error *err)
{
    for (int s = 0; s < c->n_slots; s++)
        CH_TRY(flush(c, &c->slot[s], err));
    free_slots(c);
    c->chunk = ch_mem_alloc(c->mem, sizeof *c->chunk * (size_t)c->n_chunks, err);
    if (!c->chunk)
        return CH_E_MEMORY;
    c->cap_chunks = c->n_chunks;
    int64_t n = 0;
    for (ch_chunk *k = c->first; k; k = k->next)
        c->chunk[n++] = k;
    if (n)
        qsort(c->chunk, (size_t)n, sizeof *c->chunk, by_seq);
    return CH_OK;
}

ch_status ch_cached_why(ch_cached *c, ch_status status, ch_error *err)
{
    pthread_mutex_lock(&c->lock);
    bool full = c->disk_is_full;
    pthread_mutex_unlock(&c->lock);
    if (status != CH_E_MEMORY || !full)
        return status;
    if (err)
        ch_error_release(err);
    CH_FAIL(err, DISK_FULL, "path", ch_spill_folder(c->spill));
}

void ch_cached_fill_abort(ch_cached *c)
{
    free_slots(c);
    free_chunks(c);
}

/* ---- what there is ------------------------------------------------------------------------- */

const ch_type *ch_cached_schema(const ch_cached *c)
{
    return c->schema;
}

void ch_cached_size_of(ch_cached *c, ch_cached_size *out)
{
    pthread_mutex_lock(&c->lock);
    *out = (ch_cached_size){.rows = c->rows, .chunks = c->n_chunks};
    for (const ch_chunk *k = c->first; k; k = k->next)
        *(k->bytes ? &out->memory_bytes : &out->disk_bytes) += k->n_bytes;
    pthread_mutex_unlock(&c->lock);
}

ch_status ch_cached_statistics(ch_cached *c, ch_arena *arena, ch_table_statistics *out,
                               ch_error *err)
{
    int32_t n = c->schema->n_fields;
    *out = (ch_table_statistics){.rows = c->rows, .n_columns = n};
    CH_ARENA_ARRAY(out->column, arena, n + 1, err);
    for (int32_t i = 0; i < n; i++) {
        ch_column_statistics *s = &out->column[i];
        ch_bounds all = {0};
        *s = (ch_column_statistics){.n_distinct = -1};
        for (int64_t k = 0; k < c->n_chunks; k++) {
            const ch_chunk_part *p = &c->chunk[k]->part[i];
            s->bytes += p->n_bytes;
            s->n_null += p->bounds.n_null;
            ch_bounds_widen(&all, &p->bounds);
        }
        s->has_range = all.has_min && all.has_max;
        s->min = all.min;
        s->max = all.max;
    }
    return CH_OK;
}
