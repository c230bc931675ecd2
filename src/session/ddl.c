/* SPDX-License-Identifier: Apache-2.0 */
/* ddl.c - names and errors that all statements share; databases. */
#include "session/ddl.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/edits.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/cache.h"
#include "session/session_store.h"
#include "store/access.h"
#include "store/store.h"

ch_status ch_ddl_open(ch_frame *frame, ch_ddl *out, ch_error *err)
{
    *out = (ch_ddl){.frame = frame,
                    .session = frame->session,
                    .arena = &frame->arena,
                    .mem = ch_session_mem(frame->session)};
    CH_TRY(ch_session_database(frame->session, out->arena, &out->database, err));
    return ch_metastore_open(frame->session, out->arena, out->mem, &out->meta, err);
}

/* ---- texts for errors ----------------------------------------------------------------------------- */

const char *ch_ddl_quote(ch_ddl *c, const char *name)
{
    ch_str_list one = {&name, 1};
    const char *text = ch_names_quoted(c->arena, &one, NULL);
    return text ? text : "";
}

const char *ch_ddl_quote_list(ch_ddl *c, const ch_str_list *names)
{
    const char *text = "";
    for (int32_t i = 0; i < names->n && text; i++)
        text = ch_arena_printf(c->arena, NULL, "%s%s%s", text, i ? ", " : "",
                               ch_ddl_quote(c, names->item[i]));
    return text ? text : "";
}

const char *ch_ddl_table(ch_ddl *c, const ch_meta_table *table)
{
    return ch_table_quoted(c->arena, table->database, table->name, NULL);
}

const char *ch_ddl_type(ch_ddl *c, const ch_type *type)
{
    const char *text = ch_type_quoted(c->arena, type, NULL);
    return text ? text : "";
}

ch_status ch_ddl_no_database(ch_ddl *c, const char *name, ch_error *err)
{
    const char *text = ch_arena_printf(c->arena, NULL, "`" CH_CATALOG_NAME "`.`%s`", name);
    CH_FAIL(err, SCHEMA_NOT_FOUND, "schemaName", text ? text : "");
}

ch_status ch_ddl_not_found(ch_ddl *c, const ch_str_list *parts, ch_error *err)
{
    const char *name = ch_names_quoted(c->arena, parts, NULL);
    const char *path =
        ch_arena_printf(c->arena, NULL, "[`system`.`session`, `spark_catalog`.`%s`]", c->database);
    const ch_rel *rel = c->frame->rel;
    (void)ch_error_set(err, CH_E_TABLE_OR_VIEW_NOT_FOUND, "relationName", name ? name : "",
                       "searchPath", path ? path : "", (const char *)0);
    if (rel)
        ch_error_locate(err, c->frame->text, rel->start, rel->stop);
    ch_str_list tables = {0};
    if (parts->n == 1 && ch_meta_tables(&c->meta, c->database, &tables, NULL) == CH_OK) {
        ch_nearest near = CH_NEAREST(parts->item[0]);
        for (int32_t i = 0; i < tables.n; i++)
            ch_nearest_offer(&near, tables.item[i]);
        ch_error_did_you_mean(err, near.best, "`");
    }
    return CH_E_TABLE_OR_VIEW_NOT_FOUND;
}

static void refuse_place(ch_ddl *c, const char *what, const char *path, ch_error *err)
{
    const char *text = ch_arena_printf(c->arena, NULL, "%s; the location '%s'", what, path);
    (void)ch_error_set(err, CH_E_UNSUPPORTED, "feature", text ? text : path, (const char *)0);
}

/* A store that has folders and can be written. */
static const char *remote_place(ch_ddl *c, const char *path, ch_error *err)
{
    const ch_store *store = ch_store_of(path);
    size_t len = strlen(path);
    if (!store || !store->job_begin) {
        refuse_place(c, "Tables of the catalog lie in local folders or in S3", path, err);
        return NULL;
    }
    while (len > 0 && path[len - 1] == '/')
        len--;
    return ch_access_check(path, false, err) == CH_OK ? ch_arena_strn(c->arena, path, len, err)
                                                      : NULL;
}

/* Databases make folders. */
static const char *database_place(ch_ddl *c, const char *path, ch_error *err)
{
    if (ch_path_local(path))
        return ch_ddl_absolute(c, path, err);
    refuse_place(c, "Databases of the catalog lie in local folders", path, err);
    return NULL;
}

