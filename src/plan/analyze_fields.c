/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_fields.c - withField and dropFields: a struct made anew, NULL where it was NULL.
 *
 *   s.withField("a.b", 1)    if(isnull(s), NULL, named_struct('a', <s.a with b>, 'c', s.c))
 *
 * As in Spark: a field that is there several times is changed each time, one that is not is added at the
 * end; dropping what is not there changes nothing, dropping all fields is refused.
 */
#include <string.h>

#include "plan/analyzer.h"

/* What to do: value for the field that path names, or NULL to drop it. */
typedef struct change {
    const ch_expr_update_fields *at;
    ch_str_list path;
    ch_expr *value;
} change;

static ch_status not_struct(ch_analyzer *a, const change *c, const ch_expr *e, ch_error *err)
{
    char *sql, *input, *type;
    CH_AN_NEW(input, ch_expr_quoted(a->arena, e, err));
    CH_AN_NEW(type, ch_type_quoted(a->arena, e->type, err));
    CH_AN_NEW(sql, ch_arena_printf(a->arena, err, "\"update_fields(%s, %s)\"",
                                   ch_expr_sql(a->arena, e, err),
                                   c->value ? "WithField" : "dropfield()"));
    CH_AN_FAIL(a, &c->at->head, err, DATATYPE_MISMATCH_INPUT, "sqlExpr", sql, "paramIndex", "first",
               "requiredType", "\"STRUCT\"", "inputSql", input, "inputType", type);
}

static ch_status field_of(ch_analyzer *a, ch_expr *e, int32_t ordinal, ch_expr **out, ch_error *err)
{
    ch_expr_extract *x;
    const ch_field *f = &e->type->field[ordinal];
    CH_AN_NEW(x, ch_expr_new(a->arena, CH_EXPR_EXTRACT, err));
    x->child = e;
    x->ordinal = ordinal;
    x->head.type = f->type;
    x->head.nullable = e->nullable || f->nullable;
    *out = &x->head;
    return CH_OK;
}

static ch_status add(ch_analyzer *a, const char *name, ch_expr *value, ch_expr_list *args,
                     ch_error *err)
{
    ch_scalar text = {.type = CH_T_STRING, .v.str = {name, (int64_t)strlen(name)}};
    ch_expr *e;
    CH_AN_NEW(e, ch_make_literal(a->arena, &text, err));
    CH_TRY(ch_expr_list_add(a->arena, args, e, err));
    return ch_expr_list_add(a->arena, args, value, err);
}

static ch_status no_field(ch_analyzer *a, const change *c, const ch_type *type, int32_t level,
                          ch_error *err)
{
    char *fields, *quoted;
    ch_str_list one = {&c->path.item[level], 1};
    CH_AN_NEW(fields, ch_arena_str(a->arena, "", err));
    for (int32_t i = 0; i < type->n_fields; i++) {
        ch_str_list name = {(const char **)&type->field[i].name, 1};
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &name, err));
        CH_AN_NEW(fields, ch_arena_printf(a->arena, err, "%s%s%s", fields, i ? ", " : "", quoted));
    }
    CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
    CH_AN_FAIL(a, &c->at->head, err, UNRESOLVED_FIELD, "fieldName", quoted, "fields", fields);
}

/* e with the change at path[level] */
static ch_status changed(ch_analyzer *a, const change *c, int32_t level, ch_expr *e, ch_expr **out,
                         ch_error *err)
{
    ch_expr_list args = {0};
    const char *name = c->path.item[level];
    bool last = level == c->path.n - 1, found = false;
    if (e->type->id != CH_STRUCT)
        return not_struct(a, c, e, err);
    for (int32_t i = 0; i < e->type->n_fields; i++) {
        ch_expr *field;
        bool meant = ch_an_same_name(a, e->type->field[i].name, name);
        CH_TRY(field_of(a, e, i, &field, err));
        found |= meant;
        if (meant && !last)
            CH_TRY(changed(a, c, level + 1, field, &field, err));
        if (meant && last && !c->value)
            continue;
        if (meant && last)
            field = c->value;
        CH_TRY(add(a, meant && last ? name : e->type->field[i].name, field, &args, err));
    }
    if (!found && !last)
        return no_field(a, c, e->type, level, err);
    if (!found && c->value)
        CH_TRY(add(a, name, c->value, &args, err));
    if (!args.n)
        CH_AN_FAIL(a, &c->at->head, err, CANNOT_DROP_ALL_FIELDS, "sqlExpr",
                   ch_expr_quoted(a->arena, e, err));
    *out = e;
    if (!found && !c->value)
        return CH_OK;
    CH_TRY(ch_call_make(a->ctx, "named_struct", args.item, args.n, out, err));
    if (!e->nullable)
        return CH_OK;
    ch_expr **choice, *null;
    ch_scalar nothing = {.type = (*out)->type, .is_null = true};
    CH_ARENA_ARRAY(choice, a->arena, 3, err);
    ch_expr **arg;
    CH_ARENA_ARRAY(arg, a->arena, 1, err);
    arg[0] = e;
    CH_TRY(ch_call_make(a->ctx, "isnull", arg, 1, &choice[0], err));
    CH_AN_NEW(null, ch_make_literal(a->arena, &nothing, err));
    choice[1] = null;
    choice[2] = *out;
    return ch_call_make(a->ctx, "if", choice, 3, out, err);
}

ch_status ch_an_update_fields(ch_analyzer *a, ch_an_scope *scope, const ch_expr_update_fields *u,
                              ch_expr **out, ch_error *err)
{
    change c = {.at = u};
    ch_expr *child;
    CH_TRY(ch_an_expr(a, scope, u->child, &child, err));
    if (u->value)
        CH_TRY(ch_an_expr(a, scope, u->value, &c.value, err));
    if (c.value && c.value->kind == CH_EXPR_ALIAS)
        c.value = ((ch_expr_alias *)c.value)->child;
    CH_TRY(ch_name_split(a->arena, u->field, &c.path, err));
    return changed(a, &c, 0, child, out, err);
}
