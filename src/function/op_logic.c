/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_logic.c - AND, OR, NOT, CASE, IF, COALESCE and their kin.
 *
 * All but NOT are special: the evaluator decides which rows see which argument. Here are
 * their types, and kernels that look at all arguments, for callers that have them already.
 */
#include <stdio.h>

#include "function/support.h"
#include "kernel/choose.h"
#include "kernel/compare.h"

static ch_status eval_not(const ch_call *call, ch_column **out, ch_error *err)
{
    const uint64_t *in = call->arg[0]->data;
    uint64_t *bits = (*out)->data;
    CH_UNUSED(err);
    for (int64_t w = 0; w < ch_bit_words(call->rows); w++)
        bits[w] = ~in[w];
    if (call->rows & 63)
        bits[call->rows >> 6] &= (UINT64_C(1) << (call->rows & 63)) - 1;
    return CH_OK;
}

static ch_status replace(ch_column **out, ch_column *with)
{
    ch_column_unref(*out);
    *out = with;
    return CH_OK;
}

static ch_status eval_and(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *c;
    CH_TRY(ch_logic_and(call->arg[0], call->arg[1], call->rows, call->mem, &c, err));
    return replace(out, c);
}

static ch_status eval_or(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *c;
    CH_TRY(ch_logic_or(call->arg[0], call->arg[1], call->rows, call->mem, &c, err));
    return replace(out, c);
}

/* The common type of arguments pick(0), pick(1) ..., where odd says which are values. */
static ch_status common_of(ch_bind *bind, const bool *value, ch_error *err)
{
    const ch_type *t = CH_T_NULL;
    bool string = false;
    for (int32_t i = 0; i < bind->n_args && t; i++) {
        if (!value[i])
            continue;
        if (bind->arg_type[i] == CH_T_STRING)
            string = true;
        else
            t = ch_common_type(t, bind->arg_type[i], bind->ctx->ansi);
    }
    if (t && string)
        t = ch_common_type(t, CH_T_STRING, bind->ctx->ansi);
    if (!t)
        return ch_bind_differ(bind, err);
    for (int32_t i = 0; i < bind->n_args; i++)
        if (value[i])
            bind->arg_type[i] = t;
    bind->result = t;
    return CH_OK;
}

static ch_status need_boolean(ch_bind *bind, int32_t i, ch_error *err)
{
    if (bind->arg_type[i]->id != CH_BOOLEAN && bind->arg_type[i]->id != CH_NULL)
        return ch_bind_wrong_type(bind, i, "BOOLEAN", err);
    bind->arg_type[i] = CH_T_BOOLEAN;
    return CH_OK;
}

/* a AND b, a OR b */
static ch_status bind_and(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t[2] = {bind->arg_type[0], bind->arg_type[1]};
    for (int i = 0; i < 2; i++)
        if (ch_type_is_string(t[i]) && t[1 - i]->id == CH_BOOLEAN)
            t[i] = CH_T_BOOLEAN;
    bind->arg_type[0] = bind->arg_type[1] = CH_T_BOOLEAN;
    bind->result = CH_T_BOOLEAN;
    bool left = t[0]->id == CH_BOOLEAN, right = t[1]->id == CH_BOOLEAN;
    if ((left || t[0]->id == CH_NULL) && (right || t[1]->id == CH_NULL))
        return CH_OK;
    char sql[512];
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    if (t[0] == t[1])
        CH_FAIL(err, DATATYPE_MISMATCH_BINARY_WRONG, "sqlExpr", sql, "inputType", "\"BOOLEAN\"",
                "actualDataType", ch_quote_type(t[0]).text);
    CH_FAIL(err, DATATYPE_MISMATCH_BINARY, "left", ch_quote_type(t[0]).text, "right",
            ch_quote_type(t[1]).text, "sqlExpr", sql);
}

/* if(condition, then, else) */
static ch_status bind_if(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 3)
        return ch_bind_count(bind, "3", err);
    CH_TRY(need_boolean(bind, 0, err));
    bind->nullable = bind->arg_nullable[1] || bind->arg_nullable[2];
    return common_of(bind, (const bool[]){false, true, true}, err);
}

