/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_query.c - queries: WITH, set operations, SELECT with its clauses, ORDER BY .. OFFSET.
 *
 * A SELECT becomes, from the inside out: FROM, Filter, Project or Aggregate, Filter of HAVING,
 * Deduplicate, Hint; then around the whole term Repartition, Sort, Offset, Limit.
 */
#include "sql/parser_ddl.h"

#include <stdlib.h>
#include <strings.h>

/* ---- sort orders --------------------------------------------------------------- */

ch_status ch_sql_sort_item(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr *child;
    CH_TRY(ch_sql_expr(p, &child));
    bool descending = ch_sql_accept_kw(p, CH_KW_DESC);
    if (!descending)
        ch_sql_accept_kw(p, CH_KW_ASC);
    bool nulls_first = !descending;
    if (ch_sql_is_kw(p, CH_KW_NULLS)) {
        p->at++;
        nulls_first = ch_sql_is_kw(p, CH_KW_FIRST);
        if (!nulls_first && !ch_sql_is_kw(p, CH_KW_LAST))
            return ch_sql_unexpected(p);
        p->at++;
    }
    ch_expr_sort_order *s;
    CH_SQL_NEW(s, p, ch_sql_expr_new, CH_EXPR_SORT_ORDER, start);
    s->child = child;
    s->descending = descending;
    s->nulls_first = nulls_first;
    *out = &s->head;
    return CH_OK;
}

ch_status ch_sql_sort_items(ch_sql_parser *p, ch_expr_list *out)
{
    do {
        ch_expr *e;
        CH_TRY(ch_sql_sort_item(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, out, e, p->err));
    } while (ch_sql_accept(p, ','));
    return CH_OK;
}

/* ---- GROUP BY ------------------------------------------------------------------------------ */

/* GROUPING SETS as lists of expressions, before they become positions in `grouping`. */
typedef struct set_list {
    ch_expr_list *item;
    int32_t n, cap;
} set_list;

static ch_status add_set(ch_sql_parser *p, set_list *sets, ch_expr_list set)
{
    if (sets->n == sets->cap) {
        ch_expr_list *more = NULL;
        sets->cap = sets->cap ? 2 * sets->cap : 8;
        if (sets->cap > 1 << 16)
            return ch_sql_too_deep(p);
        CH_ARENA_ARRAY(more, p->arena, sets->cap, p->err);
        if (sets->n)
            memcpy(more, sets->item, sizeof *more * (size_t)sets->n);
        sets->item = more;
    }
    sets->item[sets->n++] = set;
    return CH_OK;
}

static ch_status append(ch_sql_parser *p, ch_expr_list *to, const ch_expr_list *from)
{
    for (int32_t i = 0; i < from->n; i++)
        CH_TRY(ch_expr_list_add(p->arena, to, from->item[i], p->err));
    return CH_OK;
}

/* a, (a, b), or () */
static ch_status grouping_set(ch_sql_parser *p, ch_expr_list *out)
{
    if (ch_sql_is(p, '(') && ch_sql_peek(p, 1)->kind == ')') {
        p->at += 2;
        return CH_OK;
    }
    ch_expr *e;
    CH_TRY(ch_sql_expr(p, &e));
    ch_expr_unresolved_function *f = (ch_expr_unresolved_function *)e;
    if (e->kind == CH_EXPR_UNRESOLVED_FUNCTION && f->is_infix && strcmp(f->name, "struct") == 0)
        return append(p, out, &f->args); /* (a, b) was read as a row */
    return ch_expr_list_add(p->arena, out, e, p->err);
}

/* ROLLUP(a, b): (a, b), (a), (); CUBE(a, b): all subsets. */
static ch_status expand(ch_sql_parser *p, bool cube, const set_list *of, set_list *out)
{
    if (cube && of->n > 12)
        return ch_sql_too_deep(p);
    for (int32_t k = 0; k < (cube ? 1 << of->n : of->n + 1); k++) {
        ch_expr_list set = {0};
        for (int32_t i = 0; i < of->n; i++)
            if (cube ? !(k >> (of->n - 1 - i) & 1) : i < of->n - k)
                CH_TRY(append(p, &set, &of->item[i]));
        CH_TRY(add_set(p, out, set));
    }
    return CH_OK;
}

