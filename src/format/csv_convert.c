/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_convert.c - columns of text.
 *
 * Text of up to 12 bytes is loaded as two words and masked into its view, without a branch on the
 * length. Longer text stays where it is: the column shares the chunk, unless its long values are
 * a small part of it; then they are copied, so that a few bytes do not keep a whole chunk alive.
 */
#include "format/csv_convert.h"

#include "column/textout.h"

struct ch_csv_converter {
    const ch_csv_options *options;
    const ch_type *type;
};

/* Long text below this part of the chunk is copied. */
#define SHARE_PART 4

static const uint32_t LOW_MASK[13] = {0,          0xFF,       0xFFFF,     0xFFFFFF,   0xFFFFFFFF,
                                      0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF,
                                      0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF};
#define ONES(n) ((UINT64_C(1) << (8 * (n))) - 1)
static const uint64_t HIGH_MASK[13] = {0,       0,       0,       0,       0,       ONES(1), ONES(2),
                                       ONES(3), ONES(4), ONES(5), ONES(6), ONES(7), ~UINT64_C(0)};

static inline const char *text_of(const ch_csv_source *src, const char *chunk, ch_csv_span s)
{
    return s.at & CH_CSV_SIDE ? src->side + (s.at & ~CH_CSV_SIDE) : chunk + s.at;
}

/* The view of a short text; reads 16 bytes. Little-endian machines only, as Arrow itself. */
static inline void put_short(ch_view *v, const char *p, uint32_t len)
{
    uint64_t a, b, w[2];
    memcpy(&a, p, 8);
    memcpy(&b, p + 8, 8);
    w[0] = len | (uint64_t)((uint32_t)a & LOW_MASK[len]) << 32;
    w[1] = (a >> 32 | b << 32) & HIGH_MASK[len];
    memcpy(v, w, 16);
}

/* Sets valid bits from lengths; *any_null. */
static void fill_valid(const ch_csv_span *span, int64_t n, uint64_t *valid)
{
    for (int64_t w = 0; w < ch_bit_words(n); w++) {
        int64_t base = w * 64, some = n - base < 64 ? n - base : 64;
        uint64_t bits = 0;
        for (int64_t k = 0; k < some; k++)
            bits |= (uint64_t)(span[base + k].len >= 0) << k;
        valid[w] = bits;
    }
}

static ch_status convert_text(const ch_csv_source *src, const ch_csv_span *span, ch_column *out,
                              ch_error *err)
{
    const char *chunk = (const char *)src->chunk->data;
    ch_view *view = out->data;
    int64_t n = src->n_rows, long_bytes = 0, side_long = 0;
    int32_t nulls = 0;
    for (int64_t r = 0; r < n; r++) {
        int32_t len = span[r].len;
        nulls |= len;
        uint32_t some = len < 0 ? 0 : (uint32_t)len;
        const char *p = text_of(src, chunk, span[r]);
        if (CH_LIKELY(some <= CH_VIEW_INLINE)) {
            put_short(&view[r], p, some);
        } else {
            view[r] = ch_view_make(p, len, 0, span[r].at);
            long_bytes += len;
            side_long += (int64_t)(span[r].at & CH_CSV_SIDE ? len : 0);
        }
    }
    if (nulls < 0) {
        CH_TRY(ch_column_need_valid(out, err));
        fill_valid(span, n, out->valid);
    }
    if (long_bytes == 0)
        return CH_OK;
    if (side_long == 0 && long_bytes >= src->chunk_len / SHARE_PART) {
        int32_t buf;
        return ch_column_add_text(out, ch_buffer_ref(src->chunk), &buf, err);
    }
    /* One buffer for all of them. */
    ch_buffer *text;
    int32_t buf;
    int64_t at = 0;
    if (long_bytes > INT32_MAX)
        return ch_error_memory(err, "text of one batch", long_bytes, INT32_MAX);
    CH_TRY(ch_buffer_new(out->mem, long_bytes, &text, err));
    CH_TRY(ch_column_add_text(out, text, &buf, err));
    for (int64_t r = 0; r < n; r++) {
        if (view[r].len <= CH_VIEW_INLINE)
            continue;
        memcpy(text->data + at, text_of(src, chunk, span[r]), (size_t)view[r].len);
        view[r].buf = buf;
        view[r].offset = (int32_t)at;
        at += view[r].len;
    }
    return CH_OK;
}

ch_status ch_csv_converter_make(const ch_csv_options *options, const ch_field *field,
                                ch_arena *arena, const ch_csv_converter **out, ch_error *err)
{
    ch_csv_converter *c;
    CH_ARENA_NEW(c, arena, err);
    c->options = options;
    c->type = field->type;
    *out = c;
    return CH_OK;
}

ch_status ch_csv_convert(const ch_csv_converter *c, const ch_csv_source *src,
                         const ch_csv_span *span, ch_mem *mem, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(mem, c->type, src->n_rows, out, err));
    ch_status status = convert_text(src, span, *out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}
