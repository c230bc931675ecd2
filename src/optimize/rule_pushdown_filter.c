/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_pushdown_filter.c - filters move toward the scans, through whatever lets them pass.
 *
 *   Filter over            becomes
 *   Filter                 one filter
 *   Project                Project over Filter, on what the columns are made of
 *   Generate               conjuncts over its input's columns go below
 *   Sort, Repartition      below it
 *   Deduplicate (all)      below it
 *   Aggregate              conjuncts over grouping columns go below
 *   Window                 conjuncts over its partition's columns go below
 *   Union, Intersect       into both sides; Except: into the left one
 *   Join                   conjuncts over one side go there where the type of join allows it;
 *                          in an inner join the rest joins the condition
 *   Scan                   conjuncts are told to the scan, which may skip rows; the filter stays, but for those that
 *                          a system outside answers itself
 *
 * Only deterministic conjuncts move. They keep their order.
 */
#include "column/batch.h"
#include "format/format.h"
#include "optimize/rewrite.h"
#include "plan/scan_predicate.h"

static bool can_move(const ch_expr *e)
{
    return ch_expr_is_deterministic(e) && !ch_has_subquery(e);
}

/* The filter's conjuncts that `test` says may go, and those that stay. */
typedef struct split {
    ch_expr_list go, stay;
} split;

static ch_status merge(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    const ch_rel_filter *upper = (const ch_rel_filter *)*rel;
    const ch_rel_filter *lower = (const ch_rel_filter *)upper->input;
    ch_expr_list parts = {0};
    CH_TRY(ch_conjuncts(ctx->arena, lower->condition, &parts, err));
    CH_TRY(ch_conjuncts(ctx->arena, upper->condition, &parts, err));
    ch_expr_list unique = {0};
    for (int32_t i = 0; i < parts.n; i++) {
        bool seen = false;
        for (int32_t k = 0; k < unique.n; k++)
            seen |= can_move(parts.item[i]) && ch_expr_equal(unique.item[k], parts.item[i]);
        if (!seen)
            CH_TRY(ch_expr_list_add(ctx->arena, &unique, parts.item[i], err));
    }
    *rel = lower->input;
    return ch_add_filter(ctx, &unique, rel, err);
}

static ch_status rebuild(const ch_analyze_context *ctx, const ch_rel *parent, ch_rel *input,
                         const split *s, ch_rel **rel, ch_error *err)
{
    CH_TRY(ch_with_input(ctx->arena, parent, input, rel, err));
    return ch_add_filter(ctx, &s->stay, rel, err);
}

/* ---- one input ------------------------------------------------------------------------------------------ */

static ch_status through_project(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                                 ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    const ch_rel_project *p = (const ch_rel_project *)f->input;
    ch_expr_list parts = {0};
    split s = {0};
    for (int32_t i = 0; i < p->expressions.n; i++)
        if (!can_move(p->expressions.item[i]))
            return CH_OK;
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        bool go = can_move(e);
        if (go)
            CH_TRY(ch_substitute(ctx->arena, &p->expressions, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, go ? &s.go : &s.stay, e, err));
    }
    if (!s.go.n)
        return CH_OK;
    ch_rel *input = p->input;
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &s.go, &input, err));
    return rebuild(ctx, &p->head, input, &s, rel, err);
}

/* Conjuncts that only look at what `over` passes on from its input. */
static ch_status past_new_columns(const ch_analyze_context *ctx, const ch_rel *over, ch_rel *input,
                                  ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_expr_list parts = {0};
    split s = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        bool go = can_move(e) && ch_uses_only(e, &input->output);
        CH_TRY(ch_expr_list_add(ctx->arena, go ? &s.go : &s.stay, e, err));
    }
    if (!s.go.n)
        return CH_OK;
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &s.go, &input, err));
    return rebuild(ctx, over, input, &s, rel, err);
}

