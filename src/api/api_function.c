/* SPDX-License-Identifier: Apache-2.0 */
/* api_function.c - functions in C for a session. */
#include "api/handles.h"
#include "chert/function.h"
#include "session/functions.h"

#define DIFFER "chert/function.h and function/native.h differ"

/* function/native.h has the same structs under its own names. */
#define SAME(T, U, member)                                                   \
    _Static_assert(offsetof(T, member) == offsetof(U, member) &&             \
                       sizeof(((T *)0)->member) == sizeof(((U *)0)->member), \
                   DIFFER);
#define SAME_STRUCT(T, U, MEMBERS)                  \
    _Static_assert(sizeof(T) == sizeof(U), DIFFER); \
    MEMBERS(T, U)

/* clang-format off */
#define FUNCTION(T, U) \
    SAME(T, U, flags) SAME(T, U, name) SAME(T, U, arguments) SAME(T, U, returns) \
    SAME(T, U, comment) SAME(T, U, bind) SAME(T, U, evaluate) SAME(T, U, open) \
    SAME(T, U, close) SAME(T, U, user_data) SAME(T, U, release)
#define BIND(T, U) \
    SAME(T, U, n_args) SAME(T, U, arg_type) SAME(T, U, arg_schema) SAME(T, U, returns) \
    SAME(T, U, user_data) SAME(T, U, message) SAME(T, U, message_bytes)
#define CALL(T, U) \
    SAME(T, U, n_args) SAME(T, U, rows) SAME(T, U, arg) SAME(T, U, arg_schema) \
    SAME(T, U, result_schema) SAME(T, U, result) SAME(T, U, result_given) SAME(T, U, user_data) \
    SAME(T, U, state) SAME(T, U, message) SAME(T, U, message_bytes) SAME(T, U, is_cancelled) \
    SAME(T, U, internal)
/* clang-format on */

SAME_STRUCT(chert_function, ch_native_desc, FUNCTION)
SAME_STRUCT(chert_function_bind, ch_native_bind, BIND)
SAME_STRUCT(chert_function_call, ch_native_call, CALL)
#define SAME_FLAG(flag) _Static_assert((int)CHERT_FUNCTION_##flag == (int)CH_NATIVE_##flag, DIFFER)
SAME_FLAG(NONDETERMINISTIC);
SAME_FLAG(NULL_PROPAGATES);
SAME_FLAG(NEVER_NULL);
SAME_FLAG(ONE_THREAD);
SAME_FLAG(VIEWS);

/* What is wrong with it, before a byte of it is believed; or NULL. */
static const char *wrong(const chert_session *session, const chert_function *f)
{
    if (!session || !f)
        return session ? "function NULL" : "session NULL";
    if (f->struct_bytes < offsetof(chert_function, open) ||
        f->struct_bytes > sizeof(chert_function))
        return "a function whose struct_bytes is not sizeof(chert_function)";
    return f->name && *f->name ? NULL : "a function without a name";
}

int chert_session_register_function(chert_session *session, const chert_function *function,
                                    chert_error *out)
{
    ch_error err = {0};
    ch_native_desc desc;
    const char *why = wrong(session, function);
    if (why) {
        if (function && function->struct_bytes == sizeof *function && function->release)
            function->release(function->user_data);
        return chert_error_argument(out, why);
    }
    desc = (ch_native_desc){0};
    memcpy(&desc, function, function->struct_bytes);
    ch_status status = ch_functions_put_native(session->session, &desc, &err);
    (void)chert_error_take(out, &err);
    return (int)status;
}
