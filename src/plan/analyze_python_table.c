/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_python_table.c - table functions in Python, behind FROM.
 *
 *   f(1)                          TableInPython f(1)       +- OneRowRelation
 *   t, LATERAL f(t.a)             TableInPython f(a#1)     +- t
 *   f(TABLE(q) PARTITION BY k)    TableInPython f(c#2)     +- Project [named_struct(...) AS c]  +- Sort [k]  +- q
 *
 * A function without a type is asked for it, with the types and constants of its arguments; what it answers may also
 * say how its table is dealt out. Spark's rules: ResolveFunctions, FunctionTableSubqueryArgumentExpression and
 * PythonUDTFAnalyzeResult.
 */
#include <string.h>

#include "plan/analyzer.h"
#include "plan/fold.h"
#include "plan/plan_python.h"
#include "python/python_analyze.h"
#include "store/access.h"

/* A table that is an argument, and what is asked of it. */
typedef struct table {
    const ch_expr_subquery *written; /* NULL: the argument is an expression */
    const char *key;                 /* of f(key => TABLE(...)) */
    ch_rel *plan;
    const ch_expr_list *partition, *order; /* over plan, unresolved */
    bool is_single;
    const ch_python_selected *select;
    int32_t n_select;
    bool told; /* by analyze(): no part of the query's text */
} table;

typedef struct call {
    ch_analyzer *a;
    const ch_rel_unresolved_table_valued_function *t;
    const ch_python_udf *udf;
    char *name; /* for errors */
    ch_expr_list args;
    table *table; /* args.n */
    ch_rel_table_python *r;
} call;

/* ---- arguments --------------------------------------------------------------------------- */

static ch_status quoted(ch_analyzer *a, const char *name, char **out, ch_error *err)
{
    ch_str_list one = {&name, 1};
    CH_AN_NEW(*out, ch_names_quoted(a->arena, &one, err));
    return CH_OK;
}

static const char *key_of(const ch_expr *e)
{
    return e->kind == CH_EXPR_NAMED_ARGUMENT ? ((const ch_expr_named_argument *)e)->key : NULL;
}

static ch_expr *value_of(ch_expr *e)
{
    return e->kind == CH_EXPR_NAMED_ARGUMENT ? ((ch_expr_named_argument *)e)->value : e;
}

/* Those with names stand behind those without, and each has one of its own. */
static ch_status check_names(const call *c, ch_error *err)
{
    const ch_expr_list *args = &c->t->arguments;
    const char *key = NULL;
    char *text;
    for (int32_t i = 0; i < args->n; i++) {
        const char *one = key_of(args->item[i]);
        if (!one && key) {
            CH_TRY(quoted(c->a, key, &text, err));
            CH_AN_FAIL(c->a, args->item[i], err, UNEXPECTED_POSITIONAL_ARGUMENT, "routineName",
                       c->name, "parameterName", text);
        }
        for (int32_t k = 0; one && k < i; k++) {
            if (!key_of(args->item[k]) || !ch_an_same_name(c->a, key_of(args->item[k]), one))
                continue;
            CH_TRY(quoted(c->a, one, &text, err));
            CH_AN_FAIL(c->a, args->item[i], err, PARAMETER_NAMED_TWICE, "routineName", c->name,
                       "parameterName", text);
        }
        key = one;
    }
    return CH_OK;
}

static ch_status add_table(call *c, ch_expr *written, const ch_expr_subquery *s, ch_error *err)
{
    table t = {.written = s,
               .key = key_of(written),
               .partition = &s->partition,
               .order = &s->order,
               .is_single = s->is_single};
    CH_TRY(ch_an_input(c->a, s->plan, &t.plan, err));
    c->table[c->args.n] = t;
    return ch_expr_list_add(c->a->arena, &c->args, written, err);
}

static ch_status resolve_args(call *c, ch_an_scope *scope, ch_error *err)
{
    const ch_expr_list *in = &c->t->arguments;
    int32_t n_columns = scope->n_tiers ? scope->tier[0]->n : 0;
    /* A star may become as many as there are columns. */
    CH_ARENA_ARRAY(c->table, c->a->arena, (size_t)(in->n + 1) * (size_t)(n_columns + 1), err);
    for (int32_t i = 0; i < in->n; i++) {
        const ch_expr_subquery *s = (const void *)value_of(in->item[i]);
        ch_expr_list one = {&in->item[i], 1};
        if (s->head.kind == CH_EXPR_SUBQUERY && s->subquery_kind == CH_SUBQUERY_TABLE)
            CH_TRY(add_table(c, in->item[i], s, err));
        else
            CH_TRY(ch_an_python_arguments(c->a, scope, &one, &c->args, err));
    }
    return CH_OK;
}

/* ---- analyze() --------------------------------------------------------------------------- */

static ch_status argument_of(const call *c, int32_t i, ch_python_argument *out, ch_error *err)
{
    const table *t = &c->table[i];
    ch_expr *e = value_of(c->args.item[i]);
    *out = (ch_python_argument){.key = key_of(c->args.item[i])};
    if (t->written) {
        out->is_table = true;
        out->type = ch_rel_schema(t->plan);
        return out->type ? CH_OK : ch_error_memory(err, "types", 0, 0);
    }
    out->type = e->type;
    if (!ch_expr_is_foldable(e))
        return CH_OK;
    return ch_expr_fold(c->a->ctx->func, c->a->arena, e, &out->value, &out->is_constant, err);
}

static ch_status ask(const call *c, ch_python_analyzed *out, ch_error *err)
{
    ch_catalog *catalog = c->a->ctx->catalog;
    const ch_python_runtime *runtime = NULL;
    ch_python_argument *arg;
    if (ch_access_is_confined()) /* it may do whatever the process may */
        CH_FAIL(err, UNSUPPORTED, "feature",
                "A Python function on a server with --read-only or --allow-path");
    if (catalog && catalog->python)
        CH_TRY(catalog->python(catalog, &runtime, err));
    if (!runtime)
        CH_FAIL(err, UNSUPPORTED, "feature", "A Python function here");
    CH_ARENA_ARRAY(arg, c->a->arena, c->args.n + 1, err);
    for (int32_t i = 0; i < c->args.n; i++)
        CH_TRY(argument_of(c, i, &arg[i], err));
    return ch_python_analyze(runtime, c->udf, arg, c->args.n, c->a->arena->mem,
                             c->a->ctx->func->cancel, c->a->arena, out, err);
}

static ch_status parse(ch_analyzer *a, const char *text, ch_expr **out, ch_error *err)
{
    ch_catalog *catalog = a->ctx->catalog;
    if (!catalog->parse_expression)
        CH_FAIL(err, INTERNAL, "message", "no parser for expressions");
    return catalog->parse_expression(catalog, text, a->arena, out, err);
}

static ch_status read_order(ch_analyzer *a, const ch_python_ordering *in, ch_expr_list *out,
                            ch_error *err)
{
    ch_expr_sort_order *s;
    CH_AN_NEW(s, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
    CH_TRY(parse(a, in->text, &s->child, err));
    if (s->child->kind == CH_EXPR_ALIAS)
        CH_FAIL(err, UDTF_ORDER_ALIAS, "aliasName",
                ((const ch_expr_alias *)s->child)->names.item[0]);
    s->descending = !in->ascending;
    s->nulls_first = in->nulls_first;
    return ch_expr_list_add(a->arena, out, &s->head, err);
}

/* What was asked for, of a table that the call has said nothing else about. */
static ch_status deal_out(const call *c, const ch_python_analyzed *in, table *t, ch_error *err)
{
    ch_analyzer *a = c->a;
    ch_expr_list *partition, *order;
    bool deals = in->is_single || in->n_partition > 0;
    if (in->is_single && in->n_partition)
        CH_AN_FAIL(a, &c->t->head, err, UDTF_METADATA, "functionName", c->name, "reason",
                   "withSinglePartition is true, and partitionBy is not empty");
    if (in->n_order && !deals)
        CH_AN_FAIL(a, &c->t->head, err, UDTF_METADATA, "functionName", c->name, "reason",
                   "orderBy is not empty without withSinglePartition or partitionBy");
    if (deals && (t->is_single || t->partition->n))
        CH_AN_FAIL(a, &c->t->head, err, UDTF_METADATA_CALL, "functionName", c->name,
                   "requestedMetadata", "says itself how its table is dealt out",
                   "invalidFunctionCallProperty", "has WITH SINGLE PARTITION or PARTITION BY");
    CH_ARENA_NEW(partition, a->arena, err);
    CH_ARENA_NEW(order, a->arena, err);
    for (int32_t i = 0; i < in->n_partition; i++) {
        ch_expr *e;
        CH_TRY(parse(a, in->partition[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, partition, e, err));
    }
    for (int32_t i = 0; i < in->n_order; i++)
        CH_TRY(read_order(a, &in->order[i], order, err));
    t->is_single |= in->is_single;
    if (partition->n)
        t->partition = partition;
    if (order->n)
        t->order = order;
    t->select = in->select;
    t->n_select = in->n_select;
    t->told = true;
    return CH_OK;
}

static ch_status find_type(call *c, ch_error *err)
{
    ch_python_analyzed analyzed;
    ch_python_udf *typed;
    CH_TRY(ask(c, &analyzed, err));
    CH_ARENA_NEW(typed, c->a->arena, err);
    *typed = *c->udf;
    typed->type = analyzed.type;
    c->udf = typed;
    c->r->analyzed = analyzed.result;
    for (int32_t i = 0; i < c->args.n; i++)
        if (c->table[i].written)
            CH_TRY(deal_out(c, &analyzed, &c->table[i], err));
    return CH_OK;
}

/* ---- tables ------------------------------------------------------------------------------ */

static ch_status add_key(ch_analyzer *a, ch_expr *e, ch_expr_list *order, ch_error *err)
{
    ch_expr_sort_order *s;
    if (!ch_type_is_orderable(e->type))
        CH_AN_FAIL(a, e, err, UNORDERABLE, "sqlExpr", ch_expr_quoted(a->arena, e, err),
                   "functionName", "`sortorder`", "dataType",
                   ch_type_quoted(a->arena, e->type, err));
    CH_AN_NEW(s, ch_expr_new(a->arena, CH_EXPR_SORT_ORDER, err));
    s->child = e;
    s->nulls_first = true;
    s->head.type = e->type;
    s->head.nullable = e->nullable;
    return ch_expr_list_add(a->arena, order, &s->head, err);
}

/* Keys become columns behind the others: they say where a partition ends, and the function does not see them. */
static ch_status add_keys(call *c, const table *t, ch_an_scope *scope, ch_expr_list *order,
                          ch_expr_list *more, ch_error *err)
{
    ch_analyzer *a = c->a;
    int32_t *partition;
    CH_ARENA_ARRAY(partition, a->arena, t->partition->n + 1, err);
    for (int32_t i = 0; i < t->partition->n; i++) {
        ch_expr *e;
        char *name;
        ch_attr_list made;
        CH_TRY(ch_an_expr(a, scope, t->partition->item[i], &e, err));
        e = e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
        partition[i] = (t->n_select ? t->n_select : t->plan->output.n) + i;
        CH_AN_NEW(name, ch_arena_printf(a->arena, err, "partition_by_%d", i));
        CH_AN_NEW(e, ch_make_alias(a->ctx, e, name, err));
        CH_TRY(ch_expr_list_add(a->arena, more, e, err));
        ch_expr_list one = {&e, 1};
        CH_TRY(ch_make_output(a->arena, &one, &made, err));
        CH_AN_NEW(e, ch_make_ref(a->arena, made.item[0], err));
        CH_TRY(add_key(a, e, order, err));
    }
    c->r->partition = partition;
    c->r->n_partition = t->partition->n;
    return CH_OK;
}

static ch_status selected(ch_analyzer *a, const table *t, ch_an_scope *scope, ch_expr_list *out,
                          ch_error *err)
{
    for (int32_t i = 0; i < t->n_select; i++) {
        const ch_python_selected *s = &t->select[i];
        ch_expr *e;
        CH_TRY(parse(a, s->text, &e, err));
        CH_TRY(ch_an_expr(a, scope, e, &e, err));
        bool named = e->kind == CH_EXPR_ALIAS || e->kind == CH_EXPR_ATTRIBUTE;
        if (!*s->alias && !named)
            CH_FAIL(err, UDTF_SELECT_ALIAS, "expression", s->text);
        if (*s->alias) {
            e = e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
            CH_AN_NEW(e, ch_make_alias(a->ctx, e, s->alias, err));
        }
        CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    return CH_OK;
}

static ch_status sorted(ch_analyzer *a, const ch_expr_list *order, int32_t n_keys, ch_rel **rel,
                        ch_error *err)
{
    ch_rel_sort *s;
    if (!order->n)
        return CH_OK;
    CH_AN_NEW(s, ch_rel_new(a->arena, CH_REL_SORT, err));
    s->input = *rel;
    s->order = *order;
    s->is_global = true;
    s->limit = -1;
    s->n_whole = n_keys;
    s->head.output = (*rel)->output;
    *rel = &s->head;
    return CH_OK;
}

/* One column, a struct of all. */
static ch_status as_struct(ch_analyzer *a, ch_rel **rel, ch_error *err)
{
    const ch_attr_list *all = &(*rel)->output;
    ch_expr_list list = {0};
    ch_expr **arg, *e;
    CH_ARENA_ARRAY(arg, a->arena, 2 * all->n + 1, err);
    for (int32_t i = 0; i < all->n; i++) {
        const char *name = all->item[i]->name;
        ch_scalar text = {.type = CH_T_STRING, .v.str = {name, (int64_t)strlen(name)}};
        CH_AN_NEW(arg[2 * i], ch_make_literal(a->arena, &text, err));
        CH_AN_NEW(arg[2 * i + 1], ch_make_ref(a->arena, all->item[i], err));
    }
    CH_TRY(ch_call_make(a->ctx, "named_struct", arg, 2 * all->n, &e, err));
    CH_AN_NEW(e, ch_make_alias(a->ctx, e, "c", err));
    CH_TRY(ch_expr_list_add(a->arena, &list, e, err));
    return ch_make_project(a->arena, *rel, &list, rel, err);
}

static ch_status lay_out(call *c, const table *t, ch_rel **out, ch_error *err)
{
    ch_analyzer *a = c->a;
    ch_an_scope scope = ch_an_scope_of(a, t->plan, NULL, "TABLE");
    ch_expr_list order = {0}, more = {0}, list = {0};
    ch_attr_list extra;
    *out = t->plan;
    CH_TRY(add_keys(c, t, &scope, &order, &more, err));
    bool deals = t->partition->n || t->is_single;
    c->r->is_whole |= t->is_single;
    for (int32_t i = 0; deals && i < t->order->n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, &scope, t->order->item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &order, e, err));
    }
    if (more.n) {
        CH_TRY(ch_make_refs(a->arena, &t->plan->output, &list, err));
        for (int32_t i = 0; i < more.n; i++)
            CH_TRY(ch_expr_list_add(a->arena, &list, more.item[i], err));
        CH_TRY(ch_make_project(a->arena, *out, &list, out, err));
    }
    CH_TRY(sorted(a, &order, t->partition->n, out, err));
    if (t->n_select) {
        list = (ch_expr_list){0};
        CH_TRY(selected(a, t, &scope, &list, err));
        CH_TRY(ch_make_output(a->arena, &more, &extra, err));
        CH_TRY(ch_make_refs(a->arena, &extra, &list, err));
        CH_TRY(ch_make_project(a->arena, *out, &list, out, err));
    }
    return as_struct(a, out, err);
}

static ch_status add_input(call *c, ch_rel *rel, ch_error *err)
{
    ch_rel_join *j;
    if (!c->r->input) {
        c->r->input = rel;
        return CH_OK;
    }
    CH_AN_NEW(j, ch_rel_new(c->a->arena, CH_REL_JOIN, err));
    j->left = c->r->input;
    j->right = rel;
    j->join_type = CH_JOIN_INNER;
    CH_TRY(ch_join_output(c->a->arena, j, err));
    c->r->input = &j->head;
    return CH_OK;
}

/* The argument becomes its table's column. */
static ch_status place_table(call *c, int32_t i, ch_error *err)
{
    const char *sql = c->a->sql;
    ch_rel *rel;
    ch_expr *ref;
    ch_expr_named_argument *named;
    if (c->table[i].told)
        c->a->sql = NULL;
    ch_status status = lay_out(c, &c->table[i], &rel, err);
    c->a->sql = sql;
    CH_TRY(status);
    CH_TRY(add_input(c, rel, err));
    CH_AN_NEW(ref, ch_make_ref(c->a->arena, rel->output.item[0], err));
    if (c->table[i].key) {
        CH_AN_NEW(named, ch_expr_new(c->a->arena, CH_EXPR_NAMED_ARGUMENT, err));
        named->key = c->table[i].key;
        named->value = ref;
        named->head.type = ref->type;
        ref = &named->head;
    }
    c->args.item[i] = ref;
    CH_AN_NEW(c->r->tables, ch_arena_printf(c->a->arena, err, "%s%s%d", c->r->tables,
                                            *c->r->tables ? "," : "", i));
    return CH_OK;
}

static ch_status place_tables(call *c, ch_error *err)
{
    int32_t n = 0;
    for (int32_t i = 0; i < c->args.n; i++)
        n += c->table[i].written != NULL;
    if (n > 1 && !c->a->ctx->many_tables)
        CH_AN_FAIL(c->a, &c->t->head, err, UDTF_TABLES, "num", CH_I64(n));
    c->r->is_whole = n > 1; /* pairs of rows come in any order */
    for (int32_t i = 0; i < c->args.n; i++)
        if (c->table[i].written)
            CH_TRY(place_table(c, i, err));
    return CH_OK;
}

/* ---- the relation ------------------------------------------------------------------------ */

/* Columns that the function makes, under the alias' names. */
static ch_status make_columns(const call *c, const ch_rel_subquery_alias *alias, ch_error *err)
{
    ch_analyzer *a = c->a;
    const ch_type *type = c->udf->type;
    int32_t n_names = alias ? alias->columns.n : 0;
    if (n_names && n_names != type->n_fields)
        CH_AN_FAIL(a, &alias->head, err, ALIAS_COUNT, "numExpr", CH_I64(n_names), "numTarget",
                   CH_I64(type->n_fields));
    for (int32_t i = 0; i < type->n_fields; i++) {
        const ch_field *f = &type->field[i];
        ch_attr *attr;
        CH_AN_NEW(attr, ch_make_attr(a->ctx, n_names ? alias->columns.item[i] : f->name, f->type,
                                     f->nullable || c->r->outer, err));
        if (alias)
            CH_TRY(ch_str_list_add(a->arena, &attr->qualifier, alias->alias, err));
        CH_TRY(ch_attr_list_add(a->arena, &c->r->generated, attr, err));
    }
    return CH_OK;
}

static ch_status make_output(const call *c, const ch_rel *left, ch_error *err)
{
    ch_rel_table_python *r = c->r;
    for (int32_t i = 0; left && i < left->output.n; i++)
        CH_TRY(ch_attr_list_add(c->a->arena, &r->head.output, left->output.item[i], err));
    for (int32_t i = 0; i < r->generated.n; i++)
        CH_TRY(ch_attr_list_add(c->a->arena, &r->head.output, r->generated.item[i], err));
    return CH_OK;
}

static bool has_table(const ch_expr_list *args)
{
    for (int32_t i = 0; i < args->n; i++) {
        const ch_expr_subquery *s = (const void *)value_of(args->item[i]);
        if (s->head.kind == CH_EXPR_SUBQUERY && s->subquery_kind == CH_SUBQUERY_TABLE)
            return true;
    }
    return false;
}

bool ch_an_python_is_lateral(const ch_rel_unresolved_table_valued_function *t)
{
    return !has_table(&t->arguments);
}

ch_status ch_an_python_rows(ch_analyzer *a, const ch_rel_unresolved_table_valued_function *t,
                            const ch_python_udf *udf, const ch_rel_subquery_alias *alias,
                            ch_rel *left, bool outer, ch_rel **out, ch_error *err)
{
    call c = {.a = a, .t = t, .udf = udf};
    CH_TRY(quoted(a, udf->name, &c.name, err));
    if (!ch_python_is_table(udf->eval_type))
        CH_AN_FAIL(a, &t->head, err, NOT_A_TABLE_FUNCTION, "functionName", c.name);
    if (left && udf->eval_type == CH_PYTHON_ARROW_UDTF)
        CH_AN_FAIL(a, &t->head, err, LATERAL_ARROW_UDTF);
    CH_AN_NEW(c.r, ch_rel_new(a->arena, CH_REL_TABLE_PYTHON, err));
    c.r->head.start = t->head.start;
    c.r->head.stop = t->head.stop;
    c.r->head.output = (ch_attr_list){0};
    c.r->input = left;
    c.r->outer = outer;
    c.r->tables = "";
    CH_TRY(check_names(&c, err));
    ch_an_scope scope = ch_an_scope_of(a, left, NULL, "FROM");
    CH_TRY(resolve_args(&c, &scope, err));
    if (!udf->type)
        CH_TRY(find_type(&c, err));
    CH_TRY(place_tables(&c, err));
    if (!c.r->input) {
        CH_AN_NEW(c.r->input, ch_rel_new(a->arena, CH_REL_ONE_ROW, err));
        c.r->input->output = (ch_attr_list){0};
    }
    const ch_expr at = {
        .kind = CH_EXPR_UNRESOLVED_FUNCTION, .start = t->head.start, .stop = t->head.stop};
    CH_TRY(ch_an_python_made(a, &at, c.udf, &c.args, &c.r->function, err));
    CH_TRY(make_columns(&c, alias, err));
    CH_TRY(make_output(&c, left, err));
    *out = &c.r->head;
    return CH_OK;
}
