/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_threads.h - threads that wait for a network, so that those that compute need not.
 *
 * They are the process's, made when there is work and gone when there was none for a while. Work must not wait for
 * other work given to them.
 */
#ifndef CH_STORE_IO_THREADS_H
#define CH_STORE_IO_THREADS_H

#include "base/status.h"

typedef struct ch_io_work ch_io_work;
struct ch_io_work {
    void (*run)(ch_io_work *self); /* may free self */
    ch_io_work *next;              /* io_threads.c's */
};

#define CH_IO_THREADS 16

/* self stays the caller's until run. false: no thread could be had, run is not called. */
bool ch_io_start(ch_io_work *self);

/*
 * step(user, i) for i in [0, n), several at once; returns when all are done. The first error wins; steps that had
 * not begun then are left out.
 */
CH_NODISCARD ch_status ch_io_each(int64_t n,
                                  ch_status (*step)(void *user, int64_t i, ch_error *err),
                                  void *user, ch_error *err);

#endif
