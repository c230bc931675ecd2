/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_names.c - what a name means.
 *
 * a.b.c is tried as qualifier a.b with column c, qualifier a with column b and field c, and column a with
 * fields b and c; the longest qualifier that fits some column wins (AttributeSeq.resolve of Spark).
 * A name that no column has may be an alias further left in the same select list.
 */
#include <stdlib.h>

#include "function/regex.h"
#include "plan/analyzer.h"
#include "table/dataset.h"

/* ---- columns --------------------------------------------------------------------------------- */

/* Do the last k parts of the qualifier equal parts[0..k)? */
static bool qualifier_fits(const ch_analyzer *a, const ch_attr *attr, const ch_str_list *parts,
                           int32_t k)
{
    if (attr->qualifier.n < k)
        return false;
    for (int32_t i = 0; i < k; i++)
        if (!ch_an_same_name(a, attr->qualifier.item[attr->qualifier.n - k + i], parts->item[i]))
            return false;
    return true;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static ch_status ambiguous(ch_analyzer *a, const ch_expr_unresolved_attribute *u,
                           const ch_attr_list *found, ch_error *err)
{
    char **name, *text, *quoted;
    CH_ARENA_ARRAY(name, a->arena, found->n, err);
    for (int32_t i = 0; i < found->n; i++) {
        ch_str_list full = {0};
        for (int32_t k = 0; k < found->item[i]->qualifier.n; k++)
            CH_TRY(ch_str_list_add(a->arena, &full, found->item[i]->qualifier.item[k], err));
        CH_TRY(ch_str_list_add(a->arena, &full, found->item[i]->name, err));
        CH_AN_NEW(name[i], ch_names_quoted(a->arena, &full, err));
    }
    qsort(name, (size_t)found->n, sizeof *name, by_text);
    CH_AN_NEW(text, ch_arena_str(a->arena, "[", err));
    for (int32_t i = 0; i < found->n; i++)
        CH_AN_NEW(text, ch_arena_printf(a->arena, err, "%s%s%s", text, i ? ", " : "", name[i]));
    CH_AN_NEW(text, ch_arena_printf(a->arena, err, "%s]", text));
    CH_AN_NEW(quoted, ch_names_quoted(a->arena, &u->parts, err));
    CH_AN_FAIL(a, &u->head, err, AMBIGUOUS_REFERENCE, "name", quoted, "referenceNames", text);
}

/* The column of the list that the name means, and how many of its parts say so; NULL if none does. */
static ch_status find_column(ch_analyzer *a, const ch_attr_list *list,
                             const ch_expr_unresolved_attribute *u, const ch_attr **out,
                             int32_t *used, ch_error *err)
{
    *out = NULL;
    for (int32_t k = u->parts.n - 1; k >= 0; k--) {
        ch_attr_list found = {0};
        for (int32_t i = 0; i < list->n; i++) {
            const ch_attr *attr = list->item[i];
            if ((k == 0 && attr->hidden) || !ch_an_same_name(a, attr->name, u->parts.item[k]) ||
                !qualifier_fits(a, attr, &u->parts, k) || ch_attr_list_find(&found, attr->id))
                continue;
            CH_TRY(ch_attr_list_add(a->arena, &found, attr, err));
        }
        if (found.n > 1)
            return ambiguous(a, u, &found, err);
        if (found.n == 1) {
            *out = found.item[0];
            *used = k + 1;
            return CH_OK;
        }
    }
    return CH_OK;
}

/* As find_column, but what is ambiguous is not there. */
static ch_status find_one(ch_analyzer *a, const ch_attr_list *list,
                          const ch_expr_unresolved_attribute *u, const ch_attr **out, int32_t *used,
                          ch_error *err)
{
    ch_error two = {0};
    ch_status status = find_column(a, list, u, out, used, &two);
    if (status == CH_E_AMBIGUOUS_REFERENCE) {
        ch_error_release(&two);
        *out = NULL;
        return CH_OK;
    }
    if (status != CH_OK && err && err->code == CH_OK)
        *err = two;
    else
        ch_error_release(&two);
    return status;
}

/* HAVING: a column of the input that is grouped by comes before the output's columns. */
static ch_status find_grouping(ch_analyzer *a, const ch_an_scope *scope,
                               const ch_expr_unresolved_attribute *u, const ch_attr **out,
                               int32_t *used, ch_error *err)
{
    const ch_attr *attr;
    *out = NULL;
    CH_TRY(find_one(a, scope->tier[scope->n_tiers - 1], u, &attr, used, err));
    for (int32_t i = 0; attr && i < scope->grouping->n; i++) {
        const ch_expr *e = scope->grouping->item[i];
        if (e->kind == CH_EXPR_ATTRIBUTE && ((const ch_expr_attribute *)e)->attr->id == attr->id)
            *out = attr;
    }
    return CH_OK;
}

/* The relation with this plan id at or below rel. */
static const ch_rel *find_plan(const ch_rel *rel, int64_t id)
{
    if (!rel || rel->plan_id == id)
        return rel;
    const ch_node_class *cls = ch_rel_class(rel->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        if (cls->field[i].kind != CH_NODE_REL)
            continue;
        const ch_rel *found =
            find_plan(*(ch_rel *const *)((const char *)rel + cls->field[i].offset), id);
        if (found)
            return found;
    }
    return NULL;
}

/* df["x"]: only columns that the relation with that plan id gives, and that are still there. */
static ch_status find_by_plan(ch_analyzer *a, const ch_an_scope *scope,
                              const ch_expr_unresolved_attribute *u, const ch_attr **out,
                              int32_t *used, ch_error *err)
{
    *out = NULL;
    for (int side = 0; side < 2 && !*out; side++) {
        const ch_rel *rel = scope->input[side] ? find_plan(scope->input[side], u->plan_id) : NULL;
        if (!rel)
            continue;
        ch_attr_list there = {0};
        for (int32_t i = 0; i < rel->output.n; i++)
            for (int32_t t = 0; t < scope->n_tiers; t++) {
                const ch_attr *attr = ch_attr_list_find(scope->tier[t], rel->output.item[i]->id);
                if (attr && !ch_attr_list_find(&there, attr->id)) {
                    ch_attr *seen;
                    CH_ARENA_NEW(seen, a->arena, err);
                    *seen = *attr;
                    seen->hidden = false;
                    CH_TRY(ch_attr_list_add(a->arena, &there, seen, err));
                }
            }
        CH_TRY(find_column(a, &there, u, out, used, err));
    }
    return CH_OK;
}

/* A column of a DataFrame outside of the subquery: Spark finds it by its bare name only. */
static bool is_of_row_around(const ch_an_scope *scope, int64_t plan_id)
{
    for (int side = 0; side < 2; side++)
        if (scope->input[side] && find_plan(scope->input[side], plan_id))
            return false;
    for (int side = 0; scope->outer && side < 2; side++)
        if (scope->outer->input[side] && find_plan(scope->outer->input[side], plan_id))
            return true;
    return false;
}

static ch_status lateral_in_aggregate(ch_analyzer *a, const ch_an_scope *scope,
                                      const ch_expr_unresolved_attribute *u, const char *quoted,
                                      ch_error *err)
{
    char *text = NULL;
    const ch_expr_unresolved_function *f = scope->aggregate;
    if (f && f->args.n == 1 && f->args.item[0] == &u->head)
        text = ch_arena_printf(a->arena, err, "\"%s(lateralAliasReference(%s))\"", f->name,
                               u->parts.item[0]);
    else if (f)
        text = ch_expr_quoted(a->arena, &f->head, err);
    CH_AN_FAIL(a, &u->head, err, LATERAL_ALIAS_IN_AGGREGATE, "lca", quoted, "aggFunc",
               text ? text : "");
}

/* An alias further left in the same select list. */
static ch_status find_lateral(ch_analyzer *a, ch_an_scope *scope,
                              const ch_expr_unresolved_attribute *u, const ch_attr **out,
                              ch_error *err)
{
    int32_t n = 0;
    *out = NULL;
    for (int32_t i = 0; scope->laterals && i < scope->laterals->n; i++) {
        const ch_expr *e = scope->laterals->item[i];
        if (e->kind != CH_EXPR_ALIAS)
            continue;
        const ch_expr_alias *alias = (const void *)e;
        const ch_expr_literal *variable = (const void *)alias->child;
        if (!ch_an_same_name(a, alias->names.item[0], u->parts.item[0]) ||
            (variable->head.kind == CH_EXPR_LITERAL && variable->shown)) /* means the same here */
            continue;
        ch_attr *attr;
        CH_ARENA_NEW(attr, a->arena, err);
        *attr = (ch_attr){alias->names.item[0], e->type, e->nullable, alias->id, {0}, NULL, false};
        *out = attr;
        n++;
    }
    if (n == 0)
        return CH_OK;
    ch_str_list name = {u->parts.item, 1};
    char *quoted;
    CH_AN_NEW(quoted, ch_names_quoted(a->arena, &name, err));
    if (n > 1)
        CH_AN_FAIL(a, &u->head, err, AMBIGUOUS_LATERAL_COLUMN_ALIAS, "name", quoted, "n",
                   CH_I64(n));
    if (scope->in_aggregate)
        return lateral_in_aggregate(a, scope, u, quoted, err);
    if (scope->in_window)
        CH_AN_FAIL(a, &u->head, err, LATERAL_ALIAS_IN_WINDOW, "lca", quoted, "windowExpr",
                   scope->over ? ch_expr_quoted(a->arena, &scope->over->head, err) : "");
    scope->used_lateral = true;
    return CH_OK;
}

static ch_status unresolved(ch_analyzer *a, ch_an_scope *scope,
                            const ch_expr_unresolved_attribute *u, ch_error *err)
{
    char *name, *proposal;
    CH_AN_NEW(name, ch_names_quoted(a->arena, &u->parts, err));
    if (u->plan_id >= 0)
        CH_AN_FAIL(a, &u->head, err, CANNOT_RESOLVE_DATAFRAME_COLUMN, "name", name);
    CH_TRY(ch_an_proposal(a, scope, &u->parts, &proposal, err));
    if (!proposal)
        CH_AN_FAIL(a, &u->head, err, UNRESOLVED_COLUMN, "objectName", name);
    CH_AN_FAIL(a, &u->head, err, UNRESOLVED_COLUMN_SUGGEST, "objectName", name, "proposal",
               proposal);
}

/* current_date without parentheses */
static bool is_literal_function(const ch_analyzer *a, const ch_expr_unresolved_attribute *u)
{
    static const char *const NAME[] = {"current_date", "current_timestamp", "current_user",  "user",
                                       "session_user", "current_time",      "localtimestamp"};
    if (u->parts.n != 1)
        return false;
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        if (ch_an_same_name(a, u->parts.item[0], NAME[i]))
            return true;
    return false;
}

/* _metadata, t._metadata.file_name */
static ch_status find_metadata(ch_analyzer *a, const ch_an_scope *scope,
                               const ch_expr_unresolved_attribute *u, const ch_attr **out,
                               int32_t *used, ch_error *err)
{
    *out = NULL;
    for (int32_t k = 0; k < u->parts.n && !*out; k++) {
        if (!ch_an_same_name(a, u->parts.item[k], CH_METADATA_COLUMN))
            continue;
        for (int side = 0; side < 2 && !*out; side++)
            if (scope->input[side])
                CH_TRY(ch_an_file_column(a, scope->input[side], CH_METADATA_COLUMN, &u->parts, k,
                                         out, err));
        *used = k + 1;
    }
    return CH_OK;
}

/* A session variable as a literal: v, session.v, system.session.v. *used 0: it is none. */
static ch_status find_variable(ch_analyzer *a, const ch_expr_unresolved_attribute *u, ch_expr **out,
                               int32_t *used, ch_error *err)
{
    const ch_catalog *catalog = a->ctx->catalog;
    const char **part = u->parts.item;
    bool system = u->parts.n > 2 && ch_an_same_name(a, part[0], "system") &&
                  ch_an_same_name(a, part[1], "session");
    bool session = u->parts.n > 1 && ch_an_same_name(a, part[0], "session");
    int32_t qualified = system ? 2 : session ? 1 : 0;
    *used = 0;
    if (!catalog || !catalog->variable)
        return CH_OK;
    for (int32_t k = qualified;; k = 0) {
        ch_scalar value;
        bool found;
        CH_TRY(catalog->variable(a->ctx->catalog, part[k], a->arena, &value, &found, err));
        if (found) {
            char *text;
            const ch_sql_function *of = a->inside ? a->inside->fn : NULL;
            if (of && of->stored)
                CH_AN_FAIL(a, &u->head, err, INVALID_TEMP_OBJ_REFERENCE, "obj", "FUNCTION",
                           "objName", of->quoted, "tempObj", "VARIABLE", "tempObjName", part[k]);
            CH_AN_NEW(*out, ch_make_literal(a->arena, &value, err));
            CH_AN_NEW(text, ch_expr_sql(a->arena, *out, err));
            CH_AN_NEW(text,
                      ch_arena_printf(a->arena, err, "variablereference(system.session.%s=%s)",
                                      part[k], text));
            ((ch_expr_literal *)*out)->shown = text;
            *used = k + 1;
            return CH_OK;
        }
        if (k == 0)
            return CH_OK;
    }
}

/* Does the type have what the parts of a name from `used` on say? */
static bool has_path(const ch_analyzer *a, const ch_type *type,
                     const ch_expr_unresolved_attribute *u, int32_t used)
{
    for (int32_t i = used; i < u->parts.n; i++) {
        const ch_type *row = type->id == CH_ARRAY ? type->field[0].type : type;
        int32_t at = 0;
        if (type->id == CH_MAP) {
            type = type->field[1].type;
            continue;
        }
        if (row->id != CH_STRUCT)
            return false;
        while (at < row->n_fields && !ch_an_same_name(a, row->field[at].name, u->parts.item[i]))
            at++;
        if (at == row->n_fields)
            return false;
        type = row->field[at].type;
    }
    return true;
}

/*
 * In the scope's tiers, the first first. SELECT a.id AS a ... ORDER BY a.id: where the column that a tier has under the
 * name has no such field, the next one may have what is meant.
 */
static ch_status find_in_tiers(ch_analyzer *a, const ch_an_scope *scope,
                               const ch_expr_unresolved_attribute *u, const ch_attr **out,
                               int32_t *used, ch_error *err)
{
    const ch_attr *unfit = NULL;
    int32_t unfit_used = 0;
    for (int32_t i = 0; i < scope->n_tiers && !*out; i++) {
        bool last_first = scope->inverted && scope->in_aggregate;
        int32_t t = last_first ? scope->n_tiers - 1 - i : i;
        CH_TRY(scope->lenient ? find_one(a, scope->tier[t], u, out, used, err)
                              : find_column(a, scope->tier[t], u, out, used, err));
        if (*out && !has_path(a, (*out)->type, u, *used)) {
            unfit_used = unfit ? unfit_used : *used;
            unfit = unfit ? unfit : *out;
            *out = NULL;
        }
    }
    if (!*out && scope->n_tiers == 1 && unfit) {
        *out = unfit;
        *used = unfit_used;
    }
    return CH_OK;
}

ch_status ch_an_name(ch_analyzer *a, ch_an_scope *scope, const ch_expr_unresolved_attribute *u,
                     ch_expr **out, ch_error *err)
{
    const ch_attr *attr = NULL;
    int32_t used = 1;
    if (u->plan_id >= 0)
        CH_TRY(find_by_plan(a, scope, u, &attr, &used, err));
    if (!attr && u->plan_id >= 0 && is_of_row_around(scope, u->plan_id))
        return unresolved(a, scope, u, err);
    if (!attr && scope->grouping && !scope->in_aggregate)
        CH_TRY(find_grouping(a, scope, u, &attr, &used, err));
    if (!attr)
        CH_TRY(find_in_tiers(a, scope, u, &attr, &used, err));
    if (!attr && scope->generated.n)
        CH_TRY(find_column(a, &scope->generated, u, &attr, &used, err));
    if (!attr) {
        used = 1;
        CH_TRY(find_lateral(a, scope, u, &attr, err));
    }
    for (int32_t t = 0; !attr && scope->outer && t < scope->outer->n_tiers; t++) {
        CH_TRY(find_column(a, scope->outer->tier[t], u, &attr, &used, err));
        a->correlated |= attr != NULL;
    }
    if (!attr && is_literal_function(a, u)) {
        ch_expr_unresolved_function *f;
        CH_AN_NEW(f, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_FUNCTION, err));
        f->head.start = u->head.start;
        f->head.stop = u->head.stop;
        f->name = u->parts.item[0];
        return ch_an_call(a, scope, f, out, err);
    }
    if (!attr)
        CH_TRY(find_metadata(a, scope, u, &attr, &used, err));
    if (attr) {
        if (attr->hidden || strcmp(attr->name, u->parts.item[used - 1]) != 0) {
            /* The output is named as it was written, and what is named is to be seen. */
            ch_attr *renamed;
            CH_ARENA_NEW(renamed, a->arena, err);
            *renamed = *attr;
            renamed->hidden = renamed->of_files = false;
            renamed->name = u->parts.item[used - 1];
            attr = renamed;
        }
        CH_AN_NEW(*out, ch_make_ref(a->arena, attr, err));
    } else {
        CH_TRY(find_variable(a, u, out, &used, err));
        if (!used)
            return unresolved(a, scope, u, err);
    }
    (*out)->start = u->head.start;
    (*out)->stop = u->head.stop;
    for (int32_t i = used; i < u->parts.n; i++) {
        ch_scalar key = {.type = CH_T_STRING,
                         .v.str = {u->parts.item[i], (int64_t)strlen(u->parts.item[i])}};
        ch_expr *field;
        CH_AN_NEW(field, ch_make_literal(a->arena, &key, err));
        CH_TRY(ch_an_extract(a, &u->head, *out, field, out, err));
    }
    return CH_OK;
}

