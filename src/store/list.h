/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.h - from the paths of a program to the files that they mean.
 *
 * A path is a file, a folder (all files below it), or a glob (* ? [a-z] {a,b}). As in Spark, names that
 * begin with '.' or with '_' are left out below a folder, unless they are partitions (_x=1); files come in
 * the order of their paths.
 */
#ifndef CH_STORE_LIST_H
#define CH_STORE_LIST_H

#include "base/pool.h"
#include "base/strmap.h"
#include "store/file.h"

/* What may be left out of a listing. */
typedef struct ch_list_filter {
    const char *name_glob;     /* Spark's pathGlobFilter, over the file's name; NULL: all */
    int64_t after_us;          /* modified later than this; INT64_MIN: any */
    int64_t before_us;         /* modified earlier than this; INT64_MAX: any */
    bool skip_missing;         /* paths that mean nothing, files gone meanwhile: no error */
    ch_store_context *context; /* how remote places are reached, borrowed; NULL: local files only */
} ch_list_filter;
#define CH_LIST_ALL ((ch_list_filter){NULL, INT64_MIN, INT64_MAX, false, NULL})

typedef struct ch_listing {
    ch_file *file;
    int32_t *root_of; /* per file: the root that it was found at or below */
    int32_t n_files;
    const char **root; /* what the paths came to, globs expanded: files and folders */
    bool *is_folder;   /* per root */
    int32_t n_roots;
} ch_listing;

/*
 * Files of n paths, in arena.
 *   pool  borrows  reads many folders at once; NULL: on this thread
 * Cost   one stat per file, by all workers of the pool.
 * Errors CH_E_PATH_NOT_FOUND for a path or glob that means nothing; CH_E_IO for a folder that cannot be read.
 */
CH_NODISCARD ch_status ch_list(ch_arena *arena, ch_pool *pool, const char *const *path, int32_t n,
                               const ch_list_filter *filter, ch_listing *out, ch_error *err);

/* The same without the roots; of the options (may be NULL) pathGlobFilter is obeyed. */
CH_NODISCARD ch_status ch_list_files(ch_arena *arena, const char *const *path, int32_t n,
                                     const ch_strmap *options, ch_file **file, int32_t *n_files,
                                     ch_error *err);

/* What a remote path comes to: itself, or what its glob means. */
typedef struct ch_remote_root {
    const char *path;
    bool is_folder;
    ch_file *file; /* that it is, or that lie below it and pass the filter */
    int32_t n_files;
} ch_remote_root;

/*
 * Files of a remote path, in arena (list_remote.c). A folder's files are asked for all at once.
 * Errors CH_E_PATH_NOT_FOUND, unless the filter skips what is missing; those of the store.
 */
CH_NODISCARD ch_status ch_list_remote(ch_arena *arena, const char *path,
                                      const ch_list_filter *filter, ch_remote_root **root,
                                      int32_t *n_roots, ch_error *err);
/* Is a name one that is left out below a folder? */
bool ch_list_is_hidden(const char *name);

/* Is no file larger than the one before it? */
bool ch_files_are_by_size(const ch_file *file, int32_t n);
/*
 * Sorts n files as Spark reads them: the largest first, equal ones as they are.
 *   number  borrows  moved along with the files; may be NULL
 */
CH_NODISCARD ch_status ch_files_by_size(ch_arena *arena, ch_file *file, int32_t *number, int32_t n,
                                        ch_error *err);

#endif
