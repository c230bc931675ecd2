/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.c - numbers and text.
 *
 * Reading: Lemire, Number parsing at a gigabyte per second (2021); the product of the digits
 * and a 128-bit power of ten decides almost always, strtod does the rest.
 * Writing: Giulietti, The Schubfach way to render doubles (2020), which is what Double.toString
 * of today's Java does.
 *
 * Both want the first 128 bits of 10^e, POWER[e - MIN_E10], truncated and normalized: bit 127
 * is on. The table is computed at first use, with exact integers: 5^e for e >= 0, and
 * floor(2^1024 / 5^-e) for e < 0, where floor(floor(x / 5) / 5) = floor(x / 25) keeps it exact.
 */
#include "type/number.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

typedef unsigned __int128 u128;

enum { MIN_E10 = -348, MAX_E10 = 347, N_WORDS = 16 };

typedef struct power {
    uint64_t hi, lo;
} power;

static power POWER[MAX_E10 - MIN_E10 + 1];
static pthread_once_t power_once = PTHREAD_ONCE_INIT;
static locale_t c_locale;

/* The first 128 bits of a big integer, words little-endian. */
static power top_bits(const uint64_t *w)
{
    int n = N_WORDS - 1;
    while (n > 0 && !w[n])
        n--;
    uint64_t a = w[n], b = n > 0 ? w[n - 1] : 0, c = n > 1 ? w[n - 2] : 0;
    int shift = __builtin_clzll(a);
    if (!shift)
        return (power){a, b};
    return (power){a << shift | b >> (64 - shift), b << shift | c >> (64 - shift)};
}

static void make_powers(void)
{
    uint64_t w[N_WORDS] = {1};
    for (int e = 0; e <= MAX_E10; e++) {
        POWER[e - MIN_E10] = top_bits(w);
        u128 carry = 0;
        for (int i = 0; i < N_WORDS; i++) {
            carry += (u128)w[i] * 5;
            w[i] = (uint64_t)carry;
            carry >>= 64;
        }
    }
    memset(w, 0, sizeof w);
    w[N_WORDS - 1] = UINT64_C(1) << 63;
    for (int e = -1; e >= MIN_E10; e--) {
        u128 rest = 0;
        for (int i = N_WORDS - 1; i >= 0; i--) {
            rest = rest << 64 | w[i];
            w[i] = (uint64_t)(rest / 5);
            rest %= 5;
        }
        POWER[e - MIN_E10] = top_bits(w);
    }
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static inline power power_of_ten(int e)
{
    return POWER[e - MIN_E10];
}

static void need_powers(void)
{
    static _Thread_local char ready;
    if (!ready) {
        pthread_once(&power_once, make_powers);
        ready = 1;
    }
}

/* ---- text -> number ---- */

static inline int is_blank(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

static inline int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void ch_trim(const char **text, int64_t *len)
{
    const char *p = *text, *end = p + *len;
    while (p < end && is_blank(*p))
        p++;
    while (end > p && is_blank(end[-1]))
        end--;
    *text = p;
    *len = end - p;
}

bool ch_parse_integer(const char *text, int64_t len, bool fraction, int64_t min, int64_t max,
                      int64_t *out)
{
    *out = 0;
    ch_trim(&text, &len);
    const char *p = text, *end = text + len;
    if (p == end)
        return false;
    bool negative = *p == '-';
    if (negative || *p == '+')
        if (++p == end)
            return false;
    uint64_t n = 0;
    const char *safe = end - p > 18 ? p + 18 : end;
    for (; p < safe; p++) {
        unsigned digit = (unsigned char)*p - '0';
        if (digit > 9)
            break;
        n = n * 10 + digit;
    }
    for (; p < end; p++) {
        unsigned digit = (unsigned char)*p - '0';
        if (digit > 9)
            break;
        if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, digit, &n))
            return false;
    }
    if (p < end) {
        if (!fraction || *p != '.')
            return false;
        for (p++; p < end; p++)
            if (!is_digit(*p))
                return false;
    }
    if (negative ? n > -(uint64_t)min : n > (uint64_t)max)
        return false;
    *out = (int64_t)(negative ? -n : n);
    return true;
}

