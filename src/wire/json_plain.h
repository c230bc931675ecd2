/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_plain.h - how far the plain text of a JSON string goes.
 *
 * Sixteen bytes at a time, and one by one near the end, so that nothing is read past it. Strings in JSON are
 * short: most end within the first step. On the way *high becomes not 0 if there is a byte that is no ASCII (or is soon).
 */
#ifndef CH_WIRE_JSON_PLAIN_H
#define CH_WIRE_JSON_PLAIN_H

#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The same, byte by byte: near the end of a text, and the oracle of the other. */
static inline const char *ch_json_plain_scalar(const char *p, const char *end, char quote,
                                               unsigned *high)
{
    for (; p < end && *p != quote && *p != '\\' && (uint8_t)*p >= 0x20; p++)
        *high |= (uint8_t)*p & 0x80;
    return p;
}

/* The first quote, backslash or control character at p or behind it; end if there is none. */
static inline const char *ch_json_plain(const char *p, const char *end, char quote, unsigned *high)
{
#ifdef __SSE2__
    const __m128i q = _mm_set1_epi8(quote), b = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, q), _mm_cmpeq_epi8(v, b));
        hit = _mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v));
        unsigned bits = (unsigned)_mm_movemask_epi8(hit);
        *high |= (unsigned)_mm_movemask_epi8(v);
        if (bits)
            return p + __builtin_ctz(bits);
    }
#endif
    return ch_json_plain_scalar(p, end, quote, high);
}

#endif
