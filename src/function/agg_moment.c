/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_moment.c - variance, standard deviation, skewness, kurtosis, covariance, correlation, linear regression.
 *
 * Updates and merges are Spark's CentralMomentAgg and Covariance to the letter (Chan, Golub,
 * LeVeque; Pebay), so that results agree in the last digit for one partition.
 *
 *   one variable   n, mean, m2, m3, m4     two   n, mean x, mean y, ck, mk x, mk y
 *
 * The regr_* functions are what Spark makes them of: averages, central moments, covariances, and Pearson's
 * correlation of the rows where neither is NULL, each computed as that function does.
 */
#include <math.h>

#include "function/agg.h"

typedef struct moment_state {
    double n, mean, m2, m3, m4;
} moment_state;

typedef struct pair_state {
    double n, x, y, ck, xm, ym;
} pair_state;

static void add_moment(moment_state *s, double v)
{
    double n = s->n, count = n + 1, delta = v - s->mean, delta_n = delta / count;
    double m2 = s->m2 + delta * (delta - delta_n);
    double delta2 = delta * delta, delta_n2 = delta_n * delta_n;
    double m3 = s->m3 - 3.0 * delta_n * m2 + delta * (delta2 - delta_n2);
    s->m4 = s->m4 - 4.0 * delta_n * m3 - 6.0 * delta_n2 * m2 +
            delta * (delta * delta2 - delta_n * delta_n2);
    s->m3 = m3;
    s->m2 = m2;
    s->mean += delta_n;
    s->n = count;
}

static ch_status update_moment(const ch_call *call, uint8_t *const *state, bool one_group,
                               ch_arena *extra, ch_error *err)
{
    ch_column *c;
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    const double *x = c->data;
    if (x)
        CH_AGG_EACH(moment_state, c, call->rows, state, one_group, { add_moment(s, x[i]); });
    ch_column_unref(c);
    return CH_OK;
}

static void add_moments(moment_state *a, const moment_state *b)
{
    if (b->n == 0)
        return;
    double n1 = a->n, n2 = b->n, count = n1 + n2, delta = b->mean - a->mean;
    double delta_n = count == 0 ? 0 : delta / count;
    double m2 = a->m2 + b->m2 + delta * delta_n * n1 * n2;
    double m3 = a->m3 + b->m3 + delta_n * delta_n * delta * n1 * n2 * (n1 - n2) +
                3.0 * delta_n * (n1 * b->m2 - n2 * a->m2);
    a->m4 = a->m4 + b->m4 +
            delta_n * delta_n * delta_n * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2) +
            6.0 * delta_n * delta_n * (n1 * n1 * b->m2 + n2 * n2 * a->m2) +
            4.0 * delta_n * (n1 * b->m3 - n2 * a->m3);
    a->mean += delta_n * n2;
    a->m2 = m2;
    a->m3 = m3;
    a->n = count;
}

static ch_status merge_moment(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                              int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        add_moments((moment_state *)(void *)into[i], (const moment_state *)(void *)from[i]);
    return CH_OK;
}

/* false: NULL */
static bool moment_value(const char *name, const moment_state *s, double *out)
{
    if (s->n == 0)
        return false;
    if (strcmp(name, "skewness") == 0) {
        if (s->m2 == 0)
            return false;
        *out = sqrt(s->n) * s->m3 / sqrt(s->m2 * s->m2 * s->m2);
        return true;
    }
    if (strcmp(name, "kurtosis") == 0) {
        if (s->m2 == 0)
            return false;
        *out = s->n * s->m4 / (s->m2 * s->m2) - 3.0;
        return true;
    }
    bool pop = strcmp(name, "stddev_pop") == 0 || strcmp(name, "var_pop") == 0;
    if (!pop && s->n == 1)
        return false;
    *out = s->m2 / (pop ? s->n : s->n - 1);
    if (name[0] == 's')
        *out = sqrt(*out);
    return true;
}

