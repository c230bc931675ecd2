/* SPDX-License-Identifier: Apache-2.0 */
/*
 * statistics.h - what is known about rows before they are read: from file footers, from a
 * table format's log, from cached results. Used to estimate; to answer
 * only where it is_exact.
 */
#ifndef CH_STORE_STATISTICS_H
#define CH_STORE_STATISTICS_H

#include "type/scalar.h"

typedef struct ch_column_statistics {
    bool has_range;     /* min and max are set: bounds that every non-null value lies within */
    ch_scalar min, max; /* of the column's type; text lies where the owner of the statistics says */
    int64_t n_null;     /* -1 = unknown */
    int64_t n_distinct; /* estimated; -1 = unknown */
    int64_t bytes;      /* stored, compressed; -1 = unknown */
    /* min and max are values of the column (without has_range there is none but NULLs), n_null is no guess */
    bool is_exact;
} ch_column_statistics;

typedef struct ch_table_statistics ch_table_statistics;
struct ch_table_statistics {
    int64_t rows;                 /* -1 = unknown */
    bool is_exact;                /* rows is no guess */
    ch_column_statistics *column; /* one per column of the schema, in its order; NULL = unknown */
    int32_t n_columns;
};

#endif
