/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow_import.c - ArrowArray as columns.
 *
 * The moved array lives in a counted `foreign`; each buffer that is used in place holds one count. A
 * buffer is used in place when it starts at a multiple of 64 bytes, since then loops that read to the
 * next multiple of 64 stay within its cache line; all else is copied or converted, and so are
 * bitmaps, which are read as whole words.
 *
 * Recursion is over (schema, array, from, n): n slots of the array's logical values, starting
 * at `from`, which is slot array->offset + from of its buffers.
 */
#include "column/arrow.h"

#include <stdio.h>
#include <stdlib.h>

#include "column/take.h"

typedef struct foreign {
    _Atomic int32_t refs;
    ch_mem *mem;
    int64_t charged; /* bytes of the buffers that are used in place */
    int32_t n_charged;
    struct ArrowArray array;
} foreign;

typedef struct importer {
    ch_mem *mem;
    foreign *owner;
    ch_error *err;
} importer;

static void foreign_unref(void *owner)
{
    foreign *f = owner;
    if (atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    f->array.release(&f->array);
    for (int32_t i = 0; i < f->n_charged; i++) /* as often as it was charged */
        ch_mem_discharge(f->mem, i ? 0 : f->charged);
    ch_mem_free(f->mem, f, sizeof *f);
}

static ch_status wrap(importer *im, const void *data, int64_t bytes, ch_buffer **out)
{
    CH_TRY(ch_mem_charge(im->mem, bytes, im->err));
    im->owner->charged += bytes;
    im->owner->n_charged++;
    atomic_fetch_add_explicit(&im->owner->refs, 1, memory_order_relaxed);
    return ch_buffer_wrap(im->mem, data, bytes, foreign_unref, im->owner, out, im->err);
}

static ch_status invalid(importer *im, const char *reason)
{
    CH_FAIL(im->err, INVALID_ARROW, "reason", reason);
}

static ch_status import(importer *im, const struct ArrowSchema *schema,
                        const struct ArrowArray *array, int64_t from, int64_t n, ch_column **out);

/* ---- buffers ----------------------------------------------------------------------------- */

static const void *buffer_at(const struct ArrowArray *array, int64_t b)
{
    return b < array->n_buffers ? array->buffers[b] : NULL;
}

/* bits[at .. at + n) as words of our own: a foreign bitmap need not be made of whole words. */
static ch_status import_bits(importer *im, const uint8_t *bits, int64_t at, int64_t n,
                             ch_buffer **out)
{
    const uint8_t *from = bits + (at >> 3);
    int shift = (int)(at & 7);
    int64_t bytes = (n + shift + 7) >> 3; /* of the bitmap that may be read */
    CH_TRY(ch_buffer_new(im->mem, ch_bit_bytes(n), out, im->err));
    uint8_t *to = (*out)->data;
    for (int64_t k = 0; k < ch_bit_bytes(n); k++) {
        uint32_t low = k < bytes ? from[k] : 0, high = k + 1 < bytes ? from[k + 1] : 0;
        to[k] = (uint8_t)((low | high << 8) >> shift);
    }
    return CH_OK;
}

static ch_status import_valid(importer *im, const struct ArrowArray *array, int64_t at, int64_t n,
                              ch_column *c)
{
    const uint8_t *bits = array->null_count == 0 ? NULL : buffer_at(array, 0);
    if (!bits || n == 0)
        return CH_OK;
    CH_TRY(import_bits(im, bits, at, n, &c->valid_buf));
    c->valid = (uint64_t *)(void *)c->valid_buf->data;
    if (ch_bits_count(c->valid, n) == n) {
        ch_buffer_unref(c->valid_buf);
        c->valid_buf = NULL;
        c->valid = NULL;
    }
    return CH_OK;
}

/* A FLAT column of n rows whose data is still to be set; the validity is. */
static ch_status new_column(importer *im, const ch_type *type, const struct ArrowArray *array,
                            int64_t at, int64_t n, ch_column **out)
{
    CH_TRY(ch_column_new(im->mem, type, 0, out, im->err));
    ch_column *c = *out;
    c->rows = n;
    ch_buffer_unref(c->data_buf);
    c->data_buf = NULL;
    c->data = NULL;
    return import_valid(im, array, at, n, c);
}

static ch_status new_data(importer *im, ch_column *c, int64_t bytes)
{
    CH_TRY(ch_buffer_new(im->mem, bytes, &c->data_buf, im->err));
    c->data = c->data_buf->data;
    return CH_OK;
}

/* n values of the column's own layout, starting with slot `at`. */
static ch_status same_layout(importer *im, ch_column *c, const void *data, int64_t at, int width)
{
    const char *from = data ? (const char *)data + at * width : NULL;
    int64_t bytes = c->rows * width;
    if (from && ((uintptr_t)from & 63) == 0) {
        CH_TRY(wrap(im, from, bytes, &c->data_buf));
        c->data = c->data_buf->data;
        return CH_OK;
    }
    CH_TRY(new_data(im, c, bytes));
    if (bytes)
        memcpy(c->data, from, (size_t)bytes);
    return CH_OK;
}

/* ---- values of fixed width ---------------------------------------------------------------- */

#define CONVERT(FROM, TO, expr)                      \
    do {                                             \
        const FROM *from_ = (const FROM *)data + at; \
        TO *to_ = c->data;                           \
        for (int64_t i = 0; i < c->rows; i++) {      \
            FROM x = from_[i];                       \
            to_[i] = (TO)(expr);                     \
        }                                            \
    } while (0)

static float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, exp = h >> 10 & 31, frac = h & 1023, bits;
    if (exp == 31) {
        bits = sign | 0x7F800000 | frac << 13;
    } else if (exp) {
        bits = sign | (exp + 112) << 23 | frac << 13;
    } else {
        float f = (float)frac * 0x1p-24f;
        return sign ? -f : f;
    }
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/* Microseconds (DATE: days) out of units of which there are `per` in `to`. */
static ch_status scale_i64(importer *im, ch_column *c, const int64_t *from, int64_t times,
                           int64_t divide)
{
    int64_t *to = c->data;
    for (int64_t i = 0; i < c->rows; i++) {
        int64_t x = from[i];
        if (divide > 1) {
            to[i] = x / divide - (x % divide < 0);
        } else if (__builtin_mul_overflow(x, times, &to[i])) {
            if (!c->valid || ch_bit_get(c->valid, i))
                return invalid(im, "a moment is out of range");
            to[i] = 0;
        }
    }
    return CH_OK;
}

static int64_t per_second(char unit)
{
    return unit == 's' ? 1 : unit == 'm' ? 1000 : unit == 'u' ? 1000000 : 1000000000;
}

/* Integers of `unit` to integers of which there are `target` in a second. */
static ch_status import_units(importer *im, ch_column *c, const void *data, int64_t at, char unit,
                              int64_t target)
{
    int64_t from = per_second(unit);
    if (from == target)
        return same_layout(im, c, data, at, 8);
    CH_TRY(new_data(im, c, c->rows * 8));
    return scale_i64(im, c, (const int64_t *)data + at, from < target ? target / from : 1,
                     from > target ? from / target : 1);
}

static ch_status import_temporal(importer *im, const char *f, ch_column *c, const void *data,
                                 int64_t at)
{
    switch (f[1]) {
    case 'd':
        if (f[2] == 'D')
            return same_layout(im, c, data, at, 4);
        CH_TRY(new_data(im, c, c->rows * 4));
        CONVERT(int64_t, int32_t, x / 86400000 - (x % 86400000 < 0));
        return CH_OK;
    case 't':
        if (f[2] == 'u' || f[2] == 'n')
            return import_units(im, c, data, at, f[2], 1000000000);
        CH_TRY(new_data(im, c, c->rows * 8));
        CONVERT(int32_t, int64_t, x * (1000000000 / per_second(f[2])));
        return CH_OK;
    case 's':
    case 'D':
        return import_units(im, c, data, at, f[2], 1000000);
    default:
        if (f[2] == 'M')
            return same_layout(im, c, data, at, 4);
        if (f[2] == 'n')
            return same_layout(im, c, data, at, 16);
        CH_TRY(new_data(im, c, c->rows * 16));
        CONVERT(int64_t, ch_interval,
                ((ch_interval){0, (int32_t)(uint64_t)x, (x >> 32) * INT64_C(1000000)}));
        return CH_OK;
    }
}

static ch_status import_decimal(importer *im, const char *f, ch_column *c, const void *data,
                                int64_t at)
{
    int precision, scale, bits = 128;
    bool wide = ch_type_is_wide_decimal(c->type);
    if (sscanf(f, "d:%d,%d,%d", &precision, &scale, &bits) < 2 ||
        (bits != 32 && bits != 64 && bits != 128 && bits != 256))
        return invalid(im, "bad decimal format");
    if (bits == 128 && wide)
        return same_layout(im, c, data, at, 16);
    if (bits == 64 && !wide)
        return same_layout(im, c, data, at, 8);
    CH_TRY(new_data(im, c, c->rows * (wide ? 16 : 8)));
    const char *from = (const char *)data + at * (bits / 8);
    for (int64_t i = 0; i < c->rows; i++, from += bits / 8) {
        ch_i128 value;
        if (bits == 32) {
            int32_t v;
            memcpy(&v, from, sizeof v);
            value = v;
        } else if (bits == 64) {
            int64_t v;
            memcpy(&v, from, sizeof v);
            value = v;
        } else { /* |value| < 10^38: the rest of 256 bits is its sign */
            memcpy(&value, from, sizeof value);
        }
        if (wide)
            ((ch_i128 *)c->data)[i] = value;
        else
            ((int64_t *)c->data)[i] = (int64_t)value;
    }
    return CH_OK;
}

static ch_status import_fixed(importer *im, const char *f, ch_column *c, const void *data,
                              int64_t at)
{
    if (!data && c->rows)
        return invalid(im, "a data buffer is missing");
    switch (f[0]) {
    case 'C':
        CH_TRY(new_data(im, c, c->rows * 2));
        CONVERT(uint8_t, int16_t, x);
        return CH_OK;
    case 'S':
        CH_TRY(new_data(im, c, c->rows * 4));
        CONVERT(uint16_t, int32_t, x);
        return CH_OK;
    case 'I':
        CH_TRY(new_data(im, c, c->rows * 8));
        CONVERT(uint32_t, int64_t, x);
        return CH_OK;
    case 'L':
        CH_TRY(new_data(im, c, c->rows * 16));
        CONVERT(uint64_t, ch_i128, x);
        return CH_OK;
    case 'e':
        CH_TRY(new_data(im, c, c->rows * 4));
        CONVERT(uint16_t, float, half_to_float(x));
        return CH_OK;
    case 'd':
        return import_decimal(im, f, c, data, at);
    case 't':
        return import_temporal(im, f, c, data, at);
    default:
        return same_layout(im, c, data, at, ch_type_width(c->type));
    }
}

/* ---- strings ------------------------------------------------------------------------------ */

static ch_status import_views(importer *im, const struct ArrowArray *array, int64_t at,
                              ch_column *c)
{
    const void *data = buffer_at(array, 1);
    if (!data && c->rows)
        return invalid(im, "a data buffer is missing");
    if (c->valid) { /* a view under NULL may be anything there; here it must be sane */
        CH_TRY(new_data(im, c, c->rows * 16));
        ch_view *to = c->data;
        memcpy(to, (const char *)data + at * 16, (size_t)(c->rows * 16));
        for (int64_t i = 0; i < c->rows; i++)
            if (!ch_bit_get(c->valid, i))
                to[i] = (ch_view){0};
    } else {
        CH_TRY(same_layout(im, c, data, at, 16));
    }
    const int64_t *size = buffer_at(array, array->n_buffers - 1);
    for (int64_t b = 2; b < array->n_buffers - 1; b++) {
        ch_buffer *text;
        int32_t idx;
        CH_TRY(wrap(im, array->buffers[b], size[b - 2], &text));
        CH_TRY(ch_column_add_text(c, text, &idx, im->err));
    }
    return CH_OK;
}

/* Where string i lies: offsets of 4 or 8 bytes, or a fixed size. */
typedef struct spans {
    const int32_t *o32;
    const int64_t *o64;
    int64_t fixed;
} spans;

static inline int64_t span_start(const spans *s, int64_t i)
{
    return s->o32 ? s->o32[i] : s->o64 ? s->o64[i] : i * s->fixed;
}

/*
 * Views on the array's own bytes. Offsets of views have 31 bits, so a large array is seen
 * through windows, each a text buffer that starts where the last one could not go on.
 */
static ch_status import_text(importer *im, const spans *s, const char *bytes, int64_t at,
                             ch_column *c)
{
    CH_TRY(new_data(im, c, c->rows * (int64_t)sizeof(ch_view)));
    ch_view *view = c->data;
    int64_t base = 0, end = c->rows ? span_start(s, at + c->rows) : 0;
    int32_t buf = -1;
    for (int64_t i = 0; i < c->rows; i++) {
        view[i] = (ch_view){0};
        if (c->valid && !ch_bit_get(c->valid, i))
            continue;
        int64_t start = span_start(s, at + i), len = span_start(s, at + i + 1) - start;
        if (start < 0 || len < 0 || len > INT32_MAX || start + len > end)
            return invalid(im, "offsets of strings are out of order");
        if (len > CH_VIEW_INLINE && (buf < 0 || start + len - base > INT32_MAX)) {
            ch_buffer *text;
            int64_t size = end - start < INT32_MAX ? end - start : INT32_MAX;
            CH_TRY(wrap(im, bytes + start, size, &text));
            CH_TRY(ch_column_add_text(c, text, &buf, im->err));
            base = start;
        }
        view[i] = ch_view_make(len ? bytes + start : "", len, buf, start - base);
    }
    return CH_OK;
}

static ch_status import_strings(importer *im, const char *f, const struct ArrowArray *array,
                                int64_t at, ch_column *c)
{
    spans s = {0};
    const void *first = buffer_at(array, 1);
    if (f[0] == 'v')
        return import_views(im, array, at, c);
    if (f[0] == 'w') {
        s.fixed = atoll(f + 2);
        return import_text(im, &s, first, at, c);
    }
    if (!first && c->rows)
        return invalid(im, "a buffer of offsets is missing");
    if (f[0] == 'u' || f[0] == 'z')
        s.o32 = first;
    else
        s.o64 = first;
    return import_text(im, &s, buffer_at(array, 2), at, c);
}

/* ---- nested ------------------------------------------------------------------------------- */

/* A NULL list must be empty here; where it is not, all are gathered anew. */
static ch_status empty_null_lists(importer *im, ch_column **list)
{
    ch_column *c = *list, *clean;
    const int32_t *offset = c->data;
    bool dirty = false;
    for (int64_t i = 0; c->valid && i < c->rows && !dirty; i++)
        dirty = !ch_bit_get(c->valid, i) && offset[i] != offset[i + 1];
    if (!dirty)
        return CH_OK;
    size_t bytes = sizeof(int32_t) * (size_t)c->rows;
    int32_t *idx = ch_mem_alloc(im->mem, bytes, im->err);
    if (!idx)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < c->rows; i++)
        idx[i] = ch_bit_get(c->valid, i) ? (int32_t)i : -1;
    ch_status status = ch_take(c, idx, c->rows, true, im->mem, &clean, im->err);
    ch_mem_free(im->mem, idx, bytes);
    CH_TRY(status);
    ch_column_unref(c);
    *list = clean;
    return CH_OK;
}

