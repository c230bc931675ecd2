/* SPDX-License-Identifier: Apache-2.0 */
/* analyze_call.c - functions: found by name, bound to their arguments' types. */
#include <ctype.h>
#include <strings.h>

#include "base/edits.h"
#include "plan/analyzer.h"
#include "plan/fold.h"
#include "table/dataset.h"

/* ---- binding ---------------------------------------------------------------------------------- */

/* What binding asks for seldom: a long chain of operators would otherwise be printed and computed at each. */
typedef struct bind_source {
    ch_bind_source head;
    ch_analyzer *a;
    const ch_expr_call *call;
    ch_status status; /* of the first failure, which err tells */
    ch_error err;
    bool silent,
        asked; /* texts are for errors, which few attempts end in: they are made for that alone */
} bind_source;

static const char *source_sql(ch_bind_source *self, int32_t arg)
{
    bind_source *s = (bind_source *)self;
    s->asked = true;
    if (s->silent)
        return "";
    const ch_expr *e = arg < 0 ? &s->call->head : s->call->args.item[arg];
    ch_error err = {0};
    const char *text = ch_expr_sql(s->a->arena, e, &err);
    if (text)
        return text;
    if (s->status == CH_OK) {
        s->status = CH_E_MEMORY;
        s->err = err;
    } else {
        ch_error_release(&err);
    }
    return "";
}

static const ch_scalar *source_literal(ch_bind_source *self, int32_t arg)
{
    const ch_expr *e = ((bind_source *)self)->call->args.item[arg];
    return e->kind == CH_EXPR_LITERAL ? &((const ch_expr_literal *)e)->value : NULL;
}

static const ch_scalar *source_constant(ch_bind_source *self, int32_t arg)
{
    bind_source *s = (bind_source *)self;
    const ch_expr *e = s->call->args.item[arg];
    const ch_scalar *literal = source_literal(self, arg);
    if (literal)
        return literal;
    bool done = false;
    ch_error err = {0};
    ch_scalar *folded = ch_arena_alloc(s->a->arena, sizeof *folded, &err);
    ch_status status =
        folded ? ch_expr_fold(s->a->ctx->func, s->a->arena, e, folded, &done, &err) : CH_E_MEMORY;
    if (status != CH_OK && s->status == CH_OK) {
        s->status = status;
        s->err = err;
    } else {
        ch_error_release(&err);
    }
    return done ? folded : NULL;
}

static ch_status fill_bind(ch_analyzer *a, const ch_expr_call *call, bind_source *source,
                           ch_bind *b, ch_error *err)
{
    int32_t n = call->args.n;
    bool *nullable;
    CH_ARENA_ARRAY(nullable, a->arena, n + 1, err);
    CH_ARENA_ARRAY(b->arg_type, a->arena, n + 1, err);
    for (int32_t i = 0; i < n; i++)
        nullable[i] = call->args.item[i]->nullable;
    *source = (bind_source){
        .head = {.sql = source_sql, .literal = source_literal, .constant = source_constant},
        .a = a,
        .call = call};
    b->source = &source->head;
    b->n_keys = ch_an_orderings(&call->args);
    ch_bind_key *key;
    CH_ARENA_ARRAY(key, a->arena, b->n_keys + 1, err);
    for (int32_t i = 0; i < b->n_keys; i++) {
        const ch_expr_sort_order *s = (const void *)call->args.item[n - b->n_keys + i];
        key[i] = (ch_bind_key){s->descending, s->nulls_first};
    }
    b->key = key;
    b->ctx = a->ctx->func;
    b->arena = a->arena;
    b->n_args = n;
    b->arg_nullable = nullable;
    return CH_OK;
}