static ch_status through_generate(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                                  ch_error *err)
{
    const ch_rel_generate *g = (const ch_rel_generate *)((const ch_rel_filter *)*rel)->input;
    return can_move(g->generator) ? past_new_columns(ctx, &g->head, g->input, rel, changed, err)
                                  : CH_OK;
}

/* What Python makes is made for fewer rows then. */
static ch_status through_python(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                                ch_error *err)
{
    const ch_rel_eval_python *p = (const ch_rel_eval_python *)((const ch_rel_filter *)*rel)->input;
    for (int32_t i = 0; i < p->functions.n; i++)
        if (!ch_expr_is_deterministic(p->functions.item[i]))
            return CH_OK;
    return past_new_columns(ctx, &p->head, p->input, rel, changed, err);
}

static ch_status through_aggregate(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                                   ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)f->input;
    if (!g->grouping.n)
        return CH_OK;
    ch_expr_list keys = {0}, parts = {0};
    ch_attr_list key_columns = {0};
    for (int32_t i = 0; i < g->aggregates.n; i++) {
        ch_expr *e = g->aggregates.item[i];
        const ch_expr *made = e->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)e)->child : e;
        bool is_key = false;
        for (int32_t k = 0; k < g->grouping.n; k++)
            is_key |= ch_expr_equal(made, g->grouping.item[k]);
        if (is_key && can_move(made)) {
            CH_TRY(ch_expr_list_add(ctx->arena, &keys, e, err));
            CH_TRY(ch_attr_list_add(ctx->arena, &key_columns, g->head.output.item[i], err));
        }
    }
    split s = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        bool go = can_move(e) && ch_uses_only(e, &key_columns) && ch_uses_any(e, &key_columns);
        if (go)
            CH_TRY(ch_substitute(ctx->arena, &keys, &e, err));
        CH_TRY(ch_expr_list_add(ctx->arena, go ? &s.go : &s.stay, e, err));
    }
    if (!s.go.n)
        return CH_OK;
    ch_rel *input = g->input;
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &s.go, &input, err));
    return rebuild(ctx, &g->head, input, &s, rel, err);
}

static ch_status through_window(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                                ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    const ch_rel_window *w = (const ch_rel_window *)f->input;
    ch_attr_list keys = {0};
    for (int32_t i = 0; i < w->partition.n; i++)
        if (w->partition.item[i]->kind == CH_EXPR_ATTRIBUTE)
            CH_TRY(ch_attr_list_add(ctx->arena, &keys,
                                    ((const ch_expr_attribute *)w->partition.item[i])->attr, err));
    ch_expr_list parts = {0};
    split s = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        bool go = can_move(e) && ch_uses_only(e, &keys) && ch_uses_any(e, &keys);
        CH_TRY(ch_expr_list_add(ctx->arena, go ? &s.go : &s.stay, e, err));
    }
    if (!s.go.n)
        return CH_OK;
    ch_rel_window *moved;
    CH_AN_NEW(moved, ch_rel_clone(ctx->arena, &w->head, err));
    CH_TRY(ch_add_filter(ctx, &s.go, &moved->input, err));
    *changed = true;
    *rel = &moved->head;
    return ch_add_filter(ctx, &s.stay, rel, err);
}

static ch_status below(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_expr_list parts = {0};
    split s = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++)
        CH_TRY(ch_expr_list_add(ctx->arena, can_move(parts.item[i]) ? &s.go : &s.stay,
                                parts.item[i], err));
    if (!s.go.n)
        return CH_OK;
    ch_rel *input = ch_only_input(f->input);
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &s.go, &input, err));
    return rebuild(ctx, f->input, input, &s, rel, err);
}

/* ---- two inputs ------------------------------------------------------------------------------------------- */

