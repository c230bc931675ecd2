/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_frame.c - what DataFrames have besides SELECT: distinct, withColumns, drop, toDF, sample ... */
#include "plan/analyzer.h"

static ch_status quote_name(ch_analyzer *a, const char *name, char **out, ch_error *err)
{
    ch_str_list one = {&name, 1};
    CH_AN_NEW(*out, ch_names_quoted(a->arena, &one, err));
    return CH_OK;
}

/* ---- withColumns, withColumnsRenamed, toDF, drop ------------------------------------------------------- */

static ch_status with_columns(ch_analyzer *a, const ch_rel_with_columns *w, ch_rel *input,
                              ch_rel **out, ch_error *err)
{
    const ch_attr_list *columns = &input->output;
    ch_an_time_window windows = {.list = &w->aliases};
    CH_TRY(ch_an_time_windows(a, &windows, &input, err));
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "withColumns");
    scope.time_window = windows.column;
    scope.windows = true;
    ch_expr_list fresh = {0}, list = {0};
    for (int32_t i = 0; i < w->aliases.n; i++) {
        ch_expr *e;
        if (ch_an_is_generator(a, w->aliases.item[i])) {
            ch_expr_list made = {0};
            CH_TRY(ch_an_generator_item(a, &scope, w->aliases.item[i], &made, err));
            e = made.item[0];
        } else {
            CH_TRY(ch_an_expr(a, &scope, w->aliases.item[i], &e, err));
        }
        CH_TRY(ch_an_named(a, w->aliases.item[i], e, &e, err));
        if (e->kind != CH_EXPR_ALIAS) {
            const ch_attr *attr = ((const ch_expr_attribute *)e)->attr;
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, attr->name, err));
        }
        const char *name = ((const ch_expr_alias *)e)->names.item[0];
        for (int32_t k = 0; k < i; k++)
            if (ch_an_same_name(a, ((const ch_expr_alias *)fresh.item[k])->names.item[0], name)) {
                char *quoted;
                CH_TRY(quote_name(a, name, &quoted, err));
                CH_AN_FAIL(a, &w->head, err, COLUMN_ALREADY_EXISTS, "columnName", quoted);
            }
        CH_TRY(ch_expr_list_add(a->arena, &fresh, e, err));
    }
    bool *placed;
    CH_ARENA_ARRAY(placed, a->arena, fresh.n + 1, err);
    for (int32_t i = 0; i < columns->n; i++) {
        ch_expr *e = NULL;
        for (int32_t k = 0; k < fresh.n && !e; k++)
            if (ch_an_same_name(a, ((const ch_expr_alias *)fresh.item[k])->names.item[0],
                                columns->item[i]->name)) {
                e = fresh.item[k];
                placed[k] = true;
            }
        if (!e)
            CH_AN_NEW(e, ch_make_ref(a->arena, columns->item[i], err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    for (int32_t k = 0; k < fresh.n && w->must_exist; k++)
        if (!placed[k]) {
            ch_expr_unresolved_attribute *u;
            ch_expr *missing;
            CH_AN_NEW(u, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err));
            u->head.start = fresh.item[k]->start;
            u->head.stop = fresh.item[k]->stop;
            u->plan_id = -1;
            u->parts = ((const ch_expr_alias *)fresh.item[k])->names;
            CH_TRY(ch_an_expr(a, &scope, &u->head, &missing, err));
        }
    for (int32_t k = 0; k < fresh.n; k++)
        if (!placed[k])
            CH_TRY(ch_expr_list_add(a->arena, &list, fresh.item[k], err));
    CH_TRY(ch_an_add_generates(a, &scope, &input, err));
    return ch_an_project(a, input, &list, out, err);
}

/* Each column under its new name; NULL keeps the name. */
static ch_status rename_project(ch_analyzer *a, ch_rel *input, const char *const *name,
                                ch_rel **out, ch_error *err)
{
    ch_expr_list list = {0};
    for (int32_t i = 0; i < input->output.n; i++) {
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, input->output.item[i], err));
        if (name[i])
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, name[i], err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return ch_make_project(a->arena, input, &list, out, err);
}

static ch_status with_columns_renamed(ch_analyzer *a, const ch_rel_with_columns_renamed *w,
                                      ch_rel *input, ch_rel **out, ch_error *err)
{
    const char **name;
    CH_ARENA_ARRAY(name, a->arena, input->output.n + 1, err);
    for (int32_t i = 0; i < input->output.n; i++)
        for (int32_t k = 0; k < w->renames.n; k++) {
            const char *now = name[i] ? name[i] : input->output.item[i]->name;
            if (ch_an_same_name(a, w->renames.key[k], now))
                name[i] = w->renames.value[k];
        }
    return rename_project(a, input, name, out, err);
}

static ch_status to_df(ch_analyzer *a, const ch_rel_to_df *t, ch_rel *input, ch_rel **out,
                       ch_error *err)
{
    if (t->names.n != input->output.n)
        CH_AN_FAIL(a, &t->head, err, ALIAS_COUNT, "numExpr", CH_I64(t->names.n), "numTarget",
                   CH_I64(input->output.n));
    return rename_project(a, input, t->names.item, out, err);
}

