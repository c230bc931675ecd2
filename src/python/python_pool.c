/* SPDX-License-Identifier: Apache-2.0 */
/* python_pool.c - the pool's workers; python_daemon.c is where they come from. */
#include "python/python_pool.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "python/python_daemon.h"

#define IDLE_NS ((int64_t)60 * 1000000000)
#define WATCH_MS 5000
#define ANSWER_MS 60000 /* of a daemon that is to fork */

struct ch_python_pool {
    pthread_mutex_t lock;
    char *folder;
    int most_idle;
    ch_python_daemon *daemon; /* or NULL */
    uint64_t generation;
    ch_python_worker *idle; /* the one used last first */
    int n_idle, n_out;
    int64_t busy_ns; /* when a worker was last out */
    pthread_t watcher;
    int wake; /* an eventfd */
    bool watched, closing;
};

static void end_worker(ch_python_worker *w)
{
    if (w->process >= 0) {
        (void)pidfd_send_signal(w->process, SIGKILL, NULL, 0);
        close(w->process);
    } else if (w->pid > 0) {
        (void)kill(w->pid, SIGKILL);
    }
    close(w->fd);
    free(w);
}

/* Of an idle one nobody is in the middle of anything: it ends when its socket does. */
static void dismiss(ch_python_worker *w)
{
    if (w->process >= 0)
        close(w->process);
    close(w->fd);
    free(w);
}

/* Those that are older than `since`, or of another daemon. Under the lock. */
static void dismiss_idle(ch_python_pool *pool, int64_t since_ns)
{
    for (ch_python_worker **at = &pool->idle; *at;) {
        ch_python_worker *w = *at;
        if (w->idle_since_ns > since_ns && w->daemon == pool->generation) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        pool->n_idle--;
        dismiss(w);
    }
}

/* Ends what nobody used for long, and passes on what workers print. */
static void *watch(void *user)
{
    ch_python_pool *pool = user;
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        ch_python_daemon *daemon = pool->daemon;
        struct pollfd fd[3] = {{.fd = pool->wake, .events = POLLIN}, {.fd = -1}, {.fd = -1}};
        if (daemon)
            ch_python_daemon_outputs(daemon, &fd[1]);
        pthread_mutex_unlock(&pool->lock);
        (void)poll(fd, 3, WATCH_MS);
        pthread_mutex_lock(&pool->lock);
        uint64_t n;
        if (fd[0].revents)
            (void)!read(pool->wake, &n, sizeof n);
        if (daemon && daemon == pool->daemon)
            ch_python_daemon_pass_on(daemon, &fd[1]);
        int64_t since = ch_tick_ns() - IDLE_NS;
        dismiss_idle(pool, since);
        if (pool->daemon && !pool->n_idle && !pool->n_out && pool->busy_ns < since) {
            ch_python_daemon_end(pool->daemon);
            pool->daemon = NULL;
        }
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

ch_python_pool *ch_python_pool_new(const char *folder, int most_idle)
{
    ch_python_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pthread_mutex_init(&pool->lock, NULL);
    pool->most_idle = most_idle;
    pool->folder = strdup(folder);
    pool->wake = -1;
    if (!pool->folder) {
        ch_python_pool_free(pool);
        return NULL;
    }
    return pool;
}

static void wake_watcher(ch_python_pool *pool)
{
    uint64_t one = 1;
    (void)!write(pool->wake, &one, sizeof one);
}

void ch_python_pool_free(ch_python_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_mutex_unlock(&pool->lock);
    if (pool->watched) {
        wake_watcher(pool);
        pthread_join(pool->watcher, NULL);
    }
    dismiss_idle(pool, INT64_MAX);
    if (pool->daemon)
        ch_python_daemon_end(pool->daemon);
    if (pool->wake >= 0)
        close(pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->folder);
    free(pool);
}

/* ---- getting one ------------------------------------------------------------------------- */

/* A daemon with these settings. Under the lock. */
static ch_status need_daemon(ch_python_pool *pool, const ch_python_settings *settings,
                             const _Atomic bool *cancel, ch_error *err)
{
    if (pool->daemon && ch_python_daemon_fits(pool->daemon, settings))
        return CH_OK;
    if (pool->daemon)
        ch_python_daemon_end(pool->daemon);
    pool->daemon = NULL;
    pool->generation++;
    dismiss_idle(pool, INT64_MAX);
    CH_TRY(ch_python_daemon_start(pool->folder, settings, cancel, &pool->daemon, err));
    if (pool->wake < 0)
        pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!pool->watched && pool->wake >= 0)
        pool->watched = pthread_create(&pool->watcher, NULL, watch, pool) == 0;
    else if (pool->watched)
        wake_watcher(pool); /* it watches the new one from now on */
    if (pool->watched)
        return CH_OK;
    ch_python_daemon_end(pool->daemon);
    pool->daemon = NULL;
    CH_FAIL(err, PYTHON_START, "python", settings->executable, "reason", "no thread can be made");
}

