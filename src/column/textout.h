/* SPDX-License-Identifier: Apache-2.0 */
/*
 * textout.h - writing the strings of a new column, one after another.
 *
 * Short strings go inside their view; longer ones into chunks that become text
 * buffers of the column. Usual use in a kernel:
 *
 *   ch_textout w;
 *   ch_textout_init(&w, out);                  out: FLAT view column from
 * ch_column_new for each row: CH_TRY(ch_textout_put(&w, i, text, len, err));
 *
 * Chunks belong to the column from the moment they are made, so there is
 * nothing to release.
 *
 * For strings made in place: p = ch_textout_room(&w, most_bytes), write at most
 * that many, then ch_textout_commit(&w, i, len).
 */
#ifndef CH_COLUMN_TEXTOUT_H
#define CH_COLUMN_TEXTOUT_H

#include "column/column.h"

typedef struct ch_textout {
    ch_column *column; /* borrowed */
    ch_view *view;
    ch_buffer *chunk; /* borrowed: the column's newest text buffer */
    int32_t buf;      /* its index */
    int64_t used;     /* bytes of chunk */
} ch_textout;

void ch_textout_init(ch_textout *w, ch_column *column);
/* At least `most` writable bytes; NULL with err set. Valid until the next call.
 */
char *ch_textout_room(ch_textout *w, int64_t most, ch_error *err);
/* Row i is the first len bytes written at ch_textout_room's pointer. */
void ch_textout_commit(ch_textout *w, int64_t i, int64_t len);
CH_NODISCARD ch_status ch_textout_put(ch_textout *w, int64_t i, const char *text, int64_t len,
                                      ch_error *err);
/* An empty string; for rows that are NULL. */
static inline void ch_textout_empty(ch_textout *w, int64_t i)
{
    w->view[i] = (ch_view){0};
}

#endif
