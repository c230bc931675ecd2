/* SPDX-License-Identifier: Apache-2.0 */
/* clock.h - time of day, and time passed. */
#ifndef CH_BASE_CLOCK_H
#define CH_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds since 1970-01-01 UTC. */
static inline int64_t ch_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Nanoseconds since some fixed moment; never goes back. */
static inline int64_t ch_tick_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
