/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - Ctrl-C and the progress line, while a session works.
 *
 *   ch_watch_block()   first of all, before the session starts its threads
 *   ch_watch_start(&w, session, show)  ... work ...  ch_watch_stop(&w)
 *
 * A thread waits for SIGINT, SIGTERM and SIGHUP: the first one cancels what the session runs, which then
 * fails and cleans up behind itself; a second one ends the process at once. After a second of work, and
 * if `show`, it draws one line on stderr, which vanishes at the end.
 */
#ifndef CH_CLI_WATCH_H
#define CH_CLI_WATCH_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "cli/cli.h"

typedef struct ch_watch {
    chert_session *session;
    pthread_mutex_t drawing; /* guards show and drawn */
    bool show, drawn;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    _Atomic int signal; /* the first one that came, or 0 */
    double begin;
} ch_watch;

/* Those that it waits for; not SIGHUP where it is ignored, as under nohup. */
void ch_watch_signals(sigset_t *set);
void ch_watch_block(void);
void ch_watch_start(ch_watch *watch, chert_session *session, bool show);
/* Takes the line away, for good: results come. */
void ch_watch_wipe(ch_watch *watch);
/* True if the work was told to stop. */
bool ch_watch_stop(ch_watch *watch);
/* Progress is shown on a terminal only. */
bool ch_watch_wanted(void);

#endif
