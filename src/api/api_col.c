/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_col.c - column expressions: a small tree of malloc'd nodes that belongs to nobody's session, turned
 * into plan nodes when a DataFrame takes it.
 *
 * Out of memory gives NULL, and NULL given as an argument gives NULL: the DataFrame call that gets it tells.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "api/handles.h"
#include "plan/node.h"

typedef enum col_kind {
    COL_NAME,
    COL_SQL,
    COL_LITERAL,
    COL_CALL,
    COL_ALIAS,
    COL_CAST,
    COL_SORT
} col_kind;

struct chert_col {
    col_kind kind;
    char *text;        /* name, SQL, function, alias, type, string literal; owned */
    ch_scalar literal; /* a string's text is `text` */
    chert_col **arg;   /* owned, NULL-terminated; NULL for none */
    bool flag;         /* CALL: infix; SORT: descending */
    bool distinct;
    int height; /* nodes one below the other */
};

/* What the analyzer takes, and what can be freed without a thought of the stack. */
#define MOST_HEIGHT 4000

void chert_cols_free(chert_col **cols)
{
    for (chert_col **c = cols; c && *c; c++)
        chert_col_free(*c);
    free(cols);
}

void chert_col_free(chert_col *col)
{
    if (!col)
        return;
    chert_cols_free(col->arg);
    free(col->text);
    free(col);
}

/* Takes args (n of them; NULL among them, or one that is too high, gives NULL). */
static chert_col *make(col_kind kind, const char *text, chert_col *const *args, int n)
{
    bool complete = text || kind == COL_LITERAL || kind == COL_SORT;
    int height = 1;
    for (int i = 0; i < n; i++) {
        complete &= args[i] && args[i]->height < MOST_HEIGHT;
        height = args[i] && args[i]->height >= height ? args[i]->height + 1 : height;
    }
    chert_col *col = complete ? calloc(1, sizeof *col) : NULL;
    chert_col **arg = calloc((size_t)n + 1, sizeof *arg);
    char *copy = text ? strdup(text) : NULL;
    if (!col || !arg || (text && !copy)) {
        for (int i = 0; i < n; i++)
            chert_col_free(args[i]);
        free(col);
        free(arg);
        free(copy);
        return NULL;
    }
    if (n)
        memcpy(arg, args, sizeof *arg * (size_t)n);
    col->kind = kind;
    col->height = height;
    col->text = copy;
    col->arg = arg;
    return col;
}

chert_col *chert_col_new(const char *name)
{
    return name ? make(COL_NAME, name, NULL, 0) : NULL;
}

chert_col *chert_expr(const char *sql)
{
    return sql ? make(COL_SQL, sql, NULL, 0) : NULL;
}

static chert_col *literal(ch_scalar value)
{
    chert_col *col = make(COL_LITERAL, NULL, NULL, 0);
    if (col)
        col->literal = value;
    return col;
}

chert_col *chert_lit_null(void)
{
    return literal((ch_scalar){.type = CH_T_NULL, .is_null = true});
}

chert_col *chert_lit_bool(bool value)
{
    return literal((ch_scalar){.type = CH_T_BOOLEAN, .v.boolean = value});
}

chert_col *chert_lit_int(int32_t value)
{
    return literal((ch_scalar){.type = CH_T_INT, .v.i64 = value});
}

chert_col *chert_lit_long(int64_t value)
{
    return literal((ch_scalar){.type = CH_T_LONG, .v.i64 = value});
}

chert_col *chert_lit_double(double value)
{
    return literal((ch_scalar){.type = CH_T_DOUBLE, .v.f64 = value});
}

chert_col *chert_lit_string(const char *value)
{
    chert_col *col = value ? make(COL_LITERAL, value, NULL, 0) : NULL;
    if (col) {
        col->literal.type = CH_T_STRING;
        col->literal.v.str.text = col->text;
        col->literal.v.str.len = (int64_t)strlen(value);
    }
    return col;
}

#define MOST_ARGS 1024

