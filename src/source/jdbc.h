/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc.h - tables of databases that a JDBC URL names: what the options say, and what a driver is.
 *
 *   options ──ch_jdbc_source_of──▶ ch_jdbc_source ──driver->connect──▶ ch_jdbc_conn
 *                                                                       │ open(SELECT ...), fetch*, finish
 *                                                                       │ execute(any other statement)
 *                                                                       │ write->open, put*, finish (jdbc_write.h)
 *                                                                       ▼ close
 *
 * A driver is one file and one row of builtin/jdbc_drivers.def. It knows a database's protocol, how its types become
 * Spark's, and how it wants names and values written; what Spark's options mean is common to all.
 *
 * Threads: a connection is used by one thread at a time.
 * Cancelling: a driver asks ch_jdbc_heed() at least every 50 ms, also while it waits.
 * Credentials: ch_jdbc_source.shown is the only form of the URL that may leave this room.
 */
#ifndef CH_SOURCE_JDBC_H
#define CH_SOURCE_JDBC_H

#include "base/arena.h"
#include "base/strmap.h"
#include "column/batch.h"
#include "format/format.h"
#include "type/timezone.h"

typedef struct ch_jdbc_driver ch_jdbc_driver;

/* What the options of a read or a write say. Everything lies in the arena that it was made in. */
typedef struct ch_jdbc_source {
    const ch_jdbc_driver *driver;
    const char *shown;    /* scheme, host and database: without user, password and properties */
    const char *host;     /* of the URL, several with commas; NULL: none */
    const char *database; /* a path for files; NULL: none */
    const char *user, *password;
    ch_strmap *
        property; /* the connection's, const char * values: of the URL, and options that are not Spark's */
    const char *table; /* as FROM takes it; of the option query: in parentheses, with an alias */
    const char *name;  /* the same for people: the option's value */
    bool is_query;
    const char *init_statement;
    int64_t timeout_s; /* of a statement; 0: none */
    bool timestamp_ntz, writes;
    bool push_predicate, push_limit, push_aggregate;
    const char *prepare,
        *hint;             /* before SELECT and behind it, with the blank between; "": nothing */
    const char *isolation; /* "READ COMMITTED"; NULL: as the server has it */
    int64_t batch_rows;    /* of a statement that writes, at most; 0: not told */
    const ch_type *custom; /* STRUCT: customSchema; NULL: none */
    const char *partition_column, *lower, *upper;
    int64_t n_partitions; /* 0: not told */
    ch_strmap *options;   /* as given */
    const ch_zone *zone;  /* session's: of TIMESTAMP without a zone */
    ch_mem *mem;
    const _Atomic bool *cancel; /* NULL: cannot be cancelled */
} ch_jdbc_source;

/* A column of a query, as its database tells. */
typedef struct ch_jdbc_field {
    const char *name;
    const ch_type *type; /* Spark's; NULL: it has none for this, and `native` says what it is */
    const char *native;
} ch_jdbc_field;

/* The head of every connection; a driver's own struct begins with it. */
typedef struct ch_jdbc_conn {
    const ch_jdbc_source *source; /* borrowed */
    int64_t deadline_ns;          /* of the statement that runs; 0: none */
    bool lost;                    /* it can only be closed */
} ch_jdbc_conn;

/* ---- rows under construction (jdbc_rows.c) ------------------------------------------------------------- */

typedef struct ch_jdbc_column {
    const ch_type *type;
    ch_column *column; /* `cap` rows; NULL for nested types */
    ch_buffer *text;   /* where the next long text goes; NULL: none yet */
    int64_t text_len;
    int32_t text_idx;
    int32_t padding;  /* characters of a CHAR, which is filled with blanks; 0: none */
    ch_scalar *value; /* nested types: one per row, in arena */
} ch_jdbc_column;

typedef struct ch_jdbc_rows {
    ch_mem *mem;
    ch_arena arena; /* of nested values */
    const ch_zone *zone;
    int32_t n_columns;
    ch_jdbc_column *column;
    int64_t n, cap; /* rows that are there, and that may be */
} ch_jdbc_rows;

CH_NODISCARD ch_status ch_jdbc_rows_init(ch_jdbc_rows *rows, ch_mem *mem, const ch_zone *zone,
                                         const ch_type *const *type, int32_t n_columns, int64_t cap,
                                         ch_error *err);
/* The rows that are there become columns of out (its slots are empty); rows may be released or begun again. */
CH_NODISCARD ch_status ch_jdbc_rows_take(ch_jdbc_rows *rows, ch_batch *out, ch_error *err);
void ch_jdbc_rows_release(ch_jdbc_rows *rows);

