/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns.h - whose plan may run: those that the memory limit has room for, first come, first served.
 *
 *   wait ──▶ run ──▶ leave          when it is the first that waits, and `least` bytes are free
 *             └──▶ wait ──▶ run     once more, before the others, and without them: what it lacked was with those beside it
 *
 * How many run is no question, only what they hold: endless plans that hold little keep nobody waiting. A plan that
 * waits for its client has no turn any more (pause). One that runs alone, or waits for that, keeps others out
 * only for `patience_ns`; afterwards they may run in half of the memory.
 * Threads: any; a cn_turn is of one operation.
 */
#ifndef CH_CONNECT_TURNS_H
#define CH_CONNECT_TURNS_H

#include <pthread.h>

#include "base/mem.h"

typedef struct cn_turn cn_turn;

typedef struct cn_turns {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    ch_mem *mem;   /* borrowed: whose limit it is */
    int64_t least; /* bytes that a plan can do with */
    int64_t patience_ns, most_wait_ns;
    cn_turn *first;            /* those that wait, in order */
    int n_running;             /* that have a turn */
    bool alone;                /* one of them ought to stay the only one */
    int64_t alone_ns, left_ns; /* since when; when a turn ended last */
    int64_t n_begun, n_left;   /* turns ever */
} cn_turns;

/* Of an operation: zeroed, then take .. leave. */
struct cn_turn {
    cn_turn *next; /* of those that wait */
    bool has, alone;
    int n_alone;   /* times that it began alone */
    int64_t begun; /* turns->n_begun behind its own */
    int beside;    /* others that ran when it began */
};

/* Of an account without a limit nobody waits. */
void cn_turns_init(cn_turns *turns, ch_mem *mem, int64_t least);
void cn_turns_release(cn_turns *turns);

/* Waits for a turn. Errors CH_E_CANCELLED, once the flag is set. */
CH_NODISCARD ch_status cn_turn_take(cn_turns *turns, cn_turn *turn, const _Atomic bool *cancelled,
                                    ch_error *err);
/*
 * After a failure for want of memory: waits for a turn without others beside it, and has that then. false: it had none
 * beside it, it was cancelled, or those do not end and leave no room; it has no turn then.
 */
bool cn_turn_take_alone(cn_turns *turns, cn_turn *turn, const _Atomic bool *cancelled);
/* It does nothing until its client has read. */
void cn_turn_pause(cn_turns *turns, cn_turn *turn);
void cn_turn_leave(cn_turns *turns, cn_turn *turn);

#endif
