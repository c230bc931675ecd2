/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - local files by POSIX calls. Interrupted and short reads and writes go on. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/access.h"
#include "store/spool.h"
#include "store/store.h"

typedef struct local_input {
    ch_input head;
    int fd;
} local_input;

typedef struct local_output {
    ch_output head;
    char *path; /* owned */
    size_t path_size;
    int fd;
} local_output;

extern const ch_store ch_store_local;

static ch_status local_path(const char *path, const char **out, ch_error *err)
{
    *out = ch_path_local(path);
    if (!*out)
        CH_FAIL(err, UNSUPPORTED, "feature", path);
    return CH_OK;
}

static ch_status readable_path(const char *path, const char **out, ch_error *err)
{
    CH_TRY(local_path(path, out, err));
    return ch_access_check(path, false, err);
}

static ch_status writable_path(const char *path, const char **out, ch_error *err)
{
    CH_TRY(local_path(path, out, err));
    return ch_access_check(path, true, err);
}

static ch_status local_open(ch_mem *mem, const ch_file *file, ch_input **out, ch_error *err)
{
    const char *local, *path = file->path;
    struct stat st;
    *out = NULL;
    int fd;
    int64_t bytes;
    bool spooled = ch_spool_find(path, &fd, &bytes);
    if (!spooled) {
        CH_TRY(readable_path(path, &local, err));
        /* A pipe without a writer is no reason to wait. */
        fd = open(local, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0)
        return ch_file_error(err, errno, "open", path);
    ch_status status = spooled ? CH_OK : ch_access_check_fd(fd, path, err);
    if (status != CH_OK) {
        close(fd);
        return status;
    }
    if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode) || S_ISFIFO(st.st_mode)) {
        int error = S_ISDIR(st.st_mode) ? EISDIR : S_ISFIFO(st.st_mode) ? ESPIPE : errno;
        close(fd);
        return ch_file_error(err, error, "read", path);
    }
    local_input *in = ch_mem_alloc(mem, sizeof *in, err);
    if (!in) {
        close(fd);
        return CH_E_MEMORY;
    }
    *in = (local_input){
        .head = {.store = &ch_store_local, .mem = mem, .path = path, .bytes = st.st_size},
        .fd = fd};
    *out = &in->head;
    return CH_OK;
}

