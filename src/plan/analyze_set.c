/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_set.c - UNION, INTERSECT, EXCEPT and VALUES: rows that must come to have the same types. */
#include "plan/analyzer.h"
#include "plan/fold.h"

static const char *const ORDINAL[] = {"first", "second",  "third",  "fourth", "fifth",
                                      "sixth", "seventh", "eighth", "ninth",  "tenth"};

static const char *ordinal(ch_arena *arena, int32_t i, ch_error *err)
{
    return i < 10 ? ORDINAL[i] : ch_arena_printf(arena, err, "%dth", i + 1);
}

static const char *const NAME[] = {"INTERSECT", "UNION", "EXCEPT"};

ch_status ch_an_no_maps(ch_analyzer *a, const ch_rel *at, const ch_attr_list *list, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        const ch_attr *attr = list->item[i];
        if (attr->type->id != CH_MAP)
            continue;
        ch_str_list one = {(const char **)&attr->name, 1};
        char *name, *type;
        CH_AN_NEW(name, ch_names_quoted(a->arena, &one, err));
        CH_AN_NEW(type, ch_type_quoted(a->arena, attr->type, err));
        CH_AN_FAIL(a, at, err, UNPIVOT_TYPE, "colName", name, "dataType", type);
    }
    return CH_OK;
}

/* ---- types ------------------------------------------------------------------------------------------ */

static ch_status cast_side(ch_analyzer *a, ch_rel **side, const ch_type *const *type, ch_error *err)
{
    ch_expr_list list = {0};
    bool changed = false;
    for (int32_t i = 0; i < (*side)->output.n; i++) {
        const ch_attr *attr = (*side)->output.item[i];
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, attr, err));
        if (attr->type != type[i]) {
            changed = true;
            CH_TRY(ch_make_cast(a->arena, &e, type[i], err));
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, attr->name, err));
        }
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return changed ? ch_make_project(a->arena, *side, &list, side, err) : CH_OK;
}

static ch_status widen(ch_analyzer *a, const ch_rel_set_operation *at, ch_rel_set_operation *s,
                       ch_error *err)
{
    int32_t n = s->left->output.n;
    const char *op = NAME[at->op];
    if (n != s->right->output.n)
        CH_AN_FAIL(a, &at->head, err, NUM_COLUMNS_MISMATCH, "operator", op, "firstNumColumns",
                   CH_I64(n), "invalidOrdinalNum", "second", "invalidNumColumns",
                   CH_I64(s->right->output.n));
    const ch_type **type;
    CH_ARENA_ARRAY(type, a->arena, n + 1, err);
    for (int32_t i = 0; i < n; i++) {
        const ch_type *l = s->left->output.item[i]->type, *r = s->right->output.item[i]->type;
        type[i] = l == r ? l : ch_common_type(l, r, a->ctx->func->ansi);
        if (type[i])
            continue;
        char *left, *right;
        CH_AN_NEW(left, ch_type_quoted(a->arena, l, err));
        CH_AN_NEW(right, ch_type_quoted(a->arena, r, err));
        CH_AN_FAIL(a, &at->head, err, INCOMPATIBLE_COLUMN_TYPE, "operator", op,
                   "columnOrdinalNumber", ordinal(a->arena, i, err), "tableOrdinalNumber", "second",
                   "dataType1", right, "dataType2", left, "hint", "");
    }
    CH_TRY(cast_side(a, &s->left, type, err));
    return cast_side(a, &s->right, type, err);
}

/* ---- UNION BY NAME ------------------------------------------------------------------------------------ */

static int32_t find_name(const ch_analyzer *a, const ch_attr_list *list, const char *name)
{
    for (int32_t i = 0; i < list->n; i++)
        if (ch_an_same_name(a, list->item[i]->name, name))
            return i;
    return -1;
}

