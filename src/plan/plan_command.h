/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_command.h - relations that are statements: what is written, defined, shown or set. As plan.h.
 *
 * src/session runs them (session/command.h). The analyzer resolves the queries in them, and of most nothing else.
 */
#ifndef CH_PLAN_PLAN_COMMAND_H
#define CH_PLAN_PLAN_COMMAND_H

#include "plan/plan.h"

typedef enum ch_save_mode {
    CH_SAVE_ERROR_IF_EXISTS,
    CH_SAVE_APPEND,
    CH_SAVE_OVERWRITE,
    CH_SAVE_IGNORE
} ch_save_mode;

typedef struct ch_rel_write_operation {
    ch_rel head;
    ch_rel *input;
    const char *source; /* format */
    const char *path;
    ch_save_mode mode;
    ch_str_list partitioning_columns;
    ch_option_list options;
    /* Chert's own: one result file at `path` itself instead of a folder of part files */
    bool single_file;
} ch_rel_write_operation;

/* CREATE [OR REPLACE] [GLOBAL] TEMP VIEW name [(columns)] AS query | USING format OPTIONS (...) */
typedef struct ch_rel_create_view {
    ch_rel head;
    ch_rel *input; /* the query, or the data source */
    ch_str_list name;
    ch_str_list columns;
    bool is_global, replace, if_not_exists;
    const char *comment;
    const char *text; /* of the query, for SHOW CREATE; or NULL */
} ch_rel_create_view;

typedef struct ch_rel_drop_view {
    ch_rel head;
    ch_str_list name;
    bool if_exists;
    bool is_table; /* DROP TABLE */
} ch_rel_drop_view;

/* What is done to a database, table or stored view. */
typedef enum ch_ddl_action {
    CH_DDL_CREATE_DATABASE,
    CH_DDL_DROP_DATABASE,
    CH_DDL_ALTER_DATABASE,
    CH_DDL_USE,
    CH_DDL_SET_CATALOG,
    CH_DDL_CREATE_TABLE,
    CH_DDL_CREATE_LIKE,
    CH_DDL_CREATE_VIEW,
    CH_DDL_ALTER_VIEW,
    CH_DDL_RENAME,
    CH_DDL_ADD_COLUMNS,
    CH_DDL_ALTER_COLUMN,
    CH_DDL_SET_PROPERTIES,
    CH_DDL_UNSET_PROPERTIES,
    CH_DDL_SET_LOCATION,
    CH_DDL_COMMENT,
    CH_DDL_TRUNCATE,
    CH_DDL_ADD_PARTITION,
    CH_DDL_DROP_PARTITION,
    CH_DDL_RENAME_PARTITION,
    CH_DDL_RECOVER_PARTITIONS,
    CH_DDL_ANALYZE,
    CH_DDL_REFRESH,
    CH_DDL_NOT_FOR_TABLE /* what Spark's own tables cannot do; text says what */
} ch_ddl_action;

typedef enum ch_save_table_mode {
    CH_TABLE_CREATE,
    CH_TABLE_APPEND,    /* saveAsTable: as INSERT BY NAME when it is there */
    CH_TABLE_OVERWRITE, /* saveAsTable: dropped and made again */
    CH_TABLE_REPLACE    /* CREATE OR REPLACE, REPLACE */
} ch_save_table_mode;

typedef struct ch_rel_ddl {
    ch_rel head;
    ch_ddl_action action;
    ch_save_table_mode mode;
    ch_str_list name;   /* database, table or view */
    ch_str_list target; /* RENAME TO, LIKE; ALTER COLUMN: the column */
    ch_rel *input;      /* AS query; or NULL */
    const char *text;   /* of that; SQL of the statement's kind for errors */
    /* STRUCT or NULL: columns; a field's metadata has "comment" and "CURRENT_DEFAULT" (SQL text) */
    const ch_type *schema;
    const char *provider, *location, *comment; /* or NULL */
    ch_str_list partition_columns, bucket_columns, sort_columns, cluster_columns, columns;
    int32_t n_buckets;
    ch_option_list options, properties;
    ch_option_list *specs; /* partitions: key and value; a value may be NULL (none given) */
    int32_t n_specs;
    ch_str_list locations; /* of the partitions, "" none */
    bool if_exists, if_not_exists, cascade, is_view, no_scan, all_columns, is_path;
} ch_rel_ddl;

/* A value of PARTITION (k = NULL). */
#define CH_SPEC_NULL "\001NULL"

typedef struct ch_rel_insert {
    ch_rel head;
    ch_str_list name;
    ch_rel *input;
    ch_str_list columns; /* (a, b): in this order; n = 0: all */
    ch_str_list keys;    /* PARTITION (k = v, ...) */
    ch_expr_list values; /* of the first keys; the others are dynamic */
    bool ordered;        /* no key with a value comes behind one without */
    bool overwrite, by_name, if_not_exists;
    bool of_write_to; /* DataFrame.writeTo, which wants a table of another kind */
} ch_rel_insert;

