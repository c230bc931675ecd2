/* SPDX-License-Identifier: Apache-2.0 */
/* service_session.c - the table of sessions, their artifacts, and when they go. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "connect/service.h"

#define SWEEP_SECONDS 30 /* or sooner: twice within the shorter of the two times */
/* Of the memory limit, and no more than: results that wait, results kept for a re-attach. */
#define UNSENT_SHARE 64
#define MOST_UNSENT ((int64_t)64 << 20)
#define KEPT_SHARE 256
#define MOST_KEPT ((int64_t)16 << 20)
#define LEAST_LOG ((int64_t)4 << 20) /* two responses */

bool cn_is_uuid(const char *text)
{
    if (!text || strlen(text) != CN_ID - 1)
        return false;
    for (int i = 0; i < CN_ID - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdefABCDEF", text[i]))
            return false;
    }
    return true;
}

/* ---- the table --------------------------------------------------------------------------- */

static const char *user_of(const PB(UserContext) * user)
{
    return user && user->user_id ? user->user_id : "";
}

static unsigned bucket_of(const char *user, const char *id)
{
    unsigned h = 5381;
    for (; *user; user++)
        h = h * 33 + (uint8_t)*user;
    for (; *id; id++)
        h = h * 33 + (uint8_t)*id;
    return h % CN_SESSION_BUCKETS;
}

/* Lock of the service held. */
static cn_session **place_of(cn_service *service, const char *user, const char *id)
{
    cn_session **at = &service->bucket[bucket_of(user, id)];
    while (*at && (strcmp((*at)->id, id) != 0 || strcmp((*at)->user, user) != 0))
        at = &(*at)->next;
    return at;
}

/* A session of the engine, with the settings that each begins with. */
static ch_status open_session(cn_service *service, ch_session **out, ch_error *err)
{
    CH_TRY(ch_session_new(service->engine, out, err));
    ch_status status = CH_OK;
    for (int i = 0; i < service->n_conf && status == CH_OK; i++)
        status = ch_session_set(*out, service->conf[2 * i], service->conf[2 * i + 1], err);
    if (status != CH_OK) {
        ch_session_free(*out);
        *out = NULL;
    }
    return status;
}

static ch_status make_session(cn_service *service, const char *user, const char *id,
                              cn_session **out, ch_error *err)
{
    cn_session *s = calloc(1, sizeof *s);
    if (!s || !(s->user = strdup(user))) {
        free(s);
        return ch_error_memory(err, "server", (int64_t)sizeof *s, 0);
    }
    ch_status status = ch_uuid(s->server_id, err);
    if (status == CH_OK)
        status = open_session(service, &s->session, err);
    if (status != CH_OK) {
        free(s->user);
        free(s);
        return status;
    }
    s->refs = 1;
    s->service = service;
    strcpy(s->id, id);
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return CH_OK;
}

cn_session *cn_session_find(cn_service *service, const PB(UserContext) * user, const char *id)
{
    if (!cn_is_uuid(id))
        return NULL;
    pthread_mutex_lock(&service->lock);
    cn_session *s = *place_of(service, user_of(user), id);
    if (s) {
        s->refs++;
        s->used_ns = ch_tick_ns();
    }
    pthread_mutex_unlock(&service->lock);
    return s;
}

ch_status cn_session_get(cn_service *service, const PB(UserContext) * user, const char *id,
                         const char *observed, cn_session **out, ch_error *err)
{
    *out = NULL;
    if (!cn_is_uuid(id))
        CH_FAIL(err, INVALID_HANDLE_FORMAT, "handle", id ? id : "");
    bool known = observed && *observed;
    pthread_mutex_lock(&service->lock);
    cn_session **at = place_of(service, user_of(user), id), *s = *at;
    ch_status status = CH_OK;
    if (!s && !known) {
        status = make_session(service, user_of(user), id, &s, err);
        if (status == CH_OK) {
            *at = s;
            service->n_sessions++;
        }
    }
    if (s && status == CH_OK) {
        s->refs++;
        s->used_ns = ch_tick_ns();
        *out = s;
    }
    pthread_mutex_unlock(&service->lock);
    if (status == CH_OK && known && (!s || strcmp(s->server_id, observed) != 0)) {
        if (s)
            cn_session_unref(s);
        *out = NULL;
        CH_FAIL(err, INVALID_HANDLE_SESSION_CHANGED, "handle", id);
    }
    return status;
}

