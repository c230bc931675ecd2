/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.c - the scanner: one pass from text to tape, without recursion.
 *
 * Containers that are still open stand on a stack of node numbers; a node's len counts their elements or
 * members as they come.
 */
#include "wire/json.h"

#include <string.h>

#include "base/bits.h"
#include "base/unicode.h"
#include "wire/json_plain.h"

/* Jackson's limits: digits of a number, characters of a name. */
enum { MOST_DIGITS = 1000, MOST_NAME = 50000 };

typedef struct scanner {
    ch_json *json;
    ch_json_node *node; /* the tape's, n of cap are used */
    int32_t n, cap, depth;
    uint32_t flags;
    unsigned high; /* not 0: some string may have a byte that is no ASCII */
    const char *text, *at, *end;
    ch_error *err;
    ch_status status; /* memory */
    int32_t open[CH_JSON_MOST_DEPTH];
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

static bool more_nodes(scanner *s)
{
    ch_buf *nodes = &s->json->nodes;
    nodes->len = sizeof *s->node * (size_t)s->n;
    s->status = ch_buf_reserve(nodes, sizeof *s->node * (size_t)(s->n < 64 ? 64 : s->n), s->err);
    if (s->status != CH_OK)
        return false;
    size_t cap = nodes->cap / sizeof *s->node;
    s->node = (ch_json_node *)(void *)nodes->data;
    s->cap = cap > INT32_MAX ? INT32_MAX : (int32_t)cap;
    return true;
}

/* A value that has been read up to s->at; false without memory. */
static inline bool add(scanner *s, ch_json_kind kind, const char *start, int64_t len, bool escaped)
{
    if (CH_UNLIKELY(s->n == s->cap) && !more_nodes(s))
        return false;
    s->node[s->n] = (ch_json_node){.kind = (uint8_t)kind,
                                   .escaped = escaped,
                                   .next = s->n + 1,
                                   .start = (int32_t)(start - s->text),
                                   .len = (int32_t)len,
                                   .end = (int32_t)(s->at - s->text)};
    s->n++;
    return true;
}

/* ---- blanks ---- */

static bool skip_comment(scanner *s)
{
    if (s->end - s->at < 2 || !(s->flags & CH_JSON_COMMENTS))
        return false;
    if (s->at[1] == '/') {
        while (s->at < s->end && *s->at != '\n' && *s->at != '\r')
            s->at++;
        return true;
    }
    if (s->at[1] != '*')
        return false;
    for (const char *p = s->at + 2; p + 1 < s->end; p++)
        if (p[0] == '*' && p[1] == '/') {
            s->at = p + 2;
            return true;
        }
    return false;
}

/* The next character that counts, 0 at the end. */
static inline char peek(scanner *s)
{
    while (s->at < s->end) {
        char c = *s->at;
        if (CH_LIKELY((uint8_t)c > ' ') && CH_LIKELY(c != '/'))
            return c;
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            s->at++;
        else if (c != '/' || !skip_comment(s))
            return c;
    }
    return 0;
}

/* ---- strings ---- */

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool skip_escape(scanner *s)
{
    if (s->end - s->at < 2)
        return false;
    char c = s->at[1];
    if (c == 'u') {
        if (s->end - s->at < 6)
            return false;
        for (int k = 2; k < 6; k++)
            if (!is_hex(s->at[k]))
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

/* Its rest, where plain text ended before the quote did; *start is behind the opening one. */
static bool odd_string(scanner *s, const char *start, char quote)
{
    bool escaped = false;
    for (;;) {
        s->at = ch_json_plain(s->at, s->end, quote, &s->high);
        if (s->at == s->end)
            return false;
        if (*s->at == quote)
            break;
        if (*s->at == '\\') {
            escaped = true;
            if (!skip_escape(s))
                return false;
        } else if (s->flags & CH_JSON_CONTROL_CHARS) {
            s->at++;
        } else {
            return false;
        }
    }
    s->at++;
    return add(s, CH_JSON_STRING, start, s->at - 1 - start, escaped);
}

/* At the opening quote. */
static inline bool string(scanner *s)
{
    char quote = *s->at;
    const char *start = ++s->at;
    s->at = ch_json_plain(start, s->end, quote, &s->high);
    if (CH_UNLIKELY(s->at == s->end || *s->at != quote))
        return odd_string(s, start, quote);
    s->at++;
    return add(s, CH_JSON_STRING, start, s->at - 1 - start, false);
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (uint8_t)c >= 0x80;
}

static bool odd_key(scanner *s, char c)
{
    if (c == '\'' && (s->flags & CH_JSON_SINGLE_QUOTES))
        return string(s);
    if (!(s->flags & CH_JSON_UNQUOTED_NAMES) || !is_name(c) || (c >= '0' && c <= '9'))
        return false;
    const char *start = s->at;
    for (; s->at < s->end && is_name(*s->at); s->at++)
        s->high |= (uint8_t)*s->at & 0x80;
    return add(s, CH_JSON_STRING, start, s->at - start, false);
}

/* Is the last string short enough for a name? An escape is counted as it is written. */
static bool is_short_name(const scanner *s)
{
    const ch_json_node *name = &s->node[s->n - 1];
    int64_t n = 0;
    for (int32_t i = 0; i < name->len; i++)
        n += (s->text[name->start + i] & 0xC0) != 0x80;
    return n <= MOST_NAME;
}

/* A member's name and the colon. */
static inline bool key(scanner *s)
{
    char c = peek(s);
    if (!(CH_LIKELY(c == '"') ? string(s) : odd_key(s, c)) || peek(s) != ':')
        return false;
    if (CH_UNLIKELY(s->node[s->n - 1].len > MOST_NAME) && !is_short_name(s))
        return false;
    s->at++;
    return true;
}

/* ---- numbers and words ---- */

static inline bool is_digit(const scanner *s, const char *p)
{
    return p < s->end && *p >= '0' && *p <= '9';
}

static bool word(scanner *s, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0 ||
        (s->at + n < s->end && is_name(s->at[n])))
        return false;
    s->at += n;
    return true;
}

static bool literal(scanner *s, const char *text, ch_json_kind kind)
{
    const char *start = s->at;
    return word(s, text) && add(s, kind, start, s->at - start, false);
}

static bool non_numeric(scanner *s)
{
    const char *start = s->at;
    if (!(s->flags & CH_JSON_NON_NUMERIC))
        return false;
    bool sign = *s->at == '-' || *s->at == '+';
    s->at += sign;
    if (word(s, "Infinity") || word(s, sign ? "INF" : "NaN"))
        return add(s, CH_JSON_FLOAT, start, s->at - start, false);
    s->at = start;
    return false;
}

static bool few_digits(const char *p, const char *end)
{
    int64_t n = 0;
    for (; p < end; p++)
        n += *p >= '0' && *p <= '9';
    return n <= MOST_DIGITS;
}

static bool number(scanner *s)
{
    const char *p = s->at, *start = p;
    ch_json_kind kind = CH_JSON_INT;
    p += *p == '-';
    if (!is_digit(s, p))
        return non_numeric(s);
    if (*p == '0' && is_digit(s, p + 1) && !(s->flags & CH_JSON_LEADING_ZEROS))
        return false;
    while (is_digit(s, p))
        p++;
    if (p < s->end && *p == '.') {
        kind = CH_JSON_FLOAT;
        if (!is_digit(s, ++p))
            return false;
        while (is_digit(s, p))
            p++;
    }
    if (p < s->end && (*p == 'e' || *p == 'E')) {
        kind = CH_JSON_FLOAT;
        p++;
        p += p < s->end && (*p == '+' || *p == '-');
        if (!is_digit(s, p))
            return false;
        while (is_digit(s, p))
            p++;
    }
    /* Behind one that is the whole text Jackson wants a blank. */
    bool ends = p == s->end ||
                (s->depth ? !is_name(*p) : *p == ' ' || *p == '\t' || *p == '\n' || *p == '\r');
    if (!ends || (p - start > MOST_DIGITS && !few_digits(start, p)))
        return false;
    s->at = p;
    return add(s, kind, start, p - start, false);
}

/* ---- values ---- */

static bool scalar(scanner *s, char c)
{
    switch (c) {
    case '\'':
        return (s->flags & CH_JSON_SINGLE_QUOTES) && string(s);
    case 't':
        return literal(s, "true", CH_JSON_TRUE);
    case 'f':
        return literal(s, "false", CH_JSON_FALSE);
    case 'n':
        return literal(s, "null", CH_JSON_NULL);
    case '-':
    case '+':
    case 'N':
    case 'I':
        return c == '-' ? number(s) : non_numeric(s);
    default:
        return c >= '0' && c <= '9' && number(s);
    }
}

/* An opening bracket; *empty: its closing one follows. */
static inline bool open_container(scanner *s, bool object, bool *empty)
{
    if (s->depth == CH_JSON_MOST_DEPTH ||
        !add(s, object ? CH_JSON_OBJECT : CH_JSON_ARRAY, s->at, 0, false))
        return false;
    s->open[s->depth++] = s->n - 1;
    s->at++;
    *empty = peek(s) == (object ? '}' : ']');
    return true;
}

static inline void close_container(scanner *s)
{
    ch_json_node *self = &s->node[s->open[--s->depth]];
    s->at++;
    self->next = s->n;
    self->end = (int32_t)(s->at - s->text);
}

/* Closes what ends here; goes on to the next value, or *done: there is none. */
static inline bool behind_value(scanner *s, bool *done)
{
    for (*done = false; s->depth;) {
        ch_json_node *self = &s->node[s->open[s->depth - 1]];
        bool object = self->kind == CH_JSON_OBJECT;
        char c = peek(s);
        self->len++;
        if (c == ',') {
            s->at++;
            return !object || key(s);
        }
        if (c != (object ? '}' : ']'))
            return false;
        close_container(s);
    }
    *done = true;
    return true;
}

/* Ends all that is open: here ends what is read. */
static void close_all(scanner *s)
{
    while (s->depth) {
        ch_json_node *self = &s->node[s->open[--s->depth]];
        self->next = s->n;
        self->end = (int32_t)(s->at - s->text);
    }
}

/*
 * Passes over a word where a value should be, as Jackson goes on behind it: an array has its next element, while an object
 * gives no token any more. False: there is none, or not there.
 */
static bool recover(scanner *s, bool *ends)
{
    char c = peek(s);
    ch_json *json = s->json;
    int32_t level = s->depth - 1;
    if (!(s->flags & CH_JSON_RECOVER) || json->bad >= 0 || s->status != CH_OK || !is_name(c) ||
        (c >= '0' && c <= '9'))
        return false;
    *ends = level >= 0 && s->node[s->open[level]].kind == CH_JSON_OBJECT;
    level -= *ends;
    while (level >= 0 && s->node[s->open[level]].kind == CH_JSON_ARRAY)
        level--;
    if (level < 0 || (*ends && level > 0))
        return false;
    s->n -= *ends; /* the member's name */
    json->bad = s->open[level + 1];
    json->bad_at = s->n;
    json->bad_ends = *ends;
    while (s->at < s->end && is_name(*s->at))
        s->at++;
    if (*ends)
        close_all(s);
    return true;
}

static bool value(scanner *s)
{
    for (bool done = false, empty; !done;) {
        char c = peek(s);
        if (c == '"') {
            if (!string(s))
                return false;
        } else if (c == '{' || c == '[') {
            if (!open_container(s, c == '{', &empty))
                return false;
            if (!empty && c == '{' && !key(s))
                return false;
            if (!empty)
                continue;
            close_container(s);
        } else if (!scalar(s, c)) {
            if (!recover(s, &done))
                return false;
            if (done)
                return true;
        }
        if (!behind_value(s, &done))
            return false;
    }
    return true;
}

ch_status ch_json_parse(ch_json *json, const char *text, int64_t len, uint32_t flags, bool *ok,
                        ch_error *err)
{
    scanner s;
    s.json = json;
    s.node = (ch_json_node *)(void *)json->nodes.data;
    s.cap = (int32_t)(json->nodes.cap / sizeof *s.node);
    s.n = s.depth = 0;
    s.high = 0;
    s.flags = flags;
    s.text = s.at = text;
    s.end = text + len;
    s.err = err;
    s.status = CH_OK;
    json->text = text;
    json->len = len;
    json->bad = -1;
    json->bad_at = INT32_MAX;
    json->bad_ends = false;
    *ok = len <= INT32_MAX && value(&s);
    json->stop = s.at - text;
    json->n = *ok ? s.n : 0;
    json->high = s.high != 0;
    return s.status;
}

ch_status ch_json_parse_java(ch_json *json, const char *text, int64_t len, uint32_t flags,
                             ch_buf *repaired, bool *ok, ch_error *err)
{
    CH_TRY(ch_json_parse(json, text, len, flags, ok, err));
    if (!*ok || !json->high || ch_utf8_is_valid(text, len))
        return CH_OK;
    ch_buf_reset(repaired);
    CH_TRY(ch_utf8_repair(text, len, repaired, err));
    return ch_json_parse(json, repaired->data, (int64_t)repaired->len, flags, ok, err);
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

ch_status ch_json_quote(const char *text, int64_t len, ch_buf *out, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    unsigned high = 0;
    CH_TRY(ch_buf_addc(out, '"', err));
    for (int64_t i = 0; i < len;) {
        int64_t run = ch_json_plain(text + i, text + len, '"', &high) - (text + i);
        CH_TRY(high ? ch_utf8_repair(text + i, run, out, err)
                    : ch_buf_add(out, text + i, (size_t)run, err));
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
