/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_relation.c - what stands behind FROM: tables, subqueries, VALUES, table functions, joins.
 */
#include "sql/parser.h"

#include <stdlib.h>
#include <strings.h>

static ch_status parse_relation(ch_sql_parser *p, ch_rel *left, int32_t start, ch_rel **out);

/* ---- aliases ------------------------------------------------------------------------------- */

/* A word that can be a table's name for this query: no join word, no clause. */
static bool starts_alias(const ch_sql_parser *p)
{
    return ch_sql_is_name(p, 0) && !ch_keyword_is_strict((ch_keyword)p->tok[p->at].keyword) &&
           !ch_sql_starts_clause(p);
}

/* [AS] alias [(columns)] around *rel; AS alone is an alias too. */
static ch_status table_alias(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    ch_sql_parser next = *p;
    next.at++;
    if (ch_sql_is_kw(p, CH_KW_AS) && starts_alias(&next))
        p->at++;
    else if (!starts_alias(p))
        return CH_OK;
    const char *name;
    ch_str_list columns = {0};
    ch_rel_subquery_alias *alias;
    CH_TRY(ch_sql_checked_name(p, &name));
    if (ch_sql_is(p, '('))
        CH_TRY(ch_sql_name_list(p, &columns));
    CH_SQL_NEW(alias, p, ch_sql_rel_new, CH_REL_SUBQUERY_ALIAS, start);
    alias->input = *rel;
    alias->alias = name;
    alias->columns = columns;
    *rel = &alias->head;
    return CH_OK;
}

/* ---- VALUES -------------------------------------------------------------------------------- */

/* One row: (1, 'a') was read as a struct. */
static ch_expr_list row_of(const ch_expr *const *e)
{
    const ch_expr_unresolved_function *f = (const ch_expr_unresolved_function *)*e;
    if ((*e)->kind == CH_EXPR_UNRESOLVED_FUNCTION && strcasecmp(f->name, "struct") == 0)
        return f->args;
    return (ch_expr_list){(ch_expr **)(uintptr_t)e, 1};
}

ch_status ch_sql_values(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr_list rows = {0};
    ch_rel_values *v;
    p->at++;
    CH_TRY(ch_sql_expr_list(p, &rows));
    CH_SQL_NEW(v, p, ch_sql_rel_new, CH_REL_VALUES, start);
    CH_ARENA_ARRAY(v->row, p->arena, rows.n, p->err);
    v->n_rows = rows.n;
    for (int32_t i = 0; i < rows.n; i++) {
        v->row[i] = row_of((const ch_expr *const *)&rows.item[i]);
        if (v->row[i].n != v->row[0].n)
            return ch_sql_at(p, start, v->head.stop,
                             ch_error_set(p->err, CH_E_INVALID_INLINE_TABLE_COLUMNS, "rowIndex",
                                          CH_I64(i), "expectedNumCols", CH_I64(v->row[0].n),
                                          "actualNumCols", CH_I64(v->row[i].n), (const char *)0));
    }
    *out = &v->head;
    return table_alias(p, start, out);
}

/* ---- table functions ----------------------------------------------------------------------- */

static bool whole_value(const ch_expr *e, int64_t *out)
{
    const ch_expr_literal *l = (const ch_expr_literal *)e;
    if (e->kind != CH_EXPR_LITERAL || l->value.is_null || !ch_type_is_integral(l->head.type))
        return false;
    *out = l->value.v.i64;
    return true;
}

/* range([start,] end [, step [, partitions]]) of integer literals; *out NULL: of something else. */
static ch_status make_range(ch_sql_parser *p, const ch_expr_list *args, int32_t start, ch_rel **out)
{
    int64_t value[4] = {0, 0, 1, 0};
    ch_rel_range *r;
    *out = NULL;
    if (args->n < 1 || args->n > 4)
        return CH_OK;
    for (int32_t i = 0; i < args->n; i++)
        if (!whole_value(args->item[i], &value[args->n == 1 ? 1 : i]))
            return CH_OK;
    if (value[2] == 0)
        return CH_OK;
    CH_SQL_NEW(r, p, ch_sql_rel_new, CH_REL_RANGE, start);
    r->from = value[0];
    r->to = value[1];
    r->step = value[2];
    r->num_partitions = (int32_t)value[3];
    *out = &r->head;
    return CH_OK;
}

