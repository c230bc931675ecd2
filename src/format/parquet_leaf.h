/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parquet_leaf.h - one column chunk being read: pages in, columns of rows out.
 *
 *   open ─▶ (skip | read)* ─▶ close; then open for the next row group
 *
 * Skipping is lazy: rows are only counted, and when something is read again, whole pages are passed
 * over without being decompressed, by the offset index without being looked at.
 *
 * A leaf is flat when it is neither repeated nor inside of an optional group: its rows are its values,
 * and its levels go straight into the validity bitmap. Other leaves give, besides the values, the levels
 * of the rows read, from which parquet_nested.c builds what is around them:
 *
 *   slots    places for a value: one per row, or per element of the innermost list
 *   entries  levels: one per slot, and one per empty or NULL list
 *
 * Threads: one.
 */
#ifndef CH_FORMAT_PARQUET_LEAF_H
#define CH_FORMAT_PARQUET_LEAF_H

#include "codec/block.h"
#include "format/parquet_convert.h"
#include "format/parquet_hybrid.h"
#include "store/file.h"

/* What the leaves of a row group have in common. */
typedef struct ch_pq_io {
    ch_input *in;
    const char *path;
    int64_t file_bytes;
    int32_t row_group;
    ch_mem *mem;
    ch_block *block;
    int64_t window_bytes; /* to read at once */
    ch_buffer *shared;    /* all chunks of a small row group, or NULL */
    int64_t shared_at;
    _Atomic int64_t *bytes_done;
} ch_pq_io;

typedef enum ch_pq_source {
    CH_PQ_FROM_FIXED, /* packed values at data */
    CH_PQ_FROM_BITS,  /* a bitmap at data */
    CH_PQ_FROM_TEXT,  /* u32 length, bytes, ... at data */
    CH_PQ_FROM_VIEWS, /* ch_view[] at data, into text */
    CH_PQ_FROM_DICTIONARY
} ch_pq_source;

/* The data page at hand. */
typedef struct ch_pq_page {
    ch_pq_page_header header;
    ch_pq_data_page v1;
    ch_pq_data_page_v2 v2;
    bool there, loaded;      /* its header was read; its body was decompressed */
    int64_t body_at;         /* in the file */
    int64_t n, at;           /* entries, and those passed */
    int64_t n_rows;          /* -1 = unknown before it is loaded */
    ch_buffer *buf, *levels; /* what data and levels point into */
    const uint8_t *data, *end;
    int64_t value;    /* next one: BITS, VIEWS, FIXED */
    int64_t n_values; /* BITS, VIEWS, FIXED: how many there are */
    ch_pq_source source;
    ch_buffer *text;                /* VIEWS, TEXT: where long values are */
    const char *text_base;          /* text->data + what views' offsets count from */
    ch_pq_hybrid index, def;        /* DICTIONARY; flat leaves */
    uint8_t *def_level, *rep_level; /* other leaves: of all entries */
} ch_pq_page;

typedef struct ch_pq_leaf {
    const ch_pq_node *node;
    ch_pq_conversion conversion;
    bool is_flat, is_top; /* is_top: strings may come as dictionary indices */
    uint8_t slot_def;     /* from this definition level on there is a slot */

    ch_pq_io *io; /* borrowed while open */
    const ch_pq_column_meta *meta;
    const ch_pq_page_location *location; /* of the offset index, or NULL */
    int32_t n_locations;
    int64_t start, at, stop; /* where the chunk begins; what is left of the chunk, in the file */
    int64_t row, n_rows;     /* rows passed, of those of the row group */
    int64_t entries_left;    /* behind the page at hand */
    int64_t pending;         /* rows to skip first */

    ch_buffer *window; /* bytes of the file from window_at on */
    int64_t window_at, window_len;
    ch_arena arena; /* of the page header */
    ch_pq_page page;
    ch_column *dictionary;
    bool passed_dictionary;
    ch_buffer *spare, *scratch, *level_buf; /* reused */

    /* What the last read gave for leaves that are not flat. */
    ch_buffer *def_buf, *rep_buf;
    const uint8_t *def, *rep; /* uint8[n_entries] */
    int64_t n_entries;
} ch_pq_leaf;

