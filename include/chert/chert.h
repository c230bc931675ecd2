/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chert.h - Chert's C API: Spark's DataFrames without Spark.
 *
 *   chert_error err = CHERT_ERROR_INIT;
 *   chert_session *s = chert_session_new(NULL, &err);
 *   chert_df *events = chert_read(s, "csv", "location.csv", NULL, &err, "header", "true", NULL);
 *   chert_df *late = chert_df_filter(events, chert_col_gt(chert_col_new("date"), chert_lit_string("2019-01-20")), &err);
 *   chert_df_show(late, 20, 20, false, stdout, &err);
 *   chert_df_free(late);
 *   chert_df_free(events);
 *   chert_session_free(s);
 *
 * Names are Spark's own words. A DataFrame is lazy: nothing is read before an action (show, count,
 * collect, write), and that is where mistakes in names and types are told.
 *
 * Ownership   functions that make something give it to the caller, who frees it with its _free.
 *             Column expressions (chert_col) are taken by the call they are passed to, also when it fails;
 *             everything else is borrowed.
 * Errors      functions return NULL or a code other than 0 and fill err, which may be NULL. A NULL
 *             session, DataFrame, column or query passed on gives NULL (0, false, an error code) again and
 *             leaves the first error as it was, so that a chain needs one check, at its end.
 * Threads     a session may be used from several threads, a DataFrame and a result as well; a column
 *             expression from one.
 * Text        UTF-8, NUL-terminated, copied.
 */
#ifndef CHERT_CHERT_H
#define CHERT_CHERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "chert/arrow.h"
#include "chert/function.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define CHERT_API __attribute__((visibility("default")))
#define CHERT_SENTINEL __attribute__((sentinel))
#else
#define CHERT_API
#define CHERT_SENTINEL
#endif

typedef struct chert_session
    chert_session; /* settings, views; owns the worker threads and the memory budget */
typedef struct chert_df chert_df;           /* a lazy DataFrame */
typedef struct chert_col chert_col;         /* a column expression */
typedef struct chert_grouped chert_grouped; /* a DataFrame grouped by keys, before agg() */
typedef struct chert_query chert_query;     /* one run of a DataFrame */
typedef struct chert_writer chert_writer;   /* a DataFrame on its way to files */

/* "0.1.0" */
CHERT_API const char *chert_version(void);

/* -------------------------------------------------------------------- errors */

/*
 * What went wrong. Begin with CHERT_ERROR_INIT; chert_error_free() when code is not 0, then it may be
 * used again. Class, SQLSTATE and parameters are Spark's.
 */
typedef struct chert_error {
    uint32_t struct_bytes;
    int32_t code;            /* 0: no error */
    const char *error_class; /* "DIVIDE_BY_ZERO"; static */
    const char *sqlstate;    /* "22012"; static */
    const char *message;     /* one sentence; owned */
    int32_t line, position;  /* in the SQL text, from 1; 0: unknown */
    const char *text;        /* all of it, with the line of SQL and a caret; owned */
    void *internal;
} chert_error;
#define CHERT_ERROR_INIT                                           \
    {                                                              \
        sizeof(chert_error), 0, NULL, NULL, NULL, 0, 0, NULL, NULL \
    }

/* Value of a message parameter ("objectName"), or NULL; borrowed from err. */
CHERT_API const char *chert_error_param(const chert_error *err, const char *name);
/* Was it cancelled by chert_query_cancel? */
CHERT_API bool chert_error_is_cancelled(const chert_error *err);
CHERT_API void chert_error_free(chert_error *err);

/* ------------------------------------------------------------------- session */

typedef struct chert_options {
    uint32_t struct_bytes;
    int64_t memory_bytes;  /* budget of the whole process; 0: 60 % of the machine's */
    int32_t threads;       /* 0: one per core */
    const char *spill_dir; /* NULL: $TMPDIR or /tmp */
} chert_options;
#define CHERT_OPTIONS_INIT                \
    {                                     \
        sizeof(chert_options), 0, 0, NULL \
    }

/* options may be NULL. */
CHERT_API chert_session *chert_session_new(const chert_options *options, chert_error *err);
/* DataFrames and queries of the session must be free. NULL is ignored. */
CHERT_API void chert_session_free(chert_session *session);
/* SET key = value; value NULL goes back to the default. */
CHERT_API int chert_session_set(chert_session *session, const char *key, const char *value,
                                chert_error *err);
/* The value, to be freed with chert_free(); NULL when there is none. */
CHERT_API char *chert_session_get(chert_session *session, const char *key, chert_error *err);
CHERT_API void chert_free(void *ptr);
/* Most bytes that the session's process budget has held at once. */
CHERT_API int64_t chert_session_peak_bytes(const chert_session *session);
/* "256M", "2g" -> bytes; false for anything else. */
CHERT_API bool chert_parse_bytes(const char *text, int64_t *bytes);

