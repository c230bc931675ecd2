/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print.c - expressions as Spark writes them (toPrettySQL for names, toString for trees).
 *
 * Names: text literals lose their quotes, columns their qualifiers, and implicit casts vanish. Most
 * functions are lower case; those in UPPER write their Java class's name, and those in DEFAULTS show
 * the arguments that Spark fills in.
 */
#include "plan/print.h"
#include "plan/print_names.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "function/function.h"
#include "type/datetime.h"
#include "type/decimal.h"
#include "type/number.h"

typedef struct printer {
    ch_print_mode mode;
    const ch_zone *zone;
    ch_buf *out;
} printer;

static ch_status print(printer *p, const ch_expr *e, ch_error *err);

static ch_status put(printer *p, const char *text, ch_error *err)
{
    return ch_buf_adds(p->out, text, err);
}

static bool in_tree(const printer *p)
{
    return p->mode == CH_PRINT_TREE;
}

/* ---- quoted --------------------------------------------------------------------------------- */

static char *to_arena(ch_arena *arena, ch_buf *buf, ch_status status, ch_error *err)
{
    char *text =
        status == CH_OK ? ch_arena_strn(arena, buf->data ? buf->data : "", buf->len, err) : NULL;
    ch_buf_release(buf);
    return text;
}

static ch_status quote_type(const ch_type *type, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '"', err));
    CH_TRY(ch_type_print_sql(type, out, err));
    return ch_buf_addc(out, '"', err);
}

char *ch_type_quoted(ch_arena *arena, const ch_type *type, ch_error *err)
{
    ch_buf buf;
    ch_buf_init(&buf, arena->mem);
    return to_arena(arena, &buf, quote_type(type, &buf, err), err);
}

static ch_status quote_expr(const ch_expr *expr, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_addc(out, '"', err));
    CH_TRY(ch_expr_print(expr, out, err));
    return ch_buf_addc(out, '"', err);
}

char *ch_expr_quoted(ch_arena *arena, const ch_expr *expr, ch_error *err)
{
    ch_buf buf;
    ch_buf_init(&buf, arena->mem);
    return to_arena(arena, &buf, quote_expr(expr, &buf, err), err);
}

/* ---- values --------------------------------------------------------------------------------- */

static ch_status print_wrapped(printer *p, const char *before, const char *text, int len,
                               ch_error *err)
{
    if (in_tree(p))
        return ch_buf_add(p->out, text, (size_t)len, err);
    CH_TRY(put(p, before, err));
    CH_TRY(ch_buf_addc(p->out, '\'', err));
    CH_TRY(ch_buf_add(p->out, text, (size_t)len, err));
    return ch_buf_addc(p->out, '\'', err);
}

static ch_status print_list(printer *p, const ch_scalar *v, ch_error *err)
{
    static const char *const HEAD[] = {"array(", "map(", "named_struct("};
    CH_TRY(put(p, HEAD[v->type->id - CH_ARRAY], err));
    for (int64_t i = 0; i < v->v.list.n; i++) {
        if (i)
            CH_TRY(put(p, ", ", err));
        if (v->type->id == CH_STRUCT) {
            CH_TRY(put(p, v->type->field[i].name, err));
            CH_TRY(put(p, ", ", err));
        }
        CH_TRY(ch_scalar_print(&v->v.list.item[i], p->mode, p->zone, p->out, err));
    }
    return ch_buf_addc(p->out, ')', err);
}

