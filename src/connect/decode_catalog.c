/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode_catalog.c - spark.catalog: each question is answered while the plan is decoded, as Spark does, by the
 * statement of SQL that means the same or by the session's catalog; the answer is a table of text.
 */
#include <string.h>
#include <strings.h>

#include "connect/decode_relation.h"
#include "function/function.h"
#include "session/ddl.h"
#include "session/functions.h"
#include "session/sql_function.h"

typedef PB(Relation) message;

typedef struct answer {
    cn_decode *d;
    ch_ddl ddl; /* of the frame being filled */
    ch_rows rows;
    bool has_namespace; /* the column of that name is an ARRAY: of one name, of none for "" */
} answer;

/* ---- columns ------------------------------------------------------------------------------ */

static void column(answer *a, const char *name, bool is_boolean, bool nullable)
{
    int32_t c = a->rows.n_cols++;
    a->rows.name[c] = name;
    a->rows.is_boolean[c] = is_boolean;
    a->rows.nullable[c] = nullable;
}

/* One row of one value, as currentDatabase() and tableExists() have it. */
static ch_status one(answer *a, const char *text, bool is_boolean, ch_error *err)
{
    column(a, "value", is_boolean, false);
    return ch_rows_add(&a->rows, &text, err);
}

static ch_status boolean(answer *a, bool value, ch_error *err)
{
    return one(a, value ? "true" : "false", true, err);
}

/* ---- names -------------------------------------------------------------------------------- */

/* A name as a program writes it, below a database that may be given beside it. */
static ch_status parts_of(answer *a, const char *name, const char *database, ch_str_list *out,
                          ch_error *err)
{
    const char *copy;
    *out = (ch_str_list){0};
    if (database && *database) {
        CH_TRY(cn_copy_text(a->d, database, &copy, err));
        CH_TRY(ch_name_split(a->d->arena, copy, out, err));
        CH_TRY(cn_copy_text(a->d, name ? name : "", &copy, err));
        return ch_str_list_add(a->d->arena, out, copy, err);
    }
    CH_TRY(cn_copy_text(a->d, name ? name : "", &copy, err));
    return ch_name_split(a->d->arena, copy, out, err);
}

/* The database of a list: that given, or the current one. SCHEMA_NOT_FOUND. */
static ch_status database_of(answer *a, const char *name, const char **out, bool *is_global,
                             ch_error *err)
{
    ch_str_list parts;
    ch_meta_database db;
    bool found;
    *out = a->ddl.database;
    *is_global = false;
    if (!name || !*name)
        return CH_OK;
    CH_TRY(parts_of(a, name, NULL, &parts, err));
    *is_global = parts.n == 1 && strcasecmp(parts.item[0], CH_GLOBAL_DATABASE) == 0;
    if (*is_global)
        return CH_OK;
    CH_TRY(ch_ddl_database(&a->ddl, &parts, &db, &found, err));
    *out = db.name;
    return found ? CH_OK : ch_ddl_no_database(&a->ddl, db.name, err);
}

static bool wanted(const char *pattern, const char *name)
{
    return !pattern || !*pattern || ch_like_matches(pattern, name);
}

/* ---- statements --------------------------------------------------------------------------- */

/* Runs a node of SQL's; no rows come of it. */
static ch_status run(answer *a, ch_rel *rel, ch_error *err)
{
    ch_frame *frame = a->d->frame, *rows = NULL;
    const ch_rel *before = frame->rel;
    frame->rel = rel;
    ch_status status = ch_command_run(frame, &rows, err);
    ch_frame_unref(rows);
    frame->rel = before;
    return status;
}

static ch_status new_ddl(answer *a, ch_ddl_action action, const char *name, ch_rel_ddl **out,
                         ch_error *err)
{
    ch_rel_ddl *r;
    CN_NODE(r, a->d, DDL, err);
    r->action = action;
    *out = r;
    return parts_of(a, name, NULL, &r->name, err);
}

/* ---- databases ---------------------------------------------------------------------------- */

