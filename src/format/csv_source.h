/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_source.h - the text of one file, chunk by chunk: read, decompressed, decoded to UTF-8.
 *
 *   chunk   |......consumed......|at ....not yet....|len  padding
 *            ^ base: its offset in the decoded file
 *
 * A chunk is a refcounted buffer, because columns may keep it for their long strings. It is used
 * again while nobody else holds it. When a record does not fit, the next chunk is twice as large.
 */
#ifndef CH_FORMAT_CSV_SOURCE_H
#define CH_FORMAT_CSV_SOURCE_H

#include <iconv.h>

#include "codec/stream.h"
#include "format/csv_record.h"
#include "store/file.h"

typedef struct ch_csv_text {
    /* Set by the owner before open. */
    ch_mem *mem;
    const char *encoding;      /* NULL: UTF-8 */
    const ch_csv_rules *alias; /* not NULL: special characters beyond ASCII are replaced */
    int64_t chunk_bytes;
    _Atomic int64_t *bytes_done; /* stored bytes read are added here; may be NULL */

    /* The chunk */
    ch_buffer *chunk;
    char *text; /* = chunk->data */
    int64_t base;
    uint32_t at, len;
    bool eof; /* nothing follows text[len) */

    /* Private */
    ch_input *in;
    ch_codec_stream *codec;
    iconv_t iconv;
    bool has_iconv;
    int64_t file_at; /* next stored byte */
    uint8_t *packed; /* stored bytes that wait for the codec */
    size_t packed_at, n_packed;
    bool codec_end;
    char *raw; /* decoded bytes that wait for iconv or the aliases */
    size_t raw_at, n_raw;
    bool raw_eof;
    ch_buf made; /* UTF-8 that waits for the chunk */
    size_t made_at;
} ch_csv_text;

/* Opens the file (its path is borrowed) at its beginning; a BOM is skipped. */
CH_NODISCARD ch_status ch_csv_text_open(ch_csv_text *t, const ch_file *file, ch_error *err);
/* Goes on at `offset`. Only for plain files: neither compressed, nor decoded, nor with aliases. */
void ch_csv_text_seek(ch_csv_text *t, int64_t offset);
/*
 * Drops text[0, at) and reads more behind the rest; base, at and len change. Sets eof when there is
 * no more. most: read no further than this offset, at least some bytes though; -1: any.
 * Errors CH_E_IO, CH_E_CORRUPT_FILE, CH_E_MEMORY (a record that the memory limit cannot hold).
 */
CH_NODISCARD ch_status ch_csv_text_fill(ch_csv_text *t, int64_t most, ch_error *err);
/*
 * The line separator of a file, as univocity detects it: the first LF, CR or CR LF within the first
 * million characters; LF if there is none. sep[1] is 0 for one character. t is opened and closed.
 */
CH_NODISCARD ch_status ch_csv_text_detect(ch_csv_text *t, const ch_file *file, uint8_t sep[2],
                                          ch_error *err);
/*
 * What iconv calls an encoding: UTF-16 and UTF-32 are big end first unless a mark says otherwise, as in
 * Java. *skip: bytes of the mark at `first`.
 */
const char *ch_csv_iconv_name(const char *encoding, const char *first, size_t n, size_t *skip);
/* Adds bytes, decoded; *left bytes at the end make no character yet. complete: they never will. */
CH_NODISCARD ch_status ch_csv_decode(iconv_t cd, const char *encoding, const char *bytes, size_t n,
                                     bool complete, ch_buf *out, size_t *left, ch_error *err);
/* Also after a failed open. The struct may be opened again. */
void ch_csv_text_close(ch_csv_text *t);
/* Frees the chunk too. */
void ch_csv_text_release(ch_csv_text *t);

#endif