static bool starts_grouping_sets(const ch_sql_parser *p)
{
    return ch_sql_is_kw(p, CH_KW_GROUPING) && ch_sql_peek_kw(p, 1, CH_KW_SETS) &&
           ch_sql_peek(p, 2)->kind == '(';
}

static bool starts_grouping(const ch_sql_parser *p)
{
    return starts_grouping_sets(p) ||
           ((ch_sql_is_kw(p, CH_KW_ROLLUP) || ch_sql_is_kw(p, CH_KW_CUBE)) &&
            ch_sql_peek(p, 1)->kind == '(');
}

/* ROLLUP (...), CUBE (...), GROUPING SETS (...): the sets that they stand for. */
static ch_status grouping(ch_sql_parser *p, set_list *out)
{
    bool sets = starts_grouping_sets(p), cube = ch_sql_is_kw(p, CH_KW_CUBE);
    set_list inner = {0};
    CH_SQL_DEEPER(p);
    p->at += sets ? 3 : 2;
    int32_t n = 0;
    do {
        ch_expr_list set = {0};
        n++;
        if (sets && starts_grouping(p)) {
            CH_TRY(grouping(p, out));
            continue;
        }
        CH_TRY(grouping_set(p, &set));
        CH_TRY(add_set(p, sets ? out : &inner, set));
    } while (ch_sql_accept(p, ','));
    CH_TRY(ch_sql_close_list(p, n));
    p->depth--;
    return sets ? CH_OK : expand(p, cube, &inner, out);
}

/* Each set of a with each of b. */
static ch_status cross(ch_sql_parser *p, const set_list *a, const set_list *b, set_list *out)
{
    set_list product = {0};
    for (int32_t i = 0; i < a->n; i++)
        for (int32_t j = 0; j < b->n; j++) {
            ch_expr_list set = {0};
            CH_TRY(append(p, &set, &a->item[i]));
            CH_TRY(append(p, &set, &b->item[j]));
            CH_TRY(add_set(p, &product, set));
        }
    *out = product;
    return CH_OK;
}

static ch_status position_of(ch_sql_parser *p, ch_expr_list *list, ch_expr *e, int32_t *out)
{
    for (*out = 0; *out < list->n; ++*out)
        if (ch_expr_equal(list->item[*out], e))
            return CH_OK;
    return ch_expr_list_add(p->arena, list, e, p->err);
}

static ch_status store_sets(ch_sql_parser *p, ch_rel_aggregate *agg, const set_list *sets)
{
    agg->group_type = CH_GROUP_SETS;
    agg->n_sets = sets->n;
    CH_ARENA_ARRAY(agg->sets, p->arena, sets->n, p->err);
    CH_ARENA_ARRAY(agg->set_len, p->arena, sets->n, p->err);
    for (int32_t i = 0; i < sets->n; i++) {
        const ch_expr_list *set = &sets->item[i];
        CH_ARENA_ARRAY(agg->sets[i], p->arena, set->n, p->err);
        for (int32_t j = 0; j < set->n; j++) {
            int32_t position;
            CH_TRY(position_of(p, &agg->grouping, set->item[j], &position));
            bool known = false;
            for (int32_t k = 0; k < agg->set_len[i]; k++)
                known |= agg->sets[i][k] == position;
            if (!known)
                agg->sets[i][agg->set_len[i]++] = position;
        }
    }
    return CH_OK;
}

static bool is_name_all(const ch_expr *e)
{
    const ch_expr_unresolved_attribute *a = (const ch_expr_unresolved_attribute *)e;
    return e->kind == CH_EXPR_UNRESOLVED_ATTRIBUTE && a->parts.n == 1 &&
           strcasecmp(a->parts.item[0], "all") == 0;
}

