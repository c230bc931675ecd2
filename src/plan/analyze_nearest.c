/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_nearest.c - as-of joins, nearest-by joins and zip, made of joins, windows and projects.
 *
 *   Project [left.*, right.*]
 *   +- Filter n <= k
 *      +- Project [*, row_number() OVER (PARTITION BY id ORDER BY distance) AS n]
 *         +- Join condition
 *            :- Project [left.*, monotonically_increasing_id() AS id]
 *            +- right
 */
#include <string.h>

#include "plan/analyzer.h"

static ch_status call(ch_analyzer *a, const char *name, ch_expr *x, ch_expr *y, ch_expr **out,
                      ch_error *err)
{
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, a->arena, 2, err);
    arg[0] = x;
    arg[1] = y;
    return ch_call_make(a->ctx, name, arg, y ? 2 : x ? 1 : 0, out, err);
}

static ch_status both(ch_analyzer *a, ch_expr *e, ch_expr **condition, ch_error *err)
{
    return *condition ? call(a, "and", *condition, e, condition, err) : (*condition = e, CH_OK);
}

/* left JOIN right ON condition, of which each left row keeps the first `most` by `order`. */
static ch_status nearest(ch_analyzer *a, ch_rel *left, ch_rel *right, ch_expr *condition,
                         ch_join_type type, ch_expr *order, bool descending, int32_t most,
                         ch_rel **out, ch_error *err)
{
    ch_expr_list list = {0}, wide = {0}, output = {0};
    ch_expr *id, *n, *limit;
    ch_rel *rel;
    CH_TRY(ch_make_refs(a->arena, &left->output, &list, err));
    CH_TRY(call(a, "monotonically_increasing_id", NULL, NULL, &id, err));
    CH_AN_NEW(id, ch_make_alias(a->ctx, id, "id", err));
    CH_TRY(ch_expr_list_add(a->arena, &list, id, err));
    CH_TRY(ch_make_project(a->arena, left, &list, &rel, err));
    const ch_attr *row = rel->output.item[left->output.n];

    ch_rel_join *j;
    CH_AN_NEW(j, ch_rel_new(a->arena, CH_REL_JOIN, err));
    j->left = rel;
    j->right = right;
    j->join_type = type;
    j->condition = condition;
    CH_TRY(ch_join_output(a->arena, j, err));

    ch_an_scope scope = ch_an_scope_of(a, &j->head, NULL, "SELECT");
    ch_expr_window *w;
    ch_expr_unresolved_function *f;
    ch_expr_sort_order *s;
    scope.windows = true;
    CH_AN_NEW(w, ch_expr_new(a->arena, CH_EXPR_WINDOW, err));
    CH_AN_NEW(f, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_FUNCTION, err));
    CH_AN_NEW(s, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
    f->name = "row_number";
    s->child = order;
    s->descending = descending;
    w->function = &f->head;
    CH_AN_NEW(id, ch_make_ref(a->arena, row, err));
    CH_TRY(ch_expr_list_add(a->arena, &w->partition, id, err));
    CH_TRY(ch_expr_list_add(a->arena, &w->order, &s->head, err));
    CH_TRY(ch_an_expr(a, &scope, &w->head, &n, err));
    CH_AN_NEW(n, ch_make_alias(a->ctx, n, "n", err));
    CH_TRY(ch_make_refs(a->arena, &j->head.output, &wide, err));
    CH_TRY(ch_expr_list_add(a->arena, &wide, n, err));
    CH_TRY(ch_an_project(a, &j->head, &wide, &rel, err));

    CH_AN_NEW(n, ch_make_ref(a->arena, rel->output.item[rel->output.n - 1], err));
    CH_AN_NEW(limit, ch_make_int(a->arena, most, err));
    CH_TRY(call(a, "<=", n, limit, &n, err));
    CH_TRY(ch_make_filter(a->arena, rel, n, &rel, err));
    for (int32_t i = 0; i < j->head.output.n; i++)
        if (j->head.output.item[i]->id != row->id) {
            ch_expr *ref;
            CH_AN_NEW(ref, ch_make_ref(a->arena, j->head.output.item[i], err));
            CH_TRY(ch_expr_list_add(a->arena, &output, ref, err));
        }
    return ch_make_project(a->arena, rel, &output, out, err);
}

/* ---- as of -------------------------------------------------------------------------------------------- */

