/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bitmap.c - sets of numbers as bitmaps of 4096 bytes: bitmap_bit_position, bitmap_bucket_number,
 * bitmap_count, bitmap_construct_agg, bitmap_or_agg, bitmap_and_agg.
 *
 * A number belongs to bucket 1 + (x - 1) / 32768, where it is bit (x - 1) % 32768. An aggregate's state is
 * a pointer to the bits in `extra`, made at the first value; without one the result is all zeros, or
 * all ones for AND.
 */
#include "column/textout.h"
#include "function/agg.h"

enum { BYTES = 4096, BITS = 8 * BYTES };

static ch_status eval_position(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *x = call->arg[0]->data;
    int64_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = x[i] > 0 ? (x[i] - 1) % BITS : -(x[i] % BITS);
    return CH_OK;
}

static ch_status eval_bucket(const ch_call *call, ch_column **out, ch_error *err)
{
    const int64_t *x = call->arg[0]->data;
    int64_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++)
        r[i] = x[i] > 0 ? 1 + (x[i] - 1) / BITS : x[i] / BITS;
    return CH_OK;
}

static ch_status eval_count(const ch_call *call, ch_column **out, ch_error *err)
{
    int64_t *r = (*out)->data;
    CH_UNUSED(err);
    for (int64_t i = 0; i < call->rows; i++) {
        ch_str s = ch_column_str(call->arg[0], i);
        int64_t n = 0, k = 0;
        for (; k + 8 <= s.len; k += 8) {
            uint64_t word;
            memcpy(&word, s.text + k, 8);
            n += __builtin_popcountll(word);
        }
        for (; k < s.len; k++)
            n += __builtin_popcount((uint8_t)s.text[k]);
        r[i] = n;
    }
    return CH_OK;
}

static ch_status bind_count(ch_bind *bind, ch_error *err)
{
    bool agg = strstr(bind->func->name, "_agg") != NULL;
    if (bind->n_args != 1)
        return ch_bind_count(bind, "1", err);
    if (bind->arg_type[0]->id != CH_BINARY)
        return ch_bind_wrong_type(bind, 0, "BINARY", err);
    bind->result = agg ? ch_type_of(CH_BINARY) : CH_T_LONG;
    if (agg)
        bind->nullable = false;
    return CH_OK;
}

/* ---- aggregates ---- */

typedef struct bitmap_state {
    uint8_t *bits; /* BYTES of them, or NULL */
} bitmap_state;

static bool is_and(const ch_call *call)
{
    return call->func->name[7] == 'a';
}

static ch_status need_bits(const ch_call *call, bitmap_state *s, ch_arena *extra, ch_error *err)
{
    if (s->bits)
        return CH_OK;
    s->bits = ch_arena_alloc(extra, BYTES, err);
    if (!s->bits)
        return CH_E_MEMORY;
    memset(s->bits, is_and(call) ? 0xFF : 0, BYTES);
    return CH_OK;
}

static void combine(const ch_call *call, uint8_t *bits, const uint8_t *with, int64_t len)
{
    len = len < BYTES ? len : BYTES;
    bool and = is_and(call);
    for (int64_t k = 0; k < len; k++)
        bits[k] = and? bits[k] & with[k] : bits[k] | with[k];
    if (and)
        memset(bits + len, 0, (size_t)(BYTES - len));
}

static ch_status update_construct(const ch_call *call, uint8_t *const *state, bool one_group,
                                  ch_arena *extra, ch_error *err)
{
    ch_column *c;
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    const int64_t *x = c->data;
    ch_status status = CH_OK;
    CH_AGG_EACH(bitmap_state, c, call->rows, state, one_group, {
        if (x[i] < 0 || x[i] >= BITS) {
            status = ch_error_set(err, CH_E_INVALID_BITMAP_POSITION, "bitPosition", CH_I64(x[i]),
                                  "bitmapNumBytes", CH_I64(BYTES), "bitmapNumBits", CH_I64(BITS),
                                  (const char *)0);
            break;
        }
        if ((status = need_bits(call, s, extra, err)) != CH_OK)
            break;
        s->bits[x[i] / 8] |= (uint8_t)(1U << (x[i] % 8));
    });
    ch_column_unref(c);
    return status;
}

static ch_status update_combine(const ch_call *call, uint8_t *const *state, bool one_group,
                                ch_arena *extra, ch_error *err)
{
    ch_column *c;
    CH_TRY(ch_agg_flat(call, 0, &c, err));
    ch_status status = CH_OK;
    CH_AGG_EACH(bitmap_state, c, call->rows, state, one_group, {
        if ((status = need_bits(call, s, extra, err)) != CH_OK)
            break;
        ch_str v = ch_column_str(c, i);
        combine(call, s->bits, (const uint8_t *)v.text, v.len);
    });
    ch_column_unref(c);
    return status;
}

