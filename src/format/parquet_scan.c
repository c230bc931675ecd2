/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_scan.c - row groups as morsels, batches out of leaves, filter columns first.
 */
#include "format/parquet_scan.h"

#define WINDOW_MOST ((int64_t)256 << 10)
#define WINDOW_LEAST ((int64_t)16 << 10)
/* A part of a row group has at least this many rows. */
#define PIECE_ROWS ((int64_t)64 << 10)
/* After so many rows a filter that lets nearly all through is not asked any more. */
#define ENOUGH_ROWS ((int64_t)64 << 10)
/* Of a batch of long rows. */
#define BATCH_BYTES ((int64_t)2 << 20)
#define LEAST_ROWS 64

/* ---- files --------------------------------------------------------------------------------- */

static int64_t window_bytes(const ch_pq_scan *s, int32_t n_leaves)
{
    int64_t share = ch_mem_available(s->ctx.mem) / 16 / s->n_slots / (n_leaves + 1);
    return share > WINDOW_MOST ? WINDOW_MOST : share < WINDOW_LEAST ? WINDOW_LEAST : share;
}

static void drop_leaves(ch_pq_scan *s, ch_pq_slot *slot)
{
    for (int32_t i = 0; i < slot->n_leaves; i++) {
        ch_pq_leaf_release(&slot->leaf[i]);
        ch_column_unref(slot->values[i]);
    }
    ch_mem_free(s->ctx.mem, slot->leaf, sizeof *slot->leaf * (size_t)slot->n_leaves);
    ch_mem_free(s->ctx.mem, slot->values, sizeof *slot->values * (size_t)slot->n_leaves);
    slot->leaf = NULL;
    slot->values = NULL;
    slot->n_leaves = 0;
    ch_pq_file_unref(slot->file);
    slot->file = NULL;
}

/* The slot reads from this file from now on (takes the reference). */
static ch_status use_file(ch_pq_scan *s, ch_pq_slot *slot, ch_pq_file *file, ch_error *err)
{
    if (slot->file == file) {
        ch_pq_file_unref(file);
        return CH_OK;
    }
    drop_leaves(s, slot);
    slot->file = file;
    size_t n = (size_t)file->n_wanted;
    slot->leaf = ch_mem_zalloc(s->ctx.mem, sizeof *slot->leaf * n, err);
    slot->values = slot->leaf ? ch_mem_zalloc(s->ctx.mem, sizeof *slot->values * n, err) : NULL;
    if (!slot->values) {
        ch_mem_free(s->ctx.mem, slot->leaf, sizeof *slot->leaf * n);
        slot->leaf = NULL;
        return CH_E_MEMORY;
    }
    slot->n_leaves = file->n_wanted;
    for (int32_t i = 0; i < slot->n_leaves; i++) {
        const ch_pq_wanted *w = &file->wanted[i];
        CH_TRY(ch_pq_leaf_init(&slot->leaf[i], w->node, w->type, w->slot_def, w->is_top, file->path,
                               s->ctx.mem, err));
        if (file->is_old_calendar || s->options.legacy_dates) {
            if (w->type->id == CH_DATE)
                slot->leaf[i].conversion.oldest = -141427;
            else if (w->type->id == CH_TIMESTAMP)
                slot->leaf[i].conversion.oldest = INT64_C(-2208988800000000);
        }
    }
    slot->io = (ch_pq_io){.in = file->in,
                          .path = file->path,
                          .file_bytes = file->bytes,
                          .mem = s->ctx.mem,
                          .block = &slot->block,
                          .window_bytes = window_bytes(s, file->n_wanted)};
    return CH_OK;
}

ch_status ch_pq_scan_file(ch_pq_scan *s, int32_t no, ch_pq_file **out, ch_error *err)
{
    CH_TRY(ch_pq_file_open(s->ctx.mem, &s->spec.file[no], out, err));
    ch_status status =
        ch_pq_file_bind(*out, s->spec.schema, s->spec.wanted, s->spec.n_wanted, &s->options, err);
    if (status != CH_OK)
        ch_pq_file_unref(*out);
    return status;
}

