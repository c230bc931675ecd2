/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested_make.c - nested values out of parts, and parts of them: array, map, named_struct, element_at,
 * get, size, map_keys, map_values, map_from_arrays, array_repeat, sequence, ...
 */
#include <stdio.h>

#include "column/format_value.h"
#include "function/civil.h"
#include "function/item_set.h"
#include "function/nested.h"
#include "function/picker.h"
#include "kernel/compare.h"
#include "type/datetime.h"

/* ---- array(...) ---- */

static ch_status bind_array(ch_bind *bind, ch_error *err)
{
    const ch_type *t;
    CH_TRY(ch_bind_common(bind, 0, &t, err));
    bind->result = ch_type_array(t, ch_bind_any_nullable(bind));
    bind->nullable = false;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

/* Columns of `rows` rows each, interleaved: element k of row i is row i of column k. */
static ch_status interleave(const ch_call *call, ch_column *const *part, int32_t n,
                            const ch_type *type, ch_column **out, ch_error *err)
{
    ch_column *all;
    int64_t rows = call->rows, total = rows * n;
    if (total > INT32_MAX)
        return ch_error_memory(err, "elements of one column", total, INT32_MAX);
    CH_TRY(ch_concat(part, n, type, call->mem, &all, err));
    size_t bytes = sizeof(int32_t) * (size_t)total;
    int32_t *idx = ch_mem_alloc(call->mem, bytes, err);
    ch_status status = idx ? CH_OK : CH_E_MEMORY;
    if (idx) {
        for (int64_t i = 0; i < rows; i++)
            for (int32_t k = 0; k < n; k++)
                idx[i * n + k] = (int32_t)(k * rows + i);
        status = ch_take(all, idx, total, false, call->mem, out, err);
    }
    ch_mem_free(call->mem, idx, bytes);
    ch_column_unref(all);
    return status;
}

static ch_status eval_array(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_type *t = call->result->field[0].type;
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i <= call->rows; i++)
        offset[i] = (int32_t)(i * call->n_args);
    if (call->n_args == 0 || t->id == CH_NULL)
        return ch_column_flat_nulls(call->mem, t, call->rows * call->n_args, &(*out)->child[0],
                                    err);
    return interleave(call, call->arg, call->n_args, t, &(*out)->child[0], err);
}

/* ---- named_struct(name, value, ...) ---- */

static ch_status bind_struct(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 2 || bind->n_args % 2)
        return ch_bind_count(bind, "2n (n > 0)", err);
    ch_field *field = ch_arena_alloc(bind->arena, sizeof *field * (size_t)bind->n_args, err);
    if (!field)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < bind->n_args; i += 2) {
        const ch_scalar *name = ch_bind_constant(bind, i);
        if (!name || name->is_null || !ch_type_is_string(name->type))
            return ch_bind_wrong_type(bind, i, "STRING", err);
        field[i / 2].name =
            ch_arena_strn(bind->arena, name->v.str.text, (size_t)name->v.str.len, err);
        if (!field[i / 2].name)
            return CH_E_MEMORY;
        field[i / 2].type = bind->arg_type[i + 1];
        field[i / 2].nullable = bind->arg_nullable[i + 1];
    }
    bind->result = ch_type_struct(field, bind->n_args / 2);
    bind->nullable = false;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status eval_struct(const ch_call *call, ch_column **out, ch_error *err)
{
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    for (int32_t i = 0; i < (*out)->n_child; i++)
        (*out)->child[i] = ch_column_ref(call->arg[2 * i + 1]);
    return CH_OK;
}

/* ---- maps ---- */

