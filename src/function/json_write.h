/* SPDX-License-Identifier: Apache-2.0 */
/* json_write.h - rows to JSON text, after Spark's JacksonGenerator; and the schema that JSON text has. */
#ifndef CH_FUNCTION_JSON_WRITE_H
#define CH_FUNCTION_JSON_WRITE_H

#include "function/json_read.h"

typedef struct ch_json_writer ch_json_writer;

/* options are borrowed. */
CH_NODISCARD ch_status ch_json_writer_new(ch_mem *mem, const ch_json_options *options,
                                          ch_json_writer **out, ch_error *err);
void ch_json_writer_free(ch_json_writer *writer);
/* Row i of a column of any type and encoding, added to out. */
CH_NODISCARD ch_status ch_json_write(ch_json_writer *writer, const ch_column *column, int64_t i,
                                     ch_buf *out, ch_error *err);

/* The type of node i, after JsonInferSchema: NULL where only nulls are; members in order of their names. */
CH_NODISCARD ch_status ch_json_infer(const ch_json *json, int32_t i, const ch_json_options *options,
                                     ch_arena *arena, const ch_type **out, ch_error *err);
/*
 * Is a type that inference gave already what it would give with node i too? A quick yes, for most values; no
 * may mean only that the long way must be gone.
 */
bool ch_json_fits(const ch_json *json, int32_t i, const ch_json_options *options,
                  const ch_type *type);
/* One type for two; NULL without memory. */
const ch_type *ch_json_widest(const ch_type *a, const ch_type *b, ch_arena *arena, ch_error *err);
/*
 * What inference gives in the end: STRING for what was never more than null, unless options drop it. *out NULL: nothing at
 * all, such as a struct without fields.
 */
CH_NODISCARD ch_status ch_json_inferred(const ch_type *type, const ch_json_options *options,
                                        ch_arena *arena, const ch_type **out, ch_error *err);

#endif
