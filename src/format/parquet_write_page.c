/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write_page.c - pages and chunks.
 *
 *   page v1   header │ codec( [length, repetition levels] [length, definition levels] values )
 *   page v2   header │ repetition levels  definition levels  codec( values )
 *   values    plain or delta ...  │  a byte with the width of codes, then runs of codes
 */
#include "format/parquet_write_page.h"

#include <string.h>
#include <xxhash.h>

#include "codec/crc32.h"
#include "format/parquet_write_encode.h"

#define SCRATCH_TEXTS 512

/* ---- values of the page ------------------------------------------------------------------------- */

/* Texts [at, at + n) of the page's plain values. */
static void raw_texts(const ch_pqw_leaf *l, int64_t at, int64_t n, ch_str *out)
{
    const uint32_t *end = (const uint32_t *)(const void *)l->ends.data;
    uint32_t from = at ? end[at - 1] : 0;
    for (int64_t i = 0; i < n; i++) {
        out[i] = (ch_str){l->raw.data + from, end[at + i] - from};
        from = end[at + i];
    }
}

/* ch_pqw_range_add_text and the bloom filter over the page's texts, a piece at a time. */
static ch_status look_at_texts(ch_pqw_leaf *l, bool ranges, ch_error *err)
{
    ch_str text[SCRATCH_TEXTS];
    for (int64_t at = 0; at < l->n_values; at += SCRATCH_TEXTS) {
        int64_t n = l->n_values - at < SCRATCH_TEXTS ? l->n_values - at : SCRATCH_TEXTS;
        raw_texts(l, at, n, text);
        if (ranges)
            CH_TRY(ch_pqw_range_add_text(&l->page_range, text, n, err));
        for (int64_t i = 0; l->bloom && i < n; i++)
            ch_pqw_bloom_add(l->bloom, l->spec.bloom_bytes,
                             XXH64(text[i].text, (size_t)text[i].len, 0));
    }
    return CH_OK;
}

/* Bounds of the dictionary's values that the page uses. */
static ch_status look_at_codes(ch_pqw_leaf *l, ch_error *err)
{
    const uint32_t *code = (const uint32_t *)(const void *)l->codes.data;
    size_t w = (size_t)l->spec.width, bytes = (size_t)ch_bit_bytes(l->dict.n);
    uint64_t *used = ch_mem_zalloc(l->mem, bytes, err);
    ch_status status = used ? CH_OK : CH_E_MEMORY;
    for (int64_t i = 0; i < l->n_values && used; i++)
        ch_bit_set(used, code[i]);
    for (uint32_t c = 0; c < l->dict.n && status == CH_OK; c++) {
        if (!ch_bit_get(used, c))
            continue;
        if (w) {
            status = ch_pqw_range_add(&l->page_range, l->spec.compare, l->dict.values.data + c * w,
                                      l->spec.width, 1, err);
        } else {
            ch_str text = ch_pqw_dict_text(&l->dict, c);
            status = ch_pqw_range_add_text(&l->page_range, &text, 1, err);
        }
    }
    ch_mem_free(l->mem, used, bytes);
    return status;
}

static ch_status look_at_values(ch_pqw_leaf *l, ch_error *err)
{
    bool ranges = l->spec.statistics && l->spec.compare != CH_PQW_CMP_NONE;
    int64_t w = l->spec.width;
    l->page_range.any = l->page_range.broken = false;
    if (l->spec.bloom_bytes && !l->bloom) {
        l->bloom = ch_mem_zalloc(l->mem, (size_t)l->spec.bloom_bytes, err);
        if (!l->bloom)
            return CH_E_MEMORY;
    }
    if (l->use_dict)
        return ranges && l->n_values ? look_at_codes(l, err) : CH_OK;
    if (l->spec.conversion == CH_PQW_TEXT)
        return ranges || l->bloom ? look_at_texts(l, ranges, err) : CH_OK;
    for (int64_t i = 0; l->bloom && i < l->n_values; i++)
        ch_pqw_bloom_add(l->bloom, l->spec.bloom_bytes, XXH64(l->raw.data + i * w, (size_t)w, 0));
    if (!ranges)
        return CH_OK;
    return ch_pqw_range_add(&l->page_range, l->spec.compare, l->raw.data, (int)w, l->n_values, err);
}