/* ---- fields, elements, keys -------------------------------------------------------------------- */

static bool literal_text(const ch_expr *e, const char **text, int64_t *len)
{
    if (e->kind != CH_EXPR_LITERAL)
        return false;
    const ch_scalar *v = &((const ch_expr_literal *)e)->value;
    if (v->is_null || !ch_type_is_string(v->type))
        return false;
    *text = v->v.str.text;
    *len = v->v.str.len;
    return true;
}

static ch_status find_field(ch_analyzer *a, const ch_expr *at, const ch_type *type,
                            const char *name, int32_t *ordinal, ch_error *err)
{
    int32_t n = 0;
    for (int32_t i = 0; i < type->n_fields; i++)
        if (ch_an_same_name(a, type->field[i].name, name)) {
            *ordinal = i;
            n++;
        }
    if (n == 1)
        return CH_OK;
    char *fields, *quoted;
    CH_AN_NEW(fields, ch_arena_str(a->arena, "", err));
    for (int32_t i = 0; i < type->n_fields; i++) {
        ch_str_list one = {(const char **)&type->field[i].name, 1};
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
        CH_AN_NEW(fields, ch_arena_printf(a->arena, err, "%s%s%s", fields, i ? ", " : "", quoted));
    }
    ch_str_list one = {&name, 1};
    CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
    if (n)
        CH_AN_FAIL(a, at, err, AMBIGUOUS_FIELDS, "field", quoted, "count", CH_I64(n));
    CH_AN_FAIL(a, at, err, UNRESOLVED_FIELD, "fieldName", quoted, "fields", fields);
}

