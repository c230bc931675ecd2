/* SPDX-License-Identifier: Apache-2.0 */
/* test_turns.c - whose plan may run: first come, first served; alone; cancelled while it waits. */
#include "connect/turns.h"

#include <sched.h>
#include <stdatomic.h>

#include "unit.h"

#define MIB ((int64_t)1 << 20)

typedef struct plan {
    cn_turns *turns;
    cn_turn turn;
    pthread_t thread;
    _Atomic bool cancelled;
    _Atomic int *order; /* the next place */
    int place;          /* -1: it was cancelled */
    bool alone, again;
} plan;

static void *run_plan(void *arg)
{
    plan *p = arg;
    ch_error err = {0};
    p->place = -1;
    if (p->alone) {
        p->again = cn_turn_take_alone(p->turns, &p->turn, &p->cancelled);
        if (p->again)
            p->place = atomic_fetch_add(p->order, 1);
    } else if (cn_turn_take(p->turns, &p->turn, &p->cancelled, &err) == CH_OK) {
        p->place = atomic_fetch_add(p->order, 1);
    } else {
        assert_int_equal(err.code, CH_E_CANCELLED);
        ch_error_release(&err);
    }
    cn_turn_leave(p->turns, &p->turn);
    return NULL;
}

static int n_waiting(cn_turns *turns)
{
    int n = 0;
    pthread_mutex_lock(&turns->lock);
    for (const cn_turn *t = turns->first; t; t = t->next)
        n++;
    pthread_mutex_unlock(&turns->lock);
    return n;
}

/* Begins to wait, and does. */
static void start(plan *p, cn_turns *turns, _Atomic int *order)
{
    int before = n_waiting(turns);
    p->turns = turns;
    p->order = order;
    assert_int_equal(pthread_create(&p->thread, NULL, run_plan, p), 0);
    while (n_waiting(turns) == before)
        sched_yield();
}

/* Tests of order wait as long as it takes. */
static void init(cn_turns *turns, ch_mem *mem)
{
    cn_turns_init(turns, mem, 32 * MIB);
    turns->patience_ns = turns->most_wait_ns = INT64_MAX / 4;
}

static void take(cn_turns *turns, cn_turn *turn)
{
    static const _Atomic bool never;
    assert_int_equal(cn_turn_take(turns, turn, &never, NULL), CH_OK);
}

static void plans_run_in_the_order_in_which_they_came(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 40 * MIB);
    cn_turns turns;
    cn_turn first = {0};
    plan p[4] = {0};
    _Atomic int order = 0;
    init(&turns, mem);
    take(&turns, &first);
    assert_int_equal(ch_mem_charge(mem, 39 * MIB, NULL), CH_OK);
    for (int i = 0; i < 4; i++)
        start(&p[i], &turns, &order);
    assert_int_equal(atomic_load(&order), 0);
    cn_turn_leave(&turns, &first); /* one at a time: nothing is free */
    for (int i = 0; i < 4; i++) {
        pthread_join(p[i].thread, NULL);
        assert_int_equal(p[i].place, i);
    }
    ch_mem_discharge(mem, 39 * MIB);
    cn_turns_release(&turns);
    ch_mem_close(mem);
}

static void a_plan_waits_while_the_memory_is_not_free(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 128 * MIB);
    cn_turns turns;
    cn_turn first = {0};
    plan p = {0};
    _Atomic int order = 0;
    init(&turns, mem);
    take(&turns, &first);
    assert_int_equal(ch_mem_charge(mem, 120 * MIB, NULL), CH_OK);
    start(&p, &turns, &order);
    ch_mem_discharge(mem, 120 * MIB);
    pthread_join(p.thread, NULL); /* though the first one runs on */
    assert_int_equal(p.place, 0);
    cn_turn_leave(&turns, &first);
    cn_turns_release(&turns);
    ch_mem_close(mem);
}

