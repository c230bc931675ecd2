/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_transcode.c - page encodings that are undone for a page at once: deltas, byte streams,
 * booleans in runs. What they leave is read like PLAIN, or is an array of views.
 *
 *   DELTA_BINARY_PACKED   varint block size, miniblocks per block, values; zigzag first value; blocks:
 *                         zigzag least delta, a width per miniblock, miniblocks of packed (delta - least)
 *   DELTA_LENGTH          lengths as above, then all bytes
 *   DELTA_BYTE_ARRAY      prefix lengths as above, then suffixes as DELTA_LENGTH
 *   BYTE_STREAM_SPLIT     first bytes of all values, second bytes of all values, ...
 */
#include "format/parquet_leaf.h"

#define UUID_TEXT 36

/* ---- DELTA_BINARY_PACKED ------------------------------------------------------------------- */

typedef struct delta {
    const uint8_t *at, *end;
    int64_t block, mini; /* values in a block, in a miniblock */
    int64_t n_mini, total;
    uint64_t value; /* the last one given, or the first to come */
} delta;

static bool varint(delta *d, uint64_t *out)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && d->at < d->end; shift += 7) {
        uint8_t b = *d->at++;
        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return true;
        }
    }
    return false;
}

static uint64_t unzigzag(uint64_t v)
{
    return v >> 1 ^ (uint64_t) - (int64_t)(v & 1);
}

static bool delta_begin(delta *d, const uint8_t *at, const uint8_t *end)
{
    uint64_t block, n_mini, total, first;
    *d = (delta){.at = at, .end = end};
    if (!varint(d, &block) || !varint(d, &n_mini) || !varint(d, &total) || !varint(d, &first))
        return false;
    if (block == 0 || block > (1 << 24) || n_mini == 0 || n_mini > 4096 || block % n_mini ||
        (block / n_mini) % 8 || total > INT32_MAX)
        return false;
    d->block = (int64_t)block;
    d->n_mini = (int64_t)n_mini;
    d->mini = d->block / d->n_mini;
    d->total = (int64_t)total;
    d->value = unzigzag(first);
    return true;
}

/* All values; is_64: to int64, else int32. Leaves d->at behind the last byte. */
static bool delta_values(delta *d, bool is_64, void *out)
{
    int64_t n = d->total, i = 0;
    int32_t *to32 = out;
    int64_t *to64 = out;
    uint64_t some[64], value = d->value;
    if (n > 0) {
        if (is_64)
            to64[0] = (int64_t)value;
        else
            to32[0] = (int32_t)value;
        i = 1;
    }
    while (i < n) {
        uint64_t least;
        if (!varint(d, &least) || d->end - d->at < d->n_mini)
            return false;
        least = unzigzag(least);
        const uint8_t *width = d->at;
        d->at += d->n_mini;
        for (int64_t m = 0; m < d->n_mini && i < n; m++) {
            int w = width[m];
            int64_t bytes = d->mini * w / 8;
            if (w > 64)
                return false;
            if (bytes > d->end - d->at) {
                /* The last miniblock may be cut where its values end. */
                int64_t want = n - i < d->mini ? n - i : d->mini;
                if ((want * w + 7) / 8 > d->end - d->at)
                    return false;
                bytes = d->end - d->at;
            }
            for (int64_t k = 0; k < d->mini && i < n; k += 64) {
                int64_t take = d->mini - k < 64 ? d->mini - k : 64;
                if (take > n - i)
                    take = n - i;
                ch_unpack64(d->at, w, k, take, some);
                for (int64_t j = 0; j < take; j++) {
                    value += some[j] + least;
                    some[j] = value;
                }
                if (is_64)
                    memcpy(to64 + i, some, (size_t)take * 8);
                else
                    for (int64_t j = 0; j < take; j++)
                        to32[i + j] = (int32_t)some[j];
                i += take;
            }
            d->at += bytes;
        }
    }
    return true;
}

/*
 * A bound on what a header may claim: a width of 0 bits takes a byte per miniblock, so few
 * bytes can stand for many values, but never for more than the page says it has.
 */