static void reset_bind(const ch_expr_call *call, const ch_func *func, ch_bind *b)
{
    b->func = func;
    b->result = NULL;
    b->eval = func->eval;
    b->data = NULL;
    b->final = false;
    b->nullable = (func->flags & CH_FUNC_MAKES_NULL) != 0;
    for (int32_t i = 0; i < call->args.n; i++) {
        b->arg_type[i] = call->args.item[i]->type;
        b->nullable |= call->args.item[i]->nullable;
    }
    if (func->flags & CH_FUNC_NEVER_NULL)
        b->nullable = false;
}

static ch_status no_such_function(ch_analyzer *a, const char *name, const ch_expr *at,
                                  ch_error *err)
{
    char *quoted;
    CH_TRY(ch_an_function_quoted(a, name, &quoted, err));
    static const ch_expr nowhere = {.start = -1};
    ch_nearest near = CH_NEAREST(name);
    for (int i = 0; ch_func_at(i); i++)
        if (isalpha((unsigned char)ch_func_at(i)->name[0])) /* no operator */
            ch_nearest_offer(&near, ch_func_at(i)->name);
    (void)ch_error_set(err, CH_E_UNRESOLVED_ROUTINE, "routineName", quoted, "searchPath",
                       "[`system`.`builtin`, `system`.`session`, `spark_catalog`.`default`]",
                       (const char *)0);
    ch_error_did_you_mean(err, near.best, "");
    at = at ? at : &nowhere;
    ch_error_locate(err, a->sql, at->start, at->stop);
    return CH_E_UNRESOLVED_ROUTINE;
}

/* Does a cast that binding asked for give NULL for some value, and the function then, too? */
static bool casts_make_null(const ch_expr_call *draft, const ch_bind *b)
{
    static const char *const STRICT[] = {"and", "or", "not", "in"};
    bool strict = (b->func->flags & CH_FUNC_NULL_PROPAGATES) != 0;
    for (size_t i = 0; i < sizeof STRICT / sizeof *STRICT; i++)
        strict |= strcmp(b->func->name, STRICT[i]) == 0;
    for (int32_t i = 0; strict && i < b->n_args; i++)
        if (ch_cast_makes_null(draft->args.item[i]->type, b->arg_type[i]))
            return true;
    return false;
}

/* A lambda function is cast inside. */
static ch_status cast_body(ch_analyzer *a, ch_expr **lambda, const ch_type *to, ch_error *err)
{
    ch_expr_lambda_function *l;
    if ((*lambda)->type == to)
        return CH_OK;
    CH_AN_NEW(l, ch_expr_clone(a->arena, *lambda, err));
    CH_TRY(ch_make_cast(a->arena, &l->body, to, err));
    l->head.type = to;
    *lambda = &l->head;
    return CH_OK;
}

/* So is an ordering of WITHIN GROUP. */
static ch_status cast_ordering(ch_analyzer *a, ch_expr **ordering, const ch_type *to, ch_error *err)
{
    ch_expr_sort_order *s;
    if ((*ordering)->type == to)
        return CH_OK;
    CH_AN_NEW(s, ch_expr_clone(a->arena, *ordering, err));
    CH_TRY(ch_make_cast(a->arena, &s->child, to, err));
    s->head.type = to;
    *ordering = &s->head;
    return CH_OK;
}

ch_status ch_an_bound(ch_analyzer *a, const ch_expr_call *draft, const ch_expr *at, ch_expr **out,
                      ch_error *err)
{
    const ch_func *func = ch_func_find(draft->name);
    return func ? ch_an_bound_to(a, draft, func, at, out, err)
                : no_such_function(a, draft->name, at, err);
}