/* Once per file and column. type is what Spark wants. */
CH_NODISCARD ch_status ch_pq_leaf_init(ch_pq_leaf *leaf, const ch_pq_node *node,
                                       const ch_type *type, uint8_t slot_def, bool is_top,
                                       const char *path, ch_mem *mem, ch_error *err);
void ch_pq_leaf_release(ch_pq_leaf *leaf);

/* A row group's chunk, which is borrowed. Errors CH_E_CORRUPT_FILE. */
CH_NODISCARD ch_status ch_pq_leaf_open(ch_pq_leaf *leaf, ch_pq_io *io, const ch_pq_chunk *chunk,
                                       int64_t n_rows, ch_error *err);
/* Where its pages are (borrowed); an index that makes no sense is not used. */
void ch_pq_leaf_locate(ch_pq_leaf *leaf, const ch_pq_offset_index *index);
void ch_pq_leaf_close(ch_pq_leaf *leaf);

/* Passes over the next n rows, some time. */
void ch_pq_leaf_skip(ch_pq_leaf *leaf, int64_t n);
/*
 * The next n rows: *out gives a column of n slots for flat leaves (FLAT, or DICT where is_top), else of
 * as many slots as there are, always FLAT, and the levels are in leaf->def, leaf->rep.
 */
CH_NODISCARD ch_status ch_pq_leaf_read(ch_pq_leaf *leaf, int64_t n, ch_column **out, ch_error *err);

/* The dictionary, if every data page of the chunk is said to use it; else NULL. Borrowed. To be
 * asked before anything is read. */
CH_NODISCARD ch_status ch_pq_leaf_dictionary(ch_pq_leaf *leaf, ch_column **out, ch_error *err);

/* ---- between the files of the reader -------------------------------------------------------- */

/* "row group 3, column a.b: reason" */
ch_status ch_pq_leaf_bad(const ch_pq_leaf *leaf, const char *reason, ch_error *err);
/* Reads the dictionary page if the chunk begins with one. */
CH_NODISCARD ch_status ch_pq_page_dictionary(ch_pq_leaf *leaf, ch_error *err);
/* The next data page's header; page.there is false at the end of the chunk. */
CH_NODISCARD ch_status ch_pq_page_next(ch_pq_leaf *leaf, ch_error *err);
/* Its body, decompressed, and its levels. */
CH_NODISCARD ch_status ch_pq_page_load(ch_pq_leaf *leaf, ch_error *err);
void ch_pq_page_drop(ch_pq_leaf *leaf);
/* For encodings that are not read as they lie: makes page.data something that is. bytes are data..end. */
CH_NODISCARD ch_status ch_pq_page_transcode(ch_pq_leaf *leaf, int encoding, int64_t n_values,
                                            ch_error *err);
/* *buf has room for bytes and slack, and nobody else holds it. */
CH_NODISCARD ch_status ch_pq_buffer_room(ch_buffer **buf, int64_t bytes, ch_mem *mem,
                                         ch_error *err);

/*
 * out[at ..) = the next k values of the loaded page, for out a column of the leaf's type; text is
 * shared. For DICTIONARY the dictionary's values.
 */
CH_NODISCARD ch_status ch_pq_values_read(ch_pq_leaf *leaf, int64_t k, ch_column *out, int64_t at,
                                         ch_error *err);
CH_NODISCARD ch_status ch_pq_values_skip(ch_pq_leaf *leaf, int64_t k, ch_error *err);
/* Checked indices; DICTIONARY only. */
CH_NODISCARD ch_status ch_pq_values_index(ch_pq_leaf *leaf, int64_t k, int32_t *out, ch_error *err);

#endif
