/* SPDX-License-Identifier: Apache-2.0 */
/* command_function.c - CREATE, DROP, REFRESH, SHOW and DESCRIBE of functions. */
#include "session/command_function.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "session/functions.h"
#include "session/sql_function.h"
#include "store/access.h"

static const char *last_of(const ch_str_list *name)
{
    return name->item[name->n - 1];
}

static const char *quoted(ch_frame *frame, const ch_str_list *name)
{
    const char *text = ch_names_quoted(&frame->arena, name, NULL);
    return text ? text : "";
}

/* ---- CREATE -------------------------------------------------------------------------------- */

/* The shared object, of the resources that the statement names. */
static ch_status file_of(ch_frame *frame, const ch_rel_function *f, const char **out, ch_error *err)
{
    const char *name = quoted(frame, &f->name);
    *out = NULL;
    for (int32_t i = 0; i < f->resources.n; i++) {
        if (strcmp(f->resources.key[i], "file") != 0)
            CH_FAIL(
                err, CANNOT_LOAD_FUNCTION, "className", f->class_name, "functionName", name, "file",
                f->resources.value[i], "reason",
                "of jars and archives nothing can be loaded, only of a shared object (USING FILE)");
        if (*out)
            CH_FAIL(err, CANNOT_LOAD_FUNCTION, "className", f->class_name, "functionName", name,
                    "file", f->resources.value[i], "reason", "it is of one shared object");
        *out = f->resources.value[i];
    }
    if (!*out)
        CH_FAIL(err, CANNOT_LOAD_FUNCTION, "className", f->class_name, "functionName", name, "file",
                "", "reason", "USING FILE must name the shared object that has it");
    return CH_OK;
}

static ch_status load(ch_frame *frame, const ch_rel_function *f, ch_function_entry *entry,
                      ch_error *err)
{
    const char *file;
    char *path;
    ch_mem *parent = ch_engine_mem(ch_session_engine(frame->session));
    CH_TRY(file_of(frame, f, &file, err));
    CH_TRY(ch_access_native(file, entry->function.name, &path, err));
    ch_status status = ch_native_load(parent, path, f->class_name, entry->function.name,
                                      &entry->function.native, err);
    free(path);
    return status;
}

static ch_status already_exists(ch_frame *frame, const ch_rel_function *f, ch_error *err)
{
    CH_FAIL(err, ROUTINE_ALREADY_EXISTS, "routineName", quoted(frame, &f->name), "newRoutineType",
            "routine", "existingRoutineType", "routine");
}

static ch_status create(ch_frame *frame, const ch_rel_function *f, ch_error *err)
{
    ch_function_entry *entry, *old = ch_functions_find(frame->session, last_of(&f->name));
    bool existed = old != NULL;
    ch_function_entry_unref(old);
    if (!f->is_temporary)
        CH_FAIL(
            err, UNSUPPORTED, "feature",
            "A function of a class that outlasts its session (CREATE FUNCTION without TEMPORARY)");
    if (existed && !f->replace)
        return already_exists(frame, f, err);
    CH_TRY(ch_function_entry_new(frame->session, last_of(&f->name), &entry, err));
    ch_status status = load(frame, f, entry, err);
    if (status != CH_OK) {
        ch_function_entry_unref(entry);
        return status;
    }
    CH_TRY(ch_functions_put(frame->session, entry, f->replace, &existed, err));
    return existed && !f->replace ? already_exists(frame, f, err) : CH_OK;
}

/* ---- DROP, REFRESH ------------------------------------------------------------------------- */

static ch_status not_found(ch_frame *frame, const ch_str_list *name, ch_error *err)
{
    CH_FAIL(err, ROUTINE_NOT_FOUND, "routineName", quoted(frame, name));
}

static bool is_registered(ch_frame *frame, const char *name)
{
    ch_function_entry *own = ch_functions_find(frame->session, name);
    ch_function_entry_unref(own);
    return own != NULL;
}

