/* SPDX-License-Identifier: Apache-2.0 */
/*
 * math_round.c - abs, round, bround, ceil, floor, greatest, least.
 *
 * Doubles are rounded by their shortest decimal digits (as BigDecimal of Double.toString), not by
 * their binary value: round(2.5) is 3, bround(2.5) is 2, round(1.005, 2) is 1.01.
 */
#include <math.h>

#include "function/support.h"
#include "kernel/choose.h"
#include "kernel/compare.h"
#include "type/decimal.h"
#include "type/number.h"

static inline ch_i128 get_dec(const ch_column *c, int64_t i)
{
    return c->type->precision > 18 ? ((const ch_i128 *)c->data)[i] : ((const int64_t *)c->data)[i];
}

static inline void put_dec(ch_column *c, int64_t i, ch_i128 v)
{
    if (c->type->precision > 18)
        ((ch_i128 *)c->data)[i] = v;
    else
        ((int64_t *)c->data)[i] = (int64_t)v;
}

static ch_status overflow(const ch_type *t, ch_error *err)
{
    CH_FAIL(err, ARITHMETIC_OVERFLOW, "message",
            t->id == CH_BYTE    ? "byte overflow"
            : t->id == CH_SHORT ? "short overflow"
            : t->id == CH_INT   ? "integer overflow"
                                : "long overflow",
            "alternative", "", "config", CH_CONFIG_ANSI);
}

/* ---- abs ---- */

#define ABS(T, MIN)                                                       \
    do {                                                                  \
        const T *x = c->data;                                             \
        T *r = (*out)->data;                                              \
        for (int64_t i = 0; i < call->rows; i++) {                        \
            if (x[i] == (MIN) && call->ctx->ansi && ch_is_valid(*out, i)) \
                return overflow(c->type, err);                            \
            r[i] = x[i] < 0 && x[i] != (MIN) ? (T)-x[i] : x[i];           \
        }                                                                 \
    } while (0)

static ch_status eval_abs(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    switch (c->type->id) {
    case CH_BYTE:
        ABS(int8_t, INT8_MIN);
        break;
    case CH_SHORT:
        ABS(int16_t, INT16_MIN);
        break;
    case CH_INT:
    case CH_YEAR_MONTH_INTERVAL:
        ABS(int32_t, INT32_MIN);
        break;
    case CH_FLOAT:
        for (int64_t i = 0; i < call->rows; i++)
            ((float *)(*out)->data)[i] = fabsf(((const float *)c->data)[i]);
        break;
    case CH_DOUBLE:
        for (int64_t i = 0; i < call->rows; i++)
            ((double *)(*out)->data)[i] = fabs(((const double *)c->data)[i]);
        break;
    case CH_DECIMAL:
        for (int64_t i = 0; i < call->rows; i++) {
            ch_i128 v = get_dec(c, i);
            put_dec(*out, i, v < 0 ? -v : v);
        }
        break;
    default:
        ABS(int64_t, INT64_MIN);
    }
    return CH_OK;
}

static ch_status bind_abs(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (ch_type_is_string(t) || t->id == CH_NULL)
        t = CH_T_DOUBLE;
    if (!ch_type_is_numeric(t) && t->id != CH_DAY_TIME_INTERVAL && t->id != CH_YEAR_MONTH_INTERVAL)
        return ch_bind_wrong_type(bind, 0, "NUMERIC\" or \"ANSI INTERVAL", err);
    bind->arg_type[0] = bind->result = t;
    return CH_OK;
}

/* ---- round ---- */

typedef enum way { HALF_UP, HALF_EVEN, UP, DOWN } way; /* UP: towards +infinity (ceil) */

static way way_of(const char *name)
{
    return name[0] == 'b' ? HALF_EVEN : name[0] == 'c' ? UP : name[0] == 'f' ? DOWN : HALF_UP;
}

/* v / 10^digits in the given way. */
static ch_i128 cut(ch_i128 v, int digits, way how)
{
    if (digits <= 0)
        return v;
    if (digits > 38)
        return how == UP && v > 0 ? 1 : how == DOWN && v < 0 ? -1 : 0;
    if (how == HALF_UP)
        return ch_dec_shift_down(v, digits);
    ch_i128 d = (ch_i128)ch_pow10_128[digits], q = v / d, rest = v - q * d;
    if (how == UP)
        return q + (rest > 0);
    if (how == DOWN)
        return q - (rest < 0);
    ch_i128 size = rest < 0 ? -rest : rest, other = d - size;
    if (size > other || (size == other && (q & 1)))
        q += v < 0 ? -1 : 1;
    return q;
}

