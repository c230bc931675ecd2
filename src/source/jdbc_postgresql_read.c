/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_postgresql_read.c - rows of PostgreSQL: COPY (SELECT ...) TO STDOUT (FORMAT binary), which streams at the pace
 * of whoever reads.
 *
 *   stream   "PGCOPY\n\377\r\n\0"  int32 flags  int32 n, n bytes   then rows, then int16 -1
 *   row      int16 number of values, each: int32 bytes (-1: NULL), bytes; numbers in network order
 *
 * Values whose binary form is known come as such; the others, and those that the program wants as another type, are cast to
 * text by the server.
 */
#include "source/jdbc_postgresql.h"

#include <stdlib.h>

#include "type/datetime.h"
#include "type/decimal.h"

enum { PG_EPOCH_DAYS = 10957 };
#define PG_EPOCH_US (PG_EPOCH_DAYS * CH_US_PER_DAY)

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint64_t get64(const uint8_t *p)
{
    return (uint64_t)get32(p) << 32 | get32(p + 4);
}

/* ---- opening -------------------------------------------------------------------------------------------- */

/* Is the binary form of oid read as the type? */
static bool is_native(Oid oid, const ch_type *type)
{
    switch ((pg_oid)oid) {
    case PG_BOOL:
        return type->id == CH_BOOLEAN;
    case PG_INT2:
    case PG_INT4:
    case PG_INT8:
        return type->id == CH_LONG || (type->id == CH_INT && oid != PG_INT8) ||
               (type->id == CH_SHORT && oid == PG_INT2);
    case PG_OID:
        return type->id == CH_LONG;
    case PG_FLOAT4:
        return type->id == CH_FLOAT || type->id == CH_DOUBLE;
    case PG_FLOAT8:
        return type->id == CH_DOUBLE;
    case PG_NUMERIC:
        return type->id == CH_DECIMAL;
    case PG_TEXT:
    case PG_VARCHAR:
    case PG_BPCHAR:
    case PG_NAME:
    case PG_JSON:
    case PG_XML:
        return ch_type_is_string(type);
    case PG_BYTEA:
        return type->id == CH_BINARY;
    case PG_DATE:
        return type->id == CH_DATE;
    case PG_TIME:
        return type->id == CH_TIMESTAMP || type->id == CH_TIMESTAMP_NTZ || type->id == CH_TIME;
    case PG_TIMESTAMP:
        return type->id == CH_TIMESTAMP || type->id == CH_TIMESTAMP_NTZ;
    case PG_TIMESTAMPTZ:
        return type->id == CH_TIMESTAMP;
    default:
        return false;
    }
}

static ch_status copy_statement(pg_conn *c, const char *sql, const pg_type *type,
                                const ch_type *const *wanted, int32_t n, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "COPY (SELECT ", err));
    for (int32_t i = 0; i < n; i++) {
        const char *cast = "";
        c->kind[i] = type[i].element ? type[i].element : type[i].oid;
        bool array = type[i].element && wanted[i]->id == CH_ARRAY;
        const ch_type *as = array ? wanted[i]->field[0].type : wanted[i];
        if (type[i].element && !array)
            c->kind[i] = 0;
        else if (!is_native(c->kind[i], as))
            c->kind[i] = array ? PG_TEXT : 0;
        if (array && c->kind[i] == PG_TEXT && type[i].element != PG_TEXT)
            cast = "::text[]";
        else if (!c->kind[i])
            cast = "::text";
        CH_TRY(ch_buf_printf(out, err, "%sc%d%s", i ? "," : "", i, cast));
    }
    CH_TRY(ch_buf_printf(out, err, " FROM (%s) AS chert_rows(", sql));
    for (int32_t i = 0; i < n; i++)
        CH_TRY(ch_buf_printf(out, err, "%sc%d", i ? "," : "", i));
    return ch_buf_adds(out, ")) TO STDOUT (FORMAT binary)", err);
}

ch_status ch_pg_open(ch_jdbc_conn *conn, const char *sql, const ch_type *const *wanted, int32_t n,
                     ch_error *err)
{
    pg_conn *c = (pg_conn *)conn;
    ch_arena arena;
    ch_buf copy;
    pg_type *type;
    const char **name;
    int32_t n_there;
    ch_arena_init(&arena, conn->source->mem);
    ch_buf_init(&copy, conn->source->mem);
    ch_status status = ch_pg_columns(c, sql, &arena, &type, &name, &n_there, err);
    if (status == CH_OK && n_there != n)
        status = ch_jdbc_failed(conn->source, "Read rows", "the table has other columns now", err);
    if (status == CH_OK) {
        c->kind = ch_mem_alloc(conn->source->mem, sizeof *c->kind * (size_t)(n + 1), err);
        status = c->kind ? CH_OK : CH_E_MEMORY;
        c->n_kinds = n;
    }
    if (status == CH_OK)
        status = copy_statement(c, sql, type, wanted, n, &copy, err);
    if (status == CH_OK)
        status = ch_pg_run(c, copy.data, "Read rows", NULL, err);
    c->copies_out = status == CH_OK;
    c->header_seen = false;
    ch_buf_release(&copy);
    ch_arena_release(&arena);
    return status;
}

