/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper.h - a parallel hash table of groups that spills: the heart of Aggregate, DISTINCT, Deduplicate.
 *
 *   push(slot)   rows ─hash─▶ table of the slot (salted pointers, about as large as the L2 cache)
 *                                │ new groups are appended to
 *                                ▼
 *                slot's row sets, one per partition: top bits of the hash
 *                                │ table full: forget it, go on with an empty one
 *                                │ memory short: pages of the higher partitions go to disk
 *   claim(slot)  ▼
 *                partition p of all slots ─▶ one table, equal groups merged ─▶ rows out
 *                too large for memory: cut in 16 by the next bits of the hash, each alone
 *
 * Following Kuiper, Boncz, Mühleisen, Robust external hash aggregation (2024).
 *
 * Legal calls: open, push (slots at once), ready (one thread, after all pushes), then per slot
 * claim .. next .. claim .., and close.
 */
#ifndef CH_EXEC_GROUPER_H
#define CH_EXEC_GROUPER_H

#include "exec/exec.h"
#include "exec/rowset.h"

typedef struct ch_grouper ch_grouper;

/* How Spark would arrange the groups. */
typedef enum ch_group_order {
    CH_GROUP_HASHED,   /* each partition's groups by shuffle partition, as they came */
    CH_GROUP_REHASHED, /* shuffled twice (DISTINCT aggregates): by shuffle partition of all */
    CH_GROUP_ARRIVED,  /* not shuffled: the input is one partition */
    CH_GROUP_SORTED,   /* by key: aggregates whose states Spark cannot keep in a hash table */
    CH_GROUP_OBJECTS   /* as hashed while they are at most 128, by key otherwise */
} ch_group_order;

/* What is kept per group. Borrowed by the grouper; lives as long. */
typedef struct ch_grouper_spec {
    const ch_type *const
        *types; /* keys (packed: ch_key_type), then columns of the first row seen */
    int32_t n_cols, n_keys;
    /* Aggregates: call of each, with arg[] of the right types and any length; the state of
     * open() is the grouper's business. */
    const ch_call *agg;
    int32_t n_aggs;
    /* The order in which few groups are given (grouper_few.c). */
    const ch_type *const *key_types; /* n_keys, not packed; NULL: in the order of the input */
    ch_group_order order;
    bool nulls_last; /* groups with a NULL key behind all others: Spark's first table takes none */
} ch_grouper_spec;

CH_NODISCARD ch_status ch_grouper_open(ch_exec *exec, ch_mem *mem, const ch_grouper_spec *spec,
                                       ch_grouper **out, ch_error *err);
/* NULL is ignored. */
void ch_grouper_close(ch_grouper *g);

/*
 * Finds or makes the group of each row.
 *   col     n_cols columns of n rows, any encoding
 *   seq     of the batch they are from: groups of few rows begin anew in each partition
 *   *group  n rows of the grouper's layout, borrowed until the slot's next push; with n_keys 0
 *           only group[0] is set, the group of all
 * Where an aggregate's state is in them: ch_grouper_state_offset().
 */
CH_NODISCARD ch_status ch_grouper_push(ch_grouper *g, int slot, uint64_t seq, ch_column *const *col,
                                       int64_t n, uint8_t ***group, ch_error *err);
/* Byte offset in a group's row of aggregate a's state. */
int32_t ch_grouper_state_offset(const ch_grouper *g, int32_t a);
/* The call of aggregate a for this slot: state is open()'s; arg and rows are the caller's to set. */
ch_call *ch_grouper_call(ch_grouper *g, int slot, int32_t a);
/* Memory for what states point to, until close or the next push that spills. */
ch_arena *ch_grouper_extra(ch_grouper *g, int slot);

/* All rows are there. With n_keys 0 there is exactly one group from now on, even without rows. */
CH_NODISCARD ch_status ch_grouper_ready(ch_grouper *g, ch_error *err);
int64_t ch_grouper_n_morsels(const ch_grouper *g);
/* Claims the next morsel of groups for slot; *morsel is its number. */
CH_NODISCARD ch_status ch_grouper_claim(ch_grouper *g, int slot, bool *more, int64_t *morsel,
                                        ch_error *err);
/*
 * The next groups of the morsel, at most exec->batch_rows; *n 0 ends it. Groups are borrowed until
 * the slot's next call.
 */
CH_NODISCARD ch_status ch_grouper_next(ch_grouper *g, int slot, uint8_t ***group, int64_t *n,
                                       ch_error *err);
/* For ch_rows_gather. */
const ch_rowlayout *ch_grouper_layout(const ch_grouper *g);
/* Results of aggregate a for n groups (gives). */
CH_NODISCARD ch_status ch_grouper_result(ch_grouper *g, int slot, int32_t a, uint8_t *const *group,
                                         int64_t n, ch_mem *mem, ch_column **out, ch_error *err);
/* Written to disk so far. */
int64_t ch_grouper_spilled(const ch_grouper *g);

#endif
