/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_scan.h - where fields and records end: the structural index of a piece of CSV text.
 *
 *   text   "a","b, c"\n"d","e"\n          start = 0
 *   pos     ^  ^     ^   ^   ^
 *          -1  3     10  14  18           pos[0] = start - 1
 *   row     0        2       4            row[i]: which pos is the i-th newline
 *
 *   record i lies in  pos[row[i]] + 1 .. pos[row[i + 1]]
 *   field f of it in  pos[row[i] + f] + 1 .. pos[row[i] + f + 1]
 *
 * The scan goes on as long as the text is *regular*:
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
 * quotes, by carry-less multiplication (Langdale & Lemire, Parsing gigabytes of JSON per second).
 */
#ifndef CH_FORMAT_CSV_SCAN_H
#define CH_FORMAT_CSV_SCAN_H

#include <stdbool.h>
#include <stdint.h>

/* Readable bytes the text must have behind its end. */
#define CH_CSV_PADDING 64
/* Free entries pos and row must have behind cap_pos and cap_rows. */
#define CH_CSV_SLACK 64

typedef struct ch_csv_dialect {
    uint8_t sep, quote, escape; /* ASCII */
    bool multi_line;            /* newlines may stand within quotes */
    bool crlf;                  /* CR LF is a newline; else a CR outside quotes is irregular */
    bool no_fields;             /* only newlines matter: quotes and separators are plain text */
} ch_csv_dialect;

typedef struct ch_csv_index {
    uint32_t *pos, *row;
    uint32_t cap_pos, cap_rows;
    uint32_t n_pos, n_rows; /* of pos[1 ..] and row[1 ..] */
    uint32_t end;           /* every byte before it was looked at */
    bool irregular;         /* the byte at end broke a rule */
    bool non_ascii, has_cr; /* seen before end, or up to a block behind it */
    bool has_doubled;       /* two quotes within quotes, likewise */
} ch_csv_index;

/*
 * Indexes text[start, len); start is the beginning of a record, and len <= UINT32_MAX / 2.
 * Stops at len, at an irregular byte, or when pos or row is full.
 *   text   borrows  CH_CSV_PADDING readable bytes behind len; text[len] is looked at to see whether a
 *                   CR at len - 1 has its LF
 * Cost about 0.2 ns a byte with AVX2.
 */
void ch_csv_scan(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                 ch_csv_index *index);

/* The twins behind it; for tests. The second is NULL where the machine cannot run it. */
typedef void (*ch_csv_scan_fn)(const ch_csv_dialect *, const char *, uint32_t, uint32_t,
                               ch_csv_index *);
void ch_csv_scan_scalar(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                        ch_csv_index *index);
ch_csv_scan_fn ch_csv_scan_simd(void);
void ch_csv_scan_avx2(const ch_csv_dialect *d, const char *text, uint32_t start, uint32_t len,
                      ch_csv_index *index);

#endif
