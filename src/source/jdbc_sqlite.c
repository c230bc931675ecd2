/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_sqlite.c - jdbc:sqlite:FILE, with libsqlite3.
 *
 * SQLite's columns have no types but its values do. A column's type is made of its declaration, as the usual driver for
 * Java (Xerial's) tells Spark; each value is then read as that type whatever it is stored as: an integer in a column of
 * dates is milliseconds since the epoch, a real one a Julian day.
 *
 * ATTACH is asked about like any other file, so that no statement leads out of what may be touched.
 */
#include <ctype.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "source/jdbc.h"
#include "source/jdbc_write.h"
#include "store/access.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

typedef struct sqlite_conn {
    ch_jdbc_conn head;
    sqlite3 *db;
    sqlite3_stmt *query, *insert;
    int busy_ms, busy_now; /* how long a lock is waited for */
    bool refused;          /* by heed: *err of the call that runs says why */
} sqlite_conn;

/* ---- the URL -------------------------------------------------------------------------------------------- */

static ch_status parse(ch_jdbc_source *s, ch_arena *arena, const char *scheme, const char *rest,
                       ch_error *err)
{
    size_t len = strcspn(rest, "?");
    CH_UNUSED(scheme);
    CH_TRY(ch_jdbc_parse_properties(s, arena, rest + len + (rest[len] == '?'), err));
    s->shown = ch_arena_printf(arena, err, "jdbc:sqlite:%.*s", (int)len, rest);
    if (!s->shown)
        return CH_E_MEMORY;
    if (strncasecmp(rest, ":resource:", 10) == 0)
        CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason",
                "there are no resources without a JVM");
    if (strncasecmp(rest, "file:", 5) == 0) {
        rest += 5;
        len -= 5;
        if (strncmp(rest, "///", 3) == 0) {
            rest += 2;
            len -= 2;
        }
    }
    s->database = ch_arena_strn(arena, rest, len, err);
    if (s->database && (!*s->database || strcmp(s->database, ":memory:") == 0))
        s->database = ":memory:";
    return s->database ? CH_OK : CH_E_MEMORY;
}

/* ---- connections ---------------------------------------------------------------------------------------- */

static int on_progress(void *user)
{
    sqlite_conn *c = user;
    c->refused = ch_jdbc_heed(&c->head, NULL) != CH_OK;
    return c->refused;
}

static int on_busy(void *user, int n_calls)
{
    sqlite_conn *c = user;
    struct timespec pause = {.tv_nsec = 5000000};
    if (n_calls * 5 >= c->busy_now || on_progress(c))
        return 0;
    nanosleep(&pause, NULL);
    return 1;
}

/* Some builds of SQLite take such a name for a URI, whose file is another one than that of the path. */
static bool is_uri(const char *path)
{
    return strncmp(path, "file:", 5) == 0;
}

static int on_action(void *user, int action, const char *what, const char *more, const char *db,
                     const char *trigger)
{
    CH_UNUSED(user);
    CH_UNUSED(more);
    CH_UNUSED(db);
    CH_UNUSED(trigger);
    if (action == SQLITE_PRAGMA && what &&
        (strcasecmp(what, "temp_store_directory") == 0 ||
         strcasecmp(what, "data_store_directory") == 0))
        return SQLITE_DENY;
    if (action != SQLITE_ATTACH || (what && (!*what || strcmp(what, ":memory:") == 0)))
        return SQLITE_OK;
    return what && !is_uri(what) && ch_access_check(what, true, NULL) == CH_OK ? SQLITE_OK
                                                                               : SQLITE_DENY;
}

static ch_status failed(sqlite_conn *c, const char *operation, ch_error *err)
{
    if (c->refused || ch_jdbc_heed(&c->head, NULL) != CH_OK) {
        c->refused = false;
        CH_TRY(ch_jdbc_heed(&c->head, err));
    }
    return ch_jdbc_failed(c->head.source, operation, sqlite3_errmsg(c->db), err);
}