static ch_status result_moment(const ch_call *call, uint8_t *const *state, int64_t n,
                               ch_column **out, ch_error *err)
{
    double *r = (*out)->data;
    for (int64_t i = 0; i < n; i++) {
        r[i] = 0;
        if (!moment_value(call->func->name, (const moment_state *)(void *)state[i], &r[i]))
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static void add_pair(pair_state *s, double x, double y)
{
    double n = s->n + 1, dx = x - s->x, dy = y - s->y, dxn = dx / n, dyn = dy / n;
    s->ck += dx * (y - (s->y + dyn));
    s->xm += dx * (x - (s->x + dxn));
    s->ym += dy * (y - (s->y + dyn));
    s->x += dxn;
    s->y += dyn;
    s->n = n;
}

static void add_pairs(pair_state *a, const pair_state *b)
{
    if (b->n == 0)
        return;
    double n1 = a->n, n2 = b->n, count = n1 + n2;
    double dx = b->x - a->x, dxn = count == 0 ? 0 : dx / count;
    double dy = b->y - a->y, dyn = count == 0 ? 0 : dy / count;
    a->ck = a->ck + b->ck + dx * dyn * n1 * n2;
    a->xm = a->xm + b->xm + dx * dxn * n1 * n2;
    a->ym = a->ym + b->ym + dy * dyn * n1 * n2;
    a->x += dxn * n2;
    a->y += dyn * n2;
    a->n = count;
}

/* What a row with two values adds to a state. */
typedef void (*add_row)(uint8_t *state, double first, double second);

static ch_status update_rows(const ch_call *call, uint8_t *const *state, bool one_group,
                             add_row add, ch_error *err)
{
    ch_column *cx = NULL, *cy = NULL;
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_agg_flat(call, 0, &cx, err));
    CH_TRY_OUT(ch_agg_flat(call, 1, &cy, err));
    for (int64_t i = 0; i < call->rows; i++)
        if (!ch_column_is_null(cx, i) && !ch_column_is_null(cy, i))
            add(state[one_group ? 0 : i], ((const double *)cx->data)[i],
                ((const double *)cy->data)[i]);
out:
    ch_column_unref(cx);
    ch_column_unref(cy);
    return status;
}

static void add_to_pair(uint8_t *state, double x, double y)
{
    add_pair((pair_state *)(void *)state, x, y);
}

static ch_status update_pair(const ch_call *call, uint8_t *const *state, bool one_group,
                             ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    return update_rows(call, state, one_group, add_to_pair, err);
}

static ch_status merge_pair(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        add_pairs((pair_state *)(void *)into[i], (const pair_state *)(void *)from[i]);
    return CH_OK;
}

static ch_status result_pair(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    double *r = (*out)->data;
    const char *name = call->func->name;
    bool corr = strcmp(name, "corr") == 0, pop = strcmp(name, "covar_pop") == 0;
    for (int64_t i = 0; i < n; i++) {
        const pair_state *s = (const pair_state *)(void *)state[i];
        r[i] = corr ? s->ck / sqrt(s->xm * s->ym) : pop ? s->ck / s->n : s->ck / (s->n - 1);
        if (s->n == 0 || (!pop && s->n == 1))
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* ---- regression of y, the first argument, by x ---- */

typedef struct regression_state {
    double sum_y, sum_x;
    moment_state y, x;
    pair_state yx, xy; /* which of two comes first decides the last digit of their covariance */
} regression_state;

static void add_to_regression(uint8_t *state, double y, double x)
{
    regression_state *s = (regression_state *)(void *)state;
    s->sum_y += y;
    s->sum_x += x;
    add_moment(&s->y, y);
    add_moment(&s->x, x);
    add_pair(&s->yx, y, x);
    add_pair(&s->xy, x, y);
}

static ch_status update_regression(const ch_call *call, uint8_t *const *state, bool one_group,
                                   ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    return update_rows(call, state, one_group, add_to_regression, err);
}

static ch_status merge_regression(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                                  int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        regression_state *a = (regression_state *)(void *)into[i];
        const regression_state *b = (const regression_state *)(void *)from[i];
        a->sum_y += b->sum_y;
        a->sum_x += b->sum_x;
        add_moments(&a->y, &b->y);
        add_moments(&a->x, &b->x);
        add_pairs(&a->yx, &b->yx);
        add_pairs(&a->xy, &b->xy);
    }
    return CH_OK;
}

/* false: NULL */
static bool regression_value(const char *name, const regression_state *s, double *out)
{
    double n = s->x.n;
    if (n == 0)
        return false;
    if (strcmp(name, "avgx") == 0 || strcmp(name, "avgy") == 0) {
        *out = (name[3] == 'x' ? s->sum_x : s->sum_y) / n;
    } else if (strcmp(name, "sxx") == 0 || strcmp(name, "syy") == 0) {
        *out = (name[1] == 'x' ? &s->x : &s->y)->m2;
    } else if (strcmp(name, "sxy") == 0) {
        *out = s->yx.ck;
    } else if (strcmp(name, "r2") == 0) {
        double r = s->yx.ck / sqrt(s->yx.xm * s->yx.ym);
        if (s->yx.ym == 0)
            return false;
        *out = s->yx.xm == 0 ? 1.0 : r * r;
    } else { /* slope, intercept */
        if (s->x.m2 == 0)
            return false;
        double slope = s->xy.ck / s->x.m2;
        *out = name[0] == 's' ? slope : s->xy.y - slope * s->xy.x;
    }
    return true;
}

static ch_status result_regression(const ch_call *call, uint8_t *const *state, int64_t n,
                                   ch_column **out, ch_error *err)
{
    const char *name = call->func->name + strlen("regr_");
    for (int64_t i = 0; i < n; i++) {
        const regression_state *s = (const regression_state *)(void *)state[i];
        double *r = (double *)(*out)->data + i;
        if (strcmp(name, "count") == 0) {
            ((int64_t *)(*out)->data)[i] = (int64_t)s->x.n;
            continue;
        }
        *r = 0;
        if (!regression_value(name, s, r))
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static const ch_agg MOMENT = {.state_bytes = sizeof(moment_state),
                              .update = update_moment,
                              .merge = merge_moment,
                              .result = result_moment};
static const ch_agg PAIR = {.state_bytes = sizeof(pair_state),
                            .update = update_pair,
                            .merge = merge_pair,
                            .result = result_pair};

static const ch_agg REGRESSION = {.state_bytes = sizeof(regression_state),
                                  .update = update_regression,
                                  .merge = merge_regression,
                                  .result = result_regression};

#define FLAGS CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL
#define ONE(fn, text, want)                                                                 \
    {                                                                                       \
        .name = fn, .sig = "double -> double", .agg = &MOMENT, .flags = FLAGS, .doc = text, \
        .example = "SELECT " fn "(x) FROM VALUES (1), (2), (3) t(x)", .expect = want,       \
        .since = "0.1"                                                                      \
    }
#define TWO(fn, text, want)                                                                       \
    {                                                                                             \
        .name = fn, .sig = "double, double -> double", .agg = &PAIR, .flags = FLAGS, .doc = text, \
        .example = "SELECT " fn "(x, y) FROM VALUES (1, 2), (2, 4), (3, 6) t(x, y)",              \
        .expect = want, .since = "0.1"                                                            \
    }

#define REGR(fn, gives, null, text, want)                                            \
    {                                                                                \
        .name = fn, .sig = "double, double -> " gives, .agg = &REGRESSION,           \
        .flags = CH_FUNC_AGGREGATE | null, .doc = text,                              \
        .example = "SELECT " fn "(y, x) FROM VALUES (1, 2), (2, 4), (3, 6) t(y, x)", \
        .expect = want, .since = "0.1"                                               \
    }

const ch_func ch_func_agg_moment[] = {
    ONE("stddev", "Standard deviation of a sample.", "1.0"),
    ONE("std", "Standard deviation of a sample.", "1.0"),
    ONE("stddev_samp", "Standard deviation of a sample.", "1.0"),
    ONE("stddev_pop", "Standard deviation of a population.", "0.816496580927726"),
    ONE("variance", "Variance of a sample.", "1.0"),
    ONE("var_samp", "Variance of a sample.", "1.0"),
    ONE("var_pop", "Variance of a population.", "0.6666666666666666"),
    ONE("skewness", "Skewness.", "0.0"),
    ONE("kurtosis", "Excess kurtosis.", "-1.5"),
    TWO("corr", "Pearson's correlation.", "1.0"),
    TWO("covar_samp", "Covariance of a sample.", "2.0"),
    TWO("covar_pop", "Covariance of a population.", "1.3333333333333333"),
    REGR("regr_count", "bigint", CH_FUNC_NEVER_NULL, "Rows where neither y nor x is NULL.", "3"),
    REGR("regr_avgx", "double", CH_FUNC_MAKES_NULL, "Average of x.", "4.0"),
    REGR("regr_avgy", "double", CH_FUNC_MAKES_NULL, "Average of y.", "2.0"),
    REGR("regr_sxx", "double", CH_FUNC_MAKES_NULL, "Sum of the squares of x about its average.",
         "8.0"),
    REGR("regr_syy", "double", CH_FUNC_MAKES_NULL, "Sum of the squares of y about its average.",
         "2.0"),
    REGR("regr_sxy", "double", CH_FUNC_MAKES_NULL,
         "Sum of the products of both about their averages.", "4.0"),
    REGR("regr_slope", "double", CH_FUNC_MAKES_NULL, "Slope of the line that fits best.", "0.5"),
    REGR("regr_intercept", "double", CH_FUNC_MAKES_NULL,
         "Where the line that fits best meets x = 0.", "0.0"),
    REGR("regr_r2", "double", CH_FUNC_MAKES_NULL, "How well the line fits, 0 to 1.", "1.0"),
    CH_FUNC_END,
};
