/* SPDX-License-Identifier: Apache-2.0 */
/* service.c - the twelve calls: what each reads, whom it asks, what it answers. */
#include "connect/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#define SERVICE_PATH "/spark.connect.SparkConnectService/"

/* What a handler of one request and one answer works with. */
typedef struct request {
    cn_service *service;
    ch_grpc_call *call;
    ch_arena arena;
    const uint8_t *data;
    size_t len;
    cn_session
        *session; /* set by the handler as soon as it is known: keeps the details of errors */
} request;

#define UNPACK(r, NAME, message, err)                                                            \
    PB(NAME) * message;                                                                          \
    CH_TRY(cn_unpack(&spark__connect__##message##__descriptor, (r)->data, (r)->len, &(r)->arena, \
                     &message, err))

#define OPEN_SESSION(r, m, err)                                             \
    CH_TRY(cn_session_get((r)->service, (m)->user_context, (m)->session_id, \
                          (m)->client_observed_server_side_session_id, &(r)->session, err))

static ch_status answer(request *r, const void *message, ch_error *err)
{
    ch_buffer *bytes;
    CH_TRY(cn_pack(message, r->service->mem, &bytes, err));
    ch_grpc_send(r->call, bytes);
    ch_buffer_unref(bytes);
    ch_grpc_finish(r->call, CH_GRPC_OK, NULL, NULL, 0);
    return CH_OK;
}

#define NAME_SESSION(response, s)                           \
    do {                                                    \
        (response).session_id = (s)->id;                    \
        (response).server_side_session_id = (s)->server_id; \
    } while (0)

/* ---- executing --------------------------------------------------------------------------- */

static ch_status execute_plan(request *r, ch_error *err)
{
    UNPACK(r, ExecutePlanRequest, execute_plan_request, err);
    const PB(ExecutePlanRequest) *m = execute_plan_request;
    cn_operation *op;
    OPEN_SESSION(r, m, err);
    CH_TRY(cn_operation_start(r->session, m, &r->arena, &op, err));
    cn_operation_stream(op, NULL, r->call);
    cn_operation_unref(op);
    return CH_OK;
}

static ch_status find_operation(request *r, const PB(UserContext) * user, const char *session_id,
                                const char *id, cn_operation **op, ch_error *err)
{
    *op = NULL;
    r->session = cn_session_find(r->service, user, session_id);
    if (!r->session)
        CH_FAIL(err, INVALID_HANDLE_SESSION_NOT_FOUND, "handle", session_id ? session_id : "");
    *op = id ? cn_operation_find(r->session, id) : NULL;
    return CH_OK;
}

static ch_status reattach_execute(request *r, ch_error *err)
{
    UNPACK(r, ReattachExecuteRequest, reattach_execute_request, err);
    const PB(ReattachExecuteRequest) *m = reattach_execute_request;
    cn_operation *op;
    CH_TRY(find_operation(r, m->user_context, m->session_id, m->operation_id, &op, err));
    if (!op)
        CH_FAIL(err, INVALID_HANDLE_OPERATION_NOT_FOUND, "handle",
                m->operation_id ? m->operation_id : "");
    cn_operation_stream(op, m->last_response_id, r->call);
    cn_operation_unref(op);
    return CH_OK;
}

static ch_status release_execute(request *r, ch_error *err)
{
    UNPACK(r, ReleaseExecuteRequest, release_execute_request, err);
    const PB(ReleaseExecuteRequest) *m = release_execute_request;
    cn_operation *op;
    CH_TRY(find_operation(r, m->user_context, m->session_id, m->operation_id, &op, err));
    PB(ReleaseExecuteResponse) response = SPARK__CONNECT__RELEASE_EXECUTE_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    if (op) {
        response.operation_id = m->operation_id;
        if (m->release_case == SPARK__CONNECT__RELEASE_EXECUTE_REQUEST__RELEASE_RELEASE_ALL)
            cn_operation_release(op, NULL);
        else if (m->release_case ==
                     SPARK__CONNECT__RELEASE_EXECUTE_REQUEST__RELEASE_RELEASE_UNTIL &&
                 m->release_until->response_id)
            cn_operation_release(op, m->release_until->response_id);
        cn_operation_unref(op);
    }
    return answer(r, &response, err);
}

