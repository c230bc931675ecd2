/* SPDX-License-Identifier: Apache-2.0 */
/* csv_write.h - the CSV writer: the same bytes as Spark's. The functions are those of ch_format. */
#ifndef CH_FORMAT_CSV_WRITE_H
#define CH_FORMAT_CSV_WRITE_H

#include "column/column.h"
#include "format/format.h"

CH_NODISCARD ch_status ch_csv_create(const ch_format_context *ctx, const char *path,
                                     const ch_type *schema, const ch_strmap *options,
                                     ch_file_writer **out, ch_error *err);
CH_NODISCARD ch_status ch_csv_write(ch_file_writer *writer, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_csv_finish(ch_file_writer *writer, ch_error *err);
void ch_csv_abandon(ch_file_writer *writer);

/* Rows as lines of text, without a file. */
typedef struct ch_csv_lines ch_csv_lines;
/* options: const char * values, borrowed for as long as the lines. */
CH_NODISCARD ch_status ch_csv_lines_new(const ch_format_context *ctx, const ch_strmap *options,
                                        ch_csv_lines **out, ch_error *err);
/* Row `row` of n columns; none is nested. The text lives until the next call. */
CH_NODISCARD ch_status ch_csv_line(ch_csv_lines *lines, ch_column *const *column, int32_t n,
                                   int64_t row, ch_str *out, ch_error *err);
/* NULL is ignored. */
void ch_csv_lines_free(ch_csv_lines *lines);

#endif
