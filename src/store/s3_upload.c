/* SPDX-License-Identifier: Apache-2.0 */
/* s3_upload.c - see s3_upload.h. What several threads see of an output is under its context's lock. */
#include "store/s3_upload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/io_threads.h"
#include "store/remote_file.h"

#define FIRST_BYTES ((int64_t)256 << 10)
#define LEAST_PART ((int64_t)5 << 20)
#define MOST_UNDER_WAY 4
#define MOST_PARTS 10000
#define CLEAN_ATTEMPTS 3

typedef struct output {
    ch_output head;
    ch_store_context *context;
    ch_s3_upload *upload;
    uint8_t *data; /* of the part that fills */
    int64_t n, cap;
    /* Under the context's lock: */
    int n_under_way;
    ch_status failed;
    ch_error error;
} output;

typedef struct part {
    ch_io_work work; /* first */
    output *of;
    uint8_t *data;
    int64_t n, cap;
    int number; /* from 1 */
} part;

/* ---- uploads that this process has under way ----------------------------------------------------- */

static pthread_mutex_t live_lock = PTHREAD_MUTEX_INITIALIZER;
static ch_s3_upload *live;

static void enlist(ch_s3_upload *u)
{
    pthread_mutex_lock(&live_lock);
    u->behind = live;
    if (live)
        live->before = u;
    live = u;
    pthread_mutex_unlock(&live_lock);
}

static void strike_off(ch_s3_upload *u)
{
    pthread_mutex_lock(&live_lock);
    if (u->before)
        u->before->behind = u->behind;
    else if (live == u)
        live = u->behind;
    if (u->behind)
        u->behind->before = u->before;
    pthread_mutex_unlock(&live_lock);
}

bool ch_s3_upload_is_ours(const char *id)
{
    bool is = false;
    pthread_mutex_lock(&live_lock);
    for (const ch_s3_upload *u = live; u && !is; u = u->behind)
        is = u->id && strcmp(u->id, id) == 0;
    pthread_mutex_unlock(&live_lock);
    return is;
}

/* ---- the requests of an upload ------------------------------------------------------------------- */

static ch_status id_query(ch_buf *query, int number, const char *id, ch_error *err)
{
    if (number)
        CH_TRY(ch_buf_printf(query, err, "partNumber=%d&", number));
    CH_TRY(ch_buf_adds(query, "uploadId=", err));
    return ch_http_encode(query, id, strlen(id), false, err);
}

static ch_status send(const ch_s3_call *call, ch_http_response *response, ch_error *err)
{
    ch_s3_call c = *call;
    if (!c.cancel && !c.attempts)
        c.cancel = ch_store_cancel(c.place.bucket->context);
    return ch_s3_send(&c, response, err);
}

/* What the settings say of new objects: encryption, storage class. */
static void add_wishes(ch_s3_call *call)
{
    const ch_s3_bucket *b = call->place.bucket;
    for (int i = 0; i < b->n_wishes; i++)
        call->header[call->n_headers++] = b->wish[i];
}

static ch_status create_upload(ch_s3_upload *u, ch_error *err)
{
    ch_mem *mem = u->place.bucket->context->mem;
    ch_http_response response;
    char id[2048] = "";
    void *doc;
    ch_s3_call call = {.method = "POST", .place = u->place, .query = "uploads=", .action = "write"};
    add_wishes(&call);
    ch_status status = send(&call, &response, err);
    if (status == CH_OK) {
        ch_s3_xml_parse(&response.body, &doc);
        ch_s3_xml_value(ch_s3_xml_root(doc), "UploadId", id, sizeof id);
        ch_s3_xml_free(doc);
    }
    ch_http_response_release(&response);
    CH_TRY(status);
    if (!*id)
        CH_FAIL(err, IO, "action", "write", "path", u->place.path, "reason",
                "the server gave no id for the upload");
    size_t size = strlen(id) + 1;
    char *copy = ch_mem_alloc(mem, size, err);
    if (!copy) {
        ch_s3_upload_abort(&u->place, id);
        return CH_E_MEMORY;
    }
    memcpy(copy, id, size);
    pthread_mutex_lock(&live_lock);
    u->id = copy;
    pthread_mutex_unlock(&live_lock);
    u->id_size = size;
    return CH_OK;
}