void ch_pg_finish(ch_jdbc_conn *conn)
{
    pg_conn *c = (pg_conn *)conn;
    if (c->copies_out)
        conn->lost = true; /* the rest would have to be read */
    c->copies_out = false;
    if (c->kind)
        ch_mem_free(conn->source->mem, c->kind, sizeof *c->kind * (size_t)(c->n_kinds + 1));
    c->kind = NULL;
}

/* ---- values --------------------------------------------------------------------------------------------- */

/*
 * NUMERIC: int16 n, weight, sign, scale shown, then n digits of base 10000; the first counts 10000^weight.
 * False: NaN, infinite, or does not fit.
 */
static bool numeric(const uint8_t *p, int32_t len, int precision, int scale, ch_i128 *out)
{
    if (len < 8)
        return false;
    int n = get16(p), weight = (int16_t)get16(p + 2), sign = get16(p + 4);
    if ((sign != 0 && sign != 0x4000) || len != 8 + 2 * n)
        return false;
    ch_i128 value = 0;
    int exponent = (weight + 1) * 4; /* of ten: what the digits so far are counted in */
    for (int i = 0; i < n && exponent >= -scale; i++) {
        int digits = get16(p + 8 + 2 * i), kept = exponent + scale < 4 ? exponent + scale : 4;
        int unit = (int)ch_pow10_64[4 - kept];
        if (value >= (ch_i128)ch_pow10_128[CH_DECIMAL_MAX - kept])
            return false;
        value = value * ch_pow10_64[kept] + digits / unit;
        exponent -= kept;
        if (kept < 4) { /* HALF_UP; the digits behind do not count */
            value += digits % unit * 2 >= unit;
            break;
        }
    }
    if (value && exponent > -scale) {
        if (ch_dec_digits(value) + exponent + scale > CH_DECIMAL_MAX)
            return false;
        value *= (ch_i128)ch_pow10_128[exponent + scale];
    }
    *out = sign ? -value : value;
    return ch_dec_fits(value, precision);
}

/* infinity as PostgresDialect has it; the first day is that of Java's calendar before Gregory. */
static int64_t wall_micros(int64_t us)
{
    static const ch_civil LAST = {9999, 12, 31, 23, 59, 59, 999999}, FIRST = {1, 1, 3, 0, 0, 0, 0};
    return us == INT64_MAX   ? ch_micros_from_civil(&LAST)
           : us == INT64_MIN ? ch_micros_from_civil(&FIRST)
                             : us + PG_EPOCH_US;
}

static int64_t moment(const ch_jdbc_rows *rows, Oid kind, const ch_type *type, int64_t us)
{
    int64_t wall = kind == PG_TIME ? us : wall_micros(us);
    if (type->id == CH_TIME)
        return us * 1000;
    return kind != PG_TIMESTAMPTZ && type->id == CH_TIMESTAMP ? ch_zone_to_utc(rows->zone, wall)
                                                              : wall;
}

static int64_t day(int32_t days)
{
    return days == INT32_MAX   ? ch_days_from_civil(9999, 12, 31)
           : days == INT32_MIN ? ch_days_from_civil(1, 1, 3)
                               : (int64_t)days + PG_EPOCH_DAYS;
}

/* The length that a kind always has, 0: any. */
static int32_t length_of(Oid kind)
{
    switch ((pg_oid)kind) {
    case PG_BOOL:
        return 1;
    case PG_INT2:
        return 2;
    case PG_INT4:
    case PG_OID:
    case PG_FLOAT4:
    case PG_DATE:
        return 4;
    case PG_INT8:
    case PG_FLOAT8:
    case PG_TIME:
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ:
        return 8;
    default:
        return 0;
    }
}

