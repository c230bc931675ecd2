/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_hybrid.h - Parquet's mix of runs and bit-packed groups: levels, dictionary indices,
 * booleans of data pages v2.
 *
 *   run*     varint header
 *            header & 1 == 0   header >> 1 times the value in the next (width + 7) / 8 bytes
 *            header & 1 == 1   header >> 1 groups of 8 values, width bits each (codec/bitpack.h)
 *
 * The input must be readable CH_BITPACK_SLACK bytes past its end. Functions answer false when the
 * input ends before the values do, or makes no sense.
 */
#ifndef CH_FORMAT_PARQUET_HYBRID_H
#define CH_FORMAT_PARQUET_HYBRID_H

#include <stdbool.h>

#include "base/bits.h"
#include "codec/bitpack.h"

typedef struct ch_pq_hybrid {
    const uint8_t *at, *end;
    const uint8_t *bits; /* of the packed run at hand */
    int64_t next;        /* its next value */
    int64_t left;        /* values left of the run at hand */
    uint32_t value;      /* of a run of equal values */
    int8_t width;
    bool packed;
} ch_pq_hybrid;

/* width in 0..32; 0 needs no input: every value is 0. */
void ch_pq_hybrid_init(ch_pq_hybrid *h, const uint8_t *at, const uint8_t *end, int width);
/* Makes sure that a run is at hand: h->left > 0. */
bool ch_pq_hybrid_run(ch_pq_hybrid *h);
bool ch_pq_hybrid_skip(ch_pq_hybrid *h, int64_t n);
bool ch_pq_hybrid_u32(ch_pq_hybrid *h, int64_t n, uint32_t *out);
/* For widths up to 8. */
bool ch_pq_hybrid_u8(ch_pq_hybrid *h, int64_t n, uint8_t *out);
/* For width 1: bit at + i of out is value i; *ones grows by how many are 1. Other bits stay. */
bool ch_pq_hybrid_bits(ch_pq_hybrid *h, int64_t n, uint64_t *out, int64_t at, int64_t *ones);
/* For width 1: *ones grows by how many of the next n values, which are skipped, are 1. */
bool ch_pq_hybrid_count(ch_pq_hybrid *h, int64_t n, int64_t *ones);

#endif
