/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_bit.c - bits: & | ^ ~, shifts as Java has them (the distance modulo the width), bit_count, bit_get.
 */
#include <stdio.h>

#include "function/support.h"

static ch_status wrong_types(const ch_bind *bind, ch_error *err)
{
    ch_quoted_type a = ch_quote_type(bind->arg_type[0]), b = ch_quote_type(bind->arg_type[1]);
    if (bind->arg_type[0] != bind->arg_type[1])
        CH_FAIL(err, DATATYPE_MISMATCH_BINARY, "sqlExpr", ch_bind_sql(bind), "left", a.text,
                "right", b.text);
    CH_FAIL(err, DATATYPE_MISMATCH_BINARY_WRONG, "sqlExpr", ch_bind_sql(bind), "inputType",
            "\"INTEGRAL\"", "actualDataType", a.text);
}

#define EACH(T, EXPR)                                             \
    {                                                             \
        const T *a = call->arg[0]->data, *b = call->arg[1]->data; \
        T *r = (*out)->data;                                      \
        for (int64_t i = 0; i < call->rows; i++)                  \
            r[i] = (T)(EXPR);                                     \
        return CH_OK;                                             \
    }
#define BINARY(name, OP)                                                       \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        CH_UNUSED(err);                                                        \
        switch (ch_type_width(call->result)) {                                 \
        case 1:                                                                \
            EACH(int8_t, a[i] OP b[i])                                         \
        case 2:                                                                \
            EACH(int16_t, a[i] OP b[i])                                        \
        case 4:                                                                \
            EACH(int32_t, a[i] OP b[i])                                        \
        default:                                                               \
            EACH(int64_t, a[i] OP b[i])                                        \
        }                                                                      \
    }
BINARY(eval_and, &)
BINARY(eval_or, |)
BINARY(eval_xor, ^)

static ch_status bind_binary(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t = ch_common_type(bind->arg_type[0], bind->arg_type[1], bind->ctx->ansi);
    if (t && t->id == CH_NULL)
        t = CH_T_INT;
    if (!t || !ch_type_is_integral(t))
        return wrong_types(bind, err);
    bind->arg_type[0] = bind->arg_type[1] = bind->result = t;
    return CH_OK;
}

static ch_status bind_not(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (ch_type_is_string(t) || t->id == CH_NULL) {
        CH_TRY(ch_bind_cast(bind, 0, t->id == CH_NULL ? CH_T_INT : CH_T_LONG, err));
        t = bind->arg_type[0];
    }
    if (!ch_type_is_integral(t))
        return ch_bind_wrong_type(bind, 0, "INTEGRAL", err);
    bind->result = t;
    return CH_OK;
}

#define NOT(T)                                   \
    {                                            \
        const T *a = call->arg[0]->data;         \
        T *r = (*out)->data;                     \
        for (int64_t i = 0; i < call->rows; i++) \
            r[i] = (T)~a[i];                     \
        return CH_OK;                            \
    }
static ch_status eval_not(const ch_call *call, ch_column **out, ch_error *err)
{
    CH_UNUSED(err);
    switch (ch_type_width(call->result)) {
    case 1:
        NOT(int8_t)
    case 2:
        NOT(int16_t)
    case 4:
        NOT(int32_t)
    default:
        NOT(int64_t)
    }
}

/* ---- shifts ---- */

static ch_status bind_shift(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    if (bind->arg_type[0]->id != CH_LONG)
        CH_TRY(ch_bind_cast(bind, 0, CH_T_INT, err));
    CH_TRY(ch_bind_cast(bind, 1, CH_T_INT, err));
    bind->result = bind->arg_type[0];
    return CH_OK;
}

static ch_status eval_shift(const ch_call *call, ch_column **out, ch_error *err)
{
    const char *name = call->func->name;
    bool left = strcmp(name, "<<") == 0 || strcmp(name, "shiftleft") == 0;
    bool logical = strcmp(name, ">>>") == 0 || strcmp(name, "shiftrightunsigned") == 0;
    const int32_t *n = call->arg[1]->data;
    CH_UNUSED(err);
    if (call->result->id == CH_LONG) {
        const int64_t *a = call->arg[0]->data;
        int64_t *r = (*out)->data;
        for (int64_t i = 0; i < call->rows; i++)
            r[i] = left      ? (int64_t)((uint64_t)a[i] << (n[i] & 63))
                   : logical ? (int64_t)((uint64_t)a[i] >> (n[i] & 63))
                             : a[i] >> (n[i] & 63);
        return CH_OK;
    }
    const int32_t *a = call->arg[0]->data;
    int32_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = left      ? (int32_t)((uint32_t)a[i] << (n[i] & 31))
               : logical ? (int32_t)((uint32_t)a[i] >> (n[i] & 31))
                         : a[i] >> (n[i] & 31);
    return CH_OK;
}