bool ch_parse_bool(const char *text, int64_t len, bool *out)
{
    static const char *const yes[] = {"t", "true", "y", "yes", "1"};
    static const char *const no[] = {"f", "false", "n", "no", "0"};
    ch_trim(&text, &len);
    *out = false;
    for (int i = 0; i < 5; i++) {
        if ((int64_t)strlen(yes[i]) == len && strncasecmp(text, yes[i], (size_t)len) == 0) {
            *out = true;
            return true;
        }
        if ((int64_t)strlen(no[i]) == len && strncasecmp(text, no[i], (size_t)len) == 0)
            return true;
    }
    return false;
}

/* man * 10^exp10, man != 0; false where the 128 bits cannot tell, and for subnormals and infinity. */
static bool eisel_lemire(uint64_t man, int exp10, double *out)
{
    if (exp10 < MIN_E10 || exp10 > MAX_E10)
        return false;
    int clz = __builtin_clzll(man);
    man <<= clz;
    uint64_t exp2 = (uint64_t)(((217706 * exp10) >> 16) + 64 + 1023) - (uint64_t)clz;
    power pow = power_of_ten(exp10);
    u128 x = (u128)man * pow.hi;
    uint64_t hi = (uint64_t)(x >> 64), lo = (uint64_t)x;
    if ((hi & 0x1FF) == 0x1FF && lo + man < man) {
        u128 y = (u128)man * pow.lo;
        uint64_t y_hi = (uint64_t)(y >> 64), y_lo = (uint64_t)y;
        uint64_t merged_hi = hi, merged_lo = lo + y_hi;
        if (merged_lo < lo)
            merged_hi++;
        if ((merged_hi & 0x1FF) == 0x1FF && merged_lo + 1 == 0 && y_lo + man < man)
            return false;
        hi = merged_hi;
        lo = merged_lo;
    }
    uint64_t msb = hi >> 63, mantissa = hi >> (msb + 9);
    exp2 -= 1 ^ msb;
    if (lo == 0 && (hi & 0x1FF) == 0 && (mantissa & 3) == 1)
        return false;
    mantissa += mantissa & 1;
    mantissa >>= 1;
    if (mantissa >> 53) {
        mantissa >>= 1;
        exp2++;
    }
    if (exp2 - 1 >= 0x7FF - 1)
        return false;
    uint64_t bits = exp2 << 52 | (mantissa & ((UINT64_C(1) << 52) - 1));
    memcpy(out, &bits, sizeof bits);
    return true;
}

static const double EXACT10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Decimal text taken apart. */
typedef struct parts {
    uint64_t man; /* the first 19 significant digits */
    int exp10;    /* value = man * 10^exp10 ... */
    bool cut;     /* ... plus digits that were left out */
    bool negative;
    const char *digits; /* after the sign */
    int64_t len;        /* of digits, without a suffix */
} parts;

