/* SPDX-License-Identifier: Apache-2.0 */
/*
 * string_format.c - format_string, printf (java.util.Formatter), format_number.
 *
 *   %[argument$][flags][width][.precision]conversion
 *
 * Conversions: d o x X, f e E g, s S c b, n and %. Values are turned into text for %s a column at a time.
 */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "column/take.h"
#include "column/textout.h"
#include "function/utf8.h"
#include "type/decimal.h"

/* ---- pieces ---- */

typedef struct piece {
    bool left, zero, plus, space, comma, paren, alt;
    int width, precision, argument;
    char conversion;
} piece;

static ch_status bad_format(const ch_call *call, ch_str format, ch_error *err)
{
    char text[200];
    CH_UNUSED(call);
    snprintf(text, sizeof text, "%.*s", (int)(format.len < 190 ? format.len : 190), format.text);
    CH_FAIL(err, INVALID_PARAMETER_VALUE, "parameter", "`strfmt`", "functionName",
            "`format_string`", "invalidValue", text);
}

/* Reads behind the %; gives the position behind the conversion, -1 if it is none. */
static int64_t read_piece(ch_str f, int64_t at, int *next, piece *p)
{
    *p = (piece){.width = -1, .precision = -1};
    int64_t k = at;
    int n = 0;
    while (k < f.len && f.text[k] >= '0' && f.text[k] <= '9' && n < 100000)
        n = n * 10 + (f.text[k++] - '0');
    if (k < f.len && f.text[k] == '$' && k > at) {
        p->argument = n;
        at = k + 1;
    }
    for (; at < f.len; at++) {
        char c = f.text[at];
        if (c == '-')
            p->left = true;
        else if (c == '0')
            p->zero = true;
        else if (c == '+')
            p->plus = true;
        else if (c == ' ')
            p->space = true;
        else if (c == ',')
            p->comma = true;
        else if (c == '(')
            p->paren = true;
        else if (c == '#')
            p->alt = true;
        else
            break;
    }
    for (n = 0, k = at; at < f.len && f.text[at] >= '0' && f.text[at] <= '9' && n < 100000; at++)
        n = n * 10 + (f.text[at] - '0');
    if (at > k)
        p->width = n;
    if (at < f.len && f.text[at] == '.') {
        for (n = 0, at++; at < f.len && f.text[at] >= '0' && f.text[at] <= '9' && n < 100000; at++)
            n = n * 10 + (f.text[at] - '0');
        p->precision = n;
    }
    if (at >= f.len)
        return -1;
    p->conversion = f.text[at];
    if (!p->argument && p->conversion != '%' && p->conversion != 'n')
        p->argument = ++*next;
    return at + 1;
}

static ch_status pad(ch_buf *out, const char *text, int64_t len, const piece *p, ch_error *err)
{
    int64_t fill = p->width - ch_utf8_count((ch_str){text, len});
    for (int64_t i = 0; i < fill && !p->left; i++)
        CH_TRY(ch_buf_addc(out, ' ', err));
    CH_TRY(ch_buf_add(out, text, (size_t)len, err));
    for (int64_t i = 0; i < fill && p->left; i++)
        CH_TRY(ch_buf_addc(out, ' ', err));
    return CH_OK;
}

/* Digits with sign, grouping and zeros: digits is "123" or "123.45". */
static ch_status put_number(ch_buf *out, bool negative, const char *digits, const piece *p,
                            ch_error *err)
{
    char text[1200];
    int n = 0;
    size_t whole = strcspn(digits, ".e"), len = strlen(digits);
    if (len > 400)
        len = 400;
    if (negative)
        text[n++] = p->paren ? '(' : '-';
    else if (p->plus || p->space)
        text[n++] = p->plus ? '+' : ' ';
    int64_t body = (int64_t)len + (p->comma && whole > 3 ? (int64_t)(whole - 1) / 3 : 0);
    int close = negative && p->paren;
    if (p->zero && !p->left)
        for (int64_t fill = p->width - n - body - close; fill > 0 && n < 700; fill--)
            text[n++] = '0';
    for (size_t i = 0; i < len; i++) {
        if (p->comma && i && i < whole && (whole - i) % 3 == 0)
            text[n++] = ',';
        text[n++] = digits[i];
    }
    if (close)
        text[n++] = ')';
    return pad(out, text, n, p, err);
}

