/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spill.c - pages go to the end of the file, whose length is claimed by an atomic addition, so
 * writers need no lock. Read and written with pread and pwrite: the page cache does the rest.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "store/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct ch_spill {
    ch_mem *mem;
    int fd;
    char *dir; /* for errors */
    size_t dir_bytes;
    _Atomic int64_t end; /* bytes */
};

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

static int open_nameless(const char *dir)
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
    s->fd = open_nameless(dir);
    if (s->fd < 0) {
        int code = errno;
        ch_mem_free(mem, s, sizeof *s + dir_bytes);
        return fail(err, "make a spill file in", dir, code);
    }
    *out = s;
    return CH_OK;
}

void ch_spill_close(ch_spill *s)
{
    if (!s)
        return;
    (void)close(s->fd);
    ch_mem_free(s->mem, s, sizeof *s + s->dir_bytes);
}

ch_status ch_spill_write(ch_spill *s, const void *data, int64_t bytes, int64_t *at, ch_error *err)
{
    const char *from = data;
    *at = atomic_fetch_add(&s->end, (bytes + 4095) & ~(int64_t)4095);
    for (int64_t done = 0; done < bytes;) {
        ssize_t n = pwrite(s->fd, from + done, (size_t)(bytes - done), *at + done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return fail(err, "write to a spill file in", s->dir, n < 0 ? errno : ENOSPC);
        done += n;
    }
    return CH_OK;
}

ch_status ch_spill_read(ch_spill *s, int64_t at, void *data, int64_t bytes, ch_error *err)
{
    char *to = data;
    for (int64_t done = 0; done < bytes;) {
        ssize_t n = pread(s->fd, to + done, (size_t)(bytes - done), at + done);
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
    (void)fallocate(s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
                    (bytes + 4095) & ~(int64_t)4095);
#else
    CH_UNUSED(s);
    CH_UNUSED(at);
    CH_UNUSED(bytes);
#endif
}

int64_t ch_spill_bytes(const ch_spill *s)
{
    return atomic_load_explicit(&s->end, memory_order_relaxed);
}
