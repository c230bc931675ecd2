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
#define STEP_NS 50000000 /* how often a cancelled query is noticed */
#define ANSWER_MS 60000  /* of a daemon that is to fork */

/* A daemon and its workers. Only the watcher ends one, or who ends the pool: others only retire it. */
struct ch_python_crew {
    ch_python_crew *next;
    ch_python_daemon *daemon;
    int n_out; /* workers that somebody has */
};

struct ch_python_pool {
    pthread_mutex_t lock;
    pthread_cond_t started; /* or not: nobody is starting a daemon now */
    char *folder;
    int most_idle;
    ch_python_crew *first;   /* all; one that is not current ends when its last worker is back */
    ch_python_crew *current; /* gives workers; or NULL */
    bool starting;
    ch_python_worker *idle; /* of the current one; the one used last first */
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

/* Those that are older than `since`. Under the lock. */
static void dismiss_idle(ch_python_pool *pool, int64_t since_ns)
{
    for (ch_python_worker **at = &pool->idle; *at;) {
        ch_python_worker *w = *at;
        if (w->idle_since_ns > since_ns) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        pool->n_idle--;
        dismiss(w);
    }
}

static void wake_watcher(ch_python_pool *pool)
{
    uint64_t one = 1;
    (void)!write(pool->wake, &one, sizeof one);
}

/* The current one gives no more workers; those that are out finish what they do. Under the lock. */
static void retire(ch_python_pool *pool)
{
    if (!pool->current)
        return;
    pool->current = NULL;
    dismiss_idle(pool, INT64_MAX);
    wake_watcher(pool);
}

/* ---- watching ---------------------------------------------------------------------------- */

/* Off the list, one that nobody needs; NULL: there is none. Under the lock. */
static ch_python_crew *take_ended(ch_python_pool *pool)
{
    for (ch_python_crew **at = &pool->first; *at; at = &(*at)->next)
        if (*at != pool->current && !(*at)->n_out) {
            ch_python_crew *crew = *at;
            *at = crew->next;
            return crew;
        }
    return NULL;
}

static void end_crew(ch_python_crew *crew)
{
    ch_python_daemon_end(crew->daemon);
    free(crew);
}

/* Room for the outputs of all, and the pool's own descriptor. *n is how many there are. Under the lock. */
static struct pollfd *list_outputs(const ch_python_pool *pool, struct pollfd *fd, nfds_t *cap,
                                   nfds_t *n)
{
    nfds_t need = 1;
    for (const ch_python_crew *c = pool->first; c; c = c->next)
        need += 2;
    if (need > *cap) {
        struct pollfd *more = realloc(fd, need * sizeof *fd);
        if (more) {
            fd = more;
            *cap = need;
        }
    }
    *n = 0;
    if (!*cap)
        return fd;
    fd[(*n)++] = (struct pollfd){.fd = pool->wake, .events = POLLIN};
    for (const ch_python_crew *c = pool->first; c && *n + 2 <= *cap; c = c->next, *n += 2)
        ch_python_daemon_outputs(c->daemon, &fd[*n]);
    return fd;
}

/* Ends what nobody used for long, or nobody can use, and passes on what workers print. */
static void *watch(void *user)
{
    ch_python_pool *pool = user;
    struct pollfd *fd = NULL;
    nfds_t cap = 0, n;
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        ch_python_crew *ended = take_ended(pool);
        fd = list_outputs(pool, fd, &cap, &n);
        ch_python_crew *first = pool->first; /* new ones are put before it */
        pthread_mutex_unlock(&pool->lock);
        if (ended)
            end_crew(ended);
        (void)poll(fd, n, ended ? 0 : WATCH_MS);
        uint64_t woken;
        if (n && fd[0].revents)
            (void)!read(pool->wake, &woken, sizeof woken);
        for (nfds_t at = 1; at < n; at += 2, first = first->next)
            ch_python_daemon_pass_on(first->daemon, &fd[at]);
        pthread_mutex_lock(&pool->lock);
        int64_t since = ch_tick_ns() - IDLE_NS;
        dismiss_idle(pool, since);
        const ch_python_crew *c = pool->current;
        if (c && (ch_python_daemon_ended(c->daemon) ||
                  (!pool->n_idle && !pool->n_out && pool->busy_ns < since)))
            retire(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    free(fd);
    return NULL;
}

/* ---- life -------------------------------------------------------------------------------- */

ch_python_pool *ch_python_pool_new(const char *folder, int most_idle)
{
    ch_python_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->started, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    retire(pool);
    for (ch_python_crew *c; (c = take_ended(pool));)
        end_crew(c);
    if (pool->wake >= 0)
        close(pool->wake);
    pthread_cond_destroy(&pool->started);
    pthread_mutex_destroy(&pool->lock);
    free(pool->folder);
    free(pool);
}

/* ---- getting one ------------------------------------------------------------------------- */

static ch_status need_watcher(ch_python_pool *pool, const char *executable, ch_error *err)
{
    if (pool->wake < 0)
        pool->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!pool->watched && pool->wake >= 0)
        pool->watched = pthread_create(&pool->watcher, NULL, watch, pool) == 0;
    if (pool->watched)
        return CH_OK;
    CH_FAIL(err, PYTHON_START, "python", executable, "reason", "no thread can be made");
}

/* Until the one who starts a daemon has done so, or a step in time. Under the lock. */
static ch_status await_start(ch_python_pool *pool, const _Atomic bool *cancel, ch_error *err)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += STEP_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&pool->started, &pool->lock, &until);
    if (cancel && atomic_load(cancel))
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

