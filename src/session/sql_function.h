/* SPDX-License-Identifier: Apache-2.0 */
/* sql_function.h - functions in SQL: made by CREATE FUNCTION, described by DESCRIBE. */
#ifndef CH_SESSION_SQL_FUNCTION_H
#define CH_SESSION_SQL_FUNCTION_H

#include "session/command_rows.h"
#include "session/functions.h"

/* CREATE TEMPORARY FUNCTION with a body, frame->rel: checks it, and gives it to the session. */
CH_NODISCARD ch_status ch_sql_function_create(ch_frame *frame, ch_error *err);
/* The lines of DESCRIBE FUNCTION [EXTENDED]. */
CH_NODISCARD ch_status ch_sql_function_describe(const ch_sql_function *fn, bool extended,
                                                ch_rows *out, ch_error *err);

#endif
