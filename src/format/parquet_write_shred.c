/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write_shred.c - one pass over all entries per level of nesting.
 *
 * While entries are made their slots lie beside the levels, -1 where an entry has ended above the leaf (a NULL
 * or an empty list); at the end only the slots of values are kept.
 */
#include "format/parquet_write_shred.h"

void ch_pqw_entries_init(ch_pqw_entries *e, ch_mem *mem)
{
    *e = (ch_pqw_entries){0};
    ch_buf_init(&e->def, mem);
    ch_buf_init(&e->rep, mem);
    ch_buf_init(&e->slot, mem);
    for (int i = 0; i < 3; i++)
        ch_buf_init(&e->spare[i], mem);
}

void ch_pqw_entries_release(ch_pqw_entries *e)
{
    ch_buf_release(&e->def);
    ch_buf_release(&e->rep);
    ch_buf_release(&e->slot);
    for (int i = 0; i < 3; i++)
        ch_buf_release(&e->spare[i]);
}

static int32_t *slots(ch_pqw_entries *e)
{
    return (int32_t *)(void *)e->slot.data;
}

/* Entries whose value is NULL end here; the others are one level further. */
static ch_status take_nulls(const ch_column *c, bool optional, ch_pqw_entries *e, ch_error *err)
{
    int32_t *slot = slots(e);
    uint8_t *def = (uint8_t *)e->def.data;
    bool no_nulls = !c->valid && c->type->id != CH_NULL;
    if (!optional && no_nulls)
        return CH_OK;
    for (int64_t i = 0; i < e->n; i++) {
        if (slot[i] < 0)
            continue;
        if (no_nulls || !ch_column_is_null(c, slot[i]))
            def[i] = (uint8_t)(def[i] + optional);
        else if (optional)
            slot[i] = -1;
        else
            CH_FAIL(err, INTERNAL, "message", "NULL in a nested column that has none");
    }
    return CH_OK;
}

static void swap(ch_buf *a, ch_buf *b)
{
    ch_buf t = *a;
    *a = *b;
    *b = t;
}

/* Each entry becomes one per element, or ends at an empty list. */
static ch_status repeat(const ch_column *list, uint8_t rep_level, ch_pqw_entries *e, ch_error *err)
{
    const int32_t *offset = list->data, *slot = slots(e);
    const uint8_t *def = (const uint8_t *)e->def.data, *rep = (const uint8_t *)e->rep.data;
    int64_t n = 0;
    for (int64_t i = 0; i < e->n; i++) {
        int32_t len = slot[i] < 0 ? 0 : offset[slot[i] + 1] - offset[slot[i]];
        n += len > 0 ? len : 1;
    }
    for (int i = 0; i < 3; i++)
        e->spare[i].len = 0;
    CH_TRY(ch_buf_reserve(&e->spare[0], (size_t)n, err));
    CH_TRY(ch_buf_reserve(&e->spare[1], (size_t)n, err));
    CH_TRY(ch_buf_reserve(&e->spare[2], 4 * (size_t)n, err));
    uint8_t *to_def = (uint8_t *)e->spare[0].data, *to_rep = (uint8_t *)e->spare[1].data;
    int32_t *to_slot = (int32_t *)(void *)e->spare[2].data;
    int64_t k = 0;
    for (int64_t i = 0; i < e->n; i++) {
        int32_t from = slot[i] < 0 ? 0 : offset[slot[i]];
        int32_t len = slot[i] < 0 ? 0 : offset[slot[i] + 1] - from;
        if (len <= 0) {
            to_def[k] = def[i];
            to_rep[k] = rep[i];
            to_slot[k++] = -1;
            continue;
        }
        for (int32_t x = 0; x < len; x++) {
            to_def[k] = (uint8_t)(def[i] + 1);
            to_rep[k] = x ? rep_level : rep[i];
            to_slot[k++] = from + x;
        }
    }
    swap(&e->def, &e->spare[0]);
    swap(&e->rep, &e->spare[1]);
    swap(&e->slot, &e->spare[2]);
    e->n = n;
    return CH_OK;
}

static ch_status begin(int64_t from, int64_t n, ch_pqw_entries *e, ch_error *err)
{
    e->def.len = e->rep.len = e->slot.len = 0;
    CH_TRY(ch_buf_fill(&e->def, 0, (size_t)n, err));
    CH_TRY(ch_buf_fill(&e->rep, 0, (size_t)n, err));
    CH_TRY(ch_buf_reserve(&e->slot, 4 * (size_t)n, err));
    for (int64_t i = 0; i < n; i++)
        slots(e)[i] = (int32_t)(from + i);
    e->n = n;
    return CH_OK;
}

ch_status ch_pqw_shred(const ch_column *c, int64_t from, int64_t n, const ch_pqw_path *path,
                       ch_pqw_entries *e, const ch_column **values, ch_error *err)
{
    uint8_t rep_level = 0;
    CH_TRY(begin(from, n, e, err));
    for (int32_t s = 0; s < path->n; s++) {
        const ch_pqw_step *step = &path->step[s];
        CH_TRY(take_nulls(c, step->optional, e, err));
        if (step->kind != CH_PQW_STEP_FIELD)
            CH_TRY(repeat(c, ++rep_level, e, err));
        c = step->kind == CH_PQW_STEP_FIELD  ? c->child[step->field]
            : step->kind == CH_PQW_STEP_LIST ? c->child[0]
                                             : c->child[0]->child[step->field];
    }
    CH_TRY(take_nulls(c, path->optional, e, err));
    e->n_values = 0;
    int32_t *slot = slots(e);
    for (int64_t i = 0; i < e->n; i++) {
        slot[e->n_values] = slot[i];
        e->n_values += slot[i] >= 0;
    }
    *values = c;
    return CH_OK;
}