/* Few row groups: parts of them, about two for each thread. */
int64_t ch_pq_piece_rows(const ch_pq_scan *s, int64_t n_groups, int64_t n_rows)
{
    int64_t slots = s->ctx.cut_slots > 0 ? s->ctx.cut_slots : s->n_slots;
    if (n_groups == 0 || n_groups >= 2 * slots || slots <= 1)
        return INT64_MAX;
    int64_t rows = n_rows / n_groups / ((2 * slots + n_groups - 1) / n_groups);
    rows -= rows % CH_BATCH_ROWS;
    return rows < PIECE_ROWS ? PIECE_ROWS : rows;
}

static ch_status open_next(ch_pq_scan *s, ch_error *err)
{
    ch_pq_file *file;
    CH_TRY(ch_pq_scan_file(s, s->next_file++, &file, err));
    s->file = file;
    s->next_group = 0;
    s->next_row = 0;
    s->piece_rows = ch_pq_piece_rows(s, (int64_t)file->meta.row_groups.n * s->spec.n_files,
                                     file->meta.num_rows * s->spec.n_files);
    return CH_OK;
}

/* ---- morsels ------------------------------------------------------------------------------- */

typedef struct claim {
    ch_pq_file *file; /* a reference */
    int32_t file_no, group;
    int64_t from, to;
    uint64_t number;
} claim;

int64_t ch_pq_piece(const ch_pq_scan *s, int64_t left)
{
    if (left > s->piece_rows && left - s->piece_rows >= PIECE_ROWS)
        return s->piece_rows;
    return left / 2 < s->piece_rows ? left
                                    : s->piece_rows; /* a rest that is too small goes along */
}

static ch_status claim_turn(ch_pq_scan *s, claim *c, ch_error *err)
{
    while (s->at_turn < s->n_turns) {
        ch_pq_turn *t = &((ch_pq_turn *)s->turns.data)[s->at_turn];
        if (s->next_row >= t->rows || ch_bounds_exclude_runtime(&t->bounds, s->by->runtime)) {
            s->at_turn++;
            s->next_row = 0;
            continue;
        }
        if (!s->file || s->open_no != t->file_no) {
            ch_pq_file_unref(s->file);
            s->file = NULL;
            CH_TRY(ch_pq_scan_file(s, t->file_no, &s->file, err));
            s->open_no = t->file_no;
        }
        int64_t take = ch_pq_piece(s, t->rows - s->next_row);
        *c = (claim){ch_pq_file_ref(s->file), t->file_no, t->group, s->next_row,
                     s->next_row + take,      t->number++};
        s->next_row += take;
        return CH_OK;
    }
    return CH_OK;
}

/* Once, when all filters are known. What is wrong with a file is told when its turn comes. */
static ch_status choose_order(ch_pq_scan *s, ch_error *err)
{
    const ch_pq_filter *by = s->begun ? NULL : ch_pq_bound_filter(s);
    ch_error own = {0};
    s->begun = true;
    if (!by)
        return CH_OK;
    ch_status status = ch_pq_turns_make(s, by, &own);
    if (status == CH_E_MEMORY || status == CH_E_CANCELLED)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    s->by = status == CH_OK ? by : NULL;
    return CH_OK;
}

static ch_status claim_locked(ch_pq_scan *s, claim *c, ch_error *err)
{
    CH_TRY(choose_order(s, err));
    if (s->by)
        return claim_turn(s, c, err);
    for (;;) {
        if (s->file && s->next_group < s->file->meta.row_groups.n) {
            int64_t rows = ch_pq_group(s->file, s->next_group)->num_rows;
            int64_t take = ch_pq_piece(s, rows - s->next_row);
            *c = (claim){ch_pq_file_ref(s->file), s->next_file - 1, s->next_group, s->next_row,
                         s->next_row + take,      s->n_claimed++};
            s->next_row += take;
            if (s->next_row >= rows) {
                s->next_group++;
                s->next_row = 0;
            }
            if (take > 0)
                return CH_OK;
            ch_pq_file_unref(c->file);
            c->file = NULL;
            continue;
        }
        ch_pq_file_unref(s->file);
        s->file = NULL;
        if (s->next_file >= s->spec.n_files)
            return CH_OK;
        ch_error own = {0};
        ch_status status = open_next(s, &own);
        bool ignored =
            (s->ctx.ignore_missing_files && status == CH_E_PATH_NOT_FOUND) ||
            (s->ctx.ignore_corrupt_files && (status == CH_E_CORRUPT_FILE || status == CH_E_IO));
        if (status != CH_OK && !ignored)
            return ch_error_pass(err, &own);
        ch_error_release(&own);
    }
}

