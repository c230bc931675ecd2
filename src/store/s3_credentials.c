/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_credentials.c - who asks: S3A's list of providers, or its default chain.
 *
 *   session settings (fs.s3a.access.key ...)   this context's only
 *   environment, profile                       the process's: looked at anew, so that a profile may be changed
 *   container, instance                        the process's: kept for all, fetched again before they expire
 *
 * Providers are asked in order until one knows somebody.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "store/s3_profile.h"
#include "wire/json.h"

#define EARLY_US INT64_C(300000000) /* before they expire, others are fetched */
#define NOBODY_US INT64_C(60000000) /* that the machine has no role is believed so long */

typedef ch_status (*provider)(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err);

static bool put(char *to, size_t size, const char *text)
{
    if (!text || strlen(text) >= size)
        return false;
    memcpy(to, text, strlen(text) + 1);
    return true;
}

bool ch_s3_credentials_set(ch_s3_credentials *out, const char *access, const char *secret,
                           const char *token)
{
    out->expires_us = INT64_MAX;
    out->anonymous = false;
    return access && *access && secret && *secret && put(out->access, sizeof out->access, access) &&
           put(out->secret, sizeof out->secret, secret) &&
           put(out->token, sizeof out->token, token ? token : "");
}

/* ---- without a network -------------------------------------------------------------------------- */

static ch_status anonymous(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    CH_UNUSED(b);
    CH_UNUSED(err);
    *out = (ch_s3_credentials){.expires_us = INT64_MAX, .anonymous = true};
    *found = true;
    return CH_OK;
}

static ch_status of_session(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    CH_UNUSED(err);
    *found = ch_s3_credentials_set(out, ch_s3_option(b->context, b->name, "access.key"),
                                   ch_s3_option(b->context, b->name, "secret.key"),
                                   ch_s3_option(b->context, b->name, "session.token"));
    return CH_OK;
}

/* SimpleAWSCredentialsProvider knows no token. */
static ch_status simple(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    CH_TRY(of_session(b, out, found, err));
    out->token[0] = 0;
    return CH_OK;
}

static ch_status temporary(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    CH_TRY(of_session(b, out, found, err));
    *found &= out->token[0] != 0;
    return CH_OK;
}

static ch_status environment(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    CH_UNUSED(b);
    CH_UNUSED(err);
    *found = ch_s3_credentials_set(out, getenv("AWS_ACCESS_KEY_ID"),
                                   getenv("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"));
    return CH_OK;
}

/* ---- roles of the machine ----------------------------------------------------------------------- */

static ch_status ask(ch_s3_bucket *b, const char *method, const char *url, const char *header,
                     const char *value, ch_http_response *out, ch_error *err)
{
    ch_http_header h = {header, value, true};
    ch_http_request r = {.method = method,
                         .url = url,
                         .shown = "the machine's credentials",
                         .header = &h,
                         .n_headers = value ? 1 : 0,
                         .policy = CH_HTTP_POLICY,
                         .cancel = ch_store_cancel(b->context),
                         .mem = b->context->mem};
    r.policy.attempts = 2;
    r.policy.connect_ms = 1000;
    r.policy.stall_ms = r.policy.total_ms = 5000;
    r.policy.redirects = 0;
    r.policy.no_proxy = true;
    return ch_http_send(&r, out, err);
}

static bool json_text(const ch_json *json, const char *key, ch_buf *text)
{
    const ch_json_node *root = ch_json_at(json, 0);
    if (json->n == 0 || root->kind != CH_JSON_OBJECT)
        return false;
    for (int32_t i = 1; i < root->next; i = ch_json_at(json, i + 1)->next) {
        const ch_json_node *value = ch_json_at(json, i + 1);
        text->len = 0;
        if (ch_json_is(json, ch_json_at(json, i), key, (int64_t)strlen(key)))
            return value->kind == CH_JSON_STRING &&
                   ch_json_text(json, value, text, NULL) == CH_OK &&
                   ch_buf_addc(text, 0, NULL) == CH_OK;
    }
    return false;
}

ch_status ch_s3_credentials_of_json(ch_s3_bucket *b, const ch_buf *body, ch_s3_credentials *out,
                                    bool *found, ch_error *err)
{
    ch_json json;
    ch_buf access, secret, token, expires;
    bool ok = false;
    ch_json_init(&json, b->context->mem);
    ch_buf *all[] = {&access, &secret, &token, &expires};
    for (int i = 0; i < 4; i++)
        ch_buf_init(all[i], b->context->mem);
    ch_status status =
        ch_json_parse(&json, body->len ? body->data : "", (int64_t)body->len, 0, &ok, err);
    if (status == CH_OK && ok && json_text(&json, "AccessKeyId", &access) &&
        json_text(&json, "SecretAccessKey", &secret)) {
        bool has_token =
            json_text(&json, "Token", &token) || json_text(&json, "SessionToken", &token);
        *found =
            ch_s3_credentials_set(out, access.data, secret.data, has_token ? token.data : NULL);
        if (json_text(&json, "Expiration", &expires)) {
            int64_t at = ch_s3_time(expires.data);
            out->expires_us = at < 0 ? INT64_MAX : at;
        }
    }
    for (int i = 0; i < 4; i++)
        ch_buf_release(all[i]);
    ch_json_release(&json);
    return status;
}

