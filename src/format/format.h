/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format.h - what a file format is: a row in builtin/formats.def, and these functions. A source outside of files
 * (builtin/sources.def) is the same without files.
 *
 * One file per format ends with its `const ch_format ch_format_<name>`; options are described
 * in a table, from which documentation and errors about unknown or wrong options are made.
 */
#ifndef CH_FORMAT_FORMAT_H
#define CH_FORMAT_FORMAT_H

#include "base/arena.h"
#include "base/strmap.h"
#include "store/file.h"
#include "store/scan.h"
#include "store/statistics.h"

typedef enum ch_option_type {
    CH_OPT_STRING,
    CH_OPT_CHAR, /* one character; escapes \t \0 \u0001 allowed */
    CH_OPT_BOOL,
    CH_OPT_INT,
    CH_OPT_DOUBLE,
    CH_OPT_ENUM /* `expected` lists the words, separated by | */
} ch_option_type;

typedef struct ch_option {
    const char *name; /* Spark's spelling; matched without case. NULL ends a table */
    ch_option_type type;
    const char *fallback; /* default, as text; NULL = unset */
    const char *expected; /* for errors and documentation */
    const char *doc;
    const char *setting; /* of the session, which gives the default where it is known; or NULL */
} ch_option;

/* What every read or write knows besides its options. */
typedef struct ch_format_context {
    const char *time_zone; /* session's, IANA name */
    bool ansi;
    bool timestamp_ntz; /* spark.sql.timestampType is TIMESTAMP_NTZ */
    bool case_sensitive;
    const char *corrupt_column; /* spark.sql.columnNameOfCorruptRecord; NULL: _corrupt_record */
    int n_slots;                /* threads that will call */
    int cut_slots;              /* > 0: files are cut as for so many threads, whatever n_slots is */
    int64_t batch_rows;         /* rows a batch should have, 1 .. */
    bool ignore_missing_files;  /* a file that is gone has no rows */
    bool ignore_corrupt_files;  /* a file ends where it is damaged */
    ch_mem *mem;                /* borrowed: pays for everything */
    ch_store_context *store; /* borrowed: how remote places are written; NULL: local files only */
    const _Atomic bool *cancel; /* borrowed: true stops the query; NULL: nothing does */
} ch_format_context;

/* A column of a source that groups its rows: a key, or an aggregate of a column of them. */
typedef enum ch_scan_item_kind {
    CH_ITEM_KEY,
    CH_ITEM_COUNT_ROWS,
    CH_ITEM_COUNT,
    CH_ITEM_MIN,
    CH_ITEM_MAX,
    CH_ITEM_SUM
} ch_scan_item_kind;

typedef struct ch_scan_item {
    ch_scan_item_kind kind;
    int32_t column; /* of the rows that are grouped; -1 for COUNT_ROWS */
} ch_scan_item;

typedef struct ch_scan_aggregate {
    const ch_type *rows; /* STRUCT of the rows that are grouped; predicates speak of its columns */
    const ch_scan_item *item; /* one for each column of the scan's schema */
    int32_t n;
} ch_scan_aggregate;

typedef struct ch_scan_spec {
    const ch_file *file; /* borrowed until close; in this order */
    int32_t n_files;
    const ch_strmap *options; /* borrowed until close; const char * values; never NULL */
    const ch_type *schema;    /* STRUCT of the columns of the files */
    const int32_t *wanted;    /* borrowed until close: columns of schema to give, in this order */
    int32_t n_wanted;         /* may be 0: rows are counted only */
    const ch_predicate *predicate; /* borrowed until close, all joined by AND */
    int32_t n_predicates;
    int64_t limit;           /* no more rows than these are needed; -1 = all */
    const char *const *part; /* of a source: conditions, each of which is read on its own */
    int32_t n_parts;         /* 0: the options say how it is cut */
    /* Of a source that `aggregates`: schema is of groups, some for each part of the rows; NULL: of rows. */
    const ch_scan_aggregate *aggregate;
} ch_scan_spec;

