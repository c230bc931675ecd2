/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_profile.c - profiles of ~/.aws/credentials and ~/.aws/config, AWS_PROFILE among them.
 *
 *   role_arn             source_profile or credential_source says who asks STS to be that role (AssumeRole)
 *   sso_*                refused: the login belongs to another program, which credential_process can name
 *   credential_process   a command line that prints keys as JSON
 *   aws_access_key_id    keys
 *
 * in this order, as the SDKs of AWS have it. Roles and what programs say are the process's, kept until five minutes before
 * they expire; keys are looked at anew, so that a profile may be changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/late.h"
#include "store/s3_profile.h"

#define EARLY_US INT64_C(300000000) /* before they expire, others are fetched */
#define MOST_DEPTH 8                /* of profiles whose source is another one */
#define MOST_KEPT 8
#define MOST_BYTES ((size_t)64 << 10) /* that a program may print */
#define PROGRAM_MS 60000
#define NAME_BYTES 256
#define VALUE_BYTES 4096

typedef struct asker {
    ch_s3_bucket *bucket;
    bool force; /* what is kept is not good any more */
    char name[MOST_DEPTH][NAME_BYTES];
    int n;
    ch_error *err;
} asker;

/* ---- files -------------------------------------------------------------------------------------- */

static FILE *open_home(const char *variable, const char *name)
{
    char path[4096];
    const char *given = getenv(variable), *home = getenv("HOME");
    if (given && *given)
        return fopen(given, "re");
    if (!home || snprintf(path, sizeof path, "%s/.aws/%s", home, name) >= (int)sizeof path)
        return NULL;
    return fopen(path, "re");
}

static char *trim(char *text)
{
    text += strspn(text, " \t\r\n");
    size_t n = strlen(text);
    while (n > 0 && strchr(" \t\r\n", text[n - 1]))
        text[--n] = 0;
    return text;
}

/* The value of key in section [name] or [profile name]. */
static bool read_ini(FILE *file, const char *section, const char *key, char *out, size_t size)
{
    char line[16384];
    bool inside = false, found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *text = trim(line);
        if (*text == '[') {
            char *end = strchr(text, ']');
            if (end)
                *end = 0;
            char *name = trim(text + 1);
            if (strncmp(name, "profile ", 8) == 0)
                name = trim(name + 8);
            inside = strcmp(name, section) == 0;
            continue;
        }
        char *equals = inside && *text != '#' && *text != ';' ? strchr(text, '=') : NULL;
        if (!equals)
            continue;
        *equals = 0;
        const char *value = trim(equals + 1);
        if (strcasecmp(trim(text), key) == 0 && *value && strlen(value) < size) {
            memcpy(out, value, strlen(value) + 1);
            found = true;
        }
    }
    if (file)
        fclose(file);
    return found;
}

static bool value_of(const char *profile, const char *key, char *out, size_t size)
{
    return read_ini(open_home("AWS_SHARED_CREDENTIALS_FILE", "credentials"), profile, key, out,
                    size) ||
           read_ini(open_home("AWS_CONFIG_FILE", "config"), profile, key, out, size);
}

static const char *chosen(void)
{
    const char *profile = getenv("AWS_PROFILE");
    return profile && *profile ? profile : "default";
}

bool ch_s3_profile(const char *key, char *out, size_t size)
{
    return value_of(chosen(), key, out, size);
}

/* "Cannot sign a request for 's3a://bucket': the profile 'name' ..." */
__attribute__((format(printf, 3, 4))) static ch_status refuse(asker *a, const char *name,
                                                              const char *format, ...)
{
    char path[256], text[2048];
    int n = snprintf(text, sizeof text, "the profile '%.200s' ", name);
    va_list ap;
    va_start(ap, format);
    vsnprintf(text + n, sizeof text - (size_t)n, format, ap);
    va_end(ap);
    snprintf(path, sizeof path, "s3a://%s", a->bucket->name);
    CH_FAIL(a->err, IO, "action", "sign a request for", "path", path, "reason", text);
}