static bool delta_fits(const ch_pq_leaf *leaf, const delta *d)
{
    return d->total <= leaf->page.n;
}

static ch_status delta_page(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    delta d;
    int width = leaf->conversion.in_width;
    if (width != 4 && width != 8)
        return ch_pq_leaf_bad(leaf, "DELTA_BINARY_PACKED is for integers", err);
    if (!delta_begin(&d, p->data, p->end) || !delta_fits(leaf, &d))
        return ch_pq_leaf_bad(leaf, "a page of deltas is damaged", err);
    CH_TRY(ch_pq_buffer_room(&leaf->scratch, d.total * width, leaf->io->mem, err));
    if (!delta_values(&d, width == 8, leaf->scratch->data))
        return ch_pq_leaf_bad(leaf, "a page of deltas ends too early", err);
    p->data = leaf->scratch->data;
    p->n_values = d.total;
    p->source = CH_PQ_FROM_FIXED;
    return CH_OK;
}

/* ---- texts --------------------------------------------------------------------------------- */

/* Lengths (none negative) of n values at leaf->scratch + skip, int32 each. */
static ch_status lengths(ch_pq_leaf *leaf, delta *d, int32_t *to, int64_t *sum, ch_error *err)
{
    if (!delta_values(d, false, to))
        return ch_pq_leaf_bad(leaf, "a page of lengths ends too early", err);
    *sum = 0;
    for (int64_t i = 0; i < d->total; i++) {
        if (to[i] < 0)
            return ch_pq_leaf_bad(leaf, "a negative length", err);
        *sum += to[i];
    }
    return CH_OK;
}

/* Views, and behind them some int32 arrays, in scratch. */
static ch_status view_room(ch_pq_leaf *leaf, int64_t n, int arrays, ch_error *err)
{
    return ch_pq_buffer_room(&leaf->scratch, n * (int64_t)(sizeof(ch_view) + 4 * (size_t)arrays),
                             leaf->io->mem, err);
}

static void use_views(ch_pq_leaf *leaf, int64_t n, ch_buffer *text)
{
    ch_pq_page *p = &leaf->page;
    p->source = CH_PQ_FROM_VIEWS;
    p->data = leaf->scratch->data;
    p->n_values = n;
    p->text = ch_buffer_ref(text);
    p->text_base = (const char *)text->data;
}

static ch_status delta_length_page(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    delta d;
    int64_t sum = 0;
    if (!delta_begin(&d, p->data, p->end) || !delta_fits(leaf, &d))
        return ch_pq_leaf_bad(leaf, "a page of lengths is damaged", err);
    CH_TRY(view_room(leaf, d.total, 1, err));
    ch_view *view = (void *)leaf->scratch->data;
    int32_t *len = (void *)(view + d.total);
    CH_TRY(lengths(leaf, &d, len, &sum, err));
    if (sum > d.end - d.at)
        return ch_pq_leaf_bad(leaf, "a page is shorter than its texts", err);
    const char *base = (const char *)p->buf->data, *at = (const char *)d.at;
    for (int64_t i = 0; i < d.total; i++) {
        view[i] = ch_view_make(at, len[i], 0, at - base);
        at += len[i];
    }
    use_views(leaf, d.total, p->buf);
    return CH_OK;
}

