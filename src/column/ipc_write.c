/* SPDX-License-Identifier: Apache-2.0 */
/* ipc_write.c - ArrowSchema and ArrowArray as an IPC stream. */
#include <stdio.h>
#include <string.h>

#include "column/ipc.h"
#include "column/ipc_format.h"
#include "wire/flatbuf.h"

#define ALIGN 8 /* of buffers in a body */

/* ---- the schema -------------------------------------------------------------------------- */

static const ipc_plain *find_plain(const char *format)
{
    for (size_t i = 0; i < sizeof IPC_PLAIN / sizeof *IPC_PLAIN; i++)
        if (strcmp(IPC_PLAIN[i].format, format) == 0)
            return &IPC_PLAIN[i];
    return NULL;
}

/* The type's table; *type its number in the union. 0: no such format. */
static ch_flat_ref write_type(ch_flat_builder *b, const char *format, ipc_type *type)
{
    const ipc_plain *plain = find_plain(format);
    if (plain) {
        *type = plain->type;
        ch_flat_open(b);
        if (plain->a_width)
            ch_flat_put(b, 0, plain->a, plain->a_width);
        if (plain->b_width)
            ch_flat_put(b, 1, plain->b, plain->b_width);
        return ch_flat_close(b);
    }
    int precision, scale, bits = 128;
    if (sscanf(format, "d:%d,%d,%d", &precision, &scale, &bits) >= 2) {
        *type = IPC_DECIMAL;
        ch_flat_open(b);
        ch_flat_put(b, 0, precision, 4);
        ch_flat_put(b, 1, scale, 4);
        ch_flat_put(b, 2, bits, 4);
        return ch_flat_close(b);
    }
    static const char UNITS[] = "smun";
    const char *unit = format[0] == 't' && format[1] == 's' && format[2] && format[3] == ':'
                           ? strchr(UNITS, format[2])
                           : NULL;
    if (unit) {
        *type = IPC_TIMESTAMP;
        ch_flat_ref zone = format[4] ? ch_flat_text(b, format + 4, strlen(format + 4)) : 0;
        ch_flat_open(b);
        ch_flat_put_ref(b, 1, zone);
        ch_flat_put(b, 0, unit - UNITS, 2);
        return ch_flat_close(b);
    }
    *type = IPC_NONE;
    return 0;
}

static int32_t i32_at(const char *p)
{
    int32_t v;
    memcpy(&v, p, 4);
    return v;
}

/* The C Data Interface's packed key-value pairs as a vector of KeyValue; 0 when there are none. */
static ch_flat_ref write_metadata(ch_flat_builder *b, const char *metadata)
{
    ch_flat_ref pair[16];
    int32_t n = metadata ? i32_at(metadata) : 0;
    if (n <= 0 || n > 16)
        return 0;
    metadata += 4;
    for (int32_t i = 0; i < n; i++) {
        ch_flat_ref part[2];
        for (int k = 0; k < 2; k++) {
            int32_t len = i32_at(metadata);
            part[k] = ch_flat_text(b, metadata + 4, (size_t)len);
            metadata += 4 + len;
        }
        ch_flat_open(b);
        ch_flat_put_ref(b, KEY_VALUE_KEY, part[0]);
        ch_flat_put_ref(b, KEY_VALUE_VALUE, part[1]);
        pair[i] = ch_flat_close(b);
    }
    return ch_flat_refs(b, pair, (size_t)n);
}

static ch_status write_fields(ch_flat_builder *b, const struct ArrowSchema *schema,
                              ch_flat_ref *out, ch_error *err);

static ch_status write_field(ch_flat_builder *b, const struct ArrowSchema *field, ch_flat_ref *out,
                             ch_error *err)
{
    ch_flat_ref children;
    ipc_type type;
    CH_TRY(write_fields(b, field, &children, err));
    ch_flat_ref metadata = write_metadata(b, field->metadata);
    ch_flat_ref name = ch_flat_text(b, field->name, strlen(field->name));
    ch_flat_ref table = write_type(b, field->format, &type);
    if (!type)
        CH_FAIL(err, UNSUPPORTED, "feature", "this Arrow format in IPC");
    ch_flat_open(b);
    ch_flat_put_ref(b, FIELD_METADATA, metadata);
    ch_flat_put_ref(b, FIELD_CHILDREN, children);
    ch_flat_put_ref(b, FIELD_TYPE, table);
    ch_flat_put_ref(b, FIELD_NAME, name);
    ch_flat_put(b, FIELD_TYPE_TYPE, type, 1);
    ch_flat_put(b, FIELD_NULLABLE, field->flags & ARROW_FLAG_NULLABLE ? 1 : 0, 1);
    *out = ch_flat_close(b);
    return b->status;
}

