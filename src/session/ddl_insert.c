/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ddl_insert.c - INSERT: which column gets what, cast as spark.sql.storeAssignmentPolicy allows, and the write.
 *
 *   input ── columns renamed to places ── a project of the table's columns ── files
 *
 * A column gets a column of the input, the value that PARTITION gives it, its DEFAULT or NULL.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/format.h"
#include "plan/node.h"
#include "plan/print.h"
#include "session/ddl.h"
#include "sql/sql.h"
#include "store/file.h"
#include "table/partition.h"

typedef struct insert {
    ch_ddl *c;
    ch_meta_table *t;
    const ch_rel_insert *in;
    const char *policy;
    ch_rel *input;
    int32_t n_targets, *target; /* columns of the table that get the input's, by position */
    int32_t *source;            /* per column of the table: the input's; -1: none */
    const ch_type *given;       /* STRUCT: the input */
    ch_str_list given_names;
    ch_str_list *written; /* partitions that get rows */
} insert;

/* ---- which types may go where ------------------------------------------------------------------------ */

static bool is_atomic(const ch_type *t)
{
    return !ch_type_is_nested(t) && t->id != CH_NULL && t->id != CH_CALENDAR_INTERVAL;
}

static bool is_time(const ch_type *t)
{
    return t->id == CH_DATE || t->id == CH_TIMESTAMP || t->id == CH_TIMESTAMP_NTZ;
}

static bool ansi_assigns(const ch_type *from, const ch_type *to)
{
    if (from == to || from->id == CH_NULL)
        return true;
    if (ch_type_is_string(to))
        return is_atomic(from) || from->id == CH_CALENDAR_INTERVAL;
    if (ch_type_is_numeric(from) && ch_type_is_numeric(to))
        return true;
    if (is_time(from) && is_time(to))
        return true;
    return from->id == to->id && (from->id == CH_DAY_TIME_INTERVAL ||
                                  from->id == CH_YEAR_MONTH_INTERVAL || from->id == CH_TIME);
}

/* Cast.canUpCast */
static bool widens(const ch_type *from, const ch_type *to)
{
    if (from == to || from->id == CH_NULL)
        return true;
    if (ch_type_is_string(to))
        return is_atomic(from);
    if (from->id == CH_DATE)
        return to->id == CH_TIMESTAMP || to->id == CH_TIMESTAMP_NTZ;
    static const int DIGITS[] = {[CH_BYTE] = 3, [CH_SHORT] = 5, [CH_INT] = 10, [CH_LONG] = 20};
    if (to->id == CH_DECIMAL && from->id == CH_DECIMAL)
        return to->scale >= from->scale &&
               to->precision - to->scale >= from->precision - from->scale;
    if (to->id == CH_DECIMAL && ch_type_is_integral(from))
        return to->precision - to->scale >= DIGITS[from->id];
    if (from->id == CH_DECIMAL)
        return false;
    return ch_type_is_numeric(from) && ch_type_is_numeric(to) && from->id <= to->id;
}

static bool reads(const ch_rel *rel, const char *name);

static ch_status reads_input(void *user, ch_rel **rel, ch_error *err)
{
    const char **name = user;
    CH_UNUSED(err);
    if (*name && reads(*rel, *name))
        *name = NULL;
    return CH_OK;
}

/* Is there a scan of that name? */
static bool reads(const ch_rel *rel, const char *name)
{
    if (rel->kind == CH_REL_SCAN)
        return strcmp(((const ch_rel_scan *)rel)->name, name) == 0;
    ch_rel *copy = (ch_rel *)(uintptr_t)rel;
    const char *left = name;
    (void)!ch_rel_map_inputs(NULL, &copy, reads_input, &left, NULL);
    return !left;
}

ch_status ch_ddl_check_overwrite(ch_ddl *c, const ch_meta_table *t, const ch_query *query,
                                 ch_error *err)
{
    const char *name = ch_arena_printf(c->arena, err, "%s " CH_CATALOG_NAME ".%s.%s", t->provider,
                                       t->database, t->name);
    if (!name)
        return CH_E_MEMORY;
    if (reads(ch_query_analyzed(query), name))
        CH_FAIL(err, UNSUPPORTED_OVERWRITE, "table", ch_ddl_table(c, t));
    return CH_OK;
}

