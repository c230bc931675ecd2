/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_source.c - where columns come from: tables and views by name, WITH, files, rows in memory,
 * ranges; and the aliases that rename them.
 */
#include "base/edits.h"
#include "plan/analyzer.h"

/* The same columns under another qualifier. */
static ch_status qualify(ch_analyzer *a, const ch_attr_list *in, const ch_str_list *qualifier,
                         const ch_str_list *names, ch_attr_list *out, ch_error *err)
{
    ch_attr_list list = {0}; /* in may be out */
    for (int32_t i = 0; i < in->n; i++) {
        ch_attr *attr;
        CH_ARENA_NEW(attr, a->arena, err);
        *attr = *in->item[i];
        attr->qualifier = *qualifier;
        if (names && names->n)
            attr->name = names->item[i];
        CH_TRY(ch_attr_list_add(a->arena, &list, attr, err));
    }
    *out = list;
    return CH_OK;
}

/* ---- aliases ----------------------------------------------------------------------------------------- */

static ch_status rename_columns(ch_analyzer *a, const ch_rel_subquery_alias *at, ch_rel **rel,
                                ch_error *err)
{
    int32_t n = (*rel)->output.n;
    if (at->columns.n != n && (*rel)->kind == CH_REL_VALUES)
        CH_AN_FAIL(a, &at->head, err, INLINE_TABLE_COLUMNS, "expectedNumCols",
                   CH_I64(at->columns.n), "actualNumCols", CH_I64(n), "rowIndex", "0");
    if (at->columns.n != n)
        CH_AN_FAIL(a, &at->head, err, ALIAS_COUNT, "numExpr", CH_I64(at->columns.n), "numTarget",
                   CH_I64(n));
    if ((*rel)->kind == CH_REL_VALUES) {
        static const ch_str_list none;
        CH_AN_NEW(*rel, ch_rel_clone(a->arena, *rel, err));
        ch_attr_list columns = (*rel)->output;
        return qualify(a, &columns, &none, &at->columns, &(*rel)->output, err);
    }
    ch_expr_list list = {0};
    for (int32_t i = 0; i < n; i++) {
        ch_expr *e;
        CH_AN_NEW(e, ch_make_ref(a->arena, (*rel)->output.item[i], err));
        CH_AN_NEW(e, ch_make_alias(a->ctx, e, at->columns.item[i], err));
        CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    }
    return ch_make_project(a->arena, *rel, &list, rel, err);
}

/* A resolved SubqueryAlias over a resolved input. */
static ch_status alias_of(ch_analyzer *a, ch_rel *input, const char *name,
                          const ch_str_list *qualifier, ch_rel **out, ch_error *err)
{
    ch_rel_subquery_alias *alias;
    CH_AN_NEW(alias, ch_rel_new(a->arena, CH_REL_SUBQUERY_ALIAS, err));
    alias->input = input;
    alias->alias = name;
    CH_TRY(qualify(a, &input->output, qualifier, NULL, &alias->head.output, err));
    *out = &alias->head;
    return CH_OK;
}

static ch_status over_alias(ch_analyzer *a, const ch_rel_subquery_alias *at, ch_rel *input,
                            ch_rel **out, ch_error *err)
{
    ch_str_list qualifier = {0};
    if (at->columns.n)
        CH_TRY(rename_columns(a, at, &input, err));
    if (at->alias)
        CH_TRY(ch_str_list_add(a->arena, &qualifier, at->alias, err));
    else
        return *out = input, CH_OK;
    return alias_of(a, input, at->alias, &qualifier, out, err);
}

/* ---- names of tables ----------------------------------------------------------------------------------- */

static ch_an_cte *find_cte(const ch_analyzer *a, const ch_str_list *parts)
{
    for (ch_an_cte *c = parts->n == 1 ? a->ctes : NULL; c; c = c->up)
        if (ch_an_same_name(a, c->def->alias, parts->item[0]))
            return c;
    return NULL;
}