static void sqlite_close(ch_jdbc_conn *conn)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    sqlite3_finalize(c->query);
    sqlite3_finalize(c->insert);
    sqlite3_close(c->db);
    ch_mem_free(conn->source->mem, c, sizeof *c);
}

static ch_status execute(ch_jdbc_conn *conn, const char *sql, int64_t *n_rows, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return failed(c, "Run a statement", err);
    if (n_rows)
        *n_rows = sqlite3_changes64(c->db);
    return CH_OK;
}

static const char *const PROPERTY[] = {
    "busy_timeout",     "mode",       "foreign_keys",       "journal_mode",
    "synchronous",      "cache_size", "temp_store",         "locking_mode",
    "read_uncommitted", "mmap_size",  "recursive_triggers", NULL};
static const char *const IGNORED[] = {"cache", NULL};

/* Those that are PRAGMAs: words and numbers only. */
static ch_status set_properties(sqlite_conn *c, ch_error *err)
{
    const ch_strmap *map = c->head.source->property;
    for (int32_t i = 0; i < map->n; i++) {
        const char *name = map->entry[i].key, *value = map->entry[i].value;
        char sql[160];
        if (strcasecmp(name, "mode") == 0 || strcasecmp(name, "cache") == 0)
            continue;
        for (const char *v = value; *v; v++)
            if (!isalnum((unsigned char)*v) && *v != '_' && *v != '-')
                CH_FAIL(err, INVALID_OPTION, "name", name, "value", value, "expected",
                        "a word or a number");
        if (strcasecmp(name, "busy_timeout") == 0) {
            c->busy_ms = c->busy_now = atoi(value);
            continue;
        }
        snprintf(sql, sizeof sql, "PRAGMA %.40s = %.60s", name, value);
        CH_TRY(execute(&c->head, sql, NULL, err));
    }
    return CH_OK;
}

static ch_status open_file(sqlite_conn *c, ch_error *err)
{
    const ch_jdbc_source *s = c->head.source;
    const char *mode = ch_jdbc_property(s, "mode");
    int flags = SQLITE_OPEN_READWRITE | (s->writes ? SQLITE_OPEN_CREATE : 0);
    if (is_uri(s->database))
        CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason",
                "its path begins with file: twice");
    if (mode && strcasecmp(mode, "ro") == 0)
        flags = SQLITE_OPEN_READONLY;
    else if (mode && strcasecmp(mode, "rw") == 0)
        flags = SQLITE_OPEN_READWRITE;
    if (strcmp(s->database, ":memory:") != 0) {
        CH_TRY(ch_access_check(s->database, s->writes, err));
        if (ch_access_check(s->database, true, NULL) != CH_OK)
            flags = SQLITE_OPEN_READONLY;
    }
    if (mode && strcasecmp(mode, "memory") == 0)
        flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY;
    int code = sqlite3_open_v2(s->database, &c->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        CH_FAIL(err, JDBC_CONNECTION, "url", s->shown, "reason",
                c->db ? sqlite3_errmsg(c->db) : "out of memory");
    return CH_OK;
}

static ch_status connect(const ch_jdbc_source *source, ch_jdbc_conn **out, ch_error *err)
{
    sqlite_conn *c = ch_mem_zalloc(source->mem, sizeof *c, err);
    *out = NULL;
    if (!c)
        return CH_E_MEMORY;
    c->head.source = source;
    c->busy_ms = c->busy_now = 3000;
    ch_status status = open_file(c, err);
    if (status == CH_OK) {
        sqlite3_progress_handler(c->db, 5000, on_progress, c);
        sqlite3_busy_handler(c->db, on_busy, c);
        sqlite3_set_authorizer(c->db, on_action, c);
        status = set_properties(c, err);
    }
    if (status != CH_OK) {
        sqlite_close(&c->head);
        return status;
    }
    *out = &c->head;
    return CH_OK;
}

