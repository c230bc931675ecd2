/* SPDX-License-Identifier: Apache-2.0 */
/* textout.c - chunks grow from 4 KiB to 1 MiB, larger for a larger single
 * string. */
#include "column/textout.h"

#define FIRST_BYTES ((int64_t)4 << 10)
#define MOST_BYTES ((int64_t)1 << 20)

void ch_textout_init(ch_textout *w, ch_column *column)
{
    *w = (ch_textout){.column = column, .view = column->data};
}

char *ch_textout_room(ch_textout *w, int64_t most, ch_error *err)
{
    if (w->chunk && w->chunk->bytes - w->used >= most)
        return (char *)w->chunk->data + w->used;
    int64_t bytes = w->chunk ? w->chunk->bytes * 2 : FIRST_BYTES;
    if (bytes > MOST_BYTES)
        bytes = MOST_BYTES;
    if (bytes < most)
        bytes = most;
    ch_buffer *chunk;
    if (bytes > INT32_MAX) {
        (void)ch_error_memory(err, "one string", bytes, INT32_MAX);
        return NULL;
    }
    if (ch_buffer_new(w->column->mem, bytes, &chunk, err) != CH_OK ||
        ch_column_add_text(w->column, chunk, &w->buf, err) != CH_OK)
        return NULL;
    w->chunk = chunk;
    w->used = 0;
    return (char *)chunk->data;
}

void ch_textout_commit(ch_textout *w, int64_t i, int64_t len)
{
    const char *text = len ? (const char *)w->chunk->data + w->used : "";
    w->view[i] = ch_view_make(text, len, w->buf, w->used);
    if (len > CH_VIEW_INLINE)
        w->used += len;
}

ch_status ch_textout_put(ch_textout *w, int64_t i, const char *text, int64_t len, ch_error *err)
{
    if (len > CH_VIEW_INLINE) {
        char *room = ch_textout_room(w, len, err);
        if (!room)
            return CH_E_MEMORY;
        memcpy(room, text, (size_t)len);
        ch_textout_commit(w, i, len);
    } else {
        w->view[i] = ch_view_make(text, len, 0, 0);
    }
    return CH_OK;
}