chert_col *chert_call(const char *function, ...)
{
    chert_col *arg[MOST_ARGS];
    int n = 0;
    va_list ap;
    va_start(ap, function);
    for (chert_col *a; (a = va_arg(ap, chert_col *)) != NULL;) {
        if (n == MOST_ARGS) {
            chert_col_free(a);
            function = NULL; /* a call without some of its arguments would be another one */
            continue;
        }
        arg[n++] = a;
    }
    va_end(ap);
    return make(COL_CALL, function, arg, n);
}

static chert_col *infix(const char *op, chert_col *a, chert_col *b)
{
    chert_col *col = make(COL_CALL, op, (chert_col *const[]){a, b}, 2);
    if (col)
        col->flag = true;
    return col;
}

static chert_col *call1(const char *name, chert_col *a)
{
    return make(COL_CALL, name, &a, 1);
}

chert_col *chert_col_eq(chert_col *a, chert_col *b)
{
    return infix("=", a, b);
}

chert_col *chert_col_eq_null_safe(chert_col *a, chert_col *b)
{
    return infix("<=>", a, b);
}

chert_col *chert_col_ne(chert_col *a, chert_col *b)
{
    return chert_col_not(infix("=", a, b));
}

chert_col *chert_col_lt(chert_col *a, chert_col *b)
{
    return infix("<", a, b);
}

chert_col *chert_col_le(chert_col *a, chert_col *b)
{
    return infix("<=", a, b);
}

chert_col *chert_col_gt(chert_col *a, chert_col *b)
{
    return infix(">", a, b);
}

chert_col *chert_col_ge(chert_col *a, chert_col *b)
{
    return infix(">=", a, b);
}

chert_col *chert_col_add(chert_col *a, chert_col *b)
{
    return infix("+", a, b);
}

chert_col *chert_col_sub(chert_col *a, chert_col *b)
{
    return infix("-", a, b);
}

chert_col *chert_col_mul(chert_col *a, chert_col *b)
{
    return infix("*", a, b);
}

chert_col *chert_col_div(chert_col *a, chert_col *b)
{
    return infix("/", a, b);
}

chert_col *chert_col_mod(chert_col *a, chert_col *b)
{
    return infix("%", a, b);
}

chert_col *chert_col_and(chert_col *a, chert_col *b)
{
    return infix("and", a, b);
}

chert_col *chert_col_or(chert_col *a, chert_col *b)
{
    return infix("or", a, b);
}

chert_col *chert_col_not(chert_col *a)
{
    return call1("not", a);
}

chert_col *chert_col_is_null(chert_col *a)
{
    return call1("isnull", a);
}

chert_col *chert_col_is_not_null(chert_col *a)
{
    return call1("isnotnull", a);
}

chert_col *chert_col_like(chert_col *a, const char *pattern)
{
    return infix("like", a, chert_lit_string(pattern));
}

chert_col *chert_col_cast(chert_col *a, const char *type)
{
    return make(COL_CAST, type, &a, 1);
}

chert_col *chert_col_alias(chert_col *a, const char *name)
{
    return make(COL_ALIAS, name, &a, 1);
}

chert_col *chert_col_asc(chert_col *a)
{
    return make(COL_SORT, NULL, &a, 1);
}

chert_col *chert_col_desc(chert_col *a)
{
    chert_col *col = make(COL_SORT, NULL, &a, 1);
    if (col)
        col->flag = true;
    return col;
}

chert_col *chert_count(chert_col *a)
{
    return call1("count", a);
}

chert_col *chert_count_all(void)
{
    return call1("count", chert_lit_int(1));
}

chert_col *chert_count_distinct(chert_col *a)
{
    chert_col *col = call1("count", a);
    if (col)
        col->distinct = true;
    return col;
}

chert_col *chert_sum(chert_col *a)
{
    return call1("sum", a);
}

chert_col *chert_avg(chert_col *a)
{
    return call1("avg", a);
}

chert_col *chert_min(chert_col *a)
{
    return call1("min", a);
}

chert_col *chert_max(chert_col *a)
{
    return call1("max", a);
}

