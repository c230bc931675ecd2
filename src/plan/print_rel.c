/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print_rel.c - relations as EXPLAIN EXTENDED draws them.
 *
 *   Project [a#1, (b#2L + 1) AS c#3L]
 *   +- Join Inner, (a#1 = d#4)
 *      :- Relation [a#1,b#2L] csv
 *      +- LocalRelation [d#4]
 *
 * An apostrophe before a name says that the node is not resolved yet.
 */
#include <string.h>

#include "plan/plan_command.h"
#include "plan/plan_python.h"
#include "plan/print.h"

/* One edge on the way from the root: is it the last of its parent's? */
typedef struct edge edge;
struct edge {
    const edge *up;
    bool last;
};

static ch_status draw(const ch_rel *rel, const edge *at, ch_rel_note note, ch_buf *out,
                      ch_error *err);

static ch_status expr(const ch_expr *e, ch_buf *out, ch_error *err)
{
    return ch_expr_print_as(e, CH_PRINT_TREE, NULL, out, err);
}

static ch_status exprs(const ch_expr_list *list, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "[", err));
    for (int32_t i = 0; i < list->n; i++) {
        if (i)
            CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(expr(list->item[i], out, err));
    }
    return ch_buf_adds(out, "]", err);
}

static ch_status strs(const ch_str_list *list, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "[", err));
    for (int32_t i = 0; i < list->n; i++) {
        if (i)
            CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(ch_buf_adds(out, list->item[i], err));
    }
    return ch_buf_adds(out, "]", err);
}

ch_status ch_attrs_print(const ch_attr_list *list, const char *between, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "[", err));
    for (int32_t i = 0; i < list->n; i++) {
        const ch_attr *a = list->item[i];
        CH_TRY(ch_buf_printf(out, err, "%s%s#%lld%s", i ? between : "", a->name, (long long)a->id,
                             a->type->id == CH_LONG ? "L" : ""));
    }
    return ch_buf_adds(out, "]", err);
}

static const char *const JOIN[] = {"Inner",    "FullOuter", "LeftOuter", "RightOuter",
                                   "LeftAnti", "LeftSemi",  "Cross",     "ExistenceJoin"};

static ch_status join_line(const ch_rel_join *j, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_printf(out, err, "Join %s", JOIN[j->join_type]));
    if (j->exists)
        CH_TRY(ch_buf_printf(out, err, "(%s#%lld)", j->exists->name, (long long)j->exists->id));
    if (j->using_columns.n) {
        CH_TRY(ch_buf_adds(out, ", using ", err));
        CH_TRY(strs(&j->using_columns, out, err));
    }
    if (j->condition) {
        CH_TRY(ch_buf_adds(out, ", ", err));
        CH_TRY(expr(j->condition, out, err));
    }
    if (j->build != CH_BUILD_UNDECIDED)
        CH_TRY(ch_buf_adds(out, j->build == CH_BUILD_LEFT ? ", build left" : ", build right", err));
    return j->null_aware ? ch_buf_adds(out, ", null aware", err) : CH_OK;
}

static ch_status kept_line(const ch_rel_scan *s, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, s->kept->physical ? "InMemoryRelation " : "LogicalRDD ", err));
    CH_TRY(ch_attrs_print(&s->head.output, ", ", out, err));
    return s->kept->physical ? ch_buf_printf(out, err, ", %s", s->kept->level) : CH_OK;
}

static ch_status scan_line(const ch_rel_scan *s, ch_buf *out, ch_error *err)
{
    if (s->kept)
        return kept_line(s, out, err);
    CH_TRY(ch_buf_adds(out, "Relation ", err));
    CH_TRY(ch_attrs_print(&s->head.output, ",", out, err));
    CH_TRY(ch_buf_printf(out, err, " %s", s->name ? s->name : ""));
    if (s->pushed.n) {
        CH_TRY(ch_buf_adds(out, ", pushed ", err));
        CH_TRY(exprs(&s->pushed, out, err));
    }
    return s->limit >= 0 ? ch_buf_printf(out, err, ", limit %lld", (long long)s->limit) : CH_OK;
}

