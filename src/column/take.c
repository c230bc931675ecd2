/* SPDX-License-Identifier: Apache-2.0 */
/*
 * take.c - gathers specialised by the width of a value; nested types become gathers of their
 * children by positions worked out from the offsets.
 *
 * A negative index reads slot 0 and is masked off afterwards, so the loops have no branch;
 * an input without rows has no slot 0 and is handled before.
 */
#include "column/take.h"
#include "column/textout.h"

/* One buffer of compacted text at most; views hold 31-bit offsets. */
#define TEXT_BYTES_MAX ((int64_t)1 << 30)

static bool is_list(const ch_type *type)
{
    return type->id == CH_ARRAY || type->id == CH_MAP;
}

/* ---- loops ------------------------------------------------------------------------------- */

#define GATHER(T)                                      \
    do {                                               \
        const T *restrict from = in;                   \
        T *restrict to = out;                          \
        if (negative)                                  \
            for (int64_t i = 0; i < k; i++)            \
                to[i] = from[idx[i] < 0 ? 0 : idx[i]]; \
        else                                           \
            for (int64_t i = 0; i < k; i++)            \
                to[i] = from[idx[i]];                  \
    } while (0)

static void gather_values(const void *in, int width, const int32_t *restrict idx, int64_t k,
                          bool negative, void *out)
{
    switch (width) {
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
}

/* out bit i = in bit idx[i] (in == NULL: on), and off where idx[i] is negative. */
static void gather_bits(const uint64_t *in, const int32_t *restrict idx, int64_t k, bool negative,
                        uint64_t *restrict out)
{
    for (int64_t base = 0; base < k; base += 64) {
        int64_t n = k - base < 64 ? k - base : 64;
        const int32_t *at = idx + base;
        uint64_t word = 0;
        if (!in)
            for (int64_t b = 0; b < n; b++)
                word |= (uint64_t)(at[b] >= 0) << b;
        else if (!negative)
            for (int64_t b = 0; b < n; b++)
                word |= (in[at[b] >> 6] >> (at[b] & 63) & 1) << b;
        else
            for (int64_t b = 0; b < n; b++) {
                int32_t j = at[b] < 0 ? 0 : at[b];
                word |= (in[j >> 6] >> (j & 63) & (uint64_t)(at[b] >= 0)) << b;
            }
        out[base >> 6] = word;
    }
}

#define REPEAT(T)                            \
    do {                                     \
        T value = *(const T *)in, *to = out; \
        for (int64_t i = 0; i < k; i++)      \
            to[i] = value;                   \
    } while (0)

static void repeat_value(const void *in, int width, int64_t k, void *out)
{
    switch (width) {
    case 1:
        memset(out, *(const uint8_t *)in, (size_t)k);
        break;
    case 2:
        REPEAT(uint16_t);
        break;
    case 4:
        REPEAT(uint32_t);
        break;
    case 8:
        REPEAT(uint64_t);
        break;
    default:
        REPEAT(ch_u128);
        break;
    }
}

static bool any_negative(const int32_t *idx, int64_t k)
{
    int32_t all = 0;
    for (int64_t i = 0; i < k; i++)
        all |= idx[i];
    return all < 0;
}

/* ---- take -------------------------------------------------------------------------------- */

static ch_status set_valid(ch_column *out, const uint64_t *in, const int32_t *idx, int64_t k,
                           bool negative, ch_error *err)
{
    if (!in && !negative)
        return CH_OK;
    CH_TRY(ch_buffer_new(out->mem, ch_bit_bytes(k), &out->valid_buf, err));
    out->valid = (uint64_t *)(void *)out->valid_buf->data;
    gather_bits(in, idx, k, negative, out->valid);
    return CH_OK;
}

/* Offsets of the lists chosen, and their elements gathered. NULL lists come out empty. */
static ch_status take_lists(const ch_column *in, const int32_t *idx, int64_t k, ch_column *out,
                            ch_error *err)
{
    const int32_t *from = in->data;
    int32_t *to = out->data;
    int64_t n_items = 0;
    for (int64_t i = 0; i < k; i++) {
        if (!out->valid || ch_bit_get(out->valid, i))
            n_items += from[idx[i] + 1] - from[idx[i]];
        if (n_items > INT32_MAX)
            return ch_error_memory(err, "elements of one column", n_items, INT32_MAX);
        to[i + 1] = (int32_t)n_items;
    }
    size_t bytes = sizeof(int32_t) * (size_t)n_items;
    int32_t *item = ch_mem_alloc(out->mem, bytes, err);
    if (!item)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < k; i++)
        for (int32_t j = to[i]; j < to[i + 1]; j++)
            item[j] = from[idx[i]] + (j - to[i]);
    ch_status status = ch_take(in->child[0], item, n_items, false, out->mem, &out->child[0], err);
    ch_mem_free(out->mem, item, bytes);
    return status;
}

