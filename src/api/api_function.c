/* SPDX-License-Identifier: Apache-2.0 */
/* api_function.c - functions in C for a session. */
#include "api/handles.h"
#include "chert/function.h"
#include "session/functions.h"

/* function/native.h has the same structs under its own names. */
#define SAME(T, U, member)                                                   \
    _Static_assert(offsetof(T, member) == offsetof(U, member) &&             \
                       sizeof(((T *)0)->member) == sizeof(((U *)0)->member), \
                   "chert/function.h and function/native.h differ")
#define SAME_SIZE(T, U) \
    _Static_assert(sizeof(T) == sizeof(U), "chert/function.h and function/native.h differ")
SAME_SIZE(chert_function, ch_native_desc);
SAME(chert_function, ch_native_desc, flags);
SAME(chert_function, ch_native_desc, name);
SAME(chert_function, ch_native_desc, arguments);
SAME(chert_function, ch_native_desc, returns);
SAME(chert_function, ch_native_desc, comment);
SAME(chert_function, ch_native_desc, bind);
SAME(chert_function, ch_native_desc, evaluate);
SAME(chert_function, ch_native_desc, open);
SAME(chert_function, ch_native_desc, close);
SAME(chert_function, ch_native_desc, user_data);
SAME(chert_function, ch_native_desc, release);
SAME_SIZE(chert_function_bind, ch_native_bind);
SAME(chert_function_bind, ch_native_bind, n_args);
SAME(chert_function_bind, ch_native_bind, arg_type);
SAME(chert_function_bind, ch_native_bind, arg_schema);
SAME(chert_function_bind, ch_native_bind, returns);
SAME(chert_function_bind, ch_native_bind, user_data);
SAME(chert_function_bind, ch_native_bind, message);
SAME(chert_function_bind, ch_native_bind, message_bytes);
SAME_SIZE(chert_function_call, ch_native_call);
SAME(chert_function_call, ch_native_call, n_args);
SAME(chert_function_call, ch_native_call, rows);
SAME(chert_function_call, ch_native_call, arg);
SAME(chert_function_call, ch_native_call, arg_schema);
SAME(chert_function_call, ch_native_call, result_schema);
SAME(chert_function_call, ch_native_call, result);
SAME(chert_function_call, ch_native_call, result_given);
SAME(chert_function_call, ch_native_call, user_data);
SAME(chert_function_call, ch_native_call, state);
SAME(chert_function_call, ch_native_call, message);
SAME(chert_function_call, ch_native_call, message_bytes);
SAME(chert_function_call, ch_native_call, is_cancelled);
SAME(chert_function_call, ch_native_call, internal);
_Static_assert((int)CHERT_FUNCTION_NONDETERMINISTIC == (int)CH_NATIVE_NONDETERMINISTIC &&
                   (int)CHERT_FUNCTION_NULL_PROPAGATES == (int)CH_NATIVE_NULL_PROPAGATES &&
                   (int)CHERT_FUNCTION_NEVER_NULL == (int)CH_NATIVE_NEVER_NULL &&
                   (int)CHERT_FUNCTION_ONE_THREAD == (int)CH_NATIVE_ONE_THREAD &&
                   (int)CHERT_FUNCTION_VIEWS == (int)CH_NATIVE_VIEWS,
               "chert/function.h and function/native.h differ");

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
