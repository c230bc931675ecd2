/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_generate.c - generators: rows out of one row, in a select list, a LATERAL VIEW, or behind FROM.
 *
 * SELECT id, explode(a) AS x becomes
 *
 *   Project [id#0, x#2]
 *   +- Generate explode(a#1), false, [x#2]
 *
 * Over an aggregate, the generator's arguments are computed by the aggregate; Generate stands above it.
 */
#include <ctype.h>
#include <string.h>

#include "plan/analyzer.h"
#include "python/udf.h"

static char *lower_name(ch_arena *arena, const char *text, ch_error *err)
{
    char *out = ch_arena_str(arena, text, err);
    for (char *p = out; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static const ch_expr *without_alias(const ch_expr *e)
{
    return e->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)e)->child : e;
}

static char *quoted_name(ch_analyzer *a, const char *name, ch_error *err)
{
    ch_str_list one = {&name, 1};
    return ch_names_quoted(a->arena, &one, err);
}

const ch_func *ch_an_is_generator(ch_analyzer *a, const ch_expr *written)
{
    const ch_expr *e = without_alias(written);
    if (e->kind != CH_EXPR_UNRESOLVED_FUNCTION)
        return NULL;
    char *name = lower_name(a->arena, ((const ch_expr_unresolved_function *)e)->name, NULL);
    const ch_func *func = name ? ch_func_find(name) : NULL;
    return func && (func->flags & CH_FUNC_GENERATOR) ? func : NULL;
}

ch_status ch_an_refuse_generator(ch_analyzer *a, const ch_an_scope *scope,
                                 const ch_expr_unresolved_function *f, ch_error *err)
{
    char *text;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, &f->head, err));
    if (scope->laterals || strcmp(scope->clause, "SELECT") == 0)
        CH_AN_FAIL(a, &f->head, err, GENERATOR_NESTED, "expression", text);
    if (strcmp(scope->clause, "GROUP BY") == 0)
        CH_AN_FAIL(a, &f->head, err, UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", "Aggregate",
                   "invalidExprSqls", text);
    CH_AN_FAIL(a, &f->head, err, GENERATOR_OUTSIDE_SELECT, "plan", text);
}

/* ---- one generator ---------------------------------------------------------------------------- */

static bool is_outer(const ch_func *func)
{
    size_t len = strlen(func->name);
    return len > 6 && strcmp(func->name + len - 6, "_outer") == 0;
}

static ch_status bind_generator(ch_analyzer *a, ch_an_scope *scope,
                                const ch_expr_unresolved_function *f, const ch_func *func,
                                ch_expr **out, ch_error *err)
{
    ch_expr_call *draft;
    CH_AN_NEW(draft, ch_expr_new(a->arena, CH_EXPR_CALL, err));
    draft->head.start = f->head.start;
    draft->head.stop = f->head.stop;
    draft->name = func->name;
    ch_expr_list args = f->args;
    CH_TRY(ch_an_arguments(a, f->name, &f->head, &args, err));
    CH_TRY(ch_an_exprs(a, scope, &args, &draft->args, err));
    for (int32_t i = 0; i < draft->args.n; i++)
        if (draft->args.item[i]->kind == CH_EXPR_ALIAS)
            draft->args.item[i] = ((ch_expr_alias *)draft->args.item[i])->child;
    return ch_an_bound(a, draft, &f->head, out, err);
}

