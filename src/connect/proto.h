/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto.h - the protocol's messages, generated from proto/, under short names: PB(Plan) is
 * Spark__Connect__Plan, PB_NEW makes one in an arena, PB_ENUM(...) names a number.
 */
#ifndef CH_CONNECT_PROTO_H
#define CH_CONNECT_PROTO_H

#include "base/arena.h"
#include "base/buffer.h"
#include <spark/connect/base.pb-c.h>

#define PB(name) Spark__Connect__##name
#define PB_DESCRIPTOR(name) spark__connect__##name##__descriptor

/* Deepest nesting of messages that is read; trees are walked by recursion. */
#define CN_MAX_DEPTH 2000

/*
 * Reads a message into arena: strings and bytes are copied there. Errors CH_E_CONNECT_INVALID_MESSAGE (damaged, or
 * nested too deeply), CH_E_MEMORY.
 */
CH_NODISCARD ch_status cn_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                                 size_t len, ch_arena *arena, void *out, ch_error *err);
CH_NODISCARD ch_status cn_pack(const void *message, ch_mem *mem, ch_buffer **out, ch_error *err);

/* ptr = an initialised message in the arena, or returns CH_E_MEMORY. */
#define PB_NEW(ptr, arena, init, err)                          \
    do {                                                       \
        (ptr) = ch_arena_alloc((arena), sizeof *(ptr), (err)); \
        if (!(ptr))                                            \
            return CH_E_MEMORY;                                \
        init(ptr);                                             \
    } while (0)

#endif
