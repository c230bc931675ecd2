/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_leaf.c - rows out of pages: skipping, NULLs, dictionary indices.
 *
 * Values are stored without the NULLs between them. They are decoded to the front of their
 * rows and then spread backwards by the validity bitmap:
 *
 *   valid   1 0 0 1 1        a b c . .   ─▶   a . . b c
 */
#include "format/parquet_leaf.h"

/* ---- life ---------------------------------------------------------------------------------- */

static ch_status mismatch(const ch_pq_node *node, const ch_type *type, const char *path,
                          ch_mem *mem, ch_error *err)
{
    ch_buf wanted, actual;
    ch_buf_init(&wanted, mem);
    ch_buf_init(&actual, mem);
    ch_status status = ch_type_print(type, &wanted, err);
    if (status == CH_OK)
        status = ch_pq_node_print(node, &actual, err);
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_PARQUET_TYPE_MISMATCH, "path", path, "column", node->name,
                              "expectedType", wanted.data, "actualType", actual.data, (char *)0);
    ch_buf_release(&wanted);
    ch_buf_release(&actual);
    return status;
}

ch_status ch_pq_leaf_init(ch_pq_leaf *leaf, const ch_pq_node *node, const ch_type *type,
                          uint8_t slot_def, bool is_top, const char *path, ch_mem *mem,
                          ch_error *err)
{
    *leaf = (ch_pq_leaf){.node = node,
                         .slot_def = slot_def,
                         .is_flat = node->max_rep == 0 && node->max_def <= 1 && is_top,
                         .is_top = is_top};
    ch_arena_init(&leaf->arena, mem);
    if (!ch_pq_conversion_find(node, type, &leaf->conversion))
        return mismatch(node, type, path, mem, err);
    return CH_OK;
}

void ch_pq_leaf_close(ch_pq_leaf *leaf)
{
    ch_pq_page_drop(leaf);
    ch_column_unref(leaf->dictionary);
    leaf->dictionary = NULL;
    leaf->io = NULL;
    leaf->window_len = 0;
}

void ch_pq_leaf_release(ch_pq_leaf *leaf)
{
    ch_pq_leaf_close(leaf);
    ch_buffer_unref(leaf->window);
    ch_buffer_unref(leaf->spare);
    ch_buffer_unref(leaf->scratch);
    ch_buffer_unref(leaf->level_buf);
    ch_buffer_unref(leaf->def_buf);
    ch_buffer_unref(leaf->rep_buf);
    if (leaf->arena.mem)
        ch_arena_release(&leaf->arena);
    *leaf = (ch_pq_leaf){0};
}

/* Offsets and rows ascend and stay inside the chunk; else the index is not used. */
static bool is_sound(const ch_pq_leaf *leaf, const ch_pq_offset_index *index)
{
    const ch_pq_page_location *l = index->locations.item;
    for (int32_t i = 0; i < index->locations.n; i++) {
        if (l[i].offset < leaf->start || l[i].offset >= leaf->stop || l[i].first_row < 0 ||
            l[i].first_row >= leaf->n_rows)
            return false;
        if (i ? l[i].offset <= l[i - 1].offset || l[i].first_row < l[i - 1].first_row
              : l[i].first_row != 0)
            return false;
    }
    return index->locations.n > 0;
}

void ch_pq_leaf_locate(ch_pq_leaf *leaf, const ch_pq_offset_index *index)
{
    if (!is_sound(leaf, index))
        return;
    leaf->location = index->locations.item;
    leaf->n_locations = index->locations.n;
}

ch_status ch_pq_leaf_open(ch_pq_leaf *leaf, ch_pq_io *io, const ch_pq_chunk *chunk, int64_t n_rows,
                          ch_error *err)
{
    const ch_pq_column_meta *meta = chunk->meta;
    ch_pq_leaf_close(leaf);
    leaf->io = io;
    leaf->meta = meta;
    if (!meta || ch_thrift_has(chunk, CH_PQ_CHUNK_FILE_PATH))
        return ch_pq_leaf_bad(leaf, "its data is not in this file", err);
    if (meta->type != leaf->node->element->type)
        return ch_pq_leaf_bad(leaf, "its type is not the one in the schema", err);
    int64_t start = meta->data_page_offset;
    if (ch_thrift_has(meta, CH_PQ_COLUMN_DICTIONARY_OFFSET) && meta->dictionary_page_offset > 0 &&
        meta->dictionary_page_offset < start)
        start = meta->dictionary_page_offset;
    if (start < 4 || meta->compressed_bytes < 0 || start > io->file_bytes ||
        meta->compressed_bytes > io->file_bytes - start)
        return ch_pq_leaf_bad(leaf, "its place lies outside of the file", err);
    if (!ch_block_codec_name(meta->codec))
        return ch_pq_leaf_bad(leaf, "it is compressed in a way that is not known", err);
    if (meta->num_values < 0 || (leaf->node->max_rep == 0 && meta->num_values != n_rows))
        return ch_pq_leaf_bad(leaf, "it has another number of values than the row group has rows",
                              err);
    leaf->start = leaf->at = start;
    leaf->stop = start + meta->compressed_bytes;
    leaf->row = leaf->pending = 0;
    leaf->n_rows = n_rows;
    leaf->entries_left = meta->num_values;
    leaf->passed_dictionary = false;
    leaf->location = NULL;
    leaf->n_locations = 0;
    return CH_OK;
}

