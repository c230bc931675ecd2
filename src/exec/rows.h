/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows.h - one row format for hash tables, sorts and spill files.
 *
 *   0        4            8-aligned if there    by width, widest first   8-aligned       8-aligned
 *   ┌────────┬────────────┬───────────────────┬────────────────────────┬───────────────┬──────────────┐
 *   │ bytes  │ null bits  │ u64 hash          │ slots of the columns   │ states        │ variable part│
 *   └────────┴────────────┴───────────────────┴────────────────────────┴───────────────┴──────────────┘
 *
 * bytes counts the whole row, a multiple of 8; its lowest bit marks a row that is dead. Null bit
 * on = NULL, its slot is then zero. A string's slot is a ch_view: up to 12 bytes lie inside,
 * of a longer one `offset` counts from the row's own start. Nested values are serialised canonically
 * (rows_nested.c) and kept like a binary string. So a row has no pointers: pages of rows are
 * written, read and moved as they are (idea: Kuiper, Boncz, Mühleisen, Robust external hash
 * aggregation, 2024, which swizzles pointers instead).
 *
 * The first n_keys columns are the ones compared; in them -0.0 becomes 0.0 and every NaN the same NaN,
 * as Spark does for grouping.
 *
 * All loops go column by column over a list of rows. Threads: layouts are only read.
 */
#ifndef CH_EXEC_ROWS_H
#define CH_EXEC_ROWS_H

#include "column/column.h"

typedef enum ch_rowkind {
    CH_ROW_NONE, /* type NULL: no slot */
    CH_ROW_BOOL, /* one byte, 0 or 1 */
    CH_ROW_W1,
    CH_ROW_W2,
    CH_ROW_W4,
    CH_ROW_W8,
    CH_ROW_W16,
    CH_ROW_F4,
    CH_ROW_F8,
    CH_ROW_VIEW,
    CH_ROW_NESTED
} ch_rowkind;

typedef struct ch_rowcol {
    const ch_type *type;
    ch_rowkind kind;
    int32_t offset; /* of the slot, bytes from the row's start */
} ch_rowcol;

typedef struct ch_rowlayout {
    int32_t n_cols, n_keys;
    ch_rowcol *col;
    int32_t null_offset;  /* bit c of the bytes from here: column c is NULL */
    int32_t hash_offset;  /* -1: no hash is kept */
    int32_t state_offset; /* aligned to 8 */
    int32_t state_bytes;
    int32_t fixed_bytes; /* all but the variable part */
    bool variable;       /* rows may differ in length */
    uint8_t *null_row;   /* every column NULL: stands for "no row" in ch_rows_gather */
} ch_rowlayout;

/* Everything in arena. types: those of the n_cols columns; n_keys of them come first. */
CH_NODISCARD ch_status ch_rowlayout_init(ch_rowlayout *layout, ch_arena *arena,
                                         const ch_type *const *types, int32_t n_cols,
                                         int32_t n_keys, bool with_hash, int32_t state_bytes,
                                         ch_error *err);

static inline uint32_t ch_row_bytes(const uint8_t *row)
{
    return *(const uint32_t *)(const void *)row & ~UINT32_C(7);
}
static inline bool ch_row_is_dead(const uint8_t *row)
{
    return row[0] & 1;
}
static inline void ch_row_kill(uint8_t *row)
{
    row[0] |= 1;
}
static inline uint64_t ch_row_hash(const ch_rowlayout *layout, const uint8_t *row)
{
    return *(const uint64_t *)(const void *)(row + layout->hash_offset);
}
static inline bool ch_row_is_null(const ch_rowlayout *layout, const uint8_t *row, int32_t c)
{
    return row[layout->null_offset + (c >> 3)] >> (c & 7) & 1;
}

/*
 * bytes[j] = what the row of position idx[j] will take.
 *   col   borrows  one column per layout column, any encoding, of the layout's types
 *   idx   positions in the columns, k of them
 * Errors: CH_E_MEMORY for a row of 1 GiB or more.
 */
CH_NODISCARD ch_status ch_rows_sizes(const ch_rowlayout *layout, ch_column *const *col,
                                     const int32_t *idx, int64_t k, int64_t *bytes, ch_error *err);
/*
 * Writes rows: row[j] (bytes[j] long, 8-aligned) = the values at position idx[j]; states are zero.
 * hash[idx[j]] is kept if the layout has a hash.
 */
void ch_rows_scatter(const ch_rowlayout *layout, ch_column *const *col, const uint64_t *hash,
                     const int32_t *idx, int64_t k, const int64_t *bytes, uint8_t *const *row);

/* Column c of k rows as a FLAT column (gives); long text is copied. row[j] may be layout->null_row. */
CH_NODISCARD ch_status ch_rows_gather(const ch_rowlayout *layout, int32_t c, uint8_t *const *row,
                                      int64_t k, ch_mem *mem, ch_column **out, ch_error *err);

/*
 * Which rows have the keys of the columns' values? NULL equals NULL, NaN equals NaN.
 *   key     borrows  the n_keys key columns, none nested (ch_key_pack)
 *   idx     k positions i; row[i] is the row that position i is compared with. On return the first
 *           (result) ones are those that match, in their order
 *   no      int32[k]: gets those that do not; *n_no is raised by their number
 */
int64_t ch_rows_match(const ch_rowlayout *layout, ch_column *const *key, uint8_t *const *row,
                      int32_t *idx, int64_t k, int32_t *no, int64_t *n_no);
/* The same for the keys of rows a[i] and b[i] of one layout. */
int64_t ch_rows_match_rows(const ch_rowlayout *layout, uint8_t *const *a, uint8_t *const *b,
                           int32_t *idx, int64_t k, int32_t *no, int64_t *n_no);

/* ---- nested values, rows_nested.c ---- */

/* Bytes of the canonical form of slot i of a FLAT column. */
int64_t ch_nested_bytes(const ch_column *c, int64_t i);
/* Writes it; as_key: floats are normalised. Returns the end. */
uint8_t *ch_nested_write(const ch_column *c, int64_t i, bool as_key, uint8_t *to);
/* A FLAT column of k values; from[j] NULL gives NULL. */
CH_NODISCARD ch_status ch_nested_read(const ch_type *type, const uint8_t *const *from, int64_t k,
                                      ch_mem *mem, ch_column **out, ch_error *err);

/*
 * Nested keys are packed first, once: a layout's key columns are never nested.
 *   ch_key_type    BINARY for a nested type, else the type
 *   ch_key_pack    a column of it (gives): canonical bytes, or `in` itself (shares)
 *   ch_key_unpack  the nested values back (gives); in is FLAT
 */
const ch_type *ch_key_type(const ch_type *type);
CH_NODISCARD ch_status ch_key_pack(ch_column *in, ch_mem *mem, ch_column **out, ch_error *err);
CH_NODISCARD ch_status ch_key_unpack(const ch_column *in, const ch_type *type, ch_mem *mem,
                                     ch_column **out, ch_error *err);

#endif