void ch_s3_upload_abort(const ch_s3_place *place, const char *id)
{
    ch_buf query;
    ch_http_response response = {0};
    ch_s3_bucket *b = place->bucket;
    ch_buf_init(&query, b->context->mem);
    if (!atomic_load(&b->silent) && id_query(&query, 0, id, NULL) == CH_OK) {
        ch_s3_call call = {.method = "DELETE",
                           .place = *place,
                           .query = query.data,
                           .action = "write",
                           .attempts = CLEAN_ATTEMPTS};
        if (ch_s3_send(&call, &response, NULL) == CH_E_IO && response.status == 0)
            atomic_store(&b->silent, true);
    }
    ch_http_response_release(&response);
    ch_buf_release(&query);
}

ch_status ch_s3_put(const ch_s3_place *place, const void *bytes, int64_t n, bool only_if_new,
                    ch_error *err)
{
    ch_http_response response;
    ch_s3_call call = {.method = "PUT",
                       .place = *place,
                       .action = "write",
                       .body = bytes,
                       .body_len = n,
                       .also = only_if_new ? 412 : 0};
    if (only_if_new)
        call.header[call.n_headers++] = (ch_http_header){"if-none-match", "*", false};
    add_wishes(&call);
    ch_status status = send(&call, &response, err);
    bool exists = status == CH_OK && response.status == 412;
    ch_http_response_release(&response);
    if (exists)
        CH_FAIL(err, PATH_ALREADY_EXISTS, "outputPath", place->path);
    return status;
}

static ch_status make_list(const ch_s3_upload *u, ch_buf *body, ch_error *err)
{
    CH_TRY(ch_buf_adds(
        body, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">", err));
    for (int i = 0; i < u->n_parts; i++) {
        CH_TRY(ch_buf_printf(body, err, "<Part><PartNumber>%d</PartNumber><ETag>", i + 1));
        CH_TRY(ch_s3_xml_text(body, u->etag[i], err));
        CH_TRY(ch_buf_adds(body, "</ETag></Part>", err));
    }
    return ch_buf_adds(body, "</CompleteMultipartUpload>", err);
}

/* Is it the ETag of an object that came in other parts? Those of uploads end with "-3", the number of parts. */
static bool of_other_parts(const char *etag, int n_parts)
{
    const char *dash = strrchr(etag, '-');
    char *end;
    long n = dash ? strtol(dash + 1, &end, 10) : 0;
    return n > 0 && (*end == '"' || !*end) && n != n_parts;
}

/* An answer was lost, and the upload is gone: was it completed? */
static ch_status was_completed(const ch_s3_upload *u, ch_error *err)
{
    ch_http_response response;
    char text[64], etag[CH_S3_ETAG];
    ch_s3_call call = {.method = "HEAD", .place = u->place, .action = "write", .also = 404};
    ch_status status = send(&call, &response, err);
    if (status == CH_OK &&
        (response.status == 404 ||
         strtoll(ch_http_header_text(&response, "content-length", text, 64), NULL, 10) !=
             u->bytes ||
         of_other_parts(ch_http_header_text(&response, "etag", etag, sizeof etag), u->n_parts)))
        status = ch_error_set(err, CH_E_IO, "action", "write", "path", u->place.path, "reason",
                              "NoSuchUpload: somebody has aborted the upload", (const char *)0);
    ch_http_response_release(&response);
    return status;
}