/* GROUP BY a, b WITH ROLLUP | WITH CUBE | GROUPING SETS (...), Hive's way. */
static ch_status hive_grouping(ch_sql_parser *p, const ch_expr_list *all, set_list *out,
                               bool *found)
{
    bool cube = ch_sql_peek_kw(p, 1, CH_KW_CUBE);
    *found = true;
    if (starts_grouping_sets(p))
        return grouping(p, out);
    *found = ch_sql_is_kw(p, CH_KW_WITH) && (cube || ch_sql_peek_kw(p, 1, CH_KW_ROLLUP));
    if (!*found)
        return CH_OK;
    set_list columns = {0};
    p->at += 2;
    for (int32_t i = 0; i < all->n; i++) {
        ch_expr_list one = {0};
        CH_TRY(ch_expr_list_add(p->arena, &one, all->item[i], p->err));
        CH_TRY(add_set(p, &columns, one));
    }
    return expand(p, cube, &columns, out);
}

/* Behind GROUP BY. Analytics become explicit sets: those of all items, each with each. */
static ch_status group_by(ch_sql_parser *p, ch_rel_aggregate *agg)
{
    set_list product = {0};
    bool plain = true;
    CH_TRY(add_set(p, &product, (ch_expr_list){0}));
    do {
        set_list item = {0};
        if (starts_grouping(p)) {
            plain = false;
            CH_TRY(grouping(p, &item));
        } else {
            ch_expr *e;
            ch_expr_list one = {0};
            CH_TRY(ch_sql_expr(p, &e));
            CH_TRY(ch_expr_list_add(p->arena, &agg->grouping, e, p->err));
            CH_TRY(ch_expr_list_add(p->arena, &one, e, p->err));
            CH_TRY(add_set(p, &item, one));
        }
        CH_TRY(cross(p, &product, &item, &product));
    } while (ch_sql_accept(p, ','));
    if (plain) {
        bool hive;
        set_list sets = {0};
        CH_TRY(hive_grouping(p, &agg->grouping, &sets, &hive));
        if (hive)
            return store_sets(p, agg, &sets);
        if (agg->grouping.n == 1 && is_name_all(agg->grouping.item[0])) {
            agg->group_type = CH_GROUP_ALL;
            agg->grouping.n = 0;
        }
        return CH_OK;
    }
    agg->grouping = (ch_expr_list){0};
    return store_sets(p, agg, &product);
}

/* ---- SELECT -------------------------------------------------------------------------------- */

typedef struct hint_list {
    ch_rel_hint *item[16];
    int n;
} hint_list;

static ch_status parse_hint(ch_sql_parser *p, hint_list *out)
{
    int32_t start = ch_sql_here(p);
    ch_rel_hint *hint;
    const char *name;
    ch_expr_list parameters = {0};
    CH_TRY(ch_sql_name(p, &name));
    if (ch_sql_accept(p, '(')) {
        do {
            ch_expr *e;
            CH_TRY(ch_sql_primary(p, &e));
            CH_TRY(ch_expr_list_add(p->arena, &parameters, e, p->err));
        } while (ch_sql_accept(p, ','));
        CH_TRY(ch_sql_close_list(p, parameters.n));
    }
    CH_SQL_NEW(hint, p, ch_sql_rel_new, CH_REL_HINT, start);
    hint->name = name;
    hint->parameters = parameters;
    if (out->n < 16)
        out->item[out->n++] = hint;
    return CH_OK;
}

/* Any number of hint comments */
static ch_status hints(ch_sql_parser *p, hint_list *out)
{
    while (ch_sql_accept(p, CH_TOK_HINT_START)) {
        do {
            CH_TRY(parse_hint(p, out));
            ch_sql_accept(p, ',');
        } while (ch_sql_is_name(p, 0));
        if (!ch_sql_accept(p, CH_TOK_HINT_END))
            return ch_sql_unexpected(p);
    }
    return CH_OK;
}

static ch_status filter(ch_sql_parser *p, bool is_having, int32_t start, ch_rel **plan)
{
    ch_rel_filter *f;
    ch_expr *condition;
    p->at++;
    CH_TRY(ch_sql_expr(p, &condition));
    CH_SQL_NEW(f, p, ch_sql_rel_new, CH_REL_FILTER, start);
    f->input = *plan;
    f->condition = condition;
    f->is_having = is_having;
    *plan = &f->head;
    return CH_OK;
}

