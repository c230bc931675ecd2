/* SPDX-License-Identifier: Apache-2.0 */
/* csv_scan_avx2.c - the scan, 64 bytes a step. Follows csv_scan.c rule by rule. */
#include <immintrin.h>

#include "format/csv_scan.h"

static inline uint64_t equal(__m256i lo, __m256i hi, __m256i c)
{
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(lo, c));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(hi, c));
    return a | (uint64_t)b << 32;
}

/* Bit i = xor of bits 0 .. i. */
static inline uint64_t prefix_xor(uint64_t bits)
{
    __m128i all = _mm_set1_epi8((char)0xFF);
    __m128i product = _mm_clmulepi64_si128(_mm_set_epi64x(0, (int64_t)bits), all, 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Writes base + i for each bit i; at most 63 entries behind the last one are overwritten. */
static inline uint32_t *put_bits(uint32_t *out, uint64_t bits, uint32_t base)
{
    uint32_t n = (uint32_t)_mm_popcnt_u64(bits);
    for (uint32_t k = 0; k < 8; k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    for (uint32_t k = 8; __builtin_expect(k < n, 0); k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return out + n;
}

static inline uint32_t *put_few_bits(uint32_t *out, uint64_t bits, uint32_t base)
{
    uint32_t n = (uint32_t)_mm_popcnt_u64(bits);
    for (uint32_t k = 0; k < 2; k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    for (uint32_t k = 2; __builtin_expect(k < n, 0); k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return out + n;
}

static inline __attribute__((always_inline)) void scan(const ch_csv_dialect *d, const char *text,
                                                       uint32_t start, uint32_t len,
                                                       ch_csv_index *index, bool doubles)
{
    const __m256i quote = _mm256_set1_epi8((char)d->quote);
    const __m256i sep = _mm256_set1_epi8((char)(d->no_fields ? '\n' : d->sep));
    const __m256i nl = _mm256_set1_epi8('\n');
    const __m256i cr = _mm256_set1_epi8('\r');
    const __m256i odd = _mm256_set1_epi8(doubles ? 0 : (char)d->escape);
    const uint64_t fields = d->no_fields ? 0 : ~UINT64_C(0);
    const uint64_t one_line = d->multi_line ? 0 : ~UINT64_C(0);
    const uint64_t cr_is_bad = d->crlf ? 0 : ~UINT64_C(0);
    const uint64_t only_crlf = d->multi_line && d->crlf ? ~UINT64_C(0) : 0;
    uint32_t *pos = index->pos + 1, *row = index->row + 1;
    const uint32_t *pos_end = index->pos + index->cap_pos, *row_end = index->row + index->cap_rows;
    uint64_t in_quotes = 0, was_close = 0, was_end = 1, was_cr = 0;
    uint64_t seen_high = 0, seen_cr = 0, seen_doubled = 0;
    uint32_t i = start, stop = len;
    bool irregular = false;

    index->pos[0] = start - 1;
    index->row[0] = 0;
    for (; i < len && pos <= pos_end && row <= row_end; i += 64) {
        __m256i lo = _mm256_loadu_si256((const __m256i *)(const void *)(text + i));
        __m256i hi = _mm256_loadu_si256((const __m256i *)(const void *)(text + i + 32));
        uint64_t valid = len - i >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (len - i)) - 1;
        uint64_t q = equal(lo, hi, quote) & fields & valid;
        uint64_t n = equal(lo, hi, nl) & valid;
        uint64_t s = (equal(lo, hi, sep) & valid) | n;
        uint64_t c = 0, esc = 0, lone_cr = 0;

        /* CR, escapes and bytes above 127 are rare: one test for all. */
        __m256i rare_lo = _mm256_or_si256(_mm256_cmpeq_epi8(lo, cr), lo);
        __m256i rare_hi = _mm256_or_si256(_mm256_cmpeq_epi8(hi, cr), hi);
        rare_lo = _mm256_or_si256(rare_lo, _mm256_cmpeq_epi8(lo, odd));
        rare_hi = _mm256_or_si256(rare_hi, _mm256_cmpeq_epi8(hi, odd));
        bool rare = _mm256_movemask_epi8(_mm256_or_si256(rare_lo, rare_hi)) != 0 || only_crlf;

        uint64_t quoted = prefix_xor(q) ^ in_quotes;
        uint64_t opens = q & quoted, closes = q & ~quoted;
        uint64_t ends = s & ~quoted;
        uint64_t after_close = closes << 1 | was_close;
        uint64_t after_end = ends << 1 | was_end;
        if (rare) {
            uint64_t high = (uint32_t)_mm256_movemask_epi8(lo) |
                            (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32;
            c = equal(lo, hi, cr) & valid;
            esc = equal(lo, hi, odd) & fields & valid;
            uint64_t next_nl = (uint64_t)(text[i + 64 <= len ? i + 64 : len] == '\n');
            uint64_t before_nl = n >> 1;
            /* The byte behind the last one of this block. */
            before_nl |= valid == ~UINT64_C(0) ? next_nl << 63 : next_nl << (len - i - 1);
            lone_cr = c & (~before_nl | cr_is_bad) & (~quoted | one_line);
            lone_cr |= only_crlf & ((c & quoted) | (n & ~quoted & ~(c << 1 | was_cr)));
            was_cr = c >> 63;
            seen_high |= high & valid;
            seen_cr |= c;
        }
        uint64_t bad = (n & quoted & one_line) | (esc & quoted) | lone_cr;
        if (doubles) {
            bad |= (opens & ~(after_end | after_close)) |
                   (after_close & ~(ends | c | opens) & valid);
            seen_doubled |= opens & after_close;
        } else {
            bad |= (opens & ~after_end) | (after_close & ~(ends | c) & valid);
        }
        uint64_t row_bits = n & ~quoted;
        if (__builtin_expect(bad != 0, 0)) {
            uint32_t at = (uint32_t)_tzcnt_u64(bad);
            uint64_t before = (UINT64_C(1) << at) - 1;
            ends &= before;
            row_bits &= before;
            stop = i + at;
            irregular = true;
        }
        /* Newlines counted among the ends give the rows. */
        row = put_few_bits(row, _pext_u64(row_bits, ends), (uint32_t)(pos - index->pos));
        pos = put_bits(pos, ends, i);
        if (irregular)
            break;
        in_quotes = (uint64_t)((int64_t)quoted >> 63);
        was_close = closes >> 63;
        was_end = ends >> 63;
    }
    if (!irregular && i < len)
        stop = i;
    index->n_pos = (uint32_t)(pos - index->pos) - 1;
    index->n_rows = (uint32_t)(row - index->row) - 1;
    index->end = stop;
    index->irregular = irregular;
    index->non_ascii = seen_high != 0;
    index->has_cr = seen_cr != 0;
    index->has_doubled = seen_doubled != 0;
}

void ch_csv_scan_avx2(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                      ch_csv_index *index)
{
    if (d->escape == d->quote)
        scan(d, text, start, len, index, true);
    else
        scan(d, text, start, len, index, false);
}
