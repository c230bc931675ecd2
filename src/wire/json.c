/* SPDX-License-Identifier: Apache-2.0 */
/* json.c - the scanner: one pass from text to tape. */
#include "wire/json.h"

#include <string.h>

#include "base/unicode.h"

typedef struct scanner {
    ch_json *json;
    const char *text;
    int64_t at, len;
    uint32_t flags;
    int depth;
    ch_error *err;
    ch_status status; /* memory */
} scanner;

void ch_json_init(ch_json *json, ch_mem *mem)
{
    *json = (ch_json){0};
    ch_buf_init(&json->nodes, mem);
}

void ch_json_release(ch_json *json)
{
    ch_buf_release(&json->nodes);
}

/* ---- nodes ---- */

static ch_json_node *node_at(scanner *s, int32_t i)
{
    return (ch_json_node *)(void *)s->json->nodes.data + i;
}

/* The new node's number; -1 without memory. */
static int32_t add(scanner *s, ch_json_kind kind, int64_t start, int64_t len, bool escaped)
{
    ch_json_node node = {
        .kind = (uint8_t)kind, .escaped = escaped, .start = (int32_t)start, .len = (int32_t)len};
    s->status = ch_buf_add(&s->json->nodes, &node, sizeof node, s->err);
    if (s->status != CH_OK)
        return -1;
    node_at(s, s->json->n)->next = s->json->n + 1;
    return s->json->n++;
}

/* ---- blanks ---- */

static bool skip_comment(scanner *s)
{
    if (s->at + 1 >= s->len || !(s->flags & CH_JSON_COMMENTS))
        return false;
    if (s->text[s->at + 1] == '/') {
        while (s->at < s->len && s->text[s->at] != '\n')
            s->at++;
        return true;
    }
    if (s->text[s->at + 1] != '*')
        return false;
    for (int64_t i = s->at + 2; i + 1 < s->len; i++)
        if (s->text[i] == '*' && s->text[i + 1] == '/') {
            s->at = i + 2;
            return true;
        }
    return false;
}

/* The next character that counts, 0 at the end. */
static char peek(scanner *s)
{
    while (s->at < s->len) {
        char c = s->text[s->at];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            s->at++;
        else if (c != '/' || !skip_comment(s))
            return c;
    }
    return 0;
}

/* ---- strings ---- */

/* Bytes in front of the first quote, backslash or control character. */
static int64_t plain_run(const char *p, int64_t len, char quote)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    int64_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t q = w ^ (ones * (uint8_t)quote), b = w ^ (ones * '\\');
        uint64_t hit = ((q - ones) & ~q) | ((b - ones) & ~b) | ((w - ones * 0x20) & ~w);
        if (hit & high)
            break;
    }
    for (; i < len; i++)
        if (p[i] == quote || p[i] == '\\' || (uint8_t)p[i] < 0x20)
            break;
    return i;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool skip_escape(scanner *s)
{
    if (s->at + 1 >= s->len)
        return false;
    char c = s->text[s->at + 1];
    if (c == 'u') {
        if (s->at + 6 > s->len)
            return false;
        for (int k = 2; k < 6; k++)
            if (!is_hex(s->text[s->at + k]))
                return false;
        s->at += 6;
        return true;
    }
    if (!strchr("\"\\/bfnrt", c) || !c) {
        bool single = c == '\'' && (s->flags & CH_JSON_SINGLE_QUOTES);
        if (!single && !(s->flags & CH_JSON_ANY_ESCAPE))
            return false;
    }
    s->at += 2;
    return true;
}

/* At the opening quote. */
static bool string(scanner *s)
{
    char quote = s->text[s->at++];
    int64_t start = s->at;
    bool escaped = false;
    for (;;) {
        s->at += plain_run(s->text + s->at, s->len - s->at, quote);
        if (s->at >= s->len)
            return false;
        char c = s->text[s->at];
        if (c == quote)
            break;
        if (c == '\\') {
            escaped = true;
            if (!skip_escape(s))
                return false;
        } else if (s->flags & CH_JSON_CONTROL_CHARS) {
            s->at++;
        } else {
            return false;
        }
    }
    int32_t i = add(s, CH_JSON_STRING, start, s->at - start, escaped);
    s->at++;
    if (i >= 0)
        node_at(s, i)->end = (int32_t)s->at;
    return i >= 0;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (uint8_t)c >= 0x80;
}

