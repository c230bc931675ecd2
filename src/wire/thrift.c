/* SPDX-License-Identifier: Apache-2.0 */
/*
 * thrift.c - Thrift's compact protocol.
 *
 *   struct   field* 0x00
 *   field    (id delta << 4 | type), or type and zigzag id when the delta is not in 1..15; then the value
 *            a boolean's value is its type: 1 true, 2 false
 *   int      zigzag varint          double   8 bytes, little endian
 *   binary   varint length, bytes   list     (n << 4 | type), or 0xF0 | type and varint n; elements
 *   map      varint n; if n > 0 (key type << 4 | value type), then keys and values in turn
 */
#include "wire/thrift.h"

enum {
    W_STOP,
    W_TRUE,
    W_FALSE,
    W_I8,
    W_I16,
    W_I32,
    W_I64,
    W_DOUBLE,
    W_BINARY,
    W_LIST,
    W_SET,
    W_MAP,
    W_STRUCT
};

/* Far more than any schema of ours; skipping and reading recurse this deep at most. */
#define DEPTH_MAX 24
#define FIRST_ITEMS 16

typedef struct reader {
    const uint8_t *at, *end;
    ch_arena *arena;
    const char *path;
    ch_error *err;
} reader;

static ch_status broken(const reader *r, const char *what, const char *reason)
{
    char text[160];
    size_t n = strlen(what), m = strlen(reason);
    if (n + m + 8 > sizeof text)
        n = 0;
    memcpy(text, what, n);
    memcpy(text + n, ": ", 2);
    memcpy(text + n + 2, reason, m + 1);
    CH_FAIL(r->err, CORRUPT_FILE, "path", r->path, "reason", text);
}

static ch_status read_varint(reader *r, uint64_t *out)
{
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        if (r->at == r->end)
            return broken(r, "metadata", "it ends in the middle of a number");
        uint8_t b = *r->at++;
        v |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80)) {
            *out = v;
            return CH_OK;
        }
    }
    return broken(r, "metadata", "a number has too many bytes");
}

