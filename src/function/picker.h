/* SPDX-License-Identifier: Apache-2.0 */
/*
 * picker.h - new lists out of elements of a column: note positions, end rows, gather once.
 *
 *   picker p;
 *   CH_TRY(ch_picker_init(&p, call, out, err));      *out is the list column under construction
 *   for each row i:  ch_pick(&p, position, err) ...;  ch_picker_end_row(&p, i);
 *   status = ch_picker_finish(&p, elements, err);     releases p, also on error
 */
#ifndef CH_FUNCTION_PICKER_H
#define CH_FUNCTION_PICKER_H

#include "column/take.h"
#include "function/support.h"

typedef struct ch_picker {
    const ch_call *call;
    ch_buf idx; /* int32 positions, -1 is NULL */
    int32_t n;
    bool nulls;
    ch_column *list;
} ch_picker;

static inline ch_status ch_picker_init(ch_picker *p, const ch_call *call, ch_column **out,
                                       ch_error *err)
{
    *p = (ch_picker){.call = call};
    ch_buf_init(&p->idx, call->mem);
    if (!*out) {
        CH_TRY(ch_column_new(call->mem, call->result, call->rows, out, err));
    }
    p->list = *out;
    return CH_OK;
}

static inline ch_status ch_pick(ch_picker *p, int32_t position, ch_error *err)
{
    if (p->n == INT32_MAX)
        return ch_error_memory(err, "elements of one column", p->n, INT32_MAX);
    if (p->idx.len + sizeof position + 1 > p->idx.cap)
        CH_TRY(ch_buf_reserve(&p->idx, sizeof position, err));
    memcpy(p->idx.data + p->idx.len, &position, sizeof position);
    p->idx.len += sizeof position;
    p->nulls |= position < 0;
    p->n++;
    return CH_OK;
}

static inline void ch_picker_end_row(ch_picker *p, int64_t i)
{
    ((int32_t *)p->list->data)[i + 1] = p->n;
}

static inline ch_status ch_picker_finish(ch_picker *p, const ch_column *elements, ch_error *err)
{
    static const int32_t none;
    ch_status status = ch_take(elements, p->n ? (const int32_t *)(void *)p->idx.data : &none, p->n,
                               p->nulls, p->call->mem, &p->list->child[0], err);
    ch_buf_release(&p->idx);
    return status;
}

/* Elements of row i of a FLAT list column. */
static inline int32_t ch_list_from(const ch_column *c, int64_t i)
{
    return ((const int32_t *)c->data)[i];
}
static inline int32_t ch_list_to(const ch_column *c, int64_t i)
{
    return ((const int32_t *)c->data)[i + 1];
}
/* Any argument NULL in row i. */
static inline bool ch_row_null(const ch_call *call, int64_t i)
{
    for (int32_t a = 0; a < call->n_args; a++)
        if (ch_column_is_null(call->arg[a], i))
            return true;
    return false;
}

#endif
