/* SPDX-License-Identifier: Apache-2.0 */
/* grpc_server.c - the listener, its connections and the loop that serves them. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "connect/grpc_conn.h"

#define SMALL_BYTES (64 << 10)
#define READ_BYTES (256 << 10)
#define MAX_CONNECTIONS 4096
#define HELLO_SECONDS 20 /* a connection that has not spoken HTTP/2 by then is closed */
#define EVENTS 64

static double now(void)
{
    return (double)ch_tick_ns() / 1e9;
}

/* ---- a connection ------------------------------------------------------------------------ */

static void watch(grpc_conn *conn, bool write)
{
    if (conn->wants_write == write)
        return;
    conn->wants_write = write;
    struct epoll_event e = {.events = EPOLLIN | (write ? EPOLLOUT : 0u), .data.ptr = conn};
    epoll_ctl(conn->server->epoll, EPOLL_CTL_MOD, conn->fd, &e);
}

/* > 0 bytes; 0: the peer closed; -1: later; -2: broken. */
static ssize_t conn_read(grpc_conn *conn, void *to, size_t room)
{
    if (!conn->ssl) {
        ssize_t n = recv(conn->fd, to, room, 0);
        return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? -1 : -2;
    }
    int n = SSL_read(conn->ssl, to, (int)room);
    if (n > 0)
        return n;
    int why = SSL_get_error(conn->ssl, n);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1
           : why == SSL_ERROR_ZERO_RETURN                            ? 0
                                                                     : -2;
}

static ssize_t conn_write(grpc_conn *conn, const void *from, size_t len)
{
    if (!conn->ssl) {
        ssize_t n = send(conn->fd, from, len, MSG_NOSIGNAL);
        return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? -1 : -2;
    }
    int n = SSL_write(conn->ssl, from, (int)len);
    if (n > 0)
        return n;
    int why = SSL_get_error(conn->ssl, n);
    ERR_clear_error();
    return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? -1 : -2;
}

/* 1: all gone; 0: the socket is full; -1: broken. */
static int write_out(grpc_conn *conn)
{
    while (conn->small_sent < conn->n_small) {
        ssize_t n =
            conn_write(conn, conn->small + conn->small_sent, conn->n_small - conn->small_sent);
        if (n < 0)
            return n == -1 ? 0 : -1;
        conn->small_sent += (size_t)n;
    }
    conn->n_small = conn->small_sent = 0;
    while (conn->n_out) {
        ssize_t n = conn_write(conn, conn->out, conn->n_out);
        if (n < 0)
            return n == -1 ? 0 : -1;
        conn->out += n;
        conn->n_out -= (size_t)n;
    }
    return 1;
}

bool grpc_conn_flush(grpc_conn *conn)
{
    for (;;) {
        while (!conn->n_out) {
            const uint8_t *frame;
            ssize_t n = nghttp2_session_mem_send(conn->http, &frame);
            if (n < 0)
                return false;
            if (n == 0)
                break;
            if (conn->n_small + (size_t)n <= SMALL_BYTES) {
                memcpy(conn->small + conn->n_small, frame, (size_t)n);
                conn->n_small += (size_t)n;
            } else {
                conn->out = frame;
                conn->n_out = (size_t)n;
            }
        }
        bool idle = !conn->n_out && conn->n_small == conn->small_sent;
        int done = idle ? 1 : write_out(conn);
        if (done < 0)
            return false;
        watch(conn, !done);
        if (idle || !done)
            break;
    }
    return nghttp2_session_want_read(conn->http) || nghttp2_session_want_write(conn->http);
}

void grpc_conn_close(grpc_conn *conn)
{
    ch_grpc_server *s = conn->server;
    while (conn->call) {
        ch_grpc_call *call = conn->call;
        conn->call = call->next_of_conn;
        grpc_call_gone(call);
        call->conn = NULL;
        grpc_call_unref(call);
    }
    *conn->link = conn->next;
    if (conn->next)
        conn->next->link = conn->link;
    s->n_conns--;
    nghttp2_session_del(conn->http);
    SSL_free(conn->ssl);
    close(conn->fd);
    free(conn->small);
    free(conn);
}

static bool shake_hands(grpc_conn *conn, bool *later)
{
    *later = false;
    if (!conn->ssl || conn->handshaken)
        return true;
    int n = SSL_accept(conn->ssl);
    if (n == 1) {
        conn->handshaken = true;
        return true;
    }
    int why = SSL_get_error(conn->ssl, n);
    ERR_clear_error();
    *later = why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
    if (*later)
        watch(conn, why == SSL_ERROR_WANT_WRITE);
    return *later;
}