/* The double whose decimal digits, rounded to `scale` places, are given. */
static double round_double(double v, int scale, way how)
{
    if (isnan(v) || isinf(v) || v == 0)
        return v;
    int e;
    uint64_t digits = ch_shortest_f64(fabs(v), &e);
    if (-e <= scale)
        return v;
    ch_i128 n = v < 0 ? -(ch_i128)digits : (ch_i128)digits;
    ch_i128 r = cut(n, -e - scale > 60 ? 60 : -e - scale, how);
    if (r == 0)
        return 0.0;
    return r < 0 ? -ch_f64_of_digits((uint64_t)-r, -scale) : ch_f64_of_digits((uint64_t)r, -scale);
}

static float round_float(float v, int scale, way how)
{
    if (isnan(v) || isinf(v) || v == 0)
        return v;
    int e;
    uint32_t digits = ch_shortest_f32(fabsf(v), &e);
    if (-e <= scale)
        return v;
    ch_i128 n = v < 0 ? -(ch_i128)digits : (ch_i128)digits;
    ch_i128 r = cut(n, -e - scale > 60 ? 60 : -e - scale, how);
    double wide =
        r < 0 ? -ch_f64_of_digits((uint64_t)-r, -scale) : ch_f64_of_digits((uint64_t)r, -scale);
    return (float)wide;
}

typedef struct round_rule {
    int scale;
    way how;
} round_rule;

/* Integers change only for negative scales. */
#define ROUND_INT(T, MIN, MAX)                                                           \
    do {                                                                                 \
        const T *x = c->data;                                                            \
        T *r = (*out)->data;                                                             \
        for (int64_t i = 0; i < call->rows; i++) {                                       \
            ch_i128 v = x[i];                                                            \
            if (rule->scale < 0) {                                                       \
                int digits = rule->scale < -20 ? 20 : -rule->scale;                      \
                v = cut(v, digits, rule->how) * (ch_i128)ch_pow10_128[digits];           \
                if ((v < (MIN) || v > (MAX)) && call->ctx->ansi && ch_is_valid(*out, i)) \
                    return overflow(c->type, err);                                       \
            }                                                                            \
            r[i] = (T)v;                                                                 \
        }                                                                                \
    } while (0)

static ch_status eval_round(const ch_call *call, ch_column **out, ch_error *err)
{
    const round_rule *rule = call->data;
    const ch_column *c = call->arg[0];
    switch (c->type->id) {
    case CH_BYTE:
        ROUND_INT(int8_t, INT8_MIN, INT8_MAX);
        break;
    case CH_SHORT:
        ROUND_INT(int16_t, INT16_MIN, INT16_MAX);
        break;
    case CH_INT:
        ROUND_INT(int32_t, INT32_MIN, INT32_MAX);
        break;
    case CH_LONG:
        ROUND_INT(int64_t, INT64_MIN, INT64_MAX);
        break;
    case CH_FLOAT:
        for (int64_t i = 0; i < call->rows; i++)
            ((float *)(*out)->data)[i] =
                round_float(((const float *)c->data)[i], rule->scale, rule->how);
        break;
    case CH_DOUBLE:
        for (int64_t i = 0; i < call->rows; i++)
            ((double *)(*out)->data)[i] =
                round_double(((const double *)c->data)[i], rule->scale, rule->how);
        break;
    default: {
        int from = c->type->scale, to = call->result->scale;
        for (int64_t i = 0; i < call->rows; i++) {
            ch_i128 v = get_dec(c, i), r = v;
            bool fits = true;
            if (rule->scale < from)
                r = cut(v, from - rule->scale, rule->how);
            if (rule->scale < to) /* negative scales: zeros again */
                fits = ch_dec_rescale(r, 0, call->result->precision, -rule->scale, &r);
            fits = fits && ch_dec_fits(r, call->result->precision);
            if (!fits && ch_is_valid(*out, i)) {
                if (call->ctx->ansi) {
                    char text[CH_DECIMAL_TEXT + 1];
                    text[ch_dec_print(text, v, from)] = 0;
                    CH_FAIL(err, NUMERIC_VALUE_OUT_OF_RANGE, "value", text, "precision",
                            CH_I64(call->result->precision), "scale", CH_I64(to), "config",
                            CH_CONFIG_ANSI);
                }
                CH_TRY(ch_set_null(*out, i, err));
            }
            put_dec(*out, i, fits ? r : 0);
        }
    }
    }
    return CH_OK;
}

