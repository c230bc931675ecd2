/* SPDX-License-Identifier: Apache-2.0 */
/* cpu.h - what the processor can do beyond the instructions that the program is built for. */
#ifndef CH_BASE_CPU_H
#define CH_BASE_CPU_H

#include <stdbool.h>

/* AVX2, for files named *_avx2.c. Asked once; false where the machine is no x86-64. */
static inline bool ch_cpu_has_avx2(void)
{
#if defined(__x86_64__)
    static int known; /* 0 unknown, 1 yes, 2 no; every thread finds the same */
    int has = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (!has) {
        has = __builtin_cpu_supports("avx2") ? 1 : 2;
        __atomic_store_n(&known, has, __ATOMIC_RELAXED);
    }
    return has == 1;
#else
    return false;
#endif
}

#endif
