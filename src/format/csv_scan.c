/* SPDX-License-Identifier: Apache-2.0 */
/* csv_scan.c - the scan byte by byte: oracle of the SIMD one, and what other machines run. */
#include "format/csv_scan.h"

#include <stddef.h>

void ch_csv_scan_scalar(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                        ch_csv_index *index)
{
    const uint8_t *t = (const uint8_t *)text;
    bool quoted = false, after_close = false, after_end = true;
    bool doubles = d->escape == d->quote;
    uint8_t odd = doubles ? 0 : d->escape;
    uint32_t n_pos = 0, n_rows = 0, i;

    *index = (ch_csv_index){.pos = index->pos,
                            .row = index->row,
                            .cap_pos = index->cap_pos,
                            .cap_rows = index->cap_rows};
    index->pos[0] = start - 1;
    index->row[0] = 0;
    for (i = start; i < len && n_pos < index->cap_pos && n_rows < index->cap_rows; i++) {
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
        index->non_ascii |= c >= 0x80;
        index->has_cr |= is_cr;
        if (bad) {
            index->irregular = true;
            break;
        }
        index->has_doubled |= opens && after_close;
        if (ends)
            index->pos[++n_pos] = i;
        if (ends && c == '\n')
            index->row[++n_rows] = n_pos;
        quoted ^= is_quote;
        after_close = closes;
        after_end = ends;
    }
    index->n_pos = n_pos;
    index->n_rows = n_rows;
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

void ch_csv_scan(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                 ch_csv_index *index)
{
    static ch_csv_scan_fn chosen;
    ch_csv_scan_fn fn = __atomic_load_n(&chosen, __ATOMIC_RELAXED);
    if (!fn) {
        fn = ch_csv_scan_simd() ? ch_csv_scan_simd() : ch_csv_scan_scalar;
        __atomic_store_n(&chosen, fn, __ATOMIC_RELAXED);
    }
    fn(d, text, start, len, index);
}
