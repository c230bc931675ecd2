/* SPDX-License-Identifier: Apache-2.0 */
/* decode_stat.c - na and stat functions, unpivot, schemas, table functions, and joins by nearness. */
#include <string.h>
#include <strings.h>

#include "connect/decode_relation.h"

typedef PB(Relation) message;
#define DECODER(name) \
    ch_status cn_decode_##name##_rel(cn_decode *d, const message *m, ch_rel **out, ch_error *err)

static ch_status add_literal(cn_decode *d, const PB(Expression__Literal) * m, ch_expr_list *list,
                             ch_error *err)
{
    ch_expr *e;
    if (!m)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "a literal is missing");
    CH_TRY(cn_make_literal(d, m, &e, err));
    return ch_expr_list_add(d->arena, list, e, err);
}

/* ---- na ---------------------------------------------------------------------------------- */

DECODER(fill_na)
{
    const PB(NAFill) *s = m->fill_na;
    ch_rel_fill_na *r;
    CN_NODE(r, d, FILL_NA, err);
    *out = &r->head;
    CH_TRY(cn_copy_strings(d->arena, s->cols, s->n_cols, &r->cols, err));
    for (size_t i = 0; i < s->n_values; i++)
        CH_TRY(add_literal(d, s->values[i], &r->values, err));
    if (!r->values.n || (r->values.n > 1 && r->values.n != r->cols.n))
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "fillna has not one value for each column");
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(drop_na)
{
    const PB(NADrop) *s = m->drop_na;
    ch_rel_drop_na *r;
    CN_NODE(r, d, DROP_NA, err);
    *out = &r->head;
    CH_TRY(cn_copy_strings(d->arena, s->cols, s->n_cols, &r->cols, err));
    r->min_non_nulls = s->has_min_non_nulls ? (s->min_non_nulls < 0 ? 0 : s->min_non_nulls) : -1;
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(replace)
{
    const PB(NAReplace) *s = m->replace;
    ch_rel_replace *r;
    CN_NODE(r, d, REPLACE, err);
    *out = &r->head;
    CH_TRY(cn_copy_strings(d->arena, s->cols, s->n_cols, &r->cols, err));
    for (size_t i = 0; i < s->n_replacements; i++) {
        CH_TRY(add_literal(d, s->replacements[i]->old_value, &r->old_values, err));
        CH_TRY(add_literal(d, s->replacements[i]->new_value, &r->new_values, err));
    }
    return cn_decode_relation(d, s->input, &r->input, err);
}

/* ---- stat -------------------------------------------------------------------------------- */

DECODER(summary)
{
    const PB(StatSummary) *s = m->summary;
    ch_rel_summary *r;
    CN_NODE(r, d, SUMMARY, err);
    *out = &r->head;
    CH_TRY(cn_copy_strings(d->arena, s->statistics, s->n_statistics, &r->statistics, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(describe)
{
    static char *const NAME[] = {"count", "mean", "stddev", "min", "max"};
    const PB(StatDescribe) *s = m->describe;
    ch_rel_summary *r;
    CN_NODE(r, d, SUMMARY, err);
    *out = &r->head;
    CH_TRY(cn_copy_strings(d->arena, (char **)(uintptr_t)NAME, sizeof NAME / sizeof *NAME,
                           &r->statistics, err));
    CH_TRY(cn_copy_strings(d->arena, s->cols, s->n_cols, &r->cols, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

static ch_status make_pair(cn_decode *d, ch_statistic what, const message *input, char *col1,
                           char *col2, ch_rel **out, ch_error *err)
{
    char *cols[2] = {col1 ? col1 : "", col2 ? col2 : ""};
    ch_rel_statistic *r;
    CN_NODE(r, d, STATISTIC, err);
    *out = &r->head;
    r->what = what;
    CH_TRY(cn_copy_strings(d->arena, cols, 2, &r->cols, err));
    return cn_decode_relation(d, input, &r->input, err);
}

DECODER(cov)
{
    return make_pair(d, CH_STATISTIC_COV, m->cov->input, m->cov->col1, m->cov->col2, out, err);
}

DECODER(corr)
{
    const PB(StatCorr) *s = m->corr;
    if (s->method && *s->method && strcasecmp(s->method, "pearson") != 0)
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: Currently only the calculation of the Pearson Correlation "
                "coefficient is supported.");
    return make_pair(d, CH_STATISTIC_CORR, s->input, s->col1, s->col2, out, err);
}

DECODER(approx_quantile)
{
    const PB(StatApproxQuantile) *s = m->approx_quantile;
    ch_rel_statistic *r;
    CN_NODE(r, d, STATISTIC, err);
    *out = &r->head;
    r->what = CH_STATISTIC_APPROX_QUANTILE;
    r->error = s->relative_error;
    CH_TRY(cn_copy_strings(d->arena, s->cols, s->n_cols, &r->cols, err));
    for (size_t i = 0; i < s->n_probabilities; i++) {
        ch_expr_literal *e = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
        if (!e)
            return CH_E_MEMORY;
        e->value = (ch_scalar){.type = CH_T_DOUBLE, .v.f64 = s->probabilities[i]};
        e->head.type = CH_T_DOUBLE;
        CH_TRY(ch_expr_list_add(d->arena, &r->probabilities, &e->head, err));
    }
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(freq_items)
{
    const PB(StatFreqItems) *s = m->freq_items;
    ch_rel_statistic *r;
    CN_NODE(r, d, STATISTIC, err);
    *out = &r->head;
    r->what = CH_STATISTIC_FREQ_ITEMS;
    r->error = s->has_support ? s->support : 0.01;
    CH_TRY(cn_copy_strings(d->arena, s->cols, s->n_cols, &r->cols, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

static ch_status make_double(cn_decode *d, double x, ch_expr **out, ch_error *err)
{
    ch_expr_literal *e = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
    if (!e)
        return CH_E_MEMORY;
    e->value = (ch_scalar){.type = CH_T_DOUBLE, .v.f64 = x};
    e->head.type = CH_T_DOUBLE;
    *out = &e->head;
    return CH_OK;
}

/* Filter rand(seed) < CASE WHEN col <=> stratum THEN fraction ... ELSE 0 END */
DECODER(sample_by)
{
    const PB(StatSampleBy) *s = m->sample_by;
    ch_rel_filter *r;
    ch_expr_case *c;
    ch_expr *col, *e, *seed, *pair[2];
    CN_NODE(r, d, FILTER, err);
    *out = &r->head;
    if (!(c = ch_expr_new(d->arena, CH_EXPR_CASE, err)))
        return CH_E_MEMORY;
    CH_TRY(cn_decode_expr(d, s->col, &col, err));
    for (size_t i = 0; i < s->n_fractions; i++) {
        double fraction = s->fractions[i]->fraction;
        if (!(fraction >= 0 && fraction <= 1))
            CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                    "requirement failed: Fractions must be in [0, 1]");
        ch_expr_list stratum = {0};
        CH_TRY(add_literal(d, s->fractions[i]->stratum, &stratum, err));
        pair[0] = col;
        pair[1] = stratum.item[0];
        CH_TRY(cn_make_call(d, "<=>", pair, 2, &e, err));
        CH_TRY(ch_expr_list_add(d->arena, &c->args, e, err));
        CH_TRY(make_double(d, fraction, &e, err));
        CH_TRY(ch_expr_list_add(d->arena, &c->args, e, err));
    }
    CH_TRY(make_double(d, 0, &e, err));
    CH_TRY(ch_expr_list_add(d->arena, &c->args, e, err));
    ch_expr_literal *number = ch_expr_new(d->arena, CH_EXPR_LITERAL, err);
    if (!number)
        return CH_E_MEMORY;
    number->value = (ch_scalar){.type = CH_T_LONG, .v.i64 = s->seed};
    number->head.type = CH_T_LONG;
    seed = &number->head;
    CH_TRY(cn_make_call(d, "rand", &seed, s->has_seed, &pair[0], err));
    pair[1] = s->n_fractions ? &c->head : e;
    CH_TRY(cn_make_call(d, "<", pair, 2, &r->condition, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(collect_metrics)
{
    const PB(CollectMetrics) *s = m->collect_metrics;
    ch_rel_collect_metrics *r;
    CN_NODE(r, d, COLLECT_METRICS, err);
    *out = &r->head;
    CH_TRY(cn_copy_text(d, s->name, &r->name, err));
    CH_TRY(cn_decode_exprs(d, s->metrics, s->n_metrics, &r->metrics, err));
    return cn_decode_relation(d, s->input, &r->input, err);
}

/* ---- shapes ------------------------------------------------------------------------------ */

DECODER(to_schema)
{
    ch_rel_to_schema *r;
    CN_NODE(r, d, TO_SCHEMA, err);
    *out = &r->head;
    CH_TRY(cn_decode_type(m->to_schema->schema, &r->schema, err));
    if (r->schema->id != CH_STRUCT)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason", "the schema of to() is no struct");
    return cn_decode_relation(d, m->to_schema->input, &r->input, err);
}

DECODER(unpivot)
{
    const PB(Unpivot) *s = m->unpivot;
    ch_rel_unpivot *r;
    const char *name;
    CN_NODE(r, d, UNPIVOT, err);
    *out = &r->head;
    r->has_ids = true;
    r->include_nulls = true;
    CH_TRY(cn_decode_exprs(d, s->ids, s->n_ids, &r->ids, err));
    CH_TRY(cn_copy_text(d, s->variable_column_name, &r->variable_column_name, err));
    CH_TRY(cn_copy_text(d, s->value_column_name, &name, err));
    CH_TRY(ch_str_list_add(d->arena, &r->value_column_names, name, err));
    if (s->values) {
        r->n_rows = (int32_t)s->values->n_values;
        CH_ARENA_ARRAY(r->row, d->arena, r->n_rows + 1, err);
        for (int32_t i = 0; i < r->n_rows; i++)
            CH_TRY(cn_decode_exprs(d, &s->values->values[i], 1, &r->row[i], err));
        if (!r->n_rows)
            CH_FAIL(err, UNPIVOT_REQUIRES_VALUES);
    }
    return cn_decode_relation(d, s->input, &r->input, err);
}

DECODER(table_function)
{
    const PB(UnresolvedTableValuedFunction) *s = m->unresolved_table_valued_function;
    ch_rel_unresolved_table_valued_function *r;
    CN_NODE(r, d, UNRESOLVED_TABLE_VALUED_FUNCTION, err);
    *out = &r->head;
    CH_TRY(cn_copy_text(d, s->function_name, &r->function_name, err));
    return cn_decode_exprs(d, s->arguments, s->n_arguments, &r->arguments, err);
}

/* ---- two inputs -------------------------------------------------------------------------- */

/* Inner or left outer, as Spark's JoinType reads names. */
static ch_status near_join_type(const char *name, ch_join_type *out, ch_error *err)
{
    static const char *const LEFT[] = {"left", "leftouter", "left_outer"};
    *out = CH_JOIN_INNER;
    if (!name || !*name || strcasecmp(name, "inner") == 0)
        return CH_OK;
    *out = CH_JOIN_LEFT_OUTER;
    for (size_t i = 0; i < sizeof LEFT / sizeof *LEFT; i++)
        if (strcasecmp(name, LEFT[i]) == 0)
            return CH_OK;
    CN_UNSUPPORTED(err, "An as-of join that is neither inner nor left outer");
}

DECODER(as_of_join)
{
    static const char *const DIRECTION[] = {"backward", "forward", "nearest"};
    const PB(AsOfJoin) *s = m->as_of_join;
    ch_rel_as_of_join *r;
    size_t k = 0;
    CN_NODE(r, d, AS_OF_JOIN, err);
    *out = &r->head;
    while (k < 3 && strcasecmp(s->direction ? s->direction : "backward", DIRECTION[k]) != 0)
        k++;
    if (k == 3)
        CH_FAIL(err, AS_OF_JOIN_DIRECTION, "direction", s->direction);
    r->direction = (ch_as_of_direction)k;
    r->allow_exact_matches = s->allow_exact_matches;
    CH_TRY(near_join_type(s->join_type, &r->join_type, err));
    CH_TRY(cn_decode_relation(d, s->left, &r->left, err));
    CH_TRY(cn_decode_relation(d, s->right, &r->right, err));
    CH_TRY(cn_decode_expr(d, s->left_as_of, &r->left_as_of, err));
    CH_TRY(cn_decode_expr(d, s->right_as_of, &r->right_as_of, err));
    if (s->join_expr)
        CH_TRY(cn_decode_expr(d, s->join_expr, &r->condition, err));
    if (s->tolerance)
        CH_TRY(cn_decode_expr(d, s->tolerance, &r->tolerance, err));
    return cn_copy_strings(d->arena, s->using_columns, s->n_using_columns, &r->using_columns, err);
}

DECODER(nearest_by_join)
{
    const PB(NearestByJoin) *s = m->nearest_by_join;
    ch_rel_nearest_by_join *r;
    CN_NODE(r, d, NEAREST_BY_JOIN, err);
    *out = &r->head;
    if (s->num_results < 1 || s->num_results > 100000)
        CH_FAIL(err, CONNECT_INVALID_PLAN, "reason",
                "a nearest-by join gives 1 to 100000 rows for each");
    r->num_results = s->num_results;
    r->is_distance = s->direction && strcasecmp(s->direction, "distance") == 0;
    CH_TRY(near_join_type(s->join_type, &r->join_type, err));
    CH_TRY(cn_decode_relation(d, s->left, &r->left, err));
    CH_TRY(cn_decode_relation(d, s->right, &r->right, err));
    return cn_decode_expr(d, s->ranking_expression, &r->ranking, err);
}

DECODER(zip)
{
    ch_rel_zip *r;
    CN_NODE(r, d, ZIP, err);
    *out = &r->head;
    CH_TRY(cn_decode_relation(d, m->zip->left, &r->left, err));
    return cn_decode_relation(d, m->zip->right, &r->right, err);
}
