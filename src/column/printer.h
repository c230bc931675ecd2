/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printer.h - a stream of batches as text for people and scripts: csv, json, markdown.
 *
 *   const ch_printer *p = ch_printer_find("csv");
 *   p->head(schema, &out, err)          then write out.data away and ch_buf_reset(&out)
 *   p->batch(schema, zone, &batch, &out, err)   for every batch, the same way
 *   p->tail(schema, &out, err)
 *
 *   csv       RFC 4180: a header line; quotes only where needed, doubled inside; NULL is empty, the
 *             empty string is ""; lines end with \n
 *   json      one object per row and line, as DataFrame.toJSON() writes it: NULL fields are left out
 *   markdown  a table; numbers to the right; | and line breaks in cells are escaped
 *
 * Cells of csv are CAST AS STRING of the value, those of markdown what show() shows. Printers have no state: any number of streams at once.
 */
#ifndef CH_COLUMN_PRINTER_H
#define CH_COLUMN_PRINTER_H

#include "column/batch.h"
#include "type/timezone.h"

typedef struct ch_printer {
    const char *name;
    CH_NODISCARD ch_status (*head)(const ch_type *schema, ch_buf *out, ch_error *err);
    CH_NODISCARD ch_status (*batch)(const ch_type *schema, const ch_zone *zone, ch_batch *batch,
                                    ch_buf *out, ch_error *err);
    CH_NODISCARD ch_status (*tail)(const ch_type *schema, ch_buf *out, ch_error *err);
} ch_printer;

/* The printer called name, or NULL; and the i-th one, NULL past the last. Static. */
const ch_printer *ch_printer_find(const char *name);
const ch_printer *ch_printer_at(int i);

#endif
