/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - bytes of a file: reading at any place, writing aside and renaming.
 *
 * A ch_input is opened by path or URL; the scheme chooses the store (store.h). Local files are
 * "/a/b", "a/b", "file:/a/b" and "file:///a/b". Reads are positioned, so threads may share an
 * input. Every error names the path as it was given.
 *
 * A ch_output writes to a path in order. Local files are written aside and become visible by
 * ch_file_rename(), so a run that fails leaves nothing half done.
 *
 * A place that is reached over a network needs a context; functions without that parameter know local files
 * only.
 */
#ifndef CH_STORE_FILE_H
#define CH_STORE_FILE_H

#include "base/mem.h"

typedef struct ch_store_context ch_store_context;

/* One file: what a listing says about it. */
typedef struct ch_file {
    const char *path; /* local path or URL */
    int64_t bytes;    /* size; remote: -1 when it is not known */
    int64_t mtime_us;
    const char *etag;          /* remote: what tells one version from another; or NULL */
    ch_store_context *context; /* remote: how it is reached, borrowed; else NULL */
} ch_file;

typedef struct ch_input ch_input;
typedef struct ch_output ch_output;

/* Does path name a place over a network that some store knows? */
bool ch_path_is_remote(const char *path);
/* "file:///a" -> "/a"; the rest of path where it has no scheme; NULL for another store's URL. */
const char *ch_path_local(const char *path);

/*
 * ch_file_open: a file, as a listing gave it, for reading. Path, etag and context are borrowed while it is open.
 * Errors CH_E_PATH_NOT_FOUND, CH_E_IO, CH_E_UNSUPPORTED (unknown scheme).
 */
CH_NODISCARD ch_status ch_file_open(ch_mem *mem, const ch_file *file, ch_input **out,
                                    ch_error *err);
/* The same for a local path (borrowed while open). */
CH_NODISCARD ch_status ch_input_open(ch_mem *mem, const char *path, ch_input **out, ch_error *err);
/* Size in bytes when it was opened. */
int64_t ch_input_bytes(const ch_input *in);
const char *ch_input_path(const ch_input *in);
/*
 * Reads up to n bytes from `offset`; *got < n only at the end of the file.
 * Threads: any number at once.
 */
CH_NODISCARD ch_status ch_input_read(ch_input *in, void *to, int64_t n, int64_t offset,
                                     int64_t *got, ch_error *err);
/* NULL is ignored. */
void ch_input_close(ch_input *in);

/*
 * Makes an empty file (its folder must be there), or empties an old one. path is copied.
 *   context  borrows  until the output is closed; NULL: local files only
 */
CH_NODISCARD ch_status ch_output_create(ch_mem *mem, ch_store_context *context, const char *path,
                                        ch_output **out, ch_error *err);
/* Errors CH_E_DISK_FULL, CH_E_IO. */
CH_NODISCARD ch_status ch_output_write(ch_output *out, const void *bytes, int64_t n, ch_error *err);
int64_t ch_output_bytes(const ch_output *out);
/* Closes and frees, also on error. sync: the bytes are on the disk before this returns. */
CH_NODISCARD ch_status ch_output_close(ch_output *out, bool sync, ch_error *err);
/* Closes, frees and removes the file. NULL is ignored. */
void ch_output_abandon(ch_output *out);

/* Size and time of a file; CH_E_PATH_NOT_FOUND. file->path is `path`. */
CH_NODISCARD ch_status ch_store_stat(ch_store_context *context, const char *path, ch_file *file,
                                     bool *is_folder, ch_error *err);
/* A file or a folder with all that is in it; one that is not there is no error. */
CH_NODISCARD ch_status ch_store_remove(ch_store_context *context, const char *path, ch_error *err);
/* Of local paths: */
CH_NODISCARD ch_status ch_file_stat(const char *path, ch_file *file, bool *is_folder,
                                    ch_error *err);
bool ch_file_exists(const char *path);
CH_NODISCARD ch_status ch_file_rename(const char *from, const char *to, ch_error *err);
/* Each gets the other's name, at once; false: one is missing, or the file system cannot. */
bool ch_file_exchange(const char *a, const char *b);
/* A file or a folder with all that is in it; one that is not there is no error. */
CH_NODISCARD ch_status ch_file_remove(const char *path, ch_error *err);
/* The folder and those above it. */
CH_NODISCARD ch_status ch_folder_make(const char *path, ch_error *err);
/* Bytes that can still be written where path is, INT64_MAX when unknown. */
int64_t ch_folder_free_bytes(const char *path);

/* CH_E_PATH_NOT_FOUND, CH_E_DISK_FULL or CH_E_IO for errno `error` of doing `action` ("read") with path. */
CH_NODISCARD ch_status ch_file_error(ch_error *err, int error, const char *action,
                                     const char *path);

#endif
