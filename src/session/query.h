/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query.h - one run of a plan: analyzed when opened, optimized, compiled and run once.
 *
 *   ch_query_open      names resolved, types known: errors of the program come here
 *   ch_query_collect | ch_query_each     at most one of them
 *   ch_query_close     always
 *
 * cancel and progress may be called from another thread between open and close.
 */
#ifndef CH_SESSION_QUERY_H
#define CH_SESSION_QUERY_H

#include <pthread.h>

#include "base/stack.h"
#include "exec/exec.h"
#include "plan/plan_command.h"
#include "session/session.h"
#include "type/timezone.h"

typedef struct ch_query ch_query;

/* Plan rel of the frame (frame->rel or a node inside); shares the frame. *out is NULL on error. */
CH_NODISCARD ch_status ch_query_open(ch_frame *frame, const ch_rel *rel, ch_query **out,
                                     ch_error *err);
/* NULL is ignored. Batches of ch_query_batch go with it, unless they were shared by ch_batch_copy. */
void ch_query_close(ch_query *query);

/* The plan that was opened; borrowed. */
const ch_rel *ch_query_written(const ch_query *query);
/* The resolved plan, before and after optimizing; borrowed. */
const ch_rel *ch_query_analyzed(const ch_query *query);
CH_NODISCARD ch_status ch_query_optimized(ch_query *query, const ch_rel **out, ch_error *err);
const ch_attr_list *ch_query_output(const ch_query *query);
const ch_type *ch_query_schema(const ch_query *query);
const ch_func_context *ch_query_func(const ch_query *query);
/* The session's time zone, as it was when the query was opened. */
CH_NODISCARD ch_status ch_query_zone(const ch_query *query, const ch_zone **out, ch_error *err);
ch_arena *ch_query_arena(ch_query *query);
ch_mem *ch_query_mem(ch_query *query);
/* Runs it and keeps the rows: ch_query_batch(i) in order, NULL past the last. */
CH_NODISCARD ch_status ch_query_collect(ch_query *query, ch_error *err);
ch_batch *ch_query_batch(ch_query *query, int64_t i);
int64_t ch_query_rows(const ch_query *query);
/* Runs it and hands every batch to fn (exec/exec.h says on which threads). */
CH_NODISCARD ch_status ch_query_each(ch_query *query, ch_batch_fn fn, void *user, bool ordered,
                                     ch_error *err);

/* For plans that are kept (session/cache.h). Not among the session's open queries any more: */
void ch_query_park(ch_query *query);
/* And again: it is about to run. */
void ch_query_unpark(ch_query *query);
/* Of what the session keeps, its plan does not read this. Before it is optimized. */
void ch_query_skip(ch_query *query, const struct ch_kept *kept);
/* It runs for another one: that one's flag cancels it. Before it runs. */
void ch_query_cancel_with(ch_query *query, _Atomic bool *cancel);
/* Gives back what the run needed. */
void ch_query_end_run(ch_query *query);
/* EXPLAIN's physical plan without its title; CH_PHYSICAL_ANALYZED runs the query. */
CH_NODISCARD ch_status ch_query_explain_physical(ch_query *query, ch_physical_style style,
                                                 ch_buf *out, ch_error *err);

/*
 * Queries that this thread opens from now on end with CH_E_CANCELLED once the flag is set, those of writes,
 * commands and plans that are computed while decoded among them. NULL: each has a flag of its own again.
 */
void ch_query_cancel_thread_with(_Atomic bool *cancel);
/* Makes the running query end with CH_E_CANCELLED; safe in a signal handler. */
void ch_query_cancel(ch_query *query);
void ch_query_progress(const ch_query *query, ch_scan_progress *out);
/* EXPLAIN's text (session/query_explain.c). CH_EXPLAIN_ANALYZE runs the query. */
CH_NODISCARD ch_status ch_query_explain(ch_query *query, ch_explain_mode mode, ch_buf *out,
                                        ch_error *err);
/* What observe() saw: a list, NULL if there is none; valid until close. */
const ch_observed *ch_query_observed(const ch_query *query);
int ch_query_slots(const ch_query *query);
/* fn(user) where there is stack for functions that call themselves on each node of the plan. */
CH_NODISCARD ch_status ch_query_deep(ch_query *query, ch_stack_fn fn, void *user, ch_error *err);

/*
 * The open queries of a session, those of writes and commands among them. Cancelling ends each with
 * CH_E_CANCELLED. Progress is that of the one opened last, true; or, when none is open, what the last one
 * had read at its end, false. Both from any thread.
 */
typedef struct ch_running {
    pthread_mutex_t lock;
    ch_query *newest;
    ch_scan_progress last;
} ch_running;
ch_running *ch_session_running(ch_session *session);
void ch_session_cancel(ch_session *session);
bool ch_session_progress(ch_session *session, ch_scan_progress *out);

#endif
