/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl_partition.c - the partitions that the catalog knows: ADD, DROP, RENAME, MSCK REPAIR, TRUNCATE.
 *
 * A partition is the name of its folder below the table's place, values as texts of the columns' types, escaped: k=1/l=x.
 */
#include <dirent.h>
#include <string.h>
#include <strings.h>

#include "column/format_value.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "store/context.h"
#include "store/list.h"
#include "table/partition.h"
#include "type/timezone.h"

/* ---- names ------------------------------------------------------------------------------------------- */

static const char *spec_text(ch_ddl *c, const ch_option_list *spec)
{
    const char *text = "PARTITION (";
    for (int32_t i = 0; i < spec->n && text; i++) {
        const char *value = spec->value[i];
        if (value && strcmp(value, CH_SPEC_NULL) == 0)
            value = "null";
        text = ch_arena_printf(c->arena, NULL, "%s%s%s = %s", text, i ? ", " : "",
                               ch_ddl_quote(c, spec->key[i]), value ? value : "");
    }
    text = text ? ch_arena_printf(c->arena, NULL, "%s)", text) : NULL;
    return text ? text : "";
}

static const char *database_table(ch_ddl *c, const ch_meta_table *t)
{
    const char *text = ch_arena_printf(c->arena, NULL, "`%s`.`%s`", t->database, t->name);
    return text ? text : "";
}

ch_status ch_ddl_check_spec(ch_ddl *c, const ch_meta_table *t, const ch_option_list *spec,
                            ch_error *err)
{
    for (int32_t i = 0; i < spec->n; i++) {
        bool is_key = false;
        for (int32_t k = 0; k < t->partition_columns.n; k++)
            is_key |= strcasecmp(t->partition_columns.item[k], spec->key[i]) == 0;
        if (!is_key)
            CH_FAIL(err, PARTITIONS_NOT_FOUND, "partitionList", ch_ddl_quote(c, spec->key[i]),
                    "tableName", ch_ddl_table(c, t));
    }
    return CH_OK;
}

/* The text of a value as folders have it: 1 of "01" for an INT. Gives value as it stands if it is no such. */
static ch_status normal_text(ch_ddl *c, const ch_type *type, const char *value, const char **out,
                             ch_error *err)
{
    ch_func_context func = {.ansi = true, .time_zone = "UTC"};
    ch_scalar text = {.type = CH_T_STRING, .v.str = {value, (int64_t)strlen(value)}};
    ch_column *in = NULL, *typed = NULL;
    ch_buf word;
    ch_status status;
    *out = value;
    if (ch_type_is_string(type) || type->id == CH_TIMESTAMP)
        return CH_OK;
    ch_buf_init(&word, c->mem);
    CH_TRY_OUT(ch_column_const(c->mem, &text, 1, &in, err));
    CH_TRY_OUT(ch_cast(in, type, CH_CAST_TRY, &func, c->mem, &typed, err));
    if (!ch_column_is_null(typed, 0)) {
        ch_value_format format = {
            .style = CH_VALUE_CAST, .ansi = true, .zone = ch_zone_find("UTC", 3, err)};
        CH_TRY_OUT(ch_format_value(&format, typed, 0, &word, err));
        *out = ch_arena_strn(c->arena, word.data, word.len, err);
        status = *out ? CH_OK : CH_E_MEMORY;
    }
out:
    ch_buf_release(&word);
    ch_column_unref(in);
    ch_column_unref(typed);
    return status;
}

/* "k=1", escaped. */
static ch_status level_name(ch_ddl *c, const ch_meta_table *t, int32_t k, const char *value,
                            const char **out, ch_error *err)
{
    ch_buf name;
    const char *key = t->partition_columns.item[k], *text = NULL;
    int32_t at = ch_ddl_column(c, t->schema, key);
    if (strcmp(value, CH_SPEC_NULL) != 0)
        CH_TRY(normal_text(c, t->schema->field[at].type, value, &text, err));
    ch_buf_init(&name, c->mem);
    ch_status status = ch_partition_name(&name, key, text, text ? (int64_t)strlen(text) : 0, err);
    *out = status == CH_OK ? ch_arena_strn(c->arena, name.data, name.len, err) : NULL;
    ch_buf_release(&name);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}

static const char *value_of(const ch_meta_table *t, int32_t k, const ch_option_list *spec)
{
    for (int32_t i = 0; i < spec->n; i++)
        if (strcasecmp(spec->key[i], t->partition_columns.item[k]) == 0)
            return spec->value[i];
    return NULL;
}

