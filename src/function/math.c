/* SPDX-License-Identifier: Apache-2.0 */
/*
 * math.c - functions of numbers: roots, powers, logarithms, trigonometry, signs.
 *
 * Logarithms of what is not in their domain give NULL, square roots NaN, as in Spark.
 */
#include <math.h>

#include "function/support.h"

/* fdlibm's cbrt, which is Java's; the C library's differs in the last digit. */
static double java_cbrt(double x)
{
    const double C = 5.42857142857142815906e-01, D = -7.05306122448979611050e-01,
                 E = 1.41428571428571436819e+00, F = 1.60714285714285720630e+00,
                 G = 3.57142857142857150787e-01;
    if (!isfinite(x) || x == 0)
        return x;
    double a = fabs(x), t;
    uint64_t bits;
    memcpy(&bits, &a, sizeof bits);
    if (bits >> 52 == 0) { /* subnormal */
        double scaled = a * 0x1p54;
        memcpy(&bits, &scaled, sizeof bits);
        bits = (uint64_t)((uint32_t)(bits >> 32) / 3 + 696219795U) << 32;
    } else {
        bits = (uint64_t)((uint32_t)(bits >> 32) / 3 + 715094163U) << 32;
    }
    memcpy(&t, &bits, sizeof t);
    double r = t * t / a, s = C + r * t;
    t *= G + F / (s + E + D / s);
    /* 20 bits, rounded up, so that t * t is exact */
    memcpy(&bits, &t, sizeof bits);
    bits = (bits & UINT64_C(0xFFFFFFFF00000000)) + UINT64_C(0x100000000);
    memcpy(&t, &bits, sizeof t);
    s = t * t;
    r = a / s;
    double w = t + t;
    r = (r - t) / (w + r);
    t += t * r;
    return x < 0 ? -t : t;
}

#define UNARY(name, EXPR)                                                      \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const double *a = call->arg[0]->data;                                  \
        double *r = (*out)->data;                                              \
        CH_UNUSED(err);                                                        \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            double x = a[i];                                                   \
            r[i] = EXPR;                                                       \
        }                                                                      \
        return CH_OK;                                                          \
    }
UNARY(eval_sqrt, sqrt(x))
UNARY(eval_cbrt, java_cbrt(x))
UNARY(eval_exp, exp(x))
UNARY(eval_expm1, expm1(x))
UNARY(eval_sin, sin(x))
UNARY(eval_cos, cos(x))
UNARY(eval_tan, tan(x))
UNARY(eval_cot, 1 / tan(x))
UNARY(eval_sec, 1 / cos(x))
UNARY(eval_csc, 1 / sin(x))
UNARY(eval_asin, asin(x))
UNARY(eval_acos, acos(x))
UNARY(eval_atan, atan(x))
UNARY(eval_sinh, sinh(x))
UNARY(eval_cosh, cosh(x))
UNARY(eval_tanh, tanh(x))
UNARY(eval_asinh, asinh(x))
UNARY(eval_acosh, acosh(x))
UNARY(eval_atanh, atanh(x))
UNARY(eval_degrees, x *(180.0 / M_PI))
UNARY(eval_radians, x / 180.0 * M_PI)
UNARY(eval_signum, x > 0 ? 1.0 : x < 0 ? -1.0 : x)
UNARY(eval_rint, nearbyint(x))

/* NULL where x is not above a limit. */
#define LOGARITHM(name, EXPR, LIMIT)                                           \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const double *a = call->arg[0]->data;                                  \
        double *r = (*out)->data;                                              \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            double x = a[i];                                                   \
            r[i] = EXPR;                                                       \
            if (x <= (LIMIT))                                                  \
                CH_TRY(ch_set_null(*out, i, err));                             \
        }                                                                      \
        return CH_OK;                                                          \
    }
LOGARITHM(eval_ln, log(x), 0.0)
LOGARITHM(eval_log10, log10(x), 0.0)
LOGARITHM(eval_log2, log(x) / log(2.0), 0.0)
LOGARITHM(eval_log1p, log1p(x), -1.0)

#define BINARY(name, EXPR)                                                     \
    static ch_status name(const ch_call *call, ch_column **out, ch_error *err) \
    {                                                                          \
        const double *a = call->arg[0]->data, *b = call->arg[1]->data;         \
        double *r = (*out)->data;                                              \
        CH_UNUSED(err);                                                        \
        for (int64_t i = 0; i < call->rows; i++) {                             \
            double x = a[i], y = b[i];                                         \
            r[i] = EXPR;                                                       \
        }                                                                      \
        return CH_OK;                                                          \
    }
/* Java's pow: 1 to the power of NaN or infinity is NaN. */
BINARY(eval_pow, fabs(x) == 1 && (isnan(y) || isinf(y)) ? NAN : pow(x, y))
BINARY(eval_atan2, atan2(x + 0.0, y + 0.0))
BINARY(eval_hypot, hypot(x, y))