static ch_status table_function(ch_sql_parser *p, const ch_str_list *name, int32_t start,
                                ch_rel **out)
{
    ch_expr_list args = {0};
    p->at++;
    if (!ch_sql_is(p, ')')) {
        do {
            ch_expr *e;
            CH_TRY(ch_sql_table_function_argument(p, &e));
            CH_TRY(ch_expr_list_add(p->arena, &args, e, p->err));
        } while (ch_sql_accept(p, ','));
    }
    CH_TRY(ch_sql_close_list(p, args.n));
    if (strcasecmp(name->item[name->n - 1], "range") == 0) {
        CH_TRY(make_range(p, &args, start, out));
        if (*out)
            return table_alias(p, start, out);
    }
    ch_rel_unresolved_table_valued_function *f;
    CH_SQL_NEW(f, p, ch_sql_rel_new, CH_REL_UNRESOLVED_TABLE_VALUED_FUNCTION, start);
    CH_TRY(ch_sql_join_names(p, name, &f->function_name));
    f->arguments = args;
    *out = &f->head;
    return table_alias(p, start, out);
}

/* ---- TABLESAMPLE --------------------------------------------------------------------------- */

static ch_status sample_method(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    bool negative = ch_sql_is(p, '-');
    const ch_token *number = ch_sql_peek(p, negative);
    if ((number->kind == CH_TOK_INTEGER || number->kind == CH_TOK_DECIMAL) &&
        ch_sql_peek_kw(p, negative + 1, CH_KW_PERCENT)) {
        double percent = 0;
        ch_rel_sample *s;
        char text[64] = {0};
        int32_t len = number->stop - number->start;
        memcpy(text, p->text + number->start, (size_t)(len < 63 ? len : 63));
        percent = atof(text) * (negative ? -1 : 1);
        p->at += negative + 2;
        if (percent < 0 || percent > 100)
            return ch_sql_at(p, start, p->tok[p->at].stop,
                             ch_error_set(p->err, CH_E_INVALID_TABLESAMPLE_FRACTION, "fraction",
                                          ch_arena_printf(p->arena, NULL, "%.1f", percent / 100),
                                          (const char *)0));
        CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SAMPLE, start);
        s->input = *rel;
        s->upper = percent / 100;
        *rel = &s->head;
        return CH_OK;
    }
    if (ch_sql_is_kw(p, CH_KW_BUCKET))
        return ch_sql_unsupported(p, start, "TABLESAMPLE (BUCKET ...)");
    ch_expr *rows;
    ch_rel_limit *l;
    CH_TRY(ch_sql_expr(p, &rows));
    if (!ch_sql_is_kw(p, CH_KW_ROWS))
        return ch_sql_is(p, ')') ? ch_sql_unsupported(p, start, "TABLESAMPLE of bytes")
               : !ch_sql_is(p, CH_TOK_EOF) && ch_sql_peek(p, 1)->kind == ')' ? ch_sql_extra(p)
                                                                             : ch_sql_unexpected(p);
    p->at++;
    CH_SQL_NEW(l, p, ch_sql_rel_new, CH_REL_LIMIT, start);
    l->input = *rel;
    l->expr = rows;
    *rel = &l->head;
    return CH_OK;
}

/* TABLESAMPLE (...) [REPEATABLE (seed)] */
static ch_status sample(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    p->at += 2;
    CH_TRY(sample_method(p, start, rel));
    CH_TRY(ch_sql_expect(p, ')'));
    if (!ch_sql_is_kw(p, CH_KW_REPEATABLE) || ch_sql_peek(p, 1)->kind != '(')
        return CH_OK;
    const ch_token *seed = ch_sql_peek(p, 2);
    if (seed->kind != CH_TOK_INTEGER) {
        p->at += 2;
        return ch_sql_unexpected(p);
    }
    p->at += 3;
    if ((*rel)->kind == CH_REL_SAMPLE) {
        ((ch_rel_sample *)*rel)->seed = strtoll(p->text + seed->start, NULL, 10);
        ((ch_rel_sample *)*rel)->has_seed = true;
    }
    return ch_sql_expect(p, ')');
}