/* ---- values ---- */

static bool integer_at(const ch_column *c, int64_t i, int64_t *out)
{
    switch (c->type->id) {
    case CH_BYTE:
        *out = ((const int8_t *)c->data)[i];
        return true;
    case CH_SHORT:
        *out = ((const int16_t *)c->data)[i];
        return true;
    case CH_INT:
    case CH_DATE:
        *out = ((const int32_t *)c->data)[i];
        return true;
    case CH_LONG:
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        *out = ((const int64_t *)c->data)[i];
        return true;
    default:
        return false;
    }
}

static ch_status put_integer(ch_buf *out, const ch_column *c, int64_t v, const piece *p,
                             ch_error *err)
{
    char digits[64];
    if (p->conversion == 'd') {
        snprintf(digits, sizeof digits, "%llu",
                 v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v);
        return put_number(out, v < 0, digits, p, err);
    }
    uint64_t bits = (uint64_t)v;
    int width = ch_type_width(c->type);
    if (width < 8)
        bits &= (UINT64_C(1) << (8 * width)) - 1;
    snprintf(digits, sizeof digits, p->conversion == 'o' ? "%s%llo" : "%s%llx",
             !p->alt                ? ""
             : p->conversion == 'o' ? "0"
                                    : "0x",
             (unsigned long long)bits);
    if (p->conversion == 'X')
        for (char *q = digits; *q; q++)
            *q = (char)(*q >= 'a' && *q <= 'z' ? *q - 32 : *q);
    piece plain = *p;
    plain.plus = plain.space = plain.comma = plain.paren = false;
    return put_number(out, false, digits, &plain, err);
}

/* Half up on the shortest digits that read back, as Java's Formatter rounds. */
static void round_text(const char *shortest, int precision, char *out, size_t room)
{
    double v = 0;
    sscanf(shortest, "%lf", &v);
    snprintf(out, room, "%.*f", precision, v);
    /* A tie in the digits that binary cannot hold goes up. */
    const char *dot = strchr(shortest, '.');
    if (strpbrk(shortest, "eE") || !dot || (int)strlen(dot + 1) != precision + 1 ||
        shortest[strlen(shortest) - 1] != '5')
        return;
    char up[512];
    snprintf(up, sizeof up, "%.*s6", (int)(strlen(shortest) - 1), shortest);
    sscanf(up, "%lf", &v);
    snprintf(out, room, "%.*f", precision, v);
}

static ch_status put_double(ch_buf *out, double v, const piece *p, ch_error *err)
{
    char shortest[64], digits[600];
    int precision = p->precision < 0 ? 6 : p->precision > 300 ? 300 : p->precision;
    if (isnan(v))
        return pad(out, "NaN", 3, p, err);
    if (isinf(v)) {
        const char *text = v < 0     ? (p->paren ? "(Infinity)" : "-Infinity")
                           : p->plus ? "+Infinity"
                                     : "Infinity";
        return pad(out, text, (int64_t)strlen(text), p, err);
    }
    double a = fabs(v);
    if (p->conversion == 'f') {
        for (int k = 1; k <= 17; k++) {
            snprintf(shortest, sizeof shortest, "%.*g", k, a);
            double back = 0;
            sscanf(shortest, "%lf", &back);
            if (back == a)
                break;
        }
        round_text(shortest, precision, digits, sizeof digits);
    } else {
        bool general = p->conversion == 'g' || p->conversion == 'G';
        if (general && precision == 0)
            precision = 1;
        if (general && (a == 0 || (a >= 1e-4 && a < pow(10, precision)))) {
            int whole = a == 0 ? 1 : (int)floor(log10(a)) + 1;
            int decimals = precision - whole;
            snprintf(digits, sizeof digits, "%.*f", decimals > 0 ? decimals : 0, a);
        } else {
            snprintf(digits, sizeof digits, "%.*e", general ? precision - 1 : precision, a);
        }
        if (p->conversion == 'E' || p->conversion == 'G')
            for (char *q = digits; *q; q++)
                *q = *q == 'e' ? 'E' : *q;
    }
    return put_number(out, signbit(v) != 0, digits, p, err);
}