ch_status ch_ddl_partition_path(ch_ddl *c, const ch_meta_table *t, const ch_option_list *spec,
                                const char **out, ch_error *err)
{
    *out = "";
    for (int32_t k = 0; k < t->partition_columns.n; k++) {
        const char *value = value_of(t, k, spec), *name;
        if (!value || spec->n != t->partition_columns.n) {
            const char *keys = "", *columns = "";
            for (int32_t i = 0; i < spec->n && keys; i++)
                keys = ch_arena_printf(c->arena, NULL, "%s%s%s", keys, i ? ", " : "", spec->key[i]);
            for (int32_t i = 0; i < t->partition_columns.n && columns; i++)
                columns = ch_arena_printf(c->arena, NULL, "%s%s%s", columns, i ? ", " : "",
                                          t->partition_columns.item[i]);
            CH_FAIL(err, PARTITION_SPEC_NOT_WHOLE, "specKeys", keys ? keys : "",
                    "partitionColumnNames", columns ? columns : "", "tableName",
                    ch_ddl_table(c, t));
        }
        CH_TRY(level_name(c, t, k, value, &name, err));
        *out = ch_arena_printf(c->arena, err, "%s%s%s", *out, k ? "/" : "", name);
        if (!*out)
            return CH_E_MEMORY;
    }
    return CH_OK;
}

ch_status ch_ddl_partition_fits(ch_ddl *c, const ch_meta_table *t, const char *path,
                                const ch_option_list *spec, bool *out, ch_error *err)
{
    *out = true;
    for (int32_t k = 0; k < t->partition_columns.n && *out; k++) {
        const char *value = value_of(t, k, spec), *name;
        size_t len = strcspn(path, "/");
        if (value) {
            CH_TRY(level_name(c, t, k, value, &name, err));
            *out = strlen(name) == len && memcmp(name, path, len) == 0;
        }
        path += len + (path[len] == '/');
    }
    return CH_OK;
}

/* ---- the list ----------------------------------------------------------------------------------------- */

static int32_t find(const ch_meta_partitions *list, const char *path)
{
    int32_t low = 0, high = list->n; /* sorted */
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        int order = strcmp(list->item[mid].path, path);
        if (order == 0)
            return mid;
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return -1;
}

ch_status ch_ddl_add_partitions(ch_ddl *c, const ch_meta_table *t, const ch_str_list *paths,
                                ch_error *err)
{
    ch_meta_partitions known, all = {0};
    int lock;
    CH_TRY(ch_meta_lock(&c->meta, &lock, err));
    ch_status status = ch_meta_partitions_get(&c->meta, t, &known, err);
    for (int32_t i = 0; i < known.n && status == CH_OK; i++)
        status =
            ch_meta_partition_add(&c->meta, &all, known.item[i].path, known.item[i].location, err);
    for (int32_t i = 0; i < paths->n && status == CH_OK; i++)
        if (find(&known, paths->item[i]) < 0)
            status = ch_meta_partition_add(&c->meta, &all, paths->item[i], NULL, err);
    if (status == CH_OK && all.n > known.n)
        status = ch_meta_partitions_put(&c->meta, t, &all, err);
    ch_meta_unlock(lock);
    return status;
}

static ch_status walk(ch_ddl *c, const ch_meta_table *t, const char *folder, const char *path,
                      int32_t k, ch_str_list *out, ch_error *err)
{
    if (k == t->partition_columns.n)
        return ch_str_list_add(c->arena, out, path, err);
    const char *key = t->partition_columns.item[k];
    size_t n = strlen(key);
    DIR *dir = opendir(folder);
    ch_status status = CH_OK;
    for (struct dirent *e; dir && status == CH_OK && (e = readdir(dir)) != NULL;) {
        const char *equals = strchr(e->d_name, '=');
        ch_file file;
        bool is_folder = false;
        if (!equals || (size_t)(equals - e->d_name) != n || strncasecmp(e->d_name, key, n) != 0)
            continue;
        const char *deeper = ch_arena_printf(c->arena, err, "%s/%s", folder, e->d_name);
        const char *name = ch_arena_printf(c->arena, err, "%s%s%s", path, k ? "/" : "", e->d_name);
        if (!deeper || !name)
            status = CH_E_MEMORY;
        else if (ch_file_stat(deeper, &file, &is_folder, NULL) == CH_OK && is_folder)
            status = walk(c, t, deeper, name, k + 1, out, err);
    }
    if (dir)
        closedir(dir);
    return status;
}

