/* SPDX-License-Identifier: Apache-2.0 */
/* python_daemon.h - the process that forks workers: started, heard, ended. Of the pool; one thread hears and ends it. */
#ifndef CH_PYTHON_PYTHON_DAEMON_H
#define CH_PYTHON_PYTHON_DAEMON_H

#include <poll.h>

#include "python/python_pool.h"

typedef struct ch_python_daemon ch_python_daemon;

/* Errors CH_E_PYTHON_START, with what it wrote before it ended; CH_E_CANCELLED. */
CH_NODISCARD ch_status ch_python_daemon_start(const char *folder,
                                              const ch_python_settings *settings,
                                              const _Atomic bool *cancel, ch_python_daemon **out,
                                              ch_error *err);
/* Is it there, and was started with these? */
bool ch_python_daemon_fits(const ch_python_daemon *daemon, const ch_python_settings *settings);
/* Has it ended by itself, or was it killed? */
bool ch_python_daemon_ended(const ch_python_daemon *daemon);
/* Of its socket; fits into sockaddr_un. */
const char *ch_python_daemon_path(const ch_python_daemon *daemon);
/* Its workers end with it. */
void ch_python_daemon_end(ch_python_daemon *daemon);

/* What it and its workers print: two descriptors to wait for, and what came goes to our stderr. */
void ch_python_daemon_outputs(const ch_python_daemon *daemon, struct pollfd *fd);
void ch_python_daemon_pass_on(ch_python_daemon *daemon, const struct pollfd *fd);

/*
 * Reads up to `bytes` until they are there, the other side ends, or it takes too long; *have is how many came.
 * Errors CH_E_CANCELLED.
 */
CH_NODISCARD ch_status ch_python_read(int fd, void *to, size_t bytes, size_t *have, int timeout_ms,
                                      const _Atomic bool *cancel, ch_error *err);

#endif
