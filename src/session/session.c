/* SPDX-License-Identifier: Apache-2.0 */
/* session.c - engines, sessions, settings, temporary views, frames. */
#include "session/session.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "session/cache.h"
#include "session/functions.h"
#include "session/python_session.h"
#include "session/query.h"
#include "session/variable.h"
#include "store/access.h"
#include "store/context.h"
#include "store/file.h"
#include "store/spool.h"
#include "type/timezone.h"

typedef struct view view;
struct view {
    view *next;
    char *name; /* malloc */
    ch_frame *frame;
    const ch_rel *rel;
    char *database; /* malloc: current when it was made */
};

typedef struct view_table {
    pthread_mutex_t lock;
    view *first;
} view_table;

struct ch_engine {
    ch_mem *mem;
    ch_pool *pool;
    view_table global; /* global temporary views: every session's */
    char *spill_dir;
    char *
        folder; /* the current one at the start: names of files that outlast it are relative to this */
};

typedef struct setting_value setting_value;
struct setting_value {
    setting_value *next;
    char *key, *value; /* malloc */
};

/* Refs: the owner's, until ch_session_free, and one for each frame: global views outlive their session. */
struct ch_session {
    _Atomic int64_t refs;
    ch_engine *engine;
    ch_mem *mem;
    pthread_mutex_t lock; /* guards settings and database */
    view_table views;
    char *database; /* malloc; NULL: default */
    setting_value *settings;
    _Atomic int64_t next_id;
    ch_running running;
    ch_cache cache;
    ch_variables variables;
    ch_functions functions;
    ch_python_session python;
};

static void view_free(view *v)
{
    ch_frame_unref(v->frame);
    free(v->database);
    free(v->name);
    free(v);
}

static void views_clear(view_table *t)
{
    pthread_mutex_lock(&t->lock);
    view *first = t->first;
    t->first = NULL;
    pthread_mutex_unlock(&t->lock);
    for (view *v = first, *next; v; v = next) {
        next = v->next;
        view_free(v);
    }
}

static void views_release(view_table *t)
{
    views_clear(t);
    pthread_mutex_destroy(&t->lock);
}

/* ------------------------------------------------------------------- engine */

static int64_t machine_memory(void)
{
    int64_t pages = sysconf(_SC_PHYS_PAGES), bytes = sysconf(_SC_PAGESIZE);
    return pages > 0 && bytes > 0 ? pages * bytes : INT64_C(1) << 32;
}

ch_status ch_engine_new(int64_t memory_limit, int threads, const char *spill_dir, ch_engine **out,
                        ch_error *err)
{
    *out = NULL;
    if (memory_limit <= 0)
        memory_limit = machine_memory() / 10 * 6;
    if (threads <= 0)
        threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (!spill_dir)
        spill_dir = getenv("TMPDIR");
    if (!spill_dir || !*spill_dir)
        spill_dir = "/tmp";
    ch_engine *engine = calloc(1, sizeof *engine);
    if (engine) {
        pthread_mutex_init(&engine->global.lock, NULL);
        engine->mem = ch_mem_new(NULL, "process", memory_limit);
        engine->pool = ch_pool_new(threads);
        engine->spill_dir = strdup(spill_dir);
        engine->folder = getcwd(NULL, 0);
        if (!engine->folder && errno != ENOMEM) {
            int why = errno;
            ch_engine_free(engine);
            CH_FAIL(err, IO, "action", "find the current folder", "path", ".", "reason",
                    strerror(why));
        }
    }
    if (!engine || !engine->mem || !engine->pool || !engine->spill_dir || !engine->folder) {
        ch_engine_free(engine);
        return ch_error_memory(err, "process", (int64_t)sizeof *engine, memory_limit);
    }
    *out = engine;
    return CH_OK;
}