static ch_status write_fields(ch_flat_builder *b, const struct ArrowSchema *schema,
                              ch_flat_ref *out, ch_error *err)
{
    size_t n = (size_t)schema->n_children;
    ch_flat_ref few[16], *ref = few;
    ch_status status = CH_OK;
    if (n > 16 && !(ref = ch_mem_alloc(b->mem, n * sizeof *ref, err)))
        return CH_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        CH_TRY_OUT(write_field(b, schema->children[i], &ref[i], err));
    *out = ch_flat_refs(b, ref, n);
out:
    if (ref != few)
        ch_mem_free(b->mem, ref, n * sizeof *ref);
    return status;
}

/* ---- messages ---------------------------------------------------------------------------- */

/* Closes the message around header and appends it, up to where its body begins. */
static ch_status add_message(ch_flat_builder *b, int header_type, ch_flat_ref header,
                             int64_t body_length, ch_buf *out, ch_error *err)
{
    const uint8_t *bytes;
    size_t len;
    ch_flat_open(b);
    ch_flat_put(b, MESSAGE_BODY_LENGTH, body_length, 8);
    ch_flat_put_ref(b, MESSAGE_HEADER, header);
    ch_flat_put(b, MESSAGE_VERSION, IPC_V5, 2);
    ch_flat_put(b, MESSAGE_HEADER_TYPE, header_type, 1);
    CH_TRY(ch_flat_finish(b, ch_flat_close(b), &bytes, &len));
    uint32_t head[2] = {UINT32_MAX, (uint32_t)((len + 7) & ~(size_t)7)};
    CH_TRY(ch_buf_add(out, head, sizeof head, err));
    CH_TRY(ch_buf_add(out, bytes, len, err));
    return ch_buf_fill(out, 0, head[1] - len, err);
}

ch_status ch_ipc_write_schema(ch_mem *mem, const struct ArrowSchema *schema, ch_buf *out,
                              ch_error *err)
{
    ch_flat_builder b;
    ch_flat_ref fields;
    ch_flat_init(&b, mem, err);
    ch_status status = CH_OK;
    CH_TRY_OUT(write_fields(&b, schema, &fields, err));
    ch_flat_open(&b);
    ch_flat_put_ref(&b, SCHEMA_FIELDS, fields);
    status = add_message(&b, IPC_SCHEMA, ch_flat_close(&b), 0, out, err);
out:
    ch_flat_release(&b);
    return status;
}

/* One buffer of the body, and where it lies. */
typedef struct part {
    int64_t offset, length; /* as FlatBuffers' struct Buffer */
} part;
typedef struct node {
    int64_t length, null_count;
} node;

typedef struct layout {
    ch_mem *mem;
    part *part;
    const void **data;
    node *node;
    int64_t *variadic;
    size_t n_parts, n_nodes, n_variadic;
    int64_t body;
} layout;

static void count(const struct ArrowArray *a, size_t *parts, size_t *nodes)
{
    *parts += (size_t)a->n_buffers;
    *nodes += 1;
    for (int64_t i = 0; i < a->n_children; i++)
        count(a->children[i], parts, nodes);
}

static void add_part(layout *l, const void *data, int64_t length)
{
    l->data[l->n_parts] = data;
    l->part[l->n_parts++] = (part){l->body, data ? length : 0};
    if (data)
        l->body += (length + ALIGN - 1) & ~(int64_t)(ALIGN - 1);
}

static int64_t nulls_of(const struct ArrowArray *a)
{
    if (a->null_count >= 0)
        return a->null_count;
    int64_t n = 0;
    const uint8_t *valid = a->buffers[0];
    for (int64_t i = 0; valid && i < a->length / 8; i++)
        n += 8 - __builtin_popcount(valid[i]);
    if (valid && a->length % 8)
        n += a->length % 8 -
             __builtin_popcount(valid[a->length / 8] & ((1u << (a->length % 8)) - 1));
    return n;
}

