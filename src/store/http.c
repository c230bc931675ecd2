/* SPDX-License-Identifier: Apache-2.0 */
/* http.c - see http.h. One call is a loop of attempts and hops; a handle is held only while bytes move. */
#include "store/http.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/late.h"
#include "base/log.h"
#include "store/access.h"
#include "store/http_pool.h"

#define MOST_ERROR_BYTES ((size_t)1 << 20)
#define MOST_HEADER_BYTES ((size_t)1 << 20)
#define PROGRESS_BYTES ((int64_t)64 << 10) /* with so many, a cut is no failed attempt */
#define RESOLVE_ATTEMPTS 3
#define BUFFER_BYTES ((int64_t)256 << 10)
#define SMALL_BUFFER ((int64_t)16 << 10) /* where memory is short */
#define VALIDATOR 512

typedef struct call {
    const ch_http_request *r;
    ch_http_response *out;
    ch_error *err;
    char shown[1024];
    const char *url;  /* of this hop */
    char *hop;        /* libcurl's, or NULL */
    char first[1024]; /* origin of the request */
    bool abroad;      /* this hop is at another one */
    struct curl_slist *list;
    CURL *handle;
    int64_t taken;     /* bytes that `take` has, over all attempts */
    int64_t skip;      /* of this answer's body, which were taken before or not asked for */
    bool judged, good; /* the answer's headers were looked at; its body is for `take` */
    bool done;         /* all that was wanted is there: the rest need not come */
    ch_status failed;  /* not the network's fault */
    char etag[VALIDATOR], modified[VALIDATOR]; /* of the first answer */
} call;

/* ---- headers ------------------------------------------------------------------------------------ */

const char *ch_http_header_of(const ch_http_response *response, const char *name, size_t *len)
{
    size_t n = strlen(name);
    const char *p = response->header.data;
    const char *end = p ? p + response->header.len : p;
    while (p < end) {
        const char *line = p, *stop = memchr(p, '\n', (size_t)(end - p));
        p = stop ? stop + 1 : end;
        if ((size_t)(p - line) > n + 2 && memcmp(line, name, n) == 0 && line[n] == ':') {
            *len = (size_t)((stop ? stop : end) - line) - n - 2;
            return line + n + 2;
        }
    }
    *len = 0;
    return NULL;
}

char *ch_http_header_text(const ch_http_response *response, const char *name, char *out,
                          size_t size)
{
    size_t len;
    const char *value = ch_http_header_of(response, name, &len);
    if (len >= size)
        len = size - 1;
    if (value)
        memcpy(out, value, len);
    out[len] = 0;
    return out;
}

int64_t ch_http_date(const char *text)
{
    time_t t = curl_getdate(text, NULL);
    return t < 0 ? -1 : (int64_t)t * 1000000;
}

ch_status ch_http_add(void *to, const char *name, const char *value, bool secret, ch_error *err)
{
    call *c = to;
    char *line = NULL;
    if (secret && c->abroad)
        return CH_OK;
    if (asprintf(&line, *value ? "%s: %s" : "%s;", name, value) < 0)
        return ch_error_memory(err, "request", 0, 0);
    bool split = strpbrk(line, "\r\n") != NULL;
    struct curl_slist *more = split ? NULL : curl_slist_append(c->list, line);
    free(line);
    if (split)
        CH_FAIL(err, IO, "action", "send a request to", "path", c->shown, "reason",
                "a header has a line break in it");
    if (!more)
        return ch_error_memory(err, "request", 0, 0);
    c->list = more;
    return CH_OK;
}

static bool is_strong(const char *etag)
{
    return etag && etag[0] == '"';
}

static ch_status add_headers(call *c, ch_error *err)
{
    const ch_http_request *r = c->r;
    char text[128];
    for (int i = 0; i < r->n_headers; i++)
        CH_TRY(ch_http_add(c, r->header[i].name, r->header[i].value, r->header[i].secret, err));
    int64_t from = r->from + c->taken;
    if (r->len > 0)
        snprintf(text, sizeof text, "bytes=%" PRId64 "-%" PRId64, from, r->from + r->len - 1);
    else if (c->taken > 0)
        snprintf(text, sizeof text, "bytes=%" PRId64 "-", from);
    if (r->len > 0 || c->taken > 0)
        CH_TRY(ch_http_add(c, "Range", text, false, err));
    const char *etag = r->etag ? r->etag : c->taken && c->etag[0] ? c->etag : NULL;
    const char *modified = r->last_modified             ? r->last_modified
                           : c->taken && c->modified[0] ? c->modified
                                                        : NULL;
    if (is_strong(etag))
        CH_TRY(ch_http_add(c, "If-Match", etag, false, err));
    else if (modified)
        CH_TRY(ch_http_add(c, "If-Unmodified-Since", modified, false, err));
    /* A body of one megabyte would wait a second for a server that says nothing to this. */
    if (r->body_len > 0)
        CH_TRY(ch_http_add(c, "Expect", "", false, err));
    return r->sign && !c->abroad ? r->sign(r->user, r, c, err) : CH_OK;
}