/* What is done to a table that is there already. */
typedef enum ch_sink_mode {
    CH_SINK_ERROR,
    CH_SINK_APPEND,
    CH_SINK_OVERWRITE,
    CH_SINK_IGNORE
} ch_sink_mode;

/* Writes one file. Calls come from one thread at a time. */
typedef struct ch_file_writer ch_file_writer;

typedef struct ch_format {
    const char *name;      /* "csv" */
    const char *extension; /* ".csv", before the codec's own extension */
    const ch_option *options;
    bool by_place; /* columns are found by their places: names may stand twice */
    /* A system outside: it has no files, its options say where it is. A row of builtin/sources.def. */
    bool is_source;
    /* Of a source: what a scan is called in plans. In arena. */
    CH_NODISCARD ch_status (*describe)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                       ch_arena *arena, const char **name, ch_error *err);
    /* The STRUCT type of the files' rows, found by looking at them as Spark does. */
    CH_NODISCARD ch_status (*infer)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                    const ch_type **schema, ch_error *err);
    CH_NODISCARD ch_status (*scan)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                   ch_scan **out, ch_error *err);
    /* Optional: what the files say about their rows without reading them. The result lies in arena. */
    CH_NODISCARD ch_status (*statistics)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                         ch_arena *arena, ch_table_statistics *out, ch_error *err);
    /*
     * Of a source that takes rows: makes ready for write, finish and abandon, which then are all or nothing.
     * *out NULL with CH_OK: the mode says that nothing is to be done.
     */
    CH_NODISCARD ch_status (*open_sink)(const ch_format_context *ctx, ch_sink_mode mode,
                                        const ch_type *schema, const ch_strmap *options,
                                        ch_file_writer **out, ch_error *err);
    /* Of a source, optional: is what the predicate says what the source itself does? Then no filter asks again. */
    CH_NODISCARD ch_status (*answers)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                      const ch_predicate *predicate, bool *out, ch_error *err);
    /* Of a source, optional: does it group by the column, or aggregate it, exactly as is done here? */
    CH_NODISCARD ch_status (*aggregates)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                         const ch_scan_item *item, bool *out, ch_error *err);
    /* path is where to write: a temporary place, whose name ends with extension + codec. */
    CH_NODISCARD ch_status (*create)(const ch_format_context *ctx, const char *path,
                                     const ch_type *schema, const ch_strmap *options,
                                     ch_file_writer **out, ch_error *err);
    CH_NODISCARD ch_status (*write)(ch_file_writer *writer, ch_batch *batch, ch_error *err);
    /* Flushes, syncs to the file system and frees; also frees on error. */
    CH_NODISCARD ch_status (*finish)(ch_file_writer *writer, ch_error *err);
    /* Closes, removes the file and frees. */
    void (*abandon)(ch_file_writer *writer);
    /* ".gz" and so on for the options' compression, "" for none. Static. */
    CH_NODISCARD ch_status (*codec_extension)(const ch_strmap *options, const char **out,
                                              ch_error *err);
} ch_format;

/* The format called name (no case), or NULL; and the i-th one, NULL past the last. */
const ch_format *ch_format_find(const char *name);
const ch_format *ch_format_at(int i);
/* "csv, json, ...": all, or those that can be written; in arena. "" when memory runs out. */
const char *ch_formats_known(ch_arena *arena, bool written);

/*
 * Reads one option as its table says. The result is the option's text (borrowed from options or the
 * table, NULL if unset and without default), checked against its type.
 * Errors CH_E_INVALID_OPTION, naming option, value and what was expected.
 */
CH_NODISCARD ch_status ch_option_text(const ch_option *table, const ch_strmap *options,
                                      const char *name, const char **out, ch_error *err);
CH_NODISCARD ch_status ch_option_bool(const ch_option *table, const ch_strmap *options,
                                      const char *name, bool *out, ch_error *err);
CH_NODISCARD ch_status ch_option_int(const ch_option *table, const ch_strmap *options,
                                     const char *name, int64_t *out, ch_error *err);

#endif
