/* SPDX-License-Identifier: Apache-2.0 */
/* decode_expression.c - the protocol's expressions as plan expressions. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "connect/decode.h"
#include "plan/node.h"
#include "session/session.h"
#include "wire/json.h"

typedef PB(Expression) message;

/* x = a node of the kind, or returns CH_E_MEMORY. */
#define NODE(x, d, KIND, err)                                 \
    do {                                                      \
        (x) = ch_expr_new((d)->arena, CH_EXPR_##KIND, (err)); \
        if (!(x))                                             \
            return CH_E_MEMORY;                               \
    } while (0)

static ch_status copy(cn_decode *d, const char *text, const char **out, ch_error *err)
{
    *out = ch_arena_str(d->arena, text ? text : "", err);
    return *out ? CH_OK : CH_E_MEMORY;
}

ch_status cn_make_call(cn_decode *d, const char *name, ch_expr *const *arg, int n, ch_expr **out,
                       ch_error *err)
{
    ch_expr_unresolved_function *f;
    NODE(f, d, UNRESOLVED_FUNCTION, err);
    CH_TRY(copy(d, name, &f->name, err));
    for (int i = 0; i < n; i++)
        CH_TRY(ch_expr_list_add(d->arena, &f->args, arg[i], err));
    *out = &f->head;
    return CH_OK;
}

ch_status cn_make_name(cn_decode *d, const char *name, ch_expr **out, ch_error *err)
{
    ch_expr_unresolved_attribute *a;
    NODE(a, d, UNRESOLVED_ATTRIBUTE, err);
    const char *text;
    CH_TRY(copy(d, name, &text, err));
    CH_TRY(ch_str_list_add(d->arena, &a->parts, text, err));
    *out = &a->head;
    return CH_OK;
}

ch_status cn_make_literal(cn_decode *d, const PB(Expression__Literal) * m, ch_expr **out,
                          ch_error *err)
{
    ch_expr_literal *e;
    NODE(e, d, LITERAL, err);
    CH_TRY(cn_decode_literal(d->arena, m, &e->value, err));
    e->head.type = e->value.type;
    e->head.nullable = e->value.is_null;
    *out = &e->head;
    return CH_OK;
}

static ch_status decode_literal(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    return cn_make_literal(d, m->literal, out, err);
}

static ch_status decode_attribute(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__UnresolvedAttribute) *u = m->unresolved_attribute;
    const char *name = u->unparsed_identifier ? u->unparsed_identifier : "";
    ch_expr_unresolved_attribute *a;
    if (u->is_metadata_column)
        CN_UNSUPPORTED(err, "A metadata column (metadataColumn)");
    NODE(a, d, UNRESOLVED_ATTRIBUTE, err);
    CH_TRY(ch_name_split(d->arena, name, &a->parts, err));
    a->plan_id = u->has_plan_id ? u->plan_id : -1;
    *out = &a->head;
    return CH_OK;
}

static ch_status decode_star(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__UnresolvedStar) *u = m->unresolved_star;
    ch_expr_unresolved_star *s;
    NODE(s, d, UNRESOLVED_STAR, err);
    if (u->unparsed_target && *u->unparsed_target) {
        CH_TRY(ch_name_split(d->arena, u->unparsed_target, &s->target, err));
        if (s->target.n > 1) /* "t.*": the star itself is the last part */
            s->target.n--;
    }
    *out = &s->head;
    return CH_OK;
}

/* "`pattern`", "t.`pattern`": the columns whose names match; anything else is a name. */
static ch_status decode_regex(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__UnresolvedRegex) *u = m->unresolved_regex;
    const char *name = u->col_name ? u->col_name : "", *open = strchr(name, '`');
    size_t len = strlen(name);
    if (open && len >= 2 && name[len - 1] == '`' && name + len - 1 > open &&
        (open == name || open[-1] == '.')) {
        ch_expr_unresolved_star *s;
        const char *pattern =
            ch_arena_strn(d->arena, open + 1, (size_t)(name + len - 2 - open), err);
        NODE(s, d, UNRESOLVED_STAR, err);
        if (!pattern)
            return CH_E_MEMORY;
        s->pattern = pattern;
        if (open > name) {
            const char *table = ch_arena_strn(d->arena, name, (size_t)(open - name - 1), err);
            if (!table)
                return CH_E_MEMORY;
            CH_TRY(ch_name_split(d->arena, table, &s->target, err));
        }
        *out = &s->head;
        return CH_OK;
    }
    ch_expr_unresolved_attribute *a;
    NODE(a, d, UNRESOLVED_ATTRIBUTE, err);
    CH_TRY(ch_name_split(d->arena, name, &a->parts, err));
    a->plan_id = u->has_plan_id ? u->plan_id : -1;
    *out = &a->head;
    return CH_OK;
}