static ch_status take_flat(const ch_column *in, const int32_t *idx, int64_t k, bool negative,
                           ch_mem *mem, ch_column **result, ch_error *err)
{
    ch_status status = CH_OK;
    CH_TRY(ch_column_new(mem, in->type, k, result, err));
    ch_column *out = *result;
    if (in->type->id == CH_NULL)
        return CH_OK;
    CH_TRY_OUT(set_valid(out, in->valid, idx, k, negative, err));
    if (in->type->id == CH_BOOLEAN) {
        gather_bits(in->data, idx, k, negative, out->data);
    } else if (is_list(in->type)) {
        CH_TRY_OUT(take_lists(in, idx, k, out, err));
    } else if (in->data) {
        gather_values(in->data, ch_type_width(in->type), idx, k, negative, out->data);
        int32_t base;
        if (in->n_text)
            CH_TRY_OUT(ch_column_share_text(out, in, &base, err));
    } else {
        for (int32_t c = 0; c < in->n_child; c++)
            CH_TRY_OUT(ch_take(in->child[c], idx, k, negative, mem, &out->child[c], err));
    }
out:
    if (status != CH_OK) {
        ch_column_unref(out);
        *result = NULL;
    }
    return status;
}

static ch_status take_dict(const ch_column *in, const int32_t *idx, int64_t k, bool negative,
                           ch_mem *mem, ch_column **out, ch_error *err)
{
    ch_buffer *index = NULL, *valid = NULL;
    ch_status status = ch_buffer_new(mem, k * (int64_t)sizeof(int32_t), &index, err);
    *out = NULL;
    if (status == CH_OK && (in->valid || negative))
        status = ch_buffer_new(mem, ch_bit_bytes(k), &valid, err);
    if (status != CH_OK) {
        ch_buffer_unref(index);
        return status;
    }
    gather_values(in->data, 4, idx, k, negative, index->data);
    if (valid)
        gather_bits(in->valid, idx, k, negative, (uint64_t *)(void *)valid->data);
    return ch_column_dict(mem, index, valid, in->child[0], k, out, err);
}

/* A FLAT column on the stack with parts borrowed from `in` (all but its count of references,
 * which other threads may be changing). */
static ch_column borrow(const ch_column *in, int64_t rows)
{
    return (ch_column){.type = in->type,
                       .encoding = CH_FLAT,
                       .rows = rows,
                       .mem = in->mem,
                       .valid = in->valid,
                       .data = in->data,
                       .text = in->text,
                       .n_text = in->n_text,
                       .child = in->child,
                       .n_child = in->n_child};
}

static ch_status take_const(const ch_column *in, const int32_t *idx, int64_t k, ch_mem *mem,
                            ch_column **out, ch_error *err)
{
    ch_column one = borrow(in, 1);
    size_t bytes = sizeof(int32_t) * (size_t)k;
    int32_t *zero_or_less = ch_mem_alloc(mem, bytes, err);
    *out = NULL;
    if (!zero_or_less)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < k; i++)
        zero_or_less[i] = idx[i] < 0 ? -1 : 0;
    ch_status status = take_flat(&one, zero_or_less, k, true, mem, out, err);
    ch_mem_free(mem, zero_or_less, bytes);
    return status;
}

