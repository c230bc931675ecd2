/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_schema_write.c - Spark's types as Parquet's schema elements.
 *
 *   array<T>   optional group a (LIST) { repeated group list { T element } }
 *   map<K,V>   optional group m (MAP) { repeated group key_value { required K key; V value } }
 *
 *   legacy     array with NULLs:  { repeated group bag { optional T array } }; without: { repeated T array }
 *              map:               (MAP) { repeated group map (MAP_KEY_VALUE) { key, value } }
 *
 * Both the older converted type and the logical type are written, as parquet-mr does.
 */
#include <stdlib.h>

#include "format/parquet_schema.h"
#include "type/decimal.h"

typedef struct writer {
    const ch_pq_write_options *options;
    ch_arena *arena;
    ch_pq_element *element;
    int32_t n, cap;
    const char *column; /* top-level one, for errors */
    ch_error *err;
} writer;

int ch_pq_decimal_bytes(int precision)
{
    int bytes = 1;
    while (bytes < 16 && (ch_u128)1 << (8 * bytes - 1) < ch_pow10_128[precision])
        bytes++;
    return bytes;
}

/* The element stays where it is only until the next one is added. */
static ch_status add(writer *w, const char *name, ch_pq_repetition repetition, ch_pq_element **out)
{
    if (w->n == w->cap) {
        int32_t cap = w->cap ? w->cap * 2 : 32;
        ch_pq_element *more;
        CH_ARENA_ARRAY(more, w->arena, cap, w->err);
        if (w->n)
            memcpy(more, w->element, sizeof *more * (size_t)w->n);
        w->element = more;
        w->cap = cap;
    }
    ch_pq_element *e = &w->element[w->n++];
    e->name = (ch_thrift_bytes){name, (int64_t)strlen(name)};
    e->repetition = (int32_t)repetition;
    ch_thrift_set(e, CH_PQ_ELEMENT_REPETITION);
    *out = e;
    return CH_OK;
}

static void converted(ch_pq_element *e, ch_pq_converted as)
{
    e->converted = (int32_t)as;
    ch_thrift_set(e, CH_PQ_ELEMENT_CONVERTED);
}

static ch_status logical(writer *w, ch_pq_element *e, int which)
{
    CH_ARENA_NEW(e->logical, w->arena, w->err);
    ch_thrift_set(e->logical, which);
    return CH_OK;
}

static ch_status group(writer *w, const char *name, ch_pq_repetition repetition, int32_t n_children,
                       ch_pq_element **out)
{
    CH_TRY(add(w, name, repetition, out));
    (*out)->num_children = n_children;
    ch_thrift_set(*out, CH_PQ_ELEMENT_CHILDREN);
    return CH_OK;
}

static void physical(ch_pq_element *e, ch_pq_type type)
{
    e->type = (int32_t)type;
    ch_thrift_set(e, CH_PQ_ELEMENT_TYPE);
}

static void fixed(ch_pq_element *e, int bytes)
{
    physical(e, CH_PQ_FIXED);
    e->type_length = bytes;
    ch_thrift_set(e, CH_PQ_ELEMENT_LENGTH);
}

static ch_status integer(writer *w, ch_pq_element *e, int bits, ch_pq_converted as)
{
    CH_TRY(logical(w, e, CH_PQ_L_INTEGER));
    CH_ARENA_NEW(e->logical->integer, w->arena, w->err);
    e->logical->integer->bit_width = (int8_t)bits;
    e->logical->integer->is_signed = true;
    converted(e, as);
    return CH_OK;
}

static ch_status time_of(writer *w, ch_pq_element *e, bool is_timestamp, bool is_utc, int unit)
{
    ch_pq_logical_time *time;
    CH_TRY(logical(w, e, is_timestamp ? CH_PQ_L_TIMESTAMP : CH_PQ_L_TIME));
    CH_ARENA_NEW(time, w->arena, w->err);
    CH_ARENA_NEW(time->unit, w->arena, w->err);
    ch_thrift_set(time->unit, unit);
    time->is_adjusted_to_utc = is_utc;
    if (is_timestamp)
        e->logical->timestamp = time;
    else
        e->logical->time = time;
    physical(e, CH_PQ_INT64);
    /* The older types mean instants only. */
    if (is_timestamp && is_utc)
        converted(e, unit == CH_PQ_UNIT_MILLIS ? CH_PQ_TIMESTAMP_MILLIS : CH_PQ_TIMESTAMP_MICROS);
    return CH_OK;
}