static bool is_enough(const ch_pq_scan *s)
{
    return s->head.stop || (s->spec.limit >= 0 && s->n_filters == 0 &&
                            atomic_load_explicit(&s->rows, memory_order_relaxed) >= s->spec.limit);
}

/*
 * Rows of a batch: as many as are usual, but where rows are long no more than fit into the cache in which the next
 * operators look for them; and that memory is then used again by the next batch. bytes: of the row group.
 */
static int64_t batch_rows(const ch_pq_scan *s, const ch_pq_row_group *group, double bytes)
{
    double rows = (double)s->ctx.batch_rows, fit = rows;
    if (bytes > 0 && group->num_rows > 0)
        fit = (double)BATCH_BYTES * (double)group->num_rows / bytes;
    fit = fit < LEAST_ROWS ? LEAST_ROWS : fit;
    return (int64_t)(fit < rows ? fit : rows);
}

/* The leaves at the beginning of the row group. */
static ch_status open_leaves(const ch_pq_scan *s, ch_pq_slot *slot, ch_error *err)
{
    const ch_pq_row_group *group = ch_pq_group(slot->file, slot->group);
    double bytes = 0;
    for (int32_t i = 0; i < slot->n_leaves; i++) {
        const ch_pq_chunk *chunk = ch_pq_group_chunk(group, slot->file->wanted[i].node->leaf);
        CH_TRY(ch_pq_leaf_open(&slot->leaf[i], &slot->io, chunk, group->num_rows, err));
        bytes += (double)chunk->meta->uncompressed_bytes;
    }
    slot->most = batch_rows(s, group, bytes);
    return CH_OK;
}

/* Where pages are, for leaves that will not be read from beginning to end. */
static ch_status locate_pages(ch_pq_slot *slot, ch_error *err)
{
    const ch_pq_row_group *group = ch_pq_group(slot->file, slot->group);
    if (slot->n_ranges == 1 && slot->range[0].from == 0)
        return CH_OK;
    for (int32_t i = 0; i < slot->n_leaves; i++) {
        const ch_pq_chunk *chunk = ch_pq_group_chunk(group, slot->file->wanted[i].node->leaf);
        void *index;
        if (!ch_thrift_has(chunk, CH_PQ_CHUNK_OFFSET_INDEX_OFFSET) ||
            !ch_thrift_has(chunk, CH_PQ_CHUNK_OFFSET_INDEX_LENGTH))
            continue;
        CH_TRY(ch_pq_file_index(slot->file, chunk->offset_index_offset, chunk->offset_index_length,
                                &ch_pq_offset_index_thrift, &slot->arena, &index, err));
        if (index)
            ch_pq_leaf_locate(&slot->leaf[i], index);
    }
    return CH_OK;
}

static void end_morsel(ch_pq_scan *s, ch_pq_slot *slot)
{
    for (int32_t i = 0; i < slot->n_leaves; i++)
        ch_pq_leaf_close(&slot->leaf[i]);
    slot->n_ranges = slot->at_range = 0;
    slot->range = NULL;
    ch_arena_reset(&slot->arena);
    atomic_fetch_add_explicit(&s->bytes_done, slot->bytes, memory_order_relaxed);
    slot->bytes = 0;
}