ch_status ch_take(const ch_column *in, const int32_t *idx, int64_t k, bool may_be_negative,
                  ch_mem *mem, ch_column **out, ch_error *err)
{
    bool negative = may_be_negative && any_negative(idx, k);
    if (in->encoding == CH_CONST) {
        if (!negative || ch_column_is_null(in, 0))
            return ch_column_share(mem, in, k, out, err);
        return take_const(in, idx, k, mem, out, err);
    }
    if (in->rows == 0)
        return ch_column_flat_nulls(mem, in->type, k, out, err);
    if (in->encoding == CH_DICT)
        return take_dict(in, idx, k, negative, mem, out, err);
    return take_flat(in, idx, k, negative, mem, out, err);
}

/* ---- flatten ----------------------------------------------------------------------------- */

static bool is_flat(const ch_column *c)
{
    if (c->encoding != CH_FLAT)
        return false;
    for (int32_t i = 0; i < c->n_child; i++)
        if (!is_flat(c->child[i]))
            return false;
    return true;
}

/* in is FLAT, some child is not. */
static ch_status flatten_children(ch_column *in, ch_mem *mem, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_share(mem, in, in->rows, out, err));
    for (int32_t i = 0; i < in->n_child; i++) {
        ch_column *child = (*out)->child[i];
        (*out)->child[i] = NULL;
        ch_status status = ch_flatten(child, mem, &(*out)->child[i], err);
        ch_column_unref(child);
        if (status != CH_OK) {
            ch_column_unref(*out);
            *out = NULL;
            return status;
        }
    }
    return CH_OK;
}

static ch_status flatten_const(const ch_column *in, ch_mem *mem, ch_column **out, ch_error *err)
{
    int64_t k = in->rows;
    if (in->type->id == CH_NULL || ch_column_is_null(in, 0))
        return ch_column_flat_nulls(mem, in->type, k, out, err);
    if (in->n_child) {
        ch_column one = borrow(in, 1);
        size_t bytes = sizeof(int32_t) * (size_t)k;
        int32_t *zero = ch_mem_zalloc(mem, bytes, err);
        *out = NULL;
        if (!zero)
            return CH_E_MEMORY;
        ch_status status = take_flat(&one, zero, k, false, mem, out, err);
        ch_mem_free(mem, zero, bytes);
        return status;
    }
    CH_TRY(ch_column_new(mem, in->type, k, out, err));
    if (in->type->id == CH_BOOLEAN)
        ch_bits_fill((*out)->data, k, ch_bit_get(in->data, 0));
    else if (in->data)
        repeat_value(in->data, ch_type_width(in->type), k, (*out)->data);
    int32_t base;
    if (in->n_text && ch_column_share_text(*out, in, &base, err) != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
        return CH_E_MEMORY;
    }
    return CH_OK;
}

static ch_status flatten_dict(const ch_column *in, ch_mem *mem, ch_column **out, ch_error *err)
{
    const ch_column *dictionary = in->child[0];
    int64_t k = in->rows;
    if (dictionary->rows == 0 || in->type->id == CH_NULL)
        return ch_column_flat_nulls(mem, in->type, k, out, err);
    if (!in->valid || !dictionary->n_child) {
        /* The rows' own bits say what is NULL; the dictionary's are not asked. */
        ch_column values = borrow(dictionary, dictionary->rows);
        values.valid = NULL;
        CH_TRY(take_flat(&values, in->data, k, false, mem, out, err));
        (*out)->valid_buf = ch_buffer_ref(in->valid_buf);
        (*out)->valid = in->valid;
        return CH_OK;
    }
    /* A NULL list must come out empty, whatever its index says. */
    size_t bytes = sizeof(int32_t) * (size_t)k;
    int32_t *idx = ch_mem_alloc(mem, bytes, err);
    *out = NULL;
    if (!idx)
        return CH_E_MEMORY;
    const int32_t *index = in->data;
    for (int64_t i = 0; i < k; i++)
        idx[i] = ch_bit_get(in->valid, i) ? index[i] : -1;
    ch_status status = take_flat(dictionary, idx, k, true, mem, out, err);
    ch_mem_free(mem, idx, bytes);
    return status;
}

ch_status ch_flatten(ch_column *in, ch_mem *mem, ch_column **out, ch_error *err)
{
    if (is_flat(in)) {
        *out = ch_column_ref(in);
        return CH_OK;
    }
    if (in->encoding == CH_FLAT)
        return flatten_children(in, mem, out, err);
    ch_column *outer;
    CH_TRY(in->encoding == CH_CONST ? flatten_const(in, mem, &outer, err)
                                    : flatten_dict(in, mem, &outer, err));
    if (is_flat(outer)) {
        *out = outer;
        return CH_OK;
    }
    ch_status status = flatten_children(outer, mem, out, err);
    ch_column_unref(outer);
    return status;
}

