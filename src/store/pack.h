/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack.h - columns as few bytes, for rows that are kept: small and quick to undo, not the smallest.
 *
 *   column     encoding, whether it has NULLs, then sections
 *   integers   value - smallest, in 0, 1, 2, 4 or 8 bytes, whichever suffices
 *   text       lengths as integers, then all bytes
 *   nested     offsets as integers, then the children
 *   section    its bytes, by LZ4 where that saves an eighth
 *
 * Dictionaries and constants stay what they are. The bytes are for this process only: they are not checked.
 */
#ifndef CH_STORE_PACK_H
#define CH_STORE_PACK_H

#include "codec/block.h"
#include "column/column.h"
#include "store/bounds.h"

/* Bytes of text that a bound may have; longer ones are cut. */
#define CH_PACK_BOUND_TEXT 16
typedef struct ch_pack_texts {
    char min[CH_PACK_BOUND_TEXT], max[CH_PACK_BOUND_TEXT];
} ch_pack_texts;

/*
 * Appends rows [0, rows) of a column.
 *   column  borrows  any encoding; nested ones flat all the way down
 *   bounds  gives    what is known of the values; text lies in *texts
 * Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_pack(const ch_column *column, int64_t rows, ch_block *block, ch_buf *out,
                               ch_bounds *bounds, ch_pack_texts *texts, ch_error *err);
/* What ch_pack wrote at `bytes`, of the type; gives. Errors CH_E_MEMORY. */
CH_NODISCARD ch_status ch_unpack(const uint8_t *bytes, const ch_type *type, ch_block *block,
                                 ch_mem *mem, ch_column **out, ch_error *err);

#endif