static ch_status local_read(ch_input *in, void *to, int64_t n, int64_t offset, int64_t *got,
                            ch_error *err)
{
    int fd = ((local_input *)in)->fd;
    char *p = to;
    *got = 0;
    while (n > 0) {
        ssize_t done = pread(fd, p, (size_t)n, offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return ch_file_error(err, errno, "read", in->path);
        if (done == 0)
            break;
        p += done;
        n -= done;
        offset += done;
        *got += done;
    }
    return CH_OK;
}

static void local_close(ch_input *in)
{
    close(((local_input *)in)->fd);
    ch_mem_free(in->mem, in, sizeof(local_input));
}

static void output_free(local_output *out)
{
    ch_mem_free(out->head.mem, out->path, out->path_size);
    ch_mem_free(out->head.mem, out, sizeof *out);
}

static ch_status local_create(ch_mem *mem, ch_store_context *context, const char *path,
                              ch_output **out, ch_error *err)
{
    const char *local;
    CH_UNUSED(context);
    *out = NULL;
    CH_TRY(writable_path(path, &local, err));
    size_t size = strlen(local) + 1;
    local_output *o = ch_mem_alloc(mem, sizeof *o, err);
    char *copy = o ? ch_mem_alloc(mem, size, err) : NULL;
    if (!copy) {
        ch_mem_free(mem, o, sizeof *o);
        return CH_E_MEMORY;
    }
    memcpy(copy, local, size);
    /* Emptied only once it is known to be a place that may be written. */
    int fd = open(local, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        int error = errno;
        ch_mem_free(mem, copy, size);
        ch_mem_free(mem, o, sizeof *o);
        return ch_file_error(err, error, "write", path);
    }
    *o = (local_output){
        .head = {.store = &ch_store_local, .mem = mem}, .path = copy, .path_size = size, .fd = fd};
    ch_status status = ch_access_check_fd(fd, path, err);
    if (status == CH_OK && ftruncate(fd, 0) != 0 && errno != EINVAL) /* a device has no length */
        status = ch_file_error(err, errno, "write", path);
    if (status != CH_OK) {
        close(fd);
        output_free(o);
        return status;
    }
    *out = &o->head;
    return CH_OK;
}

static ch_status local_write(ch_output *base, const void *bytes, int64_t n, ch_error *err)
{
    local_output *out = (local_output *)base;
    const char *p = bytes;
    while (n > 0) {
        ssize_t done = write(out->fd, p, (size_t)n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ch_file_error(err, done < 0 ? errno : ENOSPC, "write", out->path);
        p += done;
        n -= done;
        base->bytes += done;
    }
    return CH_OK;
}

static ch_status local_commit(ch_output *base, bool sync, ch_error *err)
{
    local_output *out = (local_output *)base;
    int error = sync && fdatasync(out->fd) != 0 && errno != EINVAL ? errno : 0;
    if (close(out->fd) != 0 && !error && errno != EINTR)
        error = errno;
    ch_status status = error ? ch_file_error(err, error, "write", out->path) : CH_OK;
    output_free(out);
    return status;
}

static void local_abandon(ch_output *base)
{
    local_output *out = (local_output *)base;
    close(out->fd);
    unlink(out->path);
    output_free(out);
}

static ch_status local_stat(ch_store_context *context, const char *path, ch_file *file,
                            bool *is_folder, ch_error *err)
{
    const char *local;
    CH_UNUSED(context);
    struct stat st;
    CH_TRY(readable_path(path, &local, err));
    if (stat(local, &st) != 0)
        return ch_file_error(err, errno, "look at", path);
    *file = (ch_file){.path = path,
                      .bytes = st.st_size,
                      .mtime_us = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000};
    if (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
        (void)ch_spool_find(local, NULL, &file->bytes);
    if (is_folder)
        *is_folder = S_ISDIR(st.st_mode);
    return CH_OK;
}

static ch_status local_rename(const char *from, const char *to, ch_error *err)
{
    const char *a, *b;
    CH_TRY(writable_path(from, &a, err));
    CH_TRY(writable_path(to, &b, err));
    return rename(a, b) == 0 ? CH_OK : ch_file_error(err, errno, "rename to", to);
}

static bool local_exchange(const char *a, const char *b)
{
    const char *first, *second;
    return writable_path(a, &first, NULL) == CH_OK && writable_path(b, &second, NULL) == CH_OK &&
           renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0;
}

/* Removes what is in the folder `fd` (takes it). Gives an errno. Depth is that of the tree. */
static int remove_contents(int fd)
{
    DIR *dir = fdopendir(fd);
    struct dirent *e;
    int error = 0;
    if (!dir) {
        error = errno;
        close(fd);
        return error;
    }
    while (!error && (errno = 0, e = readdir(dir))) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dirfd(dir), e->d_name, 0) == 0 || errno == ENOENT)
            continue;
        int sub = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (sub < 0) {
            error = errno;
            break;
        }
        error = remove_contents(sub);
        if (!error && unlinkat(dirfd(dir), e->d_name, AT_REMOVEDIR) != 0)
            error = errno;
    }
    if (!error)
        error = errno;
    closedir(dir);
    return error;
}

static ch_status local_remove(ch_store_context *context, const char *path, ch_error *err)
{
    const char *local;
    CH_UNUSED(context);
    CH_TRY(writable_path(path, &local, err));
    if (unlink(local) == 0 || errno == ENOENT)
        return CH_OK;
    int first = errno;
    int fd = open(local, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return ch_file_error(err, errno == ENOTDIR ? first : errno, "remove", path);
    int error = remove_contents(fd);
    if (!error && rmdir(local) != 0)
        error = errno;
    return error ? ch_file_error(err, error, "remove", path) : CH_OK;
}

static ch_status local_make_folder(const char *path, ch_error *err)
{
    const char *local;
    char part[4096];
    CH_TRY(writable_path(path, &local, err));
    size_t len = strlen(local);
    if (len >= sizeof part)
        return ch_file_error(err, ENAMETOOLONG, "make", path);
    for (size_t i = 1; i <= len; i++) {
        if (i < len && local[i] != '/')
            continue;
        memcpy(part, local, i);
        part[i] = 0;
        if (mkdir(part, 0777) == 0 || errno == EEXIST)
            continue;
        int error = errno;
        struct stat st;
        if (stat(part, &st) != 0 || !S_ISDIR(st.st_mode))
            return ch_file_error(err, error, "make", path);
    }
    struct stat st;
    if (len && stat(local, &st) == 0 && !S_ISDIR(st.st_mode))
        return ch_file_error(err, EEXIST, "make", path);
    return CH_OK;
}

static int64_t local_free_bytes(const char *path)
{
    const char *local = ch_path_local(path);
    struct statvfs st;
    if (!local || statvfs(local, &st) != 0)
        return INT64_MAX;
    return (int64_t)(st.f_bavail * st.f_frsize);
}

const ch_store ch_store_local = {.name = "local",
                                 .has_globs = true,
                                 .open = local_open,
                                 .read = local_read,
                                 .close = local_close,
                                 .create = local_create,
                                 .write = local_write,
                                 .commit = local_commit,
                                 .abandon = local_abandon,
                                 .stat = local_stat,
                                 .remove = local_remove,
                                 .rename = local_rename,
                                 .exchange = local_exchange,
                                 .make_folder = local_make_folder,
                                 .free_bytes = local_free_bytes};
