/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested_map.c - maps out of maps, arrays and text: map_concat, map_from_entries, str_to_map.
 */
#include "function/nested.h"
#include "function/picker.h"
#include "function/utf8.h"

/* ---- map_from_entries ---- */

static ch_status bind_from_entries(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    const ch_type *e = t->id == CH_ARRAY ? t->field[0].type : NULL;
    if (!e || e->id != CH_STRUCT || e->n_fields != 2)
        return ch_bind_wrong_type(bind, 0, "ARRAY\" of pair \"STRUCT", err);
    bind->result = ch_type_map(e->field[0].type, e->field[1].type, e->field[1].nullable);
    bind->nullable |= t->field[0].nullable;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

/* NULL where an entry is NULL. */
static ch_status eval_from_entries(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *list = call->arg[0], *entry = list->child[0];
    ch_column *part[2] = {NULL, NULL};
    int32_t n = 0;
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    size_t bytes = sizeof(int32_t) * (size_t)entry->rows;
    int32_t *idx = ch_mem_alloc(call->mem, bytes, err), *offset = (*out)->data;
    ch_status status = idx ? CH_OK : CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows && status == CH_OK; i++) {
        bool null = ch_column_is_null(list, i);
        int32_t from = ch_list_from(list, i), to = ch_list_to(list, i);
        for (int32_t k = from; k < to; k++)
            null |= ch_column_is_null(entry, k);
        if (null)
            status = ch_set_null(*out, i, err);
        for (int32_t k = from; k < to && !null; k++)
            idx[n++] = k;
        offset[i + 1] = n;
    }
    for (int k = 0; k < 2 && status == CH_OK; k++)
        status = ch_take(entry->child[k], idx, n, false, call->mem, &part[k], err);
    ch_mem_free(call->mem, idx, bytes);
    if (status == CH_OK)
        return ch_map_finish(call, *out, part[0], part[1], err);
    ch_column_unref(part[0]);
    ch_column_unref(part[1]);
    return status;
}

/* ---- map_concat ---- */

static ch_status bind_concat(ch_bind *bind, ch_error *err)
{
    const ch_type *t;
    if (bind->n_args == 0) {
        bind->result = ch_type_map(CH_T_STRING, CH_T_STRING, false);
        return bind->result ? CH_OK : CH_E_MEMORY;
    }
    for (int32_t i = 0; i < bind->n_args; i++)
        if (bind->arg_type[i]->id != CH_MAP && bind->arg_type[i]->id != CH_NULL)
            return ch_bind_wrong_type(bind, i, "MAP", err);
    CH_TRY(ch_bind_common(bind, 0, &t, err));
    if (t->id != CH_MAP)
        return ch_bind_wrong_type(bind, 0, "MAP", err);
    bind->result = t;
    return CH_OK;
}

static ch_status eval_concat(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *part[2] = {NULL, NULL}, *all;
    int64_t total = 0;
    ch_status status = CH_OK;
    for (int32_t a = 0; a < call->n_args; a++)
        total += call->arg[a]->child[0]->rows;
    if (total > INT32_MAX)
        return ch_error_memory(err, "entries of one column", total, INT32_MAX);
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    size_t piece_bytes = (sizeof(ch_column *) + sizeof(int32_t)) * (size_t)call->n_args;
    ch_column **piece = ch_mem_alloc(call->mem, piece_bytes, err);
    if (!piece)
        return CH_E_MEMORY;
    int32_t *base = (int32_t *)(void *)(piece + call->n_args);
    for (int32_t a = 0, at = 0; a < call->n_args; a++) {
        base[a] = at;
        at += (int32_t)call->arg[a]->child[0]->rows;
    }
    int32_t *offset = (*out)->data, n = 0;
    if (!call->n_args)
        memset(offset, 0, sizeof *offset * (size_t)(call->rows + 1));
    size_t bytes = sizeof(int32_t) * (size_t)total;
    int32_t *idx = ch_mem_alloc(call->mem, bytes, err);
    if (!idx) {
        ch_mem_free(call->mem, piece, piece_bytes);
        return CH_E_MEMORY;
    }
    for (int64_t i = 0; i < call->rows && call->n_args; i++) {
        for (int32_t a = 0; a < call->n_args && !ch_row_null(call, i); a++)
            for (int32_t k = ch_list_from(call->arg[a], i); k < ch_list_to(call->arg[a], i); k++)
                idx[n++] = base[a] + k;
        offset[i + 1] = n;
    }
    for (int k = 0; k < 2 && status == CH_OK; k++) {
        const ch_type *t = call->result->field[k].type;
        for (int32_t a = 0; a < call->n_args; a++)
            piece[a] = call->arg[a]->child[0]->child[k];
        if (!call->n_args) {
            status = ch_column_flat_nulls(call->mem, t, 0, &part[k], err);
            continue;
        }
        status = ch_concat(piece, call->n_args, t, call->mem, &all, err);
        if (status == CH_OK) {
            status = ch_take(all, idx, n, false, call->mem, &part[k], err);
            ch_column_unref(all);
        }
    }
    ch_mem_free(call->mem, idx, bytes);
    ch_mem_free(call->mem, piece, piece_bytes);
    if (status == CH_OK)
        return ch_map_finish(call, *out, part[0], part[1], err);
    ch_column_unref(part[0]);
    ch_column_unref(part[1]);
    return status;
}

const ch_func ch_func_nested_map[] = {
    {.name = "map_from_entries",
     .bind = bind_from_entries,
     .eval = eval_from_entries,
     .flags = CH_FUNC_MAY_FAIL,
     .doc = "A map of an array of entries.",
     .example = "SELECT map_from_entries(array(struct(1, 'a'), struct(2, 'b')))",
     .expect = "{1 -> a, 2 -> b}",
     .since = "0.1"},
    {.name = "map_concat",
     .bind = bind_concat,
     .eval = eval_concat,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL,
     .doc = "All entries of all maps.",
     .example = "SELECT map_concat(map(1, 'a', 2, 'b'), map(3, 'c'))",
     .expect = "{1 -> a, 2 -> b, 3 -> c}",
     .since = "0.1"},
    CH_FUNC_END,
};
