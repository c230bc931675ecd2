/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join_probe.h - what the files of HashJoin share: join_probe.c follows chains and gives pairs, join_unique.c is the
 * short way where a row has one match at most, join_flush.c gives what is left when all rows were pushed.
 */
#ifndef CH_EXEC_JOIN_PROBE_H
#define CH_EXEC_JOIN_PROBE_H

#include "exec/join.h"

/* One look-up of a batch. */
typedef struct ch_join_probe {
    ch_join *j;
    ch_join_slot *s;
    int slot;
    ch_batch *batch; /* s->key, s->hash, s->bits (found so far) belong to its rows */
    const ch_join_table *table;
    bool small;    /* the table's rows have numbers: j->dict may be used */
    bool finalize; /* no other chunk of the build side follows */
} ch_join_probe;

static inline ch_op *ch_join_op(const ch_join *j)
{
    return j->probe_op;
}
/* Where the columns of each side stand in a joined batch. */
static inline ch_column **ch_join_probe_part(const ch_join *j, ch_batch *out)
{
    return out->col + (j->build_left ? j->build_attrs->n : 0);
}
static inline ch_column **ch_join_build_part(const ch_join *j, ch_batch *out)
{
    return out->col + (j->build_left ? 0 : j->probe_attrs->n);
}

/* ---- join_probe.c ---- */

/* The whole of a batch, by rounds. Keys, hashes and bits are set. */
CH_NODISCARD ch_status ch_join_probe_batch(const ch_join_probe *p, ch_error *err);
/* row[i] = first of the chain for the k positions in idx whose tag is there; returns their number. */
int64_t ch_join_first_rows(const ch_join_probe *p, int32_t *idx, int64_t k);
/* Along each chain to the next row with the same hash; returns how many there are. */
int64_t ch_join_same_hash(const ch_join_probe *p, int32_t *idx, int64_t k);
/* Each of k chains by one row; `to` gets those that go on, and of these only_unfound those without a match. */
int64_t ch_join_step(const ch_join_probe *p, const int32_t *from, int64_t k, bool only_unfound,
                     int32_t *to);
/*
 * Every build column as a DICT column by index (takes), n int32; bits of `present` NULL: all rows are there. out
 * (gives) has a place for each build column; those made before a failure are the caller's too.
 */
CH_NODISCARD ch_status ch_join_dict_columns(ch_join *j, ch_buffer *index, const uint64_t *present,
                                            int64_t n, ch_column **out, ch_error *err);
/* Semi, anti and existence: the batch itself, filtered or marked by the bits of what was found. */
CH_NODISCARD ch_status ch_join_emit_probe_rows(const ch_join_probe *p, ch_error *err);

/* Joined rows of n pairs (gives); row[i] may be null_row. */
CH_NODISCARD ch_status ch_join_pair_batch(const ch_join_probe *p, const int32_t *idx,
                                          uint8_t *const *row, int64_t n, ch_batch *out,
                                          ch_error *err);
/* keep[i] = all residual conditions hold for pair i. */
CH_NODISCARD ch_status ch_join_check_pairs(const ch_join_probe *p, const ch_batch *pairs,
                                           uint64_t *keep, ch_error *err);
/* All matches of the k positions in s->idx, by ch_join_few_pairs. */
CH_NODISCARD ch_status ch_join_few_rounds(const ch_join_probe *p, int64_t k, ch_error *err);

/* ---- join_few.c ---- */

/* Is the batch at hand to be joined in order? */
bool ch_join_few_fits(const ch_join_probe *p);
/* The whole of a batch, matched or not. Keys and hashes are set. */
CH_NODISCARD ch_status ch_join_few_probe(const ch_join_probe *p, ch_error *err);
/* Adds the pairs of s->row for k positions. */
CH_NODISCARD ch_status ch_join_few_pairs(const ch_join_probe *p, const int32_t *idx, int64_t k,
                                         ch_error *err);

/* ---- join_unique.c ---- */

/* The whole of a batch when each key occurs once in a small build side. Keys are set. */
CH_NODISCARD ch_status ch_join_probe_unique(const ch_join_probe *p, ch_error *err);

/* ---- join_flush.c ---- */

CH_NODISCARD ch_status ch_join_flush(ch_op *self, int slot, ch_error *err);

#endif
