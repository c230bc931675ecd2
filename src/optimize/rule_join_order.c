/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rule_join_order.c - inner joins are done in the order that costs least, by estimate.
 *
 *   Join ─┬─ Join ─┬─ lineitem            relations    lineitem, orders, nation ...
 *         │        └─ orders              classes      {l_orderkey, o_orderkey}: columns that are equal
 *         └─ nation ...                   conditions   what is no such equality, and which relations it reads
 *
 * Columns that are equal to one another form a class, so that a = b and b = c let a meet c. Semi and anti
 * joins (without a say in columns) are filters that move freely over the inner joins below them. Outer
 * joins, and joins that a hint decided, are relations of their own; what is below them is ordered apart.
 */
#include <math.h>

#include "optimize/estimate.h"
#include "optimize/join_order.h"
#include "optimize/rewrite.h"

enum { MAX = CH_JOIN_ORDER_MAX, MAX_CLASSES = 64, MAX_CONDITIONS = 64 };

typedef struct member {
    const ch_attr *attr;
    int relation;
    ch_column_estimate column;
} member;

typedef struct class
{
    member *item;
    int n;
} class;

typedef struct condition {
    ch_expr *expr;
    uint64_t reads; /* relations */
    double passes;  /* selectivity */
} condition;

typedef struct group {
    const ch_analyze_context *ctx;
    const ch_rel *top; /* as it was */
    ch_join_graph graph;
    ch_rel *relation[MAX];
    const ch_rel_join *filter[MAX]; /* semi and anti: the join whose right side the relation is */
    double filter_passes[MAX];
    class class[MAX_CLASSES];
    int n_classes;
    condition condition[MAX_CONDITIONS];
    int n_conditions;
    ch_expr_list conjuncts;
} group;

/* ---- taking apart ------------------------------------------------------------------------ */

static bool is_inner(const ch_rel_join *j)
{
    return j->join_type == CH_JOIN_INNER || j->join_type == CH_JOIN_CROSS;
}
static bool is_filter(const ch_rel_join *j)
{
    return j->join_type == CH_JOIN_LEFT_SEMI || j->join_type == CH_JOIN_LEFT_ANTI;
}

static bool is_free(const ch_rel *rel)
{
    const ch_rel_join *j = (const ch_rel_join *)rel;
    return rel->kind == CH_REL_JOIN && (is_inner(j) || (is_filter(j) && j->condition)) &&
           j->build == CH_BUILD_UNDECIDED && !j->lateral &&
           (!j->condition ||
            (ch_expr_is_deterministic(j->condition) && !ch_has_subquery(j->condition)));
}

/* Leaves out columns, and nothing else. */
static bool only_drops(const ch_rel *rel)
{
    if (rel->kind != CH_REL_PROJECT)
        return false;
    const ch_expr_list *list = &((const ch_rel_project *)rel)->expressions;
    for (int32_t i = 0; i < list->n; i++)
        if (list->item[i]->kind != CH_EXPR_ATTRIBUTE)
            return false;
    return true;
}

static const ch_rel *below_drops(const ch_rel *rel)
{
    while (only_drops(rel))
        rel = ((const ch_rel_project *)rel)->input;
    return rel;
}

static int count_relations(const ch_rel *rel)
{
    const ch_rel *r = below_drops(rel);
    if (!is_free(r))
        return 1;
    const ch_rel_join *j = (const ch_rel_join *)r;
    return count_relations(j->left) + (is_filter(j) ? 1 : count_relations(j->right));
}

static ch_status order(void *user, ch_rel **rel, ch_error *err);

static ch_status add_relation(group *g, ch_rel *rel, const ch_rel_join *filter, ch_error *err)
{
    int at = g->graph.n++;
    CH_TRY(order((void *)(uintptr_t)g->ctx, &rel, err));
    g->relation[at] = rel;
    g->filter[at] = filter;
    g->graph.rows[at] = fmax(1, (double)ch_estimate_rows(rel));
    return CH_OK;
}

