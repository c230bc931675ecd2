/* SPDX-License-Identifier: Apache-2.0 */
/*
 * format_value.h - any value as text: CAST AS STRING, show(), JSON.
 *
 *   style    NULL inside   binary          decimal            array     map          struct
 *   CAST     null          its bytes       1E-7, ANSI: plain  [1, 2]    {a -> 1}     {1, x y}
 *   PRETTY   NULL          [61 62]         plain              [1, 2]    {a -> 1}     {1, x y}
 *   JSON     null          "YWI="          1E-7               [1,2]     {"a":1}      {"a":1,"b":"x y"}
 *
 * CAST is Spark's CAST(value AS STRING), PRETTY what DataFrame.show() puts into its cells
 * (ToPrettyString), JSON what to_json() and the JSON data source write, with fields that are
 * NULL left out. Text is UTF-8 as it is in the column; JSON escapes quotes, backslashes and
 * control characters and replaces malformed bytes by U+FFFD.
 */
#ifndef CH_COLUMN_FORMAT_VALUE_H
#define CH_COLUMN_FORMAT_VALUE_H

#include "column/column.h"
#include "type/timezone.h"

typedef enum ch_value_style { CH_VALUE_CAST, CH_VALUE_PRETTY, CH_VALUE_JSON } ch_value_style;

typedef struct ch_value_format {
    ch_value_style style;
    bool ansi;           /* CAST: decimals never get an exponent */
    const ch_zone *zone; /* of the session, for TIMESTAMP */
} ch_value_format;

/*
 * Appends row i; any encoding. A NULL row appends the style's word for NULL (NULL at the top level of
 * CAST, which has none).
 * Cost   a call per value: for rows that a person or a text file gets, not for kernels.
 * Errors CH_E_MEMORY.
 */
CH_NODISCARD ch_status ch_format_value(const ch_value_format *format, const ch_column *c, int64_t i,
                                       ch_buf *out, ch_error *err);

#endif