bool ch_store_assigns(const ch_type *from, const ch_type *to, const char *policy)
{
    bool nested = from->id == CH_ARRAY || from->id == CH_MAP || from->id == CH_STRUCT;
    if (nested && from->id == to->id && from->n_fields == to->n_fields) {
        for (int32_t i = 0; i < from->n_fields; i++)
            if (!ch_store_assigns(from->field[i].type, to->field[i].type, policy))
                return false;
        return true;
    }
    if (strcasecmp(policy, "LEGACY") == 0)
        return ch_can_cast(from, to, false);
    return strcasecmp(policy, "STRICT") == 0 ? widens(from, to) : ansi_assigns(from, to);
}

/* Structs need the same number of fields, at every depth. */
static ch_status check_fields(insert *x, const char *name, const ch_type *from, const ch_type *to,
                              ch_error *err)
{
    ch_ddl *c = x->c;
    if (from->id != to->id ||
        !(from->id == CH_STRUCT || from->id == CH_ARRAY || from->id == CH_MAP))
        return CH_OK;
    const ch_type *more = from->n_fields > to->n_fields ? from : to;
    int32_t least = from->n_fields < to->n_fields ? from->n_fields : to->n_fields;
    ch_str_list rest = {0};
    for (int32_t i = least; i < more->n_fields; i++)
        CH_TRY(ch_str_list_add(c->arena, &rest, more->field[i].name, err));
    if (from->n_fields < to->n_fields)
        CH_FAIL(err, INSERT_MISSING_FIELDS, "tableName", ch_ddl_table(c, x->t), "colName", name,
                "missingFields", ch_ddl_quote_list(c, &rest));
    if (from->n_fields > to->n_fields)
        CH_FAIL(err, INSERT_EXTRA_FIELDS, "tableName", ch_ddl_table(c, x->t), "colName", name,
                "extraFields", ch_ddl_quote_list(c, &rest));
    for (int32_t i = 0; i < from->n_fields; i++) {
        const char *deeper =
            ch_arena_printf(c->arena, err, "%s.%s", name, ch_ddl_quote(c, to->field[i].name));
        if (!deeper)
            return CH_E_MEMORY;
        CH_TRY(check_fields(x, deeper, from->field[i].type, to->field[i].type, err));
        /* By name, fields in another order would have to be taken apart. */
        if (x->in->by_name && from->id == CH_STRUCT &&
            strcasecmp(from->field[i].name, to->field[i].name) != 0)
            CH_FAIL(err, UNSUPPORTED, "feature",
                    "INSERT BY NAME of a struct whose fields have another order");
    }
    return CH_OK;
}

static ch_status check_types(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    for (int32_t i = 0; i < x->t->schema->n_fields; i++) {
        const ch_field *f = &x->t->schema->field[i];
        if (x->source[i] < 0)
            continue;
        const ch_type *from = x->given->field[x->source[i]].type;
        CH_TRY(check_fields(x, ch_ddl_quote(c, f->name), from, f->type, err));
        if (!ch_store_assigns(from, f->type, x->policy))
            CH_FAIL(err, INSERT_CANNOT_SAFELY_CAST, "tableName", ch_ddl_table(c, x->t), "colName",
                    ch_ddl_quote(c, f->name), "srcType", ch_ddl_type(c, from), "targetType",
                    ch_ddl_type(c, f->type));
    }
    return CH_OK;
}

/* ---- which column goes where --------------------------------------------------------------------------- */

/* The value that PARTITION gives the column; NULL: none. */
static ch_expr *fixed_value(const insert *x, int32_t column)
{
    const char *name = x->t->schema->field[column].name;
    for (int32_t i = 0; i < x->in->values.n; i++)
        if (strcasecmp(x->in->keys.item[i], name) == 0)
            return x->in->values.item[i];
    return NULL;
}

static ch_status check_partition(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    const ch_rel_insert *in = x->in;
    ch_option_list spec = {.key = in->keys.item, .value = in->keys.item, .n = in->keys.n};
    CH_TRY(ch_ddl_check_spec(c, x->t, &spec, err));
    bool ordered = in->ordered;
    for (int32_t i = 0; i < in->values.n; i++) /* those with values are the outer ones */
        ordered &= i < x->t->partition_columns.n &&
                   (in->keys.n < x->t->partition_columns.n || in->values.n == in->keys.n ||
                    strcasecmp(in->keys.item[i], x->t->partition_columns.item[i]) == 0);
    if (!ordered) {
        const char *text = "[";
        for (int32_t i = 0; i < x->t->partition_columns.n && text; i++)
            text = ch_arena_printf(c->arena, NULL, "%s%s%s", text, i ? "," : "",
                                   x->t->partition_columns.item[i]);
        text = text ? ch_arena_printf(c->arena, NULL, "%s]", text) : "";
        CH_FAIL(err, PARTITION_ORDER, "partColumns", text ? text : "");
    }
    return CH_OK;
}

