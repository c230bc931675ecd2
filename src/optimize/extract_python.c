/* SPDX-License-Identifier: Apache-2.0 */
/*
 * extract_python.c - calls of functions in Python out of expressions, into relations below them.
 *
 *   Project [(f(a) + 1) AS x]          Project [(pythonUDF0 + 1) AS x]
 *   +- Filter (g(b) > 2)               +- Filter (pythonUDF1 > 2)
 *                                         +- EvalPython [g(b) AS pythonUDF1] ...
 *
 * Before all rules: for them a value from Python is a column like another, which is neither computed twice
 * nor moved. Spark's ExtractPythonUDFs, ExtractPythonUDFFromAggregate and their kin, with these rules:
 *
 *   one EvalPython has functions of one kind; f(g(a)) of one kind is one call of the worker, unless f sees
 *   iterators; equal calls of deterministic functions are one
 *   in a join's condition, a call on one side's columns is made below that side; on both sides' columns,
 *   above the join, if that is an inner one
 */
#include <stdio.h>
#include <string.h>

#include "optimize/python_groups.h"
#include "plan/plan_python.h"
#include "python/udf.h"

typedef struct extraction {
    const ch_analyze_context *ctx;
    ch_arena *arena;
} extraction;

static const ch_python_udf *udf_of(const ch_expr *e)
{
    const ch_expr_call *c = (const void *)e;
    return e->kind == CH_EXPR_CALL && c->func && (c->func->flags & CH_FUNC_PYTHON)
               ? (const ch_python_udf *)(const void *)c->func
               : NULL;
}

static bool is_scalar(const ch_expr *e)
{
    const ch_python_udf *udf = udf_of(e);
    return udf && ch_python_is_scalar(udf->eval_type);
}

static bool is_python(const ch_expr *e)
{
    return udf_of(e) != NULL;
}

static bool is_aggregate(const ch_expr *e)
{
    return e->kind == CH_EXPR_CALL && (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE);
}

/* ---- looking ------------------------------------------------------------------------------ */

typedef struct search {
    bool (*test)(const ch_expr *e);
    bool found;
} search;

static ch_status look(void *user, ch_expr **e, ch_error *err)
{
    search *s = user;
    s->found = s->found || s->test(*e);
    return s->found ? CH_OK : ch_expr_map_children(NULL, e, look, s, err);
}

/* Nothing is changed, so nothing is allocated. */
static bool has(const ch_expr *e, bool (*test)(const ch_expr *e))
{
    search s = {test, false};
    ch_expr *at = (ch_expr *)(uintptr_t)e;
    return look(&s, &at, NULL) == CH_OK && s.found;
}

static bool list_has(const ch_expr_list *list, bool (*test)(const ch_expr *e))
{
    for (int32_t i = 0; i < list->n; i++)
        if (has(list->item[i], test))
            return true;
    return false;
}

static bool rel_has(const ch_rel *rel, bool (*test)(const ch_expr *e))
{
    search s = {test, false};
    ch_rel *at = (ch_rel *)(uintptr_t)rel;
    return ch_rel_map_exprs(NULL, &at, look, &s, NULL) == CH_OK && s.found;
}

/* May a worker make the call as it is? *kind 0: of any kind; it becomes the call's. */
static bool is_ready(const ch_expr *e, int32_t kind)
{
    const ch_expr_call *c = (const void *)e;
    const ch_python_udf *udf = udf_of(e);
    if (kind && udf->eval_type != kind)
        return false;
    const ch_python_udf *inner = c->args.n == 1 ? udf_of(c->args.item[0]) : NULL;
    if (inner && inner->eval_type == udf->eval_type && !ch_python_is_iterator(udf->eval_type))
        return is_ready(c->args.item[0], udf->eval_type);
    return !list_has(&c->args, is_scalar);
}

/* ---- collecting ready calls, and replacing them ------------------------------------------- */

typedef struct collector {
    extraction *x;
    const ch_attr_list *input; /* calls on other columns are left */
    int32_t kind;              /* of the calls found; 0: none yet */
    ch_expr_list functions;    /* Aliases */
    ch_attr_list made;         /* their columns */
    bool aggregates;           /* calls inside of aggregate functions are looked for, too */
} collector;

static int32_t position_of(const collector *c, const ch_expr *e)
{
    for (int32_t i = 0; i < c->functions.n; i++) {
        const ch_expr *one = ((const ch_expr_alias *)c->functions.item[i])->child;
        if (one == e || (ch_expr_is_deterministic(e) && ch_expr_equal(one, e)))
            return i;
    }
    return -1;
}