static ch_status begin_morsel(ch_pq_scan *s, ch_pq_slot *slot, const claim *c, bool *any,
                              ch_error *err)
{
    bool excluded = false;
    *any = false;
    slot->file_no = c->file_no;
    slot->group = c->group;
    slot->morsel = c->number;
    slot->n_batches = 0;
    CH_TRY(use_file(s, slot, c->file, err));
    slot->io.row_group = c->group;
    const ch_pq_row_group *group = ch_pq_group(slot->file, c->group);
    slot->bytes = s->spec.file[c->file_no].bytes / slot->file->meta.row_groups.n;
    if (c->to - c->from < group->num_rows)
        slot->bytes =
            (int64_t)((double)slot->bytes * (double)(c->to - c->from) / (double)group->num_rows);
    CH_TRY(open_leaves(s, slot, err));
    if (s->n_filters)
        CH_TRY(ch_pq_skip_group(s, slot, &excluded, err));
    if (excluded)
        return CH_OK;
    CH_TRY(ch_pq_skip_pages(s, slot, c->from, c->to, err));
    if (slot->n_ranges == 0)
        return CH_OK;
    CH_TRY(locate_pages(slot, err));
    slot->row = 0;
    *any = true;
    return CH_OK;
}

static ch_status begin(ch_scan *scan, int index, bool *more, ch_error *err)
{
    ch_pq_scan *s = (ch_pq_scan *)scan;
    ch_pq_slot *slot = &s->slot[index];
    *more = false;
    end_morsel(s, slot);
    while (!*more && !is_enough(s)) {
        claim c = {0};
        pthread_mutex_lock(&s->lock);
        ch_status status = claim_locked(s, &c, err);
        pthread_mutex_unlock(&s->lock);
        if (status != CH_OK || !c.file)
            return status;
        ch_error own = {0};
        status = begin_morsel(s, slot, &c, more, &own);
        if (status != CH_OK && !(s->ctx.ignore_corrupt_files && status == CH_E_CORRUPT_FILE))
            return ch_error_pass(err, &own);
        ch_error_release(&own);
        if (!*more)
            end_morsel(s, slot);
    }
    return CH_OK;
}

/* ---- batches ------------------------------------------------------------------------------- */

static ch_status read_column(ch_pq_scan *s, ch_pq_slot *slot, int32_t at, int64_t n,
                             ch_column **out, ch_error *err)
{
    const ch_pq_shape *shape = &slot->file->shape[at];
    *out = NULL;
    if (shape->kind == CH_PQ_SHAPE_MISSING)
        return ch_column_nulls(s->ctx.mem, shape->type, n, out, err);
    if (shape->kind == CH_PQ_SHAPE_LEAF)
        return ch_pq_leaf_read(&slot->leaf[shape->leaf], n, out, err);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < shape->n_leaves && status == CH_OK; i++)
        status =
            ch_pq_leaf_read(&slot->leaf[shape->leaf + i], n, &slot->values[shape->leaf + i], err);
    if (status == CH_OK)
        status = ch_pq_nested_build(shape, slot->leaf, slot->values, n, s->ctx.mem, out, err);
    for (int32_t i = 0; i < shape->n_leaves; i++) {
        ch_column_unref(slot->values[shape->leaf + i]);
        slot->values[shape->leaf + i] = NULL;
    }
    return status;
}

static void skip_column(ch_pq_slot *slot, int32_t at, int64_t n)
{
    const ch_pq_shape *shape = &slot->file->shape[at];
    for (int32_t i = 0; i < shape->n_leaves; i++)
        ch_pq_leaf_skip(&slot->leaf[shape->leaf + i], n);
}

static bool is_worth_asking(ch_pq_filter *f)
{
    if (f->runtime)
        return ch_runtime_filter_useful(f->runtime);
    int64_t asked = atomic_load_explicit(&f->asked, memory_order_relaxed);
    int64_t kept = atomic_load_explicit(&f->kept, memory_order_relaxed);
    return asked < ENOUGH_ROWS || kept < asked - asked / 8;
}

