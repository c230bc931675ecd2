/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_scan_avx2.c - the scan, 64 bytes a step. Follows csv_scan.c rule by rule.
 *
 * Two ways. A *stretch* of eight steps takes the text for what it mostly is, without CR, escapes and
 * doubled quotes, and asks only at its end whether that was so. If not, none of it counts, and eight
 * careful steps, which know all rules, do it again. Where stretches keep failing, fewer are tried.
 *
 * The careful step is one inlined function whose flags are constants: the usual dialects get loops of
 * their own, in which the rules that they do not need cost nothing.
 */
#include <immintrin.h>

#include "format/csv_scan.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    STRETCH = 8,       /* steps */
    MOST_FAILURES = 6, /* up to 1 << 6 stretches are not tried after failed ones */
};

/* What a loop is specialized for; ANY: looks at the dialect. */
typedef enum shape { USUAL, ANY } scan_shape;

typedef struct step {
    __m256i quote, sep, odd, rare;
    uint64_t in_quotes, was_close, was_end, was_cr;
    uint64_t seen_high, seen_cr, seen_doubled, seen_bare;
    uint64_t fields, one_line, cr_is_bad, only_crlf; /* all bits on or off */
    const ch_csv_shape *shape;
    uint32_t phase; /* the next end's place in its record */
    uint32_t *pos;
} step;

INLINE uint64_t both(__m256i lo, __m256i hi)
{
    uint32_t a = (uint32_t)_mm256_movemask_epi8(lo), b = (uint32_t)_mm256_movemask_epi8(hi);
    return a | (uint64_t)b << 32;
}

INLINE uint64_t equal(__m256i lo, __m256i hi, __m256i c)
{
    return both(_mm256_cmpeq_epi8(lo, c), _mm256_cmpeq_epi8(hi, c));
}

/* Bit i = xor of bits 0 .. i. */
INLINE uint64_t prefix_xor(uint64_t bits)
{
    __m128i all = _mm_set1_epi8((char)0xFF);
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)bits), all, 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
}

/* Writes base + i for each bit i; up to six entries behind the last one are overwritten. */
INLINE uint32_t *put_bits(uint32_t *out, uint64_t bits, uint32_t base)
{
    uint32_t n = (uint32_t)_mm_popcnt_u64(bits);
    for (uint32_t k = 0; k < 6; k++) {
        out[k] = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    for (uint32_t *end = out + n, *more = out + 6; __builtin_expect(more < end, 0); more++) {
        *more = base + (uint32_t)_tzcnt_u64(bits);
        bits = _blsr_u64(bits);
    }
    return out + n;
}

/* Puts what is kept of the ends. */
INLINE void put_ends(step *s, uint64_t ends, uint32_t base)
{
    s->pos = put_bits(s->pos, _pdep_u64(s->shape->keep[s->phase], ends), base);
    s->phase = s->shape->next[s->phase + (uint32_t)_mm_popcnt_u64(ends)];
}

/*
 * Bytes text[i, i + 64), of which `valid` count. next: the byte behind the last of them.
 * Returns the bits of the bytes that break a rule; only the first one means anything.
 */
INLINE uint64_t do_step(step *s, const char *text, uint32_t i, uint64_t valid, uint32_t n_valid,
                        char next, bool doubles, scan_shape shape)
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
        s->seen_high |= valid & both(lo, hi);
        s->seen_cr |= c;
        may_follow |= c;
        bad |= (odd & quoted) | lone;
    }
    if (doubles) {
        s->seen_doubled |= opens & after_close;
        may_open |= after_close;
        may_follow |= opens;
    }
    s->seen_bare |= ends & ~after_close;
    bad |= (opens & ~may_open) | (after_close & ~may_follow & valid);
    bad |= _pdep_u64(s->shape->newline[s->phase], ends) ^ (n & ~quoted);
    if (__builtin_expect(bad != 0, 0))
        ends &= (bad ^ (bad - 1)) >> 1; /* those before the first bad one */
    put_ends(s, ends, i);
    s->in_quotes = (uint64_t)((int64_t)quoted >> 63);
    s->was_close = closes >> 63;
    s->was_end = ends >> 63;
    return bad;
}

