/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sortkey.h - rows of ORDER BY columns as bytes that memcmp puts in order.
 *
 * Normalized keys (Graefe, Implementing sorting in database systems, 2006). Per column:
 *
 *   1 byte    NULL 0x00 (nulls first) or 0xFF (nulls last), a value 0x01; a NULL has nothing more
 *   integers  big-endian, sign bit flipped
 *   floats    big-endian bits, all flipped when negative, else the sign; -0.0 is 0.0, NaN is largest
 *   text      bytes, 0x00 as 0x00 0xFF, ended by 0x00 0x00
 *   arrays    per element 0x01 and the element's key; 0x00 ends
 *   structs   the fields' keys
 *
 * DESC inverts all bytes after the first. No key is a prefix of another one of the same columns.
 */
#ifndef CH_KERNEL_SORTKEY_H
#define CH_KERNEL_SORTKEY_H

#include "column/column.h"

typedef struct ch_sortkey_order {
    bool descending, nulls_first;
} ch_sortkey_order;

/* Keys that would be longer are told as this long, or a little more: they cannot be written. */
#define CH_SORTKEY_MOST INT32_MAX

/* bytes[i] += length of row i's key part for FLAT column c, for all c->rows rows. */
void ch_sortkey_sizes(const ch_column *c, uint32_t *bytes);
/* Writes row i's part at to[i] and moves to[i] behind it. */
void ch_sortkey_write(const ch_column *c, ch_sortkey_order order, uint8_t **to);

#endif
