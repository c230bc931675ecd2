/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jdbc_write.h - rows into a table of a database, all or none.
 *
 *   begin   what the mode asks for: makes, empties or replaces the table
 *   open    columns of the rows, as the table names them
 *   put*    batches
 *   finish  the rest
 *   commit  from here on all rows are there; before, none is
 *
 * Where CREATE and DROP end a transaction (ddl_commits), rows of a new table go to one beside it, under a name of its
 * own, which is renamed at the end; a run that is killed leaves that one behind and changes nothing else. Such a table has
 * a mark, and a lock that ends with its connection: the next run removes those whose lock is free.
 */
#ifndef CH_SOURCE_JDBC_WRITE_H
#define CH_SOURCE_JDBC_WRITE_H

#include "source/jdbc.h"

typedef struct ch_jdbc_write_class {
    bool ddl_commits;
    /* Statements; truncate may be NULL: DELETE FROM. */
    const char *begin, *truncate;
    const char *set_isolation; /* before the level; NULL: there is none to choose */
    const char *table_options; /* behind CREATE TABLE, when the program says nothing; or NULL */
    const char *comment_on,
        *comment_is;  /* around a table's name, before its comment; NULL: no table has one */
    const char *mark; /* behind CREATE TABLE: a comment on tables beside their place; NULL: none */
    /* With a mark: takes the lock of this name, until the connection ends; removes tables that killed runs have left. */
    CH_NODISCARD ch_status (*claim)(ch_jdbc_conn *conn, const char *name, ch_error *err);
    CH_NODISCARD ch_status (*drop_left)(ch_jdbc_conn *conn, ch_error *err);
    /* Column i of the rows is column[i] of the table. */
    CH_NODISCARD ch_status (*open)(ch_jdbc_conn *conn, const char *table, const char *const *column,
                                   const ch_type *schema, ch_error *err);
    /* The batch is flat. */
    CH_NODISCARD ch_status (*put)(ch_jdbc_conn *conn, ch_batch *batch, ch_error *err);
    CH_NODISCARD ch_status (*finish)(ch_jdbc_conn *conn, ch_error *err);
    /* With ddl_commits: from gets the name to; what had it before is called old then, unless that is NULL. */
    CH_NODISCARD ch_status (*rename)(ch_jdbc_conn *conn, const char *from, const char *to,
                                     const char *old, ch_error *err);
} ch_jdbc_write_class;

/* What Spark calls a type in CREATE TABLE unless the dialect says otherwise; NULL: none, or a decimal. */
const char *ch_jdbc_common_type(const ch_type *type);

/* ch_format's functions of a sink. */
CH_NODISCARD ch_status ch_jdbc_sink_open(const ch_format_context *ctx, ch_sink_mode mode,
                                         const ch_type *schema, const ch_strmap *options,
                                         ch_file_writer **out, ch_error *err);
CH_NODISCARD ch_status ch_jdbc_sink_write(ch_file_writer *writer, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_jdbc_sink_finish(ch_file_writer *writer, ch_error *err);
void ch_jdbc_sink_abandon(ch_file_writer *writer);

#endif
