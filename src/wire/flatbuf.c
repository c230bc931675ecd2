/* SPDX-License-Identifier: Apache-2.0 */
/* flatbuf.c - FlatBuffers written back to front, and read with care. */
#include "wire/flatbuf.h"

#include <string.h>

/* ---- writing ----------------------------------------------------------------------------- */

void ch_flat_init(ch_flat_builder *b, ch_mem *mem, ch_error *err)
{
    *b = (ch_flat_builder){.mem = mem, .max_align = 4, .err = err};
}

void ch_flat_release(ch_flat_builder *b)
{
    if (b->data)
        ch_mem_free(b->mem, b->data, b->cap);
    b->data = NULL;
    b->cap = b->len = 0;
}

/* The place of n new bytes in front of what is written; NULL after a failure. */
static uint8_t *push(ch_flat_builder *b, size_t n)
{
    if (b->status != CH_OK)
        return NULL;
    if (b->len + n > b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 1024;
        while (cap < b->len + n)
            cap *= 2;
        uint8_t *data = ch_mem_alloc(b->mem, cap, b->err);
        if (!data) {
            b->status = CH_E_MEMORY;
            return NULL;
        }
        if (b->data) {
            memcpy(data + cap - b->len, b->data + b->cap - b->len, b->len);
            ch_mem_free(b->mem, b->data, b->cap);
        }
        b->data = data;
        b->cap = cap;
    }
    b->len += n;
    return b->data + b->cap - b->len;
}

/* Pads so that, with `more` bytes in front of it, the end of the buffer is a multiple of align away. */
static void align(ch_flat_builder *b, size_t more, size_t to)
{
    if (to > b->max_align)
        b->max_align = to;
    size_t pad = (to - (b->len + more) % to) % to;
    uint8_t *at = push(b, pad);
    if (at)
        memset(at, 0, pad);
}

static void push_u32(ch_flat_builder *b, uint32_t value)
{
    uint8_t *at = push(b, 4);
    if (at)
        memcpy(at, &value, 4);
}

ch_flat_ref ch_flat_text(ch_flat_builder *b, const char *text, size_t len)
{
    align(b, 4 + len + 1, 4);
    uint8_t *at = push(b, len + 1);
    if (at) {
        memcpy(at, text, len);
        at[len] = 0;
    }
    push_u32(b, (uint32_t)len);
    return (ch_flat_ref)b->len;
}

ch_flat_ref ch_flat_vector(ch_flat_builder *b, const void *item, size_t n, size_t width,
                           size_t alignment)
{
    align(b, n * width, alignment);
    align(b, 4 + n * width, 4);
    uint8_t *at = push(b, n * width);
    if (at && n)
        memcpy(at, item, n * width);
    push_u32(b, (uint32_t)n);
    return (ch_flat_ref)b->len;
}

ch_flat_ref ch_flat_refs(ch_flat_builder *b, const ch_flat_ref *ref, size_t n)
{
    align(b, 4 * n + 4, 4);
    for (size_t i = n; i-- > 0;)
        push_u32(b, (uint32_t)(b->len + 4) - ref[i]);
    push_u32(b, (uint32_t)n);
    return (ch_flat_ref)b->len;
}

void ch_flat_open(ch_flat_builder *b)
{
    memset(b->slot, 0, sizeof b->slot);
    b->table_end = b->len;
}

void ch_flat_put(ch_flat_builder *b, int field, int64_t value, int width)
{
    align(b, (size_t)width, (size_t)width);
    uint8_t *at = push(b, (size_t)width);
    if (at)
        memcpy(at, &value, (size_t)width);
    b->slot[field] = (ch_flat_ref)b->len;
}

void ch_flat_put_ref(ch_flat_builder *b, int field, ch_flat_ref ref)
{
    if (ref)
        ch_flat_put(b, field, (int64_t)((uint32_t)(((b->len + 3) & ~(size_t)3) + 4) - ref), 4);
}

