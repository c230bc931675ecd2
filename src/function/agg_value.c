/* SPDX-License-Identifier: Apache-2.0 */
/* agg_value.c - single values of any type in aggregate states: kept, ordered, hashed, spilled. */
#include "function/agg.h"
#include "kernel/compare.h"
#include "kernel/hash.h"

ch_status ch_agg_copy(const ch_scalar *in, ch_arena *extra, ch_scalar *out, ch_error *err)
{
    *out = *in;
    if (in->is_null)
        return CH_OK;
    if (ch_type_is_view(in->type)) {
        if (!(out->v.str.text = ch_arena_strn(extra, in->v.str.text, (size_t)in->v.str.len, err)))
            return CH_E_MEMORY;
    } else if (ch_type_is_nested(in->type)) {
        ch_scalar *item;
        CH_ARENA_ARRAY(item, extra, in->v.list.n + 1, err);
        for (int64_t i = 0; i < in->v.list.n; i++)
            CH_TRY(ch_agg_copy(&in->v.list.item[i], extra, &item[i], err));
        out->v.list.item = item;
    }
    return CH_OK;
}

ch_status ch_agg_keep(const ch_column *c, int64_t i, ch_arena *extra, ch_scalar *out, ch_error *err)
{
    ch_scalar v;
    CH_TRY(ch_column_scalar(c, i, extra, &v, err));
    return ch_agg_copy(&v, extra, out, err);
}

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
