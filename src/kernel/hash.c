/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.c - one loop per layout: first column writes, later ones combine.
 *
 * A short string is its view: two words, one 128-bit multiplication (the mum of wyhash). Long
 * ones go through XXH3. A dictionary is hashed once when it is not larger than the batch.
 */
#include "kernel/hash.h"

#include "column/take.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t ch_hash_long_text(const char *text, int64_t len)
{
    return XXH3_64bits(text, (size_t)len);
}

static ch_status hash_values(const ch_column *c, int64_t rows, uint64_t *out, ch_mem *mem,
                             ch_error *err);

/* out[i] = value(i), or NULL's hash. The bitmap is looked at in a second, branch-free pass. */
static void put_nulls(const uint64_t *valid, int64_t rows, uint64_t *out)
{
    for (int64_t i = 0; i < rows; i += 64) {
        uint64_t word = valid[i >> 6];
        if (word == UINT64_MAX)
            continue;
        int64_t end = i + 64 < rows ? i + 64 : rows;
        for (int64_t j = i; j < end; j++, word >>= 1)
            out[j] = word & 1 ? out[j] : CH_HASH_NULL;
    }
}

#define LOOP(ctype, expr)                        \
    do {                                         \
        const ctype *v = (const ctype *)c->data; \
        for (int64_t i = 0; i < rows; i++)       \
            out[i] = expr;                       \
    } while (0)

static void hash_views(const ch_column *c, int64_t rows, uint64_t *out)
{
    const ch_view *v = c->data;
    for (int64_t i = 0; i < rows; i++) {
        if (CH_LIKELY(v[i].len <= CH_VIEW_INLINE)) {
            uint64_t w[2];
            memcpy(w, &v[i], sizeof w);
            out[i] = ch_hash_128(w[0], w[1]);
        } else {
            ch_str s = ch_view_str(c, &v[i]);
            out[i] = ch_hash_long_text(s.text, s.len);
        }
    }
}

/* Elements are hashed all at once, then folded list by list; maps fold without order. */
static ch_status hash_lists(const ch_column *c, int64_t rows, uint64_t *out, ch_mem *mem,
                            ch_error *err)
{
    const int32_t *offset = c->data;
    int64_t n = rows ? offset[rows] : 0;
    size_t bytes = sizeof(uint64_t) * (size_t)n;
    uint64_t *item = ch_mem_alloc(mem, bytes, err);
    if (!item)
        return CH_E_MEMORY;
    ch_status status = hash_values(c->child[0], n, item, mem, err);
    for (int64_t i = 0; status == CH_OK && i < rows; i++) {
        uint64_t h = ch_hash_u64((uint64_t)(offset[i + 1] - offset[i]));
        for (int32_t j = offset[i]; j < offset[i + 1]; j++)
            h = c->type->id == CH_MAP ? h + item[j] : ch_hash_combine(h, item[j]);
        out[i] = h;
    }
    ch_mem_free(mem, item, bytes);
    return status;
}

static ch_status hash_flat(const ch_column *c, int64_t rows, uint64_t *out, ch_mem *mem,
                           ch_error *err)
{
    switch (c->type->id) {
    case CH_NULL:
        for (int64_t i = 0; i < rows; i++)
            out[i] = CH_HASH_NULL;
        return CH_OK;
    case CH_BOOLEAN: {
        const uint64_t *bits = c->data;
        uint64_t h[2] = {ch_hash_u64(0), ch_hash_u64(1)};
        for (int64_t i = 0; i < rows; i++)
            out[i] = h[ch_bit_get(bits, i)];
        break;
    }
    case CH_FLOAT:
        LOOP(float, ch_hash_f64((double)v[i]));
        break;
    case CH_DOUBLE:
        LOOP(double, ch_hash_f64(v[i]));
        break;
    case CH_ARRAY:
    case CH_MAP:
        CH_TRY(hash_lists(c, rows, out, mem, err));
        break;
    case CH_STRUCT:
    case CH_VARIANT:
        CH_TRY(ch_hash(c->child, c->n_child, rows, out, mem, err));
        break;
    default:
        if (ch_type_is_view(c->type)) {
            hash_views(c, rows, out);
            break;
        }
        switch (ch_type_width(c->type)) {
        case 1:
            LOOP(int8_t, ch_hash_u64((uint64_t)(int64_t)v[i]));
            break;
        case 2:
            LOOP(int16_t, ch_hash_u64((uint64_t)(int64_t)v[i]));
            break;
        case 4:
            LOOP(int32_t, ch_hash_u64((uint64_t)(int64_t)v[i]));
            break;
        case 8:
            LOOP(uint64_t, ch_hash_u64(v[i]));
            break;
        default: {
            const uint64_t *v = c->data; /* two words per value */
            for (int64_t i = 0; i < rows; i++)
                out[i] = ch_hash_128(v[2 * i], v[2 * i + 1]);
        }
        }
    }
    if (c->valid)
        put_nulls(c->valid, rows, out);
    return CH_OK;
}

