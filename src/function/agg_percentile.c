/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_percentile.c - percentile, median, percentile_cont, percentile_disc, percentile_approx, approx_percentile,
 * approx_count_distinct.
 *
 * percentile and median interpolate between the sorted values. percentile_approx gives a value
 * that is there: the first whose rank reaches the percentage; its accuracy is exact here, whatever
 * is asked for. approx_count_distinct is Spark's HyperLogLog++ with 2^p registers of one byte
 * (Heule, Nunkesser, Hall, 2013), with linear counting for small numbers.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/digest.h"
#include "column/textout.h"
#include "function/agg.h"
#include "kernel/compare.h"

/* ---- percentiles: all values as doubles ---- */

typedef struct values_state {
    double *v; /* in extra; weighted: of every two, the second is the first one's frequency */
    int64_t n, cap;
} values_state;

typedef struct percentile_rule {
    double *at; /* percentages */
    int32_t n;
    int32_t value; /* the argument that holds the values */
    bool array;
    bool approx;     /* a value that is there, not one between two */
    bool weighted;   /* the third argument says how often a value counts */
    bool descending; /* the largest value first */
} percentile_rule;

static ch_status room_for(values_state *s, int64_t more, ch_arena *extra, ch_error *err)
{
    if (s->n + more <= s->cap)
        return CH_OK;
    int64_t cap = s->cap ? s->cap * 2 : 8;
    while (cap < s->n + more)
        cap *= 2;
    double *v;
    CH_ARENA_ARRAY(v, extra, cap, err);
    if (s->n)
        memcpy(v, s->v, sizeof *v * (size_t)s->n);
    s->v = v;
    s->cap = cap;
    return CH_OK;
}

static double value_of(const ch_column *c, int64_t i)
{
    switch (c->type->id) {
    case CH_BYTE:
        return ((const int8_t *)c->data)[i];
    case CH_SHORT:
        return ((const int16_t *)c->data)[i];
    case CH_INT:
    case CH_DATE:
    case CH_YEAR_MONTH_INTERVAL:
        return ((const int32_t *)c->data)[i];
    case CH_FLOAT:
        return (double)((const float *)c->data)[i];
    case CH_DOUBLE:
        return ((const double *)c->data)[i];
    default:
        return (double)((const int64_t *)c->data)[i];
    }
}

static ch_status update_values(const ch_call *call, uint8_t *const *state, bool one_group,
                               ch_arena *extra, ch_error *err)
{
    const percentile_rule *rule = call->data;
    ch_column *c = NULL, *weight = NULL;
    ch_status status = CH_OK;
    CH_TRY_OUT(ch_agg_flat(call, rule->value, &c, err));
    if (rule->weighted)
        CH_TRY_OUT(ch_agg_flat(call, 2, &weight, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(c, i) || (weight && ch_column_is_null(weight, i)))
            continue;
        values_state *s = (values_state *)(void *)state[one_group ? 0 : i];
        int64_t times = weight ? ((const int64_t *)weight->data)[i] : 1;
        if (times < 0) {
            status = ch_error_set(err, CH_E_NEGATIVE_FREQUENCY, "frequencyExpression",
                                  "the third argument of percentile", "negativeValue",
                                  CH_I64(times), (const char *)0);
            goto out;
        }
        if (times == 0)
            continue;
        CH_TRY_OUT(room_for(s, 2, extra, err));
        s->v[s->n++] = value_of(c, i);
        if (weight)
            s->v[s->n++] = (double)times;
    }
out:
    ch_column_unref(c);
    ch_column_unref(weight);
    return status;
}

static ch_status merge_values(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                              int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    for (int64_t i = 0; i < n; i++) {
        values_state *s = (values_state *)(void *)into[i];
        const values_state *f = (const values_state *)(void *)from[i];
        if (!f->n)
            continue;
        CH_TRY(room_for(s, f->n, extra, err));
        memcpy(s->v + s->n, f->v, sizeof *s->v * (size_t)f->n);
        s->n += f->n;
    }
    return CH_OK;
}

static int by_value(const void *a, const void *b)
{
    return ch_compare_f64(*(const double *)a, *(const double *)b);
}

static int by_value_down(const void *a, const void *b)
{
    return ch_compare_f64(*(const double *)b, *(const double *)a);
}

/* Sorts; weighted: the frequencies become running sums, until disarrange(). Gives how many values there are. */
static double arrange(const values_state *s, const percentile_rule *rule)
{
    size_t width = rule->weighted ? 2 : 1;
    if (s->n)
        qsort(s->v, (size_t)s->n / width, sizeof *s->v * width,
              rule->descending ? by_value_down : by_value);
    for (int64_t i = 3; rule->weighted && i < s->n; i += 2)
        s->v[i] += s->v[i - 2];
    return rule->weighted && s->n ? s->v[s->n - 1] : (double)s->n;
}

