/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sql_function.c - see sql_function.h.
 *
 * The statement's own trees are used to try the function out, so that errors point into it; the session keeps trees of
 * the body's text alone, in the arena of its entry.
 */
#include "session/sql_function.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "plan/make.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/command.h"
#include "session/ddl.h"
#include "session/variable.h"

/* ---- checks -------------------------------------------------------------------------------- */

static bool has_char(const ch_type *t)
{
    bool found = t->id == CH_CHAR || t->id == CH_VARCHAR;
    for (int32_t i = 0; i < t->n_fields; i++)
        found |= has_char(t->field[i].type);
    return found;
}

/* The first name that is there twice, quoted; *out NULL: none is. */
static ch_status duplicate(ch_arena *arena, const ch_type *fields, const char **out, ch_error *err)
{
    *out = NULL;
    for (int32_t i = 0; i < fields->n_fields && !*out; i++)
        for (int32_t k = 0; k < i && !*out; k++)
            if (strcasecmp(fields->field[k].name, fields->field[i].name) == 0)
                CH_AN_NEW(*out, ch_arena_printf(arena, err, "`%s`", fields->field[k].name));
    return CH_OK;
}

static ch_status check_parameters(ch_frame *frame, const char *name, const ch_type *p,
                                  ch_expr *const *fallback, ch_error *err)
{
    ch_arena *arena = &frame->arena;
    const char *twice;
    CH_TRY(duplicate(arena, p, &twice, err));
    if (twice)
        CH_FAIL(err, UDF_DUPLICATE_PARAMETERS, "routineName", name, "names", twice);
    if (has_char(p))
        CH_FAIL(err, UNSUPPORTED_CHAR_TYPE);
    for (int32_t i = 0; i < p->n_fields; i++) {
        const ch_field *f = &p->field[i];
        if (!f->nullable) {
            const char *text = ch_arena_printf(arena, NULL, "%s NOT NULL", f->name);
            CH_FAIL(err, UDF_NOT_NULL, "input", text ? text : "");
        }
        if (i && fallback[i - 1] && !fallback[i])
            CH_FAIL(err, UDF_DEFAULT_PLACE, "functionName", name, "parameterName",
                    p->field[i - 1].name, "nextParameterName", f->name);
        if (fallback[i] && ch_expr_has_subquery(fallback[i]))
            CH_FAIL(err, UDF_DEFAULT_SUBQUERY, "functionName", name, "parameterName", f->name);
    }
    return CH_OK;
}

static ch_status check(ch_frame *frame, const ch_sql_function *fn, ch_error *err)
{
    CH_TRY(check_parameters(frame, fn->name, fn->parameters, fn->fallback, err));
    if (fn->returns && has_char(fn->returns))
        CH_FAIL(err, UNSUPPORTED_CHAR_TYPE);
    if (!fn->is_table)
        return CH_OK;
    if (!fn->query)
        CH_FAIL(err, UDF_BODY_NO_QUERY, "name", fn->name);
    const char *twice = NULL;
    if (fn->returns)
        CH_TRY(duplicate(&frame->arena, fn->returns, &twice, err));
    if (twice)
        CH_FAIL(err, UDF_DUPLICATE_COLUMNS, "routineName", fn->name, "columns", twice);
    return CH_OK;
}

/* The query that tries it: a call with a NULL for each parameter, and each default as a column. */
static ch_status call_of(ch_arena *arena, const ch_sql_function *fn, ch_rel **out, ch_error *err)
{
    ch_expr_list args = {0}, list = {0};
    for (int32_t i = 0; i < fn->parameters->n_fields; i++) {
        ch_expr_literal *l = ch_expr_new(arena, CH_EXPR_LITERAL, err);
        if (!l)
            return CH_E_MEMORY;
        l->value = (ch_scalar){.type = fn->parameters->field[i].type, .is_null = true};
        l->head.type = l->value.type;
        l->head.nullable = true;
        CH_TRY(ch_expr_list_add(arena, &args, &l->head, err));
    }
    if (fn->is_table) {
        ch_rel_unresolved_table_valued_function *t =
            ch_rel_new(arena, CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION, err);
        if (!t)
            return CH_E_MEMORY;
        t->function_name = fn->name;
        t->arguments = args;
        t->sql = fn;
        *out = &t->head;
        return CH_OK;
    }
    ch_expr_unresolved_function *f = ch_expr_new(arena, CH_EXPR_UNRESOLVED_FUNCTION, err);
    if (!f)
        return CH_E_MEMORY;
    f->name = fn->name;
    f->args = args;
    f->sql = fn;
    CH_TRY(ch_expr_list_add(arena, &list, &f->head, err));
    return ch_project_of(arena, &list, NULL, out, err);
}