/* ---- what libcurl calls ------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t size, size_t n, void *user)
{
    call *c = user;
    ch_buf *to = &c->out->header;
    n *= size;
    size_t len = n;
    while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    if (len > 5 && memcmp(line, "HTTP/", 5) == 0) { /* another answer, after 100 or a proxy's */
        to->len = 0;
        return n;
    }
    const char *colon = memchr(line, ':', len);
    if (!colon || to->len + len > MOST_HEADER_BYTES)
        return n;
    for (char *p = line; p < colon; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    const char *value = colon + 1;
    while (value < line + len && *value == ' ')
        value++;
    if (ch_buf_printf(to, c->err, "%.*s: %.*s\n", (int)(colon - line), line,
                      (int)(line + len - value), value) != CH_OK) {
        c->failed = CH_E_MEMORY;
        return 0;
    }
    return n;
}

static ch_status changed(call *c, const char *reason)
{
    c->failed = ch_error_set(c->err, CH_E_REMOTE_CHANGED, "path", c->shown, "reason", reason,
                             (const char *)0);
    return c->failed;
}

/* "bytes 0-9/100" */
static bool read_range(const char *text, int64_t *from, int64_t *total)
{
    *from = *total = -1;
    if (strncasecmp(text, "bytes ", 6) != 0)
        return false;
    char *end;
    if (text[6] != '*')
        *from = strtoll(text + 6, &end, 10);
    const char *slash = strchr(text, '/');
    if (slash && slash[1] >= '0' && slash[1] <= '9')
        *total = strtoll(slash + 1, &end, 10);
    return true;
}

/* Is it still the file that was asked for? */
static bool same_file(call *c)
{
    char etag[VALIDATOR], modified[VALIDATOR];
    ch_http_header_text(c->out, "etag", etag, sizeof etag);
    ch_http_header_text(c->out, "last-modified", modified, sizeof modified);
    const char *want = c->r->etag ? c->r->etag : c->taken ? c->etag : "";
    const char *then = c->r->last_modified ? c->r->last_modified : c->taken ? c->modified : "";
    if (c->taken == 0) {
        memcpy(c->etag, etag, sizeof etag);
        memcpy(c->modified, modified, sizeof modified);
    }
    if (*want && *etag)
        return strcmp(want, etag) == 0;
    return !*then || !*modified || strcmp(then, modified) == 0;
}

/* The answer's headers are complete. */
static void judge(call *c)
{
    long code = 0;
    char text[128];
    int64_t from = 0;
    c->judged = true;
    curl_easy_getinfo(c->handle, CURLINFO_RESPONSE_CODE, &code);
    c->out->status = (int)code;
    c->out->is_part = code == 206;
    c->good = code >= 200 && code < 300;
    if (!c->good)
        return;
    if (c->out->is_part && read_range(ch_http_header_text(c->out, "content-range", text, 128),
                                      &from, &c->out->total)) {
        c->skip = c->r->from + c->taken - from;
    } else {
        curl_off_t bytes = -1;
        curl_easy_getinfo(c->handle, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &bytes);
        c->out->total = c->out->is_part ? -1 : bytes;
        c->skip = c->out->is_part ? 0 : c->r->from + c->taken;
    }
    if (strcmp(c->r->method, "GET") != 0) {
        c->skip = 0;
        return;
    }
    if (!same_file(c))
        (void)changed(c, "the server has another version of it now");
    else if (c->skip < 0)
        c->failed =
            ch_error_set(c->err, CH_E_IO, "action", "read", "path", c->shown, "reason",
                         "the server gave other bytes than were asked for", (const char *)0);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *user)
{
    call *c = user;
    int64_t n = (int64_t)(size * count);
    size_t all = (size_t)n;
    if (!c->judged)
        judge(c);
    if (c->failed != CH_OK)
        return 0;
    if (!c->good || !c->r->take) {
        ch_buf *to = &c->out->body;
        if (!c->good && to->len + all > MOST_ERROR_BYTES)
            return all;
        c->failed = ch_buf_add(to, bytes, all, c->err);
        return c->failed == CH_OK ? all : 0;
    }
    if (c->skip > 0) {
        int64_t over = c->skip < n ? c->skip : n;
        c->skip -= over;
        bytes += over;
        n -= over;
    }
    if (c->r->len > 0 && n > c->r->len - c->taken) {
        n = c->r->len - c->taken;
        c->done = true;
    }
    if (n > 0) {
        c->failed = c->r->take(c->r->user, bytes, n, c->err);
        c->taken += n;
    }
    return c->failed != CH_OK || c->done ? 0 : all;
}