ch_status ch_pq_leaf_dictionary(ch_pq_leaf *leaf, ch_column **out, ch_error *err)
{
    const ch_pq_encoding_stats *s = leaf->meta->encoding_stats.item;
    bool any = false;
    *out = NULL;
    for (int32_t i = 0; i < leaf->meta->encoding_stats.n; i++) {
        if (s[i].page_type != CH_PQ_DATA_PAGE && s[i].page_type != CH_PQ_DATA_PAGE_V2)
            continue;
        if (s[i].count > 0 && s[i].encoding != CH_PQ_PLAIN_DICTIONARY &&
            s[i].encoding != CH_PQ_RLE_DICTIONARY)
            return CH_OK;
        any = true;
    }
    if (!any)
        return CH_OK;
    CH_TRY(ch_pq_page_dictionary(leaf, err));
    *out = leaf->dictionary;
    return CH_OK;
}

/* ---- skipping ------------------------------------------------------------------------------ */

void ch_pq_leaf_skip(ch_pq_leaf *leaf, int64_t n)
{
    leaf->pending += n;
}

static ch_status too_few_rows(ch_pq_leaf *leaf, ch_error *err)
{
    return ch_pq_leaf_bad(leaf, "it has fewer rows than its row group", err);
}

/* To the page that holds row + pending, by the offset index; only between pages. */
static ch_status seek(ch_pq_leaf *leaf, ch_error *err)
{
    int64_t target = leaf->row + leaf->pending;
    int32_t lo = 0, hi = leaf->n_locations;
    while (hi - lo > 1) { /* first_row[lo] <= target */
        int32_t mid = lo + (hi - lo) / 2;
        if (leaf->location[mid].first_row <= target)
            lo = mid;
        else
            hi = mid;
    }
    if (leaf->location[lo].offset <= leaf->at || leaf->location[lo].first_row <= leaf->row)
        return CH_OK;
    CH_TRY(ch_pq_page_dictionary(leaf, err));
    leaf->pending = target - leaf->location[lo].first_row;
    leaf->row = leaf->location[lo].first_row;
    leaf->at = leaf->location[lo].offset;
    return CH_OK;
}

/* Entries from page.at on that begin at most `rows` rows and are of those only; counts them. */
static int64_t span(const ch_pq_page *p, int64_t rows, int64_t *seen)
{
    int64_t e = p->at;
    for (; e < p->n; e++) {
        if (p->rep_level[e] == 0) {
            if (*seen == rows)
                break;
            ++*seen;
        }
    }
    return e - p->at;
}

static ch_status skip_in_page(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    int64_t m = p->n - p->at, k = 0;
    if (leaf->is_flat) {
        if (m > leaf->pending)
            m = leaf->pending;
        k = m;
        if (leaf->node->max_def) {
            k = 0;
            if (!ch_pq_hybrid_count(&p->def, m, &k))
                return ch_pq_leaf_bad(leaf, "a page has fewer levels than values", err);
        }
        leaf->pending -= m;
        leaf->row += m;
    } else {
        /* A row that goes on in the next page is passed when its end is seen: `pending` stays at
         * least 1 until a row begins that is not skipped, or pages end. */
        int64_t seen = 0;
        if (p->at == 0 && p->n && p->rep_level[0] && leaf->row == 0)
            return ch_pq_leaf_bad(leaf, "it begins in the middle of a row", err);
        m = span(p, leaf->pending, &seen);
        for (int64_t i = 0; i < m; i++)
            k += p->def_level[p->at + i] == leaf->node->max_def;
        leaf->pending -= seen;
        leaf->row += seen;
    }
    p->at += m;
    return ch_pq_values_skip(leaf, k, err);
}

