/* SPDX-License-Identifier: Apache-2.0 */
/*
 * native.h - functions in C that a program brings: called with Arrow columns.
 *
 * A call of one is an ordinary call whose ch_func is the head of a ch_native. The structs of the first part are those
 * of include/chert/function.h under other names, since rooms above src/api do not include it; src/api/api_function.c
 * checks that they are the same.
 *
 * Life: made by ch_native_new or loaded by ch_native_load, shared by those who hold a reference: sessions that know
 * its name, queries that call it. Immutable. Threads: any.
 */
#ifndef CH_FUNCTION_NATIVE_H
#define CH_FUNCTION_NATIVE_H

#include <pthread.h>

#include "column/arrow_abi.h"
#include "function/function.h"

/* ---- the interface ---- */

typedef struct ch_native_call ch_native_call;
struct ch_native_call {
    uint32_t struct_bytes;
    int32_t n_args;
    int64_t rows;
    struct ArrowArray *const *arg;
    const struct ArrowSchema *const *arg_schema;
    const struct ArrowSchema *result_schema;
    struct ArrowArray *result;
    struct ArrowSchema *result_given;
    void *user_data;
    void *state;
    char *message;
    size_t message_bytes;
    bool (*is_cancelled)(const ch_native_call *call);
    const void *internal;
};

typedef struct ch_native_bind {
    uint32_t struct_bytes;
    int32_t n_args;
    const char *const *arg_type;
    const struct ArrowSchema *const *arg_schema;
    const char *returns;
    void *user_data;
    char *message;
    size_t message_bytes;
} ch_native_bind;

enum {
    CH_NATIVE_NONDETERMINISTIC = 1 << 0,
    CH_NATIVE_NULL_PROPAGATES = 1 << 1,
    CH_NATIVE_NEVER_NULL = 1 << 2,
    CH_NATIVE_ONE_THREAD = 1 << 3,
    CH_NATIVE_VIEWS = 1 << 4,
    CH_NATIVE_FLAGS = (1 << 5) - 1
};

typedef struct ch_native_desc {
    uint32_t struct_bytes;
    uint32_t flags;
    const char *name, *arguments, *returns, *comment;
    int (*bind)(ch_native_bind *bind);
    int (*evaluate)(ch_native_call *call);
    int (*open)(void *user_data, void **state, char *message, size_t message_bytes);
    void (*close)(void *user_data, void *state);
    void *user_data;
    void (*release)(void *user_data);
} ch_native_desc;

typedef int ch_native_entry(ch_native_desc *out, char *message, size_t message_bytes);

/* ---- functions ---- */

typedef struct ch_native {
    ch_func func; /* first */
    _Atomic int32_t refs;
    ch_mem *mem; /* an account of its own, which closes with it */
    ch_arena arena;
    ch_native_desc desc;              /* texts in arena */
    const char *name, *file, *symbol; /* as written; the last two NULL unless it was loaded */
    const ch_type **param;            /* what arguments are cast to; an item NULL: they stay */
    int32_t n_params;                 /* -1: any number of any type */
    bool is_variadic;                 /* any number of the last */
    const ch_type *returns;           /* or NULL: desc.bind says it */
    pthread_mutex_t lock;             /* of CH_NATIVE_ONE_THREAD */
} ch_native;

/*
 * desc   borrows, but takes user_data: release is called also when this fails
 * name   of the function; borrows
 * parent account above its own, which must outlive it
 * out    gives a reference
 * Errors CH_E_INVALID_FUNCTION; types that cannot be read.
 */
CH_NODISCARD ch_status ch_native_new(ch_mem *parent, const ch_native_desc *desc, const char *name,
                                     ch_native **out, ch_error *err);
/*
 * The function that `symbol` of the shared object gives (native_load.c). The object stays loaded.
 * Errors CH_E_CANNOT_LOAD_FUNCTION, and those above.
 */
CH_NODISCARD ch_status ch_native_load(ch_mem *parent, const char *file, const char *symbol,
                                      const char *name, ch_native **out, ch_error *err);
static inline ch_native *ch_native_ref(ch_native *native)
{
    atomic_fetch_add_explicit(&native->refs, 1, memory_order_relaxed);
    return native;
}
/* NULL is ignored. */
void ch_native_unref(ch_native *native);

#endif
