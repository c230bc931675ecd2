/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.c - all functions by name: builtin/functions.def as a list of tables, and an open
 * hash table of names over it, made at first use.
 *
 * Rows of one name may lie in several families; slot chains keep them in the order of the tables.
 */
#include <pthread.h>

#include "function/function.h"

#define CH_FUNCS(family) extern const ch_func ch_func_##family[];
#include "builtin/functions.def"
#undef CH_FUNCS

static const ch_func *const FAMILY[] = {
#define CH_FUNCS(family) ch_func_##family,
#include "builtin/functions.def"
#undef CH_FUNCS
    NULL,
};

enum { N_SLOTS = 2048, MOST_ROWS = 1024 };

static const ch_func *row[MOST_ROWS + 1];
static int16_t slot[N_SLOTS];    /* first row of a name + 1, 0 = free */
static int16_t later[MOST_ROWS]; /* next row of the same name + 1, 0 = none */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static uint32_t hash_name(const char *name)
{
    uint32_t h = 2166136261U;
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619U;
    return h ^ h >> 15;
}

/* The slot of name, or the free one where it belongs. */
static int find_slot(const char *name)
{
    int s = (int)(hash_name(name) % N_SLOTS);
    while (slot[s] && strcmp(row[slot[s] - 1]->name, name) != 0)
        s = (s + 1) % N_SLOTS;
    return s;
}

static void make_table(void)
{
    int n = 0;
    for (int f = 0; FAMILY[f]; f++) {
        for (const ch_func *r = FAMILY[f]; r->name && n < MOST_ROWS; r++, n++) {
            row[n] = r;
            int s = find_slot(r->name);
            if (!slot[s]) {
                slot[s] = (int16_t)(n + 1);
                continue;
            }
            int last = slot[s] - 1;
            while (later[last])
                last = later[last] - 1;
            later[last] = (int16_t)(n + 1);
        }
    }
}

const ch_func *ch_func_at(int i)
{
    pthread_once(&once, make_table);
    return i < 0 || i >= MOST_ROWS ? NULL : row[i];
}

const ch_func *ch_func_find(const char *name)
{
    pthread_once(&once, make_table);
    int first = slot[find_slot(name)];
    return first ? row[first - 1] : NULL;
}

const ch_func *ch_func_next(const ch_func *func)
{
    pthread_once(&once, make_table);
    for (int i = slot[find_slot(func->name)]; i; i = later[i - 1])
        if (row[i - 1] == func)
            return later[i - 1] ? row[later[i - 1] - 1] : NULL;
    return NULL;
}