static bool element_nullable(const ch_expr *child, const ch_expr *index)
{
    if (index->kind != CH_EXPR_LITERAL)
        return child->type->field[0].nullable;
    if (child->kind != CH_EXPR_CALL)
        return true;
    const ch_expr_call *call = (const void *)child;
    int64_t i = ((const ch_expr_literal *)index)->value.v.i64;
    return strcmp(call->name, "array") != 0 || i < 0 || i >= call->args.n ||
           call->args.item[i]->nullable;
}

ch_status ch_an_extract(ch_analyzer *a, const ch_expr *at, ch_expr *child, ch_expr *extraction,
                        ch_expr **out, ch_error *err)
{
    const ch_type *type = child->type;
    const ch_type *row = type->id == CH_ARRAY ? type->field[0].type : type;
    const char *text;
    int64_t len;
    ch_expr_extract *x;
    CH_AN_NEW(x, ch_expr_new(a->arena, CH_EXPR_EXTRACT, err));
    x->head.start = at->start;
    x->head.stop = at->stop;
    x->child = child;
    x->ordinal = -1;
    *out = &x->head;
    if (row->id == CH_STRUCT && literal_text(extraction, &text, &len)) {
        char *name;
        CH_AN_NEW(name, ch_arena_strn(a->arena, text, (size_t)len, err));
        CH_TRY(find_field(a, at, row, name, &x->ordinal, err));
        const ch_field *f = &row->field[x->ordinal];
        x->head.type =
            type == row ? f->type : ch_type_array(f->type, f->nullable || type->field[0].nullable);
        x->head.nullable = child->nullable || (type == row && f->nullable);
        return CH_OK;
    }
    char *base, *other;
    if (type->id != CH_ARRAY && type->id != CH_MAP) {
        CH_AN_NEW(base, ch_expr_quoted(a->arena, child, err));
        CH_AN_NEW(other, ch_type_quoted(a->arena, type, err));
        CH_AN_FAIL(a, at, err, INVALID_EXTRACT_BASE, "base", base, "other", other);
    }
    x->extraction = extraction;
    if (type->id == CH_MAP) {
        CH_TRY(ch_make_cast(a->arena, &x->extraction, type->field[0].type, err));
        x->head.type = type->field[1].type;
        x->head.nullable = true;
        return CH_OK;
    }
    if (!ch_type_is_integral(extraction->type)) {
        x->head.type = type->field[0].type;
        CH_AN_NEW(base, ch_expr_quoted(a->arena, &x->head, err));
        CH_AN_NEW(other, ch_expr_quoted(a->arena, extraction, err));
        CH_AN_FAIL(a, at, err, DATATYPE_MISMATCH_INPUT, "sqlExpr", base, "paramIndex", "second",
                   "requiredType", "\"INTEGRAL\"", "inputSql", other, "inputType",
                   ch_type_quoted(a->arena, extraction->type, err));
    }
    x->head.type = type->field[0].type;
    x->head.nullable = element_nullable(child, extraction);
    return CH_OK;
}