static ch_status print_value(printer *p, const ch_scalar *v, ch_error *err)
{
    char text[CH_DATETIME_TEXT > CH_DECIMAL_TEXT ? CH_DATETIME_TEXT : CH_DECIMAL_TEXT];
    int len = 0;
    switch (v->type->id) {
    case CH_BOOLEAN:
        return put(p, v->v.boolean ? "true" : "false", err);
    case CH_FLOAT:
        len = ch_print_f32(text, (float)v->v.f64);
        break;
    case CH_DOUBLE:
        len = ch_print_f64(text, v->v.f64);
        break;
    case CH_DECIMAL:
        len = ch_dec_print_java(text, ch_type_is_wide_decimal(v->type) ? v->v.i128 : v->v.i64,
                                v->type->scale);
        break;
    case CH_STRING:
    case CH_CHAR:
    case CH_VARCHAR:
        return ch_buf_add(p->out, v->v.str.text, (size_t)v->v.str.len, err);
    case CH_BINARY:
        CH_TRY(put(p, in_tree(p) ? "0x" : "X'", err));
        for (int64_t i = 0; i < v->v.str.len; i++)
            CH_TRY(ch_buf_printf(p->out, err, "%02X", (unsigned char)v->v.str.text[i]));
        return put(p, in_tree(p) ? "" : "'", err);
    case CH_DATE:
        return print_wrapped(p, "DATE ", text, ch_date_print(text, v->v.i64), err);
    case CH_TIME:
        return print_wrapped(p, "TIME ", text, ch_time_print(text, v->v.i64), err);
    case CH_TIMESTAMP:
        len = ch_timestamp_print(text, v->v.i64, p->zone ? p->zone : &ch_zone_utc);
        return print_wrapped(p, "TIMESTAMP ", text, len, err);
    case CH_TIMESTAMP_NTZ:
        return print_wrapped(p, "TIMESTAMP_NTZ ", text, ch_timestamp_ntz_print(text, v->v.i64),
                             err);
    case CH_DAY_TIME_INTERVAL:
        len = ch_day_time_print(text, v->v.i64, v->type);
        break;
    case CH_YEAR_MONTH_INTERVAL:
        len = ch_year_month_print(text, (int32_t)v->v.i64, v->type);
        break;
    case CH_CALENDAR_INTERVAL:
        return print_wrapped(p, "INTERVAL ", text, ch_interval_print(text, v->v.interval), err);
    case CH_ARRAY:
    case CH_MAP:
    case CH_STRUCT:
        return print_list(p, v, err);
    default:
        len = ch_print_i64(text, v->v.i64);
    }
    return ch_buf_add(p->out, text, (size_t)len, err);
}

ch_status ch_scalar_print(const ch_scalar *value, ch_print_mode mode, const ch_zone *zone,
                          ch_buf *out, ch_error *err)
{
    printer p = {mode, zone, out};
    if (value->is_null || value->type->id == CH_NULL)
        return put(&p, mode == CH_PRINT_TREE ? "null" : "NULL", err);
    return print_value(&p, value, err);
}

/* ---- functions ------------------------------------------------------------------------------ */

/* What UnresolvedFunction and Call have in common. */
typedef struct call_view {
    const char *name;
    const ch_expr_list *args;
    bool is_distinct, is_infix;
    const ch_expr *filter;
    bool ignore_nulls;
} call_view;

static ch_status print_args(printer *p, const ch_expr_list *list, const char *between,
                            ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++) {
        if (i)
            CH_TRY(put(p, between, err));
        CH_TRY(print(p, list->item[i], err));
    }
    return CH_OK;
}

/* (left op right) */
static ch_status print_infix(printer *p, const ch_expr_list *args, const char *op, ch_error *err)
{
    CH_TRY(put(p, "(", err));
    CH_TRY(print(p, args->item[0], err));
    CH_TRY(put(p, op, err));
    CH_TRY(print(p, args->item[1], err));
    return put(p, ")", err);
}

static bool is_interval(const ch_expr *e)
{
    return e->type &&
           (e->type->id == CH_DAY_TIME_INTERVAL || e->type->id == CH_YEAR_MONTH_INTERVAL ||
            e->type->id == CH_CALENDAR_INTERVAL);
}

static bool is_moment(const ch_expr *e)
{
    return e->type && (e->type->id == CH_DATE || e->type->id == CH_TIMESTAMP ||
                       e->type->id == CH_TIMESTAMP_NTZ);
}

