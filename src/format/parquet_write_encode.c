/* SPDX-License-Identifier: Apache-2.0 */
/* parquet_write_encode.c - Encodings.md of parquet-format, the writing half. */
#include "format/parquet_write_encode.h"

#include <string.h>

#define DELTA_BLOCK 128
#define DELTA_MINI 32 /* values of a miniblock; four of them in a block, as parquet-mr has it */
#define LEAST_RUN 8

ch_status ch_pqw_put_varint(ch_buf *out, uint64_t value, ch_error *err)
{
    uint8_t bytes[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7)
        bytes[n++] = (uint8_t)(value | 0x80);
    bytes[n++] = (uint8_t)value;
    return ch_buf_add(out, bytes, n, err);
}

static ch_status put_zigzag(ch_buf *out, int64_t value, ch_error *err)
{
    return ch_pqw_put_varint(out, (uint64_t)value << 1 ^ (uint64_t)(value >> 63), err);
}

/* ---- bit packing -------------------------------------------------------------------------------- */

/* n values of `width` bits, the first in the lowest bits; n * width is a multiple of 8. Writes up to
 * 8 bytes more than that. Returns the bytes written. */
static size_t pack(const uint64_t *value, int64_t n, int width, char *to)
{
    char *at = to;
    uint64_t word = 0;
    int used = 0; /* bits of word */
    for (int64_t i = 0; i < n; i++) {
        word |= value[i] << used;
        used += width;
        if (used >= 64) {
            memcpy(at, &word, 8);
            at += 8;
            used -= 64;
            word = used ? value[i] >> (width - used) : 0;
        }
    }
    memcpy(at, &word, 8);
    return (size_t)(at - to) + (size_t)(used + 7) / 8;
}

/* The same for values of at most 32 bits: the word takes another before it is full. */
static size_t pack32(const uint32_t *value, int64_t n, int width, char *to)
{
    char *at = to;
    uint64_t word = 0;
    int used = 0;
    for (int64_t i = 0; i < n; i++) {
        word |= (uint64_t)value[i] << used;
        used += width;
        if (used >= 32) {
            uint32_t low = (uint32_t)word;
            memcpy(at, &low, 4);
            at += 4;
            used -= 32;
            word >>= 32;
        }
    }
    memcpy(at, &word, 8);
    return (size_t)(at - to) + (size_t)(used + 7) / 8;
}

/* Groups of eight; the last one may lack values, which are 0 then. */
static ch_status put_groups(const uint32_t *value, int64_t n, int width, ch_buf *out, ch_error *err)
{
    int64_t groups = (n + 7) / 8, whole = n / 8 * 8;
    if (n == 0)
        return CH_OK;
    CH_TRY(ch_pqw_put_varint(out, (uint64_t)groups << 1 | 1, err));
    CH_TRY(ch_buf_reserve(out, (size_t)(groups * width) + 16, err));
    out->len += pack32(value, whole, width, out->data + out->len);
    if (whole < n) {
        uint32_t last[8] = {0};
        memcpy(last, value + whole, sizeof *last * (size_t)(n - whole));
        out->len += pack32(last, 8, width, out->data + out->len);
    }
    return CH_OK;
}

static ch_status put_run(uint32_t value, int64_t n, int width, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_pqw_put_varint(out, (uint64_t)n << 1, err));
    return ch_buf_add(out, &value, (size_t)(width + 7) / 8, err); /* little endian */
}

ch_status ch_pqw_encode_rle(const uint32_t *value, int64_t n, int width, ch_buf *out, ch_error *err)
{
    int64_t from = 0, i = 0; /* [from, i) waits to be packed, whole groups */
    if (width == 0)
        return n ? put_run(0, n, 0, out, err) : CH_OK;
    while (i + LEAST_RUN <= n) {
        uint32_t first = value[i], differ = 0;
        for (int k = 1; k < LEAST_RUN; k++)
            differ |= value[i + k] ^ first;
        if (differ) {
            i += LEAST_RUN;
            continue;
        }
        int64_t end = i + LEAST_RUN;
        while (end < n && value[end] == first)
            end++;
        CH_TRY(put_groups(value + from, i - from, width, out, err));
        CH_TRY(put_run(first, end - i, width, out, err));
        from = i = end;
    }
    return put_groups(value + from, n - from, width, out, err);
}

