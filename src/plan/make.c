/* SPDX-License-Identifier: Apache-2.0 */
/* make.c - resolved nodes: columns, references, aliases, projects. */
#include "plan/make.h"

#include "type/decimal.h"

static int64_t next_id(const ch_analyze_context *ctx)
{
    return atomic_fetch_add_explicit(ctx->next_id, 1, memory_order_relaxed);
}

ch_attr *ch_make_attr(const ch_analyze_context *ctx, const char *name, const ch_type *type,
                      bool nullable, ch_error *err)
{
    ch_attr *attr = ch_arena_alloc(ctx->arena, sizeof *attr, err);
    if (attr)
        *attr = (ch_attr){.name = name, .type = type, .nullable = nullable, .id = next_id(ctx)};
    return attr;
}

ch_status ch_attr_list_add(ch_arena *arena, ch_attr_list *list, const ch_attr *attr, ch_error *err)
{
    /* Capacity is the next power of two, 4 at least. */
    if (list->n == 0 || (list->n >= 4 && (list->n & (list->n - 1)) == 0)) {
        const ch_attr **more;
        CH_ARENA_ARRAY(more, arena, list->n ? 2 * (size_t)list->n : 4, err);
        if (list->n)
            memcpy(more, list->item, sizeof *more * (size_t)list->n);
        list->item = more;
    }
    list->item[list->n++] = attr;
    return CH_OK;
}

const ch_attr *ch_attr_list_find(const ch_attr_list *list, int64_t id)
{
    for (int32_t i = 0; i < list->n; i++)
        if (list->item[i]->id == id)
            return list->item[i];
    return NULL;
}

ch_expr *ch_make_ref(ch_arena *arena, const ch_attr *attr, ch_error *err)
{
    ch_expr_attribute *ref = ch_expr_new(arena, CH_EXPR_ATTRIBUTE, err);
    if (!ref)
        return NULL;
    ref->attr = attr;
    ref->head.type = attr->type;
    ref->head.nullable = attr->nullable;
    return &ref->head;
}

ch_expr *ch_make_alias(const ch_analyze_context *ctx, ch_expr *child, const char *name,
                       ch_error *err)
{
    ch_expr_alias *alias = ch_expr_new(ctx->arena, CH_EXPR_ALIAS, err);
    if (!alias || ch_str_list_add(ctx->arena, &alias->names, name, err) != CH_OK)
        return NULL;
    alias->child = child;
    alias->id = next_id(ctx);
    alias->head.type = child->type;
    alias->head.nullable = child->nullable;
    alias->head.start = child->start;
    alias->head.stop = child->stop;
    return &alias->head;
}

ch_expr *ch_make_literal(ch_arena *arena, const ch_scalar *value, ch_error *err)
{
    ch_expr_literal *lit = ch_expr_new(arena, CH_EXPR_LITERAL, err);
    if (!lit)
        return NULL;
    lit->value = *value;
    lit->head.type = value->type;
    lit->head.nullable = value->is_null;
    return &lit->head;
}

ch_expr *ch_make_int(ch_arena *arena, int32_t value, ch_error *err)
{
    ch_scalar s = {.type = CH_T_INT, .v.i64 = value};
    return ch_make_literal(arena, &s, err);
}

/* Does every value of `from` fit DECIMAL to? */
static bool decimal_holds(const ch_type *from, const ch_type *to)
{
    const ch_type *d = from->id == CH_DECIMAL      ? from
                       : from->id == CH_BOOLEAN    ? ch_type_decimal(1, 0)
                       : ch_type_is_integral(from) ? ch_dec_for(from)
                                                   : NULL;
    return d && to->precision - to->scale >= d->precision - d->scale && to->scale >= d->scale;
}

bool ch_cast_makes_null(const ch_type *from, const ch_type *to)
{
    if (from == to || from->id == CH_NULL)
        return from != to;
    if (ch_type_is_string(from))
        return !ch_type_is_string(to) && to->id != CH_BINARY;
    if (ch_type_is_string(to))
        return false;
    if (from->id == CH_TIMESTAMP)
        return to->id >= CH_BYTE && to->id <= CH_INT;
    if (to->id == CH_DECIMAL)
        return !decimal_holds(from, to);
    bool fraction = from->id >= CH_FLOAT && from->id <= CH_DECIMAL;
    return to->id == CH_CALENDAR_INTERVAL || (to->id == CH_DATE && from->id != CH_TIMESTAMP_NTZ) ||
           (fraction && (ch_type_is_integral(to) || to->id == CH_TIMESTAMP));
}

ch_status ch_make_cast(ch_arena *arena, ch_expr **expr, const ch_type *to, ch_error *err)
{
    ch_expr *child = *expr;
    if (child->type == to)
        return CH_OK;
    ch_expr_cast *cast;
    CH_AN_NEW(cast, ch_expr_new(arena, CH_EXPR_CAST, err));
    cast->head.start = child->start;
    cast->head.stop = child->stop;
    cast->head.type = cast->to = to;
    cast->implicit = true;
    cast->child = child;
    cast->head.nullable = child->nullable || ch_cast_makes_null(child->type, to);
    *expr = &cast->head;
    return CH_OK;
}

