/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neo_serve.h - a stand-in for NASA's browse endpoint, on loopback: GET /neo/rest/v1/neo/browse?page=&size=&api_key=
 *
 * Its faults are drawn per request from the seed, so that a run can be repeated.
 */
#ifndef CHERT_PIPELINES_NEO_SERVE_H
#define CHERT_PIPELINES_NEO_SERVE_H

#include <chert/chert.h>

typedef enum chert_neo_fault {
    CHERT_NEO_429, /* with Retry-After: 1 */
    CHERT_NEO_500,
    CHERT_NEO_503,
    CHERT_NEO_SLOW,   /* the reply comes after slow_ms */
    CHERT_NEO_BROKEN, /* JSON that ends in the middle */
    CHERT_NEO_CUT,    /* the connection ends in the middle of the reply */
    CHERT_NEO_ODD,    /* objects whose fields have other types, or are missing */
    CHERT_NEO_N_FAULTS
} chert_neo_fault;

typedef struct chert_neo_serve_options {
    int port; /* 0: any that is free */
    int64_t objects;
    uint64_t seed;
    const char *api_key; /* what requests must have; NULL: anything */
    int64_t limit;       /* more requests than these get 429; 0: no limit */
    int slow_ms;
    double fault[CHERT_NEO_N_FAULTS]; /* the share of requests that meet it, 0 to 1 */
    bool log;                         /* a line per request on stderr */
} chert_neo_serve_options;

typedef struct chert_neo_server chert_neo_server;

/* "429", "slow": -1 for what is none of them. */
int chert_neo_fault_named(const char *name);
/* Serves until it is stopped; NULL with err set. options->api_key is borrowed until then. */
chert_neo_server *chert_neo_serve(const chert_neo_serve_options *options, chert_error *err);
int chert_neo_server_port(const chert_neo_server *server);
/* Requests that were answered. */
int64_t chert_neo_server_requests(const chert_neo_server *server);
void chert_neo_server_stop(chert_neo_server *server);

#endif
