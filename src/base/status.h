/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - how every function of Chert says that it failed, and why. */
#ifndef CH_BASE_STATUS_H
#define CH_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#define CH_NODISCARD __attribute__((warn_unused_result))
#define CH_UNUSED(x) ((void)(x))

/* CH_OK, then one code per row of errors.def. */
typedef enum ch_status {
    CH_OK = 0,
#define CH_ERROR(code, sqlstate, cls, message) CH_E_##code,
#include "base/errors.def"
#undef CH_ERROR
    CH_STATUS_COUNT
} ch_status;

#define CH_ERROR_MAX_PARAMS 6

/*
 * What went wrong. Zero-initialised is "no error"; ch_error_release() frees it
 * and makes it zero again. Filled once, where the failure begins; callers only
 * forward the status. `message` may be static text when memory has run out.
 */
typedef struct ch_error {
    ch_status code;
    int n_params;
    struct {
        char *name, *value; /* owned */
    } param[CH_ERROR_MAX_PARAMS];
    char *message;        /* owned, without the "[CLASS]" prefix */
    int32_t line, column; /* 1-based place in the SQL text, 0 when unknown */
    int32_t start, stop;  /* byte range [start, stop) of the fragment at fault */
    char *sql;            /* owned, the whole statement, or NULL */
    char *hint;           /* owned, a line of advice behind the message; or NULL */
    bool at_run;          /* the place is that of a value, found while the query ran */
} ch_error;

/* Spark's error class ("DIVIDE_BY_ZERO"), SQLSTATE ("22012") and the code's
 * name. */
const char *ch_status_class(ch_status code);
const char *ch_status_sqlstate(ch_status code);

/*
 * Sets err once; a second call on a set error is ignored, so the origin wins.
 *   err   borrows  may be NULL
 *   ...            pairs (const char *name, const char *value), then NULL: the
 *                  values of the template's <name> places, and Spark's message
 *                  parameters, in this order
 * Returns code, so that `return ch_error_set(...)` reads well.
 */
ch_status ch_error_set(ch_error *err, ch_status code, ...) __attribute__((sentinel));

/* Advice for a set error: "Did you mean <quote>name<quote>?" name NULL: none. */
void ch_error_did_you_mean(ch_error *err, const char *name, const char *quote);

/* Says where in the SQL text the error lies; ignored when a place is known
 * already. */
void ch_error_locate(ch_error *err, const char *sql, int32_t start, int32_t stop);

/* The same for what an expression did at run time: Spark tells the place of some errors only, in another
 * way, and so does this. */
void ch_error_locate_value(ch_error *err, const char *sql, int32_t start, int32_t stop);

/* Out of memory: `bytes` more were asked of the account called `account`. */
ch_status ch_error_memory(ch_error *err, const char *account, int64_t bytes, int64_t limit);

/* The value of parameter `name`, or NULL. Borrowed from err. */
const char *ch_error_param(const ch_error *err, const char *name);

/* "[CLASS] message SQLSTATE: xxxxx", and if the place is known the statement, with an arrow.
 * Caller frees; may be NULL. */
char *ch_error_text(const ch_error *err);

void ch_error_release(ch_error *err);

/* Hands own's contents to err, unless that one is NULL or set: then they are released. Returns own's code. */
ch_status ch_error_pass(ch_error *err, ch_error *own);

/* "512 B", "1.5 GiB" in out. */
char *ch_fmt_bytes(char out[32], int64_t bytes);
/* Decimal text of an integer in a buffer that lives as long as the enclosing
 * block. */
char *ch_fmt_i64(char out[24], int64_t value);
#define CH_I64(value) ch_fmt_i64((char[24]){0}, (int64_t)(value))

#define CH_FAIL(err, CODE, ...) \
    return ch_error_set((err), CH_E_##CODE, ##__VA_ARGS__, (const char *)0)

#define CH_TRY(expr)                       \
    do {                                   \
        ch_status ch_try_status_ = (expr); \
        if (ch_try_status_ != CH_OK)       \
            return ch_try_status_;         \
    } while (0)

/* In functions that own something: needs `ch_status status` and a label `out:`.
 */
#define CH_TRY_OUT(expr)     \
    do {                     \
        status = (expr);     \
        if (status != CH_OK) \
            goto out;        \
    } while (0)

#endif
