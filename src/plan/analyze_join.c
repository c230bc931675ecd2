/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_join.c - joins, with ON, USING, NATURAL or nothing.
 *
 * USING (k) gives one column k, and hides those it was made of: they are reachable as t.k only.
 *
 *   Project [k, left's rest, right's rest, hidden: u.k]
 *   +- Join Inner, (t.k = u.k)
 */
#include <stdlib.h>

#include "plan/analyzer.h"

static ch_status concat(ch_arena *arena, const ch_attr_list *left, const ch_attr_list *right,
                        ch_attr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < left->n; i++)
        CH_TRY(ch_attr_list_add(arena, out, left->item[i], err));
    for (int32_t i = 0; i < right->n; i++)
        CH_TRY(ch_attr_list_add(arena, out, right->item[i], err));
    return CH_OK;
}

/* ---- ON ---------------------------------------------------------------------------------------------- */

static ch_status on_condition(ch_analyzer *a, const ch_rel_join *in, ch_rel_join *j, ch_error *err)
{
    ch_attr_list both = {0};
    CH_TRY(concat(a->arena, &j->left->output, &j->right->output, &both, err));
    ch_an_scope scope = ch_an_scope_of(a, j->left, j->right, "JOIN");
    scope.tier[0] = &both;
    CH_TRY(ch_an_expr(a, &scope, in->condition, &j->condition, err));
    char *text, *type;
    if (j->condition->type->id != CH_BOOLEAN) {
        CH_AN_NEW(text, ch_expr_quoted(a->arena, j->condition, err));
        CH_AN_NEW(type, ch_type_quoted(a->arena, j->condition->type, err));
        CH_AN_FAIL(a, &in->head, err, JOIN_CONDITION_NOT_BOOLEAN, "joinCondition", text,
                   "conditionType", type);
    }
    if (ch_expr_has_aggregate(j->condition)) {
        CH_AN_NEW(text, ch_expr_quoted(a->arena, j->condition, err));
        CH_AN_FAIL(a, &in->head, err, UNSUPPORTED_EXPR_FOR_OPERATOR, "operator", "Join",
                   "invalidExprSqls", text);
    }
    return CH_OK;
}

/* ---- USING -------------------------------------------------------------------------------------------- */

static const ch_attr *find_visible(const ch_analyzer *a, const ch_attr_list *list, const char *name)
{
    for (int32_t i = 0; i < list->n; i++)
        if (!list->item[i]->hidden && ch_an_same_name(a, list->item[i]->name, name))
            return list->item[i];
    return NULL;
}

static ch_status natural_columns(ch_analyzer *a, ch_rel_join *j, ch_error *err)
{
    for (int32_t i = 0; i < j->left->output.n; i++) {
        const ch_attr *attr = j->left->output.item[i];
        if (!attr->hidden && find_visible(a, &j->right->output, attr->name))
            CH_TRY(ch_str_list_add(a->arena, &j->using_columns, attr->name, err));
    }
    return CH_OK;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static ch_status using_error(ch_analyzer *a, const ch_rel_join *j, const char *name, bool left,
                             ch_error *err)
{
    const ch_attr_list *list = left ? &j->left->output : &j->right->output;
    const char **column;
    char *quoted, *text;
    CH_ARENA_ARRAY(column, a->arena, list->n + 1, err);
    for (int32_t i = 0; i < list->n; i++)
        column[i] = list->item[i]->name;
    qsort(column, (size_t)list->n, sizeof *column, by_text);
    CH_AN_NEW(text, ch_arena_str(a->arena, "", err));
    for (int32_t i = 0; i < list->n; i++) {
        ch_str_list one = {&column[i], 1};
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
        CH_AN_NEW(text, ch_arena_printf(a->arena, err, "%s%s%s", text, i ? ", " : "", quoted));
    }
    ch_str_list one = {&name, 1};
    CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
    CH_AN_FAIL(a, &j->head, err, UNRESOLVED_USING_COLUMN, "colName", quoted, "side",
               left ? "left" : "right", "suggestion", text);
}

typedef struct using_keys {
    ch_attr_list left, right; /* pairs */
} using_keys;

static ch_status using_condition(ch_analyzer *a, ch_rel_join *j, using_keys *keys, ch_error *err)
{
    for (int32_t i = 0; i < j->using_columns.n; i++) {
        const char *name = j->using_columns.item[i];
        const ch_attr *l = find_visible(a, &j->left->output, name);
        const ch_attr *r = find_visible(a, &j->right->output, name);
        if (!l || !r)
            return using_error(a, j, name, !l, err);
        ch_expr *pair[2], *equal;
        CH_AN_NEW(pair[0], ch_make_ref(a->arena, l, err));
        CH_AN_NEW(pair[1], ch_make_ref(a->arena, r, err));
        CH_TRY(ch_call_make(a->ctx, "=", pair, 2, &equal, err));
        if (j->condition) {
            ch_expr *both[2] = {j->condition, equal};
            CH_TRY(ch_call_make(a->ctx, "and", both, 2, &equal, err));
        }
        j->condition = equal;
        CH_TRY(ch_attr_list_add(a->arena, &keys->left, l, err));
        CH_TRY(ch_attr_list_add(a->arena, &keys->right, r, err));
    }
    return CH_OK;
}

/* The pair's one column. */
static ch_status key_column(ch_analyzer *a, const ch_rel_join *j, const ch_attr *l,
                            const ch_attr *r, ch_expr **out, ch_error *err)
{
    const ch_attr *keep = j->join_type == CH_JOIN_RIGHT_OUTER ? r : l;
    const ch_attr *now = ch_attr_list_find(&j->head.output, keep->id);
    CH_AN_NEW(*out, ch_make_ref(a->arena, now, err));
    if (j->join_type != CH_JOIN_FULL_OUTER)
        return CH_OK;
    ch_expr *pair[2] = {*out, NULL};
    CH_AN_NEW(pair[1], ch_make_ref(a->arena, ch_attr_list_find(&j->head.output, r->id), err));
    CH_TRY(ch_call_make(a->ctx, "coalesce", pair, 2, out, err));
    CH_AN_NEW(*out, ch_make_alias(a->ctx, *out, l->name, err));
    return CH_OK;
}

static ch_status add_rest(ch_analyzer *a, const ch_attr_list *side, const ch_attr_list *keys,
                          const ch_attr_list *output, ch_expr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < side->n; i++) {
        if (ch_attr_list_find(keys, side->item[i]->id))
            continue;
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(a->arena, ch_attr_list_find(output, side->item[i]->id), err));
        CH_TRY(ch_expr_list_add(a->arena, list, ref, err));
    }
    return CH_OK;
}

