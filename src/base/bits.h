/* SPDX-License-Identifier: Apache-2.0 */
/* bits.h - bitmaps as Arrow lays them out: bit i is bit (i % 8) of byte i / 8;
 * here as little-endian 64-bit words, so bit i is bit (i % 64) of word i / 64.
 */
#ifndef CH_BASE_BITS_H
#define CH_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define CH_LIKELY(x) __builtin_expect(!!(x), 1)
#define CH_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* 64-bit words that hold n bits, and their bytes. */
static inline int64_t ch_bit_words(int64_t n)
{
    return (n + 63) >> 6;
}
static inline int64_t ch_bit_bytes(int64_t n)
{
    return ch_bit_words(n) * 8;
}
static inline bool ch_bit_get(const uint64_t *bits, int64_t i)
{
    return (bits[i >> 6] >> (i & 63)) & 1;
}
static inline void ch_bit_set(uint64_t *bits, int64_t i)
{
    bits[i >> 6] |= UINT64_C(1) << (i & 63);
}
static inline void ch_bit_clear(uint64_t *bits, int64_t i)
{
    bits[i >> 6] &= ~(UINT64_C(1) << (i & 63));
}
static inline void ch_bit_put(uint64_t *bits, int64_t i, bool on)
{
    uint64_t mask = UINT64_C(1) << (i & 63);
    bits[i >> 6] = (bits[i >> 6] & ~mask) | (on ? mask : 0);
}
/* bits[i] &= on */
static inline void ch_bit_and(uint64_t *bits, int64_t i, bool on)
{
    bits[i >> 6] &= ~((uint64_t)!on << (i & 63));
}
/* All n bits on (or off); bits past n in the last word are off. */
static inline void ch_bits_fill(uint64_t *bits, int64_t n, bool on)
{
    memset(bits, on ? 0xFF : 0, (size_t)ch_bit_bytes(n));
    if (on && (n & 63))
        bits[n >> 6] = (UINT64_C(1) << (n & 63)) - 1;
}
/* How many of the first n bits are on. */
static inline int64_t ch_bits_count(const uint64_t *bits, int64_t n)
{
    int64_t count = 0, words = n >> 6;
    for (int64_t w = 0; w < words; w++)
        count += __builtin_popcountll(bits[w]);
    if (n & 63)
        count += __builtin_popcountll(bits[words] & ((UINT64_C(1) << (n & 63)) - 1));
    return count;
}

/* to[to_at + i] = from[from_at + i] for i < n; other bits of `to` stay. Both hold whole words. */
static inline void ch_bits_copy(uint64_t *to, int64_t to_at, const uint64_t *from, int64_t from_at,
                                int64_t n)
{
    while (n > 0) {
        int64_t take = 64 - (to_at & 63); /* bits left in the word written */
        if (take > n)
            take = n;
        int64_t w = from_at >> 6, shift = from_at & 63;
        uint64_t bits = from[w] >> shift;
        if (shift + take > 64)
            bits |= from[w + 1] << (64 - shift);
        uint64_t mask = (take == 64 ? ~UINT64_C(0) : (UINT64_C(1) << take) - 1) << (to_at & 63);
        to[to_at >> 6] = (to[to_at >> 6] & ~mask) | (bits << (to_at & 63) & mask);
        to_at += take;
        from_at += take;
        n -= take;
    }
}

#endif
