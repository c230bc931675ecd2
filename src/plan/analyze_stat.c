/* SPDX-License-Identifier: Apache-2.0 */
/*
 * analyze_stat.c - summary, describe, cov, corr, approxQuantile and freqItems, as aggregates.
 *
 *   summary("count", "max")     Project [stack(2, 'count', count(a), ..., 'max', max(a), ...) AS (summary, a, ...)]
 *   cov("a", "b")               Project [coalesce(covar_samp(coalesce(a, 0), coalesce(b, 0)), 0) AS cov]
 *   approxQuantile              Project [array(coalesce(percentile_approx(a, array(0.5), n), array()), ...)]
 *   freqItems                   Project [freq_items(a, support) AS a_freqItems, ...]
 *
 * They are written with unresolved functions over resolved columns, and resolved as any select list is.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "plan/analyzer.h"

/* ---- building blocks ----------------------------------------------------------------------------- */

static ch_status call(ch_analyzer *a, const char *name, ch_expr *x, ch_expr *y, ch_expr **out,
                      ch_error *err)
{
    ch_expr_unresolved_function *f;
    CH_AN_NEW(f, ch_expr_new(a->arena, CH_EXPR_UNRESOLVED_FUNCTION, err));
    f->name = name;
    if (x)
        CH_TRY(ch_expr_list_add(a->arena, &f->args, x, err));
    if (y)
        CH_TRY(ch_expr_list_add(a->arena, &f->args, y, err));
    *out = &f->head;
    return CH_OK;
}

static ch_status text(ch_analyzer *a, const char *s, ch_expr **out, ch_error *err)
{
    ch_scalar v = {.type = CH_T_STRING, .v.str = {s, (int64_t)strlen(s)}};
    CH_AN_NEW(*out, ch_make_literal(a->arena, &v, err));
    return CH_OK;
}

static ch_status number(ch_analyzer *a, double x, ch_expr **out, ch_error *err)
{
    ch_scalar v = {.type = CH_T_DOUBLE, .v.f64 = x};
    CH_AN_NEW(*out, ch_make_literal(a->arena, &v, err));
    return CH_OK;
}

static ch_status cast(ch_analyzer *a, ch_expr *e, const ch_type *to, ch_eval_mode mode,
                      ch_expr **out, ch_error *err)
{
    ch_expr_cast *c;
    CH_AN_NEW(c, ch_expr_new(a->arena, CH_EXPR_CAST, err));
    c->child = e;
    c->to = to;
    c->eval_mode = mode;
    *out = &c->head;
    return CH_OK;
}

static ch_status add_named(ch_analyzer *a, ch_expr *e, const char *name, ch_expr_list *list,
                           ch_error *err)
{
    ch_expr_alias *alias;
    CH_AN_NEW(alias, ch_expr_new(a->arena, CH_EXPR_ALIAS, err));
    alias->child = e;
    CH_TRY(ch_str_list_add(a->arena, &alias->names, name, err));
    return ch_expr_list_add(a->arena, list, &alias->head, err);
}

static ch_status project(ch_analyzer *a, ch_rel *input, const ch_expr_list *list, ch_rel **out,
                         ch_error *err)
{
    ch_rel_project *p;
    CH_AN_NEW(p, ch_rel_new(a->arena, CH_REL_PROJECT, err));
    p->input = input;
    p->expressions = *list;
    return ch_an_rel(a, &p->head, out, err);
}

/* ---- summary ----------------------------------------------------------------------------------------- */

/* The share that "33.3%" means; false: it is something else. */
static bool is_percentile(const char *name, double *share)
{
    size_t len = strlen(name);
    char *end;
    if (len < 2 || name[len - 1] != '%')
        return false;
    *share = strtod(name, &end) / 100;
    return end == name + len - 1;
}

