/* SPDX-License-Identifier: Apache-2.0 */
/* ddl_alter.c - ALTER TABLE and ALTER VIEW, but for partitions; DROP. */
#include <string.h>
#include <strings.h>

#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "store/file.h"

/* ---- DROP ------------------------------------------------------------------------------------------- */

ch_status ch_ddl_drop_table(ch_ddl *c, const ch_meta_table *t, ch_error *err)
{
    ch_meta_partitions known = {0};
    if (t->partition_columns.n && !t->is_external)
        CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    CH_TRY(ch_meta_table_drop(&c->meta, t->database, t->name, err));
    if (t->is_view || t->is_external)
        return CH_OK;
    for (int32_t i = 0; i < known.n; i++)
        if (known.item[i].location)
            CH_TRY(ch_file_remove(known.item[i].location, err));
    return ch_file_remove(t->location, err);
}

/* DROP TABLE, DROP VIEW */
ch_status ch_drop_run(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_drop_view *d = (const ch_rel_drop_view *)frame->rel;
    ch_ddl c;
    ch_table_name name;
    ch_meta_table *t = NULL;
    CH_UNUSED(out);
    CH_TRY(ch_ddl_open(frame, &c, err));
    CH_TRY(ch_table_name_of(c.session, &d->name, NULL, c.arena, &name, err));
    bool may_be_temp = d->name.n == 1 || (d->name.n == 2 && name.is_global);
    if (may_be_temp)
        CH_TRY(ch_forget_view(c.session, name.name, name.is_global, NULL, NULL, err));
    if (may_be_temp && ch_session_drop_view(c.session, name.name, name.is_global))
        return CH_OK;
    if (name.fits && !name.is_global)
        CH_TRY(ch_meta_table_get(&c.meta, name.database, name.name, &t, err));
    if (!t && d->if_exists)
        return CH_OK;
    if (!t) {
        const char *path =
            ch_arena_printf(c.arena, NULL, "[`" CH_CATALOG_NAME "`.`%s`]", name.database);
        CH_FAIL(err, TABLE_OR_VIEW_NOT_FOUND, "relationName",
                ch_table_quoted(c.arena, name.database, name.name, NULL), "searchPath",
                path ? path : "");
    }
    if (!d->is_table && !t->is_view) {
        const char *text =
            ch_arena_printf(c.arena, NULL, CH_CATALOG_NAME ".%s.%s", t->database, t->name);
        CH_FAIL(err, WRONG_COMMAND_FOR_OBJECT_TYPE, "operation", "DROP VIEW", "requiredType",
                "VIEW or METRIC_VIEW", "objectName", text ? text : "", "foundType",
                t->is_external ? "EXTERNAL" : "MANAGED", "alternative", "DROP TABLE");
    }
    return ch_ddl_drop_table(&c, t, err);
}

/* ---- RENAME ------------------------------------------------------------------------------------------ */

static ch_status rename_temporary(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_table_name from, to;
    ch_frame *view;
    const ch_rel *rel;
    CH_TRY(ch_table_name_of(c->session, &d->name, NULL, c->arena, &from, err));
    CH_TRY(ch_table_name_of(c->session, &d->target, NULL, c->arena, &to, err));
    ch_session_find_view(c->session, from.name, from.is_global, &view, &rel);
    if (!view)
        return CH_OK;
    ch_status status =
        ch_session_put_view(c->session, to.name, from.is_global, false, view, rel, err);
    ch_frame_unref(view);
    if (status == CH_OK)
        (void)ch_session_drop_view(c->session, from.name, from.is_global);
    return status;
}

