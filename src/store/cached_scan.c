/* SPDX-License-Identifier: Apache-2.0 */
/* cached_scan.c - kept rows as a source: one chunk is a morsel of one batch. */
#include "base/clock.h"
#include "store/cached_chunk.h"

typedef struct narrowing {
    int32_t column; /* of the schema */
    const ch_runtime_filter *filter;
} narrowing;

typedef struct scan_slot {
    int64_t chunk; /* -1: given already */
    ch_block block;
} scan_slot;

typedef struct cached_scan {
    ch_scan scan;
    ch_cached *cached; /* owned reference */
    ch_cached_spec spec;
    narrowing *narrowing;
    int32_t n_narrowing;
    _Atomic int64_t next, n_skipped, rows;
    scan_slot slot[];
} cached_scan;

static bool refuted(const cached_scan *s, const ch_chunk *chunk)
{
    for (int32_t i = 0; i < s->spec.n_predicates; i++) {
        const ch_predicate *p = &s->spec.predicate[i];
        if (ch_bounds_exclude(&chunk->part[p->column].bounds, p))
            return true;
    }
    for (int32_t i = 0; i < s->n_narrowing; i++) {
        const narrowing *n = &s->narrowing[i];
        if (ch_bounds_exclude_runtime(&chunk->part[n->column].bounds, n->filter))
            return true;
    }
    return false;
}

static ch_status scan_begin(ch_scan *scan, int slot, bool *more, ch_error *err)
{
    cached_scan *s = (cached_scan *)scan;
    CH_UNUSED(err);
    *more = false;
    while (!s->scan.stop) {
        int64_t at = atomic_fetch_add(&s->next, 1);
        if (at >= s->cached->n_chunks)
            break;
        if (refuted(s, s->cached->chunk[at])) {
            atomic_fetch_add(&s->n_skipped, 1);
            continue;
        }
        s->slot[slot].chunk = at;
        *more = true;
        break;
    }
    return CH_OK;
}

/* Bytes of one column of a chunk that is on disk. */
static ch_status read_part(cached_scan *s, const ch_chunk *chunk, const ch_chunk_part *p,
                           const ch_type *type, ch_block *block, ch_column **out, ch_error *err)
{
    uint8_t *bytes = ch_mem_alloc(s->spec.mem, (size_t)p->n_bytes, err);
    if (!bytes)
        return CH_E_MEMORY;
    ch_status status = ch_spill_read(s->cached->spill, chunk->at + p->at, bytes, p->n_bytes, err);
    if (status == CH_OK)
        status = ch_unpack(bytes, type, block, s->spec.mem, out, err);
    ch_mem_free(s->spec.mem, bytes, (size_t)p->n_bytes);
    return status;
}

static ch_status fill(cached_scan *s, const ch_chunk *chunk, const ch_buffer *bytes,
                      ch_block *block, ch_batch *out, ch_error *err)
{
    for (int32_t i = 0; i < s->spec.n_wanted; i++) {
        int32_t c = s->spec.wanted[i];
        const ch_chunk_part *p = &chunk->part[c];
        const ch_type *type = s->cached->schema->field[c].type;
        if (bytes)
            CH_TRY(ch_unpack(bytes->data + p->at, type, block, s->spec.mem, &out->col[i], err));
        else
            CH_TRY(read_part(s, chunk, p, type, block, &out->col[i], err));
    }
    return CH_OK;
}

static ch_status scan_next(ch_scan *scan, int slot, ch_batch *out, ch_error *err)
{
    cached_scan *s = (cached_scan *)scan;
    ch_cached *c = s->cached;
    int64_t at = s->slot[slot].chunk;
    if (at < 0)
        return ch_batch_init(out, s->spec.mem, s->spec.n_wanted, 0, err);
    s->slot[slot].chunk = -1;
    const ch_chunk *chunk = c->chunk[at];
    CH_TRY(ch_batch_init(out, s->spec.mem, s->spec.n_wanted, chunk->rows, err));
    out->seq = (uint64_t)at << 32;
    pthread_mutex_lock(&c->lock);
    ch_buffer *bytes = ch_buffer_ref(chunk->bytes);
    pthread_mutex_unlock(&c->lock);
    ch_status status = fill(s, chunk, bytes, &s->slot[slot].block, out, err);
    ch_buffer_unref(bytes);
    if (status != CH_OK)
        ch_batch_release(out);
    atomic_fetch_add_explicit(&s->rows, chunk->rows, memory_order_relaxed);
    return status;
}

static ch_status scan_narrow(ch_scan *scan, int32_t at, ch_runtime_filter *filter, bool *all,
                             ch_error *err)
{
    cached_scan *s = (cached_scan *)scan;
    *all = false;
    if (!s->narrowing) {
        s->narrowing =
            ch_mem_alloc(s->spec.mem, sizeof *s->narrowing * (size_t)s->spec.n_wanted, err);
        if (!s->narrowing)
            return CH_E_MEMORY;
    }
    if (s->n_narrowing < s->spec.n_wanted)
        s->narrowing[s->n_narrowing++] = (narrowing){s->spec.wanted[at], filter};
    return CH_OK;
}

static void scan_progress(const ch_scan *scan, ch_scan_progress *out)
{
    const cached_scan *s = (const cached_scan *)scan;
    *out = (ch_scan_progress){.rows = s->rows};
}

static void scan_close(ch_scan *scan)
{
    cached_scan *s = (cached_scan *)scan;
    ch_mem *mem = s->spec.mem;
    for (int i = 0; i < s->spec.n_slots; i++)
        ch_block_release(&s->slot[i].block);
    ch_mem_free(mem, s->narrowing, sizeof *s->narrowing * (size_t)s->spec.n_wanted);
    ch_cached_unref(s->cached);
    ch_mem_free(mem, s, sizeof *s + sizeof *s->slot * (size_t)s->spec.n_slots);
}

static const ch_scan_class CLASS = {.name = "cache",
                                    .begin = scan_begin,
                                    .next = scan_next,
                                    .narrow = scan_narrow,
                                    .progress = scan_progress,
                                    .close = scan_close};

ch_status ch_cached_scan(ch_cached *cached, const ch_cached_spec *spec, ch_scan **out,
                         ch_error *err)
{
    *out = NULL;
    cached_scan *s =
        ch_mem_zalloc(spec->mem, sizeof *s + sizeof *s->slot * (size_t)spec->n_slots, err);
    if (!s)
        return CH_E_MEMORY;
    s->scan.cls = &CLASS;
    s->scan.n_morsels = cached->n_chunks;
    s->cached = ch_cached_ref(cached);
    s->spec = *spec;
    for (int i = 0; i < spec->n_slots; i++) {
        s->slot[i].chunk = -1;
        ch_block_init(&s->slot[i].block, spec->mem);
    }
    atomic_store(&cached->reclaimer.last_used, ch_tick_ns());
    *out = &s->scan;
    return CH_OK;
}

void ch_cached_scan_chunks(const ch_scan *scan, int64_t *n, int64_t *n_skipped)
{
    const cached_scan *s = (const cached_scan *)scan;
    *n = s->cached->n_chunks;
    *n_skipped = s->n_skipped;
}