/* ---- single bits ---- */

static ch_status bind_count_bits(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id == CH_NULL)
        bind->arg_type[0] = CH_T_INT;
    else if (!ch_type_is_integral(t) && t->id != CH_BOOLEAN)
        return ch_bind_wrong_type(bind, 0, "(INTEGRAL or BOOLEAN)", err);
    bind->result = CH_T_INT;
    return CH_OK;
}

static ch_status eval_count_bits(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    int32_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = c->type->id == CH_BOOLEAN ? ch_bit_get(c->data, i)
                                         : __builtin_popcountll((uint64_t)ch_column_i64(c, i));
    return CH_OK;
}

static ch_status bind_get(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    if (!ch_type_is_integral(bind->arg_type[0]))
        CH_TRY(ch_bind_cast(bind, 0, CH_T_LONG, err));
    CH_TRY(ch_bind_cast(bind, 1, CH_T_INT, err));
    bind->result = ch_type_of(CH_BYTE);
    return CH_OK;
}

static ch_status eval_get(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    const int32_t *at = call->arg[1]->data;
    int8_t *r = (*out)->data;
    int32_t width = 8 * ch_type_width(c->type);
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_is_valid(*out, i) && (at[i] < 0 || at[i] >= width)) {
            char text[96];
            if (at[i] < 0)
                snprintf(text, sizeof text, "expects an integer value greater than 0, but got %d",
                         at[i]);
            else
                snprintf(text, sizeof text, "expects an integer value less than %d, but got %d",
                         width, at[i]);
            CH_FAIL(err, INVALID_BIT_POSITION, "functionName", call->func->name, "invalidValue",
                    text);
        }
        r[i] = (int8_t)(ch_column_i64(c, i) >> (at[i] & 63) & 1);
    }
    return CH_OK;
}

#define ROW(fn, binder, kernel, flag, text, ex, want)                                          \
    {                                                                                          \
        .name = fn, .bind = binder, .eval = kernel, .flags = CH_FUNC_NULL_PROPAGATES | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                   \
    }

const ch_func ch_func_op_bit[] = {
    ROW("&", bind_binary, eval_and, 0, "Bits of both.", "3 & 5", "1"),
    ROW("|", bind_binary, eval_or, 0, "Bits of either.", "3 | 5", "7"),
    ROW("^", bind_binary, eval_xor, 0, "Bits of one and not of the other.", "3 ^ 5", "6"),
    ROW("~", bind_not, eval_not, 0, "The other bits.", "~ 0", "-1"),
    ROW("<<", bind_shift, eval_shift, 0, "Shifted to the left.", "2 << 1", "4"),
    ROW(">>", bind_shift, eval_shift, 0, "Shifted to the right, with the sign.", "4 >> 1", "2"),
    ROW(">>>", bind_shift, eval_shift, 0, "Shifted to the right, with zeros.", "4 >>> 1", "2"),
    ROW("shiftleft", bind_shift, eval_shift, 0, "Shifted to the left.", "shiftleft(2, 1)", "4"),
    ROW("shiftright", bind_shift, eval_shift, 0, "Shifted to the right, with the sign.",
        "shiftright(4, 1)", "2"),
    ROW("shiftrightunsigned", bind_shift, eval_shift, 0, "Shifted to the right, with zeros.",
        "shiftrightunsigned(4, 1)", "2"),
    ROW("bit_count", bind_count_bits, eval_count_bits, 0, "How many bits are on.", "bit_count(7)",
        "3"),
    ROW("bit_get", bind_get, eval_get, CH_FUNC_MAY_FAIL, "The bit at a position, from the right.",
        "bit_get(11, 0)", "1"),
    ROW("getbit", bind_get, eval_get, CH_FUNC_MAY_FAIL, "The bit at a position, from the right.",
        "getbit(11, 0)", "1"),
    CH_FUNC_END,
};
