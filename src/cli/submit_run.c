/* SPDX-License-Identifier: Apache-2.0 */
/* submit_run.c - the private server, the Python beside it, and what that Python is given. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/uuid.h"
#include "cli/submit.h"
#include "cli/submit_child.h"
#include "cli/submit_zip.h"
#include "connect/server.h"

/* submit_site.py, submit_shell.py */
extern const char ch_submit_site_py[];

typedef struct launch {
    ch_submit *submit;
    ch_child child;
    ch_server *server;
    pthread_t thread;
    bool serves;
    int other_loopback; /* a socket, -1: none */
    char token[CH_UUID_TEXT];
    ch_submit_zip modules;
    ch_submit_zip startup; /* no archive, but a descriptor as well */
    char **env;            /* malloc, with the first n_own texts */
    int n_own;
} launch;

static int failed(const char *what, const char *name, int why)
{
    fprintf(stderr, "error: cannot %s%s%s%s: %s\n", what, name ? " '" : "", name ? name : "",
            name ? "'" : "", strerror(why));
    return CH_EXIT_ERROR;
}

/* ---- the server ---------------------------------------------------------------------------- */

static int tell(ch_error *err)
{
    char *text = ch_error_text(err);
    fprintf(stderr, "error: %s\n", text ? text : "out of memory");
    free(text);
    ch_error_release(err);
    return CH_EXIT_ERROR;
}

static void *serve(void *arg)
{
    ch_error err = {0};
    launch *l = arg;
    if (ch_server_run(l->server, &err) != CH_OK)
        tell(&err);
    return NULL;
}

static void release_port(launch *l)
{
    if (l->other_loopback >= 0)
        close(l->other_loopback);
    l->other_loopback = -1;
}

/*
 * PySpark sends a token without TLS to "localhost" only, which is [::1] as well as 127.0.0.1: the port is taken on
 * both, so that nobody else gets the token. Nothing listens at [::1]. Result: a port, or 0 where there is no IPv6.
 */
static int reserve_port(launch *l)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t size = sizeof at;
    const int on = 1;
    l->other_loopback = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->other_loopback >= 0 &&
        setsockopt(l->other_loopback, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) == 0 &&
        bind(l->other_loopback, (const struct sockaddr *)&at, size) == 0 &&
        getsockname(l->other_loopback, (struct sockaddr *)&at, &size) == 0)
        return ntohs(at.sin6_port);
    release_port(l);
    return 0;
}

static ch_status open_server(launch *l, ch_server_options *options, ch_error *err)
{
    for (int tries = 0;; tries++) {
        options->port = reserve_port(l);
        ch_status status = ch_server_open(options, &l->server, err);
        if (status != CH_E_IO || !options->port || tries == 20)
            return status;
        release_port(l); /* taken on 127.0.0.1 */
        ch_error_release(err);
    }
}

static int start_server(launch *l)
{
    ch_error err = {0};
    ch_submit *s = l->submit;
    if (ch_uuid(l->token, &err) != CH_OK)
        return tell(&err);
    /* The program's sessions live as long as it. */
    ch_server_options options = {.session_timeout_s = 1e9,
                                 .token = l->token,
                                 .memory_limit = s->engine.memory_bytes,
                                 .threads = s->engine.threads,
                                 .native_functions = "/", /* the program could do all itself */
                                 .conf = (const char *const *)s->conf.pair,
                                 .n_conf = s->conf.n / 2};
    if (open_server(l, &options, &err) != CH_OK)
        return tell(&err);
    signal(SIGPIPE, SIG_IGN);
    int why = pthread_create(&l->thread, NULL, serve, l);
    if (why)
        return failed("start the server's thread", NULL, why);
    l->serves = true;
    return 0;
}

static void stop_server(launch *l)
{
    if (l->serves) {
        ch_server_stop(l->server);
        pthread_join(l->thread, NULL);
    }
    ch_server_close(l->server);
    release_port(l);
}

/* ---- modules ------------------------------------------------------------------------------- */

static int add_file(ch_submit_zip *zip, const char *path)
{
    const char *slash = strrchr(path, '/');
    FILE *in = fopen(path, "rb");
    struct stat info;
    char *text = NULL;
    bool good = in && fstat(fileno(in), &info) == 0;
    if (good) {
        size_t n = (size_t)info.st_size;
        text = malloc(n + 1);
        good = text && fread(text, 1, n, in) == n &&
               ch_submit_zip_add(zip, slash ? slash + 1 : path, text, n);
    }
    int why = errno;
    free(text);
    if (in)
        fclose(in);
    return good ? 0 : failed("read", path, why);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && strcmp(text + n - k, end) == 0;
}

