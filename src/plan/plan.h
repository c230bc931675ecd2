/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - the logical plan: relations and expressions, named as in Spark
 * Connect.
 *
 * Every relation and expression of the protocol that Chert knows has one struct
 * here with the protocol's name and fields. Doors (SQL parser, C API, Connect
 * codec) build *unresolved* trees; the analyzer (analyze.h) turns one into a
 * new, *resolved* tree of the same node kinds plus the few marked "resolved"
 * below; the optimizer rewrites resolved trees.
 *
 * Nodes are immutable once built and live in an arena; subtrees may be shared.
 * Each kind describes its fields in a table (node.h), so that copying,
 * comparing, printing and hashing are loops.
 *
 * Unresolved: expr->type is NULL, rel->output.n is -1.
 */
#ifndef CH_PLAN_PLAN_H
#define CH_PLAN_PLAN_H

#include "base/arena.h"
#include "base/strmap.h"
#include "type/scalar.h"

typedef struct ch_expr ch_expr;
typedef struct ch_rel ch_rel;
typedef struct ch_attr ch_attr;
struct ch_func;
struct ch_format;
struct ch_dataset;
struct ch_python_udf;
struct ch_sql_function;

typedef struct ch_expr_list {
    ch_expr **item;
    int32_t n;
} ch_expr_list;
typedef struct ch_rel_list {
    ch_rel **item;
    int32_t n;
} ch_rel_list;
typedef struct ch_str_list {
    const char **item;
    int32_t n;
} ch_str_list;
/* Key-value options in order; keys as written. */
typedef struct ch_option_list {
    const char **key, **value;
    int32_t n;
} ch_option_list;

/* -------------------------------------------------------------- expressions */

typedef enum ch_expr_kind {
    CH_EXPR_LITERAL,
    CH_EXPR_UNRESOLVED_ATTRIBUTE,
    CH_EXPR_UNRESOLVED_FUNCTION,
    CH_EXPR_UNRESOLVED_STAR,
    CH_EXPR_UNRESOLVED_EXTRACT_VALUE,
    CH_EXPR_EXPRESSION_STRING,
    CH_EXPR_ALIAS,
    CH_EXPR_CAST,
    CH_EXPR_SORT_ORDER,
    CH_EXPR_WINDOW,
    CH_EXPR_LAMBDA_FUNCTION,
    CH_EXPR_UNRESOLVED_NAMED_LAMBDA_VARIABLE,
    CH_EXPR_SUBQUERY,
    CH_EXPR_NAMED_ARGUMENT,
    CH_EXPR_UPDATE_FIELDS,
    CH_EXPR_CASE, /* CASE WHEN: not in the protocol, which calls when(...) */
    /* resolved only */
    CH_EXPR_ATTRIBUTE,
    CH_EXPR_CALL,
    CH_EXPR_EXTRACT,
    CH_EXPR_NAMED_LAMBDA_VARIABLE,
    CH_EXPR_INLINED,
    CH_N_EXPR_KINDS
} ch_expr_kind;

/* The head of every expression. */
struct ch_expr {
    ch_expr_kind kind;
    int32_t start, stop; /* bytes of the SQL text it came from; start -1 = not from text */
    const char *text;    /* resolved: that text, for errors of the run; or NULL */
    bool nullable;       /* resolved: may be NULL */
    const ch_type *type; /* resolved: not NULL */
};

typedef struct ch_expr_literal {
    ch_expr head; /* type is set from the start */
    ch_scalar value;
    const char *shown; /* for names, in the value's place: variablereference(...); or NULL */
} ch_expr_literal;

/* a, t.a, `odd name`.b: name parts without quotes. */
typedef struct ch_expr_unresolved_attribute {
    ch_expr head;
    ch_str_list parts;
    int64_t plan_id; /* the protocol's; -1 = none */
} ch_expr_unresolved_attribute;

typedef struct ch_expr_unresolved_function {
    ch_expr head;
    const char *name; /* as written; operators under Spark's names
                       (function/function.h) */
    ch_expr_list args;
    bool is_distinct;
    bool ignore_nulls;
    ch_expr *filter;                    /* FILTER (WHERE ...), or NULL */
    bool is_infix;                      /* came from operator syntax: printed as one */
    const struct ch_python_udf *python; /* what it calls, whatever the name means; or NULL */
    const struct ch_sql_function *sql;  /* likewise */
} ch_expr_unresolved_function;

