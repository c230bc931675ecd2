/* SPDX-License-Identifier: Apache-2.0 */
/* agg_bit.c - bit_and, bit_or, bit_xor over integers; NULLs do not count. */
#include "function/agg.h"

typedef struct bit_state {
    int64_t bits, n;
} bit_state;

static inline void add(bit_state *s, char kind, int64_t v)
{
    s->bits = s->n++ == 0 ? v : kind == 'a' ? s->bits & v : kind == 'o' ? s->bits | v : s->bits ^ v;
}

/* The letter behind "bit_" tells the three apart. */
static char kind_of(const ch_call *call)
{
    return call->func->name[4];
}

static ch_status update_bits(const ch_call *call, uint8_t *const *state, bool one_group,
                             ch_arena *extra, ch_error *err)
{
    ch_column *c;
    char kind = kind_of(call);
    CH_UNUSED(extra);
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    CH_AGG_EACH(bit_state, c, call->rows, state, one_group, { add(s, kind, ch_column_i64(c, i)); });
    ch_column_unref(c);
    return CH_OK;
}

static ch_status merge_bits(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    CH_UNUSED(extra);
    CH_UNUSED(err);
    for (int64_t i = 0; i < n; i++) {
        const bit_state *f = (const bit_state *)(void *)from[i];
        if (f->n)
            add((bit_state *)(void *)into[i], kind_of(call), f->bits);
    }
    return CH_OK;
}

static ch_status result_bits(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    CH_UNUSED(call);
    for (int64_t i = 0; i < n; i++) {
        const bit_state *s = (const bit_state *)(void *)state[i];
        switch (ch_type_width((*out)->type)) {
        case 1:
            ((int8_t *)(*out)->data)[i] = (int8_t)s->bits;
            break;
        case 2:
            ((int16_t *)(*out)->data)[i] = (int16_t)s->bits;
            break;
        case 4:
            ((int32_t *)(*out)->data)[i] = (int32_t)s->bits;
            break;
        default:
            ((int64_t *)(*out)->data)[i] = s->bits;
        }
        if (!s->n)
            CH_TRY(ch_set_null(*out, i, err));
    }
    return CH_OK;
}

static const ch_agg BITS = {.state_bytes = sizeof(bit_state),
                            .update = update_bits,
                            .merge = merge_bits,
                            .result = result_bits};

static ch_status bind_bits(ch_bind *bind, ch_error *err)
{
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    const ch_type *t = bind->arg_type[0];
    if (t->id == CH_NULL)
        CH_TRY(ch_bind_cast(bind, 0, t = CH_T_INT, err));
    if (!ch_type_is_integral(t))
        return ch_bind_wrong_type(bind, 0, "INTEGRAL", err);
    bind->result = t;
    bind->nullable = true;
    return CH_OK;
}

#define ROW(fn, text, want)                                                                     \
    {                                                                                           \
        .name = fn, .bind = bind_bits, .agg = &BITS,                                            \
        .flags = CH_FUNC_AGGREGATE | CH_FUNC_MAKES_NULL, .doc = text,                           \
        .example = "SELECT " fn "(x) FROM VALUES (3), (5) t(x)", .expect = want, .since = "0.1" \
    }

const ch_func ch_func_agg_bit[] = {
    ROW("bit_and", "The bits that are set in all values.", "1"),
    ROW("bit_or", "The bits that are set in any value.", "7"),
    ROW("bit_xor", "The bits that are set in an odd number of values.", "6"),
    CH_FUNC_END,
};