void ch_engine_free(ch_engine *engine)
{
    if (!engine)
        return;
    views_release(&engine->global);
    ch_pool_free(engine->pool);
    if (engine->mem)
        ch_mem_close(engine->mem);
    free(engine->spill_dir);
    free(engine->folder);
    free(engine);
}

void ch_engine_drop_views(ch_engine *engine)
{
    views_clear(&engine->global);
}

ch_mem *ch_engine_mem(ch_engine *engine)
{
    return engine->mem;
}

ch_pool *ch_engine_pool(ch_engine *engine)
{
    return engine->pool;
}

const char *ch_engine_spill_dir(const ch_engine *engine)
{
    return engine->spill_dir;
}

/* ------------------------------------------------------------------ session */

ch_status ch_session_new(ch_engine *engine, ch_session **out, ch_error *err)
{
    *out = NULL;
    ch_session *session = calloc(1, sizeof *session);
    ch_mem *mem = session ? ch_mem_new(engine->mem, "session", 0) : NULL;
    if (!mem) {
        free(session);
        return ch_error_memory(err, "process", (int64_t)sizeof *session, 0);
    }
    session->refs = 1;
    session->engine = engine;
    session->mem = mem;
    pthread_mutex_init(&session->lock, NULL);
    pthread_mutex_init(&session->views.lock, NULL);
    pthread_mutex_init(&session->running.lock, NULL);
    pthread_mutex_init(&session->cache.lock, NULL);
    pthread_mutex_init(&session->variables.lock, NULL);
    pthread_mutex_init(&session->functions.lock, NULL);
    pthread_mutex_init(&session->python.lock, NULL);
    *out = session;
    return CH_OK;
}

static void setting_free(setting_value *s)
{
    free(s->key);
    free(s->value);
    free(s);
}