/* Of double's digits none stands further from the point. */
#define MOST_SCALE 400

static int max_int(int a, int b)
{
    return a > b ? a : b;
}

/* round(x [, scale]), bround; the scale is a constant. */
static ch_status bind_round(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    round_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    rule->how = way_of(bind->func->name);
    if (bind->n_args == 2) {
        const ch_scalar *v = ch_bind_constant(bind, 1);
        if (!v || (!ch_type_is_integral(v->type) && v->type->id != CH_NULL))
            return ch_bind_wrong_type(bind, 1, "INT", err);
        int64_t scale = v->is_null ? 0 : v->v.i64;
        rule->scale = (int)(scale < -MOST_SCALE  ? -MOST_SCALE
                            : scale > MOST_SCALE ? MOST_SCALE
                                                 : scale);
        bind->arg_type[1] = CH_T_INT;
    }
    bind->data = rule;
    const ch_type *t = bind->arg_type[0];
    if (ch_type_is_string(t) || t->id == CH_NULL)
        t = CH_T_DOUBLE;
    if (!ch_type_is_numeric(t))
        return ch_bind_wrong_type(bind, 0, "NUMERIC", err);
    bind->arg_type[0] = bind->result = t;
    if (t->id != CH_DECIMAL)
        return CH_OK;
    int whole = t->precision - t->scale + 1;
    if (rule->scale < 0)
        bind->result = ch_type_decimal(
            max_int(whole, -rule->scale + 1) > 38 ? 38 : max_int(whole, -rule->scale + 1), 0);
    else if (rule->scale < t->scale)
        bind->result =
            ch_type_decimal(whole + rule->scale > 38 ? 38 : whole + rule->scale, rule->scale);
    else
        bind->result = ch_type_decimal(whole + t->scale > 38 ? 38 : whole + t->scale, t->scale);
    return CH_OK;
}

/* ceil(x), floor(x) give BIGINT of doubles, DECIMAL of decimals; with a scale, decimals only. */
static ch_status eval_whole(const ch_call *call, ch_column **out, ch_error *err)
{
    const ch_column *c = call->arg[0];
    const round_rule *rule = call->data;
    int64_t *r = (*out)->data;
    if (c->type->id == CH_LONG) {
        memcpy(r, c->data, sizeof *r * (size_t)call->rows);
        return CH_OK;
    }
    for (int64_t i = 0; i < call->rows; i++) {
        double v = ((const double *)c->data)[i];
        v = rule->how == UP ? ceil(v) : floor(v);
        bool large = v >= 9223372036854775808.0 || v < -9223372036854775808.0;
        if (large && call->ctx->ansi && ch_is_valid(*out, i))
            return overflow(CH_T_LONG, err);
        r[i] = v != v                       ? 0
               : v >= 9223372036854775808.0 ? INT64_MAX
               : v < -9223372036854775808.0 ? INT64_MIN
                                            : (int64_t)v;
    }
    return CH_OK;
}

static ch_status bind_whole(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    const ch_type *t = bind->arg_type[0];
    if (bind->n_args == 2) { /* as a DECIMAL, with a scale */
        if (t->id != CH_DECIMAL && ch_dec_for(t))
            t = ch_dec_for(t);
        if (t->id != CH_DECIMAL)
            t = ch_type_decimal(30, 15);
        bind->arg_type[0] = t;
        CH_TRY(bind_round(bind, err));
        bind->eval = eval_round;
        return CH_OK;
    }
    round_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    rule->how = way_of(bind->func->name);
    bind->data = rule;
    if (t->id == CH_DECIMAL) {
        int whole = t->precision - t->scale + (t->scale ? 1 : 0);
        bind->result = ch_type_decimal(whole > 38 ? 38 : whole < 1 ? 1 : whole, 0);
        bind->eval = eval_round;
        return CH_OK;
    }
    if (!ch_type_is_numeric(t) && !ch_type_is_string(t) && t->id != CH_NULL)
        return ch_bind_wrong_type(bind, 0, "NUMERIC", err);
    bind->arg_type[0] = ch_type_is_integral(t) ? CH_T_LONG : CH_T_DOUBLE;
    bind->result = CH_T_LONG;
    return CH_OK;
}