static ch_status through_set(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                             ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_rel_set_operation *set;
    ch_expr_list parts = {0}, left = {0}, right = {0};
    split s = {0};
    CH_AN_NEW(set, ch_rel_clone(ctx->arena, f->input, err));
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *l = parts.item[i], *r = l;
        if (!can_move(l)) {
            CH_TRY(ch_expr_list_add(ctx->arena, &s.stay, l, err));
            continue;
        }
        CH_TRY(ch_remap(ctx->arena, &set->head.output, &set->left->output, &l, err));
        CH_TRY(ch_remap(ctx->arena, &set->head.output, &set->right->output, &r, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &left, l, err));
        CH_TRY(ch_expr_list_add(ctx->arena, &right, r, err));
    }
    if (!left.n)
        return CH_OK;
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &left, &set->left, err));
    if (set->op != CH_SET_EXCEPT)
        CH_TRY(ch_add_filter(ctx, &right, &set->right, err));
    *rel = &set->head;
    return ch_add_filter(ctx, &s.stay, rel, err);
}

static ch_status through_join(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                              ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, f->input, err));
    ch_join_type type = j->join_type;
    bool inner = type == CH_JOIN_INNER || type == CH_JOIN_CROSS;
    bool to_left = type != CH_JOIN_RIGHT_OUTER && type != CH_JOIN_FULL_OUTER;
    bool to_right = inner || type == CH_JOIN_RIGHT_OUTER;
    ch_expr_list parts = {0}, left = {0}, right = {0}, both = {0}, stay = {0};
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        ch_expr_list *where = &stay;
        if (can_move(e)) {
            if (to_left && ch_uses_only(e, &j->left->output))
                where = &left;
            else if (to_right && ch_uses_only(e, &j->right->output))
                where = &right;
            else if (inner)
                where = &both;
        }
        CH_TRY(ch_expr_list_add(ctx->arena, where, e, err));
    }
    if (!left.n && !right.n && !both.n)
        return CH_OK;
    *changed = true;
    CH_TRY(ch_add_filter(ctx, &left, &j->left, err));
    CH_TRY(ch_add_filter(ctx, &right, &j->right, err));
    if (both.n) {
        ch_expr_list all = {0};
        if (j->condition)
            CH_TRY(ch_conjuncts(ctx->arena, j->condition, &all, err));
        for (int32_t i = 0; i < both.n; i++)
            CH_TRY(ch_expr_list_add(ctx->arena, &all, both.item[i], err));
        CH_TRY(ch_conjunction(ctx, &all, &j->condition, err));
        j->join_type = CH_JOIN_INNER;
    }
    *rel = &j->head;
    return ch_add_filter(ctx, &stay, rel, err);
}

/* ---- scans -------------------------------------------------------------------------------------------------- */

/* The conjuncts that a source answers as Spark has it do so leave the filter; *parts keeps the others. */
static ch_status ask_source(const ch_analyze_context *ctx, const ch_rel_scan *scan,
                            ch_expr_list *parts, ch_rel_scan **out, ch_error *err)
{
    const ch_func_context *func = ctx->func;
    ch_format_context format = {.time_zone = func->time_zone,
                                .ansi = func->ansi,
                                .case_sensitive = func->case_sensitive,
                                .n_slots = 1,
                                .batch_rows = CH_BATCH_ROWS,
                                .mem = ctx->arena->mem};
    ch_scan_spec spec = {.options = scan->options, .schema = scan->schema, .limit = -1};
    ch_expr_list stay = {0};
    ch_predicate *asked;
    *out = NULL;
    CH_ARENA_ARRAY(asked, ctx->arena, scan->n_asked + parts->n + 1, err);
    for (int32_t i = 0; i < scan->n_asked; i++)
        asked[i] = scan->asked[i];
    for (int32_t i = 0; i < parts->n; i++) {
        int32_t n = *out ? (*out)->n_asked : scan->n_asked;
        bool is = false, exact = false;
        if (can_move(parts->item[i]))
            CH_TRY(
                ch_scan_predicate(scan, parts->item[i], ctx->arena, &asked[n], &is, &exact, err));
        if (is && exact)
            CH_TRY(scan->format->answers(&format, &spec, &asked[n], &is, err));
        if (!is || !exact) {
            CH_TRY(ch_expr_list_add(ctx->arena, &stay, parts->item[i], err));
            continue;
        }
        if (!*out) {
            CH_AN_NEW(*out, ch_rel_clone(ctx->arena, &scan->head, err));
            (*out)->asked_of = (ch_expr_list){0};
            for (int32_t k = 0; k < scan->asked_of.n; k++)
                CH_TRY(
                    ch_expr_list_add(ctx->arena, &(*out)->asked_of, scan->asked_of.item[k], err));
        }
        (*out)->asked = asked;
        (*out)->n_asked = n + 1;
        CH_TRY(ch_expr_list_add(ctx->arena, &(*out)->asked_of, parts->item[i], err));
    }
    *parts = stay;
    return CH_OK;
}

