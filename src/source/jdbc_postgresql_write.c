/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_postgresql_write.c - rows into PostgreSQL: COPY t FROM STDIN in its text form, which the server casts to the types
 * that the columns have. Tables are made and dropped in the same transaction.
 *
 *   row   values between tabs, ended by LF; \N is NULL; \ before \ tab LF CR
 *
 * A COPY tells what is wrong with a row only when it ends, though the server has said so long before. So it ends when anything
 * was heard from the server, and after COPY_BYTES in any case; unless it failed, the next one goes on.
 */
#include <stdlib.h>

#include "source/jdbc_postgresql.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

enum {
    SEND_BYTES = 1 << 18,
    COPY_BYTES = 1 << 24,
    MOST_BYTES = 1 << 30 /* at once; a row may have more */
};

static const char *flat_name(const ch_type *type)
{
    switch (type->id) {
    case CH_BYTE:
    case CH_SHORT:
        return "SMALLINT";
    case CH_FLOAT:
        return "FLOAT4";
    case CH_DOUBLE:
        return "FLOAT8";
    case CH_BOOLEAN:
        return "BOOLEAN";
    case CH_BINARY:
        return "BYTEA";
    case CH_TIMESTAMP:
        return "TIMESTAMP WITH TIME ZONE";
    default:
        return ch_jdbc_common_type(type);
    }
}