/* A window that grows takes its result again and again: frequencies are what they were. */
static void disarrange(const values_state *s, const percentile_rule *rule)
{
    for (int64_t i = s->n - 1; rule->weighted && i > 1; i -= 2)
        s->v[i] -= s->v[i - 2];
}

/* The value at a place from 0 on. */
static double value_at(const values_state *s, const percentile_rule *rule, double place)
{
    if (!rule->weighted)
        return s->v[(int64_t)place];
    int64_t low = 0, high = s->n / 2 - 1;
    while (low < high) { /* the first whose running sum is beyond the place */
        int64_t middle = (low + high) / 2;
        if (s->v[2 * middle + 1] > place)
            high = middle;
        else
            low = middle + 1;
    }
    return s->v[2 * low];
}

static double percentile(const values_state *s, const percentile_rule *rule, double count,
                         double at)
{
    if (rule->approx) {
        double rank = ceil(at * count);
        return value_at(s, rule, rank < 1 ? 0 : rank - 1);
    }
    double place = at * (count - 1), low = floor(place), high = ceil(place);
    double a = value_at(s, rule, low), b = value_at(s, rule, high);
    return low == high || a == b ? a : (high - place) * a + (place - low) * b;
}

static void put_value(ch_column *c, int64_t i, double v)
{
    switch (c->type->id) {
    case CH_BYTE:
        ((int8_t *)c->data)[i] = (int8_t)v;
        break;
    case CH_SHORT:
        ((int16_t *)c->data)[i] = (int16_t)v;
        break;
    case CH_INT:
    case CH_DATE:
    case CH_YEAR_MONTH_INTERVAL:
        ((int32_t *)c->data)[i] = (int32_t)v;
        break;
    case CH_FLOAT:
        ((float *)c->data)[i] = (float)v;
        break;
    case CH_DOUBLE:
        ((double *)c->data)[i] = v;
        break;
    default:
        ((int64_t *)c->data)[i] = (int64_t)v;
    }
}

static ch_status result_values(const ch_call *call, uint8_t *const *state, int64_t n,
                               ch_column **out, ch_error *err)
{
    const percentile_rule *rule = call->data;
    ch_column *item = *out;
    if (rule->array) {
        if (!*out)
            CH_TRY(ch_column_new(call->mem, call->result, n, out, err));
        CH_TRY(ch_column_new(call->mem, call->result->field[0].type, n * rule->n, &(*out)->child[0],
                             err));
        item = (*out)->child[0];
    }
    for (int64_t i = 0; i < n; i++) {
        const values_state *s = (const values_state *)(void *)state[i];
        double count = arrange(s, rule);
        if (!s->n)
            CH_TRY(ch_set_null(*out, i, err));
        for (int32_t k = 0; k < rule->n; k++)
            put_value(item, i * rule->n + k, s->n ? percentile(s, rule, count, rule->at[k]) : 0);
        disarrange(s, rule);
        if (rule->array)
            ((int32_t *)(*out)->data)[i + 1] = (int32_t)((i + 1) * rule->n);
    }
    return CH_OK;
}

static ch_status save_values(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                             ch_error *err)
{
    ch_textout w;
    CH_UNUSED(call);
    ch_textout_init(&w, out);
    for (int64_t i = 0; i < n; i++) {
        const values_state *s = (const values_state *)(void *)state[i];
        CH_TRY(ch_textout_put(&w, i, s->v ? (const char *)s->v : "", s->n * (int64_t)sizeof(double),
                              err));
    }
    return CH_OK;
}

static ch_status load_values(const ch_call *call, const ch_column *in, uint8_t *const *state,
                             int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    for (int64_t i = 0; i < n; i++) {
        values_state *s = (values_state *)(void *)state[i];
        ch_str bytes = ch_column_str(in, i);
        *s = (values_state){0};
        CH_TRY(room_for(s, bytes.len / (int64_t)sizeof(double), extra, err));
        if (bytes.len)
            memcpy(s->v, bytes.text, (size_t)bytes.len);
        s->n = bytes.len / (int64_t)sizeof(double);
    }
    return CH_OK;
}

static const ch_agg VALUES = {.state_bytes = sizeof(values_state),
                              .update = update_values,
                              .merge = merge_values,
                              .result = result_values,
                              .save = save_values,
                              .load = load_values};

static bool number_of(const ch_scalar *v, double *out)
{
    if (v->is_null)
        return false;
    if (v->type->id == CH_DECIMAL) {
        ch_i128 n = v->type->precision > 18 ? v->v.i128 : v->v.i64;
        *out = (double)n / pow(10, v->type->scale);
    } else if (v->type->id == CH_DOUBLE || v->type->id == CH_FLOAT) {
        *out = v->v.f64;
    } else if (ch_type_is_integral(v->type)) {
        *out = (double)v->v.i64;
    } else {
        return false;
    }
    return true;
}

