/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function.h - SQL functions in C: a function of rows, called with Arrow columns, a batch of some thousand
 * rows at a time.
 *
 *   static int add_one(chert_function_call *call)
 *   {
 *       const int64_t *in = (const int64_t *)call->arg[0]->buffers[1];
 *       int64_t *out = (int64_t *)chert_function_result(call, 8, 0);
 *       for (int64_t i = 0; out && i < call->rows; i++)
 *           out[i] = in[i] + 1;
 *       return out ? 0 : 1;
 *   }
 *
 *   static const chert_function ADD_ONE = {.struct_bytes = sizeof ADD_ONE, .name = "add_one", .arguments = "BIGINT",
 *                                          .returns = "BIGINT", .flags = CHERT_FUNCTION_NULL_PROPAGATES,
 *                                          .evaluate = add_one};
 *
 *   chert_session_register_function(session, &ADD_ONE, &err);          in the program that has the session
 *   SELECT add_one(id) FROM range(3)
 *
 * A function may also lie in a shared object, which exports an entry for each:
 *
 *   CHERT_FUNCTION_EXPORT chert_function_entry add_one_entry;
 *   int add_one_entry(chert_function *out, char *message, size_t message_bytes)
 *   {
 *       *out = ADD_ONE;
 *       return 0;
 *   }
 *
 *   CREATE TEMPORARY FUNCTION add_one AS 'add_one_entry' USING FILE 'libfunctions.so'
 *
 * This header is all that the shared object needs: it is not linked with Chert. docs/guide/functions.md is the guide;
 * examples/udf.c is a program with a function, examples/functions a shared object.
 *
 * Types    are texts of Spark SQL: "BIGINT", "ARRAY<STRING>", "DECIMAL(10,2)". Their columns:
 *
 *   BOOLEAN b    TINYINT c    SMALLINT s    INT i    BIGINT l    FLOAT f    DOUBLE g    DECIMAL(p,s) d:p,s (128 bits)
 *   STRING u    BINARY z    DATE tdD    TIME ttn    TIMESTAMP tsu:UTC    TIMESTAMP_NTZ tsu:
 *   INTERVAL DAY TO SECOND tDu    INTERVAL YEAR TO MONTH tiM    INTERVAL tin    ARRAY +l    MAP +m    STRUCT +s    VOID n
 *
 *   With CHERT_FUNCTION_VIEWS STRING is vu, BINARY vz, and DECIMAL up to 18 digits d:p,s,64: then no value is copied.
 *
 * Columns  all have offset 0 and their buffers as Arrow's C Data Interface says; buffers[0] may be NULL when no
 *          row is NULL. What is under a NULL may be anything. A constant argument has its value in each row.
 * Memory   what the function gives is charged to the query until it is released. Buffers that begin at a multiple
 *          of 64 bytes are used as they are; others are copied, and the array is released at once.
 * Threads  evaluate is called by several threads at once, each with its own call, unless CHERT_FUNCTION_ONE_THREAD
 *          is set. A release() of an array may be called by any thread, and after the function is forgotten.
 * Errors   a result that is not 0 is the error FAILED_EXECUTE_UDF, with the message that the function has put
 *          into call->message. So is an array of another length or type, or one that Arrow does not allow.
 */
#ifndef CHERT_FUNCTION_H
#define CHERT_FUNCTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "chert/arrow.h"

#if defined(__GNUC__)
#define CHERT_FUNCTION_EXPORT __attribute__((visibility("default")))
#else
#define CHERT_FUNCTION_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One batch of rows.
 *
 *   rows                   of each argument, and wanted of the result; at least 1
 *   arg, arg_schema        borrowed: n_args columns and their types. A column may be moved into *result, or into a child of
 *                          it, as Arrow moves arrays (its release becomes NULL); nothing of it may be written
 *   result_schema          borrowed: the layout that *result has, unless result_given says another
 *   result                 to be filled: taken by Chert, who calls its release(); left as it is (release NULL)
 *                          when the function fails
 *   result_given           may be filled, taken likewise: another layout of the same type, such as a dictionary,
 *                          large_utf8 or int64 milliseconds
 *   message                to be filled by a function that fails: one sentence, UTF-8, NUL-terminated
 *   is_cancelled           should be asked by a function that needs seconds for a batch: true - nobody wants it now
 */
typedef struct chert_function_call chert_function_call;
struct chert_function_call {
    uint32_t struct_bytes;
    int32_t n_args;
    int64_t rows;
    struct ArrowArray *const *arg;
    const struct ArrowSchema *const *arg_schema;
    const struct ArrowSchema *result_schema;
    struct ArrowArray *result;
    struct ArrowSchema *result_given;
    void *user_data;
    void *state; /* what open gave for this thread; NULL without it */
    char *message;
    size_t message_bytes;
    bool (*is_cancelled)(const chert_function_call *call);
    const void *internal;
};

/*
 * A call while a query is analyzed, to say its type.
 *
 *   arg_type     borrowed: texts ("decimal(10,2)"), after the casts that `arguments` asks for
 *   returns      to be filled: text of the result's type, which is read before the next call of the function
 *   message      to be filled when the function refuses these arguments
 */
