/* SPDX-License-Identifier: Apache-2.0 */
/* cast.h - what the parts of CAST share: cast.c (the way in), cast_number.c, cast_text.c, cast_time.c. */
#ifndef CH_FUNCTION_CAST_H
#define CH_FUNCTION_CAST_H

#include "function/support.h"
#include "type/timezone.h"

/* One cast of a FLAT column, row by row into `out`, whose NULLs are those of `in`. */
typedef struct ch_cast_job {
    const ch_column *in;
    ch_column *out;
    const ch_type *from, *to;
    int64_t rows;
    ch_cast_mode mode;
    const ch_func_context *ctx;
    const ch_zone *zone; /* the session's */
    ch_mem *mem;
} ch_cast_job;

typedef enum ch_cast_fault {
    CH_CAST_MALFORMED,
    CH_CAST_TOO_LARGE,
    CH_CAST_NOT_DECIMAL
} ch_cast_fault;

/* Row i cannot be cast: nothing if it is NULL, NULL in the lenient modes, else the error. */
CH_NODISCARD ch_status ch_cast_bad(const ch_cast_job *job, int64_t i, ch_cast_fault fault,
                                   ch_error *err);

/* Each does all rows; the pair of types was accepted before. */
CH_NODISCARD ch_status ch_cast_to_number(const ch_cast_job *job, ch_error *err);
CH_NODISCARD ch_status ch_cast_from_text(const ch_cast_job *job, ch_error *err);
CH_NODISCARD ch_status ch_cast_to_text(const ch_cast_job *job, ch_error *err);
CH_NODISCARD ch_status ch_cast_to_time(const ch_cast_job *job, ch_error *err);

/* Prints value i of a FLAT, not nested column as CAST AS STRING does, to at most 128 bytes; not
 * for views. */
int ch_cast_print(const ch_cast_job *job, const ch_column *in, int64_t i, char *out);

#endif
