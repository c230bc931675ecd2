/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session.h - engine, sessions, frames: the life of a program on Chert.
 *
 *   engine    one per process: the worker pool and the memory budget
 *   session   settings and temporary views of one user
 *   frame     a lazy, immutable, refcounted DataFrame: an unresolved plan and all that it needs
 *   query     one run of a frame (session/query.h)
 *
 * Threads: an engine and a session may be used from several threads; a frame is immutable.
 */
#ifndef CH_SESSION_SESSION_H
#define CH_SESSION_SESSION_H

#include "base/pool.h"
#include "base/strmap.h"
#include "column/batch.h"
#include "function/function.h"
#include "plan/plan.h"

typedef struct ch_engine ch_engine;
typedef struct ch_session ch_session;
typedef struct ch_frame ch_frame;

/* memory_limit in bytes, 0 = 60 % of the machine's; threads 0 = one per core; spill_dir NULL = default. */
CH_NODISCARD ch_status ch_engine_new(int64_t memory_limit, int threads, const char *spill_dir,
                                     ch_engine **out, ch_error *err);
/* Every session must be free. NULL is ignored. */
void ch_engine_free(ch_engine *engine);
/* Forgets the global temporary views; freeing the engine does so too. */
void ch_engine_drop_views(ch_engine *engine);
ch_mem *ch_engine_mem(ch_engine *engine);
ch_pool *ch_engine_pool(ch_engine *engine);
const char *ch_engine_spill_dir(const ch_engine *engine);

CH_NODISCARD ch_status ch_session_new(ch_engine *engine, ch_session **out, ch_error *err);
/* NULL is ignored. Frames that are left, such as those of global views, may still be read. */
void ch_session_free(ch_session *session);
/* Gives `to` the settings and views of `from`. The views' frames stay those of `from`, which must outlive `to`. */
CH_NODISCARD ch_status ch_session_copy(ch_session *from, ch_session *to, ch_error *err);
ch_engine *ch_session_engine(ch_session *session);
ch_mem *ch_session_mem(ch_session *session);

/* ------------------------------------------------------------------ settings */

/* Checked against builtin/settings.def; value NULL goes back to the default. */
CH_NODISCARD ch_status ch_session_set(ch_session *session, const char *key, const char *value,
                                      ch_error *err);
/* The value as text in `arena`; NULL when the key is neither known nor set. */
CH_NODISCARD ch_status ch_session_get(ch_session *session, const char *key, ch_arena *arena,
                                      const char **out, ch_error *err);
bool ch_session_get_bool(ch_session *session, const char *key);
int64_t ch_session_get_int(ch_session *session, const char *key);

/* chert.spill.dir, or the engine's folder; in `arena`, or as long as the engine. */
CH_NODISCARD ch_status ch_session_spill_dir(ch_session *session, ch_arena *arena, const char **out,
                                            ch_error *err);

typedef enum ch_setting_type { CH_SETTING_BOOL, CH_SETTING_INT, CH_SETTING_STRING } ch_setting_type;
typedef struct ch_setting {
    const char *name;
    ch_setting_type type;
    const char *fallback, *doc;
} ch_setting;
/* i from 0 until NULL; in order of builtin/settings.def. */
const ch_setting *ch_setting_at(int i);
/* Is there a row for it, or is it a store's? Other keys are kept, and change nothing. */
bool ch_setting_is_known(const char *key);
/*
 * May a session change it? CANNOT_MODIFY_STATIC_CONFIG, CANNOT_MODIFY_CONFIG as RuntimeConfig has them: what is set when
 * the program starts is not asked.
 */
CH_NODISCARD ch_status ch_setting_check_change(const char *key, ch_error *err);
/* spark.conf.isModifiable: a setting of spark.sql that is known and not static. */
bool ch_setting_may_change(const char *key);
/* Pairs key, value of all that was SET, in `arena`. */
CH_NODISCARD ch_status ch_session_changed(ch_session *session, ch_arena *arena, ch_option_list *out,
                                          ch_error *err);
/* "256M", "2g", "1048576" -> bytes; false for anything else. */
bool ch_parse_bytes(const char *text, int64_t *bytes);

/* -------------------------------------------------------------------- frames */

struct ch_frame {
    _Atomic int32_t refs;
    ch_session *session; /* borrowed */
    ch_arena arena;      /* plan nodes */
    const ch_rel *rel;   /* unresolved; borrows from the parents' arenas too */
    const char *text;    /* SQL text it came from, in arena; or NULL */
    ch_frame **parent;   /* owned references; array in arena */
    int32_t n_parents;
    ch_batch **batch; /* owned rows of local relations; array in arena */
    int32_t n_batches;
    struct ch_kept *kept; /* a checkpoint's rows, owned (session/cache.h); or NULL */
};

/* An empty frame for the caller to fill; parents[] are shared (refs +1). */
CH_NODISCARD ch_status ch_frame_new(ch_session *session, ch_frame *const *parent, int32_t n_parents,
                                    ch_frame **out, ch_error *err);
static inline ch_frame *ch_frame_ref(ch_frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}
/* NULL is ignored. */
void ch_frame_unref(ch_frame *frame);

/*
 * One SQL statement. A query becomes a lazy frame; a command (CREATE VIEW, SET, SHOW, EXPLAIN, INSERT ...)
 * runs at once, and the frame holds the rows it gave.
 */
CH_NODISCARD ch_status ch_session_sql(ch_session *session, const char *text, ch_frame **out,
                                      ch_error *err);

/* --------------------------------------------------------------------- views */

/* CREATE VIEW name AS frame's plan (or `rel`, a node inside of it). Shares the frame. */
CH_NODISCARD ch_status ch_session_put_view(ch_session *session, const char *name, bool is_global,
                                           bool replace, ch_frame *frame, const ch_rel *rel,
                                           ch_error *err);
bool ch_session_drop_view(ch_session *session, const char *name, bool is_global);
/* The view's frame (a new reference, given) and plan; *frame NULL if there is none. */
void ch_session_find_view(ch_session *session, const char *name, bool is_global, ch_frame **frame,
                          const ch_rel **rel);
/* Names in order of the alphabet, in `arena`. */
CH_NODISCARD ch_status ch_session_views(ch_session *session, bool is_global, ch_arena *arena,
                                        ch_str_list *out, ch_error *err);
/* The database that was current when the view was made, in `arena`; NULL if there is no such view. */
CH_NODISCARD ch_status ch_session_view_database(ch_session *session, const char *name,
                                                bool is_global, ch_arena *arena, const char **out,
                                                ch_error *err);
_Atomic int64_t *ch_session_next_id(ch_session *session);

/* ------------------------------------------------------------------ catalog */

/* The current database's name, in `arena`; and another one, which is not looked for. */
CH_NODISCARD ch_status ch_session_database(ch_session *session, ch_arena *arena, const char **out,
                                           ch_error *err);
CH_NODISCARD ch_status ch_session_use(ch_session *session, const char *database, ch_error *err);

#endif