/* ---- concat ------------------------------------------------------------------------------ */

/* Copies n views, whose text buffers became number base and up. */
static void copy_views(ch_view *restrict to, const ch_view *restrict from, int64_t n, int32_t base)
{
    if (base == 0) {
        memcpy(to, from, sizeof *to * (size_t)n);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        ch_view v = from[i];
        v.buf += v.len > CH_VIEW_INLINE ? base : 0;
        to[i] = v;
    }
}

/* The elements that a list column's offsets speak of: [offset[0], offset[rows]). */
static ch_status list_items(const ch_column *list, ch_mem *mem, ch_column **out, ch_error *err)
{
    const int32_t *offset = list->data;
    int32_t from = offset[0], n = offset[list->rows] - from;
    ch_column *items = list->child[0];
    if (from == 0 && n == items->rows) {
        *out = ch_column_ref(items);
        return CH_OK;
    }
    size_t bytes = sizeof(int32_t) * (size_t)n;
    int32_t *idx = ch_mem_alloc(mem, bytes, err);
    *out = NULL;
    if (!idx)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < n; i++)
        idx[i] = from + i;
    ch_status status = ch_take(items, idx, n, false, mem, out, err);
    ch_mem_free(mem, idx, bytes);
    return status;
}

/* Children number c of n FLAT columns, joined. */
static ch_status concat_children(ch_column *const *in, int32_t n, int32_t c, ch_mem *mem,
                                 ch_column **out, ch_error *err)
{
    size_t bytes = sizeof(ch_column *) * (size_t)n;
    ch_column **part = ch_mem_zalloc(mem, bytes, err);
    *out = NULL;
    if (!part)
        return CH_E_MEMORY;
    ch_status status = CH_OK;
    for (int32_t i = 0; i < n; i++) {
        if (is_list(in[i]->type))
            CH_TRY_OUT(list_items(in[i], mem, &part[i], err));
        else
            part[i] = ch_column_ref(in[i]->child[c]);
    }
    status = ch_concat(part, n, part[0]->type, mem, out, err);
out:
    for (int32_t i = 0; i < n; i++)
        ch_column_unref(part[i]);
    ch_mem_free(mem, part, bytes);
    return status;
}

/* Rows [at, at + in->rows) of out = in, which is FLAT. *items counts the elements so far. */
static ch_status concat_one(ch_column *out, int64_t at, const ch_column *in, int64_t *items,
                            ch_error *err)
{
    int64_t n = in->rows;
    if (in->type->id == CH_NULL)
        return CH_OK;
    if (in->valid) {
        CH_TRY(ch_column_need_valid(out, err));
        ch_bits_copy(out->valid, at, in->valid, 0, n);
    }
    if (in->type->id == CH_BOOLEAN) {
        ch_bits_copy(out->data, at, in->data, 0, n);
    } else if (is_list(in->type)) {
        const int32_t *from = in->data;
        int32_t *to = (int32_t *)out->data + at;
        int64_t more = from[n] - from[0];
        if (*items + more > INT32_MAX)
            return ch_error_memory(err, "elements of one column", *items + more, INT32_MAX);
        int32_t shift = (int32_t)*items - from[0];
        for (int64_t i = 1; i <= n; i++)
            to[i] = from[i] + shift;
        *items += more;
    } else if (ch_type_is_view(in->type)) {
        int32_t base = 0;
        if (in->n_text)
            CH_TRY(ch_column_share_text(out, in, &base, err));
        copy_views((ch_view *)out->data + at, in->data, n, base);
    } else if (in->data) {
        int width = ch_type_width(in->type);
        memcpy((char *)out->data + at * width, in->data, (size_t)(n * width));
    }
    return CH_OK;
}

