/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write_range.c - statistics of a column: bounds in the order of its type, bloom filters. */
#include <math.h>
#include <string.h>

#include "format/parquet_write_leaf.h"

/* ---- order -------------------------------------------------------------------------------------- */

static int compare_text(const char *a, size_t n_a, const char *b, size_t n_b)
{
    int c = memcmp(a, b, n_a < n_b ? n_a : n_b);
    return c ? (c > 0) - (c < 0) : (n_a > n_b) - (n_a < n_b);
}

#define COMPARE_AS(type)          \
    {                             \
        type x, y;                \
        memcpy(&x, a, sizeof x);  \
        memcpy(&y, b, sizeof y);  \
        return (x > y) - (x < y); \
    }

int ch_pqw_compare_bytes(ch_pqw_compare how, const char *a, size_t n_a, const char *b, size_t n_b)
{
    switch (how) {
    case CH_PQW_CMP_I32:
        COMPARE_AS(int32_t)
    case CH_PQW_CMP_I64:
        COMPARE_AS(int64_t)
    case CH_PQW_CMP_F32:
        COMPARE_AS(float)
    case CH_PQW_CMP_F64:
        COMPARE_AS(double)
    case CH_PQW_CMP_BOOL:
        return (*a > *b) - (*a < *b);
    case CH_PQW_CMP_SIGNED_BYTES: {
        int8_t x = (int8_t)*a, y = (int8_t)*b;
        return x != y ? (x > y) - (x < y) : compare_text(a, n_a, b, n_b);
    }
    default:
        return compare_text(a, n_a, b, n_b);
    }
}

static ch_status set(ch_buf *to, const void *bytes, size_t n, ch_error *err)
{
    to->len = 0;
    return ch_buf_add(to, bytes, n, err);
}

static ch_status widen(ch_pqw_range *r, ch_pqw_compare how, const char *min, size_t n_min,
                       const char *max, size_t n_max, ch_error *err)
{
    if (!r->any || ch_pqw_compare_bytes(how, min, n_min, r->min.data, r->min.len) < 0)
        CH_TRY(set(&r->min, min, n_min, err));
    if (!r->any || ch_pqw_compare_bytes(how, max, n_max, r->max.data, r->max.len) > 0)
        CH_TRY(set(&r->max, max, n_max, err));
    r->any = true;
    return CH_OK;
}

#define MIN_MAX(type)                                                                              \
    {                                                                                              \
        const type *v = value;                                                                     \
        type min = v[0], max = v[0];                                                               \
        for (int64_t i = 1; i < n; i++) {                                                          \
            min = v[i] < min ? v[i] : min;                                                         \
            max = v[i] > max ? v[i] : max;                                                         \
        }                                                                                          \
        return widen(r, how, (const char *)&min, sizeof min, (const char *)&max, sizeof max, err); \
    }

/* -0.0 and 0.0 are equal, but bounds are compared as bytes by some: -0.0 below, 0.0 above. */
#define MIN_MAX_FLOAT(type)                                                                        \
    {                                                                                              \
        const type *v = value;                                                                     \
        type min = v[0], max = v[0];                                                               \
        bool nan = false;                                                                          \
        for (int64_t i = 0; i < n; i++) {                                                          \
            nan |= v[i] != v[i];                                                                   \
            min = v[i] < min ? v[i] : min;                                                         \
            max = v[i] > max ? v[i] : max;                                                         \
        }                                                                                          \
        r->broken |= nan;                                                                          \
        if (nan)                                                                                   \
            return CH_OK;                                                                          \
        min = min == 0 ? (type)-0.0 : min;                                                         \
        max = max == 0 ? (type)0.0 : max;                                                          \
        return widen(r, how, (const char *)&min, sizeof min, (const char *)&max, sizeof max, err); \
    }

ch_status ch_pqw_range_add(ch_pqw_range *r, ch_pqw_compare how, const void *value, int width,
                           int64_t n, ch_error *err)
{
    if (n == 0 || how == CH_PQW_CMP_NONE)
        return CH_OK;
    switch (how) {
    case CH_PQW_CMP_I32:
        MIN_MAX(int32_t)
    case CH_PQW_CMP_I64:
        MIN_MAX(int64_t)
    case CH_PQW_CMP_F32:
        MIN_MAX_FLOAT(float)
    case CH_PQW_CMP_F64:
        MIN_MAX_FLOAT(double)
    case CH_PQW_CMP_BOOL:
        MIN_MAX(uint8_t)
    default:
        break;
    }
    size_t w = (size_t)width;
    const char *v = value, *min = v, *max = v;
    for (int64_t i = 1; i < n; i++) {
        const char *x = v + (size_t)i * w;
        min = ch_pqw_compare_bytes(how, x, w, min, w) < 0 ? x : min;
        max = ch_pqw_compare_bytes(how, x, w, max, w) > 0 ? x : max;
    }
    return widen(r, how, min, w, max, w, err);
}

