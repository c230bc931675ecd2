/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow_check.c - is an array what Arrow's C Data Interface allows?
 *
 * Import (arrow_import.c) trusts its producer where looking would cost: that buffers are there, that views point
 * into their texts. This looks at all of that, for producers that may be wrong. What cannot be seen is whether a
 * buffer is as long as it must be.
 */
#include <stdio.h>
#include <stdlib.h>

#include "column/arrow.h"

enum { MOST_LEVELS = 64 };

typedef struct checker {
    ch_error *err;
    int level;
} checker;

static ch_status invalid(const checker *k, const char *reason)
{
    CH_FAIL(k->err, INVALID_ARROW, "reason", reason);
}

/* Layouts by how many buffers they have, and the bytes of a slot of buffers[1] (0: bits, or it has none). */
typedef struct layout {
    int8_t n_buffers, width;
} layout;

static layout layout_of(const char *f)
{
    switch (f[0]) {
    case 'n':
        return (layout){0, 0};
    case 'b':
        return (layout){2, 0};
    case 'c':
    case 'C':
        return (layout){2, 1};
    case 's':
    case 'S':
    case 'e':
        return (layout){2, 2};
    case 'i':
    case 'I':
    case 'f':
        return (layout){2, 4};
    case 'u':
    case 'z':
        return (layout){3, 4};
    case 'U':
    case 'Z':
        return (layout){3, 8};
    case 'v':
        return (layout){3, 16};
    case 'w':
        return (layout){2, 1};
    case 't':
        return (layout){
            2, f[1] == 'i' ? (f[2] == 'M'   ? 4
                              : f[2] == 'D' ? 8
                                            : 16)
               : (f[1] == 't' && (f[2] == 's' || f[2] == 'm')) || (f[1] == 'd' && f[2] == 'D') ? 4
                                                                                               : 8};
    case '+':
        if (f[1] == 's' || f[1] == 'w')
            return (layout){1, 0};
        if (f[1] == 'v')
            return (layout){3, f[2] == 'L' ? 8 : 4};
        return (layout){2, f[1] == 'L' ? 8 : 4};
    default: /* l L g d */
        return (layout){2, 8};
    }
}

static const void *buffer_at(const struct ArrowArray *a, int64_t b)
{
    return b < a->n_buffers ? a->buffers[b] : NULL;
}

/* Offsets of n lists or texts: in order, and within [0, most]; most -1: unknown. */
static ch_status check_offsets(const checker *k, const struct ArrowArray *a, int width,
                               int64_t most, int64_t *last)
{
    const int32_t *o32 = width == 4 ? (const int32_t *)a->buffers[1] + a->offset : NULL;
    const int64_t *o64 = width == 8 ? (const int64_t *)a->buffers[1] + a->offset : NULL;
    int64_t before = 0;
    for (int64_t i = 0; i <= a->length; i++) {
        int64_t o = o32 ? o32[i] : o64[i];
        if (o < before)
            return invalid(k, "offsets are out of order");
        before = o;
    }
    *last = before;
    return most >= 0 && before > most ? invalid(k, "offsets are out of range") : CH_OK;
}

static ch_status check_text(const checker *k, const struct ArrowArray *a, int width)
{
    int64_t last = 0;
    CH_TRY(check_offsets(k, a, width, -1, &last));
    int64_t first = width == 4 ? ((const int32_t *)a->buffers[1])[a->offset]
                               : ((const int64_t *)a->buffers[1])[a->offset];
    return last > first && !buffer_at(a, 2) ? invalid(k, "a buffer of text is missing") : CH_OK;
}

static ch_status check_view(const checker *k, const struct ArrowArray *a, const ch_view *v)
{
    static const char zero[CH_VIEW_INLINE];
    int64_t n_text = a->n_buffers - 3;
    if (v->len < 0)
        return invalid(k, "a view has a negative length");
    if (v->len <= CH_VIEW_INLINE)
        return memcmp(v->small + v->len, zero, (size_t)(CH_VIEW_INLINE - v->len)) != 0
                   ? invalid(k, "a short view is not filled up with zeros")
                   : CH_OK;
    const int64_t *size = buffer_at(a, a->n_buffers - 1);
    if (v->buf < 0 || v->buf >= n_text || v->offset < 0 ||
        size[v->buf] < (int64_t)v->offset + v->len)
        return invalid(k, "a view points outside of its text");
    const char *text = (const char *)a->buffers[2 + v->buf] + v->offset;
    return memcmp(text, v->prefix, sizeof v->prefix) != 0
               ? invalid(k, "a view begins in another way than its text")
               : CH_OK;
}

static bool is_valid(const struct ArrowArray *a, int64_t i)
{
    const uint8_t *bits = a->null_count == 0 ? NULL : buffer_at(a, 0);
    i += a->offset;
    return !bits || (bits[i >> 3] >> (i & 7) & 1);
}

