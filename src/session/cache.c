/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cache.c - the list of kept plans, and how they get their rows.
 *
 * A kept plan holds the query that it was analyzed by, which is run at most once, to fill it; when that fails
 * the next one who wants the rows analyzes the plan anew. What the plan means never changes: where it would,
 * another kept plan takes its place in the list, and queries that read this one go on with their reference.
 */
#include "session/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "optimize/optimize.h"
#include "plan/canonical.h"
#include "plan/node.h"
#include "store/file.h"

typedef enum kept_state { EMPTY, FILLING, FILLED } kept_state;

struct ch_kept {
    ch_kept_plan plan; /* first: what scans point to */
    _Atomic int32_t refs;
    ch_kept *next; /* in the list, which holds a reference */
    ch_frame *frame;
    const ch_rel *rel;
    ch_query *query;   /* analyzed; run by the first fill */
    ch_rel *canonical; /* in the query's arena; NULL: equal to no plan */
    uint64_t shape;
    ch_storage_level level;
    char *table; /* or NULL; malloc, as the following */
    char *title, *level_text, *physical_text;
    ch_cached *cached;
    _Atomic int64_t hits;
    pthread_mutex_t lock; /* guards state and physical_text */
    pthread_cond_t filled;
    kept_state state;
    bool query_was_run;
};

/* ---- levels -------------------------------------------------------------------------------- */

bool ch_storage_level_find(const char *name, ch_storage_level *out)
{
    static const struct {
        const char *name;
        ch_storage_level level; /* disk, memory, off heap, deserialized, replication */
    } LEVEL[] = {
        {"NONE", {0, 0, 0, 0, 1}},
        {"DISK_ONLY", {1, 0, 0, 0, 1}},
        {"DISK_ONLY_2", {1, 0, 0, 0, 2}},
        {"DISK_ONLY_3", {1, 0, 0, 0, 3}},
        {"MEMORY_ONLY", {0, 1, 0, 1, 1}},
        {"MEMORY_ONLY_2", {0, 1, 0, 1, 2}},
        {"MEMORY_ONLY_SER", {0, 1, 0, 0, 1}},
        {"MEMORY_ONLY_SER_2", {0, 1, 0, 0, 2}},
        {"MEMORY_AND_DISK", {1, 1, 0, 1, 1}},
        {"MEMORY_AND_DISK_2", {1, 1, 0, 1, 2}},
        {"MEMORY_AND_DISK_SER", {1, 1, 0, 0, 1}},
        {"MEMORY_AND_DISK_SER_2", {1, 1, 0, 0, 2}},
        {"OFF_HEAP", {1, 1, 1, 0, 1}},
    };
    for (size_t i = 0; i < sizeof LEVEL / sizeof *LEVEL; i++)
        if (strcasecmp(LEVEL[i].name, name) == 0) {
            *out = LEVEL[i].level;
            return true;
        }
    return false;
}

static bool is_none(ch_storage_level l)
{
    return !l.use_disk && !l.use_memory && !l.use_off_heap;
}

/* As StorageLevel.toString of Spark. */
static char *level_text(ch_storage_level l)
{
    char text[96];
    snprintf(text, sizeof text, "StorageLevel(%s%s%s%s%d replicas)", l.use_disk ? "disk, " : "",
             l.use_memory ? "memory, " : "", l.use_off_heap ? "offheap, " : "",
             l.deserialized ? "deserialized, " : "", l.replication);
    return strdup(text);
}

/* ---- life ---------------------------------------------------------------------------------- */

ch_kept *ch_kept_ref(ch_kept *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void ch_kept_unref(ch_kept *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    ch_cached_unref(k->cached);
    ch_query_close(k->query);
    ch_frame_unref(k->frame);
    free(k->table);
    free(k->title);
    free(k->level_text);
    free(k->physical_text);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->filled);
    free(k);
}

