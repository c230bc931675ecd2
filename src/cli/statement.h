/* SPDX-License-Identifier: Apache-2.0 */
/* statement.h - SQL text of any number of statements, run one after the other and printed. */
#ifndef CH_CLI_STATEMENT_H
#define CH_CLI_STATEMENT_H

#include "cli/cli.h"

typedef struct ch_statement_style {
    chert_style style;
    bool progress; /* draw it */
    bool timing;   /* "(3 rows, 0.012 s)" behind each result */
} ch_statement_style;

/* "table", "csv", "json", "markdown", "vertical"; false for anything else. */
bool ch_statement_style_of(const char *name, chert_style *out);

/* Is there nothing but blanks, comments and ; from s up to end? */
bool ch_statement_is_blank(const char *s, const char *end);

/*
 * Runs the statements of text; the first error ends it and is told on stderr.
 *   name  where the text comes from, told with an error's line; NULL: nowhere
 * Result: an exit code.
 */
int ch_statement_run(chert_session *session, const char *text, const char *name,
                     const ch_statement_style *style);

#endif