static void database_columns(answer *a)
{
    column(a, "name", false, false);
    column(a, "catalog", false, true);
    column(a, "description", false, true);
    column(a, "locationUri", false, false);
}

static ch_status database_row(answer *a, const char *name, ch_error *err)
{
    ch_meta_database db;
    bool found;
    CH_TRY(ch_meta_database_get(&a->ddl.meta, name, &db, &found, err));
    if (!found)
        return CH_OK;
    const char *place = ch_arena_printf(a->d->arena, err, "file:%s", db.location);
    return place ? ch_rows_add(&a->rows,
                               (const char *const[]){db.name, CH_CATALOG_NAME, db.comment, place},
                               err)
                 : CH_E_MEMORY;
}

static ch_status list_databases(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_str_list names;
    database_columns(a);
    CH_TRY(ch_meta_databases(&a->ddl.meta, &names, err));
    for (int32_t i = 0; i < names.n; i++)
        if (wanted(m->list_databases->pattern, names.item[i]))
            CH_TRY(database_row(a, names.item[i], err));
    return CH_OK;
}

static ch_status get_database(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const char *name;
    bool is_global;
    database_columns(a);
    CH_TRY(database_of(a, m->get_database->db_name, &name, &is_global, err));
    return database_row(a, name, err);
}

static ch_status database_exists(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_str_list parts;
    ch_meta_database db;
    bool found = false;
    CH_TRY(parts_of(a, m->database_exists->db_name, NULL, &parts, err));
    if (parts.n == 1 || (parts.n == 2 && strcasecmp(parts.item[0], CH_CATALOG_NAME) == 0))
        CH_TRY(ch_ddl_database(&a->ddl, &parts, &db, &found, err));
    return boolean(a, found, err);
}

static ch_status current_database(answer *a, const PB(Catalog) * m, ch_error *err)
{
    CH_UNUSED(m);
    return one(a, a->ddl.database, false, err);
}

static ch_status set_current_database(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_USE, m->set_current_database->db_name, &r, err));
    return run(a, &r->head, err);
}

static ch_status create_database(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const PB(CreateDatabase) *c = m->create_database;
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_CREATE_DATABASE, c->db_name, &r, err));
    r->if_not_exists = c->if_not_exists;
    for (size_t i = 0; i < c->n_properties; i++) {
        const char *key = c->properties[i]->key, *value = c->properties[i]->value;
        if (strcasecmp(key, "comment") == 0)
            CH_TRY(cn_copy_text(a->d, value, &r->comment, err));
        else if (strcasecmp(key, "location") == 0)
            CH_TRY(cn_copy_text(a->d, value, &r->location, err));
        else
            CH_TRY(cn_add_option(a->d, &r->properties, key, value, err));
    }
    return run(a, &r->head, err);
}

static ch_status drop_database(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_DROP_DATABASE, m->drop_database->db_name, &r, err));
    r->if_exists = m->drop_database->if_exists;
    r->cascade = m->drop_database->cascade;
    return run(a, &r->head, err);
}

static ch_status current_catalog(answer *a, const PB(Catalog) * m, ch_error *err)
{
    CH_UNUSED(m);
    return one(a, CH_CATALOG_NAME, false, err);
}

static ch_status set_current_catalog(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    const char *name;
    CN_NODE(r, a->d, DDL, err);
    r->action = CH_DDL_SET_CATALOG;
    CH_TRY(cn_copy_text(a->d, m->set_current_catalog->catalog_name, &name, err));
    CH_TRY(ch_str_list_add(a->d->arena, &r->name, name ? name : "", err));
    return run(a, &r->head, err);
}

static ch_status list_catalogs(answer *a, const PB(Catalog) * m, ch_error *err)
{
    column(a, "name", false, false);
    column(a, "description", false, true);
    return wanted(m->list_catalogs->pattern, CH_CATALOG_NAME)
               ? ch_rows_add(&a->rows, (const char *const[]){CH_CATALOG_NAME, NULL}, err)
               : CH_OK;
}

/* ---- tables and views --------------------------------------------------------------------- */

