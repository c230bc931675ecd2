/* SPDX-License-Identifier: Apache-2.0 */
/* neo_serve.c - see neo_serve.h. */
#include "pipelines/neo_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipelines/neo_sample.h"
#include "pipelines/program.h"

#define PATH "/neo/rest/v1/neo/browse"

static const char *const FAULT[CHERT_NEO_N_FAULTS] = {"429",    "500", "503", "slow",
                                                      "broken", "cut", "odd"};

struct chert_neo_server {
    struct MHD_Daemon *daemon;
    chert_neo_serve_options options;
    char site[64];
    _Atomic int64_t n_requests;
};

int chert_neo_fault_named(const char *name)
{
    for (int i = 0; i < CHERT_NEO_N_FAULTS; i++)
        if (strcmp(FAULT[i], name) == 0)
            return i;
    return -1;
}

/* ---- replies ----------------------------------------------------------------------------- */

typedef struct reply {
    char *body;
    size_t bytes;
} reply;

static reply print_error(const char *code, const char *message)
{
    reply r = {0};
    FILE *out = open_memstream(&r.body, &r.bytes);
    if (!out)
        return r;
    fprintf(out, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", code, message);
    fclose(out);
    return r;
}

static reply print_page(const chert_neo_server *s, int64_t page, int64_t size)
{
    reply r = {0};
    FILE *out = open_memstream(&r.body, &r.bytes);
    if (!out)
        return r;
    chert_neo_print_page(out, s->options.seed, s->options.objects, page, size, s->site);
    fclose(out);
    return r;
}

/* Other types for some fields, of about the third and the seventh object: one number is text, one id is not there. */
static void make_odd(reply *r)
{
    char *at = r->body, *end;
    for (int i = 0; i < 3 && at; i++)
        at = strstr(at + 1, "\"absolute_magnitude_h\":");
    if (at && (end = strchr(at, ',')) && end - at > 25) {
        memset(at + 23, ' ', (size_t)(end - at - 23));
        memcpy(at + 23, "[]", 2);
    }
    for (int i = 0; i < 4 && at; i++)
        at = strstr(at + 1, "\"id\":");
    if (at)
        memcpy(at, "\"ID\"", 4);
}

static enum MHD_Result send_reply(struct MHD_Connection *c, unsigned status, reply r,
                                  const char *retry_after)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r.bytes, r.body, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(r.body);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", "application/json;charset=UTF-8");
    if (retry_after)
        MHD_add_response_header(response, "Retry-After", retry_after);
    enum MHD_Result result = MHD_queue_response(c, status, response);
    MHD_destroy_response(response);
    return result;
}

/* Half of the body, then the end of the connection. */
static ssize_t cut_reader(void *user, uint64_t at, char *to, size_t max)
{
    const reply *r = user;
    if (at >= r->bytes / 2)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    size_t n = r->bytes / 2 - (size_t)at;
    n = n < max ? n : max;
    memcpy(to, r->body + at, n);
    return (ssize_t)n;
}

static void cut_free(void *user)
{
    reply *r = user;
    free(r->body);
    free(r);
}