/* Reads the columns of filters into batch and tests their rows; *n_kept tells how many are left. */
static ch_status apply_filters(ch_pq_scan *s, ch_pq_slot *slot, ch_batch *batch, uint64_t *keep,
                               bool *tested, int64_t *n_kept, ch_error *err)
{
    int64_t n = batch->n_full;
    *n_kept = n;
    *tested = false;
    for (int32_t i = 0; i < s->n_filters && *n_kept; i++) {
        ch_pq_filter *f = &s->filter[i];
        if (!is_worth_asking(f))
            continue;
        if (!*tested)
            ch_bits_fill(keep, n, true);
        *tested = true;
        if (!batch->col[f->at])
            CH_TRY(read_column(s, slot, f->at, n, &batch->col[f->at], err));
        if (f->predicate)
            CH_TRY(ch_pq_test(f->predicate, batch->col[f->at], keep, s->ctx.mem, err));
        else
            CH_TRY(ch_runtime_filter_test(f->runtime, batch->col[f->at], keep, s->ctx.mem, err));
        int64_t left = ch_bits_count(keep, n);
        atomic_fetch_add_explicit(&f->asked, *n_kept, memory_order_relaxed);
        atomic_fetch_add_explicit(&f->kept, left, memory_order_relaxed);
        *n_kept = left;
    }
    return CH_OK;
}

/* One batch of n rows; batch->n is 0 where all were filtered out. */
static ch_status read_batch(ch_pq_scan *s, ch_pq_slot *slot, int64_t n, ch_batch *batch,
                            ch_error *err)
{
    int64_t n_kept;
    bool tested;
    ch_status status = CH_OK;
    size_t bytes = (size_t)ch_bit_bytes(n);
    uint64_t *keep = NULL;
    if (s->n_filters) {
        keep = ch_mem_alloc(s->ctx.mem, bytes, err);
        if (!keep)
            return CH_E_MEMORY;
        CH_TRY_OUT(apply_filters(s, slot, batch, keep, &tested, &n_kept, err));
        if (n_kept == 0) {
            for (int32_t c = 0; c < s->spec.n_wanted; c++)
                if (!batch->col[c])
                    skip_column(slot, c, n);
            batch->n = 0;
            goto out;
        }
    }
    for (int32_t c = 0; c < s->spec.n_wanted; c++)
        if (!batch->col[c])
            CH_TRY_OUT(read_column(s, slot, c, n, &batch->col[c], err));
    if (keep && tested && n_kept < n)
        CH_TRY_OUT(ch_batch_filter(batch, keep, err));
out:
    if (keep)
        ch_mem_free(s->ctx.mem, keep, bytes);
    return status;
}

/* The next rows of the ranges: *n of them, 0 at the end; leaves skip what lies between. */
static void next_rows(ch_pq_scan *s, ch_pq_slot *slot, int64_t most, int64_t *n)
{
    *n = 0;
    while (slot->at_range < slot->n_ranges) {
        const ch_pq_range *r = &slot->range[slot->at_range];
        if (slot->row >= r->to) {
            slot->at_range++;
            continue;
        }
        if (slot->row < r->from) {
            for (int32_t c = 0; c < s->spec.n_wanted; c++)
                skip_column(slot, c, r->from - slot->row);
            slot->row = r->from;
        }
        *n = r->to - slot->row < most ? r->to - slot->row : most;
        slot->row += *n;
        return;
    }
}

static ch_status next_batch(ch_pq_scan *s, ch_pq_slot *slot, ch_batch *out, ch_error *err)
{
    int64_t n, most = s->spec.n_wanted ? slot->most : INT32_MAX;
    for (;;) {
        if (is_enough(s))
            return ch_batch_init(out, s->ctx.mem, s->spec.n_wanted, 0, err);
        next_rows(s, slot, most, &n);
        CH_TRY(ch_batch_init(out, s->ctx.mem, s->spec.n_wanted, n, err));
        if (n == 0)
            return CH_OK;
        out->file = slot->file_no;
        out->seq = slot->morsel << 32 | slot->n_batches++;
        ch_status status = read_batch(s, slot, n, out, err);
        if (status == CH_OK && out->n > 0) {
            atomic_fetch_add_explicit(&s->rows, out->n, memory_order_relaxed);
            return CH_OK;
        }
        ch_batch_release(out);
        CH_TRY(status);
    }
}

static ch_status next(ch_scan *scan, int index, ch_batch *out, ch_error *err)
{
    ch_pq_scan *s = (ch_pq_scan *)scan;
    ch_pq_slot *slot = &s->slot[index];
    ch_error own = {0};
    ch_status status = next_batch(s, slot, out, &own);
    if (status == CH_OK)
        return CH_OK;
    if (!(s->ctx.ignore_corrupt_files && status == CH_E_CORRUPT_FILE))
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    slot->at_range = slot->n_ranges;
    return ch_batch_init(out, s->ctx.mem, s->spec.n_wanted, 0, err);
}

