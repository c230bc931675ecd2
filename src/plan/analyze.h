/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze.h - from names to meaning: an unresolved tree in, a resolved one out.
 *
 * Rules are Spark's (Analyzer.scala and its error classes): attribute
 * resolution by qualifier and name without case (unless
 * spark.sql.caseSensitive), * expansion, ordinals and aliases in GROUP BY and
 * ORDER BY, lateral column aliases, aggregates found in the select list,
 * implicit casts.
 */
#ifndef CH_PLAN_ANALYZE_H
#define CH_PLAN_ANALYZE_H

#include "function/function.h"
#include "plan/plan.h"

/*
 * A function in SQL. Texts and unresolved trees live as long as what has the function: an entry of the session, or the
 * query.
 */
typedef struct ch_sql_function {
    const char *name;          /* that its parameters can be qualified with */
    const char *full, *quoted; /* spark_catalog.d.f of a stored one; `f` */
    bool stored;               /* it outlasts the session */
    const char *sql;           /* the text that expr, query and their places are of */
    const ch_expr *expr;       /* RETURN expr; or NULL: */
    const ch_rel *query;       /* RETURN query */
    const ch_type *parameters; /* STRUCT; metadata "comment", "CURRENT_DEFAULT" */
    ch_expr **fallback;        /* DEFAULT of each; an item NULL: none */
    const ch_type *returns;    /* STRUCT of a table; NULL: whatever the body gives */
    bool is_table;
    const char *body, *comment, *data_access; /* for DESCRIBE; comment may be NULL */
    bool is_deterministic;
    int64_t created_us;
} ch_sql_function;

/* A function that a program has brought, by what it is written in. */
typedef struct ch_user_function {
    const char *name; /* as it was registered */
    /* One of these. */
    const struct ch_python_udf *python;
    struct ch_native *native;
    const ch_sql_function *sql;
} ch_user_function;

/* How the analyzer reaches what is outside the plan; the session implements it.
 */
struct ch_python_runtime;
typedef struct ch_catalog ch_catalog;
struct ch_catalog {
    /*
   * The unresolved plan behind a table or temporary view. *out NULL when there
   * is none. *qualifier gets the full name (spark_catalog.default.t; for a
   * temporary view its name alone).
   */
    ch_status (*table)(ch_catalog *self, const ch_str_list *parts, const ch_option_list *options,
                       ch_arena *arena, ch_rel **out, ch_str_list *qualifier, ch_error *err);
    /* Lists files, infers the schema where none is given: a resolved Scan, but
   * for output. */
    ch_status (*data_source)(ch_catalog *self, const ch_rel_read_data_source *read, ch_arena *arena,
                             ch_rel_scan **out, ch_error *err);
    /* SQL text of an expression, parsed. */
    ch_status (*parse_expression)(ch_catalog *self, const char *text, ch_arena *arena,
                                  ch_expr **out, ch_error *err);
    /* The value of a session variable; *found false when there is none of that name. */
    ch_status (*variable)(ch_catalog *self, const char *name, ch_arena *arena, ch_scalar *out,
                          bool *found, ch_error *err);
    /* The function that was registered under the name, or else the stored one, a, d.a or catalog.d.a; *out NULL when
     * there is none. It stays as long as the catalog does. of_session: a registered one. */
    ch_status (*function)(ch_catalog *self, const char *name, bool of_session,
                          const ch_user_function **out, ch_error *err);
    /* What functions in Python are asked with (python/python_analyze.h); *out NULL: there can be none. */
    ch_status (*python)(ch_catalog *self, const struct ch_python_runtime **out, ch_error *err);
    /* Names of tables and views, for "did you mean". */
    ch_status (*names)(ch_catalog *self, ch_arena *arena, ch_str_list *out, ch_error *err);
    /* Set by the analyzer while it is inside a view: where names are looked up, and whether temporary
     * views are out of sight. */
    const char *database; /* NULL: the session's current one */
    bool stored_only;
};

typedef struct ch_analyze_context {
    ch_arena *arena; /* everything made lives here */
    ch_catalog *catalog;
    const ch_func_context *func;
    _Atomic int64_t *next_id;                 /* the session's counter of attribute ids */
    const char *sql;                          /* the text that start and stop point into, or NULL */
    int64_t recursion_levels, recursion_rows; /* limits of WITH RECURSIVE; -1: none */
    int32_t shuffle_partitions;               /* that groups are dealt out to */
    bool many_tables;                         /* a table function may have several as arguments */
    const char *excluded_rules; /* of the optimizer: names separated by commas; NULL: none */
} ch_analyze_context;

CH_NODISCARD ch_status ch_analyze(const ch_analyze_context *ctx, const ch_rel *plan, ch_rel **out,
                                  ch_error *err);
/* The output as a STRUCT type. */
const ch_type *ch_rel_schema(const ch_rel *rel);

/* Does it give the same value for the same row, and can it fail? */
bool ch_expr_is_deterministic(const ch_expr *expr);
bool ch_expr_may_fail(const ch_expr *expr);
bool ch_expr_is_foldable(const ch_expr *expr);
bool ch_expr_has_aggregate(const ch_expr *expr);
bool ch_expr_has_window(const ch_expr *expr);
bool ch_expr_has_python(const ch_expr *expr);

/* A bound call of function `name` on resolved args, with the casts it needs. */
CH_NODISCARD ch_status ch_call_make(const ch_analyze_context *ctx, const char *name, ch_expr **args,
                                    int32_t n, ch_expr **out, ch_error *err);

#endif