/* The first eight bytes as a number: most texts differ there. */
static inline uint64_t head_of(ch_str s)
{
    uint64_t word = 0;
    memcpy(&word, s.text, s.len < 8 ? (size_t)s.len : 8);
    return __builtin_bswap64(word);
}

ch_status ch_pqw_range_add_text(ch_pqw_range *r, const ch_str *value, int64_t n, ch_error *err)
{
    if (n == 0)
        return CH_OK;
    ch_str min = value[0], max = value[0];
    uint64_t low = head_of(min), high = low;
    for (int64_t i = 1; i < n; i++) {
        uint64_t head = head_of(value[i]);
        if (head > low && head < high)
            continue;
        ch_str s = value[i];
        if (head < low ||
            (head == low && compare_text(s.text, (size_t)s.len, min.text, (size_t)min.len) < 0))
            min = s, low = head;
        if (head > high ||
            (head == high && compare_text(s.text, (size_t)s.len, max.text, (size_t)max.len) > 0))
            max = s, high = head;
    }
    return widen(r, CH_PQW_CMP_BYTES, min.text, (size_t)min.len, max.text, (size_t)max.len, err);
}

ch_status ch_pqw_range_merge(ch_pqw_range *r, ch_pqw_compare how, const ch_pqw_range *other,
                             ch_error *err)
{
    r->broken |= other->broken;
    if (!other->any)
        return CH_OK;
    return widen(r, how, other->min.data, other->min.len, other->max.data, other->max.len, err);
}

/* ---- cutting ------------------------------------------------------------------------------------ */

/* One more than the character that ends at *n; false: there is none of that length. */
static bool next_character(char *text, size_t *n)
{
    size_t at = *n - 1;
    while (at > 0 && ((uint8_t)text[at] & 0xC0) == 0x80)
        at--;
    size_t len = *n - at;
    uint32_t c = len == 1 ? (uint8_t)text[at] : (uint8_t)text[at] & (0x7Fu >> len);
    for (size_t i = 1; i < len; i++)
        c = c << 6 | ((uint8_t)text[at + i] & 0x3F);
    *n = at;
    static const uint32_t LAST[] = {0, 0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
    if (len > 4 || c >= LAST[len])
        return false;
    c = c + 1 >= 0xD800 && c + 1 <= 0xDFFF ? 0xE000 : c + 1;
    for (size_t i = len; i-- > 1; c >>= 6)
        text[at + i] = (char)(0x80 | (c & 0x3F));
    text[at] = (char)(len == 1 ? c : (0xF00u >> len & 0xFF) | c);
    *n = at + len;
    return true;
}

static bool raise(char *text, size_t *n, bool is_text)
{
    while (*n > 0) {
        if (is_text) {
            if (next_character(text, n))
                return true;
            continue;
        }
        if ((uint8_t)text[*n - 1] != 0xFF) {
            text[*n - 1]++;
            return true;
        }
        --*n;
    }
    return false;
}

ch_status ch_pqw_cut_bound(const ch_buf *value, int32_t most, bool upper, bool is_text,
                           ch_arena *arena, ch_thrift_bytes *out, ch_error *err)
{
    size_t n = value->len;
    char *copy = ch_arena_strn(arena, value->data ? value->data : "", n, err);
    if (!copy)
        return CH_E_MEMORY;
    *out = (ch_thrift_bytes){copy, (int64_t)n};
    if (most <= 0 || n <= (size_t)most)
        return CH_OK;
    n = (size_t)most;
    while (is_text && n > 0 && ((uint8_t)copy[n] & 0xC0) == 0x80)
        n--;
    if (n == 0 || (upper && !raise(copy, &n, is_text))) {
        memcpy(copy, value->data, value->len);
        return CH_OK;
    }
    out->len = (int64_t)n;
    return CH_OK;
}

/* ---- bloom filters (BloomFilter.md) ----------------------------------------------------------- */

void ch_pqw_bloom_add(uint32_t *bloom, int64_t bytes, uint64_t hash)
{
    static const uint32_t SALT[8] = {0x47b6137bU, 0x44974d91U, 0x8824ad5bU, 0xa2b7289dU,
                                     0x705495c7U, 0x2df1424bU, 0x9efc4947U, 0x5c6bfb31U};
    uint64_t blocks = (uint64_t)bytes / 32;
    uint32_t *block = bloom + ((hash >> 32) * blocks >> 32) * 8;
    for (int i = 0; i < 8; i++)
        block[i] |= UINT32_C(1) << ((uint32_t)hash * SALT[i] >> 27);
}

int64_t ch_pqw_bloom_bytes(int64_t ndv, double fpp, int64_t most)
{
    double bits = -8.0 * (double)ndv / log(1 - pow(fpp, 1.0 / 8));
    int64_t bytes = 32;
    while (bytes < most && (double)bytes * 8 < bits)
        bytes *= 2;
    return bytes > most ? most / 32 * 32 : bytes;
}
