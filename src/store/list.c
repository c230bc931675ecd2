/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list.c - walking folders; globs by glob(3).
 *
 * Folders are read level by level, those of one level by all workers at once; then the files found are
 * looked at, also at once. Each worker keeps what it found in an arena of its own. Remote paths are
 * list_remote.c's.
 */
#include "store/list.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/access.h"

#define FEW_FOLDERS 8  /* are read on the calling thread */
#define STAT_BLOCK 256 /* files of one step */

/* A file or folder below a root. */
typedef struct entry {
    const char *path;
    int32_t root;
} entry;

typedef struct entries {
    entry *item;
    int32_t n, cap;
} entries;

typedef struct found {
    ch_file file;
    int32_t root;
    bool keep;
} found;

/* What one worker found. */
typedef struct list_slot {
    ch_arena arena;
    entries folders, files;
} list_slot;

typedef struct lister {
    ch_arena *arena;
    ch_pool *pool;
    const ch_list_filter *filter;
    ch_listing *out;
    int32_t cap_roots;
    entries level, files; /* folders still to be read; files */
    found *remote;        /* files of other stores, in the arena */
    int32_t n_remote, cap_remote;
    list_slot *slot;
    int n_slots;
    /* The step that runs. */
    found *found;
    _Atomic int32_t next;
    _Atomic int status;
    pthread_mutex_t lock; /* guards err */
    ch_error *err;
} lister;