static ch_status collect(group *g, ch_rel *rel, ch_error *err)
{
    const ch_rel *r = below_drops(rel);
    if (!is_free(r))
        return add_relation(g, rel, NULL, err);
    const ch_rel_join *j = (const ch_rel_join *)r;
    CH_TRY(collect(g, j->left, err));
    if (is_filter(j))
        return add_relation(g, j->right, j, err);
    CH_TRY(collect(g, j->right, err));
    return j->condition ? ch_conjuncts(g->ctx->arena, j->condition, &g->conjuncts, err) : CH_OK;
}

static int relation_of(const group *g, int64_t id)
{
    for (int i = 0; i < g->graph.n; i++)
        if (!g->filter[i] && ch_attr_list_find(&g->relation[i]->output, id))
            return i;
    return -1;
}

/* The relations whose columns an expression reads. */
static ch_status relations_read(const group *g, const ch_expr *e, uint64_t *out, ch_error *err)
{
    ch_attr_list used = {0};
    *out = 0;
    CH_TRY(ch_columns_used(g->ctx->arena, e, &used, err));
    for (int32_t i = 0; i < used.n; i++) {
        int at = relation_of(g, used.item[i]->id);
        *out |= at < 0 ? 0 : UINT64_C(1) << at;
    }
    return CH_OK;
}

/* ---- classes and conditions -------------------------------------------------------------- */

static class *class_of(group *g, int64_t id)
{
    for (int c = 0; c < g->n_classes; c++)
        for (int i = 0; i < g->class[c].n; i++)
            if (g->class[c].item[i].attr->id == id)
                return &g->class[c];
    return NULL;
}

static void add_member(group *g, class *c, const ch_attr *attr)
{
    int relation = relation_of(g, attr->id);
    c->item[c->n++] = (member){attr, relation, ch_estimate_column(g->relation[relation], attr->id)};
}

static ch_status new_class(group *g, class **out, ch_error *err)
{
    *out = &g->class[g->n_classes];
    CH_ARENA_ARRAY((*out)->item, g->ctx->arena, 2 * g->conjuncts.n, err);
    g->n_classes++;
    return CH_OK;
}

/* a = b, both plain columns of different relations and of one type: they join a class; else false. */
static ch_status add_equality(group *g, const ch_expr *e, bool *done, ch_error *err)
{
    const ch_expr_list *args = &((const ch_expr_call *)e)->args;
    *done = false;
    if ((!ch_is_call(e, "=") && !ch_is_call(e, "==")) || args->item[0]->kind != CH_EXPR_ATTRIBUTE ||
        args->item[1]->kind != CH_EXPR_ATTRIBUTE)
        return CH_OK;
    const ch_attr *a = ((const ch_expr_attribute *)args->item[0])->attr;
    const ch_attr *b = ((const ch_expr_attribute *)args->item[1])->attr;
    int of_a = relation_of(g, a->id), of_b = relation_of(g, b->id);
    if (a->type != b->type || of_a < 0 || of_b < 0 || of_a == of_b || g->n_classes == MAX_CLASSES)
        return CH_OK;
    *done = true;
    class *ca = class_of(g, a->id), *cb = class_of(g, b->id);
    if (ca && cb) {
        for (int i = 0; ca != cb && i < cb->n; i++)
            ca->item[ca->n++] = cb->item[i];
        if (ca != cb)
            cb->n = 0;
        return CH_OK;
    }
    if (!ca && !cb) {
        CH_TRY(new_class(g, &ca, err));
        add_member(g, ca, a);
    }
    add_member(g, ca ? ca : cb, class_of(g, a->id) ? b : a);
    return CH_OK;
}