/* Row rows->n of column c; the caller counts n up when a row is whole. */
CH_NODISCARD ch_status ch_jdbc_put_null(ch_jdbc_rows *rows, int32_t c, ch_error *err);
/* Integers, dates, times, timestamps: of the width of the type. */
static inline void ch_jdbc_put_i64(ch_jdbc_rows *rows, int32_t c, int64_t value)
{
    ch_column *to = rows->column[c].column;
    switch (ch_type_width(to->type)) {
    case 1:
        ((int8_t *)to->data)[rows->n] = (int8_t)value;
        break;
    case 2:
        ((int16_t *)to->data)[rows->n] = (int16_t)value;
        break;
    case 4:
        ((int32_t *)to->data)[rows->n] = (int32_t)value;
        break;
    default:
        ((int64_t *)to->data)[rows->n] = value;
    }
}
void ch_jdbc_put_bool(ch_jdbc_rows *rows, int32_t c, bool value);
/* DECIMAL: the unscaled value of the type's scale. */
void ch_jdbc_put_decimal(ch_jdbc_rows *rows, int32_t c, ch_i128 value);
void ch_jdbc_put_f64(ch_jdbc_rows *rows, int32_t c, double value);
/* STRING and BINARY; copied. */
CH_NODISCARD ch_status ch_jdbc_put_bytes(ch_jdbc_rows *rows, int32_t c, const char *text,
                                         int64_t len, ch_error *err);
/* Nested types: the value, whose items lie in rows->arena. */
void ch_jdbc_put_scalar(ch_jdbc_rows *rows, int32_t c, const ch_scalar *value);
/*
 * Any flat type, from the text that a database gives for it.
 * Errors CH_E_JDBC_VALUE, naming the column's type.
 */
CH_NODISCARD ch_status ch_jdbc_put_text(ch_jdbc_rows *rows, int32_t c, const char *text,
                                        int64_t len, ch_error *err);
CH_NODISCARD ch_status ch_jdbc_bad_value(const ch_jdbc_rows *rows, int32_t c, const char *text,
                                         int64_t len, ch_error *err);

/* ---- drivers -------------------------------------------------------------------------------------------- */

struct ch_jdbc_driver {
    const char *const *scheme; /* "mysql", NULL: what may follow "jdbc:" */
    char quote;                /* around names */
    bool backslash;            /* text in quotes has escapes with \ */
    bool
        loose_moments; /* dates and timestamps are kept in ways that a comparison there does not know */
    /* Connection properties that connect obeys, and those that change nothing here; both end with NULL. */
    const char *const *property, *const *ignored;
    /* Takes apart what follows "jdbc:scheme:": host, database, user, password, property, shown. */
    CH_NODISCARD ch_status (*parse)(ch_jdbc_source *source, ch_arena *arena, const char *scheme,
                                    const char *rest, ch_error *err);
    /* When all options are known; may be NULL. */
    CH_NODISCARD ch_status (*check)(ch_jdbc_source *source, ch_error *err);
    CH_NODISCARD ch_status (*connect)(const ch_jdbc_source *source, ch_jdbc_conn **out,
                                      ch_error *err);
    void (*close)(ch_jdbc_conn *conn);
    /* A statement without rows, or whose rows do not matter. n_rows: changed ones; may be NULL. */
    CH_NODISCARD ch_status (*execute)(ch_jdbc_conn *conn, const char *sql, int64_t *n_rows,
                                      ch_error *err);
    /* The columns of a query, which does not run. In arena. */
    CH_NODISCARD ch_status (*describe)(ch_jdbc_conn *conn, const char *sql, ch_arena *arena,
                                       ch_jdbc_field **field, int32_t *n, ch_error *err);
    /* Runs a query whose columns are wanted as these types, or as ones that Spark can read as such. */
    CH_NODISCARD ch_status (*open)(ch_jdbc_conn *conn, const char *sql, const ch_type *const *type,
                                   int32_t n, ch_error *err);
    /* Adds rows until rows->cap are there or the query has no more; then *more is false. */
    CH_NODISCARD ch_status (*fetch)(ch_jdbc_conn *conn, ch_jdbc_rows *rows, bool *more,
                                    ch_error *err);
    /* Ends a query; at once, also when it has more rows (the connection may be lost then). */
    void (*finish)(ch_jdbc_conn *conn);
    /* How values are written in a statement; NULL: as standard SQL has it. */
    CH_NODISCARD ch_status (*literal)(const ch_jdbc_source *source, const ch_scalar *value,
                                      ch_buf *out, bool *done, ch_error *err);
    /*
     * Can the database group by such a column, or aggregate it, so that what comes is what would be made here? Says what is
     * put behind the column's name for it; NULL: it cannot. Asked only what ch_jdbc_aggregates lets pass for all.
     */
    const char *(*grouped)(const ch_type *type, ch_scan_item_kind kind);
    bool has_hints; /* of the optimizer, behind SELECT */
    /* The table's type for a column of Spark's; *out NULL: there is none. */
    CH_NODISCARD ch_status (*column_type)(const ch_type *type, ch_arena *arena, const char **out,
                                          ch_error *err);
    const struct ch_jdbc_write_class *write; /* NULL: only reads */
};

/* Spark's options; ends with {0}. */
extern const ch_option ch_jdbc_option_table[];
/* Scheme without case; NULL: no driver has it. */
const ch_jdbc_driver *ch_jdbc_driver_find(const char *scheme, size_t len);