static ch_status check_views(const checker *k, const struct ArrowArray *a)
{
    int64_t n_text = a->n_buffers - 3;
    const int64_t *size = buffer_at(a, a->n_buffers - 1);
    if (n_text > 0 && (!size || ((uintptr_t)size & 7)))
        return invalid(k, "the sizes of the texts are missing");
    for (int64_t b = 0; b < n_text; b++)
        if (size[b] < 0 || size[b] > INT64_C(1) << 46 || (size[b] && !a->buffers[2 + b]))
            return invalid(k, "a buffer of text is missing");
    for (int64_t i = 0; i < a->length; i++) {
        ch_view v;
        if (!is_valid(a, i))
            continue;
        memcpy(&v, (const char *)a->buffers[1] + (a->offset + i) * (int64_t)sizeof v, sizeof v);
        CH_TRY(check_view(k, a, &v));
    }
    return CH_OK;
}

static ch_status check(checker *k, const struct ArrowSchema *s, const struct ArrowArray *a);

static ch_status check_children(checker *k, const struct ArrowSchema *s, const struct ArrowArray *a)
{
    if (a->n_children != s->n_children || (a->n_children && !a->children))
        return invalid(k, "an array has other children than its type");
    for (int64_t i = 0; i < a->n_children; i++) {
        if (!s->children[i] || !a->children[i] || !a->children[i]->release)
            return invalid(k, "a child array is missing");
        CH_TRY(check(k, s->children[i], a->children[i]));
    }
    if ((s->dictionary != NULL) != (a->dictionary != NULL))
        return invalid(k, "a dictionary is missing, or too much");
    return s->dictionary ? check(k, s->dictionary, a->dictionary) : CH_OK;
}

static ch_status check_nested(checker *k, const struct ArrowSchema *s, const struct ArrowArray *a)
{
    int64_t end = a->offset + a->length, last = 0;
    char kind = s->format[1];
    if (kind == 's') {
        for (int64_t i = 0; i < a->n_children; i++)
            if (a->children[i]->length < end)
                return invalid(k, "a child array is too short");
        return CH_OK;
    }
    if (a->n_children != 1)
        return invalid(k, "a list has no items");
    if (kind == 'l' || kind == 'L' || kind == 'm')
        return a->length ? check_offsets(k, a, kind == 'L' ? 8 : 4, a->children[0]->length, &last)
                         : CH_OK;
    return CH_OK; /* the others are looked at when they are imported */
}

static ch_status check_buffers(const checker *k, const struct ArrowSchema *s,
                               const struct ArrowArray *a)
{
    layout l = layout_of(s->format);
    if (a->n_buffers < l.n_buffers || (a->n_buffers && !a->buffers))
        return invalid(k, "an array has too few buffers");
    if (a->null_count > 0 && l.n_buffers && !a->buffers[0])
        return invalid(k, "an array with NULLs has no validity bitmap");
    if (a->length == 0)
        return CH_OK;
    const void *data = buffer_at(a, 1);
    if (l.n_buffers > 1 && !data && !(s->format[0] == 'w' && atoll(s->format + 2) == 0))
        return invalid(k, "a data buffer is missing");
    if (l.n_buffers > 1 && l.width > 1 &&
        ((uintptr_t)data & (uintptr_t)(l.width > 8 ? 7 : l.width - 1)))
        return invalid(k, "a data buffer is not aligned to its values");
    return CH_OK;
}

static ch_status check(checker *k, const struct ArrowSchema *s, const struct ArrowArray *a)
{
    int64_t end;
    if (!s->format)
        return invalid(k, "a type has no format");
    if (a->length < 0 || a->offset < 0 || __builtin_add_overflow(a->length, a->offset, &end) ||
        end > INT64_C(1) << 46)
        return invalid(k, "an array has a bad length or offset");
    if (a->null_count < -1 || a->null_count > a->length)
        return invalid(k, "an array has a bad number of NULLs");
    if (++k->level > MOST_LEVELS)
        return invalid(k, "arrays are nested too deeply");
    CH_TRY(check_buffers(k, s, a));
    CH_TRY(check_children(k, s, a));
    if (!s->dictionary && a->length) {
        switch (s->format[0]) {
        case 'u':
        case 'z':
            CH_TRY(check_text(k, a, 4));
            break;
        case 'U':
        case 'Z':
            CH_TRY(check_text(k, a, 8));
            break;
        case 'v':
            CH_TRY(check_views(k, a));
            break;
        default:
            break;
        }
    }
    if (s->format[0] == '+')
        CH_TRY(check_nested(k, s, a));
    k->level--;
    return CH_OK;
}

/* Types whose trees are deep, or have holes. */
static ch_status check_schema(checker *k, const struct ArrowSchema *s)
{
    if (!s || !s->format || s->n_children < 0 || (s->n_children && !s->children))
        return invalid(k, "a type is not complete");
    if (++k->level > MOST_LEVELS)
        return invalid(k, "types are nested too deeply");
    for (int64_t i = 0; i < s->n_children; i++)
        CH_TRY(check_schema(k, s->children[i]));
    if (s->dictionary)
        CH_TRY(check_schema(k, s->dictionary));
    k->level--;
    return CH_OK;
}

ch_status ch_arrow_check_type(const struct ArrowSchema *schema, ch_error *err)
{
    checker k = {.err = err};
    return check_schema(&k, schema);
}

ch_status ch_arrow_check(const struct ArrowSchema *schema, const struct ArrowArray *array,
                         ch_error *err)
{
    checker k = {.err = err};
    return check(&k, schema, array);
}
