/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_mysql_write.c - rows into MySQL and MariaDB: INSERTs of as many rows as a statement holds, in one transaction.
 *
 * CREATE and DROP end a transaction there, so a new table is filled beside its place and renamed, and a table whose
 * structure stays (truncate) is emptied by DELETE, which a transaction can take back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "source/jdbc_mysql.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

enum { STATEMENT_BYTES = 1 << 20 };

ch_status ch_mysql_column_type(const ch_type *type, ch_arena *arena, const char **out,
                               ch_error *err)
{
    switch (type->id) {
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        *out = "LONGTEXT";
        return CH_OK;
    case CH_BYTE:
        *out = "TINYINT";
        return CH_OK;
    case CH_SHORT:
        *out = "SMALLINT";
        return CH_OK;
    case CH_FLOAT:
        *out = "FLOAT";
        return CH_OK;
    case CH_TIMESTAMP_NTZ:
        *out = "DATETIME";
        return CH_OK;
    case CH_DECIMAL:
        *out = ch_arena_printf(arena, err, "DECIMAL(%d,%d)", type->precision, type->scale);
        return *out ? CH_OK : CH_E_MEMORY;
    default:
        *out = ch_jdbc_common_type(type);
        return CH_OK;
    }
}

static ch_status put_open(ch_jdbc_conn *conn, const char *table, const char *const *column,
                          const ch_type *schema, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    ch_buf_reset(&c->insert);
    CH_TRY(ch_buf_printf(&c->insert, err, "INSERT INTO %s (", table));
    for (int32_t i = 0; i < schema->n_fields; i++) {
        if (i)
            CH_TRY(ch_buf_addc(&c->insert, ',', err));
        CH_TRY(ch_jdbc_add_name(conn->source->driver, column[i], &c->insert, err));
    }
    CH_TRY(ch_buf_adds(&c->insert, ") VALUES ", err));
    c->insert_start = c->insert.len;
    c->packet = STATEMENT_BYTES;
    return CH_OK;
}

static ch_status flush(mysql_conn *c, ch_error *err)
{
    c->n_insert = 0;
    if (c->insert.len == c->insert_start)
        return CH_OK;
    ch_status status = ch_mysql_run(c, c->insert.data, c->insert.len, "Write rows", err);
    c->insert.len = c->insert_start;
    return status;
}

static ch_status add_escaped(mysql_conn *c, ch_str s, ch_error *err)
{
    CH_TRY(ch_buf_addc(&c->insert, '\'', err));
    CH_TRY(ch_buf_reserve(&c->insert, (size_t)s.len * 2 + 1, err));
    c->insert.len += mysql_real_escape_string(c->db, c->insert.data + c->insert.len,
                                              s.len ? s.text : "", (unsigned long)s.len);
    return ch_buf_addc(&c->insert, '\'', err);
}

static ch_status add_hex(ch_buf *out, ch_str s, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    CH_TRY(ch_buf_adds(out, "X'", err));
    CH_TRY(ch_buf_reserve(out, (size_t)s.len * 2, err));
    for (int64_t i = 0; i < s.len; i++) {
        out->data[out->len++] = HEX[(uint8_t)s.text[i] >> 4];
        out->data[out->len++] = HEX[(uint8_t)s.text[i] & 15];
    }
    return ch_buf_addc(out, '\'', err);
}

static ch_status add_f64(mysql_conn *c, double value, bool single, ch_error *err)
{
    char text[CH_NUMBER_TEXT];
    if (value - value != 0)
        return ch_jdbc_failed(c->head.source, "Write rows",
                              "NaN and infinities are not values of this database", err);
    int len = single ? ch_print_f32(text, (float)value) : ch_print_f64(text, value);
    return ch_buf_add(&c->insert, text, (size_t)len, err);
}

static ch_status add_value(mysql_conn *c, const ch_column *col, int64_t i, ch_error *err)
{
    const ch_type *type = col->type;
    char text[CH_DATETIME_TEXT];
    ch_buf *out = &c->insert;
    ch_i128 wide;
    int len;
    switch (type->id) {
    case CH_BOOLEAN:
        return ch_buf_addc(out, ch_bit_get(col->data, i) ? '1' : '0', err);
    case CH_FLOAT:
        return add_f64(c, (double)((const float *)col->data)[i], true, err);
    case CH_DOUBLE:
        return add_f64(c, ((const double *)col->data)[i], false, err);
    case CH_DECIMAL:
        wide = ch_type_is_wide_decimal(type) ? ((const ch_i128 *)col->data)[i]
                                             : ((const int64_t *)col->data)[i];
        return ch_buf_add(out, text, (size_t)ch_dec_print(text, wide, type->scale), err);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return add_escaped(c, ch_column_str(col, i), err);
    case CH_BINARY:
        return add_hex(out, ch_column_str(col, i), err);
    case CH_DATE:
        len = ch_date_print(text, ch_column_i64(col, i));
        break;
    case CH_TIMESTAMP:
        len = ch_timestamp_print(text, ch_column_i64(col, i), c->head.source->zone);
        break;
    case CH_TIMESTAMP_NTZ:
        len = ch_timestamp_ntz_print(text, ch_column_i64(col, i));
        break;
    default:
        return ch_buf_add(out, text, (size_t)ch_print_i64(text, ch_column_i64(col, i)), err);
    }
    CH_TRY(ch_buf_addc(out, '\'', err));
    CH_TRY(ch_buf_add(out, text, (size_t)len, err));
    return ch_buf_addc(out, '\'', err);
}