/* *, t.*, * EXCEPT (a) */
typedef struct ch_expr_unresolved_star {
    ch_expr head;
    ch_str_list target;  /* n = 0: all */
    ch_expr_list except; /* unresolved attributes */
    const char *pattern; /* colRegex: those whose whole name matches; or NULL */
    int64_t plan_id;     /* the protocol's; -1 = none */
} ch_expr_unresolved_star;

/* child[extraction], child.field (a string literal then) */
typedef struct ch_expr_unresolved_extract_value {
    ch_expr head;
    ch_expr *child, *extraction;
} ch_expr_unresolved_extract_value;

/* SQL text of one expression, as DataFrame.selectExpr and expr() give. */
typedef struct ch_expr_expression_string {
    ch_expr head;
    const char *expression;
} ch_expr_expression_string;

typedef struct ch_expr_alias {
    ch_expr head;
    ch_expr *child;
    ch_str_list names;    /* one; several for a generator */
    const char *metadata; /* JSON or NULL */
    int64_t id;           /* resolved: the new attribute's id */
} ch_expr_alias;

typedef enum ch_eval_mode {
    CH_EVAL_UNSPECIFIED,
    CH_EVAL_LEGACY,
    CH_EVAL_ANSI,
    CH_EVAL_TRY
} ch_eval_mode;

typedef struct ch_expr_cast {
    ch_expr head;
    ch_expr *child;
    const ch_type *to;
    ch_eval_mode eval_mode;
    bool implicit; /* put there by the analyzer: not shown in column names */
} ch_expr_cast;

typedef struct ch_expr_sort_order {
    ch_expr head;
    ch_expr *child;
    bool descending;
    bool nulls_first; /* Spark's default: first when ascending, last when
                       descending */
} ch_expr_sort_order;

typedef enum ch_frame_type { CH_FRAME_UNSET, CH_FRAME_ROW, CH_FRAME_RANGE } ch_frame_type;
typedef enum ch_bound_kind {
    CH_BOUND_UNBOUNDED,
    CH_BOUND_CURRENT_ROW,
    CH_BOUND_VALUE
} ch_bound_kind;

typedef struct ch_expr_window {
    ch_expr head;
    ch_expr *function;
    ch_expr_list partition;
    ch_expr_list order; /* sort orders */
    const char *name;   /* OVER name, to be looked up in the query's WINDOW clause;
                       or NULL */
    ch_frame_type frame;
    ch_bound_kind lower, upper;
    ch_expr *lower_value, *upper_value; /* for CH_BOUND_VALUE: negative = preceding */
    /* Resolved RANGE frames with values: the ORDER BY expression moved by the value. */
    ch_expr *lower_at, *upper_at;
    /* CH_BOUND_UNBOUNDED on the wrong side, from SQL: the analyzer refuses them. */
    bool lower_following, upper_preceding;
} ch_expr_window;

/* x -> body. Resolved: vars are its variables, and type and nullable are the body's. */
typedef struct ch_expr_lambda_function {
    ch_expr head;
    ch_expr *body;
    ch_str_list args;
    const ch_attr **var; /* args.n */
} ch_expr_lambda_function;

typedef struct ch_expr_unresolved_named_lambda_variable {
    ch_expr head;
    const char *name;
} ch_expr_unresolved_named_lambda_variable;

/* f(key => value) */
typedef struct ch_expr_named_argument {
    ch_expr head;
    const char *key;
    ch_expr *value;
} ch_expr_named_argument;

/* withField (value) or dropFields (value NULL): a struct with one field changed; "a.b" reaches into it. */
typedef struct ch_expr_update_fields {
    ch_expr head;
    ch_expr *child;
    const char *field;
    ch_expr *value;
} ch_expr_update_fields;

/* Resolved, and only until the analysis is over: the body of a function in SQL, under the text of its call. */
typedef struct ch_expr_inlined {
    ch_expr head;
    ch_expr *child;
    const char *shown;
} ch_expr_inlined;

