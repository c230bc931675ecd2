/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_postgresql.h - what the files of the PostgreSQL driver share: connecting and types (jdbc_postgresql.c), reading
 * (jdbc_postgresql_read.c), writing (jdbc_postgresql_write.c).
 */
#ifndef CH_SOURCE_JDBC_POSTGRESQL_H
#define CH_SOURCE_JDBC_POSTGRESQL_H

#include <libpq-fe.h>

#include "source/jdbc_write.h"
#include "type/datetime.h"

/* The types of pg_type.dat that are known here, by their numbers, which never change. */
typedef enum pg_oid {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_CHAR = 18,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_OID = 26,
    PG_JSON = 114,
    PG_XML = 142,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_UNKNOWN = 705,
    PG_MONEY = 790,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_DATE = 1082,
    PG_TIME = 1083,
    PG_TIMESTAMP = 1114,
    PG_TIMESTAMPTZ = 1184,
    PG_TIMETZ = 1266,
    PG_BIT = 1560,
    PG_NUMERIC = 1700,
    PG_VOID = 2278,
    PG_UUID = 2950
} pg_oid;

/* A column's type: domains are what they are made of. */
typedef struct pg_type {
    Oid oid;
    Oid element; /* of an array; 0: it is none */
    int32_t mod; /* precision and such, -1: none */
    char name[64];
} pg_type;

typedef struct pg_conn {
    ch_jdbc_conn head;
    PGconn *db;
    bool copies_out, copies_in, header_seen;
    Oid *kind; /* of the columns that are read: how they come; 0: as text */
    int32_t n_kinds;
    ch_buf out;                                 /* rows to be sent */
    int64_t n_out;                              /* of them */
    ch_buf copy;                                /* the statement that takes them */
    int64_t copy_bytes, copy_rows, rows_before; /* sent to this COPY; to those before it */
    bool heard; /* the server said something while it takes rows: an error, or a notice */
} pg_conn;

CH_NODISCARD ch_status ch_pg_failed(pg_conn *c, const char *operation, const PGresult *result,
                                    ch_error *err);
/* Sends what waits to be sent. */
CH_NODISCARD ch_status ch_pg_flush(pg_conn *c, ch_error *err);
/* Has the server sent what nobody has read yet? */
bool ch_pg_hears(const pg_conn *c);
/* Waits for one result; *out NULL: there is none any more. The caller clears it. */
CH_NODISCARD ch_status ch_pg_result(pg_conn *c, PGresult **out, ch_error *err);
/* Sends a statement and waits until it has ended or copies. out: NULL, or gives the result. */
CH_NODISCARD ch_status ch_pg_run(pg_conn *c, const char *sql, const char *operation, PGresult **out,
                                 ch_error *err);
/* The columns of a statement that does not run. In arena. */
CH_NODISCARD ch_status ch_pg_columns(pg_conn *c, const char *sql, ch_arena *arena, pg_type **type,
                                     const char ***name, int32_t *n, ch_error *err);
/* Spark's type for it, or NULL. */
const ch_type *ch_pg_type_of(const ch_jdbc_source *source, const pg_type *type);

/*
 * 2024-01-01 12:00:00.5+01:00, so that a column with a zone and one without get what Spark means, whatever the server's
 * own zone is. text has CH_PG_MOMENT_TEXT bytes; gives how many were written.
 */
#define CH_PG_MOMENT_TEXT (CH_DATETIME_TEXT + 16)
int ch_pg_print_moment(char *text, int64_t us, const ch_zone *zone);

/* ch_jdbc_driver's functions. */
CH_NODISCARD ch_status ch_pg_open(ch_jdbc_conn *conn, const char *sql, const ch_type *const *type,
                                  int32_t n, ch_error *err);
CH_NODISCARD ch_status ch_pg_fetch(ch_jdbc_conn *conn, ch_jdbc_rows *rows, bool *more,
                                   ch_error *err);
void ch_pg_finish(ch_jdbc_conn *conn);
CH_NODISCARD ch_status ch_pg_column_type(const ch_type *type, ch_arena *arena, const char **out,
                                         ch_error *err);
extern const ch_jdbc_write_class ch_pg_write;

#endif