/* ECS and EKS: a URL of the environment. */
static ch_status container(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    const char *relative = getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    const char *file = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    static const char *const TRUSTED[] = {"https://", "http://127.", "http://localhost",
                                          "http://[::1]", "http://169.254.170."};
    char url[2048], text[8192];
    bool good = false;
    if (relative && *relative)
        snprintf(url, sizeof url, "http://169.254.170.2%s", relative);
    else if (full && *full)
        snprintf(url, sizeof url, "%s", full);
    else
        return CH_OK;
    for (size_t i = 0; i < sizeof TRUSTED / sizeof *TRUSTED; i++)
        good |= strncmp(url, TRUSTED[i], strlen(TRUSTED[i])) == 0;
    if (!good)
        CH_FAIL(err, INVALID_OPTION, "name", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value", url,
                "expected", "https, or this machine");
    FILE *f = file && *file ? fopen(file, "re") : NULL;
    if (f) {
        size_t n = fread(text, 1, sizeof text - 1, f);
        text[n] = 0;
        text[strcspn(text, "\r\n")] = 0;
        token = text;
        fclose(f);
    }
    ch_http_response response;
    ch_status status = ask(b, "GET", url, "Authorization", token, &response, err);
    if (status == CH_OK && response.status == 200)
        status = ch_s3_credentials_of_json(b, &response.body, out, found, err);
    ch_http_response_release(&response);
    return status;
}

/* EC2, by IMDSv2: a token first. A machine that is none does not answer. */
static ch_status instance(ch_s3_bucket *b, ch_s3_credentials *out, bool *found, ch_error *err)
{
    const char *off = getenv("AWS_EC2_METADATA_DISABLED");
    const char *base = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    char url[2048], token[512] = "", role[256] = "";
    ch_http_response response;
    ch_error own = {0};
    if (off && strcasecmp(off, "true") == 0)
        return CH_OK;
    if (!base || !*base)
        base = "http://169.254.169.254";
    int n = (int)strlen(base) - (base[strlen(base) - 1] == '/');
    snprintf(url, sizeof url, "%.*s/latest/api/token", n, base);
    ch_status status =
        ask(b, "PUT", url, "X-aws-ec2-metadata-token-ttl-seconds", "21600", &response, &own);
    if (status == CH_OK && response.status == 200)
        snprintf(token, sizeof token, "%.*s", (int)response.body.len, response.body.data);
    ch_http_response_release(&response);
    if (*token) {
        snprintf(url, sizeof url, "%.*s/latest/meta-data/iam/security-credentials/", n, base);
        status = ask(b, "GET", url, "X-aws-ec2-metadata-token", token, &response, &own);
        if (status == CH_OK && response.status == 200 && response.body.len)
            snprintf(role, sizeof role, "%.*s", (int)strcspn(response.body.data, "\r\n"),
                     response.body.data);
        ch_http_response_release(&response);
    }
    if (*role) {
        snprintf(url, sizeof url, "%.*s/latest/meta-data/iam/security-credentials/%s", n, base,
                 role);
        status = ask(b, "GET", url, "X-aws-ec2-metadata-token", token, &response, &own);
        if (status == CH_OK && response.status == 200)
            status = ch_s3_credentials_of_json(b, &response.body, out, found, &own);
        ch_http_response_release(&response);
    }
    if (status == CH_E_CANCELLED || status == CH_E_MEMORY)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    return CH_OK;
}

