/* SPDX-License-Identifier: Apache-2.0 */
/* json_need.c - needs, and what from_json can leave out. */
#include "optimize/json_need.h"

#include <string.h>
#include <strings.h>

#include "type/type_json.h"

/* Schemas that nest deeper than type_json.h reads are left as they are. */
enum { MOST_LEVELS = 48 };

/* ---- needs ------------------------------------------------------------------------------- */

const ch_need ch_need_all = {.all = true};

ch_status ch_need_new(ch_needs *p, const ch_type *t, ch_need **out, ch_error *err)
{
    CH_ARENA_NEW(*out, p->arena, err);
    CH_ARENA_ARRAY((*out)->field, p->arena, ch_need_parts(t) + 1, err);
    return CH_OK;
}

/* A value of the type of which part i is needed. */
ch_status ch_need_part(ch_needs *p, const ch_type *t, int32_t i, const ch_need *part,
                       const ch_need **out, ch_error *err)
{
    ch_need *whole;
    CH_TRY(ch_need_new(p, t, &whole, err));
    whole->field[i] = part;
    *out = whole;
    return CH_OK;
}

/* *to becomes what both need, a new one where they differ. */
static ch_status need_merge(ch_needs *p, const ch_type *t, const ch_need **to, const ch_need *more,
                            ch_error *err)
{
    if (!more || *to == more || (*to && (*to)->all))
        return CH_OK;
    if (!*to || more->all) {
        *to = more;
        return CH_OK;
    }
    ch_need *both;
    CH_TRY(ch_need_new(p, t, &both, err));
    for (int32_t i = 0; i < ch_need_parts(t); i++) {
        both->field[i] = (*to)->field[i];
        CH_TRY(need_merge(p, t->field[i].type, &both->field[i], more->field[i], err));
    }
    *to = both;
    return CH_OK;
}

ch_need_column *ch_need_find(const ch_needs *p, int64_t id)
{
    for (int32_t i = 0; i < p->n; i++)
        if (p->column[i].id == id)
            return &p->column[i];
    return NULL;
}

/* The same, made if it is new. */
ch_status ch_need_column_of(ch_needs *p, int64_t id, ch_need_column **out, ch_error *err)
{
    *out = ch_need_find(p, id);
    if (*out)
        return CH_OK;
    if (p->n == p->cap) {
        int32_t cap = p->cap ? 2 * p->cap : 16;
        ch_need_column *more;
        CH_ARENA_ARRAY(more, p->arena, cap, err);
        if (p->n)
            memcpy(more, p->column, sizeof *more * (size_t)p->n);
        p->column = more;
        p->cap = cap;
    }
    *out = &p->column[p->n++];
    **out = (ch_need_column){.id = id};
    return CH_OK;
}

/* Columns that may come from from_json: those that have parts. */
ch_status ch_need_want(ch_needs *p, const ch_attr *attr, const ch_need *n, ch_error *err)
{
    ch_need_column *c;
    if (!ch_need_parts(attr->type))
        return CH_OK;
    CH_TRY(ch_need_column_of(p, attr->id, &c, err));
    return need_merge(p, attr->type, &c->wanted, n, err);
}

const ch_need *ch_need_wanted(const ch_needs *p, const ch_attr *attr)
{
    const ch_need_column *c = ch_need_find(p, attr->id);
    return c ? c->wanted : ch_need_parts(attr->type) ? NULL : &ch_need_all;
}

/* ---- from_json --------------------------------------------------------------------------- */

/* Levels of the tree of types, up to `most`. */
static int levels(const ch_type *t, int most)
{
    int deepest = 0;
    for (int32_t i = 0; most > 0 && i < t->n_fields; i++) {
        int n = levels(t->field[i].type, most - 1);
        deepest = n > deepest ? n : deepest;
    }
    return deepest + 1;
}

bool ch_need_is_from_json(const ch_expr *e)
{
    return ch_is_call(e, "from_json") && ((const ch_expr_call *)e)->args.n == 2 &&
           levels(e->type, MOST_LEVELS) < MOST_LEVELS;
}

/* Two fields of one name: who gets a value depends on both. */
static bool has_twins(const ch_type *t)
{
    for (int32_t i = 0; i < t->n_fields; i++)
        for (int32_t k = 0; k < i; k++)
            if (strcmp(t->field[i].name, t->field[k].name) == 0)
                return true;
    return false;
}