/* A loaded page of a repeated leaf may begin with the rest of a row that was passed over. */
static ch_status finish_row(ch_pq_leaf *leaf, ch_error *err)
{
    for (;;) {
        ch_pq_page *p = &leaf->page;
        if (!p->there || p->at == p->n) {
            CH_TRY(ch_pq_page_next(leaf, err));
            if (!p->there)
                return CH_OK;
            continue;
        }
        CH_TRY(ch_pq_page_load(leaf, err));
        int64_t seen = 0, k = 0, m = span(p, 0, &seen);
        for (int64_t i = 0; i < m; i++)
            k += p->def_level[p->at + i] == leaf->node->max_def;
        p->at += m;
        CH_TRY(ch_pq_values_skip(leaf, k, err));
        if (p->at < p->n)
            return CH_OK;
    }
}

static ch_status apply_skip(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    if (leaf->pending == 0)
        return CH_OK;
    if (leaf->pending > leaf->n_rows - leaf->row)
        return too_few_rows(leaf, err);
    while (leaf->pending > 0) {
        if (!p->there || p->at == p->n) {
            if (leaf->location && leaf->row < leaf->n_rows)
                CH_TRY(seek(leaf, err));
            CH_TRY(ch_pq_page_next(leaf, err));
            if (!p->there)
                return too_few_rows(leaf, err);
            continue;
        }
        bool whole = p->at == 0 && p->n_rows >= 0 && p->n_rows <= leaf->pending;
        bool rest = leaf->is_flat && p->n - p->at <= leaf->pending;
        if (whole || rest) {
            int64_t rows = rest ? p->n - p->at : p->n_rows;
            leaf->pending -= rows;
            leaf->row += rows;
            p->at = p->n;
            continue;
        }
        CH_TRY(ch_pq_page_load(leaf, err));
        CH_TRY(skip_in_page(leaf, err));
    }
    return leaf->node->max_rep ? finish_row(leaf, err) : CH_OK;
}

/* ---- NULLs --------------------------------------------------------------------------------- */

#define SPREAD(T)                                              \
    do {                                                       \
        T *v = (T *)data + at;                                 \
        if (k < n)                                             \
            v[k] = 0;                                          \
        for (int64_t i = n - 1; i >= 0 && i >= k; i--) {       \
            int64_t bit = at + i;                              \
            k -= (int64_t)(valid[bit >> 6] >> (bit & 63) & 1); \
            v[i] = v[k];                                       \
        }                                                      \
    } while (0)

/* The k values from `at` on go to the rows of at .. at + n whose bits are on; k <= n. */
static void spread(void *data, int width, const uint64_t *valid, int64_t at, int64_t n, int64_t k)
{
    if (k == n)
        return;
    switch (width) {
    case 0: {
        uint64_t *bits = data;
        for (int64_t i = n - 1; i >= 0; i--) {
            if (ch_bit_get(valid, at + i))
                ch_bit_put(bits, at + i, ch_bit_get(bits, at + --k));
            else
                ch_bit_clear(bits, at + i);
        }
        break;
    }
    case 1:
        SPREAD(uint8_t);
        break;
    case 2:
        SPREAD(uint16_t);
        break;
    case 4:
        SPREAD(uint32_t);
        break;
    case 8:
        SPREAD(uint64_t);
        break;
    default:
        SPREAD(ch_u128);
        break;
    }
}

/* ---- flat leaves --------------------------------------------------------------------------- */

typedef struct flat {
    int64_t n;        /* rows wanted */
    ch_column *col;   /* FLAT so far, or NULL */
    ch_buffer *index; /* DICT so far, or NULL */
    ch_buffer *valid; /* NULL: no NULLs so far */
} flat;

static uint64_t *bits_of(ch_buffer *valid)
{
    return (uint64_t *)(void *)valid->data;
}

/* What was read as indices becomes values: a page without the dictionary follows. */
static ch_status give_up_index(ch_pq_leaf *leaf, flat *f, int64_t done, ch_error *err)
{
    const ch_column *dictionary = leaf->dictionary;
    const int32_t *index = (const int32_t *)(const void *)f->index->data;
    int32_t base;
    CH_TRY(ch_column_new(leaf->io->mem, leaf->conversion.type, f->n, &f->col, err));
    if (dictionary->n_text)
        CH_TRY(ch_column_share_text(f->col, dictionary, &base, err));
    ch_view *to = f->col->data;
    if (dictionary->rows)
        for (int64_t i = 0; i < done; i++)
            to[i] = ((const ch_view *)dictionary->data)[index[i]];
    else
        memset(to, 0, sizeof *to * (size_t)done);
    ch_buffer_unref(f->index);
    f->index = NULL;
    return CH_OK;
}

