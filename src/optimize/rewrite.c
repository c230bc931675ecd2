/* SPDX-License-Identifier: Apache-2.0 */
/* rewrite.c - what rules are made of. */
#include "optimize/rewrite.h"

#include <string.h>

/* ---- expressions ------------------------------------------------------------------------------------- */

bool ch_is_call(const ch_expr *expr, const char *name)
{
    return expr->kind == CH_EXPR_CALL &&
           strcmp(((const ch_expr_call *)expr)->func->name, name) == 0;
}

bool ch_is_literal(const ch_expr *expr, const ch_scalar **value)
{
    if (expr->kind != CH_EXPR_LITERAL)
        return false;
    if (value)
        *value = &((const ch_expr_literal *)expr)->value;
    return true;
}

bool ch_is_true(const ch_expr *expr)
{
    const ch_scalar *v;
    return ch_is_literal(expr, &v) && !v->is_null && v->type->id == CH_BOOLEAN && v->v.boolean;
}

bool ch_is_false_or_null(const ch_expr *expr)
{
    const ch_scalar *v;
    return ch_is_literal(expr, &v) && (v->is_null || (v->type->id == CH_BOOLEAN && !v->v.boolean));
}

ch_expr *ch_make_boolean(ch_arena *arena, bool value, ch_error *err)
{
    ch_scalar v = {.type = CH_T_BOOLEAN, .v.boolean = value};
    return ch_make_literal(arena, &v, err);
}

ch_status ch_conjuncts(ch_arena *arena, ch_expr *expr, ch_expr_list *list, ch_error *err)
{
    if (!ch_is_call(expr, "and"))
        return ch_expr_list_add(arena, list, expr, err);
    const ch_expr_list *args = &((const ch_expr_call *)expr)->args;
    for (int32_t i = 0; i < args->n; i++)
        CH_TRY(ch_conjuncts(arena, args->item[i], list, err));
    return CH_OK;
}

ch_status ch_conjunction(const ch_analyze_context *ctx, const ch_expr_list *list, ch_expr **out,
                         ch_error *err)
{
    *out = NULL;
    for (int32_t i = 0; i < list->n; i++) {
        if (!*out) {
            *out = list->item[i];
            continue;
        }
        ch_expr *both[2] = {*out, list->item[i]}, **args;
        CH_ARENA_ARRAY(args, ctx->arena, 2, err);
        memcpy(args, both, sizeof both);
        CH_TRY(ch_call_make(ctx, "and", args, 2, out, err));
    }
    return CH_OK;
}

static ch_status disjuncts(ch_arena *arena, ch_expr *e, ch_expr_list *list, ch_error *err)
{
    if (!ch_is_call(e, "or"))
        return ch_expr_list_add(arena, list, e, err);
    const ch_expr_list *args = &((const ch_expr_call *)e)->args;
    for (int32_t i = 0; i < args->n; i++)
        CH_TRY(disjuncts(arena, args->item[i], list, err));
    return CH_OK;
}

ch_status ch_disjunction(const ch_analyze_context *ctx, const ch_expr_list *list, ch_expr **out,
                         ch_error *err)
{
    *out = NULL;
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr **args;
        if (!*out) {
            *out = list->item[i];
            continue;
        }
        CH_ARENA_ARRAY(args, ctx->arena, 2, err);
        args[0] = *out;
        args[1] = list->item[i];
        CH_TRY(ch_call_make(ctx, "or", args, 2, out, err));
    }
    return CH_OK;
}

bool ch_expr_list_has(const ch_expr_list *list, const ch_expr *e)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_expr_equal(list->item[i], e))
            return true;
    return false;
}

ch_status ch_branches(ch_arena *arena, ch_expr *e, ch_expr_list **out, int32_t *n, ch_error *err)
{
    ch_expr_list parts = {0};
    CH_TRY(disjuncts(arena, e, &parts, err));
    CH_ARENA_ARRAY(*out, arena, parts.n, err);
    *n = parts.n;
    for (int32_t i = 0; i < parts.n; i++)
        CH_TRY(ch_conjuncts(arena, parts.item[i], &(*out)[i], err));
    return CH_OK;
}

