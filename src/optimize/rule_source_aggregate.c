/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_source_aggregate.c - a source that can group its rows gives groups instead of rows.
 *
 *   Aggregate [city], [city, count(1), avg(age)]
 *   +- Scan jdbc [city, age]
 *
 * becomes
 *
 *   Aggregate [city], [city, coalesce(sum(n), 0), try_divide(sum(s), sum(m))]
 *   +- Scan jdbc [city, COUNT(*) AS n, SUM(age) AS s, COUNT(age) AS m] grouped by city
 *
 * The aggregate above stays: parallel reads give groups of the same key, and what a source takes for two keys may be one
 * here. The source is asked about each column (ch_format.aggregates); if it cannot do one, it gives rows.
 */
#include <string.h>

#include "format/format.h"
#include "optimize/rewrite.h"

typedef struct pusher {
    const ch_analyze_context *ctx;
    const ch_rel_scan *scan;
    ch_format_context format;
    ch_scan_spec spec; /* of the rows */
    ch_scan_item *item;
    ch_attr_list column; /* of the items */
    int32_t n, cap;
    bool fails; /* something cannot be asked of the source */
} pusher;

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL && (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE);
}

/* Position in the scan's schema of a plain column, -1 for anything else. */
static int32_t column_of(const pusher *p, const ch_expr *e, const ch_attr **attr)
{
    if (e->kind != CH_EXPR_ATTRIBUTE)
        return -1;
    *attr = ((const ch_expr_attribute *)e)->attr;
    for (int32_t i = 0; i < p->scan->head.output.n; i++)
        if (p->scan->head.output.item[i]->id == (*attr)->id)
            return p->scan->wanted[i];
    return -1;
}

static ch_status grow(pusher *p, ch_error *err)
{
    int32_t cap = p->cap ? p->cap * 2 : 8;
    ch_scan_item *more;
    if (p->n < p->cap)
        return CH_OK;
    CH_ARENA_ARRAY(more, p->ctx->arena, cap, err);
    if (p->n)
        memcpy(more, p->item, sizeof *more * (size_t)p->n);
    p->item = more;
    p->cap = cap;
    return CH_OK;
}

/* *out: the item's column; key: that of a key, else one is made. */
static ch_status add_item(pusher *p, ch_scan_item_kind kind, int32_t column, const ch_type *type,
                          const ch_attr *key, const ch_attr **out, ch_error *err)
{
    ch_scan_item item = {.kind = kind, .column = column};
    bool can = false;
    *out = key;
    for (int32_t i = 0; i < p->n; i++)
        if (p->item[i].kind == kind && p->item[i].column == column) {
            *out = p->column.item[i];
            return CH_OK;
        }
    CH_TRY(p->scan->format->aggregates(&p->format, &p->spec, &item, &can, err));
    p->fails |= !can;
    if (p->fails)
        return CH_OK;
    if (!key)
        CH_AN_NEW(*out, ch_make_attr(p->ctx, "part", type, true, err));
    CH_TRY(grow(p, err));
    p->item[p->n++] = item;
    return ch_attr_list_add(p->ctx->arena, &p->column, *out, err);
}

/* ---- calls ------------------------------------------------------------------------------------------------- */

/* func(column of an item) */
static ch_status call_of(pusher *p, const char *func, const ch_attr *column, ch_expr **out,
                         ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, p->ctx->arena, 1, err);
    CH_AN_NEW(arg[0], ch_make_ref(p->ctx->arena, column, err));
    return ch_call_make(p->ctx, func, arg, 1, out, err);
}

static ch_status call_of_two(pusher *p, const char *func, ch_expr *a, ch_expr *b, ch_expr **out,
                             ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, p->ctx->arena, 2, err);
    arg[0] = a;
    arg[1] = b;
    return ch_call_make(p->ctx, func, arg, 2, out, err);
}

