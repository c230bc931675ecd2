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

#include "base/strmap.h"
#include "store/file.h"

/*
 * Files of n paths, in arena.
 *   options  borrows  may be NULL; pathGlobFilter is obeyed
 * Errors CH_E_PATH_NOT_FOUND for a path or glob that means nothing; CH_E_IO for a folder that cannot be read.
 */
CH_NODISCARD ch_status ch_list_files(ch_arena *arena, const char *const *path, int32_t n,
                                     const ch_strmap *options, ch_file **file, int32_t *n_files,
                                     ch_error *err);

#endif
