/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.c - columns to rows and back, a column at a time.
 *
 * The encodings of a column differ only in which slot holds position i; SLOTS makes one loop for each,
 * so that the common FLAT one has no indirection.
 */
#include "exec/rows.h"
#include "column/textout.h"

#define ROW_BYTES_MAX ((int64_t)1 << 30)

static inline int32_t round8(int32_t bytes)
{
    return (bytes + 7) & ~7;
}

/* ---- layout ------------------------------------------------------------------------------ */

static ch_rowkind kind_of(const ch_type *type)
{
    if (ch_type_is_view(type))
        return CH_ROW_VIEW;
    switch (type->id) {
    case CH_NULL:
        return CH_ROW_NONE;
    case CH_BOOLEAN:
        return CH_ROW_BOOL;
    case CH_FLOAT:
        return CH_ROW_F4;
    case CH_DOUBLE:
        return CH_ROW_F8;
    default:
        break;
    }
    switch (ch_type_width(type)) {
    case 1:
        return CH_ROW_W1;
    case 2:
        return CH_ROW_W2;
    case 4:
        return CH_ROW_W4;
    case 8:
        return CH_ROW_W8;
    case 16:
        return CH_ROW_W16;
    default:
        return CH_ROW_NESTED;
    }
}

static const int8_t SLOT_BYTES[] = {
    [CH_ROW_NONE] = 0, [CH_ROW_BOOL] = 1,  [CH_ROW_W1] = 1,      [CH_ROW_W2] = 2,
    [CH_ROW_W4] = 4,   [CH_ROW_W8] = 8,    [CH_ROW_W16] = 16,    [CH_ROW_F4] = 4,
    [CH_ROW_F8] = 8,   [CH_ROW_VIEW] = 16, [CH_ROW_NESTED] = 16,
};

ch_status ch_rowlayout_init(ch_rowlayout *layout, ch_arena *arena, const ch_type *const *types,
                            int32_t n_cols, int32_t n_keys, bool with_hash, int32_t state_bytes,
                            ch_error *err)
{
    *layout = (ch_rowlayout){.n_cols = n_cols, .n_keys = n_keys, .hash_offset = -1};
    CH_ARENA_ARRAY(layout->col, arena, n_cols + 1, err);
    layout->null_offset = 4;
    int32_t at = 4 + (n_cols + 7) / 8;
    if (with_hash) {
        layout->hash_offset = round8(at);
        at = layout->hash_offset + 8;
    }
    for (int32_t c = 0; c < n_cols; c++) {
        layout->col[c].type = types[c];
        layout->col[c].kind = kind_of(types[c]);
        layout->variable |= layout->col[c].kind >= CH_ROW_VIEW;
    }
    for (int32_t width = 16; width; width /= 2)
        for (int32_t c = 0; c < n_cols; c++) {
            int32_t align = width < 8 ? width : 8;
            if (SLOT_BYTES[layout->col[c].kind] != width)
                continue;
            at = (at + align - 1) & -align;
            layout->col[c].offset = at;
            at += width;
        }
    layout->state_offset = round8(at);
    layout->state_bytes = round8(state_bytes);
    layout->fixed_bytes = layout->state_offset + layout->state_bytes;
    layout->null_row = ch_arena_alloc(arena, (size_t)layout->fixed_bytes, err);
    if (!layout->null_row)
        return CH_E_MEMORY;
    *(uint32_t *)(void *)layout->null_row = (uint32_t)layout->fixed_bytes;
    memset(layout->null_row + 4, 0xFF, (size_t)(n_cols + 7) / 8);
    return CH_OK;
}

/* ---- loops over a column's slots ------------------------------------------------------------- */

/* Runs a block for j in [0, k) with i = idx[j], the position, and s, the slot of `values` that holds it. */
#define SLOTS(c, ...)                              \
    do {                                           \
        if ((c)->encoding == CH_FLAT) {            \
            for (int64_t j = 0; j < k; j++) {      \
                int64_t i = idx[j], s = i;         \
                __VA_ARGS__                        \
            }                                      \
        } else if ((c)->encoding == CH_DICT) {     \
            const int32_t *index_ = (c)->data;     \
            for (int64_t j = 0; j < k; j++) {      \
                int64_t i = idx[j], s = index_[i]; \
                __VA_ARGS__                        \
            }                                      \
        } else {                                   \
            for (int64_t j = 0; j < k; j++) {      \
                int64_t i = idx[j], s = 0;         \
                CH_UNUSED(i);                      \
                __VA_ARGS__                        \
            }                                      \
        }                                          \
    } while (0)