ch_status cn_session_clone(cn_session *session, const char *new_id, cn_session **out, ch_error *err)
{
    cn_service *service = session->service;
    cn_session *s;
    char fresh[CN_ID];
    *out = NULL;
    if (!new_id || !*new_id) {
        CH_TRY(ch_uuid(fresh, err));
        new_id = fresh;
    }
    if (!cn_is_uuid(new_id))
        CH_FAIL(err, INVALID_CLONE_TARGET, "targetSessionId", new_id);
    CH_TRY(make_session(service, session->user, new_id, &s, err));
    session->refs++;
    s->origin = session;
    ch_status status = ch_session_copy(session->session, s->session, err);
    if (status == CH_OK) {
        pthread_mutex_lock(&service->lock);
        cn_session **at = place_of(service, s->user, s->id);
        if (*at) {
            status = ch_error_set(err, CH_E_INVALID_CLONE_TARGET, "targetSessionId", new_id,
                                  (const char *)0);
        } else {
            *at = s;
            service->n_sessions++;
            s->refs++;
            s->used_ns = ch_tick_ns();
            *out = s;
        }
        pthread_mutex_unlock(&service->lock);
    }
    if (status != CH_OK)
        cn_session_unref(s);
    return status;
}

void cn_session_unref(cn_session *s)
{
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (cn_artifact *a = s->artifact, *next; a; a = next) {
        next = a->next;
        ch_buffer_unref(a->bytes);
        free(a->name);
        free(a);
    }
    for (cn_remote *r = s->remote, *next; r; r = next) {
        next = r->next;
        ch_frame_unref(r->frame);
        free(r);
    }
    for (int i = 0; i < CN_KEPT_ERRORS; i++)
        ch_buffer_unref(s->error[i].bytes);
    ch_session_free(s->session);
    cn_session_unref(s->origin);
    pthread_mutex_destroy(&s->lock);
    free(s->user);
    free(s);
}

void cn_session_close(cn_session *s)
{
    cn_service *service = s->service;
    pthread_mutex_lock(&service->lock);
    cn_session **at = place_of(service, s->user, s->id);
    bool found = *at == s;
    if (found) {
        *at = s->next;
        service->n_sessions--;
    }
    pthread_mutex_unlock(&service->lock);
    if (!found)
        return;
    int n;
    cn_operation **op = cn_operation_all(s, &n);
    for (int i = 0; i < n; i++) {
        cn_operation_cancel(op[i]);
        cn_operation_release(op[i], NULL);
        cn_operation_unref(op[i]);
    }
    free(op);
    cn_session_unref(s);
}

/* ---- what a session keeps ---------------------------------------------------------------- */

ch_buffer *cn_session_artifact(cn_session *s, const char *name)
{
    ch_buffer *bytes = NULL;
    pthread_mutex_lock(&s->lock);
    for (cn_artifact *a = s->artifact; a && !bytes; a = a->next)
        if (strcmp(a->name, name) == 0)
            bytes = ch_buffer_ref(a->bytes);
    pthread_mutex_unlock(&s->lock);
    return bytes;
}

ch_status cn_session_put_artifact(cn_session *s, const char *name, ch_buffer *bytes, ch_error *err)
{
    cn_artifact *a = calloc(1, sizeof *a), *old;
    if (!a || !(a->name = strdup(name))) {
        free(a);
        return ch_error_memory(err, "server", (int64_t)sizeof *a, 0);
    }
    ch_buffer *other = a->bytes = ch_buffer_ref(bytes);
    pthread_mutex_lock(&s->lock);
    for (old = s->artifact; old && strcmp(old->name, name) != 0;)
        old = old->next;
    if (old) {
        other = old->bytes;
        old->bytes = a->bytes;
    } else {
        a->next = s->artifact;
        s->artifact = a;
    }
    pthread_mutex_unlock(&s->lock);
    if (old) {
        ch_buffer_unref(other);
        free(a->name);
        free(a);
    }
    return CH_OK;
}

ch_frame *cn_session_remote(cn_session *s, const char *id)
{
    ch_frame *frame = NULL;
    pthread_mutex_lock(&s->lock);
    for (cn_remote *r = s->remote; r && !frame; r = r->next)
        if (strcmp(r->id, id) == 0)
            frame = ch_frame_ref(r->frame);
    pthread_mutex_unlock(&s->lock);
    return frame;
}

ch_status cn_session_put_remote(cn_session *s, ch_frame *frame, char id[CN_ID], ch_error *err)
{
    cn_remote *r = calloc(1, sizeof *r);
    if (!r)
        return ch_error_memory(err, "server", (int64_t)sizeof *r, 0);
    ch_status status = ch_uuid(r->id, err);
    if (status != CH_OK) {
        free(r);
        return status;
    }
    r->frame = ch_frame_ref(frame);
    strcpy(id, r->id);
    pthread_mutex_lock(&s->lock);
    r->next = s->remote;
    s->remote = r;
    pthread_mutex_unlock(&s->lock);
    return CH_OK;
}

void cn_session_drop_remote(cn_session *s, const char *id)
{
    cn_remote *found = NULL;
    pthread_mutex_lock(&s->lock);
    for (cn_remote **at = &s->remote; *at && !found; at = &(*at)->next)
        if (strcmp((*at)->id, id) == 0) {
            found = *at;
            *at = found->next;
            break;
        }
    pthread_mutex_unlock(&s->lock);
    if (found)
        ch_frame_unref(found->frame);
    free(found);
}

/* ---- the service ------------------------------------------------------------------------- */

