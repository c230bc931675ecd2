/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_schema.h - Parquet's schemas as a tree, and as Spark's types, both ways.
 *
 * The rules are those of Spark's ParquetToSparkSchemaConverter and SparkToParquetSchemaConverter.
 * Where Spark refuses what a file holds and a meaning is plain (FLOAT16, TIME, nanoseconds), Chert
 * reads it.
 *
 *   levels   max_def of a node: how many OPTIONAL and REPEATED nodes are on the way from the root to it,
 *            itself counted; max_rep: how many REPEATED ones
 */
#ifndef CH_FORMAT_PARQUET_SCHEMA_H
#define CH_FORMAT_PARQUET_SCHEMA_H

#include "format/parquet_meta.h"
#include "type/type.h"

/* Schemas nest no deeper, so that a level fits a byte and recursion is bounded. */
#define CH_PQ_DEPTH_MAX 100
/* Spark's StructType as JSON, among the footer's key-value pairs. */
#define CH_PQ_SPARK_KEY "org.apache.spark.sql.parquet.row.metadata"
#define CH_PQ_FIELD_ID_KEY "parquet.field.id"

/* What a node's logical type, or older converted type, says. */
typedef enum ch_pq_meaning {
    CH_PQ_M_NONE,
    CH_PQ_M_STRING,
    CH_PQ_M_ENUM,
    CH_PQ_M_JSON,
    CH_PQ_M_BSON,
    CH_PQ_M_UUID,
    CH_PQ_M_DECIMAL,
    CH_PQ_M_DATE,
    CH_PQ_M_TIME,
    CH_PQ_M_TIMESTAMP,
    CH_PQ_M_INTEGER,
    CH_PQ_M_FLOAT16,
    CH_PQ_M_UNKNOWN,
    CH_PQ_M_INTERVAL,
    CH_PQ_M_LIST,
    CH_PQ_M_MAP,
    CH_PQ_M_VARIANT,
    CH_PQ_M_OTHER /* geometry, and what comes after us */
} ch_pq_meaning;

typedef struct ch_pq_note {
    ch_pq_meaning meaning;
    int32_t precision, scale; /* DECIMAL */
    int8_t unit;              /* TIME, TIMESTAMP: CH_PQ_UNIT_* */
    bool is_utc;              /* TIME, TIMESTAMP: isAdjustedToUTC */
    int8_t bits;              /* INTEGER: 8, 16, 32, 64 */
    bool is_signed;           /* INTEGER */
} ch_pq_note;

typedef struct ch_pq_node ch_pq_node;
struct ch_pq_node {
    const ch_pq_element *element;
    const char *name; /* NUL-terminated */
    const ch_pq_node *parent;
    ch_pq_node **child;
    int32_t n_children; /* 0: a leaf */
    int32_t
        leaf; /* leaves: position among the columns of a row group; groups: of the first below */
    ch_pq_note note;
    int8_t repetition; /* ch_pq_repetition */
    uint8_t max_def, max_rep;
};

typedef struct ch_pq_schema {
    ch_pq_node *root;
    ch_pq_node **leaf;
    int32_t n_leaves;
} ch_pq_schema;

/* How types are told and matched. */
typedef struct ch_pq_schema_options {
    bool binary_as_string;      /* spark.sql.parquet.binaryAsString */
    bool infer_ntz;             /* spark.sql.parquet.inferTimestampNTZ.enabled */
    bool nanos_as_long;         /* spark.sql.legacy.parquet.nanosAsLong */
    bool ignore_spark_metadata; /* take the Parquet schema even if there is a Spark schema */
} ch_pq_schema_options;

/*
 * Builds the tree over meta's schema elements, in arena.
 * Errors CH_E_CORRUPT_FILE: no tree, deeper than CH_PQ_DEPTH_MAX, leaves without a type.
 */
CH_NODISCARD ch_status ch_pq_schema_build(const ch_pq_file_meta *meta, ch_arena *arena,
                                          const char *path, ch_pq_schema *out, ch_error *err);

/* Spark's type of a node below the root, its own REPEATED or OPTIONAL not counted. Errors
 * CH_E_PARQUET_TYPE_ILLEGAL. */
CH_NODISCARD ch_status ch_pq_node_type(const ch_pq_node *node, const ch_pq_schema_options *options,
                                       const ch_type **out, ch_error *err);
/*
 * The STRUCT of a file's columns: Spark's own schema out of the metadata if it is there, else
 * worked out from the Parquet schema.
 */
CH_NODISCARD ch_status ch_pq_schema_type(const ch_pq_file_meta *meta, const ch_pq_schema *schema,
                                         const ch_pq_schema_options *options, const ch_type **out,
                                         ch_error *err);

/*
 * Of a group that is a LIST: the node of its elements. *repeated is the REPEATED node: the
 * element itself in two-level lists, else its parent. False: not a list that makes sense.
 */
bool ch_pq_list_element(const ch_pq_node *list, const ch_pq_node **repeated,
                        const ch_pq_node **element);
/* Of a MAP: the REPEATED group of key and value, as children 0 and 1. False likewise. */
bool ch_pq_map_entries(const ch_pq_node *map, const ch_pq_node **repeated);

/* "optional int32 a (DATE)": a node as parquet-mr prints it, for errors. */
CH_NODISCARD ch_status ch_pq_node_print(const ch_pq_node *node, ch_buf *out, ch_error *err);
/* "a.list.element", NUL-terminated, in arena; NULL: no memory. */
const char *ch_pq_node_path(const ch_pq_node *node, ch_arena *arena, ch_error *err);

/* ---- writing ------------------------------------------------------------------------------- */

typedef enum ch_pq_timestamps {
    CH_PQ_TIMESTAMPS_INT96, /* spark.sql.parquet.outputTimestampType, and its default */
    CH_PQ_TIMESTAMPS_MICROS,
    CH_PQ_TIMESTAMPS_MILLIS
} ch_pq_timestamps;

typedef struct ch_pq_write_options {
    ch_pq_timestamps timestamps;
    bool legacy;    /* spark.sql.parquet.writeLegacyFormat: Spark 1.4's lists, maps and decimals */
    bool field_ids; /* write ids found in the fields' metadata */
} ch_pq_write_options;

/*
 * The schema elements of a STRUCT, depth first with the root, as Spark writes them; in arena.
 * A VARIANT is a group of two binaries.
 * Errors CH_E_UNSUPPORTED_TYPE_FOR_FORMAT.
 */
CH_NODISCARD ch_status ch_pq_schema_elements(const ch_type *row, const ch_pq_write_options *options,
                                             ch_arena *arena, ch_thrift_list *out, ch_error *err);
/* Bytes of a FIXED that holds decimals of this precision. */
int ch_pq_decimal_bytes(int precision);

#endif