static ch_status decode_update_fields(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__UpdateFields) *u = m->update_fields;
    ch_expr_update_fields *e;
    NODE(e, d, UPDATE_FIELDS, err);
    *out = &e->head;
    CH_TRY(copy(d, u->field_name, &e->field, err));
    CH_TRY(cn_decode_expr(d, u->struct_expression, &e->child, err));
    return u->value_expression ? cn_decode_expr(d, u->value_expression, &e->value, err) : CH_OK;
}

/* Spark's functions that stand for syntax: printed as the operators that they are. */
static bool is_operator(const char *name)
{
    return (!isalpha((unsigned char)*name) && *name != '_') || strcasecmp(name, "and") == 0 ||
           strcasecmp(name, "or") == 0 || strcasecmp(name, "not") == 0 ||
           strcasecmp(name, "in") == 0;
}

/* zipWithIndex: count(1) OVER (ROWS to the current one) - 1, the rows' places from 0. */
static ch_status make_row_index(cn_decode *d, ch_expr **out, ch_error *err)
{
    ch_expr_window *w;
    ch_expr_literal *one;
    ch_expr *pair[2];
    NODE(w, d, WINDOW, err);
    NODE(one, d, LITERAL, err);
    one->value = (ch_scalar){.type = CH_T_LONG, .v.i64 = 1};
    one->head.type = CH_T_LONG;
    pair[1] = &one->head;
    CH_TRY(cn_make_call(d, "count", &pair[1], 1, &w->function, err));
    w->frame = CH_FRAME_ROW;
    w->lower = CH_BOUND_UNBOUNDED;
    w->upper = CH_BOUND_CURRENT_ROW;
    pair[0] = &w->head;
    return cn_make_call(d, "-", pair, 2, out, err);
}

static ch_status make_function(cn_decode *d, const char *name, message **arg, size_t n,
                               bool is_distinct, ch_expr **out, ch_error *err)
{
    if (!name || !*name)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a function has no name");
    if (strcasecmp(name, "when") == 0 && n >= 2) {
        ch_expr_case *c;
        NODE(c, d, CASE, err);
        *out = &c->head;
        return cn_decode_exprs(d, arg, n, &c->args, err);
    }
    if (strcmp(name, "distributed_sequence_id") == 0 && n == 0)
        return make_row_index(d, out, err);
    ch_expr_unresolved_function *f;
    NODE(f, d, UNRESOLVED_FUNCTION, err);
    CH_TRY(copy(d, name, &f->name, err));
    f->is_distinct = is_distinct;
    f->is_infix = is_operator(name);
    *out = &f->head;
    return cn_decode_exprs(d, arg, n, &f->args, err);
}

static ch_status decode_function(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__UnresolvedFunction) *f = m->unresolved_function;
    return make_function(d, f->function_name, f->arguments, f->n_arguments, f->is_distinct, out,
                         err);
}

/* call_function("name", ...): the name may be qualified. */
static ch_status decode_call_function(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(CallFunction) *f = m->call_function;
    ch_str_list parts = {0};
    CH_TRY(ch_name_split(d->arena, f->function_name ? f->function_name : "", &parts, err));
    const char *name = parts.item[parts.n - 1];
    bool builtin = parts.n > 1 && strcasecmp(parts.item[parts.n - 2], "builtin") == 0;
    for (int32_t i = parts.n - 2; i >= 0 && !builtin && name; i--)
        name = ch_arena_printf(d->arena, err, "%s.%s", parts.item[i], name);
    if (!name)
        return CH_E_MEMORY;
    return make_function(d, name, f->arguments, f->n_arguments, false, out, err);
}