/* `side` with the columns of `like` first, in that order, then its own. */
static ch_status arrange(ch_analyzer *a, const ch_rel_set_operation *at, const ch_attr_list *like,
                         ch_rel **side, ch_error *err)
{
    ch_expr_list list = {0};
    for (int32_t i = 0; i < like->n; i++) {
        const char *name = like->item[i]->name;
        int32_t pos = find_name(a, &(*side)->output, name);
        ch_expr *e;
        if (pos >= 0) {
            CH_AN_NEW(e, ch_make_ref(a->arena, (*side)->output.item[pos], err));
        } else if (at->allow_missing_columns) {
            ch_scalar null = {.type = like->item[i]->type, .is_null = true};
            CH_AN_NEW(e, ch_make_literal(a->arena, &null, err));
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, name, err));
        } else {
            ch_str_list one = {&name, 1};
            CH_AN_FAIL(a, &at->head, err, UNRESOLVED_COLUMN, "objectName",
                       ch_names_quoted(a->arena, &one, err));
        }
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    for (int32_t i = 0; i < (*side)->output.n && at->allow_missing_columns; i++)
        if (find_name(a, like, (*side)->output.item[i]->name) < 0) {
            ch_expr *e;
            CH_AN_NEW(e, ch_make_ref(a->arena, (*side)->output.item[i], err));
            CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
        }
    return ch_make_project(a->arena, *side, &list, side, err);
}

static ch_status by_name(ch_analyzer *a, const ch_rel_set_operation *at, ch_rel_set_operation *s,
                         ch_error *err)
{
    ch_attr_list left = s->left->output;
    CH_TRY(arrange(a, at, &left, &s->right, err));
    if (!at->allow_missing_columns)
        return CH_OK;
    ch_attr_list right = s->right->output;
    return arrange(a, at, &right, &s->left, err);
}

/* ---- the operations ------------------------------------------------------------------------------------ */

ch_status ch_an_union_output(ch_analyzer *a, ch_rel_set_operation *u, ch_rel **out, ch_error *err)
{
    ch_attr_list output = {0};
    for (int32_t i = 0; i < u->left->output.n; i++) {
        const ch_attr *l = u->left->output.item[i], *r = u->right->output.item[i];
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, l->name, l->type, l->nullable || r->nullable, err));
        CH_TRY(ch_attr_list_add(a->arena, &output, attr, err));
    }
    u->head.output = output;
    *out = &u->head;
    return CH_OK;
}

ch_status ch_an_set_operation(ch_analyzer *a, const ch_rel_set_operation *in, ch_rel **out,
                              ch_error *err)
{
    ch_rel_set_operation *s;
    CH_AN_NEW(s, ch_rel_clone(a->arena, &in->head, err));
    CH_TRY(ch_an_input(a, in->left, &s->left, err));
    CH_TRY(ch_an_input(a, in->right, &s->right, err));
    if (in->by_name)
        CH_TRY(by_name(a, in, s, err));
    s->by_name = false;
    CH_TRY(widen(a, in, s, err));
    if (in->op != CH_SET_UNION || !in->is_all)
        CH_TRY(ch_an_no_maps(a, &in->head, &s->left->output, err));
    if (in->op != CH_SET_UNION) {
        ch_rel *ignored;
        return ch_an_union_output(a, s, out ? out : &ignored, err);
    }
    s->is_all = true;
    CH_TRY(ch_an_union_output(a, s, out, err));
    if (in->is_all)
        return CH_OK;
    ch_rel_deduplicate *d;
    CH_AN_NEW(d, ch_rel_new(a->arena, CH_REL_DEDUPLICATE, err));
    d->input = *out;
    d->all_columns_as_keys = true;
    d->head.output = (*out)->output;
    *out = &d->head;
    return CH_OK;
}

/* ---- VALUES ---------------------------------------------------------------------------------------------- */

