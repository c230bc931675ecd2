/* SPDX-License-Identifier: Apache-2.0 */
/* python_files.c - modules that a client uploaded, in a folder that is on the path of its session's workers. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "session/python_session.h"

static ch_status failed(const char *action, const char *path, ch_error *err)
{
    CH_FAIL(err, IO, "action", action, "path", path, "reason", strerror(errno));
}

static ch_status no_memory(ch_error *err)
{
    return ch_error_memory(err, "session", 0, 0);
}

/* Lock held. */
static ch_status need_folder(ch_session *session, ch_python_session *p, ch_error *err)
{
    char *name;
    if (p->files)
        return CH_OK;
    if (asprintf(&name, "%s/chert-files-XXXXXX", ch_engine_spill_dir(ch_session_engine(session))) <
        0)
        return no_memory(err);
    if (!mkdtemp(name)) {
        ch_status status = failed("write", name, err);
        free(name);
        return status;
    }
    p->files = name;
    return CH_OK;
}

static ch_status write_file(const char *path, const uint8_t *bytes, int64_t len, ch_error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return failed("write", path, err);
    ch_status status = CH_OK;
    for (int64_t at = 0; at < len && status == CH_OK;) {
        ssize_t n = write(fd, bytes + at, (size_t)(len - at));
        if (n >= 0)
            at += n;
        else if (errno != EINTR)
            status = failed("write", path, err);
    }
    if (close(fd) != 0 && status == CH_OK)
        status = failed("write", path, err);
    return status;
}

static bool is_archive(const char *name)
{
    static const char *const END[] = {".zip", ".egg", ".jar"};
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof END / sizeof *END; i++)
        if (n > strlen(END[i]) && strcmp(name + n - strlen(END[i]), END[i]) == 0)
            return true;
    return false;
}

/* Lock held. Archives are on the path themselves. */
static ch_status include(ch_python_session *p, const char *name, ch_error *err)
{
    for (int32_t i = 0; i < p->n_include; i++)
        if (strcmp(p->include[i], name) == 0)
            return CH_OK;
    char **more = realloc(p->include, sizeof *more * (size_t)(p->n_include + 1));
    if (!more)
        return no_memory(err);
    p->include = more;
    more[p->n_include] = strdup(name);
    if (!more[p->n_include])
        return no_memory(err);
    p->n_include++;
    return CH_OK;
}

ch_status ch_python_add_file(ch_session *session, const char *name, const uint8_t *bytes,
                             int64_t len, ch_error *err)
{
    ch_python_session *p = ch_session_python(session);
    const char *slash = strrchr(name, '/');
    char *path = NULL;
    name = slash ? slash + 1 : name;
    pthread_mutex_lock(&p->lock);
    ch_status status = need_folder(session, p, err);
    if (status == CH_OK && asprintf(&path, "%s/%s", p->files, name) < 0)
        status = no_memory(err);
    if (status == CH_OK)
        status = write_file(path, bytes, len, err);
    if (status == CH_OK && is_archive(name))
        status = include(p, name, err);
    pthread_mutex_unlock(&p->lock);
    free(path);
    return status;
}

/* One file of `from` under its name; what is no file (__pycache__) is none of the client's. */
static ch_status copy_file(ch_session *to, const char *folder, const char *name, ch_error *err)
{
    char *path;
    struct stat st;
    ch_mem *mem = ch_session_mem(to);
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return no_memory(err);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ch_status status = CH_OK;
    if (fd < 0 || fstat(fd, &st) != 0)
        status = failed("read", path, err);
    if (status == CH_OK && S_ISREG(st.st_mode)) {
        size_t bytes = (size_t)st.st_size, at = 0;
        uint8_t *data = ch_mem_alloc(mem, bytes, err);
        status = data ? CH_OK : CH_E_MEMORY;
        for (ssize_t n = 1; status == CH_OK && at < bytes && n > 0; at += n > 0 ? (size_t)n : 0)
            if ((n = read(fd, data + at, bytes - at)) < 0)
                status = failed("read", path, err);
        if (status == CH_OK)
            status = ch_python_add_file(to, name, data, (int64_t)at, err);
        ch_mem_free(mem, data, bytes);
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return status;
}

ch_status ch_python_files_copy(ch_session *from, ch_session *to, ch_error *err)
{
    ch_python_session *p = ch_session_python(from);
    struct dirent *entry;
    ch_status status = CH_OK;
    pthread_mutex_lock(&p->lock);
    DIR *dir = p->files ? opendir(p->files) : NULL;
    if (p->files && !dir)
        status = failed("read", p->files, err);
    while (dir && status == CH_OK && (entry = readdir(dir)))
        status = copy_file(to, p->files, entry->d_name, err);
    if (dir)
        closedir(dir);
    pthread_mutex_unlock(&p->lock);
    return status;
}

/* What workers leave beside a module (__pycache__) goes with it. */
static void remove_folder(const char *path)
{
    DIR *dir = opendir(path);
    struct dirent *entry;
    while (dir && (entry = readdir(dir))) {
        char *name;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            asprintf(&name, "%s/%s", path, entry->d_name) < 0)
            continue;
        if (unlink(name) != 0 && (errno == EISDIR || errno == EPERM))
            remove_folder(name);
        free(name);
    }
    if (dir)
        closedir(dir);
    (void)rmdir(path);
}

void ch_python_files_release(ch_python_session *p)
{
    if (p->files)
        remove_folder(p->files);
    free(p->files);
    p->files = NULL;
    for (int32_t i = 0; i < p->n_include; i++)
        free(p->include[i]);
    free(p->include);
    p->include = NULL;
    p->n_include = 0;
}
