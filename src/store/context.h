/* SPDX-License-Identifier: Apache-2.0 */
/*
 * context.h - what a query knows of stores besides paths: settings, credentials among them, and what it keeps.
 *
 *   ch_store_context_new, ch_store_set of each setting and option, then reading and writing, ch_store_context_free
 *
 * Keys are fs.s3a.*, the same below spark.hadoop., and chert.http.*; others are not kept. The context is one query's,
 * so that no session uses another's keys. What is fetched of a file lies in it until it is freed, or room is needed.
 */
#ifndef CH_STORE_CONTEXT_H
#define CH_STORE_CONTEXT_H

#include <pthread.h>

#include "store/http.h"
#include "store/store.h"

typedef struct ch_remote_file ch_remote_file;
/* A store's own job begins so. */
struct ch_store_job {
    const ch_store *store;
    ch_store_context *context;
};

struct ch_store_context {
    ch_mem *mem;
    ch_arena arena; /* settings, and what a store keeps here; under the lock after set-up */
    ch_strmap option;
    const char *spill_dir;
    const _Atomic bool *const *cancel; /* where the query's flag is said; or NULL */
    pthread_mutex_t lock;
    ch_remote_file *file;                    /* those that were opened (remote_file.h) */
    ch_strmap file_of;                       /* the same by path */
    struct ch_remote_block *oldest, *newest; /* what is kept of them, in the order of use */
    pthread_cond_t changed;
    int64_t cached_bytes, cached_most, tick;
    _Atomic bool stop; /* reading ahead ends */
    struct ch_s3_bucket *bucket;
    ch_store_job *job; /* that outputs belong to, or NULL */
};

/*
 * Everything is borrowed until free. cancel: where the flag is found that ends waits, which may be another one with
 * each run; may be NULL, and name NULL. spill_dir: for files of servers that know no ranges.
 */
CH_NODISCARD ch_status ch_store_context_new(ch_mem *mem, const char *spill_dir,
                                            const _Atomic bool *const *cancel,
                                            ch_store_context **out, ch_error *err);
/* The flag that ends waits by now; or NULL. */
static inline const _Atomic bool *ch_store_cancel(const ch_store_context *context)
{
    return context->cancel ? *context->cancel : NULL;
}
/* Keeps the setting if it is one of a store's. What is set later wins. */
CH_NODISCARD ch_status ch_store_set(ch_store_context *context, const char *key, const char *value,
                                    ch_error *err);
/* Is a setting one of a store's? */
bool ch_store_is_option(const char *key);
/* The value, without spark.hadoop. before the key; NULL: not set. */
const char *ch_store_option(const ch_store_context *context, const char *key);
/* The same as a number ("10", "64M", "30s" in `unit`s: "ms", "s", "bytes" or ""); fallback where it is not set. */
CH_NODISCARD ch_status ch_store_number(const ch_store_context *context, const char *key,
                                       const char *unit, int64_t fallback, int64_t *out,
                                       ch_error *err);
/* All inputs of it are closed. NULL is ignored. */
void ch_store_context_free(ch_store_context *context);

#endif
