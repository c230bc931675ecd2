/* SPDX-License-Identifier: Apache-2.0 */
/* stack.c - where a thread's stack ends, and threads with larger ones. */
#include "base/stack.h"

#include <pthread.h>

/* What the functions at the leaves take: buffers for numbers and messages, sorting, a library's calls. */
#define LEAF_BYTES ((size_t)256 << 10)

/* The lowest address of the calling thread's stack; 0: unknown. */
static uintptr_t lowest(void)
{
#ifdef __APPLE__
    pthread_t self = pthread_self();
    return (uintptr_t)pthread_get_stackaddr_np(self) - pthread_get_stacksize_np(self);
#else
    pthread_attr_t attr;
    void *low = NULL;
    size_t bytes;
    if (pthread_getattr_np(pthread_self(), &attr) != 0)
        return 0;
    if (pthread_attr_getstack(&attr, &low, &bytes) != 0)
        low = NULL;
    pthread_attr_destroy(&attr);
    return (uintptr_t)low;
#endif
}

size_t ch_stack_left(void)
{
    static _Thread_local uintptr_t low; /* asking takes a system call and more */
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (!low)
        low = lowest();
    return low && here > low ? here - low : 0;
}

typedef struct deep_call {
    ch_stack_fn fn;
    void *user;
    ch_error *err;
    ch_status status;
} deep_call;

static void *run_there(void *arg)
{
    deep_call *call = arg;
    call->status = call->fn(call->user, call->err);
    return NULL;
}

ch_status ch_stack_run(int64_t levels, ch_stack_fn fn, void *user, ch_error *err)
{
    size_t bytes = LEAF_BYTES + (size_t)levels * CH_STACK_PER_LEVEL;
    if (ch_stack_left() >= bytes)
        return fn(user, err);
    deep_call call = {fn, user, err, CH_OK};
    pthread_attr_t attr;
    pthread_t thread;
    if (pthread_attr_init(&attr) != 0)
        return ch_error_memory(err, "a stack", (int64_t)bytes, 0);
    /* And more: the thread keeps its variables there. */
    int code = pthread_attr_setstacksize(&attr, (bytes + LEAF_BYTES + 0xFFFF) & ~(size_t)0xFFFF);
    if (code == 0)
        code = pthread_create(&thread, &attr, run_there, &call);
    pthread_attr_destroy(&attr);
    if (code != 0)
        return ch_error_memory(err, "a stack", (int64_t)bytes, 0);
    pthread_join(thread, NULL);
    return call.status;
}