ch_status ch_s3_upload_complete(ch_s3_upload *u, bool only_if_new, ch_error *err)
{
    ch_buf query, body;
    ch_http_response response = {0};
    if (!u->id) {
        ch_status status = ch_s3_put(&u->place, NULL, 0, only_if_new, err);
        u->completed = status == CH_OK;
        return status;
    }
    ch_buf_init(&query, u->place.bucket->context->mem);
    ch_buf_init(&body, u->place.bucket->context->mem);
    ch_status status = id_query(&query, 0, u->id, err);
    if (status == CH_OK)
        status = make_list(u, &body, err);
    if (status == CH_OK) {
        ch_error own = {0};
        ch_s3_call call = {.method = "POST",
                           .place = u->place,
                           .query = query.data,
                           .action = "write",
                           .body = body.data,
                           .body_len = (int64_t)body.len,
                           .also = only_if_new ? 412 : 0};
        if (only_if_new)
            call.header[call.n_headers++] = (ch_http_header){"if-none-match", "*", false};
        status = send(&call, &response, &own);
        /* libcurl, too, sends again what a kept connection has swallowed. */
        if (status == CH_E_IO && response.status == 404) {
            ch_error_release(&own);
            status = was_completed(u, &own);
        }
        if (status == CH_OK && response.status == 412)
            status = ch_error_set(&own, CH_E_PATH_ALREADY_EXISTS, "outputPath", u->place.path,
                                  (const char *)0);
        (void)ch_error_pass(err, &own);
    }
    u->completed = status == CH_OK;
    ch_http_response_release(&response);
    ch_buf_release(&body);
    ch_buf_release(&query);
    return status;
}

void ch_s3_upload_free(ch_s3_upload *u)
{
    ch_mem *mem = u->place.bucket->context->mem;
    if (u->id && !u->completed)
        ch_s3_upload_abort(&u->place, u->id);
    strike_off(u);
    ch_mem_free(mem, u->id, u->id_size);
    ch_mem_free(mem, u->etag, sizeof *u->etag * (size_t)u->cap_parts);
    ch_mem_free(mem, (char *)(uintptr_t)u->place.path, u->path_size);
    ch_mem_free(mem, u, sizeof *u);
}

/* ---- parts -------------------------------------------------------------------------------------- */

static ch_status send_part(part *p, char etag[CH_S3_ETAG], ch_error *err)
{
    ch_s3_upload *u = p->of->upload;
    ch_http_response response = {0};
    ch_buf query;
    ch_buf_init(&query, p->of->context->mem);
    ch_status status = id_query(&query, p->number, u->id, err);
    if (status == CH_OK) {
        ch_s3_call call = {.method = "PUT",
                           .place = u->place,
                           .query = query.data,
                           .action = "write",
                           .body = p->data,
                           .body_len = p->n};
        status = send(&call, &response, err);
    }
    if (status == CH_OK && !*ch_http_header_text(&response, "etag", etag, CH_S3_ETAG))
        status = ch_error_set(err, CH_E_IO, "action", "write", "path", u->place.path, "reason",
                              "the server gave no ETag for a part", (const char *)0);
    ch_http_response_release(&response);
    ch_buf_release(&query);
    return status;
}

static void run_part(ch_io_work *work)
{
    part *p = (part *)work;
    output *o = p->of;
    ch_store_context *c = o->context;
    char etag[CH_S3_ETAG];
    ch_error err = {0};
    pthread_mutex_lock(&c->lock);
    bool useless = o->failed != CH_OK;
    pthread_mutex_unlock(&c->lock);
    ch_status status = useless ? CH_OK : send_part(p, etag, &err);
    ch_mem_free(c->mem, p->data, (size_t)p->cap);
    pthread_mutex_lock(&c->lock);
    if (status == CH_OK && !useless)
        memcpy(o->upload->etag[p->number - 1], etag, sizeof etag);
    if (status != CH_OK && o->failed == CH_OK) {
        o->failed = status;
        o->error = err;
        err = (ch_error){0};
    }
    ch_mem_free(c->mem, p, sizeof *p);
    o->n_under_way--;
    pthread_cond_broadcast(&c->changed);
    pthread_mutex_unlock(&c->lock);
    ch_error_release(&err);
}