typedef enum ch_subquery_kind {
    CH_SUBQUERY_SCALAR,
    CH_SUBQUERY_EXISTS,
    CH_SUBQUERY_IN,
    CH_SUBQUERY_TABLE /* TABLE(...) as an argument of a table function; never resolved */
} ch_subquery_kind;

typedef struct ch_expr_subquery {
    ch_expr head;
    ch_subquery_kind subquery_kind;
    ch_rel *plan;
    ch_expr_list in_values; /* IN: the left side */
    /* TABLE: PARTITION BY, ORDER BY, WITH SINGLE PARTITION */
    ch_expr_list partition, order;
    bool is_single;
    /* Resolved: plan uses columns param[i] that it does not have: the value of outer[i] in the row around. */
    ch_expr_list outer;
    const ch_attr **param;
    const ch_rel *written; /* plan before it was resolved: two that were written alike are equal */
} ch_expr_subquery;

/* CASE WHEN arg[0] THEN arg[1] WHEN arg[2] ... ELSE arg[last] (when n is odd)
 * END. A CASE x WHEN y is written by the parser as CASE WHEN x = y. */
typedef struct ch_expr_case {
    ch_expr head;
    ch_expr_list args;
} ch_expr_case;

/* Resolved: a column of an input, by the id that the input's output gives it.
 */
typedef struct ch_expr_attribute {
    ch_expr head;
    const ch_attr *attr;
} ch_expr_attribute;

/* Resolved: a bound function. args have exactly the types that the kernel
 * wants. */
typedef struct ch_expr_call {
    ch_expr head;
    const struct ch_func *func;
    const char *name; /* as written, for column names */
    ch_expr_list args;
    void *eval; /* ch_bind.eval; cast by whoever calls it */
    void *data; /* ch_bind.data */
    bool is_distinct, ignore_nulls, is_infix;
    ch_expr *filter; /* aggregates */
} ch_expr_call;

/*
 * Resolved: a variable of the lambda functions around it. Ids are negative and follow from the depth,
 * so that equal functions are equal.
 */
typedef struct ch_expr_named_lambda_variable {
    ch_expr head;
    const ch_attr *attr;
} ch_expr_named_lambda_variable;

/* Resolved: field `ordinal` of a struct; key of a map or index of an array
 * otherwise. */
typedef struct ch_expr_extract {
    ch_expr head;
    ch_expr *child;
    int32_t ordinal;     /* >= 0: struct field; -1: by extraction */
    ch_expr *extraction; /* or NULL */
} ch_expr_extract;

/* A resolved relation's output column. */
struct ch_attr {
    const char *name;
    const ch_type *type;
    bool nullable;
    int64_t id;            /* unique in the session; the same column keeps it through filters
                 and joins */
    ch_str_list qualifier; /* table alias or catalog.db.table parts, for t.a */
    const char *metadata;  /* JSON or NULL */
    bool hidden;           /* USING and NATURAL joins: reachable as t.a only */
    bool of_files;         /* hidden, about the files: reachable by its name, never part of * */
};

typedef struct ch_attr_list {
    const ch_attr **item;
    int32_t n;
} ch_attr_list;

/* ---------------------------------------------------------------- relations */

