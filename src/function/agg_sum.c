/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_sum.c - sum, avg, mean, try_sum, try_avg.
 *
 *   integers          sum int64, checked: overflow is an error, NULL (try_sum), or wraps (ANSI off)
 *   FLOAT, DOUBLE     sum double, added in the order of rows
 *   DECIMAL(p, s)     sum DECIMAL(p + 10, s); avg DECIMAL(p + 4, s + 4); both at most 38
 *   intervals         as integers
 * avg of integers adds doubles, as Spark does.
 */
#include "function/agg.h"
#include "type/decimal.h"

enum { SEEN = 1, TOO_LARGE = 2 };

typedef struct int_state {
    int64_t sum, flags;
} int_state;
typedef struct real_state {
    double sum;
    int64_t n;
} real_state;
typedef struct dec_state {
    ch_agg_i128 sum;
    int64_t n; /* -1: does not fit */
} dec_state;

/* bind's data: what to do when it does not fit, and whether it is an average. */
typedef struct sum_rule {
    bool ansi, try, avg;
    bool wide; /* bigint, added in 128 bits; only the whole must fit */
} sum_rule;

static ch_status too_large(const ch_call *call, ch_error *err)
{
    bool interval =
        call->result->id == CH_DAY_TIME_INTERVAL || call->result->id == CH_YEAR_MONTH_INTERVAL;
    if (interval)
        CH_FAIL(err, INTERVAL_OVERFLOW);
    CH_FAIL(err, ARITHMETIC_OVERFLOW, "message", "long overflow", "alternative",
            " Use 'try_sum' to tolerate overflow and return NULL instead.", "config",
            CH_CONFIG_ANSI);
}

static ch_status add_checked(const ch_call *call, int_state *s, int64_t more, ch_error *err)
{
    const sum_rule *rule = call->data;
    int64_t sum;
    if (__builtin_add_overflow(s->sum, more, &sum)) {
        if (rule->ansi && !rule->try)
            return too_large(call, err);
        if (rule->try)
            s->flags |= TOO_LARGE;
    }
    s->sum = sum;
    s->flags |= SEEN;
    return CH_OK;
}

/* Values of up to 32 bits: a batch's sum fits 64 bits, so one group needs one check only. */
#define SUM_SMALL(T)                                                                              \
    do {                                                                                          \
        const T *x = c->data;                                                                     \
        if (one_group) {                                                                          \
            int64_t total = 0, seen = 0;                                                          \
            if (!c->valid) {                                                                      \
                for (int64_t i = 0; i < rows; i++)                                                \
                    total += x[i];                                                                \
                seen = rows;                                                                      \
            } else {                                                                              \
                for (int64_t i = 0; i < rows; i++)                                                \
                    total += ch_bit_get(c->valid, i) ? x[i] : 0;                                  \
                seen = ch_bits_count(c->valid, rows);                                             \
            }                                                                                     \
            status = seen ? add_checked(call, (int_state *)(void *)state[0], total, err) : CH_OK; \
        } else {                                                                                  \
            SUM_EACH(T);                                                                          \
        }                                                                                         \
    } while (0)

/* Overflow is noted without branching; the rare case is looked at afterwards. */
#define SUM_EACH(T)                                                            \
    do {                                                                       \
        const T *v = c->data;                                                  \
        int bad = 0;                                                           \
        CH_AGG_EACH(int_state, c, rows, state, one_group, {                    \
            int over = __builtin_add_overflow(s->sum, (int64_t)v[i], &s->sum); \
            bad |= over;                                                       \
            s->flags |= over ? SEEN | TOO_LARGE : SEEN;                        \
        });                                                                    \
        if (bad && rule->ansi && !rule->try)                                   \
            status = too_large(call, err);                                     \
    } while (0)

static ch_status update_int(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    ch_column *c;
    const sum_rule *rule = call->data;
    int64_t rows = call->rows;
    ch_status status = CH_OK;
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    switch (ch_type_width(c->type)) {
    case 1:
        SUM_SMALL(int8_t);
        break;
    case 2:
        SUM_SMALL(int16_t);
        break;
    case 4:
        SUM_SMALL(int32_t);
        break;
    case 8:
        SUM_EACH(int64_t);
        break;
    default:
        break; /* NULL */
    }
    ch_column_unref(c);
    return status;
}