/* --------------------------------------------------------------- to plan nodes */

static ch_status build_name(const char *name, ch_arena *arena, ch_expr **out, ch_error *err)
{
    ch_str_list parts = {0};
    CH_TRY(ch_name_split(arena, name, &parts, err));
    if (strcmp(parts.item[parts.n - 1], "*") == 0) {
        ch_expr_unresolved_star *star = ch_expr_new(arena, CH_EXPR_UNRESOLVED_STAR, err);
        if (!star)
            return CH_E_MEMORY;
        star->target = parts;
        star->target.n--;
        *out = &star->head;
        return CH_OK;
    }
    ch_expr_unresolved_attribute *a = ch_expr_new(arena, CH_EXPR_UNRESOLVED_ATTRIBUTE, err);
    if (!a)
        return CH_E_MEMORY;
    a->parts = parts;
    a->plan_id = -1;
    *out = &a->head;
    return CH_OK;
}

static ch_status build_literal(const chert_col *col, ch_arena *arena, ch_expr **out, ch_error *err)
{
    ch_expr_literal *lit = ch_expr_new(arena, CH_EXPR_LITERAL, err);
    if (!lit)
        return CH_E_MEMORY;
    lit->value = col->literal;
    lit->head.type = col->literal.type;
    lit->head.nullable = col->literal.is_null;
    if (col->text) {
        lit->value.v.str.text = ch_arena_str(arena, col->text, err);
        if (!lit->value.v.str.text)
            return CH_E_MEMORY;
    }
    *out = &lit->head;
    return CH_OK;
}

ch_status chert_col_build(const chert_col *col, ch_arena *arena, ch_expr **out, ch_error *err)
{
    ch_expr_list args = {0};
    *out = NULL;
    for (chert_col **a = col->arg; a && *a; a++) {
        ch_expr *arg;
        CH_TRY(chert_col_build(*a, arena, &arg, err));
        CH_TRY(ch_expr_list_add(arena, &args, arg, err));
    }
    const char *text = col->text ? ch_arena_str(arena, col->text, err) : NULL;
    if (col->text && !text)
        return CH_E_MEMORY;
    switch (col->kind) {
    case COL_NAME:
        return build_name(text, arena, out, err);
    case COL_LITERAL:
        return build_literal(col, arena, out, err);
    case COL_SQL: {
        ch_expr_expression_string *e = ch_expr_new(arena, CH_EXPR_EXPRESSION_STRING, err);
        if (!e)
            return CH_E_MEMORY;
        e->expression = text;
        *out = &e->head;
        return CH_OK;
    }
    case COL_CALL: {
        ch_expr_unresolved_function *f = ch_expr_new(arena, CH_EXPR_UNRESOLVED_FUNCTION, err);
        if (!f)
            return CH_E_MEMORY;
        f->name = text;
        f->args = args;
        f->is_infix = col->flag;
        f->is_distinct = col->distinct;
        *out = &f->head;
        return CH_OK;
    }
    case COL_ALIAS: {
        ch_expr_alias *a = ch_expr_new(arena, CH_EXPR_ALIAS, err);
        if (!a)
            return CH_E_MEMORY;
        a->child = args.item[0];
        *out = &a->head;
        return ch_str_list_add(arena, &a->names, text, err);
    }
    case COL_CAST: {
        ch_expr_cast *c = ch_expr_new(arena, CH_EXPR_CAST, err);
        if (!c)
            return CH_E_MEMORY;
        c->child = args.item[0];
        *out = &c->head;
        return ch_type_parse(text, &c->to, err);
    }
    case COL_SORT: {
        ch_expr_sort_order *s = ch_expr_new(arena, CH_EXPR_SORT_ORDER, err);
        if (!s)
            return CH_E_MEMORY;
        s->child = args.item[0];
        s->descending = col->flag;
        s->nulls_first = !col->flag;
        *out = &s->head;
        return CH_OK;
    }
    }
    CH_FAIL(err, INTERNAL, "message", "unknown column expression");
}
