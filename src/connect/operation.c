/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operation.c - one ExecutePlan: its thread, and its responses until the client has released them.
 *
 *   log   | released | kept for a re-attach | to be sent ...|
 *                      first                 next of the stream   first + n
 *
 * The producer waits while the service's most_unsent bytes are not yet sent; what was sent stays until released,
 * but no more than most_kept bytes of it, as in Spark. It waits on the operation's own thread: a query whose rows
 * are sent in order has its last pipeline there, so a client that does not read holds up nobody else.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "connect/service.h"

#define PROGRESS_SECONDS 2
#define STACK_BYTES (32 << 20) /* of address space: plans are walked by recursion */

typedef struct response {
    char id[CN_ID];
    ch_buffer *bytes;
} response;

struct cn_operation {
    _Atomic int refs; /* the session's list, its thread, each call that streams it */
    cn_session *session;
    cn_operation *next;
    bool listed, reattachable;
    char id[CN_ID];
    ch_mem *mem;
    ch_arena arena; /* the request */
    const PB(ExecutePlanRequest) * request;

    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t changed;
    response *log;
    int64_t first, n, cap; /* first: number of log[0] */
    int64_t sent;          /* number of the next one to be sent */
    int64_t unsent_bytes, kept_bytes;
    ch_query *query;
    _Atomic bool cancelled; /* every query of the operation heeds it */
    cn_turn turn;           /* its thread's */
    bool done, released;
    int generation, n_attached; /* the newest stream wins */
    int64_t detached_ns;        /* when the last stream left, or it began */
    cn_state state;
    cn_failure failure;
};

/* ---- life -------------------------------------------------------------------------------- */

