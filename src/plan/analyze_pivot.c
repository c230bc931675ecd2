/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_pivot.c - PIVOT and UNPIVOT, as aggregates and generators.
 *
 *   PIVOT (sum(s) FOR q IN (1, 2))       Aggregate [rest], [rest,
 *                                          if(count(1) FILTER (q <=> 1) > 0, sum(s) FILTER (q <=> 1), NULL) AS 1, ...]
 *
 *   UNPIVOT (v FOR n IN (a, b))          Filter v IS NOT NULL
 *                                        +- Generate stack(2, 'a', a, 'b', b), [n, v]
 */
#include <string.h>

#include "plan/analyzer.h"
#include "plan/fold.h"

/* ---- PIVOT -------------------------------------------------------------------------------------- */

static ch_expr *without_alias(ch_expr *e)
{
    return e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
}

typedef struct pivoting {
    ch_analyzer *a;
    ch_expr *condition; /* of the value at hand */
} pivoting;

/* Every aggregate call sees only the value's rows. */
static ch_status add_filter(void *user, ch_expr **child, ch_error *err)
{
    pivoting *p = user;
    ch_expr_call *call = (ch_expr_call *)*child;
    if ((*child)->kind != CH_EXPR_CALL || !(call->func->flags & CH_FUNC_AGGREGATE))
        return ch_expr_map_children(p->a->arena, child, add_filter, p, err);
    CH_AN_NEW(call, ch_expr_clone(p->a->arena, *child, err));
    if (call->filter) {
        ch_expr *both[2] = {p->condition, call->filter};
        CH_TRY(ch_call_make(p->a->ctx, "and", both, 2, &call->filter, err));
    } else {
        call->filter = p->condition;
    }
    *child = &call->head;
    return CH_OK;
}

static ch_status integer(ch_analyzer *a, int32_t value, ch_expr **out, ch_error *err)
{
    CH_AN_NEW(*out, ch_make_int(a->arena, value, err));
    return CH_OK;
}

/* Where no row has the value, count() too is NULL. */
static ch_status null_without_rows(pivoting *p, ch_expr **e, ch_error *err)
{
    ch_expr *one, *zero, *count, *some, *null;
    ch_scalar nothing = {.type = (*e)->type, .is_null = true};
    CH_TRY(integer(p->a, 1, &one, err));
    CH_TRY(integer(p->a, 0, &zero, err));
    CH_TRY(ch_call_make(p->a->ctx, "count", &one, 1, &count, err));
    CH_TRY(add_filter(p, &count, err));
    ch_expr *sides[2] = {count, zero};
    CH_TRY(ch_call_make(p->a->ctx, ">", sides, 2, &some, err));
    CH_AN_NEW(null, ch_make_literal(p->a->arena, &nothing, err));
    ch_expr *choice[3] = {some, *e, null};
    return ch_call_make(p->a->ctx, "if", choice, 3, e, err);
}

/* The types that Spark pivots in a second pass over groups; for others an absent group is an empty one. */
static bool pivots_groups(const ch_type *t)
{
    return t->id == CH_BOOLEAN || ch_type_is_numeric(t);
}

