/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - hashes that SQL shows to its users: MD5, SHA-1, SHA-2, and Spark's own Murmur3 and
 * xxHash64, which differ from the public ones in how a tail of bytes is mixed in.
 */
#ifndef CH_CODEC_DIGEST_H
#define CH_CODEC_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define CH_DIGEST_MAX 64

/* Each writes its digest (16, 20, or bits / 8 bytes; bits is 224, 256, 384 or 512). */
void ch_md5(const void *data, size_t len, uint8_t *out);
void ch_sha1(const void *data, size_t len, uint8_t *out);
void ch_sha2(int bits, const void *data, size_t len, uint8_t *out);

/* org.apache.spark.unsafe.hash.Murmur3_x86_32 */
uint32_t ch_spark_murmur_int(uint32_t value, uint32_t seed);
uint32_t ch_spark_murmur_long(uint64_t value, uint32_t seed);
uint32_t ch_spark_murmur_bytes(const void *data, size_t len, uint32_t seed);
/* org.apache.spark.sql.catalyst.expressions.XXH64 */
uint64_t ch_spark_xxh_int(uint32_t value, uint64_t seed);
uint64_t ch_spark_xxh_long(uint64_t value, uint64_t seed);
uint64_t ch_spark_xxh_bytes(const void *data, size_t len, uint64_t seed);

#endif