static ch_status read_int(reader *r, int64_t *out)
{
    uint64_t v;
    CH_TRY(read_varint(r, &v));
    *out = (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
    return CH_OK;
}

static ch_status read_bytes(reader *r, ch_thrift_bytes *out)
{
    uint64_t n;
    CH_TRY(read_varint(r, &n));
    if (n > (uint64_t)(r->end - r->at))
        return broken(r, "metadata", "a text is longer than what is left");
    *out = (ch_thrift_bytes){(const char *)r->at, (int64_t)n};
    r->at += n;
    return CH_OK;
}

static ch_status read_list_head(reader *r, int *type, int64_t *n)
{
    if (r->at == r->end)
        return broken(r, "metadata", "it ends before a list");
    uint8_t head = *r->at++;
    uint64_t count = head >> 4;
    *type = head & 0xF;
    if (count == 15)
        CH_TRY(read_varint(r, &count));
    /* Every element has at least one byte. */
    if (count > (uint64_t)(r->end - r->at))
        return broken(r, "metadata", "a list is longer than what is left");
    *n = (int64_t)count;
    return CH_OK;
}

static ch_status skip_struct(reader *r, int depth);

/* in_list: a boolean then has a byte of its own. */
static ch_status skip(reader *r, int type, bool in_list, int depth)
{
    int64_t n;
    uint64_t u;
    int key;
    ch_thrift_bytes text;
    if (depth > DEPTH_MAX)
        return broken(r, "metadata", "it is nested too deeply");
    switch (type) {
    case W_TRUE:
    case W_FALSE:
        if (!in_list)
            return CH_OK;
        /* fallthrough */
    case W_I8:
        if (r->at == r->end)
            return broken(r, "metadata", "it ends too early");
        r->at++;
        return CH_OK;
    case W_I16:
    case W_I32:
    case W_I64:
        return read_varint(r, &u);
    case W_DOUBLE:
        if (r->end - r->at < 8)
            return broken(r, "metadata", "it ends too early");
        r->at += 8;
        return CH_OK;
    case W_BINARY:
        return read_bytes(r, &text);
    case W_LIST:
    case W_SET:
        CH_TRY(read_list_head(r, &key, &n));
        for (int64_t i = 0; i < n; i++)
            CH_TRY(skip(r, key, true, depth + 1));
        return CH_OK;
    case W_MAP:
        CH_TRY(read_varint(r, &u));
        if (u == 0)
            return CH_OK;
        if (u > (uint64_t)(r->end - r->at))
            return broken(r, "metadata", "a map is longer than what is left");
        key = *r->at >> 4;
        int value = *r->at++ & 0xF;
        for (uint64_t i = 0; i < u; i++) {
            CH_TRY(skip(r, key, true, depth + 1));
            CH_TRY(skip(r, value, true, depth + 1));
        }
        return CH_OK;
    case W_STRUCT:
        return skip_struct(r, depth + 1);
    default:
        return broken(r, "metadata", "a field of an unknown type");
    }
}

/* The next field's type (W_STOP at the end) and id. */
static ch_status read_field_head(reader *r, int64_t *id, int *type)
{
    if (r->at == r->end)
        return broken(r, "metadata", "it ends in the middle of a struct");
    uint8_t head = *r->at++;
    *type = head & 0xF;
    if (*type == W_STOP)
        return CH_OK;
    if (head >> 4) {
        *id += head >> 4;
        return CH_OK;
    }
    CH_TRY(read_int(r, id));
    return *id < INT16_MIN || *id > INT16_MAX ? broken(r, "metadata", "a field number too large")
                                              : CH_OK;
}

static ch_status skip_struct(reader *r, int depth)
{
    int64_t id = 0;
    int type = W_STOP;
    if (depth > DEPTH_MAX)
        return broken(r, "metadata", "it is nested too deeply");
    for (;;) {
        CH_TRY(read_field_head(r, &id, &type));
        if (type == W_STOP)
            return CH_OK;
        CH_TRY(skip(r, type, false, depth));
    }
}

/* ---- reading by table ---------------------------------------------------------------------- */

static const uint8_t WIRE[] = {
    [CH_TH_BOOL] = W_TRUE,    [CH_TH_I8] = W_I8,         [CH_TH_I16] = W_I16,
    [CH_TH_I32] = W_I32,      [CH_TH_I64] = W_I64,       [CH_TH_DOUBLE] = W_DOUBLE,
    [CH_TH_BYTES] = W_BINARY, [CH_TH_STRUCT] = W_STRUCT, [CH_TH_EMPTY] = W_STRUCT,
};

static size_t width(const ch_thrift_field *f)
{
    static const uint8_t WIDTH[] = {[CH_TH_BOOL] = sizeof(bool),
                                    [CH_TH_I8] = 1,
                                    [CH_TH_I16] = 2,
                                    [CH_TH_I32] = 4,
                                    [CH_TH_I64] = 8,
                                    [CH_TH_DOUBLE] = 8,
                                    [CH_TH_BYTES] = sizeof(ch_thrift_bytes)};
    return f->kind == CH_TH_STRUCT ? (size_t)f->of->size : WIDTH[f->kind];
}

static bool same_wire(int want, int got)
{
    return want == got || (want == W_TRUE && got == W_FALSE);
}

static ch_status read_struct(reader *r, const ch_thrift_struct *of, void *out, int depth);

static ch_status read_ranged(reader *r, int64_t limit, int64_t *out)
{
    CH_TRY(read_int(r, out));
    return *out > limit || *out < -limit - 1 ? broken(r, "metadata", "a number is out of range")
                                             : CH_OK;
}

static ch_status read_value(reader *r, const ch_thrift_field *f, int wire, bool in_list, void *to,
                            int depth)
{
    int64_t v;
    switch (f->kind) {
    case CH_TH_BOOL:
        if (!in_list) {
            *(bool *)to = wire == W_TRUE;
            return CH_OK;
        }
        if (r->at == r->end)
            return broken(r, "metadata", "it ends too early");
        *(bool *)to = *r->at++ == W_TRUE;
        return CH_OK;
    case CH_TH_I8:
        if (r->at == r->end)
            return broken(r, "metadata", "it ends too early");
        *(int8_t *)to = (int8_t)*r->at++;
        return CH_OK;
    case CH_TH_I16:
        CH_TRY(read_ranged(r, INT16_MAX, &v));
        *(int16_t *)to = (int16_t)v;
        return CH_OK;
    case CH_TH_I32:
        CH_TRY(read_ranged(r, INT32_MAX, &v));
        *(int32_t *)to = (int32_t)v;
        return CH_OK;
    case CH_TH_I64:
        return read_int(r, to);
    case CH_TH_DOUBLE:
        if (r->end - r->at < 8)
            return broken(r, "metadata", "it ends too early");
        memcpy(to, r->at, 8);
        r->at += 8;
        return CH_OK;
    case CH_TH_BYTES:
        return read_bytes(r, to);
    case CH_TH_EMPTY:
        return skip_struct(r, depth + 1);
    default:
        break;
    }
    if (in_list)
        return read_struct(r, f->of, to, depth + 1);
    void *sub = ch_arena_alloc(r->arena, (size_t)f->of->size, r->err);
    if (!sub)
        return CH_E_MEMORY;
    *(void **)to = sub;
    return read_struct(r, f->of, sub, depth + 1);
}

static ch_status read_list(reader *r, const ch_thrift_field *f, ch_thrift_list *out, int depth)
{
    int type = W_STOP;
    int64_t n, cap;
    size_t size = width(f);
    CH_TRY(read_list_head(r, &type, &n));
    if (n > INT32_MAX)
        return broken(r, "metadata", "a list is too long");
    if (n && !same_wire(WIRE[f->kind], type))
        return broken(r, "metadata", "a list has elements of another type");
    cap = size <= 16 || n < FIRST_ITEMS ? n : FIRST_ITEMS;
    char *item = ch_arena_alloc(r->arena, size * (size_t)(cap ? cap : 1), r->err);
    if (!item)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        if (i == cap) {
            cap = cap * 4 < n ? cap * 4 : n;
            char *more = ch_arena_alloc(r->arena, size * (size_t)cap, r->err);
            if (!more)
                return CH_E_MEMORY;
            memcpy(more, item, size * (size_t)i);
            item = more;
        }
        CH_TRY(read_value(r, f, type, true, item + size * (size_t)i, depth));
    }
    *out = (ch_thrift_list){item, (int32_t)n};
    return CH_OK;
}