static enum MHD_Result send_cut(struct MHD_Connection *c, reply r)
{
    reply *copy = malloc(sizeof *copy);
    if (!copy) {
        free(r.body);
        return MHD_NO;
    }
    *copy = r;
    struct MHD_Response *response =
        MHD_create_response_from_callback(r.bytes, 16384, cut_reader, copy, cut_free);
    if (!response) {
        cut_free(copy);
        return MHD_NO;
    }
    enum MHD_Result result = MHD_queue_response(c, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* ---- requests ---------------------------------------------------------------------------- */

/* Of the query; `fallback` when it is not there, -1 when it is no number from 0 on. */
static int64_t number_of(struct MHD_Connection *c, const char *name, int64_t fallback)
{
    const char *text = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
    char *end;
    if (!text)
        return fallback;
    long long n = strtoll(text, &end, 10);
    return *end || end == text || n < 0 || n > 1000000000 ? -1 : n;
}

/* The fault that request number n meets, or CHERT_NEO_N_FAULTS. */
static chert_neo_fault draw(const chert_neo_serve_options *o, int64_t n)
{
    uint64_t state = o->seed ^ ((uint64_t)n * UINT64_C(0xD1342543DE82EF95));
    double at = chert_random_unit(&state);
    int i = 0;
    while (i < CHERT_NEO_N_FAULTS && (at -= o->fault[i]) >= 0)
        i++;
    return (chert_neo_fault)i;
}

static enum MHD_Result answer_page(chert_neo_server *s, struct MHD_Connection *c,
                                   chert_neo_fault fault)
{
    int64_t page = number_of(c, "page", 0), size = number_of(c, "size", CHERT_NEO_PAGE);
    if (page < 0 || size < 1)
        return send_reply(c, 400, print_error("BAD_REQUEST", "page and size must be numbers"),
                          NULL);
    reply r = print_page(s, page, size < CHERT_NEO_PAGE ? size : CHERT_NEO_PAGE);
    if (fault == CHERT_NEO_BROKEN)
        r.bytes /= 2;
    if (fault == CHERT_NEO_ODD && r.body)
        make_odd(&r);
    return fault == CHERT_NEO_CUT ? send_cut(c, r) : send_reply(c, 200, r, NULL);
}

static enum MHD_Result answer(void *user, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *upload,
                              size_t *upload_bytes, void **state)
{
    static char seen;
    chert_neo_server *s = user;
    const chert_neo_serve_options *o = &s->options;
    (void)version, (void)upload;
    if (!*state) { /* the head alone */
        *state = &seen;
        return MHD_YES;
    }
    if (*upload_bytes) {
        *upload_bytes = 0;
        return MHD_YES;
    }
    int64_t n = atomic_fetch_add(&s->n_requests, 1) + 1;
    chert_neo_fault fault = draw(o, n);
    const char *key = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "api_key");
    const char *page = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "page");
    if (o->log)
        fprintf(stderr, "%lld: %s page %s%s%s\n", (long long)n, method, page ? page : "0",
                fault < CHERT_NEO_N_FAULTS ? ", " : "",
                fault < CHERT_NEO_N_FAULTS ? FAULT[fault] : "");
    if (strcmp(url, PATH) != 0)
        return send_reply(c, 404, print_error("NOT_FOUND", "there is only " PATH), NULL);
    if (strcmp(method, "GET") != 0)
        return send_reply(c, 405, print_error("METHOD_NOT_ALLOWED", "only GET"), NULL);
    if (!key)
        return send_reply(c, 403, print_error("API_KEY_MISSING", "No api_key was supplied."), NULL);
    if (o->api_key && strcmp(key, o->api_key) != 0)
        return send_reply(c, 403,
                          print_error("API_KEY_INVALID", "An invalid api_key was supplied."), NULL);
    if (fault == CHERT_NEO_429 || (o->limit && n > o->limit))
        return send_reply(
            c, 429, print_error("OVER_RATE_LIMIT", "You have exceeded your rate limit."), "1");
    if (fault == CHERT_NEO_500)
        return send_reply(c, 500, print_error("INTERNAL", "Something went wrong."), NULL);
    if (fault == CHERT_NEO_503)
        return send_reply(c, 503, print_error("UNAVAILABLE", "Try again later."), NULL);
    if (fault == CHERT_NEO_SLOW)
        nanosleep(&(struct timespec){o->slow_ms / 1000, o->slow_ms % 1000 * 1000000}, NULL);
    return answer_page(s, c, fault);
}

/* ---- start and stop ---------------------------------------------------------------------- */

chert_neo_server *chert_neo_serve(const chert_neo_serve_options *options, chert_error *err)
{
    chert_neo_server *s = calloc(1, sizeof *s);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options->port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!s) {
        chert_fail(err, "OUT_OF_MEMORY", "53200", "No memory for a server");
        return NULL;
    }
    s->options = *options;
    snprintf(s->site, sizeof s->site, "http://127.0.0.1:%d", options->port);
    errno = 0;
    s->daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION,
                                 (uint16_t)options->port, NULL, NULL, answer, s,
                                 MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        chert_fail(err, "CANNOT_LISTEN", "08000", "Cannot listen on 127.0.0.1:%d: %s",
                   options->port, errno ? strerror(errno) : "the port is taken");
        chert_neo_server_stop(s);
        return NULL;
    }
    if (options->port == 0) { /* nobody can know the port yet */
        s->options.port = info->port;
        snprintf(s->site, sizeof s->site, "http://127.0.0.1:%d", s->options.port);
    }
    return s;
}

int chert_neo_server_port(const chert_neo_server *server)
{
    return server->options.port;
}

int64_t chert_neo_server_requests(const chert_neo_server *server)
{
    return server->n_requests;
}

void chert_neo_server_stop(chert_neo_server *server)
{
    if (server && server->daemon)
        MHD_stop_daemon(server->daemon);
    free(server);
}
