/* SPDX-License-Identifier: Apache-2.0 */
/* decode_type.c - types of the protocol, both ways. */
#include <stdlib.h>
#include <string.h>

#include "connect/decode.h"
#include "type/type_json.h"

/* Message field and type id of types without parameters. */
static const struct {
    PB(DataType__KindCase) kind;
    ch_type_id id;
} PLAIN[] = {
    {SPARK__CONNECT__DATA_TYPE__KIND_NULL, CH_NULL},
    {SPARK__CONNECT__DATA_TYPE__KIND_BINARY, CH_BINARY},
    {SPARK__CONNECT__DATA_TYPE__KIND_BOOLEAN, CH_BOOLEAN},
    {SPARK__CONNECT__DATA_TYPE__KIND_BYTE, CH_BYTE},
    {SPARK__CONNECT__DATA_TYPE__KIND_SHORT, CH_SHORT},
    {SPARK__CONNECT__DATA_TYPE__KIND_INTEGER, CH_INT},
    {SPARK__CONNECT__DATA_TYPE__KIND_LONG, CH_LONG},
    {SPARK__CONNECT__DATA_TYPE__KIND_FLOAT, CH_FLOAT},
    {SPARK__CONNECT__DATA_TYPE__KIND_DOUBLE, CH_DOUBLE},
    {SPARK__CONNECT__DATA_TYPE__KIND_DATE, CH_DATE},
    {SPARK__CONNECT__DATA_TYPE__KIND_TIMESTAMP, CH_TIMESTAMP},
    {SPARK__CONNECT__DATA_TYPE__KIND_TIMESTAMP_NTZ, CH_TIMESTAMP_NTZ},
    {SPARK__CONNECT__DATA_TYPE__KIND_CALENDAR_INTERVAL, CH_CALENDAR_INTERVAL},
    {SPARK__CONNECT__DATA_TYPE__KIND_VARIANT, CH_VARIANT},
};
#define N_PLAIN (sizeof PLAIN / sizeof *PLAIN)

#define DEFAULT_TIME_PRECISION 6

