/* SPDX-License-Identifier: Apache-2.0 */
/* arena.c - a list of blocks that double from 4 KiB to 1 MiB, or to a small part of what is allowed. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

struct ch_arena_block {
    ch_arena_block *older;
    size_t bytes; /* of the whole block, header included */
};

#define HEADER 16
#define FIRST_BYTES ((size_t)4 << 10)
#define MOST_BYTES ((size_t)1 << 20)

_Static_assert(sizeof(ch_arena_block) <= HEADER, "block header");

void ch_arena_init(ch_arena *arena, ch_mem *mem)
{
    *arena = (ch_arena){.mem = mem};
}

void ch_arena_reset(ch_arena *arena)
{
    for (ch_arena_block *b = arena->block; b;) {
        ch_arena_block *older = b->older;
        ch_mem_free(arena->mem, b, b->bytes);
        b = older;
    }
    arena->block = NULL;
    arena->next = arena->end = NULL;
}

void ch_arena_release(ch_arena *arena)
{
    ch_arena_reset(arena);
}

void *ch_arena_alloc(ch_arena *arena, size_t bytes, ch_error *err)
{
    if (bytes > SIZE_MAX / 2) { /* a size gone wrong, which must not wrap */
        (void)ch_error_memory(err, ch_mem_name(arena->mem), INT64_MAX, ch_mem_limit(arena->mem));
        return NULL;
    }
    size_t need = bytes ? (bytes + 15) & ~(size_t)15 : 16;
    if ((size_t)(arena->end - arena->next) < need) {
        if (arena->cancel && atomic_load_explicit(arena->cancel, memory_order_relaxed)) {
            (void)ch_error_set(err, CH_E_CANCELLED, (const char *)0);
            return NULL;
        }
        size_t size = arena->block ? arena->block->bytes * 2 : FIRST_BYTES;
        int64_t fair = ch_mem_limit(arena->mem) / 128;
        if ((int64_t)size > fair)
            size = fair > (int64_t)FIRST_BYTES ? (size_t)fair : FIRST_BYTES;
        if (size > MOST_BYTES)
            size = MOST_BYTES;
        if (size < need + HEADER)
            size = need + HEADER;
        ch_arena_block *b = ch_mem_alloc(arena->mem, size, err);
        if (!b)
            return NULL;
        b->older = arena->block;
        b->bytes = size;
        arena->block = b;
        arena->next = (char *)b + HEADER;
        arena->end = (char *)b + size;
    }
    void *out = arena->next;
    arena->next += need;
    return memset(out, 0, need);
}

char *ch_arena_strn(ch_arena *arena, const char *text, size_t len, ch_error *err)
{
    char *out = ch_arena_alloc(arena, len + 1, err);
    if (out && len)
        memcpy(out, text, len);
    return out;
}

char *ch_arena_printf(ch_arena *arena, ch_error *err, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *out = len < 0 ? NULL : ch_arena_alloc(arena, (size_t)len + 1, err);
    if (out)
        vsnprintf(out, (size_t)len + 1, format, again);
    va_end(again);
    return out;
}