static ch_status tolerance_of(ch_analyzer *a, const ch_rel_as_of_join *in, ch_expr *l, ch_expr *r,
                              ch_expr **condition, ch_error *err)
{
    ch_an_scope none = {.clause = "AS OF"};
    ch_expr *tolerance, *edge, *e;
    ch_error unresolved = {0};
    ch_status status = ch_an_expr(a, &none, in->tolerance, &tolerance, &unresolved);
    ch_error_release(&unresolved);
    if (status != CH_OK || !ch_expr_is_foldable(tolerance))
        CH_FAIL(err, AS_OF_JOIN_TOLERANCE_UNFOLDABLE);
    if (tolerance->kind == CH_EXPR_LITERAL) {
        const ch_scalar *v = &((const ch_expr_literal *)tolerance)->value;
        double x = ch_type_is_integral(v->type) || v->type->id == CH_DAY_TIME_INTERVAL
                       ? (double)v->v.i64
                   : v->type->id == CH_DOUBLE ? v->v.f64
                                              : 0;
        if (v->type->id == CH_INT || v->type->id == CH_SHORT || v->type->id == CH_BYTE)
            x = (double)(int32_t)v->v.i64;
        if (x < 0)
            CH_FAIL(err, AS_OF_JOIN_TOLERANCE_NEGATIVE);
    }
    if (in->direction != CH_AS_OF_FORWARD) {
        CH_TRY(call(a, "-", l, tolerance, &edge, err));
        CH_TRY(call(a, ">=", r, edge, &e, err));
        CH_TRY(both(a, e, condition, err));
    }
    if (in->direction != CH_AS_OF_BACKWARD) {
        CH_TRY(call(a, "+", l, tolerance, &edge, err));
        CH_TRY(call(a, "<=", r, edge, &e, err));
        CH_TRY(both(a, e, condition, err));
    }
    return CH_OK;
}

static ch_status using(ch_analyzer *a, const ch_str_list *names, ch_rel *left, ch_rel *right,
                       ch_expr **condition, ch_error *err)
{
    ch_attr_list l, r;
    bool all;
    if (!names->n)
        return CH_OK;
    CH_TRY(ch_an_columns(a, left, names, &all, &l, err));
    CH_TRY(ch_an_columns(a, right, names, &all, &r, err));
    for (int32_t i = 0; i < names->n; i++) {
        ch_expr *x, *y, *e;
        CH_AN_NEW(x, ch_make_ref(a->arena, l.item[i], err));
        CH_AN_NEW(y, ch_make_ref(a->arena, r.item[i], err));
        CH_TRY(call(a, "=", x, y, &e, err));
        CH_TRY(both(a, e, condition, err));
    }
    return CH_OK;
}

ch_status ch_an_as_of_join(ch_analyzer *a, const ch_rel_as_of_join *in, ch_rel **out, ch_error *err)
{
    static const char *const COMPARE[2][2] = {{">", ">="}, {"<", "<="}};
    ch_rel *left, *right;
    ch_expr *l, *r, *e, *order, *condition = NULL;
    CH_TRY(ch_an_input(a, in->left, &left, err));
    CH_TRY(ch_an_input(a, in->right, &right, err));
    ch_an_scope of_left = ch_an_scope_of(a, left, NULL, "AS OF");
    ch_an_scope of_right = ch_an_scope_of(a, right, NULL, "AS OF");
    CH_TRY(ch_an_expr(a, &of_left, in->left_as_of, &l, err));
    CH_TRY(ch_an_expr(a, &of_right, in->right_as_of, &r, err));
    if (in->condition) {
        ch_an_scope scope = ch_an_scope_of(a, left, right, "JOIN");
        scope.tier[scope.n_tiers++] = &right->output;
        CH_TRY(ch_an_expr(a, &scope, in->condition, &condition, err));
        CH_TRY(ch_an_check_filter(a, &in->head, &condition, err));
    }
    CH_TRY(using(a, &in->using_columns, left, right, &condition, err));
    bool forward = in->direction == CH_AS_OF_FORWARD;
    if (in->direction == CH_AS_OF_NEAREST) {
        ch_expr **choice;
        CH_ARENA_ARRAY(choice, a->arena, 3, err);
        CH_TRY(call(a, ">", l, r, &choice[0], err));
        CH_TRY(call(a, "-", l, r, &choice[1], err));
        CH_TRY(call(a, "-", r, l, &choice[2], err));
        CH_TRY(ch_call_make(a->ctx, "if", choice, 3, &order, err));
        CH_TRY(call(a, "=", l, r, &e, err));
        if (in->allow_exact_matches)
            CH_TRY(call(a, "isnotnull", order, NULL, &e, err));
        else
            CH_TRY(call(a, "not", e, NULL, &e, err));
    } else {
        CH_TRY(call(a, COMPARE[forward][in->allow_exact_matches], l, r, &e, err));
        CH_TRY(call(a, "-", forward ? r : l, forward ? l : r, &order, err));
    }
    CH_TRY(both(a, e, &condition, err));
    if (in->tolerance)
        CH_TRY(tolerance_of(a, in, l, r, &condition, err));
    return nearest(a, left, right, condition, in->join_type, order, false, 1, out, err);
}