/* digits [. digits] [e [sign] digits] [d | f]; false: not a decimal number. */
static bool take_apart(const char *p, const char *end, parts *out)
{
    *out = (parts){0};
    if (p < end && (*p == '-' || *p == '+'))
        out->negative = *p++ == '-';
    out->digits = p;
    uint64_t man = 0;
    int n_man = 0, exp10 = 0;
    bool any = false, point = false;
    for (; p < end; p++) {
        unsigned digit = (unsigned char)*p - '0';
        if (digit <= 9) {
            any = true;
            if (n_man < 19) {
                man = man * 10 + digit;
                n_man += man != 0;
                exp10 -= point;
            } else {
                out->cut |= digit != 0;
                exp10 += !point;
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
        if (p == end || !is_digit(*p))
            return false;
        int e = 0;
        for (; p < end && is_digit(*p); p++)
            if (e < 100000)
                e = e * 10 + (*p - '0');
        exp10 += minus ? -e : e;
    }
    out->len = p - out->digits;
    if (p < end && ((*p | 0x20) == 'd' || (*p | 0x20) == 'f'))
        p++;
    out->man = man;
    out->exp10 = exp10;
    return p == end;
}

/* Correct for any text, and slow: a copy for strtod. */
static void slow_number(const char *text, int64_t len, double *f64, float *f32)
{
    char small[128], *copy = small;
    if (len >= (int64_t)sizeof small && !(copy = malloc((size_t)len + 1))) {
        copy = small; /* digits beyond the buffer cannot matter but for exact ties */
        len = (int64_t)sizeof small - 1;
    }
    memcpy(copy, text, (size_t)len);
    copy[len] = 0;
    if (f64)
        *f64 = strtod_l(copy, NULL, c_locale);
    else
        *f32 = strtof_l(copy, NULL, c_locale);
    if (copy != small)
        free(copy);
}

/* Java's hexadecimal floats: the p exponent is a must. */
static bool is_hex(const char *p, const char *end)
{
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (end - p < 4 || p[0] != '0' || (p[1] | 0x20) != 'x')
        return false;
    bool digit = false, point = false;
    for (p += 2; p < end; p++) {
        if ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f'))
            digit = true;
        else if (*p == '.' && !point)
            point = true;
        else
            break;
    }
    if (!digit || p >= end || (*p | 0x20) != 'p')
        return false;
    p++;
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p >= end || !is_digit(*p))
        return false;
    while (p < end && is_digit(*p))
        p++;
    if (p < end && ((*p | 0x20) == 'd' || (*p | 0x20) == 'f'))
        p++;
    return p == end;
}

static bool equals(const char *p, const char *end, const char *word)
{
    size_t len = strlen(word);
    return (size_t)(end - p) == len && strncasecmp(p, word, len) == 0;
}

/* NaN and infinities in all the ways that Java or Spark accept. */
static bool special(const char *p, const char *end, double *out)
{
    /* Spark's words lose their case, Java's "NaN" may have a sign. */
    bool sign = p < end && (*p == '-' || *p == '+'), negative = sign && *p == '-';
    p += sign;
    if (equals(p, end, "inf") || equals(p, end, "infinity")) {
        *out = negative ? -INFINITY : INFINITY;
        return true;
    }
    if (sign ? end - p == 3 && memcmp(p, "NaN", 3) == 0 : equals(p, end, "nan")) {
        *out = NAN;
        return true;
    }
    return false;
}

/* Java's String.trim: bytes up to the blank. */
static void java_trim(const char **p, const char **end)
{
    while (*p < *end && (unsigned char)**p <= ' ')
        ++*p;
    while (*end > *p && (unsigned char)(*end)[-1] <= ' ')
        --*end;
}

bool ch_parse_f64(const char *text, int64_t len, double *out)
{
    const char *p = text, *end = text + len;
    parts n;
    java_trim(&p, &end);
    *out = 0;
    if (!take_apart(p, end, &n)) {
        need_powers();
        if (is_hex(p, end)) {
            slow_number(p, end - p, out, NULL);
            return true;
        }
        return special(p, end, out);
    }
    double value = 0;
    if (n.man == 0) {
        value = 0;
    } else if (!n.cut && n.man <= UINT64_C(1) << 53 && n.exp10 >= -22 && n.exp10 <= 22) {
        value = n.exp10 < 0 ? (double)n.man / EXACT10[-n.exp10] : (double)n.man * EXACT10[n.exp10];
    } else {
        need_powers();
        double above;
        if (!eisel_lemire(n.man, n.exp10, &value) ||
            (n.cut && (!eisel_lemire(n.man + 1, n.exp10, &above) || above != value)))
            slow_number(n.digits, n.len, &value, NULL);
    }
    *out = n.negative ? -value : value;
    return true;
}

bool ch_parse_f32(const char *text, int64_t len, float *out)
{
    const char *p = text, *end = text + len;
    parts n;
    java_trim(&p, &end);
    *out = 0;
    float value = 0;
    if (!take_apart(p, end, &n)) {
        double wide = 0;
        need_powers();
        if (is_hex(p, end)) {
            slow_number(p, end - p, NULL, out);
            return true;
        }
        bool ok = special(p, end, &wide);
        *out = (float)wide;
        return ok;
    }
    if (n.man == 0) {
        value = 0;
    } else if (!n.cut && n.man <= UINT64_C(1) << 24 && n.exp10 >= -10 && n.exp10 <= 10) {
        float digits = (float)n.man;
        value = n.exp10 < 0 ? digits / (float)EXACT10[-n.exp10] : digits * (float)EXACT10[n.exp10];
    } else {
        need_powers();
        slow_number(n.digits, n.len, NULL, &value);
    }
    *out = n.negative ? -value : value;
    return true;
}

double ch_f64_of_digits(uint64_t digits, int exp10)
{
    if (digits == 0)
        return 0;
    if (digits <= UINT64_C(1) << 53 && exp10 >= -22 && exp10 <= 22)
        return exp10 < 0 ? (double)digits / EXACT10[-exp10] : (double)digits * EXACT10[exp10];
    need_powers();
    double value;
    if (eisel_lemire(digits, exp10, &value))
        return value;
    char text[64];
    int len = ch_print_u64(text, digits);
    text[len++] = 'e';
    len += ch_print_i64(text + len, exp10);
    slow_number(text, len, &value, NULL);
    return value;
}

/* ---- number -> text ---- */

static const char PAIRS[201] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464"
    "74849505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394"
    "9596979899";

int ch_print_u64(char *out, uint64_t value)
{
    char text[20];
    int at = 20;
    while (value >= 100) {
        at -= 2;
        memcpy(text + at, PAIRS + 2 * (value % 100), 2);
        value /= 100;
    }
    if (value >= 10) {
        at -= 2;
        memcpy(text + at, PAIRS + 2 * value, 2);
    } else {
        text[--at] = (char)('0' + value);
    }
    memcpy(out, text + at, (size_t)(20 - at));
    return 20 - at;
}

int ch_print_i64(char *out, int64_t value)
{
    if (value >= 0)
        return ch_print_u64(out, (uint64_t)value);
    *out = '-';
    return 1 + ch_print_u64(out + 1, -(uint64_t)value);
}

/* floor(log10(2^e)), floor(log10(3/4 * 2^e)), floor(log2(10^e)). */
static inline int log10_pow2(int e)
{
    return (int)(e * INT64_C(661971961083) >> 41);
}
static inline int log10_three_quarters_pow2(int e)
{
    return (int)((e * INT64_C(661971961083) - INT64_C(274743187321)) >> 41);
}
static inline int log2_pow10(int e)
{
    return (int)(e * INT64_C(913124641741) >> 38);
}

static inline uint64_t mul_high(uint64_t a, uint64_t b)
{
    return (uint64_t)((u128)a * b >> 64);
}

/* g of the paper: 126 bits, as 63 and 63. */
typedef struct g_pair {
    uint64_t g1, g0;
} g_pair;

static inline g_pair g_of(int e)
{
    power p = power_of_ten(e);
    u128 g = ((u128)p.hi << 64 | p.lo) >> 2;
    g++;
    return (g_pair){(uint64_t)(g >> 63), (uint64_t)g & (UINT64_MAX >> 1)};
}

/* Product of g and cp, rounded to odd. */
static inline uint64_t round_to_odd(g_pair g, uint64_t cp)
{
    const uint64_t mask = UINT64_MAX >> 1;
    uint64_t x1 = mul_high(g.g0, cp), y0 = g.g1 * cp, y1 = mul_high(g.g1, cp);
    uint64_t z = (y0 >> 1) + x1, w = y1 + (z >> 63);
    return w | ((z & mask) + mask) >> 63;
}

static uint64_t pick(uint64_t vb, uint64_t vbl, uint64_t vbr, uint64_t out, int k, int *exp10)
{
    uint64_t s = vb >> 2;
    *exp10 = k;
    if (s >= 100) {
        uint64_t sp10 = s / 10 * 10, tp10 = sp10 + 10;
        bool upin = vbl + out <= sp10 << 2, wpin = (tp10 << 2) + out <= vbr;
        if (upin != wpin)
            return upin ? sp10 : tp10;
    }
    uint64_t t = s + 1;
    bool uin = vbl + out <= s << 2, win = (t << 2) + out <= vbr;
    if (uin != win)
        return uin ? s : t;
    int64_t cmp = (int64_t)(vb - ((s + t) << 1));
    return cmp < 0 || (cmp == 0 && !(s & 1)) ? s : t;
}

static uint64_t shortest_64(int q, uint64_t c, int dk, int *exp10)
{
    uint64_t out = c & 1, cb = c << 2, cbr = cb + 2, cbl;
    int k;
    if (c != UINT64_C(1) << 52 || q == -1074) {
        cbl = cb - 2;
        k = log10_pow2(q);
    } else {
        cbl = cb - 1;
        k = log10_three_quarters_pow2(q);
    }
    int h = q + log2_pow10(-k) + 2;
    g_pair g = g_of(-k);
    return pick(round_to_odd(g, cb << h), round_to_odd(g, cbl << h), round_to_odd(g, cbr << h), out,
                k + dk, exp10);
}

static uint64_t drop_zeros(uint64_t digits, int *exp10)
{
    while (digits % 10 == 0) {
        digits /= 10;
        ++*exp10;
    }
    return digits;
}

uint64_t ch_shortest_f64(double value, int *exp10)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t t = bits & ((UINT64_C(1) << 52) - 1);
    int bq = (int)(bits >> 52 & 0x7FF);
    need_powers();
    uint64_t digits;
    if (bq) {
        int mq = 1074 + 1 - bq;
        uint64_t c = UINT64_C(1) << 52 | t;
        if (mq > 0 && mq < 53 && c >> mq << mq == c) {
            *exp10 = 0;
            digits = c >> mq;
        } else {
            digits = shortest_64(-mq, c, 0, exp10);
        }
    } else {
        digits = t < 3 ? shortest_64(-1074, 10 * t, -1, exp10) : shortest_64(-1074, t, 0, exp10);
    }
    return drop_zeros(digits, exp10);
}

