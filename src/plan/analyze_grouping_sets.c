/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_grouping_sets.c - ROLLUP, CUBE and GROUPING SETS, as the union of one aggregate per set.
 *
 * In the branch of a set the grouping expressions outside the set are NULL, except inside aggregate
 * functions, which always see the input.
 */
#include "plan/analyzer.h"

typedef struct set_rewriter {
    ch_analyzer *a;
    const ch_expr_list *grouping;
    const bool *in_set;
} set_rewriter;

/* One bit per expression, the first one highest: 1 where it is outside the set. */
static ch_status grouping_value(set_rewriter *r, ch_expr **expr, ch_error *err)
{
    const ch_expr_call *c = (const ch_expr_call *)*expr;
    const ch_expr_list *list = c->args.n ? &c->args : r->grouping;
    ch_scalar value = {.type = c->head.type};
    for (int32_t i = 0; i < list->n; i++) {
        int32_t at = -1;
        for (int32_t k = 0; k < r->grouping->n; k++)
            if (ch_expr_equal(list->item[i], r->grouping->item[k]))
                at = k;
        if (at < 0)
            CH_AN_FAIL(r->a, *expr, err, UNSUPPORTED_GROUPING);
        value.v.i64 = value.v.i64 << 1 | !r->in_set[at];
    }
    CH_AN_NEW(*expr, ch_make_literal(r->a->arena, &value, err));
    return CH_OK;
}

static ch_status null_outside_set(void *user, ch_expr **child, ch_error *err)
{
    set_rewriter *r = user;
    const ch_expr *e = *child;
    if (ch_an_is_grouping(e))
        return grouping_value(r, child, err);
    for (int32_t i = 0; i < r->grouping->n; i++) {
        if (!ch_expr_equal(r->grouping->item[i], e))
            continue;
        if (!r->in_set[i]) {
            ch_scalar null = {.type = e->type, .is_null = true};
            CH_AN_NEW(*child, ch_make_literal(r->a->arena, &null, err));
        }
        return CH_OK;
    }
    if (e->kind == CH_EXPR_CALL && (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE))
        return CH_OK;
    return ch_expr_map_children(r->a->arena, child, null_outside_set, r, err);
}

static ch_status branch(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel *input,
                        const ch_expr_list *grouping, const ch_expr_list *list, const bool *in_set,
                        ch_rel **out, ch_error *err)
{
    ch_expr_list keys = {0}, output = {0};
    set_rewriter r = {a, grouping, in_set};
    for (int32_t i = 0; i < grouping->n; i++)
        if (in_set[i])
            CH_TRY(ch_expr_list_add(a->arena, &keys, grouping->item[i], err));
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        const char *name = e->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)e)->names.item[0]
                                                    : ((const ch_expr_attribute *)e)->attr->name;
        if (e->kind == CH_EXPR_ALIAS)
            e = ((ch_expr_alias *)e)->child;
        CH_TRY(null_outside_set(&r, &e, err));
        CH_AN_NEW(e, ch_make_alias(a->ctx, e, name, err));
        CH_TRY(ch_expr_list_add(a->arena, &output, e, err));
    }
    return ch_an_make_aggregate(a, &g->head, input, &keys, &output, true, out, err);
}

static ch_status windows_over_sets(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel *input,
                                   const ch_expr_list *grouping, const ch_expr_list *list,
                                   ch_rel **out, ch_error *err);

static ch_status add_branch(ch_analyzer *a, ch_rel *next, ch_rel **whole, ch_error *err)
{
    if (!*whole) {
        *whole = next;
        return CH_OK;
    }
    ch_rel_set_operation *u;
    CH_AN_NEW(u, ch_rel_new(a->arena, CH_REL_SET_OPERATION, err));
    u->op = CH_SET_UNION;
    u->is_all = true;
    u->left = *whole;
    u->right = next;
    return ch_an_union_output(a, u, whole, err);
}

/* ---- window functions: computed above the union ------------------------------------------------------- */

typedef struct piece_finder {
    ch_analyzer *a;
    const ch_expr_list *grouping;
    ch_expr_list *list;       /* of the union: aliases */
    const ch_attr_list *have; /* second pass: the union's columns, one per item of list */
} piece_finder;

static const ch_expr *item_of(const ch_expr *e)
{
    return e->kind == CH_EXPR_ALIAS ? ((const ch_expr_alias *)e)->child : e;
}

static ch_status find_piece(void *user, ch_expr **child, ch_error *err);

