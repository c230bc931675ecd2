/* SPDX-License-Identifier: Apache-2.0 */
/* digest.c - MD5 (RFC 1321), SHA-1 and SHA-2 (FIPS 180-4), Spark's Murmur3; xxHash64 by its library. */
#include "codec/digest.h"

#include <math.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

static inline uint32_t rotl(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}
static inline uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}
static inline uint64_t rotr64(uint64_t x, int n)
{
    return x >> n | x << (64 - n);
}

/*
 * Feeds whole blocks, then the padded end: 0x80, zeros, the length in bits (big-endian but for
 * MD5) in the last 8 bytes.
 */
typedef void (*block_fn)(void *state, const uint8_t *block);

static void feed(block_fn fn, void *state, const uint8_t *p, size_t len, size_t block, int big)
{
    uint8_t last[256] = {0};
    uint64_t bits = (uint64_t)len * 8;
    size_t length_bytes = block == 128 ? 16 : 8;
    for (; len >= block; len -= block, p += block)
        fn(state, p);
    if (len)
        memcpy(last, p, len);
    last[len] = 0x80;
    size_t total = len + 1 + length_bytes <= block ? block : 2 * block;
    for (int i = 0; i < 8; i++)
        last[big ? total - 1 - (size_t)i : total - 8 + (size_t)i] = (uint8_t)(bits >> (8 * i));
    for (size_t at = 0; at < total; at += block)
        fn(state, last + at);
}

/* ---- MD5 ---- */

static uint32_t md5_k[64];
static pthread_once_t md5_once = PTHREAD_ONCE_INIT;

static void md5_make(void)
{
    for (int i = 0; i < 64; i++)
        md5_k[i] = (uint32_t)(int64_t)floor(fabs(sin(i + 1.0)) * 4294967296.0);
}