static ch_status make_count(pusher *p, int32_t column, ch_expr **out, ch_error *err)
{
    ch_scalar zero = {.type = CH_T_LONG};
    const ch_attr *n = NULL;
    ch_expr *sum, *none;
    CH_TRY(add_item(p, column < 0 ? CH_ITEM_COUNT_ROWS : CH_ITEM_COUNT, column, CH_T_LONG, NULL, &n,
                    err));
    if (p->fails)
        return CH_OK;
    CH_TRY(call_of(p, "sum", n, &sum, err));
    CH_AN_NEW(none, ch_make_literal(p->ctx->arena, &zero, err));
    return call_of_two(p, "coalesce", sum, none, out, err);
}

static ch_status make_sum(pusher *p, int32_t column, const ch_type *type, ch_expr **out,
                          ch_error *err)
{
    const ch_type *sum =
        type->id == CH_DECIMAL ? ch_type_decimal(type->precision + 10, type->scale) : CH_T_LONG;
    const ch_attr *part = NULL;
    if (!sum)
        return ch_error_memory(err, "types", 0, 0);
    CH_TRY(add_item(p, CH_ITEM_SUM, column, sum, NULL, &part, err));
    return p->fails ? CH_OK : call_of(p, "sum", part, out, err);
}

/* Of integers: their sum and their number, as double, are exact in all but the largest tables. */
static ch_status make_avg(pusher *p, int32_t column, const ch_type *type, ch_expr **out,
                          ch_error *err)
{
    ch_expr *sum = NULL, *count = NULL;
    p->fails |= type->id == CH_DECIMAL;
    if (p->fails)
        return CH_OK;
    CH_TRY(make_sum(p, column, type, &sum, err));
    if (!p->fails)
        CH_TRY(make_count(p, column, &count, err));
    if (p->fails)
        return CH_OK;
    CH_TRY(ch_make_cast(p->ctx->arena, &sum, CH_T_DOUBLE, err));
    CH_TRY(ch_make_cast(p->ctx->arena, &count, CH_T_DOUBLE, err));
    return call_of_two(p, "try_divide", sum, count, out, err);
}

static ch_status whole_of_parts(pusher *p, ch_expr **call, ch_error *err)
{
    const ch_expr_call *c = (const ch_expr_call *)*call;
    const char *name = c->func->name;
    const ch_attr *attr = NULL, *part = NULL;
    const ch_scalar *value;
    p->fails |= c->is_distinct || c->filter || c->args.n != 1;
    if (p->fails)
        return CH_OK;
    const ch_expr *arg = c->args.item[0];
    bool count = strcmp(name, "count") == 0, min = strcmp(name, "min") == 0;
    bool rows = count && ch_is_literal(arg, &value) && !value->is_null;
    int32_t column = rows ? -1 : column_of(p, arg, &attr);
    if (!rows && column < 0) {
        p->fails = true;
        return CH_OK;
    }
    ch_expr *whole = NULL;
    if (count) {
        CH_TRY(make_count(p, column, &whole, err));
    } else if (min || strcmp(name, "max") == 0) {
        CH_TRY(add_item(p, min ? CH_ITEM_MIN : CH_ITEM_MAX, column, attr->type, NULL, &part, err));
        if (!p->fails)
            CH_TRY(call_of(p, name, part, &whole, err));
    } else if (strcmp(name, "sum") == 0) {
        CH_TRY(make_sum(p, column, attr->type, &whole, err));
    } else if (strcmp(name, "avg") == 0) {
        CH_TRY(make_avg(p, column, attr->type, &whole, err));
    } else {
        p->fails = true;
    }
    if (p->fails)
        return CH_OK;
    CH_TRY(ch_make_cast(p->ctx->arena, &whole, c->head.type, err));
    *call = whole;
    return CH_OK;
}

static ch_status lift(void *user, ch_expr **child, ch_error *err)
{
    pusher *p = user;
    if (p->fails)
        return CH_OK;
    return is_aggregate(*child) ? whole_of_parts(p, child, err)
                                : ch_expr_map_children(p->ctx->arena, child, lift, p, err);
}

