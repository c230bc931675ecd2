/* SPDX-License-Identifier: Apache-2.0 */
/* context.c - see context.h. */
#include "store/context.h"

#include <stdlib.h>
#include <strings.h>

#include "store/remote_file.h"

#define HADOOP "spark.hadoop."

static const char *plain_key(const char *key)
{
    return strncasecmp(key, HADOOP, strlen(HADOOP)) == 0 ? key + strlen(HADOOP) : key;
}

bool ch_store_is_option(const char *key)
{
    key = plain_key(key);
    return strncasecmp(key, "fs.s3a.", 7) == 0 || strncasecmp(key, "chert.http.", 11) == 0;
}

ch_status ch_store_context_new(ch_mem *mem, const char *spill_dir,
                               const _Atomic bool *const *cancel, ch_store_context **out,
                               ch_error *err)
{
    *out = NULL;
    ch_store_context *c = ch_mem_zalloc(mem, sizeof *c, err);
    if (!c)
        return CH_E_MEMORY;
    c->mem = mem;
    c->spill_dir = spill_dir;
    c->cancel = cancel;
    ch_arena_init(&c->arena, mem);
    ch_strmap_init(&c->option, &c->arena, true);
    ch_strmap_init(&c->file_of, &c->arena, false);
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->changed, NULL);
    *out = c;
    return CH_OK;
}

ch_status ch_store_set(ch_store_context *c, const char *key, const char *value, ch_error *err)
{
    if (!ch_store_is_option(key))
        return CH_OK;
    char *copy = ch_arena_str(&c->arena, value, err);
    return copy ? ch_strmap_put(&c->option, plain_key(key), copy, err) : CH_E_MEMORY;
}

const char *ch_store_option(const ch_store_context *c, const char *key)
{
    return c ? ch_strmap_get(&c->option, key) : NULL;
}

static const struct {
    const char *suffix, *unit;
    int64_t factor;
} SUFFIX[] = {
    {"ms", "ms", 1},          {"s", "ms", 1000},        {"m", "ms", 60000},
    {"h", "ms", 3600000},     {"k", "bytes", 1 << 10},  {"kb", "bytes", 1 << 10},
    {"m", "bytes", 1 << 20},  {"mb", "bytes", 1 << 20}, {"g", "bytes", 1 << 30},
    {"gb", "bytes", 1 << 30}, {"b", "bytes", 1},
};

ch_status ch_store_number(const ch_store_context *c, const char *key, const char *unit,
                          int64_t fallback, int64_t *out, ch_error *err)
{
    const char *text = ch_store_option(c, key);
    char *end;
    *out = fallback;
    if (!text)
        return CH_OK;
    int64_t n = strtoll(text, &end, 10);
    bool good = end != text && n >= 0;
    while (*end == ' ')
        end++;
    if (good && *end) {
        good = false;
        for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX && !good; i++)
            if (strcmp(SUFFIX[i].unit, unit) == 0 && strcasecmp(SUFFIX[i].suffix, end) == 0 &&
                n <= INT64_MAX / SUFFIX[i].factor) {
                n *= SUFFIX[i].factor;
                good = true;
            }
    }
    if (!good)
        CH_FAIL(err, INVALID_OPTION, "name", key, "value", text, "expected",
                *unit ? "a number, with a unit or without" : "a number");
    *out = n;
    return CH_OK;
}

void ch_store_context_free(ch_store_context *c)
{
    if (!c)
        return;
    ch_remote_files_free(c);
    pthread_cond_destroy(&c->changed);
    pthread_mutex_destroy(&c->lock);
    ch_arena_release(&c->arena);
    ch_mem_free(c->mem, c, sizeof *c);
}

ch_status ch_store_job_begin(ch_store_context *c, const char *path, ch_store_job **out,
                             ch_error *err)
{
    const ch_store *store = ch_store_of(path);
    *out = NULL;
    if (!store || !store->job_begin || !c)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to this kind of address");
    CH_TRY(store->job_begin(c, path, out, err));
    c->job = *out;
    return CH_OK;
}

ch_status ch_store_job_commit(ch_store_job *job, const ch_job_end *end, ch_error *err)
{
    return job->store->job_commit(job, end, err);
}

void ch_store_job_free(ch_store_job *job)
{
    if (!job)
        return;
    job->context->job = NULL;
    job->store->job_free(job);
}
