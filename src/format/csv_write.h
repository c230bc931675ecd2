/* SPDX-License-Identifier: Apache-2.0 */
/* csv_write.h - the CSV writer: the same bytes as Spark's. The functions are those of ch_format. */
#ifndef CH_FORMAT_CSV_WRITE_H
#define CH_FORMAT_CSV_WRITE_H

#include "format/format.h"

CH_NODISCARD ch_status ch_csv_create(const ch_format_context *ctx, const char *path,
                                     const ch_type *schema, const ch_strmap *options,
                                     ch_file_writer **out, ch_error *err);
CH_NODISCARD ch_status ch_csv_write(ch_file_writer *writer, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_csv_finish(ch_file_writer *writer, ch_error *err);
void ch_csv_abandon(ch_file_writer *writer);

#endif