/* A crew of these settings. Under the lock, but not while a daemon starts. */
static ch_status need_crew(ch_python_pool *pool, const ch_python_settings *settings,
                           const _Atomic bool *cancel, ch_error *err)
{
    CH_TRY(need_watcher(pool, settings->executable, err));
    while (!pool->current || !ch_python_daemon_fits(pool->current->daemon, settings)) {
        if (pool->starting) {
            CH_TRY(await_start(pool, cancel, err));
            continue;
        }
        retire(pool);
        ch_python_crew *crew = calloc(1, sizeof *crew);
        if (!crew)
            return ch_error_memory(err, "python", (int64_t)sizeof *crew, 0);
        pool->starting = true;
        pthread_mutex_unlock(&pool->lock);
        ch_status status =
            ch_python_daemon_start(pool->folder, settings, cancel, &crew->daemon, err);
        pthread_mutex_lock(&pool->lock);
        pool->starting = false;
        pthread_cond_broadcast(&pool->started);
        if (status != CH_OK) {
            free(crew);
            return status;
        }
        crew->next = pool->first;
        pool->first = pool->current = crew;
        wake_watcher(pool); /* it watches this one, too, from now on */
        return CH_OK;
    }
    return CH_OK;
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

/* *again: the daemon, which was there before, makes none; another one may. */
static ch_status get(ch_python_pool *pool, const ch_python_settings *settings,
                     const _Atomic bool *cancel, ch_python_worker **out, bool *again, ch_error *err)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    ch_python_crew *crew = NULL;
    *out = NULL;
    *again = false;
    pthread_mutex_lock(&pool->lock);
    ch_status status = need_crew(pool, settings, cancel, err);
    ch_python_worker *w = status == CH_OK ? take_idle(pool) : NULL;
    if (status == CH_OK) {
        crew = pool->current;
        crew->n_out++;
        pool->n_out++;
        pool->busy_ns = ch_tick_ns();
        strcpy(path, ch_python_daemon_path(crew->daemon));
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
        w->crew = crew;
        *out = w;
        return CH_OK;
    }
    free(w);
    pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    *again = status == CH_E_PYTHON_START;
    if (*again && pool->current == crew)
        retire(pool);
    if (--crew->n_out == 0 && crew != pool->current)
        wake_watcher(pool);
    pthread_mutex_unlock(&pool->lock);
    return status;
}

ch_status ch_python_pool_get(ch_python_pool *pool, const ch_python_settings *settings,
                             const _Atomic bool *cancel, ch_python_worker **out, ch_error *err)
{
    bool again;
    ch_status status = get(pool, settings, cancel, out, &again, err);
    if (!again)
        return status;
    if (err)
        ch_error_release(err);
    return get(pool, settings, cancel, out, &again, err);
}

void ch_python_pool_put(ch_python_pool *pool, ch_python_worker *w, bool reusable)
{
    ch_python_crew *crew = w->crew;
    if (!reusable)
        end_worker(w);
    pthread_mutex_lock(&pool->lock);
    pool->n_out--;
    pool->busy_ns = ch_tick_ns();
    if (reusable && crew == pool->current && pool->n_idle < pool->most_idle) {
        w->idle_since_ns = pool->busy_ns;
        w->next = pool->idle;
        pool->idle = w;
        pool->n_idle++;
        w = NULL;
    }
    if (--crew->n_out == 0 && crew != pool->current)
        wake_watcher(pool);
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