static ch_status bind_map(ch_bind *bind, ch_error *err)
{
    if (bind->n_args % 2)
        return ch_bind_count(bind, "2n (n > 0)", err);
    const ch_type *t[2] = {CH_T_NULL, CH_T_NULL};
    bool nullable = false;
    for (int32_t i = 0; i < bind->n_args; i++) {
        t[i % 2] = ch_common_type(t[i % 2], bind->arg_type[i], bind->ctx->ansi);
        if (!t[i % 2])
            return ch_bind_differ(bind, err);
        nullable |= i % 2 && bind->arg_nullable[i];
    }
    for (int32_t i = 0; i < bind->n_args; i++)
        bind->arg_type[i] = t[i % 2];
    bind->result = ch_type_map(t[0], t[1], nullable);
    bind->nullable = false;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status null_key(ch_error *err)
{
    CH_FAIL(err, NULL_MAP_KEY);
}

static ch_status duplicate_key(const ch_call *call, const ch_column *key, int64_t i, ch_error *err)
{
    ch_value_format format = {.style = CH_VALUE_CAST};
    ch_buf text;
    CH_TRY(ch_session_zone(call, &format.zone, err));
    ch_buf_init(&text, call->mem);
    ch_status status = ch_format_value(&format, key, i, &text, err);
    if (status == CH_OK)
        status =
            ch_error_set(err, CH_E_DUPLICATED_MAP_KEY, "key", text.len ? text.data : "",
                         "mapKeyDedupPolicy", "\"spark.sql.mapKeyDedupPolicy\"", (const char *)0);
    ch_buf_release(&text);
    return status;
}

ch_status ch_map_finish(const ch_call *call, ch_column *map, ch_column *key, ch_column *value,
                        ch_error *err)
{
    int32_t *offset = map->data;
    const ch_type *entry = ch_type_struct(call->result->field, 2);
    ch_column *part[2] = {NULL, NULL};
    int32_t n = offset[map->rows], kept = 0, begin = 0;
    size_t bytes = sizeof(int32_t) * 3 * (size_t)n;
    int32_t *from = ch_mem_alloc(call->mem, bytes, err), *from_value = from + n;
    int32_t *entry_of = from_value + n; /* per key: where its entry is */
    ch_status status = from && entry ? CH_OK : CH_E_MEMORY;
    ch_item_set seen;
    ch_item_set_init(&seen, key, call->mem);
    for (int64_t i = 0; i < map->rows && status == CH_OK; i++) {
        int32_t end = offset[i + 1];
        status = ch_item_set_begin(&seen, end - begin, err);
        for (int32_t k = begin; k < end && status == CH_OK; k++) {
            if (ch_column_is_null(key, k)) {
                status = null_key(err);
                break;
            }
            int32_t before = ch_item_set_add(&seen, k);
            if (before >= 0 && !call->ctx->map_last_win) {
                status = duplicate_key(call, key, k, err);
                break;
            }
            if (before < 0) {
                entry_of[k] = kept;
                from[kept] = k;
                kept++;
            }
            from_value[entry_of[before < 0 ? k : before]] = k;
        }
        begin = end;
        offset[i + 1] = kept;
    }
    ch_item_set_release(&seen);
    if (status == CH_OK)
        status = ch_take(key, from, kept, false, call->mem, &part[0], err);
    if (status == CH_OK)
        status = ch_take(value, from_value, kept, false, call->mem, &part[1], err);
    if (status == CH_OK)
        status = ch_column_new(call->mem, entry, kept, &map->child[0], err);
    if (status == CH_OK) {
        map->child[0]->child[0] = part[0];
        map->child[0]->child[1] = part[1];
    } else {
        ch_column_unref(part[0]);
        ch_column_unref(part[1]);
    }
    ch_mem_free(call->mem, from, bytes);
    ch_column_unref(key);
    ch_column_unref(value);
    return status;
}

static ch_status eval_map(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column **part, *key = NULL, *value = NULL;
    int32_t n = call->n_args / 2;
    size_t bytes = sizeof *part * (size_t)n;
    const ch_type *t = call->result;
    CH_TRY(ch_column_new(call->mem, t, call->rows, out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i <= call->rows; i++)
        offset[i] = (int32_t)(i * n);
    if (n == 0) {
        CH_TRY(ch_column_flat_nulls(call->mem, t->field[0].type, 0, &key, err));
        ch_status status = ch_column_flat_nulls(call->mem, t->field[1].type, 0, &value, err);
        if (status != CH_OK) {
            ch_column_unref(key);
            return status;
        }
        return ch_map_finish(call, *out, key, value, err);
    }
    part = ch_mem_alloc(call->mem, bytes, err);
    if (!part)
        return CH_E_MEMORY;
    for (int32_t k = 0; k < n; k++)
        part[k] = call->arg[2 * k];
    ch_status status = interleave(call, part, n, t->field[0].type, &key, err);
    for (int32_t k = 0; k < n; k++)
        part[k] = call->arg[2 * k + 1];
    if (status == CH_OK)
        status = interleave(call, part, n, t->field[1].type, &value, err);
    ch_mem_free(call->mem, part, bytes);
    if (status != CH_OK) {
        ch_column_unref(key);
        return status;
    }
    return ch_map_finish(call, *out, key, value, err);
}

static ch_status bind_map_from_arrays(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    for (int i = 0; i < 2; i++)
        if (bind->arg_type[i]->id != CH_ARRAY)
            return ch_bind_wrong_type(bind, i, "ARRAY", err);
    const ch_field *v = &bind->arg_type[1]->field[0];
    bind->result = ch_type_map(bind->arg_type[0]->field[0].type, v->type, v->nullable);
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status eval_map_from_arrays(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_picker k, v;
    const ch_column *a = call->arg[0], *b = call->arg[1];
    ch_column *map, *keys = NULL, *values = NULL;
    ch_status status;
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    map = *out;
    CH_TRY(ch_picker_init(&k, call, out, err));
    v = k;
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t n = ch_list_to(a, i) - ch_list_from(a, i);
        if (!ch_row_null(call, i)) {
            if (n != ch_list_to(b, i) - ch_list_from(b, i)) {
                status = ch_error_set(err, CH_E_INVALID_PARAMETER_VALUE, "parameter", "`values`",
                                      "functionName", "`map_from_arrays`", "invalidValue",
                                      "arrays of different lengths", (const char *)0);
                goto fail;
            }
            for (int32_t e = 0; e < n; e++) {
                if ((status = ch_pick(&k, ch_list_from(a, i) + e, err)) != CH_OK ||
                    (status = ch_pick(&v, ch_list_from(b, i) + e, err)) != CH_OK)
                    goto fail;
            }
        }
        ch_picker_end_row(&k, i);
    }
    status = ch_picker_finish(&k, a->child[0], err);
    keys = map->child[0];
    map->child[0] = NULL;
    if (status == CH_OK)
        status = ch_picker_finish(&v, b->child[0], err);
    else
        ch_buf_release(&v.idx);
    values = map->child[0];
    map->child[0] = NULL;
    if (status == CH_OK)
        return ch_map_finish(call, map, keys, values, err);
    ch_column_unref(keys);
    ch_column_unref(values);
    return status;
fail:
    ch_buf_release(&k.idx);
    ch_buf_release(&v.idx);
    return status;
}

/* map_keys, map_values, map_entries: the entries under another name. */
static ch_status bind_map_part(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_MAP)
        return ch_bind_wrong_type(bind, 0, "MAP", err);
    char kind = bind->func->name[4];
    bind->result = kind == 'k'   ? ch_type_array(t->field[0].type, false)
                   : kind == 'v' ? ch_type_array(t->field[1].type, t->field[1].nullable)
                                 : ch_type_array(ch_type_struct(t->field, 2), false);
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status eval_map_part(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *m = call->arg[0];
    char kind = call->func->name[4];
    CH_TRY(ch_column_new(call->mem, call->result, 0, out, err));
    (*out)->rows = call->rows;
    ch_buffer_unref((*out)->data_buf);
    (*out)->data_buf = ch_buffer_ref(m->data_buf);
    (*out)->data = m->data;
    ch_column *entry = m->child[0];
    (*out)->child[0] = ch_column_ref(kind == 'k'   ? entry->child[0]
                                     : kind == 'v' ? entry->child[1]
                                                   : entry);
    return CH_OK;
}

/* ---- size ---- */

static ch_status bind_size(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    if (bind->arg_type[0]->id == CH_NULL)
        bind->arg_type[0] = ch_type_array(CH_T_NULL, true);
    if (bind->arg_type[0]->id != CH_ARRAY && bind->arg_type[0]->id != CH_MAP)
        return ch_bind_wrong_type(bind, 0, "ARRAY\" or \"MAP", err);
    bind->result = CH_T_INT;
    if (!bind->ctx->ansi && bind->func->name[0] != 'a')
        bind->nullable = false;
    return CH_OK;
}

/* size(NULL) is -1 with ANSI off, else NULL; array_size(NULL) is NULL. */
static ch_status eval_size(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    int32_t *r = (*out)->data;
    bool legacy = !call->ctx->ansi && call->func->name[0] != 'a';
    for (int64_t i = 0; i < call->rows; i++) {
        bool null = ch_column_is_null(c, i);
        r[i] = null ? -1 : ch_list_to(c, i) - ch_list_from(c, i);
        if (null && !legacy)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* ---- one element ---- */

/* element_at, try_element_at, get, get_item on arrays and maps. */
static ch_status bind_element(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t = bind->arg_type[0];
    bool get = strcmp(bind->func->name, "get") == 0;
    if (t->id == CH_ARRAY) {
        CH_TRY(ch_bind_cast(bind, 1, CH_T_INT, err));
        bind->result = t->field[0].type;
    } else if (t->id == CH_MAP && !get) {
        const ch_type *k = ch_common_type(t->field[0].type, bind->arg_type[1], bind->ctx->ansi);
        if (!k)
            return ch_bind_wrong_type(bind, 1, "the type of the map's keys", err);
        bind->arg_type[0] = ch_type_map(k, t->field[1].type, t->field[1].nullable);
        bind->arg_type[1] = k;
        bind->result = t->field[1].type;
    } else {
        return ch_bind_wrong_type(bind, 0, get ? "ARRAY" : "ARRAY\" or \"MAP", err);
    }
    bind->nullable = true;
    return CH_OK;
}

static ch_status bad_index(const ch_call *call, int64_t index, int32_t size, ch_error *err)
{
    if (call->func->name[0] == 'e')
        CH_FAIL(err, INVALID_ARRAY_INDEX_IN_ELEMENT_AT, "indexValue", CH_I64(index), "arraySize",
                CH_I64(size), "ansiConfig", CH_CONFIG_ANSI);
    CH_FAIL(err, INVALID_ARRAY_INDEX, "indexValue", CH_I64(index), "arraySize", CH_I64(size),
            "ansiConfig", CH_CONFIG_ANSI);
}

static ch_status eval_element(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0], *key = call->arg[1];
    bool map = c->type->id == CH_MAP, from_one = strstr(call->func->name, "element_at") != NULL;
    bool strict = call->ctx->ansi &&
                  (call->func->name[0] == 'e' || strcmp(call->func->name, "get_item") == 0);
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int32_t *idx = ch_mem_alloc(call->mem, bytes, err);
    ch_status status = CH_OK;
    ch_column *r = NULL;
    if (!idx)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows; i++) {
        idx[i] = -1;
        if (ch_row_null(call, i))
            continue;
        int32_t from = ch_list_from(c, i), size = ch_list_to(c, i) - from;
        if (map) {
            for (int32_t k = from; k < from + size; k++)
                if (ch_compare_at(c->child[0]->child[0], k, key, i) == 0)
                    idx[i] = k;
            continue;
        }
        int64_t n = ch_column_i64(key, i), at = n;
        if (from_one) {
            if (n == 0) {
                status = ch_error_set(err, CH_E_INVALID_INDEX_OF_ZERO, (const char *)0);
                goto out;
            }
            at = n > 0 ? n - 1 : size + n;
        }
        if (at >= 0 && at < size) {
            idx[i] = from + (int32_t)at;
        } else if (strict) {
            status = bad_index(call, n, size, err);
            goto out;
        }
    }
    CH_TRY_OUT(ch_take(map ? c->child[0]->child[1] : c->child[0], idx, call->rows, true, call->mem,
                       &r, err));
    ch_column_unref(*out);
    *out = r;
out:
    ch_mem_free(call->mem, idx, bytes);
    return status;
}

static ch_status bind_contains_key(ch_bind *bind, ch_error *err)
{
    CH_TRY(bind_element(bind, err));
    if (bind->arg_type[0]->id != CH_MAP)
        return ch_bind_wrong_type(bind, 0, "MAP", err);
    bind->result = CH_T_BOOLEAN;
    bind->nullable = ch_bind_any_nullable(bind);
    return CH_OK;
}

static ch_status eval_contains_key(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    CH_UNUSED(err);
    ch_bits_fill((*out)->data, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++)
        for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i) && ch_is_valid(*out, i); k++)
            if (ch_compare_at(c->child[0]->child[0], k, call->arg[1], i) == 0)
                ch_bit_set((*out)->data, i);
    return CH_OK;
}

