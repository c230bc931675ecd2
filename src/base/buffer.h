/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buffer.h - refcounted bytes: column data that crosses operators.
 *
 * Whoever holds the only reference may write; once shared (refs > 1) it is immutable.
 * Storage is 64-byte aligned and readable up to the next multiple of 64.
 * Threads: ref and unref from any thread.
 */
#ifndef CH_BASE_BUFFER_H
#define CH_BASE_BUFFER_H

#include <stdatomic.h>

#include "base/mem.h"

typedef struct ch_buffer ch_buffer;
struct ch_buffer {
    _Atomic int32_t refs;
    ch_mem *mem; /* borrowed; kept alive by the bytes it is charged */
    uint8_t *data;
    int64_t bytes; /* size of data */
    /* Not NULL: data belongs to somebody else (an imported Arrow array, a mapped file);
     * called once, when the last reference goes. */
    void (*free_foreign)(void *owner);
    void *owner;
};

/* bytes of undefined contents; one reference, given to the caller. */
CH_NODISCARD ch_status ch_buffer_new(ch_mem *mem, int64_t bytes, ch_buffer **out, ch_error *err);
/* Wraps foreign memory of `bytes`; free_foreign(owner) is called at the end, also when this fails. */
CH_NODISCARD ch_status ch_buffer_wrap(ch_mem *mem, const void *data, int64_t bytes,
                                      void (*free_foreign)(void *owner), void *owner,
                                      ch_buffer **out, ch_error *err);

static inline ch_buffer *ch_buffer_ref(ch_buffer *buffer)
{
    if (buffer)
        atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

/* NULL is ignored. */
void ch_buffer_unref(ch_buffer *buffer);

#endif