/*
 * Fills the archive, and `path` with what PYTHONPATH has besides: folders and archives of --py-files.
 * Modules (.py) go into the archive: their folder may hold others that are not meant.
 */
static int make_modules(launch *l, FILE *path, bool *any)
{
    const char *files = ch_submit_conf_get(&l->submit->conf, "spark.submit.pyFiles");
    char *list = strdup(files ? files : ""), *rest = list;
    if (!list || !ch_submit_zip_open(&l->modules) ||
        !ch_submit_zip_add(&l->modules, "sitecustomize.py", ch_submit_site_py,
                           strlen(ch_submit_site_py))) {
        free(list);
        return failed("make an archive in memory", NULL, errno);
    }
    int code = 0;
    for (char *name; !code && (name = strsep(&rest, ",")) != NULL;) {
        name += strspn(name, " ");
        if (strncmp(name, "file:", 5) == 0)
            name += strncmp(name, "file://", 7) == 0 ? 7 : 5;
        if (!*name)
            continue;
        *any |= ends_with(name, ".py");
        if (ends_with(name, ".py")) {
            code = add_file(&l->modules, name);
        } else {
            char *whole = realpath(name, NULL);
            if (!whole)
                code = failed("read", name, errno);
            else
                fprintf(path, ":%s", whole);
            free(whole);
        }
    }
    free(list);
    if (!code && !ch_submit_zip_close(&l->modules))
        code = failed("make an archive in memory", NULL, errno);
    return code;
}

/* ---- the environment ----------------------------------------------------------------------- */

static void put_json(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < 0x20)
            fprintf(out, "\\u%04x", *text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

/* Settings as PySpark takes them for a server that runs already: those of spark.sql are sent. */
static void put_conf(const ch_submit *s, FILE *out)
{
    fputc('{', out);
    for (int i = 0; i < s->conf.n; i += 2) {
        fputs(i ? "," : "", out);
        put_json(out, s->conf.pair[i]);
        fputc(':', out);
        put_json(out, s->conf.pair[i + 1]);
    }
    fputc('}', out);
}

/* Does the entry NAME=... have its name among the texts? */
static bool is_named(const char *entry, char *const *texts, int n)
{
    size_t len = strcspn(entry, "=") + 1;
    for (int i = 0; i < n; i++)
        if (strncmp(entry, texts[i], len) == 0)
            return true;
    return false;
}

/* Our variables and a copy of the others. `own` is taken: NAME=VALUE lines, each ended by NUL, in n bytes. */
static int make_env(launch *l, const char *own, size_t len)
{
    static const char *const GONE[] = {"MASTER=", "SPARK_LOCAL_REMOTE="};
    int n = 0, n_own = 0;
    while (environ[n])
        n++;
    for (size_t i = 0; i < len; i++)
        n_own += !own[i];
    l->env = calloc((size_t)n + (size_t)n_own + 1, sizeof *l->env);
    if (!l->env)
        return failed("start Python", NULL, ENOMEM);
    for (const char *at = own; l->n_own < n_own; at += strlen(at) + 1)
        if (!(l->env[l->n_own++] = strdup(at)))
            return failed("start Python", NULL, ENOMEM);
    int to = n_own;
    for (int i = 0; i < n; i++)
        if (!is_named(environ[i], l->env, n_own) &&
            !is_named(environ[i], (char *const *)(uintptr_t)GONE, 2))
            l->env[to++] = environ[i];
    return 0;
}

static void put_own(launch *l, const char *startup, FILE *out)
{
    const ch_submit *s = l->submit;
    long pid = (long)getpid();
    if (s->remote)
        fprintf(out, "SPARK_REMOTE=%s%c", s->remote, 0);
    else
        fprintf(out, "SPARK_REMOTE=sc://localhost:%d/;token=%s%c", ch_server_port(l->server),
                l->token, 0);
    fprintf(out, "SPARK_CONNECT_MODE_ENABLED=1%c", 0);
    if (s->remote && s->conf.n) {
        fprintf(out, "PYSPARK_REMOTE_INIT_CONF_LEN=1%cPYSPARK_REMOTE_INIT_CONF_0=", 0);
        put_conf(s, out);
        fputc(0, out);
    }
    if (startup) {
        const char *old = getenv("PYTHONSTARTUP");
        fprintf(out, "CHERT_VERSION=%s%c", chert_version(), 0);
        fprintf(out, "PYTHONSTARTUP=/proc/%ld/fd/%d%c", pid, l->startup.fd, 0);
        fprintf(out, "CHERT_PYTHONSTARTUP=%s%c", old ? old : "", 0);
    }
}

static int prepare(launch *l, const char *startup)
{
    char *own = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&own, &len);
    if (out)
        put_own(l, startup, out);
    int code =
        out && fclose(out) == 0 ? make_env(l, own, len) : failed("start Python", NULL, ENOMEM);
    free(own);
    return code;
}

