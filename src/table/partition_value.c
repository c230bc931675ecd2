/* SPDX-License-Identifier: Apache-2.0 */
/* partition_value.c - one value in a folder's name: escapes, and the type that its text looks like. */
#include <string.h>
#include <strings.h>

#include "table/partition.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

/* ---- escapes (ExternalCatalogUtils) ------------------------------------------------------------- */

static bool must_escape(uint8_t c)
{
    return c < 0x20 || c == 0x7F || strchr("\"#%'*/:=?\\{}[]^", c) != NULL;
}

static ch_status add_escaped(ch_buf *out, const char *text, size_t len, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        char three[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        CH_TRY(must_escape(c) ? ch_buf_add(out, three, 3, err) : ch_buf_addc(out, text[i], err));
    }
    return CH_OK;
}

ch_status ch_partition_name(ch_buf *out, const char *name, const char *value, int64_t value_len,
                            ch_error *err)
{
    CH_TRY(add_escaped(out, name, strlen(name), err));
    CH_TRY(ch_buf_addc(out, '=', err));
    return value && value_len ? add_escaped(out, value, (size_t)value_len, err)
                              : ch_buf_adds(out, CH_PARTITION_NULL, err);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

ch_status ch_partition_unescape(ch_buf *out, const char *text, size_t len, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "", err));
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low < 0) {
            CH_TRY(ch_buf_addc(out, text[i], err));
            continue;
        }
        /* A character of that number, as Java appends it. */
        int code = high << 4 | low;
        if (code >= 0x80)
            CH_TRY(ch_buf_addc(out, (char)(0xC0 | code >> 6), err));
        CH_TRY(ch_buf_addc(out, (char)(code >= 0x80 ? 0x80 | (code & 0x3F) : code), err));
        i += 2;
    }
    return CH_OK;
}

/* ---- types -------------------------------------------------------------------------------------- */

static size_t count_digits(const char *text)
{
    return strspn(text, "0123456789");
}

static bool is_integer(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t n = count_digits(text);
    return n > 0 && !text[n];
}

/* BigDecimal's text with a scale of at most 0; precision of the DECIMAL, 0: it is none. */
static int decimal_digits(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t whole = count_digits(text), fraction = 0;
    const char *digits = text;
    text += whole;
    if (*text == '.') {
        fraction = count_digits(++text);
        text += fraction;
    }
    if (whole + fraction == 0)
        return 0;
    int64_t exponent = 0;
    if (*text == 'e' || *text == 'E') {
        if (!is_integer(text + 1) || strlen(text) > 5)
            return 0;
        ch_parse_i64(text + 1, (int64_t)strlen(text + 1), false, &exponent);
        text += strlen(text);
    }
    if (*text || exponent < (int64_t)fraction)
        return 0;
    int64_t significant = (int64_t)(whole + fraction);
    for (const char *d = digits; significant > 1 && (*d == '0' || *d == '.'); d++)
        significant -= *d == '0';
    int64_t precision = significant + exponent - (int64_t)fraction;
    return precision <= CH_DECIMAL_MAX ? (int)precision : 0;
}

static bool is_double(const char *text)
{
    double value;
    const char *p = text + strspn(text, " \t\n\r\f");
    p += *p == '-' || *p == '+';
    /* Java knows these two words, and not those that casts take besides. */
    if ((*p == 'N' || *p == 'n' || *p == 'I' || *p == 'i') && strncmp(p, "NaN", 3) != 0 &&
        strncmp(p, "Infinity", 8) != 0)
        return false;
    return ch_parse_f64(text, (int64_t)strlen(text), &value);
}

/* '9' stands for a digit, everything else for itself; an end at '[' is allowed. */
static bool looks_like(const char *text, const char *shape)
{
    for (; *shape; shape++) {
        if (*shape == '[') {
            if (!*text)
                return true;
            continue;
        }
        bool fits = *shape == '9' ? *text >= '0' && *text <= '9' : *text == *shape;
        if (!fits)
            return false;
        text++;
    }
    return !*text;
}

const ch_type *ch_partition_infer(const char *raw, bool timestamp_ntz)
{
    int64_t whole, len = (int64_t)strlen(raw);
    int32_t day;
    if (is_integer(raw) && ch_parse_i64(raw, len, false, &whole))
        return whole >= INT32_MIN && whole <= INT32_MAX ? CH_T_INT : CH_T_LONG;
    int precision = decimal_digits(raw);
    if (precision)
        return ch_type_decimal(precision, 0);
    if (is_double(raw))
        return CH_T_DOUBLE;
    char text[64];
    if (len < (int64_t)sizeof text) {
        /* Times are written with their colons escaped. */
        size_t n = 0;
        for (const char *p = raw; *p; p++) {
            bool colon = strncasecmp(p, "%3a", 3) == 0;
            text[n++] = colon ? ':' : *p;
            p += colon ? 2 : 0;
        }
        text[n] = 0;
        if (looks_like(text, "9999-99-99 99:99:99[.9") &&
            ch_timestamp_ntz_parse(text, (int64_t)n, true, &whole))
            return timestamp_ntz ? ch_type_of(CH_TIMESTAMP_NTZ) : CH_T_TIMESTAMP;
        if (looks_like(raw, "9999-99-99") && ch_date_parse(raw, len, &day))
            return CH_T_DATE;
        if (looks_like(text, "99:99:99") && ch_time_parse(text, (int64_t)n, &whole))
            return ch_type_time(6);
    }
    return strcmp(raw, CH_PARTITION_NULL) == 0 ? CH_T_NULL : CH_T_STRING;
}
