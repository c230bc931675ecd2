/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parser_table_argument.c - tables as arguments of table functions.
 *
 *   [key =>] TABLE(t) | TABLE(query)
 *       [ { PARTITION | DISTRIBUTE } BY e | (e, ...) | WITH SINGLE PARTITION
 *         [ { ORDER | SORT } BY e | (e, ...) ] ]
 */
#include "plan/print.h"
#include "sql/parser.h"

/* TABLE alone is a name like another. */
static bool starts_table(const ch_sql_parser *p, int32_t ahead)
{
    if (!ch_sql_peek_kw(p, ahead, CH_KW_TABLE))
        return false;
    return ch_sql_peek(p, ahead + 1)->kind == '(' || ch_sql_is_name(p, ahead + 1);
}

static ch_status named(ch_sql_parser *p, ch_rel **out)
{
    int32_t start = ch_sql_here(p);
    ch_rel_read_named_table *t;
    ch_str_list parts = {0};
    CH_TRY(ch_sql_names(p, &parts));
    CH_SQL_NEW(t, p, ch_sql_rel_new, CH_REL_READ_NAMED_TABLE, start);
    t->parts = parts;
    *out = &t->head;
    return CH_OK;
}

static ch_status source(ch_sql_parser *p, int32_t start, ch_rel **out)
{
    if (!ch_sql_accept(p, '(')) {
        CH_TRY(named(p, out));
        const ch_str_list *parts = &((const ch_rel_read_named_table *)*out)->parts;
        const char *name = ch_names_quoted(p->arena, parts, NULL);
        return ch_sql_at(p, start, p->tok[p->at - 1].stop,
                         ch_error_set(p->err, CH_E_TABLE_ARGUMENT_PARENTHESES, "argumentName",
                                      name ? name : "", (const char *)0));
    }
    CH_SQL_DEEPER(p);
    CH_TRY(ch_sql_starts_query(p, 0) ? ch_sql_query(p, out) : named(p, out));
    p->depth--;
    return ch_sql_expect(p, ')');
}

/* Of several without parentheses nobody knows which are arguments. */
static ch_status one_only(ch_sql_parser *p, int32_t start, const char *clause)
{
    if (!ch_sql_is(p, ',') || ch_sql_peek(p, 1)->kind == CH_TOK_FAT_ARROW || starts_table(p, 1) ||
        ch_sql_peek(p, 2)->kind == CH_TOK_FAT_ARROW)
        return CH_OK;
    return ch_sql_at(
        p, start, p->tok[p->at].stop,
        ch_error_set(p->err, CH_E_TABLE_ARGUMENT_PARTITIONING, "clause", clause, (const char *)0));
}

static ch_status partition_by(ch_sql_parser *p, int32_t start, ch_expr_list *out)
{
    ch_expr *e;
    p->at += 2;
    if (ch_sql_is(p, '(') && !ch_sql_starts_query(p, 1)) {
        p->at++;
        CH_TRY(ch_sql_expr_list(p, out));
        return ch_sql_expect(p, ')');
    }
    CH_TRY(ch_sql_expr(p, &e));
    CH_TRY(ch_expr_list_add(p->arena, out, e, p->err));
    return one_only(p, start, "PARTITION BY");
}

static ch_status order_by(ch_sql_parser *p, int32_t start, ch_expr_list *out)
{
    ch_expr *e;
    p->at += 2;
    if (ch_sql_is(p, '(') && !ch_sql_starts_query(p, 1)) {
        p->at++;
        CH_TRY(ch_sql_sort_items(p, out));
        return ch_sql_expect(p, ')');
    }
    CH_TRY(ch_sql_sort_item(p, &e));
    CH_TRY(ch_expr_list_add(p->arena, out, e, p->err));
    return one_only(p, start, "ORDER BY");
}

static ch_status table_argument(ch_sql_parser *p, ch_expr **out)
{
    int32_t start = ch_sql_here(p);
    ch_expr_subquery *s;
    ch_rel *plan;
    ch_expr_list partition = {0}, order = {0};
    bool single = false;
    p->at++;
    CH_TRY(source(p, start, &plan));
    if ((ch_sql_is_kw(p, CH_KW_PARTITION) || ch_sql_is_kw(p, CH_KW_DISTRIBUTE)) &&
        ch_sql_peek_kw(p, 1, CH_KW_BY)) {
        CH_TRY(partition_by(p, start, &partition));
    } else if (ch_sql_is_kw(p, CH_KW_WITH) && ch_sql_peek_kw(p, 1, CH_KW_SINGLE)) {
        p->at += 2;
        single = true;
        CH_TRY(ch_sql_expect_kw(p, CH_KW_PARTITION));
    }
    if ((single || partition.n) && (ch_sql_is_kw(p, CH_KW_ORDER) || ch_sql_is_kw(p, CH_KW_SORT)) &&
        ch_sql_peek_kw(p, 1, CH_KW_BY))
        CH_TRY(order_by(p, start, &order));
    CH_SQL_NEW(s, p, ch_sql_expr_new, CH_EXPR_SUBQUERY, start);
    s->subquery_kind = CH_SUBQUERY_TABLE;
    s->plan = plan;
    s->partition = partition;
    s->order = order;
    s->is_single = single;
    *out = &s->head;
    return CH_OK;
}

ch_status ch_sql_table_function_argument(ch_sql_parser *p, ch_expr **out)
{
    bool key = ch_sql_is_name(p, 0) && ch_sql_peek(p, 1)->kind == CH_TOK_FAT_ARROW;
    int32_t start = ch_sql_here(p);
    ch_expr_named_argument *arg;
    const char *name;
    ch_expr *value;
    if (!key && starts_table(p, 0))
        return table_argument(p, out);
    if (!key || !starts_table(p, 2))
        return ch_sql_argument(p, false, out);
    CH_TRY(ch_sql_name(p, &name));
    p->at++;
    CH_TRY(table_argument(p, &value));
    CH_SQL_NEW(arg, p, ch_sql_expr_new, CH_EXPR_NAMED_ARGUMENT, start);
    arg->key = name;
    arg->value = value;
    *out = &arg->head;
    return CH_OK;
}