static ch_status decode_expression_string(cn_decode *d, const message *m, ch_expr **out,
                                          ch_error *err)
{
    ch_expr_expression_string *e;
    const char *text = m->expression_string->expression;
    if (text && strcmp(text, "*") == 0) {
        ch_expr_unresolved_star *star; /* which functions look for */
        NODE(star, d, UNRESOLVED_STAR, err);
        *out = &star->head;
        return CH_OK;
    }
    NODE(e, d, EXPRESSION_STRING, err);
    *out = &e->head;
    return copy(d, m->expression_string->expression, &e->expression, err);
}

/* A column's metadata: a JSON object, kept without the space between its words, as Spark's Metadata.json is. */
static ch_status copy_metadata(cn_decode *d, const char *text, const char **out, ch_error *err)
{
    ch_json json;
    bool ok;
    size_t n = 0;
    const int64_t len = (int64_t)strlen(text);
    ch_json_init(&json, ch_session_mem(d->session->session));
    ch_status status = ch_json_parse(&json, text, len, 0, &ok, err);
    ok = status == CH_OK && ok && ch_json_at(&json, 0)->kind == CH_JSON_OBJECT &&
         text[json.stop + (int64_t)strspn(text + json.stop, " \t\r\n")] == 0;
    ch_json_release(&json);
    CH_TRY(status);
    if (!ok)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "the metadata of a column is no JSON object");
    char *plain = ch_arena_alloc(d->arena, (size_t)len + 1, err);
    if (!plain)
        return CH_E_MEMORY;
    for (bool quoted = false; *text; text++) {
        if (*text == '"')
            quoted = !quoted;
        if (!quoted && strchr(" \t\r\n", *text))
            continue;
        plain[n++] = *text;
        if (quoted && *text == '\\')
            plain[n++] = *++text;
    }
    plain[n] = 0;
    *out = plain;
    return CH_OK;
}

ch_status cn_decode_alias(cn_decode *d, const PB(Expression__Alias) * m, ch_expr **out,
                          ch_error *err)
{
    ch_expr_alias *a;
    NODE(a, d, ALIAS, err);
    CH_TRY(cn_decode_expr(d, m->expr, &a->child, err));
    CH_TRY(cn_copy_strings(d->arena, m->name, m->n_name, &a->names, err));
    if (a->names.n == 0)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "an alias has no name");
    if (m->metadata && *m->metadata)
        CH_TRY(copy_metadata(d, m->metadata, &a->metadata, err));
    *out = &a->head;
    return CH_OK;
}

static ch_status decode_alias(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    return cn_decode_alias(d, m->alias, out, err);
}

static ch_status decode_cast(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    static const ch_eval_mode MODE[] = {CH_EVAL_UNSPECIFIED, CH_EVAL_LEGACY, CH_EVAL_ANSI,
                                        CH_EVAL_TRY};
    const PB(Expression__Cast) *c = m->cast;
    ch_expr_cast *e;
    NODE(e, d, CAST, err);
    CH_TRY(cn_decode_expr(d, c->expr, &e->child, err));
    if (c->cast_to_type_case == SPARK__CONNECT__EXPRESSION__CAST__CAST_TO_TYPE_TYPE)
        CH_TRY(cn_decode_type(c->type, &e->to, err));
    else
        CH_TRY(ch_type_parse(c->type_str ? c->type_str : "", &e->to, err));
    if (c->has_eval_mode && (unsigned)c->eval_mode < 4)
        e->eval_mode = MODE[c->eval_mode];
    *out = &e->head;
    return CH_OK;
}

static ch_status make_sort_order(cn_decode *d, const PB(Expression__SortOrder) * m, ch_expr **out,
                                 ch_error *err)
{
    ch_expr_sort_order *s;
    NODE(s, d, SORT_ORDER, err);
    CH_TRY(cn_decode_expr(d, m->child, &s->child, err));
    s->descending =
        m->direction ==
        SPARK__CONNECT__EXPRESSION__SORT_ORDER__SORT_DIRECTION__SORT_DIRECTION_DESCENDING;
    s->nulls_first = m->null_ordering ==
                         SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_FIRST ||
                     (m->null_ordering !=
                          SPARK__CONNECT__EXPRESSION__SORT_ORDER__NULL_ORDERING__SORT_NULLS_LAST &&
                      !s->descending);
    *out = &s->head;
    return CH_OK;
}

static ch_status decode_sort_order(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    return make_sort_order(d, m->sort_order, out, err);
}