typedef struct chert_progress {
    uint32_t struct_bytes;
    int64_t bytes_done, bytes_total; /* of input; total 0: unknown */
    int64_t rows;                    /* read so far */
    int64_t n_malformed;             /* records that broke the format's rules */
} chert_progress;
#define CHERT_PROGRESS_INIT                \
    {                                      \
        sizeof(chert_progress), 0, 0, 0, 0 \
    }
/* Ends everything that the session runs now, writes and commands too, with an error that says so. Any thread. */
CHERT_API void chert_session_cancel(chert_session *session);
/* What the run that began last has read; false when it is over. Any thread. */
CHERT_API bool chert_session_progress(chert_session *session, chert_progress *progress);

/*
 * A function in C under its name, for SQL and for chert_call(), in place of one that has the name; chert/function.h says
 * what it is. The engine's own functions come first. function is borrowed; its user_data is taken, also on error.
 */
CHERT_API int chert_session_register_function(chert_session *session,
                                              const chert_function *function, chert_error *err);

/* One SQL statement. Commands (CREATE VIEW, SET, SHOW ...) run at once and give their rows. */
CHERT_API chert_df *chert_sql(chert_session *session, const char *text, chert_error *err);
/* Offset after the first statement of text and its ';'. *complete: false when it ends in the middle of one. */
CHERT_API size_t chert_sql_split(const char *text, bool *complete);

/* A table or temporary view. */
CHERT_API chert_df *chert_table(chert_session *session, const char *name, chert_error *err);
/* spark.range(start, end, step): one BIGINT column `id`. */
CHERT_API chert_df *chert_range(chert_session *session, int64_t start, int64_t end, int64_t step,
                                chert_error *err);
/*
 * spark.read.format(format).schema(schema).option(key, value)....load(path)
 * path: "" for what has none, such as "jdbc", whose options say where it is.
 * schema: DDL ("a INT, b STRING"), NULL to infer; then pairs of option and value, ended by NULL.
 */
CHERT_API chert_df *chert_read(chert_session *session, const char *format, const char *path,
                               const char *schema, chert_error *err, ...) CHERT_SENTINEL;
/* Rows from any Arrow producer; the stream is taken and released. */
CHERT_API chert_df *chert_from_arrow(chert_session *session, struct ArrowArrayStream *stream,
                                     chert_error *err);

/* -------------------------------------------------------- column expressions */

/* "a", "t.a", "`odd name`", "*" */
CHERT_API chert_col *chert_col_new(const char *name);
/* Any SQL expression: "a + 1 AS b". */
CHERT_API chert_col *chert_expr(const char *sql);
CHERT_API chert_col *chert_lit_null(void);
CHERT_API chert_col *chert_lit_bool(bool value);
CHERT_API chert_col *chert_lit_int(int32_t value);
CHERT_API chert_col *chert_lit_long(int64_t value);
CHERT_API chert_col *chert_lit_double(double value);
CHERT_API chert_col *chert_lit_string(const char *value);
/* A call of any SQL function; up to 1024 arguments, then NULL: chert_call("upper", chert_col_new("a"), NULL). */
CHERT_API chert_col *chert_call(const char *function, ...) CHERT_SENTINEL;

