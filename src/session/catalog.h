/* SPDX-License-Identifier: Apache-2.0 */
/* catalog.h - what names mean for one query: its session's views, and files by path. */
#ifndef CH_SESSION_CATALOG_H
#define CH_SESSION_CATALOG_H

#include "plan/analyze.h"
#include "session/session.h"

#define CH_CATALOG_NAME "spark_catalog"
#define CH_DATABASE_NAME "default"
#define CH_GLOBAL_DATABASE "global_temp"

typedef struct ch_session_catalog {
    ch_catalog catalog; /* first: the analyzer's view of it */
    ch_session *session;
    ch_arena *arena;
    ch_mem *mem;
    const ch_func_context *func;
    /* Frames of the views that the plan has borrowed from; released by the catalog. */
    ch_frame **kept;
    int32_t n_kept, cap_kept;
} ch_session_catalog;

void ch_session_catalog_init(ch_session_catalog *catalog, ch_session *session, ch_arena *arena,
                             ch_mem *mem, const ch_func_context *func);
void ch_session_catalog_release(ch_session_catalog *catalog);

#endif
