/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_moment.c - variance, standard deviation, skewness, kurtosis, covariance, correlation.
 *
 * Updates and merges are Spark's CentralMomentAgg and Covariance to the letter (Chan, Golub,
 * LeVeque; Pebay), so that results agree in the last digit for one partition.
 *
 *   one variable   n, mean, m2, m3, m4     two   n, mean x, mean y, ck, mk x, mk y
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

static ch_status merge_moment(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                              int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        moment_state *a = (moment_state *)(void *)into[i];
        const moment_state *b = (const moment_state *)(void *)from[i];
        if (b->n == 0)
            continue;
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

static ch_status update_pair(const ch_call *call, uint8_t *const *state, bool one_group,
                             ch_arena *extra, ch_error *err)
{
    ch_column *cx = NULL, *cy = NULL;
    ch_status status = CH_OK;
    CH_UNUSED(extra);
    CH_TRY_OUT(ch_agg_flat(call, 0, &cx, err));
    CH_TRY_OUT(ch_agg_flat(call, 1, &cy, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(cx, i) || ch_column_is_null(cy, i))
            continue;
        pair_state *s = (pair_state *)(void *)state[one_group ? 0 : i];
        double x = ((const double *)cx->data)[i], y = ((const double *)cy->data)[i];
        double n = s->n + 1, dx = x - s->x, dy = y - s->y, dxn = dx / n, dyn = dy / n;
        s->ck += dx * (y - (s->y + dyn));
        s->xm += dx * (x - (s->x + dxn));
        s->ym += dy * (y - (s->y + dyn));
        s->x += dxn;
        s->y += dyn;
        s->n = n;
    }
out:
    ch_column_unref(cx);
    ch_column_unref(cy);
    return status;
}

static ch_status merge_pair(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        pair_state *a = (pair_state *)(void *)into[i];
        const pair_state *b = (const pair_state *)(void *)from[i];
        if (b->n == 0)
            continue;
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

static const ch_agg MOMENT = {.state_bytes = sizeof(moment_state),
                              .update = update_moment,
                              .merge = merge_moment,
                              .result = result_moment};
static const ch_agg PAIR = {.state_bytes = sizeof(pair_state),
                            .update = update_pair,
                            .merge = merge_pair,
                            .result = result_pair};

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
    CH_FUNC_END,
};