ch_flat_ref ch_flat_close(ch_flat_builder *b)
{
    int n = CH_FLAT_MAX_FIELDS;
    uint16_t vtable[2 + CH_FLAT_MAX_FIELDS];
    while (n > 0 && !b->slot[n - 1])
        n--;
    align(b, 4, 4);
    push_u32(b, 0); /* the way to the vtable, below */
    size_t table = b->len;
    vtable[0] = (uint16_t)(2 * (2 + n));
    vtable[1] = (uint16_t)(table - b->table_end);
    for (int i = 0; i < n; i++)
        vtable[2 + i] = b->slot[i] ? (uint16_t)(table - b->slot[i]) : 0;
    uint8_t *at = push(b, vtable[0]);
    if (at) {
        memcpy(at, vtable, vtable[0]);
        int32_t way = (int32_t)vtable[0]; /* the vtable lies right in front */
        memcpy(at + vtable[0], &way, 4);
    }
    return (ch_flat_ref)table;
}

ch_status ch_flat_finish(ch_flat_builder *b, ch_flat_ref root, const uint8_t **bytes, size_t *len)
{
    align(b, 4, b->max_align);
    push_u32(b, (uint32_t)(b->len + 4) - root);
    *bytes = b->data ? b->data + b->cap - b->len : NULL;
    *len = b->len;
    return b->status;
}

/* ---- reading ----------------------------------------------------------------------------- */

static bool inside(const ch_flat_table *t, size_t at, size_t n)
{
    if (at <= t->len && n <= t->len - at)
        return true;
    *t->bad = true;
    return false;
}

static uint32_t u32_at(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static uint16_t u16_at(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, 2);
    return v;
}

static bool open_table(ch_flat_table *t, size_t at)
{
    if (!inside(t, at, 4))
        return false;
    int64_t fields = (int64_t)at - (int32_t)u32_at(t->base + at);
    if (fields < 0 || !inside(t, (size_t)fields, 4)) {
        *t->bad = true;
        return false;
    }
    t->at = at;
    t->fields = (size_t)fields;
    t->fields_len = u16_at(t->base + fields);
    return inside(t, t->fields, t->fields_len);
}

bool ch_flat_root(const uint8_t *base, size_t len, bool *bad, ch_flat_table *out)
{
    *out = (ch_flat_table){.base = base, .len = len, .bad = bad};
    return inside(out, 0, 4) && open_table(out, u32_at(base));
}

/* Where the field's value lies, 0 when it is absent. */
static size_t find(const ch_flat_table *t, int field, size_t width)
{
    size_t entry = 4 + 2 * (size_t)field;
    if (entry + 2 > t->fields_len)
        return 0;
    size_t offset = u16_at(t->base + t->fields + entry);
    return offset && inside(t, t->at + offset, width) ? t->at + offset : 0;
}

int64_t ch_flat_get(const ch_flat_table *t, int field, int width, int64_t fallback)
{
    size_t at = find(t, field, (size_t)width);
    if (!at)
        return fallback;
    uint64_t v = 0;
    memcpy(&v, t->base + at, (size_t)width);
    int shift = 64 - 8 * width;
    return (int64_t)(v << shift) >> shift;
}

/* Where the thing lies that the offset at `at` leads to; 0 when nowhere. */
static size_t follow(const ch_flat_table *t, size_t at)
{
    size_t to = at + u32_at(t->base + at);
    return inside(t, to, 4) ? to : 0;
}

bool ch_flat_get_table(const ch_flat_table *t, int field, ch_flat_table *out)
{
    size_t at = find(t, field, 4), to = at ? follow(t, at) : 0;
    *out = *t;
    return to && open_table(out, to);
}

ch_flat_array ch_flat_get_vector(const ch_flat_table *t, int field, size_t width)
{
    size_t at = find(t, field, 4), to = at ? follow(t, at) : 0;
    if (!to)
        return (ch_flat_array){NULL, 0};
    size_t n = u32_at(t->base + to);
    if (!inside(t, to + 4, n * width))
        return (ch_flat_array){NULL, 0};
    return (ch_flat_array){t->base + to + 4, n};
}

ch_flat_array ch_flat_get_text(const ch_flat_table *t, int field)
{
    return ch_flat_get_vector(t, field, 1);
}

bool ch_flat_table_at(const ch_flat_table *t, ch_flat_array vector, size_t i, ch_flat_table *out)
{
    size_t to = follow(t, (size_t)(vector.data - t->base) + 4 * i);
    *out = *t;
    return to && open_table(out, to);
}