bool ch_list_is_hidden(const char *name)
{
    return name[0] == '.' || (name[0] == '_' && !strchr(name, '='));
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static ch_status add_entry(ch_arena *arena, entries *list, const char *path, int32_t root,
                           ch_error *err)
{
    if (list->n == list->cap) {
        int32_t cap = list->cap ? list->cap * 2 : 16;
        entry *more;
        CH_ARENA_ARRAY(more, arena, cap, err);
        if (list->n)
            memcpy(more, list->item, sizeof *more * (size_t)list->n);
        list->item = more;
        list->cap = cap;
    }
    list->item[list->n++] = (entry){path, root};
    return CH_OK;
}

/* Told as Spark tells it: "file:" and the absolute path. */
static ch_status not_found(lister *l, const char *path, ch_error *err)
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

/* ---- one folder ------------------------------------------------------------------------------- */

static bool entry_is_folder(DIR *dir, const struct dirent *e)
{
    struct stat st;
    if (e->d_type == DT_DIR || e->d_type == DT_REG)
        return e->d_type == DT_DIR;
    return fstatat(dirfd(dir), e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static ch_status read_folder(const lister *l, list_slot *s, const entry *folder, ch_error *err)
{
    CH_TRY(ch_access_check(folder->path, false, err)); /* a link may lead elsewhere */
    DIR *dir = opendir(folder->path);
    ch_status status = CH_OK;
    if (!dir && l->filter->skip_missing && errno == ENOENT)
        return CH_OK;
    if (!dir)
        return ch_file_error(err, errno, "read", folder->path);
    size_t len = strlen(folder->path);
    const char *slash = len && folder->path[len - 1] == '/' ? "" : "/";
    for (struct dirent *e; status == CH_OK;) {
        errno = 0;
        if (!(e = readdir(dir))) {
            if (errno)
                status = ch_file_error(err, errno, "read", folder->path);
            break;
        }
        if (ch_list_is_hidden(e->d_name))
            continue;
        bool is_folder = entry_is_folder(dir, e);
        if (!is_folder && l->filter->name_glob && fnmatch(l->filter->name_glob, e->d_name, 0) != 0)
            continue;
        char *below = ch_arena_printf(&s->arena, err, "%s%s%s", folder->path, slash, e->d_name);
        status = below ? add_entry(&s->arena, is_folder ? &s->folders : &s->files, below,
                                   folder->root, err)
                       : CH_E_MEMORY;
    }
    closedir(dir);
    return status;
}

/* ---- steps of all workers ----------------------------------------------------------------------- */

static void failed(lister *l, ch_status status, ch_error *own)
{
    pthread_mutex_lock(&l->lock);
    if (l->status == CH_OK) {
        l->status = (int)status;
        if (l->err && l->err->code == CH_OK) {
            *l->err = *own;
            *own = (ch_error){0};
        }
    }
    pthread_mutex_unlock(&l->lock);
    ch_error_release(own);
}

static bool folder_step(void *job, int slot)
{
    lister *l = job;
    int32_t i = atomic_fetch_add(&l->next, 1);
    if (i >= l->level.n || l->status != CH_OK)
        return false;
    ch_error err = {0};
    ch_status status = read_folder(l, &l->slot[slot], &l->level.item[i], &err);
    if (status != CH_OK)
        failed(l, status, &err);
    return true;
}

static bool stat_step(void *job, int slot)
{
    lister *l = job;
    int32_t from = atomic_fetch_add(&l->next, STAT_BLOCK);
    CH_UNUSED(slot);
    if (from >= l->files.n || l->status != CH_OK)
        return false;
    for (int32_t i = from; i < l->files.n && i < from + STAT_BLOCK; i++) {
        found *f = &l->found[i];
        ch_error err = {0};
        f->root = l->files.item[i].root;
        ch_status status = ch_file_stat(l->files.item[i].path, &f->file, NULL, &err);
        f->keep = status == CH_OK && f->file.mtime_us > l->filter->after_us &&
                  f->file.mtime_us < l->filter->before_us;
        if (status ==
            CH_E_PATH_NOT_FOUND) /* gone since the folder was read, or a link to nowhere */
            ch_error_release(&err);
        else if (status != CH_OK)
            failed(l, status, &err);
    }
    return true;
}

static ch_status run(lister *l, ch_job_step step, int32_t steps, ch_error *err)
{
    l->next = 0;
    l->err = err;
    if (l->pool && steps > FEW_FOLDERS)
        ch_pool_run(l->pool, step, l, l->n_slots);
    else
        while (step(l, 0))
            continue;
    return (ch_status)l->status;
}

static ch_status take_entries(lister *l, ch_error *err)
{
    for (int s = 0; s < l->n_slots; s++) {
        list_slot *slot = &l->slot[s];
        for (int32_t i = 0; i < slot->folders.n; i++)
            CH_TRY(add_entry(l->arena, &l->level, slot->folders.item[i].path,
                             slot->folders.item[i].root, err));
        for (int32_t i = 0; i < slot->files.n; i++)
            CH_TRY(add_entry(l->arena, &l->files, slot->files.item[i].path,
                             slot->files.item[i].root, err));
        slot->folders.n = slot->files.n = 0;
    }
    return CH_OK;
}

static ch_status walk(lister *l, ch_error *err)
{
    while (l->level.n > 0) {
        CH_TRY(run(l, folder_step, l->level.n, err));
        l->level.n = 0;
        CH_TRY(take_entries(l, err));
    }
    return CH_OK;
}

/* ---- roots -------------------------------------------------------------------------------------- */

/* One more root; *at is its number. */
static ch_status new_root(lister *l, const char *path, bool is_folder, int32_t *at, ch_error *err)
{
    ch_listing *out = l->out;
    if (out->n_roots == l->cap_roots) {
        int32_t cap = l->cap_roots ? l->cap_roots * 2 : 4;
        const char **root;
        bool *folder;
        CH_ARENA_ARRAY(root, l->arena, cap, err);
        CH_ARENA_ARRAY(folder, l->arena, cap, err);
        for (int32_t i = 0; i < out->n_roots; i++) {
            root[i] = out->root[i];
            folder[i] = out->is_folder[i];
        }
        out->root = root;
        out->is_folder = folder;
        l->cap_roots = cap;
    }
    *at = out->n_roots++;
    out->root[*at] = path;
    out->is_folder[*at] = is_folder;
    return CH_OK;
}

static ch_status add_root(lister *l, const char *path, ch_error *err)
{
    ch_file file;
    bool is_folder;
    int32_t at;
    CH_TRY(ch_file_stat(path, &file, &is_folder, err));
    CH_TRY(new_root(l, path, is_folder, &at, err));
    if (is_folder)
        return add_entry(l->arena, &l->level, path, at, err);
    if (l->filter->name_glob && fnmatch(l->filter->name_glob, last_name(path), 0) != 0)
        return CH_OK;
    return add_entry(l->arena, &l->files, path, at, err);
}

/* A path of another store. */
static ch_status add_remote(lister *l, const char *path, ch_error *err)
{
    ch_remote_root *root;
    int32_t n, at;
    CH_TRY(ch_list_remote(l->arena, path, l->filter, &root, &n, err));
    for (int32_t r = 0; r < n; r++) {
        CH_TRY(new_root(l, root[r].path, root[r].is_folder, &at, err));
        if (l->n_remote + root[r].n_files > l->cap_remote) {
            int32_t cap = l->cap_remote * 2 + root[r].n_files;
            found *more;
            CH_ARENA_ARRAY(more, l->arena, cap, err);
            if (l->n_remote)
                memcpy(more, l->remote, sizeof *more * (size_t)l->n_remote);
            l->remote = more;
            l->cap_remote = cap;
        }
        for (int32_t i = 0; i < root[r].n_files; i++)
            l->remote[l->n_remote++] = (found){root[r].file[i], at, true};
    }
    return CH_OK;
}

/* A path that the program itself named. */
static ch_status add_named(lister *l, const char *path, ch_error *err)
{
    struct stat st;
    CH_TRY(ch_access_check(path, false, err));
    if (stat(path, &st) != 0 && errno == ENOENT)
        return l->filter->skip_missing ? CH_OK : not_found(l, path, err);
    return add_root(l, path, err);
}

/*
 * What glob(3) looks at when some folders only are allowed: nothing outside them, so that what is there
 * does not show. It was asked for when `refused` is set.
 */
static _Thread_local bool refused;

static bool may_look(const char *path)
{
    if (ch_access_check(path, false, NULL) == CH_OK)
        return true;
    refused = true;
    errno = EACCES;
    return false;
}

static void *allowed_opendir(const char *path)
{
    return may_look(path) ? opendir(path) : NULL;
}

static struct dirent *allowed_readdir(void *dir)
{
    return readdir(dir);
}

static void allowed_closedir(void *dir)
{
    closedir(dir);
}

static int allowed_stat(const char *path, struct stat *st)
{
    return may_look(path) ? stat(path, st) : -1;
}

static int allowed_lstat(const char *path, struct stat *st)
{
    return may_look(path) ? lstat(path, st) : -1;
}

static ch_status add_glob(lister *l, const char *pattern, ch_error *err)
{
    glob_t g = {.gl_opendir = allowed_opendir,
                .gl_readdir = allowed_readdir,
                .gl_closedir = allowed_closedir,
                .gl_stat = allowed_stat,
                .gl_lstat = allowed_lstat};
    refused = false;
    int code = glob(pattern, GLOB_BRACE | (ch_access_is_limited() ? GLOB_ALTDIRFUNC : 0), NULL, &g);
    if (refused) {
        if (code == 0)
            globfree(&g);
        CH_FAIL(err, PATH_NOT_ALLOWED, "path", pattern);
    }
    if (code == GLOB_NOMATCH)
        return l->filter->skip_missing ? CH_OK : not_found(l, pattern, err);
    if (code != 0)
        CH_FAIL(err, IO, "action", "list", "path", pattern, "reason",
                code == GLOB_NOSPACE ? "out of memory" : "a folder cannot be read");
    ch_status status = CH_OK;
    for (size_t i = 0; i < g.gl_pathc && status == CH_OK; i++) {
        char *path = ch_arena_str(l->arena, g.gl_pathv[i], err);
        status = path ? add_root(l, path, err) : CH_E_MEMORY;
    }
    globfree(&g);
    return status;
}

static ch_status add_paths(lister *l, const char *const *path, int32_t n, ch_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        const char *local = ch_path_local(path[i]);
        if (!local) {
            CH_TRY(add_remote(l, path[i], err));
            continue;
        }
        char *copy = ch_arena_str(l->arena, local, err);
        if (!copy)
            return CH_E_MEMORY;
        /* A file whose name happens to look like a glob is that file. */
        if (strpbrk(copy, "*?[{") && !ch_file_exists(copy))
            CH_TRY(add_glob(l, copy, err));
        else
            CH_TRY(add_named(l, copy, err));
    }
    return CH_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static int by_root_and_path(const void *x, const void *y)
{
    const found *a = x, *b = y;
    if (a->root != b->root)
        return a->root < b->root ? -1 : 1;
    return strcmp(a->file.path, b->file.path);
}

static ch_status look_at_files(lister *l, ch_error *err)
{
    ch_listing *out = l->out;
    int32_t n = 0;
    size_t bytes = sizeof *l->found * (size_t)(l->files.n + l->n_remote + 1);
    l->found = ch_mem_alloc(l->arena->mem, bytes, err);
    if (!l->found)
        return CH_E_MEMORY;
    ch_status status = run(
        l, stat_step, l->files.n / STAT_BLOCK + 1 + FEW_FOLDERS * (l->files.n > STAT_BLOCK), err);
    for (int32_t i = 0; i < l->files.n && status == CH_OK; i++)
        if (l->found[i].keep)
            l->found[n++] = l->found[i];
    if (status != CH_OK)
        goto out;
    for (int32_t i = 0; i < l->n_remote; i++)
        l->found[n++] = l->remote[i];
    qsort(l->found, (size_t)n, sizeof *l->found, by_root_and_path);
    status = CH_E_MEMORY;
    out->file = ch_arena_alloc(l->arena, sizeof *out->file * (size_t)(n + 1), err);
    out->root_of = ch_arena_alloc(l->arena, sizeof *out->root_of * (size_t)(n + 1), err);
    if (!out->file || !out->root_of)
        goto out;
    for (int32_t i = 0; i < n; i++) {
        out->file[i] = l->found[i].file;
        out->root_of[i] = l->found[i].root;
        /* The workers' arenas go. */
        out->file[i].path = ch_arena_str(l->arena, out->file[i].path, err);
        if (!out->file[i].path)
            goto out;
    }
    out->n_files = n;
    status = CH_OK;
out:
    ch_mem_free(l->arena->mem, l->found, bytes);
    return status;
}

ch_status ch_list(ch_arena *arena, ch_pool *pool, const char *const *path, int32_t n,
                  const ch_list_filter *filter, ch_listing *out, ch_error *err)
{
    lister l = {.arena = arena, .pool = pool, .filter = filter, .out = out};
    *out = (ch_listing){0};
    l.n_slots = pool ? ch_pool_threads(pool) : 1;
    CH_ARENA_ARRAY(l.slot, arena, l.n_slots, err);
    for (int s = 0; s < l.n_slots; s++) {
        ch_arena_init(&l.slot[s].arena, arena->mem);
        l.slot[s].arena.cancel = arena->cancel;
    }
    pthread_mutex_init(&l.lock, NULL);
    ch_status status = add_paths(&l, path, n, err);
    if (status == CH_OK)
        status = walk(&l, err);
    if (status == CH_OK)
        status = look_at_files(&l, err);
    pthread_mutex_destroy(&l.lock);
    for (int s = 0; s < l.n_slots; s++)
        ch_arena_release(&l.slot[s].arena);
    if (status != CH_OK)
        *out = (ch_listing){0};
    return status;
}

ch_status ch_list_files(ch_arena *arena, const char *const *path, int32_t n,
                        const ch_strmap *options, ch_file **file, int32_t *n_files, ch_error *err)
{
    ch_listing all;
    ch_list_filter filter = CH_LIST_ALL;
    if (options)
        filter.name_glob = ch_strmap_get(options, "pathGlobFilter");
    ch_status status = ch_list(arena, NULL, path, n, &filter, &all, err);
    *file = all.file;
    *n_files = all.n_files;
    return status;
}

typedef struct sized {
    ch_file file;
    int32_t at, number;
} sized;

static int by_size(const void *x, const void *y)
{
    const sized *a = x, *b = y;
    if (a->file.bytes != b->file.bytes)
        return a->file.bytes > b->file.bytes ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

bool ch_files_are_by_size(const ch_file *file, int32_t n)
{
    for (int32_t i = 1; i < n; i++)
        if (file[i - 1].bytes < file[i].bytes)
            return false;
    return true;
}

ch_status ch_files_by_size(ch_arena *arena, ch_file *file, int32_t *number, int32_t n,
                           ch_error *err)
{
    if (ch_files_are_by_size(file, n))
        return CH_OK;
    size_t bytes = sizeof(sized) * (size_t)n;
    sized *all = ch_mem_alloc(arena->mem, bytes, err);
    if (!all)
        return CH_E_MEMORY;
    for (int32_t i = 0; i < n; i++)
        all[i] = (sized){file[i], i, number ? number[i] : i};
    qsort(all, (size_t)n, sizeof *all, by_size);
    for (int32_t i = 0; i < n; i++) {
        file[i] = all[i].file;
        if (number)
            number[i] = all[i].number;
    }
    ch_mem_free(arena->mem, all, bytes);
    return CH_OK;
}
