/* SPDX-License-Identifier: Apache-2.0 */
/* csv_scan.c - the scan byte by byte: oracle of the SIMD one, and what other machines run. */
#include "format/csv_scan.h"

/* Ends are kept on both sides of a wanted field, and the newline always. */
static bool is_kept(uint32_t end, uint32_t n_fields, const bool *wanted)
{
    return end == n_fields - 1 || (wanted && (wanted[end] || wanted[end + 1]));
}

ch_status ch_csv_shape_make(uint32_t n_fields, const bool *wanted, ch_arena *arena,
                            ch_csv_shape *out, ch_error *err)
{
    ch_csv_shape s = {.n_fields = n_fields};
    CH_ARENA_ARRAY(s.place, arena, n_fields, err);
    CH_ARENA_ARRAY(s.keep, arena, n_fields, err);
    CH_ARENA_ARRAY(s.newline, arena, n_fields, err);
    CH_ARENA_ARRAY(s.next, arena, n_fields + 64, err);
    for (uint32_t i = 0; i < n_fields + 64; i++)
        s.next[i] = i % n_fields;
    for (uint32_t i = 0; i < n_fields; i++) {
        s.place[i] = s.n_kept; /* the end before a wanted field is the one kept last */
        s.n_kept += is_kept(i, n_fields, wanted);
        for (uint32_t k = 0; k < 64; k++) {
            uint32_t end = s.next[i + k];
            s.keep[i] |= (uint64_t)is_kept(end, n_fields, wanted) << k;
            s.newline[i] |= (uint64_t)(end == n_fields - 1) << k;
        }
    }
    *out = s;
    return CH_OK;
}

void ch_csv_scan_scalar(const ch_csv_dialect *d, const ch_csv_shape *shape, const char *text,
                        uint32_t start, uint32_t len, ch_csv_index *index)
{
    const uint8_t *t = (const uint8_t *)text;
    bool quoted = false, after_close = false, after_end = true;
    bool doubles = d->escape == d->quote;
    uint8_t odd = doubles ? 0 : d->escape;
    uint32_t n_pos = 0, field = 0, i;

    *index = (ch_csv_index){.pos = index->pos, .cap_pos = index->cap_pos};
    index->pos[0] = start - 1;
    for (i = start; i < len && n_pos < index->cap_pos; i++) {
        uint8_t c = t[i];
        bool is_quote = !d->no_fields && c == d->quote;
        bool is_sep = !d->no_fields && c == d->sep;
        bool is_cr = c == '\r';
        bool opens = is_quote && !quoted, closes = is_quote && quoted;
        bool ends = (is_sep || c == '\n') && !quoted;
        bool bad = (opens && !after_end && !(doubles && after_close)) ||
                   (after_close && !ends && !is_cr && !(doubles && opens)) ||
                   (c == '\n' && quoted && !d->multi_line) ||
                   (!d->no_fields && c == odd && quoted) ||
                   (is_cr && (quoted && d->multi_line ? d->crlf : t[i + 1] != '\n' || !d->crlf));
        bad |= c == '\n' && !quoted && d->multi_line && d->crlf && (i == start || t[i - 1] != '\r');
        bad |= ends && (c == '\n') != (shape->newline[field] & 1);
        index->non_ascii |= c >= 0x80;
        index->has_cr |= is_cr;
        if (bad) {
            index->irregular = true;
            break;
        }
        index->has_doubled |= opens && after_close;
        index->has_bare |= ends && !after_close;
        if (ends) {
            if (shape->keep[field] & 1)
                index->pos[++n_pos] = i;
            field = shape->next[field + 1];
        }
        quoted ^= is_quote;
        after_close = closes;
        after_end = ends;
    }
    index->n_pos = n_pos;
    index->n_rows = n_pos / shape->n_kept;
    index->end = i;
}

ch_csv_scan_fn ch_csv_scan_simd(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul") &&
        __builtin_cpu_supports("bmi2"))
        return ch_csv_scan_avx2;
#endif
    return NULL;
}

void ch_csv_scan(const ch_csv_dialect *d, const ch_csv_shape *shape, const char *text,
                 uint32_t start, uint32_t len, ch_csv_index *index)
{
    static ch_csv_scan_fn chosen;
    ch_csv_scan_fn fn = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (!fn) {
        fn = ch_csv_scan_simd() ? ch_csv_scan_simd() : ch_csv_scan_scalar;
        __atomic_store_n(&chosen, fn, __ATOMIC_RELAXED);
    }
    fn(d, shape, text, start, len, index);
}