static ch_status read_struct(reader *r, const ch_thrift_struct *of, void *out, int depth)
{
    int64_t id = 0;
    int type = W_STOP, next = 0;
    memset(out, 0, (size_t)of->size);
    if (depth > DEPTH_MAX)
        return broken(r, of->name, "nested too deeply");
    for (;;) {
        CH_TRY(read_field_head(r, &id, &type));
        if (type == W_STOP)
            break;
        /* Fields come in order nearly always. */
        if (next > 0 && of->field[next - 1].id >= id)
            next = 0;
        while (next < of->n_fields && of->field[next].id < id)
            next++;
        const ch_thrift_field *f = next < of->n_fields ? &of->field[next] : NULL;
        bool known =
            f && f->id == id &&
            (f->is_list ? type == W_LIST || type == W_SET : same_wire(WIRE[f->kind], type));
        if (!known) {
            CH_TRY(skip(r, type, false, depth));
            continue;
        }
        void *to = (char *)out + f->offset;
        if (f->is_list)
            CH_TRY(read_list(r, f, to, depth));
        else
            CH_TRY(read_value(r, f, type, false, to, depth));
        ch_thrift_set(out, f->id);
    }
    for (int i = 0; i < of->n_fields; i++)
        if (of->field[i].required && !ch_thrift_has(out, of->field[i].id))
            return broken(r, of->name, "a required field is missing");
    return CH_OK;
}