static ch_status values_column(ch_analyzer *a, const ch_rel_values *at, ch_rel_values *v,
                               int32_t column, const ch_attr **out, ch_error *err)
{
    ch_expr **cell;
    const ch_type *type;
    bool nullable = false;
    char *name;
    CH_ARENA_ARRAY(cell, a->arena, v->n_rows + 1, err);
    for (int32_t r = 0; r < v->n_rows; r++)
        cell[r] = v->row[r].item[column];
    CH_AN_NEW(name, ch_arena_printf(a->arena, err, "col%d", column + 1));
    CH_TRY(ch_an_common_type(a, cell, v->n_rows, 1, &type, err));
    bool text = false, other = false; /* here they do not go together */
    for (int32_t r = 0; r < v->n_rows; r++) {
        text |= ch_type_is_string(cell[r]->type);
        other |= !ch_type_is_string(cell[r]->type) && cell[r]->type->id != CH_NULL;
    }
    if (!type || (text && other)) {
        ch_str_list one = {(const char **)&name, 1};
        char *quoted;
        CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
        CH_AN_FAIL(a, &at->head, err, INLINE_TABLE_TYPES, "colName", quoted);
    }
    for (int32_t r = 0; r < v->n_rows; r++) {
        ch_expr *e = cell[r];
        CH_TRY(ch_make_cast(a->arena, &e, type, err));
        ch_scalar value;
        bool done;
        /* What can be computed is: then the table is data. */
        CH_TRY(ch_expr_fold(a->ctx->func, a->arena, e, &value, &done, err));
        if (done)
            CH_AN_NEW(e, ch_make_literal(a->arena, &value, err));
        nullable |= e->nullable;
        v->row[r].item[column] = e;
    }
    ch_attr *attr;
    CH_AN_NEW(attr, ch_make_attr(a->ctx, name, type, nullable, err));
    *out = attr;
    return CH_OK;
}

ch_status ch_an_values(ch_analyzer *a, const ch_rel_values *in, ch_rel **out, ch_error *err)
{
    ch_rel_values *v;
    CH_AN_NEW(v, ch_rel_clone(a->arena, &in->head, err));
    CH_ARENA_ARRAY(v->row, a->arena, in->n_rows + 1, err);
    int32_t n = in->n_rows ? in->row[0].n : 0;
    ch_an_scope scope = ch_an_scope_of(a, NULL, NULL, "VALUES");
    for (int32_t r = 0; r < in->n_rows; r++) {
        if (in->row[r].n != n)
            CH_AN_FAIL(a, &in->head, err, INLINE_TABLE_COLUMNS, "expectedNumCols", CH_I64(n),
                       "actualNumCols", CH_I64(in->row[r].n), "rowIndex", CH_I64(r));
        bool correlated = a->correlated;
        a->correlated = false;
        CH_TRY(ch_an_exprs(a, &scope, &in->row[r], &v->row[r], err));
        if (a->correlated)
            CH_AN_FAIL(a, &in->head, err, INLINE_TABLE_EXPRESSION, "expr",
                       ch_expr_quoted(a->arena, v->row[r].item[0], err));
        a->correlated = correlated;
        for (int32_t i = 0; i < v->row[r].n; i++) {
            if (v->row[r].item[i]->kind == CH_EXPR_ALIAS)
                v->row[r].item[i] = ((ch_expr_alias *)v->row[r].item[i])->child;
            if (ch_expr_has_python(v->row[r].item[i]))
                CH_AN_FAIL(a, &in->head, err, INLINE_TABLE_EXPRESSION, "expr",
                           ch_expr_quoted(a->arena, v->row[r].item[i], err));
        }
    }
    v->head.output = (ch_attr_list){0};
    for (int32_t i = 0; i < n; i++) {
        const ch_attr *attr;
        CH_TRY(values_column(a, in, v, i, &attr, err));
        CH_TRY(ch_attr_list_add(a->arena, &v->head.output, attr, err));
    }
    *out = &v->head;
    return CH_OK;
}
