/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_expr.c - expressions of every kind, resolved against the columns of a scope. */
#include "base/stack.h"
#include "plan/analyzer.h"

/* ---- types ----------------------------------------------------------------------------------- */

ch_status ch_an_common_type(ch_analyzer *a, ch_expr *const *expr, int32_t n, int32_t step,
                            const ch_type **type, ch_error *err)
{
    bool ansi = a->ctx->func->ansi;
    const ch_type *t = NULL;
    CH_UNUSED(err);
    /* Spark looks at texts first: with them around, the rest decides. */
    for (int text = 1; text >= 0; text--)
        for (int32_t i = 0; i < n; i += step) {
            const ch_type *one = expr[i]->type;
            if (ch_type_is_string(one) != (text == 1))
                continue;
            t = t ? ch_common_type(t, one, ansi) : one;
            if (!t) {
                *type = NULL;
                return CH_OK;
            }
        }
    *type = t;
    return CH_OK;
}

/* ---- CASE ------------------------------------------------------------------------------------- */

static ch_status case_types_error(ch_analyzer *a, const ch_expr_case *c, ch_error *err)
{
    char *text, *list;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, &c->head, err));
    CH_AN_NEW(list, ch_arena_str(a->arena, "[", err));
    for (int32_t i = 1; i <= c->args.n; i += 2) {
        int32_t at = i < c->args.n ? i : c->args.n - 1;
        char *type;
        CH_AN_NEW(type, ch_type_quoted(a->arena, c->args.item[at]->type, err));
        CH_AN_NEW(list, ch_arena_printf(a->arena, err, "%s%s%s", list, i > 1 ? ", " : "", type));
        if (i == c->args.n)
            break;
    }
    CH_AN_NEW(list, ch_arena_printf(a->arena, err, "%s]", list));
    CH_AN_FAIL(a, &c->head, err, DATATYPE_MISMATCH_DIFF, "sqlExpr", text, "functionName",
               "`casewhen`", "dataType", list);
}

static const char *ordinal_name(int32_t i)
{
    static const char *const NAME[] = {"first", "second",  "third",  "fourth", "fifth",
                                       "sixth", "seventh", "eighth", "ninth",  "tenth"};
    return i < 10 ? NAME[i] : "later";
}

static ch_status case_condition(ch_analyzer *a, const ch_expr_case *c, int32_t i, ch_error *err)
{
    if (c->args.item[i]->type->id == CH_BOOLEAN)
        return CH_OK;
    char *text, *input, *type;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, &c->head, err));
    CH_AN_NEW(input, ch_expr_quoted(a->arena, c->args.item[i], err));
    CH_AN_NEW(type, ch_type_quoted(a->arena, c->args.item[i]->type, err));
    CH_AN_FAIL(a, &c->head, err, DATATYPE_MISMATCH_INPUT, "sqlExpr", text, "paramIndex",
               ordinal_name(i / 2), "requiredType", "\"BOOLEAN\"", "inputSql", input, "inputType",
               type);
}

static ch_status resolve_case(ch_analyzer *a, ch_an_scope *scope, const ch_expr_case *in,
                              ch_expr **out, ch_error *err)
{
    ch_expr_case *c;
    CH_AN_NEW(c, ch_expr_clone(a->arena, &in->head, err));
    c->args = (ch_expr_list){0};
    for (int32_t i = 0; i < in->args.n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, scope, in->args.item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &c->args, e, err));
    }
    int32_t n = c->args.n;
    ch_expr **item = c->args.item, **value;
    int32_t n_values = 0;
    CH_ARENA_ARRAY(value, a->arena, n + 1, err);
    for (int32_t i = 0; i + 1 < n; i += 2) {
        CH_TRY(case_condition(a, c, i, err));
        value[n_values++] = item[i + 1];
    }
    if (n % 2)
        value[n_values++] = item[n - 1];
    const ch_type *type;
    CH_TRY(ch_an_common_type(a, value, n_values, 1, &type, err));
    if (!type)
        return case_types_error(a, c, err);
    c->head.type = type;
    c->head.nullable = n % 2 == 0;
    for (int32_t i = 0; i < n; i++)
        if (i % 2 || i == n - 1) {
            CH_TRY(ch_make_cast(a->arena, &item[i], type, err));
            c->head.nullable |= item[i]->nullable;
        }
    *out = &c->head;
    return CH_OK;
}