/* A list view's items in any order: gathered into lists that follow one another. */
static ch_status import_list_view(importer *im, const struct ArrowSchema *schema,
                                  const struct ArrowArray *array, int64_t at, ch_column *c)
{
    bool large = schema->format[2] == 'L';
    const void *offset = buffer_at(array, 1), *size = buffer_at(array, 2);
    const struct ArrowArray *items = array->children[0];
    int32_t *to = c->data;
    int64_t total = 0;
    if (c->rows && (!offset || !size))
        return invalid(im, "a buffer of offsets is missing");
    for (int64_t i = 0; i < c->rows; i++) {
        bool null = c->valid && !ch_bit_get(c->valid, i);
        int64_t len = null    ? 0
                      : large ? ((const int64_t *)size)[at + i]
                              : ((const int32_t *)size)[at + i];
        int64_t start =
            large ? ((const int64_t *)offset)[at + i] : ((const int32_t *)offset)[at + i];
        total += len;
        if (len < 0 || len > items->length || (len && (start < 0 || start > items->length - len)) ||
            total > INT32_MAX)
            return invalid(im, "offsets of lists are out of range");
        to[i + 1] = (int32_t)total;
    }
    ch_column *all;
    CH_TRY(import(im, schema->children[0], items, 0, items->length, &all));
    size_t bytes = sizeof(int32_t) * (size_t)total;
    int32_t *idx = ch_mem_alloc(im->mem, bytes, im->err);
    ch_status status = CH_E_MEMORY;
    if (idx) {
        for (int64_t i = 0; i < c->rows; i++) {
            int64_t start =
                large ? ((const int64_t *)offset)[at + i] : ((const int32_t *)offset)[at + i];
            for (int32_t j = to[i]; j < to[i + 1]; j++)
                idx[j] = (int32_t)start + (j - to[i]);
        }
        status = ch_take(all, idx, total, false, im->mem, &c->child[0], im->err);
        ch_mem_free(im->mem, idx, bytes);
    }
    ch_column_unref(all);
    return status;
}

