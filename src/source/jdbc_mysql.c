/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_mysql.c - jdbc:mysql: and jdbc:mariadb:, with libmariadb.
 *
 * The types are those that Connector/J and Spark's MySQLDialect make together. Rows come in the text protocol, as
 * Connector/J reads them unless told otherwise: a FLOAT has the digits that the server prints. They are not buffered.
 *
 * Calls that may wait are made in the library's non-blocking form, so that a query can be stopped while the server thinks; a
 * result that is not read to its end costs the connection, which is cheaper than reading the rest.
 */
#include "source/jdbc_mysql.h"

#include <errmsg.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/late.h"
#include "store/access.h"
#include "type/datetime.h"

enum { MYSQL_BINARY_CHARSET = 63 };

/* ---- waiting -------------------------------------------------------------------------------------------- */

/* Until what the library waits for has happened; *ready says what has. */
static ch_status await(mysql_conn *c, int wanted, int *ready, ch_error *err)
{
    int64_t end_ns = INT64_MAX;
    struct pollfd one = {.fd = mysql_get_socket(c->db),
                         .events = (short)((wanted & MYSQL_WAIT_READ ? POLLIN : 0) |
                                           (wanted & MYSQL_WAIT_WRITE ? POLLOUT : 0) |
                                           (wanted & MYSQL_WAIT_EXCEPT ? POLLPRI : 0))};
    if (wanted & MYSQL_WAIT_TIMEOUT)
        end_ns = ch_tick_ns() + (int64_t)mysql_get_timeout_value_ms(c->db) * 1000000;
    for (;;) {
        CH_TRY(ch_jdbc_heed(&c->head, err));
        if (poll(&one, 1, 40) > 0) {
            *ready = (one.revents & POLLOUT ? MYSQL_WAIT_WRITE : 0) |
                     (one.revents & POLLPRI ? MYSQL_WAIT_EXCEPT : 0) |
                     (one.revents & ~(POLLOUT | POLLPRI) ? MYSQL_WAIT_READ : 0);
            /* A broken connection is told by the call that is waiting for it. */
            if (one.revents & (POLLERR | POLLHUP | POLLNVAL))
                *ready |= wanted & (MYSQL_WAIT_READ | MYSQL_WAIT_WRITE);
            return CH_OK;
        }
        if (ch_tick_ns() >= end_ns) {
            *ready = MYSQL_WAIT_TIMEOUT;
            return CH_OK;
        }
    }
}

static ch_status failed(mysql_conn *c, const char *operation, ch_error *err)
{
    unsigned code = mysql_errno(c->db);
    if (code == CR_SERVER_GONE_ERROR || code == CR_SERVER_LOST)
        c->head.lost = true;
    return ch_jdbc_failed(c->head.source, operation, mysql_error(c->db), err);
}

