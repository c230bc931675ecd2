/* SPDX-License-Identifier: Apache-2.0 */
/* s3_list.c - ListObjectsV2 page by page, DeleteObjects by the thousand. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/s3.h"

#define PAGE 1000

/* "a%2Fb+c" of encoding-type=url, in place. What is no code stays; no path holds a NUL. */
static void decode(char *text)
{
    char *to = text;
    for (const char *p = text; *p; p++) {
        char two[3] = {0};
        if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]) &&
            (p[1] != '0' || p[2] != '0')) {
            memcpy(two, p + 1, 2);
            *to++ = (char)strtol(two, NULL, 16);
            p += 2;
        } else {
            *to++ = *p == '+' ? ' ' : *p;
        }
    }
    *to = 0;
}

typedef struct lister {
    const ch_s3_place *place;
    const char *prefix;
    bool delimited;
    int64_t left; /* objects still wanted; INT64_MAX: all */
    ch_s3_each each;
    void *user;
    ch_arena arena; /* of a page */
    ch_buf token, query;
    bool more, encoded; /* are keys encoded in this page? */
} lister;

static ch_status make_query(lister *l, ch_error *err)
{
    int64_t page = l->left < PAGE ? l->left : PAGE;
    l->query.len = 0;
    CH_TRY(ch_buf_adds(&l->query, "", err));
    if (l->token.len) {
        CH_TRY(ch_buf_adds(&l->query, "continuation-token=", err));
        CH_TRY(ch_http_encode(&l->query, l->token.data, l->token.len, false, err));
        CH_TRY(ch_buf_addc(&l->query, '&', err));
    }
    CH_TRY(ch_buf_printf(&l->query, err, "%sencoding-type=url&list-type=2&max-keys=%d&prefix=",
                         l->delimited ? "delimiter=%2F&" : "", (int)page));
    return ch_http_encode(&l->query, l->prefix, strlen(l->prefix), false, err);
}

static ch_status no_listing(const lister *l, ch_error *err)
{
    CH_FAIL(err, IO, "action", "list", "path", l->place->path, "reason",
            "the server's answer is no listing");
}

/* A number of bytes; -1: it is none. An object without one is not an empty object. */
static int64_t read_size(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n > 0 && n < 19 && !text[n] ? strtoll(text, NULL, 10) : -1;
}

static ch_status take_object(lister *l, void *node, ch_error *err)
{
    char text[64];
    ch_s3_object o = {.mtime_us = -1};
    bool is_folder = ch_s3_xml_is(node, "CommonPrefixes");
    if (!is_folder && !ch_s3_xml_is(node, "Contents"))
        return CH_OK;
    char *key = ch_s3_xml_arena(node, is_folder ? "Prefix" : "Key", &l->arena, err);
    if (!key)
        return CH_E_MEMORY;
    if (l->encoded)
        decode(key);
    if (l->left == 0 || strncmp(key, l->prefix, strlen(l->prefix)) != 0)
        return CH_OK;
    l->left--;
    o.key = key;
    o.is_folder = is_folder;
    if (!is_folder) {
        char *etag = ch_s3_xml_arena(node, "ETag", &l->arena, err);
        if (!etag)
            return CH_E_MEMORY;
        o.etag = *etag ? etag : NULL;
        o.bytes = read_size(ch_s3_xml_value(node, "Size", text, sizeof text));
        if (o.bytes < 0)
            return no_listing(l, err);
        o.mtime_us = ch_s3_time(ch_s3_xml_value(node, "LastModified", text, sizeof text));
    }
    return l->each(l->user, &o, err);
}

static ch_status take_page(lister *l, void *root, ch_error *err)
{
    char text[16];
    if (!ch_s3_xml_is(root, "ListBucketResult"))
        return no_listing(l, err);
    l->encoded = strcmp(ch_s3_xml_value(root, "EncodingType", text, sizeof text), "url") == 0;
    for (void *n = ch_s3_xml_child(root); n; n = ch_s3_xml_next(n))
        CH_TRY(take_object(l, n, err));
    l->more = strcmp(ch_s3_xml_value(root, "IsTruncated", text, sizeof text), "true") == 0;
    char *token = ch_s3_xml_arena(root, "NextContinuationToken", &l->arena, err);
    if (!token)
        return CH_E_MEMORY;
    if (l->more && (!*token || (l->token.len && strcmp(token, l->token.data) == 0)))
        return no_listing(l, err); /* it would not end */
    l->token.len = 0;
    return ch_buf_adds(&l->token, token, err);
}

static ch_status read_page(lister *l, const ch_buf *body, ch_error *err)
{
    void *doc;
    ch_s3_xml_parse(body, &doc);
    ch_status status = take_page(l, ch_s3_xml_root(doc), err);
    ch_s3_xml_free(doc);
    return status;
}