static ch_status aggregate_line(const ch_rel_aggregate *a, ch_buf *out, ch_error *err)
{
    CH_TRY(ch_buf_adds(out, "Aggregate ", err));
    CH_TRY(exprs(&a->grouping, out, err));
    CH_TRY(ch_buf_adds(out, ", ", err));
    return exprs(&a->aggregates, out, err);
}

static ch_status count_line(const char *name, int64_t n, const ch_expr *e, ch_buf *out,
                            ch_error *err)
{
    CH_TRY(ch_buf_printf(out, err, "%s ", name));
    return e ? expr(e, out, err) : ch_buf_printf(out, err, "%lld", (long long)n);
}

static ch_status line(const ch_rel *rel, ch_buf *out, ch_error *err)
{
    const ch_node_class *cls = ch_rel_class(rel->kind);
    if (rel->output.n < 0)
        CH_TRY(ch_buf_adds(out, "'", err));
    switch (rel->kind) {
    case CH_REL_READ_NAMED_TABLE:
        CH_TRY(ch_buf_adds(out, "UnresolvedRelation ", err));
        return strs(&((const ch_rel_read_named_table *)rel)->parts, out, err);
    case CH_REL_LOCAL_RELATION:
    case CH_REL_VALUES:
        CH_TRY(
            ch_buf_adds(out, rel->output.n < 0 ? "UnresolvedInlineTable " : "LocalRelation ", err));
        return rel->output.n < 0 ? CH_OK : ch_attrs_print(&rel->output, ", ", out, err);
    case CH_REL_ONE_ROW:
        return ch_buf_adds(out, "OneRowRelation", err);
    case CH_REL_RANGE: {
        const ch_rel_range *r = (const void *)rel;
        return ch_buf_printf(out, err, "Range (%lld, %lld, step=%lld)", (long long)r->from,
                             (long long)r->to, (long long)r->step);
    }
    case CH_REL_SUBQUERY_ALIAS:
        return ch_buf_printf(out, err, "SubqueryAlias %s",
                             ((const ch_rel_subquery_alias *)rel)->alias);
    case CH_REL_PROJECT:
        CH_TRY(ch_buf_adds(out, "Project ", err));
        return exprs(&((const ch_rel_project *)rel)->expressions, out, err);
    case CH_REL_FILTER:
        CH_TRY(ch_buf_adds(out, "Filter ", err));
        return expr(((const ch_rel_filter *)rel)->condition, out, err);
    case CH_REL_AGGREGATE:
        return aggregate_line((const void *)rel, out, err);
    case CH_REL_JOIN:
        return join_line((const void *)rel, out, err);
    case CH_REL_SET_OPERATION: {
        const ch_rel_set_operation *s = (const void *)rel;
        static const char *const NAME[] = {"Intersect", "Union", "Except"};
        CH_TRY(ch_buf_adds(out, NAME[s->op], err));
        if (s->op == CH_SET_UNION)
            return ch_buf_adds(out, s->is_all ? " false, false" : " distinct", err);
        return ch_buf_adds(out, s->is_all ? " All true" : " false", err);
    }
    case CH_REL_SORT: {
        const ch_rel_sort *s = (const void *)rel;
        CH_TRY(ch_buf_adds(out, "Sort ", err));
        CH_TRY(exprs(&s->order, out, err));
        CH_TRY(ch_buf_adds(out, s->is_global ? ", true" : ", false", err));
        return s->limit >= 0 ? ch_buf_printf(out, err, ", limit %lld", (long long)s->limit) : CH_OK;
    }
    case CH_REL_LIMIT:
        return count_line("GlobalLimit", ((const ch_rel_limit *)rel)->limit,
                          ((const ch_rel_limit *)rel)->expr, out, err);
    case CH_REL_OFFSET:
        return count_line("Offset", ((const ch_rel_offset *)rel)->offset,
                          ((const ch_rel_offset *)rel)->expr, out, err);
    case CH_REL_TAIL:
        return count_line("Tail", ((const ch_rel_tail *)rel)->limit, NULL, out, err);
    case CH_REL_DEDUPLICATE: {
        const ch_rel_deduplicate *d = (const void *)rel;
        if (d->all_columns_as_keys)
            return ch_buf_adds(out, "Distinct", err);
        CH_TRY(ch_buf_adds(out, "Deduplicate ", err));
        return strs(&d->columns, out, err);
    }
    case CH_REL_WITH_COLUMNS:
        CH_TRY(ch_buf_adds(out, "WithColumns ", err));
        return exprs(&((const ch_rel_with_columns *)rel)->aliases, out, err);
    case CH_REL_HINT:
        return ch_buf_printf(out, err, "Hint %s", ((const ch_rel_hint *)rel)->name);
    case CH_REL_CREATE_VIEW:
        CH_TRY(ch_buf_adds(out, "CreateView ", err));
        return strs(&((const ch_rel_create_view *)rel)->name, out, err);
    case CH_REL_GENERATE: {
        const ch_rel_generate *g = (const void *)rel;
        CH_TRY(ch_buf_adds(out, "Generate ", err));
        CH_TRY(expr(g->generator, out, err));
        CH_TRY(ch_buf_adds(out, g->outer ? ", true, " : ", false, ", err));
        if (g->alias)
            CH_TRY(ch_buf_printf(out, err, "%s, ", g->alias));
        return rel->output.n < 0 ? strs(&g->columns, out, err)
                                 : ch_attrs_print(&g->generated, ", ", out, err);
    }
    case CH_REL_WINDOW: {
        const ch_rel_window *w = (const void *)rel;
        CH_TRY(ch_buf_adds(out, "Window ", err));
        CH_TRY(exprs(&w->functions, out, err));
        if (w->partition.n || w->order.n) {
            CH_TRY(ch_buf_adds(out, ", ", err));
            CH_TRY(exprs(&w->partition, out, err));
        }
        if (w->order.n) {
            CH_TRY(ch_buf_adds(out, ", ", err));
            CH_TRY(exprs(&w->order, out, err));
        }
        static const char *const RANK[] = {"row_number()", "rank()", "dense_rank()"};
        return w->limit < 0 ? CH_OK
                            : ch_buf_printf(out, err, ", group limit %s <= %lld", RANK[w->limit_by],
                                            (long long)w->limit);
    }
    case CH_REL_SCAN:
        return scan_line((const void *)rel, out, err);
    case CH_REL_EVAL_PYTHON:
        CH_TRY(ch_buf_adds(out, "EvalPython ", err));
        return exprs(&((const ch_rel_eval_python *)rel)->functions, out, err);
    case CH_REL_MAP_PARTITIONS:
        CH_TRY(ch_buf_adds(out, "MapPartitions ", err));
        return expr(((const ch_rel_map_partitions *)rel)->function, out, err);
    case CH_REL_TABLE_PYTHON: {
        const ch_rel_table_python *t = (const void *)rel;
        CH_TRY(ch_buf_adds(out, "TableInPython ", err));
        CH_TRY(expr(t->function, out, err));
        CH_TRY(ch_buf_adds(out, t->outer ? ", true, " : ", false, ", err));
        return ch_attrs_print(&t->generated, ", ", out, err);
    }
    case CH_REL_REUSE:
        return ch_buf_printf(out, err, "Reuse %lld",
                             (long long)((const ch_rel_reuse *)rel)->number);
    default:
        return ch_buf_adds(out, cls->name, err);
    }
}