static ch_status decimal(writer *w, ch_pq_element *e, const ch_type *type)
{
    bool small = !w->options->legacy;
    if (small && type->precision <= 9)
        physical(e, CH_PQ_INT32);
    else if (small && type->precision <= 18)
        physical(e, CH_PQ_INT64);
    else
        fixed(e, ch_pq_decimal_bytes(type->precision));
    CH_TRY(logical(w, e, CH_PQ_L_DECIMAL));
    CH_ARENA_NEW(e->logical->decimal, w->arena, w->err);
    e->logical->decimal->precision = e->precision = type->precision;
    e->logical->decimal->scale = e->scale = type->scale;
    ch_thrift_set(e, CH_PQ_ELEMENT_PRECISION);
    ch_thrift_set(e, CH_PQ_ELEMENT_SCALE);
    converted(e, CH_PQ_DECIMAL);
    return CH_OK;
}

static ch_status refuse(writer *w, const ch_type *type)
{
    ch_buf text;
    ch_buf_init(&text, w->arena->mem);
    ch_status status = ch_type_print_sql(type, &text, w->err);
    if (status == CH_OK)
        status = ch_error_set(w->err, CH_E_UNSUPPORTED_TYPE_FOR_FORMAT, "format", "Parquet",
                              "columnName", w->column, "columnType", text.data, (char *)0);
    ch_buf_release(&text);
    return status;
}

static ch_status value(writer *w, const char *name, const ch_type *type, ch_pq_repetition r,
                       const char *metadata);

static ch_status list(writer *w, const char *name, const ch_type *type, ch_pq_repetition r)
{
    ch_pq_element *e;
    const ch_field *item = &type->field[0];
    ch_pq_repetition item_r = item->nullable ? CH_PQ_OPTIONAL : CH_PQ_REQUIRED;
    CH_TRY(group(w, name, r, 1, &e));
    CH_TRY(logical(w, e, CH_PQ_L_LIST));
    converted(e, CH_PQ_LIST);
    if (!w->options->legacy) {
        CH_TRY(group(w, "list", CH_PQ_REPEATED, 1, &e));
        return value(w, "element", item->type, item_r, NULL);
    }
    if (!item->nullable)
        return value(w, "array", item->type, CH_PQ_REPEATED, NULL);
    CH_TRY(group(w, "bag", CH_PQ_REPEATED, 1, &e));
    return value(w, "array", item->type, CH_PQ_OPTIONAL, NULL);
}

static ch_status map(writer *w, const char *name, const ch_type *type, ch_pq_repetition r)
{
    ch_pq_element *e;
    CH_TRY(group(w, name, r, 1, &e));
    CH_TRY(logical(w, e, CH_PQ_L_MAP));
    converted(e, CH_PQ_MAP);
    CH_TRY(group(w, w->options->legacy ? "map" : "key_value", CH_PQ_REPEATED, 2, &e));
    if (w->options->legacy)
        converted(e, CH_PQ_MAP_KEY_VALUE);
    CH_TRY(value(w, "key", type->field[0].type, CH_PQ_REQUIRED, NULL));
    return value(w, "value", type->field[1].type,
                 type->field[1].nullable ? CH_PQ_OPTIONAL : CH_PQ_REQUIRED, NULL);
}

static ch_status row(writer *w, const ch_type *type)
{
    for (int32_t i = 0; i < type->n_fields; i++) {
        const ch_field *f = &type->field[i];
        CH_TRY(
            value(w, f->name, f->type, f->nullable ? CH_PQ_OPTIONAL : CH_PQ_REQUIRED, f->metadata));
    }
    return CH_OK;
}

/* {"parquet.field.id": 7} */
static void field_id(writer *w, ch_pq_element *e, const char *metadata)
{
    const char *at =
        metadata && w->options->field_ids ? strstr(metadata, "\"" CH_PQ_FIELD_ID_KEY "\"") : NULL;
    if (!at)
        return;
    at += sizeof CH_PQ_FIELD_ID_KEY + 1;
    at += strspn(at, " \t\n\r:");
    if (*at != '-' && (*at < '0' || *at > '9'))
        return;
    e->field_id = (int32_t)strtol(at, NULL, 10);
    ch_thrift_set(e, CH_PQ_ELEMENT_FIELD_ID);
}