ch_status ch_pg_column_type(const ch_type *type, ch_arena *arena, const char **out, ch_error *err)
{
    const ch_type *element = type;
    int depth = 0;
    for (; element->id == CH_ARRAY; depth++)
        element = element->field[0].type;
    *out = flat_name(element);
    if (element->id == CH_DECIMAL)
        *out = ch_arena_printf(arena, err, "NUMERIC(%d,%d)", element->precision, element->scale);
    if (element->id == CH_DECIMAL && !*out)
        return CH_E_MEMORY;
    for (; depth > 0 && *out; depth--) {
        *out = ch_arena_printf(arena, err, "%s[]", *out);
        if (!*out)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

static ch_status begin_copy(pg_conn *c, ch_error *err)
{
    c->rows_before += c->copy_rows;
    c->copy_bytes = c->copy_rows = 0;
    c->heard = false;
    CH_TRY(ch_pg_run(c, c->copy.data, "Write rows", NULL, err));
    c->copies_in = true;
    return CH_OK;
}

static ch_status put_open(ch_jdbc_conn *conn, const char *table, const char *const *column,
                          const ch_type *schema, ch_error *err)
{
    pg_conn *c = (pg_conn *)conn;
    ch_buf *sql = &c->copy;
    ch_buf_reset(sql);
    ch_buf_reset(&c->out);
    c->n_out = c->copy_rows = c->rows_before = 0;
    CH_TRY(ch_buf_printf(sql, err, "COPY %s (", table));
    for (int32_t i = 0; i < schema->n_fields; i++) {
        if (i)
            CH_TRY(ch_buf_addc(sql, ',', err));
        CH_TRY(ch_jdbc_add_name(conn->source->driver, column[i], sql, err));
    }
    CH_TRY(ch_buf_adds(sql, ") FROM STDIN", err));
    return begin_copy(c, err);
}

/* The server counts lines of its COPY: "COPY t, line 3, column a". Rows before it are counted here. */
static ch_status row_failed(pg_conn *c, const PGresult *result, ch_error *err)
{
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    const char *line = context ? strstr(context, ", line ") : NULL;
    int64_t row = line ? strtoll(line + 7, NULL, 10) : 0;
    char text[2048];
    if (row < 1 || c->rows_before == 0)
        return ch_pg_failed(c, "Write rows", result, err);
    int n = snprintf(text, sizeof text - 80, "%s", PQresultErrorMessage(result));
    size_t len = n < (int)sizeof text - 80 ? (size_t)n : sizeof text - 81;
    while (len > 0 && text[len - 1] == '\n')
        len--;
    snprintf(text + len, sizeof text - len, " (row %lld of the write)",
             (long long)(c->rows_before + row));
    return ch_jdbc_failed(c->head.source, "Write rows", text, err);
}

static ch_status copied_in(pg_conn *c, ch_error *err)
{
    PGresult *result;
    ch_status status = CH_OK;
    c->copies_in = false;
    for (;;) {
        ch_status got = ch_pg_result(c, &result, status == CH_OK ? err : NULL);
        if (got != CH_OK || !result)
            return status == CH_OK ? got : status;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && status == CH_OK)
            status = row_failed(c, result, err);
        PQclear(result);
    }
}

static ch_status end_copy(pg_conn *c, ch_error *err)
{
    int done;
    while ((done = PQputCopyEnd(c->db, NULL)) == 0)
        CH_TRY(ch_pg_flush(c, err));
    if (done < 0)
        return ch_pg_failed(c, "Write rows", NULL, err);
    return copied_in(c, err);
}

static ch_status send_rows(pg_conn *c, ch_error *err)
{
    if (!c->out.len)
        return CH_OK;
    c->copy_rows += c->n_out;
    c->copy_bytes += (int64_t)c->out.len;
    c->n_out = 0;
    for (size_t at = 0, len; at < c->out.len; at += len) {
        int done;
        len = c->out.len - at < MOST_BYTES ? c->out.len - at : MOST_BYTES;
        while ((done = PQputCopyData(c->db, c->out.data + at, (int)len)) == 0)
            CH_TRY(ch_pg_flush(c, err));
        if (done < 0) /* what was wrong comes as the result */
            return ch_pg_failed(c, "Write rows", NULL, err);
    }
    ch_buf_reset(&c->out);
    CH_TRY(ch_pg_flush(c, err));
    if (!c->heard && !ch_pg_hears(c) && c->copy_bytes < COPY_BYTES)
        return CH_OK;
    CH_TRY(end_copy(c, err));
    return begin_copy(c, err);
}

/* In COPY's text; inside of an array in quotes as well. */
static ch_status add_text(ch_buf *out, const char *text, int64_t len, bool in_array, ch_error *err)
{
    CH_TRY(ch_buf_reserve(out, (size_t)len * 4 + 2, err));
    char *to = out->data + out->len;
    if (in_array)
        *to++ = '"';
    for (int64_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_array && (c == '"' || c == '\\')) {
            *to++ = '\\';
            *to++ = '\\';
        }
        if (c == '\\' || c == '\t' || c == '\n' || c == '\r') {
            *to++ = '\\';
            c = c == '\t' ? 't' : c == '\n' ? 'n' : c == '\r' ? 'r' : c;
        }
        *to++ = c;
    }
    if (in_array)
        *to++ = '"';
    out->len = (size_t)(to - out->data);
    return CH_OK;
}

static ch_status add_bytes(ch_buf *out, ch_str s, bool in_array, ch_error *err)
{
    static const char HEX[] = "0123456789abcdef";
    CH_TRY(ch_buf_adds(out, in_array ? "\"\\\\\\\\x" : "\\\\x", err));
    CH_TRY(ch_buf_reserve(out, (size_t)s.len * 2, err));
    for (int64_t i = 0; i < s.len; i++) {
        out->data[out->len++] = HEX[(uint8_t)s.text[i] >> 4];
        out->data[out->len++] = HEX[(uint8_t)s.text[i] & 15];
    }
    return in_array ? ch_buf_addc(out, '"', err) : CH_OK;
}

int ch_pg_print_moment(char *text, int64_t us, const ch_zone *zone)
{
    int64_t seconds = us / CH_US_PER_SECOND - (us % CH_US_PER_SECOND < 0);
    int32_t offset = ch_zone_offset(zone, seconds), away = offset < 0 ? -offset : offset;
    int len = ch_timestamp_print(text, us, zone);
    len += snprintf(text + len, 16, "%c%02d:%02d:%02d", offset < 0 ? '-' : '+', away / 3600,
                    away / 60 % 60, away % 60);
    return len;
}