static ch_status add_condition(group *g, ch_expr *e, ch_error *err)
{
    condition *c = &g->condition[g->n_conditions++];
    c->expr = e;
    c->passes = ch_estimate_selectivity(g->top, e);
    CH_TRY(relations_read(g, e, &c->reads, err));
    /* Two relations are near if one condition reads both and nothing else. */
    if (__builtin_popcountll(c->reads) == 2) {
        int a = __builtin_ctzll(c->reads), b = 63 - __builtin_clzll(c->reads);
        g->graph.near[a] |= UINT64_C(1) << b;
        g->graph.near[b] |= UINT64_C(1) << a;
    }
    return CH_OK;
}

/* What a semi or anti join lets through, and which relations must be there before. */
static ch_status add_filter(group *g, int at, ch_error *err)
{
    const ch_rel_join *j = g->filter[at];
    uint64_t needs;
    CH_TRY(relations_read(g, j->condition, &needs, err));
    needs = needs ? needs : 1; /* reads the right side only: anywhere */
    g->graph.needs[at] = needs;
    g->graph.near[at] = needs;
    for (uint64_t rest = needs; rest; rest &= rest - 1)
        g->graph.near[__builtin_ctzll(rest)] |= UINT64_C(1) << at;
    double left = fmax(1, (double)ch_estimate_rows(j->left));
    g->filter_passes[at] = fmin(1, (double)ch_estimate_rows(&j->head) / left);
    return CH_OK;
}

static ch_status understand(group *g, ch_error *err)
{
    for (int32_t i = 0; i < g->conjuncts.n; i++) {
        bool done;
        CH_TRY(add_equality(g, g->conjuncts.item[i], &done, err));
        if (!done)
            CH_TRY(add_condition(g, g->conjuncts.item[i], err));
    }
    for (int c = 0; c < g->n_classes; c++)
        for (int i = 0; i < g->class[c].n; i++)
            for (int k = 0; k < g->class[c].n; k++) {
                int a = g->class[c].item[i].relation, b = g->class[c].item[k].relation;
                g->graph.near[a] |= a == b ? 0 : UINT64_C(1) << b;
            }
    for (int i = 0; i < g->graph.n; i++)
        if (g->filter[i])
            CH_TRY(add_filter(g, i, err));
    return CH_OK;
}

/* ---- estimates --------------------------------------------------------------------------- */

/* The member of a class in a set of relations that has the fewest values; NULL if there is none. */
static const member *member_in(const class *c, uint64_t set)
{
    const member *best = NULL;
    for (int i = 0; i < c->n; i++) {
        const member *m = &c->item[i];
        if (set >> m->relation & 1 &&
            (!best || (m->column.distinct >= 0 &&
                       (best->column.distinct < 0 || m->column.distinct < best->column.distinct))))
            best = m;
    }
    return best;
}

static double values(const member *m)
{
    return m->column.distinct >= 0     ? m->column.distinct
           : m->column.table_rows >= 0 ? m->column.table_rows
                                       : 1e6;
}

static double join_rows(const ch_join_graph *graph, uint64_t left, double left_rows, uint64_t right,
                        double right_rows)
{
    const group *g = graph->user;
    double keys[2] = {1, 1}, table[2] = {1, 1}, rows = left_rows * right_rows;
    uint64_t both = left | right;
    if ((right & (right - 1)) == 0 && g->filter[__builtin_ctzll(right)])
        return fmax(1, left_rows * g->filter_passes[__builtin_ctzll(right)]);
    for (int c = 0; c < g->n_classes; c++) {
        const member *l = member_in(&g->class[c], left), *r = member_in(&g->class[c], right);
        if (!l || !r)
            continue;
        keys[0] *= values(l);
        keys[1] *= values(r);
        table[0] = fmax(table[0], l->column.table_rows < 0 ? left_rows : l->column.table_rows);
        table[1] = fmax(table[1], r->column.table_rows < 0 ? right_rows : r->column.table_rows);
    }
    rows /= ch_estimate_key_values(keys[0], table[0], keys[1], table[1]);
    for (int i = 0; i < g->n_conditions; i++) {
        uint64_t reads = g->condition[i].reads;
        if ((reads & both) == reads && (reads & left) != reads && (reads & right) != reads)
            rows *= g->condition[i].passes;
    }
    return fmax(1, rows);
}

