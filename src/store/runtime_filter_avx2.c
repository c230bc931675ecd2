/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime_filter_avx2.c - values looked up in an exact set, eight at a time: their distances from the
 * least value, then a gather of the 32-bit words that hold their bits.
 */
#include <immintrin.h>

#include "store/runtime_filter.h"

/* Of eight distances, those up to `span` whose bit is set. */
static inline uint64_t test8(const int *words, __m256i d, __m256i span, __m256i in)
{
    in = _mm256_and_si256(in, _mm256_cmpeq_epi32(_mm256_min_epu32(d, span), d));
    d = _mm256_and_si256(d, in);
    __m256i word = _mm256_i32gather_epi32(words, _mm256_srli_epi32(d, 5), 4);
    /* The bit becomes the sign, which movemask takes. */
    __m256i shift = _mm256_andnot_si256(d, _mm256_set1_epi32(31));
    __m256i bit = _mm256_and_si256(_mm256_sllv_epi32(word, shift), in);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(bit));
}

uint64_t ch_filter_exact_i32_avx2(const void *bits, int64_t min, uint32_t span, const int32_t *v)
{
    __m256i least = _mm256_set1_epi32((int32_t)min), all = _mm256_set1_epi32(-1);
    __m256i most = _mm256_set1_epi32((int32_t)span);
    uint64_t out = 0;
    for (int i = 0; i < 64; i += 8) {
        __m256i d = _mm256_sub_epi32(_mm256_loadu_si256((const __m256i *)(v + i)), least);
        out |= test8(bits, d, most, all) << i;
    }
    return out;
}

/* The even 32-bit lanes of a, then those of b. */
static inline __m256i even_lanes(__m256i a, __m256i b)
{
    __m256 mixed = _mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(mixed), 0xD8);
}

uint64_t ch_filter_exact_i64_avx2(const void *bits, int64_t min, uint32_t span, const int64_t *v)
{
    __m256i least = _mm256_set1_epi64x(min), most = _mm256_set1_epi32((int32_t)span);
    __m256i zero = _mm256_setzero_si256();
    uint64_t out = 0;
    for (int i = 0; i < 64; i += 8) {
        __m256i a = _mm256_sub_epi64(_mm256_loadu_si256((const __m256i *)(v + i)), least);
        __m256i b = _mm256_sub_epi64(_mm256_loadu_si256((const __m256i *)(v + i + 4)), least);
        /* Distances beyond 32 bits, and those of lower values, have something in the upper half. */
        __m256i upper = even_lanes(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32));
        out |= test8(bits, even_lanes(a, b), most, _mm256_cmpeq_epi32(upper, zero)) << i;
    }
    return out;
}