/* Every row is NULL: type NULL, a NULL constant, a dictionary without entries. */
static bool all_null(const ch_column *c)
{
    return c->type->id == CH_NULL || (c->encoding == CH_CONST && ch_column_is_null(c, 0)) ||
           (c->encoding == CH_DICT && c->child[0]->rows == 0);
}

/* The bits to ask per position, or NULL when no position is NULL. */
static const uint64_t *null_bits(const ch_column *c)
{
    return c->encoding == CH_CONST ? NULL : c->valid;
}

/* ---- sizes ------------------------------------------------------------------------------- */

static void add_view_bytes(const ch_column *c, const int32_t *idx, int64_t k, int64_t *bytes)
{
    const ch_view *v = ch_column_values(c)->data;
    const uint64_t *valid = null_bits(c);
    if (valid)
        SLOTS(c, {
            int64_t len = v[s].len > CH_VIEW_INLINE ? v[s].len : 0;
            bytes[j] += ch_bit_get(valid, i) ? len : 0;
        });
    else
        SLOTS(c, { bytes[j] += v[s].len > CH_VIEW_INLINE ? v[s].len : 0; });
}

static void add_nested_bytes(const ch_column *c, const int32_t *idx, int64_t k, int64_t *bytes)
{
    const ch_column *values = ch_column_values(c);
    const uint64_t *valid = null_bits(c);
    SLOTS(c, {
        if (!valid || ch_bit_get(valid, i)) {
            int64_t len = ch_nested_bytes(values, s);
            bytes[j] += len > CH_VIEW_INLINE ? len : 0;
        }
    });
}

ch_status ch_rows_sizes(const ch_rowlayout *layout, ch_column *const *col, const int32_t *idx,
                        int64_t k, int64_t *bytes, ch_error *err)
{
    for (int64_t j = 0; j < k; j++)
        bytes[j] = layout->fixed_bytes;
    if (!layout->variable)
        return CH_OK;
    for (int32_t c = 0; c < layout->n_cols; c++) {
        if (layout->col[c].kind < CH_ROW_VIEW || all_null(col[c]))
            continue;
        if (layout->col[c].kind == CH_ROW_VIEW)
            add_view_bytes(col[c], idx, k, bytes);
        else
            add_nested_bytes(col[c], idx, k, bytes);
    }
    int64_t most = 0;
    for (int64_t j = 0; j < k; j++) {
        bytes[j] = (bytes[j] + 7) & ~(int64_t)7;
        most = bytes[j] > most ? bytes[j] : most;
    }
    if (most >= ROW_BYTES_MAX)
        return ch_error_memory(err, "one row", most, ROW_BYTES_MAX);
    return CH_OK;
}

/* ---- scatter ----------------------------------------------------------------------------- */

static inline float normal_f32(float v)
{
    v = v == 0 ? 0 : v;
    return v != v ? __builtin_nanf("") : v;
}
static inline double normal_f64(double v)
{
    v = v == 0 ? 0 : v;
    return v != v ? __builtin_nan("") : v;
}

#define PUT(T, expr)                                       \
    do {                                                   \
        const T *v = values->data;                         \
        SLOTS(c, { *(T *)(void *)(row[j] + at) = expr; }); \
    } while (0)

/* Appends the text of a long string to row[j]; used[j] is where its variable part ends. */
static inline void put_long(uint8_t *row, int32_t at, const char *text, int64_t len, int32_t *used)
{
    ch_view v = {.len = (int32_t)len, .buf = 0, .offset = *used};
    memcpy(v.prefix, text, 4);
    memcpy(row + at, &v, sizeof v);
    memcpy(row + *used, text, (size_t)len);
    *used += (int32_t)len;
}

/* The end of the variable part is kept in the row's `bytes` while the row is written. */
static inline int32_t *used_of(uint8_t *row)
{
    return (int32_t *)(void *)row;
}

