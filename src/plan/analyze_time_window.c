/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_time_window.c - window(t, '10 minutes') and session_window(t, '5 minutes') in a select list or
 * a GROUP BY.
 *
 * They are no functions of a row: the input gets one more column below the clause, and the call means
 * that column. Spark's rules TimeWindowing and SessionWindowing:
 *
 *   tumbling   Project [__tumble(t, ...) AS window, *] over Filter t IS NOT NULL
 *   sliding    Generate: a row for each window that t lies in
 *   session    [t, t + gap] of each row; in GROUP BY, those that touch within the other keys become one:
 *              a row begins a session if it starts after the end of all before it, a running sum numbers
 *              the sessions, and each gets its first start and its last end
 */
#include <stdio.h>
#include <strings.h>

#include "plan/analyzer.h"
#include "type/datetime.h"

typedef struct finder {
    ch_analyzer *a;
    const ch_expr_unresolved_function *found;
    bool several;
} finder;

static bool is_time_window(const char *name)
{
    return strcasecmp(name, "window") == 0 || strcasecmp(name, "session_window") == 0;
}

static ch_status find(void *user, ch_expr **child, ch_error *err)
{
    finder *f = user;
    const ch_expr_unresolved_function *u = (const void *)*child;
    if (u->head.kind == CH_EXPR_UNRESOLVED_FUNCTION && is_time_window(u->name)) {
        if (f->found && !ch_expr_equal(&f->found->head, &u->head))
            f->several = true;
        f->found = f->found ? f->found : u;
        return CH_OK;
    }
    if (u->head.kind == CH_EXPR_SUBQUERY)
        return CH_OK;
    return ch_expr_map_children(f->a->arena, child, find, f, err);
}

/* ---- unresolved expressions ---------------------------------------------------------------------- */

static ch_expr *name_of(ch_arena *arena, const char *name, ch_error *err)
{
    ch_expr_unresolved_attribute *u = ch_expr_new(arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err);
    if (!u || ch_str_list_add(arena, &u->parts, name, err) != CH_OK)
        return NULL;
    u->plan_id = -1;
    return &u->head;
}

static ch_expr *call_of(ch_arena *arena, const char *name, ch_expr *x, ch_expr *y, ch_error *err)
{
    ch_expr_unresolved_function *f = ch_expr_new(arena, CH_EXPR_UNRESOLVED_FUNCTION, err);
    if (!f || !x || ch_expr_list_add(arena, &f->args, x, err) != CH_OK ||
        (y && ch_expr_list_add(arena, &f->args, y, err) != CH_OK))
        return NULL;
    f->name = name;
    return &f->head;
}

static ch_expr *cast_of(ch_arena *arena, ch_expr *child, const ch_type *to, ch_error *err)
{
    ch_expr_cast *c = ch_expr_new(arena, CH_EXPR_CAST, err);
    if (!c || !child || !to)
        return NULL;
    c->child = child;
    c->to = to;
    c->implicit = true;
    return &c->head;
}

static ch_expr *named(ch_arena *arena, ch_expr *child, const char *name, ch_error *err)
{
    ch_expr_alias *x = ch_expr_new(arena, CH_EXPR_ALIAS, err);
    if (!x || !child || ch_str_list_add(arena, &x->names, name, err) != CH_OK)
        return NULL;
    x->child = child;
    return &x->head;
}

/* function OVER (PARTITION BY keys, more [ORDER BY order]) */
static ch_expr *over(ch_arena *arena, ch_expr *function, const ch_expr_list *keys, ch_expr *more,
                     ch_expr *order, ch_error *err)
{
    ch_expr_window *w = ch_expr_new(arena, CH_EXPR_WINDOW, err);
    if (!w || !function)
        return NULL;
    w->function = function;
    for (int32_t i = 0; i < keys->n; i++)
        if (ch_expr_list_add(arena, &w->partition, keys->item[i], err) != CH_OK)
            return NULL;
    if (more && ch_expr_list_add(arena, &w->partition, more, err) != CH_OK)
        return NULL;
    if (!order)
        return &w->head;
    ch_expr_sort_order *s = ch_expr_new(arena, CH_EXPR_SORT_ORDER, err);
    if (!s)
        return NULL;
    s->child = order;
    s->nulls_first = true;
    if (ch_expr_list_add(arena, &w->order, &s->head, err) != CH_OK)
        return NULL;
    return &w->head;
}