typedef enum ch_rel_kind {
    CH_REL_READ_NAMED_TABLE,
    CH_REL_READ_DATA_SOURCE,
    CH_REL_LOCAL_RELATION,
    CH_REL_RANGE,
    CH_REL_SUBQUERY_ALIAS,
    CH_REL_PROJECT,
    CH_REL_FILTER,
    CH_REL_AGGREGATE,
    CH_REL_JOIN,
    CH_REL_SET_OPERATION,
    CH_REL_SORT,
    CH_REL_LIMIT,
    CH_REL_OFFSET,
    CH_REL_TAIL,
    CH_REL_DEDUPLICATE,
    CH_REL_SAMPLE,
    CH_REL_WITH_COLUMNS,
    CH_REL_WITH_COLUMNS_RENAMED,
    CH_REL_DROP,
    CH_REL_TO_DF,
    CH_REL_HINT,
    CH_REL_REPARTITION,
    CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION,
    CH_REL_GENERATE,
    CH_REL_UNPIVOT,
    CH_REL_FILL_NA,
    CH_REL_DROP_NA,
    CH_REL_REPLACE,
    CH_REL_SUMMARY,
    CH_REL_STATISTIC, /* cov, corr, approxQuantile, freqItems */
    CH_REL_TO_SCHEMA,
    CH_REL_AS_OF_JOIN,
    CH_REL_NEAREST_BY_JOIN,
    CH_REL_ZIP,
    CH_REL_TRANSPOSE,
    CH_REL_COLLECT_METRICS,
    CH_REL_MAP_PARTITIONS, /* plan_python.h */
    CH_REL_GROUP_MAP,
    CH_REL_CO_GROUP_MAP,
    CH_REL_WITH,    /* WITH a AS (...), b AS (...) query */
    CH_REL_VALUES,  /* VALUES (1, 'a'), (2, 'b') */
    CH_REL_ONE_ROW, /* SELECT without FROM */
    CH_REL_VIEW,    /* a stored query, whose names mean what they meant where it was made */
    /* statements: run at once, give rows */
    CH_REL_WRITE_OPERATION,
    CH_REL_CREATE_VIEW,
    CH_REL_DROP_VIEW,
    CH_REL_DDL,
    CH_REL_INSERT,
    CH_REL_EXPLAIN,
    CH_REL_SHOW,
    CH_REL_DESCRIBE,
    CH_REL_SET,
    CH_REL_CACHE,
    CH_REL_VARIABLE, /* DECLARE, SET and DROP of session variables */
    CH_REL_FUNCTION, /* CREATE, DROP and REFRESH FUNCTION */
    CH_REL_EXECUTE,  /* EXECUTE IMMEDIATE */
    /* resolved only */
    CH_REL_EVAL_PYTHON, /* plan_python.h */
    CH_REL_TABLE_PYTHON,
    CH_REL_AGGREGATE_PYTHON,
    CH_REL_WINDOW_PYTHON,
    CH_REL_WINDOW,
    CH_REL_SCAN,
    CH_REL_REUSE,
    CH_REL_SHARED,
    CH_REL_SHARED_REF,
    CH_REL_RECURSION,
    CH_REL_RECURSION_REF,
    CH_N_REL_KINDS
} ch_rel_kind;

struct ch_rel {
    ch_rel_kind kind;
    int32_t start, stop; /* bytes of the SQL text; start -1 = none */
    int64_t plan_id;     /* the protocol's; -1 = none */
    ch_attr_list output; /* resolved: the columns; n = -1 while unresolved */
};

/* A table or view by name, or format.`path`. */
typedef struct ch_rel_read_named_table {
    ch_rel head;
    ch_str_list parts;
    ch_option_list options;
} ch_rel_read_named_table;

typedef struct ch_rel_read_data_source {
    ch_rel head;
    const char *format;    /* NULL: spark.sql.sources.default */
    const ch_type *schema; /* STRUCT, or NULL: to be inferred */
    ch_option_list options;
    ch_str_list paths;
    ch_str_list predicates; /* of a JDBC read: conditions, each read on its own */
    ch_rel *input;          /* the texts of its only column are read, and no paths; mostly NULL */
} ch_rel_read_data_source;

/* Rows that are there already, as the Arrow stream that the door received;
 * column/batch.h. */
typedef struct ch_rel_local_relation {
    ch_rel head;
    const ch_type *schema;   /* STRUCT */
    struct ch_batch **batch; /* borrowed; flat; kept alive by the DataFrame or session */
    int32_t n_batches;
} ch_rel_local_relation;

typedef struct ch_rel_range {
    ch_rel head;
    int64_t from, to, step;
    int32_t num_partitions; /* 0 = default */
} ch_rel_range;

typedef struct ch_rel_subquery_alias {
    ch_rel head;
    ch_rel *input;
    const char *alias;
    ch_str_list columns; /* AS t(a, b): new names; n = 0 keeps them */
    int64_t max_level;   /* in WITH RECURSIVE: MAX RECURSION LEVEL n; 0: the setting's */
} ch_rel_subquery_alias;