static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t d, curl_off_t e)
{
    call *c = user;
    CH_UNUSED(a + b + d + e);
    return c->r->cancel && atomic_load_explicit(c->r->cancel, memory_order_relaxed);
}

/* ---- one attempt -------------------------------------------------------------------------------- */

static void set_up(call *c, int64_t buffer_bytes, char *detail)
{
    const ch_http_request *r = c->r;
    const ch_http_policy *p = &r->policy;
    CURL *h = c->handle;
    const char *bundle = getenv("CURL_CA_BUNDLE");
    bool plain_get = strcmp(r->method, "GET") == 0;
    if (!bundle || !*bundle)
        bundle = getenv("SSL_CERT_FILE");
    curl_easy_setopt(h, CURLOPT_URL, c->url);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "chert/" CHERT_VERSION);
    curl_easy_setopt(h, CURLOPT_BUFFERSIZE, (long)buffer_bytes);
    curl_easy_setopt(h, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(h, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, c->list);
    curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(h, CURLOPT_HEADERDATA, c);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, c);
    curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(h, CURLOPT_XFERINFODATA, c);
    curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
    if (bundle && *bundle)
        curl_easy_setopt(h, CURLOPT_CAINFO, bundle);
    if (p->no_proxy)
        curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
    if (p->connect_ms)
        curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)p->connect_ms);
    if (p->total_ms)
        curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)p->total_ms);
    if (p->stall_ms) {
        curl_easy_setopt(h, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(h, CURLOPT_LOW_SPEED_TIME, (long)((p->stall_ms + 999) / 1000));
    }
    if (strcmp(r->method, "HEAD") == 0) {
        curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
    } else if (r->body_len > 0 || strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0) {
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body_len ? (const char *)r->body : "");
    } else if (!plain_get) {
        curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

/* The result of the transfer; CURLE_OK when an answer is complete. detail: CURL_ERROR_SIZE bytes. */
static ch_status attempt(call *c, CURLcode *code, char *detail, ch_error *err)
{
    ch_http_origin *origin;
    const ch_http_policy *p = &c->r->policy;
    detail[0] = 0;
    c->judged = c->good = c->done = false;
    c->skip = 0;
    c->out->header.len = c->out->body.len = 0;
    c->out->status = 0;
    c->out->total = -1;
    *code = CURLE_OK;
    ch_status status = add_headers(c, err);
    if (status == CH_OK)
        status = ch_http_take_handle(c->url, c->shown, p->connections, p->per_second, c->r->cancel,
                                     &c->handle, &origin, err);
    if (status == CH_OK) {
        bool paid = ch_mem_charge(c->r->mem, BUFFER_BYTES, NULL) == CH_OK;
        set_up(c, paid ? BUFFER_BYTES : SMALL_BUFFER, detail);
        *code = curl_easy_perform(c->handle);
        if (paid)
            ch_mem_discharge(c->r->mem, BUFFER_BYTES);
        if (!c->judged && *code == CURLE_OK)
            judge(c);
        ch_http_give_handle(c->handle, origin, *code == CURLE_OK);
        c->handle = NULL;
    }
    curl_slist_free_all(c->list);
    c->list = NULL;
    CH_TRY(status);
    if (c->failed != CH_OK)
        return c->failed;
    if (c->done)
        *code = CURLE_OK;
    if (*code == CURLE_ABORTED_BY_CALLBACK)
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

/* ---- again? ------------------------------------------------------------------------------------- */

static bool may_repeat(const call *c)
{
    static const char *const SAFE[] = {"GET", "HEAD", "PUT", "DELETE"};
    if (c->taken > 0 && strcmp(c->r->method, "GET") != 0)
        return false;
    for (size_t i = 0; i < sizeof SAFE / sizeof *SAFE; i++)
        if (strcmp(c->r->method, SAFE[i]) == 0)
            return true;
    return c->r->repeatable;
}

static bool is_transient(CURLcode code, int attempts)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return attempts < RESOLVE_ATTEMPTS;
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY:
        return true;
    default:
        return false;
    }
}