static ch_status add_function(collector *c, ch_expr *e, ch_error *err)
{
    char *name;
    ch_expr *alias;
    CH_AN_NEW(name, ch_arena_printf(c->x->arena, err, "pythonUDF%d", c->functions.n));
    CH_AN_NEW(alias, ch_make_alias(c->x->ctx, e, name, err));
    CH_TRY(ch_expr_list_add(c->x->arena, &c->functions, alias, err));
    return ch_make_output(c->x->arena, &c->functions, &c->made, err);
}

static ch_status collect(void *user, ch_expr **child, ch_error *err)
{
    collector *c = user;
    ch_expr *e = *child;
    if (is_scalar(e) && is_ready(e, c->kind) && ch_uses_only(e, c->input) &&
        !has(e, is_aggregate)) {
        const ch_python_udf *udf = udf_of(e);
        /* A function of iterators is alone. */
        bool alone = c->functions.n && ch_python_is_iterator(udf->eval_type);
        c->kind = udf->eval_type;
        return position_of(c, e) >= 0 || alone ? CH_OK : add_function(c, e, err);
    }
    return ch_expr_map_children(NULL, child, collect, c, err);
}

static ch_status replace(void *user, ch_expr **child, ch_error *err)
{
    collector *c = user;
    int32_t at = is_scalar(*child) ? position_of(c, *child) : -1;
    if (at < 0)
        return ch_expr_map_children(c->x->arena, child, replace, c, err);
    CH_AN_NEW(*child, ch_make_ref(c->x->arena, c->made.item[at], err));
    return CH_OK;
}

/* p on top of *input; but a filter that looks at the query around a subquery stays on top. */
static ch_status put_on(extraction *x, ch_rel_eval_python *p, const ch_attr_list *made,
                        ch_rel **input, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*input;
    if (f->head.kind == CH_REL_FILTER && !ch_uses_only(f->condition, &f->input->output)) {
        ch_rel_filter *copy;
        CH_AN_NEW(copy, ch_rel_clone(x->arena, *input, err));
        CH_TRY(put_on(x, p, made, &copy->input, err));
        copy->head.output = copy->input->output;
        *input = &copy->head;
        return CH_OK;
    }
    p->input = *input;
    p->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < (*input)->output.n; i++)
        CH_TRY(ch_attr_list_add(x->arena, &p->head.output, (*input)->output.item[i], err));
    for (int32_t i = 0; i < made->n; i++)
        CH_TRY(ch_attr_list_add(x->arena, &p->head.output, made->item[i], err));
    *input = &p->head;
    return CH_OK;
}

/* Puts an EvalPython on top of *input for calls in rel's expressions that it can make; *found is whether. */
static ch_status step(extraction *x, ch_rel **rel, ch_rel **input, bool *found, ch_error *err)
{
    collector c = {.x = x, .input = &(*input)->output};
    ch_rel_eval_python *p;
    ch_rel *at = *rel;
    CH_TRY(ch_rel_map_exprs(NULL, &at, collect, &c, err));
    *found = c.functions.n > 0;
    if (!*found)
        return CH_OK;
    CH_AN_NEW(p, ch_rel_new(x->arena, CH_REL_EVAL_PYTHON, err));
    p->functions = c.functions;
    CH_TRY(put_on(x, p, &c.made, input, err));
    return ch_rel_map_exprs(x->arena, rel, replace, &c, err);
}

/* All calls in rel's expressions on columns of this input. */
static ch_status all_steps(extraction *x, ch_rel **rel, ch_rel **input, ch_error *err)
{
    bool found = true;
    while (found)
        CH_TRY(step(x, rel, input, &found, err));
    return CH_OK;
}

/* ---- relations with one input ------------------------------------------------------------- */

static ch_status not_here(const ch_rel *rel, ch_error *err)
{
    char text[128];
    snprintf(text, sizeof text, "A Python function in %s", ch_rel_class(rel->kind)->name);
    CH_FAIL(err, UNSUPPORTED, "feature", text);
}

/* Only these columns, in this order. */
static ch_status restore(extraction *x, const ch_attr_list *output, ch_rel **rel, ch_error *err)
{
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(x->arena, output, &list, err));
    return ch_make_project(x->arena, *rel, &list, rel, err);
}

