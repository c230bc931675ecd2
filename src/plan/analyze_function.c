/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_function.c - calls of functions in SQL: the body stands in place of the call.
 *
 * The body is resolved against columns of its own, one for each parameter, as a text apart: neither the query's WITH nor
 * its columns are in sight. Tables and functions are those that their names mean where the call is, as in Spark, also
 * for stored functions. Then the arguments, cast to the parameters' types, are put where those columns are.
 *
 *   f(x) RETURN x + 1             f(a.k)          CAST(CAST(a.k AS INT) + 1 AS INT)
 *   f(x) RETURN SELECT max(id) FROM t WHERE id < x    a scalar subquery whose outer value is the argument
 *   f(x) RETURNS TABLE ... RETURN SELECT ...          the query, with the argument in place of the column
 *
 * Where a query gives a parameter's column as a column of its own, it keeps the column's id; above of it the id means
 * that column, and nothing is replaced.
 */
#include <strings.h>

#include "plan/analyzer.h"
#include "plan/fold.h"

/* ---- arguments in place of parameters ------------------------------------------------------- */

typedef struct inliner {
    ch_analyzer *a;
    const ch_attr_list *param;
    const ch_expr_list *arg;
    const ch_rel *at; /* the relation whose expressions are at hand; NULL: none */
} inliner;

static bool gives(const ch_rel *rel, int64_t id)
{
    const ch_node_class *cls = ch_rel_class(rel->kind);
    for (int i = 0; i < cls->n_fields; i++) {
        const void *field = (const char *)rel + cls->field[i].offset;
        if (cls->field[i].kind == CH_NODE_REL && *(ch_rel *const *)field &&
            ch_attr_list_find(&(*(ch_rel *const *)field)->output, id))
            return true;
    }
    return false;
}

static ch_expr *argument(const inliner *in, const ch_expr *e)
{
    if (e->kind != CH_EXPR_ATTRIBUTE)
        return NULL;
    int64_t id = ((const ch_expr_attribute *)e)->attr->id;
    for (int32_t i = 0; i < in->param->n; i++)
        if (in->param->item[i]->id == id)
            return in->at && gives(in->at, id) ? NULL : in->arg->item[i];
    return NULL;
}

static ch_status inline_rel(void *user, ch_rel **rel, ch_error *err);

/* What a subquery takes of the row around: constants go into its plan. */
static ch_status inline_subquery(inliner *in, ch_expr **e, ch_error *err)
{
    ch_expr_subquery *s;
    ch_arena *arena = in->a->arena;
    ch_expr_list outer = {0}, constant = {0};
    ch_attr_list param = {0}, gone = {0};
    CH_AN_NEW(s, ch_expr_clone(arena, *e, err));
    for (int32_t i = 0; i < s->outer.n; i++) {
        bool fixed = ch_expr_is_foldable(s->outer.item[i]);
        CH_TRY(ch_expr_list_add(arena, fixed ? &constant : &outer, s->outer.item[i], err));
        CH_TRY(ch_attr_list_add(arena, fixed ? &gone : &param, s->param[i], err));
    }
    if (gone.n) {
        inliner inner = {in->a, &gone, &constant, NULL};
        CH_TRY(inline_rel(&inner, &s->plan, err));
        s->written = NULL; /* it is another one for each constant */
    }
    s->outer = outer;
    s->param = param.item;
    *e = &s->head;
    return CH_OK;
}

static ch_status inline_expr(void *user, ch_expr **e, ch_error *err)
{
    inliner *in = user;
    ch_expr *arg = argument(in, *e);
    if (arg) {
        *e = arg;
        return CH_OK;
    }
    CH_TRY(ch_expr_map_children(in->a->arena, e, inline_expr, in, err));
    if ((*e)->kind == CH_EXPR_SUBQUERY && ((const ch_expr_subquery *)*e)->outer.n)
        return inline_subquery(in, e, err);
    return CH_OK;
}

/* An item of a list of columns stays a column of the same id. */
static ch_status inline_column(void *user, ch_expr **e, ch_error *err)
{
    inliner *in = user;
    ch_expr *arg = argument(in, *e);
    if (!arg)
        return inline_expr(user, e, err);
    const ch_attr *attr = ((const ch_expr_attribute *)*e)->attr;
    ch_expr_alias *alias;
    CH_AN_NEW(alias, (ch_expr_alias *)ch_make_alias(in->a->ctx, arg, attr->name, err));
    alias->id = attr->id;
    *e = &alias->head;
    return CH_OK;
}

