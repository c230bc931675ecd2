/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_listagg.c - listagg, string_agg: texts that are not NULL, one behind the other, in the order of WITHIN GROUP.
 *
 * A state keeps rows of a text and the keys to order it by, in `extra`; they are sorted for the result.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "column/textout.h"
#include "function/agg.h"

typedef struct list_state {
    ch_scalar *item; /* n rows of 1 + n_keys */
    int64_t n, cap;
} list_state;

typedef struct list_rule {
    ch_str delimiter;
    int32_t n_keys, first_key; /* arguments from first_key on */
    const ch_bind_key *key;
} list_rule;

static ch_status add_row(list_state *s, int32_t width, ch_scalar **row, ch_arena *extra,
                         ch_error *err)
{
    if (s->n == s->cap) {
        int64_t cap = s->cap ? s->cap * 2 : 4;
        ch_scalar *item;
        CH_ARENA_ARRAY(item, extra, cap * width, err);
        if (s->n)
            memcpy(item, s->item, sizeof *item * (size_t)(s->n * width));
        s->item = item;
        s->cap = cap;
    }
    *row = s->item + s->n * width;
    return CH_OK;
}

static ch_status update_list(const ch_call *call, uint8_t *const *state, bool one_group,
                             ch_arena *extra, ch_error *err)
{
    const list_rule *rule = call->data;
    int32_t n = 0, width = 1 + rule->n_keys;
    size_t bytes = sizeof(ch_column *) * (size_t)width;
    ch_status status = CH_OK;
    ch_column **c = ch_mem_alloc(call->mem, bytes, err);
    if (!c)
        return CH_E_MEMORY;
    for (; n < width; n++)
        CH_TRY_OUT(ch_agg_flat(call, n ? rule->first_key + n - 1 : 0, &c[n], err));
    for (int64_t i = 0; i < call->rows; i++) {
        ch_scalar *row;
        if (c[0]->type->id == CH_NULL || ch_column_is_null(c[0], i))
            continue;
        list_state *s = (list_state *)(void *)state[one_group ? 0 : i];
        CH_TRY_OUT(add_row(s, width, &row, extra, err));
        for (int32_t k = 0; k < width; k++)
            CH_TRY_OUT(ch_agg_keep(c[k], i, extra, &row[k], err));
        s->n++;
    }
out:
    while (n > 0)
        ch_column_unref(c[--n]);
    ch_mem_free(call->mem, c, bytes);
    return status;
}

static ch_status merge_list(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    const list_rule *rule = call->data;
    int32_t width = 1 + rule->n_keys;
    for (int64_t i = 0; i < n; i++) {
        list_state *s = (list_state *)(void *)into[i];
        const list_state *f = (const list_state *)(void *)from[i];
        for (int64_t r = 0; r < f->n; r++, s->n++) {
            ch_scalar *row;
            CH_TRY(add_row(s, width, &row, extra, err));
            for (int32_t k = 0; k < width; k++)
                CH_TRY(ch_agg_copy(&f->item[r * width + k], extra, &row[k], err));
        }
    }
    return CH_OK;
}

static int by_keys(const void *x, const void *y, void *user)
{
    const list_rule *rule = user;
    const ch_scalar *a = x, *b = y;
    for (int32_t k = 0; k < rule->n_keys; k++) {
        const ch_scalar *u = &a[1 + k], *v = &b[1 + k];
        int c;
        if (u->is_null || v->is_null)
            c = u->is_null == v->is_null ? 0 : u->is_null == rule->key[k].nulls_first ? -1 : 1;
        else
            c = rule->key[k].descending ? ch_agg_compare(v, u) : ch_agg_compare(u, v);
        if (c)
            return c;
    }
    return 0;
}

/* Equal keys keep their order: qsort_r() of the C library is a merge sort where memory allows, not by promise. */
static ch_status sorted(const ch_call *call, const list_state *s, ch_scalar **out, size_t *bytes,
                        ch_error *err)
{
    const list_rule *rule = call->data;
    size_t width = 1 + (size_t)rule->n_keys;
    *bytes = sizeof(ch_scalar) * width * (size_t)s->n;
    if (!(*out = ch_mem_alloc(call->mem, *bytes, err)))
        return CH_E_MEMORY;
    memcpy(*out, s->item, *bytes);
    qsort_r(*out, (size_t)s->n, sizeof(ch_scalar) * width, by_keys, call->data);
    return CH_OK;
}

static ch_status write_list(const ch_call *call, const list_state *s, ch_buf *buf, ch_error *err)
{
    const list_rule *rule = call->data;
    int32_t width = 1 + rule->n_keys;
    ch_scalar *own = NULL;
    const ch_scalar *row = s->item;
    size_t bytes = 0;
    ch_status status = CH_OK;
    if (rule->n_keys) {
        CH_TRY(sorted(call, s, &own, &bytes, err));
        row = own;
    }
    ch_buf_reset(buf);
    for (int64_t r = 0; r < s->n && status == CH_OK; r++, row += width) {
        if (r)
            status = ch_buf_add(buf, rule->delimiter.text, (size_t)rule->delimiter.len, err);
        if (status == CH_OK)
            status = ch_buf_add(buf, row->v.str.text, (size_t)row->v.str.len, err);
    }
    ch_mem_free(call->mem, own, bytes);
    return status;
}