static ch_status indent(const edge *at, bool own, ch_buf *out, ch_error *err)
{
    if (!at)
        return CH_OK;
    CH_TRY(indent(at->up, false, out, err));
    if (own)
        return ch_buf_adds(out, at->last ? "+- " : ":- ", err);
    return ch_buf_adds(out, at->last ? "   " : ":  ", err);
}

/* The inputs of a relation, in order of its fields. */
static int32_t inputs(const ch_rel *rel, const ch_rel **out, int32_t room)
{
    const ch_node_class *cls = ch_rel_class(rel->kind);
    int32_t n = 0;
    for (int i = 0; i < cls->n_fields; i++) {
        const char *at = (const char *)rel + cls->field[i].offset;
        if (cls->field[i].kind == CH_NODE_REL && *(ch_rel *const *)at && n < room)
            out[n++] = *(ch_rel *const *)at;
        if (cls->field[i].kind == CH_NODE_REL_LIST) {
            const ch_rel_list *list = (const void *)at;
            for (int32_t k = 0; k < list->n && n < room; k++)
                out[n++] = list->item[k];
        }
    }
    return n;
}

/* The physical plan that made kept rows, six blanks deeper than `at` and `column`. */
static ch_status kept_plan(const ch_rel_scan *s, const edge *at, int column, ch_buf *out,
                           ch_error *err)
{
    const char *text = s->kept->physical ? s->kept->physical(s->kept) : "";
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        CH_TRY(indent(at, false, out, err));
        CH_TRY(ch_buf_fill(out, ' ', (size_t)column + 6, err));
        CH_TRY(ch_buf_adds(out, line == text ? "+- " : "   ", err));
        CH_TRY(ch_buf_add(out, line, n, err));
        CH_TRY(ch_buf_addc(out, '\n', err));
        line += n + (line[n] == '\n');
    }
    return CH_OK;
}