/* ---- array_repeat, sequence ---- */

/* Java's longest array, less its header: Spark makes none that is longer. */
#define MOST_ITEMS 2147483632

static ch_status too_long(ch_i128 n, const char *parameter, const char *function, ch_error *err)
{
    CH_FAIL(err, COLLECTION_SIZE, "numberOfElements", CH_I64(n > INT64_MAX ? INT64_MAX : n),
            "maxRoundedArrayLength", CH_I64(MOST_ITEMS), "parameter", parameter, "functionName",
            function);
}

static ch_status bind_repeat(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    CH_TRY(ch_bind_cast(bind, 1, CH_T_INT, err));
    bind->result = ch_type_array(bind->arg_type[0], bind->arg_nullable[0]);
    bind->nullable = bind->arg_nullable[1];
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status eval_repeat(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_picker p;
    const int32_t *n = call->arg[1]->data;
    ch_status status = CH_OK;
    CH_TRY(ch_picker_init(&p, call, out, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(call->arg[1], i)) {
            status = ch_set_null(*out, i, err);
        } else if (n[i] > MOST_ITEMS) {
            status = too_long(n[i], "`count`", "`array_repeat`", err);
        } else {
            for (int32_t k = 0; k < n[i] && status == CH_OK; k++)
                status = ch_pick(&p, (int32_t)i, err);
        }
        if (status != CH_OK) {
            ch_buf_release(&p.idx);
            return status;
        }
        ch_picker_end_row(&p, i);
    }
    return ch_picker_finish(&p, call->arg[0], err);
}

/* sequence(from, to [, step]): integers; dates and timestamps by an interval. */
static ch_status bind_sequence(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 2 || bind->n_args > 3)
        return ch_bind_count(bind, "[2, 3]", err);
    const ch_type *t = ch_common_type(bind->arg_type[0], bind->arg_type[1], bind->ctx->ansi);
    if (!t || (!ch_type_is_integral(t) && t->id != CH_DATE && t->id != CH_TIMESTAMP))
        return ch_bind_wrong_type(bind, 0, "INTEGRAL\" or \"DATE\" or \"TIMESTAMP", err);
    if (bind->n_args == 3) {
        const ch_type *s = bind->arg_type[2];
        if (ch_type_is_integral(t)) {
            t = ch_common_type(t, s, bind->ctx->ansi);
            if (!t || !ch_type_is_integral(t))
                return ch_bind_wrong_type(bind, 2, "INTEGRAL", err);
            bind->arg_type[2] = t;
        } else if (s->id == CH_YEAR_MONTH_INTERVAL) {
            bind->arg_type[2] = ch_type_of(CH_YEAR_MONTH_INTERVAL);
        } else if (s->id == CH_DAY_TIME_INTERVAL) {
            bind->arg_type[2] = ch_type_of(CH_DAY_TIME_INTERVAL);
        } else {
            return ch_bind_wrong_type(bind, 2, "ANSI INTERVAL", err);
        }
    }
    bind->arg_type[0] = bind->arg_type[1] = t;
    bind->result = ch_type_array(t, false);
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status add_value(ch_buf *buf, int64_t v, int width, ch_error *err)
{
    return ch_buf_add(buf, &v, (size_t)width, err); /* little-endian */
}

static ch_status one_sequence(const ch_call *call, int64_t i, const ch_zone *zone, ch_buf *buf,
                              int64_t *n, ch_error *err)
{
    const ch_type *t = call->result->field[0].type;
    int width = ch_type_width(t);
    int64_t from = ch_column_i64(call->arg[0], i), to = ch_column_i64(call->arg[1], i),
            step = to >= from ? 1 : -1;
    int64_t unit = 1, months = 0;
    if (t->id == CH_TIMESTAMP)
        step *= CH_US_PER_DAY;
    if (call->n_args > 2) {
        step = ch_column_i64(call->arg[2], i);
        if (call->arg[2]->type->id == CH_YEAR_MONTH_INTERVAL)
            months = step;
        else if (t->id == CH_DATE)
            unit = CH_US_PER_DAY;
        if (unit > 1 && step != 0 && step / unit == 0)
            CH_FAIL(err, INVALID_PARAMETER_VALUE, "parameter", "`step`", "functionName",
                    "`sequence`", "invalidValue", "a step of less than a day between dates");
    }
    if ((step > 0 && to < from) || (step < 0 && to > from) || (step == 0 && to != from))
        CH_FAIL(err, INVALID_PARAMETER_VALUE, "parameter", "`step`", "functionName", "`sequence`",
                "invalidValue", "a step that does not lead from start to stop");
    /* Dates by hours: microseconds, of which each gives its day. */
    if (__builtin_mul_overflow(from, unit, &from) || __builtin_mul_overflow(to, unit, &to))
        CH_FAIL(err, DATETIME_OVERFLOW, "operation", "a sequence of dates");
    if (step != 0 && !months) {
        ch_i128 items = ((ch_i128)to - from) / step + 1;
        if (items > MOST_ITEMS)
            return too_long(items, "`start`, `stop`, `step`", "`sequence`", err);
    }
    for (int64_t k = 0;; k++) {
        int64_t v, left;
        if (months && t->id == CH_DATE) {
            v = ch_add_months(from, months * k);
        } else if (months) {
            int64_t day = ch_day_of(ch_zone_to_local(zone, from), &left);
            v = ch_zone_to_utc(zone, ch_add_months(day, months * k) * CH_US_PER_DAY + left);
        } else if (__builtin_mul_overflow(step, k, &v) || __builtin_add_overflow(from, v, &v)) {
            return CH_OK;
        }
        if (step >= 0 ? v > to : v < to)
            return CH_OK;
        if (++*n > INT32_MAX)
            return ch_error_memory(err, "elements of one column", *n, INT32_MAX);
        CH_TRY(add_value(buf, unit > 1 ? ch_day_of(v, &left) : v, width, err));
        if (step == 0)
            return CH_OK;
    }
}

static ch_status eval_sequence(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_type *t = call->result->field[0].type;
    const char *name = call->ctx->time_zone ? call->ctx->time_zone : "UTC";
    const ch_zone *zone = ch_zone_find(name, (int64_t)strlen(name), err);
    ch_buf buf;
    ch_status status = CH_OK;
    int64_t n = 0;
    if (!zone)
        return CH_E_INVALID_TIMEZONE;
    ch_buf_init(&buf, call->mem);
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (!ch_row_null(call, i))
            CH_TRY_OUT(one_sequence(call, i, zone, &buf, &n, err));
        ((int32_t *)(*out)->data)[i + 1] = (int32_t)n;
    }
    CH_TRY_OUT(ch_column_new(call->mem, t, n, &(*out)->child[0], err));
    if (buf.len)
        memcpy((*out)->child[0]->data, buf.data, buf.len);
out:
    ch_buf_release(&buf);
    return status;
}