/* + and - on dates are other functions in Spark, which the names show. *done says that it was one. */
static ch_status print_date_math(printer *p, const call_view *c, bool *done, ch_error *err)
{
    *done = false;
    bool minus = strcmp(c->name, "-") == 0;
    if (c->args->n != 2 || (!minus && strcmp(c->name, "+") != 0))
        return CH_OK;
    const ch_expr *left = c->args->item[0], *right = c->args->item[1];
    if (!minus && is_moment(right) && !is_moment(left)) {
        const ch_expr *swap = left;
        left = right;
        right = swap;
    }
    if (!is_moment(left) || is_moment(right))
        return CH_OK;
    *done = true;
    bool days = is_interval(right) && left->type->id == CH_DATE &&
                right->type->id == CH_DAY_TIME_INTERVAL && right->type->stop == CH_DAY;
    if (is_interval(right) && !days) {
        CH_TRY(print(p, left, err));
        CH_TRY(put(p, minus ? " - " : " + ", err));
        return print(p, right, err);
    }
    if (left->type->id != CH_DATE) {
        *done = false;
        return CH_OK;
    }
    CH_TRY(put(p, days || !minus ? "date_add(" : "date_sub(", err));
    CH_TRY(print(p, left, err));
    CH_TRY(put(p,
               !days   ? ", "
               : minus ? ", (- extractansiintervaldays("
                       : ", extractansiintervaldays(",
               err));
    CH_TRY(print(p, right, err));
    return put(p, !days ? ")" : minus ? ")))" : "))", err);
}

static ch_status print_like(printer *p, const call_view *c, ch_error *err)
{
    CH_TRY(print(p, c->args->item[0], err));
    CH_TRY(put(p, " LIKE ", err));
    CH_TRY(print(p, c->args->item[1], err));
    if (c->args->n < 3)
        return CH_OK;
    const ch_expr *escape = c->args->item[2];
    if (escape->kind == CH_EXPR_LITERAL) {
        const ch_scalar *v = &((const ch_expr_literal *)escape)->value;
        if (!v->is_null && v->v.str.len == 1 && v->v.str.text[0] == '\\')
            return CH_OK;
    }
    CH_TRY(put(p, " ESCAPE '", err));
    CH_TRY(print(p, escape, err));
    return put(p, "'", err);
}

/* The analyzer makes (a >= b AND a <= c) of it, and keeps the name. */
static ch_status print_between(printer *p, const ch_expr_list *args, ch_error *err)
{
    const ch_expr_call *low = (const void *)args->item[0], *high = (const void *)args->item[1];
    if (in_tree(p) || low->head.kind != CH_EXPR_CALL || high->head.kind != CH_EXPR_CALL)
        return print_infix(p, args, " AND ", err);
    CH_TRY(put(p, "between(", err));
    CH_TRY(print_args(p, &low->args, ", ", err));
    CH_TRY(put(p, ", ", err));
    CH_TRY(print(p, high->args.item[1], err));
    return put(p, ")", err);
}

/* Shapes other than name(args). *done says that it was one. */
static ch_status print_shaped(printer *p, const call_view *c, bool *done, ch_error *err)
{
    const char *name = c->name;
    const ch_expr_list *args = c->args;
    *done = true;
    const char *op = args->n == 2 ? PAIR(INFIX, name) : NULL;
    if (op) {
        CH_TRY(print_date_math(p, c, done, err));
        if (*done)
            return CH_OK;
        *done = true;
        return print_infix(p, args, op, err);
    }
    if (args->n == 2 && (strcmp(name, "!=") == 0 || strcmp(name, "<>") == 0)) {
        CH_TRY(put(p, in_tree(p) ? "NOT " : "(NOT ", err));
        CH_TRY(print_infix(p, args, " = ", err));
        return put(p, in_tree(p) ? "" : ")", err);
    }
    if (args->n == 1) {
        const char *before = NULL, *after = "";
        if (strcasecmp(name, "not") == 0 || strcmp(name, "!") == 0)
            before = in_tree(p) ? "NOT " : "(NOT ", after = in_tree(p) ? "" : ")";
        else if (strcmp(name, "-") == 0 || (strcasecmp(name, "negative") == 0 && c->is_infix))
            before = in_tree(p) ? "-" : "(- ", after = in_tree(p) ? "" : ")";
        else if (strcmp(name, "+") == 0 || strcasecmp(name, "positive") == 0)
            before = in_tree(p) ? "positive(" : "(+ ", after = ")";
        else if (strcmp(name, "~") == 0)
            before = "~";
        else if (strcasecmp(name, "isnull") == 0)
            before = in_tree(p) ? "isnull(" : "(", after = in_tree(p) ? ")" : " IS NULL)";
        else if (strcasecmp(name, "isnotnull") == 0)
            before = in_tree(p) ? "isnotnull(" : "(", after = in_tree(p) ? ")" : " IS NOT NULL)";
        if (before) {
            CH_TRY(put(p, before, err));
            CH_TRY(print(p, args->item[0], err));
            return put(p, after, err);
        }
    }
    if (strcasecmp(name, "in") == 0 && args->n >= 1) {
        ch_expr_list rest = {args->item + 1, args->n - 1};
        CH_TRY(put(p, in_tree(p) ? "" : "(", err));
        CH_TRY(print(p, args->item[0], err));
        CH_TRY(put(p, " IN (", err));
        CH_TRY(print_args(p, &rest, in_tree(p) ? "," : ", ", err));
        return put(p, in_tree(p) ? ")" : "))", err);
    }
    if (strcasecmp(name, "like") == 0 && args->n >= 2)
        return print_like(p, c, err);
    if (strcasecmp(name, "extract") == 0 && args->n == 2 && !in_tree(p)) {
        CH_TRY(put(p, "extract(", err));
        CH_TRY(print(p, args->item[0], err));
        CH_TRY(put(p, " FROM ", err));
        CH_TRY(print(p, args->item[1], err));
        return put(p, ")", err);
    }
    const char *trim = args->n == 2 && !in_tree(p) ? PAIR(TRIMS, name) : NULL;
    if (trim) {
        CH_TRY(put(p, trim, err));
        CH_TRY(print(p, args->item[0], err));
        CH_TRY(put(p, " FROM ", err));
        CH_TRY(print(p, args->item[1], err));
        return put(p, ")", err);
    }
    if (strcmp(name, "between") == 0 && args->n == 2)
        return print_between(p, args, err);
    *done = false;
    return CH_OK;
}

