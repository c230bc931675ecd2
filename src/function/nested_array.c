/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested_array.c - arrays out of arrays: sort_array, array_distinct, set operations, slice, flatten,
 * array_join, array_contains, array_max, ...
 *
 * Results are positions in the elements of the arguments, gathered once (picker.h). Two arrays'
 * elements are put into one column first, so that a position is enough.
 */
#include <stdlib.h>

#include "column/textout.h"
#include "function/item_set.h"
#include "function/picker.h"
#include "function/utf8.h"
#include "kernel/compare.h"

/* ---- order ---- */

typedef struct order {
    const ch_column *item;
    bool descending, nulls_last;
} order;

static int compare_items(const void *x, const void *y, void *user)
{
    const order *o = user;
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    bool na = ch_column_is_null(o->item, a), nb = ch_column_is_null(o->item, b);
    int c;
    if (na || nb)
        c = (na == nb) ? 0 : (na == o->nulls_last) ? 1 : -1;
    else
        c = ch_compare_at(o->item, a, o->item, b) * (o->descending ? -1 : 1);
    return c ? c : (a > b) - (a < b);
}

/* sort_array(a [, ascending]): NULLs first, last when descending; array_sort(a): NULLs last. */
static ch_status eval_sort(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    ch_picker p;
    ch_status status = CH_OK;
    bool array_sort = call->func->name[0] == 'a';
    CH_TRY(ch_picker_init(&p, call, out, err));
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t first = p.n;
        if (!ch_row_null(call, i)) {
            for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i); k++)
                CH_TRY_OUT(ch_pick(&p, k, err));
            bool descending = call->n_args > 1 && !ch_bit_get(call->arg[1]->data, i);
            order o = {c->child[0], descending, array_sort || descending};
            if (p.n - first > 1)
                qsort_r((int32_t *)(void *)p.idx.data + first, (size_t)(p.n - first),
                        sizeof(int32_t), compare_items, &o);
        }
        ch_picker_end_row(&p, i);
    }
    return ch_picker_finish(&p, c->child[0], err);
out:
    ch_buf_release(&p.idx);
    return status;
}

static ch_status bind_sort(ch_bind *bind, ch_error *err)
{
    int most = bind->func->name[0] == 'a' ? 1 : 2;
    if (bind->n_args < 1 || bind->n_args > most)
        return ch_bind_count(bind, most == 1 ? "1" : "[1, 2]", err);
    if (bind->arg_type[0]->id != CH_ARRAY || !ch_type_is_orderable(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    if (bind->n_args == 2)
        CH_TRY(ch_bind_cast(bind, 1, CH_T_BOOLEAN, err));
    bind->result = bind->arg_type[0];
    return CH_OK;
}

/* ---- simple picks from one array ---- */

/* array_distinct, array_compact, reverse, array_remove(a, x), slice(a, from, n) */
static ch_status eval_pick(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0], *item = c->child[0];
    const char *name = call->func->name;
    ch_picker p;
    ch_item_set seen;
    ch_status status = CH_OK;
    CH_TRY(ch_picker_init(&p, call, out, err));
    ch_item_set_init(&seen, item, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t from = ch_list_from(c, i), to = ch_list_to(c, i);
        if (ch_row_null(call, i)) {
            ch_picker_end_row(&p, i);
            continue;
        }
        if (name[0] == 's') { /* slice */
            int64_t start = ((const int32_t *)call->arg[1]->data)[i];
            int64_t n = ((const int32_t *)call->arg[2]->data)[i], size = to - from;
            if (start == 0 || n < 0) {
                status =
                    ch_error_set(err, CH_E_INVALID_PARAMETER_VALUE, "parameter",
                                 start == 0 ? "`start`" : "`length`", "functionName", "`slice`",
                                 "invalidValue", CH_I64(start == 0 ? start : n), (const char *)0);
                goto out;
            }
            start = start > 0 ? start - 1 : size + start;
            for (int64_t k = start; start >= 0 && k < start + n && k < size; k++)
                CH_TRY_OUT(ch_pick(&p, from + (int32_t)k, err));
        } else if (name[0] == 'r') { /* reverse */
            for (int32_t k = to - 1; k >= from; k--)
                CH_TRY_OUT(ch_pick(&p, k, err));
        } else {
            if (name[6] == 'd')
                CH_TRY_OUT(ch_item_set_begin(&seen, to - from, err));
            for (int32_t k = from; k < to; k++) {
                bool keep = name[6] == 'd'   ? ch_item_set_add(&seen, k) < 0
                            : name[6] == 'c' ? !ch_column_is_null(item, k)
                                             : ch_column_is_null(item, k) ||
                                                   ch_compare_at(item, k, call->arg[1], i) != 0;
                if (keep)
                    CH_TRY_OUT(ch_pick(&p, k, err));
            }
        }
        ch_picker_end_row(&p, i);
    }
    ch_item_set_release(&seen);
    return ch_picker_finish(&p, item, err);
out:
    ch_item_set_release(&seen);
    ch_buf_release(&p.idx);
    return status;
}

static ch_status flatten_lists(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0], *inner = c->child[0];
    ch_picker p;
    ch_status status = CH_OK;
    CH_TRY(ch_picker_init(&p, call, out, err));
    for (int64_t i = 0; i < call->rows; i++) {
        bool null = ch_column_is_null(c, i);
        for (int32_t k = ch_list_from(c, i); !null && k < ch_list_to(c, i); k++)
            null = ch_column_is_null(inner, k);
        if (null)
            CH_TRY_OUT(ch_set_null(*out, i, err));
        for (int32_t k = ch_list_from(c, i); !null && k < ch_list_to(c, i); k++)
            for (int32_t e = ch_list_from(inner, k); e < ch_list_to(inner, k); e++)
                CH_TRY_OUT(ch_pick(&p, e, err));
        ch_picker_end_row(&p, i);
    }
    return ch_picker_finish(&p, inner->child[0], err);
out:
    ch_buf_release(&p.idx);
    return status;
}