static void md5_block(void *state, const uint8_t *p)
{
    static const int8_t shift[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t *h = state, m[16], a = h[0], b = h[1], c = h[2], d = h[3];
    memcpy(m, p, 64);
    for (int i = 0; i < 64; i++) {
        uint32_t f;
        int g;
        switch (i / 16) {
        case 0:
            f = (b & c) | (~b & d);
            g = i;
            break;
        case 1:
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;
            break;
        case 2:
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;
            break;
        default:
            f = c ^ (b | ~d);
            g = 7 * i % 16;
        }
        uint32_t t = d;
        d = c;
        c = b;
        b += rotl(a + f + md5_k[i] + m[g], shift[i / 16][i % 4]);
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
}

void ch_md5(const void *data, size_t len, uint8_t *out)
{
    uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    pthread_once(&md5_once, md5_make);
    feed(md5_block, h, data, len, 64, 0);
    memcpy(out, h, 16);
}

/* ---- SHA ---- */

static uint32_t load32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void sha1_block(void *state, const uint8_t *p)
{
    uint32_t *h = state, w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = load32(p + 4 * i);
    for (int i = 16; i < 80; i++)
        w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20              ? (b & c) | (~b & d)
                     : i < 40 || i >= 60 ? b ^ c ^ d
                                         : (b & c) | (b & d) | (c & d);
        uint32_t k = i < 20 ? 0x5A827999 : i < 40 ? 0x6ED9EBA1 : i < 60 ? 0x8F1BBCDC : 0xCA62C1D6;
        uint32_t t = rotl(a, 5) + f + e + k + w[i];
        e = d;
        d = c;
        c = rotl(b, 30);
        b = a;
        a = t;
    }
    h[0] += a;
    h[1] += b;
    h[2] += c;
    h[3] += d;
    h[4] += e;
}

void ch_sha1(const void *data, size_t len, uint8_t *out)
{
    uint32_t h[5] = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};
    feed(sha1_block, h, data, len, 64, 1);
    for (int i = 0; i < 20; i++)
        out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* The first 64 bits of the fractions of the cube roots of the first 80 primes; SHA-256 uses their
 * upper halves. */
static uint64_t sha_k[80];
static pthread_once_t sha_once = PTHREAD_ONCE_INIT;

/* floor(2^64 * frac(cbrt(n))): the largest x with x^3 <= n * 2^192, by bits, in 256-bit integers. */
static uint64_t root_fraction(unsigned n)
{
    unsigned whole = 1;
    while ((whole + 1) * (whole + 1) * (whole + 1) <= n)
        whole++;
    uint64_t x = 0;
    for (int bit = 63; bit >= 0; bit--) {
        uint64_t low = x | UINT64_C(1) << bit;
        /* cube of whole.low as little-endian 32-bit words, compared with n * 2^192 */
        uint64_t v[3] = {(uint32_t)low, low >> 32, whole}, sq[6] = {0}, cube[9] = {0};
        for (int i = 0; i < 3; i++)
            for (int j = 0, carry_at; j < 3; j++) {
                uint64_t t = v[i] * v[j];
                for (carry_at = i + j; t; carry_at++, t >>= 32) {
                    t += sq[carry_at];
                    sq[carry_at] = (uint32_t)t;
                }
            }
        for (int i = 0; i < 6; i++)
            for (int j = 0, carry_at; j < 3; j++) {
                uint64_t t = sq[i] * v[j];
                for (carry_at = i + j; t && carry_at < 9; carry_at++, t >>= 32) {
                    t += cube[carry_at];
                    cube[carry_at] = (uint32_t)t;
                }
            }
        if (cube[7] == 0 && cube[8] == 0 && cube[6] < n)
            x = low;
    }
    return x;
}

static void sha_make(void)
{
    int count = 0;
    for (unsigned n = 2; count < 80; n++) {
        int prime = 1;
        for (unsigned d = 2; d * d <= n; d++)
            prime &= n % d != 0;
        if (prime)
            sha_k[count++] = root_fraction(n);
    }
}

static void sha256_block(void *state, const uint8_t *p)
{
    uint32_t *h = state, w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = load32(p + 4 * i);
    for (int i = 16; i < 64; i++)
        w[i] = w[i - 16] + w[i - 7] + (rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3) +
               (rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                      (uint32_t)(sha_k[i] >> 32) + w[i];
        uint32_t t2 =
            (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

static void sha512_block(void *state, const uint8_t *p)
{
    uint64_t *h = state, w[80], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint64_t)load32(p + 8 * i) << 32 | load32(p + 8 * i + 4);
    for (int i = 16; i < 80; i++)
        w[i] = w[i - 16] + w[i - 7] +
               (rotr64(w[i - 15], 1) ^ rotr64(w[i - 15], 8) ^ w[i - 15] >> 7) +
               (rotr64(w[i - 2], 19) ^ rotr64(w[i - 2], 61) ^ w[i - 2] >> 6);
    memcpy(s, h, sizeof s);
    for (int i = 0; i < 80; i++) {
        uint64_t e = s[4], a = s[0];
        uint64_t t1 = s[7] + (rotr64(e, 14) ^ rotr64(e, 18) ^ rotr64(e, 41)) +
                      ((e & s[5]) ^ (~e & s[6])) + sha_k[i] + w[i];
        uint64_t t2 = (rotr64(a, 28) ^ rotr64(a, 34) ^ rotr64(a, 39)) +
                      ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += s[i];
}

void ch_sha2(int bits, const void *data, size_t len, uint8_t *out)
{
    pthread_once(&sha_once, sha_make);
    if (bits <= 256) {
        uint32_t h[2][8] = {{0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511,
                             0x64f98fa7, 0xbefa4fa4},
                            {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                             0x1f83d9ab, 0x5be0cd19}};
        uint32_t *s = h[bits == 256];
        feed(sha256_block, s, data, len, 64, 1);
        for (int i = 0; i < bits / 8; i++)
            out[i] = (uint8_t)(s[i / 4] >> (24 - 8 * (i % 4)));
        return;
    }
    uint64_t h[2][8] = {
        {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
         0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4},
        {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
         0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179}};
    uint64_t *s = h[bits == 512];
    feed(sha512_block, s, data, len, 128, 1);
    for (int i = 0; i < bits / 8; i++)
        out[i] = (uint8_t)(s[i / 8] >> (56 - 8 * (i % 8)));
}

/* ---- Spark's Murmur3 ---- */

static uint32_t mix_k(uint32_t k)
{
    return rotl(k * 0xcc9e2d51U, 15) * 0x1b873593U;
}
static uint32_t mix_h(uint32_t h, uint32_t k)
{
    return rotl(h ^ mix_k(k), 13) * 5 + 0xe6546b64U;
}
static uint32_t finish(uint32_t h, uint32_t len)
{
    h ^= len;
    h = (h ^ h >> 16) * 0x85ebca6bU;
    h = (h ^ h >> 13) * 0xc2b2ae35U;
    return h ^ h >> 16;
}

uint32_t ch_spark_murmur_int(uint32_t value, uint32_t seed)
{
    return finish(mix_h(seed, value), 4);
}

uint32_t ch_spark_murmur_long(uint64_t value, uint32_t seed)
{
    return finish(mix_h(mix_h(seed, (uint32_t)value), (uint32_t)(value >> 32)), 8);
}

uint32_t ch_spark_murmur_bytes(const void *data, size_t len, uint32_t seed)
{
    const uint8_t *p = data;
    uint32_t h = seed;
    size_t i = 0;
    for (; i + 4 <= len; i += 4) {
        uint32_t k;
        memcpy(&k, p + i, 4);
        h = mix_h(h, k);
    }
    for (; i < len; i++) /* each left byte as a word of its own, with its sign */
        h = mix_h(h, (uint32_t)(int32_t)(int8_t)p[i]);
    return finish(h, (uint32_t)len);
}

/* ---- xxHash64: Spark's is the public one ---- */

uint64_t ch_spark_xxh_int(uint32_t value, uint64_t seed)
{
    return XXH64(&value, 4, seed);
}

uint64_t ch_spark_xxh_long(uint64_t value, uint64_t seed)
{
    return XXH64(&value, 8, seed);
}

uint64_t ch_spark_xxh_bytes(const void *data, size_t len, uint64_t seed)
{
    return XXH64(data, len, seed);
}