/* ---- CAST ------------------------------------------------------------------------------------- */

/* Functions that do what the cast is refused for. */
static const char *instead_of_cast(const ch_type *from, const ch_type *to)
{
    if (ch_type_is_numeric(from) && to->id == CH_TIMESTAMP)
        return "`TIMESTAMP_SECONDS`/`TIMESTAMP_MILLIS`/`TIMESTAMP_MICROS`";
    if (from->id == CH_TIMESTAMP && ch_type_is_numeric(to))
        return "`UNIX_SECONDS`/`UNIX_MILLIS`/`UNIX_MICROS`";
    if (ch_type_is_numeric(from) && to->id == CH_DATE)
        return "`DATE_FROM_UNIX_DATE`";
    return from->id == CH_DATE && ch_type_is_numeric(to) ? "`UNIX_DATE`" : NULL;
}

static ch_status cast_error(ch_analyzer *a, const ch_expr_cast *c, ch_error *err)
{
    char *text, *from, *to;
    bool ansi = a->ctx->func->ansi || c->eval_mode == CH_EVAL_TRY;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, &c->head, err));
    CH_AN_NEW(from, ch_type_quoted(a->arena, c->child->type, err));
    CH_AN_NEW(to, ch_type_quoted(a->arena, c->to, err));
    const char *instead = ansi ? instead_of_cast(c->child->type, c->to) : NULL;
    if (instead)
        CH_AN_FAIL(a, &c->head, err, DATATYPE_MISMATCH_CAST_FUNC, "sqlExpr", text, "srcType", from,
                   "targetType", to, "functionNames", instead);
    if (ansi && c->eval_mode != CH_EVAL_TRY && ch_can_cast(c->child->type, c->to, false))
        CH_AN_FAIL(a, &c->head, err, DATATYPE_MISMATCH_CAST_CONF, "sqlExpr", text, "srcType", from,
                   "targetType", to, "config", "\"spark.sql.ansi.enabled\"", "configVal",
                   "'false'");
    CH_AN_FAIL(a, &c->head, err, DATATYPE_MISMATCH_CAST, "sqlExpr", text, "srcType", from,
               "targetType", to);
}

/* c's child is resolved. */
static ch_status settle_cast(ch_analyzer *a, ch_expr_cast *c, ch_expr **out, ch_error *err)
{
    bool ansi = c->eval_mode != CH_EVAL_LEGACY &&
                (a->ctx->func->ansi || c->eval_mode == CH_EVAL_ANSI || c->eval_mode == CH_EVAL_TRY);
    const ch_type *from = c->child->type;
    bool implicit = c->implicit;
    c->implicit = false; /* for the error */
    if (from != c->to && from->id != CH_NULL && !ch_can_cast(from, c->to, ansi))
        return cast_error(a, c, err);
    c->implicit = implicit;
    c->head.type = c->to;
    c->head.nullable = c->child->nullable || ch_cast_makes_null(from, c->to) ||
                       (c->eval_mode == CH_EVAL_TRY && from != c->to);
    *out = &c->head;
    return CH_OK;
}

static ch_status resolve_cast(ch_analyzer *a, ch_an_scope *scope, const ch_expr_cast *in,
                              ch_expr **out, ch_error *err)
{
    ch_expr_cast *c;
    CH_AN_NEW(c, ch_expr_clone(a->arena, &in->head, err));
    CH_TRY(ch_an_expr(a, scope, in->child, &c->child, err));
    return settle_cast(a, c, out, err);
}