CHERT_API chert_col *chert_col_eq(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_eq_null_safe(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_ne(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_lt(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_le(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_gt(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_ge(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_add(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_sub(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_mul(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_div(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_mod(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_and(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_or(chert_col *a, chert_col *b);
CHERT_API chert_col *chert_col_not(chert_col *a);
CHERT_API chert_col *chert_col_is_null(chert_col *a);
CHERT_API chert_col *chert_col_is_not_null(chert_col *a);
CHERT_API chert_col *chert_col_like(chert_col *a, const char *pattern);
CHERT_API chert_col *chert_col_cast(chert_col *a, const char *type);
CHERT_API chert_col *chert_col_alias(chert_col *a, const char *name);
CHERT_API chert_col *chert_col_asc(chert_col *a);
CHERT_API chert_col *chert_col_desc(chert_col *a);

CHERT_API chert_col *chert_count(chert_col *a);
/* count(*) */
CHERT_API chert_col *chert_count_all(void);
CHERT_API chert_col *chert_count_distinct(chert_col *a);
CHERT_API chert_col *chert_sum(chert_col *a);
CHERT_API chert_col *chert_avg(chert_col *a);
CHERT_API chert_col *chert_min(chert_col *a);
CHERT_API chert_col *chert_max(chert_col *a);
/* Only for an expression that was passed to nothing. */
CHERT_API void chert_col_free(chert_col *a);

/* ---------------------------------------------------------------- DataFrames */

/* Lists of columns end with NULL. */
CHERT_API chert_df *chert_df_select(const chert_df *df, chert_error *err, ...) CHERT_SENTINEL;
CHERT_API chert_df *chert_df_filter(const chert_df *df, chert_col *condition, chert_error *err);
CHERT_API chert_df *chert_df_with_column(const chert_df *df, const char *name, chert_col *value,
                                         chert_error *err);
/* Names, then NULL. */
CHERT_API chert_df *chert_df_drop(const chert_df *df, chert_error *err, ...) CHERT_SENTINEL;
CHERT_API chert_df *chert_df_alias(const chert_df *df, const char *name, chert_error *err);
CHERT_API chert_grouped *chert_df_group_by(const chert_df *df, chert_error *err,
                                           ...) CHERT_SENTINEL;
/* Both take the grouped. */
CHERT_API chert_df *chert_grouped_agg(chert_grouped *grouped, chert_error *err, ...) CHERT_SENTINEL;
CHERT_API chert_df *chert_grouped_count(chert_grouped *grouped, chert_error *err);
CHERT_API void chert_grouped_free(chert_grouped *grouped);
/* how: "inner", "left", "right", "full", "left_semi", "left_anti", "cross"; on may be NULL. */
CHERT_API chert_df *chert_df_join(const chert_df *left, const chert_df *right, chert_col *on,
                                  const char *how, chert_error *err);
/* Joined on columns of the same name, which appear once; names, then NULL. */
CHERT_API chert_df *chert_df_join_using(const chert_df *left, const chert_df *right,
                                        const char *how, chert_error *err, ...) CHERT_SENTINEL;
CHERT_API chert_df *chert_df_union(const chert_df *a, const chert_df *b, chert_error *err);
CHERT_API chert_df *chert_df_distinct(const chert_df *df, chert_error *err);
CHERT_API chert_df *chert_df_order_by(const chert_df *df, chert_error *err, ...) CHERT_SENTINEL;
CHERT_API chert_df *chert_df_limit(const chert_df *df, int64_t n, chert_error *err);
CHERT_API chert_df *chert_df_offset(const chert_df *df, int64_t n, chert_error *err);
/* Into n parts: coalesce leaves rows where they are, repartition deals them out evenly. */
CHERT_API chert_df *chert_df_coalesce(const chert_df *df, int32_t n, chert_error *err);
CHERT_API chert_df *chert_df_repartition(const chert_df *df, int32_t n, chert_error *err);
CHERT_API int chert_df_create_temp_view(const chert_df *df, const char *name, chert_error *err);

/*
 * Keeps the rows when they are first computed, for every later query of the session whose plan has this one as a
 * part. They lie packed in memory, and go to disk when other queries need the room.
 *   level  "MEMORY_AND_DISK" (also NULL), "MEMORY_ONLY", "DISK_ONLY" and the others of Spark
 */
CHERT_API int chert_df_cache(const chert_df *df, chert_error *err);
CHERT_API int chert_df_persist(const chert_df *df, const char *level, chert_error *err);
CHERT_API int chert_df_unpersist(const chert_df *df, chert_error *err);
/* 1, 0; -1 on error. */
CHERT_API int chert_df_is_cached(const chert_df *df, chert_error *err);
/* A DataFrame of the rows as they are now (eager) or when they are first read, whatever they come from does then. */
CHERT_API chert_df *chert_df_checkpoint(const chert_df *df, bool eager, chert_error *err);
/* What SHOW CACHE says: one row for each plan that is kept, its size, rows, and how many queries have read it. */
CHERT_API chert_df *chert_session_cached(chert_session *session, chert_error *err);
CHERT_API void chert_session_clear_cache(chert_session *session);
CHERT_API void chert_df_free(chert_df *df);

/* ------------------------------------------------------------------- actions */

/* -1 on error. */
CHERT_API int64_t chert_df_count(const chert_df *df, chert_error *err);
/* Prints the first n rows as DataFrame.show() does; truncate: characters of a cell, 0 = all. */
CHERT_API int chert_df_show(const chert_df *df, int32_t n, int32_t truncate, bool vertical,
                            FILE *out, chert_error *err);
/* "struct<a:int,b:string>"; chert_free() it. */
CHERT_API char *chert_df_schema(const chert_df *df, chert_error *err);
/* mode: "simple", "extended", "formatted", "cost", "analyze" (runs it); chert_free() it. */
CHERT_API char *chert_df_explain(const chert_df *df, const char *mode, chert_error *err);
/*
 * df.write.format(format).mode(mode).option(...).save(path): a folder of part files and _SUCCESS. mode: "error",
 * "append", "overwrite", "ignore". The option "chert.singleFile" = "true" writes one file at path itself instead.
 * A failed write leaves what was there before.
 */
CHERT_API int chert_df_write(const chert_df *df, const char *format, const char *path,
                             const char *mode, chert_error *err, ...) CHERT_SENTINEL;

/*
 * The same, step by step, as df.write in Spark. A writer may save more than once.
 *   format        "csv", "parquet" ...; without it spark.sql.sources.default
 *   mode          as above
 *   option        of the format, and maxRecordsPerFile, partitionOverwriteMode (static, dynamic)
 *   partition_by  column names, then NULL: rows go to folders called name=value
 * How many files there are: one per worker, or as many as chert_df_coalesce or chert_df_repartition said.
 */
CHERT_API chert_writer *chert_df_writer(const chert_df *df, chert_error *err);
CHERT_API int chert_writer_format(chert_writer *writer, const char *format, chert_error *err);
CHERT_API int chert_writer_mode(chert_writer *writer, const char *mode, chert_error *err);
CHERT_API int chert_writer_option(chert_writer *writer, const char *key, const char *value,
                                  chert_error *err);
CHERT_API int chert_writer_partition_by(chert_writer *writer, chert_error *err, ...) CHERT_SENTINEL;
CHERT_API int chert_writer_save(chert_writer *writer, const char *path, chert_error *err);
/*
 * Results that belong together, each to folder/name of its own, where it replaces what is there; modes are not asked. All rows
 * are written before anything is replaced. A local folder with nothing else in it then gets its name by one rename: it has
 * all former results, or all new ones. In S3 all new objects appear before the first old one is deleted.
 *   writers  n > 0, of one session
 *   names    n, different ones, without a '/'
 */
CHERT_API int chert_writers_save(chert_writer *const *writers, const char *const *names, int n,
                                 const char *folder, chert_error *err);
CHERT_API void chert_writer_free(chert_writer *writer);

/* --------------------------------------------------------------- one run, in hand */

/*
 * chert_query_new analyzes: errors of names and types come here. chert_query_run blocks until all rows are
 * there; meanwhile other threads may ask for progress or cancel. Then the rows are read, any way and any
 * number of times.
 */
CHERT_API chert_query *chert_query_new(const chert_df *df, chert_error *err);
CHERT_API int chert_query_run(chert_query *query, chert_error *err);
/* From any thread, or a signal handler: the run ends soon with an error that says so. */
CHERT_API void chert_query_cancel(chert_query *query);

CHERT_API void chert_query_progress(const chert_query *query, chert_progress *progress);

/* After the run; a query runs once. */
CHERT_API int64_t chert_query_rows(const chert_query *query);
CHERT_API int32_t chert_query_columns(const chert_query *query);
/* Name and type ("bigint") of column i; borrowed from the query. NULL if there is no such column. */
CHERT_API const char *chert_query_column_name(const chert_query *query, int32_t i);
CHERT_API const char *chert_query_column_type(const chert_query *query, int32_t i);
/* The cell as CAST(... AS STRING) would give it, NULL for NULL; to be freed with chert_free(). */
CHERT_API char *chert_query_text(const chert_query *query, int64_t row, int32_t column,
                                 chert_error *err);
typedef enum chert_style {
    CHERT_STYLE_TABLE,
    CHERT_STYLE_CSV,
    CHERT_STYLE_JSON,
    CHERT_STYLE_MARKDOWN,
    CHERT_STYLE_VERTICAL
} chert_style;
/* Prints rows [0, n), all if n < 0; truncate as in chert_df_show. */
CHERT_API int chert_query_print(const chert_query *query, chert_style style, int64_t n,
                                int32_t truncate, FILE *out, chert_error *err);
/* The rows as an Arrow stream, which shares them: it may outlive the query, but not the session. */
CHERT_API int chert_query_arrow(const chert_query *query, struct ArrowArrayStream *out,
                                chert_error *err);
/*
 * Instead of chert_query_run: prints the rows in order while they come, so that a result of any size takes
 * little memory. CHERT_STYLE_CSV, _JSON and _MARKDOWN; the others must see all rows first and are run and then
 * printed. Afterwards only chert_query_rows and what describes the columns may be asked.
 */
CHERT_API int chert_query_run_print(chert_query *query, chert_style style, FILE *out,
                                    chert_error *err);
CHERT_API void chert_query_free(chert_query *query);

#ifdef __cplusplus
}
#endif

#endif