/* g's columns: the fields of what the generator gives, under the given names. */
static ch_status make_columns(ch_analyzer *a, const ch_expr *at, const ch_str_list *names,
                              ch_rel_generate *g, ch_error *err)
{
    const ch_type *row = g->generator->type->field[0].type;
    if (names->n && names->n != row->n_fields) {
        char *list = ch_arena_str(a->arena, "", err);
        for (int32_t i = 0; i < names->n && list; i++)
            list = ch_arena_printf(a->arena, err, "%s%s%s", list, i ? "," : "", names->item[i]);
        CH_AN_FAIL(a, at, err, GENERATOR_ALIASES, "aliasesSize", CH_I64(row->n_fields),
                   "aliasesNames", list);
    }
    g->generated = (ch_attr_list){0};
    for (int32_t i = 0; i < row->n_fields; i++) {
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, names->n ? names->item[i] : row->field[i].name,
                                     row->field[i].type, row->field[i].nullable || g->outer, err));
        if (g->alias)
            CH_TRY(ch_str_list_add(a->arena, &attr->qualifier, g->alias, err));
        CH_TRY(ch_attr_list_add(a->arena, &g->generated, attr, err));
    }
    return CH_OK;
}

static ch_status set_input(ch_analyzer *a, ch_rel_generate *g, ch_rel *input, ch_error *err)
{
    ch_attr_list all = {0};
    for (int32_t i = 0; i < input->output.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, &all, input->output.item[i], err));
    for (int32_t i = 0; i < g->generated.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, &all, g->generated.item[i], err));
    g->input = input;
    g->head.output = all;
    return CH_OK;
}

/* ---- select lists ------------------------------------------------------------------------------- */

ch_status ch_an_generator_item(ch_analyzer *a, ch_an_scope *scope, const ch_expr *written,
                               ch_expr_list *out, ch_error *err)
{
    static const ch_str_list none;
    const ch_func *func = ch_an_is_generator(a, written);
    const ch_expr_unresolved_function *f = (const void *)without_alias(written);
    const ch_str_list *names =
        written->kind == CH_EXPR_ALIAS ? &((const ch_expr_alias *)written)->names : &none;
    ch_rel_generate *g;
    CH_AN_NEW(g, ch_rel_new(a->arena, CH_REL_GENERATE, err));
    g->head.start = f->head.start;
    g->head.stop = f->head.stop;
    g->outer = is_outer(func);
    bool lateral = scope->used_lateral;
    scope->used_lateral = false;
    CH_TRY(bind_generator(a, scope, f, func, &g->generator, err));
    if (scope->used_lateral)
        CH_AN_FAIL(a, &f->head, err, ALIAS_IN_GENERATOR, "lca", "", "generatorExpr",
                   ch_expr_quoted(a->arena, &f->head, err));
    scope->used_lateral = lateral;
    CH_TRY(make_columns(a, written, names, g, err));
    for (int32_t i = 0; i < g->generated.n; i++) {
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(a->arena, g->generated.item[i], err));
        CH_TRY(ch_expr_list_add(a->arena, out, ref, err));
        CH_TRY(ch_attr_list_add(a->arena, &scope->generated, g->generated.item[i], err));
    }
    return ch_rel_list_add(a->arena, &scope->generates, &g->head, err);
}

ch_status ch_an_add_generates(ch_analyzer *a, const ch_an_scope *scope, ch_rel **input,
                              ch_error *err)
{
    for (int32_t i = 0; i < scope->generates.n; i++) {
        CH_TRY(set_input(a, (ch_rel_generate *)scope->generates.item[i], *input, err));
        *input = scope->generates.item[i];
    }
    return CH_OK;
}

typedef struct use {
    const ch_attr_list *attrs;
    bool found;
} use;

static ch_status find_use(void *user, ch_expr **child, ch_error *err)
{
    use *u = user;
    if ((*child)->kind == CH_EXPR_ATTRIBUTE) {
        u->found |=
            ch_attr_list_find(u->attrs, ((const ch_expr_attribute *)*child)->attr->id) != NULL;
        return CH_OK;
    }
    return ch_expr_map_children(NULL, child, find_use, u, err);
}