static ch_status resolve_definition(ch_analyzer *a, ch_an_cte *cte, ch_rel **out, ch_error *err)
{
    ch_rel *input = NULL;
    ch_str_list qualifier = {0};
    a->ctes = cte;
    if (cte->recursive)
        CH_TRY(ch_an_recursion(a, cte, &input, err));
    if (input) { /* its columns have their names */
        CH_TRY(ch_str_list_add(a->arena, &qualifier, cte->def->alias, err));
        return alias_of(a, input, cte->def->alias, &qualifier, out, err);
    }
    a->ctes = cte->up;
    CH_TRY(ch_an_input(a, cte->def->input, &input, err));
    return over_alias(a, cte->def, input, out, err);
}

static ch_status resolve_cte(ch_analyzer *a, ch_an_cte *cte, ch_rel **out, ch_error *err)
{
    ch_an_cte *ctes = a->ctes;
    const char *sql = a->sql;
    const ch_an_scope *outer = a->outer;
    a->sql = cte->sql;
    a->outer = cte->outer;
    ch_status status = resolve_definition(a, cte, out, err);
    cte->state = CH_CTE_KNOWN;
    a->ctes = ctes;
    a->sql = sql;
    a->outer = outer;
    return status;
}

static ch_status use_cte(ch_analyzer *a, ch_an_cte *cte, const ch_rel *at, ch_rel **out,
                         ch_error *err)
{
    if (cte->state != CH_CTE_KNOWN) {
        ch_str_list qualifier = {0};
        CH_TRY(ch_an_recursion_ref(a, cte, at, out, err));
        CH_TRY(ch_str_list_add(a->arena, &qualifier, cte->def->alias, err));
        return alias_of(a, *out, cte->def->alias, &qualifier, out, err);
    }
    bool in_step = false;
    for (const ch_an_cte *up = a->ctes; up; up = up->up)
        in_step |= up->state != CH_CTE_KNOWN;
    if (cte->shared && !in_step)
        return ch_an_shared_ref(a, cte, out, err);
    if (!cte->resolved)
        return resolve_cte(a, cte, out, err);
    *out = cte->resolved;
    cte->resolved = NULL;
    return CH_OK;
}

/* The plan behind a view is another text, in which this query's WITH means nothing. */
static ch_status use_view(ch_analyzer *a, const ch_rel *plan, ch_rel **out, ch_error *err)
{
    ch_analyzer inner = {.ctx = a->ctx,
                         .arena = a->arena,
                         .depth = a->depth,
                         .views = a->views + 1,
                         .inside = a->inside,
                         .inlined = a->inlined};
    if (inner.views > CH_AN_MOST_VIEWS)
        CH_FAIL(err, UNSUPPORTED, "feature", "A view that uses itself, or views nested this deep");
    return ch_an_input(&inner, plan, out, err);
}

/* Where names of tables are looked for, as errors tell it. */
static const char *search_path(ch_analyzer *a)
{
    const char *database = a->ctx->catalog ? a->ctx->catalog->database : NULL;
    if (!database)
        database = a->ctx->func->database;
    const char *text = ch_arena_printf(
        a->arena, NULL, "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`%s`]",
        database ? database : "default");
    return text ? text : "";
}

/* The i-th column of a stored view: that of its query of that name, of the type that it had. */
static ch_status view_column(ch_analyzer *a, const ch_rel_view *v, const ch_rel *query, int32_t i,
                             ch_expr **out, ch_error *err)
{
    const char *name = v->columns.item[i];
    const ch_field *f = &v->schema->field[i];
    int32_t same = 0;
    for (int32_t k = 0; k < i; k++)
        same += ch_an_same_name(a, v->columns.item[k], name);
    for (int32_t k = 0; k < query->output.n; k++)
        if (ch_an_same_name(a, query->output.item[k]->name, name) && same-- == 0) {
            CH_AN_NEW(*out, ch_make_ref(a->arena, query->output.item[k], err));
            CH_TRY(ch_make_cast(a->arena, out, f->type, err));
            CH_AN_NEW(*out, ch_make_alias(a->ctx, *out, f->name, err));
            ((ch_expr_alias *)*out)->metadata = f->metadata;
            return CH_OK;
        }
    CH_FAIL(err, INCOMPATIBLE_VIEW_SCHEMA_CHANGE, "viewName", v->name, "colName", name,
            "expectedNum", "1", "actualCols", "[]", "suggestion",
            "CREATE OR REPLACE VIEW ... AS ...");
}