/* The dictionary's values into the filter, once pages without it are there too. */
static void bloom_of_dictionary(ch_pqw_leaf *l)
{
    size_t w = (size_t)l->spec.width;
    for (uint32_t c = 0; l->bloom && c < l->dict.n; c++) {
        ch_str s =
            w ? (ch_str){l->dict.values.data + c * w, (int64_t)w} : ch_pqw_dict_text(&l->dict, c);
        ch_pqw_bloom_add(l->bloom, l->spec.bloom_bytes, XXH64(s.text, (size_t)s.len, 0));
    }
}

static ch_status encode_texts(ch_pqw_leaf *l, ch_buf *out, ch_error *err)
{
    size_t n = (size_t)l->n_values, bytes = n * (sizeof(ch_str) + 2 * sizeof(int32_t));
    ch_str *text = ch_mem_alloc(l->mem, bytes, err);
    if (!text)
        return CH_E_MEMORY;
    int32_t *scratch = (int32_t *)(text + n);
    raw_texts(l, 0, l->n_values, text);
    ch_status status;
    switch (l->spec.encoding) {
    case CH_PQ_DELTA_LENGTH_BYTE_ARRAY:
        status = ch_pqw_encode_delta_length(text, l->n_values, scratch, out, err);
        break;
    case CH_PQ_DELTA_BYTE_ARRAY:
        status = ch_pqw_encode_delta_text(text, l->n_values, scratch, out, err);
        break;
    default:
        status = ch_pqw_encode_plain_text(text, l->n_values, out, err);
    }
    ch_mem_free(l->mem, text, bytes);
    return status;
}

/* DELTA_BYTE_ARRAY takes values of one length, too. */
static ch_status encode_fixed_texts(ch_pqw_leaf *l, ch_buf *out, ch_error *err)
{
    size_t n = (size_t)l->n_values, bytes = n * (sizeof(ch_str) + 2 * sizeof(int32_t));
    ch_str *text = ch_mem_alloc(l->mem, bytes, err);
    if (!text)
        return CH_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        text[i] = (ch_str){l->raw.data + i * (size_t)l->spec.width, l->spec.width};
    ch_status status = ch_pqw_encode_delta_text(text, l->n_values, (int32_t *)(text + n), out, err);
    ch_mem_free(l->mem, text, bytes);
    return status;
}

static ch_status encode_booleans(ch_pqw_leaf *l, ch_buf *out, ch_error *err)
{
    const uint8_t *value = (const uint8_t *)l->raw.data;
    if (l->spec.encoding != CH_PQ_RLE)
        return ch_pqw_encode_bits(value, l->n_values, out, err);
    size_t at = out->len;
    CH_TRY(ch_buf_fill(out, 0, 4, err));
    CH_TRY(ch_pqw_encode_levels(value, 0, l->n_values, 1, out, err));
    uint32_t len = (uint32_t)(out->len - at - 4);
    memcpy(out->data + at, &len, 4);
    return CH_OK;
}

static ch_status encode_plain(ch_pqw_leaf *l, ch_buf *out, ch_error *err)
{
    int w = l->spec.width;
    if (l->n_values == 0 && l->spec.encoding == CH_PQ_PLAIN)
        return CH_OK;
    if (l->spec.conversion == CH_PQW_TEXT)
        return encode_texts(l, out, err);
    if (l->spec.conversion == CH_PQW_BOOL)
        return encode_booleans(l, out, err);
    switch (l->spec.encoding) {
    case CH_PQ_DELTA_BINARY_PACKED:
        return ch_pqw_encode_delta(l->raw.data, w, l->n_values, out, err);
    case CH_PQ_DELTA_BYTE_ARRAY:
        return encode_fixed_texts(l, out, err);
    case CH_PQ_BYTE_STREAM_SPLIT:
        return ch_pqw_encode_split(l->raw.data, w, l->n_values, out, err);
    default:
        return ch_buf_add(out, l->raw.data, l->raw.len, err);
    }
}