/* Is path, below the table's place, that of a file in folders of all keys? *len: of those folders' names. */
static bool in_partition(const ch_meta_table *t, const char *path, size_t *len)
{
    const char *at = path;
    for (int32_t k = 0; k < t->partition_columns.n; k++) {
        size_t n = strlen(t->partition_columns.item[k]);
        const char *slash = strchr(at, '/');
        if (!slash || strncasecmp(at, t->partition_columns.item[k], n) != 0 || at[n] != '=')
            return false;
        at = slash + 1;
    }
    *len = (size_t)(at - path) - 1;
    return true;
}

/* There are no folders but those of files. */
static ch_status walk_remote(ch_ddl *c, const ch_meta_table *t, ch_str_list *out, ch_error *err)
{
    ch_list_filter filter = CH_LIST_ALL;
    ch_listing all;
    size_t skip = strlen(t->location) + 1, len;
    filter.skip_missing = true;
    CH_TRY(ch_ddl_store(c, t, &filter.context, err));
    ch_status status = ch_list(c->arena, NULL, &t->location, 1, &filter, &all, err);
    const char *last = "";
    for (int32_t i = 0; status == CH_OK && i < all.n_files; i++) { /* by path */
        const char *path = all.file[i].path;
        if (strlen(path) <= skip || !in_partition(t, path + skip, &len) ||
            (strlen(last) == len && memcmp(last, path + skip, len) == 0))
            continue;
        last = ch_arena_strn(c->arena, path + skip, len, err);
        status = last ? ch_str_list_add(c->arena, out, last, err) : CH_E_MEMORY;
    }
    ch_store_context_free(filter.context);
    return status;
}

ch_status ch_ddl_walk_partitions(ch_ddl *c, const ch_meta_table *t, ch_str_list *out, ch_error *err)
{
    *out = (ch_str_list){0};
    if (ch_path_is_remote(t->location))
        return walk_remote(c, t, out, err);
    return walk(c, t, t->location, "", 0, out, err);
}

static const char *folder_of(ch_ddl *c, const ch_meta_table *t, const ch_meta_partition *p,
                             ch_error *err)
{
    return p->location ? p->location
                       : ch_arena_printf(c->arena, err, "%s/%s", t->location, p->path);
}

ch_status ch_ddl_remove_partition(ch_ddl *c, const ch_meta_table *t, const char *path,
                                  ch_error *err)
{
    ch_store_context *store;
    const char *folder = ch_arena_printf(c->arena, err, "%s/%s", t->location, path);
    if (!folder)
        return CH_E_MEMORY;
    CH_TRY(ch_ddl_store(c, t, &store, err));
    ch_status status = ch_store_remove(store, folder, err);
    ch_store_context_free(store);
    return status;
}

/* Does the folder exist? In a remote one there is a file. */
static ch_status is_there(ch_ddl *c, const ch_meta_table *t, const char *folder, bool *out,
                          ch_error *err)
{
    ch_meta_table there = *t; /* a partition's place may be another one */
    ch_store_context *store;
    ch_file file;
    ch_error own = {0};
    *out = ch_file_exists(folder);
    if (!ch_path_is_remote(folder))
        return CH_OK;
    there.location = folder;
    CH_TRY(ch_ddl_store(c, &there, &store, err));
    ch_status status = ch_store_stat(store, folder, &file, NULL, &own);
    ch_store_context_free(store);
    *out = status == CH_OK;
    if (status != CH_OK && status != CH_E_PATH_NOT_FOUND)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    return CH_OK;
}

/* ---- statements --------------------------------------------------------------------------------------- */

