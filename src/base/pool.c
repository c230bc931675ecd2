/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pool.c - one mutex, one ring of jobs. The lock is taken once per morsel, which lasts
 * milliseconds, so it is never contended enough to matter.
 *
 * The thread that calls ch_pool_run has slot 0 from the first to the last morsel. Only what it does not
 * need is for the pool's n_threads - 1 own threads, so one job alone runs on n_threads.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/stack.h"

typedef struct ring_job ring_job;
struct ring_job {
    ch_job_step step;
    void *job;
    int max_workers, n_active;
    bool *busy; /* per slot of the job, max_workers of them */
    bool exhausted;
    ring_job *next; /* ring */
    pthread_cond_t done;
};

struct ch_pool {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    ring_job *current;        /* NULL: no job; else the ring's next one to serve */
    int n_threads, n_started; /* started: the pool's own, up to n_threads - 1 */
    bool stopping;
    pthread_t *threads;
};

/* Fits expressions as deep as plans may have them, whatever `ulimit -s` says; bytes. */
#define STACK_BYTES ((size_t)CH_STACK_PER_LEVEL * 2800)

typedef struct worker_start {
    ch_pool *pool;
    int thread; /* its number in the pool */
} worker_start;

ch_pool *ch_pool_new(int n_threads)
{
    ch_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    pool->n_threads = n_threads < 1 ? 1 : n_threads;
    pool->threads = calloc((size_t)pool->n_threads, sizeof *pool->threads);
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    return pool;
}

int ch_pool_threads(const ch_pool *pool)
{
    return pool->n_threads;
}

static bool wants_worker(const ring_job *j)
{
    return !j->exhausted && j->n_active < j->max_workers;
}

/* The next job of the ring that wants a worker, or NULL. */
static ring_job *pick(ch_pool *pool)
{
    ring_job *first = pool->current;
    for (ring_job *j = first; j; j = j->next == first ? NULL : j->next) {
        if (wants_worker(j)) {
            pool->current = j->next;
            return j;
        }
    }
    return NULL;
}

/* A free slot of the job: the thread's own where it can be, so that state stays near. */
static int take_slot(ring_job *j, int thread)
{
    int slot = thread + 1; /* 0 is the caller's */
    if (slot >= j->max_workers || j->busy[slot])
        for (slot = 0; j->busy[slot];)
            slot++;
    j->busy[slot] = true;
    return slot;
}

static void unlink_job(ch_pool *pool, ring_job *job)
{
    if (job->next == job) {
        pool->current = NULL;
        return;
    }
    ring_job *before = job;
    while (before->next != job)
        before = before->next;
    before->next = job->next;
    if (pool->current == job)
        pool->current = job->next;
}

static void *worker_main(void *arg)
{
    worker_start start = *(worker_start *)arg;
    free(arg);
    ch_pool *pool = start.pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        ring_job *job = pool->stopping ? NULL : pick(pool);
        if (!job) {
            if (pool->stopping)
                break;
            pthread_cond_wait(&pool->wake, &pool->lock);
            continue;
        }
        job->n_active++;
        int slot = take_slot(job, start.thread);
        pthread_mutex_unlock(&pool->lock);
        bool more = job->step(job->job, slot);
        pthread_mutex_lock(&pool->lock);
        job->busy[slot] = false;
        job->n_active--;
        if (!more)
            job->exhausted = true;
        if (job->exhausted && job->n_active == 0)
            pthread_cond_signal(&job->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static void start_threads(ch_pool *pool)
{
    pthread_attr_t attr;
    if (pool->n_started == pool->n_threads - 1 || pthread_attr_init(&attr) != 0)
        return;
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES); /* else the usual size */
    while (pool->n_started < pool->n_threads - 1) {
        worker_start *start = malloc(sizeof *start);
        if (!start)
            break;
        *start = (worker_start){pool, pool->n_started};
        if (pthread_create(&pool->threads[pool->n_started], &attr, worker_main, start) != 0) {
            free(start);
            break;
        }
        pool->n_started++;
    }
    pthread_attr_destroy(&attr);
}

static void run_here(ch_job_step step, void *job)
{
    while (step(job, 0)) {
    }
}

void ch_pool_run(ch_pool *pool, ch_job_step step, void *job, int max_workers)
{
    if (max_workers <= 1 || pool->n_threads == 1) {
        run_here(step, job);
        return;
    }
    if (max_workers > pool->n_threads)
        max_workers = pool->n_threads;
    ring_job ring = {.step = step, .job = job, .max_workers = max_workers, .n_active = 1};
    ring.busy = calloc((size_t)max_workers, sizeof *ring.busy);
    if (!ring.busy) {
        run_here(step, job);
        return;
    }
    ring.busy[0] = true;
    pthread_cond_init(&ring.done, NULL);
    pthread_mutex_lock(&pool->lock);
    start_threads(pool); /* where none is to be had: slower, not wrong */
    if (pool->current) {
        ring.next = pool->current->next;
        pool->current->next = &ring;
    } else {
        ring.next = &ring;
        /* cppcheck-suppress autoVariables -- unlinked below, before ring goes out of scope */
        pool->current = &ring;
    }
    pthread_cond_broadcast(&pool->wake);
    while (!ring.exhausted) {
        pthread_mutex_unlock(&pool->lock);
        bool more = step(job, 0);
        pthread_mutex_lock(&pool->lock);
        ring.exhausted |= !more;
    }
    ring.n_active--;
    while (ring.n_active > 0)
        pthread_cond_wait(&ring.done, &pool->lock);
    unlink_job(pool, &ring);
    pthread_mutex_unlock(&pool->lock);
    pthread_cond_destroy(&ring.done);
    free(ring.busy);
}

void ch_pool_free(ch_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_started; i++)
        pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}