static ch_status choose_targets(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    const ch_type *schema = x->t->schema;
    CH_ARENA_ARRAY(x->target, c->arena, schema->n_fields + x->in->columns.n + 1, err);
    CH_ARENA_ARRAY(x->source, c->arena, schema->n_fields + 1, err);
    for (int32_t i = 0; i < schema->n_fields; i++)
        x->source[i] = -1;
    for (int32_t i = 0; i < x->in->columns.n; i++) {
        const char *name = x->in->columns.item[i];
        int32_t at = ch_ddl_column(c, schema, name);
        if (at < 0) {
            ch_str_list all = {0};
            for (int32_t k = 0; k < schema->n_fields; k++)
                CH_TRY(ch_str_list_add(c->arena, &all, schema->field[k].name, err));
            CH_FAIL(err, UNRESOLVED_COLUMN_SUGGEST, "objectName", ch_ddl_quote(c, name), "proposal",
                    ch_ddl_quote_list(c, &all));
        }
        for (int32_t k = 0; k < i; k++)
            if (x->target[k] == at)
                CH_FAIL(err, COLUMN_ALREADY_EXISTS, "columnName", ch_ddl_quote(c, name));
        x->target[x->n_targets++] = at;
    }
    for (int32_t i = 0; !x->in->columns.n && i < schema->n_fields; i++)
        if (!fixed_value(x, i))
            x->target[x->n_targets++] = i;
    return CH_OK;
}

static ch_status by_position(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    int32_t n = x->given->n_fields;
    if (n != x->n_targets) {
        ch_str_list columns = {0}, all = {0}, fixed = {0};
        for (int32_t i = 0; i < x->n_targets; i++)
            CH_TRY(
                ch_str_list_add(c->arena, &columns, x->t->schema->field[x->target[i]].name, err));
        for (int32_t i = 0; i < x->t->schema->n_fields; i++)
            CH_TRY(ch_str_list_add(c->arena, &all, x->t->schema->field[i].name, err));
        for (int32_t i = 0; i < x->in->values.n; i++)
            CH_TRY(ch_str_list_add(c->arena, &fixed, x->in->keys.item[i], err));
        const char *table = ch_ddl_table(c, x->t), *data = ch_ddl_quote_list(c, &x->given_names);
        if (fixed.n && !x->in->columns.n)
            CH_FAIL(err, INSERT_PARTITION_ARITY, "tableName", table, "tableColumns",
                    ch_ddl_quote_list(c, &all), "staticPartCols", ch_ddl_quote_list(c, &fixed),
                    "dataColumns", data);
        if (n < x->n_targets)
            CH_FAIL(err, INSERT_NOT_ENOUGH_COLUMNS, "tableName", table, "tableColumns",
                    ch_ddl_quote_list(c, &columns), "dataColumns", data);
        CH_FAIL(err, INSERT_TOO_MANY_COLUMNS, "tableName", table, "tableColumns",
                ch_ddl_quote_list(c, &columns), "dataColumns", data);
    }
    for (int32_t i = 0; i < n; i++)
        x->source[x->target[i]] = i;
    return CH_OK;
}

static ch_status by_name(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    ch_str_list extra = {0};
    for (int32_t i = 0; i < x->given->n_fields; i++) {
        const char *name = x->given_names.item[i];
        int32_t at = ch_ddl_column(c, x->t->schema, name);
        if (at >= 0 && x->source[at] >= 0)
            CH_FAIL(err, INSERT_AMBIGUOUS_COLUMN, "tableName", ch_ddl_table(c, x->t), "colName",
                    ch_ddl_quote(c, name));
        if (at >= 0 && !fixed_value(x, at))
            x->source[at] = i;
        else
            CH_TRY(ch_str_list_add(c->arena, &extra, name, err));
    }
    if (extra.n)
        CH_FAIL(err, INSERT_EXTRA_COLUMNS, "tableName", ch_ddl_table(c, x->t), "extraColumns",
                ch_ddl_quote_list(c, &extra));
    return CH_OK;
}

/* ---- DEFAULT ------------------------------------------------------------------------------------------- */

static bool is_default(const ch_expr *e)
{
    const ch_expr_unresolved_attribute *a = (const ch_expr_unresolved_attribute *)e;
    return e->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE && a->parts.n == 1 &&
           strcasecmp(a->parts.item[0], "DEFAULT") == 0;
}