/* ---- what is kept; the lock is held ------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char *what; /* profile, and what it says; NULL: free */
    ch_s3_credentials who;
} kept[MOST_KEPT];
static int next_kept;

static bool still_kept(const asker *a, const char *what, ch_s3_credentials *out)
{
    for (int i = 0; i < MOST_KEPT && !a->force; i++)
        if (kept[i].what && strcmp(kept[i].what, what) == 0 &&
            (kept[i].who.expires_us == INT64_MAX ||
             ch_now_us() < kept[i].who.expires_us - EARLY_US)) {
            *out = kept[i].who;
            return true;
        }
    return false;
}

static void keep(const char *what, const ch_s3_credentials *who)
{
    int at = -1;
    for (int i = 0; i < MOST_KEPT && at < 0; i++)
        if (kept[i].what && strcmp(kept[i].what, what) == 0)
            at = i;
    if (at < 0) {
        char *copy = strdup(what);
        if (!copy)
            return;
        at = next_kept++ % MOST_KEPT;
        free(kept[at].what);
        kept[at].what = copy;
    }
    kept[at].who = *who;
}

/* ---- programs ----------------------------------------------------------------------------------- */

/* The shell runs it, as the SDKs do; its standard output is *end's. Its own group, so that all of it can be ended. */
static int start_program(const char *command, int *end, pid_t *pid)
{
    char *argv[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t)command,
                    NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return errno;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    int why = posix_spawn_file_actions_adddup2(&files, ends[1], 1);
    if (!why)
        why = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (!why)
        why = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    if (!why)
        why = posix_spawn(pid, "/bin/sh", &files, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (why)
        close(ends[0]);
    *end = ends[0];
    return why;
}

/*
 * What it prints, until it has ended; *state as waitpid gives it, -1: it was not waited for. *late: it took too long, or printed
 * too much.
 */
static ch_status read_program(const asker *a, int end, pid_t pid, ch_buf *out, int *state,
                              bool *late)
{
    const _Atomic bool *cancel = ch_store_cancel(a->bucket->context);
    int64_t stop = ch_tick_ns() + PROGRAM_MS * INT64_C(1000000);
    char bytes[4096];
    bool open = true;
    *state = -1;
    for (;;) {
        struct pollfd one = {.fd = open ? end : -1, .events = POLLIN};
        *late = ch_tick_ns() > stop || out->len > MOST_BYTES;
        pid_t ended = *late || open ? 0 : waitpid(pid, state, WNOHANG);
        if (ended < 0)
            *state = 0; /* somebody else waits for all children */
        if (*late || ended)
            return CH_OK;
        if (cancel && atomic_load_explicit(cancel, memory_order_relaxed))
            CH_FAIL(a->err, CANCELLED);
        if (poll(&one, 1, open ? 40 : 2) <= 0)
            continue;
        ssize_t n = read(end, bytes, sizeof bytes);
        open = n > 0 || (n < 0 && errno == EINTR);
        if (n > 0)
            CH_TRY(ch_buf_add(out, bytes, (size_t)n, a->err));
    }
}

static ch_status run_program(asker *a, const char *name, const char *command, ch_buf *out)
{
    int end = -1, state;
    pid_t pid;
    bool late = false;
    int why = start_program(command, &end, &pid);
    if (why)
        return refuse(a, name, "has a credential_process that cannot be started: %s",
                      strerrordesc_np(why));
    ch_status status = read_program(a, end, pid, out, &state, &late);
    close(end);
    if (state < 0) {
        kill(-pid, SIGKILL);
        while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
            continue;
    }
    CH_TRY(status);
    if (late)
        return refuse(a, name, "has a credential_process that does not end");
    if (!WIFEXITED(state) || WEXITSTATUS(state) != 0)
        return refuse(a, name, "has a credential_process that fails (%s %d)",
                      WIFEXITED(state) ? "exit code" : "signal",
                      WIFEXITED(state) ? WEXITSTATUS(state) : WTERMSIG(state));
    return CH_OK;
}

static ch_status of_program(asker *a, const char *name, const char *command, ch_s3_credentials *out)
{
    char what[NAME_BYTES + VALUE_BYTES];
    bool found = false;
    ch_buf text;
    snprintf(what, sizeof what, "%s\n%s", name, command);
    if (still_kept(a, what, out))
        return CH_OK;
    ch_buf_init(&text, a->bucket->context->mem);
    ch_status status = run_program(a, name, command, &text);
    if (status == CH_OK)
        status = ch_s3_credentials_of_json(a->bucket, &text, out, &found, a->err);
    ch_buf_release(&text);
    if (status == CH_OK && !found)
        status = refuse(a, name, "has a credential_process that prints no keys");
    if (status == CH_OK)
        keep(what, out);
    return status;
}

/* ---- roles -------------------------------------------------------------------------------------- */

typedef struct sts {
    const ch_s3_credentials *who;
    const char *region, *host;
    char payload[65];
} sts;

static ch_status sign(void *user, const ch_http_request *request, void *to, ch_error *err)
{
    const sts *s = user;
    return ch_s3_sign(to, s->who, "sts", s->region, request->method, s->host, "/", NULL, s->payload,
                      NULL, 0, ch_now_us(), err);
}

/* "https://sts.eu-west-1.amazonaws.com", or the endpoint for all that the environment or the profile names. */
static void sts_endpoint(const char *region, char *out, size_t size)
{
    static const char *const VARIABLE[] = {"AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"};
    for (int i = 0; i < 2; i++) {
        const char *given = getenv(VARIABLE[i]);
        if (given && *given) {
            snprintf(out, size, "%s", given);
            return;
        }
    }
    if (!ch_s3_profile("endpoint_url", out, size))
        snprintf(out, size, "https://sts.%s.amazonaws.com%s", region,
                 strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
}

static ch_status add_field(ch_buf *body, const char *key, const char *value, ch_error *err)
{
    CH_TRY(ch_buf_printf(body, err, "&%s=", key));
    return ch_http_encode(body, value, strlen(value), false, err);
}

static ch_status role_request(asker *a, const char *name, const char *role, ch_buf *body)
{
    char session[128], value[VALUE_BYTES];
    if (!value_of(name, "role_session_name", session, sizeof session))
        snprintf(session, sizeof session, "chert-%lld", (long long)(ch_now_us() / 1000000));
    CH_TRY(ch_buf_adds(body, "Action=AssumeRole&Version=2011-06-15", a->err));
    CH_TRY(add_field(body, "RoleArn", role, a->err));
    CH_TRY(add_field(body, "RoleSessionName", session, a->err));
    if (value_of(name, "duration_seconds", value, sizeof value))
        CH_TRY(add_field(body, "DurationSeconds", value, a->err));
    if (value_of(name, "external_id", value, sizeof value))
        CH_TRY(add_field(body, "ExternalId", value, a->err));
    return CH_OK;
}

/* AssumeRoleResponse > AssumeRoleResult > Credentials; or ErrorResponse > Error. */
static ch_status read_answer(asker *a, const char *name, const char *role,
                             const ch_http_response *answer, ch_s3_credentials *out)
{
    char access[sizeof out->access], secret[sizeof out->secret], expires[64];
    char code[128] = "", message[512] = "";
    char *token = ch_mem_alloc(a->bucket->context->mem, sizeof out->token, a->err);
    void *doc;
    bool found = false;
    if (!token)
        return CH_E_MEMORY;
    ch_s3_xml_parse(&answer->body, &doc);
    for (void *n = ch_s3_xml_child(ch_s3_xml_root(doc)); n; n = ch_s3_xml_next(n)) {
        if (ch_s3_xml_is(n, "Error")) {
            ch_s3_xml_value(n, "Code", code, sizeof code);
            ch_s3_xml_value(n, "Message", message, sizeof message);
        }
        if (!ch_s3_xml_is(n, "AssumeRoleResult"))
            continue;
        for (void *c = ch_s3_xml_child(n); c; c = ch_s3_xml_next(c)) {
            if (!ch_s3_xml_is(c, "Credentials"))
                continue;
            found =
                ch_s3_credentials_set(out, ch_s3_xml_value(c, "AccessKeyId", access, sizeof access),
                                      ch_s3_xml_value(c, "SecretAccessKey", secret, sizeof secret),
                                      ch_s3_xml_value(c, "SessionToken", token, sizeof out->token));
            int64_t at = ch_s3_time(ch_s3_xml_value(c, "Expiration", expires, sizeof expires));
            out->expires_us = at < 0 ? INT64_MAX : at;
        }
    }
    ch_s3_xml_free(doc);
    ch_mem_free(a->bucket->context->mem, token, sizeof out->token);
    if (found && answer->status == 200)
        return CH_OK;
    return refuse(a, name, "cannot have the role %s: %s%s%s (HTTP %d)", role,
                  *code ? code : "STS gives no keys", *message ? ": " : "", message,
                  answer->status);
}

static ch_status assume(asker *a, const char *name, const char *role,
                        const ch_s3_credentials *source, ch_s3_credentials *out)
{
    ch_s3_bucket *b = a->bucket;
    char endpoint[1024], url[1100], host[1024], region[64];
    ch_http_response answer = {0};
    ch_buf body;
    static const ch_http_header FORM = {"Content-Type", "application/x-www-form-urlencoded", false};
    CH_TRY(ch_late_load("xml2", a->err));
    pthread_mutex_lock(&b->context->lock);
    memcpy(region, b->region, sizeof region);
    pthread_mutex_unlock(&b->context->lock);
    sts_endpoint(region, endpoint, sizeof endpoint);
    size_t len = strlen(endpoint);
    while (len > 0 && endpoint[len - 1] == '/')
        endpoint[--len] = 0;
    const char *authority = strstr(endpoint, "://");
    if (!authority || strpbrk(authority + 3, "/?#@"))
        return refuse(a, name, "would ask '%s' for a role, which is no endpoint", endpoint);
    snprintf(url, sizeof url, "%s/", endpoint);
    snprintf(host, sizeof host, "%s", authority + 3);
    ch_buf_init(&body, b->context->mem);
    ch_status status = role_request(a, name, role, &body);
    sts s = {.who = source, .region = region, .host = host};
    if (status == CH_OK) {
        ch_s3_sha256(body.data, body.len, s.payload);
        ch_http_request r = {.method = "POST",
                             .url = url,
                             .shown = endpoint,
                             .header = &FORM,
                             .n_headers = 1,
                             .body = body.data,
                             .body_len = (int64_t)body.len,
                             .repeatable = true,
                             .policy = b->policy,
                             .sign = sign,
                             .user = &s,
                             .cancel = ch_store_cancel(b->context),
                             .mem = b->context->mem};
        if (r.policy.attempts > 3)
            r.policy.attempts = 3;
        status = ch_http_send(&r, &answer, a->err);
    }
    if (status == CH_OK)
        status = read_answer(a, name, role, &answer, out);
    ch_http_response_release(&answer);
    ch_buf_release(&body);
    return status;
}

static ch_status of_profile(asker *a, const char *name, ch_s3_credentials *out, bool *found);

/* Keys that stand in the profile. */
static void static_keys(const char *name, ch_s3_credentials *out, bool *found)
{
    out->expires_us = INT64_MAX;
    out->anonymous = false;
    *found = value_of(name, "aws_access_key_id", out->access, sizeof out->access) &&
             value_of(name, "aws_secret_access_key", out->secret, sizeof out->secret);
    if (!value_of(name, "aws_session_token", out->token, sizeof out->token))
        out->token[0] = 0;
}

/* Who asks to be the role. */
static ch_status role_source(asker *a, const char *name, ch_s3_credentials *out)
{
    static const char *const SOURCE[][2] = {
        {"Environment", "EnvironmentVariableCredentialsProvider"},
        {"Ec2InstanceMetadata", "IAMInstanceCredentialsProvider"},
        {"EcsContainer", "ContainerCredentialsProvider"}};
    char source[NAME_BYTES];
    bool found = false;
    if (value_of(name, "source_profile", source, sizeof source)) {
        if (strcmp(source, name) == 0)
            static_keys(name, out, &found);
        else
            CH_TRY(of_profile(a, source, out, &found));
        return found ? CH_OK
                     : refuse(a, name, "has the source_profile '%s', which has no keys", source);
    }
    if (!value_of(name, "credential_source", source, sizeof source))
        return refuse(a, name, "has a role_arn, but neither source_profile nor credential_source");
    for (size_t i = 0; i < sizeof SOURCE / sizeof *SOURCE; i++)
        if (strcasecmp(source, SOURCE[i][0]) == 0) {
            CH_TRY(ch_s3_ask_provider(a->bucket, SOURCE[i][1], a->force, out, &found, a->err));
            return found
                       ? CH_OK
                       : refuse(a, name, "has the credential_source %s, which has no keys", source);
        }
    return refuse(a, name, "has a credential_source that is not known: %s", source);
}

static ch_status of_role(asker *a, const char *name, const char *role, ch_s3_credentials *out)
{
    char what[NAME_BYTES + VALUE_BYTES], value[VALUE_BYTES];
    if (value_of(name, "mfa_serial", value, sizeof value))
        return refuse(a, name,
                      "asks for a code of a device (mfa_serial), which nobody can be "
                      "asked for here");
    if (value_of(name, "web_identity_token_file", value, sizeof value))
        return refuse(a, name, "has a web_identity_token_file, which is not supported");
    snprintf(what, sizeof what, "%s\n%s", name, role);
    if (still_kept(a, what, out))
        return CH_OK;
    ch_s3_credentials *source = ch_mem_zalloc(a->bucket->context->mem, sizeof *source, a->err);
    if (!source)
        return CH_E_MEMORY;
    ch_status status = role_source(a, name, source);
    if (status == CH_OK)
        status = assume(a, name, role, source, out);
    ch_mem_free(a->bucket->context->mem, source, sizeof *source);
    if (status == CH_OK)
        keep(what, out);
    return status;
}

/* ---- a profile ---------------------------------------------------------------------------------- */

static ch_status of_profile(asker *a, const char *name, ch_s3_credentials *out, bool *found)
{
    static const char *const SSO[] = {"sso_session", "sso_start_url", "sso_account_id"};
    char value[VALUE_BYTES];
    *found = false;
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->name[i], name) == 0)
            return refuse(a, name, "is its own source, by way of others");
    if (a->n == MOST_DEPTH)
        return refuse(a, name, "is the source of too many others");
    snprintf(a->name[a->n++], NAME_BYTES, "%s", name);
    if (value_of(name, "role_arn", value, sizeof value)) {
        *found = true;
        return of_role(a, name, value, out);
    }
    for (size_t i = 0; i < sizeof SSO / sizeof *SSO; i++)
        if (value_of(name, SSO[i], value, sizeof value))
            return refuse(a, name,
                          "signs in by SSO (%s), which is not supported: after 'aws sso login', "
                          "'credential_process = aws configure export-credentials --profile "
                          "%s' in another profile makes its keys known",
                          SSO[i], name);
    if (value_of(name, "credential_process", value, sizeof value)) {
        *found = true;
        return of_program(a, name, value, out);
    }
    static_keys(name, out, found);
    return CH_OK;
}

ch_status ch_s3_profile_credentials(ch_s3_bucket *b, bool force, ch_s3_credentials *out,
                                    bool *found, ch_error *err)
{
    asker a = {.bucket = b, .force = force, .err = err};
    pthread_mutex_lock(&lock);
    ch_status status = of_profile(&a, chosen(), out, found);
    pthread_mutex_unlock(&lock);
    return status;
}
