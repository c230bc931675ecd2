/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - values against values, in Spark's order.
 *
 * NaN equals NaN and is larger than anything; 0.0 equals -0.0; strings and binaries compare by
 * unsigned bytes; false < true; arrays element by element, then by length; structs field by field;
 * inside of nested values NULL equals NULL and is smaller than anything.
 */
#ifndef CH_KERNEL_COMPARE_H
#define CH_KERNEL_COMPARE_H

#include "column/column.h"

typedef enum ch_cmp { CH_EQ, CH_NE, CH_LT, CH_LE, CH_GT, CH_GE } ch_cmp;

/*
 * bits[i] = a[i] op b[i], for rows where neither is NULL; other bits hold anything.
 *   a, b  borrow  one type, FLAT or CONST
 *   bits  words for `rows` bits; bits past rows in the last word are off
 */
void ch_compare(ch_cmp op, const ch_column *a, const ch_column *b, int64_t rows, uint64_t *bits);

/* -1, 0, 1 for row ia of a and row ib of b; any encodings, one type; NULL is smallest. */
int ch_compare_at(const ch_column *a, int64_t ia, const ch_column *b, int64_t ib);

/*
 * equal[i] &= (a[ia[i]] <=> b[ib[i]]), NULL equal to NULL, for i in [0, n): the check behind a
 * hash. ia or ib NULL stands for 0, 1, 2 ... Any encodings.
 */
void ch_rows_equal(const ch_column *a, const int32_t *ia, const ch_column *b, const int32_t *ib,
                   int64_t n, uint8_t *equal);

static inline int ch_compare_f64(double a, double b)
{
    if (a < b)
        return -1;
    if (a > b)
        return 1;
    return (a != a) - (b != b);
}
static inline int ch_compare_str(ch_str a, ch_str b)
{
    int64_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.text, b.text, (size_t)n) : 0;
    return c ? (c < 0 ? -1 : 1) : (a.len > b.len) - (a.len < b.len);
}
/* Views of columns a and b (whose text buffers they point into). */
static inline bool ch_view_equal(const ch_column *a, const ch_view *x, const ch_column *b,
                                 const ch_view *y)
{
    uint64_t x0, y0, x1, y1;
    memcpy(&x0, x, 8);
    memcpy(&y0, y, 8);
    if (x0 != y0)
        return false;
    if (x->len <= CH_VIEW_INLINE) {
        memcpy(&x1, (const char *)x + 8, 8);
        memcpy(&y1, (const char *)y + 8, 8);
        return x1 == y1;
    }
    return memcmp(ch_view_str(a, x).text, ch_view_str(b, y).text, (size_t)x->len) == 0;
}

#endif