/* Everything but text, as a scalar. False: it does not fit the type. */
static bool scalar_of(const ch_jdbc_rows *rows, Oid kind, const ch_type *type, const uint8_t *p,
                      int32_t len, ch_scalar *out)
{
    uint32_t bits32;
    uint64_t bits64;
    int64_t us;
    float f32;
    *out = (ch_scalar){.type = type};
    if (length_of(kind) && len != length_of(kind))
        return false;
    switch ((pg_oid)kind) {
    case PG_BOOL:
        out->v.boolean = *p != 0;
        return true;
    case PG_INT2:
        out->v.i64 = (int16_t)get16(p);
        return true;
    case PG_INT4:
        out->v.i64 = (int32_t)get32(p);
        return true;
    case PG_OID:
        out->v.i64 = get32(p);
        return true;
    case PG_INT8:
        out->v.i64 = (int64_t)get64(p);
        return true;
    case PG_FLOAT4:
        bits32 = get32(p);
        memcpy(&f32, &bits32, sizeof f32);
        out->v.f64 = (double)f32;
        return true;
    case PG_FLOAT8:
        bits64 = get64(p);
        memcpy(&out->v.f64, &bits64, sizeof bits64);
        return true;
    case PG_DATE:
        out->v.i64 = day((int32_t)get32(p));
        return true;
    case PG_TIME:
    case PG_TIMESTAMP:
    case PG_TIMESTAMPTZ:
        us = (int64_t)get64(p);
        if (us != INT64_MAX && us > INT64_MAX - PG_EPOCH_US) /* after 294247-01-10 */
            return false;
        out->v.i64 = moment(rows, kind, type, us);
        return true;
    case PG_NUMERIC: {
        ch_i128 value;
        if (!numeric(p, len, type->precision, type->scale, &value))
            return false;
        if (ch_type_is_wide_decimal(type))
            out->v.i128 = value;
        else
            out->v.i64 = (int64_t)value;
        return true;
    }
    default:
        out->v.str.text = (const char *)p;
        out->v.str.len = len;
        return true;
    }
}

/*
 * int32 dimensions, flags, element type; per dimension int32 size, lower bound; the elements as values of a row.
 * Of more dimensions than the type has levels, the inner ones follow one another.
 */
typedef struct array_reader {
    ch_jdbc_rows *rows;
    Oid kind;
    const uint8_t *at, *end;
    int32_t size[8];
    int32_t n_dims;
} array_reader;

static ch_status damaged(const ch_jdbc_rows *rows, int32_t c, ch_error *err)
{
    return ch_jdbc_bad_value(rows, c, "an array", 8, err);
}

static ch_status read_level(array_reader *a, int32_t c, const ch_type *type, int32_t level,
                            ch_scalar *out, ch_error *err)
{
    ch_arena *arena = &a->rows->arena;
    const ch_type *element = type->field[0].type;
    int32_t n = a->n_dims ? a->size[level] : 0;
    ch_scalar *item;
    if (n < 0 || (int64_t)n * 4 > a->end - a->at)
        return damaged(a->rows, c, err);
    CH_ARENA_ARRAY(item, arena, n + 1, err);
    *out = (ch_scalar){.type = type, .v.list = {item, n}};
    for (int32_t i = 0; i < n; i++) {
        if (level + 1 < a->n_dims && element->id == CH_ARRAY) {
            CH_TRY(read_level(a, c, element, level + 1, &item[i], err));
            continue;
        }
        if (a->end - a->at < 4)
            return damaged(a->rows, c, err);
        int32_t len = (int32_t)get32(a->at);
        a->at += 4;
        if (len < 0) {
            item[i] = (ch_scalar){.type = element, .is_null = true};
            continue;
        }
        if (len > a->end - a->at || !scalar_of(a->rows, a->kind, element, a->at, len, &item[i]))
            return damaged(a->rows, c, err);
        if (ch_type_is_view(element)) {
            item[i].v.str.text = ch_arena_strn(arena, (const char *)a->at, (size_t)len, err);
            if (!item[i].v.str.text)
                return CH_E_MEMORY;
        }
        a->at += len;
    }
    return CH_OK;
}

static ch_status put_array(ch_jdbc_rows *rows, int32_t c, Oid kind, const uint8_t *p, int32_t len,
                           ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    array_reader a = {.rows = rows, .kind = kind, .at = p + 12, .end = p + len};
    ch_scalar value;
    int levels = 1;
    if (len < 12)
        return damaged(rows, c, err);
    a.n_dims = (int32_t)get32(p);
    if (a.n_dims < 0 || a.n_dims > 6 || len < 12 + 8 * a.n_dims)
        return damaged(rows, c, err);
    for (int32_t i = 0; i < a.n_dims; i++, a.at += 8)
        a.size[i] = (int32_t)get32(a.at);
    for (const ch_type *t = type->field[0].type; t->id == CH_ARRAY; t = t->field[0].type)
        levels++;
    if (a.n_dims && a.n_dims != levels)
        return ch_jdbc_bad_value(rows, c, "an array of other dimensions", 28, err);
    CH_TRY(read_level(&a, c, type, 0, &value, err));
    ch_jdbc_put_scalar(rows, c, &value);
    return CH_OK;
}

