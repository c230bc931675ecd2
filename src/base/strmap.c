/* SPDX-License-Identifier: Apache-2.0 */
/* strmap.c - open addressing over an insertion-ordered entry array. */
#include "base/strmap.h"

#include <strings.h>

static uint32_t hash_key(const char *key, bool nocase)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (; *key; key++) {
        unsigned char c = (unsigned char)*key;
        if (nocase && c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + 32);
        h = (h ^ c) * 16777619u;
    }
    return h;
}

void ch_strmap_init(ch_strmap *map, ch_arena *arena, bool nocase)
{
    *map = (ch_strmap){.arena = arena, .nocase = nocase};
}

static int32_t find(const ch_strmap *map, const char *key, uint32_t hash)
{
    if (!map->slot) {
        for (int32_t i = 0; i < map->n; i++) {
            const ch_strmap_entry *e = &map->entry[i];
            if (e->hash == hash &&
                (map->nocase ? strcasecmp(e->key, key) : strcmp(e->key, key)) == 0)
                return i;
        }
        return -1;
    }
    uint32_t mask = (uint32_t)map->n_slots - 1;
    for (uint32_t s = hash & mask; map->slot[s]; s = (s + 1) & mask) {
        int32_t i = map->slot[s] - 1;
        const ch_strmap_entry *e = &map->entry[i];
        if (e->hash == hash && (map->nocase ? strcasecmp(e->key, key) : strcmp(e->key, key)) == 0)
            return i;
    }
    return -1;
}

static void put_slot(ch_strmap *map, int32_t i)
{
    uint32_t mask = (uint32_t)map->n_slots - 1, s = map->entry[i].hash & mask;
    while (map->slot[s])
        s = (s + 1) & mask;
    map->slot[s] = i + 1;
}

static ch_status grow(ch_strmap *map, ch_error *err)
{
    int32_t cap = map->cap ? map->cap * 2 : 8;
    ch_strmap_entry *entry;
    CH_ARENA_ARRAY(entry, map->arena, cap, err);
    if (map->n)
        memcpy(entry, map->entry, sizeof *entry * (size_t)map->n);
    if (cap > 8) {
        int32_t *slot;
        CH_ARENA_ARRAY(slot, map->arena, cap * 2, err);
        map->slot = slot;
        map->n_slots = cap * 2;
    }
    map->entry = entry;
    map->cap = cap;
    if (map->slot)
        for (int32_t i = 0; i < map->n; i++)
            put_slot(map, i);
    return CH_OK;
}

ch_status ch_strmap_put(ch_strmap *map, const char *key, void *value, ch_error *err)
{
    uint32_t hash = hash_key(key, map->nocase);
    int32_t i = find(map, key, hash);
    if (i >= 0) {
        map->entry[i].value = value;
        return CH_OK;
    }
    char *copy = ch_arena_str(map->arena, key, err);
    if (!copy)
        return CH_E_MEMORY;
    if (map->n == map->cap)
        CH_TRY(grow(map, err));
    map->entry[map->n] = (ch_strmap_entry){copy, value, hash};
    if (map->slot)
        put_slot(map, map->n);
    map->n++;
    return CH_OK;
}

void *ch_strmap_get(const ch_strmap *map, const char *key)
{
    int32_t i = find(map, key, hash_key(key, map->nocase));
    return i < 0 ? NULL : map->entry[i].value;
}

bool ch_strmap_has(const ch_strmap *map, const char *key)
{
    return find(map, key, hash_key(key, map->nocase)) >= 0;
}