static ch_status find_in_window(piece_finder *f, ch_expr **child, ch_error *err)
{
    ch_expr_window *w;
    CH_AN_NEW(w, ch_expr_clone(f->a->arena, *child, err));
    /* The function itself is computed above; what it looks at, below. */
    CH_TRY(ch_expr_map_children(f->a->arena, &w->function, find_piece, f, err));
    for (int list = 0; list < 2; list++) {
        ch_expr_list fresh = {0}, *old = list ? &w->order : &w->partition;
        for (int32_t i = 0; i < old->n; i++) {
            ch_expr *e = old->item[i];
            CH_TRY(find_piece(f, &e, err));
            CH_TRY(ch_expr_list_add(f->a->arena, &fresh, e, err));
        }
        *old = fresh;
    }
    *child = &w->head;
    return CH_OK;
}

/* Grouping expressions, aggregates and grouping() become columns of the union. */
static ch_status find_piece(void *user, ch_expr **child, ch_error *err)
{
    piece_finder *f = user;
    const ch_expr *e = *child;
    if (e->kind == CH_EXPR_WINDOW)
        return find_in_window(f, child, err);
    bool piece =
        ch_an_is_grouping(e) ||
        (e->kind == CH_EXPR_CALL && (((const ch_expr_call *)e)->func->flags & CH_FUNC_AGGREGATE));
    for (int32_t i = 0; i < f->grouping->n && !piece; i++)
        piece = ch_expr_equal(f->grouping->item[i], e);
    if (!piece)
        return ch_expr_map_children(f->a->arena, child, find_piece, f, err);
    int32_t at = 0;
    for (; at < f->list->n; at++) {
        if (ch_expr_equal(item_of(f->list->item[at]), e))
            break;
    }
    if (f->have) {
        CH_AN_NEW(*child, ch_make_ref(f->a->arena, f->have->item[at], err));
        return CH_OK;
    }
    if (at < f->list->n)
        return CH_OK;
    ch_expr *alias;
    CH_AN_NEW(alias, ch_make_alias(f->a->ctx, *child, "_w", err));
    return ch_expr_list_add(f->a->arena, f->list, alias, err);
}

static ch_status windows_over_sets(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel *input,
                                   const ch_expr_list *grouping, const ch_expr_list *list,
                                   ch_rel **out, ch_error *err)
{
    ch_expr_list lower = {0}, upper = {0};
    for (int32_t i = 0; i < list->n; i++)
        if (!ch_expr_has_window(list->item[i]))
            CH_TRY(ch_expr_list_add(a->arena, &lower, list->item[i], err));
    int32_t plain = 0;
    piece_finder f = {a, grouping, &lower, NULL};
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (ch_expr_has_window(e))
            CH_TRY(find_piece(&f, &e, err));
    }
    ch_rel *sets;
    CH_TRY(ch_an_grouping_sets(a, g, input, grouping, &lower, &sets, err));
    f.have = &sets->output;
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (ch_expr_has_window(e))
            CH_TRY(find_piece(&f, &e, err));
        else
            CH_AN_NEW(e, ch_make_ref(a->arena, sets->output.item[plain++], err));
        CH_TRY(ch_expr_list_add(a->arena, &upper, e, err));
    }
    return ch_an_project(a, sets, &upper, out, err);
}

ch_status ch_an_grouping_sets(ch_analyzer *a, const ch_rel_aggregate *g, ch_rel *input,
                              const ch_expr_list *grouping, const ch_expr_list *list, ch_rel **out,
                              ch_error *err)
{
    int32_t n = grouping->n;
    bool *in_set;
    if (ch_an_has_window(list))
        return windows_over_sets(a, g, input, grouping, list, out, err);
    if (g->group_type == CH_GROUP_PIVOT)
        CH_AN_FAIL(a, &g->head, err, INTERNAL, "message", "a pivot came here");
    if (g->group_type == CH_GROUP_CUBE && n > 12)
        CH_AN_FAIL(a, &g->head, err, UNSUPPORTED, "feature", "A CUBE of more than 12 columns");
    int32_t n_sets = g->group_type == CH_GROUP_ROLLUP ? n + 1
                     : g->group_type == CH_GROUP_CUBE ? 1 << n
                                                      : g->n_sets;
    *out = NULL;
    for (int32_t s = 0; s < n_sets; s++) {
        CH_ARENA_ARRAY(in_set, a->arena, n + 1, err);
        if (g->group_type == CH_GROUP_SETS)
            for (int32_t k = 0; k < g->set_len[s]; k++)
                in_set[g->sets[s][k]] = true;
        else
            for (int32_t i = 0; i < n; i++)
                in_set[i] = g->group_type == CH_GROUP_ROLLUP ? i < n - s : !(s >> (n - 1 - i) & 1);
        ch_rel *one;
        CH_TRY(branch(a, g, input, grouping, list, in_set, &one, err));
        CH_TRY(add_branch(a, one, out, err));
    }
    a->sets = (ch_an_sets){.rel = *out,
                           .g = g,
                           .input = input,
                           .result = *out,
                           .grouping = *grouping,
                           .list = *list,
                           .n_visible = list->n};
    return CH_OK;
}

