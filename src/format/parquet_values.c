/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_values.c - the values of a loaded page, some at a time, into columns. */
#include "format/parquet_leaf.h"

#define SOME 512

static ch_status too_few(ch_pq_leaf *leaf, ch_error *err)
{
    return ch_pq_leaf_bad(leaf, "a page has fewer values than it should have", err);
}

/* Which text buffer of out is `text`; added if it is none yet. */
static ch_status text_index(ch_column *out, ch_buffer *text, int32_t *idx, ch_error *err)
{
    for (int32_t i = out->n_text - 1; i >= 0; i--) {
        if (out->text[i] == text) {
            *idx = i;
            return CH_OK;
        }
    }
    return ch_column_add_text(out, ch_buffer_ref(text), idx, err);
}

static bool is_any_long(const ch_view *view, int64_t k)
{
    int32_t longest = 0;
    for (int64_t i = 0; i < k; i++)
        longest = view[i].len > longest ? view[i].len : longest;
    return longest > CH_VIEW_INLINE;
}

/* Views that count from text become views of out. */
static ch_status own_views(ch_column *out, ch_view *view, int64_t k, ch_buffer *text, ch_error *err)
{
    int32_t idx;
    if (!is_any_long(view, k))
        return CH_OK;
    CH_TRY(text_index(out, text, &idx, err));
    for (int64_t i = 0; i < k && idx; i++)
        if (view[i].len > CH_VIEW_INLINE)
            view[i].buf = idx;
    return CH_OK;
}

/* ---- PLAIN byte arrays --------------------------------------------------------------------- */

/* The next k texts as views that count from base; *at moves on. False: the page ends too early. */
static bool plain_views(const uint8_t **at, const uint8_t *end, const uint8_t *base, int64_t k,
                        ch_view *out)
{
    const uint8_t *p = *at;
    for (int64_t i = 0; i < k; i++) {
        uint32_t len;
        if (CH_UNLIKELY(end - p < 4))
            return false;
        memcpy(&len, p, 4);
        p += 4;
        if (CH_UNLIKELY(len > (uint64_t)(end - p) || len > INT32_MAX))
            return false;
        if (len <= CH_VIEW_INLINE) {
            /* 16 bytes are readable: pages have slack behind them. */
            uint64_t lo, hi;
            memcpy(&lo, p, 8);
            memcpy(&hi, p + 8, 8);
            uint64_t keep = len >= 8 ? ~UINT64_C(0) : (UINT64_C(1) << (8 * len)) - 1;
            uint64_t keep_hi = len > 8 ? (UINT64_C(1) << (8 * (len - 8))) - 1 : 0;
            lo &= keep;
            hi &= keep_hi;
            uint64_t w[2] = {len | lo << 32, lo >> 32 | hi << 32};
            memcpy(&out[i], w, sizeof w);
        } else {
            uint32_t prefix;
            memcpy(&prefix, p, 4);
            uint64_t w[2] = {len | (uint64_t)prefix << 32, (uint64_t)(p - base) << 32};
            memcpy(&out[i], w, sizeof w);
        }
        p += len;
    }
    *at = p;
    return true;
}

static bool skip_plain(ch_pq_page *p, int64_t k)
{
    for (int64_t i = 0; i < k; i++) {
        uint32_t len;
        if (p->end - p->data < 4)
            return false;
        memcpy(&len, p->data, 4);
        if (len > (uint64_t)(p->end - p->data - 4))
            return false;
        p->data += 4 + len;
    }
    return true;
}

static ch_status read_text(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    const ch_pq_conversion *c = &leaf->conversion;
    if (!c->run) {
        ch_view *view = (ch_view *)out->data + at;
        if (!plain_views(&p->data, p->end, p->buf->data, k, view))
            return too_few(leaf, err);
        return own_views(out, view, k, p->buf, err);
    }
    ch_view some[SOME];
    while (k > 0) {
        int64_t n = k < SOME ? k : SOME;
        if (!plain_views(&p->data, p->end, p->buf->data, n, some))
            return too_few(leaf, err);
        if (!c->run(c, some, (const char *)p->buf->data, n, (char *)out->data + at * c->out_width))
            return ch_pq_leaf_bad(leaf, "a value does not fit its type", err);
        at += n;
        k -= n;
    }
    return CH_OK;
}

static ch_status read_views(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    const ch_pq_conversion *c = &leaf->conversion;
    const ch_view *from = (const ch_view *)(const void *)p->data + p->value;
    if (k > p->n_values - p->value)
        return too_few(leaf, err);
    p->value += k;
    if (c->run && c->is_byte_array)
        return c->run(c, from, p->text_base, k, (char *)out->data + at * c->out_width)
                   ? CH_OK
                   : ch_pq_leaf_bad(leaf, "a value does not fit its type", err);
    ch_view *to = (ch_view *)out->data + at;
    memcpy(to, from, sizeof *to * (size_t)k);
    return own_views(out, to, k, p->text, err);
}

/* ---- the others ---------------------------------------------------------------------------- */