static void put_views(const ch_column *c, int32_t at, const int32_t *idx, int64_t k,
                      uint8_t *const *row)
{
    const ch_column *values = ch_column_values(c);
    const ch_view *v = values->data;
    const uint64_t *valid = null_bits(c);
    if (values->n_text == 0) { /* no long ones */
        SLOTS(c, { memcpy(row[j] + at, &v[s], sizeof *v); });
        return;
    }
    SLOTS(c, {
        if (CH_LIKELY(v[s].len <= CH_VIEW_INLINE)) {
            memcpy(row[j] + at, &v[s], sizeof *v);
        } else if (!valid || ch_bit_get(valid, i)) {
            put_long(row[j], at, ch_view_str(values, &v[s]).text, v[s].len, used_of(row[j]));
        }
    });
}

static void put_nested(const ch_column *c, int32_t at, bool as_key, const int32_t *idx, int64_t k,
                       uint8_t *const *row)
{
    const ch_column *values = ch_column_values(c);
    const uint64_t *valid = null_bits(c);
    SLOTS(c, {
        if (!valid || ch_bit_get(valid, i)) {
            int64_t len = ch_nested_bytes(values, s);
            uint8_t *slot = row[j] + at;
            int32_t n = (int32_t)len;
            memcpy(slot, &n, 4);
            if (len <= CH_VIEW_INLINE) {
                ch_nested_write(values, s, as_key, slot + 4);
            } else {
                int32_t *used = used_of(row[j]);
                ch_nested_write(values, s, as_key, row[j] + *used);
                memcpy(slot + 4, row[j] + *used, 4);
                memcpy(slot + 12, used, 4);
                *used += n;
            }
        }
    });
}

static void put_nulls(const ch_rowlayout *layout, int32_t which, const ch_column *c,
                      const int32_t *idx, int64_t k, uint8_t *const *row)
{
    const uint64_t *valid = null_bits(c);
    int32_t byte = layout->null_offset + (which >> 3);
    uint8_t mask = (uint8_t)(1 << (which & 7));
    size_t width = (size_t)SLOT_BYTES[layout->col[which].kind];
    int32_t at = layout->col[which].offset;
    for (int64_t j = 0; j < k; j++)
        if (!valid || !ch_bit_get(valid, idx[j])) {
            row[j][byte] |= mask;
            memset(row[j] + at, 0, width);
        }
}

static void scatter_column(const ch_rowlayout *layout, int32_t which, const ch_column *c,
                           const int32_t *idx, int64_t k, uint8_t *const *row)
{
    const ch_column *values = ch_column_values(c);
    int32_t at = layout->col[which].offset;
    bool as_key = which < layout->n_keys;
    if (all_null(c)) {
        ch_column none = {.encoding = CH_CONST};
        put_nulls(layout, which, &none, idx, k, row);
        return;
    }
    switch (layout->col[which].kind) {
    case CH_ROW_NONE:
        break;
    case CH_ROW_BOOL: {
        const uint64_t *v = values->data;
        SLOTS(c, { row[j][at] = ch_bit_get(v, s); });
        break;
    }
    case CH_ROW_W1:
        PUT(uint8_t, v[s]);
        break;
    case CH_ROW_W2:
        PUT(uint16_t, v[s]);
        break;
    case CH_ROW_W4:
        PUT(uint32_t, v[s]);
        break;
    case CH_ROW_W8:
        PUT(uint64_t, v[s]);
        break;
    case CH_ROW_W16: {
        const ch_u128 *v = values->data;
        SLOTS(c, { memcpy(row[j] + at, &v[s], sizeof *v); });
        break;
    }
    case CH_ROW_F4:
        if (as_key)
            PUT(float, normal_f32(v[s]));
        else
            PUT(float, v[s]);
        break;
    case CH_ROW_F8:
        if (as_key)
            PUT(double, normal_f64(v[s]));
        else
            PUT(double, v[s]);
        break;
    case CH_ROW_VIEW:
        put_views(c, at, idx, k, row);
        break;
    case CH_ROW_NESTED:
        put_nested(c, at, as_key, idx, k, row);
        break;
    }
    if (null_bits(c))
        put_nulls(layout, which, c, idx, k, row);
}

