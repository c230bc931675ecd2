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
static bool is_below(const char *real)
{
    for (int i = 0; real && i < n_allowed; i++) {
        size_t n = strlen(allowed[i]);
        if (strncmp(real, allowed[i], n) == 0 &&
            (real[n] == 0 || real[n] == '/' || allowed[i][n - 1] == '/' ||
             (real[n] == '?' && strncmp(allowed[i], "http", 4) == 0))) /* else part of a name */
            return true;
    }
    return false;
}

ch_status ch_access_allow(const char *folder, ch_error *err)
{
    errno = EINVAL;
    char *real = place_of(folder);
    if (!real)
        return ch_file_error(err, errno, "allow", folder);
    size_t len = strlen(real);
    while (*real != '/' && len > 0 && real[len - 1] == '/')
        real[--len] = 0;
    char **more = realloc(allowed, sizeof *more * (size_t)(n_allowed + 1));
    if (!more) {
        free(real);
        return ch_error_memory(err, "server", (int64_t)sizeof *more, 0);
    }
    allowed = more;
    allowed[n_allowed++] = real;
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