/* struct(a, 1 AS b), which the analyzer writes as named_struct('a', a, 'b', 1) under its old name. */
static ch_status print_struct(printer *p, const ch_expr_list *args, ch_error *err)
{
    CH_TRY(put(p, "struct(", err));
    for (int32_t i = 0; i + 1 < args->n; i += 2) {
        const ch_expr *e = args->item[i + 1];
        const char *name = ((const ch_expr_literal *)args->item[i])->value.v.str.text, *own = NULL;
        char nth[24];
        snprintf(nth, sizeof nth, "col%d", i / 2 + 1);
        if (e->kind == CH_EXPR_ATTRIBUTE) {
            own = ((const ch_expr_attribute *)e)->attr->name;
        } else if (e->kind == CH_EXPR_EXTRACT && ((const ch_expr_extract *)e)->ordinal >= 0) {
            const ch_expr_extract *x = (const void *)e;
            const ch_type *t = x->child->type;
            own = (t->id == CH_ARRAY ? t->field[0].type : t)->field[x->ordinal].name;
        }
        CH_TRY(put(p, i ? ", " : "", err));
        CH_TRY(print(p, e, err));
        if (strcmp(name, own ? own : nth) == 0)
            continue;
        CH_TRY(put(p, " AS ", err));
        CH_TRY(ch_name_print(name, p->out, err));
    }
    return put(p, ")", err);
}

static ch_status print_sort_order(printer *p, const ch_expr_sort_order *s, ch_error *err);

/*
 * Behind the ')': the orderings, as each function of Spark shows its own; mode's the wrong way round.
 */
static ch_status print_within_group(printer *p, const call_view *c, int32_t from, ch_error *err)
{
    bool mode = strcasecmp(c->name, "mode") == 0;
    bool bare = mode || strncasecmp(c->name, "percentile_", 11) == 0;
    CH_TRY(put(p, " WITHIN GROUP (ORDER BY ", err));
    for (int32_t i = from; i < c->args->n; i++) {
        const ch_expr_sort_order *s = (const void *)c->args->item[i];
        if (i > from)
            CH_TRY(put(p, ", ", err));
        if (!bare) {
            CH_TRY(print_sort_order(p, s, err));
            continue;
        }
        CH_TRY(print(p, s->child, err));
        CH_TRY(put(p, s->descending != mode ? " DESC" : "", err));
    }
    return put(p, ")", err);
}

