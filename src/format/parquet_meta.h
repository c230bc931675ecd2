/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_meta.h - the Thrift structs of Parquet (parquet-format's parquet.thrift), as C structs.
 *
 * Names are the specification's; the number behind a member is its field id. Read with
 * ch_thrift_read(&ch_pq_file_meta_thrift, ...), written with ch_thrift_write; both go by the tables
 * of parquet_meta.c. Optional numbers are asked for with ch_thrift_has(s, id).
 */
#ifndef CH_FORMAT_PARQUET_META_H
#define CH_FORMAT_PARQUET_META_H

#include "wire/thrift.h"

typedef enum ch_pq_type {
    CH_PQ_BOOLEAN,
    CH_PQ_INT32,
    CH_PQ_INT64,
    CH_PQ_INT96,
    CH_PQ_FLOAT,
    CH_PQ_DOUBLE,
    CH_PQ_BYTE_ARRAY,
    CH_PQ_FIXED, /* FIXED_LEN_BYTE_ARRAY */
    CH_PQ_N_TYPES
} ch_pq_type;

typedef enum ch_pq_converted {
    CH_PQ_UTF8,
    CH_PQ_MAP,
    CH_PQ_MAP_KEY_VALUE,
    CH_PQ_LIST,
    CH_PQ_ENUM,
    CH_PQ_DECIMAL,
    CH_PQ_DATE,
    CH_PQ_TIME_MILLIS,
    CH_PQ_TIME_MICROS,
    CH_PQ_TIMESTAMP_MILLIS,
    CH_PQ_TIMESTAMP_MICROS,
    CH_PQ_UINT_8,
    CH_PQ_UINT_16,
    CH_PQ_UINT_32,
    CH_PQ_UINT_64,
    CH_PQ_INT_8,
    CH_PQ_INT_16,
    CH_PQ_INT_32,
    CH_PQ_INT_64,
    CH_PQ_JSON,
    CH_PQ_BSON,
    CH_PQ_INTERVAL
} ch_pq_converted;

typedef enum ch_pq_repetition { CH_PQ_REQUIRED, CH_PQ_OPTIONAL, CH_PQ_REPEATED } ch_pq_repetition;

typedef enum ch_pq_encoding {
    CH_PQ_PLAIN = 0,
    CH_PQ_PLAIN_DICTIONARY = 2,
    CH_PQ_RLE = 3,
    CH_PQ_BIT_PACKED = 4,
    CH_PQ_DELTA_BINARY_PACKED = 5,
    CH_PQ_DELTA_LENGTH_BYTE_ARRAY = 6,
    CH_PQ_DELTA_BYTE_ARRAY = 7,
    CH_PQ_RLE_DICTIONARY = 8,
    CH_PQ_BYTE_STREAM_SPLIT = 9
} ch_pq_encoding;

typedef enum ch_pq_codec {
    CH_PQ_UNCOMPRESSED,
    CH_PQ_SNAPPY,
    CH_PQ_GZIP,
    CH_PQ_LZO,
    CH_PQ_BROTLI,
    CH_PQ_LZ4, /* in Hadoop's frames, or bare: writers never agreed */
    CH_PQ_ZSTD,
    CH_PQ_LZ4_RAW
} ch_pq_codec;

typedef enum ch_pq_page_type {
    CH_PQ_DATA_PAGE,
    CH_PQ_INDEX_PAGE,
    CH_PQ_DICTIONARY_PAGE,
    CH_PQ_DATA_PAGE_V2
} ch_pq_page_type;

typedef enum ch_pq_order { CH_PQ_UNORDERED, CH_PQ_ASCENDING, CH_PQ_DESCENDING } ch_pq_order;

/* ---- schema -------------------------------------------------------------------------------- */

typedef struct ch_pq_time_unit { /* a union: which bit is on */
    uint32_t has;                /* CH_PQ_UNIT_* */
} ch_pq_time_unit;
enum { CH_PQ_UNIT_MILLIS = 1, CH_PQ_UNIT_MICROS, CH_PQ_UNIT_NANOS };

typedef struct ch_pq_logical_decimal {
    uint32_t has;
    int32_t scale;     /* 1 */
    int32_t precision; /* 2 */
} ch_pq_logical_decimal;

typedef struct ch_pq_logical_time { /* TIME and TIMESTAMP */
    uint32_t has;
    bool is_adjusted_to_utc; /* 1 */
    ch_pq_time_unit *unit;   /* 2 */
} ch_pq_logical_time;

typedef struct ch_pq_logical_integer {
    uint32_t has;
    int8_t bit_width; /* 1 */
    bool is_signed;   /* 2 */
} ch_pq_logical_integer;

typedef struct ch_pq_logical_variant {
    uint32_t has;
    int8_t specification_version; /* 1 */
} ch_pq_logical_variant;

/* A union: one bit of `has`, CH_PQ_L_*. */
typedef struct ch_pq_logical {
    uint32_t has;
    ch_pq_logical_decimal *decimal;
    ch_pq_logical_time *time, *timestamp;
    ch_pq_logical_integer *integer;
    ch_pq_logical_variant *variant;
} ch_pq_logical;
enum {
    CH_PQ_L_STRING = 1,
    CH_PQ_L_MAP,
    CH_PQ_L_LIST,
    CH_PQ_L_ENUM,
    CH_PQ_L_DECIMAL,
    CH_PQ_L_DATE,
    CH_PQ_L_TIME,
    CH_PQ_L_TIMESTAMP,
    CH_PQ_L_INTEGER = 10,
    CH_PQ_L_UNKNOWN,
    CH_PQ_L_JSON,
    CH_PQ_L_BSON,
    CH_PQ_L_UUID,
    CH_PQ_L_FLOAT16,
    CH_PQ_L_VARIANT,
    CH_PQ_L_GEOMETRY,
    CH_PQ_L_GEOGRAPHY
};

typedef struct ch_pq_element { /* SchemaElement */
    uint32_t has;
    int32_t type;           /* 1: ch_pq_type; absent for groups */
    int32_t type_length;    /* 2 */
    int32_t repetition;     /* 3: absent for the root */
    ch_thrift_bytes name;   /* 4 */
    int32_t num_children;   /* 5 */
    int32_t converted;      /* 6 */
    int32_t scale;          /* 7 */
    int32_t precision;      /* 8 */
    int32_t field_id;       /* 9 */
    ch_pq_logical *logical; /* 10 */
} ch_pq_element;
enum {
    CH_PQ_ELEMENT_TYPE = 1,
    CH_PQ_ELEMENT_LENGTH,
    CH_PQ_ELEMENT_REPETITION,
    CH_PQ_ELEMENT_NAME,
    CH_PQ_ELEMENT_CHILDREN,
    CH_PQ_ELEMENT_CONVERTED,
    CH_PQ_ELEMENT_SCALE,
    CH_PQ_ELEMENT_PRECISION,
    CH_PQ_ELEMENT_FIELD_ID,
    CH_PQ_ELEMENT_LOGICAL
};

/* ---- the footer ---------------------------------------------------------------------------- */

typedef struct ch_pq_stats { /* Statistics */
    uint32_t has;
    ch_thrift_bytes max, min; /* 1, 2: signed order; not to be trusted for unsigned types */
    int64_t null_count;       /* 3 */
    int64_t distinct_count;   /* 4 */
    ch_thrift_bytes max_value, min_value; /* 5, 6: in the order of the column */
    bool is_max_exact, is_min_exact;      /* 7, 8 */
} ch_pq_stats;
enum {
    CH_PQ_STATS_MAX = 1,
    CH_PQ_STATS_MIN,
    CH_PQ_STATS_NULLS,
    CH_PQ_STATS_DISTINCT,
    CH_PQ_STATS_MAX_VALUE,
    CH_PQ_STATS_MIN_VALUE,
    CH_PQ_STATS_MAX_EXACT,
    CH_PQ_STATS_MIN_EXACT
};

typedef struct ch_pq_key_value {
    uint32_t has;
    ch_thrift_bytes key, value; /* 1, 2 */
} ch_pq_key_value;
enum { CH_PQ_KEY = 1, CH_PQ_VALUE };

typedef struct ch_pq_encoding_stats { /* PageEncodingStats */
    uint32_t has;
    int32_t page_type, encoding, count; /* 1, 2, 3 */
} ch_pq_encoding_stats;

typedef struct ch_pq_column_meta { /* ColumnMetaData */
    uint32_t has;
    int32_t type;                   /* 1 */
    ch_thrift_list encodings;       /* 2: int32_t */
    ch_thrift_list path;            /* 3: ch_thrift_bytes */
    int32_t codec;                  /* 4 */
    int64_t num_values;             /* 5: with nulls */
    int64_t uncompressed_bytes;     /* 6: headers counted */
    int64_t compressed_bytes;       /* 7: headers counted */
    ch_thrift_list key_value;       /* 8: ch_pq_key_value */
    int64_t data_page_offset;       /* 9 */
    int64_t index_page_offset;      /* 10 */
    int64_t dictionary_page_offset; /* 11 */
    ch_pq_stats *stats;             /* 12 */
    ch_thrift_list encoding_stats;  /* 13: ch_pq_encoding_stats */
    int64_t bloom_filter_offset;    /* 14 */
    int32_t bloom_filter_length;    /* 15 */
} ch_pq_column_meta;
enum {
    CH_PQ_COLUMN_DICTIONARY_OFFSET = 11,
    CH_PQ_COLUMN_ENCODING_STATS = 13,
    CH_PQ_COLUMN_BLOOM_OFFSET,
    CH_PQ_COLUMN_BLOOM_LENGTH
};

typedef struct ch_pq_chunk { /* ColumnChunk */
    uint32_t has;
    ch_thrift_bytes file_path;   /* 1 */
    int64_t file_offset;         /* 2 */
    ch_pq_column_meta *meta;     /* 3 */
    int64_t offset_index_offset; /* 4 */
    int32_t offset_index_length; /* 5 */
    int64_t column_index_offset; /* 6 */
    int32_t column_index_length; /* 7 */
} ch_pq_chunk;
enum {
    CH_PQ_CHUNK_FILE_PATH = 1,
    CH_PQ_CHUNK_OFFSET_INDEX_OFFSET = 4,
    CH_PQ_CHUNK_OFFSET_INDEX_LENGTH,
    CH_PQ_CHUNK_COLUMN_INDEX_OFFSET,
    CH_PQ_CHUNK_COLUMN_INDEX_LENGTH
};

typedef struct ch_pq_sorting {
    uint32_t has;
    int32_t column;               /* 1 */
    bool descending, nulls_first; /* 2, 3 */
} ch_pq_sorting;

typedef struct ch_pq_row_group {
    uint32_t has;
    ch_thrift_list columns;   /* 1: ch_pq_chunk */
    int64_t total_bytes;      /* 2: uncompressed */
    int64_t num_rows;         /* 3 */
    ch_thrift_list sorting;   /* 4: ch_pq_sorting */
    int64_t file_offset;      /* 5 */
    int64_t compressed_bytes; /* 6 */
    int16_t ordinal;          /* 7 */
} ch_pq_row_group;
enum { CH_PQ_GROUP_FILE_OFFSET = 5, CH_PQ_GROUP_COMPRESSED, CH_PQ_GROUP_ORDINAL };

typedef struct ch_pq_column_order { /* a union; bit 1 = TYPE_ORDER */
    uint32_t has;
} ch_pq_column_order;
enum { CH_PQ_TYPE_ORDER = 1 };

typedef struct ch_pq_file_meta { /* FileMetaData */
    uint32_t has;
    int32_t version;              /* 1 */
    ch_thrift_list schema;        /* 2: ch_pq_element, depth first, the root first */
    int64_t num_rows;             /* 3 */
    ch_thrift_list row_groups;    /* 4: ch_pq_row_group */
    ch_thrift_list key_value;     /* 5: ch_pq_key_value */
    ch_thrift_bytes created_by;   /* 6 */
    ch_thrift_list column_orders; /* 7: ch_pq_column_order, one per leaf */
} ch_pq_file_meta;
enum { CH_PQ_FILE_CREATED_BY = 6, CH_PQ_FILE_COLUMN_ORDERS };

/* ---- pages and indexes --------------------------------------------------------------------- */

typedef struct ch_pq_data_page {
    uint32_t has;
    int32_t num_values;                           /* 1 */
    int32_t encoding, def_encoding, rep_encoding; /* 2, 3, 4 */
    ch_pq_stats *stats;                           /* 5 */
} ch_pq_data_page;

typedef struct ch_pq_dictionary_page {
    uint32_t has;
    int32_t num_values, encoding; /* 1, 2 */
    bool is_sorted;               /* 3 */
} ch_pq_dictionary_page;

typedef struct ch_pq_data_page_v2 {
    uint32_t has;
    int32_t num_values, num_nulls, num_rows; /* 1, 2, 3 */
    int32_t encoding;                        /* 4 */
    int32_t def_bytes, rep_bytes;            /* 5, 6 */
    bool is_compressed;                      /* 7: true when absent */
    ch_pq_stats *stats;                      /* 8 */
} ch_pq_data_page_v2;
enum { CH_PQ_V2_IS_COMPRESSED = 7 };

typedef struct ch_pq_page_header {
    uint32_t has;
    int32_t type;                      /* 1 */
    int32_t uncompressed_size;         /* 2 */
    int32_t compressed_size;           /* 3 */
    int32_t crc;                       /* 4: CRC-32 of the bytes as stored */
    ch_pq_data_page *data;             /* 5 */
    ch_pq_dictionary_page *dictionary; /* 7 */
    ch_pq_data_page_v2 *data_v2;       /* 8 */
} ch_pq_page_header;
enum { CH_PQ_PAGE_CRC = 4 };

typedef struct ch_pq_page_location {
    uint32_t has;
    int32_t compressed_size; /* 2: header counted */
    int64_t offset;          /* 1 */
    int64_t first_row;       /* 3 */
} ch_pq_page_location;

typedef struct ch_pq_offset_index {
    uint32_t has;
    ch_thrift_list locations; /* 1: ch_pq_page_location */
} ch_pq_offset_index;

typedef struct ch_pq_column_index {
    uint32_t has;
    ch_thrift_list null_pages;  /* 1: bool */
    ch_thrift_list min_values;  /* 2: ch_thrift_bytes */
    ch_thrift_list max_values;  /* 3: ch_thrift_bytes */
    int32_t order;              /* 4: ch_pq_order */
    ch_thrift_list null_counts; /* 5: int64_t */
} ch_pq_column_index;

typedef struct ch_pq_choice { /* a union of empty structs */
    uint32_t has;
} ch_pq_choice;

typedef struct ch_pq_bloom_header { /* BloomFilterHeader; bit 1 of each union is the one defined */
    uint32_t has;
    int32_t num_bytes;                            /* 1 */
    ch_pq_choice *algorithm, *hash, *compression; /* 2, 3, 4 */
} ch_pq_bloom_header;

extern const ch_thrift_struct ch_pq_file_meta_thrift, ch_pq_page_header_thrift,
    ch_pq_column_index_thrift, ch_pq_offset_index_thrift, ch_pq_bloom_header_thrift;

#endif
