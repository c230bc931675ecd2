/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write.h - the writing half of the Parquet format. */
#ifndef CH_FORMAT_PARQUET_WRITE_H
#define CH_FORMAT_PARQUET_WRITE_H

#include "format/format.h"
#include "format/parquet_schema.h"

/* What the options of a write say; of parquet-mr's names those with `#column` may differ by column. */
typedef struct ch_pqw_writing {
    ch_pq_write_options schema;
    ch_pq_codec codec;
    int level;
    bool v2, crc, statistics;
    int64_t block_bytes, block_rows, page_bytes, page_rows, dictionary_bytes;
    int32_t bound_bytes;
    const ch_strmap *options; /* borrowed: for those of single columns */
} ch_pqw_writing;

/* Errors CH_E_INVALID_OPTION, CH_E_CODEC_NOT_AVAILABLE. */
CH_NODISCARD ch_status ch_pqw_writing_read(const ch_strmap *options, ch_pqw_writing *out,
                                           ch_error *err);
/* Of one column, by its dotted path: parquet.enable.dictionary#a.b and the like. */
CH_NODISCARD ch_status ch_pqw_writing_column(const ch_pqw_writing *w, const char *path,
                                             ch_pq_type physical, bool *dictionary, int *encoding,
                                             int64_t *bloom_bytes, ch_error *err);

/* Members of ch_format. */
CH_NODISCARD ch_status ch_pqw_create(const ch_format_context *ctx, const char *path,
                                     const ch_type *schema, const ch_strmap *options,
                                     ch_file_writer **out, ch_error *err);
CH_NODISCARD ch_status ch_pqw_write(ch_file_writer *writer, ch_batch *batch, ch_error *err);
CH_NODISCARD ch_status ch_pqw_finish(ch_file_writer *writer, ch_error *err);
void ch_pqw_abandon(ch_file_writer *writer);
/* ".snappy.parquet" */
CH_NODISCARD ch_status ch_pqw_extension(const ch_strmap *options, const char **out, ch_error *err);

#endif