static bool runs_something(cn_session *s)
{
    bool runs = false;
    int n;
    cn_operation **op = cn_operation_all(s, &n);
    for (int i = 0; i < n; i++) {
        runs |= cn_operation_state(op[i]) == CN_RUNNING;
        if (cn_operation_abandoned(op[i]) > s->service->detached_s)
            cn_operation_release(op[i], NULL); /* cancels it, if it runs */
        cn_operation_unref(op[i]);
    }
    free(op);
    return runs;
}

/* A session of the table that was not looked at in this round, with a reference. */
static cn_session *next_session(cn_service *service, int bucket, int skip)
{
    pthread_mutex_lock(&service->lock);
    cn_session *s = service->bucket[bucket];
    for (; s && skip > 0; skip--)
        s = s->next;
    if (s)
        s->refs++;
    pthread_mutex_unlock(&service->lock);
    return s;
}

static void sweep(cn_service *service)
{
    for (int b = 0; b < CN_SESSION_BUCKETS; b++) {
        cn_session *s;
        for (int i = 0; (s = next_session(service, b, i)); i++) {
            bool idle = !runs_something(s) && ch_tick_ns() - s->used_ns > service->idle_ns;
            if (idle) {
                CH_LOG(INFO, "connect", "session expired", "session", s->id);
                cn_session_close(s);
                i--;
            }
            cn_session_unref(s);
        }
    }
}

static void *sweep_forever(void *arg)
{
    cn_service *service = arg;
    double idle = (double)service->idle_ns / 1e9, least = service->detached_s;
    least = (least < idle ? least : idle) / 2;
    int64_t ms = (int64_t)((least < SWEEP_SECONDS ? least : SWEEP_SECONDS) * 1000) + 1;
    pthread_mutex_lock(&service->lock);
    while (!service->closing) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += ms % 1000 * 1000000;
        until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&service->changed, &service->lock, &until);
        if (service->closing)
            break;
        pthread_mutex_unlock(&service->lock);
        sweep(service);
        pthread_mutex_lock(&service->lock);
    }
    pthread_mutex_unlock(&service->lock);
    return NULL;
}

/* Bytes that a plan with a sort, a join or an aggregate can do with. */
#define LEAST_OF_PLAN ((int64_t)32 << 20)

/* A part of the limit, within bounds. */
static int64_t share_of(int64_t limit, int64_t part, int64_t most)
{
    int64_t bytes = limit / part;
    return bytes > most ? most : bytes < LEAST_LOG ? LEAST_LOG : bytes;
}

ch_status cn_service_new(ch_engine *engine, double session_timeout_s, double detached_timeout_s,
                         cn_service **out, ch_error *err)
{
    *out = NULL;
    cn_service *service = calloc(1, sizeof *service);
    ch_mem *mem = service ? ch_mem_new(ch_engine_mem(engine), "server", 0) : NULL;
    if (!mem) {
        free(service);
        return ch_error_memory(err, "process", (int64_t)sizeof *service, 0);
    }
    service->engine = engine;
    service->mem = mem;
    service->idle_ns = (int64_t)(session_timeout_s * 1e9);
    service->detached_s = detached_timeout_s;
    service->most_unsent = share_of(ch_mem_limit(mem), UNSENT_SHARE, MOST_UNSENT);
    service->most_kept = share_of(ch_mem_limit(mem), KEPT_SHARE, MOST_KEPT);
    cn_turns_init(&service->turns, ch_engine_mem(engine), LEAST_OF_PLAN);
    pthread_mutex_init(&service->lock, NULL);
    pthread_cond_init(&service->changed, NULL);
    service->has_sweeper = pthread_create(&service->sweeper, NULL, sweep_forever, service) == 0;
    *out = service;
    return CH_OK;
}

ch_status cn_service_begin_with(cn_service *service, const char *const *conf, int n, ch_error *err)
{
    ch_session *trial = NULL;
    service->conf = conf;
    service->n_conf = n;
    if (n)
        CH_TRY(open_session(service, &trial, err));
    ch_session_free(trial);
    return CH_OK;
}

void cn_service_cancel(cn_service *service)
{
    if (!service)
        return;
    pthread_mutex_lock(&service->lock);
    service->closing = true;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    if (service->has_sweeper)
        pthread_join(service->sweeper, NULL);
    service->has_sweeper = false;
    for (int b = 0; b < CN_SESSION_BUCKETS; b++) {
        cn_session *s;
        while ((s = next_session(service, b, 0))) {
            cn_session_close(s);
            cn_session_unref(s);
        }
    }
}

void cn_service_free(cn_service *service)
{
    if (!service)
        return;
    pthread_mutex_lock(&service->lock);
    while (service->n_operations > 0)
        pthread_cond_wait(&service->changed, &service->lock);
    pthread_mutex_unlock(&service->lock);
    for (int i = 0; i < service->n_told; i++)
        free(service->told[i]);
    ch_mem_close(service->mem);
    cn_turns_release(&service->turns);
    pthread_mutex_destroy(&service->lock);
    pthread_cond_destroy(&service->changed);
    free(service);
}