/* Eight steps at once; false: something in them is not as usual, and they are to be done again. */
INLINE bool do_stretch(step *s, const char *text, uint32_t i)
{
    const __m256i nl = _mm256_set1_epi8('\n');
    const ch_csv_shape *shape = s->shape;
    uint64_t in_quotes = s->in_quotes, was_close = s->was_close, was_end = s->was_end;
    uint64_t bad = 0, bare = 0, kept[STRETCH];
    uint32_t phase = s->phase;
    __m256i rare = _mm256_setzero_si256(), high = rare;
    for (int k = 0; k < STRETCH; k++) {
        const char *from = text + i + 64 * k;
        __m256i lo = _mm256_loadu_si256((const __m256i *)(const void *)from);
        __m256i hi = _mm256_loadu_si256((const __m256i *)(const void *)(from + 32));
        uint64_t q = equal(lo, hi, s->quote), n = equal(lo, hi, nl);
        uint64_t ends = equal(lo, hi, s->sep) | n;
        __m256i rare_lo = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(s->rare, lo), lo);
        __m256i rare_hi = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(s->rare, hi), hi);
        rare = _mm256_or_si256(rare, _mm256_or_si256(rare_lo, rare_hi));
        high = _mm256_or_si256(high, _mm256_or_si256(lo, hi));

        uint64_t quoted = prefix_xor(q) ^ in_quotes;
        uint64_t opens = q & quoted, closes = q & ~quoted;
        ends &= ~quoted;
        uint64_t after_close = closes << 1 | was_close, after_end = ends << 1 | was_end;
        bare |= ends & ~after_close;
        bad |= (opens & ~after_end) | (after_close & ~ends);
        bad |= _pdep_u64(shape->newline[phase], ends) ^ n; /* and no newline within quotes */
        kept[k] = _pdep_u64(shape->keep[phase], ends);
        phase = shape->next[phase + (uint32_t)_mm_popcnt_u64(ends)];
        in_quotes = (uint64_t)((int64_t)quoted >> 63);
        was_close = closes >> 63;
        was_end = ends >> 63;
    }
    if (__builtin_expect(bad != 0 || _mm256_movemask_epi8(rare) != 0, 0))
        return false;
    for (int k = 0; k < STRETCH; k++)
        s->pos = put_bits(s->pos, kept[k], i + 64 * (uint32_t)k);
    s->in_quotes = in_quotes;
    s->was_close = was_close;
    s->was_end = was_end;
    s->phase = phase;
    s->seen_bare |= bare;
    s->seen_high |= (uint32_t)_mm256_movemask_epi8(high);
    return true;
}

/* By its low four bits, a byte finds itself here if it is CR or odd; *ok false: they are the same. */
static __m256i rare_table(uint8_t odd, bool *ok)
{
    uint8_t table[32];
    for (int k = 0; k < 32; k++)
        table[k] = (k & 15) ^ 1;
    table['\r' & 15] = table[('\r' & 15) + 16] = '\r';
    table[odd & 15] = table[(odd & 15) + 16] = odd;
    *ok = table['\r' & 15] == '\r';
    return _mm256_loadu_si256((const __m256i *)(const void *)table);
}

INLINE void scan(const ch_csv_dialect *d, const ch_csv_shape *record, const char *text,
                 uint32_t start, uint32_t len, ch_csv_index *index, bool doubles, scan_shape shape)
{
    const uint64_t all = ~UINT64_C(0);
    bool stretches;
    uint32_t failures = 0, careful = 0; /* stretches to do step by step */
    step s = {.quote = _mm256_set1_epi8((char)d->quote),
              .sep = _mm256_set1_epi8((char)(d->no_fields ? '\n' : d->sep)),
              .odd = _mm256_set1_epi8(doubles ? 0 : (char)d->escape),
              .rare = rare_table(doubles ? 0 : d->escape, &stretches),
              .was_end = 1,
              .fields = d->no_fields ? 0 : all,
              .one_line = d->multi_line ? 0 : all,
              .cr_is_bad = d->crlf ? 0 : all,
              .only_crlf = d->multi_line && d->crlf ? all : 0,
              .shape = record,
              .pos = index->pos + 1};
    const uint32_t *pos_end = index->pos + index->cap_pos;
    uint32_t i = start;
    uint64_t bad = 0;

    stretches &= !d->no_fields && !s.only_crlf;
    index->pos[0] = start - 1;
    while (!bad && len - i >= 64 && s.pos <= pos_end) {
        if (stretches && careful == 0 && len - i >= 64 * STRETCH) {
            if (do_stretch(&s, text, i)) {
                i += 64 * STRETCH;
                failures = 0;
                continue;
            }
            failures += failures < MOST_FAILURES;
            careful = UINT32_C(1) << failures;
        }
        for (int k = 0; k < STRETCH && len - i >= 64 && s.pos <= pos_end; k++, i += 64) {
            bad = do_step(&s, text, i, all, 64, text[i + 64], doubles, shape);
            if (__builtin_expect(bad != 0, 0))
                break;
        }
        careful -= careful > 0;
    }
    if (!bad && len > i && len - i < 64 && s.pos <= pos_end) {
        bad = do_step(&s, text, i, (UINT64_C(1) << (len - i)) - 1, len - i, text[len], doubles,
                      shape);
        if (!bad)
            i = len;
    }
    if (bad)
        i += (uint32_t)_tzcnt_u64(bad);
    index->n_pos = (uint32_t)(s.pos - index->pos) - 1;
    index->n_rows = index->n_pos / record->n_kept;
    index->end = i;
    index->irregular = bad != 0;
    index->non_ascii = s.seen_high != 0;
    index->has_cr = s.seen_cr != 0;
    index->has_doubled = s.seen_doubled != 0;
    index->has_bare = s.seen_bare != 0;
}

void ch_csv_scan_avx2(const ch_csv_dialect *d, const ch_csv_shape *shape, const char *text,
                      uint32_t start, uint32_t len, ch_csv_index *index)
{
    bool usual = !d->multi_line && d->crlf && !d->no_fields;
    if (d->escape == d->quote) {
        if (usual)
            scan(d, shape, text, start, len, index, true, USUAL);
        else
            scan(d, shape, text, start, len, index, true, ANY);
    } else {
        if (usual)
            scan(d, shape, text, start, len, index, false, USUAL);
        else
            scan(d, shape, text, start, len, index, false, ANY);
    }
}
