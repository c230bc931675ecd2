/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_convert.h - a physical value of Parquet as a value of a Spark type.
 *
 * Which pairs are allowed follows Spark's ParquetVectorUpdaterFactory: what is the same, and widening
 * (int to long, double or decimal; float to double; decimals that lose nothing; date to timestamp_ntz).
 */
#ifndef CH_FORMAT_PARQUET_CONVERT_H
#define CH_FORMAT_PARQUET_CONVERT_H

#include "column/column.h"
#include "format/parquet_schema.h"

typedef struct ch_pq_conversion ch_pq_conversion;
/*
 * out[i] = in[i] for i < n; false: a value does not fit.
 *   in  packed values of in_width bytes; for byte arrays ch_view[n] into `text`
 */
typedef bool (*ch_pq_convert_fn)(const ch_pq_conversion *c, const void *in, const char *text,
                                 int64_t n, void *out);

struct ch_pq_conversion {
    const ch_type *type;
    ch_pq_convert_fn run; /* NULL: the bytes are the value (views are views) */
    int32_t in_width;     /* 0: byte arrays; -1: booleans */
    int32_t out_width;
    bool is_uuid; /* becomes text of 36 characters when a page is loaded */
    bool is_byte_array;
    int64_t factor; /* times this; 0 < factor */
    ch_i128 wide_factor;
    /* Values below are of the old calendar, and refused; INT64_MIN: none. */
    int64_t oldest;
};

/* false: values of the leaf cannot be read as the type. */
bool ch_pq_conversion_find(const ch_pq_node *leaf, const ch_type *type, ch_pq_conversion *out);

#endif