/* ---- putting together -------------------------------------------------------------------- */

static ch_status equality(const group *g, const ch_attr *a, const ch_attr *b, ch_expr_list *list,
                          ch_error *err)
{
    ch_expr **pair, *e;
    CH_ARENA_ARRAY(pair, g->ctx->arena, 2, err);
    CH_AN_NEW(pair[0], ch_make_ref(g->ctx->arena, a, err));
    CH_AN_NEW(pair[1], ch_make_ref(g->ctx->arena, b, err));
    CH_TRY(ch_call_make(g->ctx, "=", pair, 2, &e, err));
    return ch_expr_list_add(g->ctx->arena, list, e, err);
}

static ch_status join_of(const group *g, const ch_join_step *step, ch_rel *left, ch_rel *right,
                         ch_rel **out, ch_error *err)
{
    const ch_rel_join *filter =
        (step->right & (step->right - 1)) ? NULL : g->filter[__builtin_ctzll(step->right)];
    ch_expr_list on = {0};
    ch_rel_join *j;
    if (filter) {
        CH_AN_NEW(j, ch_rel_clone(g->ctx->arena, &filter->head, err));
        j->left = left;
        j->right = right;
        *out = &j->head;
        return ch_join_output(g->ctx->arena, j, err);
    }
    for (int c = 0; c < g->n_classes; c++) {
        const member *l = member_in(&g->class[c], step -> left);
        const member *r = member_in(&g->class[c], step -> right);
        if (l && r)
            CH_TRY(equality(g, l->attr, r->attr, &on, err));
    }
    for (int i = 0; i < g->n_conditions; i++) {
        uint64_t reads = g->condition[i].reads;
        if ((reads & (step->left | step->right)) == reads && (reads & step->left) != reads &&
            (reads & step->right) != reads)
            CH_TRY(ch_expr_list_add(g->ctx->arena, &on, g->condition[i].expr, err));
    }
    CH_AN_NEW(j, ch_rel_new(g->ctx->arena, CH_REL_JOIN, err));
    j->left = left;
    j->right = right;
    j->join_type = on.n ? CH_JOIN_INNER : CH_JOIN_CROSS;
    CH_TRY(ch_conjunction(g->ctx, &on, &j->condition, err));
    *out = &j->head;
    return ch_join_output(g->ctx->arena, j, err);
}

/* Columns of one relation that are in one class: joins ask for one of them only, so they must be equal before. */
static ch_status add_own_equalities(const group *g, int relation, ch_rel **rel, ch_error *err)
{
    ch_expr_list equal = {0};
    for (int c = 0; c < g->n_classes; c++) {
        const ch_attr *first = NULL;
        for (int i = 0; i < g->class[c].n; i++) {
            const member *m = &g->class[c].item[i];
            if (m->relation != relation)
                continue;
            if (first)
                CH_TRY(equality(g, first, m->attr, &equal, err));
            first = first ? first : m->attr;
        }
    }
    return ch_add_filter(g->ctx, &equal, rel, err);
}

