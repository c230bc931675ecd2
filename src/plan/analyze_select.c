/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_select.c - select lists: stars, automatic names, and aliases used further right.
 *
 * SELECT a + 1 AS x, x * 2 AS y becomes two projects, of which the lower one makes x:
 *
 *   Project [x#1, (x#1 * 2) AS y#2]
 *   +- Project [a#0, (a#0 + 1) AS x#1]
 */
#include <string.h>

#include "plan/analyzer.h"

/* ---- names ------------------------------------------------------------------------------------ */

/* WithField(1), dropfield(); of a field deeper down, WithField(update_fields(s.b, WithField(1))). */
static ch_status update_name(ch_analyzer *a, const ch_expr_update_fields *u, const char *base,
                             const char **out, ch_error *err)
{
    ch_str_list path = {0};
    const char *op = "dropfield()";
    if (u->value) {
        CH_AN_NEW(op, ch_expr_sql(a->arena, u->value, err));
        CH_AN_NEW(op, ch_arena_printf(a->arena, err, "WithField(%s)", op));
    }
    CH_TRY(ch_name_split(a->arena, u->field, &path, err));
    for (int32_t depth = path.n - 1; depth > 0; depth--) {
        const char *at = base;
        for (int32_t i = 0; i < depth; i++)
            CH_AN_NEW(at, ch_arena_printf(a->arena, err, "%s.%s", at, path.item[i]));
        CH_AN_NEW(op, ch_arena_printf(a->arena, err, "WithField(update_fields(%s, %s))", at, op));
    }
    *out = op;
    return CH_OK;
}

/* update_fields(s, WithField(1), dropfield()): one update on top of another is shown as one. */
static ch_status update_fields_name(ch_analyzer *a, const ch_expr *written, const char **out,
                                    ch_error *err)
{
    const ch_expr *at = written;
    const char *base, *ops = "", *op;
    while (at->kind == CH_EXPR_UPDATE_FIELDS)
        at = ((const ch_expr_update_fields *)at)->child;
    CH_AN_NEW(base, ch_expr_sql(a->arena, at, err));
    for (at = written; at->kind == CH_EXPR_UPDATE_FIELDS;
         at = ((const ch_expr_update_fields *)at)->child) {
        CH_TRY(update_name(a, (const void *)at, base, &op, err));
        CH_AN_NEW(ops, ch_arena_printf(a->arena, err, ", %s%s", op, ops));
    }
    CH_AN_NEW(*out, ch_arena_printf(a->arena, err, "update_fields(%s%s)", base, ops));
    return CH_OK;
}

static ch_status automatic_name(ch_analyzer *a, const ch_expr *written, const ch_expr *e,
                                const char **out, ch_error *err)
{
    if (written->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE &&
        (e->kind == CH_EXPR_EXTRACT || e->kind == CH_EXPR_LITERAL)) {
        const ch_str_list *parts = &((const ch_expr_unresolved_attribute *)written)->parts;
        *out = parts->item[parts->n - 1];
        return CH_OK;
    }
    if (written->kind == CH_EXPR_UPDATE_FIELDS)
        return update_fields_name(a, written, out, err);
    if (e->kind == CH_EXPR_CAST) {
        const ch_expr *child = ((const ch_expr_cast *)e)->child;
        if (child->kind == CH_EXPR_ATTRIBUTE) {
            *out = ((const ch_expr_attribute *)child)->attr->name;
            return CH_OK;
        }
    }
    const char *name = a->ctx->func->time_zone;
    const ch_zone *zone = name ? ch_zone_find(name, (int64_t)strlen(name), NULL) : NULL;
    ch_buf buf;
    ch_buf_init(&buf, a->arena->mem);
    ch_status status = ch_expr_print_as(e, CH_PRINT_NAME, zone, &buf, err);
    *out = status == CH_OK ? ch_arena_strn(a->arena, buf.data ? buf.data : "", buf.len, err) : NULL;
    ch_buf_release(&buf);
    return *out ? CH_OK : CH_E_MEMORY;
}

ch_status ch_an_named(ch_analyzer *a, const ch_expr *written, ch_expr *expr, ch_expr **out,
                      ch_error *err)
{
    *out = expr;
    if (expr->kind == CH_EXPR_ALIAS || expr->kind == CH_EXPR_ATTRIBUTE)
        return CH_OK;
    const char *name;
    CH_TRY(automatic_name(a, written, expr, &name, err));
    CH_AN_NEW(*out, ch_make_alias(a->ctx, expr, name, err));
    return CH_OK;
}

/* A column of the query around is another one here: it may meet itself in a join. */
static ch_status own_column(ch_analyzer *a, const ch_an_scope *scope, ch_expr **e, ch_error *err)
{
    const ch_expr_attribute *ref = (const void *)*e;
    for (int32_t t = 0; scope->outer && ref && t < scope->outer->n_tiers; t++)
        if (ref->head.kind == CH_EXPR_ATTRIBUTE &&
            ch_attr_list_find(scope->outer->tier[t], ref->attr->id)) {
            CH_AN_NEW(*e, ch_make_alias(a->ctx, *e, ref->attr->name, err));
            ref = NULL;
        }
    return CH_OK;
}

ch_status ch_an_select_list(ch_analyzer *a, ch_an_scope *scope, const ch_expr_list *list,
                            ch_expr_list *out, ch_error *err)
{
    scope->laterals = out;
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr *written = list->item[i];
        if (written->kind == CH_EXPR_UNRESOLVED_STAR) {
            CH_TRY(ch_an_star(a, scope, (const void *)written, out, err));
            continue;
        }
        if (ch_an_is_generator(a, written)) {
            CH_TRY(ch_an_generator_item(a, scope, written, out, err));
            continue;
        }
        ch_expr *e;
        CH_TRY(ch_an_expr(a, scope, written, &e, err));
        CH_TRY(ch_an_named(a, written, e, &e, err));
        CH_TRY(own_column(a, scope, &e, err));
        CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    return CH_OK;
}

/* ---- aliases used further right ----------------------------------------------------------------- */

typedef struct layer_finder {
    const ch_expr_list *list;
    const int32_t *level; /* of the items found so far */
    bool *used;           /* by another item */
    int32_t found;        /* the highest level of an alias that is used, -1 = none */
} layer_finder;

static int32_t alias_position(const ch_expr_list *list, int64_t id)
{
    for (int32_t i = 0; i < list->n; i++)
        if (list->item[i]->kind == CH_EXPR_ALIAS &&
            ((const ch_expr_alias *)list->item[i])->id == id)
            return i;
    return -1;
}

static ch_status find_layer(void *user, ch_expr **child, ch_error *err)
{
    layer_finder *f = user;
    if ((*child)->kind == CH_EXPR_ATTRIBUTE) {
        int32_t at = alias_position(f->list, ((const ch_expr_attribute *)*child)->attr->id);
        if (at >= 0) {
            f->used[at] = true;
            f->found = f->level[at] > f->found ? f->level[at] : f->found;
        }
        return CH_OK;
    }
    return ch_expr_map_children(NULL, child, find_layer, f, err);
}

/* level[i]: 0 for items that use no alias, else one more than what they use. */
static ch_status find_levels(ch_analyzer *a, const ch_expr_list *list, int32_t **level, bool **used,
                             int32_t *top, ch_error *err)
{
    CH_ARENA_ARRAY(*level, a->arena, list->n + 1, err);
    CH_ARENA_ARRAY(*used, a->arena, list->n + 1, err);
    *top = 0;
    for (int32_t i = 0; i < list->n; i++) {
        layer_finder f = {list, *level, *used, -1};
        ch_expr *e = list->item[i];
        CH_TRY(find_layer(&f, &e, err));
        (*level)[i] = f.found + 1;
        *top = (*level)[i] > *top ? (*level)[i] : *top;
    }
    return CH_OK;
}

/* The list over input, in as many projects as its aliases need. */
static ch_status layered_project(ch_analyzer *a, ch_rel *input, const ch_expr_list *list,
                                 ch_rel **out, ch_error *err)
{
    int32_t *level, top;
    bool *used;
    CH_TRY(find_levels(a, list, &level, &used, &top, err));
    for (int32_t l = 0; l < top; l++) {
        ch_expr_list lower = {0};
        CH_TRY(ch_make_refs(a->arena, &input->output, &lower, err));
        for (int32_t i = 0; i < list->n; i++)
            if (used[i] && level[i] == l)
                CH_TRY(ch_expr_list_add(a->arena, &lower, list->item[i], err));
        CH_TRY(ch_an_project(a, input, &lower, &input, err));
    }
    ch_expr_list last = {0};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (used[i])
            CH_AN_NEW(e,
                      ch_make_ref(a->arena,
                                  ch_attr_list_find(&input->output, ((const ch_expr_alias *)e)->id),
                                  err));
        CH_TRY(ch_expr_list_add(a->arena, &last, e, err));
    }
    return ch_an_project(a, input, &last, out, err);
}

/* Items that use no alias go into the aggregate, the others above it. */
static ch_status layered_aggregate(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                                   const ch_expr_list *grouping, const ch_expr_list *list,
                                   bool has_group_by, ch_rel **out, ch_error *err)
{
    int32_t *level, top;
    bool *used;
    ch_expr_list lower = {0}, upper = {0}, extra = {0};
    CH_TRY(find_levels(a, list, &level, &used, &top, err));
    for (int32_t i = 0; i < list->n; i++)
        if (level[i] == 0)
            CH_TRY(ch_expr_list_add(a->arena, &lower, list->item[i], err));
    ch_rel *agg;
    CH_TRY(ch_an_make_aggregate(a, at, input, grouping, &lower, has_group_by, &agg, err));
    int32_t n = 0;
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (level[i] == 0) {
            CH_AN_NEW(e, ch_make_ref(a->arena, agg->output.item[n++], err));
        } else {
            ch_expr_alias *alias;
            CH_AN_NEW(alias, ch_expr_clone(a->arena, e, err));
            ch_rel_aggregate lax = *(ch_rel_aggregate *)agg;
            /* Aliases of upper layers may stand in it too. */
            for (int32_t k = 0; k < i; k++)
                if (level[k] > 0) {
                    ch_expr_list one = {&list->item[k], 1};
                    ch_attr_list attr;
                    CH_TRY(ch_make_output(a->arena, &one, &attr, err));
                    ch_attr_list more = {0};
                    for (int32_t m = 0; m < lax.head.output.n; m++)
                        CH_TRY(ch_attr_list_add(a->arena, &more, lax.head.output.item[m], err));
                    CH_TRY(ch_attr_list_add(a->arena, &more, attr.item[0], err));
                    lax.head.output = more;
                }
            CH_TRY(ch_an_over_aggregate(a, &lax, &extra, &alias->child, err));
            e = &alias->head;
        }
        CH_TRY(ch_expr_list_add(a->arena, &upper, e, err));
    }
    CH_TRY(ch_an_aggregate_add(a, (const ch_rel_aggregate *)agg, &extra, &agg, err));
    return layered_project(a, agg, &upper, out, err);
}