ch_status cn_decode_sort_orders(cn_decode *d, PB(Expression__SortOrder) * *m, size_t n,
                                ch_expr_list *out, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        ch_expr *e;
        CH_TRY(make_sort_order(d, m[i], &e, err));
        CH_TRY(ch_expr_list_add(d->arena, out, e, err));
    }
    return CH_OK;
}

/* Parts of a lambda variable's name are joined as Spark's clients make them: one part. */
static ch_status variable_name(cn_decode *d,
                               const PB(Expression__UnresolvedNamedLambdaVariable) * m,
                               const char **out, ch_error *err)
{
    if (m->n_name_parts == 0)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a lambda variable has no name");
    return copy(d, m->name_parts[0], out, err);
}

static ch_status decode_lambda(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__LambdaFunction) *l = m->lambda_function;
    ch_expr_lambda_function *e;
    NODE(e, d, LAMBDA_FUNCTION, err);
    CH_TRY(cn_decode_expr(d, l->function, &e->body, err));
    for (size_t i = 0; i < l->n_arguments; i++) {
        const char *name = NULL;
        CH_TRY(variable_name(d, l->arguments[i], &name, err));
        CH_TRY(ch_str_list_add(d->arena, &e->args, name, err));
    }
    *out = &e->head;
    return CH_OK;
}

/* x, or x.field when it has more parts. */
static ch_status decode_lambda_variable(cn_decode *d, const message *m, ch_expr **out,
                                        ch_error *err)
{
    const PB(Expression__UnresolvedNamedLambdaVariable) *v = m->unresolved_named_lambda_variable;
    ch_expr_unresolved_named_lambda_variable *e;
    NODE(e, d, UNRESOLVED_NAMED_LAMBDA_VARIABLE, err);
    CH_TRY(variable_name(d, v, &e->name, err));
    *out = &e->head;
    for (size_t i = 1; i < v->n_name_parts; i++) {
        ch_expr_unresolved_extract_value *x;
        ch_expr_literal *field;
        NODE(x, d, UNRESOLVED_EXTRACT_VALUE, err);
        NODE(field, d, LITERAL, err);
        const char *name;
        CH_TRY(copy(d, v->name_parts[i], &name, err));
        field->value = (ch_scalar){.type = CH_T_STRING, .v.str = {name, (int64_t)strlen(name)}};
        field->head.type = CH_T_STRING;
        x->child = *out;
        x->extraction = &field->head;
        *out = &x->head;
    }
    return CH_OK;
}

static ch_status decode_bound(cn_decode *d,
                              const PB(Expression__Window__WindowFrame__FrameBoundary) * m,
                              ch_bound_kind *kind, ch_expr **value, ch_error *err)
{
    if (!m)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a window frame lacks a bound");
    switch (m->boundary_case) {
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_CURRENT_ROW:
        *kind = CH_BOUND_CURRENT_ROW;
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_UNBOUNDED:
        *kind = CH_BOUND_UNBOUNDED;
        return CH_OK;
    case SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_BOUNDARY__BOUNDARY_VALUE:
        *kind = CH_BOUND_VALUE;
        return cn_decode_expr(d, m->value, value, err);
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a window frame's bound is of no kind");
    }
}

static ch_status decode_window(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(Expression__Window) *w = m->window;
    const PB(Expression__Window__WindowFrame) *f = w->frame_spec;
    ch_expr_window *e;
    NODE(e, d, WINDOW, err);
    CH_TRY(cn_decode_expr(d, w->window_function, &e->function, err));
    CH_TRY(cn_decode_exprs(d, w->partition_spec, w->n_partition_spec, &e->partition, err));
    CH_TRY(cn_decode_sort_orders(d, w->order_spec, w->n_order_spec, &e->order, err));
    if (f) {
        e->frame =
            f->frame_type ==
                    SPARK__CONNECT__EXPRESSION__WINDOW__WINDOW_FRAME__FRAME_TYPE__FRAME_TYPE_ROW
                ? CH_FRAME_ROW
                : CH_FRAME_RANGE;
        CH_TRY(decode_bound(d, f->lower, &e->lower, &e->lower_value, err));
        CH_TRY(decode_bound(d, f->upper, &e->upper, &e->upper_value, err));
    }
    *out = &e->head;
    return CH_OK;
}

static ch_status decode_extract_value(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    ch_expr_unresolved_extract_value *e;
    NODE(e, d, UNRESOLVED_EXTRACT_VALUE, err);
    CH_TRY(cn_decode_expr(d, m->unresolved_extract_value->child, &e->child, err));
    *out = &e->head;
    return cn_decode_expr(d, m->unresolved_extract_value->extraction, &e->extraction, err);
}