/* Packed values of a fixed length: as views where the type is text, else as they are. */
static ch_status fixed_values(ch_pq_leaf *leaf, const uint8_t *data, int64_t n, ch_buffer *buf,
                              ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    int64_t width = leaf->conversion.in_width;
    if (!ch_type_is_view(leaf->conversion.type)) {
        p->source = CH_PQ_FROM_FIXED;
        p->data = data;
        p->n_values = n;
        return CH_OK;
    }
    /* Views in a buffer of their own: data may lie in scratch. */
    ch_buffer *views = NULL, *text = NULL;
    ch_status status = ch_buffer_new(leaf->io->mem, n * (int64_t)sizeof(ch_view), &views, err);
    if (status == CH_OK && leaf->conversion.is_uuid)
        status = ch_buffer_new(leaf->io->mem, n * UUID_TEXT, &text, err);
    if (status != CH_OK) {
        ch_buffer_unref(views);
        return status;
    }
    ch_view *view = (void *)views->data;
    for (int64_t i = 0; i < n; i++, data += width) {
        const char *from = (const char *)data;
        int64_t len = width;
        const uint8_t *base = buf->data;
        if (text) {
            static const char HEX[] = "0123456789abcdef";
            char *to = (char *)text->data + i * UUID_TEXT;
            from = to;
            len = UUID_TEXT;
            base = text->data;
            for (int b = 0; b < 16; b++) {
                if (b == 4 || b == 6 || b == 8 || b == 10)
                    *to++ = '-';
                *to++ = HEX[data[b] >> 4];
                *to++ = HEX[data[b] & 15];
            }
        }
        view[i] = ch_view_make(from, len, 0, from - (const char *)base);
    }
    ch_buffer *long_text = ch_buffer_ref(text ? text : buf); /* buf may be scratch */
    ch_buffer_unref(text);
    ch_buffer_unref(leaf->scratch);
    leaf->scratch = views;
    use_views(leaf, n, long_text);
    ch_buffer_unref(long_text);
    return CH_OK;
}

static ch_status delta_byte_array_page(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    delta prefixes, d;
    int64_t sum_prefix = 0, sum = 0, n, width = leaf->conversion.in_width;
    ch_buffer *text = NULL;
    if (!delta_begin(&prefixes, p->data, p->end) || !delta_fits(leaf, &prefixes))
        return ch_pq_leaf_bad(leaf, "a page of prefixes is damaged", err);
    n = prefixes.total;
    CH_TRY(view_room(leaf, n, 2, err));
    ch_view *view = (void *)leaf->scratch->data;
    int32_t *prefix = (void *)(view + n), *len = prefix + n;
    CH_TRY(lengths(leaf, &prefixes, prefix, &sum_prefix, err));
    if (!delta_begin(&d, prefixes.at, p->end) || d.total != n)
        return ch_pq_leaf_bad(leaf, "a page of suffixes is damaged", err);
    CH_TRY(lengths(leaf, &d, len, &sum, err));
    if (sum > d.end - d.at || sum_prefix + sum > INT32_MAX)
        return ch_pq_leaf_bad(leaf, "a page is shorter than its texts", err);
    CH_TRY(ch_buffer_new(leaf->io->mem, sum_prefix + sum, &text, err));
    char *to = (char *)text->data, *before = to;
    int64_t before_len = 0;
    bool fine = true;
    for (int64_t i = 0; i < n && fine; i++) {
        int64_t whole = (int64_t)prefix[i] + len[i];
        fine = prefix[i] <= before_len && (!width || whole == width);
        if (!fine)
            break;
        memcpy(to, before, (size_t)prefix[i]);
        memcpy(to + prefix[i], d.at, (size_t)len[i]);
        d.at += len[i];
        view[i] = ch_view_make(to, whole, 0, to - (char *)text->data);
        before = to;
        before_len = whole;
        to += whole;
    }
    ch_status status = CH_OK;
    if (!fine) {
        status = ch_pq_leaf_bad(leaf, "a prefix longer than the text before", err);
    } else if (width) { /* packed values of a fixed length, in the buffer of text */
        ch_buffer_unref(leaf->scratch);
        leaf->scratch = ch_buffer_ref(text);
        status = fixed_values(leaf, text->data, n, text, err);
    } else {
        use_views(leaf, n, text);
    }
    ch_buffer_unref(text);
    return status;
}

/* ---- the rest ------------------------------------------------------------------------------ */

#define MERGE(T)                                             \
    do {                                                     \
        T *restrict to = (void *)out;                        \
        for (int64_t i = 0; i < n; i++) {                    \
            T v = 0;                                         \
            for (int64_t b = 0; b < (int64_t)sizeof(T); b++) \
                v |= (T)((T)in[b * n + i] << (8 * b));       \
            to[i] = v;                                       \
        }                                                    \
    } while (0)