/* The value's text, cut to the precision. */
static ch_status put_text(ch_buf *out, ch_str s, const piece *p, ch_error *err)
{
    if (p->precision >= 0)
        s = ch_utf8_slice(s, 0, p->precision);
    if (p->conversion != 'S')
        return pad(out, s.text, s.len, p, err);
    ch_buf upper;
    ch_buf_init(&upper, out->mem);
    ch_status status = CH_OK;
    for (int64_t i = 0; i < s.len && status == CH_OK; i++)
        status = ch_buf_addc(
            &upper, (char)(s.text[i] >= 'a' && s.text[i] <= 'z' ? s.text[i] - 32 : s.text[i]), err);
    if (status == CH_OK)
        status = pad(out, upper.data ? upper.data : "", (int64_t)upper.len, p, err);
    ch_buf_release(&upper);
    return status;
}

static ch_status put_decimal(ch_buf *out, ch_str text, const piece *p, ch_error *err)
{
    char digits[600];
    bool negative = text.len && text.text[0] == '-';
    int precision = p->precision < 0 ? 6 : p->precision > 300 ? 300 : p->precision;
    int64_t from = negative, dot = from, n = 0;
    while (dot < text.len && text.text[dot] != '.')
        dot++;
    for (int64_t i = from; i < dot; i++)
        digits[n++] = text.text[i];
    int64_t decimals = dot < text.len ? text.len - dot - 1 : 0;
    if (precision)
        digits[n++] = '.';
    for (int k = 0; k < precision; k++)
        digits[n++] = k < decimals ? text.text[dot + 1 + k] : '0';
    digits[n] = 0;
    if (decimals > precision && text.text[dot + 1 + precision] >= '5') { /* half up */
        int64_t i = n - 1;
        for (; i >= 0; i--) {
            if (digits[i] == '.')
                continue;
            if (digits[i]++ != '9')
                break;
            digits[i] = '0';
        }
        if (i < 0) {
            memmove(digits + 1, digits, (size_t)n + 1);
            digits[0] = '1';
        }
    }
    return put_number(out, negative, digits, p, err);
}

static ch_status put_value(const ch_call *call, ch_str format, ch_column *const *text, int64_t i,
                           const piece *p, ch_buf *out, ch_error *err)
{
    if (p->argument >= call->n_args)
        return bad_format(call, format, err);
    const ch_column *c = call->arg[p->argument];
    bool null = ch_column_is_null(c, i);
    int64_t v = 0;
    piece word = *p;
    switch (p->conversion) {
    case 'b':
    case 'B':
        if (!null && c->type->id == CH_BOOLEAN)
            null = !ch_bit_get(c->data, i);
        return pad(out, null ? "false" : "true", null ? 5 : 4, p, err);
    case 's':
    case 'S':
        if (null)
            return put_text(out, (ch_str){"null", 4}, p, err);
        return put_text(out, ch_column_str(text[p->argument], i), p, err);
    default:
        break;
    }
    if (null) {
        word.precision = -1;
        return pad(out, "null", 4, &word, err);
    }
    switch (p->conversion) {
    case 'd':
    case 'x':
    case 'X':
    case 'o':
        if (!integer_at(c, i, &v))
            return bad_format(call, format, err);
        return put_integer(out, c, v, p, err);
    case 'c':
        if (integer_at(c, i, &v)) {
            char utf[4];
            return pad(out, utf, ch_utf8_put(utf, (uint32_t)v), p, err);
        }
        return bad_format(call, format, err);
    case 'f':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        if (c->type->id == CH_DOUBLE)
            return put_double(out, ((const double *)c->data)[i], p, err);
        if (c->type->id == CH_FLOAT)
            return put_double(out, (double)((const float *)c->data)[i], p, err);
        if (c->type->id == CH_DECIMAL && p->conversion == 'f')
            return put_decimal(out, ch_column_str(text[p->argument], i), p, err);
        return bad_format(call, format, err);
    default:
        return bad_format(call, format, err);
    }
}

