/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - Spark Connect as one thing to start and stop; what `chert server` uses. */
#ifndef CH_CONNECT_SERVER_H
#define CH_CONNECT_SERVER_H

#include "session/session.h"

#define CH_CONNECT_PORT 15002

typedef struct ch_server ch_server;

typedef struct ch_server_options {
    const char *address; /* NULL: 127.0.0.1 */
    int port;            /* 0: any that is free */
    /* PEM files, or NULL; cert and key belong together. */
    const char *tls_cert, *tls_key, *tls_client_ca;
    const char
        *token; /* NULL or "": none is asked for, and only loopback addresses are listened on */
    int64_t memory_limit; /* bytes; 0: 60 % of the machine's */
    int threads;          /* 0: one per core */
    double
        session_timeout_s; /* a session that nobody used for so long is closed; 0: an hour, as in Spark */
    double
        detached_timeout_s; /* and an operation without a client is cancelled; 0: 5 minutes, as in Spark */
    bool read_only;         /* nothing is written, neither files nor the catalog */
    /* Folders below which files are read and written, besides the warehouse; none: everywhere. */
    const char *const *allow_path;
    int n_allow_paths;
    /* Folder whose shared objects clients may load as functions (CREATE FUNCTION); NULL: none. "/": any file. */
    const char *native_functions;
    /* Settings that every session begins with: key, value, key, value ...; borrowed until the server is closed. */
    const char *const *conf;
    int n_conf; /* keys */
} ch_server_options;

/* Listens; nobody is served yet. Errors CH_E_IO, CH_E_INVALID_OPTION, CH_E_INVALID_CONF_VALUE. */
CH_NODISCARD ch_status ch_server_open(const ch_server_options *options, ch_server **out,
                                      ch_error *err);
int ch_server_port(const ch_server *server);
/* Serves until ch_server_stop. */
CH_NODISCARD ch_status ch_server_run(ch_server *server, ch_error *err);
/* From any thread or a signal handler. */
void ch_server_stop(ch_server *server);
/* NULL is ignored. */
void ch_server_close(ch_server *server);

#endif