static bool is_clause(const ch_sql_parser *p, ch_keyword keyword)
{
    return ch_sql_is_kw(p, keyword) && ch_sql_starts_clause(p);
}

/* Project or Aggregate, and HAVING: from behind WHERE. */
static ch_status select_output(ch_sql_parser *p, ch_expr_list items, int32_t start, ch_rel **plan)
{
    bool grouped = is_clause(p, CH_KW_GROUP);
    ch_rel_aggregate *agg = NULL;
    if (grouped) {
        CH_SQL_NEW(agg, p, ch_sql_rel_new, CH_REL_AGGREGATE, start);
        p->at += 2;
        CH_TRY(group_by(p, agg));
    } else if (is_clause(p, CH_KW_HAVING)) {
        CH_SQL_NEW(agg, p, ch_sql_rel_new, CH_REL_AGGREGATE, start);
    }
    if (agg) {
        agg->head.stop = p->tok[p->at - 1].stop;
        agg->input = *plan;
        agg->aggregates = items;
        agg->from_sql = true;
        *plan = &agg->head;
        return is_clause(p, CH_KW_HAVING) ? filter(p, true, start, plan) : CH_OK;
    }
    ch_rel_project *project;
    CH_SQL_NEW(project, p, ch_sql_rel_new, CH_REL_PROJECT, start);
    project->input = *plan;
    project->expressions = items;
    *plan = &project->head;
    return CH_OK;
}

/* QUALIFY and WINDOW, in any order. */
static ch_status qualify(ch_sql_parser *p, int32_t first_window, int32_t start, ch_rel **plan)
{
    int32_t window = -1;
    bool done = false;
    for (;;) {
        if (window < 0 && is_clause(p, CH_KW_WINDOW)) {
            window = p->at;
            CH_TRY(ch_sql_window_clause(p, first_window));
        } else if (!done && is_clause(p, CH_KW_QUALIFY)) {
            CH_TRY(filter(p, false, start, plan));
            ((ch_rel_filter *)*plan)->is_qualify = done = true;
        } else {
            break;
        }
    }
    if (window < 0 || !done)
        return CH_OK;
    int32_t at = p->at; /* the windows of a QUALIFY that came later are specified, too */
    p->at = window;
    CH_TRY(ch_sql_window_clause(p, first_window));
    p->at = at;
    return CH_OK;
}

/* SELECT ... up to WINDOW; with `from` the FROM clause was in front: FROM t SELECT a. */
/* TRANSFORM (...) USING 'a command': rows through a script, and not the function of that name. */
static bool starts_script(const ch_sql_parser *p)
{
    const ch_token *open = ch_sql_peek(p, 1);
    return ch_sql_is_word(p, 0, "TRANSFORM") && open->kind == '(' && open->match > 0 &&
           p->tok[open->match + 1].keyword == CH_KW_USING;
}

static ch_status parse_select(ch_sql_parser *p, ch_rel *from, ch_rel **out)
{
    int32_t start = ch_sql_here(p), first_window = p->windows.n;
    hint_list hint = {.n = 0};
    ch_expr_list items = {0};
    p->at++;
    if (starts_script(p))
        return ch_sql_unsupported(p, start, "TRANSFORM ... USING, rows through a script,");
    CH_TRY(hints(p, &hint));
    bool distinct = ch_sql_is_kw(p, CH_KW_DISTINCT) && ch_sql_starts_expr(p, 1);
    bool all = ch_sql_is_kw(p, CH_KW_ALL) && ch_sql_starts_expr(p, 1);
    p->at += distinct || all;
    do {
        ch_expr *e;
        CH_TRY(ch_sql_named_expr(p, &e));
        CH_TRY(ch_expr_list_add(p->arena, &items, e, p->err));
    } while (ch_sql_accept(p, ','));
    if (from) {
        *out = from;
    } else if (is_clause(p, CH_KW_FROM)) {
        p->at++;
        CH_TRY(ch_sql_from(p, out));
    } else {
        CH_SQL_NEW(*out, p, ch_sql_rel_new, CH_REL_ONE_ROW, start);
    }
    if (is_clause(p, CH_KW_WHERE))
        CH_TRY(filter(p, false, start, out));
    CH_TRY(select_output(p, items, start, out));
    CH_TRY(qualify(p, first_window, start, out));
    p->windows.n = first_window;
    if (distinct) {
        ch_rel_deduplicate *d;
        CH_SQL_NEW(d, p, ch_sql_rel_new, CH_REL_DEDUPLICATE, start);
        d->input = *out;
        d->all_columns_as_keys = true;
        *out = &d->head;
    }
    while (hint.n) {
        ch_rel_hint *h = hint.item[--hint.n];
        h->input = *out;
        *out = &h->head;
    }
    return CH_OK;
}