typedef enum ch_explain_mode {
    CH_EXPLAIN_SIMPLE,
    CH_EXPLAIN_EXTENDED,
    CH_EXPLAIN_CODEGEN,
    CH_EXPLAIN_COST,
    CH_EXPLAIN_FORMATTED,
    CH_EXPLAIN_ANALYZE
} ch_explain_mode;

typedef struct ch_rel_explain {
    ch_rel head;
    ch_rel *input;
    ch_explain_mode mode;
} ch_rel_explain;

typedef enum ch_show_what {
    CH_SHOW_TABLES,
    CH_SHOW_VIEWS,
    CH_SHOW_COLUMNS,
    CH_SHOW_FUNCTIONS,
    CH_SHOW_DATABASES,
    CH_SHOW_CATALOGS,
    CH_SHOW_CREATE_TABLE,
    CH_SHOW_CURRENT_NAMESPACE,
    CH_SHOW_TBLPROPERTIES,
    CH_SHOW_PARTITIONS,
    CH_SHOW_TABLE_EXTENDED
} ch_show_what;

typedef struct ch_rel_show {
    ch_rel head;
    ch_show_what what;
    ch_str_list name;     /* of the table or database; n = 0 none */
    const char *pattern;  /* LIKE pattern, or NULL; TBLPROPERTIES: the key */
    const char *scope;    /* FUNCTIONS: USER, SYSTEM, ALL, or NULL */
    ch_option_list spec;  /* PARTITION (k = v) */
    const char *database; /* COLUMNS IN t IN database; or NULL */
} ch_rel_show;

typedef struct ch_rel_describe {
    ch_rel head;
    ch_str_list name;    /* table or view; n = 0 when input is set */
    ch_rel *input;       /* DESCRIBE QUERY, or NULL */
    ch_str_list column;  /* of the table; n = 0: all */
    ch_option_list spec; /* PARTITION (k = v) */
    bool extended, is_function, is_database;
} ch_rel_describe;

/* SET; SET key; SET key = value; RESET [key] */
typedef struct ch_rel_set {
    ch_rel head;
    const char *key, *value;
    bool reset, verbose;
} ch_rel_set;

typedef enum ch_cache_what {
    CH_CACHE_TABLE,
    CH_CACHE_UNCACHE,
    CH_CACHE_CLEAR,
    CH_CACHE_SHOW
} ch_cache_what;

/* CACHE [LAZY] TABLE name [OPTIONS (...)] [AS query]; UNCACHE TABLE [IF EXISTS] name; CLEAR CACHE; SHOW CACHE */
typedef struct ch_rel_cache {
    ch_rel head;
    ch_cache_what what;
    ch_str_list name;
    ch_rel *input; /* AS query, or NULL */
    ch_option_list options;
    bool lazy, if_exists;
} ch_rel_cache;

typedef enum ch_variable_action {
    CH_VARIABLE_DECLARE,
    CH_VARIABLE_SET,
    CH_VARIABLE_DROP
} ch_variable_action;

/*
 * Session variables. DECLARE: several names share a type, a value (at most one) or both. SET: one value
 * for each name, of which the attribute `default` means the declaration's; or `query`, whose only row
 * has one column for each name.
 */
typedef struct ch_rel_variable {
    ch_rel head;
    ch_variable_action action;
    ch_expr_list names; /* unresolved attributes */
    const ch_type *type;
    ch_expr_list values;
    ch_rel *query;
    bool replace, if_exists;
} ch_rel_variable;

typedef enum ch_function_action {
    CH_FUNCTION_CREATE,
    CH_FUNCTION_DROP,
    CH_FUNCTION_REFRESH
} ch_function_action;

/*
 * CREATE [OR REPLACE] [TEMPORARY] FUNCTION [IF NOT EXISTS] name AS class USING resources, or
 * (parameters) RETURNS type RETURN body; DROP, REFRESH FUNCTION
 */
typedef struct ch_rel_function {
    ch_rel head;
    ch_function_action action;
    ch_str_list name;
    bool is_temporary, replace, if_not_exists, if_exists;
    const char *class_name;    /* of CREATE: the symbol */
    ch_option_list resources;  /* kind ("file", "jar", "archive") and path */
    const ch_type *parameters; /* STRUCT, of one with a body; else NULL */
    const ch_type *returns;    /* of a table: STRUCT; NULL: as the body */
    bool is_table;
    const char *body; /* text of expr or query */
    ch_expr *expr;
    ch_rel *query;
    const char *comment, *data_access; /* or NULL */
    int32_t determinism;               /* 1, -1; 0: not said */
} ch_rel_function;

/* EXECUTE IMMEDIATE statement INTO variables USING arguments: aliases name the arguments. */
typedef struct ch_rel_execute {
    ch_rel head;
    ch_expr *statement;
    ch_expr_list into; /* unresolved attributes */
    ch_expr_list arguments;
} ch_rel_execute;

#endif
