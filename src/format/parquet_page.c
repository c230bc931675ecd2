/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_page.c - the pages of a column chunk: bytes read in windows, headers, checksums,
 * decompression, dictionaries, levels.
 *
 *   chunk   [dictionary page] data page*
 *   page    header (Thrift), body
 *   v1      body = compressed( [u32 length, repetition levels] [u32 length, definition levels] values )
 *   v2      body = repetition levels, definition levels, compressed( values )
 *
 * Nothing that a header says is believed before it was compared with what is there.
 */
#include <stdio.h>

#include "codec/crc32.h"
#include "format/parquet_leaf.h"

#define SLACK 64
#define HEADER_BYTES 4096
#define HEADER_MOST ((int64_t)64 << 20)

ch_status ch_pq_leaf_bad(const ch_pq_leaf *leaf, const char *reason, ch_error *err)
{
    char text[512], path[256];
    size_t at = sizeof path - 1;
    path[at] = 0;
    for (const ch_pq_node *n = leaf->node; n && n->parent; n = n->parent) {
        size_t len = strlen(n->name);
        bool last = at == sizeof path - 1;
        if (len + !last > at)
            break;
        if (!last)
            path[--at] = '.';
        memcpy(path + (at -= len), n->name, len);
    }
    snprintf(text, sizeof text, "row group %d, column %s: %s",
             leaf->io ? (int)leaf->io->row_group : 0, path + at, reason);
    CH_FAIL(err, CORRUPT_FILE, "path", leaf->io ? leaf->io->path : "", "reason", text);
}

ch_status ch_pq_buffer_room(ch_buffer **buf, int64_t bytes, ch_mem *mem, ch_error *err)
{
    bool mine = *buf && atomic_load_explicit(&(*buf)->refs, memory_order_acquire) == 1;
    if (mine && (*buf)->bytes >= bytes + SLACK)
        return CH_OK;
    ch_buffer_unref(*buf);
    *buf = NULL;
    return ch_buffer_new(mem, bytes + SLACK, buf, err);
}

/* ---- bytes --------------------------------------------------------------------------------- */

/* *out = bytes [at, at + len) of the file, in *buf (borrowed). */
static ch_status bytes_at(ch_pq_leaf *leaf, int64_t at, int64_t len, const uint8_t **out,
                          ch_buffer **buf, ch_error *err)
{
    ch_pq_io *io = leaf->io;
    if (io->shared && at >= io->shared_at &&
        at + len <= io->shared_at + io->shared->bytes - SLACK) {
        *out = io->shared->data + (at - io->shared_at);
        *buf = io->shared;
        return CH_OK;
    }
    if (at < leaf->window_at || at + len > leaf->window_at + leaf->window_len) {
        int64_t want = leaf->stop - at < io->window_bytes ? leaf->stop - at : io->window_bytes;
        int64_t got;
        if (want < len)
            want = len;
        leaf->window_len = 0;
        CH_TRY(ch_pq_buffer_room(&leaf->window, want, io->mem, err));
        CH_TRY(ch_input_read(io->in, leaf->window->data, want, at, &got, err));
        if (got < len)
            return ch_pq_leaf_bad(leaf, "the file ends before it does", err);
        memset(leaf->window->data + got, 0, SLACK);
        leaf->window_at = at;
        leaf->window_len = got;
        if (io->bytes_done)
            atomic_fetch_add_explicit(io->bytes_done, got, memory_order_relaxed);
    }
    *out = leaf->window->data + (at - leaf->window_at);
    *buf = leaf->window;
    return CH_OK;
}

/* ---- headers ------------------------------------------------------------------------------- */

static ch_status read_header(ch_pq_leaf *leaf, ch_pq_page_header *header, ch_error *err)
{
    int64_t left = leaf->stop - leaf->at, some = HEADER_BYTES;
    for (;; some *= 8) {
        const uint8_t *bytes = NULL;
        ch_buffer *buf;
        size_t used;
        if (some > left)
            some = left;
        CH_TRY(bytes_at(leaf, leaf->at, some, &bytes, &buf, err));
        ch_arena_reset(&leaf->arena);
        bool all = some == left || some >= HEADER_MOST;
        ch_error why = {0};
        ch_status status = ch_thrift_read(&ch_pq_page_header_thrift, bytes, (size_t)some, &used,
                                          &leaf->arena, header, leaf->io->path, &why);
        if (status == CH_OK) {
            leaf->at += (int64_t)used;
            break;
        }
        ch_error_release(&why);
        if (status == CH_E_MEMORY)
            return ch_error_memory(err, "a page header", some, ch_mem_limit(leaf->io->mem));
        if (all)
            return ch_pq_leaf_bad(leaf, "a page header is damaged", err);
    }
    if (header->compressed_size < 0 || header->uncompressed_size < 0 ||
        header->compressed_size > leaf->stop - leaf->at)
        return ch_pq_leaf_bad(leaf, "a page is larger than its column chunk", err);
    return CH_OK;
}