static ch_status leaf(writer *w, const ch_type *type, ch_pq_element *e)
{
    ch_pq_timestamps timestamps = w->options->timestamps;
    switch (type->id) {
    case CH_BOOLEAN:
        physical(e, CH_PQ_BOOLEAN);
        return CH_OK;
    case CH_BYTE:
        physical(e, CH_PQ_INT32);
        return integer(w, e, 8, CH_PQ_INT_8);
    case CH_SHORT:
        physical(e, CH_PQ_INT32);
        return integer(w, e, 16, CH_PQ_INT_16);
    case CH_INT:
    case CH_YEAR_MONTH_INTERVAL:
        physical(e, CH_PQ_INT32);
        return CH_OK;
    case CH_LONG:
    case CH_DAY_TIME_INTERVAL:
        physical(e, CH_PQ_INT64);
        return CH_OK;
    case CH_FLOAT:
        physical(e, CH_PQ_FLOAT);
        return CH_OK;
    case CH_DOUBLE:
        physical(e, CH_PQ_DOUBLE);
        return CH_OK;
    case CH_DECIMAL:
        return decimal(w, e, type);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        physical(e, CH_PQ_BYTE_ARRAY);
        converted(e, CH_PQ_UTF8);
        return logical(w, e, CH_PQ_L_STRING);
    case CH_BINARY:
        physical(e, CH_PQ_BYTE_ARRAY);
        return CH_OK;
    case CH_DATE:
        physical(e, CH_PQ_INT32);
        converted(e, CH_PQ_DATE);
        return logical(w, e, CH_PQ_L_DATE);
    case CH_TIME:
        return time_of(w, e, false, false, CH_PQ_UNIT_MICROS);
    case CH_TIMESTAMP:
        if (timestamps == CH_PQ_TIMESTAMPS_INT96) {
            physical(e, CH_PQ_INT96);
            return CH_OK;
        }
        return time_of(w, e, true, true,
                       timestamps == CH_PQ_TIMESTAMPS_MILLIS ? CH_PQ_UNIT_MILLIS
                                                             : CH_PQ_UNIT_MICROS);
    case CH_TIMESTAMP_NTZ:
        return time_of(w, e, true, false, CH_PQ_UNIT_MICROS);
    default:
        return refuse(w, type);
    }
}

static ch_status value(writer *w, const char *name, const ch_type *type, ch_pq_repetition r,
                       const char *metadata)
{
    ch_pq_element *e;
    int32_t at = w->n;
    switch (type->id) {
    case CH_ARRAY:
        CH_TRY(list(w, name, type, r));
        break;
    case CH_MAP:
        CH_TRY(map(w, name, type, r));
        break;
    case CH_STRUCT:
        if (type->n_fields == 0)
            return refuse(w, type);
        CH_TRY(group(w, name, r, type->n_fields, &e));
        CH_TRY(row(w, type));
        break;
    case CH_VARIANT:
        CH_TRY(group(w, name, r, 2, &e));
        CH_TRY(value(w, "value", ch_type_of(CH_BINARY), CH_PQ_REQUIRED, NULL));
        CH_TRY(value(w, "metadata", ch_type_of(CH_BINARY), CH_PQ_REQUIRED, NULL));
        break;
    default:
        CH_TRY(add(w, name, r, &e));
        CH_TRY(leaf(w, type, e));
        break;
    }
    field_id(w, &w->element[at], metadata);
    return CH_OK;
}

ch_status ch_pq_schema_elements(const ch_type *type, const ch_pq_write_options *options,
                                ch_arena *arena, ch_thrift_list *out, ch_error *err)
{
    writer w = {.options = options, .arena = arena, .err = err};
    ch_pq_element *e;
    *out = (ch_thrift_list){0};
    CH_TRY(group(&w, "spark_schema", CH_PQ_REQUIRED, type->n_fields, &e));
    e->has &= ~(UINT32_C(1) << CH_PQ_ELEMENT_REPETITION);
    for (int32_t i = 0; i < type->n_fields; i++) {
        const ch_field *f = &type->field[i];
        w.column = f->name;
        CH_TRY(value(&w, f->name, f->type, f->nullable ? CH_PQ_OPTIONAL : CH_PQ_REQUIRED,
                     f->metadata));
    }
    *out = (ch_thrift_list){w.element, w.n};
    return CH_OK;
}
