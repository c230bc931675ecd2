/* SPDX-License-Identifier: Apache-2.0 */
/* pack.c - columns to few bytes and back. */
#include "store/pack.h"

#include "kernel/compare.h"

/* A section: | 1 codec | 4 raw bytes | 4 stored bytes | bytes |, integers have | 1 width | 8 base | before. */
enum { SECTION_HEAD = 9, INTEGERS_HEAD = 9 };

/* ---- sections ------------------------------------------------------------------------------ */

static ch_status put_section(ch_block *block, const void *data, size_t n, ch_buf *out,
                             ch_error *err)
{
    size_t head = out->len;
    uint8_t codec = CH_BLOCK_NONE;
    uint32_t sizes[2] = {(uint32_t)n, 0};
    if (n > INT32_MAX)
        return ch_error_memory(err, "cache", (int64_t)n, INT32_MAX);
    CH_TRY(ch_buf_fill(out, 0, SECTION_HEAD, err));
    if (n >= 64) {
        CH_TRY(ch_block_encode(block, CH_BLOCK_LZ4_RAW, -1, data, n, out, err));
        if (out->len - head - SECTION_HEAD <= n - n / 8)
            codec = CH_BLOCK_LZ4_RAW;
        else
            out->len = head + SECTION_HEAD;
    }
    if (codec == CH_BLOCK_NONE && n)
        CH_TRY(ch_buf_add(out, data, n, err));
    sizes[1] = (uint32_t)(out->len - head - SECTION_HEAD);
    memcpy(out->data + head, &codec, 1);
    memcpy(out->data + head + 1, sizes, sizeof sizes);
    return CH_OK;
}

/* Bytes of the section at *at. */
static size_t section_bytes(const uint8_t *at)
{
    uint32_t n;
    memcpy(&n, at + 1, sizeof n);
    return n;
}

/* The section's bytes to `to`, which has room for them; *at moves behind it. */
static ch_status get_section(ch_block *block, const uint8_t **at, void *to, ch_error *err)
{
    uint32_t sizes[2];
    const char *reason = NULL;
    int codec = **at;
    memcpy(sizes, *at + 1, sizeof sizes);
    const uint8_t *bytes = *at + SECTION_HEAD;
    *at = bytes + sizes[1];
    if (codec == CH_BLOCK_LZ4_RAW)
        CH_TRY(ch_block_decode(block, codec, bytes, sizes[1], to, sizes[0], &reason, err));
    else if (sizes[0])
        memcpy(to, bytes, sizes[0]);
    if (reason)
        CH_FAIL(err, INTERNAL, "message", reason);
    return CH_OK;
}

/* ---- integers ------------------------------------------------------------------------------ */

static inline int64_t load(const void *data, int width, int64_t i)
{
    switch (width) {
    case 1:
        return ((const int8_t *)data)[i];
    case 2:
        return ((const int16_t *)data)[i];
    case 4:
        return ((const int32_t *)data)[i];
    default:
        return ((const int64_t *)data)[i];
    }
}

/* Smallest and greatest of the rows that are there; *min > *max: there are none. */
static void range_of(const void *data, int width, const uint64_t *valid, int64_t n, int64_t *min,
                     int64_t *max)
{
    int64_t lo = INT64_MAX, hi = INT64_MIN;
#define SCAN(T)                             \
    for (int64_t i = 0; i < n; i++) {       \
        if (valid && !ch_bit_get(valid, i)) \
            continue;                       \
        int64_t v = ((const T *)data)[i];   \
        lo = v < lo ? v : lo;               \
        hi = v > hi ? v : hi;               \
    }
    if (width == 1) {
        SCAN(int8_t)
    } else if (width == 2) {
        SCAN(int16_t)
    } else if (width == 4) {
        SCAN(int32_t)
    } else {
        SCAN(int64_t)
    }
#undef SCAN
    *min = lo;
    *max = hi;
}

static void narrow(const void *data, int width, const uint64_t *valid, int64_t n, int64_t base,
                   int to_width, void *to)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t v = 0;
        if (!valid || ch_bit_get(valid, i))
            v = (uint64_t)load(data, width, i) - (uint64_t)base;
        if (to_width == 1)
            ((uint8_t *)to)[i] = (uint8_t)v;
        else if (to_width == 2)
            ((uint16_t *)to)[i] = (uint16_t)v;
        else if (to_width == 4)
            ((uint32_t *)to)[i] = (uint32_t)v;
        else
            ((uint64_t *)to)[i] = v;
    }
}