static ch_status put_together(const group *g, const ch_join_step *step, ch_rel **out, ch_error *err)
{
    uint64_t set[2 * MAX];
    ch_rel *rel[2 * MAX];
    int n = 0;
    for (; n < g->graph.n; n++) {
        set[n] = UINT64_C(1) << n;
        rel[n] = g->relation[n];
        CH_TRY(add_own_equalities(g, n, &rel[n], err));
    }
    for (int s = 0; s + 1 < g->graph.n; s++) {
        ch_rel *left = NULL, *right = NULL;
        for (int i = 0; i < n; i++) {
            left = set[i] == step[s].left ? rel[i] : left;
            right = set[i] == step[s].right ? rel[i] : right;
        }
        set[n] = step[s].left | step[s].right;
        CH_TRY(join_of(g, &step[s], left, right, &rel[n], err));
        n++;
    }
    ch_expr_list rest = {0}, columns = {0}; /* conditions that read one relation, or none */
    for (int i = 0; i < g->n_conditions; i++)
        if ((g->condition[i].reads & (g->condition[i].reads - 1)) == 0)
            CH_TRY(ch_expr_list_add(g->ctx->arena, &rest, g->condition[i].expr, err));
    *out = rel[n - 1];
    CH_TRY(ch_add_filter(g->ctx, &rest, out, err));
    CH_TRY(ch_make_refs(g->ctx->arena, &g->top->output, &columns, err));
    return ch_make_project(g->ctx->arena, *out, &columns, out, err);
}

static ch_status order_group(const ch_analyze_context *ctx, ch_rel **rel, ch_error *err)
{
    group *g;
    ch_join_step step[MAX];
    CH_ARENA_NEW(g, ctx->arena, err);
    g->ctx = ctx;
    g->top = *rel;
    g->graph.join_rows = join_rows;
    g->graph.user = g;
    CH_TRY(collect(g, *rel, err));
    if (g->conjuncts.n > MAX_CONDITIONS)
        return ch_rel_map_inputs(ctx->arena, rel, order, (void *)(uintptr_t)ctx, err);
    CH_TRY(understand(g, err));
    CH_TRY(ch_join_order(&g->graph, ctx->arena->mem, step, err));
    return put_together(g, step, rel, err);
}

/* Rows of a relation, and of what joins make of such, that are as well joined in the order in which they stand. */
#define FEW_ROWS 1000
#define FEW_JOINED 100000

static bool has_key(const ch_rel_join *j, const ch_expr *e)
{
    const ch_expr_list *args = &((const ch_expr_call *)e)->args;
    if (ch_is_call(e, "and"))
        for (int32_t i = 0; i < args->n; i++)
            if (has_key(j, args->item[i]))
                return true;
    if (!ch_is_call(e, "=") && !ch_is_call(e, "=="))
        return false;
    int a = ch_uses_only(args->item[0], &j->left->output) ? 0 : 1;
    return ch_uses_any(args->item[a], &j->left->output) &&
           ch_uses_only(args->item[a], &j->left->output) &&
           ch_uses_any(args->item[!a], &j->right->output) &&
           ch_uses_only(args->item[!a], &j->right->output);
}

/* Few rows, and keys for each join: then the order of the rows is worth more, which Spark takes as written. */
static bool is_few_as_written(const ch_rel *rel)
{
    int64_t rows = ch_estimate_rows(rel);
    rel = below_drops(rel);
    if (!is_free(rel))
        return rows >= 0 && rows <= FEW_ROWS;
    const ch_rel_join *j = (const ch_rel_join *)rel;
    return is_inner(j) && j->condition && rows >= 0 && rows <= FEW_JOINED &&
           has_key(j, j->condition) && is_few_as_written(j->left) && is_few_as_written(j->right);
}

static ch_status order(void *user, ch_rel **rel, ch_error *err)
{
    const ch_analyze_context *ctx = user;
    int n = is_free(*rel) ? count_relations(*rel) : 0;
    if (n > 2 && n <= MAX && !is_few_as_written(*rel))
        return order_group(ctx, rel, err);
    return ch_rel_map_inputs(ctx->arena, rel, order, user, err);
}

static ch_status apply(const ch_analyze_context *ctx, ch_rel **rel, bool *changed, ch_error *err)
{
    *changed = true; /* filters and projects settle again */
    return order((void *)(uintptr_t)ctx, rel, err);
}

const ch_rule ch_rule_join_order = {
    .name = "join_order",
    .doc = "Joins in the order that costs least, by the scans' statistics.",
    .apply = apply,
    .whole = true,
    .once = true,
};
