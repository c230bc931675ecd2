/* SPDX-License-Identifier: Apache-2.0 */
/* crc32.c - which way a checksum is made: zlib's where the machine or the length is not for the fast one. */
#include "codec/crc32.h"

#include <zlib.h>

#include "base/cpu.h"

uint32_t ch_crc32(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
#if defined(__x86_64__)
    if (n >= 64 && ch_cpu_has_avx2()) {
        size_t most = n & ~(size_t)15;
        crc = ch_crc32_avx2(crc, p, most);
        p += most;
        n -= most;
    }
#endif
    return n ? (uint32_t)crc32_z(crc, p, n) : crc;
}
