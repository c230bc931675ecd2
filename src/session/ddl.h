/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl.h - statements about databases, tables and stored views.
 *
 *   ddl.c            names, errors, and the way to each action; databases
 *   ddl_create.c     CREATE TABLE, LIKE, AS SELECT; saveAsTable
 *   ddl_view.c       CREATE VIEW, ALTER VIEW
 *   ddl_uses.c       what the text of a view or function names
 *   ddl_alter.c      ALTER TABLE, DROP, RENAME, COMMENT
 *   ddl_partition.c  partitions: ADD, DROP, RENAME, MSCK, TRUNCATE
 *   ddl_analyze.c    ANALYZE TABLE
 *   ddl_insert.c     INSERT: which column gets what, and the casts that a store does
 *   ddl_describe.c   DESCRIBE; command_show.c: SHOW
 */
#ifndef CH_SESSION_DDL_H
#define CH_SESSION_DDL_H

#include "plan/plan_command.h"
#include "session/catalog.h"
#include "session/command.h"
#include "session/command_rows.h"

/* A statement under way. */
typedef struct ch_ddl {
    ch_frame *frame; /* of the statement; new plan nodes are made in its arena */
    ch_session *session;
    ch_arena *arena; /* the frame's */
    ch_mem *mem;
    ch_metastore meta;
    const char *database; /* the current one */
} ch_ddl;

CH_NODISCARD ch_status ch_ddl_open(ch_frame *frame, ch_ddl *out, ch_error *err);

/* The statements: frame->rel's. */
CH_NODISCARD ch_status ch_ddl_run(ch_frame *frame, ch_rows *out, ch_error *err);
CH_NODISCARD ch_status ch_insert_run(ch_frame *frame, ch_rows *out, ch_error *err);
CH_NODISCARD ch_status ch_drop_run(ch_frame *frame, ch_rows *out, ch_error *err);
CH_NODISCARD ch_status ch_show_run(ch_frame *frame, ch_rows *out, ch_error *err);
CH_NODISCARD ch_status ch_describe_run(ch_frame *frame, ch_rows *out, ch_error *err);

/* ---- names and errors (ddl.c) ---- */

/* The stored table or view; TABLE_OR_VIEW_NOT_FOUND. *is_temp (may be NULL): the name is a temporary view's,
 * and *out is NULL. */
CH_NODISCARD ch_status ch_ddl_find(ch_ddl *c, const ch_str_list *parts, ch_meta_table **out,
                                   bool *is_temp, ch_error *err);
/* The same for a table, not a view; operation is for the error. */
CH_NODISCARD ch_status ch_ddl_find_table(ch_ddl *c, const ch_str_list *parts, const char *operation,
                                         ch_meta_table **out, ch_error *err);
/* A name for something new: its database is there. */
CH_NODISCARD ch_status ch_ddl_new_name(ch_ddl *c, const ch_str_list *parts, ch_table_name *out,
                                       ch_meta_database *database, ch_error *err);
CH_NODISCARD ch_status ch_ddl_database(ch_ddl *c, const ch_str_list *parts, ch_meta_database *out,
                                       bool *found, ch_error *err);
ch_status ch_ddl_no_database(ch_ddl *c, const char *name, ch_error *err);
ch_status ch_ddl_not_found(ch_ddl *c, const ch_str_list *parts, ch_error *err);
/* `a`, "`a`, `b`" of a list, `c`.`d`.`t` of a table; "" when out of memory */
const char *ch_ddl_quote(ch_ddl *c, const char *name);
const char *ch_ddl_quote_list(ch_ddl *c, const ch_str_list *names);
const char *ch_ddl_table(ch_ddl *c, const ch_meta_table *table);
const char *ch_ddl_type(ch_ddl *c, const ch_type *type); /* "INT" with its quotes */
/* Where a table may lie: an absolute local path, or a place in S3. NULL with err. */
const char *ch_ddl_absolute(ch_ddl *c, const char *path, ch_error *err);
/* How the table's place is reached, ch_store_context_free() it; *out NULL: it is local. */
CH_NODISCARD ch_status ch_ddl_store(ch_ddl *c, const ch_meta_table *t, ch_store_context **out,
                                    ch_error *err);
/* "file:" for local places, "" for others that say themselves what they are. */
const char *ch_ddl_scheme(const char *location);
/* Position of the column called name, without case; -1. */
int32_t ch_ddl_column(ch_ddl *c, const ch_type *schema, const char *name);
/* The table as changed, to the catalog. */
CH_NODISCARD ch_status ch_ddl_put(ch_ddl *c, const ch_meta_table *table, ch_error *err);
/* pattern of SHOW ... LIKE: * is any text, | separates alternatives (command_show.c) */
bool ch_like_matches(const char *pattern, const char *text);

/* ---- actions ---- */