static ch_status rename_table(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    ch_table_name to;
    ch_meta_table *old, was = *t;
    ch_meta_database db;
    ch_meta_partitions known;
    bool existed, found;
    CH_TRY(ch_table_name_of(c->session, &d->target, t->database, c->arena, &to, err));
    if (strcmp(to.database, t->database) != 0)
        CH_FAIL(err, RENAME_DATABASE_MISMATCH, "db", ch_ddl_quote(c, t->database), "newDb",
                ch_ddl_quote(c, to.database));
    if (!ch_meta_name_ok(to.name))
        CH_FAIL(err, INVALID_SCHEMA_OR_RELATION_NAME, "name", ch_ddl_quote(c, to.name));
    CH_TRY(ch_meta_table_get(&c->meta, to.database, to.name, &old, err));
    if (old) {
        const char *text = ch_arena_printf(c->arena, NULL, "`%s`.`%s`", to.database, to.name);
        CH_FAIL(err, TABLE_OR_VIEW_ALREADY_EXISTS, "relationName", text ? text : "");
    }
    CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    t->name = to.name;
    if (!t->is_view && !t->is_external) {
        /* Its folder is called like the table. */
        CH_TRY(ch_meta_database_get(&c->meta, t->database, &db, &found, err));
        const char *path = ch_meta_table_path(&c->meta, &db, t->name, err);
        if (!path)
            return CH_E_MEMORY;
        if (ch_file_exists(t->location))
            CH_TRY(ch_file_rename(t->location, path, err));
        t->location = path;
    }
    if (known.n)
        CH_TRY(ch_meta_partitions_put(&c->meta, t, &known, err));
    ch_status status = ch_meta_table_put(&c->meta, t, true, &existed, err);
    if (status != CH_OK) {
        if (t->location != was.location)
            (void)!ch_file_rename(t->location, was.location, NULL);
        return status;
    }
    return ch_meta_table_drop(&c->meta, was.database, was.name, err);
}

/* ---- columns ----------------------------------------------------------------------------------------- */

static ch_status add_columns(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    int32_t n_old = t->schema->n_fields, n_new = d->schema->n_fields, n = 0;
    int32_t n_data = n_old - t->partition_columns.n;
    ch_field *field;
    CH_ARENA_ARRAY(field, c->arena, n_old + n_new + 1, err);
    CH_TRY(ch_ddl_check_defaults(c, d->schema, "ALTER TABLE ADD COLUMNS", err));
    for (int32_t i = 0; i < n_new; i++) {
        const char *text;
        CH_TRY(ch_meta_field_get(&c->meta, &d->schema->field[i], "CURRENT_DEFAULT", &text, err));
        if (text) /* old files would have to give it */
            CH_FAIL(err, UNSUPPORTED, "feature", "ALTER TABLE ADD COLUMNS with DEFAULT");
    }
    for (int32_t i = 0; i < n_new; i++)
        if (ch_ddl_column(c, t->schema, d->schema->field[i].name) >= 0 ||
            ch_ddl_column(c, d->schema, d->schema->field[i].name) != i)
            CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName",
                    ch_ddl_quote(c, d->schema->field[i].name));
    for (int32_t i = 0; i < n_data; i++)
        field[n++] = t->schema->field[i];
    for (int32_t i = 0; i < n_new; i++)
        field[n++] = d->schema->field[i];
    for (int32_t i = n_data; i < n_old; i++)
        field[n++] = t->schema->field[i];
    t->schema = ch_type_struct(field, n);
    return t->schema ? ch_ddl_put(c, t, err) : ch_error_memory(err, "types", 0, 0);
}

static ch_status alter_column(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    const char *name = d->target.item[d->target.n - 1];
    int32_t at = d->target.n == 1 ? ch_ddl_column(c, t->schema, name) : -1;
    ch_field *field;
    if (at < 0)
        CH_FAIL(err, COLUMN_NOT_FOUND, "colName", ch_ddl_quote_list(c, &d->target),
                "caseSensitiveConfig", "\"spark.sql.caseSensitive\"");
    CH_ARENA_ARRAY(field, c->arena, t->schema->n_fields, err);
    for (int32_t i = 0; i < t->schema->n_fields; i++)
        field[i] = t->schema->field[i];
    const char *comment = d->comment;
    if (d->schema) {
        const ch_field *f = &d->schema->field[0];
        if (f->type != field[at].type || strcasecmp(f->name, field[at].name) != 0)
            CH_FAIL(err, NOT_SUPPORTED_CHANGE_COLUMN, "table", ch_ddl_table(c, t), "originName",
                    ch_ddl_quote(c, field[at].name), "originType", ch_ddl_type(c, field[at].type),
                    "newName", ch_ddl_quote(c, f->name), "newType", ch_ddl_type(c, f->type));
        CH_TRY(ch_meta_field_get(&c->meta, f, "comment", &comment, err));
    }
    if (comment)
        CH_TRY(ch_meta_field_set(&c->meta, &field[at], "comment", comment, err));
    if (d->text || d->cascade)
        CH_TRY(ch_meta_field_set(&c->meta, &field[at], "CURRENT_DEFAULT", d->text, err));
    if (d->text) {
        const ch_type *one = ch_type_struct(&field[at], 1);
        CH_TRY(one ? ch_ddl_check_defaults(c, one, "ALTER TABLE ALTER COLUMN", err)
                   : ch_error_memory(err, "types", 0, 0));
    }
    t->schema = ch_type_struct(field, t->schema->n_fields);
    return t->schema ? ch_ddl_put(c, t, err) : ch_error_memory(err, "types", 0, 0);
}