static ch_status bind_flatten(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_ARRAY || t->field[0].type->id != CH_ARRAY)
        return ch_bind_wrong_type(bind, 0, "ARRAY\" of \"ARRAY", err);
    bind->result = t->field[0].type;
    bind->nullable |= t->field[0].nullable;
    return CH_OK;
}

/* ---- picks from several arrays ---- */

/* Elements of all arguments in one column; base[a] is where those of argument a begin. */
static ch_status join_items(const ch_call *call, ch_column **all, int32_t *base, ch_error *err)
{
    size_t bytes = sizeof(ch_column *) * (size_t)call->n_args;
    ch_column **part = ch_mem_alloc(call->mem, bytes, err);
    ch_status status = part ? CH_OK : CH_E_MEMORY;
    int64_t at = 0;
    for (int32_t a = 0; a < call->n_args && status == CH_OK; a++) {
        part[a] = call->arg[a]->child[0];
        base[a] = (int32_t)at;
        at += part[a]->rows;
        if (at > INT32_MAX)
            status = ch_error_memory(err, "elements of one column", at, INT32_MAX);
    }
    if (status == CH_OK)
        status = ch_concat(part, call->n_args, call->result->field[0].type, call->mem, all, err);
    ch_mem_free(call->mem, part, bytes);
    return status;
}

/* Elements of row i of all arguments, at most. */
static int64_t row_items(const ch_call *call, int64_t i)
{
    int64_t n = 0;
    for (int32_t a = 0; a < call->n_args; a++)
        n += ch_list_to(call->arg[a], i) - ch_list_from(call->arg[a], i);
    return n;
}