typedef struct finder {
    const ch_attr_list *attrs;
    ch_attr_list *out;
    ch_arena *arena;
    bool all_in, any_in, subquery;
} finder;

static ch_status find(void *user, ch_expr **child, ch_error *err)
{
    finder *f = user;
    if ((*child)->kind == CH_EXPR_SUBQUERY)
        f->subquery = true;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(f->arena, child, find, f, err);
    const ch_attr *attr = ((const ch_expr_attribute *)*child)->attr;
    bool in = f->attrs && ch_attr_list_find(f->attrs, attr->id);
    f->all_in &= in;
    f->any_in |= in;
    if (f->out && !ch_attr_list_find(f->out, attr->id))
        return ch_attr_list_add(f->arena, f->out, attr, err);
    return CH_OK;
}

static finder look(const ch_expr *expr, const ch_attr_list *attrs)
{
    finder f = {.attrs = attrs, .all_in = true};
    ch_expr *e = (ch_expr *)expr;
    /* Nothing is replaced, so nothing is allocated and nothing fails. */
    if (find(&f, &e, NULL) != CH_OK)
        f.all_in = false;
    return f;
}

bool ch_has_subquery(const ch_expr *expr)
{
    return look(expr, NULL).subquery;
}

bool ch_uses_only(const ch_expr *expr, const ch_attr_list *attrs)
{
    return look(expr, attrs).all_in;
}

bool ch_uses_any(const ch_expr *expr, const ch_attr_list *attrs)
{
    return look(expr, attrs).any_in;
}

ch_status ch_columns_used(ch_arena *arena, const ch_expr *expr, ch_attr_list *out, ch_error *err)
{
    finder f = {.out = out, .arena = arena};
    ch_expr *e = (ch_expr *)expr;
    return find(&f, &e, err);
}

/* ---- substitution -------------------------------------------------------------------------------------- */

ch_expr *ch_made_by(const ch_expr_list *list, int64_t id)
{
    for (int32_t i = 0; i < list->n; i++) {
        ch_expr *e = list->item[i];
        if (e->kind == CH_EXPR_ALIAS && ((const ch_expr_alias *)e)->id == id)
            return ((ch_expr_alias *)e)->child;
        if (e->kind == CH_EXPR_ATTRIBUTE && ((const ch_expr_attribute *)e)->attr->id == id)
            return e;
    }
    return NULL;
}

typedef struct substituter {
    ch_arena *arena;
    const ch_expr_list *list;
    const ch_attr_list *from, *to;
} substituter;

static ch_status substitute(void *user, ch_expr **child, ch_error *err)
{
    substituter *s = user;
    if ((*child)->kind != CH_EXPR_ATTRIBUTE)
        return ch_expr_map_children(s->arena, child, substitute, s, err);
    int64_t id = ((const ch_expr_attribute *)*child)->attr->id;
    ch_expr *now = s->list ? ch_made_by(s->list, id) : NULL;
    if (now)
        *child = now;
    for (int32_t i = 0; s->from && i < s->from->n; i++)
        if (s->from->item[i]->id == id) {
            CH_AN_NEW(*child, ch_make_ref(s->arena, s->to->item[i], err));
            break;
        }
    return CH_OK;
}

ch_status ch_substitute(ch_arena *arena, const ch_expr_list *list, ch_expr **expr, ch_error *err)
{
    substituter s = {.arena = arena, .list = list};
    return substitute(&s, expr, err);
}

ch_status ch_remap(ch_arena *arena, const ch_attr_list *from, const ch_attr_list *to,
                   ch_expr **expr, ch_error *err)
{
    substituter s = {.arena = arena, .from = from, .to = to};
    return substitute(&s, expr, err);
}

