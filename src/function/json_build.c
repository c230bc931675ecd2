/* SPDX-License-Identifier: Apache-2.0 */
/* json_build.c - the builders. */
#include "function/json_build.h"

#include "kernel/hash.h"

/* Structs of more fields have a table of names. */
enum { FEW_FIELDS = 8 };

/* ---- life ---- */

static int32_t value_bytes(const ch_type *t)
{
    if (t->id == CH_BOOLEAN)
        return 1;
    return t->id == CH_ARRAY || t->id == CH_MAP     ? (int32_t)sizeof(int32_t)
           : t->id == CH_STRUCT || t->id == CH_NULL ? 0
                                                    : ch_type_width(t);
}

/* Of several fields of one name only the last is found. */
static ch_status make_names(ch_json_builder *b, ch_arena *arena, ch_error *err)
{
    CH_ARENA_ARRAY(b->name, arena, b->n_child + 1, err);
    for (int32_t i = 0; i < b->n_child; i++)
        b->name[i].len = -1;
    if (b->n_child > FEW_FIELDS) {
        uint32_t n = 32;
        while (n / 2 < (uint32_t)b->n_child)
            n *= 2;
        CH_ARENA_ARRAY(b->slot, arena, n, err);
        b->n_slots = n;
    }
    for (int32_t i = b->n_child; i-- > 0;) {
        const char *name = b->type->field[i].name;
        int64_t len = (int64_t)strlen(name);
        if (ch_json_builder_lookup(b, name, len) >= 0)
            continue;
        b->name[i] = (ch_str){name, len};
        if (!b->n_slots)
            continue;
        uint64_t at = ch_hash_text(name, len);
        while (b->slot[at & (b->n_slots - 1)])
            at++;
        b->slot[at & (b->n_slots - 1)] = i + 1;
    }
    return CH_OK;
}

ch_status ch_json_builder_init(ch_json_builder *b, const ch_type *t, ch_mem *mem, ch_arena *arena,
                               ch_error *err)
{
    *b = (ch_json_builder){
        .type = t, .width = value_bytes(t), .is_list = t->id == CH_ARRAY || t->id == CH_MAP};
    ch_buf_init(&b->valid, mem);
    ch_buf_init(&b->data, mem);
    ch_buf_init(&b->text, mem);
    if (!ch_type_is_nested(t))
        return CH_OK;
    CH_ARENA_ARRAY(b->child, arena, t->n_fields + 1, err);
    for (int32_t i = 0; i < t->n_fields; i++) {
        b->n_child++;
        CH_TRY(ch_json_builder_init(&b->child[i], t->field[i].type, mem, arena, err));
    }
    return t->id == CH_STRUCT ? make_names(b, arena, err) : CH_OK;
}

void ch_json_builder_release(ch_json_builder *b)
{
    ch_buf_release(&b->valid);
    ch_buf_release(&b->data);
    ch_buf_release(&b->text);
    for (int32_t i = 0; i < b->n_child; i++)
        ch_json_builder_release(&b->child[i]);
}

ch_status ch_json_builder_grow(ch_json_builder *b, ch_error *err)
{
    size_t more = b->cap ? (size_t)b->cap : 64;
    b->valid.len = (size_t)b->n;
    b->data.len = (size_t)b->n * (size_t)b->width;
    CH_TRY(ch_buf_reserve(&b->valid, more, err));
    CH_TRY(ch_buf_reserve(&b->data, more * (size_t)b->width, err));
    b->cap = b->n + (int64_t)more;
    return CH_OK;
}

/* ---- values ---- */

int32_t ch_json_builder_lookup(const ch_json_builder *b, const char *text, int64_t len)
{
    if (!b->n_slots) {
        for (int32_t f = 0; f < b->n_child; f++)
            if (b->name[f].len == len && ch_json_same_text(b->name[f].text, text, len))
                return f;
        return -1;
    }
    for (uint64_t at = ch_hash_text(text, len);; at++) {
        int32_t f = b->slot[at & (b->n_slots - 1)] - 1;
        if (f < 0 || (b->name[f].len == len && ch_json_same_text(b->name[f].text, text, len)))
            return f;
    }
}

static int64_t list_end(const ch_json_builder *b, int64_t i)
{
    int32_t end = 0;
    if (i >= 0)
        memcpy(&end, b->data.data + sizeof end * (size_t)i, sizeof end);
    return end;
}

void ch_json_builder_cut(ch_json_builder *b, int64_t n)
{
    if (b->n == n)
        return;
    /* The builder's own text ends where the first view that goes began. */
    for (int64_t i = n; ch_type_is_view(b->type) && i < b->n; i++) {
        ch_view v;
        memcpy(&v, b->data.data + sizeof v * (size_t)i, sizeof v);
        if (v.len > CH_VIEW_INLINE && v.buf == 0) {
            b->text.len = (size_t)v.offset;
            break;
        }
    }
    for (int32_t i = 0; i < b->n_child; i++)
        ch_json_builder_cut(&b->child[i], b->is_list ? list_end(b, n - 1) : n);
    b->n = n;
}

