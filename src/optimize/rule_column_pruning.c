/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_column_pruning.c - columns that nobody above uses are not read, not joined, not sorted.
 *
 * One walk from the root, which carries the columns that are needed. Where an operator keeps rows (join,
 * sort, distinct, union), a project below it drops what only a filter needed.
 */
#include "optimize/rewrite.h"
#include "plan/plan_python.h"

static ch_status prune(const ch_analyze_context *ctx, ch_rel **rel, const ch_attr_list *needed,
                       bool exact, ch_error *err);

/* Those of the list that are needed. */
static ch_status only_needed(ch_arena *arena, const ch_attr_list *list, const ch_attr_list *needed,
                             ch_attr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_attr_list_find(needed, list->item[i]->id))
            CH_TRY(ch_attr_list_add(arena, out, list->item[i], err));
    return CH_OK;
}

static ch_status copy_needed(ch_arena *arena, const ch_attr_list *needed, ch_attr_list *out,
                             ch_error *err)
{
    *out = (ch_attr_list){0};
    for (int32_t i = 0; i < needed->n; i++)
        CH_TRY(ch_attr_list_add(arena, out, needed->item[i], err));
    return CH_OK;
}

/* A project that leaves the needed columns of what rel gives. */
static ch_status narrow(const ch_analyze_context *ctx, ch_rel **rel, const ch_attr_list *needed,
                        ch_error *err)
{
    ch_attr_list keep = {0};
    CH_TRY(only_needed(ctx->arena, &(*rel)->output, needed, &keep, err));
    if (keep.n == (*rel)->output.n)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &keep, &list, err));
    return ch_make_project(ctx->arena, *rel, &list, rel, err);
}

static ch_status prune_list(const ch_analyze_context *ctx, const ch_expr_list *list,
                            const ch_attr_list *output, const ch_attr_list *needed,
                            ch_expr_list *out, ch_attr_list *used, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        if (!ch_attr_list_find(needed, output->item[i]->id))
            continue;
        CH_TRY(ch_expr_list_add(ctx->arena, out, list->item[i], err));
        CH_TRY(ch_columns_used(ctx->arena, list->item[i], used, err));
    }
    return CH_OK;
}

static ch_status prune_project(const ch_analyze_context *ctx, ch_rel **rel,
                               const ch_attr_list *needed, ch_error *err)
{
    const ch_rel_project *p = (const ch_rel_project *)*rel;
    ch_expr_list list = {0};
    ch_attr_list used = {0};
    CH_TRY(prune_list(ctx, &p->expressions, &p->head.output, needed, &list, &used, err));
    ch_rel *input = p->input;
    CH_TRY(prune(ctx, &input, &used, false, err));
    return ch_make_project(ctx->arena, input, &list, rel, err);
}

static ch_status prune_aggregate(const ch_analyze_context *ctx, ch_rel **rel,
                                 const ch_attr_list *needed, ch_error *err)
{
    ch_rel_aggregate *g;
    CH_AN_NEW(g, ch_rel_clone(ctx->arena, *rel, err));
    ch_expr_list list = {0};
    ch_attr_list used = {0};
    CH_TRY(prune_list(ctx, &g->aggregates, &g->head.output, needed, &list, &used, err));
    if (!list.n && g->aggregates.n) { /* its rows are still counted */
        CH_TRY(ch_expr_list_add(ctx->arena, &list, g->aggregates.item[0], err));
        CH_TRY(ch_columns_used(ctx->arena, list.item[0], &used, err));
    }
    for (int32_t i = 0; i < g->grouping.n; i++)
        CH_TRY(ch_columns_used(ctx->arena, g->grouping.item[i], &used, err));
    g->aggregates = list;
    CH_TRY(ch_make_output(ctx->arena, &list, &g->head.output, err));
    CH_TRY(prune(ctx, &g->input, &used, false, err));
    *rel = &g->head;
    return CH_OK;
}

