/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal.c - 128-bit decimals.
 *
 * Each operation first tries 128 bits, which nearly always suffice, and falls back to sign and
 * magnitude in 256 bits (wide). Rounding looks at the one digit after the last kept one: cutting
 * first and rounding the cut value HALF_UP is the same as rounding the exact value.
 */
#include "type/decimal.h"

#include <math.h>
#include <string.h>

#include "type/number.h"

#define E18 ((ch_u128)1000000000000000000)
#define E19 ((ch_u128)10000000000000000000u)

const int64_t ch_pow10_64[19] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};

const ch_u128 ch_pow10_128[39] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    E18,
    E19,
    E19 * 10,
    E19 * 100,
    E19 * 1000,
    E19 * 10000,
    E19 * 100000,
    E19 * 1000000,
    E19 * 10000000,
    E19 * 100000000,
    E19 * 1000000000,
    E19 * 10000000000,
    E19 * 100000000000,
    E19 * 1000000000000,
    E19 * 10000000000000,
    E19 * 100000000000000,
    E19 * 1000000000000000,
    E19 * 10000000000000000,
    E19 * 100000000000000000,
    (E19)*E18,
    (E19)*E19,
};

static inline ch_u128 magnitude(ch_i128 v)
{
    return v < 0 ? -(ch_u128)v : (ch_u128)v;
}

static inline ch_i128 with_sign(ch_u128 v, bool negative)
{
    return (ch_i128)(negative ? -v : v);
}

int ch_dec_digits(ch_i128 value)
{
    ch_u128 v = magnitude(value);
    int n = 1;
    while (n < 39 && v >= ch_pow10_128[n])
        n++;
    return n;
}

/* ---- 256 bits, unsigned ---- */

typedef struct wide {
    ch_u128 hi, lo;
} wide;

static wide wide_mul(ch_u128 a, ch_u128 b)
{
    uint64_t a0 = (uint64_t)a, a1 = (uint64_t)(a >> 64), b0 = (uint64_t)b, b1 = (uint64_t)(b >> 64);
    ch_u128 p00 = (ch_u128)a0 * b0, p01 = (ch_u128)a0 * b1, p10 = (ch_u128)a1 * b0,
            p11 = (ch_u128)a1 * b1;
    ch_u128 mid = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
    return (wide){.hi = p11 + (p01 >> 64) + (p10 >> 64) + (mid >> 64),
                  .lo = mid << 64 | (uint64_t)p00};
}

static int wide_compare(wide a, wide b)
{
    if (a.hi != b.hi)
        return a.hi < b.hi ? -1 : 1;
    return a.lo < b.lo ? -1 : a.lo > b.lo;
}

static wide wide_add(wide a, wide b)
{
    wide r = {.hi = a.hi + b.hi, .lo = a.lo + b.lo};
    r.hi += r.lo < a.lo;
    return r;
}

static wide wide_sub(wide a, wide b)
{
    wide r = {.hi = a.hi - b.hi, .lo = a.lo - b.lo};
    r.hi -= a.lo < b.lo;
    return r;
}

/* value * 10^n, n in 0..76; false: beyond 256 bits. */
static bool wide_times_pow10(ch_u128 value, int n, wide *out)
{
    if (n <= 38) {
        *out = wide_mul(value, ch_pow10_128[n]);
        return true;
    }
    wide first = wide_mul(value, ch_pow10_128[38]);
    if (n > 76)
        return value == 0 ? (*out = (wide){0}, true) : false;
    wide high = wide_mul(first.hi, ch_pow10_128[n - 38]),
         low = wide_mul(first.lo, ch_pow10_128[n - 38]);
    if (high.hi)
        return false;
    out->lo = low.lo;
    out->hi = low.hi + high.lo;
    return out->hi >= low.hi;
}

/* *v /= d, returns the remainder. */
static uint64_t wide_short_div(wide *v, uint64_t d)
{
    uint64_t w[4] = {(uint64_t)v->lo, (uint64_t)(v->lo >> 64), (uint64_t)v->hi,
                     (uint64_t)(v->hi >> 64)};
    ch_u128 rest = 0;
    for (int i = 3; i >= 0; i--) {
        rest = rest << 64 | w[i];
        w[i] = (uint64_t)(rest / d);
        rest %= d;
    }
    v->lo = (ch_u128)w[1] << 64 | w[0];
    v->hi = (ch_u128)w[3] << 64 | w[2];
    return (uint64_t)rest;
}