/* when(c1, v1, c2, v2, ... [, otherwise]) */
static ch_status bind_when(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 2)
        return ch_bind_count(bind, "> 1", err);
    bool *value = ch_arena_alloc(bind->arena, (size_t)bind->n_args, err);
    if (!value)
        return CH_E_MEMORY;
    bind->nullable = bind->n_args % 2 == 0;
    for (int32_t i = 0; i < bind->n_args; i++) {
        value[i] = i % 2 == 1 || i == bind->n_args - 1;
        if (value[i])
            bind->nullable |= bind->arg_nullable[i];
        else
            CH_TRY(need_boolean(bind, i, err));
    }
    return common_of(bind, value, err);
}

static ch_status bind_coalesce(ch_bind *bind, ch_error *err)
{
    const ch_type *t;
    if (bind->n_args < 1)
        return ch_bind_count(bind, "> 0", err);
    CH_TRY(ch_bind_common(bind, 0, &t, err));
    bind->result = t;
    bind->nullable = true;
    for (int32_t i = 0; i < bind->n_args; i++)
        bind->nullable &= bind->arg_nullable[i];
    return CH_OK;
}

/* nvl(a, b) = ifnull(a, b) = coalesce(a, b) */
static ch_status bind_nvl(ch_bind *bind, ch_error *err)
{
    return bind->n_args == 2 ? bind_coalesce(bind, err) : ch_bind_count(bind, "2", err);
}

/* nvl2(a, b, c) = if(a is not null, b, c) */
static ch_status bind_nvl2(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 3)
        return ch_bind_count(bind, "3", err);
    bind->nullable = bind->arg_nullable[1] || bind->arg_nullable[2];
    return common_of(bind, (const bool[]){false, true, true}, err);
}

/* nullif(a, b) = if(a = b, null, a): compared at their common type, but a keeps its own. */
static ch_status bind_nullif(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t = ch_common_type(bind->arg_type[0], bind->arg_type[1], bind->ctx->ansi);
    if (!t)
        return ch_bind_differ(bind, err);
    bind->result = bind->arg_type[0];
    bind->arg_type[1] = t;
    bind->data = (void *)(uintptr_t)t;
    bind->nullable = true;
    return CH_OK;
}

static ch_status eval_nullif(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *a = call->arg[0], *same = NULL, *c = NULL;
    const ch_type *t = call->data;
    ch_status status = CH_OK;
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int64_t bits_bytes = ch_bit_bytes(call->rows);
    int32_t *which = ch_mem_alloc(call->mem, bytes, err);
    uint64_t *bits = ch_mem_zalloc(call->mem, (size_t)bits_bytes, err);
    if (!which || !bits) {
        status = CH_E_MEMORY;
        goto out;
    }
    CH_TRY_OUT(ch_cast(a, t, call->ctx->ansi ? CH_CAST_ANSI : CH_CAST_LEGACY, call->ctx, call->mem,
                       &same, err));
    if (t->id != CH_NULL)
        ch_compare(CH_EQ, same, call->arg[1], call->rows, bits);
    for (int64_t i = 0; i < call->rows; i++) {
        bool equal =
            ch_bit_get(bits, i) && !ch_column_is_null(a, i) && !ch_column_is_null(call->arg[1], i);
        which[i] = equal ? -1 : 0;
    }
    CH_TRY_OUT(ch_choose(&a, 1, which, NULL, call->rows, call->result, call->mem, &c, err));
    (void)replace(out, c);
out:
    ch_column_unref(same);
    ch_mem_free(call->mem, which, bytes);
    ch_mem_free(call->mem, bits, (size_t)bits_bytes);
    return status;
}

/* out[i] = the first argument that is not NULL. */
static ch_status eval_coalesce(const ch_call *call, ch_column **out, ch_error *err)
{
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int32_t *which = ch_mem_alloc(call->mem, bytes, err);
    if (!which)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows; i++) {
        which[i] = -1;
        for (int32_t a = 0; a < call->n_args && which[i] < 0; a++)
            if (!ch_column_is_null(call->arg[a], i))
                which[i] = a;
    }
    ch_column *c;
    ch_status status = ch_choose(call->arg, call->n_args, which, NULL, call->rows, call->result,
                                 call->mem, &c, err);
    ch_mem_free(call->mem, which, bytes);
    return status == CH_OK ? replace(out, c) : status;
}

