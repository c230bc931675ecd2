/* SPDX-License-Identifier: Apache-2.0 */
/*
 * url.c - parse_url, try_parse_url: the parts of a URI as java.net.URI finds them.
 *
 *   [scheme:][//authority][path][?query][#fragment]      authority = [userinfo@]host[:port]
 *
 * A scheme without '/' behind it makes the rest opaque: only scheme and fragment remain. An authority
 * that is no host (a_b, 300.1.1.1) is kept as a name, without host and user; an illegal character
 * anywhere makes the whole text no URI.
 */
#include <arpa/inet.h>
#include <stdio.h>

#include "column/textout.h"
#include "function/regex.h"
#include "function/utf8.h"

typedef enum url_part {
    P_HOST,
    P_PATH,
    P_QUERY,
    P_REF,
    P_PROTOCOL,
    P_FILE,
    P_AUTHORITY,
    P_USERINFO,
    N_PARTS
} url_part;

/* A part that is not there has text NULL. */
typedef struct url {
    ch_str part[N_PARTS];
} url;

/* ---- characters ---- */

#define UNRESERVED "-_.!~*'()"
#define URIC UNRESERVED ";/?:@&=+$,[]"
#define PATH UNRESERVED ":@&=+$,;/"
#define USERINFO UNRESERVED ";:&=+$,"
#define REG_NAME UNRESERVED "$,;:@&=+"
#define SERVER USERINFO ".:@[]-"

static bool is_alpha(char c)
{
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'z';
}
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_hex(char c)
{
    char low = (char)(c | 0x20);
    return is_digit(c) || (low >= 'a' && low <= 'f');
}

/* Not a space and not a control character, beyond ASCII. */
static bool is_other(uint32_t c)
{
    return c >= 0xA1 && c != 0x1680 && !(c >= 0x2000 && c <= 0x200A) && c != 0x2028 &&
           c != 0x2029 && c != 0x202F && c != 0x205F && c != 0x3000;
}

/* Where the run of letters, digits, escapes and the given marks ends. */
static int64_t run(ch_str s, int64_t p, int64_t n, const char *marks)
{
    while (p < n) {
        char c = s.text[p];
        int64_t next = p;
        if (c == '%' && p + 2 < n && is_hex(s.text[p + 1]) && is_hex(s.text[p + 2])) {
            p += 3;
        } else if (is_alpha(c) || is_digit(c) || (c && (uint8_t)c < 0x80 && strchr(marks, c))) {
            p++;
        } else if ((uint8_t)c >= 0x80 && is_other(ch_utf8_next(s, &next))) {
            p = next;
        } else {
            break;
        }
    }
    return p < n ? p : n;
}

static bool all(ch_str s, int64_t p, int64_t n, const char *marks)
{
    return run(s, p, n, marks) == n;
}

/* The first of `stops` at or after p, or n. */
static int64_t find(ch_str s, int64_t p, int64_t n, const char *stops)
{
    while (p < n && !(s.text[p] && strchr(stops, s.text[p])))
        p++;
    return p;
}

static ch_str cut(ch_str s, int64_t from, int64_t to)
{
    return (ch_str){s.text + from, to - from};
}

static bool at(ch_str s, int64_t p, int64_t n, char c)
{
    return p < n && s.text[p] == c;
}

/* ---- authority ---- */

static int64_t scan_alnum(ch_str s, int64_t p, int64_t n, bool dash)
{
    while (p < n && (is_alpha(s.text[p]) || is_digit(s.text[p]) || (dash && s.text[p] == '-')))
        p++;
    return p;
}

/* Four bytes in decimal, then the end or a port; where it ends, -1: it is none. */
static int64_t ipv4_end(ch_str s, int64_t p, int64_t n)
{
    for (int k = 0; k < 4; k++) {
        int64_t from = p;
        int value = 0;
        while (p < n && is_digit(s.text[p]) && p - from < 4)
            value = value * 10 + (s.text[p++] - '0');
        if (p == from || p - from > 3 || value > 255)
            return -1;
        if (k < 3 && !at(s, p++, n, '.'))
            return -1;
    }
    return p == n || s.text[p] == ':' ? p : -1;
}