static ch_status interrupt(request *r, ch_error *err)
{
    UNPACK(r, InterruptRequest, interrupt_request, err);
    const PB(InterruptRequest) *m = interrupt_request;
    OPEN_SESSION(r, m, err);
    PB(InterruptResponse) response = SPARK__CONNECT__INTERRUPT_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    bool by_tag = m->interrupt_type ==
                  SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_TAG,
         by_id = m->interrupt_type ==
                 SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_TYPE__INTERRUPT_TYPE_OPERATION_ID;
    const char *tag =
        m->interrupt_case == SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_OPERATION_TAG
            ? m->operation_tag
            : "";
    const char *id = m->interrupt_case == SPARK__CONNECT__INTERRUPT_REQUEST__INTERRUPT_OPERATION_ID
                         ? m->operation_id
                         : "";
    int n;
    cn_operation **op = cn_operation_all(r->session, &n);
    ch_status status = CH_E_MEMORY;
    response.interrupted_ids = ch_arena_alloc(&r->arena, sizeof(char *) * (size_t)(n + 1), err);
    for (int i = 0; i < n; i++) {
        bool meant = by_tag  ? cn_operation_has_tag(op[i], tag)
                     : by_id ? strcmp(cn_operation_id(op[i]), id) == 0
                             : true;
        if (response.interrupted_ids && meant && cn_operation_state(op[i]) == CN_RUNNING) {
            cn_operation_cancel(op[i]);
            response.interrupted_ids[response.n_interrupted_ids++] =
                (char *)(uintptr_t)cn_operation_id(op[i]);
        }
    }
    if (response.interrupted_ids)
        status = answer(r, &response, err);
    for (int i = 0; i < n; i++)
        cn_operation_unref(op[i]);
    free(op);
    return status;
}

static ch_status get_status(request *r, ch_error *err)
{
    UNPACK(r, GetStatusRequest, get_status_request, err);
    const PB(GetStatusRequest) *m = get_status_request;
    typedef PB(GetStatusResponse__OperationStatus) one;
    OPEN_SESSION(r, m, err);
    PB(GetStatusResponse) response = SPARK__CONNECT__GET_STATUS_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    const PB(GetStatusRequest__OperationStatusRequest) *asked = m->operation_status;
    int n = 0;
    cn_operation **op = asked ? cn_operation_all(r->session, &n) : NULL;
    size_t n_asked = asked ? asked->n_operation_ids : 0, total = n_asked ? n_asked : (size_t)n;
    ch_status status = CH_E_MEMORY;
    response.operation_statuses = ch_arena_alloc(&r->arena, sizeof(one *) * (total + 1), err);
    one *each = ch_arena_alloc(&r->arena, sizeof(one) * (total + 1), err);
    if (!response.operation_statuses || !each)
        goto out;
    for (size_t i = 0; i < total; i++) {
        static const int STATE[] = {
            SPARK__CONNECT__GET_STATUS_RESPONSE__OPERATION_STATUS__OPERATION_STATE__OPERATION_STATE_RUNNING,
            SPARK__CONNECT__GET_STATUS_RESPONSE__OPERATION_STATUS__OPERATION_STATE__OPERATION_STATE_SUCCEEDED,
            SPARK__CONNECT__GET_STATUS_RESPONSE__OPERATION_STATUS__OPERATION_STATE__OPERATION_STATE_FAILED,
            SPARK__CONNECT__GET_STATUS_RESPONSE__OPERATION_STATUS__OPERATION_STATE__OPERATION_STATE_CANCELLED};
        spark__connect__get_status_response__operation_status__init(&each[i]);
        cn_operation *found = n_asked ? NULL : op[i];
        for (int k = 0; n_asked && k < n && !found; k++)
            if (strcmp(cn_operation_id(op[k]), asked->operation_ids[i]) == 0)
                found = op[k];
        each[i].operation_id =
            n_asked ? asked->operation_ids[i] : (char *)(uintptr_t)cn_operation_id(op[i]);
        each[i].has_state = 1;
        each[i].state =
            found
                ? (PB(GetStatusResponse__OperationStatus__OperationState))
                      STATE[cn_operation_state(found)]
                : SPARK__CONNECT__GET_STATUS_RESPONSE__OPERATION_STATUS__OPERATION_STATE__OPERATION_STATE_UNKNOWN;
        response.operation_statuses[response.n_operation_statuses++] = &each[i];
    }
    status = answer(r, &response, err);
out:
    for (int i = 0; i < n; i++)
        cn_operation_unref(op[i]);
    free(op);
    return status;
}