static ch_status put_integers(ch_block *block, const void *data, int width, const uint64_t *valid,
                              int64_t n, int64_t min, int64_t max, ch_buf *out, ch_error *err)
{
    uint64_t range = min > max ? 0 : (uint64_t)max - (uint64_t)min;
    uint8_t to = !range ? 0 : range <= UINT8_MAX ? 1 : range <= UINT16_MAX ? 2 : 8;
    if (to == 8 && range <= UINT32_MAX)
        to = 4;
    int64_t base = min > max ? 0 : min;
    size_t bytes = (size_t)n * to;
    CH_TRY(ch_buf_add(out, &to, 1, err));
    CH_TRY(ch_buf_add(out, &base, sizeof base, err));
    if (!to)
        return CH_OK;
    void *scratch = ch_mem_alloc(block->mem, bytes, err);
    if (!scratch)
        return CH_E_MEMORY;
    narrow(data, width, valid, n, base, to, scratch);
    ch_status status = put_section(block, scratch, bytes, out, err);
    ch_mem_free(block->mem, scratch, bytes);
    return status;
}

#define WIDEN(T, F)                 \
    for (int64_t i = 0; i < n; i++) \
        ((T *)to)[i] = (T)((uint64_t)((const F *)from)[i] + (uint64_t)base);
#define WIDEN_TO(T)               \
    switch (width) {              \
    case 1:                       \
        WIDEN(T, uint8_t) break;  \
    case 2:                       \
        WIDEN(T, uint16_t) break; \
    case 4:                       \
        WIDEN(T, uint32_t) break; \
    default:                      \
        WIDEN(T, uint64_t) break; \
    }

static void widen(const void *from, int width, int64_t n, int64_t base, int to_width, void *to)
{
    if (to_width == 1) {
        WIDEN_TO(int8_t)
    } else if (to_width == 2) {
        WIDEN_TO(int16_t)
    } else if (to_width == 4) {
        WIDEN_TO(int32_t)
    } else {
        WIDEN_TO(int64_t)
    }
}

static void repeat(int64_t base, int64_t n, int to_width, void *to)
{
    for (int64_t i = 0; i < n; i++) {
        if (to_width == 1)
            ((int8_t *)to)[i] = (int8_t)base;
        else if (to_width == 2)
            ((int16_t *)to)[i] = (int16_t)base;
        else if (to_width == 4)
            ((int32_t *)to)[i] = (int32_t)base;
        else
            ((int64_t *)to)[i] = base;
    }
}

static ch_status get_integers(ch_block *block, const uint8_t **at, int64_t n, int to_width,
                              void *to, ch_error *err)
{
    int width = **at;
    int64_t base;
    memcpy(&base, *at + 1, sizeof base);
    *at += INTEGERS_HEAD;
    if (!width) {
        repeat(base, n, to_width, to);
        return CH_OK;
    }
    size_t bytes = section_bytes(*at);
    void *scratch = ch_mem_alloc(block->mem, bytes, err);
    if (!scratch)
        return CH_E_MEMORY;
    ch_status status = get_section(block, at, scratch, err);
    if (status == CH_OK)
        widen(scratch, width, n, base, to_width, to);
    ch_mem_free(block->mem, scratch, bytes);
    return status;
}

/* Fixed-width values that are not numbers with an int64 each: floats, wide decimals, intervals. */
static bool is_raw(const ch_type *type)
{
    return type->id == CH_FLOAT || type->id == CH_DOUBLE || type->id == CH_CALENDAR_INTERVAL ||
           ch_type_is_wide_decimal(type);
}

/* ---- bounds -------------------------------------------------------------------------------- */

static void bound_range(const ch_type *type, int64_t min, int64_t max, ch_bounds *b)
{
    if (min > max)
        return;
    b->has_min = b->has_max = true;
    b->min = b->max = (ch_scalar){.type = type};
    b->min.v.i64 = min;
    b->max.v.i64 = max;
}

static bool is_there(const ch_column *c, int64_t i)
{
    return !c->valid || ch_bit_get(c->valid, i);
}

static void bound_floats(const ch_column *c, int64_t n, ch_bounds *b)
{
    double min = 0, max = 0;
    bool any = false;
    for (int64_t i = 0; i < n; i++) {
        if (!is_there(c, i))
            continue;
        double v = c->type->id == CH_FLOAT ? (double)((const float *)c->data)[i]
                                           : ((const double *)c->data)[i];
        if (!any || ch_compare_f64(v, min) < 0)
            min = v;
        if (!any || ch_compare_f64(v, max) > 0)
            max = v;
        any = true;
    }
    b->has_min = b->has_max = any;
    b->min = b->max = (ch_scalar){.type = c->type};
    b->min.v.f64 = min;
    b->max.v.f64 = max;
}

