/* SPDX-License-Identifier: Apache-2.0 */
/*
 * python_daemon.c - `python -m pyspark.daemon module`, as PythonWorkerFactory starts it, behind a look at its age.
 *
 * It says on its stdout where its socket is: the path's length (4 bytes, big-endian) and the path. The
 * socket lies in a folder of its own that nobody else may enter, which is what stands in for a secret.
 */
#include "python/python_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

/* What its workers speak is the protocol of PySpark 4.3; older ones would misunderstand all, and say nothing of use. */
#define PROGRAM                                                                                \
    "import importlib.util, runpy, sys\n"                                                      \
    "if not importlib.util.find_spec('pyspark.messages'):\n"                                   \
    "    import pyspark\n"                                                                     \
    "    sys.exit('it has PySpark ' + pyspark.__version__ + ', and they need 4.3 or later')\n" \
    "runpy.run_module('pyspark.daemon', run_name='__main__', alter_sys=True)\n"
#define START_MS 60000
#define END_MS 3000
#define STEP_MS 50 /* how often a cancelled query is noticed */
#define MOST_TOLD 2000
#define MOST_PASSED 16 /* times 4096 bytes that are passed on at once */

struct ch_python_daemon {
    pid_t pid;
    int to, from, errors; /* its stdin, stdout, stderr */
    char *executable, *folder;
    const char *module;
    int64_t memory_mb;
    bool hide_traceback, simplified_traceback;
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

ch_status ch_python_read(int fd, void *to, size_t bytes, size_t *have, int timeout_ms,
                         const _Atomic bool *cancel, ch_error *err)
{
    int64_t end = ch_tick_ns() + (int64_t)timeout_ms * 1000000;
    *have = 0;
    while (*have < bytes) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (cancel && atomic_load(cancel))
            CH_FAIL(err, CANCELLED);
        if (ch_tick_ns() > end)
            return CH_OK;
        if (poll(&p, 1, STEP_MS) <= 0)
            continue;
        ssize_t n = read(fd, (char *)to + *have, bytes - *have);
        if (n > 0)
            *have += (size_t)n;
        else if (n == 0 || (errno != EINTR && errno != EAGAIN))
            return CH_OK;
    }
    return CH_OK;
}

/* ---- starting ---------------------------------------------------------------------------- */

/* name=value in place of what the environment says; NULL: no memory. */
static char **environment(char *const *own, size_t n_own)
{
    size_t n = 0;
    while (environ[n])
        n++;
    char **out = calloc(n + n_own + 1, sizeof *out);
    size_t k = 0;
    for (size_t i = 0; out && i < n; i++) {
        bool replaced = false;
        for (size_t j = 0; j < n_own; j++) {
            size_t len = (size_t)(strchr(own[j], '=') - own[j]) + 1;
            replaced |= strncmp(environ[i], own[j], len) == 0;
        }
        if (!replaced)
            out[k++] = environ[i];
    }
    for (size_t j = 0; out && j < n_own; j++)
        out[k++] = own[j];
    return out;
}

/* The child gets ends[0][0] and ends[1][1], ends[2][1] as its three first descriptors, and no other. */
static int spawn(ch_python_daemon *d, int ends[3][2])
{
    char folder[sizeof d->path + 64], memory[64];
    char *own[] = {(char *)(uintptr_t) "PYTHONUNBUFFERED=YES",
                   (char *)(uintptr_t) "SPARK_REUSE_WORKER=1",
                   (char *)(uintptr_t) "PYTHON_UNIX_DOMAIN_ENABLED=true",
                   (char *)(uintptr_t) "PYTHON_UDF_BATCH_SIZE=1000",
                   folder,
                   memory,
                   NULL,
                   NULL};
    char *argv[] = {d->executable, (char *)(uintptr_t) "-c", (char *)(uintptr_t)PROGRAM,
                    (char *)(uintptr_t)d->module, NULL};
    size_t n_own = 6;
    snprintf(folder, sizeof folder, "PYTHON_WORKER_FACTORY_SOCK_DIR=%s", d->folder);
    snprintf(memory, sizeof memory, "PYSPARK_EXECUTOR_MEMORY_MB=%lld",
             d->memory_mb > 0 ? (long long)d->memory_mb : -1LL);
    if (d->hide_traceback)
        own[n_own++] = (char *)(uintptr_t) "SPARK_HIDE_TRACEBACK=1";
    if (d->simplified_traceback)
        own[n_own++] = (char *)(uintptr_t) "SPARK_SIMPLIFIED_TRACEBACK=1";
    char **env = environment(own, n_own);
    if (!env)
        return ENOMEM;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    int why = 0;
    for (int i = 0; i < 3 && !why; i++)
        why = posix_spawn_file_actions_adddup2(&files, ends[i][i > 0], i);
    if (!why)
        why = posix_spawn_file_actions_addclosefrom_np(&files, 3);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0); /* signals of the terminal are ours */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    if (!why)
        why = posix_spawnp(&d->pid, d->executable, &files, &attributes, argv, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    free(env);
    if (why)
        d->pid = 0;
    return why;
}

