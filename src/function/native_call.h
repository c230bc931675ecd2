/* SPDX-License-Identifier: Apache-2.0 */
/* native_call.h - inside of native*.c: the kernel of functions in C, and how they fail. */
#ifndef CH_FUNCTION_NATIVE_CALL_H
#define CH_FUNCTION_NATIVE_CALL_H

#include "function/native.h"

enum { CH_NATIVE_MESSAGE = 512 };

/* For ch_func. call->data is the types of the arguments, from binding. */
CH_NODISCARD ch_status ch_native_open(const ch_call *call, void **state, ch_error *err);
void ch_native_close(const ch_call *call, void *state);
CH_NODISCARD ch_status ch_native_eval(const ch_call *call, ch_column **out, ch_error *err);

/* What a function has written, made fit for an error: ended, of valid UTF-8; without it, its code. */
const char *ch_native_message(char message[CH_NATIVE_MESSAGE], int code);
/* CH_E_NATIVE_FAILED with the call's types; result may be NULL. */
ch_status ch_native_fail(const ch_native *native, const ch_type *const *arg, int32_t n_args,
                         const ch_type *result, const char *reason, ch_error *err);

#endif