ch_status ch_an_nearest_by_join(ch_analyzer *a, const ch_rel_nearest_by_join *in, ch_rel **out,
                                ch_error *err)
{
    ch_rel *left, *right;
    ch_expr *order, *there;
    CH_TRY(ch_an_input(a, in->left, &left, err));
    CH_TRY(ch_an_input(a, in->right, &right, err));
    ch_an_scope scope = ch_an_scope_of(a, left, right, "JOIN");
    scope.tier[scope.n_tiers++] = &right->output;
    CH_TRY(ch_an_expr(a, &scope, in->ranking, &order, err));
    CH_TRY(call(a, "isnotnull", order, NULL, &there, err));
    return nearest(a, left, right, there, in->join_type, order, !in->is_distance, in->num_results,
                   out, err);
}

/* ---- zip ---------------------------------------------------------------------------------------------- */

typedef struct renumber {
    ch_analyzer *a;
    const ch_attr_list *from, *to; /* pairs */
} renumber;

static ch_status new_id(void *user, ch_expr **child, ch_error *err)
{
    renumber *r = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(r->a->arena, child, new_id, r, err);
    for (int32_t i = 0; i < r->from->n; i++)
        if (((const ch_expr_attribute *)*child)->attr->id == r->from->item[i]->id)
            CH_AN_NEW(*child, ch_make_ref(r->a->arena, r->to->item[i], err));
    return CH_OK;
}

static ch_rel *below_projects(ch_rel *rel)
{
    while (rel->kind == CH_REL_PROJECT || rel->kind == CH_REL_SUBQUERY_ALIAS)
        rel = rel->kind == CH_REL_PROJECT ? ((ch_rel_project *)rel)->input
                                          : ((ch_rel_subquery_alias *)rel)->input;
    return rel;
}

/* `rel`'s projects again, on top of `input`, whose columns they pass on; columns of rel's base are those of `base`. */
static ch_status stack_projects(ch_analyzer *a, ch_rel *rel, const ch_attr_list *base,
                                ch_rel *input, ch_rel **out, ch_error *err)
{
    if (rel->kind == CH_REL_SUBQUERY_ALIAS)
        return stack_projects(a, ((ch_rel_subquery_alias *)rel)->input, base, input, out, err);
    if (rel->kind != CH_REL_PROJECT) {
        *out = input;
        return CH_OK;
    }
    ch_rel_project *p = (ch_rel_project *)rel;
    renumber r = {a, &below_projects(rel)->output, base};
    ch_expr_list list = {0};
    ch_rel *below;
    CH_TRY(stack_projects(a, p->input, base, input, &below, err));
    for (int32_t i = 0; i < p->expressions.n; i++) {
        ch_expr *e = p->expressions.item[i];
        CH_TRY(new_id(&r, &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    for (int32_t i = 0; i < input->output.n; i++) {
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(a->arena, input->output.item[i], err));
        CH_TRY(ch_expr_list_add(a->arena, &list, ref, err));
    }
    return ch_make_project(a->arena, below, &list, out, err);
}

/* Is it the same DataFrame? The protocol gives each one a number. */
static bool same_rows(const ch_rel *x, const ch_rel *y)
{
    return x->kind == y->kind && x->plan_id >= 0 && x->plan_id == y->plan_id;
}

ch_status ch_an_zip(ch_analyzer *a, const ch_rel_zip *z, ch_rel **out, ch_error *err)
{
    ch_rel *left, *right, *base, *other;
    ch_expr_list list = {0};
    CH_TRY(ch_an_input(a, z->left, &left, err));
    CH_TRY(ch_an_input(a, z->right, &right, err));
    base = below_projects(left);
    other = below_projects(right);
    if (!same_rows(base, other))
        CH_FAIL(err, ZIP_NOT_MERGEABLE);
    ch_attr_list mine = base->output;
    ch_rel *wide;
    CH_TRY(stack_projects(a, left, &mine, base, &wide, err));
    int32_t n_left = left->output.n;
    ch_attr_list shown = {0};
    for (int32_t i = 0; i < n_left; i++)
        CH_TRY(ch_attr_list_add(a->arena, &shown, wide->output.item[i], err));
    int32_t n_below = wide->output.n;
    ch_rel *both_sides;
    CH_TRY(stack_projects(a, right, &mine, wide, &both_sides, err));
    int32_t n_right = both_sides->output.n - n_below;
    for (int32_t i = 0; i < n_right; i++)
        CH_TRY(ch_attr_list_add(a->arena, &shown, both_sides->output.item[i], err));
    if (!n_right)
        for (int32_t i = 0; i < mine.n; i++)
            CH_TRY(ch_attr_list_add(a->arena, &shown, mine.item[i], err));
    for (int32_t i = 0; i < shown.n; i++) {
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, shown.item[i], err));
        if (i >= n_left) /* the right one is a column of its own, even if it is the same */
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, shown.item[i]->name, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return ch_make_project(a->arena, both_sides, &list, out, err);
}