static bool is_busy(int status)
{
    return status == 408 || status == 429 || status == 500 || status == 502 || status == 503 ||
           status == 504;
}

/* What the server asks for, in milliseconds; -1: nothing. */
static int64_t retry_after(const ch_http_response *out)
{
    char text[128];
    ch_http_header_text(out, "retry-after", text, sizeof text);
    if (text[0] >= '0' && text[0] <= '9') {
        int64_t seconds = strtoll(text, NULL, 10);
        return seconds > INT64_MAX / 1000 ? INT64_MAX : seconds * 1000;
    }
    int64_t at = text[0] ? ch_http_date(text) : -1;
    return at < 0 ? -1 : at > ch_now_us() ? (at - ch_now_us()) / 1000 : 0;
}

/* Half of it is fixed: not all who were refused come back at once. */
static int64_t with_jitter(int64_t ms)
{
    uint64_t x = (uint64_t)ch_tick_ns() * UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 29;
    return ms / 2 + (int64_t)(x % (uint64_t)(ms / 2 + 1));
}

/* *url, of curl_free, is where the answer sends us; NULL: nowhere. */
static ch_status redirect(call *c, ch_error *err)
{
    char place[4096], there[1024];
    char *url = NULL;
    int status = c->out->status;
    if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308)
        return CH_OK;
    if (c->r->policy.redirects == 0 ||
        (strcmp(c->r->method, "GET") != 0 && strcmp(c->r->method, "HEAD") != 0))
        return CH_OK;
    if (!*ch_http_header_text(c->out, "location", place, sizeof place))
        return CH_OK;
    CURLU *u = curl_url();
    bool good = u && curl_url_set(u, CURLUPART_URL, c->url, 0) == CURLUE_OK &&
                curl_url_set(u, CURLUPART_URL, place, 0) == CURLUE_OK &&
                curl_url_get(u, CURLUPART_URL, &url, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    if (!good || !ch_http_origin_of(url, there, sizeof there)) {
        curl_free(url);
        CH_FAIL(err, IO, "action", "read", "path", c->shown, "reason",
                "the server redirects to what is no http or https address");
    }
    if (strncasecmp(c->url, "https:", 6) == 0 && strncasecmp(url, "https:", 6) != 0) {
        curl_free(url);
        CH_FAIL(err, IO, "action", "read", "path", c->shown, "reason",
                "the server redirects from https to http");
    }
    ch_status allowed = ch_access_check(url, false, err);
    if (allowed != CH_OK) {
        curl_free(url);
        return allowed;
    }
    c->abroad |= strcmp(there, c->first) != 0;
    curl_free(c->hop);
    c->hop = url;
    c->url = url;
    return CH_OK;
}

static ch_status gave_up(call *c, CURLcode code, const char *detail, ch_error *err)
{
    char reason[CURL_ERROR_SIZE + 64];
    snprintf(reason, sizeof reason, "%s (after %d %s)", *detail ? detail : curl_easy_strerror(code),
             c->out->attempts, c->out->attempts == 1 ? "attempt" : "attempts");
    CH_FAIL(err, IO, "action", strcmp(c->r->method, "GET") == 0 ? "read" : "reach", "path",
            c->shown, "reason", reason);
}

