/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functions.h - the functions that a session knows besides the engine's: by name, in Python or in C.
 *
 * An entry is immutable and counted: a query keeps those that it found, so that registering another one under the name
 * changes nothing for it, and a copy of a session shares them.
 * Threads: any, each call is one step.
 */
#ifndef CH_SESSION_FUNCTIONS_H
#define CH_SESSION_FUNCTIONS_H

#include <pthread.h>

#include "function/native.h"
#include "plan/analyze.h"
#include "python/udf.h"
#include "session/session.h"

typedef struct ch_function_entry {
    _Atomic int32_t refs;
    ch_mem *mem; /* an account of its own below the engine's, which closes with it */
    ch_arena arena;
    ch_user_function function; /* what it points to is the entry's */
} ch_function_entry;

typedef struct ch_functions {
    pthread_mutex_t lock;
    struct ch_function_link *first; /* in order of their names */
} ch_functions;

/* That of the session; it lives as long as the session. */
ch_functions *ch_session_functions(ch_session *session);
void ch_functions_release(ch_session *session);
/* The functions of `from`, also for `to`. */
CH_NODISCARD ch_status ch_functions_copy(ch_session *from, ch_session *to, ch_error *err);

/* An entry of the name, which is copied, with nothing in it; gives one reference. */
CH_NODISCARD ch_status ch_function_entry_new(ch_session *session, const char *name,
                                             ch_function_entry **out, ch_error *err);
/* NULL is ignored. */
void ch_function_entry_unref(ch_function_entry *entry);

/*
 * Makes the entry (takes the reference, also on error) what its name means, whatever its case.
 *   replace   in place of one that is there; without it that one stays, and *existed says so
 */
CH_NODISCARD ch_status ch_functions_put(ch_session *session, ch_function_entry *entry, bool replace,
                                        bool *existed, ch_error *err);
/* A reference; NULL: there is none of the name. */
ch_function_entry *ch_functions_find(ch_session *session, const char *name);
/* false: there was none. */
bool ch_functions_drop(ch_session *session, const char *name);
/* Names in order of the alphabet, in `arena`. */
CH_NODISCARD ch_status ch_functions_names(ch_session *session, ch_arena *arena, ch_str_list *out,
                                          ch_error *err);

/* In place of what has the name: a copy of udf under udf->name. type is shared, the rest copied. */
CH_NODISCARD ch_status ch_functions_put_python(ch_session *session, const ch_python_udf *udf,
                                               bool deterministic, ch_error *err);
/* In place of what has the name: a function in C, as ch_native_new makes it. */
CH_NODISCARD ch_status ch_functions_put_native(ch_session *session, const ch_native_desc *desc,
                                               ch_error *err);

#endif