static void session_unref(ch_session *session)
{
    if (atomic_fetch_sub_explicit(&session->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&session->views.lock);
    pthread_mutex_destroy(&session->variables.lock);
    pthread_mutex_destroy(&session->functions.lock);
    pthread_mutex_destroy(&session->python.lock);
    pthread_mutex_destroy(&session->lock);
    pthread_mutex_destroy(&session->running.lock);
    pthread_mutex_destroy(&session->cache.lock);
    ch_mem_close(session->mem);
    free(session);
}

void ch_session_free(ch_session *session)
{
    if (!session)
        return;
    ch_cache_clear(session);
    views_clear(&session->views);
    /* A global view's frame may still be asked for its session's settings. */
    pthread_mutex_lock(&session->lock);
    setting_value *settings = session->settings;
    char *database = session->database;
    session->settings = NULL;
    session->database = NULL;
    pthread_mutex_unlock(&session->lock);
    for (setting_value *next; settings; settings = next) {
        next = settings->next;
        setting_free(settings);
    }
    free(database);
    ch_variables_release(session);
    ch_functions_release(session);
    ch_python_session_release(session);
    ch_spools_release(session);
    session_unref(session);
}

ch_engine *ch_session_engine(ch_session *session)
{
    return session->engine;
}

ch_mem *ch_session_mem(ch_session *session)
{
    return session->mem;
}

ch_variables *ch_session_variables(ch_session *session)
{
    return &session->variables;
}

ch_functions *ch_session_functions(ch_session *session)
{
    return &session->functions;
}

ch_python_session *ch_session_python(ch_session *session)
{
    return &session->python;
}

ch_running *ch_session_running(ch_session *session)
{
    return &session->running;
}

ch_cache *ch_session_cache(ch_session *session)
{
    return &session->cache;
}

ch_status ch_session_copy(ch_session *from, ch_session *to, ch_error *err)
{
    ch_status status = CH_OK;
    pthread_mutex_lock(&from->lock);
    for (setting_value *s = from->settings; s && status == CH_OK; s = s->next)
        status = ch_session_set(to, s->key, s->value, err);
    if (from->database && status == CH_OK)
        status = ch_session_use(to, from->database, err);
    pthread_mutex_unlock(&from->lock);
    pthread_mutex_lock(&from->views.lock);
    for (view *v = from->views.first; v && status == CH_OK; v = v->next)
        status = ch_session_put_view(to, v->name, false, true, v->frame, v->rel, err);
    pthread_mutex_unlock(&from->views.lock);
    to->next_id = from->next_id;
    if (status == CH_OK)
        status = ch_functions_copy(from, to, err);
    return status == CH_OK ? ch_python_files_copy(from, to, err) : status;
}

_Atomic int64_t *ch_session_next_id(ch_session *session)
{
    return &session->next_id;
}

/* ----------------------------------------------------------------- settings */

static const ch_setting SETTINGS[] = {
#define CH_SETTING(name, type, fallback, doc) {name, CH_SETTING_##type, fallback, doc},
#include "builtin/settings.def"
#undef CH_SETTING
};
#define N_SETTINGS ((int)(sizeof SETTINGS / sizeof *SETTINGS))

const ch_setting *ch_setting_at(int i)
{
    return i < N_SETTINGS ? &SETTINGS[i] : NULL;
}

static const ch_setting *setting_find(const char *key)
{
    for (int i = 0; i < N_SETTINGS; i++)
        if (strcmp(SETTINGS[i].name, key) == 0)
            return &SETTINGS[i];
    return NULL;
}

bool ch_setting_is_known(const char *key)
{
    return setting_find(key) || ch_store_is_option(key);
}

bool ch_parse_bytes(const char *text, int64_t *bytes)
{
    char *end;
    double n = strtod(text, &end);
    static const char UNITS[] = "bkmgt";
    double unit = 1;
    if (end == text || !(n >= 0))
        return false;
    if (*end) {
        const char *u = strchr(UNITS, *end | 0x20);
        if (!u)
            return false;
        for (long k = u - UNITS; k > 0; k--)
            unit *= 1024;
        end++;
        if (*end == 'i')
            end++;
        if ((*end | 0x20) == 'b')
            end++;
    }
    if (*end || n * unit > 9e18)
        return false;
    *bytes = (int64_t)(n * unit);
    return true;
}

#define MAX_BATCH_ROWS 1048576

static ch_status check_setting(const ch_setting *s, const char *value, ch_error *err)
{
    const char *expected = NULL;
    char *end;
    if (s->type == CH_SETTING_BOOL && strcasecmp(value, "true") != 0 &&
        strcasecmp(value, "false") != 0)
        expected = "boolean";
    bool unlimited =
        (strncmp(s->name, "spark.sql.cteRecursion", 22) == 0 && strcmp(value, "-1") == 0) ||
        (strcmp(s->name, "spark.sql.execution.arrow.maxRecordsPerBatch") == 0 &&
         strtol(value, &end, 10) < 0 && !*end);
    if (s->type == CH_SETTING_INT && !unlimited &&
        (strtol(value, &end, 10) < 0 || end == value || *end))
        expected = "int";
    if (strcmp(s->name, "chert.batch.rows") == 0 && !expected &&
        (strtol(value, NULL, 10) < 1 || strtol(value, NULL, 10) > MAX_BATCH_ROWS))
        expected = "int from 1 to 1048576";
    if (expected)
        CH_FAIL(err, INVALID_CONF_VALUE, "confName", s->name, "confValue", value, "confType",
                expected);
    if (strcmp(s->name, "spark.sql.session.timeZone") == 0 && *value) {
        if (!ch_zone_find(value, (int64_t)strlen(value), err))
            return err ? err->code : CH_E_INVALID_CONF_VALUE;
    }
    return CH_OK;
}

ch_status ch_session_set(ch_session *session, const char *key, const char *value, ch_error *err)
{
    const ch_setting *known = setting_find(key);
    if (known && value)
        CH_TRY(check_setting(known, value, err));
    if (value && *value && strcmp(key, "chert.spill.dir") == 0) {
        if (!(value = ch_path_local(value)))
            CH_FAIL(err, UNSUPPORTED, "feature", "Spilling to another store than local files");
        CH_TRY(ch_access_check(value, true, err)); /* it would be made */
    }
    setting_value *fresh = NULL;
    if (value) {
        fresh = calloc(1, sizeof *fresh);
        if (!fresh || !(fresh->key = strdup(key)) || !(fresh->value = strdup(value))) {
            if (fresh)
                setting_free(fresh);
            return ch_error_memory(err, "session", (int64_t)sizeof *fresh, 0);
        }
    }
    pthread_mutex_lock(&session->lock);
    for (setting_value **s = &session->settings; *s; s = &(*s)->next) {
        if (strcmp((*s)->key, key) == 0) {
            setting_value *old = *s;
            *s = old->next;
            setting_free(old);
            break;
        }
    }
    if (fresh) {
        fresh->next = session->settings;
        session->settings = fresh;
    }
    pthread_mutex_unlock(&session->lock);
    return CH_OK;
}

/* UTC where the machine names no zone, one that only the C library reads (CET-1CEST), or has no zone files. */
static const char *machine_zone(char *buffer, size_t size)
{
    const char *tz = getenv("TZ");
    const char *name = tz && *tz == ':' ? tz + 1 : tz;
    if (!name || !*name || *name == '/') {
        ssize_t n = readlink(name && *name ? name : "/etc/localtime", buffer, size - 1);
        if (n > 0) {
            buffer[n] = 0;
            name = buffer;
        }
    }
    const char *folder = name ? strstr(name, "zoneinfo/") : NULL;
    if (folder)
        name = folder + strlen("zoneinfo/");
    return name && ch_zone_find(name, (int64_t)strlen(name), NULL) ? name : "UTC";
}

ch_status ch_session_get(ch_session *session, const char *key, ch_arena *arena, const char **out,
                         ch_error *err)
{
    *out = NULL;
    bool found = false;
    pthread_mutex_lock(&session->lock);
    for (setting_value *s = session->settings; s && !found; s = s->next) {
        if (strcmp(s->key, key) == 0) {
            *out = ch_arena_str(arena, s->value, err);
            found = true;
        }
    }
    pthread_mutex_unlock(&session->lock);
    if (found)
        return *out ? CH_OK : CH_E_MEMORY;
    const ch_setting *known = setting_find(key);
    if (!known)
        return CH_OK;
    *out = known->fallback;
    if (strcmp(key, "spark.sql.warehouse.dir") == 0) {
        *out = ch_arena_printf(arena, err, "file:%s/%s", session->engine->folder, known->fallback);
        return *out ? CH_OK : CH_E_MEMORY;
    }
    if (strcmp(key, "spark.sql.session.timeZone") == 0) {
        char buffer[256];
        *out = ch_arena_str(arena, machine_zone(buffer, sizeof buffer), err);
        return *out ? CH_OK : CH_E_MEMORY;
    }
    return CH_OK;
}

/* Value of a setting into a small buffer, for those that are words or numbers. */
static void get_word(ch_session *session, const char *key, char *out, size_t size)
{
    const ch_setting *known = setting_find(key);
    snprintf(out, size, "%s", known ? known->fallback : "");
    pthread_mutex_lock(&session->lock);
    for (setting_value *s = session->settings; s; s = s->next)
        if (strcmp(s->key, key) == 0)
            snprintf(out, size, "%s", s->value);
    pthread_mutex_unlock(&session->lock);
}

ch_status ch_session_spill_dir(ch_session *session, ch_arena *arena, const char **out,
                               ch_error *err)
{
    CH_TRY(ch_session_get(session, "chert.spill.dir", arena, out, err));
    if (!**out)
        *out = ch_engine_spill_dir(session->engine);
    return CH_OK;
}

bool ch_session_get_bool(ch_session *session, const char *key)
{
    char word[16];
    get_word(session, key, word, sizeof word);
    return strcasecmp(word, "true") == 0;
}

int64_t ch_session_get_int(ch_session *session, const char *key)
{
    char word[32];
    get_word(session, key, word, sizeof word);
    return strtoll(word, NULL, 10);
}

ch_status ch_session_changed(ch_session *session, ch_arena *arena, ch_option_list *out,
                             ch_error *err)
{
    *out = (ch_option_list){0};
    int32_t n = 0;
    ch_status status = CH_OK;
    pthread_mutex_lock(&session->lock);
    for (setting_value *s = session->settings; s; s = s->next)
        n++;
    out->key = ch_arena_alloc(arena, sizeof *out->key * (size_t)n, err);
    out->value = ch_arena_alloc(arena, sizeof *out->value * (size_t)n, err);
    if (!out->key || !out->value)
        status = CH_E_MEMORY;
    for (setting_value *s = session->settings; s && status == CH_OK; s = s->next) {
        out->key[out->n] = ch_arena_str(arena, s->key, err);
        out->value[out->n] = ch_arena_str(arena, s->value, err);
        if (!out->key[out->n] || !out->value[out->n])
            status = CH_E_MEMORY;
        else
            out->n++;
    }
    pthread_mutex_unlock(&session->lock);
    return status;
}

/* -------------------------------------------------------------------- views */

static view_table *table_of(ch_session *session, bool is_global)
{
    return is_global ? &session->engine->global : &session->views;
}

/* Lock of the table held. */
static view **view_at(view_table *t, const char *name)
{
    view **v = &t->first;
    while (*v && strcasecmp((*v)->name, name) != 0)
        v = &(*v)->next;
    return v;
}

ch_status ch_session_put_view(ch_session *session, const char *name, bool is_global, bool replace,
                              ch_frame *frame, const ch_rel *rel, ch_error *err)
{
    view_table *table = table_of(session, is_global);
    view *fresh = calloc(1, sizeof *fresh);
    pthread_mutex_lock(&session->lock);
    if (fresh)
        fresh->database = strdup(session->database ? session->database : "default");
    pthread_mutex_unlock(&session->lock);
    if (!fresh || !fresh->database || !(fresh->name = strdup(name))) {
        if (fresh)
            free(fresh->database);
        free(fresh);
        return ch_error_memory(err, "session", (int64_t)sizeof *fresh, 0);
    }
    fresh->frame = ch_frame_ref(frame);
    fresh->rel = rel;
    pthread_mutex_lock(&table->lock);
    view **at = view_at(table, name), *old = *at;
    if (!old || replace) {
        fresh->next = old ? old->next : NULL;
        *at = fresh;
        fresh = NULL;
    }
    pthread_mutex_unlock(&table->lock);
    if (fresh) {
        view_free(fresh);
        char quoted[256];
        snprintf(quoted, sizeof quoted, "`%s`", name);
        CH_FAIL(err, VIEW_ALREADY_EXISTS, "relationName", quoted);
    }
    if (old)
        view_free(old);
    return CH_OK;
}

bool ch_session_drop_view(ch_session *session, const char *name, bool is_global)
{
    view_table *table = table_of(session, is_global);
    pthread_mutex_lock(&table->lock);
    view **at = view_at(table, name), *old = *at;
    if (old)
        *at = old->next;
    pthread_mutex_unlock(&table->lock);
    if (old)
        view_free(old);
    return old != NULL;
}

void ch_session_find_view(ch_session *session, const char *name, bool is_global, ch_frame **frame,
                          const ch_rel **rel)
{
    view_table *table = table_of(session, is_global);
    pthread_mutex_lock(&table->lock);
    const view *v = *view_at(table, name);
    *frame = v ? ch_frame_ref(v->frame) : NULL;
    *rel = v ? v->rel : NULL;
    pthread_mutex_unlock(&table->lock);
}

ch_status ch_session_view_database(ch_session *session, const char *name, bool is_global,
                                   ch_arena *arena, const char **out, ch_error *err)
{
    view_table *table = table_of(session, is_global);
    *out = NULL;
    pthread_mutex_lock(&table->lock);
    const view *v = *view_at(table, name);
    if (v)
        *out = ch_arena_str(arena, v->database, err);
    bool failed = v && !*out;
    pthread_mutex_unlock(&table->lock);
    return failed ? CH_E_MEMORY : CH_OK;
}

ch_status ch_session_database(ch_session *session, ch_arena *arena, const char **out, ch_error *err)
{
    pthread_mutex_lock(&session->lock);
    *out = ch_arena_str(arena, session->database ? session->database : "default", err);
    pthread_mutex_unlock(&session->lock);
    return *out ? CH_OK : CH_E_MEMORY;
}

ch_status ch_session_use(ch_session *session, const char *database, ch_error *err)
{
    char *name = strdup(database);
    if (!name)
        return ch_error_memory(err, "session", (int64_t)strlen(database), 0);
    pthread_mutex_lock(&session->lock);
    char *old = session->database;
    session->database = name;
    pthread_mutex_unlock(&session->lock);
    free(old);
    return CH_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

ch_status ch_session_views(ch_session *session, bool is_global, ch_arena *arena, ch_str_list *out,
                           ch_error *err)
{
    *out = (ch_str_list){0};
    ch_status status = CH_OK;
    int32_t n = 0;
    view_table *table = table_of(session, is_global);
    pthread_mutex_lock(&table->lock);
    for (view *v = table->first; v; v = v->next)
        n++;
    out->item = ch_arena_alloc(arena, sizeof *out->item * (size_t)n, err);
    if (!out->item)
        status = CH_E_MEMORY;
    for (view *v = table->first; v && status == CH_OK; v = v->next) {
        out->item[out->n] = ch_arena_str(arena, v->name, err);
        if (!out->item[out->n++])
            status = CH_E_MEMORY;
    }
    pthread_mutex_unlock(&table->lock);
    if (status == CH_OK)
        qsort(out->item, (size_t)out->n, sizeof *out->item, by_name);
    return status;
}

/* ------------------------------------------------------------------- frames */

ch_status ch_frame_new(ch_session *session, ch_frame *const *parent, int32_t n_parents,
                       ch_frame **out, ch_error *err)
{
    *out = NULL;
    ch_frame *frame = ch_mem_zalloc(session->mem, sizeof *frame, err);
    if (!frame)
        return CH_E_MEMORY;
    frame->refs = 1;
    frame->session = session;
    atomic_fetch_add_explicit(&session->refs, 1, memory_order_relaxed);
    ch_arena_init(&frame->arena, session->mem);
    frame->parent = ch_arena_alloc(&frame->arena, sizeof *frame->parent * (size_t)n_parents, err);
    if (!frame->parent) {
        ch_frame_unref(frame);
        return CH_E_MEMORY;
    }
    for (int32_t i = 0; i < n_parents; i++)
        frame->parent[frame->n_parents++] = ch_frame_ref(parent[i]);
    *out = frame;
    return CH_OK;
}

void ch_frame_unref(ch_frame *frame)
{
    if (!frame || atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int32_t i = 0; i < frame->n_batches; i++) {
        ch_batch_release(frame->batch[i]);
        ch_mem_free(frame->session->mem, frame->batch[i], sizeof **frame->batch);
    }
    for (int32_t i = 0; i < frame->n_parents; i++)
        ch_frame_unref(frame->parent[i]);
    ch_kept_unref(frame->kept);
    ch_session *session = frame->session;
    ch_arena_release(&frame->arena);
    ch_mem_free(session->mem, frame, sizeof *frame);
    session_unref(session);
}