static ch_status encode_codes(ch_pqw_leaf *l, ch_buf *out, ch_error *err)
{
    int width = ch_pqw_bit_width(l->dict.n - 1);
    CH_TRY(ch_buf_addc(out, (char)width, err));
    return ch_pqw_encode_rle((const uint32_t *)(const void *)l->codes.data, l->n_values, width, out,
                             err);
}

/* ---- a page --------------------------------------------------------------------------------------- */

static ch_status pack(const ch_pqw_leaf *l, const ch_buf *from, ch_buf *to, ch_error *err)
{
    const char *bytes = from->data ? from->data : "";
    return ch_block_encode(l->spec.block, (int)l->spec.codec, l->spec.level, (const uint8_t *)bytes,
                           from->len, to, err);
}

static ch_status keep_page(ch_pqw_leaf *l, ch_pq_page_header *header, const ch_buf *levels,
                           const ch_buf *body, size_t n_raw, ch_pqw_page *page, ch_error *err)
{
    size_t n_levels = levels ? levels->len : 0, n = n_levels + body->len;
    header->uncompressed_size = (int32_t)n_raw;
    header->compressed_size = (int32_t)n;
    if (n_raw > INT32_MAX || n > INT32_MAX)
        CH_FAIL(err, UNSUPPORTED, "feature", "A Parquet page of more than 2 GiB");
    if (l->spec.crc) {
        uint32_t crc = n_levels ? ch_crc32(0, levels->data, n_levels) : 0;
        header->crc = (int32_t)ch_crc32(crc, body->data, body->len);
        ch_thrift_set(header, CH_PQ_PAGE_CRC);
    }
    l->encoded.len = 0;
    CH_TRY(ch_thrift_write(&ch_pq_page_header_thrift, header, &l->encoded, err));
    *page = (ch_pqw_page){.n_bytes = l->encoded.len + n, .n_raw = l->encoded.len + n_raw};
    page->n_alloc = page->n_bytes;
    page->bytes = ch_mem_alloc(l->mem, page->n_alloc, err);
    if (!page->bytes)
        return CH_E_MEMORY;
    memcpy(page->bytes, l->encoded.data, l->encoded.len);
    if (n_levels)
        memcpy(page->bytes + l->encoded.len, levels->data, n_levels);
    if (body->len)
        memcpy(page->bytes + l->encoded.len + n_levels, body->data, body->len);
    return CH_OK;
}

