/* SPDX-License-Identifier: Apache-2.0 */
/*
 * submit_remote.c - is anybody there? A client of Spark Connect tries for ten minutes before it says that there is
 * not.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/submit.h"

enum {
    SILENCE_MS = 10000, /* for an answer of any kind */
    REFUSED_MS = 3000,  /* a server that starts at the same time may be a little late */
    AGAIN_MS = 100
};

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One address; an errno. */
static int try_address(const struct addrinfo *a, int64_t until)
{
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0)
        return errno;
    int why = connect(fd, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    while (why == EINPROGRESS || why == EINTR) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        int64_t left = until - now_ms();
        int n = left > 0 ? poll(&ready, 1, (int)left) : 0;
        socklen_t size = sizeof why;
        if (n == 0)
            why = ETIMEDOUT;
        else if (n > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
            why = errno;
    }
    close(fd);
    return why;
}

/* "sc://host:port/;..." to host (cut to size) and port. */
static void split(const char *remote, char *host, size_t size, char port[8])
{
    const char *at = remote + strlen("sc://"), *end = at + strcspn(at, "/;"), *colon;
    bool bracket = *at == '[';
    const char *host_end = bracket ? memchr(at, ']', (size_t)(end - at)) : NULL;
    at += bracket;
    if (!host_end)
        host_end = (colon = memchr(at, ':', (size_t)(end - at))) ? colon : end;
    colon = memchr(host_end, ':', (size_t)(end - host_end));
    snprintf(host, size, "%.*s", (int)(host_end - at), at);
    snprintf(port, 8, "%.*s", colon ? (int)(end - colon - 1) : 5, colon ? colon + 1 : "15002");
}

static bool has_proxy(void)
{
    static const char *const NAME[] = {"grpc_proxy", "https_proxy", "http_proxy"};
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        if (getenv(NAME[i]) && *getenv(NAME[i]))
            return true;
    return false;
}

int ch_submit_reach(const char *remote)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    const struct timespec pause = {0, AGAIN_MS * 1000000L};
    if (has_proxy()) /* it may know a way that we do not */
        return 0;
    split(remote, host, sizeof host, port);
    int code = getaddrinfo(host, port, &hints, &found), why = 0;
    if (code == 0) {
        int64_t start = now_ms();
        for (;;) {
            for (const struct addrinfo *a = found; a; a = a->ai_next)
                if ((why = try_address(a, start + SILENCE_MS)) == 0)
                    break;
            if (why != ECONNREFUSED || now_ms() - start > REFUSED_MS)
                break;
            nanosleep(&pause, NULL);
        }
        freeaddrinfo(found);
    }
    if (code || why)
        fprintf(stderr, "error: cannot reach the server sc://%s:%s: %s\n", host, port,
                code ? gai_strerror(code) : strerror(why));
    return code || why ? CH_EXIT_ERROR : 0;
}