/* ---- types ---------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    ch_type_id type;
} TYPES[] = {
    {"BOOLEAN", CH_BOOLEAN},
    {"TINYINT", CH_INT},
    {"SMALLINT", CH_INT},
    {"INT2", CH_INT},
    {"INTEGER", CH_INT},
    /* That driver takes these for unsigned. */
    {"INT", CH_LONG},
    {"MEDIUMINT", CH_LONG},
    {"BIGINT", CH_DECIMAL},
    {"INT8", CH_DECIMAL},
    {"UNSIGNED BIG INT", CH_DECIMAL},
    {"DATE", CH_DATE},
    {"DATETIME", CH_DATE},
    {"TIMESTAMP", CH_TIMESTAMP},
    {"REAL", CH_DOUBLE},
    {"DOUBLE", CH_DOUBLE},
    {"DOUBLE PRECISION", CH_DOUBLE},
    {"FLOAT", CH_FLOAT},
    {"CHARACTER", CH_CHAR},
    {"NCHAR", CH_CHAR},
    {"NATIVE CHARACTER", CH_CHAR},
    {"CHAR", CH_CHAR},
    {"CLOB", CH_STRING},
    {"VARCHAR", CH_STRING},
    {"VARYING CHARACTER", CH_STRING},
    {"NVARCHAR", CH_STRING},
    {"TEXT", CH_STRING},
    {"BINARY", CH_BINARY},
    {"BLOB", CH_BINARY},
};

/* NUMERIC(10, 2): digits behind the name; Spark's default without them. */
static const ch_type *decimal_of(const char *declared)
{
    const char *paren = declared ? strchr(declared, '(') : NULL;
    int precision = 0, scale = 0;
    if (!paren || sscanf(paren, "( %d , %d", &precision, &scale) < 1 || precision < 1)
        return ch_type_decimal(38, 18);
    if (scale < 0)
        precision -= scale;
    scale = scale < 0 ? 0 : scale > 38 ? 38 : scale;
    return ch_type_decimal(precision > 38 ? 38 : precision < scale ? scale : precision, scale);
}

static const ch_type *char_of(const char *declared)
{
    int length = 0;
    const char *paren = strchr(declared, '(');
    return paren && sscanf(paren, "( %d", &length) == 1 && length > 0 ? ch_type_char(length)
                                                                      : CH_T_STRING;
}

static const ch_type *type_of(const ch_jdbc_source *s, const char *declared)
{
    size_t len = declared ? strcspn(declared, "(") : 0;
    while (len && isspace((unsigned char)declared[len - 1]))
        len--;
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (strlen(TYPES[i].name) == len && strncasecmp(TYPES[i].name, declared, len) == 0) {
            if (TYPES[i].type == CH_DECIMAL)
                return ch_type_decimal(20, 0);
            if (TYPES[i].type == CH_CHAR)
                return char_of(declared);
            if (TYPES[i].type == CH_TIMESTAMP && s->timestamp_ntz)
                return ch_type_of(CH_TIMESTAMP_NTZ);
            return ch_type_of(TYPES[i].type);
        }
    return decimal_of(declared);
}

static ch_status describe(ch_jdbc_conn *conn, const char *sql, ch_arena *arena,
                          ch_jdbc_field **field, int32_t *n, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    sqlite3_stmt *stmt = NULL;
    ch_status status = CH_OK;
    if (sqlite3_prepare_v2(c->db, sql, -1, &stmt, NULL) != SQLITE_OK)
        return failed(c, "Read the columns", err);
    *n = sqlite3_column_count(stmt);
    *field = ch_arena_alloc(arena, sizeof **field * (size_t)(*n + 1), err);
    for (int32_t i = 0; i < *n && *field && status == CH_OK; i++) {
        const char *declared = sqlite3_column_decltype(stmt, i),
                   *name = sqlite3_column_name(stmt, i);
        ch_jdbc_field *f = &(*field)[i];
        f->name = ch_arena_str(arena, name ? name : "", err);
        f->native = ch_arena_str(arena, declared ? declared : "", err);
        f->type = type_of(conn->source, declared);
        status = f->name && f->native ? CH_OK : CH_E_MEMORY;
        if (status == CH_OK && !f->type)
            status = ch_error_memory(err, "types", 0, 0);
    }
    sqlite3_finalize(stmt);
    return *field ? status : CH_E_MEMORY;
}

