/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write_encode.h - values as the bytes of a page: the encodings of parquet-format's Encodings.md.
 *
 * Each appends to `out`. Errors: CH_E_MEMORY only.
 */
#ifndef CH_FORMAT_PARQUET_WRITE_ENCODE_H
#define CH_FORMAT_PARQUET_WRITE_ENCODE_H

#include "base/buf.h"
#include "column/column.h"

/* Bits that values up to `most` need; 0 for 0. */
static inline int ch_pqw_bit_width(uint64_t most)
{
    return most ? 64 - __builtin_clzll(most) : 0;
}

CH_NODISCARD ch_status ch_pqw_put_varint(ch_buf *out, uint64_t value, ch_error *err);

/* The hybrid of runs and bit-packed groups of eight, without a length in front. width 0 .. 32. */
CH_NODISCARD ch_status ch_pqw_encode_rle(const uint32_t *value, int64_t n, int width, ch_buf *out,
                                         ch_error *err);
/* The same for levels; n times `value` if level is NULL. width 1 .. 8. */
CH_NODISCARD ch_status ch_pqw_encode_levels(const uint8_t *level, uint8_t value, int64_t n,
                                            int width, ch_buf *out, ch_error *err);
/* Booleans, a byte each, as bits (PLAIN). */
CH_NODISCARD ch_status ch_pqw_encode_bits(const uint8_t *value, int64_t n, ch_buf *out,
                                          ch_error *err);
/* DELTA_BINARY_PACKED; bytes 4 or 8: of a value. */
CH_NODISCARD ch_status ch_pqw_encode_delta(const void *value, int bytes, int64_t n, ch_buf *out,
                                           ch_error *err);
/* PLAIN: a length and the bytes, each. */
CH_NODISCARD ch_status ch_pqw_encode_plain_text(const ch_str *value, int64_t n, ch_buf *out,
                                                ch_error *err);
/* DELTA_LENGTH_BYTE_ARRAY; scratch: 2 n numbers, here and below. */
CH_NODISCARD ch_status ch_pqw_encode_delta_length(const ch_str *value, int64_t n, int32_t *scratch,
                                                  ch_buf *out, ch_error *err);
/* DELTA_BYTE_ARRAY */
CH_NODISCARD ch_status ch_pqw_encode_delta_text(const ch_str *value, int64_t n, int32_t *scratch,
                                                ch_buf *out, ch_error *err);
/* BYTE_STREAM_SPLIT of n values of `bytes` each. */
CH_NODISCARD ch_status ch_pqw_encode_split(const void *value, int bytes, int64_t n, ch_buf *out,
                                           ch_error *err);

#endif