ch_status ch_concat(ch_column *const *in, int32_t n, const ch_type *type, ch_mem *mem,
                    ch_column **result, ch_error *err)
{
    if (n == 0)
        return ch_column_flat_nulls(mem, type, 0, result, err);
    if (n == 1)
        return ch_flatten(in[0], mem, result, err);

    ch_status status = CH_OK;
    size_t bytes = sizeof(ch_column *) * (size_t)n;
    int64_t rows = 0, at = 0, items = 0;
    ch_column *out = NULL;
    *result = NULL;
    ch_column **flat = ch_mem_zalloc(mem, bytes, err);
    if (!flat)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < n; i++)
        rows += in[i]->rows;
    CH_TRY_OUT(ch_column_new(mem, type, rows, &out, err));

    bool nested = out->n_child > 0;
    for (int32_t i = 0; i < n; i++) {
        CH_TRY_OUT(ch_flatten(in[i], mem, &flat[i], err));
        CH_TRY_OUT(concat_one(out, at, flat[i], &items, err));
        at += flat[i]->rows;
        if (!nested) { /* one flat copy at a time */
            ch_column_unref(flat[i]);
            flat[i] = NULL;
        }
    }
    for (int32_t c = 0; c < out->n_child; c++)
        CH_TRY_OUT(concat_children(flat, n, c, mem, &out->child[c], err));
    *result = out;
    out = NULL;
out:
    ch_column_unref(out);
    for (int32_t i = 0; i < n; i++)
        ch_column_unref(flat[i]);
    ch_mem_free(mem, flat, bytes);
    return status;
}

/* ---- compact ----------------------------------------------------------------------------- */

/* Copies the long texts of a FLAT view column into buffers of just the right size. */
static ch_status own_text(const ch_column *in, ch_column *out, ch_error *err)
{
    const ch_view *from = in->data;
    ch_view *to = out->data;
    int64_t n = in->rows, i = 0;
    while (i < n) {
        int64_t bytes = 0, stop = i;
        for (; stop < n; stop++) {
            bool null = in->valid && !ch_bit_get(in->valid, stop);
            int64_t len = null || from[stop].len <= CH_VIEW_INLINE ? 0 : from[stop].len;
            if (bytes && bytes + len > TEXT_BYTES_MAX)
                break;
            bytes += len;
        }
        ch_buffer *buffer = NULL;
        int32_t buf = 0, used = 0;
        if (bytes) {
            CH_TRY(ch_buffer_new(out->mem, bytes, &buffer, err));
            CH_TRY(ch_column_add_text(out, buffer, &buf, err));
        }
        for (; i < stop; i++) {
            ch_view v = from[i];
            if (in->valid && !ch_bit_get(in->valid, i)) {
                v = (ch_view){0};
            } else if (v.len > CH_VIEW_INLINE) {
                memcpy(buffer->data + used, ch_view_str(in, &v).text, (size_t)v.len);
                v.buf = buf;
                v.offset = used;
                used += v.len;
            }
            to[i] = v;
        }
    }
    return CH_OK;
}

/* in is FLAT all the way down. */
static ch_status compact_flat(ch_column *in, ch_mem *mem, ch_column **result, ch_error *err)
{
    bool has_text = ch_type_is_view(in->type) && in->n_text > 0;
    if (!has_text && !in->n_child) {
        *result = ch_column_ref(in);
        return CH_OK;
    }
    ch_column *out = NULL;
    ch_status status = CH_OK;
    *result = NULL;
    if (has_text) {
        CH_TRY(ch_column_new(mem, in->type, in->rows, &out, err));
        out->valid_buf = ch_buffer_ref(in->valid_buf);
        out->valid = in->valid;
        CH_TRY_OUT(own_text(in, out, err));
    } else {
        CH_TRY(ch_column_share(mem, in, in->rows, &out, err));
        for (int32_t c = 0; c < in->n_child; c++) {
            ch_column *child = NULL;
            CH_TRY_OUT(compact_flat(in->child[c], mem, &child, err));
            ch_column_unref(out->child[c]);
            out->child[c] = child;
        }
    }
    *result = out;
    out = NULL;
out:
    ch_column_unref(out);
    return status;
}

ch_status ch_compact(ch_column *in, ch_mem *mem, ch_column **out, ch_error *err)
{
    ch_column *flat;
    *out = NULL;
    CH_TRY(ch_flatten(in, mem, &flat, err));
    ch_status status = compact_flat(flat, mem, out, err);
    ch_column_unref(flat);
    return status;
}