void cn_operation_unref(cn_operation *op)
{
    if (!op || atomic_fetch_sub_explicit(&op->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (int64_t i = 0; i < op->n; i++)
        ch_buffer_unref(op->log[i].bytes);
    free(op->log);
    cn_failure_release(&op->failure);
    ch_arena_release(&op->arena);
    ch_mem_close(op->mem);
    pthread_mutex_destroy(&op->lock);
    pthread_cond_destroy(&op->changed);
    cn_session_unref(op->session);
    free(op);
}

static void end_operation(cn_operation *op, ch_status status, ch_error *err)
{
    cn_failure failure = {0};
    if (status != CH_OK)
        failure = cn_failure_of(op->session, op->mem, err);
    pthread_mutex_lock(&op->lock);
    op->done = true;
    op->failure = failure;
    op->state = status == CH_OK            ? CN_SUCCEEDED
                : status == CH_E_CANCELLED ? CN_CANCELLED
                                           : CN_FAILED;
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
    op->session->used_ns = ch_tick_ns();
}

static void *run(void *arg)
{
    cn_operation *op = arg;
    cn_service *service = op->session->service;
    ch_error err = {0};
    ch_query_cancel_thread_with(&op->cancelled);
    ch_status status = cn_execute(op, op->request, &op->arena, &err);
    ch_query_cancel_thread_with(NULL);
    cn_turn_leave(&service->turns, &op->turn);
    end_operation(op, status, &err);
    cn_operation_unref(op);
    pthread_mutex_lock(&service->lock);
    service->n_operations--;
    pthread_cond_broadcast(&service->changed);
    pthread_mutex_unlock(&service->lock);
    return NULL;
}

static bool wants_reattach(const PB(ExecutePlanRequest) * request)
{
    for (size_t i = 0; i < request->n_request_options; i++) {
        const PB(ExecutePlanRequest__RequestOption) *o = request->request_options[i];
        if (o->request_option_case ==
                SPARK__CONNECT__EXECUTE_PLAN_REQUEST__REQUEST_OPTION__REQUEST_OPTION_REATTACH_OPTIONS &&
            o->reattach_options && o->reattach_options->reattachable)
            return true;
    }
    return false;
}

/* Into the session's list, unless one of that id is there. */
static bool enlist(cn_session *session, cn_operation *op)
{
    pthread_mutex_lock(&session->lock);
    bool taken = false;
    for (cn_operation *o = session->operation; o && !taken; o = o->next)
        taken = strcmp(o->id, op->id) == 0;
    if (!taken) {
        op->next = session->operation;
        session->operation = op;
        op->listed = true;
        op->refs++;
    }
    pthread_mutex_unlock(&session->lock);
    return !taken;
}

static void delist(cn_operation *op)
{
    pthread_mutex_lock(&op->session->lock);
    bool listed = op->listed;
    for (cn_operation **at = &op->session->operation; listed && *at; at = &(*at)->next)
        if (*at == op) {
            *at = op->next;
            break;
        }
    op->listed = false;
    pthread_mutex_unlock(&op->session->lock);
    if (listed)
        cn_operation_unref(op);
}

static ch_status start_thread(cn_operation *op, ch_error *err)
{
    cn_service *service = op->session->service;
    pthread_attr_t attr;
    pthread_t thread;
    op->refs++;
    service->n_operations++;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&thread, &attr, run, op);
    pthread_attr_destroy(&attr);
    if (code == 0)
        return CH_OK;
    service->n_operations--;
    op->refs--;
    return ch_error_memory(err, "a thread", STACK_BYTES, 0);
}

ch_status cn_operation_start(cn_session *session, const PB(ExecutePlanRequest) * request,
                             ch_arena *arena, cn_operation **out, ch_error *err)
{
    *out = NULL;
    const char *id = request->operation_id;
    if (id && *id && !cn_is_uuid(id))
        CH_FAIL(err, INVALID_HANDLE_FORMAT, "handle", id);
    cn_operation *op = calloc(1, sizeof *op);
    ch_mem *mem = op ? ch_mem_new(ch_session_mem(session->session), "operation", 0) : NULL;
    if (!mem) {
        free(op);
        return ch_error_memory(err, "server", (int64_t)sizeof *op, 0);
    }
    op->refs = 1;
    session->refs++;
    op->session = session;
    op->mem = mem;
    op->arena = *arena;
    ch_arena_init(arena, arena->mem);
    op->request = request;
    op->detached_ns = ch_tick_ns();
    pthread_mutex_init(&op->lock, NULL);
    pthread_cond_init(&op->changed, NULL);
    op->reattachable = wants_reattach(request);
    ch_status status = CH_OK;
    if (id && *id)
        strcpy(op->id, id);
    else
        status = ch_uuid(op->id, err);
    if (status == CH_OK && !enlist(session, op))
        status = ch_error_set(err, CH_E_INVALID_HANDLE_OPERATION_EXISTS, "handle", op->id,
                              (const char *)0);
    if (status == CH_OK) {
        status = start_thread(op, err);
        if (status != CH_OK)
            delist(op);
    }
    if (status == CH_OK)
        *out = op;
    else
        cn_operation_unref(op);
    return status;
}

cn_operation *cn_operation_find(cn_session *session, const char *id)
{
    pthread_mutex_lock(&session->lock);
    cn_operation *op = session->operation;
    while (op && strcmp(op->id, id) != 0)
        op = op->next;
    if (op)
        op->refs++;
    pthread_mutex_unlock(&session->lock);
    return op;
}

cn_operation **cn_operation_all(cn_session *session, int *n)
{
    *n = 0;
    pthread_mutex_lock(&session->lock);
    for (cn_operation *op = session->operation; op; op = op->next)
        ++*n;
    cn_operation **all = *n ? malloc(sizeof *all * (size_t)*n) : NULL;
    *n = 0;
    for (cn_operation *op = session->operation; all && op; op = op->next) {
        op->refs++;
        all[(*n)++] = op;
    }
    pthread_mutex_unlock(&session->lock);
    return all;
}

/* ---- what the operation's thread says ---------------------------------------------------- */

cn_session *cn_operation_session(cn_operation *op)
{
    return op->session;
}

ch_status cn_operation_take_turn(cn_operation *op, ch_error *err)
{
    return cn_turn_take(&op->session->service->turns, &op->turn, &op->cancelled, err);
}

bool cn_operation_again(cn_operation *op)
{
    return cn_turn_take_alone(&op->session->service->turns, &op->turn, &op->cancelled);
}

ch_status cn_operation_set_query(cn_operation *op, ch_query *query, ch_error *err)
{
    pthread_mutex_lock(&op->lock);
    op->query = query;
    bool cancelled = op->cancelled;
    pthread_mutex_unlock(&op->lock);
    if (cancelled && query)
        CH_FAIL(err, CANCELLED);
    return CH_OK;
}

/* Lock held. */
static ch_status append(cn_operation *op, const response *r, ch_error *err)
{
    if (op->n == op->cap) {
        int64_t cap = op->cap ? op->cap * 2 : 8;
        response *log = realloc(op->log, sizeof *log * (size_t)cap);
        if (!log)
            return ch_error_memory(err, "operation", cap * (int64_t)sizeof *log, 0);
        op->log = log;
        op->cap = cap;
    }
    op->log[op->n++] = *r;
    op->unsent_bytes += r->bytes->bytes;
    return CH_OK;
}

ch_status cn_operation_add(cn_operation *op, PB(ExecutePlanResponse) * message, ch_error *err)
{
    response r;
    CH_TRY(ch_uuid(r.id, err));
    message->session_id = op->session->id;
    message->server_side_session_id = op->session->server_id;
    message->operation_id = op->id;
    message->response_id = r.id;
    CH_TRY(cn_pack(message, op->mem, &r.bytes, err));
    pthread_mutex_lock(&op->lock);
    while (op->unsent_bytes > op->session->service->most_unsent && !op->cancelled) {
        cn_turn_pause(&op->session->service->turns, &op->turn);
        pthread_cond_wait(&op->changed, &op->lock);
    }
    ch_status status = CH_OK;
    if (op->cancelled)
        status = ch_error_set(err, CH_E_CANCELLED, (const char *)0);
    if (status == CH_OK)
        status = append(op, &r, err);
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
    if (status != CH_OK)
        ch_buffer_unref(r.bytes);
    return status;
}

/* ---- what clients ask -------------------------------------------------------------------- */

void cn_operation_cancel(cn_operation *op)
{
    pthread_mutex_lock(&op->lock);
    op->cancelled = true;
    pthread_cond_broadcast(&op->changed);
    pthread_mutex_unlock(&op->lock);
}

bool cn_operation_has_tag(const cn_operation *op, const char *tag)
{
    for (size_t i = 0; i < op->request->n_tags; i++)
        if (strcmp(op->request->tags[i], tag) == 0)
            return true;
    return false;
}

const char *cn_operation_id(const cn_operation *op)
{
    return op->id;
}

cn_state cn_operation_state(cn_operation *op)
{
    pthread_mutex_lock(&op->lock);
    cn_state state = op->state;
    pthread_mutex_unlock(&op->lock);
    return state;
}

double cn_operation_abandoned(cn_operation *op)
{
    pthread_mutex_lock(&op->lock);
    double seconds = op->n_attached == 0 ? (double)(ch_tick_ns() - op->detached_ns) / 1e9 : 0;
    pthread_mutex_unlock(&op->lock);
    return seconds;
}

/* Forgets the first n of the log. Lock held. */
static void forget(cn_operation *op, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t bytes = op->log[i].bytes->bytes;
        *(op->first + i < op->sent ? &op->kept_bytes : &op->unsent_bytes) -= bytes;
        ch_buffer_unref(op->log[i].bytes);
    }
    if (op->n > n)
        memmove(op->log, op->log + n, sizeof *op->log * (size_t)(op->n - n));
    op->first += n;
    op->n -= n;
    if (op->sent < op->first)
        op->sent = op->first;
    pthread_cond_broadcast(&op->changed);
}

