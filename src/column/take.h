/* SPDX-License-Identifier: Apache-2.0 */
/* take.h - gathering and joining columns: rows by position, encodings made
 * flat, concatenation. */
#ifndef CH_COLUMN_TAKE_H
#define CH_COLUMN_TAKE_H

#include "column/column.h"

/*
 * ch_take: out[i] = in[idx[i]], or NULL where idx[i] is negative (only when
 * may_be_negative). in    borrows  any type and encoding idx   borrows int32[k]
 *   out   gives    column of k rows, in's type. DICT and CONST stay what they
 * are (a CONST with negative indices becomes FLAT); text buffers and
 * dictionaries are shared. Cost O(k); no text is copied.
 */
CH_NODISCARD ch_status ch_take(const ch_column *in, const int32_t *idx, int64_t k,
                               bool may_be_negative, ch_mem *mem, ch_column **out, ch_error *err);
/* FLAT with the same values; shares `in` when it is FLAT already. Children
 * become flat too. */
CH_NODISCARD ch_status ch_flatten(ch_column *in, ch_mem *mem, ch_column **out, ch_error *err);
/* One FLAT column of all rows of n columns of one type, in order. Long text is
 * shared, not copied. */
CH_NODISCARD ch_status ch_concat(ch_column *const *in, int32_t n, const ch_type *type, ch_mem *mem,
                                 ch_column **out, ch_error *err);
/* FLAT rows with text copied into buffers of its own, so that `in`'s large
 * buffers can go. */
CH_NODISCARD ch_status ch_compact(ch_column *in, ch_mem *mem, ch_column **out, ch_error *err);

#endif