static inline uint64_t round_to_odd_32(uint64_t g, uint64_t cp)
{
    const uint64_t mask = (UINT64_C(1) << 31) - 1;
    uint64_t x1 = mul_high(g, cp);
    return x1 >> 31 | ((x1 & mask) + mask) >> 31;
}

static uint64_t shortest_32(int q, uint64_t c, int dk, int *exp10)
{
    uint64_t out = c & 1, cb = c << 2, cbr = cb + 2, cbl;
    int k;
    if (c != 1 << 23 || q == -149) {
        cbl = cb - 2;
        k = log10_pow2(q);
    } else {
        cbl = cb - 1;
        k = log10_three_quarters_pow2(q);
    }
    int h = q + log2_pow10(-k) + 33;
    uint64_t g = g_of(-k).g1 + 1;
    return pick(round_to_odd_32(g, cb << h), round_to_odd_32(g, cbl << h),
                round_to_odd_32(g, cbr << h), out, k + dk, exp10);
}

uint32_t ch_shortest_f32(float value, int *exp10)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t t = bits & ((1U << 23) - 1);
    int bq = (int)(bits >> 23 & 0xFF);
    need_powers();
    uint64_t digits;
    if (bq) {
        int mq = 149 + 1 - bq;
        uint64_t c = 1U << 23 | t;
        if (mq > 0 && mq < 24 && c >> mq << mq == c) {
            *exp10 = 0;
            digits = c >> mq;
        } else {
            digits = shortest_32(-mq, c, 0, exp10);
        }
    } else {
        digits =
            t < 8 ? shortest_32(-149, (uint64_t)10 * t, -1, exp10) : shortest_32(-149, t, 0, exp10);
    }
    return (uint32_t)drop_zeros(digits, exp10);
}

