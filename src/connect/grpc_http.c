/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_http.c - HTTP/2 as gRPC uses it: nghttp2's callbacks, all on the socket thread. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connect/grpc_conn.h"

#define WINDOW_STREAM (4 << 20)
#define WINDOW_CONNECTION (64 << 20)
#define MAX_STREAMS 1024
#define FRAME_BYTES (256 << 10) /* of DATA, if the client takes as many */

#define NV(name, value, len)                                            \
    {                                                                   \
        (uint8_t *)(name), (uint8_t *)(value), sizeof(name) - 1, (len), \
            NGHTTP2_NV_FLAG_NO_COPY_NAME                                \
    }

static ch_grpc_call *call_of(nghttp2_session *http, int32_t stream_id)
{
    return nghttp2_session_get_stream_user_data(http, stream_id);
}

/* ---- answers ----------------------------------------------------------------------------- */

static ssize_t read_data(nghttp2_session *http, int32_t stream_id, uint8_t *to, size_t room,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    CH_UNUSED(user);
    ch_grpc_call *call = source->ptr;
    bool end;
    ssize_t n = grpc_call_read(call, to, room, &end);
    if (!end)
        return n;
    char code[12];
    int len = snprintf(code, sizeof code, "%d", (int)call->code);
    nghttp2_nv trailer[3] = {NV("grpc-status", code, (size_t)len)};
    size_t n_trailers = 1;
    if (call->message)
        trailer[n_trailers++] =
            (nghttp2_nv)NV("grpc-message", call->message, strlen(call->message));
    if (call->details)
        trailer[n_trailers++] =
            (nghttp2_nv)NV("grpc-status-details-bin", call->details, strlen(call->details));
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (nghttp2_submit_trailer(http, stream_id, trailer, n_trailers) == 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return n;
}

static bool respond(grpc_conn *conn, ch_grpc_call *call)
{
    static const char TYPE[] = "application/grpc";
    nghttp2_nv head[] = {NV(":status", "200", 3), NV("content-type", TYPE, sizeof TYPE - 1),
                         NV("grpc-accept-encoding", "identity, gzip", 14)};
    nghttp2_data_provider data = {.source.ptr = call, .read_callback = read_data};
    call->responded = true;
    return nghttp2_submit_response(conn->http, call->stream_id, head, sizeof head / sizeof *head,
                                   &data) == 0;
}

void grpc_http_ready(ch_grpc_server *s)
{
    pthread_mutex_lock(&s->lock);
    ch_grpc_call *call = s->ready, *next;
    for (ch_grpc_call *c = call; c; c = c->next_ready)
        c->ready = false;
    s->ready = NULL;
    /* next_ready may be written again as soon as the lock is given up: take the list apart first. */
    ch_grpc_call *list = NULL;
    for (; call; call = next) {
        next = call->next_ready;
        call->next_work = list; /* free: a call is in the list of work only before it is ready */
        list = call;
    }
    pthread_mutex_unlock(&s->lock);
    for (call = list; call; call = next) {
        next = call->next_work;
        grpc_conn *conn = call->conn;
        if (conn) {
            pthread_mutex_lock(&call->lock);
            bool resume = call->deferred,
                 begin = !call->responded && (call->out.first || call->finished);
            call->deferred = false;
            pthread_mutex_unlock(&call->lock);
            if (begin)
                respond(conn, call);
            else if (resume)
                nghttp2_session_resume_data(conn->http, call->stream_id);
            int64_t n = grpc_call_consumed(call);
            if (n)
                nghttp2_session_consume(conn->http, call->stream_id, (size_t)n);
            if (!grpc_conn_flush(conn))
                grpc_conn_close(conn);
        }
        grpc_call_unref(call);
    }
}

/* ---- requests ---------------------------------------------------------------------------- */

static int on_begin_headers(nghttp2_session *http, const nghttp2_frame *frame, void *user)
{
    grpc_conn *conn = user;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    ch_grpc_call *call = grpc_call_new(conn->server);
    if (!call)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    call->conn = conn;
    call->stream_id = frame->hd.stream_id;
    call->link_of_conn = &conn->call;
    call->next_of_conn = conn->call;
    if (conn->call)
        conn->call->link_of_conn = &call->next_of_conn;
    conn->call = call;
    nghttp2_session_set_stream_user_data(http, frame->hd.stream_id, call);
    return 0;
}

/* In a time that tells nothing of the token. */
static bool token_fits(const char *token, const uint8_t *value, size_t len)
{
    static const char BEARER[] = "Bearer ";
    size_t head = sizeof BEARER - 1, n = strlen(token);
    return len == head + n && strncasecmp((const char *)value, BEARER, head) == 0 &&
           CRYPTO_memcmp(value + head, token, n) == 0;
}

static int on_header(nghttp2_session *http, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags, void *user)
{
    CH_UNUSED(flags);
    grpc_conn *conn = user;
    ch_grpc_call *call = call_of(http, frame->hd.stream_id);
    if (!call)
        return 0;
#define IS(text) (name_len == sizeof(text) - 1 && memcmp(name, text, sizeof(text) - 1) == 0)
    if (IS(":path"))
        snprintf(call->path, sizeof call->path, "%.*s", (int)len, (const char *)value);
    else if (IS(":method"))
        call->is_post = len == 4 && memcmp(value, "POST", 4) == 0;
    else if (IS("content-type"))
        call->is_grpc = len >= 16 && memcmp(value, "application/grpc", 16) == 0;
    else if (IS("grpc-encoding"))
        call->gzip = len == 4 && memcmp(value, "gzip", 4) == 0;
    else if (IS("authorization") && conn->server->options.token)
        call->authorized = token_fits(conn->server->options.token, value, len);
#undef IS
    return 0;
}

static void begin(nghttp2_session *http, ch_grpc_call *call)
{
    static const char *const TYPE = "application/grpc";
    if (!call->is_post || !call->is_grpc) {
        nghttp2_nv head[] = {NV(":status", call->is_post ? "415" : "405", 3),
                             NV("accept-post", TYPE, strlen(TYPE))};
        nghttp2_submit_response(http, call->stream_id, head, 2, NULL);
        return;
    }
    if (call->authorized)
        grpc_call_start(call);
    else
        ch_grpc_finish(
            call, CH_GRPC_UNAUTHENTICATED,
            "Invalid authentication token: the server wants the token that it was started with",
            NULL, 0);
}

static int on_frame_recv(nghttp2_session *http, const nghttp2_frame *frame, void *user)
{
    grpc_conn *conn = user;
    conn->said_hello = true;
    if (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)
        return 0;
    ch_grpc_call *call = call_of(http, frame->hd.stream_id);
    if (!call)
        return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        begin(http, call);
    if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        grpc_call_ended(call);
    return 0;
}

static int on_data_chunk_recv(nghttp2_session *http, uint8_t flags, int32_t stream_id,
                              const uint8_t *data, size_t len, void *user)
{
    CH_UNUSED(flags);
    CH_UNUSED(user);
    ch_grpc_call *call = call_of(http, stream_id);
    if (!call || !call->started) {
        nghttp2_session_consume(http, stream_id, len);
        return 0;
    }
    int64_t n = grpc_call_data(call, data, len);
    if (n)
        nghttp2_session_consume(http, stream_id, (size_t)n);
    return 0;
}

static int on_stream_close(nghttp2_session *http, int32_t stream_id, uint32_t code, void *user)
{
    CH_UNUSED(code);
    CH_UNUSED(user);
    ch_grpc_call *call = call_of(http, stream_id);
    if (!call)
        return 0;
    grpc_call_gone(call);
    int64_t n = grpc_call_consumed(call);
    if (n)
        nghttp2_session_consume_connection(http, (size_t)n);
    *call->link_of_conn = call->next_of_conn;
    if (call->next_of_conn)
        call->next_of_conn->link_of_conn = call->link_of_conn;
    call->conn = NULL;
    grpc_call_unref(call);
    return 0;
}

static ssize_t frame_length(nghttp2_session *http, uint8_t type, int32_t stream_id,
                            int32_t session_window, int32_t stream_window, uint32_t max_frame,
                            void *user)
{
    CH_UNUSED(http);
    CH_UNUSED(type);
    CH_UNUSED(stream_id);
    CH_UNUSED(user);
    int32_t n = session_window < stream_window ? session_window : stream_window;
    n = n < (int32_t)max_frame ? n : (int32_t)max_frame;
    return n < FRAME_BYTES ? n : FRAME_BYTES;
}

bool grpc_http_init(ch_grpc_server *s)
{
    if (nghttp2_session_callbacks_new(&s->callbacks) != 0 ||
        nghttp2_option_new(&s->http_options) != 0)
        return false;
    nghttp2_session_callbacks *c = s->callbacks;
    nghttp2_session_callbacks_set_on_begin_headers_callback(c, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(c, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(c, on_stream_close);
    nghttp2_session_callbacks_set_data_source_read_length_callback(c, frame_length);
    nghttp2_option_set_no_auto_window_update(s->http_options, 1);
    return true;
}

bool grpc_http_open(grpc_conn *conn)
{
    ch_grpc_server *s = conn->server;
    nghttp2_settings_entry entry[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MAX_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, WINDOW_STREAM},
        {NGHTTP2_SETTINGS_MAX_FRAME_SIZE, FRAME_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 64 << 10},
    };
    return nghttp2_session_server_new2(&conn->http, s->callbacks, conn, s->http_options) == 0 &&
           nghttp2_submit_settings(conn->http, NGHTTP2_FLAG_NONE, entry,
                                   sizeof entry / sizeof *entry) == 0 &&
           nghttp2_session_set_local_window_size(conn->http, NGHTTP2_FLAG_NONE, 0,
                                                 WINDOW_CONNECTION) == 0;
}