/* ---- stars ------------------------------------------------------------------------------------ */

static ch_status star_error(ch_analyzer *a, const ch_an_scope *scope,
                            const ch_expr_unresolved_star *star, ch_error *err)
{
    char *target, *columns;
    int32_t n = 0;
    const char **name;
    CH_AN_NEW(target, ch_names_quoted(a->arena, &star->target, err));
    CH_AN_NEW(columns, ch_arena_str(a->arena, "", err));
    CH_ARENA_ARRAY(name, a->arena, scope->tier[0]->n + 1, err);
    for (int32_t i = 0; i < scope->tier[0]->n; i++)
        if (!scope->tier[0]->item[i]->hidden)
            name[n++] = scope->tier[0]->item[i]->name;
    qsort(name, (size_t)n, sizeof *name, by_text);
    for (int32_t i = 0; i < n; i++) {
        ch_str_list one = {&name[i], 1};
        char *quoted;
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
        CH_AN_NEW(columns,
                  ch_arena_printf(a->arena, err, "%s%s%s", columns, i ? ", " : "", quoted));
    }
    CH_AN_FAIL(a, &star->head, err, CANNOT_RESOLVE_STAR, "targetString", target, "columns",
               columns);
}

/* st.*: each field of a struct column */
static ch_status expand_struct(ch_analyzer *a, ch_an_scope *scope,
                               const ch_expr_unresolved_star *star, ch_expr_list *out,
                               ch_error *err)
{
    ch_expr_unresolved_attribute *u;
    const ch_attr *attr;
    int32_t used;
    CH_AN_NEW(u, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err));
    u->head.start = star->head.start;
    u->head.stop = star->head.stop;
    u->parts = star->target;
    u->plan_id = -1;
    CH_TRY(find_column(a, scope->tier[0], u, &attr, &used, err));
    if (!attr)
        CH_TRY(find_metadata(a, scope, u, &attr, &used, err));
    if (!attr)
        return star_error(a, scope, star, err);
    ch_expr *base;
    CH_TRY(ch_an_name(a, scope, u, &base, err));
    if (base->type->id != CH_STRUCT)
        return star_error(a, scope, star, err);
    for (int32_t i = 0; i < base->type->n_fields; i++) {
        const ch_field *f = &base->type->field[i];
        ch_expr_extract *x;
        CH_AN_NEW(x, ch_expr_new(a->arena, CH_EXPR_EXTRACT, err));
        x->child = base;
        x->ordinal = i;
        x->head.type = f->type;
        x->head.nullable = base->nullable || f->nullable;
        ch_expr *alias;
        CH_AN_NEW(alias, ch_make_alias(a->ctx, &x->head, f->name, err));
        CH_TRY(ch_expr_list_add(a->arena, out, alias, err));
    }
    return CH_OK;
}