/* An idle one that is still there: nothing has come from it, not even its end. */
static ch_python_worker *take_idle(ch_python_pool *pool)
{
    while (pool->idle) {
        ch_python_worker *w = pool->idle;
        pool->idle = w->next;
        pool->n_idle--;
        struct pollfd fd = {.fd = w->fd, .events = POLLIN};
        if (poll(&fd, 1, 0) == 0)
            return w;
        end_worker(w);
    }
    return NULL;
}

static ch_status connect_to(const char *path, int *out)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int bytes = 1 << 20;
    *out = -1;
    if (fd < 0)
        return CH_E_PYTHON_START;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return CH_E_PYTHON_START;
    }
    *out = fd;
    return CH_OK;
}

/* The daemon forks, and the child tells its number. */
static ch_status hire(const char *path, const char *executable, const _Atomic bool *cancel,
                      ch_python_worker *w, ch_error *err)
{
    uint8_t number[4];
    size_t have = 0;
    if (connect_to(path, &w->fd) != CH_OK)
        CH_FAIL(err, PYTHON_START, "python", executable, "reason", strerror(errno));
    ch_status status = ch_python_read(w->fd, number, sizeof number, &have, ANSWER_MS, cancel, err);
    if (status == CH_OK && have == sizeof number)
        w->pid = (pid_t)((uint32_t)number[0] << 24 | (uint32_t)number[1] << 16 |
                         (uint32_t)number[2] << 8 | number[3]);
    if (status == CH_OK && w->pid <= 0)
        status = ch_error_set(err, CH_E_PYTHON_START, "python", executable, "reason",
                              have ? "no process could be made" : "its daemon does not answer",
                              (const char *)0);
    if (status != CH_OK) {
        close(w->fd);
        return status;
    }
    w->process = pidfd_open(w->pid, 0);
    return CH_OK;
}

ch_status ch_python_pool_get(ch_python_pool *pool, const ch_python_settings *settings,
                             const _Atomic bool *cancel, ch_python_worker **out, ch_error *err)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    *out = NULL;
    pthread_mutex_lock(&pool->lock);
    ch_status status = need_daemon(pool, settings, cancel, err);
    ch_python_worker *w = status == CH_OK ? take_idle(pool) : NULL;
    uint64_t generation = pool->generation;
    if (status == CH_OK) {
        pool->n_out++;
        pool->busy_ns = ch_tick_ns();
        strcpy(path, ch_python_daemon_path(pool->daemon));
    }
    pthread_mutex_unlock(&pool->lock);
    if (status != CH_OK || w) {
        *out = w;
        return status;
    }
    w = calloc(1, sizeof *w);
    status = w ? hire(path, settings->executable, cancel, w, err)
               : ch_error_memory(err, "python", (int64_t)sizeof *w, 0);
    if (status == CH_OK) {
        w->daemon = generation;
        *out = w;
        return CH_OK;
    }
    free(w);
    pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    if (pool->daemon && pool->generation == generation && status == CH_E_PYTHON_START) {
        ch_python_daemon_end(pool->daemon); /* the next one who asks gets another */
        pool->daemon = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    return status;
}

void ch_python_pool_put(ch_python_pool *pool, ch_python_worker *w, bool reusable)
{
    if (!reusable)
        end_worker(w);
    pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    pool->busy_ns = ch_tick_ns();
    if (reusable && w->daemon == pool->generation && pool->daemon &&
        pool->n_idle < pool->most_idle) {
        w->idle_since_ns = pool->busy_ns;
        w->next = pool->idle;
        pool->idle = w;
        pool->n_idle++;
        w = NULL;
    }
    pthread_mutex_unlock(&pool->lock);
    if (reusable && w)
        dismiss(w);
}

int ch_python_pool_workers(ch_python_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int n = pool->n_idle + pool->n_out;
    pthread_mutex_unlock(&pool->lock);
    return n;
}
