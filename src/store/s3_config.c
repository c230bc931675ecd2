/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_config.c - which server, which region, how patiently: Hadoop's fs.s3a.* settings.
 *
 * What new objects are to be (encryption by the server, storage class, access) is sent with them. Settings that would change
 * what is kept or who pays, and that nothing here obeys, are refused.
 *
 * fs.s3a.bucket.NAME.x comes before fs.s3a.x, that before the environment (AWS_REGION, AWS_ENDPOINT_URL), that before the
 * profile. A session limited by --allow-path chooses no server by itself: its endpoint must be an allowed URL.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "store/access.h"
#include "store/s3.h"

#define PART_BYTES ((int64_t)8 << 20)
#define LEAST_PART ((int64_t)5 << 20) /* the protocol's, of all but the last */
#define MOST_PART ((int64_t)5 << 30)

const char *ch_s3_option(const ch_store_context *c, const char *bucket, const char *key)
{
    char name[256];
    const char *value = NULL;
    if (snprintf(name, sizeof name, "fs.s3a.bucket.%s.%s", bucket, key) < (int)sizeof name)
        value = ch_store_option(c, name);
    if (!value && snprintf(name, sizeof name, "fs.s3a.%s", key) < (int)sizeof name)
        value = ch_store_option(c, name);
    return value;
}

static ch_status option_number(const ch_s3_bucket *b, const char *key, const char *unit,
                               int64_t fallback, int64_t *out, ch_error *err)
{
    char name[256];
    snprintf(name, sizeof name, "fs.s3a.bucket.%s.%s", b->name, key);
    if (!ch_store_option(b->context, name))
        snprintf(name, sizeof name, "fs.s3a.%s", key);
    return ch_store_number(b->context, name, unit, fallback, out, err);
}

static ch_status option_bool(const ch_s3_bucket *b, const char *key, bool fallback, bool *out,
                             ch_error *err)
{
    const char *text = ch_s3_option(b->context, b->name, key);
    *out = fallback;
    if (!text)
        return CH_OK;
    *out = strcasecmp(text, "true") == 0;
    if (!*out && strcasecmp(text, "false") != 0) {
        char name[256];
        snprintf(name, sizeof name, "fs.s3a.%s", key);
        CH_FAIL(err, INVALID_OPTION, "name", name, "value", text, "expected", "true or false");
    }
    return CH_OK;
}

static bool is_address(const char *host)
{
    char name[256];
    struct in_addr four;
    size_t n = strcspn(host, ":/");
    snprintf(name, sizeof name, "%.*s", (int)n, host);
    return host[0] == '[' || strcmp(name, "localhost") == 0 || inet_pton(AF_INET, name, &four) == 1;
}

/* "s3.eu-west-1.amazonaws.com" -> "eu-west-1" */
static bool region_of_host(const char *host, char *out, size_t size)
{
    const char *end = strstr(host, ".amazonaws.com");
    if (!end || (strncmp(host, "s3.", 3) != 0 && strncmp(host, "s3-", 3) != 0) || end <= host + 3)
        return false;
    snprintf(out, size, "%.*s", (int)(end - host - 3), host + 3);
    return strchr(out, '.') == NULL;
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static ch_status choose_endpoint(ch_s3_bucket *b, ch_error *err)
{
    ch_store_context *c = b->context;
    char profile[512];
    const char *given = ch_s3_option(c, b->name, "endpoint"), *text = given;
    if (!text || !*text)
        text = from_environment("AWS_ENDPOINT_URL_S3");
    if (!text)
        text = from_environment("AWS_ENDPOINT_URL");
    if (!text && ch_s3_profile("endpoint_url", profile, sizeof profile))
        text = profile;
    if (!text)
        return CH_OK;
    bool has_scheme = strstr(text, "://") != NULL;
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '/')
        len--;
    b->endpoint = ch_arena_printf(&c->arena, err, "%s%.*s",
                                  has_scheme ? ""
                                  : b->ssl   ? "https://"
                                             : "http://",
                                  (int)len, text);
    if (!b->endpoint)
        return CH_E_MEMORY;
    const char *host = strstr(b->endpoint, "://") + 3;
    if ((strncmp(b->endpoint, "http://", 7) != 0 && strncmp(b->endpoint, "https://", 8) != 0) ||
        strpbrk(host, "/?#@ ") || !*host)
        CH_FAIL(err, INVALID_OPTION, "name", "fs.s3a.endpoint", "value", text, "expected",
                "a host, with http:// or https:// before it and a port behind it or without");
    if (given && *given)
        CH_TRY(ch_access_check(b->endpoint, false, err));
    if (is_address(host))
        b->path_style = true;
    if (!*b->region)
        (void)region_of_host(host, b->region, sizeof b->region);
    /* The servers of AWS differ by region: the one that is found out in the end is asked. */
    if (strcmp(host, "s3.amazonaws.com") == 0)
        b->endpoint = NULL;
    return CH_OK;
}

