/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg_minmax.c - min and max of everything orderable.
 *
 *   fixed width    the value and a flag in the state
 *   strings        short ones inside the state, longer ones in `extra`, overwritten in place
 *                  while they fit
 *   nested         a deep copy in `extra`, overwritten likewise
 */
#include "column/textout.h"
#include "function/agg.h"
#include "kernel/compare.h"

typedef struct fixed_state {
    union {
        int64_t i64;
        double f64;
        ch_agg_i128 i128;
    } v;
    int64_t seen;
} fixed_state;

typedef struct text_state {
    char *text; /* in extra */
    int32_t len, cap;
    int64_t seen;
} text_state;

typedef struct value_state {
    ch_agg_slot best; /* no value: nothing seen */
} value_state;

static bool is_max(const ch_call *call)
{
    return call->func->name[1] == 'a';
}

/* One loop for min, one for max, per type. */
#define FIXED(T, FIELD, BETTER_MIN, BETTER_MAX)                   \
    do {                                                          \
        const T *x = c->data;                                     \
        if (max)                                                  \
            CH_AGG_EACH(fixed_state, c, rows, state, one_group, { \
                if (!s->seen || BETTER_MAX(x[i], s->v.FIELD))     \
                    s->v.FIELD = x[i];                            \
                s->seen = 1;                                      \
            });                                                   \
        else                                                      \
            CH_AGG_EACH(fixed_state, c, rows, state, one_group, { \
                if (!s->seen || BETTER_MIN(x[i], s->v.FIELD))     \
                    s->v.FIELD = x[i];                            \
                s->seen = 1;                                      \
            });                                                   \
    } while (0)
#define LESS(a, b) ((a) < (b))
#define MORE(a, b) ((a) > (b))
#define F_LESS(a, b) (ch_compare_f64((double)(a), b) < 0)
#define F_MORE(a, b) (ch_compare_f64((double)(a), b) > 0)

static void update_fixed(const ch_column *c, int64_t rows, uint8_t *const *state, bool one_group,
                         bool max)
{
    if (c->type->id == CH_FLOAT) {
        FIXED(float, f64, F_LESS, F_MORE);
    } else if (c->type->id == CH_DOUBLE) {
        FIXED(double, f64, F_LESS, F_MORE);
    } else if (c->type->id == CH_BOOLEAN) {
        const uint64_t *bits = c->data;
        CH_AGG_EACH(fixed_state, c, rows, state, one_group, {
            int64_t x = ch_bit_get(bits, i);
            if (!s->seen || (max ? x > s->v.i64 : x < s->v.i64))
                s->v.i64 = x;
            s->seen = 1;
        });
    } else {
        switch (ch_type_width(c->type)) {
        case 1:
            FIXED(int8_t, i64, LESS, MORE);
            break;
        case 2:
            FIXED(int16_t, i64, LESS, MORE);
            break;
        case 4:
            FIXED(int32_t, i64, LESS, MORE);
            break;
        case 8:
            FIXED(int64_t, i64, LESS, MORE);
            break;
        default: {
            const ch_i128 *x = c->data;
            CH_AGG_EACH(fixed_state, c, rows, state, one_group, {
                ch_i128 now = ch_agg_get128(&s->v.i128);
                if (!s->seen || (max ? x[i] > now : x[i] < now))
                    ch_agg_put128(&s->v.i128, x[i]);
                s->seen = 1;
            });
        }
        }
    }
}

static ch_status set_text(text_state *s, const char *text, int64_t len, ch_arena *extra,
                          ch_error *err)
{
    if (len > s->cap) {
        int64_t cap = len < 16 ? 16 : len + len / 2;
        s->text = ch_arena_alloc(extra, (size_t)cap, err);
        if (!s->text)
            return CH_E_MEMORY;
        s->cap = cap > INT32_MAX ? INT32_MAX : (int32_t)cap;
    }
    if (len)
        memcpy(s->text, text, (size_t)len);
    s->len = (int32_t)len;
    s->seen = 1;
    return CH_OK;
}

static bool better(bool max, int c)
{
    return max ? c > 0 : c < 0;
}

static ch_status update_text(const ch_column *c, int64_t rows, uint8_t *const *state,
                             bool one_group, bool max, ch_arena *extra, ch_error *err)
{
    ch_status status = CH_OK;
    CH_AGG_EACH(text_state, c, rows, state, one_group, {
        ch_str x = ch_column_str(c, i);
        if (!s->seen || better(max, ch_compare_str(x, (ch_str){s->text, s->len}))) {
            if ((status = set_text(s, x.text, x.len, extra, err)) != CH_OK)
                return status;
        }
    });
    return status;
}

