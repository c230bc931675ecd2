/* SPDX-License-Identifier: Apache-2.0 */
/* metastore.c - the files of the catalog: found, listed, written aside and renamed, locked. */
#include "session/metastore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/uuid.h"
#include "plan/node.h"
#include "session/metastore_json.h"
#include "store/file.h"

#define FOLDER "_chert"
#define MOST_FILE_BYTES ((int64_t)1 << 30)

bool ch_meta_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return n > 0 && n < 200 && !name[n];
}

/* ---- one file ---------------------------------------------------------------------------------- */

static ch_status read_file(const ch_metastore *m, const char *path, ch_buf *out, bool *found,
                           ch_error *err)
{
    ch_input *in;
    *found = false;
    if (!ch_file_exists(path))
        return CH_OK;
    CH_TRY(ch_input_open(m->mem, path, &in, err));
    int64_t bytes = ch_input_bytes(in), got = 0;
    ch_status status = bytes > MOST_FILE_BYTES
                           ? ch_error_set(err, CH_E_CORRUPT_CATALOG, "path", path, "reason",
                                          "it is too large", (const char *)0)
                           : ch_buf_reserve(out, (size_t)bytes + 1, err);
    if (status == CH_OK)
        status = ch_input_read(in, out->data, bytes, 0, &got, err);
    ch_input_close(in);
    CH_TRY(status);
    out->len = (size_t)got;
    out->data[got] = 0;
    *found = true;
    return CH_OK;
}

/* is_new: *existed says that the name was taken; nothing is written then. */
static ch_status write_file(const ch_metastore *m, const char *path, const ch_buf *text,
                            bool is_new, bool *existed, ch_error *err)
{
    char uuid[CH_UUID_TEXT];
    ch_output *file;
    CH_TRY(ch_uuid(uuid, err));
    const char *slash = strrchr(path, '/');
    char *folder = ch_arena_strn(m->arena, path, (size_t)(slash - path), err);
    char *aside = ch_arena_printf(m->arena, err, "%s.%s", path, uuid);
    if (!folder || !aside)
        return CH_E_MEMORY;
    CH_TRY(ch_folder_make(folder, err));
    CH_TRY(ch_output_create(m->mem, NULL, aside, &file, err));
    ch_status status = ch_output_write(file, text->data, (int64_t)text->len, err);
    if (status != CH_OK) {
        ch_output_abandon(file);
        return status;
    }
    status = ch_output_close(file, true, err);
    if (status == CH_OK && is_new) {
        /* A link is made only if the name is free, whoever else is at it. */
        if (link(aside, path) == 0) {
            (void)unlink(aside);
            return CH_OK;
        }
        *existed = errno == EEXIST || ch_file_exists(path);
        if (*existed) {
            (void)unlink(aside);
            return CH_OK;
        }
    }
    if (status == CH_OK)
        status = ch_file_rename(aside, path, err);
    if (status != CH_OK)
        (void)unlink(aside);
    return status;
}

ch_status ch_meta_lock(const ch_metastore *m, int *fd, ch_error *err)
{
    char path[4096];
    *fd = -1;
    int n = snprintf(path, sizeof path, "%s/" FOLDER, m->root);
    if (n < 0 || (size_t)n + 8 > sizeof path)
        CH_FAIL(err, IO, "action", "write", "path", m->root, "reason", "the path is too long");
    CH_TRY(ch_folder_make(path, err));
    strcpy(path + n, "/lock");
    int file = open(path, O_CREAT | O_RDWR | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0)
        return ch_file_error(err, errno, "write", path);
    while (flock(file, LOCK_EX) != 0)
        if (errno != EINTR) {
            int error = errno;
            close(file);
            return ch_file_error(err, error, "lock", path);
        }
    *fd = file;
    return CH_OK;
}