/* ---- HAVING and ORDER BY above the union ------------------------------------------------------------- */

typedef struct mover {
    ch_analyzer *a;
    const ch_attr_list *from, *to; /* the union's columns before and now */
} mover;

static ch_status move_column(void *user, ch_expr **child, ch_error *err)
{
    mover *m = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(m->a->arena, child, move_column, m, err);
    const ch_attr *attr = ((const ch_expr_attribute *)*child)->attr;
    for (int32_t i = 0; i < m->from->n; i++)
        if (m->from->item[i]->id == attr->id) {
            CH_AN_NEW(*child, ch_make_ref(m->a->arena, m->to->item[i], err));
            return CH_OK;
        }
    if (ch_attr_list_find(m->to, attr->id) ||
        !ch_attr_list_find(&m->a->sets.input->output, attr->id))
        return CH_OK; /* a subquery's business */
    const char *name = attr->name;
    ch_str_list parts = {&name, 1};
    char *quoted, *proposal;
    ch_an_scope scope = {.tier = {m->to}, .n_tiers = 1};
    CH_AN_NEW(quoted, ch_names_quoted(m->a->arena, &parts, err));
    CH_TRY(ch_an_proposal(m->a, &scope, &parts, &proposal, err));
    CH_AN_FAIL(m->a, *child, err, UNRESOLVED_COLUMN_SUGGEST, "objectName", quoted, "proposal",
               proposal ? proposal : "");
}

/* grouping(k) of a column of the result: of what the column is. */
static ch_status argument(void *user, ch_expr **child, ch_error *err)
{
    const ch_an_sets *sets = user;
    CH_UNUSED(err);
    for (int32_t i = 0; (*child)->kind == CH_EXPR_ATTRIBUTE && i < sets->result->output.n; i++)
        if (sets->result->output.item[i]->id == ((const ch_expr_attribute *)*child)->attr->id) {
            *child = (ch_expr *)(uintptr_t)item_of(sets->list.item[i]);
            break;
        }
    return CH_OK;
}

typedef struct argument_finder {
    ch_analyzer *a;
    ch_an_sets *sets;
} argument_finder;

static ch_status arguments_of_grouping(void *user, ch_expr **child, ch_error *err)
{
    argument_finder *f = user;
    return ch_an_is_grouping(*child)
               ? ch_expr_map_children(f->a->arena, child, argument, f->sets, err)
               : ch_expr_map_children(f->a->arena, child, arguments_of_grouping, f, err);
}

ch_status ch_an_over_sets(ch_analyzer *a, ch_an_sets *sets, ch_expr_list *exprs, ch_rel **out,
                          ch_error *err)
{
    ch_expr_list lower = {0};
    const ch_an_sets before = *sets;
    for (int32_t i = 0; i < sets->list.n; i++)
        CH_TRY(ch_expr_list_add(a->arena, &lower, sets->list.item[i], err));
    piece_finder f = {a, &sets->grouping, &lower, NULL};
    argument_finder arguments = {a, sets};
    for (int32_t i = 0; i < exprs->n; i++) {
        CH_TRY(arguments_of_grouping(&arguments, &exprs->item[i], err));
        ch_expr *e = exprs->item[i];
        CH_TRY(find_piece(&f, &e, err));
    }
    if (lower.n > before.list.n) {
        CH_TRY(ch_an_grouping_sets(a, before.g, before.input, &before.grouping, &lower,
                                   &sets->result, err));
        *sets = a->sets;
        sets->n_visible = before.n_visible;
        sets->condition = before.condition;
    }
    f.have = &sets->result->output;
    mover m = {a, &before.result->output, &sets->result->output};
    for (int32_t i = 0; i < exprs->n; i++) {
        CH_TRY(find_piece(&f, &exprs->item[i], err));
        CH_TRY(move_column(&m, &exprs->item[i], err));
    }
    *out = sets->result;
    if (!sets->condition)
        return CH_OK;
    CH_TRY(move_column(&m, &sets->condition, err));
    return ch_make_filter(a->arena, sets->result, sets->condition, out, err);
}
