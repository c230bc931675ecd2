/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.h - numbers from text and to text, exactly as Spark's casts do it.
 *
 * Parsing never allocates and never reads past len. "Spark's blanks" around a number are the
 * bytes 0x00..0x20 and 0x7F (UTF8String.trimAll).
 */
#ifndef CH_TYPE_NUMBER_H
#define CH_TYPE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Enough for any number printed by the functions below; they add no NUL. */
#define CH_NUMBER_TEXT 32

/* Moves *text and *len past Spark's blanks at both ends. */
void ch_trim(const char **text, int64_t *len);

/*
 * Integers: blanks, a sign, decimal digits.
 *   fraction  '.' and digits may follow; they are checked and cut off (casts with ANSI off)
 *   min, max  the range of the target type
 * Result false: malformed or out of range (Spark does not tell the two apart).
 */
bool ch_parse_integer(const char *text, int64_t len, bool fraction, int64_t min, int64_t max,
                      int64_t *out);
static inline bool ch_parse_i64(const char *text, int64_t len, bool fraction, int64_t *out)
{
    return ch_parse_integer(text, len, fraction, INT64_MIN, INT64_MAX, out);
}
static inline bool ch_parse_i32(const char *text, int64_t len, bool fraction, int32_t *out)
{
    int64_t wide;
    bool ok = ch_parse_integer(text, len, fraction, INT32_MIN, INT32_MAX, &wide);
    *out = ok ? (int32_t)wide : 0;
    return ok;
}

/*
 * As Java's Double.parseDouble / Float.parseFloat, rounding correctly: blanks, sign, digits with
 * '.' and exponent, hexadecimal floats, suffix d or f, NaN, Infinity; then Spark's inf, infinity and nan
 * without case. Text beyond the range gives infinity or zero.
 * Cost: some 20 ns for usual text (Eisel-Lemire); strtod only for ties beyond 19 digits.
 */
bool ch_parse_f64(const char *text, int64_t len, double *out);
bool ch_parse_f32(const char *text, int64_t len, float *out);

/* Boolean as casts read it: t true y yes 1 / f false n no 0, without case, between blanks. */
bool ch_parse_bool(const char *text, int64_t len, bool *out);

/* Each writes up to CH_NUMBER_TEXT bytes and returns how many. */
int ch_print_i64(char *out, int64_t value);
int ch_print_u64(char *out, uint64_t value);
/* Double.toString: shortest digits that read back the same; 1.0E7 and 1.0E-4 onwards with exponent. */
int ch_print_f64(char *out, double value);
int ch_print_f32(char *out, float value);

/*
 * Shortest digits of a finite value > 0: value = digits * 10^*exp10, digits without trailing
 * zeros. For those who print in another shape (decimals from doubles, JSON).
 */
uint64_t ch_shortest_f64(double value, int *exp10);
uint32_t ch_shortest_f32(float value, int *exp10);

/* The double nearest to digits * 10^exp10. */
double ch_f64_of_digits(uint64_t digits, int exp10);

#endif
