/* SPDX-License-Identifier: Apache-2.0 */
/* http_pool.c - see http_pool.h. */
#include "store/http_pool.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

#define MOST_IDLE 32 /* handles of an origin that are kept */
#define STEP_MS 50   /* a cancelled wait ends within this */

struct ch_http_origin {
    ch_http_origin *next;
    CURL *idle[MOST_IDLE];
    int n_idle, n_used;
    int64_t next_ns; /* when the next request may be sent */
    char name[];
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode started;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given = PTHREAD_COND_INITIALIZER;
static ch_http_origin *origins; /* as many as hosts were asked */

static void start(void)
{
    started = curl_global_init(CURL_GLOBAL_DEFAULT);
}

bool ch_http_origin_of(const char *url, char *out, size_t size)
{
    bool tls = strncasecmp(url, "https://", 8) == 0;
    if (!tls && strncasecmp(url, "http://", 7) != 0)
        return false;
    const char *host = url + (tls ? 8 : 7);
    size_t len = strcspn(host, "/?#");
    const char *at = memrchr(host, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    if (len == 0 || len + 16 > size)
        return false;
    const char *colon = memrchr(host, ':', len), *bracket = memrchr(host, ']', len);
    bool has_port = colon && (!bracket || colon > bracket);
    snprintf(out, size, "%s%.*s%s", tls ? "https://" : "http://", (int)len, host,
             has_port ? ""
             : tls    ? ":443"
                      : ":80");
    for (char *p = out; *p; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p | 0x20);
    return true;
}

static bool is_cancelled(const _Atomic bool *cancel)
{
    return cancel && atomic_load_explicit(cancel, memory_order_relaxed);
}

ch_status ch_http_sleep(int64_t ms, const _Atomic bool *cancel, ch_error *err)
{
    int64_t end = ch_tick_ns() + ms * 1000000;
    for (;;) {
        if (is_cancelled(cancel))
            CH_FAIL(err, CANCELLED);
        int64_t left = (end - ch_tick_ns()) / 1000000;
        if (left <= 0)
            return CH_OK;
        if (left > STEP_MS)
            left = STEP_MS;
        nanosleep(&(struct timespec){.tv_nsec = left * 1000000}, NULL);
    }
}

/* Lock held. NULL: no memory. */
static ch_http_origin *find_origin(const char *name)
{
    ch_http_origin *o = origins;
    while (o && strcmp(o->name, name) != 0)
        o = o->next;
    if (o)
        return o;
    size_t len = strlen(name) + 1;
    o = calloc(1, sizeof *o + len);
    if (!o)
        return NULL;
    memcpy(o->name, name, len);
    o->next = origins;
    origins = o;
    return o;
}

static ch_status no_memory(ch_error *err)
{
    return ch_error_memory(err, "connections", (int64_t)sizeof(ch_http_origin), 0);
}

/* Lock held: waits for a place. */
static ch_status wait_place(ch_http_origin *o, int most, const _Atomic bool *cancel, ch_error *err)
{
    while (most > 0 && o->n_used >= most) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += STEP_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&given, &lock, &until);
        if (is_cancelled(cancel))
            CH_FAIL(err, CANCELLED);
    }
    return CH_OK;
}

ch_status ch_http_take_handle(const char *url, const char *shown, int most, double per_second,
                              const _Atomic bool *cancel, CURL **handle, ch_http_origin **origin,
                              ch_error *err)
{
    char name[1024];
    int64_t wait_ns = 0;
    *handle = NULL;
    *origin = NULL;
    pthread_once(&once, start);
    if (started != CURLE_OK)
        CH_FAIL(err, IO, "action", "reach", "path", shown, "reason", curl_easy_strerror(started));
    if (!ch_http_origin_of(url, name, sizeof name))
        CH_FAIL(err, IO, "action", "reach", "path", shown, "reason",
                "this is no address that begins with http:// or https:// and a host");
    pthread_mutex_lock(&lock);
    ch_http_origin *o = find_origin(name);
    ch_status status = o ? wait_place(o, most, cancel, err) : no_memory(err);
    if (status == CH_OK) {
        o->n_used++;
        *handle = o->n_idle ? o->idle[--o->n_idle] : NULL;
        if (per_second > 0) {
            int64_t now = ch_tick_ns();
            wait_ns = o->next_ns > now ? o->next_ns - now : 0;
            o->next_ns = now + wait_ns + (int64_t)(1e9 / per_second);
        }
    }
    pthread_mutex_unlock(&lock);
    CH_TRY(status);
    if (*handle)
        curl_easy_reset(*handle); /* its connections stay */
    else if (!(*handle = curl_easy_init()))
        status = no_memory(err);
    if (status == CH_OK && wait_ns)
        status = ch_http_sleep(wait_ns / 1000000 + 1, cancel, err);
    if (status != CH_OK) {
        ch_http_give_handle(*handle, o, true);
        *handle = NULL;
        return status;
    }
    *origin = o;
    return CH_OK;
}

void ch_http_give_handle(CURL *handle, ch_http_origin *o, bool good)
{
    pthread_mutex_lock(&lock);
    o->n_used--;
    if (handle && good && o->n_idle < MOST_IDLE) {
        o->idle[o->n_idle++] = handle;
        handle = NULL;
    }
    pthread_cond_broadcast(&given);
    pthread_mutex_unlock(&lock);
    if (handle)
        curl_easy_cleanup(handle);
}
