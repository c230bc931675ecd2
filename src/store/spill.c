/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spill.c - pages go to the end of a file, whose length is claimed by an atomic addition, so
 * writers need no lock. Read and written with pread and pwrite: the page cache does the rest.
 *
 * File systems let one writer into a file at a time, so there are several files, and a thread writes to one:
 *
 *   at = | 8 bits file | 56 bits offset |
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "store/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { N_FILES = 8, OFFSET_BITS = 56 };

typedef struct spill_file {
    _Alignas(64) _Atomic int fd; /* -1: not made yet */
    _Atomic int64_t end;         /* bytes */
} spill_file;

struct ch_spill {
    spill_file file[N_FILES]; /* the first is made at once */
    ch_mem *mem;
    pthread_mutex_t lock; /* guards the making of files */
    char *dir;            /* for errors */
    size_t dir_bytes;
};

static int my_file(void)
{
    static _Atomic unsigned n_threads;
    static _Thread_local unsigned mine; /* 1 more than the thread's number */
    if (!mine)
        mine = atomic_fetch_add_explicit(&n_threads, 1, memory_order_relaxed) + 1;
    return (int)((mine - 1) % N_FILES);
}

static ch_status fail(ch_error *err, const char *action, const char *path, int code)
{
    char reason[128];
    if (code == ENOSPC || code == EDQUOT || code == EFBIG)
        CH_FAIL(err, DISK_FULL, "path", path);
    CH_FAIL(err, IO, "action", action, "path", path, "reason",
            strerror_r(code, reason, sizeof reason));
}

/* mkdir -p */
static void make_folder(const char *dir)
{
    char path[4096];
    size_t len = strlen(dir);
    if (len == 0 || len >= sizeof path)
        return;
    memcpy(path, dir, len + 1);
    for (size_t i = 1; i <= len; i++)
        if (path[i] == '/' || path[i] == 0) {
            char c = path[i];
            path[i] = 0;
            (void)mkdir(path, 0700);
            path[i] = c;
        }
}

int ch_spill_nameless(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT))
        return fd;
    if (errno == ENOENT) {
        make_folder(dir);
        fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
        if (fd >= 0)
            return fd;
    }
    char path[4096];
    if (snprintf(path, sizeof path, "%s/chert-spill-XXXXXX", dir) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

ch_status ch_spill_open(const char *dir, ch_mem *mem, ch_spill **out, ch_error *err)
{
    *out = NULL;
    if (!dir || !*dir)
        dir = "/tmp";
    size_t dir_bytes = strlen(dir) + 1;
    ch_spill *s = ch_mem_zalloc(mem, sizeof *s + dir_bytes, err);
    if (!s)
        return CH_E_MEMORY;
    s->mem = mem;
    s->dir = (char *)(s + 1);
    s->dir_bytes = dir_bytes;
    memcpy(s->dir, dir, dir_bytes);
    for (int i = 0; i < N_FILES; i++)
        s->file[i].fd = -1;
    s->file[0].fd = ch_spill_nameless(dir);
    if (s->file[0].fd < 0) {
        int code = errno;
        ch_mem_free(mem, s, sizeof *s + dir_bytes);
        return fail(err, "make a spill file in", dir, code);
    }
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return CH_OK;
}

void ch_spill_close(ch_spill *s)
{
    if (!s)
        return;
    for (int i = 0; i < N_FILES; i++)
        if (s->file[i].fd >= 0)
            (void)close(s->file[i].fd);
    pthread_mutex_destroy(&s->lock);
    ch_mem_free(s->mem, s, sizeof *s + s->dir_bytes);
}

/* The file the calling thread writes to; the first one where no other can be made. */
static int file_to_write(ch_spill *s)
{
    int f = my_file();
    if (atomic_load_explicit(&s->file[f].fd, memory_order_acquire) >= 0)
        return f;
    pthread_mutex_lock(&s->lock);
    int fd = s->file[f].fd;
    if (fd < 0) {
        fd = ch_spill_nameless(s->dir);
        atomic_store_explicit(&s->file[f].fd, fd, memory_order_release);
    }
    pthread_mutex_unlock(&s->lock);
    return fd < 0 ? 0 : f;
}

static int file_of(const ch_spill *s, int64_t *at)
{
    int f = (int)(*at >> OFFSET_BITS);
    *at &= (INT64_C(1) << OFFSET_BITS) - 1;
    return s->file[f].fd;
}

/* All of data to fd at `at`. */
static int write_all(int fd, const char *data, size_t bytes, int64_t at)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t n = pwrite(fd, data + done, bytes - done, at + (int64_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? errno : ENOSPC;
        done += (size_t)n;
    }
    return 0;
}

ch_status ch_spill_write(ch_spill *s, const struct iovec *part, int n, int64_t *at, ch_error *err)
{
    int64_t bytes = 0;
    for (int i = 0; i < n; i++)
        bytes += (int64_t)part[i].iov_len;
    int f = file_to_write(s), fd = s->file[f].fd;
    int64_t begin = atomic_fetch_add(&s->file[f].end, (bytes + 4095) & ~(int64_t)4095);
    *at = (int64_t)f << OFFSET_BITS | begin;
    int64_t done = n > 1 && n <= 1024 ? pwritev(fd, part, n, begin) : 0;
    for (int i = 0; i < n; i++) { /* what the system did not take at once */
        size_t len = part[i].iov_len;
        size_t skip = done > (int64_t)len ? len : done > 0 ? (size_t)done : 0;
        int code =
            write_all(fd, (const char *)part[i].iov_base + skip, len - skip, begin + (int64_t)skip);
        if (code)
            return fail(err, "write to a spill file in", s->dir, code);
        done -= (int64_t)len;
        begin += (int64_t)len;
    }
    return CH_OK;
}

ch_status ch_spill_read(ch_spill *s, int64_t at, void *data, int64_t bytes, ch_error *err)
{
    char *to = data;
    int fd = file_of(s, &at);
    for (int64_t done = 0; done < bytes;) {
        ssize_t n = pread(fd, to + done, (size_t)(bytes - done), at + done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, "read a spill file in", s->dir, n < 0 ? errno : EIO);
        done += n;
    }
    return CH_OK;
}

void ch_spill_drop(ch_spill *s, int64_t at, int64_t bytes)
{
#ifdef FALLOC_FL_PUNCH_HOLE
    int fd = file_of(s, &at);
    (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                    (bytes + 4095) & ~(int64_t)4095);
#else
    CH_UNUSED(s);
    CH_UNUSED(at);
    CH_UNUSED(bytes);
#endif
}

const char *ch_spill_folder(const ch_spill *s)
{
    return s->dir;
}

int64_t ch_spill_bytes(const ch_spill *s)
{
    int64_t bytes = 0;
    for (int i = 0; i < N_FILES; i++)
        bytes += atomic_load_explicit(&s->file[i].end, memory_order_relaxed);
    return bytes;
}
