/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition.h - folders that carry values: /table/year=2024/month=1/part-0.parquet.
 *
 * Names and values in folder names are escaped as Hive does (%XX). What is found, and which types the
 * values have, follows Spark's PartitioningUtils.
 */
#ifndef CH_TABLE_PARTITION_H
#define CH_TABLE_PARTITION_H

#include "function/function.h"
#include "store/list.h"
#include "type/scalar.h"

/* What a NULL is called in a folder's name. */
#define CH_PARTITION_NULL "__HIVE_DEFAULT_PARTITION__"

typedef struct ch_partition_options {
    const char *base_path; /* Spark's basePath, or NULL */
    bool recursive;        /* recursiveFileLookup: all files, no partitions */
    bool infer_types;      /* spark.sql.sources.partitionColumnTypeInference.enabled */
    bool timestamp_ntz;    /* spark.sql.timestampType is TIMESTAMP_NTZ */
    const ch_type *schema; /* the program's own schema, whose types win; or NULL */
    const ch_func_context *func;
    ch_store_context *context; /* how the paths are reached where they are remote; or NULL */
} ch_partition_options;

/* Columns that folders give, and where each file lies. Everything is in the arena of the discovery. */
typedef struct ch_partitions {
    const ch_field *key; /* columns, outermost folder first */
    int32_t n_keys;      /* 0: not partitioned */
    int32_t n;           /* distinct folders */
    ch_scalar *value;    /* [n * n_keys], of the keys' types */
} ch_partitions;

/*
 * The partitions of a listing.
 *   listing  borrows  files that belong to no partition are taken out of it, as Spark leaves them out
 *   of_file  gives    per file that stays: its folder, in [0, out->n); NULL without keys
 * Errors CONFLICTING_PARTITION_COLUMN_NAMES, CONFLICTING_DIRECTORY_STRUCTURES, INVALID_PARTITION_VALUE ...
 */
CH_NODISCARD ch_status ch_partitions_find(const ch_partition_options *options, ch_arena *arena,
                                          ch_mem *mem, ch_listing *listing, ch_partitions *out,
                                          int32_t **of_file, ch_error *err);

/*
 * The partitions of a catalog.
 *   key   borrows  n_keys columns
 *   path  borrows  n names of folders, "k=1/l=x", as ch_partition_name writes them
 *   out   gives    in arena; values that are none of their type are NULL
 */
CH_NODISCARD ch_status ch_partitions_given(const ch_field *key, int32_t n_keys,
                                           const char *const *path, int32_t n,
                                           const ch_func_context *func, ch_arena *arena,
                                           ch_mem *mem, ch_partitions *out, ch_error *err);

/* Adds "name=value" as a folder is called; value NULL or empty: CH_PARTITION_NULL. */
CH_NODISCARD ch_status ch_partition_name(ch_buf *out, const char *name, const char *value,
                                         int64_t value_len, ch_error *err);
/* Adds the text with %XX undone. */
CH_NODISCARD ch_status ch_partition_unescape(ch_buf *out, const char *text, size_t len,
                                             ch_error *err);
/* The type that Spark reads out of a folder's text. */
const ch_type *ch_partition_infer(const char *raw, bool timestamp_ntz);

#endif
