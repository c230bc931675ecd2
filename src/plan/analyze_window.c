/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_window.c - f(...) OVER (...): what it means, and the Window relations that compute it.
 *
 *   SELECT a, rank() OVER (PARTITION BY b ORDER BY c) + 1 AS r
 *
 *   Project [a, (_we0 + 1) AS r]
 *   +- Window [rank() windowspecdefinition(b, c, ...) AS _we0], [b], [c ASC]
 *
 * Functions over equal specifications share a Window; one inside another's arguments is computed below it.
 * Frames, their defaults and errors: Spark's ResolveWindowFrame, ResolveWindowOrder, WindowFrameCoercion and
 * WindowSpecDefinition.
 */
#include <stdio.h>
#include <string.h>

#include "function/window_rank.h"
#include "plan/analyzer.h"
#include "plan/fold.h"

/* ---- frames ------------------------------------------------------------------------------------------- */

static bool is_offset_function(const char *name)
{
    return strcmp(name, "lag") == 0 || strcmp(name, "lead") == 0;
}

/* Functions whose frame is always ROWS from the partition's start to the current row. */
static bool is_rank_function(const ch_expr_call *f)
{
    return (f->func->flags & CH_FUNC_WINDOW) && !is_offset_function(f->func->name) &&
           strcmp(f->func->name, "nth_value") != 0;
}

static char *frame_text(ch_analyzer *a, const ch_expr_window *w, ch_error *err)
{
    ch_expr_window bare = {.head = {.kind = CH_EXPR_WINDOW, .start = -1},
                           .function = w->function,
                           .frame = w->frame,
                           .lower = w->lower,
                           .upper = w->upper,
                           .lower_value = w->lower_value,
                           .upper_value = w->upper_value};
    char *text = ch_expr_sql(a->arena, &bare.head, err);
    char *at = text ? strstr(text, " OVER (") : NULL;
    if (!at)
        return text;
    at += 7;
    size_t n = strlen(at);
    return ch_arena_strn(a->arena, at, n ? n - 1 : 0, err);
}

static char *quoted(ch_analyzer *a, const char *text, ch_error *err)
{
    return text ? ch_arena_printf(a->arena, err, "\"%s\"", text) : NULL;
}

static ch_status check_bound(ch_analyzer *a, const ch_expr_window *w, const ch_expr *value,
                             const char *location, ch_error *err)
{
    const ch_type *t = value->type;
    bool ok = w->frame == CH_FRAME_ROW
                  ? t->id == CH_INT
                  : ch_type_is_numeric(t) || t->id == CH_DAY_TIME_INTERVAL ||
                        t->id == CH_YEAR_MONTH_INTERVAL || t->id == CH_CALENDAR_INTERVAL;
    if (ok)
        return CH_OK;
    char *text, *type;
    CH_AN_NEW(text, quoted(a, frame_text(a, w, err), err));
    CH_AN_NEW(type, ch_type_quoted(a->arena, t, err));
    CH_AN_FAIL(a, &w->head, err, FRAME_BOUND_TYPE, "sqlExpr", text, "location", location,
               "exprType", type, "expectedType",
               w->frame == CH_FRAME_ROW
                   ? "\"INT\""
                   : "(\"NUMERIC\" or \"INTERVAL DAY TO SECOND\" or \"INTERVAL YEAR TO MONTH\" or "
                     "\"INTERVAL\")");
}

/* May values of ORDER BY's type be moved by bounds of this type? */
static bool range_type_fits(const ch_type *order, const ch_type *bound)
{
    bool year_month = bound->id == CH_YEAR_MONTH_INTERVAL;
    switch (order->id) {
    case CH_DATE:
        return bound->id == CH_INT || year_month ||
               (bound->id == CH_DAY_TIME_INTERVAL && bound->start == CH_DAY &&
                bound->stop == CH_DAY);
    case CH_TIMESTAMP:
    case CH_TIMESTAMP_NTZ:
        return year_month || bound->id == CH_DAY_TIME_INTERVAL || bound->id == CH_CALENDAR_INTERVAL;
    default:
        return order == bound;
    }
}

