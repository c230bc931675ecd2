/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - many small allocations, freed together: plans, parse trees, names. */
#ifndef CH_BASE_ARENA_H
#define CH_BASE_ARENA_H

#include <string.h>

#include "base/mem.h"

typedef struct ch_arena_block ch_arena_block;

typedef struct ch_arena {
    ch_mem *mem;           /* borrowed: pays for the blocks */
    ch_arena_block *block; /* newest first */
    char *next, *end;      /* free space of the newest block */
    /* Borrowed, may be NULL: when it is true no new block is made, the error is CH_E_CANCELLED's.
     * Whatever builds a plan too large is so stopped, wherever it is. */
    const _Atomic bool *cancel;
} ch_arena;

void ch_arena_init(ch_arena *arena, ch_mem *mem);
/* Frees all; the arena may be used again. */
void ch_arena_reset(ch_arena *arena);
void ch_arena_release(ch_arena *arena);

/* Zeroed bytes, aligned to 16; NULL with err set to CH_E_MEMORY, or to CH_E_CANCELLED. */
void *ch_arena_alloc(ch_arena *arena, size_t bytes, ch_error *err);
/* A copy, NUL-terminated. len is in bytes. */
char *ch_arena_strn(ch_arena *arena, const char *text, size_t len, ch_error *err);
char *ch_arena_printf(ch_arena *arena, ch_error *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline char *ch_arena_str(ch_arena *arena, const char *text, ch_error *err)
{
    return ch_arena_strn(arena, text, strlen(text), err);
}

/* ptr = zeroed *ptr, or returns CH_E_MEMORY from the calling function. */
#define CH_ARENA_NEW(ptr, arena, err) CH_ARENA_ARRAY(ptr, arena, 1, err)
/* ptr = zeroed array of n elements, likewise. */
#define CH_ARENA_ARRAY(ptr, arena, n, err)                                 \
    do {                                                                   \
        (ptr) = ch_arena_alloc((arena), sizeof *(ptr) * (size_t)(n), err); \
        if (!(ptr))                                                        \
            return CH_E_MEMORY;                                            \
    } while (0)

#endif