/* concat of arrays, array_union, array_intersect, array_except: by the name's letters. */
static ch_status eval_sets(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *all = NULL;
    size_t bytes = sizeof(int32_t) * (size_t)call->n_args;
    int32_t *base = ch_mem_alloc(call->mem, bytes, err);
    ch_item_set seen, other = {0};
    ch_picker p = {0};
    ch_status status = CH_OK;
    char kind =
        call->func->name[0] == 'c' || call->func->name[0] == '|' ? 'c' : call->func->name[6];
    bool wants_other = kind == 'i' || kind == 'e';
    ch_item_set_init(&seen, NULL, call->mem);
    if (!base) {
        status = CH_E_MEMORY;
        goto out;
    }
    CH_TRY_OUT(ch_picker_init(&p, call, out, err));
    CH_TRY_OUT(join_items(call, &all, base, err));
    ch_item_set_init(&seen, all, call->mem);
    ch_item_set_init(&other, all, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        if (kind != 'c' && !ch_row_null(call, i))
            CH_TRY_OUT(ch_item_set_begin(&seen, row_items(call, i), err));
        if (wants_other && !ch_row_null(call, i)) {
            const ch_column *c = call->arg[1];
            CH_TRY_OUT(ch_item_set_begin(&other, ch_list_to(c, i) - ch_list_from(c, i), err));
            for (int32_t j = ch_list_from(c, i); j < ch_list_to(c, i); j++)
                (void)ch_item_set_add(&other, base[1] + j);
        }
        for (int32_t a = 0; a < call->n_args && !ch_row_null(call, i); a++) {
            if (a > 0 && wants_other)
                break;
            const ch_column *c = call->arg[a];
            for (int32_t j = ch_list_from(c, i); j < ch_list_to(c, i); j++) {
                int32_t k = base[a] + j;
                bool keep = !wants_other || (ch_item_set_find(&other, k) >= 0) == (kind == 'i');
                keep = keep && (kind == 'c' || ch_item_set_add(&seen, k) < 0);
                if (keep)
                    CH_TRY_OUT(ch_pick(&p, k, err));
            }
        }
        ch_picker_end_row(&p, i);
    }
    status = ch_picker_finish(&p, all, err);
    p = (ch_picker){0};
out:
    ch_item_set_release(&other);
    ch_item_set_release(&seen);
    ch_column_unref(all);
    if (p.call)
        ch_buf_release(&p.idx);
    ch_mem_free(call->mem, base, bytes);
    return status;
}

static ch_status bind_sets(ch_bind *bind, ch_error *err)
{
    bool concat = bind->func->name[0] == 'c' || bind->func->name[0] == '|';
    const ch_type *t;
    if (concat ? bind->n_args < 1 : bind->n_args != 2)
        return ch_bind_count(bind, concat ? "> 0" : "2", err);
    for (int32_t i = 0; i < bind->n_args; i++)
        if (bind->arg_type[i]->id != CH_ARRAY && bind->arg_type[i]->id != CH_NULL)
            return ch_bind_wrong_type(bind, i, "ARRAY", err);
    CH_TRY(ch_bind_common(bind, 0, &t, err));
    if (t->id != CH_ARRAY)
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    bind->result = t;
    return CH_OK;
}

/* array_append(a, x), array_prepend(x) */
static ch_status eval_append(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    bool prepend = call->func->name[6] == 'p';
    ch_column *part[2] = {c->child[0], call->arg[1]}, *all = NULL;
    ch_picker p;
    ch_status status = CH_OK;
    int32_t base = (int32_t)c->child[0]->rows;
    CH_TRY(ch_picker_init(&p, call, out, err));
    CH_TRY_OUT(ch_concat(part, 2, call->result->field[0].type, call->mem, &all, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(c, i)) {
            CH_TRY_OUT(ch_set_null(*out, i, err));
        } else {
            if (prepend)
                CH_TRY_OUT(ch_pick(&p, base + (int32_t)i, err));
            for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i); k++)
                CH_TRY_OUT(ch_pick(&p, k, err));
            if (!prepend)
                CH_TRY_OUT(ch_pick(&p, base + (int32_t)i, err));
        }
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

/* ---- an array and a value ---- */

/* The value gets the type of the elements, or both their common type. */
static ch_status bind_value(ch_bind *bind, ch_error *err)
{
    const char *name = bind->func->name;
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_ARRAY)
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    const ch_type *e = ch_common_type(t->field[0].type, bind->arg_type[1], bind->ctx->ansi);
    if (!e)
        return ch_bind_differ(bind, err);
    bool nullable = t->field[0].nullable;
    if (name[6] == 'a' || (name[6] == 'p' && name[7] == 'r')) /* array_append, array_prepend */
        nullable |= bind->arg_nullable[1];
    bind->arg_type[0] = ch_type_array(e, nullable);
    bind->arg_type[1] = e;
    if (strcmp(name, "array_contains") == 0) {
        bind->result = CH_T_BOOLEAN;
        bind->nullable |= t->field[0].nullable;
    } else if (strcmp(name, "array_position") == 0) {
        bind->result = CH_T_LONG;
    } else {
        bind->result = bind->arg_type[0];
    }
    return CH_OK;
}

/* True if it is there, else NULL if an element is NULL, else false. */
static ch_status eval_contains(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    ch_bits_fill((*out)->data, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++) {
        bool null = false, found = false;
        for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i) && !found; k++) {
            if (ch_column_is_null(c->child[0], k))
                null = true;
            else
                found = ch_compare_at(c->child[0], k, call->arg[1], i) == 0;
        }
        if (found)
            ch_bit_set((*out)->data, i);
        else if (null)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static ch_status eval_position(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    int64_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = 0;
        for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i) && !r[i]; k++)
            if (!ch_column_is_null(c->child[0], k) &&
                ch_compare_at(c->child[0], k, call->arg[1], i) == 0)
                r[i] = k - ch_list_from(c, i) + 1;
    }
    return CH_OK;
}

