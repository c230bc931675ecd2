/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blocks.h - large blocks of memory straight from the system, and a stock of freed ones.
 *
 * A general allocator keeps what was freed, for some time and as much as it likes; then a process
 * with a budget stands above it although its accounts do not. Here the stock counts:
 *
 *   bytes in use (a root account's) + bytes in stock <= the account's limit
 *
 * so what the system sees is what is charged. Whoever calls says how much room the stock has.
 *
 * Threads: all functions but init and release may be called from any thread.
 */
#ifndef CH_BASE_BLOCKS_H
#define CH_BASE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Below, the general allocator does better. */
#define CH_BLOCK_LEAST ((size_t)16 << 10)

typedef struct ch_blocks ch_blocks;

/* NULL: no memory. */
ch_blocks *ch_blocks_new(void);
/* All blocks were given back. NULL is ignored. */
void ch_blocks_free(ch_blocks *blocks);

/* The size of the block that serves `bytes` (>= CH_BLOCK_LEAST): at most an eighth more, or a page. */
size_t ch_block_bytes(size_t bytes);

/*
 * A block of `bytes`, a size that ch_block_bytes() gives, aligned to a page. NULL when the system
 * has no more, even without the stock.
 *   room      bytes that the stock may hold from now on
 *   *zeroed   the contents are all zero; else undefined
 */
void *ch_blocks_take(ch_blocks *blocks, size_t bytes, int64_t room, bool *zeroed);
void ch_blocks_give(ch_blocks *blocks, void *block, size_t bytes, int64_t room);

/* Bytes in stock. */
int64_t ch_blocks_stocked(const ch_blocks *blocks);

#endif
