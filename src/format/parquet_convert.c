/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_convert.c - one loop per pair of physical and Spark type. */
#include "format/parquet_convert.h"

#include "type/decimal.h"

#define JULIAN_EPOCH 2440588 /* 1970-01-01 */
#define DAY_US INT64_C(86400000000)

#define LOOP(NAME, FROM, TO, EXPR)                                                           \
    static bool NAME(const ch_pq_conversion *c, const void *in, const char *text, int64_t n, \
                     void *out)                                                              \
    {                                                                                        \
        const FROM *restrict from = in;                                                      \
        TO *restrict to = out;                                                               \
        CH_UNUSED(c);                                                                        \
        CH_UNUSED(text);                                                                     \
        for (int64_t i = 0; i < n; i++) {                                                    \
            FROM v;                                                                          \
            memcpy(&v, (const char *)from + i * (int64_t)sizeof v, sizeof v);                \
            to[i] = (TO)(EXPR);                                                              \
        }                                                                                    \
        return true;                                                                         \
    }

LOOP(i32_to_i8, int32_t, int8_t, v)
LOOP(i32_to_i16, int32_t, int16_t, v)
LOOP(i32_to_i64, int32_t, int64_t, v)
LOOP(u32_to_i64, uint32_t, int64_t, v)
LOOP(i32_to_f64, int32_t, double, v)
LOOP(f32_to_f64, float, double, v)
LOOP(i32_scaled, int32_t, int64_t, (int64_t)v * c->factor)
LOOP(i32_scaled_wide, int32_t, ch_i128, (ch_i128)v * c->wide_factor)
LOOP(i64_scaled_wide, int64_t, ch_i128, (ch_i128)v * c->wide_factor)
LOOP(u64_wide, uint64_t, ch_i128, v)
LOOP(nanos_to_micros, int64_t, int64_t, v / 1000 - (v % 1000 < 0))
LOOP(date_to_micros, int32_t, int64_t, (int64_t)v *DAY_US)

static bool i64_scaled(const ch_pq_conversion *c, const void *in, const char *text, int64_t n,
                       void *out)
{
    int64_t *to = out;
    bool overflow = false;
    CH_UNUSED(text);
    for (int64_t i = 0; i < n; i++) {
        int64_t v;
        memcpy(&v, (const char *)in + i * 8, 8);
        overflow |= __builtin_mul_overflow(v, c->factor, &to[i]);
    }
    return !overflow;
}

/* Nanoseconds of the day, Julian day. Wraps around as Spark's does. */
static bool int96_to_micros(const ch_pq_conversion *c, const void *in, const char *text, int64_t n,
                            void *out)
{
    int64_t *to = out;
    CH_UNUSED(c);
    CH_UNUSED(text);
    for (int64_t i = 0; i < n; i++) {
        int64_t nanos;
        int32_t day;
        memcpy(&nanos, (const char *)in + i * 12, 8);
        memcpy(&day, (const char *)in + i * 12 + 8, 4);
        uint64_t us = ((uint64_t)(int64_t)day - JULIAN_EPOCH) * (uint64_t)DAY_US;
        to[i] = (int64_t)(us + (uint64_t)(nanos / 1000));
    }
    return true;
}

static float half(uint16_t h)
{
    uint32_t sign = (uint32_t)(h >> 15) << 31, exponent = h >> 10 & 31, fraction = h & 1023;
    union {
        uint32_t u;
        float f;
    } v;
    if (exponent == 31) {
        v.u = sign | 0x7F800000 | fraction << 13;
    } else if (exponent) {
        v.u = sign | (exponent + 112) << 23 | fraction << 13;
    } else {
        v.f = (float)fraction / 16777216.0f;
        v.u |= sign;
    }
    return v.f;
}
LOOP(half_to_f32, uint16_t, float, half(v))
LOOP(half_to_f64, uint16_t, double, half(v))

/* Two's complement, big endian, of any length; false: more than 128 bits. */
static bool big_endian(const uint8_t *p, int64_t len, ch_i128 *out)
{
    ch_u128 v = len && p[0] >> 7 ? ~(ch_u128)0 : 0;
    for (; len > 16; p++, len--)
        if (*p != (uint8_t)v || p[1] >> 7 != (uint8_t)v >> 7)
            return false;
    for (int64_t i = 0; i < len; i++)
        v = v << 8 | p[i];
    *out = (ch_i128)v;
    return true;
}