static ch_status add_moment(pg_conn *c, int64_t us, ch_buf *out, bool quoted, ch_error *err)
{
    char text[CH_PG_MOMENT_TEXT];
    int len = ch_pg_print_moment(text, us, c->head.source->zone);
    return quoted ? add_text(out, text, len, true, err) : ch_buf_add(out, text, (size_t)len, err);
}

static ch_status add_value(pg_conn *c, const ch_scalar *v, bool in_array, ch_error *err)
{
    char text[CH_DECIMAL_TEXT > CH_DATETIME_TEXT ? CH_DECIMAL_TEXT : CH_DATETIME_TEXT];
    const ch_type *type = v->type;
    ch_buf *out = &c->out;
    int len;
    if (v->is_null)
        return ch_buf_adds(out, in_array ? "NULL" : "\\N", err);
    switch (type->id) {
    case CH_BOOLEAN:
        return ch_buf_addc(out, v->v.boolean ? 't' : 'f', err);
    case CH_FLOAT:
        len = ch_print_f32(text, (float)v->v.f64);
        break;
    case CH_DOUBLE:
        len = ch_print_f64(text, v->v.f64);
        break;
    case CH_DECIMAL:
        len = ch_dec_print(text, ch_type_is_wide_decimal(type) ? v->v.i128 : v->v.i64, type->scale);
        break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return add_text(out, v->v.str.text, v->v.str.len, in_array, err);
    case CH_BINARY:
        return add_bytes(out, (ch_str){v->v.str.text, v->v.str.len}, in_array, err);
    case CH_DATE:
        len = ch_date_print(text, v->v.i64);
        break;
    case CH_TIMESTAMP:
        return add_moment(c, v->v.i64, out, in_array, err);
    case CH_TIMESTAMP_NTZ:
        len = ch_timestamp_ntz_print(text, v->v.i64);
        return in_array ? add_text(out, text, len, true, err)
                        : ch_buf_add(out, text, (size_t)len, err);
    case CH_ARRAY:
        CH_TRY(ch_buf_addc(out, '{', err));
        for (int64_t i = 0; i < v->v.list.n; i++) {
            if (i)
                CH_TRY(ch_buf_addc(out, ',', err));
            CH_TRY(add_value(c, &v->v.list.item[i], true, err));
        }
        return ch_buf_addc(out, '}', err);
    default:
        len = ch_print_i64(text, v->v.i64);
        break;
    }
    return ch_buf_add(out, text, (size_t)len, err);
}

static ch_status put_rows(ch_jdbc_conn *conn, ch_batch *batch, ch_error *err)
{
    pg_conn *c = (pg_conn *)conn;
    ch_arena arena;
    ch_status status = CH_OK;
    ch_arena_init(&arena, conn->source->mem);
    for (int64_t i = 0; i < batch->n && status == CH_OK; i++) {
        for (int32_t k = 0; k < batch->n_cols && status == CH_OK; k++) {
            ch_scalar value;
            status = k ? ch_buf_addc(&c->out, '\t', err) : CH_OK;
            if (status == CH_OK)
                status = ch_column_scalar(batch->col[k], i, &arena, &value, err);
            if (status == CH_OK)
                status = add_value(c, &value, false, err);
        }
        if (status == CH_OK)
            status = ch_buf_addc(&c->out, '\n', err);
        c->n_out++;
        if (status == CH_OK && (c->out.len > SEND_BYTES || c->n_out == conn->source->batch_rows))
            status = send_rows(c, err);
    }
    ch_arena_release(&arena);
    return status;
}

static ch_status put_finish(ch_jdbc_conn *conn, ch_error *err)
{
    pg_conn *c = (pg_conn *)conn;
    CH_TRY(send_rows(c, err));
    return end_copy(c, err);
}

const ch_jdbc_write_class ch_pg_write = {
    .begin = "BEGIN",
    .truncate = "TRUNCATE TABLE ONLY ",
    .comment_on = "COMMENT ON TABLE ",
    .comment_is = " IS ",
    .set_isolation = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL ",
    .open = put_open,
    .put = put_rows,
    .finish = put_finish,
};