void ch_rows_scatter(const ch_rowlayout *layout, ch_column *const *col, const uint64_t *hash,
                     const int32_t *idx, int64_t k, const int64_t *bytes, uint8_t *const *row)
{
    for (int64_t j = 0; j < k; j++) {
        memset(row[j], 0, (size_t)layout->fixed_bytes);
        *used_of(row[j]) = layout->fixed_bytes;
    }
    if (layout->hash_offset >= 0)
        for (int64_t j = 0; j < k; j++)
            *(uint64_t *)(void *)(row[j] + layout->hash_offset) = hash[idx[j]];
    for (int32_t c = 0; c < layout->n_cols; c++)
        scatter_column(layout, c, col[c], idx, k, row);
    for (int64_t j = 0; j < k; j++) {
        /* Padding is zero, so that pages with the same rows are the same bytes. */
        int32_t used = *used_of(row[j]);
        memset(row[j] + used, 0, (size_t)(bytes[j] - used));
        *(uint32_t *)(void *)row[j] = (uint32_t)bytes[j];
    }
}

/* ---- gather ------------------------------------------------------------------------------ */

static ch_status gather_nulls(const ch_rowlayout *layout, int32_t which, uint8_t *const *row,
                              int64_t k, ch_column *out, ch_error *err)
{
    int32_t byte = layout->null_offset + (which >> 3);
    int bit = which & 7;
    uint8_t any = 0;
    for (int64_t j = 0; j < k; j++)
        any |= row[j][byte];
    if (!(any >> bit & 1))
        return CH_OK;
    CH_TRY(ch_column_need_valid(out, err));
    for (int64_t j = 0; j < k; j += 64) {
        int64_t n = k - j < 64 ? k - j : 64;
        uint64_t word = 0;
        for (int64_t b = 0; b < n; b++)
            word |= (uint64_t)(~row[j + b][byte] >> bit & 1) << b;
        out->valid[j >> 6] = word;
    }
    return CH_OK;
}

#define GET(T)                                              \
    do {                                                    \
        T *restrict v = out->data;                          \
        for (int64_t j = 0; j < k; j++)                     \
            v[j] = *(const T *)(const void *)(row[j] + at); \
    } while (0)

static ch_status gather_views(int32_t at, uint8_t *const *row, int64_t k, ch_column *out,
                              ch_error *err)
{
    ch_view *v = out->data;
    ch_textout text;
    ch_textout_init(&text, out);
    for (int64_t j = 0; j < k; j++) {
        memcpy(&v[j], row[j] + at, sizeof *v);
        if (CH_UNLIKELY(v[j].len > CH_VIEW_INLINE)) {
            const char *from = (const char *)row[j] + v[j].offset;
            int32_t len = v[j].len;
            CH_TRY(ch_textout_put(&text, j, from, len, err));
        }
    }
    return CH_OK;
}

static ch_status gather_nested(const ch_rowlayout *layout, int32_t which, uint8_t *const *row,
                               int64_t k, ch_mem *mem, ch_column **out, ch_error *err)
{
    size_t bytes = sizeof(uint8_t *) * (size_t)k;
    const uint8_t **from = ch_mem_alloc(mem, bytes, err);
    *out = NULL;
    if (!from)
        return CH_E_MEMORY;
    for (int64_t j = 0; j < k; j++) {
        const uint8_t *slot = row[j] + layout->col[which].offset;
        ch_view v;
        memcpy(&v, slot, sizeof v);
        from[j] = ch_row_is_null(layout, row[j], which) ? NULL
                  : v.len <= CH_VIEW_INLINE             ? slot + 4
                                                        : row[j] + v.offset;
    }
    ch_status status = ch_nested_read(layout->col[which].type, from, k, mem, out, err);
    ch_mem_free(mem, from, bytes);
    return status;
}

