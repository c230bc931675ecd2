/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc32_avx2.c - CRC-32 sixty-four bytes at a time, after Gopal and others, Fast CRC Computation for Generic
 * Polynomials Using PCLMULQDQ Instruction (Intel, 2009).
 *
 * A CRC is the remainder of the text, as a polynomial over bits, by P = x^32 + x^26 + .. + 1. Four lanes of
 * 128 bits each go 512 bits on at a time: lane * x^512 + next, where x^512 is taken modulo P, so that
 * a product fits. At the end the lanes are folded into one, that one into 64 bits, and these are reduced by
 * Barrett's method, with mu = x^64 / P. Bits stand in reverse, lowest power at the top.
 */
#include <immintrin.h>

#include "codec/crc32.h"

/* x^n modulo P, in reverse: the lower half is for a lane's lower half. */
static const uint64_t BY_512[2] = {0x154442bd4, 0x1c6e41596}; /* n = 544, 480 */
static const uint64_t BY_128[2] = {0x1751997d0, 0x0ccaa009e}; /* n = 160, 96 */
static const uint64_t BY_64[2] = {0x163cd6124, 0};            /* n = 64 */
static const uint64_t P_MU[2] = {0x1db710641, 0x1f7011641};

static inline __m128i load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

/* lane * x^n + next */
static inline __m128i fold(__m128i lane, __m128i by, __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

uint32_t ch_crc32_avx2(uint32_t crc, const uint8_t *p, size_t n)
{
    const __m128i low_word = _mm_setr_epi32(-1, 0, -1, 0);
    __m128i lane[4], by = load(BY_512);
    for (int k = 0; k < 4; k++)
        lane[k] = load(p + 16 * k);
    lane[0] = _mm_xor_si128(lane[0], _mm_cvtsi32_si128((int)~crc));
    for (p += 64, n -= 64; n >= 64; p += 64, n -= 64)
        for (int k = 0; k < 4; k++)
            lane[k] = fold(lane[k], by, load(p + 16 * k));

    by = load(BY_128);
    __m128i all = lane[0];
    for (int k = 1; k < 4; k++)
        all = fold(all, by, lane[k]);
    for (; n >= 16; p += 16, n -= 16)
        all = fold(all, by, load(p));

    /* 128 bits to 96, to 64 */
    __m128i part = _mm_clmulepi64_si128(all, by, 0x10);
    all = _mm_xor_si128(_mm_srli_si128(all, 8), part);
    part = _mm_srli_si128(all, 4);
    all = _mm_clmulepi64_si128(_mm_and_si128(all, low_word), load(BY_64), 0x00);
    all = _mm_xor_si128(all, part);

    by = load(P_MU);
    part = _mm_clmulepi64_si128(_mm_and_si128(all, low_word), by, 0x10);
    part = _mm_clmulepi64_si128(_mm_and_si128(part, low_word), by, 0x00);
    all = _mm_xor_si128(all, part);
    return ~(uint32_t)_mm_extract_epi32(all, 1);
}