static ch_status one_input(extraction *x, ch_rel **rel, ch_error *err)
{
    ch_rel *input = ch_only_input(*rel), *was = input;
    ch_attr_list output = (*rel)->output;
    if (!input)
        return not_here(*rel, err);
    CH_TRY(all_steps(x, rel, &input, err));
    bool groups = (*rel)->kind == CH_REL_AGGREGATE || (*rel)->kind == CH_REL_WINDOW ||
                  (*rel)->kind == CH_REL_TABLE_PYTHON; /* its own function stays */
    if (rel_has(*rel, groups ? is_scalar : is_python))
        return not_here(*rel, err);
    if (input == was)
        return CH_OK;
    CH_TRY(ch_with_input(x->arena, *rel, input, rel, err));
    switch ((*rel)->kind) {
    case CH_REL_PROJECT:
    case CH_REL_AGGREGATE:
    case CH_REL_GENERATE:
    case CH_REL_TABLE_PYTHON:
        return CH_OK; /* they say what they give */
    case CH_REL_WINDOW:
        CH_TRY(ch_make_window_output(x->arena, (ch_rel_window *)*rel, err));
        break;
    case CH_REL_COLLECT_METRICS:
        (*rel)->output = input->output;
        break;
    default:
        if (!ch_passes_columns(*rel))
            return not_here(*rel, err);
    }
    return restore(x, &output, rel, err);
}

/* ---- joins -------------------------------------------------------------------------------- */

static const char *join_name(ch_join_type type)
{
    static const char *const NAME[] = {"INNER",     "FULL OUTER", "LEFT OUTER", "RIGHT OUTER",
                                       "LEFT ANTI", "LEFT SEMI",  "CROSS",      "LEFT SEMI"};
    return NAME[type];
}

/* Conjuncts with calls on both sides' columns are for a filter above. */
static ch_status split_condition(extraction *x, ch_rel_join *j, ch_expr_list *above, ch_error *err)
{
    ch_expr_list parts = {0}, stay = {0};
    CH_TRY(ch_conjuncts(x->arena, j->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++)
        CH_TRY(ch_expr_list_add(x->arena, has(parts.item[i], is_scalar) ? above : &stay,
                                parts.item[i], err));
    if (!above->n)
        return CH_OK;
    if (j->join_type != CH_JOIN_INNER && j->join_type != CH_JOIN_CROSS)
        CH_FAIL(err, PYTHON_UDF_IN_ON_CLAUSE, "joinType", join_name(j->join_type));
    j->condition = NULL;
    if (stay.n)
        CH_TRY(ch_conjunction(x->ctx, &stay, &j->condition, err));
    return CH_OK;
}

static ch_status join(extraction *x, ch_rel **rel, ch_error *err)
{
    ch_attr_list output = (*rel)->output;
    ch_rel_join *j;
    ch_expr_list above = {0};
    CH_AN_NEW(j, ch_rel_clone(x->arena, *rel, err));
    ch_rel *at = &j->head, *left = j->left, *right = j->right;
    CH_TRY(all_steps(x, &at, &left, err));
    CH_TRY(all_steps(x, &at, &right, err));
    j = (ch_rel_join *)at;
    j->left = left;
    j->right = right;
    if (j->condition)
        CH_TRY(split_condition(x, j, &above, err));
    CH_TRY(ch_join_output(x->arena, j, err));
    *rel = &j->head;
    if (above.n) {
        CH_TRY(ch_add_filter(x->ctx, &above, rel, err));
        CH_TRY(one_input(x, rel, err));
    }
    return restore(x, &output, rel, err);
}

/* ---- aggregates --------------------------------------------------------------------------- */

/* Is there a call over what the aggregate gives? */
static bool is_above(const ch_expr *e, const ch_expr_list *grouping)
{
    const ch_node_class *cls = ch_expr_class(e->kind);
    if (is_aggregate(e) || ch_expr_list_has(grouping, e))
        return false;
    if (is_scalar(e))
        return true;
    for (int i = 0; i < cls->n_fields; i++) {
        const char *at = (const char *)e + cls->field[i].offset;
        if (cls->field[i].kind == CH_NODE_EXPR && *(ch_expr *const *)at &&
            is_above(*(ch_expr *const *)at, grouping))
            return true;
        const ch_expr_list *list = (const void *)at;
        for (int32_t k = 0; cls->field[i].kind == CH_NODE_EXPR_LIST && k < list->n; k++)
            if (is_above(list->item[k], grouping))
                return true;
    }
    return false;
}

static bool any_above(const ch_expr_list *list, const ch_expr_list *grouping)
{
    for (int32_t i = 0; i < list->n; i++)
        if (is_above(list->item[i], grouping))
            return true;
    return false;
}

static bool is_python_aggregate(const ch_expr *e)
{
    return udf_of(e) && is_aggregate(e);
}

static ch_status aggregate(extraction *x, ch_rel **rel, ch_error *err)
{
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)*rel;
    if (any_above(&g->aggregates, &g->grouping)) {
        ch_expr_list above = g->aggregates, made;
        ch_rel_aggregate *below;
        CH_TRY(ch_python_split(x->ctx, &g->grouping, &above, &made, err));
        CH_AN_NEW(below, ch_rel_clone(x->arena, *rel, err));
        below->aggregates = made;
        CH_TRY(ch_make_output(x->arena, &made, &below->head.output, err));
        ch_rel *input = &below->head;
        CH_TRY(aggregate(x, &input, err));
        CH_TRY(ch_make_project(x->arena, input, &above, rel, err));
        return one_input(x, rel, err);
    }
    if (rel_has(*rel, is_scalar))
        CH_TRY(one_input(x, rel, err));
    g = (const ch_rel_aggregate *)*rel;
    return list_has(&g->aggregates, is_python_aggregate) ? ch_python_aggregate(x->ctx, g, rel, err)
                                                         : CH_OK;
}