CH_NODISCARD ch_status ch_ddl_create_table(ch_ddl *c, const ch_rel_ddl *d, ch_error *err);
CH_NODISCARD ch_status ch_ddl_create_like(ch_ddl *c, const ch_rel_ddl *d, ch_error *err);
CH_NODISCARD ch_status ch_ddl_view(ch_ddl *c, const ch_rel_ddl *d, ch_error *err);
CH_NODISCARD ch_status ch_ddl_alter(ch_ddl *c, const ch_rel_ddl *d, ch_error *err);
CH_NODISCARD ch_status ch_ddl_partition(ch_ddl *c, const ch_rel_ddl *d, ch_error *err);
CH_NODISCARD ch_status ch_ddl_analyze(ch_ddl *c, const ch_rel_ddl *d, ch_error *err);
/* Table and data of a managed table. */
CH_NODISCARD ch_status ch_ddl_drop_table(ch_ddl *c, const ch_meta_table *table, ch_error *err);
/* Is the default of each column one that its type can hold? statement: for errors. */
CH_NODISCARD ch_status ch_ddl_check_defaults(ch_ddl *c, const ch_type *schema,
                                             const char *statement, ch_error *err);

/* The rows kept of a temporary view are forgotten, unless `plan` (may be NULL) gives the same (command.c). */
CH_NODISCARD ch_status ch_forget_view(ch_session *session, const char *name, bool is_global,
                                      ch_frame *frame, const ch_rel *plan, ch_error *err);
/* RECURSIVE_VIEW if a temporary view that replaces another one reads that. */
CH_NODISCARD ch_status ch_ddl_check_temp_view(ch_frame *frame, const char *name, ch_rel *input,
                                              ch_error *err);

/* ---- what a view or function uses (ddl_uses.c) ---- */

/* The engine's own function of the name, whatever its case; NULL: there is none. */
const struct ch_func *ch_ddl_builtin(const char *name);

typedef struct ch_ddl_uses {
    ch_ddl *c;
    const char *kind, *name; /* of what is made: "VIEW", "FUNCTION"; quoted */
    const char *temp;        /* it is a temporary one of this name; NULL: it is stored */
    const ch_rel_with *with; /* names of common tables mean those */
    bool reads;              /* filled: it reads tables or views, itself or by a function */
} ch_ddl_uses;
/* A stored one may use nothing of the session, and none itself. rel, expr: its text; either may be NULL. */
CH_NODISCARD ch_status ch_ddl_check_uses(ch_ddl_uses *uses, ch_rel *rel, ch_expr *expr,
                                         ch_error *err);

/* ---- partitions ---- */

/* Folder names of the partition whose values are given for all keys, in order of the table's. */
CH_NODISCARD ch_status ch_ddl_partition_path(ch_ddl *c, const ch_meta_table *t,
                                             const ch_option_list *spec, const char **out,
                                             ch_error *err);
/* Does the partition have the values of spec? */
CH_NODISCARD ch_status ch_ddl_partition_fits(ch_ddl *c, const ch_meta_table *t, const char *path,
                                             const ch_option_list *spec, bool *out, ch_error *err);
/* All keys of spec are partition columns (PARTITIONS_NOT_FOUND). */
CH_NODISCARD ch_status ch_ddl_check_spec(ch_ddl *c, const ch_meta_table *t,
                                         const ch_option_list *spec, ch_error *err);
/* Adds those that are not there yet; keep, if not NULL: of the old ones only those whose flag is set. */
CH_NODISCARD ch_status ch_ddl_add_partitions(ch_ddl *c, const ch_meta_table *t,
                                             const ch_str_list *paths, ch_error *err);
/* What lies there goes; the catalog's list stays. */
CH_NODISCARD ch_status ch_ddl_remove_partition(ch_ddl *c, const ch_meta_table *t, const char *path,
                                               ch_error *err);
/* Folders of partitions that lie in the table's place, as paths. */
CH_NODISCARD ch_status ch_ddl_walk_partitions(ch_ddl *c, const ch_meta_table *t, ch_str_list *out,
                                              ch_error *err);

/* ---- rows into tables (ddl_insert.c) ---- */

/* Rows of input into the table, as the session's policy casts them. Partitions become known. */
CH_NODISCARD ch_status ch_insert_into(ch_ddl *c, ch_meta_table *t, const ch_rel_insert *in,
                                      ch_error *err);
/* Rows of input, whose columns are the table's, into an empty or replaced folder. */
CH_NODISCARD ch_status ch_insert_first(ch_ddl *c, const ch_meta_table *t, ch_rel *input,
                                       ch_save_mode mode, ch_error *err);
/* UNSUPPORTED_OVERWRITE if the query reads the table that it is to overwrite. */
CH_NODISCARD ch_status ch_ddl_check_overwrite(ch_ddl *c, const ch_meta_table *t,
                                              const ch_query *query, ch_error *err);
/* May a value be stored there, by spark.sql.storeAssignmentPolicy? */
bool ch_store_assigns(const ch_type *from, const ch_type *to, const char *policy);

#endif
