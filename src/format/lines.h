/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines.h - formats whose records are lines: files cut into morsels at line ends, and files of lines
 * written. What a line means is the format's.
 */
#ifndef CH_FORMAT_LINES_H
#define CH_FORMAT_LINES_H

#include "codec/stream.h"
#include "format/format.h"

/* A line without its end, or a whole file. */
typedef struct ch_line {
    const char *text;
    int64_t len;
    const char *path;  /* of the file */
    ch_buffer *buffer; /* that the text lies in, which rows may share */
} ch_line;

/* How lines become rows; one state for each slot. */
typedef struct ch_line_class {
    const char *name;
    CH_NODISCARD ch_status (*open)(const ch_format_context *ctx, const ch_scan_spec *spec,
                                   void *user, void **state, ch_error *err);
    /* rows: how many it made; malformed: it broke the rules. */
    CH_NODISCARD ch_status (*add)(void *state, const ch_line *line, int64_t *rows, bool *malformed,
                                  ch_error *err);
    /* The wanted columns of all rows since the last time, into out->col. */
    CH_NODISCARD ch_status (*finish)(void *state, ch_batch *out, ch_error *err);
    void (*close)(void *state);
} ch_line_class;

typedef struct ch_line_options {
    const char *line_sep; /* NULL: LF, CR or both */
    const char *encoding; /* NULL: UTF-8 */
    bool whole;           /* a file is one record */
} ch_line_options;

/* ctx is copied; spec as in ch_format.scan; user is handed to open. */
CH_NODISCARD ch_status ch_lines_open(const ch_format_context *ctx, const ch_scan_spec *spec,
                                     const ch_line_class *cls, const ch_line_options *options,
                                     void *user, ch_scan **out, ch_error *err);

/* ---- writing ---- */

typedef struct ch_line_writer ch_line_writer;

CH_NODISCARD ch_status ch_line_writer_new(const ch_format_context *ctx, const char *path,
                                          const ch_strmap *options, ch_line_writer **out,
                                          ch_error *err);
/* Text of lines, ends and all. */
CH_NODISCARD ch_status ch_line_writer_add(ch_line_writer *w, const char *text, size_t len,
                                          ch_error *err);
/* Both free. */
CH_NODISCARD ch_status ch_line_writer_finish(ch_line_writer *w, ch_error *err);
void ch_line_writer_abandon(ch_line_writer *w);

/* ch_format.codec_extension for options called compression or codec. */
CH_NODISCARD ch_status ch_line_codec_extension(const ch_strmap *options, const char **out,
                                               ch_error *err);

#endif