static ch_status statistic_of(ch_analyzer *a, const ch_attr *attr, const char *name, ch_expr **out,
                              ch_error *err)
{
    static const char *const PLAIN[] = {"count", "approx_count_distinct", "min", "max"};
    ch_expr *column, *x, *share;
    double p;
    CH_AN_NEW(column, ch_make_ref(a->arena, attr, err));
    x = column;
    if (ch_type_is_string(attr->type))
        CH_TRY(cast(a, column, CH_T_DOUBLE, CH_EVAL_TRY, &x, err));
    *out = NULL;
    for (size_t i = 0; i < sizeof PLAIN / sizeof *PLAIN; i++)
        if (strcasecmp(name, PLAIN[i]) == 0)
            CH_TRY(call(a, PLAIN[i], column, NULL, out, err));
    if (strcasecmp(name, "count_distinct") == 0) {
        CH_TRY(call(a, "count", column, NULL, out, err));
        ((ch_expr_unresolved_function *)*out)->is_distinct = true;
    } else if (strcasecmp(name, "mean") == 0) {
        CH_TRY(call(a, "avg", x, NULL, out, err));
    } else if (strcasecmp(name, "stddev") == 0) {
        CH_TRY(call(a, "stddev", x, NULL, out, err));
    } else if (is_percentile(name, &p)) {
        if (!(p >= 0 && p <= 1))
            CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                    "requirement failed: Percentiles must be in the range [0, 1]");
        CH_TRY(number(a, p, &share, err));
        CH_TRY(call(a, "percentile_approx", x, share, out, err));
    }
    if (!*out)
        CH_FAIL(err, UNRECOGNIZED_STATISTIC, "stats", name);
    return cast(a, *out, CH_T_STRING, CH_EVAL_UNSPECIFIED, out, err);
}

static ch_status summary(ch_analyzer *a, const ch_rel_summary *s, ch_rel *input, ch_rel **out,
                         ch_error *err)
{
    static const char *const USUAL[] = {"count", "mean", "stddev", "min",
                                        "25%",   "50%",  "75%",    "max"};
    ch_str_list names = s->statistics, columns = {0};
    ch_attr_list meant, shown = {0};
    ch_expr_list list = {0};
    ch_expr_unresolved_function *stack;
    ch_expr *e;
    bool all;
    for (size_t i = 0; !s->statistics.n && i < sizeof USUAL / sizeof *USUAL; i++)
        CH_TRY(ch_str_list_add(a->arena, &names, USUAL[i], err));
    CH_TRY(ch_an_columns(a, input, &s->cols, &all, &meant, err));
    CH_TRY(ch_str_list_add(a->arena, &columns, "summary", err));
    for (int32_t i = 0; i < meant.n; i++) {
        const ch_attr *attr = meant.item[i];
        if (!ch_type_is_numeric(attr->type) && !ch_type_is_string(attr->type))
            continue;
        CH_TRY(ch_attr_list_add(a->arena, &shown, attr, err));
        CH_TRY(ch_str_list_add(a->arena, &columns, attr->name, err));
    }
    CH_TRY(call(a, "stack", NULL, NULL, &e, err));
    stack = (ch_expr_unresolved_function *)e;
    CH_AN_NEW(e, ch_make_int(a->arena, names.n, err));
    CH_TRY(ch_expr_list_add(a->arena, &stack->args, e, err));
    for (int32_t i = 0; i < names.n; i++) {
        CH_TRY(text(a, names.item[i], &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &stack->args, e, err));
        for (int32_t k = 0; k < shown.n; k++) {
            CH_TRY(statistic_of(a, shown.item[k], names.item[i], &e, err));
            CH_TRY(ch_expr_list_add(a->arena, &stack->args, e, err));
        }
    }
    ch_expr_alias *alias;
    CH_AN_NEW(alias, ch_expr_new(a->arena, CH_EXPR_ALIAS, err));
    alias->child = &stack->head;
    alias->names = columns;
    CH_TRY(ch_expr_list_add(a->arena, &list, &alias->head, err));
    if (!shown.n) { /* the names alone */
        ch_rel *one;
        CH_AN_NEW(one, ch_rel_new(a->arena, CH_REL_ONE_ROW, err));
        input = one;
    }
    return project(a, input, &list, out, err);
}

/* ---- cov, corr ------------------------------------------------------------------------------------------ */

static ch_status check_numeric(ch_analyzer *a, const ch_attr_list *list, const char *what,
                               ch_error *err)
{
    for (int32_t i = 0; i < list->n; i++)
        if (!ch_type_is_numeric(list->item[i]->type)) {
            char *type, *message;
            CH_AN_NEW(type, ch_type_quoted(a->arena, list->item[i]->type, err));
            CH_AN_NEW(message,
                      ch_arena_printf(a->arena, err,
                                      "requirement failed: %s for columns with dataType %s is not "
                                      "supported.",
                                      what, type));
            CH_FAIL(err, ILLEGAL_ARGUMENT, "message", message);
        }
    return CH_OK;
}