ch_status ch_an_cast_to(ch_analyzer *a, ch_expr *child, const ch_type *to, const ch_expr *at,
                        ch_expr **out, ch_error *err)
{
    ch_expr_cast *c;
    *out = child;
    if (child->type == to)
        return CH_OK;
    CH_AN_NEW(c, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    c->head.start = at->start;
    c->head.stop = at->stop;
    c->head.text = a->sql;
    c->child = child;
    c->to = to;
    c->implicit = true;
    return settle_cast(a, c, out, err);
}

/* ---- the other kinds --------------------------------------------------------------------------- */

static ch_status resolve_literal(ch_analyzer *a, const ch_expr_literal *in, ch_expr **out,
                                 ch_error *err)
{
    ch_expr_literal *lit;
    CH_AN_NEW(lit, ch_expr_clone(a->arena, &in->head, err));
    lit->head.type = in->value.type;
    lit->head.nullable = in->value.is_null || in->value.type->id == CH_NULL;
    lit->value.is_null = lit->head.nullable;
    *out = &lit->head;
    return CH_OK;
}

static ch_status resolve_text(ch_analyzer *a, ch_an_scope *scope,
                              const ch_expr_expression_string *s, ch_expr **out, ch_error *err)
{
    ch_expr *parsed;
    if (!a->ctx->catalog || !a->ctx->catalog->parse_expression)
        CH_FAIL(err, INTERNAL, "message", "no parser for expressions");
    CH_TRY(
        a->ctx->catalog->parse_expression(a->ctx->catalog, s->expression, a->arena, &parsed, err));
    const char *sql = a->sql;
    a->sql = s->expression;
    ch_status status = ch_an_expr(a, scope, parsed, out, err);
    a->sql = sql;
    return status;
}

static ch_status resolve_alias(ch_analyzer *a, ch_an_scope *scope, const ch_expr_alias *in,
                               ch_expr **out, ch_error *err)
{
    ch_expr_alias *alias;
    CH_AN_NEW(alias, ch_expr_clone(a->arena, &in->head, err));
    if (alias->names.n != 1)
        CH_AN_FAIL(a, &in->head, err, MULTI_ALIAS_WITHOUT_GENERATOR, "expr",
                   ch_expr_sql(a->arena, in->child, err), "names",
                   ch_names_quoted(a->arena, &in->names, err));
    CH_TRY(ch_an_expr(a, scope, in->child, &alias->child, err));
    alias->id = atomic_fetch_add_explicit(a->ctx->next_id, 1, memory_order_relaxed);
    alias->head.type = alias->child->type;
    alias->head.nullable = alias->child->nullable;
    *out = &alias->head;
    return CH_OK;
}

static ch_status resolve_sort_order(ch_analyzer *a, ch_an_scope *scope,
                                    const ch_expr_sort_order *in, ch_expr **out, ch_error *err)
{
    ch_expr_sort_order *s;
    CH_AN_NEW(s, ch_expr_clone(a->arena, &in->head, err));
    CH_TRY(ch_an_expr(a, scope, in->child, &s->child, err));
    if (!ch_type_is_orderable(s->child->type)) {
        char *text, *type;
        CH_AN_NEW(text, ch_expr_quoted(a->arena, &s->head, err));
        CH_AN_NEW(type, ch_type_quoted(a->arena, s->child->type, err));
        CH_AN_FAIL(a, &s->head, err, UNORDERABLE, "sqlExpr", text, "functionName", "`sortorder`",
                   "dataType", type);
    }
    s->head.type = s->child->type;
    s->head.nullable = s->child->nullable;
    *out = &s->head;
    return CH_OK;
}

static ch_status resolve_extract(ch_analyzer *a, ch_an_scope *scope,
                                 const ch_expr_unresolved_extract_value *x, ch_expr **out,
                                 ch_error *err)
{
    ch_expr *child, *extraction;
    CH_TRY(ch_an_expr(a, scope, x->child, &child, err));
    CH_TRY(ch_an_expr(a, scope, x->extraction, &extraction, err));
    return ch_an_extract(a, &x->head, child, extraction, out, err);
}

static ch_status resolve(ch_analyzer *a, ch_an_scope *scope, const ch_expr *e, ch_expr **out,
                         ch_error *err)
{
    switch (e->kind) {
    case CH_EXPR_LITERAL:
        return resolve_literal(a, (const void *)e, out, err);
    case CH_EXPR_UNRESOLVED_ATTRIBUTE:
        return ch_an_name(a, scope, (const void *)e, out, err);
    case CH_EXPR_UNRESOLVED_FUNCTION:
        return ch_an_call(a, scope, (const void *)e, out, err);
    case CH_EXPR_UNRESOLVED_STAR:
        CH_AN_FAIL(a, e, err, INVALID_STAR, "elem", "'*'", "prettyName", "expression");
    case CH_EXPR_UNRESOLVED_EXTRACT_VALUE:
        return resolve_extract(a, scope, (const void *)e, out, err);
    case CH_EXPR_EXPRESSION_STRING:
        return resolve_text(a, scope, (const void *)e, out, err);
    case CH_EXPR_ALIAS:
        return resolve_alias(a, scope, (const void *)e, out, err);
    case CH_EXPR_CAST:
        return resolve_cast(a, scope, (const void *)e, out, err);
    case CH_EXPR_SORT_ORDER:
        return resolve_sort_order(a, scope, (const void *)e, out, err);
    case CH_EXPR_UPDATE_FIELDS:
        return ch_an_update_fields(a, scope, (const void *)e, out, err);
    case CH_EXPR_CASE:
        return resolve_case(a, scope, (const void *)e, out, err);
    case CH_EXPR_SUBQUERY:
        if (scope->lambda)
            CH_AN_FAIL(a, e, err, SUBQUERY_IN_LAMBDA, "subqueryExpression",
                       ch_expr_sql(a->arena, e, err));
        return ch_an_subquery(a, scope, (const void *)e, out, err);
    case CH_EXPR_WINDOW:
        return ch_an_window(a, scope, (const void *)e, out, err);
    case CH_EXPR_LAMBDA_FUNCTION:
        CH_AN_FAIL(a, e, err, UNSUPPORTED, "feature",
                   "A lambda function outside of a function's arguments");
    case CH_EXPR_UNRESOLVED_NAMED_LAMBDA_VARIABLE:
        return ch_an_lambda_variable(a, scope, (const void *)e, out, err);
    case CH_EXPR_NAMED_ARGUMENT:
        CH_AN_FAIL(a, e, err, NAMED_PARAMETERS_NOT_SUPPORTED, "functionName",
                   ((const ch_expr_named_argument *)e)->key);
    default:
        *out = (ch_expr *)e; /* resolved before */
        return CH_OK;
    }
}

typedef struct resolution {
    ch_analyzer *a;
    ch_an_scope *scope;
    const ch_expr *expr;
    ch_expr **out;
} resolution;

static ch_status resolve_there(void *user, ch_error *err)
{
    const resolution *r = user;
    return resolve(r->a, r->scope, r->expr, r->out, err);
}

ch_status ch_an_expr(ch_analyzer *a, ch_an_scope *scope, const ch_expr *expr, ch_expr **out,
                     ch_error *err)
{
    if (a->depth > CH_AN_MOST_LEVELS)
        CH_AN_FAIL(a, expr, err, UNSUPPORTED, "feature", "An expression nested this deep");
    resolution r = {a, scope, expr, out};
    ch_status status = ++a->depth % CH_AN_LEVELS_AT_ONCE
                           ? resolve(a, scope, expr, out, err)
                           : ch_stack_run(CH_AN_LEVELS_OF_ROOM, resolve_there, &r, err);
    a->depth--;
    if (status == CH_OK && *out != expr && (*out)->start >= 0 && !(*out)->text)
        (*out)->text = a->sql;
    return status;
}

ch_status ch_an_exprs(ch_analyzer *a, ch_an_scope *scope, const ch_expr_list *list,
                      ch_expr_list *out, ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        if (list->item[i]->kind == CH_EXPR_UNRESOLVED_STAR) {
            CH_TRY(ch_an_star(a, scope, (const void *)list->item[i], out, err));
            continue;
        }
        ch_expr *e;
        CH_TRY(ch_an_expr(a, scope, list->item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, out, e, err));
    }
    return CH_OK;
}