/* The physical plan as EXPLAIN prints it, without its title; made when it is asked for. */
static const char *physical_text(const ch_kept_plan *self)
{
    ch_kept *k = (ch_kept *)(uintptr_t)self;
    pthread_mutex_lock(&k->lock);
    char *text = k->physical_text;
    pthread_mutex_unlock(&k->lock);
    if (text)
        return text;
    ch_query *q;
    ch_buf buf;
    ch_buf_init(&buf, ch_session_mem(k->frame->session));
    if (ch_query_open(k->frame, k->rel, &q, NULL) == CH_OK) {
        ch_query_skip(q, k);
        if (ch_query_explain_physical(q, CH_PHYSICAL_TREE, &buf, NULL) == CH_OK && buf.data)
            text = strdup(buf.data);
        ch_query_close(q);
    }
    ch_buf_release(&buf);
    if (!text)
        return "";
    pthread_mutex_lock(&k->lock);
    if (k->physical_text)
        free(text);
    else
        k->physical_text = text;
    text = k->physical_text;
    pthread_mutex_unlock(&k->lock);
    return text;
}

static char *scan_title(const char *table, bool checkpoint)
{
    char text[512];
    if (checkpoint)
        return strdup("Scan ExistingRDD");
    if (!table)
        return strdup("InMemoryTableScan");
    snprintf(text, sizeof text, "Scan In-memory table %s", table);
    return strdup(text);
}

static ch_status new_cached(ch_kept *k, ch_error *err)
{
    ch_session *session = k->frame->session;
    const char *dir;
    const ch_type *schema = ch_rel_schema(ch_query_analyzed(k->query));
    if (!schema)
        return ch_error_memory(err, "types", 0, 0);
    CH_TRY(ch_session_spill_dir(session, ch_query_arena(k->query), &dir, err));
    return ch_cached_new(ch_session_mem(session), dir, schema,
                         k->level.use_disk && !k->level.use_memory, &k->cached, err);
}

static ch_status kept_new(ch_frame *frame, const ch_rel *rel, ch_storage_level level,
                          const char *table, bool checkpoint, ch_kept **out, ch_error *err)
{
    *out = NULL;
    ch_kept *k = calloc(1, sizeof *k);
    if (!k)
        return ch_error_memory(err, "session", (int64_t)sizeof *k, 0);
    k->refs = 1;
    pthread_mutex_init(&k->lock, NULL);
    pthread_cond_init(&k->filled, NULL);
    k->frame = ch_frame_ref(frame);
    k->rel = rel;
    k->level = level;
    k->title = scan_title(table, checkpoint);
    k->level_text = level_text(level);
    k->table = table ? strdup(table) : NULL;
    ch_status status = k->title && k->level_text && (k->table || !table)
                           ? CH_OK
                           : ch_error_memory(err, "session", (int64_t)sizeof *k, 0);
    if (status == CH_OK)
        status = ch_query_open(frame, rel, &k->query, err);
    if (status == CH_OK) {
        const ch_rel *analyzed = ch_query_analyzed(k->query);
        ch_query_skip(k->query, k);
        ch_query_park(k->query);
        k->shape = ch_plan_shape(analyzed);
        if (!checkpoint)
            status = ch_plan_canonical(ch_query_arena(k->query), analyzed, &k->canonical, err);
    }
    if (status == CH_OK)
        status = new_cached(k, err);
    if (status != CH_OK) {
        ch_kept_unref(k);
        return status;
    }
    k->plan = (ch_kept_plan){k->title, k->level_text, checkpoint ? NULL : physical_text};
    *out = k;
    return CH_OK;
}

/* ---- finding ------------------------------------------------------------------------------- */

/* What decides the rows of a plan beside the plan. */
static bool same_settings(const ch_func_context *a, const ch_func_context *b)
{
    return a->ansi == b->ansi && a->case_sensitive == b->case_sensitive &&
           a->decimal_allow_precision_loss == b->decimal_allow_precision_loss &&
           a->map_last_win == b->map_last_win && strcmp(a->time_zone, b->time_zone) == 0 &&
           strcmp(a->corrupt_column, b->corrupt_column) == 0;
}

static bool is_equal(const ch_kept *k, const ch_func_context *func, uint64_t shape,
                     const ch_rel *canonical)
{
    return k->canonical && canonical && k->shape == shape &&
           same_settings(ch_query_func(k->query), func) && ch_rel_equal(k->canonical, canonical);
}