static ch_status update_value(const ch_column *c, int64_t rows, uint8_t *const *state,
                              bool one_group, bool max, ch_arena *extra, ch_error *err)
{
    CH_AGG_EACH(value_state, c, rows, state, one_group, {
        if (!s->best.v || better(max, ch_agg_compare_row(c, i, s->best.v)))
            CH_TRY(ch_agg_set(&s->best, c, i, extra, err));
    });
    return CH_OK;
}

static ch_status update_minmax(const ch_call *call, uint8_t *const *state, bool one_group,
                               ch_arena *extra, ch_error *err)
{
    ch_column *c;
    bool max = is_max(call);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    ch_status status = CH_OK;
    if (c->type->id == CH_NULL)
        ;
    else if (ch_type_is_view(c->type))
        status = update_text(c, call->rows, state, one_group, max, extra, err);
    else if (ch_type_is_nested(c->type))
        status = update_value(c, call->rows, state, one_group, max, extra, err);
    else
        update_fixed(c, call->rows, state, one_group, max);
    ch_column_unref(c);
    return status;
}

static bool fixed_better(const ch_type *t, bool max, const fixed_state *a, const fixed_state *b)
{
    if (t->id == CH_FLOAT || t->id == CH_DOUBLE)
        return better(max, ch_compare_f64(a->v.f64, b->v.f64));
    if (ch_type_width(t) == 16) {
        ch_i128 x = ch_agg_get128(&a->v.i128), y = ch_agg_get128(&b->v.i128);
        return max ? x > y : x < y;
    }
    return max ? a->v.i64 > b->v.i64 : a->v.i64 < b->v.i64;
}

static ch_status merge_minmax(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                              int64_t n, ch_arena *extra, ch_error *err)
{
    const ch_type *t = call->result;
    bool max = is_max(call);
    for (int64_t i = 0; i < n; i++) {
        if (ch_type_is_view(t)) {
            text_state *s = (text_state *)(void *)into[i];
            const text_state *f = (const text_state *)(void *)from[i];
            if (f->seen && (!s->seen || better(max, ch_compare_str((ch_str){f->text, f->len},
                                                                   (ch_str){s->text, s->len}))))
                CH_TRY(set_text(s, f->text, f->len, extra, err));
        } else if (ch_type_is_nested(t)) {
            value_state *s = (value_state *)(void *)into[i];
            const value_state *f = (const value_state *)(void *)from[i];
            if (f->best.v && (!s->best.v || better(max, ch_agg_compare(f->best.v, s->best.v))))
                CH_TRY(ch_agg_set_scalar(&s->best, f->best.v, extra, err));
        } else {
            fixed_state *s = (fixed_state *)(void *)into[i];
            const fixed_state *f = (const fixed_state *)(void *)from[i];
            if (f->seen && (!s->seen || fixed_better(t, max, f, s)))
                *s = *f;
        }
    }
    return CH_OK;
}

static void put_fixed(ch_column *out, int64_t i, const fixed_state *s)
{
    switch (out->type->id) {
    case CH_BOOLEAN:
        ch_bit_put(out->data, i, s->v.i64 != 0);
        return;
    case CH_FLOAT:
        ((float *)out->data)[i] = (float)s->v.f64;
        return;
    case CH_DOUBLE:
        ((double *)out->data)[i] = s->v.f64;
        return;
    default:
        break;
    }
    switch (ch_type_width(out->type)) {
    case 1:
        ((int8_t *)out->data)[i] = (int8_t)s->v.i64;
        break;
    case 2:
        ((int16_t *)out->data)[i] = (int16_t)s->v.i64;
        break;
    case 4:
        ((int32_t *)out->data)[i] = (int32_t)s->v.i64;
        break;
    case 8:
        ((int64_t *)out->data)[i] = s->v.i64;
        break;
    default:
        ((ch_i128 *)out->data)[i] = ch_agg_get128(&s->v.i128);
    }
}

static ch_status result_values(const ch_call *call, uint8_t *const *state, int64_t n,
                               ch_column **out, ch_error *err)
{
    static const ch_scalar null = {.is_null = true};
    size_t bytes = sizeof(ch_scalar *) * (size_t)n;
    const ch_scalar **v = ch_mem_alloc(call->mem, bytes, err);
    if (!v)
        return CH_E_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        const value_state *s = (const value_state *)(void *)state[i];
        v[i] = s->best.v ? s->best.v : &null;
    }
    ch_column_unref(*out);
    *out = NULL;
    ch_status status = ch_column_scalars(call->mem, call->result, v, n, out, err);
    ch_mem_free(call->mem, v, bytes);
    return status;
}