static ch_status bound_value(ch_analyzer *a, const ch_expr *value, ch_scalar *out, ch_error *err)
{
    bool done;
    CH_TRY(ch_expr_fold(a->ctx->func, a->arena, value, out, &done, err));
    if (!done)
        CH_AN_FAIL(a, value, err, INVALID_WINDOW_FRAME_BOUND);
    return CH_OK;
}

/* Is bound x above bound y? Both of one type. */
static bool is_above(const ch_scalar *x, const ch_scalar *y)
{
    if (x->is_null || y->is_null)
        return false;
    switch (x->type->id) {
    case CH_FLOAT:
    case CH_DOUBLE:
        return x->v.f64 > y->v.f64;
    case CH_DECIMAL:
        return ch_type_width(x->type) == 16 ? x->v.i128 > y->v.i128 : x->v.i64 > y->v.i64;
    case CH_CALENDAR_INTERVAL:
        return false;
    default:
        return x->v.i64 > y->v.i64;
    }
}

static ch_status invalid_bound(ch_analyzer *a, const ch_expr_window *w, bool lower_unbounded,
                               ch_error *err)
{
    char *text, *value;
    const ch_expr *e = lower_unbounded ? w->upper_value : w->lower_value;
    ch_bound_kind kind = lower_unbounded ? w->upper : w->lower;
    CH_AN_NEW(text, quoted(a, frame_text(a, w, err), err));
    if (kind == CH_BOUND_VALUE)
        CH_AN_NEW(value, ch_expr_quoted(a->arena, e, err));
    else
        CH_AN_NEW(value, ch_arena_str(a->arena,
                                      kind == CH_BOUND_CURRENT_ROW ? "\"CURRENT ROW\""
                                      : lower_unbounded            ? "\"UNBOUNDED FOLLOWING\""
                                                                   : "\"UNBOUNDED PRECEDING\"",
                                      err));
    CH_AN_FAIL(a, &w->head, err, FRAME_INVALID_BOUND, "sqlExpr", text, "lower",
               lower_unbounded ? "\"UNBOUNDED FOLLOWING\"" : value, "upper",
               lower_unbounded ? value : "\"UNBOUNDED PRECEDING\"");
}

static ch_status check_bounds(ch_analyzer *a, const ch_expr_window *w, ch_error *err)
{
    if (w->lower == CH_BOUND_VALUE)
        CH_TRY(check_bound(a, w, w->lower_value, "lower", err));
    if (w->upper == CH_BOUND_VALUE)
        CH_TRY(check_bound(a, w, w->upper_value, "upper", err));
    if (w->lower_following)
        return invalid_bound(a, w, true, err);
    if (w->upper_preceding)
        return invalid_bound(a, w, false, err);
    if (w->lower != CH_BOUND_VALUE || w->upper != CH_BOUND_VALUE)
        return CH_OK;
    char *text;
    CH_AN_NEW(text, quoted(a, frame_text(a, w, err), err));
    if (w->lower_value->type != w->upper_value->type) {
        char *lower, *upper, *lower_type, *upper_type;
        CH_AN_NEW(lower, ch_expr_quoted(a->arena, w->lower_value, err));
        CH_AN_NEW(upper, ch_expr_quoted(a->arena, w->upper_value, err));
        CH_AN_NEW(lower_type, ch_type_quoted(a->arena, w->lower_value->type, err));
        CH_AN_NEW(upper_type, ch_type_quoted(a->arena, w->upper_value->type, err));
        CH_AN_FAIL(a, &w->head, err, FRAME_DIFF_TYPES, "sqlExpr", text, "lower", lower, "upper",
                   upper, "lowerType", lower_type, "upperType", upper_type);
    }
    ch_scalar lower, upper;
    CH_TRY(bound_value(a, w->lower_value, &lower, err));
    CH_TRY(bound_value(a, w->upper_value, &upper, err));
    if (is_above(&lower, &upper))
        CH_AN_FAIL(a, &w->head, err, FRAME_WRONG_COMPARISON, "sqlExpr", text, "comparison",
                   "less than or equal");
    return CH_OK;
}