static ch_status find_percentages(ch_bind *bind, int32_t arg, percentile_rule *rule, ch_error *err)
{
    const ch_scalar *p = ch_bind_constant(bind, arg);
    char sql[256], text[256];
    snprintf(sql, sizeof sql, "\"%s\"", ch_bind_sql(bind));
    snprintf(text, sizeof text, "\"%s\"", ch_bind_arg_sql(bind, arg));
    if (!p)
        CH_FAIL(err, DATATYPE_NON_FOLDABLE, "sqlExpr", sql, "inputName", "`percentage`",
                "inputType", "\"DOUBLE\"", "inputExpr", text);
    if (p->is_null)
        return ch_bind_wrong_type(bind, arg, "a constant percentage", err);
    rule->array = p->type->id == CH_ARRAY;
    rule->n = rule->array ? (int32_t)p->v.list.n : 1;
    if (!(rule->at = ch_arena_alloc(bind->arena, sizeof(double) * (size_t)(rule->n + 1), err)))
        return CH_E_MEMORY;
    for (int32_t k = 0; k < rule->n; k++) {
        const ch_scalar *one = rule->array ? &p->v.list.item[k] : p;
        if (!number_of(one, &rule->at[k]))
            return ch_bind_wrong_type(bind, arg, "a percentage", err);
        if (!(rule->at[k] >= 0 && rule->at[k] <= 1))
            CH_FAIL(err, DATATYPE_VALUE_OUT_OF_RANGE, "sqlExpr", sql, "exprName", "percentage",
                    "valueRange", "[0.0, 1.0]", "currentValue", text);
    }
    return CH_OK;
}

/*
 * percentile(x, p or array of p [, frequency]), median(x), percentile_approx(x, p [, accuracy]),
 * percentile_cont(p) and percentile_disc(p) WITHIN GROUP (ORDER BY x)
 */
static ch_status bind_percentile(ch_bind *bind, ch_error *err)
{
    const char *name = bind->func->name;
    bool median = name[0] == 'm', approx = strstr(name, "approx") != NULL;
    bool within = bind->func->flags & CH_FUNC_WITHIN_GROUP;
    int32_t least = median || within ? 1 : 2, most = median || within ? 1 : 3;
    int32_t plain = bind->n_args - bind->n_keys;
    if (plain < least || plain > most)
        return ch_bind_count(bind, least == most ? "1" : "[2, 3]", err);
    percentile_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    *rule = (percentile_rule){.n = 1, .value = within ? 1 : 0, .weighted = !approx && plain == 3};
    rule->approx = approx || strcmp(name, "percentile_disc") == 0;
    rule->descending = within && bind->key[0].descending;
    const ch_type *t = bind->arg_type[rule->value];
    bool kept = t->id == CH_YEAR_MONTH_INTERVAL || t->id == CH_DAY_TIME_INTERVAL ||
                (approx && (ch_type_is_integral(t) || t->id == CH_FLOAT || t->id == CH_DOUBLE ||
                            t->id == CH_DATE || t->id == CH_TIMESTAMP));
    if (!kept)
        CH_TRY(ch_bind_cast(bind, rule->value, t = CH_T_DOUBLE, err));
    if (rule->weighted) {
        if (!ch_type_is_integral(bind->arg_type[2]))
            return ch_bind_wrong_type(bind, 2, "INTEGRAL", err);
        CH_TRY(ch_bind_cast(bind, 2, CH_T_LONG, err));
    }
    if (median) {
        if (!(rule->at = ch_arena_alloc(bind->arena, sizeof(double), err)))
            return CH_E_MEMORY;
        rule->at[0] = 0.5;
    } else {
        CH_TRY(find_percentages(bind, 1 - rule->value, rule, err));
    }
    bind->data = rule;
    bind->result = rule->array ? ch_type_array(t, false) : t;
    bind->nullable = true;
    return bind->result ? CH_OK : CH_E_MEMORY;
}

/* ---- approx_count_distinct ---- */

enum { HLL_P = 9, HLL_M = 1 << HLL_P }; /* what Spark takes for its default error of 5 % */