/* Window functions look at the groups: they are computed above the aggregate. */
static ch_status windowed_aggregate(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                                    const ch_expr_list *grouping, const ch_expr_list *list,
                                    bool has_group_by, ch_rel **out, ch_error *err)
{
    ch_expr_list lower = {0}, upper = {0}, extra = {0};
    for (int32_t i = 0; i < list->n; i++)
        if (!ch_expr_has_window(list->item[i]))
            CH_TRY(ch_expr_list_add(a->arena, &lower, list->item[i], err));
    CH_TRY(ch_an_check_grouped(a, at, grouping, list, has_group_by, err));
    ch_rel *agg;
    CH_TRY(ch_an_make_aggregate(a, at, input, grouping, &lower, has_group_by, &agg, err));
    int32_t n = 0;
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (!ch_expr_has_window(e)) {
            CH_AN_NEW(e, ch_make_ref(a->arena, agg->output.item[n++], err));
        } else {
            ch_expr_alias *alias;
            CH_AN_NEW(alias, ch_expr_clone(a->arena, e, err));
            CH_TRY(
                ch_an_over_aggregate(a, (const ch_rel_aggregate *)agg, &extra, &alias->child, err));
            e = &alias->head;
        }
        CH_TRY(ch_expr_list_add(a->arena, &upper, e, err));
    }
    CH_TRY(ch_an_aggregate_add(a, (const ch_rel_aggregate *)agg, &extra, &agg, err));
    return ch_an_project(a, agg, &upper, out, err);
}