/* false: the connection is over. */
static bool serve_conn(grpc_conn *conn, uint8_t *room)
{
    bool later;
    if (!shake_hands(conn, &later))
        return false;
    if (later)
        return true;
    for (;;) {
        ssize_t n = conn_read(conn, room, READ_BYTES);
        if (n == 0 || n == -2)
            return false;
        if (n == -1)
            break;
        if (nghttp2_session_mem_recv(conn->http, room, (size_t)n) < 0) {
            grpc_conn_flush(conn); /* says why, if it can */
            return false;
        }
        if (!conn->ssl && n < READ_BYTES)
            break;
    }
    return grpc_conn_flush(conn);
}

static void accept_conn(ch_grpc_server *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return;
    int on = 1, idle = 60, interval = 20, count = 3;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    grpc_conn *conn = s->n_conns < MAX_CONNECTIONS ? calloc(1, sizeof *conn) : NULL;
    if (conn) {
        *conn = (grpc_conn){.server = s, .fd = fd, .opened = now(), .small = malloc(SMALL_BYTES)};
        conn->ssl = s->tls ? SSL_new(s->tls) : NULL;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = conn};
    if (!conn || !conn->small || (s->tls && (!conn->ssl || SSL_set_fd(conn->ssl, fd) != 1)) ||
        !grpc_http_open(conn) || epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
        if (conn) {
            nghttp2_session_del(conn->http);
            SSL_free(conn->ssl);
            free(conn->small);
        }
        free(conn);
        close(fd);
        CH_LOG(WARN, "connect", "connection refused", "connections", CH_I64(s->n_conns));
        return;
    }
    s->n_conns++;
    conn->link = &s->conn;
    conn->next = s->conn;
    if (s->conn)
        s->conn->link = &conn->next;
    s->conn = conn;
    if (!conn->ssl && !grpc_conn_flush(conn))
        grpc_conn_close(conn);
}

/* ---- the server -------------------------------------------------------------------------- */

static ch_status io_error(const char *action, const char *path, ch_error *err)
{
    CH_FAIL(err, IO, "action", action, "path", path, "reason", strerror(errno));
}

static ch_status bind_to(ch_grpc_server *s, ch_error *err)
{
    const ch_grpc_options *o = &s->options;
    char port[12], shown[300];
    struct addrinfo *found = NULL,
                    hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    snprintf(port, sizeof port, "%d", o->port);
    snprintf(shown, sizeof shown, "%s:%d", o->address, o->port);
    int code = getaddrinfo(o->address, port, &hints, &found);
    if (code)
        CH_FAIL(err, IO, "action", "listen on", "path", shown, "reason", gai_strerror(code));
    s->listener = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    bool good = s->listener >= 0 &&
                setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                bind(s->listener, found->ai_addr, found->ai_addrlen) == 0 &&
                listen(s->listener, 512) == 0;
    freeaddrinfo(found);
    if (!good)
        return io_error("listen on", shown, err);
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    if (getsockname(s->listener, (struct sockaddr *)&bound, &len) != 0)
        return io_error("listen on", shown, err);
    s->port = ntohs(bound.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port
                                                : ((struct sockaddr_in *)&bound)->sin_port);
    return CH_OK;
}

/* Copies *text behind `to`; the next free place. */
static char *keep(const char **text, char *to)
{
    if (!*text)
        return to;
    size_t n = strlen(*text) + 1;
    *text = memcpy(to, *text, n);
    return to + n;
}

static ch_status keep_options(ch_grpc_server *s, const ch_grpc_options *o, ch_error *err)
{
    const char *all[] = {o->address, o->tls_cert, o->tls_key, o->tls_client_ca, o->token};
    size_t bytes = 1;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bytes += all[i] ? strlen(all[i]) + 1 : 0;
    s->options = *o;
    char *to = s->strings = malloc(bytes);
    if (!to)
        return ch_error_memory(err, "server", (int64_t)bytes, 0);
    to = keep(&s->options.address, to);
    to = keep(&s->options.tls_cert, to);
    to = keep(&s->options.tls_key, to);
    to = keep(&s->options.tls_client_ca, to);
    keep(&s->options.token, to);
    return CH_OK;
}