static ch_status update_hll(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    ch_column *c;
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    for (int64_t i = 0; i < call->rows; i++) {
        if (ch_column_is_null(c, i))
            continue;
        uint64_t h;
        if (ch_type_is_view(c->type)) {
            ch_str s = ch_column_str(c, i);
            h = ch_spark_xxh_bytes(s.text, (size_t)s.len, 42);
        } else if (c->type->id == CH_DOUBLE || c->type->id == CH_FLOAT) {
            double v = value_of(c, i);
            uint64_t bits;
            v = v == 0 ? 0 : v;
            memcpy(&bits, &v, sizeof bits);
            if (c->type->id == CH_FLOAT) {
                float f = (float)v;
                uint32_t small;
                memcpy(&small, &f, sizeof small);
                h = ch_spark_xxh_int(v != v ? 0x7fc00000U : small, 42);
            } else {
                h = ch_spark_xxh_long(v != v ? UINT64_C(0x7ff8000000000000) : bits, 42);
            }
        } else if (c->type->id == CH_BOOLEAN) {
            h = ch_spark_xxh_int(ch_bit_get(c->data, i), 42);
        } else if (ch_type_width(c->type) == 8) {
            h = ch_spark_xxh_long(((const uint64_t *)c->data)[i], 42);
        } else if (ch_type_width(c->type) == 16) {
            h = ch_spark_xxh_bytes((const ch_i128 *)c->data + i, 16, 42);
        } else {
            h = ch_spark_xxh_int((uint32_t)(int32_t)value_of(c, i), 42);
        }
        uint8_t *reg = state[one_group ? 0 : i];
        uint64_t rest = h << HLL_P | UINT64_C(1) << (HLL_P - 1);
        uint8_t rank = (uint8_t)(__builtin_clzll(rest) + 1);
        uint32_t at = (uint32_t)(h >> (64 - HLL_P));
        reg[at] = reg[at] < rank ? rank : reg[at];
    }
    ch_column_unref(c);
    return CH_OK;
}

static ch_status merge_hll(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++)
        for (int k = 0; k < HLL_M; k++)
            into[i][k] = into[i][k] < from[i][k] ? from[i][k] : into[i][k];
    return CH_OK;
}

static ch_status result_hll(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                            ch_error *err)
{
    int64_t *r = (*out)->data;
    CH_UNUSED(call);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        double sum = 0, zeros = 0, m = HLL_M;
        for (int k = 0; k < HLL_M; k++) {
            sum += ldexp(1.0, -state[i][k]);
            zeros += state[i][k] == 0;
        }
        double estimate = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
        double linear = zeros > 0 ? m * log(m / zeros) : INFINITY;
        r[i] = (int64_t)nearbyint(linear <= 400.0 || (linear < 2.5 * m && zeros > 0) ? linear
                                                                                     : estimate);
    }
    return CH_OK;
}

static const ch_agg HLL = {.state_bytes = HLL_M,
                           .update = update_hll,
                           .merge = merge_hll,
                           .result = result_hll,
                           .ignores_distinct = true};

static ch_status bind_hll(ch_bind *bind, ch_error *err)
{
    if (bind->n_args < 1 || bind->n_args > 2)
        return ch_bind_count(bind, "[1, 2]", err);
    if (ch_type_is_nested(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "ATOMIC", err);
    bind->result = CH_T_LONG;
    bind->nullable = false;
    return CH_OK;
}

#define ROW(fn, text, ex, want)                                                            \
    {                                                                                      \
        .name = fn, .bind = bind_percentile, .agg = &VALUES,                               \
        .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL, .doc = text,                      \
        .example = "SELECT " ex " FROM VALUES (0), (10), (20), (30) t(x)", .expect = want, \
        .since = "0.1"                                                                     \
    }

const ch_func ch_func_agg_percentile[] = {
    ROW("percentile", "The value below which a part of the values lies, interpolated.",
        "percentile(x, 0.3)", "9.0"),
    ROW("median", "The value in the middle, interpolated.", "median(x)", "15.0"),
    {.name = "percentile_cont",
     .bind = bind_percentile,
     .agg = &VALUES,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_WITHIN_GROUP,
     .doc = "The value below which a part of the values lies, interpolated.",
     .example =
         "SELECT percentile_cont(0.3) WITHIN GROUP (ORDER BY x) FROM VALUES (0), (10), (20), (30) t(x)",
     .expect = "9.0",
     .since = "0.1"},
    {.name = "percentile_disc",
     .bind = bind_percentile,
     .agg = &VALUES,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_WITHIN_GROUP,
     .doc = "The first value that has a part of the values up to it.",
     .example =
         "SELECT percentile_disc(0.3) WITHIN GROUP (ORDER BY x) FROM VALUES (0), (10), (20), (30) t(x)",
     .expect = "10.0",
     .since = "0.1"},
    ROW("percentile_approx", "A value below which a part of the values lies.",
        "percentile_approx(x, 0.5)", "10"),
    ROW("approx_percentile", "A value below which a part of the values lies.",
        "approx_percentile(x, array(0.25, 0.75))", "[0, 20]"),
    {.name = "approx_count_distinct",
     .bind = bind_hll,
     .agg = &HLL,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL,
     .doc = "About how many distinct values, within 5 %.",
     .example = "SELECT approx_count_distinct(x) FROM VALUES (1), (1), (2), (2), (3) t(x)",
     .expect = "3",
     .since = "0.1"},
    CH_FUNC_END,
};