/* How many of the next m rows are not NULL; their bits from `done` on, if there is a NULL yet. */
static ch_status read_validity(ch_pq_leaf *leaf, flat *f, int64_t done, int64_t m, int64_t *k,
                               ch_error *err)
{
    ch_pq_hybrid *h = &leaf->page.def;
    *k = m;
    if (leaf->node->max_def == 0) {
        if (!f->valid)
            return CH_OK;
    } else if (!f->valid && ch_pq_hybrid_run(h) && !h->packed && h->value && h->left >= m) {
        h->left -= m;
        return CH_OK;
    }
    if (!f->valid) {
        CH_TRY(ch_buffer_new(leaf->io->mem, ch_bit_bytes(f->n), &f->valid, err));
        ch_bits_fill(bits_of(f->valid), f->n, true);
    }
    if (leaf->node->max_def == 0)
        return CH_OK;
    *k = 0;
    return ch_pq_hybrid_bits(h, m, bits_of(f->valid), done, k)
               ? CH_OK
               : ch_pq_leaf_bad(leaf, "a page has fewer levels than values", err);
}

static ch_status read_flat(ch_pq_leaf *leaf, flat *f, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    bool may_index = leaf->is_top && ch_type_is_view(leaf->conversion.type);
    for (int64_t done = 0; done < f->n;) {
        int64_t m, k;
        if (!p->there || p->at == p->n) {
            CH_TRY(ch_pq_page_next(leaf, err));
            if (!p->there)
                return too_few_rows(leaf, err);
            continue;
        }
        CH_TRY(ch_pq_page_load(leaf, err));
        m = p->n - p->at < f->n - done ? p->n - p->at : f->n - done;
        bool index = may_index && p->source == CH_PQ_FROM_DICTIONARY && !f->col;
        if (!index && f->index)
            CH_TRY(give_up_index(leaf, f, done, err));
        if (index && !f->index)
            CH_TRY(ch_buffer_new(leaf->io->mem, f->n * 4, &f->index, err));
        if (!index && !f->col)
            CH_TRY(ch_column_new(leaf->io->mem, leaf->conversion.type, f->n, &f->col, err));
        CH_TRY(read_validity(leaf, f, done, m, &k, err));
        if (index) {
            int32_t *to = (int32_t *)(void *)f->index->data;
            CH_TRY(ch_pq_values_index(leaf, k, to + done, err));
            if (k < m)
                spread(to, 4, bits_of(f->valid), done, m, k);
        } else {
            CH_TRY(ch_pq_values_read(leaf, k, f->col, done, err));
            if (k < m)
                spread(f->col->data, leaf->conversion.out_width, bits_of(f->valid), done, m, k);
        }
        p->at += m;
        leaf->row += m;
        done += m;
    }
    return CH_OK;
}

static ch_status flat_column(ch_pq_leaf *leaf, int64_t n, ch_column **out, ch_error *err)
{
    flat f = {.n = n};
    ch_status status = read_flat(leaf, &f, err);
    if (status == CH_OK && f.index) {
        status = ch_column_dict(leaf->io->mem, f.index, f.valid, leaf->dictionary, n, out, err);
        f.index = f.valid = NULL;
    } else if (status == CH_OK) {
        *out = f.col;
        f.col->valid_buf = f.valid;
        f.col->valid = f.valid ? bits_of(f.valid) : NULL;
        f.col = NULL;
        f.valid = NULL;
    }
    ch_column_unref(f.col);
    ch_buffer_unref(f.index);
    ch_buffer_unref(f.valid);
    return status;
}

/* ---- leaves with levels -------------------------------------------------------------------- */

/* Room for `slots` values and their bits; what is there stays. */
static ch_status slot_room(ch_pq_leaf *leaf, ch_column **col, int64_t filled, int64_t slots,
                           ch_error *err)
{
    ch_column *more, *old = *col;
    int32_t base;
    if (old && old->rows >= slots)
        return CH_OK;
    if (old && slots < old->rows * 2)
        slots = old->rows * 2;
    if (slots > INT32_MAX)
        return ch_error_memory(err, "elements of one batch", slots, INT32_MAX);
    CH_TRY(ch_column_new(leaf->io->mem, leaf->conversion.type, slots, &more, err));
    ch_status status = ch_column_need_valid(more, err);
    if (status == CH_OK && old && old->n_text)
        status = ch_column_share_text(more, old, &base, err);
    if (status != CH_OK) {
        ch_column_unref(more);
        return status;
    }
    if (old) {
        int width = leaf->conversion.out_width;
        memcpy(more->data, old->data, (size_t)(width ? filled * width : ch_bit_bytes(filled)));
        memcpy(more->valid, old->valid, (size_t)ch_bit_bytes(filled));
        ch_column_unref(old);
    }
    *col = more;
    return CH_OK;
}