static ch_status check_crc(ch_pq_leaf *leaf, const ch_pq_page_header *header, const uint8_t *bytes,
                           ch_error *err)
{
    if (!ch_thrift_has(header, CH_PQ_PAGE_CRC))
        return CH_OK;
    uint32_t crc = ch_crc32(0, bytes, (size_t)header->compressed_size);
    return crc == (uint32_t)header->crc
               ? CH_OK
               : ch_pq_leaf_bad(leaf, "a page does not match its checksum", err);
}

/* *buf (leaf->spare, or what holds the bytes themselves) shares `raw` decompressed bytes at *out. */
static ch_status decompress(ch_pq_leaf *leaf, int codec, const uint8_t *in, int64_t n_in,
                            ch_buffer *in_buf, int64_t raw, const uint8_t **out, ch_buffer **buf,
                            ch_error *err)
{
    const char *reason;
    *buf = NULL;
    if (codec == CH_PQ_UNCOMPRESSED) {
        if (n_in != raw)
            return ch_pq_leaf_bad(leaf, "an uncompressed page has two sizes", err);
        *out = in;
        *buf = ch_buffer_ref(in_buf);
        return CH_OK;
    }
    CH_TRY(ch_pq_buffer_room(&leaf->spare, raw, leaf->io->mem, err));
    CH_TRY(ch_block_decode(leaf->io->block, codec, in, (size_t)n_in, leaf->spare->data, (size_t)raw,
                           &reason, err));
    if (reason)
        return ch_pq_leaf_bad(leaf, reason, err);
    memset(leaf->spare->data + raw, 0, SLACK);
    *out = leaf->spare->data;
    *buf = ch_buffer_ref(leaf->spare);
    return CH_OK;
}

void ch_pq_page_drop(ch_pq_leaf *leaf)
{
    ch_pq_page *p = &leaf->page;
    ch_buffer_unref(p->buf);
    ch_buffer_unref(p->levels);
    ch_buffer_unref(p->text);
    *p = (ch_pq_page){0};
}

/* The dictionary's values as a column, read as a page of PLAIN values. */
static ch_status read_dictionary(ch_pq_leaf *leaf, const ch_pq_page_header *header, ch_error *err)
{
    const uint8_t *bytes = NULL;
    ch_buffer *in = NULL;
    ch_pq_page *p = &leaf->page;
    int64_t n = header->dictionary->num_values;
    int encoding = header->dictionary->encoding;
    if (n < 0 || (encoding != CH_PQ_PLAIN && encoding != CH_PQ_PLAIN_DICTIONARY))
        return ch_pq_leaf_bad(leaf, "a dictionary page that makes no sense", err);
    CH_TRY(bytes_at(leaf, leaf->at, header->compressed_size, &bytes, &in, err));
    CH_TRY(check_crc(leaf, header, bytes, err));
    CH_TRY(decompress(leaf, leaf->meta->codec, bytes, header->compressed_size, in,
                      header->uncompressed_size, &p->data, &p->buf, err));
    p->end = p->data + header->uncompressed_size;
    CH_TRY(ch_pq_page_transcode(leaf, CH_PQ_PLAIN, n, err));
    CH_TRY(ch_column_new(leaf->io->mem, leaf->conversion.type, n, &leaf->dictionary, err));
    CH_TRY(ch_pq_values_read(leaf, n, leaf->dictionary, 0, err));
    ch_pq_page_drop(leaf);
    return CH_OK;
}