/* The kept plan that is equal to the query's; a new reference, NULL if there is none. */
static ch_status find(ch_query *q, ch_session *session, ch_kept **out, ch_error *err)
{
    ch_cache *cache = ch_session_cache(session);
    const ch_rel *analyzed = ch_query_analyzed(q);
    ch_rel *canonical;
    *out = NULL;
    CH_TRY(ch_plan_canonical(ch_query_arena(q), analyzed, &canonical, err));
    uint64_t shape = ch_plan_shape(analyzed);
    pthread_mutex_lock(&cache->lock);
    for (ch_kept *k = cache->first; k && !*out; k = k->next)
        if (is_equal(k, ch_query_func(q), shape, canonical))
            *out = ch_kept_ref(k);
    pthread_mutex_unlock(&cache->lock);
    return CH_OK;
}

ch_status ch_cache_is_same(ch_frame *a, const ch_rel *a_rel, ch_frame *b, const ch_rel *b_rel,
                           bool *out)
{
    ch_query *p = NULL, *q = NULL;
    ch_rel *x, *y;
    *out = false;
    ch_status status = ch_query_open(a, a_rel, &p, NULL);
    if (status == CH_OK)
        status = ch_query_open(b, b_rel, &q, NULL);
    if (status == CH_OK)
        status = ch_plan_canonical(ch_query_arena(p), ch_query_analyzed(p), &x, NULL);
    if (status == CH_OK)
        status = ch_plan_canonical(ch_query_arena(q), ch_query_analyzed(q), &y, NULL);
    if (status == CH_OK)
        *out = x && y && ch_rel_equal(x, y);
    ch_query_close(p);
    ch_query_close(q);
    return status == CH_E_MEMORY || status == CH_E_CANCELLED ? status : CH_OK;
}

static ch_status find_plan(ch_frame *frame, const ch_rel *rel, ch_kept **out, ch_error *err)
{
    ch_query *q;
    *out = NULL;
    CH_TRY(ch_query_open(frame, rel, &q, err));
    ch_status status = find(q, frame->session, out, err);
    ch_query_close(q);
    return status;
}

bool ch_cache_is_empty(ch_session *session)
{
    ch_cache *cache = ch_session_cache(session);
    pthread_mutex_lock(&cache->lock);
    bool empty = !cache->first;
    pthread_mutex_unlock(&cache->lock);
    return empty;
}

/* ---- the list ------------------------------------------------------------------------------ */

/* Takes the reference; one that is equal and there already stays. */
static void add(ch_cache *cache, ch_kept *fresh)
{
    pthread_mutex_lock(&cache->lock);
    bool there = !fresh->canonical; /* no plan would ever find it */
    for (ch_kept *k = cache->first; k && !there; k = k->next)
        there = is_equal(k, ch_query_func(fresh->query), fresh->shape, fresh->canonical);
    if (!there) {
        fresh->next = cache->first;
        cache->first = fresh;
    }
    pthread_mutex_unlock(&cache->lock);
    if (there)
        ch_kept_unref(fresh);
}

/* Off the list, if it is on it. */
static void take_off(ch_cache *cache, ch_kept *kept)
{
    pthread_mutex_lock(&cache->lock);
    ch_kept **at = &cache->first;
    while (*at && *at != kept)
        at = &(*at)->next;
    bool was_on = *at != NULL;
    if (was_on)
        *at = kept->next;
    pthread_mutex_unlock(&cache->lock);
    if (was_on)
        ch_kept_unref(kept);
}

/* References to all, in a malloc'd array; NULL: none, or no memory. */
static ch_kept **snapshot(ch_cache *cache, int32_t *n)
{
    *n = 0;
    pthread_mutex_lock(&cache->lock);
    for (ch_kept *k = cache->first; k; k = k->next)
        ++*n;
    ch_kept **all = *n ? malloc(sizeof *all * (size_t)*n) : NULL;
    *n = 0;
    for (ch_kept *k = cache->first; k && all; k = k->next)
        all[(*n)++] = ch_kept_ref(k);
    pthread_mutex_unlock(&cache->lock);
    return all;
}

static void snapshot_release(ch_kept **all, int32_t n)
{
    for (int32_t i = 0; i < n; i++)
        ch_kept_unref(all[i]);
    free(all);
}

void ch_cache_clear(ch_session *session)
{
    ch_cache *cache = ch_session_cache(session);
    pthread_mutex_lock(&cache->lock);
    ch_kept *k = cache->first;
    cache->first = NULL;
    pthread_mutex_unlock(&cache->lock);
    for (ch_kept *next; k; k = next) {
        next = k->next;
        ch_kept_unref(k);
    }
}

