/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_compare.c - = == != <> <=> < <= > >=, IN, BETWEEN's parts, and NULL tests.
 *
 * Both sides take their common type. Where one is a string, ANSI mode reads it as the other's
 * type; without ANSI so too, but for comparisons only (findCommonTypeForBinaryComparison).
 */
#include <stdio.h>

#include "function/support.h"
#include "kernel/compare.h"

/* a with the nullability of both, if they differ in names at most. */
static const ch_type *same_shape(const ch_type *a, const ch_type *b)
{
    if (a == b || a->id == CH_NULL || b->id == CH_NULL)
        return a->id == CH_NULL ? b : a;
    if (a->id != b->id || a->n_fields != b->n_fields || a->n_fields > 1024)
        return NULL;
    ch_field field[1024];
    for (int32_t i = 0; i < a->n_fields; i++) {
        field[i] = a->field[i];
        field[i].nullable |= b->field[i].nullable;
        field[i].type = same_shape(a->field[i].type, b->field[i].type);
        if (!field[i].type)
            return NULL;
    }
    if (a->id == CH_STRUCT)
        return ch_type_struct(field, a->n_fields);
    if (a->id == CH_ARRAY)
        return ch_type_array(field[0].type, field[0].nullable);
    return a->id == CH_MAP ? ch_type_map(field[0].type, field[1].type, field[1].nullable) : NULL;
}

static const ch_type *comparison_type(const ch_type *a, const ch_type *b, bool ansi)
{
    if (!ansi && ch_type_is_string(a) != ch_type_is_string(b)) {
        const ch_type *other = ch_type_is_string(a) ? b : a;
        if (other->id != CH_NULL && !ch_type_is_nested(other) && other->id != CH_CALENDAR_INTERVAL)
            return other;
    }
    if (a->id == CH_STRUCT && b->id == CH_STRUCT)
        return same_shape(a, b);
    return ch_common_type(a, b, ansi);
}

static ch_status bind_compare(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t = comparison_type(bind->arg_type[0], bind->arg_type[1], bind->ctx->ansi);
    char sql[512];
    if (!t) {
        snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
        CH_FAIL(err, DATATYPE_MISMATCH_BINARY, "left", ch_quote_type(bind->arg_type[0]).text,
                "right", ch_quote_type(bind->arg_type[1]).text, "sqlExpr", sql);
    }
    bool equality = bind->func->name[0] == '=' || bind->func->name[0] == '!' ||
                    strcmp(bind->func->name, "<=>") == 0 || strcmp(bind->func->name, "<>") == 0;
    if (!ch_type_is_orderable(t) && !(equality && t->id == CH_CALENDAR_INTERVAL)) {
        char name[16];
        snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
        snprintf(name, sizeof name, "`%s`", bind->func->name);
        CH_FAIL(err, UNORDERABLE, "functionName", name, "dataType", ch_quote_type(t).text,
                "sqlExpr", sql);
    }
    bind->arg_type[0] = bind->arg_type[1] = t;
    bind->result = CH_T_BOOLEAN;
    return CH_OK;
}

#define COMPARE(name, OP)                                                                 \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err)            \
    {                                                                                     \
        CH_UNUSED(err);                                                                   \
        ch_compare(OP, call->arg[0], call->arg[1], call->rows, (uint64_t *)(*out)->data); \
        return CH_OK;                                                                     \
    }
COMPARE(eval_eq, CH_EQ)
COMPARE(eval_ne, CH_NE)
COMPARE(eval_lt, CH_LT)
COMPARE(eval_le, CH_LE)
COMPARE(eval_gt, CH_GT)
COMPARE(eval_ge, CH_GE)

static uint64_t null_word(const ch_column *c, int64_t w)
{
    if (c->type->id == CH_NULL)
        return UINT64_MAX;
    if (!c->valid)
        return 0;
    if (c->encoding == CH_CONST)
        return ch_bit_get(c->valid, 0) ? 0 : UINT64_MAX;
    return ~c->valid[w];
}

static void clear_tail(uint64_t *bits, int64_t rows)
{
    if (rows & 63)
        bits[rows >> 6] &= (UINT64_C(1) << (rows & 63)) - 1;
}

