/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_order.h - in which order to join n relations, as a question about numbers and sets.
 *
 * A set of relations is a word of bits. Every tree of joins is tried for few relations, by dynamic programming
 * over connected subsets (Moerkotte and Neumann, Analysis of two existing and one new dynamic
 * programming algorithm, 2006: DPsub); for many, the two that give the fewest rows are joined again
 * and again (Fegaras, 1998: greedy operator ordering).
 */
#ifndef CH_OPTIMIZE_JOIN_ORDER_H
#define CH_OPTIMIZE_JOIN_ORDER_H

#include <stdint.h>

#include "base/arena.h"

enum { CH_JOIN_ORDER_MAX = 48 };

typedef struct ch_join_graph ch_join_graph;
struct ch_join_graph {
    int n; /* relations, at most CH_JOIN_ORDER_MAX */
    double rows[CH_JOIN_ORDER_MAX];
    /* Relations that a condition connects with relation i. */
    uint64_t near[CH_JOIN_ORDER_MAX];
    /* Not 0: relation i only filters (semi, anti): it stands alone on the right, once the left has these. */
    uint64_t needs[CH_JOIN_ORDER_MAX];
    /* Rows of left joined with right, which have the rows given. */
    double (*join_rows)(const ch_join_graph *graph, uint64_t left, double left_rows, uint64_t right,
                        double right_rows);
    void *user;
};

typedef struct ch_join_step {
    uint64_t left,
        right; /* the larger side is left; each is one relation or an earlier step's union */
} ch_join_step;

/*
 * step[0 .. n-2]: the joins, inputs before those that use them.
 * Cost O(3^n) up to 12 relations, O(n^3) beyond. Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_join_order(ch_join_graph *graph, ch_mem *mem, ch_join_step *step,
                                     ch_error *err);

#endif