static void table_columns(answer *a)
{
    column(a, "name", false, false);
    column(a, "catalog", false, true);
    column(a, "namespace", false, true);
    column(a, "description", false, true);
    column(a, "tableType", false, false);
    column(a, "isTemporary", true, false);
    a->has_namespace = true;
}

static ch_status stored_row(answer *a, const ch_meta_table *t, ch_error *err)
{
    const char *comment = *t->comment ? t->comment : NULL;
    return ch_rows_add(&a->rows,
                       (const char *const[]){t->name, CH_CATALOG_NAME, t->database, comment,
                                             t->is_view       ? "VIEW"
                                             : t->is_external ? "EXTERNAL"
                                                              : "MANAGED",
                                             "false"},
                       err);
}

static ch_status temp_row(answer *a, const char *name, bool is_global, ch_error *err)
{
    return ch_rows_add(&a->rows,
                       (const char *const[]){name, NULL, is_global ? CH_GLOBAL_DATABASE : "", NULL,
                                             "TEMPORARY", "true"},
                       err);
}

static ch_status list_some(answer *a, const char *db_name, const char *pattern, bool views_only,
                           ch_error *err)
{
    const char *database;
    bool is_global;
    ch_str_list names = {0};
    table_columns(a);
    CH_TRY(database_of(a, db_name, &database, &is_global, err));
    if (!is_global)
        CH_TRY(ch_meta_tables(&a->ddl.meta, database, &names, err));
    for (int32_t i = 0; i < names.n; i++) {
        ch_meta_table *t;
        if (!wanted(pattern, names.item[i]))
            continue;
        CH_TRY(ch_meta_table_get(&a->ddl.meta, database, names.item[i], &t, err));
        if (t && (!views_only || t->is_view))
            CH_TRY(stored_row(a, t, err));
    }
    for (int g = is_global; g >= 0; g--) {
        CH_TRY(ch_session_views(a->ddl.session, g, a->d->arena, &names, err));
        for (int32_t i = 0; i < names.n; i++)
            if (wanted(pattern, names.item[i]))
                CH_TRY(temp_row(a, names.item[i], g, err));
    }
    return CH_OK;
}

static ch_status list_tables(answer *a, const PB(Catalog) * m, ch_error *err)
{
    return list_some(a, m->list_tables->db_name, m->list_tables->pattern, false, err);
}

static ch_status list_views(answer *a, const PB(Catalog) * m, ch_error *err)
{
    return list_some(a, m->list_views->db_name, m->list_views->pattern, true, err);
}

static ch_status get_table(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_str_list parts;
    ch_meta_table *t;
    bool is_temp;
    table_columns(a);
    CH_TRY(parts_of(a, m->get_table->table_name, m->get_table->db_name, &parts, err));
    CH_TRY(ch_ddl_find(&a->ddl, &parts, &t, &is_temp, err));
    return is_temp ? temp_row(a, parts.item[parts.n - 1], parts.n > 1, err) : stored_row(a, t, err);
}

static ch_status table_exists(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_str_list parts;
    ch_meta_table *t;
    bool is_temp;
    ch_error own = {0};
    CH_TRY(parts_of(a, m->table_exists->table_name, m->table_exists->db_name, &parts, err));
    ch_status status = ch_ddl_find(&a->ddl, &parts, &t, &is_temp, &own);
    if (status != CH_OK && status != CH_E_TABLE_OR_VIEW_NOT_FOUND)
        return ch_error_pass(err, &own);
    ch_error_release(&own);
    return boolean(a, status == CH_OK, err);
}

