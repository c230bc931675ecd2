/* SPDX-License-Identifier: Apache-2.0 */
/* neo_http.c - see neo_http.h. */
#include "pipelines/neo_http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipelines/program.h"

#define BODY_MAX ((size_t)64 << 20)
#define WAIT_MAX_MS 120000

struct chert_http {
    CURL *curl;
    chert_http_limits limits;
    int64_t next_ms; /* no request before this time */
    uint64_t random;
    char what[CURL_ERROR_SIZE];
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool stopped(const chert_http *http)
{
    return http->limits.stop && *http->limits.stop;
}

/* In steps, so that a stop is heeded. */
static void wait_until(const chert_http *http, int64_t until)
{
    for (int64_t left; (left = until - now_ms()) > 0 && !stopped(http);) {
        struct timespec t = {0, (left < 50 ? left : 50) * 1000000};
        nanosleep(&t, NULL);
    }
}

static size_t take(char *bytes, size_t size, size_t n, void *user)
{
    chert_http_reply *reply = user;
    n *= size;
    if (reply->bytes + n > BODY_MAX)
        return 0;
    char *body = realloc(reply->body, reply->bytes + n + 1);
    if (!body)
        return 0;
    memcpy(body + reply->bytes, bytes, n);
    reply->body = body;
    reply->bytes += n;
    body[reply->bytes] = 0;
    return n;
}

static int heed(void *user, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    (void)a, (void)b, (void)c, (void)d;
    return stopped(user);
}

chert_http *chert_http_new(const chert_http_limits *limits, chert_error *err)
{
    static bool begun;
    if (!begun && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        goto failed;
    begun = true;
    chert_http *http = calloc(1, sizeof *http);
    if (!http || !(http->curl = curl_easy_init())) {
        free(http);
        goto failed;
    }
    http->limits = *limits;
    http->random = (uint64_t)now_ms();
    CURL *c = http->curl;
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "https");
    curl_easy_setopt(c, CURLOPT_MAXREDIRS, 5L);
    curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(c, CURLOPT_USERAGENT, "chert/" CHERT_VERSION);
    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)limits->timeout_ms);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, http->what);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, heed);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, http);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    return http;
failed:
    chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for an HTTP client");
    return NULL;
}

void chert_http_free(chert_http *http)
{
    if (http)
        curl_easy_cleanup(http->curl);
    free(http);
}

static bool try_again(CURLcode code, long status)
{
    switch (code) {
    case CURLE_OK:
        return status == 429 || status == 408 || status >= 500;
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return true;
    default:
        return false;
    }
}

/* The text behind "message": in an error's JSON, or nothing. */
static void said(const chert_http_reply *reply, char out[200])
{
    const char *at = reply->body ? strstr(reply->body, "\"message\"") : NULL;
    *out = 0;
    if (!at || !(at = strchr(at + 9, '"')))
        return;
    size_t n = strcspn(at + 1, "\"\\\n");
    snprintf(out, 200, ": %.*s", (int)(n < 190 ? n : 190), at + 1);
}

static int give_up(const chert_http *http, CURLcode code, const char *shown,
                   const chert_http_reply *reply, chert_error *err)
{
    char message[200];
    const char *times = reply->tries == 1 ? "" : "s";
    said(reply, message);
    if (stopped(http))
        return chert_fail(err, "OPERATION_CANCELED", "HY008", "Stopped while asking %s", shown);
    if (code == CURLE_OK && (reply->status == 401 || reply->status == 403))
        return chert_fail(
            err, "NEO_API_KEY", "28000",
            "%s refuses the API key (status %ld%s). Set API_KEY, in the environment or in .env",
            shown, reply->status, message);
    if (code == CURLE_OK)
        return chert_fail(err, "NEO_API_FAILED", "08000",
                          "%s answers with status %ld%s; tried %d time%s", shown, reply->status,
                          message, reply->tries, times);
    return chert_fail(err, "NEO_API_FAILED", "08000", "%s: %s; tried %d time%s", shown,
                      *http->what ? http->what : curl_easy_strerror(code), reply->tries, times);
}

int chert_http_get(chert_http *http, const char *url, const char *shown, chert_http_reply *reply,
                   chert_error *err)
{
    int64_t wait = http->limits.wait_ms;
    CURL *c = http->curl;
    *reply = (chert_http_reply){0};
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, reply);
    for (;;) {
        curl_off_t after = 0;
        wait_until(http, http->next_ms);
        http->next_ms = now_ms() + (int64_t)(1000 / http->limits.per_second);
        *http->what = 0;
        reply->bytes = 0;
        reply->status = 0;
        reply->tries++;
        CURLcode code = stopped(http) ? CURLE_ABORTED_BY_CALLBACK : curl_easy_perform(c);
        curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &reply->status);
        if (code == CURLE_OK && reply->status == 200)
            return 0;
        if (stopped(http) || reply->tries >= http->limits.tries || !try_again(code, reply->status))
            return give_up(http, code, shown, reply, err);
        int64_t pause = wait + (int64_t)((double)wait * 0.5 * chert_random_unit(&http->random));
        curl_easy_getinfo(c, CURLINFO_RETRY_AFTER, &after);
        if (after * 1000 > pause)
            pause = after * 1000;
        pause = pause < WAIT_MAX_MS ? pause : WAIT_MAX_MS;
        if (now_ms() + pause > http->next_ms)
            http->next_ms = now_ms() + pause;
        wait *= 2;
    }
}
