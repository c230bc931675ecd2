/* SPDX-License-Identifier: Apache-2.0 */
/* turns.c - see turns.h. */
#include "connect/turns.h"

#include <time.h>

#include "base/clock.h"

/* Memory comes free, and flags are set, without a word: so often is looked. */
#define LOOK_NS (50 * 1000 * 1000)
#define SECOND INT64_C(1000000000)
/* Tries alone: others may have been let in meanwhile. */
#define MOST_ALONE 3

void cn_turns_init(cn_turns *turns, ch_mem *mem, int64_t least)
{
    int64_t some = ch_mem_limit(mem) / 8;
    *turns = (cn_turns){.mem = mem,
                        .least = least < some ? least : some,
                        .patience_ns = 2 * SECOND,
                        .most_wait_ns = 60 * SECOND};
    pthread_mutex_init(&turns->lock, NULL);
    pthread_cond_init(&turns->changed, NULL);
}

void cn_turns_release(cn_turns *turns)
{
    pthread_mutex_destroy(&turns->lock);
    pthread_cond_destroy(&turns->changed);
}

/* ---- with the lock ------------------------------------------------------------------------ */

/* Has nothing ended for so long that those who wait for it need not be waited for? */
static bool is_stuck(const cn_turns *t, int64_t since)
{
    int64_t from = t->left_ns > since ? t->left_ns : since;
    return ch_tick_ns() - from > t->patience_ns;
}

static bool has_room(const cn_turns *t, int64_t bytes)
{
    return ch_mem_limit(t->mem) == INT64_MAX || ch_mem_available(t->mem) >= bytes;
}

static bool may_run(const cn_turns *t, const cn_turn *turn, int64_t since)
{
    int64_t half = ch_mem_limit(t->mem) / 2;
    for (const cn_turn *w = t->first; w != turn; w = w->next)
        if (!w->alone || !is_stuck(t, since))
            return false;
    if (t->n_running == 0)
        return true;
    if (turn->alone)
        return is_stuck(t, since) && has_room(t, half + half / 2);
    if (t->alone)
        return ch_tick_ns() - t->alone_ns > t->patience_ns && has_room(t, half);
    return has_room(t, t->least);
}

/* Behind those that wait; one that must be alone, before the others. */
static void enqueue(cn_turns *t, cn_turn *turn)
{
    cn_turn **at = &t->first;
    while (*at && (!turn->alone || (*at)->alone))
        at = &(*at)->next;
    turn->next = *at;
    *at = turn;
}

static void dequeue(cn_turns *t, const cn_turn *turn)
{
    for (cn_turn **at = &t->first; *at; at = &(*at)->next)
        if (*at == turn) {
            *at = turn->next;
            break;
        }
    pthread_cond_broadcast(&t->changed); /* another one is the first */
}

static void look_later(cn_turns *t)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += LOOK_NS;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&t->changed, &t->lock, &until);
}

static void begin(cn_turns *t, cn_turn *turn)
{
    turn->has = true;
    turn->beside = t->n_running++;
    turn->begun = ++t->n_begun;
    if (!turn->alone)
        return;
    turn->n_alone++;
    t->alone = true;
    t->alone_ns = ch_tick_ns();
}

static void end(cn_turns *t, cn_turn *turn)
{
    if (!turn->has)
        return;
    turn->has = false;
    t->n_running--;
    t->n_left++;
    t->left_ns = ch_tick_ns();
    if (turn->alone)
        t->alone = false;
    pthread_cond_broadcast(&t->changed);
}

/* ---- turns -------------------------------------------------------------------------------- */

/* Waits in the queue, with the lock; false: not any longer. */
static bool wait_for(cn_turns *t, cn_turn *turn, const _Atomic bool *cancelled)
{
    int64_t begun = ch_tick_ns(), left = t->n_left, since = begun;
    bool go_on = true;
    enqueue(t, turn);
    while (go_on && !*cancelled && !may_run(t, turn, begun)) {
        look_later(t);
        if (t->n_left != left)
            since = ch_tick_ns();
        left = t->n_left;
        go_on = !turn->alone || ch_tick_ns() - since < t->most_wait_ns;
    }
    go_on &= !*cancelled;
    dequeue(t, turn);
    if (go_on)
        begin(t, turn);
    return go_on;
}

ch_status cn_turn_take(cn_turns *turns, cn_turn *turn, const _Atomic bool *cancelled, ch_error *err)
{
    pthread_mutex_lock(&turns->lock);
    bool has = wait_for(turns, turn, cancelled);
    pthread_mutex_unlock(&turns->lock);
    if (!has)
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

bool cn_turn_take_alone(cn_turns *turns, cn_turn *turn, const _Atomic bool *cancelled)
{
    pthread_mutex_lock(&turns->lock);
    bool beside = turn->beside > 0 || turns->n_begun != turn->begun;
    bool again = turn->has && turn->n_alone < MOST_ALONE && beside;
    end(turns, turn);
    if (again) {
        turn->alone = true;
        again = wait_for(turns, turn, cancelled);
    }
    pthread_mutex_unlock(&turns->lock);
    return again;
}

void cn_turn_pause(cn_turns *turns, cn_turn *turn)
{
    pthread_mutex_lock(&turns->lock);
    end(turns, turn);
    pthread_mutex_unlock(&turns->lock);
}

void cn_turn_leave(cn_turns *turns, cn_turn *turn)
{
    cn_turn_pause(turns, turn);
}