#define ADD_REAL(T)                                          \
    do {                                                     \
        const T *x = c->data;                                \
        CH_AGG_EACH(real_state, c, rows, state, one_group, { \
            s->sum += (double)x[i];                          \
            s->n++;                                          \
        });                                                  \
    } while (0)

static ch_status update_real(const ch_call *call, uint8_t *const *state, bool one_group,
                             ch_arena *extra, ch_error *err)
{
    ch_column *c;
    int64_t rows = call->rows;
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    switch (c->type->id) {
    case CH_BYTE:
        ADD_REAL(int8_t);
        break;
    case CH_SHORT:
        ADD_REAL(int16_t);
        break;
    case CH_INT:
        ADD_REAL(int32_t);
        break;
    case CH_LONG:
        ADD_REAL(int64_t);
        break;
    case CH_FLOAT:
        ADD_REAL(float);
        break;
    case CH_DOUBLE:
        ADD_REAL(double);
        break;
    default:
        break;
    }
    ch_column_unref(c);
    return CH_OK;
}

/* Values of 64 bits: a sum of fewer than 2^63 of them fits 128, so nothing is checked. */
#define ADD_NARROW(T)                                                                            \
    do {                                                                                         \
        const T *x = c->data;                                                                    \
        if (one_group && !c->valid) {                                                            \
            dec_state *s = (dec_state *)(void *)state[0];                                        \
            ch_i128 total = 0;                                                                   \
            for (int64_t i = 0; i < rows; i++)                                                   \
                total += x[i];                                                                   \
            ch_agg_put128(&s->sum, (ch_i128)((ch_u128)ch_agg_get128(&s->sum) + (ch_u128)total)); \
            s->n = s->n < 0 ? -1 : s->n + rows;                                                  \
            break;                                                                               \
        }                                                                                        \
        CH_AGG_EACH(dec_state, c, rows, state, one_group, {                                      \
            ch_u128 sum = (ch_u128)ch_agg_get128(&s->sum) + (ch_u128)(ch_i128)x[i];              \
            ch_agg_put128(&s->sum, (ch_i128)sum);                                                \
            s->n += s->n >= 0;                                                                   \
        });                                                                                      \
    } while (0)

/* Sums of 10^10 values of the type fit its sum type; only p > 28 can pass 38 digits. */
#define ADD_DEC(T)                                                                          \
    do {                                                                                    \
        const T *x = c->data;                                                               \
        CH_AGG_EACH(dec_state, c, rows, state, one_group, {                                 \
            ch_i128 sum;                                                                    \
            bool bad = __builtin_add_overflow(ch_agg_get128(&s->sum), (ch_i128)x[i], &sum); \
            ch_agg_put128(&s->sum, sum);                                                    \
            s->n = s->n < 0 || bad ? -1 : s->n + 1;                                         \
        });                                                                                 \
    } while (0)

static ch_status update_dec(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    ch_column *c;
    int64_t rows = call->rows;
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    switch (ch_type_width(c->type)) {
    case 16:
        ADD_DEC(ch_i128);
        break;
    case 8:
        ADD_NARROW(int64_t);
        break;
    case 4: /* averages of months */
        ADD_NARROW(int32_t);
        break;
    default:
        break;
    }
    ch_column_unref(c);
    return CH_OK;
}

static ch_status merge_int(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    for (int64_t i = 0; i < n; i++) {
        int_state *s = (int_state *)(void *)into[i];
        const int_state *f = (const int_state *)(void *)from[i];
        if (f->flags)
            CH_TRY(add_checked(call, s, f->sum, err));
        s->flags |= f->flags;
    }
    return CH_OK;
}

static ch_status merge_real(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        real_state *s = (real_state *)(void *)into[i];
        const real_state *f = (const real_state *)(void *)from[i];
        s->sum += f->sum;
        s->n += f->n;
    }
    return CH_OK;
}

static ch_status merge_dec(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(call);
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        dec_state *s = (dec_state *)(void *)into[i];
        const dec_state *f = (const dec_state *)(void *)from[i];
        ch_i128 sum;
        bool bad = __builtin_add_overflow(ch_agg_get128(&s->sum), ch_agg_get128(&f->sum), &sum);
        ch_agg_put128(&s->sum, sum);
        s->n = s->n < 0 || f->n < 0 || bad ? -1 : s->n + f->n;
    }
    return CH_OK;
}