static bool key(scanner *s)
{
    char c = peek(s);
    if (c == '"' || (c == '\'' && (s->flags & CH_JSON_SINGLE_QUOTES)))
        return string(s);
    if (!(s->flags & CH_JSON_UNQUOTED_NAMES) || !is_name(c) || (c >= '0' && c <= '9'))
        return false;
    int64_t start = s->at;
    while (s->at < s->len && is_name(s->text[s->at]))
        s->at++;
    int32_t i = add(s, CH_JSON_STRING, start, s->at - start, false);
    if (i >= 0)
        node_at(s, i)->end = (int32_t)s->at;
    return i >= 0;
}

/* ---- numbers and words ---- */

static bool is_digit(const scanner *s, int64_t i)
{
    return i < s->len && s->text[i] >= '0' && s->text[i] <= '9';
}

static bool word(scanner *s, const char *text)
{
    int64_t n = (int64_t)strlen(text);
    if (s->at + n > s->len || memcmp(s->text + s->at, text, (size_t)n) != 0 ||
        (s->at + n < s->len && is_name(s->text[s->at + n])))
        return false;
    s->at += n;
    return true;
}

static bool add_scalar(scanner *s, ch_json_kind kind, int64_t start)
{
    int32_t i = add(s, kind, start, s->at - start, false);
    if (i >= 0)
        node_at(s, i)->end = (int32_t)s->at;
    return i >= 0;
}

static bool non_numeric(scanner *s)
{
    int64_t start = s->at;
    if (!(s->flags & CH_JSON_NON_NUMERIC))
        return false;
    if (s->text[s->at] == '-' || s->text[s->at] == '+')
        s->at++;
    else if (word(s, "NaN"))
        return add_scalar(s, CH_JSON_FLOAT, start);
    if (word(s, "Infinity") || word(s, "INF"))
        return add_scalar(s, CH_JSON_FLOAT, start);
    s->at = start;
    return false;
}

static bool number(scanner *s)
{
    int64_t start = s->at, i = s->at;
    ch_json_kind kind = CH_JSON_INT;
    i += s->text[i] == '-';
    if (!is_digit(s, i))
        return non_numeric(s);
    if (s->text[i] == '0' && is_digit(s, i + 1) && !(s->flags & CH_JSON_LEADING_ZEROS))
        return false;
    while (is_digit(s, i))
        i++;
    if (i < s->len && s->text[i] == '.') {
        kind = CH_JSON_FLOAT;
        if (!is_digit(s, ++i))
            return false;
        while (is_digit(s, i))
            i++;
    }
    if (i < s->len && (s->text[i] == 'e' || s->text[i] == 'E')) {
        kind = CH_JSON_FLOAT;
        i++;
        i += i < s->len && (s->text[i] == '+' || s->text[i] == '-');
        if (!is_digit(s, i))
            return false;
        while (is_digit(s, i))
            i++;
    }
    if (i < s->len && is_name(s->text[i]))
        return false;
    s->at = i;
    return add_scalar(s, kind, start);
}

/* ---- values ---- */

static bool value(scanner *s);

static bool members(scanner *s, int32_t self, char close)
{
    int32_t n = 0;
    s->at++;
    if (peek(s) == close) {
        s->at++;
        return true;
    }
    for (;;) {
        if (close == '}') {
            if (!key(s) || peek(s) != ':')
                return false;
            s->at++;
        }
        if (!value(s))
            return false;
        n++;
        char c = peek(s);
        s->at++;
        if (c == close)
            break;
        if (c != ',')
            return false;
    }
    node_at(s, self)->len = n;
    return true;
}

static bool container(scanner *s, ch_json_kind kind, char close)
{
    int32_t self = add(s, kind, s->at, 0, false);
    if (self < 0 || ++s->depth > CH_JSON_MOST_DEPTH || !members(s, self, close))
        return false;
    s->depth--;
    node_at(s, self)->next = s->json->n;
    node_at(s, self)->end = (int32_t)s->at;
    return true;
}

static bool value(scanner *s)
{
    char c = peek(s);
    int64_t start = s->at;
    switch (c) {
    case '{':
        return container(s, CH_JSON_OBJECT, '}');
    case '[':
        return container(s, CH_JSON_ARRAY, ']');
    case '"':
        return string(s);
    case '\'':
        return (s->flags & CH_JSON_SINGLE_QUOTES) && string(s);
    case 't':
        return word(s, "true") && add_scalar(s, CH_JSON_TRUE, start);
    case 'f':
        return word(s, "false") && add_scalar(s, CH_JSON_FALSE, start);
    case 'n':
        return word(s, "null") && add_scalar(s, CH_JSON_NULL, start);
    case '-':
    case '+':
    case 'N':
    case 'I':
        return c == '-' ? number(s) : non_numeric(s);
    default:
        return c >= '0' && c <= '9' && number(s);
    }
}