/*
 * What the program's Python shares with the one that runs its functions, whose environment is ours: the modules, and
 * which Python it is. Before there are threads, which read the environment.
 */
static int share_python(launch *l, const char *python)
{
    char *path = NULL, *all = NULL;
    size_t len = 0;
    bool any_module = false;
    FILE *out = open_memstream(&path, &len);
    int code = out ? make_modules(l, out, &any_module) : failed("start Python", NULL, ENOMEM);
    bool good = out && fclose(out) == 0;
    const char *old = getenv("PYTHONPATH");
    if (!code &&
        !(good &&
          asprintf(&all, "/proc/%ld/fd/%d%s%s%s", (long)getpid(), l->modules.fd, path,
                   old && *old ? ":" : "", old ? old : "") >= 0 &&
          setenv("PYTHONPATH", all, 1) == 0 &&
          (!any_module || setenv("CHERT_SUBMIT_MODULES", "1", 1) == 0) &&
          (l->submit->remote || setenv("PYSPARK_PYTHON", python ? python : "python3", 0) == 0)))
        code = failed("start Python", NULL, ENOMEM);
    free(all);
    free(path);
    return code;
}

/* ---- the run ------------------------------------------------------------------------------- */

static void tell_all(const launch *l, char *const *argv)
{
    fprintf(stderr, "python: ");
    for (int i = 0; argv[i]; i++)
        fprintf(stderr, "%s%s", i ? " " : "", argv[i]);
    fprintf(stderr, "\n");
    for (int i = 0; i < l->n_own; i++)
        if (strncmp(l->env[i], "SPARK_REMOTE=", 13) == 0)
            fprintf(stderr, "server: %.*s\n", (int)strcspn(l->env[i] + 13, ";"), l->env[i] + 13);
    for (int i = 0; i < l->submit->conf.n; i += 2)
        fprintf(stderr, "setting: %s = %s\n", l->submit->conf.pair[i], l->submit->conf.pair[i + 1]);
}

static int start_python(launch *l, char **argv)
{
    bool guess = !argv[0];
    argv[0] = guess ? (char *)(uintptr_t) "python3" : argv[0];
    if (l->submit->verbose)
        tell_all(l, argv);
    int why = ch_child_start(&l->child, argv, l->env);
    if (why == ENOENT && guess) {
        argv[0] = (char *)(uintptr_t) "python";
        why = ch_child_start(&l->child, argv, l->env);
    }
    if (why == ENOENT && guess)
        fputs("error: there is no python3 in PATH; --python names another one\n", stderr);
    else if (why)
        failed("run the Python", argv[0], why);
    return why ? CH_EXIT_ERROR : 0;
}

static int make_startup(launch *l, const char *text)
{
    size_t n = strlen(text);
    l->startup.fd = memfd_create("chert", MFD_CLOEXEC);
    if (l->startup.fd < 0 || write(l->startup.fd, text, n) != (ssize_t)n)
        return failed("make a file in memory", NULL, errno);
    return 0;
}

int ch_submit_run(ch_submit *s, char **argv, const char *name, const char *startup)
{
    launch l = {.submit = s, .other_loopback = -1};
    int code = s->remote ? ch_submit_reach(s->remote) : 0;
    if (code)
        return code;
    ch_child_block(&l.child);
    if (!ch_submit_conf_set(&s->conf, "spark.app.name", strlen("spark.app.name"), name, true))
        code = failed("start", NULL, ENOMEM);
    if (!code)
        code = share_python(&l, argv[0]);
    if (!code && !s->remote)
        code = start_server(&l);
    if (!code && startup)
        code = make_startup(&l, startup);
    if (!code)
        code = prepare(&l, startup);
    if (!code)
        code = start_python(&l, argv);
    if (!code)
        code = ch_child_wait(&l.child);
    stop_server(&l);
    ch_submit_zip_release(&l.modules);
    ch_submit_zip_release(&l.startup);
    for (int i = 0; i < l.n_own; i++)
        free(l.env[i]);
    free(l.env);
    return code;
}
