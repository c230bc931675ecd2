/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spool.c - one list for the process, which owners share.
 *
 * A pipe is known by device and inode, which an O_PATH handle keeps from being given to another; unlike a
 * reader's, that handle leaves writers alone.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/access.h"
#include "store/file.h"
#include "store/spill.h"

struct ch_spool {
    ch_spool *next;
    const void *owner;
    ch_mem *mem;
    const char *name, *dir; /* NULL for a pipe */
    int place;              /* of a pipe, O_PATH; -1 */
    int fd;                 /* the bytes */
    dev_t dev;
    ino_t ino;
    int64_t bytes;
    bool complete;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the list, and complete */
static ch_spool *all;
static _Atomic int n_all;

static ch_spool *find_locked(const struct stat *st, const void *owner)
{
    for (ch_spool *s = all; s; s = s->next)
        if (s->place >= 0 && s->dev == st->st_dev && s->ino == st->st_ino &&
            (owner ? s->owner == owner : s->complete))
            return s;
    return NULL;
}

static ch_spool *find_name_locked(const char *name)
{
    for (ch_spool *s = all; s; s = s->next)
        if (s->name && strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

bool ch_spool_find(const char *path, int *fd, int64_t *bytes)
{
    struct stat st;
    if (atomic_load_explicit(&n_all, memory_order_acquire) == 0)
        return false;
    bool named = strncmp(path, CH_SPOOL_PREFIX, strlen(CH_SPOOL_PREFIX)) == 0;
    const char *local = named ? path : ch_path_local(path);
    if (!local || (!named && stat(local, &st) != 0))
        return false;
    pthread_mutex_lock(&lock);
    const ch_spool *s = named ? find_name_locked(path) : find_locked(&st, NULL);
    bool found = s != NULL;
    if (found)
        *bytes = s->bytes;
    if (found && fd)
        found = (*fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0)) >= 0;
    pthread_mutex_unlock(&lock);
    return found;
}

/* A reader's handle. That of standard input is asked itself: its writers may be gone by now. */
static int open_pipe(const char *local, const struct stat *st)
{
    struct stat input;
    if (fstat(STDIN_FILENO, &input) == 0 && input.st_dev == st->st_dev &&
        input.st_ino == st->st_ino)
        return fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
    return open(local, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static ch_status write_all(int fd, const char *text, ssize_t n, const char *dir, ch_error *err)
{
    while (n > 0) {
        ssize_t done = write(fd, text, (size_t)n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ch_file_error(err, done < 0 ? errno : ENOSPC, "write to a spill file in", dir);
        text += done;
        n -= done;
    }
    return CH_OK;
}

/* From the first writer until the last one is gone. */
static ch_status copy(int from, ch_spool *s, const char *path, const char *dir,
                      const _Atomic bool *cancel, ch_error *err)
{
    enum { CHUNK = 64 << 10, LOOK_MS = 50 };
    char *text = ch_mem_alloc(s->mem, CHUNK, err);
    ch_status status = text ? CH_OK : CH_E_MEMORY;
    while (status == CH_OK) {
        struct pollfd ready = {.fd = from, .events = POLLIN};
        if (cancel && atomic_load(cancel)) {
            status = ch_error_set(err, CH_E_CANCELLED, (const char *)0);
            continue;
        }
        if (poll(&ready, 1, LOOK_MS) <= 0)
            continue;
        ssize_t n = read(from, text, CHUNK);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n < 0)
            status = ch_file_error(err, errno, "read", path);
        if (n <= 0)
            break;
        status = write_all(s->fd, text, n, dir, err);
        s->bytes += n;
    }
    ch_mem_free(s->mem, text, CHUNK);
    return status;
}

static void spool_free(ch_spool *s)
{
    if (s->place >= 0)
        close(s->place);
    if (s->fd >= 0)
        close(s->fd);
    ch_mem_free(s->mem, s, sizeof *s);
}

static ch_status fill(ch_spool *s, const char *path, const char *local, const struct stat *st,
                      const char *dir, const _Atomic bool *cancel, ch_error *err)
{
    s->fd = ch_spill_nameless(dir);
    if (s->fd < 0)
        return ch_file_error(err, errno, "make a spill file in", dir);
    int from = open_pipe(local, st);
    if (from < 0)
        return ch_file_error(err, errno, "open", path);
    ch_status status = ch_access_check_fd(from, path, err);
    if (status == CH_OK)
        status = copy(from, s, path, dir, cancel, err);
    close(from);
    return status;
}

static bool is_pipe(const char *local, const struct stat *st)
{
    if (!S_ISCHR(st->st_mode))
        return S_ISFIFO(st->st_mode);
    int fd = open(local, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    bool is = fd >= 0 && isatty(fd);
    if (fd >= 0)
        close(fd);
    return is;
}

/* True: fresh is in the list, to be filled by the caller. False: another thread has filled it; or cancelled. */
static bool enter(ch_spool *fresh, const struct stat *st, const _Atomic bool *cancel,
                  bool *cancelled)
{
    const struct timespec step = {0, 20 * 1000 * 1000};
    *cancelled = false;
    for (;;) {
        pthread_mutex_lock(&lock);
        const ch_spool *s = find_locked(st, fresh->owner);
        bool complete = s && s->complete;
        if (!s) {
            fresh->next = all;
            all = fresh;
            atomic_fetch_add_explicit(&n_all, 1, memory_order_release);
        }
        pthread_mutex_unlock(&lock);
        *cancelled = s && !complete && cancel && atomic_load(cancel);
        if (!s || complete || *cancelled)
            return !s;
        nanosleep(&step, NULL);
    }
}

/* Off the list. */
static void leave_locked(ch_spool *s)
{
    for (ch_spool **at = &all; *at; at = &(*at)->next)
        if (*at == s) {
            *at = s->next;
            break;
        }
    atomic_fetch_sub_explicit(&n_all, 1, memory_order_release);
}

ch_status ch_spool_hold(const void *owner, const char *path, const char *dir, ch_mem *mem,
                        const _Atomic bool *cancel, ch_error *err)
{
    const char *local = ch_path_local(path);
    struct stat st;
    bool cancelled;
    if (!local || ch_access_check(path, false, NULL) != CH_OK || stat(local, &st) != 0 ||
        !is_pipe(local, &st))
        return CH_OK; /* others say what is wrong with the path */
    ch_spool *s = ch_mem_zalloc(mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    *s = (ch_spool){
        .owner = owner, .mem = mem, .place = -1, .fd = -1, .dev = st.st_dev, .ino = st.st_ino};
    s->place = open(local, O_PATH | O_CLOEXEC);
    if (s->place < 0) {
        int why = errno;
        spool_free(s);
        return ch_file_error(err, why, "open", path);
    }
    if (!enter(s, &st, cancel, &cancelled)) {
        spool_free(s);
        if (cancelled)
            CH_FAIL(err, CANCELLED);
        return CH_OK;
    }
    ch_status status = fill(s, path, local, &st, dir, cancel, err);
    pthread_mutex_lock(&lock);
    s->complete = status == CH_OK;
    if (!s->complete)
        leave_locked(s);
    pthread_mutex_unlock(&lock);
    if (status != CH_OK)
        spool_free(s);
    return status;
}

/* ---- bytes of the owner's ---- */

ch_status ch_spool_make(const void *owner, const char *dir, ch_mem *mem, ch_spool **out,
                        ch_error *err)
{
    ch_spool *s = *out = ch_mem_zalloc(mem, sizeof *s, err);
    if (!s)
        return CH_E_MEMORY;
    *s = (ch_spool){.owner = owner, .mem = mem, .dir = dir, .place = -1};
    s->fd = ch_spill_nameless(dir);
    if (s->fd < 0) {
        int why = errno;
        spool_free(s);
        *out = NULL;
        return ch_file_error(err, why, "make a spill file in", dir);
    }
    pthread_mutex_lock(&lock);
    s->next = all;
    all = s;
    atomic_fetch_add_explicit(&n_all, 1, memory_order_release);
    pthread_mutex_unlock(&lock);
    return CH_OK;
}

ch_status ch_spool_add(ch_spool *s, const void *data, int64_t n, ch_error *err)
{
    CH_TRY(write_all(s->fd, data, (ssize_t)n, s->dir, err));
    s->bytes += n;
    return CH_OK;
}

void ch_spool_publish(ch_spool *s, const char *name)
{
    pthread_mutex_lock(&lock);
    s->name = name;
    s->complete = true;
    pthread_mutex_unlock(&lock);
}

/* ---- */

void ch_spools_release(const void *owner)
{
    ch_spool *mine = NULL;
    pthread_mutex_lock(&lock);
    for (ch_spool *s = all, *next; s; s = next) {
        next = s->next;
        if (s->owner == owner) {
            leave_locked(s);
            s->next = mine;
            mine = s;
        }
    }
    pthread_mutex_unlock(&lock);
    for (ch_spool *next; mine; mine = next) {
        next = mine->next;
        spool_free(mine);
    }
}