/* SELECT list. Without aggregates; the parser puts those with aggregates here
 * too when there is no GROUP BY, and the analyzer makes an aggregate of it. */
typedef struct ch_rel_project {
    ch_rel head;
    ch_rel *input;
    ch_expr_list expressions;
} ch_rel_project;

typedef struct ch_rel_filter {
    ch_rel head;
    ch_rel *input;
    ch_expr *condition;
    bool is_qualify; /* unresolved: QUALIFY, whose window functions are over the select list */
    bool is_having;  /* unresolved: names may mean the select list's aliases and
                     aggregates */
} ch_rel_filter;

typedef enum ch_group_type {
    CH_GROUP_BY,
    CH_GROUP_ROLLUP,
    CH_GROUP_CUBE,
    CH_GROUP_PIVOT,
    CH_GROUP_SETS,
    CH_GROUP_ALL
} ch_group_type;

/*
 * Unresolved: `aggregates` is the output beyond the grouping columns as the
 * protocol has it; from SQL (from_sql) it is the whole select list. Resolved:
 * aggregates is the whole output, each an Alias or Attribute over grouping
 * expressions and aggregate calls.
 */
typedef struct ch_rel_aggregate {
    ch_rel head;
    ch_rel *input;
    ch_group_type group_type;
    ch_expr_list grouping;
    ch_expr_list aggregates;
    bool from_sql;
    bool of_set; /* the DISTINCT of INTERSECT and EXCEPT */
    /* PIVOT: each value (an alias gives it a name; a struct, for several columns) makes columns of its own */
    ch_expr_list pivot_columns, pivot_values;
    /* GROUPING SETS: each a list of indices into grouping */
    int32_t **sets;
    int32_t *set_len, n_sets;
} ch_rel_aggregate;

typedef enum ch_join_type {
    CH_JOIN_INNER,
    CH_JOIN_FULL_OUTER,
    CH_JOIN_LEFT_OUTER,
    CH_JOIN_RIGHT_OUTER,
    CH_JOIN_LEFT_ANTI,
    CH_JOIN_LEFT_SEMI,
    CH_JOIN_CROSS,
    CH_JOIN_EXISTENCE /* resolved: every left row, and whether it has a match */
} ch_join_type;

typedef enum ch_build_side { CH_BUILD_UNDECIDED, CH_BUILD_LEFT, CH_BUILD_RIGHT } ch_build_side;

typedef struct ch_rel_join {
    ch_rel head;
    ch_rel *left, *right;
    ch_expr *condition; /* or NULL */
    ch_join_type join_type;
    ch_str_list using_columns;
    bool natural, lateral;
    /* resolved, by the optimizer */
    ch_build_side build;   /* which side is hashed */
    bool broadcast;        /* because a hint says so */
    bool null_aware;       /* NOT IN: a comparison that gives NULL may be a match */
    const ch_attr *exists; /* EXISTENCE: the boolean column; else NULL */
} ch_rel_join;

typedef enum ch_set_op { CH_SET_INTERSECT, CH_SET_UNION, CH_SET_EXCEPT } ch_set_op;

typedef struct ch_rel_set_operation {
    ch_rel head;
    ch_rel *left, *right;
    ch_set_op op;
    bool is_all, by_name, allow_missing_columns;
} ch_rel_set_operation;

typedef struct ch_rel_sort {
    ch_rel head;
    ch_rel *input;
    ch_expr_list order; /* sort orders */
    bool is_global;
    /* resolved: rows that are needed; -1 all. Top-N when >= 0. */
    int64_t limit;
    int32_t
        n_whole; /* rows that are equal in so many of the first orders come in one morsel; 0: any do */
} ch_rel_sort;

typedef struct ch_rel_limit {
    ch_rel head;
    ch_rel *input;
    int64_t limit;
    ch_expr *expr; /* from SQL: foldable; NULL: limit counts */
} ch_rel_limit;

typedef struct ch_rel_offset {
    ch_rel head;
    ch_rel *input;
    int64_t offset;
    ch_expr *expr;
} ch_rel_offset;

typedef struct ch_rel_tail {
    ch_rel head;
    ch_rel *input;
    int64_t limit;
} ch_rel_tail;