ch_status ch_cache_keep(ch_frame *frame, const ch_rel *rel, ch_storage_level level,
                        const char *table, ch_error *err)
{
    ch_kept *k;
    CH_TRY(find_plan(frame, rel, &k, err)); /* also tells what is wrong with the plan */
    if (k || is_none(level)) {
        ch_kept_unref(k);
        return CH_OK;
    }
    CH_TRY(kept_new(frame, rel, level, table, false, &k, err));
    add(ch_session_cache(frame->session), k);
    return CH_OK;
}

ch_status ch_cache_level(ch_frame *frame, const ch_rel *rel, ch_storage_level *out, ch_error *err)
{
    ch_kept *k;
    CH_TRY(find_plan(frame, rel, &k, err));
    *out = k ? k->level : CH_LEVEL_NONE;
    ch_kept_unref(k);
    return CH_OK;
}

/* ---- forgetting ---------------------------------------------------------------------------- */

typedef struct containment {
    ch_arena *arena;
    const ch_kept *kept;
    bool found;
} containment;

static ch_status look_for(void *user, ch_rel **rel, ch_error *err);

static ch_status look_in_expr(void *user, ch_expr **e, ch_error *err)
{
    containment *c = user;
    if ((*e)->kind == CH_EXPR_SUBQUERY) {
        ch_rel *plan = ((ch_expr_subquery *)*e)->plan;
        CH_TRY(look_for(c, &plan, err));
    }
    return c->found ? CH_OK : ch_expr_map_children(c->arena, e, look_in_expr, c, err);
}

static ch_status look_for(void *user, ch_rel **rel, ch_error *err)
{
    containment *c = user;
    if (ch_plan_shape(*rel) == c->kept->shape) {
        ch_rel *canonical;
        CH_TRY(ch_plan_canonical(c->arena, *rel, &canonical, err));
        c->found |= canonical && ch_rel_equal(c->kept->canonical, canonical);
    }
    if (c->found)
        return CH_OK;
    CH_TRY(ch_rel_map_inputs(c->arena, rel, look_for, c, err));
    return ch_rel_map_exprs(c->arena, rel, look_in_expr, c, err);
}

/* Was `from` computed from what `kept` keeps? */
static ch_status comes_from(const ch_kept *from, const ch_kept *kept, bool *out, ch_error *err)
{
    ch_arena scratch;
    ch_arena_init(&scratch, ch_session_mem(from->frame->session));
    containment c = {&scratch, kept, false};
    ch_rel *plan = (ch_rel *)(uintptr_t)ch_query_analyzed(from->query);
    ch_status status = kept->canonical ? look_for(&c, &plan, err) : CH_OK;
    ch_arena_release(&scratch);
    *out = c.found;
    return status;
}

ch_status ch_cache_drop(ch_frame *frame, const ch_rel *rel, bool cascade, bool *found,
                        ch_error *err)
{
    ch_cache *cache = ch_session_cache(frame->session);
    ch_kept *k;
    CH_TRY(find_plan(frame, rel, &k, err));
    if (found)
        *found = k != NULL;
    if (!k)
        return CH_OK;
    take_off(cache, k);
    int32_t n = 0;
    ch_kept **all = cascade ? snapshot(cache, &n) : NULL;
    ch_status status = CH_OK;
    for (int32_t i = 0; i < n && status == CH_OK; i++) {
        bool is;
        status = comes_from(all[i], k, &is, err);
        if (status == CH_OK && is)
            take_off(cache, all[i]);
    }
    snapshot_release(all, n);
    ch_kept_unref(k);
    return status;
}

static bool is_at_or_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/' || n == 1);
}

static bool touches(void *user, const ch_rel_scan *scan)
{
    const char *changed = user;
    for (int32_t i = 0; i < scan->paths.n; i++) {
        const char *path = scan->paths.item[i];
        if (strncmp(path, "file:", 5) == 0)
            path += strncmp(path, "file://", 7) == 0 ? 7 : 5;
        char *real = ch_path_is_remote(path) ? NULL : realpath(path, NULL);
        const char *at = real ? real : path;
        bool is = is_at_or_below(at, changed) || is_at_or_below(changed, at);
        free(real);
        if (is)
            return true;
    }
    for (int32_t i = 0; i < scan->n_files; i++)
        if (is_at_or_below(scan->file[i].path, changed))
            return true;
    return false;
}