ch_status ch_an_aggregate_list(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                               const ch_an_scope *scope, const ch_expr_list *grouping,
                               const ch_expr_list *list, bool has_group_by, ch_rel **out,
                               ch_error *err)
{
    if (scope->generates.n)
        return ch_an_generate_aggregate(a, at, input, scope, grouping, list, has_group_by, out,
                                        err);
    if (!scope->used_lateral && ch_an_has_window(list))
        return windowed_aggregate(a, at, input, grouping, list, has_group_by, out, err);
    return scope->used_lateral
               ? layered_aggregate(a, at, input, grouping, list, has_group_by, out, err)
               : ch_an_make_aggregate(a, at, input, grouping, list, has_group_by, out, err);
}

ch_status ch_an_select(ch_analyzer *a, const ch_rel_project *p, bool aggregate, ch_rel **out,
                       ch_error *err)
{
    ch_rel *input;
    ch_expr_list list = {0};
    CH_TRY(ch_an_rel(a, p->input, &input, err));
    ch_an_time_window windows = {.list = &p->expressions};
    CH_TRY(ch_an_time_windows(a, &windows, &input, err));
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "SELECT");
    scope.time_window = windows.column;
    scope.aggregates = true;
    scope.windows = true;
    CH_TRY(ch_an_select_list(a, &scope, &p->expressions, &list, err));
    for (int32_t i = 0; i < list.n; i++)
        aggregate |= ch_expr_has_aggregate(list.item[i]);
    for (int32_t i = 0; i < scope.generates.n; i++)
        aggregate |=
            ch_expr_has_aggregate(((const ch_rel_generate *)scope.generates.item[i])->generator);
    ch_expr_list none = {0};
    if (aggregate)
        return ch_an_aggregate_list(a, &p->head, input, &scope, &none, &list, false, out, err);
    CH_TRY(ch_an_add_generates(a, &scope, &input, err));
    if (scope.used_lateral)
        return layered_project(a, input, &list, out, err);
    return ch_an_project(a, input, &list, out, err);
}
