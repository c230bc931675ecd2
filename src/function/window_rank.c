/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window_rank.c - functions that work only OVER a window: row_number, rank, dense_rank, percent_rank,
 * cume_dist, ntile, lag, lead, nth_value.
 *
 * Here is what they take and give; exec/window_eval.c computes them, over whole partitions.
 */
#include "function/window_rank.h"

#include <stdio.h>

#include "function/support.h"

/* Argument i must be a constant INT; *value is 0 when it is NULL. */
static ch_status constant_int(ch_bind *bind, int32_t i, const char *input, int64_t *value,
                              bool *is_null, ch_error *err)
{
    char sql[512], name[64], arg[256];
    const ch_type *type = bind->arg_type[i];
    if (type->id != CH_NULL && !ch_type_is_integral(type))
        return ch_bind_wrong_type(bind, i, "INT", err);
    const ch_scalar *v = ch_bind_constant(bind, i);
    if (!v) {
        snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
        snprintf(name, sizeof name, "`%s`", input);
        snprintf(arg, sizeof arg, "\"%s\"", ch_bind_arg_sql(bind, i));
        CH_FAIL(err, DATATYPE_MISMATCH_FOLDABLE, "sqlExpr", sql, "inputName", name, "inputType",
                "\"INT\"", "inputExpr", arg);
    }
    *is_null = v->is_null || v->type->id == CH_NULL;
    *value = *is_null ? 0 : v->v.i64;
    return CH_OK;
}

static ch_status refuse_value(const ch_bind *bind, const char *name, const char *range,
                              const char *value, ch_error *err)
{
    char sql[512];
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    CH_FAIL(err, DATATYPE_MISMATCH_RANGE, "sqlExpr", sql, "exprName", name, "valueRange", range,
            "currentValue", value);
}

static ch_status bind_rank(ch_bind *bind, ch_error *err)
{
    CH_UNUSED(err);
    bool share = bind->func->name[0] == 'p';
    bind->result = share ? CH_T_DOUBLE : CH_T_INT;
    bind->nullable = false;
    return CH_OK;
}

static ch_status bind_ntile(ch_bind *bind, ch_error *err)
{
    if (bind->n_args > 1)
        return ch_bind_count(bind, "[0, 1]", err);
    ch_window_offset *o;
    bool is_null = false;
    CH_ARENA_NEW(o, bind->arena, err);
    o->n = 1;
    if (bind->n_args == 1) {
        CH_TRY(constant_int(bind, 0, "buckets", &o->n, &is_null, err));
        if (is_null || o->n <= 0 || o->n > INT32_MAX) {
            char value[32];
            snprintf(value, sizeof value, "%lld", (long long)o->n);
            return refuse_value(bind, "buckets", "(0, 2147483647]", is_null ? "null" : value, err);
        }
    }
    bind->data = o;
    bind->result = CH_T_INT;
    bind->nullable = false;
    return CH_OK;
}

static ch_status bind_offset(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 3)
        return ch_bind_count(bind, "[1, 2, 3]", err);
    ch_window_offset *o;
    bool is_null = false;
    CH_ARENA_NEW(o, bind->arena, err);
    o->n = 1;
    if (bind->n_args >= 2)
        CH_TRY(constant_int(bind, 1, "offset", &o->n, &is_null, err));
    bind->data = o;
    bind->result = bind->arg_type[0];
    if (bind->n_args == 3 && bind->arg_type[2]->id == CH_NULL)
        bind->arg_type[2] = bind->result;
    else if (bind->n_args == 3)
        CH_TRY(ch_bind_cast(bind, 2, bind->result, err));
    bind->nullable = true;
    return CH_OK;
}

static ch_status bind_nth(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    ch_window_offset *o;
    bool is_null = false;
    CH_ARENA_NEW(o, bind->arena, err);
    CH_TRY(constant_int(bind, 1, "offset", &o->n, &is_null, err));
    if (is_null || o->n <= 0) {
        char value[32];
        snprintf(value, sizeof value, "%lldL", (long long)o->n);
        return refuse_value(bind, "offset", "(0, 9223372036854775807]", is_null ? "null" : value,
                            err);
    }
    bind->data = o;
    bind->result = bind->arg_type[0];
    bind->nullable = true;
    return CH_OK;
}

#define FROM " FROM VALUES (10), (20), (20) t(x) LIMIT 1"
#define ROW(fn, signature, binder, text, ex, want)                                          \
    {                                                                                       \
        .name = fn, .sig = signature, .bind = binder, .flags = CH_FUNC_WINDOW, .doc = text, \
        .example = "SELECT " ex " OVER (ORDER BY x)" FROM, .expect = want, .since = "0.1"   \
    }

const ch_func ch_func_window_rank[] = {
    {.name = "row_number",
     .sig = "-> int",
     .flags = CH_FUNC_WINDOW | CH_FUNC_NEVER_NULL,
     .doc = "The row's place in its partition, from 1.",
     .example = "SELECT row_number() OVER (ORDER BY x)" FROM,
     .expect = "1",
     .since = "0.1"},
    ROW("rank", NULL, bind_rank, "The place of the first of the row's equals, from 1.", "rank()",
        "1"),
    ROW("dense_rank", NULL, bind_rank, "How many different values come first, and this one.",
        "dense_rank()", "1"),
    ROW("percent_rank", NULL, bind_rank, "(rank - 1) / (rows of the partition - 1).",
        "percent_rank()", "0.0"),
    {.name = "cume_dist",
     .sig = "-> double",
     .flags = CH_FUNC_WINDOW | CH_FUNC_NEVER_NULL,
     .doc = "The share of the partition's rows up to this row and its equals.",
     .example = "SELECT cume_dist() OVER (ORDER BY x)" FROM,
     .expect = "0.3333333333333333",
     .since = "0.1"},
    ROW("ntile", NULL, bind_ntile, "Which of n buckets of nearly equal size the row is in, from 1.",
        "ntile(2)", "1"),
    ROW("lag", NULL, bind_offset, "The value n rows before, or the default.", "lag(x, 1, 0)", "0"),
    ROW("lead", NULL, bind_offset, "The value n rows behind, or the default.", "lead(x)", "20"),
    ROW("nth_value", NULL, bind_nth, "The value in row n of the frame, from 1.", "nth_value(x, 1)",
        "10"),
    CH_FUNC_END,
};