static ch_status drop_stored(ch_frame *frame, const ch_rel_function *f, ch_error *err)
{
    ch_ddl c;
    ch_table_name name;
    ch_meta_database db;
    ch_meta_function *there;
    bool found;
    CH_TRY(ch_ddl_open(frame, &c, err));
    if (f->name.n == 1 && is_registered(frame, f->name.item[0]))
        CH_FAIL(err, EXPECT_STORED_FUNCTION, "functionName", quoted(frame, &f->name), "operation",
                "DROP FUNCTION", "alternative", "");
    CH_TRY(ch_sql_function_stored(&c, &f->name, &name, &there, err));
    if (there)
        return ch_meta_function_drop(&c.meta, name.database, name.name, err);
    CH_TRY(ch_meta_database_get(&c.meta, name.database, &db, &found, err));
    if (f->if_exists)
        return CH_OK;
    return found ? not_found(frame, &f->name, err) : ch_ddl_no_database(&c, name.database, err);
}

static ch_status drop(ch_frame *frame, const ch_rel_function *f, ch_error *err)
{
    if (f->is_temporary && ch_functions_drop(frame->session, last_of(&f->name)))
        return CH_OK;
    if (f->name.n == 1 && ch_ddl_builtin(f->name.item[0]))
        CH_FAIL(err, FORBIDDEN_OPERATION, "statement", "DROP", "objectType", "FUNCTION",
                "objectName", quoted(frame, &f->name));
    if (!f->is_temporary)
        return drop_stored(frame, f, err);
    return f->if_exists ? CH_OK : not_found(frame, &f->name, err);
}

static ch_status refresh(ch_frame *frame, const ch_rel_function *f, ch_error *err)
{
    ch_ddl c;
    ch_meta_function *there;
    if (f->name.n == 1 && ch_ddl_builtin(f->name.item[0]))
        CH_FAIL(err, REFRESH_BUILTIN, "functionName", f->name.item[0]);
    if (f->name.n == 1 && is_registered(frame, f->name.item[0]))
        CH_FAIL(err, REFRESH_TEMPORARY, "functionName", f->name.item[0]);
    CH_TRY(ch_ddl_open(frame, &c, err));
    CH_TRY(ch_sql_function_stored(&c, &f->name, NULL, &there, err));
    if (!there)
        return not_found(frame, &f->name, err);
    CH_FAIL(err, CANNOT_LOAD_FUNCTION, "className", "sqlFunction.", "functionName",
            quoted(frame, &f->name), "file", "", "reason",
            "it is in SQL, and read anew for each query");
}

ch_status ch_function_run(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_function *f = (const ch_rel_function *)frame->rel;
    CH_UNUSED(out);
    switch (f->action) {
    case CH_FUNCTION_CREATE:
        return f->body ? ch_sql_function_create(frame, err) : create(frame, f, err);
    case CH_FUNCTION_DROP:
        return drop(frame, f, err);
    case CH_FUNCTION_REFRESH:
        break;
    }
    return refresh(frame, f, err);
}

/* ---- SHOW ---------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those of the database: spark_catalog.d.f. The pattern is one of their own names. */
static ch_status stored_names(ch_frame *frame, const ch_rel_show *show, ch_str_list *out,
                              ch_error *err)
{
    ch_ddl c;
    ch_str_list all;
    ch_meta_database db = {0};
    bool found = true;
    CH_TRY(ch_ddl_open(frame, &c, err));
    db.name = c.database;
    if (show->name.n)
        CH_TRY(ch_ddl_database(&c, &show->name, &db, &found, err));
    if (!found)
        return ch_ddl_no_database(&c, db.name, err);
    CH_TRY(ch_meta_functions(&c.meta, db.name, &all, err));
    for (int32_t i = 0; i < all.n; i++) {
        if (show->pattern && !ch_like_matches(show->pattern, all.item[i]))
            continue;
        const char *full =
            ch_arena_printf(c.arena, err, CH_CATALOG_NAME ".%s.%s", db.name, all.item[i]);
        CH_TRY(full ? ch_str_list_add(c.arena, out, full, err) : CH_E_MEMORY);
    }
    return CH_OK;
}

