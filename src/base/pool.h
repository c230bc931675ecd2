/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.h - worker threads that take morsels of work from all running jobs in
 * turn.
 *
 * A job is a function that does one morsel (a few milliseconds, as a rule) per
 * call. The thread that runs a job works at it itself; the pool's own threads,
 * n - 1 of them, help, and after each morsel go on with the next job of the
 * ring. So no job holds up another, however long its morsels last or block:
 * each has a thread of its own, between which the system shares the cores, and
 * one job alone has n. Morsel-driven parallelism: Leis et al. 2014.
 */
#ifndef CH_BASE_POOL_H
#define CH_BASE_POOL_H

#include <stdbool.h>

#include "base/status.h"

typedef struct ch_pool ch_pool;

/*
 * One morsel of the job, as worker `slot` (0 .. max_workers - 1): no two threads
 * run the same slot of a job at once, so per-slot state needs no lock. Returns
 * false when no morsel is left for anybody to begin; other workers may still be
 * inside theirs.
 */
typedef bool (*ch_job_step)(void *job, int slot);

/* n_threads >= 1, of which one is each job's own. The others start at the first
 * job that needs more than one. NULL: no memory. */
ch_pool *ch_pool_new(int n_threads);
/* No job may be running. NULL is ignored. */
void ch_pool_free(ch_pool *pool);
/* How many slots a job has at most. */
int ch_pool_threads(const ch_pool *pool);

/*
 * Calls step until it returned false and every call has ended; only then
 * returns. The calling thread is slot 0; max_workers 1 runs all of it there. The
 * job itself keeps status and cancellation. A step must not call ch_pool_run
 * with max_workers > 1.
 */
void ch_pool_run(ch_pool *pool, ch_job_step step, void *job, int max_workers);

#endif
