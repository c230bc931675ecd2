/* SPDX-License-Identifier: Apache-2.0 */
/*
 * join.h - what the two operators of a join share: HashBuild fills it, HashJoin probes it.
 *
 *   build side ─▶ rows [keys, columns] in partitions by hash, per slot      memory short: partitions from
 *                        │                                                   `keep` on go to disk
 *                        ▼
 *                 one table: buckets of chained rows, 16 tag bits in each bucket's pointer
 *                        │
 *   probe side ─▶ looks up at once what is in memory; rows of the other partitions go to disk too
 *                        │
 *   flush         build rows without a match, where they are wanted; then partition by partition from disk,
 *                 the build side in chunks that fit, the probe side read once per chunk
 *
 * A chunk that holds a part of one key's rows is right too, so no key is too large (block nested loop).
 * Without equality keys there is one bucket: the nested loop.
 *
 * Hybrid hash join; Leis et al., Morsel-driven parallelism (2014), for the tagged table.
 */
#ifndef CH_EXEC_JOIN_H
#define CH_EXEC_JOIN_H

#include "exec/exec.h"
#include "exec/grouper_codes.h"
#include "exec/rowset.h"

enum {
    CH_JOIN_PART_BITS = 5,
    CH_JOIN_PARTS = 1 << CH_JOIN_PART_BITS,
    CH_JOIN_FEW = 16384, /* as many rows are joined in Spark's order (join_few.c) */
};

/* Behind a build row's columns. */
typedef struct ch_join_link {
    uint8_t *next; /* of the bucket's chain */
    _Atomic uint32_t matched;
    uint32_t number; /* of the row, when the build side is small */
} ch_join_link;

/* Where a build row stood. */
typedef struct ch_join_place {
    uint8_t *row;
    uint64_t seq;
    int64_t at; /* rows of the slot before it */
} ch_join_place;

typedef struct ch_join_table {
    _Atomic uint64_t *bucket; /* tags << 48 | first row; mask + 1 of them */
    int64_t n_buckets;
} ch_join_table;

typedef enum ch_join_emit {
    CH_EMIT_NONE,
    CH_EMIT_UNMATCHED,
    CH_EMIT_MATCHED,
    CH_EMIT_MARKED /* all of them, with a column that says whether they matched */
} ch_join_emit;

typedef struct ch_join_slot {
    ch_rowset build[CH_JOIN_PARTS], probe[CH_JOIN_PARTS];
    uint64_t *hash; /* cap_rows, as all of them */
    int64_t *bytes;
    uint8_t **row, **list;
    int32_t *idx, *no, *found;
    uint64_t *bits;
    int64_t cap_rows;
    /* pairs waiting to be emitted: exec->batch_rows */
    int32_t *pair_idx;
    uint8_t **pair_row;
    int64_t n_pairs;
    ch_codes *codes; /* probe keys to build rows, when the build side is small */
    bool codes_tried;
    ch_column **key;       /* n_keys, of the batch at hand */
    ch_value_range *range; /* per key: of the build rows, where a filter is wanted */
    uint64_t seq;          /* of the last batch */
    /* few rows */
    int64_t n_built, n_probed, n_paired; /* counted until there are more */
    ch_join_place *place;
    int64_t n_places, cap_places;
    int32_t *few_idx; /* pairs at hand: probe row, build row */
    uint8_t **few_row;
    int64_t n_few, cap_few;
} ch_join_slot;

typedef struct ch_join ch_join;
struct ch_join {
    ch_exec *exec;
    ch_op *build_op, *probe_op;
    ch_mem *mem; /* build_op's */
    ch_join_type type;
    bool build_left;
    bool null_aware;         /* NOT IN with one key */
    bool null_matches;       /* NOT IN otherwise: a condition that is NULL counts as true */
    bool pairs;              /* joined rows are the result; else rows of one side */
    bool keep_probe;         /* probe rows without a match are given with NULLs */
    ch_join_emit probe_emit; /* semi, anti, existence */
    ch_join_emit build_emit; /* outer, or semi and anti when the left side is built */

    int32_t n_keys;
    ch_expr_list build_key, probe_key;
    bool *null_safe; /* <=> */
    ch_expr_list residual;
    ch_attr_list both; /* left's and right's columns */
    ch_evaluator *build_ev, *probe_ev, *residual_ev;
    const ch_attr_list *build_attrs, *probe_attrs;
    int32_t *build_col;  /* per build column: its position in the layout */
    int32_t *build_from; /* per layout column past the keys: the build column */

