/* SPDX-License-Identifier: Apache-2.0 */
/* key_sort.h - few rows by their keys, as Spark sorts them. */
#ifndef CH_EXEC_KEY_SORT_H
#define CH_EXEC_KEY_SORT_H

#include "column/column.h"
#include "kernel/sortkey.h"

/*
 * perm = the places [0, n) of the rows in order; rows with equal keys stay as they were.
 *   key    borrows  n_keys columns of n rows, any encoding
 *   order  of each; NULL: ascending, NULL first
 * Cost: compares value by value; for some thousand rows.
 */
CH_NODISCARD ch_status ch_key_sort(ch_column *const *key, int32_t n_keys,
                                   const ch_sortkey_order *order, int64_t n, ch_mem *mem,
                                   int32_t *perm, ch_error *err);
/* Is row a before row b? */
bool ch_key_before(ch_column *const *key, int32_t n_keys, const ch_sortkey_order *order, int64_t a,
                   int64_t b);

#endif
