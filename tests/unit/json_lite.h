/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_lite.h - just enough JSON for tests to read the answers recorded in tests/data.
 *
 * A document is read into one block; nodes are linked. Text is UTF-8 with \u escapes resolved.
 */
#ifndef CH_TESTS_JSON_LITE_H
#define CH_TESTS_JSON_LITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum js_kind { JS_NULL, JS_BOOL, JS_NUMBER, JS_STRING, JS_LIST, JS_OBJECT } js_kind;

typedef struct js {
    js_kind kind;
    bool truth;
    double number;
    char *text; /* JS_STRING */
    size_t len;
    char *key; /* of a member */
    struct js *first, *next;
} js;

static inline char *js_skip(char *p)
{
    while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')
        p++;
    return p;
}

static inline char *js_utf8(char *to, uint32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xC0 | c >> 6);
        *to++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *to++ = (char)(0xE0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    } else {
        *to++ = (char)(0xF0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 63));
        *to++ = (char)(0x80 | (c >> 6 & 63));
        *to++ = (char)(0x80 | (c & 63));
    }
    return to;
}

static inline uint32_t js_hex4(const char *p)
{
    char four[5] = {p[0], p[1], p[2], p[3], 0};
    return (uint32_t)strtoul(four, NULL, 16);
}

/* p at the opening quote; text is unescaped in place. */
static inline char *js_string(char *p, char **text, size_t *len)
{
    char *to = ++p;
    *text = to;
    while (*p != '"') {
        if (*p != '\\') {
            *to++ = *p++;
            continue;
        }
        p++;
        if (*p == 'u') {
            uint32_t c = js_hex4(p + 1);
            p += 5;
            if (c >= 0xD800 && c < 0xDC00 && p[0] == '\\' && p[1] == 'u') {
                c = 0x10000 + ((c - 0xD800) << 10) + (js_hex4(p + 2) - 0xDC00);
                p += 6;
            }
            to = js_utf8(to, c);
            continue;
        }
        static const char FROM[] = "nrtbf", TO[] = "\n\r\t\b\f";
        const char *at = strchr(FROM, *p);
        *to++ = at ? TO[at - FROM] : *p;
        p++;
    }
    *len = (size_t)(to - *text);
    p++;
    *to = 0;
    return p;
}

static inline char *js_value(char *p, js *v)
{
    p = js_skip(p);
    memset(v, 0, sizeof *v);
    if (*p == '"') {
        v->kind = JS_STRING;
        return js_string(p, &v->text, &v->len);
    }
    if (*p == '{' || *p == '[') {
        char close = *p == '{' ? '}' : ']';
        js **link = &v->first;
        v->kind = *p == '{' ? JS_OBJECT : JS_LIST;
        p = js_skip(p + 1);
        while (*p != close) {
            js *item = calloc(1, sizeof *item);
            char *key = NULL;
            size_t n;
            if (close == '}') {
                p = js_string(p, &key, &n);
                p = js_skip(p) + 1;
            }
            p = js_skip(js_value(p, item));
            item->key = key;
            *link = item;
            link = &item->next;
            if (*p == ',')
                p = js_skip(p + 1);
        }
        return p + 1;
    }
    if (*p == 't' || *p == 'f') {
        v->kind = JS_BOOL;
        v->truth = *p == 't';
        return p + (*p == 't' ? 4 : 5);
    }
    if (*p == 'n')
        return p + 4;
    v->kind = JS_NUMBER;
    v->number = strtod(p, &p);
    return p;
}

static inline js *js_get(const js *object, const char *key)
{
    for (js *m = object ? object->first : NULL; m; m = m->next)
        if (m->key && strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

static inline const char *js_text(const js *object, const char *key)
{
    js *v = js_get(object, key);
    return v && v->kind == JS_STRING ? v->text : NULL;
}

static inline void js_free_items(js *v)
{
    for (js *i = v->first, *next; i; i = next) {
        next = i->next;
        js_free_items(i);
        free(i);
    }
    v->first = NULL;
}

/* Reads a file; *block is to be freed after the nodes. NULL block: no such file. */
static inline void js_load(const char *path, js *v, char **block)
{
    FILE *f = fopen(path, "rb");
    *block = NULL;
    memset(v, 0, sizeof *v);
    if (!f)
        return;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    *block = malloc((size_t)n + 1);
    n = (long)fread(*block, 1, (size_t)n, f);
    (*block)[n] = 0;
    fclose(f);
    js_value(*block, v);
}

#endif
