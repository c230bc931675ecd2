/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.h - one 64-bit hash per row, over some columns: for joins, aggregates, distinct.
 *
 * Rows that are equal in Spark's eyes (NULL = NULL, NaN = NaN, 0.0 = -0.0) hash equal, whatever
 * the encoding and the width of integers. Good in all bits: take partitions from the top, slots from
 * the bottom. Not Spark's hash() (function/hash_spark.c), not stable between versions.
 */
#ifndef CH_KERNEL_HASH_H
#define CH_KERNEL_HASH_H

#include <string.h>

#include "column/column.h"

#define CH_HASH_NULL UINT64_C(0x9AE16A3B2F90404F)

/*
 * out[i] = hash of row i of col[0..n_cols).
 *   col   borrows  any types and encodings, at least `rows` rows each
 *   out   uint64[rows]; n_cols 0 gives CH_HASH_NULL everywhere
 *   mem   pays for scratch (nested columns, dictionaries)
 * Cost: about 1 ns per fixed-width value or short string.
 */
CH_NODISCARD ch_status ch_hash(ch_column *const *col, int32_t n_cols, int64_t rows, uint64_t *out,
                               ch_mem *mem, ch_error *err);

/* What one row of one column contributes; ch_hash of one column is just that. */
static inline uint64_t ch_hash_u64(uint64_t v)
{
    v = (v ^ v >> 32) * UINT64_C(0x9E3779B97F4A7C15);
    v = (v ^ v >> 29) * UINT64_C(0xD6E8FEB86659FD93);
    return v ^ v >> 32;
}
static inline uint64_t ch_hash_128(uint64_t a, uint64_t b)
{
    ch_u128 p = (ch_u128)(a ^ UINT64_C(0xA0761D6478BD642F)) * (b ^ UINT64_C(0xE7037ED1A0B428DB));
    return ch_hash_u64((uint64_t)p ^ (uint64_t)(p >> 64));
}
static inline uint64_t ch_hash_f64(double v)
{
    uint64_t bits;
    v = v == 0 ? 0 : v;
    memcpy(&bits, &v, sizeof bits);
    return ch_hash_u64(v != v ? UINT64_C(0x7FF8000000000000) : bits);
}
uint64_t ch_hash_long_text(const char *text, int64_t len);
static inline uint64_t ch_hash_text(const char *text, int64_t len)
{
    if (len > CH_VIEW_INLINE)
        return ch_hash_long_text(text, len);
    uint64_t w[2] = {0};
    int32_t n = (int32_t)len;
    memcpy(w, &n, 4);
    memcpy((char *)w + 4, text, (size_t)len);
    return ch_hash_128(w[0], w[1]);
}
/* Folds the hash of one more column into a row's hash. */
static inline uint64_t ch_hash_combine(uint64_t h, uint64_t more)
{
    h = ((h << 23 | h >> 41) ^ more) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}

#endif