static ch_status print_call_head(printer *p, const call_view *c, ch_error *err)
{
    int32_t plain = c->args->n; /* arguments that stand in the parentheses */
    while (plain > 0 && c->args->item[plain - 1]->kind == CH_EXPR_SORT_ORDER)
        plain--;
    bool ordered = plain < c->args->n;
    bool if_ = strcasecmp(c->name, "if") == 0 && !in_tree(p);
    const char *name = in_tree(p) ? NULL : PAIR(RENAMED, c->name);
    const char *more = NULL;
    bool rounds = strcasecmp(c->name, "ceil") == 0 || strcasecmp(c->name, "floor") == 0;
    if (rounds && c->args->n == 2) /* with a scale Spark keeps them as they were called */
        name = NULL;
    for (size_t i = 0; i < sizeof DEFAULTS / sizeof *DEFAULTS; i++)
        if (DEFAULTS[i].n_args == plain && strcasecmp(DEFAULTS[i].name, c->name) == 0)
            more = DEFAULTS[i].text;
    if (ordered && strcasecmp(c->name, "string_agg") == 0)
        name = "listagg";
    if (if_)
        CH_TRY(put(p, "(IF", err));
    else if (name)
        CH_TRY(put(p, name, err));
    else
        for (const char *s = c->name; *s; s++)
            CH_TRY(ch_buf_addc(p->out, (char)tolower((unsigned char)*s), err));
    CH_TRY(put(p, "(", err));
    if (c->is_distinct)
        CH_TRY(put(p, in_tree(p) ? "distinct " : "DISTINCT ", err));
    if (strcasecmp(c->name, "log") == 0 && c->args->n == 1 && !in_tree(p))
        CH_TRY(put(p, "E(), ", err));
    /* first(x, true) ignores NULLs, which Spark does not show. */
    bool hide = !in_tree(p) && c->args->n == 2 && PAIR(FIRSTS, c->name);
    bool ranks = !in_tree(p) && PAIR(RANKS, c->name);
    hide |= !in_tree(p) && PAIR(FIRST_ONLY, c->name);
    ch_expr_list shown = {c->args->item, hide && c->args->n ? 1 : ranks ? 0 : plain};
    if (!in_tree(p) && shown.n == 7 && strcasecmp(c->name, "try_make_timestamp") == 0)
        shown.n = 6; /* Spark forgets the zone */
    CH_TRY(print_args(p, &shown, ", ", err));
    if (more && !in_tree(p))
        CH_TRY(put(p, more, err));
    CH_TRY(put(p, if_ ? "))" : ")", err));
    return ordered ? print_within_group(p, c, plain, err) : CH_OK;
}

/* f(a, key => b), whatever the name is. */
static ch_status print_python(printer *p, const char *name, const ch_expr_list *args, ch_error *err)
{
    CH_TRY(put(p, name, err));
    CH_TRY(put(p, "(", err));
    CH_TRY(print_args(p, args, ", ", err));
    return put(p, ")", err);
}

static ch_status print_named_argument(printer *p, const ch_expr_named_argument *n, ch_error *err)
{
    CH_TRY(put(p, n->key, err));
    CH_TRY(put(p, " => ", err));
    return print(p, n->value, err);
}

static ch_status print_call(printer *p, const call_view *c, ch_error *err)
{
    bool done;
    CH_TRY(print_shaped(p, c, &done, err));
    if (!done)
        CH_TRY(print_call_head(p, c, err));
    if (c->ignore_nulls && strcasecmp(c->name, "nth_value") == 0)
        CH_TRY(put(p, " ignore nulls", err));
    if (c->filter) {
        CH_TRY(put(p, " FILTER (WHERE ", err));
        CH_TRY(print(p, c->filter, err));
        CH_TRY(put(p, ")", err));
    }
    return CH_OK;
}

/* ---- the other kinds ------------------------------------------------------------------------ */

static ch_status print_case(printer *p, const ch_expr_list *args, ch_error *err)
{
    CH_TRY(put(p, "CASE", err));
    for (int32_t i = 0; i + 1 < args->n; i += 2) {
        CH_TRY(put(p, " WHEN ", err));
        CH_TRY(print(p, args->item[i], err));
        CH_TRY(put(p, " THEN ", err));
        CH_TRY(print(p, args->item[i + 1], err));
    }
    if (args->n % 2) {
        CH_TRY(put(p, " ELSE ", err));
        CH_TRY(print(p, args->item[args->n - 1], err));
    }
    return put(p, " END", err);
}

