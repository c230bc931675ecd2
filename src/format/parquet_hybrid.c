/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_hybrid.c - run by run; packed runs by the kernels of codec/bitpack.h. */
#include "format/parquet_hybrid.h"

#define ENDLESS (INT64_C(1) << 62)
#define SOME 256

void ch_pq_hybrid_init(ch_pq_hybrid *h, const uint8_t *at, const uint8_t *end, int width)
{
    *h = (ch_pq_hybrid){.at = at, .end = end, .width = (int8_t)width};
    if (width == 0)
        h->left = ENDLESS;
}

bool ch_pq_hybrid_run(ch_pq_hybrid *h)
{
    while (h->left == 0) {
        uint64_t head = 0;
        int shift = 0;
        do {
            if (h->at >= h->end || shift > 35)
                return false;
            head |= (uint64_t)(*h->at & 0x7F) << shift;
            shift += 7;
        } while (*h->at++ & 0x80);
        uint64_t n = head >> 1, room = (uint64_t)(h->end - h->at);
        h->packed = head & 1;
        if (h->packed) {
            uint64_t bytes = n * (uint64_t)h->width;
            h->left = (int64_t)(n * 8);
            if (bytes > room) { /* some writers cut the last group short */
                bytes = room;
                h->left = (int64_t)(room * 8 / (uint64_t)h->width);
                if (h->left == 0)
                    return false;
            }
            h->bits = h->at;
            h->next = 0;
            h->at += bytes;
        } else {
            unsigned bytes = ((unsigned)h->width + 7) / 8;
            if (bytes > room)
                return false;
            h->value = 0;
            for (unsigned b = 0; b < bytes; b++)
                h->value |= (uint32_t)h->at[b] << (8 * b);
            h->at += bytes;
            h->left = (int64_t)n;
        }
    }
    return true;
}

/* Of n values wanted, those of the run at hand; 0: the input ended. */
static int64_t some(ch_pq_hybrid *h, int64_t n)
{
    if (!ch_pq_hybrid_run(h))
        return 0;
    return n < h->left ? n : h->left;
}

static void done(ch_pq_hybrid *h, int64_t k)
{
    h->left -= k;
    h->next += k;
}

bool ch_pq_hybrid_skip(ch_pq_hybrid *h, int64_t n)
{
    while (n > 0) {
        int64_t k = some(h, n);
        if (k == 0)
            return false;
        done(h, k);
        n -= k;
    }
    return true;
}

bool ch_pq_hybrid_u32(ch_pq_hybrid *h, int64_t n, uint32_t *out)
{
    while (n > 0) {
        int64_t k = some(h, n);
        if (k == 0)
            return false;
        if (h->packed)
            ch_unpack32(h->bits, h->width, h->next, k, out);
        else
            for (int64_t i = 0; i < k; i++)
                out[i] = h->value;
        done(h, k);
        out += k;
        n -= k;
    }
    return true;
}

bool ch_pq_hybrid_u8(ch_pq_hybrid *h, int64_t n, uint8_t *out)
{
    uint32_t value[SOME];
    while (n > 0) {
        int64_t k = some(h, n);
        if (k == 0)
            return false;
        if (h->packed) {
            k = k < SOME ? k : SOME;
            ch_unpack32(h->bits, h->width, h->next, k, value);
            for (int64_t i = 0; i < k; i++)
                out[i] = (uint8_t)value[i];
        } else {
            memset(out, (int)h->value, (size_t)k);
        }
        done(h, k);
        out += k;
        n -= k;
    }
    return true;
}

/* 64 bits of p from bit `at` on. */
static uint64_t word_at(const uint8_t *p, int64_t at)
{
    uint64_t v;
    memcpy(&v, p + (at >> 3), 8);
    int shift = (int)(at & 7);
    return shift ? v >> shift | (uint64_t)p[(at >> 3) + 8] << (64 - shift) : v;
}

static uint64_t low_bits(int64_t n)
{
    return n == 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

static void put_bits(uint64_t *out, int64_t at, uint64_t bits, int64_t n)
{
    uint64_t mask = low_bits(n);
    int shift = (int)(at & 63);
    uint64_t *w = &out[at >> 6];
    w[0] = (w[0] & ~(mask << shift)) | bits << shift;
    if (shift + n > 64)
        w[1] = (w[1] & ~(mask >> (64 - shift))) | bits >> (64 - shift);
}

bool ch_pq_hybrid_bits(ch_pq_hybrid *h, int64_t n, uint64_t *out, int64_t at, int64_t *ones)
{
    while (n > 0) {
        int64_t k = some(h, n);
        if (k == 0)
            return false;
        if (!h->packed && h->value)
            *ones += k;
        for (int64_t i = 0; i < k;) {
            int64_t m = k - i < 64 ? k - i : 64;
            uint64_t bits = h->value ? low_bits(m) : 0;
            if (h->packed) {
                bits = word_at(h->bits, h->next + i) & low_bits(m);
                *ones += __builtin_popcountll(bits);
            }
            put_bits(out, at + i, bits, m);
            i += m;
        }
        done(h, k);
        at += k;
        n -= k;
    }
    return true;
}

bool ch_pq_hybrid_count(ch_pq_hybrid *h, int64_t n, int64_t *ones)
{
    while (n > 0) {
        int64_t k = some(h, n);
        if (k == 0)
            return false;
        if (!h->packed)
            *ones += h->value ? k : 0;
        for (int64_t i = 0; i < k && h->packed; i += 64)
            *ones += __builtin_popcountll(word_at(h->bits, h->next + i) &
                                          low_bits(k - i < 64 ? k - i : 64));
        done(h, k);
        n -= k;
    }
    return true;
}