/* ---- life ---------------------------------------------------------------------------------- */

static ch_status narrow(ch_scan *scan, int32_t at, ch_runtime_filter *filter, bool *all,
                        ch_error *err)
{
    ch_pq_scan *s = (ch_pq_scan *)scan;
    CH_UNUSED(err);
    *all = false;
    if (s->n_filters == CH_PQ_FILTERS_MAX ||
        ch_type_is_nested(s->spec.schema->field[s->spec.wanted[at]].type))
        return CH_OK;
    s->filter[s->n_filters++] = (ch_pq_filter){.at = at, .runtime = filter};
    return CH_OK;
}

static void progress(const ch_scan *scan, ch_scan_progress *out)
{
    const ch_pq_scan *s = (const ch_pq_scan *)scan;
    *out =
        (ch_scan_progress){.bytes_done = atomic_load_explicit(&s->bytes_done, memory_order_relaxed),
                           .bytes_total = s->bytes_total,
                           .rows = atomic_load_explicit(&s->rows, memory_order_relaxed)};
}

static void close_scan(ch_scan *scan)
{
    ch_pq_scan *s = (ch_pq_scan *)scan;
    ch_mem *mem = s->ctx.mem;
    for (int32_t i = 0; i < s->n_slots; i++) {
        drop_leaves(s, &s->slot[i]);
        ch_block_release(&s->slot[i].block);
        ch_arena_release(&s->slot[i].arena);
    }
    ch_pq_file_unref(s->file);
    ch_buf_release(&s->turns);
    pthread_mutex_destroy(&s->lock);
    ch_mem_free(mem, s, sizeof *s + sizeof s->slot[0] * (size_t)s->n_slots);
}

static const ch_scan_class SCAN = {.name = "parquet",
                                   .begin = begin,
                                   .next = next,
                                   .narrow = narrow,
                                   .progress = progress,
                                   .close = close_scan};

static void add_predicates(ch_pq_scan *s)
{
    for (int32_t i = 0; i < s->spec.n_predicates; i++) {
        const ch_predicate *p = &s->spec.predicate[i];
        for (int32_t at = 0; at < s->spec.n_wanted; at++) {
            if (s->spec.wanted[at] != p->column || s->n_filters == CH_PQ_FILTERS_MAX)
                continue;
            if (!ch_type_is_nested(s->spec.schema->field[p->column].type))
                s->filter[s->n_filters++] = (ch_pq_filter){.at = at, .predicate = p};
            break;
        }
    }
}

ch_status ch_pq_scan_open(const ch_format_context *ctx, const ch_scan_spec *spec, ch_scan **out,
                          ch_error *err)
{
    int32_t n_slots = ctx->n_slots > 0 ? ctx->n_slots : 1;
    size_t bytes = sizeof(ch_pq_scan) + sizeof(ch_pq_slot) * (size_t)n_slots;
    *out = NULL;
    ch_pq_scan *s = ch_mem_zalloc(ctx->mem, bytes, err);
    if (!s)
        return CH_E_MEMORY;
    s->head.cls = &SCAN;
    s->ctx = *ctx;
    s->spec = *spec;
    s->n_slots = n_slots;
    pthread_mutex_init(&s->lock, NULL);
    ch_buf_init(&s->turns, ctx->mem);
    for (int32_t i = 0; i < n_slots; i++) {
        ch_block_init(&s->slot[i].block, ctx->mem);
        ch_arena_init(&s->slot[i].arena, ctx->mem);
    }
    for (int32_t i = 0; i < spec->n_files; i++)
        s->bytes_total += spec->file[i].bytes;
    ch_status status = ch_pq_options_read(ctx, spec->options, &s->options, err);
    if (status != CH_OK) {
        close_scan(&s->head);
        return status;
    }
    add_predicates(s);
    /* One small file is not worth a second thread; more is known when it is open. */
    s->head.n_morsels = s->bytes_total < ((int64_t)1 << 20) ? spec->n_files : 2 * n_slots;
    *out = &s->head;
    return CH_OK;
}