static ch_status hash_dict(const ch_column *c, int64_t rows, uint64_t *out, ch_mem *mem,
                           ch_error *err)
{
    const ch_column *dict = c->child[0];
    const int32_t *index = c->data;
    size_t bytes = sizeof(uint64_t) * (size_t)dict->rows;
    if (dict->rows == 0) {
        for (int64_t i = 0; i < rows; i++)
            out[i] = CH_HASH_NULL;
        return CH_OK;
    }
    uint64_t *word = ch_mem_alloc(mem, bytes, err);
    if (!word)
        return CH_E_MEMORY;
    ch_status status = hash_values(dict, dict->rows, word, mem, err);
    for (int64_t i = 0; status == CH_OK && i < rows; i++)
        out[i] = word[index[i]];
    ch_mem_free(mem, word, bytes);
    if (status == CH_OK && c->valid)
        put_nulls(c->valid, rows, out);
    return status;
}

/* A dictionary larger than the batch: only the values that are used. */
static ch_status hash_used(const ch_column *c, int64_t rows, uint64_t *out, ch_mem *mem,
                           ch_error *err)
{
    ch_column *flat;
    CH_TRY(ch_take(c->child[0], c->data, rows, false, mem, &flat, err));
    ch_status status = hash_values(flat, rows, out, mem, err);
    ch_column_unref(flat);
    if (status == CH_OK && c->valid)
        put_nulls(c->valid, rows, out);
    return status;
}

/* The same for strings. */
static void hash_dict_views(const ch_column *c, int64_t rows, uint64_t *out)
{
    const ch_column *dict = c->child[0];
    const int32_t *index = c->data;
    for (int64_t i = 0; i < rows; i++) {
        ch_str s = ch_column_str(dict, index[i]);
        out[i] = ch_hash_text(s.text, s.len);
    }
    if (c->valid)
        put_nulls(c->valid, rows, out);
}

static ch_status hash_values(const ch_column *c, int64_t rows, uint64_t *out, ch_mem *mem,
                             ch_error *err)
{
    if (c->encoding == CH_FLAT)
        return hash_flat(c, rows, out, mem, err);
    if (rows == 0)
        return CH_OK;
    if (c->encoding == CH_CONST) {
        uint64_t one;
        CH_TRY(hash_flat(c, 1, &one, mem, err));
        for (int64_t i = 0; i < rows; i++)
            out[i] = one;
        return CH_OK;
    }
    if (c->child[0]->rows > 2 * rows && ch_type_is_view(c->type)) {
        hash_dict_views(c, rows, out);
        return CH_OK;
    }
    if (c->child[0]->rows > rows)
        return hash_used(c, rows, out, mem, err);
    return hash_dict(c, rows, out, mem, err);
}

ch_status ch_hash(ch_column *const *col, int32_t n_cols, int64_t rows, uint64_t *out, ch_mem *mem,
                  ch_error *err)
{
    if (n_cols == 0) {
        for (int64_t i = 0; i < rows; i++)
            out[i] = CH_HASH_NULL;
        return CH_OK;
    }
    CH_TRY(hash_values(col[0], rows, out, mem, err));
    if (n_cols == 1)
        return CH_OK;
    size_t bytes = sizeof(uint64_t) * (size_t)rows;
    uint64_t *more = ch_mem_alloc(mem, bytes, err);
    if (!more)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    for (int32_t c = 1; status == CH_OK && c < n_cols; c++) {
        status = hash_values(col[c], rows, more, mem, err);
        if (status == CH_OK)
            for (int64_t i = 0; i < rows; i++)
                out[i] = ch_hash_combine(out[i], more[i]);
    }
    ch_mem_free(mem, more, bytes);
    return status;
}
