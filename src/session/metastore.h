/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metastore.h - databases, tables, stored views and functions, as files in the warehouse's folder.
 *
 *   spark-warehouse/                  spark.sql.warehouse.dir: data of tables of `default`
 *     t/part-00000-….parquet
 *     d.db/u/                         data of d.u
 *     _chert/default.json             a database; `default` is there without a file
 *     _chert/default/t.json           a table or view
 *     _chert/default/t.partitions     a line per partition: its folders' names, and its place if it is
 *                                     elsewhere: k=1/l=x<TAB>/data/old
 *     _chert/default/f.function       a function in SQL, JSON as the others
 *     _chert/lock                     held (flock) while several files change together
 *
 * Nothing is kept in memory: several sessions and processes share a warehouse, and a restart changes
 * nothing. A file is written aside and renamed, so that one is there whole or not at all. The folder is made
 * with the first database or table.
 *
 * Names are lower-case letters, digits and _, as Spark's own catalog wants them; callers fold them.
 */
#ifndef CH_SESSION_METASTORE_H
#define CH_SESSION_METASTORE_H

#include "plan/plan.h"

typedef struct ch_meta_database {
    const char *name, *comment, *location;
    ch_option_list properties;
} ch_meta_database;

typedef struct ch_meta_table {
    const char *database, *name;
    bool is_view;
    bool is_external;     /* DROP leaves the data */
    const char *provider; /* format; "" for a view */
    const ch_type *
        schema; /* partition columns last; metadata: "comment", "CURRENT_DEFAULT", "EXISTS_DEFAULT" */
    ch_str_list partition_columns, bucket_columns, sort_columns;
    int64_t n_buckets;
    const char *location; /* local, absolute */
    const char *comment;
    int64_t created_us;
    ch_option_list properties, options;
    bool has_statistics;
    int64_t bytes, rows; /* ANALYZE; rows -1: not counted */
    /* ANALYZE ... FOR COLUMNS: "a.min" and so on */
    ch_option_list column_statistics;
    const char *view_text, *view_database;
    ch_str_list view_columns; /* of the query, as it was */
} ch_meta_table;

/* A function in SQL, stored or of a session alone. */
typedef struct ch_meta_function {
    const char *database; /* "": of the session */
    const char *name;
    bool is_table, is_query, is_deterministic, has_comment;
    const ch_type *parameters; /* STRUCT; metadata: "comment", "CURRENT_DEFAULT" */
    const ch_type *returns;    /* STRUCT: a table's columns, or one field, the value */
    const char *body, *comment, *data_access;
    int64_t created_us;
} ch_meta_function;

typedef struct ch_meta_partition {
    const char *path;     /* k=1/l=x, escaped */
    const char *location; /* elsewhere; or NULL */
} ch_meta_partition;
typedef struct ch_meta_partitions {
    ch_meta_partition *item;
    int32_t n;
} ch_meta_partitions;

typedef struct ch_metastore {
    const char *root; /* the warehouse: local, absolute */
    ch_mem *mem;
    ch_arena *arena; /* what is read lies here */
} ch_metastore;

/* Is it a name that can be a table's or database's? */
bool ch_meta_name_ok(const char *name);

/* *found false: there is none. `default` always is. */
CH_NODISCARD ch_status ch_meta_database_get(const ch_metastore *m, const char *name,
                                            ch_meta_database *out, bool *found, ch_error *err);
/* Makes or changes it. is_new: *existed says that there was one, and nothing is done then. */
CH_NODISCARD ch_status ch_meta_database_put(const ch_metastore *m, const ch_meta_database *database,
                                            bool is_new, bool *existed, ch_error *err);
CH_NODISCARD ch_status ch_meta_database_drop(const ch_metastore *m, const char *name,
                                             ch_error *err);
/* In order of the alphabet, default among them. */
CH_NODISCARD ch_status ch_meta_databases(const ch_metastore *m, ch_str_list *out, ch_error *err);