static ch_status merge_bits(const ch_call *call, uint8_t *const *into, uint8_t *const *from,
                            int64_t n, ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        const bitmap_state *f = (const bitmap_state *)(void *)from[i];
        bitmap_state *s = (bitmap_state *)(void *)into[i];
        if (!f->bits)
            continue;
        CH_TRY(need_bits(call, s, extra, err));
        combine(call, s->bits, f->bits, BYTES);
    }
    return CH_OK;
}

static ch_status result_bits(const ch_call *call, uint8_t *const *state, int64_t n, ch_column **out,
                             ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, *out);
    for (int64_t i = 0; i < n; i++) {
        const bitmap_state *s = (const bitmap_state *)(void *)state[i];
        char *room = ch_textout_room(&w, BYTES, err);
        if (!room)
            return CH_E_MEMORY;
        if (s->bits)
            memcpy(room, s->bits, BYTES);
        else
            memset(room, is_and(call) ? 0xFF : 0, BYTES);
        ch_textout_commit(&w, i, BYTES);
    }
    return CH_OK;
}

static ch_status save_bits(const ch_call *call, uint8_t *const *state, int64_t n, ch_column *out,
                           ch_error *err)
{
    ch_textout w;
    ch_textout_init(&w, out);
    CH_UNUSED(call);
    for (int64_t i = 0; i < n; i++) {
        const bitmap_state *s = (const bitmap_state *)(void *)state[i];
        CH_TRY(
            ch_textout_put(&w, i, s->bits ? (const char *)s->bits : "", s->bits ? BYTES : 0, err));
    }
    return CH_OK;
}

static ch_status load_bits(const ch_call *call, const ch_column *in, uint8_t *const *state,
                           int64_t n, ch_arena *extra, ch_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        bitmap_state *s = (bitmap_state *)(void *)state[i];
        ch_str v = ch_column_str(in, i);
        s->bits = NULL;
        if (v.len == 0)
            continue;
        CH_TRY(need_bits(call, s, extra, err));
        memcpy(s->bits, v.text, BYTES);
    }
    return CH_OK;
}

static const ch_agg CONSTRUCT = {.state_bytes = sizeof(bitmap_state),
                                 .update = update_construct,
                                 .merge = merge_bits,
                                 .result = result_bits,
                                 .save = save_bits,
                                 .load = load_bits,
                                 .ignores_distinct = true};
static const ch_agg COMBINE = {.state_bytes = sizeof(bitmap_state),
                               .update = update_combine,
                               .merge = merge_bits,
                               .result = result_bits,
                               .save = save_bits,
                               .load = load_bits,
                               .ignores_distinct = true};

#define NULLS CH_FUNC_NULL_PROPAGATES

const ch_func ch_func_bitmap[] = {
    {.name = "bitmap_bit_position",
     .sig = "bigint -> bigint",
     .eval = eval_position,
     .flags = NULLS,
     .doc = "Which bit of its bucket a number is.",
     .example = "SELECT bitmap_bit_position(123)",
     .expect = "122",
     .since = "0.2"},
    {.name = "bitmap_bucket_number",
     .sig = "bigint -> bigint",
     .eval = eval_bucket,
     .flags = NULLS,
     .doc = "Which bucket of 32768 a number belongs to.",
     .example = "SELECT bitmap_bucket_number(123)",
     .expect = "1",
     .since = "0.2"},
    {.name = "bitmap_count",
     .bind = bind_count,
     .eval = eval_count,
     .flags = NULLS,
     .doc = "How many bits are on.",
     .example = "SELECT bitmap_count(X'1010')",
     .expect = "2",
     .since = "0.2"},
    {.name = "bitmap_construct_agg",
     .sig = "bigint -> binary",
     .agg = &CONSTRUCT,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL,
     .doc = "The bitmap of bit positions.",
     .example = "SELECT substring(hex(bitmap_construct_agg(bitmap_bit_position(x))), 0, 6) FROM "
                "VALUES (1), (2), (3) t(x)",
     .expect = "070000",
     .since = "0.2"},
    {.name = "bitmap_or_agg",
     .bind = bind_count,
     .agg = &COMBINE,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL,
     .doc = "Bits that are on in any bitmap.",
     .example = "SELECT substring(hex(bitmap_or_agg(x)), 0, 6) FROM VALUES (X'10'), (X'20') t(x)",
     .expect = "300000",
     .since = "0.2"},
    {.name = "bitmap_and_agg",
     .bind = bind_count,
     .agg = &COMBINE,
     .flags = CH_FUNC_AGGREGATE | CH_FUNC_NEVER_NULL,
     .doc = "Bits that are on in every bitmap.",
     .example = "SELECT substring(hex(bitmap_and_agg(x)), 0, 6) FROM VALUES (X'F0'), (X'70') t(x)",
     .expect = "700000",
     .since = "0.2"},
    CH_FUNC_END,
};
