/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strmap.h - a small map from text to pointer, in an arena: options, names,
 * settings.
 *
 * Keys keep their order of insertion. Lookups are linear up to 8 entries and
 * hashed beyond. With CH_STRMAP_NOCASE keys compare as ASCII without case, as
 * Spark's options do.
 */
#ifndef CH_BASE_STRMAP_H
#define CH_BASE_STRMAP_H

#include "base/arena.h"

typedef struct ch_strmap_entry {
    const char *key; /* in the arena */
    void *value;     /* the caller's */
    uint32_t hash;
} ch_strmap_entry;

typedef struct ch_strmap {
    ch_arena *arena; /* borrowed */
    ch_strmap_entry *entry;
    int32_t n, cap;
    int32_t *slot; /* entry index + 1, 0 = free; NULL while small */
    int32_t n_slots;
    bool nocase;
} ch_strmap;

void ch_strmap_init(ch_strmap *map, ch_arena *arena, bool nocase);
/* Sets key (copied) to value, replacing an earlier value. */
CH_NODISCARD ch_status ch_strmap_put(ch_strmap *map, const char *key, void *value, ch_error *err);
/* NULL when absent. */
void *ch_strmap_get(const ch_strmap *map, const char *key);
bool ch_strmap_has(const ch_strmap *map, const char *key);

#endif