/* The library leaves a socket with TLS blocking, and then waits within OpenSSL whatever it was asked. */
static void unblock(mysql_conn *c)
{
    int fd = mysql_get_socket(c->db), flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);
    if (flags >= 0 && !(flags & O_NONBLOCK))
        (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

ch_status ch_mysql_run(mysql_conn *c, const char *sql, size_t len, const char *operation,
                       ch_error *err)
{
    int code, ready;
    unblock(c);
    int wanted = mysql_real_query_start(&code, c->db, sql, (unsigned long)len);
    while (wanted) {
        ch_status status = await(c, wanted, &ready, err);
        if (status != CH_OK) {
            c->head.lost = true;
            return status;
        }
        wanted = mysql_real_query_cont(&code, c->db, ready);
    }
    return code ? failed(c, operation, err) : CH_OK;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static bool property_is(const ch_jdbc_source *s, const char *name, const char *value)
{
    const char *v = ch_jdbc_property(s, name);
    return v && strcasecmp(v, value) == 0;
}

typedef enum tls_mode { TLS_OFF, TLS_PREFERRED, TLS_REQUIRED, TLS_VERIFIED } tls_mode;

static ch_status tls_of(const ch_jdbc_source *s, tls_mode *out, ch_error *err)
{
    static const struct {
        const char *name;
        tls_mode mode;
    } MODE[] = {{"DISABLED", TLS_OFF},        {"DISABLE", TLS_OFF},
                {"PREFERRED", TLS_PREFERRED}, {"REQUIRED", TLS_REQUIRED},
                {"TRUST", TLS_REQUIRED},      {"VERIFY_CA", TLS_VERIFIED},
                {"VERIFY-CA", TLS_VERIFIED},  {"VERIFY_IDENTITY", TLS_VERIFIED},
                {"VERIFY-FULL", TLS_VERIFIED}};
    const char *mode = ch_jdbc_property(s, "sslMode");
    *out = TLS_PREFERRED;
    if (!mode) {
        bool verify = property_is(s, "verifyServerCertificate", "true");
        if (property_is(s, "useSSL", "false"))
            *out = TLS_OFF;
        else if (property_is(s, "requireSSL", "true") || property_is(s, "useSSL", "true"))
            *out = verify ? TLS_VERIFIED : TLS_REQUIRED;
        else if (verify || ch_jdbc_property(s, "serverSslCert"))
            *out = TLS_VERIFIED;
        return CH_OK;
    }
    for (size_t i = 0; i < sizeof MODE / sizeof *MODE; i++)
        if (strcasecmp(MODE[i].name, mode) == 0) {
            *out = MODE[i].mode;
            return CH_OK;
        }
    CH_FAIL(err, INVALID_OPTION, "name", "sslMode", "value", mode, "expected",
            "DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY");
}

static ch_status set_options(mysql_conn *c, tls_mode tls, ch_error *err)
{
    const ch_jdbc_source *s = c->head.source;
    const char *ms = ch_jdbc_property(s, "connectTimeout"),
               *ca = ch_jdbc_property(s, "serverSslCert");
    unsigned seconds = ms && atol(ms) > 0 ? (unsigned)((atol(ms) + 999) / 1000) : 30;
    unsigned protocol = MYSQL_PROTOCOL_TCP, off = 0;
    my_bool enforce = tls != TLS_OFF, verify = tls == TLS_VERIFIED;
    mysql_options(c->db, MYSQL_OPT_NONBLOCK, 0);
    mysql_options(c->db, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_options(c->db, MYSQL_OPT_LOCAL_INFILE, &off); /* a server could ask for any file */
    mysql_options(c->db, MYSQL_OPT_PROTOCOL, &protocol);
    mysql_options(c->db, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_options(c->db, MYSQL_OPT_SSL_ENFORCE, &enforce);
    mysql_options(c->db, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (ca) {
        CH_TRY(ch_access_check(ca, false, err));
        mysql_options(c->db, MYSQL_OPT_SSL_CA, ca);
    }
    if (property_is(s, "useCompression", "true"))
        mysql_options(c->db, MYSQL_OPT_COMPRESS, NULL);
    return CH_OK;
}

static ch_status try_host(mysql_conn *c, const char *host, int port, tls_mode tls, ch_error *err)
{
    const ch_jdbc_source *s = c->head.source;
    MYSQL *out = NULL;
    int ready;
    if (c->db)
        mysql_close(c->db);
    c->db = mysql_init(NULL);
    if (!c->db)
        return ch_error_memory(err, "mysql", 0, 0);
    CH_TRY(set_options(c, tls, err));
    int wanted = mysql_real_connect_start(&out, c->db, host, s->user, s->password, s->database,
                                          (unsigned)port, NULL, CLIENT_MULTI_RESULTS);
    while (wanted) {
        CH_TRY(await(c, wanted, &ready, err));
        wanted = mysql_real_connect_cont(&out, c->db, ready);
    }
    if (!out)
        CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason", mysql_error(c->db));
    return CH_OK;
}

static ch_status connect_host(ch_jdbc_conn *conn, const char *host, int port, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    tls_mode tls;
    CH_TRY(tls_of(c->head.source, &tls, err));
    if (tls != TLS_PREFERRED)
        return try_host(c, host, port, tls, err);
    ch_error own = {0};
    ch_status status = try_host(c, host, port, TLS_REQUIRED, &own);
    if (status == CH_E_JDBC_CONNECTION && mysql_errno(c->db) == CR_SSL_CONNECTION_ERROR) {
        ch_error_release(&own);
        return try_host(c, host, port, TLS_OFF, err);
    }
    return status == CH_OK ? CH_OK : ch_error_pass(err, &own);
}

static void mysql_end(mysql_conn *c, bool at_once)
{
    if (c->result) {
        if (at_once) {
            shutdown(mysql_get_socket(c->db), SHUT_RDWR);
            c->head.lost = true;
        }
        mysql_free_result(c->result);
    }
    c->result = NULL;
    if (c->kind)
        ch_mem_free(c->head.source->mem, c->kind, sizeof *c->kind * (size_t)(c->n_kinds + 1));
    c->kind = NULL;
}

static void close_conn(ch_jdbc_conn *conn)
{
    mysql_conn *c = (mysql_conn *)conn;
    if (c->db && conn->lost)
        shutdown(mysql_get_socket(c->db), SHUT_RDWR);
    mysql_end(c, true);
    if (c->db)
        mysql_close(c->db);
    ch_buf_release(&c->insert);
    ch_mem_free(conn->source->mem, c, sizeof *c);
}

/* mysql_library_init is not for several threads at once. */
static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static void library_init(void)
{
    mysql_library_init(0, NULL, NULL);
}

static ch_status run_text(mysql_conn *c, const char *sql, ch_error *err)
{
    return ch_mysql_run(c, sql, strlen(sql), "Set session variables", err);
}

/* SET a = 1, b = 2 as the property sessionVariables has it. */
static ch_status set_variables(mysql_conn *c, ch_error *err)
{
    const char *text = ch_jdbc_property(c->head.source, "sessionVariables");
    ch_buf sql;
    if (!text || !*text)
        return CH_OK;
    ch_buf_init(&sql, c->head.source->mem);
    ch_status status = ch_buf_printf(&sql, err, "SET SESSION %s", text);
    if (status == CH_OK)
        status = ch_mysql_run(c, sql.data, sql.len, "Set session variables", err);
    ch_buf_release(&sql);
    return status;
}

static ch_status connect_mysql(const ch_jdbc_source *source, ch_jdbc_conn **out, ch_error *err)
{
    *out = NULL;
    CH_TRY(ch_late_load("mariadb", err));
    mysql_conn *c = ch_mem_zalloc(source->mem, sizeof *c, err);
    if (!c)
        return CH_E_MEMORY;
    pthread_once(&library_once, library_init);
    c->head.source = source;
    ch_buf_init(&c->insert, source->mem);
    ch_status status = ch_jdbc_try_hosts(source, 3306, connect_host, &c->head, err);
    if (status == CH_OK)
        status = set_variables(c, err);
    /* As jdbcCompliantTruncation has it: what does not fit is an error. */
    if (status == CH_OK && source->writes)
        status = run_text(
            c, "SET SESSION sql_mode = CONCAT(@@SESSION.sql_mode, ',STRICT_TRANS_TABLES')", err);
    if (status != CH_OK) {
        c->head.lost = true;
        close_conn(&c->head);
        return status;
    }
    *out = &c->head;
    return CH_OK;
}

static ch_status next_row(mysql_conn *c, MYSQL_ROW *row, ch_error *err)
{
    int ready, wanted = mysql_fetch_row_start(row, c->result);
    while (CH_UNLIKELY(wanted)) {
        ch_status status = await(c, wanted, &ready, err);
        if (status != CH_OK) {
            c->head.lost = true;
            return status;
        }
        wanted = mysql_fetch_row_cont(row, c->result, ready);
    }
    return *row || !mysql_errno(c->db) ? CH_OK : failed(c, "Read rows", err);
}

/* The rest of the result is of no interest, but there may be long to wait for it. */
static ch_status drain(mysql_conn *c, ch_error *err)
{
    MYSQL_ROW row;
    do
        CH_TRY(next_row(c, &row, err));
    while (row);
    mysql_end(c, false);
    return CH_OK;
}

/* *more false: there is no other result. */
static ch_status next_result(mysql_conn *c, bool *more, ch_error *err)
{
    int code, ready, wanted = mysql_next_result_start(&code, c->db);
    while (wanted) {
        ch_status status = await(c, wanted, &ready, err);
        if (status != CH_OK) {
            c->head.lost = true;
            return status;
        }
        wanted = mysql_next_result_cont(&code, c->db, ready);
    }
    *more = code == 0;
    return code > 0 ? failed(c, "Run a statement", err) : CH_OK;
}

static ch_status execute(ch_jdbc_conn *conn, const char *sql, int64_t *n_rows, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    bool more = true;
    CH_TRY(ch_mysql_run(c, sql, strlen(sql), "Run a statement", err));
    if (n_rows)
        *n_rows = (int64_t)mysql_affected_rows(c->db);
    while (more) {
        c->result = mysql_use_result(c->db);
        if (c->result)
            CH_TRY(drain(c, err));
        CH_TRY(next_result(c, &more, err));
    }
    return mysql_errno(c->db) ? failed(c, "Run a statement", err) : CH_OK;
}

/* ---- types ---------------------------------------------------------------------------------------------- */

typedef struct mapping {
    const ch_type *type;
    mysql_kind kind;
    const char *native;
} mapping;

static const ch_type *text_or_binary(const MYSQL_FIELD *f)
{
    return ch_type_of(f->charsetnr == MYSQL_BINARY_CHARSET ? CH_BINARY : CH_STRING);
}

static const ch_type *decimal_of(const MYSQL_FIELD *f)
{
    bool is_unsigned = f->flags & UNSIGNED_FLAG;
    int scale = (int)f->decimals;
    int precision = (int)f->length - (scale > 0) - !is_unsigned;
    return ch_type_decimal(precision > 38  ? 38
                           : precision < 1 ? 1
                                           : precision,
                           scale > 38 ? 38 : scale);
}

static mapping map(const ch_jdbc_source *s, const MYSQL_FIELD *f)
{
    bool is_unsigned = f->flags & UNSIGNED_FLAG;
    const ch_type *wall = ch_type_of(s->timestamp_ntz ? CH_TIMESTAMP_NTZ : CH_TIMESTAMP);
#define MAP(t, k, n) ((mapping){t, k, n})
    switch (f->type) {
    case MYSQL_TYPE_TINY:
        if (f->length == 1 && !is_unsigned && !property_is(s, "tinyInt1isBit", "false"))
            return MAP(CH_T_BOOLEAN, MYSQL_PLAIN, "BIT");
        return MAP(ch_type_of(is_unsigned ? CH_SHORT : CH_BYTE), MYSQL_PLAIN, "TINYINT");
    case MYSQL_TYPE_SHORT:
        return MAP(ch_type_of(is_unsigned ? CH_INT : CH_SHORT), MYSQL_PLAIN, "SMALLINT");
    case MYSQL_TYPE_INT24:
        return MAP(CH_T_INT, MYSQL_PLAIN, "MEDIUMINT");
    case MYSQL_TYPE_LONG:
        return MAP(ch_type_of(is_unsigned ? CH_LONG : CH_INT), MYSQL_PLAIN, "INT");
    case MYSQL_TYPE_LONGLONG:
        return MAP(is_unsigned ? ch_type_decimal(20, 0) : CH_T_LONG, MYSQL_PLAIN, "BIGINT");
    case MYSQL_TYPE_FLOAT:
        return MAP(ch_type_of(CH_FLOAT), MYSQL_PLAIN, "FLOAT");
    case MYSQL_TYPE_DOUBLE:
        return MAP(CH_T_DOUBLE, MYSQL_PLAIN, "DOUBLE");
    case MYSQL_TYPE_DECIMAL:
    case MYSQL_TYPE_NEWDECIMAL:
        return MAP(decimal_of(f), MYSQL_PLAIN, "DECIMAL");
    case MYSQL_TYPE_BIT:
        return MAP(ch_type_of(f->length > 1 ? CH_BINARY : CH_BOOLEAN), MYSQL_BITS, "BIT");
    case MYSQL_TYPE_YEAR:
        if (property_is(s, "yearIsDateType", "false"))
            return MAP(ch_type_of(CH_SHORT), MYSQL_PLAIN, "YEAR");
        return MAP(CH_T_DATE, MYSQL_A_YEAR, "YEAR");
    case MYSQL_TYPE_DATE:
    case MYSQL_TYPE_NEWDATE:
        return MAP(CH_T_DATE, MYSQL_MOMENT, "DATE");
    case MYSQL_TYPE_TIME:
    case MYSQL_TYPE_TIME2:
        return MAP(wall, MYSQL_A_TIME, "TIME");
    case MYSQL_TYPE_DATETIME:
    case MYSQL_TYPE_DATETIME2:
        return MAP(wall, MYSQL_MOMENT, "DATETIME");
    case MYSQL_TYPE_TIMESTAMP:
    case MYSQL_TYPE_TIMESTAMP2:
        return MAP(CH_T_TIMESTAMP, MYSQL_MOMENT, "TIMESTAMP");
    case MYSQL_TYPE_NULL:
        return MAP(ch_type_of(CH_BINARY), MYSQL_PLAIN, "NULL");
    case MYSQL_TYPE_STRING: /* CHAR, ENUM, SET and BINARY; length is of bytes, four to a character */
        return MAP(f->charsetnr == MYSQL_BINARY_CHARSET ? ch_type_of(CH_BINARY)
                   : f->length >= 4                     ? ch_type_char((int32_t)(f->length / 4))
                                                        : CH_T_STRING,
                   MYSQL_PLAIN, "CHAR");
    case MYSQL_TYPE_JSON:
        return MAP(CH_T_STRING, MYSQL_PLAIN, "JSON");
    case MYSQL_TYPE_GEOMETRY:
        return MAP(ch_type_of(CH_BINARY), MYSQL_PLAIN, "GEOMETRY");
    default: /* VARCHAR, TEXT, VARBINARY, BLOB */
        return MAP(text_or_binary(f), MYSQL_PLAIN, "CHAR");
    }
#undef MAP
}

static ch_status describe(ch_jdbc_conn *conn, const char *sql, ch_arena *arena,
                          ch_jdbc_field **field, int32_t *n, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    CH_TRY(ch_mysql_run(c, sql, strlen(sql), "Read the columns", err));
    c->result = mysql_use_result(c->db);
    if (!c->result)
        return mysql_errno(c->db) ? failed(c, "Read the columns", err)
                                  : ch_jdbc_failed(conn->source, "Read the columns",
                                                   "the statement gives no rows", err);
    const MYSQL_FIELD *f = mysql_fetch_fields(c->result);
    ch_status status = CH_OK;
    *n = (int32_t)mysql_num_fields(c->result);
    *field = ch_arena_alloc(arena, sizeof **field * (size_t)(*n + 1), err);
    for (int32_t i = 0; *field && i < *n && status == CH_OK; i++) {
        mapping m = map(conn->source, &f[i]);
        (*field)[i] = (ch_jdbc_field){ch_arena_str(arena, f[i].name, err), m.type, m.native};
        status = (*field)[i].name ? CH_OK : CH_E_MEMORY;
        if (status == CH_OK && !m.type)
            status = ch_error_memory(err, "types", 0, 0);
    }
    if (*field && status == CH_OK)
        status = drain(c, err);
    return *field ? status : CH_E_MEMORY; /* closing ends what is left */
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static ch_status open_query(ch_jdbc_conn *conn, const char *sql, const ch_type *const *type,
                            int32_t n, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    CH_TRY(ch_mysql_run(c, sql, strlen(sql), "Read rows", err));
    c->result = mysql_use_result(c->db);
    if (!c->result)
        return failed(c, "Read rows", err);
    unsigned n_fields = mysql_num_fields(c->result);
    if (n_fields != (unsigned)n)
        return ch_jdbc_failed(conn->source, "Read rows", "the table has other columns now", err);
    c->kind = ch_mem_alloc(conn->source->mem, sizeof *c->kind * (size_t)(n_fields + 1), err);
    if (!c->kind)
        return CH_E_MEMORY;
    c->n_kinds = n_fields;
    unblock(c);
    const MYSQL_FIELD *f = mysql_fetch_fields(c->result);
    for (unsigned i = 0; i < n_fields; i++) {
        c->kind[i] = map(conn->source, &f[i]).kind;
        /* What has text as its type by the program's wish is text as it stands. */
        if (ch_type_is_string(type[i]) || (c->kind[i] == MYSQL_A_YEAR && type[i]->id != CH_DATE))
            c->kind[i] = MYSQL_PLAIN;
    }
    return CH_OK;
}

/* What MySQLDialect makes of BIT(n): Integer.toBinaryString of each byte, without leading zeros. */
static ch_status put_digits(ch_jdbc_rows *rows, int32_t c, const char *text, unsigned long len,
                            ch_error *err)
{
    char digits[8 * 32];
    int64_t n = 0;
    for (unsigned long i = 0; i < len && i < 8; i++) {
        uint32_t value = (uint32_t)(int32_t)(int8_t)text[i];
        int top = value ? 31 - __builtin_clz(value) : 0;
        for (int bit = top; bit >= 0; bit--)
            digits[n++] = (char)('0' + (value >> bit & 1));
    }
    return ch_jdbc_put_bytes(rows, c, digits, n, err);
}

static ch_status put_bits(ch_jdbc_rows *rows, int32_t c, const char *text, unsigned long len,
                          ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    uint64_t value = 0;
    for (unsigned long i = 0; i < len; i++)
        value = value << 8 | (uint8_t)text[i];
    if (type->id == CH_BOOLEAN)
        ch_jdbc_put_bool(rows, c, value != 0);
    else if (ch_type_is_integral(type))
        ch_jdbc_put_i64(rows, c, (int64_t)value);
    else
        return put_digits(rows, c, text, len, err);
    return CH_OK;
}

/* 1970-01-01 at that time, as java.sql.Time has it. */
static ch_status put_time(ch_jdbc_rows *rows, int32_t c, const char *text, unsigned long len,
                          ch_error *err)
{
    int64_t ns;
    const ch_type *type = rows->column[c].type;
    if (!ch_time_parse(text, (int64_t)len, &ns))
        return ch_jdbc_bad_value(rows, c, text, (int64_t)len, err);
    ch_jdbc_put_i64(rows, c,
                    type->id == CH_TIME        ? ns
                    : type->id == CH_TIMESTAMP ? ch_zone_to_utc(rows->zone, ns / 1000)
                                               : ns / 1000);
    return CH_OK;
}

static ch_status put_moment(mysql_conn *conn, ch_jdbc_rows *rows, int32_t c, const char *text,
                            unsigned long len, ch_error *err)
{
    const ch_jdbc_source *s = conn->head.source;
    if (len < 10 || strncmp(text, "0000-00-00", 10) != 0)
        return ch_jdbc_put_text(rows, c, text, (int64_t)len, err);
    if (property_is(s, "zeroDateTimeBehavior", "CONVERT_TO_NULL") ||
        property_is(s, "zeroDateTimeBehavior", "convertToNull"))
        return ch_jdbc_put_null(rows, c, err);
    if (property_is(s, "zeroDateTimeBehavior", "ROUND"))
        return ch_jdbc_put_text(rows, c, "0001-01-01", 10, err);
    return ch_jdbc_failed(s, "Read rows",
                          "Zero date value prohibited (0000-00-00). The connection's property "
                          "zeroDateTimeBehavior=CONVERT_TO_NULL makes it NULL",
                          err);
}

static ch_status put(mysql_conn *conn, ch_jdbc_rows *rows, int32_t c, const char *text,
                     unsigned long len, ch_error *err)
{
    char year[16];
    switch (conn->kind[c]) {
    case MYSQL_BITS:
        return put_bits(rows, c, text, len, err);
    case MYSQL_A_YEAR:
        snprintf(year, sizeof year, "%.4s-01-01", text);
        return ch_jdbc_put_text(rows, c, year, (int64_t)strlen(year), err);
    case MYSQL_A_TIME:
        return put_time(rows, c, text, len, err);
    case MYSQL_MOMENT:
        return put_moment(conn, rows, c, text, len, err);
    default:
        return ch_jdbc_put_text(rows, c, text, (int64_t)len, err);
    }
}

static ch_status fetch(ch_jdbc_conn *conn, ch_jdbc_rows *rows, bool *more, ch_error *err)
{
    mysql_conn *c = (mysql_conn *)conn;
    while (rows->n < rows->cap) {
        MYSQL_ROW row;
        CH_TRY(next_row(c, &row, err));
        if (!row) {
            *more = false;
            mysql_end(c, false);
            return CH_OK;
        }
        const unsigned long *len = mysql_fetch_lengths(c->result);
        for (int32_t i = 0; i < rows->n_columns; i++)
            CH_TRY(row[i] ? put(c, rows, i, row[i], len[i], err) : ch_jdbc_put_null(rows, i, err));
        rows->n++;
    }
    return CH_OK;
}

static void finish(ch_jdbc_conn *conn)
{
    mysql_end((mysql_conn *)conn, true);
}

/* connectionTimeZone, formerly serverTimezone: the zone that the server's wall clock is read in. */
static ch_status check(ch_jdbc_source *s, ch_error *err)
{
    const char *zone = ch_jdbc_property(s, "connectionTimeZone");
    if (!zone)
        zone = ch_jdbc_property(s, "serverTimezone");
    if (!zone || strcasecmp(zone, "LOCAL") == 0)
        return CH_OK;
    s->zone = ch_zone_find(zone, (int64_t)strlen(zone), err);
    return s->zone ? CH_OK : CH_E_INVALID_TIMEZONE;
}

/*
 * Its collations take different texts for equal, and no cast of a key gives back its text. 0000-00-00 may be NULL or an error
 * when it is read.
 */
static const char *grouped(const ch_type *type, ch_scan_item_kind kind)
{
    if (ch_type_is_string(type) && kind != CH_ITEM_COUNT)
        return NULL;
    return ch_jdbc_is_moment(type) && kind != CH_ITEM_KEY ? NULL : "";
}

static const char *const SCHEME[] = {"mysql", "mariadb", NULL};
static const char *const PROPERTY[] = {"useSSL",           "requireSSL",
                                       "sslMode",          "verifyServerCertificate",
                                       "serverSslCert",    "connectTimeout",
                                       "useCompression",   "zeroDateTimeBehavior",
                                       "tinyInt1isBit",    "yearIsDateType",
                                       "sessionVariables", "connectionTimeZone",
                                       "serverTimezone",   NULL};
/* They choose between ways of which there is one here. */
static const char *const IGNORED[] = {"useUnicode",
                                      "characterEncoding",
                                      "useServerPrepStmts",
                                      "cachePrepStmts",
                                      "prepStmtCacheSize",
                                      "prepStmtCacheSqlLimit",
                                      "rewriteBatchedStatements",
                                      "useBulkStmts",
                                      "useCursorFetch",
                                      "defaultFetchSize",
                                      "autoReconnect",
                                      "useLegacyDatetimeCode",
                                      "useJDBCCompliantTimezoneShift",
                                      "allowPublicKeyRetrieval",
                                      "allowMultiQueries",
                                      "tcpKeepAlive",
                                      "nullCatalogMeansCurrent",
                                      "useInformationSchema",
                                      "permitMysqlScheme",
                                      "useLocalSessionState",
                                      "elideSetAutoCommits",
                                      "maintainTimeStats",
                                      NULL};

const ch_jdbc_driver ch_jdbc_driver_mysql = {.scheme = SCHEME,
                                             .quote = '`',
                                             .backslash = true,
                                             .property = PROPERTY,
                                             .ignored = IGNORED,
                                             .parse = ch_jdbc_parse_authority,
                                             .check = check,
                                             .connect = connect_mysql,
                                             .close = close_conn,
                                             .execute = execute,
                                             .describe = describe,
                                             .open = open_query,
                                             .fetch = fetch,
                                             .finish = finish,
                                             .grouped = grouped,
                                             .has_hints = true,
                                             .column_type = ch_mysql_column_type,
                                             .write = &ch_mysql_write};
