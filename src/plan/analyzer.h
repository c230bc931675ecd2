/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyzer.h - the analyzer's inside: shared by the analyze_*.c files and by nobody else.
 *
 * One pass, from the leaves up: ch_an_rel() resolves the inputs of a relation, then its expressions
 * against their columns. A table that is named twice is resolved twice and so has different ids each
 * time, which is all that self-joins need.
 */
#ifndef CH_PLAN_ANALYZER_H
#define CH_PLAN_ANALYZER_H

#include "plan/analyze.h"
#include "plan/make.h"
#include "plan/node.h"
#include "plan/plan_frame.h"
#include "plan/print.h"

/* One definition of a WITH clause, and those that it may use itself. */
typedef struct ch_an_cte ch_an_cte;
struct ch_an_cte {
    ch_an_cte *up;
    const ch_rel_subquery_alias *def;
    ch_rel *
        resolved; /* for the first use; each other one resolves it again, with columns of its own */
    /* Computed once for all uses (analyze_shared.c); else NULL. */
    ch_rel *shared;
    int64_t number;
    /* WITH RECURSIVE: what naming it means while it is resolved (analyze_recursion.c). */
    bool recursive, referenced;
    enum { CH_CTE_KNOWN, CH_CTE_ANCHOR, CH_CTE_STEP } state;
    ch_attr_list columns; /* of the step's references */
    struct ch_recursion_rows *rows;
    const char *sql;                 /* the text that its places point into */
    const struct ch_an_scope *outer; /* of the query around the subquery that it stands in */
};

typedef struct ch_an_scope ch_an_scope;

/* The variables in sight of a lambda function's body. */
typedef struct ch_an_lambda ch_an_lambda;
struct ch_an_lambda {
    const ch_an_lambda *up;
    const ch_str_list *names;
    const ch_attr *const *var;
    int32_t depth;
};

/* ROLLUP, CUBE or GROUPING SETS as resolved last, for the HAVING and ORDER BY directly above. */
typedef struct ch_an_sets {
    const ch_rel *rel;         /* whose: the result, or what HAVING made of it; NULL: none */
    const ch_rel_aggregate *g; /* as written */
    ch_rel *input, *result;    /* result: one column per item of list */
    ch_expr_list grouping, list;
    int32_t n_visible;  /* items of list that were written */
    ch_expr *condition; /* of HAVING, over result; or NULL */
} ch_an_sets;

typedef struct ch_analyzer {
    const ch_analyze_context *ctx;
    ch_arena *arena;
    const char *sql; /* as ctx->sql; NULL inside views, whose text is another */
    ch_an_cte *ctes;
    const ch_an_scope *outer; /* of the query around a subquery */
    bool correlated;          /* a name was found in `outer` */
    ch_an_sets sets;
    int32_t views; /* that this query is nested in */
    const struct ch_an_inside
        *inside;   /* functions in SQL, whose bodies these are, innermost first */
    int32_t depth; /* of relations and expressions, against overflow of the stack */
    bool *inlined; /* set when a function in SQL was; NULL: nobody asks */
} ch_analyzer;

typedef struct ch_an_inside {
    const struct ch_an_inside *up;
    const ch_sql_function *fn;
} ch_an_inside;

/* Deeper than programs are written, or programs write; every so many levels room for more is looked for. */
#define CH_AN_MOST_LEVELS 5000
#define CH_AN_LEVELS_AT_ONCE 256
/* Views and functions in SQL, each inside of another. */
#define CH_AN_MOST_VIEWS 100
/* With what functions need that look at all that is below. */
#define CH_AN_LEVELS_OF_ROOM (4 * (int64_t)CH_AN_LEVELS_AT_ONCE)

/*
 * What names may mean, and what may stand, in the expressions of one clause.
 *
 * tier[0] is looked at first. Within the arguments of an aggregate function the tiers are looked at from
 * the last one, if `inverted`: HAVING sum(b) means the input's b, even if the output has one.
 */