/* DISTINCT is all_columns_as_keys. */
typedef struct ch_rel_deduplicate {
    ch_rel head;
    ch_rel *input;
    ch_str_list columns;
    bool all_columns_as_keys;
} ch_rel_deduplicate;

typedef struct ch_rel_sample {
    ch_rel head;
    ch_rel *input;
    double lower, upper;
    bool with_replacement;
    int64_t seed;
    bool has_seed;
    bool sorted; /* the rows of a partition are sorted first (randomSplit) */
} ch_rel_sample;

typedef struct ch_rel_with_columns {
    ch_rel head;
    ch_rel *input;
    ch_expr_list aliases;
    bool must_exist; /* |> SET: the columns are there already */
} ch_rel_with_columns;

typedef struct ch_rel_with_columns_renamed {
    ch_rel head;
    ch_rel *input;
    ch_option_list renames; /* old -> new */
} ch_rel_with_columns_renamed;

typedef struct ch_rel_drop {
    ch_rel head;
    ch_rel *input;
    ch_expr_list columns;
    ch_str_list names;
} ch_rel_drop;

typedef struct ch_rel_to_df {
    ch_rel head;
    ch_rel *input;
    ch_str_list names;
} ch_rel_to_df;

typedef struct ch_rel_hint {
    ch_rel head;
    ch_rel *input;
    const char *name;
    ch_expr_list parameters;
} ch_rel_hint;

typedef struct ch_rel_repartition {
    ch_rel head;
    ch_rel *input;
    int32_t num_partitions; /* 0 = default */
    bool shuffle;
    bool by_id; /* the one expression is the partition's number */
    ch_expr_list expressions;
} ch_rel_repartition;

/* A function behind FROM: explode(...), [LATERAL] stack(...). */
typedef struct ch_rel_unresolved_table_valued_function {
    ch_rel head;
    const char *function_name; /* as written */
    ch_expr_list arguments;
    const struct ch_sql_function *sql; /* what it calls, whatever the name means; or NULL */
    const struct ch_python_udf *python;
} ch_rel_unresolved_table_valued_function;

/*
 * Each row of input, once for every row that a generator makes of it: LATERAL VIEW, and what the
 * analyzer makes of explode() in a select list. Resolved: generator is a call that gives ARRAY<STRUCT>;
 * output holds columns of input, and of `generated`, which are the struct's fields in order.
 */
typedef struct ch_rel_generate {
    ch_rel head;
    ch_rel *input;
    ch_expr *generator;
    bool outer;          /* a row that nothing is made of stays, with NULLs */
    const char *alias;   /* LATERAL VIEW's; or NULL */
    ch_str_list columns; /* LATERAL VIEW's names; n = 0: the generator's own */
    ch_attr_list generated;
} ch_rel_generate;

/* Each row of input once for every row of columns here, with a name for it. */
typedef struct ch_rel_unpivot {
    ch_rel head;
    ch_rel *input;
    ch_expr_list ids; /* columns that stay; SQL: all that no row names */
    bool has_ids;
    ch_expr_list *row; /* values.n columns each; n_rows = 0: all but the ids, one each */
    int32_t n_rows;
    ch_str_list aliases; /* of the rows; "" = none; or n = 0 */
    const char *variable_column_name;
    ch_str_list value_column_names;
    bool include_nulls;
} ch_rel_unpivot;

typedef struct ch_rel_with {
    ch_rel head;
    ch_rel *input;
    ch_rel_list ctes; /* SubqueryAlias each, in order of definition */
    bool recursive;
} ch_rel_with;

typedef struct ch_rel_values {
    ch_rel head;
    ch_expr_list *row;
    int32_t n_rows; /* every row has as many expressions */
} ch_rel_values;

typedef struct ch_rel_one_row {
    ch_rel head;
} ch_rel_one_row;

/* The plan behind a view. Its names are looked up as in `database`. */
typedef struct ch_rel_view {
    ch_rel head;
    ch_rel *input;
    const char *name;     /* for errors */
    const char *database; /* current when the view was made */
    bool stored;          /* in the catalog: temporary views are out of sight */
    /* stored: names of the query's columns when it was made, and the view's columns made of them */
    ch_str_list columns;
    const ch_type *schema;
} ch_rel_view;

