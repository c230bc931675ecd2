/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_job.c - a job's objects appear together, as far as S3 can, as S3A's magic committer makes them.
 *
 *   begin    uploads that a killed process left at the path are aborted
 *   outputs  all parts are sent, no upload is completed: nothing is seen
 *   commit   note what is to be replaced; complete all; delete what was noted; write _SUCCESS
 *   free     what is not completed is aborted
 *
 * If one upload cannot be completed, those that were are deleted again, and what was there before stays. Between
 * the first completion and the last deletion readers may see old and new objects; _SUCCESS comes last. A process
 * that is killed before the commit leaves unfinished uploads, which nobody sees; during it, some of the new objects
 * without a _SUCCESS. Results that belong together are one job, above them.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "store/io_threads.h"
#include "store/s3_upload.h"

#define MOST_PAGES 100 /* of uploads that are aborted */

typedef struct s3_job {
    ch_store_job head;
    ch_s3_place place;
    ch_arena arena;      /* the path, and what a commit notes */
    ch_s3_upload *first; /* under the context's lock */
    int64_t n;
} s3_job;

typedef struct keys {
    s3_job *job;
    ch_strmap made; /* keys of the job */
    const char **item;
    int64_t n, cap;
} keys;

/* ---- begin -------------------------------------------------------------------------------------- */

static const char *folder_key(s3_job *job, ch_error *err)
{
    size_t len = strlen(job->place.key);
    while (len > 0 && job->place.key[len - 1] == '/')
        len--;
    return ch_arena_printf(&job->arena, err, "%.*s%s", (int)len, job->place.key, len ? "/" : "");
}

/* Is the key the job's path, or below it? */
static bool is_ours(const s3_job *job, const char *folder, const char *key)
{
    return strcmp(key, job->place.key) == 0 || strncmp(key, folder, strlen(folder)) == 0;
}

/* *more: there are others, which the next answer will have, because these are gone. */
static ch_status abort_page(s3_job *job, const char *folder, const ch_buf *body, bool *more,
                            ch_error *err)
{
    char id[2048], truncated[16];
    int64_t n_aborted = 0;
    void *doc;
    ch_status status = CH_OK;
    ch_s3_xml_parse(body, &doc);
    for (void *n = ch_s3_xml_child(ch_s3_xml_root(doc)); n && status == CH_OK;
         n = ch_s3_xml_next(n)) {
        if (!ch_s3_xml_is(n, "Upload"))
            continue;
        char *key = ch_s3_xml_arena(n, "Key", &job->arena, err);
        ch_s3_xml_value(n, "UploadId", id, sizeof id);
        if (!key)
            status = CH_E_MEMORY;
        else if (*id && is_ours(job, folder, key) && !ch_s3_upload_is_ours(id)) {
            ch_s3_upload_abort(&(ch_s3_place){job->place.bucket, job->place.path, key}, id);
            n_aborted++;
        }
    }
    ch_s3_xml_value(ch_s3_xml_root(doc), "IsTruncated", truncated, sizeof truncated);
    *more = n_aborted > 0 && strcmp(truncated, "true") == 0;
    ch_s3_xml_free(doc);
    return status;
}

/* A server that cannot tell, or will not, is no reason not to write. What is aborted is not listed again. */
static ch_status abort_left(s3_job *job, const char *folder, ch_error *err)
{
    ch_http_response response;
    ch_error own = {0};
    ch_buf query;
    size_t len = strlen(folder);
    ch_buf_init(&query, job->head.context->mem);
    ch_status status = ch_buf_adds(&query, "prefix=", err);
    if (status == CH_OK)
        status = ch_http_encode(&query, folder, len ? len - 1 : 0, false, err);
    if (status == CH_OK)
        status = ch_buf_adds(&query, "&uploads=", err);
    if (status == CH_OK) {
        ch_s3_call call = {.method = "GET",
                           .place = job->place,
                           .of_bucket = true,
                           .query = query.data,
                           .action = "list uploads of",
                           .cancel = ch_store_cancel(job->head.context),
                           .attempts = 3};
        bool more = true;
        for (int page = 0; page < MOST_PAGES && more && status == CH_OK; page++) {
            more = false;
            status = ch_s3_send(&call, &response, &own);
            if (status == CH_OK)
                status = abort_page(job, folder, &response.body, &more, &own);
            ch_http_response_release(&response);
        }
        /* Whether anybody may write here is for the write itself to find out. */
        bool grave = status == CH_E_CANCELLED || status == CH_E_MEMORY;
        status = grave ? ch_error_pass(err, &own) : CH_OK;
        ch_error_release(&own);
    }
    ch_buf_release(&query);
    return status;
}