/* ARRAY or MAP in *out, its validity set. */
static ch_status import_list(importer *im, const struct ArrowSchema *schema,
                             const struct ArrowArray *array, int64_t at, ch_column **out)
{
    ch_column *c = *out;
    int64_t n = c->rows, first = 0, last = 0;
    char kind = schema->format[1];
    if (array->n_children != 1)
        return invalid(im, "a list has no items");
    CH_TRY(new_data(im, c, (n + 1) * (int64_t)sizeof(int32_t)));
    int32_t *to = c->data;
    to[0] = 0;
    if (kind == 'v')
        return import_list_view(im, schema, array, at, c);
    if (kind == 'w') {
        int64_t fixed = atoll(schema->format + 3);
        if (fixed < 0 || __builtin_mul_overflow(at, fixed, &first) ||
            __builtin_mul_overflow(n, fixed, &last) || __builtin_add_overflow(first, last, &last))
            return invalid(im, "a fixed-size list has a bad size");
        for (int64_t i = 0; i <= n && last - first <= INT32_MAX; i++)
            to[i] = (int32_t)(i * fixed);
    } else if (n) {
        const void *offset = buffer_at(array, 1);
        if (!offset)
            return invalid(im, "a buffer of offsets is missing");
        const int32_t *o32 = kind == 'L' ? NULL : (const int32_t *)offset + at;
        const int64_t *o64 = kind == 'L' ? (const int64_t *)offset + at : NULL;
        first = o32 ? o32[0] : o64[0];
        last = o32 ? o32[n] : o64[n];
        for (int64_t i = 0; i <= n; i++) {
            int64_t o = (o32 ? o32[i] : o64[i]) - first;
            if (o < (i ? to[i - 1] : 0) || o > INT32_MAX)
                return invalid(im, "offsets of lists are out of order");
            to[i] = (int32_t)o;
        }
    }
    if (first < 0 || last - first > INT32_MAX || last > array->children[0]->length)
        return invalid(im, "offsets of lists are out of range");
    CH_TRY(import(im, schema->children[0], array->children[0], first, last - first, &c->child[0]));
    if (c->type->id == CH_MAP) {
        /* Entries may have other names there; ours are key and value. */
        ch_column *entries;
        const ch_type *type = ch_type_struct(c->type->field, 2);
        if (!type)
            return ch_error_memory(im->err, "types", 0, 0);
        CH_TRY(ch_column_retype(im->mem, c->child[0], type, &entries, im->err));
        ch_column_unref(c->child[0]);
        c->child[0] = entries;
    }
    return empty_null_lists(im, out);
}

