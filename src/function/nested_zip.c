/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested_zip.c - arrays_zip, array_insert, shuffle.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "function/picker.h"

/* ---- arrays_zip ---- */

/* A column's name for a plain name, else the argument's number. */
static const char *field_name(ch_bind *bind, int32_t i, ch_error *err)
{
    const char *sql = ch_bind_arg_sql(bind, i), *last = sql;
    bool plain = isalpha((unsigned char)sql[0]) || sql[0] == '_';
    for (const char *p = sql; *p && plain; p++) {
        plain = isalnum((unsigned char)*p) || *p == '_' || *p == '.';
        if (*p == '.')
            last = p + 1;
    }
    return plain ? last : ch_arena_printf(bind->arena, err, "%d", i);
}

static ch_status bind_zip(ch_bind *bind, ch_error *err)
{
    ch_field *field = ch_arena_alloc(bind->arena, sizeof *field * (size_t)(bind->n_args + 1), err);
    if (!field)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < bind->n_args; i++) {
        if (bind->arg_type[i]->id != CH_ARRAY)
            return ch_bind_wrong_type(bind, i, "ARRAY", err);
        field[i] = (ch_field){.name = field_name(bind, i, err),
                              .type = bind->arg_type[i]->field[0].type,
                              .nullable = true};
        if (!field[i].name)
            return CH_E_MEMORY;
    }
    const ch_type *row = ch_type_struct(field, bind->n_args);
    bind->result = row ? ch_type_array(row, false) : NULL;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status eval_zip(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_type *row = call->result->field[0].type;
    ch_status status = CH_OK;
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    int64_t total = 0;
    offset[0] = 0;
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t longest = 0;
        for (int32_t a = 0; a < call->n_args && !ch_row_null(call, i); a++) {
            int32_t n = ch_list_to(call->arg[a], i) - ch_list_from(call->arg[a], i);
            longest = n > longest ? n : longest;
        }
        total += longest;
        if (total > INT32_MAX)
            return ch_error_memory(err, "elements of one column", total, INT32_MAX);
        offset[i + 1] = (int32_t)total;
    }
    CH_TRY(ch_column_new(call->mem, row, total, &(*out)->child[0], err));
    size_t bytes = sizeof(int32_t) * (size_t)total;
    int32_t *idx = ch_mem_alloc(call->mem, bytes, err);
    if (!idx)
        return CH_E_MEMORY;
    for (int32_t a = 0; a < call->n_args && status == CH_OK; a++) {
        const ch_column *c = call->arg[a];
        for (int64_t i = 0; i < call->rows; i++) {
            int32_t from = ch_list_from(c, i), n = ch_list_to(c, i) - from;
            for (int32_t k = 0; k < offset[i + 1] - offset[i]; k++)
                idx[offset[i] + k] = k < n ? from + k : -1;
        }
        status =
            ch_take(c->child[0], idx, total, true, call->mem, &(*out)->child[0]->child[a], err);
    }
    ch_mem_free(call->mem, idx, bytes);
    return status;
}

/* ---- array_insert ---- */

static ch_status bind_insert(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 3)
        return ch_bind_count(bind, "3", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_ARRAY)
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    CH_TRY(ch_bind_cast(bind, 1, CH_T_INT, err));
    const ch_type *e = ch_common_type(t->field[0].type, bind->arg_type[2], bind->ctx->ansi);
    if (!e)
        return ch_bind_differ(bind, err);
    bind->arg_type[0] = bind->result = ch_type_array(e, true);
    bind->arg_type[2] = e;
    bind->nullable = bind->arg_nullable[0] || bind->arg_nullable[1];
    return bind->result ? CH_OK : CH_E_MEMORY;
}

