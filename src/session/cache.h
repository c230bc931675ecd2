/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.h - plans whose rows a session keeps: cache(), persist(), CACHE TABLE, checkpoint().
 *
 *   keep(plan) ─▶ listed, empty ──first query that uses it, or eagerly──▶ filled (store/cached.h)
 *
 * A later query whose analyzed plan has a part equal to a kept plan (plan/canonical.h) reads the kept rows instead:
 * that part becomes a Scan of them before the query is optimized. Kept plans use each other's rows, too.
 * What is written to files through the session makes plans that read them start anew, empty.
 *
 * A checkpoint is a kept plan that is not listed: only the frame made for it reads it.
 *
 * Threads: all from any. Sources: CacheManager, InMemoryRelation and StorageLevel of Spark.
 */
#ifndef CH_SESSION_CACHE_H
#define CH_SESSION_CACHE_H

#include <pthread.h>

#include "session/query.h"
#include "store/cached.h"

typedef struct ch_kept ch_kept;

/* The session's list; in the session. */
typedef struct ch_cache {
    pthread_mutex_t lock; /* guards the list */
    ch_kept *first;       /* newest first */
} ch_cache;
ch_cache *ch_session_cache(ch_session *session);

/* Where rows are kept, as programs say it: of these Chert obeys use_disk without use_memory. */
typedef struct ch_storage_level {
    bool use_disk, use_memory, use_off_heap, deserialized;
    int32_t replication;
} ch_storage_level;
#define CH_LEVEL_NONE ((ch_storage_level){.replication = 1})
#define CH_LEVEL_DEFAULT /* MEMORY_AND_DISK */ \
    ((ch_storage_level){                       \
        .use_disk = true, .use_memory = true, .deserialized = true, .replication = 1})
/* "MEMORY_AND_DISK_SER_2", without case; false: there is no such level. */
bool ch_storage_level_find(const char *name, ch_storage_level *out);

/*
 * Keeps the rows of plan rel of the frame (shared). What is kept already stays as it is; level NONE does nothing.
 *   table  the name that EXPLAIN shows, or NULL
 */
CH_NODISCARD ch_status ch_cache_keep(ch_frame *frame, const ch_rel *rel, ch_storage_level level,
                                     const char *table, ch_error *err);
/* Computes the rows now, unless they are there. Nothing happens for a plan that is not kept. */
CH_NODISCARD ch_status ch_cache_fill(ch_frame *frame, const ch_rel *rel, ch_error *err);
/* Forgets it, if it is kept; cascade: and what was computed from it. *found may be NULL. */
CH_NODISCARD ch_status ch_cache_drop(ch_frame *frame, const ch_rel *rel, bool cascade, bool *found,
                                     ch_error *err);
/* The level; NONE if it is not kept. */
CH_NODISCARD ch_status ch_cache_level(ch_frame *frame, const ch_rel *rel, ch_storage_level *out,
                                      ch_error *err);
/* Do two plans give the same rows? false where one of them makes no sense. */
CH_NODISCARD ch_status ch_cache_is_same(ch_frame *a, const ch_rel *a_rel, ch_frame *b,
                                        const ch_rel *b_rel, bool *out);
void ch_cache_clear(ch_session *session);
bool ch_cache_is_empty(ch_session *session);
/* Files at or below `path`, or the folder above them, have changed. */
void ch_cache_path_changed(ch_session *session, const char *path);

/* A frame over rows of their own: filled now, or when they are first read. *out is gives. */
CH_NODISCARD ch_status ch_cache_checkpoint(ch_frame *frame, const ch_rel *rel, bool eager,
                                           ch_storage_level level, ch_frame **out, ch_error *err);

/* One entry of the listing; texts in arena. */
typedef struct ch_cache_entry {
    const char *table; /* or NULL */
    const char *plan;  /* first line of the analyzed plan */
    const char *level;
    bool filled;
    ch_cached_size size;
    int64_t hits; /* queries that read it */
} ch_cache_entry;
/* Newest first. */
CH_NODISCARD ch_status ch_cache_list(ch_session *session, ch_arena *arena, ch_cache_entry **out,
                                     int32_t *n, ch_error *err);

/* ------------------------------------------------------------- statements (session/command_cache.c) */

/* Runs frame->rel, a CH_REL_CACHE; SHOW CACHE puts its rows into out. */
CH_NODISCARD ch_status ch_cache_command(ch_frame *frame, ch_frame *out, ch_error *err);
/* The listing as rows: out->rel and its batch. */
CH_NODISCARD ch_status ch_cache_show(ch_session *session, ch_frame *out, ch_error *err);
/* A table or view by this name is about to mean something else. */
CH_NODISCARD ch_status ch_cache_table_drop(ch_session *session, const ch_str_list *name,
                                           ch_error *err);

/* ------------------------------------------------------------- for session/query.c */

/* What a query reads; in its arena, released with it. */
typedef struct ch_cache_use {
    ch_kept **kept; /* owned references */
    int32_t n, cap;
} ch_cache_use;
/* Parts of the analyzed plan become scans of kept rows. skip: not this one, or NULL. */
CH_NODISCARD ch_status ch_cache_apply(ch_session *session, const ch_func_context *func,
                                      ch_arena *arena, const ch_kept *skip, ch_rel **plan,
                                      ch_cache_use *use, ch_error *err);
/* Before the plan runs: all kept rows that it reads are there. cancel is the query's. */
CH_NODISCARD ch_status ch_cache_prepare(const ch_rel *plan, _Atomic bool *cancel, ch_error *err);
void ch_cache_use_release(ch_cache_use *use);
ch_kept *ch_kept_ref(ch_kept *kept);
void ch_kept_unref(ch_kept *kept);

#endif