/* ---- terms and set operations -------------------------------------------------------------- */

static ch_status query_primary(ch_sql_parser *p, ch_rel **out)
{
    switch (p->tok[p->at].keyword) {
    case CH_KW_SELECT:
        return parse_select(p, NULL, out);
    case CH_KW_VALUES:
        return ch_sql_values(p, out);
    case CH_KW_TABLE: {
        int32_t start = ch_sql_here(p);
        ch_rel_read_named_table *t;
        ch_str_list parts = {0};
        p->at++;
        CH_TRY(ch_sql_names(p, &parts));
        CH_SQL_NEW(t, p, ch_sql_rel_new, CH_REL_READ_NAMED_TABLE, start);
        t->parts = parts;
        *out = &t->head;
        return CH_OK;
    }
    case CH_KW_FROM: {
        ch_rel *from;
        p->at++;
        CH_TRY(ch_sql_from(p, &from));
        *out = from;
        return ch_sql_is_kw(p, CH_KW_SELECT) ? parse_select(p, from, out) : CH_OK;
    }
    default:
        break;
    }
    if (!ch_sql_accept(p, '('))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_query(p, out));
    return ch_sql_expect(p, ')');
}

static bool set_operator(const ch_sql_parser *p, bool intersect, ch_set_op *op)
{
    switch (p->tok[p->at].keyword) {
    case CH_KW_INTERSECT:
        *op = CH_SET_INTERSECT;
        return intersect;
    case CH_KW_UNION:
        *op = CH_SET_UNION;
        return !intersect;
    case CH_KW_EXCEPT:
    case CH_KW_MINUS:
        *op = CH_SET_EXCEPT;
        return !intersect;
    default:
        return false;
    }
}

/* INTERSECT binds tighter than UNION and EXCEPT; all lean left. */
static ch_status query_term(ch_sql_parser *p, bool intersect, ch_rel **out)
{
    int32_t start = ch_sql_here(p), links = 0;
    ch_set_op op;
    CH_TRY(intersect ? query_primary(p, out) : query_term(p, true, out));
    while (set_operator(p, intersect, &op)) {
        ch_rel_set_operation *s;
        ch_rel *right;
        if (++links > CH_SQL_MAX_HEIGHT / 2)
            return ch_sql_too_deep(p);
        p->at++;
        bool all = ch_sql_accept_kw(p, CH_KW_ALL);
        if (!all)
            ch_sql_accept_kw(p, CH_KW_DISTINCT);
        CH_TRY(intersect ? query_primary(p, &right) : query_term(p, true, &right));
        CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SET_OPERATION, start);
        s->left = *out;
        s->right = right;
        s->op = op;
        s->is_all = all;
        *out = &s->head;
    }
    return CH_OK;
}

/* ---- ORDER BY .. OFFSET -------------------------------------------------------------------- */

static ch_status sort(ch_sql_parser *p, bool is_global, int32_t start, ch_rel **plan)
{
    ch_rel_sort *s;
    ch_expr_list order = {0};
    p->at += 2;
    CH_TRY(ch_sql_sort_items(p, &order));
    CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SORT, start);
    s->input = *plan;
    s->order = order;
    s->is_global = is_global;
    *plan = &s->head;
    return CH_OK;
}

static ch_status repartition(ch_sql_parser *p, const ch_expr_list *by, int32_t start, ch_rel **plan)
{
    ch_rel_repartition *r;
    CH_SQL_NEW(r, p, ch_sql_rel_new, CH_REL_REPARTITION, start);
    r->input = *plan;
    r->expressions = *by;
    r->shuffle = true;
    *plan = &r->head;
    return CH_OK;
}