void ch_cache_path_changed(ch_session *session, const char *path)
{
    ch_cache *cache = ch_session_cache(session);
    int32_t n;
    char *real = ch_path_is_remote(path) ? NULL : realpath(path, NULL);
    const char *changed = real ? real : path;
    ch_kept **all = snapshot(cache, &n);
    for (int32_t i = n - 1; i >= 0; i--) {
        ch_kept *k = all[i];
        if (!ch_plan_any_scan(ch_query_analyzed(k->query), touches, (void *)(uintptr_t)changed))
            continue;
        take_off(cache, k);
        /* As it is now; a plan that makes no sense any more is forgotten. */
        ch_error err = {0}; /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): `all` holds k */
        (void)!ch_cache_keep(k->frame, k->rel, k->level, k->table, &err);
        ch_error_release(&err);
    }
    snapshot_release(all, n);
    free(real);
}

/* ---- filling ------------------------------------------------------------------------------- */

static ch_status add_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    return ch_cached_add(user, slot, batch, err);
}

/* The query that gives the rows: the one at hand, or another where that has been run. */
static ch_status open_run(ch_kept *k, ch_query **out, ch_error *err)
{
    *out = k->query;
    if (!k->query_was_run)
        return CH_OK;
    CH_TRY(ch_query_open(k->frame, k->rel, out, err));
    if (ch_query_schema(*out) == ch_cached_schema(k->cached)) {
        ch_query_skip(*out, k);
        return CH_OK;
    }
    ch_query_close(*out);
    *out = NULL;
    CH_FAIL(err, INTERNAL, "message", "the columns of a cached plan have changed");
}

static ch_status run_fill(ch_kept *k, _Atomic bool *cancel, ch_error *err)
{
    ch_query *q;
    CH_TRY(open_run(k, &q, err));
    if (cancel)
        ch_query_cancel_with(q, cancel);
    else if (q == k->query)
        ch_query_unpark(q);
    ch_status status = ch_cached_fill_begin(k->cached, ch_query_slots(q), err);
    if (status == CH_OK)
        status = ch_query_each(q, add_batch, k->cached, false, err);
    if (status == CH_OK)
        status = ch_cached_fill_end(k->cached, err);
    status = ch_cached_why(k->cached, status, err);
    if (status != CH_OK)
        ch_cached_fill_abort(k->cached);
    if (q != k->query) {
        ch_query_close(q);
        return status;
    }
    if (!cancel)
        ch_query_park(q);
    ch_query_end_run(q);
    return status;
}

/* Waits while another thread fills it. */
static bool wait_for_other(ch_kept *k, const _Atomic bool *heeded)
{
    while (k->state == FILLING) {
        struct timespec until;
        if (heeded && atomic_load(heeded))
            return false;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20 * 1000 * 1000;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&k->filled, &k->lock, &until);
    }
    return true;
}

/* cancel: of the query that wants the rows, or NULL. heeded: ends the wait for another's fill. */
static ch_status fill(ch_kept *k, _Atomic bool *cancel, const _Atomic bool *heeded, ch_error *err)
{
    pthread_mutex_lock(&k->lock);
    bool waited = wait_for_other(k, heeded), there = k->state == FILLED;
    if (waited && !there)
        k->state = FILLING;
    pthread_mutex_unlock(&k->lock);
    if (!waited)
        CH_FAIL(err, CANCELLED);
    if (there)
        return CH_OK;
    ch_status status = run_fill(k, cancel, err);
    pthread_mutex_lock(&k->lock);
    k->state = status == CH_OK ? FILLED : EMPTY;
    k->query_was_run = true;
    pthread_cond_broadcast(&k->filled);
    pthread_mutex_unlock(&k->lock);
    return status;
}

static bool is_filled(ch_kept *k)
{
    pthread_mutex_lock(&k->lock);
    bool is = k->state == FILLED;
    pthread_mutex_unlock(&k->lock);
    return is;
}