ch_status ch_pqw_encode_levels(const uint8_t *level, uint8_t value, int64_t n, int width,
                               ch_buf *out, ch_error *err)
{
    uint32_t group[256];
    if (!level)
        return n ? put_run(value, n, width, out, err) : CH_OK;
    for (int64_t i = 0; i < n;) {
        int64_t end = i + 1;
        while (end < n && level[end] == level[i])
            end++;
        if (end - i >= LEAST_RUN || end == n) {
            CH_TRY(put_run(level[i], end - i, width, out, err));
            i = end;
            continue;
        }
        /* Groups until a run comes. */
        int64_t k = 0;
        while (i < n && k < 256) {
            uint8_t differ = 0;
            int64_t left = n - i < 8 ? n - i : 8;
            for (int64_t b = 0; b < left; b++)
                differ |= (uint8_t)(level[i + b] ^ level[i]);
            if (k && left == 8 && !differ)
                break;
            for (int64_t b = 0; b < left; b++)
                group[k++] = level[i++];
        }
        CH_TRY(put_groups(group, k, width, out, err));
    }
    return CH_OK;
}

ch_status ch_pqw_encode_bits(const uint8_t *value, int64_t n, ch_buf *out, ch_error *err)
{
    size_t bytes = (size_t)(n + 7) / 8;
    CH_TRY(ch_buf_reserve(out, bytes, err));
    uint8_t *to = (uint8_t *)out->data + out->len;
    memset(to, 0, bytes);
    for (int64_t i = 0; i < n; i++)
        to[i >> 3] |= (uint8_t)((value[i] & 1) << (i & 7));
    out->len += bytes;
    return CH_OK;
}

/* ---- deltas ------------------------------------------------------------------------------------- */

static int64_t value_at(const void *value, int bytes, int64_t i)
{
    return bytes == 4 ? ((const int32_t *)value)[i] : ((const int64_t *)value)[i];
}

/* Differences wrap at the values' own width. */
static void take_deltas(const void *value, int bytes, int64_t at, int64_t n, int64_t *delta)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t d =
            (uint64_t)value_at(value, bytes, at + i) - (uint64_t)value_at(value, bytes, at + i - 1);
        delta[i] = bytes == 4 ? (int32_t)d : (int64_t)d;
    }
}

static ch_status put_delta_block(const int64_t *delta, int64_t n, int bytes, ch_buf *out,
                                 ch_error *err)
{
    uint64_t rest[DELTA_BLOCK] = {0}, mask = bytes == 4 ? UINT32_MAX : UINT64_MAX;
    uint8_t width[DELTA_BLOCK / DELTA_MINI] = {0};
    int64_t min = delta[0];
    for (int64_t i = 1; i < n; i++)
        min = delta[i] < min ? delta[i] : min;
    for (int64_t i = 0; i < n; i++)
        rest[i] = ((uint64_t)delta[i] - (uint64_t)min) & mask;
    for (int m = 0; m < DELTA_BLOCK / DELTA_MINI; m++) {
        uint64_t all = 0;
        for (int i = 0; i < DELTA_MINI; i++)
            all |= rest[m * DELTA_MINI + i];
        width[m] = (uint8_t)ch_pqw_bit_width(all);
    }
    CH_TRY(put_zigzag(out, min, err));
    CH_TRY(ch_buf_add(out, width, sizeof width, err));
    for (int64_t m = 0; m * DELTA_MINI < n; m++) {
        CH_TRY(ch_buf_reserve(out, (size_t)(DELTA_MINI / 8 * width[m]) + 8, err));
        out->len += pack(rest + m * DELTA_MINI, DELTA_MINI, width[m], out->data + out->len);
    }
    return CH_OK;
}

