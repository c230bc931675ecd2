/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate.c - generators: explode, posexplode, inline, stack, and those that end in _outer.
 *
 * A generator gives, for each row, the rows that it makes: a column of ARRAY<STRUCT<columns>>, whose
 * elements are mostly those of the argument under another type. The operator (exec/op_generate.c)
 * spreads them out. NULL and the empty array make no row; _outer, the operator's business, makes one.
 */
#include <stdio.h>

#include "function/picker.h"

static ch_status rows_of(ch_bind *bind, const ch_field *field, int32_t n, ch_error *err)
{
    CH_UNUSED(err);
    const ch_type *row = ch_type_struct(field, n);
    bind->result = row ? ch_type_array(row, true) : NULL;
    bind->nullable = true;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

static ch_status missing(const ch_bind *bind, const char *parameter, ch_error *err)
{
    char name[80];
    snprintf(name, sizeof name, "`%s`", bind->func->name);
    CH_FAIL(err, REQUIRED_PARAMETER_NOT_FOUND, "routineName", name, "parameterName", parameter,
            "index", "0");
}

/* ---- explode, posexplode ---- */

static bool has_position(const ch_func *func)
{
    return func->name[0] == 'p';
}

static ch_status bind_explode(ch_bind *bind, ch_error *err)
{
    ch_field field[3] = {{.name = "pos", .type = CH_T_INT}};
    int32_t n = has_position(bind->func);
    if (bind->n_args == 0)
        return missing(bind, "`collection`", err);
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id == CH_ARRAY) {
        field[n++] =
            (ch_field){.name = "col", .type = t->field[0].type, .nullable = t->field[0].nullable};
    } else if (t->id == CH_MAP) {
        field[n++] = (ch_field){.name = "key", .type = t->field[0].type};
        field[n++] =
            (ch_field){.name = "value", .type = t->field[1].type, .nullable = t->field[1].nullable};
    } else {
        return ch_bind_wrong_type(bind, 0, "(ARRAY or MAP)", err);
    }
    return rows_of(bind, field, n, err);
}

/* 0, 1, 2 ... within each list */
static ch_status positions(const ch_call *call, const ch_column *list, ch_column **out,
                           ch_error *err)
{
    CH_TRY(ch_column_new(call->mem, CH_T_INT, list->child[0]->rows, out, err));
    int32_t *pos = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        int32_t from = ch_list_from(list, i), to = ch_list_to(list, i);
        for (int32_t k = from; k < to; k++)
            pos[k] = k - from;
    }
    return CH_OK;
}

/* A list of list's offsets and NULLs, of the call's result type; its struct's fields are to be set. */
static ch_status same_lists(const ch_call *call, const ch_column *list, ch_column **out,
                            ch_error *err)
{
    CH_TRY(ch_column_new(call->mem, call->result, 0, out, err));
    (*out)->rows = call->rows;
    ch_buffer_unref((*out)->data_buf);
    (*out)->data_buf = ch_buffer_ref(list->data_buf);
    (*out)->data = list->data;
    if (list->valid) {
        (*out)->valid_buf = ch_buffer_ref(list->valid_buf);
        (*out)->valid = list->valid;
    }
    return ch_column_new(call->mem, call->result->field[0].type, list->child[0]->rows,
                         &(*out)->child[0], err);
}

static ch_status eval_explode(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *list = call->arg[0];
    CH_TRY(same_lists(call, list, out, err));
    ch_column *row = (*out)->child[0], *entry = list->child[0];
    int32_t n = has_position(call->func);
    if (n)
        CH_TRY(positions(call, list, &row->child[0], err));
    if (list->type->id == CH_MAP) {
        row->child[n] = ch_column_ref(entry->child[0]);
        row->child[n + 1] = ch_column_ref(entry->child[1]);
    } else {
        row->child[n] = ch_column_ref(entry);
    }
    return CH_OK;
}

/* ---- inline ---- */

static ch_status bind_inline(ch_bind *bind, ch_error *err)
{
    if (bind->n_args == 0)
        return missing(bind, "`input`", err);
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_ARRAY || t->field[0].type->id != CH_STRUCT)
        return ch_bind_wrong_type(bind, 0, "ARRAY<STRUCT>", err);
    const ch_type *row = t->field[0].type;
    ch_field *field = ch_arena_alloc(bind->arena, sizeof *field * (size_t)(row->n_fields + 1), err);
    if (!field)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < row->n_fields; i++) {
        field[i] = row->field[i];
        field[i].nullable |= t->field[0].nullable;
    }
    return rows_of(bind, field, row->n_fields, err);
}

static ch_status eval_inline(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *list = call->arg[0];
    CH_TRY(same_lists(call, list, out, err));
    ch_column *row = (*out)->child[0], *in = list->child[0];
    if (in->valid) {
        row->valid_buf = ch_buffer_ref(in->valid_buf);
        row->valid = in->valid;
    }
    for (int32_t i = 0; i < in->n_child; i++)
        row->child[i] = ch_column_ref(in->child[i]);
    return CH_OK;
}

/* ---- stack ---- */

static ch_status stack_types(ch_bind *bind, int32_t n_fields, ch_field *field, ch_error *err)
{
    for (int32_t c = 0; c < n_fields; c++) {
        int32_t first = -1;
        field[c] = (ch_field){.name = ch_arena_printf(bind->arena, err, "col%d", c),
                              .type = CH_T_NULL,
                              .nullable = true};
        if (!field[c].name)
            return CH_E_MEMORY;
        for (int32_t i = 1 + c; i < bind->n_args; i += n_fields) {
            const ch_type *t = bind->arg_type[i];
            if (t->id == CH_NULL)
                continue;
            if (first < 0) {
                first = i;
                field[c].type = t;
            } else if (t != field[c].type) {
                ch_quoted_type left = ch_quote_type(field[c].type), right = ch_quote_type(t);
                bind->final = true;
                CH_FAIL(err, STACK_TYPES, "sqlExpr", ch_bind_sql(bind), "columnIndex", CH_I64(c),
                        "leftParamIndex", CH_I64(first), "leftType", left.text, "rightParamIndex",
                        CH_I64(i), "rightType", right.text);
            }
        }
        for (int32_t i = 1 + c; i < bind->n_args; i += n_fields)
            bind->arg_type[i] = field[c].type;
    }
    return CH_OK;
}

