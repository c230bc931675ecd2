/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3.h - the S3 protocol: who asks, the signature, one request, what it says.
 *
 *   s3a://bucket/key ──▶ ch_s3_bucket (endpoint, region, credentials: s3_config.c)
 *                        ──▶ ch_s3_send: sign (s3_sign.c), HTTP, errors, wrong region (s3_request.c)
 *                            ──▶ ch_s3_list (s3_list.c), objects (s3_store.c), uploads (s3_upload.c, s3_job.c)
 *
 * Settings are those of Hadoop's S3A. No secret is part of a path, an error or a log line.
 */
#ifndef CH_STORE_S3_H
#define CH_STORE_S3_H

#include "store/context.h"

typedef struct ch_s3_credentials {
    char access[160], secret[256], token[8192]; /* "" for none */
    int64_t expires_us;                         /* INT64_MAX: never */
    bool anonymous;                             /* requests are not signed */
} ch_s3_credentials;

#define CH_S3_WISHES 4

/* How one bucket is reached, as a context says. In the context's arena. */
typedef struct ch_s3_bucket ch_s3_bucket;
struct ch_s3_bucket {
    ch_s3_bucket *next;
    ch_store_context *context;
    const char *name;
    const char *endpoint; /* "https://host:port"; NULL: AWS's for the region */
    bool path_style;      /* endpoint/bucket/key, not bucket.endpoint/key */
    bool ssl;
    char region[64]; /* under the context's lock: the server may know better */
    ch_http_policy policy;
    int64_t part_bytes;
    const char *providers; /* S3A's list of classes; NULL: the default chain */
    /* Of each new object: encryption, storage class, access; names in order. */
    ch_http_header wish[CH_S3_WISHES];
    int n_wishes;
    _Atomic bool
        silent; /* nobody answered when an upload was to be aborted: the others need not be tried */
};

typedef struct ch_s3_place {
    ch_s3_bucket *bucket;
    const char *path; /* borrowed: as it was given */
    const char *key;  /* borrowed: within path; "" for the bucket itself */
} ch_s3_place;

/*
 * "s3a://bucket/key" taken apart. write: whether it is to be written.
 * Errors CH_E_PATH_NOT_ALLOWED, CH_E_READ_ONLY, CH_E_INVALID_OPTION, CH_E_IO (no bucket).
 */
CH_NODISCARD ch_status ch_s3_place_of(ch_store_context *context, const char *path, bool write,
                                      ch_s3_place *out, ch_error *err);
/* A setting: fs.s3a.bucket.NAME.key, or fs.s3a.key; NULL: neither is set. */
const char *ch_s3_option(const ch_store_context *context, const char *bucket, const char *key);

/* Who asks. force: what is kept is not good any more. Errors CH_E_IO: nobody. */
CH_NODISCARD ch_status ch_s3_credentials_of(ch_s3_bucket *bucket, bool force,
                                            ch_s3_credentials *out, ch_error *err);
/* From the environment's profile, its region and so on ("region", "endpoint_url"); false: it does not say. */
bool ch_s3_profile(const char *key, char *out, size_t size);

/* ---- one request -------------------------------------------------------------------------------- */

typedef struct ch_s3_call {
    const char *method;
    ch_s3_place place;                       /* key is sent percent-encoded */
    bool of_bucket;                          /* the bucket itself, whatever the key */
    const char *query;                       /* sorted, encoded: "uploads=" ; NULL: none */
    const char *action;                      /* for errors: "read" */
    ch_http_header header[1 + CH_S3_WISHES]; /* names in lower case, x-amz-* in order */
    int n_headers;
    const void *body;
    int64_t body_len;
    int64_t from, len;
    const char *etag;
    ch_status (*take)(void *user, const void *bytes, int64_t n, ch_error *err);
    void *user;
    const _Atomic bool *cancel;
    int also;     /* a status that is no error, such as 404 */
    int attempts; /* fewer than the settings say; 0: as they say */
} ch_s3_call;

/*
 * Sends it, signed. The answer is a good one, or has the status `also`. An answer of 200 that holds an error is one.
 *   out   gives   also when this fails
 */
CH_NODISCARD ch_status ch_s3_send(const ch_s3_call *call, ch_http_response *out, ch_error *err);

/* Lower-case hex of SHA-256. */
void ch_s3_sha256(const void *data, size_t n, char out[65]);
/*
 * AWS Signature 4: adds authorization, x-amz-date, x-amz-content-sha256 and x-amz-security-token by ch_http_add.
 *   service  "s3"
 *   host     "bucket.s3.amazonaws.com"
 *   path     encoded, begins with '/'
 *   payload  SHA-256 of the body in hex, or UNSIGNED-PAYLOAD
 *   header   the call's own x-amz-* headers, sorted
 *   now_us   when
 */
CH_NODISCARD ch_status ch_s3_sign(void *to, const ch_s3_credentials *who, const char *service,
                                  const char *region, const char *method, const char *host,
                                  const char *path, const char *query, const char *payload,
                                  const ch_http_header *header, int n_headers, int64_t now_us,
                                  ch_error *err);

/* ---- what lies in a bucket ----------------------------------------------------------------------- */

typedef struct ch_s3_object {
    const char *key; /* of a folder: with '/' at its end */
    int64_t bytes, mtime_us;
    const char *etag;
    bool is_folder;
} ch_s3_object;

/*
 * Keys with the prefix, page by page; borrowed during the call of each.
 *   delimited  names up to the next '/' only
 *   most       no more than so many; 0: all
 */
typedef ch_status (*ch_s3_each)(void *user, const ch_s3_object *object, ch_error *err);
CH_NODISCARD ch_status ch_s3_list(const ch_s3_place *place, const char *prefix, bool delimited,
                                  int64_t most, ch_s3_each each, void *user, ch_error *err);
/* The same of one answer. *more: there are other pages. The body's memory is used; place's path is for errors. */
CH_NODISCARD ch_status ch_s3_read_listing(const ch_s3_place *place, const char *prefix,
                                          const ch_buf *body, ch_s3_each each, void *user,
                                          bool *more, ch_error *err);
/* Deletes n keys, 1000 with one request. Those that are not there are no error. */
CH_NODISCARD ch_status ch_s3_delete(const ch_s3_place *place, const char *const *key, int64_t n,
                                    ch_error *err);
/* Text as XML has it, added to out. */
CH_NODISCARD ch_status ch_s3_xml_text(ch_buf *out, const char *text, ch_error *err);

/* ---- replies in XML (s3_xml.c) -------------------------------------------------------------------- */

/* A parsed reply; entities and other documents are refused. *doc NULL: it is no XML, or empty. */
void ch_s3_xml_parse(const ch_buf *body, void **doc);
void ch_s3_xml_free(void *doc);
/* The root element, its first child, the next sibling element; NULL. */
void *ch_s3_xml_root(void *doc);
void *ch_s3_xml_child(void *node);
void *ch_s3_xml_next(void *node);
bool ch_s3_xml_is(const void *node, const char *name);
/* The text of the child called name (NULL: of the node itself), in out; "" if there is none. */
char *ch_s3_xml_value(void *node, const char *name, char *out, size_t size);
/* The same in arena. NULL: no memory. */
char *ch_s3_xml_arena(void *node, const char *name, ch_arena *arena, ch_error *err);
/* "2026-11-21T18:00:00.000Z"; -1: it is none. */
int64_t ch_s3_time(const char *text);

#endif