static void bound_wide(const ch_column *c, int64_t n, ch_bounds *b)
{
    const ch_i128 *v = c->data;
    ch_i128 min = 0, max = 0;
    bool any = false;
    for (int64_t i = 0; i < n; i++) {
        if (!is_there(c, i))
            continue;
        min = !any || v[i] < min ? v[i] : min;
        max = !any || v[i] > max ? v[i] : max;
        any = true;
    }
    b->has_min = b->has_max = any;
    b->min = b->max = (ch_scalar){.type = c->type};
    b->min.v.i128 = min;
    b->max.v.i128 = max;
}

/* The shortest text that is above all that begin as this one does; false: there is none. */
static bool above(char *text, int64_t *len)
{
    while (*len > 0 && (uint8_t)text[*len - 1] == 0xFF)
        --*len;
    if (*len == 0)
        return false;
    text[*len - 1]++;
    return true;
}

static void bound_text(const ch_column *c, int64_t n, ch_bounds *b, ch_pack_texts *texts)
{
    ch_str min = {0}, max = {0};
    bool any = false;
    if (c->type->collation)
        return;
    for (int64_t i = 0; i < n; i++) {
        if (!is_there(c, i))
            continue;
        ch_str s = ch_column_str(c, i);
        if (!any || ch_compare_str(s, min) < 0)
            min = s;
        if (!any || ch_compare_str(s, max) > 0)
            max = s;
        any = true;
    }
    if (!any)
        return;
    int64_t n_min = min.len < CH_PACK_BOUND_TEXT ? min.len : CH_PACK_BOUND_TEXT;
    int64_t n_max = max.len < CH_PACK_BOUND_TEXT ? max.len : CH_PACK_BOUND_TEXT;
    memcpy(texts->min, min.text, (size_t)n_min);
    memcpy(texts->max, max.text, (size_t)n_max);
    b->has_min = true;
    b->has_max = n_max == max.len || above(texts->max, &n_max);
    b->min = b->max = (ch_scalar){.type = c->type};
    b->min.v.str.text = texts->min;
    b->min.v.str.len = n_min;
    b->max.v.str.text = texts->max;
    b->max.v.str.len = n_max;
}

/* ---- packing ------------------------------------------------------------------------------- */

static ch_status pack_text(const ch_column *c, int64_t n, ch_block *block, ch_buf *out,
                           ch_error *err)
{
    int64_t total = 0, min = INT64_MAX, max = INT64_MIN, *len;
    size_t len_bytes = sizeof *len * (size_t)n;
    len = ch_mem_alloc(block->mem, len_bytes, err);
    if (!len)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        len[i] = is_there(c, i) ? ((const ch_view *)c->data)[i].len : 0;
        total += len[i];
        min = len[i] < min ? len[i] : min;
        max = len[i] > max ? len[i] : max;
    }
    ch_status status = total > INT32_MAX ? ch_error_memory(err, "cache", total, INT32_MAX) : CH_OK;
    char *text = status == CH_OK ? ch_mem_alloc(block->mem, (size_t)total, err) : NULL;
    if (status == CH_OK && !text)
        status = CH_E_MEMORY;
    if (status == CH_OK)
        status = put_integers(block, len, 8, NULL, n, min, max, out, err);
    if (status == CH_OK) {
        char *to = text;
        for (int64_t i = 0; i < n; i++) {
            if (!len[i])
                continue;
            memcpy(to, ch_column_str(c, i).text, (size_t)len[i]);
            to += len[i];
        }
        status = put_section(block, text, (size_t)total, out, err);
    }
    ch_mem_free(block->mem, text, (size_t)total);
    ch_mem_free(block->mem, len, len_bytes);
    return status;
}

static ch_status pack_list(const ch_column *c, int64_t n, ch_block *block, ch_buf *out,
                           ch_error *err)
{
    const int32_t *offset = c->data;
    int64_t items = n ? offset[n] : 0;
    CH_TRY(put_integers(block, offset, 4, NULL, n + 1, n ? offset[0] : 0, items, out, err));
    CH_TRY(ch_buf_add(out, &items, sizeof items, err));
    return ch_pack(c->child[0], items, block, out, NULL, NULL, err);
}