static ch_status add_hidden(ch_analyzer *a, const ch_attr_list *keys, const ch_attr_list *output,
                            ch_expr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < keys->n; i++) {
        ch_attr *attr;
        CH_ARENA_NEW(attr, a->arena, err);
        *attr = *ch_attr_list_find(output, keys->item[i]->id);
        attr->hidden = true;
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(a->arena, attr, err));
        CH_TRY(ch_expr_list_add(a->arena, list, ref, err));
    }
    return CH_OK;
}

static ch_status using_output(ch_analyzer *a, ch_rel_join *j, const using_keys *keys, ch_rel **out,
                              ch_error *err)
{
    ch_expr_list list = {0};
    ch_join_type type = j->join_type;
    bool left_only = type == CH_JOIN_LEFT_SEMI || type == CH_JOIN_LEFT_ANTI;
    for (int32_t i = 0; i < keys->left.n; i++) {
        ch_expr *key;
        CH_TRY(key_column(a, j, keys->left.item[i], keys->right.item[i], &key, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, key, err));
    }
    CH_TRY(add_rest(a, &j->left->output, &keys->left, &j->head.output, &list, err));
    if (!left_only) {
        CH_TRY(add_rest(a, &j->right->output, &keys->right, &j->head.output, &list, err));
        if (type == CH_JOIN_RIGHT_OUTER || type == CH_JOIN_FULL_OUTER)
            CH_TRY(add_hidden(a, &keys->left, &j->head.output, &list, err));
        if (type != CH_JOIN_RIGHT_OUTER)
            CH_TRY(add_hidden(a, &keys->right, &j->head.output, &list, err));
    }
    return ch_make_project(a->arena, &j->head, &list, out, err);
}

/* ---- the join ------------------------------------------------------------------------------------------ */

ch_status ch_an_join(ch_analyzer *a, const ch_rel_join *in, ch_rel **out, ch_error *err)
{
    ch_rel_join *j;
    CH_TRY(ch_an_lateral_generator(a, in, out, err));
    if (*out)
        return CH_OK;
    CH_AN_NEW(j, ch_rel_clone(a->arena, &in->head, err));
    CH_TRY(ch_an_rel(a, in->left, &j->left, err));
    ch_an_scope around = ch_an_scope_of(a, j->left, NULL, "LATERAL");
    const ch_an_scope *outer = a->outer;
    bool correlated = a->correlated;
    if (in->lateral)
        a->outer = &around;
    a->correlated = false;
    ch_status status = ch_an_rel(a, in->right, &j->right, err);
    a->outer = outer;
    CH_TRY(status);
    j->lateral = in->lateral && a->correlated;
    a->correlated = correlated;
    j->condition = NULL;
    j->using_columns = (ch_str_list){0};
    for (int32_t i = 0; i < in->using_columns.n; i++)
        CH_TRY(ch_str_list_add(a->arena, &j->using_columns, in->using_columns.item[i], err));
    if (in->natural)
        CH_TRY(natural_columns(a, j, err));
    using_keys keys = {0};
    CH_TRY(using_condition(a, j, &keys, err));
    if (in->condition)
        CH_TRY(on_condition(a, in, j, err));
    j->natural = false;
    bool using = j->using_columns.n > 0;
    j->using_columns = (ch_str_list){0};
    CH_TRY(ch_join_output(a->arena, j, err));
    *out = &j->head;
    return using ? using_output(a, j, &keys, out, err) : CH_OK;
}
