/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_conn.h - what the files of the gRPC server share: server, connection, call. */
#ifndef CH_CONNECT_GRPC_CONN_H
#define CH_CONNECT_GRPC_CONN_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <pthread.h>

#include "base/buf.h"
#include "connect/grpc.h"

#define GRPC_PREFIX 5 /* compressed flag, u32be length */

typedef struct grpc_conn grpc_conn;
typedef struct grpc_message grpc_message;

/* A message on its way, in either direction. */
struct grpc_message {
    grpc_message *next;
    ch_buffer *bytes;            /* owned reference */
    uint8_t prefix[GRPC_PREFIX]; /* outgoing */
    int64_t sent;                /* of prefix and bytes */
};

typedef struct grpc_queue {
    grpc_message *first, **last;
    int64_t bytes;
} grpc_queue;

/*
 * Locks: `lock` guards all below it; the rest belongs to the socket thread until the handler starts, or
 * never changes after. The socket thread holds a reference while the stream is open, the handler one while it runs.
 */
struct ch_grpc_call {
    _Atomic int refs;
    ch_grpc_server *server;
    grpc_conn *conn; /* NULL once the stream is closed; socket thread only */
    ch_grpc_call *next_of_conn, **link_of_conn;
    int32_t stream_id;
    char path[160];
    bool authorized, is_grpc, is_post, started, responded, gzip;
    uint8_t prefix[GRPC_PREFIX]; /* of the message that is coming in */
    int n_prefix;
    grpc_message *coming;  /* that message, once its length is known; sent counts what is there */
    grpc_message *current; /* handler's: given out by receive */

    pthread_mutex_t lock;
    pthread_cond_t changed;
    grpc_queue in, out;
    int64_t unconsumed; /* received bytes that the peer's window was not given back for */
    bool in_ended, gone, finished, deferred, ready;
    ch_grpc_call *next_ready, *next_work;
    ch_grpc_code code, refusal; /* refusal: of the transport, told by receive */
    char *message;              /* percent-encoded; malloc */
    char *details;              /* base64; malloc */
};

struct grpc_conn {
    ch_grpc_server *server;
    grpc_conn *next, **link;
    int fd;
    SSL *ssl; /* or NULL */
    bool handshaken, wants_write, said_hello;
    double opened;
    nghttp2_session *http;
    uint8_t *small; /* frames gathered into one write */
    size_t n_small, small_sent;
    const uint8_t *out; /* borrowed from http: a frame too large for `small` */
    size_t n_out;
    ch_grpc_call *call; /* list */
};

struct ch_grpc_server {
    ch_grpc_options options;
    char *strings; /* the options' texts */
    SSL_CTX *tls;
    nghttp2_session_callbacks *callbacks;
    nghttp2_option *http_options;
    int listener, epoll, wake, port, n_conns;
    grpc_conn *conn; /* list */
    _Atomic bool stop;

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t work;
    ch_grpc_call *ready; /* calls that have something for the socket thread */
    ch_grpc_call *first_work, **last_work;
    int n_threads, n_idle, n_work;
    _Atomic int n_handling;
    bool closing;
};

/* grpc_call.c */
ch_grpc_call *grpc_call_new(ch_grpc_server *server);
void grpc_call_unref(ch_grpc_call *call);
/* Hands the call to a thread. */
void grpc_call_start(ch_grpc_call *call);
/* Bytes of the body. Gives how many the window may be given back for. */
int64_t grpc_call_data(ch_grpc_call *call, const uint8_t *data, size_t len);
/* The same later, when the handler has taken messages. */
int64_t grpc_call_consumed(ch_grpc_call *call);
void grpc_call_ended(ch_grpc_call *call);
void grpc_call_gone(ch_grpc_call *call);
/* Fills frames; nghttp2's conventions. */
ssize_t grpc_call_read(ch_grpc_call *call, uint8_t *to, size_t room, bool *end);
void grpc_stop_threads(ch_grpc_server *server);

/* grpc_http.c */
bool grpc_http_init(ch_grpc_server *server);
bool grpc_http_open(grpc_conn *conn);
/* What handlers left in server->ready. */
void grpc_http_ready(ch_grpc_server *server);

/* grpc_server.c */
/* Writes what http has to say; false: the connection is broken. */
bool grpc_conn_flush(grpc_conn *conn);
void grpc_conn_close(grpc_conn *conn);

/* grpc_tls.c */
CH_NODISCARD ch_status grpc_tls_init(ch_grpc_server *server, ch_error *err);

#endif