void cn_operation_release(cn_operation *op, const char *id)
{
    bool all = id == NULL;
    pthread_mutex_lock(&op->lock);
    int64_t n = 0;
    if (all)
        n = op->n;
    for (int64_t i = 0; !all && i < op->n; i++)
        if (strcmp(op->log[i].id, id) == 0)
            n = i + 1;
    forget(op, n);
    if (all)
        op->released = true;
    bool running = !op->done;
    pthread_mutex_unlock(&op->lock);
    if (all && running)
        cn_operation_cancel(op); /* nobody wants the rest */
    if (all)
        delist(op);
}

/* ---- streams ----------------------------------------------------------------------------- */

/* The number behind response `after`; -1: there is none of that id. Lock held. */
static int64_t position_behind(const cn_operation *op, const char *after)
{
    if (!after || !*after || strcmp(after, op->id) == 0)
        return op->first == 0 ? 0 : -1;
    for (int64_t i = 0; i < op->n; i++)
        if (strcmp(op->log[i].id, after) == 0)
            return op->first + i + 1;
    return -1;
}

/* Lets go of what was sent long ago. Lock held. */
static void trim(cn_operation *op)
{
    int64_t n = 0, bytes = op->kept_bytes;
    while (op->first + n < op->sent && bytes > op->session->service->most_kept)
        bytes -= op->log[n++].bytes->bytes;
    if (n)
        forget(op, n);
}