/* ---- the rest ---------------------------------------------------------------------------------------- */

static ch_status set_location(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    const char *place = ch_ddl_absolute(c, d->location, err), *path;
    ch_meta_partitions known;
    if (!place)
        return err ? err->code : CH_E_MEMORY;
    if (!d->n_specs) {
        t->location = place;
        t->is_external = true;
        return ch_ddl_put(c, t, err);
    }
    CH_TRY(ch_ddl_check_spec(c, t, &d->specs[0], err));
    CH_TRY(ch_ddl_partition_path(c, t, &d->specs[0], &path, err));
    CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
    for (int32_t i = 0; i < known.n; i++)
        if (strcmp(known.item[i].path, path) == 0) {
            known.item[i].location = place;
            return ch_meta_partitions_put(&c->meta, t, &known, err);
        }
    CH_FAIL(err, PARTITIONS_NOT_FOUND, "partitionList", path, "tableName", ch_ddl_table(c, t));
}

static ch_status properties(ch_ddl *c, const ch_rel_ddl *d, ch_meta_table *t, ch_error *err)
{
    bool unset = d->action == CH_DDL_UNSET_PROPERTIES;
    for (int32_t i = 0; i < d->properties.n; i++) {
        const char *key = d->properties.key[i];
        if (strcmp(key, "comment") == 0)
            t->comment = unset ? "" : d->properties.value[i];
        else
            CH_TRY(ch_option_list_put(c->arena, &t->properties, key,
                                      unset ? NULL : d->properties.value[i], err));
    }
    return ch_ddl_put(c, t, err);
}

ch_status ch_ddl_alter(ch_ddl *c, const ch_rel_ddl *d, ch_error *err)
{
    ch_meta_table *t;
    bool is_temp;
    CH_TRY(ch_ddl_find(c, &d->name, &t, &is_temp, err));
    if (is_temp && d->action == CH_DDL_RENAME)
        return rename_temporary(c, d, err);
    if (is_temp)
        CH_FAIL(err, EXPECT_PERMANENT_VIEW, "viewName", ch_ddl_quote_list(c, &d->name), "operation",
                d->is_view ? "ALTER VIEW" : "ALTER TABLE");
    if (d->is_view && !t->is_view)
        CH_FAIL(err, EXPECT_VIEW_USE_ALTER_TABLE, "tableName", ch_ddl_table(c, t), "operation",
                "ALTER VIEW");
    if (t->is_view && (d->action == CH_DDL_ADD_COLUMNS || d->action == CH_DDL_ALTER_COLUMN))
        CH_FAIL(err, EXPECT_TABLE_NOT_VIEW, "viewName", ch_ddl_table(c, t), "operation",
                d->action == CH_DDL_ADD_COLUMNS ? "ALTER TABLE ... ADD COLUMNS"
                                                : "ALTER TABLE ... ALTER COLUMN");
    if (!d->is_view && t->is_view && d->action != CH_DDL_COMMENT && d->action != CH_DDL_RENAME)
        CH_FAIL(err, EXPECT_TABLE_USE_ALTER_VIEW, "viewName", ch_ddl_table(c, t), "operation",
                "ALTER TABLE");
    switch (d->action) {
    case CH_DDL_RENAME:
        return rename_table(c, d, t, err);
    case CH_DDL_ADD_COLUMNS:
        return add_columns(c, d, t, err);
    case CH_DDL_ALTER_COLUMN:
        return alter_column(c, d, t, err);
    case CH_DDL_SET_LOCATION:
        return set_location(c, d, t, err);
    case CH_DDL_COMMENT:
        t->comment = d->comment;
        return ch_ddl_put(c, t, err);
    default:
        return properties(c, d, t, err);
    }
}