/* v / 10^n rounded HALF_UP. */
static wide wide_shift_down(wide v, int n)
{
    if (n == 0)
        return v;
    for (n--; n > 0; n -= n < 18 ? n : 18)
        wide_short_div(&v, (uint64_t)ch_pow10_64[n < 18 ? n : 18]);
    uint64_t digit = wide_short_div(&v, 10);
    if (digit >= 5)
        v = wide_add(v, (wide){.lo = 1});
    return v;
}

/* a / b and the rest, b != 0: bit by bit; only for what 128 bits cannot do. */
static wide wide_divide(wide a, wide b, wide *rest)
{
    wide q = {0}, r = {0};
    for (int i = 255; i >= 0; i--) {
        r.hi = r.hi << 1 | r.lo >> 127;
        r.lo = r.lo << 1 | ((i >= 128 ? a.hi >> (i - 128) : a.lo >> i) & 1);
        q.hi = q.hi << 1 | q.lo >> 127;
        q.lo <<= 1;
        if (wide_compare(r, b) >= 0) {
            r = wide_sub(r, b);
            q.lo |= 1;
        }
    }
    *rest = r;
    return q;
}

/* To DECIMAL(precision, .); false: does not fit. */
static bool narrow(wide v, bool negative, int precision, ch_i128 *out)
{
    if (v.hi || v.lo >= ch_pow10_128[precision])
        return false;
    *out = with_sign(v.lo, negative);
    return true;
}

/* ---- text ---- */

static inline bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/*
 * The digits of the text as an integer and a scale (which may be negative), cut after 39 digits:
 * *more is the first digit cut off, or -1.
 */
typedef struct dec_text {
    ch_u128 digits;
    int64_t scale; /* of digits */
    bool negative;
    int next; /* the digit after the last one kept, 0 if there is none */
} dec_text;

static bool read_text(const char *p, int64_t len, dec_text *out)
{
    const char *end = p + len;
    *out = (dec_text){0};
    while (p < end && (unsigned char)*p <= ' ')
        p++;
    while (end > p && (unsigned char)end[-1] <= ' ')
        end--;
    if (p < end && (*p == '-' || *p == '+'))
        out->negative = *p++ == '-';
    bool any = false, point = false, cut = false;
    for (; p < end; p++) {
        if (is_digit(*p)) {
            any = true;
            if (!cut && out->digits < ch_pow10_128[37]) {
                out->digits = out->digits * 10 + (unsigned)(*p - '0');
                out->scale += point;
            } else {
                if (!cut)
                    out->next = *p - '0';
                cut = true;
                out->scale -= !point;
            }
        } else if (*p == '.' && !point) {
            point = true;
        } else {
            break;
        }
    }
    if (!any)
        return false;
    if (p < end && (*p | 0x20) == 'e') {
        p++;
        bool minus = p < end && *p == '-';
        if (p < end && (*p == '-' || *p == '+'))
            p++;
        if (p == end)
            return false;
        int64_t e = 0;
        for (; p < end && is_digit(*p); p++)
            if (e < INT32_MAX)
                e = e * 10 + (*p - '0');
        if (e > INT32_MAX)
            return false;
        out->scale -= minus ? -e : e;
    }
    return p == end;
}

ch_dec_result ch_dec_parse(const char *text, int64_t len, int precision, int scale, ch_i128 *out)
{
    dec_text t;
    *out = 0;
    if (!read_text(text, len, &t))
        return CH_DEC_BAD;
    if (t.digits == 0)
        return CH_DEC_OK;
    ch_u128 v = t.digits;
    if (t.scale > scale) {
        if (t.scale - scale > 38)
            return CH_DEC_OK;
        v = (ch_u128)ch_dec_shift_down((ch_i128)v, (int)(t.scale - scale));
    } else {
        int64_t up = scale - t.scale;
        if (up > 38 || ch_dec_digits((ch_i128)v) + up > 38)
            return CH_DEC_RANGE;
        v *= ch_pow10_128[up];
        if (up == 0 && t.next >= 5)
            v++;
    }
    if (v >= ch_pow10_128[precision])
        return CH_DEC_RANGE;
    *out = with_sign(v, t.negative);
    return CH_DEC_OK;
}

