/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op_arithmetic.c - + - * / % div and signs, on numbers.
 *
 * What an overflow or a division by zero does depends on the mode: an error (ANSI), NULL (the
 * try_ functions; divisions with ANSI off), or wrapping around (integers with ANSI off).
 *
 * Loops compute all rows first and note without branching whether any overflowed; only then a
 * second pass finds out whether it was a row that counts. A DECIMAL result type is wide enough
 * to never overflow, unless its precision was cut to 38.
 */
#include <math.h>
#include <stdio.h>

#include "function/support.h"
#include "type/decimal.h"

typedef enum mode { LEGACY, ANSI, TRY } mode;

typedef struct arithmetic {
    char op; /* + - * / % d (div) p (pmod) */
    uint8_t mode;
} arithmetic;

/* ---- errors ---- */

static const char *type_word(const ch_type *t)
{
    switch (t->id) {
    case CH_BYTE:
        return "byte overflow";
    case CH_SHORT:
        return "short overflow";
    case CH_INT:
        return "integer overflow";
    default:
        return "long overflow";
    }
}

static ch_status overflow(char op, const ch_type *t, ch_error *err)
{
    const char *hint =
        op == '+'   ? " Use 'try_add' to tolerate overflow and return NULL instead."
        : op == '-' ? " Use 'try_subtract' to tolerate overflow and return NULL instead."
        : op == '*' ? " Use 'try_multiply' to tolerate overflow and return NULL instead."
        : op == 'd' ? " Use 'try_divide' to tolerate overflow and return NULL instead."
                    : "";
    CH_FAIL(err, ARITHMETIC_OVERFLOW, "message", type_word(t), "alternative", hint, "config",
            CH_CONFIG_ANSI);
}

/* Bytes and shorts: "127S + 1S caused overflow". */
static ch_status small_overflow(char op, int64_t x, int64_t y, ch_error *err)
{
    char a[32], b[32], symbol[2] = {op, 0};
    snprintf(a, sizeof a, "%lldS", (long long)x);
    snprintf(b, sizeof b, "%lldS", (long long)y);
    CH_FAIL(err, BINARY_ARITHMETIC_OVERFLOW, "value1", a, "symbol", symbol, "value2", b,
            "functionName",
            op == '+'   ? "`try_add`"
            : op == '-' ? "`try_subtract`"
                        : "`try_multiply`");
}

static ch_status by_zero(char op, ch_error *err)
{
    if (op == '%' || op == 'p')
        CH_FAIL(err, REMAINDER_BY_ZERO, "config", CH_CONFIG_ANSI);
    CH_FAIL(err, DIVIDE_BY_ZERO, "config", CH_CONFIG_ANSI);
}

static ch_status decimal_overflow(ch_i128 v, int scale, const ch_type *t, ch_error *err)
{
    char text[CH_DECIMAL_TEXT + 1];
    text[ch_dec_print(text, v, scale)] = 0;
    CH_FAIL(err, NUMERIC_VALUE_OUT_OF_RANGE, "value", text, "precision", CH_I64(t->precision),
            "scale", CH_I64(t->scale), "config", CH_CONFIG_ANSI);
}

/* ---- + - * of integers and floats ---- */

/*
 * Expands to eval functions for one type. BAD(x, y, r) is the type's overflow test, non-zero where
 * r is wrong; it is cheap and free of branches.
 */
#define BAD_ADD(T, x, y, r) ((((x) ^ (r)) & ((y) ^ (r))) < 0)
#define BAD_SUB(T, x, y, r) ((((x) ^ (y)) & ((x) ^ (r))) < 0)
#define BAD_MUL_SMALL(T, x, y, r) ((int64_t)(x) * (int64_t)(y) != (int64_t)(r))
#define BAD_NONE(T, x, y, r) 0

#define INT_LOOP(T, U, OPER, BAD, XI, YI)                     \
    for (int64_t i = 0; i < n; i++) {                         \
        T x_ = x[XI], y_ = y[YI], r_ = (T)((U)x_ OPER(U) y_); \
        r[i] = r_;                                            \
        bad |= BAD(T, x_, y_, r_);                            \
    }