ch_status ch_cache_fill(ch_frame *frame, const ch_rel *rel, ch_error *err)
{
    ch_kept *k;
    ch_query *q; /* open until the end: interrupts reach it while this waits */
    CH_TRY(ch_query_open(frame, rel, &q, err));
    ch_status status = find(q, frame->session, &k, err);
    if (k)
        status = fill(k, NULL, ch_query_func(q)->cancel, err);
    ch_kept_unref(k);
    ch_query_close(q);
    return status;
}

/* ---- use by queries ------------------------------------------------------------------------ */

typedef struct applier {
    ch_arena *arena;
    const ch_func_context *func;
    ch_cache_use *use; /* candidates */
    bool *used;
} applier;

static ch_status scan_of(ch_kept *k, ch_arena *arena, const ch_attr_list *output, ch_rel **out,
                         ch_error *err)
{
    ch_rel_scan *s = ch_rel_new(arena, CH_REL_SCAN, err);
    ch_table_statistics *known;
    if (!s)
        return CH_E_MEMORY;
    CH_ARENA_NEW(known, arena, err);
    CH_ARENA_ARRAY(s->wanted, arena, output->n + 1, err);
    for (int32_t i = 0; i < output->n; i++)
        s->wanted[i] = i;
    s->head.output = *output;
    s->schema = ch_cached_schema(k->cached);
    s->name = k->title;
    s->cached = k->cached;
    s->kept = &k->plan;
    if (is_filled(k))
        CH_TRY(ch_cached_statistics(k->cached, arena, known, err));
    else
        known->rows = ch_estimate_rows(ch_query_analyzed(k->query));
    s->statistics = known;
    *out = &s->head;
    return CH_OK;
}

static ch_status apply_rel(void *user, ch_rel **rel, ch_error *err);

static ch_status apply_expr(void *user, ch_expr **e, ch_error *err)
{
    applier *a = user;
    if ((*e)->kind == CH_EXPR_SUBQUERY) {
        ch_rel *plan = ((ch_expr_subquery *)*e)->plan, *was = plan;
        CH_TRY(apply_rel(a, &plan, err));
        if (plan != was) {
            ch_expr_subquery *copy = ch_expr_clone(a->arena, *e, err);
            if (!copy)
                return CH_E_MEMORY;
            copy->plan = plan;
            *e = &copy->head;
        }
    }
    return ch_expr_map_children(a->arena, e, apply_expr, a, err);
}

static ch_status apply_rel(void *user, ch_rel **rel, ch_error *err)
{
    applier *a = user;
    uint64_t shape = ch_plan_shape(*rel);
    ch_rel *canonical = NULL;
    for (int32_t i = 0; i < a->use->n; i++) {
        ch_kept *k = a->use->kept[i];
        if (k->shape != shape)
            continue;
        if (!canonical)
            CH_TRY(ch_plan_canonical(a->arena, *rel, &canonical, err));
        if (!is_equal(k, a->func, shape, canonical))
            continue;
        a->used[i] = true;
        return scan_of(k, a->arena, &(*rel)->output, rel, err);
    }
    CH_TRY(ch_rel_map_inputs(a->arena, rel, apply_rel, a, err));
    return ch_rel_map_exprs(a->arena, rel, apply_expr, a, err);
}

ch_status ch_cache_apply(ch_session *session, const ch_func_context *func, ch_arena *arena,
                         const ch_kept *skip, ch_rel **plan, ch_cache_use *use, ch_error *err)
{
    ch_cache *cache = ch_session_cache(session);
    int32_t n = 0;
    *use = (ch_cache_use){0};
    pthread_mutex_lock(&cache->lock);
    for (ch_kept *k = cache->first; k; k = k->next)
        n += k->canonical && k != skip;
    ch_kept **kept = n ? ch_arena_alloc(arena, sizeof *kept * (size_t)n, err) : NULL;
    for (ch_kept *k = cache->first; k && kept; k = k->next)
        if (k->canonical && k != skip)
            kept[use->n++] = ch_kept_ref(k);
    pthread_mutex_unlock(&cache->lock);
    use->kept = kept;
    if (!n)
        return CH_OK;
    if (!kept)
        return CH_E_MEMORY;
    applier a = {.arena = arena, .func = func, .use = use};
    CH_ARENA_ARRAY(a.used, arena, n, err);
    CH_TRY(apply_rel(&a, plan, err));
    int32_t m = 0;
    for (int32_t i = 0; i < n; i++)
        if (a.used[i])
            kept[m++] = kept[i];
        else
            ch_kept_unref(kept[i]);
    use->n = m;
    return CH_OK;
}