static ch_status view(ch_analyzer *a, const ch_rel_view *v, ch_rel **out, ch_error *err)
{
    ch_catalog *c = a->ctx->catalog;
    const char *database = c ? c->database : NULL;
    bool stored_only = c && c->stored_only;
    if (c) {
        c->database = v->database;
        c->stored_only = v->stored;
    }
    ch_status status = ch_an_input(a, v->input, out, err);
    if (c) {
        c->database = database;
        c->stored_only = stored_only;
    }
    CH_TRY(status);
    if (!v->schema)
        return CH_OK;
    ch_expr_list list = {0};
    for (int32_t i = 0; i < v->schema->n_fields; i++) {
        ch_expr *column;
        CH_TRY(view_column(a, v, *out, i, &column, err));
        CH_TRY(ch_expr_list_add(a->arena, &list, column, err));
    }
    return ch_make_project(a->arena, *out, &list, out, err);
}

static ch_status no_such_table(ch_analyzer *a, const ch_rel_read_named_table *t, ch_error *err)
{
    char *name;
    CH_AN_NEW(name, ch_names_quoted(a->arena, &t->parts, err));
    CH_AN_FAIL(a, &t->head, err, TABLE_OR_VIEW_NOT_FOUND, "relationName", name, "searchPath",
               search_path(a));
}

/* A name like it, of the current database. */
static void suggest_table(ch_catalog *catalog, ch_arena *arena, const ch_str_list *parts,
                          ch_error *err)
{
    ch_str_list known = {0};
    if (!catalog || !catalog->names || parts->n != 1 ||
        catalog->names(catalog, arena, &known, NULL) != CH_OK)
        return;
    ch_nearest near = CH_NEAREST(parts->item[0]);
    for (int32_t i = 0; i < known.n; i++)
        ch_nearest_offer(&near, known.item[i]);
    ch_error_did_you_mean(err, near.best, "`");
}

static ch_status read_table(ch_analyzer *a, const ch_rel_read_named_table *t, ch_rel **out,
                            ch_error *err)
{
    ch_an_cte *cte = find_cte(a, &t->parts);
    if (cte)
        return use_cte(a, cte, &t->head, out, err);
    ch_rel *plan = NULL;
    ch_str_list qualifier = {0};
    ch_catalog *catalog = a->ctx->catalog;
    if (catalog && catalog->table) {
        ch_status status =
            catalog->table(catalog, &t->parts, &t->options, a->arena, &plan, &qualifier, err);
        if (status != CH_OK)
            ch_error_locate(err, a->sql, t->head.start, t->head.stop);
        CH_TRY(status);
    }
    if (!plan) {
        ch_status failed = no_such_table(a, t, err);
        if (failed == CH_E_TABLE_OR_VIEW_NOT_FOUND)
            suggest_table(catalog, a->arena, &t->parts, err);
        return failed;
    }
    ch_status status = use_view(a, plan, out, err);
    if (status != CH_OK)
        ch_error_locate(err, a->sql, t->head.start, t->head.stop);
    CH_TRY(status);
    if (!qualifier.n)
        return CH_OK;
    char *name = ch_arena_str(a->arena, "", err);
    for (int32_t i = 0; i < qualifier.n && name; i++)
        name = ch_arena_printf(a->arena, err, "%s%s%s", name, i ? "." : "", qualifier.item[i]);
    if (!name)
        return CH_E_MEMORY;
    return alias_of(a, *out, name, &qualifier, out, err);
}