#define ROW(fn, binder, kernel, flag, text, ex, want)                           \
    {                                                                           \
        .name = fn, .bind = binder, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                 \
    }
#define NULLS CH_FUNC_NULL_PROPAGATES
#define FAILS CH_FUNC_MAY_FAIL

const ch_func ch_func_nested_make[] = {
    ROW("array", bind_array, eval_array, CH_FUNC_NEVER_NULL, "An array of the arguments.",
        "array(1, 2, 3)", "[1, 2, 3]"),
    ROW("named_struct", bind_struct, eval_struct, CH_FUNC_NEVER_NULL,
        "A struct of names and values.", "named_struct('a', 1, 'b', 2)", "{1, 2}"),
    ROW("map", bind_map, eval_map, CH_FUNC_NEVER_NULL | FAILS, "A map of keys and values.",
        "map(1.0, '2', 3.0, '4')", "{1.0 -> 2, 3.0 -> 4}"),
    ROW("map_from_arrays", bind_map_from_arrays, eval_map_from_arrays, NULLS | FAILS,
        "A map of an array of keys and an array of values.",
        "map_from_arrays(array(1.0, 3.0), array('2', '4'))", "{1.0 -> 2, 3.0 -> 4}"),
    ROW("map_keys", bind_map_part, eval_map_part, NULLS, "The keys.",
        "map_keys(map(1, 'a', 2, 'b'))", "[1, 2]"),
    ROW("map_values", bind_map_part, eval_map_part, NULLS, "The values.",
        "map_values(map(1, 'a', 2, 'b'))", "[a, b]"),
    ROW("map_entries", bind_map_part, eval_map_part, NULLS, "The entries, as structs.",
        "map_entries(map(1, 'a', 2, 'b'))", "[{1, a}, {2, b}]"),
    ROW("map_contains_key", bind_contains_key, eval_contains_key, NULLS, "Is there such a key?",
        "map_contains_key(map(1, 'a', 2, 'b'), 1)", "true"),
    ROW("size", bind_size, eval_size, 0, "Elements of an array, entries of a map.",
        "size(array('b', 'd', 'c', 'a'))", "4"),
    ROW("cardinality", bind_size, eval_size, 0, "Elements of an array, entries of a map.",
        "cardinality(map('a', 1, 'b', 2))", "2"),
    ROW("array_size", bind_size, eval_size, 0, "Elements of an array.",
        "array_size(array('b', 'd'))", "2"),
    ROW("element_at", bind_element, eval_element, FAILS,
        "Element by position (from 1, negative: from the end), or value by key.",
        "element_at(array(1, 2, 3), 2)", "2"),
    ROW("try_element_at", bind_element, eval_element, FAILS,
        "Element by position, or value by key; NULL if there is none.",
        "try_element_at(array(1, 2, 3), 5)", "NULL"),
    ROW("get", bind_element, eval_element, 0, "Element by position from 0; NULL if there is none.",
        "get(array(1, 2, 3), 0)", "1"),
    ROW("get_item", bind_element, eval_element, FAILS | CH_FUNC_INTERNAL,
        "a[i]: element by position from 0, or value by key.", "array(1, 2, 3)[0]", "1"),
    ROW("array_repeat", bind_repeat, eval_repeat, 0, "The value n times.", "array_repeat('123', 2)",
        "[123, 123]"),
    ROW("sequence", bind_sequence, eval_sequence, NULLS | FAILS,
        "All values from the first to the second, by a step.", "sequence(1, 5)", "[1, 2, 3, 4, 5]"),
    CH_FUNC_END,
};
