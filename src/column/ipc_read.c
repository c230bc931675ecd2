/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ipc_read.c - an IPC stream as ArrowArrayStream.
 *
 * Nothing is believed: every length is checked against the bytes that are there before an array is handed out,
 * so that whoever walks the arrays (offsets inside of values are the importer's to check) stays inside.
 *
 *   stream { bytes, schema, dictionaries' places, position } -- get_next --> array tree
 *   node   { holder } one per ArrowArray; the holder keeps the bytes and the nodes' memory
 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "column/ipc.h"
#include "column/ipc_format.h"
#include "wire/flatbuf.h"

#define MAX_DEPTH 64
#define MAX_ZONE 256 /* bytes of a time zone's name */
#define LEAST_FIELD_BYTES \
    8 /* a field takes more in its message: so many there can be at the most */

typedef struct field field;
struct field {
    char *format;
    const char *name, *metadata; /* metadata in the C Data Interface's packing, or NULL */
    bool nullable;
    ipc_type type;
    field *child;
    int32_t n_children;
    field *dictionary; /* the values' type; format is the indices' then */
    int64_t dictionary_id;
};

/* A dictionary batch: read again for each array that uses it. */
typedef struct place {
    int64_t id;
    ch_flat_table batch;
    const uint8_t *body;
    int64_t body_length;
    struct place *next;
} place;

typedef struct stream {
    ch_mem *mem;
    ch_arena arena;
    ch_buffer *bytes;
    int64_t at;
    int64_t n_fields; /* of the schema: tables may be shared, which would make it exponential */
    field root;
    place *dictionary;
    bool bad, ended;
    ch_error err;
    char *text; /* of the last error */
} stream;

static ch_status broken(const char *reason, ch_error *err)
{
    CH_FAIL(err, INVALID_ARROW, "reason", reason);
}

/* ---- messages ---------------------------------------------------------------------------- */

typedef struct message {
    int type; /* 0: the stream ends */
    ch_flat_table header;
    const uint8_t *body;
    int64_t body_length;
} message;

static ch_status read_message(stream *s, message *out, ch_error *err)
{
    const uint8_t *data = s->bytes->data;
    int64_t left = s->bytes->bytes - s->at;
    uint32_t head[2];
    *out = (message){0};
    if (left == 0)
        return CH_OK; /* some writers leave the end out */
    if (left < 8)
        return broken("it ends inside a message's length", err);
    memcpy(head, data + s->at, 8);
    int64_t start = 8;
    if (head[0] != UINT32_MAX) { /* before Arrow 0.15 there was no marker */
        head[1] = head[0];
        start = 4;
    }
    if (head[1] == 0)
        return CH_OK;
    if (head[1] > left - start)
        return broken("it ends inside a message", err);
    ch_flat_table t;
    if (!ch_flat_root(data + s->at + start, head[1], &s->bad, &t))
        return broken("a message is no FlatBuffer", err);
    out->type = (int)ch_flat_get(&t, MESSAGE_HEADER_TYPE, 1, 0);
    out->body_length = ch_flat_get(&t, MESSAGE_BODY_LENGTH, 8, 0);
    s->at += start + head[1];
    if (!ch_flat_get_table(&t, MESSAGE_HEADER, &out->header) || s->bad)
        return broken("a message has no header", err);
    if (out->body_length < 0 || out->body_length > s->bytes->bytes - s->at)
        return broken("it ends inside a message's body", err);
    out->body = data + s->at;
    s->at += out->body_length;
    return CH_OK;
}

bool ch_ipc_body_length(const uint8_t *metadata, size_t len, int64_t *body, bool *is_batch)
{
    bool bad = false;
    ch_flat_table t;
    if (!ch_flat_root(metadata, len, &bad, &t))
        return false;
    *is_batch = ch_flat_get(&t, MESSAGE_HEADER_TYPE, 1, 0) == IPC_RECORD_BATCH;
    *body = ch_flat_get(&t, MESSAGE_BODY_LENGTH, 8, 0);
    return !bad && *body >= 0;
}

/* ---- the schema -------------------------------------------------------------------------- */

static ch_status read_format(stream *s, const ch_flat_table *f, field *out, ch_error *err)
{
    static const char UNITS[] = "smun";
    ch_flat_table t;
    ipc_type type = out->type;
    if (!ch_flat_get_table(f, FIELD_TYPE, &t))
        return broken("a field has no type", err);
    const char *format = NULL;
    int64_t unit, a, b;
    ch_flat_array zone;
    switch (type) {
    case IPC_DECIMAL:
        a = ch_flat_get(&t, 2, 4, 128);
        if (a != 32 && a != 64 && a != 128 && a != 256)
            return broken("a decimal has an odd width", err);
        format = ch_arena_printf(&s->arena, err, "d:%d,%d,%d", (int)ch_flat_get(&t, 0, 4, 0),
                                 (int)ch_flat_get(&t, 1, 4, 0), (int)a);
        break;
    case IPC_TIMESTAMP:
        unit = ch_flat_get(&t, 0, 2, 0);
        zone = ch_flat_get_text(&t, 1);
        if (unit < 0 || unit > 3)
            return broken("a timestamp has an unknown unit", err);
        if (zone.n > MAX_ZONE)
            return broken("a time zone has an endless name", err);
        format = ch_arena_printf(&s->arena, err, "ts%c:%.*s", UNITS[unit], (int)zone.n,
                                 zone.data ? (const char *)zone.data : "");
        break;
    case IPC_FIXED_BINARY:
    case IPC_FIXED_LIST:
        a = ch_flat_get(&t, 0, 4, 0);
        if (a < 0)
            return broken("a fixed size is negative", err);
        format = ch_arena_printf(&s->arena, err, type == IPC_FIXED_LIST ? "+w:%d" : "w:%d", (int)a);
        break;
    default:
        for (size_t i = 0; i < sizeof IPC_PLAIN / sizeof *IPC_PLAIN; i++) {
            const ipc_plain *p = &IPC_PLAIN[i];
            if (p->type != type)
                continue;
            a = p->a_width && type != IPC_MAP ? ch_flat_get(&t, 0, p->a_width, ipc_default_a(type))
                                              : p->a;
            b = p->b_width ? ch_flat_get(&t, 1, p->b_width, ipc_default_b(type)) : p->b;
            if (a == p->a && b == p->b) {
                out->format = (char *)p->format;
                return CH_OK;
            }
        }
        CH_FAIL(err, UNSUPPORTED, "feature", "an Arrow type (union, run-end encoded or other)");
    }
    out->format = (char *)format;
    return format ? CH_OK : CH_E_MEMORY;
}

/* Key-value pairs in the C Data Interface's packing. */
static ch_status read_metadata(stream *s, const ch_flat_table *f, field *out, ch_error *err)
{
    ch_flat_array list = ch_flat_get_vector(f, FIELD_METADATA, 4);
    size_t bytes = 4;
    if (!list.n)
        return CH_OK;
    char *to = NULL;
    for (int pass = 0; pass < 2; pass++) {
        char *p = to ? to + 4 : NULL;
        for (size_t i = 0; i < list.n; i++) {
            ch_flat_table pair;
            if (!ch_flat_table_at(f, list, i, &pair))
                return broken("a field's metadata is damaged", err);
            for (int k = 0; k < 2; k++) {
                ch_flat_array text = ch_flat_get_text(&pair, k);
                if (pass == 0) {
                    bytes += 4 + text.n;
                } else {
                    int32_t n = (int32_t)text.n;
                    memcpy(p, &n, 4);
                    memcpy(p + 4, text.data ? (const char *)text.data : "", text.n);
                    p += 4 + text.n;
                }
            }
        }
        if (pass == 0) {
            if (!(to = ch_arena_alloc(&s->arena, bytes, err)))
                return CH_E_MEMORY;
            int32_t n = (int32_t)list.n;
            memcpy(to, &n, 4);
        }
    }
    out->metadata = to;
    return CH_OK;
}

static ch_status read_fields(stream *s, const ch_flat_table *t, int which, field *out, int depth,
                             ch_error *err);

static ch_status read_field(stream *s, const ch_flat_table *f, field *out, int depth, ch_error *err)
{
    ch_flat_array name = ch_flat_get_text(f, FIELD_NAME);
    if (depth > MAX_DEPTH)
        return broken("its types are nested too deeply", err);
    if (++s->n_fields > s->bytes->bytes / LEAST_FIELD_BYTES)
        return broken("it has more fields than bytes for them", err);
    out->name = ch_arena_strn(&s->arena, name.data ? (const char *)name.data : "", name.n, err);
    if (!out->name)
        return CH_E_MEMORY;
    out->nullable = ch_flat_get(f, FIELD_NULLABLE, 1, 0) != 0;
    out->type = (ipc_type)(uint8_t)ch_flat_get(f, FIELD_TYPE_TYPE, 1, 0);
    CH_TRY(read_format(s, f, out, err));
    CH_TRY(read_metadata(s, f, out, err));
    CH_TRY(read_fields(s, f, FIELD_CHILDREN, out, depth, err));
    bool list = out->type == IPC_LIST || out->type == IPC_LARGE_LIST || out->type == IPC_MAP ||
                out->type == IPC_FIXED_LIST || out->type == IPC_LIST_VIEW ||
                out->type == IPC_LARGE_LIST_VIEW;
    if (list ? out->n_children != 1 : out->type != IPC_STRUCT && out->n_children != 0)
        return broken("a field has the wrong number of children", err);
    if (out->type == IPC_MAP && (out->child[0].type != IPC_STRUCT || out->child[0].n_children != 2))
        return broken("a map's entries are not key and value", err);
    ch_flat_table dictionary;
    if (!ch_flat_get_table(f, FIELD_DICTIONARY, &dictionary))
        return CH_OK;
    field *values;
    CH_ARENA_NEW(values, &s->arena, err);
    *values = *out;
    values->name = "";
    ch_flat_table index;
    int64_t bits = 32, is_signed = 1;
    if (ch_flat_get_table(&dictionary, DICTIONARY_INDEX_TYPE, &index)) {
        bits = ch_flat_get(&index, 0, 4, 0);
        is_signed = ch_flat_get(&index, 1, 1, 0);
    }
    static const char SIGNED[] = "csil", UNSIGNED[] = "CSIL";
    int which = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : bits == 64 ? 3 : -1;
    if (which < 0)
        return broken("a dictionary has indices of an odd width", err);
    out->format = ch_arena_strn(&s->arena, is_signed ? &SIGNED[which] : &UNSIGNED[which], 1, err);
    out->dictionary = values;
    out->dictionary_id = ch_flat_get(&dictionary, DICTIONARY_ID, 8, 0);
    out->type = IPC_INT;
    out->child = NULL;
    out->n_children = 0;
    return out->format ? CH_OK : CH_E_MEMORY;
}

static ch_status read_fields(stream *s, const ch_flat_table *t, int which, field *out, int depth,
                             ch_error *err)
{
    ch_flat_array list = ch_flat_get_vector(t, which, 4);
    if ((int64_t)list.n > s->bytes->bytes / LEAST_FIELD_BYTES)
        return broken("it has more fields than bytes for them", err);
    CH_ARENA_ARRAY(out->child, &s->arena, list.n + 1, err);
    out->n_children = (int32_t)list.n;
    for (size_t i = 0; i < list.n; i++) {
        ch_flat_table f;
        if (!ch_flat_table_at(t, list, i, &f))
            return broken("a field is damaged", err);
        CH_TRY(read_field(s, &f, &out->child[i], depth + 1, err));
    }
    return CH_OK;
}

/* ---- arrays ------------------------------------------------------------------------------ */

typedef struct holder {
    _Atomic int32_t refs; /* nodes not yet released, and whoever builds them */
    ch_mem *mem;
    ch_arena arena;
    ch_buffer *bytes;
} holder;

static void drop(holder *h)
{
    if (atomic_fetch_sub_explicit(&h->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_mem *mem = h->mem;
    ch_buffer_unref(h->bytes);
    ch_arena_release(&h->arena);
    ch_mem_free(mem, h, sizeof *h);
}

static void release_array(struct ArrowArray *a)
{
    holder *h = a->private_data;
    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release)
            a->children[i]->release(a->children[i]);
    if (a->dictionary && a->dictionary->release)
        a->dictionary->release(a->dictionary);
    a->release = NULL;
    drop(h);
}

/* Where one record batch's nodes and buffers are taken from, in order. */
typedef struct cursor {
    stream *s;
    holder *h;
    const uint8_t *body;
    int64_t body_length;
    ch_flat_array nodes, buffers, variadic;
    size_t at_node, at_buffer, at_variadic;
    int depth;
} cursor;

static int64_t i64_at(ch_flat_array a, size_t i)
{
    int64_t v;
    memcpy(&v, a.data + 8 * i, 8);
    return v;
}

/* The next buffer; it must have `least` bytes unless `optional` and empty. */
static ch_status take_buffer(cursor *c, int64_t least, bool optional, const void **out,
                             int64_t *bytes, ch_error *err)
{
    static const int64_t nothing[8] = {0};
    if (c->at_buffer >= c->buffers.n)
        return broken("a record batch has too few buffers", err);
    int64_t offset = i64_at(c->buffers, 2 * c->at_buffer);
    int64_t length = i64_at(c->buffers, 2 * c->at_buffer + 1);
    c->at_buffer++;
    if (offset < 0 || length < 0 || offset > c->body_length || length > c->body_length - offset)
        return broken("a buffer lies outside of its message", err);
    *out = length ? (const void *)(c->body + offset) : optional ? NULL : nothing;
    if (bytes)
        *bytes = length;
    if (length < least && !(optional && length == 0))
        return broken("a buffer is too short", err);
    if (length && ((uintptr_t)*out & 7)) { /* readers count on whole numbers lying as they should */
        void *copy = ch_arena_alloc(&c->h->arena, (size_t)length, err);
        if (!copy)
            return CH_E_MEMORY;
        *out = memcpy(copy, c->body + offset, (size_t)length);
    }
    return CH_OK;
}

static ch_status read_array(cursor *c, const field *f, struct ArrowArray *out, ch_error *err);

/* Offsets of n values must rise; *last is where the last value ends. */
static ch_status check_offsets(const void *data, int64_t n, int width, int64_t *last, ch_error *err)
{
    int64_t before = 0;
    for (int64_t i = 0; i <= n; i++) {
        int64_t at;
        if (width == 4) {
            int32_t narrow;
            memcpy(&narrow, (const char *)data + 4 * i, 4);
            at = narrow;
        } else {
            memcpy(&at, (const char *)data + 8 * i, 8);
        }
        if (at < before)
            return broken("offsets do not rise", err);
        before = at;
    }
    *last = before;
    return CH_OK;
}

static ch_status read_text(cursor *c, const field *f, struct ArrowArray *a, ch_error *err)
{
    int width = f->format[0] == 'U' || f->format[0] == 'Z' ? 8 : 4;
    int64_t n = a->length, last = 0;
    CH_TRY(take_buffer(c, (n + 1) * width, n == 0, &a->buffers[1], NULL, err));
    if (a->buffers[1])
        CH_TRY(check_offsets(a->buffers[1], n, width, &last, err));
    a->n_buffers = 3;
    return take_buffer(c, last, false, &a->buffers[2], NULL, err);
}

static ch_status check_views(const struct ArrowArray *a, const int64_t *size, int64_t n_text,
                             ch_error *err)
{
    const char *view = a->buffers[1];
    for (int64_t i = 0; i < a->length; i++, view += 16) {
        int32_t v[4];
        memcpy(v, view, 16);
        bool inside = v[0] >= 0 && (v[0] <= 12 || (v[2] >= 0 && v[2] < n_text && v[3] >= 0 &&
                                                   (int64_t)v[3] + v[0] <= size[v[2]]));
        if (!inside && (!a->buffers[0] || ((const uint8_t *)a->buffers[0])[i / 8] >> (i % 8) & 1))
            return broken("a string view leads outside of its buffers", err);
    }
    return CH_OK;
}

static ch_status read_views(cursor *c, struct ArrowArray *a, ch_error *err)
{
    if (c->at_variadic >= c->variadic.n)
        return broken("a record batch has too few counts of view buffers", err);
    int64_t n = i64_at(c->variadic, c->at_variadic++);
    if (n < 0 || (size_t)n > c->buffers.n)
        return broken("a count of view buffers is wrong", err);
    const void *valid = a->buffers[0];
    int64_t *size;
    CH_ARENA_ARRAY(a->buffers, &c->h->arena, n + 3, err);
    CH_ARENA_ARRAY(size, &c->h->arena, n + 1, err);
    a->buffers[0] = valid;
    CH_TRY(take_buffer(c, a->length * 16, false, &a->buffers[1], NULL, err));
    for (int64_t i = 0; i < n; i++)
        CH_TRY(take_buffer(c, 0, false, &a->buffers[2 + i], &size[i], err));
    a->buffers[2 + n] = size;
    a->n_buffers = n + 3;
    return check_views(a, size, n, err);
}

static ch_status read_list(cursor *c, const field *f, struct ArrowArray *a, int64_t *least,
                           ch_error *err)
{
    int64_t n = a->length, items = 0;
    switch (f->type) {
    case IPC_LIST:
    case IPC_MAP:
    case IPC_LARGE_LIST: {
        int width = f->type == IPC_LARGE_LIST ? 8 : 4;
        CH_TRY(take_buffer(c, (n + 1) * width, n == 0, &a->buffers[1], NULL, err));
        if (a->buffers[1])
            CH_TRY(check_offsets(a->buffers[1], n, width, least, err));
        a->n_buffers = 2;
        return CH_OK;
    }
    case IPC_FIXED_LIST:
        if (sscanf(f->format, "+w:%" SCNd64, &items) != 1 || items < 0 ||
            __builtin_mul_overflow(items, n, least))
            return broken("a fixed-size list has a bad size", err);
        return CH_OK;
    default:
        CH_FAIL(err, UNSUPPORTED, "feature", "Arrow's list view over IPC");
    }
}

static ch_status find_dictionary(cursor *c, const field *f, struct ArrowArray *out, ch_error *err);

static ch_status read_values(cursor *c, const field *f, struct ArrowArray *a, ch_error *err)
{
    int64_t n = a->length, least = 0, width = ipc_width(f->format);
    if (f->type != IPC_NULL) {
        CH_TRY(take_buffer(c, (n + 7) / 8, true, &a->buffers[0], NULL, err));
        a->n_buffers = 1;
        if (a->null_count == 0)
            a->buffers[0] = NULL;
        else if (!a->buffers[0])
            a->null_count = 0;
    }
    if (f->n_children) {
        if (f->type != IPC_STRUCT)
            CH_TRY(read_list(c, f, a, &least, err));
        else
            least = n;
    } else if (f->type == IPC_UTF8_VIEW || f->type == IPC_BINARY_VIEW) {
        CH_TRY(read_views(c, a, err));
    } else if (f->type == IPC_BOOL || f->type == IPC_FIXED_BINARY || width) {
        CH_TRY(take_buffer(c, f->type == IPC_BOOL ? (n + 7) / 8 : n * width, false, &a->buffers[1],
                           NULL, err));
        a->n_buffers = 2;
    } else if (f->type != IPC_NULL && f->type != IPC_STRUCT) {
        CH_TRY(read_text(c, f, a, err));
    }
    for (int32_t i = 0; i < f->n_children; i++) {
        CH_TRY(read_array(c, &f->child[i], a->children[i], err));
        a->n_children = i + 1;
        if (a->children[i]->length < least)
            return broken("a child is shorter than its parent says", err);
    }
    return f->dictionary ? find_dictionary(c, f, a->dictionary, err) : CH_OK;
}

/* On error *out is released or was never filled. */
static ch_status read_array(cursor *c, const field *f, struct ArrowArray *out, ch_error *err)
{
    *out = (struct ArrowArray){0};
    if (c->at_node >= c->nodes.n)
        return broken("a record batch has too few field nodes", err);
    int64_t n = i64_at(c->nodes, 2 * c->at_node), nulls = i64_at(c->nodes, 2 * c->at_node + 1);
    c->at_node++;
    if (n < 0 || n > INT32_MAX || nulls < 0 || nulls > n)
        return broken("a field node has an impossible length", err);
    struct ArrowArray *child;
    struct ArrowArray a = {.length = n, .null_count = nulls, .release = release_array};
    CH_ARENA_ARRAY(a.buffers, &c->h->arena, 3, err);
    CH_ARENA_ARRAY(a.children, &c->h->arena, f->n_children + 1, err);
    CH_ARENA_ARRAY(child, &c->h->arena, f->n_children + 1, err);
    for (int32_t i = 0; i < f->n_children; i++)
        a.children[i] = &child[i];
    if (f->dictionary)
        a.dictionary = &child[f->n_children];
    a.private_data = c->h;
    atomic_fetch_add_explicit(&c->h->refs, 1, memory_order_relaxed);
    *out = a;
    ch_status status = read_values(c, f, out, err);
    if (status != CH_OK)
        release_array(out);
    return status;
}

static ch_status open_cursor(stream *s, const ch_flat_table *batch, const uint8_t *body,
                             int64_t body_length, cursor *c, ch_error *err)
{
    ch_flat_table compression;
    if (ch_flat_get_table(batch, BATCH_COMPRESSION, &compression))
        CH_FAIL(err, UNSUPPORTED, "feature", "a compressed Arrow body");
    c->s = s;
    c->body = body;
    c->body_length = body_length;
    c->nodes = ch_flat_get_vector(batch, BATCH_NODES, 16);
    c->buffers = ch_flat_get_vector(batch, BATCH_BUFFERS, 16);
    c->variadic = ch_flat_get_vector(batch, BATCH_VARIADIC, 8);
    return s->bad ? broken("a record batch is damaged", err) : CH_OK;
}

static ch_status find_dictionary(cursor *c, const field *f, struct ArrowArray *out, ch_error *err)
{
    for (const place *p = c->s->dictionary; p; p = p->next) {
        if (p->id != f->dictionary_id)
            continue;
        cursor inner = {.h = c->h, .depth = c->depth + 1};
        if (inner.depth > MAX_DEPTH)
            return broken("its dictionaries lead to each other", err);
        CH_TRY(open_cursor(c->s, &p->batch, p->body, p->body_length, &inner, err));
        return read_array(&inner, f->dictionary, out, err);
    }
    return broken("a dictionary is missing", err);
}

static ch_status read_batch(stream *s, const message *m, struct ArrowArray *out, ch_error *err)
{
    int64_t rows = ch_flat_get(&m->header, BATCH_LENGTH, 8, 0);
    int32_t n = s->root.n_children;
    cursor c = {0};
    CH_TRY(open_cursor(s, &m->header, m->body, m->body_length, &c, err));
    if (rows < 0 || rows > INT32_MAX)
        return broken("a record batch has an impossible length", err);
    holder *h = ch_mem_zalloc(s->mem, sizeof *h, err);
    if (!h)
        return CH_E_MEMORY;
    *h = (holder){.refs = 1, .mem = s->mem, .bytes = ch_buffer_ref(s->bytes)};
    ch_arena_init(&h->arena, s->mem);
    c.h = h;
    ch_status status = CH_E_MEMORY;
    const void **buffers = ch_arena_alloc(&h->arena, sizeof *buffers, err);
    struct ArrowArray **children =
        buffers ? ch_arena_alloc(&h->arena, sizeof *children * (size_t)(n + 1), err) : NULL;
    struct ArrowArray *child =
        children ? ch_arena_alloc(&h->arena, sizeof *child * (size_t)(n + 1), err) : NULL;
    if (!child)
        goto out;
    struct ArrowArray a = {.length = rows,
                           .n_buffers = 1,
                           .buffers = buffers,
                           .children = children,
                           .release = release_array,
                           .private_data = h};
    status = CH_OK;
    for (int32_t i = 0; i < n && status == CH_OK; i++) {
        children[i] = &child[i];
        status = read_array(&c, &s->root.child[i], &child[i], err);
        if (status != CH_OK)
            break;
        a.n_children = i + 1;
        if (child[i].length != rows)
            status = broken("a column is not as long as its record batch", err);
    }
    atomic_fetch_add_explicit(&h->refs, 1, memory_order_relaxed);
    if (status == CH_OK)
        *out = a;
    else
        release_array(&a);
out:
    drop(h);
    return status;
}

/* ---- the stream -------------------------------------------------------------------------- */

static ch_status next(stream *s, struct ArrowArray *out, ch_error *err)
{
    message m;
    *out = (struct ArrowArray){0};
    while (!s->ended) {
        CH_TRY(read_message(s, &m, err));
        if (m.type == 0) {
            s->ended = true;
        } else if (m.type == IPC_RECORD_BATCH) {
            return read_batch(s, &m, out, err);
        } else if (m.type == IPC_DICTIONARY_BATCH) {
            place *p;
            if (ch_flat_get(&m.header, DICTIONARY_BATCH_IS_DELTA, 1, 0))
                CH_FAIL(err, UNSUPPORTED, "feature", "a delta dictionary in Arrow IPC");
            CH_ARENA_NEW(p, &s->arena, err);
            p->id = ch_flat_get(&m.header, DICTIONARY_BATCH_ID, 8, 0);
            if (!ch_flat_get_table(&m.header, DICTIONARY_BATCH_DATA, &p->batch))
                return broken("a dictionary batch is empty", err);
            p->body = m.body;
            p->body_length = m.body_length;
            p->next = s->dictionary; /* a later one replaces an earlier one */
            s->dictionary = p;
        } else {
            return broken("a message is neither a record batch nor a dictionary", err);
        }
    }
    return CH_OK;
}

static int fail(stream *s)
{
    free(s->text);
    s->text = s->err.message ? strdup(s->err.message) : NULL;
    int code = s->err.code == CH_E_MEMORY ? ENOMEM : EINVAL;
    ch_error_release(&s->err);
    return code;
}

static int get_next(struct ArrowArrayStream *self, struct ArrowArray *out)
{
    stream *s = self->private_data;
    return next(s, out, &s->err) == CH_OK ? 0 : fail(s);
}

typedef struct schema_node {
    ch_mem *mem;
    size_t bytes;
} schema_node;

static void release_schema(struct ArrowSchema *schema)
{
    schema_node *n = schema->private_data;
    for (int64_t i = 0; i < schema->n_children; i++)
        if (schema->children[i]->release)
            schema->children[i]->release(schema->children[i]);
    if (schema->dictionary && schema->dictionary->release)
        schema->dictionary->release(schema->dictionary);
    schema->release = NULL;
    ch_mem_free(n->mem, n, n->bytes);
}

static size_t metadata_bytes(const char *metadata)
{
    int32_t n, len;
    size_t at = 4;
    if (!metadata)
        return 0;
    memcpy(&n, metadata, 4);
    for (int32_t i = 0; i < 2 * n; i++) {
        memcpy(&len, metadata + at, 4);
        at += 4 + (size_t)len;
    }
    return at;
}

static ch_status make_schema(ch_mem *mem, const field *f, struct ArrowSchema *out, ch_error *err)
{
    size_t n = (size_t)f->n_children, metadata = metadata_bytes(f->metadata);
    size_t format = strlen(f->format) + 1, name = strlen(f->name) + 1;
    size_t bytes = sizeof(schema_node) + (n + 1) * (sizeof(void *) + sizeof(struct ArrowSchema)) +
                   metadata + format + name;
    *out = (struct ArrowSchema){0};
    schema_node *self = ch_mem_zalloc(mem, bytes, err);
    if (!self)
        return CH_E_MEMORY;
    *self = (schema_node){mem, bytes};
    struct ArrowSchema **child = (struct ArrowSchema **)(void *)(self + 1);
    struct ArrowSchema *children = (struct ArrowSchema *)(void *)(child + n + 1);
    char *text = (char *)(children + n + 1);
    *out = (struct ArrowSchema){.flags = f->nullable ? ARROW_FLAG_NULLABLE : 0,
                                .children = child,
                                .release = release_schema,
                                .private_data = self};
    out->format = memcpy(text, f->format, format);
    out->name = memcpy(text + format, f->name, name);
    if (metadata)
        out->metadata = memcpy(text + format + name, f->metadata, metadata);
    ch_status status = CH_OK;
    for (size_t i = 0; i < n; i++) {
        child[i] = &children[i];
        CH_TRY_OUT(make_schema(mem, &f->child[i], child[i], err));
        out->n_children++;
    }
    if (f->dictionary) {
        out->dictionary = &children[n];
        status = make_schema(mem, f->dictionary, out->dictionary, err);
    }
out:
    if (status != CH_OK)
        release_schema(out);
    return status;
}

static int get_schema(struct ArrowArrayStream *self, struct ArrowSchema *out)
{
    stream *s = self->private_data;
    return make_schema(s->mem, &s->root, out, &s->err) == CH_OK ? 0 : fail(s);
}

static const char *get_last_error(struct ArrowArrayStream *self)
{
    return ((stream *)self->private_data)->text;
}

static void close_stream(stream *s)
{
    ch_mem *mem = s->mem;
    ch_buffer_unref(s->bytes);
    ch_arena_release(&s->arena);
    ch_error_release(&s->err);
    free(s->text);
    ch_mem_free(mem, s, sizeof *s);
}

static void release_stream(struct ArrowArrayStream *self)
{
    close_stream(self->private_data);
    self->release = NULL;
}

ch_status ch_ipc_open(ch_mem *mem, ch_buffer *bytes, struct ArrowArrayStream *out, ch_error *err)
{
    stream *s = ch_mem_zalloc(mem, sizeof *s, err);
    message m;
    if (!s)
        return CH_E_MEMORY;
    s->mem = mem;
    s->bytes = ch_buffer_ref(bytes);
    s->root = (field){.format = (char *)"+s", .name = "", .type = IPC_STRUCT};
    ch_arena_init(&s->arena, mem);
    ch_status status = read_message(s, &m, err);
    if (status == CH_OK && m.type != IPC_SCHEMA)
        status = broken("it does not begin with a schema", err);
    if (status == CH_OK && ch_flat_get(&m.header, SCHEMA_ENDIANNESS, 2, 0) != 0)
        status = broken("it is big-endian", err);
    if (status == CH_OK)
        status = read_fields(s, &m.header, SCHEMA_FIELDS, &s->root, 0, err);
    if (status == CH_OK && s->bad)
        status = broken("its schema is damaged", err);
    if (status != CH_OK) {
        close_stream(s);
        return status;
    }
    *out = (struct ArrowArrayStream){.get_schema = get_schema,
                                     .get_next = get_next,
                                     .get_last_error = get_last_error,
                                     .release = release_stream,
                                     .private_data = s};
    return CH_OK;
}
