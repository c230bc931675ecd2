/* SPDX-License-Identifier: Apache-2.0 */
/* proto.c - protobuf-c with an arena, and with the checks that it lacks. */
#include "connect/proto.h"

#include <string.h>

/* ---- the check --------------------------------------------------------------------------- */

/* A varint; false: it does not end. */
static bool varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = v;
            return true;
        }
    }
    return false;
}

typedef struct level {
    const ProtobufCMessageDescriptor *descriptor;
    const uint8_t *end;
} level;

/*
 * Walks the messages without recursion: protobuf-c knows no limit to nesting, and its own stack would overflow.
 * Gives what is wrong, or NULL.
 */
static const char *check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                         size_t len)
{
    level stack[CN_MAX_DEPTH + 1];
    int depth = 0;
    const uint8_t *at = data;
    stack[0] = (level){descriptor, data + len};
    while (depth >= 0) {
        const level *top = &stack[depth];
        uint64_t key, n;
        if (at == top->end) {
            depth--;
            continue;
        }
        if (!varint(&at, top->end, &key))
            return "a field's key is damaged";
        switch (key & 7) {
        case PROTOBUF_C_WIRE_TYPE_VARINT:
            if (!varint(&at, top->end, &n))
                return "a number is damaged";
            break;
        case PROTOBUF_C_WIRE_TYPE_64BIT:
            n = 8;
            goto skip;
        case PROTOBUF_C_WIRE_TYPE_32BIT:
            n = 4;
            goto skip;
        case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
            if (!varint(&at, top->end, &n) || n > (uint64_t)(top->end - at))
                return "a field is longer than its message";
            const ProtobufCFieldDescriptor *field =
                key >> 3 <= UINT32_MAX
                    ? protobuf_c_message_descriptor_get_field(top->descriptor, (unsigned)(key >> 3))
                    : NULL;
            if (field && field->type == PROTOBUF_C_TYPE_MESSAGE) {
                if (depth == CN_MAX_DEPTH)
                    return "it is nested too deeply";
                stack[++depth] = (level){field->descriptor, at + n};
                break;
            }
        skip:
            if (n > (uint64_t)(top->end - at))
                return "a field is longer than its message";
            at += n;
            break;
        default:
            return "a field has an unknown wire type";
        }
    }
    return NULL;
}

/* ---- protobuf-c -------------------------------------------------------------------------- */

typedef struct source {
    ch_arena *arena;
    ch_error *err;
} source;

static void *allocate(void *data, size_t bytes)
{
    source *s = data;
    return ch_arena_alloc(s->arena, bytes, s->err);
}

static void release(void *data, void *ptr)
{
    CH_UNUSED(data);
    CH_UNUSED(ptr);
}

ch_status cn_unpack(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t len,
                    ch_arena *arena, void *out, ch_error *err)
{
    source s = {arena, err};
    ProtobufCAllocator allocator = {allocate, release, &s};
    void **message = out;
    const char *reason = check(descriptor, data, len);
    *message = NULL;
    if (!reason) {
        *message = protobuf_c_message_unpack(descriptor, &allocator, len, data);
        if (*message)
            return CH_OK;
        if (err && err->code == CH_E_MEMORY)
            return CH_E_MEMORY;
        reason = "a field is damaged";
    }
    CH_FAIL(err, CONNECT_INVALID_MESSAGE, "name", descriptor->short_name, "reason", reason);
}

ch_status cn_pack(const void *message, ch_mem *mem, ch_buffer **out, ch_error *err)
{
    CH_TRY(ch_buffer_new(mem, (int64_t)protobuf_c_message_get_packed_size(message), out, err));
    protobuf_c_message_pack(message, (*out)->data);
    return CH_OK;
}