ch_dec_result ch_dec_parse_exact(const char *text, int64_t len, ch_i128 *out, int *precision,
                                 int *scale)
{
    dec_text t;
    *out = 0;
    *precision = 1;
    *scale = 0;
    if (!read_text(text, len, &t))
        return CH_DEC_BAD;
    ch_u128 v = t.digits;
    if (t.scale < 0) {
        if (v && (t.scale < -38 || ch_dec_digits((ch_i128)v) - t.scale > 38))
            return CH_DEC_RANGE;
        v = v ? v * ch_pow10_128[-t.scale] : 0;
        t.scale = 0;
    }
    if (t.scale > 38)
        return CH_DEC_RANGE;
    *out = with_sign(v, t.negative);
    *scale = (int)t.scale;
    *precision = ch_dec_digits(*out);
    if (*precision < *scale)
        *precision = *scale;
    return CH_DEC_OK;
}

/* Digits of v, most significant first. */
static int print_digits(char *out, ch_u128 v)
{
    if (v <= UINT64_MAX)
        return ch_print_u64(out, (uint64_t)v);
    ch_u128 high = v / E18;
    int n = print_digits(out, high);
    uint64_t low = (uint64_t)(v - high * E18);
    for (int i = 17; i >= 0; i--, low /= 10)
        out[n + i] = (char)('0' + low % 10);
    return n + 18;
}

int ch_dec_print(char *out, ch_i128 value, int scale)
{
    char digits[48], *p = out;
    if (value < 0)
        *p++ = '-';
    int n = print_digits(digits, magnitude(value));
    int whole = n - scale;
    if (whole <= 0)
        *p++ = '0';
    for (int i = 0; i < whole; i++)
        *p++ = digits[i];
    if (scale > 0) {
        *p++ = '.';
        for (int i = whole; i < 0; i++)
            *p++ = '0';
        int from = whole > 0 ? whole : 0;
        memcpy(p, digits + from, (size_t)(n - from));
        p += n - from;
    }
    return (int)(p - out);
}

int ch_dec_print_java(char *out, ch_i128 value, int scale)
{
    char digits[48], *p = out;
    int n = print_digits(digits, magnitude(value));
    int exponent = n - 1 - scale;
    if (exponent >= -6)
        return ch_dec_print(out, value, scale);
    if (value < 0)
        *p++ = '-';
    *p++ = digits[0];
    if (n > 1) {
        *p++ = '.';
        memcpy(p, digits + 1, (size_t)n - 1);
        p += n - 1;
    }
    *p++ = 'E';
    p += ch_print_i64(p, exponent);
    return (int)(p - out);
}

/* ---- scales ---- */

ch_i128 ch_dec_shift_down(ch_i128 value, int digits)
{
    if (digits == 0)
        return value;
    if (digits > 39)
        return 0;
    ch_u128 v = magnitude(value);
    if (v <= INT64_MAX && digits <= 18) {
        uint64_t d = (uint64_t)ch_pow10_64[digits], n = (uint64_t)v, q = n / d;
        q += n - q * d >= d - d / 2;
        return with_sign(q, value < 0);
    }
    if (digits == 39) /* 10^39 > 2 * the largest value but not 2 * 5*10^38 */
        return 0;
    ch_u128 d = ch_pow10_128[digits], q = v / d;
    q += v - q * d >= d - d / 2;
    return with_sign(q, value < 0);
}

bool ch_dec_rescale(ch_i128 value, int from_scale, int precision, int to_scale, ch_i128 *out)
{
    if (to_scale <= from_scale) {
        *out = ch_dec_shift_down(value, from_scale - to_scale);
        return ch_dec_fits(*out, precision);
    }
    *out = 0;
    if (to_scale - from_scale > CH_DECIMAL_MAX)
        return value == 0;
    wide w = wide_mul(magnitude(value), ch_pow10_128[to_scale - from_scale]);
    return narrow(w, value < 0, precision, out);
}

bool ch_dec_from_f64(double value, int precision, int scale, ch_i128 *out)
{
    *out = 0;
    if (isnan(value) || isinf(value))
        return false;
    if (value == 0)
        return true;
    int e;
    uint64_t digits = ch_shortest_f64(fabs(value), &e);
    int shift = e + scale;
    wide w;
    if (shift < 0)
        w = (wide){.lo = (ch_u128)ch_dec_shift_down(digits, shift < -39 ? 39 : -shift)};
    else if (shift > 76 || !wide_times_pow10(digits, shift, &w))
        return false;
    return narrow(w, value < 0, precision, out);
}