    ch_rowlayout layout;       /* [build keys, other build columns], link */
    ch_rowlayout probe_layout; /* [probe keys, probe columns] */
    ch_join_slot *slot;
    int64_t reserve;
    int32_t page_bytes;
    _Atomic int keep;
    _Atomic(ch_spill *) spill;
    pthread_mutex_t lock; /* guards the making of spill, and the freeing of what is in memory */
    _Atomic int64_t n_build, n_null_keys;

    ch_runtime_filter *filter;           /* per key: for the probe side's scans */
    const ch_filter_offer *build_offers; /* from above, for the build side */
    int64_t probe_rows;                  /* estimate; -1 = unknown */

    ch_join_table table; /* of the partitions in memory */
    ch_column **dict;    /* per build column when the build side is small: row `number` of it */
    uint8_t **few;       /* all n_few build rows in the order of the input; NULL: not few */
    int64_t n_few;
    bool unique; /* no two build rows have one key; only known when small */
    _Atomic int next_insert;
    _Atomic int64_t next_task, tasks_done; /* of flush */
    bool memory_freed;
};

static inline ch_join_link *ch_join_link_of(const ch_join *j, const uint8_t *row)
{
    return (ch_join_link *)(void *)(uintptr_t)(row + j->layout.state_offset);
}
static inline int ch_join_part(uint64_t hash)
{
    return (int)(hash >> (48 - CH_JOIN_PART_BITS)) & (CH_JOIN_PARTS - 1);
}
#define CH_JOIN_ADDRESS (UINT64_MAX >> 16)
static inline uint64_t ch_join_tag(uint64_t hash)
{
    return UINT64_C(1) << (48 + (hash >> 60));
}

/* May a probe row without a match give something? */
static inline bool ch_join_wants_all(const ch_join *j)
{
    return j->keep_probe || j->probe_emit == CH_EMIT_UNMATCHED || j->probe_emit == CH_EMIT_MARKED;
}

/* ---- join_build.c ---- */

extern const ch_op_class ch_op_class_hash_build;
CH_NODISCARD ch_status ch_join_need_rows(ch_join *j, int slot, int64_t n, ch_error *err);
CH_NODISCARD ch_status ch_join_spill_set(ch_join *j, ch_op *op, ch_rowset *set, ch_error *err);
/* Buckets for n rows, all empty. */
CH_NODISCARD ch_status ch_join_table_init(ch_join *j, ch_join_table *table, int64_t n,
                                          ch_error *err);
void ch_join_table_release(ch_join *j, ch_join_table *table);
/* Enters the rows of a page in memory; rows with a NULL key that matches nothing are left out. */
void ch_join_insert(ch_join *j, ch_join_table *table, const ch_rowpage *page);
/* The build side of the partitions in memory is not needed any more. */
void ch_join_free_memory(ch_join *j);
/* Evaluates keys into s->key, packed; *hash as ch_hash gives it, in s->hash. */
CH_NODISCARD ch_status ch_join_keys(ch_join *j, int slot, ch_evaluator *ev, ch_batch *batch,
                                    ch_mem *mem, ch_error *err);
void ch_join_drop_keys(ch_join *j, int slot);
/* idx = positions whose keys can match (no NULL but in <=>); returns their number. */
int64_t ch_join_usable(const ch_join *j, ch_column *const *key, int64_t n, int32_t *idx);

/* ---- join_few.c ---- */

/* Notes where the k build rows stood that were just made, in s->list, of positions s->idx of the batch. */
CH_NODISCARD ch_status ch_join_few_add(ch_join *j, ch_join_slot *s, const ch_batch *batch,
                                       int64_t k, ch_error *err);
/* The build side is complete, with n rows: makes j->few if they are few. */
CH_NODISCARD ch_status ch_join_few_settle(ch_join *j, int64_t n, ch_error *err);
void ch_join_few_free(ch_join *j);

/* ---- join_filter.c ---- */

/* Offers the keys' filters to the probe side, in c->offers; what came from above goes to j->build_offers too. */
CH_NODISCARD ch_status ch_join_offer_filters(ch_compiler *c, ch_join *j, const ch_rel *build,
                                             const ch_rel *probe, ch_error *err);
/* Build keys of the batch at hand are inside of the filters' ranges. */
void ch_join_widen_filters(ch_join *j, int slot);
/* The build side is complete: fills the filters that are wanted. Short of memory they stay unknown. */
void ch_join_fill_filters(ch_join *j);

/* ---- join_probe.c ---- */

extern const ch_op_class ch_op_class_hash_join;

#endif
