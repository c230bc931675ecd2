/* SPDX-License-Identifier: Apache-2.0 */
/* command_show.c - SHOW. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "session/command_function.h"
#include "session/ddl.h"
#include "session/ddl_describe.h"

/* SHOW ... LIKE: * is any text, | separates alternatives, case does not matter. */
static bool matches_one(const char *pattern, const char *end, const char *text)
{
    for (; pattern < end; pattern++, text++) {
        if (*pattern == '*') {
            do {
                if (matches_one(pattern + 1, end, text))
                    return true;
            } while (*text++);
            return false;
        }
        if (strncasecmp(pattern, text, 1) != 0)
            return false;
    }
    return *text == 0;
}

bool ch_like_matches(const char *pattern, const char *text)
{
    while (pattern) {
        const char *bar = strchr(pattern, '|');
        if (matches_one(pattern, bar ? bar : pattern + strlen(pattern), text))
            return true;
        pattern = bar ? bar + 1 : NULL;
    }
    return false;
}

static bool wanted(const ch_rel_show *show, const char *text)
{
    return !show->pattern || ch_like_matches(show->pattern, text);
}

/* ---- tables and views ---- */

/* The database that SHOW ... IN names, or the current one; *is_global: global_temp. */
static ch_status database_of(ch_ddl *c, const ch_rel_show *s, const char **out, bool *is_global,
                             ch_error *err)
{
    ch_meta_database db;
    bool found;
    *out = c->database;
    *is_global = false;
    if (!s->name.n)
        return CH_OK;
    *is_global = s->name.n == 1 && strcasecmp(s->name.item[0], CH_GLOBAL_DATABASE) == 0;
    if (*is_global)
        return CH_OK;
    CH_TRY(ch_ddl_database(c, &s->name, &db, &found, err));
    *out = db.name;
    return found ? CH_OK : ch_ddl_no_database(c, db.name, err);
}

typedef struct entry {
    const char *namespace, *name;
    bool is_temp;
} entry;

/* What SHOW TABLES and SHOW VIEWS list: the database's, then temporary views, each in order of names. */
static ch_status entries(ch_ddl *c, const ch_rel_show *s, bool views_only, entry **out, int32_t *n,
                         ch_error *err)
{
    const char *database;
    ch_str_list stored = {0}, temps[2];
    bool is_global;
    *n = 0;
    CH_TRY(database_of(c, s, &database, &is_global, err));
    if (!is_global)
        CH_TRY(ch_meta_tables(&c->meta, database, &stored, err));
    for (int g = 0; g < 2; g++)
        CH_TRY(ch_session_views(c->session, g, c->arena, &temps[g], err));
    if (!is_global)
        temps[1].n = 0;
    CH_ARENA_ARRAY(*out, c->arena, stored.n + temps[0].n + temps[1].n + 1, err);
    for (int32_t i = 0; i < stored.n; i++) {
        ch_meta_table *t = NULL;
        if (!wanted(s, stored.item[i]))
            continue;
        if (views_only)
            CH_TRY(ch_meta_table_get(&c->meta, database, stored.item[i], &t, err));
        if (!views_only || (t && t->is_view))
            (*out)[(*n)++] = (entry){database, stored.item[i], false};
    }
    for (int g = 1; g >= 0; g--)
        for (int32_t i = 0; i < temps[g].n; i++)
            if (wanted(s, temps[g].item[i]))
                (*out)[(*n)++] = (entry){g ? CH_GLOBAL_DATABASE : "", temps[g].item[i], true};
    return CH_OK;
}

static ch_status show_views(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    entry *list;
    int32_t n;
    bool views = show->what == CH_SHOW_VIEWS;
    out->n_cols = 3;
    out->name[0] = "namespace";
    out->name[1] = views ? "viewName" : "tableName";
    out->name[2] = "isTemporary";
    out->is_boolean[2] = true;
    CH_TRY(entries(c, show, views, &list, &n, err));
    for (int32_t i = 0; i < n; i++)
        CH_TRY(ch_rows_add(out,
                           (const char *const[]){list[i].namespace, list[i].name,
                                                 list[i].is_temp ? "true" : "false"},
                           err));
    return CH_OK;
}

static ch_status show_extended(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    entry *list;
    int32_t n;
    out->n_cols = 4;
    out->name[0] = "namespace";
    out->name[1] = "tableName";
    out->name[2] = "isTemporary";
    out->name[3] = "information";
    out->is_boolean[2] = true;
    CH_TRY(entries(c, show, false, &list, &n, err));
    for (int32_t i = 0; i < n; i++) {
        const char *text = "";
        ch_meta_table *t = NULL;
        if (!list[i].is_temp)
            CH_TRY(ch_meta_table_get(&c->meta, list[i].namespace, list[i].name, &t, err));
        if (t)
            CH_TRY(ch_describe_text(c, t, &text, err));
        CH_TRY(ch_rows_add(out,
                           (const char *const[]){list[i].namespace, list[i].name,
                                                 list[i].is_temp ? "true" : "false", text},
                           err));
    }
    return CH_OK;
}

static ch_status show_databases(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    ch_str_list names;
    out->name[0] = "namespace";
    CH_TRY(ch_meta_databases(&c->meta, &names, err));
    for (int32_t i = 0; i < names.n; i++)
        if (wanted(show, names.item[i]))
            CH_TRY(ch_rows_add(out, &names.item[i], err));
    return CH_OK;
}