static ch_status list_columns(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_read_named_table *read;
    ch_query *query;
    ch_meta_table *t;
    bool is_temp;
    column(a, "name", false, false);
    column(a, "description", false, true);
    column(a, "dataType", false, false);
    column(a, "nullable", true, false);
    column(a, "isPartition", true, false);
    column(a, "isBucket", true, false);
    column(a, "isCluster", true, false);
    CN_NODE(read, a->d, READ_NAMED_TABLE, err);
    CH_TRY(parts_of(a, m->list_columns->table_name, m->list_columns->db_name, &read->parts, err));
    CH_TRY(ch_ddl_find(&a->ddl, &read->parts, &t, &is_temp, err));
    const ch_type *schema = t ? t->schema : NULL;
    if (!t) {
        CH_TRY(ch_query_open(a->d->frame, &read->head, &query, err));
        schema = ch_query_schema(query);
        ch_query_close(query);
    }
    for (int32_t i = 0; i < schema->n_fields; i++) {
        const ch_field *f = &schema->field[i];
        const char *comment, *clusters = NULL;
        bool key = t && i >= schema->n_fields - t->partition_columns.n, bucket = false;
        ch_buf type;
        for (int32_t k = 0; t && k < t->bucket_columns.n; k++)
            bucket |= strcasecmp(t->bucket_columns.item[k], f->name) == 0;
        if (t)
            clusters = ch_option_list_get(&t->properties, "clusteringColumns");
        const char *quoted = ch_arena_printf(a->d->arena, err, "[\"%s\"]", f->name);
        if (!quoted)
            return CH_E_MEMORY;
        CH_TRY(ch_meta_field_get(&a->ddl.meta, f, "comment", &comment, err));
        ch_buf_init(&type, a->ddl.mem);
        ch_status status = ch_type_print(f->type, &type, err);
        if (status == CH_OK)
            status = ch_rows_add(
                &a->rows,
                (const char *const[]){f->name, comment, type.data, f->nullable ? "true" : "false",
                                      key ? "true" : "false", bucket ? "true" : "false",
                                      clusters && strstr(clusters, quoted) ? "true" : "false"},
                err);
        ch_buf_release(&type);
        CH_TRY(status);
    }
    return CH_OK;
}

static ch_status drop_some(answer *a, const char *name, bool if_exists, bool is_table,
                           ch_error *err)
{
    ch_rel_drop_view *r;
    CN_NODE(r, a->d, DROP_VIEW, err);
    r->if_exists = if_exists;
    r->is_table = is_table;
    CH_TRY(parts_of(a, name, NULL, &r->name, err));
    return run(a, &r->head, err);
}

static ch_status drop_table(answer *a, const PB(Catalog) * m, ch_error *err)
{
    return drop_some(a, m->drop_table->table_name, m->drop_table->if_exists, true, err);
}

static ch_status drop_view(answer *a, const PB(Catalog) * m, ch_error *err)
{
    return drop_some(a, m->drop_view->view_name, m->drop_view->if_exists, false, err);
}

static ch_status drop_temp_view(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const char *name = m->drop_temp_view->view_name;
    return boolean(a, ch_session_drop_view(a->ddl.session, name ? name : "", false), err);
}

static ch_status drop_global_temp_view(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const char *name = m->drop_global_temp_view->view_name;
    return boolean(a, ch_session_drop_view(a->ddl.session, name ? name : "", true), err);
}

/* Makes the table; the answer is its rows. */
static ch_status make_table(answer *a, const char *name, const char *path, const char *source,
                            const char *comment, const PB(DataType) * schema, char **key,
                            char **value, size_t n, ch_rel **out, ch_error *err)
{
    ch_rel_ddl *r;
    ch_rel_read_named_table *read;
    CH_TRY(new_ddl(a, CH_DDL_CREATE_TABLE, name, &r, err));
    if (source && *source)
        CH_TRY(cn_copy_text(a->d, source, &r->provider, err));
    else
        CH_TRY(ch_session_get(a->ddl.session, "spark.sql.sources.default", a->d->arena,
                              &r->provider, err));
    CH_TRY(cn_copy_text(a->d, comment, &r->comment, err));
    CH_TRY(cn_copy_text(a->d, path, &r->location, err));
    for (size_t i = 0; i < n; i++) {
        if (strcasecmp(key[i], "path") == 0)
            CH_TRY(cn_copy_text(a->d, value[i], &r->location, err));
        else
            CH_TRY(cn_add_option(a->d, &r->options, key[i], value[i], err));
    }
    if (schema)
        CH_TRY(cn_decode_type(schema, &r->schema, err));
    if (r->schema && r->schema->n_fields == 0)
        r->schema = NULL;
    CH_TRY(run(a, &r->head, err));
    CN_NODE(read, a->d, READ_NAMED_TABLE, err);
    read->parts = r->name;
    *out = &read->head;
    return CH_OK;
}