static ch_status add_page(ch_pqw_leaf *l, ch_pqw_page **out, ch_error *err)
{
    if (l->n_pages == l->cap_pages) {
        int32_t cap = l->cap_pages ? l->cap_pages * 2 : 16;
        ch_pqw_page *more = ch_mem_alloc(l->mem, sizeof *more * (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
        if (l->n_pages)
            memcpy(more, l->page, sizeof *more * (size_t)l->n_pages);
        ch_mem_free(l->mem, l->page, sizeof *more * (size_t)l->cap_pages);
        l->page = more;
        l->cap_pages = cap;
    }
    *out = &l->page[l->n_pages];
    return CH_OK;
}

static ch_status put_levels(const ch_buf *level, uint8_t max, int64_t n, bool with_length,
                            ch_buf *out, ch_error *err)
{
    size_t at = out->len;
    if (max == 0)
        return CH_OK;
    if (with_length)
        CH_TRY(ch_buf_fill(out, 0, 4, err));
    CH_TRY(ch_pqw_encode_levels(level->len ? (const uint8_t *)level->data : NULL, max, n,
                                ch_pqw_bit_width(max), out, err));
    if (with_length) {
        uint32_t len = (uint32_t)(out->len - at - 4);
        memcpy(out->data + at, &len, 4);
    }
    return CH_OK;
}

static int page_encoding(const ch_pqw_leaf *l, bool codes)
{
    if (codes)
        return l->spec.v2 ? CH_PQ_RLE_DICTIONARY : CH_PQ_PLAIN_DICTIONARY;
    return l->spec.encoding;
}

static ch_status make_v1(ch_pqw_leaf *l, bool codes, ch_pqw_page *page, ch_error *err)
{
    ch_buf *body = &l->payload, *packed = &l->packed;
    ch_pq_data_page data = {.num_values = (int32_t)l->n_entries,
                            .encoding = page_encoding(l, codes),
                            .def_encoding = CH_PQ_RLE,
                            .rep_encoding = CH_PQ_RLE};
    ch_pq_page_header header = {.type = CH_PQ_DATA_PAGE, .data = &data};
    body->len = packed->len = 0;
    CH_TRY(put_levels(&l->rep, l->spec.max_rep, l->n_entries, true, body, err));
    CH_TRY(put_levels(&l->def, l->spec.max_def, l->n_entries, true, body, err));
    CH_TRY(codes ? encode_codes(l, body, err) : encode_plain(l, body, err));
    size_t n_raw = body->len;
    if (l->spec.codec == CH_PQ_UNCOMPRESSED)
        return keep_page(l, &header, NULL, body, n_raw, page, err);
    CH_TRY(pack(l, body, packed, err));
    return keep_page(l, &header, NULL, packed, n_raw, page, err);
}

static ch_status make_v2(ch_pqw_leaf *l, bool codes, ch_pqw_page *page, ch_error *err)
{
    ch_buf *body = &l->payload, *packed = &l->packed, levels;
    ch_pq_data_page_v2 data = {.num_values = (int32_t)l->n_entries,
                               .num_nulls = (int32_t)(l->n_entries - l->n_values),
                               .num_rows = (int32_t)l->n_rows,
                               .encoding = page_encoding(l, codes)};
    ch_pq_page_header header = {.type = CH_PQ_DATA_PAGE_V2, .data_v2 = &data};
    ch_status status = CH_OK;
    body->len = packed->len = 0;
    ch_buf_init(&levels, l->mem);
    CH_TRY_OUT(put_levels(&l->rep, l->spec.max_rep, l->n_entries, false, &levels, err));
    data.rep_bytes = (int32_t)levels.len;
    CH_TRY_OUT(put_levels(&l->def, l->spec.max_def, l->n_entries, false, &levels, err));
    data.def_bytes = (int32_t)levels.len - data.rep_bytes;
    CH_TRY_OUT(codes ? encode_codes(l, body, err) : encode_plain(l, body, err));
    data.is_compressed = l->spec.codec != CH_PQ_UNCOMPRESSED && body->len > 0;
    ch_thrift_set(&data, CH_PQ_V2_IS_COMPRESSED);
    if (data.is_compressed)
        CH_TRY_OUT(pack(l, body, packed, err));
    CH_TRY_OUT(keep_page(l, &header, &levels, data.is_compressed ? packed : body,
                         levels.len + body->len, page, err));
out:
    ch_buf_release(&levels);
    return status;
}

/* Does the dictionary save bytes? Asked once, at the end of the first page. */
static bool pays(const ch_pqw_leaf *l)
{
    int width = ch_pqw_bit_width(l->dict.n ? l->dict.n - 1 : 0);
    int64_t codes = (l->n_values * width + 7) / 8;
    return (int64_t)l->dict.values.len + codes < l->plain_bytes;
}

static ch_status take_bounds(ch_pqw_leaf *l, ch_pqw_page *page, ch_error *err)
{
    const ch_pqw_range *r = &l->page_range;
    page->n_rows = l->n_rows;
    page->n_values = l->n_values;
    page->n_nulls = l->n_entries - l->n_values;
    page->has_bounds = r->any && !r->broken;
    if (!page->has_bounds)
        return CH_OK;
    bool cuts = l->spec.compare == CH_PQW_CMP_BYTES;
    int32_t most = cuts ? l->spec.bound_bytes : 0;
    CH_TRY(ch_pqw_cut_bound(&r->min, most, false, l->spec.is_text, &l->arena, &page->min, err));
    return ch_pqw_cut_bound(&r->max, most, true, l->spec.is_text, &l->arena, &page->max, err);
}

static void clear_page(ch_pqw_leaf *l)
{
    l->def.len = l->rep.len = l->codes.len = l->raw.len = l->ends.len = 0;
    l->n_values = l->n_entries = l->n_rows = l->plain_bytes = 0;
}

ch_status ch_pqw_end_page(ch_pqw_leaf *l, ch_error *err)
{
    ch_pqw_page *page;
    if (l->n_entries == 0)
        return CH_OK;
    if (l->use_dict && l->n_pages == 0 && l->n_values && !pays(l)) {
        CH_TRY(ch_pqw_leave_dictionary(l, err));
        ch_pqw_dict_reset(&l->dict);
    }
    bool codes = l->use_dict && l->n_values > 0;
    CH_TRY(look_at_values(l, err));
    CH_TRY(add_page(l, &page, err));
    CH_TRY(l->spec.v2 ? make_v2(l, codes, page, err) : make_v1(l, codes, page, err));
    l->n_pages++;
    l->n_dict_pages += codes;
    l->page_bytes += (int64_t)page->n_bytes;
    CH_TRY(take_bounds(l, page, err));
    CH_TRY(ch_pqw_range_merge(&l->range, l->spec.compare, &l->page_range, err));
    l->chunk_entries += l->n_entries;
    l->chunk_nulls += page->n_nulls;
    l->chunk_rows += l->n_rows;
    clear_page(l);
    return CH_OK;
}

void ch_pqw_drop_pages(ch_pqw_leaf *l)
{
    for (int32_t i = 0; i < l->n_pages; i++)
        ch_mem_free(l->mem, l->page[i].bytes, l->page[i].n_alloc);
    l->n_pages = 0;
    l->page_bytes = 0;
}

/* ---- a chunk -------------------------------------------------------------------------------------- */

static ch_status make_dictionary_page(ch_pqw_leaf *l, ch_pqw_page *page, ch_error *err)
{
    ch_pq_dictionary_page data = {.num_values = (int32_t)l->dict.n,
                                  .encoding = l->spec.v2 ? CH_PQ_PLAIN : CH_PQ_PLAIN_DICTIONARY};
    ch_pq_page_header header = {.type = CH_PQ_DICTIONARY_PAGE, .dictionary = &data};
    l->packed.len = 0;
    if (l->spec.codec == CH_PQ_UNCOMPRESSED)
        return keep_page(l, &header, NULL, &l->dict.values, l->dict.values.len, page, err);
    CH_TRY(pack(l, &l->dict.values, &l->packed, err));
    return keep_page(l, &header, NULL, &l->packed, l->dict.values.len, page, err);
}

static ch_status give_stats(const ch_pqw_leaf *l, ch_arena *arena, ch_pq_stats **out, ch_error *err)
{
    enum { MOST = 4096 }; /* parquet-mr leaves out longer ones */
    ch_pq_stats *s;
    CH_ARENA_NEW(s, arena, err);
    *out = s;
    s->null_count = l->chunk_nulls;
    ch_thrift_set(s, CH_PQ_STATS_NULLS);
    if (!l->range.any || l->range.broken || l->range.min.len + l->range.max.len > MOST)
        return CH_OK;
    CH_TRY(ch_pqw_cut_bound(&l->range.min, 0, false, false, arena, &s->min_value, err));
    CH_TRY(ch_pqw_cut_bound(&l->range.max, 0, true, false, arena, &s->max_value, err));
    ch_thrift_set(s, CH_PQ_STATS_MIN_VALUE);
    ch_thrift_set(s, CH_PQ_STATS_MAX_VALUE);
    s->is_min_exact = s->is_max_exact = true; /* cut at no length */
    ch_thrift_set(s, CH_PQ_STATS_MIN_EXACT);
    ch_thrift_set(s, CH_PQ_STATS_MAX_EXACT);
    /* The older fields, where the order is the one that their readers assumed. */
    if (l->spec.compare < CH_PQW_CMP_SIGNED_BYTES) {
        s->min = s->min_value;
        s->max = s->max_value;
        ch_thrift_set(s, CH_PQ_STATS_MIN);
        ch_thrift_set(s, CH_PQ_STATS_MAX);
    }
    return CH_OK;
}

static ch_status give_encodings(const ch_pqw_leaf *l, ch_arena *arena, ch_pq_column_meta *meta,
                                ch_error *err)
{
    int32_t *encoding, n = 0, n_stats = 0;
    ch_pq_encoding_stats *stats;
    int32_t n_plain = l->n_pages - l->n_dict_pages, with_codes = page_encoding(l, true);
    CH_ARENA_ARRAY(encoding, arena, 4, err);
    CH_ARENA_ARRAY(stats, arena, 3, err);
    if (l->spec.max_def || l->spec.max_rep || l->spec.encoding == CH_PQ_RLE)
        encoding[n++] = CH_PQ_RLE;
    if (l->n_dict_pages) {
        encoding[n++] = with_codes;
        stats[n_stats++] =
            (ch_pq_encoding_stats){.page_type = CH_PQ_DICTIONARY_PAGE,
                                   .encoding = l->spec.v2 ? CH_PQ_PLAIN : CH_PQ_PLAIN_DICTIONARY,
                                   .count = 1};
    }
    int32_t type = l->spec.v2 ? CH_PQ_DATA_PAGE_V2 : CH_PQ_DATA_PAGE;
    if (l->n_dict_pages)
        stats[n_stats++] = (ch_pq_encoding_stats){
            .page_type = type, .encoding = with_codes, .count = l->n_dict_pages};
    if (n_plain) {
        if (l->spec.encoding != CH_PQ_RLE)
            encoding[n++] = l->spec.encoding;
        stats[n_stats++] = (ch_pq_encoding_stats){
            .page_type = type, .encoding = l->spec.encoding, .count = n_plain};
    } else if (l->spec.v2 && l->n_dict_pages) {
        encoding[n++] = CH_PQ_PLAIN; /* of the dictionary page */
    }
    meta->encodings = (ch_thrift_list){encoding, n};
    meta->encoding_stats = (ch_thrift_list){stats, n_stats};
    return CH_OK;
}

static ch_pq_order order_of(const ch_pqw_leaf *l)
{
    bool up = true, down = true;
    const ch_pqw_page *last = NULL;
    for (int32_t i = 0; i < l->n_pages; i++) {
        const ch_pqw_page *p = &l->page[i];
        if (!p->has_bounds)
            continue;
        if (last) {
            int min = ch_pqw_compare_bytes(l->spec.compare, last->min.text, (size_t)last->min.len,
                                           p->min.text, (size_t)p->min.len);
            int max = ch_pqw_compare_bytes(l->spec.compare, last->max.text, (size_t)last->max.len,
                                           p->max.text, (size_t)p->max.len);
            up &= min <= 0 && max <= 0;
            down &= min >= 0 && max >= 0;
        }
        last = p;
    }
    return up ? CH_PQ_ASCENDING : down ? CH_PQ_DESCENDING : CH_PQ_UNORDERED;
}

static ch_status give_column_index(const ch_pqw_leaf *l, ch_arena *arena, ch_buf *out,
                                   ch_error *err)
{
    ch_pq_column_index index = {0};
    bool *null_page;
    ch_thrift_bytes *min, *max;
    int64_t *nulls;
    CH_ARENA_ARRAY(null_page, arena, l->n_pages, err);
    CH_ARENA_ARRAY(min, arena, l->n_pages, err);
    CH_ARENA_ARRAY(max, arena, l->n_pages, err);
    CH_ARENA_ARRAY(nulls, arena, l->n_pages, err);
    for (int32_t i = 0; i < l->n_pages; i++) {
        const ch_pqw_page *p = &l->page[i];
        null_page[i] = !p->has_bounds;
        min[i] = p->has_bounds ? p->min : (ch_thrift_bytes){"", 0};
        max[i] = p->has_bounds ? p->max : (ch_thrift_bytes){"", 0};
        nulls[i] = p->n_nulls;
    }
    index.null_pages = (ch_thrift_list){null_page, l->n_pages};
    index.min_values = (ch_thrift_list){min, l->n_pages};
    index.max_values = (ch_thrift_list){max, l->n_pages};
    index.null_counts = (ch_thrift_list){nulls, l->n_pages};
    index.order = (int32_t)order_of(l);
    return ch_thrift_write(&ch_pq_column_index_thrift, &index, out, err);
}

static ch_status write_pages(ch_pqw_leaf *l, ch_output *out, ch_arena *arena,
                             ch_pq_column_meta *meta, ch_buf *offset_index, ch_error *err)
{
    ch_pq_page_location *location;
    int64_t row = 0;
    CH_ARENA_ARRAY(location, arena, l->n_pages + 1, err);
    meta->data_page_offset = ch_output_bytes(out);
    for (int32_t i = 0; i < l->n_pages; i++) {
        ch_pqw_page *p = &l->page[i];
        location[i] = (ch_pq_page_location){.offset = ch_output_bytes(out),
                                            .compressed_size = (int32_t)p->n_bytes,
                                            .first_row = row};
        row += p->n_rows;
        CH_TRY(ch_output_write(out, p->bytes, (int64_t)p->n_bytes, err));
        meta->uncompressed_bytes += (int64_t)p->n_raw;
        meta->compressed_bytes += (int64_t)p->n_bytes;
    }
    ch_pq_offset_index index = {.locations = {location, l->n_pages}};
    return ch_thrift_write(&ch_pq_offset_index_thrift, &index, offset_index, err);
}

static ch_status write_dictionary(ch_pqw_leaf *l, ch_output *out, ch_pq_column_meta *meta,
                                  ch_error *err)
{
    ch_pqw_page page;
    CH_TRY(make_dictionary_page(l, &page, err));
    meta->dictionary_page_offset = ch_output_bytes(out);
    ch_thrift_set(meta, CH_PQ_COLUMN_DICTIONARY_OFFSET);
    ch_status status = ch_output_write(out, page.bytes, (int64_t)page.n_bytes, err);
    meta->uncompressed_bytes = (int64_t)page.n_raw;
    meta->compressed_bytes = (int64_t)page.n_bytes;
    ch_mem_free(l->mem, page.bytes, page.n_alloc);
    return status;
}

static ch_status give_bloom(ch_pqw_leaf *l, ch_buf *out, ch_error *err)
{
    ch_pq_choice algorithm = {1u << 1}, hash = {1u << 1}, compression = {1u << 1};
    ch_pq_bloom_header header = {.num_bytes = (int32_t)l->spec.bloom_bytes,
                                 .algorithm = &algorithm,
                                 .hash = &hash,
                                 .compression = &compression};
    if (!l->bloom || l->n_dict_pages == l->n_pages)
        return CH_OK; /* the dictionary says as much */
    if (l->n_dict_pages)
        bloom_of_dictionary(l);
    CH_TRY(ch_thrift_write(&ch_pq_bloom_header_thrift, &header, out, err));
    return ch_buf_add(out, l->bloom, (size_t)l->spec.bloom_bytes, err);
}

ch_status ch_pqw_leaf_flush(ch_pqw_leaf *l, ch_output *out, ch_arena *arena,
                            ch_pq_column_meta *meta, ch_pqw_chunk_place *place, ch_error *err)
{
    CH_TRY(ch_pqw_end_page(l, err));
    meta->type = (int32_t)l->spec.physical;
    meta->codec = (int32_t)l->spec.codec;
    meta->num_values = l->chunk_entries;
    if (l->n_dict_pages)
        CH_TRY(write_dictionary(l, out, meta, err));
    CH_TRY(write_pages(l, out, arena, meta, &place->offset_index, err));
    CH_TRY(give_encodings(l, arena, meta, err));
    if (l->spec.statistics)
        CH_TRY(give_stats(l, arena, &meta->stats, err));
    bool indexed = l->spec.statistics && l->spec.compare != CH_PQW_CMP_NONE && !l->range.broken;
    for (int32_t i = 0; i < l->n_pages; i++)
        indexed &= l->page[i].has_bounds || l->page[i].n_values == 0;
    if (indexed)
        CH_TRY(give_column_index(l, arena, &place->column_index, err));
    CH_TRY(give_bloom(l, &place->bloom, err));
    /* The next chunk begins anew. */
    ch_pqw_drop_pages(l);
    ch_pqw_dict_reset(&l->dict);
    ch_pqw_forget_dictionary(l);
    ch_arena_reset(&l->arena);
    l->use_dict = l->spec.dictionary;
    l->range.any = l->range.broken = false;
    l->n_dict_pages = 0;
    l->chunk_entries = l->chunk_nulls = l->chunk_rows = 0;
    if (l->bloom)
        memset(l->bloom, 0, (size_t)l->spec.bloom_bytes);
    return CH_OK;
}
