/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition.c - which folders are partitions: PartitioningUtils.parsePartitions of Spark.
 *
 *   file  /table/a=1/b=x/f.csv
 *   base  /table                 where the walk upward ends: a path that the program named, or basePath
 *   keys  a, b                   of the folders between the two
 *
 * All folders with files must have the same keys and the same base.
 */
#include "table/partition.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "column/textout.h"

#define MOST_KEYS 256

/* One folder that has files. */
typedef struct folder {
    const char *path;   /* absolute */
    const char *base;   /* absolute; NULL: below _temporary, of no account */
    const char **name;  /* keys, outermost first; unescaped */
    const char **value; /* raw */
    int32_t n;
    int32_t partition; /* its number among those with keys; -1 */
} folder;

typedef struct finder {
    const ch_partition_options *options;
    ch_arena *arena;
    ch_mem *mem;
    ch_listing *listing;
    ch_strmap bases; /* absolute paths */
    ch_strmap known; /* absolute path -> folder * */
    folder **folder; /* in the order of the files */
    int32_t n_folders;
    folder **of_file;
} finder;

/* ---- paths -------------------------------------------------------------------------------------- */

/* Absolute, without empty and "." parts and without a slash at the end. A remote one keeps its parts. */
static char *absolute(ch_arena *arena, const char *path, size_t len, ch_error *err)
{
    char here[4096] = "";
    if (ch_path_is_remote(path)) {
        while (len > 0 && path[len - 1] == '/')
            len--;
        return ch_arena_strn(arena, path, len, err);
    }
    if ((!len || path[0] != '/') && !getcwd(here, sizeof here))
        here[0] = 0;
    char *out = ch_arena_alloc(arena, strlen(here) + len + 3, err);
    if (!out)
        return NULL;
    size_t n = strlen(here);
    memcpy(out, here, n);
    for (size_t i = 0; i < len;) {
        while (i < len && path[i] == '/')
            i++;
        size_t from = i;
        while (i < len && path[i] != '/')
            i++;
        if (i == from || (i == from + 1 && path[from] == '.'))
            continue;
        out[n++] = '/';
        memcpy(out + n, path + from, i - from);
        n += i - from;
    }
    if (n == 0)
        out[n++] = '/';
    out[n] = 0;
    return out;
}