#define PAIRS(m, key, value)                                     \
    char **key, **value;                                         \
    CH_ARENA_ARRAY(key, a->d->arena, (m)->n_options + 1, err);   \
    CH_ARENA_ARRAY(value, a->d->arena, (m)->n_options + 1, err); \
    for (size_t i = 0; i < (m)->n_options; i++) {                \
        (key)[i] = (m)->options[i]->key;                         \
        (value)[i] = (m)->options[i]->value;                     \
    }

static ch_status create_table(answer *a, const PB(Catalog) * m, ch_rel **out, ch_error *err)
{
    const PB(CreateTable) *c = m->create_table;
    PAIRS(c, key, value)
    return make_table(a, c->table_name, c->path, c->source, c->description, c->schema, key, value,
                      c->n_options, out, err);
}

static ch_status create_external_table(answer *a, const PB(Catalog) * m, ch_rel **out,
                                       ch_error *err)
{
    const PB(CreateExternalTable) *c = m->create_external_table;
    PAIRS(c, key, value)
    return make_table(a, c->table_name, c->path, c->source, NULL, c->schema, key, value,
                      c->n_options, out, err);
}

static ch_status recover_partitions(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_RECOVER_PARTITIONS, m->recover_partitions->table_name, &r, err));
    r->text = "recoverPartitions()";
    return run(a, &r->head, err);
}

static ch_status refresh_table(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_REFRESH, m->refresh_table->table_name, &r, err));
    return run(a, &r->head, err);
}

static ch_status refresh_by_path(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_REFRESH, "", &r, err));
    r->is_path = true;
    CH_TRY(cn_copy_text(a->d, m->refresh_by_path->path, &r->location, err));
    return run(a, &r->head, err);
}

static ch_status truncate_table(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_TRUNCATE, m->truncate_table->table_name, &r, err));
    return run(a, &r->head, err);
}

static ch_status analyze_table(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_ddl *r;
    CH_TRY(new_ddl(a, CH_DDL_ANALYZE, m->analyze_table->table_name, &r, err));
    r->no_scan = m->analyze_table->no_scan;
    return run(a, &r->head, err);
}

/* The rows of a SHOW, under the columns given. */
static ch_status shown(answer *a, ch_show_what what, const char *name, ch_rel_show **out,
                       ch_error *err)
{
    CN_NODE(*out, a->d, SHOW, err);
    (*out)->what = what;
    CH_TRY(parts_of(a, name, NULL, &(*out)->name, err));
    ch_frame *frame = a->d->frame;
    const ch_rel *before = frame->rel;
    frame->rel = &(*out)->head;
    ch_status status = ch_show_run(frame, &a->rows, err);
    frame->rel = before;
    return status;
}

static ch_status list_partitions(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_show *s;
    return shown(a, CH_SHOW_PARTITIONS, m->list_partitions->table_name, &s, err);
}

static ch_status get_table_properties(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_show *s;
    return shown(a, CH_SHOW_TBLPROPERTIES, m->get_table_properties->table_name, &s, err);
}

static ch_status get_create_table_string(answer *a, const PB(Catalog) * m, ch_error *err)
{
    ch_rel_show *s;
    return shown(a, CH_SHOW_CREATE_TABLE, m->get_create_table_string->table_name, &s, err);
}

/* ---- functions ---------------------------------------------------------------------------- */

static void function_columns(answer *a)
{
    column(a, "name", false, false);
    column(a, "catalog", false, true);
    column(a, "namespace", false, true);
    column(a, "description", false, true);
    column(a, "className", false, false);
    column(a, "isTemporary", true, false);
    a->has_namespace = true;
}

static ch_status function_row(answer *a, const ch_func *f, ch_error *err)
{
    const char *doc = ch_arena_printf(a->d->arena, err, "%s - %s", f->sig ? f->sig : f->name,
                                      f->doc ? f->doc : "");
    return doc ? ch_rows_add(&a->rows,
                             (const char *const[]){f->name, NULL, NULL, doc, f->name, "true"}, err)
               : CH_E_MEMORY;
}