/* "(ORDER BY a ASC NULLS FIRST RANGE ...)": the specification alone. */
static char *spec_text(ch_analyzer *a, const ch_expr_window *w, ch_error *err)
{
    char *text = ch_expr_sql(a->arena, &w->head, err);
    char *at = text ? strstr(text, " OVER (") : NULL;
    return quoted(a, at ? at + 6 : text, err);
}

static ch_status check_range(ch_analyzer *a, const ch_expr_window *w, ch_error *err)
{
    bool unbounded = w->lower == CH_BOUND_UNBOUNDED && w->upper == CH_BOUND_UNBOUNDED;
    bool by_value = w->lower == CH_BOUND_VALUE || w->upper == CH_BOUND_VALUE;
    char *text;
    CH_AN_NEW(text, spec_text(a, w, err));
    if (!w->order.n && !unbounded)
        CH_AN_FAIL(a, &w->head, err, RANGE_FRAME_WITHOUT_ORDER, "sqlExpr", text);
    if (!by_value)
        return CH_OK;
    if (w->order.n > 1) {
        ch_buf buf;
        ch_buf_init(&buf, a->arena->mem);
        ch_status status = CH_OK;
        for (int32_t i = 0; i < w->order.n && status == CH_OK; i++) {
            status = ch_buf_adds(&buf, i ? "," : "", err);
            if (status == CH_OK)
                status = ch_expr_print_as(w->order.item[i], CH_PRINT_TREE, NULL, &buf, err);
        }
        char *order =
            status == CH_OK ? ch_arena_strn(a->arena, buf.data, (size_t)buf.len, err) : NULL;
        ch_buf_release(&buf);
        CH_TRY(status);
        CH_AN_FAIL(a, &w->head, err, RANGE_FRAME_MULTI_ORDER, "sqlExpr", text, "orderSpec",
                   order ? order : "");
    }
    const ch_type *bound = w->lower == CH_BOUND_VALUE ? w->lower_value->type : w->upper_value->type;
    const ch_type *order = w->order.item[0]->type;
    if (range_type_fits(order, bound))
        return CH_OK;
    char *order_type, *bound_type;
    CH_AN_NEW(order_type, ch_type_quoted(a->arena, order, err));
    CH_AN_NEW(bound_type, ch_type_quoted(a->arena, bound, err));
    CH_AN_FAIL(a, &w->head, err, RANGE_FRAME_INVALID_TYPE, "sqlExpr", text, "orderSpecType",
               order_type, "valueBoundaryType", bound_type);
}

/* Numbers get ORDER BY's type. */
static ch_status coerce_bound(ch_analyzer *a, const ch_expr_window *w, ch_expr **value,
                              ch_error *err)
{
    const ch_type *to = w->order.n == 1 ? w->order.item[0]->type : NULL;
    if (w->frame != CH_FRAME_RANGE || !to || to->id == CH_DATE || to->id == CH_TIMESTAMP ||
        (*value)->type == to || (*value)->kind == CH_EXPR_CAST ||
        !ch_can_cast((*value)->type, to, a->ctx->func->ansi))
        return CH_OK;
    return ch_make_cast(a->arena, value, to, err);
}

static ch_status resolve_bounds(ch_analyzer *a, ch_an_scope *scope, ch_expr_window *w,
                                ch_error *err)
{
    if (w->lower == CH_BOUND_VALUE) {
        CH_TRY(ch_an_expr(a, scope, w->lower_value, &w->lower_value, err));
        CH_TRY(coerce_bound(a, w, &w->lower_value, err));
    }
    if (w->upper == CH_BOUND_VALUE) {
        CH_TRY(ch_an_expr(a, scope, w->upper_value, &w->upper_value, err));
        CH_TRY(coerce_bound(a, w, &w->upper_value, err));
    }
    return CH_OK;
}

