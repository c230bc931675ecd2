/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write_leaf.h - one leaf column of a row group under construction: values in, pages out.
 *
 *   values ─▶ dictionary codes │ plain values      the page under way, not encoded yet
 *          ─▶ levels, encoding, codec, header      pages, kept until the row group ends
 *          ─▶ file
 *
 * A column begins with a dictionary. It goes on without one when the dictionary saves nothing on the first page
 * (which is then encoded anew) or grows too large (pages so far stay as they are), as parquet-mr does.
 *
 * Life: init, then per row group: add* - end_page - flush; release. One thread at a time.
 */
#ifndef CH_FORMAT_PARQUET_WRITE_LEAF_H
#define CH_FORMAT_PARQUET_WRITE_LEAF_H

#include "codec/block.h"
#include "column/column.h"
#include "format/parquet_meta.h"
#include "format/parquet_write_dict.h"
#include "store/file.h"

/* How a value of ours becomes one of Parquet's. */
typedef enum ch_pqw_conversion {
    CH_PQW_SAME,       /* 4 or 8 bytes as they are */
    CH_PQW_BOOL,       /* a bit -> a byte, until it is encoded */
    CH_PQW_I8,         /* -> int32 */
    CH_PQW_I16,        /* -> int32 */
    CH_PQW_NARROW,     /* int64 -> int32: small decimals */
    CH_PQW_NANOS,      /* nanoseconds -> microseconds */
    CH_PQW_MILLIS,     /* microseconds -> milliseconds */
    CH_PQW_INT96,      /* microseconds -> nanoseconds of the day, Julian day */
    CH_PQW_FIXED_I64,  /* int64 -> big-endian bytes */
    CH_PQW_FIXED_I128, /* the same of ch_i128 */
    CH_PQW_TEXT
} ch_pqw_conversion;

typedef enum ch_pqw_compare {
    CH_PQW_CMP_NONE, /* no order, no statistics */
    CH_PQW_CMP_I32,
    CH_PQW_CMP_I64,
    CH_PQW_CMP_F32,
    CH_PQW_CMP_F64,
    CH_PQW_CMP_BOOL,
    CH_PQW_CMP_SIGNED_BYTES, /* big-endian two's complement of one length */
    CH_PQW_CMP_BYTES
} ch_pqw_compare;

typedef struct ch_pqw_leaf_spec {
    ch_pq_type physical;
    ch_pqw_conversion conversion;
    ch_pqw_compare compare;
    int width; /* bytes of a value; 0: BYTE_ARRAY */
    uint8_t max_def, max_rep;
    bool is_text;    /* UTF-8: bounds are cut between characters */
    bool v2;         /* data pages of version 2 */
    bool dictionary; /* try one */
    int encoding;    /* ch_pq_encoding without a dictionary */
    bool crc, statistics;
    int64_t page_bytes, page_rows, dictionary_bytes;
    int32_t bound_bytes; /* bounds in the column index are cut to these; 0: not */
    int64_t bloom_bytes; /* of the filter; 0: none */
    ch_pq_codec codec;
    int level;       /* of the codec; -1: its usual one */
    ch_block *block; /* borrowed */
} ch_pqw_leaf_spec;

/* The least and greatest value seen, PLAIN without a length. */
typedef struct ch_pqw_range {
    bool any, broken; /* some value was seen; one that has no order (NaN) was */
    ch_buf min, max;
} ch_pqw_range;

typedef struct ch_pqw_page {
    char *bytes; /* header and payload */
    size_t n_bytes, n_alloc;
    size_t n_raw; /* the same if nothing were compressed */
    int64_t n_rows, n_values, n_nulls;
    bool has_bounds;
    ch_thrift_bytes min, max; /* in the chunk's arena, cut */
} ch_pqw_page;

