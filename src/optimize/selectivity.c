/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selectivity.c - what is known about a column, and which part of the rows passes a condition.
 *
 *   column = constant          1 / distinct values; 0 outside the range
 *   column < constant ...      the part of the range, values spread evenly
 *   several of them with AND   the part of the range that all leave, not the product
 *   IN (n constants)           n times =
 *   anything else              a number of thumb
 *
 * Selinger et al., Access path selection in a relational database management system (1979).
 */
#include <math.h>
#include <string.h>

#include "optimize/estimate.h"
#include "optimize/rewrite.h"
#include "store/statistics.h"

#define EQUAL 0.1      /* column = constant, number of values unknown */
#define RANGE 0.33     /* column < something */
#define MATCH 0.1      /* LIKE and the like */
#define AGGREGATED 0.1 /* a comparison with count(), sum() ...: HAVING asks for the few */

/* ---- columns ----------------------------------------------------------------------------- */

static const ch_column_estimate UNKNOWN = {.distinct = -1, .table_rows = -1};

/* Numbers, dates and times on a line; false for other types. */
static bool as_number(const ch_scalar *s, double *out)
{
    const ch_type *t = s->type;
    if (s->is_null)
        return false;
    if (t->id == CH_FLOAT || t->id == CH_DOUBLE)
        *out = s->v.f64;
    else if (t->id == CH_DECIMAL)
        *out = (ch_type_is_wide_decimal(t) ? (double)s->v.i128 : (double)s->v.i64) *
               pow(10, -t->scale);
    else if (ch_type_is_integral(t) || (t->id >= CH_DATE && t->id <= CH_YEAR_MONTH_INTERVAL))
        *out = (double)s->v.i64;
    else
        return false;
    return true;
}

/* Steps between the smallest and the largest value, of types that have steps. */
static double steps(const ch_type *t, double min, double max)
{
    if (t->id == CH_DECIMAL)
        return (max - min) * pow(10, t->scale) + 1;
    return ch_type_is_integral(t) || t->id == CH_DATE ? max - min + 1 : INFINITY;
}

static ch_column_estimate of_scan(const ch_rel_scan *s, int64_t id)
{
    ch_column_estimate out = UNKNOWN;
    const ch_table_statistics *stats = s->statistics;
    out.table_rows = (double)ch_estimate_rows(&s->head);
    for (int32_t i = 0; i < s->head.output.n && stats && stats->column; i++) {
        if (s->head.output.item[i]->id != id || s->wanted[i] >= stats->n_columns)
            continue;
        const ch_type *type = s->head.output.item[i]->type;
        const ch_column_statistics *c = &stats->column[s->wanted[i]];
        out.has_range =
            c->has_range && as_number(&c->min, &out.min) && as_number(&c->max, &out.max);
        out.distinct = (double)c->n_distinct;
        if (out.has_range) {
            double n = steps(type, out.min, out.max);
            if (n < out.table_rows && (out.distinct < 0 || n < out.distinct))
                out.distinct = n;
        }
        if (c->n_null > 0 && out.table_rows > 0)
            out.null_fraction = fmin(1, (double)c->n_null / out.table_rows);
    }
    return out;
}

static ch_column_estimate of_list(const ch_expr_list *list, const ch_rel *input, int64_t id)
{
    const ch_expr *e = ch_made_by(list, id);
    while (e && e->kind == CH_EXPR_CAST)
        e = ((const ch_expr_cast *)e)->child;
    if (e && e->kind == CH_EXPR_ATTRIBUTE)
        return ch_estimate_column(input, ((const ch_expr_attribute *)e)->attr->id);
    return UNKNOWN;
}

ch_column_estimate ch_estimate_column(const ch_rel *rel, int64_t id)
{
    switch (rel->kind) {
    case CH_REL_SCAN:
        return of_scan((const ch_rel_scan *)rel, id);
    case CH_REL_PROJECT:
        return of_list(&((const ch_rel_project *)rel)->expressions,
                       ((const ch_rel_project *)rel)->input, id);
    case CH_REL_AGGREGATE: {
        const ch_rel_aggregate *g = (const ch_rel_aggregate *)rel;
        ch_column_estimate out = of_list(&g->aggregates, g->input, id);
        if (out.table_rows >= 0 && g->grouping.n == 1) /* each value once */
            out.table_rows = ch_estimate_distinct_of(&out, out.table_rows);
        return out;
    }
    case CH_REL_JOIN: {
        const ch_rel_join *j = (const ch_rel_join *)rel;
        bool left = ch_attr_list_find(&j->left->output, id) != NULL;
        return ch_estimate_column(left ? j->left : j->right, id);
    }
    default: {
        const ch_rel *input = ch_only_input(rel);
        return input && ch_attr_list_find(&input->output, id) ? ch_estimate_column(input, id)
                                                              : UNKNOWN;
    }
    }
}