static ch_status frame_of_offset(ch_analyzer *a, const ch_expr_call *f, ch_expr_window *w,
                                 ch_error *err)
{
    if (w->frame != CH_FRAME_UNSET)
        CH_AN_FAIL(a, &w->head, err, WINDOW_FRAME_REFUSED, "prettyName", f->func->name);
    int64_t n = ((const ch_window_offset *)f->data)->n;
    w->frame = CH_FRAME_ROW;
    w->lower = w->upper = CH_BOUND_VALUE;
    CH_AN_NEW(w->lower_value,
              ch_make_int(a->arena, (int32_t)(f->func->name[1] == 'a' ? -n : n), err));
    w->upper_value = w->lower_value;
    return CH_OK;
}

static ch_status fixed_frame(ch_analyzer *a, ch_expr_window *w, ch_error *err)
{
    ch_frame_type type = strcmp(((const ch_expr_call *)w->function)->func->name, "cume_dist") == 0
                             ? CH_FRAME_RANGE
                             : CH_FRAME_ROW;
    bool same =
        w->frame == type && w->lower == CH_BOUND_UNBOUNDED && w->upper == CH_BOUND_CURRENT_ROW;
    if (w->frame != CH_FRAME_UNSET && !same) {
        char *text;
        CH_AN_NEW(text, frame_text(a, w, err));
        CH_AN_FAIL(a, &w->head, err, WINDOW_FRAME_FIXED, "wf", text, "required",
                   type == CH_FRAME_ROW ? "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
                                        : "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW");
    }
    w->frame = type;
    w->lower = CH_BOUND_UNBOUNDED;
    w->upper = CH_BOUND_CURRENT_ROW;
    return CH_OK;
}

/* ORDER BY's expression moved by the bound's value, in the direction of the order. */
static ch_status move_order(ch_analyzer *a, const ch_expr_window *w, ch_expr *value, ch_expr **out,
                            ch_error *err)
{
    const ch_expr_sort_order *order = (const void *)w->order.item[0];
    if (order->descending)
        CH_TRY(ch_call_make(a->ctx, "negative", &value, 1, &value, err));
    ch_expr *args[2] = {order->child, value};
    return ch_call_make(a->ctx, "+", args, 2, out, err);
}

static ch_status settle_frame(ch_analyzer *a, const ch_expr_call *f, ch_expr_window *w,
                              ch_error *err)
{
    if ((f->func->flags & CH_FUNC_WINDOW) && !w->order.n)
        CH_AN_FAIL(a, &w->head, err, WINDOW_NOT_ORDERED, "wf_name", f->func->name, "wf_expr",
                   ch_expr_sql(a->arena, &f->head, err));
    if (is_offset_function(f->func->name) && (f->func->flags & CH_FUNC_WINDOW))
        return frame_of_offset(a, f, w, err);
    if (is_rank_function(f))
        return fixed_frame(a, w, err);
    if (w->frame == CH_FRAME_UNSET) {
        w->frame = w->order.n ? CH_FRAME_RANGE : CH_FRAME_ROW;
        w->lower = CH_BOUND_UNBOUNDED;
        w->upper = w->order.n ? CH_BOUND_CURRENT_ROW : CH_BOUND_UNBOUNDED;
        return CH_OK;
    }
    CH_TRY(check_bounds(a, w, err));
    if (w->frame != CH_FRAME_RANGE)
        return CH_OK;
    CH_TRY(check_range(a, w, err));
    if (w->lower == CH_BOUND_VALUE)
        CH_TRY(move_order(a, w, w->lower_value, &w->lower_at, err));
    return w->upper == CH_BOUND_VALUE ? move_order(a, w, w->upper_value, &w->upper_at, err) : CH_OK;
}

/* ---- one expression ------------------------------------------------------------------------------------ */

