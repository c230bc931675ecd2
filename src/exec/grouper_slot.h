/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grouper_slot.h - what the files of the grouper share: grouper.c finds groups, grouper_spill.c sends them to
 * disk, grouper_merge.c makes the result. A table's entry is a row's address with the hash's top 16 bits in
 * its unused ones (the salt):
 *
 *   entry  = salt << 48 | address      0 = free
 *   hash   = | 16 salt | 20 partition, level by level | 28 place in the table |
 */
#ifndef CH_EXEC_GROUPER_SLOT_H
#define CH_EXEC_GROUPER_SLOT_H

#include "exec/grouper.h"
#include "exec/grouper_codes.h"

enum {
    CH_GROUP_CHUNK = 1024,  /* rows looked up together */
    CH_GROUP_PART_BITS = 6, /* of the first partitioning */
    CH_GROUP_PARTS = 1 << CH_GROUP_PART_BITS,
    CH_GROUP_FEW = 16384, /* as many rows are grouped and ordered as Spark does it */
};

#define CH_GROUP_ADDRESS (UINT64_MAX >> 16)

/* Rows that are merged by themselves: a partition, or a part of one. */
typedef struct ch_group_job ch_group_job;
struct ch_group_job {
    ch_rowset set;   /* rows of layout */
    ch_rowset saved; /* rows of saved_layout: on disk, states as text; older than set */
    ch_rowset older; /* the same, loaded */
    int level;       /* how often it was cut */
    ch_group_job *next;
};

/* Where the first row of a group stood. */
typedef struct ch_group_place {
    uint8_t *row;
    uint64_t hash, seq;
    int64_t at; /* rows of the slot before it */
} ch_group_place;

typedef struct ch_group_slot {
    uint64_t *table; /* mask + 1 entries */
    int64_t n_entries, count;
    ch_rowset part[CH_GROUP_PARTS], saved[CH_GROUP_PARTS];
    ch_arena extra;
    ch_codes *codes;
    uint8_t *one;                  /* n_keys 0: the group of all */
    int64_t rows_since, skip_rows; /* rows since the table was empty; rows to append unseen */

    /* while the slot has few rows */
    int64_t n_rows; /* pushed; past CH_GROUP_FEW they are not counted on */
    uint64_t seq;   /* of the rows in the table */
    int64_t at;     /* rows before the ones at hand */
    ch_group_place *place;
    int64_t n_places, cap_places, first_place; /* of the rows in the table */

    /* rows of one push */
    int64_t cap_rows;
    uint64_t *hash;
    uint8_t **row;
    int32_t *pos, *miss; /* place in the table, by row */
    /* lists of one chunk */
    int32_t idx[CH_GROUP_CHUNK], cand[CH_GROUP_CHUNK], fresh[CH_GROUP_CHUNK], no[CH_GROUP_CHUNK];
    int64_t bytes[CH_GROUP_CHUNK];
    uint8_t *list[CH_GROUP_CHUNK], *into[CH_GROUP_CHUNK], *from[CH_GROUP_CHUNK];

    /* merging */
    ch_group_job *jobs; /* to be done */
    ch_group_job *job;  /* being given out */
    ch_arena job_extra;
    uint64_t *merge_table;
    int64_t merge_entries;
    uint8_t **out; /* exec->batch_rows */
    int32_t page, page_pos;
    ch_call *call; /* of each aggregate */
} ch_group_slot;

struct ch_grouper {
    ch_exec *exec;
    ch_mem *mem;
    const ch_grouper_spec *spec;
    ch_arena arena;
    ch_rowlayout layout, saved_layout;
    int32_t *state_offset;
    int32_t n_saved; /* aggregates with save() */
    ch_group_slot **slot;
    int64_t table_entries, reserve;
    int32_t page_bytes;
    _Atomic int keep; /* partitions from here on go to disk when memory is short */
    _Atomic(ch_spill *) spill;
    pthread_mutex_t lock;    /* guards the making of spill */
    _Atomic int64_t spilled; /* bytes */
    _Atomic int64_t next_morsel;
    int64_t n_morsels;
    bool ready;
    bool few;        /* the groups are given in Spark's order */
    uint8_t **order; /* then: n_order of them, those that are alive */
    int64_t n_order, cap_order;
};