/* A message outside of the log, under the id of the response before it, so that a re-attach goes on behind that. */
static void send_progress(cn_operation *op, const char *last, ch_grpc_call *call)
{
    ch_scan_progress p = {0};
    pthread_mutex_lock(&op->lock);
    if (op->query)
        ch_query_progress(op->query, &p);
    pthread_mutex_unlock(&op->lock);
    PB(ExecutePlanResponse) message = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__INIT;
    PB(ExecutePlanResponse__ExecutionProgress)
    progress = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__EXECUTION_PROGRESS__INIT;
    PB(ExecutePlanResponse__ExecutionProgress__StageInfo)
    stage = SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__EXECUTION_PROGRESS__STAGE_INFO__INIT;
    PB(ExecutePlanResponse__ExecutionProgress__StageInfo) * stages[1] = {&stage};
    const int64_t TASK = 4 << 20; /* bytes of input: what a task is here */
    ch_error err = {0};
    ch_buffer *bytes;
    stage.has_stage_id = stage.has_num_tasks = stage.has_num_completed_tasks = 1;
    stage.has_input_bytes_read = stage.has_done = 1;
    stage.num_tasks = p.bytes_total / TASK + 1;
    stage.num_completed_tasks = p.bytes_done / TASK;
    if (stage.num_completed_tasks > stage.num_tasks)
        stage.num_completed_tasks = stage.num_tasks;
    stage.input_bytes_read = p.bytes_done;
    progress.stages = stages;
    progress.n_stages = 1;
    progress.has_num_inflight_tasks = 1;
    progress.num_inflight_tasks = stage.num_tasks > stage.num_completed_tasks;
    message.response_type_case =
        SPARK__CONNECT__EXECUTE_PLAN_RESPONSE__RESPONSE_TYPE_EXECUTION_PROGRESS;
    message.execution_progress = &progress;
    message.session_id = op->session->id;
    message.server_side_session_id = op->session->server_id;
    message.operation_id = op->id;
    message.response_id = (char *)(uintptr_t)last;
    if (cn_pack(&message, op->mem, &bytes, &err) == CH_OK) {
        ch_grpc_send(call, bytes);
        ch_buffer_unref(bytes);
    }
    ch_error_release(&err);
}

/* Waits for response `at`. true: *bytes, a reference, or the end when that is NULL. Lock held. */
static bool wait_for(cn_operation *op, int64_t at, int generation, ch_grpc_call *call,
                     char last[CN_ID], ch_buffer **bytes)
{
    *bytes = NULL;
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PROGRESS_SECONDS;
    while (op->generation == generation && at >= op->first + op->n && !op->done) {
        if (pthread_cond_timedwait(&op->changed, &op->lock, &until) == ETIMEDOUT) {
            pthread_mutex_unlock(&op->lock);
            bool gone = ch_grpc_gone(call);
            if (!gone)
                send_progress(op, last, call);
            pthread_mutex_lock(&op->lock);
            if (gone)
                return false;
            until.tv_sec += PROGRESS_SECONDS;
        }
    }
    if (op->generation != generation)
        return false;
    if (at < op->first + op->n && at >= op->first) {
        *bytes = ch_buffer_ref(op->log[at - op->first].bytes);
        strcpy(last, op->log[at - op->first].id);
        if (at == op->sent) {
            op->sent++;
            op->unsent_bytes -= (*bytes)->bytes;
            op->kept_bytes += (*bytes)->bytes;
            trim(op);
            pthread_cond_broadcast(&op->changed);
        }
    }
    return true;
}

void cn_operation_stream(cn_operation *op, const char *after, ch_grpc_call *call)
{
    ch_error err = {0};
    pthread_mutex_lock(&op->lock);
    int generation = ++op->generation;
    int64_t at = position_behind(op, after);
    op->n_attached++;
    pthread_cond_broadcast(&op->changed);
    bool there = true, gone = false;
    char last[CN_ID];
    /* Before the first response: a client takes progress without an id for the end, and releases everything. */
    snprintf(last, sizeof last, "%s", op->id);
    if (after && at > 0)
        strcpy(last, op->log[at - 1 - op->first].id);
    while (at >= 0 && there && !gone) {
        ch_buffer *bytes;
        there = wait_for(op, at, generation, call, last, &bytes);
        if (!bytes)
            break;
        pthread_mutex_unlock(&op->lock);
        gone = !ch_grpc_send(call, bytes);
        ch_buffer_unref(bytes);
        pthread_mutex_lock(&op->lock);
        at++;
    }
    bool newest = op->generation == generation;
    bool failed = op->failure.code != CH_GRPC_OK;
    op->n_attached--;
    op->detached_ns = ch_tick_ns();
    pthread_mutex_unlock(&op->lock);
    if (at < 0 || !newest) {
        if (at < 0)
            (void)ch_error_set(&err, CH_E_INVALID_CURSOR_POSITION, "responseId", after ? after : "",
                               (const char *)0);
        else
            (void)ch_error_set(&err, CH_E_INVALID_CURSOR_DISCONNECTED, (const char *)0);
        cn_finish_failed(call, op->session, op->mem, &err);
    } else if (gone || !there) {
        if (!op->reattachable)
            cn_operation_cancel(op);
        ch_grpc_finish(call, CH_GRPC_CANCELLED, NULL, NULL, 0);
    } else if (failed) {
        const cn_failure *f = &op->failure;
        ch_grpc_finish(call, f->code, f->message, f->details ? f->details->data : NULL,
                       f->details ? (size_t)f->details->bytes : 0);
    } else {
        ch_grpc_finish(call, CH_GRPC_OK, NULL, NULL, 0);
    }
    if (!op->reattachable)
        cn_operation_release(op, NULL);
}