/* DISTRIBUTE BY a, or CLUSTER BY a, which sorts by a too. */
static ch_status distribute(ch_sql_parser *p, bool and_sort, int32_t start, ch_rel **plan)
{
    ch_expr_list by = {0};
    p->at += 2;
    CH_TRY(ch_sql_expr_list(p, &by));
    CH_TRY(repartition(p, &by, start, plan));
    if (!and_sort)
        return CH_OK;
    ch_rel_sort *s;
    CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SORT, start);
    s->input = *plan;
    for (int32_t i = 0; i < by.n; i++) {
        ch_expr_sort_order *o;
        CH_SQL_NEW(o, p, ch_sql_expr_new, CH_EXPR_SORT_ORDER, by.item[i]->start);
        o->child = by.item[i];
        o->nulls_first = true;
        CH_TRY(ch_expr_list_add(p->arena, &s->order, &o->head, p->err));
    }
    *plan = &s->head;
    return CH_OK;
}

static ch_status limit_offset(ch_sql_parser *p, int32_t start, ch_rel **plan)
{
    ch_expr *limit = NULL, *skip = NULL;
    if (is_clause(p, CH_KW_LIMIT)) {
        p->at++;
        bool all = ch_sql_is_kw(p, CH_KW_ALL) && !ch_sql_starts_expr(p, 1);
        all |= ch_sql_is_kw(p, CH_KW_ALL) && ch_sql_peek_kw(p, 1, CH_KW_OFFSET);
        if (all)
            p->at++;
        else
            CH_TRY(ch_sql_expr(p, &limit));
    }
    if (is_clause(p, CH_KW_OFFSET)) {
        p->at++;
        CH_TRY(ch_sql_expr(p, &skip));
    }
    if (skip) {
        ch_rel_offset *o;
        CH_SQL_NEW(o, p, ch_sql_rel_new, CH_REL_OFFSET, start);
        o->input = *plan;
        o->expr = skip;
        *plan = &o->head;
    }
    if (limit) {
        ch_rel_limit *l;
        CH_SQL_NEW(l, p, ch_sql_rel_new, CH_REL_LIMIT, start);
        l->input = *plan;
        l->expr = limit;
        *plan = &l->head;
    }
    return CH_OK;
}

ch_status ch_sql_organize(ch_sql_parser *p, int32_t start, bool limits, ch_rel **plan)
{
    if (is_clause(p, CH_KW_ORDER))
        CH_TRY(sort(p, true, start, plan));
    if (is_clause(p, CH_KW_CLUSTER))
        CH_TRY(distribute(p, true, start, plan));
    if (is_clause(p, CH_KW_DISTRIBUTE))
        CH_TRY(distribute(p, false, start, plan));
    if (is_clause(p, CH_KW_SORT))
        CH_TRY(sort(p, false, start, plan));
    return limits ? limit_offset(p, start, plan) : CH_OK;
}

ch_status ch_sql_set_onto(ch_sql_parser *p, int32_t start, ch_rel **plan, bool *done)
{
    ch_set_op op;
    ch_rel *right;
    ch_rel_set_operation *s;
    *done = set_operator(p, true, &op) || set_operator(p, false, &op);
    if (!*done)
        return CH_OK;
    p->at++;
    bool all = ch_sql_accept_kw(p, CH_KW_ALL);
    if (!all)
        ch_sql_accept_kw(p, CH_KW_DISTINCT);
    CH_TRY(query_primary(p, &right));
    CH_SQL_NEW(s, p, ch_sql_rel_new, CH_REL_SET_OPERATION, start);
    s->left = *plan;
    s->right = right;
    s->op = op;
    s->is_all = all;
    *plan = &s->head;
    return CH_OK;
}

/* ---- WITH ---------------------------------------------------------------------------------- */