static ch_status resolve_function(ch_analyzer *a, ch_an_scope *scope, ch_expr_window *w,
                                  ch_error *err)
{
    if (w->function->kind != CH_EXPR_UNRESOLVED_FUNCTION) {
        char *text;
        CH_TRY(ch_an_expr(a, scope, w->function, &w->function, err));
        CH_AN_NEW(text, ch_expr_quoted(a->arena, w->function, err));
        CH_AN_FAIL(a, &w->head, err, NOT_A_WINDOW_FUNCTION, "sqlExpr", text);
    }
    scope->over = (const void *)w->function;
    ch_status status = ch_an_expr(a, scope, w->function, &w->function, err);
    scope->over = NULL;
    return status;
}

static ch_status check_function(ch_analyzer *a, const ch_expr_window *w, ch_error *err)
{
    const ch_expr_call *f = (const void *)w->function;
    if (f->head.kind != CH_EXPR_CALL || !(f->func->flags & (CH_FUNC_AGGREGATE | CH_FUNC_WINDOW))) {
        char *text;
        CH_AN_NEW(text, ch_expr_quoted(a->arena, w->function, err));
        CH_AN_FAIL(a, &w->head, err, NOT_A_WINDOW_FUNCTION, "sqlExpr", text);
    }
    return CH_OK;
}

static ch_status check_orderable(ch_analyzer *a, const ch_expr_window *w, ch_error *err)
{
    for (int32_t i = 0; i < w->partition.n; i++) {
        const ch_expr *e = w->partition.item[i];
        if (ch_type_is_orderable(e->type))
            continue;
        char *text, *type;
        CH_AN_NEW(text, ch_expr_quoted(a->arena, e, err));
        CH_AN_NEW(type, ch_type_quoted(a->arena, e->type, err));
        CH_AN_FAIL(a, &w->head, err, NOT_ORDERABLE, "expr", text, "exprType", type);
    }
    return CH_OK;
}

static ch_status resolve_window(ch_analyzer *a, ch_an_scope *scope, ch_expr_window *w,
                                ch_error *err)
{
    ch_expr_list partition = {0}, order = {0};
    CH_TRY(resolve_function(a, scope, w, err));
    CH_TRY(check_function(a, w, err));
    CH_TRY(ch_an_exprs(a, scope, &w->partition, &partition, err));
    for (int32_t i = 0; i < w->order.n; i++) {
        ch_expr *e = w->order.item[i];
        if (e->kind != CH_EXPR_SORT_ORDER) {
            ch_expr_sort_order *s;
            CH_AN_NEW(s, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
            s->child = e;
            s->nulls_first = true;
            e = &s->head;
        }
        CH_TRY(ch_an_expr(a, scope, e, &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &order, e, err));
    }
    w->partition = partition;
    w->order = order;
    CH_TRY(check_orderable(a, w, err));
    CH_TRY(resolve_bounds(a, scope, w, err));
    return settle_frame(a, (const void *)w->function, w, err);
}

ch_status ch_an_window(ch_analyzer *a, ch_an_scope *scope, const ch_expr_window *in, ch_expr **out,
                       ch_error *err)
{
    ch_expr_window *w;
    CH_AN_NEW(w, ch_expr_clone(a->arena, &in->head, err));
    if (scope->in_aggregate)
        CH_AN_FAIL(a, &in->head, err, WINDOW_IN_AGGREGATE);
    if (!scope->windows)
        CH_AN_FAIL(a, &in->head, err, WINDOW_IN_CLAUSE, "clauseName",
                   scope->clause ? scope->clause : "this");
    if (w->name)
        CH_AN_FAIL(a, &in->head, err, MISSING_WINDOW, "windowName", w->name, "docroot",
                   "https://spark.apache.org/docs/latest");
    bool before = scope->in_window;
    scope->in_window = true;
    ch_status status = resolve_window(a, scope, w, err);
    scope->in_window = before;
    CH_TRY(status);
    const ch_expr_call *f = (const void *)w->function;
    w->head.type = f->head.type;
    w->head.nullable = f->head.nullable;
    /* What has an order of its own. */
    bool ordered = ch_an_orderings(&f->args) > 0 || strcmp(f->func->name, "median") == 0;
    if (ordered && (in->order.n > 0 || in->frame != CH_FRAME_UNSET) &&
        strcmp(f->func->name, "mode") != 0)
        CH_AN_FAIL(a, &in->head, err, INVALID_AGGREGATE_WINDOW, "aggFunc",
                   ch_expr_quoted(a->arena, &f->head, err));
    if (f->is_distinct)
        CH_AN_FAIL(a, &in->head, err, WINDOW_DISTINCT, "windowExpr",
                   ch_expr_quoted(a->arena, &w->head, err));
    *out = &w->head;
    return CH_OK;
}

/* ---- Window relations ------------------------------------------------------------------------------------ */

bool ch_an_has_window(const ch_expr_list *list)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_expr_has_window(list->item[i]))
            return true;
    return false;
}