static ch_status put_rows(ch_jdbc_conn *conn, ch_batch *batch, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    for (int64_t i = 0; i < batch->n; i++) {
        CH_TRY(ch_buf_adds(&c->insert, c->insert.len > c->insert_start ? ",(" : "(", err));
        for (int32_t k = 0; k < batch->n_cols; k++) {
            const ch_column *col = batch->col[k];
            if (k)
                CH_TRY(ch_buf_addc(&c->insert, ',', err));
            CH_TRY(ch_column_is_null(col, i)
                       ? ch_buf_adds(&c->insert, "NULL", err)
                       : add_value(c, ch_column_values(col), ch_column_slot(col, i), err));
        }
        CH_TRY(ch_buf_addc(&c->insert, ')', err));
        if ((int64_t)c->insert.len > c->packet || ++c->n_insert == conn->source->batch_rows)
            CH_TRY(flush(c, err));
    }
    return CH_OK;
}

static ch_status put_finish(ch_jdbc_conn *conn, ch_error *err)
{
    return flush((mysql_conn *)conn, err);
}

static ch_status rename_table(ch_jdbc_conn *conn, const char *from, const char *to, const char *old,
                              ch_error *err)
{
    ch_buf sql;
    ch_buf_init(&sql, conn->source->mem);
    ch_status status =
        old ? ch_buf_printf(&sql, err, "RENAME TABLE %s TO %s, %s TO %s", to, old, from, to)
            : ch_buf_printf(&sql, err, "RENAME TABLE %s TO %s", from, to);
    if (status == CH_OK)
        status = conn->source->driver->execute(conn, sql.data, NULL, err);
    ch_buf_release(&sql);
    return status;
}

/* ---- tables beside their place --------------------------------------------------------------------------- */

#define MARK "written by Chert, not complete"
#define MOST_LEFT 100 /* that one run removes */
#define LIMIT_OF(n) #n
#define LIMIT_TEXT(n) LIMIT_OF(n)

static ch_status claim(ch_jdbc_conn *conn, const char *name, ch_error *err)
{
    char sql[96];
    snprintf(sql, sizeof sql, "DO GET_LOCK('%.60s', 0)", name);
    return conn->source->driver->execute(conn, sql, NULL, err);
}

/* DROP TABLE of each name; one that somebody else removes, or may not be removed, is no reason not to write. */
static ch_status drop_all(ch_jdbc_conn *conn, ch_batch *names, ch_error *err)
{
    for (int64_t i = 0; i < names->n; i++) {
        char sql[1024];
        ch_error own = {0};
        ch_str name = ch_column_str(names->col[0], i);
        snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS %.*s", (int)name.len, name.text);
        ch_status status = conn->source->driver->execute(conn, sql, NULL, &own);
        if (status == CH_E_CANCELLED || status == CH_E_MEMORY || conn->lost)
            return ch_error_pass(err, &own);
        ch_error_release(&own);
    }
    return CH_OK;
}

/*
 * Those of the connection's database that are marked and whose lock is free. Servers of a cluster do not know each other's
 * locks: a young one is left to its writer.
 */
static ch_status drop_left(ch_jdbc_conn *conn, ch_error *err)
{
    static const char SQL[] =
        "SELECT CONCAT('`', REPLACE(TABLE_SCHEMA, '`', '``'), '`.`', REPLACE(TABLE_NAME, '`', '``'), '`') "
        "FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() "
        "AND TABLE_NAME LIKE '%\\_chert\\_________' AND TABLE_COMMENT = '" MARK "' "
        "AND CREATE_TIME < NOW() - INTERVAL 10 MINUTE AND IS_FREE_LOCK(RIGHT(TABLE_NAME, 14)) = 1 LIMIT " LIMIT_TEXT(
            MOST_LEFT);
    const ch_jdbc_source *s = conn->source;
    const ch_type *type = CH_T_STRING;
    ch_jdbc_rows rows = {0};
    ch_batch names;
    bool more = true;
    CH_TRY(s->driver->open(conn, SQL, &type, 1, err));
    ch_status status = ch_jdbc_rows_init(&rows, s->mem, s->zone, &type, 1, MOST_LEFT + 1, err);
    if (status == CH_OK) /* all of them, and the end */
        status = s->driver->fetch(conn, &rows, &more, err);
    if (more)
        s->driver->finish(conn);
    if (status == CH_OK && rows.n) {
        status = ch_batch_init(&names, s->mem, 1, rows.n, err);
        if (status == CH_OK) {
            status = ch_jdbc_rows_take(&rows, &names, err);
            if (status == CH_OK)
                status = drop_all(conn, &names, err);
            ch_batch_release(&names);
        }
    }
    ch_jdbc_rows_release(&rows);
    return status;
}

const ch_jdbc_write_class ch_mysql_write = {
    .ddl_commits = true,
    .begin = "START TRANSACTION",
    .comment_on = "ALTER TABLE ",
    .comment_is = " COMMENT = ",
    .mark = " COMMENT = '" MARK "'",
    .claim = claim,
    .drop_left = drop_left,
    .set_isolation = "SET TRANSACTION ISOLATION LEVEL ",
    .open = put_open,
    .put = put_rows,
    .finish = put_finish,
    .rename = rename_table,
};