/* log(x), log(base, x) */
static ch_status eval_log(const ch_call *call, ch_column **out, ch_error *err)
{
    if (call->n_args == 1)
        return eval_ln(call, out, err);
    const double *a = call->arg[0]->data, *b = call->arg[1]->data;
    double *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        r[i] = log(b[i]) / log(a[i]);
        if (a[i] <= 0 || b[i] <= 0)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static ch_status eval_factorial(const ch_call *call, ch_column **out, ch_error *err)
{
    static const int64_t FACT[21] = {1,
                                     1,
                                     2,
                                     6,
                                     24,
                                     120,
                                     720,
                                     5040,
                                     40320,
                                     362880,
                                     3628800,
                                     39916800,
                                     479001600,
                                     6227020800,
                                     87178291200,
                                     1307674368000,
                                     20922789888000,
                                     355687428096000,
                                     6402373705728000,
                                     121645100408832000,
                                     2432902008176640000};
    const int32_t *n = call->arg[0]->data;
    int64_t *r = (*out)->data;
    for (int64_t i = 0; i < call->rows; i++) {
        bool fits = (uint32_t)n[i] <= 20;
        r[i] = FACT[fits ? n[i] : 0];
        if (!fits)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static ch_status eval_pi(const ch_call *call, ch_column **out, ch_error *err)
{
    double *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = call->func->name[0] == 'p' ? M_PI : M_E;
    return CH_OK;
}

#define ROW(fn, signature, kernel, flag, text, ex, want)                                         \
    {                                                                                            \
        .name = fn, .sig = signature, .eval = kernel, .flags = CH_FUNC_NULL_PROPAGATES | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.1"                     \
    }
#define ONE(fn, kernel, text, ex, want) ROW(fn, "double -> double", kernel, 0, text, ex, want)
#define LOG(fn, kernel, text, ex, want) \
    ROW(fn, "double -> double", kernel, CH_FUNC_MAKES_NULL, text, ex, want)
#define TWO(fn, kernel, text, ex, want) \
    ROW(fn, "double, double -> double", kernel, 0, text, ex, want)
const ch_func ch_func_math[] = {
    ONE("sqrt", eval_sqrt, "Square root.", "sqrt(4)", "2.0"),
    ONE("cbrt", eval_cbrt, "Cube root.", "cbrt(27.0)", "3.0"),
    ONE("exp", eval_exp, "e to the power of x.", "exp(0)", "1.0"),
    ONE("expm1", eval_expm1, "exp(x) - 1.", "expm1(0)", "0.0"),
    LOG("ln", eval_ln, "Natural logarithm.", "ln(1)", "0.0"),
    LOG("log10", eval_log10, "Logarithm to base 10.", "log10(10)", "1.0"),
    LOG("log2", eval_log2, "Logarithm to base 2.", "log2(2)", "1.0"),
    LOG("log1p", eval_log1p, "ln(1 + x).", "log1p(0)", "0.0"),
    ROW("log", "double[, double] -> double", eval_log, CH_FUNC_MAKES_NULL,
        "Natural logarithm, or log(base, x).", "log(10, 100)", "2.0"),
    TWO("pow", eval_pow, "x to the power of y.", "pow(2, 3)", "8.0"),
    TWO("power", eval_pow, "x to the power of y.", "power(2, 3)", "8.0"),
    TWO("atan2", eval_atan2, "Angle of the point (y, x).", "atan2(0, 0)", "0.0"),
    TWO("hypot", eval_hypot, "sqrt(x * x + y * y).", "hypot(3, 4)", "5.0"),
    ONE("sin", eval_sin, "Sine.", "sin(0)", "0.0"),
    ONE("cos", eval_cos, "Cosine.", "cos(0)", "1.0"),
    ONE("tan", eval_tan, "Tangent.", "tan(0)", "0.0"),
    ONE("cot", eval_cot, "Cotangent.", "cot(1)", "0.6420926159343306"),
    ONE("sec", eval_sec, "Secant.", "sec(0)", "1.0"),
    ONE("csc", eval_csc, "Cosecant.", "csc(1)", "1.1883951057781212"),
    ONE("asin", eval_asin, "Arc sine.", "asin(0)", "0.0"),
    ONE("acos", eval_acos, "Arc cosine.", "acos(1)", "0.0"),
    ONE("atan", eval_atan, "Arc tangent.", "atan(0)", "0.0"),
    ONE("sinh", eval_sinh, "Hyperbolic sine.", "sinh(0)", "0.0"),
    ONE("cosh", eval_cosh, "Hyperbolic cosine.", "cosh(0)", "1.0"),
    ONE("tanh", eval_tanh, "Hyperbolic tangent.", "tanh(0)", "0.0"),
    ONE("asinh", eval_asinh, "Inverse of sinh.", "asinh(0)", "0.0"),
    ONE("acosh", eval_acosh, "Inverse of cosh.", "acosh(1)", "0.0"),
    ONE("atanh", eval_atanh, "Inverse of tanh.", "atanh(0)", "0.0"),
    ONE("degrees", eval_degrees, "Radians as degrees.", "degrees(3.141592653589793)", "180.0"),
    ONE("radians", eval_radians, "Degrees as radians.", "radians(180)", "3.141592653589793"),
    ONE("sign", eval_signum, "-1, 0 or 1.", "sign(40)", "1.0"),
    ONE("signum", eval_signum, "-1, 0 or 1.", "signum(-40)", "-1.0"),
    ONE("rint", eval_rint, "The nearest whole number, to even from halves.", "rint(12.3456)",
        "12.0"),
    ROW("factorial", "int -> bigint", eval_factorial, CH_FUNC_MAKES_NULL,
        "n! for n in 0..20, otherwise NULL.", "factorial(5)", "120"),
    {.name = "pi",
     .sig = "-> double",
     .eval = eval_pi,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "The number pi.",
     .example = "SELECT pi()",
     .expect = "3.141592653589793",
     .since = "0.1"},
    {.name = "e",
     .sig = "-> double",
     .eval = eval_pi,
     .flags = CH_FUNC_NEVER_NULL,
     .doc = "Euler's number.",
     .example = "SELECT e()",
     .expect = "2.718281828459045",
     .since = "0.1"},
    CH_FUNC_END,
};