/* One window function that was found: computed at `level`, above all that it uses. */
typedef struct found {
    ch_expr_alias *alias;
    int32_t level;
    bool done;
} found;

typedef struct extractor {
    ch_analyzer *a;
    found *item;
    int32_t n, cap;
    int32_t level;             /* of what was found below the expression at hand */
    const ch_expr_alias *name; /* of the list item that is the window function itself */
} extractor;

static ch_status add_found(extractor *x, ch_expr *w, int32_t level, ch_expr_alias **out,
                           ch_error *err)
{
    if (x->n == x->cap) {
        found *more;
        int32_t cap = x->cap ? 2 * x->cap : 8;
        CH_ARENA_ARRAY(more, x->a->arena, cap, err);
        if (x->n)
            memcpy(more, x->item, sizeof *more * (size_t)x->n);
        x->item = more;
        x->cap = cap;
    }
    ch_expr *alias;
    if (x->name) {
        CH_AN_NEW(alias, ch_expr_clone(x->a->arena, &x->name->head, err));
        ((ch_expr_alias *)alias)->child = w;
    } else {
        char *name;
        CH_AN_NEW(name, ch_arena_printf(x->a->arena, err, "_we%d", x->n));
        CH_AN_NEW(alias, ch_make_alias(x->a->ctx, w, name, err));
    }
    *out = (ch_expr_alias *)alias;
    x->item[x->n++] = (found){*out, level, false};
    return CH_OK;
}

static ch_status refer(ch_analyzer *a, ch_expr_alias *alias, ch_expr **out, ch_error *err)
{
    ch_expr *item = &alias->head;
    ch_expr_list one = {&item, 1};
    ch_attr_list attr;
    CH_TRY(ch_make_output(a->arena, &one, &attr, err));
    CH_AN_NEW(*out, ch_make_ref(a->arena, attr.item[0], err));
    return CH_OK;
}

static ch_status extract(void *user, ch_expr **child, ch_error *err)
{
    extractor *x = user;
    if (!ch_expr_has_window(*child))
        return CH_OK;
    if ((*child)->kind != CH_EXPR_WINDOW)
        return ch_expr_map_children(x->a->arena, child, extract, x, err);
    const ch_expr_alias *name = x->name;
    int32_t above = x->level;
    x->level = -1;
    x->name = NULL;
    CH_TRY(ch_expr_map_children(x->a->arena, child, extract, x, err));
    x->name = name;
    int32_t level = x->level + 1;
    ch_expr_alias *alias = NULL;
    for (int32_t i = 0; i < x->n && !alias && !name; i++)
        if (ch_expr_equal(x->item[i].alias->child, *child))
            alias = x->item[i].alias;
    if (!alias)
        CH_TRY(add_found(x, *child, level, &alias, err));
    x->level = above > level ? above : level;
    return refer(x->a, alias, child, err);
}

static bool same_list(const ch_expr_list *x, const ch_expr_list *y)
{
    bool same = x->n == y->n;
    for (int32_t i = 0; i < x->n && same; i++)
        same = ch_expr_equal(x->item[i], y->item[i]);
    return same;
}

