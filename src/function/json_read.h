/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_read.h - JSON text to rows, after Spark's JacksonParser: from_json, and whatever else reads JSON.
 *
 *   ch_json_rows *rows;
 *   CH_TRY(ch_json_rows_new(mem, type, options, ctx, &rows, err));
 *   for each text:  CH_TRY(ch_json_rows_add(rows, text, len, &good, err));   or ch_json_rows_null()
 *   CH_TRY(ch_json_rows_finish(rows, &column, err));                        and the next batch may begin
 *   ch_json_rows_free(rows);
 */
#ifndef CH_FUNCTION_JSON_READ_H
#define CH_FUNCTION_JSON_READ_H

#include "function/function.h"
#include "wire/json.h"

typedef enum ch_json_mode { CH_JSON_PERMISSIVE, CH_JSON_DROP, CH_JSON_FAIL } ch_json_mode;

typedef struct ch_json_options {
    uint32_t flags; /* CH_JSON_* */
    ch_json_mode mode;
    const char *corrupt_column;
    const char *date_format, *timestamp_format,
        *timestamp_ntz_format; /* NULL: as casts read them */
    const char *time_zone;
    bool primitives_as_string, prefers_decimal, drop_all_null, ignore_null_fields, pretty;
    bool bytes;      /* the text is a file's bytes: what is no UTF-8 is malformed, and not U+FFFD */
    bool exact_text; /* a number, array or object that is read as STRING is as it is written */
} ch_json_options;

/* Spark's defaults. */
ch_json_options ch_json_options_default(const ch_func_context *ctx);
/* Sets the option with this key, in any case; keys that mean nothing here are passed over. */
void ch_json_options_set(ch_json_options *o, const char *key, const char *value);

/* ch_json_parse by the options; *repaired as in ch_json_parse_java. */
CH_NODISCARD ch_status ch_json_parse_record(ch_json *json, const char *text, int64_t len,
                                            const ch_json_options *options, ch_buf *repaired,
                                            bool *ok, ch_error *err);

typedef struct ch_json_rows ch_json_rows;

/* type: STRUCT, ARRAY or MAP; options are borrowed. */
CH_NODISCARD ch_status ch_json_rows_new(ch_mem *mem, const ch_type *type,
                                        const ch_json_options *options, const ch_func_context *ctx,
                                        ch_json_rows **out, ch_error *err);
/*
 * One more row. good: the text is JSON and every value fits its type; where not, fields that can be
 * read are there all the same, and a corrupt column has the text.
 */
CH_NODISCARD ch_status ch_json_rows_add(ch_json_rows *rows, const char *text, int64_t len,
                                        bool *good, ch_error *err);
/*
 * The same of row i of a FLAT column of texts, no NULL. Long strings without escapes stay in the column's
 * text buffers, which the finished column shares. All rows until finish are of this column.
 */
CH_NODISCARD ch_status ch_json_rows_add_of(ch_json_rows *rows, const ch_column *texts, int64_t i,
                                           bool *good, ch_error *err);
/*
 * The same, but an array of objects makes a row of each. n: how many rows were made.
 *   buffer  that the text lies in, or NULL. Long strings without escapes stay there, and the finished column shares it;
 *           until then it is not written
 */
CH_NODISCARD ch_status ch_json_rows_add_all(ch_json_rows *rows, const char *text, int64_t len,
                                            ch_buffer *buffer, int64_t *n, bool *good,
                                            ch_error *err);
/* A row of NULLs, with the text in the column of malformed records. */
CH_NODISCARD ch_status ch_json_rows_malformed(ch_json_rows *rows, const char *text, int64_t len,
                                              ch_error *err);
/* The last n rows go. */
void ch_json_rows_drop(ch_json_rows *rows, int64_t n);
CH_NODISCARD ch_status ch_json_rows_null(ch_json_rows *rows, ch_error *err);
/* The rows so far, FLAT; gives. The next row is the first of another column. */
CH_NODISCARD ch_status ch_json_rows_finish(ch_json_rows *rows, ch_column **out, ch_error *err);
void ch_json_rows_free(ch_json_rows *rows);

#endif