/* What a Python that cannot be used said last, without its end of line; text is cut in place. */
static const char *last_line(char *text)
{
    size_t n = strlen(text);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        text[--n] = 0;
    char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

static ch_status start_failed(ch_python_daemon *d, ch_error *err)
{
    char told[MOST_TOLD + 1];
    size_t have = 0;
    (void)kill(d->pid, SIGKILL);
    ch_status status = ch_python_read(d->errors, told, MOST_TOLD, &have, 1000, NULL, NULL);
    told[status == CH_OK ? have : 0] = 0;
    const char *line = last_line(told);
    CH_FAIL(err, PYTHON_START, "python", d->executable, "reason",
            *line ? line : "it does not say where its socket is");
}

static ch_status hear_path(ch_python_daemon *d, const _Atomic bool *cancel, ch_error *err)
{
    uint8_t head[4];
    size_t have;
    CH_TRY(ch_python_read(d->from, head, sizeof head, &have, START_MS, cancel, err));
    size_t len =
        have == 4 ? (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]
                  : 0;
    if (len == 0 || len >= sizeof d->path)
        return start_failed(d, err);
    CH_TRY(ch_python_read(d->from, d->path, len, &have, START_MS, cancel, err));
    if (have < len)
        return start_failed(d, err);
    d->path[len] = 0;
    return CH_OK;
}

static ch_status launch(ch_python_daemon *d, const _Atomic bool *cancel, ch_error *err)
{
    int ends[3][2] = {{-1, -1}, {-1, -1}, {-1, -1}};
    int why = 0;
    for (int i = 0; i < 3 && !why; i++)
        why = pipe2(ends[i], O_CLOEXEC) == 0 ? 0 : errno;
    d->to = ends[0][1];
    d->from = ends[1][0];
    d->errors = ends[2][0];
    if (!why)
        why = spawn(d, ends);
    int given[3] = {ends[0][0], ends[1][1], ends[2][1]};
    for (int i = 0; i < 3; i++)
        if (given[i] >= 0)
            close(given[i]);
    if (why)
        CH_FAIL(err, PYTHON_START, "python", d->executable, "reason", strerror(why));
    (void)fcntl(d->from, F_SETFL, O_NONBLOCK);
    (void)fcntl(d->errors, F_SETFL, O_NONBLOCK);
    return hear_path(d, cancel, err);
}

/* A folder with a name that is short enough for the socket in it: "/.<uuid>.sock" is to fit too. */
static char *make_folder(const char *below)
{
    char name[sizeof((struct sockaddr_un *)0)->sun_path];
    size_t room = sizeof name - 48;
    int n = snprintf(name, sizeof name, "%s/chert-python-XXXXXX", below);
    if (n < 0 || (size_t)n >= room || !mkdtemp(name)) {
        snprintf(name, sizeof name, "/tmp/chert-python-XXXXXX");
        if (!mkdtemp(name))
            return NULL;
    }
    return strdup(name);
}

ch_status ch_python_daemon_start(const char *folder, const ch_python_settings *settings,
                                 const _Atomic bool *cancel, ch_python_daemon **out, ch_error *err)
{
    *out = NULL;
    ch_python_daemon *d = calloc(1, sizeof *d);
    if (!d)
        return ch_error_memory(err, "python", (int64_t)sizeof *d, 0);
    d->to = d->from = d->errors = -1;
    d->module = settings->module;
    d->memory_mb = settings->memory_mb;
    d->hide_traceback = settings->hide_traceback;
    d->simplified_traceback = settings->simplified_traceback;
    d->executable = strdup(settings->executable);
    d->folder = d->executable ? make_folder(folder) : NULL;
    ch_status status = CH_OK;
    if (!d->executable)
        status = ch_error_memory(err, "python", (int64_t)strlen(settings->executable), 0);
    else if (!d->folder)
        status = ch_error_set(err, CH_E_PYTHON_START, "python", settings->executable, "reason",
                              strerror(errno), (const char *)0);
    if (status == CH_OK)
        status = launch(d, cancel, err);
    if (status != CH_OK) {
        if (d->pid > 0) /* it may still import, and hear nothing */
            (void)kill(-d->pid, SIGKILL);
        ch_python_daemon_end(d);
        return status;
    }
    *out = d;
    return CH_OK;
}

bool ch_python_daemon_ended(const ch_python_daemon *d)
{
    siginfo_t ended = {0};
    return waitid(P_PID, (id_t)d->pid, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           ended.si_pid != 0;
}

bool ch_python_daemon_fits(const ch_python_daemon *d, const ch_python_settings *s)
{
    return !ch_python_daemon_ended(d) && strcmp(d->executable, s->executable) == 0 &&
           strcmp(d->module, s->module) == 0 && d->memory_mb == s->memory_mb &&
           d->hide_traceback == s->hide_traceback &&
           d->simplified_traceback == s->simplified_traceback;
}

const char *ch_python_daemon_path(const ch_python_daemon *d)
{
    return d->path;
}

/* ---- what is printed --------------------------------------------------------------------- */

void ch_python_daemon_outputs(const ch_python_daemon *d, struct pollfd *fd)
{
    fd[0] = (struct pollfd){.fd = d->from, .events = POLLIN};
    fd[1] = (struct pollfd){.fd = d->errors, .events = POLLIN};
}

/* What is there now, but not for ever; a pipe that has ended is closed, so that nobody waits for it again. */
static void pass_on(int *from)
{
    char bytes[4096];
    ssize_t n = 1;
    for (int i = 0; i < MOST_PASSED && (n = read(*from, bytes, sizeof bytes)) > 0; i++)
        (void)!write(STDERR_FILENO, bytes, (size_t)n);
    if (n == 0) {
        close(*from);
        *from = -1;
    }
}

void ch_python_daemon_pass_on(ch_python_daemon *d, const struct pollfd *fd)
{
    if (d->from >= 0 && fd[0].fd == d->from && fd[0].revents)
        pass_on(&d->from);
    if (d->errors >= 0 && fd[1].fd == d->errors && fd[1].revents)
        pass_on(&d->errors);
}

/* ---- ending ------------------------------------------------------------------------------ */

/* It has time to end its workers, of which some may not listen; then the whole group is killed, while it has its number. */
static void reap(const ch_python_daemon *d)
{
    for (int64_t end = ch_tick_ns() + (int64_t)END_MS * 1000000; ch_tick_ns() < end;) {
        if (ch_python_daemon_ended(d))
            break;
        (void)poll(NULL, 0, 10);
    }
    (void)kill(-d->pid, SIGKILL);
    (void)waitpid(d->pid, NULL, 0);
}

void ch_python_daemon_end(ch_python_daemon *d)
{
    if (d->to >= 0)
        close(d->to);
    if (d->pid > 0)
        reap(d);
    if (d->from >= 0)
        pass_on(&d->from);
    if (d->errors >= 0)
        pass_on(&d->errors);
    if (d->from >= 0)
        close(d->from);
    if (d->errors >= 0)
        close(d->errors);
    if (*d->path)
        (void)unlink(d->path);
    if (d->folder)
        (void)rmdir(d->folder);
    free(d->folder);
    free(d->executable);
    free(d);
}
