/* SPDX-License-Identifier: Apache-2.0 */
/* redact.h - what is a secret among options, and texts without it: spark.redaction.regex and its kin. */
#ifndef CH_BASE_REDACT_H
#define CH_BASE_REDACT_H

#include <stdbool.h>

#define CH_REDACTED "*********(redacted)"

/* Does the text hold secret, password, token or access key, in any case? */
bool ch_is_secret(const char *text);
/* The value of an option as it may be shown: itself, or CH_REDACTED. URLs of connections are never shown. */
const char *ch_redact_option(const char *key, const char *value);
/* In a statement that names a JDBC URL, overwrites passwords with '*'; nothing moves. */
void ch_redact_sql(char *sql);

#endif
