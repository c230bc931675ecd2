/* SPDX-License-Identifier: Apache-2.0 */
/*
 * s3_store.c - the store of s3:// and s3a://: objects are files, what stands before a slash are folders.
 *
 * A path is a file if there is an object of its name, and a folder if there are keys behind its name and a slash; objects
 * whose own name ends with a slash only mark folders. A listing gives sizes and ETags, so opening asks nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/remote_file.h"
#include "store/s3.h"
#include "store/s3_upload.h"

extern const ch_store ch_store_s3;

/* ---- reading ------------------------------------------------------------------------------------ */

static ch_status fetch(ch_remote_file *f, int64_t offset, int64_t n, const _Atomic bool *cancel,
                       ch_status (*take)(void *, const void *, int64_t, ch_error *), void *user,
                       ch_error *err)
{
    ch_http_response response;
    ch_s3_call call = {.method = "GET",
                       .action = "read",
                       .from = offset,
                       .len = n,
                       .etag = f->etag,
                       .take = take,
                       .user = user,
                       .cancel = cancel};
    CH_TRY(ch_s3_place_of(f->context, f->path, false, &call.place, err));
    ch_status status = ch_s3_send(&call, &response, err);
    ch_http_response_release(&response);
    return status;
}

/* The object of the place's key; false: there is none. etag in arena. */
static ch_status head(const ch_s3_place *place, ch_arena *arena, ch_file *file, bool *found,
                      ch_error *err)
{
    ch_http_response response;
    char text[128];
    ch_s3_call call = {.method = "HEAD",
                       .place = *place,
                       .action = "look at",
                       .cancel = ch_store_cancel(place->bucket->context),
                       .also = 404};
    ch_error own = {0};
    ch_status status = ch_s3_send(&call, &response, &own);
    if (status == CH_E_IO && response.status / 100 == 4) {
        /* HEAD's answers have no body: what is wrong is said to a GET. */
        ch_http_response_release(&response);
        ch_error said = {0};
        call.method = "GET";
        call.len = 1;
        if (ch_s3_send(&call, &response, &said) == CH_E_IO) {
            ch_error_release(&own);
            own = said;
            said = (ch_error){0};
        }
        ch_error_release(&said);
    }
    (void)ch_error_pass(err, &own);
    *found = status == CH_OK && response.status != 404;
    if (*found) {
        size_t len;
        const char *etag = ch_http_header_of(&response, "etag", &len);
        *file = (ch_file){.path = place->path, .context = place->bucket->context};
        char *end;
        file->bytes =
            strtoll(ch_http_header_text(&response, "content-length", text, 128), &end, 10);
        if (end == text || file->bytes < 0)
            status = ch_error_set(err, CH_E_IO, "action", "look at", "path", place->path, "reason",
                                  "the server does not say how many bytes it has", (const char *)0);
        file->mtime_us = ch_http_date(ch_http_header_text(&response, "last-modified", text, 128));
        if (etag && status == CH_OK) {
            file->etag = ch_arena_strn(arena, etag, len, err);
            status = file->etag ? CH_OK : CH_E_MEMORY;
        }
    }
    ch_http_response_release(&response);
    return status;
}

/* The key as a folder's: "" for the bucket, or with one slash at its end. Given in arena. */
static char *folder_key(const ch_s3_place *place, ch_arena *arena, ch_error *err)
{
    size_t len = strlen(place->key);
    while (len > 0 && place->key[len - 1] == '/')
        len--;
    return ch_arena_printf(arena, err, "%.*s%s", (int)len, place->key, len ? "/" : "");
}

/* ---- listing ------------------------------------------------------------------------------------ */

typedef struct listing {
    ch_store_context *context;
    ch_arena *arena;
    ch_store_entries *out;
    const char *prefix; /* key */
    const char *path;   /* of the folder, which the keys' ends are put behind; ends with a slash */
    bool any;
} listing;

static ch_status add_object(void *user, const ch_s3_object *object, ch_error *err)
{
    listing *l = user;
    const char *rest = object->key + strlen(l->prefix);
    size_t len = strlen(rest);
    l->any = true;
    if (len == 0 || rest[0] == '/')
        return CH_OK; /* the folder's own mark; a name that no path can say */
    if (object->is_folder)
        len--;
    ch_store_entry *e = ch_store_add_entry(l->arena, l->out, err);
    if (!e)
        return CH_E_MEMORY;
    e->is_folder = object->is_folder;
    e->file.path = ch_arena_printf(l->arena, err, "%s%.*s", l->path, (int)len, rest);
    e->file.bytes = object->bytes;
    e->file.mtime_us = object->mtime_us;
    e->file.etag = object->etag ? ch_arena_str(l->arena, object->etag, err) : NULL;
    e->file.context = l->context;
    return e->file.path && (!object->etag || e->file.etag) ? CH_OK : CH_E_MEMORY;
}

static ch_status s3_list(ch_store_context *c, ch_arena *arena, const char *path, bool deep,
                         ch_store_entries *out, ch_error *err)
{
    ch_s3_place place;
    size_t len = strlen(path);
    CH_TRY(ch_s3_place_of(c, path, false, &place, err));
    if (*place.key && path[len - 1] != '/' && deep) {
        ch_file file;
        bool found;
        CH_TRY(head(&place, arena, &file, &found, err));
        if (found) {
            ch_store_entry *e = ch_store_add_entry(arena, out, err);
            if (e)
                e->file = file;
            return e ? CH_OK : CH_E_MEMORY;
        }
    }
    while (len > 0 && path[len - 1] == '/')
        len--;
    listing l = {.context = c, .arena = arena, .out = out};
    l.prefix = folder_key(&place, arena, err);
    l.path = ch_arena_printf(arena, err, "%.*s/", (int)len, path);
    if (!l.prefix || !l.path)
        return CH_E_MEMORY;
    CH_TRY(ch_s3_list(&place, l.prefix, !deep, 0, add_object, &l, err));
    if (!l.any && *place.key)
        CH_FAIL(err, PATH_NOT_FOUND, "path", path);
    return CH_OK;
}