static ch_status add(ch_ddl *c, const ch_rel_ddl *d, const ch_meta_table *t, ch_error *err)
{
    ch_meta_partitions known, all = {0};
    CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    for (int32_t i = 0; i < known.n; i++)
        CH_TRY(
            ch_meta_partition_add(&c->meta, &all, known.item[i].path, known.item[i].location, err));
    for (int32_t i = 0; i < d->n_specs; i++) {
        const char *path, *place = *d->locations.item[i] ? d->locations.item[i] : NULL;
        CH_TRY(ch_ddl_check_spec(c, t, &d->specs[i], err));
        CH_TRY(ch_ddl_partition_path(c, t, &d->specs[i], &path, err));
        if (find(&known, path) >= 0) {
            if (d->if_not_exists)
                continue;
            CH_FAIL(err, PARTITIONS_ALREADY_EXIST, "partitionList", spec_text(c, &d->specs[i]),
                    "tableName", database_table(c, t));
        }
        if (place && !(place = ch_ddl_absolute(c, place, err)))
            return err ? err->code : CH_E_MEMORY;
        CH_TRY(ch_meta_partition_add(&c->meta, &all, path, place, err));
        const char *folder = folder_of(c, t, &all.item[all.n - 1], err);
        CH_TRY(folder ? ch_folder_make(folder, err) : CH_E_MEMORY);
    }
    return ch_meta_partitions_put(&c->meta, t, &all, err);
}

static ch_status drop(ch_ddl *c, const ch_rel_ddl *d, const ch_meta_table *t, ch_error *err)
{
    ch_meta_partitions known, kept = {0};
    bool *gone;
    CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    CH_ARENA_ARRAY(gone, c->arena, known.n + 1, err);
    for (int32_t s = 0; s < d->n_specs; s++) {
        bool any = false;
        CH_TRY(ch_ddl_check_spec(c, t, &d->specs[s], err));
        for (int32_t i = 0; i < known.n; i++) {
            bool fits;
            CH_TRY(ch_ddl_partition_fits(c, t, known.item[i].path, &d->specs[s], &fits, err));
            gone[i] |= fits;
            any |= fits;
        }
        if (!any && !d->if_exists)
            CH_FAIL(err, PARTITIONS_NOT_FOUND, "partitionList", spec_text(c, &d->specs[s]),
                    "tableName", database_table(c, t));
    }
    for (int32_t i = 0; i < known.n; i++)
        if (!gone[i])
            CH_TRY(ch_meta_partition_add(&c->meta, &kept, known.item[i].path,
                                         known.item[i].location, err));
    CH_TRY(ch_meta_partitions_put(&c->meta, t, &kept, err));
    for (int32_t i = 0; i < known.n && !t->is_external; i++) {
        const char *folder = gone[i] ? folder_of(c, t, &known.item[i], err) : "";
        if (!folder)
            return CH_E_MEMORY;
        if (gone[i])
            CH_TRY(ch_file_remove(folder, err));
    }
    return CH_OK;
}

static ch_status rename_partition(ch_ddl *c, const ch_rel_ddl *d, const ch_meta_table *t,
                                  ch_error *err)
{
    ch_meta_partitions known;
    const char *from, *to;
    for (int32_t i = 0; i < 2; i++)
        CH_TRY(ch_ddl_check_spec(c, t, &d->specs[i], err));
    CH_TRY(ch_ddl_partition_path(c, t, &d->specs[0], &from, err));
    CH_TRY(ch_ddl_partition_path(c, t, &d->specs[1], &to, err));
    CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    int32_t at = find(&known, from);
    if (at < 0)
        CH_FAIL(err, PARTITIONS_NOT_FOUND, "partitionList", spec_text(c, &d->specs[0]), "tableName",
                database_table(c, t));
    if (find(&known, to) >= 0)
        CH_FAIL(err, PARTITIONS_ALREADY_EXIST, "partitionList", spec_text(c, &d->specs[1]),
                "tableName", database_table(c, t));
    if (!known.item[at].location && !t->is_external) {
        const char *a = folder_of(c, t, &known.item[at], err);
        const char *b = ch_arena_printf(c->arena, err, "%s/%s", t->location, to);
        char *above = b ? ch_arena_str(c->arena, b, err) : NULL;
        if (!a || !above)
            return CH_E_MEMORY;
        *strrchr(above, '/') = 0;
        CH_TRY(ch_folder_make(above, err));
        if (ch_file_exists(a))
            CH_TRY(ch_file_rename(a, b, err));
    } else if (!known.item[at].location) {
        known.item[at].location = folder_of(c, t, &known.item[at], err);
        if (!known.item[at].location)
            return CH_E_MEMORY;
    }
    known.item[at].path = to;
    return ch_meta_partitions_put(&c->meta, t, &known, err);
}