/* Lays out digits * 10^exp10 as Double.toString does: plain in [10^-3, 10^7), else d.dddE+-n. */
static int java_layout(char *out, uint64_t digits, int exp10)
{
    char text[20];
    int n = ch_print_u64(text, digits);
    int point = n + exp10; /* 0.DIGITS * 10^point */
    char *p = out;
    if (point > -3 && point <= 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = point; i < 0; i++)
            *p++ = '0';
        memcpy(p, text, (size_t)n);
        return (int)(p + n - out);
    }
    if (point > 0 && point <= 7) {
        for (int i = 0; i < point; i++)
            *p++ = i < n ? text[i] : '0';
        *p++ = '.';
        if (n <= point)
            *p++ = '0';
        for (int i = point; i < n; i++)
            *p++ = text[i];
        return (int)(p - out);
    }
    *p++ = text[0];
    *p++ = '.';
    if (n == 1)
        *p++ = '0';
    memcpy(p, text + 1, (size_t)n - 1);
    p += n - 1;
    *p++ = 'E';
    p += ch_print_i64(p, point - 1);
    return (int)(p - out);
}

static int put_word(char *out, const char *word)
{
    size_t n = strlen(word);
    memcpy(out, word, n);
    return (int)n;
}

int ch_print_f64(char *out, double value)
{
    if (isnan(value))
        return put_word(out, "NaN");
    int sign = signbit(value) ? 1 : 0;
    *out = '-';
    if (isinf(value))
        return sign + put_word(out + sign, "Infinity");
    if (value == 0)
        return sign + put_word(out + sign, "0.0");
    int exp10;
    uint64_t digits = ch_shortest_f64(value < 0 ? -value : value, &exp10);
    return sign + java_layout(out + sign, digits, exp10);
}

int ch_print_f32(char *out, float value)
{
    if (isnan(value))
        return put_word(out, "NaN");
    int sign = signbit(value) ? 1 : 0;
    *out = '-';
    if (isinf(value))
        return sign + put_word(out + sign, "Infinity");
    if (value == 0)
        return sign + put_word(out + sign, "0.0");
    int exp10;
    uint32_t digits = ch_shortest_f32(value < 0 ? -value : value, &exp10);
    return sign + java_layout(out + sign, digits, exp10);
}
