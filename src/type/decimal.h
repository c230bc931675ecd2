/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal.h - DECIMAL(p, s) values: unscaled 128-bit integers, |value| < 10^p, p <= 38.
 *
 * Columns keep precisions up to 18 as int64; the functions here work on ch_i128 for all, and
 * scale and precision are told by the caller. Rounding is HALF_UP everywhere, as in Spark.
 * Intermediate results have 256 bits, so a product or quotient is rounded once, from the exact
 * value.
 */
#ifndef CH_TYPE_DECIMAL_H
#define CH_TYPE_DECIMAL_H

#include "type/type.h"

#define CH_DECIMAL_MAX 38
/* Sign, 38 digits, point, leading zero, exponent: what the print functions need. No NUL is added. */
#define CH_DECIMAL_TEXT 96

/* OK, malformed text, or a value that does not fit DECIMAL(p, s). */
typedef enum ch_dec_result { CH_DEC_OK, CH_DEC_BAD, CH_DEC_RANGE } ch_dec_result;

/* 10^n, n in 0..38. */
extern const ch_u128 ch_pow10_128[39];
extern const int64_t ch_pow10_64[19];

/* |value| < 10^precision */
static inline bool ch_dec_fits(ch_i128 value, int precision)
{
    ch_u128 limit = ch_pow10_128[precision];
    return value < 0 ? (ch_u128)-value < limit : (ch_u128)value < limit;
}
/* Decimal digits of |value|; 1 for 0. */
int ch_dec_digits(ch_i128 value);

/* Text with blanks around, sign, digits, point, exponent -> DECIMAL(precision, scale). */
ch_dec_result ch_dec_parse(const char *text, int64_t len, int precision, int scale, ch_i128 *out);
/* The value and the scale that the text itself has ("1.50" -> 150, 2); for literals. */
ch_dec_result ch_dec_parse_exact(const char *text, int64_t len, ch_i128 *out, int *precision,
                                 int *scale);

/* "-12.30": all digits, no exponent. Returns bytes written. */
int ch_dec_print(char *out, ch_i128 value, int scale);
/* Java's BigDecimal.toString: small values get an exponent ("1E-7"). */
int ch_dec_print_java(char *out, ch_i128 value, int scale);

/* value of from_scale to DECIMAL(precision, to_scale); false: does not fit. */
bool ch_dec_rescale(ch_i128 value, int from_scale, int precision, int to_scale, ch_i128 *out);
/* value / 10^digits rounded HALF_UP, digits in 0..76. */
ch_i128 ch_dec_shift_down(ch_i128 value, int digits);

/* Double.toString's digits as a decimal, as Spark casts; false: NaN, infinite or does not fit. */
bool ch_dec_from_f64(double value, int precision, int scale, ch_i128 *out);
/* The nearest double. */
double ch_dec_to_f64(ch_i128 value, int scale);
/* Towards zero; false: not in [min, max]. */
bool ch_dec_to_i64(ch_i128 value, int scale, int64_t min, int64_t max, int64_t *out);

/*
 * out of DECIMAL(precision, scale) = a (of scale sa) op b (of scale sb), rounded once. False: does
 * not fit. b != 0 for the divisions. div gives an integral quotient; rem has
 * the sign of a.
 */
bool ch_dec_add(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out);
bool ch_dec_sub(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out);
bool ch_dec_mul(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out);
bool ch_dec_divide(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out);
bool ch_dec_div(ch_i128 a, int sa, ch_i128 b, int sb, ch_i128 *out);
bool ch_dec_rem(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out);
/* -1, 0, 1; exact for any scales. */
int ch_dec_compare(ch_i128 a, int sa, ch_i128 b, int sb);

/*
 * Result type of a op b for DECIMAL operands; op one of + - * / % and 'd' for div (whose result
 * type this is before it becomes BIGINT). allow_loss: spark.sql.decimalOperations.allowPrecisionLoss.
 */
const ch_type *ch_dec_op_type(char op, const ch_type *a, const ch_type *b, bool allow_loss);
/* DECIMAL(p, s) cut to 38 digits, giving up scale first (adjustPrecisionScale) or not. */
const ch_type *ch_dec_bounded(int precision, int scale, bool allow_loss);
/* The smallest DECIMAL that holds every value of an integral type, a float (14,7) or double (30,15). */
const ch_type *ch_dec_for(const ch_type *type);

#endif