/* A sample goes around the alias that follows it. */
static ch_status sampled_alias(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    if (!ch_sql_is_kw(p, CH_KW_TABLESAMPLE) || ch_sql_peek(p, 1)->kind != '(')
        return table_alias(p, start, rel);
    ch_rel *around = *rel;
    CH_TRY(sample(p, start, &around));
    CH_TRY(table_alias(p, start, rel));
    if (around->kind == CH_REL_SAMPLE)
        ((ch_rel_sample *)around)->input = *rel;
    else
        ((ch_rel_limit *)around)->input = *rel;
    *rel = around;
    return CH_OK;
}

/* ---- one table ----------------------------------------------------------------------------- */

static bool starts_time_travel(const ch_sql_parser *p)
{
    switch (p->tok[p->at].keyword) {
    case CH_KW_FOR:
    case CH_KW_VERSION:
    case CH_KW_TIMESTAMP:
    case CH_KW_SYSTEM_TIME:
    case CH_KW_SYSTEM_VERSION:
        return ch_sql_starts_clause(p);
    default:
        return false;
    }
}

static ch_status named_table(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_str_list parts = {0};
    ch_rel_read_named_table *t;
    CH_TRY(ch_sql_names(p, &parts));
    if (ch_sql_is(p, '('))
        return table_function(p, &parts, start, out);
    CH_SQL_NEW(t, p, ch_sql_rel_new, CH_REL_READ_NAMED_TABLE, start);
    t->parts = parts;
    *out = &t->head;
    if (starts_time_travel(p)) {
        while (!ch_sql_is(p, CH_TOK_EOF) && !ch_sql_is_kw(p, CH_KW_AS))
            p->at++;
        p->at += 2;
        if (p->at >= p->n || ch_sql_is(p, CH_TOK_EOF)) {
            p->at = p->n - 1;
            return ch_sql_unexpected(p);
        }
        return ch_sql_unsupported(p, start, "Time travel");
    }
    return sampled_alias(p, start, out);
}

static ch_status primary(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    if (ch_sql_is_kw(p, CH_KW_VALUES) && ch_sql_starts_query(p, 0))
        return ch_sql_values(p, out);
    if (!ch_sql_is(p, '(')) {
        if (ch_sql_is_name(p, 0))
            return named_table(p, out);
        bool one = (ch_sql_is_string(p, 0) || ch_sql_is_number(p, 0)) &&
                   ch_sql_peek(p, 1)->kind == CH_TOK_EOF;
        return one ? ch_sql_extra(p) : ch_sql_unexpected(p);
    }
    if (ch_sql_starts_query(p, 1)) {
        p->at++;
        CH_TRY(ch_sql_query(p, out));
    } else {
        p->at++;
        CH_SQL_DEEPER(p);
        CH_TRY(parse_relation(p, NULL, ch_sql_here(p), out));
        p->depth--;
    }
    CH_TRY(ch_sql_expect(p, ')'));
    return sampled_alias(p, start, out);
}

/* ---- joins --------------------------------------------------------------------------------- */

/* The words of a join's type, up to JOIN; false: no join begins here. */
static bool join_type(const ch_sql_parser *p, int32_t ahead, ch_join_type *type, int32_t *words)
{
    bool outer = ch_sql_peek_kw(p, ahead + 1, CH_KW_OUTER);
    *words = 1 + outer;
    switch (ch_sql_peek(p, ahead)->keyword) {
    case CH_KW_JOIN:
        *type = CH_JOIN_INNER;
        *words = 0;
        return true;
    case CH_KW_INNER:
        *type = CH_JOIN_INNER;
        *words = 1;
        return true;
    case CH_KW_CROSS:
        *type = CH_JOIN_CROSS;
        *words = 1;
        return true;
    case CH_KW_SEMI:
        *type = CH_JOIN_LEFT_SEMI;
        *words = 1;
        return true;
    case CH_KW_ANTI:
        *type = CH_JOIN_LEFT_ANTI;
        *words = 1;
        return true;
    case CH_KW_LEFT:
        *type = CH_JOIN_LEFT_OUTER;
        if (ch_sql_peek_kw(p, ahead + 1, CH_KW_SEMI) || ch_sql_peek_kw(p, ahead + 1, CH_KW_ANTI)) {
            *type =
                ch_sql_peek_kw(p, ahead + 1, CH_KW_SEMI) ? CH_JOIN_LEFT_SEMI : CH_JOIN_LEFT_ANTI;
            *words = 2;
        }
        return true;
    case CH_KW_RIGHT:
        *type = CH_JOIN_RIGHT_OUTER;
        return true;
    case CH_KW_FULL:
        *type = CH_JOIN_FULL_OUTER;
        return true;
    default:
        *words = 0;
        return false;
    }
}

