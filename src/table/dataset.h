/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dataset.h - files of one format as one table: columns from the files, from the folders that they lie
 * in, and hidden ones about the files themselves.
 *
 *   schema of the table   [ columns of the files and keys of folders ... | hidden columns ]
 *                           source[i] >= 0: column of the files           name says which
 *                           source[i] <  0: key ~source[i]
 *
 * A key that the files have too takes its place among theirs; the folders' value wins.
 */
#ifndef CH_TABLE_DATASET_H
#define CH_TABLE_DATASET_H

#include "format/format.h"
#include "table/partition.h"

typedef struct ch_dataset {
    const ch_type *file_schema; /* STRUCT: what the files hold */
    ch_partitions partitions;
    const int32_t *partition_of; /* per file; NULL without keys */
    const int32_t *source;       /* per column of the table */
    int32_t n_source;            /* columns behind them are hidden ones */
} ch_dataset;

/*
 * Puts files and partitions together.
 *   file_schema  borrows  what the files hold; a key's column in it may have another type
 *   out          gives    in arena, with partitions and partition_of as given
 *   schema       gives    of the table
 */
CH_NODISCARD ch_status ch_dataset_make(ch_arena *arena, const ch_type *file_schema,
                                       const ch_partitions *partitions, const int32_t *partition_of,
                                       bool case_sensitive, ch_dataset **out,
                                       const ch_type **schema, ch_error *err);

/* The hidden columns, by their names; NULL: there is none of that name. */
#define CH_METADATA_COLUMN "_metadata"
#define CH_INPUT_FILE_COLUMN "input_file_name()"
#define CH_BLOCK_START_COLUMN "input_file_block_start()"
#define CH_BLOCK_LENGTH_COLUMN "input_file_block_length()"
const ch_type *ch_dataset_hidden_type(const char *name);

/* What every row of a file has in one column of the table, unless the column comes from the file. */
bool ch_dataset_is_constant(const ch_dataset *dataset, int32_t column);
/* file: its number in the listing, and its entry. Text and items in arena. */
CH_NODISCARD ch_status ch_dataset_constant(const ch_dataset *dataset, const ch_type *schema,
                                           int32_t column, int32_t number, const ch_file *file,
                                           ch_arena *arena, ch_scalar *out, ch_error *err);

/*
 * "file:///a/b%20c" for scheme "file://": absolute, with what may not stand in a URI as %XX; in arena. Nothing ("")
 * for a name that is no file's.
 */
CH_NODISCARD ch_status ch_file_uri(const char *path, const char *scheme, ch_arena *arena,
                                   ch_str *out, ch_error *err);

/*
 * What the format knows about the files, and the folders about their keys: ch_format.statistics, with
 * schema and columns the table's. Asked only of formats that have it.
 */
CH_NODISCARD ch_status ch_dataset_statistics(const ch_dataset *dataset, const ch_format *format,
                                             const ch_format_context *ctx, const ch_scan_spec *spec,
                                             ch_arena *arena, ch_table_statistics *out,
                                             ch_error *err);

/*
 * Rows of chosen files.
 *   spec    as for a format, but schema and columns are the table's; spec->file is that of the listing
 *   keep    borrows  per file: is it read? NULL: all
 */
CH_NODISCARD ch_status ch_dataset_scan(const ch_dataset *dataset, const ch_format *format,
                                       const ch_format_context *ctx, const ch_scan_spec *spec,
                                       const bool *keep, ch_scan **out, ch_error *err);

#endif
