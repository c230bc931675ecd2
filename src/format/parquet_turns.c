/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_turns.c - row groups in the order in which a top-N wants them: those with the first values come first, so that
 * its bound soon refuses the others, whose files are then not even opened again.
 */
#include <stdlib.h>

#include "format/parquet_scan.h"

/* More files are not all opened before the first row. */
#define FILES_MOST 1024

static int by_number(const ch_pq_turn *a, const ch_pq_turn *b)
{
    return (a->number > b->number) - (a->number < b->number);
}

/* What is not known may be anything, so it comes first; and the first value decides. */
static int compare(const ch_pq_turn *a, const ch_pq_turn *b, bool descending)
{
    const ch_bounds *x = &a->bounds, *y = &b->bounds;
    bool known = x->has_min && x->has_max;
    if (known != (y->has_min && y->has_max))
        return known ? 1 : -1;
    if (!known)
        return by_number(a, b);
    int64_t v = descending ? y->max.v.i64 : x->min.v.i64;
    int64_t w = descending ? x->max.v.i64 : y->min.v.i64;
    return v != w ? (v > w) - (v < w) : by_number(a, b);
}
static int ascending(const void *a, const void *b)
{
    return compare(a, b, false);
}
static int descending(const void *a, const void *b)
{
    return compare(a, b, true);
}

const ch_pq_filter *ch_pq_bound_filter(const ch_pq_scan *s)
{
    for (int32_t i = 0; i < s->n_filters && s->spec.n_files <= FILES_MOST; i++)
        if (s->filter[i].runtime && s->filter[i].runtime->side)
            return &s->filter[i];
    return NULL;
}

static ch_status add_file(ch_pq_scan *s, const ch_pq_filter *f, int32_t no, int64_t *n_rows,
                          ch_error *err)
{
    ch_pq_file *file;
    CH_TRY(ch_pq_scan_file(s, no, &file, err));
    ch_status status = CH_OK;
    const ch_pq_wanted *leaf = ch_pq_plain_leaf(file, f->at);
    for (int32_t i = 0; i < file->meta.row_groups.n && status == CH_OK; i++) {
        const ch_pq_row_group *group = ch_pq_group(file, i);
        ch_pq_turn t = {.file_no = no, .group = i, .rows = group->num_rows};
        const ch_pq_chunk *chunk = leaf ? ch_pq_group_chunk(group, leaf->node->leaf) : NULL;
        if (chunk && chunk->meta) {
            ch_pq_bounds_of_chunk(file, leaf, chunk->meta, &t.bounds);
            ch_bounds_settle(&t.bounds);
        }
        if (f->runtime->with_null && t.bounds.n_null != 0)
            t.bounds.has_min = t.bounds.has_max = false;
        if (t.rows <= 0)
            continue;
        *n_rows += t.rows;
        status = ch_buf_add(&s->turns, &t, sizeof t, err);
    }
    ch_pq_file_unref(file);
    return status;
}

ch_status ch_pq_turns_make(ch_pq_scan *s, const ch_pq_filter *f, ch_error *err)
{
    int64_t n_rows = 0;
    for (int32_t i = 0; i < s->spec.n_files; i++)
        CH_TRY(add_file(s, f, i, &n_rows, err));
    ch_pq_turn *t = (ch_pq_turn *)s->turns.data;
    s->n_turns = (int32_t)(s->turns.len / sizeof *t);
    s->piece_rows = ch_pq_piece_rows(s, s->n_turns, n_rows);
    uint64_t number = 0;
    for (int32_t i = 0; i < s->n_turns; i++) {
        t[i].number = number;
        for (int64_t row = 0; row < t[i].rows; number++)
            row += ch_pq_piece(s, t[i].rows - row);
    }
    if (s->n_turns)
        qsort(t, (size_t)s->n_turns, sizeof *t,
              f->runtime->side == CH_BOUND_AT_LEAST ? descending : ascending);
    return CH_OK;
}