static ch_status join_tail(ch_sql_parser *p, ch_rel_join *j)
{
    if (ch_sql_is_kw(p, CH_KW_ON)) {
        p->at++;
        return ch_sql_expr(p, &j->condition);
    }
    if (!ch_sql_is_kw(p, CH_KW_USING))
        return CH_OK;
    p->at++;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    return ch_sql_name_list(p, &j->using_columns);
}

/* LATERAL (query), LATERAL function(...) */
static bool starts_lateral(const ch_sql_parser *p)
{
    if (!ch_sql_is_kw(p, CH_KW_LATERAL))
        return false;
    int32_t at = 1;
    while (ch_sql_is_name(p, at) && ch_sql_peek(p, at + 1)->kind == '.')
        at += 2;
    return ch_sql_peek(p, 1)->kind == '(' ||
           (ch_sql_is_name(p, at) && ch_sql_peek(p, at + 1)->kind == '(' &&
            !ch_sql_peek_kw(p, 1, CH_KW_VIEW));
}

/* Any number of joins to the right of *left. */
static ch_status joins(ch_sql_parser *p, int32_t start, ch_rel **left)
{
    for (int32_t links = 0;; links++) {
        ch_join_type type = CH_JOIN_INNER;
        int32_t words;
        bool natural = ch_sql_is_kw(p, CH_KW_NATURAL);
        bool join = join_type(p, natural, &type, &words);
        if (!natural && !join)
            break;
        if (links > CH_SQL_MAX_HEIGHT / 2)
            return ch_sql_too_deep(p);
        p->at += natural + words;
        if (!ch_sql_is_kw(p, CH_KW_JOIN))
            return words == 1 && !natural && type != CH_JOIN_CROSS && type != CH_JOIN_INNER
                       ? ch_sql_unexpected(p)
                       : ch_sql_expect_kw(p, CH_KW_JOIN);
        p->at++;
        ch_rel_join *j;
        ch_rel *right;
        bool lateral = starts_lateral(p);
        p->at += lateral;
        CH_TRY(primary(p, &right));
        CH_SQL_NEW(j, p, ch_sql_rel_new, CH_REL_JOIN, start);
        j->left = *left;
        j->right = right;
        j->join_type = type;
        j->natural = natural;
        j->lateral = lateral;
        if (!natural)
            CH_TRY(join_tail(p, j));
        j->head.stop = p->tok[p->at - 1].stop;
        *left = &j->head;
    }
    return CH_OK;
}

/* ---- PIVOT, UNPIVOT ------------------------------------------------------------------------ */

/* (a, b) or a: columns */
static ch_status column_group(ch_sql_parser *p, ch_expr_list *out)
{
    bool list = ch_sql_accept(p, '(');
    do {
        ch_expr_unresolved_attribute *a;
        int32_t start = ch_sql_here(p);
        ch_str_list parts = {0};
        CH_TRY(ch_sql_names(p, &parts));
        CH_SQL_NEW(a, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_ATTRIBUTE, start);
        a->parts = parts;
        CH_TRY(ch_expr_list_add(p->arena, out, &a->head, p->err));
    } while (list && ch_sql_accept(p, ','));
    return list ? ch_sql_expect(p, ')') : CH_OK;
}

/* sum(x) [[AS] s] in front of FOR */
static ch_status pivot_aggregate(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr_alias *alias;
    const char *name;
    CH_TRY(ch_sql_expr(p, out));
    bool as = ch_sql_accept_kw(p, CH_KW_AS);
    if (!as && (!ch_sql_is_name(p, 0) || ch_sql_is_kw(p, CH_KW_FOR)))
        return CH_OK;
    CH_TRY(ch_sql_checked_name(p, &name));
    CH_SQL_NEW(alias, p, ch_sql_expr_new, CH_EXPR_ALIAS, start);
    alias->child = *out;
    CH_TRY(ch_str_list_add(p->arena, &alias->names, name, p->err));
    *out = &alias->head;
    return CH_OK;
}