/* SELECT column, * FROM *input; resolved. */
static ch_status add_column(ch_analyzer *a, ch_rel **input, ch_expr *column, ch_error *err)
{
    ch_rel_project *p;
    ch_expr_list list = {0};
    CH_AN_NEW(p, ch_rel_new(a->arena, CH_REL_PROJECT, err));
    ch_an_scope scope = ch_an_scope_of(a, *input, NULL, "SELECT");
    scope.windows = true;
    ch_expr *e;
    if (!column)
        return CH_E_MEMORY;
    CH_TRY(ch_an_expr(a, &scope, column, &e, err));
    CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    CH_TRY(ch_make_refs(a->arena, &(*input)->output, &list, err));
    return ch_an_project(a, *input, &list, input, err);
}

static ch_status add_filter(ch_analyzer *a, ch_rel **input, ch_expr *condition, ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, *input, NULL, "WHERE");
    if (!condition)
        return CH_E_MEMORY;
    CH_TRY(ch_an_expr(a, &scope, condition, &condition, err));
    return ch_make_filter(a->arena, *input, condition, input, err);
}

/* ---- window ----------------------------------------------------------------------------------------- */

static ch_status duration(ch_analyzer *a, const ch_expr *e, int64_t *us, ch_error *err)
{
    const ch_expr_literal *l = (const void *)e;
    const ch_scalar *v = &l->value;
    if (e->kind != CH_EXPR_LITERAL || v->is_null ||
        !(v->type->id == CH_INT || v->type->id == CH_LONG || ch_type_is_string(v->type)))
        CH_AN_FAIL(a, e, err, TIME_WINDOW_LITERAL);
    if (!ch_type_is_string(v->type)) {
        *us = v->v.i64;
        return CH_OK;
    }
    char *text;
    ch_interval iv;
    CH_AN_NEW(text, ch_arena_strn(a->arena, v->v.str.text, (size_t)v->v.str.len, err));
    if (!ch_interval_parse(v->v.str.text, v->v.str.len, &iv))
        CH_AN_FAIL(a, e, err, CANNOT_PARSE_INTERVAL, "intervalString", text);
    if (iv.months)
        CH_AN_FAIL(a, e, err, TIME_WINDOW_MONTHS, "interval", text);
    *us = iv.days * CH_US_PER_DAY + iv.nanos / 1000;
    return CH_OK;
}

static ch_status check_durations(ch_analyzer *a, const ch_expr_unresolved_function *f,
                                 const int64_t *us, ch_error *err)
{
    static const char *const NAME[] = {"`window_duration`", "`slide_duration`"};
    char *sql;
    CH_AN_NEW(sql, ch_expr_quoted(a->arena, &f->head, err));
    for (int i = 0; i < 2; i++)
        if (us[i] <= 0)
            CH_AN_FAIL(a, &f->head, err, DATATYPE_VALUE_OUT_OF_RANGE, "sqlExpr", sql, "exprName",
                       NAME[i], "valueRange", "(0, 9223372036854775807]", "currentValue",
                       CH_I64(us[i]));
    if (us[1] > us[0])
        CH_AN_FAIL(a, &f->head, err, TIME_WINDOW_PARAMETER, "sqlExpr", sql, "leftExprName", NAME[1],
                   "leftExprValue", CH_I64(us[1]), "constraint", "<=", "rightExprName", NAME[0],
                   "rightExprValue", CH_I64(us[0]));
    if (us[2] >= us[1] || us[2] <= -us[1])
        CH_AN_FAIL(a, &f->head, err, TIME_WINDOW_PARAMETER, "sqlExpr", sql, "leftExprName",
                   "`abs(start_time)`", "leftExprValue", CH_I64(us[2]), "constraint", "<",
                   "rightExprName", NAME[1], "rightExprValue", CH_I64(us[1]));
    return CH_OK;
}

/* The moment: a window's is its last. */
static ch_status resolve_time(ch_analyzer *a, const ch_rel *input,
                              const ch_expr_unresolved_function *f, ch_expr **out, ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "SELECT");
    CH_TRY(ch_an_expr(a, &scope, f->args.item[0], out, err));
    if ((*out)->type->id == CH_STRUCT)
        CH_TRY(ch_call_make(a->ctx, "window_time", out, 1, out, err));
    ch_type_id id = (*out)->type->id;
    if (id == CH_TIMESTAMP || id == CH_TIMESTAMP_NTZ)
        return CH_OK;
    if (!ch_can_implicit_cast((*out)->type, CH_T_TIMESTAMP, a->ctx->func->ansi)) {
        char *sql, *arg;
        CH_AN_NEW(sql, ch_expr_quoted(a->arena, &f->head, err));
        CH_AN_NEW(arg, ch_expr_quoted(a->arena, *out, err));
        char *type;
        CH_AN_NEW(type, ch_type_quoted(a->arena, (*out)->type, err));
        CH_AN_FAIL(a, &f->head, err, DATATYPE_MISMATCH_INPUT, "paramIndex", "first", "inputSql",
                   arg, "inputType", type, "requiredType",
                   "(\"TIMESTAMP\" or \"TIMESTAMP_NTZ\" or \"STRUCT\")", "sqlExpr", sql);
    }
    return ch_make_cast(a->arena, out, CH_T_TIMESTAMP, err);
}