static ch_status result_minmax(const ch_call *call, uint8_t *const *state, int64_t n,
                               ch_column **out, ch_error *err)
{
    const ch_type *t = call->result;
    if (ch_type_is_nested(t))
        return result_values(call, state, n, out, err);
    if (t->id == CH_NULL)
        return ch_column_nulls(call->mem, t, n, out, err);
    if (ch_type_is_view(t)) {
        ch_textout w;
        ch_textout_init(&w, *out);
        for (int64_t i = 0; i < n; i++) {
            const text_state *s = (const text_state *)(void *)state[i];
            if (!s->seen) {
                ch_textout_empty(&w, i);
                CH_TRY(ch_set_null(*out, i, err));
            } else {
                CH_TRY(ch_textout_put(&w, i, s->text ? s->text : "", s->len, err));
            }
        }
        return CH_OK;
    }
    if (t->id == CH_BOOLEAN)
        ch_bits_fill((*out)->data, n, false);
    for (int64_t i = 0; i < n; i++) {
        const fixed_state *s = (const fixed_state *)(void *)state[i];
        put_fixed(*out, i, s);
        if (!s->seen)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

/* Of a state of text or nested values: nothing for no value; else a byte before it, since a text may be empty. */
static ch_status write_extreme(const ch_call *call, const uint8_t *state, ch_buf *out,
                               ch_error *err)
{
    if (ch_type_is_view(call->result)) {
        const text_state *s = (const text_state *)(const void *)state;
        if (!s->seen)
            return CH_OK;
        CH_TRY(ch_buf_addc(out, 1, err));
        return ch_buf_add(out, s->text, (size_t)s->len, err);
    }
    const value_state *s = (const value_state *)(const void *)state;
    if (!s->best.v)
        return CH_OK;
    CH_TRY(ch_buf_addc(out, 1, err));
    return ch_agg_write(s->best.v, out, err);
}

static ch_status save_minmax(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                             ch_error *err)
{
    return ch_agg_save(call, state, n, out, write_extreme, err);
}

static ch_status load_minmax(const ch_call *call, const ch_column *in, uint8_t *const *state,
                             int64_t n, ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        ch_str bytes = ch_column_str(in, i);
        const char *p = bytes.text + 1;
        if (ch_type_is_view(call->result)) {
            text_state *s = (text_state *)(void *)state[i];
            *s = (text_state){0};
            if (bytes.len)
                CH_TRY(set_text(s, p, bytes.len - 1, extra, err));
        } else {
            value_state *s = (value_state *)(void *)state[i];
            *s = (value_state){0};
            if (bytes.len) {
                CH_ARENA_NEW(s->best.v, extra, err);
                CH_TRY(ch_agg_read(&p, call->result, extra, s->best.v, err));
            }
        }
    }
    return CH_OK;
}

_Static_assert(sizeof(fixed_state) == 24 && sizeof(text_state) <= 24 && sizeof(value_state) <= 24,
               "state size");

static const ch_agg FIXED_RULE = {.state_bytes = sizeof(fixed_state),
                                  .update = update_minmax,
                                  .merge = merge_minmax,
                                  .result = result_minmax,
                                  .ignores_distinct = true};
static const ch_agg VALUE_RULE = {.state_bytes = sizeof(text_state),
                                  .update = update_minmax,
                                  .merge = merge_minmax,
                                  .result = result_minmax,
                                  .save = save_minmax,
                                  .load = load_minmax,
                                  .ignores_distinct = true};

static ch_status bind_minmax(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    if (!ch_type_is_orderable(bind->arg_type[0]))
        return ch_bind_wrong_type(bind, 0, "ORDERABLE", err);
    bind->result = bind->arg_type[0];
    bind->nullable = true;
    return CH_OK;
}

/* The first row of each name: states that are plain bytes. */
static ch_status bind_fixed(ch_bind *bind, ch_error *err)
{
    CH_TRY(bind_minmax(bind, err));
    const ch_type *t = bind->result;
    if (ch_type_is_view(t) || ch_type_is_nested(t))
        return ch_bind_wrong_type(bind, 0, "fixed width", err);
    return CH_OK;
}

#define ROW(fn, rule, binder, text, want)                                                          \
    {                                                                                              \
        .name = fn, .bind = binder, .agg = &rule, .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL, \
        .doc = text, .example = "SELECT " fn "(x) FROM VALUES (10), (50), (20) t(x)",              \
        .expect = want, .since = "0.1"                                                             \
    }

const ch_func ch_func_agg_minmax[] = {
    ROW("min", FIXED_RULE, bind_fixed, "The smallest value.", "10"),
    ROW("min", VALUE_RULE, bind_minmax, "The smallest value.", "10"),
    ROW("max", FIXED_RULE, bind_fixed, "The largest value.", "50"),
    ROW("max", VALUE_RULE, bind_minmax, "The largest value.", "50"),
    CH_FUNC_END,
};
