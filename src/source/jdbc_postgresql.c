/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_postgresql.c - jdbc:postgresql:, with libpq: connections, statements, and which type becomes which.
 *
 * The types are those of pgjdbc and Spark's PostgresDialect together. All calls are libpq's asynchronous ones, so that a
 * query can be stopped while the server thinks.
 */
#include "source/jdbc_postgresql.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/clock.h"
#include "base/late.h"
#include "store/access.h"

/* ---- statements ----------------------------------------------------------------------------------------- */

ch_status ch_pg_failed(pg_conn *c, const char *operation, const PGresult *result, ch_error *err)
{
    const char *text = result ? PQresultErrorMessage(result) : "";
    if (!*text)
        text = PQerrorMessage(c->db);
    if (PQstatus(c->db) != CONNECTION_OK)
        c->head.lost = true;
    return ch_jdbc_failed(c->head.source, operation, text, err);
}

bool ch_pg_hears(const pg_conn *c)
{
    struct pollfd one = {.fd = PQsocket(c->db), .events = POLLIN};
    return poll(&one, 1, 0) > 0;
}

ch_status ch_pg_flush(pg_conn *c, ch_error *err)
{
    for (;;) {
        int left = PQflush(c->db);
        if (left == 0)
            return CH_OK;
        if (left < 0)
            return ch_pg_failed(c, "Send", NULL, err);
        CH_TRY(ch_jdbc_wait(&c->head, PQsocket(c->db), true, true, err));
        c->heard |= c->copies_in && ch_pg_hears(c);
        if (!PQconsumeInput(c->db))
            return ch_pg_failed(c, "Send", NULL, err);
    }
}

ch_status ch_pg_result(pg_conn *c, PGresult **out, ch_error *err)
{
    *out = NULL;
    CH_TRY(ch_pg_flush(c, err));
    while (PQisBusy(c->db)) {
        CH_TRY(ch_jdbc_wait(&c->head, PQsocket(c->db), true, false, err));
        if (!PQconsumeInput(c->db))
            return ch_pg_failed(c, "Receive", NULL, err);
    }
    *out = PQgetResult(c->db);
    return CH_OK;
}

/* All results of what was sent; the first one stays, unless it failed. */
static ch_status results(pg_conn *c, const char *operation, PGresult **out, ch_error *err)
{
    PGresult *first = NULL, *next;
    ch_status status;
    while ((status = ch_pg_result(c, &next, err)) == CH_OK && next) {
        ExecStatusType state = PQresultStatus(next);
        bool copies = state == PGRES_COPY_IN || state == PGRES_COPY_OUT;
        if (!first) {
            first = next;
        } else {
            if (state == PGRES_FATAL_ERROR && PQresultStatus(first) != PGRES_FATAL_ERROR) {
                PGresult *swap = first;
                first = next;
                next = swap;
            }
            PQclear(next);
        }
        if (copies)
            break;
    }
    if (status != CH_OK)
        c->head.lost = true;
    else if (!first || PQresultStatus(first) == PGRES_FATAL_ERROR ||
             PQresultStatus(first) == PGRES_BAD_RESPONSE)
        status = ch_pg_failed(c, operation, first, err);
    if (status == CH_OK && out)
        *out = first;
    else
        PQclear(first);
    return status;
}

ch_status ch_pg_run(pg_conn *c, const char *sql, const char *operation, PGresult **out,
                    ch_error *err)
{
    if (out)
        *out = NULL;
    if (!PQsendQuery(c->db, sql))
        return ch_pg_failed(c, operation, NULL, err);
    return results(c, operation, out, err);
}