/* One that was registered. */
static ch_status registered_row(answer *a, const char *name, ch_error *err)
{
    return ch_rows_add(&a->rows, (const char *const[]){name, NULL, NULL, "N/A.", "", "true"}, err);
}

/* A stored one. */
static ch_status stored_function_row(answer *a, const char *database, const char *name,
                                     ch_error *err)
{
    ch_meta_function *f;
    CH_TRY(ch_meta_function_get(&a->ddl.meta, database, name, &f, err));
    if (!f)
        return CH_OK; /* dropped just now */
    return ch_rows_add(&a->rows,
                       (const char *const[]){f->name, CH_CATALOG_NAME, database,
                                             f->has_comment ? f->comment : "N/A.", "", "false"},
                       err);
}

/* Is the name, as it was registered, that of a function of the program's? In the arena; NULL: it is not. */
static ch_status find_registered(answer *a, const ch_str_list *parts, const char **out,
                                 ch_error *err)
{
    ch_function_entry *entry =
        parts->n == 1 ? ch_functions_find(a->d->session->session, parts->item[0]) : NULL;
    *out = entry ? ch_arena_str(a->d->arena, entry->function.name, err) : NULL;
    ch_status status = entry && !*out ? CH_E_MEMORY : CH_OK;
    ch_function_entry_unref(entry);
    return status;
}

static ch_status list_functions(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const char *database;
    bool is_global;
    function_columns(a);
    CH_TRY(database_of(a, m->list_functions->db_name, &database, &is_global, err));
    for (int32_t i = 0; ch_func_at(i); i++) {
        const ch_func *f = ch_func_at(i);
        bool first = true; /* overloads share a name */
        for (int32_t k = i - 1; k >= 0 && first; k--)
            first = strcmp(ch_func_at(k)->name, f->name) != 0;
        if (first && wanted(m->list_functions->pattern, f->name))
            CH_TRY(function_row(a, f, err));
    }
    ch_str_list own;
    CH_TRY(ch_functions_names(a->d->session->session, a->d->arena, &own, err));
    for (int32_t i = 0; i < own.n; i++)
        if (wanted(m->list_functions->pattern, own.item[i]))
            CH_TRY(registered_row(a, own.item[i], err));
    CH_TRY(ch_meta_functions(&a->ddl.meta, database, &own, err));
    for (int32_t i = 0; i < own.n; i++)
        if (wanted(m->list_functions->pattern, own.item[i]))
            CH_TRY(stored_function_row(a, database, own.item[i], err));
    return CH_OK;
}

static ch_status find_function(answer *a, const char *name, const char *db_name,
                               const ch_func **out, ch_str_list *parts, ch_error *err)
{
    CH_TRY(parts_of(a, name, db_name, parts, err));
    *out = parts->n == 1 ? ch_func_find(parts->item[0]) : NULL;
    return CH_OK;
}

static ch_status get_function(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const ch_func *f;
    const char *own;
    ch_str_list parts;
    ch_table_name at;
    ch_meta_function *stored = NULL;
    function_columns(a);
    CH_TRY(find_function(a, m->get_function->function_name, m->get_function->db_name, &f, &parts,
                         err));
    CH_TRY(find_registered(a, &parts, &own, err));
    if (own)
        return registered_row(a, own, err);
    if (!f)
        CH_TRY(ch_sql_function_stored(&a->ddl, &parts, &at, &stored, err));
    if (stored)
        return stored_function_row(a, at.database, at.name, err);
    if (!f)
        CH_FAIL(err, UNRESOLVED_ROUTINE, "routineName", ch_ddl_quote_list(&a->ddl, &parts),
                "searchPath",
                "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]");
    return function_row(a, f, err);
}