struct ch_an_scope {
    const ch_an_scope *outer;
    const ch_attr_list *tier[3];
    int32_t n_tiers;
    bool inverted;
    bool lenient; /* ORDER BY: a name that is ambiguous in one tier may mean the next */
    const ch_expr_list *grouping; /* HAVING: what the last tier is grouped by; or NULL */
    const ch_rel *input[2];       /* where the protocol's plan ids are searched; may be NULL */
    const ch_attr_list *proposal; /* for "did you mean"; NULL: all tiers */

    bool aggregates;                         /* aggregate functions may stand here */
    bool windows;                            /* window functions may */
    const ch_expr_unresolved_function *over; /* the call at hand that has OVER */
    bool in_window;                          /* inside OVER (...) or its function */
    bool in_aggregate;
    const ch_expr_unresolved_function *aggregate; /* the one that in_aggregate means */
    const char *clause;                           /* "WHERE", for errors */
    const ch_expr_list *laterals; /* resolved aliases of the same select list so far; or NULL */
    bool used_lateral;            /* found by resolving */
    const ch_an_lambda *lambda;   /* NULL outside of lambda functions */
    ch_rel_list generates;        /* of the generators in the select list, inputs to be set */
    ch_attr_list generated;       /* their columns */
    const ch_attr *time_window;   /* what window(...) and session_window(...) mean; or NULL */
};

/* ---- errors ---- */