ch_status ch_an_generate_aggregate(ch_analyzer *a, const ch_rel *at, ch_rel *input,
                                   const ch_an_scope *scope, const ch_expr_list *grouping,
                                   const ch_expr_list *list, bool has_group_by, ch_rel **out,
                                   ch_error *err)
{
    ch_expr_list lower = {0}, upper = {0};
    ch_attr_list made;
    for (int32_t i = 0; i < list->n; i++) {
        use u = {&scope->generated, false};
        ch_expr *e = list->item[i];
        CH_TRY(find_use(&u, &e, err));
        if (!u.found) {
            ch_expr_list one = {&list->item[i], 1};
            CH_TRY(ch_make_output(a->arena, &one, &made, err));
            CH_TRY(ch_expr_list_add(a->arena, &lower, e, err));
            CH_AN_NEW(e, ch_make_ref(a->arena, made.item[0], err));
        }
        CH_TRY(ch_expr_list_add(a->arena, &upper, e, err));
    }
    for (int32_t i = 0; i < scope->generates.n; i++) {
        ch_rel_generate *g = (ch_rel_generate *)scope->generates.item[i];
        ch_expr_call *call;
        CH_AN_NEW(call, ch_expr_clone(a->arena, g->generator, err));
        ch_expr_list args = {0};
        for (int32_t k = 0; k < call->args.n; k++) {
            ch_expr *arg = call->args.item[k];
            if (!ch_expr_is_foldable(arg)) {
                char *name;
                CH_AN_NEW(name, ch_arena_printf(a->arena, err, "_gen_input_%d", k));
                CH_AN_NEW(arg, ch_make_alias(a->ctx, arg, name, err));
                ch_expr_list one = {&arg, 1};
                CH_TRY(ch_make_output(a->arena, &one, &made, err));
                CH_TRY(ch_expr_list_add(a->arena, &lower, arg, err));
                CH_AN_NEW(arg, ch_make_ref(a->arena, made.item[0], err));
            }
            CH_TRY(ch_expr_list_add(a->arena, &args, arg, err));
        }
        call->args = args;
        g->generator = &call->head;
    }
    ch_rel *below;
    CH_TRY(ch_an_make_aggregate(a, at, input, grouping, &lower, has_group_by, &below, err));
    CH_TRY(ch_an_add_generates(a, scope, &below, err));
    return ch_make_project(a->arena, below, &upper, out, err);
}

/* ---- LATERAL VIEW -------------------------------------------------------------------------------- */

ch_status ch_an_generate(ch_analyzer *a, const ch_rel_generate *in, ch_rel **out, ch_error *err)
{
    const ch_expr_unresolved_function *f = (const void *)in->generator;
    ch_rel_generate *g;
    ch_rel *input;
    CH_TRY(ch_an_rel(a, in->input, &input, err));
    const ch_func *func = ch_an_is_generator(a, in->generator);
    char *name;
    CH_AN_NEW(name, quoted_name(a, f->name, err));
    if (!func && ch_func_find(lower_name(a->arena, f->name, err)))
        CH_AN_FAIL(a, &f->head, err, NOT_GENERATOR, "functionName", name, "classCanonicalName",
                   "an ordinary function");
    if (!func)
        CH_AN_FAIL(a, &f->head, err, ROUTINE_NOT_FOUND, "routineName", name);
    CH_AN_NEW(g, ch_rel_clone(a->arena, &in->head, err));
    g->outer |= is_outer(func);
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "LATERAL VIEW");
    CH_TRY(bind_generator(a, &scope, f, func, &g->generator, err));
    CH_TRY(make_columns(a, &f->head, &in->columns, g, err));
    CH_TRY(set_input(a, g, input, err));
    *out = &g->head;
    return CH_OK;
}

/* ---- behind FROM ----------------------------------------------------------------------------------- */