static ch_status result_int(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                            ch_error *err)
{
    const sum_rule *rule = call->data;
    bool months = call->result->id == CH_YEAR_MONTH_INTERVAL;
    for (int64_t i = 0; i < n; i++) {
        const int_state *s = (const int_state *)(void *)state[i];
        if (!s->flags || (rule->try && s->flags & TOO_LARGE))
            CH_TRY(ch_set_null(*out, i, err));
        if (months) {
            if (s->sum > INT32_MAX || s->sum < INT32_MIN)
                return too_large(call, err);
            ((int32_t *)(*out)->data)[i] = (int32_t)s->sum;
        } else {
            ((int64_t *)(*out)->data)[i] = s->sum;
        }
    }
    return CH_OK;
}

static ch_status result_real(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    const sum_rule *rule = call->data;
    double *r = (*out)->data;
    for (int64_t i = 0; i < n; i++) {
        const real_state *s = (const real_state *)(void *)state[i];
        r[i] = rule->avg ? s->sum / (double)s->n : s->sum;
        if (s->n == 0)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static void put_dec(ch_column *out, int64_t i, ch_i128 v)
{
    if (ch_type_width(out->type) == 16)
        ((ch_i128 *)out->data)[i] = v;
    else if (ch_type_width(out->type) == 8)
        ((int64_t *)out->data)[i] = (int64_t)v;
    else
        ((int32_t *)out->data)[i] = (int32_t)v;
}

static ch_status result_dec(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                            ch_error *err)
{
    const sum_rule *rule = call->data;
    const ch_type *t = call->result;
    bool decimal = t->id == CH_DECIMAL;
    int scale = decimal ? (rule->avg ? call->arg[0]->type->scale : t->scale) : 0;
    for (int64_t i = 0; i < n; i++) {
        const dec_state *s = (const dec_state *)(void *)state[i];
        ch_i128 v = ch_agg_get128(&s->sum), r = v;
        bool fits = s->n >= 0;
        if (s->n == 0) {
            CH_TRY(ch_set_null(*out, i, err));
            r = 0;
        } else if (fits && rule->avg) {
            fits = ch_dec_divide(v, scale, s->n, 0, decimal ? t->precision : 38,
                                 decimal ? t->scale : 0, &r);
        } else if (fits && decimal) {
            fits = ch_dec_fits(v, t->precision);
        }
        if (rule->wide && !decimal && r != (int64_t)r) {
            if (rule->ansi)
                return too_large(call, err);
            r = (int64_t)r; /* wraps */
        }
        if (!fits) {
            if (rule->ansi && !rule->try && decimal && (s->n < 0 || !ch_dec_fits(v, 38)))
                CH_FAIL(err, ARITHMETIC_OVERFLOW, "message", "Overflow in sum of decimals",
                        "alternative",
                        rule->avg ? " Use 'try_avg' to tolerate overflow and return NULL instead."
                                  : " Use 'try_sum' to tolerate overflow and return NULL instead.",
                        "config", CH_CONFIG_ANSI);
            if (rule->ansi && !rule->try) {
                char text[CH_DECIMAL_TEXT + 1];
                text[ch_dec_print(text, v, scale)] = 0;
                CH_FAIL(err, NUMERIC_VALUE_OUT_OF_RANGE, "value", text, "precision",
                        CH_I64(t->precision), "scale", CH_I64(t->scale), "config", CH_CONFIG_ANSI);
            }
            CH_TRY(ch_set_null(*out, i, err));
            r = 0;
        }
        put_dec(*out, i, r);
    }
    return CH_OK;
}

/* What the argument's type decides, once per batch. */
static int kind_of(const ch_call *call)
{
    if (call->result->id == CH_DOUBLE)
        return 1;
    const sum_rule *rule = call->data;
    return call->result->id == CH_DECIMAL || rule->avg || rule->wide ? 2 : 0;
}

static int32_t size_of(const ch_call *call)
{
    return kind_of(call) == 2 ? (int32_t)sizeof(dec_state) : 16;
}

static ch_status update_sum(const ch_call *call, uint8_t *const *state, bool one_group,
                            ch_arena *extra, ch_error *err)
{
    int k = kind_of(call);
    return k == 0   ? update_int(call, state, one_group, extra, err)
           : k == 1 ? update_real(call, state, one_group, extra, err)
                    : update_dec(call, state, one_group, extra, err);
}

static ch_status merge_sum(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    int k = kind_of(call);
    return k == 0   ? merge_int(call, into, from, n, extra, err)
           : k == 1 ? merge_real(call, into, from, n, extra, err)
                    : merge_dec(call, into, from, n, extra, err);
}

static ch_status result_sum(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                            ch_error *err)
{
    int k = kind_of(call);
    return k == 0   ? result_int(call, state, n, out, err)
           : k == 1 ? result_real(call, state, n, out, err)
                    : result_dec(call, state, n, out, err);
}

static const ch_agg SUM = {.state_bytes = sizeof(dec_state),
                           .size = size_of,
                           .update = update_sum,
                           .merge = merge_sum,
                           .result = result_sum};

static int least(int a, int b)
{
    return a < b ? a : b;
}

static ch_status bind_sum(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    sum_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    const char *name = bind->func->name;
    rule->try = strncmp(name, "try_", 4) == 0;
    name += rule->try ? 4 : 0;
    rule->avg = name[0] != 's';
    rule->ansi = bind->ctx->ansi;
    bind->data = rule;
    bind->nullable = true;

    const ch_type *t = bind->arg_type[0];
    if (ch_type_is_string(t) || t->id == CH_NULL)
        t = CH_T_DOUBLE;
    bind->arg_type[0] = t;
    switch (t->id) {
    case CH_BYTE:
    case CH_SHORT:
    case CH_INT:
    case CH_LONG:
        bind->result = rule->avg ? CH_T_DOUBLE : CH_T_LONG;
        return CH_OK;
    case CH_FLOAT:
    case CH_DOUBLE:
        bind->result = CH_T_DOUBLE;
        return CH_OK;
    case CH_DECIMAL: {
        int more = rule->avg ? 4 : 0;
        bind->result = ch_type_decimal(least(t->precision + (rule->avg ? 4 : 10), CH_DECIMAL_MAX),
                                       least(t->scale + more, CH_DECIMAL_MAX));
        return CH_OK;
    }
    case CH_DAY_TIME_INTERVAL:
        bind->result = rule->avg ? ch_type_of(CH_DAY_TIME_INTERVAL) : t;
        return CH_OK;
    case CH_YEAR_MONTH_INTERVAL:
        bind->result = rule->avg ? ch_type_of(CH_YEAR_MONTH_INTERVAL) : t;
        return CH_OK;
    default:
        return ch_bind_wrong_type(bind, 0, "NUMERIC\" or \"ANSI INTERVAL", err);
    }
}

/* sum_part(bigint) -> decimal(38,0), sum_whole(decimal(38,0)) -> bigint: sum in two steps, where a part may
 * be larger than what becomes of it. */
static ch_status bind_wide(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id != CH_LONG && !(t->id == CH_DECIMAL && t->precision == CH_DECIMAL_MAX))
        return ch_bind_wrong_type(bind, 0, "BIGINT", err);
    sum_rule *rule = ch_arena_alloc(bind->arena, sizeof *rule, err);
    if (!rule)
        return CH_E_MEMORY;
    *rule = (sum_rule){.ansi = bind->ctx->ansi, .wide = true};
    bind->data = rule;
    bind->nullable = true;
    bind->result = t->id == CH_LONG ? ch_type_decimal(CH_DECIMAL_MAX, 0) : CH_T_LONG;
    return CH_OK;
}

#define ROW(fn, text, ex, want)                                                          \
    {                                                                                    \
        .name = fn, .bind = bind_sum, .agg = &SUM,                                       \
        .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_MAY_FAIL, .doc = text, \
        .example = "SELECT " ex " FROM VALUES (1), (2), (NULL) t(x)", .expect = want,    \
        .since = "0.1"                                                                   \
    }

const ch_func ch_func_agg_sum[] = {
    ROW("sum", "Sum of the values; NULL if there are none.", "sum(x)", "3"),
    ROW("avg", "Mean of the values; NULL if there are none.", "avg(x)", "1.5"),
    ROW("mean", "Mean of the values; NULL if there are none.", "mean(x)", "1.5"),
    ROW("try_sum", "Sum of the values; NULL on overflow.", "try_sum(x)", "3"),
    ROW("try_avg", "Mean of the values; NULL on overflow.", "try_avg(x)", "1.5"),
    {.name = "sum_part",
     .bind = bind_wide,
     .agg = &SUM,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_INTERNAL,
     .doc = "A part of a sum of bigint, which cannot overflow."},
    {.name = "sum_whole",
     .bind = bind_wide,
     .agg = &SUM,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL | CH_FUNC_MAY_FAIL | CH_FUNC_INTERNAL,
     .doc = "The sum of such parts."},
    CH_FUNC_END,
};