/* The column's default, or NULL, as an expression. */
static ch_status default_of(insert *x, int32_t column, ch_expr **out, ch_error *err)
{
    ch_ddl *c = x->c;
    const char *text;
    CH_TRY(
        ch_meta_field_get(&c->meta, &x->t->schema->field[column], "CURRENT_DEFAULT", &text, err));
    const char *zone;
    CH_TRY(ch_session_get(c->session, "spark.sql.session.timeZone", c->arena, &zone, err));
    ch_sql_context ctx = {.arena = c->arena,
                          .ansi = ch_session_get_bool(c->session, "spark.sql.ansi.enabled"),
                          .time_zone = zone};
    return ch_sql_parse_expr(&ctx, text ? text : "NULL", out, err);
}

static ch_status no_default(void *user, ch_expr **e, ch_error *err)
{
    insert *x = user;
    if (is_default(*e))
        CH_FAIL(err, DEFAULT_PLACEMENT_INVALID);
    ch_expr *copy = *e;
    return ch_expr_map_children(x->c->arena, &copy, no_default, user, err);
}

static ch_status fill_defaults(insert *x, const ch_expr_list *list, ch_expr_list *out,
                               ch_error *err)
{
    *out = (ch_expr_list){0};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (is_default(e) && i < x->n_targets) {
            ch_expr_alias *named = ch_expr_new(x->c->arena, CH_EXPR_ALIAS, err);
            CH_TRY(default_of(x, x->target[i], &e, err));
            if (!named)
                return CH_E_MEMORY;
            named->child = e;
            CH_TRY(ch_str_list_add(x->c->arena, &named->names,
                                   x->t->schema->field[x->target[i]].name, err));
            if (x->input->kind != CH_REL_VALUES)
                e = &named->head;
        } else {
            CH_TRY(no_default(x, &e, err));
        }
        CH_TRY(ch_expr_list_add(x->c->arena, out, e, err));
    }
    return CH_OK;
}

/* Values and select lists at the top of the input may say DEFAULT. */
static ch_status replace_defaults(insert *x, ch_error *err)
{
    ch_arena *arena = x->c->arena;
    if (x->in->by_name)
        return CH_OK;
    if (x->input->kind == CH_REL_VALUES) {
        ch_rel_values *v = ch_rel_clone(arena, x->input, err);
        if (!v)
            return CH_E_MEMORY;
        const ch_expr_list *row = v->row;
        CH_ARENA_ARRAY(v->row, arena, v->n_rows + 1, err);
        for (int32_t i = 0; i < v->n_rows; i++)
            CH_TRY(fill_defaults(x, &row[i], &v->row[i], err));
        x->input = &v->head;
    } else if (x->input->kind == CH_REL_PROJECT) {
        ch_rel_project *p = ch_rel_clone(arena, x->input, err);
        if (!p)
            return CH_E_MEMORY;
        const ch_expr_list list = p->expressions;
        CH_TRY(fill_defaults(x, &list, &p->expressions, err));
        x->input = &p->head;
    }
    return CH_OK;
}

/* ---- the plan ------------------------------------------------------------------------------------------- */

static ch_status place_name(insert *x, int32_t i, const char **out, ch_error *err)
{
    *out = ch_arena_printf(x->c->arena, err, "_%d", i);
    return *out ? CH_OK : CH_E_MEMORY;
}

static ch_status make_cast(insert *x, ch_expr *child, const ch_type *to, ch_expr **out,
                           ch_error *err)
{
    ch_expr_cast *cast = ch_expr_new(x->c->arena, CH_EXPR_CAST, err);
    if (!cast)
        return CH_E_MEMORY;
    cast->child = child;
    cast->to = to;
    cast->eval_mode = strcasecmp(x->policy, "LEGACY") == 0 ? CH_EVAL_LEGACY : CH_EVAL_ANSI;
    *out = &cast->head;
    return CH_OK;
}

