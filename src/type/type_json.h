/* SPDX-License-Identifier: Apache-2.0 */
/*
 * type_json.h - types as Spark's JSON: StructType.json, what Parquet footers, Delta logs and catalogs
 * keep a schema in.
 */
#ifndef CH_TYPE_TYPE_JSON_H
#define CH_TYPE_TYPE_JSON_H

#include "type/type.h"

/* {"type":"struct","fields":[{"name":"a","type":"integer","nullable":true,"metadata":{}}]} */
CH_NODISCARD ch_status ch_type_print_json(const ch_type *type, ch_buf *out, ch_error *err);
/*
 * Reads it back; *out is NULL where the text is not such JSON or nests deeper than 64 types (that
 * is no error: the caller knows what to say, or has another source). Metadata is kept as
 * text, {} as NULL; user-defined types become their SQL type.
 */
CH_NODISCARD ch_status ch_type_parse_json(const char *text, size_t len, const ch_type **out,
                                          ch_error *err);

#endif