static ch_status print_cast(printer *p, const ch_expr_cast *c, ch_error *err)
{
    if ((c->implicit || ch_type_is_nested(c->to)) && !in_tree(p))
        return print(p, c->child, err);
    bool try_ = c->eval_mode == CH_EVAL_TRY;
    CH_TRY(put(p, in_tree(p) ? try_ ? "try_cast(" : "cast(" : try_ ? "TRY_CAST(" : "CAST(", err));
    CH_TRY(print(p, c->child, err));
    CH_TRY(put(p, in_tree(p) ? " as " : " AS ", err));
    CH_TRY(in_tree(p) ? ch_type_print(c->to, p->out, err) : ch_type_print_sql(c->to, p->out, err));
    return put(p, ")", err);
}

static ch_status print_bound(printer *p, ch_bound_kind kind, const ch_expr *value, bool lower,
                             ch_error *err)
{
    if (kind == CH_BOUND_CURRENT_ROW)
        return put(p, "CURRENT ROW", err);
    if (kind == CH_BOUND_UNBOUNDED)
        return put(p, lower ? "UNBOUNDED PRECEDING" : "UNBOUNDED FOLLOWING", err);
    const char *name = value->kind == CH_EXPR_CALL ? ((const ch_expr_call *)value)->name
                       : value->kind == CH_EXPR_UNRESOLVED_FUNCTION
                           ? ((const ch_expr_unresolved_function *)value)->name
                           : "";
    const ch_expr_list *args = strcmp(name, "negative") != 0 ? NULL
                               : value->kind == CH_EXPR_CALL ? &((const ch_expr_call *)value)->args
                               : value->kind == CH_EXPR_UNRESOLVED_FUNCTION
                                   ? &((const ch_expr_unresolved_function *)value)->args
                                   : NULL;
    CH_TRY(print(p, args && args->n == 1 ? args->item[0] : value, err));
    return put(p, args ? " PRECEDING" : " FOLLOWING", err);
}

/* specifiedwindowframe(RowFrame, unboundedpreceding$(), currentrow$()) */
static ch_status print_frame_tree(printer *p, const ch_expr_window *w, ch_error *err)
{
    CH_TRY(put(p, "specifiedwindowframe(", err));
    CH_TRY(put(p, w->frame == CH_FRAME_ROW ? "RowFrame" : "RangeFrame", err));
    for (int side = 0; side < 2; side++) {
        ch_bound_kind kind = side ? w->upper : w->lower;
        CH_TRY(put(p, ", ", err));
        if (kind == CH_BOUND_VALUE)
            CH_TRY(print(p, side ? w->upper_value : w->lower_value, err));
        else
            CH_TRY(put(p,
                       kind == CH_BOUND_CURRENT_ROW ? "currentrow$()"
                       : side != (side ? w->upper_preceding : w->lower_following)
                           ? "unboundedfollowing$()"
                           : "unboundedpreceding$()",
                       err));
    }
    return put(p, ")", err);
}

static ch_status print_window_tree(printer *p, const ch_expr_window *w, ch_error *err)
{
    CH_TRY(print(p, w->function, err));
    CH_TRY(put(p, " windowspecdefinition(", err));
    CH_TRY(print_args(p, &w->partition, ", ", err));
    CH_TRY(put(p, w->partition.n ? ", " : "", err));
    CH_TRY(print_args(p, &w->order, ", ", err));
    CH_TRY(put(p, w->order.n ? ", " : "", err));
    CH_TRY(w->frame == CH_FRAME_UNSET ? put(p, "unspecifiedframe$()", err)
                                      : print_frame_tree(p, w, err));
    return put(p, ")", err);
}