static ch_status add_window(ch_analyzer *a, const ch_expr_unresolved_function *f, ch_rel **input,
                            ch_error *err)
{
    int64_t us[3] = {0};
    ch_expr *arg[4];
    if (f->args.n < 2 || f->args.n > 4)
        CH_AN_FAIL(a, &f->head, err, WRONG_NUM_ARGS, "functionName", "`window`", "expectedNum",
                   "[2, 3, 4]", "actualNum", CH_I64(f->args.n));
    CH_TRY(resolve_time(a, *input, f, &arg[0], err));
    ch_an_scope scope = ch_an_scope_of(a, *input, NULL, "SELECT");
    for (int32_t i = 1; i < f->args.n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, &scope, f->args.item[i], &e, err));
        CH_TRY(duration(a, e, &us[i - 1], err));
    }
    if (f->args.n == 2)
        us[1] = us[0];
    CH_TRY(check_durations(a, f, us, err));
    for (int i = 0; i < 3; i++) {
        ch_scalar v = {.type = CH_T_LONG, .v.i64 = us[i]};
        CH_AN_NEW(arg[i + 1], ch_make_literal(a->arena, &v, err));
    }
    ch_expr *call;
    CH_TRY(ch_call_make(a->ctx, us[0] == us[1] ? "__tumble" : "__slide", arg, 4, &call, err));
    if (us[0] == us[1]) {
        CH_TRY(add_filter(a, input, call_of(a->arena, "isnotnull", arg[0], NULL, err), err));
        call->nullable = false;
        return add_column(a, input, named(a->arena, call, "window", err), err);
    }
    ch_rel_generate *g;
    ch_attr *attr;
    CH_AN_NEW(g, ch_rel_new(a->arena, CH_REL_GENERATE, err));
    CH_AN_NEW(attr,
              ch_make_attr(a->ctx, "window", call->type->field[0].type->field[0].type, false, err));
    CH_TRY(ch_attr_list_add(a->arena, &g->generated, attr, err));
    g->generator = call;
    g->input = *input;
    g->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < (*input)->output.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, &g->head.output, (*input)->output.item[i], err));
    CH_TRY(ch_attr_list_add(a->arena, &g->head.output, attr, err));
    /* The window first, as the other kinds have it. */
    *input = &g->head;
    ch_expr_list list = {0};
    ch_expr *ref;
    CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
    CH_TRY(ch_expr_list_add(a->arena, &list, ref, err));
    CH_TRY(ch_make_refs(a->arena, &g->input->output, &list, err));
    return ch_an_project(a, *input, &list, input, err);
}

/* ---- session_window ---------------------------------------------------------------------------------- */

/* What the rows are grouped by beside the session. */
static ch_status other_keys(ch_analyzer *a, const ch_rel *input, const ch_an_time_window *w,
                            ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < w->n_grouping; i++) {
        const ch_expr *e = w->grouping[i];
        const ch_expr_literal *l = (const void *)e;
        if (w->from_sql && e->kind == CH_EXPR_LITERAL && l->value.type->id == CH_INT &&
            !l->value.is_null && l->value.v.i64 >= 1 && l->value.v.i64 <= w->list->n)
            e = w->list->item[l->value.v.i64 - 1];
        if (e->kind == CH_EXPR_ALIAS)
            e = ((const ch_expr_alias *)e)->child;
        finder f = {.a = a};
        ch_expr *copy = (ch_expr *)e;
        CH_TRY(find(&f, &copy, err));
        if (f.found)
            continue;
        ch_an_scope scope = ch_an_scope_of(a, input, NULL, "GROUP BY");
        ch_error missing = {0};
        ch_expr *key;
        ch_status status = ch_an_expr(a, &scope, e, &key, &missing);
        if (status == CH_E_MEMORY && err && err->code == CH_OK)
            *err = missing;
        else
            ch_error_release(&missing);
        if (status == CH_E_MEMORY)
            return status;
        const ch_expr_unresolved_attribute *u = (const void *)e;
        for (int32_t k = 0; status != CH_OK && k < w->list->n; k++) {
            const ch_expr_alias *alias = (const void *)w->list->item[k];
            if (e->kind != CH_EXPR_UNRESOLVED_ATTRIBUTE || alias->head.kind != CH_EXPR_ALIAS ||
                u->parts.n != 1 || !ch_an_same_name(a, alias->names.item[0], u->parts.item[0]))
                continue;
            f.found = NULL;
            copy = alias->child;
            CH_TRY(find(&f, &copy, err));
            if (f.found)
                break;
            CH_TRY(ch_an_expr(a, &scope, alias->child, &key, err));
            status = CH_OK;
        }
        if (status == CH_OK) /* else GROUP BY itself will say what is wrong */
            CH_TRY(ch_expr_list_add(a->arena, out, key, err));
    }
    return CH_OK;
}

