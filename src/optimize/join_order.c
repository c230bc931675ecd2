/* SPDX-License-Identifier: Apache-2.0 */
/* join_order.c - the best tree of joins, by what it has to build, probe and give. */
#include "optimize/join_order.h"

#include <math.h>
#include <stdbool.h>

#define MOST_FOR_ALL_TREES 12

/* What one row costs: to be put into a hash table, to be looked up there, to be given on. */
#define BUILD 2.0
#define PROBE 1.0
#define GIVE 1.0

static int first_of(uint64_t set)
{
    return __builtin_ctzll(set);
}
static bool is_single(uint64_t set)
{
    return (set & (set - 1)) == 0;
}
static uint64_t neighbours(const ch_join_graph *g, uint64_t set)
{
    uint64_t out = 0;
    for (uint64_t rest = set; rest; rest &= rest - 1)
        out |= g->near[first_of(rest)];
    return out;
}

/* May right be joined to left? A relation that only filters must stand on the right, its columns on the left. */
static bool fits(const ch_join_graph *g, uint64_t left, uint64_t right)
{
    if (is_single(left) && g->needs[first_of(left)])
        return false;
    uint64_t needs = is_single(right) ? g->needs[first_of(right)] : 0;
    return (needs & left) == needs;
}

/* Parts that no condition connects are joined by their smallest relations. */
static void connect_parts(ch_join_graph *g)
{
    uint64_t all = (UINT64_C(1) << g->n) - 1, seen = 0, smallest = 0;
    while (seen != all) {
        uint64_t part = UINT64_C(1) << first_of(all & ~seen), grown = 0;
        while (grown != part) {
            grown = part;
            part |= neighbours(g, part) & all;
        }
        int best = -1;
        for (uint64_t rest = part; rest; rest &= rest - 1) {
            int i = first_of(rest);
            if (!g->needs[i] && (best < 0 || g->rows[i] < g->rows[best]))
                best = i;
        }
        smallest |= best < 0 ? 0 : UINT64_C(1) << best;
        seen |= part;
    }
    for (uint64_t rest = smallest; rest; rest &= rest - 1)
        g->near[first_of(rest)] |= smallest & ~(rest & -rest);
}

static double cost_of(double left, double right, double out)
{
    return BUILD * fmin(left, right) + PROBE * fmax(left, right) + GIVE * out;
}

/* ---- every tree -------------------------------------------------------------------------- */

typedef struct plan {
    double rows, cost; /* cost < 0: there is none without a cross product */
    uint32_t left, near;
} plan;

static void try_pair(const ch_join_graph *g, plan *p, uint32_t set, uint32_t left)
{
    uint32_t right = set & ~left;
    if (p[left].cost < 0 || p[right].cost < 0 || !(p[left].near & right) || !fits(g, left, right))
        return;
    if (p[set].cost < 0)
        p[set].rows = g->join_rows(g, left, p[left].rows, right, p[right].rows);
    double cost = p[left].cost + p[right].cost + cost_of(p[left].rows, p[right].rows, p[set].rows);
    if (p[set].cost < 0 || cost < p[set].cost) {
        p[set].cost = cost;
        p[set].left = left;
    }
}

static int put_steps(const ch_join_graph *g, const plan *p, uint32_t set, ch_join_step *step, int n)
{
    uint32_t left = p[set].left, right = set & ~left;
    if (is_single(set))
        return n;
    n = put_steps(g, p, left, step, n);
    n = put_steps(g, p, right, step, n);
    bool swap = p[left].rows < p[right].rows && fits(g, right, left);
    step[n] = swap ? (ch_join_step){right, left} : (ch_join_step){left, right};
    return n + 1;
}

static ch_status all_trees(const ch_join_graph *g, ch_mem *mem, ch_join_step *step, bool *found,
                           ch_error *err)
{
    uint32_t n_sets = UINT32_C(1) << g->n;
    size_t bytes = sizeof(plan) * n_sets;
    plan *p = ch_mem_alloc(mem, bytes, err);
    if (!p)
        return CH_E_MEMORY;
    for (uint32_t set = 1; set < n_sets; set++) {
        p[set] = (plan){.cost = -1, .near = (uint32_t)neighbours(g, set)};
        if (is_single(set)) {
            p[set].rows = g->rows[first_of(set)];
            p[set].cost = 0;
            continue;
        }
        for (uint32_t left = (set - 1) & set; left; left = (left - 1) & set)
            try_pair(g, p, set, left);
    }
    *found = p[n_sets - 1].cost >= 0;
    if (*found)
        put_steps(g, p, n_sets - 1, step, 0);
    ch_mem_free(mem, p, bytes);
    return CH_OK;
}

/* ---- greedy ------------------------------------------------------------------------------ */

static void greedy(const ch_join_graph *g, ch_join_step *step)
{
    uint64_t set[CH_JOIN_ORDER_MAX];
    double rows[CH_JOIN_ORDER_MAX];
    for (int i = 0; i < g->n; i++) {
        set[i] = UINT64_C(1) << i;
        rows[i] = g->rows[i];
    }
    for (int n = g->n, at = 0; n > 1; n--, at++) {
        int a = 0, b = 1; /* some two fit: what a relation needs was written before it */
        double best = 0;
        bool any = false, best_near = false;
        for (int i = 0; i < n; i++)
            for (int k = 0; k < n; k++) {
                if (i == k || !fits(g, set[i], set[k]) || (k < i && fits(g, set[k], set[i])))
                    continue;
                bool near = (neighbours(g, set[i]) & set[k]) != 0;
                double out = g->join_rows(g, set[i], rows[i], set[k], rows[k]);
                if (any && (best_near > near || (best_near == near && best <= out)))
                    continue;
                any = true;
                a = i;
                b = k;
                best = out;
                best_near = near;
            }
        bool swap = rows[a] < rows[b] && fits(g, set[b], set[a]);
        step[at] = (ch_join_step){set[swap ? b : a], set[swap ? a : b]};
        set[a] |= set[b];
        rows[a] = best;
        set[b] = set[n - 1];
        rows[b] = rows[n - 1];
    }
}

ch_status ch_join_order(ch_join_graph *g, ch_mem *mem, ch_join_step *step, ch_error *err)
{
    bool found = false;
    connect_parts(g);
    if (g->n <= MOST_FOR_ALL_TREES)
        CH_TRY(all_trees(g, mem, step, &found, err));
    if (!found)
        greedy(g, step);
    return CH_OK;
}