static ch_status format_row(const ch_call *call, ch_column *const *text, int64_t i, ch_buf *out,
                            ch_error *err)
{
    ch_str f = ch_column_str(call->arg[0], i);
    int next = 0;
    for (int64_t k = 0; k < f.len;) {
        if (f.text[k] != '%') {
            int64_t run = k;
            while (k < f.len && f.text[k] != '%')
                k++;
            CH_TRY(ch_buf_add(out, f.text + run, (size_t)(k - run), err));
            continue;
        }
        piece p;
        k = read_piece(f, k + 1, &next, &p);
        if (k < 0)
            return bad_format(call, f, err);
        if (p.conversion == 'n')
            CH_TRY(ch_buf_addc(out, '\n', err));
        else if (p.conversion == '%')
            CH_TRY(pad(out, "%", 1, &p, err));
        else
            CH_TRY(put_value(call, f, text, i, &p, out, err));
    }
    return CH_OK;
}

static ch_status bind_format(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1)
        return ch_bind_count(bind, "> 0", err);
    CH_TRY(ch_bind_cast(bind, 0, CH_T_STRING, err));
    for (int32_t i = 1; i < bind->n_args; i++)
        if (bind->arg_type[i]->id == CH_NULL)
            bind->arg_type[i] = CH_T_STRING;
    bind->result = CH_T_STRING;
    bind->nullable = bind->arg_nullable[0];
    return CH_OK;
}

/* NULL only where the format is. */
static ch_status eval_format(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_column *text[64] = {NULL};
    ch_textout w;
    ch_buf buf;
    ch_status status = CH_OK;
    if (call->n_args > 64)
        CH_FAIL(err, UNSUPPORTED, "feature", "format_string() of more than 63 values");
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    for (int32_t a = 1; a < call->n_args; a++) {
        ch_column *made;
        if (ch_type_is_string(call->arg[a]->type) || call->arg[a]->type->id == CH_BINARY) {
            text[a] = ch_column_ref(call->arg[a]);
            continue;
        }
        CH_TRY_OUT(
            ch_cast(call->arg[a], CH_T_STRING, CH_CAST_LEGACY, call->ctx, call->mem, &made, err));
        status = ch_flatten(made, call->mem, &text[a], err);
        ch_column_unref(made);
        if (status != CH_OK)
            goto out;
    }
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (ch_column_is_null(call->arg[0], i)) {
            CH_TRY_OUT(ch_set_null(*out, i, err));
            continue;
        }
        ch_buf_reset(&buf);
        CH_TRY_OUT(format_row(call, text, i, &buf, err));
        CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_buf_release(&buf);
    for (int32_t a = 0; a < 64; a++)
        ch_column_unref(text[a]);
    return status;
}

/* ---- format_number ---- */

static ch_status bind_number(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 2)
        return ch_bind_count(bind, "2", err);
    const ch_type *t = bind->arg_type[0];
    if (ch_type_is_string(t) || t->id == CH_NULL)
        t = bind->arg_type[0] = CH_T_DOUBLE;
    if (!ch_type_is_numeric(t))
        return ch_bind_wrong_type(bind, 0, "NUMERIC", err);
    if (!ch_type_is_string(bind->arg_type[1]))
        CH_TRY(ch_bind_cast(bind, 1, CH_T_INT, err));
    bind->result = CH_T_STRING;
    bind->nullable = true;
    return CH_OK;
}

/* DecimalFormat's pattern, as far as digits go. */
typedef struct pattern {
    int least_whole, least, most; /* digits in front of the point; behind it */
    bool grouped;
    int prefix, suffix; /* bytes of text around */
} pattern;

static pattern read_pattern(ch_str s)
{
    pattern p = {0};
    bool point = false;
    int64_t from = 0, to = s.len;
    while (from < s.len && !strchr("#0,.", s.text[from]))
        from++;
    while (to > from && !strchr("#0,.", s.text[to - 1]))
        to--;
    p.prefix = (int)from;
    p.suffix = (int)(s.len - to);
    for (int64_t i = from; i < to; i++) {
        char c = s.text[i];
        if (c == '.')
            point = true;
        else if (c == ',')
            p.grouped = true;
        else if (point && (c == '0' || c == '#')) {
            p.most++;
            p.least += c == '0';
        } else if (c == '0') {
            p.least_whole++;
        }
    }
    return p;
}

/*
 * |d| with exactly `decimals` digits behind the point, halves to even. As in Java, digits behind those that tell
 * the number from all others are 0: 1e23 has no 8388608 at its end.
 */