/* ---- reading -------------------------------------------------------------------------------------------- */

static ch_status open_query(ch_jdbc_conn *conn, const char *sql, const ch_type *const *type,
                            int32_t n, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    CH_UNUSED(type);
    CH_UNUSED(n);
    if (sqlite3_prepare_v2(c->db, sql, -1, &c->query, NULL) != SQLITE_OK)
        return failed(c, "Read rows", err);
    return CH_OK;
}

static ch_status put_moment(ch_jdbc_rows *rows, int32_t c, int64_t utc_us)
{
    ch_type_id id = rows->column[c].type->id;
    int64_t left, local = ch_zone_to_local(rows->zone, utc_us);
    ch_jdbc_put_i64(rows, c,
                    id == CH_TIMESTAMP ? utc_us
                    : id == CH_DATE    ? ch_day_of(local, &left)
                                       : local);
    return CH_OK;
}

static ch_status put_integer(ch_jdbc_rows *rows, int32_t c, int64_t value, ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    char text[CH_NUMBER_TEXT];
    int64_t us;
    switch (type->id) {
    case CH_LONG:
        ch_jdbc_put_i64(rows, c, value);
        return CH_OK;
    case CH_INT:
        if (value == (int32_t)value) {
            ch_jdbc_put_i64(rows, c, value);
            return CH_OK;
        }
        break;
    case CH_FLOAT:
    case CH_DOUBLE:
        ch_jdbc_put_f64(rows, c, (double)value);
        return CH_OK;
    case CH_DATE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        if (!__builtin_mul_overflow(value, 1000, &us))
            return put_moment(rows, c, us);
        break;
    default:
        break;
    }
    return ch_jdbc_put_text(rows, c, text, ch_print_i64(text, value), err);
}

static ch_status put_real(ch_jdbc_rows *rows, int32_t c, double value, ch_error *err)
{
    const ch_type *type = rows->column[c].type;
    char text[CH_NUMBER_TEXT];
    ch_i128 decimal;
    switch (type->id) {
    case CH_FLOAT:
    case CH_DOUBLE:
        ch_jdbc_put_f64(rows, c, value);
        return CH_OK;
    case CH_DECIMAL:
        if (!ch_dec_from_f64(value, type->precision, type->scale, &decimal))
            break;
        ch_jdbc_put_decimal(rows, c, decimal);
        return CH_OK;
    case CH_DATE:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ: /* a Julian day */
        if (value < -1e8 || value > 1e8)
            break;
        return put_moment(rows, c, (int64_t)((value - 2440587.5) * 86400000 + 0.5) * 1000);
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        if (value > -9.2e18 && value < 9.2e18)
            return put_integer(rows, c, (int64_t)value, err);
        break;
    default:
        break;
    }
    return ch_jdbc_put_text(rows, c, text, ch_print_f64(text, value), err);
}