#define INTEGER(name, T, U, OPER, CHAR, BAD)                                               \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err)             \
    {                                                                                      \
        const arithmetic *a = call->data;                                                  \
        const ch_column *cx = call->arg[0], *cy = call->arg[1];                            \
        const T *x = cx->data, *y = cy->data;                                              \
        T *r = (*out)->data;                                                               \
        int64_t n = call->rows;                                                            \
        int bad = 0;                                                                       \
        if (cy->encoding == CH_CONST) {                                                    \
            INT_LOOP(T, U, OPER, BAD, i, 0)                                                \
        } else if (cx->encoding == CH_CONST) {                                             \
            INT_LOOP(T, U, OPER, BAD, 0, i)                                                \
        } else {                                                                           \
            INT_LOOP(T, U, OPER, BAD, i, i)                                                \
        }                                                                                  \
        if (CH_LIKELY(!bad) || a->mode == LEGACY)                                          \
            return CH_OK;                                                                  \
        int64_t dx = cx->encoding != CH_CONST, dy = cy->encoding != CH_CONST;              \
        for (int64_t i = 0; i < n; i++) {                                                  \
            T x_ = x[i * dx], y_ = y[i * dy];                                              \
            if (!(BAD(T, x_, y_, r[i])) || !ch_is_valid(*out, i))                          \
                continue;                                                                  \
            if (a->mode == ANSI)                                                           \
                return sizeof(T) < 4 ? small_overflow(CHAR, (int64_t)x_, (int64_t)y_, err) \
                                     : overflow(CHAR, call->result, err);                  \
            CH_TRY(ch_set_null(*out, i, err));                                             \
        }                                                                                  \
        return CH_OK;                                                                      \
    }