/* f(text, length): checks the length of CHAR(n) and VARCHAR(n). */
static ch_status limit_length(insert *x, const ch_type *type, ch_expr **e, ch_error *err)
{
    ch_arena *arena = x->c->arena;
    if (type->id != CH_CHAR && type->id != CH_VARCHAR)
        return CH_OK;
    ch_expr_unresolved_function *f = ch_expr_new(arena, CH_EXPR_UNRESOLVED_FUNCTION, err);
    ch_expr_literal *length = ch_expr_new(arena, CH_EXPR_LITERAL, err);
    if (!f || !length)
        return CH_E_MEMORY;
    length->value = (ch_scalar){.type = CH_T_INT, .v.i64 = type->length};
    length->head.type = CH_T_INT;
    f->name = type->id == CH_CHAR ? "char_type_write_side_check" : "varchar_type_write_side_check";
    CH_TRY(ch_expr_list_add(arena, &f->args, *e, err));
    CH_TRY(ch_expr_list_add(arena, &f->args, &length->head, err));
    *e = &f->head;
    return CH_OK;
}

/* What column i of the table gets, without its name. */
static ch_status column_value(insert *x, int32_t i, ch_expr **out, ch_error *err)
{
    const ch_field *f = &x->t->schema->field[i];
    const ch_type *to = f->type->id == CH_CHAR || f->type->id == CH_VARCHAR ? CH_T_STRING : f->type;
    ch_expr *e = fixed_value(x, i);
    if (!e && x->source[i] >= 0) {
        ch_expr_unresolved_attribute *a =
            ch_expr_new(x->c->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err);
        const char *name;
        if (!a)
            return CH_E_MEMORY;
        a->plan_id = -1;
        CH_TRY(place_name(x, x->source[i], &name, err));
        CH_TRY(ch_str_list_add(x->c->arena, &a->parts, name, err));
        e = &a->head;
        if (x->given->field[x->source[i]].type != to)
            CH_TRY(make_cast(x, e, to, &e, err));
    } else {
        if (!e)
            CH_TRY(default_of(x, i, &e, err));
        CH_TRY(make_cast(x, e, to, &e, err));
    }
    *out = e;
    return limit_length(x, f->type, out, err);
}

static ch_status named(insert *x, ch_expr *e, const char *name, ch_expr_list *list, ch_error *err)
{
    ch_expr_alias *alias = ch_expr_new(x->c->arena, CH_EXPR_ALIAS, err);
    if (!alias)
        return CH_E_MEMORY;
    alias->child = e;
    CH_TRY(ch_str_list_add(x->c->arena, &alias->names, name, err));
    return ch_expr_list_add(x->c->arena, list, &alias->head, err);
}

/* only >= 0: that column alone, to find out whose cast fails. */
static ch_status build(insert *x, int32_t only, ch_rel **out, ch_error *err)
{
    ch_arena *arena = x->c->arena;
    ch_rel_to_df *renamed = ch_rel_new(arena, CH_REL_TO_DF, err);
    ch_rel_project *p = ch_rel_new(arena, CH_REL_PROJECT, err);
    if (!renamed || !p)
        return CH_E_MEMORY;
    renamed->input = x->input;
    for (int32_t i = 0; i < x->given->n_fields; i++) {
        const char *name;
        CH_TRY(place_name(x, i, &name, err));
        CH_TRY(ch_str_list_add(arena, &renamed->names, name, err));
    }
    p->input = &renamed->head;
    for (int32_t i = 0; i < x->t->schema->n_fields; i++) {
        ch_expr *e;
        if (only >= 0 && i != only)
            continue;
        CH_TRY(column_value(x, i, &e, err));
        CH_TRY(named(x, e, x->t->schema->field[i].name, &p->expressions, err));
    }
    *out = &p->head;
    return CH_OK;
}

/* ---- the write ------------------------------------------------------------------------------------------- */

static ch_status drop_batch(void *user, int slot, ch_batch *batch, ch_error *err)
{
    CH_UNUSED(user), CH_UNUSED(slot), CH_UNUSED(batch), CH_UNUSED(err);
    return CH_OK;
}

static bool is_overflow(const ch_error *err)
{
    return !err->sql &&
           (err->code == CH_E_CAST_OVERFLOW || err->code == CH_E_NUMERIC_VALUE_OUT_OF_RANGE);
}