/* ---- dictionaries ------------------------------------------------------------------------- */

static ch_status import_index(importer *im, const char *f, const void *data, int64_t at, int64_t n,
                              int32_t limit, const uint64_t *valid, int32_t *to)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t k = i + at, v = -1;
        if (valid && !ch_bit_get(valid, i)) {
            to[i] = 0;
            continue;
        }
        switch (f[0]) {
        case 'c':
            v = ((const int8_t *)data)[k];
            break;
        case 'C':
            v = ((const uint8_t *)data)[k];
            break;
        case 's':
            v = ((const int16_t *)data)[k];
            break;
        case 'S':
            v = ((const uint16_t *)data)[k];
            break;
        case 'i':
            v = ((const int32_t *)data)[k];
            break;
        case 'I':
            v = ((const uint32_t *)data)[k];
            break;
        case 'l':
        case 'L':
            v = ((const int64_t *)data)[k];
            break;
        }
        if (v < 0 || v >= limit)
            return invalid(im, "a dictionary index is out of range");
        to[i] = (int32_t)v;
    }
    return CH_OK;
}

static ch_status import_dictionary(importer *im, const struct ArrowSchema *schema,
                                   const struct ArrowArray *array, int64_t at, int64_t n,
                                   ch_column **out)
{
    ch_column *any = NULL, *values = NULL, *bits = NULL;
    ch_buffer *index = NULL;
    ch_status status;
    if (!array->dictionary || (n && !buffer_at(array, 1)))
        return invalid(im, "a dictionary is missing");
    CH_TRY(import(im, schema->dictionary, array->dictionary, 0, array->dictionary->length, &any));
    CH_TRY_OUT(ch_flatten(any, im->mem, &values, im->err));
    /* The row's bits, held by a column without data for a while. */
    CH_TRY_OUT(new_column(im, values->type, array, at, n, &bits));
    CH_TRY_OUT(ch_buffer_new(im->mem, n * (int64_t)sizeof(int32_t), &index, im->err));
    int32_t *idx = (int32_t *)(void *)index->data;
    CH_TRY_OUT(import_index(im, schema->format, buffer_at(array, 1), at, n, (int32_t)values->rows,
                            bits->valid, idx));
    if (values->valid || values->type->id == CH_NULL) { /* NULLs of the dictionary are the row's */
        ch_buffer *valid;
        CH_TRY_OUT(ch_buffer_new(im->mem, ch_bit_bytes(n), &valid, im->err));
        uint64_t *to = (uint64_t *)(void *)valid->data;
        ch_bits_fill(to, n, false);
        for (int64_t i = 0; i < n; i++)
            if ((!bits->valid || ch_bit_get(bits->valid, i)) && !ch_column_is_null(values, idx[i]))
                ch_bit_set(to, i);
        ch_buffer_unref(bits->valid_buf);
        bits->valid_buf = valid;
    }
    if (values->rows == 0) {
        status = ch_column_flat_nulls(im->mem, values->type, n, out, im->err);
        goto out;
    }
    status =
        ch_column_dict(im->mem, index, ch_buffer_ref(bits->valid_buf), values, n, out, im->err);
    index = NULL;
out:
    ch_buffer_unref(index);
    ch_column_unref(bits);
    ch_column_unref(values);
    ch_column_unref(any);
    return status;
}