static ch_status function_exists(answer *a, const PB(Catalog) * m, ch_error *err)
{
    const ch_func *f;
    const char *own;
    ch_str_list parts;
    ch_meta_function *stored = NULL;
    CH_TRY(find_function(a, m->function_exists->function_name, m->function_exists->db_name, &f,
                         &parts, err));
    CH_TRY(find_registered(a, &parts, &own, err));
    if (!f && !own)
        CH_TRY(ch_sql_function_stored(&a->ddl, &parts, NULL, &stored, err));
    return boolean(a, f || own || stored, err);
}

/* ---- the map ------------------------------------------------------------------------------ */

static const struct {
    PB(Catalog__CatTypeCase) which;
    ch_status (*run)(answer *a, const PB(Catalog) * m, ch_error *err);
} ROW[] = {
#define CN_CATALOG(CASE, runner) {SPARK__CONNECT__CATALOG__CAT_TYPE_##CASE, runner},
#define CN_OTHER_CATALOG(CASE)
#include "builtin/connect_catalog.def"
#include "plan/plan_command.h"
#undef CN_CATALOG
#undef CN_OTHER_CATALOG
};

static ch_status make_arrays(answer *a, ch_rel **rel, ch_error *err)
{
    ch_rel_project *p;
    CN_NODE(p, a->d, PROJECT, err);
    p->input = *rel;
    for (int32_t i = 0; i < a->rows.n_cols; i++) {
        ch_expr_expression_string *e = ch_expr_new(a->d->arena, CH_EXPR_EXPRESSION_STRING, err);
        if (!e)
            return CH_E_MEMORY;
        e->expression = strcmp(a->rows.name[i], "namespace") != 0
                            ? a->rows.name[i]
                            : "CASE WHEN namespace = '' THEN CAST(array() AS ARRAY<STRING>) "
                              "WHEN namespace IS NOT NULL THEN array(namespace) END AS namespace";
        CH_TRY(ch_expr_list_add(a->d->arena, &p->expressions, &e->head, err));
    }
    *rel = &p->head;
    return CH_OK;
}

/* The rows into the frame being filled, beside what it has already. */
static ch_status add_rows(answer *a, ch_rel **out, ch_error *err)
{
    ch_frame *made = a->rows.frame;
    ch_rel_local_relation *r;
    CH_TRY(ch_rows_finish(&a->rows, err));
    const ch_rel_local_relation *from = (const ch_rel_local_relation *)made->rel;
    CN_NODE(r, a->d, LOCAL_RELATION, err);
    r->schema = from->schema;
    CH_ARENA_ARRAY(r->batch, a->d->arena, from->n_batches + 1, err);
    for (int32_t i = 0; i < from->n_batches; i++) {
        ch_batch copy;
        CH_TRY(ch_batch_copy(from->batch[i], &copy, err));
        CH_TRY(cn_add_batch(a->d, &copy, &r->batch[i], err));
    }
    r->n_batches = from->n_batches;
    *out = &r->head;
    return a->has_namespace ? make_arrays(a, out, err) : CH_OK;
}

ch_status cn_decode_catalog_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)
{
    const PB(Catalog) *c = m->catalog;
    answer a = {.d = d};
    CH_TRY(ch_ddl_open(d->frame, &a.ddl, err));
    if (c->cat_type_case == SPARK__CONNECT__CATALOG__CAT_TYPE_CREATE_TABLE)
        return create_table(&a, c, out, err);
    if (c->cat_type_case == SPARK__CONNECT__CATALOG__CAT_TYPE_CREATE_EXTERNAL_TABLE)
        return create_external_table(&a, c, out, err);
    for (size_t i = 0; i < sizeof ROW / sizeof *ROW; i++) {
        if (ROW[i].which != c->cat_type_case)
            continue;
        CH_TRY(ch_frame_new(d->session->session, NULL, 0, &a.rows.frame, err));
        ch_frame *made = a.rows.frame;
        ch_status status = ROW[i].run(&a, c, err);
        if (status == CH_OK)
            status = add_rows(&a, out, err);
        ch_frame_unref(made);
        return status;
    }
    bool done;
    CH_TRY(cn_catalog_cache(d, c, out, &done, err));
    if (done)
        return CH_OK;
    CN_UNSUPPORTED(err, "This question to the catalog (spark.catalog)");
}