/* ---- windows ------------------------------------------------------------------------------ */

static ch_status window(extraction *x, ch_rel **rel, ch_error *err)
{
    ch_attr_list output = (*rel)->output;
    ch_rel_window *w;
    CH_AN_NEW(w, ch_rel_clone(x->arena, *rel, err));
    ch_rel *at = &w->head;
    CH_TRY(all_steps(x, &at, &((ch_rel_window *)at)->input, err));
    w = (ch_rel_window *)at;
    CH_TRY(ch_make_window_output(x->arena, w, err));
    *rel = &w->head;
    if (list_has(&w->functions, is_python_aggregate))
        CH_TRY(ch_python_window(x->ctx, w, rel, err));
    if (rel_has(*rel, is_scalar))
        return not_here(*rel, err);
    return restore(x, &output, rel, err);
}

/* ---- the plan ----------------------------------------------------------------------------- */

static ch_status walk(void *user, ch_rel **rel, ch_error *err);

/* Plans of subqueries. */
static ch_status walk_expr(void *user, ch_expr **e, ch_error *err)
{
    extraction *x = user;
    CH_TRY(ch_expr_map_children(x->arena, e, walk_expr, x, err));
    const ch_expr_subquery *s = (const void *)*e;
    if (s->head.kind != CH_EXPR_SUBQUERY || !s->plan)
        return CH_OK;
    ch_rel *plan = s->plan;
    CH_TRY(walk(x, &plan, err));
    if (plan != s->plan) {
        ch_expr_subquery *copy;
        CH_AN_NEW(copy, ch_expr_clone(x->arena, *e, err));
        copy->plan = plan;
        *e = &copy->head;
    }
    return CH_OK;
}

static ch_status walk(void *user, ch_rel **rel, ch_error *err)
{
    extraction *x = user;
    CH_TRY(ch_rel_map_inputs(x->arena, rel, walk, x, err));
    CH_TRY(ch_rel_map_exprs(x->arena, rel, walk_expr, x, err));
    switch ((*rel)->kind) {
    case CH_REL_GROUP_MAP: {
        ch_rel_group_map *m;
        CH_AN_NEW(m, ch_rel_clone(x->arena, *rel, err));
        CH_TRY(ch_python_groups(x->ctx, &m->input, &m->grouping, NULL, err));
        *rel = &m->head;
        return CH_OK;
    }
    case CH_REL_CO_GROUP_MAP:
        return ch_python_cogroup(x->ctx, (const ch_rel_co_group_map *)*rel, rel, err);
    case CH_REL_MAP_PARTITIONS:
    case CH_REL_EVAL_PYTHON:
    case CH_REL_AGGREGATE_PYTHON:
        return CH_OK;
    default:
        break;
    }
    if (!rel_has(*rel, is_python))
        return CH_OK;
    switch ((*rel)->kind) {
    case CH_REL_JOIN:
        return join(x, rel, err);
    case CH_REL_AGGREGATE:
        return aggregate(x, rel, err);
    case CH_REL_WINDOW:
        return window(x, rel, err);
    default:
        return one_input(x, rel, err);
    }
}

ch_status ch_extract_python(const ch_analyze_context *ctx, ch_rel **plan, ch_error *err)
{
    extraction x = {ctx, ctx->arena};
    return walk(&x, plan, err);
}