/* ---- greatest, least: NULLs are passed over ---- */

static ch_status eval_extreme(const ch_call *call, ch_column **out, ch_error *err)
{
    bool greatest = call->func->name[0] == 'g';
    size_t bytes = sizeof(int32_t) * (size_t)call->rows;
    int32_t *which = ch_mem_alloc(call->mem, bytes, err);
    if (!which)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < call->rows; i++) {
        which[i] = -1;
        for (int32_t a = 0; a < call->n_args; a++) {
            const ch_column *c = call->arg[a];
            if (ch_column_is_null(c, i))
                continue;
            if (which[i] >= 0) {
                int cmp = ch_compare_at(c, i, call->arg[which[i]], i);
                if (greatest ? cmp <= 0 : cmp >= 0)
                    continue;
            }
            which[i] = a;
        }
    }
    ch_column *c;
    ch_status status = ch_choose(call->arg, call->n_args, which, NULL, call->rows, call->result,
                                 call->mem, &c, err);
    ch_mem_free(call->mem, which, bytes);
    if (status == CH_OK) {
        ch_column_unref(*out);
        *out = c;
    }
    return status;
}

static ch_status bind_extreme(ch_bind *bind, ch_error *err)
{
    const ch_type *t;
    if (bind->n_args < 2)
        return ch_bind_count(bind, "> 1", err);
    bool strings = false, others = false;
    for (int32_t i = 0; i < bind->n_args; i++) {
        strings |= ch_type_is_string(bind->arg_type[i]);
        others |= !ch_type_is_string(bind->arg_type[i]) && bind->arg_type[i]->id != CH_NULL;
    }
    if (strings && others && !bind->ctx->ansi) /* no promotion to strings here */
        return ch_bind_differ(bind, err);
    CH_TRY(ch_bind_common(bind, 0, &t, err));
    if (!ch_type_is_orderable(t))
        return ch_bind_wrong_type(bind, 0, "ORDERABLE", err);
    bind->result = t;
    bind->nullable = true;
    for (int32_t i = 0; i < bind->n_args; i++)
        bind->nullable &= bind->arg_nullable[i];
    return CH_OK;
}

#define ROW(fn, binder, kernel, flag, text, ex, want)                           \
    {                                                                           \
        .name = fn, .bind = binder, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                 \
    }
#define FAILS CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL

const ch_func ch_func_math_round[] = {
    ROW("abs", bind_abs, eval_abs, FAILS, "The value without its sign.", "abs(-1)", "1"),
    ROW("round", bind_round, eval_round, FAILS, "Rounded to a scale, halves away from zero.",
        "round(2.5, 0)", "3"),
    ROW("bround", bind_round, eval_round, FAILS, "Rounded to a scale, halves to even.",
        "bround(2.5, 0)", "2"),
    ROW("ceil", bind_whole, eval_whole, FAILS, "The smallest whole number that is not smaller.",
        "ceil(-0.1)", "0"),
    ROW("ceiling", bind_whole, eval_whole, FAILS, "The smallest whole number that is not smaller.",
        "ceiling(5)", "5"),
    ROW("floor", bind_whole, eval_whole, FAILS, "The largest whole number that is not larger.",
        "floor(-0.1)", "-1"),
    ROW("greatest", bind_extreme, eval_extreme, CH_FUNC_TAKES_CONST,
        "The largest argument that is not NULL.", "greatest(10, 9, 2, 4, 3)", "10"),
    ROW("least", bind_extreme, eval_extreme, CH_FUNC_TAKES_CONST,
        "The smallest argument that is not NULL.", "least(10, 9, 2, 4, 3)", "2"),
    CH_FUNC_END,
};
