/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_skip.c - row groups and pages that no filter lets through.
 *
 *   statistics of the chunk  ─▶  bloom filter, for = and IN  ─▶  dictionary, if all pages use it
 *   then, page by page, the column index; its rows by the offset index
 *
 * Split-block bloom filters: blocks of eight 32-bit words; the upper half of a value's xxHash64 chooses
 * the block, the lower half one bit in each word (Putze et al., 2007; parquet-format's BloomFilter.md).
 */
#include <xxhash.h>

#include "format/parquet_scan.h"

#define BLOOM_MOST ((int64_t)128 << 20)
#define BLOOM_HEADER 64
#define DICTIONARY_MOST ((int64_t)1 << 20) /* longer ones are not tested beforehand */

/* ---- bloom filters ------------------------------------------------------------------------- */

typedef struct bloom {
    ch_pq_file *file;
    int64_t at;        /* of the blocks, in the file */
    uint64_t n_blocks; /* 0: there is none that we know */
} bloom;

static ch_status open_bloom(ch_pq_file *file, const ch_pq_column_meta *meta, ch_arena *arena,
                            bloom *out, ch_error *err)
{
    int64_t got;
    size_t used;
    ch_pq_bloom_header h;
    uint8_t bytes[BLOOM_HEADER];
    *out = (bloom){.file = file};
    if (!ch_thrift_has(meta, CH_PQ_COLUMN_BLOOM_OFFSET) || meta->bloom_filter_offset < 4 ||
        meta->bloom_filter_offset > file->bytes - BLOOM_HEADER)
        return CH_OK;
    CH_TRY(ch_input_read(file->in, bytes, BLOOM_HEADER, meta->bloom_filter_offset, &got, err));
    ch_error why = {0};
    ch_status status = ch_thrift_read(&ch_pq_bloom_header_thrift, bytes, (size_t)got, &used, arena,
                                      &h, file->path, &why);
    if (status == CH_E_MEMORY)
        return ch_error_pass(err, &why);
    ch_error_release(&why);
    if (status != CH_OK || h.num_bytes < 32 || h.num_bytes % 32 || h.num_bytes > BLOOM_MOST ||
        !h.algorithm || !ch_thrift_has(h.algorithm, 1) || !h.hash || !ch_thrift_has(h.hash, 1) ||
        !h.compression || !ch_thrift_has(h.compression, 1))
        return CH_OK;
    out->at = meta->bloom_filter_offset + (int64_t)used;
    if (out->at + h.num_bytes <= file->bytes)
        out->n_blocks = (uint64_t)h.num_bytes / 32;
    return CH_OK;
}

/* A value's bytes as PLAIN stores them, in `some` where it is no text. False: not that simple. */
static bool plain_bytes(const ch_pq_wanted *leaf, const ch_scalar *v, char some[8],
                        ch_thrift_bytes *out)
{
    ch_pq_conversion c;
    if (!ch_pq_conversion_find(leaf->node, leaf->type, &c))
        return false;
    *out = (ch_thrift_bytes){some, c.in_width};
    if (c.is_byte_array && !c.run && !leaf->type->collation) {
        *out = (ch_thrift_bytes){v->v.str.text, v->v.str.len};
        return true;
    }
    bool same = !c.run || leaf->type->id == CH_BYTE || leaf->type->id == CH_SHORT;
    if (!same || ch_type_is_view(leaf->type) || v->type->id == CH_BOOLEAN)
        return false;
    if (leaf->type->id == CH_FLOAT || leaf->type->id == CH_DOUBLE) {
        float f = (float)v->v.f64;
        if (v->v.f64 == 0 || v->v.f64 != v->v.f64)
            return false; /* more than one form is equal */
        memcpy(some, c.in_width == 4 ? (const void *)&f : (const void *)&v->v.f64,
               (size_t)c.in_width);
        return true;
    }
    int32_t i32 = (int32_t)v->v.i64;
    memcpy(some, c.in_width == 4 ? (const void *)&i32 : (const void *)&v->v.i64,
           (size_t)c.in_width);
    return c.in_width == 4 || c.in_width == 8;
}

static ch_status may_hold(const bloom *b, ch_thrift_bytes value, bool *out, ch_error *err)
{
    static const uint32_t SALT[8] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                     0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
    uint32_t block[8];
    int64_t got;
    uint64_t hash = XXH64(value.text, (size_t)value.len, 0);
    uint64_t which = (hash >> 32) * b->n_blocks >> 32;
    *out = true;
    CH_TRY(ch_input_read(b->file->in, block, 32, b->at + (int64_t)which * 32, &got, err));
    if (got < 32)
        return CH_OK;
    for (int i = 0; i < 8; i++)
        if (!(block[i] >> ((uint32_t)hash * SALT[i] >> 27) & 1))
            *out = false;
    return CH_OK;
}

static ch_status bloom_excludes(ch_pq_slot *slot, const ch_pq_wanted *leaf,
                                const ch_pq_column_meta *meta, const ch_predicate *p, bool *out,
                                ch_error *err)
{
    bloom b;
    bool held = false;
    *out = false;
    if (p->op != CH_PRED_EQ && p->op != CH_PRED_IN &&
        !(p->op == CH_PRED_EQ_NULL_SAFE && !p->value->is_null))
        return CH_OK;
    CH_TRY(open_bloom(slot->file, meta, &slot->arena, &b, err));
    if (!b.n_blocks)
        return CH_OK;
    for (int32_t i = 0; i < p->n_values && !held; i++) {
        char some[8];
        ch_thrift_bytes bytes;
        if (p->value[i].is_null)
            continue;
        held = true;
        if (plain_bytes(leaf, &p->value[i], some, &bytes))
            CH_TRY(may_hold(&b, bytes, &held, err));
    }
    *out = !held;
    return CH_OK;
}

/* ---- dictionaries -------------------------------------------------------------------------- */

static ch_status dictionary_excludes(ch_pq_scan *s, ch_pq_slot *slot, const ch_pq_filter *f,
                                     ch_pq_leaf *leaf, bool *out, ch_error *err)
{
    ch_column *dictionary;
    *out = false;
    if (f->predicate &&
        (f->predicate->op == CH_PRED_IS_NULL || f->predicate->op == CH_PRED_IS_NOT_NULL ||
         !ch_pq_testable(f->predicate) ||
         (f->predicate->op == CH_PRED_EQ_NULL_SAFE && f->predicate->value->is_null)))
        return CH_OK;
    CH_TRY(ch_pq_leaf_dictionary(leaf, &dictionary, err));
    if (!dictionary || dictionary->rows == 0 || dictionary->rows > DICTIONARY_MOST)
        return CH_OK;
    uint64_t *keep = ch_arena_alloc(&slot->arena, (size_t)ch_bit_bytes(dictionary->rows), err);
    if (!keep)
        return CH_E_MEMORY;
    ch_bits_fill(keep, dictionary->rows, true);
    if (f->predicate)
        CH_TRY(ch_pq_test(f->predicate, dictionary, keep, s->ctx.mem, err));
    else
        CH_TRY(ch_runtime_filter_test(f->runtime, dictionary, keep, s->ctx.mem, err));
    *out = ch_bits_count(keep, dictionary->rows) == 0;
    return CH_OK;
}

/* ---- row groups ---------------------------------------------------------------------------- */

static bool is_live(const ch_pq_filter *f)
{
    return !f->runtime || ch_runtime_filter_useful(f->runtime);
}

static bool excludes(const ch_pq_filter *f, const ch_bounds *b)
{
    return f->predicate ? ch_bounds_exclude(b, f->predicate)
                        : ch_bounds_exclude_runtime(b, f->runtime);
}

ch_status ch_pq_skip_group(ch_pq_scan *s, ch_pq_slot *slot, bool *out, ch_error *err)
{
    const ch_pq_row_group *group = ch_pq_group(slot->file, slot->group);
    *out = false;
    for (int32_t i = 0; i < s->n_filters && !*out; i++) {
        const ch_pq_filter *f = &s->filter[i];
        const ch_pq_wanted *leaf = ch_pq_plain_leaf(slot->file, f->at);
        if (!leaf || !is_live(f))
            continue;
        const ch_pq_column_meta *meta = ch_pq_group_chunk(group, leaf->node->leaf)->meta;
        ch_bounds b;
        if (!meta)
            continue;
        ch_pq_bounds_of_chunk(slot->file, leaf, meta, &b);
        ch_bounds_settle(&b);
        *out = excludes(f, &b);
        if (!*out && f->predicate)
            CH_TRY(bloom_excludes(slot, leaf, meta, f->predicate, out, err));
    }
    for (int32_t i = 0; i < s->n_filters && !*out; i++) {
        const ch_pq_filter *f = &s->filter[i];
        if (ch_pq_plain_leaf(slot->file, f->at) && is_live(f))
            CH_TRY(dictionary_excludes(s, slot, f, &slot->leaf[slot->file->shape[f->at].leaf], out,
                                       err));
    }
    return CH_OK;
}

/* ---- pages --------------------------------------------------------------------------------- */

/* Bounds of page i; false: the index is not what it should be. */
static bool page_bounds(const ch_pq_file *file, const ch_pq_wanted *leaf,
                        const ch_pq_column_index *c, int32_t i, int64_t rows, ch_bounds *b)
{
    *b = (ch_bounds){.n_null = -1, .n = rows};
    if (c->null_counts.n > i)
        b->n_null = ((const int64_t *)c->null_counts.item)[i];
    if (((const bool *)c->null_pages.item)[i]) {
        b->n_null = rows;
        return true;
    }
    if (b->n_null == rows || b->n_null < 0)
        b->n_null = -1; /* says that there are values */
    CH_UNUSED(file);
    b->has_min =
        ch_pq_bound_scalar(leaf, ((const ch_thrift_bytes *)c->min_values.item)[i], &b->min);
    b->has_max =
        ch_pq_bound_scalar(leaf, ((const ch_thrift_bytes *)c->max_values.item)[i], &b->max);
    ch_bounds_settle(b);
    return true;
}

/* Takes rows [from, to) out of the ranges, in place; there is room for one more. */
static void subtract(ch_pq_slot *slot, int64_t from, int64_t to)
{
    for (int32_t i = 0; i < slot->n_ranges; i++) {
        ch_pq_range *r = &slot->range[i];
        if (r->to <= from || r->from >= to)
            continue;
        if (r->from < from && r->to > to) {
            memmove(r + 1, r, sizeof *r * (size_t)(slot->n_ranges - i));
            slot->n_ranges++;
            r[0].to = from;
            r[1].from = to;
            return;
        }
        if (r->from < from) {
            r->to = from;
        } else if (r->to > to) {
            r->from = to;
        } else {
            memmove(r, r + 1, sizeof *r * (size_t)(slot->n_ranges - i - 1));
            slot->n_ranges--;
            i--;
        }
    }
}

static ch_status skip_by(ch_pq_slot *slot, const ch_pq_filter *f, const ch_pq_wanted *leaf,
                         const ch_pq_chunk *chunk, int64_t n_rows, ch_error *err)
{
    void *at;
    CH_TRY(ch_pq_file_index(slot->file, chunk->column_index_offset, chunk->column_index_length,
                            &ch_pq_column_index_thrift, &slot->arena, &at, err));
    const ch_pq_column_index *c = at;
    if (!c)
        return CH_OK;
    CH_TRY(ch_pq_file_index(slot->file, chunk->offset_index_offset, chunk->offset_index_length,
                            &ch_pq_offset_index_thrift, &slot->arena, &at, err));
    const ch_pq_offset_index *o = at;
    int32_t n = o ? o->locations.n : 0;
    if (c->null_pages.n != n || c->min_values.n != n || c->max_values.n != n || n == 0)
        return CH_OK;
    const ch_pq_page_location *l = o->locations.item;
    for (int32_t i = 0; i < n; i++) /* unsound indexes prove nothing */
        if (l[i].first_row < 0 || l[i].first_row >= n_rows ||
            (i ? l[i].first_row <= l[i - 1].first_row : l[i].first_row != 0))
            return CH_OK;
    ch_pq_range *room;
    CH_ARENA_ARRAY(room, &slot->arena, slot->n_ranges + n + 1, err);
    memcpy(room, slot->range, sizeof *room * (size_t)slot->n_ranges);
    slot->range = room;
    for (int32_t i = 0; i < n; i++) {
        int64_t to = i + 1 < n ? l[i + 1].first_row : n_rows;
        ch_bounds b;
        if (page_bounds(slot->file, leaf, c, i, to - l[i].first_row, &b) && excludes(f, &b))
            subtract(slot, l[i].first_row, to);
    }
    return CH_OK;
}

ch_status ch_pq_skip_pages(ch_pq_scan *s, ch_pq_slot *slot, int64_t from, int64_t to, ch_error *err)
{
    const ch_pq_row_group *group = ch_pq_group(slot->file, slot->group);
    CH_ARENA_NEW(slot->range, &slot->arena, err);
    slot->range[0] = (ch_pq_range){from, to};
    slot->n_ranges = from < to;
    for (int32_t i = 0; i < s->n_filters && slot->n_ranges; i++) {
        const ch_pq_filter *f = &s->filter[i];
        const ch_pq_wanted *leaf = ch_pq_plain_leaf(slot->file, f->at);
        if (!leaf || !is_live(f))
            continue;
        const ch_pq_chunk *chunk = ch_pq_group_chunk(group, leaf->node->leaf);
        if (ch_thrift_has(chunk, CH_PQ_CHUNK_COLUMN_INDEX_OFFSET) &&
            ch_thrift_has(chunk, CH_PQ_CHUNK_COLUMN_INDEX_LENGTH) &&
            ch_thrift_has(chunk, CH_PQ_CHUNK_OFFSET_INDEX_OFFSET) &&
            ch_thrift_has(chunk, CH_PQ_CHUNK_OFFSET_INDEX_LENGTH) && slot->file->has_type_order)
            CH_TRY(skip_by(slot, f, leaf, chunk, group->num_rows, err));
    }
    return CH_OK;
}