static ch_status print_window(printer *p, const ch_expr_window *w, ch_error *err)
{
    if (in_tree(p) && !w->name)
        return print_window_tree(p, w, err);
    CH_TRY(print(p, w->function, err));
    if (w->name) {
        CH_TRY(put(p, " OVER ", err));
        return put(p, w->name, err);
    }
    CH_TRY(put(p, " OVER (", err));
    const char *gap = "";
    if (w->partition.n) {
        CH_TRY(put(p, "PARTITION BY ", err));
        CH_TRY(print_args(p, &w->partition, ", ", err));
        gap = " ";
    }
    if (w->order.n) {
        CH_TRY(put(p, gap, err));
        CH_TRY(put(p, "ORDER BY ", err));
        CH_TRY(print_args(p, &w->order, ", ", err));
        gap = " ";
    }
    if (w->frame != CH_FRAME_UNSET) {
        CH_TRY(put(p, gap, err));
        CH_TRY(put(p, w->frame == CH_FRAME_ROW ? "ROWS BETWEEN " : "RANGE BETWEEN ", err));
        CH_TRY(print_bound(p, w->lower, w->lower_value, !w->lower_following, err));
        CH_TRY(put(p, " AND ", err));
        CH_TRY(print_bound(p, w->upper, w->upper_value, w->upper_preceding, err));
    }
    return put(p, ")", err);
}

static ch_status print_extract(printer *p, const ch_expr_extract *x, ch_error *err)
{
    CH_TRY(print(p, x->child, err));
    if (x->ordinal >= 0) {
        CH_TRY(put(p, ".", err));
        return put(p, x->child->type->field[x->ordinal].name, err);
    }
    CH_TRY(put(p, "[", err));
    CH_TRY(print(p, x->extraction, err));
    return put(p, "]", err);
}

static ch_status print_attribute(printer *p, const ch_attr *attr, ch_error *err)
{
    CH_TRY(put(p, attr->name, err));
    if (!in_tree(p))
        return CH_OK;
    return ch_buf_printf(p->out, err, "#%lld%s", (long long)attr->id,
                         attr->type->id == CH_LONG ? "L" : "");
}

static ch_status print_alias(printer *p, const ch_expr_alias *a, ch_error *err)
{
    CH_TRY(print(p, a->child, err));
    CH_TRY(put(p, " AS ", err));
    for (int32_t i = 0; i < a->names.n; i++) {
        if (i)
            CH_TRY(put(p, ", ", err));
        CH_TRY(in_tree(p) ? put(p, a->names.item[i], err)
                          : ch_name_print(a->names.item[i], p->out, err));
    }
    if (!in_tree(p) || !a->head.type)
        return CH_OK;
    return ch_buf_printf(p->out, err, "#%lld%s", (long long)a->id,
                         a->head.type->id == CH_LONG ? "L" : "");
}

static ch_status print_subquery(printer *p, const ch_expr_subquery *s, ch_error *err)
{
    bool in = s->subquery_kind == CH_SUBQUERY_IN;
    if (in) {
        CH_TRY(put(p, "(", err));
        CH_TRY(print_args(p, &s->in_values, ", ", err));
        CH_TRY(put(p, " IN (listquery(", err));
    } else {
        CH_TRY(put(p,
                   s->subquery_kind == CH_SUBQUERY_SCALAR  ? "scalarsubquery("
                   : s->subquery_kind == CH_SUBQUERY_TABLE ? "table("
                                                           : "exists(",
                   err));
    }
    CH_TRY(print_args(p, &s->outer, ", ", err));
    return put(p, in ? ")))" : ")", err);
}

static ch_status print_lambda(printer *p, const ch_expr_lambda_function *l, ch_error *err)
{
    CH_TRY(put(p, "lambdafunction(", err));
    CH_TRY(print(p, l->body, err));
    for (int32_t i = 0; i < l->args.n; i++)
        CH_TRY(put(p, ", namedlambdavariable()", err));
    return put(p, ")", err);
}

static ch_status print_star(printer *p, const ch_expr_unresolved_star *s, ch_error *err)
{
    CH_TRY(ch_names_print(&s->target, p->out, err));
    return put(p, s->target.n ? ".*" : "*", err);
}

static ch_status print_sort_order(printer *p, const ch_expr_sort_order *s, ch_error *err)
{
    CH_TRY(print(p, s->child, err));
    CH_TRY(put(p, s->descending ? " DESC" : " ASC", err));
    return put(p, s->nulls_first ? " NULLS FIRST" : " NULLS LAST", err);
}