typedef struct ch_pqw_leaf {
    ch_pqw_leaf_spec spec;
    ch_mem *mem;
    /* The page under way. */
    ch_buf def, rep;                     /* bytes; def empty while every entry has max_def */
    ch_buf codes;                        /* uint32, while use_dict */
    ch_buf raw;                          /* values of spec.width bytes; or text */
    ch_buf ends;                         /* text: uint32 end of each value in raw */
    int64_t n_values, n_entries, n_rows; /* values are those that are not NULL */
    int64_t plain_bytes;                 /* of its values, were they PLAIN */
    /* The chunk. */
    bool use_dict;
    ch_pqw_dict dict;
    ch_pqw_page *page;
    int32_t n_pages, cap_pages;
    int64_t page_bytes; /* of all pages */
    int32_t n_dict_pages;
    int64_t chunk_entries, chunk_nulls, chunk_rows;
    ch_pqw_range range, page_range;
    ch_arena arena;
    uint32_t *bloom; /* spec.bloom_bytes */
    /* Scratch. */
    ch_buf values, slots, payload, packed, encoded;
    /* Codes of a batch's own dictionary. */
    ch_column *known; /* owned reference */
    ch_buf known_codes;
} ch_pqw_leaf;

/* Where a chunk's parts lie in the file. */
typedef struct ch_pqw_chunk_place {
    ch_buf column_index, offset_index; /* serialised; empty: none */
    ch_buf bloom;
} ch_pqw_chunk_place;

void ch_pqw_leaf_init(ch_pqw_leaf *leaf, const ch_pqw_leaf_spec *spec, ch_mem *mem);
void ch_pqw_leaf_release(ch_pqw_leaf *leaf);

/* Rows [0, n) of a column that is not nested, any encoding. */
CH_NODISCARD ch_status ch_pqw_leaf_add(ch_pqw_leaf *leaf, const ch_column *column, int64_t n,
                                       ch_error *err);
/*
 * Entries of nested rows: whole rows, so that a page may end behind them.
 *   values    FLAT leaf column; slot[0..n_values): positions of the values that are there
 *   def, rep  a level per entry
 */
CH_NODISCARD ch_status ch_pqw_leaf_add_nested(ch_pqw_leaf *leaf, const ch_column *values,
                                              const int32_t *slot, int64_t n_values,
                                              const uint8_t *def, const uint8_t *rep,
                                              int64_t n_entries, int64_t n_rows, ch_error *err);
/* Bytes that wait in memory. */
int64_t ch_pqw_leaf_bytes(const ch_pqw_leaf *leaf);
/*
 * Writes the chunk to the end of `out` and begins the next one.
 *   meta   gives  filled but for path; lists in arena
 *   place  gives  what comes near the file's end; buffers are initialised by the caller
 */
CH_NODISCARD ch_status ch_pqw_leaf_flush(ch_pqw_leaf *leaf, ch_output *out, ch_arena *arena,
                                         ch_pq_column_meta *meta, ch_pqw_chunk_place *place,
                                         ch_error *err);

/* ---- parquet_write_range.c ---- */

/* -1, 0, 1 for two values as PLAIN bytes without a length. */
int ch_pqw_compare_bytes(ch_pqw_compare how, const char *a, size_t n_a, const char *b, size_t n_b);
/* Widens by n values of `width` bytes, or texts. */
CH_NODISCARD ch_status ch_pqw_range_add(ch_pqw_range *range, ch_pqw_compare how, const void *value,
                                        int width, int64_t n, ch_error *err);
CH_NODISCARD ch_status ch_pqw_range_add_text(ch_pqw_range *range, const ch_str *value, int64_t n,
                                             ch_error *err);
/* Widens by another range. */
CH_NODISCARD ch_status ch_pqw_range_merge(ch_pqw_range *range, ch_pqw_compare how,
                                          const ch_pqw_range *other, ch_error *err);
/* A bound of at most `most` bytes that still bounds; in arena. upper: not less than the value. */
CH_NODISCARD ch_status ch_pqw_cut_bound(const ch_buf *value, int32_t most, bool upper, bool is_text,
                                        ch_arena *arena, ch_thrift_bytes *out, ch_error *err);
/* A split block bloom filter's bits for the hash of one value. */
void ch_pqw_bloom_add(uint32_t *bloom, int64_t bytes, uint64_t hash);
/* Bytes of a filter for ndv values with this rate of false positives, a power of two, at most `most`. */
int64_t ch_pqw_bloom_bytes(int64_t ndv, double fpp, int64_t most);

#endif
