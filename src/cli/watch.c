/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c - the thread that waits for signals and draws the progress line. */
#include "cli/watch.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

void ch_watch_signals(sigset_t *set)
{
    struct sigaction hangup;
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) /* nohup's */
        sigaddset(set, SIGHUP);
}

static void watched_signals(sigset_t *set)
{
    ch_watch_signals(set);
    sigaddset(set, SIGUSR2); /* the work is over */
}

void ch_watch_block(void)
{
    sigset_t set;
    watched_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool ch_watch_wanted(void)
{
    const char *term = getenv("TERM");
    return isatty(STDERR_FILENO) && !(term && strcmp(term, "dumb") == 0);
}

/* "2 s left", "3 min left" */
static void time_left(char out[32], double seconds)
{
    if (seconds < 90)
        snprintf(out, 32, "%.0f s left", seconds + 0.5);
    else if (seconds < 5400)
        snprintf(out, 32, "%.0f min left", seconds / 60);
    else
        snprintf(out, 32, "%.1f h left", seconds / 3600);
}

static void draw(const ch_watch *w)
{
    chert_progress p = CHERT_PROGRESS_INIT;
    char rows[32], done[32], total[32], rate[32], left[32] = "";
    if (!chert_session_progress(w->session, &p))
        return;
    double seconds = ch_cli_now() - w->begin;
    double speed = seconds > 0 ? (double)p.bytes_done / seconds : 0;
    ch_cli_count(rows, p.rows);
    ch_cli_bytes(done, (double)p.bytes_done);
    ch_cli_bytes(rate, speed);
    fputs("\r\033[K", stderr);
    if (p.bytes_total > 0) {
        double share = (double)p.bytes_done / (double)p.bytes_total;
        enum { WIDTH = 24 };
        share = share > 1 ? 1 : share;
        ch_cli_bytes(total, (double)p.bytes_total);
        if (speed > 0)
            time_left(left, (double)(p.bytes_total - p.bytes_done) / speed);
        fprintf(stderr, "%3.0f %% [", share * 100);
        for (int i = 0; i < WIDTH; i++)
            fputc(i < (int)(share * WIDTH) ? '#' : '.', stderr);
        fprintf(stderr, "] %s rows  %s of %s  %s/s  %s", rows, done, total, rate, left);
    } else {
        if (p.bytes_done > 0)
            fprintf(stderr, "%s rows  %s  %s/s  ", rows, done, rate);
        else if (p.rows > 0)
            fprintf(stderr, "%s rows  ", rows);
        fprintf(stderr, "%.0f s", seconds);
    }
    fflush(stderr);
}

void ch_watch_wipe(ch_watch *w)
{
    pthread_mutex_lock(&w->drawing);
    if (w->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    w->drawn = w->show = false;
    pthread_mutex_unlock(&w->drawing);
}

static void *watch_loop(void *arg)
{
    ch_watch *w = arg;
    sigset_t set;
    watched_signals(&set);
    while (!atomic_load(&w->stop)) {
        struct timespec tick = {.tv_nsec = 100 * 1000 * 1000};
        int signal = sigtimedwait(&set, NULL, &tick);
        if (signal > 0 && signal != SIGUSR2) {
            if (atomic_load(&w->signal)) {
                ch_watch_wipe(w);
                _exit(128 + signal);
            }
            atomic_store(&w->signal, signal);
        }
        /* Again at every tick: the query may have begun after the signal came. */
        if (atomic_load(&w->signal))
            chert_session_cancel(w->session);
        if (!atomic_load(&w->stop) && ch_cli_now() - w->begin > 1) {
            pthread_mutex_lock(&w->drawing);
            if (w->show) {
                draw(w);
                w->drawn = true;
            }
            pthread_mutex_unlock(&w->drawing);
        }
    }
    ch_watch_wipe(w);
    return NULL;
}

void ch_watch_start(ch_watch *w, chert_session *session, bool show)
{
    *w = (ch_watch){.session = session, .show = show, .begin = ch_cli_now()};
    pthread_mutex_init(&w->drawing, NULL);
    w->started = pthread_create(&w->thread, NULL, watch_loop, w) == 0;
}

bool ch_watch_stop(ch_watch *w)
{
    if (w->started) {
        atomic_store(&w->stop, true);
        pthread_kill(w->thread, SIGUSR2);
        pthread_join(w->thread, NULL);
        w->started = false;
        pthread_mutex_destroy(&w->drawing);
    }
    return atomic_load(&w->signal) != 0;
}