static ch_status inline_rel(void *user, ch_rel **rel, ch_error *err)
{
    inliner *in = user, here = *in;
    CH_TRY(ch_rel_map_inputs(in->a->arena, rel, inline_rel, in, err));
    here.at = *rel;
    bool columns = (*rel)->kind == CH_REL_PROJECT || (*rel)->kind == CH_REL_AGGREGATE;
    return ch_rel_map_exprs(in->a->arena, rel, columns ? inline_column : inline_expr, &here, err);
}

/* ---- arguments ----------------------------------------------------------------------------- */

/* As written, stars taken apart, and resolved; those by name keep it. */
static ch_status expand(ch_analyzer *a, ch_an_scope *scope, const ch_expr_list *in,
                        ch_expr_list *out, bool *named, ch_error *err)
{
    *named = false;
    for (int32_t i = 0; i < in->n; i++) {
        ch_expr *e = in->item[i];
        ch_expr_list one = {&e, 1};
        if (e->kind == CH_EXPR_LAMBDA_FUNCTION)
            CH_AN_FAIL(a, e, err, LAMBDA_NOT_HIGHER_ORDER, "class", "SQLFunction");
        if (e->kind != CH_EXPR_NAMED_ARGUMENT) {
            CH_TRY(ch_an_exprs(a, scope, &one, out, err));
            continue;
        }
        ch_expr_named_argument *n;
        CH_AN_NEW(n, ch_expr_clone(a->arena, e, err));
        CH_TRY(ch_an_expr(a, scope, n->value, &n->value, err));
        CH_TRY(ch_expr_list_add(a->arena, out, &n->head, err));
        *named = true;
    }
    return CH_OK;
}

static ch_status missing(ch_analyzer *a, const ch_sql_function *fn, const ch_expr *at, int32_t i,
                         int32_t given, bool named, ch_error *err)
{
    char *name;
    if (!named)
        CH_AN_FAIL(a, at, err, WRONG_NUM_ARGS, "functionName", fn->quoted, "expectedNum",
                   CH_I64(fn->parameters->n_fields), "actualNum", CH_I64(given));
    CH_AN_NEW(name, ch_arena_printf(a->arena, err, "`%s`", fn->parameters->field[i].name));
    CH_AN_FAIL(a, at, err, REQUIRED_PARAMETER_NOT_FOUND, "routineName", fn->quoted, "parameterName",
               name, "index", CH_I64(i));
}

/* The value of a parameter that is left out. */
static ch_status fallback(ch_analyzer *a, const ch_expr *in, ch_expr **out, ch_error *err)
{
    ch_analyzer inner = {.ctx = a->ctx,
                         .arena = a->arena,
                         .depth = a->depth,
                         .views = a->views,
                         .inside = a->inside,
                         .inlined = a->inlined};
    ch_an_scope none = {.clause = "DEFAULT"};
    return ch_an_expr(&inner, &none, in, out, err);
}

/* One argument for each parameter, of its type; *shown: those that the call's text has. */
static ch_status arguments(ch_analyzer *a, ch_an_scope *scope, const ch_sql_function *fn,
                           const ch_expr *at, const ch_expr_list *given, ch_expr_list *out,
                           ch_expr_list *shown, ch_error *err)
{
    int32_t n = fn->parameters->n_fields;
    ch_expr_list list = {0};
    ch_expr **slot;
    bool named;
    CH_ARENA_ARRAY(slot, a->arena, n + 1, err);
    CH_TRY(expand(a, scope, given, &list, &named, err));
    CH_TRY(ch_an_place(a, fn->parameters, at, fn->quoted, &list, slot, err));
    for (int32_t i = 0; i < n; i++) {
        ch_expr *e = slot[i];
        if (!e && !fn->fallback[i])
            return missing(a, fn, at, i, list.n, named, err);
        if (!e)
            CH_TRY(fallback(a, fn->fallback[i], &e, err));
        if (e->kind == CH_EXPR_ALIAS)
            e = ((ch_expr_alias *)e)->child;
        if (slot[i] || named)
            CH_TRY(ch_expr_list_add(a->arena, shown, e, err));
        CH_TRY(ch_an_cast_to(a, e, fn->parameters->field[i].type, at, &e, err));
        CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    return CH_OK;
}

/* The parameters as columns, as nullable as the arguments. */
static ch_status make_params(ch_analyzer *a, const ch_sql_function *fn, const ch_expr_list *args,
                             ch_attr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < fn->parameters->n_fields; i++) {
        const ch_field *f = &fn->parameters->field[i];
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, f->name, f->type, args->item[i]->nullable, err));
        CH_TRY(ch_str_list_add(a->arena, &attr->qualifier, fn->name, err));
        CH_TRY(ch_attr_list_add(a->arena, out, attr, err));
    }
    return CH_OK;
}