/* Until at most `most` parts are under way. The first error of a part is told once. */
static ch_status wait_parts(output *o, int most, ch_error *err)
{
    ch_status status = CH_OK;
    pthread_mutex_lock(&o->context->lock);
    while (o->n_under_way > most && status == CH_OK)
        status = ch_context_wait(o->context, err);
    if (status == CH_OK && o->failed != CH_OK) {
        status = o->failed;
        (void)ch_error_pass(err, &o->error);
    }
    pthread_mutex_unlock(&o->context->lock);
    return status;
}

static ch_status room_for_etag(output *o, ch_error *err)
{
    ch_s3_upload *u = o->upload;
    ch_mem *mem = o->context->mem;
    if (u->n_parts < u->cap_parts)
        return CH_OK;
    if (u->n_parts == MOST_PARTS)
        CH_FAIL(err, IO, "action", "write", "path", u->place.path, "reason",
                "an object has at most 10000 parts; raise fs.s3a.multipart.size");
    int cap = u->cap_parts ? u->cap_parts * 2 : 8;
    char(*more)[CH_S3_ETAG] = ch_mem_zalloc(mem, sizeof *more * (size_t)cap, err);
    if (!more)
        return CH_E_MEMORY;
    pthread_mutex_lock(&o->context->lock);
    char(*old)[CH_S3_ETAG] = u->etag;
    int n_old = u->cap_parts;
    if (u->n_parts)
        memcpy(more, old, sizeof *more * (size_t)u->n_parts);
    u->etag = more;
    u->cap_parts = cap;
    pthread_mutex_unlock(&o->context->lock);
    ch_mem_free(mem, old, sizeof *old * (size_t)n_old);
    return CH_OK;
}

/* What has filled goes. */
static ch_status ship(output *o, ch_error *err)
{
    if (!o->upload->id)
        CH_TRY(create_upload(o->upload, err));
    CH_TRY(wait_parts(o, MOST_UNDER_WAY - 1, err));
    CH_TRY(room_for_etag(o, err));
    part *p = ch_mem_alloc(o->context->mem, sizeof *p, err);
    if (!p)
        return CH_E_MEMORY;
    *p = (part){.work = {.run = run_part},
                .of = o,
                .data = o->data,
                .n = o->n,
                .cap = o->cap,
                .number = ++o->upload->n_parts};
    o->upload->bytes += o->n;
    o->data = NULL;
    o->n = o->cap = 0;
    pthread_mutex_lock(&o->context->lock);
    o->n_under_way++;
    pthread_mutex_unlock(&o->context->lock);
    if (!ch_io_start(&p->work))
        run_part(&p->work);
    return CH_OK;
}

static int64_t part_bytes(const output *o)
{
    return o->upload->place.bucket->part_bytes * (1 + o->upload->n_parts / 1000);
}

/* Room for at least one byte more. Where memory is short a part is smaller, or waits for others. */
static ch_status make_room(output *o, ch_error *err)
{
    ch_mem *mem = o->context->mem;
    int64_t most = part_bytes(o), cap = o->cap ? o->cap * 2 : FIRST_BYTES;
    if (o->n == most) {
        CH_TRY(ship(o, err));
        cap = FIRST_BYTES;
    }
    /* Of an object with many parts the next is likely to be full, too. */
    if (cap > most || (o->upload->n_parts > 0 && !o->data))
        cap = most;
    uint8_t *more = ch_mem_alloc(mem, (size_t)cap, NULL);
    if (!more && o->n >= LEAST_PART) {
        CH_TRY(ship(o, err));
        cap = most;
    }
    if (!more) {
        CH_TRY(wait_parts(o, 0, err));
        more = ch_mem_alloc(mem, (size_t)cap, err);
        if (!more)
            return CH_E_MEMORY;
    }
    if (o->n)
        memcpy(more, o->data, (size_t)o->n);
    ch_mem_free(mem, o->data, (size_t)o->cap);
    o->data = more;
    o->cap = cap;
    return CH_OK;
}

