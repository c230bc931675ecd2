/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_read.h - the state of a CSV scan, shared by the files that are its parts.
 *
 *   csv_read.c    opening, batches, closing
 *   csv_morsel.c  morsels, and the loop over the records of a chunk
 *   csv_rows.c    one record: fields to spans, headers, the tokenizer's rows
 */
#ifndef CH_FORMAT_CSV_READ_H
#define CH_FORMAT_CSV_READ_H

#include <pthread.h>

#include "format/csv.h"
#include "format/csv_convert.h"
#include "format/csv_scan.h"
#include "format/csv_source.h"

typedef struct ch_csv_slot {
    ch_csv_text text;
    ch_csv_rules rules; /* with the line separator of this file */
    ch_csv_dialect dialect;
    bool fast;         /* dialect describes the options */
    int32_t file;      /* open file, -1: none */
    int64_t limit;     /* records that begin here or behind are not this morsel's */
    int32_t header_of; /* the file of header_at, -1: none */
    int64_t header_at; /* without multiLine: where the header of a cut file begins */
    bool skim, header; /* header: the next record is one */
    uint64_t seq;
    ch_csv_index index;
    uint32_t row;    /* next record of the index */
    uint32_t window; /* bytes to index next */
    uint32_t dry_at; /* no record ends behind it in this chunk; UINT32_MAX: not known */
    ch_csv_record record;
    ch_buf line, side, restored;
    ch_csv_span **span; /* [n_wanted][batch_rows] */
    ch_csv_span *whole; /* each row's record, where it may be asked for */
    uint64_t *bad;      /* [batch_rows] */
    bool any_bad;
    int64_t n;         /* rows of the batch under way */
    int64_t n_indexed; /* n: all of them are the last ones of the index, and have no spans; or 0 */
    uint32_t batch_at; /* where its text begins in the chunk */
} ch_csv_slot;

typedef struct ch_csv_reader {
    ch_scan base;
    ch_mem *mem;
    ch_arena arena;
    ch_csv_options options;
    ch_csv_rules rules;
    bool simple;        /* the index can be used at all */
    ch_csv_shape shape; /* of its records */
    bool check_first;   /* a record of that shape may be a blank line or a comment */
    bool wide;          /* lines of two or four bytes a character, which end at single bytes */
    char line_sep[16];  /* as it is in the file, n_line_sep bytes; 0: the usual ones */
    size_t n_line_sep;
    bool count_lines; /* no columns wanted: lines are counted, not parsed */
    bool splittable;  /* files that are not compressed are */
    bool pruned;      /* only wanted columns are parsed: the number of fields does not matter */
    const ch_type *schema;
    const ch_file *file;
    int32_t n_files;
    int32_t n_data; /* columns in the files: those of the schema but the corrupt one */
    int32_t n_wanted;
    int32_t *column; /* [n_wanted] position in the files, -1: the corrupt column */
    const ch_csv_converter **converter; /* [n_wanted], NULL for the corrupt column */
    bool *parse;                        /* [n_data] wanted by position */
    bool case_sensitive;
    bool ignore_missing, ignore_corrupt; /* files that are */
    bool may_fail;                       /* rows' text is needed when values do not convert */
    int64_t batch_rows, limit;
    ch_csv_sizes sizes;
    int64_t *first_morsel; /* [n_files + 1], where files are cut at fixed places */
    _Atomic int64_t next_morsel;
    /* multiLine: the end of the last morsel given out */
    pthread_mutex_t lock;
    int32_t skim_file;
    int64_t skim_at;
    bool skim_header; /* the header of skim_file is still to come */
    _Atomic int64_t bytes_done, rows, n_malformed;
    int64_t bytes_total;
    int n_slots;
    ch_csv_slot *slot;
} ch_csv_reader;

/* ---- csv_rows.c ---- */

/* The line (from 1) of a place in the decoded file; 0 if the file can no longer be read. */
int64_t ch_csv_line_of(ch_csv_reader *s, const ch_csv_slot *slot, int64_t offset);
/* Where a span's text lies, until the side buffer or the chunk changes. */
const char *ch_csv_span_text(const ch_csv_slot *slot, ch_csv_span span);
/*
 * Where the line at text.at ends, and the next begins. false: not in the chunk yet. At the end of
 * the file the rest is a line.
 */
bool ch_csv_find_line(const ch_csv_reader *s, const ch_csv_slot *slot, uint32_t *end,
                      uint32_t *next);
/*
 * n records of the index, all as expected, become rows. The first ones of a batch get no spans yet:
 * mostly no other rows join them, and columns can be made right from the index.
 */
CH_NODISCARD ch_status ch_csv_fast_rows(ch_csv_reader *s, ch_csv_slot *slot, int64_t n,
                                        ch_error *err);
/* Where the fields of wanted column w (not the corrupt one) are in the index, from record `row` on. */
ch_csv_fields ch_csv_fields_of(const ch_csv_reader *s, const ch_csv_slot *slot, int32_t w,
                               uint32_t row);
/* Do options or the text at hand ask for more than taking fields as they stand? */
bool ch_csv_is_rare(const ch_csv_reader *s, const ch_csv_slot *slot);
/* Spans of wanted column w for n rows from batch row `at` on, whose records are row, row + 1 .. */
CH_NODISCARD ch_status ch_csv_fill_spans(ch_csv_reader *s, ch_csv_slot *slot, int32_t w,
                                         uint32_t row, int64_t at, int64_t n, ch_error *err);
/* Likewise slot->whole. */
void ch_csv_fill_whole(const ch_csv_reader *s, ch_csv_slot *slot, uint32_t row, int64_t at,
                       int64_t n);
/* Gives the rows their spans that have none yet. */
CH_NODISCARD ch_status ch_csv_settle(ch_csv_reader *s, ch_csv_slot *slot, ch_error *err);
/* One line by the tokenizer: no row for blanks and comments. at: where it stands in the chunk. */
CH_NODISCARD ch_status ch_csv_one_line(ch_csv_reader *s, ch_csv_slot *slot, const char *line,
                                       int64_t len, uint32_t at, ch_error *err);
/* The line at text.at; with multiLine the next record, which may lie behind some empty lines and
 * comments. *done false: more text is needed first. */
CH_NODISCARD ch_status ch_csv_slow_line(ch_csv_reader *s, ch_csv_slot *slot, bool *done,
                                        ch_error *err);
CH_NODISCARD ch_status ch_csv_slow_record(ch_csv_reader *s, ch_csv_slot *slot, bool *done,
                                          ch_error *err);

/* ---- csv_morsel.c ---- */

/* ch_scan_class.begin */
CH_NODISCARD ch_status ch_csv_begin(ch_scan *scan, int index, bool *more, ch_error *err);
/*
 * Adds rows to the batch until it is full, the chunk is used up (*fill: more text is needed) or the
 * morsel ends (*end).
 */
CH_NODISCARD ch_status ch_csv_take_rows(ch_csv_reader *s, ch_csv_slot *slot, bool *fill, bool *end,
                                        ch_error *err);
/* Morsels of a file that is cut at fixed places, or about as many with multiLine; 1: it is not cut. */
int64_t ch_csv_morsels_of(const ch_csv_reader *s, int32_t file);

#endif