static void double_digits(double d, int decimals, char *out, size_t room)
{
    char sci[40], *e;
    d = fabs(d);
    int n = snprintf(out, room, "%.*f", decimals, d);
    if (n - (decimals > 0) <= DBL_DIG) /* so many are the same either way */
        return;
    for (int precision = DBL_DIG; precision <= DBL_DECIMAL_DIG; precision++) {
        snprintf(sci, sizeof sci, "%.*e", precision - 1, d);
        if (strtod(sci, NULL) == d)
            break;
    }
    int exponent = (e = strchr(sci, 'e')) ? (int)strtol(e + 1, NULL, 10) : 0, digits = 0;
    for (const char *c = sci; c < e; c++) /* "d.ddd" to "dddd" */
        if (*c != '.')
            sci[digits++] = *c;
    while (digits > 1 && sci[digits - 1] == '0')
        digits--;
    if (digits - 1 - exponent > decimals)
        return; /* some are cut off: the exact value says how it is rounded */
    char *to = out;
    for (int at = exponent < 0 ? exponent : 0, k = 0; k <= (exponent > 0 ? exponent : 0) + decimals;
         k++, at++) {
        if (k == (exponent > 0 ? exponent : 0) + 1)
            *to++ = '.';
        *to++ = at >= 0 && at < digits ? sci[at] : '0';
    }
    *to = 0;
}

/* |value| with exactly `decimals` digits behind the point, halves to even. */
static ch_status number_digits(const ch_call *call, ch_column *const text, int64_t i, int decimals,
                               char *out, size_t room, bool *negative)
{
    const ch_column *c = call->arg[0];
    int64_t v;
    if (integer_at(c, i, &v)) {
        *negative = v < 0;
        int n = snprintf(out, room, "%llu",
                         v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v);
        if (decimals)
            out[n++] = '.';
        for (int k = 0; k < decimals; k++)
            out[n++] = '0';
        out[n] = 0;
        return CH_OK;
    }
    if (c->type->id != CH_DECIMAL) {
        double d = c->type->id == CH_FLOAT ? (double)((const float *)c->data)[i]
                                           : ((const double *)c->data)[i];
        *negative = signbit(d) != 0;
        double_digits(d, decimals, out, room);
        return CH_OK;
    }
    ch_str s = ch_column_str(text, i);
    *negative = s.len && s.text[0] == '-';
    s.text += *negative;
    s.len -= *negative;
    int64_t dot = 0, n = 0;
    while (dot < s.len && s.text[dot] != '.')
        dot++;
    int64_t behind = dot < s.len ? s.len - dot - 1 : 0;
    memcpy(out, s.text, (size_t)dot);
    n = dot;
    if (decimals)
        out[n++] = '.';
    for (int k = 0; k < decimals; k++)
        out[n++] = k < behind ? s.text[dot + 1 + k] : '0';
    out[n] = 0;
    if (behind <= decimals)
        return CH_OK;
    const char *rest = s.text + dot + 1 + decimals;
    int64_t left = behind - decimals;
    bool above = false;
    for (int64_t k = 1; k < left; k++)
        above |= rest[k] != '0';
    char last = out[n - 1];
    bool up = rest[0] > '5' || (rest[0] == '5' && (above || (last - '0') % 2 == 1));
    for (int64_t k = n - 1; up; k--) {
        if (k < 0) {
            memmove(out + 1, out, (size_t)n + 1);
            out[0] = '1';
            break;
        }
        if (out[k] == '.')
            continue;
        if (out[k]++ != '9')
            break;
        out[k] = '0';
    }
    return CH_OK;
}

