/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_poisson.c - how many times sample() with replacement takes a row: PoissonDistribution.sample of commons-math over
 * its generator Well19937c (Panneton, L'Ecuyer, Matsumoto, Improved long-period generators based on linear
 * recurrences modulo 2, 2006), which Spark seeds for each partition with java.util.Random.
 */
#include <math.h>

#include "function/random.h"

enum { M1 = 70, M2 = 179, M3 = 449 };

void ch_well_start(ch_well *well, int64_t seed)
{
    well->at = 0;
    well->v[0] = (uint32_t)((uint64_t)seed >> 32);
    well->v[1] = (uint32_t)seed;
    for (int i = 2; i < CH_WELL_WORDS; i++) {
        int64_t l = (int32_t)well->v[i - 2]; /* signed, as in Java */
        well->v[i] = (uint32_t)(UINT64_C(1812433253) * (uint64_t)(l ^ (l >> 30)) + (uint64_t)i);
    }
}

static uint32_t next_bits(ch_well *w, int bits)
{
    int at = w->at, r = CH_WELL_WORDS;
    int before = (at + r - 1) % r, before2 = (at + r - 2) % r;
    uint32_t v0 = w->v[at], m1 = w->v[(at + M1) % r], m2 = w->v[(at + M2) % r],
             m3 = w->v[(at + M3) % r];
    uint32_t z0 = (0x80000000U & w->v[before]) ^ (0x7FFFFFFFU & w->v[before2]);
    uint32_t z1 = (v0 ^ (v0 << 25)) ^ (m1 ^ (m1 >> 27));
    uint32_t z2 = (m2 >> 9) ^ (m3 ^ (m3 >> 1));
    uint32_t z3 = z1 ^ z2;
    uint32_t z4 = z0 ^ (z1 ^ (z1 << 9)) ^ (z2 ^ (z2 << 21)) ^ (z3 ^ (z3 >> 21));
    w->v[at] = z3;
    w->v[before] = z4;
    w->v[before2] &= 0x80000000U;
    w->at = before;
    z4 ^= (z4 << 7) & 0xe46e1700U;
    z4 ^= (z4 << 15) & 0x9b868000U;
    return z4 >> (32 - bits);
}

static double next_double(ch_well *w)
{
    uint64_t high = (uint64_t)next_bits(w, 26) << 26;
    return (double)(high | next_bits(w, 26)) * 0x1.0p-52;
}

/* The product of uniform numbers that falls below e^-mean; means above 40 would need another way. */
static int64_t small_mean(ch_well *w, double mean)
{
    double least = exp(-mean), product = 1;
    int64_t n = 0;
    while ((double)n < 1000 * mean) {
        product *= next_double(w);
        if (product < least)
            return n;
        n++;
    }
    return n;
}

int64_t ch_poisson_part(ch_well *well, double *mean)
{
    double part = *mean > 40 ? 40 : *mean;
    *mean -= part;
    return small_mean(well, part);
}

int64_t ch_java_random_long(int64_t seed, int64_t n)
{
    const uint64_t mask = (UINT64_C(1) << 48) - 1;
    uint64_t s = ((uint64_t)seed ^ 0x5DEECE66DU) & mask;
    int64_t out = 0;
    for (int64_t i = 0; i <= n; i++) {
        s = (s * 0x5DEECE66DU + 0xBU) & mask;
        uint64_t high = (uint64_t)(int64_t)(int32_t)(s >> 16) << 32;
        s = (s * 0x5DEECE66DU + 0xBU) & mask;
        out = (int64_t)(high + (uint64_t)(int64_t)(int32_t)(s >> 16));
    }
    return out;
}