/* ---- asking ------------------------------------------------------------------------------ */

static ch_status analyze_plan(request *r, ch_error *err)
{
    UNPACK(r, AnalyzePlanRequest, analyze_plan_request, err);
    const PB(AnalyzePlanRequest) *m = analyze_plan_request;
    OPEN_SESSION(r, m, err);
    PB(AnalyzePlanResponse) response = SPARK__CONNECT__ANALYZE_PLAN_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    CH_TRY(cn_analyze(r->session, m, &response, &r->arena, err));
    return answer(r, &response, err);
}

static ch_status config(request *r, ch_error *err)
{
    UNPACK(r, ConfigRequest, config_request, err);
    const PB(ConfigRequest) *m = config_request;
    OPEN_SESSION(r, m, err);
    PB(ConfigResponse) response = SPARK__CONNECT__CONFIG_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    CH_TRY(cn_config(r->session, m, &response, &r->arena, err));
    return answer(r, &response, err);
}

static ch_status fetch_error_details(request *r, ch_error *err)
{
    UNPACK(r, FetchErrorDetailsRequest, fetch_error_details_request, err);
    const PB(FetchErrorDetailsRequest) *m = fetch_error_details_request;
    OPEN_SESSION(r, m, err);
    cn_session *s = r->session;
    ch_buffer *bytes = NULL;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; m->error_id && i < CN_KEPT_ERRORS && !bytes; i++)
        if (strcmp(s->error[i].id, m->error_id) == 0)
            bytes = ch_buffer_ref(s->error[i].bytes);
    pthread_mutex_unlock(&s->lock);
    PB(FetchErrorDetailsResponse)
    none = SPARK__CONNECT__FETCH_ERROR_DETAILS_RESPONSE__INIT, *response = &none;
    ch_status status = CH_OK;
    if (bytes)
        status = cn_unpack(&PB_DESCRIPTOR(fetch_error_details_response), bytes->data,
                           (size_t)bytes->bytes, &r->arena, &response, err);
    ch_buffer_unref(bytes);
    CH_TRY(status);
    NAME_SESSION(*response, s);
    return answer(r, response, err);
}

static ch_status artifact_status(request *r, ch_error *err)
{
    UNPACK(r, ArtifactStatusesRequest, artifact_statuses_request, err);
    const PB(ArtifactStatusesRequest) *m = artifact_statuses_request;
    typedef PB(ArtifactStatusesResponse__StatusesEntry) entry;
    OPEN_SESSION(r, m, err);
    PB(ArtifactStatusesResponse) response = SPARK__CONNECT__ARTIFACT_STATUSES_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    CH_ARENA_ARRAY(response.statuses, &r->arena, m->n_names + 1, err);
    for (size_t i = 0; i < m->n_names; i++) {
        entry *e;
        PB_NEW(e, &r->arena, spark__connect__artifact_statuses_response__statuses_entry__init, err);
        PB_NEW(e->value, &r->arena,
               spark__connect__artifact_statuses_response__artifact_status__init, err);
        ch_buffer *bytes = cn_session_artifact(r->session, m->names[i]);
        e->key = m->names[i];
        e->value->has_exists = 1;
        e->value->exists = bytes != NULL;
        ch_buffer_unref(bytes);
        response.statuses[response.n_statuses++] = e;
    }
    return answer(r, &response, err);
}

