/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bitpack_avx2.c - eight values at a time: bytes to lanes by a shuffle, then a shift per lane and a mask.
 *
 * Eight values take `width` bytes. A value of up to 25 bits lies within four bytes, so one shuffle
 * brings each into its lane; the upper four values start at byte width / 2.
 */
#include <immintrin.h>

#include "codec/bitpack.h"

void ch_unpack32_avx2(const uint8_t *in, int width, int64_t from, int64_t n, uint32_t *out)
{
    uint8_t shuffle[32];
    uint32_t shift[8];
    int upper = width * 4 / 8;
    for (int i = 0; i < 8; i++) {
        int bit = i * width - (i < 4 ? 0 : upper * 8);
        for (int b = 0; b < 4; b++)
            shuffle[i * 4 + b] = (uint8_t)(bit / 8 + b);
        shift[i] = (uint32_t)bit & 7;
    }
    __m256i shuffles = _mm256_loadu_si256((const __m256i *)shuffle);
    __m256i shifts = _mm256_loadu_si256((const __m256i *)shift);
    __m256i mask = _mm256_set1_epi32((1 << width) - 1);
    const uint8_t *p = in + from / 8 * width;
    for (int64_t i = 0; i < n; i += 8, p += width) {
        __m256i v = _mm256_loadu2_m128i((const __m128i *)(p + upper), (const __m128i *)p);
        v = _mm256_srlv_epi32(_mm256_shuffle_epi8(v, shuffles), shifts);
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_and_si256(v, mask));
    }
}
