/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_recursion.c - WITH RECURSIVE r AS (anchor UNION ALL step): step names r, and means by it the rows
 * that the step before gave.
 *
 *   Recursion ─┬─ anchor
 *              └─ step ── ... RecursionRef
 *
 * The anchor says the columns' types; a step of other types is refused unless they fit into them.
 */
#include "plan/analyzer.h"

static ch_status output_of(ch_analyzer *a, const ch_rel_subquery_alias *def, const ch_rel *anchor,
                           ch_attr_list *out, ch_error *err)
{
    const ch_attr_list *in = &anchor->output;
    *out = (ch_attr_list){0};
    if (def->columns.n && def->columns.n != in->n)
        CH_AN_FAIL(a, &def->head, err, ALIAS_COUNT, "numExpr", CH_I64(def->columns.n), "numTarget",
                   CH_I64(in->n));
    for (int32_t i = 0; i < in->n; i++) {
        const char *name = def->columns.n ? def->columns.item[i] : in->item[i]->name;
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, name, in->item[i]->type, true, err));
        CH_TRY(ch_attr_list_add(a->arena, out, attr, err));
    }
    return CH_OK;
}

ch_status ch_an_recursion_ref(ch_analyzer *a, ch_an_cte *cte, const ch_rel *at, ch_rel **out,
                              ch_error *err)
{
    ch_rel_recursion_ref *ref;
    if (cte->state != CH_CTE_STEP)
        CH_AN_FAIL(a, at, err, INVALID_RECURSIVE_CTE);
    CH_AN_NEW(ref, ch_rel_new(a->arena, CH_REL_RECURSION_REF, err));
    ref->head.start = at->start;
    ref->head.stop = at->stop;
    ref->rows = cte->rows;
    ref->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < cte->columns.n; i++) {
        const ch_attr *c = cte->columns.item[i];
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, c->name, c->type, true, err));
        CH_TRY(ch_attr_list_add(a->arena, &ref->head.output, attr, err));
    }
    cte->referenced = true;
    *out = &ref->head;
    return CH_OK;
}

/* ---- where a reference may stand ------------------------------------------------------------- */

typedef struct place {
    const struct ch_recursion_rows *rows;
    bool found, wrong;
} place;

static ch_status look(void *user, ch_rel **rel, ch_error *err);

/* Queries inside of expressions. */
static ch_status look_expr(void *user, ch_expr **e, ch_error *err)
{
    if ((*e)->kind == CH_EXPR_SUBQUERY)
        CH_TRY(look(user, &((ch_expr_subquery *)*e)->plan, err));
    return ch_expr_map_children(NULL, e, look_expr, user, err);
}

static ch_status find(void *user, ch_rel **rel, ch_error *err)
{
    place *p = user;
    if ((*rel)->kind == CH_REL_RECURSION_REF)
        p->found |= ((const ch_rel_recursion_ref *)*rel)->rows == p->rows;
    return p->found ? CH_OK : ch_rel_map_inputs(NULL, rel, find, p, err);
}

static bool is_in(const place *p, ch_rel *rel)
{
    place below = {.rows = p->rows};
    return find(&below, &rel, NULL) != CH_OK || below.found;
}

static ch_status look(void *user, ch_rel **rel, ch_error *err)
{
    place *p = user;
    const ch_rel_join *j = (const ch_rel_join *)*rel;
    if (j->head.kind == CH_REL_WINDOW)
        p->wrong |= is_in(p, ((const ch_rel_window *)*rel)->input);
    if (j->head.kind == CH_REL_AGGREGATE)
        p->wrong |= is_in(p, ((const ch_rel_aggregate *)*rel)->input);
    if (j->head.kind == CH_REL_JOIN) {
        bool full = j->join_type == CH_JOIN_FULL_OUTER;
        bool keeps_left = full || j->join_type == CH_JOIN_LEFT_OUTER ||
                          j->join_type == CH_JOIN_LEFT_SEMI || j->join_type == CH_JOIN_LEFT_ANTI;
        bool keeps_right = full || j->join_type == CH_JOIN_RIGHT_OUTER;
        p->wrong |= keeps_left && is_in(p, j->right);
        p->wrong |= keeps_right && is_in(p, j->left);
    }
    CH_TRY(ch_rel_map_exprs(NULL, rel, look_expr, p, err));
    return ch_rel_map_inputs(NULL, rel, look, p, err);
}

/* ---- the parts ------------------------------------------------------------------------------- */