static ch_status with(ch_analyzer *a, const ch_rel_with *w, ch_rel **out, ch_error *err)
{
    ch_an_cte *before = a->ctes;
    for (int32_t i = 0; i < w->ctes.n; i++) {
        ch_an_cte *cte;
        CH_ARENA_NEW(cte, a->arena, err);
        *cte = (ch_an_cte){.up = a->ctes,
                           .def = (const ch_rel_subquery_alias *)w->ctes.item[i],
                           .recursive = w->recursive,
                           .sql = a->sql,
                           .outer = a->outer};
        a->ctes = cte;
        /* An unused definition must be right too. */
        CH_TRY(resolve_cte(a, cte, &cte->resolved, err));
        CH_TRY(ch_an_share(a, w, i, cte, err));
    }
    ch_status status = ch_an_rel(a, w->input, out, err);
    for (const ch_an_cte *cte = a->ctes; cte != before && status == CH_OK; cte = cte->up)
        if (cte->shared)
            status = ch_an_shared(a, cte, out, err);
    a->ctes = before;
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------------------ */

static ch_status fields(ch_analyzer *a, const ch_type *schema, bool all_nullable, ch_attr_list *out,
                        ch_error *err)
{
    *out = (ch_attr_list){0};
    for (int32_t i = 0; i < schema->n_fields; i++) {
        const ch_field *f = &schema->field[i];
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, f->name, f->type, all_nullable || f->nullable, err));
        attr->metadata = f->metadata;
        CH_TRY(ch_attr_list_add(a->arena, out, attr, err));
    }
    return CH_OK;
}

static ch_status scan_output(ch_analyzer *a, ch_rel_scan *scan, ch_rel **out, ch_error *err)
{
    /* Files may lack any value, whatever their schema promises. */
    CH_TRY(fields(a, scan->schema, !scan->cached, &scan->head.output, err));
    CH_ARENA_ARRAY(scan->wanted, a->arena, scan->schema->n_fields + 1, err);
    for (int32_t i = 0; i < scan->schema->n_fields; i++)
        scan->wanted[i] = i;
    scan->limit = -1;
    *out = &scan->head;
    return CH_OK;
}

static ch_status read_data_source(ch_analyzer *a, const ch_rel_read_data_source *r, ch_rel **out,
                                  ch_error *err)
{
    ch_rel_scan *scan = NULL;
    ch_catalog *catalog = a->ctx->catalog;
    if (!catalog || !catalog->data_source)
        CH_AN_FAIL(a, &r->head, err, UNSUPPORTED, "feature", "Reading files here");
    ch_status status = catalog->data_source(catalog, r, a->arena, &scan, err);
    if (status != CH_OK)
        ch_error_locate(err, a->sql, r->head.start, r->head.stop);
    CH_TRY(status);
    return scan_output(a, scan, out, err);
}

static ch_status range(ch_analyzer *a, const ch_rel_range *in, ch_rel **out, ch_error *err)
{
    ch_rel_range *r;
    ch_attr *attr;
    CH_AN_NEW(r, ch_rel_clone(a->arena, &in->head, err));
    CH_AN_NEW(attr, ch_make_attr(a->ctx, "id", CH_T_LONG, false, err));
    r->head.output = (ch_attr_list){0};
    *out = &r->head;
    return ch_attr_list_add(a->arena, &r->head.output, attr, err);
}

ch_status ch_an_source(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    switch (rel->kind) {
    case CH_REL_READ_NAMED_TABLE:
        return read_table(a, (const void *)rel, out, err);
    case CH_REL_READ_DATA_SOURCE:
        return read_data_source(a, (const void *)rel, out, err);
    case CH_REL_WITH:
        return with(a, (const void *)rel, out, err);
    case CH_REL_RANGE:
        return range(a, (const void *)rel, out, err);
    case CH_REL_SUBQUERY_ALIAS: {
        const ch_rel_subquery_alias *alias = (const void *)rel;
        ch_rel *input;
        CH_TRY(ch_an_input(a, alias->input, &input, err));
        return over_alias(a, alias, input, out, err);
    }
    case CH_REL_VIEW:
        return view(a, (const void *)rel, out, err);
    case CH_REL_LOCAL_RELATION: {
        ch_rel_local_relation *l;
        CH_AN_NEW(l, ch_rel_clone(a->arena, rel, err));
        *out = &l->head;
        return fields(a, l->schema, false, &l->head.output, err);
    }
    case CH_REL_SCAN: {
        ch_rel_scan *s;
        CH_AN_NEW(s, ch_rel_clone(a->arena, rel, err));
        return scan_output(a, s, out, err);
    }
    default: /* ONE_ROW */
        CH_AN_NEW(*out, ch_rel_clone(a->arena, rel, err));
        (*out)->output = (ch_attr_list){0};
        return CH_OK;
    }
}