static ch_status put(sqlite_conn *conn, ch_jdbc_rows *rows, int32_t c, ch_error *err)
{
    sqlite3_stmt *q = conn->query;
    const char *text;
    int kind = sqlite3_column_type(q, c);
    if (kind == SQLITE_NULL)
        return ch_jdbc_put_null(rows, c, err);
    if (rows->column[c].type->id == CH_BOOLEAN) { /* as a number, whatever it is */
        ch_jdbc_put_bool(rows, c, sqlite3_column_int(q, c) != 0);
        return CH_OK;
    }
    if (kind == SQLITE_INTEGER)
        return put_integer(rows, c, sqlite3_column_int64(q, c), err);
    if (kind == SQLITE_FLOAT)
        return put_real(rows, c, sqlite3_column_double(q, c), err);
    if (kind == SQLITE_TEXT)
        text = (const char *)sqlite3_column_text(q, c);
    else
        text = sqlite3_column_blob(q, c);
    int len = sqlite3_column_bytes(q, c);
    if (!text && len)
        return ch_error_memory(err, "sqlite", len, 0);
    return ch_jdbc_put_text(rows, c, text ? text : "", len, err);
}

static ch_status fetch(ch_jdbc_conn *conn, ch_jdbc_rows *rows, bool *more, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    while (rows->n < rows->cap) {
        int code = sqlite3_step(c->query);
        if (code == SQLITE_DONE) {
            *more = false;
            return CH_OK;
        }
        if (code != SQLITE_ROW)
            return failed(c, "Read rows", err);
        for (int32_t i = 0; i < rows->n_columns; i++)
            CH_TRY(put(c, rows, i, err));
        rows->n++;
    }
    return CH_OK;
}

static void finish(ch_jdbc_conn *conn)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    sqlite3_finalize(c->query);
    c->query = NULL;
}

/* ---- writing -------------------------------------------------------------------------------------------- */

/* What Spark's common types are, without a dialect of its own. */
static ch_status column_type(const ch_type *type, ch_arena *arena, const char **out, ch_error *err)
{
    *out = ch_jdbc_common_type(type);
    if (type->id == CH_DECIMAL) {
        *out = ch_arena_printf(arena, err, "DECIMAL(%d,%d)", type->precision, type->scale);
        return *out ? CH_OK : CH_E_MEMORY;
    }
    return CH_OK;
}

static ch_status put_open(ch_jdbc_conn *conn, const char *table, const char *const *column,
                          const ch_type *schema, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    ch_buf sql;
    ch_buf_init(&sql, conn->source->mem);
    ch_status status = ch_buf_printf(&sql, err, "INSERT INTO %s (", table);
    for (int32_t i = 0; i < schema->n_fields && status == CH_OK; i++) {
        status = i ? ch_buf_addc(&sql, ',', err) : CH_OK;
        if (status == CH_OK)
            status = ch_jdbc_add_name(conn->source->driver, column[i], &sql, err);
    }
    if (status == CH_OK)
        status = ch_buf_adds(&sql, ") VALUES (", err);
    for (int32_t i = 0; i < schema->n_fields && status == CH_OK; i++)
        status = ch_buf_adds(&sql, i ? ",?" : "?", err);
    if (status == CH_OK)
        status = ch_buf_addc(&sql, ')', err);
    if (status == CH_OK && sqlite3_prepare_v2(c->db, sql.data, -1, &c->insert, NULL) != SQLITE_OK)
        status = failed(c, "Write rows", err);
    ch_buf_release(&sql);
    /* Pages that find no place wait in memory, and not for whoever reads. */
    c->busy_now = 0;
    return status;
}

static int64_t millis(int64_t us)
{
    return us / 1000 - (us % 1000 < 0);
}