/* PIVOT (sum(x) AS s, ... FOR a IN (1 AS one, 2)) */
static ch_status pivot(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    ch_rel_aggregate *g;
    ch_expr_list values = {0}, columns = {0}, aggregates = {0};
    p->at += 2;
    do {
        ch_expr *e;
        CH_TRY(pivot_aggregate(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &aggregates, e, p->err));
    } while (ch_sql_accept(p, ','));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_FOR));
    CH_TRY(column_group(p, &columns));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_IN));
    CH_TRY(ch_sql_expect(p, '('));
    do {
        ch_expr *e;
        CH_TRY(ch_sql_named_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &values, e, p->err));
    } while (ch_sql_accept(p, ','));
    CH_TRY(ch_sql_close_list(p, values.n));
    CH_TRY(ch_sql_expect(p, ')'));
    CH_SQL_NEW(g, p, ch_sql_rel_new, CH_REL_AGGREGATE, start);
    g->input = *rel;
    g->group_type = CH_GROUP_PIVOT;
    g->aggregates = aggregates;
    g->pivot_columns = columns;
    g->pivot_values = values;
    g->from_sql = true;
    *rel = &g->head;
    return table_alias(p, start, rel);
}

/* UNPIVOT [INCLUDE | EXCLUDE NULLS] (value FOR name IN (a AS x, b)); groups of columns in parentheses */
static ch_status unpivot(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    ch_rel_unpivot *u;
    CH_SQL_NEW(u, p, ch_sql_rel_new, CH_REL_UNPIVOT, start);
    u->input = *rel;
    p->at++;
    if (ch_sql_is_kw(p, CH_KW_INCLUDE) || ch_sql_is_kw(p, CH_KW_EXCLUDE)) {
        u->include_nulls = ch_sql_is_kw(p, CH_KW_INCLUDE);
        p->at++;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_NULLS));
    }
    CH_TRY(ch_sql_expect(p, '('));
    if (ch_sql_is(p, '(')) {
        CH_TRY(ch_sql_name_list(p, &u->value_column_names));
    } else {
        const char *name;
        CH_TRY(ch_sql_checked_name(p, &name));
        CH_TRY(ch_str_list_add(p->arena, &u->value_column_names, name, p->err));
    }
    CH_TRY(ch_sql_expect_kw(p, CH_KW_FOR));
    CH_TRY(ch_sql_checked_name(p, &u->variable_column_name));
    CH_TRY(ch_sql_expect_kw(p, CH_KW_IN));
    CH_TRY(ch_sql_expect(p, '('));
    int32_t room = 0;
    do {
        const char *alias = "";
        if (u->n_rows == room) {
            ch_expr_list *more;
            room = room ? 2 * room : 8;
            CH_ARENA_ARRAY(more, p->arena, room, p->err);
            if (u->n_rows)
                memcpy(more, u->row, sizeof *more * (size_t)u->n_rows);
            u->row = more;
        }
        CH_TRY(column_group(p, &u->row[u->n_rows++]));
        bool as = ch_sql_accept_kw(p, CH_KW_AS);
        if (as || ch_sql_is_name(p, 0))
            CH_TRY(ch_sql_checked_name(p, &alias));
        CH_TRY(ch_str_list_add(p->arena, &u->aliases, alias, p->err));
    } while (ch_sql_accept(p, ','));
    CH_TRY(ch_sql_close_list(p, u->n_rows));
    CH_TRY(ch_sql_expect(p, ')'));
    u->head.stop = p->tok[p->at - 1].stop;
    *rel = &u->head;
    return table_alias(p, start, rel);
}

static bool starts_unpivot(const ch_sql_parser *p)
{
    return ch_sql_is_kw(p, CH_KW_UNPIVOT) &&
           (ch_sql_peek(p, 1)->kind == '(' ||
            (ch_sql_peek_kw(p, 2, CH_KW_NULLS) && ch_sql_peek(p, 3)->kind == '('));
}