/* A cast of ours overflowed: which column's, is found by casting each alone. */
static ch_status tell_overflow(insert *x, ch_error *own, ch_error *err)
{
    for (int32_t i = 0; i < x->t->schema->n_fields; i++) {
        const ch_field *f = &x->t->schema->field[i];
        const ch_type *from = x->source[i] >= 0 ? x->given->field[x->source[i]].type : f->type;
        ch_error again = {0};
        ch_query *query = NULL;
        ch_rel *plan;
        if (from == f->type || !ch_type_is_numeric(from) || !ch_type_is_numeric(f->type))
            continue;
        ch_status status = build(x, i, &plan, &again);
        if (status == CH_OK)
            status = ch_query_open(x->c->frame, plan, &query, &again);
        if (status == CH_OK)
            status = ch_query_each(query, drop_batch, NULL, false, &again);
        ch_query_close(query);
        if (status == CH_E_MEMORY || status == CH_E_CANCELLED) {
            ch_error_release(own);
            return ch_error_pass(err, &again);
        }
        bool found = status != CH_OK && is_overflow(&again);
        ch_error_release(&again);
        if (found) {
            ch_error_release(own);
            CH_FAIL(err, CAST_OVERFLOW_IN_TABLE_INSERT, "sourceType", ch_ddl_type(x->c, from),
                    "targetType", ch_ddl_type(x->c, f->type), "columnName",
                    ch_ddl_quote(x->c, f->name));
        }
    }
    return ch_error_pass(err, own);
}

static ch_status new_write(ch_ddl *c, const ch_meta_table *t, ch_rel *input, ch_save_mode mode,
                           bool dynamic, ch_rel_write_operation **out, ch_error *err)
{
    ch_rel_write_operation *w = ch_rel_new(c->arena, CH_REL_WRITE_OPERATION, err);
    if (!w)
        return CH_E_MEMORY;
    w->input = input;
    w->source = t->provider;
    w->path = t->location;
    w->mode = mode;
    w->partitioning_columns = t->partition_columns;
    for (int32_t i = 0; i < t->options.n; i++)
        CH_TRY(
            ch_option_list_add(c->arena, &w->options, t->options.key[i], t->options.value[i], err));
    *out = w;
    const ch_format *format = ch_format_find(t->provider);
    return format && format->is_source
               ? CH_OK
               : ch_option_list_put(c->arena, &w->options, "partitionOverwriteMode",
                                    dynamic ? "dynamic" : "static", err);
}

ch_status ch_insert_first(ch_ddl *c, const ch_meta_table *t, ch_rel *input, ch_save_mode mode,
                          ch_error *err)
{
    ch_rel_write_operation *w;
    CH_TRY(new_write(c, t, input, mode, false, &w, err));
    return ch_write_run(c->frame, w, NULL, err);
}

/* Partitions with the values of PARTITION that got no rows are overwritten with nothing. */
static ch_status drop_others(insert *x, const ch_option_list *spec, const ch_str_list *written,
                             ch_error *err)
{
    ch_ddl *c = x->c;
    ch_meta_partitions known, kept = {0};
    int lock;
    CH_TRY(ch_meta_lock(&c->meta, &lock, err));
    ch_status status = ch_meta_partitions_get(&c->meta, x->t, &known, err);
    for (int32_t i = 0; i < known.n && status == CH_OK; i++) {
        bool fits;
        status = ch_ddl_partition_fits(c, x->t, known.item[i].path, spec, &fits, err);
        for (int32_t k = 0; k < written->n && fits; k++)
            fits = strcmp(written->item[k], known.item[i].path) != 0;
        if (status == CH_OK && !fits)
            status = ch_meta_partition_add(&c->meta, &kept, known.item[i].path,
                                           known.item[i].location, err);
        if (status == CH_OK && fits)
            status = ch_ddl_remove_partition(c, x->t, known.item[i].path, err);
    }
    if (status == CH_OK && kept.n < known.n)
        status = ch_meta_partitions_put(&c->meta, x->t, &kept, err);
    ch_meta_unlock(lock);
    return status;
}

/* The values of PARTITION as texts of folders; only constants have them. */
static ch_status spec_of(insert *x, ch_option_list *out, ch_error *err)
{
    ch_ddl *c = x->c;
    ch_rel_project *p = ch_rel_new(c->arena, CH_REL_PROJECT, err);
    ch_rel *one = ch_rel_new(c->arena, CH_REL_ONE_ROW, err);
    ch_query *query;
    *out = (ch_option_list){0};
    if (!x->in->values.n)
        return CH_OK;
    if (!p || !one)
        return CH_E_MEMORY;
    p->input = one;
    for (int32_t i = 0; i < x->in->values.n; i++) {
        int32_t at = ch_ddl_column(c, x->t->schema, x->in->keys.item[i]);
        ch_expr *e;
        CH_TRY(make_cast(x, x->in->values.item[i], x->t->schema->field[at].type, &e, err));
        CH_TRY(make_cast(x, e, CH_T_STRING, &e, err));
        CH_TRY(named(x, e, x->in->keys.item[i], &p->expressions, err));
    }
    CH_TRY(ch_query_open(c->frame, &p->head, &query, err));
    ch_status status = ch_query_collect(query, err);
    ch_batch *row = status == CH_OK ? ch_query_batch(query, 0) : NULL;
    for (int32_t i = 0; row && i < x->in->values.n && status == CH_OK; i++) {
        ch_column *column;
        const char *value = CH_SPEC_NULL;
        status = ch_batch_column(row, i, &column, err);
        if (status == CH_OK && !ch_column_is_null(column, 0)) {
            ch_str s = ch_column_str(column, 0);
            value = ch_arena_strn(c->arena, s.text, (size_t)s.len, err);
        }
        if (status == CH_OK)
            status = value ? ch_option_list_add(c->arena, out, x->in->keys.item[i], value, err)
                           : CH_E_MEMORY;
    }
    ch_query_close(query);
    return status;
}