ch_status ch_pq_page_dictionary(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page_header header;
    int64_t start = leaf->at;
    if (leaf->dictionary || leaf->passed_dictionary || leaf->at >= leaf->stop)
        return CH_OK;
    CH_TRY(read_header(leaf, &header, err));
    leaf->passed_dictionary = true;
    if (header.type != CH_PQ_DICTIONARY_PAGE) {
        leaf->at = start;
        return CH_OK;
    }
    int64_t body = leaf->at;
    if (!header.dictionary)
        return ch_pq_leaf_bad(leaf, "a page header without its second half", err);
    CH_TRY(read_dictionary(leaf, &header, err));
    leaf->at = body + header.compressed_size;
    return CH_OK;
}

ch_status ch_pq_page_next(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    ch_pq_page_header header;
    ch_pq_page_drop(leaf);
    while (leaf->at < leaf->stop && leaf->entries_left > 0) {
        CH_TRY(read_header(leaf, &header, err));
        int64_t body = leaf->at;
        if (header.type == CH_PQ_DICTIONARY_PAGE) {
            if (!header.dictionary || leaf->dictionary)
                return ch_pq_leaf_bad(leaf, "a dictionary page out of place", err);
            CH_TRY(read_dictionary(leaf, &header, err));
        }
        leaf->at = body + header.compressed_size;
        if (header.type != CH_PQ_DATA_PAGE && header.type != CH_PQ_DATA_PAGE_V2)
            continue;
        leaf->passed_dictionary = true;
        p->header = header;
        p->body_at = body;
        p->n_rows = -1;
        if (header.type == CH_PQ_DATA_PAGE && header.data) {
            p->v1 = *header.data;
            p->n = p->v1.num_values;
            if (leaf->node->max_rep == 0)
                p->n_rows = p->n;
        } else if (header.type == CH_PQ_DATA_PAGE_V2 && header.data_v2) {
            p->v2 = *header.data_v2;
            p->n = p->v2.num_values;
            p->n_rows = p->v2.num_rows;
            if (!ch_thrift_has(&p->v2, CH_PQ_V2_IS_COMPRESSED))
                p->v2.is_compressed = true;
            if (p->v2.num_rows < 0 || (leaf->node->max_rep == 0 && p->n_rows != p->n))
                return ch_pq_leaf_bad(leaf, "a page has another number of rows than values", err);
        } else {
            return ch_pq_leaf_bad(leaf, "a page header without its second half", err);
        }
        if (p->n < 0 || p->n > leaf->entries_left)
            return ch_pq_leaf_bad(leaf, "its pages have more values than it should have", err);
        leaf->entries_left -= p->n;
        p->there = true;
        return CH_OK;
    }
    return CH_OK;
}

/* ---- levels -------------------------------------------------------------------------------- */

static int bits_for(int most)
{
    int bits = 0;
    while (most >> bits)
        bits++;
    return bits;
}

/* v1: the piece of levels at *at, with its length before it. */
static ch_status level_piece(ch_pq_leaf *leaf, int encoding, const uint8_t **at, const uint8_t *end,
                             const uint8_t **piece, int64_t *len, ch_error *err)
{
    uint32_t n;
    if (encoding != CH_PQ_RLE)
        return ch_pq_leaf_bad(leaf, "its levels have an encoding that is not known", err);
    if (end - *at < 4)
        return ch_pq_leaf_bad(leaf, "a page ends within its levels", err);
    memcpy(&n, *at, 4);
    if (n > (uint64_t)(end - *at - 4))
        return ch_pq_leaf_bad(leaf, "a page ends within its levels", err);
    *piece = *at + 4;
    *len = n;
    *at += 4 + n;
    return CH_OK;
}

/* All levels of the page, a byte each, at `to`. */
static ch_status spread_levels(ch_pq_leaf *leaf, const uint8_t *piece, int64_t len, int most,
                               uint8_t *to, ch_error *err)
{
    ch_pq_hybrid h;
    int64_t n = leaf->page.n;
    uint8_t highest = 0;
    ch_pq_hybrid_init(&h, piece, piece + len, bits_for(most));
    if (!ch_pq_hybrid_u8(&h, n, to))
        return ch_pq_leaf_bad(leaf, "a page has fewer levels than values", err);
    for (int64_t i = 0; i < n; i++)
        highest = to[i] > highest ? to[i] : highest;
    return highest > most ? ch_pq_leaf_bad(leaf, "a level is higher than its schema allows", err)
                          : CH_OK;
}