static ch_status lay(layout *l, const struct ArrowSchema *schema, const struct ArrowArray *a,
                     ch_error *err)
{
    const char *f = schema->format;
    int64_t n = a->length, width = ipc_width(f), nulls = nulls_of(a);
    l->node[l->n_nodes++] = (node){n, nulls};
    if (a->n_buffers > 0)
        add_part(l, nulls ? a->buffers[0] : NULL, (n + 7) / 8);
    if (width) {
        add_part(l, a->buffers[1], n * width);
    } else if (f[0] == 'b') {
        add_part(l, a->buffers[1], (n + 7) / 8);
    } else if (f[0] == 'u' || f[0] == 'z') {
        const int32_t *offset = a->buffers[1];
        add_part(l, offset, (n + 1) * 4);
        add_part(l, a->buffers[2], offset[n]);
    } else if (f[0] == 'v') {
        int64_t n_text = a->n_buffers - 3;
        const int64_t *size = a->buffers[2 + n_text];
        add_part(l, a->buffers[1], n * 16);
        for (int64_t i = 0; i < n_text; i++)
            add_part(l, a->buffers[2 + i], size[i]);
        l->variadic[l->n_variadic++] = n_text;
    } else if (strcmp(f, "+l") == 0 || strcmp(f, "+m") == 0) {
        add_part(l, a->buffers[1], (n + 1) * 4);
    } else if (f[0] != 'n' && strcmp(f, "+s") != 0) {
        CH_FAIL(err, UNSUPPORTED, "feature", "this Arrow layout in IPC");
    }
    for (int64_t i = 0; i < a->n_children; i++)
        CH_TRY(lay(l, schema->children[i], a->children[i], err));
    return CH_OK;
}

static ch_status add_batch(layout *l, const struct ArrowSchema *schema,
                           const struct ArrowArray *array, ch_buf *out, ch_error *err)
{
    ch_flat_builder b;
    static const char zeros[ALIGN] = {0};
    for (int64_t i = 0; i < array->n_children; i++)
        CH_TRY(lay(l, schema->children[i], array->children[i], err));
    ch_flat_init(&b, l->mem, err);
    ch_status status = CH_OK;
    ch_flat_ref variadic =
        l->n_variadic ? ch_flat_vector(&b, l->variadic, l->n_variadic, sizeof(int64_t), 8) : 0;
    ch_flat_ref parts = ch_flat_vector(&b, l->part, l->n_parts, sizeof *l->part, 8);
    ch_flat_ref nodes = ch_flat_vector(&b, l->node, l->n_nodes, sizeof *l->node, 8);
    ch_flat_open(&b);
    ch_flat_put(&b, BATCH_LENGTH, array->length, 8);
    ch_flat_put_ref(&b, BATCH_NODES, nodes);
    ch_flat_put_ref(&b, BATCH_BUFFERS, parts);
    ch_flat_put_ref(&b, BATCH_VARIADIC, variadic);
    CH_TRY_OUT(add_message(&b, IPC_RECORD_BATCH, ch_flat_close(&b), l->body, out, err));
    CH_TRY_OUT(ch_buf_reserve(out, (size_t)l->body, err));
    for (size_t i = 0; i < l->n_parts; i++) {
        size_t len = (size_t)l->part[i].length;
        CH_TRY_OUT(ch_buf_add(out, l->data[i] ? l->data[i] : zeros, len, err));
        CH_TRY_OUT(ch_buf_add(out, zeros, -len % ALIGN, err));
    }
out:
    ch_flat_release(&b);
    return status;
}

ch_status ch_ipc_write_batch(ch_mem *mem, const struct ArrowSchema *schema,
                             const struct ArrowArray *array, ch_buf *out, ch_error *err)
{
    size_t parts = 0, nodes = 0;
    count(array, &parts, &nodes);
    size_t bytes = parts * (sizeof(part) + sizeof(void *)) + nodes * (sizeof(node) + 8);
    char *room = ch_mem_alloc(mem, bytes, err);
    if (!room)
        return CH_E_MEMORY;
    layout l = {.mem = mem, .node = (node *)(void *)room};
    l.part = (part *)(void *)(l.node + nodes);
    l.variadic = (int64_t *)(void *)(l.part + parts);
    l.data = (const void **)(void *)(l.variadic + nodes);
    ch_status status = add_batch(&l, schema, array, out, err);
    ch_mem_free(mem, room, bytes);
    return status;
}

ch_status ch_ipc_write_end(ch_buf *out, ch_error *err)
{
    static const uint32_t END[2] = {UINT32_MAX, 0};
    return ch_buf_add(out, END, sizeof END, err);
}

ch_status ch_ipc_write(ch_mem *mem, const struct ArrowSchema *schema,
                       const struct ArrowArray *array, int64_t n, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_ipc_write_schema(mem, schema, out, err));
    for (int64_t i = 0; i < n; i++)
        CH_TRY(ch_ipc_write_batch(mem, schema, &array[i], out, err));
    return ch_ipc_write_end(out, err);
}