static void choose_region(ch_s3_bucket *b)
{
    const char *text = ch_s3_option(b->context, b->name, "endpoint.region");
    if (!text || !*text)
        text = from_environment("AWS_REGION");
    if (!text)
        text = from_environment("AWS_DEFAULT_REGION");
    if (text)
        snprintf(b->region, sizeof b->region, "%s", text);
    else if (!ch_s3_profile("region", b->region, sizeof b->region))
        b->region[0] = 0;
}

static ch_status choose_policy(ch_s3_bucket *b, ch_error *err)
{
    ch_http_policy *p = &b->policy;
    int64_t attempts, connections, per_second;
    *p = CH_HTTP_POLICY;
    p->redirects = 0; /* a signature is for one host */
    p->attempts = 10;
    CH_TRY(option_number(b, "attempts.maximum", "", p->attempts, &attempts, err));
    CH_TRY(option_number(b, "connection.maximum", "", p->connections, &connections, err));
    CH_TRY(option_number(b, "requests.per.second", "", 0, &per_second, err));
    CH_TRY(
        option_number(b, "connection.establish.timeout", "ms", p->connect_ms, &p->connect_ms, err));
    CH_TRY(option_number(b, "connection.timeout", "ms", p->stall_ms, &p->stall_ms, err));
    CH_TRY(option_number(b, "connection.request.timeout", "ms", 0, &p->total_ms, err));
    CH_TRY(option_number(b, "multipart.size", "bytes", PART_BYTES, &b->part_bytes, err));
    p->attempts = attempts < 1 ? 1 : attempts > 1000 ? 1000 : (int)attempts;
    p->connections = connections > 10000 ? 10000 : (int)connections;
    p->per_second = (double)per_second;
    if (b->part_bytes < LEAST_PART || b->part_bytes > MOST_PART)
        CH_FAIL(err, INVALID_OPTION, "name", "fs.s3a.multipart.size", "value",
                CH_I64(b->part_bytes), "expected", "5M to 5G");
    return CH_OK;
}

/* Of several names of a setting the first that is set; NULL: none, or its value is empty. */
static const char *first_option(const ch_s3_bucket *b, const char *const *name, const char **found)
{
    for (; *name; name++) {
        const char *text = ch_s3_option(b->context, b->name, *name);
        *found = *name;
        if (text && *text)
            return text;
    }
    return NULL;
}

static ch_status not_obeyed(const char *name, ch_error *err)
{
    char text[256];
    snprintf(text, sizeof text, "The setting fs.s3a.%s", name);
    CH_FAIL(err, UNSUPPORTED, "feature", text);
}

static void add_wish(ch_s3_bucket *b, const char *name, const char *value)
{
    b->wish[b->n_wishes++] = (ch_http_header){name, value, false};
}

static ch_status choose_encryption(ch_s3_bucket *b, ch_error *err)
{
    static const char *const ALGORITHM[] = {"encryption.algorithm",
                                            "server-side-encryption-algorithm", NULL};
    static const char *const KEY[] = {"encryption.key", "server-side-encryption.key", NULL};
    const char *name, *of_key, *how = first_option(b, ALGORITHM, &name);
    const char *key = first_option(b, KEY, &of_key);
    bool kms = how && (strcasecmp(how, "SSE-KMS") == 0 || strcasecmp(how, "DSSE-KMS") == 0);
    if (!how)
        return key ? not_obeyed(of_key, err) : CH_OK;
    if (!kms && strcasecmp(how, "SSE-S3") != 0 && strcasecmp(how, "AES256") != 0) {
        char text[256];
        snprintf(text, sizeof text, "fs.s3a.%s", name);
        CH_FAIL(err, INVALID_OPTION, "name", text, "value", how, "expected",
                "SSE-S3, SSE-KMS or DSSE-KMS");
    }
    add_wish(b, "x-amz-server-side-encryption",
             !kms                              ? "AES256"
             : strcasecmp(how, "SSE-KMS") == 0 ? "aws:kms"
                                               : "aws:kms:dsse");
    if (kms && key)
        add_wish(b, "x-amz-server-side-encryption-aws-kms-key-id", key);
    return CH_OK;
}

