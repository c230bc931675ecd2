/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_options.h - Spark's CSV options, read and checked once, as the reader and writer need them.
 *
 * Reading: https://spark.apache.org/docs/latest/sql-data-sources-csv.html; where that is silent, as
 * Spark 4's CSVOptions behaves.
 */
#ifndef CH_FORMAT_CSV_OPTIONS_H
#define CH_FORMAT_CSV_OPTIONS_H

#include "codec/stream.h"
#include "column/column.h"
#include "format/format.h"

typedef enum ch_csv_mode { CH_CSV_PERMISSIVE, CH_CSV_DROPMALFORMED, CH_CSV_FAILFAST } ch_csv_mode;

/* What to do at a quote inside a quoted value that neither ends nor escapes. */
typedef enum ch_csv_unescaped {
    CH_CSV_STOP_AT_DELIMITER,
    CH_CSV_STOP_AT_CLOSING_QUOTE,
    CH_CSV_BACK_TO_DELIMITER,
    CH_CSV_SKIP_VALUE,
    CH_CSV_RAISE_ERROR
} ch_csv_unescaped;

/* Characters are code points; 0 is the NUL character, which stands for "none" too. */
typedef struct ch_csv_options {
    const char *sep;      /* UTF-8 */
    const char *line_sep; /* UTF-8, NULL: LF, CR LF and CR */
    const char *encoding; /* NULL: UTF-8 */
    uint32_t quote, escape, escape_escape, comment;
    bool has_comment, header, infer, multi_line, enforce_schema, prefer_date;
    bool trim_left, trim_right;             /* reading */
    bool write_trim_left, write_trim_right; /* writing */
    bool quote_all, escape_quotes;
    int column_pruning; /* 1, 0; -1 = as multi_line says */
    ch_csv_mode mode;
    ch_csv_unescaped unescaped;
    ch_codec codec;                 /* writing */
    int64_t max_columns, max_chars; /* max_chars -1: any */
    double sampling;
    const char *corrupt_column;
    ch_str null_value, empty_value, write_empty_value, nan, positive_inf, negative_inf;
    const char *date_format, *timestamp_format, *timestamp_ntz_format; /* NULL: not given */
    const char *time_zone, *locale;                                    /* locale NULL: en-US */
    int datetime_fallback; /* 1, 0; -1 = by the formats given */
} ch_csv_options;

extern const ch_option ch_csv_option_table[];

/*
 * Reads and checks all. Texts are borrowed from options and ctx, or put into arena.
 * Errors CH_E_INVALID_OPTION and the like, as Spark's.
 */
CH_NODISCARD ch_status ch_csv_options_read(const ch_format_context *ctx, const ch_strmap *options,
                                           ch_arena *arena, ch_csv_options *out, ch_error *err);

#endif