#define START "__session_start"
#define END "__session_end"
#define FIRST "__session_first"
#define NUMBER "__session_number"

/* Rows of one session get its start and end. */
static ch_status merge_sessions(ch_analyzer *a, const ch_an_time_window *w, ch_rel **input,
                                ch_error *err)
{
    ch_arena *arena = a->arena;
    ch_expr_list keys = {0};
    CH_TRY(other_keys(a, *input, w, &keys, err));
    ch_expr *zero, *one;
    CH_AN_NEW(zero, ch_make_int(arena, 0, err));
    CH_AN_NEW(one, ch_make_int(arena, 1, err));
    ch_scalar before = {.type = CH_T_INT, .v.i64 = -1};
    ch_expr_window *ends;
    CH_AN_NEW(ends, (ch_expr_window *)over(
                        arena, call_of(arena, "max", name_of(arena, END, err), NULL, err), &keys,
                        NULL, name_of(arena, START, err), err));
    ends->frame = CH_FRAME_ROW;
    ends->lower = CH_BOUND_UNBOUNDED;
    ends->upper = CH_BOUND_VALUE;
    CH_AN_NEW(ends->upper_value, ch_make_literal(arena, &before, err));
    ch_expr_case *first;
    CH_AN_NEW(first, ch_expr_new(arena, CH_EXPR_CASE, err));
    ch_expr *goes_on;
    CH_AN_NEW(goes_on, call_of(arena, "<=", name_of(arena, START, err), &ends->head, err));
    CH_TRY(ch_expr_list_add(arena, &first->args, goes_on, err));
    CH_TRY(ch_expr_list_add(arena, &first->args, zero, err));
    CH_TRY(ch_expr_list_add(arena, &first->args, one, err));
    CH_TRY(add_column(a, input, named(arena, &first->head, FIRST, err), err));
    /* RANGE: rows that start together are of one session, whichever of them comes first. */
    ch_expr_window *number;
    CH_AN_NEW(number, (ch_expr_window *)over(
                          arena, call_of(arena, "sum", name_of(arena, FIRST, err), NULL, err),
                          &keys, NULL, name_of(arena, START, err), err));
    number->frame = CH_FRAME_RANGE;
    number->lower = CH_BOUND_UNBOUNDED;
    number->upper = CH_BOUND_CURRENT_ROW;
    CH_TRY(add_column(a, input, named(arena, &number->head, NUMBER, err), err));
    static const char *const PART[2][3] = {{"min", START, "__session_from"},
                                           {"max", END, "__session_to"}};
    for (int i = 0; i < 2; i++) {
        ch_expr *best =
            over(arena, call_of(arena, PART[i][0], name_of(arena, PART[i][1], err), NULL, err),
                 &keys, name_of(arena, NUMBER, err), NULL, err);
        CH_TRY(add_column(a, input, named(arena, best, PART[i][2], err), err));
    }
    return CH_OK;
}

static ch_status text_literal(ch_analyzer *a, const char *text, ch_expr **out, ch_error *err)
{
    ch_scalar v = {.type = CH_T_STRING, .v.str = {text, (int64_t)strlen(text)}};
    CH_AN_NEW(*out, ch_make_literal(a->arena, &v, err));
    return CH_OK;
}