static ch_status pair(ch_analyzer *a, const ch_rel_statistic *s, const ch_attr_list *meant,
                      ch_expr_list *list, ch_error *err)
{
    bool cov = s->what == CH_STATISTIC_COV;
    ch_expr *side[2], *zero, *e;
    CH_TRY(check_numeric(
        a, meant, cov ? "Currently covariance calculation" : "Currently correlation calculation",
        err));
    for (int i = 0; i < 2; i++) {
        CH_AN_NEW(side[i], ch_make_ref(a->arena, meant->item[i], err));
        CH_TRY(cast(a, side[i], CH_T_DOUBLE, CH_EVAL_UNSPECIFIED, &side[i], err));
        CH_TRY(number(a, 0, &zero, err)); /* what is missing counts as 0 */
        CH_TRY(call(a, "coalesce", side[i], zero, &side[i], err));
    }
    CH_TRY(call(a, cov ? "covar_samp" : "corr", side[0], side[1], &e, err));
    CH_TRY(number(a, cov ? 0 : (double)NAN, &zero, err));
    CH_TRY(call(a, "coalesce", e, zero, &e, err));
    return add_named(a, e, cov ? "cov" : "corr", list, err);
}

/* ---- approxQuantile, freqItems ------------------------------------------------------------------------------ */

static ch_status quantiles(ch_analyzer *a, const ch_rel_statistic *s, const ch_attr_list *meant,
                           ch_expr_list *list, ch_error *err)
{
    ch_expr *all, *none, *e, *shares, *accuracy;
    ch_expr_list args = {0};
    double most = s->error > 0 ? 1 / s->error : INT32_MAX;
    CH_TRY(check_numeric(a, meant, "Quantile calculation", err));
    if (!(s->error >= 0))
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: Relative Error must be non-negative");
    CH_TRY(call(a, "array", NULL, NULL, &shares, err));
    for (int32_t i = 0; i < s->probabilities.n; i++) {
        double p = ((const ch_expr_literal *)s->probabilities.item[i])->value.v.f64;
        if (!(p >= 0 && p <= 1))
            CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                    "requirement failed: percentile should be in the range [0.0, 1.0]");
    }
    ((ch_expr_unresolved_function *)shares)->args = s->probabilities;
    CH_AN_NEW(
        accuracy,
        ch_make_int(a->arena, most < INT32_MAX ? (int32_t)(most < 1 ? 1 : most) : INT32_MAX, err));
    for (int32_t i = 0; i < meant->n; i++) {
        ch_expr *x, *nan;
        CH_AN_NEW(x, ch_make_ref(a->arena, meant->item[i], err));
        CH_TRY(cast(a, x, CH_T_DOUBLE, CH_EVAL_UNSPECIFIED, &x, err));
        ch_scalar null = {.type = CH_T_DOUBLE, .is_null = true};
        CH_AN_NEW(nan, ch_make_literal(a->arena, &null, err));
        CH_TRY(call(a, "nanvl", x, nan, &x, err)); /* NaN is left out, as NULL is */
        CH_TRY(call(a, "percentile_approx", x, shares, &e, err));
        CH_TRY(
            ch_expr_list_add(a->arena, &((ch_expr_unresolved_function *)e)->args, accuracy, err));
        CH_TRY(call(a, "array", NULL, NULL, &none, err));
        CH_TRY(cast(a, none, ch_type_array(CH_T_DOUBLE, false), CH_EVAL_UNSPECIFIED, &none, err));
        CH_TRY(call(a, "coalesce", e, none, &e, err));
        CH_TRY(ch_expr_list_add(a->arena, &args, e, err));
    }
    CH_TRY(call(a, "array", NULL, NULL, &all, err));
    ((ch_expr_unresolved_function *)all)->args = args;
    return add_named(a, all, "approx_quantile", list, err);
}

static ch_status frequent(ch_analyzer *a, const ch_rel_statistic *s, const ch_attr_list *meant,
                          ch_expr_list *list, ch_error *err)
{
    if (!(s->error >= 1e-4 && s->error <= 1))
        CH_FAIL(err, ILLEGAL_ARGUMENT, "message",
                "requirement failed: Support must be in [1e-4, 1]");
    for (int32_t i = 0; i < meant->n; i++) {
        ch_expr *e, *support;
        char *name;
        CH_AN_NEW(e, ch_make_ref(a->arena, meant->item[i], err));
        CH_TRY(number(a, s->error, &support, err));
        CH_TRY(call(a, "freq_items", e, support, &e, err));
        CH_AN_NEW(name, ch_arena_printf(a->arena, err, "%s_freqItems", meant->item[i]->name));
        CH_TRY(add_named(a, e, name, list, err));
    }
    return CH_OK;
}

