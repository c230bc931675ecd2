/* SPDX-License-Identifier: Apache-2.0 */
/* runner_cells.c - cells of rows and columns of headers, as docs/testing.md writes them. */
#include "runner.h"

#include <stdio.h>
#include <string.h>

#include "base/unicode.h"
#include "column/format_value.h"

/* ---- reading ---- */

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A quoted cell at *p, which is left behind the closing quote. */
static bool read_quoted(const char **p, list *out)
{
    string t = {0};
    text_add(&t, "", 0);
    const char *s = *p + 1;
    for (; *s && *s != '"'; s++) {
        char c = *s;
        if (c == '\\') {
            c = *++s;
            if (c == 'x' && hex_digit(s[1]) >= 0 && hex_digit(s[2]) >= 0) {
                c = (char)(hex_digit(s[1]) * 16 + hex_digit(s[2]));
                s += 2;
            } else if (c == 'n' || c == 'r' || c == 't') {
                c = c == 'n' ? '\n' : c == 'r' ? '\r' : '\t';
            } else if (c != '"' && c != '\\') {
                text_free(&t);
                return false;
            }
        }
        text_addc(&t, c);
    }
    bool closed = *s == '"';
    if (closed)
        list_add(out, t.data, t.len);
    text_free(&t);
    *p = s + closed;
    return closed;
}

bool cells_split(const char *line, list *out)
{
    const char *p = line;
    for (;;) {
        p += strspn(p, " ");
        if (*p == '"') {
            if (!read_quoted(&p, out))
                return false;
            p += strspn(p, " ");
            if (*p && *p != '|')
                return false;
        } else {
            size_t n = strcspn(p, "|"), len = n;
            while (len && p[len - 1] == ' ')
                len--;
            if (len == 4 && memcmp(p, "NULL", 4) == 0)
                list_add_null(out);
            else
                list_add(out, p, len);
            p += n;
        }
        if (!*p)
            return true;
        p++;
    }
}

/* One word of a header: up to a stop character, or between backquotes. */
static bool read_word(const char **p, const char *stops, list *out)
{
    string t = {0};
    const char *s = *p;
    text_add(&t, "", 0);
    if (*s == '`') {
        for (s++; *s && (*s != '`' || s[1] == '`'); s++) {
            text_addc(&t, *s);
            s += *s == '`';
        }
        if (!*s) {
            text_free(&t);
            return false;
        }
        s++;
    } else {
        size_t n = strcspn(s, stops);
        text_add(&t, s, n);
        s += n;
    }
    list_add(out, t.data, t.len);
    text_free(&t);
    *p = s;
    return true;
}

bool columns_split(const char *words, list *name, list *type)
{
    for (const char *p = words; *p;) {
        if (!read_word(&p, ":", name) || *p != ':')
            return false;
        p++;
        if (!read_word(&p, " ", type) || (*p && *p != ' '))
            return false;
        p += strspn(p, " ");
    }
    return true;
}

/* ---- writing ---- */

static bool needs_quotes(const char *bytes, size_t len)
{
    if (len == 0 || bytes[0] == ' ' || bytes[len - 1] == ' ' || bytes[0] == '"')
        return true;
    if (len == 4 && memcmp(bytes, "NULL", 4) == 0)
        return true;
    for (size_t i = 0; i < len;) {
        bool ok;
        unsigned char c = (unsigned char)bytes[i];
        int step = ch_utf8_step(bytes + i, (int64_t)(len - i), &ok);
        if (!ok || c < 0x20 || c == 0x7F || c == '|')
            return true;
        i += (size_t)step;
    }
    return false;
}

void cell_write(const char *bytes, size_t len, string *out)
{
    if (!bytes) {
        text_adds(out, "NULL");
        return;
    }
    if (!needs_quotes(bytes, len)) {
        text_add(out, bytes, len);
        return;
    }
    text_addc(out, '"');
    for (size_t i = 0; i < len;) {
        bool ok;
        unsigned char c = (unsigned char)bytes[i];
        int step = ch_utf8_step(bytes + i, (int64_t)(len - i), &ok);
        char escape[8];
        if (c == '"' || c == '\\') {
            text_addc(out, '\\');
            text_addc(out, (char)c);
        } else if (c == '\n' || c == '\r' || c == '\t') {
            text_adds(out, c == '\n' ? "\\n" : c == '\r' ? "\\r" : "\\t");
        } else if (!ok || c < 0x20 || c == 0x7F) {
            for (int b = 0; b < step; b++) {
                snprintf(escape, sizeof escape, "\\x%02x", (unsigned char)bytes[i + (size_t)b]);
                text_adds(out, escape);
            }
        } else {
            text_add(out, bytes + i, (size_t)step);
        }
        i += (size_t)step;
    }
    text_addc(out, '"');
}

static size_t count_points(const string *t)
{
    size_t n = 0;
    for (size_t i = 0; i < t->len; i++)
        n += ((unsigned char)t->data[i] & 0xC0) != 0x80;
    return n;
}

void rows_write(const list *cells, size_t n_cols, list *lines)
{
    if (n_cols == 0)
        return;
    size_t width[256] = {0}, n_rows = cells->n / n_cols;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t r = 0; r < n_rows; r++) {
            string line = {0};
            text_add(&line, "", 0);
            for (size_t c = 0; c < n_cols; c++) {
                string cell = {0};
                text_add(&cell, "", 0);
                cell_write(cells->item[r * n_cols + c], cells->len[r * n_cols + c], &cell);
                size_t n = count_points(&cell);
                if (pass == 0 && c < 256 && n > width[c])
                    width[c] = n;
                text_add(&line, cell.data, cell.len);
                if (c + 1 < n_cols) {
                    for (; pass && c < 256 && n < width[c]; n++)
                        text_addc(&line, ' ');
                    text_adds(&line, " | ");
                }
                text_free(&cell);
            }
            if (pass)
                list_add(lines, line.data, line.len);
            text_free(&line);
        }
    }
}

static void word_write(const char *word, const char *special, string *out)
{
    if (*word && !strpbrk(word, special)) {
        text_adds(out, word);
        return;
    }
    text_addc(out, '`');
    for (; *word; word++) {
        if (*word == '`')
            text_addc(out, '`');
        text_addc(out, *word);
    }
    text_addc(out, '`');
}

void column_write(const char *name, const char *type, string *out)
{
    word_write(name, " \t\n\r`#:", out);
    text_addc(out, ':');
    word_write(type, " \t\n\r`#", out);
}
