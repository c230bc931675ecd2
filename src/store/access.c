/* SPDX-License-Identifier: Apache-2.0 */
/* access.c - see access.h. */
#include "store/access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"

/* Written before the first query, only read afterwards. */
static bool read_only;
static char **allowed; /* malloc, n_allowed of them, without links */
static int n_allowed;
static bool native_limited;
static char **native; /* malloc, n_native of them: folders of shared objects */
static int n_native;

void ch_access_read_only(void)
{
    read_only = true;
}

bool ch_access_is_confined(void)
{
    return read_only || n_allowed > 0;
}

void ch_access_reset(void)
{
    for (int i = 0; i < n_allowed; i++)
        free(allowed[i]);
    free(allowed);
    allowed = NULL;
    n_allowed = 0;
    read_only = false;
    for (int i = 0; i < n_native; i++)
        free(native[i]);
    free(native);
    native = NULL;
    n_native = 0;
    native_limited = false;
}

/*
 * Where path leads, malloc; NULL: nowhere, or no memory. Of what is missing, the folder above that is there
 * counts: nothing below can be a link. A link that leads to what is missing leads nowhere.
 */
static char *resolve(const char *path)
{
    char *real = realpath(path, NULL), *copy = NULL, *out = NULL;
    size_t len = strlen(path);
    if (real || (errno != ENOENT && errno != ENOTDIR) || !(copy = strdup(path)))
        return real;
    for (size_t end = len; !real;) {
        struct stat st;
        while (end > 0 && copy[end - 1] == '/')
            end--;
        copy[end] = 0;
        if (lstat(copy, &st) == 0) {
            /* A link that leads nowhere; or somebody has just made it, and it is there now. */
            if (!S_ISLNK(st.st_mode))
                real = realpath(copy, NULL);
            if (real && (out = malloc(strlen(real) + len - end + 1)))
                sprintf(out, "%s%s", real, path + end);
            goto out;
        }
        size_t start = end;
        while (start > 0 && copy[start - 1] != '/')
            start--;
        const char *name = path + start;
        size_t n = end - start;
        if (n == 0 || (n == 1 && name[0] == '.') || (n == 2 && name[0] == '.' && name[1] == '.'))
            goto out;
        copy[start] = 0;
        real = realpath(start ? copy : ".", NULL);
        if (!real && errno != ENOENT && errno != ENOTDIR)
            goto out;
        if (real && (out = malloc(strlen(real) + len - start + 2)))
            sprintf(out, "%s/%s", real, path + start);
        end = start;
    }
out:
    free(real);
    free(copy);
    return out;
}

/*
 * A URL as it is compared, malloc; NULL: it cannot be one that is allowed. s3 and s3a are the same; "." and ".." as
 * parts of a path would be followed by a web server, also when they are encoded.
 */
static char *clean_url(const char *url)
{
    const char *colon = strstr(url, "://");
    if (!colon || strchr(url, '\\'))
        return NULL;
    bool s3 = strncmp(url, "s3a://", 6) == 0 || strncmp(url, "s3://", 5) == 0;
    char *out = malloc(strlen(url) + 2);
    if (!out)
        return NULL;
    sprintf(out, "%s%s", s3 ? "s3" : "", s3 ? colon : url);
    size_t end = strcspn(out, "?#");
    for (const char *part = strstr(out, "://") + 3; part < out + end;) {
        size_t n = strcspn(part, "/?#"), k = 0;
        bool dots = n > 0;
        for (size_t i = 0; i < n && dots; i++, k++) {
            bool coded = part[i] == '%' && part[i + 1] == '2' && (part[i + 2] | 0x20) == 'e';
            dots = part[i] == '.' || coded;
            i += coded ? 2 : 0;
        }
        if (dots && k <= 2) {
            free(out);
            return NULL;
        }
        part += n + (part[n] != 0);
    }
    return out;
}

/* Of a path or URL. */
static char *place_of(const char *path)
{
    const char *local = ch_path_local(path);
    return local ? resolve(local) : clean_url(path);
}

/* real: as place_of gives it. */
static bool is_below_one(const char *real, char *const *folder, int n_folders)
{
    for (int i = 0; real && i < n_folders; i++) {
        size_t n = strlen(folder[i]);
        if (strncmp(real, folder[i], n) == 0 &&
            (real[n] == 0 || real[n] == '/' || folder[i][n - 1] == '/' ||
             (real[n] == '?' && strncmp(folder[i], "http", 4) == 0))) /* else part of a name */
            return true;
    }
    return false;
}

static bool is_below(const char *real)
{
    return is_below_one(real, allowed, n_allowed);
}

static ch_status add_folder(const char *folder, char ***list, int *n, ch_error *err)
{
    errno = EINVAL;
    char *real = place_of(folder);
    if (!real)
        return ch_file_error(err, errno, "allow", folder);
    size_t len = strlen(real);
    while (*real != '/' && len > 0 && real[len - 1] == '/')
        real[--len] = 0;
    char **more = realloc(*list, sizeof *more * (size_t)(*n + 1));
    if (!more) {
        free(real);
        return ch_error_memory(err, "server", (int64_t)sizeof *more, 0);
    }
    *list = more;
    more[(*n)++] = real;
    return CH_OK;
}

ch_status ch_access_allow(const char *folder, ch_error *err)
{
    return add_folder(folder, &allowed, &n_allowed, err);
}

ch_status ch_access_native_only(const char *folder, ch_error *err)
{
    native_limited = true;
    return folder ? add_folder(folder, &native, &n_native, err) : CH_OK;
}

ch_status ch_access_native(const char *path, const char *function, char **out, ch_error *err)
{
    const char *local = ch_path_local(path);
    char *real = local ? resolve(local) : NULL;
    *out = NULL;
    if (native_limited && !is_below_one(real, native, n_native)) {
        free(real);
        CH_FAIL(err, NATIVE_NOT_ALLOWED, "functionName", function, "file", path);
    }
    if (!real)
        return ch_file_error(err, local ? errno : EINVAL, "load", path);
    *out = real;
    return CH_OK;
}

bool ch_access_is_limited(void)
{
    return n_allowed > 0;
}

static ch_status refuse(const char *path, ch_error *err)
{
    CH_FAIL(err, PATH_NOT_ALLOWED, "path", path);
}

ch_status ch_access_check(const char *path, bool write, ch_error *err)
{
    if (write && read_only)
        CH_FAIL(err, READ_ONLY, "path", path);
    if (n_allowed == 0)
        return CH_OK;
    char *real = place_of(path);
    bool good = is_below(real);
    free(real);
    return good ? CH_OK : refuse(path, err);
}

ch_status ch_access_check_fd(int fd, const char *path, ch_error *err)
{
    char link[64], real[4096];
    if (n_allowed == 0)
        return CH_OK;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, real, sizeof real - 1);
    if (n < 0)
        return refuse(path, err);
    real[n] = 0;
    return is_below(real) ? CH_OK : refuse(path, err);
}