double ch_dec_to_f64(ch_i128 value, int scale)
{
    ch_u128 v = magnitude(value);
    double d;
    if (v <= UINT64_MAX) {
        d = ch_f64_of_digits((uint64_t)v, -scale);
    } else {
        char text[64];
        int n = print_digits(text, v);
        text[n++] = 'e';
        n += ch_print_i64(text + n, -scale);
        (void)ch_parse_f64(text, n, &d);
    }
    return value < 0 ? -d : d;
}

bool ch_dec_to_i64(ch_i128 value, int scale, int64_t min, int64_t max, int64_t *out)
{
    ch_i128 v = scale ? value / (ch_i128)ch_pow10_128[scale] : value;
    *out = (int64_t)v;
    return v >= min && v <= max;
}

/* ---- arithmetic ---- */

bool ch_dec_add(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out)
{
    int s = sa > sb ? sa : sb;
    ch_i128 x, y, sum;
    if (!__builtin_mul_overflow(a, (ch_i128)ch_pow10_128[s - sa], &x) &&
        !__builtin_mul_overflow(b, (ch_i128)ch_pow10_128[s - sb], &y) &&
        !__builtin_add_overflow(x, y, &sum))
        return ch_dec_rescale(sum, s, precision, scale, out);
    wide wa = wide_mul(magnitude(a), ch_pow10_128[s - sa]),
         wb = wide_mul(magnitude(b), ch_pow10_128[s - sb]), w;
    bool negative = a < 0;
    if ((a < 0) == (b < 0)) {
        w = wide_add(wa, wb);
    } else if (wide_compare(wa, wb) >= 0) {
        w = wide_sub(wa, wb);
    } else {
        w = wide_sub(wb, wa);
        negative = b < 0;
    }
    if (scale > s) {
        wide up;
        if (w.hi || !wide_times_pow10(w.lo, scale - s, &up))
            return false;
        w = up;
    } else {
        w = wide_shift_down(w, s - scale);
    }
    return narrow(w, negative, precision, out);
}

bool ch_dec_sub(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out)
{
    return ch_dec_add(a, sa, -b, sb, precision, scale, out);
}

bool ch_dec_mul(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out)
{
    int s = sa + sb;
    ch_i128 x;
    if (!__builtin_mul_overflow(a, b, &x) && s >= scale) {
        *out = ch_dec_shift_down(x, s - scale);
        return ch_dec_fits(*out, precision);
    }
    wide w = wide_mul(magnitude(a), magnitude(b));
    if (scale > s) {
        wide up;
        if (w.hi || !wide_times_pow10(w.lo, scale - s, &up))
            return false;
        w = up;
    } else {
        w = wide_shift_down(w, s - scale);
    }
    return narrow(w, (a < 0) != (b < 0), precision, out);
}

bool ch_dec_divide(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out)
{
    int up = scale + sb - sa;
    bool negative = (a < 0) != (b < 0);
    ch_u128 x = magnitude(a), y = magnitude(b), top;
    if (up >= 0 && up <= 38 && !__builtin_mul_overflow(x, ch_pow10_128[up], &top)) {
        ch_u128 q = top / y, r = top - q * y;
        q += r >= y - y / 2;
        return narrow((wide){.lo = q}, negative, precision, out);
    }
    wide n = {.lo = x}, d = {.lo = y}, rest;
    if (up >= 0) {
        if (!wide_times_pow10(x, up, &n))
            return false;
    } else if (!wide_times_pow10(y, -up, &d)) {
        *out = 0;
        return true;
    }
    wide q = wide_divide(n, d, &rest);
    if (wide_compare(rest, wide_sub(d, rest)) >= 0)
        q = wide_add(q, (wide){.lo = 1});
    return narrow(q, negative, precision, out);
}

/* Both operands at the same scale, as magnitudes. */
static bool align(ch_i128 a, int sa, ch_i128 b, int sb, wide *x, wide *y)
{
    int s = sa > sb ? sa : sb;
    *x = wide_mul(magnitude(a), ch_pow10_128[s - sa]);
    *y = wide_mul(magnitude(b), ch_pow10_128[s - sb]);
    return !x->hi && !y->hi;
}