/* Labels of letters, digits and inner dashes; the last begins with a letter. */
static int64_t host_end(ch_str s, int64_t start, int64_t n)
{
    int64_t p = start, last = -1;
    do {
        int64_t q = scan_alnum(s, p, n, false);
        if (q <= p)
            break;
        last = p;
        p = q;
        q = scan_alnum(s, p, n, true);
        if (q > p && s.text[q - 1] == '-')
            return -1;
        p = q;
        if (!at(s, p, n, '.'))
            break;
        p++;
    } while (p < n);
    if (last < 0 || (p < n && s.text[p] != ':') || (last > start && !is_alpha(s.text[last])))
        return -1;
    return p;
}

static bool is_ipv6(ch_str s)
{
    char text[64];
    unsigned char bytes[16];
    int64_t scope = find(s, 0, s.len, "%");
    if (scope >= (int64_t)sizeof text || scope + 1 == s.len)
        return false;
    memcpy(text, s.text, (size_t)scope);
    text[scope] = 0;
    return inet_pton(AF_INET6, text, bytes) == 1;
}

static bool parse_server(ch_str s, int64_t p, int64_t n, url *u)
{
    int64_t q = find(s, p, n, "/?#@");
    if (at(s, q, n, '@')) {
        if (!all(s, p, q, USERINFO))
            return false;
        u->part[P_USERINFO] = cut(s, p, q);
        p = q + 1;
    }
    if (at(s, p, n, '[')) {
        q = find(s, p + 1, n, "/?#]");
        if (q <= p + 1 || !at(s, q, n, ']') || !is_ipv6(cut(s, p + 1, q)))
            return false;
        q++;
    } else {
        q = ipv4_end(s, p, n);
        if (q < 0)
            q = host_end(s, p, n);
        if (q < 0)
            return false;
    }
    u->part[P_HOST] = cut(s, p, q);
    p = q;
    if (at(s, p, n, ':')) {
        int64_t port = 0;
        for (p++; p < n && is_digit(s.text[p]) && port <= INT32_MAX; p++)
            port = port * 10 + (s.text[p] - '0');
        if (port > INT32_MAX)
            return false;
    }
    return p == n;
}

static bool parse_authority(ch_str s, int64_t p, int64_t n, url *u)
{
    bool name = all(s, p, n, REG_NAME);
    bool server = all(s, p, n, find(s, p, n, "]") < n ? SERVER "%" : SERVER);
    u->part[P_AUTHORITY] = cut(s, p, n);
    if (server && parse_server(s, p, n, u))
        return true;
    u->part[P_USERINFO] = u->part[P_HOST] = (ch_str){0};
    return name;
}

/* ---- the whole ---- */

static bool parse_url(ch_str s, url *u)
{
    int64_t n = s.len, p = 0, q = find(s, 0, n, "/?#:");
    bool opaque = false;
    *u = (url){{{0}}};
    if (at(s, q, n, ':')) {
        if (q == 0 || !is_alpha(s.text[0]))
            return false;
        for (int64_t k = 1; k < q; k++)
            if (!is_alpha(s.text[k]) && !is_digit(s.text[k]) && !strchr("+-.", s.text[k]))
                return false;
        u->part[P_PROTOCOL] = cut(s, 0, q);
        p = q + 1;
        opaque = !at(s, p, n, '/');
    }
    if (opaque) {
        q = find(s, p, n, "#");
        if (q <= p || !all(s, p, q, URIC))
            return false;
        p = q;
    } else {
        int64_t file;
        if (at(s, p, n, '/') && at(s, p + 1, n, '/')) {
            p += 2;
            q = find(s, p, n, "/?#");
            if (q == p ? q == n : !parse_authority(s, p, q, u))
                return false;
            p = q;
        }
        file = p;
        q = find(s, p, n, "?#");
        if (!all(s, p, q, PATH))
            return false;
        u->part[P_PATH] = cut(s, p, q);
        p = q;
        if (at(s, p, n, '?')) {
            q = find(s, p + 1, n, "#");
            if (!all(s, p + 1, q, URIC))
                return false;
            u->part[P_QUERY] = cut(s, p + 1, q);
            p = q;
        }
        u->part[P_FILE] = cut(s, file, p);
    }
    if (at(s, p, n, '#')) {
        if (!all(s, p + 1, n, URIC))
            return false;
        u->part[P_REF] = cut(s, p + 1, n);
        p = n;
    }
    return p == n;
}