static bool put_decimal(const ch_pq_conversion *c, ch_i128 v, void *out, int64_t i)
{
    ch_i128 limit = (ch_i128)ch_pow10_128[c->type->precision];
    if (v >= limit || v <= -limit)
        return false;
    v *= c->wide_factor;
    if (c->out_width == 8)
        ((int64_t *)out)[i] = (int64_t)v;
    else
        ((ch_i128 *)out)[i] = v;
    return v < limit && v > -limit;
}

static bool fixed_decimal(const ch_pq_conversion *c, const void *in, const char *text, int64_t n,
                          void *out)
{
    const uint8_t *p = in;
    bool fine = true;
    CH_UNUSED(text);
    for (int64_t i = 0; i < n; i++, p += c->in_width) {
        ch_i128 v;
        fine &= big_endian(p, c->in_width, &v) && put_decimal(c, v, out, i);
    }
    return fine;
}

static bool binary_decimal(const ch_pq_conversion *c, const void *in, const char *text, int64_t n,
                           void *out)
{
    const ch_view *view = in;
    bool fine = true;
    for (int64_t i = 0; i < n; i++) {
        const char *p = view[i].len <= CH_VIEW_INLINE ? view[i].small : text + view[i].offset;
        ch_i128 v;
        fine &= big_endian((const uint8_t *)p, view[i].len, &v) && put_decimal(c, v, out, i);
    }
    return fine;
}

/* ---- the choice ---------------------------------------------------------------------------- */

/* DECIMAL(p, s), or an integer of p digits, fits the type without loss. */
static bool widens(const ch_type *type, int p, int s, ch_pq_conversion *c)
{
    int more = type->scale - s;
    if (more < 0 || type->precision - type->scale < p - s || more > 38)
        return false;
    c->wide_factor = (ch_i128)ch_pow10_128[more];
    c->factor = more <= 18 ? ch_pow10_64[more] : 0;
    return true;
}

static bool to_decimal(const ch_pq_node *leaf, const ch_type *type, ch_pq_conversion *c)
{
    const ch_pq_note *n = &leaf->note;
    bool wide = ch_type_is_wide_decimal(type);
    bool is_int32 = leaf->element->type == CH_PQ_INT32;
    if (n->meaning == CH_PQ_M_DECIMAL) {
        if (!widens(type, n->precision, n->scale, c))
            return false;
    } else if (n->meaning == CH_PQ_M_INTEGER && !n->is_signed && n->bits == 64) {
        c->run = u64_wide;
        return type->precision == 20 && type->scale == 0;
    } else if (n->meaning == CH_PQ_M_NONE || n->meaning == CH_PQ_M_INTEGER) {
        if (c->is_byte_array || leaf->element->type == CH_PQ_FIXED ||
            !widens(type, is_int32 ? 10 : 20, 0, c))
            return false;
    } else {
        return false;
    }
    switch (leaf->element->type) {
    case CH_PQ_INT32:
        c->run = wide ? i32_scaled_wide : i32_scaled;
        return true;
    case CH_PQ_INT64:
        c->run = wide ? i64_scaled_wide : c->factor == 1 ? NULL : i64_scaled;
        return true;
    case CH_PQ_FIXED:
        c->run = fixed_decimal;
        return true;
    case CH_PQ_BYTE_ARRAY:
        c->run = binary_decimal;
        return true;
    default:
        return false;
    }
}