ch_status ch_json_parse(ch_json *json, const char *text, int64_t len, uint32_t flags, bool *ok,
                        ch_error *err)
{
    scanner s = {.json = json, .text = text, .len = len, .flags = flags, .err = err};
    ch_buf_reset(&json->nodes);
    json->n = 0;
    json->text = text;
    json->len = len;
    *ok = len <= INT32_MAX && value(&s);
    json->stop = s.at;
    if (!*ok)
        json->n = 0;
    return s.status;
}

/* ---- text ---- */

static uint32_t hex4(const char *p)
{
    uint32_t v = 0;
    for (int k = 0; k < 4; k++) {
        char c = p[k];
        v = v << 4 | (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return v;
}

/* One escape at p; how many bytes it has. What Java cannot encode becomes '?'. */
static int64_t unescape(const char *p, const char *end, char *out, int *n)
{
    static const char FROM[] = "bfnrt", TO[] = "\b\f\n\r\t";
    const char *known = strchr(FROM, p[1]);
    if (p[1] != 'u') {
        *n = 1;
        *out = known && p[1] ? TO[known - FROM] : p[1];
        return 2;
    }
    uint32_t c = hex4(p + 2);
    int64_t taken = 6;
    if (c >= 0xD800 && c < 0xDC00 && end - p >= 12 && p[6] == '\\' && p[7] == 'u') {
        uint32_t low = hex4(p + 8);
        if (low >= 0xDC00 && low < 0xE000) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            taken = 12;
        }
    }
    if (c >= 0xD800 && c < 0xE000)
        c = '?';
    *n = ch_utf8_put(out, c);
    return taken;
}

ch_status ch_json_text(const ch_json *json, const ch_json_node *string, ch_buf *out, ch_error *err)
{
    const char *p = json->text + string->start, *end = p + string->len;
    if (!string->escaped)
        return ch_buf_add(out, p, (size_t)string->len, err);
    while (p < end) {
        const char *run = memchr(p, '\\', (size_t)(end - p));
        if (!run)
            run = end;
        CH_TRY(ch_buf_add(out, p, (size_t)(run - p), err));
        if (run == end)
            break;
        char utf[4];
        int n;
        p = run + unescape(run, end, utf, &n);
        CH_TRY(ch_buf_add(out, utf, (size_t)n, err));
    }
    return CH_OK;
}

bool ch_json_is(const ch_json *json, const ch_json_node *string, const char *text, int64_t len)
{
    const char *p = json->text + string->start, *end = p + string->len;
    if (!string->escaped)
        return string->len == len && memcmp(p, text, (size_t)len) == 0;
    int64_t at = 0;
    while (p < end) {
        char utf[4] = {*p};
        int n = 1;
        p += *p == '\\' ? unescape(p, end, utf, &n) : 1;
        if (at + n > len || memcmp(text + at, utf, (size_t)n) != 0)
            return false;
        at += n;
    }
    return at == len;
}

/* Text without anything to escape; what is no UTF-8 becomes U+FFFD, as in a Java string. */
static ch_status add_plain(const char *text, int64_t len, ch_buf *out, ch_error *err)
{
    int64_t start = 0, at = 0;
    while (at < len) {
        bool ok = true;
        uint64_t w = 0;
        if (at + 8 <= len)
            memcpy(&w, text + at, 8);
        if (at + 8 <= len && !(w & UINT64_C(0x8080808080808080))) {
            at += 8;
            continue;
        }
        int64_t before = at;
        at += ch_utf8_step(text + at, len - at, &ok);
        if (ok)
            continue;
        CH_TRY(ch_buf_add(out, text + start, (size_t)(before - start), err));
        CH_TRY(ch_buf_adds(out, "\xEF\xBF\xBD", err));
        start = at;
    }
    return ch_buf_add(out, text + start, (size_t)(len - start), err);
}

ch_status ch_json_quote(const char *text, int64_t len, ch_buf *out, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    CH_TRY(ch_buf_addc(out, '"', err));
    for (int64_t i = 0; i < len;) {
        int64_t run = plain_run(text + i, len - i, '"');
        CH_TRY(add_plain(text + i, run, out, err));
        i += run;
        if (i >= len)
            break;
        uint8_t c = (uint8_t)text[i++];
        char escape[7] = {'\\', (char)c, 0};
        static const char FROM[] = "\b\f\n\r\t", TO[] = "bfnrt";
        const char *known = c ? strchr(FROM, c) : NULL;
        if (known) {
            escape[1] = TO[known - FROM];
        } else if (c < 0x20) {
            memcpy(escape, "\\u00", 4);
            escape[4] = HEX[c >> 4];
            escape[5] = HEX[c & 15];
            escape[6] = 0;
        }
        CH_TRY(ch_buf_adds(out, escape, err));
    }
    return ch_buf_addc(out, '"', err);
}