/* Functions that nobody asks for are not computed; without any, the window is gone. */
static ch_status prune_window(const ch_analyze_context *ctx, ch_rel **rel,
                              const ch_attr_list *needed, ch_error *err)
{
    ch_rel_window *w;
    ch_expr_list list = {0};
    ch_attr_list all;
    CH_AN_NEW(w, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(copy_needed(ctx->arena, needed, &all, err));
    for (int32_t i = 0; i < w->functions.n; i++) {
        ch_expr *e = w->functions.item[i];
        if (!ch_attr_list_find(needed, ((const ch_expr_alias *)e)->id))
            continue;
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
        CH_TRY(ch_columns_used(ctx->arena, e, &all, err));
    }
    if (!list.n && w->limit < 0) {
        *rel = w->input;
        return prune(ctx, rel, needed, false, err);
    }
    if (!list.n) {
        CH_TRY(ch_expr_list_add(ctx->arena, &list, w->functions.item[0], err));
        CH_TRY(ch_columns_used(ctx->arena, list.item[0], &all, err));
    }
    for (int32_t i = 0; i < w->partition.n; i++)
        CH_TRY(ch_columns_used(ctx->arena, w->partition.item[i], &all, err));
    for (int32_t i = 0; i < w->order.n; i++)
        CH_TRY(ch_columns_used(ctx->arena, w->order.item[i], &all, err));
    w->functions = list;
    ch_attr_list mine = {0};
    CH_TRY(only_needed(ctx->arena, &w->input->output, &all, &mine, err));
    /* Rows are kept: every column costs. */
    CH_TRY(prune(ctx, &w->input, &mine, true, err));
    *rel = &w->head;
    return ch_make_window_output(ctx->arena, w, err);
}

static ch_status prune_side(const ch_analyze_context *ctx, ch_rel **side,
                            const ch_attr_list *needed, ch_error *err)
{
    ch_attr_list mine = {0};
    CH_TRY(only_needed(ctx->arena, &(*side)->output, needed, &mine, err));
    /* A row without columns is hard to keep. */
    if (!mine.n && (*side)->output.n)
        CH_TRY(ch_attr_list_add(ctx->arena, &mine, (*side)->output.item[0], err));
    return prune(ctx, side, &mine, true, err);
}

static ch_status prune_join(const ch_analyze_context *ctx, ch_rel **rel, const ch_attr_list *needed,
                            ch_error *err)
{
    ch_rel_join *j;
    ch_attr_list all;
    CH_AN_NEW(j, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(copy_needed(ctx->arena, needed, &all, err));
    if (j->condition)
        CH_TRY(ch_columns_used(ctx->arena, j->condition, &all, err));
    CH_TRY(prune_side(ctx, &j->left, &all, err));
    CH_TRY(prune_side(ctx, &j->right, &all, err));
    *rel = &j->head;
    return ch_join_output(ctx->arena, j, err);
}

/* Columns of a union meet by position: both sides give the same positions, in order. */
static ch_status prune_union(const ch_analyze_context *ctx, ch_rel **rel,
                             const ch_attr_list *needed, ch_error *err)
{
    ch_rel_set_operation *u;
    ch_arena *arena = ctx->arena;
    ch_attr_list left = {0}, right = {0}, output = {0};
    CH_AN_NEW(u, ch_rel_clone(arena, *rel, err));
    for (int32_t i = 0; i < u->head.output.n; i++) {
        bool first = i == 0 && !needed->n;
        if (!first && !ch_attr_list_find(needed, u->head.output.item[i]->id))
            continue;
        CH_TRY(ch_attr_list_add(arena, &left, u->left->output.item[i], err));
        CH_TRY(ch_attr_list_add(arena, &right, u->right->output.item[i], err));
        CH_TRY(ch_attr_list_add(arena, &output, u->head.output.item[i], err));
    }
    for (int side = 0; side < 2; side++) {
        ch_rel **input = side ? &u->right : &u->left;
        const ch_attr_list *want = side ? &right : &left;
        CH_TRY(prune(ctx, input, want, false, err));
        bool same = (*input)->output.n == want->n;
        for (int32_t i = 0; i < want->n && same; i++)
            same = (*input)->output.item[i]->id == want->item[i]->id;
        if (same)
            continue;
        ch_expr_list list = {0};
        CH_TRY(ch_make_refs(arena, want, &list, err));
        CH_TRY(ch_make_project(arena, *input, &list, input, err));
    }
    u->head.output = output;
    *rel = &u->head;
    return CH_OK;
}

/* Below: all columns, which are known by their places. */
static ch_status prune_fixed(const ch_analyze_context *ctx, ch_rel **input, ch_error *err)
{
    ch_attr_list want = (*input)->output;
    CH_TRY(prune(ctx, input, &want, false, err));
    bool same = (*input)->output.n == want.n;
    for (int32_t i = 0; i < want.n && same; i++)
        same = (*input)->output.item[i]->id == want.item[i]->id;
    if (same)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &want, &list, err));
    return ch_make_project(ctx->arena, *input, &list, input, err);
}

