/* SPDX-License-Identifier: Apache-2.0 */
/*
 * variable.h - session variables: named values that outlive a query, and EXECUTE IMMEDIATE, which sets them.
 *
 * A query sees the values that they have when it is analyzed. Threads: any, each call is one step.
 */
#ifndef CH_SESSION_VARIABLE_H
#define CH_SESSION_VARIABLE_H

#include "session/query.h"

typedef struct ch_variable ch_variable;
typedef struct ch_variables {
    pthread_mutex_t lock;
    ch_variable *first;
} ch_variables;

/* Those of the session; they live as long as it does. */
ch_variables *ch_session_variables(ch_session *session);
/* All of them, when the session ends. */
void ch_variables_release(ch_session *session);

/* A copy of the value in `arena`; *found false, *out undefined: there is none of that name. */
CH_NODISCARD ch_status ch_variable_get(ch_session *session, const char *name, ch_arena *arena,
                                       ch_scalar *out, bool *found, ch_error *err);
/* Sets each of `names` to the row's value, cast to its type; cast values stay in `row`. */
CH_NODISCARD ch_status ch_variables_assign(ch_frame *frame, const ch_expr_list *names,
                                           ch_scalar *row, int32_t n, ch_error *err);
/* SELECT the expressions: an unresolved plan in `arena`; `at` tells its place and may be NULL. */
CH_NODISCARD ch_status ch_project_of(ch_arena *arena, const ch_expr_list *list, const ch_rel *at,
                                     ch_rel **out, ch_error *err);
/* The only row of a plan, n values in `arena`; no row gives NULLs, and two are an error. */
CH_NODISCARD ch_status ch_row_of(ch_frame *frame, const ch_rel *plan, ch_arena *arena,
                                 ch_scalar **out, int32_t *n, ch_error *err);
/* Is there a query inside of the unresolved expression? */
bool ch_expr_has_subquery(const ch_expr *e);
/* DECLARE, SET, DROP. */
CH_NODISCARD ch_status ch_variable_run(ch_frame *frame, ch_error *err);
/*
 * EXECUTE IMMEDIATE: *out gives the frame of the query that it made, or of what its command gave; with
 * INTO a frame without rows, and the variables are set.
 */
CH_NODISCARD ch_status ch_execute_immediate(ch_frame *frame, ch_frame **out, ch_error *err);
/* For ch_sql_context: evaluates a constant expression of the session `user` to a text. */
CH_NODISCARD ch_status ch_session_constant(void *user, ch_expr *expr, ch_arena *arena,
                                           const char **out, ch_error *err);

#endif
