/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choose.h - building blocks of conditional expressions: three-valued logic on boolean columns, and
 * putting the rows of branches together.
 */
#ifndef CH_KERNEL_CHOOSE_H
#define CH_KERNEL_CHOOSE_H

#include "column/column.h"

/*
 * out = a AND b, a OR b, NOT a with NULL as "unknown". Any encodings, `rows` rows each.
 *   out  gives  a FLAT boolean column
 */
CH_NODISCARD ch_status ch_logic_and(const ch_column *a, const ch_column *b, int64_t rows,
                                    ch_mem *mem, ch_column **out, ch_error *err);
CH_NODISCARD ch_status ch_logic_or(const ch_column *a, const ch_column *b, int64_t rows,
                                   ch_mem *mem, ch_column **out, ch_error *err);
CH_NODISCARD ch_status ch_logic_not(const ch_column *a, int64_t rows, ch_mem *mem, ch_column **out,
                                    ch_error *err);

/* bits[i] = a[i] is true (not false, not NULL); any encoding. Bits past rows are off. */
void ch_true_bits(const ch_column *a, int64_t rows, uint64_t *bits);
/* bits[i] = a[i] is not NULL; any encoding. */
void ch_valid_bits(const ch_column *a, int64_t rows, uint64_t *bits);

/*
 * out[i] = branch[which[i]][at[i]], or NULL where which[i] is negative.
 *   branch  borrows  n columns of one type; a column may be NULL if no row wants it
 *   which   int32[rows]
 *   at      int32[rows], or NULL for at[i] = i
 *   out     gives    a column of `rows` rows
 * This is how CASE, IF and COALESCE put together what their branches gave for their rows.
 */
CH_NODISCARD ch_status ch_choose(ch_column *const *branch, int32_t n, const int32_t *which,
                                 const int32_t *at, int64_t rows, const ch_type *type, ch_mem *mem,
                                 ch_column **out, ch_error *err);

#endif
