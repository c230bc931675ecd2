/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_request.c - one S3 request: its URL, its signature at each attempt, and what an error says.
 *
 * Beyond the retries of http.c: a bucket that lies in another region is asked there once more, expired credentials
 * of the machine are fetched anew once, and an upload that the server lost patience with is sent again.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/late.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "store/http_pool.h"
#include "store/s3.h"

#define HASHED_BYTES ((int64_t)1 << 20) /* with TLS more are not hashed again */
#define MOST_AGAIN 3

typedef struct sender {
    const ch_s3_call *call;
    ch_s3_credentials who;
    char region[64], host[320], payload[65];
    ch_buf url, path;
    bool force; /* credentials are fetched anew */
} sender;

/* What the server said. */
typedef struct reason {
    char code[128], message[512], id[128], region[64];
} reason;

/* ---- the address -------------------------------------------------------------------------------- */

/* "https://bucket.s3.eu-west-1.amazonaws.com/key?query"; host and path for the signature. */
static ch_status make_url(sender *s, ch_error *err)
{
    const ch_s3_call *call = s->call;
    ch_s3_bucket *b = call->place.bucket;
    const char *key = call->of_bucket ? "" : call->place.key;
    char server[256], region[64];
    pthread_mutex_lock(&b->context->lock);
    memcpy(region, b->region, sizeof region);
    pthread_mutex_unlock(&b->context->lock);
    memcpy(s->region, region, sizeof region);
    bool tls = b->endpoint ? strncmp(b->endpoint, "https", 5) == 0 : b->ssl;
    if (b->endpoint)
        snprintf(server, sizeof server, "%s", strstr(b->endpoint, "://") + 3);
    else
        snprintf(server, sizeof server, "s3.%s.amazonaws.com%s", region,
                 strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    snprintf(s->host, sizeof s->host, "%s%s%s", b->path_style ? "" : b->name,
             b->path_style ? "" : ".", server);
    s->path.len = s->url.len = 0;
    CH_TRY(ch_buf_addc(&s->path, '/', err));
    if (b->path_style) {
        CH_TRY(ch_http_encode(&s->path, b->name, strlen(b->name), false, err));
        if (*key)
            CH_TRY(ch_buf_addc(&s->path, '/', err));
    }
    CH_TRY(ch_http_encode(&s->path, key, strlen(key), true, err));
    CH_TRY(ch_buf_printf(&s->url, err, "%s://%s%s", tls ? "https" : "http", s->host, s->path.data));
    if (call->query)
        CH_TRY(ch_buf_printf(&s->url, err, "?%s", call->query));
    if (tls && call->body_len > HASHED_BYTES)
        snprintf(s->payload, sizeof s->payload, "UNSIGNED-PAYLOAD");
    else
        ch_s3_sha256(call->body, (size_t)call->body_len, s->payload);
    /* The signature has no port that is the scheme's own, because libcurl sends none. */
    size_t len = strlen(s->host), port = tls ? 4 : 3;
    if (len > port && strcmp(s->host + len - port, tls ? ":443" : ":80") == 0)
        s->host[len - port] = 0;
    return CH_OK;
}

static ch_status sign(void *user, const ch_http_request *request, void *to, ch_error *err)
{
    sender *s = user;
    CH_UNUSED(request);
    CH_TRY(ch_s3_credentials_of(s->call->place.bucket, s->force, &s->who, err));
    s->force = false;
    if (s->who.anonymous)
        return CH_OK;
    return ch_s3_sign(to, &s->who, "s3", s->region, s->call->method, s->host, s->path.data,
                      s->call->query, s->payload, s->call->header, s->call->n_headers, ch_now_us(),
                      err);
}

static ch_status pass_on(void *user, const void *bytes, int64_t n, ch_error *err)
{
    const ch_s3_call *call = ((sender *)user)->call;
    return call->take(call->user, bytes, n, err);
}

/* ---- what it says ------------------------------------------------------------------------------- */

static void read_reason(const ch_http_response *out, reason *r)
{
    void *doc;
    *r = (reason){0};
    ch_s3_xml_parse(&out->body, &doc);
    void *root = ch_s3_xml_root(doc);
    if (ch_s3_xml_is(root, "Error")) {
        ch_s3_xml_value(root, "Code", r->code, sizeof r->code);
        ch_s3_xml_value(root, "Message", r->message, sizeof r->message);
        ch_s3_xml_value(root, "RequestId", r->id, sizeof r->id);
        ch_s3_xml_value(root, "Region", r->region, sizeof r->region);
    }
    ch_s3_xml_free(doc);
    if (!*r->id)
        ch_http_header_text(out, "x-amz-request-id", r->id, sizeof r->id);
    if (!*r->region)
        ch_http_header_text(out, "x-amz-bucket-region", r->region, sizeof r->region);
}

static ch_status failed(const ch_s3_call *call, const ch_http_response *out, const reason *r,
                        ch_error *err)
{
    char text[1024];
    if (strcmp(r->code, "NoSuchKey") == 0 || (out->status == 404 && !*r->code))
        CH_FAIL(err, PATH_NOT_FOUND, "path", call->place.path);
    if (out->status == 412 && call->etag)
        CH_FAIL(err, REMOTE_CHANGED, "path", call->place.path, "reason",
                "the server has another version of it now");
    snprintf(text, sizeof text, "%s%s%s (HTTP %d%s%s, %d %s)",
             *r->code             ? r->code
             : out->status == 403 ? "AccessDenied"
             : out->status == 301 ? "PermanentRedirect"
                                  : "the server refuses",
             *r->message ? ": " : "", r->message, out->status, *r->id ? ", request " : "", r->id,
             out->attempts, out->attempts == 1 ? "attempt" : "attempts");
    CH_FAIL(err, IO, "action", call->action, "path", call->place.path, "reason", text);
}

/* Is it worth another try, with what was learned? */
static bool try_again(sender *s, const ch_http_response *out, const reason *r, int tried)
{
    ch_s3_bucket *b = s->call->place.bucket;
    bool elsewhere = out->status == 301 || out->status == 307 || out->status == 400;
    if (elsewhere && *r->region && strcmp(r->region, s->region) != 0 && tried == 0) {
        pthread_mutex_lock(&b->context->lock);
        snprintf(b->region, sizeof b->region, "%.*s", (int)sizeof b->region - 1, r->region);
        pthread_mutex_unlock(&b->context->lock);
        return true;
    }
    if (strcmp(r->code, "ExpiredToken") == 0 && s->who.expires_us != INT64_MAX && tried == 0) {
        s->force = true;
        return true;
    }
    return strcmp(r->code, "RequestTimeout") == 0 || strcmp(r->code, "SlowDown") == 0 ||
           (out->status == 200 && strcmp(r->code, "InternalError") == 0);
}

/* CompleteMultipartUpload and others begin with 200, and blanks, before they know. */
static bool is_hidden_error(const ch_http_response *out)
{
    const char *p = out->body.data;
    if (out->status != 200 || out->body.len == 0)
        return false;
    p += strspn(p, " \r\n\t");
    if (strncmp(p, "<?xml", 5) == 0 && (p = strstr(p, "?>")) != NULL)
        p += 2 + strspn(p + 2, " \r\n\t");
    return p && strncmp(p, "<Error", 6) == 0;
}

static ch_status send_signed(sender *s, ch_http_response *out, reason *why, ch_error *err)
{
    const ch_s3_call *call = s->call;
    char md5[32];
    uint8_t digest[16];
    ch_http_header header[sizeof call->header / sizeof *call->header + 2];
    int n = 0;
    for (; n < call->n_headers; n++)
        header[n] = call->header[n];
    if (call->query && strcmp(call->query, "delete=") == 0) {
        ch_md5(call->body, (size_t)call->body_len, digest);
        md5[ch_base64(md5, digest, sizeof digest, true)] = 0;
        header[n++] = (ch_http_header){"Content-MD5", md5, false};
    }
    if (call->body_len > 0 || strcmp(call->method, "PUT") == 0)
        header[n++] = (ch_http_header){"Content-Type", "application/octet-stream", false};
    for (int tried = 0;; tried++) {
        CH_TRY(make_url(s, err));
        ch_http_request r = {.method = call->method,
                             .url = s->url.data,
                             .shown = call->place.path,
                             .header = header,
                             .n_headers = n,
                             .body = call->body,
                             .body_len = call->body_len,
                             .repeatable = true,
                             .from = call->from,
                             .len = call->len,
                             .etag = call->etag,
                             .policy = call->place.bucket->policy,
                             .sign = sign,
                             .take = call->take ? pass_on : NULL,
                             .user = s,
                             .cancel = call->cancel,
                             .mem = call->place.bucket->context->mem};
        if (call->attempts && call->attempts < r.policy.attempts)
            r.policy.attempts = call->attempts;
        CH_TRY(ch_http_send(&r, out, err));
        bool hidden = is_hidden_error(out);
        if ((out->status / 100 == 2 && !hidden) || out->status == call->also)
            return CH_OK;
        read_reason(out, why);
        if (tried >= MOST_AGAIN || !try_again(s, out, why, tried))
            return failed(call, out, why, err);
        ch_http_response_release(out);
        if (tried > 0)
            CH_TRY(ch_http_sleep(200 << tried, call->cancel, err));
    }
}

ch_status ch_s3_send(const ch_s3_call *call, ch_http_response *out, ch_error *err)
{
    *out = (ch_http_response){0};
    CH_TRY(ch_late_load("xml2", err));
    sender *s = ch_mem_zalloc(call->place.bucket->context->mem, sizeof *s, err);
    reason why;
    if (!s)
        return CH_E_MEMORY;
    ch_mem *mem = call->place.bucket->context->mem;
    s->call = call;
    ch_buf_init(&s->url, mem);
    ch_buf_init(&s->path, mem);
    ch_status status = send_signed(s, out, &why, err);
    ch_buf_release(&s->url);
    ch_buf_release(&s->path);
    ch_mem_free(mem, s, sizeof *s);
    return status;
}
