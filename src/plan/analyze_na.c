/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_na.c - DataFrame.na and DataFrame.to: fill, drop, replace and other schemas, as projects and filters.
 *
 *   fill      Project [coalesce(nanvl(h, NULL), CAST(50 AS DOUBLE)) AS h, ...]
 *   drop      Filter a IS NOT NULL AND h IS NOT NULL AND NOT isnan(h)
 *   replace   Project [CASE WHEN (a = 10) THEN 20 ELSE a END AS a, ...]
 */
#include <string.h>

#include "plan/analyzer.h"

ch_status ch_an_columns(ch_analyzer *a, ch_rel *input, const ch_str_list *names, bool *all,
                        ch_attr_list *out, ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "DataFrame");
    *out = (ch_attr_list){0};
    *all = names->n == 0;
    for (int32_t i = 0; *all && i < input->output.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, out, input->output.item[i], err));
    for (int32_t i = 0; i < names->n; i++) {
        ch_expr_unresolved_attribute *u;
        ch_expr *e;
        CH_AN_NEW(u, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err));
        CH_TRY(ch_name_split(a->arena, names->item[i], &u->parts, err));
        CH_TRY(ch_an_name(a, &scope, u, &e, err));
        if (e->kind != CH_EXPR_ATTRIBUTE)
            CH_FAIL(err, UNSUPPORTED_NESTED_COLUMN, "name", names->item[i]);
        CH_TRY(ch_attr_list_add(a->arena, out, ((const ch_expr_attribute *)e)->attr, err));
    }
    return CH_OK;
}

static bool is_floating(const ch_type *t)
{
    return t->id == CH_FLOAT || t->id == CH_DOUBLE;
}

static ch_status call(ch_analyzer *a, const char *name, ch_expr *x, ch_expr *y, ch_expr **out,
                      ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, a->arena, 2, err);
    arg[0] = x;
    arg[1] = y;
    return ch_call_make(a->ctx, name, arg, y ? 2 : 1, out, err);
}

