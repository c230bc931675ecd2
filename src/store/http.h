/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http.h - requests over HTTP and HTTPS: connections that are kept, time-outs, retries.
 *
 *   request ──▶ sign ──▶ attempt ──▶ response         2xx, 3xx, 4xx: the caller looks at its status
 *                 ▲         │
 *                 └─ wait ◀─┘ 429, 5xx, time-out, a connection cut: again, GETs from where they stopped
 *
 * An answer's body goes to the request's `take`, if it is a good one, or into the response. What was taken is never
 * given twice: after a cut the rest is asked for (Range), and refused when the file is another one by then.
 *
 * Redirects are followed here and not by libcurl, so that each hop is checked (--allow-path), none leads from
 * https to http, and what is secret goes to no other origin than the first. Proxies come from the environment.
 *
 * Legal calls: ch_http_send, then look at the response, then ch_http_response_release, also after an error.
 */
#ifndef CH_STORE_HTTP_H
#define CH_STORE_HTTP_H

#include <stdatomic.h>

#include "base/buf.h"

typedef struct ch_http_header {
    const char *name, *value;
    bool secret; /* only for the origin of the request's own URL */
} ch_http_header;

/* How patiently. Times are milliseconds; 0: none. */
typedef struct ch_http_policy {
    int attempts;               /* at most; 1: no retry */
    int64_t connect_ms;         /* for a connection to be made */
    int64_t stall_ms;           /* without a byte */
    int64_t total_ms;           /* of one attempt */
    int64_t wait_ms, wait_most; /* before the second attempt, doubled then, with jitter; at most */
    int64_t retry_after_most;   /* a server's Retry-After beyond this is an answer */
    int redirects;              /* followed at most */
    int connections;            /* at once to one origin; 0: any number */
    double per_second;          /* requests to one origin; 0: any number */
    bool no_proxy;
} ch_http_policy;
#define CH_HTTP_POLICY                            \
    ((ch_http_policy){.attempts = 6,              \
                      .connect_ms = 10000,        \
                      .stall_ms = 30000,          \
                      .wait_ms = 200,             \
                      .wait_most = 20000,         \
                      .retry_after_most = 120000, \
                      .redirects = 10,            \
                      .connections = 96})

typedef struct ch_http_request ch_http_request;
typedef struct ch_http_response ch_http_response;

/* Everything is borrowed until the response was given. */
struct ch_http_request {
    const char *method; /* "GET" */
    const char *url;    /* percent-encoded */
    const char *shown;  /* in errors and logs; NULL: the URL without user, password and query */
    const ch_http_header *header;
    int n_headers;
    const void *body;
    int64_t body_len;
    bool repeatable;  /* a method that is not GET, HEAD, PUT or DELETE may be sent again */
    int64_t from;     /* GET: first byte wanted */
    int64_t len;      /* bytes wanted, with `from`: a Range is sent; 0: all, without a Range */
    const char *etag; /* of a file that must not have changed; NULL: any */
    const char *last_modified; /* the same for a server without strong etags; or NULL */
    ch_http_policy policy;
    /* Optional, before each attempt: adds more headers by ch_http_add. */
    CH_NODISCARD ch_status (*sign)(void *user, const ch_http_request *request, void *to,
                                   ch_error *err);
    /* Optional: bytes of a 2xx body, in order. Another status than CH_OK ends the request with it. */
    CH_NODISCARD ch_status (*take)(void *user, const void *bytes, int64_t n, ch_error *err);
    void *user;
    const _Atomic bool *cancel; /* or NULL */
    ch_mem *mem;
};

struct ch_http_response {
    int status;
    int attempts;
    ch_buf header; /* "name: value\n" each, names in lower case; of the last hop */
    ch_buf body;   /* unless taken; of an error at most 1 MiB */
    int64_t total; /* bytes of the whole file, as the answer says; -1: unknown */
    bool is_part;  /* 206 */
};

/*
 * Sends, and sends again as the policy says.
 *   out   gives   also when this fails; the status of the last answer, 0 without one
 * Threads: any number at once. Errors CH_E_IO: no answer could be had, or too large a one; CH_E_CANCELLED; CH_E_MEMORY;
 * CH_E_REMOTE_CHANGED; CH_E_PATH_NOT_ALLOWED for where a redirect leads.
 */
CH_NODISCARD ch_status ch_http_send(const ch_http_request *request, ch_http_response *out,
                                    ch_error *err);
/* In sign. value is copied. */
CH_NODISCARD ch_status ch_http_add(void *to, const char *name, const char *value, bool secret,
                                   ch_error *err);
/* The header's value (name in lower case), without its end: *len bytes; NULL: there is none. */
const char *ch_http_header_of(const ch_http_response *response, const char *name, size_t *len);
/* The same as a text, in out; "" if there is none. */
char *ch_http_header_text(const ch_http_response *response, const char *name, char *out,
                          size_t size);
void ch_http_response_release(ch_http_response *response);

/* What an answer that is none of the good ones comes to: PATH_NOT_FOUND for 404 and 410, REMOTE_CHANGED for 412, or IO. */
CH_NODISCARD ch_status ch_http_failed(const ch_http_request *request,
                                      const ch_http_response *response, const char *action,
                                      ch_error *err);

/* Text with all but A-Za-z0-9-._~ as %XX; of a path '/' stays. */
CH_NODISCARD ch_status ch_http_encode(ch_buf *out, const char *text, size_t len, bool is_path,
                                      ch_error *err);
/* The URL without user, password, query and fragment, in out. */
void ch_http_shown(const char *url, char *out, size_t size);
/* Microseconds since 1970 of a header such as Last-Modified; -1: it is none. */
int64_t ch_http_date(const char *text);

#endif
