/* SPDX-License-Identifier: Apache-2.0 */
/* sql_function.h - functions in SQL: made by CREATE FUNCTION, kept by the session or stored, described by DESCRIBE. */
#ifndef CH_SESSION_SQL_FUNCTION_H
#define CH_SESSION_SQL_FUNCTION_H

#include "session/command_rows.h"
#include "session/ddl.h"
#include "session/functions.h"

/* What the texts say, parsed; everything lies in the arena. */
CH_NODISCARD ch_status ch_sql_function_of(ch_session *session, const ch_meta_function *texts,
                                          ch_arena *arena, ch_sql_function **out, ch_error *err);

/* CREATE FUNCTION with a body, frame->rel: checks it, and gives it to the session or stores it. */
CH_NODISCARD ch_status ch_sql_function_create(ch_frame *frame, ch_error *err);
/* The stored function that the name means; *out NULL: there is none. name: where it would be, or NULL. */
CH_NODISCARD ch_status ch_sql_function_stored(ch_ddl *c, const ch_str_list *parts,
                                              ch_table_name *name, ch_meta_function **out,
                                              ch_error *err);
/* The lines of DESCRIBE FUNCTION [EXTENDED]. */
CH_NODISCARD ch_status ch_sql_function_describe(const ch_sql_function *fn, bool extended,
                                                ch_rows *out, ch_error *err);

#endif