double ch_estimate_distinct_of(const ch_column_estimate *c, double rows)
{
    double distinct = c->distinct, table = c->table_rows;
    if (rows < 1)
        return 1;
    if (distinct < 0)
        return table < 0 ? rows : fmin(rows, table);
    /* Cardenas (1975): what `rows` draws out of table / distinct copies of each value leave unseen. */
    if (table > distinct && rows < table)
        distinct *= 1 - pow(1 - rows / table, table / fmax(distinct, 1));
    return fmax(1, fmin(distinct, rows));
}

/* ---- conditions ---------------------------------------------------------------------------- */

/* Bounds that conjuncts set for one column. */
typedef struct bounds {
    int64_t id;
    double low, high;
} bounds;

typedef struct reader {
    const ch_rel *input;
    bounds bound[16];
    int n_bounds;
} reader;

static const ch_attr *as_column(const ch_expr *e)
{
    while (e->kind == CH_EXPR_CAST)
        e = ((const ch_expr_cast *)e)->child;
    return e->kind == CH_EXPR_ATTRIBUTE ? ((const ch_expr_attribute *)e)->attr : NULL;
}

static double equal_to(const ch_rel *input, const ch_attr *attr, const ch_scalar *value)
{
    ch_column_estimate c = ch_estimate_column(input, attr->id);
    double at;
    if (c.has_range && value && as_number(value, &at) && (at < c.min || at > c.max))
        return 0;
    return (c.distinct > 0 ? 1 / c.distinct : EQUAL) * (1 - c.null_fraction);
}

static double part_of_range(const ch_column_estimate *c, double low, double high)
{
    double from = fmax(low, c->min), to = fmin(high, c->max), span = c->max - c->min;
    if (from > to)
        return 0;
    double part = span > 0 ? (to - from) / span : 1;
    if (c->distinct > 0)
        part = fmax(part, 1 / c->distinct);
    return part * (1 - c->null_fraction);
}

static bounds *bound_of(reader *r, int64_t id)
{
    for (int i = 0; i < r->n_bounds; i++)
        if (r->bound[i].id == id)
            return &r->bound[i];
    if (r->n_bounds == (int)(sizeof r->bound / sizeof *r->bound))
        return NULL;
    r->bound[r->n_bounds] = (bounds){id, -INFINITY, INFINITY};
    return &r->bound[r->n_bounds++];
}

/* column < constant and its kin: noted as bounds where the column's range is known (true). */
static bool note_bound(reader *r, const ch_expr *e)
{
    static const struct {
        const char *name;
        bool low; /* column op constant bounds the column from below */
    } OP[] = {{"<", false}, {"<=", false}, {">", true}, {">=", true}};
    const ch_expr_call *c = (const ch_expr_call *)e;
    if (e->kind != CH_EXPR_CALL || c->args.n != 2)
        return false;
    for (size_t i = 0; i < sizeof OP / sizeof *OP; i++) {
        const ch_scalar *value;
        double at;
        if (strcmp(c->func->name, OP[i].name) != 0)
            continue;
        bool mirrored = ch_is_literal(c->args.item[0], &value);
        const ch_attr *attr = as_column(c->args.item[mirrored]);
        if ((!mirrored && !ch_is_literal(c->args.item[1], &value)) || !attr ||
            !as_number(value, &at) || !ch_estimate_column(r->input, attr->id).has_range)
            return false;
        bounds *b = bound_of(r, attr->id);
        if (b && OP[i].low != mirrored)
            b->low = fmax(b->low, at);
        else if (b)
            b->high = fmin(b->high, at);
        return b != NULL;
    }
    return false;
}

static double all_of(reader *r, const ch_expr *e)
{
    if (ch_is_call(e, "and")) {
        const ch_expr_list *args = &((const ch_expr_call *)e)->args;
        double all = 1;
        for (int32_t i = 0; i < args->n; i++)
            all *= all_of(r, args->item[i]);
        return all;
    }
    return note_bound(r, e) ? 1 : ch_estimate_selectivity(r->input, e);
}