static int bind(sqlite3_stmt *s, int at, const ch_column *col, int64_t i, const ch_zone *zone)
{
    const ch_type *type = col->type;
    char text[CH_DECIMAL_TEXT];
    ch_i128 wide;
    ch_str str;
    switch (type->id) {
    case CH_BOOLEAN:
        return sqlite3_bind_int(s, at, ch_bit_get(col->data, i));
    case CH_FLOAT:
        return sqlite3_bind_double(s, at, (double)((const float *)col->data)[i]);
    case CH_DOUBLE:
        return sqlite3_bind_double(s, at, ((const double *)col->data)[i]);
    case CH_DECIMAL:
        wide = ch_type_is_wide_decimal(type) ? ((const ch_i128 *)col->data)[i]
                                             : ((const int64_t *)col->data)[i];
        return sqlite3_bind_text(s, at, text, ch_dec_print_java(text, wide, type->scale),
                                 SQLITE_TRANSIENT);
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        str = ch_column_str(col, i);
        return sqlite3_bind_text64(s, at, str.text, (uint64_t)str.len, SQLITE_STATIC, SQLITE_UTF8);
    case CH_BINARY:
        str = ch_column_str(col, i);
        return sqlite3_bind_blob64(s, at, str.len ? str.text : "", (uint64_t)str.len,
                                   SQLITE_STATIC);
    case CH_DATE: /* milliseconds, as the driver for Java keeps them */
        return sqlite3_bind_int64(
            s, at, millis(ch_zone_to_utc(zone, ch_column_i64(col, i) * CH_US_PER_DAY)));
    case CH_TIMESTAMP_NTZ:
        return sqlite3_bind_int64(s, at, millis(ch_zone_to_utc(zone, ch_column_i64(col, i))));
    case CH_TIMESTAMP:
        return sqlite3_bind_int64(s, at, millis(ch_column_i64(col, i)));
    default:
        return sqlite3_bind_int64(s, at, ch_column_i64(col, i));
    }
}

static ch_status put_rows(ch_jdbc_conn *conn, ch_batch *batch, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    for (int64_t i = 0; i < batch->n; i++) {
        int code = SQLITE_OK;
        for (int32_t k = 0; k < batch->n_cols && code == SQLITE_OK; k++) {
            const ch_column *col = batch->col[k];
            code = ch_column_is_null(col, i) ? sqlite3_bind_null(c->insert, k + 1)
                                             : bind(c->insert, k + 1, ch_column_values(col),
                                                    ch_column_slot(col, i), conn->source->zone);
        }
        if (code == SQLITE_OK)
            code = sqlite3_step(c->insert);
        if (code != SQLITE_DONE || sqlite3_reset(c->insert) != SQLITE_OK)
            return failed(c, "Write rows", err);
    }
    return CH_OK;
}

static ch_status put_finish(ch_jdbc_conn *conn, ch_error *err)
{
    sqlite_conn *c = (sqlite_conn *)conn;
    CH_UNUSED(err);
    sqlite3_finalize(c->insert);
    c->insert = NULL;
    c->busy_now = c->busy_ms;
    return CH_OK;
}

static const ch_jdbc_write_class WRITE = {
    .begin = "BEGIN IMMEDIATE", .open = put_open, .put = put_rows, .finish = put_finish};

/*
 * A number there may be of another type than its column, and text may be bytes: what they are read as is in the same order
 * for numbers, but does not add up.
 */
static const char *grouped(const ch_type *type, ch_scan_item_kind kind)
{
    if (kind == CH_ITEM_COUNT)
        return "";
    if (ch_jdbc_is_moment(type) || kind == CH_ITEM_SUM)
        return NULL;
    if (ch_type_is_string(type))
        return kind == CH_ITEM_KEY ? " COLLATE BINARY" : NULL;
    return "";
}

static const char *const SCHEME[] = {"sqlite", NULL};

const ch_jdbc_driver ch_jdbc_driver_sqlite = {.scheme = SCHEME,
                                              .quote = '"',
                                              .loose_moments = true,
                                              .property = PROPERTY,
                                              .ignored = IGNORED,
                                              .parse = parse,
                                              .connect = connect,
                                              .close = sqlite_close,
                                              .execute = execute,
                                              .describe = describe,
                                              .open = open_query,
                                              .fetch = fetch,
                                              .finish = finish,
                                              .grouped = grouped,
                                              .column_type = column_type,
                                              .write = &WRITE};