static ch_status add_session(ch_analyzer *a, const ch_expr_unresolved_function *f,
                             const ch_an_time_window *w, ch_rel **input, ch_error *err)
{
    ch_arena *arena = a->arena;
    ch_rel *below = *input;
    ch_expr *time, *gap;
    if (f->args.n != 2)
        CH_AN_FAIL(a, &f->head, err, WRONG_NUM_ARGS, "functionName", "`session_window`",
                   "expectedNum", "2", "actualNum", CH_I64(f->args.n));
    CH_TRY(resolve_time(a, *input, f, &time, err));
    ch_an_scope scope = ch_an_scope_of(a, *input, NULL, "SELECT");
    CH_TRY(ch_an_expr(a, &scope, f->args.item[1], &gap, err));
    if (gap->type->id != CH_CALENDAR_INTERVAL && !ch_type_is_string(gap->type)) {
        char *type;
        CH_AN_NEW(type, ch_type_quoted(arena, gap->type, err));
        CH_AN_FAIL(a, &f->head, err, SESSION_GAP_TYPE, "dt", type);
    }
    if (ch_type_is_string(gap->type)) {
        ch_expr_cast *c;
        CH_AN_NEW(c, (ch_expr_cast *)cast_of(arena, gap, ch_type_of(CH_CALENDAR_INTERVAL), err));
        c->eval_mode = CH_EVAL_TRY;
        gap = &c->head;
    }
    CH_TRY(add_column(a, input, named(arena, time, START, err), err));
    CH_TRY(add_column(
        a, input, named(arena, call_of(arena, "+", name_of(arena, START, err), gap, err), END, err),
        err));
    CH_TRY(add_filter(
        a, input, call_of(arena, ">", name_of(arena, END, err), name_of(arena, START, err), err),
        err));
    if (w->merges)
        CH_TRY(merge_sessions(a, w, input, err));
    ch_expr *start, *end;
    ch_expr_unresolved_function *both;
    CH_TRY(text_literal(a, "start", &start, err));
    CH_TRY(text_literal(a, "end", &end, err));
    CH_AN_NEW(both, (ch_expr_unresolved_function *)call_of(
                        arena, "named_struct", start,
                        name_of(arena, w->merges ? "__session_from" : START, err), err));
    ch_expr *last;
    CH_AN_NEW(last, name_of(arena, w->merges ? "__session_to" : END, err));
    CH_TRY(ch_expr_list_add(arena, &both->args, end, err));
    CH_TRY(ch_expr_list_add(arena, &both->args, last, err));
    CH_TRY(add_column(a, input, named(arena, &both->head, "session_window", err), err));
    ch_expr_list list = {0};
    ch_expr *ref;
    CH_AN_NEW(ref, ch_make_ref(arena, (*input)->output.item[0], err));
    CH_TRY(ch_expr_list_add(arena, &list, ref, err));
    CH_TRY(ch_make_refs(arena, &below->output, &list, err));
    return ch_an_project(a, *input, &list, input, err);
}

/* ---- the way in ---------------------------------------------------------------------------------------- */

ch_status ch_an_time_windows(ch_analyzer *a, ch_an_time_window *w, ch_rel **input, ch_error *err)
{
    finder f = {.a = a};
    for (int32_t i = 0; w->list && i < w->list->n; i++) {
        ch_expr *e = w->list->item[i];
        CH_TRY(find(&f, &e, err));
    }
    for (int32_t i = 0; i < w->n_grouping; i++) {
        ch_expr *e = w->grouping[i];
        CH_TRY(find(&f, &e, err));
    }
    w->column = NULL;
    if (!f.found)
        return CH_OK;
    if (f.several)
        CH_AN_FAIL(a, &f.found->head, err, MULTI_TIME_WINDOW);
    if (strcasecmp(f.found->name, "window") == 0)
        CH_TRY(add_window(a, f.found, input, err));
    else
        CH_TRY(add_session(a, f.found, w, input, err));
    const ch_attr *made = (*input)->output.item[0];
    ch_attr *seen;
    CH_ARENA_NEW(seen, a->arena, err);
    *seen = *made;
    w->column = seen;
    if (w->merges)
        return CH_OK;
    /* * does not mean it. */
    ch_attr *hidden;
    ch_attr_list output = {0};
    CH_ARENA_NEW(hidden, a->arena, err);
    *hidden = *made;
    hidden->hidden = true;
    CH_TRY(ch_attr_list_add(a->arena, &output, hidden, err));
    for (int32_t i = 1; i < (*input)->output.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, &output, (*input)->output.item[i], err));
    CH_AN_NEW(*input, ch_rel_clone(a->arena, *input, err));
    (*input)->output = output;
    return CH_OK;
}

ch_status ch_an_time_window_call(ch_analyzer *a, const ch_an_scope *scope,
                                 const ch_expr_unresolved_function *f, ch_expr **out, ch_error *err)
{
    *out = NULL;
    if (!is_time_window(f->name) || !scope->time_window)
        return CH_OK;
    CH_AN_NEW(*out, ch_make_ref(a->arena, scope->time_window, err));
    return CH_OK;
}
