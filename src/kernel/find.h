/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.h - where a short text first occurs in another one.
 *
 * Sixteen places are looked at together: those whose first and last byte are right are compared in full
 * (Mula, SIMD-friendly algorithms for substring searching). The last block overlaps the one before, so that
 * nothing is read past the end.
 */
#ifndef CH_KERNEL_FIND_H
#define CH_KERNEL_FIND_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The same, one place after another: for short texts, and the oracle of the other. */
static inline int64_t ch_find_scalar(const char *text, int64_t len, const char *what, int64_t n)
{
    for (int64_t i = 0; i + n <= len; i++)
        if (text[i] == what[0] && memcmp(text + i, what, (size_t)n) == 0)
            return i;
    return -1;
}

/* Byte position of what (n >= 1 bytes) in text (len bytes), -1 if it is not there. Cost about len / 8 cycles. */
static inline int64_t ch_find(const char *text, int64_t len, const char *what, int64_t n)
{
#ifdef __SSE2__
    int64_t places = len - n + 1;
    if (places < 16)
        return ch_find_scalar(text, len, what, n);
    const __m128i first = _mm_set1_epi8(what[0]), last = _mm_set1_epi8(what[n - 1]);
    for (int64_t i = 0; i < places; i += 16) {
        int64_t at = i + 16 <= places ? i : places - 16;
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(text + at + n - 1));
        __m128i both = _mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, last));
        for (unsigned hits = (unsigned)_mm_movemask_epi8(both); hits; hits &= hits - 1) {
            int64_t hit = at + __builtin_ctz(hits);
            if (n <= 2 || memcmp(text + hit + 1, what + 1, (size_t)(n - 2)) == 0)
                return hit;
        }
    }
    return -1;
#else
    const char *at = memmem(text, (size_t)len, what, (size_t)n);
    return at ? at - text : -1;
#endif
}

#endif