ch_status ch_pqw_encode_delta(const void *value, int bytes, int64_t n, ch_buf *out, ch_error *err)
{
    int64_t delta[DELTA_BLOCK];
    CH_TRY(ch_pqw_put_varint(out, DELTA_BLOCK, err));
    CH_TRY(ch_pqw_put_varint(out, DELTA_BLOCK / DELTA_MINI, err));
    CH_TRY(ch_pqw_put_varint(out, (uint64_t)n, err));
    CH_TRY(put_zigzag(out, n ? value_at(value, bytes, 0) : 0, err));
    for (int64_t at = 1; at < n; at += DELTA_BLOCK) {
        int64_t k = n - at < DELTA_BLOCK ? n - at : DELTA_BLOCK;
        take_deltas(value, bytes, at, k, delta);
        CH_TRY(put_delta_block(delta, k, bytes, out, err));
    }
    return CH_OK;
}

/* ---- byte arrays -------------------------------------------------------------------------------- */

ch_status ch_pqw_encode_plain_text(const ch_str *value, int64_t n, ch_buf *out, ch_error *err)
{
    size_t total = 0;
    for (int64_t i = 0; i < n; i++)
        total += 4 + (size_t)value[i].len;
    CH_TRY(ch_buf_reserve(out, total, err));
    char *to = out->data + out->len;
    for (int64_t i = 0; i < n; i++) {
        uint32_t len = (uint32_t)value[i].len;
        memcpy(to, &len, 4);
        memcpy(to + 4, value[i].text, len);
        to += 4 + len;
    }
    out->len += total;
    return CH_OK;
}

ch_status ch_pqw_encode_delta_length(const ch_str *value, int64_t n, int32_t *scratch, ch_buf *out,
                                     ch_error *err)
{
    for (int64_t i = 0; i < n; i++)
        scratch[i] = (int32_t)value[i].len;
    CH_TRY(ch_pqw_encode_delta(scratch, 4, n, out, err));
    for (int64_t i = 0; i < n; i++)
        CH_TRY(ch_buf_add(out, value[i].text, (size_t)value[i].len, err));
    return CH_OK;
}

static int64_t common_prefix(ch_str a, ch_str b)
{
    int64_t most = a.len < b.len ? a.len : b.len, n = 0;
    while (n < most && a.text[n] == b.text[n])
        n++;
    return n;
}

ch_status ch_pqw_encode_delta_text(const ch_str *value, int64_t n, int32_t *scratch, ch_buf *out,
                                   ch_error *err)
{
    for (int64_t i = 0; i < n; i++)
        scratch[i] = i ? (int32_t)common_prefix(value[i - 1], value[i]) : 0;
    CH_TRY(ch_pqw_encode_delta(scratch, 4, n, out, err));
    int32_t *suffix = scratch + n;
    for (int64_t i = 0; i < n; i++)
        suffix[i] = (int32_t)value[i].len - scratch[i];
    CH_TRY(ch_pqw_encode_delta(suffix, 4, n, out, err));
    for (int64_t i = 0; i < n; i++)
        CH_TRY(ch_buf_add(out, value[i].text + scratch[i], (size_t)suffix[i], err));
    return CH_OK;
}

ch_status ch_pqw_encode_split(const void *value, int bytes, int64_t n, ch_buf *out, ch_error *err)
{
    size_t total = (size_t)n * (size_t)bytes;
    CH_TRY(ch_buf_reserve(out, total, err));
    const char *from = value;
    char *to = out->data + out->len;
    for (int b = 0; b < bytes; b++)
        for (int64_t i = 0; i < n; i++)
            *to++ = from[i * bytes + b];
    out->len += total;
    return CH_OK;
}