#define INTEGER_OPS(suffix, T, U, BAD_MUL)       \
    INTEGER(add_##suffix, T, U, +, '+', BAD_ADD) \
    INTEGER(sub_##suffix, T, U, -, '-', BAD_SUB) \
    INTEGER(mul_##suffix, T, U, *, '*', BAD_MUL)

static inline int mul_bad_64(int64_t x, int64_t y)
{
    int64_t r;
    return __builtin_mul_overflow(x, y, &r);
}
#define BAD_MUL_64(T, x, y, r) mul_bad_64(x, y)

INTEGER_OPS(i8, int8_t, uint32_t, BAD_MUL_SMALL)
INTEGER_OPS(i16, int16_t, uint32_t, BAD_MUL_SMALL)
INTEGER_OPS(i32, int32_t, uint32_t, BAD_MUL_SMALL)
INTEGER_OPS(i64, int64_t, uint64_t, BAD_MUL_64)

#define FLOAT(name, T, OPER)                                                   \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const ch_column *cx = call->arg[0], *cy = call->arg[1];                \
        const T *x = cx->data, *y = cy->data;                                  \
        T *r = (*out)->data;                                                   \
        int64_t n = call->rows;                                                \
        CH_UNUSED(err);                                                        \
        if (cy->encoding == CH_CONST) {                                        \
            for (int64_t i = 0; i < n; i++)                                    \
                r[i] = x[i] OPER y[0];                                         \
        } else if (cx->encoding == CH_CONST) {                                 \
            for (int64_t i = 0; i < n; i++)                                    \
                r[i] = x[0] OPER y[i];                                         \
        } else {                                                               \
            for (int64_t i = 0; i < n; i++)                                    \
                r[i] = x[i] OPER y[i];                                         \
        }                                                                      \
        return CH_OK;                                                          \
    }
FLOAT(add_f32, float, +)
FLOAT(sub_f32, float, -)
FLOAT(mul_f32, float, *)
FLOAT(add_f64, double, +)
FLOAT(sub_f64, double, -)
FLOAT(mul_f64, double, *)

/* ---- / % div ---- */

/* Rows whose divisor is zero: an error in ANSI mode, else NULL. */
#define ZERO_ROWS(T)                                 \
    for (int64_t i = 0; zero && i < n; i++) {        \
        if (y[i * dy] != 0 || !ch_is_valid(*out, i)) \
            continue;                                \
        if (a->mode == ANSI)                         \
            return by_zero(a->op, err);              \
        CH_TRY(ch_set_null(*out, i, err));           \
    }

#define DIVISION(name, T, EXPR)                                                               \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err)                \
    {                                                                                         \
        const arithmetic *a = call->data;                                                     \
        const ch_column *cx = call->arg[0], *cy = call->arg[1];                               \
        const T *x = cx->data, *y = cy->data;                                                 \
        T *r = (*out)->data;                                                                  \
        int64_t n = call->rows, dx = cx->encoding != CH_CONST, dy = cy->encoding != CH_CONST; \
        int zero = 0;                                                                         \
        for (int64_t i = 0; i < n; i++) {                                                     \
            T u = x[i * dx], v = y[i * dy];                                                   \
            zero |= v == 0;                                                                   \
            r[i] = EXPR;                                                                      \
        }                                                                                     \
        ZERO_ROWS(T)                                                                          \
        return CH_OK;                                                                         \
    }

DIVISION(div_f64, double, u / v)

/* x rem -1 is 0 and must not trap. */
#define REM(T) (v == 0 || v == -1 ? 0 : (T)(u % v))
DIVISION(rem_i8, int8_t, REM(int8_t))
DIVISION(rem_i16, int16_t, REM(int16_t))
DIVISION(rem_i32, int32_t, REM(int32_t))
DIVISION(rem_i64, int64_t, REM(int64_t))
DIVISION(rem_f32, float, fmodf(u, v))
DIVISION(rem_f64, double, fmod(u, v))

/* pmod: r = a % n; r < 0 ? (r + n) % n : r */
#define PMOD(T, U) \
    (v == 0 || v == -1 ? 0 : u % v < 0 ? (T)((T)((U)(u % v) + (U)v) % v) : (T)(u % v))
DIVISION(pmod_i8, int8_t, PMOD(int8_t, uint8_t))
DIVISION(pmod_i16, int16_t, PMOD(int16_t, uint16_t))
DIVISION(pmod_i32, int32_t, PMOD(int32_t, uint32_t))
DIVISION(pmod_i64, int64_t, PMOD(int64_t, uint64_t))
static float pmod_float(float u, float v)
{
    float r = fmodf(u, v);
    return r < 0 ? fmodf(r + v, v) : r;
}
static double pmod_double(double u, double v)
{
    double r = fmod(u, v);
    return r < 0 ? fmod(r + v, v) : r;
}
DIVISION(pmod_f32, float, pmod_float(u, v))
DIVISION(pmod_f64, double, pmod_double(u, v))

/* a div b of longs: only MIN / -1 overflows. */
static ch_status idiv_i64(const ch_call *call, ch_column **out, ch_error *err)
{
    const arithmetic *a = call->data;
    const ch_column *cx = call->arg[0], *cy = call->arg[1];
    const int64_t *x = cx->data, *y = cy->data;
    int64_t *r = (*out)->data;
    int64_t n = call->rows, dx = cx->encoding != CH_CONST, dy = cy->encoding != CH_CONST;
    int zero = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t u = x[i * dx], v = y[i * dy];
        zero |= v == 0;
        if (v == -1 && u == INT64_MIN && a->mode != LEGACY && ch_is_valid(*out, i)) {
            if (a->mode == ANSI)
                return overflow('d', CH_T_LONG, err);
            CH_TRY(ch_set_null(*out, i, err));
        }
        r[i] = v == 0 ? 0 : v == -1 ? (int64_t)(-(uint64_t)u) : u / v;
    }
    ZERO_ROWS(int64_t)
    return CH_OK;
}

/* ---- decimals ---- */

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

/* Narrow operands whose result cannot overflow: plain loops. False: not such a case. */
static bool fast_decimal(const ch_call *call, char op, ch_column *out)
{
    const ch_column *cx = call->arg[0], *cy = call->arg[1];
    const ch_type *tx = cx->type, *ty = cy->type, *t = call->result;
    if (tx->precision > 18 || ty->precision > 18)
        return false;
    const int64_t *x = cx->data, *y = cy->data;
    int64_t n = call->rows, dx = cx->encoding != CH_CONST, dy = cy->encoding != CH_CONST;
    if (op == '*') {
        if (t->scale != tx->scale + ty->scale)
            return false;
        if (t->precision <= 18) {
            int64_t *r = out->data;
            for (int64_t i = 0; i < n; i++)
                r[i] = x[i * dx] * y[i * dy];
        } else {
            ch_i128 *r = out->data;
            for (int64_t i = 0; i < n; i++)
                r[i] = (ch_i128)x[i * dx] * y[i * dy];
        }
        return true;
    }
    int scale = tx->scale > ty->scale ? tx->scale : ty->scale;
    if ((op != '+' && op != '-') || t->scale != scale)
        return false;
    int64_t fx = ch_pow10_64[scale - tx->scale], fy = ch_pow10_64[scale - ty->scale];
    fy = op == '-' ? -fy : fy;
    if (t->precision <= 18) {
        int64_t *r = out->data;
        for (int64_t i = 0; i < n; i++)
            r[i] = x[i * dx] * fx + y[i * dy] * fy;
    } else {
        ch_i128 *r = out->data;
        for (int64_t i = 0; i < n; i++)
            r[i] = (ch_i128)x[i * dx] * fx + (ch_i128)y[i * dy] * fy;
    }
    return true;
}

/* r = x op y of a block of values as int64; x and y advance by dx, dy. */
static void block_of_longs(char op, const int64_t *x, int64_t dx, int64_t fx, const int64_t *y,
                           int64_t dy, int64_t fy, int64_t n, ch_i128 *r)
{
    if (op == '*')
        for (int64_t i = 0; i < n; i++)
            r[i] = (ch_i128)x[i * dx] * y[i * dy];
    else
        for (int64_t i = 0; i < n; i++)
            r[i] = (ch_i128)x[i * dx] * fx + (ch_i128)y[i * dy] * fy;
}

enum { BLOCK = 256 };

/* Up to BLOCK values from row `from` on, as int64: *to is where, *step their distance. False: one is too large. */
static bool as_longs(const ch_column *c, int64_t from, int64_t n, int64_t *buffer,
                     const int64_t **to, int64_t *step)
{
    bool constant = c->encoding == CH_CONST;
    *step = !constant;
    from = constant ? 0 : from;
    n = constant ? 1 : n;
    if (c->type->precision <= 18) {
        *to = (const int64_t *)c->data + from;
        return true;
    }
    const ch_i128 *v = (const ch_i128 *)c->data + from;
    int64_t high = 0;
    for (int64_t i = 0; i < n; i++) {
        buffer[i] = (int64_t)v[i];
        high |= (int64_t)(v[i] >> 64) ^ (buffer[i] >> 63);
    }
    *to = buffer;
    return high == 0;
}

/*
 * Wide operands mostly hold small values: products and sums of such fit 128 bits, and 38 digits.
 *   |x|, |y| < 2^63    |x y| < 8.6e37    |x 10^k + y 10^j| < 1.9e37
 * The rows before the first block with a larger value are done; returns their number.
 */
static int64_t small_values(const ch_call *call, char op, ch_column *out)
{
    const ch_column *cx = call->arg[0], *cy = call->arg[1];
    const ch_type *tx = cx->type, *ty = cy->type, *t = call->result;
    int scale = tx->scale > ty->scale ? tx->scale : ty->scale;
    bool product = op == '*';
    if ((!product && op != '+' && op != '-') || t->precision <= 18 || scale - tx->scale > 18 ||
        scale - ty->scale > 18 || t->scale != (product ? tx->scale + ty->scale : scale))
        return 0;
    int64_t fx = ch_pow10_64[scale - tx->scale], fy = ch_pow10_64[scale - ty->scale];
    fy = op == '-' ? -fy : fy;
    int64_t bx[BLOCK], by[BLOCK], dx, dy, from = 0;
    for (; from < call->rows; from += BLOCK) {
        const int64_t *x, *y;
        int64_t n = call->rows - from < BLOCK ? call->rows - from : BLOCK;
        if (!as_longs(cx, from, n, bx, &x, &dx) || !as_longs(cy, from, n, by, &y, &dy))
            break;
        block_of_longs(op, x, dx, fx, y, dy, fy, n, (ch_i128 *)out->data + from);
    }
    return from < call->rows ? from : call->rows;
}

static ch_status eval_decimal(const ch_call *call, ch_column **out, ch_error *err)
{
    const arithmetic *a = call->data;
    if (fast_decimal(call, a->op, *out))
        return CH_OK;
    int64_t done = small_values(call, a->op, *out);
    const ch_column *cx = call->arg[0], *cy = call->arg[1];
    const ch_type *t = call->result;
    int64_t dx = cx->encoding != CH_CONST, dy = cy->encoding != CH_CONST;
    int sx = cx->type->scale, sy = cy->type->scale;
    bool integral = t->id == CH_LONG; /* div */
    for (int64_t i = done; i < call->rows; i++) {
        if (!ch_is_valid(*out, i)) {
            if (!integral)
                put_dec(*out, i, 0);
            continue;
        }
        ch_i128 x = get_dec(cx, i * dx), y = get_dec(cy, i * dy), r = 0;
        if (y == 0 && strchr("/%dp", a->op)) {
            if (a->mode == ANSI)
                return by_zero(a->op, err);
            CH_TRY(ch_set_null(*out, i, err));
            if (!integral)
                put_dec(*out, i, 0);
            continue;
        }
        bool fits = true;
        switch (a->op) {
        case '+':
            fits = ch_dec_add(x, sx, y, sy, t->precision, t->scale, &r);
            break;
        case '-':
            fits = ch_dec_sub(x, sx, y, sy, t->precision, t->scale, &r);
            break;
        case '*':
            fits = ch_dec_mul(x, sx, y, sy, t->precision, t->scale, &r);
            break;
        case '/':
            fits = ch_dec_divide(x, sx, y, sy, t->precision, t->scale, &r);
            break;
        case 'd':
            fits = ch_dec_div(x, sx, y, sy, &r) && r >= INT64_MIN && r <= INT64_MAX;
            break;
        case 'p': {
            int s = sx > sy ? sx : sy;
            fits = ch_dec_rem(x, sx, y, sy, 38, s, &r);
            if (fits && r < 0)
                fits = ch_dec_add(r, s, y, sy, 38, s, &r) && ch_dec_rem(r, s, y, sy, 38, s, &r);
            fits = fits && ch_dec_rescale(r, s, t->precision, t->scale, &r);
            break;
        }
        default:
            fits = ch_dec_rem(x, sx, y, sy, t->precision, t->scale, &r);
        }
        if (!fits) {
            if (a->mode == ANSI)
                return integral ? overflow('d', CH_T_LONG, err)
                                : decimal_overflow(r, t->scale, t, err);
            CH_TRY(ch_set_null(*out, i, err));
            r = 0;
        }
        if (integral)
            ((int64_t *)(*out)->data)[i] = (int64_t)r;
        else
            put_dec(*out, i, r);
    }
    return CH_OK;
}

/* ---- binding ---- */

typedef ch_status (*eval_fn)(const ch_call *, ch_column **, ch_error *);

static eval_fn kernel_of(char op, ch_type_id id)
{
    static const eval_fn table[5][6] = {
        {add_i8, add_i16, add_i32, add_i64, add_f32, add_f64},
        {sub_i8, sub_i16, sub_i32, sub_i64, sub_f32, sub_f64},
        {mul_i8, mul_i16, mul_i32, mul_i64, mul_f32, mul_f64},
        {rem_i8, rem_i16, rem_i32, rem_i64, rem_f32, rem_f64},
        {pmod_i8, pmod_i16, pmod_i32, pmod_i64, pmod_f32, pmod_f64},
    };
    if (op == '/')
        return div_f64;
    if (op == 'd')
        return idiv_i64;
    return table[op == '+' ? 0 : op == '-' ? 1 : op == '*' ? 2 : op == '%' ? 3 : 4][id - CH_BYTE];
}

static char op_of(const char *name)
{
    if (strncmp(name, "try_", 4) == 0)
        name += 4;
    if (strcmp(name, "add") == 0)
        return '+';
    if (strcmp(name, "subtract") == 0)
        return '-';
    if (strcmp(name, "multiply") == 0)
        return '*';
    if (strcmp(name, "divide") == 0)
        return '/';
    if (strcmp(name, "mod") == 0)
        return '%';
    if (strcmp(name, "div") == 0)
        return 'd';
    if (strcmp(name, "pmod") == 0)
        return 'p';
    return name[0];
}

static ch_status wrong_types(const ch_bind *bind, const ch_type *a, const ch_type *b, ch_error *err)
{
    char sql[512];
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    if (a == b)
        CH_FAIL(err, DATATYPE_MISMATCH_BINARY_WRONG, "inputType",
                strcmp(bind->func->name, "*") == 0 || strcmp(bind->func->name, "%") == 0
                    ? "\"NUMERIC\""
                    : "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or "
                      "\"INTERVAL\")",
                "actualDataType", ch_quote_type(a).text, "sqlExpr", sql);
    CH_FAIL(err, DATATYPE_MISMATCH_BINARY, "left", ch_quote_type(a).text, "right",
            ch_quote_type(b).text, "sqlExpr", sql);
}

/* A SMALLINT, INT or BIGINT literal beside a DECIMAL has the precision of its digits. */
static const ch_type *as_decimal(const ch_bind *bind, int i, const ch_type *t)
{
    const ch_scalar *c =
        ch_type_is_integral(t) && t->id != CH_BYTE ? ch_bind_literal(bind, i) : NULL;
    if (c && !c->is_null && ch_type_is_integral(c->type))
        return ch_type_decimal(ch_dec_digits(c->v.i64), 0);
    return ch_dec_for(t);
}

static ch_status bind_arithmetic(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    bool ansi = bind->ctx->ansi;
    arithmetic *data = ch_arena_alloc(bind->arena, sizeof *data, err);
    if (!data)
        return CH_E_MEMORY;
    data->op = op_of(bind->func->name);
    data->mode = strncmp(bind->func->name, "try_", 4) == 0 ? TRY : ansi ? ANSI : LEGACY;
    bind->data = data;

    const ch_type *a = bind->arg_type[0], *b = bind->arg_type[1];
    if (ch_type_is_string(a) || ch_type_is_string(b)) {
        const ch_type *x = a, *y = b;
        if (!ansi) {
            x = ch_type_is_string(a) ? CH_T_DOUBLE : a;
            y = ch_type_is_string(b) ? CH_T_DOUBLE : b;
        } else if (a != b || data->op == '/') {
            const ch_type *t = ch_common_type(a, b, true);
            if (t && ch_type_is_string(t))
                t = CH_T_DOUBLE;
            if (!t)
                return wrong_types(bind, a, b, err);
            x = ch_type_is_string(a) ? t : a;
            y = ch_type_is_string(b) ? t : b;
        }
        a = x;
        b = y;
    }
    if (a->id == CH_NULL && b->id == CH_NULL)
        a = b = CH_T_DOUBLE;
    if (a->id == CH_NULL)
        a = b;
    if (b->id == CH_NULL)
        b = a;
    if (!ch_type_is_numeric(a) || !ch_type_is_numeric(b))
        return wrong_types(bind, a, b, err);

    bool real = a->id == CH_FLOAT || a->id == CH_DOUBLE || b->id == CH_FLOAT || b->id == CH_DOUBLE;
    if (data->op == 'd' && real)
        return wrong_types(bind, a, b, err);
    bool divides = strchr("/%dp", data->op) != NULL;
    if ((a->id == CH_DECIMAL || b->id == CH_DECIMAL) && !real) {
        a = a->id == CH_DECIMAL ? a : as_decimal(bind, 0, a);
        b = b->id == CH_DECIMAL ? b : as_decimal(bind, 1, b);
        char rule = data->op == 'p' ? '%' : data->op;
        bind->result = data->op == 'd'
                           ? CH_T_LONG
                           : ch_dec_op_type(rule, a, b, bind->ctx->decimal_allow_precision_loss);
        bind->eval = eval_decimal;
        bind->nullable |= data->mode != ANSI || divides;
    } else {
        const ch_type *t;
        if (data->op == '/')
            t = CH_T_DOUBLE;
        else if (data->op == 'd')
            t = CH_T_LONG;
        else
            t = real && (a->id == CH_DECIMAL || b->id == CH_DECIMAL) ? CH_T_DOUBLE
                                                                     : ch_common_type(a, b, ansi);
        a = b = bind->result = t;
        bind->eval = kernel_of(data->op, t->id);
        bind->nullable |= data->mode == TRY || divides; /* Spark says so in ANSI mode, too */
    }
    bind->arg_type[0] = a;
    bind->arg_type[1] = b;
    return CH_OK;
}

/* ---- one operand ---- */

#define NEGATE(T, U, IS_BAD)                                  \
    do {                                                      \
        const T *x = call->arg[0]->data;                      \
        T *r = (*out)->data;                                  \
        for (int64_t i = 0; i < call->rows; i++) {            \
            if (IS_BAD && call->data && ch_is_valid(*out, i)) \
                return overflow(' ', call->result, err);      \
            r[i] = (T)(-(U)x[i]);                             \
        }                                                     \
    } while (0)

static ch_status eval_negative(const ch_call *call, ch_column **out, ch_error *err)
{
    switch (call->result->id) {
    case CH_BYTE:
        NEGATE(int8_t, uint32_t, x[i] == INT8_MIN);
        break;
    case CH_SHORT:
        NEGATE(int16_t, uint32_t, x[i] == INT16_MIN);
        break;
    case CH_INT:
    case CH_YEAR_MONTH_INTERVAL:
        NEGATE(int32_t, uint32_t, x[i] == INT32_MIN);
        break;
    case CH_FLOAT:
        NEGATE(float, float, false);
        break;
    case CH_DOUBLE:
        NEGATE(double, double, false);
        break;
    case CH_CALENDAR_INTERVAL: {
        const ch_interval *x = call->arg[0]->data;
        ch_interval *r = (*out)->data;
        for (int64_t i = 0; i < call->rows; i++)
            r[i] = (ch_interval){-x[i].months, -x[i].days, -x[i].nanos};
        break;
    }
    default:
        if (ch_type_width(call->result) == 16)
            NEGATE(ch_i128, ch_u128, false);
        else
            NEGATE(int64_t, uint64_t, x[i] == INT64_MIN);
    }
    return CH_OK;
}

static ch_status eval_positive(const ch_call *call, ch_column **out, ch_error *err)
{
    CH_UNUSED(err);
    ch_column_unref(*out);
    *out = ch_column_ref(call->arg[0]);
    return CH_OK;
}

static ch_status bind_sign(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (ch_type_is_string(t) || t->id == CH_NULL)
        t = CH_T_DOUBLE;
    if (!ch_type_is_numeric(t) && t->id != CH_DAY_TIME_INTERVAL &&
        t->id != CH_YEAR_MONTH_INTERVAL && t->id != CH_CALENDAR_INTERVAL)
        return ch_bind_wrong_type(bind, 0, "NUMERIC\" or \"INTERVAL", err);
    bind->arg_type[0] = bind->result = t;
    bind->data = bind->ctx->ansi ? (void *)(uintptr_t)bind->ctx : NULL;
    return CH_OK;
}

#define FLAGS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAY_FAIL
#define TRY_FLAGS CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAKES_NULL
#define OPERATOR(op, text, ex, want)                                                         \
    {                                                                                        \
        .name = op, .bind = bind_arithmetic, .flags = FLAGS | CH_FUNC_INTERNAL, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                              \
    }
#define TRY_FUNC(fn, text, ex, want)                                          \
    {                                                                         \
        .name = fn, .bind = bind_arithmetic, .flags = TRY_FLAGS, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"               \
    }

const ch_func ch_func_op_arithmetic[] = {
    OPERATOR("+", "Sum.", "1 + 2", "3"),
    OPERATOR("-", "Difference.", "2 - 1", "1"),
    OPERATOR("*", "Product.", "2 * 3", "6"),
    OPERATOR("/", "Quotient, as DOUBLE or DECIMAL.", "3 / 2", "1.5"),
    OPERATOR("%", "Remainder, with the sign of the dividend.", "3 % 2", "1"),
    OPERATOR("div", "Whole part of the quotient, as BIGINT.", "3 div 2", "1"),
    {.name = "mod",
     .bind = bind_arithmetic,
     .flags = FLAGS,
     .doc = "Remainder, with the sign of the dividend.",
     .example = "SELECT mod(3, 2)",
     .expect = "1",
     .since = "0.1"},
    {.name = "pmod",
     .bind = bind_arithmetic,
     .flags = FLAGS,
     .doc = "Remainder that is never negative.",
     .example = "SELECT pmod(-10, 3)",
     .expect = "2",
     .since = "0.1"},
    TRY_FUNC("try_add", "Sum, NULL on overflow.", "try_add(2147483647, 1)", "NULL"),
    TRY_FUNC("try_subtract", "Difference, NULL on overflow.", "try_subtract(2, 1)", "1"),
    TRY_FUNC("try_multiply", "Product, NULL on overflow.", "try_multiply(2, 3)", "6"),
    TRY_FUNC("try_divide", "Quotient, NULL if the divisor is 0.", "try_divide(1, 0)", "NULL"),
    TRY_FUNC("try_mod", "Remainder, NULL if the divisor is 0.", "try_mod(1, 0)", "NULL"),
    {.name = "negative",
     .bind = bind_sign,
     .eval = eval_negative,
     .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAY_FAIL,
     .doc = "The value with its sign changed.",
     .example = "SELECT negative(1)",
     .expect = "-1",
     .since = "0.1"},
    {.name = "positive",
     .bind = bind_sign,
     .eval = eval_positive,
     .flags = CH_FUNC_NULL_PROPAGATES,
     .doc = "The value itself.",
     .example = "SELECT positive(1)",
     .expect = "1",
     .since = "0.1"},
    CH_FUNC_END,
};