/* ---- the body ------------------------------------------------------------------------------ */

/* A function that calls itself, by others or not. */
static ch_status check_cycle(const ch_analyzer *a, const ch_sql_function *fn, ch_error *err)
{
    const ch_an_inside *same = a->inside;
    while (same && strcasecmp(same->fn->full, fn->full) != 0)
        same = same->up;
    if (!same)
        return CH_OK;
    const char *path = fn->full;
    for (const ch_an_inside *i = a->inside; i && path; i = i == same ? NULL : i->up)
        path = ch_arena_printf(a->arena, NULL, "%s -> %s", i->fn->full, path);
    CH_FAIL(err, CYCLIC_FUNCTION_REFERENCE, "path", path ? path : "");
}

/* Where the body is resolved: a text apart. `own` is its link of in->inside. */
static ch_status enter(const ch_analyzer *a, const ch_sql_function *fn, const ch_attr_list *params,
                       ch_an_inside *own, ch_analyzer *in, ch_an_scope *scope, ch_error *err)
{
    CH_TRY(check_cycle(a, fn, err));
    *own = (ch_an_inside){a->inside, fn};
    *in = (ch_analyzer){.ctx = a->ctx,
                        .arena = a->arena,
                        .sql = fn->sql,
                        .depth = a->depth,
                        .views = a->views + 1,
                        .inside = own,
                        .inlined = a->inlined};
    *scope = (ch_an_scope){.clause = "RETURN", .n_tiers = 1, .aggregates = true, .windows = true};
    scope->tier[0] = params;
    if (in->views > CH_AN_MOST_VIEWS)
        CH_FAIL(err, UNSUPPORTED, "feature",
                "A function that calls itself, or functions nested this deep");
    return CH_OK;
}

static ch_status check_value(const ch_sql_function *fn, const ch_expr *body, ch_error *err)
{
    if (ch_expr_has_aggregate(body) || ch_expr_has_window(body))
        CH_FAIL(err, UDF_COMPLEX, "queryText", fn->body);
    return CH_OK;
}

static ch_status body_value(ch_analyzer *a, const ch_sql_function *fn, const ch_attr_list *params,
                            const ch_expr *at, ch_expr **out, ch_error *err)
{
    ch_analyzer in;
    ch_an_inside own;
    ch_an_scope scope;
    CH_TRY(enter(a, fn, params, &own, &in, &scope, err));
    if (fn->expr) {
        CH_TRY(ch_an_expr(&in, &scope, fn->expr, out, err));
        if ((*out)->kind == CH_EXPR_ALIAS)
            *out = ((ch_expr_alias *)*out)->child;
        CH_TRY(check_value(fn, *out, err));
    } else {
        ch_expr_subquery *s;
        CH_AN_NEW(s, ch_expr_new(a->arena, CH_EXPR_SUBQUERY, err));
        s->subquery_kind = CH_SUBQUERY_SCALAR;
        s->plan = (ch_rel *)(uintptr_t)fn->query;
        CH_TRY(ch_an_expr(&in, &scope, &s->head, out, err));
    }
    return fn->returns ? ch_an_cast_to(a, *out, fn->returns, at, out, err) : CH_OK;
}