ch_status ch_an_statistic(ch_analyzer *a, const ch_rel *rel, ch_rel **out, ch_error *err)
{
    const ch_rel_statistic *s = (const void *)rel;
    ch_rel *input;
    ch_attr_list meant;
    ch_expr_list list = {0};
    bool all;
    CH_TRY(ch_an_input(a, s->input, &input, err)); /* the first field of both kinds */
    if (rel->kind == CH_REL_SUMMARY)
        return summary(a, (const void *)rel, input, out, err);
    CH_TRY(ch_an_columns(a, input, &s->cols, &all, &meant, err));
    switch (s->what) {
    case CH_STATISTIC_APPROX_QUANTILE:
        CH_TRY(quantiles(a, s, &meant, &list, err));
        break;
    case CH_STATISTIC_FREQ_ITEMS:
        CH_TRY(frequent(a, s, &meant, &list, err));
        break;
    default:
        if (meant.n != 2)
            CH_FAIL(err, ILLEGAL_ARGUMENT, "message", "requirement failed: two columns are needed");
        CH_TRY(pair(a, s, &meant, &list, err));
    }
    return project(a, input, &list, out, err);
}
_Static_assert(offsetof(ch_rel_statistic, input) == offsetof(ch_rel_summary, input),
               "see ch_an_statistic");

/* ---- observe -------------------------------------------------------------------------------------------------- */

static bool is_plain_aggregate(const ch_expr *e)
{
    const ch_expr_call *call = (const ch_expr_call *)e;
    return e->kind == CH_EXPR_CALL && call->func->agg;
}

typedef struct metric_check {
    ch_arena *arena;
    const char *wrong; /* what stands in a metric and must not */
    bool any;          /* an aggregate */
    bool distinct;
} metric_check;

static ch_status check_metric(void *user, ch_expr **child, ch_error *err)
{
    metric_check *c = user;
    const ch_expr_call *call = (const ch_expr_call *)*child;
    if (is_plain_aggregate(*child)) {
        c->any = true;
        c->distinct |= call->is_distinct && !call->func->agg->ignores_distinct;
        if (call->filter)
            c->wrong = "an aggregate with a FILTER";
        for (int32_t i = 0; i < call->args.n; i++)
            if (ch_expr_has_aggregate(call->args.item[i]))
                c->wrong = "an aggregate inside of another one";
        return CH_OK;
    }
    if ((*child)->kind == CH_EXPR_ATTRIBUTE)
        c->wrong = "a column outside of aggregates";
    return ch_expr_map_children(c->arena, child, check_metric, c, err);
}

ch_status ch_an_collect_metrics(ch_analyzer *a, const ch_rel_collect_metrics *in, ch_rel **out,
                                ch_error *err)
{
    ch_rel_collect_metrics *m;
    CH_AN_NEW(m, ch_rel_clone(a->arena, &in->head, err));
    CH_TRY(ch_an_rel(a, in->input, &m->input, err));
    ch_an_scope scope = ch_an_scope_of(a, m->input, NULL, "observe");
    scope.aggregates = true;
    m->head.output = m->input->output;
    m->metrics = (ch_expr_list){0};
    if (!in->name || !*in->name)
        CH_FAIL(err, OBSERVED_METRICS_NAME);
    for (int32_t i = 0; i < in->metrics.n; i++) {
        ch_expr *e;
        CH_TRY(ch_an_expr(a, &scope, in->metrics.item[i], &e, err));
        CH_TRY(ch_an_named(a, in->metrics.item[i], e, &e, err));
        ch_expr *child = e->kind == CH_EXPR_ALIAS ? ((ch_expr_alias *)e)->child : e;
        metric_check c = {.arena = a->arena};
        CH_TRY(check_metric(&c, &child, err));
        if (!c.wrong && !c.any && !ch_expr_is_foldable(child))
            c.wrong = "no aggregate";
        if (c.distinct)
            CH_FAIL(err, OBSERVED_METRICS_DISTINCT, "expr", ch_expr_quoted(a->arena, child, err));
        if (c.wrong)
            CH_FAIL(err, OBSERVED_METRICS, "what", c.wrong, "expr",
                    ch_expr_quoted(a->arena, child, err));
        CH_TRY(ch_expr_list_add(a->arena, &m->metrics, e, err));
    }
    *out = &m->head;
    return CH_OK;
}
