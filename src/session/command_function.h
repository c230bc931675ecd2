/* SPDX-License-Identifier: Apache-2.0 */
/* command_function.h - statements about functions: CREATE, DROP, REFRESH, SHOW, DESCRIBE. */
#ifndef CH_SESSION_COMMAND_FUNCTION_H
#define CH_SESSION_COMMAND_FUNCTION_H

#include "session/command_rows.h"

/* frame->rel is the statement. */
CH_NODISCARD ch_status ch_function_run(ch_frame *frame, ch_rows *out, ch_error *err);
CH_NODISCARD ch_status ch_show_functions(ch_frame *frame, ch_rows *out, ch_error *err);
CH_NODISCARD ch_status ch_describe_function(ch_frame *frame, ch_rows *out, ch_error *err);

#endif