/* when(c1, v1, ..., otherwise), all arguments known. */
static ch_status eval_when(const ch_call *call, ch_column **out, ch_error *err)
{
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int32_t *which = ch_mem_alloc(call->mem, bytes, err);
    if (!which)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows; i++) {
        which[i] = call->n_args % 2 ? call->n_args - 1 : -1;
        for (int32_t a = 0; a + 1 < call->n_args; a += 2) {
            const ch_column *c = call->arg[a];
            if (!ch_column_is_null(c, i) && ch_bit_get(c->data, ch_column_slot(c, i))) {
                which[i] = a + 1;
                break;
            }
        }
    }
    ch_column *c;
    ch_status status = ch_choose(call->arg, call->n_args, which, NULL, call->rows, call->result,
                                 call->mem, &c, err);
    ch_mem_free(call->mem, which, bytes);
    return status == CH_OK ? replace(out, c) : status;
}

static ch_status eval_nvl2(const ch_call *call, ch_column **out, ch_error *err)
{
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int32_t *which = ch_mem_alloc(call->mem, bytes, err);
    if (!which)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows; i++)
        which[i] = ch_column_is_null(call->arg[0], i) ? 1 : 0;
    ch_column *c;
    ch_status status =
        ch_choose(call->arg + 1, 2, which, NULL, call->rows, call->result, call->mem, &c, err);
    ch_mem_free(call->mem, which, bytes);
    return status == CH_OK ? replace(out, c) : status;
}

#define SPECIAL CH_FUNC_SPECIAL | CH_FUNC_TAKES_CONST

const ch_func ch_func_op_logic[] = {
    {.name = "and",
     .bind = bind_and,
     .eval = eval_and,
     .flags = SPECIAL | CH_FUNC_INTERNAL,
     .doc = "True if both are true.",
     .example = "SELECT true AND false",
     .expect = "false",
     .since = "0.1"},
    {.name = "or",
     .bind = bind_and,
     .eval = eval_or,
     .flags = SPECIAL | CH_FUNC_INTERNAL,
     .doc = "True if any is true.",
     .example = "SELECT true OR false",
     .expect = "true",
     .since = "0.1"},
    {.name = "not",
     .sig = "boolean -> boolean",
     .eval = eval_not,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_INTERNAL,
     .doc = "True if it is false.",
     .example = "SELECT NOT true",
     .expect = "false",
     .since = "0.1"},
    {.name = "!",
     .sig = "boolean -> boolean",
     .eval = eval_not,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_INTERNAL,
     .doc = "True if it is false.",
     .example = "SELECT ! true",
     .expect = "false",
     .since = "0.1"},
    {.name = "if",
     .bind = bind_if,
     .eval = eval_when,
     .flags = SPECIAL,
     .doc = "The second if the first is true, else the third.",
     .example = "SELECT if(1 < 2, 'a', 'b')",
     .expect = "a",
     .since = "0.1"},
    {.name = "when",
     .bind = bind_when,
     .eval = eval_when,
     .flags = SPECIAL,
     .doc = "The value behind the first condition that is true, else the last argument or NULL.",
     .example = "SELECT CASE WHEN 1 > 2 THEN 'a' ELSE 'b' END",
     .expect = "b",
     .since = "0.1"},
    {.name = "coalesce",
     .bind = bind_coalesce,
     .eval = eval_coalesce,
     .flags = SPECIAL,
     .doc = "The first argument that is not NULL.",
     .example = "SELECT coalesce(NULL, 1, NULL)",
     .expect = "1",
     .since = "0.1"},
    {.name = "nvl",
     .bind = bind_nvl,
     .eval = eval_coalesce,
     .flags = SPECIAL,
     .doc = "The second argument where the first is NULL.",
     .example = "SELECT nvl(NULL, 2)",
     .expect = "2",
     .since = "0.1"},
    {.name = "ifnull",
     .bind = bind_nvl,
     .eval = eval_coalesce,
     .flags = SPECIAL,
     .doc = "The second argument where the first is NULL.",
     .example = "SELECT ifnull(NULL, 2)",
     .expect = "2",
     .since = "0.1"},
    {.name = "nvl2",
     .bind = bind_nvl2,
     .eval = eval_nvl2,
     .flags = SPECIAL,
     .doc = "The second argument where the first is not NULL, else the third.",
     .example = "SELECT nvl2(NULL, 2, 1)",
     .expect = "1",
     .since = "0.1"},
    {.name = "nullif",
     .bind = bind_nullif,
     .eval = eval_nullif,
     .flags = CH_FUNC_MAKES_NULL,
     .doc = "NULL if both are equal, else the first.",
     .example = "SELECT nullif(2, 2)",
     .expect = "NULL",
     .since = "0.1"},
    CH_FUNC_END,
};