static ch_status note_any(void *user, const ch_s3_object *object, ch_error *err)
{
    CH_UNUSED(object);
    CH_UNUSED(err);
    *(bool *)user = true;
    return CH_OK;
}

static ch_status stat_place(const ch_s3_place *place, ch_arena *arena, ch_file *file,
                            bool *is_folder, ch_error *err)
{
    bool found = false;
    size_t len = strlen(place->key);
    if (len && place->key[len - 1] != '/') {
        CH_TRY(head(place, arena, file, &found, err));
        if (found) {
            *is_folder = false;
            file->etag = NULL; /* the arena goes */
            return CH_OK;
        }
    }
    char *prefix = folder_key(place, arena, err);
    if (!prefix)
        return CH_E_MEMORY;
    CH_TRY(ch_s3_list(place, prefix, false, 1, note_any, &found, err));
    if (!found && len)
        CH_FAIL(err, PATH_NOT_FOUND, "path", place->path);
    *file = (ch_file){.path = place->path, .context = place->bucket->context};
    *is_folder = true;
    return CH_OK;
}

static ch_status s3_stat(ch_store_context *c, const char *path, ch_file *file, bool *is_folder,
                         ch_error *err)
{
    ch_s3_place place;
    ch_arena arena;
    bool folder = false;
    CH_TRY(ch_s3_place_of(c, path, false, &place, err));
    ch_arena_init(&arena, c->mem);
    ch_status status = stat_place(&place, &arena, file, &folder, err);
    ch_arena_release(&arena);
    if (is_folder)
        *is_folder = folder;
    return status;
}

static ch_status s3_open(ch_mem *mem, const ch_file *file, ch_input **out, ch_error *err)
{
    ch_remote_file *f = NULL;
    ch_file whole = *file;
    ch_s3_place place;
    CH_TRY(ch_s3_place_of(file->context, file->path, false, &place, err));
    if (!file->etag) { /* not from a listing */
        bool found;
        ch_arena arena;
        ch_arena_init(&arena, file->context->mem);
        ch_status status = head(&place, &arena, &whole, &found, err);
        if (status == CH_OK && !found)
            status = ch_error_set(err, CH_E_PATH_NOT_FOUND, "path", file->path, (const char *)0);
        if (status == CH_OK)
            status = ch_remote_file_get(&whole, fetch, &f, err);
        ch_arena_release(&arena);
        CH_TRY(status);
    } else {
        CH_TRY(ch_remote_file_get(&whole, fetch, &f, err));
    }
    return ch_remote_input(&ch_store_s3, mem, file, f, out, err);
}

/* ---- removing ----------------------------------------------------------------------------------- */

typedef struct keys {
    ch_arena *arena;
    const char **item;
    int64_t n, cap;
} keys;

static ch_status add_key(void *user, const ch_s3_object *object, ch_error *err)
{
    keys *k = user;
    if (k->n == k->cap) {
        int64_t cap = k->cap ? k->cap * 2 : 64;
        const char **more;
        CH_ARENA_ARRAY(more, k->arena, cap, err);
        if (k->n)
            memcpy(more, k->item, sizeof *more * (size_t)k->n);
        k->item = more;
        k->cap = cap;
    }
    k->item[k->n] = ch_arena_str(k->arena, object->key, err);
    return k->item[k->n++] ? CH_OK : CH_E_MEMORY;
}

static ch_status s3_remove(ch_store_context *c, const char *path, ch_error *err)
{
    ch_s3_place place;
    ch_arena arena;
    CH_TRY(ch_s3_place_of(c, path, true, &place, err));
    if (!*place.key)
        CH_FAIL(err, UNSUPPORTED, "feature", "Removing a whole bucket");
    ch_arena_init(&arena, c->mem);
    keys all = {.arena = &arena};
    char *prefix = folder_key(&place, &arena, err);
    ch_status status = prefix ? CH_OK : CH_E_MEMORY;
    if (status == CH_OK && *place.key)
        status = add_key(&all, &(ch_s3_object){.key = place.key}, err);
    if (status == CH_OK)
        status = ch_s3_list(&place, prefix, false, 0, add_key, &all, err);
    if (status == CH_OK)
        status = ch_s3_delete(&place, all.item, all.n, err);
    ch_arena_release(&arena);
    return status;
}

static const char *const SCHEME[] = {"s3a", "s3", NULL};

const ch_store ch_store_s3 = {.name = "s3",
                              .scheme = SCHEME,
                              .is_remote = true,
                              .has_globs = true,
                              .open = s3_open,
                              .read = ch_remote_read,
                              .close = ch_remote_close,
                              .create = ch_s3_output_create,
                              .write = ch_s3_output_write,
                              .commit = ch_s3_output_commit,
                              .abandon = ch_s3_output_abandon,
                              .stat = s3_stat,
                              .list = s3_list,
                              .remove = s3_remove,
                              .job_begin = ch_s3_job_begin,
                              .job_commit = ch_s3_job_commit,
                              .job_free = ch_s3_job_free};
