/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_build.h - columns that grow value by value: one builder for each type in a tree of types.
 *
 *   type           n    data              children
 *   INT, DATE ..   n    n values          -
 *   STRING         n    n views           -           long text: buffer 0, or the source's from 1 on
 *   ARRAY, MAP     n    n ends            elements; keys and values
 *   STRUCT         n    -                 a field each, n long, found by name
 *
 * Set up with ch_json_builder_init, then any number of values, then ch_json_builder_finish, and so on.
 * A value that is only half there is taken back with ch_json_builder_cut.
 */
#ifndef CH_FUNCTION_JSON_BUILD_H
#define CH_FUNCTION_JSON_BUILD_H

#include "base/buf.h"
#include "column/column.h"

typedef struct ch_json_builder ch_json_builder;
struct ch_json_builder {
    const ch_type *type;
    int64_t n, cap; /* values; room for */
    int32_t width;  /* bytes of a value in data */
    bool is_list;   /* ARRAY, MAP */
    bool nulls;     /* some value is NULL, or was */
    int64_t shared; /* bytes of views that lie in the source's text */
    ch_buf valid;   /* a byte each; of this and of data, n say how much counts */
    ch_buf data;
    ch_buf text;
    ch_json_builder *child;
    int32_t n_child;
    ch_str *name;     /* STRUCT: n_child; len -1: one that is never found */
    int32_t *slot;    /* STRUCT of many fields: where a name's hash leads to, field + 1; 0 none */
    uint32_t n_slots; /* a power of two, or 0 */
};

/* The tree for a type. What init has made is to be released also when it fails; arena: the children. */
CH_NODISCARD ch_status ch_json_builder_init(ch_json_builder *b, const ch_type *type, ch_mem *mem,
                                            ch_arena *arena, ch_error *err);
/*
 * The values so far as a FLAT column; the builder is empty then.
 *   source  borrows  the column in whose text shared views lie; NULL: there are none
 *   share   the finished column may hold on to that text; otherwise views of it are copied
 */
CH_NODISCARD ch_status ch_json_builder_finish(ch_json_builder *b, ch_mem *mem,
                                              const ch_column *source, bool share, ch_column **out,
                                              ch_error *err);
/* Bytes of text in the tree that lie in the source's. */
int64_t ch_json_builder_shared(const ch_json_builder *b);
void ch_json_builder_release(ch_json_builder *b);

/* Back to n values. Cost O(values that go). */
void ch_json_builder_cut(ch_json_builder *b, int64_t n);
CH_NODISCARD ch_status ch_json_builder_null(ch_json_builder *b, ch_error *err);
/* Text that the builder keeps. */
CH_NODISCARD ch_status ch_json_builder_text(ch_json_builder *b, const char *text, int64_t len,
                                            ch_error *err);
/* The field of this name, -1 if there is none. */
int32_t ch_json_builder_lookup(const ch_json_builder *b, const char *text, int64_t len);
CH_NODISCARD ch_status ch_json_builder_grow(ch_json_builder *b, ch_error *err);

/* A value of `bytes` = width bytes; of a struct, whose fields have theirs already, of none. */
static inline ch_status ch_json_builder_add(ch_json_builder *b, const void *value, size_t bytes,
                                            ch_error *err)
{
    if (CH_UNLIKELY(b->n == b->cap))
        CH_TRY(ch_json_builder_grow(b, err));
    b->valid.data[b->n] = 1;
    if (bytes)
        memcpy(b->data.data + bytes * (size_t)b->n, value, bytes);
    b->n++;
    return CH_OK;
}

/* Are the n bytes the same? Inlined: names are short. */
static inline bool ch_json_same_text(const char *a, const char *b, int64_t n)
{
    uint64_t x, y, diff = 0;
    uint32_t u, v;
    if (n >= 8) {
        for (int64_t i = 0; i + 8 <= n; i += 8) {
            memcpy(&x, a + i, 8);
            memcpy(&y, b + i, 8);
            diff |= x ^ y;
        }
        memcpy(&x, a + n - 8, 8);
        memcpy(&y, b + n - 8, 8);
        return !(diff | (x ^ y));
    }
    if (n >= 4) {
        memcpy(&u, a, 4);
        memcpy(&v, b, 4);
        diff = u ^ v;
        memcpy(&u, a + n - 4, 4);
        memcpy(&v, b + n - 4, 4);
        return !(diff | (u ^ v));
    }
    for (int64_t i = 0; i < n; i++)
        diff |= (uint64_t)(a[i] != b[i]);
    return !diff;
}

/* lookup, but fields mostly stand in order: *expect is the one to try first. */
static inline int32_t ch_json_builder_find(const ch_json_builder *b, const char *text, int64_t len,
                                           int32_t *expect)
{
    int32_t f = *expect;
    if (f >= b->n_child || b->name[f].len != len || !ch_json_same_text(b->name[f].text, text, len))
        f = ch_json_builder_lookup(b, text, len);
    if (f >= 0)
        *expect = f + 1;
    return f;
}

/* A short view of text with `room` >= len readable bytes. */
static inline ch_view ch_json_short_view(const char *text, int64_t len, int64_t room)
{
    ch_view v = {.len = (int32_t)len};
    if (room < CH_VIEW_INLINE)
        return ch_view_make(text, len, 0, 0);
    uint64_t low;
    uint32_t high;
    memcpy(&low, text, 8);
    memcpy(&high, text + 8, 4);
    if (len < 8)
        low &= (UINT64_C(1) << 8 * len) - 1;
    high = len <= 8 ? 0 : len < CH_VIEW_INLINE ? high & ((1u << 8 * (len - 8)) - 1) : high;
    memcpy(v.small, &low, 8);
    memcpy(v.small + 8, &high, 4);
    return v;
}

#endif
