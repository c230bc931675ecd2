/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - engine, service and listener, put together. */
#include "connect/server.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "connect/service.h"
#include "store/access.h"
#include "store/file.h"

#define MAX_MESSAGE ((size_t)128 << 20)
#define GRACE_SECONDS 3
#define SESSION_TIMEOUT_S 3600 /* spark.connect.session.manager.defaultSessionTimeout */
#define DETACHED_TIMEOUT_S 300 /* spark.connect.execute.manager.detachedTimeout */
#define WAREHOUSE "spark-warehouse"

struct ch_server {
    ch_engine *engine;
    cn_service *service;
    ch_grpc_server *grpc;
};

/* An address, not a name that looks like one. */
static bool is_loopback(const char *address)
{
    struct in_addr four;
    return strcmp(address, "::1") == 0 || strcmp(address, "localhost") == 0 ||
           (inet_pton(AF_INET, address, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

static ch_status check_folder(const char *option, const char *path, ch_error *err)
{
    ch_file folder;
    bool is_folder = false;
    CH_TRY(ch_file_stat(path, &folder, &is_folder, err));
    if (!is_folder)
        CH_FAIL(err, INVALID_OPTION, "name", option, "value", path, "expected", "a folder");
    return CH_OK;
}

/* What queries may touch is said before there are any. */
static ch_status limit_access(const ch_server_options *o, ch_error *err)
{
    if (o->read_only)
        ch_access_read_only();
    if (o->native_functions)
        CH_TRY(check_folder("allow-native-functions", o->native_functions, err));
    CH_TRY(ch_access_native_only(o->native_functions, err));
    for (int i = 0; i < o->n_allow_paths; i++)
        if (!ch_path_is_remote(o->allow_path[i]))
            CH_TRY(check_folder("allow-path", o->allow_path[i], err));
    for (int i = 0; i < o->n_allow_paths; i++)
        CH_TRY(ch_access_allow(o->allow_path[i], err));
    return o->n_allow_paths ? ch_access_allow(WAREHOUSE, err) : CH_OK;
}

static ch_status open_server(ch_server *s, const ch_server_options *o, ch_error *err)
{
    const char *address = o->address ? o->address : "127.0.0.1";
    const char *token = o->token && *o->token ? o->token : NULL;
    if (!is_loopback(address) && !token)
        CH_FAIL(err, INVALID_OPTION, "name", "address", "value", address, "expected",
                "a loopback address, or a token (--token) that clients must know");
    CH_TRY(limit_access(o, err));
    CH_TRY(ch_engine_new(o->memory_limit, o->threads, NULL, &s->engine, err));
    CH_TRY(cn_service_new(
        s->engine, o->session_timeout_s > 0 ? o->session_timeout_s : SESSION_TIMEOUT_S,
        o->detached_timeout_s > 0 ? o->detached_timeout_s : DETACHED_TIMEOUT_S, &s->service, err));
    CH_TRY(cn_service_begin_with(s->service, o->conf, o->n_conf, err));
    ch_grpc_options grpc = {.address = address,
                            .port = o->port,
                            .tls_cert = o->tls_cert,
                            .tls_key = o->tls_key,
                            .tls_client_ca = o->tls_client_ca,
                            .token = token,
                            .max_message = MAX_MESSAGE,
                            .mem = s->service->mem,
                            .handle = cn_service_handle,
                            .user = s->service};
    return ch_grpc_listen(&grpc, &s->grpc, err);
}

ch_status ch_server_open(const ch_server_options *options, ch_server **out, ch_error *err)
{
    ch_server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return ch_error_memory(err, "server", (int64_t)sizeof *s, 0);
    ch_status status = open_server(s, options, err);
    if (status == CH_OK)
        *out = s;
    else
        ch_server_close(s);
    return status;
}

int ch_server_port(const ch_server *server)
{
    return ch_grpc_port(server->grpc);
}

ch_status ch_server_run(ch_server *server, ch_error *err)
{
    return ch_grpc_serve(server->grpc, GRACE_SECONDS, err);
}

void ch_server_stop(ch_server *server)
{
    ch_grpc_stop(server->grpc);
}

void ch_server_close(ch_server *s)
{
    if (!s)
        return;
    cn_service_cancel(s->service);
    ch_grpc_free(s->grpc);
    cn_service_free(s->service);
    ch_engine_free(s->engine);
    free(s);
}