/* ---- one table ---- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static ch_status show_properties(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    ch_meta_table *t;
    bool is_temp;
    out->n_cols = 2;
    out->name[0] = "key";
    out->name[1] = "value";
    CH_TRY(ch_ddl_find(c, &show->name, &t, &is_temp, err));
    if (is_temp)
        return CH_OK;
    if (show->pattern) {
        const char *value = ch_option_list_get(&t->properties, show->pattern);
        if (!value)
            value = ch_arena_printf(c->arena, err,
                                    "Table " CH_CATALOG_NAME ".%s.%s does not have property: %s",
                                    t->database, t->name, show->pattern);
        return value ? ch_rows_add(out, (const char *const[]){show->pattern, value}, err)
                     : CH_E_MEMORY;
    }
    const char **key;
    CH_ARENA_ARRAY(key, c->arena, t->properties.n + 1, err);
    for (int32_t i = 0; i < t->properties.n; i++)
        key[i] = t->properties.key[i];
    if (t->properties.n > 1)
        qsort(key, (size_t)t->properties.n, sizeof *key, by_text);
    for (int32_t i = 0; i < t->properties.n; i++)
        CH_TRY(ch_rows_add(
            out, (const char *const[]){key[i], ch_option_list_get(&t->properties, key[i])}, err));
    return CH_OK;
}

static ch_status show_partitions(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    ch_meta_table *t;
    ch_meta_partitions list;
    out->name[0] = "partition";
    CH_TRY(ch_ddl_find_table(c, &show->name, "SHOW PARTITIONS", &t, err));
    if (!t->partition_columns.n)
        CH_FAIL(err, PARTITION_SCHEMA_IS_EMPTY, "name", ch_ddl_table(c, t));
    CH_TRY(ch_ddl_check_spec(c, t, &show->spec, err));
    CH_TRY(ch_meta_partitions_get(&c->meta, t, &list, err));
    for (int32_t i = 0; i < list.n; i++) {
        bool fits;
        CH_TRY(ch_ddl_partition_fits(c, t, list.item[i].path, &show->spec, &fits, err));
        if (fits)
            CH_TRY(ch_rows_add(out, &list.item[i].path, err));
    }
    return CH_OK;
}

static ch_status show_create(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    ch_meta_table *t;
    const char *text;
    bool is_temp;
    out->name[0] = "createtab_stmt";
    CH_TRY(ch_ddl_find(c, &show->name, &t, &is_temp, err));
    if (is_temp)
        CH_FAIL(err, UNSUPPORTED, "feature", "SHOW CREATE TABLE of a temporary view");
    CH_TRY(ch_create_text(c, t, &text, err));
    return ch_rows_add(out, &text, err);
}

static ch_status show_columns(ch_ddl *c, const ch_rel_show *show, ch_rows *out, ch_error *err)
{
    ch_query *query;
    out->name[0] = "col_name";
    if (show->database && show->name.n > 1 &&
        strcasecmp(show->database, show->name.item[show->name.n - 2]) != 0)
        CH_FAIL(err, SHOW_COLUMNS_CONFLICT, "namespaceA", ch_ddl_quote(c, show->database),
                "namespaceB", ch_ddl_quote(c, show->name.item[show->name.n - 2]));
    CH_TRY(ch_open_described(c->frame, &show->name, NULL, &query, err));
    const ch_attr_list *columns = ch_query_output(query);
    ch_status status = CH_OK;
    for (int32_t i = 0; i < columns->n && status == CH_OK; i++)
        if (wanted(show, columns->item[i]->name))
            status = ch_rows_add(out, &columns->item[i]->name, err);
    ch_query_close(query);
    return status;
}

ch_status ch_show_run(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_show *s = (const ch_rel_show *)frame->rel;
    static const char *const CATALOGS[] = {CH_CATALOG_NAME};
    ch_ddl c;
    CH_TRY(ch_ddl_open(frame, &c, err));
    out->n_cols = 1;
    switch (s->what) {
    case CH_SHOW_TABLES:
    case CH_SHOW_VIEWS:
        return show_views(&c, s, out, err);
    case CH_SHOW_TABLE_EXTENDED:
        return show_extended(&c, s, out, err);
    case CH_SHOW_COLUMNS:
        return show_columns(&c, s, out, err);
    case CH_SHOW_FUNCTIONS:
        return ch_show_functions(frame, out, err);
    case CH_SHOW_DATABASES:
        return show_databases(&c, s, out, err);
    case CH_SHOW_CATALOGS:
        out->name[0] = "catalog";
        return wanted(s, CATALOGS[0]) ? ch_rows_add(out, CATALOGS, err) : CH_OK;
    case CH_SHOW_CURRENT_NAMESPACE:
        out->n_cols = 2;
        out->name[0] = "catalog";
        out->name[1] = "namespace";
        return ch_rows_add(out, (const char *const[]){CH_CATALOG_NAME, c.database}, err);
    case CH_SHOW_TBLPROPERTIES:
        return show_properties(&c, s, out, err);
    case CH_SHOW_PARTITIONS:
        return show_partitions(&c, s, out, err);
    case CH_SHOW_CREATE_TABLE:
        break;
    }
    return show_create(&c, s, out, err);
}