static ch_status try_defaults(ch_frame *frame, const ch_sql_function *fn, ch_error *err)
{
    ch_expr_list list = {0};
    ch_rel *plan;
    ch_query *q;
    for (int32_t i = 0; i < fn->parameters->n_fields; i++)
        if (fn->fallback[i])
            CH_TRY(ch_expr_list_add(&frame->arena, &list, fn->fallback[i], err));
    if (!list.n)
        return CH_OK;
    CH_TRY(ch_project_of(&frame->arena, &list, NULL, &plan, err));
    CH_TRY(ch_query_open(frame, plan, &q, err));
    ch_query_close(q);
    return CH_OK;
}

/* fn->returns becomes what the body gives, where RETURNS says nothing. */
static ch_status try_out(ch_frame *frame, ch_sql_function *fn, ch_error *err)
{
    ch_rel *plan;
    ch_query *q;
    CH_TRY(try_defaults(frame, fn, err));
    CH_TRY(call_of(&frame->arena, fn, &plan, err));
    CH_TRY(ch_query_open(frame, plan, &q, err));
    if (!fn->returns) {
        const ch_attr_list *columns = ch_query_output(q);
        fn->returns = fn->is_table ? ch_query_schema(q) : columns->item[0]->type;
    }
    ch_query_close(q);
    return fn->returns ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* ---- CREATE -------------------------------------------------------------------------------- */

static ch_status parse_fallbacks(const ch_sql_context *ctx, ch_sql_function *fn, ch_error *err)
{
    const ch_type *p = fn->parameters;
    ch_metastore m = {.arena = ctx->arena, .mem = ctx->arena->mem};
    CH_ARENA_ARRAY(fn->fallback, ctx->arena, p->n_fields + 1, err);
    for (int32_t i = 0; i < p->n_fields; i++) {
        const char *text;
        CH_TRY(ch_meta_field_get(&m, &p->field[i], "CURRENT_DEFAULT", &text, err));
        if (text)
            CH_TRY(ch_sql_parse_expr(ctx, text, &fn->fallback[i], err));
    }
    return CH_OK;
}

/* spark_catalog.d.f and its quoted form of a stored function; of the session's own the name alone. */
static ch_status names_of(const ch_meta_function *f, ch_arena *arena, ch_sql_function *fn,
                          ch_error *err)
{
    bool stored = *f->database != 0;
    fn->name = ch_arena_str(arena, f->name, err);
    fn->full = stored ? ch_arena_printf(arena, err, CH_CATALOG_NAME ".%s.%s", f->database, f->name)
                      : fn->name;
    fn->quoted = stored ? ch_table_quoted(arena, f->database, f->name, err)
                        : ch_arena_printf(arena, err, "`%s`", f->name);
    return fn->name && fn->full && fn->quoted ? CH_OK : CH_E_MEMORY;
}

ch_status ch_sql_function_of(ch_session *session, const ch_meta_function *f, ch_arena *arena,
                             ch_sql_function **out, ch_error *err)
{
    ch_sql_function *fn;
    ch_sql_context ctx;
    CH_ARENA_NEW(fn, arena, err);
    *fn = (ch_sql_function){.parameters = f->parameters,
                            .returns =
                                f->is_table || !f->returns ? f->returns : f->returns->field[0].type,
                            .is_table = f->is_table,
                            .is_deterministic = f->is_deterministic,
                            .stored = *f->database != 0,
                            .created_us = f->created_us};
    CH_TRY(names_of(f, arena, fn, err));
    fn->sql = fn->body = ch_arena_str(arena, f->body, err);
    fn->data_access = ch_arena_str(arena, f->data_access, err);
    fn->comment = f->has_comment ? ch_arena_str(arena, f->comment, err) : NULL;
    if (!fn->body || !fn->data_access || (f->has_comment && !fn->comment))
        return CH_E_MEMORY;
    CH_TRY(ch_session_sql_context(session, arena, &ctx, err));
    CH_TRY(parse_fallbacks(&ctx, fn, err));
    if (f->is_query) {
        ch_rel *query;
        CH_TRY(ch_sql_parse(&ctx, fn->body, &query, err));
        fn->query = query;
    } else {
        ch_expr *expr;
        CH_TRY(ch_sql_parse_expr(&ctx, fn->body, &expr, err));
        fn->expr = expr;
    }
    *out = fn;
    return CH_OK;
}

/* A table's columns, or a value's type as the only field. */
static ch_status as_columns(bool is_table, const ch_type *t, const ch_type **out, ch_error *err)
{
    *out = t;
    if (is_table || !t)
        return CH_OK;
    ch_field value = {.name = "value", .type = t, .nullable = true};
    *out = ch_type_struct(&value, 1);
    return *out ? CH_OK : ch_error_memory(err, "types", 0, 0);
}

/* What the statement says. database "": of the session. */
static ch_status texts_of(const ch_rel_function *f, const char *database, const char *name,
                          ch_meta_function *out, ch_error *err)
{
    *out = (ch_meta_function){.database = database,
                              .name = name,
                              .is_table = f->is_table,
                              .is_query = f->query != NULL,
                              .is_deterministic = f->determinism >= 0,
                              .has_comment = f->comment != NULL,
                              .parameters = f->parameters,
                              .body = f->body,
                              .comment = f->comment ? f->comment : "",
                              .data_access = f->data_access ? f->data_access : "CONTAINS SQL",
                              .created_us = ch_now_us()};
    return as_columns(f->is_table, f->returns, &out->returns, err);
}

static ch_status check_and_try(ch_frame *frame, const ch_rel_function *f, ch_sql_function *fn,
                               ch_error *err)
{
    ch_sql_function trial = *fn;
    trial.sql = frame->text;
    trial.expr = f->expr;
    trial.query = f->query;
    CH_TRY(check(frame, &trial, err));
    CH_TRY(try_out(frame, &trial, err));
    fn->returns = trial.returns;
    return CH_OK;
}

static ch_status exists(const char *quoted, ch_error *err)
{
    CH_FAIL(err, ROUTINE_ALREADY_EXISTS, "routineName", quoted, "newRoutineType", "routine",
            "existingRoutineType", "routine");
}

/* May it take the name? What is there stays until it is replaced. */
static ch_status check_name(ch_frame *frame, const ch_rel_function *f, const ch_sql_function *fn,
                            const char *name, ch_error *err)
{
    ch_function_entry *old = ch_functions_find(frame->session, name);
    bool is_there = old != NULL, in_sql = is_there && old->function.sql;
    ch_function_entry_unref(old);
    if (is_there && !f->replace)
        return exists(fn->quoted, err);
    if (f->replace && (ch_func_find(name) || (is_there && !in_sql)))
        CH_FAIL(err, UDF_NOT_SQL, "name", fn->name);
    return CH_OK;
}

static ch_status create_temporary(ch_ddl *c, const ch_rel_function *f, ch_error *err)
{
    ch_frame *frame = c->frame;
    ch_function_entry *e;
    ch_meta_function texts;
    ch_sql_function *fn = NULL;
    bool existed;
    const char *name = f->name.item[f->name.n - 1];
    char *lower = ch_arena_str(c->arena, name, err);
    for (char *p = lower; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (!lower)
        return CH_E_MEMORY;
    CH_TRY(texts_of(f, "", name, &texts, err));
    CH_TRY(ch_function_entry_new(frame->session, lower, &e, err));
    ch_status status = ch_sql_function_of(frame->session, &texts, &e->arena, &fn, err);
    ch_ddl_uses uses = {.c = c, .kind = "FUNCTION", .name = name, .temp = name};
    if (status == CH_OK)
        status = check_name(frame, f, fn, lower, err);
    if (status == CH_OK)
        status = ch_ddl_check_uses(&uses, f->query, f->expr, err);
    if (status == CH_OK)
        status = check_and_try(frame, f, fn, err);
    if (status != CH_OK) {
        ch_function_entry_unref(e);
        return status;
    }
    e->function.sql = fn;
    CH_TRY(ch_functions_put(frame->session, e, f->replace, &existed, err));
    return existed && !f->replace ? exists(ch_ddl_quote(c, name), err) : CH_OK;
}

static ch_status create_stored(ch_ddl *c, const ch_rel_function *f, ch_error *err)
{
    ch_table_name name;
    ch_meta_database db;
    ch_meta_function texts;
    ch_sql_function *fn;
    bool existed;
    CH_TRY(ch_ddl_new_name(c, &f->name, &name, &db, err));
    CH_TRY(texts_of(f, name.database, name.name, &texts, err));
    CH_TRY(ch_sql_function_of(c->session, &texts, c->arena, &fn, err));
    ch_ddl_uses uses = {.c = c, .kind = "FUNCTION", .name = fn->quoted};
    CH_TRY(ch_ddl_check_uses(&uses, f->query, f->expr, err));
    if (uses.reads && f->data_access && strcmp(f->data_access, "CONTAINS SQL") == 0)
        CH_FAIL(err, UDF_DATA_ACCESS);
    if (uses.reads)
        texts.data_access = "READS SQL DATA";
    CH_TRY(check_and_try(c->frame, f, fn, err));
    CH_TRY(as_columns(fn->is_table, fn->returns, &texts.returns, err));
    CH_TRY(ch_meta_function_put(&c->meta, &texts, !f->replace, &existed, err));
    return existed && !f->if_not_exists ? exists(fn->quoted, err) : CH_OK;
}

ch_status ch_sql_function_create(ch_frame *frame, ch_error *err)
{
    const ch_rel_function *f = (const ch_rel_function *)frame->rel;
    ch_ddl c;
    CH_TRY(ch_ddl_open(frame, &c, err));
    return f->is_temporary ? create_temporary(&c, f, err) : create_stored(&c, f, err);
}

ch_status ch_sql_function_stored(ch_ddl *c, const ch_str_list *parts, ch_table_name *name,
                                 ch_meta_function **out, ch_error *err)
{
    ch_table_name own;
    name = name ? name : &own;
    *out = NULL;
    CH_TRY(ch_table_name_of(c->session, parts, NULL, c->arena, name, err));
    if (!name->fits || name->is_global)
        return CH_OK;
    return ch_meta_function_get(&c->meta, name->database, name->name, out, err);
}

/* ---- DESCRIBE ------------------------------------------------------------------------------ */

static ch_status add(ch_rows *out, int width, const char *title, const char *text, ch_error *err)
{
    const char *line = ch_arena_printf(&out->frame->arena, err, "%-*s%s", width, title, text);
    return line ? ch_rows_add(out, &line, err) : CH_E_MEMORY;
}

static ch_status type_text(ch_arena *arena, const ch_type *t, const char **out, ch_error *err)
{
    ch_buf text;
    ch_buf_init(&text, arena->mem);
    ch_status status = ch_type_print_sql(t, &text, err);
    *out = status == CH_OK ? ch_arena_strn(arena, text.data, text.len, err) : NULL;
    ch_buf_release(&text);
    return status == CH_OK && !*out ? CH_E_MEMORY : status;
}

/* A line for each field: names and types below one another. */
static ch_status add_fields(ch_rows *out, int width, const char *title, const ch_type *fields,
                            bool extended, ch_error *err)
{
    ch_arena *arena = &out->frame->arena;
    ch_metastore m = {.arena = arena, .mem = arena->mem};
    const char **type;
    int names = 0, types = 0;
    CH_ARENA_ARRAY(type, arena, fields->n_fields + 1, err);
    for (int32_t i = 0; i < fields->n_fields; i++) {
        CH_TRY(type_text(arena, fields->field[i].type, &type[i], err));
        int a = (int)strlen(fields->field[i].name), b = (int)strlen(type[i]);
        names = a > names ? a : names;
        types = b > types ? b : types;
    }
    for (int32_t i = 0; i < fields->n_fields; i++) {
        const ch_field *f = &fields->field[i];
        const char *text = ch_arena_printf(arena, err, "%-*s %-*s", names, f->name, types, type[i]);
        const char *value = NULL, *comment = NULL;
        if (extended) {
            CH_TRY(ch_meta_field_get(&m, f, "CURRENT_DEFAULT", &value, err));
            CH_TRY(ch_meta_field_get(&m, f, "comment", &comment, err));
        }
        if (text && value)
            text = ch_arena_printf(arena, err, "%s DEFAULT %s", text, value);
        if (text && comment)
            text = ch_arena_printf(arena, err, "%s '%s'", text, comment);
        if (!text)
            return CH_E_MEMORY;
        CH_TRY(add(out, width, i ? "" : title, text, err));
    }
    return fields->n_fields ? CH_OK : add(out, width, title, "()", err);
}

static ch_status add_more(const ch_sql_function *fn, int width, ch_rows *out, ch_error *err)
{
    char when[64];
    time_t seconds = (time_t)(fn->created_us / 1000000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    strftime(when, sizeof when, "%a %b %d %H:%M:%S %Z %Y", &tm);
    if (fn->comment)
        CH_TRY(add(out, width, "Comment:", fn->comment, err));
    CH_TRY(add(out, width, "Deterministic:", fn->is_deterministic ? "true" : "false", err));
    CH_TRY(add(out, width, "Data Access:", fn->data_access, err));
    CH_TRY(add(out, width, "Create Time:", when, err));
    return add(out, width, "Body:", fn->body, err);
}

ch_status ch_sql_function_describe(const ch_sql_function *fn, bool extended, ch_rows *out,
                                   ch_error *err)
{
    int width = extended ? 15 : 10;
    const char *type;
    CH_TRY(add(out, width, "Function:", fn->full, err));
    CH_TRY(add(out, width, "Type:", fn->is_table ? "TABLE" : "SCALAR", err));
    CH_TRY(add_fields(out, width, "Input:", fn->parameters, extended, err));
    if (fn->is_table) {
        CH_TRY(add_fields(out, width, "Returns:", fn->returns, false, err));
    } else {
        CH_TRY(type_text(&out->frame->arena, fn->returns, &type, err));
        CH_TRY(add(out, width, "Returns:", type, err));
    }
    return extended ? add_more(fn, width, out, err) : CH_OK;
}