static ch_status excepted(ch_analyzer *a, ch_an_scope *scope, const ch_expr_unresolved_star *star,
                          ch_attr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < star->except.n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, scope, star->except.item[i], &e, err));
        if (e->kind != CH_EXPR_ATTRIBUTE)
            CH_AN_FAIL(a, star->except.item[i], err, UNSUPPORTED, "feature",
                       "EXCEPT of a struct's field");
        CH_TRY(ch_attr_list_add(a->arena, out, ((const ch_expr_attribute *)e)->attr, err));
    }
    return CH_OK;
}

ch_status ch_an_star(ch_analyzer *a, ch_an_scope *scope, const ch_expr_unresolved_star *star,
                     ch_expr_list *out, ch_error *err)
{
    ch_attr_list except = {0}, meant = {0};
    for (int32_t i = 0; star->except.n && scope->n_tiers && i < scope->tier[0]->n; i++) {
        const ch_attr *attr = scope->tier[0]->item[i];
        if (qualifier_fits(a, attr, &star->target, star->target.n))
            CH_TRY(ch_attr_list_add(a->arena, &meant, attr, err));
    }
    ch_an_scope those = {.clause = scope->clause, .tier = {&meant}, .n_tiers = 1};
    CH_TRY(excepted(a, &those, star, &except, err));
    bool any = false;
    /* Hidden columns, which only t.* reaches, come first. */
    for (int hidden = 1; hidden >= 0 && scope->n_tiers; hidden--)
        for (int32_t i = 0; i < scope->tier[0]->n; i++) {
            const ch_attr *attr = scope->tier[0]->item[i];
            if (attr->hidden != hidden || (star->target.n == 0 && hidden) || attr->of_files ||
                !qualifier_fits(a, attr, &star->target, star->target.n))
                continue;
            any = true;
            bool named = true;
            if (star->pattern)
                CH_TRY(ch_regex_is_whole(a->arena->mem, star->pattern, attr->name,
                                         a->ctx->func->case_sensitive, &named, err));
            if (!named)
                continue;
            if (ch_attr_list_find(&except, attr->id))
                continue;
            if (hidden) {
                ch_attr *shown;
                CH_ARENA_NEW(shown, a->arena, err);
                *shown = *attr;
                shown->hidden = false;
                attr = shown;
            }
            ch_expr *ref;
            CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
            CH_TRY(ch_expr_list_add(a->arena, out, ref, err));
        }
    if (any || star->pattern || star->target.n == 0 || !scope->n_tiers)
        return CH_OK;
    return expand_struct(a, scope, star, out, err);
}
