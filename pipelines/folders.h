/* SPDX-License-Identifier: Apache-2.0 */
/* folders.h - a folder and those above it. */
#ifndef CHERT_PIPELINES_FOLDERS_H
#define CHERT_PIPELINES_FOLDERS_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

/* Makes what is missing of path. Result 0, or an errno. */
static inline int chert_make_folders(const char *path)
{
    char part[4096];
    size_t len = strlen(path);
    if (len >= sizeof part)
        return ENAMETOOLONG;
    int error = 0;
    for (size_t i = 1; i <= len; i++) {
        if (i < len && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        error = mkdir(part, 0777) == 0 || errno == EEXIST ? 0 : errno;
    }
    return error; /* of the last: one above may exist and still not let itself be made */
}

#endif