static size_t parent_len(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

static ch_status add_base(finder *f, const char *path, bool is_folder, ch_error *err)
{
    size_t len = is_folder ? strlen(path) : parent_len(path);
    if (!is_folder && len == 0)
        path = path[0] == '/' ? "/" : ".", len = 1;
    char *base = absolute(f->arena, path, len, err);
    return base ? ch_strmap_put(&f->bases, base, base, err) : CH_E_MEMORY;
}

static bool lies_in(const char *path, const char *base)
{
    size_t len = strlen(base);
    if (strcmp(base, "/") == 0)
        return true;
    return strncmp(path, base, len) == 0 && (!path[len] || path[len] == '/');
}

static ch_status find_bases(finder *f, ch_error *err)
{
    const ch_listing *l = f->listing;
    const char *given = f->options->base_path;
    if (given && !ch_path_is_remote(given))
        given = ch_path_local(given);
    if (!given) {
        for (int32_t i = 0; i < l->n_roots; i++)
            CH_TRY(add_base(f, l->root[i], l->is_folder[i], err));
        return CH_OK;
    }
    ch_file file;
    bool is_folder;
    CH_TRY(ch_store_stat(f->options->context, given, &file, &is_folder, err));
    if (!is_folder)
        CH_FAIL(err, INVALID_OPTION, "name", "basePath", "value", f->options->base_path, "expected",
                "a directory");
    CH_TRY(add_base(f, given, true, err));
    for (int32_t i = 0; i < l->n_roots; i++) {
        char *root = absolute(f->arena, l->root[i], strlen(l->root[i]), err);
        if (!root)
            return CH_E_MEMORY;
        if (!lies_in(root, f->bases.entry[0].key))
            CH_FAIL(err, WRONG_BASE_PATH, "basePath", f->options->base_path, "path", root);
    }
    return CH_OK;
}

/* ---- one folder --------------------------------------------------------------------------------- */

static ch_status parse_key(finder *f, const char *part, size_t len, const char **name,
                           const char **value, ch_error *err)
{
    const char *equals = memchr(part, '=', len);
    *name = NULL;
    if (!equals)
        return CH_OK;
    char *segment = ch_arena_strn(f->arena, part, len, err);
    if (!segment)
        return CH_E_MEMORY;
    if (equals == part)
        CH_FAIL(err, EMPTY_PARTITION_COLUMN_NAME, "columnSpec", segment);
    if (equals + 1 == part + len)
        CH_FAIL(err, EMPTY_PARTITION_COLUMN_VALUE, "columnSpec", segment);
    ch_buf plain;
    ch_buf_init(&plain, f->mem);
    ch_status status = ch_partition_unescape(&plain, part, (size_t)(equals - part), err);
    if (status == CH_OK) {
        *name = ch_arena_strn(f->arena, plain.data, plain.len, err);
        *value = segment + (equals + 1 - part);
        status = *name ? CH_OK : CH_E_MEMORY;
    }
    ch_buf_release(&plain);
    return status;
}

static ch_status parse_folder(finder *f, folder *to, ch_error *err)
{
    const char *name[MOST_KEYS], *value[MOST_KEYS];
    size_t len = strlen(to->path);
    int32_t n = 0;
    char *at = ch_arena_strn(f->arena, to->path, len, err);
    if (!at)
        return CH_E_MEMORY;
    while (!ch_strmap_has(&f->bases, len ? at : "/")) {
        size_t start = parent_len(at) + 1;
        if (strcasecmp(at + start, "_temporary") == 0)
            return CH_OK;
        const char *key, *text = NULL;
        CH_TRY(parse_key(f, at + start, len - start, &key, &text, err));
        if (!key && n)
            break;
        if (key) {
            if (n == MOST_KEYS)
                CH_FAIL(err, UNSUPPORTED, "feature", "More than 256 partition columns");
            name[n] = key;
            value[n++] = text;
        }
        if (start <= 1)
            break;
        len = start - 1;
        at[len] = 0;
    }
    to->base = n ? ch_arena_str(f->arena, len ? at : "/", err) : to->path;
    CH_ARENA_ARRAY(to->name, f->arena, n + 1, err);
    CH_ARENA_ARRAY(to->value, f->arena, n + 1, err);
    if (!to->base)
        return CH_E_MEMORY;
    to->n = n;
    for (int32_t i = 0; i < n; i++) {
        to->name[i] = name[n - 1 - i];
        to->value[i] = value[n - 1 - i];
    }
    return CH_OK;
}

static ch_status find_folders(finder *f, ch_error *err)
{
    const ch_listing *l = f->listing;
    const char *last = NULL;
    size_t last_len = 0;
    folder *at = NULL;
    CH_ARENA_ARRAY(f->of_file, f->arena, l->n_files + 1, err);
    CH_ARENA_ARRAY(f->folder, f->arena, l->n_files + 1, err);
    for (int32_t i = 0; i < l->n_files; i++) {
        const char *path = l->file[i].path;
        size_t len = parent_len(path);
        if (!last || len != last_len || memcmp(path, last, len) != 0) {
            bool in_root = len == 0 && path[0] == '/';
            char *name = absolute(f->arena, in_root ? "/" : path, in_root ? 1 : len, err);
            if (!name)
                return CH_E_MEMORY;
            at = ch_strmap_get(&f->known, name);
            if (!at) {
                CH_ARENA_NEW(at, f->arena, err);
                at->path = name;
                CH_TRY(ch_strmap_put(&f->known, name, at, err));
                CH_TRY(parse_folder(f, at, err));
                f->folder[f->n_folders++] = at;
            }
            last = path;
            last_len = len;
        }
        f->of_file[i] = at;
    }
    return CH_OK;
}

/* ---- do they agree? ----------------------------------------------------------------------------- */

static bool same_name(const finder *f, const char *a, const char *b)
{
    return f->options->func->case_sensitive ? strcmp(a, b) == 0 : strcasecmp(a, b) == 0;
}

static bool same_names(const finder *f, const folder *a, const folder *b)
{
    bool same = a->n == b->n;
    for (int32_t i = 0; same && i < a->n; i++)
        same = same_name(f, a->name[i], b->name[i]);
    return same;
}

/* What Spark's messages have before a path. */
static const char *scheme_of(const char *path)
{
    return ch_path_is_remote(path) ? "" : "file:";
}

static ch_status conflicting_names(finder *f, ch_error *err)
{
    ch_buf lists, paths;
    ch_buf_init(&lists, f->mem);
    ch_buf_init(&paths, f->mem);
    ch_status status = ch_buf_adds(&lists, "", err);
    int32_t n = 0;
    for (int32_t i = 0; i < f->n_folders && status == CH_OK; i++) {
        const folder *x = f->folder[i];
        bool seen = x->n == 0;
        for (int32_t k = 0; k < i && !seen; k++)
            seen = same_names(f, x, f->folder[k]);
        if (seen || n == 8)
            continue;
        status = ch_buf_printf(&lists, err, "\n\tPartition column name list #%d: ", n++);
        for (int32_t k = 0; k < x->n && status == CH_OK; k++)
            status = ch_buf_printf(&lists, err, "%s%s", k ? ", " : "", x->name[k]);
        if (status == CH_OK)
            status = ch_buf_printf(&paths, err, "\n\t%s%s", scheme_of(x->path), x->path);
    }
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_CONFLICTING_PARTITION_COLUMN_NAMES, "distinctPartColLists",
                              lists.data, "suspiciousPaths", paths.data, (const char *)0);
    ch_buf_release(&lists);
    ch_buf_release(&paths);
    return status;
}