/* ---- relations ------------------------------------------------------------------------------------------ */

bool ch_passes_columns(const ch_rel *rel)
{
    switch (rel->kind) {
    case CH_REL_FILTER:
    case CH_REL_SORT:
    case CH_REL_LIMIT:
    case CH_REL_OFFSET:
    case CH_REL_TAIL:
    case CH_REL_SAMPLE:
    case CH_REL_HINT:
    case CH_REL_REPARTITION:
    case CH_REL_DEDUPLICATE:
        return true;
    default:
        return false;
    }
}

static const ch_node_field *input_field(const ch_rel *rel)
{
    const ch_node_class *cls = ch_rel_class(rel->kind);
    const ch_node_field *found = NULL;
    for (int i = 0; i < cls->n_fields; i++)
        if (cls->field[i].kind == CH_NODE_REL || cls->field[i].kind == CH_NODE_REL_LIST) {
            if (found || cls->field[i].kind == CH_NODE_REL_LIST)
                return NULL;
            found = &cls->field[i];
        }
    return found;
}

ch_rel *ch_only_input(const ch_rel *rel)
{
    const ch_node_field *f = input_field(rel);
    return f ? *(ch_rel *const *)((const char *)rel + f->offset) : NULL;
}

ch_status ch_with_input(ch_arena *arena, const ch_rel *rel, ch_rel *input, ch_rel **out,
                        ch_error *err)
{
    const ch_node_field *f = input_field(rel);
    CH_AN_NEW(*out, ch_rel_clone(arena, rel, err));
    *(ch_rel **)((char *)*out + f->offset) = input;
    if (ch_passes_columns(rel))
        (*out)->output = input->output;
    return CH_OK;
}

ch_status ch_add_filter(const ch_analyze_context *ctx, const ch_expr_list *conjuncts, ch_rel **rel,
                        ch_error *err)
{
    if (!conjuncts->n)
        return CH_OK;
    ch_expr *condition;
    CH_TRY(ch_conjunction(ctx, conjuncts, &condition, err));
    return ch_make_filter(ctx->arena, *rel, condition, rel, err);
}

ch_status ch_make_empty(ch_arena *arena, const ch_attr_list *columns, ch_rel **out, ch_error *err)
{
    ch_rel_values *v;
    CH_AN_NEW(v, ch_rel_new(arena, CH_REL_VALUES, err));
    v->head.output = *columns;
    *out = &v->head;
    return CH_OK;
}

bool ch_is_empty(const ch_rel *rel)
{
    return rel->kind == CH_REL_VALUES && ((const ch_rel_values *)rel)->n_rows == 0;
}

/* ---- joins ------------------------------------------------------------------------------------------------ */

ch_status ch_split_join(ch_arena *arena, const ch_rel_join *join, ch_join_keys *out, ch_error *err)
{
    ch_expr_list parts = {0};
    *out = (ch_join_keys){0};
    if (join->condition)
        CH_TRY(ch_conjuncts(arena, join->condition, &parts, err));
    for (int32_t i = 0; i < parts.n; i++) {
        ch_expr *e = parts.item[i];
        if (ch_is_call(e, "=") || ch_is_call(e, "==")) {
            ch_expr **arg = ((ch_expr_call *)e)->args.item;
            for (int swap = 0; swap < 2; swap++) {
                ch_expr *l = arg[swap], *r = arg[!swap];
                if (ch_uses_any(l, &join->left->output) && ch_uses_only(l, &join->left->output) &&
                    ch_uses_any(r, &join->right->output) && ch_uses_only(r, &join->right->output)) {
                    CH_TRY(ch_expr_list_add(arena, &out->left, l, err));
                    CH_TRY(ch_expr_list_add(arena, &out->right, r, err));
                    e = NULL;
                    break;
                }
            }
        }
        if (e)
            CH_TRY(ch_expr_list_add(arena, &out->rest, e, err));
    }
    return CH_OK;
}
