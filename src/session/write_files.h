/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write_files.h - rows to part files: which rows go to which file of which folder.
 *
 *   batch ──▶ lane ──▶ folder of its keys ──▶ part-00001-UUID.c000.csv
 *
 * A lane is what Spark calls a task: it has files of its own. Usually each worker has one.
 *
 * Legal calls: new, then write from any slots at once, then finish, then free; free alone removes the files.
 */
#ifndef CH_SESSION_WRITE_FILES_H
#define CH_SESSION_WRITE_FILES_H

#include "format/format.h"
#include "function/function.h"
#include "plan/node.h"

typedef struct ch_files ch_files;

typedef struct ch_files_spec {
    const ch_format *format;
    ch_format_context ctx;
    const ch_func_context *func;
    const ch_strmap *options;
    const ch_type *schema; /* of the rows */
    const int32_t *key;    /* columns of the rows that make the folders, outermost first */
    const char **key_name; /* as the folders name them */
    int32_t n_keys;
    const char *folder; /* is there; for files and folders */
    const char *single; /* not NULL: all rows go into this one file */
    const char *uuid;
    const char *extension; /* ".csv.gz" */
    const char *spill_dir;
    int64_t max_rows; /* of a file; 0: any */
    int32_t n_lanes;  /* 0: one per slot */
    bool spread;      /* rows are dealt out to the lanes evenly */
    bool by_morsel;   /* a file holds one morsel, and has its number */
} ch_files_spec;

/* Everything in spec is borrowed until free. */
CH_NODISCARD ch_status ch_files_new(const ch_files_spec *spec, ch_files **out, ch_error *err);
/* Threads: one per slot. */
CH_NODISCARD ch_status ch_files_write(ch_files *files, int slot, ch_batch *batch, ch_error *err);
/* Ends all files; makes an empty one if there is none and the rows have no keys. */
CH_NODISCARD ch_status ch_files_finish(ch_files *files, ch_error *err);
int64_t ch_files_rows(const ch_files *files);
/* Adds the folders of keys that got rows, as named below spec.folder, each once, to out. Texts are given in arena. */
CH_NODISCARD ch_status ch_files_folders(const ch_files *files, ch_arena *arena, ch_str_list *out,
                                        ch_error *err);
/* Files that were not finished are removed. NULL is ignored. */
void ch_files_free(ch_files *files);

#endif