/* a <=> b: equal, or both NULL. */
static ch_status eval_null_safe(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *a = call->arg[0], *b = call->arg[1];
    uint64_t *bits = (*out)->data;
    CH_UNUSED(err);
    if (a->type->id == CH_NULL)
        ch_bits_fill(bits, call->rows, false);
    else
        ch_compare(CH_EQ, a, b, call->rows, bits);
    for (int64_t w = 0; w < ch_bit_words(call->rows); w++) {
        uint64_t x = null_word(a, w), y = null_word(b, w);
        bits[w] = (bits[w] & ~x & ~y) | (x & y);
    }
    clear_tail(bits, call->rows);
    return CH_OK;
}

static ch_status eval_isnull(const ch_call *call, ch_column **out, ch_error *err)
{
    uint64_t *bits = (*out)->data;
    CH_UNUSED(err);
    for (int64_t w = 0; w < ch_bit_words(call->rows); w++)
        bits[w] = null_word(call->arg[0], w);
    clear_tail(bits, call->rows);
    return CH_OK;
}

static ch_status eval_isnotnull(const ch_call *call, ch_column **out, ch_error *err)
{
    uint64_t *bits = (*out)->data;
    CH_UNUSED(err);
    for (int64_t w = 0; w < ch_bit_words(call->rows); w++)
        bits[w] = ~null_word(call->arg[0], w);
    clear_tail(bits, call->rows);
    return CH_OK;
}

static ch_status eval_isnan(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    uint64_t *bits = (*out)->data;
    CH_UNUSED(err);
    ch_bits_fill(bits, call->rows, false);
    for (int64_t i = 0; i < call->rows; i++) {
        double v = c->type->id == CH_FLOAT ? (double)((const float *)c->data)[i]
                                           : ((const double *)c->data)[i];
        if (v != v && ch_is_valid(c, i))
            ch_bit_set(bits, i);
    }
    return CH_OK;
}

/* ---- IN ---- */

static ch_status bind_in(ch_bind *bind, ch_error *err)
{
    const ch_type *t;
    if (bind->n_args < 1)
        return ch_bind_count(bind, "> 0", err);
    const ch_type *first = bind->arg_type[0];
    bool same = true;
    for (int32_t i = 1; i < bind->n_args; i++)
        same &= bind->arg_type[i] == first || bind->arg_type[i]->id == CH_NULL;
    if (!same && first->id == CH_STRUCT) {
        for (int32_t i = 1; i < bind->n_args && first; i++)
            first = same_shape(first, bind->arg_type[i]);
        same = first != NULL;
    }
    if (same)
        for (int32_t i = 0; i < bind->n_args; i++)
            bind->arg_type[i] = first;
    else
        CH_TRY(ch_bind_common(bind, 0, &t, err));
    bind->result = CH_T_BOOLEAN;
    return CH_OK;
}

/* Three-valued: true if any is equal, else NULL if any comparison was NULL, else false. */
static ch_status eval_in(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *a = call->arg[0];
    int64_t words = ch_bit_words(call->rows);
    uint64_t *bits = (*out)->data;
    ch_bits_fill(bits, call->rows, false);
    size_t bytes = (size_t)words * 8;
    uint64_t *one = ch_mem_alloc(call->mem, bytes * 2, err), *null;
    if (!one)
        return CH_E_MEMORY;
    null = one + words;
    memset(null, 0, bytes);
    for (int32_t k = 1; k < call->n_args; k++) {
        const ch_column *b = call->arg[k];
        ch_compare(CH_EQ, a, b, call->rows, one);
        for (int64_t w = 0; w < words; w++) {
            uint64_t n = null_word(a, w) | null_word(b, w);
            bits[w] |= one[w] & ~n;
            null[w] |= n;
        }
    }
    bool any = false;
    for (int64_t w = 0; w < words; w++) {
        null[w] &= ~bits[w];
        any |= null[w] != 0;
    }
    ch_status status = any ? ch_column_need_valid(*out, err) : CH_OK;
    if (any && status == CH_OK)
        for (int64_t w = 0; w < words; w++)
            (*out)->valid[w] &= ~null[w];
    clear_tail(bits, call->rows);
    ch_mem_free(call->mem, one, bytes * 2);
    return status;
}

