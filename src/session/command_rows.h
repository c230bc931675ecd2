/* SPDX-License-Identifier: Apache-2.0 */
/* command_rows.h - a small table of text, which becomes the rows of a statement's frame. */
#ifndef CH_SESSION_COMMAND_ROWS_H
#define CH_SESSION_COMMAND_ROWS_H

#include "session/session.h"

#define CH_ROWS_MOST_COLUMNS 8

/* Cells are text in the frame's arena; NULL is NULL; "true" and "false" for boolean columns. */
typedef struct ch_rows {
    ch_frame *frame;
    int32_t n_cols;
    const char *name[CH_ROWS_MOST_COLUMNS];
    bool is_boolean[CH_ROWS_MOST_COLUMNS];
    bool nullable[CH_ROWS_MOST_COLUMNS];
    const char **cell;
    int32_t n, cap; /* rows */
} ch_rows;

/* One row: n_cols cells, copied. */
CH_NODISCARD ch_status ch_rows_add(ch_rows *r, const char *const *cell, ch_error *err);
/* The rows become the plan of r->frame. */
CH_NODISCARD ch_status ch_rows_finish(ch_rows *r, ch_error *err);

#endif
