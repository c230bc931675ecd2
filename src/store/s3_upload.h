/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_upload.h - writing an object: parts that are sent while the next fills, unseen until they are completed.
 *
 *   output ──▶ part 1 ─┐
 *              part 2 ─┼──▶ I/O threads ──▶ ch_s3_upload { id, etags } ──▶ complete ──▶ the object is there
 *              part 3 ─┘                          │
 *                                                 └ with a job: at its commit (s3_job.c)
 *
 * A part is in memory until the server has it, and charged to the query; when there is no memory for one more, the
 * writer waits for those under way. Parts grow as they become many, because a server takes 10,000.
 */
#ifndef CH_STORE_S3_UPLOAD_H
#define CH_STORE_S3_UPLOAD_H

#include "store/s3.h"

#define CH_S3_ETAG 96

/* All parts of an object are there, or are coming. Everything is the context's memory. */
typedef struct ch_s3_upload ch_s3_upload;
struct ch_s3_upload {
    ch_s3_upload *next;            /* of the job */
    ch_s3_upload *before, *behind; /* of all that this process has under way */
    ch_s3_place place;             /* path is owned */
    size_t path_size;
    char *id; /* owned; NULL: an empty object, nothing was sent */
    size_t id_size;
    char (*etag)[CH_S3_ETAG]; /* per part */
    int n_parts, cap_parts;
    int64_t bytes;
    bool completed;
};

CH_NODISCARD ch_status ch_s3_output_create(ch_mem *mem, ch_store_context *context, const char *path,
                                           ch_output **out, ch_error *err);
CH_NODISCARD ch_status ch_s3_output_write(ch_output *out, const void *bytes, int64_t n,
                                          ch_error *err);
CH_NODISCARD ch_status ch_s3_output_commit(ch_output *out, bool sync, ch_error *err);
void ch_s3_output_abandon(ch_output *out);

/* The object appears. only_if_new: an error if there is one of its name (PATH_ALREADY_EXISTS). */
CH_NODISCARD ch_status ch_s3_upload_complete(ch_s3_upload *upload, bool only_if_new, ch_error *err);
/* Aborts it unless it was completed, and frees it. */
void ch_s3_upload_free(ch_s3_upload *upload);
/* Writes a small object at once. */
CH_NODISCARD ch_status ch_s3_put(const ch_s3_place *place, const void *bytes, int64_t n,
                                 bool only_if_new, ch_error *err);
/* Does this process write the upload of this id? */
bool ch_s3_upload_is_ours(const char *id);
/* DELETE of an upload; failures are of no account. */
void ch_s3_upload_abort(const ch_s3_place *place, const char *id);

/* s3_job.c */
CH_NODISCARD ch_status ch_s3_job_begin(ch_store_context *context, const char *path,
                                       ch_store_job **out, ch_error *err);
CH_NODISCARD ch_status ch_s3_job_commit(ch_store_job *job, const ch_job_end *end, ch_error *err);
void ch_s3_job_free(ch_store_job *job);
/* The upload (taken) appears when the job is committed. */
void ch_s3_job_add(ch_store_job *job, ch_s3_upload *upload);

#endif