void ch_meta_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of the files with this ending, sorted, endings taken off. */
static ch_status list(const ch_metastore *m, const char *folder, const char *ending,
                      ch_str_list *out, ch_error *err)
{
    DIR *dir = opendir(folder);
    ch_status status = CH_OK;
    size_t tail = strlen(ending);
    *out = (ch_str_list){0};
    if (!dir)
        return errno == ENOENT || errno == ENOTDIR ? CH_OK
                                                   : ch_file_error(err, errno, "read", folder);
    for (struct dirent *e; status == CH_OK && (e = readdir(dir)) != NULL;) {
        size_t n = strlen(e->d_name);
        if (n <= tail || strcmp(e->d_name + n - tail, ending) != 0)
            continue;
        const char *name = ch_arena_strn(m->arena, e->d_name, n - tail, err);
        status = name ? ch_str_list_add(m->arena, out, name, err) : CH_E_MEMORY;
    }
    closedir(dir);
    if (status == CH_OK && out->n > 1)
        qsort(out->item, (size_t)out->n, sizeof *out->item, by_name);
    return status;
}

/* ---- databases ---------------------------------------------------------------------------------- */

static const char *database_file(const ch_metastore *m, const char *name, ch_error *err)
{
    return ch_arena_printf(m->arena, err, "%s/" FOLDER "/%s.json", m->root, name);
}

ch_status ch_meta_database_get(const ch_metastore *m, const char *name, ch_meta_database *out,
                               bool *found, ch_error *err)
{
    const char *path = database_file(m, name, err);
    ch_buf text;
    *out = (ch_meta_database){.name = name, .comment = ""};
    *found = false;
    if (!path)
        return CH_E_MEMORY;
    if (!ch_meta_name_ok(name))
        return CH_OK;
    ch_buf_init(&text, m->mem);
    ch_status status = read_file(m, path, &text, found, err);
    if (status == CH_OK && *found)
        status = ch_meta_database_parse(m, path, &text, out, err);
    ch_buf_release(&text);
    CH_TRY(status);
    if (!*found && strcmp(name, "default") == 0) {
        *found = true;
        out->comment = "default database";
        out->location = m->root;
    }
    return CH_OK;
}

ch_status ch_meta_database_put(const ch_metastore *m, const ch_meta_database *database, bool is_new,
                               bool *existed, ch_error *err)
{
    const char *path = database_file(m, database->name, err);
    ch_buf text;
    *existed = false;
    if (!path)
        return CH_E_MEMORY;
    ch_buf_init(&text, m->mem);
    ch_status status = ch_meta_database_print(database, &text, err);
    if (status == CH_OK)
        status = write_file(m, path, &text, is_new, existed, err);
    ch_buf_release(&text);
    return status;
}

ch_status ch_meta_database_drop(const ch_metastore *m, const char *name, ch_error *err)
{
    const char *path = database_file(m, name, err);
    const char *folder = ch_arena_printf(m->arena, err, "%s/" FOLDER "/%s", m->root, name);
    if (!path || !folder)
        return CH_E_MEMORY;
    CH_TRY(ch_file_remove(path, err));
    return ch_file_remove(folder, err);
}

ch_status ch_meta_databases(const ch_metastore *m, ch_str_list *out, ch_error *err)
{
    const char *folder = ch_arena_printf(m->arena, err, "%s/" FOLDER, m->root);
    if (!folder)
        return CH_E_MEMORY;
    CH_TRY(list(m, folder, ".json", out, err));
    for (int32_t i = 0; i < out->n; i++)
        if (strcmp(out->item[i], "default") == 0)
            return CH_OK;
    CH_TRY(ch_str_list_add(m->arena, out, "default", err));
    qsort(out->item, (size_t)out->n, sizeof *out->item, by_name);
    return CH_OK;
}

/* ---- tables ------------------------------------------------------------------------------------- */