static ch_status result_list(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < n; i++) {
        const list_state *s = (const list_state *)(void *)state[i];
        if (!s->n) {
            CH_TRY_OUT(ch_set_null(*out, i, err));
            continue;
        }
        CH_TRY_OUT(write_list(call, s, &buf, err));
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    return status;
}

static ch_status write_rows(const ch_call *call, const uint8_t *state, ch_buf *out, ch_error *err)
{
    const list_rule *rule = call->data;
    const list_state *s = (const list_state *)(const void *)state;
    for (int64_t k = 0; k < s->n * (1 + rule->n_keys); k++)
        CH_TRY(ch_agg_write(&s->item[k], out, err));
    return CH_OK;
}

static ch_status save_list(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                           ch_error *err)
{
    return ch_agg_save(call, state, n, out, write_rows, err);
}

static ch_status load_list(const ch_call *call, const ch_column *in, uint8_t *const *state,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    const list_rule *rule = call->data;
    int32_t width = 1 + rule->n_keys;
    for (int64_t i = 0; i < n; i++) {
        list_state *s = (list_state *)(void *)state[i];
        ch_str bytes = ch_column_str(in, i);
        *s = (list_state){0};
        for (const char *p = bytes.text; p < bytes.text + bytes.len; s->n++) {
            ch_scalar *row;
            CH_TRY(add_row(s, width, &row, extra, err));
            for (int32_t k = 0; k < width; k++)
                CH_TRY(ch_agg_read(&p, call->arg[k ? rule->first_key + k - 1 : 0]->type, extra,
                                   &row[k], err));
        }
    }
    return CH_OK;
}

static const ch_agg LIST = {.state_bytes = sizeof(list_state),
                            .update = update_list,
                            .merge = merge_list,
                            .result = result_list,
                            .save = save_list,
                            .load = load_list};

/* The delimiter is a constant; a number is one as well, as it prints. */
static ch_status find_delimiter(ch_bind *bind, list_rule *rule, ch_error *err)
{
    const ch_scalar *v = ch_bind_constant(bind, 1);
    if (!v) {
        char sql[256], input[256];
        snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
        snprintf(input, sizeof input, "\"%s\"", ch_bind_arg_sql(bind, 1));
        CH_FAIL(err, DATATYPE_NON_FOLDABLE, "sqlExpr", sql, "inputName", "`delimiter`", "inputType",
                "\"STRING\"", "inputExpr", input);
    }
    if (v->is_null)
        return CH_OK;
    if (ch_type_is_view(v->type)) {
        rule->delimiter = (ch_str){v->v.str.text, v->v.str.len};
        return CH_OK;
    }
    if (!ch_type_is_integral(v->type))
        return ch_bind_wrong_type(bind, 1, "STRING", err);
    enum { DIGITS = 24 };
    char *text = ch_arena_alloc(bind->arena, DIGITS, err);
    if (!text)
        return CH_E_MEMORY;
    rule->delimiter = (ch_str){text, snprintf(text, DIGITS, "%" PRId64, v->v.i64)};
    return CH_OK;
}

static ch_status bind_list(ch_bind *bind, ch_error *err)
{
    int32_t plain = bind->n_args - bind->n_keys;
    if (plain < 1 || plain > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    list_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    *rule = (list_rule){.delimiter = {"", 0}, .n_keys = bind->n_keys, .first_key = plain};
    rule->key = bind->key;
    const ch_type *t = bind->arg_type[0];
    if (!ch_type_is_view(t)) {
        if (ch_type_is_nested(t) || t->id == CH_BOOLEAN)
            return ch_bind_wrong_type(bind, 0, "(STRING or BINARY)", err);
        CH_TRY(ch_bind_cast(bind, 0, CH_T_STRING, err));
        t = CH_T_STRING;
    }
    if (plain == 2)
        CH_TRY(find_delimiter(bind, rule, err));
    bind->data = rule;
    bind->result = t;
    bind->nullable = true;
    return CH_OK;
}

#define ROW(fn)                                                                        \
    {                                                                                  \
        .name = fn, .bind = bind_list, .agg = &LIST,                                   \
        .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_WITHIN_GROUP,        \
        .doc = "The texts that are not NULL, one behind the other, with a delimiter.", \
        .example = "SELECT " fn "(x, '-') WITHIN GROUP (ORDER BY x DESC) FROM VALUES " \
                   "('a'), ('b'), (NULL) t(x)",                                        \
        .expect = "b-a", .since = "0.1"                                                \
    }

const ch_func ch_func_agg_listagg[] = {
    ROW("listagg"),
    ROW("string_agg"),
    CH_FUNC_END,
};
