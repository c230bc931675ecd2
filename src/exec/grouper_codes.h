/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper_codes.h - few groups: keys to small codes, codes to groups, no hash table.
 *
 *   key column ─▶ code    the index of a dictionary entry; for other short values what a small cache
 *                         of values says; 0 for NULL
 *   codes of a row, side by side ─▶ group[] ─▶ row, or not known yet: the hash table is asked
 *
 * A code is only a name in a cache: a value may get a second one, which leads to the same group.
 * Whenever groups move, group[] is forgotten. A column with many values switches the whole off.
 */
#ifndef CH_EXEC_GROUPER_CODES_H
#define CH_EXEC_GROUPER_CODES_H

#include "exec/rows.h"

typedef struct ch_codes ch_codes;

/* NULL, without error, where the keys are not fit for it. */
CH_NODISCARD ch_status ch_codes_new(const ch_rowlayout *layout, ch_mem *mem, ch_codes **out,
                                    ch_error *err);
/* NULL is ignored. */
void ch_codes_free(ch_codes *codes);
void ch_codes_forget(ch_codes *codes);
/*
 * row[i] = group of row i where it is known, the others' positions are put in miss.
 * False: the keys have too many values, nothing was done; do not come again.
 */
bool ch_codes_find(ch_codes *codes, ch_column *const *key, int64_t n, uint8_t **row, int32_t *miss,
                   int64_t *n_miss);
/* The groups found for the positions that were missed in the last find. */
void ch_codes_learn(ch_codes *codes, uint8_t *const *row, const int32_t *miss, int64_t n_miss);

#endif