typedef enum ch_window_rank { CH_RANK_ROW_NUMBER, CH_RANK_RANK, CH_RANK_DENSE_RANK } ch_window_rank;

/*
 * Resolved: window functions over partitions of the input, in order. Output: the input's columns, then one per
 * function. Each function is an Alias of a Window expression whose partition is this one's and whose
 * order is this one's or begins like it.
 */
typedef struct ch_rel_window {
    ch_rel head;
    ch_rel *input;
    ch_expr_list functions;
    ch_expr_list partition;
    ch_expr_list order; /* sort orders */
    /* By the optimizer: rows ranked above are not needed (WindowGroupLimit); -1 = all are. */
    int64_t limit;
    ch_window_rank limit_by;
} ch_rel_window;

/* Resolved: rows of a format or source. output names the columns of `schema`
 * that are read. */
typedef struct ch_rel_scan {
    ch_rel head;
    const struct ch_format *format;
    const char *name;      /* for EXPLAIN: "csv /data/x.csv" */
    ch_strmap *options;    /* const char * values */
    const ch_type *schema; /* STRUCT of all columns of the files */
    struct ch_file *file;
    int32_t n_files;
    const struct ch_dataset
        *dataset;        /* where columns of `schema` come from; NULL: all from the files */
    int32_t *wanted;     /* head.output.n positions in schema */
    ch_expr_list pushed; /* conjuncts over output that the scan is told of; still
                          filtered above */
    /* Conjuncts that the source answers itself and no filter asks again, and what they were. */
    const struct ch_predicate *asked;
    int32_t n_asked;
    ch_expr_list asked_of;
    /* Not NULL: a source groups its rows, and output is of groups (format/format.h). */
    const struct ch_scan_aggregate *aggregate;
    int64_t limit;                                /* -1 = all */
    const struct ch_table_statistics *statistics; /* for the optimizer, by its rule; or NULL */
    ch_str_list paths;                            /* as they were asked for */
    ch_str_list parts;                            /* of a source: ch_scan_spec.part */
    /* Not NULL: rows that are kept (store/cached.h); no files. */
    struct ch_cached *cached;
    const struct ch_kept_plan *kept; /* where they come from, for EXPLAIN */
} ch_rel_scan;

/* Of kept rows. */
typedef struct ch_kept_plan {
    const char *title; /* of the scan: "InMemoryTableScan" */
    const char *level; /* "StorageLevel(disk, memory, deserialized, 1 replicas)" */
    /* The physical plan that makes them, as text; NULL: not told, a checkpoint's. */
    const char *(*physical)(const struct ch_kept_plan *self);
} ch_kept_plan;

/* Resolved: rows of input, computed once for all Reuse nodes of one number. */
typedef struct ch_rel_reuse {
    ch_rel head;
    ch_rel *input;
    int64_t number;
} ch_rel_reuse;

/* Resolved: rows of body, in which each SharedRef of the number gives those of definition, computed once. */
typedef struct ch_rel_shared {
    ch_rel head;
    ch_rel *definition, *body;
    int64_t number;
} ch_rel_shared;

typedef struct ch_rel_shared_ref {
    ch_rel head; /* columns of the definition, by position */
    int64_t number;
} ch_rel_shared_ref;

/* Rows of the level at hand, while a recursion runs; flat, borrowed from it. */
struct ch_recursion_rows {
    struct ch_batch **batch;
    int32_t n;
};

/* Resolved: WITH RECURSIVE. Rows of anchor, and those that step makes of the rows before. */
typedef struct ch_rel_recursion {
    ch_rel head;
    ch_rel *anchor, *step; /* columns by position */
    struct ch_recursion_rows *rows;
    int64_t level_limit, row_limit; /* more are an error; -1 = any number */
    int64_t limit;                  /* by the optimizer: rows that are needed; -1 = all */
} ch_rel_recursion;

/* Resolved, in a step: the rows that the level before gave. */
typedef struct ch_rel_recursion_ref {
    ch_rel head;
    struct ch_recursion_rows *rows;
} ch_rel_recursion_ref;

#endif