static ch_status made(const ch_type *type, const ch_type **out, ch_error *err)
{
    *out = type;
    return type ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

static const struct {
    PB(DataType__KindCase) kind;
    const char *what;
} REFUSED[] = {
#define CN_TYPE(CASE)
#define CN_NO_TYPE(CASE, what) {SPARK__CONNECT__DATA_TYPE__KIND_##CASE, what},
#include "builtin/connect_types.def"
#undef CN_TYPE
#undef CN_NO_TYPE
};

static ch_status decode_struct(const PB(DataType__Struct) * m, const ch_type **out, ch_error *err)
{
    ch_arena arena;
    ch_field *field;
    ch_status status = CH_OK;
    ch_mem *mem = ch_mem_new(NULL, "types", 0);
    if (!mem)
        return ch_error_memory(err, "types", 0, 0);
    ch_arena_init(&arena, mem);
    field = ch_arena_alloc(&arena, sizeof *field * (m->n_fields + 1), err);
    if (!field)
        status = CH_E_MEMORY;
    for (size_t i = 0; i < m->n_fields && status == CH_OK; i++) {
        const PB(DataType__StructField) *f = m->fields[i];
        field[i] = (ch_field){
            .name = f->name ? f->name : "",
            .nullable = f->nullable,
            .metadata = f->metadata && strcmp(f->metadata, "{}") != 0 ? f->metadata : NULL};
        status = cn_decode_type(f->data_type, &field[i].type, err);
    }
    if (status == CH_OK)
        status = made(ch_type_struct(field, (int32_t)m->n_fields), out, err);
    ch_arena_release(&arena);
    ch_mem_close(mem);
    return status;
}

ch_status cn_decode_type(const PB(DataType) * m, const ch_type **out, ch_error *err)
{
    const ch_type *a, *b;
    *out = NULL;
    if (!m)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a data type is missing");
    for (size_t i = 0; i < N_PLAIN; i++)
        if (PLAIN[i].kind == m->kind_case)
            return made(ch_type_of(PLAIN[i].id), out, err);
    switch (m->kind_case) {
    case SPARK__CONNECT__DATA_TYPE__KIND_STRING:
        if (m->string->collation && *m->string->collation &&
            strcmp(m->string->collation, "UTF8_BINARY") != 0)
            return made(ch_type_string_collated(m->string->collation), out, err);
        return made(CH_T_STRING, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_DECIMAL:
        return made(ch_type_decimal(m->decimal->has_precision ? m->decimal->precision : 10,
                                    m->decimal->has_scale ? m->decimal->scale : 0),
                    out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_CHAR:
        return made(ch_type_char(m->char_->length), out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_VAR_CHAR:
        return made(ch_type_varchar(m->var_char->length), out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_TIME:
        return made(
            ch_type_time(m->time->has_precision ? m->time->precision : DEFAULT_TIME_PRECISION), out,
            err);
    case SPARK__CONNECT__DATA_TYPE__KIND_DAY_TIME_INTERVAL: {
        const PB(DataType__DayTimeInterval) *t = m->day_time_interval;
        return made(ch_type_day_time(t->has_start_field ? t->start_field : CH_DAY,
                                     t->has_end_field ? t->end_field : CH_SECOND),
                    out, err);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_YEAR_MONTH_INTERVAL: {
        const PB(DataType__YearMonthInterval) *t = m->year_month_interval;
        return made(ch_type_year_month(t->has_start_field ? t->start_field : CH_YEAR,
                                       t->has_end_field ? t->end_field : CH_MONTH),
                    out, err);
    }
    case SPARK__CONNECT__DATA_TYPE__KIND_ARRAY:
        CH_TRY(cn_decode_type(m->array->element_type, &a, err));
        return made(ch_type_array(a, m->array->contains_null), out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_MAP:
        CH_TRY(cn_decode_type(m->map->key_type, &a, err));
        CH_TRY(cn_decode_type(m->map->value_type, &b, err));
        return made(ch_type_map(a, b, m->map->value_contains_null), out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_STRUCT:
        return decode_struct(m->struct_, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_UDT:
        return cn_decode_type(m->udt->sql_type, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND_UNPARSED:
        return cn_decode_schema(m->unparsed->data_type_string, out, err);
    case SPARK__CONNECT__DATA_TYPE__KIND__NOT_SET:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a data type has no kind");
    default:
        break;
    }
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (REFUSED[i].kind == m->kind_case)
            CN_UNSUPPORTED(err, REFUSED[i].what);
    CN_UNSUPPORTED(err, "A data type that this version does not know");
}

ch_status cn_decode_schema(const char *text, const ch_type **out, ch_error *err)
{
    *out = NULL;
    if (!text)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a schema is missing");
    const char *p = text + strspn(text, " \t\r\n");
    if (*p == '{' || *p == '"')
        return ch_type_parse_json(text, strlen(text), out, err);
    /* As Spark: columns first, then a type by itself. */
    ch_error first = {0};
    if (ch_type_parse_ddl(text, out, &first) == CH_OK)
        return CH_OK;
    ch_status status = ch_type_parse(text, out, NULL);
    if (status != CH_OK && strchr(text, ':')) { /* "a: int, b: string": what stands in struct<> */
        size_t len = strlen(text);
        char *whole = malloc(len + sizeof "struct<>");
        if (whole) {
            memcpy(whole, "struct<", 7);
            memcpy(whole + 7, text, len);
            memcpy(whole + 7 + len, ">", 2);
            status = ch_type_parse(whole, out, NULL);
        }
        free(whole);
    }
    ch_error_release(&first);
    return status == CH_OK ? CH_OK : ch_type_parse_ddl(text, out, err);
}

/* ---- back -------------------------------------------------------------------------------- */

static ch_status encode_struct(ch_arena *arena, const ch_type *type, PB(DataType) * m,
                               ch_error *err)
{
    PB(DataType__StructField) * f;
    PB_NEW(m->struct_, arena, spark__connect__data_type__struct__init, err);
    CH_ARENA_ARRAY(m->struct_->fields, arena, type->n_fields + 1, err);
    for (int32_t i = 0; i < type->n_fields; i++) {
        const ch_field *from = &type->field[i];
        PB_NEW(f, arena, spark__connect__data_type__struct_field__init, err);
        f->name = (char *)(uintptr_t)from->name;
        f->has_nullable = 1;
        f->nullable = from->nullable;
        f->metadata = (char *)(uintptr_t)from->metadata;
        CH_TRY(cn_encode_type(arena, from->type, &f->data_type, err));
        m->struct_->fields[m->struct_->n_fields++] = f;
    }
    return CH_OK;
}

/* The empty message of a plain type: all of them have the same shape. */
static ch_status encode_plain(ch_arena *arena, PB(DataType) * m, ch_error *err)
{
    switch (m->kind_case) {
#define ONE(CASE, field, init)                                                   \
    case SPARK__CONNECT__DATA_TYPE__KIND_##CASE:                                 \
        PB_NEW(m->field, arena, spark__connect__data_type__##init##__init, err); \
        break
        ONE(NULL, null, null);
        ONE(BINARY, binary, binary);
        ONE(BOOLEAN, boolean, boolean);
        ONE(BYTE, byte, byte);
        ONE(SHORT, short_, short);
        ONE(INTEGER, integer, integer);
        ONE(LONG, long_, long);
        ONE(FLOAT, float_, float);
        ONE(DOUBLE, double_, double);
        ONE(DATE, date, date);
        ONE(TIMESTAMP, timestamp, timestamp);
        ONE(TIMESTAMP_NTZ, timestamp_ntz, timestamp_ntz);
        ONE(CALENDAR_INTERVAL, calendar_interval, calendar_interval);
        ONE(VARIANT, variant, variant);
#undef ONE
    default:
        break;
    }
    return CH_OK;
}

ch_status cn_encode_type(ch_arena *arena, const ch_type *type, PB(DataType) * *out, ch_error *err)
{
    PB(DataType) * m;
    PB_NEW(m, arena, spark__connect__data_type__init, err);
    *out = m;
    for (size_t i = 0; i < N_PLAIN; i++)
        if (PLAIN[i].id == type->id) {
            m->kind_case = PLAIN[i].kind;
            return encode_plain(arena, m, err);
        }
    switch (type->id) {
    case CH_DECIMAL:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_DECIMAL;
        PB_NEW(m->decimal, arena, spark__connect__data_type__decimal__init, err);
        m->decimal->has_precision = m->decimal->has_scale = 1;
        m->decimal->precision = type->precision;
        m->decimal->scale = type->scale;
        return CH_OK;
    case CH_CHAR:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_CHAR;
        PB_NEW(m->char_, arena, spark__connect__data_type__char__init, err);
        m->char_->has_length = 1;
        m->char_->length = type->length;
        return CH_OK;
    case CH_VARCHAR:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_VAR_CHAR;
        PB_NEW(m->var_char, arena, spark__connect__data_type__var_char__init, err);
        m->var_char->has_length = 1;
        m->var_char->length = type->length;
        return CH_OK;
    case CH_TIME:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_TIME;
        PB_NEW(m->time, arena, spark__connect__data_type__time__init, err);
        m->time->has_precision = 1;
        m->time->precision = type->precision;
        return CH_OK;
    case CH_DAY_TIME_INTERVAL:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_DAY_TIME_INTERVAL;
        PB_NEW(m->day_time_interval, arena, spark__connect__data_type__day_time_interval__init,
               err);
        m->day_time_interval->has_start_field = m->day_time_interval->has_end_field = 1;
        m->day_time_interval->start_field = type->start;
        m->day_time_interval->end_field = type->stop;
        return CH_OK;
    case CH_YEAR_MONTH_INTERVAL:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_YEAR_MONTH_INTERVAL;
        PB_NEW(m->year_month_interval, arena, spark__connect__data_type__year_month_interval__init,
               err);
        m->year_month_interval->has_start_field = m->year_month_interval->has_end_field = 1;
        m->year_month_interval->start_field = type->start;
        m->year_month_interval->end_field = type->stop;
        return CH_OK;
    case CH_ARRAY:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_ARRAY;
        PB_NEW(m->array, arena, spark__connect__data_type__array__init, err);
        m->array->has_contains_null = 1;
        m->array->contains_null = type->field[0].nullable;
        return cn_encode_type(arena, type->field[0].type, &m->array->element_type, err);
    case CH_MAP:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_MAP;
        PB_NEW(m->map, arena, spark__connect__data_type__map__init, err);
        m->map->has_value_contains_null = 1;
        m->map->value_contains_null = type->field[1].nullable;
        CH_TRY(cn_encode_type(arena, type->field[0].type, &m->map->key_type, err));
        return cn_encode_type(arena, type->field[1].type, &m->map->value_type, err);
    case CH_STRUCT:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_STRUCT;
        return encode_struct(arena, type, m, err);
    default:
        m->kind_case = SPARK__CONNECT__DATA_TYPE__KIND_STRING;
        PB_NEW(m->string, arena, spark__connect__data_type__string__init, err);
        m->string->collation =
            (char *)(uintptr_t)(type->collation ? type->collation : "UTF8_BINARY");
        return CH_OK;
    }
}