static ch_status pivots(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    for (int32_t links = 0; links < CH_SQL_MAX_HEIGHT / 2; links++) {
        if (ch_sql_is_kw(p, CH_KW_PIVOT) && ch_sql_peek(p, 1)->kind == '(')
            CH_TRY(pivot(p, start, rel));
        else if (starts_unpivot(p))
            CH_TRY(unpivot(p, start, rel));
        else
            return CH_OK;
    }
    return ch_sql_too_deep(p);
}

/* [LATERAL] table, joined to `left` (or NULL) by a comma, and the joins behind it: a, b JOIN c joins
 * c to both. */
static ch_status parse_relation(ch_sql_parser *p, ch_rel *left, int32_t start, ch_rel **out)
{
    bool lateral = starts_lateral(p);
    p->at += lateral;
    CH_TRY(primary(p, out));
    if (left) {
        ch_rel_join *j;
        CH_SQL_NEW(j, p, ch_sql_rel_new, CH_REL_JOIN, start);
        j->left = left;
        j->right = *out;
        j->join_type = CH_JOIN_INNER;
        j->lateral = lateral;
        *out = &j->head;
    }
    for (const ch_rel *before = NULL; before != *out;) {
        before = *out;
        CH_TRY(joins(p, start, out));
        CH_TRY(pivots(p, start, out));
    }
    return CH_OK;
}

/* LATERAL VIEW [OUTER] generator(...) alias [[AS] a, b] */
static ch_status lateral_view(ch_sql_parser *p, int32_t start, ch_rel **rel)
{
    ch_rel_generate *g;
    ch_expr_unresolved_function *f;
    ch_str_list name = {0};
    p->at += 2;
    bool outer = ch_sql_is_kw(p, CH_KW_OUTER) && ch_sql_is_name(p, 1);
    p->at += outer;
    int32_t call = ch_sql_here(p);
    CH_TRY(ch_sql_names(p, &name));
    CH_TRY(ch_sql_expect(p, '('));
    ch_expr_list args = {0};
    if (!ch_sql_is(p, ')'))
        CH_TRY(ch_sql_expr_list(p, &args));
    CH_TRY(ch_sql_close_list(p, args.n));
    CH_SQL_NEW(f, p, ch_sql_expr_new, CH_EXPR_UNRESOLVED_FUNCTION, call);
    f->name = name.item[name.n - 1];
    f->args = args;
    CH_SQL_NEW(g, p, ch_sql_rel_new, CH_REL_GENERATE, start);
    g->input = *rel;
    g->generator = &f->head;
    g->outer = outer;
    *rel = &g->head;
    if (ch_sql_is(p, CH_TOK_EOF))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_checked_name(p, &g->alias));
    if (ch_sql_accept_kw(p, CH_KW_AS) || starts_alias(p)) {
        do {
            const char *column;
            CH_TRY(ch_sql_checked_name(p, &column));
            CH_TRY(ch_str_list_add(p->arena, &g->columns, column, p->err));
        } while (ch_sql_accept(p, ','));
    }
    g->head.stop = p->tok[p->at - 1].stop;
    return CH_OK;
}

ch_status ch_sql_relation_onto(ch_sql_parser *p, int32_t start, ch_rel **plan, bool *done)
{
    const ch_rel *before = *plan;
    if (ch_sql_is_kw(p, CH_KW_TABLESAMPLE) && ch_sql_peek(p, 1)->kind == '(')
        CH_TRY(sample(p, start, plan));
    CH_TRY(joins(p, start, plan));
    *done = *plan != before;
    return CH_OK;
}

ch_status ch_sql_from(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    CH_TRY(parse_relation(p, NULL, start, out));
    for (int32_t links = 0; ch_sql_accept(p, ','); links++) {
        if (links > CH_SQL_MAX_HEIGHT / 2)
            return ch_sql_too_deep(p);
        CH_TRY(parse_relation(p, *out, start, out));
    }
    for (int32_t views = 0; ch_sql_is_kw(p, CH_KW_LATERAL) && ch_sql_peek_kw(p, 1, CH_KW_VIEW);
         views++) {
        if (views > CH_SQL_MAX_HEIGHT / 2)
            return ch_sql_too_deep(p);
        CH_TRY(lateral_view(p, start, out));
    }
    CH_TRY(pivots(p, start, out));
    return CH_OK;
}