static const char *table_file(const ch_metastore *m, const char *database, const char *name,
                              const char *ending, ch_error *err)
{
    return ch_arena_printf(m->arena, err, "%s/" FOLDER "/%s/%s%s", m->root, database, name, ending);
}

const char *ch_meta_table_path(const ch_metastore *m, const ch_meta_database *database,
                               const char *name, ch_error *err)
{
    return ch_arena_printf(m->arena, err, "%s/%s", database->location, name);
}

ch_status ch_meta_table_get(const ch_metastore *m, const char *database, const char *name,
                            ch_meta_table **out, ch_error *err)
{
    bool found;
    ch_buf text;
    *out = NULL;
    if (!ch_meta_name_ok(database) || !ch_meta_name_ok(name))
        return CH_OK;
    const char *path = table_file(m, database, name, ".json", err);
    if (!path)
        return CH_E_MEMORY;
    ch_buf_init(&text, m->mem);
    ch_status status = read_file(m, path, &text, &found, err);
    if (status == CH_OK && found) {
        ch_meta_table *table = ch_arena_alloc(m->arena, sizeof *table, err);
        status = table ? ch_meta_table_parse(m, path, &text, table, err) : CH_E_MEMORY;
        if (status == CH_OK) {
            table->database = database;
            table->name = name;
            *out = table;
        }
    }
    ch_buf_release(&text);
    return status;
}

ch_status ch_meta_table_put(const ch_metastore *m, const ch_meta_table *table, bool is_new,
                            bool *existed, ch_error *err)
{
    const char *path = table_file(m, table->database, table->name, ".json", err);
    ch_buf text;
    *existed = false;
    if (!path)
        return CH_E_MEMORY;
    ch_buf_init(&text, m->mem);
    ch_status status = ch_meta_table_print(m, table, &text, err);
    if (status == CH_OK)
        status = write_file(m, path, &text, is_new, existed, err);
    ch_buf_release(&text);
    return status;
}

ch_status ch_meta_table_drop(const ch_metastore *m, const char *database, const char *name,
                             ch_error *err)
{
    const char *path = table_file(m, database, name, ".json", err);
    const char *partitions = table_file(m, database, name, ".partitions", err);
    if (!path || !partitions)
        return CH_E_MEMORY;
    CH_TRY(ch_file_remove(path, err));
    return ch_file_remove(partitions, err);
}

ch_status ch_meta_tables(const ch_metastore *m, const char *database, ch_str_list *out,
                         ch_error *err)
{
    const char *folder = ch_arena_printf(m->arena, err, "%s/" FOLDER "/%s", m->root, database);
    return folder ? list(m, folder, ".json", out, err) : CH_E_MEMORY;
}

/* ---- functions ---------------------------------------------------------------------------------- */

ch_status ch_meta_function_get(const ch_metastore *m, const char *database, const char *name,
                               ch_meta_function **out, ch_error *err)
{
    bool found;
    ch_buf text;
    *out = NULL;
    if (!ch_meta_name_ok(database) || !ch_meta_name_ok(name))
        return CH_OK;
    const char *path = table_file(m, database, name, ".function", err);
    if (!path)
        return CH_E_MEMORY;
    ch_buf_init(&text, m->mem);
    ch_status status = read_file(m, path, &text, &found, err);
    if (status == CH_OK && found) {
        ch_meta_function *function = ch_arena_alloc(m->arena, sizeof *function, err);
        status = function ? ch_meta_function_parse(m, path, &text, function, err) : CH_E_MEMORY;
        if (status == CH_OK) {
            function->database = database;
            function->name = name;
            *out = function;
        }
    }
    ch_buf_release(&text);
    return status;
}

ch_status ch_meta_function_put(const ch_metastore *m, const ch_meta_function *function, bool is_new,
                               bool *existed, ch_error *err)
{
    const char *path = table_file(m, function->database, function->name, ".function", err);
    ch_buf text;
    *existed = false;
    if (!path)
        return CH_E_MEMORY;
    ch_buf_init(&text, m->mem);
    ch_status status = ch_meta_function_print(function, &text, err);
    if (status == CH_OK)
        status = write_file(m, path, &text, is_new, existed, err);
    ch_buf_release(&text);
    return status;
}