static ch_status prune_recursion(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    ch_rel_recursion *r;
    CH_AN_NEW(r, ch_rel_clone(ctx->arena, *rel, err));
    *rel = &r->head;
    CH_TRY(prune_fixed(ctx, &r->anchor, err));
    return prune_fixed(ctx, &r->step, err);
}

static ch_status prune_shared(const ch_analyze_context *ctx, ch_rel **rel,
                              const ch_attr_list *needed, ch_error *err)
{
    ch_rel_shared *s;
    CH_AN_NEW(s, ch_rel_clone(ctx->arena, *rel, err));
    *rel = &s->head;
    CH_TRY(prune_fixed(ctx, &s->definition, err));
    CH_TRY(prune(ctx, &s->body, needed, false, err));
    s->head.output = s->body->output;
    return CH_OK;
}

static ch_status prune_scan(const ch_analyze_context *ctx, ch_rel **rel, const ch_attr_list *needed,
                            ch_error *err)
{
    ch_rel_scan *s;
    CH_AN_NEW(s, ch_rel_clone(ctx->arena, *rel, err));
    int32_t *wanted, n = 0;
    ch_attr_list output = {0};
    CH_ARENA_ARRAY(wanted, ctx->arena, s->head.output.n + 1, err);
    for (int32_t i = 0; i < s->head.output.n; i++)
        if (ch_attr_list_find(needed, s->head.output.item[i]->id)) {
            wanted[n++] = s->wanted[i];
            CH_TRY(ch_attr_list_add(ctx->arena, &output, s->head.output.item[i], err));
        }
    s->wanted = wanted;
    s->head.output = output;
    *rel = &s->head;
    return CH_OK;
}

