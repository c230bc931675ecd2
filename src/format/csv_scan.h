/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_scan.h - where fields and records end: the structural index of a piece of CSV text.
 *
 * Of each record only the ends around wanted fields are kept, and its newline. All three fields:
 *
 *   text   "a","b, c",1\n"d","e",2\n       start = 0, n_kept = 3
 *   pos     ^  ^      ^ ^   ^   ^ ^
 *          -1  3      9 11  15 19 21       pos[0] = start - 1
 *
 *   record i lies in           pos[i * n_kept] + 1          .. pos[(i + 1) * n_kept]
 *   wanted field f of it in    pos[i * n_kept + place] + 1  .. pos[i * n_kept + place + 1]
 *
 * and with none but the last wanted, n_kept = 2:  pos = -1  9 11  19 21
 *
 * The scan goes on as long as the text is *regular*:
 *   - each record has n_fields fields
 *   - a quote opens a field right after a separator, newline or the start, and closes it right
 *     before a separator or newline (CR LF counts as one newline)
 *   - within quotes there is no escape character, and no newline unless multi_line
 *   - with escape == quote, two quotes within quotes stand for one, and within quotes is no NUL,
 *     which the tokenizer takes for an escape then
 *   - no CR stands without its LF; with multi_line and crlf no LF without its CR either, and no CR
 *     within quotes, where CR LF turns into LF
 * At the first byte that breaks a rule the scan stops with `irregular` set; the record that holds it
 * is for csv_record.h, which knows what Spark makes of it, and the scan starts anew behind it.
 *
 * Method: 64 bytes at a time, one bit per byte; quoted stretches are a prefix sum modulo 2 of the
 * quotes, by carry-less multiplication (Langdale & Lemire, Parsing gigabytes of JSON per second). The
 * ends among those bits are in turn a short string of bits; a record's shape says which of them must be
 * newlines and which are kept.
 */
#ifndef CH_FORMAT_CSV_SCAN_H
#define CH_FORMAT_CSV_SCAN_H

#include "base/arena.h"

/* Readable bytes the text must have behind its end. */
#define CH_CSV_PADDING 64
/* Free entries pos must have behind cap_pos. */
#define CH_CSV_SLACK 576

typedef struct ch_csv_dialect {
    uint8_t sep, quote, escape; /* ASCII */
    bool multi_line;            /* newlines may stand within quotes */
    bool crlf;                  /* CR LF is a newline; else a CR outside quotes is irregular */
    bool no_fields;             /* only newlines matter: quotes and separators are plain text */
} ch_csv_dialect;

/* What regular records look like, and what of them is kept. */
typedef struct ch_csv_shape {
    uint32_t n_fields, n_kept;
    uint32_t *place;   /* [n_fields], of those wanted */
    uint64_t *keep;    /* [n_fields] bit k of keep[i]: the end k behind end i is kept */
    uint64_t *newline; /* [n_fields] likewise: it is a newline */
    uint32_t *next;    /* [n_fields + 64] i modulo n_fields */
} ch_csv_shape;

/*
 * The shape of records of n_fields >= 1 fields, of which wanted[i] are asked for (NULL: none).
 *   out  gives  lives in arena: about 24 bytes a field
 * Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_csv_shape_make(uint32_t n_fields, const bool *wanted, ch_arena *arena,
                                         ch_csv_shape *out, ch_error *err);

typedef struct ch_csv_index {
    uint32_t *pos;
    uint32_t cap_pos;
    uint32_t n_pos;         /* of pos[1 ..]; the last ones may belong to a record without its end */
    uint32_t n_rows;        /* complete records */
    uint32_t end;           /* every byte before it was looked at */
    bool irregular;         /* the byte at end broke a rule */
    bool non_ascii, has_cr; /* seen before end, or some blocks behind it */
    bool has_doubled;       /* two quotes within quotes, likewise */
    bool has_bare;          /* a field that does not end with its quote, likewise */
} ch_csv_index;

/*
 * Indexes text[start, len); start is the beginning of a record, and len <= UINT32_MAX / 2.
 * Stops at len, at an irregular byte, or when pos is full.
 *   text   borrows  CH_CSV_PADDING readable bytes behind len; text[len] is looked at to see whether a
 *                   CR at len - 1 has its LF
 * Cost about 0.15 ns a byte with AVX2.
 */
void ch_csv_scan(const ch_csv_dialect *d, const ch_csv_shape *shape, const char *text,
                 uint32_t start, uint32_t len, ch_csv_index *index);

/* The twins behind it; for tests. The second is NULL where the machine cannot run it. */
typedef void (*ch_csv_scan_fn)(const ch_csv_dialect *, const ch_csv_shape *, const char *, uint32_t,
                               uint32_t, ch_csv_index *);
void ch_csv_scan_scalar(const ch_csv_dialect *d, const ch_csv_shape *shape, const char *text,
                        uint32_t start, uint32_t len, ch_csv_index *index);
ch_csv_scan_fn ch_csv_scan_simd(void);
void ch_csv_scan_avx2(const ch_csv_dialect *d, const ch_csv_shape *shape, const char *text,
                      uint32_t start, uint32_t len, ch_csv_index *index);

#endif
