/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows_nested.c - arrays, maps and structs as bytes inside a row.
 *
 *   value   = 00 | 01 payload             NULL or not
 *   payload = fixed-width bytes | u32 length, text | u32 count, values | fields' values
 *   map     = u32 count, (key value, value value); in keys ordered by the bytes of the key
 *
 * Canonical: equal values are equal bytes. Not hot: values are read back through scalars.
 */
#include "column/textout.h"
#include "exec/rows.h"

static bool is_null(const ch_column *c, int64_t i)
{
    return ch_column_is_null(c, i);
}

static int64_t value_bytes(const ch_column *c, int64_t i)
{
    return 1 + (is_null(c, i) ? 0 : ch_nested_bytes(ch_column_values(c), ch_column_slot(c, i)));
}

int64_t ch_nested_bytes(const ch_column *c, int64_t i)
{
    const ch_type *type = c->type;
    int64_t bytes = 0;
    if (ch_type_is_view(type))
        return 4 + ((const ch_view *)c->data)[i].len;
    switch (type->id) {
    case CH_NULL:
        return 0;
    case CH_BOOLEAN:
        return 1;
    case CH_ARRAY:
    case CH_MAP: {
        const int32_t *offset = c->data;
        bytes = 4;
        for (int32_t k = offset[i]; k < offset[i + 1]; k++)
            bytes += value_bytes(c->child[0], k);
        return bytes;
    }
    case CH_STRUCT:
    case CH_VARIANT:
        for (int32_t f = 0; f < c->n_child; f++)
            bytes += value_bytes(c->child[f], i);
        return bytes;
    default:
        return ch_type_width(type);
    }
}

static uint8_t *write_value(const ch_column *c, int64_t i, bool as_key, uint8_t *to)
{
    *to = !is_null(c, i);
    if (!*to)
        return to + 1;
    return ch_nested_write(ch_column_values(c), ch_column_slot(c, i), as_key, to + 1);
}

/* The end of a value that begins at `at`. */
static const uint8_t *skip_value(const ch_type *type, const uint8_t *at)
{
    if (!*at++)
        return at;
    int32_t n = type->n_fields;
    if (ch_type_is_view(type) || type->id == CH_ARRAY || type->id == CH_MAP) {
        memcpy(&n, at, 4);
        at += 4;
    }
    if (ch_type_is_view(type))
        return at + n;
    switch (type->id) {
    case CH_NULL:
        return at;
    case CH_BOOLEAN:
        return at + 1;
    case CH_ARRAY:
        while (n-- > 0)
            at = skip_value(type->field[0].type, at);
        return at;
    case CH_MAP:
        while (n-- > 0)
            at = skip_value(type->field[1].type, skip_value(type->field[0].type, at + 1));
        return at;
    case CH_STRUCT:
        for (int32_t f = 0; f < n; f++)
            at = skip_value(type->field[f].type, at);
        return at;
    case CH_VARIANT:
        return skip_value(ch_type_of(CH_BINARY), skip_value(ch_type_of(CH_BINARY), at));
    default:
        return at + ch_type_width(type);
    }
}

static void reverse(uint8_t *from, uint8_t *end)
{
    while (from < end) {
        uint8_t byte = *from;
        *from++ = *--end;
        *end = byte;
    }
}

/* A key's entries are ordered by the bytes of their keys, which are all different: by insertion, as
 * maps are small. What is only carried along keeps its order. */
static uint8_t *write_map(const ch_column *c, int64_t i, bool as_key, uint8_t *to)
{
    const int32_t *offset = c->data;
    uint8_t *first = to;
    for (int32_t k = offset[i]; k < offset[i + 1]; k++) {
        uint8_t *end = write_value(c->child[0], k, as_key, to), *at = as_key ? first : to;
        while (at < to) {
            const uint8_t *next =
                skip_value(c->type->field[1].type, skip_value(c->type->field[0].type, at + 1));
            int64_t mine = end - to, theirs = next - at;
            if (memcmp(to, at, (size_t)(mine < theirs ? mine : theirs)) < 0)
                break;
            at = first + (next - first);
        }
        reverse(at, to);
        reverse(to, end);
        reverse(at, end);
        to = end;
    }
    return to;
}

