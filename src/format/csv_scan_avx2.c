/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_scan_avx2.c - the scan, 64 bytes a step. Follows csv_scan.c rule by rule.
 *
 * The step is one inlined function whose flags are constants: the usual dialects get loops of their
 * own, in which the rules that they do not need cost nothing.
 */
#include <immintrin.h>

#include "format/csv_scan.h"

#define INLINE static inline __attribute__((always_inline))

/* What a loop is specialized for; ANY: looks at the dialect. */
typedef enum shape { USUAL, ANY } scan_shape;

typedef struct step {
    __m256i quote, sep, odd;
    uint64_t in_quotes, was_close, was_end, was_cr;
    uint64_t seen_high, seen_cr, seen_doubled;
    uint64_t fields, one_line, cr_is_bad, only_crlf; /* all bits on or off */
    uint32_t *pos, *row;
} step;

INLINE uint64_t equal(__m256i lo, __m256i hi, __m256i c)
{
    uint32_t a = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(lo, c));
    uint32_t b = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(hi, c));
    return a | (uint64_t)b << 32;
}

/* Bit i = xor of bits 0 .. i. */
INLINE uint64_t prefix_xor(uint64_t bits)
{
    __m128i all = _mm_set1_epi8((char)0xFF);
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)bits), all, 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Writes base + i for each bit i; entries behind the last one are overwritten, up to `usual`. */
INLINE uint32_t *put_bits(uint32_t *out, uint64_t bits, uint32_t base, uint32_t usual)
{
    uint32_t n = (uint32_t)_mm_popcnt_u64(bits);
    for (uint32_t k = 0; k < usual; k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    for (uint32_t k = usual; __builtin_expect(k < n, 0); k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return out + n;
}

/*
 * Bytes text[i, i + 64), of which `valid` count. next: the byte behind the last of them.
 * Returns the bits of the bytes that break a rule; only the first one means anything.
 */
INLINE uint64_t do_step(step *s, const ch_csv_index *index, const char *text, uint32_t i,
                        uint64_t valid, uint32_t n_valid, char next, bool doubles, scan_shape shape)
{
    const __m256i nl = _mm256_set1_epi8('\n'), cr = _mm256_set1_epi8('\r');
    const uint64_t all = ~UINT64_C(0);
    uint64_t one_line = shape == USUAL ? all : s->one_line;
    __m256i lo = _mm256_loadu_si256((const __m256i *)(const void *)(text + i));
    __m256i hi = _mm256_loadu_si256((const __m256i *)(const void *)(text + i + 32));
    uint64_t q = equal(lo, hi, s->quote) & valid;
    uint64_t n = equal(lo, hi, nl) & valid;
    uint64_t ends = (equal(lo, hi, s->sep) & valid) | n;
    if (shape == ANY)
        q &= s->fields;

    /* CR, escapes and bytes above 127 are rare: one test for all. */
    __m256i rare_lo = _mm256_or_si256(_mm256_cmpeq_epi8(lo, cr), _mm256_cmpeq_epi8(lo, s->odd));
    __m256i rare_hi = _mm256_or_si256(_mm256_cmpeq_epi8(hi, cr), _mm256_cmpeq_epi8(hi, s->odd));
    __m256i high = _mm256_or_si256(lo, hi);
    bool rare = _mm256_movemask_epi8(_mm256_or_si256(_mm256_or_si256(rare_lo, rare_hi), high)) != 0;

    uint64_t quoted = prefix_xor(q) ^ s->in_quotes;
    uint64_t opens = q & quoted, closes = q & ~quoted;
    uint64_t row_bits = n & ~quoted;
    uint64_t bad = n & quoted & one_line;
    ends &= ~quoted;
    uint64_t after_close = closes << 1 | s->was_close;
    uint64_t after_end = ends << 1 | s->was_end;
    uint64_t may_follow = ends, may_open = after_end;
    if (__builtin_expect(rare || (shape == ANY && s->only_crlf), 0)) {
        uint64_t c = equal(lo, hi, cr) & valid;
        uint64_t odd = equal(lo, hi, s->odd) & valid;
        uint64_t before_nl = n >> 1 | (uint64_t)(next == '\n') << (n_valid - 1);
        uint64_t lone = c & ~before_nl;
        if (shape == ANY) {
            odd &= s->fields;
            lone = c & (~before_nl | s->cr_is_bad) & (~quoted | one_line);
            lone |= s->only_crlf & ((c & quoted) | (n & ~quoted & ~(c << 1 | s->was_cr)));
            s->was_cr = c >> 63;
        }
        s->seen_high |= valid & ((uint32_t)_mm256_movemask_epi8(lo) |
                                 (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32);
        s->seen_cr |= c;
        may_follow |= c;
        bad |= (odd & quoted) | lone;
    }
    if (doubles) {
        s->seen_doubled |= opens & after_close;
        may_open |= after_close;
        may_follow |= opens;
    }
    bad |= (opens & ~may_open) | (after_close & ~may_follow & valid);
    if (__builtin_expect(bad != 0, 0)) {
        uint64_t before = bad ^ (bad - 1);
        before >>= 1; /* the bits below the first bad one */
        ends &= before;
        row_bits &= before;
    }
    /* Newlines counted among the ends give the rows. */
    s->row = put_bits(s->row, _pext_u64(row_bits, ends), (uint32_t)(s->pos - index->pos), 2);
    s->pos = put_bits(s->pos, ends, i, 8);
    s->in_quotes = (uint64_t)((int64_t)quoted >> 63);
    s->was_close = closes >> 63;
    s->was_end = ends >> 63;
    return bad;
}

INLINE void scan(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                 ch_csv_index *index, bool doubles, scan_shape shape)
{
    const uint64_t all = ~UINT64_C(0);
    step s = {.quote = _mm256_set1_epi8((char)d->quote),
              .sep = _mm256_set1_epi8((char)(d->no_fields ? '\n' : d->sep)),
              .odd = _mm256_set1_epi8(doubles ? 0 : (char)d->escape),
              .was_end = 1,
              .fields = d->no_fields ? 0 : all,
              .one_line = d->multi_line ? 0 : all,
              .cr_is_bad = d->crlf ? 0 : all,
              .only_crlf = d->multi_line && d->crlf ? all : 0,
              .pos = index->pos + 1,
              .row = index->row + 1};
    const uint32_t *pos_end = index->pos + index->cap_pos, *row_end = index->row + index->cap_rows;
    uint32_t i = start;
    uint64_t bad = 0;

    index->pos[0] = start - 1;
    index->row[0] = 0;
    for (; len - i >= 64 && s.pos <= pos_end && s.row <= row_end; i += 64) {
        bad = do_step(&s, index, text, i, all, 64, text[i + 64], doubles, shape);
        if (__builtin_expect(bad != 0, 0))
            break;
    }
    if (!bad && len > i && len - i < 64 && s.pos <= pos_end && s.row <= row_end) {
        bad = do_step(&s, index, text, i, (UINT64_C(1) << (len - i)) - 1, len - i, text[len],
                      doubles, shape);
        if (!bad)
            i = len;
    }
    if (bad)
        i += (uint32_t)_tzcnt_u64(bad);
    index->n_pos = (uint32_t)(s.pos - index->pos) - 1;
    index->n_rows = (uint32_t)(s.row - index->row) - 1;
    index->end = i;
    index->irregular = bad != 0;
    index->non_ascii = s.seen_high != 0;
    index->has_cr = s.seen_cr != 0;
    index->has_doubled = s.seen_doubled != 0;
}

void ch_csv_scan_avx2(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                      ch_csv_index *index)
{
    bool usual = !d->multi_line && d->crlf && !d->no_fields;
    if (d->escape == d->quote) {
        if (usual)
            scan(d, text, start, len, index, true, USUAL);
        else
            scan(d, text, start, len, index, true, ANY);
    } else {
        if (usual)
            scan(d, text, start, len, index, false, USUAL);
        else
            scan(d, text, start, len, index, false, ANY);
    }
}
