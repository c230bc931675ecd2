/* SPDX-License-Identifier: Apache-2.0 */
/* json_scalar.h - inside of json_read.c and json_scalar.c: the state of a reader, and single values. */
#ifndef CH_FUNCTION_JSON_SCALAR_H
#define CH_FUNCTION_JSON_SCALAR_H

#include "function/json_build.h"
#include "function/json_read.h"
#include "type/datetime.h"

struct ch_json_rows {
    ch_mem *mem;
    ch_arena arena;
    const ch_json_options *options;
    ch_json json;
    ch_json_builder root;
    /* The column that texts come from, all of them until finish, if long strings may stay there; or NULL. The text at
     * hand is in its buffer share_buf from share_at on; -1: it is not. */
    const ch_column *source;
    int32_t share_buf;
    int64_t share_at, source_bytes;
    /* Or they come from buffers, which such a column is made of when it is known that they are shared. */
    ch_buffer *buffer; /* of the text at hand; NULL: none, or it is in the column */
    ch_column *buffers;
    ch_buf scratch, bytes;
    ch_buf repaired; /* the text at hand, if it was no UTF-8 */
    const ch_zone *zone;
    const ch_pattern *date, *timestamp, *ntz;
    int32_t corrupt;          /* field of the root struct; -1 = none */
    bool bad_seen, bad_fatal; /* of a text with a word that is no JSON (ch_json.bad) */
};

/*
 * Adds the value of node i, which is not null, to the builder of a type that is not nested. Where it does not fit,
 * *fits is false and nothing is added.
 */
CH_NODISCARD ch_status ch_json_scalar(ch_json_rows *rows, ch_json_builder *b, int32_t i, bool *fits,
                                      ch_error *err);
/* The characters of a string, until the next one; in the scratch buffer if it has escapes. */
CH_NODISCARD ch_status ch_json_string_of(ch_json_rows *rows, const ch_json_node *string,
                                         ch_str *out, ch_error *err);

#endif
