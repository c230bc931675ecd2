/* SPDX-License-Identifier: Apache-2.0 */
/* agg_value.c - single values of any type in aggregate states: kept, ordered, hashed, spilled. */
#include "column/textout.h"
#include "function/agg.h"
#include "kernel/compare.h"
#include "kernel/hash.h"

/* ---- copying ----------------------------------------------------------------------------- */

/* Items of a list, map (keys and values in turn), struct or variant. */
typedef struct items {
    const ch_column *parent; /* item k: child[k % fields], row from + k / fields */
    int64_t from, n, fields;
} items;

/* c is FLAT or CONST, i a slot that is not NULL. */
static items items_of(const ch_column *c, int64_t i)
{
    bool is_list = c->type->id == CH_ARRAY || c->type->id == CH_MAP;
    const int32_t *offset = c->data;
    items it = {.parent = c->type->id == CH_MAP ? c->child[0] : c};
    it.fields = it.parent->n_child;
    it.from = is_list ? offset[i] : i;
    it.n = (is_list ? offset[i + 1] - offset[i] : 1) * it.fields;
    if (c->type->id == CH_ARRAY)
        it.fields = 1;
    return it;
}
static const ch_column *item_column(const items *it, int64_t k)
{
    return it->parent->child[k % it->fields];
}
static int64_t item_row(const items *it, int64_t k)
{
    return it->from + k / it->fields;
}

static int64_t text_room(int64_t len)
{
    return (len + 15) & ~(int64_t)15;
}

/* Bytes that a value of its own takes behind its scalar. */
static int64_t room_of_row(const ch_column *c, int64_t i)
{
    if (ch_column_is_null(c, i))
        return 0;
    i = ch_column_slot(c, i);
    c = ch_column_values(c);
    if (ch_type_is_view(c->type))
        return text_room(ch_column_str(c, i).len);
    if (!ch_type_is_nested(c->type))
        return 0;
    items it = items_of(c, i);
    int64_t bytes = it.n * (int64_t)sizeof(ch_scalar);
    for (int64_t k = 0; k < it.n; k++)
        bytes += room_of_row(item_column(&it, k), item_row(&it, k));
    return bytes;
}

static int64_t room_of(const ch_scalar *v)
{
    if (v->is_null)
        return 0;
    if (ch_type_is_view(v->type))
        return text_room(v->v.str.len);
    if (!ch_type_is_nested(v->type))
        return 0;
    int64_t bytes = v->v.list.n * (int64_t)sizeof(ch_scalar);
    for (int64_t k = 0; k < v->v.list.n; k++)
        bytes += room_of(&v->v.list.item[k]);
    return bytes;
}

static void put_text(ch_scalar *out, const char *text, int64_t len, char **at)
{
    if (len)
        memcpy(*at, text, (size_t)len);
    out->v.str.text = *at;
    out->v.str.len = len;
    *at += text_room(len);
}

/* *out = row i; what it points to is written from *at on. */
static void put_row(const ch_column *c, int64_t i, ch_scalar *out, char **at)
{
    if (!ch_column_is_null(c, i) && ch_type_is_nested(c->type)) {
        i = ch_column_slot(c, i);
        c = ch_column_values(c);
        items it = items_of(c, i);
        ch_scalar *item = (ch_scalar *)(void *)*at;
        *at += it.n * (int64_t)sizeof(ch_scalar);
        for (int64_t k = 0; k < it.n; k++)
            put_row(item_column(&it, k), item_row(&it, k), &item[k], at);
        *out = (ch_scalar){.type = c->type};
        out->v.list.item = item;
        out->v.list.n = it.n;
        return;
    }
    if (ch_column_scalar(c, i, NULL, out, NULL) != CH_OK) /* fails with items only */
        return;
    if (!out->is_null && ch_type_is_view(out->type))
        put_text(out, out->v.str.text, out->v.str.len, at);
}

static void put_scalar(const ch_scalar *in, ch_scalar *out, char **at)
{
    *out = *in;
    if (in->is_null)
        return;
    if (ch_type_is_view(in->type)) {
        put_text(out, in->v.str.text, in->v.str.len, at);
    } else if (ch_type_is_nested(in->type)) {
        ch_scalar *item = (ch_scalar *)(void *)*at;
        *at += in->v.list.n * (int64_t)sizeof(ch_scalar);
        for (int64_t k = 0; k < in->v.list.n; k++)
            put_scalar(&in->v.list.item[k], &item[k], at);
        out->v.list.item = item;
    }
}

