/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_pool.h - the Python processes of one session.
 *
 *   chert ──stdin──▶ daemon  (python -m pyspark.daemon: started when it is first needed)
 *     │                 │ fork, once for each connection to its socket
 *     └────socket──▶ worker  (a module, such as pyspark.worker: one task after another)
 *
 * A worker that ended its task well waits here for the next one; one that nobody wanted for a minute ends,
 * and so does a daemon without workers. The daemon ends when its stdin closes, however we end, and its
 * workers end with it. Nothing but the three pipes and sockets is handed down: every other descriptor is
 * closed before the daemon runs.
 */
#ifndef CH_PYTHON_PYTHON_POOL_H
#define CH_PYTHON_PYTHON_POOL_H

#include <sys/types.h>

#include "base/mem.h"

typedef struct ch_python_pool ch_python_pool;

/* What a daemon is started with; when this changes another takes its place, for the workers that come then. */
typedef struct ch_python_settings {
    const char *module;     /* that the workers run; static */
    const char *executable; /* looked for in PATH */
    int64_t memory_mb;      /* RLIMIT_AS of each worker; 0: none */
    bool hide_traceback, simplified_traceback;
} ch_python_settings;

typedef struct ch_python_crew ch_python_crew; /* a daemon and its workers */
typedef struct ch_python_worker ch_python_worker;
struct ch_python_worker {
    int fd;
    int process; /* a pidfd, or -1 */
    pid_t pid;
    ch_python_crew *crew;  /* of which one it is */
    int64_t idle_since_ns; /* while it waits */
    ch_python_worker *next;
};

/* NULL: no memory. folder: where sockets are made; copied. */
ch_python_pool *ch_python_pool_new(const char *folder, int most_idle);
/* Ends all processes; no worker may be out. NULL is ignored. */
void ch_python_pool_free(ch_python_pool *pool);

/*
 * A worker for one task. Threads: any, at once.
 * Errors CH_E_PYTHON_START, CH_E_CANCELLED when *cancel (may be NULL) becomes true.
 */
CH_NODISCARD ch_status ch_python_pool_get(ch_python_pool *pool, const ch_python_settings *settings,
                                          const _Atomic bool *cancel, ch_python_worker **out,
                                          ch_error *err);
/* Takes it back. reusable: its task is over and it waits for the next; otherwise it is killed. */
void ch_python_pool_put(ch_python_pool *pool, ch_python_worker *worker, bool reusable);
/* How many there are, idle ones and those that are out. */
int ch_python_pool_workers(ch_python_pool *pool);

#endif