/* ---- any ---------------------------------------------------------------------------------- */

static ch_status import(importer *im, const struct ArrowSchema *schema,
                        const struct ArrowArray *array, int64_t from, int64_t n, ch_column **out)
{
    const ch_type *type;
    int64_t at = array->offset + from;
    ch_column *c = NULL;
    ch_status status;
    *out = NULL;
    if (from + n > array->length)
        return invalid(im, "a child array is too short");
    if (schema->dictionary)
        return import_dictionary(im, schema, array, at, n, out);
    CH_TRY(ch_arrow_import_type(schema, &type, im->err));
    if (type->id == CH_NULL)
        return ch_column_new(im->mem, type, n, out, im->err);
    CH_TRY_OUT(new_column(im, type, array, at, n, &c));
    if (type->id == CH_BOOLEAN) {
        const uint8_t *bits = buffer_at(array, 1);
        static const uint8_t none[8];
        if (!bits && n)
            status = invalid(im, "a data buffer is missing");
        else
            status = import_bits(im, bits ? bits : none, bits ? at : 0, n, &c->data_buf);
        if (status == CH_OK)
            c->data = c->data_buf->data;
    } else if (ch_type_is_view(type)) {
        status = import_strings(im, schema->format, array, at, c);
    } else if (type->id == CH_ARRAY || type->id == CH_MAP) {
        status = import_list(im, schema, array, at, &c);
    } else if (ch_type_is_nested(type)) {
        if (array->n_children != c->n_child)
            status = invalid(im, "a struct has other children than its schema");
        for (int32_t i = 0; i < c->n_child && status == CH_OK; i++)
            status = import(im, schema->children[i], array->children[i], at, n, &c->child[i]);
    } else {
        status = import_fixed(im, schema->format, c, buffer_at(array, 1), at);
    }
out:
    if (status == CH_OK)
        *out = c;
    else
        ch_column_unref(c);
    return status;
}

