/* SPDX-License-Identifier: Apache-2.0 */
/* bitpack.c - unpacking by one unaligned load, shift and mask per value. */
#include "codec/bitpack.h"
#include "base/cpu.h"

#include <stdbool.h>
#include <string.h>

#define FEW 32 /* values for which preparing the vectors does not pay */

static uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

void ch_unpack32_scalar(const uint8_t *in, int width, int64_t from, int64_t n, uint32_t *out)
{
    uint64_t mask = (UINT64_C(1) << width) - 1, bit = (uint64_t)from * (uint64_t)width;
    for (int64_t i = 0; i < n; i++, bit += (uint64_t)width)
        out[i] = (uint32_t)(load64(in + (bit >> 3)) >> (bit & 7) & mask);
}

void ch_unpack32(const uint8_t *in, int width, int64_t from, int64_t n, uint32_t *out)
{
    if (width == 0) {
        memset(out, 0, sizeof *out * (size_t)n);
        return;
    }
#if defined(__x86_64__)
    if (ch_cpu_has_avx2() && width <= 25 && n >= FEW) {
        int64_t head = -from & 7, body = (n - head) & ~INT64_C(7);
        ch_unpack32_scalar(in, width, from, head, out);
        ch_unpack32_avx2(in, width, from + head, body, out + head);
        head += body;
        ch_unpack32_scalar(in, width, from + head, n - head, out + head);
        return;
    }
#endif
    ch_unpack32_scalar(in, width, from, n, out);
}

void ch_unpack64(const uint8_t *in, int width, int64_t from, int64_t n, uint64_t *out)
{
    uint64_t bit = (uint64_t)from * (uint64_t)width;
    if (width == 0) {
        memset(out, 0, sizeof *out * (size_t)n);
        return;
    }
    if (width <= 56) {
        uint64_t mask = (UINT64_C(1) << width) - 1;
        for (int64_t i = 0; i < n; i++, bit += (uint64_t)width)
            out[i] = load64(in + (bit >> 3)) >> (bit & 7) & mask;
        return;
    }
    uint64_t mask = width == 64 ? ~UINT64_C(0) : (UINT64_C(1) << width) - 1;
    for (int64_t i = 0; i < n; i++, bit += (uint64_t)width) {
        const uint8_t *p = in + (bit >> 3);
        int shift = (int)(bit & 7);
        uint64_t v = load64(p) >> shift;
        if (shift)
            v |= (uint64_t)p[8] << (64 - shift);
        out[i] = v & mask;
    }
}
