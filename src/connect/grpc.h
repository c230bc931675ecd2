/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grpc.h - a gRPC server: HTTP/2 by nghttp2, TLS by OpenSSL, the five bytes in front of each message by us.
 *
 *   one thread   all sockets: ch_grpc_serve()
 *   a thread     for each call, from a cache: options.handle(call), which blocks as it likes
 *
 *   handle:  receive()* .. send()* .. finish      then returns; the call is gone
 *
 * A call whose client goes away does not end by itself: receive() and send() say so.
 * Deadlines that clients send are the clients' to keep: Spark's re-attach after theirs and expect the work to go on.
 *
 * Source: gRPC's "gRPC over HTTP2" (PROTOCOL-HTTP2.md).
 */
#ifndef CH_CONNECT_GRPC_H
#define CH_CONNECT_GRPC_H

#include "base/buffer.h"

typedef struct ch_grpc_server ch_grpc_server;
typedef struct ch_grpc_call ch_grpc_call;

typedef enum ch_grpc_code {
    CH_GRPC_OK = 0,
    CH_GRPC_CANCELLED = 1,
    CH_GRPC_UNKNOWN = 2,
    CH_GRPC_INVALID_ARGUMENT = 3,
    CH_GRPC_NOT_FOUND = 5,
    CH_GRPC_RESOURCE_EXHAUSTED = 8,
    CH_GRPC_UNIMPLEMENTED = 12,
    CH_GRPC_INTERNAL = 13,
    CH_GRPC_UNAVAILABLE = 14,
    CH_GRPC_UNAUTHENTICATED = 16
} ch_grpc_code;

typedef struct ch_grpc_options {
    const char *address; /* to listen on: "127.0.0.1", "::1" */
    int port;            /* 0: any that is free */
    /* PEM files; cert and key together switch TLS on, client_ca asks clients for a certificate. */
    const char *tls_cert, *tls_key, *tls_client_ca;
    const char *token;  /* "authorization: Bearer <token>" is then required */
    size_t max_message; /* bytes of one request */
    ch_mem *mem;        /* borrowed: pays for requests */
    void (*handle)(void *user, ch_grpc_call *call);
    void *user;
} ch_grpc_options;

/* Binds and listens; strings are copied. Errors CH_E_IO. */
CH_NODISCARD ch_status ch_grpc_listen(const ch_grpc_options *options, ch_grpc_server **out,
                                      ch_error *err);
int ch_grpc_port(const ch_grpc_server *server);
/* Serves until ch_grpc_stop: no new calls then; those begun have `grace` seconds. */
CH_NODISCARD ch_status ch_grpc_serve(ch_grpc_server *server, double grace, ch_error *err);
/* From any thread, or a signal handler. */
void ch_grpc_stop(ch_grpc_server *server);
/* After serve. NULL is ignored. */
void ch_grpc_free(ch_grpc_server *server);

/* ---- inside of handle ---- */

/* "/spark.connect.SparkConnectService/Config" */
const char *ch_grpc_path(const ch_grpc_call *call);
/* The next request message: borrowed until the next receive; *data NULL after the last one. */
CH_NODISCARD ch_status ch_grpc_receive(ch_grpc_call *call, const uint8_t **data, size_t *len,
                                       ch_error *err);
/* Shares message. Blocks while some MiB are under way. false: the client is gone. */
bool ch_grpc_send(ch_grpc_call *call, ch_buffer *message);
bool ch_grpc_gone(const ch_grpc_call *call);
/* Once, at the end. message is UTF-8; details, for the trailer grpc-status-details-bin, may be NULL. */
void ch_grpc_finish(ch_grpc_call *call, ch_grpc_code code, const char *message, const void *details,
                    size_t len);

#endif