static ch_status set_levels(ch_pq_leaf *leaf, const uint8_t *rep, int64_t rep_len,
                            const uint8_t *def, int64_t def_len, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    if (leaf->is_flat) {
        if (leaf->node->max_def)
            ch_pq_hybrid_init(&p->def, def, def + def_len, 1);
        return CH_OK;
    }
    CH_TRY(ch_pq_buffer_room(&leaf->level_buf, p->n * 2, leaf->io->mem, err));
    p->def_level = leaf->level_buf->data;
    p->rep_level = p->def_level + p->n;
    CH_TRY(spread_levels(leaf, def, def_len, leaf->node->max_def, p->def_level, err));
    if (leaf->node->max_rep == 0) {
        memset(p->rep_level, 0, (size_t)p->n);
        return CH_OK;
    }
    return spread_levels(leaf, rep, rep_len, leaf->node->max_rep, p->rep_level, err);
}

/* ---- bodies -------------------------------------------------------------------------------- */

static ch_status load_v1(ch_pq_leaf *leaf, const uint8_t *bytes, ch_buffer *in, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    const uint8_t *rep = NULL, *def = NULL;
    int64_t rep_len = 0, def_len = 0;
    CH_TRY(decompress(leaf, leaf->meta->codec, bytes, p->header.compressed_size, in,
                      p->header.uncompressed_size, &p->data, &p->buf, err));
    p->end = p->data + p->header.uncompressed_size;
    if (leaf->node->max_rep)
        CH_TRY(level_piece(leaf, p->v1.rep_encoding, &p->data, p->end, &rep, &rep_len, err));
    if (leaf->node->max_def)
        CH_TRY(level_piece(leaf, p->v1.def_encoding, &p->data, p->end, &def, &def_len, err));
    return set_levels(leaf, rep, rep_len, def, def_len, err);
}

static ch_status load_v2(ch_pq_leaf *leaf, const uint8_t *bytes, ch_buffer *in, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    int64_t rep_len = p->v2.rep_bytes, def_len = p->v2.def_bytes;
    int64_t levels = rep_len + def_len;
    if (rep_len < 0 || def_len < 0 || levels > p->header.compressed_size ||
        levels > p->header.uncompressed_size)
        return ch_pq_leaf_bad(leaf, "a page is shorter than its levels", err);
    p->levels = ch_buffer_ref(in);
    CH_TRY(set_levels(leaf, bytes, rep_len, bytes + rep_len, def_len, err));
    int64_t raw = p->header.uncompressed_size - levels, n_in = p->header.compressed_size - levels;
    /* Nothing but levels: there may be no compressed bytes at all. */
    int codec = p->v2.is_compressed && n_in ? leaf->meta->codec : CH_PQ_UNCOMPRESSED;
    if (!n_in && raw)
        return ch_pq_leaf_bad(leaf, "a page without its values", err);
    CH_TRY(decompress(leaf, codec, bytes + levels, n_in, in, raw, &p->data, &p->buf, err));
    p->end = p->data + raw;
    return CH_OK;
}

ch_status ch_pq_page_load(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    const uint8_t *bytes = NULL;
    ch_buffer *in = NULL;
    if (p->loaded)
        return CH_OK;
    CH_TRY(bytes_at(leaf, p->body_at, p->header.compressed_size, &bytes, &in, err));
    CH_TRY(check_crc(leaf, &p->header, bytes, err));
    bool v2 = p->header.type == CH_PQ_DATA_PAGE_V2;
    CH_TRY(v2 ? load_v2(leaf, bytes, in, err) : load_v1(leaf, bytes, in, err));
    int encoding = v2 ? p->v2.encoding : p->v1.encoding;
    if (encoding == CH_PQ_PLAIN_DICTIONARY || encoding == CH_PQ_RLE_DICTIONARY) {
        if (!leaf->dictionary)
            return ch_pq_leaf_bad(leaf, "a page uses a dictionary that is not there", err);
        p->source = CH_PQ_FROM_DICTIONARY;
        if (p->data < p->end) {
            int width = *p->data++;
            if (width > 32)
                return ch_pq_leaf_bad(leaf, "dictionary indices of more than 32 bits", err);
            ch_pq_hybrid_init(&p->index, p->data, p->end, width);
        } else {
            ch_pq_hybrid_init(&p->index, p->data, p->end, 1); /* all NULL */
        }
    } else {
        CH_TRY(ch_pq_page_transcode(leaf, encoding, -1, err));
    }
    p->loaded = true;
    return CH_OK;
}
