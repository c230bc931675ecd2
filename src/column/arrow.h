/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arrow.h - columns to and from Arrow's C Data and C Stream Interface.
 *
 * Out: FLAT columns leave without a copy, their buffers shared with the exported array; DICT and
 * CONST are made FLAT first. Formats are those of type/type.h; with `classic` set, strings
 * and binaries are copied to offsets and bytes ("u", "z") and narrow decimals widened to 128 bits, for
 * libraries from before Arrow 18.
 *
 * In: all of Arrow's layouts but unions and run-end encoding, at any offset.
 *
 *   Arrow                                        Chert
 *   uint8 uint16 uint32 uint64 float16           SHORT INT LONG DECIMAL(20,0) FLOAT
 *   utf8, large_utf8, utf8_view; binary likewise STRING; BINARY
 *   fixed_size_binary                            BINARY
 *   decimal32/64/128/256 (p, s), 0 <= s <= p <= 38   DECIMAL(p, s)
 *   date32, date64                               DATE
 *   time32, time64                               TIME(6)
 *   timestamp[s|ms|us|ns] with a zone / without  TIMESTAMP / TIMESTAMP_NTZ, finer parts cut off
 *   duration; interval months / day-time / mdn   DAY TO SECOND; YEAR TO MONTH / INTERVAL / INTERVAL
 *   list, large_list, list_view, fixed_size_list ARRAY
 *   dictionary                                   DICT
 *
 * Buffers that are aligned to 64 bytes are shared with the array, which is released when the last
 * column is gone, and are charged to the account until then; others are copied.
 */
#ifndef CH_COLUMN_ARROW_H
#define CH_COLUMN_ARROW_H

#include "column/arrow_abi.h"
#include "column/batch.h"

typedef struct ch_arrow_options {
    bool classic;
    const char *time_zone; /* written into TIMESTAMP's format; NULL is "UTC". Values are the same */
} ch_arrow_options;

/* ---- out ---- */

/*
 * Describes a field; for a whole result, type is its STRUCT and name "".
 *   out     gives    call out->release(out); untouched on error, but its release is NULL
 */
CH_NODISCARD ch_status ch_arrow_export_type(ch_mem *mem, const ch_type *type, const char *name,
                                            bool nullable, const ch_arrow_options *options,
                                            struct ArrowSchema *out, ch_error *err);
/* column  shares; mem pays for the structs and what must be copied. */
CH_NODISCARD ch_status ch_arrow_export_column(ch_mem *mem, ch_column *column,
                                              const ch_arrow_options *options,
                                              struct ArrowArray *out, ch_error *err);
/* The batch's selected rows as a struct array. */
CH_NODISCARD ch_status ch_arrow_export_batch(ch_mem *mem, ch_batch *batch,
                                             const ch_arrow_options *options,
                                             struct ArrowArray *out, ch_error *err);

/* Where an exported stream gets its batches. */
typedef struct ch_batch_source {
    /* Gives a batch; one with n_cols 0 and n 0 ends the stream. */
    CH_NODISCARD ch_status (*next)(void *self, ch_batch *out, ch_error *err);
    void (*close)(void *self); /* once, at the end */
    void *self;
} ch_batch_source;

/*
 * source  takes (closed when the stream is released, or at once when this fails)
 * schema  STRUCT
 */
CH_NODISCARD ch_status ch_arrow_export_stream(ch_mem *mem, const ch_type *schema,
                                              ch_batch_source source,
                                              const ch_arrow_options *options,
                                              struct ArrowArrayStream *out, ch_error *err);

/* ---- in ---- */

/* Errors CH_E_UNSUPPORTED, CH_E_INVALID_ARROW. schema is borrowed in all of these. */
CH_NODISCARD ch_status ch_arrow_import_type(const struct ArrowSchema *schema, const ch_type **out,
                                            ch_error *err);
/*
 * array   takes (moved: array->release is NULL afterwards, also on error)
 * out     gives any encoding
 */
CH_NODISCARD ch_status ch_arrow_import_column(ch_mem *mem, const struct ArrowSchema *schema,
                                              struct ArrowArray *array, ch_column **out,
                                              ch_error *err);
/*
 * Is the array one that may be imported: are its buffers there, do its offsets and views stay inside of them? For
 * arrays whose producer may be wrong. schema: one that ch_arrow_check_type has seen, and ch_arrow_import_type.
 * Errors CH_E_INVALID_ARROW. Cost: O(rows) for texts and lists.
 */
CH_NODISCARD ch_status ch_arrow_check_type(const struct ArrowSchema *schema, ch_error *err);
CH_NODISCARD ch_status ch_arrow_check(const struct ArrowSchema *schema,
                                      const struct ArrowArray *array, ch_error *err);
/* A struct array as a batch (rows that are NULL as a whole have NULL in each column). */
CH_NODISCARD ch_status ch_arrow_import_batch(ch_mem *mem, const struct ArrowSchema *schema,
                                             struct ArrowArray *array, ch_batch *out,
                                             ch_error *err);

/* Reads a stream: open, next until out->n_cols and out->n are 0, close. */
typedef struct ch_arrow_reader {
    ch_mem *mem;
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    const ch_type *type; /* STRUCT */
} ch_arrow_reader;

/* stream  takes (moved), also on error. */
CH_NODISCARD ch_status ch_arrow_reader_open(ch_arrow_reader *reader, ch_mem *mem,
                                            struct ArrowArrayStream *stream, ch_error *err);
CH_NODISCARD ch_status ch_arrow_reader_next(ch_arrow_reader *reader, ch_batch *out, ch_error *err);
void ch_arrow_reader_close(ch_arrow_reader *reader);

#endif