ch_status ch_arrow_import_column(ch_mem *mem, const struct ArrowSchema *schema,
                                 struct ArrowArray *array, ch_column **out, ch_error *err)
{
    *out = NULL;
    foreign *owner = ch_mem_alloc(mem, sizeof *owner, err);
    if (!owner) {
        array->release(array);
        return CH_E_MEMORY;
    }
    atomic_init(&owner->refs, 1);
    owner->mem = mem;
    owner->charged = 0;
    owner->n_charged = 0;
    owner->array = *array;
    array->release = NULL;
    importer im = {mem, owner, err};
    ch_status status = import(&im, schema, &owner->array, 0, owner->array.length, out);
    foreign_unref(owner);
    return status;
}

/* out = c with NULL where valid has no bit. */
static ch_status mask(ch_mem *mem, const ch_column *c, const uint64_t *valid, ch_column **out,
                      ch_error *err)
{
    size_t bytes = sizeof(int32_t) * (size_t)c->rows;
    int32_t *idx = ch_mem_alloc(mem, bytes, err);
    *out = NULL;
    if (!idx)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < c->rows; i++)
        idx[i] = ch_bit_get(valid, i) ? (int32_t)i : -1;
    ch_status status = ch_take(c, idx, c->rows, true, mem, out, err);
    ch_mem_free(mem, idx, bytes);
    return status;
}

ch_status ch_arrow_import_batch(ch_mem *mem, const struct ArrowSchema *schema,
                                struct ArrowArray *array, ch_batch *out, ch_error *err)
{
    ch_column *whole;
    *out = (ch_batch){.mem = mem};
    CH_TRY(ch_arrow_import_column(mem, schema, array, &whole, err));
    ch_status status = CH_OK;
    if (whole->type->id != CH_STRUCT) {
        status = ch_error_set(err, CH_E_INVALID_ARROW, "reason", "rows must come as a struct",
                              (const char *)0);
        goto out;
    }
    CH_TRY_OUT(ch_batch_init(out, mem, whole->n_child, whole->rows, err));
    for (int32_t c = 0; c < whole->n_child; c++) {
        if (whole->valid)
            CH_TRY_OUT(mask(mem, whole->child[c], whole->valid, &out->col[c], err));
        else
            out->col[c] = ch_column_ref(whole->child[c]);
    }
out:
    if (status != CH_OK)
        ch_batch_release(out);
    ch_column_unref(whole);
    return status;
}