static ch_status conflicting_bases(finder *f, const char *a, const char *b, ch_error *err)
{
    char *paths =
        ch_arena_printf(f->arena, err, "\n\t%s%s\n\t%s%s", scheme_of(a), a, scheme_of(b), b);
    if (!paths)
        return CH_E_MEMORY;
    CH_FAIL(err, CONFLICTING_DIRECTORY_STRUCTURES, "discoveredBasePaths", paths);
}

/* *first: some folder with keys; NULL if there is none. */
static ch_status check_folders(finder *f, const folder **first, ch_error *err)
{
    const char *base = NULL;
    *first = NULL;
    for (int32_t i = 0; i < f->n_folders; i++)
        if (!*first && f->folder[i]->n)
            *first = f->folder[i];
    if (!*first)
        return CH_OK;
    for (int32_t i = 0; i < f->n_folders; i++) {
        const folder *x = f->folder[i];
        if (!x->base)
            continue;
        if (base && strcasecmp(base, x->base) != 0)
            return conflicting_bases(f, base, x->base, err);
        base = x->base;
    }
    for (int32_t i = 0; i < f->n_folders; i++)
        if (f->folder[i]->n && !same_names(f, *first, f->folder[i]))
            return conflicting_names(f, err);
    for (int32_t i = 0; i < (*first)->n; i++)
        for (int32_t k = 0; k < i; k++)
            if (same_name(f, (*first)->name[i], (*first)->name[k])) {
                char *quoted = ch_arena_printf(f->arena, err, "`%s`", (*first)->name[i]);
                CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", quoted ? quoted : "");
            }
    return CH_OK;
}

/* ---- values ------------------------------------------------------------------------------------- */

static bool is_null(const char *raw)
{
    return strcmp(raw, CH_PARTITION_NULL) == 0;
}

static const ch_type *wider(const ch_type *a, const ch_type *b)
{
    if (a == b)
        return a;
    bool odd = b->id == CH_DECIMAL || b->id == CH_LONG;
    bool odd2 = a->id == CH_DECIMAL || a->id == CH_LONG;
    if ((a->id == CH_DOUBLE && odd) || (b->id == CH_DOUBLE && odd2))
        return CH_T_STRING; /* digits would be lost */
    const ch_type *t = ch_common_type(a, b, false);
    return t ? t : CH_T_STRING;
}

static const ch_type *type_of_key(const finder *f, const char *name, int32_t k, bool *given)
{
    const ch_type *schema = f->options->schema;
    *given = true;
    for (int32_t i = 0; schema && i < schema->n_fields; i++)
        if (same_name(f, schema->field[i].name, name))
            return schema->field[i].type;
    *given = false;
    const ch_type *type = NULL;
    for (int32_t i = 0; i < f->n_folders; i++) {
        if (!f->folder[i]->n)
            continue;
        const char *raw = f->folder[i]->value[k];
        const ch_type *t = f->options->infer_types
                               ? ch_partition_infer(raw, f->options->timestamp_ntz)
                           : is_null(raw) ? CH_T_NULL
                                          : CH_T_STRING;
        type = type ? wider(type, t) : t;
    }
    return type;
}

/* The texts of key k, one row per folder with keys. */
static ch_status text_column(finder *f, int32_t k, ch_column *out, ch_error *err)
{
    ch_textout w;
    ch_buf plain;
    ch_status status = CH_OK;
    int32_t row = 0;
    ch_textout_init(&w, out);
    ch_buf_init(&plain, f->mem);
    for (int32_t i = 0; i < f->n_folders; i++) {
        const folder *x = f->folder[i];
        if (!x->n)
            continue;
        plain.len = 0;
        if (is_null(x->value[k])) {
            CH_TRY_OUT(ch_column_need_valid(out, err));
            ch_bit_clear(out->valid, row);
        } else {
            CH_TRY_OUT(ch_partition_unescape(&plain, x->value[k], strlen(x->value[k]), err));
        }
        CH_TRY_OUT(
            ch_textout_put(&w, row++, plain.data ? plain.data : "", (int64_t)plain.len, err));
    }
out:
    ch_buf_release(&plain);
    return status;
}

