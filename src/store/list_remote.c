/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list_remote.c - paths of other stores: globs as Hadoop's, part by part, then all files below at once.
 *
 *   s3a://b/data/{2023,2024}/m=*.csv   braces first: two patterns
 *   s3a://b/data/2023/                 parts without a glob are only put together
 *   s3a://b/data/2023/m=*.csv          a part with one: the folder's names are asked for and matched
 */
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "store/access.h"
#include "store/list.h"
#include "store/store.h"

#define MOST_PATTERNS 10000

/* A growing list of texts. */
typedef struct texts {
    const char **item;
    int32_t n, cap;
} texts;

typedef struct walker {
    ch_arena *arena;
    const ch_store *store;
    const ch_list_filter *filter;
    ch_remote_root *root;
    int32_t n_roots, cap_roots;
} walker;

static ch_status add_text(ch_arena *arena, texts *list, const char *text, ch_error *err)
{
    if (!text)
        return CH_E_MEMORY;
    if (list->n == MOST_PATTERNS)
        CH_FAIL(err, UNSUPPORTED, "feature", "A glob that stands for more than 10000 folders");
    if (list->n == list->cap) {
        int32_t cap = list->cap ? list->cap * 2 : 8;
        const char **more;
        CH_ARENA_ARRAY(more, arena, cap, err);
        if (list->n)
            memcpy(more, list->item, sizeof *more * (size_t)list->n);
        list->item = more;
        list->cap = cap;
    }
    list->item[list->n++] = text;
    return CH_OK;
}

/* ---- braces ------------------------------------------------------------------------------------- */

/* Where the first brace with a comma on its level begins, and where it ends; NULL: there is none. */
static const char *find_brace(const char *p, const char **end)
{
    for (; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            continue;
        }
        if (*p != '{')
            continue;
        int depth = 0;
        for (const char *q = p; *q; q++) {
            if (*q == '\\' && q[1])
                q++;
            else if (*q == '{')
                depth++;
            else if (*q == '}' && --depth == 0) {
                *end = q;
                return p;
            }
        }
        return NULL;
    }
    return NULL;
}

/* Depth is that of the braces. */
static ch_status expand_braces(ch_arena *arena, const char *pattern, texts *out, ch_error *err)
{
    const char *end = NULL, *open = find_brace(pattern, &end);
    if (!open)
        return add_text(arena, out, ch_arena_str(arena, pattern, err), err);
    int depth = 0;
    for (const char *from = open + 1, *q = from; q <= end; q++) {
        if (*q == '\\' && q < end) {
            q++;
            continue;
        }
        depth += *q == '{';
        depth -= *q == '}' && q != end;
        if (depth > 0 || (*q != ',' && q != end))
            continue;
        char *one = ch_arena_printf(arena, err, "%.*s%.*s%s", (int)(open - pattern), pattern,
                                    (int)(q - from), from, end + 1);
        if (!one)
            return CH_E_MEMORY;
        CH_TRY(expand_braces(arena, one, out, err));
        from = q + 1;
    }
    return CH_OK;
}

/* ---- roots -------------------------------------------------------------------------------------- */

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool passes(const walker *w, const ch_file *file)
{
    const ch_list_filter *f = w->filter;
    return (!f->name_glob || fnmatch(f->name_glob, last_name(file->path), 0) == 0) &&
           file->mtime_us > f->after_us && file->mtime_us < f->before_us;
}

/* Is a part of the path behind the root's hidden, or is it a folder's mark? */
static bool is_left_out(const char *below)
{
    size_t len = strlen(below);
    if (len == 0 || below[len - 1] == '/')
        return true;
    for (const char *part = below; part; part = strchr(part, '/')) {
        part += *part == '/';
        const char *end = strchr(part, '/');
        char name[3] = {part[0], part[0] ? part[1] : 0, 0};
        if (name[0] == '.')
            return true;
        if (name[0] == '_' && !memchr(part, '=', end ? (size_t)(end - part) : strlen(part)))
            return true;
    }
    return false;
}

/* from_glob: one that is not there, or is hidden, was not asked for. */
static ch_status add_root(walker *w, const char *path, bool from_glob, ch_error *err)
{
    ch_store_entries entries = {0};
    ch_error own = {0};
    size_t len = strlen(path);
    ch_status status = w->store->list(w->filter->context, w->arena, path, true, &entries, &own);
    if (status == CH_E_PATH_NOT_FOUND && (from_glob || w->filter->skip_missing)) {
        ch_error_release(&own);
        return CH_OK;
    }
    if (status != CH_OK)
        return ch_error_pass(err, &own);
    if (w->n_roots == w->cap_roots) {
        int32_t cap = w->cap_roots ? w->cap_roots * 2 : 4;
        ch_remote_root *more;
        CH_ARENA_ARRAY(more, w->arena, cap, err);
        if (w->n_roots)
            memcpy(more, w->root, sizeof *more * (size_t)w->n_roots);
        w->root = more;
        w->cap_roots = cap;
    }
    bool is_file = entries.n == 1 && strcmp(entries.item[0].file.path, path) == 0;
    if (is_file && from_glob && ch_list_is_hidden(last_name(path)))
        return CH_OK;
    ch_remote_root *r = &w->root[w->n_roots++];
    *r = (ch_remote_root){.path = path, .is_folder = !is_file};
    CH_ARENA_ARRAY(r->file, w->arena, entries.n + 1, err);
    while (len > 0 && path[len - 1] == '/')
        len--;
    for (int32_t i = 0; i < entries.n; i++) {
        ch_store_entry *e = &entries.item[i];
        if (e->is_folder || (!is_file && is_left_out(e->file.path + len + 1)) ||
            !passes(w, &e->file))
            continue;
        e->file.context = w->filter->context;
        r->file[r->n_files++] = e->file;
    }
    return CH_OK;
}