ch_status ch_kept_print(const ch_rel_scan *s, int column, ch_buf *out, ch_error *err)
{
    if (!s->kept->physical)
        return CH_OK;
    CH_TRY(ch_buf_fill(out, ' ', (size_t)column, err));
    CH_TRY(ch_buf_adds(out, "+- ", err));
    CH_TRY(kept_line(s, out, err));
    CH_TRY(ch_buf_addc(out, '\n', err));
    return kept_plan(s, NULL, column, out, err);
}

static ch_status draw(const ch_rel *rel, const edge *at, ch_rel_note note, ch_buf *out,
                      ch_error *err)
{
    const ch_rel *input[64];
    int32_t n = inputs(rel, input, 64);
    edge local = {at, true};
    CH_TRY(indent(at, true, out, err));
    CH_TRY(line(rel, out, err));
    if (note)
        CH_TRY(note(rel, out, err));
    CH_TRY(ch_buf_adds(out, "\n", err));
    if (rel->kind == CH_REL_SCAN && ((const ch_rel_scan *)rel)->kept)
        return kept_plan((const ch_rel_scan *)rel, at, 0, out, err);
    if (rel->kind == CH_REL_LIMIT) { /* Spark has two nodes for it */
        CH_TRY(indent(&local, true, out, err));
        CH_TRY(count_line(rel->output.n < 0 ? "'LocalLimit" : "LocalLimit",
                          ((const ch_rel_limit *)rel)->limit, ((const ch_rel_limit *)rel)->expr,
                          out, err));
        CH_TRY(ch_buf_adds(out, "\n", err));
        at = &local;
    }
    for (int32_t i = 0; i < n; i++) {
        edge down = {at, i == n - 1};
        CH_TRY(draw(input[i], &down, note, out, err));
    }
    return CH_OK;
}

ch_status ch_rel_print(const ch_rel *rel, ch_buf *out, ch_error *err)
{
    return draw(rel, NULL, NULL, out, err);
}

ch_status ch_rel_print_noted(const ch_rel *rel, ch_rel_note note, ch_buf *out, ch_error *err)
{
    return draw(rel, NULL, note, out, err);
}