static ch_status pack_values(const ch_column *c, int64_t n, ch_block *block, ch_buf *out,
                             ch_bounds *b, ch_pack_texts *texts, ch_error *err)
{
    int width = ch_type_width(c->type);
    switch (c->type->id) {
    case CH_NULL:
        return CH_OK;
    case CH_BOOLEAN:
        return put_section(block, c->data, (size_t)ch_bit_bytes(n), out, err);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        if (b)
            bound_text(c, n, b, texts);
        return pack_text(c, n, block, out, err);
    case CH_ARRAY:
    case CH_MAP:
        return pack_list(c, n, block, out, err);
    case CH_STRUCT:
    case CH_VARIANT:
        for (int32_t i = 0; i < c->n_child; i++)
            CH_TRY(ch_pack(c->child[i], n, block, out, NULL, NULL, err));
        return CH_OK;
    default:
        break;
    }
    if (is_raw(c->type)) {
        if (b && ch_type_is_wide_decimal(c->type))
            bound_wide(c, n, b);
        else if (b && c->type->id != CH_CALENDAR_INTERVAL)
            bound_floats(c, n, b);
        return put_section(block, c->data, (size_t)(n * width), out, err);
    }
    int64_t min, max;
    range_of(c->data, width, c->valid, n, &min, &max);
    if (b)
        bound_range(c->type, min, max, b);
    return put_integers(block, c->data, width, c->valid, n, min, max, out, err);
}

static ch_status pack_flat(const ch_column *c, int64_t n, ch_block *block, ch_buf *out,
                           ch_bounds *b, ch_pack_texts *texts, ch_error *err)
{
    uint8_t has_valid = c->valid != NULL;
    CH_TRY(ch_buf_add(out, &has_valid, 1, err));
    if (has_valid)
        CH_TRY(put_section(block, c->valid, (size_t)ch_bit_bytes(n), out, err));
    return pack_values(c, n, block, out, b, texts, err);
}

static int64_t count_nulls(const ch_column *c, int64_t n)
{
    if (c->type->id == CH_NULL)
        return n;
    if (!c->valid)
        return 0;
    return c->encoding == CH_CONST ? (ch_bit_get(c->valid, 0) ? 0 : n)
                                   : n - ch_bits_count(c->valid, n);
}

ch_status ch_pack(const ch_column *c, int64_t rows, ch_block *block, ch_buf *out, ch_bounds *bounds,
                  ch_pack_texts *texts, ch_error *err)
{
    uint8_t encoding = (uint8_t)c->encoding;
    if (bounds)
        *bounds = (ch_bounds){.n = rows, .n_null = count_nulls(c, rows)};
    CH_TRY(ch_buf_add(out, &encoding, 1, err));
    CH_TRY(ch_buf_add(out, &rows, sizeof rows, err));
    if (c->encoding == CH_FLAT)
        return pack_flat(c, rows, block, out, bounds, texts, err);
    if (c->encoding == CH_CONST)
        return pack_flat(c, 1, block, out, bounds, texts, err);
    uint8_t has_valid = c->valid != NULL;
    CH_TRY(ch_buf_add(out, &has_valid, 1, err));
    if (has_valid)
        CH_TRY(put_section(block, c->valid, (size_t)ch_bit_bytes(rows), out, err));
    int64_t n_values = c->child[0]->rows;
    CH_TRY(put_integers(block, c->data, 4, NULL, rows, 0, n_values, out, err));
    ch_bounds of_values = {0}; /* all values of the dictionary, used or not */
    CH_TRY(ch_pack(c->child[0], n_values, block, out, bounds ? &of_values : NULL, texts, err));
    if (bounds) {
        of_values.n = bounds->n;
        of_values.n_null = bounds->n_null;
        *bounds = of_values;
    }
    return CH_OK;
}

/* ---- unpacking ----------------------------------------------------------------------------- */

typedef struct reader {
    ch_block *block;
    ch_mem *mem;
    const uint8_t *at;
} reader;

static ch_status unpack(reader *r, const ch_type *type, ch_column **out, ch_error *err);

