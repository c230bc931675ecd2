/* SPDX-License-Identifier: Apache-2.0 */
/* command_rows.c - cells of text to a frame's rows. */
#include "session/command_rows.h"

#include <string.h>

#include "column/textout.h"
#include "plan/node.h"

ch_status ch_rows_add(ch_rows *r, const char *const *cell, ch_error *err)
{
    ch_arena *arena = &r->frame->arena;
    if (r->n == r->cap) {
        int32_t cap = r->cap ? r->cap * 2 : 8;
        const char **more;
        CH_ARENA_ARRAY(more, arena, cap * r->n_cols, err);
        if (r->n)
            memcpy(more, r->cell, sizeof *more * (size_t)(r->n * r->n_cols));
        r->cell = more;
        r->cap = cap;
    }
    for (int32_t c = 0; c < r->n_cols; c++) {
        const char *text = cell[c] ? ch_arena_str(arena, cell[c], err) : NULL;
        if (cell[c] && !text)
            return CH_E_MEMORY;
        r->cell[r->n * r->n_cols + c] = text;
    }
    r->n++;
    return CH_OK;
}

static ch_status fill_column(ch_rows *r, int32_t c, ch_column *column, ch_error *err)
{
    ch_textout w;
    if (r->is_boolean[c])
        memset(column->data, 0, (size_t)ch_bit_bytes(r->n));
    else
        ch_textout_init(&w, column);
    for (int32_t i = 0; i < r->n; i++) {
        const char *text = r->cell[i * r->n_cols + c];
        if (!text) {
            CH_TRY(ch_column_need_valid(column, err));
            ch_bit_clear(column->valid, i);
        }
        if (r->is_boolean[c])
            ch_bit_put(column->data, i, text && strcmp(text, "true") == 0);
        else
            CH_TRY(ch_textout_put(&w, i, text ? text : "", text ? (int64_t)strlen(text) : 0, err));
    }
    return CH_OK;
}

ch_status ch_rows_finish(ch_rows *r, ch_error *err)
{
    ch_frame *frame = r->frame;
    ch_mem *mem = ch_session_mem(frame->session);
    ch_field field[CH_ROWS_MOST_COLUMNS];
    for (int32_t c = 0; c < r->n_cols; c++)
        field[c] = (ch_field){r->name[c], r->is_boolean[c] ? CH_T_BOOLEAN : CH_T_STRING,
                              r->nullable[c], NULL};
    ch_rel_local_relation *local = ch_rel_new(&frame->arena, CH_REL_LOCAL_RELATION, err);
    if (!local)
        return CH_E_MEMORY;
    local->schema = ch_type_struct(field, r->n_cols);
    CH_ARENA_ARRAY(frame->batch, &frame->arena, 1, err);
    if (r->n > 0) {
        ch_batch *batch = ch_mem_zalloc(mem, sizeof *batch, err);
        if (!batch)
            return CH_E_MEMORY;
        frame->batch[frame->n_batches++] = batch; /* released with the frame from here on */
        CH_TRY(ch_batch_init(batch, mem, r->n_cols, r->n, err));
        for (int32_t c = 0; c < r->n_cols; c++) {
            CH_TRY(ch_column_new(mem, field[c].type, r->n, &batch->col[c], err));
            CH_TRY(fill_column(r, c, batch->col[c], err));
        }
    }
    local->batch = frame->batch;
    local->n_batches = frame->n_batches;
    frame->rel = &local->head;
    return CH_OK;
}