static void waiting_is_cancelled(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 40 * MIB);
    cn_turns turns;
    cn_turn first = {0};
    plan p = {0};
    _Atomic int order = 0;
    init(&turns, mem);
    take(&turns, &first);
    assert_int_equal(ch_mem_charge(mem, 39 * MIB, NULL), CH_OK);
    start(&p, &turns, &order);
    atomic_store(&p.cancelled, true);
    pthread_join(p.thread, NULL);
    assert_int_equal(p.place, -1);
    assert_int_equal(n_waiting(&turns), 0);
    ch_mem_discharge(mem, 39 * MIB);
    cn_turn_leave(&turns, &first);
    cn_turns_release(&turns);
    ch_mem_close(mem);
}

static void who_waits_for_a_client_holds_up_nobody(void **state)
{
    CH_UNUSED(state);
    ch_mem *mem = ch_mem_new(NULL, "test", 40 * MIB);
    cn_turns turns;
    cn_turn first = {0}, second = {0};
    init(&turns, mem);
    take(&turns, &first);
    assert_int_equal(ch_mem_charge(mem, 39 * MIB, NULL), CH_OK);
    cn_turn_pause(&turns, &first);
    take(&turns, &second);
    ch_mem_discharge(mem, 39 * MIB);
    cn_turn_leave(&turns, &first); /* again: nothing */
    assert_int_equal(turns.n_running, 1);
    cn_turn_leave(&turns, &second);
    assert_int_equal(turns.n_running, 0);
    cn_turns_release(&turns);
    ch_mem_close(mem);
}

static void a_plan_that_failed_beside_others_runs_alone_before_those_that_wait(void **state)
{
    CH_UNUSED(state);
    static const _Atomic bool never;
    ch_mem *mem = ch_mem_new(NULL, "test", 64 * MIB);
    cn_turns turns;
    cn_turn first = {0};
    plan failed = {.alone = true}, later = {0};
    _Atomic int order = 0;
    init(&turns, mem);
    take(&turns, &first);
    take(&turns, &failed.turn);
    start(&failed, &turns, &order); /* its turn is over, and it waits for `first` */
    start(&later, &turns, &order);
    assert_int_equal(atomic_load(&order), 0);
    cn_turn_leave(&turns, &first);
    pthread_join(failed.thread, NULL);
    pthread_join(later.thread, NULL);
    assert_true(failed.again);
    assert_int_equal(failed.place, 0);
    assert_int_equal(later.place, 1);
    /* Who was alone anyway has no other try. */
    take(&turns, &first);
    assert_false(cn_turn_take_alone(&turns, &first, &never));
    assert_int_equal(turns.n_running, 0);
    cn_turns_release(&turns);
    ch_mem_close(mem);
}

static void others_run_beside_one_that_runs_alone_for_long(void **state)
{
    CH_UNUSED(state);
    static const _Atomic bool never;
    ch_mem *mem = ch_mem_new(NULL, "test", 64 * MIB);
    cn_turns turns;
    cn_turn first = {0}, alone = {0}, other = {0};
    init(&turns, mem);
    turns.patience_ns = 0;
    take(&turns, &first);
    take(&turns, &alone);
    assert_true(
        cn_turn_take_alone(&turns, &alone, &never)); /* `first` holds nothing, and does not end */
    take(&turns, &other);
    assert_int_equal(turns.n_running, 3);
    cn_turn_leave(&turns, &other);
    cn_turn_leave(&turns, &alone);
    cn_turn_leave(&turns, &first);
    cn_turns_release(&turns);
    ch_mem_close(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_run_in_the_order_in_which_they_came),
        cmocka_unit_test(a_plan_waits_while_the_memory_is_not_free),
        cmocka_unit_test(waiting_is_cancelled),
        cmocka_unit_test(who_waits_for_a_client_holds_up_nobody),
        cmocka_unit_test(a_plan_that_failed_beside_others_runs_alone_before_those_that_wait),
        cmocka_unit_test(others_run_beside_one_that_runs_alone_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