/* name [(columns)] [AS] (query) */
static ch_status named_query(ch_sql_parser *p, ch_rel_with *with)
{
    int32_t start = ch_sql_here(p);
    const char *name;
    ch_str_list columns = {0};
    ch_rel *query;
    ch_rel_subquery_alias *alias;
    CH_TRY(ch_sql_checked_name(p, &name));
    if (ch_sql_is(p, '(') && !ch_sql_starts_query(p, 1))
        CH_TRY(ch_sql_name_list(p, &columns));
    int64_t max_level = 0;
    if (ch_sql_is_kw(p, CH_KW_MAX) && ch_sql_peek_kw(p, 1, CH_KW_RECURSION)) {
        p->at += 2;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_LEVEL));
        const ch_token *level = &p->tok[p->at];
        if (level->kind != CH_TOK_INTEGER)
            return ch_sql_unexpected(p);
        max_level = strtoll(p->text + level->start, NULL, 10);
        p->at++;
        if (!with->recursive)
            return ch_sql_at(
                p, start, ch_sql_here(p),
                ch_error_set(p->err, CH_E_MAX_RECURSION_WITHOUT_RECURSIVE, "message",
                             "Cannot specify MAX RECURSION LEVEL when the CTE is not marked as "
                             "RECURSIVE",
                             (const char *)0));
    }
    ch_sql_accept_kw(p, CH_KW_AS);
    if (!ch_sql_accept(p, '('))
        return ch_sql_unexpected(p);
    CH_TRY(ch_sql_query(p, &query));
    if (!ch_sql_accept(p, ')'))
        return ch_sql_unexpected(p);
    CH_SQL_NEW(alias, p, ch_sql_rel_new, CH_REL_SUBQUERY_ALIAS, start);
    alias->input = query;
    alias->alias = name;
    alias->columns = columns;
    alias->max_level = max_level;
    return ch_rel_list_add(p->arena, &with->ctes, &alias->head, p->err);
}

static ch_status check_cte_names(ch_sql_parser *p, const ch_rel_with *with)
{
    for (int32_t i = 0; i < with->ctes.n; i++)
        for (int32_t j = 0; j < i; j++) {
            const char *a = ((ch_rel_subquery_alias *)with->ctes.item[i])->alias;
            const char *b = ((ch_rel_subquery_alias *)with->ctes.item[j])->alias;
            if (strcasecmp(a, b) == 0)
                return ch_sql_at(p, with->head.start, ch_sql_here(p),
                                 ch_error_set(p->err, CH_E_DUPLICATED_CTE_NAMES, "duplicateNames",
                                              ch_arena_printf(p->arena, NULL, "`%s`", a),
                                              (const char *)0));
        }
    return CH_OK;
}

static ch_status parse_query(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_rel_with *with = NULL;
    if (ch_sql_is_kw(p, CH_KW_WITH)) {
        CH_SQL_NEW(with, p, ch_sql_rel_new, CH_REL_WITH, start);
        p->at++;
        if (ch_sql_is_kw(p, CH_KW_RECURSIVE) && ch_sql_is_name(p, 1) &&
            !ch_sql_peek_kw(p, 1, CH_KW_AS)) {
            with->recursive = true;
            p->at++;
        }
        do
            CH_TRY(named_query(p, with));
        while (ch_sql_accept(p, ','));
        if (p->depth == 1 && ch_sql_is_kw(p, CH_KW_INSERT)) {
            CH_TRY(check_cte_names(p, with));
            return ch_sql_insert_with(p, with, out);
        }
    }
    CH_TRY(query_term(p, false, out));
    if (ch_sql_is(p, CH_TOK_PIPE))
        CH_TRY(ch_sql_pipes(p, start, out));
    CH_TRY(ch_sql_organize(p, start, true, out));
    if (with) {
        CH_TRY(check_cte_names(p, with));
        with->input = *out;
        with->head.stop = p->tok[p->at - 1].stop;
        *out = &with->head;
    }
    return CH_OK;
}

ch_status ch_sql_query(ch_sql_parser *p, ch_rel **out)
{
    int32_t tallest = p->tallest;
    CH_SQL_DEEPER(p);
    CH_TRY(parse_query(p, out));
    p->depth--;
    p->tallest = tallest;
    return CH_OK;
}