static ch_status split_page(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    int64_t width = leaf->conversion.in_width;
    if (width <= 0)
        return ch_pq_leaf_bad(leaf, "BYTE_STREAM_SPLIT is for values of a fixed length", err);
    int64_t n = (p->end - p->data) / width;
    CH_TRY(ch_pq_buffer_room(&leaf->scratch, n * width, leaf->io->mem, err));
    const uint8_t *in = p->data;
    uint8_t *out = leaf->scratch->data;
    if (width == 4)
        MERGE(uint32_t);
    else if (width == 8)
        MERGE(uint64_t);
    else
        for (int64_t b = 0; b < width; b++)
            for (int64_t i = 0; i < n; i++)
                out[i * width + b] = in[b * n + i];
    return fixed_values(leaf, out, n, leaf->scratch, err);
}

/* Booleans in runs, into a bitmap. */
static ch_status run_page(ch_pq_leaf *leaf, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    ch_pq_hybrid h;
    uint32_t len;
    if (leaf->conversion.in_width != -1 || p->end - p->data < 4)
        return ch_pq_leaf_bad(leaf, "RLE is for booleans", err);
    memcpy(&len, p->data, 4);
    if (len > (uint64_t)(p->end - p->data - 4))
        return ch_pq_leaf_bad(leaf, "a page is shorter than its runs", err);
    CH_TRY(ch_pq_buffer_room(&leaf->scratch, ch_bit_bytes(p->n), leaf->io->mem, err));
    ch_pq_hybrid_init(&h, p->data + 4, p->data + 4 + len, 1);
    int64_t n = 0, ones = 0;
    while (n < p->n && ch_pq_hybrid_run(&h)) {
        int64_t k = h.left < p->n - n ? h.left : p->n - n;
        if (!ch_pq_hybrid_bits(&h, k, (uint64_t *)(void *)leaf->scratch->data, n, &ones))
            break;
        n += k;
    }
    p->data = leaf->scratch->data;
    p->n_values = n;
    p->source = CH_PQ_FROM_BITS;
    return CH_OK;
}

ch_status ch_pq_page_transcode(ch_pq_leaf *leaf, int encoding, int64_t n_values, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    int64_t width = leaf->conversion.in_width, bytes = p->end - p->data;
    bool is_text = leaf->conversion.is_byte_array;
    p->value = 0;
    switch (encoding) {
    case CH_PQ_PLAIN:
        if (is_text) {
            p->source = CH_PQ_FROM_TEXT;
            p->n_values = -1;
            /* Each has its length of four bytes. */
            if (n_values > bytes / 4)
                return ch_pq_leaf_bad(leaf, "a dictionary is shorter than its values", err);
            return CH_OK;
        }
        if (width < 1) { /* BOOLEAN */
            p->source = CH_PQ_FROM_BITS;
            p->n_values = bytes * 8;
        } else {
            CH_TRY(fixed_values(leaf, p->data, bytes / width, p->buf, err));
        }
        return n_values > p->n_values
                   ? ch_pq_leaf_bad(leaf, "a dictionary is shorter than its values", err)
                   : CH_OK;
    case CH_PQ_RLE:
        return run_page(leaf, err);
    case CH_PQ_DELTA_BINARY_PACKED:
        return delta_page(leaf, err);
    case CH_PQ_DELTA_LENGTH_BYTE_ARRAY:
        if (is_text)
            return delta_length_page(leaf, err);
        break;
    case CH_PQ_DELTA_BYTE_ARRAY:
        if (is_text || leaf->node->element->type == CH_PQ_FIXED)
            return delta_byte_array_page(leaf, err);
        break;
    case CH_PQ_BYTE_STREAM_SPLIT:
        return split_page(leaf, err);
    default:
        break;
    }
    return ch_pq_leaf_bad(leaf, "a page has an encoding that its type cannot have", err);
}