static ch_status check_age(ch_pq_leaf *leaf, const void *data, int64_t k, ch_error *err)
{
    int64_t least = INT64_MAX;
    if (leaf->conversion.out_width == 4)
        for (int64_t i = 0; i < k; i++)
            least = ((const int32_t *)data)[i] < least ? ((const int32_t *)data)[i] : least;
    else
        for (int64_t i = 0; i < k; i++)
            least = ((const int64_t *)data)[i] < least ? ((const int64_t *)data)[i] : least;
    return least >= leaf->conversion.oldest
               ? CH_OK
               : ch_pq_leaf_bad(
                     leaf,
                     "a date before 1582-10-15, or a time before 1900, in the old hybrid "
                     "calendar, which is not supported (datetimeRebaseMode)",
                     err);
}

static ch_status read_fixed(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    const ch_pq_conversion *c = &leaf->conversion;
    if (k > p->n_values - p->value)
        return too_few(leaf, err);
    const uint8_t *from = p->data + p->value * c->in_width;
    char *to = (char *)out->data + at * c->out_width;
    p->value += k;
    if (!c->run)
        memcpy(to, from, (size_t)(k * c->out_width));
    else if (!c->run(c, from, NULL, k, to))
        return ch_pq_leaf_bad(leaf, "a value does not fit its type", err);
    return c->oldest == INT64_MIN ? CH_OK : check_age(leaf, to, k, err);
}

static ch_status read_bits(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    uint64_t *to = out->data;
    if (k > p->n_values - p->value)
        return too_few(leaf, err);
    for (int64_t i = 0; i < k; i++) {
        int64_t bit = p->value + i;
        ch_bit_put(to, at + i, p->data[bit >> 3] >> (bit & 7) & 1);
    }
    p->value += k;
    return CH_OK;
}

ch_status ch_pq_values_index(ch_pq_leaf *leaf, int64_t k, int32_t *out, ch_error *err)
{
    uint32_t most = 0, *to = (uint32_t *)out;
    if (!ch_pq_hybrid_u32(&leaf->page.index, k, to))
        return too_few(leaf, err);
    for (int64_t i = 0; i < k; i++)
        most = to[i] > most ? to[i] : most;
    return k == 0 || most < (uint64_t)leaf->dictionary->rows
               ? CH_OK
               : ch_pq_leaf_bad(leaf, "an index outside of its dictionary", err);
}

#define GATHER(T)                                  \
    do {                                           \
        const T *restrict from = dictionary->data; \
        T *restrict to = (T *)out->data + at;      \
        for (int64_t i = 0; i < n; i++)            \
            to[i] = from[index[i]];                \
    } while (0)

static ch_status read_dictionary(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at,
                                 ch_error *err)
{
    const ch_column *dictionary = leaf->dictionary;
    int32_t index[SOME];
    int32_t text = 0;
    if (dictionary->n_text)
        CH_TRY(text_index(out, dictionary->text[0], &text, err));
    while (k > 0) {
        int64_t n = k < SOME ? k : SOME;
        CH_TRY(ch_pq_values_index(leaf, n, index, err));
        switch (leaf->conversion.out_width) {
        case 0:
            for (int64_t i = 0; i < n; i++)
                ch_bit_put(out->data, at + i, ch_bit_get(dictionary->data, index[i]));
            break;
        case 1:
            GATHER(uint8_t);
            break;
        case 2:
            GATHER(uint16_t);
            break;
        case 4:
            GATHER(uint32_t);
            break;
        case 8:
            GATHER(uint64_t);
            break;
        default:
            GATHER(ch_u128);
            break;
        }
        if (text) {
            ch_view *view = (ch_view *)out->data + at;
            for (int64_t i = 0; i < n; i++)
                if (view[i].len > CH_VIEW_INLINE)
                    view[i].buf = text;
        }
        at += n;
        k -= n;
    }
    return CH_OK;
}

ch_status ch_pq_values_read(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at, ch_error *err)
{
    if (k == 0)
        return CH_OK;
    switch (leaf->page.source) {
    case CH_PQ_FROM_FIXED:
        return read_fixed(leaf, k, out, at, err);
    case CH_PQ_FROM_BITS:
        return read_bits(leaf, k, out, at, err);
    case CH_PQ_FROM_TEXT:
        return read_text(leaf, k, out, at, err);
    case CH_PQ_FROM_VIEWS:
        return read_views(leaf, k, out, at, err);
    default:
        return read_dictionary(leaf, k, out, at, err);
    }
}

ch_status ch_pq_values_skip(ch_pq_leaf *leaf, int64_t k, ch_error *err)
{
    ch_pq_page *p = &leaf->page;
    bool fine = true;
    switch (p->source) {
    case CH_PQ_FROM_TEXT:
        fine = skip_plain(p, k);
        break;
    case CH_PQ_FROM_DICTIONARY:
        fine = ch_pq_hybrid_skip(&p->index, k);
        break;
    default:
        fine = k <= p->n_values - p->value;
        p->value += k;
        break;
    }
    return fine ? CH_OK : too_few(leaf, err);
}
