/* SPDX-License-Identifier: Apache-2.0 */
/* parser_window.c - OVER (...) and the WINDOW clause. */
#include <string.h>

#include "sql/parser.h"

/* A literal, or a sign in front of one; columns have no place in a frame's bound. */
static bool is_constant(const ch_expr *e)
{
    if (e->kind == CH_EXPR_LITERAL)
        return true;
    if (e->kind == CH_EXPR_CAST)
        return is_constant(((const ch_expr_cast *)e)->child);
    if (e->kind != CH_EXPR_UNRESOLVED_FUNCTION)
        return false;
    const ch_expr_unresolved_function *f = (const ch_expr_unresolved_function *)e;
    for (int32_t i = 0; i < f->args.n; i++)
        if (!is_constant(f->args.item[i]))
            return false;
    return true;
}

/* *following: UNBOUNDED FOLLOWING. */
static ch_status frame_bound(ch_sql_parser *p, ch_bound_kind *kind, ch_expr **value,
                             bool *following)
{
    int32_t start = ch_sql_here(p);
    if (ch_sql_is_kw(p, CH_KW_CURRENT) && ch_sql_peek_kw(p, 1, CH_KW_ROW)) {
        p->at += 2;
        *kind = CH_BOUND_CURRENT_ROW;
        return CH_OK;
    }
    if (ch_sql_is_kw(p, CH_KW_UNBOUNDED) &&
        (ch_sql_peek_kw(p, 1, CH_KW_PRECEDING) || ch_sql_peek_kw(p, 1, CH_KW_FOLLOWING))) {
        *following = ch_sql_peek_kw(p, 1, CH_KW_FOLLOWING);
        p->at += 2;
        *kind = CH_BOUND_UNBOUNDED;
        return CH_OK;
    }
    *kind = CH_BOUND_VALUE;
    CH_TRY(ch_sql_expr(p, value));
    bool preceding = ch_sql_is_kw(p, CH_KW_PRECEDING);
    if (!preceding && !ch_sql_is_kw(p, CH_KW_FOLLOWING))
        return ch_sql_unexpected(p);
    p->at++;
    if (!is_constant(*value))
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_INVALID_WINDOW_FRAME_BOUND, (const char *)0));
    /* Preceding is negative. */
    return preceding ? ch_sql_call(p, "negative", (*value)->start, *value, NULL, value) : CH_OK;
}

static ch_status window_frame(ch_sql_parser *p, ch_expr_window *w)
{
    if (!ch_sql_is_kw(p, CH_KW_ROWS) && !ch_sql_is_kw(p, CH_KW_RANGE))
        return CH_OK;
    w->frame = ch_sql_is_kw(p, CH_KW_ROWS) ? CH_FRAME_ROW : CH_FRAME_RANGE;
    p->at++;
    bool between = ch_sql_accept_kw(p, CH_KW_BETWEEN);
    bool following = false;
    CH_TRY(frame_bound(p, &w->lower, &w->lower_value, &following));
    w->lower_following = following;
    w->upper = CH_BOUND_CURRENT_ROW;
    if (!between)
        return CH_OK;
    if (!ch_sql_accept_kw(p, CH_KW_AND))
        return ch_sql_unexpected(p);
    following = true;
    CH_TRY(frame_bound(p, &w->upper, &w->upper_value, &following));
    w->upper_preceding = !following;
    return CH_OK;
}