static ch_status send_call(call *c, ch_error *err)
{
    const ch_http_policy *p = &c->r->policy;
    int64_t wait = p->wait_ms ? p->wait_ms : 1;
    char detail[CURL_ERROR_SIZE];
    int hops = 0;
    for (int tries = 1;; tries++) {
        CURLcode code;
        int64_t before = c->taken;
        const char *was = c->url;
        c->out->attempts++;
        CH_TRY(attempt(c, &code, detail, err));
        if (code == CURLE_OK && c->out->status / 100 == 3) {
            CH_TRY(redirect(c, err));
            if (c->url != was) {
                if (++hops > p->redirects)
                    CH_FAIL(err, IO, "action", "read", "path", c->shown, "reason",
                            "too many redirects");
                tries--;
                continue;
            }
        }
        if (code == CURLE_OK && !is_busy(c->out->status))
            return CH_OK;
        if (c->taken - before >= PROGRESS_BYTES) {
            tries = 1;
            wait = p->wait_ms ? p->wait_ms : 1;
        }
        int64_t asked = code == CURLE_OK ? retry_after(c->out) : -1;
        bool again = tries < p->attempts && may_repeat(c) &&
                     (code == CURLE_OK || is_transient(code, tries)) &&
                     asked <= p->retry_after_most;
        if (!again)
            return code == CURLE_OK ? CH_OK : gave_up(c, code, detail, err);
        int64_t ms = asked >= 0 ? asked : with_jitter(wait);
        CH_LOG(INFO, "store", "http again", "url", c->shown, "attempt", CH_I64(c->out->attempts),
               "status", CH_I64(c->out->status), "reason", detail, "wait_ms", CH_I64(ms));
        CH_TRY(ch_http_sleep(ms, c->r->cancel, err));
        wait = wait * 2 > p->wait_most ? p->wait_most : wait * 2;
    }
}

ch_status ch_http_send(const ch_http_request *r, ch_http_response *out, ch_error *err)
{
    call c = {.r = r, .out = out, .url = r->url};
    ch_error own = {0};
    *out = (ch_http_response){.total = -1};
    ch_buf_init(&out->header, r->mem);
    ch_buf_init(&out->body, r->mem);
    c.err = err ? err : &own;
    if (r->shown)
        snprintf(c.shown, sizeof c.shown, "%s", r->shown);
    else
        ch_http_shown(r->url, c.shown, sizeof c.shown);
    if (!ch_http_origin_of(r->url, c.first, sizeof c.first))
        c.first[0] = 0;
    ch_status status = ch_late_load("curl", c.err);
    if (status == CH_OK)
        status = send_call(&c, c.err);
    curl_free(c.hop);
    ch_error_release(&own);
    return status;
}

void ch_http_response_release(ch_http_response *response)
{
    if (response->header.mem)
        ch_buf_release(&response->header);
    if (response->body.mem)
        ch_buf_release(&response->body);
    *response = (ch_http_response){0};
}

/* ---- texts -------------------------------------------------------------------------------------- */

void ch_http_shown(const char *url, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    host = host ? host + 3 : url;
    size_t len = strcspn(host, "?#"), authority = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', authority);
    if (at) {
        len -= (size_t)(at + 1 - host);
        snprintf(out, size, "%.*s%.*s", (int)(host - url), url, (int)len, at + 1);
    } else {
        snprintf(out, size, "%.*s", (int)(host - url + (ptrdiff_t)len), url);
    }
}

ch_status ch_http_encode(ch_buf *out, const char *text, size_t len, bool is_path, ch_error *err)
{
    static const char HEX[] = "0123456789ABCDEF";
    for (size_t i = 0; i < len; i++) {
        uint8_t c = (uint8_t)text[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr("-._~", c)) || (is_path && c == '/');
        char three[3] = {'%', HEX[c >> 4], HEX[c & 15]};
        CH_TRY(plain ? ch_buf_addc(out, (char)c, err) : ch_buf_add(out, three, 3, err));
    }
    return CH_OK;
}

ch_status ch_http_failed(const ch_http_request *r, const ch_http_response *response,
                         const char *action, ch_error *err)
{
    char shown[1024], reason[128];
    if (r->shown)
        snprintf(shown, sizeof shown, "%s", r->shown);
    else
        ch_http_shown(r->url, shown, sizeof shown);
    if (response->status == 404 || response->status == 410)
        CH_FAIL(err, PATH_NOT_FOUND, "path", shown);
    if (response->status == 412)
        CH_FAIL(err, REMOTE_CHANGED, "path", shown, "reason",
                "the server has another version of it now");
    snprintf(reason, sizeof reason, "the server answers %d%s%s (after %d %s)", response->status,
             response->status == 401   ? " Unauthorized"
             : response->status == 403 ? " Forbidden"
             : response->status == 429 ? " Too Many Requests"
                                       : "",
             "", response->attempts, response->attempts == 1 ? "attempt" : "attempts");
    CH_FAIL(err, IO, "action", action, "path", shown, "reason", reason);
}