static ch_status unpack_text(reader *r, ch_column *c, ch_error *err)
{
    int32_t buf = 0, *len;
    ch_buffer *text = NULL;
    size_t bytes = sizeof *len * (size_t)c->rows;
    len = ch_mem_alloc(r->block->mem, bytes, err);
    if (!len)
        return CH_E_MEMORY;
    ch_status status = get_integers(r->block, &r->at, c->rows, 4, len, err);
    if (status == CH_OK)
        status = ch_buffer_new(r->mem, (int64_t)section_bytes(r->at), &text, err);
    if (status == CH_OK)
        status = get_section(r->block, &r->at, text->data, err);
    if (status == CH_OK) {
        ch_view *view = c->data;
        int64_t at = 0;
        bool any = false;
        for (int64_t i = 0; i < c->rows; i++) {
            view[i] = ch_view_make((const char *)text->data + at, len[i], 0, at);
            any |= len[i] > CH_VIEW_INLINE;
            at += len[i];
        }
        if (any)
            status = ch_column_add_text(c, ch_buffer_ref(text), &buf, err);
    }
    ch_buffer_unref(text);
    ch_mem_free(r->block->mem, len, bytes);
    return status;
}

static ch_status unpack_list(reader *r, ch_column *c, const ch_type *item, ch_error *err)
{
    CH_TRY(get_integers(r->block, &r->at, c->rows + 1, 4, c->data, err));
    r->at += sizeof(int64_t);
    if (!item)
        return ch_error_memory(err, "types", 0, 0);
    return unpack(r, item, &c->child[0], err);
}

static ch_status unpack_values(reader *r, ch_column *c, ch_error *err)
{
    const ch_type *type = c->type;
    switch (type->id) {
    case CH_NULL:
        return CH_OK;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
    case CH_BINARY:
        return unpack_text(r, c, err);
    case CH_ARRAY:
        return unpack_list(r, c, type->field[0].type, err);
    case CH_MAP:
        return unpack_list(r, c, ch_type_struct(type->field, 2), err);
    case CH_STRUCT:
    case CH_VARIANT:
        for (int32_t i = 0; i < c->n_child; i++)
            CH_TRY(unpack(r, type->id == CH_VARIANT ? ch_type_of(CH_BINARY) : type->field[i].type,
                          &c->child[i], err));
        return CH_OK;
    default:
        return type->id == CH_BOOLEAN || is_raw(type)
                   ? get_section(r->block, &r->at, c->data, err)
                   : get_integers(r->block, &r->at, c->rows, ch_type_width(type), c->data, err);
    }
}

static ch_status unpack_valid(reader *r, ch_column *c, ch_error *err)
{
    if (!*r->at++)
        return CH_OK;
    CH_TRY(ch_column_need_valid(c, err));
    return get_section(r->block, &r->at, c->valid, err);
}

static ch_status unpack_dict(reader *r, const ch_type *type, int64_t rows, ch_column **out,
                             ch_error *err)
{
    ch_buffer *index = NULL, *valid = NULL;
    ch_column *dictionary = NULL;
    ch_status status = CH_OK;
    if (*r->at++) {
        CH_TRY(ch_buffer_new(r->mem, ch_bit_bytes(rows), &valid, err));
        CH_TRY_OUT(get_section(r->block, &r->at, valid->data, err));
    }
    CH_TRY_OUT(ch_buffer_new(r->mem, rows * (int64_t)sizeof(int32_t), &index, err));
    CH_TRY_OUT(get_integers(r->block, &r->at, rows, 4, index->data, err));
    CH_TRY_OUT(unpack(r, type, &dictionary, err));
    status = ch_column_dict(r->mem, ch_buffer_ref(index), ch_buffer_ref(valid), dictionary, rows,
                            out, err);
out:
    ch_buffer_unref(index);
    ch_buffer_unref(valid);
    ch_column_unref(dictionary);
    return status;
}

static ch_status unpack(reader *r, const ch_type *type, ch_column **out, ch_error *err)
{
    ch_encoding encoding = (ch_encoding)*r->at;
    int64_t rows;
    *out = NULL;
    memcpy(&rows, r->at + 1, sizeof rows);
    r->at += 1 + sizeof rows;
    if (encoding == CH_DICT)
        return unpack_dict(r, type, rows, out, err);
    CH_TRY(ch_column_new(r->mem, type, encoding == CH_CONST ? 1 : rows, out, err));
    ch_status status = unpack_valid(r, *out, err);
    if (status == CH_OK)
        status = unpack_values(r, *out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
        return status;
    }
    (*out)->encoding = encoding;
    (*out)->rows = rows;
    return CH_OK;
}

ch_status ch_unpack(const uint8_t *bytes, const ch_type *type, ch_block *block, ch_mem *mem,
                    ch_column **out, ch_error *err)
{
    reader r = {.block = block, .mem = mem, .at = bytes};
    return unpack(&r, type, out, err);
}