/* ---- globs -------------------------------------------------------------------------------------- */

static bool has_glob(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (part[i] == '\\')
            i++;
        else if (strchr("*?[", part[i]))
            return true;
    }
    return false;
}

/* part without its backslashes. */
static char *plain_part(ch_arena *arena, const char *part, size_t len, ch_error *err)
{
    char *out = ch_arena_strn(arena, part, len, err);
    size_t n = 0;
    for (size_t i = 0; out && i < len; i++) {
        if (part[i] == '\\' && i + 1 < len)
            i++;
        out[n++] = part[i];
    }
    if (out)
        out[n] = 0;
    return out;
}

/* The folders' names that match one part of the pattern. */
static ch_status match_part(walker *w, const texts *folders, const char *part, bool last,
                            texts *out, ch_error *err)
{
    for (int32_t i = 0; i < folders->n; i++) {
        ch_store_entries entries = {0};
        ch_error own = {0};
        size_t len = strlen(folders->item[i]);
        ch_status status =
            w->store->list(w->filter->context, w->arena, folders->item[i], false, &entries, &own);
        if (status == CH_E_PATH_NOT_FOUND) {
            ch_error_release(&own);
            continue;
        }
        if (status != CH_OK)
            return ch_error_pass(err, &own);
        for (int32_t k = 0; k < entries.n; k++) {
            const ch_store_entry *e = &entries.item[k];
            if (strlen(e->file.path) <= len + 1 || (!last && !e->is_folder))
                continue;
            if (fnmatch(part, e->file.path + len + 1, 0) == 0)
                CH_TRY(add_text(w->arena, out, e->file.path, err));
        }
    }
    return CH_OK;
}

static ch_status add_pattern(walker *w, const char *pattern, ch_error *err)
{
    const char *at = strstr(pattern, "://") + 3;
    at += strcspn(at, "/"); /* a bucket's name is no pattern */
    texts found = {0};
    bool any = false;
    CH_TRY(add_text(w->arena, &found, ch_arena_strn(w->arena, pattern, (size_t)(at - pattern), err),
                    err));
    while (*at) {
        at += strspn(at, "/");
        size_t len = strcspn(at, "/");
        if (len == 0)
            break;
        bool last = at[len + strspn(at + len, "/")] == 0;
        texts next = {0};
        if (has_glob(at, len)) {
            char *part = ch_arena_strn(w->arena, at, len, err);
            if (!part)
                return CH_E_MEMORY;
            any = true;
            CH_TRY(match_part(w, &found, part, last, &next, err));
        } else {
            char *part = plain_part(w->arena, at, len, err);
            for (int32_t i = 0; part && i < found.n; i++)
                CH_TRY(add_text(w->arena, &next,
                                ch_arena_printf(w->arena, err, "%s/%s", found.item[i], part), err));
            if (!part)
                return CH_E_MEMORY;
        }
        found = next;
        at += len;
    }
    for (int32_t i = 0; i < found.n; i++)
        CH_TRY(add_root(w, found.item[i], any, err));
    return CH_OK;
}

ch_status ch_list_remote(ch_arena *arena, const char *path, const ch_list_filter *filter,
                         ch_remote_root **root, int32_t *n_roots, ch_error *err)
{
    walker w = {.arena = arena, .filter = filter};
    *root = NULL;
    *n_roots = 0;
    w.store = ch_store_of(path);
    if (!w.store || !w.store->list || !filter->context)
        CH_FAIL(err, UNSUPPORTED, "feature", "Reading from another store than local files");
    char *copy = ch_arena_str(arena, path, err);
    if (!copy)
        return CH_E_MEMORY;
    if (!w.store->has_globs || !strpbrk(copy, "*?[{")) {
        CH_TRY(add_root(&w, copy, false, err));
    } else {
        texts patterns = {0};
        CH_TRY(expand_braces(arena, copy, &patterns, err));
        for (int32_t i = 0; i < patterns.n; i++)
            CH_TRY(add_pattern(&w, patterns.item[i], err));
        if (w.n_roots == 0 && !filter->skip_missing)
            CH_FAIL(err, PATH_NOT_FOUND, "path", path);
    }
    *root = w.root;
    *n_roots = w.n_roots;
    return CH_OK;
}