ch_status ch_make_output(ch_arena *arena, const ch_expr_list *list, ch_attr_list *out,
                         ch_error *err)
{
    *out = (ch_attr_list){0};
    for (int32_t i = 0; i < list->n; i++) {
        const ch_expr *e = list->item[i];
        if (e->kind == CH_EXPR_ATTRIBUTE) {
            CH_TRY(ch_attr_list_add(arena, out, ((const ch_expr_attribute *)e)->attr, err));
            continue;
        }
        if (e->kind != CH_EXPR_ALIAS)
            CH_FAIL(err, INTERNAL, "message", "a select list holds an expression without a name");
        const ch_expr_alias *alias = (const void *)e;
        const ch_expr_attribute *same = (const void *)alias->child; /* under another name */
        const char *inherited = same->head.kind == CH_EXPR_ATTRIBUTE ? same->attr->metadata : NULL;
        ch_attr *attr;
        CH_ARENA_NEW(attr, arena, err);
        *attr = (ch_attr){.name = alias->names.item[0],
                          .type = e->type,
                          .nullable = e->nullable,
                          .id = alias->id,
                          .metadata = alias->metadata ? alias->metadata : inherited};
        CH_TRY(ch_attr_list_add(arena, out, attr, err));
    }
    return CH_OK;
}

ch_status ch_make_project(ch_arena *arena, ch_rel *input, const ch_expr_list *list, ch_rel **out,
                          ch_error *err)
{
    ch_rel_project *p;
    CH_AN_NEW(p, ch_rel_new(arena, CH_REL_PROJECT, err));
    p->input = input;
    p->expressions = *list;
    CH_TRY(ch_make_output(arena, list, &p->head.output, err));
    *out = &p->head;
    return CH_OK;
}

ch_status ch_make_filter(ch_arena *arena, ch_rel *input, ch_expr *condition, ch_rel **out,
                         ch_error *err)
{
    ch_rel_filter *f;
    CH_AN_NEW(f, ch_rel_new(arena, CH_REL_FILTER, err));
    f->input = input;
    f->condition = condition;
    f->head.output = input->output;
    *out = &f->head;
    return CH_OK;
}

ch_status ch_make_refs(ch_arena *arena, const ch_attr_list *attrs, ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < attrs->n; i++) {
        ch_expr *ref;
        CH_AN_NEW(ref, ch_make_ref(arena, attrs->item[i], err));
        CH_TRY(ch_expr_list_add(arena, out, ref, err));
    }
    return CH_OK;
}

ch_status ch_make_window_output(ch_arena *arena, ch_rel_window *window, ch_error *err)
{
    ch_attr_list made, out = {0};
    CH_TRY(ch_make_output(arena, &window->functions, &made, err));
    for (int32_t i = 0; i < window->input->output.n; i++)
        CH_TRY(ch_attr_list_add(arena, &out, window->input->output.item[i], err));
    for (int32_t i = 0; i < made.n; i++)
        CH_TRY(ch_attr_list_add(arena, &out, made.item[i], err));
    window->head.output = out;
    return CH_OK;
}

static ch_status add_nullable(ch_arena *arena, ch_attr_list *out, const ch_attr_list *in,
                              bool nullable, ch_error *err)
{
    for (int32_t i = 0; i < in->n; i++) {
        const ch_attr *attr = in->item[i];
        if (nullable && !attr->nullable) {
            ch_attr *copy;
            CH_ARENA_NEW(copy, arena, err);
            *copy = *attr;
            copy->nullable = true;
            attr = copy;
        }
        CH_TRY(ch_attr_list_add(arena, out, attr, err));
    }
    return CH_OK;
}

ch_status ch_join_output(ch_arena *arena, ch_rel_join *j, ch_error *err)
{
    ch_attr_list out = {0};
    bool null_left = j->join_type == CH_JOIN_RIGHT_OUTER || j->join_type == CH_JOIN_FULL_OUTER;
    bool null_right = j->join_type == CH_JOIN_LEFT_OUTER || j->join_type == CH_JOIN_FULL_OUTER;
    CH_TRY(add_nullable(arena, &out, &j->left->output, null_left, err));
    if (j->join_type == CH_JOIN_EXISTENCE)
        CH_TRY(ch_attr_list_add(arena, &out, j->exists, err));
    else if (j->join_type != CH_JOIN_LEFT_SEMI && j->join_type != CH_JOIN_LEFT_ANTI)
        CH_TRY(add_nullable(arena, &out, &j->right->output, null_right, err));
    j->head.output = out;
    return CH_OK;
}
