/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_convert.h - from places of text to columns.
 *
 * The reader says for each row and wanted column where its text lies (a span); a converter makes a
 * whole column of spans at a time.
 */
#ifndef CH_FORMAT_CSV_CONVERT_H
#define CH_FORMAT_CSV_CONVERT_H

#include "format/csv_options.h"

/* len -1: NULL. Bit 31 of at: the text lies in the side buffer, else in the chunk. */
typedef struct ch_csv_span {
    uint32_t at;
    int32_t len;
} ch_csv_span;
#define CH_CSV_SIDE UINT32_C(0x80000000)

/* What all columns of a batch share. */
typedef struct ch_csv_source {
    ch_buffer *chunk; /* borrowed; 16 readable bytes lie behind any value */
    const char *side; /* likewise */
    int64_t n_rows;
    uint32_t chunk_len; /* bytes of chunk that are the batch's */
    uint64_t *bad;      /* bit set: the row is malformed; converters set more */
} ch_csv_source;

/*
 * The fields of one column in the index (csv_scan.h), one record after the other: the field is
 * pos[0] + 1 .. pos[1], the next one's pos is pos + stride.
 */
typedef struct ch_csv_fields {
    const uint32_t *pos;
    uint32_t stride;
    char quote;
    bool all_quoted; /* each field ends with its quote */
    bool strip_cr;   /* a CR before the end is no text */
} ch_csv_fields;

/* The text of a field, without its quotes. The flags may be constants for loops of their own. */
static inline ch_csv_span ch_csv_field_span(const char *chunk, const uint32_t *pos, char quote,
                                            bool all_quoted, bool strip_cr)
{
    uint32_t from = pos[0] + 1, to = pos[1];
    if (strip_cr)
        to -= to > from && chunk[to - 1] == '\r';
    uint32_t quoted = all_quoted || chunk[from] == quote; /* an empty field begins with its end */
    from += quoted;
    to -= quoted;
    return (ch_csv_span){.at = from, .len = (int32_t)(to - from)};
}

/* One column's way of conversion; made once, used by all threads. */
typedef struct ch_csv_converter ch_csv_converter;

/*
 * field: a column of the schema. Lives in arena.
 * Errors CH_E_UNSUPPORTED_TYPE_FOR_FORMAT, INVALID_DATETIME_PATTERN, unknown time zones.
 */
CH_NODISCARD ch_status ch_csv_converter_make(const ch_csv_options *options, const ch_field *field,
                                             ch_arena *arena, const ch_csv_converter **out,
                                             ch_error *err);
/* Values that do not convert become NULL and set their row's bit in source->bad. */
CH_NODISCARD ch_status ch_csv_convert(const ch_csv_converter *converter,
                                      const ch_csv_source *source, const ch_csv_span *span,
                                      ch_mem *mem, ch_column **out, ch_error *err);

/* Can the following be asked? So it is with text. */
bool ch_csv_converts_fields(const ch_csv_converter *converter);
/* As ch_csv_convert, of n_rows fields as they stand in the chunk; empty ones are NULL. */
CH_NODISCARD ch_status ch_csv_convert_fields(const ch_csv_converter *converter,
                                             const ch_csv_source *source,
                                             const ch_csv_fields *fields, ch_mem *mem,
                                             ch_column **out, ch_error *err);

/* As Java's Double.parseDouble: "NaN" and "Infinity" in this spelling only. */
bool ch_csv_java_double(const char *text, int64_t len, double *out);

#endif