/*
 * Reads the options.
 *   writes  the options are those of a write: a table's name, and no query
 * Errors CH_E_ILLEGAL_ARGUMENT as Spark has them, CH_E_JDBC_PROPERTY, CH_E_UNSUPPORTED.
 */
CH_NODISCARD ch_status ch_jdbc_source_of(const ch_format_context *ctx, const ch_strmap *options,
                                         bool writes, ch_arena *arena, ch_jdbc_source **out,
                                         ch_error *err);
/* Connects, and runs sessionInitStatement. */
CH_NODISCARD ch_status ch_jdbc_connect(const ch_jdbc_source *source, ch_jdbc_conn **out,
                                       ch_error *err);
/* NULL is ignored. */
void ch_jdbc_close(ch_jdbc_conn *conn);
/* The columns of the table as Spark has them. In arena. */
CH_NODISCARD ch_status ch_jdbc_schema(const ch_jdbc_source *source, ch_arena *arena,
                                      const ch_type **out, ch_error *err);

/* The type that the option customSchema names for the column; NULL: none. */
const ch_type *ch_jdbc_custom_type(const ch_jdbc_source *source, const char *name);
/* CH_E_CANCELLED when the query is to stop, CH_E_JDBC_QUERY when its time is over. */
CH_NODISCARD ch_status ch_jdbc_heed(const ch_jdbc_conn *conn, ch_error *err);
/* Waits until fd can be read (or written), asking ch_jdbc_heed. */
CH_NODISCARD ch_status ch_jdbc_wait(const ch_jdbc_conn *conn, int fd, bool read, bool write,
                                    ch_error *err);
/* What the database said, without line ends at its end. */
CH_NODISCARD ch_status ch_jdbc_failed(const ch_jdbc_source *source, const char *operation,
                                      const char *reason, ch_error *err);
/* A property of the connection, or NULL. */
const char *ch_jdbc_property(const ch_jdbc_source *source, const char *name);
/* key=value&key=value, percent-encoded, into source->property; user and password into their places. */
CH_NODISCARD ch_status ch_jdbc_parse_properties(ch_jdbc_source *source, ch_arena *arena,
                                                const char *text, ch_error *err);
/* //[user[:password]@]host[:port][,...][/database][?properties], as MySQL and PostgreSQL have it. */
CH_NODISCARD ch_status ch_jdbc_parse_authority(ch_jdbc_source *source, ch_arena *arena,
                                               const char *scheme, const char *rest, ch_error *err);
/*
 * Tries the URL's hosts in their order (fallback: the port where none is told) until one gives no CH_E_JDBC_CONNECTION.
 * Errors: what `connect` said of the last one.
 */
CH_NODISCARD ch_status ch_jdbc_try_hosts(const ch_jdbc_source *source, int fallback,
                                         ch_status (*connect)(ch_jdbc_conn *conn, const char *host,
                                                              int port, ch_error *err),
                                         ch_jdbc_conn *conn, ch_error *err);

/* ---- statements (jdbc_sql.c) ---------------------------------------------------------------------------- */

CH_NODISCARD ch_status ch_jdbc_add_name(const ch_jdbc_driver *driver, const char *name, ch_buf *out,
                                        ch_error *err);
/* A value that is not NULL; *done false: it cannot be written. */
CH_NODISCARD ch_status ch_jdbc_add_value(const ch_jdbc_source *source, const ch_scalar *value,
                                         ch_buf *out, bool *done, ch_error *err);
/* A pushed predicate on the column called name; *done false: it cannot be written, and out is as it was. */
CH_NODISCARD ch_status ch_jdbc_add_predicate(const ch_jdbc_source *source, const ch_predicate *p,
                                             const char *name, ch_buf *out, bool *done,
                                             ch_error *err);
static inline bool ch_jdbc_is_moment(const ch_type *t)
{
    return t->id == CH_DATE || t->id == CH_TIMESTAMP || t->id == CH_TIMESTAMP_NTZ;
}
/* Does the database aggregate the column of rows exactly as Chert does? */
bool ch_jdbc_aggregates(const ch_jdbc_source *source, const ch_type *rows,
                        const ch_scan_item *item);
/* MIN("a"), or the key; of an item that ch_jdbc_aggregates. */
CH_NODISCARD ch_status ch_jdbc_add_item(const ch_jdbc_source *source, const ch_type *rows,
                                        const ch_scan_item *item, ch_buf *out, ch_error *err);
/* The keys or the aggregates, with commas. */
CH_NODISCARD ch_status ch_jdbc_add_items(const ch_jdbc_source *source, const ch_scan_aggregate *a,
                                         bool keys, ch_buf *out, ch_error *err);
/* The WHERE clauses of the parallel reads; n == 1 with clause[0] NULL: all in one. */
CH_NODISCARD ch_status ch_jdbc_partitions(const ch_jdbc_source *source, const ch_type *schema,
                                          bool case_sensitive, ch_arena *arena,
                                          const char *const **clause, int32_t *n, ch_error *err);

#endif