/* ---- the output --------------------------------------------------------------------------------- */

ch_status ch_s3_output_create(ch_mem *mem, ch_store_context *context, const char *path,
                              ch_output **out, ch_error *err)
{
    ch_s3_place place;
    size_t size = strlen(path) + 1;
    CH_TRY(ch_s3_place_of(context, path, true, &place, err));
    if (!*place.key)
        CH_FAIL(err, IO, "action", "write", "path", path, "reason",
                "it names a bucket and no key in it");
    output *o = ch_mem_zalloc(mem, sizeof *o, err);
    ch_s3_upload *u = o ? ch_mem_zalloc(context->mem, sizeof *u, err) : NULL;
    char *copy = u ? ch_mem_alloc(context->mem, size, err) : NULL;
    if (!copy) {
        ch_mem_free(context->mem, u, sizeof *u);
        ch_mem_free(mem, o, sizeof *o);
        return CH_E_MEMORY;
    }
    memcpy(copy, path, size);
    u->place = (ch_s3_place){place.bucket, copy, copy + (place.key - path)};
    u->path_size = size;
    enlist(u);
    *o = (output){.head = {.store = ch_store_of(path), .mem = mem}, .context = context};
    o->upload = u;
    *out = &o->head;
    return CH_OK;
}

ch_status ch_s3_output_write(ch_output *base, const void *bytes, int64_t n, ch_error *err)
{
    output *o = (output *)base;
    const uint8_t *p = bytes;
    while (n > 0) {
        if (o->n == o->cap)
            CH_TRY(make_room(o, err));
        int64_t some = o->cap - o->n < n ? o->cap - o->n : n;
        memcpy(o->data + o->n, p, (size_t)some);
        o->n += some;
        base->bytes += some;
        p += some;
        n -= some;
    }
    return CH_OK;
}

/* Parts under way have ended; the buffer goes. */
static void free_output(output *o)
{
    pthread_mutex_lock(&o->context->lock);
    if (o->n_under_way > 0 && o->failed == CH_OK)
        o->failed = CH_E_CANCELLED; /* the rest need not begin */
    while (o->n_under_way > 0)
        pthread_cond_wait(&o->context->changed, &o->context->lock);
    pthread_mutex_unlock(&o->context->lock);
    ch_error_release(&o->error);
    ch_mem_free(o->context->mem, o->data, (size_t)o->cap);
    ch_mem_free(o->head.mem, o, sizeof *o);
}

void ch_s3_output_abandon(ch_output *base)
{
    output *o = (output *)base;
    ch_s3_upload *u = o->upload;
    free_output(o);
    ch_s3_upload_free(u);
}

static ch_status finish(output *o, ch_error *err)
{
    ch_s3_upload *u = o->upload;
    if (!o->context->job && u->n_parts == 0) {
        CH_TRY(ch_s3_put(&u->place, o->data, o->n, false, err));
        u->completed = true;
        return CH_OK;
    }
    if (o->n > 0)
        CH_TRY(ship(o, err));
    CH_TRY(wait_parts(o, 0, err));
    return o->context->job ? CH_OK : ch_s3_upload_complete(u, false, err);
}

ch_status ch_s3_output_commit(ch_output *base, bool sync, ch_error *err)
{
    output *o = (output *)base;
    ch_s3_upload *u = o->upload;
    ch_store_job *job = o->context->job;
    CH_UNUSED(sync); /* what the server has acknowledged is safe */
    ch_status status = finish(o, err);
    free_output(o);
    if (status == CH_OK && job)
        ch_s3_job_add(job, u);
    else
        ch_s3_upload_free(u);
    return status;
}
