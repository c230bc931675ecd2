/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_file.h - an open Parquet file: its footer, and how the columns wanted are found in it.
 *
 *   "PAR1" | column chunks, indexes, bloom filters | FileMetaData (Thrift) | u32 its length | "PAR1"
 *
 * Refcounted; all but the count is immutable after bind, so threads share it.
 */
#ifndef CH_FORMAT_PARQUET_FILE_H
#define CH_FORMAT_PARQUET_FILE_H

#include "format/parquet_leaf.h"

typedef enum ch_pq_shape_kind {
    CH_PQ_SHAPE_LEAF,
    CH_PQ_SHAPE_STRUCT, /* VARIANT too */
    CH_PQ_SHAPE_LIST,   /* MAP too: its child is the STRUCT of entries */
    CH_PQ_SHAPE_MISSING /* not in this file: NULL */
} ch_pq_shape_kind;

/*
 * One Spark type and where its values come from. By the levels of any leaf below (parquet_leaf.h):
 *
 *   an entry is a slot   def >= slot_def and rep <= slot_rep
 *   a slot is not NULL   def >= null_def
 *   lists: an element    def >= item_def and rep <= item_rep
 */
typedef struct ch_pq_shape ch_pq_shape;
struct ch_pq_shape {
    ch_pq_shape_kind kind;
    const ch_type *type;
    uint8_t slot_def, slot_rep, null_def, item_def, item_rep;
    int32_t leaf, n_leaves; /* of the file's wanted leaves: the first below, and how many */
    int32_t n_children;
    ch_pq_shape *child;
};

/* A leaf that is read. */
typedef struct ch_pq_wanted {
    const ch_pq_node *node;
    const ch_type *type;
    uint8_t slot_def;
    bool is_top;
} ch_pq_wanted;

/* How a file's columns are matched with a schema; also what infer() goes by. */
typedef struct ch_pq_read_options {
    ch_pq_schema_options schema;
    bool case_sensitive;
    bool by_field_id; /* spark.sql.parquet.fieldId.read.enabled */
    bool merge_schema;
    bool legacy_dates; /* datetimeRebaseMode or int96RebaseMode is LEGACY: old dates are refused */
} ch_pq_read_options;

typedef struct ch_pq_file {
    _Atomic int32_t refs;
    ch_mem *mem;
    ch_arena arena;
    const char *path;
    ch_input *in;
    int64_t bytes, footer_at;
    ch_buffer *footer;
    ch_pq_file_meta meta;
    ch_pq_schema schema;
    bool has_type_order; /* column_orders says TYPE_ORDER for all: min_value, max_value count */
    bool is_old_calendar;
    /* Of bind. */
    ch_pq_shape *shape; /* one per column wanted */
    int32_t n_shapes;
    ch_pq_wanted *wanted;
    int32_t n_wanted, cap_wanted;
} ch_pq_file;

/* Errors CH_E_PATH_NOT_FOUND, CH_E_IO, CH_E_CORRUPT_FILE. The path is borrowed until the last unref. */
CH_NODISCARD ch_status ch_pq_file_open(ch_mem *mem, const ch_file *stored, ch_pq_file **out,
                                       ch_error *err);
static inline ch_pq_file *ch_pq_file_ref(ch_pq_file *file)
{
    atomic_fetch_add_explicit(&file->refs, 1, memory_order_relaxed);
    return file;
}
/* NULL is ignored. */
void ch_pq_file_unref(ch_pq_file *file);

static inline const ch_pq_row_group *ch_pq_group(const ch_pq_file *file, int32_t i)
{
    return (const ch_pq_row_group *)file->meta.row_groups.item + i;
}
/* NULL: the row group lacks it. */
static inline const ch_pq_chunk *ch_pq_group_chunk(const ch_pq_row_group *group, int32_t leaf)
{
    return leaf < group->columns.n ? (const ch_pq_chunk *)group->columns.item + leaf : NULL;
}

/* Finds columns wanted[0..n) of schema in the file. Errors CH_E_PARQUET_TYPE_MISMATCH. */
CH_NODISCARD ch_status ch_pq_file_bind(ch_pq_file *file, const ch_type *schema,
                                       const int32_t *wanted, int32_t n,
                                       const ch_pq_read_options *options, ch_error *err);
/* Reads and decodes one struct of an index at `at`, of len bytes; *out lies in arena, NULL if the bytes are
 * no such thing (then nothing is skipped by it). */
CH_NODISCARD ch_status ch_pq_file_index(ch_pq_file *file, int64_t at, int64_t len,
                                        const ch_thrift_struct *of, ch_arena *arena, void **out,
                                        ch_error *err);

/* ---- parquet_nested.c ------------------------------------------------------------------------ */

/*
 * The column of `rows` rows out of what its leaves gave.
 *   leaf    the file's, each just read
 *   values  what each gave; taken and set to NULL as used
 * Errors CH_E_CORRUPT_FILE: leaves of one column disagree about its lists.
 */
CH_NODISCARD ch_status ch_pq_nested_build(const ch_pq_shape *shape, const ch_pq_leaf *leaf,
                                          ch_column **values, int64_t rows, ch_mem *mem,
                                          ch_column **out, ch_error *err);

#endif