static bool from_int32(const ch_pq_note *n, const ch_type *type, ch_pq_conversion *c)
{
    bool number = n->meaning == CH_PQ_M_NONE || n->meaning == CH_PQ_M_INTEGER ||
                  n->meaning == CH_PQ_M_UNKNOWN || n->meaning == CH_PQ_M_DATE;
    switch (type->id) {
    case CH_BYTE:
        c->run = i32_to_i8;
        return number;
    case CH_SHORT:
        c->run = i32_to_i16;
        return number;
    case CH_INT:
        return number && !(n->meaning == CH_PQ_M_INTEGER && n->bits == 32 && !n->is_signed);
    case CH_LONG:
        c->run = n->meaning == CH_PQ_M_INTEGER && !n->is_signed ? u32_to_i64 : i32_to_i64;
        return number;
    case CH_DOUBLE:
        c->run = i32_to_f64;
        return number && !(n->meaning == CH_PQ_M_INTEGER && n->bits == 32 && !n->is_signed);
    case CH_DATE:
        return n->meaning == CH_PQ_M_DATE || n->meaning == CH_PQ_M_NONE;
    case CH_TIMESTAMP_NTZ:
        c->run = date_to_micros;
        return n->meaning == CH_PQ_M_DATE;
    case CH_YEAR_MONTH_INTERVAL:
        return n->meaning == CH_PQ_M_NONE;
    case CH_TIME:
        c->run = i32_scaled;
        c->factor = 1000000;
        return n->meaning == CH_PQ_M_TIME;
    default:
        return false;
    }
}

static bool from_int64(const ch_pq_note *n, const ch_type *type, ch_pq_conversion *c)
{
    switch (type->id) {
    case CH_LONG:
        return n->meaning == CH_PQ_M_NONE || n->meaning == CH_PQ_M_UNKNOWN ||
               (n->meaning == CH_PQ_M_INTEGER && n->is_signed) ||
               (n->meaning == CH_PQ_M_TIMESTAMP && n->unit != CH_PQ_UNIT_MILLIS);
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        if (n->meaning == CH_PQ_M_NONE)
            return true;
        if (n->unit == CH_PQ_UNIT_MILLIS) {
            c->run = i64_scaled;
            c->factor = 1000;
        } else if (n->unit == CH_PQ_UNIT_NANOS) {
            c->run = nanos_to_micros;
        }
        return n->meaning == CH_PQ_M_TIMESTAMP;
    case CH_TIME:
        if (n->unit == CH_PQ_UNIT_MICROS) {
            c->run = i64_scaled;
            c->factor = 1000;
        }
        return n->meaning == CH_PQ_M_TIME;
    case CH_DAY_TIME_INTERVAL:
        return n->meaning == CH_PQ_M_NONE;
    default:
        return false;
    }
}

bool ch_pq_conversion_find(const ch_pq_node *leaf, const ch_type *type, ch_pq_conversion *c)
{
    static const int8_t WIDTH[CH_PQ_N_TYPES] = {-1, 4, 8, 12, 4, 8, 0, 0};
    const ch_pq_note *n = &leaf->note;
    ch_pq_type physical = (ch_pq_type)leaf->element->type;
    *c = (ch_pq_conversion){.type = type,
                            .in_width = physical == CH_PQ_FIXED ? leaf->element->type_length
                                                                : WIDTH[physical],
                            .out_width = ch_type_width(type),
                            .is_byte_array = physical == CH_PQ_BYTE_ARRAY,
                            .factor = 1,
                            .wide_factor = 1,
                            .oldest = INT64_MIN};
    if (type->id == CH_DECIMAL)
        return to_decimal(leaf, type, c);
    switch (physical) {
    case CH_PQ_BOOLEAN:
        return type->id == CH_BOOLEAN;
    case CH_PQ_INT32:
        return from_int32(n, type, c);
    case CH_PQ_INT64:
        return from_int64(n, type, c);
    case CH_PQ_INT96:
        c->run = int96_to_micros;
        return type->id == CH_TIMESTAMP || type->id == CH_TIMESTAMP_NTZ;
    case CH_PQ_FLOAT:
        c->run = type->id == CH_DOUBLE ? f32_to_f64 : NULL;
        return type->id == CH_FLOAT || type->id == CH_DOUBLE;
    case CH_PQ_DOUBLE:
        return type->id == CH_DOUBLE;
    case CH_PQ_BYTE_ARRAY:
        return ch_type_is_view(type) && n->meaning != CH_PQ_M_DECIMAL;
    default:
        if (n->meaning == CH_PQ_M_FLOAT16) {
            c->run = type->id == CH_FLOAT ? half_to_f32 : half_to_f64;
            return c->in_width == 2 && (type->id == CH_FLOAT || type->id == CH_DOUBLE);
        }
        c->is_uuid = n->meaning == CH_PQ_M_UUID && c->in_width == 16 && ch_type_is_string(type);
        return c->is_uuid || (type->id == CH_BINARY && n->meaning != CH_PQ_M_DECIMAL);
    }
}