/* *out NULL: there is none. */
CH_NODISCARD ch_status ch_meta_table_get(const ch_metastore *m, const char *database,
                                         const char *name, ch_meta_table **out, ch_error *err);
CH_NODISCARD ch_status ch_meta_table_put(const ch_metastore *m, const ch_meta_table *table,
                                         bool is_new, bool *existed, ch_error *err);
CH_NODISCARD ch_status ch_meta_table_drop(const ch_metastore *m, const char *database,
                                          const char *name, ch_error *err);
CH_NODISCARD ch_status ch_meta_tables(const ch_metastore *m, const char *database, ch_str_list *out,
                                      ch_error *err);

/* *out NULL: there is none. */
CH_NODISCARD ch_status ch_meta_function_get(const ch_metastore *m, const char *database,
                                            const char *name, ch_meta_function **out,
                                            ch_error *err);
CH_NODISCARD ch_status ch_meta_function_put(const ch_metastore *m, const ch_meta_function *function,
                                            bool is_new, bool *existed, ch_error *err);
CH_NODISCARD ch_status ch_meta_function_drop(const ch_metastore *m, const char *database,
                                             const char *name, ch_error *err);
CH_NODISCARD ch_status ch_meta_functions(const ch_metastore *m, const char *database,
                                         ch_str_list *out, ch_error *err);

/* In order of their paths. */
CH_NODISCARD ch_status ch_meta_partitions_get(const ch_metastore *m, const ch_meta_table *table,
                                              ch_meta_partitions *out, ch_error *err);
/* Sorts the list. */
CH_NODISCARD ch_status ch_meta_partitions_put(const ch_metastore *m, const ch_meta_table *table,
                                              ch_meta_partitions *list, ch_error *err);
CH_NODISCARD ch_status ch_meta_partition_add(const ch_metastore *m, ch_meta_partitions *list,
                                             const char *path, const char *location, ch_error *err);

/* Excludes other threads and processes from changing the catalog; a file descriptor, to be closed by unlock. */
CH_NODISCARD ch_status ch_meta_lock(const ch_metastore *m, int *fd, ch_error *err);
void ch_meta_unlock(int fd);

/* Where a managed table's data lies: /warehouse/d.db/t. NULL: out of memory. */
const char *ch_meta_table_path(const ch_metastore *m, const ch_meta_database *database,
                               const char *name, ch_error *err);

/* ---- columns (metastore_column.c) ---- */

/* A field's "comment", "CURRENT_DEFAULT"; *out NULL: it has none. */
CH_NODISCARD ch_status ch_meta_field_get(const ch_metastore *m, const ch_field *field,
                                         const char *key, const char **out, ch_error *err);
/* Changes it (value NULL: takes it away). */
CH_NODISCARD ch_status ch_meta_field_set(const ch_metastore *m, ch_field *field, const char *key,
                                         const char *value, ch_error *err);
#define CH_META_CHAR "__CHAR_VARCHAR_TYPE_STRING"
/* CHAR and VARCHAR are STRING in plans and files, and CH_META_CHAR tells what they are, as in Spark; and back. */
CH_NODISCARD ch_status ch_meta_field_stored(const ch_metastore *m, const ch_field *field,
                                            ch_field *out, ch_error *err);
CH_NODISCARD ch_status ch_meta_schema_stored(const ch_metastore *m, const ch_type *schema,
                                             const ch_type **out, ch_error *err);
CH_NODISCARD ch_status ch_meta_schema_declared(const ch_metastore *m, const ch_type *schema,
                                               const ch_type **out, ch_error *err);
const char *ch_option_list_get(const ch_option_list *list, const char *key);
/* A new list: with key set, or, value NULL, without it. */
CH_NODISCARD ch_status ch_option_list_put(ch_arena *arena, ch_option_list *list, const char *key,
                                          const char *value, ch_error *err);

#endif