static ch_status open_server(ch_grpc_server *s, const ch_grpc_options *options, ch_error *err)
{
    CH_TRY(keep_options(s, options, err));
    CH_TRY(grpc_tls_init(s, err));
    if (!grpc_http_init(s))
        return ch_error_memory(err, "server", 0, 0);
    CH_TRY(bind_to(s, err));
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &s->listener};
    struct epoll_event w = {.events = EPOLLIN, .data.ptr = &s->wake};
    if (s->epoll < 0 || s->wake < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &e) != 0 ||
        epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &w) != 0)
        return io_error("watch", options->address, err);
    return CH_OK;
}

ch_status ch_grpc_listen(const ch_grpc_options *options, ch_grpc_server **out, ch_error *err)
{
    ch_grpc_server *s = calloc(1, sizeof *s);
    *out = NULL;
    if (!s)
        return ch_error_memory(err, "server", (int64_t)sizeof *s, 0);
    s->listener = s->epoll = s->wake = -1;
    s->last_work = &s->first_work;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    ch_status status = open_server(s, options, err);
    if (status == CH_OK)
        *out = s;
    else
        ch_grpc_free(s);
    return status;
}

int ch_grpc_port(const ch_grpc_server *server)
{
    return server->port;
}

void ch_grpc_stop(ch_grpc_server *server)
{
    server->stop = true;
    (void)!write(server->wake, &(uint64_t){1}, sizeof(uint64_t));
}

/* Connections that opened and never spoke HTTP/2. */
static void close_silent(ch_grpc_server *s)
{
    double limit = now() - HELLO_SECONDS;
    for (grpc_conn *c = s->conn, *next; c; c = next) {
        next = c->next;
        if (!c->said_hello && c->opened < limit)
            grpc_conn_close(c);
    }
}

/* No new connections and streams. */
static void say_goodbye(ch_grpc_server *s)
{
    epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->listener, NULL);
    for (grpc_conn *c = s->conn, *next; c; c = next) {
        next = c->next;
        int32_t last = nghttp2_session_get_last_proc_stream_id(c->http);
        nghttp2_submit_goaway(c->http, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0);
        if (!grpc_conn_flush(c))
            grpc_conn_close(c);
    }
}

static bool at_rest(const ch_grpc_server *s)
{
    if (atomic_load(&s->n_handling))
        return false;
    for (const grpc_conn *c = s->conn; c; c = c->next)
        if (c->wants_write)
            return false;
    return true;
}

static void serve_events(ch_grpc_server *s, uint8_t *room, int timeout)
{
    struct epoll_event event[EVENTS];
    int n = epoll_wait(s->epoll, event, EVENTS, timeout);
    bool woken = false;
    for (int i = 0; i < n; i++) {
        if (event[i].data.ptr == &s->listener) {
            accept_conn(s);
        } else if (event[i].data.ptr == &s->wake) {
            uint64_t count;
            (void)!read(s->wake, &count, sizeof count);
            woken = true;
        } else {
            grpc_conn *conn = event[i].data.ptr;
            if (!serve_conn(conn, room))
                grpc_conn_close(conn);
        }
    }
    /* After the events, so that none of theirs is a connection that this closes. */
    if (woken)
        grpc_http_ready(s);
}

ch_status ch_grpc_serve(ch_grpc_server *s, double grace, ch_error *err)
{
    uint8_t *room = malloc(READ_BYTES);
    if (!room)
        return ch_error_memory(err, "server", READ_BYTES, 0);
    while (!s->stop) {
        serve_events(s, room, 1000);
        close_silent(s);
    }
    say_goodbye(s);
    for (double until = now() + grace; now() < until && !at_rest(s);)
        serve_events(s, room, 50);
    while (s->conn)               /* closing unlinks, which the analyzer does not see */
        grpc_conn_close(s->conn); /* NOLINT(clang-analyzer-unix.Malloc) */
    free(room);
    return CH_OK;
}

void ch_grpc_free(ch_grpc_server *s)
{
    if (!s)
        return;
    grpc_stop_threads(s);
    for (ch_grpc_call *call = s->ready, *next; call; call = next) {
        next = call->next_ready;
        grpc_call_unref(call);
    }
    if (s->listener >= 0)
        close(s->listener);
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->wake >= 0)
        close(s->wake);
    nghttp2_session_callbacks_del(s->callbacks);
    nghttp2_option_del(s->http_options);
    SSL_CTX_free(s->tls);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->work);
    free(s->strings);
    free(s);
}