/* Positions count from 1, -1 stands behind the last; what is past an end is filled with NULLs. */
static ch_status insert_row(const ch_column *c, int64_t i, int64_t pos, int32_t value, ch_picker *p,
                            ch_error *err)
{
    int32_t from = ch_list_from(c, i), n = ch_list_to(c, i) - from;
    if (pos == 0)
        CH_FAIL(err, INVALID_INDEX_OF_ZERO);
    int64_t at = pos > 0 ? pos - 1 : n + pos + 1; /* where the value goes, from 0 */
    if (at > INT32_MAX - 16 || at < -(int64_t)(INT32_MAX - 16))
        return ch_error_memory(err, "elements of one array", at, INT32_MAX);
    if (at < 0) {
        CH_TRY(ch_pick(p, value, err));
        for (int64_t k = at; k < 0; k++)
            CH_TRY(ch_pick(p, -1, err));
    }
    for (int64_t k = 0; k <= (at > n ? at : n); k++) {
        if (k == at)
            CH_TRY(ch_pick(p, value, err));
        if (k < n)
            CH_TRY(ch_pick(p, from + (int32_t)k, err));
        else if (k < at)
            CH_TRY(ch_pick(p, -1, err));
    }
    return CH_OK;
}

static ch_status eval_insert(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    const int32_t *pos = call->arg[1]->data;
    ch_column *part[2] = {c->child[0], call->arg[2]}, *all = NULL;
    int32_t base = (int32_t)c->child[0]->rows;
    ch_picker p;
    ch_status status = CH_OK;
    CH_TRY(ch_picker_init(&p, call, out, err));
    CH_TRY_OUT(ch_concat(part, 2, call->result->field[0].type, call->mem, &all, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(c, i) || ch_column_is_null(call->arg[1], i))
            CH_TRY_OUT(ch_set_null(*out, i, err));
        else
            CH_TRY_OUT(insert_row(c, i, pos[i], base + (int32_t)i, &p, err));
        ch_picker_end_row(&p, i);
    }
    status = ch_picker_finish(&p, all, err);
    ch_column_unref(all);
    return status;
out:
    ch_column_unref(all);
    ch_buf_release(&p.idx);
    return status;
}

/* ---- shuffle ---- */

static ch_status bind_shuffle(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    if (bind->arg_type[0]->id != CH_ARRAY)
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    bind->result = bind->arg_type[0];
    return CH_OK;
}

static ch_status shuffle_open(const ch_call *call, void **state, ch_error *err)
{
    uint64_t *s = ch_mem_zalloc(call->mem, sizeof *s, err);
    *state = s;
    if (!s)
        return CH_E_MEMORY;
    *s = (uint64_t)call->ctx->now_us | 1;
    return CH_OK;
}

static void shuffle_close(const ch_call *call, void *state)
{
    ch_mem_free(call->mem, state, sizeof(uint64_t));
}

static ch_status eval_shuffle(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    uint64_t *s = call->state;
    ch_picker p;
    CH_TRY(ch_picker_init(&p, call, out, err));
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t first = p.n;
        for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i); k++) {
            ch_status status = ch_pick(&p, k, err);
            if (status != CH_OK) {
                ch_buf_release(&p.idx);
                return status;
            }
        }
        int32_t *idx = (int32_t *)(void *)p.idx.data + first;
        for (int32_t k = p.n - first - 1; k > 0; k--) {
            *s ^= *s << 13;
            *s ^= *s >> 7;
            *s ^= *s << 17;
            int32_t j = (int32_t)(*s % (uint64_t)(k + 1)), swap = idx[k];
            idx[k] = idx[j];
            idx[j] = swap;
        }
        ch_picker_end_row(&p, i);
    }
    return ch_picker_finish(&p, c->child[0], err);
}

const ch_func ch_func_nested_zip[] = {
    {.name = "arrays_zip",
     .bind = bind_zip,
     .eval = eval_zip,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "Structs of the elements that stand at the same place.",
     .example = "SELECT arrays_zip(array(1, 2, 3), array(2, 3, 4))",
     .expect = "[{1, 2}, {2, 3}, {3, 4}]",
     .since = "0.1"},
    {.name = "array_insert",
     .bind = bind_insert,
     .eval = eval_insert,
     .flags = CH_FUNC_MAY_FAIL,
     .doc = "With one more element at a position, from 1, negative: from the end.",
     .example = "SELECT array_insert(array(1, 2, 3, 4), 5, 5)",
     .expect = "[1, 2, 3, 4, 5]",
     .since = "0.1"},
    {.name = "shuffle",
     .bind = bind_shuffle,
     .eval = eval_shuffle,
     .open = shuffle_open,
     .close = shuffle_close,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_NONDETERMINISTIC,
     .doc = "The elements in a random order.",
     .since = "0.1"},
    CH_FUNC_END,
};