/* First partition of a row. */
static inline int ch_group_part(uint64_t hash)
{
    return (int)(hash >> (48 - CH_GROUP_PART_BITS)) & (CH_GROUP_PARTS - 1);
}

/* ---- grouper.c ---- */

/* Bytes of an aggregate's state, padded to 8. */
int32_t ch_group_state_bytes(const ch_call *call);
/* Arrays for n rows of one push. */
CH_NODISCARD ch_status ch_group_need_scratch(ch_grouper *g, ch_group_slot *s, int64_t n,
                                             ch_error *err);
void ch_group_free_scratch(ch_grouper *g, ch_group_slot *s);
void ch_group_free_table(ch_grouper *g, ch_group_slot *s);
/* Empties the table; the groups stay where they are and may be met again as new ones. */
void ch_group_forget_table(ch_group_slot *s);

/* ---- grouper_few.c ---- */

/* n more rows of a slot come, from a batch of seq; those of another partition meet an empty table. */
void ch_group_few_begin(ch_grouper *g, ch_group_slot *s, uint64_t seq, int64_t n);
/* Does the slot still have few rows? */
static inline bool ch_group_is_few(const ch_group_slot *s)
{
    return s->n_rows <= CH_GROUP_FEW;
}
/* Notes where k new groups stood: row[j] was row idx[j] of those that ch_group_few_begin told of. */
CH_NODISCARD ch_status ch_group_few_add(ch_grouper *g, ch_group_slot *s, uint8_t *const *row,
                                        const int32_t *idx, int64_t k, ch_error *err);
/* All rows are there, n of them are groups: sets g->few. */
void ch_group_few_settle(ch_grouper *g, int64_t n);
/* The rows of all slots, in the order in which Spark merges them: g->order. */
CH_NODISCARD ch_status ch_group_few_sort(ch_grouper *g, ch_error *err);
/* Equal groups were merged: those that are alive, in the order of the result. */
CH_NODISCARD ch_status ch_group_few_result(ch_grouper *g, ch_error *err);
void ch_group_few_free(ch_grouper *g);

/* ---- grouper_spill.c ---- */

/* Gives memory back when less than the reserve is left; groups found before are not valid then. */
CH_NODISCARD ch_status ch_group_relieve(ch_grouper *g, ch_group_slot *s, ch_error *err);
/* Makes g->spill, once. Threads: any. */
CH_NODISCARD ch_status ch_group_need_spill(ch_grouper *g, ch_error *err);
/* Writes a set's pages as they are, and counts the bytes. */
CH_NODISCARD ch_status ch_group_spill_set(ch_grouper *g, ch_rowset *set, ch_error *err);
/* Everything of a set of live rows goes to disk into `saved`, states in their saved form. */
CH_NODISCARD ch_status ch_group_save_set(ch_grouper *g, ch_group_slot *s, ch_rowset *set,
                                         ch_rowset *saved, ch_error *err);
/*
 * Copies k <= CH_GROUP_CHUNK rows from one layout into `into`, rows of the other: columns [0, n_cols) and,
 * given or made, the saved states. extra: for what loaded states point to.
 */
CH_NODISCARD ch_status ch_group_convert(ch_grouper *g, ch_group_slot *s, bool to_saved,
                                        uint8_t *const *row, int64_t k, ch_rowset *into,
                                        ch_arena *extra, ch_error *err);
/* state[j] = where row[j] has aggregate a's state, j < n. */
void ch_group_states(const ch_grouper *g, int32_t a, uint8_t *const *row, int64_t n,
                     uint8_t **state);

/* ---- grouper_merge.c ---- */

void ch_group_free_job(ch_grouper *g, ch_group_job *job);
void ch_group_free_merge_table(ch_grouper *g, ch_group_slot *s);

#endif
