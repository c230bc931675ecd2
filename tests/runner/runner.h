/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - the runner of .test files; docs/testing.md says what they look like.
 *
 *   runner_parse.c    a file's text into blocks
 *   runner_cells.c    cells and header words, quoted and bare, both ways
 *   runner_engine.c   a statement into an answer, by a session of the engine
 *   runner_check.c    an answer against a block: what differs, or what to write with --accept
 *   runner_main.c     arguments, files, variations
 *
 * Strings are malloc'd; when memory runs out the program says so and exits, as tests may.
 */
#ifndef CH_TESTS_RUNNER_H
#define CH_TESTS_RUNNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- small things ---- */

/* Bytes with a NUL behind them. */
typedef struct string {
    char *data;
    size_t len, cap;
} string;
void text_add(string *t, const char *bytes, size_t len);
void text_adds(string *t, const char *s);
void text_addc(string *t, char c);
void text_free(string *t);

/* Strings, each owned; a NULL entry is SQL's NULL. */
typedef struct list {
    char **item;
    size_t *len; /* bytes of each item, which may hold NULs */
    size_t n, cap;
} list;
void list_add(list *l, const char *bytes, size_t len);
void list_add_null(list *l);
void list_free(list *l);

/* ---- files ---- */

typedef enum block_kind { STATEMENT, QUERY, SHOW, ERROR } block_kind;

typedef struct block {
    int line;      /* of the header, from 1 */
    list comments; /* lines before the header, empty ones too */
    char *header;  /* without note and trailing blanks */
    char *note;    /* "   # ..." or "" */
    char *sql;     /* lines joined by \n */
    bool has_expect;
    list expect; /* lines after ---- */

    block_kind kind;
    bool unordered;
    list name, type; /* QUERY */
    char *class;     /* ERROR */
    int show_rows, show_truncate;
    bool show_vertical;
} block;

typedef struct file {
    char *path;
    bool from_spark; /* its oracle is spark-*: never rewritten */
    block *block;
    size_t n_blocks;
    list tail; /* comments after the last block */
} file;

/* NULL on success, else what is wrong, with the line; to be freed. */
char *file_read(const char *path, file *out);
void file_free(file *f);

/* ---- cells ---- */

/* One line of an expectation into cells; false when a quote is wrong. */
bool cells_split(const char *line, list *out);
/* How a cell is written: bare, quoted or NULL. */
void cell_write(const char *bytes, size_t len, string *out);
/* Rows of n_cols cells each (row-major), aligned, one line per row. */
void rows_write(const list *cells, size_t n_cols, list *lines);
/* "NAME:TYPE NAME:TYPE": false when a backquote is open or a colon missing. */
bool columns_split(const char *words, list *name, list *type);
void column_write(const char *name, const char *type, string *out);

/* ---- answers ---- */

typedef struct answer {
    bool failed;
    bool out_of_memory;
    char *class; /* failed */
    char *message;
    list param_name, param_value;
    list name, type, cells; /* else: columns, and cells row-major */
    char *shown;            /* else, for SHOW */
} answer;
void answer_free(answer *a);

typedef struct variation {
    const char *label;
    int threads;
    int64_t batch_rows, memory_bytes; /* 0: default */
} variation;

typedef struct engine engine;
/* A session of its own, whose catalog and tables lie in the folder warehouse; NULL: it says why on stderr. */
engine *engine_new(const variation *v, const char *warehouse);
/* Bytes still charged when all was given back: 0 unless something leaks. */
int64_t engine_free(engine *e);
/* fail_nth > 0: the n-th allocation fails; *n_allocs, if not NULL, is how many there were. */
void engine_run(engine *e, const char *sql, const block *b, int64_t fail_nth, int64_t *n_allocs,
                answer *out);

/* ---- checks ---- */

/* What differs, as lines to print ("- wanted", "+ got"); NULL when the block passes. */
char *block_check(const block *b, const answer *a, const char *tmp);
/* The block as text with the answer as its expectation. */
void block_accept(const block *b, const answer *a, const char *tmp, string *out);

#endif