#define CMP_FLAGS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_INTERNAL

const ch_func ch_func_op_compare[] = {
    {.name = "=",
     .bind = bind_compare,
     .eval = eval_eq,
     .flags = CMP_FLAGS,
     .doc = "True if both are equal.",
     .example = "SELECT 2 = 2",
     .expect = "true",
     .since = "0.1"},
    {.name = "==",
     .bind = bind_compare,
     .eval = eval_eq,
     .flags = CMP_FLAGS,
     .doc = "True if both are equal.",
     .example = "SELECT 2 == 2",
     .expect = "true",
     .since = "0.1"},
    {.name = "!=",
     .bind = bind_compare,
     .eval = eval_ne,
     .flags = CMP_FLAGS,
     .doc = "True if both differ.",
     .example = "SELECT 1 != 2",
     .expect = "true",
     .since = "0.1"},
    {.name = "<>",
     .bind = bind_compare,
     .eval = eval_ne,
     .flags = CMP_FLAGS,
     .doc = "True if both differ.",
     .example = "SELECT 1 <> 2",
     .expect = "true",
     .since = "0.1"},
    {.name = "<",
     .bind = bind_compare,
     .eval = eval_lt,
     .flags = CMP_FLAGS,
     .doc = "True if the left is smaller.",
     .example = "SELECT 1 < 2",
     .expect = "true",
     .since = "0.1"},
    {.name = "<=",
     .bind = bind_compare,
     .eval = eval_le,
     .flags = CMP_FLAGS,
     .doc = "True if the left is smaller or equal.",
     .example = "SELECT 2 <= 2",
     .expect = "true",
     .since = "0.1"},
    {.name = ">",
     .bind = bind_compare,
     .eval = eval_gt,
     .flags = CMP_FLAGS,
     .doc = "True if the left is larger.",
     .example = "SELECT 2 > 1",
     .expect = "true",
     .since = "0.1"},
    {.name = ">=",
     .bind = bind_compare,
     .eval = eval_ge,
     .flags = CMP_FLAGS,
     .doc = "True if the left is larger or equal.",
     .example = "SELECT 2 >= 1",
     .expect = "true",
     .since = "0.1"},
    {.name = "<=>",
     .bind = bind_compare,
     .eval = eval_null_safe,
     .flags = CH_FUNC_NEVER_NULL | CH_FUNC_TAKES_CONST | CH_FUNC_INTERNAL,
     .doc = "True if both are equal or both NULL.",
     .example = "SELECT NULL <=> NULL",
     .expect = "true",
     .since = "0.1"},
    {.name = "equal_null",
     .bind = bind_compare,
     .eval = eval_null_safe,
     .flags = CH_FUNC_NEVER_NULL | CH_FUNC_TAKES_CONST,
     .doc = "True if both are equal or both NULL.",
     .example = "SELECT equal_null(3, NULL)",
     .expect = "false",
     .since = "0.1"},
    {.name = "isnull",
     .sig = "any -> boolean",
     .eval = eval_isnull,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "True if the value is NULL.",
     .example = "SELECT isnull(1)",
     .expect = "false",
     .since = "0.1"},
    {.name = "isnotnull",
     .sig = "any -> boolean",
     .eval = eval_isnotnull,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "True if the value is not NULL.",
     .example = "SELECT isnotnull(1)",
     .expect = "true",
     .since = "0.1"},
    {.name = "isnan",
     .sig = "double|float -> boolean",
     .eval = eval_isnan,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "True if the value is NaN.",
     .example = "SELECT isnan(cast('NaN' AS double))",
     .expect = "true",
     .since = "0.1"},
    {.name = "in",
     .bind = bind_in,
     .eval = eval_in,
     .flags = CH_FUNC_TAKES_CONST | CH_FUNC_INTERNAL,
     .doc = "True if the first equals one of the others; NULL if that cannot be told.",
     .example = "SELECT 1 IN (1, 2, 3)",
     .expect = "true",
     .since = "0.1"},
    CH_FUNC_END,
};