static ch_status refused(finder *f, const ch_column *text, int64_t row, const ch_field *key,
                         ch_error *err)
{
    ch_str s = ch_column_str(text, row);
    char *value = ch_arena_strn(f->arena, s.text, (size_t)s.len, err);
    char *name = ch_arena_printf(f->arena, err, "`%s`", key->name);
    ch_buf type;
    ch_buf_init(&type, f->mem);
    ch_status status = value && name ? ch_type_print_sql(key->type, &type, err) : CH_E_MEMORY;
    if (status == CH_OK)
        status = ch_error_set(err, CH_E_INVALID_PARTITION_VALUE, "value", value, "dataType",
                              type.data, "columnName", name, (const char *)0);
    ch_buf_release(&type);
    return status;
}

static ch_status values_of_key(finder *f, int32_t k, ch_partitions *p, ch_error *err)
{
    const ch_field *key = &p->key[k];
    ch_column *text = NULL, *value = NULL;
    ch_status status;
    if (key->type->id == CH_NULL) {
        for (int32_t i = 0; i < p->n; i++)
            p->value[i * p->n_keys + k] = (ch_scalar){.type = key->type, .is_null = true};
        return CH_OK;
    }
    CH_TRY_OUT(ch_column_new(f->mem, CH_T_STRING, p->n, &text, err));
    CH_TRY_OUT(text_column(f, k, text, err));
    CH_TRY_OUT(ch_cast(text, key->type, CH_CAST_TRY, f->options->func, f->mem, &value, err));
    for (int32_t i = 0; i < p->n; i++) {
        ch_scalar *to = &p->value[i * p->n_keys + k];
        CH_TRY_OUT(ch_column_scalar(value, i, f->arena, to, err));
        if (to->is_null && !ch_column_is_null(text, i))
            CH_TRY_OUT(refused(f, text, i, key, err));
        if (!to->is_null && ch_type_is_view(key->type)) {
            to->v.str.text = ch_arena_strn(f->arena, to->v.str.text, (size_t)to->v.str.len, err);
            if (!to->v.str.text)
                CH_TRY_OUT(CH_E_MEMORY);
        }
    }
out:
    ch_column_unref(text);
    ch_column_unref(value);
    return status;
}

static ch_status make_partitions(finder *f, const folder *first, ch_partitions *p, ch_error *err)
{
    ch_field *key;
    CH_ARENA_ARRAY(key, f->arena, first->n, err);
    p->key = key;
    p->n_keys = first->n;
    for (int32_t i = 0; i < f->n_folders; i++)
        f->folder[i]->partition = f->folder[i]->n ? p->n++ : -1;
    CH_ARENA_ARRAY(p->value, f->arena, (int64_t)p->n * p->n_keys, err);
    for (int32_t k = 0; k < p->n_keys; k++) {
        bool given;
        const ch_type *type = type_of_key(f, first->name[k], k, &given);
        if (!type)
            return CH_E_MEMORY;
        key[k] = (ch_field){first->name[k], type, true, NULL};
        CH_TRY(values_of_key(f, k, p, err));
    }
    return CH_OK;
}

/* Files outside of all partitions go; without partitions, those below the named folders. */
static ch_status keep_files(finder *f, bool partitioned, int32_t **of_file, ch_error *err)
{
    ch_listing *l = f->listing;
    int32_t n = 0;
    if (partitioned)
        CH_ARENA_ARRAY(*of_file, f->arena, l->n_files + 1, err);
    for (int32_t i = 0; i < l->n_files; i++) {
        const folder *x = f->of_file[i];
        bool keep = partitioned ? x->n > 0 : x->base && ch_strmap_has(&f->bases, x->path);
        if (!keep)
            continue;
        if (partitioned)
            (*of_file)[n] = x->partition;
        l->file[n] = l->file[i];
        l->root_of[n++] = l->root_of[i];
    }
    l->n_files = n;
    return CH_OK;
}

ch_status ch_partitions_find(const ch_partition_options *options, ch_arena *arena, ch_mem *mem,
                             ch_listing *listing, ch_partitions *out, int32_t **of_file,
                             ch_error *err)
{
    finder f = {.options = options, .arena = arena, .mem = mem, .listing = listing};
    const folder *first;
    *out = (ch_partitions){0};
    *of_file = NULL;
    if (options->recursive)
        return CH_OK;
    ch_strmap_init(&f.bases, arena, false);
    ch_strmap_init(&f.known, arena, false);
    CH_TRY(find_bases(&f, err));
    CH_TRY(find_folders(&f, err));
    CH_TRY(check_folders(&f, &first, err));
    if (first)
        CH_TRY(make_partitions(&f, first, out, err));
    /* With a base path above the named folders, those are where the files lie. */
    if (!first && options->base_path) {
        ch_strmap_init(&f.bases, arena, false);
        for (int32_t i = 0; i < listing->n_roots; i++)
            CH_TRY(add_base(&f, listing->root[i], listing->is_folder[i], err));
    }
    return keep_files(&f, first != NULL, of_file, err);
}
