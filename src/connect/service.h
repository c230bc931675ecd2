/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - Spark Connect's service: sessions, operations, and the twelve calls.
 *
 *   grpc, a thread a call ──▶ handler ──▶ session ──▶ operation, with a thread that runs the plan
 *                                                        └─ log of responses, kept until released
 *
 * A client that loses its connection re-attaches: the operation goes on and its responses wait in the log.
 * Source: Spark's base.proto, and what its clients rely on.
 */
#ifndef CH_CONNECT_SERVICE_H
#define CH_CONNECT_SERVICE_H

#include <pthread.h>

#include "base/arena.h"
#include "base/uuid.h"
#include "connect/grpc.h"
#include "connect/proto.h"
#include "connect/turns.h"
#include "session/query.h"

#define CN_SPARK_VERSION "4.3.0" /* whose protocol and answers these are */
#define CN_ID CH_UUID_TEXT

typedef struct cn_service cn_service;
typedef struct cn_session cn_session;
typedef struct cn_operation cn_operation;

/* Bytes that a client uploaded: "cache/<sha256>". */
typedef struct cn_artifact cn_artifact;
struct cn_artifact {
    cn_artifact *next;
    char *name; /* malloc */
    ch_buffer *bytes;
};

/* A frame the client refers to by id: checkpoints. */
typedef struct cn_remote cn_remote;
struct cn_remote {
    cn_remote *next;
    char id[CN_ID];
    ch_frame *frame;
};

/* An error's long form, for FetchErrorDetails: a packed response without session ids. */
typedef struct cn_kept_error {
    char id[CN_ID];
    ch_buffer *bytes;
} cn_kept_error;
#define CN_KEPT_ERRORS 32

/* Refs: one of the table, one for each call and operation that works in it. */
struct cn_session {
    _Atomic int refs;
    cn_service *service;
    cn_session *origin; /* a clone's: its views are in there; a reference, or NULL */
    cn_session *next;   /* in the table; under its lock */
    char *user;         /* malloc */
    char id[CN_ID], server_id[CN_ID];
    ch_session *session;
    _Atomic int64_t used_ns; /* when a call last named it */
    pthread_mutex_t lock;    /* guards the rest */
    cn_operation *operation; /* list */
    cn_artifact *artifact;   /* list */
    cn_remote *remote;       /* list */
    cn_kept_error error[CN_KEPT_ERRORS];
    int next_error;
};

#define CN_SESSION_BUCKETS 256
#define CN_TOLD_KEYS 128

struct cn_service {
    ch_engine *engine;    /* borrowed */
    ch_mem *mem;          /* requests; child of the engine's */
    pthread_mutex_t lock; /* guards the table */
    pthread_cond_t changed;
    cn_session *bucket[CN_SESSION_BUCKETS];
    int n_sessions;
    _Atomic int n_operations; /* that have a thread */
    const char *const *conf;  /* settings of new sessions: key, value, key ...; borrowed */
    int n_conf;               /* keys */
    char *told[CN_TOLD_KEYS]; /* settings named in the log; malloc */
    int n_told;
    bool closing;
    pthread_t sweeper;
    bool has_sweeper;
    int64_t idle_ns; /* a session that nobody names and in which nothing runs goes then */
    double
        detached_s; /* an operation to which no stream is attached is cancelled and forgotten then */
    int64_t most_unsent; /* bytes of an operation's results that wait for its client */
    int64_t most_kept;   /* bytes kept for a re-attach */
    cn_turns turns;      /* of the operations */
};

/* ---- service_session.c ---- */

/* Times as in server.h. */
CH_NODISCARD ch_status cn_service_new(ch_engine *engine, double session_timeout_s,
                                      double detached_timeout_s, cn_service **out, ch_error *err);
/* Settings that sessions begin with, of n keys; borrowed. Before it serves. Errors CH_E_INVALID_CONF_VALUE. */
CH_NODISCARD ch_status cn_service_begin_with(cn_service *service, const char *const *conf, int n,
                                             ch_error *err);
/* Closes all sessions and cancels what runs in them. NULL is ignored. */
void cn_service_cancel(cn_service *service);
/* After cancel, and when no call is left: waits for what runs. NULL is ignored. */
void cn_service_free(cn_service *service);
/* ch_grpc_options.handle; user is the service. */
void cn_service_handle(void *user, ch_grpc_call *call);

/*
 * The session of a request, made on first use; a reference for the caller.
 *   observed  what the client remembers of the server's id for it; NULL or "" if nothing
 * Errors CH_E_INVALID_HANDLE_*.
 */
CH_NODISCARD ch_status cn_session_get(cn_service *service, const PB(UserContext) * user,
                                      const char *id, const char *observed, cn_session **out,
                                      ch_error *err);