uint8_t *ch_nested_write(const ch_column *c, int64_t i, bool as_key, uint8_t *to)
{
    const ch_type *type = c->type;
    if (ch_type_is_view(type)) {
        ch_str text = ch_column_str(c, i);
        int32_t len = (int32_t)text.len;
        memcpy(to, &len, 4);
        memcpy(to + 4, text.text, (size_t)len);
        return to + 4 + len;
    }
    switch (type->id) {
    case CH_NULL:
        return to;
    case CH_BOOLEAN:
        *to = ch_bit_get(c->data, i);
        return to + 1;
    case CH_ARRAY:
    case CH_MAP: {
        const int32_t *offset = c->data;
        int32_t n = offset[i + 1] - offset[i];
        memcpy(to, &n, 4);
        if (type->id == CH_MAP)
            return write_map(c, i, as_key, to + 4);
        to += 4;
        for (int32_t k = offset[i]; k < offset[i + 1]; k++)
            to = write_value(c->child[0], k, as_key, to);
        return to;
    }
    case CH_STRUCT:
    case CH_VARIANT:
        for (int32_t f = 0; f < c->n_child; f++)
            to = write_value(c->child[f], i, as_key, to);
        return to;
    case CH_FLOAT: {
        float v = ((const float *)c->data)[i];
        if (as_key)
            v = v == 0 ? 0 : v != v ? __builtin_nanf("") : v;
        memcpy(to, &v, sizeof v);
        return to + sizeof v;
    }
    case CH_DOUBLE: {
        double v = ((const double *)c->data)[i];
        if (as_key)
            v = v == 0 ? 0 : v != v ? __builtin_nan("") : v;
        memcpy(to, &v, sizeof v);
        return to + sizeof v;
    }
    default: {
        int width = ch_type_width(type);
        memcpy(to, (const char *)c->data + i * width, (size_t)width);
        return to + width;
    }
    }
}

/* ---- reading ----------------------------------------------------------------------------- */

static ch_status read_payload(const ch_type *type, const uint8_t **from, ch_arena *arena,
                              ch_scalar *out, ch_error *err);

static ch_status read_value(const ch_type *type, const uint8_t **from, ch_arena *arena,
                            ch_scalar *out, ch_error *err)
{
    bool there = *(*from)++;
    if (there)
        return read_payload(type, from, arena, out, err);
    *out = (ch_scalar){.type = type, .is_null = true};
    return CH_OK;
}

static void read_fixed(const ch_type *type, const uint8_t *from, ch_scalar *out)
{
    int width = ch_type_width(type);
    if (type->id == CH_FLOAT) {
        float v;
        memcpy(&v, from, sizeof v);
        out->v.f64 = (double)v;
    } else if (type->id == CH_DOUBLE) {
        memcpy(&out->v.f64, from, 8);
    } else if (type->id == CH_CALENDAR_INTERVAL) {
        memcpy(&out->v.interval, from, sizeof out->v.interval);
    } else if (width == 16) {
        memcpy(&out->v.i128, from, 16);
    } else {
        /* little-endian: the low bytes, then the sign spread over the rest */
        uint64_t v = 0;
        memcpy(&v, from, (size_t)width);
        int unused = 64 - 8 * width;
        out->v.i64 = (int64_t)(v << unused) >> unused;
    }
}