/* Is it about a value that an aggregate made? */
static bool is_aggregated(const ch_rel *input, const ch_expr *e)
{
    while (input && (input->kind == CH_REL_PROJECT || input->kind == CH_REL_FILTER))
        input = ch_only_input(input);
    if (!input || input->kind != CH_REL_AGGREGATE || e->kind != CH_EXPR_CALL)
        return false;
    const ch_rel_aggregate *g = (const ch_rel_aggregate *)input;
    const ch_expr_list *args = &((const ch_expr_call *)e)->args;
    for (int32_t i = 0; i < args->n; i++) {
        const ch_attr *attr = as_column(args->item[i]);
        const ch_expr *made = attr ? ch_made_by(&g->aggregates, attr->id) : NULL;
        if (made && ch_expr_has_aggregate(made))
            return true;
    }
    return false;
}

static double comparison(const ch_rel *input, const ch_expr_call *c, const char *name)
{
    const ch_scalar *value = NULL;
    bool mirrored = ch_is_literal(c->args.item[0], &value);
    const ch_attr *attr = as_column(c->args.item[mirrored]);
    bool constant = mirrored || ch_is_literal(c->args.item[1], &value);
    if (is_aggregated(input, &c->head))
        return AGGREGATED;
    if (strcmp(name, "=") == 0 || strcmp(name, "==") == 0 || strcmp(name, "<=>") == 0)
        return attr && constant ? equal_to(input, attr, value) : EQUAL;
    if (strcmp(name, "!=") == 0 || strcmp(name, "<>") == 0)
        return 1 - (attr && constant ? equal_to(input, attr, value) : EQUAL);
    return RANGE;
}

static double call(const ch_rel *input, const ch_expr_call *c)
{
    static const char *const COMPARE[] = {"=", "==", "<=>", "!=", "<>", "<", "<=", ">", ">="};
    static const char *const MATCHES[] = {"like",     "ilike",    "rlike", "startswith",
                                          "endswith", "contains", "regexp"};
    const char *name = c->func->name;
    for (size_t i = 0; i < sizeof COMPARE / sizeof *COMPARE; i++)
        if (c->args.n == 2 && strcmp(name, COMPARE[i]) == 0)
            return comparison(input, c, name);
    for (size_t i = 0; i < sizeof MATCHES / sizeof *MATCHES; i++)
        if (strcmp(name, MATCHES[i]) == 0)
            return MATCH;
    if ((strcmp(name, "not") == 0 || strcmp(name, "!") == 0) && c->args.n == 1)
        return 1 - ch_estimate_selectivity(input, c->args.item[0]);
    if (strcmp(name, "isnull") == 0 || strcmp(name, "isnotnull") == 0) {
        const ch_attr *attr = as_column(c->args.item[0]);
        double nulls = attr ? ch_estimate_column(input, attr->id).null_fraction : 0.1;
        return name[2] == 'n' && name[3] == 'u' ? nulls : 1 - nulls;
    }
    if (strcmp(name, "in") == 0) {
        const ch_attr *attr = as_column(c->args.item[0]);
        double one = attr ? equal_to(input, attr, NULL) : EQUAL;
        return fmin(attr ? 1 : 0.9, one * (c->args.n - 1));
    }
    return RANGE;
}

double ch_estimate_selectivity(const ch_rel *input, const ch_expr *e)
{
    const ch_expr_list *args = &((const ch_expr_call *)e)->args;
    if (ch_is_true(e))
        return 1;
    if (e->kind != CH_EXPR_CALL)
        return ch_is_false_or_null(e) ? 0 : RANGE;
    if (ch_is_call(e, "or")) {
        double none = 1;
        for (int32_t i = 0; i < args->n; i++)
            none *= 1 - ch_estimate_selectivity(input, args->item[i]);
        return 1 - none;
    }
    reader r = {.input = input};
    if (!ch_is_call(e, "and") && !note_bound(&r, e))
        return call(input, (const ch_expr_call *)e);
    double all = r.n_bounds ? 1 : all_of(&r, e);
    for (int i = 0; i < r.n_bounds; i++) {
        ch_column_estimate c = ch_estimate_column(input, r.bound[i].id);
        all *= part_of_range(&c, r.bound[i].low, r.bound[i].high);
    }
    return all;
}