/* ---- sessions ---------------------------------------------------------------------------- */

static ch_status release_session(request *r, ch_error *err)
{
    UNPACK(r, ReleaseSessionRequest, release_session_request, err);
    const PB(ReleaseSessionRequest) *m = release_session_request;
    PB(ReleaseSessionResponse) response = SPARK__CONNECT__RELEASE_SESSION_RESPONSE__INIT;
    r->session = cn_session_find(r->service, m->user_context, m->session_id);
    response.session_id = m->session_id;
    if (r->session) {
        response.server_side_session_id = r->session->server_id;
        cn_session_close(r->session);
    }
    return answer(r, &response, err);
}

static ch_status clone_session(request *r, ch_error *err)
{
    UNPACK(r, CloneSessionRequest, clone_session_request, err);
    const PB(CloneSessionRequest) *m = clone_session_request;
    cn_session *copy;
    OPEN_SESSION(r, m, err);
    PB(CloneSessionResponse) response = SPARK__CONNECT__CLONE_SESSION_RESPONSE__INIT;
    NAME_SESSION(response, r->session);
    CH_TRY(cn_session_clone(r->session, m->new_session_id, &copy, err));
    response.new_session_id = copy->id;
    response.new_server_side_session_id = copy->server_id;
    ch_status status = answer(r, &response, err);
    cn_session_unref(copy);
    return status;
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct {
    const char *name;
    ch_status (*run)(request *r, ch_error *err);
} METHOD[] = {
    {"ExecutePlan", execute_plan},
    {"AnalyzePlan", analyze_plan},
    {"Config", config},
    {"ArtifactStatus", artifact_status},
    {"Interrupt", interrupt},
    {"ReattachExecute", reattach_execute},
    {"ReleaseExecute", release_execute},
    {"ReleaseSession", release_session},
    {"FetchErrorDetails", fetch_error_details},
    {"CloneSession", clone_session},
    {"GetStatus", get_status},
};

void cn_service_handle(void *user, ch_grpc_call *call)
{
    request r = {.service = user, .call = call};
    const char *path = ch_grpc_path(call);
    size_t head = strlen(SERVICE_PATH);
    ch_error err = {0};
    const char *name = strncmp(path, SERVICE_PATH, head) == 0 ? path + head : "";
    if (strcmp(name, "AddArtifacts") == 0) {
        cn_add_artifacts(r.service, call);
        return;
    }
    size_t i = 0, n = sizeof METHOD / sizeof *METHOD;
    while (i < n && strcmp(METHOD[i].name, name) != 0)
        i++;
    if (i == n) {
        char text[256];
        snprintf(text, sizeof text, "There is no method %s", path);
        ch_grpc_finish(call, CH_GRPC_UNIMPLEMENTED, text, NULL, 0);
        return;
    }
    ch_arena_init(&r.arena, r.service->mem);
    ch_status status = ch_grpc_receive(call, &r.data, &r.len, &err);
    if (status == CH_OK && !r.data)
        ch_grpc_finish(call, CH_GRPC_INTERNAL, "the request is empty", NULL, 0);
    else if (status == CH_OK)
        status = METHOD[i].run(&r, &err);
    if (status != CH_OK)
        cn_finish_failed(call, r.session, r.service->mem, &err);
    ch_arena_release(&r.arena);
    cn_session_unref(r.session);
}
