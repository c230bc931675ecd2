/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_mysql.h - what the files of the MySQL driver share: connecting, types and reading (jdbc_mysql.c), writing
 * (jdbc_mysql_write.c).
 */
#ifndef CH_SOURCE_JDBC_MYSQL_H
#define CH_SOURCE_JDBC_MYSQL_H

#include <mysql.h>

#include "source/jdbc_write.h"

/* What a column's text is, beyond its type. */
typedef enum mysql_kind {
    MYSQL_PLAIN,
    MYSQL_BITS,   /* bytes, the first one highest */
    MYSQL_A_YEAR, /* "2024" */
    MYSQL_A_TIME, /* "-838:59:59" */
    MYSQL_MOMENT  /* date or timestamp, perhaps 0000-00-00 */
} mysql_kind;

typedef struct mysql_conn {
    ch_jdbc_conn head;
    MYSQL *db;
    MYSQL_RES *result;
    mysql_kind *kind; /* of the result's columns */
    unsigned n_kinds;
    /* writing */
    ch_buf insert; /* "INSERT INTO t (a, b) VALUES ", then rows */
    size_t insert_start;
    int64_t packet;   /* most bytes of a statement */
    int64_t n_insert; /* rows in it */
} mysql_conn;

/* Runs a statement, asking whether to stop. Its result is not taken yet. */
CH_NODISCARD ch_status ch_mysql_run(mysql_conn *c, const char *sql, size_t len,
                                    const char *operation, ch_error *err);
extern const ch_jdbc_write_class ch_mysql_write;
CH_NODISCARD ch_status ch_mysql_column_type(const ch_type *type, ch_arena *arena, const char **out,
                                            ch_error *err);

#endif