static ch_status bind_stack(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 2)
        return ch_bind_count(bind, "> 1", err);
    if (bind->arg_type[0]->id != CH_INT)
        return ch_bind_wrong_type(bind, 0, "INT", err);
    const ch_scalar *n = ch_bind_constant(bind, 0);
    if (!n)
        CH_FAIL(err, DATATYPE_NON_FOLDABLE, "sqlExpr", ch_bind_sql(bind), "inputName", "`n`",
                "inputType", "\"INT\"", "inputExpr", ch_bind_arg_sql(bind, 0));
    if (n->is_null || n->v.i64 < 1)
        CH_FAIL(err, DATATYPE_VALUE_OUT_OF_RANGE, "sqlExpr", ch_bind_sql(bind), "exprName", "`n`",
                "valueRange", "(0, 2147483647]", "currentValue", CH_I64(n->is_null ? 0 : n->v.i64));
    int64_t rows = n->v.i64, n_values = bind->n_args - 1;
    int32_t n_fields = (int32_t)((n_values + rows - 1) / rows);
    ch_field *field = ch_arena_alloc(bind->arena, sizeof *field * (size_t)n_fields, err);
    int64_t *data = ch_arena_alloc(bind->arena, sizeof *data, err);
    if (!field || !data)
        return CH_E_MEMORY;
    *data = rows;
    bind->data = data;
    CH_TRY(stack_types(bind, n_fields, field, err));
    return rows_of(bind, field, n_fields, err);
}

/* Column c of the result: row r of input row i is argument 1 + r * n_fields + c, or NULL past the last. */
static ch_status stack_column(const ch_call *call, int64_t n, int32_t c, int32_t n_fields,
                              ch_column **out, ch_error *err)
{
    int64_t total = call->rows * n;
    size_t part_bytes = sizeof(ch_column *) * (size_t)(call->n_args + 1),
           idx_bytes = sizeof(int32_t) * (size_t)total;
    ch_column **part = ch_mem_alloc(call->mem, part_bytes, err), *all = NULL;
    int32_t *idx = ch_mem_alloc(call->mem, idx_bytes, err), n_parts = 0;
    ch_status status = part && idx ? CH_OK : CH_E_MEMORY;
    for (int64_t a = 1 + c; a < call->n_args && status == CH_OK; a += n_fields)
        part[n_parts++] = call->arg[a];
    if (status == CH_OK)
        status = ch_concat(part, n_parts, call->result->field[0].type->field[c].type, call->mem,
                           &all, err);
    if (status == CH_OK) {
        for (int64_t i = 0; i < call->rows; i++)
            for (int64_t r = 0; r < n; r++)
                idx[i * n + r] = r < n_parts ? (int32_t)(r * call->rows + i) : -1;
        status = ch_take(all, idx, total, true, call->mem, out, err);
    }
    ch_column_unref(all);
    ch_mem_free(call->mem, part, part_bytes);
    ch_mem_free(call->mem, idx, idx_bytes);
    return status;
}

static ch_status eval_stack(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t n = *(const int64_t *)call->data;
    const ch_type *row = call->result->field[0].type;
    if (call->rows * n > INT32_MAX)
        return ch_error_memory(err, "rows of stack()", call->rows * n, INT32_MAX);
    CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    int32_t *offset = (*out)->data;
    for (int64_t i = 0; i <= call->rows; i++)
        offset[i] = (int32_t)(i * n);
    CH_TRY(ch_column_new(call->mem, row, call->rows * n, &(*out)->child[0], err));
    for (int32_t c = 0; c < row->n_fields; c++)
        CH_TRY(stack_column(call, n, c, row->n_fields, &(*out)->child[0]->child[c], err));
    return CH_OK;
}

#define ROW(fn, binder, kernel, names, text, ex, want)                                            \
    {                                                                                             \
        .name = fn, .bind = binder, .eval = kernel, .flags = CH_FUNC_GENERATOR,                   \
        .parameters = names, .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1" \
    }

const ch_func ch_func_generate[] = {
    ROW("explode", bind_explode, eval_explode, "collection",
        "One row for each element of an array or a map.", "explode(array(10))", "10"),
    ROW("explode_outer", bind_explode, eval_explode, "collection",
        "One row for each element of an array or a map; one of NULLs if there is none.",
        "explode_outer(array(10))", "10"),
    ROW("posexplode", bind_explode, eval_explode, "collection",
        "One row for each element of an array or a map, with its position from 0.",
        "posexplode(array(10))", "0"),
    ROW("posexplode_outer", bind_explode, eval_explode, "collection",
        "One row for each element, with its position from 0; one of NULLs if there is none.",
        "posexplode_outer(array(10))", "0"),
    ROW("inline", bind_inline, eval_inline, "input", "One row for each struct of an array.",
        "inline(array(struct(1, 'a')))", "1"),
    ROW("inline_outer", bind_inline, eval_inline, "input",
        "One row for each struct of an array; one of NULLs if there is none.",
        "inline_outer(array(struct(1, 'a')))", "1"),
    ROW("stack", bind_stack, eval_stack, NULL, "The values in n rows.", "stack(1, 2, 3)", "2"),
    CH_FUNC_END,
};