typedef struct chert_function_bind {
    uint32_t struct_bytes;
    int32_t n_args;
    const char *const *arg_type;
    const struct ArrowSchema *const *arg_schema;
    const char *returns;
    void *user_data;
    char *message;
    size_t message_bytes;
} chert_function_bind;

enum {
    /* Not a function of its arguments only: never computed once for several calls, nor while a query is planned. */
    CHERT_FUNCTION_NONDETERMINISTIC = 1 << 0,
    /* NULL in, NULL out: Chert makes the result NULL where an argument is, whatever the function puts there. */
    CHERT_FUNCTION_NULL_PROPAGATES = 1 << 1,
    /* Never gives NULL (with the former: but where an argument is). */
    CHERT_FUNCTION_NEVER_NULL = 1 << 2,
    /* evaluate and bind are called by one thread at a time. */
    CHERT_FUNCTION_ONE_THREAD = 1 << 3,
    /* Texts and small decimals as Chert has them; see above. */
    CHERT_FUNCTION_VIEWS = 1 << 4,
};

/*
 * A function. Texts are copied.
 *
 *   name        of the function in SQL, in any case; CREATE FUNCTION gives its own
 *   arguments   types, separated by commas, to which arguments are cast as Spark casts them implicitly; "..." behind the
 *               last one: any number of it, also none; "ANY": stays as it is. NULL: any number of any type
 *   returns     the result's type; NULL: bind says it
 *   flags       CHERT_FUNCTION_... or 0
 *   bind        may be NULL; 0: well
 *   evaluate    0: well. For arguments that are all constant it is also called while a query is planned
 *   open        may be NULL: makes what one thread needs for all its batches of a query; 0: well, *state is given
 *               to close(), which must not be NULL then
 *   user_data   given to all of them
 *   release     may be NULL: called once with user_data, when no session has the function and no query runs it any more
 *   comment     for DESCRIBE FUNCTION, or NULL
 */
typedef struct chert_function {
    uint32_t struct_bytes; /* sizeof(chert_function) */
    uint32_t flags;
    const char *name;
    const char *arguments;
    const char *returns;
    const char *comment;
    int (*bind)(chert_function_bind *bind);
    int (*evaluate)(chert_function_call *call);
    int (*open)(void *user_data, void **state, char *message, size_t message_bytes);
    void (*close)(void *user_data, void *state);
    void *user_data;
    void (*release)(void *user_data);
} chert_function;

/*
 * What a shared object exports: fills *out, of which out->struct_bytes bytes may be written. 0: well; else the reason in
 * message. The shared object stays loaded as long as the process lives.
 */
typedef int chert_function_entry(chert_function *out, char *message, size_t message_bytes);

/* ---- results, made the simple way ---- */

static inline void chert_function_release(struct ArrowArray *array)
{
    free((void *)array->buffers);
    array->release = NULL;
}

/*
 * Makes call->result, all of it in one allocation, zeroed: a column in which no row is NULL.
 *   width        bytes of a value; 0: BOOLEAN, a bit each; 4 for the rows + 1 offsets of a text, 16 for views
 *   text_bytes   room for all texts of STRING or BINARY, buffers[2]; 0 for other types, 1 or more for these
 *   result       buffers[1], of call->rows values (offsets: and one); NULL: out of memory, and the message says so
 */
static inline void *chert_function_result(chert_function_call *call, int64_t width,
                                          int64_t text_bytes)
{
    size_t bits = (size_t)(((uint64_t)call->rows + 511) / 512 * 64);
    size_t data = width ? ((size_t)(call->rows + 1) * (size_t)width + 63) / 64 * 64 : bits;
    size_t text = ((size_t)text_bytes + 63) / 64 * 64, bytes = 64 + bits + data + text;
    char *all = (char *)aligned_alloc(64, bytes);
    if (!all) {
        if (call->message_bytes > 13)
            memcpy(call->message, "out of memory", 14);
        return NULL;
    }
    memset(all, 0, bytes);
    const void **buffers = (const void **)(void *)all;
    memset(all + 64, 0xFF, bits);
    buffers[0] = all + 64;
    buffers[1] = all + 64 + bits;
    buffers[2] = all + 64 + bits + data;
    call->result->length = call->rows;
    call->result->n_buffers = text_bytes ? 3 : 2;
    call->result->buffers = buffers;
    call->result->release = chert_function_release;
    return all + 64 + bits;
}

/* Row i of that result becomes NULL. */
static inline void chert_function_set_null(chert_function_call *call, int64_t i)
{
    uint8_t *bits = (uint8_t *)(uintptr_t)call->result->buffers[0];
    bits[i >> 3] &= (uint8_t) ~(1U << (i & 7));
    call->result->null_count = -1;
}

/* Is row i of an argument NULL? */
static inline bool chert_function_is_null(const struct ArrowArray *array, int64_t i)
{
    const uint8_t *bits = (const uint8_t *)array->buffers[0];
    return bits && !(bits[i >> 3] >> (i & 7) & 1);
}

#ifdef __cplusplus
}
#endif

#endif