ch_status ch_thrift_read(const ch_thrift_struct *of, const void *bytes, size_t len, size_t *used,
                         ch_arena *arena, void *out, const char *path, ch_error *err)
{
    reader r = {bytes, (const uint8_t *)bytes + len, arena, path, err};
    ch_status status = read_struct(&r, of, out, 0);
    if (used)
        *used = (size_t)(r.at - (const uint8_t *)bytes);
    return status;
}

/* ---- writing ------------------------------------------------------------------------------- */

static ch_status write_varint(ch_buf *out, uint64_t v, ch_error *err)
{
    uint8_t b[10];
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        b[n++] = (uint8_t)(v | 0x80);
    b[n++] = (uint8_t)v;
    return ch_buf_add(out, b, n, err);
}

static ch_status write_int(ch_buf *out, int64_t v, ch_error *err)
{
    return write_varint(out, (uint64_t)v << 1 ^ (uint64_t)(v >> 63), err);
}

static ch_status write_value(const ch_thrift_field *f, bool in_list, const void *from, ch_buf *out,
                             ch_error *err)
{
    const ch_thrift_bytes *text = from;
    switch (f->kind) {
    case CH_TH_BOOL:
        return in_list ? ch_buf_addc(out, *(const bool *)from ? W_TRUE : W_FALSE, err) : CH_OK;
    case CH_TH_I8:
        return ch_buf_addc(out, *(const char *)from, err);
    case CH_TH_I16:
        return write_int(out, *(const int16_t *)from, err);
    case CH_TH_I32:
        return write_int(out, *(const int32_t *)from, err);
    case CH_TH_I64:
        return write_int(out, *(const int64_t *)from, err);
    case CH_TH_DOUBLE:
        return ch_buf_add(out, from, 8, err);
    case CH_TH_BYTES:
        CH_TRY(write_varint(out, (uint64_t)text->len, err));
        return text->len ? ch_buf_add(out, text->text, (size_t)text->len, err) : CH_OK;
    case CH_TH_EMPTY:
        return ch_buf_addc(out, W_STOP, err);
    default:
        return ch_thrift_write(f->of, in_list ? from : *(void *const *)from, out, err);
    }
}

static ch_status write_list(const ch_thrift_field *f, const ch_thrift_list *list, ch_buf *out,
                            ch_error *err)
{
    size_t size = width(f);
    if (list->n < 15) {
        CH_TRY(ch_buf_addc(out, (char)(list->n << 4 | WIRE[f->kind]), err));
    } else {
        CH_TRY(ch_buf_addc(out, (char)(0xF0 | WIRE[f->kind]), err));
        CH_TRY(write_varint(out, (uint64_t)list->n, err));
    }
    for (int32_t i = 0; i < list->n; i++)
        CH_TRY(write_value(f, true, (const char *)list->item + size * (size_t)i, out, err));
    return CH_OK;
}

static bool is_there(const ch_thrift_field *f, const void *value, const void *from)
{
    if (f->kind == CH_TH_STRUCT && !f->is_list)
        return *(void *const *)from != NULL;
    if (f->required || ch_thrift_has(value, f->id))
        return true;
    return f->is_list && ((const ch_thrift_list *)from)->item;
}

ch_status ch_thrift_write(const ch_thrift_struct *of, const void *value, ch_buf *out, ch_error *err)
{
    int last = 0;
    for (int i = 0; i < of->n_fields; i++) {
        const ch_thrift_field *f = &of->field[i];
        const void *from = (const char *)value + f->offset;
        if (!is_there(f, value, from))
            continue;
        int type = f->is_list ? W_LIST : WIRE[f->kind];
        if (type == W_TRUE && !*(const bool *)from)
            type = W_FALSE;
        if (f->id - last <= 15) {
            CH_TRY(ch_buf_addc(out, (char)((f->id - last) << 4 | type), err));
        } else {
            CH_TRY(ch_buf_addc(out, (char)type, err));
            CH_TRY(write_int(out, f->id, err));
        }
        last = f->id;
        CH_TRY(f->is_list ? write_list(f, from, out, err) : write_value(f, false, from, out, err));
    }
    return ch_buf_addc(out, W_STOP, err);
}
