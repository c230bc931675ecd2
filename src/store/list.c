/* SPDX-License-Identifier: Apache-2.0 */
/* list.c - walking folders; globs by glob(3). */
#include "store/list.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct listing {
    ch_arena *arena;
    const char *filter; /* pathGlobFilter, or NULL */
    ch_file *file;
    int32_t n, cap;
} listing;

static bool is_hidden(const char *name)
{
    return name[0] == '.' || (name[0] == '_' && !strchr(name, '='));
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static ch_status add_file(listing *l, const ch_file *file, ch_error *err)
{
    if (l->filter && fnmatch(l->filter, last_name(file->path), 0) != 0)
        return CH_OK;
    if (l->n == l->cap) {
        int32_t cap = l->cap ? l->cap * 2 : 16;
        ch_file *more;
        CH_ARENA_ARRAY(more, l->arena, cap, err);
        if (l->n)
            memcpy(more, l->file, sizeof *more * (size_t)l->n);
        l->file = more;
        l->cap = cap;
    }
    l->file[l->n++] = *file;
    return CH_OK;
}

/* Told as Spark tells it: "file:" and the absolute path. */
static ch_status not_found(listing *l, const char *path, ch_error *err)
{
    char folder[4096];
    const char *shown = path;
    if (path[0] == '/')
        shown = ch_arena_printf(l->arena, err, "file:%s", path);
    else if (getcwd(folder, sizeof folder))
        shown = ch_arena_printf(l->arena, err, "file:%s/%s", folder, path);
    if (!shown)
        return CH_E_MEMORY;
    CH_FAIL(err, PATH_NOT_FOUND, "path", shown);
}

static ch_status add_path(listing *l, const char *path, ch_error *err);

static ch_status add_folder(listing *l, const char *path, ch_error *err)
{
    DIR *dir = opendir(path);
    ch_status status = CH_OK;
    if (!dir)
        return ch_file_error(err, errno, "read", path);
    for (struct dirent *e; status == CH_OK && (e = readdir(dir)) != NULL;) {
        if (is_hidden(e->d_name))
            continue;
        size_t len = strlen(path);
        const char *slash = len && path[len - 1] == '/' ? "" : "/";
        char *below = ch_arena_printf(l->arena, err, "%s%s%s", path, slash, e->d_name);
        status = below ? add_path(l, below, err) : CH_E_MEMORY;
    }
    closedir(dir);
    return status;
}

static ch_status add_path(listing *l, const char *path, ch_error *err)
{
    ch_file file;
    bool is_folder;
    CH_TRY(ch_file_stat(path, &file, &is_folder, err));
    return is_folder ? add_folder(l, path, err) : add_file(l, &file, err);
}

/* A path that the program itself named. */
static ch_status add_named(listing *l, const char *path, ch_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0 && errno == ENOENT)
        return not_found(l, path, err);
    return add_path(l, path, err);
}

static ch_status add_glob(listing *l, const char *pattern, ch_error *err)
{
    glob_t found;
    int code = glob(pattern, GLOB_BRACE, NULL, &found);
    if (code == GLOB_NOMATCH)
        return not_found(l, pattern, err);
    if (code != 0)
        CH_FAIL(err, IO, "action", "list", "path", pattern, "reason",
                code == GLOB_NOSPACE ? "out of memory" : "a folder cannot be read");
    ch_status status = CH_OK;
    for (size_t i = 0; i < found.gl_pathc && status == CH_OK; i++) {
        char *path = ch_arena_str(l->arena, found.gl_pathv[i], err);
        status = path ? add_path(l, path, err) : CH_E_MEMORY;
    }
    globfree(&found);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const ch_file *)a)->path, ((const ch_file *)b)->path);
}

ch_status ch_list_files(ch_arena *arena, const char *const *path, int32_t n,
                        const ch_strmap *options, ch_file **file, int32_t *n_files, ch_error *err)
{
    listing l = {.arena = arena,
                 .filter = options ? ch_strmap_get(options, "pathGlobFilter") : NULL};
    *file = NULL;
    *n_files = 0;
    for (int32_t i = 0; i < n; i++) {
        const char *local = ch_path_local(path[i]);
        int32_t first = l.n;
        if (!local)
            CH_FAIL(err, PATH_NOT_FOUND, "path", path[i]);
        char *copy = ch_arena_str(arena, local, err);
        if (!copy)
            return CH_E_MEMORY;
        /* A file whose name happens to look like a glob is that file. */
        if (strpbrk(copy, "*?[{") && !ch_file_exists(copy))
            CH_TRY(add_glob(&l, copy, err));
        else
            CH_TRY(add_named(&l, copy, err));
        if (l.n > first)
            qsort(l.file + first, (size_t)(l.n - first), sizeof *l.file, by_path);
    }
    *file = l.file;
    *n_files = l.n;
    return CH_OK;
}
