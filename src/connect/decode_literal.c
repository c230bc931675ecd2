/* SPDX-License-Identifier: Apache-2.0 */
/* decode_literal.c - the protocol's literals as scalars. */
#include <string.h>

#include "connect/decode.h"
#include "type/decimal.h"

static ch_status text_scalar(ch_arena *arena, const ch_type *type, const void *text, size_t len,
                             ch_scalar *out, ch_error *err)
{
    char *copy = ch_arena_strn(arena, text ? text : "", len, err);
    *out = (ch_scalar){.type = type, .v.str = {copy, (int64_t)len}};
    return copy ? CH_OK : CH_E_MEMORY;
}

static ch_status decode_decimal(const PB(Expression__Literal__Decimal) * m, ch_scalar *out,
                                ch_error *err)
{
    const char *text = m->value ? m->value : "";
    ch_i128 value;
    int precision, scale;
    if (ch_dec_parse_exact(text, (int64_t)strlen(text), &value, &precision, &scale) != CH_DEC_OK)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a decimal literal is no number");
    int p = m->has_precision ? m->precision : precision, s = m->has_scale ? m->scale : scale;
    if (p < 1 || p > CH_DECIMAL_MAX || s < 0 || s > p ||
        !ch_dec_rescale(value, scale, p, s, &value))
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a decimal literal does not fit its type");
    *out = (ch_scalar){.type = ch_type_decimal(p, s)};
    if (!out->type)
        return ch_error_memory(err, "types", 0, 0);
    if (ch_type_is_wide_decimal(out->type))
        out->v.i128 = value;
    else
        out->v.i64 = (int64_t)value;
    return CH_OK;
}

/* n literals into item[0], item[step] ...; *type, if not yet known, is that of the first that is no plain NULL. */
static ch_status decode_items(ch_arena *arena, PB(Expression__Literal) * *m, size_t n,
                              ch_scalar *item, size_t step, const ch_type **type, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        CH_TRY(cn_decode_literal(arena, m[i], &item[i * step], err));
        if (!*type || (*type)->id == CH_NULL)
            *type = item[i * step].type;
    }
    return CH_OK;
}

/* Element, key or value type: as told, else as found. */
static ch_status told_type(const PB(DataType) * told, const ch_type **type, ch_error *err)
{
    if (told)
        return cn_decode_type(told, type, err);
    if (!*type)
        *type = CH_T_NULL;
    return CH_OK;
}

/* NULLs inside of nested literals are of the type around them. */
static void retype(ch_scalar *item, size_t n, size_t step, const ch_type *type)
{
    for (size_t i = 0; i < n; i++)
        item[i * step].type = type;
}

