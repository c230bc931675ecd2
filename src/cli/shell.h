/* SPDX-License-Identifier: Apache-2.0 */
/* shell.h - the interactive SQL shell. */
#ifndef CH_CLI_SHELL_H
#define CH_CLI_SHELL_H

#include "cli/statement.h"

/* Reads statements from the terminal until \q or Ctrl-D; style may be changed by \f. */
int ch_shell_run(chert_session *session, ch_statement_style *style);

#endif