ch_status ch_json_builder_null(ch_json_builder *b, ch_error *err)
{
    static const char zeros[16];
    int32_t end = b->is_list ? (int32_t)b->child[0].n : 0;
    for (int32_t i = 0; !b->is_list && i < b->n_child; i++)
        CH_TRY(ch_json_builder_null(&b->child[i], err));
    CH_TRY(ch_json_builder_add(b, b->is_list ? (const void *)&end : zeros, (size_t)b->width, err));
    b->valid.data[b->n - 1] = 0;
    b->nulls = true;
    return CH_OK;
}

ch_status ch_json_builder_text(ch_json_builder *b, const char *text, int64_t len, ch_error *err)
{
    int64_t at = (int64_t)b->text.len;
    if (at + len > INT32_MAX)
        return ch_error_memory(err, "text of one column", at + len, INT32_MAX);
    ch_view v = ch_view_make(text, len, 0, at);
    if (len > CH_VIEW_INLINE)
        CH_TRY(ch_buf_add(&b->text, text, (size_t)len, err));
    return ch_json_builder_add(b, &v, sizeof v, err);
}

/* ---- columns ---- */

/* Bit i = byte i, which is 0 or 1; the last word's other bits are 0. */
static void pack_bits(const char *byte, int64_t n, uint64_t *bits)
{
    memset(bits, 0, (size_t)ch_bit_bytes(n));
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t eight;
        memcpy(&eight, byte + i, 8);
        bits[i >> 6] |= (eight * UINT64_C(0x0102040810204080) >> 56) << (i & 63);
    }
    for (; i < n; i++)
        bits[i >> 6] |= (uint64_t)(byte[i] != 0) << (i & 63);
}

int64_t ch_json_builder_shared(const ch_json_builder *b)
{
    int64_t bytes = b->shared;
    for (int32_t i = 0; i < b->n_child; i++)
        bytes += ch_json_builder_shared(&b->child[i]);
    return bytes;
}

/* Views of the source's text become views of the builder's own. */
static ch_status own_text(ch_json_builder *b, const ch_column *source, ch_error *err)
{
    ch_view *view = (ch_view *)(void *)b->data.data;
    for (int64_t i = 0; i < b->n; i++) {
        ch_view *v = &view[i];
        if (v->len <= CH_VIEW_INLINE || v->buf == 0)
            continue;
        int64_t at = (int64_t)b->text.len;
        if (at + v->len > INT32_MAX)
            return ch_error_memory(err, "text of one column", at + v->len, INT32_MAX);
        CH_TRY(
            ch_buf_add(&b->text, source->text[v->buf - 1]->data + v->offset, (size_t)v->len, err));
        v->buf = 0;
        v->offset = (int32_t)at;
    }
    b->shared = 0;
    return CH_OK;
}

static ch_status add_text_buffers(ch_json_builder *b, ch_mem *mem, const ch_column *source,
                                  ch_column *column, ch_error *err)
{
    ch_buffer *text;
    int32_t idx;
    if (!b->text.len && !b->shared)
        return CH_OK;
    CH_TRY(ch_buffer_new(mem, (int64_t)b->text.len, &text, err));
    if (b->text.len)
        memcpy(text->data, b->text.data, b->text.len);
    CH_TRY(ch_column_add_text(column, text, &idx, err));
    return b->shared ? ch_column_share_text(column, source, &idx, err) : CH_OK;
}

static ch_status finish_children(ch_json_builder *b, ch_mem *mem, const ch_column *source,
                                 bool share, ch_column *column, ch_error *err)
{
    ch_column **child = column->child;
    if (b->type->id == CH_MAP) {
        const ch_type *entry = ch_type_struct(b->type->field, 2);
        if (!entry)
            return CH_E_MEMORY;
        CH_TRY(ch_column_new(mem, entry, b->child[0].n, &child[0], err));
        child = child[0]->child;
    }
    for (int32_t i = 0; i < b->n_child; i++)
        CH_TRY(ch_json_builder_finish(&b->child[i], mem, source, share, &child[i], err));
    return CH_OK;
}

ch_status ch_json_builder_finish(ch_json_builder *b, ch_mem *mem, const ch_column *source,
                                 bool share, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(mem, b->type, b->n, out, err));
    ch_column *c = *out;
    if (b->nulls && b->n && memchr(b->valid.data, 0, (size_t)b->n) && b->type->id != CH_NULL) {
        CH_TRY(ch_column_need_valid(c, err));
        pack_bits(b->valid.data, b->n, c->valid);
    }
    if (b->shared && !share)
        CH_TRY(own_text(b, source, err));
    size_t bytes = (size_t)b->n * (size_t)b->width;
    if (b->type->id == CH_BOOLEAN && b->n)
        pack_bits(b->data.data, b->n, c->data);
    else if (b->is_list && b->n)
        memcpy((int32_t *)c->data + 1, b->data.data, bytes);
    else if (bytes)
        memcpy(c->data, b->data.data, bytes);
    CH_TRY(add_text_buffers(b, mem, source, c, err));
    CH_TRY(finish_children(b, mem, source, share, c, err));
    ch_buf_reset(&b->text);
    b->n = b->shared = 0;
    b->nulls = false;
    return CH_OK;
}