static ch_status tell_scan(const ch_analyze_context *ctx, ch_rel **rel, bool *changed,
                           ch_error *err)
{
    const ch_rel_filter *f = (const ch_rel_filter *)*rel;
    const ch_rel_scan *scan = (const ch_rel_scan *)f->input;
    ch_expr_list parts = {0}, told = {0};
    if (scan->aggregate) /* these are conditions of groups */
        return CH_OK;
    CH_TRY(ch_conjuncts(ctx->arena, f->condition, &parts, err));
    if (scan->format && scan->format->answers && scan->limit < 0) {
        ch_rel_scan *asking;
        CH_TRY(ask_source(ctx, scan, &parts, &asking, err));
        if (asking) {
            *rel = &asking->head;
            *changed = true;
            return ch_add_filter(ctx, &parts, rel, err);
        }
    }
    for (int32_t i = 0; i < parts.n; i++)
        if (can_move(parts.item[i]))
            CH_TRY(ch_expr_list_add(ctx->arena, &told, parts.item[i], err));
    bool same = told.n == scan->pushed.n;
    for (int32_t i = 0; i < told.n && same; i++)
        same = ch_expr_equal(told.item[i], scan->pushed.item[i]);
    if (same)
        return CH_OK;
    ch_rel_scan *copy;
    CH_AN_NEW(copy, ch_rel_clone(ctx->arena, &scan->head, err));
    copy->pushed = told;
    *changed = true;
    return ch_with_input(ctx->arena, &f->head, &copy->head, rel, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    if ((*rel)->kind != CH_REL_FILTER)
        return CH_OK;
    ch_rel *input = ((const ch_rel_filter *)*rel)->input;
    switch (input->kind) {
    case CH_REL_FILTER:
        *changed = true;
        return merge(ctx, rel, err);
    case CH_REL_PROJECT:
        return through_project(ctx, rel, changed, err);
    case CH_REL_GENERATE:
        return through_generate(ctx, rel, changed, err);
    case CH_REL_EVAL_PYTHON:
        return through_python(ctx, rel, changed, err);
    case CH_REL_WINDOW:
        return through_window(ctx, rel, changed, err);
    case CH_REL_AGGREGATE:
        return through_aggregate(ctx, rel, changed, err);
    case CH_REL_SET_OPERATION:
        return through_set(ctx, rel, changed, err);
    case CH_REL_JOIN:
        return through_join(ctx, rel, changed, err);
    case CH_REL_SCAN:
        return tell_scan(ctx, rel, changed, err);
    case CH_REL_SORT:
        return ((const ch_rel_sort *)input)->limit < 0 ? below(ctx, rel, changed, err) : CH_OK;
    case CH_REL_DEDUPLICATE:
        return ((const ch_rel_deduplicate *)input)->all_columns_as_keys
                   ? below(ctx, rel, changed, err)
                   : CH_OK;
    case CH_REL_REPARTITION:
        return below(ctx, rel, changed, err);
    default:
        return CH_OK;
    }
}

const ch_rule ch_rule_pushdown_filter = {
    .name = "pushdown_filter",
    .doc = "Moves filters toward the scans, and tells the scans.",
    .apply = apply,
    .top_down = true,
};