/* Sets an error and says where in the text. Values may come from calls that have failed themselves. */
#define CH_AN_FAIL(a, node, err, CODE, ...)                                     \
    do {                                                                        \
        (void)ch_error_set((err), CH_E_##CODE, ##__VA_ARGS__, (const char *)0); \
        ch_error_locate((err), (a)->sql, (node)->start, (node)->stop);          \
        return (err) && (err)->code != CH_OK ? (err)->code : CH_E_##CODE;       \
    } while (0)

/* ---- relations (analyze.c) ---- */

CH_NODISCARD ch_status ch_an_rel(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err);
/* The same without hidden columns. */
CH_NODISCARD ch_status ch_an_input(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err);
/* A project on top that drops hidden columns, if there are any. */
CH_NODISCARD ch_status ch_an_visible(ch_analyzer *a, ch_rel **rel, ch_error *err);

/* ---- WITHIN GROUP (analyze_within_group.c) ---- */

/* How many of the last arguments are its orderings. */
int32_t ch_an_orderings(const ch_expr_list *args);
/* May they stand there? Settles what they mean, before the call is bound. */
CH_NODISCARD ch_status ch_an_within_group(ch_analyzer *a, ch_expr_call *draft, const ch_func *func,
                                          ch_error *err);

/* ---- helpers (analyze_make.c) ---- */

bool ch_an_same_name(const ch_analyzer *a, const char *x, const char *y);
/* The scope of a clause over one or two inputs. */
ch_an_scope ch_an_scope_of(const ch_analyzer *a, const ch_rel *left, const ch_rel *right,
                           const char *clause);

/* ---- expressions (analyze_expr.c) ---- */

CH_NODISCARD ch_status ch_an_expr(ch_analyzer *a, ch_an_scope *scope, const ch_expr *expr,
                                  ch_expr **out, ch_error *err);
/* Each of a list; stars become their columns. */
CH_NODISCARD ch_status ch_an_exprs(ch_analyzer *a, ch_an_scope *scope, const ch_expr_list *list,
                                   ch_expr_list *out, ch_error *err);
/* One type for all that it can be found for, casts put in; *type NULL if there is none. */
CH_NODISCARD ch_status ch_an_common_type(ch_analyzer *a, ch_expr *const *expr, int32_t n,
                                         int32_t step, const ch_type **type, ch_error *err);

/* A resolved expression cast as CAST does it, shown without. */
CH_NODISCARD ch_status ch_an_cast_to(ch_analyzer *a, ch_expr *child, const ch_type *to,
                                     const ch_expr *at, ch_expr **out, ch_error *err);
/* Scalar, IN and EXISTS (analyze_subquery.c) */
CH_NODISCARD ch_status ch_an_subquery(ch_analyzer *a, ch_an_scope *scope,
                                      const ch_expr_subquery *in, ch_expr **out, ch_error *err);

/* ---- calls (analyze_call.c) ---- */

/* grouping(x) or grouping_id() */
bool ch_an_is_grouping(const ch_expr *expr);
/* A bound call on resolved arguments; `at` is blamed and may be NULL. */
CH_NODISCARD ch_status ch_an_bound(ch_analyzer *a, const ch_expr_call *draft, const ch_expr *at,
                                   ch_expr **out, ch_error *err);
/* The same of func, whatever the name means. */
CH_NODISCARD ch_status ch_an_bound_to(ch_analyzer *a, const ch_expr_call *draft,
                                      const ch_func *func, const ch_expr *at, ch_expr **out,
                                      ch_error *err);
/* The draft of a call on resolved arguments becomes that of another function, for some; *shown is the name
 * that the result has in columns, or NULL: the function's (analyze_builder.c). */
CH_NODISCARD ch_status ch_an_build(ch_analyzer *a, ch_expr_call *draft, const char **shown,
                                   ch_error *err);
/* A comparison of CHAR(n) columns: the shorter sides are padded (analyze_char.c). */
CH_NODISCARD ch_status ch_an_pad_chars(ch_analyzer *a, const ch_expr *at, ch_expr **call,
                                       ch_error *err);
/* Aggregates of one value in truth, DISTINCT: a bound call of two becomes that, under its own text. */
CH_NODISCARD ch_status ch_an_build_distinct(ch_analyzer *a, const ch_expr *at, ch_expr **call,
                                            ch_error *err);
CH_NODISCARD ch_status ch_an_call(ch_analyzer *a, ch_an_scope *scope,
                                  const ch_expr_unresolved_function *f, ch_expr **out,
                                  ch_error *err);

/* ---- window(t, ...), session_window(t, ...) (analyze_time_window.c) ---- */

typedef struct ch_an_time_window {
    const ch_expr_list *list; /* where they may stand, unresolved; NULL: nowhere */
    ch_expr *const *grouping; /* also here */
    int32_t n_grouping;
    bool from_sql;         /* grouping may name positions of list */
    bool merges;           /* GROUP BY: sessions that touch become one */
    const ch_attr *column; /* out: what such a call means; NULL if there is none */
} ch_an_time_window;
/* Puts the column of windows below a clause that uses one: *input is resolved, before and after. */
CH_NODISCARD ch_status ch_an_time_windows(ch_analyzer *a, ch_an_time_window *w, ch_rel **input,
                                          ch_error *err);
/* *out is the column if f is such a call and the scope has one; else NULL. */
CH_NODISCARD ch_status ch_an_time_window_call(ch_analyzer *a, const ch_an_scope *scope,
                                              const ch_expr_unresolved_function *f, ch_expr **out,
                                              ch_error *err);
/* Arguments by name at their places, others as they are (analyze_named.c). */
CH_NODISCARD ch_status ch_an_arguments(ch_analyzer *a, const char *function, const ch_expr *at,
                                       ch_expr_list *args, ch_error *err);

/* The places of the arguments among parameters called like the fields; those that are left out stay NULL. */
CH_NODISCARD ch_status ch_an_place(ch_analyzer *a, const ch_type *fields, const ch_expr *at,
                                   const char *routine, const ch_expr_list *args, ch_expr **slot,
                                   ch_error *err);

/* ---- functions of programs (analyze_user.c) ---- */

/* a.f as `a`.`f`, for errors. */
CH_NODISCARD ch_status ch_an_function_quoted(ch_analyzer *a, const char *name, char **out,
                                             ch_error *err);
/* The registered or stored function of the name, if it is none of the engine's; NULL: there is none. */
CH_NODISCARD ch_status ch_an_user_named(ch_analyzer *a, const char *name,
                                        const ch_user_function **out, ch_error *err);

/* *out is the registered function that f calls; NULL: none. */
CH_NODISCARD ch_status ch_an_user_find(ch_analyzer *a, const ch_expr_unresolved_function *f,
                                       const ch_user_function **out, ch_error *err);
/* DISTINCT, FILTER, IGNORE NULLS, OVER: a function of rows takes none of them. */
CH_NODISCARD ch_status ch_an_user_syntax(ch_analyzer *a, const ch_expr_unresolved_function *f,
                                         const char *name, bool over, ch_error *err);
CH_NODISCARD ch_status ch_an_native_call(ch_analyzer *a, ch_an_scope *scope,
                                         const ch_expr_unresolved_function *f,
                                         const struct ch_native *native, ch_expr **out,
                                         ch_error *err);

/* ---- functions in SQL (analyze_function.c) ---- */

CH_NODISCARD ch_status ch_an_sql_call(ch_analyzer *a, ch_an_scope *scope,
                                      const ch_expr_unresolved_function *f,
                                      const ch_sql_function *fn, ch_expr **out, ch_error *err);
/* body under the text of the bound call, for names of columns and errors, until the analysis is over. */
CH_NODISCARD ch_status ch_an_cover(ch_analyzer *a, const ch_expr *at, const ch_expr *call,
                                   ch_expr *body, ch_expr **out, ch_error *err);
/* Behind FROM. */
CH_NODISCARD ch_status ch_an_sql_rows(ch_analyzer *a,
                                      const ch_rel_unresolved_table_valued_function *t,
                                      const ch_sql_function *fn, ch_rel **out, ch_error *err);
/* Takes the texts of calls away: the body alone is left. */
CH_NODISCARD ch_status ch_an_uncover(ch_analyzer *a, ch_rel **rel, ch_error *err);

/* ---- functions in Python (analyze_python.c) ---- */

CH_NODISCARD ch_status ch_an_python_call(ch_analyzer *a, ch_an_scope *scope,
                                         const ch_expr_unresolved_function *f,
                                         const struct ch_python_udf *udf, ch_expr **out,
                                         ch_error *err);
/* Adds resolved arguments: a name stays with its own, a star becomes columns. */
CH_NODISCARD ch_status ch_an_python_arguments(ch_analyzer *a, ch_an_scope *scope,
                                              const ch_expr_list *in, ch_expr_list *out,
                                              ch_error *err);
/* A call on resolved arguments; `at` says where it was written. */
CH_NODISCARD ch_status ch_an_python_made(ch_analyzer *a, const ch_expr *at,
                                         const struct ch_python_udf *udf, const ch_expr_list *args,
                                         ch_expr **out, ch_error *err);
/*
 * Rows of a table function (analyze_python_table.c).
 *   alias  of its columns; or NULL
 *   left   LATERAL: the relation whose columns its arguments may use, and which its rows stand beside; or NULL
 *   outer  rows of left stay that it makes nothing of
 */
CH_NODISCARD ch_status ch_an_python_rows(ch_analyzer *a,
                                         const ch_rel_unresolved_table_valued_function *t,
                                         const struct ch_python_udf *udf,
                                         const ch_rel_subquery_alias *alias, ch_rel *left,
                                         bool outer, ch_rel **out, ch_error *err);
/* May it be called with `left`? Not where a table is an argument. */
bool ch_an_python_is_lateral(const ch_rel_unresolved_table_valued_function *t);
/* MapPartitions, GroupMap, CoGroupMap */
CH_NODISCARD ch_status ch_an_python_map(ch_analyzer *a, const ch_rel *rel, ch_rel **out,
                                        ch_error *err);

/* ---- lambda functions (analyze_lambda.c) ---- */

/* The row that takes a lambda function, if the call means one; else NULL. */
const ch_func *ch_an_higher_order(const ch_func *func, const ch_expr_unresolved_function *f);
CH_NODISCARD ch_status ch_an_higher_order_call(ch_analyzer *a, ch_an_scope *scope,
                                               const ch_expr_unresolved_function *f,
                                               const ch_func *func, ch_expr **out, ch_error *err);
CH_NODISCARD ch_status ch_an_lambda_variable(ch_analyzer *a, ch_an_scope *scope,
                                             const ch_expr_unresolved_named_lambda_variable *v,
                                             ch_expr **out, ch_error *err);

/* ---- names (analyze_names.c) ---- */

CH_NODISCARD ch_status ch_an_name(ch_analyzer *a, ch_an_scope *scope,
                                  const ch_expr_unresolved_attribute *u, ch_expr **out,
                                  ch_error *err);
/*
 * A hidden column about the files that rel reads: _metadata, input_file_name(). It joins the
 * outputs from the scan up to rel.
 *   qualifier  its first n parts must fit; n 0: any
 *   out        NULL: rel reads no files, or rows that come from several places at once
 */
CH_NODISCARD ch_status ch_an_file_column(ch_analyzer *a, const ch_rel *rel, const char *name,
                                         const ch_str_list *qualifier, int32_t n,
                                         const ch_attr **out, ch_error *err);
CH_NODISCARD ch_status ch_an_star(ch_analyzer *a, ch_an_scope *scope,
                                  const ch_expr_unresolved_star *star, ch_expr_list *out,
                                  ch_error *err);
/* child.field, child[key]; `at` is blamed */
CH_NODISCARD ch_status ch_an_extract(ch_analyzer *a, const ch_expr *at, ch_expr *child,
                                     ch_expr *extraction, ch_expr **out, ch_error *err);
/* At most five near names (analyze_proposal.c), nearest first: "`a`, `b`". */
CH_NODISCARD ch_status ch_an_proposal(ch_analyzer *a, const ch_an_scope *scope,
                                      const ch_str_list *parts, char **out, ch_error *err);

/* ---- select lists (analyze_select.c) ---- */

/* Every resolved expression as an Alias or Attribute, named as Spark names it. `written` is what it was
 * made of. */
CH_NODISCARD ch_status ch_an_named(ch_analyzer *a, const ch_expr *written, ch_expr *expr,
                                   ch_expr **out, ch_error *err);
/* A whole select list: stars, names, aliases of the list itself. */
CH_NODISCARD ch_status ch_an_select_list(ch_analyzer *a, ch_an_scope *scope,
                                         const ch_expr_list *list, ch_expr_list *out,
                                         ch_error *err);
/* aggregate: HAVING stands above, so it is one even without an aggregate function. */
CH_NODISCARD ch_status ch_an_select(ch_analyzer *a, const ch_rel_project *p, bool aggregate,
                                    ch_rel **out, ch_error *err);
/* As ch_an_make_aggregate, for a list that may use its own aliases. */
CH_NODISCARD ch_status ch_an_aggregate_list(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                                            const ch_an_scope *scope, const ch_expr_list *grouping,
                                            const ch_expr_list *list, bool has_group_by,
                                            ch_rel **out, ch_error *err);

/* ---- generators (analyze_generate.c) ---- */

/* The generator that a select item calls, itself or under an alias; NULL if it is something else. */
const ch_func *ch_an_is_generator(ch_analyzer *a, const ch_expr *written);
/* Such an item becomes columns, and a Generate in scope->generates. */
CH_NODISCARD ch_status ch_an_generator_item(ch_analyzer *a, ch_an_scope *scope,
                                            const ch_expr *written, ch_expr_list *out,
                                            ch_error *err);
/* The Generates of a select list on top of input, the first one lowest. */
CH_NODISCARD ch_status ch_an_add_generates(ch_analyzer *a, const ch_an_scope *scope, ch_rel **input,
                                           ch_error *err);
/* A select list with generators over an aggregate: their arguments are computed in it. */
CH_NODISCARD ch_status ch_an_generate_aggregate(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                                                const ch_an_scope *scope,
                                                const ch_expr_list *grouping,
                                                const ch_expr_list *list, bool has_group_by,
                                                ch_rel **out, ch_error *err);
/* A generator where none may stand. */
ch_status ch_an_refuse_generator(ch_analyzer *a, const ch_an_scope *scope,
                                 const ch_expr_unresolved_function *f, ch_error *err);
CH_NODISCARD ch_status ch_an_generate(ch_analyzer *a, const ch_rel_generate *g, ch_rel **out,
                                      ch_error *err);
CH_NODISCARD ch_status ch_an_table_function(ch_analyzer *a,
                                            const ch_rel_unresolved_table_valued_function *f,
                                            ch_rel **out, ch_error *err);
/* range(...) with arguments that the parser left as they are (analyze_range.c). */
bool ch_an_is_range(const ch_rel *rel);
CH_NODISCARD ch_status ch_an_range(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *f,
                                   ch_rel **out, ch_error *err);
/* left, LATERAL generator(...): *out is NULL if the right side is something else. */
CH_NODISCARD ch_status ch_an_lateral_generator(ch_analyzer *a, const ch_rel_join *j, ch_rel **out,
                                               ch_error *err);

/* ---- PIVOT, UNPIVOT (analyze_pivot.c) ---- */

CH_NODISCARD ch_status ch_an_pivot(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel **out,
                                   ch_error *err);
CH_NODISCARD ch_status ch_an_unpivot(ch_analyzer *a, const ch_rel_unpivot *u, ch_rel **out,
                                     ch_error *err);

/* ---- na, stat, nearest rows ---- */

/* The columns that the names mean; without names, all of input's (*all). */
CH_NODISCARD ch_status ch_an_columns(ch_analyzer *a, ch_rel *input, const ch_str_list *names,
                                     bool *all, ch_attr_list *out, ch_error *err);
/* fill, drop, replace, to(schema) (analyze_na.c) */
CH_NODISCARD ch_status ch_an_na(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err);
/* summary, cov, corr, quantiles, frequent items (analyze_stat.c) */
CH_NODISCARD ch_status ch_an_statistic(ch_analyzer *a, const ch_rel *rel, ch_rel **out,
                                       ch_error *err);
CH_NODISCARD ch_status ch_an_collect_metrics(ch_analyzer *a, const ch_rel_collect_metrics *in,
                                             ch_rel **out, ch_error *err);
/* analyze_nearest.c */
CH_NODISCARD ch_status ch_an_as_of_join(ch_analyzer *a, const ch_rel_as_of_join *in, ch_rel **out,
                                        ch_error *err);
CH_NODISCARD ch_status ch_an_nearest_by_join(ch_analyzer *a, const ch_rel_nearest_by_join *in,
                                             ch_rel **out, ch_error *err);
CH_NODISCARD ch_status ch_an_zip(ch_analyzer *a, const ch_rel_zip *z, ch_rel **out, ch_error *err);
/* withField, dropFields (analyze_fields.c) */
CH_NODISCARD ch_status ch_an_update_fields(ch_analyzer *a, ch_an_scope *scope,
                                           const ch_expr_update_fields *u, ch_expr **out,
                                           ch_error *err);

/* ---- aggregates (analyze_aggregate.c) ---- */

CH_NODISCARD ch_status ch_an_aggregate(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel **out,
                                       ch_error *err);
CH_NODISCARD ch_status ch_an_make_aggregate(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                                            const ch_expr_list *grouping, const ch_expr_list *list,
                                            bool has_group_by, ch_rel **out, ch_error *err);
/* Is every expression made of grouping expressions and aggregate calls? */
CH_NODISCARD ch_status ch_an_check_grouped(ch_analyzer *a, const ch_rel *at,
                                           const ch_expr_list *grouping, const ch_expr_list *list,
                                           bool has_group_by, ch_error *err);
/* ROLLUP, CUBE, GROUPING SETS (analyze_grouping_sets.c) */
CH_NODISCARD ch_status ch_an_grouping_sets(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel *input,
                                           const ch_expr_list *grouping, const ch_expr_list *list,
                                           ch_rel **out, ch_error *err);
/*
 * The same for what stands above grouping sets, of expressions over their input and output: rewritten in place to be
 * over sets->result, which is made anew, with more columns, where it lacks one. *out = sets->result, with
 * HAVING's filter if there was one.
 */
CH_NODISCARD ch_status ch_an_over_sets(ch_analyzer *a, ch_an_sets *sets, ch_expr_list *exprs,
                                       ch_rel **out, ch_error *err);
/*
 * Rewrites an expression over an aggregate's input and output into one over its output: aggregate
 * calls and grouping expressions become columns, added to *extra where the output lacks them.
 */
CH_NODISCARD ch_status ch_an_over_aggregate(ch_analyzer *a, const ch_rel_aggregate *agg,
                                            ch_expr_list *extra, ch_expr **expr, ch_error *err);
/* agg with more outputs */
CH_NODISCARD ch_status ch_an_aggregate_add(ch_analyzer *a, const ch_rel_aggregate *agg,
                                           const ch_expr_list *extra, ch_rel **out, ch_error *err);
CH_NODISCARD ch_status ch_an_having(ch_analyzer *a, const ch_rel_filter *f, ch_rel **out,
                                    ch_error *err);

/* ---- windows (analyze_window.c) ---- */

CH_NODISCARD ch_status ch_an_window(ch_analyzer *a, ch_an_scope *scope, const ch_expr_window *in,
                                    ch_expr **out, ch_error *err);
bool ch_an_has_window(const ch_expr_list *list);
/* A project of the list, with Window relations below it for the window functions that the list has. */
CH_NODISCARD ch_status ch_an_project(ch_analyzer *a, ch_rel *input, const ch_expr_list *list,
                                     ch_rel **out, ch_error *err);
/* The relation of `kind` under a select list with window functions, or NULL. */
ch_rel *ch_an_under_windows(ch_rel *rel, ch_rel_kind kind);
/* rel with `now` in the place of `old`, which ch_an_under_windows gave. */
CH_NODISCARD ch_status ch_an_replace_under(ch_analyzer *a, ch_rel **rel, const ch_rel *old,
                                           ch_rel *now, ch_error *err);

/* ---- other relations ---- */

/* A condition of WHERE or HAVING: boolean. */
CH_NODISCARD ch_status ch_an_check_filter(ch_analyzer *a, const ch_rel *at, ch_expr **condition,
                                          ch_error *err);

CH_NODISCARD ch_status ch_an_filter(ch_analyzer *a, const ch_rel_filter *f, ch_rel **out,
                                    ch_error *err);
CH_NODISCARD ch_status ch_an_sort(ch_analyzer *a, const ch_rel_sort *s, ch_rel **out,
                                  ch_error *err);
CH_NODISCARD ch_status ch_an_limit(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err);
CH_NODISCARD ch_status ch_an_join(ch_analyzer *a, const ch_rel_join *j, ch_rel **out,
                                  ch_error *err);
/* A union's output, with fresh ids, from sides of equal types. */
CH_NODISCARD ch_status ch_an_union_output(ch_analyzer *a, ch_rel_set_operation *u, ch_rel **out,
                                          ch_error *err);
CH_NODISCARD ch_status ch_an_set_operation(ch_analyzer *a, const ch_rel_set_operation *s,
                                           ch_rel **out, ch_error *err);
CH_NODISCARD ch_status ch_an_values(ch_analyzer *a, const ch_rel_values *v, ch_rel **out,
                                    ch_error *err);
CH_NODISCARD ch_status ch_an_no_maps(ch_analyzer *a, const ch_rel *at, const ch_attr_list *list,
                                     ch_error *err);
/* Tables, files, rows in memory, ranges, aliases, WITH (analyze_source.c) */
CH_NODISCARD ch_status ch_an_source(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err);
/* Decides whether definition `at` of w, which is resolved, is shared (analyze_shared.c). */
CH_NODISCARD ch_status ch_an_share(ch_analyzer *a, const ch_rel_with *w, int32_t at, ch_an_cte *cte,
                                   ch_error *err);
/* A use of a shared definition; and the relation around all of them. */
CH_NODISCARD ch_status ch_an_shared_ref(ch_analyzer *a, const ch_an_cte *cte, ch_rel **out,
                                        ch_error *err);
CH_NODISCARD ch_status ch_an_shared(ch_analyzer *a, const ch_an_cte *cte, ch_rel **body,
                                    ch_error *err);
/* A recursive definition, which `a` sees; *out NULL: it does not name itself (analyze_recursion.c). */
CH_NODISCARD ch_status ch_an_recursion(ch_analyzer *a, ch_an_cte *cte, ch_rel **out, ch_error *err);
/* The name of a definition inside of it. */
CH_NODISCARD ch_status ch_an_recursion_ref(ch_analyzer *a, ch_an_cte *cte, const ch_rel *at,
                                           ch_rel **out, ch_error *err);
/* DISTINCT, withColumns, drop, toDF, sample, ... (analyze_frame.c) */
CH_NODISCARD ch_status ch_an_frame(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err);
/* Statements (analyze_command.c) */
CH_NODISCARD ch_status ch_an_command(ch_analyzer *a, const ch_rel *rel, ch_rel **out,
                                     ch_error *err);

#endif