ch_status ch_rows_gather(const ch_rowlayout *layout, int32_t which, uint8_t *const *row, int64_t k,
                         ch_mem *mem, ch_column **result, ch_error *err)
{
    const ch_rowcol *col = &layout->col[which];
    int32_t at = col->offset;
    *result = NULL;
    if (col->kind == CH_ROW_NONE)
        return ch_column_flat_nulls(mem, col->type, k, result, err);
    if (col->kind == CH_ROW_NESTED)
        return gather_nested(layout, which, row, k, mem, result, err);
    ch_column *out;
    ch_status status = CH_OK;
    CH_TRY(ch_column_new(mem, col->type, k, &out, err));
    CH_TRY_OUT(gather_nulls(layout, which, row, k, out, err));
    switch (col->kind) {
    case CH_ROW_BOOL: {
        uint64_t *v = out->data;
        for (int64_t j = 0; j < k; j += 64) {
            int64_t n = k - j < 64 ? k - j : 64;
            uint64_t word = 0;
            for (int64_t b = 0; b < n; b++)
                word |= (uint64_t)(row[j + b][at] & 1) << b;
            v[j >> 6] = word;
        }
        break;
    }
    case CH_ROW_W1:
        GET(uint8_t);
        break;
    case CH_ROW_W2:
        GET(uint16_t);
        break;
    case CH_ROW_W4:
    case CH_ROW_F4:
        GET(uint32_t);
        break;
    case CH_ROW_W8:
    case CH_ROW_F8:
        GET(uint64_t);
        break;
    case CH_ROW_VIEW:
        CH_TRY_OUT(gather_views(at, row, k, out, err));
        break;
    default: {
        char *v = out->data;
        for (int64_t j = 0; j < k; j++)
            memcpy(v + 16 * j, row[j] + at, 16);
    }
    }
    *result = out;
    return CH_OK;
out:
    ch_column_unref(out);
    return status;
}

/* ---- match ------------------------------------------------------------------------------- */

/* Splits the list by a condition on position i (and slot s), without a branch. */
#define SPLIT(COND)              \
    {                            \
        bool same = (COND);      \
        idx[n_yes] = (int32_t)i; \
        n_yes += same;           \
        no[*n_no] = (int32_t)i;  \
        *n_no += !same;          \
    }

#define MATCH(T, SAME)                                                             \
    do {                                                                           \
        const T *v = values->data;                                                 \
        if (!valid)                                                                \
            SLOTS(c, {                                                             \
                T a = v[s], b = *(const T *)(const void *)(row[i] + at);           \
                SPLIT((SAME) && !(row[i][byte] & mask))                            \
            });                                                                    \
        else                                                                       \
            SLOTS(c, {                                                             \
                T a = v[s], b = *(const T *)(const void *)(row[i] + at);           \
                bool null = !ch_bit_get(valid, i), row_null = row[i][byte] & mask; \
                SPLIT(null == row_null && (null || (SAME)))                        \
            });                                                                    \
    } while (0)

static inline bool same_view(const ch_column *values, const ch_view *v, const uint8_t *row,
                             int32_t at)
{
    uint64_t a[2], b[2];
    memcpy(a, v, 16);
    memcpy(b, row + at, 16);
    if (CH_LIKELY(v->len <= CH_VIEW_INLINE))
        return !((a[0] ^ b[0]) | (a[1] ^ b[1]));
    if (a[0] != b[0]) /* length and first four bytes */
        return false;
    return memcmp(ch_view_str(values, v).text, row + (b[1] >> 32), (size_t)v->len) == 0;
}