ch_status ch_an_bound_to(ch_analyzer *a, const ch_expr_call *draft, const ch_func *func,
                         const ch_expr *at, ch_expr **out, ch_error *err)
{
    ch_expr_call *call;
    CH_AN_NEW(call, ch_expr_clone(a->arena, &draft->head, err));
    ch_bind bind = {0};
    bind_source source;
    CH_TRY(fill_bind(a, call, &source, &bind, err));
    ch_status status = CH_E_INTERNAL;
    for (; func; func = ch_func_next(func)) {
        reset_bind(call, func, &bind);
        ch_error attempt = {0};
        source.silent = true;
        source.asked = false;
        status = ch_func_bind(&bind, &attempt);
        if (source.asked && (status == CH_OK || bind.final || !ch_func_next(func))) {
            ch_error_release(&attempt);
            source.silent = false;
            reset_bind(call, func, &bind);
            status = ch_func_bind(&bind, &attempt);
        }
        if (source.status != CH_OK) {
            ch_error_release(&attempt);
            return ch_error_pass(err, &source.err);
        }
        bool last = status == CH_OK || status == CH_E_MEMORY || bind.final || !ch_func_next(func);
        if (last && status != CH_OK && err && err->code == CH_OK) {
            *err = attempt;
            if (at)
                ch_error_locate(err, a->sql, at->start, at->stop);
            return status;
        }
        ch_error_release(&attempt);
        if (last)
            break;
    }
    if (status != CH_OK)
        return status;
    ch_expr_list args = {0};
    for (int32_t i = 0; i < call->args.n; i++) {
        ch_expr *arg = call->args.item[i];
        if (arg->kind == CH_EXPR_LAMBDA_FUNCTION)
            CH_TRY(cast_body(a, &arg, bind.arg_type[i], err));
        if (arg->kind == CH_EXPR_SORT_ORDER)
            CH_TRY(cast_ordering(a, &arg, bind.arg_type[i], err));
        CH_TRY(ch_make_cast(a->arena, &arg, bind.arg_type[i], err));
        if (arg != call->args.item[i] && at) { /* a value that cannot be cast is the call's fault */
            arg->start = at->start;
            arg->stop = at->stop;
            arg->text = a->sql;
        }
        CH_TRY(ch_expr_list_add(a->arena, &args, arg, err));
    }
    call->args = args;
    call->func = func;
    call->eval = (void *)bind.eval;
    call->data = bind.data;
    call->head.type = bind.result;
    call->head.nullable = bind.nullable || casts_make_null(draft, &bind);
    *out = &call->head;
    return CH_OK;
}

ch_status ch_call_make(const ch_analyze_context *ctx, const char *name, ch_expr **args, int32_t n,
                       ch_expr **out, ch_error *err)
{
    ch_analyzer a = {.ctx = ctx, .arena = ctx->arena, .sql = ctx->sql};
    ch_expr_call *draft;
    CH_AN_NEW(draft, ch_expr_new(ctx->arena, CH_EXPR_CALL, err));
    draft->name = name;
    draft->is_infix = !isalpha((unsigned char)name[0]);
    draft->args = (ch_expr_list){args, n};
    return ch_an_bound(&a, draft, NULL, out, err);
}

/* ---- what is not an ordinary function ---------------------------------------------------------- */