static ch_status decode_named_argument(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    ch_expr_named_argument *e;
    NODE(e, d, NAMED_ARGUMENT, err);
    CH_TRY(copy(d, m->named_argument_expression->key, &e->key, err));
    *out = &e->head;
    return cn_decode_expr(d, m->named_argument_expression->value, &e->value, err);
}

/* How a table that is an argument is dealt out. */
static ch_status decode_table_options(cn_decode *d,
                                      const PB(SubqueryExpression__TableArgOptions) * m,
                                      ch_expr_subquery *e, ch_error *err)
{
    e->subquery_kind = CH_SUBQUERY_TABLE;
    if (!m)
        return CH_OK;
    e->is_single = m->with_single_partition;
    CH_TRY(cn_decode_exprs(d, m->partition_spec, m->n_partition_spec, &e->partition, err));
    return cn_decode_sort_orders(d, m->order_spec, m->n_order_spec, &e->order, err);
}

static ch_status decode_subquery(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    const PB(SubqueryExpression) *s = m->subquery_expression;
    ch_expr_subquery *e;
    NODE(e, d, SUBQUERY, err);
    switch (s->subquery_type) {
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_SCALAR:
        e->subquery_kind = CH_SUBQUERY_SCALAR;
        break;
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_EXISTS:
        e->subquery_kind = CH_SUBQUERY_EXISTS;
        break;
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_IN:
        e->subquery_kind = CH_SUBQUERY_IN;
        break;
    case SPARK__CONNECT__SUBQUERY_EXPRESSION__SUBQUERY_TYPE__SUBQUERY_TYPE_TABLE_ARG:
        CH_TRY(decode_table_options(d, s->table_arg_options, e, err));
        break;
    default:
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a subquery of an unknown kind");
    }
    CH_TRY(cn_decode_exprs(d, s->in_subquery_values, s->n_in_subquery_values, &e->in_values, err));
    *out = &e->head;
    for (size_t i = 0; i < d->n_references; i++)
        if (d->reference[i]->common && d->reference[i]->common->plan_id == s->plan_id)
            return cn_decode_relation(d, d->reference[i], &e->plan, err);
    CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a subquery refers to a plan that is not there");
}

static ch_status decode_python(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    return cn_decode_python_call(d, m->common_inline_user_defined_function, out, err);
}

/* ---- the table --------------------------------------------------------------------------- */

static const struct {
    PB(Expression__ExprTypeCase) which;
    ch_status (*decode)(cn_decode *d, const message *m, ch_expr **out, ch_error *err);
    const char *refused;
} ROW[] = {
#define CN_EXPR(CASE, decoder) \
    {SPARK__CONNECT__EXPRESSION__EXPR_TYPE_##CASE, decode_##decoder, NULL},
#define CN_NO_EXPR(CASE, what) {SPARK__CONNECT__EXPRESSION__EXPR_TYPE_##CASE, NULL, what},
#include "builtin/connect_expressions.def"
#undef CN_EXPR
#undef CN_NO_EXPR
};

ch_status cn_decode_expr(cn_decode *d, const message *m, ch_expr **out, ch_error *err)
{
    *out = NULL;
    for (size_t i = 0; m && i < sizeof ROW / sizeof *ROW; i++) {
        if (ROW[i].which != m->expr_type_case)
            continue;
        if (ROW[i].decode)
            return ROW[i].decode(d, m, out, err);
        CN_UNSUPPORTED(err, ROW[i].refused);
    }
    CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
            m ? "an expression is of a kind that this version does not know"
              : "an expression is missing");
}

ch_status cn_decode_exprs(cn_decode *d, message **m, size_t n, ch_expr_list *out, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        ch_expr *e;
        CH_TRY(cn_decode_expr(d, m[i], &e, err));
        CH_TRY(ch_expr_list_add(d->arena, out, e, err));
    }
    return CH_OK;
}

ch_status cn_copy_strings(ch_arena *arena, char **text, size_t n, ch_str_list *out, ch_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *one = ch_arena_str(arena, text[i], err);
        if (!one)
            return CH_E_MEMORY;
        CH_TRY(ch_str_list_add(arena, out, one, err));
    }
    return CH_OK;
}
