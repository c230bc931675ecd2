/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - statements that run at once: views, SET, SHOW, DESCRIBE, EXPLAIN, writes. */
#ifndef CH_SESSION_COMMAND_H
#define CH_SESSION_COMMAND_H

#include "plan/plan_command.h"
#include "session/query.h"
#include "sql/sql.h"

/* Is it a statement of that kind, not a query? */
bool ch_is_command(const ch_rel *rel);
/* Runs frame->rel; *out is a frame with the rows that the statement gives (none for most). */
CH_NODISCARD ch_status ch_command_run(ch_frame *frame, ch_frame **out, ch_error *err);

/* The settings that parsing needs, and the session's constants. */
CH_NODISCARD ch_status ch_session_sql_context(ch_session *session, ch_arena *arena,
                                              ch_sql_context *out, ch_error *err);
/* A frame of the parsed statement. params may be NULL; parent, or NULL, is shared: it lives as long. */
CH_NODISCARD ch_status ch_session_parse(ch_session *session, const char *text,
                                        const ch_sql_params *params, ch_frame *parent,
                                        ch_frame **out, ch_error *err);

/* A write: the query's rows to files. n_rows, n_files may be NULL. (write.c) */
CH_NODISCARD ch_status ch_write_run(ch_frame *frame, const ch_rel_write_operation *write,
                                    int64_t *n_rows, ch_error *err);

/*
 * n results that belong together, each to folder/path, the path of its write, where it replaces what is there. All rows
 * are written before anything is replaced; then a local folder that has nothing else in it gets its name by one rename, else the
 * results are exchanged one by one. In a remote one all new files appear before the first old one goes. (write.c)
 */
CH_NODISCARD ch_status ch_write_together(ch_frame *const *frame,
                                         ch_rel_write_operation *const *write, int32_t n,
                                         const char *folder, ch_error *err);

/* What a write tells before its files are put in place: the partitions that get some, by their folders below path. */
typedef struct ch_write_watch {
    ch_arena *arena;      /* of folders */
    ch_str_list *folders; /* filled */
    ch_status (*before_commit)(void *user, ch_error *err);
    void *user;
} ch_write_watch;
/* The same into a system outside. (write_source.c) */
CH_NODISCARD ch_status ch_write_source(ch_frame *frame, const struct ch_format *format,
                                       const ch_rel_write_operation *write, int64_t *n_rows,
                                       ch_error *err);
/* The same; watch may be NULL. */
CH_NODISCARD ch_status ch_write_table(ch_frame *frame, const ch_rel_write_operation *write,
                                      const ch_write_watch *watch, int64_t *n_rows, ch_error *err);

#endif
