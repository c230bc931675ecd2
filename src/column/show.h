/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.h - rows as a table, character for character what DataFrame.show() prints.
 *
 *   +---+----+        -RECORD 0---
 *   | id|name|         id   | 1
 *   +---+----+         name | NULL
 *   |  1|NULL|
 *   +---+----+
 *   only showing top 1 row
 *
 * Widths count what Java's String.length counts (UTF-16 units), and one more for each East Asian wide
 * character. Line breaks, tabs and other control characters show as \n, \t ...
 */
#ifndef CH_COLUMN_SHOW_H
#define CH_COLUMN_SHOW_H

#include "column/batch.h"
#include "type/timezone.h"

typedef struct ch_show_options {
    int64_t n_rows;      /* show these many at most; 20 in Spark */
    int32_t truncate;    /* characters of a cell; 0: whole cells, left-aligned. 20 in Spark */
    bool vertical;       /* one line per cell */
    const ch_zone *zone; /* of the session */
    const _Atomic bool *cancel; /* NULL: nobody */
} ch_show_options;

/*
 * Appends the table to out.
 *   schema  STRUCT: the columns' names
 *   batch   borrows  n_batches of them, in order; one row more than options->n_rows is enough,
 *                    and tells that there are more
 */
CH_NODISCARD ch_status ch_show(const ch_type *schema, ch_batch *batch, int32_t n_batches,
                               const ch_show_options *options, ch_buf *out, ch_error *err);

#endif