/* A Generate for the function, over an input whose columns its arguments may use. */
static ch_status table_function(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *t,
                                ch_rel *input, bool lateral, ch_rel_generate **out, ch_error *err)
{
    char *name, *key;
    CH_TRY(ch_an_function_quoted(a, t->function_name, &name, err));
    CH_AN_NEW(key, lower_name(a->arena, t->function_name, err));
    const ch_func *func = ch_func_find(key);
    if (!func)
        CH_AN_FAIL(a, &t->head, err, UNRESOLVABLE_TVF, "name", name);
    if (!(func->flags & CH_FUNC_GENERATOR))
        CH_AN_FAIL(a, &t->head, err, NOT_A_TABLE_FUNCTION, "functionName", name);
    ch_expr_unresolved_function f = {
        .head = {.kind = CH_EXPR_UNRESOLVED_FUNCTION, .start = t->head.start, .stop = t->head.stop},
        .name = t->function_name,
        .args = t->arguments};
    ch_rel_generate *g;
    static const ch_str_list none;
    CH_AN_NEW(g, ch_rel_new(a->arena, CH_REL_GENERATE, err));
    g->head.start = t->head.start;
    g->head.stop = t->head.stop;
    g->outer = is_outer(func);
    ch_an_scope scope = ch_an_scope_of(a, lateral ? input : NULL, NULL, "FROM");
    CH_TRY(bind_generator(a, &scope, &f, func, &g->generator, err));
    CH_TRY(make_columns(a, &f.head, &none, g, err));
    CH_TRY(set_input(a, g, input, err));
    *out = g;
    return CH_OK;
}

/* What a program has brought under the name; NULL: nothing. *python is what it is called with, if it is in Python. */
static ch_status find_user(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *t,
                           const ch_user_function **out, const ch_python_udf **python,
                           ch_error *err)
{
    *out = NULL;
    *python = t->python;
    if (!t->python && !ch_an_is_range(&t->head))
        CH_TRY(ch_an_user_named(a, t->function_name, out, err));
    if (*out)
        *python = (*out)->python;
    return CH_OK;
}

ch_status ch_an_table_function(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *t,
                               ch_rel **out, ch_error *err)
{
    ch_rel *one;
    ch_rel_generate *g;
    const ch_user_function *user;
    const ch_python_udf *python;
    char *name;
    if (t->sql)
        return ch_an_sql_rows(a, t, t->sql, out, err);
    if (!t->python && ch_an_is_range(&t->head))
        return ch_an_range(a, t, out, err);
    CH_TRY(find_user(a, t, &user, &python, err));
    if (python)
        return ch_an_python_rows(a, t, python, NULL, NULL, false, out, err);
    if (user && user->sql)
        return ch_an_sql_rows(a, t, user->sql, out, err);
    if (user) {
        CH_AN_NEW(name, quoted_name(a, user->name, err));
        CH_AN_FAIL(a, &t->head, err, NOT_A_TABLE_FUNCTION, "functionName", name);
    }
    CH_AN_NEW(one, ch_rel_new(a->arena, CH_REL_ONE_ROW, err));
    one->output = (ch_attr_list){0};
    CH_TRY(table_function(a, t, one, false, &g, err));
    *out = &g->head;
    return CH_OK;
}

static bool is_true(const ch_expr *e)
{
    const ch_expr_literal *l = (const void *)e;
    return e && e->kind == CH_EXPR_LITERAL && l->value.type->id == CH_BOOLEAN &&
           !l->value.is_null && l->value.v.boolean;
}

/* Projects over a generator, as DataFrames have them: left, LATERAL (SELECT ... FROM generator(...)). */
static ch_status lateral_project(ch_analyzer *a, const ch_rel_join *j, ch_rel **out, ch_error *err)
{
    const ch_rel_project *p = (const void *)j->right;
    ch_rel_join inner = *j;
    ch_rel *left, *below;
    ch_expr_list list = {0}, chosen = {0};
    ch_attr_list right = {0};
    *out = NULL;
    if (!j->lateral || p->input == NULL || j->condition ||
        (j->join_type != CH_JOIN_INNER && j->join_type != CH_JOIN_CROSS))
        return CH_OK;
    CH_TRY(ch_an_rel(a, j->left, &left, err));
    inner.left = left;
    inner.right = p->input;
    CH_TRY(ch_an_lateral_generator(a, &inner, &below, err));
    if (!below)
        return CH_OK;
    for (int32_t i = left->output.n; i < below->output.n; i++)
        CH_TRY(ch_attr_list_add(a->arena, &right, below->output.item[i], err));
    ch_an_scope scope = {.outer = a->outer, .clause = "SELECT", .input = {p->input, left}};
    scope.tier[scope.n_tiers++] = &right;
    scope.tier[scope.n_tiers++] = &left->output;
    CH_TRY(ch_an_select_list(a, &scope, &p->expressions, &chosen, err));
    for (int32_t i = 0; i < chosen.n; i++)
        if (ch_expr_has_aggregate(chosen.item[i]) || ch_expr_has_window(chosen.item[i]))
            return CH_OK;
    if (scope.generates.n || scope.used_lateral)
        return CH_OK;
    CH_TRY(ch_make_refs(a->arena, &left->output, &list, err));
    for (int32_t i = 0; i < chosen.n; i++)
        CH_TRY(ch_expr_list_add(a->arena, &list, chosen.item[i], err));
    return ch_make_project(a->arena, below, &list, out, err);
}