static ch_status decode_array(ch_arena *arena, const PB(Expression__Literal) * m, ch_scalar *out,
                              ch_error *err)
{
    const PB(Expression__Literal__Array) *a = m->array;
    const ch_type *element = NULL, *whole = NULL;
    ch_scalar *item;
    CH_ARENA_ARRAY(item, arena, a->n_elements + 1, err);
    CH_TRY(decode_items(arena, a->elements, a->n_elements, item, 1, &element, err));
    if (m->data_type) {
        CH_TRY(cn_decode_type(m->data_type, &whole, err));
        if (whole->id == CH_ARRAY)
            element = whole->field[0].type;
    } else {
        CH_TRY(told_type(a->element_type, &element, err));
    }
    retype(item, a->n_elements, 1, element);
    *out =
        (ch_scalar){.type = whole && whole->id == CH_ARRAY ? whole : ch_type_array(element, true),
                    .v.list = {item, (int64_t)a->n_elements}};
    return out->type ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static ch_status decode_map(ch_arena *arena, const PB(Expression__Literal) * m, ch_scalar *out,
                            ch_error *err)
{
    const PB(Expression__Literal__Map) *a = m->map;
    const ch_type *key = NULL, *value = NULL, *whole = NULL;
    ch_scalar *item;
    if (a->n_keys != a->n_values)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a map literal has more keys or more values");
    CH_ARENA_ARRAY(item, arena, 2 * a->n_keys + 1, err);
    CH_TRY(decode_items(arena, a->keys, a->n_keys, item, 2, &key, err));
    CH_TRY(decode_items(arena, a->values, a->n_values, item + 1, 2, &value, err));
    if (m->data_type) {
        CH_TRY(cn_decode_type(m->data_type, &whole, err));
        if (whole->id == CH_MAP) {
            key = whole->field[0].type;
            value = whole->field[1].type;
        }
    } else {
        CH_TRY(told_type(a->key_type, &key, err));
        CH_TRY(told_type(a->value_type, &value, err));
    }
    retype(item, a->n_keys, 2, key);
    retype(item + 1, a->n_keys, 2, value);
    *out = (ch_scalar){.type = whole && whole->id == CH_MAP ? whole : ch_type_map(key, value, true),
                       .v.list = {item, (int64_t)(2 * a->n_keys)}};
    return out->type ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static ch_status decode_struct(ch_arena *arena, const PB(Expression__Literal) * m, ch_scalar *out,
                               ch_error *err)
{
    const PB(Expression__Literal__Struct) *a = m->struct_;
    const PB(DataType) *told = m->data_type ? m->data_type : a->struct_type;
    const ch_type *type, *ignored = NULL;
    ch_scalar *item;
    CH_TRY(cn_decode_type(told, &type, err));
    if (type->id != CH_STRUCT || type->n_fields != (int32_t)a->n_elements)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a struct literal does not fit its type");
    CH_ARENA_ARRAY(item, arena, a->n_elements + 1, err);
    CH_TRY(decode_items(arena, a->elements, a->n_elements, item, 1, &ignored, err));
    for (int32_t i = 0; i < type->n_fields; i++)
        item[i].type = type->field[i].type;
    *out = (ch_scalar){.type = type, .v.list = {item, (int64_t)a->n_elements}};
    return CH_OK;
}

static ch_status decode_specialized(ch_arena *arena,
                                    const PB(Expression__Literal__SpecializedArray) * m,
                                    ch_scalar *out, ch_error *err)
{
    ch_scalar *item = NULL;
    const ch_type *type = CH_T_NULL;
    size_t n = 0;
    switch (m->value_type_case) {
#define ARRAY(CASE, field, T, set)                                                  \
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_##CASE: \
        n = m->field->n_values;                                                     \
        type = T;                                                                   \
        CH_ARENA_ARRAY(item, arena, n + 1, err);                                    \
        for (size_t i = 0; i < n; i++) {                                            \
            item[i].type = T;                                                       \
            set = m->field->values[i];                                              \
        }                                                                           \
        break
        ARRAY(BOOLS, bools, CH_T_BOOLEAN, item[i].v.boolean);
        ARRAY(INTS, ints, CH_T_INT, item[i].v.i64);
        ARRAY(LONGS, longs, CH_T_LONG, item[i].v.i64);
        ARRAY(FLOATS, floats, ch_type_of(CH_FLOAT), item[i].v.f64);
        ARRAY(DOUBLES, doubles, CH_T_DOUBLE, item[i].v.f64);
#undef ARRAY
    case SPARK__CONNECT__EXPRESSION__LITERAL__SPECIALIZED_ARRAY__VALUE_TYPE_STRINGS:
        n = m->strings->n_values;
        type = CH_T_STRING;
        CH_ARENA_ARRAY(item, arena, n + 1, err);
        for (size_t i = 0; i < n; i++)
            CH_TRY(text_scalar(arena, type, m->strings->values[i], strlen(m->strings->values[i]),
                               &item[i], err));
        break;
    default:
        CH_ARENA_NEW(item, arena, err);
    }
    *out = (ch_scalar){.type = ch_type_array(type, false), .v.list = {item, (int64_t)n}};
    return out->type ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static const struct {
    PB(Expression__Literal__LiteralTypeCase) which;
    const char *what;
} REFUSED[] = {
#define CN_LITERAL(CASE)
#define CN_NO_LITERAL(CASE, what) {SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_##CASE, what},
#include "builtin/connect_literals.def"
#undef CN_LITERAL
#undef CN_NO_LITERAL
};

ch_status cn_decode_literal(ch_arena *arena, const PB(Expression__Literal) * m, ch_scalar *out,
                            ch_error *err)
{
    if (!m)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a literal is missing");
    *out = (ch_scalar){0};
#define NUMBER(CASE, T, member, value)                             \
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_##CASE: \
        *out = (ch_scalar){.type = T, .v.member = value};          \
        return CH_OK
    switch (m->literal_type_case) {
        NUMBER(BOOLEAN, CH_T_BOOLEAN, boolean, m->boolean);
        NUMBER(BYTE, ch_type_of(CH_BYTE), i64, (int8_t)m->byte);
        NUMBER(SHORT, ch_type_of(CH_SHORT), i64, (int16_t)m->short_);
        NUMBER(INTEGER, CH_T_INT, i64, m->integer);
        NUMBER(LONG, CH_T_LONG, i64, m->long_);
        NUMBER(FLOAT, ch_type_of(CH_FLOAT), f64, (double)m->float_);
        NUMBER(DOUBLE, CH_T_DOUBLE, f64, m->double_);
        NUMBER(DATE, CH_T_DATE, i64, m->date);
        NUMBER(TIMESTAMP, CH_T_TIMESTAMP, i64, m->timestamp);
        NUMBER(TIMESTAMP_NTZ, ch_type_of(CH_TIMESTAMP_NTZ), i64, m->timestamp_ntz);
        NUMBER(YEAR_MONTH_INTERVAL, ch_type_of(CH_YEAR_MONTH_INTERVAL), i64,
               m->year_month_interval);
        NUMBER(DAY_TIME_INTERVAL, ch_type_of(CH_DAY_TIME_INTERVAL), i64, m->day_time_interval);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_TIME:
        out->type = ch_type_time(m->time->has_precision ? m->time->precision : 6);
        out->v.i64 = m->time->nano;
        return out->type ? CH_OK : ch_error_memory(err, "types", 0, 0);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_CALENDAR_INTERVAL:
        out->type = ch_type_of(CH_CALENDAR_INTERVAL);
        out->v.interval = (ch_interval){m->calendar_interval->months, m->calendar_interval->days,
                                        m->calendar_interval->microseconds * 1000};
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_NULL:
        out->is_null = true;
        return cn_decode_type(m->data_type ? m->data_type : m->null, &out->type, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_BINARY:
        return text_scalar(arena, ch_type_of(CH_BINARY), m->binary.data, m->binary.len, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRING:
        return text_scalar(arena, CH_T_STRING, m->string, m->string ? strlen(m->string) : 0, out,
                           err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_DECIMAL:
        return decode_decimal(m->decimal, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_ARRAY:
        return decode_array(arena, m, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_MAP:
        return decode_map(arena, m, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_STRUCT:
        return decode_struct(arena, m, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE_SPECIALIZED_ARRAY:
        return decode_specialized(arena, m->specialized_array, out, err);
    case SPARK__CONNECT__EXPRESSION__LITERAL__LITERAL_TYPE__NOT_SET:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a literal has no value");
    default:
        break;
    }
#undef NUMBER
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (REFUSED[i].which == m->literal_type_case)
            CN_UNSUPPORTED(err, REFUSED[i].what);
    CN_UNSUPPORTED(err, "A literal that this version does not know");
}