ch_status ch_meta_function_drop(const ch_metastore *m, const char *database, const char *name,
                                ch_error *err)
{
    const char *path = table_file(m, database, name, ".function", err);
    return path ? ch_file_remove(path, err) : CH_E_MEMORY;
}

ch_status ch_meta_functions(const ch_metastore *m, const char *database, ch_str_list *out,
                            ch_error *err)
{
    const char *folder = ch_arena_printf(m->arena, err, "%s/" FOLDER "/%s", m->root, database);
    return folder ? list(m, folder, ".function", out, err) : CH_E_MEMORY;
}

/* ---- partitions ---------------------------------------------------------------------------------- */

ch_status ch_meta_partition_add(const ch_metastore *m, ch_meta_partitions *partitions,
                                const char *path, const char *location, ch_error *err)
{
    if ((partitions->n & (partitions->n - 1)) == 0) { /* doubles at powers of two */
        ch_meta_partition *more;
        CH_ARENA_ARRAY(more, m->arena, partitions->n ? partitions->n * 2 : 1, err);
        if (partitions->n)
            memcpy(more, partitions->item, sizeof *more * (size_t)partitions->n);
        partitions->item = more;
    }
    partitions->item[partitions->n++] = (ch_meta_partition){path, location};
    return CH_OK;
}

ch_status ch_meta_partitions_get(const ch_metastore *m, const ch_meta_table *table,
                                 ch_meta_partitions *out, ch_error *err)
{
    const char *path = table_file(m, table->database, table->name, ".partitions", err);
    bool found;
    ch_buf text;
    *out = (ch_meta_partitions){0};
    if (!path)
        return CH_E_MEMORY;
    ch_buf_init(&text, m->mem);
    ch_status status = read_file(m, path, &text, &found, err);
    char *copy =
        status == CH_OK && found ? ch_arena_strn(m->arena, text.data, text.len, err) : NULL;
    if (status == CH_OK && found && !copy)
        status = CH_E_MEMORY;
    ch_buf_release(&text);
    for (char *line = copy; status == CH_OK && line && *line;) {
        char *end = strchr(line, '\n');
        if (!end) /* never written so */
            return ch_error_set(err, CH_E_CORRUPT_CATALOG, "path", path, "reason",
                                "its last line does not end", (const char *)0);
        *end = 0;
        char *tab = strchr(line, '\t');
        if (tab)
            *tab = 0;
        status = ch_meta_partition_add(m, out, line, tab ? tab + 1 : NULL, err);
        line = end + 1;
    }
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const ch_meta_partition *)a)->path, ((const ch_meta_partition *)b)->path);
}

ch_status ch_meta_partitions_put(const ch_metastore *m, const ch_meta_table *table,
                                 ch_meta_partitions *partitions, ch_error *err)
{
    const char *path = table_file(m, table->database, table->name, ".partitions", err);
    bool existed;
    ch_buf text;
    if (!path)
        return CH_E_MEMORY;
    if (partitions->n > 1)
        qsort(partitions->item, (size_t)partitions->n, sizeof *partitions->item, by_path);
    ch_buf_init(&text, m->mem);
    ch_status status = ch_buf_adds(&text, "", err);
    for (int32_t i = 0; i < partitions->n && status == CH_OK; i++) {
        const ch_meta_partition *p = &partitions->item[i];
        status = ch_buf_printf(&text, err, "%s%s%s\n", p->path, p->location ? "\t" : "",
                               p->location ? p->location : "");
    }
    if (status == CH_OK)
        status = write_file(m, path, &text, false, &existed, err);
    ch_buf_release(&text);
    return status;
}
