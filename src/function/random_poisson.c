/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random_poisson.c - how many times sample() with replacement takes a row: PoissonDistribution.sample of commons-math over
 * its generator Well19937c (Panneton, L'Ecuyer, Matsumoto, Improved long-period generators based on linear
 * recurrences modulo 2, 2006), which Spark seeds for each partition with java.util.Random.
 *
 *   mean < 40    uniform numbers are multiplied until they fall below e^-mean
 *   otherwise    rejection from a normal and an exponential envelope (Devroye, The computer generation of Poisson random
 *                variables, 1981) for the whole part of the mean, and the first way for its fraction; the exponential
 *                numbers are those of Ahrens and Dieter (Computer methods for sampling from the exponential and normal
 *                distributions, 1972)
 */
#include <math.h>

#include "function/random.h"

enum { M1 = 70, M2 = 179, M3 = 449, LARGE_MEAN = 40, MOST_ADDED = 1 << 20 };

void ch_well_start(ch_well *well, int64_t seed)
{
    well->at = 0;
    well->has_gaussian = false;
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

static double next_gaussian(ch_well *w)
{
    if (w->has_gaussian) {
        w->has_gaussian = false;
        return w->gaussian;
    }
    double x = next_double(w), y = next_double(w);
    double alpha = 2 * M_PI * x, r = sqrt(-2 * log(y));
    w->gaussian = r * sin(alpha);
    w->has_gaussian = true;
    return r * cos(alpha);
}

/* Q[i] = sum of ln(2)^k / k! for k = 1 .. i + 1, up to 1. */
static double next_exponential(ch_well *w)
{
    static const double Q[] = {
        0x1.62e42fefa39efp-1, 0x1.dde327edaeb52p-1, 0x1.fa4e30c4b355ep-1, 0x1.ff3adba0a1e98p-1,
        0x1.ffe99f9fde3ccp-1, 0x1.fffdd0310dc38p-1, 0x1.ffffcffd0a1c1p-1, 0x1.fffffc550e636p-1,
        0x1.ffffffbf58dddp-1, 0x1.fffffffbf2c80p-1, 0x1.ffffffffc45d9p-1, 0x1.fffffffffcd54p-1,
        0x1.ffffffffffd80p-1, 0x1.fffffffffffe3p-1, 0x1.fffffffffffffp-1, 1};
    double a = 0, u = next_double(w);
    while (u < 0.5) {
        a += Q[0];
        u *= 2;
    }
    u += u - 1;
    if (u <= Q[0])
        return a + u;
    int i = 0;
    double least = next_double(w);
    do {
        double next = next_double(w);
        least = next < least ? next : least;
        i++;
    } while (u > Q[i]);
    return a + least * Q[0];
}

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

/*
 * log(n!): of a factorial that int64 holds, otherwise the sum of its logarithms, as commons-math adds them. For a very
 * large n that would take as long as the row's copies; what the gamma function says differs in the last digits.
 */
static double log_factorial(double n)
{
    double product = 1, sum = 0;
    int sign;
    if (n > MOST_ADDED)
        return lgamma_r(n + 1, &sign);
    for (int i = 2; i <= n && n < 21; i++)
        product *= i;
    for (int64_t i = 2; (double)i <= n && n >= 21; i++)
        sum += log((double)i);
    return n < 21 ? log(product) : sum;
}

void ch_poisson_init(ch_poisson *p, double mean)
{
    *p = (ch_poisson){.mean = mean};
    if (!(mean >= LARGE_MEAN))
        return;
    double lambda = floor(mean);
    p->lambda = lambda;
    p->log_lambda = log(lambda);
    p->log_factorial = log_factorial(lambda);
    p->delta = sqrt(lambda * log(32 * lambda / M_PI + 1));
    p->twolpd = 2 * lambda + p->delta;
    double a1 = sqrt(M_PI * p->twolpd) * exp(1 / (8 * lambda));
    double a2 = (p->twolpd / p->delta) * exp(-p->delta * (1 + p->delta) / p->twolpd);
    double sum = a1 + a2 + 1;
    p->p1 = a1 / sum;
    p->p2 = a2 / sum;
    p->c1 = 1 / (8 * lambda);
}

/* Is lambda + y, proposed with the logarithm v of a uniform number, taken? */
static bool accepts(const ch_poisson *p, double y, double v, bool below)
{
    double lambda = p->lambda, t = y * (y + 1) / (2 * lambda);
    if (v < -t && !below)
        return true;
    double qr = t * ((2 * y + 1) / (6 * lambda) - 1);
    double qa = qr - (t * t) / (3 * (lambda + below * (y + 1)));
    if (v < qa)
        return true;
    if (v > qr)
        return false;
    return v < y * p->log_lambda - log_factorial(y + lambda) + p->log_factorial;
}

static double large_mean(const ch_poisson *p, ch_well *w)
{
    for (;;) {
        double x, y, v, u = next_double(w);
        if (u <= p->p1) {
            double n = next_gaussian(w);
            x = n * sqrt(p->lambda + p->delta / 2) - 0.5;
            if (x > p->delta || x < -p->lambda)
                continue;
            y = x < 0 ? floor(x) : ceil(x);
            v = -next_exponential(w) - n * n / 2 + p->c1;
        } else if (u > p->p1 + p->p2) {
            return p->lambda;
        } else {
            x = p->delta + p->twolpd / p->delta * next_exponential(w);
            y = ceil(x);
            v = -next_exponential(w) - p->delta * (x + 1) / p->twolpd;
        }
        if (accepts(p, y, v, x < 0))
            return p->lambda + y;
    }
}

int64_t ch_poisson_next(const ch_poisson *p, ch_well *w)
{
    if (p->mean < LARGE_MEAN)
        return small_mean(w, p->mean);
    if (p->mean > 2.0 * INT32_MAX)
        return INT32_MAX; /* an int there, too */
    double fraction = p->mean - p->lambda;
    double n = fraction > 0 ? (double)small_mean(w, fraction) : 0;
    n += large_mean(p, w);
    return n < INT32_MAX ? (int64_t)n : INT32_MAX;
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