/* The catalog knows a partition before it has rows: so none are lost if the program ends between. */
static ch_status know_partitions(void *user, ch_error *err)
{
    insert *x = user;
    return ch_ddl_add_partitions(x->c, x->t, x->written, err);
}

static ch_status write_rows(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    ch_rel *plan;
    ch_rel_write_operation *w;
    ch_option_list spec;
    ch_str_list written = {0};
    const char *mode;
    int32_t n_keys = x->t->partition_columns.n;
    bool overwrite = x->in->overwrite;
    CH_TRY(spec_of(x, &spec, err));
    CH_TRY(ch_session_get(c->session, "spark.sql.sources.partitionOverwriteMode", c->arena, &mode,
                          err));
    bool dynamic = overwrite && n_keys && strcasecmp(mode, "dynamic") == 0;
    if (n_keys) {
        ch_meta_partitions known;
        CH_TRY(ch_meta_partitions_get(&c->meta, x->t, &known, err));
        for (int32_t i = 0; i < known.n; i++)
            if (known.item[i].location)
                CH_FAIL(err, UNSUPPORTED, "feature",
                        "INSERT into a table with partitions in places of their own");
    }
    CH_TRY(build(x, -1, &plan, err));
    CH_TRY(new_write(c, x->t, plan, overwrite ? CH_SAVE_OVERWRITE : CH_SAVE_APPEND,
                     dynamic || spec.n, &w, err));
    ch_error own = {0};
    ch_write_watch watch = {
        .arena = c->arena, .folders = &written, .before_commit = know_partitions, .user = x};
    /* cppcheck-suppress autoVariables */
    x->written = &written;
    ch_status status = ch_write_table(c->frame, w, &watch, NULL, &own);
    if (status != CH_OK)
        return is_overflow(&own) ? tell_overflow(x, &own, err) : ch_error_pass(err, &own);
    if (!n_keys)
        return CH_OK;
    int32_t n_written = written.n;
    if (spec.n == n_keys && !written.n) { /* it is there, without rows */
        const char *path;
        CH_TRY(ch_ddl_partition_path(c, x->t, &spec, &path, err));
        CH_TRY(ch_str_list_add(c->arena, &written, path, err));
    }
    if (overwrite && !dynamic)
        CH_TRY(drop_others(x, &spec, &written, err));
    return n_written < written.n ? ch_ddl_add_partitions(c, x->t, &written, err) : CH_OK;
}

/* The input's columns, found by analyzing it. */
static ch_status look_at_input(insert *x, ch_error *err)
{
    ch_ddl *c = x->c;
    ch_query *query;
    CH_TRY(ch_query_open(c->frame, x->input, &query, err));
    ch_status status = CH_OK;
    x->given = ch_query_schema(query);
    for (int32_t i = 0; i < x->given->n_fields && status == CH_OK; i++)
        status = ch_str_list_add(c->arena, &x->given_names, x->given->field[i].name, err);
    const char *mode;
    if (status == CH_OK)
        status = ch_session_get(c->session, "spark.sql.sources.partitionOverwriteMode", c->arena,
                                &mode, err);
    if (status == CH_OK && x->in->overwrite && strcasecmp(mode, "dynamic") != 0)
        status = ch_ddl_check_overwrite(c, x->t, query, err);
    ch_query_close(query);
    return status;
}

