/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - to the store of each path. */
#include "store/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "store/access.h"
#include "store/store.h"

#define CH_STORE(name) extern const ch_store ch_store_##name;
#include "builtin/stores.def"
#undef CH_STORE

static const ch_store *const STORE[] = {
#define CH_STORE(name) &ch_store_##name,
#include "builtin/stores.def"
#undef CH_STORE
    NULL,
};

const ch_store *ch_store_at(int i)
{
    int n = (int)(sizeof STORE / sizeof *STORE) - 1;
    return i >= 0 && i < n ? STORE[i] : NULL;
}

const char *ch_path_local(const char *path)
{
    if (strncmp(path, "file:", 5) == 0) {
        path += 5;
        return path[0] == '/' && path[1] == '/' ? path + 2 : path;
    }
    /* scheme "://" means another store; a colon alone may stand in a file name. */
    const char *colon = strstr(path, "://");
    if (colon && colon > path && !memchr(path, '/', (size_t)(colon - path)))
        return NULL;
    static const char *const OTHER[] = {"hdfs:/",  "dbfs:/", "s3:/",   "s3a:/",
                                        "s3n:/",   "gs:/",   "abfs:/", "abfss:/",
                                        "wasbs:/", "wasb:/", "http:/", "https:/"};
    for (size_t i = 0; i < sizeof OTHER / sizeof *OTHER; i++)
        if (strncmp(path, OTHER[i], strlen(OTHER[i])) == 0)
            return NULL;
    return path;
}

const ch_store *ch_store_of(const char *path)
{
    if (ch_path_local(path))
        return STORE[0];
    for (int i = 1; STORE[i]; i++)
        for (const char *const *s = STORE[i]->scheme; *s; s++) {
            size_t len = strlen(*s);
            if (strncmp(path, *s, len) == 0 && strncmp(path + len, "://", 3) == 0)
                return STORE[i];
        }
    return NULL;
}

bool ch_path_is_remote(const char *path)
{
    const ch_store *store = ch_store_of(path);
    return store && store->is_remote;
}

/* The path's store, which must be one that the caller can do `what` with. */
static ch_status find_store(const char *path, ch_store_context *context, const ch_store **out,
                            ch_error *err)
{
    *out = ch_store_of(path);
    if (!*out || ((*out)->is_remote && !context))
        CH_FAIL(err, UNSUPPORTED, "feature", path);
    return CH_OK;
}

ch_status ch_file_error(ch_error *err, int error, const char *action, const char *path)
{
    char reason[128];
    if (error == ENOENT || error == ENOTDIR)
        CH_FAIL(err, PATH_NOT_FOUND, "path", path);
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        CH_FAIL(err, DISK_FULL, "path", path);
    CH_FAIL(err, IO, "action", action, "path", path, "reason",
            strerror_r(error, reason, sizeof reason));
}

/* ---- reading ------------------------------------------------------------------------------------ */

ch_status ch_file_open(ch_mem *mem, const ch_file *file, ch_input **out, ch_error *err)
{
    const ch_store *store;
    *out = NULL;
    CH_TRY(find_store(file->path, file->context, &store, err));
    return store->open(mem, file, out, err);
}

ch_status ch_input_open(ch_mem *mem, const char *path, ch_input **out, ch_error *err)
{
    return ch_file_open(mem, &(ch_file){.path = path}, out, err);
}

int64_t ch_input_bytes(const ch_input *in)
{
    return in->bytes;
}

const char *ch_input_path(const ch_input *in)
{
    return in->path;
}

ch_status ch_input_read(ch_input *in, void *to, int64_t n, int64_t offset, int64_t *got,
                        ch_error *err)
{
    return in->store->read(in, to, n, offset, got, err);
}

void ch_input_close(ch_input *in)
{
    if (in)
        in->store->close(in);
}

/* ---- writing ------------------------------------------------------------------------------------ */

ch_status ch_output_create(ch_mem *mem, ch_store_context *context, const char *path,
                           ch_output **out, ch_error *err)
{
    const ch_store *store;
    *out = NULL;
    CH_TRY(find_store(path, context, &store, err));
    if (!store->create)
        CH_FAIL(err, UNSUPPORTED, "feature", "Writing to this kind of address");
    return store->create(mem, context, path, out, err);
}

ch_status ch_output_write(ch_output *out, const void *bytes, int64_t n, ch_error *err)
{
    return out->store->write(out, bytes, n, err);
}

int64_t ch_output_bytes(const ch_output *out)
{
    return out->bytes;
}

ch_status ch_output_close(ch_output *out, bool sync, ch_error *err)
{
    return out->store->commit(out, sync, err);
}

void ch_output_abandon(ch_output *out)
{
    if (out)
        out->store->abandon(out);
}

/* ---- files and folders -------------------------------------------------------------------------- */

ch_status ch_store_stat(ch_store_context *context, const char *path, ch_file *file, bool *is_folder,
                        ch_error *err)
{
    const ch_store *store;
    CH_TRY(find_store(path, context, &store, err));
    return store->stat(context, path, file, is_folder, err);
}

ch_status ch_store_remove(ch_store_context *context, const char *path, ch_error *err)
{
    const ch_store *store;
    CH_TRY(find_store(path, context, &store, err));
    if (!store->remove)
        CH_FAIL(err, UNSUPPORTED, "feature", "Removing at this kind of address");
    return store->remove(context, path, err);
}

ch_status ch_file_stat(const char *path, ch_file *file, bool *is_folder, ch_error *err)
{
    return ch_store_stat(NULL, path, file, is_folder, err);
}

bool ch_file_exists(const char *path)
{
    const char *local = ch_path_local(path);
    struct stat st;
    return local && ch_access_check(path, false, NULL) == CH_OK && lstat(local, &st) == 0;
}

ch_status ch_file_rename(const char *from, const char *to, ch_error *err)
{
    const ch_store *store;
    CH_TRY(find_store(from, NULL, &store, err));
    return store->rename(from, to, err);
}

bool ch_file_exchange(const char *a, const char *b)
{
    const ch_store *store = ch_store_of(a);
    return store && store->exchange && store->exchange(a, b);
}

ch_status ch_file_remove(const char *path, ch_error *err)
{
    return ch_store_remove(NULL, path, err);
}

ch_status ch_folder_make(const char *path, ch_error *err)
{
    const ch_store *store = ch_store_of(path);
    if (!store)
        CH_FAIL(err, UNSUPPORTED, "feature", path);
    return store->make_folder ? store->make_folder(path, err) : CH_OK;
}

int64_t ch_folder_free_bytes(const char *path)
{
    const ch_store *store = ch_store_of(path);
    return store && store->free_bytes ? store->free_bytes(path) : INT64_MAX;
}

ch_store_entry *ch_store_add_entry(ch_arena *arena, ch_store_entries *entries, ch_error *err)
{
    if (entries->n == entries->cap) {
        int32_t cap = entries->cap ? entries->cap * 2 : 64;
        ch_store_entry *more = ch_arena_alloc(arena, sizeof *more * (size_t)cap, err);
        if (!more)
            return NULL;
        if (entries->n)
            memcpy(more, entries->item, sizeof *more * (size_t)entries->n);
        entries->item = more;
        entries->cap = cap;
    }
    ch_store_entry *e = &entries->item[entries->n++];
    *e = (ch_store_entry){0};
    return e;
}