static int64_t match_column(const ch_rowlayout *layout, int32_t which, const ch_column *c,
                            uint8_t *const *row, int32_t *idx, int64_t k, int32_t *no,
                            int64_t *n_no)
{
    const ch_column *values = ch_column_values(c);
    const uint64_t *valid = null_bits(c);
    int32_t at = layout->col[which].offset, byte = layout->null_offset + (which >> 3);
    uint8_t mask = (uint8_t)(1 << (which & 7));
    int64_t n_yes = 0;
    if (all_null(c)) {
        for (int64_t j = 0; j < k; j++) {
            int64_t i = idx[j];
            SPLIT(row[i][byte] & mask)
        }
        return n_yes;
    }
    switch (layout->col[which].kind) {
    case CH_ROW_NONE:
        return k;
    case CH_ROW_BOOL: {
        const uint64_t *v = values->data;
        SLOTS(c, {
            bool null = valid && !ch_bit_get(valid, i), row_null = row[i][byte] & mask;
            SPLIT(null == row_null && (null || ch_bit_get(v, s) == (row[i][at] & 1)))
        });
        break;
    }
    case CH_ROW_W1:
        MATCH(uint8_t, a == b);
        break;
    case CH_ROW_W2:
        MATCH(uint16_t, a == b);
        break;
    case CH_ROW_W4:
        MATCH(uint32_t, a == b);
        break;
    case CH_ROW_W8:
        MATCH(uint64_t, a == b);
        break;
    case CH_ROW_F4:
        MATCH(float, a == b || (a != a && b != b));
        break;
    case CH_ROW_F8:
        MATCH(double, a == b || (a != a && b != b));
        break;
    case CH_ROW_W16: {
        const ch_u128 *v = values->data;
        SLOTS(c, {
            bool null = valid && !ch_bit_get(valid, i), row_null = row[i][byte] & mask;
            SPLIT(null == row_null && (null || memcmp(&v[s], row[i] + at, 16) == 0))
        });
        break;
    }
    case CH_ROW_VIEW: {
        const ch_view *v = values->data;
        if (!valid)
            SLOTS(c, {SPLIT(!(row[i][byte] & mask) && same_view(values, &v[s], row[i], at))});
        else
            SLOTS(c, {
                bool null = !ch_bit_get(valid, i), row_null = row[i][byte] & mask;
                SPLIT(null == row_null && (null || same_view(values, &v[s], row[i], at)))
            });
        break;
    }
    case CH_ROW_NESTED: /* packed before */
        break;
    }
    return n_yes;
}

int64_t ch_rows_match(const ch_rowlayout *layout, ch_column *const *key, uint8_t *const *row,
                      int32_t *idx, int64_t k, int32_t *no, int64_t *n_no)
{
    for (int32_t c = 0; c < layout->n_keys && k; c++)
        k = match_column(layout, c, key[c], row, idx, k, no, n_no);
    return k;
}

/* Normalised slots of one layout are equal bytes, or long strings with equal text. */
static inline bool same_slots(const uint8_t *a, const uint8_t *b, int32_t at, int width)
{
    if (width == 8)
        return *(const uint64_t *)(const void *)(a + at) ==
               *(const uint64_t *)(const void *)(b + at);
    if (width == 4)
        return *(const uint32_t *)(const void *)(a + at) ==
               *(const uint32_t *)(const void *)(b + at);
    return memcmp(a + at, b + at, (size_t)width) == 0;
}

static inline bool same_row_views(const uint8_t *a, const uint8_t *b, int32_t at)
{
    uint64_t v[2], w[2];
    memcpy(v, a + at, 16);
    memcpy(w, b + at, 16);
    if (v[0] != w[0])
        return false;
    int32_t len = (int32_t)(uint32_t)v[0];
    if (len <= CH_VIEW_INLINE)
        return v[1] == w[1];
    return memcmp(a + (v[1] >> 32), b + (w[1] >> 32), (size_t)len) == 0;
}

int64_t ch_rows_match_rows(const ch_rowlayout *layout, uint8_t *const *a, uint8_t *const *b,
                           int32_t *idx, int64_t k, int32_t *no, int64_t *n_no)
{
    for (int32_t c = 0; c < layout->n_keys && k; c++) {
        int32_t at = layout->col[c].offset, byte = layout->null_offset + (c >> 3);
        uint8_t mask = (uint8_t)(1 << (c & 7));
        ch_rowkind kind = layout->col[c].kind;
        int width = SLOT_BYTES[kind];
        int64_t n_yes = 0;
        if (kind >= CH_ROW_VIEW)
            for (int64_t j = 0; j < k; j++) {
                int64_t i = idx[j];
                SPLIT(!((a[i][byte] ^ b[i][byte]) & mask) && same_row_views(a[i], b[i], at))
            }
        else
            for (int64_t j = 0; j < k; j++) {
                int64_t i = idx[j];
                SPLIT(!((a[i][byte] ^ b[i][byte]) & mask) && same_slots(a[i], b[i], at, width))
            }
        k = n_yes;
    }
    return k;
}
