/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.c - header and bytes of an own buffer are one allocation: 64 bytes,
 * then the data. */
#include "base/buffer.h"

#define HEADER 64
_Static_assert(sizeof(ch_buffer) <= HEADER, "buffer header");

ch_status ch_buffer_new(ch_mem *mem, int64_t bytes, ch_buffer **out, ch_error *err)
{
    *out = NULL;
    if (bytes < 0 || bytes > INT64_MAX / 2)
        return ch_error_memory(err, ch_mem_name(mem), INT64_MAX, ch_mem_limit(mem));
    ch_buffer *b = ch_mem_alloc(mem, (size_t)bytes + HEADER, err);
    if (!b)
        return CH_E_MEMORY;
    *b = (ch_buffer){.refs = 1, .mem = mem, .data = (uint8_t *)b + HEADER, .bytes = bytes};
    *out = b;
    return CH_OK;
}

ch_status ch_buffer_wrap(ch_mem *mem, const void *data, int64_t bytes,
                         void (*free_foreign)(void *owner), void *owner, ch_buffer **out,
                         ch_error *err)
{
    *out = NULL;
    ch_buffer *b = ch_mem_alloc(mem, sizeof *b, err);
    if (!b) {
        free_foreign(owner);
        return CH_E_MEMORY;
    }
    *b = (ch_buffer){.refs = 1,
                     .mem = mem,
                     .data = (uint8_t *)(uintptr_t)data,
                     .bytes = bytes,
                     .free_foreign = free_foreign,
                     .owner = owner};
    *out = b;
    return CH_OK;
}

void ch_buffer_unref(ch_buffer *b)
{
    if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (b->free_foreign) {
        b->free_foreign(b->owner);
        ch_mem_free(b->mem, b, sizeof *b);
    } else {
        ch_mem_free(b->mem, b, (size_t)b->bytes + HEADER);
    }
}