/* It has the text of records that do not fit, which depends on all fields. */
static bool asks_for_record(const ch_func_context *func, const ch_type *t, const ch_need *n)
{
    const char *name = func->corrupt_column ? func->corrupt_column : "_corrupt_record";
    for (int32_t i = 0; i < t->n_fields; i++)
        if (n->field[i] && ch_type_is_string(t->field[i].type) &&
            strcasecmp(t->field[i].name, name) == 0)
            return true;
    return false;
}

/* What is to be made where n is needed: at least one field of a struct. */
static ch_status make_need(ch_needs *p, const ch_type *t, const ch_need *n, bool root,
                           const ch_need **out, ch_error *err)
{
    *out = &ch_need_all;
    if (!ch_need_parts(t) || (n && n->all))
        return CH_OK;
    bool whole = true, none = true;
    ch_need *made;
    CH_TRY(ch_need_new(p, t, &made, err));
    if (t->id == CH_ARRAY) {
        CH_TRY(make_need(p, t->field[0].type, n ? n->field[0] : NULL, false, &made->field[0], err));
        if (!made->field[0]->all)
            *out = made;
        return CH_OK;
    }
    if (has_twins(t) || (root && n && asks_for_record(p->ctx->func, t, n)))
        return CH_OK;
    for (int32_t i = 0; i < t->n_fields; i++) {
        const ch_type *f = t->field[i].type;
        if (n && n->field[i])
            CH_TRY(make_need(p, f, n->field[i], false, &made->field[i], err));
        none &= !made->field[i];
        whole &= made->field[i] && made->field[i]->all;
    }
    if (none && t->n_fields) {
        CH_TRY(make_need(p, t->field[0].type, NULL, false, &made->field[0], err));
        whole = t->n_fields == 1 && made->field[0]->all;
    }
    if (!whole)
        *out = made;
    return CH_OK;
}

/* The type without what is not made. */
static const ch_type *made_type(ch_needs *p, const ch_type *t, const ch_need *made, ch_error *err)
{
    if (made->all)
        return t;
    if (t->id == CH_ARRAY) {
        const ch_type *item = made_type(p, t->field[0].type, made->field[0], err);
        return item ? ch_type_array(item, t->field[0].nullable) : NULL;
    }
    int32_t n = 0;
    ch_field *field = ch_arena_alloc(p->arena, sizeof *field * (size_t)(t->n_fields + 1), err);
    for (int32_t i = 0; field && i < t->n_fields; i++) {
        if (!made->field[i])
            continue;
        field[n] = t->field[i];
        field[n].type = made_type(p, t->field[i].type, made->field[i], err);
        if (!field[n++].type)
            return NULL;
    }
    return field ? ch_type_struct(field, n) : NULL;
}

/* The call with another schema; as it was if that cannot be written down. */
static ch_status with_schema(ch_needs *p, ch_expr **e, const ch_type *type, ch_error *err)
{
    const ch_expr_call *call = (const ch_expr_call *)*e;
    ch_buf buf;
    ch_buf_init(&buf, p->arena->mem);
    ch_status status = ch_type_print_json(type, &buf, err);
    char *text = status == CH_OK ? ch_arena_strn(p->arena, buf.data, buf.len, err) : NULL;
    ch_scalar schema = {.type = CH_T_STRING, .v.str = {text, (int64_t)buf.len}};
    ch_buf_release(&buf);
    if (!text)
        return CH_E_MEMORY;
    ch_expr **arg, *smaller;
    CH_ARENA_ARRAY(arg, p->arena, 2, err);
    arg[0] = call->args.item[0];
    CH_AN_NEW(arg[1], ch_make_literal(p->arena, &schema, err));
    CH_TRY(ch_call_make(p->ctx, "from_json", arg, 2, &smaller, err));
    if (smaller->type != type)
        return CH_OK;
    smaller->start = call->head.start;
    smaller->stop = call->head.stop;
    smaller->text = call->head.text;
    *e = smaller;
    p->changed = true;
    return CH_OK;
}

ch_status ch_need_shrink(ch_needs *p, ch_expr **e, const ch_need *n, const ch_need **made,
                         ch_error *err)
{
    CH_TRY(make_need(p, (*e)->type, n, true, made, err));
    if ((*made)->all)
        return CH_OK;
    const ch_type *type = made_type(p, (*e)->type, *made, err);
    if (!type)
        return CH_E_MEMORY;
    CH_TRY(with_schema(p, e, type, err));
    if ((*e)->type != type)
        *made = &ch_need_all;
    return CH_OK;
}
