/* SPDX-License-Identifier: Apache-2.0 */
/* io_threads.c - see io_threads.h. A queue under one lock: work takes milliseconds. */
#include "store/io_threads.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>

#define IDLE_S 5

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static ch_io_work *first, **last = &first;
static int n_threads, n_idle, n_queued;

static void *work(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        if (first) {
            ch_io_work *w = first;
            first = w->next;
            if (!first)
                last = &first;
            n_queued--;
            pthread_mutex_unlock(&lock);
            w->run(w);
            pthread_mutex_lock(&lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += IDLE_S;
        n_idle++;
        int late = pthread_cond_timedwait(&more, &lock, &until);
        n_idle--;
        if (late && !first)
            break;
    }
    n_threads--;
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Lock held. Signals are for the other threads. */
static bool one_more(void)
{
    pthread_t thread;
    pthread_attr_t attr;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    bool made = pthread_create(&thread, &attr, work, NULL) == 0;
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    n_threads += made;
    return made;
}

bool ch_io_start(ch_io_work *self)
{
    bool good = true;
    pthread_mutex_lock(&lock);
    if (n_queued >= n_idle && n_threads < CH_IO_THREADS)
        good = one_more() || n_threads > 0;
    if (good) {
        self->next = NULL;
        *last = self;
        last = &self->next;
        n_queued++;
        pthread_cond_signal(&more);
    }
    pthread_mutex_unlock(&lock);
    return good;
}

#define MOST_HELPERS 7

typedef struct each each;
typedef struct helper {
    ch_io_work work; /* first */
    each *of;
} helper;

struct each {
    ch_status (*step)(void *user, int64_t i, ch_error *err);
    void *user;
    int64_t n, next;
    int n_running;
    ch_status status;
    ch_error *err;
    pthread_mutex_t lock;
    pthread_cond_t done;
};

static void each_work(each *e)
{
    pthread_mutex_lock(&e->lock);
    while (e->next < e->n && e->status == CH_OK) {
        int64_t i = e->next++;
        ch_error own = {0};
        pthread_mutex_unlock(&e->lock);
        ch_status status = e->step(e->user, i, &own);
        pthread_mutex_lock(&e->lock);
        if (status != CH_OK && e->status == CH_OK) {
            e->status = status;
            (void)ch_error_pass(e->err, &own);
        }
        ch_error_release(&own);
    }
    pthread_mutex_unlock(&e->lock);
}

static void help(ch_io_work *work)
{
    each *e = ((helper *)work)->of;
    each_work(e);
    pthread_mutex_lock(&e->lock);
    e->n_running--;
    pthread_cond_signal(&e->done);
    pthread_mutex_unlock(&e->lock);
}

ch_status ch_io_each(int64_t n, ch_status (*step)(void *user, int64_t i, ch_error *err), void *user,
                     ch_error *err)
{
    each e = {.step = step, .user = user, .n = n, .err = err};
    helper helpers[MOST_HELPERS];
    pthread_mutex_init(&e.lock, NULL);
    pthread_cond_init(&e.done, NULL);
    for (int i = 0; i < MOST_HELPERS && i + 1 < n; i++) {
        helpers[i] = (helper){.work = {.run = help}, .of = &e};
        pthread_mutex_lock(&e.lock);
        e.n_running++;
        pthread_mutex_unlock(&e.lock);
        if (ch_io_start(&helpers[i].work))
            continue;
        pthread_mutex_lock(&e.lock);
        e.n_running--;
        pthread_mutex_unlock(&e.lock);
        break;
    }
    each_work(&e);
    pthread_mutex_lock(&e.lock);
    while (e.n_running > 0)
        pthread_cond_wait(&e.done, &e.lock);
    pthread_mutex_unlock(&e.lock);
    pthread_cond_destroy(&e.done);
    pthread_mutex_destroy(&e.lock);
    return e.status; /* NOLINT(clang-analyzer-core.StackAddressEscape): all helpers have ended */
}