/* Step's columns as the anchor's types. */
static ch_status fit(ch_analyzer *a, const ch_rel *at, const ch_attr_list *to, ch_rel **step,
                     ch_error *err)
{
    bool same = true;
    ch_expr_list list = {0}, refs = {0};
    if ((*step)->output.n != to->n)
        CH_AN_FAIL(a, at, err, NUM_COLUMNS_MISMATCH, "operator", "UNION", "firstNumColumns",
                   CH_I64(to->n), "invalidOrdinalNum", "second", "invalidNumColumns",
                   CH_I64((*step)->output.n));
    CH_TRY(ch_make_refs(a->arena, &(*step)->output, &refs, err));
    for (int32_t i = 0; i < to->n; i++) {
        const ch_type *type = to->item[i]->type, *common;
        ch_expr *e = refs.item[i], *pair[2] = {e, e};
        ch_expr *first;
        if (e->type != type) {
            CH_AN_NEW(first, ch_make_ref(a->arena, to->item[i], err));
            pair[0] = first;
            CH_TRY(ch_an_common_type(a, pair, 2, 1, &common, err));
            if (common != type || ch_type_is_string(type) != ch_type_is_string(e->type)) {
                char *left, *right;
                CH_AN_NEW(left, ch_type_quoted(a->arena, type, err));
                CH_AN_NEW(right, ch_type_quoted(a->arena, e->type, err));
                CH_AN_FAIL(a, at, err, CANNOT_MERGE_TYPES, "left", left, "right", right);
            }
            CH_TRY(ch_make_cast(a->arena, &e, type, err));
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, to->item[i]->name, err));
            same = false;
        }
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return same ? CH_OK : ch_make_project(a->arena, *step, &list, step, err);
}

/* The same WITH around a part of what it stands around. */
static ch_status within(ch_analyzer *a, const ch_rel *whole, ch_rel *part, ch_rel **out,
                        ch_error *err)
{
    ch_rel_with *w;
    *out = part;
    if (whole->kind != CH_REL_WITH)
        return CH_OK;
    CH_AN_NEW(w, ch_rel_clone(a->arena, whole, err));
    CH_TRY(within(a, w->input, part, &w->input, err));
    *out = &w->head;
    return CH_OK;
}

/* UNION at the top of the definition, as it was written; NULL: something else is there. */
static const ch_rel_set_operation *union_of(const ch_rel *rel)
{
    while (rel->kind == CH_REL_WITH)
        rel = ((const ch_rel_with *)rel)->input;
    const ch_rel_set_operation *s = (const ch_rel_set_operation *)rel;
    return rel->kind == CH_REL_SET_OPERATION && s->op == CH_SET_UNION ? s : NULL;
}

ch_status ch_an_recursion(ch_analyzer *a, ch_an_cte *cte, ch_rel **out, ch_error *err)
{
    const ch_rel_subquery_alias *def = cte->def;
    const ch_rel_set_operation *u = union_of(def->input);
    ch_rel_recursion *r;
    ch_rel *anchor, *step, *written = def->input;
    *out = NULL;
    cte->state = CH_CTE_ANCHOR;
    cte->referenced = false;
    if (u)
        CH_TRY(within(a, def->input, u->left, &written, err));
    CH_TRY(ch_an_input(a, written, &anchor, err));
    if (!u)
        return CH_OK;
    CH_ARENA_NEW(cte->rows, a->arena, err);
    CH_TRY(output_of(a, def, anchor, &cte->columns, err));
    ch_attr_list columns = cte->columns;
    struct ch_recursion_rows *rows = cte->rows;
    cte->state = CH_CTE_STEP;
    CH_TRY(within(a, def->input, u->right, &written, err));
    CH_TRY(ch_an_input(a, written, &step, err));
    if (!cte->referenced)
        return CH_OK;
    if (!u->is_all)
        CH_AN_FAIL(a, def->input, err, UNION_IN_RECURSIVE_CTE);
    CH_TRY(fit(a, u->right, &columns, &step, err));
    place p = {.rows = rows};
    CH_TRY(look(&p, &step, err));
    if (p.wrong)
        CH_AN_FAIL(a, u->right, err, RECURSIVE_REFERENCE_PLACE);
    CH_AN_NEW(r, ch_rel_new(a->arena, CH_REL_RECURSION, err));
    r->head.start = def->head.start;
    r->head.stop = def->head.stop;
    r->head.output = columns;
    r->anchor = anchor;
    r->step = step;
    r->rows = rows;
    r->limit = -1;
    r->level_limit = def->max_level > 0 ? def->max_level : a->ctx->recursion_levels;
    r->row_limit = a->ctx->recursion_rows;
    *out = &r->head;
    return CH_OK;
}
