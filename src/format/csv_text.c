/* SPDX-License-Identifier: Apache-2.0 */
/* csv_text.c - characters: UTF-8 made valid as Java does it, and special ones as single bytes. */
#include "format/csv_record.h"

/* ---- text ----------------------------------------------------------------------------------- */

int64_t ch_utf16_length(const char *text, int64_t len)
{
    int64_t n = 0;
    for (int64_t k = 0; k < len; k++) {
        uint8_t b = (uint8_t)text[k];
        n += (b & 0xC0) != 0x80;
        n += b >= 0xF0;
    }
    return n;
}

/* Length of the valid character at s, or 0; *bad: how many bytes Java replaces by one U+FFFD. */
static int utf8_char(const uint8_t *s, int64_t left, int *bad)
{
    uint8_t b = s[0];
    *bad = 1;
    if (b < 0x80)
        return 1;
    int n = b >= 0xC2 && b <= 0xDF ? 2 : (b & 0xF0) == 0xE0 ? 3 : b >= 0xF0 && b <= 0xF4 ? 4 : 0;
    if (n == 0)
        return 0;
    for (int k = 1; k < n; k++) {
        if (k >= left) {
            *bad = k;
            return 0;
        }
        uint8_t low = 0x80, high = 0xBF;
        if (k == 1) {
            low = b == 0xE0 ? 0xA0 : b == 0xF0 ? 0x90 : 0x80;
            high = b == 0xF4 ? 0x8F : 0xBF;
        }
        if (s[k] < low || s[k] > high) {
            *bad = k;
            return 0;
        }
        if (k == 2 && b == 0xED && s[1] > 0x9F) { /* a surrogate: three bytes, one replacement */
            *bad = 3;
            return 0;
        }
    }
    return n;
}

int64_t ch_utf8_valid_prefix(const char *text, int64_t len)
{
    const uint8_t *s = (const uint8_t *)text;
    int64_t i = 0;
    int bad;
    while (i < len) {
        if (s[i] < 0x80) {
            uint64_t w;
            while (i + 8 <= len && (memcpy(&w, s + i, 8), !(w & UINT64_C(0x8080808080808080))))
                i += 8;
            while (i < len && s[i] < 0x80)
                i++;
            continue;
        }
        int n = utf8_char(s + i, len - i, &bad);
        if (n == 0)
            return i;
        i += n;
    }
    return len;
}

ch_status ch_csv_prepare(const ch_csv_rules *u, const char *text, int64_t len, ch_buf *out,
                         ch_error *err)
{
    const uint8_t *s = (const uint8_t *)text;
    for (int64_t i = 0; i < len;) {
        int bad, n = utf8_char(s + i, len - i, &bad), a;
        if (n == 0) {
            CH_TRY(ch_buf_add(out, "\xEF\xBF\xBD", 3, err));
            i += bad;
            continue;
        }
        for (a = 0; n > 1 && a < u->n_alias; a++)
            if (u->alias[a].len == n && memcmp(u->alias[a].text, s + i, (size_t)n) == 0)
                break;
        if (n > 1 && a < u->n_alias)
            CH_TRY(ch_buf_addc(out, (char)(CH_CSV_FIRST_ALIAS + a), err));
        else
            CH_TRY(ch_buf_add(out, s + i, (size_t)n, err));
        i += n;
    }
    return CH_OK;
}

ch_status ch_csv_restore(const ch_csv_rules *u, const char *text, int64_t len, ch_buf *out,
                         ch_error *err)
{
    for (int64_t i = 0; i < len; i++) {
        int a = (uint8_t)text[i] - CH_CSV_FIRST_ALIAS;
        if (a >= 0 && a < u->n_alias)
            CH_TRY(ch_buf_add(out, u->alias[a].text, u->alias[a].len, err));
        else
            CH_TRY(ch_buf_addc(out, text[i], err));
    }
    return CH_OK;
}

/* ---- rules ---------------------------------------------------------------------------------- */

static uint8_t encode_char(uint32_t c, uint8_t *out)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

static ch_status byte_of(ch_csv_rules *u, uint32_t c, uint8_t *out, ch_error *err)
{
    uint8_t text[5];
    uint8_t len = encode_char(c, text);
    *out = text[0];
    if (len == 1)
        return CH_OK;
    int a = 0;
    while (a < u->n_alias && (u->alias[a].len != len || memcmp(u->alias[a].text, text, len) != 0))
        a++;
    if (a == u->n_alias) {
        if (a == 256 - CH_CSV_FIRST_ALIAS || a == CH_CSV_MOST_ALIASES)
            CH_FAIL(err, UNSUPPORTED, "feature",
                    "more than 11 different special characters beyond ASCII");
        memcpy(u->alias[a].text, text, len);
        u->alias[a].len = len;
        u->n_alias++;
    }
    *out = (uint8_t)(CH_CSV_FIRST_ALIAS + a);
    return CH_OK;
}

/* Bytes for the characters of `text`; at most cap of them. */
static ch_status bytes_of(ch_csv_rules *u, const char *text, uint8_t *out, int cap, int *n,
                          ch_error *err)
{
    const uint8_t *s = (const uint8_t *)text;
    int64_t left = (int64_t)strlen(text);
    for (*n = 0; left > 0; ++*n) {
        int bad, len = utf8_char(s, left, &bad);
        if (*n == cap || len == 0)
            CH_FAIL(err, UNSUPPORTED, "feature", "a separator of more than 64 characters");
        uint32_t c = s[0];
        if (len > 1) {
            c &= 0x7Fu >> len;
            for (int k = 1; k < len; k++)
                c = c << 6 | (s[k] & 0x3F);
        }
        CH_TRY(byte_of(u, c, out + *n, err));
        s += len;
        left -= len;
    }
    return CH_OK;
}

ch_status ch_csv_rules_make(const ch_csv_options *o, ch_csv_rules *u, ch_error *err)
{
    *u = (ch_csv_rules){.has_comment = o->has_comment,
                        .newline = '\n',
                        .line_sep = {'\n', 0},
                        .normalize_in_quotes = true,
                        .trim_left = o->trim_left,
                        .trim_right = o->trim_right,
                        .unescaped = o->unescaped,
                        .max_columns = o->max_columns,
                        .max_chars = o->max_chars};
    CH_TRY(bytes_of(u, o->sep, u->sep, (int)sizeof u->sep, &u->n_sep, err));
    CH_TRY(byte_of(u, o->quote, &u->quote, err));
    CH_TRY(byte_of(u, o->escape, &u->escape, err));
    CH_TRY(byte_of(u, o->escape_escape, &u->escape_escape, err));
    CH_TRY(byte_of(u, o->comment, &u->comment, err));
    if (o->line_sep && (uint8_t)o->line_sep[0] == CH_CSV_NO_UTF8) {
        u->newline = u->line_sep[0] = CH_CSV_NO_UTF8;
        u->normalize_in_quotes = false;
    } else if (o->line_sep) {
        int n;
        CH_TRY(bytes_of(u, o->line_sep, u->line_sep, 2, &n, err));
        if (n == 1)
            u->newline = u->line_sep[0];
        u->normalize_in_quotes = !o->multi_line;
    }
    return CH_OK;
}