static ch_status read_payload(const ch_type *type, const uint8_t **from, ch_arena *arena,
                              ch_scalar *out, ch_error *err)
{
    *out = (ch_scalar){.type = type};
    if (ch_type_is_view(type)) {
        int32_t len;
        memcpy(&len, *from, 4);
        out->v.str.text = (const char *)*from + 4;
        out->v.str.len = len;
        *from += 4 + len;
        return CH_OK;
    }
    switch (type->id) {
    case CH_NULL:
        out->is_null = true;
        return CH_OK;
    case CH_BOOLEAN:
        out->v.boolean = *(*from)++;
        return CH_OK;
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
    case CH_VARIANT: {
        bool map = type->id == CH_MAP;
        int32_t n = type->id == CH_VARIANT ? 2 : type->n_fields;
        if (map || type->id == CH_ARRAY) {
            memcpy(&n, *from, 4);
            *from += 4;
        }
        int32_t n_items = map ? 2 * n : n;
        ch_scalar *item;
        CH_ARENA_ARRAY(item, arena, n_items + 1, err);
        for (int32_t k = 0; k < n_items; k++) {
            const ch_type *of = type->id == CH_VARIANT ? ch_type_of(CH_BINARY)
                                : type->id == CH_ARRAY ? type->field[0].type
                                : map                  ? type->field[k & 1].type
                                                       : type->field[k].type;
            if (map && !(k & 1))
                (*from)++; /* the entry's own byte */
            CH_TRY(read_value(of, from, arena, &item[k], err));
        }
        out->v.list.item = item;
        out->v.list.n = n_items;
        return CH_OK;
    }
    default:
        read_fixed(type, *from, out);
        *from += ch_type_width(type);
        return CH_OK;
    }
}

ch_status ch_nested_read(const ch_type *type, const uint8_t *const *from, int64_t k, ch_mem *mem,
                         ch_column **out, ch_error *err)
{
    ch_arena arena;
    ch_arena_init(&arena, mem);
    ch_status status = CH_OK;
    *out = NULL;
    size_t bytes = (sizeof(ch_scalar) + sizeof(ch_scalar *)) * (size_t)(k + 1);
    ch_scalar *value = ch_mem_alloc(mem, bytes, err);
    if (!value)
        return CH_E_MEMORY;
    const ch_scalar **list = (const ch_scalar **)(void *)(value + k + 1);
    for (int64_t j = 0; j < k; j++) {
        const uint8_t *at = from[j];
        list[j] = &value[j];
        if (at)
            CH_TRY_OUT(read_payload(type, &at, &arena, &value[j], err));
        else
            value[j] = (ch_scalar){.type = type, .is_null = true};
    }
    status = ch_column_scalars(mem, type, list, k, out, err);
out:
    ch_mem_free(mem, value, bytes);
    ch_arena_release(&arena);
    return status;
}

/* ---- keys -------------------------------------------------------------------------------- */

const ch_type *ch_key_type(const ch_type *type)
{
    return ch_type_is_nested(type) ? ch_type_of(CH_BINARY) : type;
}

ch_status ch_key_pack(ch_column *in, ch_mem *mem, ch_column **result, ch_error *err)
{
    if (!ch_type_is_nested(in->type)) {
        *result = ch_column_ref(in);
        return CH_OK;
    }
    ch_column *out;
    ch_status status = CH_OK;
    *result = NULL;
    CH_TRY(ch_column_new(mem, ch_type_of(CH_BINARY), in->rows, &out, err));
    CH_TRY_OUT(ch_column_need_valid(out, err));
    ch_textout text;
    ch_textout_init(&text, out);
    for (int64_t i = 0; i < in->rows; i++) {
        bool null = is_null(in, i);
        ch_bit_put(out->valid, i, !null);
        if (null) {
            ch_textout_empty(&text, i);
            continue;
        }
        int64_t s = ch_column_slot(in, i), bytes = ch_nested_bytes(ch_column_values(in), s);
        char *to = ch_textout_room(&text, bytes, err);
        if (!to) {
            status = CH_E_MEMORY;
            goto out;
        }
        ch_nested_write(ch_column_values(in), s, true, (uint8_t *)to);
        ch_textout_commit(&text, i, bytes);
    }
    *result = out;
    return CH_OK;
out:
    ch_column_unref(out);
    return status;
}

ch_status ch_key_unpack(const ch_column *in, const ch_type *type, ch_mem *mem, ch_column **out,
                        ch_error *err)
{
    size_t bytes = sizeof(uint8_t *) * (size_t)(in->rows + 1);
    const uint8_t **from = ch_mem_alloc(mem, bytes, err);
    *out = NULL;
    if (!from)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < in->rows; i++)
        from[i] = is_null(in, i) ? NULL : (const uint8_t *)ch_column_str(in, i).text;
    ch_status status = ch_nested_read(type, from, in->rows, mem, out, err);
    ch_mem_free(mem, from, bytes);
    return status;
}