ch_status ch_ddl_store(ch_ddl *c, const ch_meta_table *t, ch_store_context **out, ch_error *err)
{
    *out = NULL;
    return t->location && ch_path_is_remote(t->location)
               ? ch_session_store(c->session, &t->options, c->arena, c->mem, NULL, out, err)
               : CH_OK;
}

const char *ch_ddl_scheme(const char *location)
{
    return ch_path_is_remote(location) ? "" : "file:";
}

const char *ch_ddl_absolute(ch_ddl *c, const char *path, ch_error *err)
{
    const char *local = ch_path_local(path);
    if (!local)
        return remote_place(c, path, err);
    size_t len = strlen(local);
    while (len > 1 && local[len - 1] == '/')
        len--;
    /* Relative ones lie below the warehouse, as Spark puts them. */
    const char *absolute =
        *local == '/' ? ch_arena_strn(c->arena, local, len, err)
                      : ch_arena_printf(c->arena, err, "%s/%.*s", c->meta.root, (int)len, local);
    return absolute && ch_access_check(absolute, false, err) == CH_OK ? absolute : NULL;
}

int32_t ch_ddl_column(ch_ddl *c, const ch_type *schema, const char *name)
{
    bool exact = ch_session_get_bool(c->session, "spark.sql.caseSensitive");
    for (int32_t i = 0; i < schema->n_fields; i++)
        if (exact ? strcmp(schema->field[i].name, name) == 0
                  : strcasecmp(schema->field[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- tables by name ------------------------------------------------------------------------------- */

ch_status ch_ddl_find(ch_ddl *c, const ch_str_list *parts, ch_meta_table **out, bool *is_temp,
                      ch_error *err)
{
    ch_table_name name;
    ch_frame *view;
    const ch_rel *rel;
    *out = NULL;
    if (is_temp)
        *is_temp = false;
    CH_TRY(ch_table_name_of(c->session, parts, NULL, c->arena, &name, err));
    if (is_temp && (parts->n == 1 || (parts->n == 2 && name.is_global))) {
        ch_session_find_view(c->session, name.name, name.is_global, &view, &rel);
        ch_frame_unref(view);
        if (view) {
            *is_temp = true;
            return CH_OK;
        }
    }
    if (name.fits && !name.is_global)
        CH_TRY(ch_meta_table_get(&c->meta, name.database, name.name, out, err));
    return *out ? CH_OK : ch_ddl_not_found(c, parts, err);
}

ch_status ch_ddl_find_table(ch_ddl *c, const ch_str_list *parts, const char *operation,
                            ch_meta_table **out, ch_error *err)
{
    CH_TRY(ch_ddl_find(c, parts, out, NULL, err));
    if ((*out)->is_view)
        CH_FAIL(err, EXPECT_TABLE_NOT_VIEW, "viewName", ch_ddl_table(c, *out), "operation",
                operation);
    return CH_OK;
}

ch_status ch_ddl_new_name(ch_ddl *c, const ch_str_list *parts, ch_table_name *out,
                          ch_meta_database *database, ch_error *err)
{
    bool found;
    CH_TRY(ch_table_name_of(c->session, parts, NULL, c->arena, out, err));
    if (!out->fits) {
        const char *name = ch_names_quoted(c->arena, parts, NULL);
        CH_FAIL(err, REQUIRES_SINGLE_PART_NAMESPACE, "sessionCatalog", CH_CATALOG_NAME,
                "identifier", name ? name : "");
    }
    CH_TRY(ch_meta_database_get(&c->meta, out->database, database, &found, err));
    if (!found)
        return ch_ddl_no_database(c, out->database, err);
    if (!ch_meta_name_ok(out->name))
        CH_FAIL(err, INVALID_SCHEMA_OR_RELATION_NAME, "name",
                ch_ddl_quote(c, parts->item[parts->n - 1]));
    return CH_OK;
}

ch_status ch_ddl_put(ch_ddl *c, const ch_meta_table *table, ch_error *err)
{
    bool existed;
    return ch_meta_table_put(&c->meta, table, false, &existed, err);
}

/* ---- databases ------------------------------------------------------------------------------------ */

ch_status ch_ddl_database(ch_ddl *c, const ch_str_list *parts, ch_meta_database *out, bool *found,
                          ch_error *err)
{
    ch_table_name name;
    CH_TRY(ch_table_name_of(c->session, parts, "", c->arena, &name, err));
    *found = false;
    *out = (ch_meta_database){.name = name.name};
    if (parts->n > 2 || (parts->n == 2 && strcmp(name.database, CH_CATALOG_NAME) != 0)) {
        const char *text = ch_names_quoted(c->arena, parts, NULL);
        CH_FAIL(err, SCHEMA_NOT_FOUND, "schemaName", text ? text : "");
    }
    return ch_meta_database_get(&c->meta, name.name, out, found, err);
}

static ch_status create_database(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_database db;
    bool found;
    CH_TRY(ch_ddl_database(c, &d->name, &db, &found, err));
    if (strcmp(db.name, CH_GLOBAL_DATABASE) == 0)
        CH_FAIL(err, RESERVED_DATABASE_NAME, "database", ch_ddl_quote(c, db.name));
    if (!ch_meta_name_ok(db.name))
        CH_FAIL(err, INVALID_SCHEMA_OR_RELATION_NAME, "name", ch_ddl_quote(c, db.name));
    if (!found) {
        db.comment = d->comment ? d->comment : "";
        db.properties = d->properties;
        db.location = d->location
                          ? database_place(c, d->location, err)
                          : ch_arena_printf(c->arena, err, "%s/%s.db", c->meta.root, db.name);
        if (!db.location)
            return err ? err->code : CH_E_MEMORY;
        CH_TRY(ch_folder_make(db.location, err));
        CH_TRY(ch_meta_database_put(&c->meta, &db, true, &found, err));
    }
    if (found && !d->if_not_exists)
        CH_FAIL(err, SCHEMA_ALREADY_EXISTS, "schemaName", ch_ddl_quote(c, db.name));
    return CH_OK;
}

static ch_status drop_database(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_database db;
    ch_str_list tables, functions;
    bool found;
    CH_TRY(ch_ddl_database(c, &d->name, &db, &found, err));
    if (!found)
        return d->if_exists ? CH_OK : ch_ddl_no_database(c, db.name, err);
    if (strcmp(db.name, CH_DATABASE_NAME) == 0)
        CH_FAIL(err, DROP_DEFAULT_DATABASE, "database",
                "`" CH_CATALOG_NAME "`.`" CH_DATABASE_NAME "`");
    CH_TRY(ch_meta_tables(&c->meta, db.name, &tables, err));
    CH_TRY(ch_meta_functions(&c->meta, db.name, &functions, err));
    if ((tables.n || functions.n) && !d->cascade)
        CH_FAIL(err, SCHEMA_NOT_EMPTY, "schemaName", ch_ddl_quote(c, db.name));
    for (int32_t i = 0; i < tables.n; i++) {
        ch_meta_table *t;
        CH_TRY(ch_meta_table_get(&c->meta, db.name, tables.item[i], &t, err));
        if (t)
            CH_TRY(ch_ddl_drop_table(c, t, err));
    }
    for (int32_t i = 0; i < functions.n; i++)
        CH_TRY(ch_meta_function_drop(&c->meta, db.name, functions.item[i], err));
    CH_TRY(ch_meta_database_drop(&c->meta, db.name, err));
    /* Its folder goes, unless somebody else has put something there. */
    (void)rmdir(db.location);
    return strcmp(c->database, db.name) == 0 ? ch_session_use(c->session, CH_DATABASE_NAME, err)
                                             : CH_OK;
}

static ch_status alter_database(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_database db;
    bool found, existed;
    CH_TRY(ch_ddl_database(c, &d->name, &db, &found, err));
    if (!found)
        return ch_ddl_no_database(c, db.name, err);
    if (d->location && !(db.location = database_place(c, d->location, err)))
        return err ? err->code : CH_E_MEMORY;
    if (d->action == CH_DDL_COMMENT)
        db.comment = d->comment;
    for (int32_t i = 0; i < d->properties.n; i++)
        CH_TRY(ch_option_list_put(c->arena, &db.properties, d->properties.key[i],
                                  d->cascade ? NULL : d->properties.value[i], err));
    return ch_meta_database_put(&c->meta, &db, false, &existed, err);
}

static ch_status use(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_database db;
    bool found;
    if (d->name.n == 1 && strcasecmp(d->name.item[0], CH_CATALOG_NAME) == 0)
        return ch_session_use(c->session, CH_DATABASE_NAME, err);
    CH_TRY(ch_ddl_database(c, &d->name, &db, &found, err));
    if (!found)
        return ch_ddl_no_database(c, db.name, err);
    return ch_session_use(c->session, db.name, err);
}

static ch_status set_catalog(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    const char *name = d->name.item[0];
    if (strcasecmp(name, CH_CATALOG_NAME) == 0)
        return ch_session_use(c->session, CH_DATABASE_NAME, err);
    const char *config = ch_arena_printf(c->arena, NULL, "\"spark.sql.catalog.%s\"", name);
    CH_FAIL(err, CATALOG_NOT_FOUND, "catalogName", ch_ddl_quote(c, name), "config",
            config ? config : "");
}

/* ---- the way to each ------------------------------------------------------------------------------ */

/* A path without file: or file:// before it. */
static const char *local_path(const char *path)
{
    return strncmp(path, "file://", 7) == 0 ? path + 7
           : strncmp(path, "file:", 5) == 0 ? path + 5
                                            : path;
}

static ch_status refresh(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    /* Only rows that were cached are kept of files between two queries. */
    ch_meta_table *t;
    bool is_temp;
    if (d->is_path) {
        ch_cache_path_changed(c->session, local_path(d->location));
        return CH_OK;
    }
    CH_TRY(ch_ddl_find(c, &d->name, &t, &is_temp, err));
    if (t && t->location)
        ch_cache_path_changed(c->session, t->location);
    return CH_OK;
}

static ch_status not_for_table(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_table *t;
    bool is_temp;
    CH_TRY(ch_ddl_find(c, &d->name, &t, &is_temp, err));
    const char *name = t ? ch_ddl_table(c, t) : ch_ddl_quote_list(c, &d->name);
    CH_FAIL(err, TABLE_OPERATION, "tableName", name, "operation", d->text);
}

ch_status ch_ddl_run(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_ddl *d = (const ch_rel_ddl *)frame->rel;
    ch_ddl c;
    CH_UNUSED(out);
    CH_TRY(ch_ddl_open(frame, &c, err));
    switch (d->action) {
    case CH_DDL_CREATE_DATABASE:
        return create_database(&c, d, err);
    case CH_DDL_DROP_DATABASE:
        return drop_database(&c, d, err);
    case CH_DDL_ALTER_DATABASE:
        return alter_database(&c, d, err);
    case CH_DDL_USE:
        return use(&c, d, err);
    case CH_DDL_SET_CATALOG:
        return set_catalog(&c, d, err);
    case CH_DDL_CREATE_TABLE:
        return ch_ddl_create_table(&c, d, err);
    case CH_DDL_CREATE_LIKE:
        return ch_ddl_create_like(&c, d, err);
    case CH_DDL_CREATE_VIEW:
    case CH_DDL_ALTER_VIEW:
        return ch_ddl_view(&c, d, err);
    case CH_DDL_COMMENT:
        return d->cascade ? alter_database(&c,
                                           &(ch_rel_ddl){.action = CH_DDL_COMMENT,
                                                         .name = d->name,
                                                         .comment = d->comment},
                                           err)
                          : ch_ddl_alter(&c, d, err);
    case CH_DDL_RENAME:
    case CH_DDL_ADD_COLUMNS:
    case CH_DDL_ALTER_COLUMN:
    case CH_DDL_SET_PROPERTIES:
    case CH_DDL_UNSET_PROPERTIES:
    case CH_DDL_SET_LOCATION:
        return ch_ddl_alter(&c, d, err);
    case CH_DDL_TRUNCATE:
    case CH_DDL_ADD_PARTITION:
    case CH_DDL_DROP_PARTITION:
    case CH_DDL_RENAME_PARTITION:
    case CH_DDL_RECOVER_PARTITIONS:
        return ch_ddl_partition(&c, d, err);
    case CH_DDL_ANALYZE:
        return ch_ddl_analyze(&c, d, err);
    case CH_DDL_REFRESH:
        return refresh(&c, d, err);
    case CH_DDL_NOT_FOR_TABLE:
        break;
    }
    return not_for_table(&c, d, err);
}