static char *lower(ch_arena *arena, const char *text, ch_error *err)
{
    char *out = ch_arena_str(arena, text, err);
    for (char *p = out; p && *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

/* bigint(x) is a cast. */
static const ch_type *type_of_function(const char *name)
{
    static const struct {
        const char *name;
        ch_type_id id;
    } TYPE[] = {{"boolean", CH_BOOLEAN}, {"tinyint", CH_BYTE}, {"smallint", CH_SHORT},
                {"int", CH_INT},         {"bigint", CH_LONG},  {"float", CH_FLOAT},
                {"double", CH_DOUBLE},   {"date", CH_DATE},    {"timestamp", CH_TIMESTAMP},
                {"binary", CH_BINARY},   {"string", CH_STRING}};
    if (strcmp(name, "decimal") == 0)
        return ch_type_decimal(10, 0);
    for (size_t i = 0; i < sizeof TYPE / sizeof *TYPE; i++)
        if (strcmp(TYPE[i].name, name) == 0)
            return ch_type_of(TYPE[i].id);
    return NULL;
}

static ch_status rewrite_as_cast(ch_analyzer *a, ch_an_scope *scope,
                                 const ch_expr_unresolved_function *f, const ch_type *to,
                                 ch_expr **out, ch_error *err)
{
    ch_expr_cast *cast;
    CH_AN_NEW(cast, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    cast->head.start = f->head.start;
    cast->head.stop = f->head.stop;
    cast->child = f->args.item[0];
    cast->to = to;
    cast->implicit = true; /* Spark does not show it */
    return ch_an_expr(a, scope, &cast->head, out, err);
}

/* when(c, v, c, v, else) of the DataFrame API */
static ch_status rewrite_as_case(ch_analyzer *a, ch_an_scope *scope,
                                 const ch_expr_unresolved_function *f, ch_expr **out, ch_error *err)
{
    ch_expr_case *c;
    CH_AN_NEW(c, ch_expr_new(a->arena, CH_EXPR_CASE, err));
    c->head.start = f->head.start;
    c->head.stop = f->head.stop;
    c->args = f->args;
    return ch_an_expr(a, scope, &c->head, out, err);
}

/* a BETWEEN b AND c is the AND of two comparisons, under its own name. */
static ch_status between(ch_analyzer *a, ch_an_scope *scope, const ch_expr_unresolved_function *f,
                         ch_expr **out, ch_error *err)
{
    ch_expr_list args = {0};
    CH_TRY(ch_an_exprs(a, scope, &f->args, &args, err));
    if (args.n != 3)
        CH_AN_FAIL(a, &f->head, err, WRONG_NUM_ARGS, "functionName", "`between`", "expectedNum",
                   "3", "actualNum", CH_I64(args.n));
    ch_expr *side[2];
    for (int i = 0; i < 2; i++) {
        ch_expr_call *draft;
        CH_AN_NEW(draft, ch_expr_new(a->arena, CH_EXPR_CALL, err));
        draft->name = i ? "<=" : ">=";
        draft->is_infix = true;
        CH_TRY(ch_expr_list_add(a->arena, &draft->args, args.item[0], err));
        CH_TRY(ch_expr_list_add(a->arena, &draft->args, args.item[i + 1], err));
        CH_TRY(ch_an_bound(a, draft, &f->head, &side[i], err));
    }
    CH_TRY(ch_call_make(a->ctx, "and", side, 2, out, err));
    (*out)->start = f->head.start;
    (*out)->stop = f->head.stop;
    ((ch_expr_call *)*out)->name = "between";
    return CH_OK;
}

/* grouping(x), grouping_id(): known only when the set is; analyze_grouping_sets.c replaces them. */
static const ch_func GROUPING = {.name = "grouping", .flags = CH_FUNC_INTERNAL};

bool ch_an_is_grouping(const ch_expr *expr)
{
    return expr->kind == CH_EXPR_CALL && ((const ch_expr_call *)expr)->func == &GROUPING;
}

static ch_status grouping_call(ch_analyzer *a, ch_an_scope *scope,
                               const ch_expr_unresolved_function *f, const char *name,
                               ch_expr **out, ch_error *err)
{
    ch_expr_call *c;
    CH_AN_NEW(c, ch_expr_new(a->arena, CH_EXPR_CALL, err));
    c->head.start = f->head.start;
    c->head.stop = f->head.stop;
    c->func = &GROUPING;
    c->name = name;
    CH_TRY(ch_an_exprs(a, scope, &f->args, &c->args, err));
    c->head.type = ch_type_of(strcmp(name, "grouping") == 0 ? CH_BYTE : CH_LONG);
    *out = &c->head;
    return CH_OK;
}

/* struct(a, b AS c) is named_struct('a', a, 'c', b) under its own name. */
static ch_status struct_args(ch_analyzer *a, ch_expr_list *args, ch_error *err)
{
    ch_expr_list out = {0};
    for (int32_t i = 0; i < args->n; i++) {
        ch_expr *e = args->item[i], *field;
        const char *name;
        if (e->kind == CH_EXPR_ATTRIBUTE) {
            name = ((const ch_expr_attribute *)e)->attr->name;
        } else if (e->kind == CH_EXPR_NAMED_LAMBDA_VARIABLE) {
            name = ((const ch_expr_named_lambda_variable *)e)->attr->name;
        } else if (e->kind == CH_EXPR_ALIAS) {
            name = ((const ch_expr_alias *)e)->names.item[0];
            e = ((ch_expr_alias *)e)->child;
        } else if (e->kind == CH_EXPR_EXTRACT && ((const ch_expr_extract *)e)->ordinal >= 0) {
            const ch_expr_extract *x = (const void *)e;
            const ch_type *t = x->child->type;
            name = (t->id == CH_ARRAY ? t->field[0].type : t)->field[x->ordinal].name;
        } else {
            CH_AN_NEW(name, ch_arena_printf(a->arena, err, "col%d", i + 1));
        }
        ch_scalar text = {.type = CH_T_STRING, .v.str = {name, (int64_t)strlen(name)}};
        CH_AN_NEW(field, ch_make_literal(a->arena, &text, err));
        CH_TRY(ch_expr_list_add(a->arena, &out, field, err));
        CH_TRY(ch_expr_list_add(a->arena, &out, e, err));
    }
    *args = out;
    return CH_OK;
}

static ch_status aggregate_filter(ch_analyzer *a, ch_an_scope *scope,
                                  const ch_expr_unresolved_function *f, ch_expr **out,
                                  ch_error *err)
{
    CH_TRY(ch_an_expr(a, scope, f->filter, out, err));
    char *text;
    CH_AN_NEW(text, ch_expr_quoted(a->arena, *out, err));
    if ((*out)->type->id != CH_BOOLEAN)
        CH_AN_FAIL(a, &f->head, err, AGG_FILTER_NOT_BOOLEAN, "filterExpr", text);
    if (ch_expr_has_aggregate(*out))
        CH_AN_FAIL(a, &f->head, err, AGG_FILTER_HAS_AGGREGATE, "filterExpr", text, "aggExpr", text);
    return CH_OK;
}

/* count(*) counts rows; count(DISTINCT *) and other functions see the columns. */
static ch_status call_args(ch_analyzer *a, ch_an_scope *scope, const char *name,
                           const ch_expr_unresolved_function *f, ch_expr_list *out, ch_error *err)
{
    bool count_rows = strcmp(name, "count") == 0 && f->args.n == 1 && !f->is_distinct &&
                      f->args.item[0]->kind == CH_EXPR_UNRESOLVED_STAR &&
                      ((const ch_expr_unresolved_star *)f->args.item[0])->target.n == 0;
    if (!count_rows)
        return ch_an_exprs(a, scope, &f->args, out, err);
    ch_expr *one;
    CH_AN_NEW(one, ch_make_int(a->arena, 1, err));
    return ch_expr_list_add(a->arena, out, one, err);
}

/* IGNORE NULLS is the second argument of these. */
static ch_status add_ignore_nulls(ch_analyzer *a, ch_expr_list *args, ch_error *err)
{
    ch_scalar yes = {.type = CH_T_BOOLEAN, .v.boolean = true};
    ch_expr *lit;
    CH_AN_NEW(lit, ch_make_literal(a->arena, &yes, err));
    return ch_expr_list_add(a->arena, args, lit, err);
}

/* input_file_name() and its like are hidden columns where files are read; elsewhere functions of nothing. */
static ch_status file_function(ch_analyzer *a, const ch_an_scope *scope,
                               const ch_expr_unresolved_function *f, const char *name,
                               const ch_attr **out, ch_error *err)
{
    static const char *const COLUMN[] = {CH_INPUT_FILE_COLUMN, CH_BLOCK_START_COLUMN,
                                         CH_BLOCK_LENGTH_COLUMN};
    *out = NULL;
    for (size_t i = 0; i < 3 && f->args.n == 0; i++) {
        size_t len = strlen(COLUMN[i]) - 2; /* without the parentheses */
        if (strlen(name) != len || memcmp(name, COLUMN[i], len) != 0 || !scope->input[0])
            continue;
        CH_TRY(ch_an_file_column(a, scope->input[0], COLUMN[i], NULL, 0, out, err));
        if (!*out)
            return CH_OK;
        ch_attr *seen;
        CH_ARENA_NEW(seen, a->arena, err);
        *seen = **out;
        seen->hidden = seen->of_files = false;
        *out = seen;
        return CH_OK;
    }
    return CH_OK;
}

static bool ignores_by_argument(const char *name)
{
    static const char *const NAME[] = {"first", "first_value", "last", "last_value", "any_value"};
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        if (strcmp(name, NAME[i]) == 0)
            return true;
    return false;
}

static bool takes_ignore_nulls(const char *name)
{
    static const char *const NAME[] = {"lag",          "lead",        "nth_value",
                                       "collect_list", "collect_set", "array_agg"};
    for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
        if (strcmp(name, NAME[i]) == 0)
            return true;
    return ignores_by_argument(name);
}

/* DISTINCT, FILTER, IGNORE NULLS, OVER: where they may not stand. */
static ch_status check_syntax(ch_analyzer *a, const ch_expr_unresolved_function *f,
                              const char *name, bool aggregate, bool window, bool over,
                              ch_error *err)
{
    char *text;
    const char *syntax = (f->filter && !aggregate)                      ? "FILTER CLAUSE"
                         : (f->is_distinct && !aggregate)               ? "DISTINCT"
                         : f->ignore_nulls && !takes_ignore_nulls(name) ? "IGNORE NULLS"
                                                                        : NULL;
    CH_AN_NEW(text, ch_arena_printf(a->arena, err, "`%s`", name));
    if (syntax)
        CH_AN_FAIL(a, &f->head, err, FUNCTION_SYNTAX, "prettyName", text, "syntax", syntax);
    if (window && !over)
        CH_AN_FAIL(a, &f->head, err, WINDOW_WITHOUT_OVER, "funcName",
                   ch_expr_quoted(a->arena, &f->head, err));
    return CH_OK;
}

ch_status ch_an_call(ch_analyzer *a, ch_an_scope *scope, const ch_expr_unresolved_function *f,
                     ch_expr **out, ch_error *err)
{
    char *name;
    const ch_user_function *user;
    ch_expr_unresolved_function placed = *f;
    if (f->python)
        return ch_an_python_call(a, scope, f, f->python, out, err);
    if (f->sql)
        return ch_an_sql_call(a, scope, f, f->sql, out, err);
    CH_TRY(ch_an_user_find(a, f, &user, err));
    if (user && user->python)
        return ch_an_python_call(a, scope, f, user->python, out, err);
    if (user && user->sql)
        return ch_an_sql_call(a, scope, f, user->sql, out, err);
    if (user)
        return ch_an_native_call(a, scope, f, user->native, out, err);
    CH_TRY(ch_an_arguments(a, f->name, &f->head, &placed.args, err));
    if (placed.args.item != f->args.item) {
        ch_expr_unresolved_function *copy;
        CH_AN_NEW(copy, ch_expr_clone(a->arena, &f->head, err));
        copy->args = placed.args;
        if (scope->over == f)
            scope->over = copy;
        f = copy;
    }
    CH_AN_NEW(name, lower(a->arena, f->name, err));
    bool is_struct = strcmp(name, "struct") == 0;
    const ch_type *to = f->args.n == 1 ? type_of_function(name) : NULL;
    if (to)
        return rewrite_as_cast(a, scope, f, to, out, err);
    if (strcmp(name, "when") == 0)
        return rewrite_as_case(a, scope, f, out, err);
    if (strcmp(name, "between") == 0)
        return between(a, scope, f, out, err);
    if (strcmp(name, "grouping") == 0 || strcmp(name, "grouping_id") == 0)
        return grouping_call(a, scope, f, name, out, err);
    CH_TRY(ch_an_time_window_call(a, scope, f, out, err));
    if (*out)
        return CH_OK;
    const ch_attr *file = NULL;
    CH_TRY(file_function(a, scope, f, name, &file, err));
    if (file) {
        CH_AN_NEW(*out, ch_make_ref(a->arena, file, err));
        return CH_OK;
    }
    const ch_func *func = ch_func_find(is_struct ? "named_struct" : name);
    if (!func)
        return no_such_function(a, f->name, &f->head, err);
    bool over = scope->over == f;
    bool aggregate = (func->flags & CH_FUNC_AGGREGATE) != 0;
    bool window = (func->flags & CH_FUNC_WINDOW) != 0;
    const ch_func *higher = ch_an_higher_order(func, f);
    if (higher)
        return ch_an_higher_order_call(a, scope, f, higher, out, err);
    for (int32_t i = 0; i < f->args.n; i++)
        if (f->args.item[i]->kind == CH_EXPR_LAMBDA_FUNCTION)
            CH_AN_FAIL(a, &f->head, err, LAMBDA_NOT_HIGHER_ORDER, "class", f->name);
    if (func->flags & CH_FUNC_GENERATOR)
        return ch_an_refuse_generator(a, scope, f, err);
    CH_TRY(check_syntax(a, f, name, aggregate, window, over, err));
    aggregate &= !over; /* as a window function it is none */
    if (aggregate && scope->in_aggregate)
        CH_AN_FAIL(a, &f->head, err, NESTED_AGGREGATE, "sqlExpr",
                   ch_expr_sql(a->arena, &f->head, err));

    ch_expr_call *draft;
    CH_AN_NEW(draft, ch_expr_new(a->arena, CH_EXPR_CALL, err));
    draft->head.start = f->head.start;
    draft->head.stop = f->head.stop;
    draft->name = is_struct ? "named_struct" : name;
    draft->is_distinct = f->is_distinct;
    draft->ignore_nulls = f->ignore_nulls;
    draft->is_infix = f->is_infix;
    scope->in_aggregate |= aggregate;
    if (aggregate)
        scope->aggregate = f;
    scope->over = NULL;
    ch_status status = call_args(a, scope, name, f, &draft->args, err);
    if (aggregate)
        scope->in_aggregate = false;
    CH_TRY(status);
    if (is_struct)
        CH_TRY(struct_args(a, &draft->args, err));
    for (int32_t i = 0; i < draft->args.n; i++)
        if (draft->args.item[i]->kind == CH_EXPR_ALIAS)
            draft->args.item[i] = ((ch_expr_alias *)draft->args.item[i])->child;
    if (!window && f->ignore_nulls && draft->args.n == 1 && ignores_by_argument(name)) {
        CH_TRY(add_ignore_nulls(a, &draft->args, err));
        /* Spark then forgets how it was called. */
        draft->name = strcmp(name, "first_value") == 0  ? "first"
                      : strcmp(name, "last_value") == 0 ? "last"
                                                        : draft->name;
    }
    if (f->filter)
        CH_TRY(aggregate_filter(a, scope, f, &draft->filter, err));
    const char *shown;
    CH_TRY(ch_an_within_group(a, draft, func, err));
    CH_TRY(ch_an_build(a, draft, &shown, err));
    CH_TRY(ch_an_bound(a, draft, &f->head, out, err));
    if (shown)
        ((ch_expr_call *)*out)->name = shown;
    if (is_struct)
        ((ch_expr_call *)*out)->name = f->is_infix ? "named_struct" : "struct";
    if (f->is_distinct)
        return ch_an_build_distinct(a, &f->head, out, err);
    return ch_an_pad_chars(a, &f->head, out, err);
}
