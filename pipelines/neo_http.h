/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neo_http.h - GET from an API that limits how often it may be asked, and fails now and then.
 *
 * A request is tried up to `tries` times: again after a time-out, a connection that was refused or cut, 429 and 5xx. Between two
 * tries it waits `wait_ms`, twice as long each time, up to half as much more by chance; or as long as Retry-After says.
 */
#ifndef CHERT_PIPELINES_NEO_HTTP_H
#define CHERT_PIPELINES_NEO_HTTP_H

#include <chert/chert.h>

typedef struct chert_http chert_http;

typedef struct chert_http_limits {
    double per_second; /* requests; tries count too */
    int tries;
    int wait_ms;             /* before the second try */
    int timeout_ms;          /* of one try */
    const _Atomic int *stop; /* may be set by another thread: ends what is waiting. NULL: never */
} chert_http_limits;

typedef struct chert_http_reply {
    char *body; /* malloc, NUL-terminated */
    size_t bytes;
    long status;
    int tries;
} chert_http_reply;

/* NULL with err set. */
chert_http *chert_http_new(const chert_http_limits *limits, chert_error *err);
void chert_http_free(chert_http *http);

/*
 * Result 0 for status 200. Otherwise a code with err saying what the last try met: class NEO_API_KEY for 401 and 403, NEO_API_FAILED
 * for all else. Errors show `shown`, never url, which may have a secret. reply->body is the caller's to free in any case.
 */
int chert_http_get(chert_http *http, const char *url, const char *shown, chert_http_reply *reply,
                   chert_error *err);

#endif