/* True if they share an element that is not NULL; NULL if one has NULL and none is empty. */
static ch_status eval_overlap(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *a = call->arg[0], *b = call->arg[1];
    ch_bits_fill((*out)->data, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++) {
        bool found = false, null = false;
        int32_t n = ch_list_to(a, i) - ch_list_from(a, i),
                m = ch_list_to(b, i) - ch_list_from(b, i);
        for (int32_t k = ch_list_from(a, i); k < ch_list_to(a, i) && !found; k++) {
            if (ch_column_is_null(a->child[0], k)) {
                null = true;
                continue;
            }
            for (int32_t j = ch_list_from(b, i); j < ch_list_to(b, i) && !found; j++) {
                null |= ch_column_is_null(b->child[0], j);
                found = ch_compare_at(a->child[0], k, b->child[0], j) == 0;
            }
        }
        for (int32_t j = ch_list_from(b, i); j < ch_list_to(b, i); j++)
            null |= ch_column_is_null(b->child[0], j);
        if (found)
            ch_bit_set((*out)->data, i);
        else if (null && n > 0 && m > 0)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static ch_status bind_overlap(ch_bind *bind, ch_error *err)
{
    CH_TRY(bind_sets(bind, err));
    bind->nullable |= bind->result->field[0].nullable;
    bind->result = CH_T_BOOLEAN;
    return CH_OK;
}

/* ---- one value out of an array ---- */

static ch_status eval_extreme(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    bool max = call->func->name[7] == 'a';
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int32_t *idx = ch_mem_alloc(call->mem, bytes, err);
    ch_column *r = NULL;
    if (!idx)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows; i++) {
        idx[i] = -1;
        for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i) && !ch_column_is_null(c, i);
             k++) {
            if (ch_column_is_null(c->child[0], k))
                continue;
            int cmp = idx[i] < 0 ? 0 : ch_compare_at(c->child[0], k, c->child[0], idx[i]);
            if (idx[i] < 0 || (max ? cmp > 0 : cmp < 0))
                idx[i] = k;
        }
    }
    ch_status status = ch_take(c->child[0], idx, call->rows, true, call->mem, &r, err);
    ch_mem_free(call->mem, idx, bytes);
    if (status == CH_OK) {
        ch_column_unref(*out);
        *out = r;
    }
    return status;
}

