/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_write_shred.h - nested rows as the levels and values of one leaf (Dremel, 2010).
 *
 *   entry   one per value, NULL or empty list that the leaf has: a repetition level, a definition level, and
 *           where the value is there, its slot in the leaf's own column
 */
#ifndef CH_FORMAT_PARQUET_WRITE_SHRED_H
#define CH_FORMAT_PARQUET_WRITE_SHRED_H

#include "base/buf.h"
#include "column/column.h"

typedef enum ch_pqw_step_kind {
    CH_PQW_STEP_FIELD, /* to child `field` of a struct */
    CH_PQW_STEP_LIST,  /* to the elements of an array */
    CH_PQW_STEP_ENTRY  /* to child `field` of a map's entries */
} ch_pqw_step_kind;

/* One way down from a column; `optional` counts for the level before it. */
typedef struct ch_pqw_step {
    ch_pqw_step_kind kind;
    int32_t field;
    bool optional;
} ch_pqw_step;

typedef struct ch_pqw_path {
    const ch_pqw_step *step;
    int32_t n;
    bool optional; /* the leaf itself */
} ch_pqw_path;

typedef struct ch_pqw_entries {
    ch_buf def, rep; /* uint8 */
    ch_buf slot;     /* int32: of the values that are there, after ch_pqw_shred */
    int64_t n, n_values;
    ch_buf spare[3]; /* scratch */
} ch_pqw_entries;

void ch_pqw_entries_init(ch_pqw_entries *e, ch_mem *mem);
void ch_pqw_entries_release(ch_pqw_entries *e);

/*
 * Entries of rows [from, from + n) of a column, FLAT all the way down.
 *   values  gives (borrowed from column) the leaf column that slots mean
 * Errors CH_E_INTERNAL: a NULL where the schema has none.
 */
CH_NODISCARD ch_status ch_pqw_shred(const ch_column *column, int64_t from, int64_t n,
                                    const ch_pqw_path *path, ch_pqw_entries *e,
                                    const ch_column **values, ch_error *err);

#endif
