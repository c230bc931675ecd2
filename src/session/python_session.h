/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_session.h - what a session has for functions in Python: the processes that run them, and the files that these
 * see. Functions that were registered under a name are in session/functions.h.
 *
 * Threads: any, each call is one step.
 */
#ifndef CH_SESSION_PYTHON_SESSION_H
#define CH_SESSION_PYTHON_SESSION_H

#include <pthread.h>

#include "python/python_task.h"
#include "session/session.h"

typedef struct ch_python_session {
    pthread_mutex_t lock;
    ch_python_pool *pool, *planner; /* made when they are first needed */
    char *files;                    /* malloc: folder of what the client uploaded; or NULL */
    char **include;                 /* malloc: names of archives in it */
    int32_t n_include;
} ch_python_session;

/* That of the session; it lives as long as the session. */
ch_python_session *ch_session_python(ch_session *session);
/* Ends the processes, forgets the files. */
void ch_python_session_release(ch_session *session);

/*
 * A file that the client uploaded: workers find modules (.py) and archives (.zip, .egg) by its name, the last
 * part of `name`. Errors CH_E_IO. Removed with the session.
 */
CH_NODISCARD ch_status ch_python_add_file(ch_session *session, const char *name,
                                          const uint8_t *bytes, int64_t len, ch_error *err);
CH_NODISCARD ch_status ch_python_files_copy(ch_session *from, ch_session *to, ch_error *err);
void ch_python_files_release(ch_python_session *python);

/*
 * What the tasks of one query share, as the settings are now; in arena.
 *   time_zone  borrows
 */
CH_NODISCARD ch_status ch_python_runtime_make(ch_session *session, const char *time_zone,
                                              ch_arena *arena, const ch_python_runtime **out,
                                              ch_error *err);

#endif