static ch_status body_rows(ch_analyzer *a, const ch_sql_function *fn, const ch_attr_list *params,
                           const ch_expr *at, ch_rel **out, ch_error *err)
{
    ch_analyzer in;
    ch_an_inside own;
    ch_an_scope scope;
    ch_expr_list list = {0};
    const ch_type *t = fn->returns;
    CH_TRY(enter(a, fn, params, &own, &in, &scope, err));
    in.outer = &scope;
    CH_TRY(ch_an_input(&in, fn->query, out, err));
    int32_t n = t ? t->n_fields : (*out)->output.n;
    if (n != (*out)->output.n)
        CH_FAIL(err, UDF_COLUMN_COUNT, "outputSize", CH_I64((*out)->output.n), "returnParamSize",
                CH_I64(n), "name", fn->name);
    for (int32_t i = 0; i < n; i++) {
        const ch_attr *attr = (*out)->output.item[i];
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, attr, err));
        if (t)
            CH_TRY(ch_an_cast_to(a, e, t->field[i].type, at, &e, err));
        CH_AN_NEW(e, ch_make_alias(a->ctx, e, t ? t->field[i].name : attr->name, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return ch_make_project(a->arena, *out, &list, out, err);
}

/*
 * An argument stands wherever its parameter did, so that calls within calls may double each time: what is larger than this
 * would take for ever to look at.
 */
enum { MOST_NODES = 1 << 16 };

static ch_status count_nodes(void *user, ch_expr **e, ch_error *err)
{
    int64_t *left = user;
    return --*left < 0 ? CH_OK : ch_expr_map_children(NULL, e, count_nodes, left, err);
}

static ch_status check_size(ch_analyzer *a, const ch_expr *at, const ch_sql_function *fn,
                            ch_expr *body, ch_error *err)
{
    int64_t left = MOST_NODES;
    char *text;
    CH_TRY(count_nodes(&left, &body, err));
    if (left >= 0)
        return CH_OK;
    CH_AN_NEW(text, ch_arena_printf(
                        a->arena, err,
                        "A call of %s whose arguments, in each place where the function has a "
                        "parameter, make an expression of more than %d parts",
                        fn->name, MOST_NODES));
    CH_AN_FAIL(a, at, err, UNSUPPORTED, "feature", text);
}

typedef struct uses {
    int64_t id;
    int32_t n;
} uses;

static ch_status count_uses(void *user, ch_expr **e, ch_error *err)
{
    uses *u = user;
    u->n += (*e)->kind == CH_EXPR_ATTRIBUTE && ((const ch_expr_attribute *)*e)->attr->id == u->id;
    return ch_expr_map_children(NULL, e, count_uses, u, err);
}

/* What is another value each time may not stand in two places. */
static ch_status check_once(ch_analyzer *a, const ch_expr *at, const ch_expr_list *args,
                            const ch_attr_list *params, ch_expr *body, ch_error *err)
{
    for (int32_t i = 0; i < args->n; i++) {
        uses u = {params->item[i]->id, 0};
        if (ch_expr_is_deterministic(args->item[i]))
            continue;
        CH_TRY(count_uses(&u, &body, err));
        if (u.n > 1)
            CH_AN_FAIL(a, at, err, UNSUPPORTED, "feature",
                       "An argument that is not deterministic, for a parameter that the function "
                       "uses more than once");
    }
    return CH_OK;
}

/* ---- calls --------------------------------------------------------------------------------- */

static const ch_func SQL_FUNCTION = {.name = "sql function", .flags = CH_FUNC_INTERNAL};

ch_status ch_an_cover(ch_analyzer *a, const ch_expr *at, const ch_expr *call, ch_expr *body,
                      ch_expr **out, ch_error *err)
{
    ch_expr_inlined *e;
    CH_AN_NEW(e, ch_expr_new(a->arena, CH_EXPR_INLINED, err));
    CH_AN_NEW(e->shown, ch_expr_sql(a->arena, call, err));
    e->child = body;
    e->head.type = body->type;
    e->head.nullable = body->nullable;
    e->head.start = at->start;
    e->head.stop = at->stop;
    if (a->inlined)
        *a->inlined = true;
    *out = &e->head;
    return CH_OK;
}

/* Where Spark has none. */
static ch_status check_place(ch_analyzer *a, const ch_an_scope *scope,
                             const ch_expr_unresolved_function *f, const ch_sql_function *fn,
                             ch_error *err)
{
    CH_TRY(ch_an_user_syntax(a, f, fn->name, false, err));
    if (fn->is_table)
        CH_AN_FAIL(a, &f->head, err, NOT_A_SCALAR_FUNCTION, "functionName", fn->quoted);
    if (scope->lambda)
        CH_AN_FAIL(a, &f->head, err, LAMBDA_WITH_SQL_UDF, "funcName", fn->name);
    const char *node = scope->over == f                                          ? "Window"
                       : scope->clause && strcmp(scope->clause, "ORDER BY") == 0 ? "Sort"
                                                                                 : NULL;
    if (node)
        CH_AN_FAIL(a, &f->head, err, SQL_UDF_USAGE, "functionName", fn->quoted, "nodeName", node);
    return CH_OK;
}

ch_status ch_an_sql_call(ch_analyzer *a, ch_an_scope *scope, const ch_expr_unresolved_function *f,
                         const ch_sql_function *fn, ch_expr **out, ch_error *err)
{
    ch_expr_list args = {0}, shown = {0};
    ch_attr_list params = {0};
    ch_expr *body;
    CH_TRY(check_place(a, scope, f, fn, err));
    CH_TRY(arguments(a, scope, fn, &f->head, &f->args, &args, &shown, err));
    CH_TRY(make_params(a, fn, &args, &params, err));
    CH_TRY(body_value(a, fn, &params, &f->head, &body, err));
    inliner in = {a, &params, &args, NULL};
    CH_TRY(check_once(a, &f->head, &args, &params, body, err));
    CH_TRY(inline_expr(&in, &body, err));
    CH_TRY(check_size(a, &f->head, fn, body, err));
    ch_expr_call call = {.head = {.kind = CH_EXPR_CALL, .type = body->type},
                         .func = &SQL_FUNCTION,
                         .name = fn->full,
                         .args = shown};
    return ch_an_cover(a, &f->head, &call.head, body, out, err);
}

ch_status ch_an_sql_rows(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *t,
                         const ch_sql_function *fn, ch_rel **out, ch_error *err)
{
    ch_expr_list args = {0}, shown = {0};
    ch_attr_list params = {0};
    ch_an_scope scope = {.outer = a->outer, .clause = "FROM"};
    const ch_expr at = {
        .kind = CH_EXPR_UNRESOLVED_FUNCTION, .start = t->head.start, .stop = t->head.stop};
    if (!fn->is_table)
        CH_AN_FAIL(a, &t->head, err, NOT_A_TABLE_FUNCTION, "functionName", fn->quoted);
    CH_TRY(arguments(a, &scope, fn, &at, &t->arguments, &args, &shown, err));
    CH_TRY(make_params(a, fn, &args, &params, err));
    CH_TRY(body_rows(a, fn, &params, &at, out, err));
    inliner in = {a, &params, &args, NULL};
    return inline_rel(&in, out, err);
}

/* ---- at the end ---------------------------------------------------------------------------- */

static ch_status uncover_rel(void *user, ch_rel **rel, ch_error *err);

static ch_status uncover_expr(void *user, ch_expr **e, ch_error *err)
{
    ch_analyzer *a = user;
    while ((*e)->kind == CH_EXPR_INLINED)
        *e = ((ch_expr_inlined *)*e)->child;
    CH_TRY(ch_expr_map_children(a->arena, e, uncover_expr, a, err));
    if ((*e)->kind != CH_EXPR_SUBQUERY)
        return CH_OK;
    ch_rel *plan = ((const ch_expr_subquery *)*e)->plan;
    CH_TRY(uncover_rel(a, &plan, err));
    if (plan == ((const ch_expr_subquery *)*e)->plan)
        return CH_OK;
    CH_AN_NEW(*e, ch_expr_clone(a->arena, *e, err));
    ((ch_expr_subquery *)*e)->plan = plan;
    return CH_OK;
}

static ch_status uncover_rel(void *user, ch_rel **rel, ch_error *err)
{
    ch_analyzer *a = user;
    CH_TRY(ch_rel_map_inputs(a->arena, rel, uncover_rel, a, err));
    return ch_rel_map_exprs(a->arena, rel, uncover_expr, a, err);
}

ch_status ch_an_uncover(ch_analyzer *a, ch_rel **rel, ch_error *err)
{
    return uncover_rel(a, rel, err);
}