/* The one that is there, or NULL. */
cn_session *cn_session_find(cn_service *service, const PB(UserContext) * user, const char *id);
void cn_session_unref(cn_session *session);
/* Takes it out of the table and cancels what runs in it. */
void cn_session_close(cn_session *session);
/* A new session with this one's settings and views. */
CH_NODISCARD ch_status cn_session_clone(cn_session *session, const char *new_id, cn_session **out,
                                        ch_error *err);
bool cn_is_uuid(const char *text);

/* A reference to the artifact's bytes, or NULL. */
ch_buffer *cn_session_artifact(cn_session *session, const char *name);
CH_NODISCARD ch_status cn_session_put_artifact(cn_session *session, const char *name,
                                               ch_buffer *bytes, ch_error *err);
/* A reference to the frame, or NULL. */
ch_frame *cn_session_remote(cn_session *session, const char *id);
CH_NODISCARD ch_status cn_session_put_remote(cn_session *session, ch_frame *frame, char id[CN_ID],
                                             ch_error *err);
void cn_session_drop_remote(cn_session *session, const char *id);

/* ---- operation.c ---- */

typedef enum cn_state { CN_RUNNING, CN_SUCCEEDED, CN_FAILED, CN_CANCELLED } cn_state;

/* arena: where the request lies; moved, and left empty, unless there is no memory for the operation. */
CH_NODISCARD ch_status cn_operation_start(cn_session *session,
                                          const PB(ExecutePlanRequest) * request, ch_arena *arena,
                                          cn_operation **out, ch_error *err);
/* A reference, or NULL. */
cn_operation *cn_operation_find(cn_session *session, const char *id);
void cn_operation_unref(cn_operation *op);
/* Sends the log from behind response `after` (NULL: all) to the call, and finishes it. */
void cn_operation_stream(cn_operation *op, const char *after, ch_grpc_call *call);
void cn_operation_cancel(cn_operation *op);
bool cn_operation_has_tag(const cn_operation *op, const char *tag);
const char *cn_operation_id(const cn_operation *op);
cn_state cn_operation_state(cn_operation *op);
/* Forgets responses up to and with this one; id NULL: all, and the operation is forgotten once it is done. */
void cn_operation_release(cn_operation *op, const char *id);
/* Seconds since nobody is attached; 0 while somebody is. */
double cn_operation_abandoned(cn_operation *op);
/* References to all of the session's, in an array to be freed; NULL when there is none. */
cn_operation **cn_operation_all(cn_session *session, int *n);

/* For what an operation runs (execute.c): fills in the ids, appends to the log. */
CH_NODISCARD ch_status cn_operation_add(cn_operation *op, PB(ExecutePlanResponse) * response,
                                        ch_error *err);
cn_session *cn_operation_session(cn_operation *op);
/*
 * Its plan may run from now on, until it ends. Errors CH_E_CANCELLED.
 * again: it failed for want of memory, and nothing was said: true if it may run once more, alone.
 */
CH_NODISCARD ch_status cn_operation_take_turn(cn_operation *op, ch_error *err);
bool cn_operation_again(cn_operation *op);
/* While a query runs, whose progress is told; NULL when it is over. CH_E_CANCELLED if it was cancelled before. */
CH_NODISCARD ch_status cn_operation_set_query(cn_operation *op, ch_query *query, ch_error *err);

/* ---- execute.c, service_analyze.c, service_config.c ---- */

CH_NODISCARD ch_status cn_execute(cn_operation *op, const PB(ExecutePlanRequest) * request,
                                  ch_arena *arena, ch_error *err);
/* A request, its answer in arena. */
CH_NODISCARD ch_status cn_analyze(cn_session *session, const PB(AnalyzePlanRequest) * request,
                                  PB(AnalyzePlanResponse) * response, ch_arena *arena,
                                  ch_error *err);
CH_NODISCARD ch_status cn_config(cn_session *session, const PB(ConfigRequest) * request,
                                 PB(ConfigResponse) * response, ch_arena *arena, ch_error *err);
void cn_add_artifacts(cn_service *service, ch_grpc_call *call);

/* ---- service_error.c ---- */

/* How a failure leaves: gRPC's code, text and packed google.rpc.Status. */
typedef struct cn_failure {
    ch_grpc_code code;
    char *message; /* malloc */
    ch_buffer *details;
} cn_failure;
/* session may be NULL; it keeps the long form. Frees err. */
cn_failure cn_failure_of(cn_session *session, ch_mem *mem, ch_error *err);
void cn_failure_release(cn_failure *failure);
void cn_finish_failed(ch_grpc_call *call, cn_session *session, ch_mem *mem, ch_error *err);

#endif