ch_status ch_show_functions(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_show *show = (const ch_rel_show *)frame->rel;
    ch_arena *arena = &out->frame->arena;
    bool user = !show->scope || strcasecmp(show->scope, "SYSTEM") != 0;
    bool system = !show->scope || strcasecmp(show->scope, "USER") != 0;
    ch_str_list own = {0}, stored = {0};
    int32_t n = 0, kept = 0;
    out->name[0] = "function";
    if (user) {
        CH_TRY(ch_functions_names(frame->session, arena, &own, err));
        CH_TRY(stored_names(frame, show, &stored, err));
    }
    while (system && ch_func_at(n))
        n++;
    const char **name;
    CH_ARENA_ARRAY(name, arena, n + own.n + stored.n + 1, err);
    for (int32_t i = 0; i < stored.n; i++)
        name[kept++] = stored.item[i];
    for (int32_t i = 0; i < n + own.n; i++) {
        const char *one = i < n ? ch_func_at(i)->name : own.item[i - n];
        if (!show->pattern || ch_like_matches(show->pattern, one))
            name[kept++] = one;
    }
    if (kept)
        qsort(name, (size_t)kept, sizeof *name, by_text);
    for (int32_t i = 0; i < kept; i++) /* overloads share a name */
        if (i == 0 || strcmp(name[i], name[i - 1]) != 0)
            CH_TRY(ch_rows_add(out, &name[i], err));
    return CH_OK;
}

/* ---- DESCRIBE ------------------------------------------------------------------------------ */

static ch_status line(ch_rows *out, const char *title, const char *text, ch_error *err)
{
    const char *both = ch_arena_printf(&out->frame->arena, err, "%s%s", title, text);
    return both ? ch_rows_add(out, &both, err) : CH_E_MEMORY;
}

static ch_status describe_user(const ch_user_function *f, ch_rows *out, ch_error *err)
{
    const ch_native *n = f->native;
    CH_TRY(line(out, "Function: ", f->name, err));
    if (n && n->symbol)
        CH_TRY(line(out, "Class: ", n->symbol, err));
    return line(out, "Usage: ", n && n->desc.comment ? n->desc.comment : "N/A.", err);
}

static ch_status describe_stored(ch_frame *frame, const ch_rel_describe *d, ch_rows *out,
                                 ch_error *err)
{
    ch_ddl c;
    ch_meta_function *there;
    ch_sql_function *fn;
    CH_TRY(ch_ddl_open(frame, &c, err));
    CH_TRY(ch_sql_function_stored(&c, &d->name, NULL, &there, err));
    if (!there)
        CH_FAIL(err, UNRESOLVED_ROUTINE, "routineName", quoted(frame, &d->name), "searchPath",
                "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]");
    CH_TRY(ch_sql_function_of(frame->session, there, c.arena, &fn, err));
    return ch_sql_function_describe(fn, d->extended, out, err);
}

/* d.f and spark_catalog.d.f; not f, builtin.f, session.f */
static bool is_of_database(const ch_str_list *name)
{
    const char *before = name->n > 1 ? name->item[name->n - 2] : "builtin";
    return strcasecmp(before, "builtin") != 0 && strcasecmp(before, "session") != 0;
}

ch_status ch_describe_function(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_describe *d = (const ch_rel_describe *)frame->rel;
    const char *name = last_of(&d->name);
    out->n_cols = 1;
    out->name[0] = "function_desc";
    bool in_database = is_of_database(&d->name);
    const ch_func *f = in_database ? NULL : ch_ddl_builtin(name);
    ch_function_entry *own = f || in_database ? NULL : ch_functions_find(frame->session, name);
    if (own) {
        ch_status status = own->function.sql
                               ? ch_sql_function_describe(own->function.sql, d->extended, out, err)
                               : describe_user(&own->function, out, err);
        ch_function_entry_unref(own);
        return status;
    }
    ch_arena *arena = &out->frame->arena;
    if (!f)
        return describe_stored(frame, d, out, err);
    CH_TRY(line(out, "Function: ", f->name, err));
    for (; f; f = ch_func_next(f)) {
        const char *text =
            ch_arena_printf(arena, err, "%s - %s", f->sig ? f->sig : f->name, f->doc ? f->doc : "");
        CH_TRY(text ? line(out, "Usage: ", text, err) : CH_E_MEMORY);
    }
    return CH_OK;
}