static ch_status drop(ch_analyzer *a, const ch_rel_drop *d, ch_rel *input, ch_rel **out,
                      ch_error *err)
{
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "drop");
    ch_attr_list gone = {0};
    for (int32_t i = 0; i < d->columns.n; i++) {
        ch_expr *e;
        ch_error absent = {0};
        ch_status status = ch_an_expr(a, &scope, d->columns.item[i], &e, &absent);
        if (status == CH_E_MEMORY || status == CH_E_AMBIGUOUS_REFERENCE) {
            if (err)
                *err = absent;
            else
                ch_error_release(&absent);
            return status;
        }
        ch_error_release(&absent); /* Dropping what is not there is no error. */
        if (status == CH_OK && e->kind == CH_EXPR_ATTRIBUTE)
            CH_TRY(ch_attr_list_add(a->arena, &gone, ((const ch_expr_attribute *)e)->attr, err));
    }
    ch_expr_list list = {0};
    for (int32_t i = 0; i < input->output.n; i++) {
        const ch_attr *attr = input->output.item[i];
        bool keep = !ch_attr_list_find(&gone, attr->id);
        for (int32_t k = 0; k < d->names.n && keep; k++)
            keep = !ch_an_same_name(a, d->names.item[k], attr->name);
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, attr, err));
        if (keep)
            CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return ch_make_project(a->arena, input, &list, out, err);
}

/* ---- the others: their input's columns ------------------------------------------------------------------- */

static ch_status deduplicate(ch_analyzer *a, const ch_rel_deduplicate *in, ch_rel *input,
                             ch_rel **out, ch_error *err)
{
    ch_rel_deduplicate *d;
    CH_AN_NEW(d, ch_rel_clone(a->arena, &in->head, err));
    d->input = input;
    d->head.output = input->output;
    d->columns = (ch_str_list){0};
    *out = &d->head;
    if (d->all_columns_as_keys)
        return ch_an_no_maps(a, &in->head, &input->output, err);
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "dropDuplicates");
    for (int32_t i = 0; i < in->columns.n; i++) {
        const char *name = NULL;
        for (int32_t k = 0; k < input->output.n; k++)
            if (ch_an_same_name(a, input->output.item[k]->name, in->columns.item[i]))
                name = input->output.item[k]->name;
        if (!name) {
            ch_str_list one = {&in->columns.item[i], 1};
            char *quoted, *proposal;
            CH_AN_NEW(quoted, ch_names_quoted(a->arena, &one, err));
            CH_TRY(ch_an_proposal(a, &scope, &one, &proposal, err));
            CH_AN_FAIL(a, &in->head, err, UNRESOLVED_COLUMN_SUGGEST, "objectName", quoted,
                       "proposal", proposal ? proposal : "");
        }
        CH_TRY(ch_str_list_add(a->arena, &d->columns, name, err));
    }
    return CH_OK;
}

static ch_status repartition(ch_analyzer *a, const ch_rel_repartition *in, ch_rel *input,
                             ch_rel **out, ch_error *err)
{
    ch_rel_repartition *r;
    CH_AN_NEW(r, ch_rel_clone(a->arena, &in->head, err));
    ch_an_scope scope = ch_an_scope_of(a, input, NULL, "repartition");
    r->input = input;
    r->head.output = input->output;
    r->expressions = (ch_expr_list){0};
    *out = &r->head;
    CH_TRY(ch_an_exprs(a, &scope, &in->expressions, &r->expressions, err));
    if (!r->by_id)
        return CH_OK;
    return ch_make_cast(a->arena, &r->expressions.item[0], CH_T_INT, err);
}

ch_status ch_an_frame(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    /* Input is the first field of all of them. */
    const ch_rel *below = ((const ch_rel_deduplicate *)rel)->input;
    ch_rel *input;
    bool keeps_hidden = rel->kind == CH_REL_SAMPLE || rel->kind == CH_REL_HINT;
    CH_TRY(keeps_hidden ? ch_an_rel(a, below, &input, err) : ch_an_input(a, below, &input, err));
    switch (rel->kind) {
    case CH_REL_DEDUPLICATE:
        return deduplicate(a, (const void *)rel, input, out, err);
    case CH_REL_WITH_COLUMNS:
        return with_columns(a, (const void *)rel, input, out, err);
    case CH_REL_WITH_COLUMNS_RENAMED:
        return with_columns_renamed(a, (const void *)rel, input, out, err);
    case CH_REL_TO_DF:
        return to_df(a, (const void *)rel, input, out, err);
    case CH_REL_DROP:
        return drop(a, (const void *)rel, input, out, err);
    case CH_REL_REPARTITION:
        return repartition(a, (const void *)rel, input, out, err);
    default: { /* Sample, Tail, Hint */
        ch_rel_deduplicate *copy;
        CH_AN_NEW(copy, ch_rel_clone(a->arena, rel, err));
        copy->input = input;
        copy->head.output = input->output;
        *out = &copy->head;
        return CH_OK;
    }
    }
}
_Static_assert(offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_with_columns, input) &&
                   offsetof(ch_rel_deduplicate, input) ==
                       offsetof(ch_rel_with_columns_renamed, input) &&
                   offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_to_df, input) &&
                   offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_drop, input) &&
                   offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_repartition, input) &&
                   offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_sample, input) &&
                   offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_tail, input) &&
                   offsetof(ch_rel_deduplicate, input) == offsetof(ch_rel_hint, input),
               "see ch_an_frame");