/* ---- the plan ---------------------------------------------------------------------------------------------- */

static bool may_apply(const ch_rel *rel, const ch_rel_scan **scan)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)rel;
    if (rel->kind != CH_REL_AGGREGATE || g->n_sets || g->group_type != CH_GROUP_BY ||
        g->input->kind != CH_REL_SCAN)
        return false;
    const ch_rel_scan *s = *scan = (const ch_rel_scan *)g->input;
    return s->format && s->format->aggregates && !s->aggregate && !s->cached && s->limit < 0 &&
           !s->pushed.n;
}

static ch_status keys_and_calls(pusher *p, const ch_rel_aggregate *g, ch_expr_list *made,
                                ch_error *err)
{
    const ch_attr *attr = NULL, *key;
    for (int32_t i = 0; i < g->grouping.n && !p->fails; i++) {
        int32_t column = column_of(p, g->grouping.item[i], &attr);
        p->fails |= column < 0;
        if (!p->fails)
            CH_TRY(add_item(p, CH_ITEM_KEY, column, attr->type, attr, &key, err));
    }
    for (int32_t i = 0; i < g->aggregates.n && !p->fails; i++) {
        ch_expr *item = g->aggregates.item[i];
        CH_TRY(lift(p, &item, err));
        CH_TRY(ch_expr_list_add(p->ctx->arena, made, item, err));
    }
    p->fails |= p->n == 0;
    return CH_OK;
}

static ch_status scan_of_groups(pusher *p, ch_rel **out, ch_error *err)
{
    ch_rel_scan *s;
    ch_scan_aggregate *a;
    ch_field *field;
    ch_arena *arena = p->ctx->arena;
    CH_AN_NEW(s, ch_rel_clone(arena, &p->scan->head, err));
    CH_ARENA_NEW(a, arena, err);
    *a = (ch_scan_aggregate){.rows = p->scan->schema, .item = p->item, .n = p->n};
    CH_ARENA_ARRAY(field, arena, p->n, err);
    CH_ARENA_ARRAY(s->wanted, arena, p->n, err);
    for (int32_t i = 0; i < p->n; i++) {
        const ch_attr *c = p->column.item[i];
        field[i] = (ch_field){c->name, c->type, true, NULL};
        s->wanted[i] = i;
    }
    s->schema = ch_type_struct(field, p->n);
    if (!s->schema)
        return ch_error_memory(err, "types", 0, 0);
    s->aggregate = a;
    s->statistics = NULL;
    s->head.output = p->column;
    ch_scan_spec spec = p->spec;
    spec.schema = s->schema;
    spec.aggregate = a;
    *out = &s->head;
    return s->format->describe(&p->format, &spec, arena, &s->name, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_func_context *func = ctx->func;
    pusher p = {.ctx = ctx};
    if (!may_apply(*rel, &p.scan))
        return CH_OK;
    p.format = (ch_format_context){.time_zone = func->time_zone,
                                   .ansi = func->ansi,
                                   .case_sensitive = func->case_sensitive,
                                   .n_slots = 1,
                                   .batch_rows = CH_BATCH_ROWS,
                                   .mem = ctx->arena->mem,
                                   .cancel = func->cancel};
    p.spec = (ch_scan_spec){.options = p.scan->options,
                            .schema = p.scan->schema,
                            .limit = -1,
                            .part = p.scan->parts.item,
                            .n_parts = p.scan->parts.n};
    ch_expr_list made = {0};
    CH_TRY(keys_and_calls(&p, (const ch_rel_aggregate *)*rel, &made, err));
    if (p.fails)
        return CH_OK;
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(scan_of_groups(&p, &g->input, err));
    g->aggregates = made;
    *rel = &g->head;
    *changed = true;
    return ch_make_output(ctx->arena, &made, &g->head.output, err);
}

const ch_rule ch_rule_source_aggregate = {
    .name = "source_aggregate",
    .doc = "Has databases group their rows, where the result is the same.",
    .apply = apply,
    .once = true,
};
