/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bitpack.h - small unsigned integers side by side, `width` bits each, the first in the lowest bits:
 * what Parquet's hybrid and delta encodings are made of.
 */
#ifndef CH_CODEC_BITPACK_H
#define CH_CODEC_BITPACK_H

#include <stddef.h>
#include <stdint.h>

/* Bytes past the packed ones that unpacking may read (and ignore). */
#define CH_BITPACK_SLACK 32

/*
 * out[i] = value `from` + i of the packed ones, for i < n; width in 0..32.
 * Reads up to CH_BITPACK_SLACK bytes past the last byte needed.
 */
void ch_unpack32(const uint8_t *in, int width, int64_t from, int64_t n, uint32_t *out);
/* Likewise for width in 0..64. */
void ch_unpack64(const uint8_t *in, int width, int64_t from, int64_t n, uint64_t *out);

/* The portable twin of ch_unpack32, for tests. */
void ch_unpack32_scalar(const uint8_t *in, int width, int64_t from, int64_t n, uint32_t *out);
/* n a multiple of 8, from a multiple of 8, width in 1..25. */
void ch_unpack32_avx2(const uint8_t *in, int width, int64_t from, int64_t n, uint32_t *out);

#endif