/* A filter on the join's condition. */
static ch_status with_condition(ch_analyzer *a, const ch_rel_join *j, ch_rel **rel, ch_error *err)
{
    ch_expr *condition;
    ch_an_scope scope = ch_an_scope_of(a, *rel, NULL, "JOIN");
    CH_TRY(ch_an_expr(a, &scope, j->condition, &condition, err));
    CH_TRY(ch_an_check_filter(a, &j->head, &condition, err));
    return ch_make_filter(a->arena, *rel, condition, rel, err);
}

ch_status ch_an_lateral_generator(ch_analyzer *a, const ch_rel_join *j, ch_rel **out, ch_error *err)
{
    const ch_rel *right = j->right;
    const ch_rel_subquery_alias *alias = NULL;
    *out = NULL;
    if (right->kind == CH_REL_PROJECT)
        return lateral_project(a, j, out, err);
    if (right->kind == CH_REL_SUBQUERY_ALIAS) {
        alias = (const void *)right;
        right = alias->input;
    }
    /* LEFT JOIN without ON keeps no row alone in Spark 4. */
    bool left = j->join_type == CH_JOIN_LEFT_OUTER, on_true = is_true(j->condition);
    if (!j->lateral || right->kind != CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION ||
        ch_an_is_range(right) || j->natural || j->using_columns.n ||
        (left && j->condition && !on_true) ||
        (j->join_type != CH_JOIN_INNER && j->join_type != CH_JOIN_CROSS && !left))
        return CH_OK;
    ch_rel *input;
    ch_rel_generate *g;
    static const ch_str_list none;
    const ch_user_function *user;
    const ch_python_udf *python;
    const ch_rel_unresolved_table_valued_function *t = (const void *)right;
    CH_TRY(find_user(a, t, &user, &python, err));
    if (python ? !ch_an_python_is_lateral(t) : user != NULL)
        return CH_OK;
    CH_TRY(ch_an_rel(a, j->left, &input, err));
    if (python) {
        CH_TRY(ch_an_python_rows(a, t, python, alias, input, left && on_true, out, err));
        return !j->condition || on_true ? CH_OK : with_condition(a, j, out, err);
    }
    CH_TRY(table_function(a, (const void *)right, input, true, &g, err));
    g->outer |= left && on_true;
    g->alias = alias ? alias->alias : NULL;
    const ch_str_list *names = alias && alias->columns.n ? &alias->columns : &none;
    if (names->n && names->n != g->generated.n)
        CH_AN_FAIL(a, &alias->head, err, ALIAS_COUNT, "numExpr", CH_I64(names->n), "numTarget",
                   CH_I64(g->generated.n));
    CH_TRY(make_columns(a, g->generator, names, g, err));
    for (int32_t i = 0; left && i < g->generated.n; i++)
        ((ch_attr *)(uintptr_t)g->generated.item[i])->nullable = true;
    CH_TRY(set_input(a, g, input, err));
    *out = &g->head;
    return !j->condition || on_true ? CH_OK : with_condition(a, j, out, err);
}