static url_part part_of(ch_str name)
{
    static const char *const NAME[] = {"HOST",     "PATH", "QUERY",     "REF",
                                       "PROTOCOL", "FILE", "AUTHORITY", "USERINFO"};
    for (int i = 0; i < N_PARTS; i++)
        if ((int64_t)strlen(NAME[i]) == name.len &&
            memcmp(NAME[i], name.text, (size_t)name.len) == 0)
            return (url_part)i;
    return N_PARTS;
}

/* The value behind "key=" in a query; the key is a regular expression, as in Spark. */
static ch_status query_value(const ch_call *call, ch_str query, ch_str key, ch_buf *pattern,
                             ch_str *out, ch_error *err)
{
    int64_t from, to;
    *out = (ch_str){0};
    ch_buf_reset(pattern);
    CH_TRY(ch_buf_add(pattern, "(&|^)", 5, err));
    CH_TRY(ch_buf_add(pattern, key.text, (size_t)key.len, err));
    CH_TRY(ch_buf_add(pattern, "=([^&]*)", 8, err));
    CH_TRY(ch_regex_use(call->state, (ch_str){pattern->data, (int64_t)pattern->len},
                        call->func->name, err));
    if (ch_regex_find(call->state, query, 0) && ch_regex_group(call->state, 2, &from, &to))
        *out = cut(query, from, to);
    return CH_OK;
}

static ch_status eval_parse(const ch_call *call, ch_column **out, ch_error *err)
{
    bool lenient = call->func->name[0] == 't';
    ch_status status = CH_OK;
    ch_textout w;
    ch_buf pattern;
    ch_textout_init(&w, *out);
    ch_buf_init(&pattern, call->mem);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_textout_empty(&w, i);
        if (!ch_is_valid(*out, i))
            continue;
        url u;
        ch_str s = ch_arg_str(call, 0, i), found = {0};
        url_part part = part_of(ch_arg_str(call, 1, i));
        if (!parse_url(s, &u)) {
            if (!lenient) {
                char text[256];
                snprintf(text, sizeof text, "%.*s", (int)(s.len < 250 ? s.len : 250), s.text);
                status = ch_error_set(err, CH_E_INVALID_URL, "url", text, (const char *)0);
                goto out;
            }
        } else if (call->n_args < 3) {
            found = part < N_PARTS ? u.part[part] : found;
        } else if (part == P_QUERY && u.part[P_QUERY].text) {
            CH_TRY_OUT(
                query_value(call, u.part[P_QUERY], ch_arg_str(call, 2, i), &pattern, &found, err));
        }
        if (found.text)
            CH_TRY_OUT(ch_textout_put(&w, i, found.text, found.len, err));
        else
            CH_TRY_OUT(ch_set_null(*out, i, err));
    }
out:
    ch_buf_release(&pattern);
    return status;
}

#define ROW(fn, flag, text, ex, want)                                                         \
    {                                                                                         \
        .name = fn, .sig = "string, string[, string] -> string", .eval = eval_parse,          \
        .open = ch_regex_open, .close = ch_regex_close,                                       \
        .flags = CH_FUNC_NULL_PROPAGATES | CH_FUNC_TAKES_CONST | CH_FUNC_MAKES_NULL | (flag), \
        .doc = text, .example = "SELECT " ex, .expect = want, .since = "0.2"                  \
    }

const ch_func ch_func_url[] = {
    ROW("parse_url", CH_FUNC_MAY_FAIL, "A part of a URL, or the value of a key in its query.",
        "parse_url('http://spark.apache.org/path?query=1', 'QUERY', 'query')", "1"),
    ROW("try_parse_url", 0, "A part of a URL; NULL if it is none.",
        "try_parse_url('inva lid://spark.apache.org/path?query=1', 'HOST')", "NULL"),
    CH_FUNC_END,
};