/* What is needed of the input, and what the generator looks at. */
static ch_status prune_generate(const ch_analyze_context *ctx, ch_rel **rel,
                                const ch_attr_list *needed, ch_error *err)
{
    ch_rel_generate *g;
    ch_attr_list below = {0}, output = {0};
    CH_AN_NEW(g, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(only_needed(ctx->arena, &g->head.output, needed, &output, err));
    CH_TRY(only_needed(ctx->arena, &g->input->output, needed, &below, err));
    CH_TRY(ch_columns_used(ctx->arena, g->generator, &below, err));
    CH_TRY(prune(ctx, &g->input, &below, false, err));
    g->head.output = output;
    *rel = &g->head;
    return CH_OK;
}

/* The same of a table function, which is called even where nobody asks for its columns. */
static ch_status prune_table_python(const ch_analyze_context *ctx, ch_rel **rel,
                                    const ch_attr_list *needed, ch_error *err)
{
    ch_rel_table_python *t;
    ch_attr_list below = {0}, output = {0};
    CH_AN_NEW(t, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(only_needed(ctx->arena, &t->head.output, needed, &output, err));
    CH_TRY(only_needed(ctx->arena, &t->input->output, needed, &below, err));
    CH_TRY(ch_columns_used(ctx->arena, t->function, &below, err));
    CH_TRY(prune(ctx, &t->input, &below, false, err));
    t->head.output = output;
    *rel = &t->head;
    return CH_OK;
}

/* Functions that nobody asks for are not called. */
static ch_status prune_eval_python(const ch_analyze_context *ctx, ch_rel **rel,
                                   const ch_attr_list *needed, ch_error *err)
{
    ch_rel_eval_python *p;
    ch_expr_list list = {0};
    ch_attr_list below = {0}, output = {0}, made;
    CH_AN_NEW(p, ch_rel_clone(ctx->arena, *rel, err));
    CH_TRY(only_needed(ctx->arena, &p->input->output, needed, &output, err));
    CH_TRY(copy_needed(ctx->arena, &output, &below, err));
    for (int32_t i = 0; i < p->functions.n; i++) {
        ch_expr *e = p->functions.item[i];
        if (!ch_attr_list_find(needed, ((const ch_expr_alias *)e)->id))
            continue;
        CH_TRY(ch_expr_list_add(ctx->arena, &list, e, err));
        CH_TRY(ch_columns_used(ctx->arena, e, &below, err));
    }
    if (!list.n) {
        *rel = p->input;
        return prune(ctx, rel, needed, false, err);
    }
    CH_TRY(ch_make_output(ctx->arena, &list, &made, err));
    for (int32_t i = 0; i < made.n; i++)
        CH_TRY(ch_attr_list_add(ctx->arena, &output, made.item[i], err));
    CH_TRY(prune(ctx, &p->input, &below, false, err));
    p->functions = list;
    p->head.output = output;
    *rel = &p->head;
    return CH_OK;
}

/* The function sees all columns of its relation, and what a group is known by. */
static ch_status prune_groups(const ch_analyze_context *ctx, ch_rel **input,
                              const ch_expr_list *seen, const ch_expr_list *keys, ch_error *err)
{
    ch_attr_list below = {0};
    for (int32_t i = 0; i < seen->n; i++)
        CH_TRY(ch_columns_used(ctx->arena, seen->item[i], &below, err));
    for (int32_t i = 0; i < keys->n; i++)
        CH_TRY(ch_columns_used(ctx->arena, keys->item[i], &below, err));
    return prune(ctx, input, &below, false, err);
}

static ch_status prune_aggregate_python(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    ch_rel_aggregate_python *p;
    CH_AN_NEW(p, ch_rel_clone(ctx->arena, *rel, err));
    *rel = &p->head;
    return prune_groups(ctx, &p->input, &p->functions, &p->grouping, err);
}

/* Filter, Sort, Limit ...: what is needed above, and what they look at themselves. */
static ch_status prune_passing(const ch_analyze_context *ctx, ch_rel **rel,
                               const ch_attr_list *needed, ch_error *err)
{
    ch_attr_list all;
    ch_rel *input = ch_only_input(*rel);
    CH_TRY(copy_needed(ctx->arena, needed, &all, err));
    bool keeps_rows = (*rel)->kind == CH_REL_SORT;
    switch ((*rel)->kind) {
    case CH_REL_FILTER:
        CH_TRY(ch_columns_used(ctx->arena, ((const ch_rel_filter *)*rel)->condition, &all, err));
        break;
    case CH_REL_SORT: {
        const ch_expr_list *order = &((const ch_rel_sort *)*rel)->order;
        for (int32_t i = 0; i < order->n; i++)
            CH_TRY(ch_columns_used(ctx->arena, order->item[i], &all, err));
        break;
    }
    case CH_REL_REPARTITION: {
        const ch_expr_list *list = &((const ch_rel_repartition *)*rel)->expressions;
        for (int32_t i = 0; i < list->n; i++)
            CH_TRY(ch_columns_used(ctx->arena, list->item[i], &all, err));
        break;
    }
    case CH_REL_SAMPLE: /* sorted by all columns */
        if (((const ch_rel_sample *)*rel)->sorted)
            CH_TRY(copy_needed(ctx->arena, &input->output, &all, err));
        break;
    case CH_REL_DEDUPLICATE:
        CH_TRY(copy_needed(ctx->arena, &input->output, &all, err));
        keeps_rows = true;
        break;
    default:
        break;
    }
    CH_TRY(prune(ctx, &input, &all, keeps_rows, err));
    return ch_with_input(ctx->arena, *rel, input, rel, err);
}

static ch_status prune_all(void *user, ch_rel **input, ch_error *err)
{
    const ch_analyze_context *ctx = user;
    ch_attr_list all = (*input)->output;
    return prune(ctx, input, &all, false, err);
}

static ch_status prune(const ch_analyze_context *ctx, ch_rel **rel, const ch_attr_list *needed,
                       bool exact, ch_error *err)
{
    switch ((*rel)->kind) {
    case CH_REL_PROJECT:
        return prune_project(ctx, rel, needed, err);
    case CH_REL_AGGREGATE:
        CH_TRY(prune_aggregate(ctx, rel, needed, err));
        break;
    case CH_REL_WINDOW:
        CH_TRY(prune_window(ctx, rel, needed, err));
        break;
    case CH_REL_JOIN:
        CH_TRY(prune_join(ctx, rel, needed, err));
        break;
    case CH_REL_SET_OPERATION:
        if (((const ch_rel_set_operation *)*rel)->op == CH_SET_UNION)
            CH_TRY(prune_union(ctx, rel, needed, err));
        else
            CH_TRY(ch_rel_map_inputs(ctx->arena, rel, prune_all, (void *)ctx, err));
        break;
    case CH_REL_SHARED:
        CH_TRY(prune_shared(ctx, rel, needed, err));
        break;
    case CH_REL_RECURSION:
        CH_TRY(prune_recursion(ctx, rel, err));
        break;
    case CH_REL_GENERATE:
        return prune_generate(ctx, rel, needed, err);
    case CH_REL_TABLE_PYTHON:
        return prune_table_python(ctx, rel, needed, err);
    case CH_REL_EVAL_PYTHON:
        return prune_eval_python(ctx, rel, needed, err);
    case CH_REL_AGGREGATE_PYTHON:
        CH_TRY(prune_aggregate_python(ctx, rel, err));
        break;
    case CH_REL_SCAN:
        return prune_scan(ctx, rel, needed, err);
    default:
        if (ch_passes_columns(*rel))
            CH_TRY(prune_passing(ctx, rel, needed, err));
        else
            CH_TRY(ch_rel_map_inputs(ctx->arena, rel, prune_all, (void *)ctx, err));
    }
    return exact ? narrow(ctx, rel, needed, err) : CH_OK;
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    ch_attr_list all = (*rel)->output;
    *changed = true; /* projects may have nothing left to do */
    CH_TRY(prune(ctx, rel, &all, false, err));
    /* A filter at the root passes on what only it needed. */
    bool same = (*rel)->output.n == all.n;
    for (int32_t i = 0; i < all.n && same; i++)
        same = (*rel)->output.item[i]->id == all.item[i]->id;
    if (same)
        return CH_OK;
    ch_expr_list list = {0};
    CH_TRY(ch_make_refs(ctx->arena, &all, &list, err));
    return ch_make_project(ctx->arena, *rel, &list, rel, err);
}

const ch_rule ch_rule_column_pruning = {
    .name = "column_pruning",
    .doc = "Reads, joins and sorts only the columns that are used.",
    .apply = apply,
    .whole = true,
    .once = true,
};