static ch_status bind_extreme(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    if (bind->arg_type[0]->id != CH_ARRAY || !ch_type_is_orderable(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    bind->result = bind->arg_type[0]->field[0].type;
    bind->nullable = true;
    return CH_OK;
}

/* array_join(a, separator [, for NULLs]) */
static ch_status eval_join(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        bool first = true;
        ch_str sep = ch_arg_str(call, 1, i);
        ch_buf_reset(&buf);
        for (int32_t k = ch_list_from(c, i); k < ch_list_to(c, i) && ch_is_valid(*out, i); k++) {
            bool null = ch_column_is_null(c->child[0], k);
            if (null && call->n_args < 3)
                continue;
            ch_str s = null ? ch_arg_str(call, 2, i) : ch_column_str(c->child[0], k);
            if (!first)
                CH_TRY_OUT(ch_buf_add(&buf, sep.text, (size_t)sep.len, err));
            CH_TRY_OUT(ch_buf_add(&buf, s.text, (size_t)s.len, err));
            first = false;
        }
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    return status;
}

static ch_status bind_same(ch_bind *bind, ch_error *err)
{
    bool slice = bind->func->name[0] == 's';
    if (bind->n_args != (slice ? 3 : 1))
        return ch_bind_count(bind, slice ? "3" : "1", err);
    if (bind->arg_type[0]->id != CH_ARRAY)
        return ch_bind_wrong_type(bind, 0, "ARRAY", err);
    for (int32_t i = 1; i < bind->n_args; i++)
        CH_TRY(ch_bind_cast(bind, i, CH_T_INT, err));
    bind->result = bind->arg_type[0];
    return CH_OK;
}

#define NULLS CH_FUNC_NULL_PROPAGATES
#define ROW(fn, binder, kernel, flag, text, ex, want)                           \
    {                                                                           \
        .name = fn, .bind = binder, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                 \
    }

const ch_func ch_func_nested_array[] = {
    ROW("sort_array", bind_sort, eval_sort, NULLS, "Sorted; NULLs first, last when descending.",
        "sort_array(array('b', 'd', NULL, 'c', 'a'), true)", "[null, a, b, c, d]"),
    ROW("array_sort", bind_sort, eval_sort, NULLS, "Sorted, NULLs last.",
        "array_sort(array('b', NULL, 'a'))", "[a, b, null]"),
    ROW("array_distinct", bind_same, eval_pick, NULLS, "Without repetitions.",
        "array_distinct(array(1, 2, 3, NULL, 3))", "[1, 2, 3, null]"),
    ROW("array_compact", bind_same, eval_pick, NULLS, "Without NULLs.",
        "array_compact(array(1, NULL, 3))", "[1, 3]"),
    ROW("array_remove", bind_value, eval_pick, NULLS, "Without the elements equal to a value.",
        "array_remove(array(1, 2, 3, NULL, 3), 3)", "[1, 2, null]"),
    ROW("reverse", bind_same, eval_pick, NULLS, "Back to front.", "reverse(array(2, 1, 4, 3))",
        "[3, 4, 1, 2]"),
    ROW("slice", bind_same, eval_pick, NULLS | CH_FUNC_MAY_FAIL,
        "n elements from a position on (from 1, negative: from the end).",
        "slice(array(1, 2, 3, 4), 2, 2)", "[2, 3]"),
    ROW("flatten", bind_flatten, flatten_lists, 0, "The elements of the elements.",
        "flatten(array(array(1, 2), array(3, 4)))", "[1, 2, 3, 4]"),
    ROW("concat", bind_sets, eval_sets, NULLS, "All arrays, one behind the other.",
        "concat(array(1, 2, 3), array(4, 5), array(6))", "[1, 2, 3, 4, 5, 6]"),
    ROW("||", bind_sets, eval_sets, NULLS | CH_FUNC_INTERNAL, "Both, one behind the other.",
        "array(1) || array(2)", "[1, 2]"),
    ROW("array_union", bind_sets, eval_sets, NULLS, "Elements of any of the two, once each.",
        "array_union(array(1, 2, 3), array(1, 3, 5))", "[1, 2, 3, 5]"),
    ROW("array_intersect", bind_sets, eval_sets, NULLS, "Elements of both, once each.",
        "array_intersect(array(1, 2, 3), array(1, 3, 5))", "[1, 3]"),
    ROW("array_except", bind_sets, eval_sets, NULLS, "Elements of the first only, once each.",
        "array_except(array(1, 2, 3), array(1, 3, 5))", "[2]"),
    ROW("array_append", bind_value, eval_append, 0, "With one more element at the end.",
        "array_append(array('b', 'd'), 'a')", "[b, d, a]"),
    ROW("array_prepend", bind_value, eval_append, 0, "With one more element at the beginning.",
        "array_prepend(array('b', 'd'), 'a')", "[a, b, d]"),
    ROW("array_contains", bind_value, eval_contains, NULLS | CH_FUNC_MAKES_NULL, "Is it in there?",
        "array_contains(array(1, 2, 3), 2)", "true"),
    ROW("array_position", bind_value, eval_position, NULLS,
        "Position of the first equal element, from 1; 0 if there is none.",
        "array_position(array(3, 2, 1), 1)", "3"),
    ROW("arrays_overlap", bind_overlap, eval_overlap, NULLS | CH_FUNC_MAKES_NULL,
        "Do they share an element?", "arrays_overlap(array(1, 2, 3), array(3, 4, 5))", "true"),
    ROW("array_max", bind_extreme, eval_extreme, 0, "The largest element.",
        "array_max(array(1, 20, NULL, 3))", "20"),
    ROW("array_min", bind_extreme, eval_extreme, 0, "The smallest element.",
        "array_min(array(1, 20, NULL, 3))", "1"),
    {.name = "array_join",
     .sig = "array<string>, string[, string] -> string",
     .eval = eval_join,
     .flags = NULLS,
     .doc = "All elements with a separator between; NULLs left out or replaced.",
     .example = "SELECT array_join(array('hello', NULL, 'world'), ' ', ',')",
     .expect = "hello , world",
     .since = "0.1"},
    CH_FUNC_END,
};