bool ch_dec_div(ch_i128 a, int sa, ch_i128 b, int sb, ch_i128 *out)
{
    wide x, y, rest;
    wide q = align(a, sa, b, sb, &x, &y) ? (wide){.lo = x.lo / y.lo} : wide_divide(x, y, &rest);
    return narrow(q, (a < 0) != (b < 0), 38, out);
}

bool ch_dec_rem(ch_i128 a, int sa, ch_i128 b, int sb, int precision, int scale, ch_i128 *out)
{
    wide x, y, rest;
    int s = sa > sb ? sa : sb;
    if (align(a, sa, b, sb, &x, &y))
        rest = (wide){.lo = x.lo % y.lo};
    else
        (void)wide_divide(x, y, &rest);
    if (scale > s) {
        wide up;
        if (rest.hi || !wide_times_pow10(rest.lo, scale - s, &up))
            return false;
        rest = up;
    } else {
        rest = wide_shift_down(rest, s - scale);
    }
    return narrow(rest, a < 0, precision, out);
}

int ch_dec_compare(ch_i128 a, int sa, ch_i128 b, int sb)
{
    if ((a < 0) != (b < 0))
        return a < b ? -1 : 1;
    if (sa == sb)
        return a < b ? -1 : a > b;
    wide x, y;
    (void)align(a, sa, b, sb, &x, &y);
    return a < 0 ? wide_compare(y, x) : wide_compare(x, y);
}

/* ---- types ---- */

static int min_int(int a, int b)
{
    return a < b ? a : b;
}
static int max_int(int a, int b)
{
    return a > b ? a : b;
}

const ch_type *ch_dec_bounded(int precision, int scale, bool allow_loss)
{
    if (precision <= CH_DECIMAL_MAX)
        return ch_type_decimal(precision, min_int(scale, CH_DECIMAL_MAX));
    if (!allow_loss)
        return ch_type_decimal(CH_DECIMAL_MAX, min_int(scale, CH_DECIMAL_MAX));
    int kept = max_int(CH_DECIMAL_MAX - (precision - scale), min_int(scale, 6));
    return ch_type_decimal(CH_DECIMAL_MAX, kept);
}

const ch_type *ch_dec_op_type(char op, const ch_type *a, const ch_type *b, bool allow_loss)
{
    int p1 = a->precision, s1 = a->scale, p2 = b->precision, s2 = b->scale;
    int scale = max_int(s1, s2);
    switch (op) {
    case '+':
    case '-':
        return ch_dec_bounded(max_int(p1 - s1, p2 - s2) + scale + 1, scale, allow_loss);
    case '*':
        return ch_dec_bounded(p1 + p2 + 1, s1 + s2, allow_loss);
    case '/': {
        scale = max_int(6, s1 + p2 + 1);
        if (allow_loss)
            return ch_dec_bounded(p1 - s1 + s2 + scale, scale, true);
        int whole = min_int(CH_DECIMAL_MAX, p1 - s1 + s2);
        scale = min_int(CH_DECIMAL_MAX, scale);
        int excess = whole + scale - CH_DECIMAL_MAX;
        if (excess > 0) {
            scale -= excess / 2 + 1;
            whole = CH_DECIMAL_MAX - scale;
        }
        return ch_dec_bounded(whole + scale, scale, false);
    }
    case '%':
        return ch_dec_bounded(min_int(p1 - s1, p2 - s2) + scale, scale, allow_loss);
    default: {
        int whole = p1 - s1 + s2;
        return ch_dec_bounded(whole == 0 ? 1 : whole, 0, false);
    }
    }
}

const ch_type *ch_dec_for(const ch_type *type)
{
    switch (type->id) {
    case CH_BYTE:
        return ch_type_decimal(3, 0);
    case CH_SHORT:
        return ch_type_decimal(5, 0);
    case CH_INT:
        return ch_type_decimal(10, 0);
    case CH_LONG:
        return ch_type_decimal(20, 0);
    case CH_FLOAT:
        return ch_type_decimal(14, 7);
    case CH_DOUBLE:
        return ch_type_decimal(30, 15);
    case CH_DECIMAL:
        return type;
    default:
        return NULL;
    }
}