void ch_cache_use_release(ch_cache_use *use)
{
    for (int32_t i = 0; i < use->n; i++)
        ch_kept_unref(use->kept[i]);
    use->n = 0;
}

typedef struct preparation {
    _Atomic bool *cancel;
    ch_status status;
    ch_error *err;
} preparation;

static bool prepare_scan(void *user, const ch_rel_scan *scan)
{
    preparation *p = user;
    if (!scan->cached)
        return false;
    ch_kept *k = (ch_kept *)(uintptr_t)scan->kept;
    p->status = fill(k, p->cancel, p->cancel, p->err);
    atomic_fetch_add(&k->hits, 1);
    return p->status != CH_OK;
}

ch_status ch_cache_prepare(const ch_rel *plan, _Atomic bool *cancel, ch_error *err)
{
    preparation p = {cancel, CH_OK, err};
    (void)ch_plan_any_scan(plan, prepare_scan, &p);
    return p.status;
}

/* ---- checkpoints --------------------------------------------------------------------------- */

ch_status ch_cache_checkpoint(ch_frame *frame, const ch_rel *rel, bool eager,
                              ch_storage_level level, ch_frame **out, ch_error *err)
{
    ch_kept *k;
    *out = NULL;
    CH_TRY(kept_new(frame, rel, is_none(level) ? CH_LEVEL_DEFAULT : level, NULL, true, &k, err));
    ch_frame *own = NULL;
    ch_status status = eager ? fill(k, NULL, NULL, err) : CH_OK;
    if (status == CH_OK)
        status = ch_frame_new(frame->session, NULL, 0, &own, err);
    ch_rel_scan *s = status == CH_OK ? ch_rel_new(&own->arena, CH_REL_SCAN, err) : NULL;
    if (!s) {
        ch_frame_unref(own);
        ch_kept_unref(k);
        return status == CH_OK ? CH_E_MEMORY : status;
    }
    s->schema = ch_cached_schema(k->cached);
    s->name = k->title;
    s->cached = k->cached;
    s->kept = &k->plan;
    own->rel = &s->head;
    own->kept = k; /* released with it */
    *out = own;
    return CH_OK;
}

/* ---- the listing --------------------------------------------------------------------------- */

static ch_status entry_of(ch_kept *k, ch_arena *arena, ch_cache_entry *out, ch_error *err)
{
    ch_buf text;
    *out = (ch_cache_entry){.filled = is_filled(k), .hits = k->hits};
    if (out->filled)
        ch_cached_size_of(k->cached, &out->size);
    ch_buf_init(&text, arena->mem);
    const ch_rel *plan = ch_query_analyzed(k->query);
    while (plan->kind == CH_REL_SUBQUERY_ALIAS)
        plan = ((const ch_rel_subquery_alias *)plan)->input;
    ch_status status = ch_rel_print(plan, &text, err);
    if (status == CH_OK) {
        size_t line = strcspn(text.data, "\n");
        out->plan = ch_arena_strn(arena, text.data, line, err);
        out->level = ch_arena_str(arena, k->level_text, err);
        out->table = k->table ? ch_arena_str(arena, k->table, err) : NULL;
        if (!out->plan || !out->level || (k->table && !out->table))
            status = CH_E_MEMORY;
    }
    ch_buf_release(&text);
    return status;
}

ch_status ch_cache_list(ch_session *session, ch_arena *arena, ch_cache_entry **out, int32_t *n,
                        ch_error *err)
{
    ch_kept **all = snapshot(ch_session_cache(session), n);
    int32_t n_all = *n;
    *out = ch_arena_alloc(arena, sizeof **out * (size_t)(n_all + 1), err);
    ch_status status = *out ? CH_OK : CH_E_MEMORY;
    for (int32_t i = 0; i < n_all && status == CH_OK; i++)
        status = entry_of(all[i], arena, &(*out)[i], err);
    snapshot_release(all, n_all);
    return status;
}