/* One Window with the functions from item `first` on that have its specification. */
static ch_status window_over(extractor *x, int32_t first, ch_rel **rel, ch_error *err)
{
    ch_arena *arena = x->a->arena;
    const ch_expr_window *spec = (const void *)x->item[first].alias->child;
    ch_rel_window *w;
    CH_AN_NEW(w, ch_rel_new(arena, CH_REL_WINDOW, err));
    w->input = *rel;
    w->partition = spec->partition;
    w->order = spec->order;
    w->limit = -1;
    for (int32_t i = first; i < x->n; i++) {
        found *f = &x->item[i];
        const ch_expr_window *other = (const void *)f->alias->child;
        if (f->done || f->level != x->item[first].level ||
            !same_list(&spec->partition, &other->partition) ||
            !same_list(&spec->order, &other->order))
            continue;
        f->done = true;
        CH_TRY(ch_expr_list_add(arena, &w->functions, &f->alias->head, err));
    }
    CH_TRY(ch_make_window_output(arena, w, err));
    *rel = &w->head;
    return CH_OK;
}

ch_status ch_an_project(ch_analyzer *a, ch_rel *input, const ch_expr_list *list, ch_rel **out,
                        ch_error *err)
{
    if (!ch_an_has_window(list))
        return ch_make_project(a->arena, input, list, out, err);
    extractor x = {.a = a};
    ch_expr_list final = {0};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        x.level = -1;
        x.name = NULL;
        if (e->kind == CH_EXPR_ALIAS && ((ch_expr_alias *)e)->child->kind == CH_EXPR_WINDOW) {
            x.name = (const ch_expr_alias *)e;
            e = ((ch_expr_alias *)e)->child;
        }
        CH_TRY(extract(&x, &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &final, e, err));
    }
    int32_t top = 0;
    for (int32_t i = 0; i < x.n; i++)
        top = x.item[i].level > top ? x.item[i].level : top;
    for (int32_t level = 0; level <= top; level++)
        for (int32_t i = 0; i < x.n; i++)
            if (x.item[i].level == level && !x.item[i].done)
                CH_TRY(window_over(&x, i, &input, err));
    return ch_make_project(a->arena, input, &final, out, err);
}

/* ---- what lies under them ----------------------------------------------------------------------------------- */

ch_rel *ch_an_under_windows(ch_rel *rel, ch_rel_kind kind)
{
    if (rel->kind != CH_REL_PROJECT || ((ch_rel_project *)rel)->input->kind != CH_REL_WINDOW)
        return NULL;
    rel = ((ch_rel_project *)rel)->input;
    while (rel->kind == CH_REL_WINDOW)
        rel = ((ch_rel_window *)rel)->input;
    if (rel->kind == CH_REL_FILTER && rel->kind != kind)
        rel = ((ch_rel_filter *)rel)->input;
    return rel->kind == kind ? rel : NULL;
}

ch_status ch_an_replace_under(ch_analyzer *a, ch_rel **rel, const ch_rel *old, ch_rel *now,
                              ch_error *err)
{
    if (*rel == old) {
        *rel = now;
        return CH_OK;
    }
    ch_rel_project *p; /* Window's and Filter's input lie at the same place */
    CH_AN_NEW(p, ch_rel_clone(a->arena, *rel, err));
    CH_TRY(ch_an_replace_under(a, &p->input, old, now, err));
    *rel = &p->head;
    if (p->head.kind == CH_REL_WINDOW)
        return ch_make_window_output(a->arena, (ch_rel_window *)p, err);
    if (p->head.kind == CH_REL_FILTER)
        p->head.output = p->input->output;
    return CH_OK;
}
_Static_assert(offsetof(ch_rel_project, input) == offsetof(ch_rel_window, input) &&
                   offsetof(ch_rel_project, input) == offsetof(ch_rel_filter, input),
               "see ch_an_replace_under");
