/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agg.h - what the aggregates share.
 *
 * A state is plain bytes, 8-aligned, zero when empty. Arguments may have any encoding:
 * ch_agg_flat() makes them FLAT once per batch, then loops are specialised by type.
 */
#ifndef CH_FUNCTION_AGG_H
#define CH_FUNCTION_AGG_H

#include "column/take.h"
#include "function/support.h"

/* Argument i as FLAT; unref it. */
static inline ch_status ch_agg_flat(const ch_call *call, int32_t i, ch_column **out, ch_error *err)
{
    if (call->arg[i]->encoding != CH_FLAT)
        return ch_flatten(call->arg[i], call->mem, out, err);
    *out = ch_column_ref(call->arg[i]);
    return CH_OK;
}

/* BODY for every row that is not NULL, with `i` and, of type S, the row's state `s`. */
#define CH_AGG_EACH(S, column, rows, state, one_group, BODY) \
    do {                                                     \
        const uint64_t *valid_ = (column)->valid;            \
        S *const first_ = (S *)(void *)(state)[0];           \
        if (one_group) {                                     \
            S *s = first_;                                   \
            for (int64_t i = 0; i < (rows); i++)             \
                if (!valid_ || ch_bit_get(valid_, i)) {      \
                    BODY                                     \
                }                                            \
        } else if (!valid_) {                                \
            for (int64_t i = 0; i < (rows); i++) {           \
                S *s = (S *)(void *)(state)[i];              \
                BODY                                         \
            }                                                \
        } else {                                             \
            for (int64_t i = 0; i < (rows); i++)             \
                if (ch_bit_get(valid_, i)) {                 \
                    S *s = (S *)(void *)(state)[i];          \
                    BODY                                     \
                }                                            \
        }                                                    \
    } while (0)

/* 128 bits in an 8-aligned state. */
typedef struct ch_agg_i128 {
    uint64_t lo;
    int64_t hi;
} ch_agg_i128;
static inline ch_i128 ch_agg_get128(const ch_agg_i128 *v)
{
    return (ch_i128)((ch_u128)(uint64_t)v->hi << 64 | v->lo);
}
static inline void ch_agg_put128(ch_agg_i128 *v, ch_i128 value)
{
    v->lo = (uint64_t)value;
    v->hi = (int64_t)(value >> 64);
}

/*
 * Values of any type kept in a state: deep copies in `extra`, each one block: the scalar, and behind it
 * what it points to.
 */
CH_NODISCARD ch_status ch_agg_keep(const ch_column *c, int64_t i, ch_arena *extra, ch_scalar *out,
                                   ch_error *err);
CH_NODISCARD ch_status ch_agg_copy(const ch_scalar *in, ch_arena *extra, ch_scalar *out,
                                   ch_error *err);
/*
 * One such value that changes: its block is written over while the new one fits, so that a state does not grow
 * with the rows it has seen. Zero: no value yet.
 */
typedef struct ch_agg_slot {
    ch_scalar *v;
    int64_t cap; /* bytes of the block */
} ch_agg_slot;
/* slot = row i of c, or a scalar that does not lie in it. */
CH_NODISCARD ch_status ch_agg_set(ch_agg_slot *slot, const ch_column *c, int64_t i, ch_arena *extra,
                                  ch_error *err);
CH_NODISCARD ch_status ch_agg_set_scalar(ch_agg_slot *slot, const ch_scalar *in, ch_arena *extra,
                                         ch_error *err);
/* Spark's order; NULL smallest. */
int ch_agg_compare(const ch_scalar *a, const ch_scalar *b);
uint64_t ch_agg_hash(const ch_scalar *v);
/* The same of row i of a column, without making a scalar of it. */
int ch_agg_compare_row(const ch_column *c, int64_t i, const ch_scalar *b);
uint64_t ch_agg_hash_row(const ch_column *c, int64_t i);
/* ch_agg.save of states that a writer appends to the empty `out`, one at a time. */
typedef ch_status (*ch_agg_writer)(const ch_call *call, const uint8_t *state, ch_buf *out,
                                   ch_error *err);
CH_NODISCARD ch_status ch_agg_save(const ch_call *call, uint8_t *const *state, int64_t n,
                                   ch_column *out, ch_agg_writer write, ch_error *err);
/* To bytes and back, for spilling. */
CH_NODISCARD ch_status ch_agg_write(const ch_scalar *v, ch_buf *out, ch_error *err);
CH_NODISCARD ch_status ch_agg_read(const char **p, const ch_type *type, ch_arena *extra,
                                   ch_scalar *out, ch_error *err);

#endif
