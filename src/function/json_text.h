/* SPDX-License-Identifier: Apache-2.0 */
/* json_text.h - JSON values as text and rows, shared by the functions of JSON and its format. */
#ifndef CH_FUNCTION_JSON_TEXT_H
#define CH_FUNCTION_JSON_TEXT_H

#include "function/function.h"
#include "wire/json.h"

/* The value at node i as compact JSON, numbers as Java writes them; added to out. */
CH_NODISCARD ch_status ch_json_copy(const ch_json *json, int32_t i, ch_buf *out, ch_error *err);
/*
 * CH_E_MALFORMED_JSON of the record, of which the beginning is shown.
 *   path   of the file that it is in; NULL: none, or one that nobody knows
 */
ch_status ch_json_malformed(const char *text, int64_t len, const char *path, ch_error *err);

#endif