static ch_status level_room(ch_pq_leaf *leaf, ch_buffer **buf, int64_t filled, int64_t want,
                            ch_error *err)
{
    bool mine = *buf && atomic_load_explicit(&(*buf)->refs, memory_order_acquire) == 1;
    if (mine && (*buf)->bytes >= want)
        return CH_OK;
    ch_buffer *more;
    CH_TRY(ch_buffer_new(leaf->io->mem, want * 2, &more, err));
    if (filled)
        memcpy(more->data, (*buf)->data, (size_t)filled);
    ch_buffer_unref(*buf);
    *buf = more;
    return CH_OK;
}

/* m entries of the page at hand; *slots grows by theirs. */
static ch_status read_entries(ch_pq_leaf *leaf, int64_t m, ch_column **col, int64_t *slots,
                              ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    const uint8_t *def = p->def_level + p->at;
    uint8_t slot_def = leaf->slot_def, max_def = leaf->node->max_def;
    CH_TRY(level_room(leaf, &leaf->def_buf, leaf->n_entries, leaf->n_entries + m, err));
    CH_TRY(level_room(leaf, &leaf->rep_buf, leaf->n_entries, leaf->n_entries + m, err));
    memcpy(leaf->def_buf->data + leaf->n_entries, def, (size_t)m);
    memcpy(leaf->rep_buf->data + leaf->n_entries, p->rep_level + p->at, (size_t)m);
    leaf->n_entries += m;
    CH_TRY(slot_room(leaf, col, *slots, *slots + m, err));
    int64_t slot = *slots, k = 0;
    for (int64_t i = 0; i < m; i++) {
        bool is_value = def[i] == max_def;
        if (def[i] >= slot_def)
            ch_bit_put((*col)->valid, slot++, is_value);
        k += is_value;
    }
    CH_TRY(ch_pq_values_read(leaf, k, *col, *slots, err));
    spread((*col)->data, leaf->conversion.out_width, (*col)->valid, *slots, slot - *slots, k);
    *slots = slot;
    p->at += m;
    return CH_OK;
}

static ch_status read_with_levels(ch_pq_leaf *leaf, int64_t n, ch_column **col, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    int64_t rows = 0, slots = 0;
    leaf->n_entries = 0;
    CH_TRY(slot_room(leaf, col, 0, n, err));
    CH_TRY(level_room(leaf, &leaf->def_buf, 0, n, err));
    CH_TRY(level_room(leaf, &leaf->rep_buf, 0, n, err));
    for (;;) {
        if (!p->there || p->at == p->n) {
            if (leaf->node->max_rep == 0 && rows == n)
                break;
            CH_TRY(ch_pq_page_next(leaf, err));
            if (!p->there)
                break;
            continue;
        }
        CH_TRY(ch_pq_page_load(leaf, err));
        if (rows == 0 && p->rep_level[p->at])
            return ch_pq_leaf_bad(leaf, "it begins in the middle of a row", err);
        int64_t m = span(p, n, &rows);
        CH_TRY(read_entries(leaf, m, col, &slots, err));
        if (p->at < p->n)
            break;
    }
    if (rows < n)
        return too_few_rows(leaf, err);
    leaf->row += n;
    (*col)->rows = slots;
    leaf->def = leaf->def_buf->data;
    leaf->rep = leaf->rep_buf->data;
    if (ch_bits_count((*col)->valid, slots) == slots) {
        ch_buffer_unref((*col)->valid_buf);
        (*col)->valid_buf = NULL;
        (*col)->valid = NULL;
    }
    return CH_OK;
}

ch_status ch_pq_leaf_read(ch_pq_leaf *leaf, int64_t n, ch_column **out, ch_error *err)
{
    *out = NULL;
    if (n > leaf->n_rows - leaf->row - leaf->pending)
        return too_few_rows(leaf, err);
    CH_TRY(apply_skip(leaf, err));
    if (leaf->is_flat)
        return flat_column(leaf, n, out, err);
    ch_status status = read_with_levels(leaf, n, out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}