/* name, (name), or (PARTITION BY ... ORDER BY ... frame). Names are looked up at the WINDOW clause. */
ch_status ch_sql_window_spec(ch_sql_parser *p, ch_expr_window *w)
{
    bool parenthesis = ch_sql_accept(p, '(');
    bool name = !parenthesis || (ch_sql_is_name(p, 0) && ch_sql_peek(p, 1)->kind == ')');
    if (name) {
        CH_TRY(ch_sql_checked_name(p, &w->name));
        CH_TRY(ch_expr_list_add(p->arena, &p->windows, &w->head, p->err));
        return parenthesis ? ch_sql_expect(p, ')') : CH_OK;
    }
    if (ch_sql_is_kw(p, CH_KW_CLUSTER) && ch_sql_peek_kw(p, 1, CH_KW_BY)) {
        p->at += 2;
        CH_TRY(ch_sql_expr_list(p, &w->partition));
    } else {
        if ((ch_sql_is_kw(p, CH_KW_PARTITION) || ch_sql_is_kw(p, CH_KW_DISTRIBUTE)) &&
            ch_sql_peek_kw(p, 1, CH_KW_BY)) {
            p->at += 2;
            CH_TRY(ch_sql_expr_list(p, &w->partition));
        }
        if ((ch_sql_is_kw(p, CH_KW_ORDER) || ch_sql_is_kw(p, CH_KW_SORT)) &&
            ch_sql_peek_kw(p, 1, CH_KW_BY)) {
            p->at += 2;
            CH_TRY(ch_sql_sort_items(p, &w->order));
        }
    }
    CH_TRY(window_frame(p, w));
    return ch_sql_accept(p, ')') ? CH_OK : ch_sql_unexpected(p);
}

/* ---- WINDOW w AS (...), v AS (...), u AS w ---- */

typedef struct window_def window_def;
struct window_def {
    window_def *next;
    const char *name;
    ch_expr_window *spec; /* spec->name: another definition that this one is equal to */
};

static const window_def *find_window(const window_def *list, const char *name)
{
    while (list && strcmp(list->name, name) != 0)
        list = list->next;
    return list;
}

static ch_status one_window(ch_sql_parser *p, int32_t start, window_def **list)
{
    window_def *def;
    CH_ARENA_NEW(def, p->arena, p->err);
    CH_TRY(ch_sql_checked_name(p, &def->name));
    if (find_window(*list, def->name))
        return ch_sql_at(p, start, ch_sql_here(p),
                         ch_error_set(p->err, CH_E_REPETITIVE_WINDOW, "windowName",
                                      ch_arena_printf(p->arena, NULL, "`%s`", def->name),
                                      (const char *)0));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_AS));
    CH_SQL_NEW(def->spec, p, ch_sql_expr_new, CH_EXPR_WINDOW, ch_sql_here(p));
    int32_t n = p->windows.n;
    CH_TRY(ch_sql_window_spec(p, def->spec));
    p->windows.n = n; /* u AS w is looked up by window_clause */
    def->next = *list;
    *list = def;
    return CH_OK;
}

/* A definition by another's name means that one, which must not do the same. */
static ch_status resolve_window(ch_sql_parser *p, int32_t start, const window_def *list,
                                window_def *def)
{
    const window_def *to = find_window(list, def->spec->name);
    if (to && !to->spec->name)
        return CH_OK;
    return ch_sql_at(
        p, start, ch_sql_here(p),
        ch_error_set(p->err, to ? CH_E_INVALID_WINDOW_REFERENCE : CH_E_UNRESOLVED_WINDOW_REFERENCE,
                     "windowName", ch_arena_printf(p->arena, NULL, "`%s`", def->spec->name),
                     (const char *)0));
}

ch_status ch_sql_window_clause(ch_sql_parser *p, int32_t first_window)
{
    int32_t start = ch_sql_here(p);
    window_def *list = NULL;
    p->at++;
    do
        CH_TRY(one_window(p, start, &list));
    while (ch_sql_accept(p, ','));
    for (window_def *d = list; d; d = d->next)
        if (d->spec->name)
            CH_TRY(resolve_window(p, start, list, d));
    for (int32_t i = first_window; i < p->windows.n; i++) {
        ch_expr_window *w = (ch_expr_window *)p->windows.item[i];
        const window_def *def = w->name ? find_window(list, w->name) : NULL;
        if (def && def->spec->name)
            def = find_window(list, def->spec->name);
        if (!def)
            continue; /* done before, or the analyzer says so */
        ch_expr_window filled = *def->spec;
        filled.head = w->head;
        filled.function = w->function;
        *w = filled;
    }
    return CH_OK;
}