static ch_status execute(ch_jdbc_conn *conn, const char *sql, int64_t *n_rows, ch_error *err)
{
    PGresult *result;
    CH_TRY(ch_pg_run((pg_conn *)conn, sql, "Run a statement", &result, err));
    if (n_rows)
        *n_rows = strtoll(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return CH_OK;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static void close_conn(ch_jdbc_conn *conn)
{
    pg_conn *c = (pg_conn *)conn;
    ch_pg_finish(conn);
    if (c->db)
        PQfinish(c->db);
    ch_buf_release(&c->out);
    ch_buf_release(&c->copy);
    ch_mem_free(conn->source->mem, c, sizeof *c);
}

typedef struct parameters {
    const char *key[24], *value[24];
    int n;
} parameters;

static void add(parameters *p, const char *key, const char *value)
{
    if (!value || p->n >= 23)
        return;
    p->key[p->n] = key;
    p->value[p->n++] = value;
}

static ch_status add_file(parameters *p, const ch_jdbc_source *s, const char *key,
                          const char *property, ch_error *err)
{
    const char *path = ch_jdbc_property(s, property);
    if (path)
        CH_TRY(ch_access_check(path, false, err));
    add(p, key, path);
    return CH_OK;
}

static ch_status parameters_of(const ch_jdbc_source *s, const char *host, int port, char *text,
                               size_t size, parameters *p, ch_error *err)
{
    const char *ssl = ch_jdbc_property(s, "ssl"), *mode = ch_jdbc_property(s, "sslmode");
    const char *schema = ch_jdbc_property(s, "currentSchema");
    bool trusts = ch_jdbc_property(s, "sslfactory") != NULL; /* check() lets one pass only */
    snprintf(text, size, "%d", port);
    add(p, "host", host);
    add(p, "port", text);
    add(p, "dbname", s->database ? s->database : s->user);
    add(p, "user", s->user);
    add(p, "password", s->password);
    add(p, "client_encoding", "UTF8");
    add(p, "gssencmode", "disable");
    add(p, "passfile", "/nonexistent"); /* the password is the program's to give */
    const char *name = ch_jdbc_property(s, "ApplicationName");
    add(p, "application_name", name ? name : "Chert");
    if (!mode && ssl && strcasecmp(ssl, "false") != 0)
        mode = trusts ? "require" : "verify-full";
    add(p, "sslmode", mode);
    CH_TRY(add_file(p, s, "sslrootcert", "sslrootcert", err));
    CH_TRY(add_file(p, s, "sslcert", "sslcert", err));
    CH_TRY(add_file(p, s, "sslkey", "sslkey", err));
    if (schema) {
        char *option = text + 16;
        size_t n = (size_t)snprintf(option, size - 16, "-csearch_path=");
        for (; *schema && n < size - 20; schema++) { /* blanks part options */
            if (*schema == ' ' || *schema == '\\')
                option[n++] = '\\';
            option[n++] = *schema;
        }
        option[n] = 0;
        add(p, "options", option);
    }
    return CH_OK;
}

/* The library would print what the server remarks, to stderr. */
static void ignore_notice(void *user, const PGresult *result)
{
    CH_UNUSED(user);
    CH_UNUSED(result);
}

static ch_status try_host(ch_jdbc_conn *conn, const char *host, int port, ch_error *err)
{
    pg_conn *c = (pg_conn *)conn;
    const ch_jdbc_source *s = c->head.source;
    parameters p = {0};
    char text[512];
    const char *seconds = ch_jdbc_property(s, "connectTimeout");
    int64_t end_ns =
        ch_tick_ns() + (seconds && atol(seconds) > 0 ? atol(seconds) : 10) * 1000000000;
    if (c->db)
        PQfinish(c->db);
    CH_TRY(parameters_of(s, host, port, text, sizeof text, &p, err));
    c->db = PQconnectStartParams(p.key, p.value, 0);
    if (!c->db)
        return ch_error_memory(err, "libpq", 0, 0);
    PQsetNoticeReceiver(c->db, ignore_notice, NULL);
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK && PQstatus(c->db) != CONNECTION_BAD) {
        CH_TRY(ch_jdbc_heed(&c->head, err));
        if (ch_tick_ns() > end_ns)
            CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason", "no answer in time");
        c->head.deadline_ns = end_ns;
        ch_status status = ch_jdbc_wait(&c->head, PQsocket(c->db), state == PGRES_POLLING_READING,
                                        state == PGRES_POLLING_WRITING, NULL);
        c->head.deadline_ns = 0;
        if (status == CH_E_CANCELLED)
            return ch_jdbc_heed(&c->head, err);
        if (status == CH_OK)
            state = PQconnectPoll(c->db);
        if (state == PGRES_POLLING_FAILED)
            break;
    }
    if (PQstatus(c->db) != CONNECTION_OK) {
        char reason[1024];
        snprintf(reason, sizeof reason, "%s", PQerrorMessage(c->db));
        for (size_t n = strlen(reason); n && reason[n - 1] == '\n';)
            reason[--n] = 0;
        CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason", reason);
    }
    return CH_OK;
}

/*
 * What pgjdbc, too, chooses for a session, whatever the server's settings are: how literals are read, how dates are printed,
 * and the zone of moments that are cast. A zone that PostgreSQL does not know stays the server's.
 */
static ch_status set_session(pg_conn *c, ch_error *err)
{
    const ch_jdbc_source *s = c->head.source;
    char text[256];
    int32_t offset = 0;
    bool fixed = ch_zone_is_fixed(s->zone, &offset);
    int away = (offset < 0 ? -offset : offset) / 60;
    CH_TRY(execute(&c->head, "SET standard_conforming_strings = on; SET datestyle = 'ISO, MDY'",
                   NULL, err));
    if (fixed)
        snprintf(text, sizeof text, "SET TIME ZONE INTERVAL '%c%02d:%02d' HOUR TO MINUTE",
                 offset < 0 ? '-' : '+', away / 60, away % 60);
    else
        snprintf(text, sizeof text, "SET TIME ZONE '%.100s'", ch_zone_name(s->zone));
    ch_error own = {0};
    ch_status status =
        strchr(ch_zone_name(s->zone), '\'') ? CH_OK : execute(&c->head, text, NULL, &own);
    if (status == CH_E_JDBC_QUERY && !c->head.lost) {
        ch_error_release(&own);
        status = CH_OK;
    }
    (void)ch_error_pass(err, &own);
    CH_TRY(status);
    /* A query whose reader is gone is to end. */
    return PQserverVersion(c->db) < 140000
               ? CH_OK
               : execute(&c->head, "SET client_connection_check_interval = 1000", NULL, err);
}

static ch_status connect_pg(const ch_jdbc_source *source, ch_jdbc_conn **out, ch_error *err)
{
    *out = NULL;
    CH_TRY(ch_late_load("pq", err));
    pg_conn *c = ch_mem_zalloc(source->mem, sizeof *c, err);
    if (!c)
        return CH_E_MEMORY;
    c->head.source = source;
    ch_buf_init(&c->out, source->mem);
    ch_buf_init(&c->copy, source->mem);
    ch_status status = ch_jdbc_try_hosts(source, 5432, try_host, &c->head, err);
    if (status == CH_OK && PQsetnonblocking(c->db, 1) != 0)
        status = ch_pg_failed(c, "Connect", NULL, err);
    if (status == CH_OK)
        status = set_session(c, err);
    if (status != CH_OK) {
        close_conn(&c->head);
        return status;
    }
    *out = &c->head;
    return CH_OK;
}

static ch_status check(ch_jdbc_source *s, ch_error *err)
{
    const char *factory = ch_jdbc_property(s, "sslfactory");
    if (factory && strcmp(factory, "org.postgresql.ssl.NonValidatingFactory") != 0)
        CH_FAIL(err, JDBC_PROPERTY, "name", "sslfactory", "url", s->shown);
    return CH_OK;
}

/* ---- types ---------------------------------------------------------------------------------------------- */

/* What pg_type says of the types in the list that are not the built-in ones. */
static ch_status look_up(pg_conn *c, pg_type *type, int32_t n, ch_error *err)
{
    ch_buf sql;
    PGresult *result = NULL;
    ch_buf_init(&sql, c->head.source->mem);
    ch_status status =
        ch_buf_adds(&sql,
                    "SELECT t.oid, coalesce(b.oid, t.oid), coalesce(b.typname, t.typname), "
                    "CASE WHEN coalesce(b.typcategory, t.typcategory) = 'A' "
                    "THEN coalesce(b.typelem, t.typelem) ELSE 0 END, "
                    "CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE -1 END "
                    "FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_type b "
                    "ON t.typtype = 'd' AND b.oid = t.typbasetype WHERE t.oid IN (0",
                    err);
    for (int32_t i = 0; i < n && status == CH_OK; i++)
        status = ch_buf_printf(&sql, err, ", %u", type[i].oid);
    if (status == CH_OK)
        status = ch_buf_addc(&sql, ')', err);
    if (status == CH_OK)
        status = ch_pg_run(c, sql.data, "Read the types", &result, err);
    for (int32_t i = 0; i < n && status == CH_OK; i++)
        for (int r = 0; r < PQntuples(result); r++) {
            if ((Oid)strtoul(PQgetvalue(result, r, 0), NULL, 10) != type[i].oid)
                continue;
            int32_t mod = (int32_t)strtol(PQgetvalue(result, r, 4), NULL, 10);
            type[i].oid = (Oid)strtoul(PQgetvalue(result, r, 1), NULL, 10);
            type[i].element = (Oid)strtoul(PQgetvalue(result, r, 3), NULL, 10);
            snprintf(type[i].name, sizeof type[i].name, "%s", PQgetvalue(result, r, 2));
            if (mod >= 0)
                type[i].mod = mod;
            break;
        }
    PQclear(result);
    ch_buf_release(&sql);
    return status;
}

ch_status ch_pg_columns(pg_conn *c, const char *sql, ch_arena *arena, pg_type **type,
                        const char ***name, int32_t *n, ch_error *err)
{
    PGresult *result;
    if (!PQsendPrepare(c->db, "", sql, 0, NULL))
        return ch_pg_failed(c, "Read the columns", NULL, err);
    CH_TRY(results(c, "Read the columns", NULL, err));
    if (!PQsendDescribePrepared(c->db, ""))
        return ch_pg_failed(c, "Read the columns", NULL, err);
    CH_TRY(results(c, "Read the columns", &result, err));
    *n = PQnfields(result);
    *type = ch_arena_alloc(arena, sizeof **type * (size_t)(*n + 1), err);
    *name = ch_arena_alloc(arena, sizeof **name * (size_t)(*n + 1), err);
    ch_status status = *type && *name ? CH_OK : CH_E_MEMORY;
    for (int32_t i = 0; i < *n && status == CH_OK; i++) {
        (*type)[i] = (pg_type){.oid = PQftype(result, i), .mod = PQfmod(result, i)};
        (*name)[i] = ch_arena_str(arena, PQfname(result, i), err);
        status = (*name)[i] ? CH_OK : CH_E_MEMORY;
    }
    PQclear(result);
    return status == CH_OK && *n ? look_up(c, *type, *n, err) : status;
}

static const ch_type *numeric_of(int32_t mod)
{
    if (mod < 4)
        return ch_type_decimal(38, 18);
    int precision = ((mod - 4) >> 16) & 0xFFFF, scale = (((mod - 4) & 0x7FF) ^ 1024) - 1024;
    if (scale < 0) {
        precision -= scale;
        scale = 0;
    }
    scale = scale > 38 ? 38 : scale;
    precision = precision > 38 ? 38 : precision;
    return ch_type_decimal(precision < scale ? scale : precision, scale);
}

static const ch_type *flat_type(const ch_jdbc_source *s, Oid oid, int32_t mod)
{
    const ch_type *wall = ch_type_of(s->timestamp_ntz ? CH_TIMESTAMP_NTZ : CH_TIMESTAMP);
    switch ((pg_oid)oid) {
    case PG_BOOL:
        return CH_T_BOOLEAN;
    case PG_BYTEA:
        return ch_type_of(CH_BINARY);
    case PG_INT2:
        return ch_type_of(CH_SHORT);
    case PG_INT4:
        return CH_T_INT;
    case PG_INT8:
        return CH_T_LONG;
    case PG_OID: /* unsigned */
        return ch_type_decimal(20, 0);
    case PG_FLOAT4:
        return ch_type_of(CH_FLOAT);
    case PG_FLOAT8:
        return CH_T_DOUBLE;
    case PG_NUMERIC:
        return numeric_of(mod);
    case PG_DATE:
        return CH_T_DATE;
    case PG_TIMESTAMPTZ:
    case PG_TIMETZ:
        return CH_T_TIMESTAMP;
    case PG_TIMESTAMP:
    case PG_TIME:
        return wall;
    case PG_BIT:
        return mod == 1 ? CH_T_BOOLEAN : ch_type_of(CH_BINARY);
    case PG_VOID:
        return CH_T_NULL;
    default: /* text, and what has no counterpart: as text */
        return CH_T_STRING;
    }
}

const ch_type *ch_pg_type_of(const ch_jdbc_source *source, const pg_type *type)
{
    if (!type->element)
        return flat_type(source, type->oid, type->mod);
    if (type->element == PG_MONEY)
        return NULL;
    const ch_type *element = type->element == PG_BIT ? ch_type_of(CH_BINARY)
                                                     : flat_type(source, type->element, type->mod);
    return element ? ch_type_array(element, true) : NULL;
}

static ch_status describe(ch_jdbc_conn *conn, const char *sql, ch_arena *arena,
                          ch_jdbc_field **field, int32_t *n, ch_error *err)
{
    pg_type *type;
    const char **name;
    CH_TRY(ch_pg_columns((pg_conn *)conn, sql, arena, &type, &name, n, err));
    CH_ARENA_ARRAY(*field, arena, *n + 1, err);
    for (int32_t i = 0; i < *n; i++)
        (*field)[i] = (ch_jdbc_field){name[i], ch_pg_type_of(conn->source, &type[i]), type[i].name};
    return CH_OK;
}

/* true and false are no numbers there, and a moment has its zone with it. */
static ch_status literal(const ch_jdbc_source *source, const ch_scalar *value, ch_buf *out,
                         bool *done, ch_error *err)
{
    char text[CH_PG_MOMENT_TEXT];
    *done = value->type->id == CH_BOOLEAN || value->type->id == CH_TIMESTAMP;
    if (!*done)
        return CH_OK;
    if (value->type->id == CH_BOOLEAN)
        return ch_buf_adds(out, value->v.boolean ? "true" : "false", err);
    int len = ch_pg_print_moment(text, value->v.i64, source->zone);
    return ch_buf_printf(out, err, "'%.*s'", len, text);
}

/* Text by its bytes, whatever the column's collation; what is read as text and is none there is cast as for reading. */
static const char *grouped(const ch_type *type, ch_scan_item_kind kind)
{
    if (ch_type_is_string(type) && kind != CH_ITEM_COUNT)
        return "::text COLLATE \"C\"";
    /* OID, too, is a decimal here. */
    return type->id == CH_DECIMAL && kind == CH_ITEM_SUM ? "::numeric" : "";
}

static const char *const SCHEME[] = {"postgresql", NULL};
static const char *const PROPERTY[] = {
    "ssl",        "sslmode",       "sslrootcert",    "sslcert",         "sslkey",
    "sslfactory", "currentSchema", "connectTimeout", "ApplicationName", NULL};
static const char *const IGNORED[] = {"prepareThreshold",
                                      "preparedStatementCacheQueries",
                                      "preparedStatementCacheSizeMiB",
                                      "defaultRowFetchSize",
                                      "binaryTransfer",
                                      "reWriteBatchedInserts",
                                      "tcpKeepAlive",
                                      "loginTimeout",
                                      "stringtype",
                                      "assumeMinServerVersion",
                                      "autosave",
                                      NULL};

const ch_jdbc_driver ch_jdbc_driver_postgresql = {.scheme = SCHEME,
                                                  .quote = '"',
                                                  .property = PROPERTY,
                                                  .ignored = IGNORED,
                                                  .parse = ch_jdbc_parse_authority,
                                                  .check = check,
                                                  .connect = connect_pg,
                                                  .close = close_conn,
                                                  .execute = execute,
                                                  .describe = describe,
                                                  .open = ch_pg_open,
                                                  .fetch = ch_pg_fetch,
                                                  .finish = ch_pg_finish,
                                                  .literal = literal,
                                                  .grouped = grouped,
                                                  .column_type = ch_pg_column_type,
                                                  .write = &ch_pg_write};