static ch_status put_pattern(const pattern *p, ch_str format, const char *digits, bool negative,
                             ch_buf *out, ch_error *err)
{
    size_t whole = strcspn(digits, "."), len = strlen(digits);
    while (len > whole + 1 + (size_t)p->least && digits[len - 1] == '0')
        len--;
    if (len == whole + 1)
        len = whole;
    if (negative)
        CH_TRY(ch_buf_addc(out, '-', err));
    CH_TRY(ch_buf_add(out, format.text, (size_t)p->prefix, err));
    size_t shown = whole;
    size_t total = shown < (size_t)p->least_whole ? (size_t)p->least_whole : shown;
    for (size_t i = 0; i < total; i++) {
        if (p->grouped && i && (total - i) % 3 == 0)
            CH_TRY(ch_buf_addc(out, ',', err));
        CH_TRY(ch_buf_addc(out, i < total - shown ? '0' : digits[i - (total - shown)], err));
    }
    CH_TRY(ch_buf_add(out, digits + whole, len - whole, err));
    return ch_buf_add(out, format.text + format.len - p->suffix, (size_t)p->suffix, err);
}

static ch_status number_row(const ch_call *call, ch_column *text, int64_t i, ch_buf *out,
                            bool *null, ch_error *err)
{
    char digits[1400];
    bool negative;
    pattern p = {.least_whole = 1, .grouped = true};
    ch_str format = {"", 0};
    if (call->arg[1]->type->id == CH_INT) {
        int32_t d = ((const int32_t *)call->arg[1]->data)[i];
        *null = d < 0;
        p.least = p.most = d < 0 ? 0 : d > 340 ? 340 : d;
    } else {
        format = ch_column_str(call->arg[1], i);
        if (format.len)
            p = read_pattern(format);
    }
    if (p.most > 340)
        p.most = 340;
    if (call->arg[0]->type->id == CH_DOUBLE || call->arg[0]->type->id == CH_FLOAT) {
        double d = call->arg[0]->type->id == CH_FLOAT
                       ? (double)((const float *)call->arg[0]->data)[i]
                       : ((const double *)call->arg[0]->data)[i];
        if (isnan(d))
            return ch_buf_adds(out, "NaN", err);
        if (isinf(d))
            return ch_buf_adds(out, d < 0 ? "-∞" : "∞", err);
    }
    CH_TRY(number_digits(call, text, i, p.most, digits, sizeof digits, &negative));
    return put_pattern(&p, format, digits, negative, out, err);
}

static ch_status eval_number(const ch_call *call, ch_column **out, ch_error *err)
{
    ch_textout w;
    ch_buf buf;
    ch_column *text = NULL, *made = NULL;
    ch_status status = CH_OK;
    ch_textout_init(&w, *out);
    ch_buf_init(&buf, call->mem);
    if (call->arg[0]->type->id == CH_DECIMAL) {
        CH_TRY_OUT(
            ch_cast(call->arg[0], CH_T_STRING, CH_CAST_LEGACY, call->ctx, call->mem, &made, err));
        CH_TRY_OUT(ch_flatten(made, call->mem, &text, err));
    }
    for (int64_t i = 0; i < call->rows; i++) {
        bool null = false;
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        ch_buf_reset(&buf);
        CH_TRY_OUT(number_row(call, text, i, &buf, &null, err));
        if (null)
            CH_TRY_OUT(ch_set_null(*out, i, err));
        else
            CH_TRY_OUT(ch_textout_put(&w, i, buf.data ? buf.data : "", (int64_t)buf.len, err));
    }
out:
    ch_column_unref(made);
    ch_column_unref(text);
    ch_buf_release(&buf);
    return status;
}

#define ROW(fn, binder, kernel, flag, text, ex, want)                           \
    {                                                                           \
        .name = fn, .bind = binder, .eval = kernel, .flags = flag, .doc = text, \
        .example = "SELECT " ex, .expect = want, .since = "0.1"                 \
    }

const ch_func ch_func_string_format[] = {
    ROW("format_string", bind_format, eval_format, CH_FUNC_MAY_FAIL | CH_FUNC_MAKES_NULL,
        "Values in a text, as printf writes them.",
        "format_string('Hello World %d %s', 100, 'days')", "Hello World 100 days"),
    ROW("printf", bind_format, eval_format, CH_FUNC_MAY_FAIL | CH_FUNC_MAKES_NULL,
        "Values in a text, as printf writes them.", "printf('%05.1f', 3.14159D)", "003.1"),
    ROW("format_number", bind_number, eval_number, CH_FUNC_NULL_PROPAGATES | CH_FUNC_MAKES_NULL,
        "A number with separators and so many decimals, or by a pattern.",
        "format_number(12332.123456, 4)", "12,332.1235"),
    CH_FUNC_END,
};
