/* SPDX-License-Identifier: Apache-2.0 */
/* sortkey.c - one loop per width; nested values take a recursive way, a value at a time. */
#include "kernel/sortkey.h"

#define NO_VALUE_LAST 0xFF
#define VALUE 0x01

static int64_t text_bytes(ch_str s)
{
    int64_t n = s.len + 2;
    for (const char *p = s.text, *end = p + s.len; (p = memchr(p, 0, (size_t)(end - p))) != NULL;
         p++)
        n++;
    return n;
}

static uint8_t *text_write(ch_str s, uint8_t *to)
{
    const char *p = s.text, *end = p + s.len;
    for (const char *zero; (zero = memchr(p, 0, (size_t)(end - p))) != NULL; p = zero + 1) {
        memcpy(to, p, (size_t)(zero - p) + 1);
        to += zero - p + 1;
        *to++ = 0xFF;
    }
    memcpy(to, p, (size_t)(end - p));
    to += end - p;
    *to++ = 0;
    *to++ = 0;
    return to;
}

static int fixed_bytes(const ch_type *type)
{
    return type->id == CH_BOOLEAN ? 1 : ch_type_width(type);
}

static uint64_t float_bits(double value)
{
    if (value != value)
        return UINT64_C(0xFFF8000000000000); /* above +infinity after the flip */
    value += 0.0;                            /* -0.0 + 0.0 is 0.0 */
    uint64_t bits;
    memcpy(&bits, &value, 8);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static inline void put64(uint8_t *to, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(to, &v, 8);
}

static inline void put32(uint8_t *to, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(to, &v, 4);
}

/* The key of slot i of fixed-width data. */
static inline void put_fixed(const ch_column *c, int64_t i, uint8_t *to)
{
    const uint64_t top = UINT64_C(1) << 63;
    switch (c->type->id) {
    case CH_BOOLEAN:
        *to = ch_bit_get(c->data, i);
        return;
    case CH_FLOAT:
        /* A float's order is that of the double with the same value; its upper half would lose bits
         * of the exponent, so the float's own bits are used. */
        {
            float f = ((const float *)c->data)[i] + 0.0f;
            uint32_t bits;
            memcpy(&bits, &f, 4);
            if (f != f)
                bits = 0x7FC00000;
            put32(to, bits >> 31 ? ~bits : bits | UINT32_C(1) << 31);
        }
        return;
    case CH_DOUBLE:
        put64(to, float_bits(((const double *)c->data)[i]));
        return;
    default:
        break;
    }
    switch (ch_type_width(c->type)) {
    case 1:
        *to = (uint8_t)(((const uint8_t *)c->data)[i] ^ 0x80);
        return;
    case 2: {
        uint16_t v = __builtin_bswap16((uint16_t)(((const uint16_t *)c->data)[i] ^ 0x8000));
        memcpy(to, &v, 2);
        return;
    }
    case 4:
        put32(to, ((const uint32_t *)c->data)[i] ^ UINT32_C(1) << 31);
        return;
    case 8:
        put64(to, ((const uint64_t *)c->data)[i] ^ top);
        return;
    case 16: {
        ch_u128 v = ((const ch_u128 *)c->data)[i];
        put64(to, (uint64_t)(v >> 64) ^ top);
        put64(to + 8, (uint64_t)v);
        return;
    }
    default:
        return;
    }
}

/* -------------------------------------------------------------- nested values */

static int64_t value_bytes(const ch_column *c, int64_t i);
static uint8_t *value_write(const ch_column *c, int64_t i, uint8_t *to);

static int64_t payload_bytes(const ch_column *c, int64_t i)
{
    if (ch_type_is_view(c->type))
        return text_bytes(ch_column_str(c, i));
    if (c->type->id == CH_STRUCT) {
        int64_t n = 0;
        for (int32_t f = 0; f < c->n_child; f++)
            n += value_bytes(c->child[f], i);
        return n;
    }
    if (c->type->id == CH_ARRAY) {
        const int32_t *offset = c->data;
        int64_t n = 1;
        for (int64_t k = offset[i]; k < offset[i + 1]; k++)
            n += 1 + value_bytes(c->child[0], k);
        return n;
    }
    return fixed_bytes(c->type);
}

static uint8_t *payload_write(const ch_column *c, int64_t i, uint8_t *to)
{
    if (ch_type_is_view(c->type))
        return text_write(ch_column_str(c, i), to);
    if (c->type->id == CH_STRUCT) {
        for (int32_t f = 0; f < c->n_child; f++)
            to = value_write(c->child[f], i, to);
        return to;
    }
    if (c->type->id == CH_ARRAY) {
        const int32_t *offset = c->data;
        for (int64_t k = offset[i]; k < offset[i + 1]; k++) {
            *to++ = VALUE;
            to = value_write(c->child[0], k, to);
        }
        *to++ = 0;
        return to;
    }
    put_fixed(c, i, to);
    return to + fixed_bytes(c->type);
}

/* Inside a nested value NULL comes first, as Spark orders it whatever the outer order is. */
static int64_t value_bytes(const ch_column *values, int64_t row)
{
    const ch_column *c = ch_column_values(values);
    if (ch_column_is_null(values, row))
        return 1;
    return 1 + payload_bytes(c, ch_column_slot(values, row));
}

static uint8_t *value_write(const ch_column *values, int64_t row, uint8_t *to)
{
    const ch_column *c = ch_column_values(values);
    if (ch_column_is_null(values, row)) {
        *to++ = 0;
        return to;
    }
    *to++ = VALUE;
    return payload_write(c, ch_column_slot(values, row), to);
}

/* ------------------------------------------------------------------- columns */

void ch_sortkey_sizes(const ch_column *c, uint32_t *bytes)
{
    int64_t n = c->rows;
    if (c->type->id == CH_NULL) {
        for (int64_t i = 0; i < n; i++)
            bytes[i] += 1;
        return;
    }
    if (!ch_type_is_view(c->type) && !ch_type_is_nested(c->type)) {
        uint32_t width = (uint32_t)fixed_bytes(c->type);
        for (int64_t i = 0; i < n; i++)
            bytes[i] += 1 + (!c->valid || ch_bit_get(c->valid, i) ? width : 0);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t more = 1 + (!c->valid || ch_bit_get(c->valid, i) ? payload_bytes(c, i) : 0);
        int64_t sum = bytes[i] + more;
        bytes[i] = sum < CH_SORTKEY_MOST ? (uint32_t)sum : CH_SORTKEY_MOST;
    }
}

static void invert(uint8_t *from, const uint8_t *end)
{
    for (; from < end; from++)
        *from = (uint8_t) ~*from;
}

static void write_fixed(const ch_column *c, ch_sortkey_order order, uint8_t **to)
{
    int width = fixed_bytes(c->type);
    uint8_t null_byte = order.nulls_first ? 0 : NO_VALUE_LAST;
    for (int64_t i = 0; i < c->rows; i++) {
        uint8_t *p = to[i];
        if (c->valid && !ch_bit_get(c->valid, i)) {
            *p = null_byte;
            to[i] = p + 1;
            continue;
        }
        *p = VALUE;
        put_fixed(c, i, p + 1);
        if (order.descending)
            invert(p + 1, p + 1 + width);
        to[i] = p + 1 + width;
    }
}

void ch_sortkey_write(const ch_column *c, ch_sortkey_order order, uint8_t **to)
{
    uint8_t null_byte = order.nulls_first ? 0 : NO_VALUE_LAST;
    if (c->type->id != CH_NULL && !ch_type_is_view(c->type) && !ch_type_is_nested(c->type)) {
        write_fixed(c, order, to);
        return;
    }
    for (int64_t i = 0; i < c->rows; i++) {
        uint8_t *p = to[i];
        if (ch_column_is_null(c, i)) {
            *p = null_byte;
            to[i] = p + 1;
            continue;
        }
        *p = VALUE;
        to[i] = payload_write(c, i, p + 1);
        if (order.descending)
            invert(p + 1, to[i]);
    }
}