static ch_status put(ch_jdbc_rows *rows, int32_t c, Oid kind, const uint8_t *p, int32_t len,
                     ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    ch_scalar value;
    if (!kind)
        return ch_jdbc_put_text(rows, c, (const char *)p, len, err);
    if (type->id == CH_ARRAY)
        return put_array(rows, c, kind, p, len, err);
    if (ch_type_is_view(type))
        return ch_jdbc_put_bytes(rows, c, (const char *)p, len, err);
    if (!scalar_of(rows, kind, type, p, len, &value))
        return ch_jdbc_bad_value(rows, c, kind == PG_NUMERIC ? "a number" : "a value",
                                 kind == PG_NUMERIC ? 8 : 7, err);
    switch (type->id) {
    case CH_BOOLEAN:
        ch_jdbc_put_bool(rows, c, value.v.boolean);
        break;
    case CH_FLOAT:
    case CH_DOUBLE:
        ch_jdbc_put_f64(rows, c, value.v.f64);
        break;
    case CH_DECIMAL:
        ch_jdbc_put_decimal(rows, c, ch_type_is_wide_decimal(type) ? value.v.i128 : value.v.i64);
        break;
    default:
        ch_jdbc_put_i64(rows, c, value.v.i64);
    }
    return CH_OK;
}

/* ---- rows ----------------------------------------------------------------------------------------------- */

static ch_status put_row(pg_conn *c, ch_jdbc_rows *rows, const uint8_t *p, const uint8_t *end,
                         ch_error *err)
{
    static const char BROKEN[] = "the stream of rows is broken";
    if (!c->header_seen) {
        if (end - p < 19 || memcmp(p, "PGCOPY\n\377\r\n\0", 11) != 0 ||
            get32(p + 15) > (uint32_t)(end - p - 19))
            return ch_jdbc_failed(c->head.source, "Read rows", BROKEN, err);
        p += 19 + get32(p + 15);
        c->header_seen = true;
    }
    if (end - p < 2 || get16(p) == 0xFFFF) /* nothing, or the end */
        return CH_OK;
    if (get16(p) != rows->n_columns)
        return ch_jdbc_failed(c->head.source, "Read rows", BROKEN, err);
    p += 2;
    for (int32_t i = 0; i < rows->n_columns; i++) {
        int32_t len = end - p < 4 ? INT32_MAX : (int32_t)get32(p);
        p += 4;
        if (len < 0) {
            CH_TRY(ch_jdbc_put_null(rows, i, err));
            continue;
        }
        if (len > end - p)
            return ch_jdbc_failed(c->head.source, "Read rows", BROKEN, err);
        CH_TRY(put(rows, i, c->kind[i], p, len, err));
        p += len;
    }
    rows->n++;
    return CH_OK;
}

static ch_status copy_ended(pg_conn *c, ch_error *err)
{
    PGresult *result;
    ch_status status = CH_OK;
    c->copies_out = false;
    while (status == CH_OK) {
        status = ch_pg_result(c, &result, err);
        if (status != CH_OK || !result)
            break;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            status = ch_pg_failed(c, "Read rows", result, err);
        PQclear(result);
    }
    if (status != CH_OK)
        c->head.lost = true;
    return status;
}

ch_status ch_pg_fetch(ch_jdbc_conn *conn, ch_jdbc_rows *rows, bool *more, ch_error *err)
{
    pg_conn *c = (pg_conn *)conn;
    while (rows->n < rows->cap) {
        char *row;
        int len = PQgetCopyData(c->db, &row, 1);
        if (len > 0) {
            ch_status status =
                put_row(c, rows, (const uint8_t *)row, (const uint8_t *)row + len, err);
            PQfreemem(row);
            CH_TRY(status);
        } else if (len == 0) {
            CH_TRY(ch_jdbc_wait(conn, PQsocket(c->db), true, false, err));
            if (!PQconsumeInput(c->db))
                return ch_pg_failed(c, "Read rows", NULL, err);
        } else {
            *more = false;
            return len == -1 ? copy_ended(c, err) : ch_pg_failed(c, "Read rows", NULL, err);
        }
    }
    return CH_OK;
}
