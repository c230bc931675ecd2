/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_nested.c - structs, lists and maps out of levels (Melnik et al., Dremel, 2010).
 *
 * A leaf's entries tell everything about what is above it: which slots there are, which of them are
 * NULL, how many elements lists have. The first leaf below a struct or list is asked; that
 * others agree is checked by the number of slots they come to.
 */
#include "format/parquet_file.h"

static ch_status disagree(const ch_pq_leaf *leaf, ch_error *err)
{
    return ch_pq_leaf_bad(leaf, "its lists are not those of the columns beside it", err);
}

static ch_status build(const ch_pq_shape *s, const ch_pq_leaf *leaf, ch_column **values,
                       int64_t rows, ch_mem *mem, ch_column **out, ch_error *err);

static ch_status build_struct(const ch_pq_shape *s, const ch_pq_leaf *leaf, ch_column **values,
                              ch_column *out, ch_error *err)
{
    const ch_pq_leaf *l = &leaf[s->leaf];
    if (s->null_def > s->slot_def) {
        CH_TRY(ch_column_need_valid(out, err));
        int64_t slot = 0, n_null = 0;
        for (int64_t i = 0; i < l->n_entries; i++) {
            if (l->def[i] < s->slot_def || l->rep[i] > s->slot_rep)
                continue;
            bool there = l->def[i] >= s->null_def;
            if (slot == out->rows)
                return disagree(l, err);
            ch_bit_put(out->valid, slot++, there);
            n_null += !there;
        }
        if (slot != out->rows)
            return disagree(l, err);
        if (n_null == 0) {
            ch_buffer_unref(out->valid_buf);
            out->valid_buf = NULL;
            out->valid = NULL;
        }
    }
    for (int32_t c = 0; c < s->n_children; c++)
        CH_TRY(build(&s->child[c], leaf, values, out->rows, out->mem, &out->child[c], err));
    return CH_OK;
}

static ch_status build_list(const ch_pq_shape *s, const ch_pq_leaf *leaf, ch_column **values,
                            ch_column *out, ch_error *err)
{
    const ch_pq_leaf *l = &leaf[s->leaf];
    int32_t *offset = out->data;
    int64_t slot = 0, items = 0, n_null = 0;
    CH_TRY(ch_column_need_valid(out, err));
    for (int64_t i = 0; i < l->n_entries; i++) {
        uint8_t def = l->def[i], rep = l->rep[i];
        if (def < s->slot_def)
            continue;
        if (rep <= s->slot_rep) {
            bool there = def >= s->null_def;
            if (slot == out->rows)
                return disagree(l, err);
            ch_bit_put(out->valid, slot, there);
            n_null += !there;
            offset[slot++] = (int32_t)items;
        }
        items += def >= s->item_def && rep <= s->item_rep;
    }
    if (slot != out->rows || items > INT32_MAX)
        return disagree(l, err);
    offset[slot] = (int32_t)items;
    if (n_null == 0) {
        ch_buffer_unref(out->valid_buf);
        out->valid_buf = NULL;
        out->valid = NULL;
    }
    return build(s->child, leaf, values, items, out->mem, &out->child[0], err);
}

static ch_status build(const ch_pq_shape *s, const ch_pq_leaf *leaf, ch_column **values,
                       int64_t rows, ch_mem *mem, ch_column **out, ch_error *err)
{
    *out = NULL;
    if (s->kind == CH_PQ_SHAPE_MISSING)
        return ch_column_flat_nulls(mem, s->type, rows, out, err);
    if (s->kind == CH_PQ_SHAPE_LEAF) {
        if (values[s->leaf]->rows != rows)
            return disagree(&leaf[s->leaf], err);
        *out = values[s->leaf];
        values[s->leaf] = NULL;
        return CH_OK;
    }
    CH_TRY(ch_column_new(mem, s->type, rows, out, err));
    ch_status status = s->kind == CH_PQ_SHAPE_STRUCT ? build_struct(s, leaf, values, *out, err)
                                                     : build_list(s, leaf, values, *out, err);
    if (status != CH_OK) {
        ch_column_unref(*out);
        *out = NULL;
    }
    return status;
}

ch_status ch_pq_nested_build(const ch_pq_shape *shape, const ch_pq_leaf *leaf, ch_column **values,
                             int64_t rows, ch_mem *mem, ch_column **out, ch_error *err)
{
    return build(shape, leaf, values, rows, mem, out, err);
}
