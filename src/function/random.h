/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - the generators behind Spark's random rows and numbers, bit for bit. */
#ifndef CH_FUNCTION_RANDOM_H
#define CH_FUNCTION_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* ---- XORShiftRandom: rand(), sample() without replacement (random.c) ---- */

/* The state that begins with a seed. */
uint64_t ch_random_start(int64_t seed);
/* The next 32 bits or fewer: the lowest ones. */
uint32_t ch_random_bits(uint64_t *state, int bits);
/* The next number of [0, 1). */
double ch_random_double(uint64_t *state);

/* ---- PoissonSampler: sample() with replacement (random_poisson.c) ---- */

enum { CH_WELL_WORDS = 624 };

/* Well19937c of commons-math. */
typedef struct ch_well {
    uint32_t v[CH_WELL_WORDS];
    int at;
    double gaussian; /* normal numbers come in pairs: the second one */
    bool has_gaussian;
} ch_well;

void ch_well_start(ch_well *well, int64_t seed);
/* A mean > 0, with what follows from it. */
typedef struct ch_poisson {
    double mean;
    /* Of a mean of 40 and more. */
    double lambda, log_lambda, log_factorial, delta, twolpd, p1, p2, c1;
} ch_poisson;

void ch_poisson_init(ch_poisson *p, double mean);
/* How often a row is taken. */
int64_t ch_poisson_next(const ch_poisson *p, ch_well *well);
/* The seed of a partition: the n-th nextLong() (from 0) of java.util.Random(seed). */
int64_t ch_java_random_long(int64_t seed, int64_t n);

#endif