ch_status ch_s3_job_begin(ch_store_context *context, const char *path, ch_store_job **out,
                          ch_error *err)
{
    *out = NULL;
    s3_job *job = ch_mem_zalloc(context->mem, sizeof *job, err);
    if (!job)
        return CH_E_MEMORY;
    job->head = (ch_store_job){ch_store_of(path), context};
    ch_arena_init(&job->arena, context->mem);
    const char *copy = ch_arena_str(&job->arena, path, err), *folder = NULL;
    ch_status status = copy ? ch_s3_place_of(context, copy, true, &job->place, err) : CH_E_MEMORY;
    if (status == CH_OK)
        folder = folder_key(job, err);
    if (status == CH_OK && !folder)
        status = CH_E_MEMORY;
    const char *keep = status == CH_OK ? ch_s3_option(context, job->place.bucket->name,
                                                      "committer.abort.pending.uploads")
                                       : NULL;
    if (status == CH_OK && (!keep || strcasecmp(keep, "false") != 0))
        status = abort_left(job, folder, err);
    if (status != CH_OK) {
        ch_s3_job_free(&job->head);
        return status;
    }
    *out = &job->head;
    return CH_OK;
}

void ch_s3_job_add(ch_store_job *base, ch_s3_upload *upload)
{
    s3_job *job = (s3_job *)base;
    pthread_mutex_lock(&base->context->lock);
    upload->next = job->first;
    job->first = upload;
    job->n++;
    pthread_mutex_unlock(&base->context->lock);
}

/* ---- commit ------------------------------------------------------------------------------------- */

static ch_status keep_key(keys *k, const char *key, ch_error *err)
{
    ch_arena *arena = &k->job->arena;
    if (k->n == k->cap) {
        int64_t cap = k->cap ? k->cap * 2 : 64;
        const char **more;
        CH_ARENA_ARRAY(more, arena, cap, err);
        if (k->n)
            memcpy(more, k->item, sizeof *more * (size_t)k->n);
        k->item = more;
        k->cap = cap;
    }
    k->item[k->n] = ch_arena_str(arena, key, err);
    return k->item[k->n++] ? CH_OK : CH_E_MEMORY;
}

static ch_status note_old(void *user, const ch_s3_object *object, ch_error *err)
{
    keys *k = user;
    return ch_strmap_has(&k->made, object->key) ? CH_OK : keep_key(k, object->key, err);
}

/* The objects that go when those of the job are there. */
static ch_status find_old(s3_job *job, const ch_job_end *end, keys *k, ch_error *err)
{
    ch_strmap folders;
    for (const ch_s3_upload *u = job->first; u; u = u->next)
        CH_TRY(ch_strmap_put(&k->made, u->place.key, (void *)(uintptr_t)u, err));
    if (!end->replace)
        return CH_OK;
    if (!end->by_folder) {
        const char *folder = folder_key(job, err);
        if (!folder)
            return CH_E_MEMORY;
        /* A file in the folder's place goes, too. */
        if (*job->place.key && !ch_strmap_has(&k->made, job->place.key))
            CH_TRY(keep_key(k, job->place.key, err));
        return ch_s3_list(&job->place, folder, false, 0, note_old, k, err);
    }
    ch_strmap_init(&folders, &job->arena, false);
    for (const ch_s3_upload *u = job->first; u; u = u->next) {
        const char *slash = strrchr(u->place.key, '/');
        size_t len = slash ? (size_t)(slash + 1 - u->place.key) : 0;
        char *folder = ch_arena_strn(&job->arena, u->place.key, len, err);
        if (!folder)
            return CH_E_MEMORY;
        if (ch_strmap_has(&folders, folder))
            continue;
        CH_TRY(ch_strmap_put(&folders, folder, folder, err));
        CH_TRY(ch_s3_list(&job->place, folder, false, 0, note_old, k, err));
    }
    return CH_OK;
}

