/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.h - what a store is: a row in builtin/stores.def, and these functions.
 *
 *   store/file.h  ──▶  ch_store_of(path)  ──▶  ch_store_local, ...
 *
 * One file per store ends with its `const ch_store ch_store_<name>`. The functions that programs of other rooms call
 * are those of file.h; here is what they come to. A store's own inputs and outputs begin with the structs below.
 *
 * A ch_store_context is what a query knows besides a path: how a store is reached and as whom. It is the
 * query's: nothing of one session is seen by another.
 */
#ifndef CH_STORE_STORE_H
#define CH_STORE_STORE_H

#include "base/strmap.h"
#include "store/file.h"

typedef struct ch_store ch_store;
typedef struct ch_store_job ch_store_job;

struct ch_input {
    const ch_store *store;
    ch_mem *mem;
    const char *path; /* borrowed */
    int64_t bytes;
};

struct ch_output {
    const ch_store *store;
    ch_mem *mem;
    int64_t bytes; /* written so far */
};

/* One name in a folder, or one file at any depth below it. */
typedef struct ch_store_entry {
    ch_file file; /* path is the whole one */
    bool is_folder;
} ch_store_entry;

typedef struct ch_store_entries {
    ch_store_entry *item; /* in the arena */
    int32_t n, cap;
} ch_store_entries;

/* What a job does when all its outputs are complete. */
typedef struct ch_job_end {
    bool replace;           /* what was at the path before goes */
    bool by_folder;         /* with replace: only in the folders that the job wrote to */
    bool success;           /* _SUCCESS is written */
    bool success_by_folder; /* with it: not at the path, but in each folder that the job wrote to */
    bool only_if_new;       /* a single file: an error if it is there by now */
} ch_job_end;

struct ch_store {
    const char *name;
    const char *const
        *scheme;    /* "s3", "s3a", NULL: what stands before ":/"; NULL: no scheme at all */
    bool is_remote; /* reached over a network: needs a context */
    bool has_globs; /* * ? [] {} in a path are a pattern */

    /* As ch_file_open and so on say. */
    CH_NODISCARD ch_status (*open)(ch_mem *mem, const ch_file *file, ch_input **out, ch_error *err);
    CH_NODISCARD ch_status (*read)(ch_input *in, void *to, int64_t n, int64_t offset, int64_t *got,
                                   ch_error *err);
    void (*close)(ch_input *in);

    /* NULL from here to abandon: nothing can be written. */
    CH_NODISCARD ch_status (*create)(ch_mem *mem, ch_store_context *context, const char *path,
                                     ch_output **out, ch_error *err);
    CH_NODISCARD ch_status (*write)(ch_output *out, const void *bytes, int64_t n, ch_error *err);
    CH_NODISCARD ch_status (*commit)(ch_output *out, bool sync, ch_error *err);
    void (*abandon)(ch_output *out);

    CH_NODISCARD ch_status (*stat)(ch_store_context *context, const char *path, ch_file *file,
                                   bool *is_folder, ch_error *err);
    /*
     * What lies below the folder `path`: the files at any depth (deep), or the names in it. A path that is a
     * file gives that file. Remote stores only: local folders are walked by list.c.
     */
    CH_NODISCARD ch_status (*list)(ch_store_context *context, ch_arena *arena, const char *path,
                                   bool deep, ch_store_entries *out, ch_error *err);
    CH_NODISCARD ch_status (*remove)(ch_store_context *context, const char *path, ch_error *err);

    /* Where names cannot change: outputs that appear together, when their job is committed. Else NULL. */
    CH_NODISCARD ch_status (*job_begin)(ch_store_context *context, const char *path,
                                        ch_store_job **out, ch_error *err);
    CH_NODISCARD ch_status (*job_commit)(ch_store_job *job, const ch_job_end *end, ch_error *err);
    void (*job_free)(ch_store_job *job);

    /* NULL: the store cannot. */
    CH_NODISCARD ch_status (*rename)(const char *from, const char *to, ch_error *err);
    bool (*exchange)(const char *a, const char *b);
    CH_NODISCARD ch_status (*make_folder)(const char *path, ch_error *err);
    int64_t (*free_bytes)(const char *path);
};

/* The store that path's scheme names; NULL: none. And the i-th row, NULL past the last. */
const ch_store *ch_store_of(const char *path);
const ch_store *ch_store_at(int i);

/*
 * Outputs at or below path, created with this context from now on, stay unseen until the commit. A failed commit leaves
 * what was before; ch_store_job_free removes what is not committed, and ends the job. NULL is ignored there.
 */
CH_NODISCARD ch_status ch_store_job_begin(ch_store_context *context, const char *path,
                                          ch_store_job **out, ch_error *err);
CH_NODISCARD ch_status ch_store_job_commit(ch_store_job *job, const ch_job_end *end, ch_error *err);
void ch_store_job_free(ch_store_job *job);

/* One more entry, zeroed; NULL: no memory. */
ch_store_entry *ch_store_add_entry(ch_arena *arena, ch_store_entries *entries, ch_error *err);

#endif
