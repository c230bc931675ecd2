/* SPDX-License-Identifier: Apache-2.0 */
/* session_store.h - what a session's settings and a read's or write's options say about remote places. */
#ifndef CH_SESSION_SESSION_STORE_H
#define CH_SESSION_SESSION_STORE_H

#include "plan/node.h"
#include "session/session.h"
#include "store/context.h"

/*
 * A context for one read or write. Options come before settings, those without spark.hadoop. before those with it.
 *   options  borrows  may be NULL
 *   arena    borrows  for texts that the context keeps
 *   cancel   borrows  ends what waits for a server; may be NULL
 *   mem      borrows  pays for what is fetched and sent
 *   out      gives    ch_store_context_free() it
 */
CH_NODISCARD ch_status ch_session_store(ch_session *session, const ch_option_list *options,
                                        ch_arena *arena, ch_mem *mem,
                                        const _Atomic bool *const *cancel, ch_store_context **out,
                                        ch_error *err);

/*
 * Value as a listing of settings shows it: "*********(redacted)" where key or value match what Spark takes for
 * secret (spark.redaction.regex: secret, password, token, access key; without case).
 */
const char *ch_session_shown(const char *key, const char *value);

#endif