/* What the machine is: kept for the process, under one lock that is held while it is asked. */
static ch_status role(ch_s3_bucket *b, bool force, ch_s3_credentials *out, bool *found,
                      ch_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static ch_s3_credentials kept;
    static bool known;
    static int64_t nobody_until;
    ch_status status = CH_OK;
    pthread_mutex_lock(&lock);
    int64_t now = ch_now_us();
    bool stale = !known || (kept.expires_us != INT64_MAX && now > kept.expires_us - EARLY_US);
    if ((stale && (now > nobody_until || known)) || (force && known)) {
        ch_s3_credentials fresh = {0};
        bool got = false;
        status = container(b, &fresh, &got, err);
        if (status == CH_OK && !got)
            status = instance(b, &fresh, &got, err);
        if (got) {
            kept = fresh;
            known = true;
        } else if (known && now < kept.expires_us) {
            if (status == CH_E_IO && err)
                ch_error_release(err); /* these are still good */
            status = status == CH_E_IO ? CH_OK : status;
        } else {
            known = false;
            nobody_until = now + NOBODY_US;
        }
    }
    if (status == CH_OK && known) {
        *out = kept;
        *found = true;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

/* ---- the chain ---------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    provider ask; /* NULL: the machine's role */
} PROVIDER[] = {
    {"TemporaryAWSCredentialsProvider", temporary},
    {"SimpleAWSCredentialsProvider", simple},
    {"EnvironmentVariableCredentialsProvider", environment},
    {"IAMInstanceCredentialsProvider", NULL},
    {"InstanceProfileCredentialsProvider", NULL},
    {"ContainerCredentialsProvider", NULL},
    {"EC2ContainerCredentialsProviderWrapper", NULL},
    {"AnonymousAWSCredentialsProvider", anonymous},
    {"AnonymousCredentialsProvider", anonymous},
};

#define DEFAULT_CHAIN                                                    \
    "TemporaryAWSCredentialsProvider,SimpleAWSCredentialsProvider,"      \
    "EnvironmentVariableCredentialsProvider,ProfileCredentialsProvider," \
    "IAMInstanceCredentialsProvider"
#define AWS_CHAIN                                                        \
    "EnvironmentVariableCredentialsProvider,ProfileCredentialsProvider," \
    "IAMInstanceCredentialsProvider"

static ch_status ask_one(ch_s3_bucket *b, const char *name, size_t len, bool force,
                         ch_s3_credentials *out, bool *found, ch_error *err)
{
    static const char PROFILE[] = "ProfileCredentialsProvider";
    if (len == sizeof PROFILE - 1 && memcmp(name, PROFILE, len) == 0)
        return ch_s3_profile_credentials(b, force, out, found, err);
    for (size_t i = 0; i < sizeof PROVIDER / sizeof *PROVIDER; i++)
        if (strlen(PROVIDER[i].name) == len && memcmp(PROVIDER[i].name, name, len) == 0)
            return PROVIDER[i].ask ? PROVIDER[i].ask(b, out, found, err)
                                   : role(b, force, out, found, err);
    char text[256];
    snprintf(text, sizeof text, "%.*s", (int)len, name);
    CH_FAIL(err, INVALID_OPTION, "name", "fs.s3a.aws.credentials.provider", "value", text,
            "expected",
            "classes among Simple-, Temporary- and AnonymousAWSCredentialsProvider, "
            "EnvironmentVariable-, Profile-, Container- and IAMInstanceCredentialsProvider, "
            "DefaultCredentialsProvider");
}

ch_status ch_s3_ask_provider(ch_s3_bucket *b, const char *name, bool force, ch_s3_credentials *out,
                             bool *found, ch_error *err)
{
    return ask_one(b, name, strlen(name), force, out, found, err);
}

static ch_status ask_chain(ch_s3_bucket *b, const char *list, bool force, ch_s3_credentials *out,
                           bool *found, ch_error *err)
{
    for (const char *p = list; *p && !*found;) {
        p += strspn(p, ", \t\n");
        size_t len = strcspn(p, ", \t\n");
        const char *name = p, *dot = memrchr(p, '.', len);
        p += len;
        if (dot) { /* the package's name is of no account */
            len -= (size_t)(dot + 1 - name);
            name = dot + 1;
        }
        if (len == 0)
            continue;
        bool chain = (len == 26 && memcmp(name, "DefaultCredentialsProvider", 26) == 0) ||
                     (len == 34 && memcmp(name, "DefaultAWSCredentialsProviderChain", 34) == 0);
        CH_TRY(chain ? ask_chain(b, AWS_CHAIN, force, out, found, err)
                     : ask_one(b, name, len, force, out, found, err));
    }
    return CH_OK;
}

ch_status ch_s3_credentials_of(ch_s3_bucket *b, bool force, ch_s3_credentials *out, ch_error *err)
{
    bool found = false;
    *out = (ch_s3_credentials){0};
    CH_TRY(ask_chain(b, b->providers && *b->providers ? b->providers : DEFAULT_CHAIN, force, out,
                     &found, err));
    if (found)
        return CH_OK;
    char path[256];
    snprintf(path, sizeof path, "s3a://%s", b->name);
    CH_FAIL(err, IO, "action", "sign a request for", "path", path, "reason",
            "there are no credentials: neither fs.s3a.access.key and secret.key, nor "
            "AWS_ACCESS_KEY_ID, nor a profile, nor a role of this machine");
}
