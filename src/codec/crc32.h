/* SPDX-License-Identifier: Apache-2.0 */
/* crc32.h - the checksum of Parquet pages, gzip and zip (CRC-32 of IEEE 802.3). */
#ifndef CH_CODEC_CRC32_H
#define CH_CODEC_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Of the bytes behind those whose checksum is crc (0: there are none). Cost: some 20 bytes per ns with PCLMULQDQ. */
uint32_t ch_crc32(uint32_t crc, const void *bytes, size_t n);

/* The same by carry-less multiplication; n a multiple of 16, at least 64. For ch_crc32, and tests. */
uint32_t ch_crc32_avx2(uint32_t crc, const uint8_t *bytes, size_t n);

#endif