ch_status ch_insert_into(ch_ddl *c, ch_meta_table *t, const ch_rel_insert *in, ch_error *err)
{
    insert x = {.c = c, .t = t, .in = in, .input = in->input};
    CH_TRY(ch_session_get(c->session, "spark.sql.storeAssignmentPolicy", c->arena, &x.policy, err));
    if (strcasecmp(x.policy, "ANSI") != 0 && strcasecmp(x.policy, "LEGACY") != 0 &&
        strcasecmp(x.policy, "STRICT") != 0)
        CH_FAIL(err, INVALID_CONF_VALUE, "confName", "spark.sql.storeAssignmentPolicy", "confValue",
                x.policy, "confType", "ANSI, LEGACY or STRICT");
    CH_TRY(check_partition(&x, err));
    CH_TRY(choose_targets(&x, err));
    CH_TRY(replace_defaults(&x, err));
    CH_TRY(look_at_input(&x, err));
    CH_TRY(in->by_name ? by_name(&x, err) : by_position(&x, err));
    CH_TRY(check_types(&x, err));
    if (in->if_not_exists && in->overwrite && in->values.n == t->partition_columns.n) {
        ch_option_list spec;
        ch_meta_partitions known;
        CH_TRY(spec_of(&x, &spec, err));
        CH_TRY(ch_meta_partitions_get(&c->meta, t, &known, err));
        for (int32_t i = 0; i < known.n; i++) {
            bool fits;
            CH_TRY(ch_ddl_partition_fits(c, t, known.item[i].path, &spec, &fits, err));
            if (fits)
                return CH_OK;
        }
    }
    CH_TRY(write_rows(&x, err));
    if (!t->has_statistics)
        return CH_OK;
    t->has_statistics = false; /* they are of other rows */
    t->column_statistics = (ch_option_list){0};
    return ch_ddl_put(c, t, err);
}

/* A temporary view of a source takes rows as the source does; *out NULL: it is a view of something else. */
static ch_status source_of_view(ch_ddl *c, const ch_rel_insert *in, ch_meta_table **out,
                                ch_error *err)
{
    const char *name = in->name.item[in->name.n - 1];
    ch_rel_read_named_table *read = ch_rel_new(c->arena, CH_REL_READ_NAMED_TABLE, err);
    ch_meta_table *t;
    ch_query *query;
    ch_frame *view;
    const ch_rel *rel;
    *out = NULL;
    CH_ARENA_NEW(t, c->arena, err);
    if (!read)
        return CH_E_MEMORY;
    ch_session_find_view(c->session, name, in->name.n > 1, &view, &rel);
    if (!view)
        return CH_OK;
    const ch_rel_read_data_source *source = (const ch_rel_read_data_source *)rel;
    const ch_format *format = rel->kind == CH_REL_READ_DATA_SOURCE && source->format
                                  ? ch_format_find(source->format)
                                  : NULL;
    ch_status status = CH_OK;
    if (format && format->is_source) {
        *t = (ch_meta_table){.name = name, .database = "", .provider = format->name, .rows = -1};
        for (int32_t i = 0; i < source->options.n && status == CH_OK; i++) {
            const char *key = ch_arena_str(c->arena, source->options.key[i], err);
            const char *value = ch_arena_str(c->arena, source->options.value[i], err);
            status = key && value ? ch_option_list_add(c->arena, &t->options, key, value, err)
                                  : CH_E_MEMORY;
        }
        read->parts = in->name;
        if (status == CH_OK)
            status = ch_query_open(c->frame, &read->head, &query, err);
        if (status == CH_OK) {
            t->schema = ch_query_schema(query);
            ch_query_close(query);
            *out = t;
        }
    }
    ch_frame_unref(view);
    return status;
}

ch_status ch_insert_run(ch_frame *frame, ch_rows *out, ch_error *err)
{
    const ch_rel_insert *in = (const ch_rel_insert *)frame->rel;
    ch_ddl c;
    ch_meta_table *t;
    bool is_temp;
    CH_UNUSED(out);
    CH_TRY(ch_ddl_open(frame, &c, err));
    CH_TRY(ch_ddl_find(&c, &in->name, &t, &is_temp, err));
    if (is_temp) {
        CH_TRY(source_of_view(&c, in, &t, err));
        if (!t)
            CH_FAIL(err, UNSUPPORTED_INSERT_RDD);
        return ch_insert_into(&c, t, in, err);
    }
    if (in->of_write_to)
        CH_FAIL(err, WRITE_TO_V1_TABLE, "identifier", ch_ddl_table(&c, t));
    if (t->is_view)
        CH_FAIL(err, EXPECT_TABLE_NOT_VIEW, "viewName", ch_ddl_table(&c, t), "operation", "INSERT");
    return ch_insert_into(&c, t, in, err);
}
