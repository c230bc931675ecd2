/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_pool.c - jobs on worker threads. The counters that one slot owns are plain on
 * purpose: under ThreadSanitizer they prove that no two threads run one slot at once.
 */
#include "base/pool.h"

#include <pthread.h>
#include <stdatomic.h>

#include "unit.h"

#define MAX_SLOTS 8

typedef struct counting_job {
    _Atomic int64_t next;
    int64_t n_morsels;
    int64_t done[MAX_SLOTS];
    _Atomic int n_inside, most_inside;
} counting_job;

static bool count_step(void *arg, int slot)
{
    counting_job *job = arg;
    int inside = atomic_fetch_add(&job->n_inside, 1) + 1;
    int most = atomic_load(&job->most_inside);
    while (inside > most && !atomic_compare_exchange_weak(&job->most_inside, &most, inside)) {
    }
    bool mine = atomic_fetch_add(&job->next, 1) < job->n_morsels;
    if (mine)
        job->done[slot]++;
    atomic_fetch_sub(&job->n_inside, 1);
    return mine;
}

static int64_t total(const counting_job *job)
{
    int64_t sum = 0;
    for (int i = 0; i < MAX_SLOTS; i++)
        sum += job->done[i];
    return sum;
}

static void every_morsel_is_done_once(void **state)
{
    CH_UNUSED(state);
    ch_pool *pool = ch_pool_new(4);
    for (int round = 0; round < 50; round++) {
        counting_job job = {.n_morsels = round * 7};
        ch_pool_run(pool, count_step, &job, 4);
        assert_int_equal(total(&job), round * 7);
    }
    ch_pool_free(pool);
}

static void a_job_gets_no_more_workers_than_it_asked_for(void **state)
{
    CH_UNUSED(state);
    ch_pool *pool = ch_pool_new(8);
    counting_job job = {.n_morsels = 20000};
    ch_pool_run(pool, count_step, &job, 3);
    assert_int_equal(total(&job), 20000);
    assert_true(atomic_load(&job.most_inside) <= 3);
    for (int slot = 3; slot < MAX_SLOTS; slot++)
        assert_int_equal(job.done[slot], 0);
    ch_pool_free(pool);
}

static void one_worker_is_the_calling_thread(void **state)
{
    CH_UNUSED(state);
    ch_pool *pool = ch_pool_new(4);
    counting_job job = {.n_morsels = 100};
    ch_pool_run(pool, count_step, &job, 1);
    assert_int_equal(job.done[0], 100);
    ch_pool_free(pool);
    ch_pool_free(NULL);
}

static void *run_one_job(void *arg)
{
    counting_job job = {.n_morsels = 3000};
    ch_pool_run(arg, count_step, &job, 4);
    return (void *)(intptr_t)total(&job);
}

static void jobs_of_several_threads_share_the_workers(void **state)
{
    CH_UNUSED(state);
    ch_pool *pool = ch_pool_new(4);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_one_job, pool), 0);
    for (int i = 0; i < 6; i++) {
        void *done;
        pthread_join(threads[i], &done);
        assert_int_equal((intptr_t)done, 3000);
    }
    ch_pool_free(pool);
}

typedef struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int n_inside;
    bool open;
} gate;

/* A morsel that lasts until the gate is opened. */
static bool wait_step(void *arg, int slot)
{
    gate *g = arg;
    CH_UNUSED(slot);
    pthread_mutex_lock(&g->lock);
    g->n_inside++;
    pthread_cond_broadcast(&g->changed);
    while (!g->open)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return false;
}

typedef struct slow_job {
    ch_pool *pool;
    gate *gate;
} slow_job;

static void *run_slow_job(void *arg)
{
    slow_job *slow = arg;
    ch_pool_run(slow->pool, wait_step, slow->gate, 2);
    return NULL;
}

static void a_job_ends_while_others_hold_every_worker(void **state)
{
    CH_UNUSED(state);
    enum { SLOW = 8 };
    ch_pool *pool = ch_pool_new(2);
    gate g = {.n_inside = 0};
    pthread_mutex_init(&g.lock, NULL);
    pthread_cond_init(&g.changed, NULL);
    slow_job slow = {pool, &g};
    pthread_t threads[SLOW];
    for (int i = 0; i < SLOW; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_slow_job, &slow), 0);
    pthread_mutex_lock(&g.lock);
    while (g.n_inside < SLOW + 1) /* each one's own thread, and the pool's */
        pthread_cond_wait(&g.changed, &g.lock);
    pthread_mutex_unlock(&g.lock);
    for (int i = 0; i < 20; i++) {
        counting_job job = {.n_morsels = 1000};
        ch_pool_run(pool, count_step, &job, 2);
        assert_int_equal(total(&job), 1000);
    }
    pthread_mutex_lock(&g.lock);
    g.open = true;
    pthread_cond_broadcast(&g.changed);
    pthread_mutex_unlock(&g.lock);
    for (int i = 0; i < SLOW; i++)
        pthread_join(threads[i], NULL);
    ch_pool_free(pool);
    pthread_cond_destroy(&g.changed);
    pthread_mutex_destroy(&g.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_morsel_is_done_once),
        cmocka_unit_test(a_job_gets_no_more_workers_than_it_asked_for),
        cmocka_unit_test(one_worker_is_the_calling_thread),
        cmocka_unit_test(jobs_of_several_threads_share_the_workers),
        cmocka_unit_test(a_job_ends_while_others_hold_every_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