ch_status ch_agg_copy(const ch_scalar *in, ch_arena *extra, ch_scalar *out, ch_error *err)
{
    int64_t bytes = room_of(in);
    char *at = bytes ? ch_arena_alloc(extra, (size_t)bytes, err) : NULL;
    if (bytes && !at)
        return CH_E_MEMORY;
    put_scalar(in, out, &at);
    return CH_OK;
}

ch_status ch_agg_keep(const ch_column *c, int64_t i, ch_arena *extra, ch_scalar *out, ch_error *err)
{
    int64_t bytes = room_of_row(c, i);
    char *at = bytes ? ch_arena_alloc(extra, (size_t)bytes, err) : NULL;
    if (bytes && !at)
        return CH_E_MEMORY;
    put_row(c, i, out, &at);
    return CH_OK;
}

/* A block for the scalar and `bytes` behind it; a second one is larger than asked for. */
static ch_status slot_room(ch_agg_slot *slot, int64_t bytes, ch_arena *extra, ch_error *err)
{
    bytes += (int64_t)sizeof(ch_scalar);
    if (bytes <= slot->cap)
        return CH_OK;
    if (slot->v)
        bytes += bytes / 2;
    ch_scalar *v = ch_arena_alloc(extra, (size_t)bytes, err);
    if (!v)
        return CH_E_MEMORY;
    *slot = (ch_agg_slot){v, bytes};
    return CH_OK;
}

ch_status ch_agg_set(ch_agg_slot *slot, const ch_column *c, int64_t i, ch_arena *extra,
                     ch_error *err)
{
    CH_TRY(slot_room(slot, room_of_row(c, i), extra, err));
    char *at = (char *)(slot->v + 1);
    put_row(c, i, slot->v, &at);
    return CH_OK;
}

ch_status ch_agg_set_scalar(ch_agg_slot *slot, const ch_scalar *in, ch_arena *extra, ch_error *err)
{
    CH_TRY(slot_room(slot, room_of(in), extra, err));
    char *at = (char *)(slot->v + 1);
    put_scalar(in, slot->v, &at);
    return CH_OK;
}

/* ---- order and hash ---------------------------------------------------------------------- */

int ch_agg_compare(const ch_scalar *a, const ch_scalar *b)
{
    if (a->is_null || b->is_null)
        return b->is_null - a->is_null;
    const ch_type *t = a->type;
    if (ch_type_is_view(t))
        return ch_compare_str((ch_str){a->v.str.text, a->v.str.len},
                              (ch_str){b->v.str.text, b->v.str.len});
    if (t->id == CH_FLOAT || t->id == CH_DOUBLE)
        return ch_compare_f64(a->v.f64, b->v.f64);
    if (t->id == CH_BOOLEAN)
        return (int)a->v.boolean - (int)b->v.boolean;
    if (ch_type_is_nested(t)) {
        for (int64_t i = 0; i < a->v.list.n && i < b->v.list.n; i++) {
            int c = ch_agg_compare(&a->v.list.item[i], &b->v.list.item[i]);
            if (c)
                return c;
        }
        return (a->v.list.n > b->v.list.n) - (a->v.list.n < b->v.list.n);
    }
    if (t->id == CH_CALENDAR_INTERVAL) {
        int c = memcmp(&a->v.interval, &b->v.interval, sizeof a->v.interval);
        return (c > 0) - (c < 0);
    }
    if (ch_type_width(t) == 16)
        return (a->v.i128 > b->v.i128) - (a->v.i128 < b->v.i128);
    return (a->v.i64 > b->v.i64) - (a->v.i64 < b->v.i64);
}

int ch_agg_compare_row(const ch_column *c, int64_t i, const ch_scalar *b)
{
    bool null = ch_column_is_null(c, i);
    if (null || b->is_null)
        return b->is_null - null;
    if (ch_type_is_nested(c->type)) {
        i = ch_column_slot(c, i);
        c = ch_column_values(c);
        items it = items_of(c, i);
        for (int64_t k = 0; k < it.n && k < b->v.list.n; k++) {
            int cmp = ch_agg_compare_row(item_column(&it, k), item_row(&it, k), &b->v.list.item[k]);
            if (cmp)
                return cmp;
        }
        return (it.n > b->v.list.n) - (it.n < b->v.list.n);
    }
    ch_scalar a;
    return ch_column_scalar(c, i, NULL, &a, NULL) == CH_OK ? ch_agg_compare(&a, b) : 0;
}