static ch_status one_page(lister *l, ch_error *err)
{
    ch_http_response response;
    CH_TRY(make_query(l, err));
    ch_s3_call call = {.method = "GET",
                       .place = *l->place,
                       .of_bucket = true,
                       .query = l->query.data,
                       .action = "list",
                       .cancel = ch_store_cancel(l->place->bucket->context)};
    ch_status status = ch_s3_send(&call, &response, err);
    if (status == CH_OK)
        status = read_page(l, &response.body, err);
    ch_http_response_release(&response);
    return status;
}

static void lister_init(lister *l, ch_mem *mem)
{
    ch_arena_init(&l->arena, mem);
    ch_buf_init(&l->token, mem);
    ch_buf_init(&l->query, mem);
}

static void lister_release(lister *l)
{
    ch_buf_release(&l->token);
    ch_buf_release(&l->query);
    ch_arena_release(&l->arena);
}

ch_status ch_s3_list(const ch_s3_place *place, const char *prefix, bool delimited, int64_t most,
                     ch_s3_each each, void *user, ch_error *err)
{
    lister l = {.place = place,
                .prefix = prefix,
                .delimited = delimited,
                .left = most > 0 ? most : INT64_MAX,
                .each = each,
                .user = user,
                .more = true};
    ch_status status = CH_OK;
    lister_init(&l, place->bucket->context->mem);
    while (status == CH_OK && l.more && l.left > 0) {
        ch_arena_reset(&l.arena);
        status = one_page(&l, err);
    }
    lister_release(&l);
    return status;
}

ch_status ch_s3_read_listing(const ch_s3_place *place, const char *prefix, const ch_buf *body,
                             ch_s3_each each, void *user, bool *more, ch_error *err)
{
    lister l = {.place = place, .prefix = prefix, .left = INT64_MAX, .each = each, .user = user};
    lister_init(&l, body->mem);
    ch_status status = read_page(&l, body, err);
    *more = l.more;
    lister_release(&l);
    return status;
}

/* ---- deleting ----------------------------------------------------------------------------------- */

ch_status ch_s3_xml_text(ch_buf *out, const char *text, ch_error *err)
{
    for (; *text; text++) {
        uint8_t c = (uint8_t)*text;
        if (c == '&' || c == '<' || c == '>' || c == '"' || c < ' ')
            CH_TRY(ch_buf_printf(out, err, "&#%d;", c));
        else
            CH_TRY(ch_buf_addc(out, *text, err));
    }
    return CH_OK;
}

static ch_status check_deleted(const ch_s3_place *place, const ch_buf *body, ch_error *err)
{
    char code[128], text[1024], key[256];
    void *doc, *root, *n;
    ch_s3_xml_parse(body, &doc);
    root = ch_s3_xml_root(doc);
    for (n = ch_s3_xml_child(root); n && !ch_s3_xml_is(n, "Error"); n = ch_s3_xml_next(n))
        continue;
    if (n) {
        ch_s3_xml_value(n, "Code", code, sizeof code);
        ch_s3_xml_value(n, "Key", key, sizeof key);
        snprintf(text, sizeof text, "%s for the key %s", code, key);
    }
    ch_s3_xml_free(doc);
    if (n && strcmp(code, "NoSuchKey") != 0)
        CH_FAIL(err, IO, "action", "remove from", "path", place->path, "reason", text);
    return CH_OK;
}

static ch_status delete_some(const ch_s3_place *place, const char *const *key, int64_t n,
                             ch_buf *body, ch_error *err)
{
    ch_http_response response;
    body->len = 0;
    CH_TRY(ch_buf_adds(body,
                       "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                       "<Quiet>true</Quiet>",
                       err));
    for (int64_t i = 0; i < n; i++) {
        CH_TRY(ch_buf_adds(body, "<Object><Key>", err));
        CH_TRY(ch_s3_xml_text(body, key[i], err));
        CH_TRY(ch_buf_adds(body, "</Key></Object>", err));
    }
    CH_TRY(ch_buf_adds(body, "</Delete>", err));
    ch_s3_call call = {.method = "POST",
                       .place = *place,
                       .of_bucket = true,
                       .query = "delete=",
                       .action = "remove from",
                       .body = body->data,
                       .body_len = (int64_t)body->len,
                       .cancel = ch_store_cancel(place->bucket->context)};
    ch_status status = ch_s3_send(&call, &response, err);
    if (status == CH_OK)
        status = check_deleted(place, &response.body, err);
    ch_http_response_release(&response);
    return status;
}

ch_status ch_s3_delete(const ch_s3_place *place, const char *const *key, int64_t n, ch_error *err)
{
    ch_buf body;
    ch_status status = CH_OK;
    ch_buf_init(&body, place->bucket->context->mem);
    for (int64_t i = 0; i < n && status == CH_OK; i += PAGE)
        status = delete_some(place, key + i, n - i < PAGE ? n - i : PAGE, &body, err);
    ch_buf_release(&body);
    return status;
}