/* MSCK REPAIR TABLE t [ADD|DROP|SYNC PARTITIONS]: what lies there becomes known; what does not is forgotten. */
static ch_status recover(ch_ddl *c, const ch_rel_ddl *d, const ch_meta_table *t, ch_error *err)
{
    ch_str_list folders;
    bool adds = !d->all_columns, drops = d->all_columns || d->cascade;
    if (!t->partition_columns.n)
        CH_FAIL(err, NOT_A_PARTITIONED_TABLE, "operation", d->text, "tableIdentWithDB",
                ch_ddl_table(c, t));
    if (drops) {
        ch_meta_partitions known, kept = {0};
        CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
        for (int32_t i = 0; i < known.n; i++) {
            const char *folder = folder_of(c, t, &known.item[i], err);
            if (!folder)
                return CH_E_MEMORY;
            bool there;
            CH_TRY(is_there(c, t, folder, &there, err));
            if (there)
                CH_TRY(ch_meta_partition_add(&c->meta, &kept, known.item[i].path,
                                             known.item[i].location, err));
        }
        CH_TRY(ch_meta_partitions_put(&c->meta, t, &kept, err));
    }
    CH_TRY(ch_ddl_walk_partitions(c, t, &folders, err));
    return adds ? ch_ddl_add_partitions(c, t, &folders, err) : CH_OK;
}

/* The folder's files go, it stays. */
static ch_status empty_folder(const char *folder, ch_error *err)
{
    CH_TRY(ch_file_remove(folder, err));
    return ch_folder_make(folder, err);
}

static ch_status truncate_table(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    ch_meta_partitions known = {0};
    bool any = false;
    if (d->n_specs && !t->partition_columns.n)
        CH_FAIL(err, TRUNCATE_PARTITION_UNPARTITIONED, "tableIdentWithDB", ch_ddl_table(c, t));
    if (t->is_external)
        CH_FAIL(err, OPERATION_NOT_ALLOWED, "message", "TRUNCATE TABLE on external tables");
    if (t->partition_columns.n)
        CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    else
        CH_TRY(empty_folder(t->location, err));
    if (d->n_specs)
        CH_TRY(ch_ddl_check_spec(c, t, &d->specs[0], err));
    for (int32_t i = 0; i < known.n; i++) {
        bool fits = true;
        const char *folder = folder_of(c, t, &known.item[i], err);
        if (!folder)
            return CH_E_MEMORY;
        if (d->n_specs)
            CH_TRY(ch_ddl_partition_fits(c, t, known.item[i].path, &d->specs[0], &fits, err));
        any |= fits;
        if (fits)
            CH_TRY(empty_folder(folder, err));
    }
    if (d->n_specs && !any && d->specs[0].n == t->partition_columns.n)
        CH_FAIL(err, PARTITIONS_NOT_FOUND, "partitionList", spec_text(c, &d->specs[0]), "tableName",
                ch_ddl_table(c, t));
    t->has_statistics = false;
    t->column_statistics = (ch_option_list){0};
    return ch_ddl_put(c, t, err);
}

ch_status ch_ddl_partition(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    static const char *const OPERATION[] = {
        [CH_DDL_TRUNCATE] = "TRUNCATE TABLE",
        [CH_DDL_ADD_PARTITION] = "ALTER TABLE ... ADD PARTITION ...",
        [CH_DDL_DROP_PARTITION] = "ALTER TABLE ... DROP PARTITION ...",
        [CH_DDL_RENAME_PARTITION] = "ALTER TABLE ... RENAME TO PARTITION",
        [CH_DDL_RECOVER_PARTITIONS] = "MSCK REPAIR TABLE"};
    ch_meta_table *t;
    int lock;
    CH_TRY(ch_ddl_find_table(c, &d->name, OPERATION[d->action], &t, err));
    if (d->action == CH_DDL_RECOVER_PARTITIONS)
        return recover(c, d, t, err);
    if (d->action == CH_DDL_TRUNCATE)
        return truncate_table(c, d, t, err);
    if (!t->partition_columns.n)
        CH_FAIL(err, PARTITION_SCHEMA_IS_EMPTY, "name", ch_ddl_table(c, t));
    CH_TRY(ch_meta_lock(&c->meta, &lock, err));
    ch_status status = d->action == CH_DDL_ADD_PARTITION    ? add(c, d, t, err)
                       : d->action == CH_DDL_DROP_PARTITION ? drop(c, d, t, err)
                                                            : rename_partition(c, d, t, err);
    ch_meta_unlock(lock);
    return status;
}
