/* SPDX-License-Identifier: Apache-2.0 */
/* handles.h - what is behind the public API's opaque handles. */
#ifndef CH_API_HANDLES_H
#define CH_API_HANDLES_H

#include "chert/chert.h"
#include "session/query.h"

struct chert_session {
    ch_engine *engine;
    ch_session *session;
};

struct chert_df {
    chert_session *session; /* borrowed */
    ch_frame *frame;        /* owned reference */
};

struct chert_grouped {
    chert_df *df;           /* owned */
    struct chert_col **key; /* owned; NULL-terminated, malloc */
};

struct chert_query {
    chert_session *session;
    ch_frame *frame;
    ch_query *query;
    char **type_text; /* per column, malloc; made when asked for */
    bool has_run;
    bool streamed; /* rows were printed, not kept */
    int64_t n_streamed;
};

/* Moves an internal error to the caller's struct, or drops it; gives 0 for no error, else its code. */
int chert_error_take(chert_error *out, ch_error *err);
/* An error of a wrong argument, told before anything was done, unless another is told already. Gives its code. */
int chert_error_argument(chert_error *out, const char *what);

/*
 * The expression as plan nodes in arena. chert_col_free() is still the caller's.
 */
CH_NODISCARD ch_status chert_col_build(const chert_col *col, ch_arena *arena, ch_expr **out,
                                       ch_error *err);
/* Frees a NULL-terminated malloc'd array and all in it. */
void chert_cols_free(chert_col **cols);

/* A new DataFrame over rel, in the frame; takes the frame, also on error. */
chert_df *chert_df_wrap(chert_session *session, ch_frame *frame, chert_error *err);

#endif