static ch_status value_text(ch_analyzer *a, ch_expr *value, const char **out, ch_error *err)
{
    ch_expr_cast *cast;
    ch_scalar text;
    bool done;
    CH_AN_NEW(cast, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    cast->child = value;
    cast->to = cast->head.type = CH_T_STRING;
    CH_TRY(ch_expr_fold(a->ctx->func, a->arena, &cast->head, &text, &done, err));
    if (!done)
        CH_AN_FAIL(a, value, err, NON_LITERAL_PIVOT_VALUES, "expression",
                   ch_expr_quoted(a->arena, value, err));
    *out = "null";
    if (!text.is_null)
        CH_AN_NEW(*out, ch_arena_strn(a->arena, text.v.str.text, (size_t)text.v.str.len, err));
    return CH_OK;
}

/* column <=> value, for each of several columns */
static ch_status value_condition(ch_analyzer *a, const ch_expr_list *columns, ch_expr *value,
                                 ch_expr **out, ch_error *err)
{
    *out = NULL;
    for (int32_t i = 0; i < columns->n; i++) {
        ch_expr *pair[2] = {columns->item[i], value}, *equal;
        if (columns->n > 1)
            pair[1] = ((ch_expr_call *)value)->args.item[2 * i + 1];
        CH_TRY(ch_make_cast(a->arena, &pair[1], pair[0]->type, err));
        CH_TRY(ch_call_make(a->ctx, "<=>", pair, 2, &equal, err));
        if (*out) {
            ch_expr *both[2] = {*out, equal};
            CH_TRY(ch_call_make(a->ctx, "and", both, 2, &equal, err));
        }
        *out = equal;
    }
    return CH_OK;
}

typedef struct users {
    ch_arena *arena;
    ch_attr_list used;
} users;

static ch_status find_used(void *user, ch_expr **child, ch_error *err)
{
    users *u = user;
    if ((*child)->kind == CH_EXPR_ATTRIBUTE)
        return ch_attr_list_add(u->arena, &u->used, ((const ch_expr_attribute *)*child)->attr, err);
    return ch_expr_map_children(u->arena, child, find_used, u, err);
}

/* SQL: what neither the aggregates nor the pivot look at. */
static ch_status implied_grouping(ch_analyzer *a, const ch_rel *input, const ch_expr_list *columns,
                                  const ch_expr_list *aggregates, ch_expr_list *out, ch_error *err)
{
    users u = {.arena = a->arena};
    for (int32_t side = 0; side < 2; side++) {
        const ch_expr_list *list = side ? columns : aggregates;
        for (int32_t i = 0; i < list->n; i++) {
            ch_expr *e = list->item[i];
            CH_TRY(find_used(&u, &e, err));
        }
    }
    for (int32_t i = 0; i < input->output.n; i++) {
        const ch_attr *attr = input->output.item[i];
        if (attr->hidden || ch_attr_list_find(&u.used, attr->id))
            continue;
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
        CH_TRY(ch_expr_list_add(a->arena, out, ref, err));
    }
    return CH_OK;
}

/* The columns of one value. */
static ch_status value_columns(ch_analyzer *a, const ch_rel_aggregate *g, ch_expr *value,
                               const ch_expr_list *columns, const ch_expr_list *aggregates,
                               ch_expr_list *out, ch_error *err)
{
    pivoting p = {a, NULL};
    const char *name;
    ch_expr *bare = without_alias(value);
    bool grouped = true;
    if (!ch_expr_is_foldable(bare))
        CH_AN_FAIL(a, value, err, NON_LITERAL_PIVOT_VALUES, "expression",
                   ch_expr_quoted(a->arena, bare, err));
    if (columns->n > 1 && (bare->kind != CH_EXPR_CALL || bare->type->n_fields != columns->n))
        CH_AN_FAIL(a, value, err, UNSUPPORTED, "feature",
                   "A value of PIVOT that has not one part for each column");
    if (value->kind == CH_EXPR_ALIAS)
        name = ((const ch_expr_alias *)value)->names.item[0];
    else
        CH_TRY(value_text(a, bare, &name, err));
    CH_TRY(value_condition(a, columns, bare, &p.condition, err));
    for (int32_t i = 0; i < aggregates->n; i++)
        grouped &= pivots_groups(without_alias(aggregates->item[i])->type);
    for (int32_t i = 0; i < aggregates->n; i++) {
        ch_expr *e = without_alias(aggregates->item[i]), *named;
        const char *full = name;
        if (aggregates->n > 1) {
            CH_TRY(ch_an_named(a, g->aggregates.item[i], aggregates->item[i], &named, err));
            CH_AN_NEW(full, ch_arena_printf(a->arena, err, "%s_%s", name,
                                            ((const ch_expr_alias *)named)->names.item[0]));
        }
        CH_TRY(add_filter(&p, &e, err));
        if (grouped)
            CH_TRY(null_without_rows(&p, &e, err));
        CH_AN_NEW(e, ch_make_alias(a->ctx, e, full, err));
        CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    return CH_OK;
}

ch_status ch_an_pivot(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    ch_expr_list columns = {0}, aggregates = {0}, values = {0}, grouping = {0}, list = {0};
    CH_TRY(ch_an_rel(a, g->input, &input, err));
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "PIVOT"), none = {.clause = "PIVOT"};
    CH_TRY(ch_an_exprs(a, &scope, &g->pivot_columns, &columns, err));
    none.tier[none.n_tiers++] = &input->output;
    CH_TRY(ch_an_exprs(a, &none, &g->pivot_values, &values, err));
    if (!values.n)
        CH_AN_FAIL(a, &g->head, err, UNSUPPORTED, "feature", "A pivot without a list of values");
    scope.aggregates = true;
    CH_TRY(ch_an_exprs(a, &scope, &g->aggregates, &aggregates, err));
    for (int32_t i = 0; i < aggregates.n; i++)
        if (ch_expr_has_python(aggregates.item[i]) && ch_expr_has_aggregate(aggregates.item[i]))
            CH_AN_FAIL(a, aggregates.item[i], err, PANDAS_UDAF_IN_PIVOT);
        else if (!ch_expr_has_aggregate(aggregates.item[i]) &&
                 !ch_expr_is_foldable(without_alias(aggregates.item[i])))
            CH_AN_FAIL(a, aggregates.item[i], err, PIVOT_WITHOUT_AGGREGATE, "sql",
                       ch_expr_sql(a->arena, aggregates.item[i], err));
    ch_an_scope keys = ch_an_scope_of(a, input, NULL, "GROUP BY");
    if (g->from_sql)
        CH_TRY(implied_grouping(a, input, &columns, &aggregates, &grouping, err));
    else
        CH_TRY(ch_an_exprs(a, &keys, &g->grouping, &grouping, err));
    for (int32_t i = 0; i < grouping.n; i++) {
        ch_expr *e;
        const ch_expr *written = g->from_sql ? grouping.item[i] : g->grouping.item[i];
        CH_TRY(ch_an_named(a, written, grouping.item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
        grouping.item[i] = without_alias(grouping.item[i]);
    }
    for (int32_t i = 0; i < values.n; i++)
        CH_TRY(value_columns(a, g, values.item[i], &columns, &aggregates, &list, err));
    return ch_an_make_aggregate(a, &g->head, input, &grouping, &list, grouping.n > 0, out, err);
}

/* ---- UNPIVOT -------------------------------------------------------------------------------------- */

static ch_status unpivot_rows(ch_analyzer *a, const ch_rel_unpivot *u, ch_rel *input,
                              ch_expr_list *ids, ch_expr_list **rows, int32_t *n_rows,
                              ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "UNPIVOT");
    users taken = {.arena = a->arena};
    *n_rows = u->n_rows;
    CH_ARENA_ARRAY(*rows, a->arena, input->output.n + u->n_rows + 1, err);
    for (int32_t i = 0; i < u->n_rows; i++) {
        CH_TRY(ch_an_exprs(a, &scope, &u->row[i], &(*rows)[i], err));
        if ((*rows)[i].n != u->value_column_names.n)
            CH_AN_FAIL(a, &u->head, err, UNPIVOT_SIZES, "names",
                       ch_names_quoted(a->arena, &u->value_column_names, err));
        for (int32_t k = 0; k < (*rows)[i].n; k++)
            CH_TRY(find_used(&taken, &(*rows)[i].item[k], err));
    }
    if (u->has_ids)
        CH_TRY(ch_an_exprs(a, &scope, &u->ids, ids, err));
    for (int32_t i = 0; i < ids->n; i++)
        CH_TRY(find_used(&taken, &ids->item[i], err));
    if (u->has_ids && u->n_rows)
        return CH_OK;
    for (int32_t i = 0; i < input->output.n; i++) {
        const ch_attr *attr = input->output.item[i];
        if (attr->hidden || ch_attr_list_find(&taken.used, attr->id))
            continue;
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
        CH_TRY(ch_expr_list_add(a->arena, u->has_ids ? &(*rows)[(*n_rows)++] : ids, ref, err));
    }
    if (!*n_rows)
        CH_AN_FAIL(a, &u->head, err, UNPIVOT_NO_VALUES, "ids", "all columns");
    return CH_OK;
}

/* One type for column k of all rows; texts and numbers do not go together. */
static ch_status unpivot_type(ch_analyzer *a, const ch_rel_unpivot *u, ch_expr_list *rows,
                              int32_t n_rows, int32_t k, ch_error *err)
{
    const ch_type *t = rows[0].item[k]->type;
    for (int32_t i = 1; i < n_rows; i++) {
        const ch_type *other = rows[i].item[k]->type;
        bool mixed = ch_type_is_string(t) != ch_type_is_string(other) && t->id != CH_NULL &&
                     other->id != CH_NULL;
        t = mixed ? NULL : ch_common_type(t, other, a->ctx->func->ansi);
        if (!t)
            CH_AN_FAIL(a, &u->head, err, UNPIVOT_TYPES, "types", u->value_column_names.item[k]);
    }
    for (int32_t i = 0; i < n_rows; i++)
        CH_TRY(ch_make_cast(a->arena, &rows[i].item[k], t, err));
    return CH_OK;
}

/* The name of a row: its alias, or its columns' names. */
static ch_status row_name(ch_analyzer *a, const ch_rel_unpivot *u, const ch_expr_list *row,
                          int32_t i, ch_expr **out, ch_error *err)
{
    const char *name = i < u->aliases.n ? u->aliases.item[i] : "";
    if (!*name)
        for (int32_t k = 0; k < row->n; k++) {
            ch_expr *e = row->item[k], *named;
            CH_TRY(ch_an_named(a, e, e, &named, err));
            const char *part = named->kind == CH_EXPR_ALIAS
                                   ? ((const ch_expr_alias *)named)->names.item[0]
                                   : ((const ch_expr_attribute *)named)->attr->name;
            CH_AN_NEW(name, ch_arena_printf(a->arena, err, "%s%s%s", name, k ? "_" : "", part));
        }
    ch_scalar text = {.type = CH_T_STRING, .v.str = {name, (int64_t)strlen(name)}};
    CH_AN_NEW(*out, ch_make_literal(a->arena, &text, err));
    return CH_OK;
}

/* Rows whose values are all NULL go. */
static ch_status drop_nulls(ch_analyzer *a, const ch_attr_list *values, ch_rel **rel, ch_error *err)
{
    ch_expr *condition = NULL;
    for (int32_t i = 0; i < values->n; i++) {
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, values->item[i], err));
        CH_TRY(ch_call_make(a->ctx, "isnotnull", &e, 1, &e, err));
        if (condition) {
            ch_expr *both[2] = {condition, e};
            CH_TRY(ch_call_make(a->ctx, "or", both, 2, &e, err));
        }
        condition = e;
    }
    return ch_make_filter(a->arena, *rel, condition, rel, err);
}

