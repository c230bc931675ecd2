/* SPDX-License-Identifier: Apache-2.0 */
/* encode_literal.c - values as the protocol's literals: what observe() tells. */
#include <string.h>

#include "connect/decode.h"
#include "type/decimal.h"

typedef PB(Expression__Literal) literal;

static ch_status encode_list(ch_arena *arena, const ch_scalar *item, int64_t n, int64_t step,
                             literal ***out, size_t *n_out, ch_error *err)
{
    *out = ch_arena_alloc(arena, sizeof **out * (size_t)(n + 1), err);
    if (!*out)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++)
        CH_TRY(cn_encode_literal(arena, &item[i * step], &(*out)[i], err));
    *n_out = (size_t)n;
    return CH_OK;
}

static ch_status encode_decimal(ch_arena *arena, const ch_scalar *v, literal *m, ch_error *err)
{
    PB(Expression__Literal__Decimal) * d;
    PB_NEW(d, arena, spark__connect__expression__literal__decimal__init, err);
    char text[CH_DECIMAL_TEXT];
    ch_i128 value = ch_type_is_wide_decimal(v->type) ? v->v.i128 : v->v.i64;
    int len = ch_dec_print(text, value, v->type->scale);
    if (!(d->value = ch_arena_strn(arena, text, (size_t)len, err)))
        return CH_E_MEMORY;
    d->has_precision = d->has_scale = 1;
    d->precision = v->type->precision;
    d->scale = v->type->scale;
    m->decimal = d;
    m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL;
    return CH_OK;
}

static ch_status encode_nested(ch_arena *arena, const ch_scalar *v, literal *m, ch_error *err)
{
    const ch_scalar *item = v->v.list.item;
    int64_t n = v->v.list.n;
    if (v->type->id == CH_ARRAY) {
        PB_NEW(m->array, arena, spark__connect__expression__literal__array__init, err);
        m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY;
        CH_TRY(cn_encode_type(arena, v->type->field[0].type, &m->array->element_type, err));
        return encode_list(arena, item, n, 1, &m->array->elements, &m->array->n_elements, err);
    }
    if (v->type->id == CH_MAP) {
        PB_NEW(m->map, arena, spark__connect__expression__literal__map__init, err);
        m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_MAP;
        CH_TRY(cn_encode_type(arena, v->type->field[0].type, &m->map->key_type, err));
        CH_TRY(cn_encode_type(arena, v->type->field[1].type, &m->map->value_type, err));
        CH_TRY(encode_list(arena, item, n / 2, 2, &m->map->keys, &m->map->n_keys, err));
        return encode_list(arena, item + 1, n / 2, 2, &m->map->values, &m->map->n_values, err);
    }
    PB_NEW(m->struct_, arena, spark__connect__expression__literal__struct__init, err);
    m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT;
    CH_TRY(cn_encode_type(arena, v->type, &m->struct_->struct_type, err));
    return encode_list(arena, item, n, 1, &m->struct_->elements, &m->struct_->n_elements, err);
}

#define SET(CASE, field, value)                                                          \
    do {                                                                                 \
        m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_##CASE; \
        m->field = (value);                                                              \
        return CH_OK;                                                                    \
    } while (0)

ch_status cn_encode_literal(ch_arena *arena, const ch_scalar *v, literal **out, ch_error *err)
{
    literal *m;
    PB_NEW(*out, arena, spark__connect__expression__literal__init, err);
    m = *out;
    if (v->is_null) {
        m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_NULL;
        return cn_encode_type(arena, v->type, &m->null, err);
    }
    switch (v->type->id) {
    case CH_BOOLEAN:
        SET(BOOLEAN, boolean, v->v.boolean);
    case CH_BYTE:
        SET(BYTE, byte, (int32_t)v->v.i64);
    case CH_SHORT:
        SET(SHORT, short_, (int32_t)v->v.i64);
    case CH_INT:
        SET(INTEGER, integer, (int32_t)v->v.i64);
    case CH_LONG:
        SET(LONG, long_, v->v.i64);
    case CH_FLOAT:
        SET(FLOAT, float_, (float)v->v.f64);
    case CH_DOUBLE:
        SET(DOUBLE, double_, v->v.f64);
    case CH_DATE:
        SET(DATE, date, (int32_t)v->v.i64);
    case CH_TIMESTAMP:
        SET(TIMESTAMP, timestamp, v->v.i64);
    case CH_TIMESTAMP_NTZ:
        SET(TIMESTAMP_NTZ, timestamp_ntz, v->v.i64);
    case CH_YEAR_MONTH_INTERVAL:
        SET(YEAR_MONTH_INTERVAL, year_month_interval, (int32_t)v->v.i64);
    case CH_DAY_TIME_INTERVAL:
        SET(DAY_TIME_INTERVAL, day_time_interval, v->v.i64);
    case CH_BINARY:
        SET(BINARY, binary,
            ((ProtobufCBinaryData){(size_t)v->v.str.len, (uint8_t *)(uintptr_t)v->v.str.text}));
    case CH_DECIMAL:
        return encode_decimal(arena, v, m, err);
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
        return encode_nested(arena, v, m, err);
    default:
        break;
    }
    if (ch_type_is_string(v->type)) {
        m->string = ch_arena_strn(arena, v->v.str.text, (size_t)v->v.str.len, err);
        m->literal_type_case = SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRING;
        return m->string ? CH_OK : CH_E_MEMORY;
    }
    CN_UNSUPPORTED(err, "An observed metric of this type");
}