typedef struct completion {
    ch_s3_upload **upload;
    bool only_if_new;
} completion;

static ch_status complete_one(void *user, int64_t i, ch_error *err)
{
    const completion *c = user;
    return ch_s3_upload_complete(c->upload[i], c->only_if_new, err);
}

/* What was completed is taken back. */
static void undo(s3_job *job)
{
    keys k = {.job = job};
    for (ch_s3_upload *u = job->first; u; u = u->next)
        if (u->completed && keep_key(&k, u->place.key, NULL) != CH_OK)
            return;
    (void)!ch_s3_delete(&job->place, k.item, k.n, NULL);
}

static ch_status complete_all(s3_job *job, const ch_job_end *end, ch_error *err)
{
    completion c = {.only_if_new = end->only_if_new};
    int64_t n = 0;
    CH_ARENA_ARRAY(c.upload, &job->arena, job->n + 1, err);
    for (ch_s3_upload *u = job->first; u; u = u->next)
        c.upload[n++] = u;
    ch_status status = ch_io_each(n, complete_one, &c, err);
    if (status != CH_OK)
        undo(job);
    return status;
}

/* An empty _SUCCESS in the folder path[0, len), whose key begins at the same place as the job's. */
static ch_status put_success(s3_job *job, const char *path, size_t len, ch_error *err)
{
    while (len > 0 && path[len - 1] == '/')
        len--;
    char *whole = ch_arena_printf(&job->arena, err, "%.*s/_SUCCESS", (int)len, path);
    if (!whole)
        return CH_E_MEMORY;
    const char *key = whole + (job->place.key - job->place.path);
    ch_s3_place mark = {job->place.bucket, whole, key + strspn(key, "/")};
    return ch_s3_put(&mark, NULL, 0, false, err);
}

static ch_status put_each_success(s3_job *job, ch_error *err)
{
    ch_strmap done;
    ch_strmap_init(&done, &job->arena, false);
    for (const ch_s3_upload *u = job->first; u; u = u->next) {
        const char *slash = strrchr(u->place.path, '/');
        char *folder =
            ch_arena_strn(&job->arena, u->place.path, (size_t)(slash - u->place.path), err);
        if (!folder)
            return CH_E_MEMORY;
        if (ch_strmap_has(&done, folder))
            continue;
        CH_TRY(ch_strmap_put(&done, folder, folder, err));
        CH_TRY(put_success(job, folder, strlen(folder), err));
    }
    return CH_OK;
}

ch_status ch_s3_job_commit(ch_store_job *base, const ch_job_end *end, ch_error *err)
{
    s3_job *job = (s3_job *)base;
    keys old = {.job = job};
    ch_strmap_init(&old.made, &job->arena, false);
    CH_TRY(find_old(job, end, &old, err));
    base->context->cancel = NULL; /* half of a commit would be rows that are there twice */
    CH_TRY(complete_all(job, end, err));
    CH_TRY(ch_s3_delete(&job->place, old.item, old.n, err));
    if (!end->success)
        return CH_OK;
    return end->success_by_folder ? put_each_success(job, err)
                                  : put_success(job, job->place.path, strlen(job->place.path), err);
}

void ch_s3_job_free(ch_store_job *base)
{
    s3_job *job = (s3_job *)base;
    while (job->first) {
        ch_s3_upload *u = job->first;
        job->first = u->next;
        ch_s3_upload_free(u);
    }
    ch_arena_release(&job->arena);
    ch_mem_free(base->context->mem, job, sizeof *job);
}