/* Names are added in order. */
static ch_status choose_wishes(ch_s3_bucket *b, ch_error *err)
{
    static const char *const REFUSED[] = {
        "encryption.context",       "encryption.cse.kms.region",
        "requester.pays.enabled",   "proxy.host",
        "assumed.role.arn",         "security.credential.provider.path",
        "delegation.token.binding", "custom.signers"};
    /* As S3A spells them: BucketOwnerFullControl. */
    static const char *const ACCESS[][2] = {
        {"Private", "private"},
        {"PublicRead", "public-read"},
        {"PublicReadWrite", "public-read-write"},
        {"AuthenticatedRead", "authenticated-read"},
        {"BucketOwnerRead", "bucket-owner-read"},
        {"BucketOwnerFullControl", "bucket-owner-full-control"}};
    const char *access = ch_s3_option(b->context, b->name, "acl.default");
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        const char *text = ch_s3_option(b->context, b->name, REFUSED[i]);
        if (text && *text && strcasecmp(text, "false") != 0)
            return not_obeyed(REFUSED[i], err);
    }
    for (size_t i = 0; i < sizeof ACCESS / sizeof *ACCESS && access && *access; i++)
        if (strcasecmp(access, ACCESS[i][0]) == 0 || strcasecmp(access, ACCESS[i][1]) == 0)
            add_wish(b, "x-amz-acl", ACCESS[i][1]);
    if (access && *access && !b->n_wishes)
        CH_FAIL(err, INVALID_OPTION, "name", "fs.s3a.acl.default", "value", access, "expected",
                "Private, PublicRead, PublicReadWrite, AuthenticatedRead, BucketOwnerRead or "
                "BucketOwnerFullControl");
    CH_TRY(choose_encryption(b, err));
    const char *class = ch_s3_option(b->context, b->name, "create.storage.class");
    if (class && *class) {
        char *name = ch_arena_str(&b->context->arena, class, err);
        if (!name)
            return CH_E_MEMORY;
        for (char *c = name; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        add_wish(b, "x-amz-storage-class", name);
    }
    return CH_OK;
}

/* The context's lock is held. */
static ch_status make_bucket(ch_store_context *c, const char *name, size_t len, ch_s3_bucket **out,
                             ch_error *err)
{
    ch_s3_bucket *b;
    CH_ARENA_NEW(b, &c->arena, err);
    b->context = c;
    b->name = ch_arena_strn(&c->arena, name, len, err);
    if (!b->name)
        return CH_E_MEMORY;
    bool path_style;
    CH_TRY(option_bool(b, "path.style.access", false, &path_style, err));
    CH_TRY(option_bool(b, "connection.ssl.enabled", true, &b->ssl, err));
    b->path_style = path_style || strchr(b->name, '.'); /* its certificate has one label more */
    choose_region(b);
    CH_TRY(choose_endpoint(b, err));
    if (!*b->region || strcmp(b->region, "aws-global") == 0)
        snprintf(b->region, sizeof b->region, "us-east-1");
    CH_TRY(choose_policy(b, err));
    CH_TRY(choose_wishes(b, err));
    b->providers = ch_s3_option(c, b->name, "aws.credentials.provider");
    b->next = c->bucket;
    c->bucket = b;
    *out = b;
    return CH_OK;
}

static ch_status check_name(const char *path, const char *name, size_t len, ch_error *err)
{
    bool good = len > 0 && len < 128;
    for (size_t i = 0; i < len && good; i++)
        good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
               (name[i] >= '0' && name[i] <= '9') || strchr("-._", name[i]);
    if (!good)
        CH_FAIL(err, IO, "action", "find", "path", path, "reason",
                "it names no bucket; expected s3a://bucket/key");
    return CH_OK;
}

ch_status ch_s3_place_of(ch_store_context *c, const char *path, bool write, ch_s3_place *out,
                         ch_error *err)
{
    const char *name = strstr(path, "://") + 3;
    size_t len = strcspn(name, "/");
    ch_status status = CH_OK;
    *out = (ch_s3_place){.path = path};
    CH_TRY(ch_access_check(path, write, err));
    CH_TRY(check_name(path, name, len, err));
    pthread_mutex_lock(&c->lock);
    ch_s3_bucket *b = c->bucket;
    while (b && (strncmp(b->name, name, len) != 0 || b->name[len]))
        b = b->next;
    if (!b)
        status = make_bucket(c, name, len, &b, err);
    pthread_mutex_unlock(&c->lock);
    CH_TRY(status);
    out->bucket = b;
    out->key = name + len + strspn(name + len, "/");
    return CH_OK;
}