uint64_t ch_agg_hash(const ch_scalar *v)
{
    if (v->is_null)
        return CH_HASH_NULL;
    const ch_type *t = v->type;
    if (ch_type_is_view(t))
        return ch_hash_text(v->v.str.text, v->v.str.len);
    if (t->id == CH_FLOAT || t->id == CH_DOUBLE)
        return ch_hash_f64(v->v.f64);
    if (t->id == CH_BOOLEAN)
        return ch_hash_u64(v->v.boolean);
    if (ch_type_is_nested(t)) {
        uint64_t h = ch_hash_u64((uint64_t)v->v.list.n);
        for (int64_t i = 0; i < v->v.list.n; i++)
            h = ch_hash_combine(h, ch_agg_hash(&v->v.list.item[i]));
        return h;
    }
    if (ch_type_width(t) == 16)
        return ch_hash_128((uint64_t)v->v.i128, (uint64_t)(v->v.i128 >> 64));
    return ch_hash_u64((uint64_t)v->v.i64);
}

uint64_t ch_agg_hash_row(const ch_column *c, int64_t i)
{
    if (!ch_column_is_null(c, i) && ch_type_is_nested(c->type)) {
        i = ch_column_slot(c, i);
        c = ch_column_values(c);
        items it = items_of(c, i);
        uint64_t h = ch_hash_u64((uint64_t)it.n);
        for (int64_t k = 0; k < it.n; k++)
            h = ch_hash_combine(h, ch_agg_hash_row(item_column(&it, k), item_row(&it, k)));
        return h;
    }
    ch_scalar v;
    return ch_column_scalar(c, i, NULL, &v, NULL) == CH_OK ? ch_agg_hash(&v) : 0;
}

/* ---- to disk ----------------------------------------------------------------------------- */

/*
 * Bytes: 0 for NULL, else 1 and
 *   text, nested   int64 length, then the bytes or the items
 *   others         16 bytes of the union
 */
ch_status ch_agg_write(const ch_scalar *v, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, v->is_null ? 0 : 1, err));
    if (v->is_null)
        return CH_OK;
    if (ch_type_is_view(v->type)) {
        CH_TRY(ch_buf_add(out, &v->v.str.len, sizeof v->v.str.len, err));
        return ch_buf_add(out, v->v.str.text, (size_t)v->v.str.len, err);
    }
    if (ch_type_is_nested(v->type)) {
        CH_TRY(ch_buf_add(out, &v->v.list.n, sizeof v->v.list.n, err));
        for (int64_t i = 0; i < v->v.list.n; i++)
            CH_TRY(ch_agg_write(&v->v.list.item[i], out, err));
        return CH_OK;
    }
    return ch_buf_add(out, &v->v, 16, err);
}

static const ch_type *item_type(const ch_type *t, int64_t i)
{
    return t->id == CH_MAP      ? t->field[i & 1].type
           : t->id == CH_STRUCT ? t->field[i].type
           : t->id == CH_ARRAY  ? t->field[0].type
                                : ch_type_of(CH_BINARY);
}

ch_status ch_agg_read(const char **p, const ch_type *type, ch_arena *extra, ch_scalar *out,
                      ch_error *err)
{
    *out = (ch_scalar){.type = type, .is_null = *(*p)++ == 0};
    if (out->is_null)
        return CH_OK;
    if (ch_type_is_view(type)) {
        memcpy(&out->v.str.len, *p, sizeof out->v.str.len);
        *p += sizeof out->v.str.len;
        if (!(out->v.str.text = ch_arena_strn(extra, *p, (size_t)out->v.str.len, err)))
            return CH_E_MEMORY;
        *p += out->v.str.len;
        return CH_OK;
    }
    if (ch_type_is_nested(type)) {
        ch_scalar *item;
        memcpy(&out->v.list.n, *p, sizeof out->v.list.n);
        *p += sizeof out->v.list.n;
        CH_ARENA_ARRAY(item, extra, out->v.list.n + 1, err);
        for (int64_t i = 0; i < out->v.list.n; i++)
            CH_TRY(ch_agg_read(p, item_type(type, i), extra, &item[i], err));
        out->v.list.item = item;
        return CH_OK;
    }
    memcpy(&out->v, *p, 16);
    *p += 16;
    return CH_OK;
}

ch_status ch_agg_save(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                      ch_agg_writer write, ch_error *err)
{
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    ch_textout_init(&w, out);
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < n && status == CH_OK; i++) {
        ch_buf_reset(&buf);
        status = write(call, state[i], &buf, err);
        if (status == CH_OK)
            status = ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err);
    }
    ch_buf_release(&buf);
    return status;
}