static ch_status print(printer *p, const ch_expr *e, ch_error *err)
{
    switch (e->kind) {
    case CH_EXPR_LITERAL:
        if (((const ch_expr_literal *)e)->shown && !in_tree(p))
            return put(p, ((const ch_expr_literal *)e)->shown, err);
        return ch_scalar_print(&((const ch_expr_literal *)e)->value, p->mode, p->zone, p->out, err);
    case CH_EXPR_UNRESOLVED_ATTRIBUTE:
        if (in_tree(p))
            CH_TRY(put(p, "'", err));
        return ch_names_print(&((const ch_expr_unresolved_attribute *)e)->parts, p->out, err);
    case CH_EXPR_UNRESOLVED_FUNCTION: {
        const ch_expr_unresolved_function *f = (const void *)e;
        call_view view = {f->name,     &f->args,  f->is_distinct,
                          f->is_infix, f->filter, f->ignore_nulls};
        if (in_tree(p) && !f->is_infix)
            CH_TRY(put(p, "'", err));
        if (f->python)
            return print_python(p, f->name, &f->args, err);
        return print_call(p, &view, err);
    }
    case CH_EXPR_CALL: {
        const ch_expr_call *c = (const void *)e;
        call_view view = {c->name,     &c->args,  c->is_distinct,
                          c->is_infix, c->filter, c->ignore_nulls};
        if (c->func && (c->func->flags & CH_FUNC_PYTHON))
            return print_python(p, c->name, &c->args, err);
        if (strcmp(c->name, "struct") == 0 && !in_tree(p))
            return print_struct(p, &c->args, err);
        return print_call(p, &view, err);
    }
    case CH_EXPR_UNRESOLVED_STAR:
        return print_star(p, (const void *)e, err);
    case CH_EXPR_UNRESOLVED_EXTRACT_VALUE: {
        const ch_expr_unresolved_extract_value *x = (const void *)e;
        CH_TRY(print(p, x->child, err));
        CH_TRY(put(p, "[", err));
        CH_TRY(print(p, x->extraction, err));
        return put(p, "]", err);
    }
    case CH_EXPR_EXPRESSION_STRING:
        return put(p, ((const ch_expr_expression_string *)e)->expression, err);
    case CH_EXPR_INLINED:
        return put(p, ((const ch_expr_inlined *)e)->shown, err);
    case CH_EXPR_ALIAS:
        return print_alias(p, (const void *)e, err);
    case CH_EXPR_CAST:
        return print_cast(p, (const void *)e, err);
    case CH_EXPR_SORT_ORDER:
        return print_sort_order(p, (const void *)e, err);
    case CH_EXPR_WINDOW:
        return print_window(p, (const void *)e, err);
    case CH_EXPR_LAMBDA_FUNCTION:
        return print_lambda(p, (const void *)e, err);
    case CH_EXPR_UNRESOLVED_NAMED_LAMBDA_VARIABLE:
    case CH_EXPR_NAMED_LAMBDA_VARIABLE:
        return put(p, "namedlambdavariable()", err);
    case CH_EXPR_NAMED_ARGUMENT:
        return print_named_argument(p, (const void *)e, err);
    case CH_EXPR_SUBQUERY:
        return print_subquery(p, (const void *)e, err);
    case CH_EXPR_CASE:
        return print_case(p, &((const ch_expr_case *)e)->args, err);
    case CH_EXPR_ATTRIBUTE:
        return print_attribute(p, ((const ch_expr_attribute *)e)->attr, err);
    case CH_EXPR_EXTRACT:
        return print_extract(p, (const void *)e, err);
    default:
        return put(p, ch_expr_class(e->kind)->name, err);
    }
}

/* ---- doors ---------------------------------------------------------------------------------- */

ch_status ch_expr_print_as(const ch_expr *expr, ch_print_mode mode, const ch_zone *zone,
                           ch_buf *out, ch_error *err)
{
    printer p = {mode, zone, out};
    return print(&p, expr, err);
}

ch_status ch_expr_print(const ch_expr *expr, ch_buf *out, ch_error *err)
{
    return ch_expr_print_as(expr, CH_PRINT_NAME, NULL, out, err);
}

char *ch_expr_sql(ch_arena *arena, const ch_expr *expr, ch_error *err)
{
    ch_buf buf;
    ch_buf_init(&buf, arena->mem);
    return to_arena(arena, &buf, ch_expr_print(expr, &buf, err), err);
}