ch_status ch_an_unpivot(ch_analyzer *a, const ch_rel_unpivot *u, ch_rel **out, ch_error *err)
{
    ch_rel *input;
    ch_expr_list ids = {0}, *rows, args = {0}, list = {0};
    ch_attr_list values = {0};
    int32_t n_rows, n_values = u->value_column_names.n;
    CH_TRY(ch_an_rel(a, u->input, &input, err));
    CH_TRY(unpivot_rows(a, u, input, &ids, &rows, &n_rows, err));
    ch_expr *e;
    CH_TRY(integer(a, n_rows, &e, err));
    CH_TRY(ch_expr_list_add(a->arena, &args, e, err));
    ch_expr **name;
    CH_ARENA_ARRAY(name, a->arena, n_rows + 1, err);
    for (int32_t i = 0; i < n_rows; i++)
        CH_TRY(row_name(a, u, &rows[i], i, &name[i], err));
    for (int32_t k = 0; k < n_values; k++)
        CH_TRY(unpivot_type(a, u, rows, n_rows, k, err));
    for (int32_t i = 0; i < n_rows; i++) {
        CH_TRY(ch_expr_list_add(a->arena, &args, name[i], err));
        for (int32_t k = 0; k < n_values; k++)
            CH_TRY(ch_expr_list_add(a->arena, &args, rows[i].item[k], err));
    }
    ch_rel_generate *g;
    CH_AN_NEW(g, ch_rel_new(a->arena, CH_REL_GENERATE, err));
    g->head.start = u->head.start;
    g->head.output = (ch_attr_list){0};
    g->head.stop = u->head.stop;
    g->input = input;
    CH_TRY(ch_call_make(a->ctx, "stack", args.item, args.n, &g->generator, err));
    const ch_type *row = g->generator->type->field[0].type;
    for (int32_t i = 0; i < input->output.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, &g->head.output, input->output.item[i], err));
    for (int32_t k = 0; k <= n_values; k++) {
        ch_attr *attr;
        const char *column = k ? u->value_column_names.item[k - 1] : u->variable_column_name;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, column, row->field[k].type, k > 0, err));
        CH_TRY(ch_attr_list_add(a->arena, &g->generated, attr, err));
        CH_TRY(ch_attr_list_add(a->arena, &g->head.output, attr, err));
        if (k)
            CH_TRY(ch_attr_list_add(a->arena, &values, attr, err));
    }
    ch_rel *rel = &g->head;
    if (!u->include_nulls)
        CH_TRY(drop_nulls(a, &values, &rel, err));
    for (int32_t i = 0; i < ids.n; i++) {
        CH_TRY(ch_an_named(a, ids.item[i], ids.item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    CH_TRY(ch_make_refs(a->arena, &g->generated, &list, err));
    return ch_make_project(a->arena, rel, &list, out, err);
}