/* A literal as a value of the column's type: an ordinary cast, which may fail in the run. */
static ch_status value_as(ch_analyzer *a, const ch_expr *value, const ch_type *type, ch_expr **out,
                          ch_error *err)
{
    ch_an_scope none = {.clause = "DataFrame"};
    ch_expr_cast *cast;
    CH_TRY(ch_an_expr(a, &none, value, out, err));
    if ((*out)->type == type)
        return CH_OK;
    CH_AN_NEW(cast, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    cast->child = *out;
    cast->to = type;
    return ch_an_expr(a, &none, &cast->head, out, err);
}

/* Numbers replace numbers, texts texts, truth values truth values. */
static bool same_kind(const ch_type *value, const ch_type *column)
{
    if (ch_type_is_numeric(value))
        return ch_type_is_numeric(column);
    return ch_type_is_string(value) ? ch_type_is_string(column) : value == column;
}

/* e AS the column's name, in place of the column; NULL: the column itself. */
static ch_status add_column(ch_analyzer *a, const ch_attr *attr, ch_expr *e, ch_expr_list *list,
                            ch_error *err)
{
    if (e) {
        ch_expr *alias;
        CH_AN_NEW(alias, ch_make_alias(a->ctx, e, attr->name, err));
        e = alias;
    } else {
        CH_AN_NEW(e, ch_make_ref(a->arena, attr, err));
    }
    return ch_expr_list_add(a->arena, list, e, err);
}

/* ---- fill ------------------------------------------------------------------------------------------ */

static ch_status filled(ch_analyzer *a, const ch_attr *attr, const ch_expr *value, ch_expr **out,
                        ch_error *err)
{
    ch_expr *ref, *fill, *null;
    CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
    CH_TRY(value_as(a, value, attr->type, &fill, err));
    if (is_floating(attr->type)) {
        ch_scalar nothing = {.type = attr->type, .is_null = true};
        CH_AN_NEW(null, ch_make_literal(a->arena, &nothing, err));
        CH_TRY(call(a, "nanvl", ref, null, &ref, err));
    }
    return call(a, "coalesce", ref, fill, out, err);
}

static ch_status fill_na(ch_analyzer *a, const ch_rel_fill_na *f, ch_rel *input, ch_rel **out,
                         ch_error *err)
{
    ch_attr_list meant;
    ch_expr_list list = {0};
    bool all;
    CH_TRY(ch_an_columns(a, input, &f->cols, &all, &meant, err));
    for (int32_t i = 0; i < input->output.n; i++) {
        const ch_attr *attr = input->output.item[i];
        ch_expr *e = NULL;
        for (int32_t k = 0; k < meant.n && !e; k++) {
            const ch_expr *value = f->values.item[f->values.n > 1 ? k : 0];
            if (meant.item[k]->id == attr->id &&
                same_kind(((const ch_expr_literal *)value)->value.type, attr->type))
                CH_TRY(filled(a, attr, value, &e, err));
        }
        CH_TRY(add_column(a, attr, e, &list, err));
    }
    return ch_make_project(a->arena, input, &list, out, err);
}

/* ---- drop ------------------------------------------------------------------------------------------ */

static ch_status is_there(ch_analyzer *a, const ch_attr *attr, ch_expr **out, ch_error *err)
{
    ch_expr *ref;
    CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
    CH_TRY(call(a, "isnotnull", ref, NULL, out, err));
    if (is_floating(attr->type)) {
        ch_expr *number;
        CH_TRY(call(a, "isnan", ref, NULL, &number, err));
        CH_TRY(call(a, "not", number, NULL, &number, err));
        CH_TRY(call(a, "and", *out, number, out, err));
    }
    return CH_OK;
}

static ch_status drop_na(ch_analyzer *a, const ch_rel_drop_na *n, ch_rel *input, ch_rel **out,
                         ch_error *err)
{
    ch_attr_list meant;
    ch_expr *condition = NULL;
    bool all;
    CH_TRY(ch_an_columns(a, input, &n->cols, &all, &meant, err));
    int32_t least = n->min_non_nulls < 0 ? meant.n : n->min_non_nulls;
    bool count = least != meant.n && least != 1;
    for (int32_t i = 0; i < meant.n; i++) {
        ch_expr *e, *one, *zero;
        CH_TRY(is_there(a, meant.item[i], &e, err));
        if (count) {
            ch_expr **arg;
            CH_AN_NEW(one, ch_make_int(a->arena, 1, err));
            CH_AN_NEW(zero, ch_make_int(a->arena, 0, err));
            CH_ARENA_ARRAY(arg, a->arena, 3, err);
            arg[0] = e;
            arg[1] = one;
            arg[2] = zero;
            CH_TRY(ch_call_make(a->ctx, "if", arg, 3, &e, err));
        }
        if (condition)
            CH_TRY(call(a, count ? "+" : least == meant.n ? "and" : "or", condition, e, &e, err));
        condition = e;
    }
    *out = input;
    if (!condition)
        return CH_OK;
    if (count) {
        ch_expr *most;
        CH_AN_NEW(most, ch_make_int(a->arena, least, err));
        CH_TRY(call(a, ">=", condition, most, &condition, err));
    }
    return ch_make_filter(a->arena, input, condition, out, err);
}

/* ---- replace ----------------------------------------------------------------------------------------- */

static ch_status replaced(ch_analyzer *a, const ch_rel_replace *r, const ch_attr *attr,
                          ch_expr **out, ch_error *err)
{
    ch_an_scope none = {.clause = "DataFrame"};
    ch_expr_case *c;
    ch_expr *ref;
    CH_AN_NEW(c, ch_expr_new(a->arena, CH_EXPR_CASE, err));
    CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
    for (int32_t i = 0; i < r->old_values.n; i++) {
        ch_expr *old, *fresh;
        CH_TRY(ch_an_expr(a, &none, r->old_values.item[i], &old, err));
        CH_TRY(value_as(a, r->new_values.item[i], attr->type, &fresh, err));
        CH_TRY(call(a, "=", ref, old, &old, err));
        CH_TRY(ch_expr_list_add(a->arena, &c->args, old, err));
        CH_TRY(ch_expr_list_add(a->arena, &c->args, fresh, err));
    }
    CH_TRY(ch_expr_list_add(a->arena, &c->args, ref, err));
    return ch_an_expr(a, &none, &c->head, out, err);
}

static ch_status replace(ch_analyzer *a, const ch_rel_replace *r, ch_rel *input, ch_rel **out,
                         ch_error *err)
{
    ch_attr_list meant;
    ch_expr_list list = {0};
    bool all;
    CH_TRY(ch_an_columns(a, input, &r->cols, &all, &meant, err));
    *out = input;
    if (!r->old_values.n)
        return CH_OK;
    const ch_type *kind = ((const ch_expr_literal *)r->old_values.item[0])->value.type;
    for (int32_t i = 0; i < input->output.n; i++) {
        const ch_attr *attr = input->output.item[i];
        ch_expr *e = NULL;
        if (ch_attr_list_find(&meant, attr->id) && same_kind(kind, attr->type))
            CH_TRY(replaced(a, r, attr, &e, err));
        CH_TRY(add_column(a, attr, e, &list, err));
    }
    return ch_make_project(a->arena, input, &list, out, err);
}

/* ---- to(schema) ---------------------------------------------------------------------------------------- */

static ch_status not_nullable(ch_analyzer *a, const char *path, ch_error *err)
{
    CH_FAIL(err, NULLABLE_COLUMN_OR_FIELD, "name", ch_arena_printf(a->arena, err, "`%s`", path));
}

static int32_t find_field(const ch_analyzer *a, const ch_type *from, const char *name, int32_t *n)
{
    int32_t at = -1;
    *n = 0;
    for (int32_t i = 0; i < from->n_fields; i++)
        if (ch_an_same_name(a, from->field[i].name, name)) {
            at = i;
            (*n)++;
        }
    return at;
}

/* e as a value of type `to`: fields of structs are found by name, and casts must not lose the kind. */
static ch_status reconciled(ch_analyzer *a, ch_expr *e, const ch_type *to, bool nullable,
                            const char *path, ch_expr **out, ch_error *err);

static ch_status struct_to(ch_analyzer *a, ch_expr *e, const ch_type *to, const char *path,
                           ch_expr **out, ch_error *err)
{
    ch_expr_list args = {0};
    for (int32_t i = 0; i < to->n_fields; i++) {
        const ch_field *f = &to->field[i];
        int32_t n, at = find_field(a, e->type, f->name, &n);
        ch_expr *name, *part;
        const char *inner;
        CH_AN_NEW(inner, ch_arena_printf(a->arena, err, "%s`.`%s", path, f->name));
        ch_scalar text = {.type = CH_T_STRING, .v.str = {f->name, (int64_t)strlen(f->name)}};
        CH_AN_NEW(name, ch_make_literal(a->arena, &text, err));
        if (at < 0) {
            if (!f->nullable)
                return not_nullable(a, inner, err);
            ch_scalar null = {.type = f->type, .is_null = true};
            CH_AN_NEW(part, ch_make_literal(a->arena, &null, err));
        } else {
            ch_expr_extract *x;
            CH_AN_NEW(x, ch_expr_new(a->arena, CH_EXPR_EXTRACT, err));
            x->child = e;
            x->ordinal = at;
            x->head.type = e->type->field[at].type;
            x->head.nullable = e->type->field[at].nullable;
            CH_TRY(reconciled(a, &x->head, f->type, f->nullable, inner, &part, err));
        }
        CH_TRY(ch_expr_list_add(a->arena, &args, name, err));
        CH_TRY(ch_expr_list_add(a->arena, &args, part, err));
    }
    CH_TRY(ch_call_make(a->ctx, "named_struct", args.item, args.n, out, err));
    if (!e->nullable)
        return CH_OK;
    ch_expr **choice, *null;
    ch_scalar nothing = {.type = (*out)->type, .is_null = true};
    CH_ARENA_ARRAY(choice, a->arena, 3, err);
    CH_TRY(call(a, "isnull", e, NULL, &choice[0], err));
    CH_AN_NEW(null, ch_make_literal(a->arena, &nothing, err));
    choice[1] = null;
    choice[2] = *out;
    return ch_call_make(a->ctx, "if", choice, 3, out, err);
}

/* Spark's Cast.canANSIStoreAssign: no text into numbers, no times into numbers, and so on. */
static bool may_store(const ch_type *from, const ch_type *to)
{
    if (from == to || from->id == CH_NULL || (ch_type_is_numeric(from) && ch_type_is_numeric(to)))
        return true;
    if (from->id == CH_ARRAY && to->id == CH_ARRAY)
        return may_store(from->field[0].type, to->field[0].type);
    if (from->id == CH_MAP && to->id == CH_MAP)
        return may_store(from->field[0].type, to->field[0].type) &&
               may_store(from->field[1].type, to->field[1].type);
    if (ch_type_is_string(to))
        return !ch_type_is_nested(from) && from->id != CH_BINARY;
    bool time_from =
        from->id == CH_DATE || from->id == CH_TIMESTAMP || from->id == CH_TIMESTAMP_NTZ;
    bool time_to = to->id == CH_DATE || to->id == CH_TIMESTAMP || to->id == CH_TIMESTAMP_NTZ;
    return time_from && time_to;
}

static ch_status reconciled(ch_analyzer *a, ch_expr *e, const ch_type *to, bool nullable,
                            const char *path, ch_expr **out, ch_error *err)
{
    if (e->nullable && !nullable)
        return not_nullable(a, path, err);
    *out = e;
    if (e->type == to)
        return CH_OK;
    if (e->type->id == CH_STRUCT && to->id == CH_STRUCT)
        return struct_to(a, e, to, path, out, err);
    if (!may_store(e->type, to)) {
        char *from, *target;
        CH_AN_NEW(from, ch_type_quoted(a->arena, e->type, err));
        CH_AN_NEW(target, ch_type_quoted(a->arena, to, err));
        CH_FAIL(err, INVALID_COLUMN_OR_FIELD_DATA_TYPE, "name",
                ch_arena_printf(a->arena, err, "`%s`", path), "type", from, "expectedType", target);
    }
    ch_an_scope none = {.clause = "DataFrame"};
    ch_expr_cast *cast;
    CH_AN_NEW(cast, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    cast->child = e;
    cast->to = to;
    return ch_an_expr(a, &none, &cast->head, out, err);
}

static ch_status to_schema(ch_analyzer *a, const ch_rel_to_schema *t, ch_rel *input, ch_rel **out,
                           ch_error *err)
{
    ch_expr_list list = {0};
    const ch_type *from = ch_rel_schema(input);
    for (int32_t i = 0; i < t->schema->n_fields; i++) {
        const ch_field *f = &t->schema->field[i];
        int32_t n, at = find_field(a, from, f->name, &n);
        ch_expr *e;
        ch_str_list one = {(const char **)&f->name, 1};
        char *quoted, *proposal;
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
        if (n > 1)
            CH_AN_FAIL(a, &t->head, err, AMBIGUOUS_COLUMN_OR_FIELD, "name", quoted, "n", CH_I64(n));
        if (at < 0 && !f->nullable) {
            ch_an_scope scope = ch_an_scope_of(a, input, NULL, "to");
            CH_TRY(ch_an_proposal(a, &scope, &one, &proposal, err));
            CH_AN_FAIL(a, &t->head, err, UNRESOLVED_COLUMN_SUGGEST, "objectName", quoted,
                       "proposal", proposal ? proposal : "");
        }
        if (at < 0) {
            ch_scalar null = {.type = f->type, .is_null = true};
            CH_AN_NEW(e, ch_make_literal(a->arena, &null, err));
        } else {
            CH_AN_NEW(e, ch_make_ref(a->arena, input->output.item[at], err));
            CH_TRY(reconciled(a, e, f->type, f->nullable, f->name, &e, err));
        }
        ch_expr *alias;
        CH_AN_NEW(alias, ch_make_alias(a->ctx, e, f->name, err));
        if (f->metadata)
            ((ch_expr_alias *)alias)->metadata = f->metadata;
        CH_TRY(ch_expr_list_add(a->arena, &list, alias, err));
    }
    return ch_make_project(a->arena, input, &list, out, err);
}

/* ---- transpose ------------------------------------------------------------------------------------------- */

static ch_status transpose(ch_analyzer *a, const ch_rel_transpose *t, ch_rel *input, ch_rel **out,
                           ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "transpose");
    ch_expr *index, **other;
    ch_expr_list list = {0};
    const ch_type *type;
    int32_t n = 0;
    if (t->index)
        CH_TRY(ch_an_expr(a, &scope, t->index, &index, err));
    else if (input->output.n)
        CH_AN_NEW(index, ch_make_ref(a->arena, input->output.item[0], err));
    else
        CH_FAIL(err, TRANSPOSE_INDEX, "reason", "there are no columns");
    if (index->kind != CH_EXPR_ATTRIBUTE || ch_type_is_nested(index->type))
        CH_FAIL(err, TRANSPOSE_INDEX, "reason", "it is no column of an atomic type");
    CH_ARENA_ARRAY(other, a->arena, input->output.n + 1, err);
    for (int32_t i = 0; i < input->output.n; i++)
        if (input->output.item[i]->id != ((const ch_expr_attribute *)index)->attr->id) {
            CH_AN_NEW(other[n], ch_make_ref(a->arena, input->output.item[i], err));
            n++;
        }
    CH_TRY(ch_an_common_type(a, other, n, 1, &type, err));
    for (int32_t i = 1; i < n; i++)
        if (!type || ch_type_is_string(other[0]->type) != ch_type_is_string(other[i]->type))
            CH_FAIL(err, TRANSPOSE_TYPES, "dt1", ch_type_quoted(a->arena, other[0]->type, err),
                    "dt2", ch_type_quoted(a->arena, other[i]->type, err));
    ch_expr *is_there;
    ch_rel *filter;
    ch_rel_sort *sort;
    ch_expr_sort_order *order;
    CH_AN_NEW(sort, ch_rel_new(a->arena, CH_REL_SORT, err));
    CH_AN_NEW(order, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
    CH_TRY(call(a, "isnotnull", index, NULL, &is_there, err));
    CH_TRY(ch_make_filter(a->arena, input, is_there, &filter, err));
    order->child = index;
    order->nulls_first = true;
    order->head.type = index->type;
    sort->input = filter;
    sort->is_global = true;
    sort->head.output = input->output;
    CH_TRY(ch_expr_list_add(a->arena, &sort->order, &order->head, err));
    ch_expr_cast *text;
    ch_expr *e;
    CH_AN_NEW(text, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    text->child = index;
    text->to = CH_T_STRING;
    CH_TRY(ch_an_expr(a, &scope, &text->head, &e, err));
    CH_AN_NEW(e, ch_make_alias(a->ctx, e, "key", err));
    CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    for (int32_t i = 0; i < n; i++) {
        const char *name = ((const ch_expr_attribute *)other[i])->attr->name;
        CH_TRY(ch_make_cast(a->arena, &other[i], type, err));
        CH_AN_NEW(e, ch_make_alias(a->ctx, other[i], name, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return ch_make_project(a->arena, &sort->head, &list, out, err);
}

ch_status ch_an_na(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    /* Input is the first field of all of them. */
    CH_TRY(ch_an_input(a, ((const ch_rel_fill_na *)rel)->input, &input, err));
    switch (rel->kind) {
    case CH_REL_FILL_NA:
        return fill_na(a, (const void *)rel, input, out, err);
    case CH_REL_DROP_NA:
        return drop_na(a, (const void *)rel, input, out, err);
    case CH_REL_REPLACE:
        return replace(a, (const void *)rel, input, out, err);
    case CH_REL_TRANSPOSE:
        return transpose(a, (const void *)rel, input, out, err);
    default:
        return to_schema(a, (const void *)rel, input, out, err);
    }
}
_Static_assert(offsetof(ch_rel_fill_na, input) == offsetof(ch_rel_drop_na, input) &&
                   offsetof(ch_rel_fill_na, input) == offsetof(ch_rel_replace, input) &&
                   offsetof(ch_rel_fill_na, input) == offsetof(ch_rel_transpose, input) &&
                   offsetof(ch_rel_fill_na, input) == offsetof(ch_rel_to_schema, input),
               "see ch_an_na");
